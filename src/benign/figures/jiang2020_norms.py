"""Which norm of a network falls where its test error falls? At one width, over hyper-parameters; and over width.

Candidates are norms: path norm (Neyshabur et al. 2015), Frobenius norm, product of spectral norms (Bartlett et al.
2017), distance from initialisation (Nagarajan & Kolter 2019) and the margin that the spectral product normalises.
Jiang, Neyshabur, Mobahi, Krishnan & Bengio 2020 (Fantastic generalization measures) vary seven hyper-parameters of
convolutional networks, three values each, train all to the same cross-entropy, and rank the networks by each measure
and by how they generalise: several norms, the product of spectral norms among them, go *up* where the error goes down.
Their *granulated* coefficient (section 2.2) is Kendall's tau along one hyper-parameter with all others fixed, averaged
over the others, and then over the hyper-parameters: none of these can carry it alone.

Ours: two hidden layers on MNIST-1D, 20 % of labels flipped, cross-entropy. *At one width*, heavy-ball SGD over learning
rates, batch sizes and weight decays, all from the same initial weights in each replicate, and each compared where its
training loss first falls to 2 % of the best constant predictor's, what "fits" means throughout. Trainings that do not
fit are left out and counted. A measure follows the test error if its granulated coefficient is positive in the typical
replicate (sign test); for the margin, with the sign changed. *Over width*, Adam with one setting of everything: there
whatever rises or falls with width correlates with the test error, so that the norms are drawn and not judged. No
correlation is a cause.

Settings at one width come from pilots on another seed, two and four draws of the data. Those of standard and paper
have not been tried there.

Runtime on two cores: smoke less than ten seconds, quick about two minutes; paper is for one GPU.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float

from benign.curves import Finding, Verdict, higher_claim, paired_claim
from benign.figures.equal_loss import at_loss
from benign.figures.figure import Figure, Judged, Picture, Surfaces
from benign.figures.measurement import Joined, Measurement, over_learning_rates
from benign.figures.network_drawing import diverged_words, exactly
from benign.foundation.conventions import TOLERANCE
from benign.networks.training import Training
from benign.plots import CurveDisplay, Role, StackedDisplay, series_from_replicates, spread_sentence
from benign.schema import LEARNING_RATE
from benign.sources import mnist1d
from benign.surface.displays import size_label
from benign.surface.sections import (
    along_size,
    along_time,
    by_rate,
    samples_of,
    share_along_size,
    share_along_time,
    sizes_of,
)

MEASURES = {
    "path_norm": "path norm",
    "norm": "Frobenius norm",
    "spectral_norm_product": "product of spectral norms",
    "distance_from_start": "distance from the start",
    "normalised_margin": "normalised margin",
}
_NAMES = {"test_error": "test error", **MEASURES}
_RISES_WITH_QUALITY = {"normalised_margin"}
AXES = ("learning rate", "batch size", "weight decay")
_RECORDINGS = 22


@dataclass(frozen=True, kw_only=True)
class FixedWidth:
    """What one scale measures at one width; committed before its first run.

    Attributes:
        samples: n.
        test_samples: many, so that trainings whose test errors lie close together are told apart.
        width: of both hidden layers.
        rates: learning rates, rising, each a whole fraction of the last.
        batches: samples a step, rising.
        decays: weight decays, rising.
        start: physical time, learning rate times steps, of the first recording, before any training fits.
        end: physical time at which training ends.
        replicates: paired draws of data and initial weights.
    """

    samples: int
    test_samples: int
    width: int
    rates: tuple[float, ...]
    batches: tuple[int, ...]
    decays: tuple[float, ...]
    start: float
    end: float
    replicates: int

    @property
    def times(self) -> Float[np.ndarray, " T"]:
        """Recorded physical times, whole steps of every learning rate."""
        step = self.rates[-1]
        return np.unique(np.round(np.geomspace(self.start, self.end, _RECORDINGS) / step)) * step

    def training(self, rate: float, batch: int, decay: float) -> Training:
        """Heavy ball up to the last time."""
        return Training(
            optimizer="momentum", learning_rate=rate, batch_size=batch, weight_decay=decay,
            steps=round(self.times[-1] / rate),
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What one scale measures; committed before its first run."""

    samples: int
    widths: tuple[int, ...]
    steps: int
    batch: int
    replicates: int
    fixed: FixedWidth


