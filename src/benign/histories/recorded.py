"""A log and the roles of its columns, joined to a history on the axis of its validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float

from benign.foundation.errors import InvalidArgument, listed
from benign.foundation.numbers import checked_count, checked_number
from benign.foundation.wording import shown
from benign.histories.axes import counts_epochs, on_axis_of
from benign.histories.going_on import Offsets, moved, offsets_of
from benign.histories.history import History, Metric
from benign.histories.log import Axis, Log
from benign.histories.positions import in_order, in_words
from benign.histories.roles import Assignment, Use
from benign.histories.units import as_errors

_METRIC = "metric "  # before the name of one, where curves are kept by name
_FIRST_CHOICES = ("validation_loss", "validation_error", "averaged_loss", "averaged_error")
_LAST_CHOICES = ("train_loss", "train_error")

Points = Float[np.ndarray, " points"]
Times = Float[np.ndarray, " times"]


@dataclass(frozen=True, eq=False)
class _Recorded:
    positions: Points
    values: Points


@dataclass
class _Said:
    """Sentences; of each kind the first alone, since the columns of one file share their faults."""

    notes: list[str] = field(default_factory=list)
    kinds: set[str] = field(default_factory=set)

    def once(self, kind: str, note: str) -> None:
        if note and kind not in self.kinds:
            self.kinds.add(kind)
            self.notes.append(note)


def history_of(
    log: Log,
    assignment: Assignment,
    *,
    train_samples: int | None = None,
    validation_samples: int | None = None,
    classes: int | None = None,
    label_noise: float | None = None,
    test: float | None = None,
) -> tuple[History, tuple[str, ...]]:
    """Join the columns of a log to curves over the times of its evaluations.

    The times are those of the validation loss, or of what stands in for it. A training curve is averaged over the
    values since the evaluation before: with one value it is that value, with values of single batches the running mean
    that Keras writes. Every other curve has its last value since the evaluation before, the learning rate its last at
    all. Epochs are counted from 1. Costs O(n log n) for n recorded values.

    Args:
        log: what a reader yields.
        assignment: which of its columns are what.
        train_samples: n, where it is known.
        validation_samples: how many samples each evaluation used.
        classes: of a classification, at least 2.
        label_noise: the known share of wrong labels in the training set, at least 0 and below 1.
        test: one error measured at the end on other samples, between 0 and 1.

    Returns:
        The history, and a sentence on everything that was repaired, left out or decided on the way.

    Raises:
        InvalidArgument: if nothing in the log is a loss, an error or a metric, or a number cannot be what it is said
            to be.
    """
    given = _checked(train_samples, validation_samples, classes, label_noise, test)
    said = _Said()
    offsets = _going_on(assignment, log.axis, said)
    curves = {curve: _read(use, log.axis, offsets, said) for curve, use in assignment.uses.items()}
    curves |= {f"{_METRIC}{use.name}": _read(use, log.axis, offsets, said) for use in assignment.metrics}
    curves = _with_errors(curves, assignment.uses, said)
    reference = _reference(curves, log, (*assignment.questions, *assignment.notes, *said.notes))
    curves, axis = _on_one_axis(curves, reference, log, said)
    curves, times = _counted_from_one(curves, reference, axis, said)
    _tell_what_is_missing(curves, times, axis, said)
    history = History(
        times=times, axis=axis, metrics=_metrics(curves, times, assignment), diverged_at=_diverged_at(curves),
        **given, **_joined(curves, times),
    )  # fmt: skip
    return history, tuple(said.notes)


def _checked(
    train_samples: object, validation_samples: object, classes: object, label_noise: object, test: object
) -> dict[str, Any]:
    counts = {"train_samples": train_samples, "validation_samples": validation_samples, "classes": classes}
    given: dict[str, Any] = {
        name: None if value is None else checked_count(name, value) for name, value in counts.items()
    }
    if given["classes"] == 1:
        raise InvalidArgument("`classes` must be at least 2, got 1; leave it out of a regression.", "classes")
    given["label_noise"] = (
        None
        if label_noise is None
        else checked_number(
            "label_noise", label_noise, kind="a share from 0 to below 1", fits=lambda share: 0.0 <= share < 1.0
        )
    )
    kind = "the test error, a share from 0 to 1 (a percentage divided by 100; 1 - an accuracy)"
    given["test_score"] = (
        None if test is None else checked_number("test", test, kind=kind, fits=lambda share: 0.0 <= share <= 1.0)
    )
    return given


def _going_on(assignment: Assignment, axis: Axis, said: _Said) -> Offsets | None:
    """What counts the positions on, where they begin again and the training does not."""
    use = next(
        (assignment.uses[curve] for curve in ("train_loss", "validation_loss") if curve in assignment.uses), None
    )
    if use is None:
        return None
    offsets = offsets_of(use.columns[0].positions, use.columns[0].values)
    if offsets is not None:
        said.notes.append(
            f"The {axis}s begin again {in_words(offsets.size - 1)}, but {shown(use.columns[0].name)} goes on from "
            "where it was: read as one training that went on, and counted so."
        )
    return offsets


def _read(use: Use, axis: Axis, offsets: Offsets | None, said: _Said) -> _Recorded:
    """What a column holds, in the order of its positions; of parts their sum, of a negated loss the loss."""
    column = use.columns[0]
    positions, values = column.positions, column.values
    if offsets is not None:
        positions = moved(positions, offsets)
    order = in_order(positions, axis=axis)
    said.once(order.kind, order.note)
    if len(use.columns) > 1:
        values = np.sum([part.values for part in use.columns], axis=0)
    if order.rows.size < positions.size:
        lost = np.count_nonzero(~(np.isfinite(positions) & (positions >= 0.0)))
        said.once("lost", f"{lost:,} rows at no position of at least 0 were left out." if lost else "")
    if order.rows.size < positions.size or order.kind:
        positions, values = positions[order.rows], values[order.rows]
    if len(use.columns) > 1:
        was_measured = values != 0.0
        if np.any(was_measured) and not np.all(was_measured):  # Ultralytics writes zeros where it did not evaluate
            said.once("zeros", f"Rows where all of {listed(part.name for part in use.columns)} are 0 were left out.")
            positions, values = positions[was_measured], values[was_measured]
    is_negated = use.role.quantity == "loss" and use.role.higher_is_better and not np.all(values > 0.0)
    if is_negated:
        said.notes.append(f"{shown(use.name)} is a negated loss: its sign was turned.")
    return _Recorded(positions, -values if is_negated else values)


def _with_errors(curves: Mapping[str, _Recorded], uses: Mapping[str, Use], said: _Said) -> dict[str, _Recorded]:
    """The curves with all errors as shares, less those that are none."""
    recorded = {curve: read.values for curve, read in curves.items() if curve.endswith("_error")}
    errors, notes = as_errors(recorded, uses)
    said.notes += notes
    kept = {curve: read for curve, read in curves.items() if curve not in recorded}
    return kept | {curve: _Recorded(curves[curve].positions, values) for curve, values in errors.items()}


def _reference(curves: Mapping[str, _Recorded], log: Log, notes: Sequence[str]) -> str:
    """The curve whose times are those of the history."""
    metrics = [curve for curve in curves if curve.startswith(_METRIC)]
    of_validation = [curve for curve in (*_FIRST_CHOICES, *metrics) if _has_rows(curves, curve)]
    of_training = [curve for curve in _LAST_CHOICES if _has_rows(curves, curve)]
    choices = of_validation or of_training
    if not choices:
        names = dict.fromkeys(column.name for column in log.columns)
        raise InvalidArgument(
            f"no column of the log is known to be a loss, an error or an accuracy; its columns are "
            f"{listed(names)}: say which is which, as in `--columns val_loss=NAME`, or val_reward=NAME where more is "
            f"better.{''.join(f' {note}' for note in notes)}",
            "columns",
        )
    return next((curve for curve in choices if curves[curve].positions.size > 1), choices[0])


def _has_rows(curves: Mapping[str, _Recorded], curve: str) -> bool:
    return curve in curves and curves[curve].positions.size > 0


def _on_one_axis(
    curves: Mapping[str, _Recorded], reference: str, log: Log, said: _Said
) -> tuple[dict[str, _Recorded], Axis]:
    """The curves on the axis of the reference, and what this counts."""
    times, axis = curves[reference].positions, log.axis
    if axis != "step":
        return dict(curves), axis
    found: Axis = axis
    moved = {}
    for curve, read in curves.items():
        positions, how = on_axis_of(times, read.positions, log)
        if how:
            found = "epoch" if counts_epochs(times) else axis
            said.once("axes", f"Some curves were recorded at steps and others at epochs: joined {how}.")
        moved[curve] = _Recorded(positions, read.values)
    return moved, found


def _counted_from_one(
    curves: Mapping[str, _Recorded], reference: str, axis: Axis, said: _Said
) -> tuple[dict[str, _Recorded], Times]:
    """Positive times: 0 is the first epoch where epochs are counted, and before the training where steps are."""
    times = curves[reference].positions
    if times[0] > 0.0:
        return dict(curves), times
    is_counted = all(np.array_equal(read.positions, np.floor(read.positions)) for read in curves.values())
    if times.size == 1 or (is_counted and (axis != "step" or np.median(np.diff(times)) == 1.0)):
        said.once("from one", f"The log counts its {axis}s from 0; here they are counted from 1.")
        return {curve: _Recorded(read.positions + 1.0, read.values) for curve, read in curves.items()}, times + 1.0
    said.once("before", f"The evaluation at {axis} 0, before the training, was left out.")
    return dict(curves), times[1:]


def _joined(curves: Mapping[str, _Recorded], times: Times) -> dict[str, Any]:
    joined: dict[str, Any] = {}
    for curve, read in curves.items():
        if curve.startswith(_METRIC):
            continue
        if curve == "learning_rate":
            joined[curve] = _finite(_held(times, read))
        else:
            joined[curve] = _finite((_mean_since if curve.startswith("train") else _last_since)(times, read))
    return joined


def _metrics(curves: Mapping[str, _Recorded], times: Times, assignment: Assignment) -> tuple[Metric, ...]:
    return tuple(
        Metric(
            name=use.name,
            values=_finite(_last_since(times, curves[f"{_METRIC}{use.name}"])),
            higher_is_better=use.role.higher_is_better,
        )
        for use in assignment.metrics
    )


def _finite(values: Points) -> Points:
    return np.where(np.isfinite(values), values, np.nan)


def _held(times: Times, read: _Recorded) -> Times:
    """For each time the last value at or before it, however old; NaN before the first."""
    if np.array_equal(times, read.positions):
        return read.values
    rows = np.searchsorted(read.positions, times, side="right") - 1
    return np.where(rows >= 0, read.values[np.maximum(rows, 0)], np.nan) if read.values.size else times * np.nan


def _last_since(times: Times, read: _Recorded) -> Times:
    """For each time the last value since the time before; NaN where there is none."""
    if np.array_equal(times, read.positions):
        return read.values
    rows = np.searchsorted(read.positions, times, side="right") - 1
    is_new = np.diff(rows, prepend=-1) > 0
    return np.where(is_new, _held(times, read), np.nan)


def _mean_since(times: Times, read: _Recorded) -> Times:
    """For each time the mean of the finite values since the time before; NaN where there is none."""
    if np.array_equal(times, read.positions):
        return read.values
    slots = np.searchsorted(times, read.positions, side="left")
    is_used = np.isfinite(read.values) & (slots < times.size)
    counts = np.bincount(slots[is_used], minlength=times.size)
    sums = np.bincount(slots[is_used], read.values[is_used], minlength=times.size)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _diverged_at(curves: Mapping[str, _Recorded]) -> float | None:
    """The first time at which a loss is not finite."""
    lost = [
        float(read.positions[np.argmin(np.isfinite(read.values))])
        for curve, read in curves.items()
        if curve in ("validation_loss", "train_loss") and not np.all(np.isfinite(read.values))
    ]
    return min(lost, default=None)


def _tell_what_is_missing(curves: Mapping[str, _Recorded], times: Times, axis: Axis, said: _Said) -> None:
    if not any(curve in curves for curve in _FIRST_CHOICES):
        metric = next((curve.removeprefix(_METRIC) for curve in curves if curve.startswith(_METRIC)), "")
        said.once(
            "no validation",
            f"No loss or error of validation was found: {shown(metric)} is judged instead, without odds."
            if metric
            else "No loss or error of validation was found, so what happens on new data is not seen.",
        )
    elif not any(curve in curves for curve in _LAST_CHOICES):
        said.once("no training", "No training curve was found.")
    if times.size < 2:
        said.once("one", f"There is one evaluation alone, at {axis} {times[0]:g}.")
        return
    steps = np.diff(times)
    usual = np.median(steps)
    gaps = np.flatnonzero(steps >= 1.99 * usual)
    if gaps.size and np.mean(np.isclose(steps, usual)) > 0.5:  # at regular times
        missing = int(np.sum(np.round(steps[gaps] / usual) - 1.0))
        count = "1 evaluation is" if missing == 1 else f"{missing:,} evaluations are"
        said.once("gaps", f"{count} missing, the first after {axis} {times[gaps[0]]:g}: left as gaps.")
