"""What a figure is: a named reproduction with its measurement at each scale, its findings and its pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import xarray as xr

from benign.curves import Finding, Verdict, holm
from benign.curves.findings import LEVEL
from benign.experiments.environment import Environment
from benign.figures.measurement import Measured
from benign.plots import Display

Surfaces = Mapping[str, xr.Dataset]
SCALES = ("smoke", "quick", "standard", "paper")


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One picture of a figure: what it asks, what it shows and the one sentence that says what to see in it.

    ``claims`` names the findings that belong beneath it.
    """

    name: str
    heading: str
    display: Display
    sentence: str
    claims: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What a headline is made of: surfaces, and the verdicts on them by the names of their claims."""

    surfaces: Surfaces
    verdicts: Mapping[str, Verdict]

    def holds(self, *names: str) -> bool:
        """Whether all of these claims hold."""
        return all(self.verdicts[name] is Verdict.HOLDS for name in names)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A published figure that this package reproduces.

    ``declared`` says what is measured at a scale, by the names of the surfaces. The rest are pure functions of these,
    so that a stored surface tells the same story as a new one. ``primary_claims`` names the paper's own claims, the
    most telling first, before they are measured: they share one level (Holm), all others are secondary and uncorrected.
    """

    name: str
    title: str
    paper: str
    number: str
    revision: int
    primary_claims: tuple[str, ...]
    declared: Callable[[str], Iterable[tuple[str, Measured]]]
    findings: Callable[[Surfaces], tuple[Finding, ...]]
    pictures: Callable[[Surfaces], tuple[Picture, ...]]
    answer: Callable[[Judged], str]
    lede: Callable[[Surfaces], str]

    def measure(self, scale: str, seed: int, environment: Environment) -> Iterator[tuple[str, xr.Dataset]]:
        """The surfaces by name, each as soon as it is done."""
        for name, one in self.declared(scale):
            yield name, one.measured(self.name, scale, seed=seed, environment=environment)

    def level_of(self, claim: str) -> float:
        """Level of the intervals that a claim is read from: Bonferroni's for a primary one, which Holm's then holds."""
        return 1.0 - (1.0 - LEVEL) / (len(self.primary_claims) if claim in self.primary_claims else 1)

    def judge(self, surfaces: Surfaces) -> tuple[Finding, ...]:
        """The findings, the primary ones at one level together."""
        return holm(self.findings(surfaces), self.primary_claims)

    def headline(self, surfaces: Surfaces, findings: Sequence[Finding]) -> str:
        """What was found, in at most twenty words."""
        return self.answer(Judged(surfaces=surfaces, verdicts={one.name: one.verdict for one in findings}))
