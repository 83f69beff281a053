"""Multilayer perceptrons of any depth, sized by the width of their hidden layers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Float, Int

from benign.foundation.errors import unknown_name
from benign.foundation.numbers import checked_count
from benign.foundation.replicate import Replicate
from benign.foundation.split import Split
from benign.networks.activations import ACTIVATIONS
from benign.networks.devices import DeviceName, require_jax
from benign.networks.training import Training
from benign.procedures.network_training import (
    Recordings,
    Request,
    batches_of_populations,
    check_moments,
    check_network,
    least_bytes_of_training,
    measure_networks,
    predict_networks,
    train_widths,
)
from benign.procedures.protocol import Predictions
from benign.schema import Block

_TRAINING = Training()


@dataclass(frozen=True, kw_only=True)
class MLP:
    """A multilayer perceptron whose hidden layers are equally wide, initialised as PyTorch's ``Linear``.

    Args:
        depth: number of hidden layers.
        activation: ``"relu"``, ``"tanh"``, ``"gelu"``, ``"silu"``, ``"softplus"`` or ``"sigmoid"``.
        training: how it is trained.
        device: ``"cpu"``, ``"gpu"`` or None for JAX's own choice; not part of what decides the numbers.

    Raises:
        InvalidArgument: for settings that cannot be used.
        MissingExtra: without JAX; ``pip install "benign[networks]"`` brings it.
    """

    revision: ClassVar[int] = 1
    size_name: ClassVar[str] = "hidden units"
    max_size: ClassVar[float] = math.inf

    depth: int = 2
    activation: Literal["relu", "tanh", "gelu", "silu", "softplus", "sigmoid"] = "relu"
    training: Training = _TRAINING
    device: DeviceName = None

    def __post_init__(self) -> None:
        require_jax("`MLP`")
        check_network(self.training, self.device)
        checked_count("depth", self.depth)
        if self.activation not in ACTIVATIONS:
            raise unknown_name("activation", self.activation, ACTIVATIONS)

    @property
    def time_name(self) -> str:
        return self.training.time_name

    @property
    def objective(self) -> str:
        return self.training.loss

    def spec(self) -> dict[str, object]:
        return {
            "procedure": "mlp",
            "depth": int(self.depth),
            "activation": self.activation,
            "training": self.training.spec(),
        }

    def parameters(self, size: int, split: Split) -> int:
        """Weights and biases."""
        from benign.networks.dense import MLPFamily

        family = MLPFamily(depth=self.depth, activation=self.activation)
        return family.parameters(size, inputs=split.train_inputs.shape[1], outputs=split.train_targets.shape[1])

    def least_bytes(self, samples: int, test_samples: int, size: int) -> float:
        """Of a network of one input and one output."""
        del test_samples
        parameters = 3 * size + 1 + (self.depth - 1) * (size + 1) * size
        return least_bytes_of_training(self.training, parameters, samples=samples, width=size, depth=self.depth)

    def check(self, samples: Sequence[int], times: Float[np.ndarray, " time"] | None) -> None:
        """Whether training on these numbers of samples has these times."""
        check_moments(self.training, samples, times)

    def batches(self, replicates: Sequence[Replicate]) -> Sequence[tuple[Replicate, ...]]:
        return batches_of_populations(replicates, self.device)

    def measure(
        self,
        splits: Sequence[Split],
        sizes: Int[np.ndarray, " size"],
        times: Float[np.ndarray, " time"] | None,
        metrics: frozenset[str],
    ) -> Block:
        return measure_networks(
            splits, sizes, times, metrics, training=self.training, spec=self.spec(), device=self.device,
            parameters=self.parameters, trainer=self._train,
        )  # fmt: skip

    def predict(
        self,
        split: Split,
        inputs: Float[np.ndarray, "m d"],
        sizes: Int[np.ndarray, " size"],
        times: Float[np.ndarray, " time"] | None = None,
    ) -> Iterator[Predictions]:
        return predict_networks(
            split, inputs, sizes, times, training=self.training, spec=self.spec(), device=self.device,
            trainer=self._train,
        )  # fmt: skip

    def _train(self, request: Request) -> Recordings:
        from benign.networks.dense import MLPFamily

        return train_widths(MLPFamily(depth=self.depth, activation=self.activation), self.training, request)
