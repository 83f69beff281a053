"""The smallest size and the shortest time that fit a training set, against theorems and risks that are known."""

import json
import math
from dataclasses import dataclass

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.tree import DecisionTreeRegressor

import benign
from benign.curves.fitting_threshold import MoreBudget, ThresholdOutcome, more_budget
from benign.curves.threshold_bracketing import SearchLimits, ThresholdSearch
from benign.diagnosis import fit_search
from benign.experiments import MeasurementInterrupted
from benign.experiments.executors.protocol import WorkerDied
from benign.experiments.measurement import measure_in
from benign.foundation.errors import InvalidArgument, NotEnoughMemory
from benign.surface.complexity import shortest_time, smallest_size
from tests.diagnosis.known import TOLERANCE, Known, logistic
from tests.diagnosis.test_effective_model_complexity import standard_normal

DIGITS = benign.sources.digits(label_noise=0.2)
MML = benign.sources.mml()
random = np.random.default_rng(0)
VALUES = benign.sources.arrays(random.standard_normal((120, 3)), random.standard_normal(120), test_samples=20)
BOOSTING = benign.from_estimator(
    GradientBoostingRegressor(learning_rate=0.5, n_estimators=40), size="max_leaf_nodes", time="n_estimators"
)
QUIET = {"workers": 1, "store": ":memory:"}


def threshold_size(procedure, source=MML, **options):
    return benign.threshold_size(procedure, source, **{"samples": 50, **QUIET, **options})


def threshold_time(procedure, source=VALUES, **options):
    return benign.threshold_time(procedure, source, **{"samples": 40, "size": 6, **QUIET, **options})


@dataclass(frozen=True, kw_only=True)
class KnownAlongSize(Known):
    """The risk falls with the size: that of samples / size."""

    refuses_below: int = 1

    def measure(self, splits, sizes, times, metrics):
        if sizes[0] < self.refuses_below:
            raise InvalidArgument(f"`size` must be at least {self.refuses_below}.")
        known = Known(mean=lambda _: self.mean(10_000.0 / sizes[0]), spread=self.spread, measured=[])
        for split in splits:
            if len(self.measured) == self.interrupts_after:
                raise KeyboardInterrupt
            self.measured.append((int(sizes[0]), split.replicate.draw))
        return known.measure(splits, sizes, times, metrics)


def falling(threshold, **options):
    """A procedure that fits from this size on."""
    return KnownAlongSize(mean=logistic(10_000.0 / threshold), **options)


@pytest.mark.parametrize("is_inverse", [False, True])
def test_draws_of_one_class_end_the_search_at_once(is_inverse):
    """Another size would not help."""
    one = benign.sources.arrays(np.ones((1000, 1)), ["a"] * 999 + ["b"])
    sizes = []

    def constant(_inputs, labels, size, _time, _seed):
        sizes.append(size)
        return lambda inputs: np.full(len(inputs), labels[0])

    procedure = benign.from_callable(constant, name="constant", inverse=is_inverse)
    with pytest.raises(InvalidArgument, match="same target to all 50"):
        threshold_size(procedure, one, executor="here")
    assert len(set(sizes)) <= 2


@pytest.mark.parametrize("n", [10, 50])
def test_least_squares_needs_as_many_features_as_samples(n):
    found = threshold_size(benign.RandomFourier(), DIGITS, samples=n, tolerance=0.002)
    assert found.value == n
    assert found.interval == (n, n)
    assert found.outcome is ThresholdOutcome.FOUND
    assert found.more_budget is MoreBudget.NOTHING
    assert found.evidence[n] < 1e-12
    assert found.evidence[n - 1 if n < 30 else 49] > 0.002


def test_a_bracket_that_is_not_resolved_is_within_the_interval():
    """Neighbours are told apart to 3 %: 150 lies within what is claimed."""
    found = threshold_size(benign.RandomFourier(), DIGITS, samples=150, tolerance=0.002)
    assert found.interval[0] <= 150 <= found.interval[1] <= 155
    assert found.interval[0] > 140


