"""What is kept, and where: the one rule that every call follows.

* Published figures (:func:`benign.figure`), declared experiments (:func:`benign.run`, :func:`benign.plan`) and searches
  (effective model complexity, thresholds, the peak) take long and are come back to: what they measure is kept in the
  user's data folder unless ``store`` names another place, and their commands say where.
* :func:`benign.measure` and everything else keep nothing unless ``store`` names a place.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from benign.experiments.store import Store
from benign.experiments.store.locations import located

IN_MEMORY = ":memory:"
Place = str | Path | Store | None
"""A store: path, URL, an open one, ``":memory:"`` for one that ends with the call, None for the default one."""


def kept_line(store: Place) -> str:
    """Where a command has kept what it measured, and how to see it; empty if it kept nothing."""
    place = store.location if isinstance(store, Store) else located(store).printable
    if place == IN_MEMORY:
        return ""
    command = ["benign", "runs", *(() if store is None else ("--store", place))]
    return f"Kept in {place}; list it with: {shlex.join(command)}"
