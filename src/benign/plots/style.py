"""How pictures look: one palette and one set of conventions for every figure of the package.

Test is orange-red and solid, train blue and dashed, a remedy (tuned ridge, early stopping) green and dotted, references
are grey. The colours keep their order of lightness in grey print and stay apart under the common colour vision
deficiencies; the dashes say the same once more, so that nothing rests on colour alone.

Ordered conditions (label noise 0, 10, 20 %) run from light to dark instead, each with its own dashes; what is not test
risk is drawn thin in its condition's colour and dashes.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from benign.foundation.number_words import format_number

INK = "#1d2127"
MUTED = "#59616b"
GRID = "#e6e8eb"
PAPER = "#ffffff"
CRITICAL_TINT = "#fbefdf"

TEXT_POINTS = 9.0
SMALL_POINTS = 8.5
LEAST_POINTS = 7.2
TITLE_POINTS = 10.5
HEADLINE_POINTS = 13.0


class Role(enum.Enum):
    """What a series is to the reader; it decides how the series is drawn."""

    TEST = "test"
    TRAIN = "train"
    REMEDY = "remedy"
    REFERENCE = "reference"
    NORM = "norm"


@dataclass(frozen=True, kw_only=True)
class Look:
    """Colour, dashes (in line widths; None is solid) and width in points of a line; ``order`` is its layer."""

    colour: str
    dashes: tuple[float, ...] | None
    width: float
    order: float

    @property
    def line(self) -> dict[str, Any]:
        """The line as matplotlib takes it."""
        style = "solid" if self.dashes is None else (0, self.dashes)
        return {"color": self.colour, "linestyle": style, "linewidth": self.width, "zorder": self.order}


LOOKS = {
    Role.TEST: Look(colour="#c1440e", dashes=None, width=2.0, order=4.0),
    Role.TRAIN: Look(colour="#1f5aa6", dashes=(4.0, 1.8), width=1.8, order=3.6),
    Role.REMEDY: Look(colour="#0b7548", dashes=(1.0, 1.1), width=2.2, order=3.8),
    Role.REFERENCE: Look(colour="#666d76", dashes=(6.0, 1.8, 1.0, 1.8), width=1.3, order=3.2),
    Role.NORM: Look(colour="#69409b", dashes=None, width=2.0, order=3.5),
}
CONDITION_LOOKS = (  # lightness L* 49, 40, 26, 10; at least 24 apart (CIE 1976) in normal and dichromatic vision
    Look(colour="#c2540a", dashes=None, width=2.0, order=4.3),
    Look(colour="#4a48d6", dashes=(5.5, 1.6), width=2.0, order=4.2),
    Look(colour="#6f0f6e", dashes=(1.6, 1.2), width=2.1, order=4.1),
    Look(colour="#161c2b", dashes=(7.0, 1.4, 1.4, 1.4), width=2.0, order=4.0),
)
_THIN = 0.5  # of a condition's width, for what is not its test risk


def look_of(role: Role, condition: int | None) -> Look:
    """How a series is drawn: as its role says or, where it belongs to an ordered condition, as that says."""
    if condition is None:
        return LOOKS[role]
    look = CONDITION_LOOKS[condition]
    return look if role is Role.TEST else replace(look, width=_THIN * look.width, order=look.order - 0.5)


@contextmanager
def house_style() -> Iterator[None]:
    """Matplotlib's settings while one of our pictures is made or written, whatever the user's are, which stay."""
    from matplotlib import style

    with style.context(["default", "benign.plots.house"]):
        yield


def tick_text(value: float, _: object = None) -> str:
    """The label of a tick, short and without mathematical typesetting."""
    return "0" if abs(value) < 1e-300 else format_number(value, digits=6)
