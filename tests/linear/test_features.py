"""Feature maps: nested whatever the range they are asked in, and what they claim to be."""

import functools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.polynomial.legendre import leggauss

from benign.foundation.errors import InvalidArgument
from benign.linear import ComplexFourierFeatures, FourierFeatures, PolynomialFeatures, median_bandwidth
from benign.linear.fourier import checked_bandwidth

INPUTS = np.random.default_rng(0).uniform(-1, 1, (25, 1))
GOLDEN = [1.0721691642788767, -1.4112058988160867, 1.2842722329632208, -0.335474778893387]
MAPS = [
    pytest.param(FourierFeatures(bandwidth=0.7, seed=1), id="fourier"),
    pytest.param(ComplexFourierFeatures(bandwidth=0.7, seed=1), id="complex"),
    *[pytest.param(PolynomialFeatures(low=-1, high=1, basis=b), id=b) for b in ("legendre", "chebyshev", "monomial")],
]


@functools.cache
def first_columns(features):
    return features.columns(INPUTS, 0, 900)


@pytest.mark.parametrize("features", MAPS)
@given(cut=st.integers(1, 599), width=st.integers(1, 300))
def test_columns_do_not_depend_on_the_range_they_are_asked_in(features, cut, width):
    whole = first_columns(features)
    np.testing.assert_allclose(features.columns(INPUTS, cut, cut + width), whole[:, cut : cut + width], rtol=1e-9)


def test_fourier_features_approximate_the_gaussian_kernel():
    inputs = np.random.default_rng(1).standard_normal((6, 3))
    z = FourierFeatures(bandwidth=1.5).columns(inputs, 0, 40_000)
    squared = np.sum((inputs[:, None] - inputs[None]) ** 2, axis=2)
    np.testing.assert_allclose(z @ z.T / 40_000, np.exp(-squared / (2 * 1.5**2)), atol=0.03)


def test_complex_features_are_a_complex_least_squares_problem():
    random = np.random.default_rng(2)
    inputs, targets = random.standard_normal((9, 4)), random.standard_normal(9)
    features = ComplexFourierFeatures(bandwidth=1.0)
    paired = features.columns(inputs, 0, 10)
    complex_matrix = paired[:9, 0::2] + 1j * paired[9:, 0::2]
    expected = np.linalg.lstsq(complex_matrix, targets.astype(complex), rcond=None)[0]
    weights = np.linalg.lstsq(paired, np.concatenate([targets, np.zeros(9)]), rcond=None)[0]
    np.testing.assert_allclose(weights[0::2] + 1j * weights[1::2], expected, rtol=1e-9)
    assert np.allclose(np.abs(complex_matrix), 1.0)


def test_another_initialisation_is_another_map():
    first = FourierFeatures(bandwidth=1.0, initialisation=0).columns(INPUTS, 0, 5)
    assert not np.allclose(first, FourierFeatures(bandwidth=1.0, initialisation=1).columns(INPUTS, 0, 5))


def test_legendre_columns_are_orthonormal_on_their_interval():
    nodes, weights = leggauss(40)
    columns = PolynomialFeatures(low=-5, high=5).columns(5 * nodes[:, None], 0, 12)
    np.testing.assert_allclose(columns.T @ (columns * weights[:, None] / 2), np.eye(12), atol=1e-12)


def test_monomials_are_powers():
    columns = PolynomialFeatures(low=-5, high=5, basis="monomial").columns(np.array([[2.0]]), 0, 5)
    assert columns.tolist() == [[1, 2, 4, 8, 16]]


def test_fourier_golden_numbers():
    """Fails when the numbers change: then raise the procedures' revision."""
    columns = FourierFeatures(bandwidth=2.0, seed=7, initialisation=3).columns(np.ones((1, 2)), 254, 258)
    np.testing.assert_allclose(columns[0], GOLDEN, rtol=1e-12)


@pytest.mark.parametrize("bandwidth", [0.0, -1.0, np.nan, np.inf, "wide"])
def test_bandwidth_must_be_positive(bandwidth):
    with pytest.raises(InvalidArgument, match="`bandwidth` must be a positive number"):
        checked_bandwidth(bandwidth)


def test_median_bandwidth_of_equal_inputs():
    with pytest.raises(InvalidArgument, match="no distance between the inputs"):
        median_bandwidth(np.ones((10, 3)))


def test_median_bandwidth_is_the_median_distance():
    assert median_bandwidth(np.array([[0.0], [1.0], [3.0]])) == 2.0


def test_polynomials_want_one_input():
    with pytest.raises(InvalidArgument, match="must have one column, got 2"):
        PolynomialFeatures(low=0, high=1).columns(np.ones((3, 2)), 0, 2)
