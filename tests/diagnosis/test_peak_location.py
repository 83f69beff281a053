"""Where a peak must be looked for: at the exact fit, which the threshold of 2 % does not reach."""

import json
import math
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.neural_network import MLPRegressor

import benign
from benign.curves.fitting_threshold import ThresholdOutcome
from benign.curves.peak_place import PeakEnd, PeakPlace
from benign.diagnosis.exact_fit import look_beyond
from benign.diagnosis.peak_location import _placed
from tests.diagnosis.known import logistic
from tests.diagnosis.test_fitting_thresholds import falling, threshold_size

DIGITS = benign.sources.digits(label_noise=0.1)
QUIET: dict[str, Any] = {"workers": 1, "store": ":memory:"}


@pytest.mark.parametrize(("samples", "size"), [(100, 80), (60, 100)])
def test_the_peak_of_least_squares_is_at_the_exact_fit(samples, size):
    found = benign.locate_peak(benign.RandomFourier(), DIGITS, size=size, samples=samples, max_trainings=100, **QUIET)
    place, along_samples = found.peak_size, found.peak_samples
    assert place is not None
    assert along_samples is not None
    assert place.interval[0] < samples <= place.interval[1] <= 1.2 * samples
    assert place.end is PeakEnd.EXACT
    assert along_samples.interval[0] <= size <= along_samples.interval[1] <= 1.2 * size
    assert f"{place.words} at your n = {samples}" in found.sentence
    assert found.threshold_size is not None
    assert found.complexity.trainings + found.threshold_size.trainings <= 100
    answer = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert answer["peak_size"]["interval"] == list(place.interval)
    assert answer["threshold_size"]["value"] < samples


@pytest.mark.parametrize("samples", [150, 200, 300])
def test_least_squares_in_200_columns_peaks_at_as_many_samples(samples):
    """Along columns no more than there are; along samples and columns the interval holds the exact fit."""
    random = np.random.default_rng(0)
    inputs = random.standard_normal((700, 200))
    targets = inputs @ random.standard_normal(200) / 14 + 0.5 * random.standard_normal(700)
    source = benign.sources.arrays(inputs, targets, test_samples=100)
    procedure = benign.from_estimator(LinearRegression(), size="features")
    found = benign.locate_peak(procedure, source, size=200, samples=samples, max_trainings=60, **QUIET)
    along, place = found.peak_samples, found.peak_size
    assert along is not None
    assert along.interval[0] <= 201
    assert along.interval[1] >= 200
    assert found.threshold_size is not None
    assert max(found.threshold_size.evidence) <= 200
    if samples <= 200:
        assert place is not None
        assert place.interval[0] < samples <= place.interval[1] + 1
    else:
        assert "beyond 200 features, if anywhere, at your n = 300" in found.sentence


def test_a_real_number_is_searched_on_a_grid_of_its_own():
    procedure = benign.from_estimator(Ridge(), size="alpha", inverse=True)
    random = np.random.default_rng(0)
    inputs = random.standard_normal((160, 80))
    source = benign.sources.arrays(inputs, random.standard_normal(160), test_samples=100)
    found = benign.threshold_size(procedure, source, samples=40, max_trainings=120, **QUIET)
    few = {alpha for alpha in found.evidence if found.interval[0] <= alpha <= found.interval[1]}
    assert few
    assert found.value != math.floor(found.value)
    # The threshold of one draw, by bisection on the exact training risk.
    splits = [source.draw(40, benign.Replicate(draw=draw)) for draw in range(10)]

    def risk(alpha):
        ratios = []
        for split in splits:
            X, y = split.train_inputs, split.train_targets
            rest = y - Ridge(alpha=alpha).fit(X, y).predict(X).reshape(y.shape)
            ratios.append(np.sum(rest**2) / np.sum((y - y.mean(axis=0)) ** 2))
        return np.mean(ratios)

    assert risk(found.interval[0] / 1.01) < 0.025
    assert risk(found.interval[1] * 1.01) > 0.016


@pytest.mark.parametrize(
    ("interval", "words"),
    [
        ((6.0, 9.0), "at max_leaf_nodes between 6 and 9"),
        ((9.0, 9.0), "at max_leaf_nodes 9"),
        ((0.0, 9.0), "at max_leaf_nodes 9 or fewer"),
        ((6.0, math.inf), "at max_leaf_nodes 6 or more"),
        ((0.0, math.inf), "at a place that these positions do not bound"),
    ],
)
def test_a_place_along_a_parameter(interval, words):
    place = PeakPlace(interval=interval, end=PeakEnd.EXACT, unit="max_leaf_nodes")
    assert _placed(place, ThresholdOutcome.FOUND) == words
    assert _placed(place, ThresholdOutcome.NONE_FITTED) == ""


def test_the_threshold_that_was_searched_stays_as_it_was():
    procedure = falling(137.0)
    found = threshold_size(procedure, max_trainings=200)
    asked = []

    def risk_at(size):
        asked.append(size)
        return logistic(1.0 / 137.0)(1.0 / size)

    more = look_beyond(found, "squared", risk_at, largest=10_000.0, looks=3)
    assert (more.value, more.interval, more.outcome) == (found.value, found.interval, found.outcome)
    assert 1 <= len(asked) <= 3
    assert more.trainings == found.trainings + 4 * len(asked)
    assert more.evidence == {**found.evidence, **{float(size): more.evidence[size] for size in asked}}
    assert list(more.evidence) == sorted(more.evidence)
    assert look_beyond(found, "squared", risk_at, largest=10_000.0, looks=0) is found
    assert look_beyond(found, "cross-entropy", risk_at, largest=10_000.0, looks=3) is found


def test_without_an_exact_fit_nothing_is_made_up():
    """A network that fits nothing has no peak within what was tried."""
    network = benign.from_estimator(MLPRegressor(max_iter=5), size="hidden_layer_sizes")
    source = benign.sources.arrays(np.linspace(-1, 1, 60)[:, None], np.sin(np.arange(60.0)), test_samples=20)
    with pytest.warns(match="Stochastic Optimizer"):
        found = benign.locate_peak(network, source, size=2, samples=40, max_trainings=30, **QUIET)
    assert found.peak_size is None or not found.peak_size.is_bounded
    assert "exact, which was measured" not in found.sentence
