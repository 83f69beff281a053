"""A PyTorch module at one moment: a copy of it that is evaluated with any parameters, and nothing of the user's.

Its trained parameters, those that ``requires_grad``, are one row of numbers in the order of ``named_parameters``. What
else a module holds, buffers and frozen parameters, stays as it was when the copy was made.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from benign.foundation.errors import InvalidArgument, attempted, invalid
from benign.foundation.global_randomness import random_states_kept
from benign.foundation.wording import told

ROWS = 1024
"""Samples that are evaluated at once unless said."""

_KINDS = (torch.float32, torch.float64)
_HALVES = (torch.float16, torch.bfloat16)


@dataclass(frozen=True, kw_only=True, eq=False)
class Snapshot:
    """A copy of a module.

    Attributes:
        module: the copy, in the mode of the original.
        argument: what errors call it.
    """

    module: torch.nn.Module
    argument: str

    @property
    def trained(self) -> dict[str, torch.nn.Parameter]:
        """The trained parameters, by name."""
        return {name: one for name, one in self.module.named_parameters() if one.requires_grad}

    @property
    def dtype(self) -> torch.dtype:
        """The precision of the trained parameters, the widest of theirs."""
        kinds = {one.dtype for one in self.trained.values()}
        return torch.float64 if torch.float64 in kinds else torch.float32

    @property
    def device(self) -> torch.device:
        """Where inputs go."""
        return next(iter(self.module.parameters())).device

    def row(self) -> Float[np.ndarray, " m"]:
        """The trained parameters as one row."""
        parts = [one.detach().to("cpu", self.dtype).reshape(-1) for one in self.trained.values()]
        return torch.cat(parts).numpy()

    def pieces(self, row: torch.Tensor) -> dict[str, torch.Tensor]:
        """The parameters that a row holds, by name; what is computed of them can be differentiated in the row."""
        sizes = [one.numel() for one in self.trained.values()]
        return {
            name: part.reshape(one.shape).to(one.device, one.dtype)
            for (name, one), part in zip(self.trained.items(), torch.split(row, sizes), strict=True)
        }

    def outputs(self, numbers: Mapping[str, torch.Tensor], inputs: torch.Tensor) -> torch.Tensor:
        """The outputs (rows x K) with some parameters and buffers replaced; buffers of the copy stay as they are.

        Raises:
            InvalidArgument: if the module fails, or gives no row of numbers for each input.
        """
        buffers = {name: one.clone() for name, one in self.module.named_buffers()}

        def called() -> Any:
            return torch.func.functional_call(self.module, {**buffers, **numbers}, (inputs.to(self.device),))

        found = attempted(called, self._failure)
        if not isinstance(found, torch.Tensor) or found.ndim not in (1, 2) or len(found) != len(inputs):
            kind = f"the shape {tuple(found.shape)}" if isinstance(found, torch.Tensor) else type(found).__name__
            raise invalid(
                self.argument, f"must give one row of outputs for each of {len(inputs)} inputs, got {kind}; wrap it."
            )
        return found.reshape(len(found), -1)

    def _failure(self, error: BaseException) -> InvalidArgument:
        return invalid(
            self.argument, f"raised {told(error)}; give it inputs of the shape and type that it takes in training."
        )


def snapshot(module: torch.nn.Module, *, argument: str = "network", single: bool = False) -> Snapshot:
    """A copy of a module with what it holds now.

    Args:
        module: any; compiled ones are taken as they were before.
        argument: what errors call it.
        single: whether half precision becomes single.

    Raises:
        InvalidArgument: for a module that cannot be copied, without trained parameters, or with parameters in which no
            slope can be measured.
    """
    original = getattr(module, "_orig_mod", module)
    if any(isinstance(one, torch.nn.parameter.UninitializedParameter) for one in original.parameters()):
        raise invalid(argument, "has parameters without a shape yet; call it once on some inputs.")
    copied: torch.nn.Module = attempted(
        lambda: copy.deepcopy(original),
        lambda error: invalid(argument, f"cannot be copied: {told(error)}; keep tensors in parameters and buffers."),
    )
    if single and any(one.dtype in _HALVES for one in copied.parameters()):
        copied = copied.float()
    found = Snapshot(module=copied, argument=argument)
    if not found.trained:
        raise invalid(argument, "has no parameter that is trained; set requires_grad.")
    for one in found.trained.values():
        if one.dtype not in _KINDS or one.device.type == "meta":
            kind = "no numbers" if one.device.type == "meta" else f"parameters of type {one.dtype}"
            raise invalid(
                argument,
                f"holds {kind}, in which no slope or curvature can be measured; convert them to float32 or float64.",
            )
    return found


def samples_of(values: Any, dtype: torch.dtype) -> torch.Tensor:
    """An array or tensor as a tensor, real numbers in a precision, integers as they are.

    Raises:
        InvalidArgument: for what is no array.
    """
    found: torch.Tensor = attempted(
        lambda: values.detach() if isinstance(values, torch.Tensor) else torch.tensor(np.asarray(values)),
        lambda error: invalid("inputs", f"must be one array or tensor, got {type(values).__name__}: {told(error)}."),
    )
    return found.to(dtype) if found.is_floating_point() else found


def check_evaluated(network: Snapshot, inputs: torch.Tensor) -> torch.Tensor:
    """The outputs on some inputs, if they depend on these and the parameters alone.

    Raises:
        InvalidArgument: for a module whose outputs are random or those of training, or cannot be differentiated.
    """
    with random_states_kept():
        with torch.enable_grad():
            outputs = network.outputs(network.trained, inputs)
        modes = {module: module.training for module in network.module.modules()}
        network.module.eval()
        try:
            with torch.no_grad():
                again = network.outputs({}, inputs)
        finally:
            for module, mode in modes.items():
                module.training = mode
    if not torch.allclose(outputs, again, rtol=1e-4, atol=1e-6, equal_nan=True):
        raise invalid(
            network.argument,
            "gives other outputs in training than in evaluation (dropout or batch normalisation); call .eval() first."
            if any(modes.values())
            else "gives other outputs each time that it is called; what is measured must be a function of its inputs.",
        )
    if not outputs.requires_grad:
        raise invalid(
            network.argument,
            "gives outputs that cannot be differentiated in its parameters; leave out argmax, detach, no_grad and "
            "NumPy in its forward.",
        )
    return outputs.detach()


@contextmanager
def full_precision() -> Iterator[None]:
    """Products of float32 in float32, whatever the user allows for training."""
    products, convolutions = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(products)
        torch.backends.cudnn.allow_tf32 = convolutions
