"""The public names of a package: listed once, loaded on first use."""

from __future__ import annotations

import ast
import importlib
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any


def load_on_first_use(
    package: dict[str, Any],
    *,
    moved: Mapping[str, str] | None = None,
    check: Callable[[str, str], None] | None = None,
) -> tuple[str, ...]:
    """The public names of a package, for its ``__all__``; from then on it answers for them.

    They are what the package imports under ``if TYPE_CHECKING``, each ``as`` itself: type checkers, editors and this
    function read one list. A name is imported when it is first asked for, and kept.

    Args:
        package: the ``globals()`` of the package's ``__init__``; ``__getattr__`` and ``__dir__`` are set in them.
        moved: where an old name lives now, by that name; it answers from there, with a ``DeprecationWarning``.
        check: called with a name and its home before its home is imported; raises where an extra is missing.
    """
    own = package["__name__"]
    homes, moved = dict(_listed(package["__loader__"].get_source(own))), moved or {}

    def load(name: str) -> object:
        if home := moved.get(name):
            warnings.warn(f"{own}.{name} is now {home}.{name}.", DeprecationWarning, stacklevel=2)
            return getattr(importlib.import_module(home), name)
        if name not in homes:
            raise AttributeError(f"module {own!r} has no attribute {name!r}")
        home = homes[name]
        if check is not None:
            check(name, home)
        value = importlib.import_module(f"{own}.{name}" if home == own else home)
        package[name] = value if home == own else getattr(value, name)
        return package[name]

    package["__getattr__"], package["__dir__"] = load, lambda: sorted(homes)
    return tuple(sorted(homes))


def _listed(source: str) -> Iterator[tuple[str, str]]:
    """The names imported under ``if TYPE_CHECKING``, each with the module that it comes from."""
    block = next(node for node in ast.parse(source).body if isinstance(node, ast.If))
    for node in block.body:
        if isinstance(node, ast.ImportFrom):
            yield from ((alias.name, str(node.module)) for alias in node.names)
