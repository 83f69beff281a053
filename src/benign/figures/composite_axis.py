"""A surface of trees or boosting, capacity x members, and its sections: the composite axis and the two it joins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import xarray as xr
from jaxtyping import Float

from benign.figures.figure import Picture
from benign.figures.network_drawing import curve_of, exactly, in_order, marked, percents, test_and_train
from benign.foundation.number_words import format_number as number
from benign.plots import Band, Display, HeatMapDisplay, StackedDisplay, Trace
from benign.surface.sections import along_both, at, median_of, over_size_and_time, share_along_size, sizes_of, times_of


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Capacities (leaves, or rounds) x members (trees, or ensembles); the last capacity interpolates.

    ``early`` is the capacity of the second joint: beyond the bottom of one member's U, far from interpolation.
    """

    capacities: tuple[int, ...]
    members: tuple[int, ...]
    early: int

    @property
    def joint(self) -> int:
        """The capacity from which on members are added."""
        return self.capacities[-1]

    @property
    def most(self) -> int:
        """The largest number of members."""
        return self.members[-1]


@dataclass(frozen=True)
class Kind:
    """The words of one surface."""

    name: Literal["forest", "boosting"]
    title: str
    capacity: str
    members: str
    one: str

    @property
    def places(self) -> str:
        """What Belkin et al. count along the composite axis."""
        return f"number of {self.capacity} x number of {self.members}"


FOREST = Kind("forest", "random forests", "leaves", "trees", "one tree")
BOOSTING = Kind("boosting", "L2-boosting", "rounds", "ensembles", "one ensemble")


def composite_pictures(kind: Kind, grid: Grid, surface: xr.Dataset) -> Iterator[Picture]:
    """Along the composite axis, along another, along each part alone, and the whole surface."""
    for draw in (_composite_picture, _moved_picture, _capacity_picture, _members_picture, _map_picture):
        yield draw(kind, grid, surface)


def share_left(surface: xr.Dataset, capacity: int) -> Float[np.ndarray, " replicates"]:
    """What one member of this capacity leaves of the best constant's training loss."""
    return share_along_size(at(surface, size=capacity, time=1))[:, 0]


def _medians(surface: xr.Dataset, metric: str = "test_loss") -> Float[np.ndarray, "capacities members"]:
    return np.asarray(np.median(over_size_and_time(surface, metric), axis=0))


def _best(surface: xr.Dataset, place: int = 0) -> float:
    """The capacity of the lowest median test loss, with the first number of members (0) or the last (-1)."""
    return float(sizes_of(surface)[_medians(surface)[:, place].argmin()])


def _turns(surface: xr.Dataset, metric: str = "test_loss") -> list[float]:
    """The median of a metric along the composite axis: where one member's loss is lowest, at the joint, at the end."""
    medians, best = _medians(surface, metric), _medians(surface)[:, 0].argmin()
    return [float(medians[cell]) for cell in ((best, 0), (-1, 0), (-1, -1))]


def turns_in_words(kind: Kind, grid: Grid, surface: xr.Dataset) -> str:
    """The turns of the test loss along the composite axis, each with its place."""
    best, joint, end = map(number, _turns(surface))
    lowest, most = _counted(_best(surface), kind.capacity), f"{grid.most} {kind.members}"
    return f"{best} at {lowest}, where {kind.one} is best, {joint} at {grid.joint:,}, {end} with {most}"


def _counted(count: float, plural: str) -> str:
    return f"{count:,.0f} {plural.removesuffix('s') if count == 1.0 else plural}"


def _picture(kind: Kind, name: str, heading: str, display: Display, sentence: str, *claims: str) -> Picture:
    return Picture(f"{kind.name}_{name}", heading, display, sentence, [f"{kind.name}_{claim}" for claim in claims])


def _composite_picture(kind: Kind, grid: Grid, surface: xr.Dataset) -> Picture:
    path, joint, end = along_both(surface, grid.joint), grid.joint, grid.joint * grid.most
    title, there = "Along the composite axis", exactly(joint, f"joint at {kind.capacity} =")
    loss, error = (
        curve_of(test_and_train(path, metric), "size", title=title, x_label=kind.places, threshold=there)
        for metric in ("loss", "error")
    )
    lowest, _, last = _turns(surface)
    loss = marked(loss, ("first minimum", _best(surface), lowest), ("end", end, last))
    grows = Band(low=grid.capacities[0], high=joint, label=f"{kind.one} grows")
    joined = Band(low=joint, high=end, label=f"{kind.members} are added")
    display = StackedDisplay(
        title=f"{kind.title[0].upper()}{kind.title[1:]} along the composite axis",
        panels=(replace(loss, regimes=(grows, joined)), error),
        caption=loss.caption + (_TIES if kind is FOREST else ""),
    )
    sentence = (
        f"The median test loss is {turns_in_words(kind, grid, surface)}; the zero-one error at the same three places "
        f"is {percents(_turns(surface, 'test_error'))}."
    )
    claims = ["rises_to_joint", "second_descent", "error_rises_less"]
    if kind is BOOSTING:
        claims.append("joint_fitted")
    heading = f"What does the published curve of {kind.title} show?"
    return _picture(kind, "composite", heading, display, sentence, *claims)


