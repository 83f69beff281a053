"""A run on standard error while it goes: a live bar on a terminal, plain lines or JSON lines elsewhere."""

from __future__ import annotations

import contextlib
import json
import re
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TypedDict

import numpy as np

from benign.cli.answers import printable
from benign.cli.printing import beneath, filter_output
from benign.cli.sparkline import sparkline
from benign.cli.waiting import lasting, said_in
from benign.experiments.grid import Cell, Grid
from benign.experiments.interruption import print_how_to_stop_at_once
from benign.experiments.listener import Listener, Progressed
from benign.experiments.states import State
from benign.foundation.errors import unknown_name
from benign.schema import Block

STYLES = ("auto", "bar", "plain", "json", "none")
_LINE_SECONDS = 10.0
_RATE_JOBS = 50
_SHOWN_REPLICATES = 100
_REFRESH_SECONDS = 0.25


class Shown(TypedDict):
    """What :func:`benign.runs.run` takes to be seen while it goes."""

    listeners: Sequence[Listener]
    on_interrupt: Callable[[int], None]


@contextlib.contextmanager
def displayed(style: str) -> Iterator[Shown]:
    """What shows a run in one of :data:`STYLES`, and that it was asked to stop.

    ``auto`` is the bar on a terminal and plain lines elsewhere.

    Raises:
        UnknownName: for another style.
    """
    if style not in STYLES:
        raise unknown_name("progress", style, STYLES)
    chosen = style if style != "auto" else "bar" if sys.stderr.isatty() else "plain"
    listeners: dict[str, Sequence[Listener]] = {"json": [_JsonLines()], "plain": [_PlainLines()]}
    on_interrupt = _json_interrupt if chosen == "json" else print_how_to_stop_at_once
    with said_in(chosen), contextlib.ExitStack() as stack:
        shown = [stack.enter_context(_bar())] if chosen == "bar" else listeners.get(chosen, ())
        yield Shown(listeners=shown, on_interrupt=on_interrupt)


class Pace:
    """Rate and remaining time, from the jobs that finished last: early ones load and compile."""

    def __init__(self) -> None:
        self._moments: deque[tuple[float, int]] = deque(maxlen=_RATE_JOBS)

    def note(self, progress: Progressed) -> None:
        """Where the run stands now."""
        self._moments.append((progress.seconds, progress.done + progress.failed))

    @property
    def jobs_per_second(self) -> float | None:
        """None before two jobs have finished."""
        (start, first), (end, last) = self._moments[0], self._moments[-1]
        return (last - first) / (end - start) if last > first and end > start else None

    def seconds_left(self, progress: Progressed) -> float | None:
        """None while there is no rate."""
        rate = self.jobs_per_second
        return None if rate is None else (progress.total - progress.done - progress.failed) / rate


class CurveSoFar:
    """The median test loss along the longer axis, over the last replicates of the n that was measured last."""

    def __init__(self) -> None:
        self._address: tuple[int, int] | None = None
        self._grid: Grid | None = None
        self._rows: deque[np.ndarray] = deque(maxlen=_SHOWN_REPLICATES)

    def start(self, grid: Grid) -> None:
        """The grid whose blocks will come."""
        self._grid = grid

    def add(self, cell: Cell, block: Block) -> None:
        """A block; one of another n or level starts a new curve."""
        if "test_loss" not in block.metrics or block.outcome.size < 2:
            return
        address = (cell.level, cell.samples)
        values = block.metrics["test_loss"][0]
        row = values[:, -1] if len(block.sizes) > 1 else values[-1]
        if address != self._address or (self._rows and len(self._rows[0]) != len(row)):
            self._address = address
            self._rows.clear()
        self._rows.append(np.where(np.isnan(row), np.inf, row))

    def __str__(self) -> str:
        """Empty until there is something to show."""
        if self._address is None or self._grid is None:
            return ""
        level, samples = self._address
        noise = "" if self._grid.label_noise is None else f", label noise {self._grid.label_noise[level]:g}"
        return f"test loss at n = {samples:,}{noise}: {sparkline(np.median(np.array(self._rows), axis=0))}"


