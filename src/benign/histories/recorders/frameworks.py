"""Callbacks of frameworks that are no dependency: the class that the framework asks for is made when one is built."""

from __future__ import annotations

import contextlib
import importlib
import sys
from types import ModuleType
from typing import Any

from benign.foundation.errors import MissingExtra


def framework(*modules: str, recorder: str) -> ModuleType:
    """The first of the modules that is already imported, or else that can be.

    Raises:
        MissingExtra: if none is installed.
    """
    for module in sorted(modules, key=lambda name: name not in sys.modules):
        with contextlib.suppress(ImportError):
            return importlib.import_module(module)
    package = modules[0].split(".")[0]
    raise MissingExtra(
        f"{recorder} is a callback of {package}, which is not installed here; install it with: pip install {package}"
    )


def made_a(base: Any, recorder: Any) -> Any:
    """The recorder as the kind of callback that the framework asks for."""
    return type(recorder.__name__, (recorder, base), {"__doc__": recorder.__doc__})
