"""Compiled functions are kept on disk for the next process where there is a place for that."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any


def kept(compiled: Any) -> Any:
    """The function that Numba has compiled, or will, with a cache that saves seconds and can cost no run.

    Numba's own ``cache=True`` fails at import where no folder can be written, and at the call where a file is damaged
    or the disk full.
    """
    with suppress(RuntimeError):  # neither the package's folder nor a home can be written
        if Path.home().is_absolute():  # without a home Numba makes a folder named "~"
            compiled.enable_caching()
            compiled._cache = _Forgiving(compiled._cache)
    return compiled


class _Forgiving:
    """Numba's cache of one function, without its errors."""

    def __init__(self, cache: Any) -> None:
        self._cache = cache

    def load_overload(self, signature: Any, target: Any) -> Any:
        try:
            return self._cache.load_overload(signature, target)
        except Exception:  # whatever unpickling a damaged file raises
            with suppress(OSError):
                self._cache.flush()  # or it could not be saved anew either
            return None

    def save_overload(self, signature: Any, compilation: Any) -> None:
        with suppress(Exception):
            self._cache.save_overload(signature, compilation)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cache, name)
