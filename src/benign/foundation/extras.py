"""Optional dependencies: one place that says which ``pip install`` brings a missing part."""

from __future__ import annotations

import importlib
from types import ModuleType

from benign.foundation.errors import MissingExtra


def require(module: str, *, extra: str, purpose: str) -> ModuleType:
    """Import an optional ``module``.

    Raises:
        MissingExtra: if it is not installed; the message holds the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtra(
            f'{purpose} needs the package {module.split(".")[0]!r}; install it with: pip install "benign[{extra}]"'
        ) from error
