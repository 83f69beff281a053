"""Claims about one metric along one axis: higher here than there, or above or below the best before a place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from jaxtyping import Float

from benign.curves import Finding, higher_claim
from benign.curves.claims import below_the_best_claim, rises_claim
from benign.surface.sections import along_samples, along_size, median_of, sample_counts_of, sizes_of

_UNITS = {"test_loss": "loss"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Course:
    """One metric along one axis, one row a replicate.

    ``paper`` is what is said of each claim unless it is said otherwise.
    """

    positions: Float[np.ndarray, " K"]
    values: Float[np.ndarray, "R K"]
    unit: str
    paper: str = ""

    def at(self, position: float) -> Float[np.ndarray, " R"]:
        """At the measured place nearest to ``position``."""
        return self.values[:, int(np.abs(self.positions - position).argmin())].copy()

    def median(self, position: float) -> float:
        """Of those at the place that have a number."""
        return median_of(self.at(position))

    def before(self, position: float) -> Float[np.ndarray, "R some"]:
        """At all places below ``position``."""
        return self.values[:, self.positions < position]

    def higher(
        self, name: str, claim: str, at: float, than: float, *, on: Course | None = None, factor: float = 1.0,
        paper: str = "",
    ) -> Finding:  # fmt: skip
        """That it is higher ``at`` one place ``than`` at another, there of the course ``on``, by a factor, paired."""
        return higher_claim(
            name=name, claim=claim, higher=self.at(at), lower=(on or self).at(than), factor=factor, unit=self.unit,
            paper=paper or self.paper,
        )  # fmt: skip

    def rises(self, name: str, claim: str, place: float, *, before: float | None = None, paper: str = "") -> Finding:
        """That it is higher at ``place`` than where it is lowest ``before`` it, or before another place."""
        return rises_claim(
            name=name, claim=claim, values=self.before(place if before is None else before), peak=self.at(place),
            unit=self.unit, paper=paper or self.paper,
        )  # fmt: skip

    def falls_below_the_best(self, name: str, claim: str, place: float, *, before: float, paper: str = "") -> Finding:
        """That it is lower at ``place`` than where it is lowest ``before`` another place."""
        return below_the_best_claim(
            name=name, claim=claim, references=self.before(before), candidate=self.at(place), unit=self.unit,
            paper=paper or self.paper,
        )  # fmt: skip


def over_sizes(surface: xr.Dataset, metric: str, *, unit: str = "", paper: str = "") -> Course:
    """A metric of a surface with one time and one n."""
    unit = unit or _UNITS.get(metric, "zero-one error")
    return Course(positions=sizes_of(surface), values=along_size(surface, metric), unit=unit, paper=paper)


def over_samples(surface: xr.Dataset, metric: str, *, unit: str, paper: str = "") -> Course:
    """A metric of a surface with one size, at the end of training."""
    return Course(positions=sample_counts_of(surface), values=along_samples(surface, metric), unit=unit, paper=paper)
