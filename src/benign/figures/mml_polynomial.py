"""Deisenroth, Faisal, Ong 2020, "Mathematics for Machine Learning", section 9.2.2: polynomial under- and over-fitting.

Book: N = 10 samples, x ~ U[-5, 5], y = -sin(x / 5) + cos(x) + noise of standard deviation 0.2; polynomials of degree 0
to 9; 200 test points on a grid. The test error is lowest at degree 4, about the same at 5, and rises strongly from 6;
degree 9 interpolates. One data set is shown. Ours: many data sets, medians, the same test grid with noise-free targets,
the split of the risk into approximation gap and what sampling adds, and what lies beyond degree 9.

And the way there: gradient descent from the zero polynomial towards least squares, stopped. On the test grid the truth,
the closest polynomial, least squares and the stopped polynomial are four points; the squared distance from each to the
next is the approximation gap, the sampling gap and what optimisation has left. They do not add up to the test loss: the
stopped polynomial may be nearer to the truth than the end of its way. Degrees, steps and claims were fixed on a pilot
with other data sets (seed 77) before the first run.

Runtime on two cores: smoke 2 s, quick about 10 s.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from jaxtyping import Float, Int

from benign.curves import Finding, interval_claim, paired_claim
from benign.curves.findings import as_factor
from benign.figures.figure import Figure, Judged, Picture, Surfaces
from benign.figures.measurement import Joined, Measurement
from benign.figures.network_drawing import bare
from benign.figures.stopped_polynomial import LEFT, StoppedPolynomial
from benign.foundation.number_words import format_number as number
from benign.foundation.randomness import generator
from benign.foundation.replicate import Replicate
from benign.linear import PolynomialFeatures, size_path
from benign.plots import (
    CurveDisplay,
    FitPanel,
    FitsDisplay,
    Role,
    Series,
    StackedDisplay,
    series_from_replicates,
)
from benign.procedures import Polynomial
from benign.sources import mml
from benign.surface.displays import metric_series, replicate_series, size_display
from benign.surface.sections import (
    along_size,
    along_time,
    described_as,
    median_at_size,
    median_of,
    samples_of,
    seed_of,
    sizes_of,
    up_to_size,
)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What one scale measures; committed before its first run."""

    replicates: int


SETTINGS = {
    "smoke": Settings(replicates=100),
    "quick": Settings(replicates=500),
    "standard": Settings(replicates=2000),
    "paper": Settings(replicates=10_000),
}
SAMPLES = 10
LARGEST = 60
BOOK = SAMPLES  # the book's degrees 0 .. 9 are 1 .. 10 coefficients
SHOWN = (1, 2, 4, 5, 7, 10)
TOO_SMALL = 3
RIGHT, TOO_LARGE = 4, 9  # degrees that descend
STEPS = (1, 4, 16, 64, 256, 1024, 4096, 16_384)
STOPPED = 16  # steps


def _declared(scale: str) -> Iterator[tuple[str, Measurement | Joined]]:
    """The surface ``polynomial``: every number of coefficients from 1 to 60 on many data sets; and the way to two of
    them on the same data sets, ``descent``.
    """
    polynomial = Measurement(
        procedure=Polynomial(), source=mml(), samples=[SAMPLES], sizes=np.arange(1, LARGEST + 1),
        replicates=SETTINGS[scale].replicates, is_population=False,
    )  # fmt: skip
    yield "polynomial", polynomial
    descent = replace(
        polynomial, procedure=StoppedPolynomial(), sizes=[RIGHT + 1, TOO_LARGE + 1], times=STEPS, metrics=[LEFT],
        part="descent",
    )  # fmt: skip
    words = "squared distance on the test grid from the stopped polynomial to least squares"
    yield "descent", Joined(parts=[descent], join=lambda one: described_as(one[0], LEFT, words))


