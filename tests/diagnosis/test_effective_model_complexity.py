"""The effective model complexity against theorems, exhaustive means and procedures whose complexity is known."""

import functools
import json
import math
import re
import time as clock

import numpy as np
import pytest

import benign
from benign.curves.fitting_threshold import ThresholdOutcome
from benign.curves.threshold_bracketing import SearchLimits, ThresholdSearch
from benign.curves.threshold_search import Regime
from benign.diagnosis.conflicting_labels import irreducible_risk
from benign.experiments import MeasurementInterrupted
from benign.experiments.store import Store
from benign.foundation.errors import InvalidArgument
from benign.foundation.replicate import Replicate
from benign.surface.complexity import emc_on_surface, shortest_time, smallest_size
from benign.surface.training_risks import training_risks
from tests.diagnosis.known import TOLERANCE, Known, logistic
from tests.networks.extra import HAS_JAX, needs_networks

DIGITS = benign.sources.digits(label_noise=0.2)
MML = benign.sources.mml()


def emc(procedure, source=MML, **options):
    return benign.effective_model_complexity(
        procedure, source, **{"size": 50, "workers": 1, "store": ":memory:", **options}
    )


@functools.cache
def fourier_of_digits():
    """What is said of 50 random features."""
    return emc(benign.RandomFourier(), DIGITS)


@pytest.mark.parametrize("N", [20, 50])
def test_least_squares_on_n_features_fits_n_samples(N):
    found = emc(benign.RandomFourier(), DIGITS, size=N, tolerance=0.002)
    assert found.value == N
    assert found.interval == (N, N)
    assert found.outcome is ThresholdOutcome.FOUND
    assert found.regime(N) is Regime.CRITICAL
    assert found.regime(2 * N) is Regime.UNDER


def test_the_definition_is_kept_where_the_tolerance_allows_a_sample_more():
    """By Definition 1, with epsilon 0.02, 50 features fit 51 samples: the mean over many draws says so."""
    many = benign.measure(
        benign.RandomFourier(), DIGITS, sizes=[50], samples=[50, 51, 52, 53], replicates=40, seed=9, workers=1
    )
    means = training_risks(many.dataset, "objective").mean(axis=-1).ravel()
    expected = 50 + np.count_nonzero(means <= TOLERANCE) - 1
    found = fourier_of_digits()
    assert expected > 50
    assert found.interval[0] <= expected <= found.interval[1]
    assert abs(found.value - expected) <= 1


def test_a_polynomial_fits_as_many_samples_as_it_has_coefficients():
    found = emc(benign.Polynomial(), size=6, tolerance=1e-4)
    assert found.value == 6
    assert found.interval[0] <= 6 <= found.interval[1] < 7


def test_the_error_reads_too_high_for_squared_loss():
    objective = fourier_of_digits()
    error = emc(benign.RandomFourier(), DIGITS, criterion="error")
    assert error.value > 1.2 * objective.value
    assert error.interval[0] > objective.interval[1]


def test_a_search_that_is_stopped_goes_on_and_measures_nothing_twice(tmp_path):
    whole = Known(mean=logistic(137.0), spread=0.3)
    expected = emc(whole)
    store = f"sqlite:///{tmp_path / 'store.db'}"
    stopped = Known(mean=logistic(137.0), spread=0.3, interrupts_after=17)
    with pytest.raises((MeasurementInterrupted, KeyboardInterrupt)):
        emc(stopped, store=store)
    resumed = Known(mean=logistic(137.0), spread=0.3)
    found = emc(resumed, store=store)
    assert len(stopped.measured) == 17
    assert sorted(stopped.measured + resumed.measured) == sorted(whole.measured)
    assert len(set(whole.measured)) == len(whole.measured) == expected.trainings == found.trainings
    assert (found.value, found.interval) == (expected.value, expected.interval)
    again = Known(mean=logistic(137.0), spread=0.3)
    assert emc(again, store=store).value == expected.value
    assert again.measured == []


def test_two_seeds_agree():
    values = [emc(Known(mean=logistic(300.0), spread=0.5), seed=seed).value for seed in range(6)]
    assert max(values) <= 1.15 * min(values)
    assert all(300 / 1.15 <= value <= 300 * 1.15 for value in values)


def test_draws_are_nested_and_few():
    procedure = Known(mean=logistic(700.0), spread=0.3)
    found = emc(procedure)
    assert found.trainings == len(procedure.measured) <= 60
    for one in found.evidence:
        drawn = sorted(draw for samples, draw in procedure.measured if samples == one.samples)
        assert drawn == list(range(len(one.risks)))
        assert one.mean == pytest.approx(one.risks.mean())


