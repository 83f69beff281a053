"""Networks of several widths: how a figure measures them, and what it says of a risk with the test that decides it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Literal

import xarray as xr

from benign.curves.claims import RELEVANT_FACTOR
from benign.experiments.declaration import Experiment
from benign.figures.claims import Judge
from benign.figures.courses import Course
from benign.figures.network_drawing import listed, percent
from benign.foundation.number_words import format_number
from benign.networks.training import Training
from benign.surface.sections import at_end, median_at_size

UNITS = "hidden units"

# A claim's text and its judge: primary("rises", *error.rises(), "47.2 % to 54.1 %").
Statement = tuple[str, Judge]


@dataclass(frozen=True, kw_only=True)
class Networks:
    """Of several widths; claims are about one below the peak, that and the widest, fixed before they are judged."""

    widths: tuple[int, ...]
    narrow: int
    peak: int
    samples: int
    replicates: int
    training: Training

    @property
    def told(self) -> tuple[int, int, int]:
        """The widths of the claims."""
        return self.narrow, self.peak, self.widths[-1]

    @property
    def words(self) -> str:
        """Where these are: "at 24, 64 and 256 hidden units"."""
        return f"at {listed(self.told)} {UNITS}"

    def medians(self, surface: xr.Dataset, metric: str) -> str:
        """Of a metric there, at the end of training; errors in percent."""
        word = percent if "error" in metric else format_number
        return listed(word(median_at_size(at_end(surface), metric, width)) for width in self.told)

    @property
    def grid(self) -> partial[Experiment]:
        """What is measured, but for the source and the procedure."""
        return partial(Experiment, samples=[self.samples], sizes=self.widths, replicates=self.replicates)


@dataclass(frozen=True)
class OverWidth:
    """A risk over width, as the subject of sentences: ``words`` are "With averaged weights the test error"."""

    words: str
    course: Course
    networks: Networks

    def rises(self) -> Statement:
        """To the peak, from where it is lowest before."""
        peak = self.networks.peak
        return f"{self.words} rises from its best narrower width to {peak} {UNITS}", self.course.rises(peak)

    def falls(self, start: int, end: int) -> Statement:
        """From one width to another."""
        return f"{self.words} falls from {start} to {end} {UNITS}", self.course.higher(start, end)

    def ends(self, side: Literal["below", "above"]) -> Statement:
        """On which side of its lowest before the peak it is at the widest."""
        _, peak, widest = self.networks.told
        is_there = self.course.falls_below_the_best if side == "below" else self.course.rises
        text = f"{self.words} at {widest} {UNITS} is {side} that at the best width narrower than {peak}"
        return text, is_there(widest, before=peak)

    def peaks_between(self, widths: tuple[int, int], factor: float = RELEVANT_FACTOR) -> Statement:
        """That it has a peak, and where."""
        text = f"{self.words} peaks between {widths[0]} and {widths[1]} {UNITS}"
        return text, self.course.peaks_at(1.0, widths, scale_word=UNITS, factor=factor)

    def has_no_peak(self, factor: float = RELEVANT_FACTOR) -> Statement:
        """None of that height."""
        return f"{self.words} has no peak of {100 * (factor - 1):.0f} % or more", self.course.has_no_peak(factor)
