"""The way to the best fit: closed form against steps that are taken, its end, and verdicts that follow its lengths."""

from pathlib import Path

import numpy as np
import pytest

import benign
from benign.curves import Verdict
from benign.experiments import measure
from benign.figures.mml_polynomial import FIGURE, RIGHT, STEPS, STOPPED, TOO_LARGE, medians_over_size, parts_of
from benign.figures.stopped_polynomial import LEFT, StoppedPolynomial
from benign.foundation.number_words import format_number
from benign.linear import PolynomialFeatures
from benign.plots import CurveDisplay
from benign.procedures import Polynomial
from benign.sources import mml
from benign.surface.sections import along_size, along_time

COMMITTED = Path(__file__).parents[2] / "figures"
HOLDS, FAILS = Verdict.HOLDS, Verdict.FAILS
GRID = np.linspace(-5.0, 5.0, 7)[:, None]


def descended(split, size, steps):
    """Gradient descent on the mean squared loss, literally; predictions on the grid after each of ``steps``."""
    features = PolynomialFeatures(low=float(split.pool.min()), high=float(split.pool.max()))
    Z, G = features.columns(split.train_inputs, 0, size), features.columns(GRID, 0, size)
    n = len(Z)
    curvature = 2.0 / n * np.linalg.eigvalsh(Z.T @ Z)[-1]
    theta, found = np.zeros((size, 1)), []
    for step in range(1, max(steps) + 1):
        theta -= 2.0 / n * Z.T @ (Z @ theta - split.train_targets) / curvature
        if step in steps:
            found.append(G @ theta)
    return np.stack(found)


@pytest.mark.parametrize("size", [3, 10, 15], ids=["fewer columns", "as many", "more columns than samples"])
def test_the_closed_form_is_what_the_steps_give(size):
    split, steps = mml().draw(10, benign.Replicate(draw=3)), (1, 5, 200)
    found = StoppedPolynomial().predict(split, GRID, np.array([size]), np.array(steps, dtype=float))
    np.testing.assert_allclose(np.stack([one.values for one in found]), descended(split, size, steps), rtol=1e-7)


def test_the_end_of_the_way_is_least_squares():
    split, sizes = mml().draw(10, benign.Replicate(draw=3)), np.array([2, 5, 9])
    ends = StoppedPolynomial().predict(split, GRID, sizes)
    for end, solved in zip(ends, Polynomial().predict(split, GRID, sizes), strict=True):
        assert end.size == solved.size
        np.testing.assert_allclose(end.values, solved.values, rtol=1e-6)
    start = next(StoppedPolynomial().predict(split, GRID, sizes, np.array([0.0])))
    np.testing.assert_array_equal(start.values, np.zeros((7, 1)))


def test_what_is_measured_is_what_is_predicted_and_the_training_loss_only_falls():
    times = np.array([1.0, 8.0, 64.0, 512.0])
    surface = measure(
        StoppedPolynomial(), mml(), samples=[10], sizes=[4, 9], times=times.tolist(), replicates=2, seed=5, workers=1,
        metrics=[LEFT],
    ).dataset  # fmt: skip
    assert (np.diff(surface["train_loss"].values, axis=1) < 1e-12).all()
    split = mml().draw(10, benign.Replicate(seed=5, draw=1, initialisation=1, noise=1))
    stopped = StoppedPolynomial().predict(split, split.test_inputs, np.array([4]), times)
    end = next(Polynomial().predict(split, split.test_inputs, np.array([4]))).values
    for column, one in enumerate(stopped):
        cell = surface.isel(samples=0, replicate=1, time=column).sel(size=4)
        assert cell["test_loss"].item() == pytest.approx(np.mean((one.values - split.test_targets) ** 2), rel=1e-9)
        assert cell[LEFT].item() == pytest.approx(np.mean((one.values - end) ** 2), rel=1e-6)


def test_other_metrics_are_refused():
    with pytest.raises(benign.BenignError, match="`metrics`"):
        measure(
            StoppedPolynomial(), mml(), samples=[10], sizes=[4], times=[1.0], replicates=1, workers=1,
            metrics=["leave_one_out_loss"],
        )  # fmt: skip


@pytest.fixture(scope="module")
def surfaces():
    return dict(benign.Reproduction.open(COMMITTED / "mml_polynomial").datasets)


def test_four_points_and_their_distances(surfaces):
    for degree in (RIGHT, TOO_LARGE):
        gap, sampling, left = parts_of(degree)
        least_squares = along_size(surfaces["polynomial"], "test_loss")[:, degree]
        np.testing.assert_allclose(gap + sampling.read(surfaces), least_squares, rtol=1e-9)
        # No way is longer than the others together: the two surfaces hold the same data sets in the same order.
        around = np.sqrt(along_time(surfaces["descent"], "test_loss", degree + 1)) + np.sqrt(least_squares)[:, None]
        assert (np.sqrt(left.values(surfaces["descent"])) <= around * (1.0 + 1e-6)).all()


def verdicts_of(surfaces):
    return {finding.name: finding.verdict for finding in FIGURE.judge("quick", surfaces)}


def changed(surfaces, metric, step, value):
    """The metric is another one after one of the numbers of steps."""
    descent = surfaces["descent"].copy(deep=True)
    descent[metric].values[:, STEPS.index(step)] = value
    return {**surfaces, "descent": descent}


def test_verdicts_on_the_way_follow_its_lengths(surfaces):
    start, end = "optimisation_is_largest_at_the_start", "sampling_is_largest_at_the_end"
    there = dict.fromkeys((start, end, "stopping_helps_degree_4", "stopping_helps_degree_9"), HOLDS)
    assert there.items() <= verdicts_of(surfaces).items()
    # The three changes touch different claims.
    worse = changed(changed(surfaces, LEFT, STEPS[0], 1e-3), LEFT, STEPS[-1], 1e3)
    verdicts = verdicts_of(changed(worse, "test_loss", STOPPED, 1e2))
    assert (verdicts[start], verdicts[end]) == (FAILS, FAILS)
    assert (verdicts["stopping_helps_degree_4"], verdicts["stopping_helps_degree_9"]) == (FAILS, HOLDS)


def test_text_and_pictures_tell_one_median(surfaces):
    results = FIGURE.results("quick", surfaces)
    pictures = {picture.name: picture for picture in FIGURE.pictures(results)}
    display = pictures["beyond"].display
    assert isinstance(display, CurveDisplay)
    drawn = display.series[0].median
    np.testing.assert_array_equal(medians_over_size(surfaces["polynomial"]), drawn)
    at_nine = format_number(float(drawn[9]))
    assert at_nine in FIGURE.lede(results)
    assert all(at_nine in pictures[name].sentence for name in ("u_curve", "beyond", "descent"))
