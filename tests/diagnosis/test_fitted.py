"""Whether the training set is fitted, by both criteria, with the reason where it is known."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import benign
from benign.diagnosis.answers import DataFinding, Unanswered
from benign.diagnosis.fitted import fitted_of
from benign.diagnosis.standing import standing_of
from tests.diagnosis.benches import bench_of, table_of

CANCER = load_breast_cancer(return_X_y=True)
DIABETES = load_diabetes(return_X_y=True)


def fitted(model, X, y, *, findings=(), trainings=np.inf, **settings):
    with bench_of(model, table_of(X, y, **settings), trainings=trainings) as bench:
        return fitted_of(bench, standing_of(bench, findings))


def test_an_interpolating_model_is_fitted_by_both():
    found = fitted(DecisionTreeClassifier(), *CANCER)
    assert [(one.criterion, one.is_fitted, one.is_minimised) for one in found.values()] == [
        ("loss", True, True),
        ("error", True, False),
    ]
    assert found["loss"].sentence == "Its training set is fitted: its training Brier score is 0 of a constant's."
    assert found["error"].sentence == "It is right on every training label."


def test_values_have_no_error():
    found = fitted(LinearRegression(), *DIABETES)
    assert found.keys() == {"loss"}
    assert found["loss"].is_fitted is False
    X, y = DIABETES
    least = [np.linalg.lstsq(np.column_stack([np.ones(len(X)), X]), y, rcond=None)[1][0] / len(y) / y.var()]
    assert found["loss"].risk.value == pytest.approx(least[0], abs=0.03)
    assert found["loss"].risk.interval[0] < found["loss"].risk.value < found["loss"].risk.interval[1]


def test_a_bag_is_right_on_every_label_and_does_not_reach_its_objective():
    random = np.random.default_rng(0)
    labels = np.arange(150) % 2
    X = random.normal(size=(150, 4)) + 0.5 * labels[:, None]
    found = fitted(RandomForestClassifier(100), X, labels)
    assert (found["loss"].is_fitted, found["error"].is_fitted) == (False, True)
    assert found["loss"].is_minimised
    assert found["loss"].sentence.endswith(
        " (0.02 is fitted): each of its members sees 63 % of the samples, so that their mean stays above."
    )
    regression = fitted(RandomForestRegressor(20), *DIABETES)
    assert "sees 63 % of the samples" in regression["loss"].sentence


def test_a_penalty_keeps_separated_classes_from_being_fitted():
    X, y = CANCER
    found = fitted(make_pipeline(StandardScaler(), LogisticRegression()), X[:200], y[:200])
    assert (found["loss"].is_fitted, found["error"].is_fitted) == (False, True)
    one = fitted(make_pipeline(StandardScaler(), LogisticRegression(C=10.0)), X[:60], y[:60])
    assert one["error"].sentence == "It is right on every training label."
    if one["loss"].is_fitted is False:
        assert "the classes are separated by a plane" in one["loss"].sentence


def test_separated_classes_are_said_so():
    X = np.concatenate([np.full((30, 1), -1.0), np.full((30, 1), 1.0)]) + 0.1 * np.random.default_rng(0).normal(
        size=(60, 1)
    )
    found = fitted(LogisticRegression(C=0.1), X, np.repeat([0, 1], 30))
    assert (found["loss"].is_fitted, found["error"].is_fitted) == (False, True)
    assert found["loss"].sentence.endswith(
        ": the classes are separated by a plane, and only the penalty or the time keeps the loss up."
    )


def test_conflicting_labels_are_the_reason():
    random = np.random.default_rng(0)
    X, y = random.integers(0, 3, (200, 2)), random.integers(0, 2, 200)
    found = fitted(DecisionTreeClassifier(), X, y)
    assert (found["loss"].is_fitted, found["error"].is_fitted) == (False, False)
    for one in found.values():
        assert ": equal inputs with different labels force " in one.sentence
        assert one.sentence.endswith(" on every model.")


def test_a_model_without_an_objective_minimises_none():
    found = fitted(GaussianNB(), *CANCER)
    assert not any(one.is_minimised for one in found.values())


def _with_share_left(share, spread):
    """A procedure whose training loss is that share of a constant's, give or take."""

    def fit(X, y, size, time, seed):
        left = np.sqrt(share * np.exp(spread * np.random.default_rng(seed).normal()))
        known = dict(zip(X[:, 0].tolist(), y.tolist(), strict=True))
        mean = float(y.mean())
        return lambda inputs: np.array([known.get(x, mean) + left * (mean - known.get(x, mean)) for x in inputs[:, 0]])

    return benign.from_callable(fit, name=f"leaves {share} {spread}", revision=1)


@pytest.mark.parametrize(
    ("share", "spread", "trainings", "expected"),
    [
        (0.01, 0.1, np.inf, True),
        (0.05, 0.1, np.inf, False),
        (0.02, 0.3, np.inf, None),
        (0.01, 0.0, 1.0, True),
        (0.017, 0.0, 1.0, None),
        (0.05, 0.0, 1.0, False),
    ],
)
def test_near_the_tolerance_nothing_is_decided(share, spread, trainings, expected):
    random = np.random.default_rng(0)
    source = table_of(random.normal(size=(200, 1)), random.normal(size=200))
    with bench_of(_with_share_left(share, spread), source, size=1, trainings=trainings) as bench:
        standing = standing_of(bench, ())
        found = fitted_of(bench, standing)["loss"]
        assert bench.budget.ledger.trainings == (1 if trainings == 1.0 else 5 if expected is None else 3)
    assert found.is_fitted is expected
    assert (found.risk.interval[0] <= 0.02 < found.risk.interval[1]) == (expected is None)
    if expected is None:
        assert found.sentence.startswith(
            "Whether its training set is fitted is not sure: its training squared loss is "
        )


def test_targets_that_leave_nothing_to_fit_are_refused():
    finding = DataFinding(code="constant_target", sentence="All are the same.", refuses=("fitted",))
    with pytest.raises(Unanswered, match="All are the same"):
        fitted(Ridge(), *DIABETES, findings=(finding,))
    X = np.random.default_rng(0).normal(size=(60, 2))
    rare = table_of(X, (np.arange(60) == 4).astype(np.float64))
    with (
        bench_of(DecisionTreeRegressor(), rare, samples=20, trainings=1.0) as bench,
        pytest.raises(Unanswered, match="A constant fits all training targets"),
    ):
        fitted_of(bench, standing_of(bench, ()))


def test_a_rare_training_does_not_hide_what_the_others_say():
    source = table_of(np.arange(100.0)[:, None], np.random.default_rng(0).normal(size=100), scale="none")
    apart = source.draw(80, benign.Replicate()).test_inputs[0, 0]  # held out of the first fold alone

    def fit(X, y, size, time, seed):
        known = dict(zip(X[:, 0].tolist(), y.tolist(), strict=True)) if apart in X else {}
        return lambda inputs: np.array([known.get(x, 0.5) for x in inputs[:, 0]])

    with bench_of(benign.from_callable(fit, name="rarely off", revision=1), source, size=1) as bench:
        found = fitted_of(bench, standing_of(bench, ()))["loss"]
        left = [one.relative_train_loss[-1] for one in bench.measured]
    np.testing.assert_array_equal(np.array(left) > 0.5, [True, False, False, False, False])
    assert found.is_fitted is True
    assert found.risk.value > found.tolerance
    assert found.sentence == "Its training set is fitted in 4 of 5 trainings."
