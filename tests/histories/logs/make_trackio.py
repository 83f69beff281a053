"""Writes trackio/: a project with two runs. Needs trackio.

Of the database, which is large when empty, the table of the metrics is kept as ``metrics.sql``, as SQLite dumps it.
Made with trackio 0.43.0 (``versions.txt`` beside the files). No test runs this.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from pathlib import Path

os.environ["TRACKIO_DIR"] = tempfile.mkdtemp()

import trackio

HERE = Path(__file__).parent / "trackio"


def main() -> None:
    for name, seed in (("wide", 0), ("narrow", 1)):
        trackio.init(project="curves", name=name, config={"seed": seed})
        for epoch in range(40):
            train, validation = 2.0 / (1 + epoch), 2.2 / (1 + epoch) + 0.002 * epoch**1.5
            last = float("nan") if seed and epoch == 39 else validation
            trackio.log({"train/loss": train, "val/loss": last, "epoch": epoch})
        trackio.finish()
    HERE.mkdir(exist_ok=True)
    connection = sqlite3.connect(Path(os.environ["TRACKIO_DIR"]) / "curves.db")
    begins = ("CREATE TABLE metrics ", 'INSERT INTO "metrics"')
    lines = [line for line in connection.iterdump() if line.startswith(begins)]
    (HERE / "metrics.sql").write_text("\n".join(lines) + "\n")
    (HERE / "versions.txt").write_text(f"trackio {trackio.__version__}\n")


if __name__ == "__main__":
    main()
