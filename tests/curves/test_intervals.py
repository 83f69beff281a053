"""Intervals over replicates against literal definitions and exact coverage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from benign.curves.intervals import (
    bootstrap_counts,
    bootstrap_interval,
    bootstrap_medians,
    mean_interval,
    percentile_interval,
)
from benign.curves.mean_tests import median_bound
from benign.foundation.errors import InvalidArgument


@given(R=st.integers(1, 13), K=st.integers(1, 6), seed=st.integers(0, 2**31), ties=st.booleans())
def test_bootstrap_medians_equal_the_median_of_repeated_rows(R, K, seed, ties):
    values = np.random.default_rng(seed).normal(size=(R, K))
    values = np.round(values) if ties else values
    counts = bootstrap_counts(R, 7, seed=seed)
    naive = [np.median(np.repeat(values, count, axis=0), axis=0) for count in counts]
    np.testing.assert_allclose(bootstrap_medians(values, counts), naive, rtol=0, atol=1e-15)


def test_bootstrap_medians_of_more_replicates_than_a_byte_holds():
    values = np.random.default_rng(0).normal(size=(300, 2))
    counts = bootstrap_counts(300, 3, seed=0)
    naive = [np.median(np.repeat(values, count, axis=0), axis=0) for count in counts]
    np.testing.assert_allclose(bootstrap_medians(values, counts), naive)


def test_bootstrap_counts_are_addressed():
    counts = bootstrap_counts(10, 50, seed=3)
    assert np.all(counts.sum(axis=1) == 10)
    np.testing.assert_array_equal(counts, bootstrap_counts(10, 50, seed=3))
    assert not np.array_equal(counts, bootstrap_counts(10, 50, seed=4))
    assert not np.array_equal(counts, bootstrap_counts(10, 50, seed=3, address=1))


def test_bootstrap_interval_skips_nan_columns_and_one_replicate():
    values = np.random.default_rng(0).normal(size=(10, 3))
    values[4, 1] = np.nan
    low, high = bootstrap_interval(values)
    assert np.isnan([low[1], high[1]]).all()
    median = np.median(values[:, [0, 2]], axis=0)
    assert np.all((low[[0, 2]] <= median) & (median <= high[[0, 2]]))
    assert np.isnan(bootstrap_interval(values[:1])).all()


def test_percentile_interval_takes_order_statistics_and_keeps_infinity():
    assert percentile_interval(np.arange(1000.0), level=0.9) == (50.0, 949.0)
    sometimes_never = np.append(np.arange(900.0), np.full(100, np.inf))
    assert percentile_interval(sometimes_never, level=0.95) == (25.0, np.inf)


def test_mean_interval_equals_scipy():
    differences = np.random.default_rng(1).normal(size=9)
    expected = stats.ttest_1samp(differences, 0.0).confidence_interval(0.9)
    np.testing.assert_allclose(mean_interval(differences, level=0.9), (expected.low, expected.high))


@pytest.mark.parametrize(("R", "ends"), [(5, None), (6, (0, 5)), (9, (1, 7)), (10, (1, 8)), (20, (5, 14))])
def test_bounds_of_the_median_are_the_tabulated_order_statistics(R, ends):
    sample = np.arange(float(R))[::-1].copy()
    low, high = median_bound(sample, 0.975), -median_bound(-sample, 0.975)
    assert (low, high) == ((-np.inf, np.inf) if ends is None else ends)


def test_fewer_differences_than_an_interval_needs():
    assert mean_interval(np.array([1.0])) == (-np.inf, np.inf)
    assert median_bound(np.empty(0), 0.975) == -np.inf


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0, 95.0])
def test_a_level_that_is_no_probability_is_refused(level):
    with pytest.raises(InvalidArgument, match="`level` must lie"):
        mean_interval(np.zeros(3), level=level)


def test_no_resamples_are_refused():
    with pytest.raises(InvalidArgument, match="`resamples`"):
        bootstrap_counts(10, 0, seed=0)
    with pytest.raises(InvalidArgument, match="`resampled`"):
        percentile_interval(np.array([np.nan]))
