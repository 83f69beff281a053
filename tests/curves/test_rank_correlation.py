"""Stratified rank correlations against SciPy's, stratum by stratum."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from benign.curves.rank_correlation import stratified_rank_correlation


@given(st.integers(0, 2**32 - 1), st.integers(2, 7), st.integers(1, 4))
def test_it_is_the_mean_of_spearmans_over_strata(seed, settings, strata):
    random = np.random.default_rng(seed)
    setting = random.permutation(settings).astype(float)
    values = random.integers(0, 5, (3, strata, settings)) + 1e-3 * random.standard_normal((3, strata, settings))
    expected = [np.mean([spearmanr(setting, row).statistic for row in one]) for one in values]
    np.testing.assert_allclose(stratified_rank_correlation(setting, values), expected, atol=1e-12)


def test_ties_share_their_rank():
    setting, row = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 1.0, 2.0, 0.5])
    expected = spearmanr(setting, row).statistic
    assert stratified_rank_correlation(setting, row[None, None])[0] == pytest.approx(expected)


def test_what_differs_between_strata_does_not_count():
    values = np.array([[[1.0, 2.0, 3.0], [101.0, 102.0, 103.0]], [[1.0, 2.0, 3.0], [-99.0, -98.0, -97.0]]])
    np.testing.assert_array_equal(stratified_rank_correlation(np.array([1.0, 2.0, 4.0]), values), [1.0, 1.0])


def test_a_constant_measure_is_uncorrelated_and_a_missing_one_unknown():
    values = np.array([[[5.0, 5.0, 5.0]], [[1.0, np.nan, 3.0]]])
    found = stratified_rank_correlation(np.array([1.0, 2.0, 4.0]), values)
    assert found[0] == 0.0
    assert np.isnan(found[1])
