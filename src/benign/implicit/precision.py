"""The precision in which a trained network is evaluated: its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import equinox as eqx
import jax
import numpy as np


@contextmanager
def own_precision(network: eqx.Module) -> Iterator[None]:
    """JAX computes in float64 if the network's numbers are float64, and never in less than float32."""
    leaves = jax.tree.leaves(eqx.filter(network, eqx.is_array))
    is_double = any(leaf.dtype == np.float64 for leaf in leaves)
    with jax.enable_x64(is_double), jax.default_matmul_precision("float32"):
        yield