def test_replicates_bound_the_draws_at_one_n():
    found = emc(Known(mean=logistic(200.0, 1.0), spread=0.8), replicates=16, max_trainings=400)
    assert max(len(one.risks) for one in found.evidence) == 16


def test_a_pool_that_is_fitted_whole_gives_a_lower_bound():
    source = benign.sources.arrays(np.random.default_rng(0).normal(size=(90, 2)), np.arange(90.0), test_samples=10)
    found = emc(Known(mean=lambda _: 0.001), source, size=10)
    assert (found.value, found.outcome) == (80, ThresholdOutcome.ALL_FITTED)
    assert found.interval == (80, math.inf)
    assert "at least 80" in found.sentence
    assert found.regime(30) is Regime.OVER
    assert found.regime(70) is Regime.UNDECIDED
    assert found.to_dict()["interval"] == [80, None]


def test_nothing_fitted_at_all():
    found = emc(Known(mean=lambda _: 0.3))
    assert (found.value, found.outcome) == (0, ThresholdOutcome.NONE_FITTED)
    assert [found.evidence[0].samples, found.evidence[-1].samples] == [2, 100]  # one look at more than were asked for
    assert "no number of samples that was tried is fitted (2 to 100)" in found.sentence
    assert found.regime(100) is Regime.UNDER
    found.plot()


def test_a_budget_that_ends_within_the_doubling_is_undecided():
    found = emc(Known(mean=logistic(800.0)), size=10, max_trainings=9)
    assert found.outcome is ThresholdOutcome.UNDECIDED
    assert found.is_budget_spent
    assert found.trainings == 9  # the last look has one draw
    assert found.interval == (20, math.inf)
    assert ": 20 or more samples, from 9 trainings. Fitted is" in found.sentence
    assert found.sentence.endswith("The budget ended the search: more trainings or minutes go on with it.")


def test_a_budget_of_time_is_overrun_by_one_training():
    found = emc(Known(mean=logistic(800.0)), max_minutes=1e-9)
    assert (found.trainings, found.outcome) == (1, ThresholdOutcome.UNDECIDED)
    assert "not known yet (tried 50 samples)" in found.sentence


def test_fitted_numbers_of_samples_that_are_no_interval():
    """Fitted to 60 and from 150 to 500: the search looks once beyond the first that is not fitted."""
    found = emc(Known(mean=lambda n: 0.0 if n <= 60 or 150 <= n <= 500 else 0.1), max_trainings=200)
    assert found.value == pytest.approx(500, rel=0.03)
    assert 50 <= found.first_crossing <= 100
    assert "no interval" in found.sentence


def test_few_samples_that_are_not_fitted_hide_no_more_that_are():
    """Boosting with min_samples_leaf: it starts where nothing is fitted, and looks at more samples."""
    leaf = Known(mean=lambda n: 1.0 if n < 40 else logistic(700.0)(n))
    found = emc(leaf, size=20, max_trainings=200)
    assert found.interval[0] <= 700 <= found.interval[1]
    assert 30 < found.fitted_from <= 80
    assert found.first_crossing == 0
    assert f"fewer than about {found.fitted_from} are not" in found.sentence
    assert found.regime(20) is Regime.UNDECIDED
    assert found.regime(100) is Regime.OVER


def test_a_training_risk_that_falls_with_n_is_followed_upwards():
    falls = Known(mean=lambda n: 0.0 if n > 200 else 0.9 - n / 400)
    found = emc(falls, size=60, samples=60, max_trainings=200)
    assert found.evidence[-1].samples == 10_000
    assert (found.outcome, found.value) == (ThresholdOutcome.ALL_FITTED, 10_000)
    assert 200 < found.fitted_from <= 480


def test_the_users_n_is_measured_first():
    asked = Known(mean=logistic(137.0))
    emc(asked, samples=300)
    assert asked.measured[0][0] == 300
    assert emc(Known(mean=logistic(137.0)), samples=137).value == pytest.approx(137, rel=0.03)


class Rare(Known):
    """One draw in three leaves a risk above 100 samples, none below: the ten draws at one n do not suffice for 0.02."""

    def _risk(self, split):
        is_large = standard_normal(split.replicate.seed, split.replicate.draw, split.samples) > 0.4
        return 0.1 if is_large and split.samples > 100 else 0.0


