"""The log ratio of two risks, and its error, against the definitions."""

from __future__ import annotations

import numpy as np
import pytest

from benign.diagnosis.risk_change import PRIOR_FOLDS, FoldLosses, risk_change


def drawn(folds=4, trainings=2, m=11, seed=0, after=0.8):
    random = np.random.default_rng(seed)
    return [
        FoldLosses(before=random.exponential(size=(trainings, m)), after=after * random.exponential(size=(1, m)))
        for _ in range(folds)
    ]


@pytest.mark.parametrize("is_geometric", [True, False], ids=["logarithms", "plain means"])
def test_errors_are_those_of_leaving_out_by_hand(is_geometric):
    folds = drawn()

    def log_ratio(kept):
        if is_geometric:
            logs = [np.log(f.after.mean(axis=1)).mean() - np.log(f.before.mean(axis=1)).mean() for f in kept]
            return np.mean(logs)
        return np.log(np.mean([f.after.mean() for f in kept]) / np.mean([f.before.mean() for f in kept]))

    found = risk_change(folds, floor=0.0, is_geometric=is_geometric)
    assert found.d == pytest.approx(log_ratio(folds))
    left_out = []
    for place, fold in enumerate(folds):
        for i in range(fold.before.shape[1]):
            less = FoldLosses(before=np.delete(fold.before, i, axis=1), after=np.delete(fold.after, i, axis=1))
            left_out.append(log_ratio([*folds[:place], less, *folds[place + 1 :]]))
    of_samples = (len(left_out) - 1) * np.var(left_out)
    pseudo = [4 * log_ratio(folds) - 3 * log_ratio(folds[:k] + folds[k + 1 :]) for k in range(4)]
    prior = PRIOR_FOLDS * (0.1**2 + 4 * of_samples)
    of_folds = (prior + 4 * np.var(pseudo)) / (PRIOR_FOLDS + 3) / 4
    assert found.se == pytest.approx(np.sqrt(max(of_samples, of_folds)), rel=1e-6)


def test_one_sample_that_makes_all_of_both_risks_is_noticed():
    random = np.random.default_rng(0)
    before, after = random.uniform(0.9, 1.1, size=(2, 1, 200))
    after *= 0.3
    calm = risk_change([FoldLosses(before=before, after=after)], floor=0.0)
    before[0, 0], after[0, 0] = 1e6, 1e6  # both risks are this sample's, which did not change
    wild = risk_change([FoldLosses(before=before, after=after)], floor=0.0)
    assert not calm.rests_on_one_sample
    assert wild.rests_on_one_sample
    assert calm.se < 0.15
    assert wild.se > 1.0


def test_a_training_that_went_astray_does_not_decide():
    folds = drawn(folds=5, trainings=1, m=100)
    folds[2] = FoldLosses(before=folds[2].before, after=1e9 * folds[2].after)
    found = risk_change(folds, floor=0.0)
    assert abs(found.d) < 1.5 * found.se  # of means, it would be 19 and as good as sure


def test_samples_that_are_tested_twice_count_once():
    folds = drawn(m=50)
    once, twice = risk_change(folds, floor=0.0), risk_change([*folds, *folds], floor=0.0, rounds=2)
    assert twice.d == pytest.approx(once.d)
    assert twice.se > 0.85 * once.se


def test_equal_losses_are_no_change():
    losses = drawn()[0].before
    assert risk_change([FoldLosses(before=losses, after=losses)] * 5, floor=0.0).d == 0.0


def test_the_interval_holds_the_mean_log_ratio_of_least_squares():
    """5-fold trials of 20 against 30 of 60 columns on 100 samples, 60 users: at least 85 % of 95 % intervals."""
    from benign.curves.intervals import student_quantile

    random = np.random.default_rng(0)
    weights = np.ones(60) / np.sqrt(60.0)
    truth = _mean_log_ratio(random, weights)
    is_inside = []
    for _ in range(60):
        X = random.standard_normal((125, 60))
        y = X @ weights + 0.5 * random.standard_normal(125)
        found = risk_change([_fold(X, y, fold) for fold in range(5)], floor=0.0)
        is_inside.append(abs(found.d - truth) < student_quantile(0.975, 6) * found.se)
    assert np.mean(is_inside) > 0.85


def _fold(X, y, fold):
    rows = np.roll(np.arange(125), -25 * fold)
    test, train = rows[:25], rows[25:]
    losses = [
        (X[test, :k] @ np.linalg.lstsq(X[train, :k], y[train], rcond=None)[0] - y[test])[None] ** 2 for k in (20, 30)
    ]
    return FoldLosses(before=losses[0], after=losses[1])


def _mean_log_ratio(random, weights):
    found = []
    for _ in range(200):
        X = random.standard_normal((100, 60))
        y = X @ weights + 0.5 * random.standard_normal(100)
        risks = []
        for k in (20, 30):
            fitted = np.zeros(60)
            fitted[:k] = np.linalg.lstsq(X[:, :k], y, rcond=None)[0]
            risks.append(((fitted - weights) ** 2).sum() + 0.25)
        found.append(np.log(risks[1] / risks[0]))
    return np.mean(found)
