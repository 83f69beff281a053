"""A module trained by PyTorch learns as `benign.MLP` does: the same curves in distribution, over twenty seeds."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy import stats

import benign
from benign.foundation.replicate import paired_replicates
from benign.schema import Block
from tests.networks.extra import needs_networks, needs_torch

WIDTHS, EPOCHS = np.array([6, 24]), np.array([2.0, 8.0, 24.0])
METRICS = ("train_loss", "test_loss", "test_error", "test_loss_averaged")
SETTINGS: dict[str, Any] = {
    "learning_rate": 5e-3,
    "batch_size": 30,
    "epochs": 24,
    "schedule": "cosine",
    "weight_decay": 1e-4,
}


@pytest.fixture(autouse=True)
def _parts():
    needs_networks()
    needs_torch()


def module(width):
    from torch import nn

    return nn.Sequential(nn.Flatten(), nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10))


@cache
def both() -> tuple[Block, Block]:
    """Replicates of the same data and batches, whose initial weights alone differ."""
    source = benign.sources.digits(label_noise=0.2, test_samples=300)
    splits = [source.draw(120, replicate) for replicate in paired_replicates(20, seed=7)]
    ours = benign.MLP(depth=1, training=benign.Training(**SETTINGS))
    theirs = benign.from_torch(module, **SETTINGS)
    first, second = (one.measure(splits, WIDTHS, EPOCHS, frozenset(METRICS)) for one in (ours, theirs))
    return first, second


def test_the_curves_are_alike_in_distribution():
    ours, theirs = both()
    tests = [
        stats.ttest_rel(theirs.metrics[name][:, width, time], ours.metrics[name][:, width, time])
        for name in METRICS
        for width in range(len(WIDTHS))
        for time in range(len(EPOCHS))
    ]
    assert len(tests) * min(test.pvalue for test in tests) > 0.05  # Bonferroni


@pytest.mark.parametrize("name", ["train_loss", "test_loss"])
def test_a_difference_of_five_per_cent_would_have_been_seen(name):
    ours, theirs = (one.metrics[name] for one in both())
    half = stats.t.ppf(0.975, 19) * stats.sem(theirs - ours, axis=0)
    assert (half / ours.mean(axis=0)).max() < 0.1
    assert np.median(half / ours.mean(axis=0)) < 0.05


def test_they_are_no_copies():
    ours, theirs = both()
    assert not np.isclose(ours.metrics["test_loss"], theirs.metrics["test_loss"], rtol=1e-6).any()
