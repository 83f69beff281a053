import time
from collections import Counter
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from benign.histories.calibration import calibrate
from benign.histories.finding import CODES
from benign.histories.forecast import Comparable
from benign.histories.history import History, Metric
from benign.histories.rule import WEIGHT, Reading, read_history
from tests.histories.recorded_runs import founding_curve, linear_run, there
from tests.histories.test_calibration import predictions


def codes(reading: Reading) -> list[str]:
    return [flag.code for flag in reading.flags]


def founding(epochs: int, seed: int) -> Reading:
    times, loss = founding_curve(epochs, seed=seed)
    return read_history(History(times=times, validation_loss=loss, train_loss=2 * times**-0.6, validation_samples=1000))


@pytest.mark.parametrize("seed", range(3))
class TestTheFoundingQuestion:
    def test_cut_on_the_rise_it_is_hedged(self, seed):
        reading = founding(70, seed)
        assert reading.state.name == "risen"
        assert np.exp(there(reading.rise).log) == pytest.approx(2.4, abs=0.15)
        assert codes(reading) == ["rise-unknown-end"]
        assert reading.trend == "rising"
        assert [reading.forecast[k].probability for k in (2, 5)] == pytest.approx([0.01, 0.03], abs=0.015)
        assert reading.forecast[2].comparable == Comparable(came=1, of=1804)
        assert there(reading.landmarks).best.earliest <= 20 <= there(reading.landmarks).best.latest

    @pytest.mark.parametrize(
        ("epochs", "k", "low", "high"), [(100, 5, 0.6, 0.85), (130, 2, 0.35, 0.6), (160, 2, 0.8, 0.92)]
    )
    def test_while_it_falls_the_odds_grow(self, seed, epochs, k, low, high):
        reading = founding(epochs, seed)
        assert codes(reading) == ["second-descent"]
        assert there(reading.second_descent).against_best == "above"
        assert low < reading.forecast[k].probability < high

    @pytest.mark.parametrize("epochs", [210, 400])
    def test_the_second_descent_is_named(self, seed, epochs):
        reading = founding(epochs, seed)
        assert codes(reading)[0] == "second-descent"
        assert set(codes(reading)) <= {"second-descent", "improving"}
        assert (there(reading.second_descent).against_best, there(reading.second_descent).explained_by) == ("below", "")
        marks = there(reading.landmarks)
        assert marks.best.earliest <= 20 <= marks.best.latest
        assert there(marks.peak).time == pytest.approx(72, abs=4)
        assert there(marks.second_best).value < marks.best.value < there(marks.peak).value
        assert reading.needs == ("learning_rate",)


