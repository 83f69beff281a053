"""A picture's sheet: its size, the margins that its words need, and where each pair of axes lies on it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from benign.foundation.errors import invalid
from benign.plots.drawing import Key, draw_lines, keys, names_width, write_words
from benign.plots.labels import points_box, text_size
from benign.plots.style import HEADLINE_POINTS, INK, MUTED, PAPER, SMALL_POINTS, TEXT_POINTS, TITLE_POINTS, house_style
from benign.plots.text import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from benign.plots.curve import CurveDisplay

_DPI = 200  # fine enough that hinting does not round the measured widths of words
PAD = 5.0
KEY_ROW = 14.0
_SAMPLE = 24.0
TITLE_ROW = 17.0
CAPTION_ROW = 12.0
THRESHOLD_ROW = 16.0
AXIS_ROWS = 35.0
_NAMES_SHARE = 0.27  # of the width, at most, for names at the lines' ends; beyond it a key stands above


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """Sizes in points: the picture's width, the height of one panel alone and of one in a stack."""

    width: float
    panel: float
    stacked: float
    columns: int


WIDE = Sheet(width=720, panel=240, stacked=150, columns=3)
NARROW = Sheet(width=300, panel=220, stacked=150, columns=1)


@dataclass(frozen=True, kw_only=True)
class Words:
    """What stands around the axes of a picture that stands alone; empty strings on a page, which has its own."""

    title: str = ""
    caption: str = ""


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


def draw_on(ax: Axes, display: CurveDisplay) -> None:
    """Draw one curve on the user's axes, with names at the lines' ends where there is room for them."""
    with house_style():
        draw_lines(ax, display)
        if display.title:
            title = "\n".join(wrapped(display.title, ax.bbox.width * 72 / ax.get_figure(root=True).dpi, TITLE_POINTS))  # type: ignore[union-attr]
            ax.set_title(title, loc="left", fontsize=TITLE_POINTS, fontweight="bold", pad=19)
        names = bool(names_width(ax, display) <= _room_beside(ax))
        write_words(ax, display, names=names)
        if not names:
            ax.legend(frameon=False, fontsize=SMALL_POINTS)


def _room_beside(ax: Axes) -> float:
    figure = ax.get_figure(root=True)
    own = points_box(ax, ax.bbox)
    edges = [points_box(ax, figure.bbox).right - 2]  # type: ignore[union-attr]
    for other in figure.axes:  # type: ignore[union-attr]
        box = points_box(other, other.bbox)
        if other is not ax and box.left >= own.right and box.bottom < own.top and box.top > own.bottom:
            edges.append(box.left - 45)
    return min(edges) - own.right


def draw_sheet(displays: Sequence[CurveDisplay], words: Words, sheet: Sheet) -> tuple[Figure, tuple[Axes, ...]]:
    """A new figure with one panel for each display, one above the other on one horizontal axis."""
    with house_style():
        panel = sheet.panel if len(displays) == 1 else sheet.stacked
        figure = new_figure(sheet.width, 100 + panel * len(displays))
        axes = tuple(figure.add_axes((0.1, 0.1, 0.7, panel / (100 + panel * len(displays)))) for _ in displays)
        for ax, display in zip(axes, displays, strict=True):
            draw_lines(ax, display)
        wanted = max(names_width(ax, display) for ax, display in zip(axes, displays, strict=True))
        names = bool(wanted <= _NAMES_SHARE * sheet.width)
        key = [] if names else _key_rows(axes[0], displays, sheet.width)
        _place(figure, axes, displays, words, sheet, right=wanted if names else 14.0, panel=panel, key=key)
        for index, (ax, display) in enumerate(zip(axes, displays, strict=True)):
            write_words(ax, display, names=names, top=index == 0)
        return figure, axes


def left_margin(axes: Sequence[Axes], figure: Figure) -> float:
    """Points needed left of the axes for their ticks and labels."""
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    margins = []
    for ax in axes:
        box = ax.yaxis.get_tightbbox(renderer)
        if box is not None:
            margins.append(points_box(ax, ax.bbox).left - points_box(ax, box).left)
    return max(margins, default=30.0) + PAD


