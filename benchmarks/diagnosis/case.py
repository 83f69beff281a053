"""A case: one training procedure on one population at one n, size and time, and the items that are asked of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Half = Literal["development", "untouched"]
Axis = Literal["more_data", "bigger", "longer"]
Metric = Literal["loss", "error"]
Stratum = Literal["random", "over", "stress", "refuse", "large"]

HALVES: tuple[Half, ...] = ("development", "untouched")
AXES: tuple[Axis, ...] = ("more_data", "bigger", "longer")
FACTORS = (1.5, 2.0, 4.0)
"""How many times as much data, as large a model, as long a training."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """Where a user may be.

    Attributes:
        name: unique.
        half: development or untouched.
        stratum: drawn at random; over-parameterised; of a stressful population; one whose rows are not independent,
            where nothing may be concluded; or of many samples.
        family: what is trained.
        population: on what.
        noise: of its labels.
        settings: of the procedure.
        samples: n.
        octaves: log2 of n over the threshold; NaN where none was drawn.
        size: of the model; None where it has none, or where it stands at "no limit".
        time: of training; None where it has none.
        factors: of data, as far as the population reaches.
        users: independent data sets that the tool is asked about.
        number: decides all that is drawn.
    """

    name: str
    half: Half
    stratum: Stratum
    family: str
    population: str
    noise: float
    settings: Mapping[str, float | str] = field(default_factory=dict)
    samples: int
    octaves: float
    size: float | None
    time: float | None
    factors: tuple[float, ...]
    users: int
    number: int

    def to_json(self) -> str:
        """All of it as a line of text."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Case:
        """What :meth:`to_json` wrote."""
        held: dict[str, Any] = json.loads(text)
        return cls(**held | {"factors": tuple(held["factors"])})


@dataclass(frozen=True, kw_only=True, order=True)
class Item:
    """One question about a case: what so many times as much of an axis does to a metric."""

    case: str
    axis: Axis
    factor: float
    metric: Metric
