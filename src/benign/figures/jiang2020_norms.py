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

Runtime on two cores: smoke about ten seconds, quick about two minutes; paper is for one GPU.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float

from benign.curves import Verdict
from benign.curves.equal_loss import at_loss
from benign.curves.rank_correlation import granulated_kendall
from benign.experiments.declaration import Experiment
from benign.figures.claims import Claim, Surfaces, Values, above, higher, once, primary, read_from, secondary, with_test
from benign.figures.courses import over_sizes
from benign.figures.figure import Figure, Picture, Results
from benign.figures.measurement import Declared, over_learning_rates
from benign.figures.network_drawing import Line, curve_of, diverged_words, exactly, listed, percent, tables_in_order
from benign.foundation.conventions import TOLERANCE
from benign.networks.training import Training
from benign.plots import CurveDisplay, Role, StackedDisplay, spread_sentence
from benign.sources import mnist1d
from benign.surface.sections import along_time, by_rate, median_of, share_along_size, share_along_time, sizes_of

MEASURES = {
    "path_norm": "path norm",
    "norm": "Frobenius norm",
    "spectral_norm_product": "product of spectral norms",
    "distance_from_start": "distance from the start",
    "normalised_margin": "normalised margin",
}
AXES = ("learning rate", "batch size", "weight decay")
_DRAWN = {"test_error": "test error", **MEASURES}
_SIGNS = {"normalised_margin": -1.0}  # a larger one is better


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
        recordings: up to so many, between these evenly on a logarithmic axis.
        replicates: paired draws of data and initial weights.
    """

    samples: int = 1000
    test_samples: int = 10_000
    width: int = 128
    rates: tuple[float, ...] = (0.0075, 0.015, 0.03)
    batches: tuple[int, ...] = (25, 50, 100)
    decays: tuple[float, ...] = (0.0, 0.001)
    start: float = 8.0
    end: float = 48.0
    recordings: int = 22
    replicates: int = 12

    @property
    def times(self) -> Float[np.ndarray, " T"]:
        """Recorded physical times, whole steps of every learning rate."""
        step = self.rates[-1]
        return np.unique(np.round(np.geomspace(self.start, self.end, self.recordings) / step)) * step


@dataclass(frozen=True, kw_only=True)
class Scale:
    """What one scale measures: over width, and at one; committed before its first run."""

    samples: int = 4000
    widths: tuple[int, ...]
    steps: int
    batch: int = 125
    replicates: int
    fixed: FixedWidth = field(default_factory=FixedWidth)


SCALES = {
    "smoke": Scale(
        samples=50, widths=(6, 8), steps=200, batch=25, replicates=2,
        fixed=FixedWidth(
            samples=50, test_samples=200, width=32, rates=(0.015, 0.03), batches=(10, 25), start=0.6, end=24.0,
            recordings=8, replicates=1,
        ),
    ),
    "quick": Scale(
        samples=2000, widths=(8, 16, 24, 32, 40, 48, 64, 96, 128, 192, 256), steps=5000, batch=100, replicates=6,
    ),
    "standard": Scale(
        widths=(8, 16, 32, 48, 64, 96, 128, 192, 256, 384, 512), steps=9600, replicates=10,
        fixed=FixedWidth(replicates=24),
    ),
    "paper": Scale(
        widths=(8, 16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024), steps=32_000, replicates=20,
        fixed=FixedWidth(samples=4000, width=512, decays=(0.0, 0.0005, 0.001), end=96.0, replicates=24),
    ),
}  # fmt: skip


def _experiments(at: Scale) -> Iterator[Declared]:
    """The trainings at one width, a surface over learning rate for each batch size and weight decay; and the widths."""
    from benign.procedures.solutions import Solutions

    fixed, images = at.fixed, partial(mnist1d, label_noise=0.2)
    grid = partial(Experiment, metrics=tuple(MEASURES))
    one_width = partial(grid, source=images(test_samples=fixed.test_samples), samples=[fixed.samples])
    one_width = partial(one_width, sizes=[fixed.width], times=fixed.times, replicates=fixed.replicates)
    for k, (batch, decay) in enumerate(itertools.product(fixed.batches, fixed.decays)):
        heavy_ball = partial(Training, optimizer="momentum", batch_size=batch, weight_decay=decay)
        trainings = [heavy_ball(learning_rate=rate, steps=round(fixed.times[-1] / rate)) for rate in fixed.rates]
        parts = [
            one_width(name=f"batch {batch}, decay {decay:g}, rate {rate:g}", procedure=Solutions(training=training))
            for rate, training in zip(fixed.rates, trainings, strict=True)
        ]
        yield over_learning_rates(f"trainings_{k}", parts, fixed.rates)
    adam = Training(learning_rate=2e-3, batch_size=at.batch, steps=at.steps)
    widths = partial(grid, samples=[at.samples], sizes=at.widths, replicates=at.replicates)
    yield widths(name="widths", source=images(test_samples=1000), procedure=Solutions(training=adam))


def at_fit(surfaces: Surfaces, at: FixedWidth, metric: str) -> Float[np.ndarray, "R rates batches decays"]:
    """A metric of every training at one width where it first fits; NaN where that is not between two recordings."""
    columns = [
        at_loss(share_along_time(training), along_time(training, metric, at.width), TOLERANCE)
        for k in range(len(at.batches) * len(at.decays))
        for training in by_rate(surfaces[f"trainings_{k}"])
    ]
    grid = np.stack(columns, axis=1).reshape(-1, len(at.batches), len(at.decays), len(at.rates))
    return np.moveaxis(grid, 3, 1)


def coefficients(surfaces: Surfaces, at: FixedWidth) -> dict[str, Float[np.ndarray, "R axes"]]:
    """How each measure follows the test error along each hyper-parameter alone; the margin's with its sign changed."""
    errors = at_fit(surfaces, at, "test_error")
    values = {measure: _SIGNS.get(measure, 1.0) * at_fit(surfaces, at, measure) for measure in MEASURES}
    return {measure: granulated_kendall(table, errors) for measure, table in values.items()}


