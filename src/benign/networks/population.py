"""Train a population: networks of any widths on any replicates, grouped into the fewest compiled programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Bool, Float, Int

from benign.foundation.errors import NotEnoughMemory, invalid
from benign.foundation.memory import available_bytes
from benign.foundation.numbers import checked_count, checked_number, checked_rate
from benign.foundation.progress import Progress, silent
from benign.foundation.randomness import generator
from benign.foundation.split import Split
from benign.networks import engine
from benign.networks.checkpoints import Checkpoint, Kept
from benign.networks.devices import DeviceName, find_device, free_bytes, members_at_once, program_width
from benign.networks.family import Family
from benign.networks.fingerprints import configuration
from benign.networks.recording import Recorder, RiskRecorder
from benign.networks.sharing import shared
from benign.networks.training import Training
from benign.networks.trajectory import MOST_STEPS, Trajectory

DEFAULT_RECORDED = frozenset({"train_loss", "train_error", "test_loss", "test_error", "norm"})


@dataclass(frozen=True, kw_only=True, eq=False)
class Member:
    """One network of a population.

    Attributes:
        width: of its hidden layers.
        split: what it is trained and tested on; its replicate addresses initial weights and mini-batches.
        learning_rate: its own, or None for that of the training.
        gradient_penalty: mu of its own, or None for that of the training.
        start: the network it starts from, NumPy arrays of its own width, or None for the family's initialisation.
    """

    width: int
    split: Split
    learning_rate: float | None = None
    gradient_penalty: float | None = None
    start: eqx.Module | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainedPopulation:
    """What training a population yields; members are in the order in which they were given.

    Attributes:
        times: when recordings were made, in epochs or steps.
        recordings: by name.
        diverged: whether a loss was no finite number.
        networks: the networks at the end, as NumPy arrays.
    """

    times: Float[np.ndarray, " time"]
    recordings: dict[str, Float[np.ndarray, "member time ..."]]
    diverged: Bool[np.ndarray, "member time"]
    networks: tuple[eqx.Module, ...] = field(repr=False)


def train_population(
    family: Family,
    training: Training,
    members: Sequence[Member],
    *,
    times: Sequence[float] | Float[np.ndarray, " time"] | None = None,
    recorder: Recorder | None = None,
    averaged: bool = False,
    device: DeviceName = None,
    checkpoint: str | Path | None = None,
    progress: Progress = silent,
) -> TrainedPopulation:
    r"""Train networks of several widths, replicates and learning rates, and record them along the way.

    Members whose widths share a program (:func:`benign.networks.devices.program_width`) are trained together, without
    Python between two recordings. A member equals the same network trained alone, up to rounding: a step moves it by

    .. math:: \theta_{t+1} = \theta_t - h \, s_t \, d(\nabla E_{b(t)}(\theta_t)),

    with its own rate h and batches b, the schedule s and the optimiser's direction d
    (:class:`benign.Training` names their papers). Training many networks as one program is this package's own.

    Args:
        family: what a network of a width is.
        training: how they are trained.
        members: the networks; their splits must have the same shapes.
        times: when to record, in epochs (or steps, if ``training.steps`` is given), strictly increasing, from 0 (the
            initial weights) to the end; None for :meth:`Training.log_spaced`.
        recorder: what to record; None for losses, errors and norm.
        averaged: whether to record the moving average of the weights too, as ``NAME_averaged``.
        device: ``"cpu"``, ``"gpu"`` or None for JAX's own choice.
        checkpoint: path without suffix where training is kept about every minute: the same call goes on from there.
            Removed at the end.
        progress: told what share of the work is done.

    Returns:
        Recordings (member x time x ...), divergence and trained networks, in the order of ``members``.

    Raises:
        InvalidArgument: for a width, batch, time or split that cannot be used, or a GPU that is not there.
        NotEnoughMemory: if a single member does not fit.
        CheckpointUnusable: if the checkpoint is damaged or of another training.
    """
    kept = Kept(place=checkpoint)
    trained = train_keeping(
        family,
        training,
        members,
        times=training.log_spaced() if times is None else times,
        recorder=recorder,
        averaged=averaged,
        device=device,
        kept=kept,
        part="",
        progress=progress,
    )
    kept.forget()
    return trained


def train_keeping(
    family: Family,
    training: Training,
    members: Sequence[Member],
    *,
    times: Sequence[float] | Float[np.ndarray, " time"],
    recorder: Recorder | None,
    averaged: bool,
    device: DeviceName,
    kept: Kept,
    part: str,
    progress: Progress = silent,
) -> TrainedPopulation:
    """As :func:`train_population`, as the ``part`` of a longer training whose checkpoints stay until that is done."""
    _check(family, training, members)
    place = find_device(device)
    moments = np.asarray(times, dtype=np.float64)
    split = members[0].split
    chosen = recorder or RiskRecorder(
        loss=training.loss, metrics=DEFAULT_RECORDED, has_classes=split.classes is not None
    )
    groups = _groups(family, members, place)
    costs = [len(group) * _parameters(family, members[group[0]], width) for width, group in groups]
    results: dict[int, tuple[dict[str, np.ndarray], eqx.Module]] = {}
    float64 = training.precision == "float64"
    with jax.enable_x64(float64), jax.default_device(place), jax.default_matmul_precision("float32"):
        for i, (width, group) in enumerate(groups):
            run = _GroupRun(
                family=family,
                training=training,
                members=[members[m] for m in group],
                width=width,
                device=place,
                steps=training.steps_at(list(moments), split.samples),
                recorder=chosen,
                averaged=averaged,
                kept=kept,
                part=f"{part}{i}",
                progress=_scaled(progress, sum(costs[:i]) / sum(costs), costs[i] / sum(costs)),
            )
            recorded, networks = run.trained()
            for row, member in enumerate(group):
                results[member] = ({name: values[:, row] for name, values in recorded.items()}, networks[row])
    recordings = {name: np.stack([results[m][0][name] for m in range(len(members))]) for name in results[0][0]}
    return TrainedPopulation(
        times=moments,
        recordings=recordings,
        diverged=_diverged(recordings, len(members), len(moments)),
        networks=tuple(results[m][1] for m in range(len(members))),
    )


def initial_network(family: Family, member: Member) -> eqx.Module:
    """The member's network before training, at its own width.

    Ours: the weights follow from seed, initialisation and width alone, so that a network is the same in any population.
    By which rule they are drawn the family says.

    Args:
        family: what a network of a width is.
        member: whose replicate addresses the random numbers.

    Returns:
        An Equinox module of float64 NumPy arrays; ``member.start`` where that is given.
    """
    if member.start is not None:
        return member.start
    replicate = member.split.replicate
    return family.build(
        member.width,
        inputs=member.split.train_inputs.shape[1],
        outputs=member.split.train_targets.shape[1],
        random=generator(replicate.seed, "initial weights", replicate.initialisation, member.width),
    )


def _check(family: Family, training: Training, members: Sequence[Member]) -> None:
    if not members:
        raise invalid("members", "must hold at least one network to train.")
    first = members[0].split
    for member in members:
        checked_count("width", member.width)
        if member.learning_rate is not None:
            checked_rate("learning_rate", member.learning_rate)
        if member.gradient_penalty is not None and checked_number("gradient_penalty", member.gradient_penalty) < 0.0:
            raise invalid("gradient_penalty", f"of a member must be zero or positive, got {member.gradient_penalty!r}.")
        for name in ("train_inputs", "train_targets", "test_inputs"):
            shapes = getattr(member.split, name).shape, getattr(first, name).shape
            if shapes[0] != shapes[1]:
                raise invalid(
                    "members",
                    f"must have splits of one shape, but `{name}` is {shapes[0]} in one and {shapes[1]} in "
                    "another; train them in calls of their own.",
                )
        _check_start(family, member)
    training.batch_of(first.samples)
    if training.stop_at_zero_error and first.classes is None:
        raise invalid("stop_at_zero_error", "needs classes, which regression has not; leave it out.")
    for split in {id(member.split): member.split for member in members}.values():
        _check_targets(training, split)


def _check_start(family: Family, member: Member) -> None:
    needed = _parameters(family, member, member.width)
    held = needed if member.start is None else sum(leaf.size for leaf in _arrays(member.start))
    if held != needed:
        raise invalid(
            "start",
            f"of a member of width {member.width} must hold {needed} numbers, got a network of {held}; give "
            "one of the member's own width.",
        )


def _check_targets(training: Training, split: Split) -> None:
    targets = split.train_targets
    if not all(np.isfinite(part).all() for part in (split.train_inputs, targets, split.test_inputs)):
        raise invalid("members", "hold a split with values that are not finite; clean the data.")
    is_one_hot = np.all((targets == 0.0) | (targets == 1.0)) and np.all(targets.sum(axis=1) == 1.0)
    if training.loss == "cross-entropy" and not is_one_hot:
        raise invalid(
            "loss",
            'is "cross-entropy", which needs one class for each sample (rows with a single 1), but a split has '
            'other targets; use loss="squared" for regression.',
        )


def _groups(family: Family, members: Sequence[Member], device: object) -> list[tuple[int, list[int]]]:
    """Members by the width of the program that trains them, narrow ones first."""
    groups: dict[int, list[int]] = {}
    for i, member in enumerate(members):
        width = program_width(member.width, device) if family.is_widenable else member.width
        groups.setdefault(width, []).append(i)
    return sorted(groups.items())


def _parameters(family: Family, member: Member, width: int) -> int:
    split = member.split
    return family.parameters(width, inputs=split.train_inputs.shape[1], outputs=split.train_targets.shape[1])


def _scaled(progress: Progress, start: float, share: float) -> Progress:
    return lambda task, done, total: progress(task, start + share * done / total, 1.0)


def _diverged(recordings: dict[str, np.ndarray], members: int, times: int) -> Bool[np.ndarray, "member time"]:
    lost = np.zeros((members, times), dtype=bool)
    for name, values in recordings.items():
        if "loss" in name or name == "predictions":
            lost |= ~np.isfinite(values.reshape(members, times, -1)).all(axis=2)
    return lost


@dataclass(kw_only=True, eq=False)
class _GroupRun:
    """The members that share a program, slice by slice where they do not fit the memory together."""

    family: Family
    training: Training
    members: Sequence[Member]
    width: int
    device: object
    steps: Int[np.ndarray, " time"]
    recorder: Recorder
    averaged: bool
    kept: Kept
    part: str
    progress: Progress

    def trained(self) -> tuple[dict[str, np.ndarray], list[eqx.Module]]:
        """Recordings (time, member, ...) and networks of all members."""
        fit = self._members_that_fit()
        recorded, networks = [], []
        for start in range(0, len(self.members), fit):
            part = self.members[start : start + fit]
            scaled = _scaled(self.progress, start / len(self.members), len(part) / len(self.members))
            values, trained = self._train_slice(part, start, scaled)
            recorded.append(values)
            networks.extend(trained)
        return {name: np.concatenate([part[name] for part in recorded], axis=1) for name in recorded[0]}, networks

    def _train_slice(
        self, members: Sequence[Member], number: int, progress: Progress
    ) -> tuple[dict[str, np.ndarray], list[eqx.Module]]:
        samples = members[0].split.samples
        own = [initial_network(self.family, member) for member in members]
        common = shared([member.split for member in members])
        together = self._together(len(members), len(common.data))
        padded = -(-len(members) // together) * together
        filled = [*members, *[members[-1]] * (padded - len(members))]
        wide = [self.family.widened(network, self.width) if self.family.is_widenable else network for network in own]
        wide += [wide[-1]] * (padded - len(members))
        dtype = np.dtype(self.training.precision)
        common = shared([member.split for member in filled])
        parts = [eqx.partition(network, eqx.is_array) for network in wide]
        stacked = jax.tree.map(lambda *leaves: np.stack(leaves).astype(dtype), *[arrays for arrays, _ in parts])
        run = Trajectory(
            program=engine.Program(
                training=_compiled_in(self.training),
                structure=parts[0][1],
                total=_compiled_total(self.training, samples),
                per_epoch=self.training.steps_per_epoch(samples),
                has_short_batch=samples % self.training.batch_of(samples) != 0,
                together=together,
            ),
            common=common,
            recorder=self.recorder,
            steps=self.steps,
            checkpoint=self._checkpoint(number, filled),
            progress=progress,
        )
        rates = np.array([member.learning_rate or self.training.learning_rate for member in filled], dtype)
        begun = engine.begin(run.program, stacked, rates, self._penalties(filled), averaged=self.averaged)
        state, recorded = run.finish(begun)
        final = jax.tree.map(np.asarray, state.parameters)
        networks = [_narrowed(jax.tree.map(lambda leaf, i=i: leaf[i], final), own[i]) for i in range(len(members))]
        return {name: values[:, : len(members)] for name, values in recorded.items()}, networks

    def _penalties(self, members: Sequence[Member]) -> Float[np.ndarray, " member"] | None:
        """Factors mu / m, m counted without what fills up a width; None if nobody has a penalty."""
        own = [member.gradient_penalty for member in members]
        strengths = [self.training.gradient_penalty if strength is None else strength for strength in own]
        if not any(strengths):
            return None
        counts = [_parameters(self.family, member, member.width) for member in members]
        return np.array([mu / m for mu, m in zip(strengths, counts, strict=True)], self.training.precision)

    def _checkpoint(self, number: int, members: Sequence[Member]) -> Checkpoint | None:
        """Where a slice is kept; what its numbers follow from includes the members that fill up its last group."""

        def decides() -> dict[str, object]:
            return configuration(
                self.family,
                self.training,
                self.width,
                [(m.width, m.learning_rate, m.gradient_penalty, repr(m.split.replicate)) for m in members],
                shared([m.split for m in members]).data,
                [initial_network(self.family, m) for m in members],
                self.steps,
                self.recorder,
                self.averaged,
            )

        return self.kept.checkpoint(f"{self.part}-{number}", decides)

    def _together(self, members: int, data_sets: int) -> int:
        """How many members run at once, by what they touch: parameters, gradient and optimiser, and their data."""
        split = self.members[0].split
        data = (split.train_inputs.size + split.train_targets.size) * data_sets // members
        return members_at_once(8 * _parameters(self.family, self.members[0], self.width) + data, members, self.device)

    def _members_that_fit(self) -> int:
        """How many members the free memory holds.

        Raises:
            NotEnoughMemory: if it is none.
        """
        split, size = self.members[0].split, np.dtype(self.training.precision).itemsize
        parameters = _parameters(self.family, self.members[0], self.width)
        batch = self.training.batch_of(split.samples)
        d, K = split.train_inputs.shape[1], split.train_targets.shape[1]
        rows = split.samples + len(split.test_inputs)
        a_split = rows * (d + 2 * K)
        a_member = 8 * parameters + 4 * batch * (d + K + 4 * self.width) + rows * K
        free = 0.8 * (free_bytes(self.device) or available_bytes())
        count = len({id(member.split) for member in self.members})
        fit = int((free / size - count * a_split) // a_member)
        if fit < 1:
            needed = size * (count * a_split + a_member)
            raise NotEnoughMemory(
                f"training a network of width {self.width} needs about {needed / 2**30:.1f} GiB and "
                f"{free / 2**30:.1f} GiB are free; lower the width, `batch_size`, `samples` or the replicates."
            )
        return min(fit, len(self.members))


def _compiled_in(training: Training) -> Training:
    """What of the settings a program depends on: not what members have of their own, nor its length where no schedule
    looks at it. Trainings that differ in these alone share a program.
    """
    length = {} if training.schedule == "cosine" else {"steps": 1, "epochs": None}
    return replace(training, learning_rate=1.0, gradient_penalty=0.0, **length)  # type: ignore[arg-type]


def _compiled_total(training: Training, samples: int) -> int:
    """Steps of the whole training, or, where no schedule looks at them, of the longest call that is made for it."""
    total = training.total_steps(samples)
    return total if training.schedule == "cosine" else min(MOST_STEPS, 1 << (total - 1).bit_length())


def _arrays(network: eqx.Module) -> list[np.ndarray]:
    return jax.tree.leaves(eqx.filter(network, eqx.is_array))


def _narrowed(wide: Any, narrow: eqx.Module) -> Any:
    """The narrow network with, for each of its arrays, the leading part of the wide one's."""
    own, structure = eqx.partition(narrow, eqx.is_array)
    leaves, shape = jax.tree.flatten(own)
    parts = [
        array[tuple(slice(size) for size in like.shape)].copy()
        for array, like in zip(jax.tree.leaves(wide), leaves, strict=True)
    ]
    return eqx.combine(jax.tree.unflatten(shape, parts), structure)
