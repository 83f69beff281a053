"""What wrong labels cost: closed forms, what copies a label, what does not, and when nothing is said."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import datasets
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.svm import SVC

import benign
from benign.diagnosis.answers import DataFinding, Unanswered
from benign.diagnosis.held_out_mean import held_out_mean
from benign.diagnosis.noise_slope import noise_slope
from tests.diagnosis.benches import bench_of


def slope_of(model, source, *, samples=None, findings=(), **settings):
    with bench_of(model, source, samples=samples, **settings) as bench:
        return noise_slope(bench, findings=findings)


@pytest.fixture(scope="module")
def digits():
    return benign.sources.arrays(*datasets.load_digits(return_X_y=True), test_samples=359)


def clusters(per_class=50, classes=4):
    """Rows around corners that nobody mistakes; what is predicted wrong is the noise's doing."""
    labels = np.tile(np.arange(classes), per_class)
    inputs = 10.0 * np.eye(classes)[labels] + np.random.default_rng(0).normal(size=(len(labels), classes))
    return benign.sources.arrays(inputs, labels, task="classification", test_samples=len(labels) // 5)


def gaussian(seed, columns=20):
    random = np.random.default_rng(seed)
    inputs = random.normal(size=(125, columns))
    return benign.sources.arrays(inputs, inputs @ random.normal(size=columns), test_samples=25, scale="none")


def test_least_squares_pays_its_columns_over_the_rows_left():
    n, p = 100, 20
    expected = p / (n - p - 1)  # of the noise's variance, on Gaussian inputs without an intercept
    model = LinearRegression(fit_intercept=False)
    found = [slope_of(model, gaussian(seed), trainings=15.0) for seed in range(25)]
    values = np.array([one.loss.value for one in found])
    assert abs(values.mean() - expected) < 4.0 * values.std(ddof=1) / np.sqrt(len(values))
    covered = [one.loss.interval[0] <= expected <= one.loss.interval[1] for one in found]
    assert np.mean(covered) >= 0.8
    assert all(np.isnan(one.error.value) for one in found)


def test_copying_the_nearest_label_costs_one_point_a_point_at_any_n():
    found = slope_of(KNeighborsClassifier(1), clusters(500))
    assert found.error.interval[0] <= 1.0 <= found.error.interval[1]
    assert found.error.value == pytest.approx(1.0, abs=0.15)
    assert found.is_fitted
    assert found.levels == (0.0, 0.1, 0.2)
    assert found.samples == (400, 800, 1600)
    assert found.exponent.value == pytest.approx(0.0, abs=0.2)
    assert "They cost the same from 400 to 1,600 samples" in found.sentence
    assert found.sentence.startswith("One per cent more wrong labels costs ")
    assert "1 would be as bad as copying the nearest label" in found.sentence


def test_copying_the_nearest_value_costs_its_noise():
    random = np.random.default_rng(0)
    x = random.uniform(size=(1000, 1))
    found = slope_of(KNeighborsRegressor(1), benign.sources.arrays(x, np.sin(3.0 * x[:, 0]), test_samples=200))
    assert found.loss.interval[0] <= 1.0 <= found.loss.interval[1]
    assert found.loss.value == pytest.approx(1.0, abs=0.15)
    assert found.is_fitted
    assert "times its variance to the squared error" in found.sentence


def test_five_neighbours_outvote_what_they_do_not_fit(digits):
    found = slope_of(KNeighborsClassifier(5), digits, samples=200, trainings=15.0)
    assert 0.0 < found.error.value < 0.35
    assert found.error.interval[1] < 0.5
    assert not found.is_fitted
    assert "not all learnt" in found.sentence


def test_a_fitted_forest_pays_less_than_the_nearest_neighbour(digits):
    forest = slope_of(ExtraTreesClassifier(25, random_state=0), digits, samples=200, trainings=15.0)
    nearest = slope_of(KNeighborsClassifier(1), digits, samples=200, trainings=15.0)
    assert forest.is_fitted
    assert nearest.is_fitted
    assert 0.1 < forest.error.value < 0.7
    assert nearest.error.value == pytest.approx(1.0, abs=0.25)
    assert forest.error.interval[1] < nearest.error.interval[0] + 0.1


def bayes(X, y, size, time, seed):
    """Knows each row's class, and learns the rate from the labels."""
    classes = X.shape[1]
    share = np.mean(y != X.argmax(axis=1))
    return lambda X: np.where(np.eye(classes, dtype=bool)[X.argmax(axis=1)], 1.0 - share, share / (classes - 1))


def test_what_the_bayes_predictor_pays_is_taken_off():
    source = clusters()
    found = slope_of(benign.from_callable(bayes, name="bayes", revision=1), source, size=1)
    assert found.loss.value == pytest.approx(0.0, abs=1e-12)
    assert found.error.value == 0.0
    assert found.error.interval[1] > 0.0
    assert "too little to see" in found.sentence


def fading(X, y, size, time, seed):
    """Mistakes of the held-out rows 40 / n as many as wrong labels there are."""
    wrong = np.mean(y != X.argmax(axis=1)) * 40.0 / len(y)
    classes = X.shape[1]

    def predict(X):
        own = X.argmax(axis=1)
        is_mistaken = (1e4 * X.sum(axis=1)) % 1.0 < wrong
        return np.where(is_mistaken, (own + 1) % classes, own)

    return predict


def test_the_exponent_is_that_of_the_cost():
    found = slope_of(benign.from_callable(fading, name="fading", revision=1), clusters(2500), samples=160, size=1)
    assert found.samples == (40, 80, 160)
    assert found.exponent.interval[0] <= -1.0 <= found.exponent.interval[1] < 0.0
    assert "Wrong labels cost less as n grows, from 40 to 160 samples." in found.sentence


def test_no_exponent_without_the_budget_and_fewer_folds(digits):
    found = slope_of(KNeighborsClassifier(1), digits, samples=100, trainings=6.0)
    assert found.samples == ()
    assert np.isnan(found.exponent.value)
    assert found.levels == (0.0, 0.2)


def test_noise_is_counted_from_none_whatever_the_source_has():
    plain = slope_of(KNeighborsClassifier(1), clusters(), trainings=15.0)
    noisy = slope_of(KNeighborsClassifier(1), clusters().with_label_noise(0.3), trainings=15.0)
    assert plain.error == noisy.error


def test_margins_have_no_squared_loss():
    found = slope_of(SVC(), clusters(), trainings=15.0)
    assert np.isnan(found.loss.value)
    assert not np.isnan(found.error.value)


class _WithoutNoise:
    """A source that cannot be given label noise."""

    def __init__(self, source):
        self._source = source
        self.name, self.revision = "frozen labels", 1
        self.max_samples, self.classes = source.max_samples, source.classes

    def spec(self):
        return self._source.spec()

    def draw(self, samples, replicate):
        return self._source.draw(samples, replicate)


@pytest.mark.parametrize(
    ("source", "settings", "words"),
    [
        (_WithoutNoise(clusters()), {}, "frozen labels cannot be given wrong labels"),
        (clusters(), {"samples": 10}, "10 samples are too few"),
        (clusters(), {"trainings": 3.5}, "takes 4 trainings"),
        (
            benign.sources.arrays(np.eye(50), 1.0 * (np.arange(50) == 1), task="regression", test_samples=10),
            {"model": KNeighborsRegressor(1), "samples": 20},
            "All targets are the same",
        ),
        (
            clusters(),
            {"findings": (DataFinding(code="leak", sentence="A leak.", refuses=("noise_slope",)),)},
            "A leak.",
        ),
    ],
    ids=["no label noise", "few samples", "small budget", "constant", "finding"],
)
def test_it_says_why_there_is_no_answer(source, settings, words):
    with pytest.raises(Unanswered, match=words):
        slope_of(**{"model": KNeighborsClassifier(1), "source": source, **settings})


def test_the_mean_over_folds_is_that_of_all_samples():
    random = np.random.default_rng(0)
    folds = [random.normal(size=m) for m in (10, 20, 30)]
    found = held_out_mean(folds)
    everything = np.concatenate(folds)
    assert found.value == pytest.approx(everything.mean())
    assert found.error >= everything.std(ddof=1) / np.sqrt(60)
    assert held_out_mean(folds, least=7.0).error > 7.0


def test_its_interval_holds_the_mean_of_folds_that_differ():
    random = np.random.default_rng(1)
    inside = 0
    for _ in range(300):
        found = held_out_mean([random.normal(0.3 * random.normal(), 1.0, size=20) for _ in range(5)]).estimate
        inside += found.interval[0] <= 0.0 <= found.interval[1]
    assert inside / 300 >= 0.94
