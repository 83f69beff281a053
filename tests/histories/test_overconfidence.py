import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benign.histories.overconfidence import bound, is_cross_entropy, overconfidence
from tests.histories.recorded_runs import there


@given(st.integers(2, 50), st.floats(0.0, 1.0))
def test_no_confidence_beats_the_bound_and_one_reaches_it(classes, share):
    """With u on the right side: the loss of giving 1 - q to the predicted class and q / (K - 1) to each other."""
    error = share * (1 - 1 / classes)
    confidences = np.linspace(1e-9, 1 - 1e-9, 2001)
    losses = -(1 - error) * np.log(1 - confidences) - error * np.log(confidences / (classes - 1))
    assert bound(error, classes) <= losses.min() + 1e-9
    assert bound(error, classes) == pytest.approx(losses.min(), abs=1e-3)


def test_guessing_pays_the_logarithm_of_the_classes():
    assert bound(0.9, 10) == pytest.approx(math.log(10))
    assert bound(1.0, 10, 100) == pytest.approx(math.log(10))
    assert bound(0.0, 10, 100) == 0.0


@given(st.floats(0.0, 0.8), st.integers(50, 10**6))
def test_fewer_samples_certify_less(error, samples):
    assert bound(error, 10, samples) >= bound(error, 10) - 1e-12


def test_the_example_of_the_study():
    """Error 53 % of the study's run: of 1.76 risen nats at least 1.36 are confidence."""
    found = there(overconfidence(3.30, 1.55, 0.53, 10, 5000))
    assert found.bound == pytest.approx(1.88, abs=0.05)
    assert found.certified_nats == pytest.approx(3.30 - found.bound)
    assert found.certified_share == pytest.approx(found.certified_nats / 1.75)


def test_what_did_not_rise_has_no_share_and_what_is_no_cross_entropy_no_bound():
    assert there(overconfidence(1.0, 1.0, 0.2, 10, 1000)).certified_share is None
    assert overconfidence(0.1, 0.05, 0.5, 10, 1000) is None
    assert overconfidence(5.0, 4.0, 0.01, 1, 1000) is None
    assert there(overconfidence(9.0, 8.9, 0.01, 10, 1000)).certified_share == 1.0


@given(st.integers(0, 2**31), st.integers(2, 6))
def test_every_cross_entropy_is_taken_for_one(seed, classes):
    rng = np.random.default_rng(seed)
    rows = rng.dirichlet(np.full(classes, 0.3), 200)
    labels = rng.integers(0, classes, 200)
    loss = float(-np.log(np.maximum(rows[np.arange(200), labels], 1e-300)).mean())
    assert is_cross_entropy(loss, float(np.mean(rows.argmax(axis=1) != labels)), 10**9)
