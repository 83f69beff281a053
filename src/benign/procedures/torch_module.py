"""PyTorch modules as a procedure: the user says what a size is, and how it is trained is said as for our networks."""

from __future__ import annotations

import json
import math
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import FunctionType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from jaxtyping import Bool, Float, Int

from benign.foundation.arguments import checked_name
from benign.foundation.errors import InvalidArgument, MissingExtra, invalid
from benign.foundation.extras import require
from benign.foundation.global_randomness import OwnRandomStates
from benign.foundation.numbers import checked_count
from benign.foundation.replicate import Replicate
from benign.foundation.signatures import check_takes
from benign.foundation.split import Split, in_shape
from benign.foundation.wording import shown
from benign.networks.checkpoints import Kept
from benign.networks.digests import sha256_of
from benign.networks.torch_training.recipe import TORCH_OPTIMIZERS, TORCH_PRECISIONS, Recipe
from benign.networks.training import LOSSES, OPTIMIZERS, SCHEDULES, Training
from benign.procedures import network_training
from benign.procedures.foreign_settings import code_of, describe_value
from benign.procedures.makers import maker_of_module
from benign.procedures.network_training import Recordings, Request
from benign.procedures.objectives import OwnObjective, certain_log_odds
from benign.procedures.prediction_risks import prediction_risks
from benign.procedures.protocol import Predictions, check_inputs, check_max_size, check_names, recorded_times
from benign.schema import END_OF_TRAINING, Block

if TYPE_CHECKING:
    from torch.nn import Module

    from benign.networks.torch_training.evaluation import Evaluated
    from benign.networks.torch_training.training import Modules

DEVICES = ("auto", "cpu", "cuda")
# What an optimiser of the user's own says itself, with what from_torch has where it is not given.
_OF_OPTIMIZER = {"learning_rate": 1e-3, "momentum": 0.9, "weight_decay": 0.0}
_NAMES = {"loss": LOSSES, "optimizer": TORCH_OPTIMIZERS, "schedule": SCHEDULES}
_OLDEST = (2, 5)  # as pyproject.toml has it
_checked_builds: set[str] = set()


