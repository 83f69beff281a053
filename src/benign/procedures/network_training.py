"""Networks as procedures: all widths and replicates of a measurement are one population."""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from benign.foundation.errors import invalid
from benign.foundation.folders import cache_folder
from benign.foundation.outcomes import Outcome
from benign.foundation.replicate import Replicate
from benign.foundation.split import Split
from benign.networks.devices import DeviceName, has_gpu
from benign.networks.training import Training
from benign.procedures.protocol import Predictions
from benign.schema import END_OF_TRAINING, PAIR_METRICS, SOLUTION_METRICS, SOLVED_METRICS, Block

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


Trainer = Callable[[Request], Recordings]
"""Trains every split at every width; what it records has the axes (replicate, size, time, ...)."""


def batches_of_populations(replicates: Sequence[Replicate], device: DeviceName) -> list[tuple[Replicate, ...]]:
    """Equal shares for the cores, each a population; all at once for a GPU, which is fastest with everything."""
    if device == "gpu" or (device is None and has_gpu()):
        return [tuple(replicates)]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    most = min(_MOST_REPLICATES, -(-len(replicates) // cores))
    return [tuple(replicates[start : start + most]) for start in range(0, len(replicates), most)]


def check_network(training: object, device: object) -> None:
    """Refuse what is no training or no device, before anything is measured.

    Raises:
        InvalidArgument: with what was given.
    """
    if not isinstance(training, Training):
        raise invalid("training", f"must be a benign.Training, got {training!r}.")
    if device not in ("cpu", "gpu", None):
        raise invalid("device", f'must be "cpu", "gpu" or None, got {device!r}.')


def check_moments(training: Training, samples: Sequence[int], times: Float[np.ndarray, " time"] | None) -> None:
    """Refuse batches and times that no training on these numbers of samples has.

    Raises:
        InvalidArgument: for a batch larger than n, or a time past the end or between two steps.
    """
    for n in samples:
        training.steps_at([END_OF_TRAINING] if times is None else times.tolist(), n)


def least_bytes_of_training(training: Training, parameters: int, *, samples: int, width: int, depth: int) -> float:
    """Bytes of a network, its gradient and its optimiser, of what a batch leaves in its layers, and of its program."""
    numbers = 8 * parameters + 16 * min(training.batch_size or samples, samples) * width
    return np.dtype(training.precision).itemsize * numbers + _PROGRAM_BYTES_A_LAYER * depth


def measure_networks(
    splits: Sequence[Split],
    sizes: Int[np.ndarray, " size"],
    times: Float[np.ndarray, " time"] | None,
    metrics: frozenset[str],
    *,
    training: Training,
    spec: Mapping[str, object],
    device: DeviceName,
    parameters: Callable[[int, Split], int],
    trainer: Trainer,
) -> Block:
    """Train every split at every width as ``trainer`` does, and record the metrics; where training diverges, nothing.

    Raises:
        InvalidArgument: for a metric that only solved models have, or a time that is no moment of the training.
    """
    from benign.networks.recording import RiskRecorder

    for elsewhere, procedure in ((SOLUTION_METRICS, "Solutions"), (PAIR_METRICS, "RepeatedMLP")):
        for name in sorted(metrics & elsewhere):
            raise invalid(
                "metrics",
                f"asks for {name}, which benign.procedures.{procedure} measures; use it in place of this procedure.",
            )
    solved = sorted(metrics & SOLVED_METRICS)
    if solved:
        raise invalid(
            "metrics", f"asks for {solved[0]}, which only solved models have, not trained networks; leave it out."
        )
    plain = frozenset(name.removesuffix("_averaged") for name in metrics)
    request = request_for(
        splits, sizes, times, spec, device,
        RiskRecorder(
            loss=training.loss, metrics=plain, has_classes=splits[0].classes is not None,
            batch=training.batch_size,
        ),
        averaged=any(name.endswith("_averaged") for name in metrics),
    )  # fmt: skip
    counts = np.array([parameters(width, splits[0]) for width in sizes.tolist()])
    recordings = with_penalties(resumed(request, trainer), counts)
    losses = [values for name, values in recordings.items() if "loss" in name]
    diverged = ~np.isfinite(losses).all(axis=0)
    nothing = np.full(diverged.shape, np.nan)
    return Block(
        replicates=tuple(split.replicate for split in splits),
        sizes=sizes,
        times=request.times,
        parameters=counts,
        outcome=np.where(diverged, int(Outcome.DIVERGED), int(Outcome.CONVERGED)).astype(np.int8),
        metrics={
            name: np.where(diverged, np.nan, recordings.get(name, nothing)).astype(np.float64) for name in metrics
        },
    )


def refuse_unmeasured(metrics: frozenset[str], measured: Set[str], procedure: str) -> None:
    """Refuse a metric that a procedure does not measure.

    Raises:
        InvalidArgument: for the first one of them.
    """
    for name in sorted(metrics - measured):
        raise invalid("metrics", f"asks for {name}, which {procedure} does not measure; leave it out.")


def with_penalties(recordings: Recordings, counts: Int[np.ndarray, " size"]) -> Recordings:
    """The recordings, squared norms of gradients divided by the number of parameters: R_IG."""
    penalties = {
        name.replace("gradient_square", "gradient_penalty"): values / counts[:, None]
        for name, values in recordings.items()
        if name.startswith("gradient_square")
    }
    return {**recordings, **penalties}


def predict_networks(
    split: Split,
    inputs: Float[np.ndarray, "m d"],
    sizes: Int[np.ndarray, " size"],
    times: Float[np.ndarray, " time"] | None,
    *,
    training: Training,
    spec: Mapping[str, object],
    device: DeviceName,
    trainer: Trainer,
) -> Iterator[Predictions]:
    """The networks' outputs on other inputs, one size and then one time after another.

    Raises:
        InvalidArgument: if the inputs have other columns than those trained on.
    """
    from benign.networks.recording import PredictionRecorder

    if inputs.shape[1] != split.train_inputs.shape[1]:
        raise invalid(
            "inputs", f"must have {split.train_inputs.shape[1]} columns, as in training, got {inputs.shape[1]}."
        )
    recorder = PredictionRecorder(inputs=inputs.astype(training.precision))
    request = request_for([split], sizes, times, spec, device, recorder, averaged=False)
    values = resumed(request, trainer)["predictions"][0]
    for row, size in enumerate(sizes.tolist()):
        for column, moment in enumerate(request.times.tolist()):
            yield Predictions(size=size, time=moment, values=values[row, column].astype(np.float64))


def train_widths(family: Any, training: Training, request: Request) -> Recordings:
    """Every width from its own initialisation: one population."""
    from benign.networks.population import Member, train_population

    members = [Member(width=width, split=split) for split in request.splits for width in request.sizes.tolist()]
    trained = train_population(
        family, training, members, times=request.times, recorder=request.recorder, averaged=request.averaged,
        device=request.device, checkpoint=request.checkpoint,
    )  # fmt: skip
    shape = (len(request.splits), len(request.sizes))
    return {name: values.reshape(*shape, *values.shape[1:]) for name, values in trained.recordings.items()}


def request_for(
    splits: Sequence[Split],
    sizes: Int[np.ndarray, " size"],
    times: Float[np.ndarray, " time"] | None,
    spec: Mapping[str, object],
    device: DeviceName,
    recorder: Any,
    *,
    averaged: bool,
) -> Request:
    """A request whose checkpoint has a place of its own, by everything that decides its numbers."""
    from benign.networks.fingerprints import recorder_name

    moments = np.array([END_OF_TRAINING]) if times is None else times
    return Request(
        splits=splits, sizes=sizes, times=moments, recorder=recorder, averaged=averaged, device=device,
        checkpoint=_checkpoint_place(
            spec, splits, [sizes.tolist(), moments.tolist(), averaged, recorder_name(recorder)]
        ),
    )  # fmt: skip


def _checkpoint_place(spec: Mapping[str, object], splits: Sequence[Split], rest: Sequence[object]) -> Path | None:
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


def resumed(request: Request, trainer: Trainer) -> Recordings:
    """Train, going on from a checkpoint; one that cannot be used costs a warning, and one of others stays."""
    from benign.networks.checkpoints import CheckpointUnusable, forget

    try:
        return trainer(request)
    except CheckpointUnusable as error:
        is_free = request.checkpoint is None or forget(request.checkpoint)
        words = "Training starts anew." if is_free else "Training starts anew, without a checkpoint."
        warnings.warn(f"{error} {words}", stacklevel=2)
        return trainer(request if is_free else replace(request, checkpoint=None))
