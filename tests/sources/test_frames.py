"""Data frames: the same source whatever library holds the data, the frame left alone, mistakes told in a sentence."""

from __future__ import annotations

import re
from collections.abc import Callable

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import parquet

from benign.foundation.errors import InvalidArgument, UnknownName
from benign.foundation.replicate import Replicate
from benign.sources import FiniteSource, arrays, frame
from benign.sources import table as table_of
from tests.sources.cases import labels, parts, table

INPUTS, LABELS = table(40, 3), labels(40)
COUNTS, YES = np.arange(40) % 7, np.arange(40) % 3 == 0
ARROW = pa.table(
    {
        "a": INPUTS[:, 0],
        "b": INPUTS[:, 1].astype(np.float32),
        "tree": LABELS,
        "count": COUNTS.astype(np.int16),
        "yes": YES,
    }
)
EXPECTED = np.column_stack([INPUTS[:, 0], INPUTS[:, 1].astype(np.float32), COUNTS, YES]).astype(np.float64)


def with_categories(data: pd.DataFrame) -> pd.DataFrame:
    """An unused category too, and categories that do not ascend."""
    return data.assign(tree=pd.Categorical(data["tree"], categories=["zebra", "date", "ash", "cedar", "beech"]))


def of_duckdb() -> duckdb.DuckDBPyRelation:
    return duckdb.connect().from_arrow(ARROW)


FRAMES: dict[str, Callable[[], object]] = {
    "arrow": lambda: ARROW,
    "arrow-in-chunks": lambda: pa.concat_tables([ARROW.slice(0, 13), ARROW.slice(13)]),
    "pandas": ARROW.to_pandas,
    "pandas-indexed": lambda: ARROW.to_pandas().set_index(pd.Index(range(100, 140), name="row")),
    "pandas-categories": lambda: with_categories(ARROW.to_pandas()),
    "pandas-nullable": lambda: ARROW.to_pandas().convert_dtypes(),
    "pandas-arrow": lambda: ARROW.to_pandas(types_mapper=pd.ArrowDtype),
    "polars": lambda: pl.from_arrow(ARROW),
    "polars-categories": lambda: pl.from_arrow(ARROW).with_columns(pl.col("tree").cast(pl.Categorical)),  # type: ignore[union-attr]
    "polars-lazy": lambda: pl.from_arrow(ARROW).lazy(),  # type: ignore[union-attr]
    "duckdb": of_duckdb,
}


@pytest.fixture(params=list(FRAMES.values()), ids=list(FRAMES))
def data(request: pytest.FixtureRequest) -> object:
    """The same rows in each library."""
    return request.param()


@pytest.mark.parametrize(
    ("target", "inputs", "values"),
    [
        pytest.param("tree", ["a", "b", "count", "yes"], LABELS, id="strings"),
        pytest.param("count", ["a", "b", "yes"], COUNTS, id="integers"),
        pytest.param("yes", ["a", "b", "count"], YES, id="booleans"),
        pytest.param("a", ["b", "count", "yes"], INPUTS[:, 0], id="values"),
    ],
)
def test_a_frame_is_the_arrays_it_holds(data: object, target: str, inputs: list[str], values: np.ndarray) -> None:
    settings = {"label_noise": 0.2, "test_samples": 7, "name": "trees"}
    kept = [["a", "b", "count", "yes"].index(column) for column in inputs]
    expected = arrays(EXPECTED[:, kept], values, **settings)  # type: ignore[arg-type]
    source = frame(data, target=target, inputs=inputs, **settings)  # type: ignore[arg-type]
    assert source.spec() == expected.spec()
    for (name, found), (_, wanted) in zip(
        *(parts(one.draw(20, Replicate())) for one in (source, expected)), strict=True
    ):
        np.testing.assert_array_equal(found, wanted, err_msg=name)


