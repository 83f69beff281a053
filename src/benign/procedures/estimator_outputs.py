"""A fitted estimator's answers as outputs in the unit of its objective: values, probabilities, or scores of classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float, Int, Shaped
from numpy.typing import ArrayLike

from benign.foundation.errors import invalid
from benign.foundation.split import Split, class_indices
from benign.procedures.known_objectives import KnownObjective
from benign.procedures.nested_estimators import chain_of

_OF_SCORES = frozenset({"hinge", "squared hinge", "pairwise hinge", "exponential"})
# Of a learner without a mistake, whose weight has no end: as large as the clipped probabilities of a log loss allow.
_CERTAIN = -float(np.log(np.finfo(np.float64).eps))


def method_of(estimator: Any, objective: KnownObjective) -> str:
    """The method whose answers the objective is of.

    Raises:
        InvalidArgument: if the estimator has none.
    """
    is_of_scores = objective.is_of_scores or objective.name in _OF_SCORES
    has_scores, has_shares = (_has(estimator, name) for name in ("decision_function", "predict_proba"))
    needed = "decision_function" if is_of_scores else "predict_proba" if objective.name == "cross-entropy" else ""
    if needed and not (has_scores if is_of_scores else has_shares):
        name = type(estimator).__name__
        raise invalid(
            "objective", f"{objective.name} needs the method {needed}, which {name} has not; use another, or None."
        )
    return needed or ("predict_proba" if has_shares and not objective.answers else "predict")


def scored_by_pairs(model: Any, objective: KnownObjective) -> Any:
    """The model, if it minimises a pairwise hinge so that its scores are those of pairs; its classes are the same.

    Args:
        model: a clone of our own, which is changed.
        objective: what it minimises.
    """
    if objective.name == "pairwise hinge":
        for part in chain_of(model):
            if "decision_function_shape" in part.settings:
                part.estimator.set_params(decision_function_shape="ovo", break_ties=False)
    return model


def one_class_of(split: Split) -> int | None:
    """The class that all training labels are of, if they are of one."""
    if split.classes is None:
        return None
    seen = np.unique(class_indices(split.train_targets))
    return int(seen[0]) if len(seen) == 1 else None


def certain_outputs(objective: KnownObjective, which: int, rows: int, classes: int) -> Float[np.ndarray, "m outputs"]:
    """The outputs of a model that knows one class alone, so that it has no loss on it."""
    outputs = np.zeros((rows, classes))
    outputs[:, which] = 1.0
    if objective.name not in _OF_SCORES:
        return outputs
    if objective.name == "exponential":
        return _CERTAIN * (2.0 * outputs - 1.0)
    if objective.name != "pairwise hinge" or classes == 2:
        return 2.0 * outputs - 1.0
    return (outputs[:, :, None] - outputs[:, None, :]).reshape(rows, classes**2)


def outputs_of(
    fitted: Any, answers: ArrayLike, split: Split, objective: KnownObjective, stages: int | None
) -> ArrayLike:
    """Answers, which the method of :func:`method_of` gave, as outputs; what they must look like is not checked here.

    Args:
        fitted: the model.
        answers: m, or m x (classes that training has seen), or m x pairs of these.
        split: what it was trained on.
        objective: what it minimises.
        stages: of how many of its members the answers are; None for all.
    """
    if split.classes is None:
        return answers
    values = np.asarray(answers)
    if values.dtype.kind not in "biuf":
        return answers
    seen = _seen(fitted, split)
    if objective.name in _OF_SCORES or objective.is_of_scores:
        return values if seen is None else _of_scores(fitted, values, seen, len(split.classes), objective, stages)
    if values.ndim == 1 and values.dtype.kind == "f" and np.array_equal(values, np.floor(values)):
        return values.astype(np.int64)
    is_complete = seen is not None and hasattr(fitted, "predict_proba") and values.shape[1:] == (len(seen),)
    return _in_columns(values, seen, len(split.classes), 0.0) if is_complete and seen is not None else values


def _of_scores(
    fitted: Any,
    values: Shaped[np.ndarray, "m *columns"],
    seen: Int[np.ndarray, " seen"],
    classes: int,
    objective: KnownObjective,
    stages: int | None,
) -> Shaped[np.ndarray, "m *outputs"]:
    if objective.name == "pairwise hinge":
        return _of_pairs(values, seen, classes)
    scores = np.stack([-values, values], axis=1) if values.ndim == 1 else values
    if scores.shape[1] != len(seen):
        return values
    if objective.name == "exponential":
        return _of_boosting(fitted, scores, seen, classes, stages)
    if objective.is_of_scores:
        return _in_columns((scores + 1.0) / 2.0, seen, classes, 0.0)
    return _in_columns(scores, seen, classes, -1.0)


def _has(estimator: Any, method: str) -> bool:
    try:
        return callable(getattr(estimator, method, None))
    except Exception:  # a property of somebody's own
        return False


def _seen(fitted: Any, split: Split) -> Int[np.ndarray, " seen"] | None:
    """The classes that training has seen, in the order of the model's columns."""
    labels = getattr(fitted, "classes_", None)
    if labels is None:
        return None
    labels, seen = np.asarray(labels), np.unique(class_indices(split.train_targets))
    if labels.dtype.kind not in "iuf" or labels.ndim != 1:
        return None
    if set(labels.tolist()) <= set(seen.tolist()):
        return labels.astype(np.int64)
    is_numbered = set(labels.tolist()) <= set(range(len(seen)))  # XGBoost numbers what it sees
    return seen[labels.astype(np.int64)] if is_numbered else None


