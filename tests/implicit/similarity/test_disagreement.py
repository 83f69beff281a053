"""Disagreement against counting, against simulated independent predictors, and the coverage of its interval."""

import itertools

import numpy as np
import pytest
from scipy.special import softmax

from tests.networks.extra import HAS_JAX, needs_networks

if not HAS_JAX:
    needs_networks()

from benign.foundation.errors import InvalidArgument
from benign.implicit.similarity.network_pairs import members_of, pair_mean, pairs_of
from benign.implicit.similarity.prediction_disagreement import disagreement, mean_squared_difference


def predictors(accuracies, *, samples=4000, classes=4, seed=0, skewed=False):
    """Outputs of predictors whose mistakes are independent, and the labels; skewed: wrong mostly on class 0."""
    random = np.random.default_rng([7, seed])
    labels = random.integers(0, classes, samples)
    rows = []
    for accuracy in accuracies:
        rate = np.where(labels == 0, 4.0, 0.5) * (1.0 - accuracy) if skewed else 1.0 - accuracy
        shift = np.where(random.random(samples) < rate, random.integers(1, classes, samples), 0)
        rows.append(np.eye(classes)[(labels + shift) % classes])
    return np.stack(rows) + 0.1 * random.random((len(accuracies), samples, classes)), labels


def test_disagreement_is_counted():
    random = np.random.default_rng(2)
    outputs, labels = random.standard_normal((5, 30, 3)), random.integers(0, 3, 30)
    found = disagreement(outputs, labels)
    classes = [[max(range(3), key=lambda k: outputs[m, i, k]) for i in range(30)] for m in range(5)]
    for value, (i, j) in zip(found.observed.values, itertools.combinations(range(5), 2), strict=True):
        assert value == pytest.approx(sum(a != b for a, b in zip(classes[i], classes[j], strict=True)) / 30)
    assert found.observed.mean == pytest.approx(np.mean(found.observed.values))
    np.testing.assert_allclose(found.excess.values, found.observed.values - found.independent.values)
    np.testing.assert_allclose(found.excess_in_class.values, found.observed.values - found.independent_in_class.values)


def test_independence_spreads_mistakes_evenly_over_the_wrong_classes():
    outputs, labels = predictors([0.5, 0.3, 0.6], samples=50)
    accuracies = [(one.argmax(axis=1) == labels).mean() for one in outputs]
    rows = [np.array([accuracy, *[(1.0 - accuracy) / 3] * 3]) for accuracy in accuracies]  # the true class first
    for value, (i, j) in zip(disagreement(outputs, labels).independent.values, pairs_of(3), strict=True):
        assert value == pytest.approx(1.0 - rows[i] @ rows[j], rel=1e-12)


def test_independence_in_class_sums_over_confusions():
    random = np.random.default_rng(3)
    outputs, labels = random.standard_normal((3, 40, 3)), random.integers(0, 3, 40)
    predicted = outputs.argmax(axis=2)
    for value, (i, j) in zip(disagreement(outputs, labels).independent_in_class.values, pairs_of(3), strict=True):
        agree = 0.0
        for y, k in itertools.product(range(3), range(3)):
            of_class = labels == y
            agree += of_class.mean() * np.mean(predicted[i][of_class] == k) * np.mean(predicted[j][of_class] == k)
        assert value == pytest.approx(1.0 - agree, rel=1e-12)


def test_independent_predictors_have_no_excess():
    outputs, labels = predictors([0.9, 0.8, 0.7, 0.85, 0.95, 0.6])
    found = disagreement(outputs, labels)
    error = 4.0 * 0.5 / np.sqrt(4000)  # four standard errors of one pair's share at most
    assert np.abs(found.excess.values).max() < error
    assert np.abs(found.excess_in_class.values).max() < error


def test_hard_classes_are_no_agreement_beyond_the_confusions():
    found = disagreement(*predictors([0.8] * 6, skewed=True))
    assert found.excess.interval[1] < -0.05
    assert found.excess_in_class.interval[0] < 0.0 < found.excess_in_class.interval[1] or (
        abs(found.excess_in_class.mean) < 0.01
    )


