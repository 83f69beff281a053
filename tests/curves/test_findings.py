"""Findings: closed cases, and how often they are wrong."""

from __future__ import annotations

import inspect
import json

import numpy as np
import pytest

from benign.curves import Verdict, cross_fitted_difference, interval_claim, paired_claim
from benign.foundation.errors import InvalidArgument

RUNS = 2000


def _unchecked(function):
    """Without the tests' own check of shapes, which would refuse bad input before the function can say why."""
    return inspect.unwrap(function)


def claim(differences, **options):
    return _unchecked(paired_claim)(
        name="n", claim="A is larger", differences=np.asarray(differences, dtype=float), **options
    )


def crossed(values, **options):
    return _unchecked(cross_fitted_difference)(name="n", claim="big beats small", values=values, **options)


@pytest.mark.parametrize(
    ("shift", "verdict", "sign"),
    [(3.0, Verdict.HOLDS, "✓"), (-3.0, Verdict.FAILS, "✗"), (0.1, Verdict.UNDECIDED, "?")],
)
@pytest.mark.parametrize("statistic", ["mean", "median"])
def test_paired_claim(shift, verdict, sign, statistic):
    finding = claim(shift + np.linspace(-1.0, 1.0, 10), statistic=statistic, unit="loss", paper="Fig. 2")
    assert finding.verdict is verdict
    assert finding.verdict.sign == sign
    assert finding.effect == pytest.approx(shift)
    assert (finding.needed_replicates is None) == (verdict is not Verdict.UNDECIDED)
    assert f"A is larger: {verdict.value}" in finding.sentence
    assert finding.sentence.endswith("Paper: Fig. 2.")


def test_margin_moves_the_verdict():
    differences = 0.5 + 0.01 * np.linspace(-1.0, 1.0, 10)
    assert claim(differences, margin=0.4).verdict is Verdict.HOLDS
    assert claim(differences, margin=0.6).verdict is Verdict.FAILS
    assert claim(differences, margin=0.5).verdict is Verdict.UNDECIDED


def test_needed_replicates_is_the_smallest_number_that_decides():
    differences = 0.3 + np.linspace(-1.0, 1.0, 10)
    needed = claim(differences).needed_replicates
    spread = np.std(differences, ddof=1)

    def decides(R):  # as many differences with the same mean and spread
        pattern = np.resize([1.0, -1.0], R) if R % 2 == 0 else np.append(np.resize([1.0, -1.0], R - 1), 0.0)
        return claim(0.3 + pattern / np.std(pattern, ddof=1) * spread).verdict is Verdict.HOLDS

    assert needed is not None
    assert decides(needed)
    assert not decides(needed - 1)


def test_no_effect_needs_no_number():
    assert claim([1.0, -1.0]).needed_replicates is None
    assert claim([1.0]).verdict is Verdict.UNDECIDED


def test_a_difference_that_is_no_number_leaves_the_claim_undecided():
    finding = claim([5.0, 5.1, np.nan, 5.2])
    assert finding.verdict is Verdict.UNDECIDED
    assert "1 differences are no number" in finding.sentence
    assert finding.to_dict()["effect"] is None


@pytest.mark.parametrize(
    ("interval", "verdict"),
    [
        ((0.96, 1.04), Verdict.HOLDS),
        ((0.95, 1.05), Verdict.HOLDS),
        ((1.06, 1.2), Verdict.FAILS),
        ((0.1, 0.9), Verdict.FAILS),
        ((1.0, 1.1), Verdict.UNDECIDED),
        ((0.5, np.inf), Verdict.UNDECIDED),
        ((np.nan, np.nan), Verdict.UNDECIDED),
    ],
)
def test_interval_claim(interval, verdict):
    finding = interval_claim(
        name="n", claim="at n", estimate=1.0, interval=interval, allowed=(0.95, 1.05), replicates=10
    )
    assert finding.verdict is verdict


def test_interval_claim_says_how_many_replicates_would_do():
    finding = interval_claim(
        name="n", claim="at n", estimate=1.0, interval=(0.9, 1.1), allowed=(0.95, 1.2), replicates=10
    )
    assert finding.needed_replicates == 41


def test_to_dict_is_json():
    finding = interval_claim(
        name="n", claim="at n", estimate=1.0, interval=(0.9, np.inf), allowed=(0.95, 1.2), replicates=10
    )
    plain = json.loads(json.dumps(finding.to_dict(), allow_nan=False))
    assert plain["interval"] == [0.9, None]
    assert plain["verdict"] == "undecided"


def u_curve(random, K=40, *, R=10, spread=0.2):
    axis = np.linspace(-1.0, 1.0, K)
    return axis**2 + spread * random.normal(size=(R, K)) / 4 + spread * random.normal(size=(R, 1))