def test_a_frame_is_the_file_it_was_read_from(data: object, tmp_path) -> None:
    parquet.write_table(ARROW, tmp_path / "trees.parquet")
    written = table_of(tmp_path / "trees.parquet", target="count", inputs=["yes", "a"])
    assert frame(data, target="count", inputs=["yes", "a"], name="trees").spec() == written.spec()


def test_all_other_columns_are_inputs_but_no_index() -> None:
    data = ARROW.to_pandas().drop(columns="tree").set_index(pd.Index(range(100, 140), name="row"))
    assert frame(data, target="a").draw(1, Replicate()).pool.shape == (32, 3)
    data.index = pd.Index(["row", *range(39)], name="a")
    assert frame(data, target="a").draw(1, Replicate()).pool.shape == (32, 3)


def test_columns_that_number_the_rows_are_named_in_a_note() -> None:
    data = ARROW.to_pandas().drop(columns="tree").assign(ID=INPUTS[:, 1], order=np.arange(40)[::-1])
    notes = frame(data, target="a").notes(10, Replicate())
    assert notes == ("Columns that seem to number the rows are learnt from: 'ID' and 'order'; leave them out.",)
    assert not frame(data, target="a", inputs=["b", "count"]).notes(10, Replicate())


def test_the_users_frame_stays_as_it_is() -> None:
    pandas, polars = ARROW.to_pandas().set_index(pd.Index(range(100, 140), name="row")), pl.from_arrow(ARROW)
    assert isinstance(polars, pl.DataFrame)
    before, source = pandas.copy(deep=True), frame(pandas, target="yes", inputs=["a"], scale="none")
    frame(polars, target="yes", inputs=["a"]).draw(9, Replicate())
    split = source.draw(9, Replicate())
    pd.testing.assert_frame_equal(pandas, before)
    assert polars.equals(pl.from_arrow(ARROW))  # type: ignore[arg-type]
    pandas.loc[:, "a"] = 0.0
    np.testing.assert_array_equal(source.draw(12, Replicate()).train_inputs[:9], split.train_inputs)
    assert (source.data.inputs != 0.0).all(), "the values are copied"


def test_numbered_columns_are_called_by_their_numbers() -> None:
    data = pd.DataFrame(INPUTS).assign(tree=LABELS)
    assert frame(data, target="tree").spec()["data"] == arrays(INPUTS, LABELS).spec()["data"]
    assert (
        frame(data, target="tree", inputs=["2", "0"]).spec()["data"] == arrays(INPUTS[:, [2, 0]], LABELS).spec()["data"]
    )
    assert list(data.columns) == [0, 1, 2, "tree"]


@pytest.mark.parametrize(
    ("task", "values", "classes"),
    [
        pytest.param("auto", np.arange(200) % 50, 50, id="few-integers"),
        pytest.param("auto", np.arange(200) % 51, None, id="many-integers"),
        pytest.param("classification", np.arange(200) % 51, 51, id="said-to-be-classes"),
        pytest.param("regression", np.arange(200) % 2, None, id="said-to-be-values"),
        pytest.param("classification", np.arange(200) % 2 * 1.0, 2, id="whole-numbers-said-to-be-classes"),
        pytest.param("regression", np.arange(200) % 2 == 0, None, id="booleans-said-to-be-values"),
    ],
)
def test_what_counts_as_classes_is_the_same_as_for_arrays(task: str, values: np.ndarray, classes: int | None) -> None:
    source = frame(pa.table({"x": np.arange(200.0), "y": values}), target="y", task=task)
    assert (source.classes and len(source.classes)) == classes
    assert source.spec() == arrays(np.arange(200.0), values, task=task, name="frame").spec()


def number_frame(**columns: object) -> pd.DataFrame:
    return pd.DataFrame({"x": [1.0, 2.0, 3.0], "y": ["a", "b", "a"], **columns})


