"""Belkin, Hsu, Ma, Mandal 2019 (PNAS 116:15849), random forests and L2-boosting; and the answer.

Paper: MNIST, n = 10^4. One tree is grown leaf by leaf until it interpolates, then trees are added; L2-boosting (trees
of at most 10 leaves, shrinkage 0.85) adds rounds until it interpolates, then ensembles are averaged. Along this
composite axis the squared test loss rises up to the joint and falls below its first minimum beyond it; the zero-one
error rises "much less apparently".

Curth, Jeffares, van der Schaar 2023 (NeurIPS, "A U-turn on double descent"): two axes are joined there. Along either
alone there is no double descent, and the peak goes wherever one axis is exchanged for the other.

Ours: the full grid, capacity x members, is one surface, of which every such path is a section. Settings as in Curth et
al.: no bootstrap, each split among sqrt(d) random features, one boosted sum for each class. A forest's trees are
classifiers, whose splits by Gini's index are those by squared error on one-hot rows. 10 % of the labels are flipped. A
time is a number of averaged members. A second joint, where the training set is far from fitted, was fixed beforehand,
and so were all grids, from single members at another seed.

That averaging does not raise the squared loss, in the mean over members, is convexity, and that the composite axis
peaks at its joint follows from the rise up to it and the fall beyond it: both are tests of the package, not findings.
Convexity says nothing of the zero-one error, which with two hard votes may rise: their ties go to one side. After the
first run these two claims were left out, and that of a peak at the moved joint became those of a rise and a fall there.

At ``standard`` and ``paper`` the images are the 5,000 installed ones of MNIST, 1,000 of them for testing: 10^4 are not
to be had, and ``paper`` trains on 4,000.

Runtime on two cores: smoke 4 s; estimated from single members: quick one and a half minutes, standard six, paper three
quarters of an hour.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np
import xarray as xr
from jaxtyping import Float

from benign.curves import Finding, Verdict, cross_fitted_difference
from benign.curves.claims import RELEVANT_FACTOR_OF_ERRORS
from benign.curves.paired_claims import Side
from benign.experiments.declaration import Experiment
from benign.figures.averaged_boosting import AveragedBoosting
from benign.figures.claims import Claim, Judge, Said, Surfaces, Values, above, primary, read_from, secondary
from benign.figures.courses import Course, over_sizes
from benign.figures.figure import Figure, Picture, Results
from benign.figures.measurement import Declared
from benign.figures.network_drawing import curve_of, exactly, in_order, marked, percents, test_and_train
from benign.foundation.conventions import TOLERANCE
from benign.foundation.number_words import format_number as number
from benign.plots import Band, Display, HeatMapDisplay, StackedDisplay, Trace
from benign.procedures import from_estimator
from benign.sources import digits, mnist
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


@dataclass(frozen=True, kw_only=True)
class Scale:
    """What one scale measures; committed before its first run."""

    samples: int
    replicates: int
    forest: Grid
    boosting: Grid
    images: Literal["digits", "mnist"] = "digits"


TREES = (1, 2, 5, 10, 20, 50)
SCALES = {
    "smoke": Scale(
        samples=100, replicates=6,
        forest=Grid(capacities=(2, 5, 10, 20, 100), members=(1, 2, 4), early=20),
        boosting=Grid(capacities=(1, 2, 4, 8), members=(1, 2), early=2),
    ),
    "quick": Scale(
        samples=1000, replicates=8,
        forest=Grid(capacities=(2, 5, 10, 20, 50, 75, 100, 150, 200, 250, 1000), members=TREES, early=200),
        boosting=Grid(capacities=(1, 2, 5, 10, 20, 50), members=(1, 2, 5, 10, 20), early=10),
    ),
    "standard": Scale(
        images="mnist", samples=2000, replicates=6,
        forest=Grid(capacities=(2, 5, 10, 20, 50, 100, 200, 300, 400, 500, 2000), members=TREES, early=400),
        boosting=Grid(capacities=(1, 2, 5, 10, 25, 50, 100), members=(1, 2, 5, 10), early=10),
    ),
    "paper": Scale(
        images="mnist", samples=4000, replicates=6,
        forest=Grid(capacities=(2, 5, 10, 20, 50, 75, 100, 200, 500, 1000, 4000), members=(*TREES, 100), early=500),
        boosting=Grid(capacities=(1, 2, 5, 10, 25, 50, 100, 200), members=(1, 2, 5, 10, 20), early=25),
    ),
}  # fmt: skip
NOISE = 0.1
_MOVES = "the peak moves with the joint (Curth, Jeffares, van der Schaar 2023)"
_ONE_AXIS = "along one axis there is no double descent (Curth, Jeffares, van der Schaar 2023)"


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


def _grids(scale: Scale) -> Iterator[tuple[Kind, Grid]]:
    yield FOREST, scale.forest
    yield BOOSTING, scale.boosting


def _experiments(scale: Scale) -> Iterator[Declared]:
    """The surfaces ``forest`` (leaves x trees) and ``boosting`` (rounds x ensembles)."""
    from sklearn.ensemble import RandomForestClassifier

    source = (digits if scale.images == "digits" else mnist)(label_noise=NOISE)
    measured = partial(Experiment, source=source, samples=[scale.samples], replicates=scale.replicates)
    trees = RandomForestClassifier(bootstrap=False, max_features="sqrt")
    forest = from_estimator(trees, size="max_leaf_nodes", time="n_estimators")
    boosting = from_estimator(AveragedBoosting(), size="rounds", time="n_estimators")
    for (kind, grid), procedure in zip(_grids(scale), (forest, boosting), strict=True):
        yield measured(name=kind.name, procedure=procedure, sizes=grid.capacities, times=grid.members)


def _claims(scale: Scale) -> Iterator[Claim]:
    """The moved joint, and that no axis alone has two descents, are primary of forests."""
    for kind, grid in _grids(scale):
        name, belkin = kind.name, f"(Belkin et al. 2019, {kind.title})"
        of_forests = primary if kind is FOREST else secondary
        rise, fall = _two_descents(kind, grid, grid.joint)
        yield primary(f"{name}_rises_to_joint", *rise, f"the squared loss rises up to interpolation {belkin}")
        falls = f"beyond the joint the loss falls below its first minimum {belkin}"
        yield primary(f"{name}_second_descent", *fall, falls)
        text = "Up to the joint the zero-one error rises by a smaller factor than the squared loss"
        paper = 'the U of the zero-one error is "much less apparent" (Belkin et al. 2019)'
        yield secondary(f"{name}_error_rises_less", text, _rises_less(kind, grid.joint), paper)
        if kind is BOOSTING:  # a tree of n leaves fits by construction
            text = f"At the joint {kind.one} leaves less than 2 % of the best constant's training loss"
            paper = "the joint is the interpolation threshold (Belkin et al. 2019)"
            yield secondary(f"{name}_joint_fitted", text, _leaves(kind, grid.joint, "below"), paper)
        early = f"At the moved joint, {grid.early} {kind.capacity}, {kind.one}"
        text = f"{early} leaves more than 2 % of the best constant's training loss"
        yield secondary(f"{name}_moved_joint_not_fitted", text, _leaves(kind, grid.early, "above"), _MOVES)
        many = f"{grid.most} {kind.members}"
        for say, word, words, members in ((secondary, "one", kind.one, 1), (of_forests, "many", many, grid.most)):
            along = f"Along {kind.capacity} alone, with {words}"
            text = f"{along}, the test loss has no peak of 5 % or more: no second descent"
            # The loss of averaged one-hot rows is bounded, as an error is, and peaks as low.
            judge = _loss(kind, members).has_no_peak(RELEVANT_FACTOR_OF_ERRORS)
            yield say(f"{name}_capacity_alone_{word}", text, judge, _ONE_AXIS)
        rise, fall = _two_descents(kind, grid, grid.early)
        yield of_forests(f"{name}_rises_to_moved_joint", *rise, _MOVES)
        yield of_forests(f"{name}_moved_second_descent", *fall, _MOVES)


def _two_descents(kind: Kind, grid: Grid, joint: int) -> tuple[tuple[str, Judge], tuple[str, Judge]]:
    """That one member gets worse up to a joint, and that adding members there gets below that member at its best."""
    one, many = _loss(kind, 1), _loss(kind, grid.most)
    where, most = f"{joint:,} {kind.capacity}", f"{grid.most} {kind.members}"
    rise = f"With {kind.one}, the test loss is higher at {where} than at the best smaller number"
    fall = f"{most} of {where} have a lower test loss than {kind.one} of the best smaller number"
    return (rise, one.rises(to=joint)), (fall, many.falls_below_the_best(joint, before=joint, on=one))


def _loss(kind: Kind, members: int) -> Course:
    return over_sizes(kind.name, "test_loss", time=members, estimator=None)


def _rises_less(kind: Kind, joint: int) -> Judge:
    """That one member's zero-one error rises less than its loss; undecided where the loss is not shown to rise."""
    error, loss = over_sizes(kind.name, "test_error", time=1, estimator=None), _loss(kind, 1)

    def judged(surfaces: Surfaces, said: Said, level: float) -> Finding:
        shares = [one.before(surfaces, joint) / one.at(joint).read(surfaces)[:, None] for one in (error, loss)]
        found = cross_fitted_difference(**said, values=(shares[0], shares[1]), unit="risk at its best / at the joint")
        rise = loss.rises(to=joint)(surfaces, said, level)
        if rise.verdict is Verdict.HOLDS:
            return found
        test, needed = f"{found.test}; the loss is not shown to rise", rise.needed_replicates
        return replace(found, verdict=Verdict.UNDECIDED, p_value=1.0, test=test, needed_replicates=needed)

    return judged


