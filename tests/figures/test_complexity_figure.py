"""One cause of three peaks: verdicts on surfaces with planted complexities and peaks, two theorems, and a smoke run."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from benign.curves import Verdict
from benign.curves.place import NOWHERE, Place
from benign.experiments import measure
from benign.experiments.environment import Environment
from benign.figures.nakkiran2020_complexity import FIGURE as DECLARED
from benign.figures.nakkiran2020_complexity import SCALES, feature_grid
from benign.figures.two_sample_sizes import LINEAR_TOLERANCE
from benign.foundation.outcomes import Outcome
from benign.plots import CurveDisplay, HeatMapDisplay, StackedDisplay
from benign.procedures import Polynomial, RandomFourier
from benign.sources import digits, mml
from benign.surface.complexity import emc_on_surface
from benign.surface.complexity_places import fitted_samples, fitted_size
from benign.surface.displays import threshold_line
from tests.networks.extra import needs_networks

HOLDS, FAILS, UNDECIDED = Verdict.HOLDS, Verdict.FAILS, Verdict.UNDECIDED
QUICK = replace(SCALES["quick"], grid=(25, 16, 3))
FIGURE = replace(DECLARED, scales={"planted": QUICK})
CONSTANT = 0.9  # loss of the best constant


def surface_of(test, share, error, *, sizes, times=(1.0,), samples, replicates=10, noise=0.02, seed=0, **attrs):
    """A surface of these functions of (size, time, samples); ``share`` is the training loss over a constant's."""
    random = np.random.default_rng(seed)
    axes = np.meshgrid(np.asarray(sizes, float), np.asarray(times, float), np.asarray(samples, float), indexing="ij")
    shape = (*axes[0].shape, replicates)
    dims = ("size", "time", "samples", "replicate")
    curves = {"test": test, "share": share, "error": error}
    means = {name: np.broadcast_to(curve(*axes), axes[0].shape)[..., None] for name, curve in curves.items()}
    values = {name: mean * np.exp(noise * random.standard_normal(shape)) for name, mean in means.items()}
    tables = {
        "test_loss": values["test"], "test_error": values["test"], "train_loss": CONSTANT * values["share"],
        "train_error": values["error"], "outcome": np.zeros(shape, dtype=np.int8),
    }  # fmt: skip
    return xr.Dataset(
        {name: (dims, table) for name, table in tables.items()}
        | {"train_loss_constant": (dims[2:], np.full((len(samples), replicates), CONSTANT))},
        coords={
            "size": np.asarray(sizes, int), "time": np.asarray(times, float), "samples": np.asarray(samples, int),
            "replicate": np.arange(replicates),
        },
        attrs={"seed": 0, "size_name": "units", "classes": 10, "objective": "squared", **attrs},
    )  # fmt: skip


def bump(position, peak, *, height=2.0, sharpness=2.0):
    """A peak on a logarithmic axis that stands exp(height) above both sides."""
    return np.exp(height * np.exp(-sharpness * np.log2(position / peak) ** 2))


def linear(peak, complexity, *, height=2.0, sizes, samples, **options):
    """Samples are fitted up to ``complexity`` of the size, and the test loss peaks where n is ``peak`` of it."""
    return surface_of(
        lambda size, _, n: 3.0 * n**-0.3 * bump(n, peak * size, height=height, sharpness=40.0),
        lambda size, _, n: np.where(n <= 1.001 * complexity * size, 1e-12, 0.1),
        lambda size, _, n: np.where(n <= 1.001 * complexity * size, 0.0, 0.1),
        sizes=sizes, samples=samples, **options,
    )  # fmt: skip


# A peak is known to one step on either side and EMC to one, and two steps of 4 % lie within the band of 1.1.
GRID, SIZES = feature_grid(QUICK.grid)
SAMPLES = QUICK.samples


def rising(complexity):
    """A training risk that reaches 0.02 where n is ``complexity``."""
    return lambda _, time, n: 0.02 * (n / complexity(time)) ** 4


