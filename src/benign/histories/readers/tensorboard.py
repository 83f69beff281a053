"""TensorBoard's event files, also those of PyTorch, tensorboardX and Keras: scalars, read without TensorFlow."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from benign.foundation.errors import InvalidArgument
from benign.foundation.extras import require
from benign.foundation.wording import reason, shown, shown_path
from benign.histories.log import Column, Log
from benign.histories.readers.protocol import File, Folder, Opened
from benign.histories.readers.scalar_events import plain_scalars
from benign.histories.readers.table import without_gaps
from benign.histories.readers.tfrecord import records_of

_SAMPLES = frozenset({"train", "training", "val", "valid", "validation", "eval", "test", "dev"})
_OF_ITERATIONS = "_vs_iterations"
_MOST_RUNS = 10_000
_PURPOSE = "Reading TensorBoard's event files"


@dataclass(frozen=True, kw_only=True)
class TensorBoard:
    """A file, or a folder with such files; sub-runs that ``add_scalars`` or Keras made belong to the run above."""

    name: str = "TensorBoard event files"

    def matches(self, opened: Opened) -> float:
        if isinstance(opened, File):
            return 0.9 if _begins_events(opened.head) else 0.0
        if not isinstance(opened, Folder):
            return 0.0
        if _event_files(opened.path, opened.files):
            return 0.9
        return 0.9 if any(_holds_events(opened.path / name) for name in _SAMPLES & set(opened.folders)) else 0.0

    def read(self, opened: Opened) -> Iterator[Log]:
        if isinstance(opened, File):
            run = _Run()
            _add(run, _scalars(opened.content(), shown_path(opened.path), run.notes), "")
            yield from _logs({"": run}, opened.path)
        else:
            assert isinstance(opened, Folder)
            yield from _logs(_runs(opened.path), opened.path)


Curve = tuple[Float[np.ndarray, " points"], Float[np.ndarray, " points"]]


@dataclass
class _Scalars:
    """Curves of one folder: of each tag steps and values."""

    curves: dict[str, Curve] = field(default_factory=dict)


@dataclass
class _Run:
    curves: dict[str, Curve] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def _begins_events(head: bytes) -> bool:
    """Whether a file begins with the event that says their version."""
    return b"brain.Event:" in head[12:64]


def _event_files(folder: Path, names: Any) -> list[Path]:
    return [path for name in names if "tfevents" in name and _is_of_events(path := folder / name)]


def _is_of_events(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return path.is_file() and _begins_events(file.read(64))
    except OSError:
        return False


def _holds_events(folder: Path) -> bool:
    try:
        return bool(_event_files(folder, [path.name for path in folder.iterdir()]))
    except OSError:
        return False


def _runs(root: Path) -> dict[str, _Run]:
    """The runs in a folder, by where they lie in it; links are not followed."""
    folders: dict[str, tuple[_Scalars, list[str]]] = {}
    for place, inside, names in os.walk(root):
        inside[:] = sorted(name for name in inside if not name.startswith("."))
        files = _event_files(Path(place), sorted(names))
        if files and len(folders) < _MOST_RUNS:
            relative = Path(place).relative_to(root).as_posix()
            notes: list[str] = []
            folders["" if relative == "." else relative] = (_of_files(files, notes), notes)
    runs: dict[str, _Run] = {}
    for place, (scalars, notes) in folders.items():
        owner, rename = _owner(place, scalars, folders)
        run = runs.setdefault(owner, _Run())
        run.notes += notes
        _add(run, scalars, rename)
    return runs


def _owner(place: str, scalars: _Scalars, folders: Mapping[str, object]) -> tuple[str, str]:
    """The run that a folder's curves belong to, and what they are called there: a name, or a prefix that ends in /."""
    parts = place.split("/")
    tag = next(iter(scalars.curves)) if len(scalars.curves) == 1 else ""
    start = f"{tag.replace('/', '_')}_"
    for count in range(len(parts) - 1 if tag else -1, -1, -1):  # the nearest run above
        owner, flat = "/".join(parts[:count]), "_".join(parts[count:])
        if owner in folders and flat.startswith(start):
            return owner, f"{tag}/{flat.removeprefix(start)}"
    above, _, last = place.rpartition("/")
    siblings = {f"{above}/{name}".lstrip("/") for name in _SAMPLES - {last}}
    if last in _SAMPLES and (above in folders or siblings & folders.keys()):
        return above, f"{last}/"
    return place, ""


def _add(run: _Run, scalars: _Scalars, rename: str) -> None:
    for tag, curve in scalars.curves.items():
        run.curves[f"{rename}{tag}" if not rename or rename.endswith("/") else rename] = curve


