"""Where the values of a log stand: one rising sequence of positions, whatever was resumed, repeated or appended."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

_MOST_RESUMES = 0.1  # of the rows: beyond, they are in no order at all
_FEW = 3

Positions = Float[np.ndarray, " points"]
Rows = Int[np.ndarray, " rows"]
Starts = Int[np.ndarray, " starts"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Order:
    """The rows that count, in the order of their positions, which rise.

    Attributes:
        rows: their indices.
        kind: what had to be done: nothing (empty), "run", "resume", "repeat" or "sort".
        note: a sentence about it.
    """

    rows: Rows
    kind: str = ""
    note: str = ""


def in_order(positions: Positions, *, axis: str = "epoch") -> Order:
    """Choose the rows that count.

    Where positions begin again at their start, runs were appended to each other: the longest counts, of equals the
    last. Where they go back into the middle, a training was resumed: what had been recorded from there on belongs to
    another path of the weights, so the later recording counts, even where it ends earlier. Of rows at one position the
    last counts. Positions that go back more often than at one row in ten are only sorted.

    Args:
        positions: as recorded; those that are no finite number of at least 0 are left out.
        axis: what they count, for the sentence.

    Returns:
        The rows, with what was done. Costs O(n log n) at most.

    >>> in_order(np.array([1.0, 2.0, 3.0, 2.0, 3.0, 4.0])).rows
    array([0, 3, 4, 5])
    """
    if _rises(positions) and (not positions.size or (positions[0] >= 0.0 and np.isfinite(positions[-1]))):
        return Order(rows=np.arange(positions.size))
    rows = np.flatnonzero(np.isfinite(positions) & (positions >= 0.0))
    kept = positions[rows]
    if _rises(kept):
        return Order(rows=rows)
    descents = np.flatnonzero(np.diff(kept) < 0.0) + 1
    if descents.size > max(_FEW, _MOST_RESUMES * kept.size) or _rises(np.sort(kept)):
        return _sorted_rows(rows, kept, axis)
    starts = descents[kept[descents] <= kept[0]]
    if starts.size:
        return _longest_run(rows, kept, starts, axis)
    return _resumed(rows, kept, descents.size, axis)


def _sorted_rows(rows: Rows, kept: Positions, axis: str) -> Order:
    order = np.argsort(kept, kind="stable")
    return Order(
        rows=rows[order[_lasts(kept[order])]],
        kind="sort",
        note=f"The rows were not in the order of their {axis}s: sorted; of two at one {axis} the later counts.",
    )


def _longest_run(rows: Rows, kept: Positions, starts: Starts, axis: str) -> Order:
    edges = np.concatenate([[0], starts, [kept.size]])
    lengths = np.diff(edges)
    run = lengths.size - 1 - int(np.argmax(lengths[::-1]))
    inner = slice(edges[run], edges[run + 1])
    chosen = in_order(kept[inner], axis=axis)
    which = "the last" if run == lengths.size - 1 else f"number {run + 1}"
    return Order(
        rows=rows[inner][chosen.rows],
        kind="run",
        note=f"The {axis}s begin again {in_words(starts.size)}, so {lengths.size:,} runs follow one another: the "
        f"longest is read, {which}, with {chosen.rows.size:,} rows; give the others apart.",
    )


def in_words(times: int) -> str:
    """How often.

    >>> in_words(1), in_words(3)
    ('once', '3 times')
    """
    return "once" if times == 1 else f"{times:,} times"


def _resumed(rows: Rows, kept: Positions, resumes: int, axis: str) -> Order:
    """The rows below all later positions."""
    later = np.minimum.accumulate(kept[::-1])[::-1]
    counts = np.append(kept[:-1] < later[1:], True)
    replaced = kept[~counts]
    where = f"from {axis} {replaced.min():g} to {replaced.max():g}"
    if resumes:
        note = f"The training was resumed: the later recording counts ({replaced.size:,} rows {where} were replaced)."
    else:
        note = f"Several rows at one {axis} ({where}): the last of them counts."
    return Order(rows=rows[counts], kind="resume" if resumes else "repeat", note=note)


def _rises(positions: Positions) -> bool:
    return bool(np.all(positions[1:] > positions[:-1]))  # not where one is NaN


def _lasts(ordered: Positions) -> Rows:
    """The last index of each value."""
    return np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
