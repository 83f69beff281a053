"""Claims as figures declare them: what is said, by whom, and how it is decided; what became of it is a Finding.

A test reads the surfaces when a claim is judged, so that all claims of a figure are known before it is measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypedDict, TypeVar

import numpy as np
import xarray as xr
from jaxtyping import Float

from benign.curves import Finding, Landmarks, higher_claim, interval_claim, mean_interval, paired_claim
from benign.curves.claims import (
    RELEVANT_FACTOR,
    below_margin_claim,
    more_than_half_claim,
    no_peak_claim,
    peak_position_claim,
)
from benign.curves.findings import as_factor
from benign.curves.paired_claims import Side, Statistic

Surfaces = Mapping[str, xr.Dataset]
Table = TypeVar("Table")


class Said(TypedDict):
    """What a claim tells its finding."""

    name: str
    claim: str
    paper: str


Judge = Callable[[Surfaces, Said, float], Finding]
"""How a claim is decided: of the surfaces, at a level where its test needs one beforehand."""


@dataclass(frozen=True)
class Claim:
    """What is said.

    Attributes:
        name: of its finding.
        text: a sentence without full stop.
        judge: decides it.
        paper: the paper's number or statement; empty where it says nothing of it.
        is_primary: one of the paper's own claims, which share one level (Holm); the others are uncorrected.
    """

    name: str
    text: str
    judge: Judge
    paper: str = ""
    is_primary: bool = False

    def judged(self, surfaces: Surfaces, level: float) -> Finding:
        """What the surfaces say of it."""
        return self.judge(surfaces, Said(name=self.name, claim=self.text, paper=self.paper), level)


def primary(name: str, text: str, judge: Judge, paper: str = "") -> Claim:
    """One of the paper's own claims."""
    return Claim(name, text, judge, paper, is_primary=True)


def secondary(name: str, text: str, judge: Judge, paper: str = "") -> Claim:
    """A claim beside these."""
    return Claim(name, text, judge, paper)


@dataclass(frozen=True, eq=False)
class Values:
    """One number a replicate, read when a claim is judged; sums, differences, ratios and sizes are values too."""

    read: Callable[[Surfaces], Float[np.ndarray, " replicates"]]
    unit: str = ""

    def __add__(self, other: Values) -> Values:
        return Values(lambda surfaces: self.read(surfaces) + other.read(surfaces), self.unit)

    def __sub__(self, other: Values) -> Values:
        return Values(lambda surfaces: self.read(surfaces) - other.read(surfaces), self.unit)

    def __truediv__(self, other: Values) -> Values:
        return Values(lambda surfaces: self.read(surfaces) / other.read(surfaces), self.unit)

    def __abs__(self) -> Values:
        return Values(lambda surfaces: np.abs(self.read(surfaces)), self.unit)

    def __rmul__(self, factor: float) -> Values:
        return Values(lambda surfaces: factor * self.read(surfaces), self.unit)


def once(read: Callable[[Surfaces], Table]) -> Callable[[Surfaces], Table]:
    """The same reading, done once for the surfaces that it was last asked of: for several claims that share it."""
    last: list[tuple[Surfaces, Table]] = []

    def shared(surfaces: Surfaces) -> Table:
        if not last or last[0][0] is not surfaces:
            last[:] = [(surfaces, read(surfaces))]
        return last[0][1]

    return shared


def read_from(of: str, read: Callable[[xr.Dataset], Float[np.ndarray, " replicates"]], unit: str = "") -> Values:
    """One number a replicate, of one surface."""
    return Values(lambda surfaces: read(surfaces[of]), unit)


def higher(one: Values, *, than: Values, factor: float = 1.0, unit: str | None = None) -> Judge:
    """That one is higher than another, or more than ``factor`` times as high, paired: see :func:`higher_claim`."""
    unit = one.unit if unit is None else unit
    return lambda surfaces, said, _: higher_claim(
        **said, higher=one.read(surfaces), lower=than.read(surfaces), factor=factor, unit=unit
    )


def typically_higher(one: Values, *, than: Values, unit: str | None = None) -> Judge:
    """That one is higher than another in the median replicate, told as a factor: for risks with heavy tails."""
    unit = one.unit if unit is None else unit

    def judged(surfaces: Surfaces, said: Said, _: float) -> Finding:
        with np.errstate(divide="ignore"):
            ratios = np.log(one.read(surfaces)) - np.log(than.read(surfaces))
        return as_factor(paired_claim(**said, differences=ratios, statistic="median"), unit)

    return judged


