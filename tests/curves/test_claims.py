"""Claims on peaks: held by evidence, failed by evidence, else undecided."""

import numpy as np
import pytest

from benign.curves import Verdict, find_landmarks, paired_claim
from benign.curves.claims import (
    below_margin_claim,
    below_the_best_claim,
    more_than_half_claim,
    no_peak_claim,
    peak_position_claim,
    rises_claim,
)

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
    assert str(claim).endswith(") times n")
    counted = peak_position_claim(
        name="n", claim="c", landmarks=_landmarks(5.0, 0.05), scale=1.0, allowed=(25.0, 35.0), paper="p",
        scale_word="units",
    )  # fmt: skip
    assert str(counted).endswith(") units")
    measured = peak_position_claim(
        name="n", claim="c", landmarks=_landmarks(5.0, 0.05), scale=1.0, allowed=(25.0, 35.0), paper="p",
        scale_word="threshold", unit="times threshold",
    )  # fmt: skip
    assert str(measured).endswith(") times threshold")


def test_too_few_replicates_decide_nothing():
    claim = no_peak_claim(name="n", claim="c", landmarks=_landmarks(0.0, 0.02, replicates=2), paper="p")
    assert claim.verdict is Verdict.UNDECIDED


SPREAD = np.array([-1.0, 1.0, 0.5, -0.5])


@pytest.mark.parametrize(
    ("mean", "verdict"),
    [(0.0, Verdict.HOLDS), (0.04, Verdict.FAILS), (0.015, Verdict.UNDECIDED)],
    ids=["below", "above", "at the margin"],
)
def test_equivalence_from_above(mean, verdict):
    differences = mean + 0.001 * SPREAD
    claim = below_margin_claim(name="n", claim="c", differences=differences, margin=0.015, unit="", paper="")
    assert claim.verdict is verdict


@pytest.mark.parametrize(("mean", "words"), [(-0.02, "error; negative: it rises"), (0.0, "error"), (0.005, "error")])
def test_what_significantly_goes_the_other_way_says_so(mean, words):
    found = below_margin_claim(
        name="n", claim="c", differences=mean + 0.001 * SPREAD, margin=0.015, unit="error", paper="",
        opposite="it rises",
    )  # fmt: skip
    assert (found.verdict, found.unit) == (Verdict.HOLDS, words)
    assert str(found).endswith(words)


@pytest.mark.parametrize(("height", "is_said"), [(0.0, True), (5.0, False)], ids=["monotone", "tall peak"])
def test_a_curve_without_any_peak_says_so(height, is_said):
    claim = no_peak_claim(name="n", claim="c", landmarks=_landmarks(height, 0.001), paper="p")
    assert ("no peak of any height" in str(claim)) is is_said


@pytest.mark.parametrize(
    ("part", "whole", "spread", "verdict"),
    [
        (0.6, 1.0, 0.01, Verdict.HOLDS),
        (0.4, 1.0, 0.01, Verdict.FAILS),
        (0.5, 1.0, 0.01, Verdict.UNDECIDED),
        (0.6, 0.0, 0.01, Verdict.UNDECIDED),
        (0.6, -1.0, 0.01, Verdict.UNDECIDED),
        (5.0, 0.5, 1.0, Verdict.UNDECIDED),
    ],
    ids=["more", "less", "half", "of nothing", "of a rise", "of what may be nothing"],
)
def test_a_share_needs_a_whole(part, whole, spread, verdict):
    claim = more_than_half_claim(
        name="n", claim="c", part=np.full(4, part), whole=whole + spread * SPREAD, unit="loss", paper=""
    )  # fmt: skip
    assert claim.verdict is verdict
    assert claim.effect == pytest.approx(part - 0.5 * whole)


def test_a_share_of_a_whole_that_is_unsure_says_how_many_replicates_would_show_it():
    part, unsure = np.full(4, 5.0), 0.5 + SPREAD
    claim = more_than_half_claim(name="n", claim="c", part=part, whole=unsure, unit="", paper="")
    assert claim.needed_replicates == paired_claim(name="n", claim="c", differences=unsure).needed_replicates
    rising = more_than_half_claim(name="n", claim="c", part=part, whole=-unsure, unit="", paper="")
    assert rising.needed_replicates is None
    missing = more_than_half_claim(name="n", claim="c", part=part, whole=unsure * np.nan, unit="", paper="")
    assert missing.verdict is Verdict.UNDECIDED


@pytest.mark.parametrize(
    ("candidate", "verdict"), [(0.3, Verdict.HOLDS), (0.45, Verdict.FAILS), (0.4, Verdict.UNDECIDED)]
)
def test_the_best_of_the_references_counts(candidate, verdict):
    random = np.random.default_rng(3)
    references = np.array([0.5, 0.4, 0.6]) * np.exp(0.01 * random.standard_normal((8, 3)))
    own = candidate * np.exp(0.01 * random.standard_normal(8))
    words = {"name": "n", "claim": "c", "unit": "", "paper": ""}
    assert below_the_best_claim(references=references, candidate=own, **words).verdict is verdict
    references[0, 2] = np.nan
    missing = below_the_best_claim(references=references, candidate=own, **words)
    assert missing.verdict is Verdict.UNDECIDED
    assert "replicates without a number: 1" in missing.test


@pytest.mark.parametrize(
    ("peak", "verdict"), [(0.55, Verdict.HOLDS), (0.45, Verdict.HOLDS), (0.35, Verdict.FAILS), (0.4, Verdict.UNDECIDED)]
)
def test_a_rise_is_from_the_best_of_the_earlier_values(peak, verdict):
    """0.45 is above the best, though below the last one."""
    random = np.random.default_rng(3)
    values = np.array([0.6, 0.4, 0.5]) * np.exp(0.01 * random.standard_normal((8, 3)))
    top = peak * np.exp(0.01 * random.standard_normal(8))
    words = {"name": "n", "claim": "c", "unit": "", "paper": ""}
    found = rises_claim(values=values, peak=top, **words)
    assert found.verdict is verdict
    assert found.effect == pytest.approx(peak / 0.4, rel=0.03)
    values[0, 0] = np.nan
    assert rises_claim(values=values, peak=top, **words).verdict is Verdict.UNDECIDED


def test_the_lowest_of_many_alike_is_no_rise():
    """The lowest of them is luck, which a choice on other replicates takes away."""
    random = np.random.default_rng(4)
    verdicts = []
    for _ in range(20):
        values = np.exp(0.1 * random.standard_normal((8, 13)))
        words = {"name": "n", "claim": "c", "unit": "", "paper": ""}
        verdicts.append(rises_claim(values=values[:, 1:], peak=values[:, 0], **words).verdict)
    assert verdicts.count(Verdict.HOLDS) <= 3