def _leaves(kind: Kind, capacity: int, side: Side) -> Judge:
    """Of the median: where all interpolate no replicate differs, which decides nothing of a mean."""
    return above(_share_left(kind, capacity), TOLERANCE, statistic="median", side=side)


def _share_left(kind: Kind, capacity: int) -> Values:
    """What one member of this capacity leaves of the best constant's training loss."""
    unit = "share of the best constant's loss"
    return read_from(kind.name, lambda one: share_along_size(at(one, size=capacity, time=1))[:, 0], unit)


def _medians(surface: xr.Dataset, metric: str = "test_loss") -> Float[np.ndarray, "capacities members"]:
    return np.asarray(np.median(over_size_and_time(surface, metric), axis=0))


def _best(surface: xr.Dataset, place: int = 0) -> float:
    """The capacity of the lowest median test loss, with the first number of members (0) or the last (-1)."""
    return float(sizes_of(surface)[_medians(surface)[:, place].argmin()])


def _turns(surface: xr.Dataset, metric: str = "test_loss") -> list[float]:
    """The median of a metric along the composite axis: where one member's loss is lowest, at the joint, at the end."""
    medians, best = _medians(surface, metric), _medians(surface)[:, 0].argmin()
    return [float(medians[cell]) for cell in ((best, 0), (-1, 0), (-1, -1))]


