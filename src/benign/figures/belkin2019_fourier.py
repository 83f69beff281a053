"""Belkin, Hsu, Ma, Mandal 2019 (PNAS 116:15849), Figure 2: double descent of random Fourier features.

Paper: MNIST, n = 10^4, minimum-norm least squares on N complex Fourier features, bandwidth 5 on pixels / 255. Test risk
is a U up to N = n, there is "no predictive ability for classification" at N = n, and it falls below the bottom of the U
beyond; the norm peaks at N = n and decreases after. The paper reports one run.

Ours: every N from 1 to 10 n (one real column a feature), 10 paired replicates, clean labels and 20 % of them flipped,
and beside it a ridge tuned by exact leave-one-out on the training set alone. That N features fit N samples is a theorem
and no claim here; that loss and norm peak there, and fall beyond, is what theory leads one to expect of such data.

"Falls monotonically" is judged from 1.1 n to 10 n features, in ten blocks of equal ratio: no block may be 5 % or more
above any earlier one. Start, blocks and margin were fixed before the first verdict.

At ``paper`` the minimum-norm curves have complex features, as there, and 4,000 of the 5,000 installed images; the ridge
curve beside them has real ones, since leave-one-out needs one row a sample.

Runtime on two cores: smoke 3 s, quick about half a minute, standard (MNIST, n = 1,000) eight minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import xarray as xr

from benign.curves import Finding, Verdict, cross_fitted_difference, higher_claim, paired_claim
from benign.curves.claims import no_peak_claim, peak_position_claim
from benign.curves.falling import falling_claim
from benign.curves.findings import LEVEL
from benign.figures.figure import Figure, Judged, Picture, Surfaces
from benign.figures.measurement import Joined, Measurement
from benign.foundation.number_words import format_number as number
from benign.plots import StackedDisplay
from benign.procedures import RandomFourier
from benign.sources import digits, mnist
from benign.surface.displays import size_display
from benign.surface.sections import (
    along_size,
    at_size,
    constant_errors,
    landmarks_along_size,
    median_at_size,
    samples_of,
    sizes_of,
)
from benign.surface.tuning import tuned_by_leave_one_out


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What one scale measures; committed before its first run."""

    samples: int
    replicates: int
    images: Literal["digits", "mnist"]
    bandwidth: float | Literal["median"]
    form: Literal["real", "complex"] = "real"


SETTINGS = {
    "smoke": Settings(samples=60, replicates=6, images="digits", bandwidth="median"),
    "quick": Settings(samples=300, replicates=10, images="digits", bandwidth="median"),
    "standard": Settings(samples=1000, replicates=10, images="mnist", bandwidth=5.0),
    "paper": Settings(samples=4000, replicates=5, images="mnist", bandwidth=5.0, form="complex"),
}
NOISE = {"clean": 0.0, "noisy": 0.2}
WORDS = {"clean": "clean labels", "noisy": "20 % of labels flipped"}
FACTOR = 10
BEYOND = 1.1  # times n: from here on means exist, and the curves are to fall
BLOCKS = 10
# Ridge as a share of n: with features of mean square 1 this is the kernel ridge at N = n.
RIDGE_SHARES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)


