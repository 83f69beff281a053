"""Columns of text and with missing values: the same rows as given, and several problems told at once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benign.foundation.errors import InvalidArgument
from benign.foundation.replicate import Replicate
from benign.foundation.split import Column
from benign.procedures.adaptation import handed_on
from benign.sources import arrays, frame, table

ROWS = 12
TEXTS = st.one_of(st.none(), st.sampled_from(["bog", "hill", "wood", "Ä b", ""]))
NUMBERS = st.one_of(st.none(), st.floats(-1e6, 1e6, width=32), st.integers(-9, 9))


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    """Rows with a number of their own, and columns of each kind, none of them empty."""
    text, category = (draw(st.lists(TEXTS, min_size=ROWS, max_size=ROWS)) for _ in range(2))
    number = draw(st.lists(NUMBERS, min_size=ROWS, max_size=ROWS))
    text[0], category[0], number[0] = "bog", "hill", 1.5
    return pd.DataFrame(
        {
            "row": np.arange(ROWS),
            "text": pd.Series(text, dtype=object),
            "category": pd.Categorical(category, categories=["wood", "hill", "bog", "Ä b", "", "never"]),
            "number": pd.Series(number, dtype=float),
            "target": ["a", "b"] * (ROWS // 2),
        }
    )


@given(data=frames(), draw=st.integers(0, 3))
def test_procedures_are_handed_the_rows_as_they_were(data: pd.DataFrame, draw: int) -> None:
    source = frame(data, target="target", as_frame=True, test_samples=3)
    split = source.draw(9, Replicate(draw=draw))
    rows = pd.concat([handed_on(split.train_inputs, split), handed_on(split.test_inputs, split)])
    rows = rows.sort_values("row").reset_index(drop=True)
    wanted = data.drop(columns="target")
    assert list(rows.columns) == list(wanted.columns)
    assert rows["category"].cat.categories.tolist() == wanted["category"].cat.categories.tolist()
    np.testing.assert_array_equal(rows["number"], wanted["number"])
    for column in ("text", "category"):
        assert rows[column].isna().tolist() == wanted[column].isna().tolist()
        assert rows[column].dropna().tolist() == wanted[column].dropna().tolist()


def test_what_is_text_and_what_lacks_values_is_known() -> None:
    data = pl.DataFrame({"x": [1.0, float("nan"), 2.0], "s": ["b", "a", None], "n": [1, 2, 3], "y": ["u", "v", "u"]})
    source = frame(data, target="y", test_samples=1)
    assert source.columns == (
        Column(name="x", has_gaps=True),
        Column(name="s", texts=("a", "b"), has_gaps=True),
        Column(name="n"),
    )
    assert source.scale == "none"
    numbers = frame(data, target="y", inputs=["n"])
    assert (numbers.columns, numbers.scale) == (None, "standard")
    assert frame(data, target="y", inputs=["n"], as_frame=True).columns == (Column(name="n"),)


def test_booleans_with_gaps_are_numbers() -> None:
    data = pd.DataFrame({"ok": pd.array([True, None, False], dtype="boolean"), "y": [0.5, 1.5, 2.5]})
    np.testing.assert_array_equal(frame(data, target="y").data.inputs[:, 0], [1.0, np.nan, 0.0])


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"s": ["a", "c", "a", "a"]}, id="other-texts-in-the-same-places"),
        pytest.param({"s": pd.Categorical(["a", "b", "a", "a"])}, id="categories"),
        pytest.param({"name": ["a", "b", "a", "a"]}, id="another-name"),
    ],
)
def test_what_a_procedure_is_handed_is_part_of_the_key(other: dict[str, object]) -> None:
    one, two = (
        frame(pd.DataFrame({**columns, "y": [1.5, 2.5, 3.5, 4.5]}), target="y", test_samples=1)
        for columns in ({"s": ["a", "b", "a", "a"]}, other)
    )
    np.testing.assert_array_equal(one.data.inputs, two.data.inputs)
    assert one.spec()["data"] != two.spec()["data"]


def test_a_csv_file_may_lack_values_and_hold_text(tmp_path) -> None:
    (tmp_path / "t.csv").write_text("x,s,y\n1,red,0.5\n,,1.5\n3,7,2.5\n4,7,3.5\n")
    source = table(tmp_path / "t.csv", target="y")
    assert source.columns == (Column(name="x", has_gaps=True), Column(name="s", texts=("7", "red"), has_gaps=True))


def test_problems_of_arrays_are_told_together() -> None:
    with pytest.raises(
        InvalidArgument,
        match=r"^The data have 2 problems\. \(1\) `inputs` must be finite, got nan in row 0, column 1 \(counted from "
        r"0\), and 1 more such; .* \(2\) `targets` must vary, got 'a' in every row",
    ):
        arrays([[1.0, np.nan], [2.0, np.inf]], ["a", "a"])


@given(bad=st.sets(st.integers(0, 9), min_size=2))
def test_at_most_five_problems_are_listed(bad: set[int]) -> None:
    data = pd.DataFrame(
        {f"x{place}": [1.0, np.inf if place in bad else 2.0] for place in range(10)} | {"y": ["a", "b"]}
    )
    with pytest.raises(InvalidArgument, match=f"^The data have {len(bad)} problems") as caught:
        frame(data, target="y")
    named = [place for place in range(10) if f"'x{place}'" in str(caught.value)]
    assert named == sorted(bad)[:5]
    assert (f"... and {len(bad) - 5} more." in str(caught.value)) == (len(bad) > 5)
