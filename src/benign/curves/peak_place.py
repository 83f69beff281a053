r"""Where the test risk will peak, if it does, said from training risk alone: an interval, never a point.

With squared loss the peak lies where the fit becomes exact, not where some small share of the training risk is left.

*A solved fit* becomes exact at a position that is measured: the median risk falls to 1e-20 of the best constant
predictor's there, which is double rounding, squared, with room for ill-conditioned columns; gradient steps do not come
near. For least squares on k independent columns that is k = n, and what no model of the class explains reaches the test
risk multiplied by :math:`1 / (1 - k/n)` below it (Hastie, Montanari, Rosset, Tibshirani 2022). The interval
goes from the crossing of the tolerance to the exact fit. A smooth target without noise crosses the tolerance long
before: how smooth it is, is all that says. So the interval starts no earlier than at 1 / 1.25 of its end, where that
factor is five.

*A trained fit*, or one with a ridge, has no such position. Its zero is extrapolated along the root of the risk, from
where five times the tolerance are left and where the tolerance is:

.. math:: k_0 = k_\varepsilon + \frac{k_\varepsilon - k_{5 \varepsilon}}{\sqrt 5 - 1}

Pure noise leaves :math:`1 - k/n` to least squares, linear in k: its root errs on the far side by less than 0.05 n. A
network's risk flattens on its way to zero, and its root is the straighter of the two. Nothing is looked for beyond the
first position where less than the tolerance's share of the tolerance is left. Not all trainings end equally near: the
median test risk of networks is highest where 2 to 10 % of the median training risk are left, on a plateau that reaches
to the zero. So this interval starts where five times the tolerance are left, but within the critical regime about the
zero (a factor of 1.5, as everywhere), for some risks fall to five times the tolerance early and linger there.

*Cross-entropy* has no exact fit at all. Its ends are where the training error falls to 0.1, at which Nakkiran et al.
2020 read the effective model complexity, and to 0.01.

Each end is the crossing of the earliest, or the latest, quarter of the replicates, then moved outwards to a measured
position, for between two of them nothing is known. Rule and constants were chosen on one half of the cases of
benchmarks/peak_place.py before the other half was looked at; its JSON holds both.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Float

from benign.foundation.arrays import number_array
from benign.foundation.conventions import REGIME_BAND, TOLERANCE
from benign.foundation.errors import invalid
from benign.foundation.size_words import is_counted

EXACT = 1e-20
"""Of the best constant predictor's training risk: zero to double rounding, squared."""
_QUARTER = 0.25  # of the replicates that may lie outside of either end
_REACH = 1.25  # from an exact fit down to where least squares multiplies the error by five
_STEEP = 5.0  # times the tolerance: where a trained fit begins its way to zero
_ERRORS = (0.1, 0.01)


class PeakEnd(enum.Enum):
    """What the interval rests on; the value is what the user reads."""

    EXACT = "one end is where the fit is exact, which was measured"
    EXTRAPOLATED = "one end is extrapolated: there the training risk would reach zero"
    ERROR = "the ends are where the training error falls to 0.1 and to 0.01"


@dataclass(frozen=True, kw_only=True)
class PeakPlace:
    """Where the test risk peaks, if it does, as far as the training risk tells.

    Attributes:
        interval: its ends are measured positions; 0 below and infinity above say that nothing bounds it there.
        end: what it rests on.
        unit: what positions count.
    """

    interval: tuple[float, float]
    end: PeakEnd
    unit: str

    @property
    def is_bounded(self) -> bool:
        """Whether the interval has two ends."""
        return self.interval[0] > 0.0 and self.interval[1] < np.inf

    @property
    def words(self) -> str:
        """The interval: "between 178 and 200 features", "at max_leaf_nodes between 6 and 9"."""
        if self.unit and not is_counted(self.unit) and self.interval != (0.0, np.inf):
            return f"at {self.unit} {replace(self, unit='').words.removeprefix('at ')}"
        low, high = (f"{end:,.6g}" for end in self.interval)
        unit = f" {self.unit}" if self.unit else ""
        if self.is_bounded:
            return f"at {high}{unit}" if low == high else f"between {low} and {high}{unit}"
        if self.interval[1] < np.inf:
            return f"at {high}{unit} or fewer"
        return f"at {low}{unit} or more" if self.interval[0] > 0.0 else "at a place that these positions do not bound"

    @property
    def sentence(self) -> str:
        """In plain words, with what it rests on."""
        if not self.is_bounded:
            return f"The test risk peaks, if it does, {self.words}: what was measured does not bound it."
        return f"The test risk peaks, if it does, {self.words}: {self.end.value}."

    def __str__(self) -> str:
        """The sentence."""
        return self.sentence

    def to_dict(self) -> dict[str, object]:
        """As JSON values; None stands for an end that nothing bounds."""
        low, high = self.interval
        return {
            "interval": [low or None, high if high < np.inf else None],
            "end": self.end.name.lower(),
            "unit": self.unit,
            "sentence": self.sentence,
        }


