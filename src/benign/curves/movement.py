"""How far a peak and a threshold move along an axis, paired over replicates, each known to a gap between positions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from benign.curves.mean_tests import student_bound


class Places(NamedTuple):
    """A place in each replicate as a natural logarithm, with the gap that it may lie in; NaN where there is none."""

    value: Float[np.ndarray, " R"]
    low: Float[np.ndarray, " R"]
    high: Float[np.ndarray, " R"]

    def over(self, other: Places) -> Places:
        """The logarithm of the ratio in each replicate: each gap at the end that widens it."""
        return Places(value=self.value - other.value, low=self.low - other.high, high=self.high - other.low)


def highest(positions: Float[np.ndarray, " K"], risk: Float[np.ndarray, "R K"]) -> Places:
    """Where each replicate's risk is highest: anywhere between the neighbours; NaN where a risk is no number."""
    at = np.where(np.isnan(risk), -np.inf, risk).argmax(axis=1)
    return _places(positions, at, (at - 1, at + 1), np.isfinite(risk).all(axis=1))


def fitted_from(positions: Float[np.ndarray, " K"], share: Float[np.ndarray, "R K"], tolerance: float) -> Places:
    """From where on each replicate's training risk is within a tolerance: between the last that is not and the next."""
    at = share.shape[1] - np.argmax(~(share <= tolerance)[:, ::-1], axis=1)
    at = np.where((share <= tolerance).all(axis=1), 0, at)
    return _places(positions, np.minimum(at, len(positions) - 1), (at - 1, at), at < len(positions))


def _places(
    positions: Float[np.ndarray, " K"],
    at: Int[np.ndarray, " R"],
    gap: tuple[Int[np.ndarray, " R"], Int[np.ndarray, " R"]],
    is_known: Bool[np.ndarray, " R"],
) -> Places:
    """The gap is open where it reaches beyond the measured positions."""
    edged = np.concatenate([[-np.inf], np.log(positions), [np.inf]])
    value, low, high = (np.where(is_known, edged[index + 1], np.nan) for index in (at, *gap))
    return Places(value=value, low=low, high=high)


def mean_ratio(moved: Places, level: float) -> tuple[float, float, float]:
    """Exponential of the mean logarithm over replicates, with an interval; NaN where one of them has no place.

    Each end is Student's one-sided bound of what the gaps allow at most, so that the interval holds both.
    """
    if not np.isfinite(moved.value).all() or len(moved.value) < 2:
        return np.nan, np.nan, np.nan
    low, high = np.exp(_bound(moved.low, level)), np.exp(-_bound(-moved.high, level))
    return float(np.exp(moved.value.mean())), float(low), float(high)


def _bound(ends: Float[np.ndarray, " R"], level: float) -> float:
    """Student's lower bound; minus infinity where an end is open."""
    return student_bound(ends, level) if np.isfinite(ends).all() else -np.inf
