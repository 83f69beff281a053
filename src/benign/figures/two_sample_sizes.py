"""Random features over size and samples: the crest; of two n, whom more data harm, how far peak and threshold move."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import xarray as xr

from benign.curves.findings import LEVEL
from benign.curves.movement import Places, fitted_from, highest, mean_ratio
from benign.figures.claims import Claim, Judge, Surfaces, secondary, typically_higher, within
from benign.figures.courses import over_sizes
from benign.figures.figure import Picture
from benign.figures.network_drawing import curve_of, in_order, marked
from benign.foundation.number_words import format_number as number
from benign.plots import HeatMapDisplay, Role, StackedDisplay, Trace
from benign.schema import DIMENSIONS
from benign.surface.complexity import emc_on_surface
from benign.surface.displays import size_label
from benign.surface.sections import (
    along_size,
    at,
    at_size,
    median_of,
    over_size_and_samples,
    sample_counts_of,
    share_along_size,
    sizes_of,
)
from benign.surface.training_risks import relative_training_loss

LINEAR_TOLERANCE = 0.002  # of the best constant's loss: least squares fits exactly, so that it may be small
TOGETHER = 1.25  # the peak moves as far as the threshold, within this factor
SHOWN = 30.0  # times the lowest loss: the crest is far higher, and would leave the rest of the surface dark
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
    shift, start = (
        "more samples shift the peak to larger models (Nakkiran et al. 2020, Figs 3 and 11)",
        f"From {few} to",
    )
    judge = moves(
        lambda features: movements(features, few, more)[0], (ABOVE_ONE, math.inf), "times (features at the peak)"
    )
    text = f"{start} {more} samples the peak of the test loss moves to more features"
    yield secondary("peak_moves_with_samples", text, judge, shift)
    apart, allowed = lambda features: Places.over(*movements(features, few, more)), (1.0 / TOGETHER, TOGETHER)
    text = f"{start} {more} samples peak and threshold move by the same factor, to within {TOGETHER:g}"
    judge = moves(apart, allowed, "times the move of the threshold")
    yield secondary("peak_moves_as_far_as_the_threshold", text, judge, shift)


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


def features_picture(features: xr.Dataset, few: int) -> Picture:
    """The test loss of every size at every n, and the effective model complexity; that of a ``few`` by a theorem."""
    sizes, n = sizes_of(features), sample_counts_of(features)
    loss = np.apply_along_axis(median_of, 0, over_size_and_samples(features, "test_loss"))
    emc, lowest = emc_on_surface(features, tolerance=LINEAR_TOLERANCE), float(np.nanmin(loss))
    value, low, high = emc.bounded(n[-1])[..., 0]
    display = HeatMapDisplay(
        title="Test loss of random Fourier features",
        sizes=sizes,
        times=n,
        values=loss,
        value_label="test loss",
        value_limits=(lowest, SHOWN * lowest),
        value_log=True,
        traces=(Trace(label="EMC", positions=sizes, values=value, low=low, high=high),),
        x_label=size_label(features),
        y_label="training samples (samples)",
        caption=f"Colour: median of {features.sizes['replicate']} replicates, the last one for {SHOWN:g} times the "
        "lowest loss and above; line: effective model complexity (EMC), the largest n with a training loss of "
        f"{LINEAR_TOLERANCE:g} of a constant's, and its 95 % interval.",
    )
    crest = sizes[np.where(np.isnan(loss), 0.0, loss).argmax(axis=0)] / n
    question = "Is the peak a point, or a crest through the whole surface?"
    sentence = (
        f"For each n the median test loss is highest where features / samples is {number(crest.min())} to "
        f"{number(crest.max())}; by a theorem {few} features fit {few} samples and no more."
    )
    claims = ("features_over_size", "features_over_samples", "falls_with_ridge")
    return Picture("features_over_both", question, display, sentence, claims)


def two_sizes_picture(features: xr.Dataset, few: int, more: int) -> Picture:
    """Both curves with their peaks above, and below them the training losses with the places from which they fit."""
    sections = {f"{n} samples": at(features, samples=n) for n in (few, more)}
    shares, sizes, tops, starts = {}, sizes_of(features), [], []
    for name, section in sections.items():
        shares[name] = section.assign(share=(DIMENSIONS, relative_training_loss(section)))
        medians = [median_of(column) for column in along_size(section, "test_loss").T]
        top = int(np.nanargmax(medians))
        tops.append((f"highest at {sizes[top]:.0f}:", float(sizes[top]), medians[top]))
        start = math.exp(median_of(fitted_from(sizes, along_size(shares[name], "share"), LINEAR_TOLERANCE).value))
        starts += [(f"from {start:.0f} features on:", start, 0.0)] if math.isfinite(start) else []
    test = curve_of(in_order(sections, "test_loss"), title="Test loss", y_label="test loss", y_log=True)
    train = in_order(shares, "share", Role.TRAIN)
    fitted = curve_of(train, title="Training loss", y_label="train loss / constant's")
    display = StackedDisplay(
        title=f"{few} and {more} samples over the number of features",
        panels=(marked(test, *tops), marked(fitted, *starts)),
    )
    losses = [at_size(section, "test_loss", more) for section in sections.values()]
    peak, threshold = (number(mean_ratio(moved, LEVEL)[0]) for moved in movements(features, few, more))
    sentence = (
        f"With {more} features {more} samples give {number(median_of(losses[1] / losses[0]))} times the test loss of "
        f"{few} in the median. The peak moves right by a factor {peak}, the threshold by {threshold}; the latter is "
        f"{more}/{few} by a theorem."
    )
    claims = [f"more_data_{name}" for name in ("hurts", "helps_before", "helps_beyond")]
    claims += ["peak_moves_with_samples", "peak_moves_as_far_as_the_threshold"]
    return Picture("two_sample_sizes", "Which models does more data harm?", display, sentence, claims)
