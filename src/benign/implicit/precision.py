"""The precision in which a trained network is evaluated: its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import equinox as eqx
import jax
import numpy as np

from benign.networks.devices import loaded_jax


@contextmanager
def own_precision(network: eqx.Module) -> Iterator[None]:
    """As :func:`precision_of` of the network's numbers."""
    with precision_of(np.result_type(*jax.tree.leaves(eqx.filter(network, eqx.is_array)))):
        yield


@contextmanager
def precision_of(dtype: np.dtype[Any]) -> Iterator[None]:
    """JAX computes in float64 if the numbers are float64, and never in less than float32, on a GPU too."""
    loaded_jax()
    with jax.enable_x64(dtype == np.float64), jax.default_matmul_precision("float32"):
        yield
