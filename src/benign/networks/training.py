"""How a network is trained: loss, optimiser, schedule, batches and duration, as one value that decides numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Int

from benign.foundation.arguments import checked_flag, checked_name
from benign.foundation.errors import InvalidArgument, invalid
from benign.foundation.numbers import checked_count, checked_number, checked_rate

LOSSES = ("cross-entropy", "squared")
OPTIMIZERS = ("adam", "momentum", "sgd")
SCHEDULES = ("constant", "cosine", "inverse_square_root", "step_decay")
PRECISIONS = ("float32", "float64")
PENALTIES = ("double_backpropagation", "finite_difference")
# How often training looks whether a network has fitted its training set, if it is to stop there.
CHECKED_EPOCHS = 10
# Batches of which the mini-batch gradient penalty is the mean at most.
PENALTY_BATCHES = 8
_EPOCHS = 100


@dataclass(frozen=True, kw_only=True)
class Training:
    """How a network is trained. Every setting is one of PyTorch's of the same name, unless said.

    Args:
        loss: ``"cross-entropy"`` (nats, mean over samples) or ``"squared"`` (summed over outputs, mean over samples:
            PyTorch's ``MSELoss`` times the number of outputs).
        optimizer: ``"adam"`` (Kingma & Ba 2015; betas 0.9 and 0.999, eps 1e-8), ``"momentum"`` (heavy ball) or
            ``"sgd"``.
        learning_rate: the step size h, before the schedule.
        momentum: of the optimiser ``"momentum"``.
        schedule: ``"constant"``; ``"cosine"``: to zero at the end of training; ``"inverse_square_root"``:
            1 / sqrt(1 + floor(step / 512)) (Nakkiran et al. 2020, section B.2); ``"step_decay"``: 10 % lower every 500
            epochs (Belkin et al. 2019).
        batch_size: samples a step, drawn without replacement in each epoch, the last batch of an epoch being smaller
            where they do not divide n; None for the full batch.
        epochs: passes over the training set; 100 where neither they nor ``steps`` are given.
        steps: number of steps in place of ``epochs``, the same whatever n is.
        weight_decay: added to the gradient as ``weight_decay`` times the parameters (an l2 penalty), biases included.
        gradient_penalty: mu of the explicit regulariser mu R_IG, R_IG the mean square of the gradient of the batch's
            objective over all parameters (Barrett & Dherin 2021, section 4); 0 for none. What gradient descent adds
            implicitly is h m / 4 with m parameters.
        gradient_penalty_by: ``"double_backpropagation"`` or ``"finite_difference"`` (Karakida et al. 2023).
        gradient_penalty_step: epsilon of the finite difference, in gradients.
        average: decay per step of the exponential moving average of the weights that the ``*_averaged`` metrics
            measure.
        stop_at_zero_error: whether a network is frozen, its average too, once it makes no error on its training set,
            which is looked at after every tenth epoch (Belkin et al. 2019 stop there). Classification only.
        precision: ``"float32"`` or ``"float64"``.

    Raises:
        InvalidArgument: for a setting that cannot be used; the message says what to do.
    """

    loss: Literal["cross-entropy", "squared"] = "cross-entropy"
    optimizer: Literal["adam", "momentum", "sgd"] = "adam"
    learning_rate: float = 2e-3
    momentum: float = 0.9
    schedule: Literal["constant", "cosine", "inverse_square_root", "step_decay"] = "constant"
    batch_size: int | None = 128
    epochs: int | None = None
    steps: int | None = None
    weight_decay: float = 0.0
    gradient_penalty: float = 0.0
    gradient_penalty_by: Literal["double_backpropagation", "finite_difference"] = "double_backpropagation"
    gradient_penalty_step: float = 0.01
    average: float = 0.98
    stop_at_zero_error: bool = False
    precision: Literal["float32", "float64"] = "float32"

    def __post_init__(self) -> None:
        self._check_names()
        self._check_counts()
        self._check_numbers()

    def _check_names(self) -> None:
        named = {"loss": LOSSES, "optimizer": OPTIMIZERS, "schedule": SCHEDULES, "precision": PRECISIONS}
        named |= {"gradient_penalty_by": PENALTIES}
        for argument, known in named.items():
            checked_name(argument, getattr(self, argument), known)

    def _check_counts(self) -> None:
        for argument in ("batch_size", "epochs", "steps"):
            if getattr(self, argument) is not None:
                checked_count(argument, getattr(self, argument))
        if self.epochs is not None and self.steps is not None:
            raise InvalidArgument("`epochs` and `steps` cannot both be given; leave one of them out.")

    def _check_numbers(self) -> None:
        checked_flag("stop_at_zero_error", self.stop_at_zero_error)
        checked_rate("learning_rate", self.learning_rate)
        for argument in ("weight_decay", "gradient_penalty"):
            if checked_number(argument, getattr(self, argument)) < 0.0:
                raise invalid(argument, f"must be zero or a positive number, got {getattr(self, argument)!r}.")
        if checked_number("gradient_penalty_step", self.gradient_penalty_step) <= 0.0:
            raise invalid("gradient_penalty_step", f"must be a positive number, got {self.gradient_penalty_step!r}.")
        for argument in ("momentum", "average"):
            if not 0.0 <= checked_number(argument, getattr(self, argument)) < 1.0:
                raise invalid(argument, f"must lie from 0 up to but not including 1, got {getattr(self, argument)!r}.")

    @property
    def time_name(self) -> str:
        """What a time counts: "epochs", or "gradient steps" where the number of steps is fixed."""
        return "epochs" if self.steps is None else "gradient steps"

    @property
    def last_time(self) -> int:
        """The end of training, in epochs or steps."""
        return self.steps or self.epochs or _EPOCHS

    @property
    def is_annealed(self) -> bool:
        """Whether its schedule ends with training, so that a longer training differs from its first step on."""
        return self.schedule == "cosine"

    def lasting(self, time: float) -> Training:
        """The same up to another time, or the next whole one."""
        end = math.ceil(time)
        return replace(self, epochs=end) if self.steps is None else replace(self, steps=end)

    def batch_of(self, samples: int) -> int:
        """Samples in a full batch of n.

        Raises:
            InvalidArgument: if a batch is larger than n.
        """
        if self.batch_size is not None and self.batch_size > samples:
            raise invalid(
                "batch_size",
                f"must be at most the number of training samples, got {self.batch_size} of {samples}; "
                "lower it, or None for the full batch.",
            )
        return samples if self.batch_size is None else self.batch_size

    def steps_per_epoch(self, samples: int) -> int:
        """Steps in which each of n samples is visited once."""
        return -(-samples // self.batch_of(samples))

    def total_steps(self, samples: int) -> int:
        """Steps of the whole training on n samples."""
        return self.last_time * (self.steps_per_epoch(samples) if self.steps is None else 1)

    def steps_at(self, times: Int[np.ndarray, " time"] | list[float], samples: int) -> Int[np.ndarray, " time"]:
        """The step at which each time is reached; infinity is the end of training.

        Raises:
            InvalidArgument: for a time that is past the end, not increasing, or between two steps.
        """
        unit = self.steps_per_epoch(samples) if self.steps is None else 1
        moments = [float(self.last_time) if moment == math.inf else float(moment) for moment in times]
        for moment in moments:
            if not 0.0 <= moment <= self.last_time:
                raise invalid(
                    "times",
                    f"must lie from 0 to the end of training, {self.last_time} {self.time_name}, got "
                    f"{moment:g}; train longer or leave it out.",
                )
            if abs(moment * unit - round(moment * unit)) > 1e-6:
                raise invalid(
                    "times", f"must fall on whole steps, of which an epoch has {unit}, got {moment:g}; round it."
                )
        steps = np.array([round(moment * unit) for moment in moments], dtype=np.int64)
        if not len(steps) or np.any(np.diff(steps) <= 0):
            given = ", ".join(f"{moment:g}" for moment in moments)
            raise invalid("times", f"must increase strictly, got [{given}]; sort them and drop repeats.")
        return steps

    def log_spaced(self, count: int = 24) -> tuple[float, ...]:
        """At most ``count`` whole times from 1 to the end of training, evenly spread on a logarithmic scale.

        >>> Training(epochs=100).log_spaced(5)
        (1.0, 3.0, 10.0, 32.0, 100.0)
        """
        moments = np.unique(np.round(np.geomspace(1, self.last_time, checked_count("count", count))))
        return tuple(float(moment) for moment in moments)

    def spec(self) -> dict[str, object]:
        """Canonical settings, JSON values only; ``average`` among them, for it decides the averaged metrics."""
        return {
            "loss": self.loss,
            "optimizer": self.optimizer,
            "learning_rate": float(self.learning_rate),
            **({"momentum": float(self.momentum)} if self.optimizer == "momentum" else {}),
            "schedule": self.schedule,
            "batch_size": self.batch_size,
            "epochs" if self.steps is None else "steps": self.last_time,
            "weight_decay": float(self.weight_decay),
            **self._penalty_spec(),
            "average": float(self.average),
            "stop_at_zero_error": self.stop_at_zero_error,
            "precision": self.precision,
        }

    def _penalty_spec(self) -> dict[str, object]:
        """Named only where it is used, so that what was measured without it keeps its key."""
        if not self.gradient_penalty:
            return {}
        finite = self.gradient_penalty_by == "finite_difference"
        return {
            "gradient_penalty": float(self.gradient_penalty),
            "gradient_penalty_by": self.gradient_penalty_by,
            **({"gradient_penalty_step": float(self.gradient_penalty_step)} if finite else {}),
        }
