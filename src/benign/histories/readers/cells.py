"""Numbers as people and tools write them in tables: percent signs, thousands, decimal commas, empty cells."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from benign.foundation.errors import listed
from benign.foundation.wording import shown

_EMPTY = frozenset({"", "na", "n/a", "#n/a", "<na>", "null", "none", "no log", "-", "--", "—", "."})
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?")
_TENSOR = re.compile(r"tensor\(\s*([^\s,)]+)")


@dataclass(frozen=True, kw_only=True, eq=False)
class Cells:
    """One column of a table.

    Attributes:
        values: the numbers; NaN where there is none.
        present: where something was recorded, a number or NaN.
        texts: what stands there, of a column that is not of numbers; empty of one that is.
        strange: the first cells of a column of numbers that are neither a number nor empty.
        num_strange: how many there are.
    """

    values: Float[np.ndarray, " rows"]
    present: Bool[np.ndarray, " rows"]
    texts: tuple[str, ...] = ()
    strange: tuple[str, ...] = ()
    num_strange: int = 0

    def note(self, name: str) -> tuple[str, ...]:
        """A sentence on the strange cells, if there are any."""
        if not self.num_strange:
            return ()
        cells = "one cell is" if self.num_strange == 1 else f"{self.num_strange:,} cells are"
        return (f"Column {shown(name)}: {cells} no number ({listed(self.strange)}) and left out.",)


def numbers_in(cells: Sequence[str], *, decimal_comma: bool = False) -> Cells:
    """What a column of text says in numbers.

    A percentage is the share that it is. A comma is a decimal one where ``decimal_comma`` says so, and where the column
    has a cell whose comma does not set thousands apart. A column of which fewer than half of the cells are numbers is
    one of text.

    >>> numbers_in(["85 %", "NA", "nan"]).values, numbers_in(["1,234", "0,5"]).values
    (array([0.85,  nan,  nan]), array([1.234, 0.5  ]))
    """
    bare = [cell.strip() for cell in cells]
    commas = [cell for cell in bare if "," in cell and not cell.startswith("tensor")]
    decimal = decimal_comma or any(not _THOUSANDS.fullmatch(cell.rstrip("% ")) for cell in commas)
    values = np.full(len(bare), np.nan)
    present = np.zeros(len(bare), dtype=bool)
    strange: list[str] = []
    for row, cell in enumerate(bare):
        number = _number(cell, decimal=decimal and "," in cell)
        if number is not None:
            values[row], present[row] = number, True
        elif cell.lower() not in _EMPTY:
            strange.append(cell)
    if len(strange) > np.count_nonzero(present):
        empty = np.array([cell.lower() not in _EMPTY for cell in bare])
        return Cells(values=np.full(len(bare), np.nan), present=empty, texts=tuple(bare))
    return Cells(values=values, present=present, strange=tuple(strange[:3]), num_strange=len(strange))


def number_in(cell: str) -> float | None:
    """The number that one cell says; None where it says none.

    >>> number_in("1e-3"), number_in("12.5%"), number_in("tensor(0.25, device='cuda:0')"), number_in("epoch")
    (0.001, 0.125, 0.25, None)
    """
    return _number(cell.strip(), decimal="," in cell and not _THOUSANDS.fullmatch(cell.strip()))


def _number(cell: str, *, decimal: bool) -> float | None:
    """The number, its comma a decimal one where ``decimal`` says so."""
    try:
        return float(cell)
    except ValueError:
        pass
    if tensor := _TENSOR.match(cell):
        cell, decimal = tensor[1], False
    if percent := cell.endswith("%"):
        cell = cell[:-1].rstrip()
    if "," in cell:
        points_apart = decimal and cell.rfind(".") < cell.rfind(",")
        cell = cell.replace(".", "").replace(",", ".") if points_apart else cell.replace(",", "")
    try:
        return float(cell) / (100 if percent else 1)
    except ValueError:
        return None
