"""When a recorder evaluates, with a clock that stands still unless somebody works."""

from __future__ import annotations

import numpy as np
import pytest

from benign.histories.recorders.schedule import SHARE, Schedule


class Training:
    """Steps and evaluations that take the time they are said to take."""

    def __init__(self, *, step: float = 1.0, cost: float = 5.0, jitter: float = 0.0, seed: int = 0) -> None:
        self.now = self.spent = 0.0
        self.step, self.cost = step, cost
        self.random, self.jitter = np.random.default_rng(seed), jitter
        self.evaluations: list[tuple[int, int]] = []  # steps and epochs
        self.doubling: list[int] = []

    def run(self, steps: int, *, epoch: int = 0, before: tuple[int, int, int] = (0, 0, 0)) -> Training:
        start, epochs, distance = before
        schedule = Schedule(start, epochs, distance=distance, clock=lambda: self.now)
        for done in range(start + 1, start + steps + 1):
            self.now += self.step * self.random.lognormal(0.0, self.jitter)
            if schedule.is_due(done):
                self.evaluate(schedule, done, epochs)
            if epoch and done % epoch == 0:
                epochs += 1
                if schedule.is_due_at_end(done, epochs):
                    self.evaluate(schedule, done, epochs)
        return self

    def evaluate(self, schedule: Schedule, steps: int, epochs: int) -> None:
        seconds = self.cost * self.random.lognormal(0.0, self.jitter) * (1 + 20 * (not self.evaluations))
        self.now += seconds
        self.spent += seconds
        self.evaluations.append((steps, epochs))
        self.doubling += [steps] if schedule.is_doubling else []
        schedule.evaluated(steps, epochs, seconds=seconds)

    @property
    def steps(self) -> list[int]:
        return [steps for steps, _ in self.evaluations]


def test_times_double_and_are_even_from_then_on():
    training = Training(cost=5.0).run(10_000)
    assert training.steps == [1, 2, 4, 8, 16, 32, 64, 128, *range(256, 10_001, 256)]
    assert training.doubling == [2**power for power in range(14)]


@pytest.mark.parametrize("cost", [0.1, 7.0, 60.0, 300.0])
def test_evaluations_take_no_more_than_their_share_once_times_are_even(cost):
    training = Training(cost=cost, jitter=0.3).run(40_000)
    early = sum(cost for steps in training.steps if steps < 2 * cost / SHARE)
    assert training.spent - early - 21 * cost < 1.25 * SHARE * 40_000
    late = [steps for steps in training.steps if steps > 12_000]
    distance = np.diff(late).max()
    assert cost / SHARE / 2 <= distance * 1.3  # and not much less
    assert set(np.diff(late)) == {distance}


@pytest.mark.parametrize("cost", [0.01, 5.0, 1000.0])
def test_after_128_steps_there_are_points_enough_for_the_rule(cost):
    assert len(Training(cost=cost).run(128).steps) >= 8


def test_trainings_alike_are_evaluated_at_the_same_times():
    times = {tuple(Training(cost=7.2, jitter=0.1, seed=seed).run(5_000).steps) for seed in range(10)}
    assert len(times) == 1


def test_long_distances_are_whole_epochs():
    training = Training(cost=15.0).run(125 * 100, epoch=125)
    assert training.evaluations[:8] == [(1, 0), (2, 0), (4, 0), (8, 0), (16, 0), (32, 0), (64, 0), (125, 1)]
    assert [epochs for _, epochs in training.evaluations[8:]] == [2, 4, *range(8, 101, 8)]  # 750 steps are 6 epochs
    assert all(steps == 125 * epochs for steps, epochs in training.evaluations[7:])


def test_within_long_epochs_steps_count():
    training = Training(cost=5.0).run(3_000, epoch=1_000)
    assert training.steps == [1, 2, 4, 8, 16, 32, 64, 128, *range(256, 3_001, 256)]


def test_of_an_epoch_that_is_one_step_each_is_evaluated_once():
    training = Training(cost=1.0).run(200, epoch=1)
    assert training.steps == [1, 2, 4, 8, 16, 32, *range(64, 201, 64)]


def test_a_distance_changes_only_where_the_cost_does():
    training = Training(cost=5.0)
    schedule = Schedule(0, 0, clock=lambda: training.now)
    for done in range(1, 20_001):
        training.now += 1.0
        training.cost = 5.0 if done < 10_000 else 40.0  # another program has come
        if schedule.is_due(done):
            training.evaluate(schedule, done, 0)
    assert set(np.diff([steps for steps in training.steps if 256 <= steps <= 10_000])) == {256}
    assert np.diff(training.steps)[-1] > 256


def test_a_training_that_goes_on_keeps_its_distance():
    assert Training(cost=5.0).run(1_000, before=(5_000, 0, 256)).steps == [5120, 5376, 5632, 5888]
    training = Training(cost=15.0).run(125 * 20, epoch=125, before=(1_250, 10, 1_000))
    assert [epochs for _, epochs in training.evaluations] == [11, 16, 24]