def test_a_polynomial_needs_as_many_coefficients_as_samples():
    found = threshold_size(benign.Polynomial(), samples=6, tolerance=1e-4)
    assert found.value == 6


def test_a_tree_against_an_exhaustive_measurement():
    tree = benign.from_estimator(DecisionTreeRegressor(), size="max_leaf_nodes")
    found = threshold_size(tree, VALUES, samples=40)
    sizes = list(range(10, 41))
    surface = benign.measure(tree, VALUES, sizes=sizes, samples=[40], replicates=10, workers=1, store=":memory:")
    exhaustive = smallest_size(surface.dataset, samples=40)
    assert abs(found.value - math.ceil(exhaustive.value)) <= 1
    assert found.interval[0] <= exhaustive.value <= found.interval[1]
    assert min(found.evidence) < found.value < max(found.evidence)


def test_boosting_against_the_surface_of_every_time():
    found = threshold_time(BOOSTING)
    surface = benign.measure(
        BOOSTING, VALUES, sizes=[6], times=range(1, 41), samples=[40], replicates=10, workers=1, store=":memory:"
    )
    every = shortest_time(surface.dataset)
    assert 1 < every.value < 40
    assert abs(found.value - math.ceil(every.value)) <= 1
    assert found.interval[0] <= every.value <= found.interval[1]
    assert found.unit == "n_estimators"
    assert found.trainings <= 10


def test_a_time_that_does_not_suffice_is_said_after_four_trainings():
    found = threshold_time(BOOSTING, until=2)
    assert (found.outcome, found.value, found.trainings) == (ThresholdOutcome.NONE_FITTED, math.inf, 4)
    assert "up to n_estimators = 2, the largest tried" in found.sentence
    cut = threshold_time(BOOSTING, max_trainings=4, replicates=20)
    assert cut.is_budget_spent
    assert cut.trainings == 4


def test_a_training_for_each_time_is_searched():
    asked = []

    def halving(X, y, size, time, seed):
        asked.append(time)
        known = {row.tobytes(): value for row, value in zip(X, y, strict=True)}
        rest = 0.5**time
        return lambda Z: np.array([(1 - rest) * known.get(row.tobytes(), 0.0) + rest * y.mean() for row in Z])

    procedure = benign.from_callable(halving, name="halving", size_name="units", time_name="steps", max_size=9)
    found = threshold_time(procedure, until=64)
    assert found.value == 3  # 0.25 ** 3 is the first below 0.02
    assert len(set(asked)) < 12
    with pytest.raises(InvalidArgument, match="`until` must be given, in steps"):
        threshold_time(procedure)


def search(threshold, spread, seed, draws, trainings):
    """The interval that a search without procedures or a store gives; draws differ from size to size."""
    mean = logistic(1.0 / threshold)

    def risks_of(size, draws):
        noise = np.array([standard_normal(seed, draw, size) for draw in range(draws)])
        return mean(1.0 / size) * np.exp(spread * noise - spread**2 / 2)

    limits = SearchLimits(smallest=1, largest=5000, draws=draws, trainings=trainings, seconds_left=lambda: math.inf)
    return ThresholdSearch(risks_of, TOLERANCE, limits, seeks_smallest=True).run(64).interval


def test_the_interval_covers_in_nine_of_ten_searches():
    thresholds = np.random.default_rng(3).uniform(50.0, 500.0, size=60).tolist()
    found = [search(threshold, 0.4, seed, 10, 60) for seed, threshold in enumerate(thresholds)]
    covered = [low <= threshold <= high for (low, high), threshold in zip(found, thresholds, strict=True)]
    assert np.mean(covered) >= 0.9


