"""What an estimator is made of: its class as the tables know it, the model inside wrappers, the steps before it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benign.foundation.errors import BenignError

_LIBRARIES = frozenset({"sklearn", "xgboost", "lightgbm", "catboost"})
# The parameter that holds what a wrapper trains, and what it trains where that is None.
_INNER = {
    "TransformedTargetRegressor": ("regressor", "LinearRegression"),
    "GridSearchCV": ("estimator", ""),
    "RandomizedSearchCV": ("estimator", ""),
    "HalvingGridSearchCV": ("estimator", ""),
    "HalvingRandomSearchCV": ("estimator", ""),
    "CalibratedClassifierCV": ("estimator", "LinearSVC"),
    "FixedThresholdClassifier": ("estimator", ""),
    "TunedThresholdClassifierCV": ("estimator", ""),
    "BaggingClassifier": ("estimator", "DecisionTreeClassifier"),
    "BaggingRegressor": ("estimator", "DecisionTreeRegressor"),
    "AdaBoostClassifier": ("estimator", "DecisionTreeClassifier"),
    "AdaBoostRegressor": ("estimator", "DecisionTreeRegressor"),
    "OneVsRestClassifier": ("estimator", ""),
    "OneVsOneClassifier": ("estimator", ""),
    "OutputCodeClassifier": ("estimator", ""),
    "MultiOutputRegressor": ("estimator", ""),
    "RegressorChain": ("estimator", ""),
    "SelfTrainingClassifier": ("estimator", ""),
    "RANSACRegressor": ("estimator", "LinearRegression"),
}
_FIRST_DEPTH = {"AdaBoostClassifier": 1, "AdaBoostRegressor": 3}  # of the trees that these train where nothing is said
SEARCHES = frozenset({"GridSearchCV", "RandomizedSearchCV", "HalvingGridSearchCV", "HalvingRandomSearchCV"})
PIPELINES = frozenset({"Pipeline"})


@dataclass(frozen=True, kw_only=True)
class Part:
    """An estimator within another.

    Attributes:
        estimator: it.
        kind: its class as the tables know it; "" for one of somebody's own.
        prefix: what its parameters' names begin with, in the names of the whole: ``"svc__"``.
    """

    estimator: Any
    kind: str
    prefix: str

    @property
    def settings(self) -> dict[str, Any]:
        """Its own parameters."""
        return settings_of(self.estimator)


def kind_of(estimator: object) -> str:
    """The name of the class of one of the known libraries that it is, or that it inherits from; else ""."""
    for one in type(estimator).__mro__:
        is_a_model = not (one.__name__.startswith(("Base", "_")) or one.__name__.endswith("Mixin"))
        if is_a_model and one.__module__.partition(".")[0] in _LIBRARIES:
            return one.__name__
    return ""


def settings_of(estimator: Any) -> dict[str, Any]:
    """Its own parameters, or none where it cannot say."""
    try:
        return dict(estimator.get_params(deep=False))
    except (BenignError, KeyboardInterrupt, MemoryError):
        raise
    except Exception:
        return {}


def whole(estimator: Any) -> Part:
    """The estimator as a part of itself."""
    return Part(estimator=estimator, kind=kind_of(estimator), prefix="")


def inside(part: Part) -> Part | None:
    """What a pipeline trains last, or what a wrapper trains; None for what is neither, or wraps what is not said."""
    if part.kind in PIPELINES and getattr(part.estimator, "steps", None):
        name, last = part.estimator.steps[-1]
        return None if last is None or isinstance(last, str) else _within(part, name, last)
    name, _ = _INNER.get(part.kind, ("", ""))
    inner = part.settings.get(name)
    return None if inner is None or isinstance(inner, str) else _within(part, name, inner)


def chain_of(estimator: Any) -> list[Part]:
    """The estimator, what it trains, what that trains, and so on to the innermost."""
    chain = [whole(estimator)]
    while (inner := inside(chain[-1])) is not None:
        chain.append(inner)
    return chain


def is_search(estimator: Any) -> bool:
    """Whether settings are chosen anew in every training, by cross-validation."""
    return any(part.kind in SEARCHES for part in chain_of(estimator))


def transforms_of(estimator: Any) -> Iterator[Part]:
    """What comes before the models in the pipelines of the chain, the outermost first."""
    for part in chain_of(estimator):
        if part.kind in PIPELINES:
            for name, step in part.estimator.steps[:-1]:
                if step is not None and not isinstance(step, str):
                    yield _within(part, name, step)


def spelled_out(estimator: Any) -> Any:
    """The estimator with the model that a wrapper trains where none is named in its place; the same trainings.

    Args:
        estimator: a clone of our own, which is changed.
    """
    for part in chain_of(estimator):
        name, default = _INNER.get(part.kind, ("", ""))
        if default and name in part.settings and part.settings[name] is None:
            part.estimator.set_params(**{name: _made(default, part.kind)})
            return spelled_out(estimator)
    return estimator


def _made(name: str, wrapper: str) -> Any:
    from sklearn.linear_model import LinearRegression
    from sklearn.svm import LinearSVC
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    depth = _FIRST_DEPTH.get(wrapper)
    models = {
        "LinearRegression": LinearRegression,
        "LinearSVC": LinearSVC,
        "DecisionTreeClassifier": lambda: DecisionTreeClassifier(max_depth=depth),
        "DecisionTreeRegressor": lambda: DecisionTreeRegressor(max_depth=depth),
    }
    return models[name]()


def _within(part: Part, name: str, estimator: Any) -> Part:
    return Part(estimator=estimator, kind=kind_of(estimator), prefix=f"{part.prefix}{name}__")
