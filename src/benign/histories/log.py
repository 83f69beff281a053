"""A training log as a tool recorded it: named columns of numbers over time, each at positions of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from jaxtyping import Float

from benign.histories.role import Role

Axis = Literal["epoch", "step", "round", "evaluation"]
"""What positions count; an evaluation where the log says nothing: 1, 2, .."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Column:
    """One recorded curve, without the places where nothing was recorded.

    Attributes:
        name: as in the log.
        positions: where, as the log counts; in the order of the log, which may repeat or go back after a resume.
        values: what was recorded there; NaN or infinite where the log says so, never for an empty cell.
    """

    name: str
    positions: Float[np.ndarray, " points"]
    values: Float[np.ndarray, " points"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Log:
    """One run.

    Attributes:
        name: of the run, where the place holds several; empty for the only one.
        format: the tool and its file, as a reader would say it: "Keras CSVLogger".
        path: where it was read; empty for an object in memory.
        axis: what the positions count.
        columns: names may repeat, where the log repeats them.
        roles: of columns whose role the format itself tells, by name; the others are recognised by their names.
        given: what the log itself says of the data, by the argument of :func:`~benign.histories.triaging.triage`.
        notes: a sentence on everything that was left out, joined or repaired in reading.
    """

    name: str = ""
    format: str
    path: str = ""
    axis: Axis = "epoch"
    columns: tuple[Column, ...]
    roles: Mapping[str, Role] = field(default_factory=dict)
    given: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