@dataclass(frozen=True, kw_only=True, eq=False)
class TorchModule:
    """PyTorch modules as a procedure; :func:`from_torch` makes it.

    Attributes:
        build: of a size, a module.
        recipe: how it is trained.
        device: ``"auto"``, ``"cpu"`` or ``"cuda"``; not part of what decides the numbers.
        together: whether modules of one size are trained as one: ``"auto"``, True or False; nor this, up to rounding.
        size_name: what a size counts.
        max_size: the largest size.
        name: what titles and messages call it.
        revision: raised by the user when the numbers change.
        code: what in the key stands for the user's functions, by the argument.
    """

    time_name: ClassVar[str] = "epochs"
    runs_users_code: ClassVar[bool] = True

    build: Callable[[int], Any]
    recipe: Recipe
    device: str
    together: str | bool
    size_name: str
    max_size: float
    name: str
    revision: int
    code: Mapping[str, object]

    @property
    def training(self) -> Training:
        """Batches and duration, and the settings that have a name of ours."""
        return self.recipe.training

    @property
    def objective(self) -> str:
        if self.recipe.loss is None:
            return self.training.loss
        from benign.networks.torch_training.objective import ArrayLoss

        return OwnObjective(ArrayLoss(loss=self.recipe.loss, dtype=self.training.precision), "values")

    @property
    def is_annealed(self) -> bool:
        """Whether its schedule ends with training; one of the user's own is of the share that is done."""
        return self.recipe.schedule is not None or self.training.is_annealed

    def retrained(self, training: Training) -> TorchModule:
        """The same under another training, as far as its functions leave that to it."""
        return replace(self, recipe=replace(self.recipe, training=training))

    def spec(self) -> dict[str, object]:
        import torch

        release = torch.__version__.partition("+")[0]
        kind = {"procedure": self.name, "kind": "torch module", "torch": release}
        return {**kind, **self.code, "training": _settings(self.recipe)}

    def check(self, samples: Sequence[int], times: Float[np.ndarray, " time"] | None) -> None:
        """Whether these times are moments of training on so many samples."""
        for n in samples:
            self._steps(n, times)

    def batches(self, replicates: Sequence[Replicate]) -> list[tuple[Replicate, ...]]:
        from benign.networks.torch_training.data import place_of

        return network_training.shares(replicates, on_gpu=place_of(self.device, self.recipe).device.type == "cuda")

    def parameters(self, size: int, split: Split) -> int:
        """Number of trained parameters of a module that is built for it."""
        from benign.networks.torch_training.building import trained_parameters

        with self._begun(Kept(place=None)) as modules:
            module = modules.member(modules.data(split), int(size)).module
        return sum(parameter.numel() for parameter in trained_parameters(module))

    def measure(
        self,
        splits: Sequence[Split],
        sizes: Int[np.ndarray, " size"],
        times: Float[np.ndarray, " time"] | None,
        metrics: frozenset[str],
    ) -> Block:
        """Train a module of every size on every split, and record the metrics; where training diverges, nothing.

        Raises:
            InvalidArgument: for a metric that is not measured of a network, a time that is no moment of the training,
                and a module that cannot be built or trained.
        """
        network_training.refuse_metrics_of_others(metrics)
        recorder = _Risks(
            metrics=frozenset(name.removesuffix("_averaged") for name in metrics), objective=self.objective
        )
        averaged = any(name.endswith("_averaged") for name in metrics)
        values = self._recorded(splits, sizes, times, recorder, averaged=averaged)
        losses = np.array([found for name, found in values.items() if "loss" in name])
        lost = np.logical_or.accumulate(~np.isfinite(losses).all(axis=0), axis=2)
        self._warn(splits, sizes, recorded_times(times), lost, values["lost_step"])
        return network_training.block_of_networks(self, splits, sizes, times, metrics, values, lost)

    def predict(
        self,
        split: Split,
        inputs: Float[np.ndarray, "m d"],
        sizes: Int[np.ndarray, " size"],
        times: Float[np.ndarray, " time"] | None = None,
    ) -> Iterator[Predictions]:
        """The modules' outputs on other inputs, one size and then one time after another.

        Raises:
            InvalidArgument: as :meth:`measure`, for inputs of other columns than those trained on, and for a training
                that diverges.
        """
        check_inputs(inputs, split)
        recorder = _Outputs(inputs=in_shape(inputs, split))
        found = self._recorded([split], sizes, times, recorder)
        values, steps = found["predictions"][0], found["lost_step"][0]
        for row, size in enumerate(sizes.tolist()):
            for column, time in enumerate(recorded_times(times).tolist()):
                self._refuse_lost(values[row, column], size, split, time, steps[row, column])
                yield Predictions(size=size, time=time, values=values[row, column])

    def trained(self, split: Split, size: int, *, time: float | None = None) -> Module:
        """The module of one size, trained on a split.

        Args:
            split: what it is trained on; its replicate addresses initial weights and mini-batches.
            size: of the module.
            time: epochs after which training stops; None for its end.

        Returns:
            The user's module in evaluation mode, on the device and in the precision of the training.

        Raises:
            InvalidArgument: as :meth:`measure`, and for a training that diverges.
        """
        steps = self._steps(split.samples, None if time is None else np.array([float(time)]))
        sizes = np.array([checked_count("size", size)])

        def train(request: Request) -> Recordings:
            with self._begun(Kept(place=request.checkpoint)) as modules:
                self._check_build(modules, split, size)
                member = modules.member(modules.data(split), int(size))
                found = modules.train_alone(member, steps, _Outputs(inputs=None))
                modules.kept.forget()
            trained.append(member.module.eval())
            return found

        trained: list[Module] = []
        request = self._request([split], sizes, np.array([END_OF_TRAINING if time is None else time]), "the module")
        found = network_training.resumed(request, train)
        when = math.inf if time is None else time
        self._refuse_lost(found["predictions"][0, 0], size, split, when, found["lost_step"][0, 0])
        return trained[-1]

    def _recorded(
        self,
        splits: Sequence[Split],
        sizes: Int[np.ndarray, " size"],
        times: Float[np.ndarray, " time"] | None,
        recorder: Any,
        *,
        averaged: bool = False,
    ) -> Recordings:
        """What is recorded of every module (replicate, size, time, ...); all randomness is ours meanwhile."""
        steps = self._steps(splits[0].samples, times)

        def train(request: Request) -> Recordings:
            kept = Kept(place=request.checkpoint)
            with self._begun(kept, averaged=averaged, recorder=repr(recorder)) as modules:
                self._check_build(modules, splits[0], int(sizes[0]))
                parts = [modules.train(splits, size, steps, recorder) for size in sizes.tolist()]
                modules.kept.forget()
            return {name: np.stack([part[name] for part in parts], axis=1) for name in parts[0]}

        request = self._request(splits, sizes, recorded_times(times), [repr(recorder), averaged])
        return network_training.resumed(request, train)

    def _request(
        self,
        splits: Sequence[Split],
        sizes: Int[np.ndarray, " size"],
        times: Float[np.ndarray, " time"],
        what: object,
    ) -> Request:
        decides = [sizes.tolist(), times.tolist(), what]
        return Request(
            splits=splits,
            sizes=sizes,
            times=times,
            recorder=None,
            averaged=False,
            device=None,
            checkpoint=network_training.checkpoint_place(self.spec(), splits, decides),
        )

    def _steps(self, samples: int, times: Float[np.ndarray, " time"] | None) -> Int[np.ndarray, " time"]:
        return self.recipe.on(samples).steps_at(recorded_times(times).tolist(), samples)

    @contextmanager
    def _begun(self, kept: Kept, *, averaged: bool = False, recorder: str = "") -> Iterator[Modules]:
        """What is trained; within it the global states of PyTorch, NumPy and Python are those of the training."""
        from benign.networks.torch_training.building import Builder
        from benign.networks.torch_training.data import place_of
        from benign.networks.torch_training.training import Modules

        place = place_of(self.device, self.recipe)
        modules = Modules(
            builder=Builder(build=self.build, name=self.name, place=place, gives_logits=self.recipe.needs_classes),
            recipe=self.recipe,
            place=place,
            together=self.together,
            averaged=averaged,
            kept=kept,
            decides={"spec": self.spec(), "recorder": recorder},
        )
        with OwnRandomStates(0), place.settings():
            yield modules

    def _check_build(self, modules: Modules, split: Split, size: int) -> None:
        """Build the first module twice; once for each procedure and process."""
        known = json.dumps([self.name, self.code, self.revision], sort_keys=True)
        if known not in _checked_builds:
            modules.check_seed(split, size)
            _checked_builds.add(known)

    def _warn(
        self,
        splits: Sequence[Split],
        sizes: Int[np.ndarray, " size"],
        times: Float[np.ndarray, " time"],
        lost: Bool[np.ndarray, "replicate size time"],
        steps: Float[np.ndarray, "replicate size time"],
    ) -> None:
        for row, split in enumerate(splits):
            for column, size in enumerate(sizes.tolist()):
                if lost[row, column].any():
                    first = int(lost[row, column].argmax())
                    which, when = split.replicate, self._when(split, float(times[first]), steps[row, column, first])
                    warnings.warn(
                        f"{self.name} diverged {when} at size {size} on {split.samples} samples (draw {which.draw}, "
                        f"initialisation {which.initialisation}, noise {which.noise}): its numbers from there on are "
                        "left out; lower its learning rate.",
                        stacklevel=3,
                    )

    def _refuse_lost(
        self, outputs: Float[np.ndarray, "m outputs"], size: int, split: Split, time: float, step: float
    ) -> None:
        if not np.isfinite(outputs).all():
            when = self._when(split, time, step)
            raise InvalidArgument(
                f"{self.name} diverged {when} at size {size} on {split.samples} samples; lower its learning rate, or "
                "leave this size and time out."
            )

    def _when(self, split: Split, time: float, step: float) -> str:
        """The epoch of a step; of outputs that are lost in evaluation alone the time at which they are recorded."""
        if step >= 0:
            return f"in epoch {int(step) // self.recipe.on(split.samples).steps_per_epoch(split.samples) + 1}"
        return "at its end" if time == END_OF_TRAINING else f"at epoch {time:g}"


