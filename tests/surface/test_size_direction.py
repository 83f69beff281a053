"""A size whose training risk rises with it: it is noticed, nothing is read along it, and ``inverse=True`` reads it."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

import benign
from benign.curves.fitting_threshold import ThresholdOutcome
from benign.curves.threshold_search import Regime
from benign.diagnosis.peak_location import locate_peak
from benign.foundation.errors import InvalidArgument
from benign.foundation.number_words import format_position
from benign.schema import SIZE_IS_INVERSE
from benign.surface.complexity import smallest_size
from benign.surface.regimes import critical_range, regimes_of_surface
from benign.surface.size_direction import rises, wrong_way_note
from tests.diagnosis.known import Known
from tests.surface.test_regimes import least_squares, planted

DIGITS = benign.sources.digits(label_noise=0.1)
QUIET: dict[str, Any] = {"workers": 1, "store": ":memory:"}
VALUES = [1, 2, 3, 5, 10, 20, 50]


def wide():
    random = np.random.default_rng(0)
    inputs = 3.0 * random.standard_normal((160, 30))
    targets = inputs @ random.standard_normal(30) / 8.0 + 0.1 * random.standard_normal(160)
    return benign.sources.arrays(inputs, targets, test_samples=40, name="wide")


CASES = [
    pytest.param(KNeighborsClassifier(), "n_neighbors", DIGITS, id="neighbours"),
    pytest.param(DecisionTreeClassifier(), "min_samples_leaf", DIGITS, id="leaves"),
    pytest.param(Ridge(), "alpha", wide(), id="ridge"),
]


def curves(*means, replicates=8, spread=0.1, seed=0):
    """Training risks of replicates, log-normal about their means."""
    noise = np.random.default_rng(seed).standard_normal((len(means), replicates))
    return np.array(means)[:, None] * np.exp(spread * noise - 0.5 * spread**2)


@pytest.mark.parametrize(
    ("risks", "expected"),
    [
        pytest.param(curves(0.11, 0.2, 0.45), True, id="rising"),
        pytest.param(curves(0.0, 0.0, 1.0, spread=0.0), True, id="rising alike in all replicates"),
        pytest.param(curves(0.45, 0.2, 0.11), False, id="falling"),
        pytest.param(curves(0.3, 0.3, 0.3, spread=0.3), False, id="flat"),
        pytest.param(curves(0.3, 0.0, 0.9), False, id="wide networks that diverge"),
        pytest.param(curves(0.1, 0.11, 0.115, spread=0.0), False, id="within the tolerance"),
        pytest.param(curves(0.01, 0.2, 0.45, replicates=3), True, id="three replicates, from a fit"),
        pytest.param(curves(0.11, 0.2, 0.45, replicates=3), False, id="three replicates, none fitted"),
        pytest.param(np.vstack([curves(0.11), np.full((1, 8), np.nan), curves(0.45)]), True, id="a gap"),
        pytest.param(curves(0.11), False, id="one size"),
    ],
)
def test_what_rises(risks, expected):
    assert rises(risks, 0.02) is expected


@pytest.mark.parametrize("replicates", [4, 10])
@pytest.mark.parametrize("spread", [0.05, 0.5, 1.5])
def test_flat_curves_rise_in_less_than_one_of_a_hundred(replicates, spread):
    fired = [rises(curves(*[0.3] * 6, replicates=replicates, spread=spread, seed=seed), 0.02) for seed in range(1000)]
    assert np.mean(fired) < 0.01


@pytest.mark.parametrize(("estimator", "name", "source"), CASES)
def test_a_search_notices_it_and_the_other_way_round_finds_what_all_values_say(estimator, name, source):
    noticed = benign.threshold_size(benign.from_estimator(estimator, size=name), source, samples=60, **QUIET)
    assert f"rises with {name} (" in noticed.sentence
    assert "acts as the inverse of a size, and is read so." in noticed.sentence

    inverse = benign.from_estimator(estimator, size=name, inverse=True)
    found = benign.threshold_size(inverse, source, samples=60, **QUIET)
    surface = benign.measure(inverse, source, sizes=range(1, 17), samples=[60], replicates=6, workers=1)
    means = (surface.dataset["train_loss"] / surface.dataset["train_loss_constant"]).mean("replicate").squeeze().values
    largest = 1 + np.flatnonzero(means <= 0.02)[-1]
    assert found.outcome is ThresholdOutcome.FOUND
    assert found.interval[0] <= largest <= found.interval[1]
    assert abs(found.value - largest) <= 1
    assert 1 <= found.interval[0] <= found.value <= found.interval[1] <= 60
    value = format_position(found.value)
    assert f"{name} = {value} (95 % interval: {found.ends}) is the largest at which" in found.sentence
    assert (found.reading, noticed.note, noticed.is_inverse) == ("", "", True)
    # alpha may lie between two whole numbers
    assert noticed.interval[0] < largest + 1
    assert largest <= noticed.interval[1]
    read = smallest_size(surface.dataset.assign_attrs({SIZE_IS_INVERSE: 1}))
    assert read.interval[0] <= largest + 1e-9
    assert largest <= read.interval[1]
    with pytest.raises(InvalidArgument, match=f"rises with {name}"):
        smallest_size(surface.dataset.assign_attrs({SIZE_IS_INVERSE: 0}))


def test_what_fits_at_all_values_and_at_none():
    every = benign.threshold_size(inverse_of(lambda _: 0.001), DIGITS, samples=20, **QUIET)
    assert (every.value, every.interval, every.outcome) == (20, (20, math.inf), ThresholdOutcome.ALL_FITTED)
    assert "even at value = 20, the largest tried" in every.sentence
    none = benign.threshold_size(inverse_of(lambda _: 0.5), DIGITS, samples=20, **QUIET)
    assert (none.value, none.outcome) == (0, ThresholdOutcome.NONE_FITTED)
    assert "down to value = 1, the smallest tried" in none.sentence
    seven = benign.threshold_size(inverse_of(lambda value: 0.001 if value <= 7 else 0.5), DIGITS, samples=20, **QUIET)
    assert (seven.value, seven.interval, seven.outcome) == (7, (7, 7), ThresholdOutcome.FOUND)


def test_the_end_that_should_fit_worst_is_looked_at_where_nothing_fits():
    cliff = replace(inverse_of(lambda value: 0.001 if value == 1 else 0.9), is_inverse=False)
    found = benign.threshold_size(cliff, DIGITS, samples=20, guess=10, **QUIET)
    assert "Training loss rises with value (0.001 of a constant's at 1, 0.9 at 40)" in found.sentence
    assert (found.value, found.interval, found.is_inverse) == (1, (1, 1), True)
    short = benign.threshold_size(cliff, DIGITS, samples=20, guess=10, max_trainings=12, **QUIET)
    assert 1 not in short.evidence


@pytest.mark.parametrize("risk", [lambda value: 1.0 / value, lambda value: 0.001 if value >= 10 else 0.9])
def test_a_size_taken_for_an_inverse_is_read_as_a_size(risk):
    read = benign.threshold_size(inverse_of(risk), DIGITS, samples=20, guess=10, max_trainings=120, **QUIET)
    assert "Training loss falls with value (" in read.sentence
    assert read.reading.endswith(": it acts as a size, and is read so.")
    assert not read.is_inverse
    smallest = next(value for value in range(1, 100) if risk(value) <= 0.02)
    assert read.interval[0] <= smallest <= read.interval[1]


def test_what_can_be_trained_nowhere_says_why():
    def fit(X, y, size, time, seed):
        raise ValueError("out of order")

    broken = benign.from_callable(fit, name="broken", revision=1)
    with pytest.raises(InvalidArgument, match="out of order"):
        benign.threshold_size(broken, DIGITS, samples=20, **QUIET)


def inverse_of(risk):
    """A function whose relative training loss is ``risk(value)``, up to what the replicate draws."""

    def fit(X, y, size, time, seed):
        noise = 1.0 + 0.05 * np.random.default_rng(seed).standard_normal()
        known = {row.tobytes(): label for row, label in zip(X, y, strict=True)}
        share = np.bincount(y, minlength=10) / len(y)
        rest = math.sqrt(risk(size) * noise)
        return lambda Z: np.array([rest * share + (1.0 - rest) * np.eye(10)[known.get(z.tobytes(), 0)] for z in Z])

    return benign.from_callable(fit, name="known", revision=1, size_name="value", inverse=True)


def test_regimes_of_a_size_and_of_its_inverse_are_mirror_images():
    sizes = [10, 20, 30, 60, 75, 100, 150, 200, 300, 600]
    forward = planted(least_squares, sizes, spread=0.1)
    values = sorted(6000 // size for size in sizes)  # 6,000 is a multiple of each
    mirrored = planted(lambda value, time, n: least_squares(6000 / value, time, n), values, spread=0.1)
    mirrored["train_loss"][:] = forward["train_loss"].values[::-1]
    mirrored.attrs["size_name"] = "n_neighbors"

    noticed = regimes_of_surface(mirrored)
    assert (noticed.label == Regime.UNDECIDED).all()
    assert "rises with n_neighbors (" in noticed.sentence
    assert "at 10, " in noticed.sentence
    assert critical_range(mirrored.isel(time=0, samples=0), "size") is None
    assert wrong_way_note(mirrored.isel(time=0, samples=0)) == noticed.note

    mirrored.attrs[SIZE_IS_INVERSE] = 1
    expected, found = regimes_of_surface(forward), regimes_of_surface(mirrored)
    assert found.note == ""
    assert np.array_equal(found.label, expected.label[::-1])
    assert set(found.label.ravel()) >= {Regime.UNDER, Regime.CRITICAL, Regime.OVER}
    assert found.ratio == pytest.approx(expected.ratio[::-1], rel=1e-9)
    assert "critical n_neighbors from " in found.sentence
    ours, theirs = (critical_range(one.isel(time=0, samples=0), "size") for one in (mirrored, forward))
    assert ours is not None
    assert theirs is not None
    assert ours.is_over_first
    assert ours.start == pytest.approx([6000 / end for end in theirs.stop[::-1]])
    assert ours.stop == pytest.approx([6000 / end for end in theirs.start[::-1]])

    forward.attrs[SIZE_IS_INVERSE] = 1
    assert "falls with features (0.93 of a constant's at 10, 0 at 600): they act as a size." in wrong_way_note(forward)


def test_what_is_read_along_samples_does_not_depend_on_it():
    samples = [20, 30, 40, 60, 90, 130]
    rising = planted(lambda size, time, n: least_squares(600 / size, time, n), [5, 10, 20], samples=samples)
    found = regimes_of_surface(rising, basis="EMC / n")
    assert found.note == ""
    assert {Regime.OVER, Regime.UNDER} <= set(found.label.ravel())


@pytest.mark.parametrize("size", [1, 5])
def test_a_peak_is_looked_for_along_a_size_read_the_right_way(size):
    neighbours = benign.from_estimator(KNeighborsClassifier(), size="n_neighbors")
    found = locate_peak(neighbours, DIGITS, size=size, samples=40, max_trainings=60, **QUIET)
    assert found.threshold_size is not None
    assert found.peak_size is not None
    assert found.peak_size.words == "at n_neighbors between 1 and 2"
    assert "acts as the inverse of a size, and is read so." in found.sentence


def test_a_risk_and_its_interval_have_the_same_range():
    known = Known(mean=lambda n: 0.9 if n > 12 else 0.001, spread=0.8)
    source = benign.sources.digits()
    for criterion in ("objective", "error"):
        found = benign.effective_model_complexity(known, source, size=5, criterion=criterion, **QUIET)
        ends = np.array([one.interval for one in found.evidence])
        assert ends.min() == 0.0
        assert (ends.max() == 1.0) == (criterion == "error")


def test_how_a_size_is_read_is_no_part_of_its_numbers():
    size, inverse = (
        benign.from_estimator(KNeighborsClassifier(), size="n_neighbors", inverse=inverse) for inverse in (False, True)
    )
    assert (size.is_inverse, inverse.is_inverse) == (False, True)
    assert size.spec() == inverse.spec()