def over_samples(complexity, *, by_error=1.4, growth=0.5, peak, samples=SAMPLES, **options):
    times = (*QUICK.times, QUICK.steps)
    return surface_of(
        lambda _, __, n: 40.0 * n**-0.5 * bump(n, peak),
        rising(lambda time: complexity * (time / QUICK.steps) ** growth),
        rising(lambda time: by_error * complexity * (time / QUICK.steps) ** growth),
        sizes=[16], times=times, samples=samples, **options,
    )  # fmt: skip


def planted(
    *, feature_peak=1.0, feature_height=2.0, ridge=0.8, polynomial_peak=1.0, width_peak=45.0, width_loss=41.0,
    width_error=20.0, width_height=1.0, sample_peak=115.0, complexity=125.0, by_error=1.4, growth=0.5, clean=400.0,
    epoch_peak=26.0, epoch_fitted=22.0, noise=0.02,
):  # fmt: skip
    widths, n = np.array(QUICK.widths), [300]
    return {
        "features": linear(feature_peak, 1.0, height=feature_height, sizes=SIZES, samples=GRID, noise=noise),
        "ridge": linear(1.0, ridge, sizes=[QUICK.compared[0]], samples=GRID, noise=noise),
        "polynomial": linear(
            polynomial_peak, 1.0, sizes=[10], samples=QUICK.polynomial_samples, replicates=40, noise=noise
        ),
        "widths": surface_of(
            lambda width, _, __: bump(width, width_peak, height=width_height) * width**-0.1,
            lambda width, _, __: 0.02 * (width_loss / width) ** 4,
            lambda width, _, __: 0.02 * (width_error / width) ** 4,
            sizes=widths, samples=n, noise=noise,
        ),
        "samples": over_samples(
            complexity, by_error=by_error, growth=growth, peak=sample_peak, noise=noise, time_name="gradient steps"
        ),
        "clean": over_samples(clean, peak=400.0, samples=QUICK.clean_samples, noise=noise),
        "epochs": surface_of(
            lambda _, time, __: 0.5 * bump(time, epoch_peak, height=0.12) + 0.1 / time,
            lambda _, time, __: 0.1 * (time / epoch_fitted) ** -2,
            lambda _, time, __: 0.1 * (time / epoch_fitted) ** -2,
            sizes=[256], times=QUICK.large.recorded, samples=[4000], noise=0.2 * noise,
        ),
    }  # fmt: skip


PLANTED = planted()


@pytest.fixture(scope="module")
def results():
    """Of what is planted, judged once."""
    return FIGURE.results("planted", PLANTED)


def verdicts_of(surfaces):
    return {finding.name: finding.verdict for finding in FIGURE.judge("planted", surfaces)}


def test_every_planted_effect_is_found(results):
    verdicts = {name: finding.verdict for name, finding in results.findings.items()}
    assert set(verdicts.values()) == {HOLDS}, verdicts


OPPOSITE = [
    (
        {"feature_peak": 1.42},
        {"features_over_size": FAILS, "features_over_samples": FAILS, "more_data_hurts": FAILS},
    ),
    ({"polynomial_peak": 0.5}, {"polynomial_over_samples": FAILS}),
    ({"width_peak": 128.0}, {"networks_over_width": FAILS, "error_does_not_mark_the_peak": HOLDS}),
    ({"width_height": 0.0}, {"networks_over_width": FAILS, "error_does_not_mark_the_peak": UNDECIDED}),
    ({"width_error": 42.0}, {"networks_over_width": HOLDS, "error_does_not_mark_the_peak": FAILS}),
    ({"sample_peak": 50.0}, {"networks_over_samples": FAILS}),
    ({"by_error": 0.6}, {"error_reads_too_high": FAILS}),
    ({"epoch_peak": 10.0}, {"networks_over_time": FAILS}),
    ({"growth": -0.5}, {"grows_with_time": FAILS, "networks_over_samples": HOLDS}),
    ({"clean": 80.0}, {"falls_with_label_noise": FAILS}),
    ({"ridge": 1.0}, {"falls_with_ridge": FAILS}),
    (
        {"feature_height": 0.0},
        {
            "features_over_size": FAILS,
            "features_over_samples": FAILS,
            "more_data_hurts": FAILS,
            "more_data_helps_before": HOLDS,
            "more_data_helps_beyond": HOLDS,
        },
    ),
]


