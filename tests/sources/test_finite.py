"""Finite sources: scaling, what counts as classes, and the sentence for each kind of bad input."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest
from numpy.typing import ArrayLike

from benign.foundation.errors import InvalidArgument, UnknownName
from benign.foundation.replicate import Replicate
from benign.foundation.split import class_indices
from benign.sources import FiniteSource, arrays, finite
from tests.sources.cases import labels, table

NAN = float("nan")


def source_of(**settings: object) -> FiniteSource:
    return arrays(table(100, 3), labels(100), **settings)  # type: ignore[arg-type]


def raw_and_scaled(scale: str | float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Pool and test inputs before and after scaling."""
    replicate = Replicate(draw=4)
    raw = source_of(scale="none", test_samples=30).draw(1, replicate)
    scaled = source_of(scale=scale, test_samples=30).draw(1, replicate)
    return raw.pool, raw.test_inputs, scaled.pool, scaled.test_inputs


def test_standard_scaling_is_fitted_on_the_pool_alone() -> None:
    raw_pool, raw_test, pool, test = raw_and_scaled("standard")
    np.testing.assert_allclose(pool.mean(axis=0), 0.0, atol=1e-14)
    assert np.std(pool) == pytest.approx(1.0, rel=1e-14)
    assert np.std(pool, axis=0).max() > 1.2, "one number divides all columns: their spreads still differ"
    np.testing.assert_allclose(test, (raw_test - raw_pool.mean(axis=0)) / np.std(raw_pool - raw_pool.mean(axis=0)))
    assert abs(np.vstack([pool, test]).mean()) > 1e-6


def test_unit_scaling_divides_by_the_largest_entry_of_the_pool() -> None:
    raw_pool, raw_test, pool, test = raw_and_scaled("unit")
    assert np.abs(pool).max() == 1.0
    np.testing.assert_allclose(test, raw_test / np.abs(raw_pool).max(), rtol=1e-15)


def test_scaling_by_a_number() -> None:
    raw_pool, raw_test, pool, test = raw_and_scaled(255)
    np.testing.assert_array_equal(pool, raw_pool / 255.0)
    np.testing.assert_array_equal(test, raw_test / 255.0)


@pytest.mark.parametrize("scale", ["standard", "unit"])
def test_constant_inputs_do_not_divide_by_zero(scale: str) -> None:
    split = arrays(np.zeros((6, 2)), ["a", "b"] * 3, scale=scale).draw(3, Replicate())
    np.testing.assert_array_equal(split.pool, 0.0)


def test_pool_and_test_set_are_all_rows_with_their_labels() -> None:
    inputs, names = np.arange(100.0)[:, None], labels(100)
    source = arrays(inputs, names, scale="none", test_samples=23)
    split = source.draw(77, Replicate(draw=1))
    assert source.max_samples == 77
    seen = np.concatenate([split.pool, split.test_inputs])[:, 0]
    assert sorted(seen) == list(range(100))
    assert source.classes is not None
    targets = np.concatenate([split.train_targets_clean, split.test_targets])
    given = np.array(source.classes)[class_indices(targets)]
    np.testing.assert_array_equal(given, names[seen.astype(int)])


def test_the_order_of_rows_is_shuffled() -> None:
    split = arrays(np.arange(100.0), labels(100), scale="none").draw(50, Replicate())
    assert abs(np.corrcoef(split.train_inputs[:, 0], np.arange(50))[0, 1]) < 0.5


@pytest.mark.parametrize(("rows", "expected"), [(2, 1), (4, 1), (100, 20), (20_000, 2_000)])
def test_default_test_set_is_a_fifth_at_most_2000(rows: int, expected: int) -> None:
    source = arrays(np.arange(rows), np.arange(rows) % 2)
    assert source.test_samples == expected


def test_shapes_of_inputs() -> None:
    names = ["a", "b", "a", "b"]
    assert arrays([1, 2, 3, 4], names).draw(1, Replicate()).pool.shape == (3, 1)
    assert arrays(np.ones((4, 5, 6), dtype=np.uint8), names).draw(1, Replicate()).pool.shape == (3, 30)
    frame = pd.DataFrame({"x": [1, 2, 3, 4], "y": [0.5, 1.5, 2.5, 3.5], "z": [True, False, True, False]})
    assert arrays(frame, pd.Series(names)).draw(1, Replicate()).pool.shape == (3, 3)


