"""The bench of a diagnosis: its numbers depend on the trial alone, and it obeys its budget."""

from __future__ import annotations

import math
import time as clock

import numpy as np
import pytest

import benign
from benign.diagnosis.trials import bench as benches
from benign.diagnosis.trials.bench import opened
from benign.diagnosis.trials.budget import Budget, Ledger
from benign.diagnosis.trials.cost import Workload, forecast_seconds
from benign.diagnosis.trials.trial import Trial
from benign.foundation.progress import silent
from benign.procedures.known_estimators import subject_of


def nearest_mean(X, y, size, time, seed):
    """A classifier that a thousand trainings of cost nothing."""
    means = np.array([X[y == k].mean(axis=0) if (y == k).any() else np.full(X.shape[1], 9.0) for k in range(2)])
    return lambda inputs: -((inputs[:, None] - means) ** 2).sum(axis=2)


def _slow(X, y, size, time, seed):
    clock.sleep(60.0)


def _fails_on_many(X, y, size, time, seed):
    if len(X) > 20:
        raise RuntimeError("too many")
    return nearest_mean(X, y, size, time, seed)


@pytest.fixture(scope="module")
def source():
    random = np.random.default_rng(0)
    labels = np.arange(100) % 2
    return benign.sources.arrays(random.normal(size=(100, 3)) + labels[:, None], labels, test_samples=20)


def on_bench(source, fit=nearest_mean, *, seconds=math.inf, trainings=math.inf, executor="here", samples=80):
    procedure = benign.from_callable(fit, name=fit.__name__, revision=1)
    return opened(
        subject=subject_of(procedure, source, size=1),
        source=source,
        samples=samples,
        seed=0,
        budget=Budget(ledger=Ledger(), seconds=seconds, trainings=trainings),
        executor=executor,
        workers=None,
        progress=silent,
    )


def test_a_trial_measures_what_its_definition_says(source):
    with on_bench(source) as bench:
        (found,) = bench.measure([Trial(rows=30, fold=1, start=10, size=1)])
        split = bench.split(1)
    means = [split.train_inputs[10:40][split.train_targets[10:40, k] == 1.0].mean(axis=0) for k in range(2)]
    scores = -((split.test_inputs[:, None] - np.array(means)) ** 2).sum(axis=2)
    np.testing.assert_allclose(found.outputs[0], scores)
    np.testing.assert_allclose(found.held_out_losses[0], ((scores - split.test_targets) ** 2).sum(axis=1))
    np.testing.assert_array_equal(found.held_out_wrong[0], scores.argmax(axis=1) != split.test_targets.argmax(axis=1))
    targets = split.train_targets[10:40]
    assert found.train_loss_constant == pytest.approx(targets.var(axis=0).sum())


def test_numbers_depend_on_the_trial_alone(source):
    trials = [Trial(rows=n, fold=fold, size=1) for n in (20, 40, 80) for fold in range(3)]
    with on_bench(source) as here, on_bench(source, executor="processes") as there:
        forwards, backwards = here.measure(trials), there.measure(trials[::-1])[::-1]
    for one, other in zip(forwards, backwards, strict=True):
        np.testing.assert_array_equal(one.held_out_losses, other.held_out_losses)
        np.testing.assert_array_equal(one.train_loss, other.train_loss)


def test_equal_trials_are_trained_once(source):
    with on_bench(source) as bench:
        first, second = bench.measure([bench.user_trial(0), bench.user_trial(0)])
        (third,) = bench.share(0.1).measure([bench.user_trial(0)])
        assert first is second is third
        assert bench.budget.ledger.count == 1


def test_the_budget_of_trainings_is_obeyed(source):
    with on_bench(source, trainings=2.25) as bench:
        found = bench.measure([bench.user_trial(fold) for fold in range(4)] + [Trial(rows=20, size=1)])
        assert [one is not None for one in found] == [True, True, False, False, True]
        assert bench.is_budget_spent
        assert bench.budget.ledger.trainings == 2.25


def test_shares_are_of_what_is_left(source):
    with on_bench(source, trainings=10.0) as bench:
        half = bench.share(0.5)
        half.measure([half.user_trial(fold) for fold in range(9)])
        assert bench.budget.ledger.trainings == 5.0
        assert bench.share(0.5).budget.trainings == 7.5
        assert not bench.share(0.1).affords([bench.user_trial(8)])
        assert bench.affords([bench.user_trial(fold) for fold in range(10)])


def test_a_training_that_never_ends_is_stopped_and_costs_itself_alone(source, monkeypatch):
    monkeypatch.setattr(benches, "GRACE_SECONDS", 0.1)
    with on_bench(source, _slow, seconds=3.0, executor="processes") as bench:
        start = clock.monotonic()
        assert bench.measure([bench.user_trial(0)]) == [None]
        assert clock.monotonic() - start < 30.0
        assert "stopped" in bench.failure_of(bench.user_trial(0))


def test_a_training_that_raises_is_a_sentence_and_others_go_on(source):
    with on_bench(source, _fails_on_many) as bench:
        found = bench.measure([bench.user_trial(0), Trial(rows=15, size=1)])
        assert found[0] is None
        assert found[1] is not None
        assert "too many" in bench.failure_of(bench.user_trial(0))


def test_label_noise_of_trials_is_nested_and_tested_on_clean_labels(source):
    with on_bench(source) as bench:
        clean, noisy = bench.measure([Trial(rows=80, size=1, label_noise=rate) for rate in (0.0, 0.4)])
    assert clean.train_error[0] < noisy.train_error[0]
    assert noisy.held_out_error[0] < 0.5


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0, 3.0])
def test_a_forecast_finds_the_power_of_n(power):
    timed = {Workload(rows=n): 1e-3 * n**power for n in (50.0, 100.0, 200.0)}
    assert forecast_seconds(Workload(rows=1000.0), timed) == pytest.approx(1e-3 * 1000.0**power)


def test_a_forecast_is_linear_in_size_and_time():
    timed = {Workload(rows=100.0, size=10.0, time=5.0): 2.0}
    assert forecast_seconds(Workload(rows=100.0, size=20.0, time=10.0), timed) == pytest.approx(8.0)
    assert forecast_seconds(Workload(rows=1.0), {}) == 0.0


def test_a_smaller_training_is_forecast_to_take_no_longer_than_a_larger_one():
    """Of the smallest, compiling a program took three seconds."""
    timed = {Workload(rows=75.0, size=8.0, time=40.0): 3.0, Workload(rows=300.0, size=30.0, time=40.0): 0.5}
    assert forecast_seconds(Workload(rows=75.0, size=11.0, time=40.0), timed) == 0.5