class TestPublicCases:
    """Logs that people asked about, with the numbers that they gave."""

    @pytest.mark.parametrize("rate", [0.008, 0.02])
    @pytest.mark.parametrize("final", [0.016, 0.03])
    @pytest.mark.parametrize("seed", [0, 1])
    @pytest.mark.parametrize("known", [{}, {"validation_samples": 10_000, "classes": 10}])
    def test_accuracy_up_and_loss_up(self, rate, final, seed, known):
        times, rng = np.arange(1.0, 21.0), np.random.default_rng(seed)
        error = final + 0.05 * np.exp(-times / 4)
        loss = (0.08 + 0.1 * np.exp(-times / 1.5) + rate * times) * np.exp(0.02 * rng.standard_normal(20))
        assert loss[-1] > loss[0]
        reading = read_history(
            History(
                times=times, validation_loss=loss, validation_error=error, train_loss=0.3 * np.exp(-times / 3), **known
            )
        )
        assert codes(reading)[0] == "overconfidence"
        assert "overfitting" not in codes(reading)
        assert there(reading.error).answer == "not up"

    def test_one_step(self):
        reading = read_history(
            History(
                times=np.array([55.0, 56.0]),
                validation_loss=np.array([1.3, 1.4]),
                validation_error=np.array([0.15, 0.14]),
            )
        )
        assert (reading.state.name, codes(reading)) == ("undecided", ["too-few-points"])

    def test_best_in_the_middle(self):
        loss = np.array([2.11, 1.77, 1.59, 1.52, 1.49, 1.51, 1.52, 1.56])
        reading = read_history(History(times=250 * np.arange(1.0, 9.0), axis="step", validation_loss=loss))
        assert reading.state.name == "undecided"
        assert there(reading.landmarks).best.time == 1250
        assert codes(reading) == []
        assert reading.needs == ("validation_samples",)
        assert there(reading.state.deciding_samples) > 1000

    def test_three_points(self):
        reading = read_history(
            History(
                times=np.arange(1.0, 4.0),
                train_loss=np.array([0.549, 0.578, 0.601]),
                validation_loss=np.array([0.407, 0.404, 0.380]),
            )
        )
        assert reading.state.name == "undecided"
        assert codes(reading)[0] == "too-few-points"

    @pytest.mark.parametrize(("train", "validation"), [(0.575, 0.643), (0.91, 0.99)])
    def test_train_below_validation(self, train, validation):
        reading = read_history(
            History(times=np.ones(1), train_error=np.array([1 - train]), validation_error=np.array([1 - validation]))
        )
        assert codes(reading)[0] == "train-worse-than-validation"
        assert set(reading.flags[0].alternatives) >= {"dropout", "augmentation", "running-mean", "easier-split", "leak"}

    @pytest.mark.parametrize("end", [0.2, 0.6])
    @pytest.mark.parametrize("width", [4, 12])
    @pytest.mark.parametrize("seed", [0, 1])
    def test_both_fall_rise_and_fall(self, end, width, seed):
        times, rng = np.arange(1.0, 101.0), np.random.default_rng(seed)
        curve = 2 * np.exp(-times / 8) + end + np.exp(-(((times - 50) / width) ** 2))
        noise = np.exp(0.02 * rng.standard_normal((2, 100)))
        reading = read_history(
            History(times=times, validation_loss=1.1 * curve * noise[0], train_loss=curve * noise[1])
        )
        assert codes(reading)[0] == "instability"
        assert there(reading.second_descent).explained_by == "train-rise"

    @pytest.mark.parametrize("turn", [80, 250])
    @pytest.mark.parametrize("jitter", [0.005, 0.02])
    @pytest.mark.parametrize("speed", [120, 250])
    def test_components_disagree(self, turn, jitter, speed):
        times, rng = np.arange(1.0, 501.0), np.random.default_rng(turn)
        loss = 200 * (1 + np.exp(-times / 30) + np.maximum(0, times - turn) / 1000)
        precision = 0.6 * (1 - np.exp(-times / speed)) + 0.004 * rng.standard_normal(500)
        reading = read_history(
            History(
                times=times,
                validation_loss=loss * np.exp(jitter * rng.standard_normal(500)),
                metrics=(Metric(name="mAP", values=precision, higher_is_better=True),),
            )
        )
        assert codes(reading)[0] == "wrong-selection-metric"
        assert reading.flags[0].metric == "mAP"
        assert "overfitting" not in codes(reading)
        assert "overconfidence" not in codes(reading)

    def test_a_rise_of_three_percent_over_three_evaluations(self):
        loss = 1.45 + 2.5 * np.exp(-np.arange(20) / 2)
        loss[-3:] *= [1.01, 1.02, 1.03]
        reading = read_history(History(times=250 * np.arange(1.0, 21.0), axis="step", validation_loss=loss))
        assert reading.state.name == "undecided"

    def test_a_wild_curve_that_turns_six_times(self):
        rng = np.random.default_rng(3)
        loss = np.exp(1.5 * rng.standard_normal(30))
        reading = read_history(History(times=np.arange(1.0, 31.0), validation_loss=loss))
        assert codes(reading)[0] == "erratic"
        assert reading.flags[0].evidence["alternating"] == 0


