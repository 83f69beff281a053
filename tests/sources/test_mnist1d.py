"""MNIST-1D: our recipe against the published package, number for number and as a distribution."""

from __future__ import annotations

import importlib
import importlib.util
import math
import re
import time
import warnings
from collections.abc import Iterator
from types import ModuleType

import numpy as np
import pytest
from jaxtyping import Float, Int
from scipy.stats import chi2, chisquare, kstest

from benign.experiments.declaration.catalogue import SOURCE, find_maker
from benign.foundation.errors import InvalidArgument, NotEnoughMemory
from benign.foundation.randomness import generator
from benign.foundation.replicate import Replicate
from benign.foundation.split import class_indices
from benign.sources import Mnist1dSource, Source, mnist1d
from benign.sources.mnist1d import (
    Chances,
    _pool,
    _test_set,
    chances,
    correlated_noise,
    dilated_templates,
    sheared,
    signals,
    subsampled,
    templates,
    translated,
)
from tests.optional import needs

HERE = Replicate(seed=3, draw=1, noise=2)
MIDDLE = 0.5  # the random number that neither scales nor shears


@pytest.fixture
def package() -> Iterator[ModuleType]:
    """The published package's ``data``, with the state of NumPy's global generator put back afterwards."""
    found = all(importlib.util.find_spec(name) is not None for name in ("mnist1d", "requests"))
    needs("mnist1d", found, "mnist1d is not installed")
    state = np.random.get_state()  # noqa: NPY002 (the package's generator)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # requests has opinions on the versions of what it imports
        module = importlib.import_module("mnist1d.data")
    yield module
    np.random.set_state(state)  # noqa: NPY002


@pytest.fixture
def steps(package: ModuleType) -> ModuleType:
    return importlib.import_module("mnist1d.transform")


def arguments(package: ModuleType, **changes: object) -> object:
    settings = {**package.get_dataset_args(as_dict=True), **changes}
    return package.ObjectView(settings)


def replayed(seeds: range) -> Chances:
    """What the package draws for one sample of each of these seeds, in its order."""
    rows: list[dict[str, object]] = []
    for seed in seeds:
        random = np.random.RandomState(seed)
        row: dict[str, object] = {"padding": int(random.random_sample() * 25), "scale": random.random_sample()}
        row |= {"translation": random.choice(48), "correlated": random.standard_normal(72)}
        row |= {"independent": random.standard_normal(72), "shear": random.random_sample()}
        rows.append(row)
    return Chances(**{name: np.array([row[name] for row in rows]) for name in rows[0]})


def test_templates_are_the_packages(package: ModuleType) -> None:
    np.testing.assert_allclose(templates(), package.get_templates()["x"], rtol=0.0, atol=1e-15)


@pytest.mark.parametrize("extra", [0, 1, 11, 24])
def test_dilation_is_the_packages(package: ModuleType, steps: ModuleType, extra: int) -> None:
    for label, template in enumerate(package.get_templates()["x"]):
        expected = steps.interpolate(np.concatenate([template + 1e-8, np.zeros(36 + extra)]), 72)
        np.testing.assert_allclose(dilated_templates()[label, extra], expected, rtol=0.0, atol=1e-15)
        np.testing.assert_array_equal(dilated_templates()[label, extra] == 0.0, expected == 0.0)


def test_steps_are_the_packages(steps: ModuleType) -> None:
    rows = generator(0, "rows").standard_normal((30, 72))
    for seed, row in enumerate(rows):
        random = np.random.RandomState(seed)
        np.random.seed(seed)  # noqa: NPY002
        one = row[None]
        places = np.array([random.choice(48)])
        np.testing.assert_array_equal(translated(one, places)[0], steps.translate(row, 48))
        normal = random.standard_normal((1, 72))
        np.testing.assert_allclose(correlated_noise(normal)[0], steps.corr_noise_like(row, 0.25), rtol=0.0, atol=1e-15)
        amount = random.random_sample(1)
        np.testing.assert_allclose(sheared(one, amount)[0], steps.shear(row, 0.75), rtol=0.0, atol=1e-15)
        np.testing.assert_allclose(subsampled(one)[0], steps.interpolate(row, 40), rtol=0.0, atol=1e-13)


