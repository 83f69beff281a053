import numpy as np
import pytest

from benign.foundation.errors import InvalidArgument
from benign.histories.readers.mapping import table_of_rows
from benign.histories.readers.table import Table, axis_named, logs_in
from tests.histories.readers.shown import points, values


def logs(rows):
    return list(logs_in(table_of_rows(rows), format="test", path=""))


@pytest.mark.parametrize(
    ("name", "axis"),
    [("epoch", "epoch"), ("Epoch ", "epoch"), ("_step", "step"), ("trainer/global_step", "step"), ("iter", "step"),
     ("Iteration", "step"), ("round", "round"), ("loss", None), ("step_time", None), ("", None)],
)  # fmt: skip
def test_names_that_count_time(name, axis):
    assert axis_named(name) == axis


def test_sparse_rows_are_joined_by_column():
    (log,) = logs([{"step": 1, "loss": 3.0}, {"step": 1, "val": 5.0}, {"step": 2, "loss": 2.0}])
    assert points(log) == {"loss": [(1, 3.0), (2, 2.0)], "val": [(1, 5.0)]}
    assert log.axis == "step"
    assert log.notes == ()


def test_epochs_count_unless_they_repeat_where_steps_do_not():
    rows = [{"epoch": n // 2, "step": n, "loss": float(n)} for n in range(6)]
    (by_step,) = logs(rows)
    assert (by_step.axis, points(by_step)["loss"][1]) == ("step", (1, 1.0))
    (by_epoch,) = logs(rows[::2])
    assert (by_epoch.axis, points(by_epoch)["loss"][1]) == ("epoch", (1, 2.0))


def test_a_resume_keeps_the_order_of_the_log_and_is_said_where_it_is_joined():
    (log,) = logs([{"epoch": n, "loss": float(n)} for n in (0, 1, 2, 1, 2, 3)])
    assert log.columns[0].positions.tolist() == [0, 1, 2, 1, 2, 3]
    assert log.notes == ()


def test_rows_of_batches_lie_within_their_epochs():
    rows = [{"epoch": 1 + n // 4, "loss": float(n)} for n in range(12)]
    (log,) = logs(rows)
    assert log.columns[0].positions.tolist() == [(n + 1) / 4 for n in range(12)]


def test_without_a_column_that_counts_evaluations_are_counted():
    (log,) = logs([{"loss": 3.0}, {"loss": 2.0}])
    assert (log.axis, points(log)) == ("evaluation", {"loss": [(1, 3.0), (2, 2.0)]})


def test_runs_in_one_table_are_told_apart():
    rows = [{"run": name, "epoch": n, "loss": n + k} for k, name in enumerate("ba") for n in range(3)]
    assert {log.name: values(log)["loss"] for log in logs(rows)} == {"b": [0, 1, 2], "a": [1, 2, 3]}
    seeds = [{"seed": seed, "epoch": n, "loss": float(n)} for n in range(3) for seed in (1, 2)]
    assert [log.name for log in logs(seeds)] == ["seed 1", "seed 2"]


def test_a_seed_that_only_says_one_thing_makes_no_runs():
    (log,) = logs([{"seed": 1, "epoch": n, "loss": float(n)} for n in range(3)])
    assert (log.name, list(values(log))) == ("", ["loss"])


def test_phases_make_a_column_for_each_kind_of_samples():
    rows = [{"epoch": n, "phase": phase, "loss": n + k} for n in range(3) for k, phase in enumerate(("train", "val"))]
    (log,) = logs(rows)
    assert values(log) == {"train_loss": [0, 1, 2], "val_loss": [1, 2, 3]}


def test_a_table_of_names_and_values_is_widened():
    rows = [
        {"step": n, "metric": name, "value": n + k} for n in range(3) for k, name in enumerate(("loss", "val/loss"))
    ]
    (log,) = logs(rows)
    assert values(log) == {"loss": [0, 1, 2], "val/loss": [1, 2, 3]}


@pytest.mark.parametrize(
    ("recorded", "read"),
    [
        ([3, np.nan, 2, np.nan, 1], [3, 2, 1]),
        ([np.nan, 3, np.nan, 2, np.nan], [3, 2]),
        ([3, 2, np.nan], [3, 2, np.nan]),
        ([3, np.nan, 2, np.nan, np.nan], [3, 2, np.nan, np.nan]),
        ([np.nan, np.nan], [np.nan, np.nan]),
        ([3, np.inf, 2], [3, np.inf, 2]),
    ],
)
def test_nan_before_a_number_is_a_gap_and_nan_to_the_end_is_a_loss_that_is_lost(recorded, read):
    (log,) = logs([{"epoch": n, "v": value} for n, value in enumerate(recorded)])
    np.testing.assert_array_equal(log.columns[0].values, np.array(read, dtype=float))


def test_a_frame_below_another_one_did_not_diverge_where_it_ends():
    rows = [{"epoch": n, "train": 1.0, "val": np.nan} for n in range(4)]
    rows += [{"epoch": n, "train": np.nan, "val": 2.0} for n in range(4)]
    (log,) = logs(rows)
    assert values(log) == {"train": [1.0] * 4, "val": [2.0] * 4}


def test_repeated_names_both_stay():
    one = table_of_rows([{"epoch": 1, "loss": 1.0}, {"epoch": 2, "loss": 2.0}])
    (log,) = logs_in(Table(names=(*one.names, "loss"), columns=(*one.columns, one.columns[1])), format="", path="")
    assert [column.name for column in log.columns] == ["loss", "loss"]
    assert log.notes == ("Several columns are called 'loss'.",)


def test_a_table_that_only_counts_is_refused():
    with pytest.raises(InvalidArgument, match="no column of numbers beside the one that counts"):
        logs([{"epoch": 1}, {"epoch": 2}])