@pytest.mark.parametrize(
    ("targets", "task", "classes"),
    [
        pytest.param(["b", "a", "b", "a"], "auto", ("a", "b"), id="strings"),
        pytest.param(pd.Series(["b", "a", "b", "a"], dtype="category"), "auto", ("a", "b"), id="categories"),
        pytest.param(np.array([b"b", b"a", b"b", b"a"]), "auto", ("a", "b"), id="bytes"),
        pytest.param([10, 9, 10, 9], "auto", ("9", "10"), id="few-integers-in-numeric-order"),
        pytest.param(np.array([[1], [0], [1], [0]]), "auto", ("0", "1"), id="one-column"),
        pytest.param([True, False, True, False], "auto", ("False", "True"), id="booleans"),
        pytest.param(np.array([1, 0, 1, 0], dtype=object), "auto", ("0", "1"), id="integer-objects"),
        pytest.param([1.0, 0.0, 1.0, 0.0], "classification", ("0", "1"), id="floats-said-to-be-classes"),
        pytest.param([5, 6, 7, 8], "classification", ("5", "6", "7", "8"), id="many-integers-said-to-be-classes"),
        pytest.param([1.0, 0.0, 1.0, 0.0], "auto", None, id="floats"),
        pytest.param([5, 6, 7, 8], "auto", None, id="many-integers"),
        pytest.param([1, 0, 1, 0], "regression", None, id="few-integers-said-to-be-values"),
        pytest.param([[1, 0], [0, 1], [1, 0], [0, 1]], "regression", None, id="two-outputs"),
    ],
)
def test_what_counts_as_classes(targets: ArrayLike, task: str, classes: tuple[str, ...] | None) -> None:
    source = arrays([1.0, 2.0, 3.0, 4.0], targets, task=task, scale="none", test_samples=1)
    assert source.classes == classes
    split = source.draw(3, Replicate())
    rows = (split.train_inputs[:, 0] - 1).astype(int)
    if classes is None:
        np.testing.assert_array_equal(split.train_targets, np.asarray(targets, dtype=float).reshape(4, -1)[rows])
    else:
        given = np.array([x.decode() if isinstance(x, bytes) else str(x) for x in np.asarray(targets).ravel()])
        given = np.char.removesuffix(given, ".0") if hasattr(np.char, "removesuffix") else given
        found = np.array(classes)[class_indices(split.train_targets)]
        np.testing.assert_array_equal(found, [str(name).removesuffix(".0") for name in given[rows]])


def test_more_than_50_different_integers_are_values() -> None:
    assert arrays(np.arange(200), np.arange(200) % 50).classes is not None
    assert arrays(np.arange(200), np.arange(200) % 51).classes is None


def test_the_users_arrays_are_copied() -> None:
    inputs, targets = np.arange(10.0)[:, None], np.linspace(0.0, 1.0, 10)
    source = arrays(inputs, targets, scale="none")
    before = source.draw(8, Replicate()).train_inputs.copy()
    inputs[:] = 0.0
    targets[:] = 0.0
    finite._drawn.cache_clear()
    after = source.draw(8, Replicate(noise=1))
    np.testing.assert_array_equal(after.train_inputs, before)
    assert after.train_targets.max() > 0.0
    assert inputs.flags.writeable


def test_splits_of_one_draw_share_their_inputs() -> None:
    source = source_of(label_noise=0.2)
    one, other = source.draw(50, Replicate(noise=0)), source.draw(60, Replicate(noise=1))
    assert np.shares_memory(one.train_inputs, other.train_inputs)


def test_fingerprint_notices_one_changed_number() -> None:
    inputs = table(20, 2)
    first = arrays(inputs, labels(20)).spec()["data"]
    inputs[3, 1] += 1e-9
    assert arrays(inputs, labels(20)).spec()["data"] != first
    other = labels(20)
    other[4] = other[4 - 1] if other[4] != other[3] else "ash" if other[4] != "ash" else "date"
    assert arrays(table(20, 2), other).spec()["data"] != first


