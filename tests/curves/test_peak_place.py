"""Where the peak will be: closed forms whose zero is known, what cannot be told, and two measured curves."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import benign
from benign.curves.peak_place import PeakEnd, PeakPlace
from benign.curves.peak_place import peak_place as place_or_none

GRIDS = st.sets(st.integers(1, 400), min_size=3, max_size=40).map(lambda grid: np.array(sorted(grid), dtype=np.float64))


def peak_place(*arguments, **options) -> PeakPlace:
    found = place_or_none(*arguments, **options)
    assert found is not None
    return found


def of_noise(positions, n):
    """What least squares of k columns leaves of pure noise on average: 1 - k/n, and nothing from n on."""
    return np.maximum(0.0, 1.0 - positions / n)[None]


@given(positions=GRIDS, n=st.integers(2, 399))
def test_an_exact_fit_is_never_missed(positions, n):
    found = peak_place(positions, of_noise(positions, n))
    low, high = found.interval
    assert low <= n
    assert high >= n or positions[-1] < n
    assert set(found.interval) <= {0.0, math.inf, *positions}


@given(positions=GRIDS, n=st.integers(2, 399))
def test_a_zero_that_is_not_reached_is_extrapolated_beyond_it(positions, n):
    found = peak_place(positions, np.maximum(of_noise(positions, n), 1e-9))  # a ridge, say
    assert found.end is PeakEnd.EXTRAPOLATED
    low, high = found.interval
    assert low <= n
    assert high >= n or positions[-1] < n


@given(positions=GRIDS, n=st.integers(2, 399), factor=st.sampled_from([0.5, 4.0]), seed=st.integers(0, 99))
def test_neither_units_nor_the_order_of_replicates_matter(positions, n, factor, seed):
    random = np.random.default_rng(seed)
    rows = of_noise(positions, n) * random.uniform(0.5, 1.5, size=(9, 1))
    found = peak_place(positions, rows)
    other = peak_place(factor * positions, random.permutation(rows))
    assert other.interval == tuple(factor * end for end in found.interval)


@given(positions=GRIDS, size=st.integers(2, 399))
def test_along_samples_it_is_the_mirror_image(positions, size):
    noise = np.maximum(0.0, 1.0 - size / positions)[None]  # `size` columns fit at most as many samples
    low, high = peak_place(positions, noise, is_fitted_below=True).interval
    assert low <= size * (1 + 1e-12) or positions[0] > size
    assert high >= size * (1 - 1e-12)


def test_a_threshold_of_2_percent_is_not_where_the_fit_is_exact():
    sizes = np.array([100.0, 178.0, 186.0, 200.0, 400.0])
    training = np.array([[0.3, 0.021, 0.013, 0.0, 0.0]])  # a smooth target: 2 % are left long before 200
    found = peak_place(sizes, training, unit="features")
    assert found.interval == (178.0, 200.0)
    assert found.end is PeakEnd.EXACT
    assert found.sentence == (
        "The test risk peaks, if it does, between 178 and 200 features: one end is where the fit is exact, which was "
        "measured."
    )


def test_a_smooth_target_says_nothing_of_the_lower_end():
    """Without noise the tolerance is crossed at 8 of 50; the error of least squares is five-fold from 40 on."""
    sizes = np.arange(1.0, 101.0)
    smooth = np.exp(-sizes / 2.0) * of_noise(sizes, 50)
    assert peak_place(sizes, smooth).interval == (40.0, 50.0)


def test_cross_entropy_is_read_from_the_training_error():
    widths = np.array([4.0, 8.0, 12.0, 16.0, 24.0, 32.0])
    error = np.array([[0.4, 0.2, 0.05, 0.02, 0.001, 0.0]])
    found = peak_place(widths, error, error=error, objective="cross-entropy")
    assert found.interval == (8.0, 24.0)
    assert found.end is PeakEnd.ERROR
    assert place_or_none(widths, error, objective="cross-entropy") is None


def test_one_training_that_diverged_does_not_unbind_it():
    sizes = np.arange(1.0, 61.0)
    rows = np.repeat(np.maximum(of_noise(sizes, 40), 1e-9), 12, axis=0)
    expected = peak_place(sizes, rows).interval
    rows[3] = 1.0
    assert peak_place(sizes, rows).interval == expected


def test_what_cannot_be_told_is_not_bounded():
    sizes = np.array([10.0, 20.0, 30.0])
    none, all_of_them = np.array([[0.9, 0.8, 0.7]]), np.array([[0.01, 1e-3, 1e-4]])
    beyond = peak_place(sizes, none, unit="features")
    assert beyond.interval == (30.0, math.inf)
    assert beyond.sentence == (
        "The test risk peaks, if it does, at 30 features or more: what was measured does not bound it."
    )
    below = peak_place(sizes, all_of_them)
    assert below.interval == (0.0, 30.0)
    assert "at 30 or fewer: what was measured" in below.sentence
    assert place_or_none(sizes[:1], none[:, :1]) is None
    assert place_or_none(sizes, np.full((2, 3), np.nan)) is None


@pytest.mark.parametrize(
    ("procedure", "source", "sizes", "samples"),
    [
        (benign.RandomFourier(), benign.sources.digits(label_noise=0.1), range(4, 121, 4), 50),
        (benign.Polynomial(), benign.sources.function("step", noise=0.0), range(1, 31), 12),
    ],
    ids=["features", "polynomials"],
)
def test_a_measured_peak_lies_within(procedure, source, sizes, samples):
    surface = benign.measure(procedure, source, sizes=sizes, samples=[samples], replicates=20, workers=1)
    curve = surface.curve("test_loss")
    training = surface.curve("train_loss").values / curve.section["train_loss_constant"].values[:, None]
    found = peak_place(curve.positions, training, unit=procedure.size_name)
    assert curve.peak is not None
    assert found.interval[0] <= curve.peak.position <= found.interval[1] <= 1.5 * found.interval[0]
