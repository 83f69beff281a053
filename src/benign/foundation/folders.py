"""Folders of this user's where the product may keep what can be made anew."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_dir


def cache_folder() -> Path | None:
    """Our folder among this user's caches, or None where there is no home, or none that can be written."""
    try:
        folder = Path(user_cache_dir("benign"))
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):
        return None
    return folder if os.access(folder, os.W_OK | os.X_OK) else None
