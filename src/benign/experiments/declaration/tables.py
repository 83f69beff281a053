"""The tables of a declaration that have fixed keys: ranges, crossed replicates, and where jobs run."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Literal, TypeVar

import numpy as np
from jaxtyping import Float, Int
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from benign.experiments.declaration.plain import absolute, is_no_path
from benign.experiments.declaration.problems import refuse, translated
from benign.foundation.wording import shown

LARGEST = 1e15  # integers up to here are exact
MOST_VALUES = 1_000_000

_Number = Annotated[
    float,
    Field(strict=True, allow_inf_nan=False, ge=-LARGEST, le=LARGEST, description="a number, at most 1e15 in size"),
]
_Positive = Annotated[float, Field(strict=True, allow_inf_nan=False, gt=0, description="a positive number")]
_Count = Annotated[int, Field(strict=True, ge=1, le=MOST_VALUES, description="a positive integer")]
_Text = Annotated[str, Field(strict=True, min_length=1, max_length=4096, pattern=r"^[^\x00-\x1f\x7f]+$")]


class Table(BaseModel):
    """What the description of each of its fields says is expected there."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


_Table = TypeVar("_Table", bound=Table)


def read_table(kind: type[_Table], value: object) -> _Table:
    """A table of this kind from plain values; one that is there is as good.

    Raises:
        InvalidDeclaration: with one problem for each key that cannot be used.
    """
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise translated(error, kind) from None


class Range(Table):
    """From one number to another, both included: in steps, or by count, evenly or logarithmically.

    In an experiment it is written as a table, ``{ from = 50, to = 800, count = 5, scale = "log" }``.
    """

    start: _Number = Field(validation_alias="from", serialization_alias="from")
    to: _Number
    step: _Positive | None = Field(default=None, description="a positive number")
    count: Annotated[int, Field(strict=True, ge=2, le=MOST_VALUES)] | None = Field(
        default=None, description="a whole number of values, at least 2"
    )
    scale: Literal["linear", "log"] = Field(default="linear", description='"linear" or "log"')

    @model_validator(mode="after")
    def _checked(self) -> Range:
        if self.start > self.to:
            refuse(f"must not go down, got from {self.start:g} to {self.to:g}.")
        if (self.step is None) == (self.count is None):
            refuse("must have either a `step` or a `count`, for example { from = 50, to = 800, count = 5 }.")
        if self.scale == "log" and (self.step is not None or self.start <= 0):
            refuse('with scale = "log" must have a `count` and start above 0.')
        if self.step is not None and (self.to - self.start) / self.step >= MOST_VALUES:
            refuse(f"must hold at most {MOST_VALUES:,} values; take a larger `step`.")
        return self

    def values(self) -> Float[np.ndarray, " value"]:
        """The numbers, ``to`` included where the steps meet it."""
        if self.step is not None:
            # In decimals as they were written: 0.1 to 0.3 in steps of 0.1 is the list [0.1, 0.2, 0.3].
            first, step = Fraction(repr(self.start)), Fraction(repr(self.step))
            steps = int((Fraction(repr(self.to)) - first) / step)
            return np.array([float(first + i * step) for i in range(steps + 1)])
        assert self.count is not None
        spaced = np.geomspace if self.scale == "log" else np.linspace
        return np.unique(spaced(self.start, self.to, self.count))

    def whole_values(self) -> Int[np.ndarray, " value"]:
        """The numbers rounded to distinct integers."""
        return np.unique(np.rint(self.values()).astype(np.int64))


class Crossed(Table):
    """Replicates as the full grid of draws, initialisations and noises."""

    draws: _Count = 1
    initialisations: _Count = 1
    noises: _Count = 1

    @model_validator(mode="before")
    @classmethod
    def _as_table(cls, value: object) -> object:
        if isinstance(value, list) and len(value) == 3:
            return dict(zip(cls.model_fields, value, strict=True))
        if not isinstance(value, (dict, Crossed)):
            refuse(f"must be {{ draws = 3, initialisations = 2, noises = 2 }}, got {shown(value)}.")
        return value

    @model_validator(mode="after")
    def _checked(self) -> Crossed:
        count = self.draws * self.initialisations * self.noises
        if count > MOST_VALUES:
            refuse(f"must be at most {MOST_VALUES:,} replicates in all, got {count:,}.")
        return self


def _absolute_store(store: str) -> str:
    """A file's path made absolute; ``:memory:`` and the addresses of servers are left alone."""
    return store if is_no_path(store) else absolute(store)


class DeclaredEnvironment(Table):
    """The table ``[execution]``: what of :class:`~benign.experiments.environment.Environment` can be written down.

    Attributes:
        executor: ``"here"``, ``"processes"`` or ``"ray"``; None for ``"processes"``.
        workers: processes; None for as many as there are processors.
        address: of a Ray cluster; None starts one on this machine.
        cpus_per_job: processors that Ray reserves for a job.
        gpus_per_job: GPUs likewise; a fraction shares one.
        minutes_per_job: a job that takes longer is stopped, where the executor can.
        attempts: how often a job that dies is tried.
        store: path of a file, or address of a server; None for the default store.
    """

    executor: Literal["here", "processes", "ray"] | None = Field(
        default=None, description='"here", "processes" or "ray"'
    )
    workers: int | None = Field(default=None, strict=True, ge=1, description="a positive integer")
    address: _Text | None = Field(default=None, description="the address of a Ray cluster as text")
    cpus_per_job: _Positive = 1.0
    gpus_per_job: float = Field(
        default=0.0, strict=True, allow_inf_nan=False, ge=0, description="a number of at least 0"
    )
    minutes_per_job: _Positive | None = Field(default=None, description="a positive number")
    attempts: _Count = 3
    store: Annotated[_Text, AfterValidator(_absolute_store)] | None = Field(
        default=None, description="the path of a file, or postgresql://user:password@host/database"
    )

    @property
    def seconds_per_job(self) -> float | None:
        """``minutes_per_job`` in seconds."""
        return None if self.minutes_per_job is None else 60.0 * self.minutes_per_job
