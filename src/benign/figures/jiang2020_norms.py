"""Which norm of a network falls where its test error falls again? Over the width curve of MNIST-1D.

Past the interpolation threshold the test error falls though the networks grow, so what explains it cannot be size.
Candidates are norms: path norm (Neyshabur et al. 2015), Frobenius norm, product of spectral norms (Bartlett et al.
2017), distance from initialisation (Nagarajan & Kolter 2019) and the margin that the spectral product normalises.
Jiang, Neyshabur, Mobahi, Krishnan & Bengio 2020 (Fantastic generalization measures) rank such measures over many
trainings: several norms, the product of spectral norms among them, go *up* where the error goes down.

Ours: two hidden layers on MNIST-1D, 20 % of labels flipped, cross-entropy, Adam. A measure tracks the test error if,
over the widths that fit their training set (training error at most 0.02 in the mean), the two are rank-correlated in
the mean over replicates; for the margin, with the sign changed. A correlation over one curve is no cause.

Runtime on two cores: smoke less than ten seconds, quick about a minute; paper is for one GPU.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float

from benign.curves import Finding, Verdict, higher_claim, paired_claim
from benign.curves.rank_correlation import stratified_rank_correlation
from benign.figures.figure import Figure, MeasureOptions, Picture, Surfaces
from benign.figures.network_drawing import diverged_words, percent, size_label
from benign.figures.network_measurement import measure_population
from benign.figures.sections import along_size, samples_of, sizes_of
from benign.networks.training import Training
from benign.plots import CurveDisplay, Role, StackedDisplay, Threshold, series_from_replicates, spread_sentence
from benign.sources import mnist1d

MEASURES = {
    "path_norm": "path norm",
    "norm": "Frobenius norm",
    "spectral_norm_product": "product of spectral norms",
    "distance_from_start": "distance from the start",
    "normalised_margin": "normalised margin",
}
_RISES_WITH_QUALITY = {"normalised_margin"}
FITTED = 0.02


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What one scale measures; committed before its first run."""

    samples: int
    widths: tuple[int, ...]
    steps: int
    batch: int
    replicates: int


SETTINGS = {
    "smoke": Settings(samples=50, widths=(6, 8), steps=200, batch=25, replicates=4),
    "quick": Settings(
        samples=2000, widths=(8, 16, 24, 32, 40, 48, 64, 96, 128, 192, 256), steps=5000, batch=100, replicates=8
    ),
    "standard": Settings(
        samples=4000, widths=(8, 16, 32, 48, 64, 96, 128, 192, 256, 384, 512), steps=9600, batch=125, replicates=10
    ),
    "paper": Settings(
        samples=4000, widths=(8, 16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024), steps=32_000, batch=125,
        replicates=20,
    ),
}  # fmt: skip


def _measure(options: MeasureOptions) -> Iterator[tuple[str, xr.Dataset]]:
    from benign.implicit.solutions import Solutions

    settings = SETTINGS[options.scale]
    training = Training(learning_rate=2e-3, batch_size=settings.batch, steps=settings.steps)
    yield "widths", measure_population(
        options, Solutions(training=training), mnist1d(label_noise=0.2, test_samples=1000),
        name=f"{FIGURE.name} {options.scale}", samples=[settings.samples], sizes=settings.widths,
        replicates=settings.replicates, metrics=tuple(MEASURES),
    )  # fmt: skip


def fitted_widths(surface: xr.Dataset) -> Bool[np.ndarray, " sizes"]:
    """Which widths fit their training set, in the mean over replicates."""
    return np.asarray(along_size(surface, "train_error").mean(axis=0) <= FITTED)


def correlations(surface: xr.Dataset, measure: str) -> Float[np.ndarray, " replicates"]:
    """Rank correlation with the test error over the widths that fit, of each replicate; NaN for fewer than three."""
    chosen = fitted_widths(surface)
    errors, values = (along_size(surface, name)[:, chosen] for name in ("test_error", measure))
    if chosen.sum() < 3:
        return np.full(len(errors), np.nan)
    sign = -1.0 if measure in _RISES_WITH_QUALITY else 1.0
    return np.concatenate(
        [
            stratified_rank_correlation(error, sign * value[None, None])
            for error, value in zip(errors, values, strict=True)
        ]
    )


