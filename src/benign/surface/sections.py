"""Reading a surface: its axes, sections that are surfaces again, arrays of one metric along one axis, landmarks.

All numbers are float64, replicates first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import xarray as xr
from jaxtyping import Float

from benign.curves import Landmarks, find_landmarks
from benign.curves.early_stopping import EarlyStopping, stop_early
from benign.curves.findings import LEVEL
from benign.curves.fitting_threshold import FittingThreshold, ThresholdEstimator
from benign.curves.threshold_reading import read_threshold
from benign.foundation.outcomes import Outcome
from benign.schema import LEARNING_RATE
from benign.surface.curve import Curve
from benign.surface.training_risks import relative_training_loss

# Axes ----------------------------------------------------------------------------------------------------------------


def sizes_of(surface: xr.Dataset) -> Float[np.ndarray, " sizes"]:
    """The size axis."""
    return _numbers(surface["size"])


def times_of(surface: xr.Dataset) -> Float[np.ndarray, " times"]:
    """The time axis."""
    return _numbers(surface["time"])


def sample_counts_of(surface: xr.Dataset) -> Float[np.ndarray, " samples"]:
    """The samples axis."""
    return _numbers(surface["samples"])


def rates_of(surface: xr.Dataset) -> Float[np.ndarray, " rates"]:
    """The learning rates of a surface that has several."""
    return _numbers(surface[LEARNING_RATE])


def samples_of(surface: xr.Dataset) -> int:
    """The number of training samples of a surface that has one."""
    return int(surface["samples"].values[0])


def parameters_of(surface: xr.Dataset) -> Float[np.ndarray, " sizes"]:
    """Trained parameters at each size; they do not depend on what stands before the size."""
    return _numbers(surface["parameters"]).reshape(-1, surface.sizes["size"])[0]


def seed_of(surface: xr.Dataset) -> int:
    """The root seed that it was measured with."""
    return int(surface.attrs.get("seed", 0))


def _numbers(values: xr.DataArray) -> Float[np.ndarray, "..."]:
    return np.asarray(values.values, dtype=np.float64)


# Sections that are surfaces -------------------------------------------------------------------------------------------


def at_end(surface: xr.Dataset) -> xr.Dataset:
    """The surface at its last time, which stays an axis of length one."""
    return surface.isel(time=[-1])


def at(surface: xr.Dataset, **positions: float) -> xr.Dataset:
    """The surface at one measured position of some axes, which stay as axes of length one."""
    return surface.sel({axis: [position] for axis, position in positions.items()})


def up_to_size(surface: xr.Dataset, largest: float) -> xr.Dataset:
    """The surface without the sizes beyond."""
    return surface.sel(size=slice(None, largest))


def along_both(surface: xr.Dataset, corner: float) -> xr.Dataset:
    """A path: the sizes up to ``corner`` at the first time, from there along the times; its places are size x time."""
    turn = int(np.flatnonzero(sizes_of(surface) == corner)[0])
    steps = np.arange(turn + surface.sizes["time"])
    rows, columns = np.minimum(steps, turn), np.maximum(steps - turn, 0)
    path = surface.isel(size=xr.DataArray(rows, dims="path"), time=xr.DataArray(columns, dims="path"))
    places = sizes_of(surface)[rows] * times_of(surface)[columns]
    return path.drop_vars(["size", "time"]).rename(path="size").assign_coords(size=places)


def over_parameters(surface: xr.Dataset, *, for_each_of: int = 1) -> xr.Dataset:
    """The surface with its sizes counted in trained parameters, or in those for each of so many numbers to fit."""
    return surface.assign_coords(size=surface["parameters"].values / for_each_of)


def described_as(surface: xr.Dataset, metric: str, words: str) -> xr.Dataset:
    """The surface with other words for what a metric is."""
    return surface.assign({metric: surface[metric].assign_attrs(long_name=words)})


def by_rate(surface: xr.Dataset) -> Iterator[xr.Dataset]:
    """The surface of each learning rate by itself."""
    return (surface.isel({LEARNING_RATE: place}) for place in range(surface.sizes[LEARNING_RATE]))


# Arrays of a metric ---------------------------------------------------------------------------------------------------


def along_size(surface: xr.Dataset, metric: str) -> Float[np.ndarray, "replicates sizes"]:
    """A metric of a surface with one time and one n, one row a replicate."""
    return _numbers(surface[metric].isel(time=0, samples=0).transpose("replicate", "size"))


def landmarks_along_size(
    surface: xr.Dataset, metric: str, *, level: float = LEVEL, estimator: ThresholdEstimator = "mean"
) -> Landmarks:
    """Landmarks of a metric along the size axis, their intervals and the peak test at ``level``."""
    section = surface.isel(time=0, samples=0)
    return Curve(metric=metric, dim="size", section=section, estimator=estimator).landmarks_at(level)


def at_size(surface: xr.Dataset, metric: str, size: int) -> Float[np.ndarray, " replicates"]:
    """A metric at the measured size nearest to ``size``, one number a replicate."""
    return _numbers(surface[metric].isel(time=0, samples=0).sel(size=size, method="nearest"))


def median_of(values: Float[np.ndarray, "..."]) -> float:
    """Median of the numbers that there are, for a training that diverged has none; NaN where there is none at all."""
    numbers = values[~np.isnan(values)]
    return float(np.median(numbers)) if numbers.size else float("nan")


def median_at_size(surface: xr.Dataset, metric: str, size: int) -> float:
    """Median over replicates of :func:`at_size`."""
    return median_of(at_size(surface, metric, size))


def along_samples(surface: xr.Dataset, metric: str) -> Float[np.ndarray, "replicates samples"]:
    """A metric at the end of training, of a surface with one size, one row a replicate."""
    return _numbers(surface[metric].isel(time=-1, size=0).transpose("replicate", "samples"))


def along_time(surface: xr.Dataset, metric: str, size: int | None = None) -> Float[np.ndarray, "replicates times"]:
    """A metric of a surface with one n, at one of its sizes, the first unless said; one row a replicate."""
    section = surface[metric].isel(samples=0)
    there = section.isel(size=0) if size is None else section.sel(size=size)
    return _numbers(there.transpose("replicate", "time"))


def over_size_and_time(surface: xr.Dataset, metric: str) -> Float[np.ndarray, "replicates sizes times"]:
    """A metric of a surface with one n."""
    return _numbers(surface[metric].isel(samples=0).transpose("replicate", "size", "time"))


def over_size_and_samples(surface: xr.Dataset, metric: str) -> Float[np.ndarray, "replicates sizes samples"]:
    """A metric at the end of training."""
    return _numbers(surface[metric].isel(time=-1).transpose("replicate", "size", "samples"))


def over_samples_and_time(surface: xr.Dataset, metric: str) -> Float[np.ndarray, "replicates samples times"]:
    """A metric of a surface with one size."""
    return _numbers(surface[metric].isel(size=0).transpose("replicate", "samples", "time"))


def over_rates(surface: xr.Dataset, metric: str) -> Float[np.ndarray, "replicates sizes times rates"]:
    """A metric of a surface with one n and several learning rates."""
    return _numbers(surface[metric].isel(samples=0).transpose("replicate", "size", "time", LEARNING_RATE))


def share_along_size(surface: xr.Dataset) -> Float[np.ndarray, "replicates sizes"]:
    """What training leaves of the best constant predictor's objective, of a surface with one time and one n."""
    return relative_training_loss(surface)[:, 0, 0].T


