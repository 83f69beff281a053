"""What a figure is: a named reproduction with its measurement at each scale, its findings and its pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import xarray as xr

from benign.curves import Finding, holm
from benign.curves.findings import LEVEL
from benign.experiments import IN_MEMORY, Executor, Place
from benign.foundation.progress import Progress
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
class MeasureOptions:
    """How a figure is measured; none of it changes the numbers but ``scale`` and ``seed``."""

    scale: str
    seed: int
    workers: int | None
    progress: Progress
    store: Place = IN_MEMORY
    executor: str | Executor | None = None


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A published figure that this package reproduces.

    ``measure`` gives the surfaces by name, each as soon as it is done. The rest are pure functions of them, so that a
    stored surface tells the same story as a new one. ``primary_claims`` names the paper's own claims, the most telling
    first, before they are measured: they share one level (Holm), all others are secondary and uncorrected.
    """

    name: str
    title: str
    paper: str
    number: str
    revision: int
    primary_claims: tuple[str, ...]
    measure: Callable[[MeasureOptions], Iterator[tuple[str, xr.Dataset]]]
    findings: Callable[[Surfaces], tuple[Finding, ...]]
    pictures: Callable[[Surfaces], tuple[Picture, ...]]
    headline: Callable[[Surfaces, tuple[Finding, ...]], str]
    lede: Callable[[Surfaces], str]

    def level_of(self, claim: str) -> float:
        """Level of the intervals that a claim is read from: Bonferroni's for a primary one, which Holm's then holds."""
        return 1.0 - (1.0 - LEVEL) / (len(self.primary_claims) if claim in self.primary_claims else 1)

    def judge(self, surfaces: Surfaces) -> tuple[Finding, ...]:
        """The findings, the primary ones at one level together."""
        return holm(self.findings(surfaces), self.primary_claims)
