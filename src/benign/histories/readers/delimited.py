"""Text with one row a line as a table: which character separates its cells, what its columns are called."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from jaxtyping import Bool

from benign.foundation.errors import InvalidArgument
from benign.foundation.wording import shown_path
from benign.histories.readers.cells import Cells, number_in, numbers_in
from benign.histories.readers.protocol import HEAD, File, decoded
from benign.histories.readers.table import Table, axis_named

_DELIMITERS = (",", ";", "\t", "|", " ")
_LARGE = 2_000_000  # bytes; above, Arrow reads: its import costs as much as this takes line by line
_SEEN = 50  # lines
_LONGEST_CELL = 1 << 27
_RULE = re.compile(r"[\s|:+=-]*")
_DECIMAL_COMMA = re.compile(rb"\d,\d")
_EMPTY = ("", "NA", "N/A", "#N/A", "<NA>", "null", "NULL", "None", "-", "--")


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How a table is written.

    Attributes:
        delimiter: between its cells; a space stands for any white space.
        names: of its columns.
        first: the number of its first line that holds a row, from 0.
        named: whether it names its columns itself.
    """

    delimiter: str
    names: tuple[str, ...]
    first: int
    named: bool = True


@lru_cache(maxsize=16)  # several readers look at one file
def layout_of(text: str) -> Layout | None:
    r"""How the table that begins so is written; None where it is no table of numbers.

    >>> layout_of("epoch;loss\n1;0,5\n2;0,4\n")
    Layout(delimiter=';', names=('epoch', 'loss'), first=1, named=True)
    """
    lines = lines_of(text)[: 4 * _SEEN]
    layouts = [layout for delimiter in _DELIMITERS if (layout := _layout(lines, delimiter))]
    return max(layouts, key=lambda layout: (layout.named, len(layout.names)), default=None)


def table_of(file: File) -> Table:
    """All of a file's table.

    Raises:
        InvalidArgument: if it holds none.
    """
    layout = layout_of(file.beginning)
    if layout is None:
        raise InvalidArgument(f"{shown_path(file.path)} holds no table of numbers.", "history")
    content = file.content()
    body, notes = _whole_lines(content, layout)
    large = len(body) > _LARGE and layout.delimiter not in {" ", "|"}
    table = _by_arrow(body, layout) if large else None
    if table is None:
        table = _line_by_line(decoded(body), layout)
    return Table(names=table.names, columns=table.columns, notes=(*_on_layout(layout), *notes, *table.notes))