def above(
    differences: Values, margin: float = 0.0, *, unit: str | None = None, statistic: Statistic = "mean",
    side: Side = "above",
) -> Judge:  # fmt: skip
    """That paired differences are above (or below) a margin: see :func:`paired_claim`; log ratios told as a factor."""
    unit = differences.unit if unit is None else unit

    def judged(surfaces: Surfaces, said: Said, _: float) -> Finding:
        values = differences.read(surfaces)
        found = paired_claim(**said, differences=values, margin=margin, unit=unit, statistic=statistic, side=side)
        return as_factor(found, unit) if statistic == "log ratio" else found

    return judged


def with_test(words: str, judge: Judge) -> Judge:
    """The same, whose test first says what is read of each replicate: "Spearman correlation within strata of width"."""

    def judged(surfaces: Surfaces, said: Said, level: float) -> Finding:
        found = judge(surfaces, said, level)
        return replace(found, test=f"{words}, {found.test}")

    return judged


def below_margin(differences: Values, margin: float, *, opposite: str = "") -> Judge:
    """That their mean is below a margin: see :func:`below_margin_claim`."""
    return lambda surfaces, said, _: below_margin_claim(
        **said, differences=differences.read(surfaces), margin=margin, unit=differences.unit, opposite=opposite
    )


def more_than_half(part: Values, whole: Values) -> Judge:
    """That a part is more than half of the whole: see :func:`more_than_half_claim`."""
    return lambda surfaces, said, _: more_than_half_claim(
        **said, part=part.read(surfaces), whole=whole.read(surfaces), unit=part.unit
    )


Interval = Callable[[Surfaces, float], tuple[float, float, float]]
"""A number with the ends of its interval at a level."""


def within(
    allowed: tuple[float, float], read: Interval, *, of: str, test: str, unit: str = "", is_place: bool = True
) -> Judge:
    """That a number with its interval lies within ``allowed``: see :func:`interval_claim`.

    ``of`` names the surface whose replicates are counted; ``test`` may name the ``{level}``.
    """

    def judged(surfaces: Surfaces, said: Said, level: float) -> Finding:
        estimate, *interval = read(surfaces, level)
        return interval_claim(
            **said,
            estimate=estimate,
            interval=(interval[0], interval[1]),
            allowed=allowed,
            unit=unit,
            test=test.format(level=f"{level:.3g}"),
            replicates=surfaces[of].sizes["replicate"],
            level=level,
            is_place=is_place,
        )

    return judged


def mean_within(values: Values, allowed: tuple[float, float], *, test: str) -> Judge:
    """That Student's interval of the mean lies within ``allowed``; ``test`` may name the ``{level}``."""

    def judged(surfaces: Surfaces, said: Said, level: float) -> Finding:
        numbers = values.read(surfaces)
        return interval_claim(
            **said,
            estimate=float(numbers.mean()),
            interval=mean_interval(numbers, level=level),
            allowed=allowed,
            unit=values.unit,
            test=test.format(level=f"{level:.3g}"),
            replicates=len(numbers),
            level=level,
        )

    return judged


Read = Callable[[Surfaces, float], Landmarks]
"""Landmarks whose intervals have a level."""


def peak_at(
    landmarks: Read, scale: float, allowed: tuple[float, float], *, scale_word: str = "n", unit: str = "",
    factor: float = RELEVANT_FACTOR,
) -> Judge:  # fmt: skip
    """That there is a peak, at ``allowed`` times ``scale``: see :func:`peak_position_claim`."""
    return lambda surfaces, said, level: peak_position_claim(
        **said,
        landmarks=landmarks(surfaces, level),
        scale=scale,
        allowed=allowed,
        scale_word=scale_word,
        unit=unit,
        factor=factor,
        level=level,
    )


def no_peak(landmarks: Read, factor: float = RELEVANT_FACTOR) -> Judge:
    """That there is no peak that stands a ``factor`` above both sides: see :func:`no_peak_claim`."""
    return lambda surfaces, said, level: no_peak_claim(
        **said, landmarks=landmarks(surfaces, level), factor=factor, level=level
    )
