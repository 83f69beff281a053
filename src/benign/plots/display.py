"""What every picture is: it holds its numbers, draws them, and says them in words."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, TypeVar

from benign.foundation.extras import require
from benign.plots.labels import figure_of
from benign.plots.layout import Room, Sheet, arrange, new_sheet, panel_axes, write_key, write_title
from benign.plots.output import svg_html, svg_text
from benign.plots.style import house_style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from benign.plots.altair import Chart

Drawn = TypeVar("Drawn", bound="Display")
Table = Mapping[str, object]
"""A part of a display's numbers: arrays of one length, or what is the same in all its rows."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Display(ABC):
    """A picture that holds its numbers.

    Laws: ``frame`` holds exactly the numbers drawn; ``svg`` gives the same text for the same numbers; ``figure`` makes
    a new matplotlib figure each time and leaves no trace in pyplot; nothing is drawn before one of them is called.

    Attributes:
        title: what the picture is about; drawn where it stands alone.
        caption: one sentence beneath it.
        ax_: after ``plot`` the axes drawn on; of several panels the first.
        axes_: all of them.
        figure_: their figure.
    """

    title: str
    caption: str = ""
    ax_: Axes | None = field(init=False, repr=False, default=None)
    axes_: tuple[Axes, ...] = field(init=False, repr=False, default=())
    figure_: Figure | None = field(init=False, repr=False, default=None)

    _heights: ClassVar[tuple[float, float]] = (240.0, 220.0)  # of a panel in points, on a wide and on a narrow sheet
    _columns: ClassVar[tuple[int, int]] = (1, 1)  # of panels
    _gap: ClassVar[float] = 14.0  # between two rows of panels

    @property
    def full_caption(self) -> str:
        """The caption, with a sentence on everything that the picture does not show as it was asked."""
        return " ".join(filter(None, [self.caption, *self._notes()]))

    @property
    def alternative_text(self) -> str:
        """The picture in words, from its numbers."""
        return " ".join(filter(None, [*self._sentences(), self.full_caption]))

    def frame(self) -> pd.DataFrame:
        """The numbers, in the columns that the class names."""
        import pandas as pd

        return pd.concat([pd.DataFrame(part) for part in self._tables()], ignore_index=True)

    def _notes(self) -> Sequence[str]:
        """What the picture does not show as it was asked."""
        return ()

    @abstractmethod
    def _sentences(self) -> Sequence[str]:
        """What the picture shows."""

    @abstractmethod
    def _tables(self) -> Iterable[Table]:
        """The parts of the frame, one below the other."""

    @property
    def _count(self) -> int:
        """How many panels it has."""
        return len(getattr(self, "panels", [self]))

    @abstractmethod
    def _draw(self, sheet: Sheet) -> Iterator[Room]:
        """Draw all but the words inside, say what room the panels need and then, in their final place, write those."""

    def plot(self: Drawn, ax: object = None) -> Drawn:
        """Draw on matplotlib axes, or on a new figure that pyplot does not know; returns the display.

        A picture of several panels takes a list of axes, one for each; a colour bar takes a part of the axes' place.
        The axes and the figure are then in ``ax_``, ``axes_`` and ``figure_``.
        """
        if ax is None:
            axes = tuple(self.figure().axes)
        else:
            axes = panel_axes(ax, self._count)
            with house_style():
                self._draw_on(axes)
        for name, value in (("ax_", axes[0]), ("axes_", axes), ("figure_", figure_of(axes[0]))):
            object.__setattr__(self, name, value)
        return self

    def _draw_on(self, axes: tuple[Axes, ...]) -> None:
        """Draw on the user's axes, in the style of all figures."""
        drawing = self._draw(Sheet(axes=axes))
        room = next(drawing)
        if len(axes) == 1:
            write_title(axes[0], self.title, room)
            if room.key:
                write_key(axes[0], room.key)
        next(drawing, None)

    def figure(self, *, narrow: bool = False, alone: bool = True) -> Figure:
        """A new figure, for a phone if ``narrow``, with title and caption if it stands ``alone``."""
        with house_style():
            columns, panel = min(self._columns[narrow], self._count), self._heights[narrow]
            sheet = new_sheet(narrow=narrow, panels=self._count, columns=columns, panel=panel, gap=self._gap)
            drawing = self._draw(sheet)
            title, caption = (self.title, self.full_caption) if alone else ("", "")
            arrange(sheet, next(drawing), title=title, caption=caption)
            next(drawing, None)
        return figure_of(sheet.axes[0])

    def svg(self, *, narrow: bool = False, alone: bool = False) -> str:
        """The picture as SVG, the same text for the same numbers."""
        return svg_text(self.figure(narrow=narrow, alone=alone), self.title)

    def to_altair(self) -> Chart:
        """The picture as an Altair chart, to restyle: its data are exactly ``frame()``, with title, caption and marks.

        Raises:
            MissingExtra: if Altair is not installed; the message holds ``pip install "benign[altair]"``.
        """
        require("altair", extra="altair", purpose="`to_altair`")
        from benign.plots.altair import chart_of

        return chart_of(self)

    def _repr_html_(self) -> str:
        return svg_html(self.svg(alone=True), self.alternative_text)
