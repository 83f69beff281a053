"""Drawing a heat map: cells, lines that stay legible on every colour, words at the lines, and the colour bar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from benign.plots.drawing import settings, write_threshold
from benign.plots.heat_map_parts import Contour, Region, Trace
from benign.plots.labels import Box, Placed, best_place, felt_points, points_box, text_size, write_beside
from benign.plots.layout import (
    AXIS_ROWS,
    CAPTION_ROW,
    NARROW,
    PAD,
    THRESHOLD_ROW,
    TITLE_ROW,
    WIDE,
    left_margin,
    new_figure,
    wrapped,
    write_around,
)
from benign.plots.scales import Scale, apply_scales, set_ticks
from benign.plots.series import Threshold
from benign.plots.style import HEADLINE_POINTS, INK, MUTED, PAPER, SMALL_POINTS, TEXT_POINTS, TITLE_POINTS, house_style
from benign.plots.text import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh
    from matplotlib.colorbar import Colorbar
    from matplotlib.figure import Figure

    from benign.plots.heat_map import HeatMapDisplay

COLOUR_MAP = "viridis"  # perceptually uniform: its lightness rises evenly, in colour-blind eyes and in grey print too
_UNDEFINED, _HATCH = "#dfe2e6", "////"
_DASHES: tuple[Any, ...] = ("solid", (0, (4.0, 1.6)), (0, (1.4, 1.2)), (0, (6.0, 1.4, 1.4, 1.4)))
_REGION_DASHES, _REGION_HATCH = (0, (3.0, 2.0)), "//"
_DOTTED = (0, (1, 1.6))
_RIM: dict[str, Any] = {"color": PAPER, "linewidth": 3.0, "alpha": 0.7, "zorder": 2.4}  # beneath a dotted line
_FEW = 32  # with so few sizes each point of a trace is marked
_PANEL, _NARROW_PANEL = 300.0, 240.0
_BAR, _BAR_GAP, _BAR_ROWS = 12.0, 8.0, 30.0
_ANCHORS = 24  # places tried along a line for its name


@dataclass(frozen=True, kw_only=True)
class _Line:
    """A drawn line with its name; ``points`` are its corners in the data, NaN between its pieces."""

    label: str
    points: Float[np.ndarray, "P 2"]


def draw_sheet(display: HeatMapDisplay, *, narrow: bool, alone: bool) -> Figure:
    """A new figure: the colour bar to the right or, if ``narrow``, below."""
    sheet, panel = (NARROW, _NARROW_PANEL) if narrow else (WIDE, _PANEL)
    title = wrapped(display.title if alone else "", sheet.width - 2 * PAD, HEADLINE_POINTS)
    caption = wrapped(display.full_caption if alone else "", sheet.width - 2 * PAD, SMALL_POINTS)
    above = 2 * PAD + len(title) * TITLE_ROW + (display.threshold is not None) * THRESHOLD_ROW
    bar_rows = _BAR_GAP + _BAR + _BAR_ROWS if narrow else 0.0
    below = AXIS_ROWS + bar_rows + len(caption) * CAPTION_ROW + PAD
    height = above + panel + below
    with house_style():
        figure = new_figure(sheet.width, height)
        ax = figure.add_axes((0.1, below / height, 0.75, panel / height))
        bar = figure.add_axes((0.88, below / height, _BAR / sheet.width, panel / height))
        lines = _draw_map(ax, display, bar=bar, horizontal=narrow)
        left = left_margin([ax], figure)
        right = 16.0 if narrow else _right_of(bar, figure) + _BAR + _BAR_GAP
        wide = (sheet.width - left - right) / sheet.width
        ax.set_position((left / sheet.width, below / height, wide, panel / height))
        place = (left / sheet.width, (below - AXIS_ROWS - _BAR_GAP - _BAR) / height, wide, _BAR / height)
        side = (1 - (right - _BAR_GAP) / sheet.width, below / height, _BAR / sheet.width, panel / height)
        bar.set_position(place if narrow else side)
        _write_words(ax, display, lines)
        write_around(figure, title, caption)
    return figure


def _right_of(bar: Axes, figure: Figure) -> float:
    """Points needed right of the colour bar for its ticks and label."""
    box = bar.yaxis.get_tightbbox(figure.canvas.get_renderer())  # type: ignore[attr-defined]
    assert box is not None
    return points_box(bar, box).right - points_box(bar, bar.bbox).right + PAD


def draw_on(ax: Axes, display: HeatMapDisplay) -> None:
    """Draw on the user's axes; the colour bar takes a part of their place."""
    with house_style():
        lines = _draw_map(ax, display, bar=None, horizontal=False)
        if display.title:
            width = ax.bbox.width * 72 / ax.get_figure(root=True).dpi  # type: ignore[union-attr]
            title = "\n".join(wrapped(display.title, width, TITLE_POINTS))
            ax.set_title(title, loc="left", fontsize=TITLE_POINTS, fontweight="bold", pad=19)
        _write_words(ax, display, lines)


