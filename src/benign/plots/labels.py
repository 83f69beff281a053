"""Words in a picture: placed where they touch neither each other, nor the lines, nor the edge."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from benign.plots.style import INK, PAPER, TEXT_POINTS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Text
    from matplotlib.transforms import BboxBase

_LEADERLESS = 13.0  # points up to which a label is seen to belong to its place
_LINE_STEP = 2.0  # points between the places at which a line is felt
_DISTANCES = (8.0, 15.0, 26.0, 42.0, 64.0)
_DIRECTIONS = ((0, 1), (1, 0.6), (-1, 0.6), (1, 0), (-1, 0), (0, -1), (1, -0.6), (-1, -0.6))


@dataclass(frozen=True, kw_only=True)
class Box:
    """A rectangle in points, from the lower left corner of the figure."""

    left: float
    bottom: float
    right: float
    top: float

    def grown(self, margin: float) -> Box:
        """The rectangle with a margin all round."""
        return Box(
            left=self.left - margin, bottom=self.bottom - margin, right=self.right + margin, top=self.top + margin
        )

    def overlap(self, other: Box) -> float:
        """The area shared with another rectangle."""
        wide = min(self.right, other.right) - max(self.left, other.left)
        high = min(self.top, other.top) - max(self.bottom, other.bottom)
        return max(wide, 0.0) * max(high, 0.0)

    def moved_into(self, outer: Box) -> Box:
        """The rectangle shifted as little as possible so that it lies inside ``outer``."""
        right = max(outer.left - self.left, 0.0) or min(outer.right - self.right, 0.0)
        up = max(outer.bottom - self.bottom, 0.0) or min(outer.top - self.top, 0.0)
        return Box(left=self.left + right, bottom=self.bottom + up, right=self.right + right, top=self.top + up)


def per_pixel(ax: Axes) -> float:
    """Points in a pixel of the figure that holds ``ax``."""
    return 72 / ax.get_figure(root=True).dpi  # type: ignore[union-attr]


def in_points(ax: Axes, places: Float[np.ndarray, "*P 2"]) -> Float[np.ndarray, "*P 2"]:
    """Places in the data, in points from the lower left corner of the figure."""
    return np.asarray(ax.transData.transform(places) * per_pixel(ax))


def in_data(ax: Axes, place: tuple[float, float]) -> tuple[float, float]:
    """A place in points, in the data."""
    x, y = ax.transData.inverted().transform(np.array(place) / per_pixel(ax))
    return float(x), float(y)


def points_box(ax: Axes, extent: BboxBase) -> Box:
    """A rectangle in pixels of the figure that holds ``ax``, in points."""
    scale = per_pixel(ax)
    return Box(left=extent.x0 * scale, bottom=extent.y0 * scale, right=extent.x1 * scale, top=extent.y1 * scale)


def text_size(ax: Axes, text: str, **properties: object) -> tuple[float, float]:
    """Width and height of a text in points."""
    probe = ax.text(0, 0, text, transform=None, **properties)  # type: ignore[arg-type]
    box = points_box(ax, probe.get_window_extent())
    probe.remove()
    return box.right - box.left, box.top - box.bottom


def settings(text: str) -> list[str]:
    """A label on one line and, if it has several words, on two of about equal length."""
    words = text.split(" ")
    splits = [(" ".join(words[:cut]), " ".join(words[cut:])) for cut in range(1, len(words))]
    if len(text) < 14 or not splits:
        return [text]
    first, second = min(splits, key=lambda pair: max(len(pair[0]), len(pair[1])))
    return [text, f"{first}\n{second}"]


def felt_points(ax: Axes, x: Float[np.ndarray, " K"], y: Float[np.ndarray, " K"]) -> Float[np.ndarray, "P 2"]:
    """Points along a line of the axes every few points, gaps left out, for labels to keep clear of."""
    floor = ax.get_ylim()[0]
    keep = np.maximum(y, floor) if ax.get_yscale() == "log" else y
    corners = in_points(ax, np.column_stack([x, keep]))
    top = points_box(ax, ax.bbox).grown(20)
    corners[:, 1] = np.clip(corners[:, 1], top.bottom, top.top)
    pieces = [corners[np.isfinite(corners).all(axis=1)]]
    for start, stop in pairwise(corners):
        length = float(np.hypot(*(stop - start)))
        if np.isfinite(length) and length > _LINE_STEP:
            share = np.linspace(0, 1, int(length / _LINE_STEP) + 1)[1:-1, None]
            pieces.append(start + share * (stop - start))
    return np.concatenate(pieces)


def _candidates(anchor: tuple[float, float], size: tuple[float, float]) -> Iterator[tuple[float, Box]]:
    wide, high = size
    for rank, distance in enumerate(_DISTANCES):
        for turn, (right, up) in enumerate(_DIRECTIONS):
            x = anchor[0] + right * distance - (wide if right < 0 else wide / 2 if right == 0 else 0)
            y = anchor[1] + up * distance - (high if up < 0 else high / 2 if up == 0 else 0)
            yield 4.0 * rank**1.5 + 0.4 * turn, Box(left=x, bottom=y, right=x + wide, top=y + high)


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A label with its place; ``covers`` is whether a line runs beneath it."""

    text: str
    box: Box
    cost: float
    covers: bool


