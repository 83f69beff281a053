"""What the hidden layers of a PyTorch module make of its inputs, by hooks on a copy of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from benign.foundation.errors import among, invalid
from benign.implicit.torch_models.snapshot import (
    ROWS,
    check_evaluated,
    full_precision,
    samples_of,
    snapshot,
)

_ACTIVATIONS = tuple(
    getattr(torch.nn, name)
    for name in torch.nn.modules.activation.__all__
    if name not in ("MultiheadAttention", "Softmin", "Softmax", "Softmax2d", "LogSoftmax")
)


def module_features(
    module: torch.nn.Module, inputs: Any, layers: Sequence[str] | None = None
) -> tuple[Float[np.ndarray, "m width"], ...]:
    """Features after each activation, each a row for an input, in the order in which the module computes them.

    Args:
        module: in evaluation mode, if that makes a difference.
        inputs: (m, ...), whatever it takes.
        layers: names of its submodules after which to look instead; None for the activations or, where it has none
            among its submodules, for all that hold no others but the last one called.

    Raises:
        InvalidArgument: for a module or inputs that cannot be used, or names that it has not.
    """
    network = snapshot(module)
    samples = samples_of(inputs, network.dtype)
    if not len(samples):
        raise invalid("inputs", "must hold at least one sample.")
    check_evaluated(network, samples[:ROWS])
    chosen, drops_last = _chosen(network.module, layers)
    parts = []
    with torch.no_grad(), full_precision():
        for chunk in torch.split(samples, ROWS):
            with _listening(chosen, len(chunk)) as heard:
                network.outputs({}, chunk)
            parts.append(heard)
    features = tuple(torch.cat(layer).cpu().numpy() for layer in zip(*parts, strict=True))
    return features[:-1] if drops_last else features


def _chosen(module: torch.nn.Module, layers: Sequence[str] | None) -> tuple[list[torch.nn.Module], bool]:
    """The submodules after which to look, and whether the last of them gives the outputs."""
    named = {name: one for name, one in module.named_modules() if name}
    if layers is not None:
        if unknown := [name for name in layers if name not in named]:
            raise invalid("layers", f"must name submodules of the network; {among(list(named), *unknown)}")
        return [named[name] for name in layers], False
    if activations := [one for one in named.values() if isinstance(one, _ACTIVATIONS)]:
        return activations, False
    return [one for one in named.values() if not any(one.children())], True


@contextmanager
def _listening(modules: Sequence[torch.nn.Module], rows: int) -> Iterator[list[torch.Tensor]]:
    """What the modules give while the context lasts, in the order of their calls, flattened."""
    heard: list[torch.Tensor] = []

    def listen(module: torch.nn.Module, _: Any, given: Any) -> None:
        first = given[0] if isinstance(given, tuple) else given
        if not isinstance(first, torch.Tensor) or len(first) != rows:
            raise invalid("layers", f"must give one row of features for each input; {type(module).__name__} does not.")
        heard.append(first.detach().reshape(rows, -1).clone())

    hooks: list[Any] = [module.register_forward_hook(listen) for module in modules]
    try:
        yield heard
    finally:
        for hook in hooks:
            hook.remove()
