"""A recorder for Lightning's Trainer."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from benign.foundation.arguments import checked_flag
from benign.foundation.errors import invalid
from benign.histories.recorders.frameworks import WatchedTraining, framework, made_a


class LightningRecorder(WatchedTraining):
    """The log of :class:`TorchRecorder`, written by a callback of Lightning.

    The data come from the trainer's loaders, of several for validation from the first. The module's ``forward`` must
    map inputs to outputs, such as logits; its ``validation_step`` is not called, as what it logs is the user's own. A
    training that goes on from a checkpoint goes on with the log.

    Args:
        path: of the log. One that is there is not overwritten.
        loss: of outputs and targets, its mean; found from the targets unless given.
        relabelled: as in :class:`TorchRecorder`, and so the rest.
        label_noise: the known share of wrong labels.
        gradient_penalty: whether to record R_IG.

    .. code-block:: python

        recorder = benign.histories.LightningRecorder("log.jsonl")
        trainer = lightning.Trainer(max_epochs=100, callbacks=[recorder])
    """

    def __new__(cls, *_: Any, **__: Any) -> LightningRecorder:
        """Build the callback that the trainer asks for."""
        made: LightningRecorder = object.__new__(made_a(_lightning().Callback, cls))
        return made

    def __init__(
        self,
        path: Any,
        *,
        loss: Any = None,
        relabelled: Any = None,
        label_noise: float | None = None,
        gradient_penalty: bool = False,
    ) -> None:
        super().__init__()
        self._path, self._loss, self._relabelled = path, loss, relabelled
        self._label_noise, self._has_penalty = label_noise, checked_flag("gradient_penalty", gradient_penalty)

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Look at the data and open the log."""
        if self._recording is None and trainer.is_global_zero:
            self._start(trainer, pl_module)

    def on_train_batch_end(self, trainer: Any, *_: Any, **__: Any) -> None:
        """Count the steps of the optimiser."""
        self.count_steps(trainer.global_step)

    on_train_epoch_end = WatchedTraining.count_epoch

    def _start(self, trainer: Any, module: Any) -> None:
        import torch

        from benign.histories.recorders.torch_learner import TorchLearner
        from benign.histories.recorders.torch_samples import source_of

        if type(module).forward in (torch.nn.Module.forward, _base(module).forward):
            told = "has no `forward`; give it one that maps inputs to outputs, such as logits."
            raise invalid("model", told)
        learner = TorchLearner(
            module,
            source_of("train_dataloaders", _first(trainer.train_dataloader)),
            source_of("val_dataloaders", _first(trainer.val_dataloaders)),
            made_by={"recorder": "LightningRecorder", "lightning": _lightning().__version__},
            loss=self._loss,
            relabelled=self._relabelled,
            rate=lambda: rate_of(trainer.optimizers),
        )
        penalty = learner.gradient_penalty if self._has_penalty else None
        steps = trainer.global_step
        self._open(learner, steps=steps, epochs=trainer.current_epoch, resume=steps > 0, penalty=penalty)


def _lightning() -> ModuleType:
    return framework("lightning.pytorch", "pytorch_lightning", recorder="LightningRecorder")


def rate_of(optimizers: Any) -> float | None:
    """The learning rate of the first group of the first optimiser."""
    return float(optimizers[0].param_groups[0]["lr"]) if optimizers else None


def _base(module: Any) -> Any:
    """Lightning's own class of the module."""
    return next(base for base in type(module).__mro__ if base.__name__ == "LightningModule")


def _first(loaders: Any) -> Any:
    """Of several loaders the first."""
    if isinstance(loaders, dict):
        return next(iter(loaders.values()), None)
    return (loaders[0] if loaders else None) if isinstance(loaders, list) else loaders
