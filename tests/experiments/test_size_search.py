"""Sizes that a pilot finds: about the threshold whatever the procedure, the same ones however they are measured."""

from __future__ import annotations

import itertools
import math
import shutil

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import benign
from benign.curves.fitting_threshold import ThresholdOutcome
from benign.experiments import measure
from benign.experiments.declaration import Experiment, InvalidDeclaration, resolve
from benign.experiments.environment import Environment
from benign.experiments.size_placement import place_sizes
from benign.experiments.size_search import VANISHED, SizeThreshold, search_size
from benign.foundation.conventions import TOLERANCE
from benign.foundation.errors import InvalidArgument

DIGITS = benign.sources.digits(label_noise=0.2, test_samples=100)


def search(curve, *, samples=100, guess=100, largest=1000):
    """A search over exact risks, and how often each size was asked for."""
    asked: list[int] = []

    def risks_of(size: int):
        asked.append(size)
        return np.full(3, curve(size))

    return search_size(risks_of, samples=samples, guess=guess, largest=largest), asked


@settings(max_examples=30)
@given(
    st.integers(1, 3000), st.integers(1, 10_000), st.floats(1.0, 1.9), st.floats(0.3, 4.0), st.integers(10_000, 20_000)
)
def test_the_search_finds_the_first_size_that_fits(threshold, guess, ratio, steepness, largest) -> None:
    """Risks that fall as a power of the size to the tolerance at ``threshold``, and drop to 0 at ``vanishing``."""
    vanishing = math.ceil(ratio * threshold)

    def curve(size: int) -> float:
        return 0.0 if size >= vanishing else 0.02 * (threshold / size) ** steepness

    found, asked = search(curve, guess=guess, largest=largest)
    assert len(asked) == len(set(asked)) <= 32
    exact = next(size for size in itertools.count(1) if curve(size) <= TOLERANCE)
    if exact == 1:
        assert found.outcome is ThresholdOutcome.ALL_FITTED
        assert found.size == 1.0
        return
    assert found.outcome is ThresholdOutcome.FOUND
    assert abs(found.size - exact) <= max(1.0, 0.05 * exact)
    assert found.vanishing is not None
    gone = next(size for size in itertools.count(1) if curve(size) <= VANISHED)
    assert abs(found.vanishing - gone) <= max(1.0, 0.05 * gone)


def test_no_size_fits() -> None:
    found, asked = search(lambda _: 0.5, largest=300)
    assert (found.outcome, found.size, found.vanishing) == (ThresholdOutcome.NONE_FITTED, math.inf, None)
    assert asked == [25, 50, 100, 200, 300]
    sizes = place_sizes([found], available=math.inf)
    assert set(asked) <= set(sizes.tolist())
    assert (sizes[0], sizes[-1]) == (25, 300)


def test_a_risk_that_lingers_has_no_vanishing_point() -> None:
    found, asked = search(lambda size: 0.02 * (50 / size) ** 2)
    assert found.size == pytest.approx(50, rel=0.03)
    assert found.vanishing is None
    assert max(asked) == 100


def test_sizes_that_are_refused_or_give_no_number_are_passed_over() -> None:
    def risks_of(size: int):
        if size < 3:
            return None
        return np.full(3, np.nan) if size in (25, 12) else np.full(3, 0.0)

    found = search_size(risks_of, samples=100, guess=100, largest=1000)
    assert found.outcome is ThresholdOutcome.ALL_FITTED
    assert place_sizes([found], available=math.inf)[0] >= 3