def lines_of(text: str) -> list[str]:
    """The lines, whose ends are those of files: no form feed and no separator of Unicode ends one."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def cells_of(line: str, delimiter: str) -> list[str]:
    """The cells of one line."""
    if delimiter == " ":
        return line.split()
    if delimiter == "|":
        return [cell.strip() for cell in line.strip().strip("|").split("|")]
    if '"' not in line:
        return line.split(delimiter)
    return next(iter(csv.reader([line], delimiter=delimiter, skipinitialspace=True)), [])


def _layout(lines: list[str], delimiter: str) -> Layout | None:
    """The layout with this delimiter, if most lines then have as many cells as the header, and numbers in some."""
    rows = [(number, line) for number, line in enumerate(lines) if line.strip() and not _ruled(line, delimiter)]
    split = [(number, line.startswith("#"), cells_of(line.lstrip("# "), delimiter)) for number, line in rows[:_SEEN]]
    bare = [(number, cells) for number, comment, cells in split if not comment]
    if not bare:
        return None
    width = _width([cells for _, cells in bare])
    fitting = [(number, cells) for number, cells in bare if len(cells) in {width, width + 1} and not any(cells[width:])]
    number, header = fitting[0] if fitting else bare[0]
    if len(fitting) < 0.6 * len(bare) or (width < 2 and delimiter != ","):
        return None
    numeric = [number_in(cell) is not None for cell in header]
    if all(numeric[:width]):
        commented = [cells for row, comment, cells in split if comment and row < number and len(cells) == width]
        names = commented[-1] if commented else [f"column {index + 1}" for index in range(width)]
        return Layout(delimiter=delimiter, names=tuple(_plain(names)), first=number, named=bool(commented))
    data = [cells for _, cells in fitting[1:]]
    if delimiter == " " and any(cell.endswith((":", "=", "|")) for cells in data[:1] for cell in cells):
        return None  # settings, one a line; or bars between the cells
    if any(numeric) or (data and not _holds_numbers(data)) or (not data and not _names_a_time(header, delimiter)):
        return None
    return Layout(delimiter=delimiter, names=tuple(_plain(header[:width])), first=number + 1)


def _names_a_time(header: list[str], delimiter: str) -> bool:
    """Whether a header without rows names what counts the time, and something else."""
    return delimiter != " " and len(header) > 1 and any(axis_named(name.strip('" ')) for name in header)


def _holds_numbers(rows: list[list[str]]) -> bool:
    """Whether one column holds numbers in most of the rows in which it holds something."""
    for column in zip(*rows, strict=False):
        filled = [cell for cell in column if cell.strip()]
        if filled and sum(number_in(cell) is not None for cell in filled) > len(filled) / 2:
            return True
    return False


def _ruled(line: str, delimiter: str) -> bool:
    """Whether a line only rules a table off, as Markdown does."""
    return delimiter in {"|", " "} and _RULE.fullmatch(line) is not None


def _width(rows: list[list[str]]) -> int:
    """How many cells most rows have; one less than that where the header has it and a delimiter ends each row."""
    width = Counter(map(len, rows)).most_common(1)[0][0]
    ended = all(not cells[-1].strip() for cells in rows if len(cells) == width)
    return width - 1 if width > 1 and ended and (len(rows[0]) == width - 1 or not rows[0][-1].strip()) else width


def _plain(names: Iterable[str]) -> list[str]:
    return [name.strip().strip("\ufeff\"'").strip() for name in names]


def _on_layout(layout: Layout) -> tuple[str, ...]:
    return () if layout.named else ("The columns are not named; they are called 'column 1', 'column 2', ...",)


def _whole_lines(content: bytes, layout: Layout) -> tuple[bytes, tuple[str, ...]]:
    """The file without a last line that was not written to its end."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        content = decoded(content).encode()
    start = content.rfind(b"\n") + 1
    if start in {0, len(content)}:
        return content, ()
    before = [decoded(line) for line in content[max(0, start - 20_000) : start].splitlines()[-_SEEN:]]
    if _cut(decoded(content[start:]), before, layout):
        return content[:start], ("The last line is cut short, as while a training still writes; it was left out.",)
    return content, ()


def _cut(line: str, before: list[str], layout: Layout) -> bool:
    """Whether a last line without an end is shorter than a whole one: in cells, or in the letters of its last cell."""
    cells = cells_of(line, layout.delimiter)
    if len(cells) < len(layout.names):
        return True
    rows = [cells_of(row, layout.delimiter) for row in before]
    last = [row[-1].strip() for row in rows if len(row) == len(cells) and number_in(row[-1]) is not None]
    ends_in_power = [cell for cell in last if "e" in cell.lower()]
    own = cells[-1].strip()
    return bool(last) and (
        len(own) < min(map(len, last)) or (2 * len(ends_in_power) > len(last) and "e" not in own.lower())
    )


def _line_by_line(text: str, layout: Layout) -> Table:
    """The table of a text of any size, as Python's own reader sees it."""
    lines = lines_of(text)[layout.first :]
    rows, wrong, again = [], 0, 0
    for cells in _split(lines, layout.delimiter):
        if len(cells) > len(layout.names) and not any(cell.strip() for cell in cells[len(layout.names) :]):
            cells = cells[: len(layout.names)]  # noqa: PLW2901 - a delimiter at the end of each line
        if len(cells) != len(layout.names):
            wrong += 1
        elif tuple(_plain(cells)) == layout.names:
            again += 1
        else:
            rows.append(cells)
    turned = zip(*rows, strict=True) if rows else [()] * len(layout.names)
    decimal = layout.delimiter in {";", "\t"}
    columns = tuple(numbers_in(column, decimal_comma=decimal) for column in turned)
    return Table(names=layout.names, columns=columns, notes=_on_lines(wrong, again, len(layout.names)))


