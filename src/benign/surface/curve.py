"""A section of a surface along one axis, with its landmarks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from jaxtyping import Float

from benign.curves import Landmark, Landmarks, PeakPlace, PeakTest, find_landmarks, peak_place
from benign.curves.findings import LEVEL
from benign.curves.fitting_threshold import FittingThreshold, ThresholdEstimator
from benign.schema import SOURCE_NOTES
from benign.surface.complexity import described
from benign.surface.size_direction import is_read_inversely, wrong_way_note

if TYPE_CHECKING:
    from benign.plots import CurveDisplay


@dataclass(frozen=True, kw_only=True, eq=False)
class Curve:
    """Risk along one axis, one row a replicate, with its landmarks."""

    metric: str
    dim: str
    section: xr.Dataset
    estimator: ThresholdEstimator = "mean"

    def __str__(self) -> str:
        """What is drawn over what, the landmarks, what the peak test says, and what there is to know of the data."""
        unit = self.section.attrs.get("size_name", "size") if self.dim == "size" else self.dim
        lines = [f"{self.metric.replace('_', ' ')} over {unit}", str(self.landmarks), self.note]
        lines.append(self.section.attrs.get(SOURCE_NOTES, ""))
        return "\n".join(filter(None, lines))

    @property
    def note(self) -> str:
        """Why no threshold is read along sizes, where they are read the wrong way round; empty elsewhere."""
        return wrong_way_note(self.section) if self.dim == "size" and self._share is not None else ""

    @property
    def _share(self) -> Float[np.ndarray, "replicates positions"] | None:
        """Training loss over the best constant predictor's; None where that fits some draw: of one class, say, and
        where either is not known.
        """
        if not {"train_loss", "train_loss_constant"} <= self.section.data_vars.keys():
            return None
        constant = self._numbers("train_loss_constant")
        if not np.all(constant > 0.0):
            return None
        return self._numbers("train_loss") / (constant if constant.ndim > 1 else constant[:, None])

    def _numbers(self, metric: str) -> Float[np.ndarray, "replicates *positions"]:
        return np.asarray(self.section[metric].transpose("replicate", ...).values, dtype=np.float64)

    @property
    def _is_inverse(self) -> bool:
        return self.dim == "size" and is_read_inversely(self.section)

    @property
    def positions(self) -> Float[np.ndarray, " positions"]:
        """Values of the axis."""
        return self.section[self.dim].values.astype(np.float64)

    @property
    def values(self) -> Float[np.ndarray, "replicates positions"]:
        """The metric, one row a replicate."""
        return self._numbers(self.metric)

    @cached_property
    def landmarks(self) -> Landmarks:
        """All landmarks, found together; the threshold is read from the training loss of the same section."""
        return self.landmarks_at(LEVEL)

    def landmarks_at(self, level: float) -> Landmarks:
        """The same, intervals and peak test at another level."""
        # A training draw of one class is fitted by the constant: then "fitted" says nothing and there is no threshold.
        share = self._share if self.dim == "size" and not self.note else None
        found = find_landmarks(
            self.positions,
            self.values,
            share,
            None if share is None else np.ones(len(share)),
            level=level,
            estimator=self.estimator,
            seed=int(self.section.attrs.get("seed", 0)),
            is_fitted_below=self._is_inverse,
        )
        if found.threshold is None:
            return found
        return replace(found, threshold=described(found.threshold, self.section, self.dim))

    @property
    def threshold(self) -> FittingThreshold | None:
        """The smallest size that fits the training set, as :meth:`benign.Surface.smallest_size` says it.

        The largest, of an inverse of a size. None where no size does, where some training draw holds one class only,
        and where sizes are read the wrong way round, as :attr:`note` says.
        """
        return self.landmarks.threshold

    @property
    def classical_minimum(self) -> Landmark | None:
        """The lowest point before the peak, or of the whole curve where there is none."""
        return self.landmarks.classical_minimum

    @property
    def peak(self) -> Landmark | None:
        """The highest point, if the peak test finds one."""
        return self.landmarks.peak

    @property
    def second_descent(self) -> Landmark | None:
        """The lowest point beyond the peak."""
        return self.landmarks.second_descent

    @property
    def first_better(self) -> Landmark | None:
        """Where the second descent first beats the classical minimum."""
        return self.landmarks.first_better

    @property
    def peak_test(self) -> PeakTest:
        """Whether there is a peak at all."""
        return self.landmarks.peak_test

    @property
    def predicted_peak(self) -> PeakPlace | None:
        """Where the test risk peaks along sizes or samples, if it does, from training risk alone.

        None along time, where some training draw holds one class only, and where too little was measured; see
        ``benign.curves.peak_place``.
        """
        share = self._share
        if self.dim == "time" or share is None or self.note:
            return None
        error = self._numbers("train_error") if "train_error" in self.section else None
        attributes = self.section.attrs
        return peak_place(
            self.positions,
            share,
            error=error,
            objective=attributes.get("objective", "squared"),
            is_fitted_below=self.dim == "samples" or self._is_inverse,
            unit="samples" if self.dim == "samples" else str(attributes["size_name"]),
        )

    def plot(self, ax: object = None) -> CurveDisplay:
        """Draw the curve with its landmarks; returns the Display that was drawn."""
        return self.display().plot(ax=ax)

    def display(self) -> CurveDisplay:
        """The Display of this curve: its numbers with their spread, landmarks and threshold."""
        from benign.surface.displays import curve_display

        return curve_display(self.section, self.metric, self.dim, self.landmarks)
