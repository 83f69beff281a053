"""The grid: paired and crossed replicates, executors that agree bit by bit, interruption that loses nothing."""

import numpy as np
import pytest
import xarray as xr

from benign import schema, sources
from benign.experiments import MeasurementInterrupted, measure
from benign.experiments.executors import automatic
from benign.foundation.errors import InvalidArgument, UnknownName
from benign.foundation.replicate import Replicate
from benign.procedures import Polynomial, RandomFourier

DIGITS = sources.digits(label_noise=0.2, test_samples=100)


def _measure(**options):
    settings = {"samples": [20], "sizes": [1, 10, 20, 40], "replicates": 4, "workers": 1, **options}
    return measure(RandomFourier(), DIGITS, **settings).dataset


def test_a_surface_has_the_schema():
    surface = _measure(samples=[10, 20])
    assert surface.sizes == {"size": 4, "time": 1, "samples": 2, "replicate": 4}
    assert set(surface.data_vars) == set(schema.DEFAULT_METRICS) | set(schema.ALWAYS)
    assert all(surface[name].attrs["long_name"] for name in surface.data_vars)
    assert surface.attrs["size_name"] == "features"
    assert surface.draw.values.tolist() == surface.noise.values.tolist() == [0, 1, 2, 3]
    assert np.isfinite(surface["test_loss"].values).all()


@pytest.mark.parametrize("workers", [2, None])
def test_executors_give_the_same_bits(workers):
    xr.testing.assert_identical(_measure(workers=workers).drop_attrs(), _measure(workers=1).drop_attrs())


def test_worker_processes_are_used_once_the_work_is_long(monkeypatch):
    monkeypatch.setattr(automatic, "STARTING_SECONDS", 0.0)
    monkeypatch.setattr(automatic, "_LOADING_SECONDS", 0.0)
    xr.testing.assert_identical(_measure(workers=None).drop_attrs(), _measure(workers=1).drop_attrs())


def test_more_replicates_keep_the_first_ones():
    few, more = _measure(replicates=2), _measure(replicates=5)
    xr.testing.assert_identical(few["test_loss"], more["test_loss"].isel(replicate=slice(2)))


def test_crossed_replicates_are_the_grid():
    surface = _measure(replicates=None, crossed=(2, 3, 2))
    assert surface.sizes["replicate"] == 12
    alone = RandomFourier().measure(
        [DIGITS.draw(20, Replicate(draw=1, initialisation=2, noise=1))], np.array([10]), None, schema.DEFAULT_METRICS
    )
    cell = surface["test_loss"].sel(replicate="1-2-1", size=10).item()
    assert cell == pytest.approx(alone.metrics["test_loss"].item(), rel=1e-9)


def test_label_noise_draws_share_their_inputs():
    surface = _measure(replicates=None, crossed=(1, 1, 3))
    assert np.ptp(surface["train_error"].sel(size=40).values) == 0.0
    assert np.ptp(surface["test_loss"].sel(size=20).values) > 0.0


def test_another_seed_is_another_measurement():
    assert not np.allclose(_measure(seed=1)["test_loss"], _measure(seed=0)["test_loss"])


def test_every_size_up_to_ten_n():
    assert _measure(sizes="every", replicates=1).size.values.tolist() == list(range(1, 201))


def test_constant_predictors():
    surface = _measure(replicates=1)
    split = DIGITS.draw(20, Replicate())
    mean = split.train_targets.mean(axis=0)
    assert surface["train_loss_constant"].item() == pytest.approx(np.mean(np.sum((split.train_targets - mean) ** 2, 1)))
    assert 0.8 < surface["test_error_constant"].item() < 1.0


class _Interrupting:
    """A procedure during whose third job the user presses Ctrl-C."""

    revision = RandomFourier.revision
    size_name = RandomFourier.size_name
    objective = RandomFourier.objective
    time_name = RandomFourier.time_name
    max_size = RandomFourier.max_size
    spec = staticmethod(RandomFourier().spec)
    parameters = staticmethod(RandomFourier().parameters)
    predict = staticmethod(RandomFourier().predict)
    batches = staticmethod(RandomFourier().batches)

    def __init__(self):
        self.calls = 0

    def measure(self, splits, sizes, times, metrics):
        self.calls += 1
        if self.calls == 3:
            raise KeyboardInterrupt
        return RandomFourier().measure(splits, sizes, times, metrics)