def test_the_whole_recipe_is_the_packages(package: ModuleType, steps: ModuleType) -> None:
    seeds = range(400)
    labels = np.array(seeds) % 10
    drawn = replayed(seeds)
    assert {0, 24} <= set(drawn.padding), "both ends are tried"
    assert {0, 47} <= set(drawn.translation), "both ends are tried"
    published, settings = package.get_templates(), arguments(package)
    expected = []
    for seed, label in zip(seeds, labels, strict=True):
        np.random.seed(seed)  # noqa: NPY002
        expected.append(steps.transform(published["x"][label], published["t"], settings)[0])
    np.testing.assert_allclose(signals(labels, drawn), np.array(expected), rtol=0.0, atol=1e-13)


def test_random_numbers_have_their_distributions() -> None:
    """Each test at 1 in 1,000, on one set of 20,000 samples."""
    drawn = chances(20_000, generator(1, "distributions"))
    for values, count in ((drawn.padding, 25), (drawn.translation, 48)):
        assert (values.min(), values.max()) == (0, count - 1)
        assert chisquare(np.bincount(values)).pvalue > 1e-3
    for uniform in (drawn.scale, drawn.shear):
        assert kstest(uniform, "uniform").pvalue > 1e-3
    for normal in (drawn.correlated, drawn.independent):
        assert normal.shape == (20_000, 72)
        assert kstest(normal[:, ::24].ravel(), "norm").pvalue > 1e-3
    columns = np.stack([drawn.padding, drawn.scale, drawn.translation, drawn.shear], axis=1)
    everything = np.hstack([columns, drawn.correlated, drawn.independent])
    correlations = np.corrcoef(everything, rowvar=False)[np.triu_indices(148, 1)]
    assert np.abs(correlations).max() * math.sqrt(20_000) < 5.5, "10,878 pairs"


def test_classes_have_the_means_and_covariances_of_the_packages(package: ModuleType) -> None:
    """5,000 samples of the package against 10,000 of ours."""
    theirs = package.make_dataset(arguments(package, num_samples=5000, seed=42))
    split = mnist1d().draw(10_000, Replicate())
    labels = class_indices(split.train_targets)
    published = np.concatenate([theirs["x"], theirs["x_test"]])
    published_labels = np.concatenate([theirs["y"], theirs["y_test"]])
    distances, scores = [], []
    for label in range(10):
        groups = split.train_inputs[labels == label], published[published_labels == label]
        assert [len(group) for group in groups] == [1000, 500]
        distances.append(_squared_distance_of_means(*groups))
        scores.append(_scores_of_covariances(*groups))
    low, high = chi2.ppf([5e-4, 1 - 5e-4], df=400)
    assert low < np.sum(distances) < high
    assert np.abs(scores).max() < 5.5, "8,200 entries"
    assert np.sqrt(np.mean(np.square(scores))) == pytest.approx(1.0, abs=0.1)


def _squared_distance_of_means(one: Float[np.ndarray, "m 40"], other: Float[np.ndarray, "n 40"]) -> float:
    """In units of its sampling error: chi-square with 40 degrees of freedom where the means agree."""
    difference = one.mean(axis=0) - other.mean(axis=0)
    covariance = np.cov(one, rowvar=False) / len(one) + np.cov(other, rowvar=False) / len(other)
    return float(difference @ np.linalg.solve(covariance, difference))


def _scores_of_covariances(
    one: Float[np.ndarray, "m 40"], other: Float[np.ndarray, "n 40"]
) -> Float[np.ndarray, " 820"]:
    """Differences of all variances and covariances in units of their sampling error."""
    upper = np.triu_indices(40)
    products = [
        (rows - rows.mean(axis=0))[:, upper[0]] * (rows - rows.mean(axis=0))[:, upper[1]] for rows in (one, other)
    ]
    error = np.sqrt(sum(values.var(axis=0) / len(values) for values in products))
    return (products[0].mean(axis=0) - products[1].mean(axis=0)) / error


def test_a_linear_model_has_the_published_accuracy() -> None:
    """Logistic regression: 32 % in the paper, on 4,000 samples to train on and 1,000 for testing."""
    from sklearn.linear_model import LogisticRegression

    split = mnist1d().draw(4000, Replicate())
    model = LogisticRegression(max_iter=1000).fit(split.train_inputs, class_indices(split.train_targets))
    assert model.score(split.test_inputs, class_indices(split.test_targets)) == pytest.approx(0.32, abs=0.03)


def quiet(padding: Int[np.ndarray, " m"], translation: Int[np.ndarray, " m"]) -> Chances:
    """No scaling, noise or shear."""
    m = len(padding)
    still = np.full(m, MIDDLE)
    return Chances(
        padding=padding,
        scale=still,
        translation=translation,
        correlated=np.zeros((m, 72)),
        independent=np.zeros((m, 72)),
        shear=still,
    )


