"""The one way to read a threshold from training risks: by their mean over draws, or by their median."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import cast, get_args

import numpy as np
from jaxtyping import Float

from benign.curves.fitting_threshold import NOTHING_READ, FittingThreshold, ThresholdEstimator, ThresholdOutcome
from benign.curves.intervals import bootstrap_counts, bootstrap_medians
from benign.curves.resampled_places import NEVER, RESAMPLES, between_positions, crossing_columns, seen_columns
from benign.curves.threshold_search import LEVEL, find_threshold, of_each
from benign.foundation.arguments import checked_name
from benign.foundation.conventions import TOLERANCE


def read_threshold(
    positions: Sequence[float] | Float[np.ndarray, " K"],
    risks: Sequence[Float[np.ndarray, " _R"]] | Float[np.ndarray, "K R"],
    tolerance: float = TOLERANCE,
    *,
    estimator: ThresholdEstimator = "mean",
    level: float = LEVEL,
    seed: int = 0,
    is_fitted_below: bool = False,
    interpolated: bool = False,
) -> FittingThreshold:
    """The smallest position whose typical training risk is at most the tolerance, with its interval.

    The mean (ours, :func:`benign.curves.threshold_search.find_threshold`) counts what a training set is expected to
    leave, as the effective model complexity does (Nakkiran et al. 2020, Definition 1). It is interpolated between
    positions and then, where all of these are whole, a whole number. The median is what at least half of the draws
    leave: the measured position from which on it is at most the tolerance, the split of the axis that the fewest
    positions contradict; its interval is the bootstrap's over draws (see :func:`benign.curves.find_landmarks`).

    Args:
        positions: sizes, times or numbers of samples, increasing; those that are not positive and finite are left out.
        risks: of the draws at each position, one row a position. Positions with NaN or infinity are left out. For the
            median the first draws of each row count, as many as the shortest has.
        tolerance: what counts as fitted, above 0.
        estimator: ``"mean"`` or ``"median"`` over draws.
        level: of the interval, between 0.5 and 1.
        seed: root seed of the bootstrap.
        is_fitted_below: whether small positions are the fitted ones, as of samples and of an inverse of a size: the
            largest position is then wanted.
        interpolated: leave the mean's crossing where interpolation puts it.

    Raises:
        InvalidArgument: for an unknown ``estimator``, a ``level`` or ``seed`` that cannot be used, and ``positions``
            that do not increase.

    >>> read_threshold([10.0, 20.0, 40.0], [np.full(4, 0.5), np.full(4, 0.01), np.zeros(4)]).place
    '20 (11 to 20)'
    """
    kind = cast("ThresholdEstimator", checked_name("estimator", estimator, get_args(ThresholdEstimator)))
    x = np.asarray(positions, dtype=np.float64)
    has_numbers = np.array([bool(np.isfinite(draws).all()) for draws in risks])
    usable = np.flatnonzero((x > 0.0) & (x < math.inf) & has_numbers)
    if not len(usable):
        return replace(NOTHING_READ, estimator=kind, tolerance=tolerance, is_inverse=is_fitted_below)
    x, rows = x[usable], [risks[row] for row in usable.tolist()]
    if kind == "median":
        shortest = min(len(draws) for draws in rows)
        share = np.array([draws[:shortest] for draws in rows])
        typical = np.median(share, axis=1)
        found = _median_threshold(x, share.T, tolerance, level, seed, is_fitted_below=is_fitted_below)
    else:
        typical = of_each(rows, np.mean)
        found = mean_crossing(x, rows, tolerance, level=level, is_fitted_below=is_fitted_below).widened(x)
    evidence = dict(zip(x.tolist(), typical.tolist(), strict=True))
    found = replace(found, estimator=kind, tolerance=tolerance, evidence=evidence, is_inverse=is_fitted_below)
    return found if interpolated or kind == "median" else found.in_whole_numbers()


def mean_crossing(
    positions: Float[np.ndarray, " K"],
    risks: Sequence[Float[np.ndarray, " _R"]],
    tolerance: float,
    *,
    level: float = LEVEL,
    is_fitted_below: bool = False,
) -> FittingThreshold:
    """Where the mean risk crosses the tolerance, interpolated, its interval that of the draws alone.

    Args:
        positions: positive and increasing.
        risks: of the draws at each position.
        tolerance: what counts as fitted.
        level: of the interval.
        is_fitted_below: whether fitting gets harder as the position rises, rather than as it falls.

    Raises:
        InvalidArgument: as :func:`benign.curves.threshold_search.find_threshold`.
    """
    if is_fitted_below:
        return find_threshold(positions, risks, tolerance, level=level)
    return find_threshold(1.0 / positions[::-1], risks[::-1], tolerance, level=level).along_the_inverse()


def _median_threshold(
    x: Float[np.ndarray, " K"],
    share: Float[np.ndarray, "R K"],
    tolerance: float,
    level: float,
    seed: int,
    *,
    is_fitted_below: bool,
) -> FittingThreshold:
    counts = bootstrap_counts(len(share), RESAMPLES, seed=seed)
    places, share = (x[::-1], share[:, ::-1]) if is_fitted_below else (x, share)
    nowhere, easiest = 0.0 if is_fitted_below else math.inf, float(places[-1])
    at = int(crossing_columns((np.median(share, axis=0) <= tolerance)[None])[0])
    if at == NEVER:
        return FittingThreshold(
            value=nowhere,
            interval=(min(nowhere, easiest), max(nowhere, easiest)),
            first_crossing=nowhere,
            outcome=ThresholdOutcome.NONE_FITTED,
        )
    # A resample's median is at most the tolerance only where a draw's is: none is fitted before the first.
    start = max(int(np.argmax((share <= tolerance).any(axis=0))) - 1, 0)
    seen = start + seen_columns(np.median(share[:, start:], axis=0), (at - start,))
    crossings = crossing_columns(bootstrap_medians(share[:, seen], counts) <= tolerance)
    ends = between_positions(places[seen], crossings, level, is_crossing=True, is_falling=is_fitted_below)
    ends = ends if len(share) > 1 else (math.nan, math.nan)
    outcome = ThresholdOutcome.FOUND if at else ThresholdOutcome.ALL_FITTED
    return FittingThreshold(value=float(places[at]), interval=ends, first_crossing=float(places[at]), outcome=outcome)