# As what the squares of gradients are recorded, of which a block's penalties are made.
_SQUARES = {"gradient_penalty": "gradient_square", "gradient_penalty_minibatch": "gradient_square_minibatch"}


@dataclass(frozen=True, kw_only=True)
class _Risks:
    """Records risks, the norm and the squares of gradients; NaN where an output is no finite number."""

    metrics: frozenset[str]
    objective: str

    def __repr__(self) -> str:
        return f"risks {sorted(self.metrics)}"

    def __call__(self, evaluated: Evaluated) -> dict[str, float]:
        split, metrics = evaluated.data.split, self.metrics | {"train_loss"}
        outputs = [evaluated.outputs(inputs) for inputs in (evaluated.data.train_inputs, evaluated.data.test_inputs)]
        is_finite = all(np.isfinite(part).all() for part in outputs)
        if not is_finite:
            outputs = [np.zeros_like(part) for part in outputs]
        elif self.objective == "cross-entropy":
            outputs = [certain_log_odds(part) for part in outputs]
        with np.errstate(over="ignore"):  # an infinite loss is told as one
            values = prediction_risks(split, outputs[0], outputs[1], metrics, self.objective)
        of_weights = {
            "norm": evaluated.norm,
            "gradient_penalty": evaluated.gradient_square,
            "gradient_penalty_minibatch": evaluated.minibatch_square,
        }
        values |= {name: found() for name, found in of_weights.items() if name in metrics}
        return {_SQUARES.get(name, name): value if is_finite else math.nan for name, value in values.items()}


