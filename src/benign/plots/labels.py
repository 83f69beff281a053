"""Words in a picture: placed where they touch neither each other, nor the lines, nor the edge.

All places are in points from the lower left corner of the figure; a box is left, bottom, right and top.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int, Real

from benign.plots.style import INK, PAPER
from benign.plots.text import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Place = Float[np.ndarray, "2"]
Places = Float[np.ndarray, "_P 2"]
Box = Float[np.ndarray, "4"]
Boxes = Float[np.ndarray, "_B 4"]
Setting = tuple[str, Place]
"""A label on one line or on two, with its width and height."""

_LEADERLESS = 13.0  # points up to which a label is seen to belong to its place
_STEP = 2.0  # points between the places at which a line is felt
NO_PLACES = np.empty((0, 2))
_SHORT = 14  # characters that stay on one line
_DISTANCES = np.array([8.0, 15.0, 26.0, 42.0, 64.0])
_DIRECTIONS = np.array([(0, 1), (1, 0.6), (-1, 0.6), (1, 0), (-1, 0), (0, -1), (1, -0.6), (-1, -0.6)])
_EFFORT = (4.0 * np.arange(len(_DISTANCES))[:, None] ** 1.5 + 0.4 * np.arange(len(_DIRECTIONS))).ravel()


def grown(boxes: Float[np.ndarray, "*B 4"], margin: float) -> Float[np.ndarray, "*B 4"]:
    """Boxes with a margin all round."""
    return boxes + margin * np.array([-1, -1, 1, 1])


def squares(places: Places, halves: float | Float[np.ndarray, "_P 1"]) -> Boxes:
    """Squares about places, given half their sides."""
    return np.hstack([places - halves, places + halves])


def overlaps(boxes: Boxes, others: Boxes) -> Float[np.ndarray, "_B _C"]:
    """The area that each box shares with each other."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    return np.maximum(high - low, 0.0).prod(axis=2)


def count_inside(places: Places, boxes: Boxes) -> Int[np.ndarray, " _B"]:
    """How many of the places lie in each box."""
    (x, y), (left, bottom, right, top) = places.T, boxes.T[:, :, None]
    return ((x > left) & (x < right) & (y > bottom) & (y < top)).sum(axis=1)