def _turns_in_words(kind: Kind, grid: Grid, surface: xr.Dataset) -> str:
    best, joint, end = map(number, _turns(surface))
    lowest, most = _counted(_best(surface), kind.capacity), f"{grid.most} {kind.members}"
    return f"{best} at {lowest}, where {kind.one} is best, {joint} at {grid.joint:,}, {end} with {most}"


def _counted(count: float, plural: str) -> str:
    return f"{count:,.0f} {plural.removesuffix('s') if count == 1.0 else plural}"


def _pictures(results: Results[Scale]) -> Iterator[Picture]:
    for kind, grid in _grids(results.at):
        for draw in (_composite_picture, _moved_picture, _capacity_picture, _members_picture, _map_picture):
            yield draw(kind, grid, results[kind.name])


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
        f"The median test loss is {_turns_in_words(kind, grid, surface)}; the zero-one error at the same three places "
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
    left = median_of(_share_left(kind, grid.early).read({kind.name: surface}))
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


def _headline(results: Results[Scale]) -> str:
    def holds(*claims: str) -> bool:
        return results.holds(*(f"{kind.name}_{claim}" for kind in (FOREST, BOOSTING) for claim in claims))

    if not holds("rises_to_joint", "second_descent"):
        return "Two descents along the composite axis were not confirmed for both forests and boosting."
    if not holds("rises_to_moved_joint", "moved_second_descent"):
        return "The composite axis descends twice; that its peak moves with the joint was not confirmed."
    if holds("capacity_alone_one", "capacity_alone_many"):
        return "Trees descend twice only where two axes are joined; the peak goes wherever the joint is put."
    return "The peak goes wherever two axes are joined; that neither has one alone was not confirmed."


def _lede(results: Results[Scale]) -> str:
    trees, boosting = (_turns_in_words(kind, grid, results[kind.name]) for kind, grid in _grids(results.at))
    scale, flipped = results.at, f"{100 * NOISE:.0f} % of labels flipped"
    return (
        f"n = {scale.samples:,} images, {flipped}, {scale.replicates} replicates. Median test loss of trees: {trees}; "
        f"of boosting: {boosting}."
    )


FIGURE = Figure(
    name="belkin2019_trees",
    title="Forests and boosting along a composite axis, and along its two parts",
    paper="Belkin, Hsu, Ma, Mandal 2019; Curth, Jeffares, van der Schaar 2023",
    number="random forests and L2-boosting",
    revision=1,
    scales=SCALES,
    experiments=_experiments,
    claims=_claims,
    pictures=_pictures,
    headline=_headline,
    lede=_lede,
)
