"""Ink of a heat map's parts: cells, lines that stay legible on every colour, words at the lines, the colour bar."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from benign.plots import labels
from benign.plots.heat_map_parts import Contour, Grid, Region, Trace
from benign.plots.scales import Scale, set_ticks
from benign.plots.series import Threshold
from benign.plots.style import INK, MUTED, PAPER
from benign.plots.text import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable

COLOUR_MAP = "viridis"  # perceptually uniform: its lightness rises evenly, in colour-blind eyes and in grey print too
BARS: dict[bool | None, dict[str, Any]] = {  # below a narrow map, right of a wide one and of the user's own
    True: {"location": "bottom", "fraction": 0.04, "pad": 0.145, "aspect": 22},
    False: {"location": "right", "fraction": 0.02, "pad": 0.0125, "aspect": 25},
    None: {"location": "right", "fraction": 0.08, "pad": 0.03, "aspect": 24},
}
_UNDEFINED, _HATCH = "#dfe2e6", "////"
DASHES: tuple[Any, ...] = ("solid", (0, (4.0, 1.6)), (0, (1.4, 1.2)), (0, (6.0, 1.4, 1.4, 1.4)))
_REGION_DASHES, _REGION_HATCH = (0, (3.0, 2.0)), "//"
_DOTTED = (0, (1, 1.6))
_FEW = 32  # with so few sizes each point of a trace is marked
_ANCHORS = 24  # places tried along a line for its name

Line = tuple[str, Float[np.ndarray, "P 2"]]
"""A drawn line: its name, or none, and its corners in the data, NaN between its pieces."""


def draw_cells(ax: Axes, grid: Grid, table: Float[np.ndarray, "s t"], colours: Scale) -> ScalarMappable:
    """Cells edge to edge, as an image: thousands of small shapes would be large and show seams.

    What no cell covers is hatched.
    """
    from matplotlib.colors import LogNorm, Normalize

    ax.patch.set(facecolor=_UNDEFINED, hatch=_HATCH, edgecolor=MUTED, linewidth=0)
    cells = np.ma.masked_invalid(table).T
    if colours.is_log:
        cells = np.ma.maximum(cells, min(colours.low, 1e-300))
    norm = (LogNorm if colours.is_log else Normalize)(colours.low, colours.high)
    style: dict[str, Any] = {"shading": "flat", "rasterized": True, "zorder": 1, "label": "risk"}
    return ax.pcolormesh(grid.x.edges, grid.y.edges, cells, cmap=COLOUR_MAP, norm=norm, **style)


def draw_bar(
    ax: Axes, mesh: ScalarMappable, table: Float[np.ndarray, "s t"], colours: Scale, label: str, narrow: bool | None
) -> None:
    """The colour bar in a part of the place of ``ax``, pointed where values lie beyond its ends."""
    known = table[np.isfinite(table)]
    below, above = bool((known < colours.low).any()), bool((known > colours.high).any())
    extend = ("neither", "min", "max", "both")[below + 2 * above]
    bar = labels.figure_of(ax).colorbar(mesh, ax=ax, extend=extend, extendfrac=0.03, **BARS[narrow])
    assert bar.solids is not None
    bar.solids.set_rasterized(True)
    bar.outline.set_visible(False)
    set_ticks(bar.long_axis, colours, labels=5 if narrow else 10)
    bar.set_label(visible(label))


def _rim(width: float, colour: str) -> list[Any]:
    """A rim that lifts a line off any colour beneath it."""
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=width, foreground=colour)]


def draw_contour(ax: Axes, contour: Contour, grid: Grid, dashes: Any, width: float = 1.7) -> list[Line]:
    """A line in white with a dark rim."""
    shown = contour.shown(grid)
    if not shown.is_drawn:
        return []
    style: dict[str, Any] = {"colors": [PAPER], "linewidths": width, "linestyles": [dashes], "zorder": 3}
    drawn = ax.contour(*grid.places, np.ma.masked_invalid(shown.values).T, levels=[contour.level], **style)
    drawn.set(label=contour.label, path_effects=_rim(width + 1.9, INK))
    pieces = [piece for path in drawn.get_paths() for piece in path.to_polygons(closed_only=False)]
    if not pieces:  # its crossings lie beside gaps alone
        return []
    gap = np.full((1, 2), np.nan)
    return [(contour.label, np.concatenate([part for piece in pieces for part in (piece, gap)]))]


def draw_region(ax: Axes, region: Region, grid: Grid) -> list[Line]:
    """Two dashed lines with sparse hatching between them, which leaves the colours legible, and rings."""
    table, (sizes, times) = grid.shown(region.values), grid.places
    if min(table.shape) >= 2 and grid.shown(region.is_inside).any():
        style: dict[str, Any] = {"colors": "none", "hatches": [_REGION_HATCH], "zorder": 1.5}
        filled = ax.contourf(sizes, times, np.ma.masked_invalid(table).T, levels=[region.low, region.high], **style)
        filled.set(edgecolor=PAPER, linewidth=0, hatch_linewidth=0.5, label="_region")
    size, time = np.nonzero(~grid.shown(region.is_decided))
    ring: dict[str, Any] = {"ms": 4.4, "mfc": "none", "mec": PAPER, "mew": 0.9, "zorder": 2.2}
    ax.plot(sizes[size], times[time], "o", label="_undecided", path_effects=_rim(1.9, INK), **ring)
    drawn = [line for edge in region.edges for _, line in draw_contour(ax, edge, grid, _REGION_DASHES, width=1.1)]
    return [(region.label, np.concatenate(drawn))] if drawn else []


def draw_trace(ax: Axes, trace: Trace, y: Scale, dashes: Any) -> Line:
    """A line in ink with a white rim; its intervals as upright strokes."""
    values = np.clip(trace.values, y.low, y.high)
    if trace.low is not None and trace.high is not None:
        ends = np.clip([trace.low, trace.high], y.low, y.high)
        bars = ax.vlines(trace.positions, *ends, color=INK, linewidth=1.2, zorder=4, label="_interval")
        bars.set_path_effects(_rim(2.6, PAPER))
    style: dict[str, Any] = {"color": INK, "linestyle": dashes, "linewidth": 1.7, "ms": 4, "zorder": 4.5}
    style["marker"] = "o" if len(values) <= _FEW else ""
    ax.plot(trace.positions, values, label=trace.label, path_effects=_rim(3.6, PAPER), **style)
    return trace.label, np.column_stack([trace.positions, values])


def draw_mark(ax: Axes, mark: Threshold | None, grid: Grid, *, upright: bool) -> list[Line]:
    """A dotted line across, at a size if ``upright``, else at a time.

    Its interval stands outside the cells, whose colours it would change.
    """
    along, across = grid.scales if upright else grid.scales[::-1]
    if mark is None or not along.shows(mark.position):
        return []
    draw, span, name = (
        (ax.axvline, ax.axvspan, "_threshold") if upright else (ax.axhline, ax.axhspan, "_time_threshold")
    )
    draw(mark.position, label="_rim", color=PAPER, linewidth=3.0, alpha=0.7, zorder=2.4)
    draw(mark.position, label=name, color=INK, linestyle=_DOTTED, linewidth=1.3, zorder=2.5)
    if mark.low < mark.high:
        ends = along.nearest(mark.low), along.nearest(mark.high)
        span(*ends, 1.0, 1.01, color=INK, linewidth=0, clip_on=False, zorder=5, label="_interval")
    points = np.array([[mark.position, end] for end in (across.low, across.high)])
    return [("", points) if upright else (mark.text, points[:, ::-1])]


def write_line_names(ax: Axes, lines: Sequence[Line]) -> None:
    """Each line's name beside it; the axes must have their final place."""
    inside = labels.grown(labels.axes_box(ax), -2)
    felt = [labels.felt_points(ax, *points.T) for _, points in lines]
    space = labels.Space(inside=inside, boxes=np.empty((0, 4)), lines=np.concatenate([labels.NO_PLACES, *felt]))
    for (label, _), points in zip(lines, felt, strict=True):
        own = points[((points >= inside[:2]) & (points <= inside[2:])).all(axis=1)]
        if label and len(own):
            rows = np.linspace(0, len(own) - 1, min(_ANCHORS, len(own))).astype(int)
            space = labels.write_near(ax, label, own[rows], space, on_paper=True)
