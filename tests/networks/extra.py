"""Tests of networks are skipped where JAX, or for some PyTorch, is not installed."""

from __future__ import annotations

import importlib.util

from tests.optional import needs

HAS_JAX = importlib.util.find_spec("jax") is not None
HAS_TORCH = importlib.util.find_spec("torch") is not None


def needs_networks() -> None:
    """Skip the test, or the module that calls this before it imports JAX."""
    needs("networks", HAS_JAX, 'JAX is not installed: pip install "benign[networks]"')


def needs_torch() -> None:
    """Skip the test."""
    needs("torch", HAS_TORCH, 'PyTorch is not installed: pip install "benign[torch]"')
