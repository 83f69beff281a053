"""Seeds of one configuration: their curves averaged to one, whose jitter is less."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np

from benign.histories.answer import Origin, Triage
from benign.histories.history import Curve, History

_SEED = re.compile(r"(?i)[\W_]*(?:seed|run|version|trial|rep(?:licate)?|fold)?[\W_]*\d+(?:\.[a-z]{1,6})?$")
_CURVES = tuple(field.name for field in fields(History) if field.name.endswith(("_loss", "_error", "_penalty")))


def pooled(answers: Sequence[Triage]) -> Iterator[tuple[History, tuple[str, ...], Origin]]:
    """The averaged history of each configuration that several seeds were trained of.

    Runs are seeds of one configuration where their names differ in a number at the end alone and they were evaluated at
    the same times; the validation set, whose size limits what can be told, is one for all.
    """
    groups: dict[tuple[str, int, bytes], list[Triage]] = {}
    for one in answers:
        name = _SEED.sub("", one.origin.run)
        if name != one.origin.run:
            groups.setdefault((name, one.history.times.size, one.history.times.tobytes()), []).append(one)
    for (name, _, _), group in groups.items():
        if len(group) > 1:
            runs = tuple(one.origin.run for one in group)
            told = f"The curves of {len(group)} runs whose names differ in a number alone were averaged."
            origin = replace(group[0].origin, run=f"{name or 'all'} ({len(group)} seeds)", pooled=runs)
            yield _averaged([one.history for one in group]), (told,), origin


def _averaged(histories: Sequence[History]) -> History:
    first = histories[0]
    curves: dict[str, Any] = {name: _mean([getattr(one, name) for one in histories]) for name in _CURVES}
    diverged = [one.diverged_at for one in histories if one.diverged_at is not None]
    return replace(first, **curves, metrics=(), diverged_at=min(diverged, default=None))


def _mean(curves: Sequence[Curve | None]) -> Curve | None:
    """Undefined where one of them is; none where one was not recorded."""
    recorded = [curve for curve in curves if curve is not None]
    return np.mean(recorded, axis=0) if len(recorded) == len(curves) else None
