"""Networks as a procedure whose surface says what kind of solution training has found: flatness, norms, R_IG.

Time is physical, step size times steps, so that learning rates are compared at equal time; at equal steps small ones
are only trained less.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Float, Int

from benign.foundation.errors import OutputFailed, invalid
from benign.foundation.numbers import checked_count, checked_number
from benign.foundation.split import Split
from benign.implicit.curvature.flatness_measures import FlatnessSettings
from benign.implicit.kept_weights import KeptWeights, Weights, shapes
from benign.implicit.solution_recording import SolutionRecorder, WeightsRecorder
from benign.networks import engine
from benign.networks.dense import MLPFamily
from benign.networks.devices import DeviceName, find_device, free_bytes
from benign.networks.population import Member, initial_network
from benign.networks.recording import Data
from benign.networks.sharing import shared
from benign.networks.training import Training
from benign.procedures import network_training
from benign.procedures.mlp import MLP
from benign.procedures.protocol import Predictions, recorded_times, refuse_metrics
from benign.schema import (
    AVERAGED_METRICS,
    END_OF_TRAINING,
    METRICS,
    PAIR_METRICS,
    SOLVED_METRICS,
    Block,
)

_DISTANCE = "distance_from_start"
# The settings that decide numbers, as keys have told them from the first.
_KEYED = (
    "radius",
    "adaptive_radius",
    "steps",
    "multiplicative",
    "additive",
    "draws",
    "products",
    "most_products",
    "level",
    "seed",
)
MEASURED = METRICS.keys() - AVERAGED_METRICS - PAIR_METRICS - SOLVED_METRICS - {f"{_DISTANCE}_cooled"}
"""What it measures of a solution; ``scaled_norm``, a default metric of every surface, stays NaN."""


@dataclass(frozen=True, kw_only=True)
class Solutions:
    """A multilayer perceptron of which the solution is measured, beside its risks.

    Every number is computed of the weights at a recorded time, which are kept where ``keep`` says: measures that are
    asked for later cost no training.

    Args:
        depth: number of hidden layers.
        activation: as of :class:`benign.MLP`.
        training: how it is trained; its schedule constant, its length given in steps.
        settings: radii and noise of the measures of flatness.
        cooling_steps: full-batch steps before the ``*_cooled`` metrics are measured.
        cooling_rate: their step size.
        keep: folder for the weights, or None; not part of what decides the numbers.
        device: ``"cpu"``, ``"gpu"`` or None for JAX's own choice; nor this.

    Raises:
        InvalidArgument: for settings that cannot be used.
    """

    revision: ClassVar[int] = 1
    size_name: ClassVar[str] = "hidden units"
    time_name: ClassVar[str] = "physical time (step size x steps)"
    max_size: ClassVar[float] = math.inf
    parameters = network_training.parameters
    batches = network_training.batches

    training: Training
    depth: int = 2
    activation: Literal["relu", "tanh", "gelu", "silu", "softplus", "sigmoid"] = "relu"
    settings: FlatnessSettings = field(default_factory=FlatnessSettings)
    cooling_steps: int = 200
    cooling_rate: float = 0.01
    keep: str | None = None
    device: DeviceName = None

    def __post_init__(self) -> None:
        # Refuses what is no setting of a network.
        MLP(depth=self.depth, activation=self.activation, training=self.training, device=self.device)
        checked_count("cooling_steps", self.cooling_steps)
        if checked_number("cooling_rate", self.cooling_rate) <= 0.0:
            raise invalid("cooling_rate", f"must be a positive number, got {self.cooling_rate!r}.")
        if self.training.steps is None or self.training.schedule != "constant":
            raise invalid(
                "training", "must have a constant schedule and a number of `steps`: time is step size times steps."
            )

    @property
    def objective(self) -> str:
        return self.training.loss

    @property
    def end(self) -> float:
        """Physical time at the end of training."""
        return self.training.last_time * self.training.learning_rate

    def spec(self) -> dict[str, object]:
        return {
            "procedure": "solutions",
            "depth": int(self.depth),
            "activation": self.activation,
            "training": self.training.spec(),
            "settings": f"FlatnessSettings({', '.join(f'{name}={getattr(self.settings, name)}' for name in _KEYED)})",
            "cooling": [int(self.cooling_steps), float(self.cooling_rate)],
        }

    @property
    def family(self) -> MLPFamily:
        """Its networks."""
        return MLPFamily(depth=self.depth, activation=self.activation)

    def check(self, samples: Sequence[int], times: Float[np.ndarray, " time"] | None) -> None:
        """Whether these times are moments of training, and the batch fits these numbers of samples."""
        for n in samples:
            self.training.batch_of(n)
        self._steps_at(recorded_times(times).tolist())

    def measure(
        self,
        splits: Sequence[Split],
        sizes: Int[np.ndarray, " size"],
        times: Float[np.ndarray, " time"] | None,
        metrics: frozenset[str],
    ) -> Block:
        refuse_metrics(metrics - MEASURED, "Solutions does not measure; leave it out")
        moments = recorded_times(times).tolist()
        parts = [self._measured(splits, width, moments, metrics) for width in sizes.tolist()]
        values = {name: np.stack([part[name] for part in parts], axis=1) for name in parts[0]}
        diverged = ~np.isfinite(values["train_loss"])
        return network_training.block_of_networks(self, splits, sizes, times, metrics, values, diverged)

    def predict(
        self,
        split: Split,
        inputs: Float[np.ndarray, "m d"],
        sizes: Int[np.ndarray, " size"],
        times: Float[np.ndarray, " time"] | None = None,
    ) -> Iterator[Predictions]:
        moments = recorded_times(times).tolist()
        steps = np.array(self._steps_at(moments), dtype=np.float64)
        for i, one in enumerate(network_training.predict(self, split, inputs, sizes, steps)):
            yield Predictions(size=one.size, time=moments[i % len(moments)], values=one.values)

    def train(self, request: network_training.Request) -> network_training.Recordings:
        return network_training.train_widths(self.family, self.training, request)

    def _steps_at(self, times: Sequence[float]) -> list[float]:
        """Steps at physical times.

        Raises:
            InvalidArgument: for a time between two steps, past the end or not increasing.
        """
        steps = [
            float(self.training.last_time) if time == END_OF_TRAINING else time / self.training.learning_rate
            for time in times
        ]
        for time, step in zip(times, steps, strict=True):
            if abs(step - round(step)) > 1e-6 * max(1.0, step) or round(step) > self.training.last_time:
                raise invalid(
                    "times",
                    f"must be whole numbers of steps of {self.training.learning_rate:g} up to the end of "
                    f"training, {self.end:g}, got {time:g}.",
                )
        return [float(step) for step in self.training.steps_at([round(step) for step in steps], 1)]

    def _measured(
        self, splits: Sequence[Split], width: int, times: Sequence[float], metrics: frozenset[str]
    ) -> dict[str, Float[np.ndarray, "replicate time"]]:
        """All metrics of one width."""
        weights = self._weights(splits, width, times)
        members = [Member(width=width, split=split) for split in splits]
        initial = [initial_network(self.family, member) for member in members]
        values = self._recorded(splits, initial[0], weights, metrics)
        # In the precision of the networks, as they were measured from the first; the block would divide in float64.
        count = self.parameters(width, splits[0])
        for square in [name for name in values if name.startswith("gradient_square")]:
            values[square.replace("square", "penalty")] = values[square] / count
        if _DISTANCE in metrics:
            starts = [jax.tree.leaves(eqx.filter(network, eqx.is_array)) for network in initial]
            values[_DISTANCE] = np.array([_distances(w, s) for w, s in zip(weights, starts, strict=True)])
        return values

    def _weights(self, splits: Sequence[Split], width: int, times: Sequence[float]) -> list[Weights]:
        """The weights of every split at all times: those kept, the rest trained together."""
        kept = (
            None
            if self.keep is None
            else KeptWeights(
                folder=Path(self.keep),
                training={
                    "revision": self.revision,
                    "depth": self.depth,
                    "activation": self.activation,
                    "training": self.training.spec(),
                },
            )
        )
        times = [self.end if time == END_OF_TRAINING else time for time in times]
        found = [None if kept is None else kept.read(width, split, times) for split in splits]
        own = [leaf.shape for leaf in self._leaves(width, splits[0])]
        found = [None if weights is None or shapes(weights) != own else weights for weights in found]
        missing = [i for i, weights in enumerate(found) if weights is None]
        if missing:
            trained = self._trained([splits[i] for i in missing], width, times)
            for i, weights in zip(missing, trained, strict=True):
                found[i] = weights
                if kept is not None:
                    _keep(kept, width, splits[i], times, weights)
        return [weights for weights in found if weights is not None]

    def _trained(self, splits: Sequence[Split], width: int, times: Sequence[float]) -> list[Weights]:
        """The weights of a width, trained from a checkpoint where one was left."""
        steps = np.array(self._steps_at(times))
        recorded = network_training.recorded(self, splits, np.array([width]), steps, WeightsRecorder())
        leaves = sorted(recorded, key=lambda name: int(name.removeprefix("weights_")))
        own = self._leaves(width, splits[0])
        return [
            tuple(
                np.asarray(recorded[name][row, 0][(slice(None), *(slice(size) for size in like.shape))])
                for name, like in zip(leaves, own, strict=True)
            )
            for row in range(len(splits))
        ]

    def _leaves(self, width: int, split: Split) -> list[Any]:
        """The arrays of a network as it begins."""
        network = initial_network(self.family, Member(width=width, split=split))
        return jax.tree.leaves(eqx.filter(network, eqx.is_array))

    def _recorded(
        self, splits: Sequence[Split], like: eqx.Module, weights: Sequence[Weights], metrics: frozenset[str]
    ) -> dict[str, Float[np.ndarray, "replicate time"]]:
        """What the recorder says of every network, (replicate, time): one compiled program for all of them."""
        place, dtype = find_device(self.device), np.dtype(self.training.precision)
        common = shared(splits)
        times = len(weights[0][0])
        columns = ([getattr(split, name) for split in common.data] for name in Data._fields)
        recorder = SolutionRecorder(
            loss=self.training.loss,
            metrics=metrics - {_DISTANCE},
            settings=self.settings,
            cooling_steps=self.cooling_steps,
            cooling_rate=self.cooling_rate,
            has_classes=splits[0].classes is not None,
            batch=self.training.batch_size if any("minibatch" in name for name in metrics) else None,
        )
        with jax.enable_x64(dtype == np.float64), jax.default_device(place), jax.default_matmul_precision("float32"):
            data = Data(*(jax.device_put(np.stack(column).astype(dtype)) for column in columns))
            stacked = [jax.device_put(np.concatenate(leaf).astype(dtype)) for leaf in zip(*weights, strict=True)]
            arrays, structure = eqx.partition(like, eqx.is_array)
            state = engine.State(
                parameters=jax.tree.unflatten(jax.tree.structure(arrays), stacked),
                optimiser=None,
                average=None,
                rate=jax.device_put(np.zeros(len(stacked[0]), dtype)),
                penalty=None,
            )
            values = engine.record(
                structure,
                state,
                data,
                jax.device_put(np.repeat(np.array(common.data_of, np.int32), times)),
                recorder,
                _evaluated_together(len(stacked[0]), sum(leaf[0].size for leaf in weights[0]), dtype, place),
            )
            return {name: np.asarray(value).reshape(len(splits), times) for name, value in values.items()}


def _keep(kept: KeptWeights, width: int, split: Split, times: Sequence[float], weights: Weights) -> None:
    """Write the weights; the measurement goes on where that fails."""
    try:
        kept.write(width, split, times, weights)
    except OutputFailed as error:
        warnings.warn(f"{error} The measurement goes on without keeping weights.", stacklevel=2)


def _evaluated_together(networks: int, parameters: int, dtype: np.dtype[Any], device: Any) -> int:
    """How many networks are measured at once: one on a processor; on a GPU as many as their Krylov bases fit.

    A basis has 64 vectors, and the compiled program needs about five of it.
    """
    if device.platform == "cpu":
        return 1
    free = free_bytes(device)
    most = networks if free is None else int(0.8 * free) // (5 * 64 * parameters * dtype.itemsize)
    return max(k for k in range(1, max(1, min(networks, most)) + 1) if networks % k == 0)


def _distances(weights: Weights, start: Sequence[np.ndarray]) -> Float[np.ndarray, " time"]:
    squares = [
        ((leaf.astype(np.float64) - first) ** 2).sum(axis=tuple(range(1, leaf.ndim)))
        for leaf, first in zip(weights, start, strict=True)
    ]
    return np.sqrt(np.sum(squares, axis=0))
