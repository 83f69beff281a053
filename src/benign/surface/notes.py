"""What the reader of a surface should know first, a sentence each."""

from __future__ import annotations

import xarray as xr

from benign.foundation.errors import InvalidArgument
from benign.schema import DAMAGED, LEADING, SOURCE_NOTES
from benign.surface.size_direction import wrong_way_note
from benign.surface.straddling import straddling_notes


def notes_of(dataset: xr.Dataset) -> tuple[str, ...]:
    """What there is to know of the data, what is damaged, and at which n the sizes and times miss the threshold.

    A size that is read the wrong way round misses none: then that is said instead.
    """
    first = dataset.isel({axis: 0 for axis in LEADING if axis in dataset.dims})
    try:
        note = wrong_way_note(first)
    except InvalidArgument:  # no training loss, or nothing to be fitted
        note = ""
    said, damaged = dataset.attrs.get(SOURCE_NOTES), dataset.attrs.get(DAMAGED)
    lost = [] if damaged is None else [f"Blocks that are damaged in the store, and left out: {damaged or 'some'}."]
    return (*([said] if said else []), *lost, *([note] if note else straddling_notes(dataset)))
