"""Remedies: what helps is found with its size, the luck of a winner is not sold, and the budget holds."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import benign
from benign.diagnosis.answers import DataFinding, Unanswered, Verdict
from benign.diagnosis.calibration import Question
from benign.diagnosis.remedies import remedies
from benign.diagnosis.remedies.averaging import averages
from benign.diagnosis.remedies.candidate import HeldOut, instead
from benign.diagnosis.remedies.choice import Choice, best, chosen_on_others
from benign.diagnosis.remedies.gain import gain_of
from benign.diagnosis.remedies.sizes import sizes_about
from benign.diagnosis.remedies.stopping import earlier_times, shorter_times
from benign.procedures.known_estimators import SizeParameter
from tests.diagnosis.benches import bench_of, table_of


def tried(model, source, *, confidence=0.85, findings=(), **settings):
    with bench_of(model, source, **settings) as bench:
        return {one.kind: one for one in remedies(bench, findings=findings, confidence=confidence)}


def noisy_line(rows=150, columns=60, noise=1.0, seed=0):
    """Least squares on its training rows is near its threshold, and a ridge helps."""
    random = np.random.default_rng(seed)
    X = random.normal(size=(rows, columns))
    return table_of(X, X[:, 0] + noise * random.normal(size=rows), test_samples=rows // 5, scale="none")


# What is chosen and judged.


def held_out(losses):
    """Of single samples, folds x m."""
    return [HeldOut(loss=fold, error=(fold > 2.0).astype(float), loss_constant=1.0) for fold in losses]


def choice_of(present, candidates):
    return Choice(
        question=Question(name="size", factor=2.0, confidence=0.85),
        present=held_out(present),
        candidates=[held_out(one) for one in candidates],
        words="in a test",
    )


def test_the_others_choose_as_the_definition_says():
    losses = np.random.default_rng(0).normal(size=(7, 5))
    for fold, chosen in enumerate(chosen_on_others(losses)):
        others = [other for other in range(5) if other != fold]
        assert chosen == np.argmin([candidate[others].mean() for candidate in losses])


def test_where_nothing_helps_hardly_a_gain_is_claimed():
    random, claims, naive, said = np.random.default_rng(0), 0, [], []
    for _ in range(200):
        common, own = random.normal(size=(5, 40)), random.normal(size=(9, 5, 40))
        losses = (0.7 * common + 0.7 * own) ** 2
        answer = choice_of(losses[0], losses[1:]).answer(is_classification=True)
        claims += answer.answer is Verdict.HELPS
        claims += answer.error.answer is Verdict.HELPS
        said.append(answer.evidence["tried d"])
        naive.append(np.log(losses[1:].mean(axis=(1, 2)).min() / losses[0].mean()))
    assert claims <= 0.05 * 400
    assert abs(np.mean(said)) < 4.0 * np.std(said) / math.sqrt(len(said))
    assert np.mean(naive) < -0.1  # what choosing and judging on the same samples would sell


def test_what_helps_is_found_with_its_size():
    random = np.random.default_rng(0)
    losses = random.exponential(size=(5, 200))
    candidates = [losses * factor * random.uniform(0.9, 1.1, size=losses.shape) for factor in (1.3, 0.6, 0.95)]
    choice = choice_of(losses, candidates)
    answer = choice.answer(is_classification=False)
    assert best(choice.candidates) == 1
    assert answer.answer is Verdict.HELPS
    assert answer.change.value == pytest.approx(-0.4, abs=0.05)
    assert answer.change.interval[0] < -0.4 < answer.change.interval[1] < 0.0
    assert answer.confidence > 0.95
    assert answer.error is None
    assert "the loss fell by 40 %" in answer.reason


def test_what_only_hurts_is_said():
    random = np.random.default_rng(0)
    losses = random.exponential(size=(5, 200))
    answer = choice_of(losses, [2.0 * losses, 3.0 * losses]).answer(is_classification=False)
    assert answer.answer is Verdict.HURTS
    assert answer.change.value == pytest.approx(1.0, abs=0.02)


def test_what_predicts_the_same_makes_no_difference_to_the_loss_but_a_few_errors_tell_nothing():
    losses = np.random.default_rng(0).exponential(size=(5, 40))
    answer = choice_of(losses, [losses, 2.0 * losses]).answer(is_classification=True)
    assert answer.answer is Verdict.NO_DIFFERENCE
    assert answer.change.value == 0.0
    assert answer.error.answer is Verdict.CANNOT_TELL


def test_the_error_of_a_gain_covers_it():
    inside = 0
    for seed in range(300):
        random = np.random.default_rng(seed)
        losses = np.exp(random.normal(size=(2, 5, 40)) + 0.1 * random.normal(size=(2, 5, 1)))
        found = gain_of(list(losses[0]), list(losses[1]), floor=1e-9)
        inside += abs(found.d) <= 1.96 * found.se
    assert inside / 300 >= 0.94


# What is tried.


def parameter(name="alpha", *, least=1.0, largest=math.inf, is_real=False):
    return SizeParameter(
        name=name, is_inverse=False, is_real=is_real, least=least, largest=largest, value=None, grows=False
    )


@pytest.mark.parametrize(
    ("size", "settings", "expected"),
    [
        (16.0, {}, [8, 32, 4, 64, 2, 128]),
        (5.0, {"largest": 12.0}, [2, 10, 1, 12]),
        (1.0, {"largest": 1.0}, []),
        (10.0, {"is_real": True, "least": 1e-12}, [1, 100, 0.1, 1000, 0.01, 1e-4]),
        (1e-7, {"is_real": True, "least": 1e-8}, [1e-8, 1e-6, 1e-5, 1, 0.01, 100, 1e-4]),
        (math.inf, {"least": 2.0, "largest": 100.0}, [32, 8, 4, 16, 64, 2]),
    ],
    ids=["whole", "bounded", "no other", "real", "real, far from 1", "no limit"],
)
def test_sizes_lie_about_the_present_one_within_what_the_model_takes(size, settings, expected):
    assert sizes_about(parameter(**settings), size, 100) == expected


def test_words_are_those_of_the_user():
    assert instead("ridge__alpha", 10.0, 1) == "alpha = 10 instead of 1"
    assert instead("max_leaf_nodes", 32.0, math.inf) == "max_leaf_nodes = 32 instead of no limit"
    assert instead("features", 50.0, 100.0) == "50 features instead of 100"
    assert instead("shrinkage", "auto", None) == "shrinkage = auto instead of None"


@pytest.mark.parametrize("time", [1.0, 2.0, 100.0, 0.5])
def test_earlier_times_ascend_below_the_whole(time):
    found = earlier_times(time)
    assert all(one < other for one, other in pairwise([0.0, *found, time]))
    assert time == 0.5 or all(one == int(one) for one in found)


# Models.


def test_a_ridge_helps_least_squares_near_its_threshold():
    found = tried(Ridge(alpha=1e-6), noisy_line(columns=100), trainings=60.0)
    assert set(found) == {"size", "averaging"}
    assert found["size"].answer.answer is Verdict.HELPS
    assert found["size"].settings["alpha"] >= 1.0


def test_the_direction_of_the_parameter_does_not_matter():
    X, y = make_classification(300, 10, flip_y=0.4, random_state=0)
    found = tried(KNeighborsClassifier(1), table_of(X, y))["size"]
    assert found.answer.answer is Verdict.HELPS
    assert found.settings["n_neighbors"] > 1
    assert found.answer.error.answer is Verdict.HELPS


def test_a_tree_without_limit_is_better_limited_and_averaged():
    random = np.random.default_rng(0)
    X = random.normal(size=(400, 5))
    source = table_of(X, X[:, 0] + random.normal(size=400))
    model = DecisionTreeRegressor(random_state=0)
    before = model.get_params()
    found = tried(model, source)
    assert found["size"].answer.answer is Verdict.HELPS
    assert found["size"].what.endswith("instead of no limit")
    assert found["averaging"].answer.answer is Verdict.HELPS
    assert found["averaging"].what.startswith("averaging 5 fits")
    assert "stopping" not in found
    assert model.get_params() == before


def test_boosting_on_noise_is_better_stopped():
    random = np.random.default_rng(0)
    X = random.normal(size=(250, 5))
    source = table_of(X, X[:, 0] + random.normal(size=250))
    model = GradientBoostingRegressor(learning_rate=0.8, n_estimators=48, random_state=0)
    with bench_of(model, source, trainings=20.0) as bench:
        (found,) = [one for one in remedies(bench.share(1.0), findings=(), confidence=0.85) if one.kind == "stopping"]
        assert found.answer.answer is Verdict.HELPS
        stop = int(found.what.split()[4])
        assert stop < 24
        assert found.what == f"stopping at n_estimators = {stop} instead of 48"
        assert found.settings == {"n_estimators": stop}
        assert bench.budget.ledger.trainings <= 20.0


def moments(bench):
    found = shorter_times(bench)
    assert found is not None
    return found


def descent(X, y, size, time, seed):
    """Gradient descent on least squares, which fits the noise at last."""
    weights = np.zeros(X.shape[1])
    for _ in range(time):
        weights -= 0.5 / len(X) * (X.T @ (X @ weights - y))
    return lambda X: X @ weights


def test_a_function_is_trained_for_each_time():
    procedure = benign.from_callable(descent, name="descent", revision=1, time_name="steps")
    with bench_of(procedure, noisy_line(columns=100), size=1, time=400) as bench:
        whole, shorter = moments(bench)
        assert whole.arms(0)[0].trial == bench.user_trial(0)
        assert shorter[0].arms(0)[0].trial.times == (283.0,)
        found = {one.kind: one for one in remedies(bench, findings=(), confidence=0.85)}["stopping"]
    assert found.answer.answer is Verdict.HELPS
    assert "of 400 steps" in found.what


def test_a_forest_has_nothing_to_stop():
    X, y = make_classification(60, random_state=0)
    with bench_of(RandomForestClassifier(3), table_of(X, y)) as bench:
        assert shorter_times(bench) is None


def features(X, y, size, time, seed):
    """Random features just as many as samples: what is averaged out is theirs."""
    W = np.random.default_rng(seed).normal(size=(X.shape[1], size))
    weights = np.linalg.lstsq(np.tanh(X @ W), y, rcond=None)[0]
    return lambda X: np.tanh(X @ W) @ weights


def test_averaging_takes_out_what_the_initialisation_brings():
    found = tried(benign.from_callable(features, name="features", revision=1), noisy_line(columns=5), size=110)
    assert found["averaging"].answer.answer is Verdict.HELPS


def test_fits_of_a_model_without_randomness_are_averaged_over_rows_alone():
    source = noisy_line(columns=5)
    with bench_of(LinearRegression(), source) as bench:
        (halves,) = averages(bench)
        trials = [arm.trial for arm in halves.arms(0)]
        assert [trial.rows for trial in trials] == [60] * 5
        assert [trial.start for trial in trials] == [0, 15, 30, 45, 60]
    with bench_of(DecisionTreeClassifier(max_features=1), table_of(np.eye(40), np.arange(40) % 2)) as bench:
        assert len(averages(bench)) == 2


def test_what_is_averaged_are_outputs():
    source = noisy_line(columns=5)
    with bench_of(LinearRegression(), source) as bench:
        found = {one.kind: one for one in remedies(bench, findings=(), confidence=0.85)}["averaging"]
        logs = []
        for fold in range(5):
            split = bench.split(fold)
            parts = [slice(start, start + 60) for start in (0, 15, 30, 45, 60)]
            model = clone(LinearRegression())
            fits = [model.fit(split.train_inputs[p], split.train_targets[p]).predict(split.test_inputs) for p in parts]
            whole = model.fit(split.train_inputs, split.train_targets).predict(split.test_inputs)
            logs.append([np.mean((one - split.test_targets) ** 2) for one in (np.mean(fits, axis=0), whole)])
    after, before = np.mean(logs, axis=0)
    assert found.answer.evidence["tried d"] == pytest.approx(math.log(after / before), abs=1e-4)


def test_strengths_of_a_ridge_that_is_not_the_size():
    found = tried(SVR(C=1000.0), noisy_line(columns=20), trainings=60.0)
    assert {"size", "regularisation"} <= set(found)
    assert found["regularisation"].what.startswith("C = ")


def test_helps_come_first():
    with bench_of(KNeighborsClassifier(1), table_of(*make_classification(200, flip_y=0.4, random_state=0))) as bench:
        found = [one.answer.answer for one in remedies(bench, findings=(), confidence=0.85)]
    order = [Verdict.HELPS, Verdict.NO_DIFFERENCE, Verdict.CANNOT_TELL, Verdict.HURTS]
    assert sorted(found, key=order.index) == found


# Refusals and the budget.


@pytest.mark.parametrize("trainings", [4.5, 12.0, 30.0])
def test_the_budget_holds(trainings):
    with bench_of(Ridge(), noisy_line(), trainings=trainings) as bench:
        assert remedies(bench, findings=(), confidence=0.85)
        assert bench.budget.ledger.trainings <= trainings


def test_a_limit_costs_no_more_than_none():
    X, y = make_classification(100, random_state=0)
    with bench_of(DecisionTreeClassifier(), table_of(X, y)) as bench:
        user = bench.user_trial()
        assert math.isinf(user.size or 0.0)
        assert bench.cost(replace(user, size=32.0)) == 1.0


def test_a_budget_without_a_comparison_says_what_one_takes():
    with pytest.raises(Unanswered, match="at least 4 trainings"):
        tried(Ridge(), noisy_line(), trainings=3.0)


def test_what_the_data_forbid_is_refused():
    finding = DataFinding(code="leak", sentence="A leak.", refuses=("remedies",))
    with pytest.raises(Unanswered, match="A leak"):
        tried(Ridge(), noisy_line(), findings=(finding,))


def test_rows_kept_for_testing_must_leave_another_fold():
    random = np.random.default_rng(0)
    with pytest.raises(Unanswered, match="More than half of the rows"):
        tried(Ridge(), table_of(random.normal(size=(60, 2)), random.normal(size=60), test_samples=40))


def test_a_network_is_stopped_along_one_training():
    X, y = make_classification(100, 5, random_state=0)
    with bench_of(MLPClassifier((4,), max_iter=40), table_of(X, y)) as bench:
        whole, shorter = moments(bench)
        (trial,) = {one.arms(0)[0].trial for one in (whole, *shorter)}
        assert max(trial.times or [0.0]) == 40.0
