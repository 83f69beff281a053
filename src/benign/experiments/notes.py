"""What the reader of a surface should know first, a sentence each."""

from __future__ import annotations

import xarray as xr

from benign.experiments.assembly import DAMAGED
from benign.experiments.straddling import straddling_notes
from benign.foundation.replicate import Replicate
from benign.sources.protocol import Source

SOURCE_NOTES = "source_notes"
"""Attribute of a surface on whose data there is something to know, such as copies among them."""


def notes_of(dataset: xr.Dataset) -> tuple[str, ...]:
    """What there is to know of the data, what is damaged, and at which n the sizes and times miss the threshold."""
    said = dataset.attrs.get(SOURCE_NOTES)
    damaged = dataset.attrs.get(DAMAGED)
    lost = [] if damaged is None else [f"Blocks that are damaged in the store, and left out: {damaged or 'some'}."]
    return (*([said] if said else []), *lost, *straddling_notes(dataset))


def source_notes(source: Source, samples: int, replicate: Replicate) -> tuple[str, ...]:
    """What a source itself has to say of a replicate's data; nothing where it has no such method."""
    notes = getattr(source, "notes", None)
    return tuple(notes(samples, replicate)) if callable(notes) else ()
