"""What a run will cost: power laws that are met exactly, and the sample that is kept."""

import math

import pytest

import benign
from benign.experiments.executors import Here
from benign.experiments.forecast import Sample, _peak, _probes, _seconds_at, _total, sample_and_forecast
from benign.experiments.jobs import Study
from benign.experiments.planning import plan_run
from benign.experiments.resolution import resolve_grid
from benign.experiments.states import RunRecord, State
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
    assert _total(samples, {}) == (0.0, 0.0, 0.0)
    assert _total([], {}) == (0.0, 0.0, 0.0)


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


def test_the_sample_is_kept_and_not_forecast_again():
    procedure, source = benign.Polynomial(), benign.sources.mml()
    grid = resolve_grid(
        procedure, [source], None, sizes=[2, 4], times=None, samples=[10, 20, 40], replicates=5, crossed=None, seed=0,
        metrics=None,
    )  # fmt: skip
    record = RunRecord(id="forecast", name="forecast", grid=grid.to_json(), declaration=None)
    with Store.open(":memory:") as store:
        plan = plan_run(grid, procedure, store, record)
        study = Study(procedure=procedure, sources=(source,), parts=plan.parts)
        forecast = sample_and_forecast(
            "forecast", plan, study, store=store, executor=Here(), workers=2, budget_seconds=60.0
        )
        counts = store.counts("forecast")
        assert [one.samples for one in forecast.sampled] == [10, 20, 40]
        assert (forecast.jobs, forecast.left) == (15, 9)
        assert counts[State.DONE] == 6
        assert counts[State.RUNNING] == 0
        assert forecast.interval[0] < forecast.seconds < forecast.interval[1]
        rest = plan_run(grid, procedure, store, record)
        assert len(rest.jobs) == 9
