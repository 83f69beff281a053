"""A PyTorch model in training, as a recorder sees it: measured without leaving a trace."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from benign.foundation.errors import InvalidArgument, invalid
from benign.foundation.global_randomness import random_states_kept
from benign.histories.recorders.chosen_samples import chosen_train, chosen_validation
from benign.histories.recorders.learner import Measured
from benign.histories.recorders.torch_samples import Batch, Samples, Source
from benign.histories.recorders.torch_task import Task, task_of


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a model makes of a batch.

    Attributes:
        outputs: one row a sample; classes on the second axis.
        targets: theirs.
        loss: its own mean loss, where it has one.
    """

    outputs: Any
    targets: Any
    loss: torch.Tensor | None = None


def answer_of(model: Callable[..., Any], batch: Batch) -> Answer:
    """What the model makes of the inputs, and of labels among them, as models of transformers take them."""
    inputs = batch.inputs
    if isinstance(inputs, Mapping) and "labels" in inputs:
        return _own_answer(model, inputs)
    if isinstance(inputs, Mapping):
        found = model(**inputs)
    else:
        found = model(*inputs) if isinstance(inputs, (tuple, list)) else model(inputs)
    return Answer(outputs=found, targets=batch.targets)


def _own_answer(model: Callable[..., Any], inputs: Mapping[str, Any]) -> Answer:
    """The model's loss and its logits; of a language model those that foretell a token, beside that token."""
    found, labels = model(**inputs), inputs["labels"]
    logits = found.logits
    if logits.ndim == 3 and labels.ndim == 2:  # of tokens: classes belong on the second axis
        if "CausalLM" in type(model).__name__ or "LMHead" in type(model).__name__:
            logits, labels = logits[:, :-1], labels[:, 1:]
        logits = logits.transpose(1, 2)
    return Answer(outputs=logits, targets=labels, loss=None if found.loss is None else found.loss.float())


