"""Any scikit-learn estimator or pipeline as a training procedure."""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from benign.foundation.arguments import checked_flag, checked_name
from benign.foundation.errors import InvalidArgument, invalid
from benign.foundation.numbers import checked_count
from benign.foundation.randomness import generator
from benign.foundation.replicate import Replicate
from benign.foundation.split import Split
from benign.procedures import adaptation
from benign.procedures.estimator_times import answers_along_times, random_states
from benign.procedures.foreign_settings import describe_estimator
from benign.procedures.protocol import one_replicate_each


@dataclass(frozen=True, kw_only=True, eq=False)
class Estimator:
    """A scikit-learn estimator as a procedure; :func:`from_estimator` makes it.

    Attributes:
        estimator: an unfitted clone of the user's.
        size_name: the parameter that is its size.
        time_name: the parameter that is its training time, or None.
        is_inverse: whether the size is the inverse of one: the larger, the less can be fitted.
        revision: raised by the user when the numbers change.
    """

    objective: ClassVar[str] = "squared"
    max_size: ClassVar[float] = math.inf
    takes_columns: ClassVar[bool] = True
    parameters = adaptation.parameters
    batches = one_replicate_each
    measure = adaptation.measure
    predict = adaptation.predict

    estimator: Any
    size_name: str
    time_name: str | None = None
    is_inverse: bool = False
    revision: int = 1
    _token: str = field(default_factory=lambda: uuid.uuid4().hex, repr=False)

    @property
    def name(self) -> str:
        return type(self.estimator).__name__

    def spec(self) -> dict[str, object]:
        """Class, parameters and scikit-learn's version; the size's own value and how it is read decide nothing."""
        import sklearn
        from sklearn.base import clone

        problem = f"`estimator` {self.name} cannot be described"
        with adaptation.guarded(problem, "mend its get_params, set_params or constructor"):
            plain = clone(self.estimator).set_params(**{self.size_name: None})
            described = describe_estimator(plain, token=self._token)
        return {
            "procedure": self.name,
            "size": self.size_name,
            "time": self.time_name,
            "estimator": described,
            "scikit-learn": sklearn.__version__,
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
        self, split: Split, size: int, times: adaptation.Moments, train_inputs: Any, inputs: Sequence[Any]
    ) -> Iterator[list[ArrayLike]]:
        model = self._seeded(split.replicate).set_params(**{self.size_name: size})
        y = adaptation.training_targets(split, as_matrix=_is_regressor(model, split))
        moments = None if times is None else [int(time) for time in times]
        for fitted, answers in answers_along_times(model, self.time_name, moments, (train_inputs, y), inputs):
            yield [_spread(fitted, values, split) for values in answers]

    def _seeded(self, replicate: Replicate) -> Any:
        """A clone whose every random state follows from the replicate's initialisation."""
        from sklearn.base import clone

        names = random_states(self.estimator)
        draws = generator(replicate.seed, "random state of an estimator", replicate.initialisation)
        states = draws.integers(2**31 - 1, size=len(names)).tolist()
        return clone(self.estimator).set_params(**dict(zip(names, states, strict=True)))


def from_estimator(
    estimator: Any, *, size: str, time: str | None = None, inverse: bool = False, revision: int = 1
) -> Estimator:
    """Make any scikit-learn estimator or pipeline a procedure that can be measured.

    For every size and replicate a clone is trained on copies of the data, with every parameter named ``random_state``
    set from the replicate's initialisation: neither the estimator nor any random state of the caller changes, and the
    numbers can be had again. A classifier learns class indices; its probabilities (or its classes, as one-hot rows,
    where it has none) are compared with one-hot rows. A regressor on a source with classes learns the one-hot rows.
    Losses are squared errors, summed over classes or outputs. Where the source holds text or missing values, the clone
    gets a pandas data frame with the columns' names.

    Several times cost one training where ``time`` is ``n_estimators`` or ``max_iter`` and the estimator has
    ``staged_predict`` (boosting), where it is ``n_estimators`` and there is a ``warm_start`` (forests, bagging), and
    where it is ``max_iter`` and there is a ``partial_fit``: then a time is a number of calls, each one pass over the
    data, and nothing stops training early. Elsewhere each time is a training of its own. Without ``times``, an
    estimator is fitted as it stands.

    Args:
        estimator: with ``fit`` and ``predict``, scikit-learn's or another that can be cloned.
        size: name of the parameter that is its size, nested names with ``__``: ``"max_leaf_nodes"``,
            ``"forest__max_leaf_nodes"``. It must take whole numbers.
        time: name of the parameter that is its training time, which must take whole numbers too, or None.
        inverse: whether the size is the inverse of one, as ``n_neighbors``, ``min_samples_leaf`` and ``alpha`` are: the
            larger, the less can be fitted. Sizes stay what the parameter says and are given ascending, as always; only
            what is read along them, regimes and thresholds, is read from the largest: the threshold is then the largest
            value that fits. The numbers are the same, and a store keeps one of both.
        revision: to be raised when an edit of the estimator's own code changes its numbers; its parameters, its class's
            source text and scikit-learn's version are noticed.

    Raises:
        InvalidArgument: for what is no estimator or cannot be cloned, or a parameter that it does not have.

    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from_estimator(RandomForestClassifier(), size="max_leaf_nodes", time="n_estimators").size_name
    'max_leaf_nodes'
    """
    own = _cloned(estimator)
    name = type(estimator).__name__
    known = sorted(own.get_params(deep=True))
    for argument, value in (("size", size), ("time", time)):
        if not (argument == "time" and value is None):
            checked_name(f"`{argument}` parameter of {name}", value, known, argument=argument)
    if size == time:
        raise InvalidArgument(f"`size` and `time` must be different parameters, got {size!r} for both.")
    return Estimator(
        estimator=own,
        size_name=size,
        time_name=time,
        is_inverse=checked_flag("inverse", inverse),
        revision=checked_count("revision", revision),
    )


def _cloned(estimator: Any) -> Any:
    """An unfitted clone."""
    from sklearn.base import clone

    if isinstance(estimator, type):
        raise invalid("estimator", f"must be an estimator, got the class; write {estimator.__name__}().")
    for method in ("fit", "predict", "get_params", "set_params"):
        if not callable(getattr(estimator, method, None)):
            raise invalid(
                "estimator",
                f"must have the method {method}, which {type(estimator).__name__} has not; give a "
                "scikit-learn estimator, or use `from_callable`.",
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


def _spread(model: Any, answers: ArrayLike, split: Split) -> ArrayLike:
    """Probabilities in a column for each class of the source, 0 where training has not seen it; else as they are."""
    if split.classes is None:
        return answers
    values = np.asarray(answers)
    if values.ndim == 1 and values.dtype.kind == "f" and np.array_equal(values, np.floor(values)):
        return values.astype(np.int64)
    seen = getattr(model, "classes_", None)
    if seen is None or not hasattr(model, "predict_proba") or values.shape[1:] != (len(seen),):
        return values
    spread = np.zeros((len(values), len(split.classes)))
    spread[:, np.asarray(seen, dtype=np.int64)] = values
    return spread
