"""The regime of the user's n, by training risk and by a measured peak, where the answer is known."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier

import benign
from benign.curves.threshold_search import Regime
from benign.diagnosis.answers import DataFinding, Estimate, Standing, Unanswered
from benign.diagnosis.random_labels import RandomLabels
from benign.diagnosis.regime import regime_of
from benign.diagnosis.trials.bench import opened
from benign.diagnosis.trials.budget import Budget, Ledger
from benign.foundation.progress import silent
from benign.foundation.replicate import Replicate
from benign.procedures.known_estimators import subject_of

STANDING = Standing(
    objective="squared",
    train_loss=math.nan,
    train_loss_constant=math.nan,
    train_error=math.nan,
    train_error_constant=math.nan,
    held_out_loss=Estimate(),
    held_out_loss_constant=math.nan,
    held_out_error=Estimate(),
    held_out_error_constant=math.nan,
    out_of_bag_error=math.nan,
    held_out_samples=0,
    trainings=0,
    seconds=math.nan,
)
"""Nothing of it is needed, but what was found of the data."""


def regime(model: object, source: Any, *, seconds: float = 60.0, trainings: float = math.inf, **options: Any) -> Any:
    n = source.max_samples
    subject = subject_of(model, source, samples=n, **options)
    with opened(
        subject=subject,
        source=source,
        samples=n,
        seed=0,
        budget=Budget(ledger=Ledger(), seconds=seconds, trainings=trainings),
        executor="here",
        workers=None,
        progress=silent,
    ) as bench:
        return regime_of(bench, STANDING, {})


def noise(training_rows: int) -> Any:
    random = np.random.RandomState(42)
    inputs, targets = random.randn(100, 80), random.randn(100)
    return benign.sources.arrays(inputs, targets, test_samples=100 - training_rows)


def classes_of(rows: int, columns: int, *, count: int = 19) -> Any:
    """So many training rows of each class, in columns that are mixed."""
    random = np.random.default_rng(0)
    means, mixing = 1.1 * random.standard_normal((count, columns)), random.standard_normal((columns, columns))
    labels = np.repeat(np.arange(count), rows + 10)
    inputs = (means[labels] + random.standard_normal((len(labels), columns))) @ mixing
    return benign.sources.arrays(inputs, [f"class {label}" for label in labels], test_samples=10 * count)


@pytest.mark.parametrize(
    ("rows", "expected", "words"),
    [
        (80, Regime.CRITICAL, "the model just fits your 80 samples: 50 features would not"),
        (50, Regime.OVER, "it could fit more samples yet"),
        (95, Regime.CRITICAL, "the model can fit about 82 samples, and you have 95"),
    ],
)
def test_least_squares_in_80_columns_under_5_2_and_20_folds(rows, expected, words):
    answer, emc = regime(LinearRegression(), noise(rows))
    assert answer.regime is expected
    assert answer.decided_by == "training risk"
    assert answer.would_decide == ""
    assert words in answer.sentence
    assert answer.peak is not None
    if rows == 95:
        assert emc.interval[0] >= 79
        assert emc.interval[0] <= emc.value <= emc.interval[1]


@pytest.mark.parametrize(
    ("rows", "columns", "expected"),
    [
        (4, 66, Regime.CRITICAL),
        (20, 66, Regime.UNDER),
        (7, 110, Regime.CRITICAL),
        (20, 110, Regime.UNDER),
        (10, 176, Regime.CRITICAL),
        (7, 176, Regime.OVER),
        (20, 176, Regime.UNDER),
    ],
)
def test_a_linear_discriminant_peaks_where_n_less_the_classes_is_its_columns(rows, columns, expected):
    """Its training risk says over-parameterised wherever it fits, and falls with n: the measured peak decides."""
    answer, emc = regime(LinearDiscriminantAnalysis(), classes_of(rows, columns))
    assert answer.regime is expected
    assert emc.fitted_from > 0
    if expected is Regime.OVER:
        return
    assert answer.decided_by == "peak"
    assert answer.peak is not None
    assert answer.peak.position / (columns + 19) == pytest.approx(1.0, rel=0.15)
    assert "its training risk alone would say over-parameterised" in answer.sentence
    if math.isfinite(answer.peak.interval[1]):
        assert f"peaks at about {answer.peak.position:.0f} samples" in answer.sentence


def made(rows: int, *, seed: int = 0, wrong: float = 0.1) -> Any:
    random = np.random.default_rng(seed)
    inputs = random.standard_normal((rows + 80, 5))
    labels = (inputs[:, 0] + inputs[:, 1] ** 2 > 0.7) ^ (random.random(len(inputs)) < wrong)
    return benign.sources.arrays(inputs, np.where(labels, "yes", "no"), test_samples=80)


def test_boosting_that_cannot_fit_few_samples_fits_many():
    answer, emc = regime(HistGradientBoostingClassifier(max_iter=60, learning_rate=0.5), made(300))
    assert answer.regime in (Regime.OVER, Regime.CRITICAL)
    assert "Fewer than about" in answer.sentence
    assert emc.value == 300
    assert any(one.samples < emc.fitted_from and not one.is_fitted for one in emc.evidence)


def test_one_neighbour_fits_any_number_of_samples():
    answer, emc = regime(KNeighborsClassifier(n_neighbors=1), made(150))
    assert answer.regime is Regime.OVER
    assert answer.ratio.interval == (1.6, math.inf)
    assert "the model fits random labels on 1.6 times your 150 rows" in answer.sentence
    assert emc.is_limited_by_data


@pytest.mark.parametrize(
    "model", [KNeighborsClassifier(), LogisticRegression(), LinearDiscriminantAnalysis(), Ridge(alpha=100.0)]
)
def test_what_cannot_fit_is_under_parameterised(model):
    source = noise(95) if isinstance(model, Ridge) else made(200)
    answer, emc = regime(model, source)
    assert answer.regime is Regime.UNDER
    assert answer.decided_by == "training risk"
    assert "of a constant's, and fewer are not fitted either" in answer.sentence or "you have" in answer.sentence
    assert emc.value < 200


def test_a_bagged_forest_never_fits_noise():
    answer, _ = regime(RandomForestRegressor(n_estimators=20), noise(70))
    assert answer.regime is Regime.UNDER


def test_what_the_inputs_explain_is_fitted_by_no_capacity():
    """Separable classes, and values without noise, are fitted however many there are: columns say nothing of it."""
    random = np.random.default_rng(0)
    inputs = random.standard_normal((140, 5))
    margin = inputs @ np.ones(5)
    kept = np.abs(margin) > 0.5
    labels = benign.sources.arrays(inputs[kept], np.where(margin > 0, "yes", "no")[kept], test_samples=30)
    values = benign.sources.arrays(inputs, margin, test_samples=40)
    for model, source in ((LogisticRegression(C=1e8, max_iter=2000), labels), (LinearRegression(), values)):
        answer, _ = regime(model, source)
        assert answer.regime is Regime.UNDECIDED
        assert answer.would_decide == "rows"
        assert answer.sentence.endswith("Only more rows can tell.")
        assert "for its inputs explain them" in answer.sentence


def test_random_labels_have_the_rows_of_the_source_first_and_no_more_texts_than_it():
    source = made(40)
    world = RandomLabels(source=source, samples=40)
    few, many = world.draw(30, Replicate(draw=1)), world.draw(90, Replicate(draw=1))
    assert np.array_equal(few.train_inputs, many.train_inputs[:30])
    assert np.array_equal(few.train_targets, many.train_targets[:30])
    theirs = source.draw(40, Replicate(draw=1)).train_inputs
    assert np.array_equal(many.train_inputs[:40], theirs)
    for column in range(theirs.shape[1]):
        assert set(many.train_inputs[:, column]) <= set(theirs[:, column])
    assert len(np.unique(many.train_inputs, axis=0)) > 80


def test_a_budget_for_no_training_has_no_answer():
    with pytest.raises(Unanswered, match="budget"):
        regime(KNeighborsClassifier(), made(100), trainings=0.1)


def test_data_that_refuse_a_regime_say_why():
    source = made(50)
    subject = subject_of(KNeighborsClassifier(), source, samples=50)
    refusal = DataFinding(code="copies", sentence="Half of the rows are copies.", refuses=("regime",))
    standing = replace(STANDING, findings=(refusal,))
    where: dict[str, Any] = {"executor": "here", "workers": None, "progress": silent}
    budget = Budget(ledger=Ledger(), seconds=10.0, trainings=math.inf)
    opening = opened(subject=subject, source=source, samples=50, seed=0, budget=budget, **where)
    with opening as bench, pytest.raises(Unanswered, match="Half of the rows are copies"):
        regime_of(bench, standing, {})
