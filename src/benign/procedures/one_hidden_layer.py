"""The network of Belkin et al. 2019: one hidden layer, with or without weights reused from the next smaller network."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Literal

import numpy as np

from benign.foundation.errors import invalid
from benign.foundation.numbers import checked_count
from benign.networks.devices import DeviceName
from benign.networks.training import Training
from benign.procedures import network_training

_TRAINING = Training(loss="squared", optimizer="momentum", learning_rate=1e-3)


@dataclass(frozen=True, kw_only=True)
class OneHiddenLayer:
    """One hidden layer of ReLU units, initialised uniformly after Glorot & Bengio 2010 with zero biases.

    Source: Belkin, Hsu, Ma, Mandal 2019 (PNAS 116:15849), Figure 3 and appendix.

    Args:
        weight_reuse: False: every width is trained from its own random weights. A chain of widths: the network of each
            starts from the trained one of the width before, its further weights N(0, 0.01), as the paper trains
            below the interpolation threshold; only widths of the chain can be measured. The peak of the published curve
            lives on this branch: measure both.
        training: how it is trained; by default squared loss and momentum. One of your own says its loss itself.
        device: ``"cpu"``, ``"gpu"`` or None for JAX's own choice; not part of what decides the numbers.

    Raises:
        InvalidArgument: for a chain that does not increase.
        MissingExtra: without JAX; ``pip install "benign[networks]"`` brings it.
    """

    revision: ClassVar[int] = 1
    size_name: ClassVar[str] = "hidden units"
    depth: ClassVar[int] = 1
    parameters = network_training.parameters
    least_bytes = network_training.least_bytes
    check = network_training.check
    retrained = network_training.retrained
    batches = network_training.batches
    measure = network_training.measure
    predict = network_training.predict

    weight_reuse: Literal[False] | tuple[int, ...] = False
    training: Training = _TRAINING
    device: DeviceName = None

    def __post_init__(self) -> None:
        network_training.check_settings(self)
        if self.weight_reuse is False:
            return
        if not isinstance(self.weight_reuse, (tuple, list)) or not self.weight_reuse:
            raise invalid(
                "weight_reuse",
                f"must be False or a chain of widths, for example (5, 10, 20), got {self.weight_reuse!r}.",
            )
        chain = tuple(checked_count("weight_reuse", width) for width in self.weight_reuse)
        if any(before >= after for before, after in pairwise(chain)):
            raise invalid("weight_reuse", f"must increase strictly, got {chain}; sort it and drop repeats.")
        object.__setattr__(self, "weight_reuse", chain)

    @property
    def time_name(self) -> str:
        return self.training.time_name

    @property
    def objective(self) -> str:
        return self.training.loss

    @property
    def max_size(self) -> float:
        return math.inf if self.weight_reuse is False else self.weight_reuse[-1]

    def spec(self) -> dict[str, object]:
        return {
            "procedure": "one_hidden_layer",
            "weight_reuse": list(self.weight_reuse) if self.weight_reuse else False,
            "training": self.training.spec(),
        }

    def train(self, request: network_training.Request) -> network_training.Recordings:
        from benign.networks.chain import train_chain
        from benign.networks.dense import OneHiddenLayerFamily

        chain, sizes = self.weight_reuse, request.sizes.tolist()
        if chain is False:
            return network_training.train_widths(OneHiddenLayerFamily(), self.training, request)
        for width in sizes:
            if width not in chain:
                raise invalid("sizes", f"must be widths of the chain `weight_reuse`, {list(chain)}, got {width}.")
        trained = train_chain(
            [width for width in chain if width <= max(sizes)],
            self.training,
            request.splits,
            times=request.times,
            recorder=request.recorder,
            averaged=request.averaged,
            device=request.device,
            checkpoint=request.checkpoint,
        )
        recorded = {width: population.recordings for width, population in trained if width in sizes}
        return {name: np.stack([recorded[width][name] for width in sizes], axis=1) for name in recorded[sizes[0]]}
