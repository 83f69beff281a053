"""The synthetic twin of a data set: moments and signal stay, the laws of a source hold."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import benign
from benign.diagnosis.more_data.teacher import teacher_of
from benign.diagnosis.more_data.twin import can_have_twin, twins_of
from benign.foundation.replicate import Replicate
from tests.diagnosis.benches import NOISE, on_bench, table


@pytest.fixture(scope="module")
def twins():
    with on_bench(table(200, 5), 5) as bench:
        return twins_of(bench)


def test_the_twin_of_a_linear_law_has_its_signal_and_noise(twins):
    drawn = twins[0].draw(4000, Replicate())
    weights, residual, *_ = np.linalg.lstsq(drawn.train_inputs, drawn.train_targets[:, 0], rcond=None)
    np.testing.assert_allclose(weights, 1 / np.sqrt(5.0), atol=0.1)
    assert np.sqrt(residual[0] / 4000) == pytest.approx(NOISE, rel=0.15)


def test_mean_and_covariance_of_the_inputs_stay(twins):
    drawn = twins[0].draw(4000, Replicate()).train_inputs
    np.testing.assert_allclose(drawn.mean(axis=0), twins[0].rows.mean(axis=0), atol=0.08)
    np.testing.assert_allclose(np.cov(drawn.T), np.cov(twins[0].rows.T), atol=0.12)


def test_inputs_stay_within_the_range_of_each_column(twins):
    drawn, rows = twins[0].draw(1000, Replicate()).train_inputs, twins[0].rows
    assert (drawn >= rows.min(axis=0)).all()
    assert (drawn <= rows.max(axis=0)).all()


def test_the_second_world_hides_half_of_the_noise_in_a_linear_signal(twins):
    one, other = (world.draw(4000, Replicate()) for world in twins)
    residual = [
        np.linalg.lstsq(split.train_inputs, split.train_targets[:, 0], rcond=None)[1][0] for split in (one, other)
    ]
    assert residual[1] / residual[0] == pytest.approx(0.5, abs=0.06)


def test_a_training_set_is_the_beginning_of_a_larger_one_and_no_draw_changes_another(twins):
    small, large = (twins[0].draw(samples, Replicate(draw=3)) for samples in (50, 700))
    np.testing.assert_array_equal(small.train_inputs, large.train_inputs[:50])
    np.testing.assert_array_equal(small.train_targets, large.train_targets[:50])
    np.testing.assert_array_equal(small.test_inputs, large.test_inputs)
    other = twins[0].draw(50, Replicate(draw=4))
    assert not np.array_equal(small.train_inputs, other.train_inputs)
    again = pickle.loads(pickle.dumps(twins[0])).draw(50, Replicate(draw=3))
    np.testing.assert_array_equal(again.train_targets, small.train_targets)


def test_classes_of_a_twin_are_drawn_from_probabilities_that_are_as_sure_as_the_data():
    random = np.random.default_rng(0)
    inputs = random.standard_normal((500, 4))
    labels = (inputs[:, 0] > 0.0) ^ (random.random(500) < 0.2)
    source = benign.sources.arrays(inputs, labels.astype(int), test_samples=100, scale="none")
    with on_bench(source, 4) as bench:
        (twin,) = twins_of(bench)
    drawn = twin.draw(4000, Replicate())
    sign = drawn.train_inputs[:, 0] > 0.0
    is_wrong = sign != (drawn.train_targets[:, 1] == 1.0)
    assert is_wrong[np.abs(drawn.train_inputs[:, 0]) > 0.5].mean() == pytest.approx(0.2, abs=0.08)
    np.testing.assert_array_equal(drawn.train_targets.sum(axis=1), 1.0)


def test_the_teacher_leaves_out_one_row_as_if_it_were_refitted():
    random = np.random.default_rng(1)
    inputs = random.standard_normal((40, 3))
    targets = np.sin(2.0 * inputs[:, :1]) + 0.1 * random.standard_normal((40, 1))
    teacher = teacher_of(inputs, targets, is_classification=False)
    assert teacher.bandwidth > 0.0  # the law is not linear
    plain = teacher_of(inputs, inputs @ np.ones((3, 1)), is_classification=False)
    assert plain.bandwidth == 0.0
    np.testing.assert_allclose(plain.answers(inputs), inputs @ np.ones((3, 1)), atol=1e-3)


def test_a_table_with_text_has_no_twin():
    pd = pytest.importorskip("pandas")
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"x": random.standard_normal(100), "s": ["a", "b"] * 50})
    source = benign.sources.arrays(random.standard_normal((100, 1)), np.arange(100.0), test_samples=20)
    with on_bench(source, 1) as bench:
        assert can_have_twin(bench)
    text = benign.sources.frame(frame.assign(y=random.standard_normal(100)), target="y", as_frame=True)
    with on_bench(text, 1) as bench:
        assert not can_have_twin(bench)
