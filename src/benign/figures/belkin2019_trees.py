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
and so were all grids, from single members at another seed; where it lies travels with the surface.

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

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import xarray as xr
from jaxtyping import Float

from benign.curves import Finding, Verdict, cross_fitted_difference, find_landmarks, paired_claim
from benign.curves.claims import RELEVANT_FACTOR_OF_ERRORS, no_peak_claim
from benign.figures.averaged_boosting import AveragedBoosting
from benign.figures.figure import Figure, Judged, Picture, Surfaces
from benign.figures.measurement import Measurement
from benign.figures.network_drawing import exactly, percent
from benign.foundation.conventions import TOLERANCE
from benign.foundation.number_words import format_number as number
from benign.plots import (
    Band,
    CurveDisplay,
    HeatMapDisplay,
    Mark,
    Role,
    Series,
    StackedDisplay,
    Trace,
    series_from_replicates,
    spread_sentence,
)  # fmt: skip
from benign.procedures import Procedure, from_estimator
from benign.sources import digits, mnist
from benign.surface.sections import at, at_cell, over_size_and_time, samples_of, share_along_size, sizes_of, times_of


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Capacities (leaves, or rounds) x members (trees, or ensembles); the last capacity interpolates.

    ``early`` is the capacity of the second joint: beyond the bottom of one member's U, far from interpolation.
    """

    capacities: tuple[int, ...]
    members: tuple[int, ...]
    early: int


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What one scale measures; committed before its first run."""

    images: Literal["digits", "mnist"]
    samples: int
    replicates: int
    forest: Grid
    boosting: Grid


SETTINGS = {
    "smoke": Settings(
        images="digits", samples=100, replicates=6,
        forest=Grid(capacities=(2, 5, 10, 20, 100), members=(1, 2, 4), early=20),
        boosting=Grid(capacities=(1, 2, 4, 8), members=(1, 2), early=2),
    ),
    "quick": Settings(
        images="digits", samples=1000, replicates=8,
        forest=Grid(
            capacities=(2, 5, 10, 20, 50, 75, 100, 150, 200, 250, 1000), members=(1, 2, 5, 10, 20, 50), early=200
        ),
        boosting=Grid(capacities=(1, 2, 5, 10, 20, 50), members=(1, 2, 5, 10, 20), early=10),
    ),
    "standard": Settings(
        images="mnist", samples=2000, replicates=6,
        forest=Grid(
            capacities=(2, 5, 10, 20, 50, 100, 200, 300, 400, 500, 2000), members=(1, 2, 5, 10, 20, 50), early=400
        ),
        boosting=Grid(capacities=(1, 2, 5, 10, 25, 50, 100), members=(1, 2, 5, 10), early=10),
    ),
    "paper": Settings(
        images="mnist", samples=4000, replicates=6,
        forest=Grid(
            capacities=(2, 5, 10, 20, 50, 75, 100, 200, 500, 1000, 4000), members=(1, 2, 5, 10, 20, 50, 100), early=500
        ),
        boosting=Grid(capacities=(1, 2, 5, 10, 25, 50, 100, 200), members=(1, 2, 5, 10, 20), early=25),
    ),
}  # fmt: skip
NOISE = 0.1
# The loss of averaged one-hot rows is bounded, as an error is, and peaks as low.
FACTOR = RELEVANT_FACTOR_OF_ERRORS
EARLY = "early_joint"
_SHARE = "share of the best constant's loss"


@dataclass(frozen=True, kw_only=True)
class _Kind:
    """The words of one surface."""

    name: str
    title: str
    capacity: str
    members: str
    one: str


KINDS = {
    "forest": _Kind(name="forest", title="random forests", capacity="leaves", members="trees", one="one tree"),
    "boosting": _Kind(
        name="boosting", title="L2-boosting", capacity="rounds", members="ensembles", one="one ensemble"
    ),
}  # fmt: skip


