"""The tool on each user's data, blind, at three budgets; and the rules of thumb.

    python benchmarks/diagnosis/run.py run development --out FOLDER [--workers 2] [--axes more_data bigger longer]
    python benchmarks/diagnosis/run.py pack FOLDER --to FILE

``run`` writes a file a case and goes on where it was interrupted; ``pack`` joins them.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path

for _library in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_library, "1")
sys.path.append(str(Path(__file__).resolve().parents[1]))  # last: one of its scripts is called statistics

import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402
from diagnosis.case import AXES, FACTORS, HALVES, Axis, Case, Half, Metric  # noqa: E402
from diagnosis.families import FAMILIES  # noqa: E402
from diagnosis.populations import POPULATIONS  # noqa: E402
from diagnosis.thumb_rules import said_by_rules  # noqa: E402
from diagnosis.truth import TRUTH, read_truths  # noqa: E402
from diagnosis.users import Said, source_for  # noqa: E402

import benign  # noqa: E402
from benign.diagnosis.answers import Answer, Diagnosis  # noqa: E402
from benign.foundation.errors import BenignError  # noqa: E402

BUDGETS = (1.5, 3.0, 10.0)
"""Of the tool, in trainings of the user's model, for each question."""


def axes_of(case: Case) -> tuple[Axis, ...]:
    """What can be asked of a case."""
    family = FAMILIES[case.family]
    has = {"more_data": True, "bigger": family.has_size and case.size is not None, "longer": family.has_time}
    return tuple(axis for axis in AXES if has[axis])


def asked(case: Case, user: int, axis: Axis, budget: float) -> Iterator[Said]:
    """What the tool says of an axis to one user."""
    model, arguments = FAMILIES[case.family].model(case)
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found: Diagnosis | BenignError = benign.diagnose(
                model,
                source_for(case, user),
                only=[axis],
                max_trainings=budget,
                max_minutes=None,
                workers=1,
                seed=user,
                **arguments,
            )
        except BenignError as error:  # an answer, too, if none that helps
            found = error
    seconds = time.process_time() - start
    answers: Mapping[float, Answer] = {} if isinstance(found, BenignError) else getattr(found, axis)
    why = str(found) if isinstance(found, BenignError) else found.unanswered.get(axis, "")
    metrics: tuple[Metric, ...] = ("loss", "error") if POPULATIONS[case.population].classes else ("loss",)
    for factor in FACTORS:
        for metric in metrics:
            one = answers.get(factor)
            one = one.error if one is not None and metric == "error" else one
            yield Said(
                who=f"benign {budget:g}x",
                case=case.name,
                user=user,
                axis=axis,
                factor=factor,
                metric=metric,
                answer="cannot tell" if one is None else str(one.answer),
                confidence=math.nan if one is None else one.confidence,
                change=math.nan if one is None else one.change.value,
                method="" if one is None else one.method,
                reason=why if one is None else one.reason,
                evidence="{}" if one is None else json.dumps(dict(one.evidence)),
                seconds=seconds,
                trainings=0.0 if isinstance(found, BenignError) else found.trainings,
            )


def run(half: Half, folder: Path, axes: Sequence[Axis], workers: int, truth: Path = TRUTH) -> None:
    """Ask what was not asked yet."""
    cases, _ = read_truths(truth, half)
    left = [case for case in cases.values() if not (folder / f"{case.name}.parquet").exists()]
    with ProcessPoolExecutor(workers) as pool:
        jobs = [pool.submit(_run, case, folder, tuple(axes)) for case in left]
        for done, job in enumerate(as_completed(jobs), 1):
            print(f"{done}/{len(left)} {job.result()}", flush=True)


def _run(case: Case, folder: Path, axes: tuple[Axis, ...]) -> str:
    start = time.process_time()
    said: list[Said] = []
    for user in range(case.users):
        said += said_by_rules(case, user)
        for axis in axes_of(case):
            for budget in BUDGETS if axis in axes else ():
                said += asked(case, user, axis, budget)
    write_said(folder / f"{case.name}.parquet", said)
    return f"{case.name} {case.family} {case.population}: {time.process_time() - start:.1f} CPU seconds"


def write_said(path: Path, said: Sequence[Said]) -> None:
    """A row each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = path.with_suffix(".partial")
    pq.write_table(pa.Table.from_pylist([asdict(one) for one in said]), whole, compression="zstd")
    whole.replace(path)


def read_said(path: Path) -> list[Said]:
    """What :func:`write_said` wrote, or all files of a folder."""
    files = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
    return [Said(**row) for file in files for row in pq.read_table(file).to_pylist()]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one of the two commands."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    running = commands.add_parser("run")
    running.add_argument("half", choices=HALVES)
    running.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    running.add_argument("--axes", nargs="+", choices=AXES, default=AXES)
    running.add_argument("--workers", type=int, default=2)
    packing = commands.add_parser("pack")
    packing.add_argument("folder", type=Path)
    packing.add_argument("--to", type=Path, required=True, metavar="FILE")
    chosen = parser.parse_args(arguments)
    if chosen.command == "run":
        run(chosen.half, chosen.out, chosen.axes, chosen.workers)
    else:
        write_said(chosen.to, read_said(chosen.folder))


if __name__ == "__main__":
    main()
