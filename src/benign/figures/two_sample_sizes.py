"""Two numbers of samples on one surface: whom more data harm, and how far peak and threshold move."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import xarray as xr
from jaxtyping import Float

from benign.curves import Finding, paired_claim
from benign.curves.findings import as_factor
from benign.figures.figure import Picture
from benign.figures.movement import Places, fitted_from, highest, moves_claim
from benign.figures.nakkiran2020_samplewise import crossings
from benign.figures.network_drawing import curve_of, in_order
from benign.foundation.number_words import format_number as number
from benign.plots import CurveDisplay, Mark, Role, StackedDisplay, series_from_replicates, spread_sentence
from benign.surface.displays import size_label
from benign.surface.sections import along_size, at, median_of, sample_counts_of, samples_of, share_along_size, sizes_of

LINEAR_TOLERANCE = 0.002  # of the best constant's loss: least squares fits exactly, so that it may be small
TOGETHER = 1.25  # the peak moves as far as the threshold, within this factor
ABOVE_ONE = 1.0 + 1e-9  # an interval may end where both readings share a measured position
_SIGNS = {1.0: "higher", -1.0: "lower"}


def middle(samples: tuple[int, ...]) -> int:
    """The n in the middle of a grid."""
    return samples[len(samples) // 2]


def two_sizes(surface: xr.Dataset) -> tuple[int, int]:
    """The middle n, and the measured one nearest to twice that: the training sets that are compared."""
    n = sample_counts_of(surface).astype(int)
    few = middle(tuple(n.tolist()))
    return few, int(n[np.abs(n - 2 * few).argmin()])


def added_by_data(features: xr.Dataset) -> Float[np.ndarray, "replicates sizes"]:
    """Logarithm of the factor by which twice the samples raise the test loss, at every size."""
    few, more = (along_size(at(features, samples=n), "test_loss") for n in two_sizes(features))
    return np.log(more) - np.log(few)


def two_size_findings(features: xr.Dataset) -> Iterator[Finding]:
    """That the larger set is worse at its own threshold, and better before and beyond."""
    (few, more), added, sizes = two_sizes(features), added_by_data(features), sizes_of(features)
    last = int(sizes[-1])
    cases = (("hurts", more, 1.0), ("helps_before", few, -1.0), ("helps_beyond", last, -1.0))
    for name, size, sign in cases:
        column = int(np.abs(sizes - size).argmin())
        found = paired_claim(
            name=f"more_data_{name}", statistic="median",
            claim=f"With {size} features {more} samples give a {_SIGNS[sign]} test loss than {few}",
            differences=sign * added[:, column],
            paper="of 4,000 and 18,000 sentences the larger set is worse at some widths (Nakkiran et al. 2020, Fig. 3)",
        )  # fmt: skip
        yield as_factor(found, "loss")


def movements(features: xr.Dataset) -> tuple[Places, Places]:
    """By how much the peak and the threshold move from the first n to the second, each replicate for itself."""
    few, more = (at(features, samples=n) for n in two_sizes(features))
    peaks = [highest(sizes_of(features), along_size(one, "test_loss")) for one in (few, more)]
    fitted = [fitted_from(sizes_of(features), share_along_size(one), LINEAR_TOLERANCE) for one in (few, more)]
    return peaks[1].over(peaks[0]), fitted[1].over(fitted[0])


def movement_findings(features: xr.Dataset) -> Iterator[Finding]:
    """That the peak moves with n, and as far as the threshold."""
    (few, more), (peak, threshold) = two_sizes(features), movements(features)
    paper = "more samples shift the peak to larger models (Nakkiran et al. 2020, Figs 3 and 11)"
    yield moves_claim(
        name="peak_moves_with_samples",
        claim=f"From {few} to {more} samples the peak of the test loss moves to more features",
        moved=peak, allowed=(ABOVE_ONE, math.inf), unit="times (features at the peak)", paper=paper,
    )  # fmt: skip
    yield moves_claim(
        name="peak_moves_as_far_as_the_threshold",
        claim=f"From {few} to {more} samples peak and threshold move by the same factor, to within {TOGETHER:g}",
        moved=peak.over(threshold), allowed=(1.0 / TOGETHER, TOGETHER),
        unit="times the move of the threshold", paper=paper,
    )  # fmt: skip


def two_sizes_picture(features: xr.Dataset) -> Picture:
    """Both curves with their peaks above, and below them the training losses with the places from which they fit."""
    few, more = two_sizes(features)
    display = StackedDisplay(
        title=f"{few} and {more} samples over the number of features",
        panels=(_peaks_panel(features), _thresholds_panel(features)),
    )  # fmt: skip
    return Picture(
        name="two_sample_sizes", heading="Which models does more data harm?", display=display,
        sentence=_sentence(features),
        claims=(
            "more_data_hurts", "more_data_helps_before", "more_data_helps_beyond", "peak_moves_with_samples",
            "peak_moves_as_far_as_the_threshold",
        ),
    )  # fmt: skip


def _peaks_panel(features: xr.Dataset) -> CurveDisplay:
    sections = [at(features, samples=n) for n in two_sizes(features)]
    display = curve_of(
        in_order({f"{samples_of(one)} samples": one for one in sections}, "test_loss"), "size", title="Test loss",
        x_label=size_label(features), y_label="test loss", y_log=True,
    )  # fmt: skip
    sizes, marks = sizes_of(features), []
    for one in sections:
        medians = np.array([median_of(column) for column in along_size(one, "test_loss").T])
        column = int(np.nanargmax(medians))
        marks.append(Mark(position=sizes[column], value=medians[column], label=f"highest at {sizes[column]:.0f}:"))
    return replace(display, marks=tuple(marks))


def _thresholds_panel(features: xr.Dataset) -> CurveDisplay:
    sizes, lines, marks = sizes_of(features), [], []
    for place, n in enumerate(two_sizes(features)):
        share = share_along_size(at(features, samples=n))
        lines.append(series_from_replicates(f"{n} samples", sizes, share, Role.TRAIN, condition=place))
        fitted = math.exp(median_of(fitted_from(sizes, share, LINEAR_TOLERANCE).value))
        if math.isfinite(fitted):
            marks.append(Mark(position=fitted, value=0.0, label=f"from {fitted:.0f} features on:"))
    return CurveDisplay(
        title="Training loss", series=tuple(lines), marks=tuple(marks), x_label=size_label(features), y_log=False,
        y_label="train loss / constant's", caption=spread_sentence(features.sizes["replicate"]), position_name="sizes",
    )  # fmt: skip


def _sentence(features: xr.Dataset) -> str:
    (few, more), sizes = two_sizes(features), sizes_of(features)
    added = np.array([median_of(column) for column in added_by_data(features).T])
    column = int(np.abs(sizes - more).argmin())
    places = crossings(sizes, np.where(np.isnan(added), 0.0, added))
    below, above = places[places <= more], places[places > more]
    start = f"from {number(float(below[-1]))} " if len(below) else "from the first size "
    end = f"to {number(float(above[0]))} features" if len(above) else "to the last size"
    factor = math.exp(added[column])
    peak, threshold = (np.exp(np.mean(moved.value)) for moved in movements(features))
    moves = (
        f" The peak moves right by a factor {number(float(peak))}, the threshold by {number(float(threshold))}; "
        f"the latter is {more}/{few} by a theorem."
    )
    if not factor > 1.0:
        return f"With {more} features {more} samples do not raise the median test loss above that with {few}.{moves}"
    return (
        f"With {more} features {more} samples give {number(factor)} times the test loss of {few} in the median, and "
        f"more than it {start}{end}: the larger set moves the peak, it does not only lower the curve.{moves}"
    )
