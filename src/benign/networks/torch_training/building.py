"""A module as the user builds it, looked at before it is trained: whatever it can do wrong gets a sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from benign.foundation.errors import InvalidArgument, attempted, invalid
from benign.foundation.replicate import Replicate
from benign.foundation.split import Split
from benign.foundation.wording import told
from benign.networks.torch_training.data import Place, default_dtype
from benign.networks.torch_training.randomness import addressed_seed, seed_all

_PROBED = 2  # samples; of one alone some layers make no row
_IS_A_SHARE = 1e-5


@dataclass(frozen=True, kw_only=True, eq=False)
class Builder:
    """Builds modules.

    Attributes:
        build: of a size, the user's module.
        name: what messages call it.
        place: where its parameters are put.
        gives_logits: whether its outputs must not be probabilities.
    """

    build: Callable[[int], Any]
    name: str
    place: Place
    gives_logits: bool

    def module(self, size: int, split: Split, inputs: torch.Tensor) -> torch.nn.Module:
        """The module of a size with its initial weights, which the split's replicate addresses.

        Args:
            size: of it.
            split: which it will be trained on.
            inputs: some of its samples, on the device.

        Raises:
            InvalidArgument: where it cannot be built, called or trained on such a split.
        """
        module = self._built(size, split.replicate)
        self._probe(module, size, split, inputs[:_PROBED])
        if not trained_parameters(module):
            raise InvalidArgument(f"{self.name} has no trained parameters at size {size}; there is nothing to train.")
        return module

    def check_seed(self, size: int, split: Split, inputs: torch.Tensor) -> None:
        """Build twice under one seed.

        Raises:
            InvalidArgument: where the two differ, or are one.
        """
        first, second = (self.module(size, split, inputs) for _ in range(2))
        if first is second:
            raise InvalidArgument(
                f"{self.name} returns the same module twice; build a new one in each call, so that each starts anew."
            )
        own, others = named_tensors(first), named_tensors(second)
        held = {id(tensor) for tensor in others.values()}
        for name, tensor in own.items():
            # What is frozen may be shared: nothing of one training comes to another through it.
            if id(tensor) in held and (tensor.requires_grad or not isinstance(tensor, torch.nn.Parameter)):
                raise InvalidArgument(
                    f"{self.name} gives two modules the same tensor {name}; make it anew in each call."
                )
        if own.keys() != others.keys() or not all(torch.equal(own[name], others[name]) for name in own):
            raise InvalidArgument(
                f"{self.name} ignores its seed: two modules built under the same one differ at size {size}; let all "
                "randomness come from PyTorch's, NumPy's or Python's global state, which is seeded before each call."
            )

    def _built(self, size: int, replicate: Replicate) -> torch.nn.Module:
        seed_all(addressed_seed(replicate, "initial weights", size))

        def refused(error: BaseException) -> InvalidArgument:
            return InvalidArgument(
                f"{self.name} cannot be built at size {size} ({told(error)}); correct it, or leave this size out."
            )

        with default_dtype(torch.float32):  # the same initial weights in every precision
            module = attempted(lambda: self.build(size), refused)
        if not isinstance(module, torch.nn.Module):
            raise invalid("build", f"must return a torch.nn.Module, got {type(module).__name__} at size {size}.")
        for name, tensor in named_tensors(module).items():
            if tensor.is_complex():
                raise InvalidArgument(
                    f"{self.name} has complex numbers in {name}, which would become real; hold their real and "
                    "imaginary parts, and join them by torch.complex where they are used."
                )
        return attempted(lambda: module.to(self.place.device, self.place.dtype), refused)

    def _probe(self, module: torch.nn.Module, size: int, split: Split, inputs: torch.Tensor) -> None:
        """Call it on two samples, which also gives lazy layers their shapes."""
        module.eval()
        with torch.no_grad():
            outputs = attempted(lambda: module(inputs), lambda error: self._uncalled(error, size, inputs))
        module.to(self.place.device, self.place.dtype)
        rows = checked_outputs(outputs, len(inputs), split, f"{self.name} at size {size}", inputs, module)
        if self.gives_logits and rows.shape[1] > 1 and _are_probabilities(rows):
            raise InvalidArgument(
                f"{self.name} gives probabilities, and a cross-entropy needs logits: leave the softmax at its end out."
            )

    def _uncalled(self, error: BaseException, size: int, inputs: torch.Tensor) -> InvalidArgument:
        advice = _flatten_advice(inputs) if "shape" in str(error) else "correct it, or leave this size out"
        shape = tuple(inputs.shape)
        return InvalidArgument(
            f"{self.name} cannot be called on inputs of the shape {shape} at size {size} ({told(error)}); {advice}."
        )


def named_tensors(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Parameters and buffers, shared ones once."""
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}


def trained_parameters(module: torch.nn.Module) -> list[torch.nn.Parameter]:
    """Those that require a gradient, shared ones once."""
    return [parameter for parameter in module.parameters() if parameter.requires_grad]


def checked_outputs(
    outputs: object, rows: int, split: Split, who: str, inputs: torch.Tensor, module: torch.nn.Module
) -> torch.Tensor:
    """A module's outputs as a matrix of one row a sample.

    Raises:
        InvalidArgument: for outputs of another shape.
    """
    wanted = split.train_targets.shape[1]
    if not isinstance(outputs, torch.Tensor):
        raise InvalidArgument(f"{who} must give a tensor, got {type(outputs).__name__}.")
    if outputs.shape == (rows,) and wanted == 1:
        return outputs[:, None]
    if outputs.shape != (rows, wanted):
        is_linear = outputs.shape[-1:] == (wanted,) and outputs.ndim > 2
        advice = f"; {_flatten_advice(inputs)}" if is_linear and _begins_linear(module) else ""
        kind = "one a class" if split.classes is not None else "one a target"
        raise InvalidArgument(
            f"{who} gives outputs of the shape {tuple(outputs.shape)} for inputs of the shape {tuple(inputs.shape)}; "
            f"it must be ({rows}, {wanted}), {kind}{advice}."
        )
    return outputs


def _begins_linear(module: torch.nn.Module) -> bool:
    leaves = [part for part in module.modules() if not list(part.children())]
    return bool(leaves) and isinstance(leaves[0], torch.nn.Linear)


def _flatten_advice(inputs: torch.Tensor) -> str:
    return "begin with nn.Flatten()" if inputs.ndim > 2 else "correct it, or leave this size out"


def _are_probabilities(rows: torch.Tensor) -> bool:
    return bool((rows >= 0).all() and ((rows.sum(dim=1) - 1).abs() <= _IS_A_SHARE).all())
