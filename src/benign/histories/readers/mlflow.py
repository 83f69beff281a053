"""MLflow's stores, without MLflow: its SQLite database, and the folders (``mlruns``) of earlier versions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from benign.foundation.errors import InvalidArgument, listed
from benign.foundation.wording import reason, shown_path
from benign.histories.log import Axis, Column, Log
from benign.histories.readers.protocol import File, Folder, Opened, decoded
from benign.histories.readers.sqlite_file import columns_of, is_database, opened_database
from benign.histories.readers.table import without_gaps

_METRICS = {"key", "value", "timestamp", "run_uuid", "step", "is_nan"}
_LARGEST = 1.7976931348623157e308  # what an infinite value is stored as
_RUN_NAME = re.compile(r"^run_name: *(.+?) *$", re.MULTILINE)
_EXPERIMENT_NAME = re.compile(r"^name: *(.+?) *$", re.MULTILINE)
_DELETED = re.compile(r"^lifecycle_stage: *deleted *$", re.MULTILINE)

Rows = tuple[Any, ...]


@dataclass(frozen=True, kw_only=True)
class MlflowDatabase:
    """Tables ``experiments``, ``runs`` and ``metrics``; NaN is stored as 0 with ``is_nan`` 1."""

    name: str = "MLflow database"

    def matches(self, opened: Opened) -> float:
        if not isinstance(opened, File) or not is_database(opened):
            return 0.0
        return 0.9 if columns_of(opened).get("metrics", set()) >= _METRICS else 0.1

    def read(self, opened: Opened) -> Iterator[Log]:
        assert isinstance(opened, File)
        tables = columns_of(opened)
        if not tables.get("metrics", set()) >= _METRICS:
            with opened_database(opened) as connection:  # says why, where it cannot be read
                connection.execute("SELECT name FROM sqlite_master").fetchall()
            held = f"its tables are {listed(sorted(tables))}" if tables else "it has no tables"
            raise InvalidArgument(
                f"{shown_path(opened.path)} is an SQLite database, and neither MLflow's nor trackio's: {held}.",
                "history",
            )
        with opened_database(opened) as connection:
            metrics = connection.execute(
                "SELECT run_uuid, key, step, value, is_nan FROM metrics ORDER BY key, timestamp, step"  # its index
            ).fetchall()
            said = _runs_said(connection) if "runs" in tables else []
        yield from _logs(_runs(metrics, said), self.name, str(opened.path))


@dataclass(frozen=True, kw_only=True)
class MlflowFolders:
    """``mlruns/EXPERIMENT/RUN/metrics/NAME``, a line ``timestamp value step`` for each value."""

    name: str = "MLflow mlruns folder"

    def matches(self, opened: Opened) -> float:
        if not isinstance(opened, Folder):
            return 0.0
        if _is_run(opened.path):
            return 0.9
        return 0.9 if _is_experiment(opened.path) or any(_is_experiment(path) for path in _inside(opened.path)) else 0.0

    def read(self, opened: Opened) -> Iterator[Log]:
        assert isinstance(opened, Folder)
        if _is_run(opened.path):
            places = [opened.path]
        elif _is_experiment(opened.path):
            places = [path for path in _inside(opened.path) if _is_run(path)]
        else:
            experiments = [path for path in _inside(opened.path) if _is_experiment(path)]
            places = [path for experiment in experiments for path in _inside(experiment) if _is_run(path)]
        yield from _logs([_run_of_folder(place) for place in places], self.name, str(opened.path))


@dataclass(kw_only=True)
class _Run:
    name: str
    experiment: str
    is_deleted: bool = False
    curves: dict[str, tuple[Float[np.ndarray, " points"], Float[np.ndarray, " points"]]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def _runs_said(connection: Any) -> list[Rows]:
    rows: list[Rows] = connection.execute(
        "SELECT r.run_uuid, r.name, e.name, r.lifecycle_stage FROM runs r "
        "LEFT JOIN experiments e ON e.experiment_id = r.experiment_id ORDER BY r.start_time, r.run_uuid"
    ).fetchall()
    return rows


def _runs(metrics: list[Rows], said: list[Rows]) -> list[_Run]:
    """The runs of a database, in the order in which they began."""
    runs = {
        uuid: _Run(name=str(name or uuid), experiment=str(experiment or ""), is_deleted=stage == "deleted")
        for uuid, name, experiment, stage in said
    }
    if not metrics:
        return list(runs.values())
    uuids, keys, steps, values, nans = zip(*metrics, strict=True)
    numbers, positions = _stored(values), np.array(steps, dtype=float)
    numbers[np.array(nans, dtype=float) != 0] = np.nan
    codes: dict[tuple[str, str], int] = {}
    code = np.array([codes.setdefault(pair, len(codes)) for pair in zip(uuids, keys, strict=True)])
    rows_of = np.split(np.argsort(code, kind="stable"), np.cumsum(np.bincount(code))[:-1])
    for (uuid, key), rows in zip(codes, rows_of, strict=True):
        run = runs.setdefault(uuid, _Run(name=str(uuid), experiment=""))
        run.curves[str(key)] = (positions[rows], numbers[rows])
    return list(runs.values())


def _stored(values: Any) -> Float[np.ndarray, " rows"]:
    """Values as MLflow meant them."""
    numbers = np.array(values, dtype=float)
    return np.where(np.abs(numbers) >= _LARGEST, np.copysign(np.inf, numbers), numbers)


def _logs(runs: list[_Run], format_: str, path: str) -> Iterator[Log]:
    """A log for each run that was not deleted and recorded a metric more than once."""
    there = [run for run in runs if not run.is_deleted]
    kept = [run for run in there if any(len(values) > 1 for _, values in run.curves.values())]
    if not kept:
        held = f"{len(there):,} runs, and none recorded a metric more than once" if there else "no run"
        raise InvalidArgument(
            f"{shown_path(path)} holds {held}; a curve needs `log_metric(name, value, step=..)` at each evaluation.",
            "history",
        )
    notes = []
    if len(there) > len(kept):
        notes.append(f"Runs that recorded no metric more than once were left out: {len(there) - len(kept):,}.")
    if len(runs) > len(there):
        notes.append(f"Deleted runs were left out: {len(runs) - len(there):,}.")
    several = len(Counter(run.experiment for run in kept)) > 1
    for run in kept:
        name = f"{run.experiment}/{run.name}" if several else run.name
        log = _log(run, format_, path)
        yield replace(log, name=name if len(kept) > 1 else "", notes=(*log.notes, *notes))


def _log(run: _Run, format_: str, path: str) -> Log:
    """Its curves over steps; over evaluations in the order of time where no steps were given."""
    has_steps = any(len(np.unique(steps)) > 1 for steps, _ in run.curves.values())
    axis: Axis = "step" if has_steps else "evaluation"
    columns = []
    for name, (steps, values) in run.curves.items():
        positions = steps if has_steps else np.arange(1.0, len(values) + 1)
        columns.append(without_gaps(Column(name=name, positions=positions, values=values)))
    if not has_steps:
        run.notes.append("All values were logged at one step: they are counted in the order of time.")
    return Log(format=format_, path=path, axis=axis, columns=tuple(columns), notes=tuple(run.notes))


def _inside(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError:
        return []


def _is_run(folder: Path) -> bool:
    return (folder / "metrics").is_dir() and "run_id:" in _said(folder) and "artifact_uri:" in _said(folder)


def _is_experiment(folder: Path) -> bool:
    said = _said(folder)
    return "artifact_location:" in said and "experiment_id:" in said


def _said(folder: Path) -> str:
    """What ``meta.yaml`` says; nothing where there is none."""
    try:
        with (folder / "meta.yaml").open("rb") as file:
            return decoded(file.read(20_000))
    except OSError:
        return ""


def _scalar(pattern: re.Pattern[str], said: str) -> str:
    found = pattern.search(said)
    return found[1].strip("'\"") if found else ""


def _run_of_folder(folder: Path) -> _Run:
    said = _said(folder)
    experiment = _scalar(_EXPERIMENT_NAME, _said(folder.parent)) or folder.parent.name
    run = _Run(
        name=_scalar(_RUN_NAME, said) or folder.name, experiment=experiment, is_deleted=bool(_DELETED.search(said))
    )
    for path in sorted((folder / "metrics").rglob("*")):
        if path.is_file():
            name = path.relative_to(folder / "metrics").as_posix()
            steps, values, wrong = _curve(path)
            if len(values):
                run.curves[name] = (steps, values)
            if wrong:
                run.notes.append(f"{shown_path(name)}: {wrong}.")
    return run


def _curve(path: Path) -> tuple[Float[np.ndarray, " points"], Float[np.ndarray, " points"], str]:
    """Steps and values of a file, in the order of time; and what was wrong with it."""
    try:
        lines = decoded(path.read_bytes()).split("\n")
    except OSError as error:
        return np.empty(0), np.empty(0), f"cannot be read, and was left out ({reason(error)})"
    rows, wrong = [], 0
    for cells in (line.split() for line in lines if line.strip()):
        try:
            rows.append((float(cells[0]), float(cells[2]) if len(cells) > 2 else 0.0, float(cells[1])))
        except (ValueError, IndexError):
            wrong += 1
    table = np.array(sorted(rows, key=lambda row: row[:2])).reshape(-1, 3)
    return table[:, 1], _stored(table[:, 2]), f"{wrong:,} lines that are no value were left out" if wrong else ""