class TestLevel:
    """Linear gradient descent with its exact risk: what is said against what is so."""

    DOUBLE: ClassVar = (
        {"train_samples": 120, "small": 0.06, "noise": 1.0, "weight": 1.0},
        {"train_samples": 100, "small": 0.1, "noise": 0.5, "weight": 1.5},
    )
    OVERFITTED: ClassVar = {"train_samples": 120, "small": 0.06, "noise": 1.0, "weight": 0.0}
    HEALTHY: ClassVar = {"train_samples": 2000, "small": 0.3, "noise": 0.5, "weight": 1.0}

    @staticmethod
    def readings(setting, runs, samples):
        for seed in range(runs):
            run = linear_run(seed, **setting, samples=samples, jitter=0.01 * (seed % 2))
            for cut in (int(np.random.default_rng(seed).integers(30, 200)), 300):
                log_risk = np.log(run.risk[:cut])
                before, after = np.minimum.accumulate(log_risk), np.minimum.accumulate(log_risk[::-1])[::-1]
                peak = int(np.argmax(log_risk - np.maximum(before, after)))
                size = log_risk[peak] - max(before[peak], after[peak])
                yield read_history(run.history(cut, samples)), size, after[peak] - before[peak], log_risk

    def test_second_descents(self):
        counts: Counter[tuple[str, str]] = Counter()
        for setting in self.DOUBLE:
            for reading, size, difference, _ in self.readings(setting, 12, 1000):
                if size > 0.1 and abs(difference) > 0.05:
                    found = reading.second_descent
                    counts["below" if difference < 0 else "above", found.against_best if found else "none"] += 1
        assert counts["below", "below"] >= 0.85 * sum(n for (truth, _), n in counts.items() if truth == "below") > 15
        assert counts["above", "above"] >= 0.85 * sum(n for (truth, _), n in counts.items() if truth == "above") > 10
        assert counts["above", "below"] == 0

    def test_where_there_is_none_none_ends_below_its_best(self):
        said = [reading for reading, size, *_ in self.readings(self.OVERFITTED, 12, 1000) if size < 0.005]
        assert len(said) > 20
        assert not [reading for reading in said if reading.second_descent]
        assert all(reading.state.name == "risen" for reading in said)

    def test_healthy_runs_raise_no_alarm(self):
        alarms = {"overfitting", "overconfidence", "rise-unknown-end", "second-descent", "instability", "divergence"}
        alarms |= {"erratic", "measurement-changed", "train-worse-than-validation"}
        for samples in (200, 1000):
            for reading, *_, log_risk in self.readings(self.HEALTHY, 10, samples):
                assert log_risk[-1] - log_risk.min() < 0.005
                assert not alarms & set(codes(reading))


def test_every_code_has_a_weight():
    assert sorted(WEIGHT) == sorted(CODES)


@pytest.mark.parametrize("points", range(8))
def test_fewer_than_eight_points_are_too_few(points):
    curve = np.ones(points)
    reading = read_history(
        History(
            times=np.arange(1.0, points + 1), validation_loss=curve, validation_error=curve, train_loss=curve,
            train_error=curve, learning_rate=curve, classes=3, label_noise=0.1, test_score=0.1,
        )
    )  # fmt: skip
    assert (reading.points, reading.state.name) == (points, "undecided")
    assert codes(reading) == ["too-few-points"]
    assert (reading.landmarks is None) == (points == 0)


CURVES = st.integers(1, 40).flatmap(
    lambda points: st.tuples(
        *(
            st.none() | arrays.arrays(np.float64, points, elements=st.floats(-1e3, 1e3, width=32) | st.just(np.nan))
            for _ in range(6)
        ),
        st.just(points),
        st.booleans(),
    )
)