class TorchLearner:
    """A model and the samples that it is measured on.

    Attributes:
        parts: the measured groups of training samples, with their shares.
        averages: of the weights and of buffers of floats, the running statistics of batch normalisation among them.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        train: Source,
        validation: Source,
        *,
        made_by: Mapping[str, str],
        loss: object = None,
        relabelled: object = None,
        rate: Callable[[], float | None] = lambda: None,
    ) -> None:
        self._model = unwrapped(model)
        self._loss, self._rate, self._made_by = loss, rate, made_by
        self._train = train
        chosen = chosen_train(train.count, relabelled)
        self._samples = {name: Samples(source=train, indices=rows) for name, rows in chosen.indices.items()}
        self._samples["validation"] = Samples(source=validation, indices=chosen_validation(validation.count))
        self.parts: Mapping[str, float] = chosen.shares
        self.averages: list[torch.Tensor] | None = None
        self._state = _floats(self._model)
        self._task: Task | None = None
        self._is_own = False
        if not self._state:
            raise invalid("model", "has no parameters.")
        if _is_sharded(self._model):
            told = "is sharded over processes, of which none can measure it alone; record with plain data parallelism."
            raise invalid("model", told)

    def facts(self) -> dict[str, object]:
        samples = self._samples
        return {
            **self._made_by,
            "torch": torch.__version__,
            "loss": "the model's own" if self._task is None or self._is_own else self._task.name,
            "train_samples": self._train.count,
            "train_samples_measured": sum(int(samples[name].indices.size) for name in self.parts),
            "validation_samples": int(samples["validation"].indices.size),
            "classes": None if self._task is None else self._task.classes,
        }

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        self._refresh()
        modes = [(module, module.training) for module in self._model.modules()]
        buffers = [(buffer, buffer.detach().clone()) for buffer in self._model.buffers()]
        try:
            with random_states_kept(), torch.no_grad():
                self._model.eval()
                yield
        finally:
            for module, was_training in modes:
                module.training = was_training
            for buffer, before in buffers:
                buffer.data.copy_(before)

    def seconds(self) -> float:
        return time.process_time() if self._place.device.type == "cpu" else time.perf_counter()

    def settle(self) -> None:
        self._state[0].detach().reshape(-1)[:1].cpu()

    def measure(self, samples: str) -> Measured:
        loss = wrong = torch.zeros((), device=self._place.device)
        counted = total = 0
        for batch in self._samples[samples].batches(self._place):
            answer = answer_of(self._model, batch)
            loss = loss + batch.count * self._loss_of(answer)
            faults = self._task.wrong(answer.outputs, answer.targets) if self._task else None
            if faults is not None:
                wrong, counted = wrong + faults.sum(), counted + faults.numel()
            total += batch.count
        return Measured(loss=float(loss) / total, error=float(wrong) / counted if counted else None)

    def average(self, weight: float) -> bool:
        if self.averages is None:
            self._refresh()
        assert self.averages is not None
        with torch.no_grad():
            torch._foreach_lerp_(self.averages, self._state, weight)
        return True

    @contextmanager
    def averaged(self) -> Iterator[None]:
        assert self.averages is not None
        present = [part.detach().clone() for part in self._state]
        try:
            for part, average in zip(self._state, self.averages, strict=True):
                part.data.copy_(average)
            yield
        finally:
            for part, before in zip(self._state, present, strict=True):
                part.data.copy_(before)

    def learning_rate(self) -> float | None:
        return self._rate()

    def gradient_penalty(self) -> float:
        trained = [parameter for parameter in self._model.parameters() if parameter.requires_grad]
        total = [torch.zeros_like(parameter, dtype=torch.float64, device="cpu") for parameter in trained]
        for batch in self._train.all_batches(self._place):
            with torch.enable_grad():
                loss = self._loss_of(answer_of(self._model, batch))
                slopes = torch.autograd.grad(loss, trained, allow_unused=True)
            for whole, slope in zip(total, slopes, strict=True):
                if slope is not None:
                    whole.add_(slope.cpu().double(), alpha=batch.count / self._train.count)
        size = sum(parameter.numel() for parameter in trained)
        return float(sum(whole.square().sum() for whole in total)) / size

    def _refresh(self) -> None:
        """Look up weights and buffers anew: the user may have moved or replaced some, whose average begins again."""
        state = _floats(self._model)
        if self.averages is None or len(state) != len(self.averages):
            self.averages = [part.detach().clone() for part in state]
        for index, (old, new) in enumerate(zip(self._state, state, strict=False)):
            if old is not new or self.averages[index].device != new.device:
                self.averages[index] = new.detach().clone()
        self._state = state

    @property
    def _place(self) -> torch.Tensor:
        """A tensor of the model: its device and kind of floats are the model's."""
        return self._state[0]

    def _loss_of(self, answer: Answer) -> torch.Tensor:
        self._is_own = answer.loss is not None and self._loss is None
        if self._task is None:
            with contextlib.suppress(*[InvalidArgument] * self._is_own):  # then it has a loss, and no error is known
                self._task = task_of(answer.outputs, answer.targets, self._loss)
        if self._is_own or self._task is None:
            assert answer.loss is not None
            return answer.loss
        return self._task.loss(answer.outputs, answer.targets)


def unwrapped(model: torch.nn.Module) -> torch.nn.Module:
    """The module itself: a compiled one would be compiled again for evaluation, a distributed one would wait."""
    while True:
        inner = getattr(model, "_orig_mod", None)
        if inner is None and isinstance(model, (torch.nn.DataParallel, torch.nn.parallel.DistributedDataParallel)):
            inner = model.module
        if inner is None:
            return model
        model = inner


def is_first_process() -> bool:
    """Whether this process is the one of several that writes."""
    distributed = torch.distributed
    return not (distributed.is_available() and distributed.is_initialized() and distributed.get_rank())


def _is_sharded(model: torch.nn.Module) -> bool:
    """Whether no process holds all of it: FSDP in both versions, DeepSpeed's third stage."""
    is_wrapped = any(type(module).__name__ == "FullyShardedDataParallel" for module in model.modules())
    return is_wrapped or any(type(part).__name__ == "DTensor" or hasattr(part, "ds_id") for part in model.parameters())


def _floats(model: torch.nn.Module) -> list[torch.Tensor]:
    """Parameters, and buffers of floats."""
    return [part for part in (*model.parameters(), *model.buffers()) if part.is_floating_point()]
