"""Norms at one width and over width: verdicts on planted surfaces."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from benign.curves import Verdict
from benign.curves.rank_correlation import granulated_kendall
from benign.figures.jiang2020_norms import AXES, MEASURES, SCALES, FixedWidth, Scale, at_fit, fitted_widths
from benign.figures.jiang2020_norms import FIGURE as DECLARED
from benign.figures.measurement import Joined
from benign.plots import StackedDisplay, save
from benign.procedures.solutions import Solutions
from benign.schema import DIMENSIONS, LEARNING_RATE

HOLDS, FAILS, UNDECIDED = Verdict.HOLDS, Verdict.FAILS, Verdict.UNDECIDED
WIDTHS = np.array([8, 16, 32, 64, 128, 256])
AT = FixedWidth(samples=100, rates=(0.01, 0.02, 0.04))
PLANTED = Scale(samples=100, widths=tuple(WIDTHS.tolist()), steps=1, batch=1, replicates=6, fixed=AT)
FIGURE = replace(DECLARED, scales={"planted": PLANTED})
TIMES = np.array([1.0, 2.0, 4.0, 8.0])
CONSTANT = 2.3


def dataset(values, coords, dims, *, replicates):
    shape = tuple(replicates if name == "replicate" else len(coords[name]) for name in dims)
    tables = {name: (dims, np.broadcast_to(value, shape).astype(float)) for name, value in values.items()}
    tables["outcome"] = dims, np.zeros(shape, dtype=np.int8)
    tables["train_loss_constant"] = ("samples", "replicate"), np.full((1, replicates), CONSTANT)
    attrs = {"title": "planted", "size_name": "hidden units", "time_name": "time", "seed": 0}
    return xr.Dataset(tables, coords=coords | {"replicate": np.arange(replicates)}, attrs=attrs)


def widths_surface(*, replicates=6, fits_from=32):
    width = WIDTHS[:, None, None, None].astype(float)
    random = np.random.default_rng(0)
    errors = 1.0 / np.log2(width) * np.exp(1e-3 * random.standard_normal((len(WIDTHS), 1, 1, replicates)))
    values = {
        "train_loss": np.where(width >= fits_from, 0.019, 0.3) * CONSTANT,
        "train_error": np.zeros_like(width), "test_error": errors, **dict.fromkeys(MEASURES, width),
    }  # fmt: skip
    coords = {"size": WIDTHS, "time": [np.inf], "samples": [100]}
    return dataset(values, coords, DIMENSIONS, replicates=replicates)


def surfaces_of(measured, *, replicates=12, noise=1e-4, unfitted=None):
    """The test error falls with learning rate and decay and rises with the batch size; other measures say nothing.

    ``measured`` gives measures as functions of (rate, batch, decay) on a scale from 0 to 1 each; the training of
    ``unfitted``, such places, never fits. All change along time, and are what is planted where the loss crosses 2 %.
    """
    random = np.random.default_rng(1)
    surfaces = {}
    time = TIMES[None, :, None, None, None]
    share = 0.02 * 4.0 / time  # crosses at time 4
    for k, (b, d) in enumerate(itertools.product(range(len(AT.batches)), range(len(AT.decays)))):
        rate = (np.arange(3) / 2)[None, None, None, None, :]
        place = rate, b / 2, float(d)
        shape = (1, 1, 1, replicates, 3)
        planted = {"test_error": 0.6 - 0.02 * rate + 0.01 * place[1] - 0.01 * d}
        planted |= {name: measured[name](*place) for name in measured}
        values = {name: np.broadcast_to(value, shape) * 4.0 / time for name, value in planted.items()}
        values |= {name: random.standard_normal(shape) * 4.0 / time for name in MEASURES if name not in measured}
        values = {name: value + noise * random.standard_normal(shape) for name, value in values.items()}
        lost = np.array([(r, b, d) == unfitted for r in range(3)])
        values["train_loss"] = CONSTANT * np.where(lost, 0.5, share)
        coords = {"size": [AT.width], "time": TIMES, "samples": [100], LEARNING_RATE: np.array(AT.rates)}
        dims = *DIMENSIONS[:3], "replicate", LEARNING_RATE
        surfaces[f"trainings_{k}"] = dataset(values, coords, dims, replicates=replicates)
    return surfaces | {"widths": widths_surface()}


FOLLOWS = {  # for three hyper-parameters, for the decay alone, for all but the decay, against all
    "path_norm": lambda rate, batch, decay: 3.0 - rate + batch - decay,
    "norm": lambda rate, batch, decay: 1.0 + rate - batch - decay,
    "distance_from_start": lambda rate, batch, decay: 3.0 - rate + batch + decay,
    "spectral_norm_product": lambda rate, batch, decay: 3.0 + rate - batch + decay,
    "normalised_margin": lambda rate, batch, decay: 1.0 + rate - batch + decay,
}


def verdicts(surfaces):
    return {finding.name: finding.verdict for finding in FIGURE.judge("planted", surfaces)}


def results_of(surfaces, findings=None):
    return FIGURE.results("planted", surfaces, findings)


@pytest.fixture(scope="module")
def planted():
    surfaces = surfaces_of(FOLLOWS)
    return surfaces, FIGURE.judge("planted", surfaces)


def literal(values, errors):
    """Psi_i as Jiang et al. 2020 write it: tau of each line along an axis, then the mean over the lines."""
    found = []
    for axis in range(values.ndim):
        lines = zip(*(np.moveaxis(one, axis, -1).reshape(-1, one.shape[axis]) for one in (values, errors)), strict=True)
        taus = []
        for value, error in lines:
            pairs = [(i, j) for i in range(len(value)) for j in range(len(value)) if i != j]
            taus.append(np.mean([np.sign(value[i] - value[j]) * np.sign(error[i] - error[j]) for i, j in pairs]))
        found.append(np.mean(taus))
    return found


def test_granulated_is_the_literal_definition():
    random = np.random.default_rng(3)
    values, errors = random.integers(0, 5, size=(2, 4, 3, 3, 2)).astype(float)  # with ties
    expected = [literal(*pair) for pair in zip(values, errors, strict=True)]
    np.testing.assert_allclose(granulated_kendall(values, errors), expected, atol=1e-14)


def test_a_missing_training_leaves_out_its_pairs_alone_and_an_axis_without_pairs_has_no_number():
    values = np.array([[[1.0, 2.0], [2.0, np.nan]], [[1.0, np.nan], [2.0, np.nan]]])
    np.testing.assert_array_equal(granulated_kendall(values, values), [[1.0, 1.0], [1.0, np.nan]])


def test_trainings_are_compared_where_they_first_fit():
    surfaces = surfaces_of(FOLLOWS, noise=0.0, unfitted=(2, 0, 1))
    expected = np.array([[[3.0 - r + b - d for d in (0, 1)] for b in (0, 0.5, 1)] for r in (0, 0.5, 1)])
    expected[2, 0, 1] = np.nan
    np.testing.assert_allclose(at_fit(surfaces, AT, "path_norm"), np.broadcast_to(expected, (12, 3, 3, 2)))
    lede = FIGURE.lede(results_of(surfaces, ()))
    assert "216 trainings" in lede
    assert "12 of them do not within the recorded times and are left out" in lede


@pytest.mark.parametrize("scale", SCALES)
def test_trainings_are_measured_at_the_place_where_they_are_read(scale):
    at = SCALES[scale].fixed
    joined = [one for one in DECLARED.experiments(SCALES[scale]) if isinstance(one, Joined)]
    assert [one.name for one in joined] == [f"trainings_{k}" for k in range(len(joined))]
    places = itertools.product(itertools.product(at.batches, at.decays), at.rates)
    for declared, place in zip((part for one in joined for part in one.experiments), places, strict=True):
        assert isinstance(declared.procedure, Solutions)
        training = declared.procedure.training
        assert ((training.batch_size, training.weight_decay), training.learning_rate) == place


def test_a_measure_that_falls_with_the_error_along_every_axis_holds_and_one_axis_carries_nothing(planted):
    found = {finding.name: finding.verdict for finding in planted[1]}
    assert found["path_norm"] is HOLDS
    assert found["normalised_margin"] is HOLDS  # a larger margin is better
    assert found["spectral_norm_product"] is FAILS
    assert found["norm"] is FAILS  # follows the decay, but not the other two
    assert found["distance_from_start"] is HOLDS
    assert {axis: found[f"norm_by_{axis.replace(' ', '_')}"] for axis in AXES} == dict(
        zip(AXES, (FAILS, FAILS, HOLDS), strict=True)
    )


def test_a_measure_that_says_nothing_is_undecided():
    assert verdicts(surfaces_of({}, replicates=8))["path_norm"] is UNDECIDED


def test_norms_over_width_decide_no_primary_claim(planted):
    surfaces, findings = planted
    over = surfaces["widths"].assign({name: -surfaces["widths"][name] for name in MEASURES})
    assert FIGURE.judge("planted", surfaces | {"widths": over}) == findings
    assert set(FIGURE.primary_claims("planted")) == set(MEASURES)


def test_the_error_falls_over_the_widths_that_fit(planted):
    surfaces, findings = planted
    np.testing.assert_array_equal(fitted_widths(surfaces["widths"]), WIDTHS >= 32)
    assert findings[-1].verdict is HOLDS
    assert verdicts(surfaces | {"widths": widths_surface(fits_from=1000)})["second_descent"] is UNDECIDED


def test_the_words_of_the_test_say_what_was_correlated(planted):
    words = planted[1][0].test
    assert words.startswith("granulated Kendall coefficient, mean over the hyper-parameters, median")


def test_the_story_is_told_and_drawn(tmp_path):
    results = results_of(surfaces_of(FOLLOWS, unfitted=(2, 0, 1), replicates=6))
    fixed, widths = FIGURE.pictures(results)
    assert {*fixed.claims, *widths.claims} == set(results.findings)
    assert save(fixed.display, tmp_path / "fixed_width")
    following = {measure for measure in MEASURES if results.holds(f"{measure}_by_weight_decay")}
    assert following == {"path_norm", "norm", "normalised_margin"}
    assert fixed.sentence.endswith("the median test error lies between 57.5 % and 61.0 %.")


def test_replicates_are_drawn_about_their_common_mean():
    surfaces = surfaces_of(FOLLOWS, noise=0.0)
    for name in (name for name in surfaces if name != "widths"):
        shift = xr.DataArray(np.arange(12.0), dims="replicate")
        surfaces[name]["test_error"] = surfaces[name]["test_error"] + shift
    display = next(iter(FIGURE.pictures(results_of(surfaces, ())))).display
    assert isinstance(display, StackedDisplay)
    series = display.panels[0].series[0]
    np.testing.assert_allclose(series.high - series.low, 0.0, atol=1e-12)
    np.testing.assert_allclose(series.median - series.median[0], [0.0, -0.01, -0.02], atol=1e-12)


def test_the_headline_counts_who_moves_against_the_one_that_follows(planted):
    surfaces, found = planted
    findings = tuple(
        replace(finding, verdict=HOLDS if finding.name == "spectral_norm_product" else FAILS) for finding in found
    )
    assert FIGURE.headline(results_of(surfaces, findings)) == (
        "With width held fixed, only the product of spectral norms follows the test error; 4 of 5 move against it."
    )


@pytest.mark.parametrize("verdict", [HOLDS, FAILS])
@pytest.mark.parametrize("count", range(6))
def test_headlines_say_which_norms_follow(planted, count, verdict):
    surfaces, found = planted
    findings = [
        replace(finding, verdict=verdict if finding.name in list(MEASURES)[:count] else UNDECIDED) for finding in found
    ]
    headline = FIGURE.headline(results_of(surfaces, findings))
    assert 5 <= len(headline.split()) <= 20
    assert ("no norm is shown" in headline) == (verdict is FAILS or not count)
    assert ("path norm" in headline) == (verdict is HOLDS and 0 < count < 4)


@pytest.mark.parametrize("scale", SCALES)
def test_recorded_times_are_steps_of_every_learning_rate(scale):
    at = SCALES[scale].fixed
    for rate in at.rates:
        steps = at.times / rate
        np.testing.assert_allclose(steps, np.round(steps), atol=1e-6)
    assert np.all(np.diff(at.times) > 0)