def test_the_lower_end_is_where_something_is_surely_fitted():
    for seed in range(2):
        found = emc(Rare(mean=lambda _: 0.0), max_trainings=200, seed=seed)
        assert 5 < found.interval[0] <= 100 <= found.interval[1]


def test_both_budgets_hold():
    def slow(X, y, size, time, seed):
        clock.sleep(0.2)
        return lambda Z: np.full(len(Z), y.mean())

    procedure = benign.from_callable(slow, name="slow", size_name="units")
    start = clock.monotonic()
    found = emc(procedure, max_trainings=400, max_minutes=2.0 / 60.0, executor="here")
    assert clock.monotonic() - start < 8.0
    assert found.is_budget_spent
    assert found.trainings < 30


def test_nothing_is_said_to_be_fitted_by_none_above_a_line_that_says_it_is():
    """A mean within the tolerance at the largest n, and above it at fewer: pooled they are above."""
    source = benign.sources.arrays(np.random.default_rng(0).normal(size=(110, 2)), np.arange(110.0), test_samples=10)
    found = emc(Known(mean=lambda n: 0.019 if n == 100 else 0.0235), source, size=10, samples=100)
    assert found.evidence[-1].is_fitted
    assert found.outcome is not ThresholdOutcome.NONE_FITTED
    assert found.interval[1] == math.inf
    assert "no number of samples" not in found.sentence


def test_progress_is_told():
    told = []
    emc(Known(mean=logistic(100.0)), progress=lambda _, done, total: told.append((done, total)))
    assert told[0] == (0, 60)
    assert told[-1] == (60, 60)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_the_result_as_numbers_and_as_a_picture():
    found = emc(Known(mean=logistic(100.0), spread=0.3))
    numbers = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert numbers["value"] == found.value
    assert [one["samples"] for one in numbers["evidence"]] == [one.samples for one in found.evidence]
    display = found.display
    assert display.threshold.position == found.value
    assert (display.threshold.low, display.threshold.high) == found.interval
    frame = display.frame()
    assert frame[frame["series"] == "train"]["median"].tolist() == [one.mean for one in found.evidence]
    assert set(frame[frame["series"] == "tolerance"]["median"]) == {TOLERANCE}
    assert found.plot().ax_ is not None


@functools.cache
def standard_normal(*address):
    return np.random.default_rng(address).standard_normal()


def search(threshold, spread, seed, **options):
    """A search without procedures or a store; draws are shared along n or not by turns."""
    mean = logistic(threshold)

    def risks_of(samples, draws):
        noise = np.array([standard_normal(seed, draw, samples if seed % 2 else 0) for draw in range(draws)])
        return mean(samples) * np.exp(spread * noise - spread**2 / 2)

    limits = SearchLimits(
        **{"smallest": 2, "largest": 5000, "draws": 10, "trainings": 60, "seconds_left": lambda: math.inf, **options}
    )
    found = ThresholdSearch(risks_of, TOLERANCE, limits)
    return found.run(64), found


def test_the_interval_covers_in_nine_of_ten_searches():
    thresholds = np.random.default_rng(3).uniform(100.0, 1000.0, size=200)
    covered = []
    for seed, threshold in enumerate(thresholds.tolist()):
        estimate, done = search(threshold, 0.4, seed)
        covered.append(estimate.interval[0] <= threshold <= estimate.interval[1])
        assert done.trainings <= 60
    assert 0.9 <= np.mean(covered) <= 0.99


def test_more_draws_narrow_the_interval():
    widths = []
    for draws, trainings in ((6, 60), (40, 400)):
        ends = [search(300.0, 0.5, seed, draws=draws, trainings=trainings)[0].interval for seed in range(20)]
        widths.append(np.median([math.log(high / low) if low else math.inf for low, high in ends]))
    assert widths[1] < 0.6 * widths[0]


def test_a_surface_says_the_same_as_its_thresholds():
    samples = [10, 14, 20, 28, 40, 56, 80]
    dataset = benign.measure(
        benign.RandomFourier(), DIGITS, sizes=[10, 14, 20, 28, 40, 56], samples=samples, replicates=6, workers=1
    ).dataset
    found = emc_on_surface(dataset)
    assert found.value.shape == (6, 1)
    told = re.findall(r"[\d.]+ \([\d.]+ to [\d.∞]+\) at size (\d+)", str(found))
    assert told == ["10", "14", "20", "40", "56"]  # at most five, both ends among them
    inside = (found.low[:, 0] <= found.sizes * 1.06) & (found.sizes <= found.high[:, 0])
    assert inside.all()
    regimes = found.regimes(28)[:, 0].tolist()
    assert (regimes[0], regimes[3], regimes[-1]) == (Regime.UNDER, Regime.CRITICAL, Regime.OVER)
    threshold = smallest_size(dataset, samples=28)
    assert 20 < threshold.value <= 28
    assert threshold.interval[0] <= threshold.value <= threshold.interval[1] <= 28.01


