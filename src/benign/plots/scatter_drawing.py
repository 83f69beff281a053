"""Drawing labelled points about a diagonal: names keep off points, the diagonal and each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from benign.plots.drawing import Key, settings
from benign.plots.labels import Box, Placed, best_place, felt_points, leader_points, points_box, text_size, write_beside
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
    GRID,
    HEADLINE_POINTS,
    INK,
    LEAST_POINTS,
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

    from benign.plots.scatter import ScatterDisplay

_OWN = (LOOKS[Role.TEST].colour, "*", 13.0)
_OTHERS = (
    (LOOKS[Role.TRAIN].colour, "o", 6.5),
    (LOOKS[Role.NORM].colour, "s", 6.0),
    (LOOKS[Role.REMEDY].colour, "^", 7.0),
    (LOOKS[Role.REFERENCE].colour, "D", 5.5),
    (INK, "v", 7.0),
)
_DASHES = (0, (5, 2.5))  # of a line beside the dotted diagonal
_ROUNDS = 4
_GROUND = "#f5f6f7"  # above the diagonal
_PANEL, _NARROW_PANEL = 340.0, 330.0
_CLEARANCE = 25.0  # points from the diagonal's name to a model, whose own name needs room
_REGION_SHARE = 0.62  # of the axes' width, at most, for a region's name on one line


def draw_sheet(display: ScatterDisplay, *, narrow: bool, alone: bool) -> Figure:
    """A new figure: a key of the groups above the points."""
    sheet, panel = (NARROW, _NARROW_PANEL) if narrow else (WIDE, _PANEL)
    title = wrapped(display.title if alone else "", sheet.width - 2 * PAD, HEADLINE_POINTS)
    caption = wrapped(display.full_caption if alone else "", sheet.width - 2 * PAD, SMALL_POINTS)
    with house_style():
        figure = new_figure(sheet.width, 100 + panel)
        ax = figure.add_axes((0.1, 0.1, 0.8, 0.8))
        _draw_points(ax, display)
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
        _write_words(ax, display, LEAST_POINTS if narrow else SMALL_POINTS)
        write_around(figure, title, caption)
        write_key(figure, key, left=left, top=height - 2 * PAD - len(title) * TITLE_ROW)
    return figure


def draw_on(ax: Axes, display: ScatterDisplay) -> None:
    """Draw on the user's axes, with matplotlib's legend for the groups."""
    with house_style():
        _draw_points(ax, display)
        if display.title:
            width = ax.bbox.width * 72 / ax.get_figure(root=True).dpi  # type: ignore[union-attr]
            title = "\n".join(wrapped(display.title, width, TITLE_POINTS))
            ax.set_title(title, loc="left", fontsize=TITLE_POINTS, fontweight="bold", pad=8)
        _write_words(ax, display, SMALL_POINTS)
        ax.legend(frameon=False, fontsize=SMALL_POINTS, loc="lower left")


def _marks(display: ScatterDisplay) -> dict[str, tuple[str, str, float]]:
    """Colour, marker and size of each group."""
    others = iter(_OTHERS)
    return {group: _OWN if group == display.own else next(others) for group in display.groups}


def _draw_points(ax: Axes, display: ScatterDisplay) -> None:
    x, y = display.scales
    apply_scales(ax, x, y)
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    ax.tick_params(which="major", length=3.5, width=0.8, labelsize=SMALL_POINTS)
    ax.tick_params(which="minor", length=2, width=0.5)
    ax.tick_params(axis="y", which="both", length=0)
    ax.grid(which="major", color=GRID, linewidth=0.8, zorder=0.5)
    ax.set_axisbelow(True)
    corners = np.sort(np.array([x.low, x.high, *(display.diagonal or ())]))
    ax.fill_between(
        corners, np.clip(corners, y.low, y.high), y.high, color=_GROUND, linewidth=0, zorder=0.2, label="_above"
    )
    if display.diagonal:
        ax.plot(display.diagonal, display.diagonal, color=INK, linestyle=(0, (1, 1.6)), linewidth=1.3, zorder=2.5,
                label="_diagonal")  # fmt: skip
    for line in display.lines:
        if span := display.span(line.ratio):
            ends = np.array(span)
            ax.plot(ends, line.ratio * ends, color=MUTED, linestyle=_DASHES, linewidth=1.3, zorder=2.5, label="_line")
    for group, (colour, marker, size) in _marks(display).items():
        points = [point for point in display.points if point.group == group]
        ax.plot(
            [point.x for point in points], [point.y for point in points], linestyle="none", marker=marker, ms=size,
            color=colour, mec=PAPER, mew=0.8, zorder=6 if group == display.own else 5, label=group, clip_on=False,
        )  # fmt: skip
    ax.set_xlabel(visible(display.x_label), fontsize=TEXT_POINTS)
    ax.set_ylabel(visible(display.y_label), fontsize=TEXT_POINTS)


def _key_rows(ax: Axes, display: ScatterDisplay, width: float) -> list[list[Key]]:
    """The groups with their markers, in rows; none where there is one group alone."""
    rows: list[list[Key]] = [[]]
    used = 0.0
    for group, (colour, marker, size) in _marks(display).items():
        look = Look(colour=colour, dashes=None, width=0.0, order=5.0)
        needed = 46 + text_size(ax, visible(group), fontsize=TEXT_POINTS, fontweight="bold")[0]
        if rows[-1] and used + needed > width - 60:
            rows.append([])
            used = 0.0
        rows[-1].append(Key(name=group, text=visible(group), look=look, marker=marker, end=None, marker_size=size))
        used += needed
    return rows if len(display.groups) > 1 else []


def _write_words(ax: Axes, display: ScatterDisplay, size: float) -> None:
    """Regions, the diagonal and the points by name, those with the least room first; the axes have their place."""
    inside = points_box(ax, ax.bbox).grown(-3)
    places = _in_points(ax, [(point.x, point.y) for point in display.points])
    radii = [_marks(display)[point.group][2] / 2 + 1 for point in display.points]
    dots = [Box(left=x - r, right=x + r, bottom=y - r, top=y + r) for (x, y), r in zip(places, radii, strict=True)]
    boxes = [box for above in (True, False) if (box := _write_region(ax, display, inside, dots, above=above))]
    named = [(1.0, display.diagonal_label), *((line.ratio, line.label) for line in display.lines)]
    felt = {
        label: felt_points(ax, np.array(span), ratio * np.array(span))
        for ratio, label in named if (span := display.span(ratio))
    }  # fmt: skip
    for label, line in felt.items():
        others = [other for name, other in felt.items() if name != label]
        boxes += _write_along(ax, label, line, dots, boxes, np.concatenate([np.empty((0, 2)), *others]))
    lines = np.concatenate([np.empty((0, 2)), *felt.values()])
    own: dict[str, Any] = {"fontsize": size + 1, "fontweight": "bold", "color": _OWN[0]}
    styles = [own if point.group == display.own else {"fontsize": size} for point in display.points]
    sizes = [
        [(text, text_size(ax, text, **style)) for text in settings(visible(point.label))]
        for point, style in zip(display.points, styles, strict=True)
    ]
    found = _placed(places, sizes, inside=inside, dots=dots, boxes=boxes, lines=lines)
    for point, anchor, style, placed in zip(display.points, places, styles, found, strict=True):
        at = (float(anchor[0]), float(anchor[1]))
        write_beside(ax, placed, anchor=at, point=(point.x, point.y)).set(**style)


def _placed(
    places: Float[np.ndarray, "P 2"],
    sizes: Sequence[Sequence[tuple[str, tuple[float, float]]]],
    *,
    inside: Box,
    dots: Sequence[Box],
    boxes: Sequence[Box],
    lines: Float[np.ndarray, "Q 2"],
) -> list[Placed]:
    """A place for each name; after the first round each looks again, knowing where all others are."""
    found: dict[int, Placed] = {}
    for _ in range(_ROUNDS):
        before = dict(found)
        for index in _crowded_first(places):
            anchor = (float(places[index, 0]), float(places[index, 1]))
            others = {row: placed for row, placed in found.items() if row != index}
            taken = [*boxes, *dots[:index], *dots[index + 1 :], *(placed.box for placed in others.values())]
            leaders = [leader_points(placed.box, tuple(places[row].tolist())) for row, placed in others.items()]
            found[index] = best_place(
                anchor, sizes[index], inside=inside, boxes=taken, lines=np.concatenate([lines, *leaders]),
                has_leader=True,
            )  # fmt: skip
        if found == before:
            break
    return [found[index] for index in range(len(places))]


def _in_points(ax: Axes, points: Sequence[tuple[float, float]]) -> Float[np.ndarray, "P 2"]:
    return ax.transData.transform(np.array(points)) * (72 / ax.get_figure(root=True).dpi)  # type: ignore[union-attr]


def _crowded_first(places: Float[np.ndarray, "P 2"]) -> list[int]:
    """Rows by how near their neighbours are: who has the least choice chooses first."""
    distances = np.hypot(*(places[:, None, :] - places[None, :, :]).transpose(2, 0, 1))
    crowding = (1.0 / (1.0 + (distances / 40.0) ** 2)).sum(axis=1)
    return [int(row) for row in np.lexsort((np.arange(len(places)), -np.round(crowding, 6)))]


def _write_region(ax: Axes, display: ScatterDisplay, inside: Box, dots: Sequence[Box], *, above: bool) -> Box | None:
    """A region's name in its outer corner, or along its edge where points stand in the corner."""
    label = visible(display.above_label if above else display.below_label)
    x, y = display.scales
    corner = (x.low, y.high) if above else (x.high, y.low)
    if not label or (corner[1] > corner[0]) != above:
        return None
    style: dict[str, Any] = {"fontsize": TEXT_POINTS, "fontstyle": "italic", "color": MUTED}
    texts = settings(label)
    wide, high = text_size(ax, texts[0], **style)
    text = texts[0]
    if wide > _REGION_SHARE * (inside.right - inside.left):
        text = texts[-1]
        wide, high = text_size(ax, text, **style)
    found = []
    for step in range(8):
        shift = step * (high + 6)
        left = inside.left if above else inside.right - wide
        top = inside.top - shift if above else inside.bottom + shift + high
        box = Box(left=left, right=left + wide, bottom=top - high, top=top)
        found.append((sum(box.grown(3).overlap(dot) for dot in dots) * 20 + step, step, box))
    box = min(found, key=lambda one: one[:2])[2]
    outer = points_box(ax, ax.bbox)
    ax.annotate(
        text, (0, 0), xycoords="axes fraction", xytext=(box.left - outer.left, box.bottom - outer.bottom),
        textcoords="offset points", ha="left", va="bottom", zorder=2.7, **style,
    )  # fmt: skip
    return box