def _findings(surfaces: Surfaces) -> tuple[Finding, ...]:
    surface = surfaces["widths"]
    errors, chosen = along_size(surface, "test_error"), fitted_widths(surface)
    first, last = errors[:, chosen][:, [0, -1]].T if chosen.sum() > 1 else np.full((2, len(errors)), np.nan)
    fall = higher_claim(
        name="second_descent", claim="The test error falls from the first width that fits to the widest",
        higher=first, lower=last, unit="test error", paper="test risk falls past the threshold (Nakkiran et al. 2020)",
    )  # fmt: skip
    return (fall, *(_tracks(surface, measure) for measure in MEASURES))


def _tracks(surface: xr.Dataset, measure: str) -> Finding:
    side = "rises" if measure in _RISES_WITH_QUALITY else "falls"
    finding = paired_claim(
        name=measure, claim=f"Over the widths that fit, the {MEASURES[measure]} {side} where the test error falls",
        differences=correlations(surface, measure), statistic="median", unit="rank correlation",
        paper="norms and spectral products often correlate negatively (Jiang et al. 2020)",
    )  # fmt: skip
    return replace(finding, test=f"Spearman correlation over widths, {finding.test}")


def _pictures(surfaces: Surfaces) -> tuple[Picture, ...]:
    surface = surfaces["widths"]
    names = {"test_error": "test error", **MEASURES}
    panels = tuple(_panel(surface, name, label) for name, label in names.items())
    display = StackedDisplay(title="Test error and norms over width", panels=panels)
    last = percent(float(np.median(along_size(surface, "test_error")[:, -1])))
    sentence = (
        f"At the widest networks the median test error is {last}; a norm that explains its fall must fall there too."
    )
    return (
        Picture(
            name="norms", heading="Which norm falls where the test error falls again?", display=display,
            sentence=sentence, claims=("second_descent", *MEASURES),
        ),
    )  # fmt: skip


def _panel(surface: xr.Dataset, metric: str, label: str) -> CurveDisplay:
    widths, chosen = sizes_of(surface), fitted_widths(surface)
    first = float(widths[chosen][0]) if chosen.any() else None
    return CurveDisplay(
        title="Test error and norms over width",
        series=(
            series_from_replicates(
                "test" if metric == "test_error" else label, widths, along_size(surface, metric),
                Role.TEST if metric == "test_error" else Role.NORM,
            ),
        ),
        threshold=None if first is None else Threshold(position=first, low=first, high=first, label="fits from"),
        x_label=size_label(surface), y_label=label, x_log=True, y_log=metric not in {"test_error", "normalised_margin"},
        caption=spread_sentence(surface.sizes["replicate"]), position_name="widths",
    )  # fmt: skip


def _headline(surfaces: Surfaces, findings: tuple[Finding, ...]) -> str:
    del surfaces
    tracking = [MEASURES[f.name] for f in findings if f.name in MEASURES and f.verdict is Verdict.HOLDS]
    if not tracking:
        return "No norm is shown to fall where the test error falls again past the threshold."
    if len(tracking) == len(MEASURES):
        return "All norms fall where the test error falls again past the threshold."
    return f"Past the threshold, of five measures these track the test error: {', '.join(tracking)}."


def _lede(surfaces: Surfaces) -> str:
    surface = surfaces["widths"]
    return (
        f"Networks of {surface['size'].values[0]} to {surface['size'].values[-1]} hidden units on "
        f"{samples_of(surface):,} samples, a fifth of their labels wrong, measured at the end of training."
        + diverged_words([surface])
    )


FIGURE = Figure(
    name="jiang2020_norms",
    title="Norms over the width curve",
    paper="Jiang, Neyshabur, Mobahi, Krishnan & Bengio 2020, Fantastic generalization measures and where to find them",
    number="the norms, on one curve",
    revision=1,
    primary_claims=("path_norm", "norm", "distance_from_start", "spectral_norm_product", "normalised_margin"),
    measure=_measure,
    findings=_findings,
    pictures=_pictures,
    headline=_headline,
    lede=_lede,
)  # fmt: skip
