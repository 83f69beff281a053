"""Landmarks of a curve: threshold, classical minimum, peak, second descent, and the first position that beats it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from benign.curves.fitting_threshold import FittingThreshold, ThresholdEstimator
from benign.curves.intervals import bootstrap_counts, bootstrap_medians, check_level, percentile_interval
from benign.curves.peak_test import PeakTest, PeakVerdict, peak_test
from benign.curves.resampled_places import NEVER, RESAMPLES, between_positions, crossing_columns, seen_columns
from benign.curves.shape import log_if_positive, prominent_triples
from benign.curves.threshold_reading import read_threshold
from benign.curves.threshold_search import checked_tolerance
from benign.foundation.arrays import number_array
from benign.foundation.conventions import TOLERANCE
from benign.foundation.errors import InvalidArgument, invalid
from benign.foundation.number_words import format_number, format_position

_SMOOTHED = 200  # columns from which on the bottom of the curve is averaged over one of so many on either side
_MANY = 10
_SCATTER = {"classical_minimum": 3.0, "peak": 2.0}
_OF_THE_CURVE = ("classical_minimum", "peak", "second_descent", "first_better")


@dataclass(frozen=True, kw_only=True)
class Landmark:
    """One landmark of the median curve.

    Attributes:
        index: column of the array that was given.
        position: where it is, in units of ``positions``.
        position_interval: bootstrap interval of the position over replicates, which holds the gaps between the measured
            positions around it; an end that is the first or last of them is bounded by nothing. (NaN, NaN) for one
            replicate, and for the second descent.
        value: median over replicates there.
        value_interval: bootstrap interval of that median at this position, so without the search for it.
    """

    index: int
    position: float
    position_interval: tuple[float, float]
    value: float
    value_interval: tuple[float, float]

    def __str__(self) -> str:
        """The position with its interval, and the value there: "200 (199 to 201): 296 (86.9 to 501)"."""
        return f"{self.place}: {_spread(format_number, self.value, self.value_interval)}"

    @property
    def place(self) -> str:
        """The position with its interval."""
        return _spread(format_position, self.position, self.position_interval)


@dataclass(frozen=True, kw_only=True)
class Landmarks:
    """All landmarks of a curve; None where there is none.

    Attributes:
        threshold: the interpolation threshold, read from training risk.
        classical_minimum: the lowest point before the peak; of the whole curve if there is no peak.
        peak: the highest point between the classical minimum and the second descent, if the peak test says PEAK.
        second_descent: the lowest point beyond the peak. Where on a long flat stretch it lies is luck, and the
            bootstrap's interval holds it in 58 to 91 % only: so its position has none.
        first_better: where, beyond the peak, the curve falls below the classical minimum.
        peak_test: whether there is a peak at all.
    """

    threshold: FittingThreshold | None
    classical_minimum: Landmark | None
    peak: Landmark | None
    second_descent: Landmark | None
    first_better: Landmark | None
    peak_test: PeakTest

    @property
    def comparison(self) -> str:
        """Whether the second descent ends below the classical minimum, in the median; empty without one."""
        minimum, end = self.classical_minimum, self.second_descent
        if minimum is None or end is None:
            return ""
        return "below the minimum" if end.value < minimum.value else "not below the minimum"

    @property
    def named(self) -> tuple[tuple[str, Landmark], ...]:
        """Those of the curve, in the words of the field, as they follow while fitting gets easier."""
        found = (
            ("classical minimum" if self.peak else "minimum", self.classical_minimum),
            ("peak", self.peak),
            ("second descent", self.second_descent),
        )
        return tuple((name, landmark) for name, landmark in found if landmark is not None)

    def __str__(self) -> str:
        """Each landmark on a line, whether the second descent beats the minimum, and what the peak test says."""
        lines = [f"{name} at {landmark}" for name, landmark in self.named]
        if self.threshold is not None:
            lines.insert(0, f"threshold at {self.threshold.place}, from the {self.threshold.estimator} training risk")
        if self.second_descent is not None:
            lines[-1] += f", {self.comparison}{self._from_where}"
        return "\n".join([*lines, str(self.peak_test)])

    @property
    def _from_where(self) -> str:
        """Where it is first better; along an inverse of a size that lies left of the peak."""
        better, peak = self.first_better, self.peak
        if better is None:
            return ""
        return f" from {better.place} {'down' if peak is not None and better.position < peak.position else 'on'}"


def find_landmarks(
    positions: Float[np.ndarray, "K"],
    test_risk: Float[np.ndarray, "R K"],
    train_objective: Float[np.ndarray, "R K"] | None,
    constant_objective: Float[np.ndarray, "R"] | None,
    *,
    tolerance: float = TOLERANCE,
    estimator: ThresholdEstimator = "mean",
    level: float = 0.95,
    seed: int = 0,
    is_fitted_below: bool = False,
) -> Landmarks:
    r"""Find the landmarks of the median curve, each with its bootstrap interval.

    Medians over replicates, because means do not converge near the threshold. The curve's three landmarks are the
    i < j < k that maximise min(rise, fall) of the median curve, on a log scale where all risks are positive
    (:func:`benign.curves.shape.prominent_triples`): the peak is then the maximum between them, whatever the height of
    the left end of the U, and however far the curve falls at its right end. Without a peak (refused or undecided), only
    the threshold and the global minimum remain.

    The threshold is the position from which on the mean (or median) over replicates of (training objective / best
    constant predictor's) is at most ``tolerance``: :func:`benign.curves.threshold_reading.read_threshold`.
    ``first_better`` is the split of the axis that the fewest positions contradict, for on a fine grid the first one
    that happens to be better comes far too early.

    Intervals: percentiles of 1,000 bootstrap resamples of the replicates, widened to the next measured positions, since
    what lies between two of them was not seen: a peak may be anywhere between the neighbours of the highest position, a
    crossing anywhere between the last position before it and the first beyond. Coverage is measured in
    ``benchmarks/statistics.py`` from five replicates on; below, intervals are too narrow.
    Beyond 2,000 positions a resample sees 100 positions on either side of each landmark, and elsewhere the lowest and
    the highest median of 300 blocks by index and 300 by its logarithm; so ends of intervals farther than 100 positions
    from a landmark have a resolution of one block, K/300. Where the curve of a resample never beats its
    classical minimum, ``first_better`` is infinite, and so is the upper end of the interval if that happens in more
    than (1 - level) / 2 of them.

    Args:
        positions: sizes, times or samples, increasing.
        test_risk: one row a replicate. Columns with NaN or infinity in any row are skipped.
        train_objective: what training minimises (a loss where the procedure has one), for the threshold. Its columns
            with NaN are skipped; may be None.
        constant_objective: training objective of the best constant predictor for each replicate, positive; may be None.
        tolerance: of the threshold.
        estimator: of the threshold: ``"mean"`` or ``"median"``.
        level: of the intervals and the peak test.
        seed: root seed of the bootstrap.
        is_fitted_below: True along an inverse of a size, where small positions are the fitted ones: the same along
            1 / position, so that the classical minimum lies at larger positions than the peak.

    Raises:
        InvalidArgument: if shapes differ, positions do not increase, or ``tolerance`` or ``level`` cannot be used.

    Cost: O(1000 R min(K, 2000)) and a peak test.
    """
    check_level(level)
    positions, test_risk = number_array("positions", positions, axes=1), number_array("test_risk", test_risk, axes=2)
    if train_objective is not None:
        train_objective = number_array("train_objective", train_objective, axes=2)
    if constant_objective is not None:
        constant_objective = number_array("constant_objective", constant_objective, axes=1)
    _check(positions, test_risk, train_objective, constant_objective, tolerance)
    threshold, relative = None, None
    if train_objective is not None and constant_objective is not None:
        relative = train_objective / constant_objective[:, None]
        read = read_threshold(
            positions,
            relative.T,
            tolerance,
            estimator=estimator,
            level=level,
            seed=seed,
            is_fitted_below=is_fitted_below,
        )
        threshold = read if read.has_place else None
    turn = slice(None, None, -1 if is_fitted_below else 1)  # into the order in which fitting gets easier
    test = peak_test(
        test_risk[:, turn],
        training=None if relative is None else relative[:, turn],
        positions=1.0 / positions[turn] if is_fitted_below else positions,
        level=level,
    )
    columns = np.flatnonzero(np.isfinite(test_risk).all(axis=0))[turn]
    found: dict[str, Landmark | None] = dict.fromkeys(_OF_THE_CURVE)
    if len(columns):
        counts = bootstrap_counts(len(test_risk), RESAMPLES, seed=seed)
        has_peak = test.verdict is PeakVerdict.PEAK
        found |= _curve_landmarks(positions, test_risk, columns, counts, level, has_peak=has_peak)
    return Landmarks(threshold=threshold, peak_test=_turned_back(test, positions) if is_fitted_below else test, **found)


def _turned_back(test: PeakTest, positions: Float[np.ndarray, "K"]) -> PeakTest:
    """The test along 1 / position, from the largest position on, as one along the positions."""
    if test.indices is not None:
        i, j, k = (len(positions) - 1 - index for index in test.indices)
        test = replace(test, indices=(i, j, k))
    if test.at_threshold is None:
        return test
    high, low = (float(positions[np.argmin(np.abs(1.0 / positions - end))]) for end in test.at_threshold.place)
    return replace(test, at_threshold=replace(test.at_threshold, place=(low, high)))


def _check(
    positions: Float[np.ndarray, "K"],
    test_risk: Float[np.ndarray, "R K2"],
    train_objective: Float[np.ndarray, "R2 K3"] | None,
    constant_objective: Float[np.ndarray, "R3"] | None,
    tolerance: float,
) -> None:
    R, K = test_risk.shape
    if len(positions) != K or R < 1 or (train_objective is not None and train_objective.shape != (R, K)):
        raise InvalidArgument(
            f"`test_risk` and `train_objective` must be replicates x {len(positions)} positions, got {test_risk.shape} "
            f"and {None if train_objective is None else train_objective.shape}; one row a replicate."
        )
    if not np.all(np.diff(positions) > 0.0):
        raise invalid("positions", "must increase strictly, got ties or a fall; sort the columns by position.")
    if constant_objective is not None and not (len(constant_objective) == R and np.all(constant_objective > 0.0)):
        raise invalid(
            "constant_objective",
            f"must hold {R} positive numbers, one a replicate, got {constant_objective}; "
            "pass None to leave the threshold out.",
        )
    checked_tolerance(tolerance)


def _curve_landmarks(
    positions: Float[np.ndarray, "K"],
    test_risk: Float[np.ndarray, "R K"],
    columns: Int[np.ndarray, "U"],
    counts: Int[np.ndarray, "B R"],
    level: float,
    *,
    has_peak: bool,
) -> dict[str, Landmark | None]:
    """Of columns in the order in which fitting gets easier."""
    risk, places = test_risk[:, columns], positions[columns]
    median = np.median(risk, axis=0)
    scale, _ = log_if_positive(risk)
    indices = _indices(np.median(scale, axis=0)[None], median[None], has_peak=has_peak)
    at = {name: int(index[0]) for name, index in indices.items()}
    # Resampled medians scatter more between many near positions than the median itself does: measured, on fine grids.
    is_fine = len(columns) >= _SMOOTHED and len(risk) >= _MANY
    levels = {name: 1.0 - _SCATTER.get(name, 1.0) * (1.0 - level) if is_fine else level for name in at}
    seen = seen_columns(median, tuple(index for index in at.values() if index != NEVER))
    resampled = bootstrap_medians(risk[:, seen], counts)
    logs = resampled if scale is risk else bootstrap_medians(scale[:, seen], counts)
    moved = _indices(logs, resampled, has_peak=has_peak)
    return {
        name: None
        if index == NEVER
        else _landmark(
            places,
            columns,
            risk,
            index,
            (math.nan, math.nan)
            if name == "second_descent"
            else between_positions(
                places[seen],
                moved[name],
                levels[name],
                is_crossing=name == "first_better",
                is_falling=bool(places[0] > places[-1]),
            ),
            counts,
            level,
        )
        for name, index in at.items()
    }


def _indices(
    scale: Float[np.ndarray, "B K"], medians: Float[np.ndarray, "B K"], *, has_peak: bool
) -> dict[str, Int[np.ndarray, "B"]]:
    """Columns of the landmarks of each median curve; ``NEVER`` where none is better."""
    if not has_peak:
        return {"classical_minimum": np.argmin(medians, axis=1)}
    i, j, k = prominent_triples(scale)
    columns, rows = np.arange(medians.shape[1]), np.arange(len(medians))
    if reach := medians.shape[1] // _SMOOTHED:
        # Of many columns along a flat bottom the lowest is luck, and too low.
        smooth = _running_mean(medians, reach)
        i = np.argmin(np.where(columns < j[:, None], smooth, np.inf), axis=1)
        lowest = smooth[rows, i]
    else:
        lowest = medians[rows, i]
    is_descent = (columns > j[:, None]) & (columns <= k[:, None])
    better = crossing_columns(medians < lowest[:, None], is_descent)
    return {"classical_minimum": i, "peak": j, "second_descent": k, "first_better": better}


def _running_mean(values: Float[np.ndarray, "B K"], reach: int) -> Float[np.ndarray, "B K"]:
    """Mean over ``reach`` columns on either side, fewer at the ends."""
    sums = np.cumsum(np.pad(values, ((0, 0), (1, 0))), axis=1)
    columns = np.arange(values.shape[1])
    low, high = np.maximum(columns - reach, 0), np.minimum(columns + reach + 1, values.shape[1])
    return (sums[:, high] - sums[:, low]) / (high - low)


def _landmark(
    places: Float[np.ndarray, "U"],
    columns: Int[np.ndarray, "U"],
    values: Float[np.ndarray, "R U"],
    at: int,
    interval: tuple[float, float],
    counts: Int[np.ndarray, "B R"],
    level: float,
) -> Landmark:
    nowhere = (math.nan, math.nan)
    is_repeated = len(values) > 1
    here = bootstrap_medians(values[:, [at]], counts)[:, 0]
    return Landmark(
        index=int(columns[at]),
        position=float(places[at]),
        position_interval=interval if is_repeated else nowhere,
        value=float(np.median(values[:, at])),
        value_interval=percentile_interval(here, level=level) if is_repeated else nowhere,
    )


def _spread(words: Callable[[float], str], value: float, interval: tuple[float, float]) -> str:
    """A number with its interval, if it has one."""
    low, high = interval
    return words(value) if math.isnan(low) else f"{words(value)} ({words(low)} to {words(high)})"
