"""A picture's sheet: its size, the margins that its words need, and what stands around the axes of every picture."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benign.foundation.errors import invalid
from benign.plots.labels import per_pixel, points_box, text_size
from benign.plots.scales import Scale
from benign.plots.series import Threshold
from benign.plots.style import (
    GRID,
    HEADLINE_POINTS,
    INK,
    MUTED,
    PAPER,
    SMALL_POINTS,
    TEXT_POINTS,
    TITLE_POINTS,
    Look,
)
from benign.plots.text import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DPI = 200  # fine enough that hinting does not round the measured widths of words
PAD = 5.0
THRESHOLD_ROW = 16.0
AXIS_ROWS = 35.0
LIFT = 3.0
_KEY_ROW, _TITLE_ROW, _CAPTION_ROW = 14.0, 17.0, 12.0
_SAMPLE, _BESIDE = 24.0, 22.0
_SIGNS = {"s": "■", "^": "▲", "D": "◆", "v": "▼", "P": "✚"}
_GAP = 14.0  # between the panels of a stack


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """Sizes in points: the picture's width, the height of one panel alone and of one in a stack."""

    width: float
    panel: float
    stacked: float
    columns: int

    @property
    def is_narrow(self) -> bool:
        """Whether it is for a phone."""
        return self.columns == 1


WIDE = Sheet(width=720, panel=240, stacked=150, columns=3)
NARROW = Sheet(width=300, panel=220, stacked=150, columns=1)


@dataclass(frozen=True, kw_only=True)
class Words:
    """Lines of what stands around the axes of a picture that stands alone; none on a page, which has its own."""

    title: Sequence[str] = ()
    caption: Sequence[str] = ()

    @property
    def above(self) -> float:
        """Points that the title needs."""
        return 2 * PAD + len(self.title) * _TITLE_ROW

    @property
    def below(self) -> float:
        """Points that the caption needs."""
        return len(self.caption) * _CAPTION_ROW + PAD


@dataclass(frozen=True, kw_only=True)
class Key:
    """How a series is named: name, words at its end, look and marker; ``end`` is its last point, in the data."""

    name: str
    text: str
    look: Look
    marker: str = ""
    marker_size: float = 4.5
    end: tuple[float, float] | None = None

    @property
    def ending(self) -> str:
        """The words at the line's end, with the sign that the line carries where several share a look."""
        return f"{_SIGNS[self.marker]} {self.text}" if self.marker in _SIGNS else self.text


def as_axes(ax: object) -> Axes:
    """The argument as matplotlib axes.

    Raises:
        InvalidArgument: if it is anything else.
    """
    from matplotlib.axes import Axes

    if not isinstance(ax, Axes):
        raise invalid(
            "ax", f"must be the matplotlib Axes to draw on, got {type(ax).__name__}; leave it out for a new figure."
        )
    return ax


def as_panel_axes(ax: object, count: int) -> tuple[Axes, ...]:
    """The argument as ``count`` matplotlib axes, one for each panel; an array of axes is read row by row.

    Raises:
        InvalidArgument: if it is anything else.
    """
    flat = list(getattr(ax, "flat", ax)) if isinstance(ax, Iterable) else [ax]
    if len(flat) != count:
        raise invalid("ax", f"must hold {count} axes, one for each panel, got {len(flat)}.")
    return tuple(as_axes(one) for one in flat)


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of a size in points, outside pyplot's list of figures: nothing leaks, no window is needed."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width / 72, height / 72), dpi=_DPI, facecolor=PAPER)
    FigureCanvasAgg(figure)
    return figure


def quiet_ticks(ax: Axes, *, hidden: Sequence[str]) -> None:
    """Small ticks, and no line at the ``hidden`` sides."""
    for side in hidden:
        ax.spines[side].set_visible(False)
    ax.tick_params(which="major", length=3.5, width=0.8, labelsize=SMALL_POINTS)
    ax.tick_params(which="minor", length=2, width=0.5)


def draw_grid(ax: Axes, *, axis: Any) -> None:
    """Thin lines from the ticks of an axis in place of the frame."""
    quiet_ticks(ax, hidden=("top", "right", "left"))
    ax.tick_params(axis="y", which="both", length=0)
    ax.grid(axis=axis, which="major", color=GRID, linewidth=0.8, zorder=0.5)
    ax.set_axisbelow(True)


def name_axes(ax: Axes, x_label: str, y_label: str) -> None:
    """Write what the axes show."""
    ax.set_xlabel(visible(x_label), fontsize=TEXT_POINTS)
    ax.set_ylabel(visible(y_label), fontsize=TEXT_POINTS)


def write_title(ax: Axes, title: str, *, pad: float) -> None:
    """Write the title above the user's axes, if there is one."""
    if title:
        lines = "\n".join(wrapped(title, ax.bbox.width * per_pixel(ax), TITLE_POINTS))
        ax.set_title(lines, loc="left", fontsize=TITLE_POINTS, fontweight="bold", pad=pad)