def _findings(surfaces: Surfaces) -> tuple[Finding, ...]:
    surface = surfaces["polynomial"]
    loss = np.log(along_size(surface, "test_loss"))
    ranked = np.where(np.isnan(loss), np.inf, loss)[:, :BOOK]
    level = FIGURE.level_of("best_degree")
    low, high = _best_degree_interval(ranked, seed_of(surface), level)
    return (
        interval_claim(
            name="best_degree", claim="Among degrees 0 to 9 the median test loss is lowest at degree 4 or 5",
            estimate=float(np.median(ranked, axis=0).argmin()), interval=(low, high), allowed=(4.0, 5.0),
            replicates=len(loss), level=level, is_place=True,
            test="bootstrap over data sets of the median curve's lowest degree",
            paper="degree 4 lowest, about the same at 5 (Deisenroth et al. 2020, Fig. 9.6)",
        ),
        _higher("too_small_underfits", "The constant (degree 0) has a higher test loss than degree 4", loss, 0, 4),
        _higher("too_large_overfits", "Degree 9, which interpolates, has a higher test loss than degree 4", loss, 9, 4),
        _higher("six_is_worse", "Degree 6 has a higher test loss than degree 5", loss, 6, 5),
        _times_higher(
            "beyond_the_book", f"Degree {LARGEST - 1} (smallest norm) has a lower test loss than degree 9",
            loss[:, 9] - loss[:, LARGEST - 1], "loss", "not in the book, which stops at degree 9",
        ),
        *_descent_findings(surfaces),
    )  # fmt: skip


def _higher(name: str, claim: str, loss: Float[np.ndarray, "replicates sizes"], worse: int, better: int) -> Finding:
    return _times_higher(
        name, claim, loss[:, worse] - loss[:, better], "loss",
        "test error falls, is lowest at degree 4, rises strongly from 6 (Deisenroth et al. 2020, Fig. 9.6)",
    )  # fmt: skip