def fitted_widths(surface: xr.Dataset) -> Bool[np.ndarray, " sizes"]:
    """Which widths fit their training set, in the median over replicates."""
    return np.asarray(np.median(share_along_size(surface), axis=0) <= TOLERANCE)


def _fitted_error(place: int) -> Values:
    """The test error at the first or the last width that fits; no number where it is the only one."""

    def read(surface: xr.Dataset) -> Float[np.ndarray, " R"]:
        errors, fitted = over_sizes("widths", "test_error").values(surface), np.flatnonzero(fitted_widths(surface))
        return errors[:, fitted[place]] if len(fitted) > 1 else np.full(len(errors), np.nan)

    return read_from("widths", read, "test error")


def _claims(at: Scale) -> Iterator[Claim]:
    found = once(partial(coefficients, at=at.fixed))

    def mean_over(axes: list[int], measure: str) -> Values:
        return Values(lambda surfaces: found(surfaces)[measure][:, axes].mean(axis=1), "rank correlation")

    everywhere = "granulated Kendall coefficient, mean over the hyper-parameters"
    ways = {"": ("At one width, over hyper-parameters", everywhere, [0, 1, 2])}
    for k, axis in enumerate(AXES):
        words = f"Kendall's tau along the {axis}, mean over the other hyper-parameters"
        ways[f"_by_{axis.replace(' ', '_')}"] = f"As the {axis} alone varies", words, [k]
    for way, (condition, words, axes) in ways.items():
        for measure, label in MEASURES.items():
            side = "rises" if measure in _SIGNS else "falls"
            yield (secondary if way else primary)(
                f"{measure}{way}",
                f"{condition}, the {label} {side} where the test error falls",
                with_test(words, above(mean_over(axes, measure), statistic="median")),
                "norms and spectral products often correlate negatively (Jiang et al. 2020)",
            )
    text = "The test error falls from the first width that fits to the widest"
    descent = higher(_fitted_error(0), than=_fitted_error(-1))
    yield secondary("second_descent", text, descent, "test risk falls past the threshold (Nakkiran et al. 2020)")


