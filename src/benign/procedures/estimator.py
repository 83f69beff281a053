"""Any scikit-learn estimator or pipeline as a training procedure."""

from __future__ import annotations

import math
import uuid
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from benign.foundation.arguments import checked_flag, checked_name, checked_text
from benign.foundation.errors import InvalidArgument, invalid
from benign.foundation.numbers import checked_count
from benign.foundation.randomness import generator
from benign.foundation.replicate import Replicate
from benign.foundation.split import Split
from benign.procedures import adaptation
from benign.procedures.estimator_memory import require_room
from benign.procedures.estimator_outputs import certain_outputs, method_of, one_class_of, outputs_of, scored_by_pairs
from benign.procedures.estimator_sizes import SizeKind, check_size, first_columns, is_real, sized, tuple_shape
from benign.procedures.estimator_times import Route, answers_along_times, random_states, route_of
from benign.procedures.foreign_settings import describe_estimator
from benign.procedures.known_objectives import SQUARED, KnownObjective, objective_of
from benign.procedures.makers import maker_of, maker_of_module
from benign.procedures.nested_estimators import chain_of, kind_of
from benign.procedures.objectives import check_objective
from benign.procedures.protocol import one_replicate_each


@dataclass(frozen=True, kw_only=True, eq=False)
class Estimator:
    """A scikit-learn estimator as a procedure; :func:`from_estimator` makes it.

    Attributes:
        estimator: an unfitted clone of the user's.
        size_name: the parameter that is its size; ``"features"`` for columns.
        time_name: the parameter that is its training time, or None.
        is_inverse: whether the size is the inverse of one: the larger, the less can be fitted.
        revision: raised by the user when the numbers change.
        size_kind: what its size is.
        has_real_sizes: whether a size may be any positive number.
        max_size: the largest size, ``math.inf`` where there is no end or it is not known.
        minimised: what its training minimises.
    """

    takes_columns: ClassVar[bool] = True
    runs_users_code: ClassVar[bool] = True
    parameters = adaptation.parameters
    batches = one_replicate_each
    measure = adaptation.measure
    predict = adaptation.predict

    estimator: Any
    size_name: str
    time_name: str | None = None
    is_inverse: bool = False
    revision: int = 1
    size_kind: SizeKind = SizeKind.PARAMETER
    has_real_sizes: bool = False
    max_size: float = math.inf
    minimised: KnownObjective = SQUARED
    _token: str = field(default_factory=lambda: uuid.uuid4().hex, repr=False)

    @property
    def name(self) -> str:
        return type(self.estimator).__name__

    @property
    def counts_columns(self) -> bool:
        return self.size_kind is SizeKind.COLUMNS

    @property
    def objective(self) -> str:
        return self.minimised.name

    @property
    def trains_along_time(self) -> bool:
        """Whether the estimator has a way to give all times of one training."""
        return self.time_name is not None and route_of(self.estimator, self.time_name) is not Route.SEPARATE

    @property
    def last_time(self) -> float | None:
        """What its time is set to now."""
        last = self.estimator.get_params().get(self.time_name)
        return float(last) if isinstance(last, (int, float)) else None

    def with_columns(self, columns: int) -> Estimator:
        """The same on inputs of so many columns, which are the largest size where it counts these."""
        return replace(self, max_size=float(columns)) if self.counts_columns else self

    def with_parameters(self, **parameters: object) -> Estimator:
        """The same with other values of some parameters, by their nested names.

        Where ``shrinkage`` is set of a linear discriminant analysis whose solver has none, the solver is ``"lsqr"``.

        Raises:
            InvalidArgument: for a parameter that it does not have, or a value that it cannot be given.
        """
        known, own = known_parameters(self.estimator), own_copy(self.estimator)
        for name in parameters:
            checked_name(f"parameter of {self.name}", name, known, argument="parameters")
        for name in [name for name in parameters if name.rpartition("__")[2] == "shrinkage"]:
            solver = f"{name.removesuffix('shrinkage')}solver"
            if solver in known and own.get_params()[solver] == "svd":
                parameters = {solver: "lsqr", **parameters}
        with adaptation.guarded(f"`parameters` of {self.name} cannot be set", "give values that it takes"):
            own.set_params(**parameters)
        return replace(self, estimator=own, _token=uuid.uuid4().hex)

    def at_size(self, size: float) -> Any:
        """A clone of the estimator with that size; NaN for it as it stands."""
        own = own_copy(self.estimator)
        is_set = self.size_kind is SizeKind.PARAMETER
        return sized(own, self.size_name, size, is_a_real=self.has_real_sizes) if is_set else own

    def spec(self) -> dict[str, object]:
        """Class, parameters and scikit-learn's version; the size's own value and how it is read decide nothing."""
        import sklearn
        from sklearn.base import clone

        problem = f"`estimator` {self.name} cannot be described"
        with adaptation.guarded(problem, "mend its get_params, set_params or constructor"):
            plain = clone(self.estimator)
            if self.size_kind is SizeKind.PARAMETER:
                plain.set_params(**{self.size_name: None})
            described = describe_estimator(plain, token=self._token)
        return {
            "procedure": self.name,
            "size": self.size_name,
            "time": self.time_name,
            "estimator": described,
            "scikit-learn": sklearn.__version__,
            **self._departures(),
        }

    def _departures(self) -> dict[str, object]:
        """What decides the numbers too, where it is not as it was before it could be said."""
        objective, shape = self.minimised, tuple_shape(self.estimator, self.size_name)
        is_plain = objective.name == "squared" and not (objective.is_of_scores or objective.answers)
        return {
            **({} if is_plain else {"objective": objective.name}),
            **({} if self.size_kind is SizeKind.PARAMETER else {"sized by": self.size_kind.value}),
            **({"shape": list(shape)} if shape else {}),
        }

    def check(self, samples: Sequence[int], times: Float[np.ndarray, " time"] | None) -> None:
        """Whether the estimator has these times."""
        del samples
        if times is None:
            return
        if self.time_name is None:
            raise invalid(
                "times", 'must be None: no parameter is the training time; name it, for example time="n_estimators".'
            )
        broken = times[(times < 1) | (times != np.floor(times))]
        if len(broken):
            raise invalid("times", f"must be whole numbers of {self.time_name} from 1 on, got {broken[0]:g}.")

    def train(
        self, split: Split, size: float, times: adaptation.Moments, train_inputs: Any, inputs: Sequence[Any]
    ) -> Generator[list[ArrayLike], None, None]:
        model = self._seeded(split.replicate)
        learns_values = _is_regressor(model, split)
        which = None if learns_values else one_class_of(split)
        if which is not None and split.classes is not None:  # many classifiers refuse it, and there is nothing to learn
            for _ in range(1 if times is None else len(times)):
                yield [certain_outputs(self.minimised, which, len(asked), len(split.classes)) for asked in inputs]
            return
        if self.counts_columns:
            train_inputs, *inputs = first_columns([train_inputs, *inputs], size, split)
        if self.size_kind is SizeKind.PARAMETER:
            model = sized(model, self.size_name, size, is_a_real=self.has_real_sizes)
        require_room(model, split.samples, train_inputs.shape[1])
        model, y = scored_by_pairs(model, self.minimised), self._targets(split, learns_values)
        moments = None if times is None else [int(time) for time in times]
        method = method_of(model, self.minimised) if not learns_values else "predict"
        answers = answers_along_times(model, self.time_name, moments, (train_inputs, y), inputs, method)
        for stages, (fitted, values) in zip([None] if moments is None else moments, answers, strict=True):
            yield [outputs_of(fitted, value, split, self.minimised, stages) for value in values]

    def _targets(self, split: Split, learns_values: bool) -> Any:
        targets = adaptation.training_targets(split, as_matrix=learns_values)
        is_numbered = not learns_values and kind_of(self.estimator).startswith("XGB")
        return np.unique(targets, return_inverse=True)[1] if is_numbered else targets  # XGBoost knows no gap in classes

    def _seeded(self, replicate: Replicate) -> Any:
        """A clone whose every random state follows from the replicate's initialisation."""
        from sklearn.base import clone

        names = random_states(self.estimator)
        draws = generator(replicate.seed, "random state of an estimator", replicate.initialisation)
        states = draws.integers(2**31 - 1, size=len(names)).tolist()
        own = clone(self.estimator).set_params(**dict(zip(names, states, strict=True)))
        for part in chain_of(own):
            if part.kind.startswith("CatBoost"):
                part.estimator.set_params(allow_writing_files=False)  # it leaves a folder where it is run
        return own


