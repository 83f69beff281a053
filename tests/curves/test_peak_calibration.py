"""How often the peak test is wrong, and how often it finds what is there. Numbers of runs and seeds were fixed before.

``benchmarks/statistics.py`` measures more of the same, in 4,000 curves a case.
"""

from __future__ import annotations

import functools

import numpy as np
import pytest

from benign.curves import PeakVerdict, peak_test
from tests.curves.simulations import (
    COLUMN_NOISE,
    MONOTONE,
    NO_PEAK,
    PATHS,
    TAILS,
    column_noise,
    curve_with_spike,
    path,
    risk_with_peak,
    risk_without_peak,
    training_risk,
    with_tails,
)

RUNS = 2000
pytestmark = pytest.mark.slow
# Shapes are the same in each of thousands of runs, and test_peak_test.py checks them.
simulated = pytest.mark.usefixtures("unchecked")


@functools.cache
def monotone_verdicts():
    """(shape, verdict) of 2,000 curves without a peak: 10 shapes in turn; paths, tails and positions at random."""
    random, shapes = np.random.default_rng(2024), list(NO_PEAK)
    found = []
    for run in range(RUNS):
        shape, K = shapes[run % len(shapes)], int(random.choice([3, 4, 6, 12, 25, 40]))
        kind, tails = str(random.choice(PATHS)), str(random.choice(TAILS))
        risk = risk_without_peak(random, 10, K, shape=shape, kind=kind, tails=tails)
        found.append((shape, peak_test(risk).verdict))
    return found


@simulated
@pytest.mark.parametrize("shape", list(NO_PEAK))
def test_at_most_five_percent_of_curves_without_a_peak_get_one(shape):
    verdicts = [verdict for name, verdict in monotone_verdicts() if name == shape]
    assert len(verdicts) == RUNS // len(NO_PEAK)
    assert np.mean([verdict is PeakVerdict.PEAK for verdict in verdicts]) <= 0.05


@simulated
def test_most_curves_without_a_peak_are_refused():
    assert np.mean([verdict is PeakVerdict.NO_PEAK for _, verdict in monotone_verdicts()]) >= 0.9


@simulated
@pytest.mark.parametrize(("K", "runs"), [(300, 150), (5000, 40)])
def test_long_curves_without_a_peak(K, runs):
    random, shapes = np.random.default_rng(7), list(NO_PEAK)
    kinds = PATHS if K == 300 else ("walk", "shared", "white")
    wrong = 0
    for run in range(runs):
        kind, tails = str(random.choice(kinds)), str(random.choice(TAILS))
        risk = risk_without_peak(random, 10, K, shape=shapes[run % 10], kind=kind, tails=tails)
        wrong += peak_test(risk).verdict is PeakVerdict.PEAK
    assert wrong / runs <= 0.05


@simulated
@pytest.mark.parametrize("plateau", [2, 4])
@pytest.mark.parametrize(("R", "tails"), [(10, "normal"), (10, "right skew"), (6, "right skew"), (5, "normal")])
def test_the_least_favourable_curves_that_we_found(plateau, R, tails):
    """A plateau of few independent positions and a cliff: the fall is certain, and any rise on the plateau is luck."""
    random = np.random.default_rng(11)
    wrong, runs = 0, 500
    for _ in range(runs):
        logs = with_tails(random, path(random, R, plateau + 1, "white"), tails)
        logs[:, -1] -= 50.0
        wrong += peak_test(np.exp(logs)).verdict is PeakVerdict.PEAK
    # The level itself must be at most 5 %: two standard errors of 500 runs are allowed to luck.
    assert wrong / runs <= 0.05 + 2.0 * np.sqrt(0.05 * 0.95 / runs)


@simulated
def test_a_peak_of_five_standard_errors_is_found_in_four_of_five():
    random = np.random.default_rng(5)
    verdicts = []
    for run in range(400):
        K = int(random.choice([3, 10, 30, 60]))
        kind, tails = PATHS[run % 4], str(random.choice(TAILS))  # paths that are correlated along the axis
        risk = risk_with_peak(random, 10, K, kind=kind, tails=tails, errors=5.0, sharp=bool(run % 8 < 4), others=250)
        verdicts.append(peak_test(risk).verdict)
    assert np.mean([verdict is PeakVerdict.PEAK for verdict in verdicts]) >= 0.80
    assert np.mean([verdict is PeakVerdict.NO_PEAK for verdict in verdicts]) <= 0.05


@simulated
def test_a_peak_of_one_standard_error_is_not_found():
    """The test of the tests above: their simulations do tell curves apart."""
    random = np.random.default_rng(6)
    found = 0
    for run in range(100):
        risk = risk_with_peak(random, 10, 20, kind=PATHS[run % 4], tails="normal", errors=1.0, sharp=False, others=250)
        found += peak_test(risk).verdict is PeakVerdict.PEAK
    assert found / 100 < 0.3


@simulated
@pytest.mark.parametrize("R", [4, 5, 6])
@pytest.mark.parametrize("noise", COLUMN_NOISE)
def test_a_place_named_by_training_risk_and_few_replicates_do_not_break_the_level(R, noise):
    """Wrong where a skewed column, or a wider one, looks like a peak; both ways to find one, in 300 curves each."""
    random, shapes = np.random.default_rng(R), list(MONOTONE.values())
    wrong = np.zeros(2)
    for run in range(RARE := 300):
        test = peak_test(np.exp(shapes[run % len(shapes)] + column_noise(random, R, noise)), training=training_risk(R))
        wrong += test.verdict is PeakVerdict.PEAK, test.searched <= 0.05
    assert (wrong / RARE <= 0.05 + 3.0 * np.sqrt(0.05 * 0.95 / RARE)).all()


@simulated
@pytest.mark.parametrize("is_u", [False, True])
@pytest.mark.parametrize("apart", [(0,), (0, 1), (-1, 0, 1)])
def test_four_replicates_show_a_spike_where_training_risk_names_its_place(apart, is_u):
    random = np.random.default_rng(4)
    found = with_search = 0
    for _ in range(300):
        values = curve_with_spike(random, 4, factor=10.0, spread=0.5, apart=apart, is_u=is_u)
        found += peak_test(values, training=training_risk(4)).verdict is PeakVerdict.PEAK
        with_search += peak_test(values).verdict is PeakVerdict.PEAK
    assert found / 300 >= 0.87  # 90 % and more in the benchmark
    assert with_search / 300 < 0.5


def test_a_named_place_says_what_is_tested():
    values = curve_with_spike(np.random.default_rng(0), 6, factor=30.0, spread=0.2, apart=(0,), is_u=False)
    test = peak_test(values, training=training_risk(6))
    assert test.at_threshold is not None
    assert test.at_threshold.place == (12.0, 14.0)
    assert "where the fit becomes exact" in test.sentence
    assert "1.25" in test.sentence
    assert "risk at 12 to 14, where the fit becomes exact, against both sides (factor 1.25)" in test.method
    # Without a fit there is no place, and the whole level is the search's.
    unfitted = peak_test(values, training=np.ones(values.shape))
    assert unfitted.at_threshold is None
    assert unfitted == peak_test(values)
