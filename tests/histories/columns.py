"""Logs made by hand for the tests of roles and joining."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from benign.histories.log import Axis, Column, Log
from benign.histories.role import Role

Curve = Sequence[float] | np.ndarray | tuple[Sequence[float] | np.ndarray, Sequence[float] | np.ndarray]


def log_of(
    curves: Mapping[str, Curve] | None = None, /, *, axis: Axis = "epoch", roles: Mapping[str, Role] | None = None,
    **named: Curve,
) -> Log:  # fmt: skip
    """A log with a column for each name: values at 1, 2, .., or a pair of positions and values."""
    of_all = {**(curves or {}), **named}
    return Log(
        format="made by hand",
        axis=axis,
        roles=roles or {},
        columns=tuple(column(name, of_all[name]) for name in of_all),
    )


def column(name: str, curve: Curve) -> Column:
    positions, values = curve if isinstance(curve, tuple) else (np.arange(1, len(curve) + 1), curve)
    return Column(name=name, positions=np.asarray(positions, float), values=np.asarray(values, float))