def write_threshold(ax: Axes, threshold: Threshold, x: Scale) -> None:
    """The threshold's name above the axes, centred on its line as far as the picture's edges allow."""
    unit = x.to_unit(threshold.position)
    if not 0 <= unit <= 1:
        return
    outer = points_box(ax, ax.bbox)
    figure = points_box(ax, ax.get_figure(root=True).bbox)  # type: ignore[union-attr]
    wide, _ = text_size(ax, visible(threshold.text), fontsize=TEXT_POINTS, fontweight="bold")
    line = outer.left + unit * (outer.right - outer.left)
    centre = min(max(line, outer.left + wide / 2), max(figure.right - 4 - wide / 2, outer.left + wide / 2))
    ax.annotate(
        visible(threshold.text), (unit, 1), xycoords="axes fraction", xytext=(centre - line, LIFT),
        textcoords="offset points", ha="center", va="bottom", fontsize=TEXT_POINTS, fontweight="bold", color=INK,
        annotation_clip=False,
    )  # fmt: skip


def left_margin(axes: Sequence[Axes], figure: Figure) -> float:
    """Points needed left of the axes for their ticks and labels."""
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    margins = []
    for ax in axes:
        box = ax.yaxis.get_tightbbox(renderer)
        if box is not None:
            margins.append(points_box(ax, ax.bbox).left - points_box(ax, box).left)
    return max(margins, default=30.0) + PAD


def place(
    figure: Figure,
    axes: Sequence[Axes],
    words: Words,
    *,
    panel: float,
    key: list[list[Key]],
    above: float = 4.0,
    right: float = 14.0,
) -> None:
    """Give the figure its height, put the panels one above the other, and write title, key and caption around them.

    ``panel`` is the height of one in points; ``above`` and ``right`` are kept free beside them.
    """
    width = float(figure.get_size_inches()[0]) * 72
    left = left_margin(axes, figure)
    above += words.above + len(key) * _KEY_ROW
    height = above + panel * len(axes) + _GAP * (len(axes) - 1) + AXIS_ROWS + words.below
    figure.set_size_inches(width / 72, height / 72)
    for index, ax in enumerate(axes):
        bottom = height - above - panel * (index + 1) - _GAP * index
        ax.set_position((left / width, bottom / height, (width - left - right) / width, panel / height))
        if index < len(axes) - 1:
            ax.tick_params(axis="x", labelbottom=False)
            ax.set_xlabel("")
    figure.align_ylabels(list(axes))
    write_around(figure, words)
    write_key(figure, key, left=left, top=height - words.above)


def wrapped(text: str, width: float, size: float) -> list[str]:
    """Lines of a text that fit into ``width`` points at a font size; none for an empty text."""
    return textwrap.wrap(visible(text), max(int(width / (size * 0.58)), 8))


def write_around(figure: Figure, words: Words) -> None:
    """Title at the top and caption at the bottom, left aligned."""
    width, height = figure.get_size_inches() * 72
    if words.title:
        style: dict[str, Any] = {"fontsize": HEADLINE_POINTS, "fontweight": "bold", "color": INK, "linespacing": 1.15}
        figure.text(PAD / width, 1 - PAD / height, "\n".join(words.title), ha="left", va="top", **style)
    if words.caption:
        style = {"fontsize": SMALL_POINTS, "color": MUTED, "linespacing": 1.25}
        figure.text(PAD / width, PAD / height, "\n".join(words.caption), ha="left", va="bottom", **style)


def key_rows(ax: Axes, keys: Iterable[Key], *, margin: float = 60.0) -> list[list[Key]]:
    """The entries of a key, in rows that fit into the figure's width less a margin."""
    width = float(ax.get_figure(root=True).get_size_inches()[0]) * 72  # type: ignore[union-attr]
    rows: list[list[Key]] = [[]]
    used = 0.0
    for key in keys:
        needed = _SAMPLE + _BESIDE + text_size(ax, key.text, fontsize=TEXT_POINTS, fontweight="bold")[0]
        if rows[-1] and used + needed > width - margin:
            rows.append([])
            used = 0.0
        rows[-1].append(key)
        used += needed
    return rows


def write_key(figure: Figure, rows: list[list[Key]], *, left: float, top: float) -> None:
    """Line samples with their names, row by row, from ``top`` (in points) down."""
    from matplotlib.lines import Line2D

    width, height = figure.get_size_inches() * 72
    for index, row in enumerate(rows):
        x, y = left, top - _KEY_ROW * (index + 0.5)
        for key in row:
            look = key.look
            line: dict[str, Any] = {"color": look.colour, "linewidth": look.width, "linestyle": look.linestyle}
            xs = [x / width, (x + _SAMPLE / 2) / width, (x + _SAMPLE) / width]
            sign: dict[str, Any] = {"marker": key.marker, "markersize": key.marker_size, "markevery": [1]}
            figure.add_artist(Line2D(xs, [y / height] * 3, **line, **sign))
            style: dict[str, Any] = {
                "fontsize": TEXT_POINTS,
                "fontweight": "bold",
                "color": look.colour,
                "va": "center_baseline",
            }
            text = figure.text((x + _SAMPLE + 5) / width, y / height, key.text, **style)
            x += _SAMPLE + _BESIDE + text.get_window_extent().width * 72 / figure.dpi