def _draw_map(ax: Axes, display: HeatMapDisplay, *, bar: Axes | None, horizontal: bool) -> list[_Line]:
    x, y = (one.scale for one in display.axes_cells)
    apply_scales(ax, x, y)
    _draw_frame(ax)
    _draw_bar(ax, _draw_cells(ax, display), display, bar=bar, horizontal=horizontal)
    outline = [] if display.region is None else _draw_region(ax, display.region, display)
    lines = [line for one, dashes in _dashed(display.contours) if (line := _draw_contour(ax, one, display, dashes))]
    lines += [_draw_trace(ax, one, y, dashes) for one, dashes in _dashed(display.traces)]
    lines += [*_draw_marks(ax, display), *outline]
    ax.set_xlabel(visible(display.x_label), fontsize=TEXT_POINTS)
    ax.set_ylabel(visible(display.y_label), fontsize=TEXT_POINTS)
    return lines


def _dashed(items: Sequence[Any]) -> list[tuple[Any, Any]]:
    return [(one, _DASHES[index % len(_DASHES)]) for index, one in enumerate(items)]


def _draw_frame(ax: Axes) -> None:
    """Ticks outside; what no cell covers is hatched."""
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.tick_params(which="major", length=3.5, width=0.8, labelsize=SMALL_POINTS)
    ax.tick_params(which="minor", length=2, width=0.5)
    ax.patch.set(facecolor=_UNDEFINED, hatch=_HATCH, edgecolor=MUTED, linewidth=0)


def _draw_cells(ax: Axes, display: HeatMapDisplay) -> QuadMesh:
    """Cells edge to edge, as an image: thousands of small shapes would be large and show seams."""
    from matplotlib.colors import LogNorm, Normalize

    colours = display.colours
    table = display.shown(display.values)
    if colours.is_log:
        table = np.where(np.isfinite(table), np.maximum(table, min(colours.low, 1e-300)), np.nan)
    norm = (LogNorm if colours.is_log else Normalize)(colours.low, colours.high)
    return ax.pcolormesh(
        *display.edges, np.ma.masked_invalid(table).T, cmap=COLOUR_MAP, norm=norm, shading="flat", rasterized=True,
        zorder=1, label="risk",
    )  # fmt: skip


