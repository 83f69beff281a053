"""Lines that a training prints: names and numbers in prose, progress bars, redrawn lines."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from benign.foundation.errors import InvalidArgument, listed
from benign.foundation.wording import shown_path
from benign.histories.log import Log
from benign.histories.readers.cells import number_in
from benign.histories.readers.mapping import table_of_rows
from benign.histories.readers.protocol import File, Opened
from benign.histories.readers.table import axis_named, is_like_a_log, logs_in

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


@dataclass(frozen=True, kw_only=True)
class PrintedLines:
    """Any text in which lines name numbers."""

    name: str = "printed lines"

    def matches(self, opened: Opened) -> float:
        if not isinstance(opened, File) or opened.binary:
            return 0.0
        rows = _Rows()
        rows.read(opened.beginning)
        likely = [row for row in rows.rows if any(map(is_like_a_log, row))]
        positions = {where for row in likely for name, where in row.items() if axis_named(name)}
        return 0.2 if len(positions) > 2 and len(likely) > rows.unmatched / 2 else 0.1 * bool(likely)

    def read(self, opened: Opened) -> Iterator[Log]:
        assert isinstance(opened, File)
        rows = _Rows()
        rows.read(opened.text())
        found, notes = rows.chosen()
        if not found:
            raise InvalidArgument(
                f"{shown_path(opened.path)} names no numbers; print a line as 'epoch 3 train_loss 0.41 val_loss 0.52' "
                "for each evaluation.",
                "history",
            )
        yield from logs_in(table_of_rows(found, notes), format=self.name, path=str(opened.path))


@dataclass(kw_only=True)
class _Rows:
    """What has been read so far: what a line says belongs to the position that was named last."""

    rows: list[dict[str, float]] = field(default_factory=list)
    position: dict[str, float] = field(default_factory=dict)
    samples: str = ""
    unmatched: int = 0
    line: int = 0
    lines_of: dict[str, int] = field(default_factory=dict)  # the line in which the current row got each name

    def read(self, text: str) -> None:
        """All lines, and of each what was drawn over it."""
        for self.line, line in enumerate(text.split("\n")):
            drawn = [part for part in line.split("\r") if part.strip()]
            found = [self._take(part[:_LONGEST], bars=len(drawn) > 1) for part in drawn]
            self.unmatched += bool(drawn) and not any(found) and not _BAR.search(line)

    def chosen(self) -> tuple[list[dict[str, float]], tuple[str, ...]]:
        """The rows, without names that come but once where others come often, and what was left out."""
        rows = self.rows[:-1] if len(self.rows) > 2 and _repeats(self.rows[-1], self.rows[-2]) else self.rows
        counts = Counter(name for row in rows for name in row if axis_named(name) is None)
        most = max(counts.values(), default=0)
        once = [name for name, n in counts.items() if n == 1 and (most > 2 or (most > 1 and not is_like_a_log(name)))]
        kept = [{name: value for name, value in row.items() if name not in once} for row in rows]
        notes = [f"Numbers named but once were left out: {listed(once)}."] if once else []
        if self.unmatched:
            lines = "one line that names" if self.unmatched == 1 else f"{self.unmatched:,} lines that name"
            notes.append(f"Left out: {lines} no numbers.")
        return [row for row in kept if row.keys() - {"epoch", "step", "round", "evaluation"}], tuple(notes)

    def _take(self, part: str, *, bars: bool) -> bool:
        """What one drawing of a line says."""
        plain = part if part.isprintable() else _CONTROL.sub("", part)
        plain = _TIME.sub(" ", plain) if _CLOCK.search(plain) else plain
        of = _OF.search(plain) if bars else None
        bare = _BAR.sub(" ", plain)
        position, values = self._pairs(bare)
        if of and not position and not self.position.keys() - {"evaluation"}:
            position = {"evaluation": float(of[1]) + 1}
        if position and any(self.position.get(axis) != where for axis, where in position.items()):
            self.position = position if "epoch" in position else {**self.position, **position}
            self.lines_of = {}
        if not values:
            return bool(position)
        redrawn = bool(position) and bare != plain  # a bar of one epoch, whatever was printed in between
        again = any(self.lines_of.get(name, self.line) != self.line for name in values)
        if not self.lines_of or (again and not redrawn):
            self.rows.append(dict(self.position))
            self.lines_of = {}
        self.rows[-1].update(values)
        self.lines_of.update(dict.fromkeys(values, self.line))
        return True

    def _pairs(self, plain: str) -> tuple[dict[str, float], dict[str, float]]:
        """The positions and the values that a text names."""
        position: dict[str, float] = {}
        values: dict[str, float] = {}
        if leading := _LEADING.match(plain):
            position["round"] = float(leading[1] or leading[2])
        contexts = [(match.end(), match[1].lower()) for match in _SAMPLES.finditer(plain)]
        start = 0
        for pair in _PAIR.finditer(plain):
            number = number_in(pair["number"])
            name = pair["name"].strip().strip("'\"(")
            axis = axis_named(name.rsplit(" ", maxsplit=1)[-1])
            if number is None or _NO_VALUE.search(name):
                continue
            if axis is not None:
                position.setdefault(axis, number)
                continue
            before = [samples for end, samples in contexts if start <= end <= pair.end()]
            self.samples = before[-1] if before else self.samples
            start = pair.end()
            values.setdefault(self._full(name), _share(pair, number))
        ends = bool(contexts) and not plain[contexts[-1][0] :].strip()
        self.samples = contexts[-1][1] if ends else ""
        return position, values

    def _full(self, name: str) -> str:
        """The name with the samples of its line, where it does not name them itself."""
        return name if not self.samples or _NAMED_SAMPLES.search(name) else f"{self.samples}_{name}"


def _share(pair: re.Match[str], number: float) -> float:
    """The number, a percentage or a count of a whole as the share that it is."""
    if pair["percent"]:
        return number / 100
    return number / float(pair["of"]) if pair["of"] and float(pair["of"]) > 0 else number


def _repeats(last: dict[str, float], before: dict[str, float]) -> bool:
    """Whether a bar's last drawing says again what the one before said."""
    return "evaluation" in last and {**last, "evaluation": 0.0} == {**before, "evaluation": 0.0}
