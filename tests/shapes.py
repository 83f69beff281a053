"""The run-time check of annotations in tests, shapes included: beartype within a context of jaxtyping.

jaxtyping's own decorator binds a call's arguments to their names each time, which took a third of all the tests' time;
here a call costs what beartype's check of it costs, and a function that is never called is never compiled. Its import
hook compiles anew whatever a checked module imports, JAX and Numba included; ours compiles the checked modules alone.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import importlib.util
import inspect
import sys
import types
import typing
from collections.abc import Callable, Collection, Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from typing import Any
from unittest.mock import patch

import jaxtyping
from beartype import BeartypeConf, beartype

# An integer is accepted where a float is expected.
check = beartype(conf=BeartypeConf(is_pep484_tower=True, violation_type=TypeError))
# Python 3.11 collects a Protocol's members anew at each check of one.
typing._get_protocol_attrs = functools.cache(typing._get_protocol_attrs)  # type: ignore[attr-defined]
_MARK = "__checked__"  # names the decorator in a checked module
_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")  # where statements hold statements


def check_modules(names: Collection[str]) -> None:
    """Have every function and every class's construction in these modules, once imported, checked at each call."""
    sys.meta_path.insert(0, _Finder(frozenset(names)))


class _Finder:
    def __init__(self, names: frozenset[str]) -> None:
        self._names = names

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: types.ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target) if name in self._names else None
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec


class _Loader(SourceFileLoader):
    """Compiles a module with :func:`checked` on each function and class and keeps that under a name apart."""

    def exec_module(self, module: types.ModuleType) -> None:
        vars(module)[_MARK] = checked
        super().exec_module(module)

    def get_code(self, fullname: str) -> types.CodeType | None:
        kept = functools.partial(importlib.util.cache_from_source, optimization="checked1")
        with patch("importlib._bootstrap_external.cache_from_source", kept):
            return super().get_code(fullname)

    def source_to_code(self, data: Any, path: Any, *, _optimize: int = -1) -> types.CodeType:  # type: ignore[override]
        module = ast.parse(data, path)
        _decorate(module)
        return compile(module, path, "exec", dont_inherit=True, optimize=_optimize)


def _decorate(block: ast.AST) -> None:
    """Functions last, next to their definition, so that what else decorates them still finds itself; classes first,
    when a dataclass is made. What is marked ``no_type_check`` is left alone, with all in it.
    """
    for inner in (inner for name in _BLOCKS for inner in _statements(block, name)):
        if isinstance(inner, ast.FunctionDef | ast.ClassDef):
            if any("no_type_check" in ast.unparse(decorator) for decorator in inner.decorator_list):
                continue
            place = len(inner.decorator_list) if isinstance(inner, ast.FunctionDef) else 0
            # From Python 3.13 on the source of a class begins at the line of its first decorator.
            line = inner.decorator_list[0] if inner.decorator_list and not place else inner
            inner.decorator_list.insert(place, ast.copy_location(ast.Name(_MARK, ast.Load()), line))
        _decorate(inner)


def _statements(block: ast.AST, name: str) -> list[ast.AST]:
    found = getattr(block, name, [])
    return found if isinstance(found, list) else []


def checked(decorated: Any) -> Any:
    """The function, its annotations checked at each call; a dataclass whose construction is."""
    if not inspect.isclass(decorated):
        return _checked_function(decorated)
    if dataclasses.is_dataclass(decorated) and "__init__" in vars(decorated):
        decorated.__init__ = _checked_function(vars(decorated)["__init__"])  # type: ignore[method-assign]
    return decorated


def _checked_function(function: types.FunctionType) -> Callable[..., Any]:
    compiled: Callable[..., Any] | None = None
    has_shapes = True

    @functools.wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        nonlocal compiled, has_shapes
        if jaxtyping.config.jaxtyping_disable:
            return function(*arguments, **options)
        if compiled is None:
            compiled, has_shapes = _compiled(function)
        if not has_shapes:  # then there is nothing that a context would hold together
            return compiled(*arguments, **options)
        with _context():
            return compiled(*arguments, **options)

    return call


@functools.cache
def _context() -> Any:
    """One for all: it holds nothing, and what is entered stands on a stack of jaxtyping's."""
    return jaxtyping.jaxtyped("context")


def _compiled(function: types.FunctionType) -> tuple[Callable[..., Any], bool]:
    """What checks and calls it, and whether that needs a context about it."""
    twin = _with_types(function)
    has_shapes = any(map(_has_shape, twin.__annotations__.values()))
    names_a_value = any("{" in str(annotation) for annotation in function.__annotations__.values())
    # A generator is checked at its first step, where a context of ours would be over; jaxtyping's own decorator alone
    # knows the arguments that a shape names.
    if has_shapes and (names_a_value or inspect.isgeneratorfunction(function)):
        return jaxtyping.jaxtyped(function, typechecker=check), False
    return check(twin), has_shapes


def _with_types(function: types.FunctionType) -> types.FunctionType:
    """The function with types for the strings of its annotations; Any where what one names cannot be imported here."""
    twin = types.FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    functools.update_wrapper(twin, function)
    del twin.__wrapped__  # type: ignore[attr-defined]
    twin.__kwdefaults__ = function.__kwdefaults__
    twin.__annotations__ = {name: _type_of(text, function) for name, text in function.__annotations__.items()}
    return twin


def _has_shape(annotation: object) -> bool:
    """Whether it is, or holds, an array type of jaxtyping."""
    if inspect.isclass(annotation) and issubclass(annotation, jaxtyping.AbstractArray):
        return True
    return any(map(_has_shape, typing.get_args(annotation)))


def _type_of(annotation: object, function: types.FunctionType) -> object:
    if not isinstance(annotation, str):
        return annotation
    module = function.__globals__
    try:
        return eval(annotation, module, _NamesForTypeCheckers(module["__file__"]))
    except Exception:
        return Any


class _NamesForTypeCheckers(dict[str, object]):
    """What a module imports under ``if TYPE_CHECKING``: each name imported when it is looked up."""

    def __init__(self, file: str) -> None:
        self._imports = _imports_for_type_checkers(file)

    def __missing__(self, name: str) -> object:
        exec(self._imports[name], names := {})  # type: ignore[var-annotated]
        return names[name]


@functools.cache
def _imports_for_type_checkers(file: str) -> dict[str, str]:
    """The statement that imports each name which only type checkers know."""
    module = ast.parse(Path(file).read_text("utf-8"))
    blocks = [one for one in module.body if isinstance(one, ast.If) and ast.unparse(one.test) == "TYPE_CHECKING"]
    statements = [one for block in blocks for one in block.body if isinstance(one, ast.Import | ast.ImportFrom)]
    return {alias.asname or alias.name: ast.unparse(one) for one in statements for alias in one.names}