@pytest.mark.parametrize(("changed", "expected"), OPPOSITE, ids=[next(iter(changed)) for changed, _ in OPPOSITE])
def test_the_opposite_fails(changed, expected):
    verdicts = verdicts_of(planted(**changed))
    assert {name: verdicts[name] for name in expected} == expected
    kept = {name for name in verdicts if verdicts[name] is HOLDS}
    assert len(kept) >= len(verdicts) - len(expected), "and nothing else does"


def test_noise_decides_nothing():
    noisy = planted(
        width_height=0.1, feature_height=0.1, by_error=1.1, growth=0.0, clean=125.0, ridge=0.9, noise=0.8
    )  # fmt: skip
    verdicts = verdicts_of(noisy)
    peaks = ("networks_over_width", "features_over_size", "more_data_hurts")
    complexities = ("grows_with_time", "falls_with_label_noise", "error_reads_too_high")
    assert {verdicts[name] for name in (*peaks, *complexities)} == {UNDECIDED}


def test_more_data_that_helps_everywhere_fails_to_hurt():
    surfaces = planted()
    loss = surfaces["features"]["test_loss"]
    loss.values[...] = 3.0 / surfaces["features"]["samples"].values[None, None, :, None]
    verdicts = verdicts_of(surfaces)
    assert verdicts["more_data_hurts"] is FAILS
    loss.values[...] = surfaces["features"]["samples"].values[None, None, :, None]
    verdicts = verdicts_of(surfaces)
    assert (verdicts["more_data_hurts"], verdicts["more_data_helps_before"]) == (HOLDS, FAILS)
    assert verdicts["more_data_helps_beyond"] is FAILS


def test_places_come_from_training_risks_alone():
    surfaces = planted()
    before = fitted_samples(surfaces["samples"]), fitted_size(surfaces["widths"], samples=300)
    for surface in surfaces.values():
        surface["test_loss"].values[...] = np.nan
    after = fitted_samples(surfaces["samples"]), fitted_size(surfaces["widths"], samples=300)
    assert before == after
    assert before[0].value == pytest.approx(125.0, rel=0.02)
    assert before[1].value == pytest.approx(41.0, rel=0.03)


def test_a_ratio_takes_the_end_that_widens_it():
    ratio = Place(value=4.0, low=2.0, high=8.0).over(Place(value=2.0, low=1.0, high=4.0))
    assert (ratio.value, ratio.low, ratio.high) == (2.0, 0.5, 8.0)
    unbounded = Place(value=4.0, low=2.0, high=8.0).over(Place(value=2.0, low=0.0, high=np.inf))
    assert (unbounded.low, unbounded.high) == (0.0, np.inf)
    assert np.isnan(Place(value=4.0, low=2.0, high=8.0).over(NOWHERE).value)


def test_an_uncertain_complexity_widens_the_interval_of_the_ratio():
    surfaces = planted()
    surfaces["samples"]["train_loss"].values[...] *= np.geomspace(0.2, 5.0, 10)
    claim = next(one for one in FIGURE.claims(QUICK) if one.name == "networks_over_samples")
    certain, unsure = (np.diff(claim.judged(one, 0.95).interval) for one in (PLANTED, surfaces))
    assert unsure > 1.5 * certain


