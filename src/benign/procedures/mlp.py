"""Multilayer perceptrons of any depth, sized by the width of their hidden layers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from benign.foundation.arguments import checked_name
from benign.foundation.numbers import checked_count
from benign.networks.activations import ACTIVATIONS
from benign.networks.devices import DeviceName
from benign.networks.training import Training
from benign.procedures import network_training

if TYPE_CHECKING:
    from benign.networks.dense import MLPFamily

_TRAINING = Training()


@dataclass(frozen=True, kw_only=True)
class MLP:
    """A multilayer perceptron whose hidden layers are equally wide, initialised as PyTorch's ``Linear``.

    With d inputs, K outputs and D hidden layers of H units it has (d + 1) H + (D - 1) (H + 1) H + (H + 1) K weights and
    biases. A network of a population equals the same network trained alone, up to rounding.

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
    parameters = network_training.parameters
    least_bytes = network_training.least_bytes
    check = network_training.check
    retrained = network_training.retrained
    batches = network_training.batches
    measure = network_training.measure
    predict = network_training.predict

    depth: int = 2
    activation: Literal["relu", "tanh", "gelu", "silu", "softplus", "sigmoid"] = "relu"
    training: Training = _TRAINING
    device: DeviceName = None

    def __post_init__(self) -> None:
        network_training.check_settings(self)
        checked_count("depth", self.depth)
        checked_name("activation", self.activation, ACTIVATIONS)

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

    @property
    def family(self) -> MLPFamily:
        """Its networks."""
        from benign.networks.dense import MLPFamily

        return MLPFamily(depth=self.depth, activation=self.activation)

    def train(self, request: network_training.Request) -> network_training.Recordings:
        return network_training.train_widths(self.family, self.training, request)
