"""Networks as procedures: all widths and replicates of a measurement are one population."""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int

from benign.foundation.errors import invalid
from benign.foundation.folders import cache_folder
from benign.foundation.outcomes import Outcome
from benign.foundation.replicate import Replicate
from benign.foundation.split import Split
from benign.networks.devices import DeviceName, has_gpu, require_jax
from benign.networks.training import Training
from benign.procedures.protocol import Predictions, Procedure, check_inputs, recorded_times, refuse_metrics
from benign.schema import PAIR_METRICS, SOLUTION_METRICS, SOLVED_METRICS, Block, first_name

CHECKPOINTS_VARIABLE = "BENIGN_CHECKPOINTS"
# More replicates a job would make it long without making it faster.
_MOST_REPLICATES = 16
# What XLA took more for a program of 60 layers than for one of 20, a layer.
_PROGRAM_BYTES_A_LAYER = 1.5e6
Recordings = Mapping[str, Float[np.ndarray, "replicate size time ..."]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Request:
    """What is to be trained and recorded.

    Attributes:
        splits: one a replicate, of one n.
        sizes: widths.
        times: when to record.
        recorder: a :class:`benign.networks.Recorder`.
        averaged: whether to record the averaged weights too.
        device: where.
        checkpoint: path without suffix, or None.
    """

    splits: Sequence[Split]
    sizes: Int[np.ndarray, " size"]
    times: Float[np.ndarray, " time"]
    recorder: Any
    averaged: bool
    device: DeviceName
    checkpoint: Path | None


@runtime_checkable
class NetworkProcedure(Procedure, Protocol):
    """A procedure that trains networks of any architecture."""

    @property
    def training(self) -> Training:
        """How they are trained."""
        ...

    @property
    def device(self) -> DeviceName:
        """Where; None for JAX's own choice."""
        ...

    def train(self, request: Request) -> Recordings:
        """Train every split at every width; what is recorded has the axes (replicate, size, time, ...)."""
        ...


@runtime_checkable
class DenseNetworkProcedure(NetworkProcedure, Protocol):
    """A procedure that trains dense networks of equally wide hidden layers."""

    @property
    def depth(self) -> int:
        """Number of hidden layers."""
        ...


def parameters(network: DenseNetworkProcedure, size: int, split: Split) -> int:
    """(d + 1) H + (D - 1) (H + 1) H + (H + 1) K, of d inputs, D hidden layers of H units and K outputs."""
    return _weights_and_biases(network.depth, size, split.train_inputs.shape[1], split.train_targets.shape[1])


def _weights_and_biases(depth: int, width: int, inputs: int, outputs: int) -> int:
    return (inputs + 1) * width + (depth - 1) * (width + 1) * width + (width + 1) * outputs


def batches(network: NetworkProcedure, replicates: Sequence[Replicate]) -> list[tuple[Replicate, ...]]:
    """Equal shares for the cores, each a population; all at once for a GPU, which is fastest with everything."""
    device = network.device
    return shares(replicates, on_gpu=device == "gpu" or (device is None and has_gpu()))


def shares(replicates: Sequence[Replicate], *, on_gpu: bool) -> list[tuple[Replicate, ...]]:
    """The replicates in equal shares for the cores; all at once for a GPU."""
    if on_gpu:
        return [tuple(replicates)]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    most = min(_MOST_REPLICATES, -(-len(replicates) // cores))
    return [tuple(replicates[start : start + most]) for start in range(0, len(replicates), most)]


def retrained(network: NetworkProcedure, training: Training) -> NetworkProcedure:
    """The same network under another training."""
    changed: NetworkProcedure = replace(cast("Any", network), training=training)
    return changed


def check_settings(network: NetworkProcedure) -> None:
    """Refuse what is no training or no device, before anything is measured.

    Raises:
        InvalidArgument: with what was given.
        MissingExtra: without JAX; ``pip install "benign[networks]"`` brings it.
    """
    require_jax(f"`{type(network).__name__}`")
    if not isinstance(network.training, Training):
        raise invalid("training", f"must be a benign.Training, got {network.training!r}.")
    if network.device not in ("cpu", "gpu", None):
        raise invalid("device", f'must be "cpu", "gpu" or None, got {network.device!r}.')


def check(network: NetworkProcedure, samples: Sequence[int], times: Float[np.ndarray, " time"] | None) -> None:
    """Refuse batches and times that no training on these numbers of samples has.

    Raises:
        InvalidArgument: for a batch larger than n, or a time past the end or between two steps.
    """
    for n in samples:
        network.training.steps_at(recorded_times(times).tolist(), n)


def least_bytes(network: DenseNetworkProcedure, samples: int, test_samples: int, size: int) -> float:
    """Bytes of a network of one input and one output, its gradient and its optimiser, of what a batch leaves in its
    layers, and of its program.
    """
    del test_samples
    training = network.training
    parameters = _weights_and_biases(network.depth, size, 1, 1)
    numbers = 8 * parameters + 16 * min(training.batch_size or samples, samples) * size
    return np.dtype(training.precision).itemsize * numbers + _PROGRAM_BYTES_A_LAYER * network.depth


def measure(
    network: NetworkProcedure,
    splits: Sequence[Split],
    sizes: Int[np.ndarray, " size"],
    times: Float[np.ndarray, " time"] | None,
    metrics: frozenset[str],
) -> Block:
    """Train every split at every width, and record the metrics; where training diverges, nothing.

    Raises:
        InvalidArgument: for a metric that only solved models have, or a time that is no moment of the training.
    """
    from benign.networks.recording import RiskRecorder

    refuse_metrics_of_others(metrics)
    recorder = RiskRecorder(
        loss=network.training.loss,
        # By their first names, of which the place of a checkpoint is made; what is recorded here was never renamed.
        metrics=frozenset(first_name(name.removesuffix("_averaged")) for name in metrics),
        has_classes=splits[0].classes is not None,
        batch=network.training.batch_size,
    )
    averaged = any(name.endswith("_averaged") for name in metrics)
    recordings = recorded(network, splits, sizes, times, recorder, averaged=averaged)
    losses = np.array([values for name, values in recordings.items() if "loss" in name])
    diverged = np.asarray(~np.isfinite(losses).all(axis=0))
    return block_of_networks(network, splits, sizes, times, metrics, recordings, diverged)


def block_of_networks(
    network: Procedure,
    splits: Sequence[Split],
    sizes: Int[np.ndarray, " size"],
    times: Float[np.ndarray, " time"] | None,
    metrics: frozenset[str],
    values: Recordings,
    diverged: Bool[np.ndarray, "replicate size time"],
) -> Block:
    """A block of what was recorded: NaN where training has diverged, and of what was not.

    Where the square of a gradient was recorded and its penalty was not, the penalty R_IG is the square divided by the
    number of parameters.
    """
    counts = np.array([network.parameters(width, splits[0]) for width in sizes.tolist()])
    penalties = {
        name.replace("gradient_square", "gradient_penalty"): square / counts[:, None]
        for name, square in values.items()
        if name.startswith("gradient_square")
    }
    values = {**penalties, **values}
    nothing = np.full(diverged.shape, np.nan)
    return Block(
        replicates=tuple(split.replicate for split in splits),
        sizes=sizes,
        times=recorded_times(times),
        parameters=counts,
        outcome=np.where(diverged, int(Outcome.DIVERGED), int(Outcome.CONVERGED)).astype(np.int8),
        metrics={name: np.where(diverged, np.nan, values.get(name, nothing)).astype(np.float64) for name in metrics},
    )


def refuse_metrics_of_others(metrics: frozenset[str]) -> None:
    """Refuse metrics that no network trained by itself has.

    Raises:
        InvalidArgument: naming what has them.
    """
    for elsewhere, name in ((SOLUTION_METRICS, "Solutions"), (PAIR_METRICS, "RepeatedMLP")):
        refuse_metrics(metrics & elsewhere, f"benign.procedures.{name} measures; use it in place of this procedure")
    refuse_metrics(metrics & SOLVED_METRICS, "only solved models have, not trained networks; leave it out")


def predict(
    network: NetworkProcedure,
    split: Split,
    inputs: Float[np.ndarray, "m d"],
    sizes: Int[np.ndarray, " size"],
    times: Float[np.ndarray, " time"] | None = None,
) -> Iterator[Predictions]:
    """The networks' outputs on other inputs, one size and then one time after another.

    Raises:
        InvalidArgument: if the inputs have other columns than those trained on.
    """
    from benign.networks.recording import PredictionRecorder

    check_inputs(inputs, split)
    recorder = PredictionRecorder(inputs=inputs.astype(network.training.precision))
    values = recorded(network, [split], sizes, times, recorder)["predictions"][0]
    for row, size in enumerate(sizes.tolist()):
        for column, moment in enumerate(recorded_times(times).tolist()):
            yield Predictions(size=size, time=moment, values=values[row, column].astype(np.float64))


def train_widths(family: Any, training: Training, request: Request) -> Recordings:
    """Every width from its own initialisation: one population."""
    from benign.networks.population import Member, train_population

    members = [Member(width=width, split=split) for split in request.splits for width in request.sizes.tolist()]
    trained = train_population(
        family,
        training,
        members,
        times=request.times,
        recorder=request.recorder,
        averaged=request.averaged,
        device=request.device,
        checkpoint=request.checkpoint,
    )
    shape = (len(request.splits), len(request.sizes))
    return {name: values.reshape(*shape, *values.shape[1:]) for name, values in trained.recordings.items()}


def recorded(
    network: NetworkProcedure,
    splits: Sequence[Split],
    sizes: Int[np.ndarray, " size"],
    times: Float[np.ndarray, " time"] | None,
    recorder: Any,
    *,
    averaged: bool = False,
) -> Recordings:
    """Train and record; the checkpoint has a place of its own, by everything that decides the numbers."""
    from benign.networks.fingerprints import recorder_name

    moments = recorded_times(times)
    decides = [sizes.tolist(), moments.tolist(), averaged, recorder_name(recorder)]
    request = Request(
        splits=splits,
        sizes=sizes,
        times=moments,
        recorder=recorder,
        averaged=averaged,
        device=network.device,
        checkpoint=checkpoint_place(network.spec(), splits, decides),
    )
    return resumed(request, network.train)


def checkpoint_place(spec: Mapping[str, object], splits: Sequence[Split], rest: Sequence[object]) -> Path | None:
    """Where a long training is kept until it is done: where the user says, or in his cache, if there is one."""
    from benign.networks.checkpoints import FOLDER, forget_old

    digest = hashlib.sha256(json.dumps([dict(spec), rest], sort_keys=True).encode())
    for split in splits:
        digest.update(repr(split.replicate).encode())
        digest.update(np.ascontiguousarray(split.train_inputs).data)
        digest.update(np.ascontiguousarray(split.train_targets).data)
    place = os.environ.get(CHECKPOINTS_VARIABLE) or cache_folder()
    if place is None:
        return None
    folder = Path(place) / FOLDER
    forget_old(folder)
    return folder / digest.hexdigest()[:32]


def resumed(request: Request, train: Callable[[Request], Recordings]) -> Recordings:
    """Train, going on from a checkpoint; one that cannot be used costs a warning, and one of others stays."""
    from benign.networks.checkpoints import CheckpointUnusable, forget

    try:
        return train(request)
    except CheckpointUnusable as error:
        is_free = request.checkpoint is None or forget(request.checkpoint)
        words = "Training starts anew." if is_free else "Training starts anew, without a checkpoint."
        warnings.warn(f"{error} {words}", stacklevel=2)
        return train(request if is_free else replace(request, checkpoint=None))
