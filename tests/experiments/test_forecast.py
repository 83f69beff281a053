"""What a run will cost: power laws that are met exactly, and the sample that is kept."""

import math

import pytest

import benign
from benign.experiments.executors import Here
from benign.experiments.forecast import Sample, SampleFailed, _peak, _probes, _seconds_at, _total, sample_and_forecast
from benign.experiments.resolution import resolve_grid
from benign.experiments.running import Resolved
from benign.experiments.states import State
from benign.experiments.store import Store


def sample(n, seconds, peak=0):
    return Sample(samples=n, seconds=seconds, peak_bytes=peak)


@pytest.mark.parametrize("power", [1.0, 2.0, 3.0])
def test_a_power_law_is_continued(power):
    samples = [sample(n, 1e-3 * n**power) for n in (10, 20, 40)]
    low, guess, high = _seconds_at(samples, 160)
    assert guess == pytest.approx(1e-3 * 160**power)
    assert low < guess < high


def test_the_further_the_less_certain():
    samples = [sample(10, 1.0), sample(20, 4.0)]
    spreads = [high / low for low, _, high in (_seconds_at(samples, n) for n in (20, 40, 400))]
    assert spreads == sorted(spreads)
    assert spreads[0] < spreads[-1]


def test_one_size_leaves_linear_to_cubic_open():
    low, guess, high = _seconds_at([sample(10, 1.0)], 100)
    assert low < 10.0 < guess < 1000.0 < high
    assert guess == pytest.approx(math.sqrt(10.0 * 1000.0))


def test_the_total_counts_every_job():
    samples = [sample(10, 1.0), sample(20, 2.0)]
    assert _total(samples, {10: 3, 20: 2})[1] == pytest.approx(7.0)
    assert _total(samples, {}).tolist() == [0.0, 0.0, 0.0]
    assert _total([], {}).tolist() == [0.0, 0.0, 0.0]


def test_memory_grows_with_the_square():
    samples = [sample(100, 1.0, 1_000_000 + 8 * 100**2), sample(200, 2.0, 1_000_000 + 8 * 200**2)]
    assert _peak(samples, {400: 1}) == 1_000_000 + 8 * 400**2
    assert _peak(samples, {150: 1}) == 1_000_000 + 8 * 200**2
    assert _peak(samples, {}) == 0


@pytest.mark.parametrize(
    ("counts", "probed"), [([], []), ([7], [7]), ([1, 2, 3], [1, 2, 3]), (list(range(1, 102)), [1, 26, 51, 76, 101])]
)
def test_probes_are_spread_and_begin_small(counts, probed):
    assert _probes(counts) == probed


@pytest.fixture
def planned():
    """A run of 15 jobs, five of each of three n, and what times them."""
    procedure, source = benign.Polynomial(), benign.sources.mml()
    grid = resolve_grid(
        procedure, [source], sizes=[2, 4], samples=[10, 20, 40], replicates=5,
    )  # fmt: skip
    resolved = Resolved(grid=grid, procedure=procedure, sources=[source], name="forecast")
    with Store.open(":memory:") as store:

        def plan():
            return resolved.plan(store)

        def forecast():
            return sample_and_forecast(resolved, store=store, executor=Here(), workers=2, budget_seconds=60.0)

        yield store, plan, forecast


def test_the_sample_is_kept_and_not_forecast_again(planned):
    store, plan, forecast = planned
    found = forecast()
    counts = store.counts(found.run)
    assert [one.samples for one in found.sampled] == [10, 20, 40]
    assert (found.jobs, found.left, found.failed) == (15, 9, 0)
    assert counts[State.DONE] == 6
    assert counts[State.RUNNING] == 0
    assert found.interval[0] < found.seconds < found.interval[1]
    assert len(plan().jobs) == 9


def _claimed(store, jobs):
    driver, units = store.enter_driver(), [unit for job in jobs for unit in job.units]
    assert store.claim(driver, units) == units
    return driver, units


def test_what_failed_before_is_not_left(planned):
    store, plan, forecast = planned
    store.fail(*_claimed(store, plan().jobs[:7]), "a traceback", limit=1)
    found = forecast()
    assert (found.jobs, found.left, found.failed) == (15, 4, 7)
    assert [one.samples for one in found.sampled] == [20, 40]
    store.fail(*_claimed(store, plan().without_failed()), "a traceback", limit=1)
    found = forecast()
    assert (found.left, found.failed, found.seconds, found.sampled) == (0, 11, 0.0, ())


def test_what_others_are_measuring_is_not_forecast(planned):
    store, plan, forecast = planned
    _claimed(store, plan().jobs)
    found = forecast()
    assert (found.left, found.failed) == (15, 0)
    assert (found.seconds, found.interval, found.peak_bytes) == (None, None, None)


def test_a_sample_that_fails_is_a_sentence_with_n(planned, monkeypatch):
    _, _, forecast = planned

    def fail(*arguments):
        raise ValueError("no\nnumber")

    monkeypatch.setattr("benign.experiments.forecast.run_job", fail)
    with pytest.raises(SampleFailed, match=r"timed \(n = 10\): ValueError: no number; nothing can be forecast"):
        forecast()
