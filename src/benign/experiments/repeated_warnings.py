"""What the libraries of many jobs warn of, wherever these run: each warning once, with its count."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

# A warning's place, as (file, line), and its words with the number of times it was given.
Heard = dict[tuple[str, int], tuple[str, int]]
_heard: ContextVar[Heard | None] = ContextVar("heard", default=None)


@contextmanager
def recorded() -> Iterator[Heard]:
    """In a job: the warnings of the block, which are not shown, by the time that it ends."""
    heard: Heard = {}
    with warnings.catch_warnings(record=True) as caught:
        yield heard
    for one in caught:
        _add(heard, {(one.filename, one.lineno): (f"{one.category.__name__}: {one.message}", 1)})


@contextmanager
def said_once() -> Iterator[None]:
    """When the outermost of such blocks ends, give each warning that jobs brought back, with its count."""
    if _heard.get() is not None:
        yield
        return
    heard: Heard = {}
    token = _heard.set(heard)
    try:
        yield
    finally:
        _heard.reset(token)
        for (file, line), (words, count) in heard.items():
            times = f" ({count:,} times)" if count > 1 else ""
            warnings.warn_explicit(f"{words}{times}", UserWarning, file, line)


def bring_back(heard: Heard) -> None:
    """In the driver: what a job recorded is given when the block ends that measures."""
    so_far = _heard.get()
    if so_far is not None:
        _add(so_far, heard)


def _add(heard: Heard, more: Mapping[tuple[str, int], tuple[str, int]]) -> None:
    for place, (words, count) in more.items():
        first, before = heard.get(place, (words, 0))
        heard[place] = first, before + count
