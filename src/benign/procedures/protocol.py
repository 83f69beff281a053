"""The contract of a training procedure.

A family is a frozen dataclass of its settings. What families share are functions of a family, and the class body takes
them as its methods (``measure = measure_networks``): a protocol beside each function says what of the family it needs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Real

from benign.foundation.arguments import checked_text
from benign.foundation.errors import invalid
from benign.foundation.numbers import checked_count
from benign.foundation.replicate import Replicate
from benign.foundation.split import Split
from benign.networks.training import Training
from benign.schema import END_OF_TRAINING, Block
from benign.sources.protocol import Source


@dataclass(frozen=True, kw_only=True, eq=False)
class Predictions:
    """Predictions of the model of one size at one time: values, or one score a class."""

    size: float
    time: float
    values: Float[np.ndarray, "m outputs"]


def is_size_inverse(procedure: object) -> bool:
    """Whether the larger a procedure's size, the less it can fit."""
    return bool(getattr(procedure, "is_inverse", False))


def has_real_sizes(procedure: object) -> bool:
    """Whether a procedure's size may be any positive number."""
    return bool(getattr(procedure, "has_real_sizes", False))


def check_names(**names: str) -> None:
    """Refuse what names a procedure or an axis with nothing that can be read.

    Raises:
        InvalidArgument: naming the argument.
    """
    for argument, text in names.items():
        if not checked_text(argument, text).strip():
            raise invalid(argument, f"must be a text, got {text!r}.")


def check_max_size(max_size: object) -> None:
    """Refuse a largest size that is neither a count nor ``math.inf``.

    Raises:
        InvalidArgument: for anything else.
    """
    if not (isinstance(max_size, float) and max_size == math.inf):
        checked_count("max_size", max_size)


def trains_along_time(procedure: object) -> bool:
    """Whether one training gives the models of all times, rather than each time a training of its own."""
    return bool(getattr(procedure, "trains_along_time", True))


def end_of_training(procedure: object) -> float | None:
    """When a procedure's own training ends; None where that is not known."""
    last = getattr(procedure, "last_time", None)
    if last is None:
        last = getattr(getattr(procedure, "training", None), "last_time", None)
    return float(last) if isinstance(last, (int, float)) else None


def runs_users_code(procedure: object) -> bool:
    """Whether its training runs code that is not ours, and may exit, crash or never end."""
    return bool(getattr(procedure, "runs_users_code", not type(procedure).__module__.startswith("benign.")))


@runtime_checkable
class Procedure(Protocol):
    """Maps a training set to a model of a given size (and training time), and measures it at many sizes at once.

    Laws: the numbers depend on the split, its replicate's ``seed`` and ``initialisation`` and the settings alone, never
    on which splits, sizes or metrics share the call; ``revision`` is raised when they change.

    What only some procedures have: :class:`SupportsCheck`, :class:`SupportsLeastBytes`, :class:`Retrainable`,
    :class:`CountsColumns`, and the attributes ``is_inverse``, True where the larger its size, the less it can fit,
    ``has_real_sizes``, True where a size may be any positive number, ``takes_columns``, True where it heeds
    :attr:`Split.columns`, so that it may be given text and missing values, ``trains_along_time``, False where each time
    is a training of its own, ``last_time``, when its training ends, and ``runs_users_code``, True where ours only calls
    the user's. Sizes that are whole are int64 everywhere.
    """

    @property
    def revision(self) -> int:
        """Raised when the numbers change."""
        ...

    @property
    def size_name(self) -> str:
        """What a size counts, for axes: ``"features"``."""
        ...

    @property
    def time_name(self) -> str | None:
        """What a time counts; None where training has no duration."""
        ...

    @property
    def objective(self) -> str:
        """What the losses are: a name in :data:`benign.procedures.objectives.NAMES`."""
        ...

    @property
    def max_size(self) -> float:
        """Largest size that exists; ``math.inf`` where there is no end."""
        ...

    def spec(self) -> dict[str, object]:
        """Canonical settings: what, with ``revision``, decides the numbers."""
        ...

    def parameters(self, size: int, split: Split) -> int:
        """Number of trained parameters of the model of this size."""
        ...

    def batches(self, replicates: Sequence[Replicate]) -> Sequence[tuple[Replicate, ...]]:
        """The replicates of one n, split into those that are best measured in one call."""
        ...

    def measure(
        self,
        splits: Sequence[Split],
        sizes: Real[np.ndarray, " size"],
        times: Float[np.ndarray, " time"] | None,
        metrics: frozenset[str],
    ) -> Block:
        """Measure the splits, which are replicates of one n, at all sizes and times."""
        ...

    def predict(
        self,
        split: Split,
        inputs: Float[np.ndarray, "m d"],
        sizes: Real[np.ndarray, " size"],
        times: Float[np.ndarray, " time"] | None,
    ) -> Iterator[Predictions]:
        """Predictions on other inputs, one size after another."""
        ...