def test_too_many_samples() -> None:
    message = (
        r"^`samples` must be at most 70, got 71: arrays has 100 rows and 30 of them are for testing; ask for fewer or "
        r"lower `test_samples`\.$"
    )
    source = source_of(test_samples=30)
    source.draw(70, Replicate())
    with pytest.raises(InvalidArgument, match=message):
        source.draw(71, Replicate())


BAD_DATA = {
    "nan": ([[0.0, 1.0], [2.0, NAN]], [0, 1], "`inputs` must be finite, got nan in row 1, column 1"),
    "infinite": ([[0.0, -np.inf], [2.0, 1.0]], [0, 1], "`inputs` must be finite, got -inf in row 0, column 1"),
    "none": ([[0.0], [None]], [0, 1], "`inputs` must be finite, got nan in row 1, column 0"),
    "masked": (
        np.ma.masked_equal([[1.0], [2.0]], 2.0),
        [0, 1],
        "`inputs` must have no masked entries, got one in row 1",
    ),
    "text": ([[0.0, 1.0], [2.0, "red"]], [0, 1], "`inputs` must be numbers, got 'red' in row 1, column 1"),
    "text-in-a-frame": (
        pd.DataFrame({"x": [1, 2], "y": [1, "red"]}),
        [0, 1],
        "`inputs` must be numbers, got 'red' in row 1, column 1",
    ),
    "dates": (np.array(["2020-01-01", "2020-01-02"], dtype="M8[D]"), [0, 1], "`inputs` must be numbers, got"),
    "complex": ([1j, 2j], [0, 1], "`inputs` must be numbers, got 1j in row 0, column 0"),
    "huge": ([[1e200], [0.0]], [0, 1], "`inputs` must not exceed 1e+150 in size, got 1e+200; rescale them"),
    "huge-integers": ([[10**400], [0]], [0, 1], "`inputs` must fit into float64"),
    "ragged": ([[0.0, 1.0], [2.0]], [0, 1], "`inputs` must have rows of equal length, got a ragged list"),
    "one-number": (3.0, [0, 1], "`inputs` must be a dense table with one row a sample, got 3.0"),
    "empty": ([], [], "`inputs` must have at least 2 rows, one to train on and one to test, got 0"),
    "one-sample": ([[1.0]], [1], "`inputs` must have at least 2 rows, one to train on and one to test, got 1"),
    "no-columns": (np.empty((3, 0)), [0, 1, 0], "`inputs` must have at least one column, got the shape (3, 0)"),
    "length": (
        [[0.0], [1.0], [2.0]],
        [0, 1],
        "`targets` must have one entry for each of the 3 rows of `inputs`, got 2",
    ),
    "target-number": ([[0.0], [1.0]], 1, "`targets` must have one entry for each of the 2 rows of `inputs`, got one"),
    "mixed-list": ([0.0, 1.0], ["a", 1], "`targets` must be all of one kind, got str and a number; convert them"),
    "mixed-objects": (
        [0.0, 1.0],
        np.array([1, "a"], dtype=object),
        "`targets` must be all of one kind, got a number and str; convert them",
    ),
    "missing-name": ([0.0, 1.0], ["a", None], "`targets` must be all of one kind, got str and NoneType"),
    "missing-value": ([0.0, 1.0, 2.0], [1.5, NAN, 0.5], "`targets` must be finite, got nan in row 1, column 0"),
    "one-class": ([0.0, 1.0], ["a", "a"], "`targets` must vary, got 'a' in every row; there is nothing"),
    "one-integer": ([0.0, 1.0], [7, 7], "`targets` must vary, got 7 in every row"),
    "constant": ([0.0, 1.0], [0.5, 0.5], "`targets` must vary, got 0.5 in every row"),
    "one-hot": ([0.0, 1.0], [[0, 1], [1, 0]], "`targets` must be one column, got the shape (2, 2) of int64"),
    "no-target-columns": ([0.0, 1.0], np.empty((2, 0)), "`targets` must have at least one column, got none"),
    "target-cube": ([0.0, 1.0], np.zeros((2, 2, 2)), "`targets` must be one column of class labels, got the shape"),
    "target-dates": ([0.0, 1.0], np.array(["2020", "2021"], dtype="M8[Y]"), "`targets` must be numbers, got"),
}