BAD_FRAMES: dict[str, tuple[Callable[[], object], str]] = {
    "array": (
        lambda: np.ones((3, 2)),
        "`data` must be a data frame (pandas, polars, PyArrow, DuckDB, ...), got ndarray;",
    ),
    "series": (
        lambda: pd.Series([1, 2]),
        "`data` must be a data frame (pandas, polars, PyArrow, DuckDB, ...), got Series",
    ),
    "dict": (lambda: {"x": [1]}, "`data` must be a data frame (pandas, polars, PyArrow, DuckDB, ...), got dict"),
    "same-names": (
        lambda: pd.DataFrame([[1, 2, "a"], [3, 4, "b"]], columns=["x", "x", "y"]),
        "`data` has several columns of one name; rename them (DuplicateError: Expected unique column names, got: - 'x'",
    ),
    "same-names-arrow": (lambda: pa.table([[1], [2]], names=["y", "y"]), "`data` has several columns of one name"),
    "number-and-its-text": (
        lambda: pd.DataFrame([[1, 2], [3, 4]], columns=[0, "0"]),
        "`data` must have a name of its own for each column, got [0, '0']; rename them.",
    ),
    "levels": (
        lambda: pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("x", "mean"), ("y", "mean")])),
        "`data` must have a name of its own for each column, got [('x', 'mean'), ('y', 'mean')]; rename them.",
    ),
    "mixed": (
        lambda: number_frame(x=[1, None, "red"]),
        "`data` must hold one kind of value in each column, but 'x' holds int and str (row 2, counted from 0); convert",
    ),
    "mixed-target": (
        lambda: number_frame(y=["a", 1, "b"]),
        "`data` must hold one kind of value in each column, but 'y' holds str and int (row 1, counted from 0)",
    ),
    "objects": (
        lambda: pl.DataFrame({"x": [1.0, 2.0], "y": [object(), object()]}, schema_overrides={"y": pl.Object}),
        "`data` must hold columns of numbers, booleans or text, but 'y' holds objects.",
    ),
    "complex": (lambda: number_frame(x=[1j, 2j, 3j]), "`data` must hold columns of numbers, booleans or text, but"),
    "numbers-as-text": (
        lambda: number_frame(x=["1", "2", "3"]),
        "`inputs` must be columns of numbers or text, but column 'x' holds numbers written as text, such as '1'",
    ),
    "missing-target": (
        lambda: number_frame(y=pd.Categorical(["a", None, "b"])),
        "`target` must have no missing values, but column 'y' lacks 1 of 3, the first in row 1",
    ),
    "one-row": (lambda: number_frame().head(1), "`inputs` must have at least 2 rows, one to train on and one to test"),
    "empty": (lambda: number_frame().head(0), "`inputs` must have at least 2 rows, one to train on and one to test"),
    "broken-query": (
        lambda: number_frame_lazy().with_columns(pl.col("y").cast(pl.Int64)),
        "`data` cannot be read (InvalidOperationError: conversion from `str` to `i64` failed",
    ),
}


def number_frame_lazy() -> pl.LazyFrame:
    return pl.LazyFrame({"x": [1.0, 2.0], "y": ["a", "b"]})


@pytest.mark.parametrize(("make", "message"), BAD_FRAMES.values(), ids=BAD_FRAMES.keys())
def test_frames_that_cannot_be_used(make: Callable[[], object], message: str) -> None:
    with pytest.raises(InvalidArgument, match="^" + re.escape(message)) as caught:
        frame(make(), target="y")
    assert "\n" not in str(caught.value)


def test_unknown_columns_name_the_nearest(data: object) -> None:
    with pytest.raises(
        UnknownName, match=r"^unknown column 'treee'; did you mean 'tree'\? Known: a, b, tree, count, yes"
    ):
        frame(data, target="treee")


def test_settings_are_those_of_arrays() -> None:
    source = frame(ARROW, target="tree", inputs=["a"])
    assert isinstance(source, FiniteSource)
    assert (source.name, source.test_samples, source.scale, source.label_noise) == ("frame", 8, "standard", 0.0)
    with pytest.raises(InvalidArgument, match="`test_samples` must leave rows to train on"):
        frame(ARROW, target="tree", inputs=["a"], test_samples=40)
