"""A picture's sheet: its panels, the margins that their words need, and title, key and caption around them."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benign.foundation.errors import invalid
from benign.plots.labels import axes_box, figure_of, per_pixel, text_size, write
from benign.plots.scales import Scale, set_ticks
from benign.plots.series import Threshold
from benign.plots.style import GRID, HEADLINE_POINTS, MUTED, PAPER, SMALL_POINTS, TEXT_POINTS, TITLE_POINTS
from benign.plots.text import visible

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DPI = 200  # fine enough that hinting does not round the measured widths of words
WIDTHS = (720.0, 300.0)  # of a wide and of a narrow sheet
LIFT = 3.0
PAD = 5.0
_TITLE_ROW, _KEY_ROW, _THRESHOLD_ROW, _AXIS_ROWS, _CAPTION_ROW = 17.0, 14.0, 16.0, 35.0, 12.0
_BESIDE = 16.0  # points between two columns of panels
_SAMPLE = 46.0  # of a line in the key, with the room about it


@dataclass(frozen=True, kw_only=True)
class Room:
    """What stands about the panels: words above and beside them (in points), and lines with their names in a key."""

    above: float = 0.0
    right: float = 14.0
    key: Sequence[tuple[Artist, str]] = ()


def room_above(*thresholds: Threshold | None) -> float:
    """Points that the words of thresholds need above the panels."""
    return _THRESHOLD_ROW * any(one is not None for one in thresholds)


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """Panels to draw on, row by row: the user's axes or, where it is known whether it is ``narrow``, a new figure.

    ``height`` is that of all rows together, in points, with the gaps between.
    """

    axes: tuple[Axes, ...]
    narrow: bool | None = None
    columns: int = 1
    height: float = 0.0


def new_sheet(*, narrow: bool, panels: int, columns: int, panel: float, gap: float) -> Sheet:
    """A sheet outside pyplot's list of figures: nothing leaks, no window is needed."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = math.ceil(panels / columns)
    width, height = WIDTHS[narrow], panel * rows + gap * (rows - 1)
    figure = Figure(figsize=(width / 72, height / 72), dpi=_DPI, facecolor=PAPER)
    FigureCanvasAgg(figure)
    figure.subplots_adjust(left=45 / width, right=1 - PAD / width, bottom=0, top=1, hspace=gap / panel, wspace=0.08)
    axes = tuple(figure.add_subplot(rows, columns, place + 1) for place in range(panels))
    return Sheet(axes=axes, narrow=narrow, columns=columns, height=height)


def panel_axes(ax: object, count: int) -> tuple[Axes, ...]:
    """What the user gave to draw on as ``count`` matplotlib axes; an array of axes is read row by row.

    Raises:
        InvalidArgument: if it is anything else.
    """
    from matplotlib.axes import Axes

    given = list(getattr(ax, "flat", ax)) if isinstance(ax, Iterable) and not isinstance(ax, str) else [ax]
    axes = tuple(one for one in given if isinstance(one, Axes))
    if len(axes) < len(given):
        kinds = ", ".join(sorted({type(one).__name__ for one in given}))
        raise invalid("ax", f"must be the matplotlib Axes to draw on, got {kinds}; leave it out for a new figure.")
    if len(axes) != count:
        raise invalid("ax", f"must hold {count} axes, one for each panel, got {len(axes)}.")
    return axes


def prepare(
    ax: Axes, x: Scale, y: Scale, x_label: str, y_label: str, *, spines: Sequence[str] = ("bottom",), grid: Any = None
) -> None:
    """Set scales, limits, ticks and names of both axes; a ``grid`` along one or "both" takes the place of y's ticks."""
    if x.is_log:
        ax.set_xscale("log", nonpositive="mask")
    if y.is_log:
        ax.set_yscale("log", nonpositive="clip")
    ax.set_xlim(x.low, x.high)
    ax.set_ylim(y.low, y.high)
    set_ticks(ax.xaxis, x, labels=ax.bbox.width * per_pixel(ax) / (60 if x.is_log else 40))
    set_ticks(ax.yaxis, y, labels=ax.bbox.height * per_pixel(ax) / 26)
    ax.set_xlabel(visible(x_label), fontsize=TEXT_POINTS)
    ax.set_ylabel(visible(y_label), fontsize=TEXT_POINTS)
    for side in ax.spines:
        ax.spines[side].set_visible(side in spines)
    ax.tick_params(which="major", length=3.5, width=0.8, labelsize=SMALL_POINTS)
    ax.tick_params(which="minor", length=2, width=0.5)
    if grid is not None:
        ax.tick_params(axis="y", which="both", length=0)
        ax.yaxis.minorticks_off()
        ax.grid(axis=grid, which="major", color=GRID, linewidth=0.8)
        ax.set_axisbelow(True)


