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
from functools import partial

import numpy as np
import xarray as xr
from jaxtyping import Float

from benign.experiments.declaration import Experiment
from benign.figures import fitted_polynomials as fitted
from benign.figures.claims import Claim, Surfaces, Values, primary, secondary, typically_higher, within
from benign.figures.courses import Course, over_sizes, over_times
from benign.figures.figure import Figure, Picture, Results
from benign.figures.measurement import Declared, Joined
from benign.figures.network_drawing import Line, bare, curve_of, level, listed
from benign.figures.stopped_polynomial import LEFT, StoppedPolynomial
from benign.foundation.number_words import format_number as number
from benign.foundation.randomness import generator
from benign.plots import CurveDisplay, Role, StackedDisplay
from benign.procedures import Polynomial
from benign.sources import mml
from benign.surface.displays import metric_series, replicate_series, size_display
from benign.surface.sections import along_size, at, described_as, median_of, seed_of, sizes_of, up_to_size


@dataclass(frozen=True, kw_only=True)
class Scale:
    """What one scale measures; committed before its first run."""

    replicates: int


SCALES = {
    "smoke": Scale(replicates=40),
    "quick": Scale(replicates=500),
    "standard": Scale(replicates=2000),
    "paper": Scale(replicates=10_000),
}
BOOK = fitted.SAMPLES  # the book's degrees 0 .. 9 are 1 .. 10 coefficients
RIGHT, TOO_LARGE = 4, 9  # degrees that descend
STEPS = (1, 4, 16, 64, 256, 1024, 4096, 16_384)
STOPPED = 16  # steps
LOSS = over_sizes("polynomial", "test_loss")


def _experiments(at: Scale) -> Iterator[Declared]:
    """The surface ``polynomial``: every number of coefficients from 1 to 60 on many data sets; and the way to two of
    them on the same data sets, ``descent``.
    """
    measured = partial(Experiment, source=mml(), samples=[fitted.SAMPLES], replicates=at.replicates)
    yield measured(name="polynomial", procedure=Polynomial(), sizes=np.arange(1, fitted.LARGEST + 1))
    sizes = [RIGHT + 1, TOO_LARGE + 1]
    descent = measured(name="descent", procedure=StoppedPolynomial(), sizes=sizes, times=STEPS, metrics=[LEFT])
    words = "squared distance on the test grid from the stopped polynomial to least squares"
    yield Joined(name="descent", experiments=[descent], join=lambda one: described_as(one[0], LEFT, words))


def _claims(_: Scale) -> Iterator[Claim]:
    figure, test = "(Deisenroth et al. 2020, Fig. 9.6)", "bootstrap over data sets of the median curve's lowest degree"
    lowest = "Among degrees 0 to 9 the median test loss is lowest at degree 4 or 5"
    judge = within((4.0, 5.0), _best_degree, of="polynomial", test=test)
    yield primary("best_degree", lowest, judge, f"degree 4 lowest, about the same at 5 {figure}")
    for name, text, worse, better in (
        ("too_small_underfits", "The constant (degree 0) has a higher test loss than degree 4", 0, 4),
        ("too_large_overfits", "Degree 9, which interpolates, has a higher test loss than degree 4", 9, 4),
        ("six_is_worse", "Degree 6 has a higher test loss than degree 5", 6, 5),
    ):
        paper = f"test error falls, is lowest at degree 4, rises strongly from 6 {figure}"
        yield primary(name, text, typically_higher(LOSS.at(worse + 1), than=LOSS.at(better + 1)), paper)
    beyond = f"Degree {fitted.LARGEST - 1} (smallest norm) has a lower test loss than degree 9"
    judge = typically_higher(LOSS.at(BOOK), than=LOSS.at(fitted.LARGEST))
    yield secondary("beyond_the_book", beyond, judge, "not in the book, which stops at degree 9")
    yield from _claims_on_descent()


def _claims_on_descent() -> Iterator[Claim]:
    paper, unit = "not in the book, which solves least squares", "squared distance, over the larger of the others"
    (gap, sampling, left), largest = parts_of(RIGHT), "is the largest of three parts"
    text = f"At degree {RIGHT}, after {STEPS[0]} gradient step, what optimisation has left {largest}"
    judge = typically_higher(left.at(STEPS[0]), than=_larger(sampling, gap), unit=unit)
    yield secondary("optimisation_is_largest_at_the_start", text, judge, paper)
    text = f"At degree {RIGHT}, after {STEPS[-1]:,} gradient steps, the sampling gap {largest}"
    judge = typically_higher(sampling, than=_larger(left.at(STEPS[-1]), gap), unit=unit)
    yield secondary("sampling_is_largest_at_the_end", text, judge, paper)
    for degree in (RIGHT, TOO_LARGE):
        text = f"At degree {degree}, {STOPPED} gradient steps give a lower test loss than least squares"
        judge = typically_higher(LOSS.at(degree + 1), than=_descent(degree).at(STOPPED))
        yield secondary(f"stopping_helps_degree_{degree}", text, judge, paper)


