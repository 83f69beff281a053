"""Named series in memory or in JSON: a dict of lists, of dicts of lists, or a list of dicts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
from jaxtyping import Float

from benign.foundation.errors import InvalidArgument, listed
from benign.foundation.wording import shown
from benign.histories.log import Column, Log
from benign.histories.readers.cells import Cells, numbers_in
from benign.histories.readers.protocol import Opened, Value
from benign.histories.readers.table import Table, axis_named, logs_in, without_gaps

_DEEPEST = 4
_WRAPPERS = ("history", "log", "logs", "metrics", "results")
_LATER = ("val", "test", "eval", "dev")


@dataclass(frozen=True, kw_only=True)
class DictOfSeries:
    """A dict whose values are series of numbers, or dicts of such."""

    name: str = "dict of lists"

    def matches(self, opened: Opened) -> float:
        if not isinstance(opened, Value) or not isinstance(opened.value, Mapping):
            return 0.0
        return 0.25 if any(True for _ in islice(_series(_unwrapped(opened.value)), 1)) else 0.0

    def read(self, opened: Opened) -> Iterator[Log]:
        assert isinstance(opened, Value)
        assert isinstance(opened.value, Mapping)
        format_ = "JSON" if opened.path else self.name
        yield from logs_of_series(_unwrapped(opened.value), format=format_, path=opened.path)


@dataclass(frozen=True, kw_only=True)
class ListOfDicts:
    """One dict for each evaluation."""

    name: str = "list of dicts"

    def matches(self, opened: Opened) -> float:
        if not isinstance(opened, Value):
            return 0.0
        rows = _rows(opened.value)
        return 0.25 if rows and any(isinstance(row, Mapping) for row in rows[:100]) else 0.0

    def read(self, opened: Opened) -> Iterator[Log]:
        assert isinstance(opened, Value)
        table = table_of_rows(_rows(opened.value))
        yield from logs_in(table, format="JSON" if opened.path else self.name, path=opened.path)


def logs_of_series(series: Mapping[Any, Any], *, format: str, path: str = "") -> Iterator[Log]:  # noqa: A002
    """The runs of named series, which may differ in length; series within series get the names of both.

    Raises:
        InvalidArgument: if none of them is one of numbers.
    """
    columns: dict[str, Cells] = {}
    left: list[str] = []
    for name, values in _series(series):
        cells = cells_of_values(values)
        if cells is None:
            left.append(name)
        else:
            columns[name] = cells
    notes = (f"No series of numbers, and left out: {listed(left)}.",) if left else ()
    lengths = {len(cells.values) for cells in columns.values() if len(cells.values)}
    if not lengths:
        raise InvalidArgument(
            f"{shown(path) if path else 'the history'} holds no series of numbers (its keys: "
            f"{listed(map(str, series))}); give a list of numbers for each curve.",
            "history",
        )
    if len(lengths) == 1:
        filled = {name: cells for name, cells in columns.items() if len(cells.values)}
        table = Table(names=tuple(filled), columns=tuple(filled.values()), notes=notes)
        yield from logs_in(table, format=format, path=path)
    else:
        yield _of_different_lengths(columns, notes, format, path)


def table_of_rows(rows: Iterable[object], notes: tuple[str, ...] = ()) -> Table:
    """A column for each key that a row has; what is no dict, and what is neither number nor text, is left out."""
    recorded: dict[str, list[tuple[int, object]]] = {}
    count = left = 0
    for row in rows:
        if not isinstance(row, Mapping):
            left += 1
            continue
        for name, value in _flat(row):
            recorded.setdefault(name, []).append((count, value))
        count += 1
    columns: dict[str, Cells] = {}
    for name, entries in recorded.items():
        where = np.array([row for row, _ in entries])
        if (cells := cells_of_values([value for _, value in entries])) is not None:
            columns[name] = _placed(cells, where, count)
    if left:
        notes = (*notes, f"{left:,} entries that name no values were left out.")
    return Table(names=tuple(columns), columns=tuple(columns.values()), notes=notes)


def cells_of_values(values: object) -> Cells | None:
    """A series as a column: None stands for nothing recorded; None in return where these are no numbers or texts.

    >>> cells_of_values([1, None, 0.5]).present
    array([ True, False,  True])
    """
    if isinstance(values, (str, bytes, Mapping)):
        return None
    try:
        entries = values if isinstance(values, (list, tuple)) else np.asarray(values)
        if isinstance(entries, (list, tuple)) and any(isinstance(entry, str) for entry in entries):
            return numbers_in(["" if entry is None else str(entry) for entry in entries])
        numbers = np.asarray(entries, dtype=float)
    except Exception:  # whatever conversion the user's own objects refuse
        return None
    if numbers.ndim != 1 or (isinstance(entries, np.ndarray) and entries.dtype.kind == "M"):
        return None
    present = np.ones(len(numbers), dtype=bool)
    if np.isnan(numbers).any():
        present = np.array([entry is not None for entry in entries], dtype=bool)
    return Cells(values=numbers, present=present)


def _placed(cells: Cells, where: np.ndarray, count: int) -> Cells:
    """The entries at their rows."""
    if len(where) == count:
        return cells
    values, present = np.full(count, np.nan), np.zeros(count, dtype=bool)
    values[where], present[where] = cells.values, cells.present
    texts = [""] * count if cells.texts else []
    for row, text in zip(where, cells.texts, strict=False):
        texts[row] = text
    return replace(cells, values=values, present=present, texts=tuple(texts))


def _series(series: Mapping[Any, Any], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """The series, those of dicts within by both names."""
    for key, values in series.items():
        name = f"{prefix}{key}"
        if isinstance(values, Mapping) and depth < _DEEPEST:
            yield from _series(values, f"{name}/", depth + 1)
        elif isinstance(values, Sequence) and not isinstance(values, (str, bytes)):
            if not (values and isinstance(values[0], Mapping)):
                yield name, values
        elif hasattr(values, "__array__"):
            yield name, values


def _flat(row: Mapping[Any, Any], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, object]]:
    """The numbers and texts of one row, those of dicts within by both names."""
    for key, value in row.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and depth < _DEEPEST:
            yield from _flat(value, f"{name}/", depth + 1)
        elif value is None or (isinstance(value, (int, float, str)) and not isinstance(value, bool)):
            yield name, value
        elif getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
            yield name, value.item()


def _unwrapped(value: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """What a dict holds under ``history`` or its like, with the series beside it."""
    for wrapper in _WRAPPERS:
        if isinstance(inner := value.get(wrapper), Mapping):
            return {**{key: other for key, other in value.items() if key != wrapper}, **inner}
    return value


def _rows(value: object) -> Sequence[object]:
    """The entries of a list, also of one that a dict holds under ``history`` or its like; a dict of numbers is one."""
    if isinstance(value, Mapping):
        inner = next((value[key] for key in _WRAPPERS if isinstance(value.get(key), list)), None)
        if inner is not None and any(isinstance(row, Mapping) for row in inner[:100]):
            return inner
        numbers = any(isinstance(entry, (int, float)) and not isinstance(entry, bool) for entry in value.values())
        return [value] if numbers else []
    return value if isinstance(value, (list, tuple)) else []


def _of_different_lengths(columns: Mapping[str, Cells], notes: tuple[str, ...], format_: str, path: str) -> Log:
    """One run whose series were recorded at different rates over the same time."""
    counting = next((name for name in columns if axis_named(name) and not columns[name].texts), None)
    length = len(columns[counting].values) if counting else _shortest(columns)
    base = columns[counting].values if counting else np.arange(1.0, length + 1)
    curves, unequal = [], []
    for name, cells in columns.items():
        if name == counting or cells.texts or not len(cells.values):
            continue
        positions = base if len(cells.values) == length else _stretched(base, len(cells.values), name)
        unequal += [name] if len(cells.values) != length else []
        column = Column(name=name, positions=positions[cells.present], values=cells.values[cells.present])
        curves.append(without_gaps(column))
    if unequal:
        told = f"Series of another length than {length:,} count as taken over the same time: {listed(unequal)}."
        notes = (*notes, told)
    axis = (axis_named(counting) if counting else None) or "evaluation"
    return Log(format=format_, path=path, axis=axis, columns=tuple(curves), notes=notes)


def _shortest(columns: Mapping[str, Cells]) -> int:
    """The length of the shortest curve, one of a single point apart."""
    lengths = [len(cells.values) for cells in columns.values() if not cells.texts and len(cells.values)]
    return min((length for length in lengths if length > 1), default=max(lengths, default=0))


def _stretched(base: Float[np.ndarray, " points"], length: int, name: str) -> Float[np.ndarray, " length"]:
    """Positions of a series of another length, its last one where that of the others is.

    One entry more is a measurement before training of validation or test, and an unfinished epoch of anything else.
    """
    if length == len(base) + 1 and len(base) > 1:
        before = any(word in name.lower() for word in _LATER)
        return np.concatenate([[2 * base[0] - base[1]], base] if before else [base, [2 * base[-1] - base[-2]]])
    ordinal = np.arange(1.0, length + 1) * len(base) / length
    step = base[1] - base[0] if len(base) > 1 else 1.0
    return np.interp(ordinal, np.arange(0.0, len(base) + 1), np.concatenate([[base[0] - step], base]))


def parsed(text: str) -> object:
    """What a text of JSON says.

    Raises:
        ValueError: if it is none, or one that is nested too deep.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