def test_four_times_the_draws_about_halve_the_interval():
    widths = []
    for draws in (10, 40):
        ends = [search(200.0, 0.6, seed, draws, 2000) for seed in range(40)]
        widths.append(np.median([math.log(high / low) if low else math.inf for low, high in ends]))
    assert 0.3 < widths[1] / widths[0] < 0.6  # 0.39 over 120 seeds


@pytest.mark.parametrize("guess", [1, 900])
def test_wherever_the_search_begins(guess):
    found = threshold_size(falling(137.0, spread=0.2), guess=guess, max_trainings=200)
    assert found.interval[0] <= 137 <= found.interval[1]
    assert found.value == pytest.approx(137, rel=0.1)


def test_a_search_that_is_stopped_goes_on_and_measures_nothing_twice(tmp_path):
    whole = falling(137.0, spread=0.3)
    expected = threshold_size(whole)
    store = f"sqlite:///{tmp_path / 'store.db'}"
    stopped = falling(137.0, spread=0.3, interrupts_after=17)
    with pytest.raises((MeasurementInterrupted, KeyboardInterrupt)):
        threshold_size(stopped, store=store)
    resumed = falling(137.0, spread=0.3)
    found = threshold_size(resumed, store=store)
    assert len(stopped.measured) == 17
    assert sorted(stopped.measured + resumed.measured) == sorted(whole.measured)
    assert (found.value, found.interval) == (expected.value, expected.interval)
    runs = benign.list_runs(store=store)
    assert {run.name for run in runs} == {"search for the threshold size at n = 50 on mml"}
    assert all(run.is_search for run in runs)


def test_a_budget_that_ends_within_the_doubling_is_undecided():
    found = threshold_size(falling(800.0), guess=10, max_trainings=9)
    assert found.outcome is ThresholdOutcome.UNDECIDED
    assert found.is_budget_spent
    assert (found.trainings, found.interval[1]) == (9, math.inf)  # the last look has one draw
    assert "undecided" in found.sentence
    assert "more trainings or minutes go on" in found.sentence
    assert threshold_size(falling(800.0), guess=10, max_minutes=1e-9).trainings == 1


def test_what_fits_at_any_size_and_at_none():
    every = threshold_size(KnownAlongSize(mean=lambda _: 0.001))
    assert (every.value, every.outcome, every.more_budget) == (1, ThresholdOutcome.ALL_FITTED, MoreBudget.NOTHING)
    assert "even at 1 units" in every.sentence
    none = threshold_size(KnownAlongSize(mean=lambda x: 0.1 + x / 1e6, spread=0.1))
    assert (none.value, none.outcome, none.more_budget) == (math.inf, ThresholdOutcome.NONE_FITTED, MoreBudget.NOTHING)
    assert max(none.evidence) == 500  # ten times as many parameters as samples
    assert json.loads(json.dumps(none.to_dict(), allow_nan=False))["value"] is None


def test_what_fits_at_any_size_has_an_answer_where_a_large_one_has_no_risk():
    fits = KnownAlongSize(mean=lambda x: math.nan if x == 10_000.0 / 50 else 0.001)
    found = threshold_size(fits, guess=1)
    assert (50, 0) in fits.measured
    assert (found.outcome, found.value, found.note) == (ThresholdOutcome.ALL_FITTED, 1, "")


def test_models_that_grow_no_more_end_the_doubling():
    """A tree that cannot be split further is the same at twice and at four times the leaves."""
    stump = benign.from_estimator(DecisionTreeRegressor(max_depth=2), size="max_leaf_nodes")
    found = threshold_size(stump, VALUES, samples=40)
    assert found.outcome is ThresholdOutcome.NONE_FITTED
    assert max(found.evidence) <= 40


def test_sizes_that_cannot_be_are_passed_over():
    found = threshold_size(falling(3.0, refuses_below=2), guess=8)
    assert min(found.evidence) == 2
    assert found.value == 3


