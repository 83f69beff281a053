"""The folder that CatBoost leaves, ``catboost_info``: a table of each set, and which way each metric is better."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benign.foundation.errors import InvalidArgument
from benign.foundation.wording import reason, shown_path
from benign.histories.column_names import role_of
from benign.histories.log import Column, Log
from benign.histories.readers.delimited import layout_of, table_of
from benign.histories.readers.mapping import parsed
from benign.histories.readers.protocol import HEAD, File, Folder, Opened, Value, decoded
from benign.histories.readers.table import log_of
from benign.histories.role import Role, Samples

_TABLE = re.compile(r"(learn|test(?:_\d+)?)_error\.tsv")
_MAIN = "catboost_training.json"


@dataclass(frozen=True, kw_only=True)
class CatBoost:
    """``learn_error.tsv`` and ``test_error.tsv``, whose ``test`` chooses the iteration: it is of validation."""

    name: str = "CatBoost catboost_info"

    def matches(self, opened: Opened) -> float:
        if isinstance(opened, Folder):
            return 0.9 if any(_is_table(opened.path / name) for name in opened.files if _TABLE.fullmatch(name)) else 0.0
        if not (isinstance(opened, Value) and opened.path and isinstance(opened.value, Mapping)):
            return 0.0
        return 0.9 if {"meta", "iterations"} <= set(opened.value) and _directions(opened.value) else 0.0

    def read(self, opened: Opened) -> Iterator[Log]:
        folder = opened.path if isinstance(opened, Folder) else Path(str(opened.path)).parent
        tables = sorted(path for path in folder.iterdir() if _TABLE.fullmatch(path.name) and _is_table(path))
        if not tables:
            raise InvalidArgument(
                f"{shown_path(folder)} has no table beside {_MAIN}; give the folder that CatBoost wrote.", "history"
            )
        higher, notes = _known_directions(folder / _MAIN)
        columns: list[Column] = []
        for path in tables:
            log = _log(path)
            set_ = path.name.removesuffix("_error.tsv")
            columns += [
                Column(name=f"{set_}/{one.name}", positions=one.positions + 1, values=one.values) for one in log.columns
            ]
            notes += [note for note in log.notes if note not in notes]
        roles = {one.name: role for one in columns if (role := _role(one.name, higher))}
        yield Log(
            format=self.name, path=str(folder), axis="round", columns=tuple(columns), roles=roles, notes=tuple(notes)
        )


def _is_table(path: Path) -> bool:
    """Whether the file holds a table over ``iter``, as CatBoost writes it."""
    try:
        with path.open("rb") as file:
            layout = layout_of(decoded(file.read(HEAD), cut=True))
    except OSError:
        return False
    return layout is not None and layout.delimiter == "\t" and layout.names[0] == "iter"


def _log(path: Path) -> Log:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InvalidArgument(f"{shown_path(path)} cannot be read: {reason(error)}.", "history") from error
    file = File(path=path, head=content[:HEAD], size=len(content), held=content)
    return log_of(table_of(file), format="", path=str(path))


def _known_directions(path: Path) -> tuple[dict[str, bool], list[str]]:
    """Whether higher is better, by the names of metrics; empty where the file does not say it (yet)."""
    try:
        said: Any = parsed(decoded(path.read_bytes()))
    except (OSError, ValueError):
        return {}, [f"{_MAIN} cannot be read: which way a metric is better was taken from its name."]
    return _directions(said), []


def _directions(said: Any) -> dict[str, bool]:
    meta = said.get("meta") if isinstance(said, Mapping) else None
    metrics = [
        metric
        for kind in ("learn_metrics", "test_metrics")
        for metric in (meta.get(kind) or () if isinstance(meta, Mapping) else ())
        if isinstance(metric, Mapping)
    ]
    return {
        str(metric.get("name")): metric["best_value"] == "Max"
        for metric in metrics
        if metric.get("best_value") in {"Min", "Max"}
    }


def _role(name: str, higher: Mapping[str, bool]) -> Role | None:
    """By the metric's name where this is known; one that CatBoost alone knows is a score, whose direction it says."""
    set_, _, metric = name.partition("/")
    samples: Samples = "train" if set_ == "learn" else "validation"
    known = role_of(f"val_{metric}")
    if known is None:
        return Role(samples=samples, quantity="score", higher_is_better=higher[metric]) if metric in higher else None
    is_higher_better = higher.get(metric, known.higher_is_better)
    return Role(samples=samples, quantity=known.quantity, higher_is_better=is_higher_better)
