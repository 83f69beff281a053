"""What of a grid cannot fit is refused before any of it is built."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence

import numpy as np

from benign.experiments.parts import Part
from benign.foundation.memory import require_memory
from benign.foundation.size_words import amount
from benign.procedures.protocol import Procedure, SupportsLeastBytes
from benign.sources.protocol import Source

# A number of an axis as Python holds it, in a list and as text; a cell with its key, its unit and its job.
_BYTES_A_VALUE = 200.0
_BYTES_A_CELL = 1500.0


def check_axes(**axes: object) -> None:
    """Refuse axes too long to be looked at, whatever they hold.

    Raises:
        NotEnoughMemory: for the longest of them.
    """
    count, argument = max((_length(values), argument) for argument, values in axes.items())
    require_memory(_BYTES_A_VALUE * count, purpose=f"`{argument}` with {count:,} values", advice="give fewer of them")


def check_cells(*axes: object) -> None:
    """Refuse a grid of so many cells: levels of label noise times numbers of samples times replicates.

    Args:
        axes: each a number of values, or the values.

    Raises:
        NotEnoughMemory: if it cannot be laid out.
    """
    cells = math.prod(axis if isinstance(axis, int) else _length(axis) for axis in axes)
    require_memory(
        _BYTES_A_CELL * min(cells, 10**30),
        purpose=f"a grid of {cells:,} cells (training sets)",
        advice="lower `replicates` or `crossed`, or give fewer `samples`",
    )


def check_largest(procedure: Procedure, source: Source, samples: int, part: Part) -> None:
    """Refuse a grid whose largest model, training set or block does not fit, whoever measures it.

    Raises:
        NotEnoughMemory: with what is too large.
    """
    test = getattr(source, "test_samples", 0)
    size, numbers = float(part.sizes.max(initial=1)), len(part.sizes) * len(part.times) * len(part.metrics)
    rows = f"{samples:,} training and {test:,} test samples"
    if isinstance(procedure, SupportsLeastBytes):
        require_memory(
            procedure.least_bytes(samples, test, int(size)),
            advice="lower `sizes` or `samples`, or what else makes it large",
            purpose=f"measuring {amount(size, procedure.size_name)} on {rows}",
        )
    # An input and a target of each, as they are drawn and as they are given away.
    require_memory(
        32.0 * (samples + test),
        purpose=f"drawing {rows}",
        advice="lower `samples` or the source's `test_samples`",
    )
    require_memory(
        8.0 * numbers,
        purpose=f"a block of {len(part.sizes):,} sizes and {len(part.times):,} times",
        advice="give fewer of them",
    )


def _length(values: object) -> int:
    if not isinstance(values, (Sequence, np.ndarray)):
        return 1
    try:
        return len(values)
    except TypeError:  # an array without an axis
        return 1
    except OverflowError:  # a range that is longer than any list can be
        return sys.maxsize
