"""The folder of a reproduction: whether it is ours to write, and whether what lies there is current."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from benign.figures.registry import checked_scale, find_figure
from benign.foundation.errors import OutputFailed
from benign.foundation.numbers import checked_count
from benign.foundation.output import check_ours, regular_bytes, write_whole
from benign.foundation.randomness import checked_seed

# Where an interrupted measurement's last, incomplete surface is kept.
PARTIAL = "partial"
TOLD, PAGE = "findings.json", "report.html"
MOST_TOLD_BYTES = 2**26


def surface_files(surfaces: Iterable[str]) -> list[str]:
    """Names of the files of surfaces."""
    return [f"{name}.{kind}" for name in surfaces for kind in ("nc", "parquet")]


def is_ours(folder: Path) -> bool:
    """Whether the folder holds findings of ours, or those that :func:`take` announced."""
    try:
        told = json.loads(regular_bytes(folder / TOLD, MOST_TOLD_BYTES))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(told, dict) and "figure" in told


def take(folder: Path, figure: str, names: Iterable[str]) -> None:
    """Mark the folder as a figure's before its first file is written: one that is killed goes on there.

    Raises:
        OutputFailed: if a file of one of these names is there.
    """
    for name in (TOLD, PAGE, *names):
        check_ours(folder / name)
    text = json.dumps({"figure": figure, "unfinished": True})
    write_whole(folder / TOLD, lambda path: path.write_text(text, encoding="utf-8"))


def is_current(folder: Path, findings: str, names: Iterable[str]) -> bool:
    """Whether an earlier save told these findings, and all its files are there.

    Findings say of which revision and version they are. They are written after all but the page.
    """
    try:
        told = (folder / TOLD).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    return told == findings and all((folder / name).is_file() for name in (*names, PAGE))


def checked_folder(folder: Path, *, names: Sequence[str], scale: str, seed: int, workers: int | None) -> Path:
    """The folder, created and shown to be ours to write before anything long is started; all settings checked first.

    Raises:
        UnknownName: for an unknown figure or scale.
        InvalidArgument: for a seed or number of workers that cannot be used.
        OutputFailed: if the folder cannot be written, or holds somebody else's files of these names.
    """
    for name in names:
        find_figure(name)
    checked_scale(scale)
    checked_seed(seed)
    if workers is not None:
        checked_count("workers", workers)
    figures = [folder] if len(names) == 1 else [folder / name for name in names]
    for place in {folder, *figures}:
        _check_writable(place)
    for place in (place for place in figures if not is_ours(place)):
        check_ours(place / TOLD)
        check_ours(place / PAGE)
    if not any(map(is_ours, figures)):
        check_ours(folder / PAGE)
    return folder


def _check_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputFailed(f"{folder} cannot be written: {reason}; choose another with --out.") from error
