"""Logs joined to histories: against a plain transcription, and case by case."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benign.foundation.errors import InvalidArgument
from benign.histories.history import History
from benign.histories.log import Log
from benign.histories.recorded import history_of
from benign.histories.roles import assigned
from tests.histories.columns import log_of

LOSS = [3.0, 2.0, 1.0, 1.5]


def _joined(log: Log, **given: float | None) -> tuple[History, str]:
    history, notes = history_of(log, assigned(log), **given)  # type: ignore[arg-type]
    return history, " ".join(notes)


def _places(most: int) -> st.SearchStrategy[list[float]]:
    return st.lists(st.integers(1, 2 * most).map(lambda half: half / 2), min_size=1, max_size=most, unique=True).map(
        sorted
    )


VALUES = st.lists(st.floats(-9.0, 9.0) | st.just(math.nan), min_size=9, max_size=9)


@given(_places(6), _places(9), VALUES)
@settings(max_examples=60)
def test_curves_are_joined_as_a_plain_transcription_joins_them(times, positions, values):
    values = values[: len(positions)]
    pair = (positions, values)
    log = log_of(val_loss=(times, np.arange(len(times))), train_loss=pair, test_loss=pair, lr=pair)
    history, _ = _joined(log)
    recorded = list(zip(positions, values, strict=True))
    for k, time_ in enumerate(times):
        since = [value for place, value in recorded if (times[k - 1] if k else 0) < place <= time_]
        finite = [value for value in since if math.isfinite(value)]
        before = [value for place, value in recorded if place <= time_]
        expected = {
            "train_loss": sum(finite) / len(finite) if finite else math.nan,
            "test_loss": since[-1] if since else math.nan,
            "learning_rate": before[-1] if before else math.nan,
        }
        for curve, value in expected.items():
            np.testing.assert_allclose(getattr(history, curve)[k], value, atol=1e-12, err_msg=curve)


@given(st.lists(st.integers(0, 12).map(float), min_size=1, max_size=20), st.sampled_from(["epoch", "step"]))
def test_times_are_positive_and_rise_whatever_was_recorded(positions, axis):
    curve = (positions, np.arange(len(positions)))
    history, _ = _joined(log_of(axis=axis, val_loss=curve, loss=curve))
    assert history.times[0] > 0.0
    assert np.all(np.diff(history.times) > 0.0)
    assert history.validation_loss is not None
    assert history.validation_loss.shape == history.times.shape


def test_epochs_are_counted_from_1():
    curve = ([0, 1, 2, 3], LOSS)
    history, notes = _joined(log_of(loss=curve, val_loss=curve))
    assert history.times.tolist() == [1, 2, 3, 4]
    assert history.train_loss is not None
    assert history.train_loss.tolist() == LOSS
    assert "counts its epochs from 0" in notes


def test_an_evaluation_before_the_training_is_left_out():
    history, notes = _joined(log_of(axis="step", val_loss=([0, 250, 500], [9.0, 2.0, 1.0])))
    assert history.times.tolist() == [250, 500]
    assert history.validation_loss is not None
    assert history.validation_loss.tolist() == [2, 1]
    assert "before the training" in notes


def test_fractions_of_epochs_stay():
    history, notes = _joined(log_of(loss=([0.5, 1.0, 1.5, 2.0], LOSS), eval_loss=([1, 2], [1, 2])))
    assert history.times.tolist() == [1, 2]
    assert history.train_loss is not None
    assert history.train_loss.tolist() == [2.5, 1.25]
    assert "from 0" not in notes


def test_an_evaluation_at_epoch_0_among_fractions_is_before_the_training():
    history, _ = _joined(log_of(loss=([0.5, 1.0, 1.5, 2.0], LOSS), eval_loss=([0, 1, 2], [9, 1, 2])))
    assert history.times.tolist() == [1, 2]


def test_a_resume_counts_once_and_is_told_once():
    positions = [1, 2, 3, 4, 3, 4, 5]
    curve = (positions, [1, 2, 30, 40, 3, 4, 5])
    history, notes = _joined(log_of(loss=curve, val_loss=curve))
    assert history.times.tolist() == [1, 2, 3, 4, 5]
    assert history.validation_loss is not None
    assert history.validation_loss.tolist() == [1, 2, 3, 4, 5]
    assert notes.count("resumed") == 1


def test_missing_epochs_stay_gaps():
    history, notes = _joined(log_of(val_loss=([1, 2, 3, 6, 7, 8], [6, 5, 4, 3, 2, 1])))
    assert history.times.tolist() == [1, 2, 3, 6, 7, 8]
    assert "2 evaluations are missing, the first after epoch 3" in notes


def test_accuracies_become_errors_in_one_unit():
    history, notes = _joined(log_of(accuracy=[50.0, 75.0], val_accuracy=[40.0, 60.0], loss=[2, 1], val_loss=[2, 1]))
    assert history.train_error == pytest.approx([0.5, 0.25])
    assert history.validation_error == pytest.approx([0.6, 0.4])
    assert "percent" in notes


def test_an_error_that_is_none_is_refused_and_the_rest_is_used():
    history, notes = _joined(log_of(val_error=[250.0, 120.0], val_loss=[2, 1]))
    assert history.validation_error is None
    assert "no share of samples" in notes


def test_what_is_not_finite_is_a_gap_and_the_first_is_kept():
    values = [1.0, math.nan, 2.0, math.inf]
    history, _ = _joined(log_of(loss=values, val_loss=[1, 2, 3, math.inf]))
    assert history.diverged_at == 2
    np.testing.assert_array_equal(history.train_loss, [1, math.nan, 2, math.nan])
    np.testing.assert_array_equal(history.validation_loss, [1, 2, 3, math.nan])


def test_a_loss_diverges_between_two_evaluations():
    history, _ = _joined(
        log_of(axis="step", loss=([10, 20, 30, 40], [1, math.nan, 1, 1]), eval_loss=([15, 40], [1, 1]))
    )
    assert history.diverged_at == 20
    assert history.train_loss is not None
    assert history.train_loss.tolist() == [1, 1]


def test_an_error_that_is_no_number_is_no_divergence():
    history, _ = _joined(log_of(val_error=[0.5, math.nan], val_loss=[2, 1]))
    assert history.diverged_at is None


def test_steps_and_epochs_are_joined_and_that_is_said():
    log = log_of({"Loss/train": (np.arange(40), np.arange(40)), "Loss/val": ([0, 1, 2, 3], LOSS)}, axis="step")
    history, notes = _joined(log)
    assert (history.axis, history.times.tolist()) == ("epoch", [1, 2, 3, 4])
    assert history.train_loss is not None
    assert history.train_loss.tolist() == [4.5, 14.5, 24.5, 34.5]
    assert "at steps and others at epochs" in notes


def test_parts_are_added_and_rows_of_zeros_left_out():
    log = log_of({"val/box_loss": [1, 0, 2, 1], "val/cls_loss": [2, 0, 2, 1], "train/loss": [1, 1, 1, 1]})
    history, notes = _joined(log)
    assert history.times.tolist() == [1, 3, 4]
    assert history.validation_loss is not None
    assert history.validation_loss.tolist() == [3, 4, 2]
    assert "are 0 were left out" in notes


@pytest.mark.parametrize(("values", "read"), [([-2.0, -1.0], [2, 1]), ([2.0, 1.0], [2, 1])])
def test_a_negated_loss_is_turned(values, read):
    history, notes = _joined(log_of(val_neg_log_loss=values))
    assert history.validation_loss is not None
    assert history.validation_loss.tolist() == read
    assert ("negated" in notes) == (values[0] < 0)


def test_a_loss_below_zero_stays_without_a_word_for_it():
    history, _ = _joined(log_of(val_loss=[-2.0, -1.0]))
    assert history.validation_loss is not None
    assert history.validation_loss.tolist() == [-2, -1]


def test_metrics_keep_their_direction():
    history, _ = _joined(log_of(val_loss=LOSS, val_f1=[0.1, 0.2, 0.3, 0.4]))
    (metric,) = history.metrics
    assert (metric.name, metric.higher_is_better, metric.values.tolist()) == ("val_f1", True, [0.1, 0.2, 0.3, 0.4])


def test_one_curve_alone_is_a_history_with_a_word():
    history, notes = _joined(log_of(loss=LOSS))
    assert history.validation_loss is None
    assert history.times.tolist() == [1, 2, 3, 4]
    assert "No loss or error of validation" in notes
    assert "No training curve" in _joined(log_of(val_loss=LOSS))[1]


def test_one_evaluation_is_a_history_of_one():
    history, notes = _joined(log_of(val_loss=([0], [1.0])))
    assert history.times.tolist() == [1]
    assert "one evaluation alone" in notes


def test_the_error_stands_in_where_the_loss_has_one_value():
    history, _ = _joined(log_of(val_loss=([4], [1.0]), val_error=[0.4, 0.3, 0.2, 0.1]))
    assert history.times.tolist() == [1, 2, 3, 4]


def test_rows_at_no_position_are_left_out():
    history, notes = _joined(log_of(val_loss=([1, math.nan, 2, -1], LOSS)))
    assert history.times.tolist() == [1, 2]
    assert "2 rows at no position" in notes


@pytest.mark.parametrize("curves", [{"lr": LOSS, "foo": LOSS}, {}, {"val_loss": ([math.nan], [1.0])}])
def test_a_log_without_a_curve_gets_a_sentence(curves):
    with pytest.raises(InvalidArgument, match=r"its columns are .*say which is which"):
        _joined(log_of(curves))


def test_what_is_known_is_kept():
    history, _ = _joined(
        log_of(val_loss=LOSS), train_samples=10, validation_samples=5, classes=3, label_noise=0, test=0.25
    )
    known = (
        history.train_samples,
        history.validation_samples,
        history.classes,
        history.label_noise,
        history.test_score,
    )
    assert known == (10, 5, 3, 0.0, 0.25)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"train_samples": 0}, "`train_samples` must be a positive integer, got 0"),
        ({"validation_samples": 1.5}, "`validation_samples` must be a positive integer, got 1.5"),
        ({"classes": 1}, "`classes` must be at least 2"),
        ({"label_noise": 1}, "`label_noise` must be a share from 0 to below 1, got 1"),
        ({"label_noise": "0.2"}, "`label_noise` must be"),
        ({"test": 92.0}, "`test` must be the test error, a share from 0 to 1"),
        ({"test": math.nan}, "`test` must be"),
    ],
)
def test_what_cannot_be_gets_a_sentence(given, words):
    log = log_of(val_loss=LOSS)
    with pytest.raises(InvalidArgument) as caught:
        history_of(log, assigned(log), **given)
    assert str(caught.value).startswith(words)


def test_a_million_rows_take_no_time():
    rows = 10**6
    places, noise = np.arange(rows), np.random.default_rng(0).random(rows)
    log = log_of(loss=(places, noise), accuracy=(places, noise), val_loss=(places[::2], noise[::2]), lr=(places, noise))
    started = time.process_time()
    history, _ = _joined(log)
    assert time.process_time() - started < 2.0  # 0.3 s on one free core
    assert history.times.size == rows // 2
