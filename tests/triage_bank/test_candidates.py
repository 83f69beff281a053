import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from triage.candidates import CANDIDATES, Seen, siblings_of
from triage.cuts import history_at
from triage.training import CURVES, Training

from benign.histories.rule import read_history
from tests.triage_bank.made import made

READ = {candidate.name: candidate.read for candidate in CANDIDATES}
POINTS = 60
TIMES = np.arange(1.0, 2 * POINTS + 1)


def descended(low: float = 0.5, end: float = 1.0, best: float = 15.0) -> np.ndarray:
    """Down to ``low`` at the time ``best``, then up to ``end`` at 60, in log time; on from there."""
    log = np.log(TIMES)
    down = np.interp(log, [0, math.log(best)], [2.0, low])
    return np.where(best >= TIMES, down, low + (end - low) * (log - math.log(best)) / math.log(POINTS / best))


def training(name: str = "made-0", *, changed: dict[str, np.ndarray] | None = None, **settings: Any) -> Training:
    curves = {
        "train_loss": 1.0 / TIMES, "train_error": np.maximum(0.4 - 0.02 * TIMES, 0.0), "val_error": np.full(120, 0.3),
        "kept_train_error": np.maximum(0.3 - 0.02 * TIMES, 0.0), "flipped_train_error": 1.2 - 0.01 * TIMES,
        "averaged_val_loss": descended(0.45, 0.48), "averaged_val_error": np.full(120, 0.28),
        "averaged_train_loss": 0.5 / TIMES, "learning_rate": np.full(120, 0.1), "gradient_norm": 1.0 / TIMES,
        "worst_share": np.full(120, 0.4), "median_loss": descended(0.2, 0.3), "margin_low": np.full(120, -1.0),
        "margin_median": TIMES, "weight_norm": TIMES**0.5,
    }  # fmt: skip
    known = {
        "classes": 10, "label_noise": 0.2, "loss": "cross-entropy", "learning_rate": 0.1, "batch_size": 50,
        "weight_decay": 0.02, "schedule": "constant",
    }  # fmt: skip
    told: dict[str, Any] = known | settings
    return made(descended(), name=name, validation=descended(), curves=curves | (changed or {}), **told)


def seen(of: Training, *others: Training) -> Seen:
    reading = read_history(history_at(of, POINTS))
    return Seen(training=of, points=POINTS, reading=reading, group=(of, *others))


def test_names_are_those_of_one_candidate_each():
    assert len(READ) == len(CANDIDATES)


@pytest.mark.parametrize("candidate", CANDIDATES, ids=lambda candidate: candidate.name)
def test_nothing_is_read_of_the_population_or_of_what_comes(candidate):
    """All curves are changed after the cut, but for the learning rate of a schedule; the population's anywhere."""
    whole, twin = training(slow_energy=1.0, noise_variance=0.3, fast=10, slow=5), training("made-1", label_noise=0.1)
    changed = {
        name: np.where(np.arange(120) < POINTS, curve, 7.0 + np.arange(120) % 3)
        for name, curve in whole.curves.items()
        if name != "learning_rate" or candidate.source != "schedule"
    }
    population = {name: np.full(120, 3.3) for name in CURVES if "population" in name}
    other = replace(whole, curves={**whole.curves, **changed, **population})
    read = candidate.read(seen(whole, twin), 2)
    assert read is not None
    assert candidate.read(seen(other, twin), 2) == read


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("time since the best", [math.log(4)]),
        ("size of the rise", [math.log(2) - 0.05]),
        ("share fallen from its peak", [0.0]),
        ("slope of the training loss", [-1.0]),
        ("gap of validation and training", [math.log(60)]),
        ("averaged weights below raw ones", [math.log(0.48)]),
        ("averaged weights above the best", [math.log(0.96) - 0.05]),
        ("averaged weights in training", [math.log(0.5)]),
        ("share of the worst 5 %", [0.4, 0.0]),
        ("share of the rise in the worst 5 %", [0.4]),
        ("growth of the weights", [math.log(2), 0.5]),
        ("growth of the margin", [1.0]),
        ("train error", [math.log(0.005)]),
        ("train error of flipped labels", [0.6, -0.52]),
        ("flipped labels not fitted yet", [0.6, -0.4]),
        ("share of flipped labels", [0.2]),
        ("training samples", [math.log(500)]),
        ("weight decay", [math.log(0.021)]),
        ("weight decay, summed and to come", [math.asinh(0.02 * 0.1 * 10 * 60)] * 2),
        ("train error 0, loss above guessing", [1.0, -math.log(math.log(10))]),
        ("train error 0, error as of guessing", [0.3 / 0.9]),
        ("train error 0, and rise of the error", [1.0, 0.0]),
        ("learning rate still to be spent", [0.0]),
    ],
)
def test_what_is_read_of_formulas(name, expected):
    assert READ[name](seen(training()), 2) == pytest.approx(expected, abs=0.06)  # a mean over neighbours bends


