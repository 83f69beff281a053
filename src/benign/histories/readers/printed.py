"""Lines that a training prints: names and numbers in prose, progress bars, redrawn lines."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from benign.foundation.errors import InvalidArgument, listed
from benign.foundation.wording import shown_path
from benign.histories.log import Log
from benign.histories.readers.cells import Cells
from benign.histories.readers.protocol import File, Opened
from benign.histories.readers.table import Table, axis_named, is_like_a_log, logs_in

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0e-\x1f]")
_TIME = re.compile(r"\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?([.,]\d+)?\]?|\d+:\d\d(:\d\d)?(<[\d:?]+)?")
_CLOCK = re.compile(r"\d:\d\d")
_BAR = re.compile(r"\d+%\s*\|[^|]*\|+?|\[[=>.#\-]{3,}\]|[━╸╺╍█▏▎▍▌▋▊▉]+|[\d.?]+\s*(?:it/s|s/it|\w?s/step)")
_OF = re.compile(r"(?<![\d.\w/])(\d+)\s*/\s*(\d+)(?![\d.\w/])")
_NUMBER = r"[-+]?(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|nan|inf(?:inity)?)"
_WORD = r"[A-Za-z_][\w./@()'-]{0,80}"
_PAIR = re.compile(
    rf"(?P<name>{_WORD}(?: {_WORD}){{0,3}}?)[\"']?\s*(?:[:=]|->|[\s\[(]|\bis\b)[\s\"'\[(]*"
    rf"(?:tensor\()?(?P<number>{_NUMBER})(?P<percent>\s?%)?(?!\w|\.\w)(?:\s?/\s?(?P<of>\d+))?",
    re.IGNORECASE,
)
_LEADING = re.compile(r"\s*(?:\[(\d+)\]|(\d+):)\s+(?=[A-Za-z])")
_SAMPLES = re.compile(
    r"\b(train(?:ing)?|val(?:idation|id)?|test(?:ing)?|eval(?:uation)?|dev)(?: (?:set|error|results?|metrics?|phase))?"
    r"\s*(?:[:|\]>]|-+)\s*(?=[A-Za-z\[(]|$)",
    re.IGNORECASE,
)
_NAMED_SAMPLES = re.compile(r"train|val|test|eval|dev", re.IGNORECASE)
_NO_VALUE = re.compile(r"\bv_num$|dataloader$", re.IGNORECASE)  # in Lightning's bars
_LONGEST = 20_000  # letters of one line
_DIGITS = bytes.maketrans(b"123456789", b"0" * 9)
_MOST_TEMPLATES = 20_000
_COUNTS = frozenset({"epoch", "step", "round", "evaluation"})


@dataclass(frozen=True, kw_only=True)
class PrintedLines:
    """Any text in which lines name numbers."""

    name: str = "printed lines"

    def matches(self, opened: Opened) -> float:
        if not isinstance(opened, File) or opened.binary:
            return 0.0
        rows = _Rows()
        rows.read(opened.beginning)
        table = rows.table()
        likely = [cells.present for name, cells in _named(table) if is_like_a_log(name)]
        if not likely:
            return 0.0
        says = np.logical_or.reduce(likely)
        counted = [cells.values[cells.present & says] for name, cells in _named(table) if axis_named(name)]
        positions = np.unique(np.concatenate(counted)) if counted else np.empty(0)
        return 0.2 if positions.size > 2 and np.count_nonzero(says) > rows.unmatched / 2 else 0.1

    def read(self, opened: Opened) -> Iterator[Log]:
        assert isinstance(opened, File)
        rows = _Rows()
        rows.read(opened.text())
        found = rows.table()
        if found is None:
            raise InvalidArgument(
                f"{shown_path(opened.path)} names no numbers; print a line as 'epoch 3 train_loss 0.41 val_loss 0.52' "
                "for each evaluation.",
                "history",
            )
        yield from logs_in(found, format=self.name, path=str(opened.path))


class _Place(NamedTuple):
    """Where a line names a number: the letters of the number, and of the whole that it counts (both 0 for none)."""

    name: str
    start: int
    stop: int
    percent: bool
    whole: int
    end: int

    def number(self, line: str) -> float:
        """What stands there, a percentage or a count of a whole as the share that it is."""
        text = line[self.start : self.stop]
        number = float(text.replace(",", ""))
        if self.percent:
            return number / 100
        whole = float(line[self.whole : self.end]) if self.end else 0.0
        return number / whole if whole > 0 else number


@dataclass(frozen=True)
class _Template:
    """What a line names, and every other line that differs from it in digits of numbers alone.

    Attributes:
        positions: the numbers that count.
        values: the others.
        fixed: digits in names, which must be the same in the other line.
        samples: those that the line ends with, as a heading does.
        has_bar: whether it is a drawing of a bar.
    """

    positions: tuple[_Place, ...]
    values: tuple[_Place, ...]
    fixed: tuple[tuple[int, int, str], ...]
    samples: str
    has_bar: bool

    def fits(self, line: str) -> bool:
        """Whether its names are those of the line."""
        return not self.fixed or all(line[start:stop] == name for start, stop, name in self.fixed)

    @cached_property
    def kind(self) -> tuple[tuple[str, bool], ...]:
        """The names and which are percentages, where a line of the same names that follows begins a new row."""
        places = (*self.positions, *self.values)
        begins = self.values and not (self.has_bar or self.samples or any(place.end for place in places))
        return tuple((place.name, place.percent) for place in places) if begins else ()

    @cached_property
    def cuts(self) -> tuple[slice, ...]:
        """Where its numbers stand."""
        return tuple(slice(place.start, place.stop) for place in (*self.positions, *self.values))


@dataclass(frozen=True, eq=False)
class _Block:
    """Rows of the same names."""

    names: tuple[str, ...]
    numbers: Float[np.ndarray, "rows names"]


@dataclass(kw_only=True)
class _Rows:
    """What has been read so far: what a line says belongs to the position that was named last."""

    rows: list[dict[str, float] | _Block] = field(default_factory=list)
    position: dict[str, float] = field(default_factory=dict)
    samples: str = ""
    unmatched: int = 0
    line: int = 0
    lines_of: dict[str, int] = field(default_factory=dict)  # the line in which the current row got each name
    templates: dict[tuple[str, bytes], _Template] = field(
        default_factory=dict
    )  # by samples and the line without digits
    kind: tuple[tuple[str, bool], ...] = ()  # of the line before
    waiting: list[str] = field(default_factory=list)  # lines of that kind
    cuts: list[tuple[slice, ...]] = field(default_factory=list)  # where their numbers stand

    def read(self, text: str) -> None:
        """All lines, and of each what was drawn over it."""
        text = text.replace("\r\n", "\n")
        lines, shapes = text.split("\n"), _shape(text).split(b"\n")
        for number, (line, shape) in enumerate(zip(lines, shapes, strict=True)):
            template = self.templates.get((self.samples, shape)) if self.kind else None
            if template is not None and template.kind == self.kind and template.fits(line):
                self.waiting.append(line)
                self.cuts.append(template.cuts)
                continue
            self._take_waiting(number - 1)
            self.line = number
            drawn = [part for part in line.split("\r") if part.strip()] if "\r" in line or line.isspace() else [line]
            found = [self._take(part[:_LONGEST], bars=len(drawn) > 1) for part in drawn if part]
            self.unmatched += bool(found) and not any(found) and not _BAR.search(line)
        self._take_waiting(len(lines) - 1)

    def table(self) -> Table | None:
        """The rows without names that come but once where others come often, and what was left out."""
        parts = _parts(self.rows[: len(self.rows) - _ends_repeated(self.rows)])
        counts: Counter[str] = Counter()
        for places, block in parts:
            counts.update({name: places.size for name in block.names if axis_named(name) is None})
        most = max(counts.values(), default=0)
        once = [name for name, n in counts.items() if n == 1 and (most > 2 or (most > 1 and not is_like_a_log(name)))]
        notes = [f"Numbers named but once were left out: {listed(once)}."] if once else []
        if self.unmatched:
            lines = "one line that names" if self.unmatched == 1 else f"{self.unmatched:,} lines that name"
            notes.append(f"Left out: {lines} no numbers.")
        return _joined(parts, frozenset(once), tuple(notes))

    def _take_waiting(self, number: int) -> None:
        """Lines of one kind at once; the last as any other, since a line of another kind may belong to it."""
        self.line = number
        waiting, cuts, self.waiting, self.cuts = self.waiting, self.cuts, [], []
        if len(waiting) > 1:
            counted = [name for name, _ in self.kind if axis_named(name)]
            carried = {axis: where for axis, where in self.position.items() if axis not in counted}
            if "epoch" in counted:
                carried = {}
            names, percent = zip(*self.kind, strict=True)
            numbers = np.fromiter(
                (
                    float(line[cut].replace(",", ""))
                    for line, them in zip(waiting[:-1], cuts, strict=False)
                    for cut in them
                ),
                float,
            ).reshape(-1, len(names))
            numbers /= np.where(percent, 100.0, 1.0)
            more = np.tile(list(carried.values()), (len(numbers), 1))
            self.rows.append(_Block((*carried, *names), np.hstack([more, numbers])))
        if waiting:
            self._take(waiting[-1][:_LONGEST], bars=False)

    def _take(self, part: str, *, bars: bool) -> bool:
        """What one drawing of a line says."""
        part = part if part.isprintable() else _CONTROL.sub("", part)
        template = self._template(part)
        position = {place.name: place.number(part) for place in template.positions}
        values = {place.name: place.number(part) for place in template.values}
        self.samples, self.kind = template.samples, () if bars else template.kind
        if bars and not position and not self.position.keys() - {"evaluation"} and (of := _OF.search(_plain(part))):
            position = {"evaluation": float(of[1]) + 1}
        if position and any(self.position.get(axis) != where for axis, where in position.items()):
            self.position = position if "epoch" in position else {**self.position, **position}
            self.lines_of = {}
        if not values:
            return bool(position)
        redrawn = bool(position) and template.has_bar  # a bar of one epoch, whatever was printed in between
        again = any(self.lines_of.get(name, self.line) != self.line for name in values)
        last = self.rows[-1] if self.rows else {}
        if not self.lines_of or (again and not redrawn) or isinstance(last, _Block):
            last = dict(self.position)
            self.rows.append(last)
            self.lines_of = {}
        last.update(values)
        self.lines_of.update(dict.fromkeys(values, self.line))
        return True

    def _template(self, part: str) -> _Template:
        key = (self.samples, _shape(part))
        known = self.templates.get(key)
        if known is not None and known.fits(part):
            return known
        found = _template_of(part, self.samples)
        if known is None and len(self.templates) < _MOST_TEMPLATES:
            self.templates[key] = found
        return found


def _template_of(line: str, samples: str) -> _Template:
    """What a line names, where the line before ended with these samples."""
    plain = _plain(line)
    bare = _BAR.sub(_blank, plain)
    positions: dict[str, _Place] = {}
    values: dict[str, _Place] = {}
    fixed: list[tuple[int, int, str]] = []
    if leading := _LEADING.match(bare):
        positions["round"] = _Place("round", *leading.span(1 if leading[1] else 2), percent=False, whole=0, end=0)
    contexts = [(match.end(), match[1].lower()) for match in _SAMPLES.finditer(bare)]
    start = 0
    for pair in _PAIR.finditer(bare):
        name = pair["name"].strip().strip("'\"(")
        if any(map(str.isdigit, name)):
            fixed.append((*pair.span("name"), pair["name"]))
        axis = axis_named(name.rsplit(" ", maxsplit=1)[-1])
        if _NO_VALUE.search(name):
            continue
        if axis is not None:
            positions.setdefault(axis, _Place(axis, *pair.span("number"), percent=False, whole=0, end=0))
            continue
        samples = next((said for end, said in reversed(contexts) if start <= end <= pair.end()), samples)
        start = pair.end()
        full = name if not samples or _NAMED_SAMPLES.search(name) else f"{samples}_{name}"
        values.setdefault(full, _place(full, pair))
    ends = bool(contexts) and not bare[contexts[-1][0] :].strip()
    at_end = contexts[-1][1] if ends else ""
    return _Template(tuple(positions.values()), tuple(values.values()), tuple(fixed), at_end, bare != plain)


def _place(name: str, pair: re.Match[str]) -> _Place:
    whole = (0, 0) if pair["of"] is None or pair["percent"] else pair.span("of")
    return _Place(name, *pair.span("number"), pair["percent"] is not None, *whole)


def _shape(text: str) -> bytes:
    """The text with 0 for every digit, as bytes: text is ten times as slow to translate."""
    return text.encode("utf-8", "surrogatepass").translate(_DIGITS)


def _plain(line: str) -> str:
    """The line with blanks for dates and clocks, which keeps every other letter at its place."""
    return _TIME.sub(_blank, line) if _CLOCK.search(line) else line


def _blank(match: re.Match[str]) -> str:
    return " " * len(match[0])


def _named(table: Table | None) -> list[tuple[str, Cells]]:
    return [] if table is None else list(zip(table.names, table.columns, strict=True))


def _parts(rows: list[dict[str, float] | _Block]) -> list[tuple[Int[np.ndarray, " rows"], _Block]]:
    """Rows of the same names together, with their places."""
    alike: dict[tuple[str, ...], tuple[list[int], list[list[float]]]] = {}
    parts: list[tuple[Int[np.ndarray, " rows"], _Block]] = []
    count = 0
    for row in rows:
        if isinstance(row, _Block):
            parts.append((np.arange(count, count + len(row.numbers)), row))
            count += len(row.numbers)
        else:
            places, numbers = alike.setdefault(tuple(row), ([], []))
            places.append(count)
            numbers.append(list(row.values()))
            count += 1
    return parts + [(np.array(places), _Block(names, np.array(them))) for names, (places, them) in alike.items()]


def _joined(
    parts: list[tuple[Int[np.ndarray, " rows"], _Block]], left_out: frozenset[str], notes: tuple[str, ...]
) -> Table | None:
    """The rows as columns, those that name no more than where they stand left out; None where none is left."""
    kept = sorted(((places, block) for places, block in parts if set(block.names) - _COUNTS - left_out), key=_first)
    order = np.sort(np.concatenate([places for places, _ in kept])) if kept else np.empty(0, dtype=int)
    columns: dict[str, Cells] = {}
    for places, block in kept:
        there = np.searchsorted(order, places)
        for index, name in enumerate(block.names):
            if name not in left_out:
                empty = Cells(values=np.full(order.size, np.nan), present=np.zeros(order.size, dtype=bool))
                cells = columns.setdefault(name, empty)
                cells.values[there], cells.present[there] = block.numbers[:, index], True
    return Table(names=tuple(columns), columns=tuple(columns.values()), notes=notes) if columns else None


def _first(part: tuple[Int[np.ndarray, " rows"], _Block]) -> int:
    return int(part[0][0])


def _ends_repeated(rows: list[dict[str, float] | _Block]) -> bool:
    """Whether a bar's last drawing says again what the one before said."""
    if len(rows) < 3 or isinstance(last := rows[-1], _Block) or isinstance(before := rows[-2], _Block):
        return False
    return "evaluation" in last and {**last, "evaluation": 0.0} == {**before, "evaluation": 0.0}
