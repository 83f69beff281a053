"""Claims that something is where the effective model complexity is n; slices whose peak is to be there, drawn."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import xarray as xr

from benign.curves import Landmark, Landmarks
from benign.curves.claims import RELEVANT_FACTOR
from benign.curves.findings import LEVEL
from benign.curves.fitting_threshold import Criterion
from benign.curves.place import NOWHERE, Place
from benign.figures.claims import Judge, Surfaces, peak_at, within
from benign.figures.courses import Course, over_sizes
from benign.figures.figure import Picture
from benign.figures.network_drawing import Line, curve_of, level, listed, marked
from benign.foundation.conventions import REGIME_BAND, TOLERANCE
from benign.foundation.number_words import format_number
from benign.plots import CurveDisplay, Role, Series, StackedDisplay
from benign.schema import DIMENSIONS
from benign.surface.complexity_places import fitted_size
from benign.surface.displays import threshold_line
from benign.surface.sections import sizes_of
from benign.surface.training_risks import training_risks


@dataclass(frozen=True, eq=False)
class Reading:
    """A place on the surface ``of`` this name, read when it is needed; its interval has a level."""

    of: str
    read: Callable[..., Place]

    def __call__(self, surfaces: Surfaces, level: float = LEVEL) -> Place:
        """Where it is."""
        return self.read(surfaces[self.of], level=level)

    def over(self, other: Reading, allowed: tuple[float, float], unit: str) -> Judge:
        """That the ratio to another place lies within ``allowed``."""
        inside = f"inside {allowed[0]:.3g} to {allowed[1]:.3g}"
        test = f"intervals of level {{level}} over draws of both, the wide way round, {inside}"
        return within(allowed, lambda *at: self(*at).over(other(*at)), of=self.of, test=test, unit=unit)


@dataclass(frozen=True, eq=False)
class Slice:
    """A curve of the test risk along one axis, and where its peak is to be.

    Attributes:
        name: of its claim.
        text: which curve.
        axis: what is counted along it.
        course: of the test risk.
        read: where EMC = n along the axis.
        band: the peak is to lie within this factor of it.
        factor: a peak that stands less above its higher side counts as none.
        paper: what the paper says of such a curve.
    """

    name: str
    text: str
    axis: str
    course: Course
    read: Callable[..., Place]
    band: float = REGIME_BAND
    factor: float = RELEVANT_FACTOR
    paper: str = "the peak is where EMC is about n (Nakkiran et al. 2020, Hypothesis 1)"

    @property
    def fitted(self) -> Reading:
        """Where EMC = n along the axis."""
        return Reading(self.course.of, self.read)

    @property
    def peak(self) -> Reading:
        """Where the test risk peaks."""
        of = self.course.of
        return Reading(of, lambda surface, level: _place(self.course.landmarks_at({of: surface}, level).peak))

    @property
    def judge(self) -> Judge:
        """That there is a peak, where EMC = n; the intervals of both places enter, the wide way round."""

        def landmarks(surfaces: Surfaces, level: float) -> Landmarks:
            found = self.course.landmarks_at(surfaces, level)
            if found.peak is None:
                return found
            value, low, high = _place(found.peak).over(self.fitted(surfaces, level))
            return replace(found, peak=replace(found.peak, position=value, position_interval=(low, high)))

        allowed = (1 - 1e-9) / self.band, (1 + 1e-9) * self.band
        return peak_at(landmarks, 1.0, allowed, scale_word=f"{self.axis} where EMC = n", factor=self.factor)


def _place(peak: Landmark | None) -> Place:
    return NOWHERE if peak is None else Place(peak.position, *peak.position_interval)


def places_picture(slices: Sequence[Slice], surfaces: Surfaces) -> Picture:
    """Every slice as a point, on the line where both its places agree."""
    marks = []
    for one in slices:
        peak, fitted = one.peak(surfaces), one.fitted(surfaces)
        if peak.is_found and fitted.is_found:
            marks.append((one.name.replace("_", " "), fitted.value, peak.value))
    values = [fitted for _, fitted, _ in marks] or [1.0, 10.0]
    line, band = np.geomspace(min(values) / 2.0, 2.0 * max(values), 50), REGIME_BAND
    equal = Series(name="equal", positions=line, median=line, low=line / band, high=line * band, role=Role.REFERENCE)
    display = CurveDisplay(
        title="Where the test risk peaks, against where the effective complexity is n",
        series=(equal,),
        x_label="position at which EMC = n, from training risks alone",
        y_label="position of the test peak",
        y_limits=(float(line[0]) / band, float(line[-1]) * band),
        caption=f"Band: within a factor {band:g}. Each point is one curve, in units of its own axis; its number is the "
        "position of the peak.",
    )
    question = "Do the peaks over size, samples and time have one cause?"
    ratios = listed(format_number(peak / fitted) for _, fitted, peak in marks) or "unknown"
    sentence = f"Both places are found in {len(marks)} of {len(slices)} curves; peak / place where EMC = n: {ratios}."
    claims = [one.name for one in slices]
    return Picture("peak_and_complexity", question, marked(display, *marks), sentence, claims)


def known(place: Place) -> str:
    """A place in a sentence."""
    return format_number(place.value) if math.isfinite(place.value) else "an unknown number of"


def criterion_picture(widths: xr.Dataset, n: int) -> Picture:
    """The test loss, and below it both training risks, in units in which the tolerance is one number."""
    lines, places = [], {}
    criteria: dict[str, Criterion] = {"loss": "objective", "zero-one error": "error"}
    for (name, criterion), role in zip(criteria.items(), (Role.TRAIN, Role.NORM), strict=True):
        places[name] = fitted_size(widths, samples=n, criterion=criterion)
        risks = widths.assign({name: (DIMENSIONS, training_risks(widths, criterion))})
        lines.append(Line(section=risks, metric=name, name=name, role=role))
    landmarks = over_sizes("widths", "test_loss", estimator=None).landmarks_at({"widths": widths})
    draw = partial(curve_of, y_log=True, threshold=threshold_line(places["loss"], words="EMC = n at"))
    test = [Line(section=widths, metric="test_loss", name="test")]
    tolerance, limits = level("tolerance", sizes_of(widths), TOLERANCE), (TOLERANCE / 20.0, 1.0)
    fitted = draw(lines, title="Training risk", y_label="training risk", also=[tolerance], y_limits=limits)
    found = {f"{name} from {format_number(at.value)} units:": at.value for name, at in places.items() if at.is_found}
    panels = (
        draw(test, title="Test loss", y_label="test loss", landmarks=landmarks),
        marked(fitted, *((label, at, TOLERANCE) for label, at in found.items())),
    )
    title, question = (
        f'Two readings of "fitted", networks on {n} samples',
        "Which training risk tells where the peak is?",
    )
    loss, error = map(known, places.values())
    peak = "at no confirmed place" if landmarks.peak is None else f"at {format_number(landmarks.peak.position)} units"
    sentence = (
        f"The test loss peaks {peak}; the training loss falls to {TOLERANCE:g} of a constant's at {loss} units, the "
        f"zero-one training error to {TOLERANCE:g} at {error} units."
    )
    claims = ("networks_over_width", "error_reads_too_high", "error_does_not_mark_the_peak")
    return Picture("criterion", question, StackedDisplay(title=title, panels=panels), sentence, claims)
