"""How often the statistics are wrong, what they find, and how wide their intervals are. Writes statistics.json.

python benchmarks/statistics.py          # all of it, about half an hour on two cores; parts that are there are kept
python benchmarks/statistics.py means    # one part, anew

Numbers of runs and seeds were fixed before. The simulated curves are the tests' own.

* ``means``: wrong verdicts on a mean that lies at the margin, by rule and noise; power; whether the number of
  replicates that is named decides four fresh samples of five.
* ``peak_level``: monotone and flat curves that are called PEAK, with and without training risk, 4,000 a cell.
* ``peak_power``: spikes that are found.
* ``landmarks``: how often intervals of positions hold the true ones; ``landmark_widths``: how wide they are, in gaps.
* ``cross_fitted``: wrong verdicts of "the best of these beats the best of those" where both are as good.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool
from scipy import stats
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from machine import describe
from tests.curves.simulations import (
    COLUMN_NOISE,
    DIFFERENCES,
    MONOTONE,
    PATHS,
    TAILS,
    CurveBank,
    column_noise,
    curve_with_spike,
    risk_with_peak,
    training_risk,
)

from benign.curves import PeakVerdict, Verdict, cross_fitted_difference, find_landmarks, peak_test
from benign.curves.mean_tests import (
    guarded_p_values,
    replicates_for_mean,
    replicates_for_median,
    sign_p_values,
    student_p_values,
)

OUTPUT = Path(__file__).parent / "statistics.json"
REPLICATES = (4, 5, 6, 10, 20)
RULES = {"log ratio (Student's t)": student_p_values, "mean (guarded t)": guarded_p_values, "median": sign_p_values}
LEVEL_RUNS, POWER_RUNS, SAMPLES = 4000, 2000, 100_000
# Noise that is wider than the gaps of a fine grid, for coverage; hardly any, for widths.
BANKS = {
    "replicates shifted": CurveBank(jitter=0.02, smooth=0.02, white=0.002),
    "shifted, smooth noise": CurveBank(jitter=0.015, smooth=0.15, white=0.01),
    "smooth noise": CurveBank(jitter=0.004, smooth=0.4, white=0.02),
}
CALM = CurveBank(jitter=0.0, smooth=1e-5, white=0.0, offset=0.01)
COVERAGE_RUNS = {14: 1000, 41: 1000, 1000: 200}


def share(count: float, runs: int) -> dict[str, float]:
    """A share in per cent with its exact 99 % interval."""
    found = stats.binomtest(int(count), runs).proportion_ci(0.99, "exact")
    return {
        "percent": round(100.0 * count / runs, 2), "low": round(100.0 * found.low, 2),
        "high": round(100.0 * found.high, 2), "runs": runs,
    }  # fmt: skip


def _count(conditions: Bool[np.ndarray, " S"]) -> int:
    return int(np.count_nonzero(conditions))


def means() -> dict[str, Any]:
    """Level, power and the number of replicates that is named."""
    level, power = {}, {}
    for kind, draw in DIFFERENCES.items():
        random = np.random.default_rng(1)
        samples = {R: draw(random, (SAMPLES, R)) for R in REPLICATES}
        level[kind] = {
            rule: {R: share(_count(p_values(values, 0.0) <= 0.05), SAMPLES) for R, values in samples.items()}
            for rule, p_values in RULES.items()
            if rule != "median" or kind in ("normal", "t3")
        }
        spread = float(samples[20].std())
        power[kind] = {
            rule: {
                R: [round(100.0 * float(np.mean(p_values(values + d * spread, 0.0) <= 0.05)), 1) for d in (1, 2, 3)]
                for R, values in samples.items()
            }
            for rule, p_values in RULES.items()
        }
    return {"wrong_at_the_margin": level, "power_at_1_2_3_sd": power, "named_replicates": list(_named())}


def _named() -> Iterator[dict[str, Any]]:
    """Of a sample of 2,000 the number that is named, and the share of fresh samples of that number that it decides."""
    for kind in ("normal", "t3", "exponential"):
        for rule, p_values in RULES.items():
            for effect in (0.15, 0.3, 0.6):
                random = np.random.default_rng(2)
                sample = DIFFERENCES[kind](random, (1, 2000))[0]
                centre = np.median(sample) if rule == "median" else sample.mean()
                sample = sample - centre + effect * sample.std()
                needed = (
                    replicates_for_median(sample, 0.0, 0.95) if rule == "median"
                    else replicates_for_mean(sample, 0.0, 0.95, p_values)
                )  # fmt: skip
                assert needed is not None
                decided = p_values(random.choice(sample, size=(4000, needed)), 0.0) <= 0.05
                yield {
                    "noise": kind, "rule": rule, "effect_in_sd": effect, "named": needed,
                    "decided": share(_count(decided), 4000),
                }  # fmt: skip


def peak_level() -> dict[str, Any]:
    """Monotone and flat curves, six shapes in turn, that are called PEAK."""
    names = [f"{R} replicates, {noise}" for R in REPLICATES for noise in COLUMN_NOISE]
    with ProcessPoolExecutor() as pool:
        found = pool.map(_level_cell, *zip(*((R, noise) for R in REPLICATES for noise in COLUMN_NOISE), strict=True))
        cells = dict(zip(names, found, strict=True))
    return {
        "cells": cells,
        "cells_above_5_percent": [
            name for name, cell in cells.items() if max(cell["with_training"]["low"], cell["without"]["low"]) > 5.0
        ],
    }


def _level_cell(R: int, noise: str) -> dict[str, dict[str, float]]:
    random, shapes, training = np.random.default_rng([R, COLUMN_NOISE.index(noise)]), MONOTONE, training_risk(R)
    named = searched = 0
    for run in range(LEVEL_RUNS):
        shape = list(shapes.values())[run % len(shapes)]
        test = peak_test(np.exp(shape + column_noise(random, R, noise)), training=training)
        named += test.verdict is PeakVerdict.PEAK
        searched += test.searched <= 0.05
    return {"with_training": share(named, LEVEL_RUNS), "without": share(searched, LEVEL_RUNS)}


def peak_power() -> dict[str, Any]:
    """Spikes by a factor of 10 at four replicates, and peaks of five standard errors that must be searched for."""
    spikes = {}
    for R in (4, 5, 6):
        for is_u in (False, True):
            for apart in ((0,), (0, 1), (-1, 0, 1)):
                random = np.random.default_rng([R, is_u, len(apart)])
                found = sum(
                    peak_test(
                        curve_with_spike(random, R, factor=10.0, spread=0.5, apart=apart, is_u=is_u),
                        training=training_risk(R),
                    ).verdict is PeakVerdict.PEAK
                    for _ in range(POWER_RUNS)
                )  # fmt: skip
                spikes[f"{R} replicates, {'U' if is_u else 'flat'}, {apart} columns apart"] = share(found, POWER_RUNS)
    random, verdicts = np.random.default_rng(3), []
    for run in range(1000):
        K, tails = int(random.choice([3, 10, 30, 60])), str(random.choice(TAILS))
        risk = risk_with_peak(random, 10, K, kind=PATHS[run % 4], tails=tails, errors=5.0, sharp=bool(run % 8 < 4))
        verdicts.append(peak_test(risk).verdict)
    return {
        "factor_10_spread_half_with_training": spikes,
        "five_standard_errors_10_replicates_without": {
            verdict.value: share(sum(found is verdict for found in verdicts), 1000) for verdict in PeakVerdict
        },
    }


def landmarks() -> dict[str, Any]:
    """Coverage over all kinds of noise together, by landmark, replicates and grid."""
    cells = [(K, R) for K in COVERAGE_RUNS for R in (5, 10, 20)]
    with ProcessPoolExecutor() as pool:
        found = list(pool.map(_coverage, *zip(*cells, strict=True)))
    return {"coverage": {f"{R} replicates, {K} positions": cell for (K, R), cell in zip(cells, found, strict=True)}}


def _coverage(K: int, R: int) -> dict[str, dict[str, float]]:
    held: dict[str, list[bool]] = {}
    for number, bank in enumerate(BANKS.values()):
        for landmark, (is_held, _) in _intervals(bank, K, R, COVERAGE_RUNS[K], seed=number):
            held.setdefault(landmark, []).append(is_held)
    return {landmark: share(sum(hits), len(hits)) for landmark, hits in held.items()}


def landmark_widths() -> dict[str, Any]:
    """Median width in gaps of the grid where there is hardly any noise."""
    widths = {}
    for K in COVERAGE_RUNS:
        for R in (5, 10, 20):
            calm: dict[str, list[float]] = {}
            for landmark, (_, width) in _intervals(CALM, K, R, 40, seed=9):
                calm.setdefault(landmark, []).append(width)
            widths[f"{R} replicates, {K} positions"] = {
                landmark: round(float(np.median(found)), 2) for landmark, found in calm.items()
            }
    return {"median_width_in_gaps": widths}


def _intervals(bank: CurveBank, K: int, R: int, runs: int, *, seed: int) -> Iterator[tuple[str, tuple[bool, float]]]:
    random, truth = np.random.default_rng([seed, K, R]), bank.truth()
    for _ in range(runs):
        positions, test, training = bank.draw(random, R, K)
        found = find_landmarks(positions, test, training, np.ones(R), estimator="median")
        if found.peak is None:
            continue  # then the classical minimum is another point: the lowest of the whole curve
        for name, position in truth.items():
            mark = getattr(found, name)
            if mark is not None:
                low, high = mark.interval if name == "threshold" else mark.position_interval
                yield name, (low <= position <= high, (high - low) * K)


def cross_fitted() -> dict[str, Any]:
    """Best against best, equal in truth, over 21 references, on log-normal risks."""
    cells = {}
    for R in REPLICATES:
        for shape in ("U", "flat"):
            random, runs = np.random.default_rng([R, shape == "U"]), 1000
            axis = np.linspace(-1.0, 1.0, 21) ** 2 if shape == "U" else np.zeros(21)
            wrong = 0
            for _ in range(runs):
                shared = random.normal(size=(R, 1))
                references = np.exp(axis + 0.3 * random.normal(size=(R, 21)) + shared)
                candidate = np.exp(0.3 * random.normal(size=R) + shared[:, 0])
                finding = cross_fitted_difference(name="n", claim="c", values=(references, candidate))
                wrong += finding.verdict is not Verdict.UNDECIDED
            cells[f"{R} replicates, {shape}"] = share(wrong, runs)
    return cells


PARTS: dict[str, Callable[[], dict[str, Any]]] = {
    "means": means,
    "cross_fitted": cross_fitted,
    "peak_power": peak_power,
    "landmarks": landmarks,
    "landmark_widths": landmark_widths,
    "peak_level": peak_level,
}


def main() -> None:
    """Run the named parts, or those that are missing, and keep each as soon as it is done."""
    threadpool_limits(limits=1)
    stored = json.loads(OUTPUT.read_text(encoding="utf-8")) if OUTPUT.exists() else {}
    for name in sys.argv[1:] or [part for part in PARTS if part not in stored]:
        start, machine = time.perf_counter(), describe()
        result = PARTS[name]()
        stored = json.loads(OUTPUT.read_text(encoding="utf-8")) if OUTPUT.exists() else {}
        stored[name] = {"machine": machine, "seconds": round(time.perf_counter() - start, 1), **result}
        OUTPUT.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
        print(name, stored[name]["seconds"], "s")


if __name__ == "__main__":
    main()