def _write_along(
    ax: Axes,
    label: str,
    line: Float[np.ndarray, "P 2"],
    dots: Sequence[Box],
    boxes: Sequence[Box],
    others: Float[np.ndarray, "Q 2"],
) -> list[Box]:
    """A line's name along it, where it meets no point and no other line; returns small boxes that cover it."""
    start, stop = line[line[:, 0].argmin()], line[line[:, 0].argmax()]
    length = float(np.hypot(*(stop - start)))
    along = (stop - start) / length
    label = visible(label)
    wide, high = text_size(ax, label, fontsize=SMALL_POINTS)
    if not label or wide > length - 12:
        return []
    up = np.array([-along[1], along[0]]) * (high / 2 + 3)
    found = []
    for index, middle in enumerate(np.linspace(wide / 2 + 6, length - wide / 2 - 6, 25)):
        for side in (1, -1):
            steps = np.linspace(-wide / 2, wide / 2, max(int(wide / high) + 1, 2))
            centres = [start + along * (middle + step) + side * up for step in steps]
            covers = [Box(left=x - 6, right=x + 6, bottom=y - 6, top=y + 6) for x, y in centres]
            clash = sum(cover.grown(_CLEARANCE).overlap(other) for cover in covers for other in [*dots, *boxes])
            clash += 1000.0 * sum(_met(others, cover) for cover in covers)
            found.append((round(clash, 3), side < 0, abs(index - 12), index, np.mean(centres, axis=0), covers))
    *_, middle, covers = min(found, key=lambda one: one[:4])
    offset, angle = middle - start, np.degrees(np.arctan2(along[1], along[0]))
    point = ax.transData.inverted().transform(start * ax.get_figure(root=True).dpi / 72)  # type: ignore[union-attr]
    ax.annotate(
        label, (float(point[0]), float(point[1])), xytext=(float(offset[0]), float(offset[1])),
        textcoords="offset points", ha="center", va="center", rotation=float(angle),
        rotation_mode="anchor", fontsize=SMALL_POINTS, color=INK, zorder=2.7, annotation_clip=False,
    )  # fmt: skip
    return covers


def _met(points: Float[np.ndarray, "P 2"], box: Box) -> int:
    """How many points of a line lie in a rectangle."""
    return int(((points > (box.left, box.bottom)) & (points < (box.right, box.top))).all(axis=1).sum())