def from_estimator(
    estimator: Any,
    *,
    size: str,
    time: str | None = None,
    inverse: bool = False,
    objective: str | None = None,
    revision: int = 1,
) -> Estimator:
    """Make any scikit-learn estimator or pipeline a procedure that can be measured.

    For every size and replicate a clone is trained on copies of the data, with every parameter named ``random_state``
    set from the replicate's initialisation: neither the estimator nor any random state of the caller changes, and the
    numbers can be had again. A classifier learns class indices; a regressor on a source with classes learns one-hot
    rows. Where the source holds text or missing values, the clone gets a pandas data frame with the columns' names.

    Losses are in the unit of what the estimator minimises: a logistic regression's is the log loss, a support vector
    machine's the hinge loss, a forest's the squared error of its probabilities. Where training has seen a single class,
    the model is that class.

    Several times cost one training where ``time`` is ``n_estimators`` or ``max_iter`` and the estimator has
    ``staged_predict`` (boosting), where it is ``n_estimators`` and there is a ``warm_start`` (forests, bagging), and
    where it is ``max_iter`` and there is a ``partial_fit``: then a time is a number of calls, each one pass over the
    data, and nothing stops training early. Elsewhere each time is a training of its own. Without ``times``, an
    estimator is fitted as it stands.

    Args:
        estimator: with ``fit`` and ``predict``, scikit-learn's or another that can be cloned.
        size: name of the parameter that is its size, nested names with ``__``: ``"max_leaf_nodes"``,
            ``"forest__max_leaf_nodes"``. It takes whole numbers, or any positive ones where it is a real number, such
            as ``"alpha"`` or ``"gamma"``. Of a tuple, such as ``hidden_layer_sizes``, it is the first entry, and the
            others are scaled with it. ``"features"``, where no parameter is called so: the number of input columns, the
            first of a random order that the replicate's draw and initialisation decide.
        time: name of the parameter that is its training time, which must take whole numbers too, or None.
        inverse: whether the size is the inverse of one, as ``n_neighbors``, ``min_samples_leaf`` and ``alpha`` are: the
            larger, the less can be fitted. Sizes stay what the parameter says and are given ascending, as always; only
            what is read along them, regimes and thresholds, is read from the largest: the threshold is then the largest
            value that fits. The numbers are the same, and a store keeps one of both.
        objective: what its losses are: ``"squared"``, ``"cross-entropy"``, ``"hinge"``, ``"squared hinge"``,
            ``"pairwise hinge"``, ``"exponential"``, ``"absolute"``, ``"poisson"``, ``"gamma"``, or, with a number,
            ``"quantile 0.9"``, ``"epsilon-insensitive 0.1"`` or ``"squared epsilon-insensitive 0.1"``. None for what
            the common estimators minimise; of others the squared loss (of class probabilities or, where there are none,
            of the predicted class as a one-hot row).
        revision: to be raised when an edit of the estimator's own code changes its numbers; its parameters, its class's
            source text and scikit-learn's version are noticed.

    Raises:
        InvalidArgument: for what is no estimator or cannot be cloned, a parameter that it does not have, a size that
            changes nothing, or an objective whose outputs it does not have.

    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from_estimator(RandomForestClassifier(), size="max_leaf_nodes", time="n_estimators").size_name
    'max_leaf_nodes'
    """
    own = own_copy(estimator)
    name, known = type(estimator).__name__, known_parameters(own)
    is_of_columns = issubclass(type(size), str) and size == "features" and size not in known
    kind = SizeKind.COLUMNS if is_of_columns else SizeKind.PARAMETER
    for argument, value in (("size", size), ("time", time)):
        if not (argument == "time" and value is None) and not (argument == "size" and kind is SizeKind.COLUMNS):
            checked_name(f"`{argument}` parameter of {name}", value, known, argument=argument)
    if size == time:
        raise InvalidArgument(f"`size` and `time` must be different parameters, got {size!r} for both.")
    check_size(own, size, kind)
    return Estimator(
        estimator=own,
        size_name=size,
        time_name=time,
        is_inverse=checked_flag("inverse", inverse),
        revision=checked_count("revision", revision),
        size_kind=kind,
        has_real_sizes=kind is SizeKind.PARAMETER and is_real(own, size),
        minimised=_minimised(own, objective),
    )


