"""Feature maps in a fixed nested order: the model of size k uses the first k columns."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float


@runtime_checkable
class FeatureMap(Protocol):
    """Columns of a design matrix, generated range by range.

    Laws: column j depends on the inputs and on j alone, never on the range it is asked in; a map is pure (the same call
    gives the same bits). Sizes count columns.
    """

    @property
    def max_size(self) -> float:
        """Number of columns that exist; ``math.inf`` where there is no end."""
        ...

    def columns(self, inputs: Float[np.ndarray, "m d"], start: int, stop: int) -> Float[np.ndarray, "m columns"]:
        """Columns ``start`` .. ``stop`` - 1 of the design matrix of ``inputs``."""
        ...
