"""What gradient boosting records of its evaluation sets: a metric for each set and each round."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from benign.foundation.errors import InvalidArgument, listed
from benign.foundation.wording import shown
from benign.histories.column_names import role_of
from benign.histories.log import Column, Log
from benign.histories.readers.mapping import cells_of_values
from benign.histories.readers.protocol import Opened, Value
from benign.histories.role import Role
from benign.histories.roles import correction

_NUMBERED = re.compile(r"(?:validation|valid|eval)_\d+")
_FALLS = 0.95  # of the rounds, in which a training loss does not rise
_FARTHER = 0.9  # at most this share of another set's loss is left of it in the end


@dataclass(frozen=True, kw_only=True)
class Boosting:
    """One library's record: the nested dict itself, as JSON, or within the estimator that was fitted.

    Attributes:
        name: as a sentence lists it.
        library: whose estimators these are.
        attribute: of a fitted estimator, or its method, that says the nested dict.
        own: how names of sets and metrics are spelled by this library alone.
    """

    name: str
    library: str
    attribute: str
    own: str

    def matches(self, opened: Opened) -> float:
        if not isinstance(opened, Value):
            return 0.0
        if not isinstance(opened.value, Mapping):
            return 0.9 if not opened.path and _is_of_sets(self._recorded(opened.value)) else 0.0
        if not _is_of_sets(opened.value):
            return 0.0
        names = [*opened.value, *(metric for metrics in opened.value.values() for metric in metrics)]
        return 0.6 if any(re.fullmatch(self.own, str(name)) for name in names) else 0.0

    def read(self, opened: Opened) -> Iterator[Log]:
        assert isinstance(opened, Value)
        sets: Any = opened.value if isinstance(opened.value, Mapping) else self._recorded(opened.value)
        yield _log(sets, format_=self.name, path=opened.path)

    def _recorded(self, estimator: object) -> object:
        """What the estimator kept; None of another library's, and of one without evaluation sets."""
        if type(estimator).__module__.partition(".")[0] != self.library:
            return None
        try:
            kept = getattr(estimator, self.attribute, None)
            return kept() if callable(kept) else kept
        except Exception:  # not fitted, or without evaluation sets: each library has an error of its own
            return None


XGBOOST = Boosting(
    name="XGBoost evals_result",
    library="xgboost",
    attribute="evals_result",
    own=r"validation_\d+|m?logloss|merror|[a-z]+-(nloglik|deviance)(@.*)?|aucpr",
)
LIGHTGBM = Boosting(
    name="LightGBM record_evaluation",
    library="lightgbm",
    attribute="evals_result_",
    own=r"valid_\d+|(binary|multi)_(logloss|error)|auc_mu|multi_error@\d+|l1|l2",
)
CATBOOST = Boosting(
    name="CatBoost evals_result_",
    library="catboost",
    attribute="evals_result_",
    own=r"Logloss|MultiClass(OneVsAll)?|learn|RMSE|CrossEntropy",
)


def _is_of_sets(value: object) -> bool:
    """Whether it says series of numbers for metrics of sets: ``{"validation_0": {"logloss": [0.6, 0.5]}}``."""
    if not isinstance(value, Mapping) or not value:
        return False
    return all(
        isinstance(metrics, Mapping)
        and len(metrics)
        and all(isinstance(series, (list, tuple)) and series for series in metrics.values())
        for metrics in value.values()
    )


def _log(sets: Mapping[Any, Mapping[Any, Any]], *, format_: str, path: str) -> Log:
    """A column for each metric of each set, over the rounds from 1."""
    columns: list[Column] = []
    left: list[str] = []
    for title, series in ((f"{name}/{metric}", series) for name in sets for metric, series in sets[name].items()):
        cells = cells_of_values(series)
        if cells is None or cells.texts:
            left.append(title)
            continue
        rounds = np.arange(1.0, len(cells.values) + 1)[cells.present]
        columns.append(Column(name=title, positions=rounds, values=cells.values[cells.present]))
    if not columns:
        raise InvalidArgument(f"no series of numbers is among {listed(left)}; give the dict that was recorded.")
    roles, notes = _trained_on([str(name) for name in sets], columns)
    if left:
        notes = (*notes, f"No series of numbers, and left out: {listed(left)}.")
    return Log(format=format_, path=path, axis="round", columns=tuple(columns), roles=roles, notes=notes)


def _trained_on(names: list[str], columns: list[Column]) -> tuple[dict[str, Role], tuple[str, ...]]:
    """Roles of the first of several sets that are called by a number alone, where it behaves as the training set."""
    numbered = [name for name in names if _NUMBERED.fullmatch(name)]
    if len(numbered) < 2 or len(numbered) < len(names):
        return {}, ()
    first, second = numbered[:2]
    curves = {column.name: column.values for column in columns}
    losses = [name for name in curves if name.startswith(f"{first}/") and _is_loss(name)]
    twins = [f"{second}/{name.partition('/')[2]}" for name in losses]
    pairs = [(curves[name], curves[twin]) for name, twin in zip(losses, twins, strict=True) if twin in curves]
    if not pairs or not all(_is_far_below(mine, theirs) for mine, theirs in pairs):
        return {}, ()
    roles = {name: role for name in curves if name.startswith(f"{first}/") and (role := _of_training(name))}
    note = (
        f"Set {shown(first)} was read as the training set, as its loss falls throughout and ends far below that of "
        f"{shown(second)}; if it was held out, say {correction('validation_loss', losses[0])}."
    )
    return roles, (note,)


def _is_loss(name: str) -> bool:
    role = role_of(name)
    return role is not None and role.quantity == "loss" and not role.higher_is_better


def _of_training(name: str) -> Role | None:
    return role_of(f"train_{name.partition('/')[2]}")


def _is_far_below(mine: Float[np.ndarray, " rounds"], theirs: Float[np.ndarray, " others"]) -> bool:
    """Whether a loss hardly ever rises from round to round and ends well below another's."""
    steps = np.diff(mine)
    return bool(len(steps) and len(theirs) and np.mean(steps <= 0) >= _FALLS and mine[-1] <= _FARTHER * theirs[-1])
