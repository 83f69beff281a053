"""The file of a recorder: a first line that says what is known, then one line an evaluation, each written whole."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from benign.foundation.arguments import checked_path
from benign.foundation.errors import OutputFailed, invalid
from benign.foundation.wording import reason, shown_path
from benign.histories.readers.recorder import FORMAT, is_first_line

_DIGITS = 7
_FEW = 5


class LogFile:
    """JSON lines that survive a kill: each goes to the system in one call, and what is half written is cut off later.

    Attributes:
        path: where it lies.
        steps: of the last line, where a training goes on.
        epochs: of the last line that says them.
        distance: of the last evaluations, in steps.

    Raises:
        InvalidArgument: if there is a file already and ``resume`` is not said, or what is there is no such log.
        OutputFailed: if it cannot be written.
    """

    def __init__(self, path: object, *, resume: bool) -> None:
        self.path: Path = checked_path("path", path)
        self.steps, self.epochs, self.distance = 0, 0.0, 0
        self._has_head = self._is_lost = False
        try:
            size = self.path.stat().st_size if self.path.exists() else 0
            if size and not resume:
                raise invalid(
                    "path",
                    f"names a log that is there already: {shown_path(self.path)}; name another, or say resume=True "
                    "if this training goes on from the one that wrote it.",
                )
            if size:
                self._go_on(self.path.read_bytes())
            else:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._append(b"")
        except OSError as error:
            where, why = shown_path(self.path), error.strerror or reason(error)
            raise OutputFailed(f"{where} cannot be written: {why}; choose another place.") from error

    def write(self, row: Mapping[str, Any]) -> None:
        """Append one line; where that fails, say so and let the training go on without a log."""
        if self._is_lost:
            return
        try:
            self._append(_line(row))
        except OSError as error:
            self._is_lost = True
            told = (
                f"{shown_path(self.path)} cannot be written ({error.strerror}): the rest of the training is not logged."
            )
            warnings.warn(told, stacklevel=2)

    def begin(self, head: Mapping[str, Any]) -> None:
        """Write the first line, unless an earlier part of this training has."""
        if not self._has_head:
            self.write({FORMAT: 1, **head})
        self._has_head = True

    def _append(self, content: bytes) -> None:
        with self.path.open("ab", buffering=0) as file:
            file.write(content)

    def _go_on(self, content: bytes) -> None:
        if not is_first_line(content.split(b"\n", 1)[0].decode("utf-8", "replace")):
            raise invalid("path", f"names a file that no recorder has written: {shown_path(self.path)}; name another.")
        self._has_head = True
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            os.truncate(self.path, whole)
        rows = [json.loads(line) for line in content[:whole].splitlines()[1:]]
        steps = [int(row["step"]) for row in rows]
        self.steps = steps[-1] if steps else 0
        self.epochs = max((float(row.get("epoch", 0.0)) for row in rows), default=0.0)
        self.distance = max((late - early for early, late in pairwise(steps[-_FEW:])), default=0)


def _line(row: Mapping[str, Any]) -> bytes:
    shortened = {name: _short(value) for name, value in row.items() if value is not None}
    return (json.dumps(shortened, ensure_ascii=False) + "\n").encode()


def _short(value: Any) -> Any:
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value
