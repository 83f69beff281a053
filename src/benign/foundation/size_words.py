"""A size or a time in words: things are counted, "5 features", and a parameter has a value, "n_neighbors = 5"."""

from __future__ import annotations

from benign.foundation.number_words import format_position


def is_counted(name: str) -> bool:
    """Whether a name says what is counted, a plural: "hidden units", but not "n_neighbors" or "alpha"."""
    return name.endswith("s") and "_" not in name


def amount(value: float, name: str) -> str:
    """One size or time.

    >>> amount(1200, "features"), amount(5, "n_neighbors")
    ('1,200 features', 'n_neighbors = 5')
    """
    return f"{format_position(value)} {name}" if is_counted(name) else f"{name} = {format_position(value)}"


def span(low: float, high: float, name: str) -> str:
    """All from one to another.

    >>> span(2, 9, "features"), span(2, 9, "n_neighbors")
    ('from 2 to 9 features', 'n_neighbors from 2 to 9')
    """
    ends = f"from {format_position(low)} to {format_position(high)}"
    return f"{ends} {name}" if is_counted(name) else f"{name} {ends}"


def at_most(value: float, name: str) -> str:
    """It or fewer.

    >>> at_most(9, "features"), at_most(9, "max_leaf_nodes")
    ('no more than 9 features', 'max_leaf_nodes of at most 9')
    """
    end = format_position(value)
    return f"no more than {end} {name}" if is_counted(name) else f"{name} of at most {end}"


def at_least(value: float, name: str) -> str:
    """It or more.

    >>> at_least(9, "features"), at_least(9, "n_neighbors")
    ('no fewer than 9 features', 'n_neighbors of at least 9')
    """
    end = format_position(value)
    return f"no fewer than {end} {name}" if is_counted(name) else f"{name} of at least {end}"
