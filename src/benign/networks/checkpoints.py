"""Checkpoints between recordings: safetensors for the arrays, JSON for what they belong to, whole or absent."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from benign.foundation.errors import BenignError
from benign.foundation.output import write_whole

_VERSION = 1


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

        arrays = {f"state.{i}": np.ascontiguousarray(leaf) for i, leaf in enumerate(snapshot.state)}
        arrays |= {f"recordings.{name}": np.ascontiguousarray(row) for name, row in snapshot.recordings.items()}
        content = save(arrays)
        digest = hashlib.sha256(content).hexdigest()
        before = self._arrays_named()
        place = self._arrays_file(digest)
        write_whole(place, lambda path: path.write_bytes(content))
        facts = {
            "version": _VERSION,
            "configuration": self._decides,
            "step": snapshot.step,
            "recorded": snapshot.recorded,
            "sha256": digest,
        }
        write_whole(self._facts_file, lambda path: path.write_text(json.dumps(facts, indent=1), encoding="utf-8"))
        if before is not None and before != place:
            before.unlink(missing_ok=True)
        self._last = time.monotonic()

    def read(self) -> Snapshot | None:
        """The snapshot that was kept, or None where there is none.

        Raises:
            CheckpointUnusable: if it is damaged, was changed, or belongs to another training.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load

        if not self._facts_file.exists():
            return None
        facts = self._facts()
        if facts["configuration"] != self._decides:
            raise CheckpointUnusable(
                f"the checkpoint {self._facts_file} belongs to another training; delete it or name another path."
            )
        digest = facts["sha256"]
        try:
            content = self._arrays_file(digest).read_bytes()
            if hashlib.sha256(content).hexdigest() != digest:
                raise self._damaged("its arrays are not those that were written")
            arrays = load(content)
        except (OSError, SafetensorError) as error:
            raise self._damaged(str(error)) from error
        count = sum(name.startswith("state.") for name in arrays)
        return Snapshot(
            step=facts["step"],
            recorded=facts["recorded"],
            state=[arrays[f"state.{i}"] for i in range(count)],
            recordings={
                name.removeprefix("recordings."): array
                for name, array in arrays.items()
                if name.startswith("recordings.")
            },
        )

    def remove(self) -> None:
        """Forget it, and arrays that a killed process had written for a JSON that never came."""
        with contextlib.suppress(OSError):  # what cannot be removed costs space, not a finished training
            self._facts_file.unlink(missing_ok=True)
            for arrays in self.path.parent.glob(f"{glob.escape(self.path.name)}.{'[0-9a-f]' * 16}.safetensors"):
                arrays.unlink(missing_ok=True)

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
        except (CheckpointUnusable, OSError):
            return None

    def _facts(self) -> dict[str, Any]:
        try:
            facts = json.loads(self._facts_file.read_text(encoding="utf-8"))
            if facts["version"] != _VERSION:
                raise CheckpointUnusable(
                    f"the checkpoint {self._facts_file} was written by another version; delete it."
                )
            kinds = {"configuration": dict, "step": int, "recorded": int, "sha256": str}
            if not all(isinstance(facts[name], kind) for name, kind in kinds.items()):
                raise self._damaged("a fact of another type")
        except FileNotFoundError:
            raise
        except (ValueError, KeyError, TypeError) as error:
            if isinstance(error, CheckpointUnusable):
                raise
            raise self._damaged(f"{type(error).__name__} in its facts") from error
        return facts

    def _damaged(self, why: str) -> CheckpointUnusable:
        return CheckpointUnusable(f"the checkpoint {self._facts_file} is damaged ({why}); delete it to start anew.")


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
