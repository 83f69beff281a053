"""Errors of the store: one sentence that names the store and what to do."""

from __future__ import annotations

from benign.foundation.errors import BenignError


class StoreUnusable(BenignError, OSError):
    """A store that cannot be opened, read or written."""


class StoreLocked(StoreUnusable):
    """Another program kept the store locked for longer than our patience."""


class StoreFull(StoreUnusable):
    """The store's disk stayed full for longer than our patience."""


class StoreTooNew(StoreUnusable):
    """The store was written by a newer version of this package."""


class RunDamaged(BenignError, ValueError):
    """A run whose row in the store is no longer what was written."""


class RunInUse(BenignError, RuntimeError):
    """A run that cannot be deleted: a living driver is measuring some of it."""