_QUICK_FIXED = FixedWidth(
    samples=1000, test_samples=10_000, width=128, rates=(0.0075, 0.015, 0.03), batches=(25, 50, 100),
    decays=(0.0, 0.001), start=8.0, end=48.0, replicates=12,
)  # fmt: skip
SETTINGS = {
    "smoke": Settings(
        samples=50, widths=(6, 8), steps=200, batch=25, replicates=4,
        fixed=FixedWidth(
            samples=50, test_samples=200, width=32, rates=(0.015, 0.03), batches=(10, 25), decays=(0.0, 0.001),
            start=0.6, end=24.0, replicates=2,
        ),
    ),
    "quick": Settings(
        samples=2000, widths=(8, 16, 24, 32, 40, 48, 64, 96, 128, 192, 256), steps=5000, batch=100, replicates=6,
        fixed=_QUICK_FIXED,
    ),
    "standard": Settings(
        samples=4000, widths=(8, 16, 32, 48, 64, 96, 128, 192, 256, 384, 512), steps=9600, batch=125, replicates=10,
        fixed=replace(_QUICK_FIXED, replicates=24),
    ),
    "paper": Settings(
        samples=4000, widths=(8, 16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024), steps=32_000, batch=125,
        replicates=20,
        fixed=FixedWidth(
            samples=4000, test_samples=10_000, width=512, rates=(0.0075, 0.015, 0.03), batches=(25, 50, 100),
            decays=(0.0, 0.0005, 0.001), start=8.0, end=96.0, replicates=24,
        ),
    ),
}  # fmt: skip


def _declared(scale: str) -> Iterator[tuple[str, Measurement | Joined]]:
    """The trainings at one width, a surface over learning rate for each batch size and weight decay; and the widths."""
    from benign.procedures.solutions import Solutions

    settings, at = SETTINGS[scale], SETTINGS[scale].fixed
    widths = Measurement(
        procedure=Solutions(
            training=Training(learning_rate=2e-3, batch_size=settings.batch, steps=settings.steps)
        ),
        source=mnist1d(label_noise=0.2, test_samples=1000), part="widths", samples=[settings.samples],
        sizes=settings.widths, replicates=settings.replicates, metrics=tuple(MEASURES),
    )  # fmt: skip
    one_width = replace(
        widths, source=mnist1d(label_noise=0.2, test_samples=at.test_samples), samples=[at.samples], sizes=[at.width],
        replicates=at.replicates, times=at.times.tolist(),
    )  # fmt: skip
    for k, (batch, decay) in enumerate(itertools.product(at.batches, at.decays)):
        parts = [
            replace(
                one_width, part=f"batch {batch}, decay {decay:g}, rate {rate:g}",
                procedure=Solutions(training=at.training(rate, batch, decay)),
            )
            for rate in at.rates
        ]  # fmt: skip
        yield f"trainings_{k}", over_learning_rates(parts, at.rates)
    yield "widths", widths


# Numbers -------------------------------------------------------------------------------------------------------------


def at_fit(surfaces: Surfaces, metric: str) -> Float[np.ndarray, "R rates batches decays"]:
    """A metric of every training at one width where it first fits; NaN where that is not between two recordings."""
    grid = _grid(surfaces)
    batches, decays = _batches_and_decays(grid)
    columns = np.stack([_rates_at_fit(surface, metric) for surface in grid.values()], axis=-1)
    return columns.reshape(*columns.shape[:2], len(batches), len(decays))


def _rates_at_fit(surface: xr.Dataset, metric: str) -> Float[np.ndarray, "R rates"]:
    width = int(sizes_of(surface)[0])
    columns = [at_loss(share_along_time(one), along_time(one, metric, width), TOLERANCE) for one in by_rate(surface)]
    return np.stack(columns, axis=1)


def _grid(surfaces: Surfaces) -> dict[tuple[int, float], xr.Dataset]:
    """The surfaces at one width by batch size and weight decay, in their order."""
    found = {}
    for name, surface in surfaces.items():
        if name.startswith("trainings_"):
            training = json.loads(surface.attrs["procedure"])["training"]
            found[training["batch_size"], training["weight_decay"]] = surface
    return dict(sorted(found.items()))


def _batches_and_decays(grid: dict[tuple[int, float], xr.Dataset]) -> tuple[list[int], list[float]]:
    return sorted({batch for batch, _ in grid}), sorted({decay for _, decay in grid})


def granulated(
    values: Float[np.ndarray, "R *grid"], errors: Float[np.ndarray, "R *grid"]
) -> Float[np.ndarray, "R axes"]:
    """Kendall's tau of two numbers along each axis of the grid alone, mean over the others (Jiang et al. 2020, psi_i).

    A tie counts as no agreement, tau-a. Pairs with a missing number are left out; NaN where an axis has no other.

    >>> granulated(np.array([[[1.0, 2.0], [0.0, 3.0]]]), np.array([[[1.0, 2.0], [3.0, 4.0]]]))
    array([[0., 1.]])
    """
    columns, axes = [], range(1, values.ndim)
    for axis in axes:
        first, second = np.triu_indices(values.shape[axis], 1)
        rises = [np.sign(np.take(one, second, axis) - np.take(one, first, axis)) for one in (values, errors)]
        agreement = rises[0] * rises[1]
        pairs = np.isfinite(agreement).sum(axis=tuple(axes))
        total = np.nan_to_num(agreement).sum(axis=tuple(axes))
        columns.append(np.where(pairs > 0, total / np.maximum(pairs, 1), np.nan))
    return np.stack(columns, axis=1)