def _pictures(results: Results[Scale]) -> Iterator[Picture]:
    title = "Test error and norms at one width, where training first fits"
    panels = tuple(_fixed_panel(results, metric, title) for metric in _DRAWN)
    medians = np.apply_along_axis(median_of, 0, at_fit(results.surfaces, results.at.fixed, "test_error"))
    between = f"{percent(np.fmin.reduce(medians, axis=None))} and {percent(np.fmax.reduce(medians, axis=None))}"
    yield Picture(
        "fixed_width",
        "At one width, which norm falls where the test error falls?",
        StackedDisplay(title=title, panels=panels),
        f"Over learning rate, batch size and weight decay the median test error lies between {between}.",
        [*MEASURES, *results.claims("*_by_*")],
    )
    heading, title = "Which norm falls where the test error falls again over width?", "Test error and norms over width"
    panels = tuple(_width_panel(results["widths"], metric, title) for metric in _DRAWN)
    sentence = "Over width whatever rises or falls steadily correlates with the test error; no norm is judged here."
    yield Picture("norms", heading, StackedDisplay(title=title, panels=panels), sentence, ["second_descent"])


def _fixed_panel(results: Results[Scale], metric: str, title: str) -> CurveDisplay:
    """A metric over the learning rate, for the smallest and largest batch and weight decay."""
    at, values = results.at.fixed, _about_common_mean(at_fit(results.surfaces, results.at.fixed, metric))
    corners = {
        f"batch {at.batches[b]}, " + (f"decay {at.decays[d]:g}" if at.decays[d] else "no decay"): values[:, :, b, d]
        for d, b in itertools.product((0, -1), (0, -1))
    }
    return CurveDisplay(
        title=title,
        series=tables_in_order(np.array(at.rates), corners),
        x_label="learning rate",
        y_label=_DRAWN[metric],
        y_log=False,
        caption=f"{spread_sentence(len(values))} Each replicate is shifted to the common mean over the trainings.",
        position_name="learning rates",
    )


def _about_common_mean(values: Float[np.ndarray, "R A B C"]) -> Float[np.ndarray, "R A B C"]:
    """The values, each replicate shifted to the mean of all: what differs between draws of the data is not compared."""
    total, known = (one.sum(axis=(1, 2, 3), keepdims=True) for one in (np.nan_to_num(values), np.isfinite(values)))
    own = total / np.maximum(known, 1)
    return values - own + own.mean()


def _width_panel(surface: xr.Dataset, metric: str, title: str) -> CurveDisplay:
    fitted, label = sizes_of(surface)[fitted_widths(surface)], _DRAWN[metric]
    name, role = ("test", Role.TEST) if metric == "test_error" else (label, Role.NORM)
    line, y_log = Line(section=surface, metric=metric, name=name, role=role), metric not in ("test_error", *_SIGNS)
    threshold = exactly(fitted[0], "fits from") if len(fitted) else None
    return curve_of([line], title=title, y_label=label, threshold=threshold, y_log=y_log)


def _headline(results: Results[Scale]) -> str:
    following = [label for measure, label in MEASURES.items() if results.holds(measure)]
    against = sum(results.verdict(measure) is Verdict.FAILS for measure in MEASURES)
    told = f"; {against} of {len(MEASURES)} move against it" if against and len(following) < 2 else ""
    if not following:
        return f"With width held fixed, no norm is shown to follow the test error{told}."
    if len(following) > 3:
        but = "".join(f" but the {label}" for label in MEASURES.values() if label not in following)
        return f"With width held fixed, all {len(MEASURES)} measures{but} follow the test error."
    names = f"the {following[0]} follows" if len(following) == 1 else f"{listed(following)} follow"
    return f"With width held fixed, only {names} the test error{told}."


def _lede(results: Results[Scale]) -> str:
    at, errors = results.at.fixed, at_fit(results.surfaces, results.at.fixed, "test_error")
    lost = np.count_nonzero(np.isnan(errors))
    left_out = f"{lost} of them do not within the recorded times and are left out" if lost else "All of them do"
    return (
        f"{errors.size:,} trainings of two layers of {at.width} units on {at.samples:,} samples, a fifth of their "
        "labels wrong, over learning rates, batch sizes and weight decays; each is measured where its training loss "
        f"first falls to 2 % of the best constant predictor's. {left_out}.{diverged_words(results.surfaces.values())}"
    )


FIGURE = Figure(
    name="jiang2020_norms",
    title="Norms at one width, and over width",
    paper="Jiang, Neyshabur, Mobahi, Krishnan & Bengio 2020, Fantastic generalization measures and where to find them",
    number="the granulated coefficients of norms and margin",
    revision=2,
    scales=SCALES,
    experiments=_experiments,
    claims=_claims,
    pictures=_pictures,
    headline=_headline,
    lede=_lede,
)