def _split(lines: list[str], delimiter: str) -> Iterator[list[str]]:
    """The cells of each line that is neither empty, nor a comment, nor a rule."""
    bare = [line for line in lines if line.strip() and not line.startswith("#") and not _ruled(line, delimiter)]
    if delimiter in {" ", "|"} or not any('"' in line for line in bare):
        for line in bare:
            yield cells_of(line, delimiter)
        return
    csv.field_size_limit(_LONGEST_CELL)
    try:
        yield from csv.reader((f"{line}\n" for line in bare), delimiter=delimiter, skipinitialspace=True)
    except csv.Error:  # a quotation mark that nothing closes
        for line in bare:
            yield line.split(delimiter)


def _on_lines(wrong: int, again: int, width: int) -> tuple[str, ...]:
    notes = []
    if wrong:
        lines = "One line with" if wrong == 1 else f"{wrong:,} lines with"
        notes.append(f"{lines} another number of cells than the header's {width} left out.")
    if again:
        notes.append(f"The header stands {again:,} times more among the rows, as after a resume.")
    return tuple(notes)


def _by_arrow(content: bytes, layout: Layout) -> Table | None:
    """The table of a large file, read by Arrow; None where Arrow cannot."""
    import pyarrow as pa
    from pyarrow import csv as arrow

    if not content.isascii():
        content = decoded(content).encode()
    if b"\n#" in content:
        content = re.sub(rb"(?m)^#.*$", b"", content)  # as many lines as before
    wrong: list[object] = []

    def skipped(row: object) -> str:
        wrong.append(row)
        return "skip"

    placeholders = [f"column {index}" for index in range(len(layout.names))]  # as names may repeat
    try:
        read = arrow.read_csv(
            pa.py_buffer(content),
            read_options=arrow.ReadOptions(skip_rows=layout.first, column_names=placeholders, block_size=1 << 24),
            parse_options=arrow.ParseOptions(delimiter=layout.delimiter, invalid_row_handler=skipped),
            convert_options=arrow.ConvertOptions(
                null_values=list(_EMPTY),
                strings_can_be_null=True,
                decimal_point="," if layout.delimiter != "," and _DECIMAL_COMMA.search(content[:HEAD]) else ".",
            ),
        )
    except pa.ArrowInvalid:
        return None
    columns = tuple(_of_arrow(column, decimal_comma=layout.delimiter in {";", "\t"}) for column in read.columns)
    return Table(names=layout.names, columns=columns, notes=_on_lines(len(wrong), 0, len(layout.names)))


def _of_arrow(column: Any, *, decimal_comma: bool) -> Cells:
    """One column that Arrow read; its text is looked at cell by cell, unless it is of percentages."""
    import pyarrow as pa
    from pyarrow import compute

    kind = column.type
    if pa.types.is_null(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return numbers_of_arrow(column)
    texts = column.cast(pa.string())
    if compute.all(compute.ends_with(texts, "%")).as_py():
        try:
            shares = numbers_of_arrow(compute.utf8_trim(texts, "% ").cast(pa.float64()))
            return Cells(values=shares.values / 100, present=shares.present)
        except pa.ArrowInvalid:
            pass
    return numbers_in(["" if text is None else text for text in texts.to_pylist()], decimal_comma=decimal_comma)


def numbers_of_arrow(column: Any) -> Cells:
    """A column of numbers, taken from Arrow's own memory: its conversion to NumPy would import pandas."""
    import pyarrow as pa

    values = np.full(len(column), np.nan)
    present = np.zeros(len(column), dtype=bool)
    start = 0
    for chunk in column.cast(pa.float64(), safe=False).chunks:
        if count := len(chunk):
            rows = slice(start, start + count)
            bits, numbers = chunk.buffers()
            values[rows] = np.frombuffer(numbers, dtype=float, count=count, offset=8 * chunk.offset)
            present[rows] = True if bits is None else _bits(bits, chunk.offset, count)
        start += len(chunk)
    values[~present] = np.nan
    return Cells(values=values, present=present)


def _bits(bits: Any, offset: int, count: int) -> Bool[np.ndarray, " count"]:
    flags = np.unpackbits(np.frombuffer(bits, dtype=np.uint8), bitorder="little", count=offset + count)
    return flags[offset:].astype(bool)