def test_cross_fitted_difference_finds_the_better_side():
    random = np.random.default_rng(0)
    reference = 3.0 + u_curve(random)
    good, bad = reference[:, 20] - 1.0, reference[:, 20] + 1.0
    assert crossed((reference, good), unit="loss").verdict is Verdict.HOLDS
    assert crossed((reference, bad), unit="loss").verdict is Verdict.FAILS
    assert crossed((reference, good), unit="loss").unit == "log10 ratio of loss"
    both = np.column_stack([bad, good])
    assert crossed((reference, both)).verdict is Verdict.HOLDS
    raw = crossed((reference - 5.0, good - 5.0), unit="loss")
    assert raw.unit == "loss"
    assert raw.verdict is Verdict.HOLDS
    assert raw.effect == pytest.approx(1.0, abs=0.2)


def test_cross_fitted_difference_does_not_depend_on_the_order_of_replicates():
    random = np.random.default_rng(0)
    reference = u_curve(random)
    candidate = reference[:, 20:24] - 0.05
    assert crossed((reference[::-1].copy(), candidate[::-1].copy())) == crossed((reference, candidate))


def test_cross_fitted_difference_of_few_replicates_is_undecided():
    assert crossed((np.ones((3, 4)), np.ones(3))).verdict is Verdict.UNDECIDED


def test_a_heavy_tailed_reference_far_from_its_minimum_does_no_harm():
    random = np.random.default_rng(0)
    reference = np.exp(u_curve(random))
    reference[:, -1] *= np.exp(3.0 + 3.0 * np.abs(random.standard_t(2, size=10)))
    assert crossed((reference, 0.3 * reference[:, 20])).verdict is Verdict.HOLDS


@pytest.mark.parametrize("statistic", ["mean", "median"])
def test_paired_claims_are_wrong_in_at_most_five_percent(statistic):
    random = np.random.default_rng(1)
    samples = random.standard_t(3, size=(RUNS, 10)) if statistic == "median" else random.normal(size=(RUNS, 10))
    decided = [claim(row, statistic=statistic).verdict is not Verdict.UNDECIDED for row in samples]
    # The truth is zero, so every decision is wrong: 5 % for t, 2 * 11 / 1024 for the median; 3 standard errors beside.
    expected = 0.05 if statistic == "mean" else 22.0 / 1024.0
    assert abs(np.mean(decided) - expected) < 3.0 * np.sqrt(expected * (1.0 - expected) / RUNS)


@pytest.mark.parametrize("shape", ["U", "flat"])
@pytest.mark.parametrize("spread", [0.1, 1.0])
def test_cross_fitted_differences_are_wrong_in_at_most_five_percent(shape, spread):
    """The candidate is exactly as good as the best reference, so both decisions are wrong; 400 runs."""
    random = np.random.default_rng(2)
    axis = np.linspace(-1.0, 1.0, 21) if shape == "U" else np.zeros(21)
    wrong = 0
    for _ in range(400):
        shared = random.normal(size=(10, 1))
        reference = axis**2 + spread * random.normal(size=(10, 21)) + shared
        candidate = spread * random.normal(size=10) + shared[:, 0]
        wrong += crossed((reference, candidate)).verdict is not Verdict.UNDECIDED
    assert wrong / 400 <= 0.05


def test_the_regret_of_a_choice_does_not_favour_the_other_side():
    """One reference is as good as the candidate, 300 are three standard errors worse; a half mostly takes those."""
    random = np.random.default_rng(4)
    means = np.append(0.0, np.full(300, 3.0 / np.sqrt(10.0)))
    wrong = sum(
        crossed((means + random.normal(size=(10, 301)), random.normal(size=10))).verdict is Verdict.HOLDS
        for _ in range(200)
    )
    assert wrong / 200 <= 0.05


def test_the_best_of_many_candidates_is_not_called_better_by_luck():
    random = np.random.default_rng(3)
    wrong = sum(
        crossed((random.normal(size=(10, 1)), random.normal(size=(10, 30)))).verdict is not Verdict.UNDECIDED
        for _ in range(300)
    )
    assert wrong / 300 <= 0.05


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: claim([]), "`differences` and `margin`"),
        (lambda: claim([1.0, 2.0], statistic="mode"), "`statistic` must be"),
        (lambda: crossed((np.ones((5, 2)), np.ones(4))), "`values` must hold the same replicates"),
        (lambda: crossed((np.full((5, 2), np.nan), np.ones(5))), "`values` must hold a position"),
        (
            lambda: interval_claim(name="n", claim="c", estimate=1, interval=(0, 1), allowed=(2, 1), replicates=1),
            "`allowed` must be",
        ),
        (
            lambda: interval_claim(name="n", claim="c", estimate=1, interval=(1, 0), allowed=(1, 2), replicates=1),
            "`interval` must be",
        ),
    ],
)
def test_bad_input_gets_a_sentence(call, message):
    with pytest.raises(InvalidArgument, match=message):
        call()