def _descent(degree: int, metric: str = "test_loss") -> Course:
    return over_times("descent", metric, size=degree + 1)


def parts_of(degree: int) -> tuple[float, Values, Course]:
    """Squared distances on the test grid: the approximation gap, the sampling gap, and what optimisation has left.

    From the truth to the closest polynomial, from there to least squares, from there to the stopped polynomial. Both
    surfaces hold the same data sets in the same order.
    """
    gap, solved = float(fitted.closest_polynomials()[0][degree]), LOSS.at(degree + 1)
    sampling = Values(lambda surfaces: np.maximum(solved.read(surfaces) - gap, 0.0))
    return gap, sampling, _descent(degree, LEFT)


def _larger(values: Values, number: float) -> Values:
    return Values(lambda surfaces: np.maximum(values.read(surfaces), number))


def _best_degree(surfaces: Surfaces, level: float) -> tuple[float, float, float]:
    """The lowest degree of the median curve, with its percentile interval over resampled data sets."""
    surface = surfaces["polynomial"]
    loss = np.log(along_size(surface, "test_loss")[:, :BOOK])
    loss[np.isnan(loss)] = np.inf
    random = generator(seed_of(surface), "bootstrap of the best degree")
    best = [np.median(loss[random.integers(0, len(loss), len(loss))], axis=0).argmin() for _ in range(500)]
    low, high = np.quantile(best, [0.5 * (1.0 - level), 0.5 * (1.0 + level)], method="inverted_cdf")
    return float(np.median(loss, axis=0).argmin()), float(low), float(high)


def _pictures(results: Results[Scale]) -> Iterator[Picture]:
    surface = results["polynomial"]
    seed, median = seed_of(surface), float(medians_over_size(surface)[fitted.TOO_SMALL])
    yield fitted.fits_picture(seed)
    yield _curve(surface)
    yield fitted.closest_cubic_picture(seed, results.at.replicates, median)
    yield _two_parts(surface)
    yield _descents(results.surfaces)
    yield _beyond(surface)


def medians_over_size(surface: xr.Dataset) -> Float[np.ndarray, " sizes"]:
    """Median test loss at every size: the line that is drawn, so that text and picture tell one number."""
    return np.asarray(metric_series(surface, "test_loss", "size").median)


def _losses(surface: xr.Dataset, title: str, *, x_log: bool = True) -> CurveDisplay:
    metrics, y_limits = ("test_loss", "train_loss"), (1e-3, 1e6)
    return size_display(surface, metrics, title=title, y_label="loss (squared error)", y_limits=y_limits, x_log=x_log)


def _curve(surface: xr.Dataset) -> Picture:
    display = _losses(up_to_size(surface, BOOK), "The bias-variance curve of the book", x_log=False)
    medians = medians_over_size(surface)[:BOOK]
    sentence = (
        f"Over {surface.sizes['replicate']:,} data sets the training loss only falls, while the median test loss is "
        f"lowest, {number(medians.min())}, at degree {medians.argmin()} and {number(medians[9])} at degree 9, where "
        "the ten coefficients fit the ten points exactly. A polynomial of degree d has d + 1 coefficients."
    )
    claims = ("too_small_underfits", "best_degree", "six_is_worse", "too_large_overfits")
    return Picture("u_curve", "How large should the model be?", display, sentence, claims)


def _two_parts(surface: xr.Dataset) -> Picture:
    """Pythagoras on the grid: the fit and the closest element differ inside the space, the gap is outside it."""
    sizes, gap = sizes_of(surface)[:BOOK], fitted.closest_polynomials()[0][:BOOK]
    added = np.maximum(along_size(surface, "test_loss")[:, :BOOK] - gap, 0.0)
    sampling = replicate_series("sampling adds", sizes, added, Role.TEST)
    display = CurveDisplay(
        title="What the space cannot reach, and what ten samples add",
        series=(bare("approximation gap", sizes, gap, Role.REFERENCE), sampling),
        x_label="number of coefficients (size): degree + 1",
        y_label="loss (squared error)",
        x_log=False,
        y_limits=(1e-4, 1e6),
        caption=f"Line: median of {len(added):,} data sets; band: 10 % to 90 %. The gap needs no data.",
    )
    parts = f"{number(gap[RIGHT])} and {number(sampling.median[RIGHT])}"
    sentence = (
        "The test loss is the sum of two parts: the distance from the truth to the closest polynomial of that degree, "
        f"which no data can remove, and what fitting only ten noisy points adds; at degree {RIGHT} they are {parts}."
    )
    return Picture("gap_and_sampling", "Why is there a best size?", display, sentence)


