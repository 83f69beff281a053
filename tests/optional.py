"""Tests that need a part which not every machine has."""

from __future__ import annotations

import os

import pytest


def needs(name: str, available: bool, reason: str) -> None:
    """Skip the test or module, with the reason, unless the part is there; fail if ``BENIGN_TEST_REQUIRED`` names it."""
    if available:
        return
    if name in os.environ.get("BENIGN_TEST_REQUIRED", "").split():
        pytest.fail(f"{name} is required here: {reason}")
    pytest.skip(reason, allow_module_level=True)
