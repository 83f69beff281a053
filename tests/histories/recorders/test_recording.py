"""Counting, averaging and writing, of a model that is one number."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

import benign
from benign.foundation.errors import InvalidArgument, OutputFailed
from benign.histories.recorders.learner import Measured
from benign.histories.recorders.log_file import LogFile
from benign.histories.recorders.recording import DECAY, Recording

triage: Any = benign.triage


class Number:
    """A learner whose weight is a number, and whose losses are that number."""

    def __init__(self, parts=None, *, cost=0.0):
        self.parts, self.cost = parts or {"train": 1.0}, cost
        self.weight = self.average_weight = 0.0
        self.now = 0.0

    def facts(self):
        return {"recorder": "Number", "validation_samples": 10_000, "train_samples": 50_000, "classes": 10}

    @contextmanager
    def undisturbed(self):
        yield

    def seconds(self):
        return self.now

    def settle(self):
        self.now += 1e-6

    def measure(self, samples):
        self.now += self.cost
        error = {"kept_train": 0.1, "flipped_train": 0.9}.get(samples, 0.5)
        return Measured(loss=self.weight, error=error)

    def average(self, weight):
        self.average_weight += weight * (self.weight - self.average_weight)
        return True

    @contextmanager
    def averaged(self):
        present, self.weight = self.weight, self.average_weight
        yield
        self.weight = present

    def learning_rate(self):
        return None


def recording(path, learner, **options):
    """Each step takes a second, an evaluation nearly none unless said."""
    return Recording(learner, LogFile(path, resume=options.pop("resume", False)), **options)


def train(watched, learner, values, *, epoch=0):
    for count, value in enumerate(values, start=1):
        learner.weight, learner.now = float(value), learner.now + 1.0
        watched.step()
        if epoch and count % epoch == 0:
            watched.epoch()


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()[1:]]


def test_every_step_is_evaluated_where_that_costs_nothing(tmp_path):
    learner = Number()
    train(recording(tmp_path / "log", learner), learner, range(1, 41))
    written = rows(tmp_path / "log")
    assert [row["step"] for row in written] == [1, 2, *range(3, 41)]
    assert [row["validation_loss"] for row in written] == [row["step"] for row in written]
    assert "learning_rate" not in written[0]
    assert "epoch" not in written[0]


def test_the_average_is_exponential_and_without_bias(tmp_path):
    learner, values = Number(), np.random.default_rng(0).normal(size=60)
    train(recording(tmp_path / "log", learner), learner, values)
    for row in rows(tmp_path / "log"):
        weights = DECAY ** np.arange(row["step"])[::-1]
        expected = weights @ values[: row["step"]] / weights.sum()
        assert row["averaged_validation_loss"] == pytest.approx(expected, rel=1e-6)


def test_later_every_eighth_step_stands_for_those_before(tmp_path):
    learner, values = Number(cost=20.0), np.random.default_rng(0).normal(size=1_000)
    train(recording(tmp_path / "log", learner), learner, values)
    taken = [*range(1, 65), *range(72, 1_001, 8)]
    masses = 1.0 - DECAY ** np.diff([0, *taken])
    weights = masses * DECAY ** (1_000 - np.array(taken))
    assert learner.average_weight == pytest.approx(weights @ values[np.array(taken) - 1] / (1 - DECAY**1_000), rel=1e-9)
    whole = DECAY ** np.arange(1_000)[::-1]
    assert learner.average_weight == pytest.approx(whole @ values / whole.sum(), abs=0.4)  # of jitter, nearly as much


def test_positions_are_epochs_once_one_is_complete(tmp_path):
    learner = Number()
    train(recording(tmp_path / "log", learner), learner, range(10), epoch=4)
    assert [row.get("epoch") for row in rows(tmp_path / "log")] == [
        None,
        None,
        None,
        None,
        1.25,
        1.5,
        1.75,
        2,
        2.25,
        2.5,
    ]


def test_epochs_alone_are_steps(tmp_path):
    learner = Number()
    watched = recording(tmp_path / "log", learner)
    for value in range(1, 6):
        learner.weight, learner.now = value, learner.now + 1.0
        watched.epoch()
    assert [(row["step"], row["epoch"]) for row in rows(tmp_path / "log")] == [(k, k) for k in range(1, 6)]


def test_the_end_is_recorded_once(tmp_path):
    learner = Number(cost=9.0)
    watched = recording(tmp_path / "log", learner)
    train(watched, learner, range(11))
    watched.close()
    watched.close()
    assert [row["step"] for row in rows(tmp_path / "log")] == [1, 2, 4, 8, 11]


def test_errors_of_relabelled_samples_stand_apart_and_count_by_their_share(tmp_path):
    learner = Number({"kept_train": 0.75, "flipped_train": 0.25})
    train(recording(tmp_path / "log", learner), learner, [1.0])
    (row,) = rows(tmp_path / "log")
    assert (row["kept_train_error"], row["flipped_train_error"], row["train_error"]) == (0.1, 0.9, pytest.approx(0.3))
    assert json.loads((tmp_path / "log").read_text().splitlines()[0])["label_noise"] == 0.25


def test_the_penalty_is_measured_at_doubling_times_and_its_cost_does_not_thin_the_rest(tmp_path):
    learner = Number()

    def penalty():
        learner.now += 1_000.0
        return 0.25

    watched = recording(tmp_path / "log", learner, penalty=penalty)
    train(watched, learner, range(40))
    assert [row["step"] for row in rows(tmp_path / "log") if "gradient_penalty" in row] == [1, 2, 4, 8, 16, 32]
    assert len(rows(tmp_path / "log")) == 40


@pytest.mark.parametrize("noise", [1.0, -0.1, math.nan, "much"])
def test_a_share_of_wrong_labels_that_is_none_is_refused(tmp_path, noise, unchecked):
    with pytest.raises(InvalidArgument, match="`label_noise` must be a share"):
        recording(tmp_path / "log", Number(), label_noise=noise)


def test_a_log_that_is_there_is_kept_unless_the_training_goes_on(tmp_path):
    path, learner = tmp_path / "deep" / "log", Number()
    train(recording(path, learner), learner, range(1, 21), epoch=10)
    before = path.read_text()
    with pytest.raises(InvalidArgument, match=r"a log that is there already.*resume=True"):
        recording(path, learner)
    assert path.read_text() == before
    train(recording(path, learner, resume=True), learner, range(1, 21), epoch=10)
    assert path.read_text().startswith(before)
    assert path.read_text().count("benign_recorder") == 1
    assert [row["step"] for row in rows(path)] == list(range(1, 41))
    assert rows(path)[-1]["epoch"] == 4


def test_what_is_no_log_of_a_recorder_is_not_written_to(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("epoch,loss\n")
    with pytest.raises(InvalidArgument, match="no recorder has written"):
        recording(path, Number(), resume=True)
    assert path.read_text() == "epoch,loss\n"


def test_a_place_that_cannot_be_written_is_told_at_once(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputFailed, match="cannot be written"):
        recording(tmp_path / "file" / "log", Number())


def test_a_full_disk_stops_the_log_and_not_the_training(tmp_path, monkeypatch):
    learner = Number()
    watched = recording(tmp_path / "log", learner)
    train(watched, learner, range(3))

    def fail(self, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(LogFile, "_append", fail)
    with pytest.warns(UserWarning, match="No space left on device"):
        train(watched, learner, range(3))
    train(watched, learner, range(3))
    assert watched.steps == 9
    assert len(rows(tmp_path / "log")) == 3


def test_half_a_line_that_a_kill_has_left_is_cut_off_when_it_goes_on(tmp_path):
    path, learner = tmp_path / "log", Number()
    train(recording(path, learner), learner, range(1, 6))
    with path.open("a") as file:
        file.write('{"step": 6, "validation_lo')
    assert triage(path).landmarks.last.time == 5
    train(recording(path, learner, resume=True), learner, range(1, 4))
    assert [row["step"] for row in rows(path)] == list(range(1, 9))


def test_a_kill_loses_nothing_that_was_evaluated(tmp_path):
    code = (
        "import os, signal, sys\n"
        "from benign.histories.recorders.log_file import LogFile\n"
        "file = LogFile(sys.argv[1], resume=False)\n"
        "file.begin({'validation_samples': 5000})\n"
        "for step in range(1, 21): file.write({'step': step, 'validation_loss': 1.0 / step})\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "log")], check=False, env={**os.environ})
    assert done.returncode == -signal.SIGKILL
    answer = triage(tmp_path / "log")
    assert (answer.state, answer.history.validation_samples, answer.landmarks.last.time) == ("improving", 5_000, 20)


def test_a_loss_that_is_no_number_is_recorded_as_that(tmp_path):
    learner = Number()
    train(
        recording(tmp_path / "log", learner), learner, [3.0, 2.0, 2.5, 1.9, 1.8, 1.5, 1.4, 1.3, 1.2, math.nan, math.nan]
    )
    assert "divergence" in triage(tmp_path / "log").codes
