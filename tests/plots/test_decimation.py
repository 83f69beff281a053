"""Long curves: every extreme is drawn, gaps stay, and the caption says how many rows are drawn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benign.plots import CurveDisplay, Mark, Series, Threshold
from benign.plots.decimation import kept_rows

NONE = np.array([])


def wild(count: int, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    return np.exp(random.standard_normal((3, count)).cumsum(axis=1) * 0.05 + random.standard_normal((3, count)))


@settings(max_examples=25)
@given(seed=st.integers(0, 2**31), count=st.integers(401, 5000), start=st.sampled_from([-10.0, 0.0, 1.0]))
def test_global_extremes_ends_and_the_limit(seed: int, count: int, start: float) -> None:
    quantiles = wild(count, seed)
    rows = kept_rows(start + np.arange(count, dtype=np.float64), quantiles, always=NONE)
    assert len(rows) <= 400
    assert rows[0] == 0
    assert rows[-1] == count - 1
    assert (np.diff(rows) > 0).all()
    assert np.array_equal(quantiles[:, rows].min(axis=1), quantiles.min(axis=1))
    assert np.array_equal(quantiles[:, rows].max(axis=1), quantiles.max(axis=1))


def test_short_curves_are_whole() -> None:
    assert len(kept_rows(np.arange(1.0, 401.0), wild(400), always=NONE)) == 400


def test_the_threshold_and_landmarks_are_kept() -> None:
    rows = kept_rows(np.arange(1.0, 20001.0), wild(20000), always=np.array([7777.0]), threshold=1000.0)
    positions = set((rows + 1).tolist())
    assert set(range(995, 1006)) | {7777} <= positions
    assert len(rows) <= 400


def test_many_rows_are_used() -> None:
    assert len(kept_rows(np.arange(1.0, 20001.0), wild(20000), always=NONE)) > 330


@pytest.mark.parametrize("where", [slice(5000, 5001), slice(5000, 9000), slice(0, 3), slice(19990, 20000)])
def test_a_gap_stays_a_gap(where: slice) -> None:
    quantiles = wild(20000)
    quantiles[:, where] = np.nan
    rows = kept_rows(np.arange(1.0, 20001.0), quantiles, always=NONE)
    assert np.isnan(quantiles[0, rows]).any()
    before, after = where.start - 1, where.stop
    assert before < 0 or before in rows
    assert after >= 20000 or after in rows


def test_the_display_draws_few_and_gives_all() -> None:
    low, median, high = np.sort(wild(20000), axis=0)
    series = Series(name="test", positions=np.arange(1.0, 20001.0), median=median, low=low, high=high)
    display = CurveDisplay(
        title="", series=(series,), caption="Median.", threshold=Threshold(position=1000.0, low=999.0, high=1001.0),
        marks=(Mark(position=7777.0, value=float(median[7776]), label="here"),),
    )  # fmt: skip
    drawn = len(display.drawn[0].positions)
    assert display.full_caption == f"Median. Drawn: {drawn} of 20,000 sizes, extremes kept."
    ax = display.plot().ax_
    assert ax is not None
    heights = np.asarray(ax.lines[0].get_ydata())
    assert heights.min() == median.min()
    assert heights.max() == median.max()
    assert set(heights) <= set(median)
    assert np.array_equal(display.frame()["median"].to_numpy(), median)