def _of_files(files: list[Path], notes: list[str]) -> _Scalars:
    """The curves of the files of one folder, one after another as they were begun."""
    read: list[tuple[float, _Scalars]] = []
    for path in files:
        try:
            scalars, begun = _begun(path.read_bytes(), shown_path(path.name), notes)
        except OSError as error:
            notes.append(f"{shown_path(path.name)} cannot be read, and was left out: {reason(error)}.")
            continue
        read.append((begun, scalars))
    parts: dict[str, list[Curve]] = {}
    for _, scalars in sorted(read, key=lambda pair: pair[0]):
        for tag, curve in scalars.curves.items():
            parts.setdefault(tag, []).append(curve)
    if len([1 for _, scalars in read if scalars.curves]) > 1:
        notes.append(f"{len(read):,} event files of one run were read one after another, as after a resume.")
    joined = {
        tag: (np.concatenate([steps for steps, _ in curves]), np.concatenate([values for _, values in curves]))
        for tag, curves in parts.items()
    }
    return _Scalars(curves=joined)


def _scalars(content: bytes, where: str, notes: list[str]) -> _Scalars:
    return _begun(content, where, notes)[0]


def _begun(content: bytes, where: str, notes: list[str]) -> tuple[_Scalars, float]:
    """The curves of one file, and the time at which it was begun."""
    event_pb2: Any = require("tensorboard.compat.proto.event_pb2", extra="tensorboard", purpose=_PURPOSE)
    records = records_of(content)
    plain, is_plain = plain_scalars(records.content, records.starts, records.ends)
    others: dict[str, list[tuple[int, float, float]]] = {}
    begun, wrong = 0.0, records.num_damaged
    left = np.flatnonzero(~is_plain).tolist()
    for row, data in zip(left, records.data(left), strict=True):
        try:
            event = event_pb2.Event.FromString(data)
            begun = begun or event.wall_time
            for tag, number in _numbers(event):
                others.setdefault(tag, []).append((row, event.step, number))
        except Exception:  # protobuf's own error, and what a damaged tensor raises
            wrong += 1
    if wrong:
        notes.append(f"{where} is damaged: {wrong:,} of its records were left out.")
    if records.is_cut:
        notes.append(f"The last record of {where} is cut short, as while a training still writes; it was left out.")
    if records.num_lost:
        notes.append(f"{where} is damaged: {records.num_lost:,} of its {len(content):,} bytes were left out.")
    tags = dict.fromkeys([*plain, *others])
    return _Scalars(curves={tag: _curve(plain.get(tag), others.get(tag)) for tag in tags}), begun


def _curve(plain: tuple[Any, Any, Any] | None, others: list[tuple[int, float, float]] | None) -> Curve:
    """The values of one tag in the order of their records, however they were read."""
    table = np.array(others or [], dtype=float).reshape(-1, 3)
    if plain is not None:
        table = np.concatenate([np.column_stack(plain), table])
        table = table[np.argsort(table[:, 0], kind="stable")] if others else table
    return table[:, 1], table[:, 2]


def _numbers(event: Any) -> Iterator[tuple[str, float]]:
    """The scalars of one event."""
    for value in event.summary.value:
        kind = value.WhichOneof("value")
        if kind == "simple_value":
            yield value.tag, value.simple_value
        elif kind == "tensor" and (number := _number(value.tensor)) is not None:
            yield value.tag, number


def _number(tensor: Any) -> float | None:
    """The only number of a tensor; None where it is text, or has several."""
    make_ndarray = require("tensorboard.util.tensor_util", extra="tensorboard", purpose=_PURPOSE).make_ndarray
    if tensor.dtype == 7 or any(size.size != 1 for size in tensor.tensor_shape.dim):  # 7: text
        return None
    return float(np.asarray(make_ndarray(tensor)).reshape(()))


def _logs(runs: Mapping[str, _Run], path: Path) -> Iterator[Log]:
    """A log for each run that recorded a curve."""
    curves = {name: run for name, run in runs.items() if any(len(steps) > 1 for steps, _ in run.curves.values())}
    kept = curves or {name: run for name, run in runs.items() if run.curves}
    if not kept:
        said = "; ".join(note.rstrip(".") for run in runs.values() for note in run.notes[:1])
        why = f" ({said})" if said else "; a writer's first values come when it is flushed"
        raise InvalidArgument(f"{shown_path(path)} holds event files, and no scalars in them{why}.", "history")
    left = [name for name in runs if name not in kept]
    for name, run in kept.items():
        notes = list(run.notes)
        if left:
            notes.append(f"Runs without a curve were left out: {len(left):,}, such as {shown(left[0])}.")
        named = _without_iterations(run.curves, notes)
        by_epoch = all(tag.rpartition("/")[2].startswith("epoch_") for tag in named)
        columns = tuple(
            without_gaps(Column(name=tag, positions=steps, values=values)) for tag, (steps, values) in named.items()
        )
        yield Log(
            name=name if len(kept) > 1 else "",
            format="Keras TensorBoard" if by_epoch else "TensorBoard",
            path=str(path),
            axis="epoch" if by_epoch else "step",
            columns=columns,
            notes=tuple(notes),
        )


def _without_iterations(curves: Mapping[str, Any], notes: list[str]) -> dict[str, Any]:
    """The curves without those that Keras repeats over batches."""
    repeated = [tag for tag in curves if tag.endswith(_OF_ITERATIONS)]
    if not repeated or len(repeated) == len(curves):
        return dict(curves)
    notes.append(f"Curves that Keras repeats over batches were left out: {len(repeated):,}.")
    return {tag: curve for tag, curve in curves.items() if tag not in repeated}