def test_padding_is_zero_and_nothing_else_is() -> None:
    for extra in range(25):
        places = np.arange(72) * (11 + 36 + extra) / 71.0  # in points of the padded template, whose last is 11
        np.testing.assert_array_equal(dilated_templates()[:, extra] == 0.0, np.tile(places > 11.999999, (10, 1)))


def test_a_clean_sample_is_its_template() -> None:
    labels = np.arange(10)
    made = signals(labels, quiet(np.full(10, 24), np.zeros(10, dtype=np.int64)))  # 72 points: dilated to themselves
    padded = np.hstack([templates(), np.zeros((10, 60))])
    for label in labels:
        expected = np.interp(np.linspace(0.0, 71.0, 40), np.arange(72), padded[label])
        np.testing.assert_allclose(made[label], expected, rtol=0.0, atol=1.1e-8)


def test_correlated_noise_replaces_padding_alone() -> None:
    silence = quiet(np.array([24]), np.array([30]))
    noise = Chances(**{**vars(silence), "correlated": np.ones((1, 72))})
    difference = (signals(np.array([3]), noise) - signals(np.array([3]), silence))[0]
    places = np.linspace(0.0, 71.0, 40)
    np.testing.assert_allclose(difference[(places <= 29) | (places >= 42)], 0.25, rtol=1e-12)
    np.testing.assert_allclose(difference[(places >= 30) & (places <= 41)], 0.0, atol=1e-15)


def test_a_translation_moves_to_the_right() -> None:
    row = np.arange(72.0)
    moved = translated(np.stack([row, row]), np.array([0, 2]))
    np.testing.assert_array_equal(moved[0], row)
    np.testing.assert_array_equal(moved[1], [70.0, 71.0, *range(70)])


def test_samples_do_not_depend_on_each_other() -> None:
    labels = np.arange(30) % 10
    drawn = chances(30, generator(2, "alone"))
    together = signals(labels, drawn)
    for i in (0, 7, 29):
        one = Chances(**{name: values[i : i + 1] for name, values in vars(drawn).items()})
        np.testing.assert_array_equal(signals(labels[i : i + 1], one)[0], together[i])


def test_inputs_are_standardised_by_two_numbers_of_the_pool() -> None:
    split = mnist1d().draw(25_000, HERE)
    assert split.pool.mean() == pytest.approx(0.0, abs=1e-13)
    assert split.pool.std() == pytest.approx(1.0, rel=1e-13)
    assert np.abs(split.pool.mean(axis=0)).max() > 0.01, "not column by column"
    for inputs in (split.train_inputs[10_000:], split.test_inputs):
        assert inputs.mean() == pytest.approx(0.0, abs=0.02)
        assert inputs.std() == pytest.approx(1.0, rel=0.01)
        assert inputs.mean() != pytest.approx(0.0, abs=1e-9)


def test_each_block_holds_each_class_equally_often_in_an_order_of_its_own() -> None:
    split = mnist1d(test_samples=5000).draw(15_000, HERE)
    train, test = class_indices(split.train_targets), class_indices(split.test_targets)
    blocks = [*np.split(train, 3), test]
    for block in blocks:
        np.testing.assert_array_equal(np.bincount(block), 500)
    for i, block in enumerate(blocks):
        for other in blocks[:i]:
            assert np.mean(block == other) == pytest.approx(0.1, abs=4 * 0.3 / math.sqrt(5000))
    assert np.mean(train[1:] == train[:-1]) == pytest.approx(0.1, abs=4 * 0.3 / math.sqrt(15_000))


def test_blocks_and_parts_share_no_sample() -> None:
    split = mnist1d(test_samples=6000).draw(20_000, HERE)
    assert len(np.unique(np.concatenate([split.train_inputs, split.test_inputs])[:, 0])) == 26_000


def test_test_sets_are_nested_and_leave_the_rest_alone() -> None:
    few, many = (mnist1d(test_samples=count).draw(20, HERE) for count in (30, 7000))
    np.testing.assert_array_equal(few.test_inputs, many.test_inputs[:30])
    np.testing.assert_array_equal(few.test_targets, many.test_targets[:30])
    np.testing.assert_array_equal(few.pool, many.pool)


