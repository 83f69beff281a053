"""A table of numbers as logs: which column counts the time, which tells runs or samples apart, one curve a column."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Bool, Float, Int

from benign.foundation.errors import InvalidArgument, listed
from benign.foundation.wording import shown
from benign.histories.log import Axis, Column, Log
from benign.histories.readers.cells import Cells

_AXES: dict[str, Axis] = {
    **dict.fromkeys(("epoch", "epochs", "ep", "current_epoch", "epoch_number", "epoch_num", "epoch_idx"), "epoch"),
    **dict.fromkeys(("step", "steps", "global_step", "num_steps", "num_updates", "update", "updates"), "step"),
    **dict.fromkeys(("timestep", "timesteps", "total_timesteps", "env_steps", "environment_steps"), "step"),
    **dict.fromkeys(("iter", "iters", "iteration", "iterations", "it", "batch", "trainer_step"), "step"),
    **dict.fromkeys(("round", "rounds", "boosting_round", "num_round", "tree", "trees"), "round"),
    **dict.fromkeys(("evaluation", "eval_index"), "evaluation"),
}
_INDICES = frozenset({"", "index", "unnamed: 0", "row", "id"})
_RUNS = ("run", "run_name", "run_id", "run_uuid", "experiment", "experiment_name", "trial", "fold", "seed", "model")
_SAMPLES = ("phase", "split", "mode", "stage", "subset", "set", "dataset", "data")
_PHASES = frozenset({"train", "training", "val", "valid", "validation", "test", "testing", "eval", "dev", "evaluate"})
_KEYS = ("metric", "tag", "key", "variable", "metric_name", "name")
_MOST_RUNS = 10_000
_LIKE_A_LOG = re.compile(
    r"loss|acc|err|perplexity|ppl|score|nll|auc|\bf1|mse|mae|bleu|reward|map", re.IGNORECASE | re.ASCII
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """Rows as they were recorded.

    Attributes:
        names: of the columns; they may repeat.
        columns: one for each name, all of one length.
        notes: on what was left out in reading.
    """

    names: tuple[str, ...]
    columns: tuple[Cells, ...]
    notes: tuple[str, ...] = field(default=())

    @property
    def num_rows(self) -> int:
        """How many rows there are."""
        return len(self.columns[0].values) if self.columns else 0


def axis_named(name: str) -> Axis | None:
    """What a column of this name counts; None where it counts no time.

    >>> axis_named("Epoch"), axis_named("trainer/global_step"), axis_named("loss")
    ('epoch', 'step', None)
    """
    plain = name.strip().lower().lstrip("_").rsplit("/", maxsplit=1)[-1].replace(" ", "_").replace("-", "_")
    return _AXES.get(plain)


def is_like_a_log(name: str) -> bool:
    """Whether the name is like one of a loss, an error or a score: nothing is decided by it but what is no log.

    >>> is_like_a_log("val_loss"), is_like_a_log("layers")
    (True, False)
    """
    return _LIKE_A_LOG.search(name) is not None


def logs_in(table: Table, *, format: str, path: str) -> Iterator[Log]:  # noqa: A002 - as the log calls it
    """The runs that a table holds.

    Raises:
        InvalidArgument: if it holds no column of numbers beside the one that counts.
    """
    for name, part in _runs(_widened(table)):
        yield log_of(_with_samples_apart(part), name=name, format=format, path=path)


def log_of(table: Table, *, name: str = "", format: str, path: str) -> Log:  # noqa: A002 - as the log calls it
    """One run: each column where something stands in it, over the column that counts.

    Raises:
        InvalidArgument: if it holds no column of numbers beside the one that counts.
    """
    notes = list(table.notes)
    counting = _counting(table)
    axis: Axis = axis_named(table.names[counting]) or "evaluation" if counting is not None else "evaluation"
    positions = table.columns[counting].values if counting is not None else np.arange(1.0, table.num_rows + 1)
    counted = np.isfinite(positions)
    if not counted.all():
        notes.append(f"{np.count_nonzero(~counted):,} rows without {axis} were left out.")
    columns, texts, gaps = [], [], []
    for index, (title, cells) in enumerate(zip(table.names, table.columns, strict=True)):
        if cells.texts:
            texts.append(title)
        elif index != counting and axis_named(title) is None and (rows := cells.present & counted).any():
            column = Column(name=title, positions=positions[rows], values=cells.values[rows])
            columns.append(without_gaps(column))
            gaps += [title] if len(columns[-1].values) < len(column.values) else []
            notes += cells.note(title)
    if not columns:
        raise InvalidArgument(_nothing(table, path), "history")
    if gaps:
        notes.append(f"NaN before later numbers was read as nothing recorded: {listed(gaps)}.")
    if texts:
        notes.append(f"Columns of text were left out: {listed(texts)}.")
    if axis == "epoch" and any(_several_an_epoch(column.positions) for column in columns):
        columns = [_spread(column) if _several_an_epoch(column.positions) else column for column in columns]
        notes.append("Several rows of one epoch count as taken at even distances within it.")
    notes += _on_names(table.names)
    return Log(name=name, format=format, path=path, axis=axis, columns=tuple(columns), notes=tuple(notes))


def without_gaps(column: Column) -> Column:
    """The curve without NaN that stands for nothing recorded, as where the validation set is not used each epoch.

    A loss that has become NaN stays so. NaN is kept where it lasts to the end, longer than any before, and at later
    positions than the last number.

    >>> gappy = Column(name="v", positions=np.arange(5.0), values=np.array([3, np.nan, 2, np.nan, np.nan]))
    >>> without_gaps(gappy).values
    array([ 3.,  2., nan, nan])
    """
    known = np.flatnonzero(~np.isnan(column.values))
    if len(known) in {0, len(column.values)}:
        return column
    last = known[-1]
    at_end = len(column.values) - 1 - last
    longest = max(np.diff(known).max(initial=1) - 1, known[0])
    kept = ~np.isnan(column.values)
    if at_end > longest and column.positions[last + 1] > column.positions[last]:
        kept[last + 1 :] = True
    return replace(column, positions=column.positions[kept], values=column.values[kept])


def chosen_rows(table: Table, rows: Bool[np.ndarray, " rows"] | Int[np.ndarray, " chosen"]) -> Table:
    """Some rows of the table."""
    where = np.flatnonzero(rows) if rows.dtype == bool else rows

    def of(cells: Cells) -> Cells:
        texts = tuple(cells.texts[row] for row in where) if cells.texts else ()
        return replace(cells, values=cells.values[where], present=cells.present[where], texts=texts)

    return replace(table, columns=tuple(of(cells) for cells in table.columns))


def _nothing(table: Table, path: str) -> str:
    where = shown(path) if path else "the history"
    rows = f"{table.num_rows:,} rows" if table.num_rows else "no rows yet"
    return (
        f"{where} holds no column of numbers beside the one that counts ({rows}; its columns: {listed(table.names)}); "
        "a log has one row for each evaluation and one column for each curve."
    )


def _counting(table: Table) -> int | None:
    """The column of the positions: epochs, unless they repeat within a curve where steps do not; a bare index last."""
    named = {index: axis_named(name) for index, name in enumerate(table.names) if not table.columns[index].texts}
    candidates = [index for axis in ("epoch", "step", "round", "evaluation") for index in named if named[index] == axis]
    candidates = [index for index in candidates if _mostly_counted(table, index)]
    rising = [index for index in candidates if _rises_within_curves(table, index)]
    if rising or candidates:
        return (rising or candidates)[0]
    indices = [index for index in named if table.names[index].strip().lower() in _INDICES]
    return next((index for index in indices if _rises_within_curves(table, index)), None)


def _mostly_counted(table: Table, counting: int) -> bool:
    """Whether it stands in at least half of the rows, else another counts the time; steps that stand still are none."""
    values = table.columns[counting].values
    there = values[np.isfinite(values)]
    stands_still = there.size > 2 and np.ptp(there) == 0 and axis_named(table.names[counting]) != "epoch"
    return bool(there.size >= max(1, table.num_rows / 2)) and not stands_still


def _rises_within_curves(table: Table, counting: int) -> bool:
    """Whether no position repeats or goes back within a curve."""
    positions = table.columns[counting].values
    for index, cells in enumerate(table.columns):
        if index != counting and not cells.texts and axis_named(table.names[index]) is None:
            there = positions[cells.present & np.isfinite(positions)]
            if (np.diff(there) <= 0).any():
                return False
    return True


def _several_an_epoch(positions: Float[np.ndarray, " points"]) -> bool:
    """Whether epochs never go back and most of them have several rows: a log of batches, and no resume."""
    if (np.diff(positions) < 0).any():
        return False
    counts = np.unique(positions, return_counts=True)[1]
    return bool(np.count_nonzero(counts > 1) > len(counts) / 2)


def _spread(column: Column) -> Column:
    """The rows of each epoch at even distances, the last one at its end."""
    epochs, first, counts = np.unique(column.positions, return_index=True, return_counts=True)
    within = np.arange(1, len(column.positions) + 1) - np.repeat(first, counts)
    return replace(column, positions=np.repeat(epochs - 1, counts) + within / np.repeat(counts, counts))


def _on_names(names: Sequence[str]) -> list[str]:
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    return [f"Several columns are called {listed(twice)}."] if twice else []


def _text_column(table: Table, names: Sequence[str], fits: Callable[[Cells], bool]) -> int | None:
    """The first column of one of these names, case ignored, that fits."""
    plain = [name.strip().lower() for name in table.names]
    found = (plain.index(name) for name in names if name in plain)
    return next((index for index in found if fits(table.columns[index])), None)


def _labels(cells: Cells) -> list[str]:
    return list(cells.texts) or [format(value, "g") for value in cells.values]


def _without(table: Table, index: int) -> Table:
    names, columns = list(table.names), list(table.columns)
    del names[index], columns[index]
    return replace(table, names=tuple(names), columns=tuple(columns))


def _grouped(cells: Cells) -> dict[str, Int[np.ndarray, " chosen"]]:
    """The rows of each value of a column, in the order in which they first come."""
    labels = np.array(_labels(cells), dtype=object)
    kinds, first, inverse = np.unique(labels.astype(str), return_index=True, return_inverse=True)
    rows = np.split(np.argsort(inverse, kind="stable"), np.cumsum(np.bincount(inverse))[:-1])
    return {str(kinds[kind]): rows[kind] for kind in np.argsort(first)}


def _runs(table: Table) -> Iterator[tuple[str, Table]]:
    """The rows of each run where a column names several and the positions repeat across them."""
    index = _text_column(table, _RUNS, lambda cells: bool(cells.present.all()))
    counting = _counting(table)
    if index is None or counting is None or not table.num_rows:
        yield "", table
        return
    groups = _grouped(table.columns[index])
    positions = table.columns[counting].values
    distinct = sum(len(np.unique(positions[rows])) for rows in groups.values())
    if not 1 < len(groups) <= _MOST_RUNS or distinct <= len(np.unique(positions)):
        yield "", _without(table, index)
        return
    for name, rows in groups.items():
        title = name if table.columns[index].texts else f"{table.names[index].strip()} {name}"
        yield title, _without(chosen_rows(table, rows), index)


def _with_samples_apart(table: Table) -> Table:
    """A column for each metric and each kind of samples, where a column says ``train`` or ``val`` of each row."""
    index = _text_column(table, _SAMPLES, lambda cells: {text.lower() for text in cells.texts if text} <= _PHASES)
    if index is None or not table.columns[index].texts:
        return table
    rest, groups = _without(table, index), _grouped(table.columns[index])
    names: list[str] = []
    columns: list[Cells] = []
    for name, cells in zip(rest.names, rest.columns, strict=True):
        if axis_named(name) or cells.texts:
            names, columns = [*names, name], [*columns, cells]
            continue
        for phase, rows in groups.items():
            here = np.zeros(rest.num_rows, dtype=bool)
            here[rows] = True
            names.append(f"{phase}_{name.strip()}" if phase else name)
            columns.append(replace(cells, present=cells.present & here))
    return replace(rest, names=tuple(names), columns=tuple(columns))


def _widened(table: Table) -> Table:
    """A column for each metric, where one column names the metric and another one called ``value`` says it."""
    key = _text_column(table, _KEYS, lambda cells: bool(cells.texts))
    value = _text_column(table, ("value", "metric_value", "scalar"), lambda cells: not cells.texts)
    if key is None or value is None:
        return table
    names, columns = [], []
    for metric, rows in _grouped(table.columns[key]).items():
        here = np.zeros(table.num_rows, dtype=bool)
        here[rows] = True
        names.append(metric)
        columns.append(replace(table.columns[value], present=table.columns[value].present & here))
    kept = [index for index in range(len(table.names)) if index not in {key, value}]
    names += [table.names[index] for index in kept if _tells(table, index)]
    columns += [table.columns[index] for index in kept if _tells(table, index)]
    return replace(table, names=tuple(names), columns=tuple(columns))


def _tells(table: Table, index: int) -> bool:
    """Whether a column beside the values counts time or names runs or samples."""
    plain = table.names[index].strip().lower()
    return axis_named(plain) is not None or plain in {*_RUNS, *_SAMPLES}
