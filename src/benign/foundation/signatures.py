"""What a callable of a user's takes."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable


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
