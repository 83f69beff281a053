"""One training whose epochs were counted from the start again, and two trainings in one file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benign.histories.going_on import moved, offsets_of
from benign.histories.recorded import history_of
from benign.histories.roles import assigned
from tests.histories.columns import log_of

KERAS = Path(__file__).parent / "logs" / "keras" / "training.csv"


def _going_on(epochs: list[int], losses: list[float]) -> list[float] | None:
    offsets = offsets_of(np.array(epochs, float), np.array(losses, float))
    return None if offsets is None else moved(np.array(epochs, float), offsets).tolist()


@pytest.mark.parametrize(
    ("epochs", "losses", "positions"),
    [
        ([0, 1, 2, 0, 1], [9, 5, 4, 3.9, 3.8], [0, 1, 2, 3, 4]),
        ([1, 2, 3, 1, 2], [9, 5, 4, 3.9, 3.8], [1, 2, 3, 4, 5]),
        ([50, 100, 150, 50, 100], [9, 5, 4, 3.9, 3.8], [50, 100, 150, 200, 250]),
        ([1, 2, 3, 1, 2, 1, 2], [9, 5, 4, 3.9, 3.8, 3.7, 3.6], [1, 2, 3, 4, 5, 6, 7]),
        ([1, 2, 3, 1, 2, 3], [9, 5, 4, 9.2, 5, 4], None),  # new weights
        ([1, 2, 3, 1, 2, 3], [9, 5, 4, 6.9, 5, 4], None),  # as near to the start as to the end
        ([1, 2, 3, 1, 2, 1, 2], [9, 5, 4, 3.9, 3.8, 9, 5], None),  # the third began anew
        ([1, 2, 3, 4], [9, 5, 4, 3], None),
        ([1, 2, 3, 2, 3], [9, 5, 4, 5, 4], None),  # resumed in the middle
        ([1, 2, 3, 1, 2], [9, 5, 4, np.nan, 4], None),
        ([], [], None),
    ],
)
def test_a_training_goes_on_where_its_loss_does(epochs, losses, positions):
    assert _going_on(epochs, losses) == positions


def test_a_curve_with_another_number_of_runs_stays():
    positions = np.array([1.0, 2.0, 3.0])
    assert moved(positions, np.array([0.0, 3.0])) is positions


def test_all_curves_are_counted_on():
    losses = [9.0, 5.0, 4.0, 3.0, 2.9, 2.8]
    log = log_of(loss=([0, 1, 2, 3, 0, 1], losses), val_loss=([1, 3, 1], [7.0, 6.0, 8.0]))
    history, notes = history_of(log, assigned(log))
    assert history.times.tolist() == [1, 3, 5]
    assert history.validation_loss is not None
    assert history.validation_loss.tolist() == [7, 6, 8]
    assert history.train_loss is not None
    assert history.train_loss.tolist() == pytest.approx([7.0, 3.5, 2.85])
    assert "begin again once, but 'loss' goes on from where it was" in notes[0]


def test_keras_appended_is_one_training_to_its_end():
    rows = np.genfromtxt(KERAS, delimiter=",", names=True)
    log = log_of({name: (rows["epoch"], rows[name]) for name in ("loss", "val_loss")})
    history, _ = history_of(log, assigned(log))
    assert history.times.tolist() == list(range(1, 18))
    np.testing.assert_array_equal(history.validation_loss, rows["val_loss"])
