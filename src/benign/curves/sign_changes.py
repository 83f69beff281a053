"""Where a curve changes sign, and with what interval over replicates the median curve does so for the last time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from benign.curves.intervals import bootstrap_counts, bootstrap_medians, percentile_interval
from benign.curves.resampled_places import RESAMPLES


def crossings(positions: Float[np.ndarray, "K"], values: Float[np.ndarray, "K"]) -> Float[np.ndarray, " crossings"]:
    """Where a curve changes sign, between two positions in proportion on a logarithmic scale.

    >>> crossings(np.array([1.0, 4.0, 16.0, 64.0]), np.array([-2.0, 2.0, 2.0, -2.0]))
    array([ 2., 32.])
    """
    is_above = values > 0.0
    left = np.flatnonzero(is_above[:-1] != is_above[1:])
    share = values[left] / (values[left] - values[left + 1])
    return positions[left] * (positions[left + 1] / positions[left]) ** share


@dataclass(frozen=True, kw_only=True)
class Crossing:
    """Where a median curve changes sign for the last time, with its bootstrap interval over replicates.

    An end is infinite where the curves of resamples have their sign everywhere, or change it beyond the positions.
    """

    position: float
    interval: tuple[float, float]
    is_only: bool


def last_crossing(
    positions: Float[np.ndarray, "K"], values: Float[np.ndarray, "replicates K"], *, seed: int = 0
) -> Crossing | None:
    """The last change of sign of the median over replicates, if it changes; positions that lack a number do not count.

    Ours; the interval is the percentile bootstrap's (Efron and Tibshirani 1993, section 13.3).
    """
    usable = np.isfinite(values).all(axis=0)
    positions, values = positions[usable], values[:, usable]
    median = np.median(values, axis=0)
    places = crossings(positions, median)
    if not len(places):
        return None
    resampled = bootstrap_medians(values, bootstrap_counts(len(values), RESAMPLES, seed=seed))
    moved = np.array([_last_change(positions, row, ends_above=bool(median[-1] > 0.0)) for row in resampled])
    return Crossing(position=float(places[-1]), interval=percentile_interval(moved), is_only=len(places) == 1)


def _last_change(positions: Float[np.ndarray, "K"], values: Float[np.ndarray, "K"], *, ends_above: bool) -> float:
    """Where a curve takes the sign that it is to end with: minus infinity from the start, infinity never."""
    if bool(values[-1] > 0.0) is not ends_above:
        return np.inf
    places = crossings(positions, values)
    return float(places[-1]) if len(places) else -np.inf
