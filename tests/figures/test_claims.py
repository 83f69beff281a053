"""Claims on peaks: held by evidence, failed by evidence, else undecided."""

import numpy as np
import pytest

from benign.curves import Verdict, find_landmarks
from benign.figures.claims import no_peak_claim, peak_position_claim

POSITIONS = np.arange(1.0, 61.0)


def _landmarks(height, noise, replicates=10):
    random = np.random.default_rng(0)
    curve = 1.0 / POSITIONS**0.2 + height * np.exp(-((POSITIONS - 30.0) ** 2) / 8.0)
    values = curve * np.exp(noise * random.standard_normal((replicates, len(POSITIONS))))
    return find_landmarks(POSITIONS, values, None, None)


@pytest.mark.parametrize(
    ("height", "noise", "no_peak", "peak_at_thirty"),
    [
        (0.0, 0.02, Verdict.HOLDS, Verdict.FAILS),
        (5.0, 0.05, Verdict.FAILS, Verdict.HOLDS),
        (0.1, 1.5, Verdict.UNDECIDED, Verdict.UNDECIDED),
    ],
    ids=["monotone", "tall peak", "too noisy to tell"],
)
def test_verdicts(height, noise, no_peak, peak_at_thirty):
    landmarks = _landmarks(height, noise)
    claim = no_peak_claim(name="n", claim="c", landmarks=landmarks, paper="p")
    assert claim.verdict is no_peak
    claim = peak_position_claim(
        name="n", claim="c", landmarks=landmarks, scale=30.0, allowed=(0.95, 1.05), paper="p"
    )  # fmt: skip
    assert claim.verdict is peak_at_thirty


def test_a_peak_elsewhere_fails():
    claim = peak_position_claim(
        name="n", claim="c", landmarks=_landmarks(5.0, 0.05), scale=20.0, allowed=(0.95, 1.05), paper="p"
    )
    assert claim.verdict is Verdict.FAILS
    assert claim.effect == pytest.approx(1.5, abs=0.05)


def test_too_few_replicates_decide_nothing():
    claim = no_peak_claim(name="n", claim="c", landmarks=_landmarks(0.0, 0.02, replicates=2), paper="p")
    assert claim.verdict is Verdict.UNDECIDED
