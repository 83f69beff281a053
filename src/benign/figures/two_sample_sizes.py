"""Two numbers of samples on one surface: whom more data harm, and how far peak and threshold move."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import xarray as xr
from jaxtyping import Float

from benign.curves.findings import LEVEL
from benign.curves.movement import Places, fitted_from, highest, mean_ratio
from benign.curves.sign_changes import crossings
from benign.figures.claims import Claim, Judge, Surfaces, secondary, typically_higher, within
from benign.figures.courses import over_sizes
from benign.figures.figure import Picture
from benign.figures.network_drawing import curve_of, in_order, marked, tables_in_order
from benign.foundation.number_words import format_number as number
from benign.plots import CurveDisplay, Role, StackedDisplay, spread_sentence
from benign.surface.displays import size_label
from benign.surface.sections import along_size, at, median_of, share_along_size, sizes_of

LINEAR_TOLERANCE = 0.002  # of the best constant's loss: least squares fits exactly, so that it may be small
TOGETHER = 1.25  # the peak moves as far as the threshold, within this factor
ABOVE_ONE = 1.0 + 1e-9  # an interval may end where both readings share a measured position


def two_size_claims(few: int, more: int, last: int) -> Iterator[Claim]:
    """That the larger set is worse at its own threshold, and better before and beyond; that peak and threshold move.

    All on the surface ``features``, whose largest size is ``last``.
    """
    loss, more_loss = (over_sizes("features", "test_loss", samples=n).at for n in (few, more))
    worse = "of 4,000 and 18,000 sentences the larger set is worse at some widths (Nakkiran et al. 2020, Fig. 3)"
    for name, word, size, judge in (
        ("hurts", "higher", more, typically_higher(more_loss(more), than=loss(more))),
        ("helps_before", "lower", few, typically_higher(loss(few), than=more_loss(few))),
        ("helps_beyond", "lower", last, typically_higher(loss(last), than=more_loss(last))),
    ):
        text = f"With {size} features {more} samples give a {word} test loss than {few}"
        yield secondary(f"more_data_{name}", text, judge, worse)
    shift = "more samples shift the peak to larger models (Nakkiran et al. 2020, Figs 3 and 11)"
    yield secondary(
        "peak_moves_with_samples",
        f"From {few} to {more} samples the peak of the test loss moves to more features",
        moves(
            lambda features: movements(features, few, more)[0], (ABOVE_ONE, math.inf), "times (features at the peak)"
        ),
        shift,
    )
    yield secondary(
        "peak_moves_as_far_as_the_threshold",
        f"From {few} to {more} samples peak and threshold move by the same factor, to within {TOGETHER:g}",
        moves(
            lambda features: Places.over(*movements(features, few, more)),
            (1.0 / TOGETHER, TOGETHER),
            "times the move of the threshold",
        ),
        shift,
    )


def moves(moved: Callable[[xr.Dataset], Places], allowed: tuple[float, float], unit: str) -> Judge:
    """That a place on the surface ``features`` moves by a factor within ``allowed``, in the mean of its logarithm."""
    test = (
        "mean log ratio over replicates, Student's bounds at {level} that hold the gaps between measured positions, "
        f"inside {allowed[0]:.3g} to {allowed[1]:.3g}"
    )

    def read(surfaces: Surfaces, level: float) -> tuple[float, float, float]:
        return mean_ratio(moved(surfaces["features"]), level)

    return within(allowed, read, of="features", test=test, unit=unit)


def movements(features: xr.Dataset, few: int, more: int) -> tuple[Places, Places]:
    """By how much the peak and the threshold move from the first n to the second, each replicate for itself."""
    sizes, sections = sizes_of(features), [at(features, samples=n) for n in (few, more)]
    peaks = [highest(sizes, along_size(one, "test_loss")) for one in sections]
    fitted = [fitted_from(sizes, share_along_size(one), LINEAR_TOLERANCE) for one in sections]
    return peaks[1].over(peaks[0]), fitted[1].over(fitted[0])


def two_sizes_picture(features: xr.Dataset, few: int, more: int) -> Picture:
    """Both curves with their peaks above, and below them the training losses with the places from which they fit."""
    sections = {f"{n} samples": at(features, samples=n) for n in (few, more)}
    harm = ("more_data_hurts", "more_data_helps_before", "more_data_helps_beyond")
    return Picture(
        "two_sample_sizes",
        "Which models does more data harm?",
        StackedDisplay(
            title=f"{few} and {more} samples over the number of features",
            panels=(_peaks_panel(sections), _thresholds_panel(sections)),
        ),
        _sentence(features, few, more),
        (*harm, "peak_moves_with_samples", "peak_moves_as_far_as_the_threshold"),
    )


def _peaks_panel(sections: Mapping[str, xr.Dataset]) -> CurveDisplay:
    marks = []
    for section in sections.values():
        sizes, medians = sizes_of(section), _medians(along_size(section, "test_loss"))
        top = int(np.nanargmax(medians))
        marks.append((f"highest at {sizes[top]:.0f}:", sizes[top], medians[top]))
    lines = in_order(sections, "test_loss")
    return marked(curve_of(lines, "size", title="Test loss", y_label="test loss", y_log=True), *marks)


def _thresholds_panel(sections: Mapping[str, xr.Dataset]) -> CurveDisplay:
    shares = {name: share_along_size(section) for name, section in sections.items()}
    first = next(iter(sections.values()))
    sizes = sizes_of(first)
    display = CurveDisplay(
        title="Training loss",
        series=tables_in_order(sizes, shares, Role.TRAIN),
        x_label=size_label(first),
        y_label="train loss / constant's",
        y_log=False,
        caption=spread_sentence(first.sizes["replicate"]),
    )
    fitted = [math.exp(median_of(fitted_from(sizes, one, LINEAR_TOLERANCE).value)) for one in shares.values()]
    return marked(display, *((f"from {one:.0f} features on:", one, 0.0) for one in fitted if math.isfinite(one)))


def _medians(values: Float[np.ndarray, "replicates sizes"]) -> Float[np.ndarray, " sizes"]:
    return np.array([median_of(column) for column in values.T])


def _sentence(features: xr.Dataset, few: int, more: int) -> str:
    sizes = sizes_of(features)
    losses = [np.log(along_size(at(features, samples=n), "test_loss")) for n in (few, more)]
    added = _medians(losses[1] - losses[0])
    factor = math.exp(added[np.abs(sizes - more).argmin()])
    peak, threshold = (number(mean_ratio(moved, LEVEL)[0]) for moved in movements(features, few, more))
    places = crossings(sizes, np.where(np.isnan(added), 0.0, added))
    below, above = places[places <= more], places[places > more]
    start = f"from {number(float(below[-1]))}" if len(below) else "from the first size"
    end = f"to {number(float(above[0]))} features" if len(above) else "to the last size"
    more_than_it = f", and more than it {start} {end}" if factor > 1.0 else ""
    return (
        f"With {more} features {more} samples give {number(factor)} times the test loss of {few} in the "
        f"median{more_than_it}. The peak moves right by a factor {peak}, the threshold by {threshold}; the latter is "
        f"{more}/{few} by a theorem."
    )