def test_a_schedule_is_known_as_far_as_it_is_asked_for():
    rates = np.concatenate([np.linspace(0.1, 0.02, 30), np.full(30, 0.08), np.full(30, 0.2), np.full(30, 0.01)])
    here = seen(training(changed={"learning_rate": rates}))
    assert READ["learning rate: how far it will fall"](here, 1.5) == pytest.approx([0.0])
    assert READ["learning rate: how far it will fall"](here, 2) == pytest.approx([math.log(1 / 8)])
    assert READ["learning rate: fall and rise ahead"](here, 2) == pytest.approx([math.log(1 / 8), math.log(2.5)])
    assert READ["learning rate: below all so far"](here, 2) == pytest.approx([math.log(0.5)])
    assert READ["learning rate by its highest"](here, 2) == pytest.approx([math.log(0.8)])
    best = 0.1 - 0.08 * 14 / 29
    assert READ["learning rate since the best"](here, 2) == pytest.approx([math.log(0.08 / best)], abs=0.05)
    assert READ["learning rate: raised for a while"](here, 2) == (0.0, 0.0)  # by less than half


def test_a_rate_that_was_raised_since_the_best_and_is_taken_back_is_told():
    for now, later, expected in ((0.1, 0.01, 1.0), (0.1, 0.08, 0.0), (0.02, 0.01, 0.0)):
        here = seen(training(changed={"learning_rate": np.repeat([0.02, now, later], [30, 30, 60])}))
        read = READ["learning rate: raised for a while"](here, 2)
        assert read is not None
        assert read[0] == expected
        assert (read[1] < 0) is bool(expected)  # it still rises


def test_one_that_does_not_vary_has_nothing_ahead_of_it():
    assert READ["learning rate: fall and rise ahead"](seen(training()), 2) == (0.0, 0.0)


def test_noise_is_compared_with_what_can_be_learnt():
    assert READ["noise by what can be learnt"](seen(training(classes=2, label_noise=0.5)), 2) == pytest.approx(
        [math.log(1.01)]
    )
    linear = training(
        classes=0, loss="squared", noise_variance=0.6, validation_noise_variance=0.5, slow_energy=0.1, fast=80, slow=20
    )
    assert READ["noise by what can be learnt"](seen(linear), 2) == pytest.approx([math.log(0.41)])
    assert READ["noise against the late signal"](seen(linear), 2) == pytest.approx([math.log(0.6 * 0.2 / 0.1)])


def test_clean_labels_have_no_flipped_ones():
    assert READ["train error of flipped labels"](seen(training(label_noise=0.0)), 2) is None


def test_the_nearest_sibling_is_asked():
    whole = training(label_noise=0.2)
    near, far = training("near", label_noise=0.25), training("far", label_noise=0.4)
    falling = replace(near, curves={**near.curves, "val_loss": 2.0 / TIMES**0.5})
    assert READ["z of a sibling"](seen(whole), 2) is None
    risen, fallen = (READ["z of a sibling"](seen(whole, far, other), 2) for other in (near, falling))
    assert risen is not None
    assert fallen is not None
    assert risen[0] < 0 < fallen[0]


def test_siblings_share_all_but_noise_rates_and_seeds():
    assert siblings_of(training(seed=1, label_noise=0.1, learning_rate=0.2)) == siblings_of(training("b", seed=2))
    assert siblings_of(training(width=10)) != siblings_of(training(width=20))


def test_averaged_weights_are_read_where_the_log_shows_them():
    shown = seen(training(shows_averaged=1))
    assert READ["size of the rise"](shown, 2) == pytest.approx([math.log(0.48 / 0.45)], abs=0.02)
    assert READ["gap of validation and training"](shown, 2) == pytest.approx([math.log(0.48 * 60)], abs=0.05)
