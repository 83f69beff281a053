"""An estimator's training along its time: one training for all times where the estimator allows it."""

from __future__ import annotations

import enum
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from jaxtyping import Shaped
from numpy.typing import ArrayLike

from benign.foundation.signatures import signature_of

# The parameters that scikit-learn's conventions are about: stages are counted by either, members are added by growing
# the first, and a call of partial_fit is one of the second's passes over the data.
_MEMBERS = "n_estimators"
_PASSES = "max_iter"


class Route(enum.Enum):
    """How the models of several times are had; the first that the estimator offers."""

    STAGES = "one training, whose staged_predict gives every time"
    WARM_START = "one training, to which warm_start adds members"
    PARTIAL_FIT = "one training, a call of partial_fit for each unit of time"
    SEPARATE = "a training for each time"


def route_of(estimator: Any, time: str, method: str | None = None) -> Route:
    """The route of an estimator, or pipeline, whose time is the parameter of this name.

    Args:
        estimator: ready but for its time.
        time: name of the parameter.
        method: what it is asked by; probabilities where it has them, else its predictions, unless said.
    """
    final, name = _owner(estimator, time)
    if name is None:
        return Route.SEPARATE
    settings = final.get_params(deep=False)
    method = method or ("predict_proba" if hasattr(final, "predict_proba") else "predict")
    if name in (_MEMBERS, _PASSES) and hasattr(final, f"staged_{method}"):
        return Route.STAGES
    is_weighted = isinstance(settings.get("class_weight"), str)  # by the classes of the data: refused, or discouraged
    if name == _MEMBERS and "warm_start" in settings and not (is_weighted or settings.get("oob_score")):
        return Route.WARM_START
    if name == _PASSES and hasattr(final, "partial_fit") and not (is_weighted or settings.get("early_stopping")):
        return Route.PARTIAL_FIT
    return Route.SEPARATE


def answers_along_times(
    estimator: Any,
    time: str | None,
    times: Sequence[int] | None,
    train: tuple[Any, Shaped[np.ndarray, "n *outputs"]],
    inputs: Sequence[Any],
    method: str = "predict",
) -> Iterator[tuple[Any, list[ArrayLike]]]:
    """For each time in turn, the fitted model and what it answers on each of the inputs.

    Args:
        estimator: a clone of our own, ready but for its time.
        time: name of the parameter; None where there is none.
        times: strictly increasing, from 1 on; None for one training of the estimator as it stands.
        train: inputs (an array or a data frame) and targets.
        inputs: what to answer on, likewise.
        method: what the fitted model is asked by.
    """
    x, y = train
    if time is None or times is None:
        estimator.fit(x.copy(), y)
        yield _answered(estimator, inputs, method)
        return
    route, (final, name) = route_of(estimator, time, method), _owner(estimator, time)
    if route is not Route.SEPARATE and final is not estimator:
        before = estimator[:-1]  # what comes before the last step has no duration: it is fitted once
        x = before.fit_transform(x.copy(), y.copy())
        inputs = [before.transform(asked.copy()) for asked in inputs]
    if route is Route.STAGES:
        yield from _in_stages(final.set_params(**{str(name): times[-1]}), times, (x, y), inputs, method)
    elif route is Route.SEPARATE:
        yield from (_answered(model, inputs, method) for model in _separately(estimator, time, times, x, y))
    elif route is Route.WARM_START:
        for moment in times:
            final.set_params(**{str(name): moment}, warm_start=True).fit(x.copy(), y.copy())
            yield _answered(final, inputs, method)
    else:
        yield from (_answered(model, inputs, method) for model in _in_passes(final, times, x, y))


def _answered(model: Any, inputs: Sequence[Any], method: str) -> tuple[Any, list[ArrayLike]]:
    """Answers on copies, which the model may write on."""
    ask = getattr(model, method)
    return model, [ask(asked.copy()) for asked in inputs]


def _separately(estimator: Any, time: str, times: Sequence[int], x: Any, y: Any) -> Iterator[Any]:
    from sklearn.base import clone
    from sklearn.exceptions import ConvergenceWarning

    for moment in times:
        model = clone(estimator).set_params(**{time: moment})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # a short training is what was asked for
            model.fit(x.copy(), y.copy())
        yield model


def _in_passes(model: Any, times: Sequence[int], x: Any, y: Any) -> Iterator[Any]:
    """One random sequence goes through all calls, seeded as a fit is; a seed alone would shuffle every pass alike."""
    seeds = {name: model.get_params()[name] for name in random_states(model)}
    model.set_params(**{name: np.random.RandomState(seed) for name, seed in seeds.items()})
    first = {"classes": np.unique(y)} if "classes" in signature_of(model.partial_fit).parameters else {}
    for done in range(1, times[-1] + 1):
        model.partial_fit(x.copy(), y.copy(), **(first if done == 1 else {}))
        if done in times:
            yield model


def _in_stages(
    model: Any, times: Sequence[int], train: tuple[Any, Any], inputs: Sequence[Any], method: str
) -> Iterator[tuple[Any, list[ArrayLike]]]:
    """Where training has stopped by itself before a time, its last stage is the model of that time."""
    x, y = train
    model.fit(x.copy(), y.copy())
    staged = getattr(model, f"staged_{method}")
    stages = [iter(staged(asked.copy())) for asked in inputs]
    last: list[ArrayLike | None] = [None] * len(stages)
    done = 0
    for moment in times:
        for _ in range(moment - done):
            last = [next(stage, before) for stage, before in zip(stages, last, strict=True)]
        done = moment
        yield model, [np.asarray(None) if values is None else values for values in last]


def random_states(estimator: Any) -> list[str]:
    """Names of the parameters that are random states, nested ones included, in sorted order."""
    return sorted(name for name in estimator.get_params(deep=True) if name.rpartition("__")[2] == "random_state")


def _owner(estimator: Any, time: str) -> tuple[Any, str | None]:
    """What is trained for that time, the estimator or its last step, and its own name for it; None if another part."""
    from sklearn.pipeline import Pipeline

    if "__" not in time:
        return estimator, time
    step, _, name = time.partition("__")
    if type(estimator) is Pipeline and len(estimator.steps) > 1 and step == estimator.steps[-1][0] and "__" not in name:
        return estimator.steps[-1][1], name
    return estimator, None
