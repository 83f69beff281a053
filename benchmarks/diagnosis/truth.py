"""The truth of each case: fresh paired draws of so many times the data, the size, the time; kept in ``truth.parquet``.

    python benchmarks/diagnosis/truth.py measure development --out FOLDER [--workers 2]
    python benchmarks/diagnosis/truth.py measure untouched --out FOLDER
    python benchmarks/diagnosis/truth.py pack FOLDER ...
    python benchmarks/diagnosis/truth.py count

``measure`` writes a file a case and goes on where it was interrupted; ``count`` says how many effects there are.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, get_args

for _library in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_library, "1")
sys.path.append(str(Path(__file__).resolve().parents[1]))  # last: one of its scripts is called statistics

import machine  # noqa: E402
import numpy as np  # noqa: E402
import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402
from diagnosis.case import AXES, FACTORS, HALVES, Axis, Case, Half, Item, Metric  # noqa: E402
from diagnosis.design import SEEDS, design, test_rows  # noqa: E402
from diagnosis.families import FAMILIES, Training, losses  # noqa: E402
from diagnosis.populations import POPULATIONS, Sample, sample  # noqa: E402
from jaxtyping import Float  # noqa: E402

from benign.foundation.randomness import generator  # noqa: E402
from benign.procedures import objectives  # noqa: E402

TRUTH = Path(__file__).with_name("truth.parquet")
FIRST_DRAWS, MORE_DRAWS, MOST_DRAWS = 24, 12, 48
SIGNIFICANT = 3.0  # standard errors
LEAST_CHANGE = 0.02

Verdict = Literal["helps", "hurts", "tie"]
Level = tuple[Axis, float]
Risks = dict[tuple[Axis, float, Metric], list[float]]


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What a change of one axis does to the risk, over fresh draws.

    Attributes:
        item: which change of which case's risk.
        draws: fresh training and test sets, the same for all levels.
        change: mean log of the ratio of the changed risk to the case's own.
        error: its standard error.
        base: mean risk at the case's own n, size and time.
        changed: mean risk with the change.
    """

    item: Item
    draws: int
    change: float
    error: float
    base: float
    changed: float

    @property
    def is_significant(self) -> bool:
        """Whether the sign is beyond doubt, and that of the means agrees."""
        is_clear = abs(self.change) > SIGNIFICANT * self.error
        return is_clear and (self.changed - self.base) * self.change > 0

    @property
    def verdict(self) -> Verdict:
        """What the change does; a tie where that is not significant, or less than 2 %."""
        if not self.is_significant or self.size <= LEAST_CHANGE:
            return "tie"
        return "hurts" if self.change > 0 else "helps"

    @property
    def size(self) -> float:
        """Of the effect, relative."""
        return abs(math.expm1(self.change))

    @property
    def is_decided(self) -> bool:
        """Whether more draws would hardly say anything else: significant, or surely below 2 %."""
        reach = abs(self.change) + SIGNIFICANT * self.error
        return self.verdict != "tie" or reach < 2 * LEAST_CHANGE


def levels_of(case: Case) -> tuple[Level, ...]:
    """The case itself, as ``("more_data", 1)``, and each change."""
    family, columns = FAMILIES[case.family], POPULATIONS[case.population].columns
    levels: list[Level] = [("more_data", 1.0), *(("more_data", factor) for factor in case.factors)]
    if family.has_size and case.size is not None:
        is_bounded = case.settings.get("features") == "columns"
        most = columns if is_bounded else family.largest * max(FACTORS)
        levels += [("bigger", factor) for factor in FACTORS if round(case.size * factor) <= most]
    if family.has_time:
        levels += [("longer", factor) for factor in FACTORS]
    return tuple(levels)


def truths_of(case: Case, *, first: int = FIRST_DRAWS, most: int = MOST_DRAWS) -> list[Truth]:
    """Measured on so many draws, and on more as long as something is undecided."""
    risks: Risks = {}
    _add_draws(case, range(first), risks)
    found = list(_compared(case, risks))
    while len(next(iter(risks.values()))) < most and not all(one.is_decided for one in found):
        done = len(next(iter(risks.values())))
        _add_draws(case, range(done, min(done + MORE_DRAWS, most)), risks)
        found = list(_compared(case, risks))
    return found


