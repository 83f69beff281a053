"""How far peaks and thresholds move: places with their gaps, and claims on planted moves."""

import numpy as np
import pytest

from benign.curves import Verdict
from benign.figures.movement import Places, fitted_from, highest, moves_claim
from benign.figures.nakkiran2020_complexity import FIGURE
from tests.figures.test_complexity_figure import PLANTED

POSITIONS = np.array([1.0, 2.0, 4.0, 8.0])


def ends(places):
    return np.exp([places.value, places.low, places.high]).T.tolist()


def test_the_highest_risk_lies_between_the_neighbours():
    risk = np.array([[0.0, 3.0, 1.0, 0.0], [5.0, 3.0, 1.0, 0.0], [0.0, 0.0, 1.0, 2.0], [np.nan, 3.0, 1.0, 0.0]])
    found = highest(POSITIONS, risk)
    np.testing.assert_allclose(ends(found)[:3], [[2.0, 1.0, 4.0], [1.0, 0.0, 2.0], [8.0, 4.0, np.inf]])
    assert np.isnan(found.value[3])


def test_what_is_fitted_is_so_between_the_last_that_is_not_and_the_next():
    share = np.array(
        [[0.9, 0.5, 0.01, 0.0], [0.9, 0.01, 0.5, 0.0], [0.01, 0.0, 0.0, 0.0], [0.9, 0.5, 0.4, 0.3], [0.9, np.nan, 0, 0]]
    )
    found = fitted_from(POSITIONS, share, 0.02)
    expected = [[4.0, 2.0, 4.0], [8.0, 4.0, 8.0], [1.0, 0.0, 1.0], [np.nan] * 3, [4.0, 2.0, 4.0]]
    np.testing.assert_allclose(ends(found), expected)


def test_a_ratio_takes_the_ends_that_widen_it():
    few, more = (Places(value=np.log([x]), low=np.log([x / 2]), high=np.log([3 * x])) for x in (10.0, 20.0))
    np.testing.assert_allclose(ends(more.over(few)), [[2.0, 1.0 / 3.0, 12.0]])


def moved(values, gap=1.05):
    logs = np.log(np.asarray(values))
    return Places(value=logs, low=logs - np.log(gap), high=logs + np.log(gap))


@pytest.mark.parametrize(
    ("values", "gap", "verdict"),
    [
        ([2.0] * 10, 1.05, Verdict.HOLDS),
        ([2.0] * 10, 2.1, Verdict.UNDECIDED),
        ([1.0] * 10, 1.05, Verdict.UNDECIDED),
        ([0.5] * 10, 1.05, Verdict.FAILS),
        ([0.2, 6.0] * 5, 1.05, Verdict.UNDECIDED),
        ([2.0] * 9 + [np.nan], 1.05, Verdict.UNDECIDED),
    ],
    ids=["moves", "within the gaps", "stays", "moves back", "scatters", "one without a place"],
)
def test_verdicts(values, gap, verdict):
    found = moves_claim(name="n", claim="c", moved=moved(values, gap), allowed=(1.01, np.inf), unit="times", paper="p")
    assert found.verdict is verdict


def test_the_interval_holds_the_gap():
    found = moves_claim(name="n", claim="c", moved=moved([2.0] * 10, 1.2), allowed=(1.0, 3.0), unit="times", paper="p")
    assert (found.effect, *found.interval) == pytest.approx((2.0, 2.0 / 1.2, 2.0 * 1.2))
    wide = moves_claim(
        name="n", claim="c", moved=moved([1.8, 2.2] * 5, 1.2), allowed=(1.0, 3.0), unit="times", paper="p"
    )
    assert wide.interval[0] < 1.8 / 1.1
    assert wide.interval[1] > 2.2 * 1.1


def test_an_open_gap_bounds_nothing():
    places = moved([2.0] * 5)
    open_ended = Places(value=places.value, low=places.low, high=np.append(places.high[:-1], np.inf))
    found = moves_claim(name="n", claim="c", moved=open_ended, allowed=(1.5, 3.0), unit="times", paper="p")
    assert found.interval[1] == np.inf
    assert found.verdict is Verdict.UNDECIDED


def test_a_peak_that_moves_back_or_without_its_threshold_fails():
    names = ("peak_moves_with_samples", "peak_moves_as_far_as_the_threshold")

    def verdicts(few, more):
        """The test losses of the two n are those of two others."""
        features = PLANTED["features"].copy(deep=True)
        for n, other in ((71, few), (141, more)):
            features["test_loss"].loc[{"samples": n}] = PLANTED["features"]["test_loss"].sel(samples=other)
        found = {finding.name: finding.verdict for finding in FIGURE.findings({**PLANTED, "features": features})}
        return tuple(found[name] for name in names)

    assert verdicts(71, 141) == (Verdict.HOLDS, Verdict.HOLDS)
    assert verdicts(141, 71) == (Verdict.FAILS, Verdict.FAILS)
    assert verdicts(71, 71) == (Verdict.UNDECIDED, Verdict.FAILS)
    assert verdicts(71, 200) == (Verdict.HOLDS, Verdict.FAILS)
