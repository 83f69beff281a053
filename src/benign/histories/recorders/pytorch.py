"""A recorder for a training loop of one's own in PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benign.foundation.arguments import checked_flag
from benign.foundation.errors import invalid
from benign.foundation.extras import require
from benign.histories.recorders.log_file import LogFile
from benign.histories.recorders.recording import Recording

if TYPE_CHECKING:
    import torch


class TorchRecorder:
    """Writes a log that :func:`benign.triage` reads without a word more, while a PyTorch loop trains.

    Each line holds loss and error of training and validation samples, in evaluation mode; those of averaged weights (an
    exponential average over the last 50 steps or so, running statistics of batch normalisation included) on the same
    validation samples; and the learning rate. The training stays as it would be without: weights, gradients, modes,
    buffers, random state. It is evaluated after 1, 2, 4, 8, .. steps and then as often as 2 % of the time pays for, on
    at most 1,000 training and 2,000 validation samples, the same each time. The weights are held once more.

    Args:
        model: in training; a compiled or a distributed one is measured as the module within.
        train_set: a pair of tensors or arrays (inputs, targets), a data set or a loader. Samples are pairs of an input
            and a target, or dicts with ``labels``, as models of transformers take them.
        validation_set: the same.
        path: of the log. One that is there is not overwritten.
        optimizer: for the learning rate.
        loss: of outputs and targets, its mean; found from the targets unless given: cross-entropy of classes, binary
            cross-entropy of logits, squared loss.
        relabelled: one truth value for each training sample, whether its label was replaced: their error is recorded
            apart.
        label_noise: the known share of wrong labels, where ``relabelled`` does not tell it.
        gradient_penalty: whether to record R_IG, the squared norm of the full batch's gradient by the number of
            parameters (Barrett and Dherin 2021), in evaluation mode, at doubling times; each takes a pass over the
            training set.
        resume: whether this training goes on from the one that wrote the log.

    .. code-block:: python

        recorder = benign.histories.TorchRecorder(model, train_set, validation_set, "log.jsonl")
        for epoch in range(epochs):
            for inputs, targets in loader:
                optimizer.zero_grad()
                loss_function(model(inputs), targets).backward()
                optimizer.step()
                recorder.step()
            recorder.epoch()
        recorder.close()
    """

    def __init__(
        self,
        model: torch.nn.Module,
        train_set: Any,
        validation_set: Any,
        path: Any,
        *,
        optimizer: torch.optim.Optimizer | None = None,
        loss: Any = None,
        relabelled: Any = None,
        label_noise: float | None = None,
        gradient_penalty: bool = False,
        resume: bool = False,
    ) -> None:
        torch = require("torch", extra="torch", purpose="TorchRecorder")
        from benign.histories.recorders.torch_learner import TorchLearner, is_first_process
        from benign.histories.recorders.torch_samples import source_of

        if not isinstance(model, torch.nn.Module):
            raise invalid("model", f"must be a torch.nn.Module, got {type(model).__name__}.")
        learner = TorchLearner(
            model,
            source_of("train_set", train_set),
            source_of("validation_set", validation_set),
            made_by={"recorder": "TorchRecorder"},
            loss=loss,
            relabelled=relabelled,
            rate=lambda: rate_of(optimizer),
        )
        self._recording: Recording | None = None
        if is_first_process():
            penalty = learner.gradient_penalty if checked_flag("gradient_penalty", gradient_penalty) else None
            file = LogFile(path, resume=checked_flag("resume", resume))
            self._recording = Recording(learner, file, label_noise=label_noise, penalty=penalty)

    def step(self) -> None:
        """Call after each step of the optimiser."""
        if self._recording is not None:
            self._recording.step()

    def epoch(self) -> None:
        """Call after each epoch; a training without epochs needs no call."""
        if self._recording is not None:
            self._recording.epoch()

    def close(self) -> None:
        """Record the end, too. Nothing is lost without it, but the end may lie after the last line."""
        if self._recording is not None:
            self._recording.close()

    def __enter__(self) -> TorchRecorder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint may hold, so that a training that goes on from it is counted on."""
        if self._recording is None:
            return {}
        return {"steps": self._recording.steps, "epochs": self._recording.epochs}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint; lines that the log has from later steps are superseded by those to come."""
        if self._recording is not None and state:
            self._recording.go_on_from(state["steps"], state["epochs"])


def rate_of(optimizer: Any) -> float | None:
    """The learning rate of the first group of parameters."""
    groups = getattr(optimizer, "param_groups", None)
    return float(groups[0]["lr"]) if groups else None