def _add_draws(case: Case, draws: range, risks: Risks) -> None:
    population, rows = POPULATIONS[case.population], round(case.samples * max((1.0, *case.factors)))
    samples = [
        sample(
            population, case.noise, rows, test_rows(population), generator(SEEDS[case.half], "draw", case.number, draw)
        )
        for draw in draws
    ]
    for axis, factors in _together(case):
        outputs = _trained(case, axis, factors, samples, draws)
        for place, factor in enumerate(factors):
            for values, drawn in zip(outputs, samples, strict=True):
                for metric, risk in _risks(case, values[place][0], drawn).items():
                    risks.setdefault((axis, factor, metric), []).append(risk)


def _together(case: Case) -> Iterator[tuple[Axis, tuple[float, ...]]]:
    """Levels by trainings: all times are had of one."""
    levels = levels_of(case)
    longer = tuple(factor for axis, factor in levels if axis == "longer")
    yield from ((axis, (factor,)) for axis, factor in levels if axis != "longer")
    if longer:
        yield "longer", longer


def _trained(
    case: Case, axis: Axis, factors: Sequence[float], samples: Sequence[Sample], draws: range
) -> list[list[list[Float[np.ndarray, "m outputs"]]]]:
    """Of each draw, at each factor: predictions on the test rows."""
    n = round(case.samples * (factors[0] if axis == "more_data" else 1.0))
    trainings = [
        Training(inputs=drawn.inputs[:n], targets=drawn.targets[:n], seed=draw, asked=(drawn.test_inputs,))
        for draw, drawn in zip(draws, samples, strict=True)
    ]
    size = None if case.size is None else round(case.size * (factors[0] if axis == "bigger" else 1.0))
    times = [None if case.time is None else float(round(case.time * (f if axis == "longer" else 1.0))) for f in factors]
    return FAMILIES[case.family].train(case, trainings, size, times)


def _risks(case: Case, outputs: Float[np.ndarray, "m outputs"], drawn: Sample) -> dict[Metric, float]:
    found: dict[Metric, float] = {"loss": float(losses(case, outputs, drawn.test_targets).mean())}
    if POPULATIONS[case.population].classes:
        found["error"] = float(objectives.wrong(outputs, drawn.test_targets).mean())
    return found


def _compared(case: Case, risks: Risks) -> Iterator[Truth]:
    half_a_row = 0.5 / test_rows(POPULATIONS[case.population])  # an error of zero has a logarithm, too
    for (axis, factor, metric), values in risks.items():
        if factor == 1.0:
            continue
        added = half_a_row if metric == "error" else 1e-12
        changed, base = np.array(values), np.array(risks["more_data", 1.0, metric])
        ratios = np.log((changed + added) / (base + added))
        yield Truth(
            item=Item(case=case.name, axis=axis, factor=factor, metric=metric),
            draws=len(ratios),
            change=float(ratios.mean()),
            error=float(ratios.std(ddof=1) / math.sqrt(len(ratios))),
            base=float(base.mean()),
            changed=float(changed.mean()),
        )


# ------------------------------------------------------------------------------------------------------------- as data


def write_truths(path: Path, cases: Sequence[Case], truths: Sequence[Truth], about: Mapping[str, object]) -> None:
    """One file: a row an item, the cases and the machine as its metadata."""
    rows = [asdict(one.item) | asdict(one) for one in truths]
    for row in rows:
        del row["item"]
    table = pa.Table.from_pylist(rows)
    for name in ("change", "error", "base", "changed"):
        table = table.set_column(table.column_names.index(name), name, table[name].cast(pa.float32()))
    held = {"cases": "\n".join(case.to_json() for case in cases), "about": json.dumps(about)}
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = path.with_suffix(".partial")
    pq.write_table(table.replace_schema_metadata(held), whole, compression="zstd")
    whole.replace(path)


