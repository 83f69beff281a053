"""What a figure is: a named reproduction that says what it measures, claims and shows at each scale."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import xarray as xr

from benign.curves import Finding, Verdict, holm
from benign.curves.findings import LEVEL
from benign.experiments.declaration import Experiment
from benign.experiments.environment import Environment
from benign.figures.claims import Claim, Surfaces
from benign.figures.measurement import Declared, Edition, experiments_of, measured
from benign.plots import Display

SCALES = ("smoke", "quick", "standard", "paper")
Scale = TypeVar("Scale")


@dataclass(frozen=True)
class Picture:
    """One picture of a figure: what it asks, what it shows and the one sentence that says what to see in it.

    ``claims`` names the findings that belong beneath it.
    """

    name: str
    heading: str
    display: Display
    sentence: str
    claims: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Results(Generic[Scale]):
    """What a figure's words and pictures are made of: its scale, its surfaces, and what became of its claims."""

    at: Scale
    surfaces: Surfaces
    findings: Mapping[str, Finding]

    def __getitem__(self, surface: str) -> xr.Dataset:
        return self.surfaces[surface]

    def claims(self, *patterns: str) -> list[str]:
        """Names of the claims that match a pattern, ``"*_penalty_*"``, pattern by pattern."""
        return [name for pattern in patterns for name in fnmatch.filter(self.findings, pattern)]

    def verdict(self, name: str) -> Verdict:
        """On the claim of this name."""
        return self.findings[name].verdict

    def holds(self, *names: str) -> bool:
        """Whether all of these claims hold."""
        return all(self.verdict(name) is Verdict.HOLDS for name in names)


@dataclass(frozen=True, kw_only=True)
class Figure(Generic[Scale]):
    """A published figure that this package reproduces.

    Attributes:
        name: of its module, by which it is asked for.
        title: what it is about.
        paper: whose figure it is.
        number: which one.
        revision: raised when what it measures, or what its words and pictures are made of, changes.
        scales: what each of :data:`SCALES` measures; committed before its first run.
        experiments: what is measured at a scale: an experiment for each surface, or several that make one.
        claims: what is claimed at a scale, known before it is measured.
        pictures: made of the results, in reading order.
        headline: what was found, in at most twenty words.
        lede: the three to five numbers behind it.
    """

    name: str
    title: str
    paper: str
    number: str
    revision: int
    scales: Mapping[str, Scale]
    experiments: Callable[[Scale], Iterable[Declared]]
    claims: Callable[[Scale], Iterable[Claim]]
    pictures: Callable[[Results[Scale]], Iterable[Picture]]
    headline: Callable[[Results[Scale]], str]
    lede: Callable[[Results[Scale]], str]

    def measure(self, scale: str, seed: int, environment: Environment) -> Iterator[tuple[str, xr.Dataset]]:
        """The surfaces by name, each as soon as it is done."""
        return measured(self.experiments(self.scales[scale]), self._edition(scale, seed), environment)

    def runs(self, scale: str, seed: int = 0) -> list[Experiment]:
        """The experiments behind the surfaces, each named as its run: ``"belkin2019_fourier quick, clean"``."""
        return experiments_of(self.experiments(self.scales[scale]), self._edition(scale, seed))

    def _edition(self, scale: str, seed: int) -> Edition:
        return Edition(figure=self.name, scale=scale, seed=seed)

    def primary_claims(self, scale: str) -> tuple[str, ...]:
        """Names of the paper's own claims."""
        return tuple(claim.name for claim in self.claims(self.scales[scale]) if claim.is_primary)

    def judge(self, scale: str, surfaces: Surfaces) -> tuple[Finding, ...]:
        """The findings; the primary ones share one level: Holm's for tests, Bonferroni's for intervals, before it."""
        claims, primary = list(self.claims(self.scales[scale])), self.primary_claims(scale)
        shared = 1.0 - (1.0 - LEVEL) / max(1, len(primary))
        return holm([one.judged(surfaces, shared if one.is_primary else LEVEL) for one in claims], primary)

    def results(self, scale: str, surfaces: Surfaces, findings: Sequence[Finding] | None = None) -> Results[Scale]:
        """What words and pictures are made of; judged unless the findings are given."""
        found = self.judge(scale, surfaces) if findings is None else findings
        return Results(at=self.scales[scale], surfaces=surfaces, findings={one.name: one for one in found})
