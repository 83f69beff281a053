import math

import numpy as np
import pytest
from triage.bootstrap import mean_of, share_of


def owners(trainings: int, each: int) -> list[str]:
    return [f"training {number}" for number in range(trainings) for _ in range(each)]


def test_the_interval_of_independent_answers_is_the_usual_one():
    hits = np.arange(400) % 5 == 0
    found = share_of(hits, owners(400, 1))
    half = 1.96 * math.sqrt(0.2 * 0.8 / 400)
    assert found.mean == pytest.approx(0.2)
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.1)


def test_cuts_of_one_training_count_as_one_answer_where_they_agree():
    hits = np.repeat(np.arange(100) % 5 == 0, 3)
    together, alone = share_of(hits, owners(100, 3)), share_of(hits, owners(300, 1))
    assert (together.high - together.low) / (alone.high - alone.low) == pytest.approx(math.sqrt(3), rel=0.15)


def test_trainings_with_more_cuts_count_more():
    """One of two trainings has all nine hits: drawn twice the share is 1, drawn never it is 0, whatever the draws."""
    found = share_of([True] * 9 + [False], ["one"] * 9 + ["other"])
    assert (found.mean, found.low, found.high) == (0.9, 0.0, 1.0)


def test_the_interval_covers():
    """Each training has a rate of its own; of 100 banks at least 88 % have the whole rate within."""
    draws = np.random.default_rng(0)
    covered = 0
    for _ in range(100):
        rates = draws.beta(1, 3, 80)
        hits = (draws.random((80, 3)) < rates[:, None]).ravel()
        found = share_of(hits, owners(80, 3))
        covered += found.low <= 0.25 <= found.high
    assert covered >= 88


@pytest.mark.parametrize("agree", [False, True])
def test_where_all_agree_the_interval_is_exact(agree: bool):
    found = share_of([agree] * 120, owners(60, 2))
    reach = found.high if not agree else 1 - found.low
    assert (1 - reach) ** 60 == pytest.approx(0.025)
    assert found.mean == float(agree)


def test_nothing_has_no_mean():
    assert math.isnan(share_of([], []).mean)
    assert mean_of([], []).cuts == 0


def test_a_mean_of_numbers():
    found = mean_of([0.1, 0.3, 0.2, 0.2], owners(2, 2))
    assert [found.mean, found.low, found.high] == pytest.approx([0.2, 0.2, 0.2])
    assert found.cuts == 4
