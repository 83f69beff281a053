"""Where the model is: numbers against their definitions, intervals against simulation, and what is said of them."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from scipy import stats
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import BaggingClassifier, ExtraTreesClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

import benign
from benign.diagnosis.answers import DataFinding, Unanswered
from benign.diagnosis.held_out_mean import mean_error, mean_loss
from benign.diagnosis.out_of_bag import has_out_of_bag, out_of_bag_error, share_seen
from benign.diagnosis.standing import standing_of
from benign.procedures.estimator import Estimator
from benign.procedures.known_estimators import subject_of
from tests.diagnosis.benches import bench_of, table_of

CANCER = load_breast_cancer()
DIABETES = load_diabetes(return_X_y=True)


@pytest.fixture(scope="module")
def cancer():
    return table_of(CANCER.data, CANCER.target_names[CANCER.target])


@pytest.fixture(scope="module")
def diabetes():
    return table_of(*DIABETES)


def test_numbers_are_those_of_their_definitions(cancer):
    with bench_of(GaussianNB(), cancer) as bench:
        found = standing_of(bench, ())
        splits = [bench.split(fold) for fold in range(3)]
    own, new, constants = [], [], []
    for split in splits:
        y, t = split.train_targets.argmax(axis=1), split.test_targets.argmax(axis=1)
        model = GaussianNB().fit(split.train_inputs, y)
        own.append((np.mean(model.predict(split.train_inputs) != y), _brier(model, split.train_inputs, y)))
        new.append((np.mean(model.predict(split.test_inputs) != t), _brier(model, split.test_inputs, t)))
        shares = split.train_targets.mean(axis=0)
        constants.append((np.mean(t != shares.argmax()), np.mean(np.sum((shares - split.test_targets) ** 2, axis=1))))
    assert (found.train_error, found.train_loss) == pytest.approx(np.mean(own, axis=0))
    assert (found.held_out_error.value, found.held_out_loss.value) == pytest.approx(np.mean(new, axis=0))
    assert (found.held_out_error_constant, found.held_out_loss_constant) == pytest.approx(np.mean(constants, axis=0))
    assert (found.trainings, found.held_out_samples) == (3, 3 * cancer.test_samples)
    assert math.isnan(found.out_of_bag_error)


def _brier(model, X, y):
    return np.mean(np.sum((model.predict_proba(X) - np.eye(2)[y]) ** 2, axis=1))


def test_it_is_said_beside_the_constant(cancer, diabetes):
    with bench_of(GaussianNB(), cancer) as bench:
        assert re.fullmatch(
            r"On 456 samples the training error is [\d.]+ % and the Brier score 0\.\d+ of a constant's; on new samples "
            r"[\d.]+ % \([\d.]+ to [\d.]+\) are wrong, where always saying 'benign' has \d\d %\.",
            standing_of(bench, ()).sentence,
        )
    with bench_of(LinearRegression(), diabetes) as bench:
        found = standing_of(bench, ())
        assert re.fullmatch(
            r"On 354 samples the training squared loss is 0\.4\d of a constant's; on new samples it is 0\.5\d "
            r"\(0\.4\d to 0\.\d\d\) of a constant's\.",
            found.sentence,
        )
    assert all(
        math.isnan(one) for one in (found.train_error, found.held_out_error.value, found.held_out_error_constant)
    )


@pytest.mark.parametrize("code", ["copies", "groups", "ordered", "leak"])
def test_too_easy_held_out_rows_cast_doubt(diabetes, code):
    finding = DataFinding(code=code, sentence="", refuses=() if code == "leak" else ("more_data",))
    with bench_of(LinearRegression(), diabetes) as bench:
        assert "Samples to come will be harder than these: " in standing_of(bench, (finding,)).sentence


def mislabelled(X, y, size, time, seed):
    """Has learnt the labels of another order of the classes."""
    means = np.array([X[y == k].mean(axis=0) for k in range(2)])
    return lambda inputs: ((inputs[:, None] - means) ** 2).sum(axis=2)


def test_worse_than_chance_is_a_likely_bug_and_fitting_noise_is_none(cancer):
    procedure = benign.from_callable(mislabelled, name="mislabelled", revision=1)
    with bench_of(procedure, cancer, size=1) as bench:
        assert "worse than chance" in standing_of(bench, ()).sentence
    random = np.random.default_rng(0)
    noise = table_of(random.normal(size=(400, 3)), (random.random(400) < 0.2).astype(np.int64))
    with bench_of(ExtraTreesClassifier(10), noise) as bench:
        found = standing_of(bench, ())
    assert found.held_out_error.value > found.held_out_error_constant + 0.05
    assert "worse than chance" not in found.sentence


def test_a_loss_beyond_the_constant_is_said():
    random = np.random.RandomState(42)
    X, y = random.randn(100, 80), random.randn(100)
    with bench_of(LinearRegression(), table_of(X, y, test_samples=20)) as bench:
        found = standing_of(bench, ())
    assert found.held_out_loss.value > 10.0 * found.held_out_loss_constant
    assert "times a constant's: noise that it fits, as near a peak, or a bug." in found.sentence


@pytest.mark.parametrize("share", [0.0, 0.03, 0.5, 1.0])
def test_an_error_of_one_fold_has_the_exact_interval(share):
    wrong = np.arange(100) < 100 * share
    found = mean_error([wrong])
    exact = stats.binomtest(int(wrong.sum()), 100).proportion_ci(method="exact")
    assert found.interval == pytest.approx((exact.low, exact.high), abs=0.006)
    if share in (0.0, 1.0):
        assert found.interval == pytest.approx((exact.low, exact.high))


def _least_squares(columns, noise):
    def simulate(random):
        X, Z = random.normal(size=(75, columns)), random.normal(size=(200, columns))
        y, t = (inputs[:, 0] + noise(random, len(inputs)) for inputs in (X, Z))
        folds = []
        for held_out in np.arange(45).reshape(3, 15):
            weights = np.linalg.lstsq(np.delete(X, held_out, axis=0), np.delete(y, held_out), rcond=None)[0]
            folds.append((X[held_out] @ weights - y[held_out]) ** 2)
        alone = np.linalg.lstsq(X[:60], y[:60], rcond=None)[0]
        return mean_loss(folds), np.mean((Z @ alone - t) ** 2)

    return simulate


def _nearest_neighbour(random):
    labels = random.integers(0, 2, 275)
    X = random.normal(size=(275, 5)) + 0.6 * (2 * labels - 1)[:, None]
    squares = ((X[:, None, :] - X[None, :75]) ** 2).sum(axis=2)

    def wrong(held_out, rest):
        return labels[rest[squares[np.ix_(held_out, rest)].argmin(axis=1)]] != labels[held_out]

    folds = [np.arange(15 * fold, 15 * fold + 15) for fold in range(3)]
    rests = [np.delete(np.arange(75), fold) for fold in folds]
    return mean_error([wrong(*pair) for pair in zip(folds, rests, strict=True)]), wrong(
        np.arange(75, 275), rests[0]
    ).mean()


@pytest.mark.parametrize(
    ("simulate", "least"),
    [
        (_least_squares(20, lambda random, n: random.normal(size=n)), 0.92),
        (_least_squares(50, lambda random, n: random.normal(size=n)), 0.85),  # close to the peak at 60
        (_least_squares(10, lambda random, n: random.standard_t(3, n)), 0.83),  # the variance of squares is infinite
        (_nearest_neighbour, 0.95),
    ],
    ids=["values", "near the peak", "heavy tails", "classes"],
)
def test_intervals_of_three_folds_hold_the_mean_risk(simulate, least):
    random = np.random.default_rng(0)
    drawn = [simulate(random) for _ in range(300)]
    truth = np.mean([risk for _, risk in drawn])
    covered = np.mean([low <= truth <= high for low, high in (estimate.interval for estimate, _ in drawn)])
    assert covered >= least


def test_a_zero_loss_has_a_zero_interval_and_one_sample_an_endless_one():
    assert mean_loss([np.zeros(5)]).interval == (0.0, 0.0)
    low, high = mean_loss([np.array([2.0])]).interval
    assert low < 1e-200
    assert high > 1e200


@pytest.mark.parametrize(
    ("model", "has"),
    [
        (RandomForestClassifier(20), True),
        (make_pipeline(StandardScaler(), BaggingClassifier(n_estimators=20)), True),
        (RandomForestClassifier(bootstrap=False), False),
        (ExtraTreesClassifier(), False),
        (GaussianNB(), False),
    ],
    ids=["forest", "piped bag", "no bootstrap", "extra trees", "no bag"],
)
def test_bags_tell_their_out_of_bag_error(cancer, model, has):
    procedure = subject_of(model, cancer).procedure
    assert has_out_of_bag(procedure) == has
    assert (share_seen(procedure, 456) is not None) == has
    if has:
        assert share_seen(procedure, 456) == pytest.approx(1.0 - math.exp(-1.0), abs=1e-3)


def _global_state() -> bytes:
    return bytes(np.random.get_state(legacy=True)[1])  # type: ignore[index]  # noqa: NPY002


@pytest.mark.filterwarnings("ignore:Some inputs do not have OOB scores")
def test_out_of_bag_is_the_models_own(cancer, diabetes):
    for source, model in ((cancer, RandomForestClassifier(20)), (diabetes, RandomForestRegressor(20))):
        state = _global_state()
        with bench_of(model, source) as bench:
            found = standing_of(bench, ())
            split, procedure = bench.split(), bench.subject.procedure
        assert _global_state() == state
        assert not model.oob_score
        assert isinstance(procedure, Estimator)
        again = out_of_bag_error(procedure, split, size=bench.subject.size, time=bench.subject.time)
        assert found.out_of_bag_error == again
        alone = procedure._seeded(split.replicate).set_params(oob_score=True)
        targets = split.train_targets.argmax(axis=1) if source.classes else split.train_targets[:, 0]
        alone.fit(split.train_inputs, targets)
        if source.classes:
            assert again == pytest.approx(1.0 - alone.oob_score_, abs=0.01)
        else:
            assert again == pytest.approx((1.0 - alone.oob_score_) * targets.var(), rel=0.05)
        assert (found.trainings, bench.budget.ledger.trainings) == (2, 3.0)
        assert "Out of bag it is " in found.sentence


def test_a_budget_too_small_says_what_one_training_costs(diabetes):
    with (
        bench_of(LinearRegression(), diabetes, trainings=0.5) as bench,
        pytest.raises(Unanswered, match=r"one training, which costs 1 of `max_trainings`; 0\.5 is left\."),
    ):
        standing_of(bench, ())
    with bench_of(DecisionTreeRegressor(), diabetes, trainings=1.9) as bench:
        found = standing_of(bench.share(0.2), ())
    assert found.trainings == 1
    assert found.held_out_loss.interval[0] < found.held_out_loss.value < found.held_out_loss.interval[1]


def sluggish(X, y, size, time, seed):
    """Says, by the clock of the tests alone, that it takes a millisecond a row."""
    mean = y.mean(axis=0) if y.ndim > 1 else y.mean()
    return lambda inputs: np.full(len(inputs), mean)


def test_a_dear_training_is_forecast_and_not_begun(monkeypatch):
    clock = {"now": 0.0}
    monkeypatch.setattr("benign.diagnosis.trials.trial.clock.perf_counter", lambda: clock["now"])
    rows = []

    def fit(X, y, size, time, seed):
        rows.append(len(X))
        clock["now"] += 0.1 * len(X)
        return sluggish(X, y, size, time, seed)

    random = np.random.default_rng(0)
    source = table_of(random.normal(size=(2000, 2)), random.normal(size=2000), test_samples=400)
    procedure = benign.from_callable(fit, name="sluggish", revision=1)
    with (
        bench_of(procedure, source, size=1, seconds=100.0) as bench,
        pytest.raises(Unanswered, match=r"takes about 2\.7 minutes, more than the budget allows; give it 6 minutes\."),
    ):
        standing_of(bench, ())
    assert rows == [50, 50, 200, 400]  # twice a quarter, to see that the seed decides


def test_what_a_training_fails_with_is_the_reason(diabetes):
    with bench_of(DummyClassifier(), diabetes) as bench, pytest.raises(Unanswered, match="is a classifier"):
        standing_of(bench, ())