def test_shortest_time_and_smallest_size_of_a_known_surface():
    times, sizes = np.array([0.0, 1.0, 10.0, 100.0]), np.array([4, 8])
    dataset = benign.measure(
        benign.Polynomial(), MML, sizes=sizes.tolist(), samples=[20], replicates=5, workers=1
    ).dataset
    dataset = dataset.isel(time=[0, 0, 0, 0]).assign_coords(time=times).copy(deep=True)
    risks = np.array([[1.0, 0.5, 0.03, 0.01], [1.0, 0.03, 0.01, 0.0]])
    constant = dataset["train_loss_constant"].transpose("samples", "replicate").values
    order = dataset["train_loss"].transpose("size", "time", "samples", "replicate")
    dataset["train_loss"] = order.copy(data=risks[:, :, None, None] * constant)
    assert shortest_time(dataset, samples=20, size=4, interpolated=True).value == pytest.approx(10.0**1.5)
    assert shortest_time(dataset, samples=20, size=4).value == 32.0
    fast = shortest_time(dataset, samples=20, size=8, interpolated=True)
    assert fast.value == pytest.approx(10.0**0.5)
    assert fast.interval == pytest.approx((1.0, 10.0))  # draws alike, but nothing was measured in between
    whole = shortest_time(dataset, samples=20, size=8)
    assert (whole.value, whole.interval) == (4.0, (2.0, 10.0))
    assert smallest_size(dataset, samples=20, time=10.0, interpolated=True).value == pytest.approx(math.sqrt(32.0))
    everything = smallest_size(dataset, samples=20, time=100.0)
    assert everything.value == pytest.approx(4.0)
    assert everything.outcome is ThresholdOutcome.ALL_FITTED
    nothing = smallest_size(dataset, samples=20, time=1.0)
    assert (nothing.value, nothing.outcome) == (math.inf, ThresholdOutcome.NONE_FITTED)
    with pytest.raises(InvalidArgument, match="`size` has 2 values"):
        shortest_time(dataset, samples=20)
    with pytest.raises(InvalidArgument, match="`samples` was not measured at 30"):
        shortest_time(dataset, samples=30, size=4)
    with pytest.raises(InvalidArgument, match="several numbers of samples"):
        emc_on_surface(dataset)


def test_conflicting_labels_bound_the_risk():
    inputs = np.repeat(np.arange(40.0), 5)[:, None]
    labels = np.tile([0, 0, 0, 0, 1], 40)
    split = benign.sources.arrays(inputs, labels, test_samples=10).draw(190, Replicate())
    best = 0.0
    for value in np.unique(split.train_inputs):
        counts = split.train_targets[split.train_inputs[:, 0] == value].sum(axis=0)
        best += counts.min()
    assert irreducible_risk(split, "error", "squared") == pytest.approx(best / 190)
    # Least squares on one indicator for each input is the best function of the inputs.
    Z = (split.train_inputs == np.unique(split.train_inputs)).astype(float)
    Y = split.train_targets
    rest = np.sum((Y - Z @ np.linalg.lstsq(Z, Y, rcond=None)[0]) ** 2) / np.sum((Y - Y.mean(axis=0)) ** 2)
    assert irreducible_risk(split, "objective", "squared") == pytest.approx(rest)
    entropy = irreducible_risk(split, "objective", "cross-entropy")
    assert 0.0 < entropy < 1.0
    assert irreducible_risk(DIGITS.draw(100, Replicate()), "objective", "squared") == 0.0


