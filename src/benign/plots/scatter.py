"""Models as points on two log axes with the line on which both are equal: parameters against numbers to fit."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from benign.foundation.errors import invalid
from benign.foundation.number_words import format_number
from benign.plots.describe import describe_scatter
from benign.plots.output import svg_html, svg_text
from benign.plots.scales import Scale

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SIDE, _TOP = 0.16, 0.08  # of an axis's length in decades, beyond the outermost points; names need it at the sides
_MOST_GROUPS = 5  # that markers and colours tell apart


@dataclass(frozen=True, kw_only=True)
class Point:
    """One model: its name, its two numbers, both positive, and the group that it belongs to."""

    label: str
    x: float
    y: float
    group: str

    def __post_init__(self) -> None:
        for name in ("x", "y"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise invalid(name, f"of point {self.label!r} must be positive and finite, got {value}.")


@dataclass(frozen=True, kw_only=True)
class RatioLine:
    """A line beside the diagonal, on which y is ``ratio`` times x; ``label`` stands along it."""

    ratio: float
    label: str

    def __post_init__(self) -> None:
        if not (math.isfinite(self.ratio) and self.ratio > 0):
            raise invalid("ratio", f"of line {self.label!r} must be positive and finite, got {self.ratio}.")


@dataclass(frozen=True, kw_only=True, eq=False)
class ScatterDisplay:
    """Labelled points on two log axes, the diagonal on which y = x, and the regions above and below it by name.

    Attributes:
        title: what the picture is about; drawn where it stands alone.
        points: the models; groups take marker and colour in the order in which they first occur.
        own: the group that is emphasised, as a rule the reader's own models.
        x_label: names the horizontal axis.
        y_label: names the vertical axis.
        diagonal_label: stands along the diagonal.
        above_label: names the region above the diagonal; empty for no name.
        below_label: names the region below.
        lines: further lines on which y is a multiple of x, drawn dashed.
        caption: one sentence, such as where the numbers are from.

    >>> ScatterDisplay(title="", points=(Point(label="AlexNet", x=1.2e9, y=6e7, group="vision"),)).groups
    ('vision',)
    """

    title: str
    points: tuple[Point, ...]
    own: str = "own"
    x_label: str = "training samples × outputs"
    y_label: str = "parameters"
    diagonal_label: str = "parameters = samples × outputs"
    above_label: str = "more parameters than numbers to fit"
    below_label: str = "fewer parameters than numbers to fit"
    lines: tuple[RatioLine, ...] = ()
    caption: str = ""
    ax_: Axes | None = field(init=False, repr=False, default=None)
    figure_: Figure | None = field(init=False, repr=False, default=None)

    def __post_init__(self) -> None:
        for name in ("points", "lines"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if not self.points:
            raise invalid("points", "must hold at least one point to draw.")
        others = [group for group in self.groups if group != self.own]
        if len(others) > _MOST_GROUPS:
            raise invalid(
                "points",
                f"must belong to at most {_MOST_GROUPS} groups beside {self.own!r}, got {len(others)}; join some.",
            )

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups in the order in which they first occur."""
        return tuple(dict.fromkeys(point.group for point in self.points))

    @cached_property
    def scales(self) -> tuple[Scale, Scale]:
        """The horizontal and the vertical axis."""
        return _fitted([point.x for point in self.points], _SIDE), _fitted([point.y for point in self.points], _TOP)

    @property
    def diagonal(self) -> tuple[float, float] | None:
        """Where the diagonal enters and leaves the picture, at x = y; None where it does not cross it."""
        return self.span(1.0)

    def span(self, ratio: float) -> tuple[float, float] | None:
        """Where the line y = ``ratio`` x enters and leaves the picture, in x; None where it does not cross it."""
        x, y = self.scales
        low, high = max(x.low, y.low / ratio), min(x.high, y.high / ratio)
        return (low, high) if low < high else None

    @property
    def full_caption(self) -> str:
        """The caption, with a sentence on what the picture does not show."""
        names = [] if self.diagonal else [self.diagonal_label]
        names += [line.label for line in self.lines if not self.span(line.ratio)]
        note = f"Outside the picture: {'; '.join(names)}." if names else ""
        return " ".join(filter(None, [self.caption, note]))

    @property
    def alternative_text(self) -> str:
        """The picture in words, from its numbers."""
        lines = [f"Line {line.label}: {format_number(line.ratio)} of the diagonal." for line in self.lines]
        return " ".join([describe_scatter(self), *lines])

    def plot(self, ax: object = None) -> ScatterDisplay:
        """Draw on matplotlib axes, or on a new figure that pyplot does not know; returns the display.

        The axes and figure are then in ``ax_`` and ``figure_``.
        """
        from benign.plots.layout import as_axes
        from benign.plots.scatter_drawing import draw_on

        if ax is None:
            axes = self.figure().axes[0]
        else:
            axes = as_axes(ax)
            draw_on(axes, self)
        object.__setattr__(self, "ax_", axes)
        object.__setattr__(self, "figure_", axes.get_figure(root=True))
        return self

    def figure(self, *, narrow: bool = False, alone: bool = True) -> Figure:
        """A new figure, for a phone if ``narrow``, with title and caption if it stands ``alone``."""
        from benign.plots.scatter_drawing import draw_sheet

        return draw_sheet(self, narrow=narrow, alone=alone)

    def frame(self) -> pd.DataFrame:
        """The numbers drawn: label, group, x, y."""
        import pandas as pd

        columns = ["label", "group", "x", "y"]
        return pd.DataFrame([{name: getattr(point, name) for name in columns} for point in self.points])

    def svg(self, *, narrow: bool = False, alone: bool = False) -> str:
        """The picture as SVG, the same text for the same numbers."""
        return svg_text(self.figure(narrow=narrow, alone=alone), self.title)

    def _repr_html_(self) -> str:
        return svg_html(self.svg(alone=True), self.alternative_text)


def _fitted(values: list[float], share: float) -> Scale:
    low, high = math.log10(min(values)), math.log10(max(values))
    margin = max(share * (high - low), 0.3)
    return Scale(is_log=True, low=10 ** max(low - margin, -307), high=10 ** min(high + margin, 307))
