"""From a grid to the units that a store lacks, and from units to jobs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benign.experiments.grid import Cell, Grid
from benign.experiments.jobs import Job
from benign.experiments.parts import Part, missing_parts
from benign.experiments.states import RunRecord, State, Unit
from benign.experiments.store import Store
from benign.experiments.trust import marked
from benign.foundation.progress import doing
from benign.procedures.protocol import Procedure


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run consists of.

    Attributes:
        jobs: those with a unit that is not done, restricted to these units, in the order of the grid.
        total: number of all jobs, done ones too.
        states: state of each unit in ``jobs`` when the plan was made.
        parts: what the jobs measure, by key.
    """

    jobs: tuple[Job, ...]
    total: int
    states: Mapping[int, State]
    parts: Mapping[str, Part]

    def without_failed(self) -> list[Job]:
        """Its jobs without what failed before, which stays failed until a retry is asked for."""
        failed = {unit for unit, state in self.states.items() if state is State.FAILED}
        kept = (job.restricted(set(job.units) - failed) if failed & set(job.units) else job for job in self.jobs)
        return [job for job in kept if job.units]


@doing("planning the jobs")
def plan_run(grid: Grid, procedure: Procedure, store: Store, record: RunRecord) -> Plan:
    """Enter the run into the store, if it is not there yet, and list what is left to do.

    What is measured already is shared, whatever planned it, and so is what others plan or failed to measure as far as
    it is no more than what is wanted here; the rest is planned anew. A run that is known keeps its units; only its name
    and declaration are brought up to date, and marked as ours.
    """
    cells = dict(grid.cells())
    known = store.run(record.id) if store.has_run(record.id) else None
    wanted, parts = ([], {}) if known else _wanted_units(grid.part, cells, store)
    store.add_run(marked(record, known), wanted, parts)
    units = store.units_of_run(record.id)
    parts = store.parts({unit.part for unit in units})
    units = [unit for unit in units if unit.cell in cells and unit.part in parts]  # what is damaged, `resume` mends
    jobs, total = _jobs(units, cells, procedure)
    states = {unit.id: unit.state for unit in units}
    return Plan(
        jobs=jobs,
        total=total,
        states={unit: states[unit] for job in jobs for unit in job.units},
        parts={job.part: parts[job.part] for job in jobs},
    )


def _wanted_units(part: Part, cells: Mapping[str, Cell], store: Store) -> tuple[list[tuple[str, str]], dict[str, Part]]:
    """(cell, part) of every unit that the grid needs, and the parts by key. Cells that hold the same parts lack the
    same.
    """
    units = store.units_of_cells(list(cells))
    stored = store.parts({unit.part for unit in units})
    units = [unit for unit in units if unit.part in stored]
    useful = {key for key, other in stored.items() if _overlap(part, other)}
    modest = {key for key in useful if not missing_parts(stored[key], [part])}
    held: dict[str, list[str]] = {}
    for unit in units:
        if _is_shared(unit, part.key, useful, modest):
            held.setdefault(unit.cell, []).append(unit.part)
    lacking: dict[frozenset[str], tuple[Part, ...]] = {}
    wanted: list[tuple[str, str]] = []
    parts: dict[str, Part] = {}
    for cell in cells:
        there = frozenset(held.get(cell, ()))
        if there not in lacking:
            lacking[there] = missing_parts(part, (stored[key] for key in sorted(there)))
            parts.update((new.key, new) for new in lacking[there])
        wanted.extend((cell, key) for key in sorted(there))
        wanted.extend((cell, new.key) for new in lacking[there])
    return wanted, parts


def _is_shared(unit: Unit, wanted: str, useful: Collection[str], modest: Collection[str]) -> bool:
    """Whether a unit stands for its part in another run too.

    One that is planned and asks for more than is wanted would make the other run pay for it; one that failed would
    make it fail, unless it is the very same.
    """
    if unit.state is State.FAILED:
        return unit.part == wanted
    return unit.part in (modest if unit.state is State.PLANNED else useful)


def _overlap(wanted: Part, other: Part) -> bool:
    return bool(
        wanted.metrics & other.metrics
        and np.isin(wanted.sizes, other.sizes).any()
        and np.isin(wanted.times, other.times).any()
    )


def _jobs(units: Sequence[Unit], cells: Mapping[str, Cell], procedure: Procedure) -> tuple[tuple[Job, ...], int]:
    """Units of one level, n and part, in the batches that the procedure prefers; and the number of all batches."""
    order = {key: position for position, key in enumerate(cells)}
    groups: dict[tuple[int, int, str], list[Unit]] = {}
    for unit in sorted(units, key=lambda unit: order[unit.cell]):
        cell = cells[unit.cell]
        groups.setdefault((cell.level, cell.samples, unit.part), []).append(unit)
    jobs, total = [], 0
    for (level, samples, part), members in groups.items():
        of_replicate = {cells[unit.cell].replicate: unit for unit in members}
        batches = procedure.batches(list(of_replicate))
        total += len(batches)
        for batch in batches:
            left = [replicate for replicate in batch if of_replicate[replicate].state is not State.DONE]
            if left:
                ids = tuple(of_replicate[replicate].id for replicate in left)
                jobs.append(Job(level=level, samples=samples, replicates=tuple(left), part=part, units=ids))
    return tuple(jobs), total
