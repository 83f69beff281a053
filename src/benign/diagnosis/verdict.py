"""The four answers to whether a change helps."""

from __future__ import annotations

import enum


class Verdict(enum.StrEnum):
    """What a change does to the risk on new samples."""

    HELPS = "helps"
    HURTS = "hurts"
    NO_DIFFERENCE = "makes no difference"
    CANNOT_TELL = "cannot tell"
