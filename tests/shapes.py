"""The run-time check of annotations in tests, shapes included: beartype within a context of jaxtyping.

jaxtyping's own decorator binds a call's arguments to their names each time, which took a third of all the tests' time;
here a call costs what beartype's check of it costs, and a function that is never called is never compiled.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import inspect
import types
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jaxtyping
from beartype import BeartypeConf, beartype

# An integer is accepted where a float is expected.
check = beartype(conf=BeartypeConf(is_pep484_tower=True, violation_type=TypeError))
_of_jaxtyping = jaxtyping.jaxtyped


def checked(decorated: Any = None, *, typechecker: object = None) -> Any:
    """In the place of ``jaxtyping.jaxtyped``, which its import hook puts on every function and class."""
    if decorated == "context":
        return _of_jaxtyping("context")
    if decorated is None:
        return checked
    if inspect.isclass(decorated):
        if dataclasses.is_dataclass(decorated) and "__init__" in vars(decorated):
            decorated.__init__ = _checked_function(vars(decorated)["__init__"])  # type: ignore[method-assign]
        return decorated
    if not isinstance(decorated, types.FunctionType) or any("{" in str(a) for a in decorated.__annotations__.values()):
        return _of_jaxtyping(decorated, typechecker=check)  # a property; a shape that names an argument's value
    if inspect.isgeneratorfunction(decorated):
        return _of_jaxtyping(decorated, typechecker=check)  # checked at its first step, where a context would be over
    return _checked_function(decorated)


def _checked_function(function: types.FunctionType) -> Callable[..., Any]:
    compiled: Callable[..., Any] | None = None
    has_shapes = True

    @functools.wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        nonlocal compiled, has_shapes
        if jaxtyping.config.jaxtyping_disable:
            return function(*arguments, **options)
        if compiled is None:
            twin = _with_types(function)
            compiled, has_shapes = check(twin), any(map(_has_shape, twin.__annotations__.values()))
        if not has_shapes:  # then there is nothing that a context would hold together
            return compiled(*arguments, **options)
        with _of_jaxtyping("context"):
            return compiled(*arguments, **options)

    return call


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
