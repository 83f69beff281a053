"""Curves and words on networks over width, epochs or samples: conditions in order, early stopping, divergence."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from jaxtyping import Float, Real

from benign.curves import Landmarks
from benign.curves.early_stopping import mean_intervals
from benign.plots import CurveDisplay, Mark, Role, Series, Threshold, series_from_replicates, spread_sentence
from benign.surface.displays import axis_label, landmark_marks, metric_label, metric_series, threshold_line
from benign.surface.sections import diverged_and_trained, stopping_of


@dataclass(frozen=True, kw_only=True, eq=False)
class Line:
    """One line of a picture.

    Attributes:
        section: a surface of length one along every axis but replicate and the one drawn; see :func:`at_end`.
        metric: of the surface.
        name: stands at the line's end.
        role: how it is drawn.
        condition: its place in an ordered comparison, or None.
    """

    section: xr.Dataset
    metric: str
    name: str
    role: Role = Role.TEST
    condition: int | None = None


def test_and_train(section: xr.Dataset, kind: str) -> list[Line]:
    """Test and train ``"loss"`` or ``"error"``."""
    roles = {"test": Role.TEST, "train": Role.TRAIN}
    return [Line(section=section, metric=f"{name}_{kind}", name=name, role=role) for name, role in roles.items()]


def in_order(sections: Mapping[str, xr.Dataset], metric: str, role: Role = Role.TEST) -> list[Line]:
    """One metric of several sections, each under its name, as conditions in order."""
    return [
        Line(section=section, metric=metric, name=name, role=role, condition=place)
        for place, (name, section) in enumerate(sections.items())
    ]


def tables_in_order(
    positions: Real[np.ndarray, " K"], tables: Mapping[str, Float[np.ndarray, "_R K"]], role: Role = Role.TEST
) -> tuple[Series, ...]:
    """Tables of replicates over the same positions, each under its name, as conditions in order."""
    return tuple(
        series_from_replicates(name, positions, table, role, condition=place)
        for place, (name, table) in enumerate(tables.items())
    )


def bare(name: str, positions: Real[np.ndarray, " K"], values: Float[np.ndarray, " K"], role: Role) -> Series:
    """A line without a band."""
    return series_from_replicates(name, positions, values[None], role)


def level(name: str, positions: Real[np.ndarray, " K"], value: float, role: Role = Role.REFERENCE) -> Series:
    """One value at all positions, to compare with."""
    return bare(name, positions, np.full(len(positions), value), role)


def exactly(position: float, label: str) -> Threshold:
    """A threshold that is known, not measured."""
    place = float(position)
    return Threshold(position=place, low=place, high=place, label=label)


def curve_of(
    lines: Sequence[Line],
    dim: str = "size",
    *,
    title: str,
    also: Sequence[Series] = (),
    y_label: str = "",
    x_label: str = "",
    landmarks: Landmarks | None = None,
    threshold: Threshold | None = None,
    y_log: bool = False,
    y_limits: tuple[float, float] | None = None,
) -> CurveDisplay:
    """The lines over ``dim``, ``also`` others, with the landmarks of one and the threshold that was measured.

    Unless said, ``x_label`` is what the first surface counts along ``dim``, and ``y_label`` what its metric is.
    """
    first = lines[0]
    replicates = sorted({line.section.sizes["replicate"] for line in lines})
    return CurveDisplay(
        title=title,
        series=(*(_series(line, dim) for line in lines), *also),
        marks=() if landmarks is None else landmark_marks(landmarks),
        threshold=threshold or (None if landmarks is None else threshold_line(landmarks.threshold)),
        x_label=x_label or axis_label(first.section, dim),
        y_label=y_label or metric_label(first.metric, str(first.section.attrs["objective"])),
        y_log=y_log,
        y_limits=y_limits,
        caption=spread_sentence(replicates[0] if len(replicates) == 1 else None),
        position_name={"size": "widths", "time": "times", "samples": "sample sizes"}[dim],
    )


def marked(curve: CurveDisplay, *marks: tuple[str, float, float]) -> CurveDisplay:
    """The curve with marks: what each is, its position and its value."""
    return replace(curve, marks=tuple(Mark(label=label, position=at, value=value) for label, at, value in marks))


def _series(line: Line, dim: str) -> Series:
    series = metric_series(line.section, line.metric, dim, name=line.name, role=line.role)
    return replace(series, condition=line.condition)


def stopping_curve(
    surface: xr.Dataset, *, title: str, y_label: str, landmarks: Landmarks | None = None, words: str = ""
) -> CurveDisplay:
    """The error on held-out data over size: after the last epoch, at the one that validation chooses, at the best.

    ``words`` name the threshold of the landmarks.
    """
    errors = vars(stopping_of(surface)).items()
    section = surface.assign({name: (("replicate", "size"), values) for name, values in errors})
    lines = [
        Line(section=section, metric="last", name="last epoch"),
        Line(section=section, metric="stopped", name="best on validation", role=Role.REMEDY),
        Line(section=section, metric="oracle", name="oracle", role=Role.REFERENCE),
    ]
    threshold = None if landmarks is None else threshold_line(landmarks.threshold, words=words)
    return curve_of(lines, title=title, y_label=y_label, landmarks=landmarks, threshold=threshold)


def loss_limits(*test_losses: Float[np.ndarray, "..."]) -> tuple[float, float] | None:
    """From a hundredth of the lowest test loss: fitted training losses leave the picture downwards."""
    values = np.concatenate([losses.ravel() for losses in test_losses])
    finite = values[np.isfinite(values) & (values > 0.0)]
    return (float(finite.min()) / 100.0, 2.0 * float(finite.max())) if len(finite) else None


def percent(error: float) -> str:
    """An error in percent.

    >>> percent(0.4718), percent(float("nan"))
    ('47.2 %', 'undefined')
    """
    return "undefined" if math.isnan(error) else f"{100.0 * error:.1f} %"


def listed(words: Iterable[object]) -> str:
    """Several words in a sentence.

    >>> listed([4, 8, 16])
    '4, 8 and 16'
    """
    *first, last = map(str, words)
    return f"{', '.join(first)} and {last}" if first else last


def percents(errors: Iterable[float]) -> str:
    """Several errors in percent.

    >>> percents([0.472, 0.541, 0.455])
    '47.2 %, 54.1 % and 45.5 %'
    """
    return listed(map(percent, errors))


def listed_widths(widths: Float[np.ndarray, " some"]) -> str:
    """Widths as words.

    >>> listed_widths(np.array([4.0, 8.0, 16.0])), listed_widths(np.array([]))
    ('widths 4, 8 and 16', 'no width')
    """
    names = [f"{width:.0f}" for width in widths]
    return f"width{'s' if len(names) > 1 else ''} {listed(names)}" if names else "no width"


def sign_words(widths: Float[np.ndarray, " K"], differences: Float[np.ndarray, "R K"]) -> str:
    """Where the 95 % interval of a mean over replicates, taken for each width alone, lies above zero, and where below.

    >>> sign_words(np.array([4.0, 8.0, 16.0]), np.array([[1.0, -1.0, -2.0], [1.1, 1.0, -2.1]]))
    'lies above zero at width 4 and below it at width 16'
    """
    _, low, high = mean_intervals(differences)
    words = f"lies above zero at {listed_widths(widths[low > 0.0])} and below it at {listed_widths(widths[high < 0.0])}"
    unknown = widths[np.isnan(low)]
    return f"{words} (unknown at {listed_widths(unknown)}, where a training diverged)" if len(unknown) else words


def diverged_words(surfaces: Iterable[xr.Dataset]) -> str:
    """The sentence that ends a lede, with a space before it, if trainings diverged: how many. Else nothing."""
    lost, trained = np.sum([diverged_and_trained(surface) for surface in surfaces], axis=0).tolist()
    if not lost:
        return ""
    if lost == trained:
        return f" All {trained:,} trainings diverged."
    return f" {lost:,} of {trained:,} trainings diverged; medians are over the others."
