"""What the text of a .csv file tells before Arrow reads it, which would lose rows or name other causes."""

from __future__ import annotations

import csv
from pathlib import Path

_LONGEST_HEADER = 2**22
_CHUNK = 2**22
_UTF_16 = "it is text in UTF-16 or UTF-32; save it as UTF-8"
_FOREIGN = {
    b"\x1f\x8b": "it is compressed by gzip; unpack it",
    b"PK\x03\x04": "it is a zip archive, as a workbook of Excel is; unpack it, or save the sheet as .csv",
    b"\xff\xfe": _UTF_16,
    b"\xfe\xff": _UTF_16,
}


def fault_of_csv(file: Path) -> str | None:
    """Why the file is no text with commas between its values, if it is none."""
    with file.open("rb") as opened:
        header = opened.readline(_LONGEST_HEADER)
        for beginning, fault in _FOREIGN.items():
            if header.startswith(beginning):
                return fault
        opened.seek(0)
        quotes = lines = 0
        while chunk := opened.read(_CHUNK):
            nul = chunk.find(b"\0")
            if nul >= 0:
                line = lines + 1 + chunk.count(b"\n", 0, nul)
                return f"line {line} holds a NUL character; save it as text in UTF-8"
            quotes, lines = quotes + chunk.count(b'"'), lines + chunk.count(b"\n")
    separator = next((mark for mark in (";", "\t", "|") if mark.encode() in header and b"," not in header), None)
    if separator:
        return f"it looks like a table separated by {separator!r}; save it with commas, and decimal points in numbers"
    return fault_of_rows(file) if quotes % 2 else None


def fault_of_rows(file: Path) -> str | None:
    """The first line with more or fewer values than the first, or whose quote swallows all that follows.

    Arrow, which reads many lines at once, counts none.
    """
    start, names = 1, 0
    with file.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
        rows = csv.reader(lines, strict=True)
        try:
            for row in rows:
                names = names or len(row)
                if row and len(row) != names:
                    values = f"{len(row)} value{'s' * (len(row) != 1)} where {names} columns are named"
                    return f"line {rows.line_num} holds {values}; correct the line"
                start = rows.line_num + 1
        except csv.Error as error:
            if "unexpected end" in str(error) or "field limit" in str(error):
                return f"the quote that opens in line {start} never closes; correct the line"
    return None
