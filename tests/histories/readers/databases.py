"""SQLite files from what the tools' own were dumped to."""

import sqlite3
from contextlib import closing
from pathlib import Path

LOGS = Path(__file__).parents[1] / "logs"
MLFLOW, TRACKIO = LOGS / "mlflow" / "tables.sql", LOGS / "trackio" / "metrics.sql"


def restored(dump: Path, path: Path, *more: str) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(f"BEGIN; {dump.read_text()} COMMIT;")  # at once: each alone would wait for the disk
        for statement in more:
            connection.execute(statement)
        connection.commit()
    return path