def test_the_sizes_and_the_time_that_are_compared_follow_from_the_grid():
    assert QUICK.compared == (71, 141)
    assert QUICK.early == 1600
    assert GRID[0] == 25
    assert GRID[-1] == 200
    assert set(GRID) < set(SIZES)
    for scale in SCALES.values():
        assert set(scale.clean_samples) <= set(scale.samples)
        n, sizes = feature_grid(scale.grid)
        assert set(n) <= set(sizes)
        assert 2 * scale.compared[0] <= n[-1] == sizes[-1] / 8


# Two theorems --------------------------------------------------------------------------------------------------------


def test_n_features_have_a_complexity_of_n():
    sizes = [10, 20]
    surface = measure(
        RandomFourier(), digits(label_noise=0.1), samples=[9, 10, 11, 19, 20, 21], sizes=sizes,
        replicates=4, seed=5, workers=1,
    ).dataset  # fmt: skip
    found = emc_on_surface(surface, tolerance=LINEAR_TOLERANCE)
    np.testing.assert_allclose(found.value[:, 0], sizes, rtol=0.02)
    usual = emc_on_surface(surface, tolerance=0.02)
    assert (usual.value >= found.value).all()


def test_a_polynomial_has_one_more_than_its_degree():
    sizes = [3, 5]
    surface = measure(
        Polynomial(), mml(), samples=[2, 3, 4, 5, 6], sizes=sizes, replicates=8, seed=5, workers=1
    ).dataset
    found = emc_on_surface(surface, tolerance=1e-5)
    np.testing.assert_allclose(found.value[:, 0], sizes, rtol=0.02)


# The story -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pictures(results):
    """Of what is planted, by their names."""
    return {picture.name: picture for picture in FIGURE.pictures(results)}


def test_the_story_is_whole(results, pictures):
    names = [claim.name for claim in FIGURE.claims(QUICK)]
    assert len(set(names)) == len(names)
    assert list(results.findings) == names
    told = {claim for picture in pictures.values() for claim in picture.claims}
    assert told == set(names), "every finding stands beneath a picture"
    for picture in pictures.values():
        assert picture.heading.endswith("?")
        assert picture.sentence.endswith(".")
        assert "nan" not in picture.sentence
        assert len(picture.display.frame())
    assert "Over size, samples and time" in FIGURE.headline(results)
    assert "16 hidden units fit 400 digits with correct labels and 123 with 20 %" in FIGURE.lede(results)


@pytest.mark.parametrize("failing", [(), ("networks_over_time",), ("networks_over_width", "networks_over_samples")])
def test_the_headline_names_the_axes_that_hold(results, failing):
    changed = {name: replace(results.findings[name], verdict=FAILS) for name in failing}
    headline = FIGURE.headline(replace(results, findings={**results.findings, **changed}))
    assert 5 <= len(headline.split()) <= 20
    assert ("time" in headline) == ("networks_over_time" not in failing)
    assert ("size" in headline) == ("networks_over_width" not in failing)


def test_pictures_show_the_planted_numbers(pictures):
    places = pictures["peak_and_complexity"].display
    assert isinstance(places, CurveDisplay)
    assert len(places.marks) == 6
    for mark in places.marks:
        assert 1 / 1.5 < mark.value / mark.position < 1.5
    surface = pictures["features_over_both"].display
    assert isinstance(surface, HeatMapDisplay)
    inside = np.isfinite(surface.traces[0].values)
    np.testing.assert_allclose(surface.traces[0].values[inside], surface.sizes[inside], rtol=0.02)
    criterion = pictures["criterion"].display
    assert isinstance(criterion, StackedDisplay)
    marks = {mark.label.split(" from")[0]: round(mark.position) for mark in criterion.panels[1].marks}
    assert marks == {"zero-one error": 20, "loss": 41}
    time = pictures["complexity_over_time"].display
    assert isinstance(time, CurveDisplay)
    assert time.series[1].median[-1] == pytest.approx(125.0, rel=0.02)


