"""Test rows that are copies of training rows are counted as a plain search would, and said only where they are many."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine

from benign import sources
from benign.foundation.replicate import Replicate
from benign.sources import FiniteSource, arrays
from benign.sources.copies import NOTABLE, Copies

IMAGES = load_digits(return_X_y=True)[0][:600]


def said(source: FiniteSource, samples: int | None = None, replicate: Replicate | None = None) -> str:
    return " ".join(source.notes(samples or source.max_samples, replicate or Replicate()))


def plain_count(source: FiniteSource, samples: int, replicate: Replicate) -> int:
    split = source.draw(samples, replicate)
    training = {row.tobytes() for row in split.train_inputs + 0.0}
    return sum(row.tobytes() in training for row in split.test_inputs + 0.0)


@given(
    rows=st.lists(st.tuples(*[st.sampled_from([-0.0, 0.0, 1.0, 2.5])] * 3), min_size=8, max_size=60),
    draw=st.integers(0, 3),
    data=st.data(),
)
def test_equal_rows_are_counted_as_a_plain_search_counts_them(
    rows: list[tuple[float, ...]], draw: int, data: st.DataObject
) -> None:
    source = arrays(rows, np.arange(len(rows)) + 0.5)
    samples = data.draw(st.integers(1, source.max_samples))
    replicate = Replicate(seed=3, draw=draw)
    count, text = plain_count(source, samples, replicate), said(source, samples, replicate)
    if count:
        assert f"In the first draw {count} of {source.test_samples} test rows (" in text
        assert f"equal a training row at n = {samples}" in text
    else:
        assert " equal" not in text.replace("nearly equal", "")


def test_doubled_images_are_said() -> None:
    source = arrays(np.repeat(IMAGES, 2, axis=0), np.repeat(np.random.default_rng(0).integers(0, 10, 600), 2))
    count = plain_count(source, 600, Replicate())
    assert said(source, 600) == (
        f"In the first draw {count} of 240 test rows ({100.0 * count / 240.0:.3g} %) equal a training row at n = 600, "
        "and the test risk rewards remembering it: drop the copies, or split by group."
    )


@pytest.mark.parametrize("noise", [1e-7, 1e-5, 1e-4])
def test_images_doubled_with_a_little_noise_are_said(noise: float) -> None:
    random = np.random.default_rng(1)
    doubled = np.repeat(IMAGES, 2, axis=0)
    exact = plain_count(arrays(doubled, np.arange(1200) + 0.5), 600, Replicate())
    found = said(arrays(doubled + noise * random.standard_normal(doubled.shape), np.arange(1200) + 0.5), 600)
    count = re.match(r"In the first draw (\d+) of 240 test rows \([0-9.]+ %\) nearly equal a training row", found)
    assert count is not None
    assert 0.95 * exact <= int(count[1]) <= exact


@pytest.mark.parametrize("times", [6, 10, 20])
@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(np.random.default_rng(0).standard_normal((100, 20)), id="continuous"),
        pytest.param(IMAGES[:100], id="images"),
        pytest.param(np.random.default_rng(0).standard_normal((100, 2)), id="plane"),
    ],
)
def test_rows_jittered_many_times_are_all_said(rows: np.ndarray, times: int) -> None:
    jittered = np.repeat(rows, times, axis=0)
    jittered = jittered + 1e-7 * np.random.default_rng(1).standard_normal(jittered.shape)
    all_rows = f"{20 * times} of {20 * times} test rows (100 %) nearly equal a training row at n = {80 * times:,}, and"
    assert said(_values(jittered)).startswith(f"In the first draw {all_rows} the test risk rewards remembering it")


def test_one_row_jittered_many_times_is_said() -> None:
    """Others lie within a hundredth of the spread."""
    inputs = np.random.default_rng(0).standard_normal((300, 2))
    inputs[::3] = [0.5, 1.0] + 1e-7 * np.random.default_rng(1).standard_normal((100, 2))
    assert " nearly equal a training row" in said(_values(inputs))


@pytest.mark.parametrize("draw", [0, 1, 2])
@pytest.mark.parametrize(
    "make",
    [
        pytest.param(sources.digits, id="digits"),
        *(pytest.param(lambda side=side: sources.mnist(side=side), id=f"mnist-{side}") for side in (28, 14, 7, 4, 2)),
        pytest.param(lambda: arrays(*load_wine(return_X_y=True)), id="wine"),
        pytest.param(lambda: arrays(*load_iris(return_X_y=True)), id="iris"),
        pytest.param(lambda: arrays(*load_breast_cancer(return_X_y=True)), id="breast-cancer"),
        pytest.param(lambda: arrays(*load_diabetes(return_X_y=True)), id="diabetes"),
        pytest.param(lambda: _one_hot(3000, 10, 6), id="one-hot"),
        pytest.param(lambda: _values(np.random.default_rng(0).lognormal(0.0, 3.0, (3000, 2))), id="heavy-tails"),
        pytest.param(lambda: _values(np.linspace(0.0, 1.0, 3000)[:, None] ** [1, 2]), id="a-line"),
        pytest.param(lambda: _values(np.random.default_rng(0).random((20_000, 1)) ** [1, 2, 3]), id="a-random-curve"),
        pytest.param(lambda: _values(_coarse_and_small(1, 3)), id="small-units"),
        pytest.param(lambda: _values(_coarse_and_small(5, 1)), id="small-units-beside-equal-columns"),
        pytest.param(lambda: _values(_with_999_999(1, columns=5)), id="an-outlier"),
        pytest.param(lambda: _values(_with_999_999(150, columns=1)), id="outliers-for-gaps"),
        pytest.param(lambda: _values(np.ones((50, 2))[:, :1] * np.arange(50.0)[:, None]), id="one-column"),
    ],
)
def test_nothing_is_said_of_data_without_copies(make, draw: int) -> None:
    source = make()
    assert source.notes(source.max_samples, Replicate(draw=draw)) == ()


def _values(inputs: np.ndarray) -> FiniteSource:
    return arrays(inputs, np.arange(len(inputs)) + 0.5)


def _coarse_and_small(times: int, different: int) -> np.ndarray:
    """Five or so columns of three values, and two of another unit."""
    random = np.random.default_rng(0)
    coarse = random.integers(0, 3, (1000, 2 * different - 1)).repeat(times, axis=1)
    return np.hstack([coarse, 1e-5 * random.standard_normal((1000, 2))])


def _with_999_999(rows: int, *, columns: int) -> np.ndarray:
    """In so many rows, of so many columns at once."""
    inputs = np.random.default_rng(0).random((3000, 5))
    for start in range(0, 5, columns):
        inputs[start * rows : (start + 1) * rows, start : start + columns] = 999_999.0
    return inputs


def _one_hot(rows: int, groups: int, classes: int) -> FiniteSource:
    places = np.random.default_rng(0).integers(0, classes, (rows, groups))
    return _values(np.eye(classes)[places].reshape(rows, -1))


@pytest.mark.parametrize(
    "inputs",
    [
        pytest.param(np.random.default_rng(0).integers(0, 2, (600, 4)).repeat(10, axis=1), id="few-distinct-rows"),
        pytest.param(np.random.default_rng(0).integers(0, 60, (600, 2)), id="chance"),
    ],
)
def test_copies_are_called_natural_where_columns_take_few_values(inputs: np.ndarray) -> None:
    distinct = len(np.unique(inputs, axis=0))
    few = f": natural where columns take few values ({distinct} of 600 rows differ); if they are copies"
    assert few in said(_values(inputs * 1.0))


def test_many_copies_of_columns_with_many_values_are_not_called_natural() -> None:
    inputs = np.random.default_rng(0).standard_normal((100, 20)).repeat(10, axis=0)
    assert said(_values(inputs)) == (
        "In the first draw 200 of 200 test rows (100 %) equal a training row at n = 800, "
        "and the test risk rewards remembering it: drop the copies, or split by group."
    )


def test_one_row_many_times_is_not_called_natural() -> None:
    inputs = np.random.default_rng(0).standard_normal((300, 2))
    inputs[::3] = [0.5, 1.0]
    assert said(_values(inputs)).endswith(
        "and the test risk rewards remembering it: drop the copies, or split by group."
    )


@pytest.mark.parametrize(("copies", "is_said"), [(1, False), (2, True)])
def test_a_hundredth_of_the_test_rows_is_not_yet_many(copies: int, is_said: bool) -> None:
    equal = np.where(np.arange(100) < copies, 3, 500)
    found = Copies(
        equal=equal, near=np.zeros(0, dtype=np.int64), distinct=590, rows=600, chance=0.0,
        has_few_values=False, near_chance=0.0,
    )  # fmt: skip
    assert NOTABLE == 0.01
    assert bool(found.sentence(4)) == is_said
    assert not found.sentence(3), "the copies come later in the draw"


def test_rows_with_gaps_and_text_are_compared_too() -> None:
    numbers = np.where(np.arange(40) % 10, np.arange(40) % 20, np.nan)
    data = pd.DataFrame({"x": numbers, "s": ["b", None, "a", "a"] * 10, "z": np.arange(40) / 7.0, "y": ["u", "v"] * 20})
    assert "equal a training row" in said(sources.frame(data, target="y", inputs=["x"]))
    assert "equal a training row" in said(sources.frame(data, target="y", inputs=["x", "s"]))
    assert said(sources.frame(data, target="y")) == ""


@pytest.mark.parametrize("as_frame", [False, True])
def test_nearly_equal_rows_of_numbers_are_said_in_a_frame_too(as_frame: bool) -> None:
    rows = np.random.default_rng(0).standard_normal((100, 3)).repeat(2, axis=0)
    data = pd.DataFrame(rows + 1e-7 * np.random.default_rng(1).standard_normal(rows.shape), columns=["a", "b", "c"])
    found = said(sources.frame(data.assign(y=np.arange(200) + 0.5), target="y", as_frame=as_frame))
    assert " nearly equal a training row" in found