@dataclass(frozen=True, kw_only=True, eq=False)
class _Outputs:
    """Records the outputs on further inputs, or on two of those trained on."""

    inputs: Float[np.ndarray, "m *sample"] | None

    def __repr__(self) -> str:
        return "outputs" if self.inputs is None else f"outputs on {sha256_of([self.inputs])}"

    def __call__(self, evaluated: Evaluated) -> dict[str, Float[np.ndarray, "m outputs"]]:
        seen = evaluated.data.train_inputs
        inputs = seen[:2] if self.inputs is None else evaluated.place.tensor(self.inputs)
        return {"predictions": evaluated.outputs(inputs)}


def from_torch(
    build: Callable[[int], Any],
    *,
    loss: str | Callable[..., Any] = "cross-entropy",
    optimizer: str | Callable[..., Any] = "adam",
    learning_rate: float = 1e-3,
    momentum: float = 0.9,
    weight_decay: float = 0.0,
    epochs: int = 100,
    batch_size: int | None = 128,
    schedule: str | Callable[[float], float] | None = None,
    augment: Callable[..., Any] | None = None,
    average: float = 0.98,
    precision: str = "float32",
    device: str = "auto",
    together: str | bool = "auto",
    size_name: str = "width",
    max_size: float = math.inf,
    name: str | None = None,
    revision: int | None = None,
) -> TorchModule:
    """Make PyTorch modules a procedure that can be measured; how they are trained is said here.

    ``build(size)`` returns a new ``torch.nn.Module``. Called on a batch of samples in their shape (n x channels x
    height x width of images), it gives m x K outputs: the logits of the classes, or values. Before each call PyTorch's,
    NumPy's and Python's global states are seeded from the replicate's initialisation, and so they are before training,
    so that dropout can be had again; the user's own stay as they were. All recorded times come from one training.

    A training is that of :class:`benign.MLP` with the same settings, its mini-batches included. Evaluation is in
    evaluation mode. Where a loss or an output is no finite number, the training has diverged: it has no numbers from
    that time on, and a warning says so; all others stay.

    Args:
        build: of a size (an int), the module.
        loss: ``"cross-entropy"`` of logits, ``"squared"`` (summed over outputs), or a function of outputs (m x K) and
            targets (m x K, one-hot rows for classes), both tensors, that gives each sample's loss (m).
        optimizer: ``"adam"``, ``"adamw"``, ``"momentum"``, ``"sgd"``, or a function of a list of parameters that
            returns a ``torch.optim.Optimizer``, whose learning rate, momentum and weight decay are then its own.
        learning_rate: the step size, before the schedule.
        momentum: of the optimiser ``"momentum"``.
        weight_decay: as of PyTorch's optimiser of that name.
        epochs: passes over the training set.
        batch_size: samples a step, at most all of them; None for the full batch.
        schedule: None for a constant learning rate, a name that :class:`benign.Training` lists, or a function of the
            share of the training that is done, from 0 up to 1, that gives the factor of every learning rate.
        augment: of a batch of inputs and a seeded ``torch.Generator`` on their device, the inputs that a step sees.
        average: decay per step of the moving average of weights that the ``*_averaged`` metrics measure; running
            statistics, as of batch normalisation, are averaged likewise.
        precision: ``"float32"``, ``"float64"``, or ``"mixed"``: float32, whose steps compute in bfloat16 on a GPU that
            can.
        device: ``"auto"`` (a GPU where PyTorch sees one), ``"cpu"`` or ``"cuda"``; not part of what decides the
            numbers. No global flag of PyTorch is set: on a GPU set those of determinism where you need bits.
        together: whether the replicates of one size are trained as one program: ``"auto"`` where that is faster, True
            or False. Each equals the same module trained alone, up to rounding.
        size_name: what a size counts, for axes.
        max_size: the largest size, ``math.inf`` where there is no end.
        name: what titles call it, ``build``'s own name unless said; part of the key.
        revision: to be raised whenever an edit changes the numbers. Without it the source text of the functions given
            stands for it, with that of your own functions and classes that they name, and plain constants; not arrays
            and other objects. Where there is no text, no block is ever reused.

    Raises:
        InvalidArgument: for functions that cannot be called so, or settings that cannot be used.
        MissingExtra: without PyTorch; ``pip install "benign[torch]"`` brings it.

    >>> from_torch(lambda size: None, epochs=20).training.last_time
    20
    """
    _require_torch()
    _check_functions(build, {"loss": loss, "optimizer": optimizer, "schedule": schedule, "augment": augment})
    given = {"learning_rate": learning_rate, "momentum": momentum, "weight_decay": weight_decay}
    if not isinstance(optimizer, str):
        _check_of_optimizer(given)
    own_name = getattr(build, "__name__", type(build).__name__)
    name = ("module" if own_name == "<lambda>" else own_name) if name is None else name
    check_names(name=name, size_name=size_name)
    check_max_size(max_size)
    if not (together == "auto" or isinstance(together, bool)):
        raise invalid("together", f'must be "auto", True or False, got {shown(together)}.')
    checked_name("precision", precision, TORCH_PRECISIONS)
    revision = None if revision is None else checked_count("revision", revision)
    training = Training(
        loss=loss if isinstance(loss, str) else "squared",  # type: ignore[arg-type]
        optimizer=optimizer if optimizer in OPTIMIZERS else "adam",  # type: ignore[arg-type]
        schedule=schedule if isinstance(schedule, str) else "constant",  # type: ignore[arg-type]
        epochs=checked_count("epochs", epochs),
        batch_size=batch_size,
        average=average,
        precision="float64" if precision == "float64" else "float32",
        learning_rate=learning_rate,
        momentum=momentum,
        weight_decay=weight_decay,
    )
    functions = {"build": build, "loss": loss, "optimizer": optimizer, "schedule": schedule, "augment": augment}
    return TorchModule(
        build=build,
        recipe=Recipe(
            training=training,
            optimizer=optimizer,
            loss=None if isinstance(loss, str) else loss,
            schedule=None if isinstance(schedule, str) else schedule,
            augment=augment,
            is_mixed=precision == "mixed",
        ),
        device=checked_name("device", device, DEVICES),
        together=together,
        size_name=size_name,
        max_size=max_size,
        name=name,
        revision=revision or 1,
        code={name: _code(own, revision) for name, own in functions.items() if callable(own)},
    )


