"""A network as a dense one: what measures that are defined layer by layer take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import equinox as eqx

from benign.foundation.errors import invalid
from benign.implicit.torch_models.recognition import is_torch_module
from benign.networks.dense import Dense

if TYPE_CHECKING:
    import torch


def as_dense(network: eqx.Module | torch.nn.Module, *, argument: str = "network") -> Dense:
    """A dense network as it is, and a plain PyTorch MLP as one that computes the same, of copies of its weights.

    Norms and weight matching take such modules themselves; this is for whatever else takes a network of this package,
    and a part of this package's own.

    Args:
        network: an MLP of this package, or an ``nn.Sequential`` of ``nn.Linear`` with one activation between them.
        argument: what errors call it.

    Raises:
        InvalidArgument: for another.
    """
    if is_torch_module(network):
        from benign.implicit.torch_models.dense_modules import dense_of

        return dense_of(network, argument)
    if not isinstance(network, Dense):
        raise invalid(argument, f"must be a dense network, got {type(network).__name__}; use MLPFamily.")
    return network
