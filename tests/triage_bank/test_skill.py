import math

import numpy as np
import pytest
from scipy.special import expit
from triage.skill import area, brier, chance_of, fitted, holm, left_out, log_loss


def drawn(cuts: int, weights: tuple[float, ...], constant: float = 0.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    features = random.standard_normal((cuts, len(weights)))
    return features, random.random(cuts) < expit(constant + features @ np.array(weights))


def test_a_fit_finds_the_odds_that_answers_were_drawn_from():
    features, came = drawn(20_000, (1.0, -0.5), constant=-1.0)
    fit = fitted(10 + 3 * features, came)  # in another unit, away from 0
    assert fit.weights == pytest.approx([-1.0, 1.0, -0.5], abs=0.07)
    assert fit(10 + 3 * np.zeros((1, 2)))[0] == pytest.approx(expit(-1.0), abs=0.02)


def test_of_no_feature_the_base_rate_is_left():
    came = np.arange(200) % 5 == 0
    assert fitted(np.empty((200, 0)), came)(np.empty((3, 0))) == pytest.approx([0.2] * 3, abs=1e-4)


def test_perfectly_separated_answers_have_finite_odds():
    features = np.linspace(-1, 1, 40)[:, None]
    chances = fitted(features, features[:, 0] > 0)(features)
    assert 0.001 <= chances.min() < 0.1
    assert 0.9 < chances.max() <= 0.999


def test_a_value_far_away_counts_as_three_deviations():
    features, came = drawn(400, (1.0,))
    fit = fitted(features, came)
    assert fit(np.array([[1e9]])) == pytest.approx(fit(np.array([[3.0 * fit.scale[0] + fit.center[0]]])))


def test_a_fold_is_never_fitted_to_itself():
    """Half of the folds have the opposite law: fitted to the others, odds are wrong there."""
    features, came = drawn(4_000, (3.0,))
    folds = np.arange(4_000) % 2
    came = came ^ (folds == 1)
    chances = left_out(features, came, folds)
    assert float(log_loss(chances, came).mean()) > 1.0
    assert (
        float(log_loss(fitted(features[folds == 0], came[folds == 0])(features[folds == 0]), came[folds == 0]).mean())
        < 0.5
    )


def test_scores():
    chances, came = np.array([0.8, 0.4, 0.1, 0.3]), np.array([True, True, False, False])
    assert log_loss(chances, came) == pytest.approx(-np.log([0.8, 0.4, 0.9, 0.7]))
    assert brier(chances, came) == pytest.approx([0.04, 0.36, 0.01, 0.09])
    assert area(chances, came) == 1.0
    assert area(np.array([0.2, 0.4, 0.1, 0.3]), came) == 0.75
    assert area(np.full(4, 0.5), came) == 0.5
    assert math.isnan(area(chances, np.ones(4, bool)))


def test_a_chance_is_uniform_where_there_is_no_gain_and_cuts_of_a_training_are_alike():
    random = np.random.default_rng(1)
    owners = [str(number) for number in range(60) for _ in range(5)]
    chances = [chance_of(np.repeat(random.standard_normal(60), 5), owners) for _ in range(400)]
    assert np.mean(np.array(chances) < 0.05) == pytest.approx(0.05, abs=0.03)
    assert np.mean(chances) == pytest.approx(0.5, abs=0.05)


def test_a_gain_in_every_training_is_no_chance():
    owners = [str(number) for number in range(60)]
    gains = 0.5 + np.random.default_rng(2).standard_normal(60)
    assert chance_of(gains, owners) < 0.01
    assert chance_of(-gains, owners) > 0.99
    assert chance_of(np.zeros(60), owners) == 1.0


def test_holm_keeps_order_and_never_exceeds_one():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.001]) == pytest.approx([0.9, 0.002])
    assert holm([]) == []
