"""What is said of a run while it goes: pace, the curve so far, failures in one safe line."""

import numpy as np
import pytest

from benign.cli.run_display import CurveSoFar, Pace, failure_in_words, seconds_in_words, state_in_words
from benign.experiments.grid import Cell
from benign.experiments.listener import Progressed
from benign.experiments.resolution import resolve_grid
from benign.foundation.replicate import Replicate
from benign.procedures import Polynomial
from benign.schema import Block
from benign.sources import mml


def at(seconds, done, total=100, failed=0):
    return Progressed(done=done, failed=failed, total=total, seconds=seconds)


def cell(samples=10, draw=0):
    return Cell(level=0, samples=samples, replicate=Replicate(draw=draw))


def block(values):
    shape = (1, len(values), 1)
    return Block(
        replicates=(Replicate(),), sizes=np.arange(1, len(values) + 1), times=np.array([np.inf]),
        parameters=np.arange(1, len(values) + 1), outcome=np.zeros(shape, dtype=np.int8),
        metrics={"test_loss": np.array(values, dtype=np.float64).reshape(shape)},
    )  # fmt: skip


@pytest.fixture
def curve():
    grid = resolve_grid(
        Polynomial(), [mml()], None, sizes=[1, 2, 3], times=None, samples=[10, 20], replicates=3, crossed=None, seed=0,
        metrics=None,
    )  # fmt: skip
    shown = CurveSoFar()
    shown.start(grid)
    return shown


def test_the_pace_is_that_of_the_last_jobs():
    pace = Pace()
    for seconds, done in [(0.0, 0), (10.0, 1), *((10.0 + 0.1 * i, 1 + i) for i in range(1, 60))]:
        pace.note(at(seconds, done))
    assert pace.jobs_per_second == pytest.approx(10.0)
    assert pace.seconds_left(at(16.0, 60)) == pytest.approx(4.0)
    assert state_in_words(at(16.0, 60, failed=2), pace) == "60 of 100 jobs, 2 failed, 10 a second, 4 s left"


def test_no_pace_before_there_is_one():
    pace = Pace()
    pace.note(at(1.0, 5))
    assert pace.jobs_per_second is None
    assert state_in_words(at(1.0, 5), pace) == "5 of 100 jobs"


def test_slow_jobs_are_told_in_seconds_each():
    pace = Pace()
    pace.note(at(0.0, 0))
    pace.note(at(50.0, 2))
    assert state_in_words(at(50.0, 2), pace) == "2 of 100 jobs, 25 s each, 40 min 50 s left"


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (59.4, "59 s"), (61.0, "1 min 01 s"), (7500.0, "2 h 05 min")]
)
def test_durations(seconds, words):
    assert seconds_in_words(seconds) == words


def test_the_curve_so_far_is_the_median_of_the_n_measured_last(curve):
    assert str(curve) == ""
    curve.add(cell(), block([1.0, 100.0, 1.0]))
    curve.add(cell(draw=1), block([1.0, 1.0, 100.0]))
    curve.add(cell(draw=2), block([1.0, 100.0, 1.0]))
    assert str(curve) == "test loss at n = 10: ▁█▁"
    curve.add(cell(samples=20), block([100.0, 1.0, 1.0]))
    assert str(curve) == "test loss at n = 20: █▁▁"


def test_a_replicate_without_a_number_counts_as_above_all(curve):
    curve.add(cell(), block([1.0, np.nan, 1.0]))
    curve.add(cell(draw=1), block([1.0, 10.0, 100.0]))
    curve.add(cell(draw=2), block([1.0, 10.0, 100.0]))
    assert str(curve) == "test loss at n = 10: ▁▅█"


def test_a_failure_is_one_line_that_no_terminal_obeys():
    line = failure_in_words(cell(), 'Traceback ...\n  File "x"\nValueError: \x1b[2J\x07 gone\n\n', will_retry=True)
    assert line == "A job failed (n = 10, replicate 0-0-0), will be tried again: ValueError: ?[2J? gone"
