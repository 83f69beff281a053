"""Flips: exact counts of every prefix, nested over n and over multiples of a rate, uniform positions and classes."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jaxtyping import Bool

from benign.foundation.errors import InvalidArgument
from benign.foundation.randomness import generator
from benign.foundation.replicate import Replicate
from benign.sources import add_gaussian, flip_labels, flipped_positions
from benign.sources.label_noise import checked_deviation, checked_rate

RATES = st.one_of(
    st.floats(1e-100, 0.999),
    st.sampled_from([0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 1 / 3, 0.4, 0.5, 0.6, 2 / 3, 0.75, 0.9, 0.99]),
)
COUNTS = st.integers(0, 700)
SEEDS = st.integers(0, 2**20)


def flips(count: int, rate: float, seed: int) -> Bool[np.ndarray, " n"]:
    return flipped_positions(count, rate, generator(seed, "test"))


@given(count=COUNTS, rate=RATES, seed=SEEDS)
def test_every_prefix_holds_its_rate_to_less_than_one_flip(count: int, rate: float, seed: int) -> None:
    so_far = np.concatenate([[0], np.cumsum(flips(count, rate, seed))])
    promised = rate * np.arange(count + 1)
    assert np.all(np.abs(so_far - promised) < 1.0 + 1e-6 * count)


@given(numerator=st.integers(0, 19), denominator=st.integers(1, 20), multiple=st.integers(0, 30), seed=SEEDS)
def test_count_is_exact_where_rate_times_n_is_an_integer(
    numerator: int, denominator: int, multiple: int, seed: int
) -> None:
    rate = Fraction(min(numerator, denominator - 1), denominator)
    count = denominator * multiple
    assert flips(count, float(rate), seed).sum() == rate * count


@given(count=COUNTS, more=COUNTS, rate=RATES, seed=SEEDS)
def test_flips_of_a_prefix_do_not_depend_on_what_follows(count: int, more: int, rate: float, seed: int) -> None:
    np.testing.assert_array_equal(flips(count, rate, seed), flips(count + more, rate, seed)[:count])


@given(count=COUNTS, rate=st.integers(1, 500), factor=st.integers(1, 20), seed=SEEDS)
def test_flips_are_nested_over_multiples_of_a_rate(count: int, rate: int, factor: int, seed: int) -> None:
    low, high = rate / 1000, min(factor, 500 // rate) * rate / 1000
    assert np.all(flips(count, low, seed) <= flips(count, high, seed))


@given(count=COUNTS, kept=st.integers(1, 499), factor=st.integers(1, 20), seed=SEEDS)
def test_flips_are_nested_where_kept_shares_are_multiples(count: int, kept: int, factor: int, seed: int) -> None:
    multiple = min(factor, 499 // kept) * kept / 1000
    highest = flips(count, 1 - kept / 1000, seed)
    assert np.all(flips(count, 1 - multiple, seed) <= highest)
    assert np.all(flips(count, multiple, seed) <= highest)


@pytest.mark.parametrize("high", [0.15, 0.2, 0.25, 0.3, 0.35])
def test_other_rates_nest_mostly(high: float) -> None:
    low, higher = flips(20_000, high - 0.05, 1), flips(20_000, high, 1)
    assert np.mean(higher[low]) > 0.7, "independent flips would share a third or less"


def test_chosen_by_a_literal_transcription() -> None:
    """The definition, block by block in exact arithmetic."""
    for rate in (Fraction(1, 10), Fraction(3, 20), Fraction(2, 5), Fraction(1, 2)):
        priorities = generator(3, "test").random(2_000)
        expected = set()
        for k in range(100):
            block = range(math.floor(k / rate), math.floor((k + 1) / rate))
            expected.add(min(block, key=lambda position: priorities[position]))
        found = flips(math.floor(100 / rate), float(rate), 3)
        assert set(np.flatnonzero(found)) == expected


def test_positions_are_random_and_uniform_within_blocks() -> None:
    marks = np.array([flips(50, 0.2, seed) for seed in range(4_000)])
    standard_error = math.sqrt(0.2 * 0.8 / 4_000)
    assert np.all(np.abs(marks.mean(axis=0) - 0.2) < 4.5 * standard_error)
    assert len({mark.tobytes() for mark in marks}) > 3_990


def test_wrong_classes_are_uniform_over_the_others() -> None:
    clean = np.full(30_000, 2)
    noisy = flip_labels(clean, num_classes=5, rate=0.4, replicate=Replicate())
    counts = np.bincount(noisy, minlength=5)
    assert counts[2] == 18_000
    others = np.delete(counts, 2)
    assert others.sum() == 12_000
    assert np.all(np.abs(others - 3_000) < 4.5 * math.sqrt(12_000 * 0.25 * 0.75))


@given(count=st.integers(1, 300), rate=RATES, classes=st.integers(2, 6), noise=st.integers(0, 50))
def test_flipped_labels_differ_exactly_at_the_flipped_positions(
    count: int, rate: float, classes: int, noise: int
) -> None:
    clean = np.arange(count) % classes
    replicate = Replicate(noise=noise)
    noisy = flip_labels(clean, num_classes=classes, rate=rate, replicate=replicate)
    assert noisy.dtype == clean.dtype
    assert noisy.min() >= 0
    assert noisy.max() < classes
    assert abs(np.sum(noisy != clean) - rate * count) < 1.0 + 1e-6 * count
    np.testing.assert_array_equal(
        flip_labels(clean[: count // 2], num_classes=classes, rate=rate, replicate=replicate), noisy[: count // 2]
    )


def test_a_flipped_label_is_flipped_to_the_same_class_at_a_higher_rate() -> None:
    clean = np.arange(1_000) % 7
    low, high = (flip_labels(clean, num_classes=7, rate=rate, replicate=Replicate(noise=2)) for rate in (0.1, 0.2))
    is_flipped = low != clean
    assert is_flipped.sum() == 100
    np.testing.assert_array_equal(high[is_flipped], low[is_flipped])


def test_no_noise_leaves_labels_alone_even_of_one_class() -> None:
    clean = np.zeros(5, dtype=np.int64)
    noisy = flip_labels(clean, num_classes=1, rate=0.0, replicate=Replicate())
    np.testing.assert_array_equal(noisy, clean)
    assert noisy is not clean


def test_gaussian_noise_is_nested_over_n_and_deviation() -> None:
    values = np.linspace(-1.0, 1.0, 60).reshape(30, 2)
    noisy = add_gaussian(values, deviation=1.0, replicate=Replicate(noise=1))
    larger = add_gaussian(values, deviation=3.0, replicate=Replicate(noise=1)) - values
    np.testing.assert_allclose(larger, 3.0 * (noisy - values), rtol=0.0, atol=1e-13)
    prefix = add_gaussian(values[:7], deviation=1.0, replicate=Replicate(noise=1))
    np.testing.assert_array_equal(prefix, noisy[:7])


def test_gaussian_noise_is_standard() -> None:
    noise = add_gaussian(np.zeros((20_000, 1)), deviation=1.0, replicate=Replicate())
    assert abs(noise.mean()) < 4.0 / math.sqrt(20_000)
    assert abs(noise.std() - 1.0) < 4.0 / math.sqrt(40_000)


@pytest.mark.parametrize("rate", [-0.1, 1.0, 20, 1.5])
def test_refuses_a_rate_outside_the_unit_interval(rate: float) -> None:
    with pytest.raises(InvalidArgument, match=r"^`label_noise` must be a share of flipped labels .*\(0\.1 for 10 %\)"):
        flip_labels(np.array([0, 1]), num_classes=2, rate=rate, replicate=Replicate())


@pytest.mark.parametrize("rate", [float("nan"), float("inf"), "0.1", None, True])
def test_refuses_a_rate_that_is_no_number(rate: object) -> None:
    with pytest.raises(InvalidArgument, match=r"^`label_noise` must be a share of flipped labels "):
        checked_rate(rate)


def test_refuses_to_flip_between_fewer_than_two_classes() -> None:
    with pytest.raises(InvalidArgument, match=r"^`label_noise` needs at least two classes .* got 1\.$"):
        flip_labels(np.zeros(3, dtype=np.int64), num_classes=1, rate=0.1, replicate=Replicate())


def test_refuses_a_negative_deviation() -> None:
    with pytest.raises(InvalidArgument, match=r"^`noise` must be a standard deviation of at least 0, got -0\.5\.$"):
        checked_deviation("noise", -0.5)
