"""What the libraries of many jobs warn of, wherever these run: each warning once, with its count."""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple


class Heard(NamedTuple):
    """One warning; its category by name, for a class may not travel."""

    file: str
    line: int
    category: str
    words: str


_heard: ContextVar[Counter[Heard] | None] = ContextVar("heard", default=None)


@contextmanager
def recorded() -> Iterator[Counter[Heard]]:
    """In a job: the warnings of the block, which are not shown unless it raises, by the time that it ends.

    What the process ignores, or takes for an error, it goes on to.
    """
    heard: Counter[Heard] = Counter()
    caught: list[warnings.WarningMessage] = []
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", append=True)
            yield heard
    except BaseException:
        for one in caught:
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
        raise
    heard.update(
        Heard(one.filename, one.lineno, f"{one.category.__module__}:{one.category.__qualname__}", str(one.message))
        for one in caught
    )


@contextmanager
def said_once() -> Iterator[None]:
    """When the outermost of such blocks ends, give each warning that jobs brought back, with its count."""
    if _heard.get() is not None:
        yield
        return
    heard: Counter[Heard] = Counter()
    token = _heard.set(heard)
    try:
        yield
    finally:
        _heard.reset(token)
        alike: dict[tuple[str, int, str], dict[str, int]] = {}
        for (file, line, category, words), count in heard.items():
            alike.setdefault((file, line, category), {})[words] = count
        for place, counts in alike.items():
            _give(*place, counts)


def bring_back(heard: Counter[Heard]) -> None:
    """In the driver: what a job recorded is given when the block ends that measures."""
    so_far = _heard.get()
    if so_far is not None:
        so_far.update(heard)


def _give(file: str, line: int, category: str, counts: Mapping[str, int]) -> None:
    """The first of the wordings that one place in the code used, numbers in them perhaps, and how often it spoke."""
    module, _, name = category.partition(":")
    found = getattr(sys.modules.get(module), name, UserWarning)
    kind = found if isinstance(found, type) and issubclass(found, Warning) else UserWarning
    words, total = next(iter(counts)), sum(counts.values())
    wordings = f", in {len(counts):,} wordings" if len(counts) > 1 else ""
    text = f"{total:,} times{wordings}: {words}" if total > 1 else words
    try:
        warnings.warn_explicit(text, kind, file, line)
    except Warning:  # taken for an error, which must not cost what was measured
        warnings.showwarning(text, kind, file, line)