def test_flips_of_test_labels_have_the_rate_and_leave_the_clean_ones() -> None:
    noisy, clean = (mnist1d(label_noise=level).draw(1000, HERE) for level in (0.2, 0.0))
    np.testing.assert_array_equal(noisy.train_targets_clean, clean.train_targets)
    np.testing.assert_array_equal(noisy.test_targets, clean.test_targets_noisy)
    assert np.sum(class_indices(noisy.train_targets) != class_indices(clean.train_targets)) == 200
    assert np.sum(class_indices(noisy.test_targets_noisy) != class_indices(clean.test_targets)) == 600


def test_draws_of_other_n_and_noise_share_their_inputs() -> None:
    one, other = mnist1d().draw(10, HERE), mnist1d(label_noise=0.3).draw(9000, HERE)
    assert np.shares_memory(one.train_inputs, other.train_inputs)
    assert np.shares_memory(one.test_inputs, other.test_inputs)


def test_bits_do_not_depend_on_what_is_kept() -> None:
    first = mnist1d().draw(12_345, HERE)
    _pool.cache_clear()
    _test_set.cache_clear()
    again = mnist1d().draw(12_345, HERE)
    assert not np.shares_memory(first.pool, again.pool)
    np.testing.assert_array_equal(first.train_inputs, again.train_inputs)
    np.testing.assert_array_equal(first.train_targets, again.train_targets)
    np.testing.assert_array_equal(first.test_inputs, again.test_inputs)


def test_drawing_is_fast() -> None:
    seconds = []
    for draw in range(5):
        start = time.perf_counter()
        mnist1d(label_noise=0.2).draw(10_000, Replicate(seed=9, draw=draw))
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.5


GOLDEN_BEYOND = [1.430400241107, 1.461132128727, 1.514917884648]
GOLDEN_TEST = [2.43090623538, 1.768831097945, 0.913405880464]
GOLDEN_LABELS = [[8, 3, 4], [2, 2, 3]]


def test_golden_numbers_beyond_the_pool() -> None:
    """If this fails on purpose, raise ``revision``."""
    split = mnist1d(label_noise=0.5).draw(12_345, HERE)
    np.testing.assert_allclose(split.train_inputs[-1, :3], GOLDEN_BEYOND, rtol=0.0, atol=1e-9)
    np.testing.assert_allclose(split.test_inputs[-1, :3], GOLDEN_TEST, rtol=0.0, atol=1e-9)
    labels = class_indices(split.train_targets_clean[-3:]), class_indices(split.test_targets[-3:])
    assert [list(each) for each in labels] == GOLDEN_LABELS


def test_defaults_and_names() -> None:
    source = mnist1d()
    assert isinstance(source, Mnist1dSource)
    assert isinstance(source, Source)
    assert (source.name, source.label_noise, source.test_samples, source.revision) == ("mnist1d", 0.0, 3000, 1)
    assert source.max_samples is None
    assert source.classes == tuple("0123456789")
    split = source.draw(4000, Replicate())
    assert (split.train_inputs.shape, split.test_inputs.shape, split.pool.shape) == (
        (4000, 40),
        (3000, 40),
        (10_000, 40),
    )


def test_files_know_it_by_name() -> None:
    assert find_maker(SOURCE, "mnist1d") is mnist1d


BAD_SETTINGS: dict[str, tuple[dict[str, float], str]] = {
    "all-flipped": (
        {"label_noise": 1.0},
        "`label_noise` must be a share of flipped labels from 0 up to but not including 1 (0.1 for 10 %), got 1.0",
    ),
    "negative-noise": ({"label_noise": -0.1}, "`label_noise` must be a share of flipped labels"),
    "no-test-set": ({"test_samples": 0}, "`test_samples` must be a positive integer, got 0."),
}


@pytest.mark.parametrize(("settings", "message"), BAD_SETTINGS.values(), ids=BAD_SETTINGS.keys())
def test_bad_settings_get_a_sentence(settings: dict[str, float], message: str) -> None:
    with pytest.raises(InvalidArgument, match="^" + re.escape(message)):
        mnist1d(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("samples", "test_samples"), [pytest.param(10**12, 30, id="train"), pytest.param(30, 10**12, id="test")]
)
def test_more_samples_than_memory(samples: int, test_samples: int) -> None:
    message = rf"^drawing {samples} training and {test_samples} test samples of mnist1d needs about .* ask for fewer"
    with pytest.raises(NotEnoughMemory, match=message):
        mnist1d(test_samples=test_samples).draw(samples, Replicate())


def test_source_is_frozen() -> None:
    source = mnist1d()
    with pytest.raises(AttributeError):
        source.label_noise = 0.5  # type: ignore[misc]