def share_along_time(surface: xr.Dataset) -> Float[np.ndarray, "replicates times"]:
    """The same of a surface with one size and one n."""
    return relative_training_loss(surface)[0, :, 0].T


def threshold_along_size(
    surface: xr.Dataset, *, estimator: ThresholdEstimator = "median", level: float = LEVEL
) -> FittingThreshold:
    """The smallest size that fits the training set, of a surface with one time and one n; infinite where none does."""
    positions, share = sizes_of(surface), share_along_size(surface).T
    return read_threshold(positions, share, estimator=estimator, level=level, seed=seed_of(surface))


def constant_errors(surface: xr.Dataset) -> Float[np.ndarray, " replicates"]:
    """Test error of always predicting the most frequent training class, of a surface with one n."""
    return _numbers(surface["test_error_constant"].isel(samples=0))


def best_median_error(surface: xr.Dataset) -> tuple[float, float]:
    """The lowest median test error of all cells, and that of the best constant; NaN where nothing was classified."""
    if "test_error" not in surface:
        return float("nan"), float("nan")
    return surface["test_error"].median("replicate").min().item(), surface["test_error_constant"].median().item()


def share_with_outcome(surface: xr.Dataset, *outcomes: Outcome) -> float:
    """Share of the cells whose training ended so."""
    return float(np.mean(np.isin(surface["outcome"].values, outcomes)))


def diverged_and_trained(surface: xr.Dataset) -> tuple[int, int]:
    """How many trainings diverged, at whatever time, and how many there were."""
    is_lost = (surface["outcome"] == Outcome.DIVERGED).any("time").values
    return int(is_lost.sum()), is_lost.size


# Landmarks and early stopping -----------------------------------------------------------------------------------------


def stopping_of(surface: xr.Dataset) -> EarlyStopping:
    """Each network of a surface with one n stopped at the epoch of its smallest validation error.

    Validation is one half of the test set, its labels as noisy as in training. All that is read off, the oracle too, is
    the error on the other half.
    """
    return stop_early(
        over_size_and_time(surface, "validation_error"), over_size_and_time(surface, "test_error_held_out")
    )


def landmarks_along_samples(
    surface: xr.Dataset,
    values: Float[np.ndarray, "replicates samples"],
    *,
    level: float = LEVEL,
    estimator: ThresholdEstimator = "mean",
) -> Landmarks:
    """Landmarks of a curve over n; the threshold is the largest n that is still fitted, the mirror image of a size's.

    ``values`` are of the surface's one size at the end of training.
    """
    positions, seed = sample_counts_of(surface), seed_of(surface)
    found = find_landmarks(positions, values, None, None, level=level, seed=seed)
    share = relative_training_loss(surface)[0, -1]
    read = read_threshold(positions, share, estimator=estimator, level=level, seed=seed, is_fitted_below=True)
    return replace(found, threshold=read) if read.has_place else found