def seconds_in_words(seconds: float) -> str:
    """``"12 s"``, ``"3 min 20 s"``, ``"2 h 05 min"``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def state_in_words(progress: Progressed, pace: Pace) -> str:
    """``"12 of 40 jobs, 3.1 a second, 9 s left"``."""
    parts = [f"{progress.done:,} of {progress.total:,} jobs"]
    if progress.failed:
        parts.append(f"{progress.failed:,} failed")
    rate, left = pace.jobs_per_second, pace.seconds_left(progress)
    if rate is not None and left is not None:
        parts.append(f"{rate:.2g} a second" if rate >= 1.0 else f"{1.0 / rate:.2g} s each")
        parts.append(f"{seconds_in_words(left)} left")
    return ", ".join(parts)


class _PlainLines:
    """One line at the start, one every ten seconds, one for each failure, one at the end."""

    def __init__(self) -> None:
        self._pace, self._curve, self._last = Pace(), CurveSoFar(), time.monotonic()

    def started(self, run: str, grid: Grid, progress: Progressed) -> None:
        self._curve.start(grid)
        self._pace.note(progress)
        self._say(f"{run}: {progress.done:,} of {progress.total:,} jobs are there")

    def measured(self, cell: Cell, block: Block, progress: Progressed) -> None:
        self._curve.add(cell, block)
        self.advanced(progress)

    def failed(self, cell: Cell, error: str, will_retry: bool, progress: Progressed) -> None:
        del progress
        self._say(failure_in_words(cell, error, will_retry))

    def advanced(self, progress: Progressed) -> None:
        self._pace.note(progress)
        if time.monotonic() - self._last >= _LINE_SECONDS:
            self._last = time.monotonic()
            self._say("; ".join(part for part in (state_in_words(progress, self._pace), str(self._curve)) if part))

    def ended(self, counts: Mapping[State, int], progress: Progressed) -> None:
        del counts
        self._say(
            f"{progress.done:,} of {progress.total:,} jobs done, {progress.failed:,} failed, "
            f"{seconds_in_words(progress.seconds)}"
        )

    def _say(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)


class _JsonLines:
    """One JSON object a line for everything that happens."""

    def started(self, run: str, grid: Grid, progress: Progressed) -> None:
        self._say("started", progress, run=run, title=grid.attributes["title"])

    def measured(self, cell: Cell, block: Block, progress: Progressed) -> None:
        del block
        self._say("measured", progress, **_address(cell))

    def failed(self, cell: Cell, error: str, will_retry: bool, progress: Progressed) -> None:
        self._say("failed", progress, **_address(cell), error=_last_line(error), will_retry=will_retry)

    def advanced(self, progress: Progressed) -> None:
        self._say("advanced", progress)

    def ended(self, counts: Mapping[State, int], progress: Progressed) -> None:
        self._say("ended", progress, blocks={state.value: count for state, count in counts.items()})

    def _say(self, event: str, progress: Progressed, **more: object) -> None:
        standing = {**asdict(progress), "seconds": round(progress.seconds, 3)}
        print(json.dumps({"event": event, **standing, **more}), file=sys.stderr, flush=True)


def _json_interrupt(running: int) -> None:
    print(json.dumps({"event": "interrupted", "running": running}), file=sys.stderr, flush=True)


@contextlib.contextmanager
def _bar() -> Iterator[Listener]:
    from rich.console import Console, Group
    from rich.live import Live
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    console = Console(file=beneath(sys.stderr))

    class Bar:
        def __init__(self) -> None:
            self._pace, self._curve, self._title = Pace(), CurveSoFar(), ""
            self._drawn, self._whole = -_REFRESH_SECONDS, Table.grid()

        def started(self, run: str, grid: Grid, progress: Progressed) -> None:
            self._title = printable(run)
            self._curve.start(grid)
            self.advanced(progress)

        def measured(self, cell: Cell, block: Block, progress: Progressed) -> None:
            self._curve.add(cell, block)
            self.advanced(progress)

        def failed(self, cell: Cell, error: str, will_retry: bool, progress: Progressed) -> None:
            console.print(Text(failure_in_words(cell, error, will_retry)))
            self.advanced(progress)

        def advanced(self, progress: Progressed) -> None:
            self._pace.note(progress)
            if progress.seconds - self._drawn >= _REFRESH_SECONDS:
                self._drawn = progress.seconds
                self._draw(progress)

        def _draw(self, progress: Progressed) -> None:
            line = Table.grid(padding=(0, 1))
            bar = ProgressBar(total=progress.total or 1, completed=progress.done + progress.failed, width=30)
            line.add_row(Text(self._title), bar, Text(state_in_words(progress, self._pace)))
            whole = Table.grid()
            whole.add_row(line)
            whole.add_row(Text(str(self._curve)))
            self._whole = whole

        def shown(self) -> Group:
            return Group(self._whole, Text(lasting()))

        def ended(self, counts: Mapping[State, int], progress: Progressed) -> None:
            del counts
            self._draw(progress)

    bar = Bar()
    with Live(get_renderable=bar.shown, console=console, refresh_per_second=4, transient=True):
        filter_output()  # Live has taken the streams over, until it ends
        yield bar


def failure_in_words(cell: Cell, error: str, will_retry: bool) -> str:
    """One line about a job that failed."""
    fate = "will be tried again" if will_retry else "given up"
    replicate = cell.replicate
    where = f"n = {cell.samples}, replicate {replicate.draw}-{replicate.initialisation}-{replicate.noise}"
    return f"A job failed ({where}), {fate}: {_last_line(error)}"


def _address(cell: Cell) -> dict[str, object]:
    replicate = {key: getattr(cell.replicate, key) for key in ("draw", "initialisation", "noise")}
    return {"level": cell.level, "samples": cell.samples, **replicate}


def _last_line(error: str) -> str:
    """The sentence of a traceback, without characters that a terminal would obey."""
    lines = [line for line in error.splitlines() if line.strip()]
    sentence = lines[-1].strip() if lines else "no reason given"
    return printable(re.sub(r"^benign\.[\w.]+: ", "", sentence))  # of our errors the sentence says all