def _declared(scale: str) -> Iterator[tuple[str, Measurement | Joined]]:
    """The surfaces ``clean`` and ``noisy`` at every size, then each with tuned ridge at a few sizes."""
    at = SETTINGS[scale]
    n = at.samples
    few = np.unique(np.append(np.geomspace(max(2, n // 20), FACTOR * n, 24).astype(int), n))
    grids = {
        name: Measurement(
            procedure=RandomFourier(bandwidth=at.bandwidth, form=at.form), part=WORDS[name], samples=[n],
            source=digits(label_noise=noise) if at.images == "digits" else mnist(label_noise=noise),
            sizes=np.arange(1, FACTOR * n + 1), replicates=at.replicates, is_population=False,
        )
        for name, noise in NOISE.items()
    }  # fmt: skip
    yield from grids.items()
    for name, grid in grids.items():
        ridges = [
            replace(
                grid, procedure=RandomFourier(bandwidth=at.bandwidth, ridge=share * n), sizes=few,
                metrics=["leave_one_out_loss"], part=f"{WORDS[name]}, ridge {share:g} n",
            )
            for share in RIDGE_SHARES
        ]  # fmt: skip
        yield f"{name}_tuned_ridge", Joined(parts=ridges, join=tuned_by_leave_one_out)


def _findings(surfaces: Surfaces) -> tuple[Finding, ...]:
    findings: list[Finding] = []
    for name in NOISE:
        findings.extend(_findings_of(name, surfaces[name], surfaces[f"{name}_tuned_ridge"]))
    return (*findings, _noise_claim(surfaces["clean"], surfaces["noisy"]))


def _findings_of(name: str, surface: xr.Dataset, tuned: xr.Dataset) -> list[Finding]:
    n, words = samples_of(surface), WORDS[name]
    level = FIGURE.level_of(f"{name}_peak_at_threshold")
    findings = [
        peak_position_claim(
            name=f"{name}_peak_at_threshold", claim=f"With {words}, the test loss peaks where features = samples",
            landmarks=landmarks_along_size(surface, "test_loss", level=level), scale=n, allowed=(0.95, 1.05),
            level=level, paper="peak exactly at N = n (Belkin et al. 2019, Fig. 2)",
        ),
        peak_position_claim(
            name=f"{name}_norm_peaks_at_threshold", claim=f"With {words}, the norm peaks where features = samples",
            landmarks=landmarks_along_size(surface, "scaled_norm", level=level), scale=n, allowed=(0.95, 1.05),
            level=level, paper="norm peaks exactly at N = n (Belkin et al. 2019, Fig. 2)",
        ),
    ]  # fmt: skip
    findings.extend(_second_descent(name, surface, metric) for metric in _RISK_WORDS)
    findings.extend(_falls(name, surface, metric) for metric in _FALLING_WORDS)
    findings.append(
        paired_claim(
            name=f"{name}_no_predictive_ability",
            claim=f"With {words}, the model with n features predicts no better than the best constant, to within 0.1",
            differences=at_size(surface, "test_error", n) - constant_errors(surface), margin=-0.1,
            unit="zero-one error",
            paper='"no predictive ability for classification" at N = n (Belkin et al. 2019)',
        )
    )  # fmt: skip
    findings.append(
        no_peak_claim(
            name=f"{name}_tuned_ridge_no_peak",
            claim=f"With {words}, no peak of 25 % or more is left with a tuned ridge",
            landmarks=landmarks_along_size(tuned, "test_loss"),
            paper="optimal regularisation removes the peak (Nakkiran et al. 2021)",
        )
    )  # fmt: skip
    return findings


_RISK_WORDS = {"test_loss": "loss", "test_error": "zero-one error"}
_NORM = "Norm: the length of the weights, for features scaled by 1 / sqrt(features), so that sizes can be compared."
_FALLING_WORDS = {"test_loss": "test loss", "scaled_norm": "norm"}


def _second_descent(name: str, surface: xr.Dataset, metric: str, *, level: float = LEVEL) -> Finding:
    """Risk at the sizes below n, and at the largest size, which is fixed beforehand."""
    values, word = along_size(surface, metric), _RISK_WORDS[metric]
    return cross_fitted_difference(
        name=f"{name}_second_descent_{metric}",
        claim=f"With {WORDS[name]}, {FACTOR} x n features have a lower test {word} than the best model below n",
        values=(values[:, sizes_of(surface) < samples_of(surface)], values[:, -1]), unit=word, level=level,
        paper="beyond N = n the risk falls below the bottom of the U (Belkin et al. 2019, Fig. 2)",
    )  # fmt: skip


def _falls(name: str, surface: xr.Dataset, metric: str) -> Finding:
    n, word = samples_of(surface), _FALLING_WORDS[metric]
    return falling_claim(
        name=f"{name}_{metric}_falls_beyond",
        claim=f"With {WORDS[name]}, the {word} falls monotonically from {BEYOND:g} x n to {FACTOR} x n features",
        positions=sizes_of(surface), values=along_size(surface, metric),
        edges=np.geomspace(BEYOND * n, FACTOR * n, BLOCKS + 1),
        paper="beyond N = n test risk and norm decrease (Belkin et al. 2019, Fig. 2)",
    )  # fmt: skip


def _noise_claim(clean: xr.Dataset, noisy: xr.Dataset) -> Finding:
    """Paired in draw and initialisation, where means exist."""
    size = round(BEYOND * samples_of(clean))
    return higher_claim(
        name="label_noise_raises_the_loss",
        claim=f"Flipping 20 % of the labels raises the test loss at {BEYOND:g} x n features",
        higher=at_size(noisy, "test_loss", size), lower=at_size(clean, "test_loss", size), unit="loss",
        paper="label noise strengthens the peak (Nakkiran et al. 2020, section 5)",
    )  # fmt: skip


def _pictures(surfaces: Surfaces) -> tuple[Picture, ...]:
    return (_picture_of("noisy", surfaces), _picture_of("clean", surfaces), _error_picture(surfaces))


def _picture_of(name: str, surfaces: Surfaces) -> Picture:
    surface, n = surfaces[name], samples_of(surfaces[name])
    landmarks = landmarks_along_size(surface, "test_loss")
    loss = size_display(
        surface, ("test_loss", "train_loss"), title="Loss", y_label="loss (squared error)", landmarks=landmarks,
        remedies={"test, tuned ridge": (surfaces[f"{name}_tuned_ridge"], "test_loss")}, with_regimes=True,
        y_limits=_loss_limits(surface),
    )  # fmt: skip
    norm = replace(
        size_display(surface, ("scaled_norm",), title="Norm", y_label="norm of the weights"), caption=_NORM
    )  # fmt: skip
    display = StackedDisplay(title=f"Every size from 1 to {FACTOR * n:,}: {WORDS[name]}", panels=(loss, norm))
    sentence = _loss_sentence(name, surface, surfaces[f"{name}_tuned_ridge"])
    return Picture(
        name=f"{name}_loss_and_norm", heading=_HEADINGS[name], display=display, sentence=sentence,
        claims=tuple(
            f"{name}_{claim}"
            for claim in (
                "peak_at_threshold", "second_descent_test_loss", "test_loss_falls_beyond", "norm_peaks_at_threshold",
                "scaled_norm_falls_beyond", "tuned_ridge_no_peak",
            )
        ),
    )  # fmt: skip


_HEADINGS = {
    "noisy": "Where is the peak, and what happens beyond it?",
    "clean": "Is the peak only label noise?",
}


def _loss_limits(surface: xr.Dataset) -> tuple[float, float]:
    """From a thousandth to well above the median peak: the training loss leaves the picture downwards."""
    return 1e-3, 30.0 * float(np.nanmax(np.median(along_size(surface, "test_loss"), axis=0)))


def _loss_sentence(name: str, surface: xr.Dataset, tuned: xr.Dataset) -> str:
    n = samples_of(surface)
    landmarks = landmarks_along_size(surface, "test_loss")
    best, end = landmarks.classical_minimum, median_at_size(surface, "test_loss", FACTOR * n)
    start = "" if best is None else f"is lowest at {best.position:,.0f} features ({number(best.value)}), "
    worst = median_at_size(surface, "test_loss", n)
    middle = "explodes to" if landmarks.peak is not None else "shows no confirmed peak and is"
    ridge = np.nanmax(np.median(along_size(tuned, "test_loss"), axis=0)[sizes_of(tuned) >= n / 2])
    return (
        f"With {WORDS[name]}, the median test loss below the threshold {start}{middle} "
        f"{number(worst)} where the model can first fit all {n:,} training labels, and is {number(end)} at "
        f"{FACTOR * n:,} features: {_against_the_minimum(name, surface, 'test_loss')}. "
        f"{_falling_sentence(name, surface)} With a ridge chosen on the training set alone (dotted) the loss stays "
        f"below {number(1.005 * ridge)} from {n // 2:,} features on."
    )


_AGAINST = {
    Verdict.HOLDS: "better than the best model below the threshold",
    Verdict.FAILS: "not better than the best model below the threshold",
    Verdict.UNDECIDED: "whether that is better than the best model below the threshold is undecided",
}


def _against_the_minimum(name: str, surface: xr.Dataset, metric: str) -> str:
    """Whether the largest model beats the best one below n, at the level that Holm's correction surely leaves."""
    level = FIGURE.level_of(f"{name}_second_descent_{metric}")
    return _AGAINST[_second_descent(name, surface, metric, level=level).verdict]


_FALLING = {
    Verdict.HOLDS: "only falls",
    Verdict.FAILS: "does not only fall",
    Verdict.UNDECIDED: "may rise again in places",
}


def _falling_sentence(name: str, surface: xr.Dataset) -> str:
    verdicts = {word: _falls(name, surface, metric).verdict for metric, word in _FALLING_WORDS.items()}
    start = f"From {round(BEYOND * samples_of(surface)):,} features on"
    if set(verdicts.values()) == {Verdict.HOLDS}:
        return f"{start} loss and norm only fall."
    return f"{start} {', and '.join(f'the {word} {_FALLING[verdict]}' for word, verdict in verdicts.items())}."


def _error_picture(surfaces: Surfaces) -> Picture:
    panels = tuple(
        size_display(
            surfaces[name], ("test_error", "train_error"), title=WORDS[name], y_label=f"error: {WORDS[name]}",
            y_log=False,
            remedies={"test, tuned ridge": (surfaces[f"{name}_tuned_ridge"], "test_error")}, y_limits=(0.0, 1.0),
        )
        for name in NOISE
    )  # fmt: skip
    n = samples_of(surfaces["clean"])
    values = [median_at_size(surfaces[name], "test_error", size) for name in NOISE for size in (n, FACTOR * n)]
    better = {name: _against_the_minimum(name, surfaces[name], "test_error") for name in NOISE}
    sentence = (
        f"The share of wrong test labels peaks at {n:,} features ({100 * values[0]:.0f} % with clean labels, "
        f"{100 * values[2]:.0f} % with flipped ones; guessing gives about 90 %). At {FACTOR * n:,} it is "
        f"{100 * values[1]:.1f} % with clean labels ({better['clean']}) and {100 * values[3]:.1f} % with flipped ones "
        f"({better['noisy']})."
    )
    display = StackedDisplay(title="Zero-one error at every size", panels=panels)
    claims = [f"{name}_{claim}" for name in NOISE for claim in ("no_predictive_ability", "second_descent_test_error")]
    return Picture(
        name="zero_one_error", heading="Does it change the decisions?", display=display, sentence=sentence,
        claims=(*claims, "label_noise_raises_the_loss"),
    )  # fmt: skip


def _answer(judged: Judged) -> str:
    if not judged.holds("noisy_peak_at_threshold"):
        return "No peak was confirmed at the interpolation threshold in this measurement."
    beats = [judged.verdicts[f"{name}_second_descent_test_loss"] for name in NOISE]
    if beats[0] is beats[1]:
        end = {
            Verdict.HOLDS: "far beyond it models beat every small one, clean and noisy",
            Verdict.FAILS: "the second descent beats no small model, clean or noisy",
            Verdict.UNDECIDED: "whether the second descent beats the first minimum is undecided",
        }[beats[0]]
        return f"The peak is at the threshold; {end}."
    if Verdict.HOLDS not in beats:
        return "The peak is at the threshold; that the second descent beats the first minimum was not confirmed."
    first, second = ("clean", "flipped") if beats[0] is Verdict.HOLDS else ("flipped", "clean")
    other = "not" if Verdict.FAILS in beats else "undecided"
    return (
        f"The peak is at the threshold; the second descent beats the first minimum with {first} labels, {other} "
        f"with {second} ones."
    )


def _lede(surfaces: Surfaces) -> str:
    noisy, clean = surfaces["noisy"], surfaces["clean"]
    n = samples_of(noisy)
    at_n, at_end = (
        " and ".join(number(median_at_size(surface, "test_loss", size)) for surface in (clean, noisy))
        for size in (n, FACTOR * n)
    )
    return (
        f"Least squares of smallest norm on {n:,} images, every size to {FACTOR * n:,} features, "
        f"{noisy.sizes['replicate']} replicates: the median test loss with clean and with 20 % flipped labels is "
        f"{at_n} at {n:,} features, {at_end} at {FACTOR * n:,}."
    )


FIGURE = Figure(
    name="belkin2019_fourier",
    title="Double descent of random Fourier features on real images",
    paper="Belkin, Hsu, Ma, Mandal 2019",
    number="Figure 2",
    revision=1,
    primary_claims=(
        "clean_peak_at_threshold",
        "clean_second_descent_test_loss",
        "clean_norm_peaks_at_threshold",
        "clean_second_descent_test_error",
        "clean_no_predictive_ability",
    ),
    declared=_declared,
    findings=_findings,
    pictures=_pictures,
    answer=_answer,
    lede=_lede,
)
