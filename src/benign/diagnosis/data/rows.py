"""The rows that checks look at, with the names of their columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from benign.foundation.errors import listed
from benign.foundation.split import Split, class_indices
from benign.sources.finite import FiniteSource
from benign.sources.protocol import Source


@dataclass(frozen=True, kw_only=True, eq=False)
class Rows:
    """All rows that there are to look at.

    Attributes:
        inputs: rows x d; gaps are NaN.
        targets: rows x outputs; one-hot rows where there are classes.
        classes: their names in index order, or None for values.
        names: of the columns; empty where nobody has named them.
        identifiers: names of those that seem to number the rows.
        are_as_given: whether the rows are in the order of the user's table.
        texts: names of the columns that hold text.
    """

    inputs: Float[np.ndarray, "rows d"]
    targets: Float[np.ndarray, "rows outputs"]
    classes: tuple[str, ...] | None
    names: tuple[str, ...]
    identifiers: tuple[str, ...]
    are_as_given: bool
    texts: tuple[str, ...] = ()

    @property
    def labels(self) -> Int[np.ndarray, " rows"] | None:
        """Class indices, or None for values."""
        return None if self.classes is None else class_indices(self.targets)

    def column_names(self, *places: int) -> str:
        """What a sentence calls some of the columns, without its article: "column 'age'", "columns 0 and 4"."""
        several = "s" * (len(places) > 1)
        if self.names:
            return f"column{several} {listed(self.names[place] for place in places)}"
        return f"column{several} {listed(places)} (counted from 0)"


def rows_of(source: Source, split: Split) -> Rows:
    """The rows of a finite source in the user's order; of another one what a split shows of it.

    Args:
        source: the user's data.
        split: one of its draws.
    """
    if isinstance(source, FiniteSource):
        data = source.data
        named = data.names or tuple(column.name for column in data.columns or ())
        return Rows(
            inputs=data.inputs.astype(np.float64, copy=False),
            targets=data.targets,
            classes=data.classes,
            names=named,
            identifiers=data.identifiers,
            are_as_given=True,
            texts=tuple(column.name for column in data.columns or () if column.texts is not None),
        )
    return Rows(
        inputs=np.concatenate([split.train_inputs, split.test_inputs]),
        targets=np.concatenate([split.train_targets_clean, split.test_targets]),
        classes=split.classes,
        names=tuple(column.name for column in split.columns or ()),
        identifiers=(),
        are_as_given=False,
    )


def ranks(values: Float[np.ndarray, "rows columns"]) -> Float[np.ndarray, "rows columns"]:
    """Place of each value in its column, from 0 to 1, equal values sharing one; gaps come last, as one value.

    Ranks know no unit and no outlier.
    """
    found = np.empty(values.shape)
    for index, column in enumerate(values.T):
        _, place, count = np.unique(column, return_inverse=True, return_counts=True)
        found[:, index] = (np.cumsum(count) - 0.5 * count)[place] / len(values)
    return found
