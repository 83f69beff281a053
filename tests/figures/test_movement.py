"""How far peaks and thresholds move: claims on planted moves."""

import numpy as np
import pytest

from benign.curves import Verdict
from benign.figures.claims import Said
from benign.figures.nakkiran2020_complexity import FIGURE
from benign.figures.two_sample_sizes import moves
from tests.curves.test_movement import moved
from tests.figures.test_complexity_figure import PLANTED, QUICK

SAID = Said(name="n", claim="c", paper="p")


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
    judge = moves(lambda _: moved(values, gap), (1.01, np.inf), "times")
    assert judge({"features": PLANTED["features"]}, SAID, 0.95).verdict is verdict


def test_an_open_gap_decides_nothing():
    places = moved([2.0] * 5)
    open_ended = places._replace(high=np.append(places.high[:-1], np.inf))
    found = moves(lambda _: open_ended, (1.5, 3.0), "times")({"features": PLANTED["features"]}, SAID, 0.95)
    assert found.verdict is Verdict.UNDECIDED


def test_a_peak_that_moves_back_or_without_its_threshold_fails():
    names = ("peak_moves_with_samples", "peak_moves_as_far_as_the_threshold")
    claims = [claim for claim in FIGURE.claims(QUICK) if claim.name in names]

    def verdicts(few, more):
        """The test losses of the two n are those of two others."""
        features = PLANTED["features"].copy(deep=True)
        for n, other in ((71, few), (141, more)):
            features["test_loss"].loc[{"samples": n}] = PLANTED["features"]["test_loss"].sel(samples=other)
        return tuple(claim.judged({"features": features}, 0.95).verdict for claim in claims)

    assert verdicts(71, 141) == (Verdict.HOLDS, Verdict.HOLDS)
    assert verdicts(141, 71) == (Verdict.FAILS, Verdict.FAILS)
    assert verdicts(71, 71) == (Verdict.UNDECIDED, Verdict.FAILS)
    assert verdicts(71, 200) == (Verdict.HOLDS, Verdict.FAILS)