def coefficients(surfaces: Surfaces) -> dict[str, Float[np.ndarray, "R axes"]]:
    """How each measure follows the test error along each hyper-parameter alone; the margin's with its sign changed."""
    errors = at_fit(surfaces, "test_error")
    signs = {measure: -1.0 if measure in _RISES_WITH_QUALITY else 1.0 for measure in MEASURES}
    return {measure: granulated(sign * at_fit(surfaces, measure), errors) for measure, sign in signs.items()}


def fitted_widths(surface: xr.Dataset) -> Bool[np.ndarray, " sizes"]:
    """Which widths fit their training set, in the median over replicates."""
    return np.asarray(np.median(share_along_size(surface), axis=0) <= TOLERANCE)


# Findings ------------------------------------------------------------------------------------------------------------


def _findings(surfaces: Surfaces) -> tuple[Finding, ...]:
    found = coefficients(surfaces)
    test = "granulated Kendall coefficient, mean over the hyper-parameters"
    judged = tuple(
        _follows(measure, values.mean(axis=1), name=measure, condition="At one width, over hyper-parameters", test=test)
        for measure, values in found.items()
    )
    return (*judged, *_by_axis(found), _fall(surfaces["widths"]))


def _by_axis(found: dict[str, Float[np.ndarray, "R axes"]]) -> tuple[Finding, ...]:
    """Along each hyper-parameter alone, whether each measure follows the test error."""
    return tuple(
        _follows(
            measure, values[:, k], name=_by(measure, axis), condition=f"As the {axis} alone varies",
            test=f"Kendall's tau along the {axis}, mean over the other hyper-parameters",
        )
        for k, axis in enumerate(AXES) for measure, values in found.items()
    )  # fmt: skip


def _by(measure: str, axis: str) -> str:
    return f"{measure}_by_{axis.replace(' ', '_')}"


def _follows(measure: str, values: Float[np.ndarray, " R"], *, name: str, condition: str, test: str) -> Finding:
    side = "rises" if measure in _RISES_WITH_QUALITY else "falls"
    finding = paired_claim(
        name=name, claim=f"{condition}, the {MEASURES[measure]} {side} where the test error falls", differences=values,
        statistic="median", unit="rank correlation",
        paper="norms and spectral products often correlate negatively (Jiang et al. 2020)",
    )  # fmt: skip
    return replace(finding, test=f"{test}, {finding.test}")


def _fall(surface: xr.Dataset) -> Finding:
    errors, chosen = along_size(surface, "test_error"), fitted_widths(surface)
    first, last = errors[:, chosen][:, [0, -1]].T if chosen.sum() > 1 else np.full((2, len(errors)), np.nan)
    return higher_claim(
        name="second_descent", claim="The test error falls from the first width that fits to the widest",
        higher=first, lower=last, unit="test error", paper="test risk falls past the threshold (Nakkiran et al. 2020)",
    )  # fmt: skip


# Pictures and words --------------------------------------------------------------------------------------------------


def _pictures(surfaces: Surfaces) -> tuple[Picture, ...]:
    return _fixed_picture(surfaces), _width_picture(surfaces["widths"])


def _fixed_picture(surfaces: Surfaces) -> Picture:
    title = "Test error and norms at one width, where training first fits"
    display = StackedDisplay(
        title=title, panels=tuple(_fixed_panel(surfaces, name, label, title) for name, label in _NAMES.items())
    )
    verdicts = {finding.name: finding.verdict for finding in _by_axis(coefficients(surfaces))}
    following = {
        axis: [label for name, label in MEASURES.items() if verdicts[_by(name, axis)] is Verdict.HOLDS] for axis in AXES
    }
    words = "; ".join(
        f"along the {axis}, {_listed(labels) if len(labels) < len(MEASURES) else 'all of them'}"
        for axis, labels in following.items()
    )
    return Picture(
        name="fixed_width", heading="At one width, which norm falls where the test error falls?", display=display,
        sentence=f"Shown to follow the test error: {words}.",
        claims=(*MEASURES, *(_by(measure, axis) for axis in AXES for measure in MEASURES)),
    )  # fmt: skip


