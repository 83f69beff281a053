"""Foreign objects as JSON values, for the key of a block: what decides their numbers, and nothing of this process."""

from __future__ import annotations

import functools
import hashlib
import inspect
import math
import site
import sys
import sysconfig
import textwrap
import tokenize
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
from jaxtyping import Shaped

# What says how to compute, or to talk about it; and the seed, which every training gets anew.
_DECIDE_NOTHING = frozenset({"n_jobs", "verbose", "random_state"})
_PLAIN = (type(None), bool, int, float, str, bytes)


def source_digest(code: object) -> str | None:
    """SHA-256 of the source text of a function or class, whatever its indentation; None where it cannot be had."""
    try:
        lines, start = inspect.getsourcelines(code)  # type: ignore[arg-type]
    except (OSError, TypeError, SyntaxError, tokenize.TokenError):  # the file is gone, or another one by now
        return None
    text = textwrap.dedent("".join(lines))
    if isinstance(code, FunctionType) and code.__name__ == "<lambda>":
        text += _place(code, start)
    return hashlib.sha256(text.encode()).hexdigest()


def code_of(function: object, revision: int | None) -> str:
    """What in a key stands for a function's code: a revision alone, its text with that of what it names, or else what
    is never met again.
    """
    if revision is not None:
        return "as by its revision"
    digests = [source_digest(function), *named_code(function)]
    if None in digests:
        return f"unknown {uuid.uuid4().hex}"
    whole = digests[0] if len(digests) == 1 else hashlib.sha256("\n".join(map(str, digests)).encode()).hexdigest()
    return f"source {whole}"


def named_code(code: object) -> list[str | None]:
    """What a function or class names of its user's: the digests of functions and classes, and what these name in turn,
    and plain constants; sorted. Code of installed packages is not the user's.
    """
    seen, waiting, told = {id(code)}, [code], set[str | None]()
    while waiting:
        for name, value in _names_of(waiting.pop()):
            if isinstance(value, _PLAIN):
                told.add(f"{name} = {value!r}")
            elif isinstance(value, (FunctionType, type)) and id(value) not in seen and _is_users(value):
                seen.add(id(value))
                waiting.append(value)
                told.add(source_digest(value))
    return sorted(told, key=str)


def _names_of(code: object) -> Iterator[tuple[str, object]]:
    """The values of a function's globals, closure and defaults, by name; of a class its bases and its methods'."""
    if isinstance(code, type):
        yield from ((base.__name__, base) for base in code.__bases__)
        for member in vars(code).values():
            inner = getattr(member, "__func__", None) or getattr(member, "fget", None) or member
            if isinstance(inner, FunctionType):
                yield from _names_of(inner)
    elif isinstance(code, FunctionType):
        names = set(_all_names(code.__code__))
        for name in sorted(names & code.__globals__.keys()):
            value = code.__globals__[name]
            yield name, value
            if isinstance(value, ModuleType):  # module.function
                yield from ((inner, getattr(value, inner)) for inner in sorted(names & vars(value).keys()))
        for name, cell in zip(code.__code__.co_freevars, code.__closure__ or (), strict=True):
            with suppress(ValueError):  # it is empty: the function is being defined
                yield name, cell.cell_contents
        yield from (code.__kwdefaults__ or {}).items()
        yield from ((f"default {place}", value) for place, value in enumerate(code.__defaults__ or ()))


