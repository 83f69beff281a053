"""An experiment as it is declared: from Python, from a TOML file, or from the JSON that a store keeps."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from jaxtyping import Shaped
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    PrivateAttr,
    ValidationError,
    field_validator,
)

from benign.experiments.declaration.axes import real_axis, size_axis, whole_axis
from benign.experiments.declaration.catalogue import PROCEDURE, SOURCE, Kind
from benign.experiments.declaration.editor_schema import experiment_schema
from benign.experiments.declaration.plain import MOST_KEYS, TOO_MANY_KEYS, plain
from benign.experiments.declaration.problems import Origin, Problem, refuse, translated
from benign.experiments.declaration.reach import Reach
from benign.experiments.declaration.settings import checked_choice
from benign.experiments.declaration.tables import MOST_VALUES, Crossed, DeclaredEnvironment, Range, read_table
from benign.experiments.declaration.toml_file import declared_in
from benign.foundation.errors import among
from benign.foundation.wording import shown
from benign.procedures.protocol import Procedure
from benign.schema import METRICS, asked_name, name_today
from benign.sources.protocol import Source

_ZERO_WIDTH_JOINER = "\u200d"  # joins emoji


def _choice(kind: Kind) -> PlainValidator:
    """Accepts a ready object, or a choice by name, and checks that."""

    def checked(value: object) -> object:
        return value if isinstance(value, kind.protocol) else checked_choice(value, kind, keys=Experiment.model_fields)

    return PlainValidator(checked)


def _optional(read: Callable[[object], object]) -> PlainValidator:
    return PlainValidator(lambda value: None if value is None else read(value))


def _is_name(value: str) -> str:
    if not value.strip() or not all(letter.isprintable() or letter == _ZERO_WIDTH_JOINER for letter in value):
        raise ValueError(value)
    return value


def _metrics(names: object) -> tuple[str, ...]:
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        refuse(f'must be a list of names of metrics, for example ["leave_one_out_loss"], got {shown(names)}.')
    for name in names:
        if name_today(name) not in METRICS:
            refuse(f"there is no metric {shown(name)}; {among(list(METRICS), name)}")
    return tuple(dict.fromkeys(map(asked_name, names)))


_Name = Annotated[str, Field(strict=True, min_length=1, max_length=80), AfterValidator(_is_name)]
_Whole = int | Sequence[int] | Shaped[np.ndarray, " value"] | Range | Mapping[str, object]
_Real = float | Sequence[float] | Shaped[np.ndarray, " value"] | Range | Mapping[str, object]


class Experiment(BaseModel):
    """A grid of measurements, declared once; :func:`~benign.experiments.declaration.resolve` makes it a grid of jobs.

    From Python, ``source`` and ``procedure`` may be ready objects; then only Python can resume its run.

    Attributes:
        name: what its runs are called.
        source: where samples come from: ``{"name": "digits", "test_samples": 400}``, or a ready source.
        procedure: what is trained: ``{"name": "random_fourier", "ridge": 0.1}``, or a ready procedure.
        samples: numbers of training samples: ``"every"``, a list, one number or a range.
        sizes: likewise; ``"every"`` is 1 to the largest size, or to ten times the samples where sizes have no end;
            ``"auto"`` leaves them to a pilot, which places them about the interpolation threshold.
        times: a list, one number or a range, where training has a duration; None for its end.
        label_noise: levels of label noise, in the place of the source's own; None for the source as it is.
        replicates: number of paired replicates; ten unless ``crossed`` is given.
        crossed: in its place, the numbers of draws, initialisations and noises to cross.
        seed: root seed.
        metrics: names of metrics beside the default ones.
        execution: how it is run; no number depends on it.

    Raises:
        InvalidDeclaration: with one line for each problem.

    >>> Experiment(source="mml", procedure="polynomial", samples=10, sizes={"from": 1, "to": 40, "step": 1}).samples
    (10,)
    """

    model_config = ConfigDict(frozen=True, extra="forbid", title="benign experiment")

    name: _Name = Field(default="experiment", description="text of 1 to 80 printable characters")
    source: Annotated[Source | Mapping[str, object] | str, _choice(SOURCE)] = Field(
        description="a table with the name of a source and its settings"
    )
    procedure: Annotated[Procedure | Mapping[str, object] | str, _choice(PROCEDURE)] = Field(
        description="a table with the name of a procedure and its settings"
    )
    samples: Annotated[_Whole | Literal["every"], PlainValidator(whole_axis)] = Field(
        description='numbers of training samples: a list, one number, a range or "every"'
    )
    sizes: Annotated[_Whole | Literal["every", "auto"], PlainValidator(size_axis)] = Field(
        default="every", description='sizes of the model: a list, one number, a range, "every" or "auto"'
    )
    times: Annotated[_Real | None, _optional(real_axis)] = Field(
        default=None, description="times of training: a list, one number or a range"
    )
    label_noise: Annotated[_Real | None, _optional(real_axis)] = Field(
        default=None, description="levels of label noise: a list, one number or a range"
    )
    replicates: int | None = Field(
        default=None, strict=True, ge=1, le=MOST_VALUES, description=f"an integer from 1 to {MOST_VALUES:,}"
    )
    crossed: Annotated[Crossed | Mapping[str, int] | Sequence[int] | None, _optional(partial(read_table, Crossed))] = (
        Field(default=None, description="crossed replicates: { draws = 3, initialisations = 2, noises = 2 }")
    )
    seed: int = Field(default=0, strict=True, ge=0, lt=2**63, description="an integer from 0 to 2^63 - 1")
    metrics: Annotated[Sequence[str], PlainValidator(_metrics)] = Field(
        default=(), description="names of metrics beside the default ones"
    )
    execution: Annotated[DeclaredEnvironment, PlainValidator(partial(read_table, DeclaredEnvironment))] = Field(
        default=DeclaredEnvironment(), description="a table: where and how jobs run"
    )

    _origin: Origin = PrivateAttr(default_factory=Origin)
    _address: str | None = PrivateAttr(default=None)

    if not TYPE_CHECKING:  # what may be given is what the fields say

        def __init__(self, /, **data: object) -> None:
            try:
                super().__init__(**data)
            except ValidationError as error:
                raise translated(error, Experiment) from None

    @field_validator("*", mode="before")
    @classmethod
    def _in_plain_types(cls, value: object) -> object:
        return value if isinstance(value, (Source, Procedure)) else plain(value)

    @classmethod
    def from_toml(
        cls,
        path: str | os.PathLike[str],
        overrides: Sequence[str] = (),
        *,
        announce: Callable[[Reach], object] | None = None,
    ) -> Experiment:
        """Read an experiment's file; paths in it are relative to its folder.

        Args:
            path: the file.
            overrides: ``key=value``, keys with dots for tables: ``source.label_noise=0.2``, ``samples=[50, 100]``,
                ``sizes=every``. Paths in these are relative to the current folder.
            announce: told what the file reaches for before a module that it names is imported.

        Raises:
            InvalidDeclaration: if the file cannot be read, or declares no experiment.
        """
        data, origin = declared_in(path, overrides, announce)
        return cls._of(data, origin)

    @classmethod
    def from_json(cls, text: str) -> Experiment:
        """Read what :meth:`to_json` wrote.

        Raises:
            InvalidDeclaration: if it declares no experiment.
        """
        origin = Origin(file="stored experiment")
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise origin.error([Problem((), f"is no JSON: {error}.")]) from error
        if not isinstance(data, dict):
            raise origin.error([Problem((), f"must be a JSON object, got {shown(data)}.")])
        return cls._of(data, origin)

    @classmethod
    def _of(cls, data: Mapping[str, object], origin: Origin) -> Experiment:
        """The experiment of plain values, which knows where they came from."""
        if len(data) > MOST_KEYS:
            raise origin.error([Problem((), TOO_MANY_KEYS)])
        with origin.blamed():
            experiment = cls(**data)  # type: ignore[arg-type]
        experiment._origin = origin
        return experiment

    @property
    def origin(self) -> Origin:
        """Where it came from, for messages."""
        return self._origin

    @property
    def is_declared_by_name(self) -> bool:
        """Whether source and procedure were both given by name, so that it can be written down."""
        return isinstance(self.source, Mapping) and isinstance(self.procedure, Mapping)

    @property
    def declaration(self) -> str | None:
        """By what a run of it is resumed from the store alone: its :attr:`address`, or else itself as JSON.

        The store is left out: a run is resumed where it was found, and the address of a store may hold a password. None
        where only Python can make source and procedure again.
        """
        if self._address is None and self.is_declared_by_name:
            return self.without_store().to_json()
        return self._address

    def at(self, address: str, *, name: str, seed: int) -> Experiment:
        """The same with another name and root seed, and a text by which whoever has made it can make it again."""
        copy = self.model_copy(update={"name": name, "seed": seed})
        copy._address = address
        return copy

    def without_store(self) -> Experiment:
        """The same, kept in the default store."""
        return self.model_copy(update={"execution": self.execution.model_copy(update={"store": None})})

    def to_json(self) -> str:
        """The experiment as JSON, paths absolute; :meth:`from_json` restores it exactly.

        Raises:
            InvalidDeclaration: if its source or procedure is a ready object.
        """
        for kind in (SOURCE, PROCEDURE):
            if not isinstance(getattr(self, kind.word), Mapping):
                refuse("must be declared by name to be written down, for example {'name': ...}.", kind.word)
        entries = {key: _written(getattr(self, key)) for key in type(self).model_fields}
        return json.dumps({key: entry for key, entry in entries.items() if entry is not None}, sort_keys=True)

    @classmethod
    def json_schema(cls) -> dict[str, object]:
        """JSON Schema of an experiment's TOML file, for editors that complete and check as one types."""
        return experiment_schema(cls)

    def __eq__(self, other: object) -> bool:
        """Whether all fields are equal; where they came from does not matter."""
        return isinstance(other, Experiment) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]  # it holds tables


def _written(value: object) -> object:
    """A field as JSON has it; None is left out."""
    return value.model_dump(by_alias=True, exclude_none=True) if isinstance(value, BaseModel) else value
