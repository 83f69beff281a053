"""A history as a surface: one size, one training set, many times."""

from __future__ import annotations

import numpy as np

from benign.foundation.errors import invalid
from benign.foundation.replicate import Replicate
from benign.histories.history import History
from benign.surface import Surface

_CURVES = {
    "validation_loss": "validation_loss",
    "validation_error": "validation_error",
    "train_loss": "train_loss",
    "train_error": "train_error",
    "validation_loss_averaged": "averaged_loss",
    "validation_error_averaged": "averaged_error",
    "test_loss": "test_loss",
    "test_error": "test_error",
}


def surface_of(history: History) -> Surface:
    """The recorded risks over time, at size 1: the log does not know the size of its model.

    Raises:
        InvalidArgument: without the number of training samples.
    """
    import xarray as xr

    from benign import schema

    if history.train_samples is None:
        raise invalid("train_samples", "must be told for a surface: it has an axis of the number of training samples.")
    axes = ("size", "time", "samples", "replicate")
    curves = {name: getattr(history, field) for name, field in _CURVES.items()}
    risks = {name: (axes, curve[None, :, None, None]) for name, curve in curves.items() if curve is not None}
    coordinates = {
        "size": np.array([1]),
        "time": history.times,
        "samples": np.array([history.train_samples]),
        **schema.replicate_coordinates([Replicate()]),
    }
    attributes = {"title": "training log", "time_name": f"{history.axis}s", "size_name": "size"}
    return Surface(schema.described(xr.Dataset(risks, coords=coordinates, attrs=attributes)))
