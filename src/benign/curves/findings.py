"""Findings: a claim of a paper as a statistical statement that holds, fails or is undecided on what was measured."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from benign.curves.halvings import (
    LEAST_REPLICATES,
    PRICE,
    Estimate,
    canonical_order,
    combined_estimate,
    halvings,
)
from benign.curves.intervals import check_level, mean_interval, median_interval, student_quantile
from benign.curves.shape import log_if_positive
from benign.foundation.errors import InvalidArgument

_MOST_REPLICATES = 1_000_000  # beyond, a number of replicates is no advice

Selector = Callable[[Float[np.ndarray, "S r K"]], Int[np.ndarray, "S"]]
_CHUNK = 2_000_000  # numbers given to a selector at once


class Verdict(enum.Enum):
    """What became of a claim."""

    HOLDS = "holds"
    FAILS = "fails"
    UNDECIDED = "undecided"

    @property
    def sign(self) -> str:
        """One character: ✓, ✗ or ?."""
        return {Verdict.HOLDS: "✓", Verdict.FAILS: "✗", Verdict.UNDECIDED: "?"}[self]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One claim and what the measurement says of it.

    Attributes:
        name: identifier, for example ``"clean_peak_at_threshold"``.
        claim: the claim as a sentence without full stop.
        verdict: holds, fails or undecided.
        effect: the number that the claim is about.
        interval: of ``effect``.
        unit: of ``effect``.
        test: how the verdict was reached.
        replicates: how many were measured.
        paper: the paper's number or statement, beside ours; may be empty.
        needed_replicates: how many would decide an undecided claim if effect and spread stay as they are.
    """

    name: str
    claim: str
    verdict: Verdict
    effect: float
    interval: tuple[float, float]
    unit: str
    test: str
    replicates: int
    paper: str
    needed_replicates: int | None

    @property
    def sentence(self) -> str:
        """Claim, verdict, numbers, test, and what would decide it."""
        low, high = self.interval
        spread = "" if math.isnan(low) or math.isnan(high) else f" [{low:.3g}, {high:.3g}]"
        number = "no number" if math.isnan(self.effect) else f"{self.effect:.3g}{spread} {self.unit}".rstrip()
        text = f"{self.claim}: {self.verdict.value}; {number} ({self.test}, {self.replicates} replicates)"
        if self.verdict is Verdict.UNDECIDED and self.needed_replicates is not None:
            text += f"; about {self.needed_replicates:,} replicates would decide it"
        return text + (f". Paper: {self.paper}." if self.paper else ".")

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON; NaN and infinities become None."""
        return {
            "name": self.name,
            "claim": self.claim,
            "verdict": self.verdict.value,
            "effect": _plain(self.effect),
            "interval": [_plain(end) for end in self.interval],
            "unit": self.unit,
            "test": self.test,
            "replicates": self.replicates,
            "paper": self.paper,
            "needed_replicates": self.needed_replicates,
            "sentence": self.sentence,
        }


def paired_claim(
    *,
    name: str,
    claim: str,
    differences: Float[np.ndarray, "R"],
    margin: float = 0.0,
    level: float = 0.95,
    unit: str = "",
    paper: str = "",
    statistic: Literal["mean", "median"] = "mean",
) -> Finding:
    """The claim that the mean (or median) of paired differences is above ``margin``.

    Holds if the two-sided interval lies above the margin, fails if it lies below, and is undecided if it straddles it,
    so at most 1 - level of such findings are wrong. Mean: Student's interval. Median: the exact order-statistic
    interval, for heavy tails; it decides nothing below 6 replicates at 0.95. A difference that is NaN is counted
    against either verdict by the median, and leaves a claim on the mean undecided: leaving it out might favour a side.

    Raises:
        InvalidArgument: if ``level``, ``statistic`` or ``margin`` cannot be used or there is no replicate.
    """
    check_level(level)
    if statistic not in ("mean", "median"):
        raise InvalidArgument(f'`statistic` must be "mean" or "median", got {statistic!r}; "mean" is usual.')
    if len(differences) == 0 or not math.isfinite(margin):
        raise InvalidArgument(
            f"`differences` and `margin` must hold a number, got {len(differences)} differences and {margin!r}; "
            "pass one difference a replicate."
        )
    test = f"{'Student t' if statistic == 'mean' else 'order statistics'}, paired differences, level {level:g}"
    if margin:
        test += f", margin {margin:g}"
    missing = int(np.count_nonzero(~np.isfinite(differences)))
    if missing:
        test += f"; {missing} differences are no number"
    if missing and statistic == "median":
        test += ", counted against either verdict"
    elif missing:
        return _without_number(name, claim, unit, test, len(differences), paper)
    interval = (mean_interval if statistic == "mean" else _worst_median_interval)(differences, level=level)
    known = differences[~np.isnan(differences)]
    effect = float(np.mean(differences) if statistic == "mean" else np.median(known) if len(known) else np.nan)
    return _against_margin(
        name=name, claim=claim, effect=effect, interval=interval, margin=margin, unit=unit, test=test,
        replicates=len(differences), paper=paper,
        needed=_needed_for_mean(differences, margin, level) if statistic == "mean" else None,
    )  # fmt: skip


def _worst_median_interval(differences: Float[np.ndarray, "R"], *, level: float) -> tuple[float, float]:
    """The interval that holds whatever the missing differences are: all low for its low end, all high for its high."""
    missing = np.isnan(differences)
    low, _ = median_interval(np.where(missing, -np.inf, differences), level=level)
    _, high = median_interval(np.where(missing, np.inf, differences), level=level)
    return low, high


def interval_claim(
    *,
    name: str,
    claim: str,
    estimate: float,
    interval: tuple[float, float],
    allowed: tuple[float, float],
    unit: str = "",
    test: str = "",
    replicates: int,
    paper: str = "",
) -> Finding:
    """The claim that a number lies within ``allowed``, ends included.

    Holds if its interval lies inside, fails if it lies wholly outside, undecided otherwise or without an interval. As
    often wrong as the interval is.

    Raises:
        InvalidArgument: if ``allowed`` or ``interval`` ends before it starts.
    """
    if not allowed[0] <= allowed[1]:
        raise InvalidArgument(f"`allowed` must be (low, high) with low <= high, got {allowed}; swap its ends.")
    low, high = interval
    if low > high:
        raise InvalidArgument(f"`interval` must be (low, high) with low <= high, got {interval}; swap its ends.")
    verdict, needed = Verdict.UNDECIDED, None
    if allowed[0] <= low and high <= allowed[1]:
        verdict = Verdict.HOLDS
    elif high < allowed[0] or low > allowed[1]:
        verdict = Verdict.FAILS
    else:
        edges = [edge for edge in allowed if low <= edge <= high]
        needed = max((_scaled(replicates, estimate, interval, edge) or 0 for edge in edges), default=0) or None
    return Finding(
        name=name, claim=claim, verdict=verdict, effect=estimate, interval=interval, unit=unit,
        test=test or f"interval inside {allowed[0]:g} to {allowed[1]:g}", replicates=replicates, paper=paper,
        needed_replicates=needed,
    )  # fmt: skip


def lowest_median(values: Float[np.ndarray, "S r K"]) -> Int[np.ndarray, "S"]:
    """Column with the lowest median over replicates, in each of S groups of r replicates."""
    return np.argmin(np.median(values, axis=1), axis=1)


def cross_fitted_difference(
    *,
    name: str,
    claim: str,
    values: tuple[Float[np.ndarray, "R K"], Float[np.ndarray, "R"] | Float[np.ndarray, "R L"]],
    selector: Selector = lowest_median,
    margin: float = 0.0,
    level: float = 0.95,
    unit: str = "",
    paper: str = "",
) -> Finding:
    r"""The claim that the best of some candidates has a lower risk than the best of some references.

    ``values`` = (references, candidates): for example the risk at every size below the threshold, and at the sizes
    beyond it. The effect is the reference's risk minus the candidate's (positive: the candidate is better), each at
    the position that ``selector`` chooses on one half of the replicates, evaluated on the other half
    (:mod:`benign.curves.halvings`). If all values are positive it is a difference of log10, in which a heavy-tailed
    risk near the threshold does no harm, and ``unit`` says so; else a difference of the values.

    Holding out removes the luck of a choice, but not its regret: a half chooses a position that is a little worse than
    the best one, which would favour the other side. So each end of the interval is moved outwards to what holds
    simultaneously: to hold, the candidate must beat *every* reference position by Student's interval
    (an intersection-union test), and to fail, the reference must beat every candidate position. Columns with a value
    that is not finite are left out.

    Args:
        name: identifier.
        claim: sentence without full stop.
        values: risks, one row a replicate, the same replicates in both.
        selector: which column to take, for each of S groups of r replicates: risks (or their log10), (S x r x K).
        margin: what the difference must exceed; in log10 where logarithms are taken.
        level: 1 minus the share of such findings that may be wrong.
        unit: of the values.
        paper: the paper's number or statement.

    Raises:
        InvalidArgument: if the numbers of replicates differ, or no column of either holds only finite numbers.
    """
    check_level(level)
    reference, candidate, suffix = _prepared(values)
    R = len(reference)
    test = f"cross-fitted over halvings and simultaneous over positions, level {level:g}" + (
        f", margin {margin:g}" if margin else ""
    )
    unit = f"log10 ratio of {unit or 'risk'}" if suffix else unit
    if R < LEAST_REPLICATES:
        return _without_number(name, claim, unit, f"{test}; needs at least {LEAST_REPLICATES} replicates", R, paper)
    estimate = _cross_fitted(reference, candidate, selector, level)
    return _against_margin(
        name=name, claim=claim, effect=estimate.value, interval=estimate.interval, margin=margin, unit=unit, test=test,
        replicates=R, paper=paper, needed=_scaled(R, estimate.value, estimate.interval, margin),
    )  # fmt: skip


def _prepared(
    values: tuple[Float[np.ndarray, "R K"], Float[np.ndarray, "R2"] | Float[np.ndarray, "R2 L"]],
) -> tuple[Float[np.ndarray, "R K3"], Float[np.ndarray, "R L3"], bool]:
    """Finite columns, on a log10 scale where possible, in canonical order of the replicates."""
    reference, candidate = values[0], values[1].reshape(len(values[1]), -1)
    if len(reference) != len(candidate):
        raise InvalidArgument(
            f"`values` must hold the same replicates twice, got {len(reference)} and {len(candidate)} rows; pair them."
        )
    reference = reference[:, np.isfinite(reference).all(axis=0)]
    candidate = candidate[:, np.isfinite(candidate).all(axis=0)]
    K = reference.shape[1]
    if not K or not candidate.shape[1] or not len(reference):
        raise InvalidArgument(
            "`values` must hold a position that is finite in every replicate on both sides, got none; measure sizes "
            "where the solution can be trusted."
        )
    joined, is_log = log_if_positive(np.hstack([reference, candidate]))
    joined = (joined / math.log(10.0) if is_log else joined)[canonical_order(joined)]
    return joined[:, :K], joined[:, K:], is_log


def _cross_fitted(
    reference: Float[np.ndarray, "R K"], candidate: Float[np.ndarray, "R L"], selector: Selector, level: float
) -> Estimate:
    first = halvings(len(reference))
    chosen_reference = _held_out(reference, first, selector)
    chosen_candidate = _held_out(candidate, first, selector)
    one_sided = 0.5 * (1.0 + level)
    estimate = combined_estimate(chosen_reference - chosen_candidate, level=one_sided)
    low = _simultaneous_low(reference, chosen_candidate, one_sided, is_chosen=candidate.shape[1] > 1)
    high = -_simultaneous_low(candidate, chosen_reference, one_sided, is_chosen=reference.shape[1] > 1)
    return Estimate(value=estimate.value, interval=(min(estimate.interval[0], low), max(estimate.interval[1], high)))


def _held_out(
    values: Float[np.ndarray, "R K"], first: Bool[np.ndarray, "S R"], selector: Selector
) -> Float[np.ndarray, "S R"]:
    """Each replicate's value at the position that the half without it chose."""
    if values.shape[1] == 1:
        return np.broadcast_to(values[:, 0], first.shape)
    held = np.empty(first.shape)
    for halves in (first, ~first):
        members = np.nonzero(halves)[1].reshape(len(halves), -1)
        step = max(1, _CHUNK // (members.shape[1] * values.shape[1]))
        groups = (members[start : start + step] for start in range(0, len(members), step))
        columns = np.concatenate([selector(values[group]) for group in groups])
        held[~halves] = values.T[columns][~halves]
    return held


def _simultaneous_low(
    others: Float[np.ndarray, "R K"], chosen: Float[np.ndarray, "S R"], level: float, *, is_chosen: bool
) -> float:
    """Lowest over positions of the one-sided lower bound of (others - chosen), the median over halvings.

    With a single candidate nothing was chosen: the bound is Student's, without the price of halving.
    """
    R = len(others)
    quantile = student_quantile(1.0 - (1.0 - level) / (PRICE if is_chosen else 1.0), R - 1)
    bounds = []
    for row in chosen if is_chosen else chosen[:1]:
        differences = others - row[:, None]
        error = np.std(differences, axis=0, ddof=1) / math.sqrt(R)
        bounds.append(float(np.min(np.mean(differences, axis=0) - quantile * error)))
    return float(np.median(bounds))


def _plain(number: float) -> float | None:
    return float(number) if math.isfinite(number) else None


def _against_margin(
    *,
    name: str,
    claim: str,
    effect: float,
    interval: tuple[float, float],
    margin: float,
    unit: str,
    test: str,
    replicates: int,
    paper: str,
    needed: int | None,
) -> Finding:
    verdict = Verdict.HOLDS if interval[0] > margin else Verdict.FAILS if interval[1] < margin else Verdict.UNDECIDED
    if verdict is Verdict.UNDECIDED and needed is None:
        needed = _scaled(replicates, effect, interval, margin)
    return Finding(
        name=name, claim=claim, verdict=verdict, effect=effect, interval=interval, unit=unit, test=test,
        replicates=replicates, paper=paper, needed_replicates=needed if verdict is Verdict.UNDECIDED else None,
    )  # fmt: skip


def _without_number(name: str, claim: str, unit: str, test: str, replicates: int, paper: str) -> Finding:
    return Finding(
        name=name, claim=claim, verdict=Verdict.UNDECIDED, effect=math.nan, interval=(math.nan, math.nan), unit=unit,
        test=test, replicates=replicates, paper=paper, needed_replicates=None,
    )  # fmt: skip


def _needed_for_mean(differences: Float[np.ndarray, "R"], margin: float, level: float) -> int | None:
    """Smallest R with t_(R-1) s / sqrt(R) < |mean - margin|; None for one replicate, no effect, or beyond a million."""
    if len(differences) < 2:
        return None
    distance, spread = abs(float(np.mean(differences)) - margin), float(np.std(differences, ddof=1))
    probability = 0.5 * (1.0 + level)

    def decides(R: int) -> bool:
        return student_quantile(probability, R - 1) * spread < distance * math.sqrt(R)

    if not decides(_MOST_REPLICATES):
        return None
    low, high = 1, _MOST_REPLICATES
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if decides(middle) else (middle, high)
    return high


def _scaled(replicates: int, effect: float, interval: tuple[float, float], edge: float) -> int | None:
    """Replicates after which an interval that shrinks like 1 / sqrt(R) leaves ``edge`` out."""
    half = effect - interval[0] if effect > edge else interval[1] - effect
    distance = abs(effect - edge)
    if not (math.isfinite(half) and distance > 0.0) or half < 0.0:
        return None
    needed = math.ceil(replicates * (half / distance) ** 2) + 1
    return needed if needed <= _MOST_REPLICATES else None
