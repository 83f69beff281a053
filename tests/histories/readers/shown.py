"""Logs as tests compare them, and texts as files."""

from pathlib import Path

from benign.histories.log import Log
from benign.histories.readers.opening import read_logs


def points(log: Log) -> dict[str, list[tuple[float, float]]]:
    return {c.name: list(zip(c.positions.tolist(), c.values.tolist(), strict=True)) for c in log.columns}


def values(log: Log) -> dict[str, list[float]]:
    return {column.name: column.values.tolist() for column in log.columns}


def log_of_text(folder: Path, text: str | bytes, name: str = "log") -> Log:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    (log,) = read_logs(path)
    return log