def best_place(
    anchor: tuple[float, float],
    sizes: Sequence[tuple[str, tuple[float, float]]],
    *,
    inside: Box,
    boxes: Sequence[Box],
    lines: Float[np.ndarray, "P 2"],
    has_leader: bool = False,
) -> Placed:
    """Where a label near ``anchor`` disturbs least: inside, off other labels, off the lines, near.

    ``sizes`` are the ways to set it (on one line, on two), the preferred first, each with its width and height. With
    ``has_leader`` the leader of a label that moved away keeps off other labels too.
    """
    own = Box(left=anchor[0] - 5, right=anchor[0] + 5, bottom=anchor[1] - 5, top=anchor[1] + 5)
    corners = np.array([[one.left, one.bottom, one.right, one.top] for one in boxes]).reshape(-1, 4)
    found = []
    for rank, (text, size) in enumerate(sizes):
        for effort, wish in _candidates(anchor, size):
            box = wish.moved_into(inside)
            room = box.grown(1.5)
            covered = count_inside(lines, room)
            clash = sum(room.overlap(other) for other in boxes)
            cost = 3.0 * rank + effort + 1.5 * covered + 20 * clash + 5 * room.overlap(own)
            if has_leader:
                cost += 4 * _crossed(leader_points(box, anchor), corners)
            found.append(Placed(text=text, box=box, cost=cost, covers=covered > 0))
    return min(found, key=lambda placed: placed.cost)


def leader_points(box: Box, anchor: tuple[float, float]) -> Float[np.ndarray, "P 2"]:
    """Points along the leader of a label at ``box``; none where the label is near enough to need no leader."""
    near = _nearest(box, anchor)
    length = float(np.hypot(near[0] - anchor[0], near[1] - anchor[1]))
    if length <= _LEADERLESS:
        return np.empty((0, 2))
    share = np.linspace(0, 1, int(length / _LINE_STEP) + 1)[1:, None]
    return np.array(anchor) + share * (np.array(near) - np.array(anchor))


def _nearest(box: Box, anchor: tuple[float, float]) -> tuple[float, float]:
    return min(max(anchor[0], box.left), box.right), min(max(anchor[1], box.bottom), box.top)


def _crossed(points: Float[np.ndarray, "P 2"], corners: Float[np.ndarray, "B 4"]) -> int:
    """How many points lie in rectangles, given as left, bottom, right, top; a point in two of them counts twice."""
    beyond = (points[:, None, :] > corners[None, :, :2]) & (points[:, None, :] < corners[None, :, 2:])
    return int(beyond.all(axis=2).sum())


def count_inside(points: Float[np.ndarray, "P 2"], box: Box) -> int:
    """How many points of a line lie in a rectangle."""
    x, y = points[:, 0], points[:, 1]
    return int(((x > box.left) & (x < box.right) & (y > box.bottom) & (y < box.top)).sum())


def spread(targets: Sequence[float], *, gap: float, low: float, high: float) -> list[float] | None:
    """Heights as near as possible to ``targets`` (in the sum of squares) that are ``gap`` apart and within the ends.

    Returns None where they cannot fit. An isotonic regression of ``target - rank * gap``.
    """
    if (len(targets) - 1) * gap > high - low:
        return None
    from scipy.optimize import isotonic_regression

    order = np.argsort(targets, kind="stable")
    ranks = gap * np.arange(len(targets))
    levels = isotonic_regression(np.asarray(targets)[order] - ranks).x
    heights = np.empty(len(targets))
    heights[order] = np.clip(levels, low, high - (len(targets) - 1) * gap) + ranks
    return [float(height) for height in heights]


def write_beside(ax: Axes, placed: Placed, *, anchor: tuple[float, float], point: tuple[float, float]) -> Text:
    """Write a landmark's label at its place; a thin leader joins it to its point where it had to move away.

    ``anchor`` is the landmark in points, ``point`` in the data. Offsets are in points: they hold at any resolution.
    """
    box = placed.box
    middle = ((box.left + box.right) / 2, (box.bottom + box.top) / 2)
    near = _nearest(box, anchor)
    return ax.annotate(
        placed.text,
        xy=point,
        xytext=(middle[0] - anchor[0], middle[1] - anchor[1]),
        textcoords="offset points",
        ha="center",
        va="center",
        fontsize=TEXT_POINTS,
        color=INK,
        zorder=7,
        bbox={"facecolor": PAPER, "edgecolor": "none", "alpha": 0.8, "pad": 0.6} if placed.covers else None,
        arrowprops=_leader(near, anchor),
        annotation_clip=False,
    )


def _leader(near: tuple[float, float], anchor: tuple[float, float]) -> dict[str, object] | None:
    if np.hypot(near[0] - anchor[0], near[1] - anchor[1]) <= _LEADERLESS:
        return None
    return {"arrowstyle": "-", "color": INK, "linewidth": 0.6, "shrinkA": 1, "shrinkB": 4}
