"""Writes mlflow/: two runs in MLflow's database and one in its folders. Needs mlflow and sqlalchemy.

Of the database, which is of megabytes empty, the three tables that a reader looks at are kept as ``tables.sql``, as
SQLite dumps them. Made with MLflow 3.17.2 (``versions.txt`` beside the files). No test runs this.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from pathlib import Path
from shutil import copytree, rmtree

os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"

import mlflow
from mlflow.tracking import MlflowClient

HERE = Path(__file__).parent / "mlflow"
KEPT = ("experiments", "runs", "metrics")


def losses(seed: int) -> list[tuple[float, float]]:
    return [(2.0 / (1 + epoch) + 0.01 * seed, 2.2 / (1 + epoch) + 0.002 * epoch**1.5) for epoch in range(40)]


def record(client: MlflowClient, experiment: str, name: str, seed: int) -> str:
    run = client.create_run(experiment, run_name=name).info.run_id
    for epoch, (train, validation) in enumerate(losses(seed)):
        client.log_metric(run, "train/loss", train, step=epoch, timestamp=1_700_000_000_000 + 1000 * epoch)
        client.log_metric(run, "val/loss", validation, step=epoch, timestamp=1_700_000_000_000 + 1000 * epoch)
    client.set_terminated(run)
    return run


def dumped(database: Path) -> str:
    connection = sqlite3.connect(database)
    begins = [f"{words} {name}" for words in ("CREATE TABLE", "INSERT INTO") for name in KEPT]
    lines = [line for line in connection.iterdump() if line.replace('"', "").startswith(tuple(begins))]
    connection.close()
    return "\n".join(line for line in lines if line.replace('"', "").split()[2] in KEPT) + "\n"


def main() -> None:
    rmtree(HERE, ignore_errors=True)
    HERE.mkdir()
    with tempfile.TemporaryDirectory() as folder:
        client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
        experiment = client.create_experiment("curves", artifact_location="s3://artifacts")
        record(client, experiment, "wide", 0)
        diverged = record(client, experiment, "narrow", 1)
        client.log_metric(diverged, "val/loss", float("inf"), step=40)
        client.log_metric(diverged, "val/loss", float("nan"), step=41)
        deleted = record(client, experiment, "mistake", 2)
        client.delete_run(deleted)
        (HERE / "tables.sql").write_text(dumped(Path(folder) / "mlflow.db").replace(str(Path.cwd()), "."))
        store = MlflowClient(f"file://{folder}/mlruns")
        record(store, store.create_experiment("curves", artifact_location="s3://artifacts"), "wide", 0)
        copytree(Path(folder) / "mlruns", HERE / "mlruns")
    for meta in HERE.glob("mlruns/**/meta.yaml"):
        meta.write_text(meta.read_text().replace(folder, ""))
    (HERE / "versions.txt").write_text(f"mlflow {mlflow.__version__}\n")


if __name__ == "__main__":
    main()
