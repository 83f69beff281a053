"""What a callable of a user's takes."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable

from benign.foundation.errors import invalid

_COUNTS = ("no arguments", "one argument", "two arguments", "three arguments", "four arguments", "five arguments")


def signature_of(function: Callable[..., object]) -> inspect.Signature:
    """The signature of a callable, whether or not its annotations mean anything at run time.

    Equivalent to :func:`inspect.signature`, which from Python 3.14 on evaluates annotations and fails where one names
    what is there for a type checker alone.

    Raises:
        TypeError, ValueError: if it is compiled and has no signature.
    """
    if sys.version_info >= (3, 14):
        from annotationlib import Format

        return inspect.signature(function, annotation_format=Format.FORWARDREF)
    return inspect.signature(function)


def check_takes(argument: str, function: object, *names: str) -> None:
    """Refuse what cannot be called with so many arguments by position; they are named in what is said.

    Raises:
        InvalidArgument: if it cannot be called at all, or not so. What is compiled and has no signature passes.
    """
    wanted = ", ".join(names)
    if not callable(function):
        raise invalid(
            argument,
            f"must be a function {argument}({wanted}), got {type(function).__name__}; give the function itself.",
        )
    try:
        signature = signature_of(function)
    except (TypeError, ValueError):  # compiled, and without a signature
        return
    try:
        signature.bind(*names)
    except TypeError as error:
        raise invalid(
            argument, f"must take {_COUNTS[len(names)]}, ({wanted}), and takes {signature}: {error}."
        ) from error
