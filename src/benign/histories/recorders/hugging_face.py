"""A recorder for the Trainer of Hugging Face transformers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

from benign.foundation.arguments import checked_flag
from benign.foundation.errors import invalid
from benign.histories.recorders.frameworks import framework, made_a
from benign.histories.recorders.log_file import LogFile
from benign.histories.recorders.recording import Recording

if TYPE_CHECKING:
    from benign.histories.recorders.torch_learner import Answer
    from benign.histories.recorders.torch_samples import Batch

_LABELS = ("labels", "label", "label_ids")


class TrainerRecorder:
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
        self._recording: Recording | None = None

    def on_train_begin(self, _args: Any, state: Any, _control: Any, **parts: Any) -> None:
        """Look at the data and open the log."""
        if self._recording is None and state.is_world_process_zero:
            self._recording = self._started(state, **parts)

    def on_step_end(self, _args: Any, state: Any, *_: Any, **__: Any) -> None:
        """Count the step of the optimiser."""
        while self._recording is not None and self._recording.steps < state.global_step:
            self._recording.step()

    def on_epoch_end(self, *_: Any, **__: Any) -> None:
        """Count the epoch."""
        if self._recording is not None:
            self._recording.epoch()

    def on_train_end(self, *_: Any, **__: Any) -> None:
        """Record the end."""
        if self._recording is not None:
            self._recording.close()

    def _started(self, state: Any, *, model: Any, optimizer: Any, train_dataloader: Any, **_: Any) -> Recording:
        from benign.histories.recorders.pytorch import rate_of
        from benign.histories.recorders.torch_learner import TorchLearner
        from benign.histories.recorders.torch_samples import source_of

        collate = _collated(train_dataloader.collate_fn, model)
        train, validation = (
            source_of(name, given, split=_inputs_and_labels, collate=collate)
            for name, given in zip(("train_set", "validation_set"), self._sets, strict=True)
        )
        learner = TorchLearner(
            model,
            train,
            validation,
            made_by={"recorder": "TrainerRecorder", "transformers": _transformers().__version__},
            relabelled=self._relabelled,
            rate=lambda: rate_of(optimizer),
            answer=_answer,
        )
        file = LogFile(self._path, resume=state.global_step > 0)
        penalty = learner.gradient_penalty if self._has_penalty else None
        recording = Recording(learner, file, label_noise=self._label_noise, penalty=penalty)
        if state.global_step:
            recording.go_on_from(state.global_step, int(state.epoch or 0))
        return recording


def _transformers() -> ModuleType:
    return framework("transformers", recorder="TrainerRecorder")


def _collated(collate: Callable[[list[Any]], Any], model: Any) -> Callable[[list[Any]], Any]:
    """The Trainer's collator on what the model takes of a sample: a data set may hold texts beside."""
    known = {*inspect.signature(model.forward).parameters, *_LABELS}

    def collated(samples: list[Any]) -> Any:
        return collate([{name: sample[name] for name in sample if name in known} for sample in samples])

    return collated


def _inputs_and_labels(batch: Any) -> tuple[Any, Any]:
    """Labels stay among the inputs, as the model makes its loss of them."""
    if isinstance(batch, Mapping) and "labels" in batch:
        return batch, batch["labels"]
    held = f"the keys {', '.join(map(str, batch))}" if isinstance(batch, Mapping) else type(batch).__name__
    raise invalid("train_set", f"must give batches with `labels`; its batches have {held}.")


def _answer(model: Callable[..., Any], batch: Batch) -> Answer:
    """The model's loss and its logits; of a language model those that foretell a token, beside that token."""
    from benign.histories.recorders.torch_learner import Answer

    found = model(**batch.inputs)
    logits, labels = found.logits, batch.targets
    if logits.ndim == 3 and labels.ndim == 2:  # of tokens: classes belong on the second axis
        if "CausalLM" in type(model).__name__ or "LMHead" in type(model).__name__:
            logits, labels = logits[:, :-1], labels[:, 1:]
        logits = logits.transpose(1, 2)
    return Answer(outputs=logits, targets=labels, loss=found.loss)
