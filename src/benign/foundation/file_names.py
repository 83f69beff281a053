"""File names made of names that somebody else may have chosen: a run's id out of a store, a figure, a curve."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from benign.foundation.errors import OutputFailed

_HARMLESS = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}(?<!\.)")
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)")  # which Windows opens, whatever follows the dot
_LONGEST_START = 40


def file_name(name: str) -> str:
    """The name where it is harmless as one on every system, else its letters and a few digits of its content.

    What is made up begins with an underscore, as no harmless name does: different names stay different files.

    >>> file_name("digits-f9f96431"), file_name("../../etc/passwd")
    ('digits-f9f96431', '_etc-passwd-3754d6cb3a38e118')
    """
    if _HARMLESS.fullmatch(name) and not _DEVICES.match(name):
        return name
    digits = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:16]
    start = re.sub(r"[^A-Za-z0-9]+", "-", name[:_LONGEST_START]).strip("-")
    return f"_{start}-{digits}" if start else f"_{digits}"


def unlinked(path: Path) -> Path:
    """The path of a file or folder that nobody named, if no link leads elsewhere: what is written stays where one is.

    Raises:
        OutputFailed: if it, a folder above it as far as it is relative, or a file in it is a link.
    """
    try:
        inside = list(path.iterdir()) if path.is_dir() else []
        linked = [place for place in (path, *path.parents, *inside) if place.is_symlink()]
    except OSError as error:
        raise OutputFailed(f"{path} cannot be read: {error.strerror or error}; name another with --out.") from error
    if linked:
        raise OutputFailed(f"{linked[0]} is a link to another place; name the place that you want with --out.")
    return path