def _times_higher(name: str, claim: str, log_ratios: Float[np.ndarray, " R"], unit: str, paper: str) -> Finding:
    """That the median ratio is above 1: these losses have heavy tails."""
    return as_factor(
        paired_claim(name=name, claim=claim, differences=log_ratios, statistic="median", paper=paper), unit
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Way:
    """The way of gradient descent to least squares at one degree, as squared distances on the test grid.

    Attributes:
        approximation: from the truth to the closest polynomial.
        sampling: from there to least squares.
        left: from there to the stopped polynomial, which is what optimisation has left.
        loss: from the truth to the stopped polynomial.
        least_squares: from the truth to least squares.
    """

    approximation: float
    sampling: Float[np.ndarray, " R"]
    left: Float[np.ndarray, "R times"]
    loss: Float[np.ndarray, "R times"]
    least_squares: Float[np.ndarray, " R"]


def way_of(surfaces: Surfaces, degree: int) -> Way:
    """The way at one degree; both surfaces hold the same data sets in the same order."""
    gap, solved = float(approximation_gap()[degree]), along_size(surfaces["polynomial"], "test_loss")[:, degree]
    descent = surfaces["descent"]
    return Way(
        approximation=gap, sampling=np.maximum(solved - gap, 0.0), left=along_time(descent, LEFT, degree + 1),
        loss=along_time(descent, "test_loss", degree + 1), least_squares=solved,
    )  # fmt: skip


def _descent_findings(surfaces: Surfaces) -> Iterator[Finding]:
    way, last = way_of(surfaces, RIGHT), len(STEPS) - 1
    paper, unit = "not in the book, which solves least squares", "squared distance, over the larger of the others"
    with np.errstate(divide="ignore"):
        start = np.log(way.left[:, 0]) - np.log(np.maximum(way.sampling, way.approximation))
        end = np.log(way.sampling) - np.log(np.maximum(way.left[:, last], way.approximation))
    yield _times_higher(
        "optimisation_is_largest_at_the_start",
        f"At degree {RIGHT}, after {STEPS[0]} gradient step, what optimisation has left is the largest of three parts",
        start, unit, paper,
    )  # fmt: skip
    yield _times_higher(
        "sampling_is_largest_at_the_end",
        f"At degree {RIGHT}, after {STEPS[last]:,} gradient steps, the sampling gap is the largest of three parts",
        end, unit, paper,
    )  # fmt: skip
    for degree in (RIGHT, TOO_LARGE):
        way = way_of(surfaces, degree)
        yield _times_higher(
            f"stopping_helps_degree_{degree}",
            f"At degree {degree}, {STOPPED} gradient steps give a lower test loss than least squares",
            np.log(way.least_squares) - np.log(way.loss[:, STEPS.index(STOPPED)]), "loss", paper,
        )  # fmt: skip


def _best_degree_interval(
    loss: Float[np.ndarray, "replicates degrees"], seed: int, level: float
) -> tuple[float, float]:
    """Percentile interval of the lowest degree of the median curve, over resampled data sets."""
    random = generator(seed, "bootstrap of the best degree")
    best = [np.median(loss[random.integers(0, len(loss), len(loss))], axis=0).argmin() for _ in range(500)]
    low, high = np.quantile(best, [0.5 * (1.0 - level), 0.5 * (1.0 + level)], method="inverted_cdf")
    return float(low), float(high)


def _grid() -> tuple[Float[np.ndarray, "m 1"], Float[np.ndarray, "m 1"]]:
    """Test grid and noise-free target."""
    split = mml().draw(SAMPLES, Replicate())
    return split.test_inputs, split.test_targets


def approximation_gap() -> Float[np.ndarray, " sizes"]:
    """Squared distance, on the test grid, between the target and its closest polynomial of each degree 0 .. 59."""
    inputs, targets = _grid()
    features = PolynomialFeatures(low=float(inputs.min()), high=float(inputs.max()))
    return size_path(inputs, targets, inputs, targets, features=features, sizes=np.arange(1, LARGEST + 1)).train_loss


def closest_element(size: int) -> Float[np.ndarray, " m"]:
    """The polynomial of ``size`` coefficients closest to the target, on the test grid."""
    inputs, targets = _grid()
    features = PolynomialFeatures(low=float(inputs.min()), high=float(inputs.max()))
    path = size_path(inputs, targets, inputs, targets, features=features, sizes=[size], predict_at=[size])
    assert path.predictions is not None
    return path.predictions[0][:, 0]


def _pictures(surfaces: Surfaces) -> tuple[Picture, ...]:
    surface = surfaces["polynomial"]
    return (
        _fits_picture(surface),
        _curve_picture(surface),
        _closest_picture(surface),
        _gap_picture(surface),
        _descent_picture(surfaces),
        _beyond_picture(surface),
    )


def _fits_picture(surface: xr.Dataset) -> Picture:
    inputs, targets = _grid()
    first = mml().draw(SAMPLES, _replicate(surface, 0))
    fits = [_fits(surface, data_set, np.array(SHOWN)) for data_set in range(25)]
    display = FitsDisplay(
        title="The same ten points, six polynomials",
        grid=inputs[:, 0],
        truth=targets[:, 0],
        train_inputs=first.train_inputs[:, 0],
        train_targets=first.train_targets[:, 0],
        panels=tuple(
            FitPanel(label=f"degree {size - 1}", fit=fits[0][row], others=np.stack([fit[row] for fit in fits[1:]]))
            for row, size in enumerate(SHOWN)
        ),
    )
    sentence = (
        "A polynomial of too low a degree misses the shape (under-fitting), degree 4 is about right, "
        "and degree 9 passes "
        "through all ten points and swings wildly between them (over-fitting); faint lines are the fits to other data."
    )
    return Picture(
        name="fits", heading="What is under-fitting, and what is over-fitting?", display=display, sentence=sentence
    )


def _replicate(surface: xr.Dataset, data_set: int) -> Replicate:
    return Replicate(seed=seed_of(surface), draw=data_set, initialisation=data_set, noise=data_set)


def _fits(surface: xr.Dataset, data_set: int, sizes: Int[np.ndarray, " sizes"]) -> Float[np.ndarray, "sizes m"]:
    """Fits to one of the surface's data sets, on the test grid."""
    split = mml().draw(SAMPLES, _replicate(surface, data_set))
    return np.stack([fit.values[:, 0] for fit in Polynomial().predict(split, _grid()[0], sizes)])


def _closest_picture(surface: xr.Dataset) -> Picture:
    """A space that is too small for the target: what it can reach at best, and what ten samples make of it."""
    inputs, targets = _grid()
    grid = inputs[:, 0]
    size = TOO_SMALL + 1
    closest = closest_element(size)
    fits = np.stack([_fits(surface, data_set, np.array([size]))[0] for data_set in range(200)])
    low, median, high = np.quantile(fits, [0.1, 0.5, 0.9], axis=0)
    display = CurveDisplay(
        title=f"Degree {TOO_SMALL} is too small for this function",
        series=(
            Series(name="fits to 10 points", positions=grid, median=median, low=low, high=high, role=Role.TEST),
            bare("closest cubic", grid, closest, Role.REMEDY),
            bare("true function", grid, targets[:, 0], Role.REFERENCE),
        ),
        x_label="x", y_label="y", x_log=False, y_log=False, y_limits=(-2.5, 2.0), position_name="grid points",
        caption=f"Fits: median of {len(fits)} data sets; band: 10 % to 90 % of them.",
    )  # fmt: skip
    gap = approximation_gap()[size - 1]
    sampling = median_at_size(surface, "test_loss", size) - gap
    sentence = (
        f"No cubic is the true function: the closest one (dotted) stays a loss of {number(gap)} away, the "
        "approximation gap, "
        f"however many samples there are; fitting ten noisy points adds {number(sampling)} in the median, "
        "mostly at the ends."
    )
    return Picture(
        name="closest_element", heading="What if the model cannot express the truth?", display=display,
        sentence=sentence,
    )  # fmt: skip


def medians_over_size(surface: xr.Dataset) -> Float[np.ndarray, " sizes"]:
    """Median test loss at every size: the line that is drawn, so that text and picture tell one number."""
    return np.asarray(metric_series(surface, "test_loss", "size").median)


def _book_part(surface: xr.Dataset) -> xr.Dataset:
    return up_to_size(surface, BOOK)


def _curve_picture(surface: xr.Dataset) -> Picture:
    display = size_display(
        _book_part(surface), ("test_loss", "train_loss"), title="The bias-variance curve of the book",
        y_label="loss (squared error)", y_limits=(1e-3, 1e6), x_log=False,
    )  # fmt: skip
    medians = medians_over_size(surface)
    sentence = (
        f"Over {surface.sizes['replicate']:,} data sets the training loss only falls, while the "
        f"median test loss is lowest, {number(medians[:BOOK].min())}, at degree {medians[:BOOK].argmin()} and "
        f"{number(medians[9])} at degree 9, where the ten coefficients fit the ten points exactly. A polynomial of "
        "degree d has d + 1 coefficients."
    )
    return Picture(
        name="u_curve", heading="How large should the model be?", display=display, sentence=sentence,
        claims=("too_small_underfits", "best_degree", "six_is_worse", "too_large_overfits"),
    )  # fmt: skip


def _gap_picture(surface: xr.Dataset) -> Picture:
    """Pythagoras on the grid: the fit and the closest element differ inside the space, the gap is outside it."""
    gap = approximation_gap()[:BOOK]
    sizes = sizes_of(surface)[:BOOK]
    added = np.maximum(along_size(surface, "test_loss")[:, :BOOK] - gap, 0.0)
    sampling = replicate_series("sampling adds", sizes, added, Role.TEST)
    display = CurveDisplay(
        title="What the space cannot reach, and what ten samples add",
        series=(
            bare("approximation gap", sizes, gap, Role.REFERENCE),
            sampling,
        ),
        x_label="number of coefficients (size): degree + 1", y_label="loss (squared error)", x_log=False,
        caption=f"Line: median of {surface.sizes['replicate']:,} data sets; band: 10 % to 90 %. The gap needs no data.",
        y_limits=(1e-4, 1e6),
    )  # fmt: skip
    larger = np.flatnonzero(sampling.median > gap)
    crossing = f"from degree {larger[0]} on the second part is the larger one" if len(larger) else "the first is larger"
    sentence = (
        "The test loss is the sum of two parts: the distance from the truth to the closest polynomial of that degree, "
        f"which no data can remove, and what fitting only ten noisy points adds; {crossing}."
    )
    return Picture(name="gap_and_sampling", heading="Why is there a best size?", display=display, sentence=sentence)


def _descent_picture(surfaces: Surfaces) -> Picture:
    right, large = (way_of(surfaces, degree) for degree in (RIGHT, TOO_LARGE))
    display = StackedDisplay(
        title="From the zero polynomial to least squares, step by step",
        panels=(_descent_panel(right, RIGHT, (1e-3, 10.0)), _descent_panel(large, TOO_LARGE, (1e-6, 1e8))),
    )  # fmt: skip
    left, loss, far = (np.median(values, axis=0) for values in (right.left, right.loss, large.loss))
    stopped, end = STEPS.index(STOPPED), f"{STEPS[-1]:,}"
    sentence = (
        f"At degree {RIGHT} optimisation has {number(left[0])} left after one gradient step and {number(left[-1])} "
        f"after {end}, beside a sampling gap of {number(median_of(right.sampling))} and an approximation gap of "
        f"{number(right.approximation)}. After {STOPPED} steps the median test loss is {number(loss[stopped])}, that "
        f"of least squares {number(median_of(right.least_squares))}. At degree {TOO_LARGE} it is "
        f"{number(far[stopped])} after {STOPPED} steps, {number(far[-1])} after {end}, and "
        f"{number(median_of(large.least_squares))} for least squares."
    )
    return Picture(
        name="descent", heading="And if training stops before the best fit?", display=display, sentence=sentence,
        claims=(
            "optimisation_is_largest_at_the_start", "sampling_is_largest_at_the_end",
            f"stopping_helps_degree_{RIGHT}", f"stopping_helps_degree_{TOO_LARGE}",
        ),
    )  # fmt: skip


def _descent_panel(way: Way, degree: int, limits: tuple[float, float]) -> CurveDisplay:
    steps, count = np.array(STEPS, dtype=np.float64), len(STEPS)
    lines = (
        ("approximation gap", np.full(count, way.approximation), Role.REFERENCE),
        ("sampling gap", np.full(count, median_of(way.sampling)), Role.NORM),
        ("optimisation has left", np.median(way.left, axis=0), Role.REMEDY),
    )
    # The test loss alone has a band: of all four nothing could be read.
    parts = (bare(name, steps, median, role) for name, median, role in lines)
    return CurveDisplay(
        title=f"Degree {degree}", x_label="gradient steps (time)", y_label=f"squared distance, degree {degree}",
        series=(*parts, series_from_replicates("test loss", steps, way.loss, Role.TEST)), y_limits=limits,
        caption=f"Lines: medians of {len(way.loss):,} data sets; band of the test loss: 10 % to 90 %. The three "
        "parts are distances that may cancel: they do not add up to the test loss. Legendre "
        "polynomials; the step size is 1 / largest curvature.", position_name="steps",
    )  # fmt: skip


def _beyond_picture(surface: xr.Dataset) -> Picture:
    display = size_display(
        surface, ("test_loss", "train_loss"), title="The book's curve, continued", y_label="loss (squared error)",
        y_limits=(1e-3, 1e6),
    )  # fmt: skip
    medians = medians_over_size(surface)
    at_peak, at_end = medians[SAMPLES - 1], medians[LARGEST - 1]
    sentence = (
        "The book stops at degree 9. With more coefficients than points many polynomials fit "
        "exactly; taking the one of "
        f"smallest norm, the median test loss goes from {number(at_peak)} to {number(at_end)} "
        f"at degree {LARGEST - 1}."
    )
    return Picture(
        name="beyond",
        heading="And if we go on, past the size that fits every point?",
        display=display,
        sentence=sentence,
        claims=("beyond_the_book",),
    )


def _answer(judged: Judged) -> str:
    if judged.holds("too_large_overfits", "too_small_underfits"):
        return "Too small a model misses the shape, too large a one chases the noise: the classical U."
    return "The classical U was not confirmed in this measurement."


def _lede(surfaces: Surfaces) -> str:
    surface = surfaces["polynomial"]
    medians = medians_over_size(surface)
    return (
        f"{surface.sizes['replicate']:,} data sets of {samples_of(surface)} noisy points: the median test loss of a "
        f"polynomial is {number(medians[0])} at degree 0, {number(medians[4])} at degree 4, {number(medians[9])} at "
        f"degree 9, {number(medians[-1])} at degree {LARGEST - 1}."
    )


FIGURE = Figure(
    name="mml_polynomial",
    title="Under-fitting, over-fitting and the bias-variance curve",
    paper="Deisenroth, Faisal, Ong 2020, Mathematics for Machine Learning",
    number="Figures 9.5 and 9.6",
    revision=1,
    primary_claims=("too_small_underfits", "best_degree", "too_large_overfits", "six_is_worse"),
    declared=_declared,
    findings=_findings,
    pictures=_pictures,
    answer=_answer,
    lede=_lede,
)
