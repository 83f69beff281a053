"""Write files whole or not at all: a reader never sees half a file, and a failed write leaves the old one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from benign.foundation.errors import OutputFailed


def write_whole(path: str | os.PathLike[str], write: Callable[[Path], object]) -> Path:
    """Let ``write`` fill a temporary file beside ``path``, then put it in place.

    Raises:
        OutputFailed: if the folder or the file cannot be written.
    """
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".benign-") as folder:
            temporary = Path(folder) / target.name
            write(temporary)
            temporary.replace(target)
    except OSError as error:
        raise OutputFailed(f"{target} cannot be written: {error.strerror or error}; choose another folder.") from error
    return target
