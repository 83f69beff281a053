import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benign.histories.readers.cells import number_in, numbers_in


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("1", 1.0),
        (" -2.5e-3 ", -0.0025),
        ("12.5%", 0.125),
        ("12,5 %", 0.125),
        ("1,234", 1234.0),
        ("0,123", 0.123),
        ("1,234.5", 1234.5),
        ("1.234,5", 1234.5),
        ("tensor(0.25, device='cuda:0')", 0.25),
        ("inf", np.inf),
        ("-Infinity", -np.inf),
        ("", None),
        ("NA", None),
        ("1s", None),
        ("0x10", None),
        ("=1+1", None),
        ("1" * 5, 11111.0),
    ],
)
def test_a_cell_is_the_number_that_people_mean(cell, number):
    assert number_in(cell) == number


def test_nan_is_recorded_and_an_empty_cell_is_not():
    cells = numbers_in(["nan", "", "NA", "1"])
    assert cells.present.tolist() == [True, False, False, True]
    assert np.isnan(cells.values[:3]).all()


def test_a_column_with_one_decimal_comma_has_no_thousands():
    assert numbers_in(["1,234", "0,5"]).values.tolist() == [1.234, 0.5]
    assert numbers_in(["1,234", "2,500"]).values.tolist() == [1234.0, 2500.0]
    assert numbers_in(["1,234"], decimal_comma=True).values.tolist() == [1.234]


def test_strange_cells_of_a_column_of_numbers_are_said():
    cells = numbers_in(["1", "2", "=cmd()\n"])
    assert cells.present.tolist() == [True, True, False]
    (note,) = cells.note("loss")
    assert note == "Column 'loss': one cell is no number ('=cmd()') and left out."


def test_a_column_of_words_is_text():
    assert numbers_in(["train", "val", "3"]).texts == ("train", "val", "3")


@given(st.lists(st.floats(allow_nan=False), min_size=1))
def test_what_python_writes_is_read_back_exactly(numbers):
    assert numbers_in([repr(number) for number in numbers]).values.tolist() == numbers


@given(st.lists(st.text()))
def test_no_text_breaks_it_and_every_cell_has_a_place(texts):
    cells = numbers_in(texts)
    assert len(cells.values) == len(cells.present) == len(texts)
    assert np.isnan(cells.values[~cells.present]).all()
