import numpy as np
import pytest
from triage.cuts import LEAST, columns, cuts_of, history_at

import benign
from benign.histories.answer import Triage
from benign.histories.history import History
from tests.triage_bank.made import made

FALLING = np.geomspace(2.0, 0.5, 120)


def test_places_are_addressed_by_name_and_seed():
    names = [f"made-{number}" for number in range(20)]
    once = [cuts_of(made(FALLING, name=name)) for name in names]
    assert once == [cuts_of(made(FALLING, name=name)) for name in names]
    assert len(set(once)) > 15
    assert cuts_of(made(FALLING), seed=1) != cuts_of(made(FALLING))


def test_places_are_uniform_in_the_log_of_the_number_of_evaluations():
    places = np.array([cut for number in range(400) for cut in cuts_of(made(FALLING, name=str(number)))[:-1]])
    assert places.min() == LEAST
    assert places.max() < FALLING.size
    below = np.mean(places < np.sqrt(LEAST * FALLING.size))
    assert abs(below - 0.5) < 4 * 0.5 / np.sqrt(places.size)


@pytest.mark.parametrize("points", [8, 14, 15])
def test_a_short_training_is_cut_at_its_end(points: int):
    assert cuts_of(made(FALLING[:points]))[-1] == points
    assert len(cuts_of(made(FALLING[:points]))) == (1 if points <= LEAST else 2)


def test_nothing_after_the_cut_is_seen():
    known = history_at(made(FALLING), 30)
    changed = history_at(made(np.concatenate([FALLING[:30], np.ones(90)])), 30)
    for name, value in vars(known).items():
        np.testing.assert_array_equal(value, getattr(changed, name))


def a_whole_log() -> dict[str, np.ndarray]:
    train_loss = np.where(np.arange(120) % 3 == 0, 0.9 * FALLING, np.nan)
    errors = np.linspace(0.5, 0.1, 120)
    return {
        "train_loss": train_loss, "train_error": errors / 2, "running_train_loss": 1.1 * FALLING, "val_error": errors,
        "averaged_val_loss": 0.8 * FALLING, "averaged_val_error": 0.9 * errors,
        "learning_rate": np.full(120, 0.1), "gradient_norm": FALLING,
    }  # fmt: skip


CASES = {
    "all": made(FALLING, curves=a_whole_log(), classes=10, label_noise=0.2, loss="cross-entropy"),
    "running mean": made(FALLING, curves=a_whole_log(), running_mean=1),
    "averaged weights shown": made(FALLING, curves=a_whole_log(), shows_averaged=1),
    "steps": made(FALLING, axis="step", times=np.arange(10.0, 1210.0, 10.0)),
    "infinite in training": made(
        np.where(np.arange(120) > 100, np.nan, FALLING),
        curves={"train_loss": np.where(np.arange(120) > 90, np.inf, FALLING)},
    ),
    "lost at once": made(np.full(120, np.nan), curves={"train_loss": np.where(np.arange(120) > 0, np.nan, 1.0)}),
    "both no number": made(
        np.where(np.arange(120) > 100, np.nan, FALLING),
        curves={"train_loss": np.where(np.arange(120) > 98, np.nan, FALLING)},
    ),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("cut", [40, 110])
def test_a_log_written_as_columns_is_read_as_the_same_history(case: str, cut: int):
    training = CASES[case]
    known = history_at(training, cut)
    told = {name: getattr(known, name) for name in ("train_samples", "validation_samples", "classes", "label_noise")}
    read = benign.triage(columns(training, cut), **told)
    assert isinstance(read, Triage)
    for name in vars(History(times=known.times)):
        np.testing.assert_array_equal(getattr(known, name), getattr(read.history, name), err_msg=name)


def test_what_a_log_shows_instead():
    curves = a_whole_log()
    running = history_at(CASES["running mean"], 40)
    assert running.train_loss is not None
    assert running.train_error is None
    np.testing.assert_array_equal(running.train_loss, curves["running_train_loss"][:40])
    averaged = history_at(CASES["averaged weights shown"], 40)
    assert averaged.validation_loss is not None
    assert averaged.averaged_loss is None
    np.testing.assert_array_equal(averaged.validation_loss, curves["averaged_val_loss"][:40])


def test_a_gap_in_the_training_loss_is_no_divergence():
    assert history_at(CASES["all"], 120).diverged_at is None
    assert history_at(CASES["infinite in training"], 110).diverged_at == 92
    assert history_at(CASES["both no number"], 110).diverged_at == 100
    assert history_at(CASES["lost at once"], 40).diverged_at == 1
    assert history_at(CASES["both no number"], 90).diverged_at is None