def peak_place(
    positions: Float[np.ndarray, " K"],
    training: Float[np.ndarray, "R K"],
    *,
    error: Float[np.ndarray, "R K"] | None = None,
    objective: Literal["squared", "cross-entropy"] = "squared",
    tolerance: float = TOLERANCE,
    unit: str = "",
    is_fitted_below: bool = False,
) -> PeakPlace | None:
    """The interval in which the test risk peaks, if it does; see the module for the rule.

    Ours, from what Hastie, Montanari, Rosset and Tibshirani 2022 show of least squares.

    Args:
        positions: sizes, or numbers of samples, positive and increasing.
        training: what training minimises over the best constant predictor's, one row a replicate. Columns with NaN or
            infinity are left out.
        error: zero-one training error, which cross-entropy is read from.
        objective: what training minimises.
        tolerance: what counts as fitted.
        unit: what positions count, for the sentence.
        is_fitted_below: True along samples, where small positions are the fitted ones: the same rule along 1 / n.

    Returns:
        The place; None where nothing can be read: fewer than two usable positions, or cross-entropy without its error.

    Raises:
        InvalidArgument: if ``training`` is not of the same positions.

    >>> sizes = np.arange(1.0, 61.0)
    >>> noise = np.maximum(0.0, 1.0 - sizes / 50.0)
    >>> peak_place(sizes, noise[None], unit="features").sentence.split(":")[0]
    'The test risk peaks, if it does, between 49 and 50 features'
    """
    risks = training if objective == "squared" else error
    if risks is None:
        return None
    positions, risks = number_array("positions", positions, axes=1), number_array("training", risks, axes=2)
    if risks.shape[1:] != positions.shape:
        raise invalid("training", f"must be of {len(positions)} `positions`, got the shape {risks.shape}.")
    if is_fitted_below:
        positions, risks = 1.0 / positions[::-1], risks[:, ::-1]
    usable = np.isfinite(risks).all(axis=0)
    x, rows = positions[usable], risks[:, usable]
    if len(x) < 2:
        return None
    low, high, end = _of_error(x, rows) if objective == "cross-entropy" else _of_squared_loss(x, rows, tolerance)
    low, high = max(x[x <= low], default=0.0), min(x[x >= high], default=np.inf)
    if is_fitted_below:
        low, high = (float(np.divide(1.0, end)) if end else np.inf for end in (high, low))
    return PeakPlace(interval=(float(low), float(high)), end=end, unit=unit)


def _of_squared_loss(
    x: Float[np.ndarray, " K"], rows: Float[np.ndarray, "R K"], tolerance: float
) -> tuple[float, float, PeakEnd]:
    is_exact = np.median(rows, axis=0) <= EXACT
    if is_exact.any():
        at = int(np.argmax(is_exact))
        low = max(_earliest([_crossing(x, row, tolerance) for row in rows]), float(x[at]) / _REACH)
        return min(low, float(x[at - 1]) if at else 0.0), float(x[at]), PeakEnd.EXACT
    zeros = [_zero(x, row, tolerance) for row in rows]
    start = _earliest([_crossing(x, row, _STEEP * tolerance) for row in rows])
    # Of a zero beyond what was measured, only that is known.
    low = max(start, min(_earliest(zeros), float(x[-1])) / REGIME_BAND) if start else 0.0
    return low, _latest(zeros), PeakEnd.EXTRAPOLATED


def _of_error(x: Float[np.ndarray, " K"], rows: Float[np.ndarray, "R K"]) -> tuple[float, float, PeakEnd]:
    first, last = ([_crossing(x, row, level) for row in rows] for level in _ERRORS)
    return _earliest(first), _latest(last), PeakEnd.ERROR


def zeros(x: Float[np.ndarray, " K"], risk: Float[np.ndarray, " K"], tolerance: float) -> tuple[float, float] | None:
    """Where the line through the risk at its two levels ends, and where that through their roots does.

    None where the levels are not both crossed.
    """
    far, near = _crossing(x, risk, _STEEP * tolerance), _crossing(x, risk, tolerance)
    if not 0.0 < far <= near < np.inf:
        return None
    return near + (near - far) / (_STEEP - 1.0), near + (near - far) / (np.sqrt(_STEEP) - 1.0)


def _zero(x: Float[np.ndarray, " K"], risk: Float[np.ndarray, " K"], tolerance: float) -> float:
    """Along the root, and no farther than where the tolerance's share of the tolerance is left."""
    ends = zeros(x, risk, tolerance)
    end = float(min(x[risk <= tolerance**2], default=np.inf))
    return end if ends is None else min(ends[1], end)


def _crossing(x: Float[np.ndarray, " K"], risk: Float[np.ndarray, " K"], level: float) -> float:
    """Where the risk first falls to the level, its root interpolated; 0 before the start, infinity beyond the end."""
    is_below = risk <= level
    if not is_below.any() or is_below[0]:
        return 0.0 if is_below[0] else np.inf
    at = int(np.argmax(is_below))
    before, after = np.sqrt(risk[at - 1]), np.sqrt(risk[at])
    share = (before - np.sqrt(level)) / (before - after)
    return float(x[at - 1] + share * (x[at] - x[at - 1]))


def _earliest(ends: list[float]) -> float:
    """Equivalent to ``numpy.quantile(ends, 0.25, method="lower")``, which takes as long as all else here."""
    return float(sorted(ends)[math.floor(_QUARTER * (len(ends) - 1))])


def _latest(ends: list[float]) -> float:
    return float(sorted(ends)[math.ceil((1.0 - _QUARTER) * (len(ends) - 1))])
