"""The constants of the rule, fitted on the development half from the evidence that answers carry.

    python benchmarks/diagnosis/fit.py SAID [--truth FILE]

Prints what ``benign.diagnosis.calibration`` should hold: by how much each method's estimate of a log ratio misses the
truth beyond its standard error (most likely of a Student's t with 5 degrees of freedom, since a few miss by far); by
what the pooled z is divided; and how far the prior moves in the zone. Harmful and helpful effects weigh the same in the
latter two: how many of each there are was the designer's choice, and a rule must not know it.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

sys.path.append(str(Path(__file__).resolve().parents[1]))  # last: one of its scripts is called statistics

import numpy as np
from diagnosis.case import AXES
from diagnosis.run import read_said
from diagnosis.scores import Judged, judge
from diagnosis.truth import TRUTH, read_truths
from jaxtyping import Float
from scipy import special, stats

from benign.diagnosis import calibration
from benign.diagnosis.risk_change import RiskChange

Spreads = Mapping[str, tuple[float, float]]
"""By method: what is added to the standard error, always and as a share of the estimate."""

FIXED = (0.005, 0.01, 0.02, 0.03, 0.05, 0.1)
SHARES = (0.0, 0.125, 0.25, 0.375, 0.5, 0.75, 1.0)
DIVISORS = (0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.5, 1.75, 2.0)
SHIFTS = (0.0, -0.5, -1.0, -1.5, -2.0, -2.5)
_FEWEST = 20  # estimates of a method
_TAILS = 5


@dataclass(frozen=True, kw_only=True, eq=False)
class Estimates:
    """Of one method: log ratios, their variances, the truths and theirs."""

    d: Float[np.ndarray, " m"]
    variance: Float[np.ndarray, " m"]
    truth: Float[np.ndarray, " m"]
    truth_variance: Float[np.ndarray, " m"]


def methods_of(evidence: Mapping[str, float]) -> Iterator[tuple[str, float, float]]:
    """Each method's name, estimate and variance."""
    for key, d in evidence.items():
        if key.endswith(" d"):
            name = key.removesuffix(" d")
            yield name, d, evidence[f"{name} se"] ** 2 + evidence.get(f"{name} added variance", 0.0)


def estimates_of(judged: Sequence[Judged]) -> dict[str, Estimates]:
    """By method, each estimate once, though several budgets may have made it."""
    found: dict[str, dict[tuple[object, ...], tuple[float, float, float, float]]] = {}
    for one in judged:
        for name, d, variance in methods_of(json.loads(one.said.evidence)):
            key = (one.truth.item, one.said.user, d, variance)
            found.setdefault(name, {})[key] = (d, variance, one.truth.change, one.truth.error**2)
    return {name: _columns_of(list(rows.values())) for name, rows in found.items()}


def _columns_of(rows: Sequence[tuple[float, float, float, float]]) -> Estimates:
    d, variance, truth, truth_variance = np.array(rows, np.float64).T
    return Estimates(d=d, variance=variance, truth=truth, truth_variance=truth_variance)


def spread_of(estimates: Estimates) -> tuple[float, float]:
    """The fixed part and the share that make the truths most likely."""
    return max(itertools.product(FIXED, SHARES), key=lambda spread: likelihood(estimates, spread))


def likelihood(estimates: Estimates, spread: tuple[float, float]) -> float:
    """Log likelihood of the truths."""
    fixed, share = spread
    variance = estimates.variance + estimates.truth_variance + fixed**2 + (share * estimates.d) ** 2
    scaled = (estimates.truth - estimates.d) / np.sqrt(variance)
    return float(np.sum(stats.t.logpdf(scaled, _TAILS) - 0.5 * np.log(variance)))


@dataclass(frozen=True, kw_only=True, eq=False)
class Pools:
    """Of each answer: the pooled z before it is divided, whether the zone has a prior, and whether the truth hurts."""

    z: Float[np.ndarray, " answers"]
    is_zone: Float[np.ndarray, " answers"]
    hurts: Float[np.ndarray, " answers"]


def pools_of(judged: Sequence[Judged], spreads: Spreads) -> Pools:
    """As the rule pools estimates with these spreads, of the effects that are significant."""
    rows = []
    for one in judged:
        numbers = json.loads(one.said.evidence)
        evidence = [found for found in _evidence_of(one.said.axis, numbers) if found.method in spreads]
        if evidence and one.truth.verdict != "tie":
            with patch.multiple(calibration, SPREADS={one.said.axis: spreads}, OVERCONFIDENCE={one.said.axis: 1.0}):
                pool = calibration.pooled(evidence)
            is_zone = float(numbers.get("shift", 0.0) != 0.0)
            rows.append((pool.d / pool.deviation, is_zone, float(one.truth.verdict == "hurts")))
    z, is_zones, hurts = np.array(rows, np.float64).reshape(-1, 3).T
    return Pools(z=z, is_zone=is_zones, hurts=hurts)


def _evidence_of(axis: str, numbers: Mapping[str, float]) -> Iterator[calibration.Evidence]:
    for name, d, variance in methods_of(numbers):
        added = numbers.get(f"{name} added variance", 0.0)
        change = RiskChange(d=d, se=math.sqrt(variance - added), folds=int(numbers.get(f"{name} folds", 1)))
        yield calibration.Evidence(question=axis, method=name, change=change, words="", variance=added)


def loss_of(pools: Pools, divisor: float, shift: float) -> float:
    """Mean log loss of the probability that the change hurts; both kinds weigh the same."""
    probits = np.clip(pools.z / divisor, -calibration.LARGEST_Z, calibration.LARGEST_Z) + shift * pools.is_zone
    losses = -special.log_ndtr(np.where(pools.hurts > 0, probits, -probits))
    kinds = [losses[pools.hurts == kind].mean() for kind in (0.0, 1.0) if (pools.hurts == kind).any()]
    return float(np.mean(kinds))


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("said", type=Path)
    parser.add_argument("--truth", type=Path, default=TRUTH, metavar="FILE")
    chosen = parser.parse_args(arguments)
    cases, truths = read_truths(chosen.truth, "development")
    judged = judge(cases, truths, [one for one in read_said(chosen.said) if one.case in cases])
    judged = [one for one in judged if one.case.stratum != "refuse" and one.said.who.startswith("benign")]
    for axis in AXES:
        print(told(axis, [one for one in judged if one.said.axis == axis]))


def told(axis: str, judged: Sequence[Judged]) -> str:
    """The constants of one question, beside how they fare."""
    estimates, lines, spreads = estimates_of(judged), [f"{axis}:"], dict[str, tuple[float, float]]()
    for name, one in estimates.items():
        if len(one.d) >= _FEWEST:
            spreads[name] = spread_of(one)
            lines.append(f"  {name!r}: {spreads[name]},  # {len(one.d)} estimates")
    pools = pools_of(judged, spreads)
    if len(pools.z):
        grid = itertools.product(DIVISORS, SHIFTS if pools.is_zone.any() else (0.0,))
        divisor, shift = min(grid, key=lambda pair: loss_of(pools, *pair))
        counts = f"{int(pools.hurts.sum())} hurt, {int((1 - pools.hurts).sum())} help"
        lines.append(
            f"  z divided by {divisor}, shift {shift} (log loss {loss_of(pools, divisor, shift):.3f}; {counts})"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