def _descents(surfaces: Surfaces) -> Picture:
    panels = (_descent_panel(surfaces, RIGHT, (1e-3, 10.0)), _descent_panel(surfaces, TOO_LARGE, (1e-6, 1e8)))
    display = StackedDisplay(title="From the zero polynomial to least squares, step by step", panels=panels)
    solved = " and ".join(number(LOSS.median(surfaces, degree + 1)) for degree in (RIGHT, TOO_LARGE))
    stopped = " and ".join(number(_descent(degree).median(surfaces, STOPPED)) for degree in (RIGHT, TOO_LARGE))
    sentence = (
        f"At degrees {RIGHT} and {TOO_LARGE} the median test loss is {stopped} after {STOPPED} gradient steps, and "
        f"{solved} for least squares, where the way ends."
    )
    claims = ["optimisation_is_largest_at_the_start", "sampling_is_largest_at_the_end"]
    claims += [f"stopping_helps_degree_{degree}" for degree in (RIGHT, TOO_LARGE)]
    return Picture("descent", "And if training stops before the best fit?", display, sentence, claims)


def _descent_panel(surfaces: Surfaces, degree: int, limits: tuple[float, float]) -> CurveDisplay:
    (gap, sampling, left), steps = parts_of(degree), np.array(STEPS)
    loss = Line(section=at(surfaces["descent"], size=degree + 1), metric="test_loss", name="test loss")
    label = f"squared distance, degree {degree}"
    curve = curve_of([loss], "time", title=f"Degree {degree}", y_label=label, y_log=True, y_limits=limits)
    # The test loss alone has a band: of all four nothing could be read.
    medians = (
        level("approximation gap", steps, gap),
        level("sampling gap", steps, median_of(sampling.read(surfaces)), Role.NORM),
        bare("optimisation has left", steps, np.median(left.values(surfaces["descent"]), axis=0), Role.REMEDY),
    )
    caption = (
        f"Lines: medians of {surfaces['descent'].sizes['replicate']:,} data sets; band of the test loss: 10 % to 90 %. "
        "The three parts may cancel: they do not add up to the test loss. Legendre polynomials; steps of 1 / largest "
        "curvature."
    )
    return replace(curve, series=(*medians, *curve.series), caption=caption)


def _beyond(surface: xr.Dataset) -> Picture:
    medians = medians_over_size(surface)
    sentence = (
        "The book stops at degree 9. Beyond it many polynomials fit exactly; the median test loss of the one of "
        f"smallest norm is {number(medians[BOOK - 1])} at degree 9 and {number(medians[-1])} at degree "
        f"{fitted.LARGEST - 1}."
    )
    heading = "And if we go on, past the size that fits every point?"
    return Picture("beyond", heading, _losses(surface, "The book's curve, continued"), sentence, ("beyond_the_book",))


def _headline(results: Results[Scale]) -> str:
    if results.holds("too_large_overfits", "too_small_underfits"):
        return "Too small a model misses the shape, too large a one chases the noise: the classical U."
    return "The classical U was not confirmed in this measurement."


def _lede(results: Results[Scale]) -> str:
    medians = medians_over_size(results["polynomial"])
    losses = listed(f"{number(medians[degree])} at degree {degree}" for degree in (0, 4, 9, fitted.LARGEST - 1))
    data = f"{results.at.replicates:,} data sets of {fitted.SAMPLES} noisy points"
    return f"{data}: the median test loss of a polynomial is {losses}."


FIGURE = Figure(
    name="mml_polynomial",
    title="Under-fitting, over-fitting and the bias-variance curve",
    paper="Deisenroth, Faisal, Ong 2020, Mathematics for Machine Learning",
    number="Figures 9.5 and 9.6",
    revision=1,
    scales=SCALES,
    experiments=_experiments,
    claims=_claims,
    pictures=_pictures,
    headline=_headline,
    lede=_lede,
)