def _fixed_panel(surfaces: Surfaces, metric: str, label: str, title: str) -> CurveDisplay:
    """A metric over the learning rate, for the smallest and largest batch and weight decay."""
    grid, values = _grid(surfaces), at_fit(surfaces, metric)
    batches, decays = _batches_and_decays(grid)
    rates = next(iter(grid.values()))[LEARNING_RATE].values
    corners = itertools.product(sorted({0, len(decays) - 1}), sorted({0, len(batches) - 1}))
    return CurveDisplay(
        title=title,
        series=tuple(
            series_from_replicates(
                f"batch {batches[b]}, " + (f"decay {decays[d]:g}" if decays[d] else "no decay"), rates,
                _about_common_mean(values)[:, :, b, d], Role.TEST, condition=place,
            )
            for place, (d, b) in enumerate(corners)
        ),
        x_label="learning rate", y_label=label, x_log=True, y_log=False,
        caption=f"{spread_sentence(len(values))} Each replicate is shifted to the common mean over the trainings.",
        position_name="learning rates",
    )  # fmt: skip


def _about_common_mean(values: Float[np.ndarray, "R *grid"]) -> Float[np.ndarray, "R *grid"]:
    """The values, each replicate shifted to the mean of all: what differs between draws of the data is not compared."""
    axes = tuple(range(1, values.ndim))
    known = np.isfinite(values)
    own = np.nan_to_num(values).sum(axis=axes, keepdims=True) / np.maximum(known.sum(axis=axes, keepdims=True), 1)
    return values - own + own.mean()


def _width_picture(surface: xr.Dataset) -> Picture:
    panels = tuple(_width_panel(surface, name, label) for name, label in _NAMES.items())
    return Picture(
        name="norms", heading="Which norm falls where the test error falls again over width?",
        display=StackedDisplay(title="Test error and norms over width", panels=panels),
        sentence="Over width whatever rises or falls steadily correlates with the test error; no norm is judged here.",
        claims=("second_descent",),
    )  # fmt: skip


def _width_panel(surface: xr.Dataset, metric: str, label: str) -> CurveDisplay:
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
        threshold=None if first is None else exactly(first, "fits from"),
        x_label=size_label(surface), y_label=label, x_log=True, y_log=metric not in {"test_error", "normalised_margin"},
        caption=spread_sentence(surface.sizes["replicate"]), position_name="widths",
    )  # fmt: skip


def _answer(judged: Judged) -> str:
    following, against = (
        [label for name, label in MEASURES.items() if judged.verdicts[name] is verdict]
        for verdict in (Verdict.HOLDS, Verdict.FAILS)
    )
    told = f"; {len(against)} of {len(MEASURES)} move against it" if against and len(following) < 2 else ""
    if not following:
        return f"With width held fixed, no norm is shown to follow the test error{told}."
    if len(following) > 3:
        others = [label for label in MEASURES.values() if label not in following]
        but = f" but the {others[0]}" if others else ""
        return f"With width held fixed, all {len(MEASURES)} measures{but} follow the test error."
    names = f"the {following[0]} follows" if len(following) == 1 else f"{_listed(following)} follow"
    return f"With width held fixed, only {names} the test error{told}."


def _listed(labels: list[str]) -> str:
    """Several names as words.

    >>> _listed(["path norm", "norm", "margin"]), _listed([])
    ('path norm, norm and margin', 'nothing')
    """
    return " and ".join(filter(None, [", ".join(labels[:-1]), *labels[-1:]])) or "nothing"


def _lede(surfaces: Surfaces) -> str:
    grid = _grid(surfaces)
    one = next(iter(grid.values()))
    errors = at_fit(surfaces, "test_error")
    lost = int(np.isnan(errors).sum())
    left_out = f"{lost} of them do not within the recorded times and are left out" if lost else "All of them do"
    return (
        f"{errors.size:,} trainings of two layers of {sizes_of(one)[0]:.0f} units on {samples_of(one):,} samples, a "
        "fifth of their labels wrong, over learning rates, batch sizes and weight decays; each is measured where its "
        f"training loss first falls to 2 % of the best constant predictor's. {left_out}."
        + diverged_words(surfaces.values())
    )


FIGURE = Figure(
    name="jiang2020_norms",
    title="Norms at one width, and over width",
    paper="Jiang, Neyshabur, Mobahi, Krishnan & Bengio 2020, Fantastic generalization measures and where to find them",
    number="the granulated coefficients of norms and margin",
    revision=2,
    primary_claims=("path_norm", "norm", "distance_from_start", "spectral_norm_product", "normalised_margin"),
    declared=_declared,
    findings=_findings,
    pictures=_pictures,
    answer=_answer,
    lede=_lede,
)  # fmt: skip
