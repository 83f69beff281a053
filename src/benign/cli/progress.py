"""Progress on standard error: a bar on a terminal, plain lines elsewhere, nothing for work under a second."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from benign.cli.answers import printable
from benign.cli.printing import beneath, filter_output
from benign.cli.waiting import lasting
from benign.foundation.progress import Progress, heard

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import ProgressColumn

_PATIENCE_SECONDS = 1.0
_LINE_SECONDS = 10.0
_live: list[Bar] = []


@contextmanager
def shown(title: str) -> Iterator[Progress]:
    """A listener that shows progress under ``title`` while the block runs."""
    if not sys.stderr.isatty():
        yield _Lines(title)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, _waiting_column(), console=Console(file=beneath(sys.stderr)), transient=True) as bar:
        filter_output()  # the bar has taken the streams over, until it ends
        _live.append(bar)
        shown = bar.add_task(title, total=None)

        def listen(task: str, done: float, total: float) -> None:
            # One line, for the task that moves: a dozen finished ones would push it off a small terminal.
            heard(f"{task} {done:g} of {total:g}")
            bar.update(shown, description=printable(f"{title}: {task}"), completed=done, total=total)

        try:
            yield listen
        finally:
            _live.remove(bar)


@contextmanager
def paused() -> Iterator[None]:
    """While the block runs, which prints, no bar is on the terminal."""
    for bar in _live:
        bar.stop()
    try:
        yield
    finally:
        for bar in _live:
            bar.start()
            filter_output()


def _waiting_column() -> ProgressColumn:
    """What is going on where the bar has not moved for some time."""
    from rich.progress import ProgressColumn
    from rich.text import Text

    class Waiting(ProgressColumn):
        def render(self, task: object) -> Text:
            del task
            return Text(lasting(), style="dim")

    return Waiting()


class _Lines:
    """One line a task and ten seconds, the first after one second."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._start = time.monotonic()
        self._last = self._start + _PATIENCE_SECONDS - _LINE_SECONDS

    def __call__(self, task: str, done: float, total: float) -> None:
        heard(f"{task} {done:g} of {total:g}")
        now = time.monotonic()
        if now - self._last >= _LINE_SECONDS:
            self._last = now
            print(
                f"{self._title}: {task} {done:g} of {total:g}, {now - self._start:.0f} s", file=sys.stderr, flush=True
            )