def test_what_more_budget_buys():
    found, wide = ThresholdOutcome.FOUND, (100.0, 130.0)
    assert more_budget(found, wide, is_budget_spent=False) is MoreBudget.HALVES
    assert more_budget(found, wide, is_budget_spent=True) is MoreBudget.ENDS_SEARCH
    assert more_budget(found, wide, is_budget_spent=False, is_noise_limited=False) is MoreBudget.NOTHING
    assert more_budget(found, (100.0, 102.0), is_budget_spent=True) is MoreBudget.NOTHING
    assert more_budget(found, (0.0, 130.0), is_budget_spent=False) is MoreBudget.BOUNDS
    assert more_budget(ThresholdOutcome.ALL_FITTED, (100.0, math.inf), is_budget_spent=False) is MoreBudget.NOTHING


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"samples": 0}, "`samples` must be a positive integer"),
        ({"samples": 1}, "`samples` must be at least 2"),
        ({"samples": 5000, "source": DIGITS}, "`samples` asks for 5000, but digits has only 1200"),
        ({"time": 3.0}, "`time` must be None"),
        ({"tolerance": 1.0}, "`tolerance` must lie strictly between 0 and 1"),
        ({"criterion": "error"}, "needs classes"),
        ({"guess": 0}, "`guess` must be a positive integer"),
        ({"max_trainings": 3}, "`max_trainings` must be at least 4"),
        ({"max_minutes": 0}, "`max_minutes` must be positive"),
        ({"procedure": 3}, "`procedure` must be a Procedure"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_bad_input_gets_a_sentence(options, sentence):
    arguments = {"procedure": falling(100.0), **options}
    with pytest.raises(InvalidArgument, match=sentence):
        threshold_size(**arguments)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"procedure": benign.RandomFourier()}, "`procedure` has no training time"),
        ({"until": -1}, "`until` must be a positive number of n_estimators"),
        ({"until": 2.5}, "whole numbers of n_estimators"),
        ({"size": 0}, "`size` must be a positive integer"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_bad_input_of_a_time_gets_a_sentence(options, sentence):
    arguments = {"procedure": BOOSTING, **options}
    with pytest.raises(InvalidArgument, match=sentence):
        threshold_time(**arguments)


@dataclass(frozen=True, kw_only=True)
class Fragile(KnownAlongSize):
    """Its worker, say, dies beyond this size."""

    breaks_beyond: int

    def measure(self, splits, sizes, times, metrics):
        if sizes[0] > self.breaks_beyond:
            raise WorkerDied("The worker process died.")
        return super().measure(splits, sizes, times, metrics)


def test_a_search_answers_from_what_it_measured_before_a_training_failed():
    found = threshold_size(Fragile(mean=logistic(100.0), breaks_beyond=60), guess=12)
    assert found.outcome is ThresholdOutcome.UNDECIDED
    assert max(found.evidence) == 48
    assert found.interval[1] == math.inf
    assert found.failure == "The training at n = 50, 96 units, replicate 0-0-0 failed: The worker process died."
    assert found.sentence.endswith(f"trainings; a failure ended the search. {found.failure}")
    assert found.to_dict()["failure"] == found.failure
    assert not found.is_budget_spent
    assert found.more_budget is MoreBudget.NOTHING


def test_where_the_first_training_fails_there_is_nothing_to_answer_from():
    with pytest.raises(WorkerDied, match=r"^The training at n = 50, 12 units, replicate 0-0-0 failed: The worker"):
        threshold_size(Fragile(mean=logistic(100.0), breaks_beyond=5), guess=12)


def test_a_time_axis_answers_from_the_draws_before_one_failed(monkeypatch):

    def fails_for_more(*arguments, replicates, **options):
        if replicates > 4:
            raise NotEnoughMemory("no more.")
        return measure_in(*arguments, replicates=replicates, **options)

    monkeypatch.setattr(fit_search, "measure_in", fails_for_more)
    found = threshold_time(BOOSTING, replicates=10)
    assert found.trainings == 4
    assert found.failure == "no more."
    assert found.sentence.endswith("from 4 trainings; a failure ended the search. no more.")
