"""TensorBoard: a run's settings and failures as texts, its blocks as scalars."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benign.experiments.grid import Cell, Grid
from benign.experiments.listener import Progressed
from benign.experiments.loggers.series import address, block_series
from benign.experiments.loggers.settings import settings
from benign.experiments.states import State
from benign.foundation.extras import require
from benign.foundation.file_names import file_name
from benign.schema import Block

_PURPOSE = "`TensorBoardLogger`"


class TensorBoardLogger:
    """Logs each run into its own folder, which TensorBoard shows as one run; a resumed run goes on in the same one.

    It needs the package ``tensorboard`` alone, neither TensorFlow nor PyTorch. TensorBoard keeps scalars in single
    precision.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        """Writes nothing yet.

        Args:
            folder: what ``tensorboard --logdir`` is given; a folder for each run is made in it.

        Raises:
            MissingExtra: if TensorBoard is not installed.
        """
        self._files = _tensorboard("summary.writer.event_file_writer")
        self._event = _tensorboard("compat.proto.event_pb2").Event
        self._scalar = _tensorboard("plugins.scalar.summary").scalar_pb
        self._text = _tensorboard("plugins.text.summary").text_pb
        self._folder = Path(folder)

    def started(self, run: str, grid: Grid, progress: Progressed) -> None:
        self._grid = grid
        self._writer = self._files.EventFileWriter(str(self._folder / file_name(run)))
        rows = [f"| {name} | {text.replace('|', '/')} |" for name, text in settings(grid).items()]
        self._write(self._text("settings", "\n".join(["| setting | value |", "| --- | --- |", *rows])), progress.done)

    def measured(self, cell: Cell, block: Block, progress: Progressed) -> None:
        del progress
        for series in block_series(self._grid, cell, block):
            with np.errstate(over="ignore"):
                values = series.values.astype(np.float32)
            for step, value in zip(series.steps.tolist(), values, strict=True):
                self._write(self._scalar(series.tag, value), step)

    def failed(self, cell: Cell, error: str, will_retry: bool, progress: Progressed) -> None:
        text = f"{'To be tried again' if will_retry else 'Given up'}:\n\n```\n{error}\n```"
        self._write(self._text(f"failure/{address(self._grid, cell)}", text), progress.done)

    def advanced(self, progress: Progressed) -> None:
        del progress

    def ended(self, counts: Mapping[State, int], progress: Progressed) -> None:
        text = ", ".join(f"{state}: {counts.get(state, 0)}" for state in State)
        self._write(self._text("end", text), progress.done)
        self._writer.close()

    def _write(self, summary: object, step: int) -> None:
        self._writer.add_event(self._event(wall_time=time.time(), step=step, summary=summary))


def _tensorboard(module: str) -> Any:
    return require(f"tensorboard.{module}", extra="tensorboard", purpose=_PURPOSE)
