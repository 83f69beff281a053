"""What fitted estimators of scikit-learn keep of their training, known by their attributes: nothing is imported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from benign.foundation.errors import InvalidArgument
from benign.histories.log import Axis, Column, Log
from benign.histories.readers.mapping import cells_of_values
from benign.histories.readers.protocol import Opened, Value
from benign.histories.role import Quantity, Role

_TRAIN_LOSS = Role(samples="train", quantity="loss")
_NEGATED = {
    "train_score_": Role(samples="train", quantity="loss", higher_is_better=True),
    "validation_score_": Role(samples="validation", quantity="loss", higher_is_better=True),
}
_KEPT = ("loss_curve_", "validation_scores_", "train_score_", "validation_score_")


@dataclass(frozen=True, kw_only=True)
class FittedEstimator:
    """A network or a boosted model; also the last step of a pipeline, and what a search found best."""

    name: str = "scikit-learn estimator"

    def matches(self, opened: Opened) -> float:
        if not isinstance(opened, Value) or opened.path:
            return 0.0
        estimator = _innermost(opened.value)
        return 0.9 if any(_series(estimator, name) is not None for name in _KEPT) else 0.0

    def read(self, opened: Opened) -> Iterator[Log]:
        assert isinstance(opened, Value)
        estimator = _innermost(opened.value)
        kind = type(estimator).__name__
        axis: Axis = "epoch" if _series(estimator, "loss_curve_") is not None else "round"
        columns: list[Column] = []
        roles: dict[str, Role] = {}
        notes: list[str] = []
        for name in _KEPT:
            values = _series(estimator, name)
            if values is None:
                continue
            if axis == "round" and hasattr(estimator, "max_iter"):
                values = values[1:]  # HistGradientBoosting scores its constant start too
                notes += ["The score before the first round was left out."] if not notes else []
            positions = np.arange(1.0, len(values) + 1)
            columns.append(Column(name=name, positions=positions, values=values))
            roles[name] = _role(name, estimator)
        if axis == "epoch":
            notes.append("The loss of the training has the penalty of the weights (alpha) in it.")
        columns = [column for column in columns if len(column.values)]
        yield Log(format=f"scikit-learn {kind}", axis=axis, columns=tuple(columns), roles=roles, notes=tuple(notes))


@dataclass(frozen=True, kw_only=True)
class LearningCurve:
    """What ``learning_curve`` and ``validation_curve`` return: no curve over the time of one training."""

    name: str = "scikit-learn learning curve"

    def matches(self, opened: Opened) -> float:
        return 0.9 if isinstance(opened, Value) and not opened.path and _is_of_folds(opened.value) else 0.0

    def read(self, opened: Opened) -> Iterator[Log]:
        del opened
        raise InvalidArgument(
            "`history` holds scores of several trainings (a learning curve over samples, or a validation curve over a "
            "parameter), and no curve over the time of one; give what one training recorded, such as `loss_curve_`.",
            "history",
        )
        yield


def _is_of_folds(value: object) -> bool:
    """Whether it is arrays of scores with a row for each size, or value, and a column for each fold."""
    held: Any = value
    if hasattr(value, "train_scores") and hasattr(value, "test_scores"):  # a Display
        held = (None, held.train_scores, held.test_scores)
    if not isinstance(held, tuple) or len(held) not in {2, 3, 5}:
        return False
    scores = held[:2] if len(held) == 2 else held[1:3]
    shapes = [getattr(one, "shape", ()) for one in scores]
    return len(shapes[0]) == 2 and shapes[0] == shapes[1]


def _innermost(value: Any) -> Any:
    """The estimator within a pipeline or a fitted search."""
    for _ in range(5):
        steps = getattr(value, "steps", None)
        inner = getattr(value, "best_estimator_", None)
        if inner is None and isinstance(steps, list) and steps and isinstance(steps[-1], tuple):
            inner = steps[-1][-1]
        if inner is None:
            return value
        value = inner
    return value


def _series(estimator: Any, name: str) -> Float[np.ndarray, " points"] | None:
    """The numbers under an attribute; None where it has none, or none were kept."""
    if isinstance(estimator, Mapping):
        return None
    try:
        cells = cells_of_values(getattr(estimator, name, None))
    except Exception:  # whatever the user's own object does
        return None
    return cells.values if cells is not None and not cells.texts and len(cells.values) > 1 else None


def _role(name: str, estimator: Any) -> Role:
    """What a score is depends on what the estimator was told to score by."""
    if name == "loss_curve_":
        return _TRAIN_LOSS
    if name == "train_score_" and not hasattr(estimator, "scoring"):
        return _TRAIN_LOSS  # GradientBoosting
    scoring = None if name == "validation_scores_" else getattr(estimator, "scoring", None)
    if scoring == "loss":
        return _NEGATED[name]
    samples = _NEGATED[name].samples if name in _NEGATED else "validation"
    if isinstance(scoring, str) and scoring.startswith("neg_"):
        return Role(samples=samples, quantity="loss", higher_is_better=True)
    quantity: Quantity = "accuracy" if hasattr(estimator, "classes_") and scoring in (None, "accuracy") else "score"
    return Role(samples=samples, quantity=quantity, higher_is_better=True)