@runtime_checkable
class CountsColumns(Protocol):
    """A procedure whose size is a number of input columns, so that a source decides the largest."""

    def with_columns(self, columns: int) -> Procedure:
        """The same, its largest size known."""
        ...


def placed_on(procedure: Procedure, source: Source) -> Procedure:
    """The procedure, its largest size known where a source decides it."""
    if not isinstance(procedure, CountsColumns) or math.isfinite(procedure.max_size):
        return procedure
    return procedure.with_columns(source.draw(1, Replicate()).train_inputs.shape[1])


@runtime_checkable
class SupportsCheck(Protocol):
    """A procedure that knows beforehand what it cannot do: then nothing of such a grid is measured."""

    def check(self, samples: Sequence[int], times: Float[np.ndarray, " time"] | None) -> None:
        """Refuse numbers of samples or times.

        Raises:
            InvalidArgument: for the first that it cannot do.
        """
        ...


@runtime_checkable
class SupportsLeastBytes(Protocol):
    """A procedure that knows what memory it needs: what this machine cannot hold is refused before it is built."""

    def least_bytes(self, samples: int, test_samples: int, size: int) -> float:
        """What measuring one size on so many samples needs at least, whatever the source."""
        ...


@runtime_checkable
class Retrainable(Protocol):
    """A procedure whose training is a value of ours, and may be another."""

    @property
    def training(self) -> Training:
        """How it is trained."""
        ...

    def retrained(self, training: Training) -> Procedure:
        """The same, trained otherwise."""
        ...


def lasting(procedure: Procedure, time: float) -> Procedure:
    """The procedure, its training made longer where it would end before a time and that can be."""
    if not isinstance(procedure, Retrainable) or time <= procedure.training.last_time:
        return procedure
    return procedure.retrained(procedure.training.lasting(time))


def is_annealed(procedure: object) -> bool:
    """Whether its schedule ends with its training, so that a longer one differs from the first step on."""
    own = getattr(getattr(procedure, "training", None), "is_annealed", False)
    return bool(getattr(procedure, "is_annealed", own))


def one_replicate_each(procedure: object, replicates: Sequence[Replicate]) -> list[tuple[Replicate, ...]]:
    """The batches of a procedure that gains nothing by measuring replicates together."""
    del procedure
    return [(replicate,) for replicate in replicates]


def recorded_times(times: Float[np.ndarray, " time"] | None) -> Float[np.ndarray, " time"]:
    """The times of a block; where none are asked for, the end of training."""
    return np.array([END_OF_TRAINING]) if times is None else times


def check_inputs(inputs: Float[np.ndarray, "m d"], split: Split) -> None:
    """Refuse inputs that have other columns than those trained on.

    Raises:
        InvalidArgument: with both numbers of columns.
    """
    wanted, got = (math.prod(rows.shape[1:]) for rows in (split.train_inputs, inputs))  # samples may have a shape
    if got != wanted:
        raise invalid("inputs", f"must have {wanted} columns, as in training, got {got}.")


def refuse_metrics(refused: Set[str], why: str) -> None:
    """Refuse metrics that a procedure cannot measure, where there are any.

    Raises:
        InvalidArgument: for the first of them, with why.
    """
    for name in sorted(refused):
        raise invalid("metrics", f"asks for {name}, which {why}.")