@given(st.lists(st.floats(1.0, 5000.0), min_size=1, max_size=5), st.floats(1.0, 2.0), st.integers(1, 40_000))
def test_placed_sizes_are_whole_increasing_and_exist(positions, ratio, available) -> None:
    found = [
        SizeThreshold(
            samples=n, size=size, vanishing=ratio * size, outcome=ThresholdOutcome.FOUND, least=1,
            tried=(max(1, int(size) // 2), math.ceil(size)),
        )
        for n, size in enumerate((min(size, float(available)) for size in positions), start=2)
    ]  # fmt: skip
    sizes = place_sizes(found, available=available)
    assert np.all(np.diff(sizes) > 0)
    assert 1 <= sizes[0] <= sizes[-1] <= available


def measured(samples, *, source=DIGITS, procedure=None, **options) -> xr.Dataset:
    given_options = {"replicates": 4, "executor": "here", "sizes": "auto", **options}
    return measure(procedure or benign.RandomFourier(), source, samples=samples, **given_options).dataset


@pytest.mark.parametrize("seed", [0, 7])
@pytest.mark.parametrize("n", [30, 60, 150])
def test_the_grid_is_densest_where_features_interpolate(n: int, seed: int) -> None:
    """Random features have their threshold, and the peak of the test risk, at as many features as samples."""
    surface = measured([n], seed=seed)
    sizes = surface["size"].values
    near = np.abs(sizes / n - 1.0) <= 0.1
    assert np.count_nonzero(near) >= 5
    assert n in sizes
    # The gap about n, in logarithm, is the smallest there is, as far as whole numbers allow.
    gaps = np.diff(np.log(sizes))
    at = int(np.flatnonzero(sizes == n)[0])
    assert max(gaps[at - 1 : at + 1]) <= max(0.03, 1.1 / n)
    assert (sizes <= n / 4).sum() >= 3
    assert sizes[-1] >= 4 * n
    assert len(sizes) <= 30
    peak = int(sizes[np.argmax(surface["test_loss"].median("replicate").values[:, 0, 0])])
    assert abs(peak - n) <= 1


def test_several_n_share_one_grid_that_is_dense_about_each() -> None:
    surface = measured([30, 90])
    for n in (30, 90):
        assert np.count_nonzero(np.abs(surface["size"].values / n - 1.0) <= 0.1) >= 5
        assert n in surface["size"].values
    assert surface.attrs["size_search"].count("are the fewest that fit n = ") == 2


def test_nothing_is_measured_twice_and_a_stopped_search_goes_on(tmp_path) -> None:
    """The trainings of a function, counted: a call that stops in the search, one that goes on, one that finds all."""
    calls: list[tuple[int, int]] = []
    stop_after = 10

    def fit(X, y, size, time, seed):
        if len(calls) == stop_after:
            raise KeyboardInterrupt
        calls.append((size, seed))
        features = np.random.default_rng(seed).standard_normal((X.shape[1], size))
        weights = np.linalg.lstsq(np.cos(X @ features), y, rcond=None)[0]
        return lambda Z: np.cos(Z @ features) @ weights

    rows = np.random.default_rng(0).standard_normal((60, 5))
    source = benign.sources.arrays(rows, rows[:, 0] + rows[:, 1] ** 2, test_samples=20)
    procedure = benign.from_callable(fit, name="cosines", revision=1, max_size=100)
    same = {"source": source, "procedure": procedure, "store": tmp_path / "kept.db"}
    with pytest.raises(benign.MeasurementInterrupted):
        measured([20], **same)
    assert len(calls) == 10
    stop_after = -1
    surface = measured([20], **same)
    assert np.count_nonzero(np.abs(surface["size"].values / 20 - 1.0) <= 0.1) >= 4
    trained = len(calls)
    # The first training is done twice, by the adapter, which asks whether it can be had again; no other one is.
    assert calls[0] == calls[1]
    assert len(set(calls)) == trained - 1
    # Every training, the search's too, is a number of the surface.
    assert trained - 1 == surface.sizes["size"] * surface.sizes["replicate"]
    again = measured([20], **same)
    assert len(calls) == trained
    xr.testing.assert_identical(again["test_loss"], surface["test_loss"])
    elsewhere = measured([20], **{**same, "store": ":memory:"})
    xr.testing.assert_identical(elsewhere["test_loss"], surface["test_loss"])
    assert elsewhere.attrs["size_search"] == surface.attrs["size_search"]


def test_the_sizes_do_not_depend_on_replicates_or_executor() -> None:
    alone = measured([12], replicates=2)
    assert measured([12], replicates=5)["size"].equals(alone["size"])
    xr.testing.assert_identical(
        measured([12], replicates=2, executor="processes", workers=1)["test_loss"], alone["test_loss"]
    )


def test_crossed_replicates_are_searched_by_some_of_them() -> None:
    surface = measured([20], replicates=None, crossed=(1, 4, 1))
    assert 20 in surface["size"].values


def test_an_estimator_that_refuses_its_smallest_size() -> None:
    """A tree of one leaf does not exist, and a tree interpolates some distinct samples with a leaf for each."""
    from sklearn.tree import DecisionTreeClassifier

    procedure = benign.from_estimator(DecisionTreeClassifier(random_state=0), size="max_leaf_nodes")
    surface = measured([40], procedure=procedure, replicates=2)
    risk = (surface["train_loss"] / surface["train_loss_constant"]).mean("replicate").values[:, 0, 0]
    assert risk[0] > 0.3
    assert risk[-1] <= TOLERANCE
    threshold = surface["size"].values[np.argmax(risk <= TOLERANCE)]
    assert np.count_nonzero(np.abs(surface["size"].values / threshold - 1.0) <= 0.15) >= 4


def test_a_threshold_beyond_the_largest_size_is_said() -> None:
    surface = benign.measure(
        benign.from_callable(_constant, name="constant", revision=1, max_size=50), DIGITS,
        samples=[30], sizes="auto", replicates=2, executor="here",
    )  # fmt: skip
    assert surface.dataset["size"].values[-1] == 50
    assert surface.dataset.attrs["size_search"] == "No size tried, up to size = 50, fits n = 30."
    (note,) = surface.notes
    assert 'sizes="auto" looked no further than 50' in note


def test_a_procedure_that_always_fits_is_said() -> None:
    surface = benign.measure(
        benign.from_callable(_nearest, name="nearest", revision=1), DIGITS,
        samples=[10], sizes="auto", replicates=2, executor="here",
    )  # fmt: skip
    assert surface.dataset["size"].values[0] == 1
    assert surface.dataset.attrs["size_search"] == "Even the smallest size tried, size = 1, fits n = 10."
    (note,) = surface.notes
    assert note.startswith("Every measured size fits n = 10")


def test_a_declared_experiment(tmp_path) -> None:
    path = tmp_path / "auto.toml"
    path.write_text(
        'source = { name = "digits", test_samples = 100 }\nprocedure = "random_fourier"\nsamples = [15]\n'
        'sizes = "auto"\nlabel_noise = [0.0, 0.2]\nreplicates = 2\n'
    )
    experiment = Experiment.from_toml(path)
    assert Experiment.from_json(experiment.to_json()) == experiment
    store = tmp_path / "runs.db"
    grid = resolve(experiment, Environment(store=store)).grid
    assert 15 in grid.part.sizes
    size = store.stat().st_size
    shutil.copy(store, tmp_path / "copy.db")
    assert (
        resolve(experiment, Environment(store=tmp_path / "copy.db")).grid.key
        == grid.key
        == resolve(experiment).grid.key
    )
    assert store.stat().st_size == size
    run = benign.run(experiment, store=store, executor="here")
    assert run.state == "done"
    assert run.grid.key == grid.key
    assert benign.plan(experiment, store=store, workers=1).left == 0
    assert run.surface.notes == ()


@pytest.mark.parametrize("sizes", ["atuo", "evry"])
@pytest.mark.usefixtures("unchecked")
def test_another_word_is_refused_with_the_nearest(sizes: str) -> None:
    nearest = {"atuo": "auto", "evry": "every"}[sizes]
    with pytest.raises(InvalidArgument, match=f"`sizes` must be .* got '{sizes}'; did you mean '{nearest}'"):
        measured([20], sizes=sizes)
    with pytest.raises(InvalidDeclaration, match=r'sizes: must be a list of .* a range, "every" or "auto", got'):
        Experiment(source="digits", procedure="random_fourier", samples=[20], sizes=sizes)  # type: ignore[arg-type]


def test_samples_have_no_auto() -> None:
    with pytest.raises(InvalidDeclaration, match=r'samples: must be a list of .* a range or "every", got'):
        Experiment(source="digits", procedure="random_fourier", samples="auto")  # type: ignore[arg-type]


def _constant(X, y, size, time, seed):
    return lambda Z: np.zeros(len(Z), dtype=np.int64)


def _nearest(X, y, size, time, seed):
    return lambda Z: y[np.argmin(((Z[:, None] - X[None]) ** 2).sum(-1), axis=1)]


@pytest.mark.parametrize(
    ("unit", "sentence"),
    [
        ("features", "About 1,200 features are the fewest that fit n = 90."),
        ("max_leaf_nodes", "About max_leaf_nodes = 1,200 is the smallest that fits n = 90."),
    ],
)
def test_a_threshold_in_words(unit: str, sentence: str) -> None:
    found = SizeThreshold(
        samples=90, size=1199.6, vanishing=None, outcome=ThresholdOutcome.FOUND, tried=(1000, 1400), least=1
    )
    assert found.sentence(unit) == sentence
