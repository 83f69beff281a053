"""Figures run through the same machinery as any experiment: the same surface on every executor, measured once."""

import importlib.util

import pytest
import xarray as xr

import benign
from benign.experiments import jobs
from benign.experiments.executors import Here, Processes, Ray
from tests.optional import needs

FIGURES = ["mml_polynomial", "belkin2019_fourier"]


def reproduce(name, executor, store=":memory:"):
    return benign.figure(name, scale="smoke", executor=executor, store=store)


def assert_same(one, other):
    assert list(one.surfaces) == list(other.surfaces)
    for name, surface in one.surfaces.items():
        xr.testing.assert_identical(surface.dataset.drop_attrs(), other.surfaces[name].dataset.drop_attrs())


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """What was measured in this process is kept here, so that a second call finds it."""
    return tmp_path_factory.mktemp("runs") / "runs.db"


@pytest.fixture(scope="module")
def here(store):
    return {name: reproduce(name, Here(), store) for name in FIGURES}


@pytest.mark.slow
@pytest.mark.parametrize("name", FIGURES)
def test_worker_processes_measure_the_same(here, name):
    assert_same(reproduce(name, Processes(2)), here[name])


@pytest.fixture(scope="module")
def cluster():
    needs("ray", importlib.util.find_spec("ray") is not None, "Ray is not installed")
    import ray

    yield Ray()
    ray.shutdown()


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.parametrize("name", FIGURES)
def test_ray_measures_the_same(here, cluster, name):
    assert_same(reproduce(name, cluster), here[name])


def test_the_second_call_measures_nothing(here, store, monkeypatch):
    def refuse(shared, job):
        raise AssertionError("a block that is in the store was measured again")

    monkeypatch.setattr(jobs, "measure_job", refuse)
    first, second = here["belkin2019_fourier"], reproduce("belkin2019_fourier", "here", store)
    assert_same(second, first)
    assert second.to_dict() == first.to_dict()