def _in_columns(
    values: Shaped[np.ndarray, "m seen"], seen: Int[np.ndarray, " seen"], classes: int, unseen: float
) -> Float[np.ndarray, "m classes"]:
    spread = np.full((len(values), classes), unseen)
    spread[:, seen] = values
    return spread


def _of_pairs(
    values: Float[np.ndarray, "m *pairs"], seen: Int[np.ndarray, " seen"], classes: int
) -> Float[np.ndarray, "m outputs"]:
    """The score of each class against each other: 1 of a class that training has seen against one that it has not."""
    if classes == 2:
        return np.stack([-values, values], axis=1)
    is_seen = np.isin(np.arange(classes), seen).astype(np.float64)
    pairs = np.broadcast_to(is_seen[:, None] - is_seen[None, :], (len(values), classes, classes)).copy()
    first, second = np.triu_indices(len(seen), 1)
    scores = -values[:, None] if values.ndim == 1 else values  # of two classes, it is the second's
    pairs[:, seen[first], seen[second]] = scores
    pairs[:, seen[second], seen[first]] = -scores
    return pairs.reshape(len(values), classes**2)


def _of_boosting(
    fitted: Any, scores: Float[np.ndarray, "m seen"], seen: Int[np.ndarray, " seen"], classes: int, stages: int | None
) -> Float[np.ndarray, "m classes"]:
    r"""Margins m whose exponential loss, :math:`\exp(-m_y)` for class y, boosting minimises.

    AdaBoost (Zhu, Zou, Rosset, Hastie 2009, Multi-class AdaBoost, equation 8) answers the mean of its members' votes,
    1 for a class and -1 / (K - 1) against it, weighted by w, and of two classes the difference of both:
    :math:`m = \frac{K - 1}{K} \sum w` times that mean. A member without a mistake would have an infinite weight.
    """
    model = chain_of(fitted)
    boosted = next((part.estimator for part in model if hasattr(part.estimator, "estimator_weights_")), None)
    if boosted is None:  # gradient boosting: the score itself
        return _in_columns(scores, seen, classes, -_CERTAIN)
    weights = np.asarray(boosted.estimator_weights_, np.float64)[:stages]
    errors = np.asarray(boosted.estimator_errors_, np.float64)[:stages]
    weights = weights[: len(boosted.estimators_)]
    total = float(weights.sum()) if not np.any(errors[: len(weights)] <= 0.0) else _CERTAIN
    if len(seen) == 2:
        return _in_columns(total / 4.0 * scores, seen, classes, -total / 2.0)
    return _in_columns(total * (len(seen) - 1.0) / len(seen) * scores, seen, classes, -total / len(seen))
