"""How far a peak and a threshold move along an axis, paired over replicates, each known to a gap between positions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from benign.curves import Finding, interval_claim
from benign.curves.findings import LEVEL
from benign.curves.mean_tests import student_bound


@dataclass(frozen=True, kw_only=True, eq=False)
class Places:
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


def moves_claim(
    *, name: str, claim: str, moved: Places, allowed: tuple[float, float], unit: str, paper: str, level: float = LEVEL
) -> Finding:
    """The claim that a place moves by a factor within ``allowed``: the mean logarithm over replicates.

    Each end of the interval is Student's one-sided bound of what the gaps allow at most, so that it holds both.
    """
    test = (
        f"mean log ratio over replicates, Student's bounds at {level:g} that hold the gaps between measured positions, "
        f"inside {allowed[0]:.3g} to {allowed[1]:.3g}"
    )
    estimate, low, high = np.nan, np.nan, np.nan
    if np.isfinite(moved.value).all() and len(moved.value) > 1:
        estimate = np.exp(moved.value.mean())
        low, high = np.exp(_bound(moved.low, level)), np.exp(-_bound(-moved.high, level))
    return interval_claim(
        name=name, claim=claim, estimate=float(estimate), interval=(float(low), float(high)), allowed=allowed,
        unit=unit, test=test, replicates=len(moved.value), paper=paper, level=level, is_place=True,
    )  # fmt: skip


def _bound(ends: Float[np.ndarray, " R"], level: float) -> float:
    """Student's lower bound; minus infinity where an end is open."""
    return student_bound(ends, level) if np.isfinite(ends).all() else -np.inf
