"""The best of some positions against the best of others, chosen and compared on different halves of the replicates."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float, Int

from benign.curves.findings import Finding, Verdict, against_margin, as_factor, without_number
from benign.curves.halvings import (
    LEAST_REPLICATES,
    MEDIAN_FACTOR,
    Estimate,
    canonical_order,
    combined_estimate,
    halvings,
)
from benign.curves.intervals import check_level, student_quantile
from benign.curves.shape import log_if_positive
from benign.foundation.arrays import as_array, number_array
from benign.foundation.errors import invalid

Selector = Callable[[Float[np.ndarray, "S r K"]], Int[np.ndarray, "S"]]
_CHUNK = 2_000_000  # numbers given to a selector at once
_HALVED_LEVELS = 14


def lowest_median(values: Float[np.ndarray, "S r K"]) -> Int[np.ndarray, "S"]:
    """Column with the lowest median over replicates, in each of S groups of r replicates.

    Equivalent to ``numpy.argmin(numpy.median(values, axis=1), axis=1)``.
    """
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
    (:mod:`benign.curves.halvings`). If all values are positive it is a difference of logarithms, in which a heavy
    tail near the threshold does no harm, told as the factor by which the reference's risk is higher, and ``unit`` says
    so; else a difference of the values.

    Ours; halvings are combined after Meinshausen, Meier and Buehlmann 2009, section 3.

    Holding out removes the luck of a choice, but not its regret: a half chooses a position that is a little worse than
    the best one, which would favour the other side. So each end of the interval is moved outwards to what holds
    simultaneously: to hold, the candidate must beat *every* reference position by Student's interval
    (an intersection-union test), and to fail, the reference must beat every candidate position. Columns with a value
    that is not finite are left out.

    Args:
        name: identifier.
        claim: sentence without full stop.
        values: risks, one row a replicate, the same replicates in both.
        selector: which column to take, for each of S groups of r replicates: risks (or their logarithms), (S x r x K).
        margin: what the difference must exceed; a natural logarithm where logarithms are taken.
        level: 1 minus the share of such findings that may be wrong.
        unit: of the values.
        paper: the paper's number or statement.

    Raises:
        InvalidArgument: if the numbers of replicates differ, or no column of either holds only finite numbers.
    """
    check_level(level)
    reference, candidate, is_log = _prepared(values)
    R = len(reference)
    test = f"cross-fitted over halvings and simultaneous over positions, level {level:g}" + (
        f", margin {margin:g}" if margin else ""
    )
    finding = without_number(name, claim, unit, test, R, paper)
    if R < LEAST_REPLICATES:
        finding = replace(finding, test=f"{test}; needs at least {LEAST_REPLICATES} replicates")
        return as_factor(finding, unit) if is_log else finding
    first = halvings(R)
    chosen = _held_out(reference, first, selector), _held_out(candidate, first, selector)
    judged = finding
    # A verdict's p-value is the smallest of these levels at which it stands.
    for alpha in (1.0 - level) * 0.5 ** np.arange(_HALVED_LEVELS):
        found = _estimated((reference, candidate), chosen, 1.0 - float(alpha))
        stricter = against_margin(
            replace(finding, effect=found.value, interval=found.interval), margin, p_value=float(alpha)
        )
        if judged is finding:
            judged = stricter
        if stricter.verdict is Verdict.UNDECIDED:
            break
        judged = replace(judged, p_value=stricter.p_value)
    return as_factor(judged, unit) if is_log else judged


def _prepared(
    values: tuple[Float[np.ndarray, "R K"], Float[np.ndarray, "R2"] | Float[np.ndarray, "R2 L"]],
) -> tuple[Float[np.ndarray, "R K3"], Float[np.ndarray, "R L3"], bool]:
    """Finite columns, on a logarithmic scale where possible, in canonical order of the replicates."""
    reference, other = number_array("values", values[0], axes=2), as_array("values", values[1])
    candidate = number_array("values", other[:, None] if other.ndim == 1 else other, axes=2)
    if len(reference) != len(candidate):
        raise invalid(
            "values", f"must hold the same replicates twice, got {len(reference)} and {len(candidate)} rows; pair them."
        )
    reference = reference[:, np.isfinite(reference).all(axis=0)]
    candidate = candidate[:, np.isfinite(candidate).all(axis=0)]
    K = reference.shape[1]
    if not K or not candidate.shape[1] or not len(reference):
        raise invalid(
            "values",
            "must hold a position that is finite in every replicate on both sides, got none; measure sizes "
            "where the solution can be trusted.",
        )
    joined, is_log = log_if_positive(np.hstack([reference, candidate]))
    joined = joined[canonical_order(joined)]
    return joined[:, :K], joined[:, K:], is_log


def _estimated(
    values: tuple[Float[np.ndarray, "R K"], Float[np.ndarray, "R L"]],
    chosen: tuple[Float[np.ndarray, "S R"], Float[np.ndarray, "S R"]],
    level: float,
) -> Estimate:
    """The held-out difference; its interval is simultaneous over positions, each end at ``level``."""
    (reference, candidate), (chosen_reference, chosen_candidate) = values, chosen
    estimate = combined_estimate(chosen_reference - chosen_candidate, level=level)
    low = _simultaneous_low(reference, chosen_candidate, level, is_chosen=candidate.shape[1] > 1)
    high = -_simultaneous_low(candidate, chosen_reference, level, is_chosen=reference.shape[1] > 1)
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

    With a single candidate nothing was chosen: the bound is Student's, without the factor.
    """
    R = len(others)
    quantile = student_quantile(1.0 - (1.0 - level) / (MEDIAN_FACTOR if is_chosen else 1.0), R - 1)
    bounds = []
    rows, step = chosen if is_chosen else chosen[:1], max(1, _CHUNK // others.size)
    for start in range(0, len(rows), step):
        differences = others - rows[start : start + step, :, None]
        error = np.std(differences, axis=1, ddof=1) / math.sqrt(R)
        bounds.append((np.mean(differences, axis=1) - quantile * error).min(axis=1))
    return float(np.median(np.concatenate(bounds)))
