"""The four answers to whether a change helps, and of which changes it is asked."""

from __future__ import annotations

import enum

FACTORS = (1.5, 2.0, 4.0)
"""How many times as much is asked about."""
ALIKE = 0.02
"""A log ratio of risks within this is no difference."""


class Verdict(enum.StrEnum):
    """What a change does to the risk on new samples."""

    HELPS = "helps"
    HURTS = "hurts"
    NO_DIFFERENCE = "makes no difference"
    CANNOT_TELL = "cannot tell"
