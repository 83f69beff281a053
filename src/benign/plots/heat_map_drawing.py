"""Ink of a heat map's parts: cells, lines that stay legible on every colour, words at the lines, the colour bar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from benign.plots.heat_map_parts import Contour, Grid, Region, Trace
from benign.plots.labels import (
    Box,
    Placed,
    best_place,
    felt_points,
    in_data,
    points_box,
    settings,
    text_size,
    write_beside,
)
from benign.plots.layout import quiet_ticks
from benign.plots.scales import Scale, set_ticks
from benign.plots.series import Threshold
from benign.plots.style import INK, MUTED, PAPER, TEXT_POINTS
from benign.plots.text import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable

COLOUR_MAP = "viridis"  # perceptually uniform: its lightness rises evenly, in colour-blind eyes and in grey print too
_UNDEFINED, _HATCH = "#dfe2e6", "////"
_DASHES: tuple[Any, ...] = ("solid", (0, (4.0, 1.6)), (0, (1.4, 1.2)), (0, (6.0, 1.4, 1.4, 1.4)))
_REGION_DASHES, _REGION_HATCH = (0, (3.0, 2.0)), "//"
_DOTTED = (0, (1, 1.6))
_RIM: dict[str, Any] = {"color": PAPER, "linewidth": 3.0, "alpha": 0.7, "zorder": 2.4}  # beneath a dotted line
_FEW = 32  # with so few sizes each point of a trace is marked
_ANCHORS = 24  # places tried along a line for its name


@dataclass(frozen=True, kw_only=True)
class Line:
    """A drawn line with its name; ``points`` are its corners in the data, NaN between its pieces."""

    label: str
    points: Float[np.ndarray, "P 2"]


def draw_cells(ax: Axes, grid: Grid, table: Float[np.ndarray, "s t"], colours: Scale) -> ScalarMappable:
    """Cells edge to edge, as an image: thousands of small shapes would be large and show seams.

    What no cell covers is hatched.
    """
    from matplotlib.colors import LogNorm, Normalize

    quiet_ticks(ax, hidden=("top", "right", "bottom", "left"))
    ax.patch.set(facecolor=_UNDEFINED, hatch=_HATCH, edgecolor=MUTED, linewidth=0)
    if colours.is_log:
        table = np.where(np.isfinite(table), np.maximum(table, min(colours.low, 1e-300)), np.nan)
    norm = (LogNorm if colours.is_log else Normalize)(colours.low, colours.high)
    return ax.pcolormesh(
        grid.x.edges, grid.y.edges, np.ma.masked_invalid(table).T, cmap=COLOUR_MAP, norm=norm, shading="flat",
        rasterized=True, zorder=1, label="risk",
    )  # fmt: skip


def draw_bar(
    ax: Axes,
    mesh: ScalarMappable,
    table: Float[np.ndarray, "s t"],
    colours: Scale,
    label: str,
    *,
    bar: Axes | None,
    upright: bool,
) -> None:
    """The colour bar in the axes ``bar`` or, without any, in a part of the place of ``ax``."""
    table = table[np.isfinite(table)]
    beyond = (bool((table < colours.low).any()), bool((table > colours.high).any()))
    extend = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}[beyond]
    place: dict[str, Any] = {"ax": ax, "pad": 0.03, "fraction": 0.08, "aspect": 24}
    found = ax.get_figure(root=True).colorbar(  # type: ignore[union-attr]
        mesh, orientation="vertical" if upright else "horizontal", extend=extend, extendfrac=0.03,
        **(place if bar is None else {"cax": bar}),
    )  # fmt: skip
    assert found.solids is not None
    found.solids.set_rasterized(True)
    found.outline.set_visible(False)
    set_ticks(found.ax.yaxis if upright else found.ax.xaxis, colours, labels=10 if upright else 5)
    quiet_ticks(found.ax, hidden=())
    found.set_label(visible(label), fontsize=TEXT_POINTS)


def draw_contours(ax: Axes, contours: Sequence[Contour], grid: Grid) -> list[Line]:
    """Lines in white with a dark rim, each with dashes of its own."""
    found = [_draw_contour(ax, one.shown(grid), grid, dashes) for one, dashes in _dashed(contours)]
    return [line for line in found if line is not None]


def _dashed(items: Sequence[Any]) -> list[tuple[Any, Any]]:
    return [(one, _DASHES[index % len(_DASHES)]) for index, one in enumerate(items)]


def _edge(width: float, colour: str) -> list[Any]:
    """A rim that lifts a line off any colour beneath it."""
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=width, foreground=colour)]


def _draw_contour(ax: Axes, contour: Contour, grid: Grid, dashes: Any, *, width: float = 1.7) -> Line | None:
    if not contour.is_drawn:
        return None
    drawn = ax.contour(
        *grid.places, np.ma.masked_invalid(contour.values).T, levels=[contour.level], colors=[PAPER],
        linewidths=width, linestyles=[dashes], zorder=3,
    )  # fmt: skip
    drawn.set(label=contour.label, path_effects=_edge(width + 1.9, INK))
    pieces = [piece for path in drawn.get_paths() for piece in path.to_polygons(closed_only=False)]
    if not pieces:  # its crossings lie beside gaps alone
        return None
    gap = np.full((1, 2), np.nan)
    return Line(label=contour.label, points=np.concatenate([part for piece in pieces for part in (piece, gap)]))


def draw_region(ax: Axes, region: Region, grid: Grid) -> list[Line]:
    """Two dashed lines with sparse hatching between them, which leaves the colours legible, and rings."""
    table, (sizes, times) = grid.shown(region.values), grid.places
    if min(table.shape) >= 2 and grid.shown(region.is_inside).any():
        filled = ax.contourf(
            sizes, times, np.ma.masked_invalid(table).T, levels=[region.low, region.high], colors="none",
            hatches=[_REGION_HATCH], zorder=1.5,
        )  # fmt: skip
        filled.set(edgecolor=PAPER, linewidth=0, hatch_linewidth=0.5, label="_region")
    undecided = np.argwhere(~grid.shown(region.is_decided))
    ax.plot(
        sizes[undecided[:, 0]], times[undecided[:, 1]], "o", ms=4.4, mfc="none", mec=PAPER, mew=0.9, zorder=2.2,
        label="_undecided", path_effects=_edge(1.9, INK),
    )  # fmt: skip
    found = [_draw_contour(ax, edge.shown(grid), grid, _REGION_DASHES, width=1.1) for edge in region.edges]
    drawn = [line.points for line in found if line is not None]
    return [Line(label=region.label, points=np.concatenate(drawn))] if drawn else []


def draw_traces(ax: Axes, traces: Sequence[Trace], y: Scale) -> list[Line]:
    """Lines in ink with a white rim; their intervals as upright strokes."""
    found = []
    for trace, dashes in _dashed(traces):
        values = np.clip(trace.values, y.low, y.high)
        if trace.low is not None and trace.high is not None:
            ends = np.clip(trace.low, y.low, y.high), np.clip(trace.high, y.low, y.high)
            bars = ax.vlines(trace.positions, *ends, color=INK, linewidth=1.2, zorder=4, label="_interval")
            bars.set_path_effects(_edge(2.6, PAPER))
        few = len(trace.positions) <= _FEW
        ax.plot(
            trace.positions, values, color=INK, linestyle=dashes, linewidth=1.7, marker="o" if few else "",
            markersize=4, zorder=4.5, label=trace.label, path_effects=_edge(3.6, PAPER),
        )  # fmt: skip
        found.append(Line(label=trace.label, points=np.column_stack([trace.positions, values])))
    return found


def draw_mark(ax: Axes, mark: Threshold | None, grid: Grid, *, upright: bool) -> list[Line]:
    """A dotted line across, at a size if ``upright``, else at a time.

    Its interval stands outside the cells, whose colours it would change.
    """
    along, across = grid.scales if upright else grid.scales[::-1]
    if mark is None or not along.low <= mark.position <= along.high:
        return []
    draw = ax.axvline if upright else ax.axhline
    draw(mark.position, label="_rim", **_RIM)
    name = "_threshold" if upright else "_time_threshold"
    draw(mark.position, label=name, color=INK, linestyle=_DOTTED, linewidth=1.3, zorder=2.5)
    if mark.low < mark.high:
        span, edge = [max(mark.low, along.low), min(mark.high, along.high)], [1.0, 1.0]
        ax.plot(
            *((span, edge) if upright else (edge, span)), color=INK, linewidth=3.5, clip_on=False,
            transform=ax.get_xaxis_transform() if upright else ax.get_yaxis_transform(),
            solid_capstyle="butt", zorder=5, label="_interval",
        )  # fmt: skip
    points = np.array([[mark.position, end] for end in (across.low, across.high)])
    return [Line(label="", points=points) if upright else Line(label=mark.text, points=points[:, ::-1])]


def write_line_names(ax: Axes, lines: Sequence[Line]) -> None:
    """Each line's name beside it; the axes must have their final place."""
    inside = points_box(ax, ax.bbox).grown(-2)
    felt = [felt_points(ax, line.points[:, 0], line.points[:, 1]) for line in lines]
    boxes: list[Box] = []
    for line, own in zip(lines, felt, strict=True):
        if line.label and (found := _along(ax, line.label, own, inside, boxes, np.concatenate(felt))):
            anchor, placed = found
            write_beside(ax, replace(placed, covers=True), anchor=anchor, point=in_data(ax, anchor))
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