def _require_torch() -> None:
    """Check that PyTorch is there, and no older than what is used of it.

    Raises:
        MissingExtra: if it is not.
    """
    purpose = "`from_torch`"
    torch = require("torch", extra="torch", purpose=purpose)
    require("safetensors", extra="torch", purpose=purpose)  # for checkpoints, which any training may come to write
    if tuple(int(part) for part in torch.__version__.split(".")[:2]) < _OLDEST:
        raise MissingExtra(
            f"{purpose} needs PyTorch {'.'.join(map(str, _OLDEST))} or later, not {torch.__version__}; install it "
            'with: pip install --upgrade "benign[torch]"'
        )


def _check_functions(build: object, others: Mapping[str, object]) -> None:
    """Refuse what cannot be called as it will be.

    Raises:
        InvalidArgument: naming the argument.
    """
    if maker_of_module(build) and not isinstance(build, type):
        raise invalid(
            "build",
            f"must be a function build(size) that returns a new module, got the module {type(build).__name__} itself; "
            "give a function that makes it.",
        )
    check_takes("build", build, "size")
    takes = {
        "loss": ("outputs", "targets"),
        "optimizer": ("parameters",),
        "schedule": ("progress",),
        "augment": ("inputs", "generator"),
    }
    for argument, value in others.items():
        if isinstance(value, str) and argument in _NAMES:
            checked_name(argument, value, _NAMES[argument])
        elif value is not None:
            check_takes(argument, value, *takes[argument])


def _check_of_optimizer(given: Mapping[str, float]) -> None:
    """Refuse settings that an optimiser of the user's own would not see.

    Raises:
        InvalidArgument: for the first of them.
    """
    for argument, value in given.items():
        if value != _OF_OPTIMIZER[argument]:
            raise invalid(argument, f"is that of your own `optimizer`, got {shown(value)} beside it; set it there.")


def _settings(recipe: Recipe) -> dict[str, object]:
    """What of the training's settings decides the numbers; what a function is in place of is left out."""
    own = {"loss": recipe.loss, "schedule": recipe.schedule}
    named = {name: value for name, value in recipe.training.spec().items() if own.get(name) is None}
    if isinstance(recipe.optimizer, str):
        named["optimizer"] = recipe.optimizer
    else:
        named = {name: value for name, value in named.items() if name not in {"optimizer", *_OF_OPTIMIZER}}
    return named | ({"precision": "mixed"} if recipe.is_mixed else {})


def _code(function: object, revision: int | None) -> object:
    """What in the key stands for a function, a class, or an object that can be called."""
    if revision is not None or isinstance(function, (FunctionType, type)):
        return code_of(function, revision)
    return describe_value(function, token=uuid.uuid4().hex)
