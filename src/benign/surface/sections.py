"""Reading a surface for a figure: arrays of one metric along one axis, early stopping, medians."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import xarray as xr
from jaxtyping import Float

from benign.curves import Landmarks, find_landmarks
from benign.curves.early_stopping import EarlyStopping, stop_early
from benign.curves.findings import LEVEL
from benign.curves.landmarks import interpolation_threshold
from benign.surface.size_direction import is_read_inversely, wrong_way_note


def along_size(surface: xr.Dataset, metric: str) -> Float[np.ndarray, "replicates sizes"]:
    """A metric of a surface with one time and one n, one row a replicate."""
    return np.asarray(surface[metric].isel(time=0, samples=0).transpose("replicate", "size").values, dtype=np.float64)


def sizes_of(surface: xr.Dataset) -> Float[np.ndarray, " sizes"]:
    """The size axis."""
    return np.asarray(surface["size"].values, dtype=np.float64)


def samples_of(surface: xr.Dataset) -> int:
    """The number of training samples of a surface that has one."""
    return int(surface["samples"].values[0])


def landmarks_along_size(surface: xr.Dataset, metric: str, *, level: float = LEVEL) -> Landmarks:
    """Landmarks of a metric along the size axis, their intervals and the peak test at ``level``."""
    constant = np.asarray(surface["train_loss_constant"].isel(samples=0).values, dtype=np.float64)
    is_read = not wrong_way_note(surface)
    return find_landmarks(
        sizes_of(surface),
        along_size(surface, metric),
        along_size(surface, "train_loss") if is_read else None,
        constant if is_read else None,
        level=level,
        seed=int(surface.attrs.get("seed", 0)),
        is_fitted_below=is_read_inversely(surface),
    )


def at_size(surface: xr.Dataset, metric: str, size: int) -> Float[np.ndarray, " replicates"]:
    """A metric at the measured size nearest to ``size``, one number a replicate."""
    values = surface[metric].isel(time=0, samples=0).sel(size=size, method="nearest")
    return np.asarray(values.values, dtype=np.float64)


def median_of(values: Float[np.ndarray, "..."]) -> float:
    """Median of the numbers that there are, for a training that diverged has none; NaN where there is none at all."""
    numbers = values[~np.isnan(values)]
    return float(np.median(numbers)) if numbers.size else float("nan")


def median_at_size(surface: xr.Dataset, metric: str, size: int) -> float:
    """Median over replicates of :func:`at_size`."""
    return median_of(at_size(surface, metric, size))


def along_samples(surface: xr.Dataset, metric: str) -> Float[np.ndarray, "replicates samples"]:
    """A metric at the end of training, of a surface with one size, one row a replicate."""
    values = surface[metric].isel(time=-1, size=0).transpose("replicate", "samples").values
    return np.asarray(values, dtype=np.float64)


def along_time(surface: xr.Dataset, metric: str, size: int) -> Float[np.ndarray, "replicates times"]:
    """A metric of a surface with one n, at one of its sizes, one row a replicate."""
    values = surface[metric].isel(samples=0).sel(size=size).transpose("replicate", "time").values
    return np.asarray(values, dtype=np.float64)


def over_size_and_time(surface: xr.Dataset, metric: str) -> Float[np.ndarray, "replicates sizes times"]:
    """A metric of a surface with one n."""
    values = surface[metric].isel(samples=0).transpose("replicate", "size", "time").values
    return np.asarray(values, dtype=np.float64)


def stopping_of(surface: xr.Dataset) -> EarlyStopping:
    """Each network of a surface with one n stopped at the epoch of its smallest validation error.

    Validation is one half of the test set, its labels as noisy as in training. All that is read off, the oracle too, is
    the error on the other half.
    """
    return stop_early(
        over_size_and_time(surface, "validation_error"), over_size_and_time(surface, "test_error_held_out")
    )


def landmarks_along_samples(
    surface: xr.Dataset, values: Float[np.ndarray, "replicates samples"], *, level: float = LEVEL
) -> Landmarks:
    """Landmarks of a curve over n; the threshold is the largest n that is still fitted, the mirror image of a size's.

    ``values`` are of the surface's one size at the end of training.
    """
    positions, seed = surface["samples"].values.astype(np.float64), int(surface.attrs.get("seed", 0))
    found = find_landmarks(positions, values, None, None, level=level, seed=seed)
    share = (
        along_samples(surface, "train_loss") / surface["train_loss_constant"].transpose("replicate", "samples").values
    )
    mirrored = interpolation_threshold(
        -positions[::-1], share[:, ::-1], np.ones(len(values)), level=level, seed=seed
    )  # fmt: skip
    if mirrored is None:
        return found
    low, high = mirrored.position_interval
    threshold = replace(
        mirrored,
        index=len(positions) - 1 - mirrored.index,
        position=-mirrored.position,
        position_interval=(-high, -low),
    )
    return replace(found, threshold=threshold)
