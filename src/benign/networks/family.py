"""The contract of a family of networks: an Equinox module for each width, and how it is widened with zeros."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import equinox as eqx
import numpy as np


@runtime_checkable
class Family(Protocol):
    """Networks of every width for given numbers of inputs and outputs.

    Laws, which ``tests/networks/test_families.py`` holds every family to:

    1. ``build`` gives an Equinox module whose leaves are float64 NumPy arrays, drawn from ``random`` alone in a fixed
       order; called on one sample (inputs,) it gives (outputs,), without other state and without random numbers.
    2. ``parameters`` is the number of its numbers.
    3. ``widened`` embeds a module in the shape of a wider one, its function and its training unchanged: what it adds is
       zero and has a zero gradient. A family that cannot has ``is_widenable`` False.
    4. A family is hashable, and equal families give equal modules.
    """

    @property
    def is_widenable(self) -> bool:
        """Whether networks of several widths may share one program."""
        ...

    def build(self, width: int, *, inputs: int, outputs: int, random: np.random.Generator) -> eqx.Module:
        """The untrained network of a width, initialised by its true fan-in."""
        ...

    def widened(self, module: eqx.Module, width: int) -> eqx.Module:
        """The same function as a network of a larger width, filled up with zeros."""
        ...

    def parameters(self, width: int, *, inputs: int, outputs: int) -> int:
        """Number of trained parameters."""
        ...
