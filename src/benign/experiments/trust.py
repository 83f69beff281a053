"""Which runs of a store were declared here: each carries a mark that only this installation's key can make.

A mark is the HMAC-SHA256 of the run's id and declaration. A declaration that was changed, or that came with somebody
else's store, has none of ours. Several users of one store keep theirs side by side.
"""

from __future__ import annotations

import contextlib
import functools
import hmac
import json
import os
import secrets
import time
import warnings
from dataclasses import replace
from pathlib import Path

from platformdirs import user_config_path

from benign.experiments.states import RunRecord

_KEY_BYTES = 32
_MOST_MARKS = 16
_OTHERS_MAY = 0o077
_WHOLE_WITHIN_SECONDS = 2.0


def is_ours(record: RunRecord) -> bool:
    """Whether the run was declared, or once trusted, by this installation, as it stands."""
    return record.mark is not None and _mark(record) in record.mark.split()


def marked(record: RunRecord, known: RunRecord | None) -> RunRecord:
    """The record with our mark beside those it is known by; without a declaration there is nothing to mark."""
    if record.declaration is None:
        return record
    ours = _mark(record)
    others = [mark for mark in ((known and known.mark) or "").split() if mark != ours]
    return replace(record, mark=" ".join([*others[1 - _MOST_MARKS :], ours]))


def _mark(record: RunRecord) -> str:
    said = json.dumps([record.id, record.declaration]).encode()
    try:
        folder = user_config_path("benign", appauthor=False)
    except RuntimeError:  # no home
        folder = None
    return hmac.digest(_key(folder), said, "sha256").hex()


@functools.cache
def _key(folder: Path | None) -> bytes:
    """The installation's key, made at first need; where it cannot be kept, one of this process, and a warning."""
    try:
        if folder is None:
            raise OSError("none is known")
        folder.mkdir(parents=True, exist_ok=True)
        return _read(folder / "key")
    except OSError as error:
        warnings.warn(
            "The key by which your own runs are known cannot be kept in "
            f"{folder or 'your home folder'} ({error.strerror or error}); make that folder "
            "writable or set XDG_CONFIG_HOME to one that is. Until then `benign resume` needs --trust.",
            stacklevel=2,
        )
        return secrets.token_bytes(_KEY_BYTES)


def _read(file: Path) -> bytes:
    with contextlib.suppress(FileExistsError):  # of two processes that make it, the other waits until it is whole
        file.touch(mode=0o600, exist_ok=False)
        file.write_bytes(secrets.token_bytes(_KEY_BYTES))
    deadline = time.monotonic() + _WHOLE_WITHIN_SECONDS
    while len(key := file.read_bytes() if file.is_file() else b"") < _KEY_BYTES and time.monotonic() < deadline:
        time.sleep(0.02)
    if len(key) != _KEY_BYTES:
        raise OSError(f"{file.name} holds no key: remove it")
    if os.name == "posix" and file.stat().st_mode & _OTHERS_MAY:
        raise OSError(f"others may read {file.name}: remove it")
    return key
