"""A schedule of restarts raises both losses and lowers them again: it is no instability and no double descent."""

import numpy as np
import pytest

import benign
from benign.histories.answer import Triage
from benign.histories.history import History
from benign.histories.learning_rate import is_restarted_between
from benign.histories.rule import read_history

TIMES = np.arange(1.0, 91.0)
CYCLE = (TIMES - 1) % 30
RATE = 0.05 * (1 + np.cos(np.pi * CYCLE / 30))
# Within a cycle the loss falls with the rate, to a lower level in each.
LOSS = np.exp(-0.4 * ((TIMES - 1) // 30)) * (0.5 + np.exp(-CYCLE / 8))


def flags(rate):
    history = History(
        times=TIMES, train_loss=0.8 * LOSS, validation_loss=LOSS, learning_rate=rate, validation_samples=10_000
    )
    reading = read_history(history)
    return {flag.code for flag in reading.flags}, reading.second_descent


def test_a_restart_explains_a_second_descent_and_is_no_instability():
    codes, found = flags(RATE)
    assert "instability" not in codes
    assert (found.against_best, found.explained_by) == ("below", "restart")


@pytest.mark.parametrize("rate", [None, np.full(90, 0.05), np.minimum(TIMES / 40, 1.0)], ids=["none", "one", "warm-up"])
def test_without_a_restart_training_that_rises_is_unstable(rate):
    codes, found = flags(rate)
    assert "instability" in codes
    assert found.explained_by == "train-rise"


def test_the_answer_says_so():
    log = {"epoch": TIMES, "train_loss": 0.8 * LOSS, "val_loss": LOSS, "lr": RATE}
    answer = benign.triage(log, validation_samples=10_000)
    assert isinstance(answer, Triage)
    assert (
        answer.headline == "The second fall is that of the learning rate, which was raised there and came down again."
    )
    assert answer.findings[0].explained_by == "restart"
    assert answer.findings[0].next is None
    assert not any("Divide the learning rate" in advice for advice in answer.advice)


def test_gaps_of_the_rate_decide_nothing():
    gaps = np.where(CYCLE % 2, np.nan, RATE)
    assert is_restarted_between(gaps, 28, 32)
    assert not is_restarted_between(np.full(90, np.nan), 28, 32)
