"""What people ask about their own arrays and estimators, and the answer that is right."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import AdaBoostClassifier, GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures
from sklearn.tree import DecisionTreeClassifier

import benign
from benign.curves.threshold_search import Regime
from benign.diagnosis.answers import Diagnosis, Verdict

STANDS = ["standing", "fitted", "regime"]


def diagnosis(model: object, source: Any, **told: Any) -> Diagnosis:
    asked: dict[str, Any] = {"max_trainings": 30, "max_minutes": None, "executor": "here"} | told
    return benign.diagnose(model, source, **asked)


def classes_about_centres(features: int) -> Any:
    """Nineteen classes, 50 rows each, easy to tell apart for whoever knows their covariance."""
    draws = np.random.default_rng(features)
    labels = np.repeat(np.arange(19), 50)
    mixing = draws.standard_normal((features, features)) / np.sqrt(features)
    inputs = (0.5 * draws.standard_normal((19, features)))[labels] + draws.standard_normal((950, features))
    return benign.sources.arrays(inputs @ mixing, labels, name="nineteen classes")


@pytest.mark.parametrize(("features", "a_class"), [(66, 4), (110, 7), (176, 10)])
def test_linear_discriminant_analysis_collapses_where_samples_less_classes_are_the_columns(
    features: int, a_class: int
) -> None:
    found = diagnosis(
        LinearDiscriminantAnalysis(),
        classes_about_centres(features),
        samples=19 * a_class,
        max_trainings=60,
        only=STANDS,
    )
    assert found.regime is not None
    assert found.regime.regime is Regime.CRITICAL
    assert found.regime.decided_by == "peak"
    assert "you are at its peak" in found.regime.sentence


def test_a_collapsed_discriminant_is_mended_by_more_rows_or_by_shrinkage() -> None:
    source = classes_about_centres(110)
    found = diagnosis(
        LinearDiscriminantAnalysis(), source, samples=133, max_trainings=80, only=["more_data", "remedies"]
    )
    assert found.more_data[4.0].answer is Verdict.HELPS
    assert [one for one in found.remedies if "shrinkage" in one.what and one.answer.answer is Verdict.HELPS]


def test_few_samples_that_are_not_fitted_do_not_bound_what_more_are() -> None:
    """On digits it fits 60 to 79 samples, most draws from 40 to 200, and never 20: the interval holds them."""
    found = diagnosis(
        LinearDiscriminantAnalysis(), benign.sources.digits(label_noise=0.0), only=["regime"], max_trainings=40
    )
    assert found.emc is not None
    assert next(one.samples for one in found.emc.evidence if not one.is_fitted) < 60
    assert found.emc.interval[1] >= 79
    assert found.regime is not None
    # The risks about 76 samples are those of a singular covariance: what rounding makes of it, the processor decides.
    assert found.regime.regime in (Regime.UNDER, Regime.UNDECIDED)


@pytest.mark.parametrize("trainings", [10, 20, 40, 100])
def test_at_the_peak_no_budget_makes_it_over_parameterised(trainings: int) -> None:
    found = diagnosis(
        LinearDiscriminantAnalysis(), classes_about_centres(66), samples=76, max_trainings=trainings, only=STANDS
    )
    assert found.regime is None or found.regime.regime in (Regime.CRITICAL, Regime.UNDECIDED)


@pytest.mark.parametrize(
    ("folds", "regime"), [(2, {Regime.OVER}), (5, {Regime.CRITICAL}), (20, {Regime.CRITICAL})], ids=str
)
def test_cross_validated_r_squared_explodes_where_a_fold_trains_on_as_many_rows_as_columns(
    folds: int, regime: set[Regime]
) -> None:
    """100 rows, 80 columns and noise: five folds train on 80 rows, the worst case; there is nothing to learn."""
    draws = np.random.RandomState(42)
    inputs, noise = draws.randn(100, 80), draws.randn(100)
    source = benign.sources.arrays(inputs, noise, test_samples=100 // folds, scale="none")
    found = diagnosis(LinearRegression(), source, only=STANDS)
    assert found.samples == 100 - 100 // folds
    assert found.regime is not None
    assert found.regime.regime in regime
    assert found.standing is not None
    assert found.standing.held_out_loss.value > found.standing.held_out_loss_constant
    assert "constant" in found.standing.sentence


def test_ten_samples_of_twenty_columns_are_interpolated_whatever_the_targets() -> None:
    draws = np.random.default_rng(0)
    source = benign.sources.arrays(draws.standard_normal((100, 20)), draws.standard_normal(100), scale="none")
    found = diagnosis(LinearRegression(), source, samples=10, only=STANDS)
    assert found.fitted["loss"].is_fitted
    assert found.regime is not None
    assert found.regime.regime is Regime.OVER
    assert found.standing is not None
    assert found.standing.held_out_loss.value > found.standing.held_out_loss_constant


def test_monomials_do_not_interpolate_in_double_precision() -> None:
    """Fifty powers of five points have the numerical rank two."""
    inputs, values = np.array([[-6.0], [1.0], [2.0], [3.0], [4.0]]), np.array([2.0, -3.0, 4.0, 20.0, -10.0])
    model = make_pipeline(PolynomialFeatures(49), LinearRegression(fit_intercept=False))
    source = benign.sources.arrays(inputs, values, test_samples=1, scale="none")
    found = diagnosis(model, source, only=["standing", "fitted"])
    assert found.fitted["loss"].is_fitted is False
    assert "error" not in found.fitted


def an_eighth_mislabelled() -> Any:
    """Two classes."""
    draws = np.random.default_rng(3)
    inputs = draws.standard_normal((800, 8))
    score = inputs[:, 0] * inputs[:, 1] + inputs[:, 2] + 0.5 * inputs[:, 3]
    labels = (score > 0) ^ (draws.random(800) < 0.125)
    return benign.sources.arrays(inputs, labels.astype(np.int64), name="an eighth mislabelled")


def test_a_forest_that_is_right_on_every_training_label_is_at_its_best() -> None:
    found = diagnosis(
        RandomForestClassifier(20),
        an_eighth_mislabelled(),
        samples=200,
        only=["standing", "fitted", "remedies"],
        max_trainings=40,
    )
    assert found.fitted["error"].is_fitted
    assert found.fitted["loss"].is_fitted is False
    assert found.fitted["loss"].is_minimised
    assert not found.fitted["error"].is_minimised
    smaller = [one for one in found.remedies if one.kind == "size" and one.answer.answer is Verdict.HELPS]
    assert smaller == []


def test_a_pruned_tree_has_a_smaller_gap_and_is_told_by_its_score() -> None:
    """Four leaves for ten digits: training and held-out error are alike, and high. The gap is not the harm."""
    source = benign.sources.digits(label_noise=0.0)
    pruned = DecisionTreeClassifier(max_leaf_nodes=4)
    found = diagnosis(pruned, source, samples=400, only=["standing", "bigger"], max_trainings=60)
    assert found.standing is not None
    assert found.standing.held_out_error.value - found.standing.train_error < 0.1
    assert found.standing.train_error > 0.5
    assert found.bigger[4.0].answer is Verdict.HELPS


@pytest.mark.parametrize(
    ("model", "objective"),
    [
        (AdaBoostClassifier(n_estimators=30), "exponential"),
        (GradientBoostingClassifier(n_estimators=30), "cross-entropy"),
    ],
    ids=["AdaBoost", "gradient boosting"],
)
def test_boosting_minimises_a_loss_after_its_training_error_is_zero(model: Any, objective: str) -> None:
    draws = np.random.default_rng(5)
    inputs = draws.standard_normal((300, 3))
    labels = (inputs[:, 0] + 0.5 * inputs[:, 1] > 0).astype(np.int64)
    source = benign.sources.arrays(inputs, labels)
    found = diagnosis(model, source, samples=60, only=["standing", "fitted"])
    assert found.standing is not None
    assert found.standing.objective == objective
    assert found.fitted["error"].is_fitted
    assert found.fitted["loss"].is_minimised
    assert found.fitted["loss"].risk.value > 0.0


def test_a_learning_curve_that_changes_with_its_seed_is_an_interval() -> None:
    one, other = (
        diagnosis(DecisionTreeClassifier(), an_eighth_mislabelled(), samples=100, only=["standing"], seed=seed).standing
        for seed in (0, 1)
    )
    assert one is not None
    assert other is not None
    assert one.held_out_error.value != other.held_out_error.value
    assert one.held_out_error.interval[0] < other.held_out_error.value < one.held_out_error.interval[1]
