"""Choosing minimum, peak and second descent, against search over all triples."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benign.curves.halvings import canonical_order, halvings
from benign.curves.shape import log_if_positive, prominent_triples, steady_triples


@given(K=st.integers(3, 12), seed=st.integers(0, 2**31))
def test_prominent_triple_equals_exhaustive_search(K, seed):
    curve = np.random.default_rng(seed).normal(size=K)
    i, j, k = (int(index[0]) for index in prominent_triples(curve[None]))
    best = max(min(curve[b] - curve[a], curve[b] - curve[c]) for a, b, c in itertools.combinations(range(K), 3))
    assert i < j < k
    assert min(curve[j] - curve[i], curve[j] - curve[k]) == best
    if best > 0:
        assert curve[j] == curve[i : k + 1].max()
    assert curve[i] == curve[:j].min()
    assert curve[k] == curve[j + 1 :].min()


def test_neither_a_high_left_end_nor_a_rising_right_end_is_the_peak():
    curve = np.array([9.0, 2.0, 1.0, 4.0, 5.0, 3.0, 0.5, 0.4, 2.0, 8.0])
    assert [int(index[0]) for index in prominent_triples(curve[None])] == [2, 4, 7]


@given(seed=st.integers(0, 2**31), K=st.integers(3, 8))
def test_steady_triple_equals_exhaustive_search(seed, K):
    random = np.random.default_rng(seed)
    values = random.normal(size=(6, K)) * np.exp(random.normal(size=K)) + 100.0 * random.normal(size=(6, 1))
    first = halvings(6)
    i, j, k = steady_triples(values, first)
    for row, half in enumerate(first):
        chosen = values[half]
        error = np.array([[np.std(chosen[:, a] - chosen[:, b], ddof=1) for b in range(K)] for a in range(K)]) / 3**0.5
        floor = 0.5 * np.median(error[np.triu_indices(K, 1)])
        t = (chosen[:, :, None] - chosen[:, None, :]).mean(axis=0) / np.sqrt(error**2 + floor**2)
        best = max(min(t[b, a], t[b, c]) for a, b, c in itertools.combinations(range(K), 3))
        found = min(t[j[row], i[row]], t[j[row], k[row]])
        assert i[row] < j[row] < k[row]
        assert found == pytest.approx(best, rel=1e-5, abs=1e-6)


def test_a_narrow_peak_among_many_positions_is_found():
    values = 0.01 * np.random.default_rng(0).normal(size=(10, 5000))
    values[:, 1234] += 1.0
    _, j, _ = steady_triples(values, halvings(10))
    assert np.all(j == 1234)


@pytest.mark.parametrize(("R", "count"), [(4, 3), (5, 10), (9, 126), (10, 126), (11, 126), (40, 126)])
def test_halvings(R, count):
    first = halvings(R)
    assert first.shape == (count, R)
    assert np.all(first.sum(axis=1) == R // 2)
    if R <= 10:
        unordered = {frozenset([tuple(half), tuple(~half)]) for half in first.tolist() for half in [np.array(half)]}
        assert len(unordered) == count


def test_canonical_order_depends_on_the_values_alone():
    values = np.random.default_rng(0).normal(size=(8, 3))
    shuffled = values[np.random.default_rng(1).permutation(8)]
    np.testing.assert_array_equal(values[canonical_order(values)], shuffled[canonical_order(shuffled)])


def test_logarithms_only_of_positive_values():
    assert log_if_positive(np.array([[1.0, np.e]]))[0].tolist() == [[0.0, 1.0]]
    values = np.array([[1.0, 0.0]])
    assert log_if_positive(values)[0] is values
