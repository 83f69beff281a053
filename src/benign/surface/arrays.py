"""A surface out of somebody else's numbers: arrays of each metric, and the axes that they stand on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from jaxtyping import Float
from numpy.typing import ArrayLike

from benign import schema
from benign.foundation.arrays import as_array, number_array
from benign.foundation.errors import invalid
from benign.foundation.replicate import Replicate, paired_replicates
from benign.foundation.wording import shown

_OF_A_SET = ("train_loss_constant", "test_error_constant")  # of one training set, whatever the model
_ORDER = ("replicate", "samples", "size", "time")


def surface_from_arrays(
    metrics: Mapping[str, ArrayLike],
    *,
    size: ArrayLike,
    samples: ArrayLike,
    time: ArrayLike | None = None,
    replicates: Sequence[Replicate] | None = None,
    attributes: Mapping[str, object] | None = None,
) -> xr.Dataset:
    """The Dataset of a surface; see :meth:`benign.Surface.from_arrays` for the shapes.

    Args:
        metrics: of ``benign.schema.METRICS``; ``train_loss_constant`` and ``test_error_constant`` of each
            (replicate, samples), ``parameters`` of each size and ``outcome`` may be among them.
        size: the sizes, increasing.
        samples: the numbers of training samples, increasing.
        time: the training times; None for the end of training.
        replicates: of each row; paired ones unless said.
        attributes: of the surface.

    Raises:
        InvalidArgument: for an unknown metric, or an array whose shape does not fit the axes.
    """
    axes = {
        "samples": _axis("samples", samples),
        "size": _axis("size", size),
        "time": np.array([schema.END_OF_TRAINING]) if time is None else _axis("time", time),
    }
    if not isinstance(metrics, Mapping) or not metrics:
        raise invalid("metrics", 'must hold at least one array by its name, for example {"test_loss": values}.')
    known = [*schema.METRICS, *schema.ALWAYS]
    metrics = {schema.asked_name(name, known=known): values for name, values in metrics.items()}
    arrays = {name: _placed(name, values, axes) for name, values in metrics.items() if name != "parameters"}
    count = max(len(values) for values in arrays.values()) if arrays else 1
    for name, values in arrays.items():
        if len(values) not in (1, count):
            raise invalid(
                "metrics", f"has {len(values)} replicates of {name} and {count} of another; give as many of each."
            )
    rows = tuple(replicates) if replicates is not None else paired_replicates(count)
    if len(rows) != count:
        raise invalid("replicates", f"must have one for each of the {count} rows, got {len(rows)}.")
    return schema.check(schema.described(_dataset(arrays, axes, rows, metrics.get("parameters"), attributes or {})))


def _axis(name: str, values: ArrayLike) -> Float[np.ndarray, " K"]:
    positions = _numbers(name, values)
    kind, is_place = "number", ~np.isnan(positions) if name == "time" else np.isfinite(positions)
    if name == "samples":
        kind, is_place = (
            "whole number of at least 1",
            is_place & (positions >= 1.0) & (positions == np.floor(positions)),
        )
    if positions.ndim != 1 or not positions.size or not is_place.all() or np.any(positions[1:] <= positions[:-1]):
        raise invalid(name, f"must be one {kind} or several that increase, got {shown(values)}.")
    return positions


def _numbers(argument: str, values: ArrayLike) -> Float[np.ndarray, "..."]:
    array = np.atleast_1d(as_array(argument, values))
    return number_array(argument, array, axes=array.ndim)


def _placed(
    name: str, values: ArrayLike, axes: Mapping[str, Float[np.ndarray, " K"]]
) -> Float[np.ndarray, "replicate samples *rest"]:
    """The array with all its axes, those of length one put in where they are missing."""
    array = _numbers("metrics", values)
    wanted = [len(axes[axis]) for axis in _ORDER[1:] if not (name in _OF_A_SET and axis in ("size", "time"))]
    long = [length for length in wanted if length > 1]
    for shape in (array.shape[1:], array.shape):
        if [length for length in shape if length != 1] == long and len(shape) <= len(wanted):
            return array.reshape(len(array) if array.ndim > len(shape) else 1, *wanted)
    named = ", ".join(f"{axis} {length}" for axis, length in zip(_ORDER[1:], wanted, strict=False))
    raise invalid(
        "metrics",
        f"has {name} of the shape {array.shape}, which does not fit (replicate, {named}); only axes of length one may "
        "be left out.",
    )


def _dataset(
    arrays: Mapping[str, Float[np.ndarray, "replicate samples *rest"]],
    axes: Mapping[str, Float[np.ndarray, " K"]],
    replicates: Sequence[Replicate],
    parameters: ArrayLike | None,
    attributes: Mapping[str, object],
) -> xr.Dataset:
    count, shape = len(replicates), tuple(len(axes[axis]) for axis in _ORDER[1:])
    of_a_set = {name: arrays.get(name, np.full((1, shape[0]), np.nan)) for name in _OF_A_SET}
    outcome = arrays.get("outcome", np.zeros((1, *shape))).astype(np.int8)
    cells = {name: values for name, values in arrays.items() if name not in of_a_set} | {"outcome": outcome}
    numbers = _numbers("metrics", np.nan if parameters is None else parameters)
    if numbers.shape not in ((1,), (shape[1],)):
        raise invalid(
            "metrics", f"must have one number of parameters for each of {shape[1]} sizes, got {len(numbers)}."
        )
    data = {
        **{name: _variable(values, (count, *shape), schema.DIMENSIONS) for name, values in cells.items()},
        **{name: _variable(values, (count, shape[0]), ("samples", "replicate")) for name, values in of_a_set.items()},
        "parameters": xr.Variable("size", _whole(np.broadcast_to(numbers, shape[1]).copy())),
    }
    coordinates = {axis: _whole(positions) if axis != "time" else positions for axis, positions in axes.items()}
    return xr.Dataset(data, coords={**coordinates, **schema.replicate_coordinates(replicates)}, attrs=dict(attributes))


def _variable(values: np.ndarray, shape: tuple[int, ...], dims: tuple[str, ...]) -> xr.Variable:
    """Replicates last, as a surface has them."""
    order = [_ORDER.index(axis) for axis in dims]
    return xr.Variable(dims, np.broadcast_to(values, shape).transpose(order).copy())


def _whole(positions: Float[np.ndarray, " K"]) -> np.ndarray:
    return positions.astype(np.int64) if np.all(positions == np.floor(positions)) else positions
