"""The curves of a diagnosis are the means of what the bench measured, and nothing else."""

import math
from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier

from benign.diagnosis.risk_curves import curves_of
from tests.diagnosis.benches import Columns, bench_of, on_bench, table_of


def _curve(bench, axis):
    return {one.axis: one for one in curves_of(bench)}.get(axis)


def test_over_n_the_trainings_of_the_users_size_count_and_no_others():
    with on_bench(Columns(20), 10, samples=80) as bench:
        user = bench.user_trial()
        few = [replace(user, rows=20, fold=fold) for fold in range(3)]
        whole = [replace(user, fold=fold) for fold in (1, 2)]
        others = [replace(user, size=5), replace(user, rows=40, label_noise=0.5), replace(user, rows=60, size=5)]
        measured = bench.measure([user, *few, *whole, *others])
        curve = _curve(bench, "samples")
    assert curve is not None
    assert curve.positions == (20.0, 80.0)
    assert curve.trainings == (3, 3)
    losses = np.concatenate([one.held_out_losses[0] for one in measured[1:4] if one is not None])
    assert curve.held_out_loss[0].value == pytest.approx(losses.mean())
    low, high = curve.held_out_loss[0].interval
    assert (high - low) / 2 >= 1.9 * losses.std() / math.sqrt(len(losses))
    assert math.isnan(curve.held_out_error[0].value)  # of a regression


def test_the_interval_over_folds_holds_the_risk():
    # Under-parameterised least squares: (noise + missed signal) (1 + k / (n - k - 1)).
    truth = (0.25 + 0.5) * (1 + 10 / (80 - 11))
    with on_bench(Columns(20), 10, samples=80) as bench:
        bench.measure([replace(bench.user_trial(), fold=fold) for fold in range(12)])
        curve = _curve(bench, "samples")
    assert curve is not None
    low, high = curve.held_out_loss[0].interval
    assert low - (high - low) < truth < high + (high - low)


def test_over_size_it_is_at_the_n_where_most_sizes_were_tried():
    with on_bench(Columns(20), 10, samples=80) as bench:
        user = bench.user_trial()
        bench.measure([user, *(replace(user, rows=64, size=size) for size in (4, 8, 16))])
        curve = _curve(bench, "size")
    assert curve is not None
    assert curve.positions == (4.0, 8.0, 16.0)
    assert curve.samples == 64.0


def test_positions_are_compared_on_the_same_held_out_samples():
    with on_bench(Columns(20), 10, samples=80) as bench:
        user = bench.user_trial()
        many = [replace(user, rows=rows, fold=fold) for rows in (20, 40, 60) for fold in (1, 2, 3)]
        measured = bench.measure([user, replace(user, fold=1), replace(user, fold=2), *many])
        curve = _curve(bench, "samples")
    assert curve is not None
    assert curve.trainings == (2, 2, 2, 2)  # folds 1 and 2, which all have
    twice = [float(one.held_out_loss[0]) for one in measured[1:3] if one is not None]
    assert curve.held_out_loss[-1].value == pytest.approx(float(np.mean(twice)))


def test_where_no_fold_is_common_all_count_and_one_training_tells_no_spread():
    with on_bench(Columns(20), 10, samples=80) as bench:
        user = bench.user_trial()
        bench.measure([user, replace(user, rows=20, fold=1)])
        curve = _curve(bench, "samples")
    assert curve is not None
    assert curve.trainings == (1, 1)
    assert math.isnan(curve.train_loss[1].interval[0])


def test_two_sizes_make_no_curve():
    with on_bench(Columns(20), 10, samples=80) as bench:
        bench.measure([bench.user_trial(), replace(bench.user_trial(), size=5)])
        assert [one.axis for one in curves_of(bench)] == ["samples"]
    with on_bench(Columns(20), 10, samples=80) as bench:
        assert curves_of(bench) == ()


def test_over_time_one_training_gives_the_whole_curve():
    random = np.random.default_rng(0)
    inputs = random.standard_normal((100, 3))
    labels = np.where(inputs[:, 0] + random.standard_normal(100) > 0, "a", "b")
    model = GradientBoostingClassifier(n_estimators=8)
    with bench_of(model, table_of(inputs, labels)) as bench:
        (one,) = bench.measure([replace(bench.user_trial(), times=(1.0, 4.0, 8.0))])
        over_time, over_n = _curve(bench, "time"), _curve(bench, "samples")
    assert one is not None
    assert over_time is not None
    assert over_time.positions == (1.0, 4.0, 8.0)
    np.testing.assert_allclose([e.value for e in over_time.held_out_error], one.held_out_wrong.mean(axis=1))
    assert over_n is not None  # its last time is the user's
    assert over_n.held_out_loss[0].value == pytest.approx(float(one.held_out_losses[-1].mean()))