def read_truths(path: Path = TRUTH, half: Half | None = None) -> tuple[dict[str, Case], list[Truth]]:
    """The cases by name and all truths, of one half where said."""
    table = pq.read_table(path)
    lines = table.schema.metadata[b"cases"].decode().splitlines()
    cases = {case.name: case for case in map(Case.from_json, lines) if half in (None, case.half)}
    keys = ("case", "axis", "factor", "metric")
    truths = [
        Truth(item=Item(**{key: row.pop(key) for key in keys}), **row)
        for row in table.to_pylist()
        if row["case"] in cases
    ]
    return cases, truths


def about(path: Path = TRUTH) -> dict[str, object]:
    """When and on what the truths were measured."""
    held: dict[str, object] = json.loads(pq.read_schema(path).metadata[b"about"])
    return held


def measure(half: Half, folder: Path, workers: int) -> None:
    """Measure what is not there yet."""
    left = [case for case in design(half) if not (folder / f"{case.name}.parquet").exists()]
    with ProcessPoolExecutor(workers) as pool:
        jobs = [pool.submit(_measured, case, folder) for case in left]
        for done, job in enumerate(as_completed(jobs), 1):
            print(f"{done}/{len(left)} {job.result()}", flush=True)


def _measured(case: Case, folder: Path) -> str:
    start = time.process_time()
    truths = truths_of(case, most=FIRST_DRAWS if case.stratum == "large" else MOST_DRAWS)
    now = datetime.now(UTC).date().isoformat()
    seconds = time.process_time() - start
    write_truths(
        folder / f"{case.name}.parquet", [case], truths, machine.describe() | {"date": now, "seconds": seconds}
    )
    return f"{case.name} {case.family} {case.population} n {case.samples} size {case.size}: {seconds:.1f} CPU seconds"


def pack(folders: Sequence[Path], path: Path) -> None:
    """Join the files of cases."""
    files = sorted(file for folder in folders for file in folder.glob("*.parquet"))
    cases: list[Case] = []
    truths: list[Truth] = []
    for file in files:
        held, found = read_truths(file)
        cases += held.values()
        truths += found
    seconds = sum(float(str(about(file)["seconds"])) for file in files)
    write_truths(path, cases, truths, about(files[-1]) | {"seconds": round(seconds)})
    print(f"{len(cases)} cases, {len(truths)} items, {path.stat().st_size / 1e3:.0f} kB: {path}")


def told_counts(path: Path) -> str:
    """Of each half, axis and metric how many items help, hurt, tie, and of how many cases."""
    lines = []
    for half in HALVES:
        cases, truths = read_truths(path, half)
        for axis in AXES:
            for metric in get_args(Metric):
                chosen = [one for one in truths if (one.item.axis, one.item.metric) == (axis, metric)]
                chosen = [one for one in chosen if cases[one.item.case].stratum != "refuse"]
                counts = Counter(one.verdict for one in chosen)
                owners = {name: {one.item.case for one in chosen if one.verdict == name} for name in counts}
                told = ", ".join(f"{name} {counts[name]} of {len(owners[name])} cases" for name in sorted(counts))
                lines.append(f"{half} {axis} {metric}: {told}")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one of the three commands."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    measuring = commands.add_parser("measure")
    measuring.add_argument("half", choices=HALVES)
    measuring.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    measuring.add_argument("--workers", type=int, default=2)
    packing = commands.add_parser("pack")
    packing.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    for command in (packing, commands.add_parser("count")):
        command.add_argument("--truth", type=Path, default=TRUTH, metavar="FILE")
    chosen = parser.parse_args(arguments)
    if chosen.command == "measure":
        measure(chosen.half, chosen.out, chosen.workers)
    elif chosen.command == "pack":
        pack(chosen.folders, chosen.truth)
    else:
        print(told_counts(chosen.truth))


if __name__ == "__main__":
    main()
