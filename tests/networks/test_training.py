"""Settings: what is refused and in which words, when recordings are made, what a training is known by."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benign.foundation.errors import InvalidArgument, UnknownName
from benign.networks import Training

pytestmark = pytest.mark.usefixtures("unchecked")
WRONG = {
    "optimizer": ({"optimizer": "adamw"}, r"^unknown optimizer 'adamw'; did you mean 'adam'\? Known: adam, momentum"),
    "loss": ({"loss": "crossentropy"}, r"^unknown loss 'crossentropy'; did you mean 'cross-entropy'\?"),
    "schedule": ({"schedule": "cosin"}, r"^unknown schedule 'cosin'; did you mean 'cosine'\?"),
    "precision": ({"precision": "float16"}, r"^unknown precision 'float16'; did you mean"),
    "no epochs": ({"epochs": 0}, r"^`epochs` must be a positive integer, got 0\.$"),
    "no steps": ({"steps": 0}, r"^`steps` must be a positive integer, got 0\.$"),
    "empty batch": ({"batch_size": 0}, r"^`batch_size` must be a positive integer, got 0\.$"),
    "half a batch": ({"batch_size": 0.5}, r"^`batch_size` must be a positive integer, got 0\.5\.$"),
    "epochs and steps": ({"epochs": 2, "steps": 5}, r"^`epochs` and `steps` cannot both be given; leave one"),
    "rate zero": ({"learning_rate": 0.0}, r"^`learning_rate` must be a positive number, got 0\.0\.$"),
    "rate negative": ({"learning_rate": -1e-3}, r"^`learning_rate` must be a positive number, got -0\.001\.$"),
    "rate infinite": ({"learning_rate": math.inf}, r"^`learning_rate` must be a positive number, got inf\.$"),
    "rate in words": ({"learning_rate": "fast"}, r"^`learning_rate` must be a positive number, got 'fast'\.$"),
    "decay negative": ({"weight_decay": -1.0}, r"^`weight_decay` must be zero or a positive number, got -1\.0\.$"),
    "momentum one": ({"momentum": 1.0}, r"^`momentum` must lie from 0 up to but not including 1, got 1\.0\.$"),
    "average negative": ({"average": -0.1}, r"^`average` must lie from 0 up to but not including 1, got -0\.1\.$"),
}


@pytest.mark.parametrize(("setting", "sentence"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_setting_gets_a_sentence(setting, sentence):
    with pytest.raises(InvalidArgument, match=sentence):
        Training(**setting)


def test_an_unknown_name_is_its_own_error():
    with pytest.raises(UnknownName):
        Training(optimizer="lion")  # type: ignore[arg-type]


def test_without_a_duration_training_takes_100_epochs():
    assert (Training().last_time, Training().time_name) == (100, "epochs")
    assert Training().spec() == Training(epochs=100).spec()
    assert Training(steps=7).epochs is None


@given(samples=st.integers(1, 300), batch=st.integers(1, 300), epochs=st.integers(1, 20))
def test_epochs_are_steps_of_whole_batches_and_a_short_one(samples, batch, epochs):
    training = Training(batch_size=min(samples, batch), epochs=epochs)
    assert training.steps_per_epoch(samples) == len(range(0, samples, min(samples, batch)))
    assert training.total_steps(samples) == epochs * training.steps_per_epoch(samples)


def test_a_number_of_steps_does_not_depend_on_the_samples():
    training = Training(steps=7, batch_size=10)
    assert [training.total_steps(n) for n in (10, 11, 1000)] == [7, 7, 7]


def test_a_batch_larger_than_the_training_set():
    with pytest.raises(InvalidArgument, match=r"^`batch_size` must be at most .*, got 16 of 15; lower it, or None for"):
        Training(batch_size=16).steps_per_epoch(15)


def test_times_become_steps():
    training = Training(batch_size=16, epochs=10)
    assert training.steps_at([0, 1 / 3, 2 / 3, 1, 2.0, math.inf], 40).tolist() == [0, 1, 2, 3, 6, 30]
    assert Training(steps=9, batch_size=16).steps_at([0, 4, 9], 40).tolist() == [0, 4, 9]


BAD_TIMES = {
    "past the end": ([1, 11], r"^`times` must lie from 0 to the end of training, 10 epochs, got 11; train longer or"),
    "before the start": ([-1, 1], r"^`times` must lie from 0 to the end of training, 10 epochs, got -1;"),
    "no number": ([math.nan], r"^`times` must lie from 0 to the end of training, 10 epochs, got nan;"),
    "between steps": ([0.5], r"^`times` must fall on whole steps, of which an epoch has 3, got 0\.5; round it\.$"),
    "repeated": ([1, 1], r"^`times` must increase strictly, got \[1, 1\]; sort them and drop repeats\.$"),
    "falling": ([2, 1], r"^`times` must increase strictly, got \[2, 1\]; sort them and drop repeats\.$"),
    "none": ([], r"^`times` must increase strictly, got \[\]"),
}


@pytest.mark.parametrize(("times", "sentence"), BAD_TIMES.values(), ids=BAD_TIMES.keys())
def test_a_time_that_is_no_step_gets_a_sentence(times, sentence):
    with pytest.raises(InvalidArgument, match=sentence):
        Training(batch_size=16, epochs=10).steps_at(times, 40)


def test_times_past_the_end_are_told_in_the_unit_of_the_training():
    with pytest.raises(InvalidArgument, match=r"10 gradient steps, got 11;"):
        Training(steps=10).steps_at([11], 128)


@given(end=st.integers(1, 5000), count=st.integers(2, 50))
def test_log_spaced_times_are_whole_from_one_to_the_end(end, count):
    times = Training(epochs=end).log_spaced(count)
    assert times[0] == 1
    assert times[-1] == end
    assert len(times) <= count
    assert all(moment == round(moment) for moment in times)
    assert np.all(np.diff(times) > 0)


def test_log_spaced_times_are_evenly_spread_on_a_logarithmic_scale():
    assert Training(epochs=1000).log_spaced(4) == (1.0, 10.0, 100.0, 1000.0)


CHANGES: dict[str, Any] = {
    "loss": "squared", "optimizer": "sgd", "learning_rate": 0.5, "schedule": "cosine", "batch_size": None,
    "epochs": 7, "weight_decay": 0.1, "average": 0.5, "stop_at_zero_error": True, "precision": "float64",
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_every_setting_is_part_of_what_a_training_is_known_by(name):
    changed = replace(Training(), **{name: CHANGES[name]}).spec()
    assert {key for key in changed if changed[key] != Training().spec()[key]} == {name}


def test_momentum_is_known_only_where_it_is_used():
    assert "momentum" not in Training().spec()
    assert Training(optimizer="momentum", momentum=0.5).spec()["momentum"] == 0.5
    assert Training(steps=5).spec()["steps"] == 5
    assert "epochs" not in Training(steps=5).spec()