_TIES = " Two trees that disagree tie, and the first of their classes wins: that can raise the zero-one error."


def _moved_picture(kind: Kind, grid: Grid, surface: xr.Dataset) -> Picture:
    joints = (grid.early, grid.joint)
    lines = in_order({f"joint at {joint:,}": along_both(surface, joint) for joint in joints}, "test_loss")
    title = f"Two composite axes, joined at {grid.early} and at {grid.joint:,} {kind.capacity}"
    early, late = (float(_medians(at(surface, size=joint))[0, 0]) for joint in joints)
    curve = curve_of(lines, "size", title=title, x_label=kind.places)
    display = marked(curve, ("joint", grid.early, early), ("joint", grid.joint, late))
    left = median_of(share_left(surface, grid.early))
    sentence = (
        f"Adding {kind.members} from {grid.early} {kind.capacity} on instead of from {grid.joint:,} puts the turn "
        f"there, at a median test loss of {number(early)} instead of {number(late)}; {kind.one} then still leaves "
        f"{100 * left:.2g} % of the best constant's training loss."
    )
    heading = "Is the peak where the training set is first fitted?"
    claims = ("rises_to_moved_joint", "moved_second_descent", "moved_joint_not_fitted")
    return _picture(kind, "moved_joint", heading, display, sentence, *claims)


def _capacity_picture(kind: Kind, grid: Grid, surface: xr.Dataset) -> Picture:
    counts = (1, grid.members[len(grid.members) // 2], grid.most)
    shown = {_counted(count, kind.members): at(surface, time=count) for count in counts}
    title, x_label = f"Test loss along {kind.capacity} alone", f"number of {kind.capacity} (size)"
    display = curve_of(in_order(shown, "test_loss"), "size", title=title, x_label=x_label)
    sentence = (
        f"With {kind.one} the median test loss is lowest at {_counted(_best(surface), kind.capacity)}, with "
        f"{grid.most} {kind.members} at {_best(surface, -1):,.0f}."
    )
    name, heading = f"{kind.capacity}_alone", f"Is there a second descent along {kind.capacity} alone?"
    return _picture(kind, name, heading, display, sentence, "capacity_alone_one", "capacity_alone_many")


def _members_picture(kind: Kind, grid: Grid, surface: xr.Dataset) -> Picture:
    capacities = sorted({grid.capacities[0], _best(surface), grid.early, grid.joint})
    shown = {_counted(capacity, kind.capacity): at(surface, size=capacity) for capacity in capacities}
    title, x_label = f"Test loss along {kind.members} alone", f"number of {kind.members} (time)"
    display = curve_of(in_order(shown, "test_loss"), "time", title=title, x_label=x_label)
    _, first, last = _turns(surface)
    sentence = (
        f"Not in the mean, for the squared loss is convex. From {kind.one} to {grid.most} {kind.members} the "
        f"median test loss goes from {number(first)} to {number(last)} at {grid.joint:,} {kind.capacity}."
    )
    heading = f"Does the loss ever rise along {kind.members} alone?"
    return _picture(kind, f"{kind.members}_alone", heading, display, sentence)


def _map_picture(kind: Kind, grid: Grid, surface: xr.Dataset) -> Picture:
    sizes, members, loss = sizes_of(surface), times_of(surface), _medians(surface)
    display = HeatMapDisplay(
        title=f"Test loss over {kind.capacity} and {kind.members}",
        sizes=sizes,
        times=members,
        values=loss,
        value_label="loss (squared error)",
        traces=(_trace("composite axis", sizes, grid.most), _trace("joint moved here", [grid.early], grid.most)),
        x_label=f"number of {kind.capacity} (size)",
        y_label=f"number of {kind.members} (time)",
        caption=f"Colour: median of {surface.sizes['replicate']} replicates. Lines: the composite axis along the lower "
        "edge to its joint and from there upwards, and where it turns upwards if the joint is moved.",
    )
    row, column = np.unravel_index(loss.argmin(), loss.shape)
    sentence = (
        f"The composite axis goes along the lower edge, over the ridge, and up its side; the lowest median test loss, "
        f"{number(loss.min())}, is at {sizes[row]:,.0f} {kind.capacity} and {members[column]:.0f} {kind.members}."
    )
    return _picture(kind, "map", "Which way through the surface is the published curve?", display, sentence)


def _trace(label: str, capacities: Sequence[float] | Float[np.ndarray, " K"], most: int) -> Trace:
    """A line along the lower edge, one member, that ends in a bar upwards."""
    ones = np.ones(len(capacities))
    high = np.append(ones[:-1], most)
    return Trace(label=label, positions=np.array(capacities), values=ones, low=ones, high=high)
