"""Every exported numeric function says its shapes, what it raises, and where its definition comes from.

``python tests/test_docstrings.py [room]`` prints what is missing.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import re
import sys
import textwrap
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from types import FunctionType

import pytest

from tests.optional import needs

ROOMS = ("linear", "networks", "curves", "surface", "implicit", "procedures", "sources", "diagnosis")
_ARRAY = re.compile(r"\b(ndarray|ArrayLike|Array|PyTree|Float|Int|Bool|Shaped|Num)\b")
# A network, a population and a pair of networks are arrays, too.
_NUMBER = re.compile(r"\b(float|complex|Number|Scalar|Dense|Module|TrainedPopulation|Pair)\b")
_SHAPE_IN_WORDS = re.compile(r"\(\w[^()]*[,x×][^()]*\)|\b\w+ x \w+\b|shape|scalar|\bvector\b|flattened", re.IGNORECASE)
# Hand over what is the user's own: no definition that could have a source.
_USERS_OWN = {
    "arrays", "dataset", "frame", "from_callable", "from_equinox", "from_estimator", "from_flax", "from_torch",
    "from_training_loop", "function", "table",
}  # fmt: skip
_SOURCE = re.compile(
    r"[A-Z][\w’'-]+( et al\.)?[^.]{0,80}?\b(1[89]|20)\d\d\b|[Ee]quivalent to|\bOurs\b|[Tt]his package's own"
)


def exported(room: str) -> Iterator[tuple[str, FunctionType]]:
    """The functions that a room lists, and those that it listed before they moved to the surface."""
    package = importlib.import_module(f"benign.{room}")
    for name in [*package.__all__, *getattr(package, "_MOVED", ())]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            value = inspect.unwrap(getattr(package, name))
        if isinstance(value, FunctionType) and value.__module__.startswith("benign."):
            yield name, value


@cache
def _definition(function: FunctionType) -> ast.FunctionDef:
    node = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    assert isinstance(node, ast.FunctionDef)
    return node


def _annotations(function: FunctionType) -> dict[str, str]:
    definition = _definition(function)
    arguments = [*definition.args.posonlyargs, *definition.args.args, *definition.args.kwonlyargs]
    pairs = [(argument.arg, argument.annotation) for argument in arguments] + [("return", definition.returns)]
    return {name: ast.unparse(annotation) for name, annotation in pairs if annotation is not None}


def is_numeric(function: FunctionType) -> bool:
    """Whether arrays or real numbers go in or come out."""
    return any(_ARRAY.search(text) or _NUMBER.search(text) for text in _annotations(function).values())


def raises(function: Callable[..., object], depth: int = 3) -> bool:
    """Whether a function raises, or calls a check of ours with one of its own arguments that does."""
    own = inspect.unwrap(function)
    if not isinstance(own, FunctionType) or not depth:
        return False
    definition = _definition(own)
    if any(isinstance(node, ast.Raise) for node in ast.walk(definition)):
        return True
    parameters = set(_annotations(own))
    for call in (node for node in ast.walk(definition) if isinstance(node, ast.Call)):
        given = {node.id for node in [*call.args, *(k.value for k in call.keywords)] if isinstance(node, ast.Name)}
        callee = own.__globals__.get(call.func.id) if isinstance(call.func, ast.Name) else None
        is_ours = getattr(callee, "__module__", "").startswith("benign.")
        if given & parameters and is_ours and callable(callee) and raises(callee, depth - 1):
            return True
    return False


def missing(function: FunctionType) -> list[str]:
    """What the docstring of a function lacks."""
    text = inspect.getdoc(function) or ""
    lacks = []
    shapeless = [
        name
        for name, annotation in _annotations(function).items()
        if _ARRAY.search(annotation) and not re.search(r"\[[^\]]*['\"]", annotation)
    ]
    if shapeless and not _SHAPE_IN_WORDS.search(text):
        lacks.append(f"the shape of {', '.join(shapeless)}")
    if raises(function) and "Raises:" not in text:
        lacks.append("Raises")
    if function.__name__ not in _USERS_OWN and not _SOURCE.search(text):
        lacks.append("source")
    return lacks


@pytest.mark.parametrize("room", ROOMS)
def test_every_exported_numeric_function_says_shapes_raises_and_source(room):
    if room in ("networks", "implicit"):
        needs("networks", importlib.util.find_spec("jax") is not None, "jax is not installed")
    lacking = {
        name: lacks for name, function in exported(room) if is_numeric(function) and (lacks := missing(function))
    }
    assert not lacking


def test_a_bare_function_lacks_all_three():
    def bare(values: ArrayLike) -> float:  # type: ignore[name-defined]
        """The mean."""
        if values is None:
            raise ValueError
        return 0.0

    assert isinstance(bare, FunctionType)
    assert missing(bare) == ["the shape of values", "Raises", "source"]


if __name__ == "__main__":
    for chosen in sys.argv[1:] or ROOMS:
        for function_name, exported_function in exported(chosen):
            if is_numeric(exported_function):
                home = f"{exported_function.__module__}.{function_name}"
                lacks = ", ".join(missing(exported_function))
                sys.stdout.write(f"{chosen:12} {home:70} {lacks or 'ok'}\n")