def _procedures() -> dict[str, Procedure]:
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(bootstrap=False, max_features="sqrt")
    return {
        "forest": from_estimator(forest, size="max_leaf_nodes", time="n_estimators"),
        "boosting": from_estimator(AveragedBoosting(), size="rounds", time="n_estimators"),
    }


def _declared(scale: str) -> Iterator[tuple[str, Measurement]]:
    """The surfaces ``forest`` (leaves x trees) and ``boosting`` (rounds x ensembles)."""
    at = SETTINGS[scale]
    grids = {"forest": at.forest, "boosting": at.boosting}
    for name, procedure in _procedures().items():
        yield name, Measurement(
            procedure=procedure, source=(digits if at.images == "digits" else mnist)(label_noise=NOISE), part=name,
            samples=[at.samples], sizes=grids[name].capacities, times=grids[name].members, replicates=at.replicates,
            is_population=False, attributes={EARLY: grids[name].early},
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class Composite:
    """A composite path through a surface: capacity grows with one member up to the joint, then members are added.

    Attributes:
        counts: capacity x members along the path, as Belkin et al. count it.
        values: one metric along the path.
    """

    counts: Float[np.ndarray, " K"]
    values: Float[np.ndarray, "replicates K"]


def composite(surface: xr.Dataset, metric: str, capacity: float) -> Composite:
    """The path whose joint is at the measured ``capacity``."""
    sizes, values = sizes_of(surface), over_size_and_time(surface, metric)
    joint = int(np.flatnonzero(sizes == capacity)[0])
    return Composite(
        counts=np.concatenate([sizes[: joint + 1], capacity * times_of(surface)[1:]]),
        values=np.hstack([values[:, : joint + 1, 0], values[:, joint, 1:]]),
    )


def _early(surface: xr.Dataset) -> float:
    return float(surface.attrs[EARLY])


def _last(surface: xr.Dataset) -> float:
    return float(sizes_of(surface)[-1])


def _findings(surfaces: Surfaces) -> tuple[Finding, ...]:
    return tuple(finding for name, kind in KINDS.items() for finding in _findings_of(surfaces[name], kind))


def _findings_of(surface: xr.Dataset, kind: _Kind) -> tuple[Finding, ...]:
    joint, moved = f"Belkin et al. 2019, {kind.title}", "Curth, Jeffares, van der Schaar 2023"
    rise, fall = _two_descents(
        surface, kind, _last(surface), names=("rises_to_joint", "second_descent"),
        papers=(f"the squared loss rises up to interpolation ({joint})",
                f"beyond the joint the loss falls below its first minimum ({joint})"),
    )  # fmt: skip
    return (
        rise, fall, _error_claim(surface, kind, rise), *_fitted_claims(surface, kind), *_capacity_claims(surface, kind),
        *_two_descents(
            surface, kind, _early(surface), names=("rises_to_moved_joint", "moved_second_descent"),
            papers=(f"the peak moves with the joint ({moved})",) * 2,
        ),
    )  # fmt: skip


def _two_descents(
    surface: xr.Dataset, kind: _Kind, joint: float, *, names: tuple[str, str], papers: tuple[str, str]
) -> tuple[Finding, Finding]:
    """That one member gets worse up to a joint, and that adding members there gets below that member at its best."""
    loss, place = over_size_and_time(surface, "test_loss"), int(np.flatnonzero(sizes_of(surface) == joint)[0])
    where, most = f"{joint:,.0f} {kind.capacity}", f"{times_of(surface)[-1]:.0f} {kind.members}"
    return (
        cross_fitted_difference(
            name=f"{kind.name}_{names[0]}", unit="loss", paper=papers[0],
            claim=f"With {kind.one}, the test loss is higher at {where} than at the best smaller number",
            values=(loss[:, place, :1], loss[:, :place, 0]),
        ),
        cross_fitted_difference(
            name=f"{kind.name}_{names[1]}", unit="loss", paper=papers[1],
            claim=f"{most} of {where} have a lower test loss than {kind.one} of the best smaller number",
            values=(loss[:, :place, 0], loss[:, place, -1]),
        ),
    )  # fmt: skip


def _error_claim(surface: xr.Dataset, kind: _Kind, rise: Finding) -> Finding:
    """That the zero-one error rises less; undecided where the loss is not shown to ``rise``."""
    loss, error = (over_size_and_time(surface, metric)[:, :, 0] for metric in ("test_loss", "test_error"))
    finding = cross_fitted_difference(
        name=f"{kind.name}_error_rises_less",
        claim="Up to the joint the zero-one error rises by a smaller factor than the squared loss",
        values=(error[:, :-1] / error[:, -1:], loss[:, :-1] / loss[:, -1:]), unit="risk at its best / at the joint",
        paper='the U of the zero-one error is "much less apparent" (Belkin et al. 2019)',
    )  # fmt: skip
    if rise.verdict is Verdict.HOLDS:
        return finding
    return replace(
        finding, verdict=Verdict.UNDECIDED, p_value=1.0, test=f"{finding.test}; the loss is not shown to rise",
        needed_replicates=rise.needed_replicates,
    )  # fmt: skip


def _share_left(surface: xr.Dataset, capacity: float) -> Float[np.ndarray, " replicates"]:
    """What one member of this capacity leaves of the best constant's training loss."""
    one_member = float(times_of(surface)[0])
    return share_along_size(at(surface, size=capacity, time=one_member))[:, 0]


def _fitted_claims(surface: xr.Dataset, kind: _Kind) -> list[Finding]:
    """That the moved joint does not fit, and of boosting that the other does: a tree of n leaves does by construction.

    Of the median: where all interpolate no replicate differs, which decides nothing of a mean.
    """
    early, findings = f"{_early(surface):.0f} {kind.capacity}", []
    if kind.name == "boosting":
        findings.append(
            paired_claim(
                name=f"{kind.name}_joint_fitted", statistic="median", side="below",
                claim=f"At the joint {kind.one} leaves less than 2 % of the best constant's training loss",
                differences=_share_left(surface, _last(surface)), margin=TOLERANCE, unit=_SHARE,
                paper="the joint is the interpolation threshold (Belkin et al. 2019)",
            )
        )  # fmt: skip
    return [
        *findings,
        paired_claim(
            name=f"{kind.name}_moved_joint_not_fitted", statistic="median",
            claim=f"At the moved joint, {early}, {kind.one} leaves more than 2 % of the best constant's training loss",
            differences=_share_left(surface, _early(surface)), margin=TOLERANCE, unit=_SHARE,
            paper="the peak moves with the joint (Curth, Jeffares, van der Schaar 2023)",
        ),
    ]  # fmt: skip


def _capacity_claims(surface: xr.Dataset, kind: _Kind) -> list[Finding]:
    loss, members = over_size_and_time(surface, "test_loss"), times_of(surface)
    return [
        no_peak_claim(
            name=f"{kind.name}_capacity_alone_{word}",
            claim=f"Along {kind.capacity} alone, with {words}, the test loss has no peak of 5 % or more: no second "
            "descent",
            landmarks=find_landmarks(sizes_of(surface), loss[:, :, column], None, None, level=level), factor=FACTOR,
            level=level,
            paper="along one axis there is no double descent (Curth, Jeffares, van der Schaar 2023)",
        )
        for column, word, words in ((0, "one", kind.one), (-1, "many", f"{members[-1]:.0f} {kind.members}"))
        for level in (FIGURE.level_of(f"{kind.name}_capacity_alone_{word}"),)
    ]  # fmt: skip


def _pictures(surfaces: Surfaces) -> tuple[Picture, ...]:
    return tuple(
        make(surfaces[name], kind)
        for name, kind in KINDS.items()
        for make in (_composite_picture, _moved_picture, _capacity_picture, _members_picture, _map_picture)
    )


def _median(surface: xr.Dataset, metric: str, capacity: float, members: float) -> float:
    return float(np.median(at_cell(surface, metric, size=capacity, time=members)))


def _best_single(surface: xr.Dataset) -> float:
    """The capacity of the lowest median test loss with one member."""
    return float(sizes_of(surface)[np.argmin(np.median(over_size_and_time(surface, "test_loss")[:, :, 0], axis=0))])


def _composite_picture(surface: xr.Dataset, kind: _Kind) -> Picture:
    panels = tuple(_composite_panel(surface, kind, metric) for metric in ("loss", "error"))
    best, last, most = _best_single(surface), _last(surface), times_of(surface)[-1]
    loss, error = (
        [_median(surface, metric, *cell) for cell in ((best, 1.0), (last, 1.0), (last, most))]
        for metric in ("test_loss", "test_error")
    )
    sentence = (
        f"With {kind.one}, the median test loss is lowest at {_counted(best, kind.capacity)} ({number(loss[0])}) and "
        f"{number(loss[1])} at {last:,.0f}, from where on {kind.members} are added: with {most:.0f} it is "
        f"{number(loss[2])}; the zero-one error at the same three places is {percent(error[0])}, {percent(error[1])} "
        f"and {percent(error[2])}."
    )
    names = ["rises_to_joint", "second_descent", "error_rises_less"]
    names += ["joint_fitted"] if kind.name == "boosting" else []
    return Picture(
        name=f"{kind.name}_composite", heading=f"What does the published curve of {kind.title} show?",
        display=StackedDisplay(
            title=f"{kind.title[0].upper()}{kind.title[1:]} along the composite axis", panels=panels,
            caption=spread_sentence(surface.sizes["replicate"]) + (_TIES if kind.name == "forest" else ""),
        ),
        sentence=sentence, claims=tuple(f"{kind.name}_{name}" for name in names),
    )  # fmt: skip


_TIES = " Two trees that disagree tie, and the first of their classes wins: that can raise the zero-one error."


def _count_label(kind: _Kind) -> str:
    return f"number of {kind.capacity} x number of {kind.members}"


def _curve(surface: xr.Dataset, title: str, series: Iterable[Series], x_label: str, **more: Any) -> CurveDisplay:
    """A curve of the test loss, unless ``more`` says otherwise; losses of trees need no log axis."""
    words = {"y_label": "loss (squared error)", "caption": spread_sentence(surface.sizes["replicate"]), **more}
    return CurveDisplay(title=title, series=tuple(series), x_label=x_label, y_log=False, **words)


def _composite_panel(surface: xr.Dataset, kind: _Kind, metric: str) -> CurveDisplay:
    last = _last(surface)
    paths = {role: composite(surface, f"{role.value}_{metric}", last) for role in (Role.TEST, Role.TRAIN)}
    counts = paths[Role.TEST].counts
    cells = {"first minimum": (_best_single(surface), 1.0), "end": (last, times_of(surface)[-1])}
    is_loss = metric == "loss"
    return _curve(
        surface, f"Along the composite axis: {metric}",
        (series_from_replicates(role.value, path.counts, path.values, role) for role, path in paths.items()),
        _count_label(kind), y_label="loss (squared error)" if is_loss else "zero-one error",
        marks=tuple(
            Mark(position=capacity * count, value=_median(surface, "test_loss", capacity, count), label=label)
            for label, (capacity, count) in cells.items()
        ) if is_loss else (),
        threshold=exactly(last, f"joint at {kind.capacity} ="),
        regimes=(
            Band(low=float(counts[0]), high=last, label=f"{kind.one} grows"),
            Band(low=last, high=float(counts[-1]), label=f"{kind.members} are added"),
        ),
        position_name="places",
    )  # fmt: skip


_MOVED = ("rises_to_moved_joint", "moved_second_descent", "moved_joint_not_fitted")


def _moved_picture(surface: xr.Dataset, kind: _Kind) -> Picture:
    joints = (_early(surface), _last(surface))
    paths = [composite(surface, "test_loss", joint) for joint in joints]
    tops = [_median(surface, "test_loss", joint, 1.0) for joint in joints]
    display = _curve(
        surface, f"Two composite axes, joined at {joints[0]:.0f} and at {joints[1]:,.0f} {kind.capacity}",
        (
            series_from_replicates(f"joint at {joint:,.0f}", path.counts, path.values, Role.TEST, condition=condition)
            for condition, (joint, path) in enumerate(zip(joints, paths, strict=True))
        ),
        _count_label(kind), position_name="places",
        marks=tuple(Mark(position=joint, value=top, label="joint") for joint, top in zip(joints, tops, strict=True)),
    )  # fmt: skip
    left = float(np.median(_share_left(surface, joints[0])))
    sentence = (
        f"Adding {kind.members} from {joints[0]:.0f} {kind.capacity} on instead of from {joints[1]:,.0f} puts the turn "
        f"there, at a median test loss of {number(tops[0])} instead of {number(tops[1])}; {kind.one} then still leaves "
        f"{100 * left:.2g} % of the best constant's training loss."
    )
    return Picture(
        name=f"{kind.name}_moved_joint", heading="Is the peak where the training set is first fitted?",
        display=display, sentence=sentence,
        claims=tuple(f"{kind.name}_{name}" for name in _MOVED),
    )  # fmt: skip


def _capacity_picture(surface: xr.Dataset, kind: _Kind) -> Picture:
    members, sizes, loss = times_of(surface), sizes_of(surface), over_size_and_time(surface, "test_loss")
    columns = sorted({0, len(members) // 2, len(members) - 1})
    names = [_counted(members[column], kind.members) for column in columns]
    display = _curve(
        surface, f"Test loss along {kind.capacity} alone",
        (
            series_from_replicates(name, sizes, loss[:, :, column], Role.TEST, condition=condition)
            for condition, (name, column) in enumerate(zip(names, columns, strict=True))
        ),
        f"number of {kind.capacity} (size)",
    )  # fmt: skip
    best = sizes[np.argmin(np.median(loss[:, :, -1], axis=0))]
    sentence = (
        f"With {kind.one} the median test loss is lowest at {_counted(_best_single(surface), kind.capacity)}, with "
        f"{names[-1]} at {best:,.0f}; whether a second descent follows is what the claims below say."
    )
    return Picture(
        name=f"{kind.name}_{kind.capacity}_alone", heading=f"Is there a second descent along {kind.capacity} alone?",
        display=display, sentence=sentence,
        claims=tuple(f"{kind.name}_capacity_alone_{word}" for word in ("one", "many")),
    )  # fmt: skip


def _counted(count: float, plural: str) -> str:
    return f"{count:,.0f} {plural.removesuffix('s') if count == 1.0 else plural}"


def _members_picture(surface: xr.Dataset, kind: _Kind) -> Picture:
    sizes, members, last = sizes_of(surface), times_of(surface), _last(surface)
    shown = sorted({float(sizes[0]), _best_single(surface), _early(surface), last})
    loss = dict(zip(sizes.tolist(), np.moveaxis(over_size_and_time(surface, "test_loss"), 1, 0), strict=True))
    display = _curve(
        surface, f"Test loss along {kind.members} alone",
        (
            series_from_replicates(
                _counted(capacity, kind.capacity), members, loss[capacity], Role.TEST, condition=condition
            )
            for condition, capacity in enumerate(shown)
        ),
        f"number of {kind.members} (time)", position_name="times",
    )  # fmt: skip
    ends = [number(_median(surface, "test_loss", last, count)) for count in (members[0], members[-1])]
    sentence = (
        "Not in the mean, for the squared loss is convex. From "
        f"{kind.one} to {_counted(members[-1], kind.members)} the median test loss goes from {ends[0]} to {ends[1]} at "
        f"{last:,.0f} {kind.capacity}."
    )
    return Picture(
        name=f"{kind.name}_{kind.members}_alone", heading=f"Does the loss ever rise along {kind.members} alone?",
        display=display, sentence=sentence,
    )  # fmt: skip


def _map_picture(surface: xr.Dataset, kind: _Kind) -> Picture:
    sizes, members = sizes_of(surface), times_of(surface)
    values = np.median(over_size_and_time(surface, "test_loss"), axis=0)
    display = HeatMapDisplay(
        title=f"Test loss over {kind.capacity} and {kind.members}",
        sizes=sizes,
        times=members,
        values=values,
        value_label="loss (squared error)",
        traces=(
            _path_trace(surface, sizes, "composite axis"),
            _path_trace(surface, np.array([_early(surface)]), "joint moved here"),
        ),
        x_label=f"number of {kind.capacity} (size)",
        y_label=f"number of {kind.members} (time)",
        caption=f"Colour: median of {surface.sizes['replicate']} replicates. Lines: the composite axis along the lower "
        "edge to its joint and from there upwards, and where it turns upwards if the joint is moved.",
    )
    row, column = np.unravel_index(int(np.argmin(values)), values.shape)
    sentence = (
        f"The composite axis goes along the lower edge, over the ridge, and up its side; the lowest median test loss, "
        f"{number(float(values.min()))}, is at {sizes[row]:,.0f} {kind.capacity} and {members[column]:.0f} "
        f"{kind.members}."
    )
    return Picture(
        name=f"{kind.name}_map", heading="Which way through the surface is the published curve?", display=display,
        sentence=sentence,
    )  # fmt: skip


def _path_trace(surface: xr.Dataset, positions: Float[np.ndarray, " K"], label: str) -> Trace:
    """A line along the lower edge that ends in a bar upwards."""
    members = times_of(surface)
    ones = np.full(len(positions), members[0])
    high = np.append(ones[:-1], members[-1])
    return Trace(label=label, positions=positions, values=ones, low=ones, high=high)


def _answer(judged: Judged) -> str:
    def holds(*claims: str) -> bool:
        return judged.holds(*(f"{name}_{claim}" for name in KINDS for claim in claims))

    if not holds("rises_to_joint", "second_descent"):
        return "Two descents along the composite axis were not confirmed for both forests and boosting."
    if not holds(*_MOVED[:2]):
        return "The composite axis descends twice; that its peak moves with the joint was not confirmed."
    if holds("capacity_alone_one", "capacity_alone_many"):
        return "Trees descend twice only where two axes are joined; the peak goes wherever the joint is put."
    return "The peak goes wherever two axes are joined; that neither has one alone was not confirmed."


def _lede(surfaces: Surfaces) -> str:
    forest = surfaces["forest"]
    return (
        f"n = {samples_of(forest):,} images, {100 * NOISE:.0f} % of labels flipped, {forest.sizes['replicate']} "
        f"replicates. Median test loss of trees: {_turning_points(forest, KINDS['forest'])}; of boosting: "
        f"{_turning_points(surfaces['boosting'], KINDS['boosting'])}."
    )


def _turning_points(surface: xr.Dataset, kind: _Kind) -> str:
    """The composite axis in three numbers."""
    best, last, most = _best_single(surface), _last(surface), times_of(surface)[-1]
    losses = [number(_median(surface, "test_loss", *cell)) for cell in ((best, 1.0), (last, 1.0), (last, most))]
    return (
        f"{losses[0]} at {_counted(best, kind.capacity)}, {losses[1]} at {last:,.0f}, {losses[2]} with "
        f"{_counted(most, kind.members)}"
    )


FIGURE = Figure(
    name="belkin2019_trees",
    title="Forests and boosting along a composite axis, and along its two parts",
    paper="Belkin, Hsu, Ma, Mandal 2019; Curth, Jeffares, van der Schaar 2023",
    number="random forests and L2-boosting",
    revision=1,
    primary_claims=(
        "forest_rises_to_joint",
        "forest_second_descent",
        "forest_rises_to_moved_joint",
        "forest_moved_second_descent",
        "forest_capacity_alone_many",
        "boosting_rises_to_joint",
        "boosting_second_descent",
    ),
    declared=_declared,
    findings=_findings,
    pictures=_pictures,
    answer=_answer,
    lede=_lede,
)
