"""trackio's database of one project: a row for each step, its metrics as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from benign.foundation.errors import InvalidArgument, listed
from benign.foundation.wording import shown_path
from benign.histories.log import Log
from benign.histories.readers.mapping import parsed, table_of_rows
from benign.histories.readers.protocol import File, Opened, decoded
from benign.histories.readers.sqlite_file import columns_of, is_database, opened_database
from benign.histories.readers.table import log_of

_METRICS = {"run_name", "step", "metrics", "timestamp"}
_BY_ID = "SELECT run_id, run_name, step, metrics FROM metrics ORDER BY rowid"
_BY_NAME = "SELECT run_name, run_name, step, metrics FROM metrics ORDER BY rowid"


@dataclass(frozen=True, kw_only=True)
class Trackio:
    """A table ``metrics`` of run, step and a JSON object."""

    name: str = "trackio database"

    def matches(self, opened: Opened) -> float:
        if not isinstance(opened, File) or not is_database(opened):
            return 0.0
        return 0.9 if columns_of(opened).get("metrics", set()) >= _METRICS else 0.0

    def read(self, opened: Opened) -> Iterator[Log]:
        assert isinstance(opened, File)
        has_ids = "run_id" in columns_of(opened)["metrics"]
        select = _BY_ID if has_ids else _BY_NAME
        with opened_database(opened) as connection:
            rows: list[Any] = connection.execute(select).fetchall()
        runs: dict[str, tuple[str, list[dict[str, Any]]]] = {}
        wrong: dict[str, int] = {}
        for run, name, step, said in rows:
            entries = runs.setdefault(run, (str(name), []))[1]
            if (metrics := _metrics(said)) is None:
                wrong[run] = wrong.get(run, 0) + 1
            else:
                entries.append({"step": step, **{key: value for key, value in metrics.items() if key != "step"}})
        yield from _logs(runs, wrong, self.name, str(opened.path))


def _logs(
    runs: dict[str, tuple[str, list[dict[str, Any]]]], wrong: dict[str, int], format_: str, path: str
) -> Iterator[Log]:
    logs, empty = [], []
    for run, (name, entries) in runs.items():
        notes = (f"{wrong[run]:,} rows whose metrics are no JSON were left out.",) if run in wrong else ()
        try:
            logs.append(log_of(table_of_rows(entries, notes), name=name, format=format_, path=path))
        except InvalidArgument:
            empty.append(name)
    if not logs:
        held = f"of the runs {listed(empty)} none recorded a number" if empty else "no run has begun"
        raise InvalidArgument(f"{shown_path(path)}: {held}.", "history")
    notes = (f"Runs without a number were left out: {listed(empty)}.",) if empty else ()
    for log in logs:
        yield replace(log, name=log.name if len(logs) > 1 else "", notes=(*log.notes, *notes))


def _metrics(said: Any) -> dict[str, Any] | None:
    """The object that a row says, in which what is not finite is text; None where it says none."""
    try:
        metrics = parsed(decoded(said) if isinstance(said, bytes) else str(said))
    except ValueError:
        return None
    return metrics if isinstance(metrics, dict) else None
