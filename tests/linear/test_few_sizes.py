"""Few sizes solved alone: the same numbers as along the path, and left to it where they cannot be trusted."""

from importlib import import_module

import numpy as np
import pytest

from benign.foundation.outcomes import Outcome
from benign.linear import FourierFeatures, alone, size_path
from tests.linear.oracles import classification, leave_one_out

SIZES = [3, 25, 40, 41, 90, 200]


@pytest.fixture
def solved(monkeypatch):
    """Which sizes were solved alone, with the price of the path put up."""
    asked = []

    def record(columns, record, sizes, tell):
        asked.append((sizes, solve(columns, record, sizes, tell)))
        return asked[-1][1]

    solve = alone.record_alone
    monkeypatch.setattr(import_module("benign.linear.size_path"), "record_alone", record)
    monkeypatch.setattr(alone, "_GAIN", 0.0)
    monkeypatch.setattr(alone, "_SAVED", -np.inf)
    return asked


@pytest.mark.parametrize("ridge", [0.0, 1e-6, 1.0])
def test_the_numbers_are_those_of_the_path(solved, ridge):
    problem = classification(np.random.default_rng(0), 40, 20, 200)
    some = size_path(*problem, sizes=SIZES, predict_at=[40, 90], spectrum_at=[41], ridge=ridge, leave_one_out=True)
    assert solved == [((41, 90, 200), True)]
    every = size_path(*problem, predict_at=[40, 90], spectrum_at=[41], ridge=ridge, leave_one_out=True)
    at = some.sizes - 1
    for name in ("train_loss", "test_loss", "test_error", "norm", "leave_one_out", "leave_one_out_error", "condition"):
        np.testing.assert_allclose(getattr(some, name), getattr(every, name)[at], rtol=1e-8, atol=1e-12)
    assert some.outcome.tolist() == every.outcome[at].tolist()
    assert some.predictions is not None
    assert every.predictions is not None
    np.testing.assert_allclose(some.predictions, every.predictions, rtol=1e-8, atol=1e-10)
    assert some.spectrum[0].condition == pytest.approx(every.spectrum[0].condition, rel=1e-9)
    loss, _ = leave_one_out(problem[0], problem[1], 90, ridge)
    assert some.leave_one_out[4] == pytest.approx(loss, rel=1e-7)


def test_features_are_made_panel_by_panel(solved):
    random = np.random.default_rng(1)
    inputs, test_inputs = random.standard_normal((40, 6)), random.standard_normal((30, 6))
    targets, test_targets = random.standard_normal((40, 2)), random.standard_normal((30, 2))
    features = FourierFeatures(bandwidth=2.0, seed=3)
    alone_path = size_path(inputs, targets, test_inputs, test_targets, features=features, sizes=[300])
    every = size_path(inputs, targets, test_inputs, test_targets, features=features)
    assert solved[0] == ((300,), True)
    assert alone_path.test_loss[0] == pytest.approx(every.test_loss[299], rel=1e-9)


def test_dependent_rows_are_left_to_the_path(solved):
    train, targets, test, test_targets = classification(np.random.default_rng(2), 20, 10, 90)
    train = np.repeat(train[:10], 2, axis=0)
    path = size_path(train, targets, test, test_targets, sizes=[60, 90], leave_one_out=True)
    assert solved == [((60, 90), False)]
    assert path.outcome.tolist() == [Outcome.TRUNCATED, Outcome.TRUNCATED]
    assert path.leave_one_out[1] == pytest.approx(leave_one_out(train, targets, 90, 0.0)[0], rel=1e-8)


def test_what_few_sizes_cost_decides():
    problem = classification(np.random.default_rng(3), 150, 150, 1000)
    finished = []

    def progress(unit, done, total):
        finished.append(done)

    size_path(*problem, sizes=[1000], progress=progress)
    assert finished == [1000]
    finished.clear()
    size_path(*problem, sizes=np.arange(200, 1001, 8), progress=progress)
    assert len(finished) > 10