@pytest.mark.parametrize(
    ("store", "where"), [(":memory:", "in this error's `dataset` alone"), ("kept.db", "kept in /.*kept.db")]
)
def test_interruption_keeps_what_was_measured_and_says_where(store, where, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MeasurementInterrupted, match=f"after 2 of 4 jobs; what was measured is {where}") as caught:
        measure(_Interrupting(), DIGITS, samples=[20], sizes=[1, 10, 20, 40], replicates=4, workers=1, store=store)
    assert caught.value.dataset is not None
    xr.testing.assert_identical(caught.value.dataset["test_loss"], _measure(replicates=2)["test_loss"])


def test_progress_ends_at_the_total():
    told = []
    _measure(progress=lambda task, done, total: told.append((task, done, total)))
    assert told[0] == ("jobs", 0, 4)
    assert told[-1] == ("jobs", 4, 4)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"sizes": [0, 1]}, "features from 1 on, got 0"),
        ({"sizes": [-1]}, "features from 1 on, got -1"),
        ({"sizes": [5, 3]}, "increase strictly"),
        ({"sizes": [3, 3]}, "increase strictly"),
        ({"sizes": []}, "`sizes` must be"),
        ({"sizes": [1.5]}, "whole numbers"),
        ({"sizes": "all"}, '`sizes` must be "every"'),
        ({"samples": []}, "`samples` must be a list"),
        ({"samples": 20}, "`samples` must be a list"),
        ({"samples": [1]}, "at least 2"),
        ({"samples": [2000]}, "asks for 2000 training samples, but digits has 1697"),
        ({"samples": [30, 20]}, "increase strictly"),
        ({"replicates": 0}, "`replicates` must be a positive integer"),
        ({"replicates": 2.5}, "`replicates` must be a positive integer"),
        ({"crossed": (2, 2, 2)}, "cannot both be given"),
        ({"replicates": None, "crossed": (0, 1, 1)}, "`crossed` must be a positive integer"),
        ({"workers": 0}, "`workers` must be a positive integer"),
        ({"workers": 1.5}, "`workers` must be a positive integer"),
        ({"replicates": None, "crossed": (1, 1)}, "`crossed` must be three counts"),
        ({"replicates": None, "crossed": 5}, "`crossed` must be three counts"),
        ({"replicates": None, "crossed": (1.5, 1, 1)}, "`crossed` must be a positive integer"),
        ({"metrics": "test_loss"}, "`metrics` must be a list of names"),
        ({"metrics": 5}, "`metrics` must be a list of names"),
        ({"seed": -1}, "`seed` must be an integer"),
        ({"times": [1.0]}, "`times` must be None"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_bad_input_gets_a_sentence(options, sentence):
    with pytest.raises(InvalidArgument, match=sentence):
        _measure(**options)


def test_an_unknown_metric_names_the_nearest():
    with pytest.raises(UnknownName, match="did you mean 'test_loss'"):
        _measure(metrics=["tests_loss"])


def test_polynomials_on_images_are_refused():
    with pytest.raises(InvalidArgument, match="must have one column, got 64"):
        measure(Polynomial(), DIGITS, samples=[20], replicates=1, workers=1)


@pytest.mark.usefixtures("unchecked")
def test_what_is_no_procedure_or_source_is_refused():
    with pytest.raises(InvalidArgument, match=r"got str; make one with benign\.from_estimator"):
        measure("fourier", DIGITS, samples=[20])  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match=r"got ndarray; make one with benign\.sources"):
        measure(RandomFourier(), np.ones((3, 3)), samples=[20])  # type: ignore[arg-type]


def test_too_little_memory_is_said_before_anything_is_measured(monkeypatch):
    monkeypatch.setattr("benign.foundation.memory.available_bytes", lambda: 10_000)
    with pytest.raises(MemoryError, match="are free; lower"):
        _measure()
