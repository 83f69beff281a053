"""Checkpoints between recordings: safetensors for the arrays, JSON for what they belong to, whole or absent.

Both carry the mark of what is ours (:data:`benign.foundation.output.MARK`): a file without it is neither removed nor
replaced, whatever its name. What is read is checked against what is trained before it is used.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from benign.foundation.errors import BenignError
from benign.foundation.output import MARK, check_ours, is_ours, regular_bytes, write_whole

FOLDER = "benign-checkpoints"
_VERSION = 2
_MONTH_SECONDS = 30 * 86_400.0
_NAME = re.compile(r".+(\.json|\.[0-9a-f]{16}\.safetensors)", re.DOTALL)
_MOST_FACTS_BYTES = 2**26


class CheckpointUnusable(BenignError, ValueError):
    """A checkpoint that is damaged or belongs to another training."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Snapshot:
    """A training between two recordings.

    Attributes:
        step: steps done.
        recorded: recordings done.
        state: leaves of the engine's state.
        recordings: what was recorded, each with a leading axis over recordings.
    """

    step: int
    recorded: int
    state: Sequence[np.ndarray]
    recordings: Mapping[str, np.ndarray]

    @property
    def rows(self) -> list[dict[str, np.ndarray]]:
        """What was recorded, one recording after another."""
        return [{name: values[i] for name, values in self.recordings.items()} for i in range(self.recorded)]


def snapshot_of(step: int, state: Sequence[np.ndarray], rows: Sequence[Mapping[str, np.ndarray]]) -> Snapshot:
    """A training after so many steps, with its recordings so far."""
    return Snapshot(step=step, recorded=len(rows), state=state, recordings=stacked_rows(rows))