def _all_names(code: CodeType) -> Iterator[str]:
    """What it names, inner functions included."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _all_names(constant)


def _is_users(code: Any) -> bool:
    """Whether it belongs to no installed package, none of ours included."""
    module = sys.modules.get(code.__module__)
    file = getattr(module, "__file__", None)
    if code.__module__ == "builtins" or code.__module__.partition(".")[0] == "benign":
        return False
    return file is None or not any(Path(file).is_relative_to(folder) for folder in _installed())


@functools.cache
def _installed() -> tuple[str, ...]:
    standard = (sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib"))
    return (*standard, *site.getsitepackages(), site.getusersitepackages())


def _place(function: FunctionType, start: int) -> str:
    """Where the body of a lambda begins in its text, which is a whole statement and may hold several of them."""
    spans = [(line, column) for line, _, column, end in function.__code__.co_positions() if line and column and end]
    line, column = min(spans, default=(start, 0))
    return f"\n{line - start} {column}"


def describe_estimator(estimator: Any, *, token: str) -> dict[str, object]:
    """Class and parameters, nested ones included; the source text too where the class is not scikit-learn's.

    Args:
        estimator: anything with ``get_params``.
        token: stands for what cannot be described; where it is never met again, nothing is reused.
    """
    described: dict[str, object] = {"class": _name(type(estimator))}
    if not type(estimator).__module__.startswith("sklearn."):
        described["source"] = source_digest(type(estimator))
    described["parameters"] = {
        name: describe_value(value, token=token)
        for name, value in sorted(estimator.get_params(deep=False).items())
        if name not in _DECIDE_NOTHING
    }
    return described


def describe_value(value: Any, *, token: str) -> object:
    """A parameter's value; ``token`` stands for what cannot be described."""
    for kinds, described in _DESCRIBED:
        if isinstance(value, kinds):
            return described(value, token)
    if hasattr(value, "get_params"):
        return describe_estimator(value, token=token)
    return _describe_state(value, token)


def _describe_all(values: Iterable[Any], token: str) -> list[object]:
    return [describe_value(value, token=token) for value in values]


def _describe_float(value: float | np.floating[Any], token: str) -> object:
    del token
    return float(value) if math.isfinite(value) else repr(float(value))


def _describe_array(value: Shaped[np.ndarray, "..."], token: str) -> dict[str, object]:
    if value.dtype.kind not in "biufcSU":
        return _describe_state(value, token)
    digest = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
    return {"array": digest, "shape": list(value.shape), "dtype": str(value.dtype)}


def _describe_function(value: Any, token: str) -> dict[str, object]:
    """Compiled functions of installed modules by their name alone, others by their source text too."""
    if not isinstance(value, FunctionType):
        return {"function": f"{getattr(value, '__module__', None)}.{value.__name__}"}
    return {"function": _name(value), "source": source_digest(value) or token}


def _describe_state(value: Any, token: str) -> dict[str, object]:
    """Any other object by what pickle would keep of it."""
    name = _name(type(value))
    try:
        _, arguments, *rest = value.__reduce_ex__(2)
        if any(part is not None for part in rest[1:]):  # items that come from an iterator
            return {"class": name, "token": token}
        return {"class": name, "state": describe_value([arguments, *rest[:1]], token=token)}
    except (Exception, SystemExit):  # it cannot be pickled, or holds itself
        return {"class": name, "token": token}


def _name(value: Any) -> str:
    return f"{value.__module__}.{value.__qualname__}"


# How each kind of value is told; the first that it is an instance of.
_DESCRIBED: tuple[tuple[Any, Callable[[Any, str], object]], ...] = (
    ((type(None), bool, str), lambda value, _: value),
    ((float, np.floating), _describe_float),
    ((int, np.integer, np.bool_), lambda value, _: int(value)),
    ((list, tuple), _describe_all),
    (bytes, lambda value, _: {"bytes": value.hex()}),  # pickle would say: the bytes made of these bytes
    ((set, frozenset), lambda value, _: {"set": sorted(map(repr, value))}),
    (Mapping, lambda value, token: [_describe_all((key, value[key]), token) for key in sorted(value, key=repr)]),
    (np.ndarray, _describe_array),
    (type, lambda value, _: {"class": _name(value)}),
    ((FunctionType, BuiltinFunctionType, np.ufunc), _describe_function),
    (MethodType, lambda value, token: {"method": value.__name__, "of": describe_value(value.__self__, token=token)}),
)
