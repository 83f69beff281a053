"""Drawing paths in a plane: level lines, the valley, the paths with their ends, and a key above."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benign.plots.drawing import Key
from benign.plots.labels import text_size
from benign.plots.layout import (
    AXIS_ROWS,
    CAPTION_ROW,
    KEY_ROW,
    NARROW,
    PAD,
    TITLE_ROW,
    WIDE,
    left_margin,
    new_figure,
    wrapped,
    write_around,
    write_key,
)
from benign.plots.scales import apply_scales
from benign.plots.style import (
    HEADLINE_POINTS,
    INK,
    LOOKS,
    MUTED,
    PAPER,
    SMALL_POINTS,
    TEXT_POINTS,
    TITLE_POINTS,
    Look,
    Role,
    house_style,
)
from benign.plots.text import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from benign.plots.plane import PlaneDisplay

_PANEL, _NARROW_PANEL = 330.0, 280.0
_VALLEY = Look(colour="#8a919a", dashes=None, width=5.0, order=1.5)
_LOOKS = (
    Look(colour=INK, dashes=None, width=1.3, order=3.0),
    Look(colour=LOOKS[Role.TRAIN].colour, dashes=(4.0, 1.8), width=1.8, order=3.2),
    Look(colour=LOOKS[Role.TEST].colour, dashes=None, width=1.6, order=3.4),
    Look(colour=LOOKS[Role.REMEDY].colour, dashes=(1.0, 1.1), width=2.2, order=3.6),
    Look(colour=LOOKS[Role.NORM].colour, dashes=(7.0, 1.5, 1.5, 1.5), width=1.6, order=3.8),
    Look(colour="#8a6a00", dashes=(3.0, 1.0), width=1.4, order=4.0),
)
_LEVELS = "#d9dde2"
_MOST_STEPS = 400  # beyond it dots are a line


def draw_sheet(display: PlaneDisplay, *, narrow: bool, alone: bool) -> Figure:
    """A new figure: a key of the paths above the plane."""
    sheet, panel = (NARROW, _NARROW_PANEL) if narrow else (WIDE, _PANEL)
    title = wrapped(display.title if alone else "", sheet.width - 2 * PAD, HEADLINE_POINTS)
    caption = wrapped(display.full_caption if alone else "", sheet.width - 2 * PAD, SMALL_POINTS)
    with house_style():
        figure = new_figure(sheet.width, 100 + panel)
        ax = figure.add_axes((0.1, 0.1, 0.8, 0.8))
        _draw(ax, display)
        key = _key_rows(ax, display, sheet.width)
        above = 2 * PAD + len(title) * TITLE_ROW + len(key) * KEY_ROW + 4
        below = AXIS_ROWS + len(caption) * CAPTION_ROW + PAD
        height = above + panel + below
        left, right = left_margin([ax], figure), 14.0
        figure.set_size_inches(sheet.width / 72, height / 72)
        ax.set_position(
            (left / sheet.width, below / height, (sheet.width - left - right) / sheet.width, panel / height)
        )
        apply_scales(ax, *display.scales)
        write_around(figure, title, caption)
        write_key(figure, key, left=left, top=height - 2 * PAD - len(title) * TITLE_ROW)
    return figure


def draw_on(ax: Axes, display: PlaneDisplay) -> None:
    """Draw on the user's axes, with matplotlib's legend for the paths."""
    with house_style():
        _draw(ax, display)
        if display.title:
            width = ax.bbox.width * 72 / ax.get_figure(root=True).dpi  # type: ignore[union-attr]
            title = "\n".join(wrapped(display.title, width, TITLE_POINTS))
            ax.set_title(title, loc="left", fontsize=TITLE_POINTS, fontweight="bold", pad=8)
        ax.legend(frameon=False, fontsize=SMALL_POINTS, loc="best")


def _draw(ax: Axes, display: PlaneDisplay) -> None:
    apply_scales(ax, *display.scales)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    ax.tick_params(which="major", length=3.5, width=0.8, labelsize=SMALL_POINTS)
    ax.contour(
        display.x, display.y, display.values, levels=list(display.levels), colors=_LEVELS, linewidths=0.8, zorder=1
    )
    for line in display.valley:
        ax.plot(
            line[:, 0], line[:, 1], color=_VALLEY.colour, linewidth=_VALLEY.width, zorder=_VALLEY.order,
            solid_capstyle="butt", label=f"_{display.valley_label}",
        )  # fmt: skip
    for path, look in zip(display.paths, _LOOKS, strict=False):
        dots = path.has_steps and len(path.points) <= _MOST_STEPS
        ax.plot(
            path.points[:, 0], path.points[:, 1], color=look.colour, linestyle=look.linestyle, linewidth=look.width,
            marker="." if dots else "", markersize=4.0, zorder=look.order, label=path.name,
        )  # fmt: skip
        shown: dict[str, Any] = {"linestyle": "none", "mec": look.colour, "mew": 1.3, "zorder": 6}
        ax.plot(*path.points[0], marker="o", ms=7, mfc=PAPER, label="_start", **shown)
        ax.plot(*path.points[-1], marker="o", ms=6, mfc=look.colour, label="_end", **shown)
    for point in display.points:
        ax.plot(point.x, point.y, marker="x", ms=9, mew=2.2, color=INK, zorder=7, label=f"_{point.label}")
        at_right = display.scales[0].to_unit(point.x) > 0.75
        ax.annotate(
            visible(point.label), (point.x, point.y), xytext=(-9 if at_right else 9, 6), textcoords="offset points",
            fontsize=SMALL_POINTS, fontstyle="italic", color=INK, ha="right" if at_right else "left", zorder=7,
            annotation_clip=True,
        )  # fmt: skip
    ax.set_xlabel(visible(display.x_label), fontsize=TEXT_POINTS)
    ax.set_ylabel(visible(display.y_label), fontsize=TEXT_POINTS)
    ax.tick_params(colors=MUTED, labelcolor=INK)


def _key_rows(ax: Axes, display: PlaneDisplay, width: float) -> list[list[Key]]:
    """The paths, and the valley, in rows."""
    entries = [(path.name, look) for path, look in zip(display.paths, _LOOKS, strict=False)]
    if display.valley:
        entries.append((display.valley_label, _VALLEY))
    rows: list[list[Key]] = [[]]
    used = 0.0
    for name, look in entries:
        text = visible(name)
        needed = 46 + text_size(ax, text, fontsize=TEXT_POINTS, fontweight="bold")[0]
        if rows[-1] and used + needed > width - 60:
            rows.append([])
            used = 0.0
        rows[-1].append(Key(name=name, text=text, look=look, marker="", end=None))
        used += needed
    return rows
