"""Findings and pictures of any measured surface: what can be asked of a curve along size that no paper has drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import xarray as xr

from benign.curves import Finding, Landmarks, cross_fitted_difference
from benign.curves.claims import no_peak_claim, peak_position_claim
from benign.foundation.conventions import REGIME_BAND
from benign.plots import CurveDisplay
from benign.schema import LABEL_NOISE
from benign.surface.curve import Curve

# Fewer points are no curve.
_FEWEST_SIZES = 5


@dataclass(frozen=True, kw_only=True, eq=False)
class SizeCurve:
    """The test loss along size at one n, one time and one level of label noise.

    Attributes:
        words: where it was measured: ``"n = 200, label noise 0.2"``.
        curve: the test loss.
        findings: what holds of it.
    """

    words: str
    curve: Curve
    findings: tuple[Finding, ...]

    @property
    def landmarks(self) -> Landmarks:
        """Of the test loss."""
        return self.curve.landmarks

    def display(self) -> CurveDisplay:
        """The test loss with the train loss beside it."""
        return self.curve.display()


def size_curves(surface: xr.Dataset) -> Iterator[SizeCurve]:
    """Each curve along size that the surface holds, at the last time, levels of label noise outermost."""
    if surface.sizes["size"] < _FEWEST_SIZES or not {"train_loss", "test_loss"} <= surface.data_vars.keys():
        return
    levels: list[float | None] = [None] if LABEL_NOISE not in surface.dims else surface[LABEL_NOISE].values.tolist()
    for level, samples in product(levels, surface["samples"].values.tolist()):
        section = surface if level is None else surface.sel({LABEL_NOISE: level})
        section = section.sel(samples=samples).isel(time=-1).dropna("replicate", how="all", subset=["test_loss"])
        if section.sizes["replicate"]:
            words = f"n = {samples:,}" + ("" if level is None else f", label noise {level:g}")
            curve = Curve(metric="test_loss", dim="size", section=section)
            yield SizeCurve(words=words, curve=curve, findings=_findings(words, curve))


def _findings(words: str, curve: Curve) -> tuple[Finding, ...]:
    name = "".join(letter if letter.isalnum() else "_" for letter in words.replace(" ", ""))
    landmarks, threshold = curve.landmarks, curve.threshold
    if threshold is None:
        claim = f"At {words}, the test loss has no peak of 25 % or more along size"
        return (no_peak_claim(name=f"{name}_no_peak", claim=claim, landmarks=landmarks, paper=""),)
    findings = [
        peak_position_claim(
            name=f"{name}_peak_at_threshold",
            claim=f"At {words}, the test loss peaks within a factor {REGIME_BAND:g} of the interpolation threshold",
            landmarks=landmarks,
            scale=threshold.value,
            allowed=(1.0 / REGIME_BAND, REGIME_BAND),
            paper="",
            scale_word="threshold",
            unit="times threshold",
        )
    ]
    sizes, values, edge = curve.positions, curve.values, threshold.value
    largest, others = "the largest size", "size below"
    if threshold.is_inverse:
        sizes, values, edge = -sizes[::-1], values[:, ::-1], -edge
        largest, others = "the smallest value, the largest size,", "value above"
    below = sizes < edge
    if below.any() and not below[-1]:
        findings.append(
            cross_fitted_difference(
                name=f"{name}_second_descent",
                claim=f"At {words}, {largest} has a lower test loss than the best {others} the threshold",
                values=(values[:, below], np.ascontiguousarray(values[:, -1])),
                unit="loss",
                paper="",
            )
        )
    return tuple(findings)
