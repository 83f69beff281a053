"""Callbacks of frameworks that are no dependency: the class that the framework asks for is made when one is built."""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from benign.foundation.errors import MissingExtra
from benign.histories.recorders.learner import Learner
from benign.histories.recorders.log_file import LogFile
from benign.histories.recorders.recording import Recording


def framework(*modules: str, recorder: str) -> ModuleType:
    """The first of the modules that is already imported, or else that can be.

    Raises:
        MissingExtra: if none is installed.
    """
    for module in sorted(modules, key=lambda name: name not in sys.modules):
        with contextlib.suppress(ImportError):
            return importlib.import_module(module)
    package = modules[0].split(".")[0]
    raise MissingExtra(
        f"{recorder} is a callback of {package}, which is not installed here; install it with: pip install {package}"
    )


def made_a(base: Any, recorder: Any) -> Any:
    """The recorder as the kind of callback that the framework asks for."""
    return type(recorder.__name__, (recorder, base), {"__doc__": recorder.__doc__})


class WatchedTraining:
    """What the callbacks of all frameworks do alike: a log is opened once, then steps and epochs are counted."""

    _path: Any
    _label_noise: float | None
    _recording: Recording | None = None

    def count_steps(self, until: int) -> None:
        """Where gradients are accumulated, not every batch is a step of the optimiser."""
        while self._recording is not None and self._recording.steps < until:
            self._recording.step()

    def count_epoch(self, *_: Any, **__: Any) -> None:
        """Count the epoch."""
        if self._recording is not None:
            self._recording.epoch()

    def on_train_end(self, *_: Any, **__: Any) -> None:
        """Record the end."""
        if self._recording is not None:
            self._recording.close()

    def _open(
        self,
        learner: Learner,
        *,
        steps: int,
        epochs: int,
        resume: bool,
        penalty: Callable[[], float] | None = None,
    ) -> None:
        file = LogFile(self._path, resume=resume)
        self._recording = Recording(learner, file, label_noise=self._label_noise, penalty=penalty)
        if steps:
            self._recording.go_on_from(steps, epochs)