def test_predictors_with_common_mistakes_agree_more_than_their_accuracies_force():
    outputs, labels = predictors([0.7])
    common = np.concatenate([outputs] * 4)
    found = disagreement(common, labels)
    assert found.observed.mean == 0.0
    assert found.excess.interval[1] < -0.3
    assert found.excess_in_class.interval[1] < -0.3


def test_a_class_without_inputs_counts_nothing():
    outputs, labels = predictors([0.9, 0.8, 0.7], classes=3)
    wider = np.concatenate([outputs, np.full((3, 4000, 1), -9.0)], axis=2)
    narrow, wide = disagreement(outputs, labels), disagreement(wider, labels)
    np.testing.assert_allclose(wide.independent_in_class.values, narrow.independent_in_class.values, rtol=1e-12)


@pytest.mark.parametrize("probabilities", [False, True])
def test_mean_squared_difference_is_twice_the_variance_over_networks(probabilities):
    outputs = np.random.default_rng(4).standard_normal((6, 20, 3))
    values = softmax(outputs, axis=2) if probabilities else outputs
    variance = np.var(values, axis=0, ddof=1).sum(axis=1).mean()
    found = mean_squared_difference(outputs, probabilities=probabilities)
    assert found.mean == pytest.approx(2.0 * variance, rel=1e-12)
    apart = [((values[i] - values[j]) ** 2).sum() / 20 for i, j in pairs_of(6)]
    np.testing.assert_allclose(found.values, apart, rtol=1e-12)


def test_jackknife_leaves_out_one_network_at_a_time():
    matrix = np.random.default_rng(5).random((6, 6))
    values = np.array([matrix[i, j] for i, j in pairs_of(6)])
    without = np.array([np.mean([v for v, p in zip(values, pairs_of(6), strict=True) if m not in p]) for m in range(6)])
    error = np.sqrt(5 / 6 * np.sum((without - without.mean()) ** 2))
    found = pair_mean(values, level=0.9)
    assert found.mean == pytest.approx(values.mean())
    np.testing.assert_allclose(found.interval, values.mean() + np.array([-1, 1]) * 2.0150483726691575 * error)


def test_interval_covers_where_pairs_share_networks():
    """Networks with numbers u: |u_i + u_j + noise_ij|^2 style pairs whose mean is known; 400 sets of 8 networks."""
    random = np.random.default_rng(6)
    hits, naive = 0, 0
    for _ in range(400):
        u, noise = random.standard_normal(8), 0.3 * random.standard_normal(28)
        values = np.array([u[i] + u[j] for i, j in pairs_of(8)]) + noise
        low, high = pair_mean(values).interval
        hits += low <= 0.0 <= high
        naive += abs(values.mean()) <= 2.05 * values.std(ddof=1) / np.sqrt(28)
    assert hits >= 400 * 0.95 - 4 * np.sqrt(400 * 0.95 * 0.05)
    assert naive < 400 * 0.85


def test_one_pair_tells_no_spread():
    assert pair_mean(np.array([0.3])).interval == (-np.inf, np.inf)


@pytest.mark.parametrize("pairs", [0, 2, 4, 5, 7])
def test_numbers_that_are_no_set_of_pairs_are_refused(pairs):
    with pytest.raises(InvalidArgument, match="`values` must hold one number for each pair"):
        members_of(pairs)


def test_number_of_members_follows_from_that_of_pairs():
    assert [members_of(len(pairs_of(m))) for m in range(2, 40)] == list(range(2, 40))


@pytest.mark.parametrize(
    ("outputs", "labels", "message"),
    [
        (np.zeros((1, 5, 2)), np.zeros(5, int), "`outputs` must hold at least two networks"),
        (np.zeros((3, 5, 1)), np.zeros(5, int), "`outputs` must have one column"),
        (np.zeros((3, 5, 2)), np.zeros(4, int), "`labels` must hold one class"),
        (np.zeros((3, 5, 2)), np.full(5, 2), "`labels` must hold one class"),
        (np.zeros((3, 5, 2)), np.full(5, -1), "`labels` must hold one class"),
        (np.full((3, 5, 2), np.nan), np.zeros(5, int), "`outputs` must be finite"),
    ],
    ids=["one network", "one class", "too few labels", "class too large", "class too small", "diverged"],
)
def test_bad_input_gets_a_sentence(unchecked, outputs, labels, message):
    with pytest.raises(InvalidArgument, match=message):
        disagreement(outputs, labels)