def _draw_bar(ax: Axes, mesh: QuadMesh, display: HeatMapDisplay, *, bar: Axes | None, horizontal: bool) -> Colorbar:
    table, colours = display.shown(display.values), display.colours
    table = table[np.isfinite(table)]
    beyond = (bool((table < colours.low).any()), bool((table > colours.high).any()))
    extend = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}[beyond]
    figure = ax.get_figure(root=True)
    place: dict[str, Any] = {"ax": ax, "pad": 0.03, "fraction": 0.08, "aspect": 24}
    found = figure.colorbar(  # type: ignore[union-attr]
        mesh, orientation="horizontal" if horizontal else "vertical", extend=extend, extendfrac=0.03,
        **(place if bar is None else {"cax": bar}),
    )  # fmt: skip
    assert found.solids is not None
    found.solids.set_rasterized(True)
    found.outline.set_visible(False)
    axis = found.ax.xaxis if horizontal else found.ax.yaxis
    set_ticks(axis, colours, labels=5 if horizontal else 10)
    found.ax.tick_params(which="major", length=3.5, width=0.8, labelsize=SMALL_POINTS)
    found.ax.tick_params(which="minor", length=2, width=0.5)
    found.set_label(visible(display.value_label), fontsize=TEXT_POINTS)
    return found


def _edge(width: float, colour: str) -> list[Any]:
    """A rim that lifts a line off any colour beneath it."""
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=width, foreground=colour)]


def _draw_contour(
    ax: Axes, contour: Contour, display: HeatMapDisplay, dashes: Any, *, width: float = 1.7
) -> _Line | None:
    """White with a dark rim."""
    x, y = display.axes_cells
    table = display.shown(contour.values)
    if not replace(contour, values=table).is_drawn:
        return None
    drawn = ax.contour(
        display.sizes[x.kept], display.times[y.kept], np.ma.masked_invalid(table).T, levels=[contour.level],
        colors=[PAPER], linewidths=width, linestyles=[dashes], zorder=3,
    )  # fmt: skip
    drawn.set(label=contour.label, path_effects=_edge(width + 1.9, INK))
    pieces = [piece for path in drawn.get_paths() for piece in path.to_polygons(closed_only=False)]
    if not pieces:  # its crossings lie beside gaps alone
        return None
    gap = np.full((1, 2), np.nan)
    return _Line(label=contour.label, points=np.concatenate([part for piece in pieces for part in (piece, gap)]))


def _draw_region(ax: Axes, region: Region, display: HeatMapDisplay) -> list[_Line]:
    """Two dashed lines with sparse hatching between them, which leaves the colours legible, and rings."""
    x, y = display.axes_cells
    table = display.shown(region.values)
    sizes, times = display.sizes[x.kept], display.times[y.kept]
    if min(table.shape) >= 2 and display.shown(region.is_inside).any():
        filled = ax.contourf(
            sizes, times, np.ma.masked_invalid(table).T, levels=[region.low, region.high], colors="none",
            hatches=[_REGION_HATCH], zorder=1.5,
        )  # fmt: skip
        filled.set(edgecolor=PAPER, linewidth=0, hatch_linewidth=0.5, label="_region")
    undecided = np.argwhere(~display.shown(region.is_decided))
    ax.plot(
        sizes[undecided[:, 0]], times[undecided[:, 1]], "o", ms=4.4, mfc="none", mec=PAPER, mew=0.9, zorder=2.2,
        label="_undecided", path_effects=_edge(1.9, INK),
    )  # fmt: skip
    found = [_draw_contour(ax, edge, display, _REGION_DASHES, width=1.1) for edge in region.edges]
    drawn = [line.points for line in found if line is not None]
    return [_Line(label=region.label, points=np.concatenate(drawn))] if drawn else []


def _draw_trace(ax: Axes, trace: Trace, y: Scale, dashes: Any) -> _Line:
    """Dark with a white rim; intervals as upright strokes."""
    values = np.clip(trace.values, y.low, y.high)
    if trace.low is not None and trace.high is not None:
        ends = np.clip(trace.low, y.low, y.high), np.clip(trace.high, y.low, y.high)
        bars = ax.vlines(trace.positions, *ends, color=INK, linewidth=1.2, zorder=4, label="_interval")
        bars.set_path_effects(_edge(2.6, PAPER))
    few = len(trace.positions) <= _FEW
    ax.plot(
        trace.positions, values, color=INK, linestyle=dashes, linewidth=1.7, marker="o" if few else "", markersize=4,
        zorder=4.5, label=trace.label, path_effects=_edge(3.6, PAPER),
    )  # fmt: skip
    return _Line(label=trace.label, points=np.column_stack([trace.positions, values]))


