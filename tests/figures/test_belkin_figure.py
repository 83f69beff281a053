"""Random Fourier features: words on the second descent and the fall beyond the threshold follow what was planted."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from benign.curves import Verdict
from benign.figures.belkin2019_fourier import FIGURE as DECLARED
from benign.figures.belkin2019_fourier import Scale

HOLDS, FAILS, UNDECIDED = Verdict.HOLDS, Verdict.FAILS, Verdict.UNDECIDED
FALLING = ("test_loss", "scaled_norm")
N, REPLICATES = 20, 10
SIZES = np.arange(1, 10 * N + 1)
LOWEST = 0.4  # below n


def curve(end, rise=1.0):
    """A U that is lowest at n / 3, a peak at n, and a fall to ``end``, from whose middle it rises by a factor."""
    below = LOWEST * np.exp(0.3 * np.log(SIZES / (N / 3)) ** 2)
    beyond = end * (200.0 / SIZES) ** 0.3 * np.where(SIZES > 100, rise, 1.0)
    peak = 1.0 + 300.0 * np.exp(-4.0 * np.abs(np.log(SIZES / N)) ** 0.5 * 2.0)
    return np.where(SIZES <= N, below, beyond) * peak


def surface_of(loss, sizes, seed=0):
    random = np.random.default_rng(seed)
    dims = ("size", "time", "samples", "replicate")
    shape = (len(sizes), 1, 1, REPLICATES)
    risk = loss[:, None, None, None] * np.exp(0.01 * random.standard_normal(shape))
    train = np.broadcast_to(np.where(sizes < N, 0.5, 1e-20)[:, None, None, None], shape)
    return xr.Dataset(
        {
            "test_loss": (dims, risk), "test_error": (dims, np.minimum(0.9, 0.3 * risk)), "train_loss": (dims, train),
            "train_error": (dims, train), "scaled_norm": (dims, 10.0 * risk), "norm": (dims, risk),
            "train_loss_constant": (dims[2:], np.full((1, REPLICATES), 0.9)),
            "test_error_constant": (dims[2:], np.full((1, REPLICATES), 0.9)),
        },
        coords={"size": sizes, "time": [np.inf], "samples": [N], "replicate": np.arange(REPLICATES)},
        attrs={"seed": 0, "size_name": "features", "classes": 10},
    )  # fmt: skip


def planted(clean_end, noisy_end):
    flat = surface_of(np.full(5, 0.3), np.array([5, 10, 20, 40, 200]))
    return {
        "clean": surface_of(curve(clean_end), SIZES), "noisy": surface_of(curve(noisy_end), SIZES, seed=1),
        "clean_tuned_ridge": flat, "noisy_tuned_ridge": flat,
    }  # fmt: skip


BETTER, WORSE = 0.2, 0.8
FIGURE = replace(DECLARED, scales={"planted": Scale(samples=N, replicates=REPLICATES)})
PLANTED = planted(BETTER, WORSE)
CASES = [
    (HOLDS, HOLDS, "models beat every small one"),
    (HOLDS, FAILS, "beats the first minimum with clean labels, not with flipped ones"),
    (FAILS, HOLDS, "beats the first minimum with flipped labels, not with clean ones"),
    (FAILS, FAILS, "beats no small model"),
    (UNDECIDED, UNDECIDED, "whether the second descent beats the first minimum is undecided"),
    (UNDECIDED, FAILS, "beats the first minimum was not confirmed"),
    (HOLDS, UNDECIDED, "with clean labels, undecided with flipped ones"),
]


@pytest.fixture(scope="module")
def findings():
    return FIGURE.judge("planted", PLANTED)


@pytest.mark.parametrize(("clean", "noisy", "words"), CASES)
def test_the_headline_says_whom_the_second_descent_beats(findings, clean, noisy, words):
    told = {"clean_second_descent_test_loss": clean, "noisy_second_descent_test_loss": noisy}
    changed = tuple(replace(one, verdict=told.get(one.name, one.verdict)) for one in findings)
    headline = FIGURE.headline(FIGURE.results("planted", PLANTED, changed))
    assert words in headline
    assert 5 <= len(headline.split()) <= 20


def test_every_claim_stands_beneath_a_picture(findings):
    verdicts = {finding.name: finding.verdict for finding in findings}
    assert (verdicts["clean_second_descent_test_loss"], verdicts["noisy_second_descent_test_loss"]) == (HOLDS, FAILS)
    assert {verdicts[f"{name}_{metric}_falls_beyond"] for name in ("clean", "noisy") for metric in FALLING} == {HOLDS}
    pictures = FIGURE.pictures(FIGURE.results("planted", PLANTED, findings))
    assert {claim for picture in pictures for claim in picture.claims} == set(verdicts)


def test_a_risk_that_rises_again_does_not_only_fall():
    surfaces = PLANTED | {"clean": surface_of(curve(BETTER, rise=1.3), SIZES)}
    verdicts = {finding.name: finding.verdict for finding in FIGURE.judge("planted", surfaces)}
    assert {verdicts[f"clean_{metric}_falls_beyond"] for metric in FALLING} == {FAILS}
