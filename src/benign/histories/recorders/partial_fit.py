"""A recorder for scikit-learn's estimators that are fitted piece by piece."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from jaxtyping import Int, Shaped

from benign.foundation.errors import attempted, invalid
from benign.foundation.wording import told
from benign.histories.recorders.chosen_samples import chosen_train, chosen_validation
from benign.histories.recorders.learner import Measured
from benign.histories.recorders.log_file import LogFile
from benign.histories.recorders.numpy_task import cross_entropy, hinge, share_wrong, squared
from benign.histories.recorders.recording import Recording

_WEIGHTS = ("coefs_", "intercepts_", "coef_", "intercept_")


class PartialFitRecorder:
    """The log of :class:`TorchRecorder` for an estimator of scikit-learn with ``partial_fit``.

    The loss is the cross-entropy of ``predict_proba``, or else the hinge loss of ``decision_function``, or the squared
    loss of a regressor. Averaged are ``coefs_`` and ``intercepts_`` or ``coef_`` and ``intercept_``, where there are.

    Args:
        estimator: fitted by the caller.
        train_set: a pair (inputs, targets); inputs may be a data frame.
        validation_set: the same.
        path: of the log. One that is there is not overwritten.
        relabelled: as in :class:`TorchRecorder`, and so the rest.
        label_noise: the known share of wrong labels.
        resume: whether this training goes on from the one that wrote the log.

    .. code-block:: python

        recorder = benign.histories.PartialFitRecorder(estimator, (x, y), (x_validation, y_validation), "log.jsonl")
        for epoch in range(epochs):
            for rows in batches:
                estimator.partial_fit(x[rows], y[rows], classes=classes)
                recorder.step()
            recorder.epoch()
        recorder.close()
    """

    def __init__(
        self,
        estimator: Any,
        train_set: Any,
        validation_set: Any,
        path: Any,
        *,
        relabelled: Any = None,
        label_noise: float | None = None,
        resume: bool = False,
    ) -> None:
        if not hasattr(estimator, "partial_fit"):
            raise invalid("estimator", f"must have a method `partial_fit`; {type(estimator).__name__} has none.")
        learner = _EstimatorLearner(
            estimator, _pair("train_set", train_set), _pair("validation_set", validation_set), relabelled
        )
        self._recording = Recording(learner, LogFile(path, resume=resume), label_noise=label_noise)

    def step(self) -> None:
        """Call after each ``partial_fit``."""
        self._recording.step()

    def epoch(self) -> None:
        """Call after each pass over the training set."""
        self._recording.epoch()

    def close(self) -> None:
        """Record the end, too."""
        self._recording.close()

    def __enter__(self) -> PartialFitRecorder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _EstimatorLearner:
    def __init__(self, estimator: Any, train: tuple[Any, Any], validation: tuple[Any, Any], relabelled: object) -> None:
        self._estimator = self._present = estimator
        self._count = len(train[1])
        chosen = chosen_train(self._count, relabelled)
        self.parts: Mapping[str, float] = chosen.shares
        self._samples = {name: _rows(train, indices) for name, indices in chosen.indices.items()}
        self._samples["validation"] = _rows(validation, chosen_validation(len(validation[1])))
        self._averages: dict[str, list[np.ndarray]] = {}
        self._loss = ""

    def facts(self) -> dict[str, object]:
        import sklearn

        classes = getattr(self._estimator, "classes_", None)
        return {
            "recorder": "PartialFitRecorder",
            "scikit-learn": sklearn.__version__,
            "estimator": type(self._estimator).__name__,
            "loss": self._loss,
            "train_samples": self._count,
            "train_samples_measured": sum(len(self._samples[name][1]) for name in self.parts),
            "validation_samples": len(self._samples["validation"][1]),
            "classes": None if classes is None else len(classes),
        }

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        random = np.random.get_state()  # noqa: NPY002 - the user's
        try:
            yield
        finally:
            np.random.set_state(random)  # noqa: NPY002

    def seconds(self) -> float:
        return time.process_time()

    def settle(self) -> None:
        """Nothing to wait for: scikit-learn has done what it was told when it returns."""

    def measure(self, samples: str) -> Measured:
        inputs, targets = self._samples[samples]
        return attempted(
            lambda: self._measured(inputs, targets),
            lambda error: invalid("estimator", f"cannot predict after its `partial_fit`: {told(error)}."),
        )

    def average(self, weight: float) -> bool:
        for name in _WEIGHTS:
            found = getattr(self._estimator, name, None)
            if found is None:
                continue
            present = [np.asarray(part, dtype=float) for part in (found if isinstance(found, list) else [found])]
            held = self._averages.get(name)
            if held is None or any(one.shape != other.shape for one, other in zip(held, present, strict=True)):
                self._averages[name] = [part.copy() for part in present]
                continue
            self._averages[name] = [one + weight * (part - one) for one, part in zip(held, present, strict=True)]
        return bool(self._averages)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        twin = copy.copy(self._estimator)
        for name, parts in self._averages.items():
            setattr(twin, name, parts if isinstance(getattr(twin, name), list) else parts[0])
        try:
            self._present = twin
            yield
        finally:
            self._present = self._estimator

    def learning_rate(self) -> float | None:
        settings = self._estimator.get_params()
        rate = settings.get("learning_rate_init", settings.get("eta0"))
        return float(rate) if settings.get("learning_rate") == "constant" and rate is not None else None

    def _measured(self, inputs: Any, targets: Shaped[np.ndarray, "m *outputs"]) -> Measured:
        classes = getattr(self._present, "classes_", None)
        if classes is None:
            self._loss = "squared loss"
            return Measured(loss=squared(np.asarray(self._present.predict(inputs)), targets), error=None)
        places = _places(classes, targets)
        scores = self._scores(inputs)  # of probabilities several may be 0, and the decision is another
        if hasattr(self._present, "predict_proba"):
            self._loss = "cross-entropy"
            probabilities = self._present.predict_proba(inputs)
            error = share_wrong(probabilities if scores is None else scores, places)
            return Measured(loss=cross_entropy(probabilities, places), error=error)
        if scores is None:
            raise invalid("estimator", "has neither `predict_proba` nor `decision_function`.")
        self._loss = "hinge loss of each class against the rest"
        return Measured(loss=hinge(scores, places), error=share_wrong(scores, places))

    def _scores(self, inputs: Any) -> Shaped[np.ndarray, "m classes"] | None:
        if not hasattr(self._present, "decision_function"):
            return None
        decisions = self._present.decision_function(inputs)
        return np.stack([-decisions, decisions], axis=1) if decisions.ndim == 1 else decisions


def _places(classes: Shaped[np.ndarray, " classes"], targets: Shaped[np.ndarray, " m"]) -> Int[np.ndarray, " m"]:
    """Where among the classes each target is."""
    places = np.searchsorted(classes, targets)
    if not np.all(places < len(classes)) or not np.array_equal(classes[places], targets):
        raise invalid(
            "classes", "that the estimator knows are not all: tell it every class with its first `partial_fit`."
        )
    return places


def _pair(argument: str, given: Any) -> tuple[Any, Any]:
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise invalid(argument, f"must be a pair (inputs, targets), got {type(given).__name__}.")
    inputs, targets = given[0], np.asarray(given[1])
    count = inputs.shape[0] if hasattr(inputs, "shape") else len(inputs)
    if not targets.ndim or count != len(targets) or not count:
        found = f"{count:,} and {targets.shape[0] if targets.ndim else 1:,}"
        raise invalid(argument, f"must hold as many inputs as targets, and some; got {found}.")
    return inputs, targets


def _rows(pair: tuple[Any, Any], indices: Any) -> tuple[Any, Any]:
    from sklearn.utils import _safe_indexing

    return _safe_indexing(pair[0], indices), pair[1][indices]