def known_parameters(estimator: Any) -> list[str]:
    """The names of its parameters, nested ones included, in sorted order."""
    own = list(estimator.get_params(deep=True))
    of_catboost = ("depth", "iterations", "l2_leaf_reg") if kind_of(estimator).startswith("CatBoost") else ()
    return sorted({*own, *of_catboost})  # CatBoost tells only what has been set


def _minimised(estimator: Any, objective: str | None) -> KnownObjective:
    known = objective_of(estimator)
    if objective is None:
        return known
    name = check_objective("objective", checked_text("objective", objective))
    said = replace(known, note="") if name == known.name else KnownObjective(name=name, answers=known.answers)
    method_of(estimator, said)
    return said


def own_copy(estimator: Any, needed: Sequence[str] = ("fit", "predict")) -> Any:
    """An unfitted clone.

    Args:
        estimator: the user's, which is not changed.
        needed: the methods that it must have, beside those that a clone is made by.

    Raises:
        InvalidArgument: for what is no estimator, or cannot be cloned.
    """
    from sklearn.base import clone

    if isinstance(estimator, type) and not maker_of_module(estimator):
        raise invalid("estimator", f"must be an estimator, got the class; write {estimator.__name__}().")
    for method in (*needed, "get_params", "set_params"):
        if not callable(getattr(estimator, method, None)):
            raise invalid(
                "estimator",
                f"must have the method {method}, which {type(estimator).__name__} has not; give a "
                f"scikit-learn estimator, or make a procedure with {maker_of(estimator)}.",
            )
    with adaptation.guarded("`estimator` cannot be cloned", "its constructor must do nothing but keep its arguments"):
        own = clone(estimator)
        own.get_params(deep=True)
    return own


def _is_regressor(model: Any, split: Split) -> bool:
    """Whether the model learns values; what says of itself neither takes the source's word."""
    from sklearn.base import is_classifier, is_regressor

    try:
        classifies, regresses = bool(is_classifier(model)), bool(is_regressor(model))
    except Exception:  # an estimator without scikit-learn's base class has no tags
        kind = getattr(model, "_estimator_type", None)
        classifies, regresses = kind == "classifier", kind == "regressor"
    if classifies and split.classes is None:
        raise invalid(
            "estimator",
            f"{type(model).__name__} is a classifier, and the source has real values; use a regressor, or "
            'task="classification" in the source.',
        )
    return regresses or split.classes is None
