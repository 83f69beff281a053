"""A recorder for Keras, on any of its backends."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np

from benign.foundation.errors import attempted, invalid
from benign.foundation.wording import shown, told
from benign.histories.recorders.chosen_samples import chosen_train, chosen_validation
from benign.histories.recorders.frameworks import WatchedTraining, framework, made_a
from benign.histories.recorders.learner import Measured

_BATCH_BYTES = 1 << 22


class KerasRecorder(WatchedTraining):
    """The log of :class:`TorchRecorder`, written by a callback of Keras.

    The loss is the one that the model was compiled with, without penalties of its layers. The error is recorded of
    cross-entropies. With ``initial_epoch`` above 0 a training goes on with the log.

    Args:
        train_set: a pair of arrays (inputs, targets), as :meth:`keras.Model.fit` takes them.
        validation_set: the same.
        path: of the log. One that is there is not overwritten.
        relabelled: as in :class:`TorchRecorder`, and so the rest.
        label_noise: the known share of wrong labels.

    .. code-block:: python

        recorder = benign.histories.KerasRecorder((x, y), (x_validation, y_validation), "log.jsonl")
        model.fit(x, y, epochs=100, callbacks=[recorder])
    """

    def __new__(cls, *_: Any, **__: Any) -> KerasRecorder:
        """Build the callback that Keras asks for."""
        made: KerasRecorder = object.__new__(made_a(_keras().callbacks.Callback, cls))
        return made

    def __init__(
        self,
        train_set: Any,
        validation_set: Any,
        path: Any,
        *,
        relabelled: Any = None,
        label_noise: float | None = None,
    ) -> None:
        super().__init__()
        self._train, self._validation = _pair("train_set", train_set), _pair("validation_set", validation_set)
        self._path, self._relabelled, self._label_noise = path, relabelled, label_noise

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002 - Keras's name
        """Open the log."""
        if self._recording is None:
            learner = _KerasLearner(lambda: getattr(self, "model"), self._train, self._validation, self._relabelled)  # noqa: B009
            steps = epoch * (getattr(self, "params", {}).get("steps") or 0)
            self._open(learner, steps=steps, epochs=epoch, resume=epoch > 0)

    def on_train_batch_end(self, *_: Any, **__: Any) -> None:
        """Count the step of the optimiser."""
        if self._recording is not None:
            self._recording.step()

    on_epoch_end = WatchedTraining.count_epoch


class _KerasLearner:
    def __init__(
        self, model: Callable[[], Any], train: tuple[Any, Any], validation: tuple[Any, Any], relabelled: object
    ) -> None:
        self._model = model  # asked for only where needed: with JAX that moves its state
        self._count = len(train[1])
        chosen = chosen_train(self._count, relabelled)
        self.parts: Mapping[str, float] = chosen.shares
        self._samples = {name: (train[0][rows], train[1][rows]) for name, rows in chosen.indices.items()}
        rows = chosen_validation(len(validation[1]))
        self._samples["validation"] = (validation[0][rows], validation[1][rows])
        self._averages: list[np.ndarray] | None = None
        self._classes: int | None = None

    def facts(self) -> dict[str, object]:
        keras = _keras()
        return {
            "recorder": "KerasRecorder",
            "keras": f"{keras.__version__} on {keras.backend.backend()}",
            "loss": _name(self._loss),
            "train_samples": self._count,
            "train_samples_measured": sum(len(self._samples[name][1]) for name in self.parts),
            "validation_samples": len(self._samples["validation"][1]),
            "classes": self._classes,
        }

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - the user's
        states = [(variable, _array(variable)) for variable in self._model().non_trainable_variables]
        try:
            with _without_gradients():
                yield
        finally:
            for variable, before in states:
                variable.assign(before)
            random.setstate(python)
            np.random.set_state(numpy)  # noqa: NPY002

    def seconds(self) -> float:
        return time.perf_counter()

    def settle(self) -> None:
        _array(self._model().weights[0])

    def measure(self, samples: str) -> Measured:
        inputs, targets = self._samples[samples]
        size = min(max(_BATCH_BYTES // max(inputs[:1].nbytes, 1), 16), 2_048)
        outputs = np.concatenate([self._outputs(inputs[at : at + size]) for at in range(0, len(inputs), size)])
        loss = attempted(
            lambda: float(np.mean(_array(self._loss(targets, outputs)))),
            lambda error: invalid("model", f"has a loss that fails in evaluation: {told(error)}."),
        )
        return Measured(loss=loss, error=self._error(outputs, targets))

    def average(self, weight: float) -> bool:
        present = [_array(variable) for variable in self._model().weights]
        averages = present if self._averages is None else self._averages
        self._averages = [_moved(old, new, weight) for old, new in zip(averages, present, strict=True)]
        return True

    @contextmanager
    def averaged(self) -> Iterator[None]:
        variables = self._model().weights
        present = [_array(variable) for variable in variables]
        try:
            for variable, average in zip(variables, self._averages or present, strict=True):
                variable.assign(average)
            yield
        finally:
            for variable, before in zip(variables, present, strict=True):
                variable.assign(before)

    def learning_rate(self) -> float | None:
        return float(_array(self._model().optimizer.learning_rate))

    @property
    def _loss(self) -> Any:
        loss = self._model().loss
        if loss is None or isinstance(loss, (list, tuple, dict)):
            raise invalid("model", "must be compiled with one loss.")
        return _keras().losses.get(loss)

    def _outputs(self, inputs: np.ndarray) -> np.ndarray:
        outputs = self._model()(inputs, training=False)
        if isinstance(outputs, (list, tuple, dict)):
            raise invalid("model", "must have one output.")
        return _array(outputs)

    def _error(self, outputs: np.ndarray, targets: np.ndarray) -> float | None:
        name = _name(self._loss)
        if "categorical" in name:
            self._classes = outputs.shape[-1]
            is_one_hot = targets.ndim == outputs.ndim and targets.shape[-1] == outputs.shape[-1] > 1
            right = targets.argmax(-1) if is_one_hot else targets.reshape(outputs.shape[:-1])
            return float(np.mean(outputs.argmax(-1) != right))
        if "binary" in name:
            self._classes = 2 if outputs.size == len(outputs) else None
            threshold = 0.0 if getattr(self._loss, "from_logits", False) else 0.5
            return float(np.mean((outputs.reshape(targets.shape) > threshold) != (targets > 0.5)))
        return None


def _keras() -> ModuleType:
    return framework("keras", recorder="KerasRecorder")


def _moved(old: np.ndarray, new: np.ndarray, weight: float) -> np.ndarray:
    """An average that goes a share of the way to what is there now; counters are no averages."""
    return old + old.dtype.type(weight) * (new - old) if old.dtype.kind == "f" else new


def _array(value: Any) -> np.ndarray:
    """A copy: what the backend hands out may be its own memory."""
    return np.array(_keras().ops.convert_to_numpy(value))


def _without_gradients() -> contextlib.AbstractContextManager[Any]:
    if _keras().backend.backend() != "torch":
        return contextlib.nullcontext()
    import torch

    return torch.no_grad()


def _name(loss: Any) -> str:
    return str(getattr(loss, "name", getattr(loss, "__name__", type(loss).__name__)))


def _pair(argument: str, given: Any) -> tuple[Any, Any]:
    """Inputs and targets as arrays."""
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise invalid(argument, f"must be a pair of arrays (inputs, targets), got {shown(given)}.")
    inputs, targets = (np.asarray(part) for part in given)
    if not inputs.ndim or not targets.ndim or len(inputs) != len(targets) or not len(inputs):
        shapes = f"{inputs.shape} and {targets.shape}"
        raise invalid(argument, f"must hold as many inputs as targets, and some; got shapes {shapes}.")
    return inputs, targets
