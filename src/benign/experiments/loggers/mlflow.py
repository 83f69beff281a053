"""MLflow: a run's settings as parameters, its blocks as metrics, its failures as tags."""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benign.experiments.grid import Cell, Grid
from benign.experiments.listener import Progressed
from benign.experiments.loggers.series import address, block_series
from benign.experiments.loggers.settings import settings
from benign.experiments.states import State
from benign.foundation.errors import OutputFailed
from benign.foundation.extras import require
from benign.schema import Block

# MLflow refuses more metrics in one call, and longer values of a tag.
_MOST_METRICS = 1000
_LONGEST_TAG = 5000


class MLflowLogger:
    """Logs each run of benign as one run of MLflow; a resumed run goes on in the same one.

    MLflow's own reports of usage to its makers are switched off, unless ``MLFLOW_DISABLE_TELEMETRY`` says otherwise.
    """

    def __init__(self, store: str | os.PathLike[str], experiment: str = "benign") -> None:
        """Connects to nothing yet.

        Args:
            store: a folder, in which ``mlflow.db`` is made (look at it with ``mlflow ui --backend-store-uri
                sqlite:///FOLDER/mlflow.db``), or the tracking URI of a server or database.
            experiment: name of MLflow's experiment, made if it is not there.

        Raises:
            MissingExtra: if MLflow is not installed.
        """
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        self._mlflow = require("mlflow", extra="mlflow", purpose="`MLflowLogger`")
        self._store, self._experiment = os.fspath(store), experiment

    def started(self, run: str, grid: Grid, progress: Progressed) -> None:
        del progress
        self._grid = grid
        self._client, artifacts = self._connect()
        self._id = self._open_run(run, grid, artifacts)
        parameters = [self._mlflow.entities.Param(name, text) for name, text in settings(grid).items()]
        self._client.log_batch(self._id, params=parameters)

    def measured(self, cell: Cell, block: Block, progress: Progressed) -> None:
        del progress
        now = int(time.time() * 1000)
        metrics = [
            self._mlflow.entities.Metric(series.tag, value, now, step)
            for series in block_series(self._grid, cell, block)
            for step, value in zip(series.steps.tolist(), series.values.tolist(), strict=True)
        ]
        for start in range(0, len(metrics), _MOST_METRICS):
            self._client.log_batch(self._id, metrics=metrics[start : start + _MOST_METRICS])

    def failed(self, cell: Cell, error: str, will_retry: bool, progress: Progressed) -> None:
        del progress
        text = f"{'to be tried again' if will_retry else 'given up'}: {error[-_LONGEST_TAG + 50 :]}"
        self._client.set_tag(self._id, f"failure/{address(self._grid, cell)}", text)

    def advanced(self, progress: Progressed) -> None:
        del progress

    def ended(self, counts: Mapping[State, int], progress: Progressed) -> None:
        del progress
        for state in State:
            self._client.set_tag(self._id, f"benign.{state}", str(counts.get(state, 0)))
        is_complete = sum(counts.values()) == counts.get(State.DONE, 0)
        status = "FAILED" if counts.get(State.FAILED) else "FINISHED" if is_complete else "KILLED"
        self._client.set_terminated(self._id, status)

    def _connect(self) -> tuple[Any, str | None]:
        """The client, and where files that are logged with a run shall go (None: where the server wants them)."""
        if re.match(r"[a-z][a-z0-9+.-]*:/|databricks$", self._store):
            return self._mlflow.MlflowClient(tracking_uri=self._store), None
        folder = Path(self._store).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        _check_mlflows(folder / "mlflow.db")
        client = self._mlflow.MlflowClient(tracking_uri=f"sqlite:///{folder / 'mlflow.db'}")
        return client, (folder / "artifacts").as_uri()

    def _open_run(self, run: str, grid: Grid, artifacts: str | None) -> str:
        """The MLflow run of this grid, opened again or made."""
        client = self._client
        known = client.get_experiment_by_name(self._experiment)
        experiment = known.experiment_id if known else client.create_experiment(self._experiment, artifacts)
        # The key is hexadecimal: it cannot break out of the quotes.
        found = client.search_runs([experiment], filter_string=f"tags.`benign.grid` = '{grid.key}'", max_results=1)
        if found:
            client.update_run(found[0].info.run_id, status="RUNNING")
            return str(found[0].info.run_id)
        return str(client.create_run(experiment, run_name=run, tags={"benign.grid": grid.key}).info.run_id)


def _check_mlflows(file: Path) -> None:
    """Refuse a file of another kind, in which MLflow would make its tables.

    Raises:
        OutputFailed: naming it.
    """
    if not os.path.lexists(file):
        return
    tables: list[tuple[str]] = []
    if file.is_file():
        try:
            with contextlib.closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as there:
                tables = there.execute("SELECT name FROM sqlite_master").fetchall()
        except sqlite3.OperationalError:  # it is busy, or cannot be read: MLflow will tell
            return
        except sqlite3.DatabaseError:
            pass
    if ("experiments",) not in tables:
        raise OutputFailed(f"{file} is no database of MLflow and stays as it is; name another folder.")
