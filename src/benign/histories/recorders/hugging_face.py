"""A recorder for the Trainer of Hugging Face transformers."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any

from benign.foundation.arguments import checked_flag
from benign.histories.recorders.frameworks import WatchedTraining, framework, made_a

_LABELS = ("labels", "label", "label_ids")


class TrainerRecorder(WatchedTraining):
    """The log of :class:`TorchRecorder`, written by a callback of the transformers' Trainer.

    The loss is the model's own on its ``labels``. The error is that of its classes; of a causal language model, that of
    the next token. A training that goes on from a checkpoint goes on with the log.

    Args:
        train_set: as the Trainer's ``train_dataset``; the Trainer's own collator makes the batches.
        validation_set: as its ``eval_dataset``.
        path: of the log. One that is there is not overwritten.
        relabelled: as in :class:`TorchRecorder`, and so the rest.
        label_noise: the known share of wrong labels.
        gradient_penalty: whether to record R_IG.

    .. code-block:: python

        recorder = benign.histories.TrainerRecorder(train_set, validation_set, "log.jsonl")
        trainer = Trainer(model, arguments, train_dataset=train_set, callbacks=[recorder])
    """

    def __new__(cls, *_: Any, **__: Any) -> TrainerRecorder:
        """Build the callback that the Trainer asks for."""
        made: TrainerRecorder = object.__new__(made_a(_transformers().TrainerCallback, cls))
        return made

    def __init__(
        self,
        train_set: Any,
        validation_set: Any,
        path: Any,
        *,
        relabelled: Any = None,
        label_noise: float | None = None,
        gradient_penalty: bool = False,
    ) -> None:
        super().__init__()
        self._sets, self._path, self._relabelled = (train_set, validation_set), path, relabelled
        self._label_noise, self._has_penalty = label_noise, checked_flag("gradient_penalty", gradient_penalty)

    def on_train_begin(self, _args: Any, state: Any, _control: Any, **parts: Any) -> None:
        """Look at the data and open the log."""
        if self._recording is None and state.is_world_process_zero:
            self._start(state, **parts)

    def on_step_end(self, _args: Any, state: Any, *_: Any, **__: Any) -> None:
        """Count the steps of the optimiser."""
        self.count_steps(state.global_step)

    on_epoch_end = WatchedTraining.count_epoch

    def _start(self, state: Any, *, model: Any, optimizer: Any, train_dataloader: Any, **_: Any) -> None:
        from benign.histories.recorders.pytorch import rate_of
        from benign.histories.recorders.torch_learner import TorchLearner
        from benign.histories.recorders.torch_samples import source_of

        collate = _collated(train_dataloader.collate_fn, model)
        train, validation = (
            source_of(name, given, collate=collate)
            for name, given in zip(("train_set", "validation_set"), self._sets, strict=True)
        )
        learner = TorchLearner(
            model,
            train,
            validation,
            made_by={"recorder": "TrainerRecorder", "transformers": _transformers().__version__},
            relabelled=self._relabelled,
            rate=lambda: rate_of(optimizer),
        )
        penalty = learner.gradient_penalty if self._has_penalty else None
        steps = state.global_step
        self._open(learner, steps=steps, epochs=int(state.epoch or 0), resume=steps > 0, penalty=penalty)


def _transformers() -> ModuleType:
    return framework("transformers", recorder="TrainerRecorder")


def _collated(collate: Callable[[list[Any]], Any], model: Any) -> Callable[[list[Any]], Any]:
    """The Trainer's collator on what the model takes of a sample: a data set may hold texts beside."""
    known = {*inspect.signature(model.forward).parameters, *_LABELS}

    def collated(samples: list[Any]) -> Any:
        return collate([{name: sample[name] for name in sample if name in known} for sample in samples])

    return collated
