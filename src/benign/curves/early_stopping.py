"""Early stopping: what a training gains by ending at its best time, chosen on validation data or by an oracle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from benign.curves.intervals import check_level, student_quantile
from benign.foundation.errors import InvalidArgument


@dataclass(frozen=True, kw_only=True, eq=False)
class EarlyStopping:
    """Risks on held-out data with and without stopping early, one row a replicate; NaN where there is no number.

    Attributes:
        chosen: column of the time with the smallest validation risk, the earliest of equals; -1 where there is none.
        stopped: held-out risk at that time.
        oracle: smallest held-out risk over all times. Nobody could stop there: it is chosen on what it is judged by.
        last: held-out risk at the last time.
    """

    chosen: Int[np.ndarray, "R K"]
    stopped: Float[np.ndarray, "R K"]
    oracle: Float[np.ndarray, "R K"]
    last: Float[np.ndarray, "R K"]

    @property
    def gain(self) -> Float[np.ndarray, "R K"]:
        """What stopping where validation says saves; negative where it harms."""
        return self.last - self.stopped

    @property
    def oracle_gain(self) -> Float[np.ndarray, "R K"]:
        """What stopping at the best time saves: never negative, and above zero by luck alone."""
        return self.last - self.oracle

    def chosen_times(self, times: Float[np.ndarray, "T"]) -> Float[np.ndarray, "R K"]:
        """The time of each choice; NaN where there is none."""
        return np.where(self.chosen < 0, np.nan, times[np.maximum(self.chosen, 0)])


def stop_early(validation: Float[np.ndarray, "R K T"], held_out: Float[np.ndarray, "R K2 T2"]) -> EarlyStopping:
    """Choose a time by validation and read the risk there on held-out data, which took no part in the choice.

    With validation and held-out data independent, :attr:`EarlyStopping.gain` is an unbiased measure of what the rule
    gains; :attr:`EarlyStopping.oracle_gain` is not, for the smallest of many noisy numbers is too small.

    Args:
        validation: risk on validation data, replicates x sizes x times. A time without a number is never chosen.
        held_out: risk on other data of the same networks.

    Raises:
        InvalidArgument: if the shapes differ or there is no time.

    >>> validation = np.array([[[0.5, 0.3, 0.4]]])
    >>> stop_early(validation, np.array([[[0.5, 0.4, 0.45]]])).gain.round(3)
    array([[0.05]])
    """
    if validation.shape != held_out.shape or not validation.shape[2]:
        raise InvalidArgument(
            f"`validation` and `held_out` must be replicates x sizes x times, got {validation.shape} and "
            f"{held_out.shape}; measure both at the same times."
        )
    ranked = np.where(np.isnan(validation), np.inf, validation)
    has_number = np.isfinite(ranked).any(axis=2)
    at = ranked.argmin(axis=2)
    stopped = np.take_along_axis(held_out, at[:, :, None], axis=2)[:, :, 0]
    smallest = np.where(np.isnan(held_out), np.inf, held_out).min(axis=2)
    return EarlyStopping(
        chosen=np.where(has_number, at, -1),
        stopped=np.where(has_number, stopped, np.nan),
        oracle=np.where(np.isfinite(smallest), smallest, np.nan),
        last=held_out[:, :, -1].copy(),
    )


def mean_intervals(values: Float[np.ndarray, "R K"], *, level: float = 0.95) -> Float[np.ndarray, "3 K"]:
    """Mean, low and high end of Student's interval of each column, each for itself; NaN where a replicate lacks one.

    Raises:
        InvalidArgument: if ``level`` is not strictly between 0.5 and 1.
    """
    check_level(level)
    R, K = values.shape
    rows = np.full((3, K), np.nan)
    usable = np.isfinite(values).all(axis=0)
    columns = np.ascontiguousarray(values.T[usable])
    mean, half = columns.mean(axis=1), np.full(len(columns), np.inf)
    if R > 1:
        half = student_quantile(0.5 * (1.0 + level), R - 1) * columns.std(axis=1, ddof=1) / np.sqrt(R)
    rows[:, usable] = mean, mean - half, mean + half
    return rows
