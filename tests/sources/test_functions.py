"""Functions of one variable: the book's example, the named ones, and functions that cannot be used."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from jaxtyping import Float

from benign.foundation.errors import InvalidArgument, NotEnoughMemory, UnknownName
from benign.foundation.replicate import Replicate
from benign.sources import FunctionSource, function, mml
from benign.sources.functions import Target
from tests.sources.cases import wave

FORMULAS = {
    "mml": (lambda x: -math.sin(x / 5) + math.cos(x), -5.0, 5.0),
    "sine": (lambda x: math.sin(2 * math.pi * x), 0.0, 1.0),
    "step": (lambda x: -1.0 if x < 0 else 1.0, -1.0, 1.0),
    "runge": (lambda x: 1 / (1 + 25 * x * x), -1.0, 1.0),
    "absolute": (abs, -1.0, 1.0),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_named_functions(name: str) -> None:
    formula, low, high = FORMULAS[name]
    split = function(name, noise=0.0).draw(500, Replicate())
    for inputs, targets in ((split.train_inputs, split.train_targets), (split.test_inputs, split.test_targets)):
        expected = [formula(float(x)) for x in inputs[:, 0]]
        np.testing.assert_allclose(targets[:, 0], expected, rtol=0.0, atol=1e-14)
    assert low <= split.pool.min() < low + 0.01 * (high - low)
    assert high - 0.01 * (high - low) < split.pool.max() <= high


def test_inputs_are_uniform() -> None:
    pool = np.sort(function("sine", noise=0.0).draw(1, Replicate()).pool[:, 0])
    grid = (np.arange(10_000) + 0.5) / 10_000
    assert np.abs(pool - grid).max() < 1.95 / 100.0, "Kolmogorov-Smirnov at 1 in 1,000"


def test_mml_is_the_books_protocol() -> None:
    source = mml()
    assert (source.low, source.high, source.noise, source.test_samples) == (-5.0, 5.0, 0.2, 200)
    split = source.draw(10, Replicate())
    np.testing.assert_array_equal(split.test_inputs[:, 0], np.linspace(-5.0, 5.0, 200))
    x = split.test_inputs
    np.testing.assert_allclose(split.test_targets, -np.sin(x / 5.0) + np.cos(x), atol=1e-14)
    assert np.std(split.test_targets_noisy - split.test_targets) == pytest.approx(0.2, abs=4 * 0.2 / math.sqrt(400))


def test_mml_has_the_published_fits_of_its_polynomials() -> None:
    """Medians over 2,000 data sets computed independently of this package: degrees 0, 1 and 4 on 10 samples."""
    train: dict[int, list[float]] = {0: [], 1: [], 4: []}
    test: dict[int, list[float]] = {0: [], 1: [], 4: []}
    source = mml()
    for i in range(400):
        split = source.draw(10, Replicate(draw=i, noise=i))
        for degree, errors in train.items():
            fit = np.polynomial.Polynomial.fit(split.train_inputs[:, 0], split.train_targets[:, 0], degree)
            errors.append(float(np.sqrt(np.mean((fit(split.train_inputs) - split.train_targets) ** 2))))
            test[degree].append(float(np.sqrt(np.mean((fit(split.test_inputs) - split.test_targets_noisy) ** 2))))
    assert np.median(train[0]) == pytest.approx(0.815, abs=0.02)
    assert np.median(train[1]) == pytest.approx(0.621, abs=0.03)
    assert np.median(train[4]) == pytest.approx(0.153, abs=0.02)
    assert np.median(test[0]) == pytest.approx(0.888, abs=0.02)
    assert np.median(test[4]) == pytest.approx(0.453, abs=0.1)


def test_drawn_test_points_follow_the_inputs_distribution() -> None:
    test = function("sine", noise=0.1, test_samples=2_000).draw(1, Replicate()).test_inputs[:, 0]
    grid = (np.arange(2_000) + 0.5) / 2_000
    assert np.abs(np.sort(test) - grid).max() < 1.95 / math.sqrt(2_000)
    assert len(np.unique(np.round(np.diff(np.sort(test)), 12))) > 1_000, "not evenly spaced"


def test_the_interval_and_name_can_be_changed() -> None:
    source = function("runge", low=0.0, high=0.5, noise=0.0, name="half")
    assert source.name == "half"
    pool = source.draw(1, Replicate()).pool
    assert 0.0 <= pool.min() < 0.01
    assert 0.49 < pool.max() <= 0.5


def test_a_function_goes_by_its_own_name() -> None:
    assert function(wave, low=0.0, high=1.0, noise=0.0).name == "wave"


def test_fingerprint_tells_functions_apart() -> None:
    def other(x: Float[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
        return wave(x) + 1e-6

    one, two = (function(f, low=0.0, high=1.0, noise=0.0, name="f").spec()["data"] for f in (wave, other))
    assert one != two


def _scalar_only(x: Float[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
    return math.sin(x)  # type: ignore[return-value]


BAD_TARGETS: dict[str, tuple[object, str]] = {
    "scalar-only": (_scalar_only, "`target` must map a NumPy array to one of the same length, but _scalar_only raised"),
    "average": (np.mean, "`target` must map 1001 numbers to as many real numbers, but mean gave "),
    "complex": (
        lambda x: x + 1j,
        "`target` must map 1001 numbers to as many real numbers, but <lambda> gave complex128",
    ),
    "infinite": (
        lambda x: np.where(x < 0, np.inf, x),
        "`target` must be finite from `low` to `high`, but <lambda>(-1)",
    ),
    "not-x-by-x": (lambda x: x - x.mean(), "`target` must give each x the same value whatever else it is called with"),
    "random": (
        lambda x: np.random.default_rng().random(x.shape),
        "`target` must give each x the same value whatever else it is called with",
    ),
}


@pytest.mark.parametrize(("target", "message"), BAD_TARGETS.values(), ids=BAD_TARGETS.keys())
def test_functions_that_cannot_be_used(target: Target, message: str) -> None:
    with pytest.raises(InvalidArgument, match="^" + re.escape(message)):
        function(target, low=-1.0, high=1.0, noise=0.0)


def test_a_function_that_is_not_finite_between_the_points_tried() -> None:
    source = function(lambda x: np.where(np.abs(x - 0.5005) < 4e-4, np.nan, x), low=0.0, high=1.0, noise=0.0)
    with pytest.raises(InvalidArgument, match=r"^`target` must be finite from `low` to `high`, but <lambda>\(0\.5"):
        source.draw(10, Replicate())


BAD_SETTINGS: dict[str, tuple[dict[str, float], str]] = {
    "no-interval": ({"noise": 0.1}, "`low` and `high` must say where x is drawn from"),
    "half-an-interval": ({"noise": 0.1, "low": 0.0}, "`low` and `high` must say where x is drawn from"),
    "backwards": ({"noise": 0.1, "low": 1.0, "high": 0.0}, "`low` must be less than `high`, got 1.0 and 0.0."),
    "empty-interval": ({"noise": 0.1, "low": 1.0, "high": 1.0}, "`low` must be less than `high`, got 1.0 and 1.0."),
    "infinite": ({"noise": 0.1, "low": 0.0, "high": math.inf}, "`high` must be a finite number, got inf."),
    "negative-noise": (
        {"noise": -0.1, "low": 0.0, "high": 1.0},
        "`noise` must be a standard deviation of at least 0, got -0.1.",
    ),
    "no-test-set": (
        {"noise": 0.1, "low": 0.0, "high": 1.0, "test_samples": 0},
        "`test_samples` must be a positive integer, got 0.",
    ),
}


@pytest.mark.parametrize(("settings", "message"), BAD_SETTINGS.values(), ids=BAD_SETTINGS.keys())
def test_bad_settings_get_a_sentence(settings: dict[str, float], message: str) -> None:
    with pytest.raises(InvalidArgument, match="^" + re.escape(message)):
        function(wave, **settings)  # type: ignore[arg-type]


def test_unknown_function() -> None:
    with pytest.raises(UnknownName, match=r"^unknown function 'rung'; did you mean 'runge'\?"):
        function("rung", noise=0.1)


def test_more_samples_than_memory() -> None:
    with pytest.raises(NotEnoughMemory, match=r"^drawing 1000000000000 samples of mml needs about .* ask for fewer"):
        mml().draw(10**12, Replicate())


def test_source_is_frozen() -> None:
    source = mml()
    assert isinstance(source, FunctionSource)
    with pytest.raises(AttributeError):
        source.noise = 0.0  # type: ignore[misc]
