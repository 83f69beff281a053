"""Tuning without the test set: the ridge of smallest exact leave-one-out loss, for each replicate and size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from benign.schema import DIMENSIONS


def tuned_by_leave_one_out(surfaces: Sequence[xr.Dataset]) -> xr.Dataset:
    """One surface from several that differ in a setting: at each cell the one of smallest leave-one-out loss.

    The leave-one-out loss uses training samples and their (noisy) labels alone, so the test risk stays untouched.
    """
    stacked = xr.concat(surfaces, dim="setting", data_vars="all", coords="minimal", compat="override", join="exact")
    loss = stacked["leave_one_out_loss"].fillna(np.inf)
    chosen = loss.argmin("setting")
    tuned = stacked.isel(setting=chosen)
    for name in ("train_loss_constant", "test_error_constant", "parameters"):
        tuned[name] = surfaces[0][name]
    return tuned.drop_vars("setting", errors="ignore").transpose(*DIMENSIONS).assign_attrs(surfaces[0].attrs)