@pytest.mark.parametrize(("inputs", "targets", "message"), BAD_DATA.values(), ids=BAD_DATA.keys())
def test_bad_data_get_a_sentence(inputs: ArrayLike, targets: ArrayLike, message: str) -> None:
    with pytest.raises(InvalidArgument, match="^" + re.escape(message)) as caught:
        arrays(inputs, targets)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


BAD_TASKS = {
    "strings-as-values": (["a", "b"], "regression", "`targets` must be numbers, got 'a' in row 0, column 0"),
    "halves-as-classes": (
        [1.0, 1.5],
        "classification",
        "`targets` must be strings or integers to be classes, got 1.5 in row 1 (counted from 0)",
    ),
    "nan-as-class": ([1.0, NAN], "classification", "`targets` must be finite, got nan in row 1"),
    "dates-as-classes": (
        np.array(["2020", "2021"], dtype="M8[Y]"),
        "classification",
        "`targets` must be strings or integers to be classes, got datetime64[Y]",
    ),
    "outputs-as-classes": (
        np.eye(2),
        "classification",
        "`targets` must be one column of class labels, got the shape (2, 2)",
    ),
}


@pytest.mark.parametrize(("targets", "task", "message"), BAD_TASKS.values(), ids=BAD_TASKS.keys())
def test_targets_that_do_not_fit_the_task(targets: ArrayLike, task: str, message: str) -> None:
    with pytest.raises(InvalidArgument, match="^" + re.escape(message)):
        arrays([0.0, 1.0], targets, task=task)


BAD_SETTINGS = {
    "no-test-set": ({"test_samples": 0}, "`test_samples` must be a positive integer, got 0."),
    "negative-test-set": ({"test_samples": -1}, "`test_samples` must be a positive integer, got -1."),
    "all-for-testing": (
        {"test_samples": 100},
        "`test_samples` must leave rows to train on, got 100 of 100 rows; ask for at most 99.",
    ),
    "noise-in-percent": ({"label_noise": 20.0}, "`label_noise` must be a share of flipped labels"),
    "negative-noise": ({"label_noise": -0.1}, "`label_noise` must be a share of flipped labels"),
    "zero-scale": ({"scale": 0.0}, '`scale` must be a positive number, "standard", "unit" or "none", got 0.0.'),
    "infinite-scale": (
        {"scale": float("inf")},
        '`scale` must be a positive number, "standard", "unit" or "none", got inf.',
    ),
}


@pytest.mark.parametrize(("settings", "message"), BAD_SETTINGS.values(), ids=BAD_SETTINGS.keys())
def test_bad_settings_get_a_sentence(settings: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidArgument, match="^" + re.escape(message)):
        source_of(**settings)


def test_negative_deviation_of_values() -> None:
    with pytest.raises(InvalidArgument, match=r"^`label_noise` must be a standard deviation of at least 0, got -1\.0"):
        arrays([0.0, 1.0], [0.5, 1.5], label_noise=-1.0)
    assert arrays([0.0, 1.0], [0.5, 1.5], label_noise=7.0).label_noise == 7.0


def test_unknown_names() -> None:
    with pytest.raises(UnknownName, match=r"^unknown scale 'standart'; did you mean 'standard'\?"):
        source_of(scale="standart")
    with pytest.raises(UnknownName, match=r"^unknown task 'classify'; did you mean 'classification'\?"):
        source_of(task="classify")


def test_settings_are_checked_again_when_replaced() -> None:
    with pytest.raises(InvalidArgument, match="`test_samples` must leave rows"):
        dataclasses.replace(source_of(), test_samples=500)


def test_one_hot_rows_are_not_taken_for_regression():
    with pytest.raises(InvalidArgument, match="class labels instead of one-hot rows"):
        arrays(np.random.default_rng(0).standard_normal((9, 2)), np.eye(3)[[0, 1, 2] * 3])


def test_targets_whose_squares_overflow_are_refused():
    inputs = np.random.default_rng(0).standard_normal((9, 2))
    with pytest.raises(InvalidArgument, match="must not exceed 1e\\+100"):
        arrays(inputs, inputs[:, 0] * 1e200)
