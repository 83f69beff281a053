"""Curves at steps and curves at epochs on one axis."""

from __future__ import annotations

import numpy as np
import pytest

from benign.histories.axes import counts_epochs, on_axis_of
from tests.histories.columns import log_of

EPOCHS = np.arange(4.0)
STEPS = np.arange(40.0)


def test_what_counts_the_same_stays():
    positions, how = on_axis_of(np.arange(10.0, 50.0, 10.0), STEPS, log_of())
    assert positions is STEPS
    assert not how


@pytest.mark.parametrize("first", [0.0, 1.0])
def test_steps_are_spread_over_the_epochs_in_order(first):
    positions, how = on_axis_of(EPOCHS + first, STEPS, log_of())
    assert positions.tolist() == [first + step // 10 for step in range(40)]
    assert "order" in how


def test_steps_that_were_recorded_now_and_then_are_spread_all_the_same():
    positions, _ = on_axis_of(EPOCHS, np.arange(4.0, 40.0, 5.0), log_of())
    assert positions.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


def test_epochs_are_spread_over_the_steps_in_order():
    positions, how = on_axis_of(np.arange(10.0, 101.0, 10.0), np.arange(5.0), log_of())
    assert positions.tolist() == [20, 40, 60, 80, 100]
    assert "order" in how


def test_a_column_of_epochs_is_the_map():
    epochs = [0] * 25 + [1] * 5 + [2] * 5 + [3] * 5
    log = log_of(epoch=(STEPS, epochs))
    positions, how = on_axis_of(EPOCHS, STEPS, log)
    assert positions.tolist() == epochs
    assert "column of epochs" in how
    back, how = on_axis_of(np.arange(1.0, 40.0, 2.0), np.arange(4.0)[:3], log)
    assert back.tolist() == [24, 29, 34]
    assert "column of epochs" in how


@pytest.mark.parametrize(
    "epochs", [[0, 1, np.nan, 3], [3, 2, 1, 0], [0, 1]], ids=["not a number", "falling", "too few"]
)
def test_a_map_that_is_none_is_not_used(epochs):
    log = log_of(epoch=(np.linspace(0.0, 39.0, len(epochs)), epochs))
    assert "order" in on_axis_of(EPOCHS, STEPS, log)[1]


def test_epochs_go_up_by_ones_from_their_start():
    assert counts_epochs(EPOCHS)
    assert not counts_epochs(EPOCHS * 2.0)
    assert not counts_epochs(EPOCHS + 7.0)