def test_a_complexity_that_no_measured_n_bounds_is_a_gap_and_no_line():
    emc = emc_on_surface(PLANTED["features"], tolerance=LINEAR_TOLERANCE)
    value, _, high = emc.bounded(GRID[-1])[..., 0]
    is_bounded = (emc.value[:, 0] > 0.0) & (emc.sizes < GRID[-1])
    np.testing.assert_array_equal(np.isfinite(value), is_bounded)
    assert np.nanmax(high) <= GRID[-1]
    assert threshold_line(NOWHERE) is None
    assert threshold_line(Place(value=np.inf, low=3.0, high=np.inf)) is None


NETWORKS = ("widths", "samples", "clean", "epochs")


def without_numbers(surfaces):
    """All networks diverged."""
    lost = dict(surfaces)
    for name in NETWORKS:
        kept = surfaces[name].drop_vars(["train_loss_constant", "outcome"]) * np.nan
        lost[name] = surfaces[name].assign(kept.data_vars)
        lost[name]["outcome"] = surfaces[name]["outcome"] + Outcome.DIVERGED
    return lost


def test_a_replicate_without_a_number_leaves_the_median_of_the_others(pictures):
    """At n features one of ten may be too ill-conditioned to be given: the crest stays where it is."""
    surfaces = {**PLANTED, "features": PLANTED["features"].copy(deep=True)}
    column = list(SIZES).index(GRID[0])
    surfaces["features"]["test_loss"].values[column, 0, 0, 0] = np.nan
    changed = {picture.name: picture for picture in FIGURE.pictures(FIGURE.results("planted", surfaces, ()))}
    displays = [one["features_over_both"].display for one in (pictures, changed)]
    whole, found = (display.values[column, 0] for display in displays if isinstance(display, HeatMapDisplay))
    assert found == pytest.approx(whole, rel=0.02)


def test_networks_that_all_diverged_decide_nothing_and_can_be_told():
    results = FIGURE.results("planted", without_numbers(PLANTED))
    linear = ("features", "polynomial", "more_data", "falls_with_ridge", "peak_moves")
    verdicts = {finding.verdict for name, finding in results.findings.items() if not name.startswith(linear)}
    assert verdicts == {UNDECIDED}
    assert FIGURE.headline(results) == (
        "That the peaks lie where the effective complexity is n was not confirmed in this measurement."
    )
    lede, pictures = FIGURE.lede(results), list(FIGURE.pictures(results))
    assert lede.endswith("trainings diverged.")
    assert "nan" not in " ".join([lede, *(one.sentence for one in pictures)])
    assert isinstance(pictures[0].display, CurveDisplay)
    assert len(pictures[0].display.marks) == 3


def test_one_network_that_diverged_leaves_the_claims_on_its_complexity_undecided():
    surfaces = {name: surface.copy(deep=True) for name, surface in PLANTED.items()}
    surfaces["samples"]["train_loss"].values[0, -1, 3, 0] = np.nan
    verdicts = verdicts_of(surfaces)
    touched = {"networks_over_samples", "error_reads_too_high", "grows_with_time", "falls_with_label_noise"}
    assert {name for name, verdict in verdicts.items() if verdict is UNDECIDED} == touched


def test_a_whole_smoke_run(tmp_path):
    needs_networks()
    surfaces = dict(DECLARED.measure("smoke", 0, Environment(workers=1, executor="here")))
    assert list(surfaces) == list(PLANTED)
    results = DECLARED.results("smoke", surfaces)
    assert 5 <= len(DECLARED.headline(results).split()) <= 20
    assert "nan" not in DECLARED.lede(results)
    for picture in DECLARED.pictures(results):
        file = tmp_path / f"{picture.name}.png"
        picture.display.figure().savefig(file)
        assert file.stat().st_size > 5_000
    assert surfaces["features"].sizes["size"] == 7
    for name, level in (("widths", 0.1), ("samples", 0.2), ("clean", 0.0)):
        assert f'"label_noise": {level}' in surfaces[name].attrs["source"]