def _draw_marks(ax: Axes, display: HeatMapDisplay) -> list[_Line]:
    """Dotted lines across; their intervals stand outside the cells, whose colours they would change."""
    x, y = (one.scale for one in display.axes_cells)
    style: dict[str, Any] = {"color": INK, "linestyle": _DOTTED, "linewidth": 1.3, "zorder": 2.5}
    found = []
    if display.threshold is not None and x.low <= display.threshold.position <= x.high:
        ax.axvline(display.threshold.position, label="_rim", **_RIM)
        ax.axvline(display.threshold.position, label="_threshold", **style)
        _draw_interval(ax, display.threshold, x, upright=False)
        found.append(_Line(label="", points=np.array([[display.threshold.position, end] for end in (y.low, y.high)])))
    mark = display.time_threshold
    if mark is not None and y.low <= mark.position <= y.high:
        ax.axhline(mark.position, label="_rim", **_RIM)
        ax.axhline(mark.position, label="_time_threshold", **style)
        _draw_interval(ax, mark, y, upright=True)
        found.append(_Line(label=mark.text, points=np.array([[end, mark.position] for end in (x.low, x.high)])))
    return found


def _draw_interval(ax: Axes, mark: Threshold, scale: Scale, *, upright: bool) -> None:
    if not mark.low < mark.high:
        return
    span, edge = [max(mark.low, scale.low), min(mark.high, scale.high)], [1.0, 1.0]
    transform = ax.get_yaxis_transform() if upright else ax.get_xaxis_transform()
    ax.plot(
        *((edge, span) if upright else (span, edge)), transform=transform, color=INK, linewidth=3.5, clip_on=False,
        solid_capstyle="butt", zorder=5, label="_interval",
    )  # fmt: skip


def _write_words(ax: Axes, display: HeatMapDisplay, lines: Sequence[_Line]) -> None:
    """The threshold's name above and each line's name beside it; the axes must have their final place."""
    if display.threshold is not None:
        write_threshold(ax, display.threshold, display.axes_cells[0].scale)
    inside = points_box(ax, ax.bbox).grown(-2)
    felt = [felt_points(ax, line.points[:, 0], line.points[:, 1]) for line in lines]
    boxes: list[Box] = []
    for line, own in zip(lines, felt, strict=True):
        if line.label and (found := _along(ax, line.label, own, inside, boxes, np.concatenate(felt))):
            anchor, placed = found
            point = ax.transData.inverted().transform(np.array(anchor) * ax.get_figure(root=True).dpi / 72)  # type: ignore[union-attr]
            write_beside(ax, replace(placed, covers=True), anchor=anchor, point=(float(point[0]), float(point[1])))
            boxes.append(placed.box.grown(2))


def _along(
    ax: Axes,
    label: str,
    own: Float[np.ndarray, "P 2"],
    inside: Box,
    boxes: Sequence[Box],
    lines: Float[np.ndarray, "Q 2"],
) -> tuple[tuple[float, float], Placed] | None:
    """Where along its line a name disturbs least."""
    x, y = own[:, 0], own[:, 1]
    own = own[(x >= inside.left) & (x <= inside.right) & (y >= inside.bottom) & (y <= inside.top)]
    if not len(own):
        return None
    sizes = [(text, text_size(ax, text, fontsize=TEXT_POINTS)) for text in settings(visible(label))]
    found = []
    for row in np.linspace(0, len(own) - 1, min(_ANCHORS, len(own))).astype(int):
        anchor = (float(own[row, 0]), float(own[row, 1]))
        found.append((anchor, best_place(anchor, sizes, inside=inside, boxes=boxes, lines=lines)))
    return min(found, key=lambda pair: pair[1].cost)