def test_conflicting_labels_are_said():
    random = np.random.default_rng(1)
    source = benign.sources.arrays(random.integers(0, 4, size=(200, 1)) * 1.0, random.integers(0, 2, size=200))
    found = emc(benign.RandomFourier(), source, size=100)
    assert found.irreducible_risk > 0.1
    assert "nothing can fit them" in found.sentence


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"size": 0}, "`size` must be a positive integer"),
        ({"size": 2000}, "`size` asks for 2,000 units, but there are only 1000"),
        ({"time": 3.0}, "`time` must be None"),
        ({"tolerance": 0.0}, "`tolerance` must lie strictly between 0 and 1"),
        ({"tolerance": 1.0}, "`tolerance` must lie strictly between 0 and 1"),
        ({"criterion": "error"}, "needs classes"),
        ({"criterion": "loss"}, "unknown criterion 'loss'"),
        ({"max_trainings": 3}, "`max_trainings` must be at least 4"),
        ({"max_minutes": 0}, "`max_minutes` must be positive"),
        ({"multiple": 0}, "`multiple` must be a positive integer"),
        ({"multiple": 5000, "source": DIGITS}, "`multiple` is 5000, but digits has only 1200 samples"),
        ({"replicates": 3}, "`replicates` must be at least 4"),
        ({"procedure": 3}, "`procedure` must be a Procedure"),
        ({"source": 3}, "`source` must be a Source"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_bad_input_gets_a_sentence(options, sentence):
    arguments = {"procedure": Known(mean=logistic(100.0)), **options}
    with pytest.raises(InvalidArgument, match=sentence):
        emc(**arguments)


def test_a_source_without_samples_gets_a_sentence():
    source = benign.sources.arrays(np.arange(12.0)[:, None], np.arange(12.0), test_samples=11)
    with pytest.raises(InvalidArgument, match="1 training samples outside its test set"):
        emc(Known(mean=logistic(100.0)), source)


def test_draws_of_one_class_are_measured_by_the_others():
    """Two samples of the digits may be of one class, which a constant fits: relative to it there is no risk."""
    source = benign.sources.arrays(np.arange(200.0)[:, None], np.repeat([0, 1], 100), test_samples=20)
    dataset = benign.measure(
        benign.Polynomial(), source, sizes=[1], samples=[2], replicates=12, workers=1, store=":memory:"
    ).dataset
    varies = dataset["train_loss_constant"].values.ravel() > 0.0
    assert 0 < varies.sum() < 12
    risks = training_risks(dataset, "objective").ravel()
    assert np.isfinite(risks).all()
    with pytest.raises(InvalidArgument, match="nothing to fit"):
        training_risks(dataset.isel(replicate=np.flatnonzero(~varies)), "objective")


def test_fewer_samples_than_a_batch_are_no_obstacle():
    found = emc(Known(mean=logistic(300.0), batch=60), size=7)
    assert found.evidence[0].samples == 112
    assert found.value == pytest.approx(300, rel=0.03)


def test_multiples_pass_over_a_short_last_batch():
    """Fitted to 400, unless the last of the batches of 20 is short."""
    found = emc(Known(mean=lambda n: (0.001 if n <= 400 else 0.3) if n % 20 == 0 else 0.2), size=90, multiple=20)
    assert all(one.samples % 20 == 0 for one in found.evidence)
    assert 400 <= found.value < 420
    assert 400 <= found.interval[0] <= found.interval[1] < 420  # between two multiples n is interpolated


def test_nothing_fitted_above_the_smallest_batch():
    found = emc(Known(mean=logistic(10.0), batch=60), size=200)
    assert found.outcome is ThresholdOutcome.NONE_FITTED
    assert found.interval == (0, 60)


def test_what_is_refused_at_every_n_says_why():
    with pytest.raises(InvalidArgument, match="`batch` must be at most"):
        emc(Known(mean=logistic(10.0), batch=10**9))


def test_a_risk_that_is_no_number_gets_a_sentence():
    with pytest.raises(InvalidArgument, match="no finite training risk at 50 samples"):
        emc(Known(mean=lambda n: math.nan if n == 50 else 0.1))


def test_an_open_store_stays_open():
    with Store.open(":memory:") as store:
        first, second = Known(mean=logistic(100.0)), Known(mean=logistic(100.0))
        assert emc(first, store=store).value == emc(second, store=store).value
        assert second.measured == []


def test_a_small_network():
    if not HAS_JAX:
        needs_networks()
    training = benign.Training(batch_size=10, steps=400, learning_rate=2e-2)
    found = emc(
        benign.MLP(depth=1, training=training), DIGITS, size=6, criterion="error", tolerance=0.1, max_trainings=18
    )
    assert 4 <= found.value <= 200
    fitted = [one.is_fitted for one in found.evidence]
    assert fitted[0]
    assert not fitted[-1]


def test_an_interval_holds_the_gap_between_what_was_tried():
    """Where the risk falls off a cliff, interpolation between two n says nothing of where."""
    cliff = Known(mean=lambda n: 0.0 if n <= 130 else 1.0)
    for budget in (12, 20, 60):
        found = emc(cliff, max_trainings=budget)
        assert found.interval[0] <= 130 <= found.interval[1]
        assert found.regime(152) is not Regime.UNDER
