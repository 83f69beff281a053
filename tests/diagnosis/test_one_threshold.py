"""One threshold: a curve, a surface and a search give the same type and, of the same risks, the same numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import benign
from benign.curves.fitting_threshold import FittingThreshold, ThresholdOutcome
from tests.diagnosis.known import Known

MML = benign.sources.mml()
QUIET: dict[str, Any] = {"workers": 1, "store": ":memory:"}


def surface_of(risks, sizes, *, time=None):
    """Risks (replicate x size), of the best constant's; or along times, of one size."""
    axes = {"size": sizes} if time is None else {"size": [7], "time": sizes}
    losses = {"train_loss": 3.0 * risks, "test_loss": 1.0 + risks}
    return benign.Surface.from_arrays(
        {**losses, "train_loss_constant": np.full((len(risks), 1), 3.0)}, samples=[50], **axes
    )  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**31), K=st.integers(2, 12), R=st.integers(1, 12), are_sizes_whole=st.booleans(),
    estimator=st.sampled_from(["mean", "median"]), is_inverse=st.booleans(),
)  # fmt: skip
def test_a_curve_and_a_surface_say_the_same(seed, K, R, are_sizes_whole, estimator, is_inverse):
    random = np.random.default_rng(seed)
    sizes = np.cumsum(random.integers(1, 30, size=K)) * (1.0 if are_sizes_whole else 0.37)
    share = 1.0 / (1.0 + np.exp(random.uniform(2, 12) * (np.log(sizes / sizes[K // 2]) + random.normal())))
    risks = share * np.exp(random.uniform(0, 1.5) * random.normal(size=(R, K)))
    surface = surface_of(risks[:, ::-1] if is_inverse else risks, sizes)
    if is_inverse:
        surface = benign.Surface(surface.dataset.assign_attrs(size_is_inverse=1))
    along_size = surface.curve("test_loss", estimator=estimator).threshold
    asked = surface.smallest_size(estimator=estimator)
    assert isinstance(asked, FittingThreshold)
    if asked.outcome is ThresholdOutcome.NONE_FITTED:
        assert along_size is None
    else:
        assert isinstance(along_size, FittingThreshold)
        np.testing.assert_equal(vars(along_size), vars(asked))  # NaN is not equal to itself
    assert f"{estimator} training objective" in asked.sentence
    if not is_inverse:
        in_time = surface_of(risks, sizes, time=True).shortest_time(estimator=estimator)
        np.testing.assert_equal((in_time.value, in_time.interval), (asked.value, asked.interval))


@dataclass(frozen=True, kw_only=True)
class AlongSize(Known):
    """The mean risk is a function of the size."""

    def of(self, size):
        return Known(mean=lambda _: self.mean(size), spread=self.spread)

    def measure(self, splits, sizes, times, metrics):
        risks = np.array([[self.of(size)._risk(split) for size in sizes.tolist()] for split in splits])[:, :, None]
        constant = np.array([np.sum(np.var(split.train_targets, axis=0)) for split in splits])[:, None, None]
        block = super().measure(splits, sizes, times, metrics)
        losses = {name: risks * constant if name.endswith("loss") else risks for name in metrics}
        return replace(block, metrics=losses)


@pytest.mark.parametrize("estimator", ["mean", "median"])
@pytest.mark.parametrize(("threshold", "spread"), [(13.0, 0.0), (137.0, 0.3), (0.5, 0.1), (5000.0, 0.1)])
def test_a_search_says_what_the_surface_of_its_trainings_says(threshold, spread, estimator):
    procedure = AlongSize(mean=lambda size: 1.0 / (1.0 + 49.0 * (size / threshold) ** 4), spread=spread)
    searched = benign.threshold_size(procedure, MML, samples=50, replicates=4, estimator=estimator, **QUIET)
    surface = benign.measure(
        procedure, MML, sizes=[int(size) for size in searched.evidence], samples=[50], replicates=4, **QUIET
    )
    read = surface.smallest_size(estimator=estimator)
    assert type(read) is type(searched)
    for name in ("value", "interval", "first_crossing", "outcome", "estimator", "evidence", "unit", "tolerance"):
        assert getattr(read, name) == getattr(searched, name), name
    assert f"{estimator} training objective" in searched.sentence


def test_a_curve_says_by_which_estimator():
    """The median gives 42, the mean 40: it is said which is which."""
    sizes = [30, 34, 38, 42, 46]
    risks = np.array([[0.5, 0.2, 0.03, 0.0, 0.0]] * 6)
    surface = surface_of(risks, sizes)
    curve = surface.curve("test_loss")
    assert curve.threshold == surface.smallest_size()
    assert (curve.threshold.value, curve.threshold.interval) == (40.0, (39.0, 42.0))
    assert "are the fewest at which the mean training objective is at most" in str(curve.threshold)
    assert "threshold at 40 (39 to 42), from the mean training risk" in str(curve)
    by_median = surface.curve("test_loss", estimator="median")
    assert (by_median.threshold.value, by_median.threshold.interval) == (42.0, (38.0, 42.0))
    assert "from the median training risk" in str(by_median)