def write_title(ax: Axes, title: str, room: Room) -> None:
    """Write the title above the user's axes, if there is one and the axes have none."""
    if title and not ax.get_title("left"):
        lines = _wrapped(title, ax.bbox.width * per_pixel(ax), TITLE_POINTS)
        ax.set_title("\n".join(lines), loc="left", pad=PAD + room.above)


def write_threshold(ax: Axes, threshold: Threshold | None, x: Scale) -> None:
    """The threshold's name above the axes, centred on its line as far as the picture's edges allow."""
    if threshold is None or not x.shows(threshold.position):
        return
    unit, text = x.to_unit(threshold.position), visible(threshold.text)
    left, _, right, _ = axes_box(ax)
    edge = figure_of(ax).bbox.x1 * per_pixel(ax) - 4
    half = text_size(ax, text, fontweight="bold")[0] / 2
    line = left + unit * (right - left)
    centre = max(min(line, edge - half), left + half)
    write(ax, text, (unit, 1), (centre - line, LIFT), of="axes fraction", ha="center", va="bottom", fontweight="bold")


def _wrapped(text: str, width: float, size: float) -> list[str]:
    """Lines of a text that fit into ``width`` points at a font size; none for an empty text."""
    return textwrap.wrap(visible(text), max(int(width / (size * 0.58)), 8))


def arrange(sheet: Sheet, room: Room, *, title: str, caption: str) -> None:
    """Give the figure its height and the panels their places, and write title, key and caption around them."""
    figure = figure_of(sheet.axes[0])
    width = float(figure.get_size_inches()[0]) * 72
    _label_the_edges(sheet)
    left, right = _margins(figure, room.right)
    head = _wrapped(title, width - 2 * PAD, HEADLINE_POINTS)
    foot = _wrapped(caption, width - 2 * PAD, SMALL_POINTS)
    columns = _key_columns(sheet.axes[0], room.key, width - left)
    top = 2 * PAD + _TITLE_ROW * len(head)
    above = top + _KEY_ROW * math.ceil(len(room.key) / columns) + room.above
    below = _AXIS_ROWS + _CAPTION_ROW * len(foot) + PAD
    height = above + sheet.height + below
    figure.set_size_inches(width / 72, height / 72)
    wide = (width - left - right - _BESIDE * (sheet.columns - 1)) / sheet.columns
    figure.subplots_adjust(
        left=left / width, right=1 - right / width, bottom=below / height, top=1 - above / height, wspace=_BESIDE / wide
    )
    figure.align_ylabels(sheet.axes)
    if head:
        style: dict[str, Any] = {"fontsize": HEADLINE_POINTS, "fontweight": "bold", "linespacing": 1.15}
        figure.text(PAD / width, 1 - PAD / height, "\n".join(head), va="top", **style)
    if foot:
        style = {"fontsize": SMALL_POINTS, "color": MUTED, "linespacing": 1.25}
        figure.text(PAD / width, PAD / height, "\n".join(foot), va="bottom", **style)
    if room.key:
        write_key(figure, room.key, ncols=columns, loc="upper left", bbox_to_anchor=(left / width, 1 - top / height))


def _label_the_edges(sheet: Sheet) -> None:
    """Only the outermost panels name the axes that all share."""
    for place, ax in enumerate(sheet.axes):
        if place + sheet.columns < len(sheet.axes):
            ax.tick_params(axis="x", labelbottom=False)
            ax.xaxis.minorticks_off()
            ax.set_xlabel("")
        if place % sheet.columns:
            ax.tick_params(axis="y", labelleft=False)
            ax.set_ylabel("")


def _margins(figure: Figure, right: float) -> tuple[float, float]:
    """Points needed left and right of the panels for ticks and labels."""
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    boxes = [(ax.bbox, ax.yaxis.get_tightbbox(renderer)) for ax in figure.axes]
    sides = [(ax.x0 - box.x0, box.x1 - ax.x1) for ax, box in boxes if box is not None]
    widest = np.max(sides, axis=0) * 72 / figure.dpi + PAD
    return float(widest[0]), max(float(widest[1]), right)


def _key_columns(ax: Axes, key: Sequence[tuple[Artist, str]], room: float) -> int:
    """The largest number of columns with which the key is not wider than the room."""
    widths = [_SAMPLE + text_size(ax, text, fontweight="bold")[0] for _, text in key]
    columns = range(len(key), 1, -1)
    wide = (count for count in columns if sum(map(max, np.array_split(widths, count))) <= room)
    return next(wide, 1)


def write_key(owner: Figure | Axes, key: Sequence[tuple[Artist, str]], **place: Any) -> None:
    """Samples of lines with their names in the lines' colours."""
    lines, texts = zip(*key, strict=True)
    owner.legend(lines, texts, prop={"size": TEXT_POINTS, "weight": "bold"}, **place)
