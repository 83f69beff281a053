"""What every picture is: it holds its numbers, draws them, and says them in words."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from benign.foundation.extras import require
from benign.plots.layout import NARROW, PAD, WIDE, Sheet, Words, as_axes, wrapped
from benign.plots.style import HEADLINE_POINTS, SMALL_POINTS, house_style
from benign.plots.svg import svg_html, svg_text

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from benign.plots.altair import Chart

Drawn = TypeVar("Drawn", bound="Display")


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

    @property
    def full_caption(self) -> str:
        """The caption, with a sentence on everything that the picture does not show as it was asked."""
        return self.caption

    @property
    @abstractmethod
    def alternative_text(self) -> str:
        """The picture in words, from its numbers."""

    @abstractmethod
    def frame(self) -> pd.DataFrame:
        """The numbers."""

    @abstractmethod
    def _on_sheet(self, sheet: Sheet, words: Words) -> Figure:
        """A new figure, in the style of them all."""

    @abstractmethod
    def _draw_on(self, axes: tuple[Axes, ...]) -> None:
        """Draw on the user's axes, in the style of all figures."""

    def _taken(self, ax: object) -> tuple[Axes, ...]:
        """What the user gave to draw on."""
        return (as_axes(ax),)

    def plot(self: Drawn, ax: object = None) -> Drawn:
        """Draw on matplotlib axes, or on a new figure that pyplot does not know; returns the display.

        A picture of several panels takes a list of axes, one for each; a colour bar takes a part of the axes' place.
        The axes and the figure are then in ``ax_``, ``axes_`` and ``figure_``.
        """
        if ax is None:
            axes = tuple(self.figure().axes)
        else:
            axes = self._taken(ax)
            with house_style():
                self._draw_on(axes)
        for name, value in (("ax_", axes[0]), ("axes_", axes), ("figure_", axes[0].get_figure(root=True))):
            object.__setattr__(self, name, value)
        return self

    def figure(self, *, narrow: bool = False, alone: bool = True) -> Figure:
        """A new figure, for a phone if ``narrow``, with title and caption if it stands ``alone``."""
        sheet, words = NARROW if narrow else WIDE, Words()
        if alone:
            width = sheet.width - 2 * PAD
            caption = wrapped(self.full_caption, width, SMALL_POINTS)
            words = Words(title=wrapped(self.title, width, HEADLINE_POINTS), caption=caption)
        with house_style():
            return self._on_sheet(sheet, words)

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
