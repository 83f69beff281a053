"""The precision in which a trained network is evaluated: that of its own parameters."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import equinox as eqx
import jax
import numpy as np

from benign.foundation.errors import invalid
from benign.networks.devices import loaded_jax

Tree = Any
"""A tree of arrays: the parameters of a network."""

_KINDS = {"float32", "float64"}


@contextmanager
def own_precision(tree: Tree) -> Iterator[None]:
    """JAX computes in float64 if a tree's arrays hold it, and never in less than float32, on a GPU in products too."""
    loaded_jax()
    dtype = np.result_type(*(leaf.dtype for leaf in jax.tree.leaves(eqx.filter(tree, eqx.is_array))))
    with jax.enable_x64(dtype == np.float64), jax.default_matmul_precision("float32"):
        yield


def checked_parameters(argument: str, tree: Tree) -> np.dtype[Any]:
    """The precision of a tree of parameters, the widest of its arrays.

    Raises:
        InvalidArgument: unless they are real floating-point numbers of single or double precision, at least one; the
            message names ``argument``.
    """
    leaves = jax.tree.leaves(tree)
    kinds = {str(leaf.dtype) if hasattr(leaf, "dtype") else type(leaf).__name__ for leaf in leaves}
    if sum(np.size(leaf) for leaf in leaves) == 0:
        raise invalid(argument, "holds no parameters, so there is nothing to differentiate in.")
    if not kinds <= _KINDS:
        raise invalid(
            argument,
            f"holds parameters of type {min(kinds - _KINDS)}, in which no slope or curvature can be measured; convert "
            "them to float32 or float64, and keep what is not trained out of the arrays.",
        )
    return np.dtype(np.float64 if "float64" in kinds else np.float32)
