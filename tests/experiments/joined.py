"""The surface of measured blocks by xarray's own concatenation: the oracle of what is assembled in place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from benign import schema
from benign.foundation.replicate import Replicate
from benign.schema import MeasuredBlock

CELL = ("replicate", "size", "time", "samples")


def join(parts: Sequence[MeasuredBlock], replicates: Sequence[Replicate]) -> xr.Dataset:
    """The surface of all parts, replicates in the given order; what is missing (an interrupted sweep) is NaN."""
    by_samples: dict[int, list[MeasuredBlock]] = {}
    for part in parts:
        by_samples.setdefault(part.samples, []).append(part)
    slices = [_one_n(by_samples[samples]) for samples in sorted(by_samples)]
    joined = xr.concat(slices, dim="samples", data_vars="minimal", coords="minimal", compat="override", join="outer")
    present = set(joined.replicate.values.tolist())
    order = [schema.label(replicate) for replicate in replicates if schema.label(replicate) in present]
    return schema.check(schema.described(joined.sel(replicate=order).transpose(*schema.DIMENSIONS)))


def _one_n(parts: Sequence[MeasuredBlock]) -> xr.Dataset:
    """The parts of one n, which differ in their replicates alone, as a surface."""
    first = parts[0].block
    replicates = [replicate for part in parts for replicate in part.block.replicates]
    data: dict[str, tuple[Sequence[str], np.ndarray]] = {
        name: (CELL, np.concatenate([part.block.metrics[name] for part in parts])[..., None]) for name in first.metrics
    }
    data["outcome"] = (CELL, np.concatenate([part.block.outcome for part in parts])[..., None])
    data["parameters"] = (("size",), first.parameters)
    for name in ("train_loss_constant", "test_error_constant"):
        data[name] = (("samples", "replicate"), np.concatenate([getattr(part, name) for part in parts])[None])
    return xr.Dataset(
        data,
        coords={
            "size": first.sizes,
            "time": first.times,
            "samples": [parts[0].samples],
            **schema.replicate_coordinates(replicates),
        },
    )
