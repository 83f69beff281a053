"""Where the peak will be, said from training risk alone, against where it was measured. Writes peak_place.json.

python benchmarks/peak_place.py                  # all of it, about eleven minutes on one core
python benchmarks/peak_place.py features polynomials

Three families of 20 cases: random features, polynomials, networks; label noise from 0 to 40 %, smooth targets without
noise, fine and coarse grids. Candidates are listed in advance. One counts if its measured test risk has a peak by the
product's own test (:func:`benign.curves.find_landmarks`) and that peak is one that a reader would see: at least 1.5
times the classical minimum and the second descent for a loss, 1.05 times for zero-one error, and not below 1e-8 of the
best constant predictor's risk, where rounding alone is measured. The first ten such candidates of even number are the
half on which the rule was chosen, the first ten of odd number the half that was opened once, after the rule was
committed. Where no peak was measured, no place can be right; how often one was predicted all the same is told apart.

What is measured is kept in benign's store, so a run that was stopped goes on where it was.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from machine import describe

import benign
from benign.curves import Landmarks, find_landmarks
from benign.curves.peak_place import peak_place
from benign.linear.polynomials import Basis

OUTPUT = Path(__file__).parent / "peak_place.json"
A_HALF, HALVES = 10, ("chosen_on", "opened_once")
WANTED_SHARE, WANTED_WIDTH = 0.9, 1.5
LEAST_RISE = {"test_loss": 1.5, "test_error": 1.05}
ROUNDING = 1e-8  # of the best constant predictor's test risk


@dataclass(frozen=True, kw_only=True)
class Case:
    """One candidate: what is measured."""

    name: str
    procedure: benign.Procedure
    source: Any
    samples: int
    sizes: Sequence[int]
    replicates: int

    @property
    def metric(self) -> str:
        """The risk whose peak is looked for: that of the training objective, the error for cross-entropy."""
        return "test_loss" if self.procedure.objective == "squared" else "test_error"


def grid(samples: int, kind: str) -> list[int]:
    """Sizes of least squares: every one to 3 n, thirty, or a dozen that do not hold n itself."""
    if kind == "every":
        return list(range(1, 3 * samples + 1))
    count = {"thirty": 30, "dozen": 12}[kind]
    return sorted({int(size) for size in np.round(np.geomspace(max(1, samples / 12), 5.3 * samples, count))})


def features() -> list[Case]:
    """Random Fourier features."""
    tables = {
        "digits": lambda noise: benign.sources.digits(label_noise=noise),
        "mnist": lambda noise: benign.sources.mnist(label_noise=noise, side=14),
        "mnist1d": lambda noise: benign.sources.mnist1d(label_noise=noise),
        "teacher": _teacher,
    }
    rows: list[tuple[str, int, float, float | Literal["median"], str, float]] = [
        ("digits", 60, 0.0, "median", "every", 0.0),
        ("digits", 100, 0.1, "median", "every", 0.0),
        ("digits", 150, 0.2, "median", "thirty", 0.0),
        ("digits", 80, 0.4, "median", "dozen", 0.0),
        ("digits", 200, 0.0, 6.0, "thirty", 0.0),
        ("digits", 120, 0.2, 20.0, "every", 0.0),
        ("digits", 300, 0.1, "median", "dozen", 1e-6),
        ("digits", 100, 0.0, 20.0, "thirty", 1e-4),
        ("mnist", 60, 0.2, "median", "every", 0.0),
        ("mnist", 200, 0.0, "median", "every", 0.0),
        ("mnist", 150, 0.4, "median", "dozen", 0.0),
        ("mnist", 300, 0.1, "median", "thirty", 0.0),
        ("mnist", 100, 0.0, "median", "thirty", 1e-3),
        ("mnist", 120, 0.2, 10.0, "dozen", 1e-6),
        ("mnist1d", 100, 0.0, "median", "every", 0.0),
        ("mnist1d", 200, 0.2, "median", "dozen", 0.0),
        ("mnist1d", 80, 0.1, "median", "thirty", 1e-4),
        ("mnist1d", 150, 0.4, "median", "every", 1e-3),
        ("teacher", 100, 0.0, "median", "every", 0.0),
        ("teacher", 60, 0.0, "median", "thirty", 0.0),
        ("teacher", 200, 0.2, "median", "thirty", 0.0),
        ("teacher", 150, 0.4, "median", "dozen", 1e-3),
        ("teacher", 80, 0.1, "median", "dozen", 0.0),
        ("teacher", 120, 0.1, "median", "every", 1e-2),
    ]
    return [
        Case(
            name=f"{data}, n = {n}, noise {noise:g}, bandwidth {bandwidth}, {kind}, ridge {ridge:g}",
            procedure=benign.RandomFourier(bandwidth=bandwidth, ridge=ridge), source=tables[data](noise), samples=n,
            sizes=grid(n, kind), replicates=12,
        )
        for data, n, noise, bandwidth, kind, ridge in rows
    ]  # fmt: skip


def polynomials() -> list[Case]:
    """Polynomials of one input; without noise the targets are smooth, or have a kink."""
    rows: list[tuple[str, int, float, Basis, str]] = [
        ("mml", 10, 0.0, "legendre", "every"),
        ("mml", 9, 0.0, "legendre", "thirty"),
        ("runge", 14, 0.0, "legendre", "every"),
        ("runge", 12, 0.0, "chebyshev", "every"),
        ("absolute", 12, 0.0, "legendre", "thirty"),
        ("absolute", 15, 0.0, "legendre", "every"),
        ("step", 12, 0.0, "legendre", "dozen"),
        ("step", 16, 0.0, "chebyshev", "every"),
        ("sine", 8, 0.0, "legendre", "every"),
        ("mml", 8, 0.0, "legendre", "every"),
        ("mml", 12, 0.5, "legendre", "every"),
        ("mml", 14, 0.2, "legendre", "thirty"),
        ("mml", 10, 0.05, "chebyshev", "every"),
        ("mml", 16, 1.0, "legendre", "dozen"),
        ("sine", 15, 0.1, "legendre", "every"),
        ("sine", 10, 0.3, "legendre", "thirty"),
        ("sine", 12, 0.7, "chebyshev", "dozen"),
        ("sine", 16, 0.02, "legendre", "every"),
        ("runge", 10, 0.1, "legendre", "dozen"),
        ("runge", 15, 0.05, "legendre", "every"),
        ("absolute", 15, 0.1, "legendre", "thirty"),
        ("absolute", 10, 0.02, "legendre", "every"),
        ("step", 16, 0.5, "legendre", "dozen"),
        ("step", 12, 0.2, "chebyshev", "every"),
        ("runge", 16, 0.3, "legendre", "thirty"),
        ("sine", 12, 0.0, "legendre", "every"),
        ("runge", 16, 0.0, "legendre", "thirty"),
        ("absolute", 12, 0.3, "chebyshev", "dozen"),
    ]
    return [
        Case(
            name=f"{target}, n = {n}, noise {noise:g}, {basis}, {kind}", procedure=benign.Polynomial(basis=basis),
            source=benign.sources.function(target, noise=noise), samples=n, sizes=grid(n, kind), replicates=40,
        )
        for target, n, noise, basis, kind in rows
    ]  # fmt: skip


SHAPES: dict[str, tuple[str, str, int, int, tuple[int, ...]]] = {
    "a": ("squared", "digits", 1, 100, (1, 2, 4, 6, 7, 8, 9, 10, 12, 14, 16, 18, 20, 24, 32, 64)),
    "b": ("squared", "mnist1d", 1, 100, (2, 4, 8, 12, 16, 18, 20, 22, 24, 28, 32, 40, 64, 128)),
    "c": ("cross-entropy", "digits", 2, 500, (4, 6, 7, 8, 9, 10, 11, 12, 14, 16, 18, 20, 24, 32, 64, 128)),
    "d": ("squared", "digits", 2, 100, (2, 4, 6, 7, 8, 9, 10, 12, 14, 16, 20, 32, 64)),
    "e": ("cross-entropy", "mnist1d", 2, 1500, (8, 12, 16, 20, 24, 28, 32, 36, 40, 48, 64, 128)),
    "f": ("squared", "digits", 1, 60, (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 24, 64)),
    "h": ("squared", "mnist1d", 2, 100, (2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 24, 32, 64)),
    "i": ("squared", "digits", 1, 200, (2, 4, 8, 12, 16, 20, 24, 28, 32, 36, 44, 64, 128)),
    "j": ("squared", "mnist1d", 1, 60, (2, 4, 8, 10, 12, 14, 16, 18, 20, 24, 32, 64, 128)),
    "k": ("cross-entropy", "digits", 2, 800, (6, 8, 10, 12, 14, 16, 18, 20, 24, 28, 32, 48, 64, 128)),
}
"""Of networks: loss, data, depth, n and widths; those of one shape share compiled programs."""


def networks() -> list[Case]:
    """One and two hidden layers; squared loss with a cosine schedule, cross-entropy with a constant step."""
    tables = {"digits": benign.sources.digits, "mnist1d": benign.sources.mnist1d}
    pairs = [
        ("a", 0.1, 0.4), ("c", 0.4, 0.3), ("b", 0.0, 0.2), ("d", 0.4, 0.1), ("e", 0.2, 0.4), ("f", 0.2, 0.4),
        ("h", 0.1, 0.4), ("k", 0.3, 0.4), ("i", 0.2, 0.1), ("j", 0.4, 0.2), ("c", 0.2, 0.1), ("a", 0.2, 0.0),
        ("b", 0.4, 0.1), ("h", 0.0, 0.2), ("d", 0.2, 0.0), ("f", 0.0, 0.1), ("i", 0.4, 0.0),
    ]  # fmt: skip
    order = [(shape, noise) for shape, *levels in pairs for noise in levels]
    cases = []
    for shape, noise in order:
        loss, data, depth, n, widths = SHAPES[shape]
        cases.append(
            Case(
                name=f"{loss}, {data}, depth {depth}, n = {n}, noise {noise:g}", procedure=_network(loss, depth),
                source=tables[data](label_noise=noise), samples=n, sizes=widths, replicates=12,
            )
        )  # fmt: skip
    return cases


def _network(loss: str, depth: int) -> benign.MLP:
    if loss == "squared":
        training = benign.Training(
            loss="squared", learning_rate=3e-3, schedule="cosine", batch_size=20, steps=5000
        )  # fmt: skip
    else:
        training = benign.Training(learning_rate=2e-3, batch_size=50, steps=4000)
    return benign.MLP(depth=depth, training=training)


def _teacher(noise: float) -> Any:
    """A tanh network of ten inputs, its values disturbed by ``noise`` standard deviations."""
    random = np.random.default_rng(7)
    inputs = random.standard_normal((3000, 10))
    values = np.tanh(inputs @ random.standard_normal((10, 30)) / np.sqrt(10.0)) @ random.standard_normal(30)
    return benign.sources.arrays(
        inputs, values / values.std(), name="teacher", test_samples=1000, label_noise=noise
    )  # fmt: skip


FAMILIES: dict[str, Callable[[], list[Case]]] = {
    "features": features,
    "polynomials": polynomials,
    "networks": networks,
}


def measured(case: Case) -> dict[str, Any]:
    """Predicted place and measured peak of one candidate; what the store holds is not measured again."""
    surface = benign.measure(
        case.procedure, case.source, sizes=case.sizes, samples=[case.samples], replicates=case.replicates, workers=1,
        store=None, name=f"peak place: {case.name}",
    )  # fmt: skip
    curve = surface.curve(case.metric)
    constant = curve.section["train_loss_constant"].values
    place = peak_place(
        curve.positions, surface.curve("train_loss").values / constant[:, None],
        error=surface.curve("train_error").values if case.metric == "test_error" else None,
        objective="squared" if case.metric == "test_loss" else "cross-entropy", unit=case.procedure.size_name,
    )  # fmt: skip
    marks = find_landmarks(curve.positions, curve.values, None, None)
    row: dict[str, Any] = {
        "case": case.name, "samples": case.samples, "replicates": case.replicates, "sizes": len(case.sizes),
        "why_left_out": why_left_out(case, marks, curve, float(np.median(constant))),
        "place": None if place is None else place.to_dict()["interval"],
        "end": None if place is None else place.end.name.lower(),
    }  # fmt: skip
    if marks.peak is not None and place is not None:
        low, high = place.interval
        row["peak"], row["peak_interval"] = marks.peak.position, marks.peak.position_interval
        row["is_held"] = low <= marks.peak.position <= high
        row["width"] = round(high / low, 3) if place.is_bounded else None
    return row


def why_left_out(case: Case, marks: Landmarks, curve: benign.Curve, constant: float) -> str | None:
    """Why a candidate does not count; None if it does. Knows nothing of the predicted place."""
    peak, valleys = marks.peak, (marks.classical_minimum, marks.second_descent)
    if peak is None:
        return f"no peak: {marks.peak_test.verdict.name.lower()}"
    if not np.isfinite(curve.values[:, max(peak.index - 1, 0) : peak.index + 2]).all():
        return "the peak borders on sizes without a number"
    if peak.value < ROUNDING * constant:
        return "the peak is of rounding errors"
    least = LEAST_RISE[case.metric]
    return None if all(v and peak.value >= least * v.value for v in valleys) else f"a peak of less than {least:g} times"


def family(name: str) -> dict[str, Any]:
    """The first ten candidates that count, of even and of odd number."""
    start = time.perf_counter()
    counted: list[dict[str, Any]] = []
    left_out: list[dict[str, Any]] = []
    for number, case in enumerate(FAMILIES[name]()):
        half = HALVES[number % 2]
        if sum(row["half"] == half for row in counted) == A_HALF:
            continue
        row = {"half": half, **measured(case)}
        (left_out if row["why_left_out"] else counted).append(row)
        print(name, half, row["case"], row["why_left_out"] or (row["place"], row["peak"]), flush=True)
    return {
        **{half: summary([row for row in counted if row["half"] == half]) for half in HALVES},
        "seconds": round(time.perf_counter() - start, 1), "cases": counted, "left_out": left_out,
    }  # fmt: skip


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """How many are held, and how wide the place is; without an end it is infinitely wide."""
    widths = [row["width"] or np.inf for row in rows]
    return {
        "cases": len(rows), "held": sum(row["is_held"] for row in rows), "wanted_share": WANTED_SHARE,
        "median_width": float(np.median(widths)), "wanted_width": WANTED_WIDTH,
    }  # fmt: skip


def overall(families: list[dict[str, Any]]) -> dict[str, Any]:
    """All families, by halves and together; and the places predicted where no peak was measured."""
    rows = [row for one in families for row in one["cases"]]
    peakless = [
        row for one in families for row in one["left_out"] if row["why_left_out"].startswith("no peak")
    ]  # fmt: skip
    bounded = sum(row["place"] is not None and None not in row["place"] for row in peakless)
    return {
        **{half: summary([row for row in rows if row["half"] == half]) for half in HALVES}, "all": summary(rows),
        "without_a_peak": len(peakless), "a_place_for_those": bounded,
    }  # fmt: skip


def main() -> None:
    """Measure the families named on the command line, all unless said."""
    results = json.loads(OUTPUT.read_text(encoding="utf-8")) if OUTPUT.exists() else {}
    for name in sys.argv[1:] or FAMILIES:
        machine = describe()
        results[name] = {**family(name), "machine": machine}
        results["overall"] = overall([results[one] for one in FAMILIES if one in results])
        OUTPUT.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(results["overall"], indent=2))


if __name__ == "__main__":
    main()