def stacked_rows(rows: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Recordings with a leading axis over them; nothing of none."""
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]} if rows else {}


@dataclass(kw_only=True, eq=False)
class Checkpoint:
    """One file pair, ``PATH.json`` and the ``.safetensors`` file that it names.

    The arrays are written first, under a name of their own, and the JSON, which holds their SHA-256, last: a process
    that is killed in between leaves the checkpoint before.

    Attributes:
        path: without suffix.
        configuration: gives JSON values that decide the numbers, asked for when they are needed; a checkpoint of
            another configuration is refused.
        seconds: least time between two writes, and before the first.
        since: when the training began, on the monotonic clock.
    """

    path: Path
    configuration: Callable[[], Mapping[str, object]]
    seconds: float = 60.0
    since: float = field(default_factory=time.monotonic)
    _last: float | None = field(default=None, init=False)

    @property
    def is_due(self) -> bool:
        """Whether it is time to write."""
        return time.monotonic() - (self.since if self._last is None else self._last) >= self.seconds

    def write(self, snapshot: Snapshot) -> None:
        """Keep the snapshot in place of the one before.

        Raises:
            OutputFailed: if the folder cannot be written.
        """
        from safetensors.numpy import save

        check_ours(self._facts_file)
        arrays = {f"state.{i}": np.ascontiguousarray(leaf) for i, leaf in enumerate(snapshot.state)}
        arrays |= {f"recordings.{name}": np.ascontiguousarray(row) for name, row in snapshot.recordings.items()}
        content = save(arrays, metadata={"made": MARK})
        digest = hashlib.sha256(content).hexdigest()
        before = self._arrays_named()
        place = self._arrays_file(digest)
        check_ours(place)
        write_whole(place, lambda path: path.write_bytes(content))
        facts = {
            "made": MARK,
            "version": _VERSION,
            "configuration": self._decides,
            "step": snapshot.step,
            "recorded": snapshot.recorded,
            "sha256": digest,
        }
        write_whole(self._facts_file, lambda path: path.write_text(json.dumps(facts, indent=1), encoding="utf-8"))
        if before is not None and before != place:
            _remove(before)
        self._last = time.monotonic()

    def read(self) -> Snapshot | None:
        """The snapshot that was kept, or None where there is none.

        Raises:
            CheckpointUnusable: if it is damaged, was changed, or belongs to another training.
        """
        from safetensors.numpy import load

        if not os.path.lexists(self._facts_file):
            return None
        facts = self._facts()
        if facts["configuration"] != self._decides:
            raise CheckpointUnusable(
                f"the checkpoint {self._facts_file} belongs to another training; delete it or name another path."
            )
        place = self._arrays_file(facts["sha256"])
        try:
            if hashlib.sha256(content := regular_bytes(place)).hexdigest() != facts["sha256"]:
                raise self._damaged("its arrays are not those that were written")
            arrays = load(content)
            count = sum(name.startswith("state.") for name in arrays)
            state = [arrays.pop(f"state.{i}") for i in range(count)]
        except CheckpointUnusable:
            raise
        except Exception as error:  # whatever safetensors makes of bytes that somebody else wrote
            raise self._damaged(str(error)) from error
        recordings = {name.removeprefix("recordings."): array for name, array in arrays.items()}
        return Snapshot(step=facts["step"], recorded=facts["recorded"], state=state, recordings=recordings)

    def check(
        self, snapshot: Snapshot, state: Sequence[Any], row: Mapping[str, Any], steps: Int[np.ndarray, " time"]
    ) -> None:
        """Refuse a snapshot that is no moment of a training.

        Args:
            snapshot: as read.
            state: leaves of that training's state.
            row: what it records once.
            steps: when it records.

        Raises:
            CheckpointUnusable: if shapes, types or steps differ.
        """
        done, expected = snapshot.recorded, [(leaf.shape, np.dtype(leaf.dtype)) for leaf in state]
        recorded = {name: ((done, *value.shape), np.dtype(value.dtype)) for name, value in row.items()} if done else {}
        bounds = np.array([0, *steps, steps[-1]])
        if (
            done >= len(bounds) - 1
            or not bounds[done] <= snapshot.step <= bounds[done + 1]
            or [(leaf.shape, leaf.dtype) for leaf in snapshot.state] != expected
            or {name: (array.shape, array.dtype) for name, array in snapshot.recordings.items()} != recorded
        ):
            raise self._damaged("its arrays are not those of this training")

    def remove(self) -> None:
        """Forget it, and arrays that a killed process had written for a JSON that never came."""
        _remove(self._facts_file)
        for arrays in self.path.parent.glob(f"{glob.escape(self.path.name)}.{'[0-9a-f]' * 16}.safetensors"):
            _remove(arrays)

    @cached_property
    def _decides(self) -> object:
        return json.loads(json.dumps(dict(self.configuration())))

    @property
    def _facts_file(self) -> Path:
        return self.path.with_name(f"{self.path.name}.json")

    def _arrays_file(self, digest: str) -> Path:
        return self.path.with_name(f"{self.path.name}.{digest[:16]}.safetensors")

    def _arrays_named(self) -> Path | None:
        """The arrays that the checkpoint on disk names, if it can be read."""
        try:
            return self._arrays_file(str(self._facts()["sha256"]))
        except CheckpointUnusable:
            return None

    def _facts(self) -> dict[str, Any]:
        try:
            facts = json.loads(regular_bytes(self._facts_file, _MOST_FACTS_BYTES))
            is_current = facts["version"] == _VERSION
            known = isinstance(facts["configuration"], dict) and re.fullmatch(r"[0-9a-f]{64}", facts["sha256"])
            counts = [facts["step"], facts["recorded"]]
        except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
            raise self._damaged(f"{type(error).__name__} in its facts") from error
        if not is_current:
            raise CheckpointUnusable(f"the checkpoint {self._facts_file} was written by another version; delete it.")
        if not known or not all(type(count) is int and count >= 0 for count in counts):
            raise self._damaged("a fact of another type")
        return facts

    def _damaged(self, why: str) -> CheckpointUnusable:
        return CheckpointUnusable(f"the checkpoint {self._facts_file} is damaged ({why}); delete it to start anew.")


def _remove(file: Path) -> None:
    """Remove it if it is a checkpoint's by its name and by its mark; what cannot be removed costs space alone."""
    with contextlib.suppress(OSError):
        if _NAME.fullmatch(file.name) and is_ours(file):
            file.unlink(missing_ok=True)


def forget(place: Path) -> bool:
    """Remove the checkpoints whose names begin with the place's; whether none of that name is left."""
    files = f"{glob.escape(place.name)}-*"
    for file in place.parent.glob(files):
        _remove(file)
    return not any(place.parent.glob(files))


def forget_old(folder: Path) -> None:
    """Remove what trainings that nobody went on with have left, a month after they were last written."""
    with contextlib.suppress(OSError):
        for file in folder.iterdir():
            if time.time() - file.lstat().st_mtime > _MONTH_SECONDS:
                _remove(file)


@dataclass(kw_only=True, eq=False)
class Kept:
    """The checkpoints of one training, which stay until all of it is done: a later part may be interrupted.

    Attributes:
        place: path that their names begin with, or None to keep nothing.
    """

    place: str | Path | None
    _since: float = field(default_factory=time.monotonic, init=False)
    _checkpoints: list[Checkpoint] = field(default_factory=list, init=False)

    def checkpoint(self, part: str, configuration: Callable[[], Mapping[str, object]]) -> Checkpoint | None:
        """Where a part of the training is kept."""
        if self.place is None:
            return None
        path = Path(f"{self.place}-{part}")
        self._checkpoints.append(Checkpoint(path=path, configuration=configuration, since=self._since))
        return self._checkpoints[-1]

    def forget(self) -> None:
        """Remove them all."""
        for checkpoint in self._checkpoints:
            checkpoint.remove()