def _place(
    figure: Figure,
    axes: Sequence[Axes],
    displays: Sequence[CurveDisplay],
    words: Words,
    sheet: Sheet,
    *,
    right: float,
    panel: float,
    key: list[list[Key]],
) -> None:
    """Give the figure its height and each panel its place, and write title, key and caption around them."""
    left = left_margin(axes, figure)
    title = wrapped(words.title, sheet.width - 2 * PAD, HEADLINE_POINTS)
    caption = wrapped(words.caption, sheet.width - 2 * PAD, SMALL_POINTS)
    has_threshold = any(display.threshold is not None for display in displays)
    above = 2 * PAD + len(title) * TITLE_ROW + len(key) * KEY_ROW + has_threshold * THRESHOLD_ROW
    gap = 14.0
    below = AXIS_ROWS + len(caption) * CAPTION_ROW + PAD
    height = above + panel * len(axes) + gap * (len(axes) - 1) + below
    figure.set_size_inches(sheet.width / 72, height / 72)
    for index, ax in enumerate(axes):
        bottom = height - above - panel * (index + 1) - gap * index
        ax.set_position(
            (left / sheet.width, bottom / height, (sheet.width - left - right) / sheet.width, panel / height)
        )
        if index < len(axes) - 1:
            ax.tick_params(axis="x", labelbottom=False)
            ax.set_xlabel("")
    figure.align_ylabels(list(axes))
    write_around(figure, title, caption)
    write_key(figure, key, left=left, top=height - 2 * PAD - len(title) * TITLE_ROW)


def wrapped(text: str, width: float, size: float) -> list[str]:
    """Lines of a text that fit into ``width`` points at a font size; none for an empty text."""
    return textwrap.wrap(visible(text), max(int(width / (size * 0.58)), 8))


def write_around(figure: Figure, title: Sequence[str], caption: Sequence[str]) -> None:
    """Title at the top and caption at the bottom, left aligned."""
    width, height = figure.get_size_inches() * 72
    if title:
        style: dict[str, Any] = {"fontsize": HEADLINE_POINTS, "fontweight": "bold", "color": INK, "linespacing": 1.15}
        figure.text(PAD / width, 1 - PAD / height, "\n".join(title), ha="left", va="top", **style)
    if caption:
        style = {"fontsize": SMALL_POINTS, "color": MUTED, "linespacing": 1.25}
        figure.text(PAD / width, PAD / height, "\n".join(caption), ha="left", va="bottom", **style)


def _key_rows(ax: Axes, displays: Sequence[CurveDisplay], width: float) -> list[list[Key]]:
    """The series of all panels, each once, in rows; in a stack without what leaves the picture of one panel."""
    found = [key for display in displays for key in keys(display)]
    unique = {key.name: key if len(displays) == 1 else replace(key, text=key.name) for key in found}
    rows: list[list[Key]] = [[]]
    used = 0.0
    for key in sorted(unique.values(), key=lambda one: -one.look.order):
        needed = _SAMPLE + 22 + text_size(ax, key.text, fontsize=TEXT_POINTS, fontweight="bold")[0]
        if rows[-1] and used + needed > width - 40:
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
        x, y = left, top - KEY_ROW * (index + 0.5)
        for key in row:
            look = key.look
            figure.add_artist(
                Line2D(
                    [x / width, (x + _SAMPLE / 2) / width, (x + _SAMPLE) / width],
                    [y / height] * 3,
                    markevery=[1],
                    color=look.colour,
                    linewidth=look.width,
                    linestyle=look.linestyle,
                    marker=key.marker,
                    markersize=key.marker_size,
                )
            )
            style: dict[str, Any] = {
                "fontsize": TEXT_POINTS,
                "fontweight": "bold",
                "color": look.colour,
                "va": "center_baseline",
            }
            text = figure.text((x + _SAMPLE + 5) / width, y / height, key.text, **style)
            x += _SAMPLE + 22 + text.get_window_extent().width * 72 / figure.dpi