@given(CURVES, st.none() | st.integers(2, 20), st.none() | st.integers(1, 10**6), st.none() | st.floats(1, 40))
def test_whatever_was_recorded_is_read(curves, classes, samples, diverged_at):
    loss, error, train, train_error, rate, metric, points, positive = curves
    with np.errstate(invalid="ignore"):
        loss = np.abs(loss) if loss is not None and positive else loss
        error, train_error = (None if c is None else np.abs(c) / 1e3 for c in (error, train_error))
    reading = read_history(
        History(
            times=np.arange(1.0, points + 1), validation_loss=loss, validation_error=error, train_loss=train,
            train_error=train_error, learning_rate=rate, averaged_loss=loss, classes=classes,
            metrics=() if metric is None else (Metric(name="R2", values=metric, higher_is_better=True),),
            validation_samples=samples, diverged_at=diverged_at,
        )
    )  # fmt: skip
    assert set(codes(reading)) <= set(CODES)
    assert len(set(codes(reading))) == len(codes(reading))
    for odds in reading.forecast.values():
        assert 0 < odds.probability < 1
    for flag in reading.flags:
        assert flag.confidence is None or 0 <= flag.confidence <= 1
        assert np.isfinite(list(flag.evidence.values())).all()
    if reading.points >= 8:
        assert 0 <= there(reading.rise).p <= 1
        assert there(reading.rise).se >= 0


@given(st.floats(0.01, 100), st.floats(1, 1000))
def test_the_units_of_loss_and_time_do_not_matter(unit, tick):
    times, loss = founding_curve(100)
    plain = read_history(History(times=times, validation_loss=loss))
    scaled = read_history(History(times=tick * times, validation_loss=unit * loss))
    assert there(scaled.rise).log == pytest.approx(there(plain.rise).log)
    assert scaled.forecast[5].probability == pytest.approx(plain.forecast[5].probability)
    assert codes(scaled) == codes(plain)


def test_a_rounded_loss_is_not_judged_finely():
    times = np.arange(1.0, 61.0)
    loss = np.round(0.5 + np.exp(-times / 8) + 0.0015 * times, 1)
    reading = read_history(History(times=times, validation_loss=loss))
    assert there(reading.noise).refused == "rounded"
    assert reading.forecast == {}
    assert reading.state.name != "risen"
    steep = read_history(History(times=times, validation_loss=np.round(0.5 + np.exp(-times / 8) + 0.05 * times, 1)))
    assert steep.state.name == "risen"


def test_paired_differences_decide_what_the_noise_cannot():
    """Two epochs of one classifier, the second 1.3 times too sure: sample by sample it is certainly worse."""
    rows = [predictions(300, 4, sharper=sharper)[0] for sharper in (1.0, 1.0, 1.3)]
    labels = predictions(300, 4, sharper=1.0)[1]
    measured = calibrate(rows, labels)
    times = np.arange(1.0, 31.0)
    loss = measured.loss[0] * np.exp(measured.log_rise * np.clip((times - 10) / 10, 0, 1) + np.exp(-times))
    history = History(times=times, validation_loss=loss, validation_samples=300)
    assert there(read_history(history, calibration=measured).rise).se < there(read_history(history).rise).se
    assert read_history(history, calibration=measured).calibration is measured


def test_the_band_holds_two_standard_errors():
    times, loss = founding_curve(100)
    smooth = there(read_history(History(times=times, validation_loss=loss)).smooth)
    np.testing.assert_allclose(np.log(smooth.high / smooth.values), 2 * smooth.se)
    np.testing.assert_allclose(np.log(smooth.values / smooth.low), 2 * smooth.se)


def test_a_million_points_are_read_in_seconds():
    points = 10**6
    times = np.arange(1.0, points + 1)
    loss = np.exp(times**-0.3 + 0.05 * np.random.default_rng(0).standard_normal(points))
    history = History(
        times=times, validation_loss=loss, train_loss=loss, validation_error=loss / 10, learning_rate=loss
    )
    start = time.process_time()
    reading = read_history(history)
    assert time.process_time() - start < 3
    assert reading.state.name == "plateau"  # of so many means of fifteen one would lie 6 % low
    assert reading.second_descent is None
