"""All readers, one line each."""

from __future__ import annotations

from benign.histories.readers.protocol import Reader

READERS: tuple[Reader, ...] = ()
"""Of several that match to the same degree, the first reads."""
