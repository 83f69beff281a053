"""Claims that something is where the effective model complexity is n, and slices whose peak is to be there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from benign.curves import Landmark, Landmarks
from benign.curves.claims import RELEVANT_FACTOR
from benign.curves.findings import LEVEL
from benign.figures.claims import Judge, Surfaces, peak_at, within
from benign.figures.courses import Course
from benign.foundation.conventions import REGIME_BAND
from benign.surface.complexity_places import NOWHERE, Place


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
        fitted: where EMC = n along the axis.
        band: the peak is to lie within this factor of it.
        factor: a peak that stands less above its higher side counts as none.
        paper: what the paper says of such a curve.
    """

    name: str
    text: str
    axis: str
    course: Course
    fitted: Reading
    band: float = REGIME_BAND
    factor: float = RELEVANT_FACTOR
    paper: str = "the peak is where EMC is about n (Nakkiran et al. 2020, Hypothesis 1)"

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
