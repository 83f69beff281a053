from dataclasses import replace

import numpy as np
import pytest

from benign.histories.case import Case
from benign.histories.history import History
from benign.histories.raised_rate import KEPT_UP, TAKEN_BACK, is_raised, told_of_the_rate
from benign.histories.rule import read_history
from tests.histories.recorded_runs import counted_moments

TIMES = np.arange(1.0, 61.0)
LOSS = np.where(TIMES <= 20, 2.0 - 0.08 * TIMES, 0.4 + 0.01 * (TIMES - 20))
FALLING = 0.5 - 0.004 * TIMES


def case(rates: np.ndarray | None, loss: np.ndarray = LOSS) -> Case:
    history = History(times=TIMES, validation_loss=loss, validation_samples=5_000, learning_rate=rates)
    return Case(history=history, reading=read_history(history))


def stepped(then: float, now: float, at: float = 30.0) -> np.ndarray:
    return np.where(at > TIMES, then, now)


def raised(one: Case) -> bool | None:
    return is_raised(one.history, one.reading)


@pytest.mark.parametrize(("now", "expected"), [(0.149, False), (0.151, True), (0.01, False), (1.0, True)])
def test_it_is_compared_with_the_rate_of_the_best(now, expected):
    assert raised(case(stepped(0.1, now))) is expected
    assert raised(case(stepped(now, 0.1, at=5.0))) is False  # what it was before counts for nothing


def test_a_rate_that_ends_at_nothing_is_not_raised():
    assert raised(case(np.maximum(0.1 - 0.01 * TIMES, 0.0))) is False


def test_gaps_are_bridged_and_what_is_not_known_is_not_said():
    rates = stepped(0.1, 0.3)
    assert raised(case(np.where(TIMES % 7 == 1, rates, np.nan))) is True
    assert raised(case(np.where(TIMES > 25, rates, np.nan))) is None
    assert raised(case(None)) is None
    assert list(told_of_the_rate(case(None))) == []


def test_a_raised_rate_is_told_with_what_became_of_such_runs():
    (sentence,) = told_of_the_rate(case(stepped(0.1, 0.3)))
    assert f"{TAKEN_BACK.came} of {TAKEN_BACK.of} moments where the rate came down" in sentence
    assert f"at {KEPT_UP.came} of {KEPT_UP.of} where it did not" in sentence
    assert "within twice the epochs" in sentence


def test_of_a_rate_that_was_not_raised_it_is_said_that_nothing_else_told():
    (sentence,) = told_of_the_rate(case(np.full(60, 0.1)))
    assert "no higher than at the best, and nothing else that was tried" in sentence


def test_one_that_fell_again_is_not_promised_anything():
    fallen = np.where(TIMES <= 45, LOSS, 0.65 - 0.01 * (TIMES - 45))
    one = case(np.full(60, 0.1), fallen)
    assert (one.reading.state.name, one.reading.trend) == ("risen", "falling")
    assert list(told_of_the_rate(one)) == []


def test_nothing_is_said_of_what_has_not_risen():
    assert list(told_of_the_rate(case(stepped(0.1, 0.3), FALLING))) == []


def test_nothing_is_said_of_an_error():
    history = History(times=TIMES, validation_error=LOSS / 4, validation_samples=5_000, learning_rate=stepped(0.1, 0.3))
    one = Case(history=history, reading=read_history(history))
    assert one.reading.state.name == "risen"
    assert list(told_of_the_rate(one)) == []
    named = replace(history, validation_loss=LOSS)
    assert list(told_of_the_rate(Case(history=named, reading=read_history(named)))) != []


@pytest.mark.parametrize(
    ("told", "title"),
    [
        (TAKEN_BACK, "networks and boosting; rate raised, then taken back; all"),
        (KEPT_UP, "networks and boosting; rate raised; all"),
    ],
)
def test_counts_are_those_of_the_study(told, title):
    rows = [row for kind, row in counted_moments(2) if kind == title]
    assert len(rows) == 2
    assert [told.of, told.came] == [sum(row[place] for row in rows) for place in (0, 1)]
