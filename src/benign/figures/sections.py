"""Reading a surface for a figure: arrays of one metric along one axis."""

from __future__ import annotations

import numpy as np
import xarray as xr
from jaxtyping import Float

from benign.curves import Landmarks, find_landmarks


def along_size(surface: xr.Dataset, metric: str) -> Float[np.ndarray, "replicates sizes"]:
    """A metric of a surface with one time and one n, one row a replicate."""
    return np.asarray(surface[metric].isel(time=0, samples=0).transpose("replicate", "size").values, dtype=np.float64)


def sizes_of(surface: xr.Dataset) -> Float[np.ndarray, " sizes"]:
    """The size axis."""
    return np.asarray(surface["size"].values, dtype=np.float64)


def samples_of(surface: xr.Dataset) -> int:
    """The number of training samples of a surface that has one."""
    return int(surface["samples"].values[0])


def landmarks_along_size(surface: xr.Dataset, metric: str) -> Landmarks:
    """Landmarks of a metric along the size axis."""
    return find_landmarks(
        sizes_of(surface),
        along_size(surface, metric),
        along_size(surface, "train_loss"),
        np.asarray(surface["train_loss_constant"].isel(samples=0).values, dtype=np.float64),
        seed=int(surface.attrs.get("seed", 0)),
    )


def at_size(surface: xr.Dataset, metric: str, size: int) -> Float[np.ndarray, " replicates"]:
    """A metric at the measured size nearest to ``size``, one number a replicate."""
    values = surface[metric].isel(time=0, samples=0).sel(size=size, method="nearest")
    return np.asarray(values.values, dtype=np.float64)