def figure_of(ax: Axes) -> Figure:
    """The figure that holds ``ax``."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    return figure


def per_pixel(ax: Axes) -> float:
    """Points in a pixel of the figure that holds ``ax``."""
    return 72 / figure_of(ax).dpi


def axes_box(ax: Axes) -> Box:
    """The box of the axes."""
    return np.multiply(ax.bbox.extents, per_pixel(ax))


def in_points(ax: Axes, data: Real[np.ndarray, "_P 2"]) -> Places:
    """Where data lie in the figure."""
    return np.asarray(ax.transData.transform(data) * per_pixel(ax))


def text_size(ax: Axes, text: str, **style: Any) -> Place:
    """Width and height of a text."""
    probe = ax.text(0, 0, text, transform=None, **style)
    size = np.multiply(probe.get_window_extent().size, per_pixel(ax))
    probe.remove()
    return size


def settings(ax: Axes, label: str, **style: Any) -> list[Setting]:
    """A label on one line and, if it has several words, on two of about equal length."""
    text = visible(label)
    gaps = [place for place, letter in enumerate(text) if letter == " "] if len(text) >= _SHORT else []
    halves = [f"{text[:gap]}\n{text[gap + 1 :]}" for gap in sorted(gaps, key=lambda gap: abs(2 * gap + 1 - len(text)))]
    return [(one, text_size(ax, one, **style)) for one in [text, *halves[:1]]]


def felt_points(ax: Axes, x: Real[np.ndarray, " K"], y: Real[np.ndarray, " K"]) -> Places:
    """Places along a line of the data every few points, gaps left out, for labels to keep clear of."""
    heights = np.maximum(y, ax.get_ylim()[0]) if ax.get_yscale() == "log" else y
    corners = in_points(ax, np.column_stack([x, heights]))
    bottom, top = axes_box(ax)[[1, 3]]
    corners[:, 1] = np.clip(corners[:, 1], bottom - 20, top + 20)
    way = np.append(0.0, np.cumsum(np.nan_to_num(np.hypot(*np.diff(corners, axis=0).T))))
    steps = np.arange(0.0, way[-1], _STEP)
    felt = np.concatenate([corners, np.column_stack([np.interp(steps, way, column) for column in corners.T])])
    return felt[np.isfinite(felt).all(axis=1)]


@dataclass(frozen=True, kw_only=True)
class Space:
    """Where labels can stand: ``inside`` a box, off the ``boxes`` that are taken and off the ``lines``."""

    inside: Box
    boxes: Boxes
    lines: Places

    def without(self, boxes: Boxes, lines: Places = NO_PLACES) -> Space:
        """The space that is left when these are taken too."""
        taken = np.concatenate([self.boxes, boxes])
        return replace(self, boxes=taken, lines=np.concatenate([self.lines, lines]))


def _leader(anchor: Place, box: Box) -> Places:
    """Places along the leader from a label to its anchor; none where the label is near enough to need no leader."""
    way = np.clip(anchor, box[:2], box[2:]) - anchor
    length = float(np.hypot(*way))
    count = int(length / _STEP) if length > _LEADERLESS else 0
    return anchor + np.linspace(0, 1, count + 1)[1:, None] * way


def _ways(anchor: Place, size: Place, space: Space) -> Iterator[tuple[float, Place, Box]]:
    """Boxes near an anchor, each with how much a label there would disturb: far, on its anchor, on lines and labels."""
    boxes = _candidates(anchor, size, space.inside)
    rooms = grown(boxes, 1.5)
    on_others, on_anchor = (overlaps(rooms, other).sum(axis=1) for other in (space.boxes, squares(anchor[None], 5.0)))
    costs = _EFFORT + 1.5 * count_inside(space.lines, rooms) + 20 * on_others + 5 * on_anchor
    return ((float(cost), anchor, box) for cost, box in zip(costs, boxes, strict=True))


def _candidates(anchor: Place, size: Place, inside: Box) -> Boxes:
    """Boxes at several distances in several directions, moved so that they lie inside."""
    steps = (_DISTANCES[:, None, None] * _DIRECTIONS).reshape(-1, 2)
    corners = anchor + steps - size * (1 - np.sign(steps)) / 2
    corners = np.maximum(np.minimum(corners, inside[2:] - size), inside[:2])
    return np.hstack([corners, corners + size])


def spread(targets: Float[np.ndarray, " L"], *, gap: float, low: float, high: float) -> Float[np.ndarray, " L"]:
    """Heights as near as possible to ``targets`` (in the sum of squares) that are ``gap`` apart and within the ends.

    An isotonic regression of ``target - rank * gap``; the targets themselves where they cannot fit.
    """
    from scipy.optimize import isotonic_regression

    room = high - (len(targets) - 1) * gap
    if room < low:
        return targets
    order = np.argsort(targets, kind="stable")
    ranks = gap * np.arange(len(targets))
    heights = np.empty(len(targets))
    heights[order] = np.clip(isotonic_regression(targets[order] - ranks).x, low, room) + ranks
    return heights


def write(ax: Axes, text: str, place: Any, offset: Any, *, of: str = "data", **style: Any) -> None:
    """Write words beside a place in the data, or ``of`` another part of the axes; offsets hold at any resolution."""
    style.setdefault("annotation_clip", False)
    ax.annotate(text, place, xycoords=of, xytext=offset, textcoords="offset points", **style)


def write_near(
    ax: Axes, label: str, anchors: Iterable[Place], space: Space, *, on_paper: bool = False, **style: Any
) -> Space:
    """Write a label beside that anchor where it disturbs least, ``on_paper`` over colours; returns the space left.

    It stands on one line rather than on two, and a thin leader joins it to its anchor where it had to move away.
    """
    found = [
        (3.0 * rank + cost, text, anchor, box)
        for (rank, (text, size)), place in product(enumerate(settings(ax, label, **style)), anchors)
        for cost, anchor, box in _ways(place, size, space)
    ]
    best, least = found[0], np.inf
    for one in sorted(found, key=lambda one: one[0]):
        if one[0] >= least:  # a leader across other labels only adds to the cost
            break
        cost = one[0] + 4.0 * count_inside(_leader(*one[2:]), space.boxes).sum()
        best, least = (one, cost) if cost < least else (best, least)
    _, text, anchor, box = best
    line = _leader(anchor, box)
    if on_paper or count_inside(space.lines, grown(box[None], 1.5))[0]:
        style["bbox"] = {"facecolor": PAPER, "edgecolor": "none", "alpha": 0.8, "pad": 0.6}
    if len(line):
        style["arrowprops"] = {"arrowstyle": "-", "color": INK, "linewidth": 0.6, "shrinkA": 1, "shrinkB": 4}
    data = ax.transData.inverted().transform(anchor / per_pixel(ax))
    write(ax, text, data, (box[:2] + box[2:]) / 2 - anchor, ha="center", va="center", zorder=7, **style)
    return space.without(grown(box[None], 2.0 * on_paper), line)
