"""Foreign objects as JSON values, for the key of a block: what decides their numbers, and nothing of this process."""

from __future__ import annotations

import hashlib
import inspect
import math
import textwrap
import tokenize
import uuid
from collections.abc import Callable, Iterable, Mapping
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

import numpy as np
from jaxtyping import Shaped

# What says how to compute, or to talk about it; and the seed, which every training gets anew.
_DECIDE_NOTHING = frozenset({"n_jobs", "verbose", "random_state"})


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
    """What in a key stands for a function's code: a revision alone, its text, or else what is never met again."""
    if revision is not None:
        return "as by its revision"
    digest = source_digest(function)
    return f"source {digest}" if digest else f"unknown {uuid.uuid4().hex}"


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
