"""Shares of wrong samples, from percentages and accuracies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benign.histories.role import Role
from benign.histories.roles import Use
from benign.histories.units import as_errors
from tests.histories.columns import column


def _read(**curves: tuple[str, list[float]]) -> tuple[dict[str, list[float]], list[str]]:
    uses = {
        curve: Use(columns=(column(curve, values),), role=Role(samples="validation", quantity=quantity))  # type: ignore[arg-type]
        for curve, (quantity, values) in curves.items()
    }
    errors, notes = as_errors({curve: use.columns[0].values for curve, use in uses.items()}, uses)
    return {curve: error.tolist() for curve, error in errors.items()}, notes


@given(st.lists(st.floats(0.0, 1.0), min_size=2, max_size=8).filter(lambda error: min(error) < 0.98))
def test_one_error_reads_the_same_however_it_was_recorded(error):
    shares = np.array(error)
    for one in (("error", shares.tolist()), ("accuracy", (1.0 - shares).tolist())):
        read, notes = _read(validation_error=one)
        np.testing.assert_allclose(read["validation_error"], shares, atol=1e-12)
        assert not notes
    read, notes = _read(validation_error=("accuracy", (100.0 * (1.0 - shares)).tolist()))
    np.testing.assert_allclose(read["validation_error"], shares, atol=1e-12)
    assert "percent" in notes[0]


def test_a_small_error_in_percent_is_told_by_its_twin():
    read, notes = _read(train_error=("error", [1.2, 0.4]), validation_error=("error", [30.0, 20.0]))
    assert read == {"train_error": [0.012, 0.004], "validation_error": [0.3, 0.2]}
    assert "".join(notes) == (
        "Read in percent, since values exceed 1.5: 'train_error' and 'validation_error'; say --columns "
        "train_loss=train_error if it is no share of samples."
    )


def test_an_accuracy_within_1_is_a_share_beside_percentages():
    read, notes = _read(train_error=("accuracy", [0.5, 1.0]), validation_error=("accuracy", [50.0, 92.0]))
    assert read["train_error"] == [0.5, 0.0]
    np.testing.assert_allclose(read["validation_error"], [0.5, 0.08])
    assert "but 'train_error' as a share of 1" in notes[0]


def test_an_error_within_1_is_no_percentage_beside_an_accuracy_in_percent():
    read, _ = _read(train_error=("error", [0.9, 0.2]), validation_error=("accuracy", [50.0, 92.0]))
    assert read["train_error"] == [0.9, 0.2]


@pytest.mark.parametrize("values", [[-0.5, 0.5], [0.1, 250.0], [1.2, 0.3]])
def test_what_is_no_share_is_refused_with_a_way_out(values):
    read, notes = _read(validation_error=("error", values))
    assert not read
    assert f"lies between {min(values):g} and {max(values):g}" in notes[0]
    assert "--columns val_loss=validation_error" in notes[0]


def test_what_is_not_finite_decides_nothing():
    read, notes = _read(validation_error=("error", [np.nan, np.inf, 0.25]), train_error=("error", [np.nan]))
    assert read["validation_error"][2] == 0.25
    assert np.isnan(read["train_error"]).all()
    assert not notes
