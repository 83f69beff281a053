"""A curve that only falls: held by evidence, failed by a rise; what is flat, noisy or missing decides nothing."""

import numpy as np
import pytest

from benign.curves import Verdict
from benign.curves.falling import falling_claim
from benign.foundation.errors import InvalidArgument

POSITIONS = np.geomspace(10.0, 100.0, 200)
EDGES = np.geomspace(10.0, 100.0, 11)
FALL = POSITIONS**-0.5
# Beyond 60 it rises to 1.3 times the lowest.
TURN = np.where(POSITIONS < 60.0, FALL, FALL * np.exp(np.log(POSITIONS / 60.0) * 1.2))
HUMP = FALL * np.exp(0.4 * np.exp(-30.0 * np.log(POSITIONS / 40.0) ** 2))


def _found(curve, noise=0.02, replicates=10, seed=0, **options):
    random = np.random.default_rng(seed)
    shape = (replicates, len(POSITIONS))
    # A level of each replicate's own, which the pairing takes away.
    levels = np.exp(random.standard_normal((replicates, 1)))
    values = curve * levels * np.exp(noise * random.standard_normal(shape))
    return falling_claim(name="n", claim="c", positions=POSITIONS, values=values, edges=EDGES, **options)


@pytest.mark.parametrize(
    ("curve", "noise", "verdict"),
    [
        (FALL, 0.02, Verdict.HOLDS),
        (TURN, 0.02, Verdict.FAILS),
        (HUMP, 0.02, Verdict.FAILS),
        (POSITIONS**0.5, 0.02, Verdict.FAILS),
        (np.ones_like(POSITIONS), 0.02, Verdict.UNDECIDED),
        (FALL, 3.0, Verdict.UNDECIDED),
    ],
    ids=["falls", "rises at the end", "a hump", "rises", "flat", "too noisy to tell"],
)
def test_verdicts(curve, noise, verdict):
    assert _found(curve, noise).verdict is verdict


def test_the_effect_is_the_largest_rise():
    found = _found(TURN, noise=0.001)
    block = np.minimum(np.searchsorted(EDGES, POSITIONS, side="right") - 1, 9)
    blocks = [np.mean(np.log(TURN[block == i])) for i in range(10)]
    rise = max(blocks[j] - blocks[i] for j in range(10) for i in range(j))
    assert found.effect == pytest.approx(np.exp(rise), rel=0.01)
    assert found.interval[0] < found.effect < found.interval[1]
    assert _found(FALL, noise=0.001).effect == pytest.approx(10.0**-0.05, rel=0.01)


def test_a_rise_below_the_factor_counts_as_none():
    assert _found(TURN, factor=1.5).verdict is Verdict.HOLDS


def test_wrong_in_at_most_one_of_twenty():
    """Held where the last block is higher by the factor itself, failed where a curve is flat after its start."""
    block = np.minimum(np.searchsorted(EDGES, POSITIONS, side="right") - 1, 9)
    edge = np.exp(-0.3 * np.minimum(block, 8)) * np.where(block == 9, 1.05, 1.0)
    flat = np.where(block == 0, 1.3, 1.0)
    held = [_found(edge, noise=0.5, seed=seed).verdict is Verdict.HOLDS for seed in range(200)]
    failed = [_found(flat, noise=0.5, seed=seed, factor=1.0 + 1e-9).verdict is Verdict.FAILS for seed in range(200)]
    assert np.mean(held) <= 0.08
    assert np.mean(failed) <= 0.08


def test_too_few_replicates_and_risks_that_are_not_positive_decide_nothing():
    assert _found(FALL, replicates=1).verdict is Verdict.UNDECIDED
    values = np.tile(FALL, (5, 1))
    values[0, 50] = 0.0
    found = falling_claim(name="n", claim="c", positions=POSITIONS, values=values, edges=EDGES)
    assert found.verdict is Verdict.UNDECIDED
    assert np.isnan(found.effect)


def test_columns_without_a_number_are_left_out():
    values = np.tile(FALL, (5, 1)) * np.geomspace(1.0, 2.0, 5)[:, None]
    values[2, 60] = np.nan
    found = falling_claim(name="n", claim="c", positions=POSITIONS, values=values, edges=EDGES)
    assert found.verdict is Verdict.HOLDS


def test_a_block_without_a_position_is_refused():
    with pytest.raises(InvalidArgument, match="`edges`"):
        falling_claim(
            name="n", claim="c", positions=POSITIONS, values=np.tile(FALL, (5, 1)), edges=np.array([10.0, 200.0, 300.0])
        )
