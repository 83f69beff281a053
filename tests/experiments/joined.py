"""The surface of measured blocks by xarray's own concatenation: the oracle of what is assembled in place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from benign import schema
from benign.foundation.replicate import Replicate
from benign.schema import Block

CELL = ("replicate", "size", "time", "samples")


def join(parts: Mapping[int, Block], replicates: Sequence[Replicate]) -> xr.Dataset:
    """The surface of the block of each n, replicates in the given order; what is missing is NaN."""
    slices = [_one_n(samples, parts[samples]) for samples in sorted(parts)]
    joined = xr.concat(slices, dim="samples", data_vars="minimal", coords="minimal", compat="override", join="outer")
    present = set(joined.replicate.values.tolist())
    order = [schema.label(replicate) for replicate in replicates if schema.label(replicate) in present]
    return schema.check(schema.described(joined.sel(replicate=order).transpose(*schema.DIMENSIONS)))


def _one_n(samples: int, block: Block) -> xr.Dataset:
    data: dict[str, tuple[Sequence[str], np.ndarray]] = {
        name: (CELL, values[..., None]) for name, values in {**block.metrics, "outcome": block.outcome}.items()
    }
    data["parameters"] = (("size",), block.parameters)
    data |= {name: (("samples", "replicate"), values[None]) for name, values in block.constants.items()}
    return xr.Dataset(
        data,
        coords={
            "size": block.sizes,
            "time": block.times,
            "samples": [samples],
            **schema.replicate_coordinates(block.replicates),
        },
    )
