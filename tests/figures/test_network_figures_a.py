"""Figures of networks over width: verdicts follow from planted effects, whatever trained the networks."""

import json
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

import benign
from benign.curves import Verdict
from benign.figures import belkin2019_network, find_figure, greydanus2024_mnist1d, nakkiran2020_modelwise
from benign.figures.belkin2019_network import CLASSES
from benign.foundation.outcomes import Outcome
from benign.plots import CurveDisplay
from benign.schema import METRICS
from benign.sources import Source
from benign.surface.sections import over_parameters, stopping_of

NAMES = ["belkin2019_network", "greydanus2024_mnist1d", "nakkiran2020_modelwise"]
MODULES = [belkin2019_network, greydanus2024_mnist1d, nakkiran2020_modelwise]
HOLDS, FAILS, UNDECIDED = Verdict.HOLDS, Verdict.FAILS, Verdict.UNDECIDED
DEFAULT = ("train_loss", "train_error", "test_loss", "test_error")


def planted(sizes, curves, *, samples, replicates=8, times=(1.0,), noise=0.01, parameters=None, seed=0):
    """A surface whose metrics follow ``curves``: metric -> function of (size, position of the time from 0 to 1)."""
    random = np.random.default_rng(seed)
    level = 1.0 + noise * random.standard_normal((1, 1, 1, replicates))
    share = np.arange(len(times)) / max(1, len(times) - 1)
    data: dict[str, object] = {}
    for metric, curve in curves.items():
        grid = np.array([[curve(size, moment) for moment in share] for size in sizes], dtype=float)
        own = 1.0 + 0.2 * noise * random.standard_normal((len(sizes), len(times), 1, replicates))
        data[metric] = (("size", "time", "samples", "replicate"), grid[:, :, None, None] * level * own)
    data["outcome"] = (("size", "time", "samples", "replicate"), np.zeros((len(sizes), len(times), 1, replicates), int))
    data["parameters"] = ("size", np.array([parameters(size) if parameters else size for size in sizes]))
    for name in ("train_loss_constant", "test_error_constant"):
        data[name] = (("samples", "replicate"), np.full((1, replicates), 0.9))
    return xr.Dataset(
        data,
        coords={"size": list(sizes), "time": list(times), "samples": [samples], "replicate": np.arange(replicates)},
        attrs={"seed": seed, "size_name": "hidden units", "time_name": "epochs", "objective": "squared"},
    )


def curves_of(test, *, train=lambda size, _: 1.0 / size, metrics=DEFAULT):
    """Each metric: test-like ones follow ``test``, train-like ones ``train``."""
    return {metric: train if metric.startswith("train") else test for metric in metrics}


def verdicts(module, surfaces, scale="quick"):
    return {finding.name: finding.verdict for finding in module.FIGURE.judge(scale, surfaces)}


def headline_of(module, surfaces, scale="quick"):
    return module.FIGURE.headline(module.FIGURE.results(scale, surfaces))


def drawn(module, surfaces, scale="quick"):
    """The curves among a figure's pictures."""
    displays = [picture.display for picture in module.FIGURE.pictures(module.FIGURE.results(scale, surfaces, ()))]
    return [display for display in displays if isinstance(display, CurveDisplay)]


def hump(narrow, peak, wide, *, at):
    """Linear in log size between the values at three widths, constant beyond."""
    places = np.log(at)
    return lambda size, _: float(np.interp(np.log(size), places, (narrow, peak, wide)))


# Belkin et al. 2019 --------------------------------------------------------------------------------------------------

BELKIN = belkin2019_network.SCALES["quick"]


def belkin(reuse=(0.3, 0.8), fresh=(0.3, 0.25, 0.15), restarted=(0.3, 0.25), noise=0.01):
    """Surfaces with test losses at 8, 39 (and 256) units, whose training sets are fitted from 24 units on."""
    ends = {"reuse": (*reuse, reuse[1]), "fresh": fresh, "restarted": (*restarted, restarted[1])}
    widths = {"reuse": BELKIN.below, "fresh": BELKIN.below + BELKIN.above, "restarted": BELKIN.restarted}
    return {
        name: planted(
            widths[name],
            curves_of(hump(*ends[name], at=(8, 39, 256)), train=lambda size, _: 0.4 * 0.03 ** (size / 24)),
            samples=BELKIN.samples, noise=noise, parameters=lambda size: 75 * size + 10,
        )
        for name in ends
    }  # fmt: skip


def test_the_cliff_is_blamed_on_reused_weights_where_they_alone_are_bad():
    found = verdicts(belkin2019_network, belkin())
    assert found["reuse_rises"] is HOLDS
    assert found["drop_at_the_switch"] is HOLDS
    assert found["switch_is_training"] is HOLDS
    assert found["switch_is_initialisation"] is HOLDS
    assert found["fresh_second_descent"] is HOLDS
    assert (found["reuse_rises_to_fit"], found["fresh_rises_to_fit"]) == (HOLDS, FAILS)
    assert found["fresh_rises"] is FAILS
    assert found["fresh_error_rises"] is FAILS


def test_the_cliff_is_not_blamed_on_reused_weights_where_the_schedule_does_it():
    surfaces = belkin(restarted=(0.3, 0.9))
    found = verdicts(belkin2019_network, surfaces)
    assert found["switch_is_training"] is HOLDS
    assert found["switch_is_initialisation"] is FAILS
    assert "the training below it, not" in headline_of(belkin2019_network, surfaces)


def losses_at(surfaces, **values):
    """The surfaces with other median test losses at some widths: ``fresh_40=0.29``."""
    for place, value in values.items():
        name, width = place.split("_")
        column = surfaces[name]["test_loss"].sel(size=int(width))
        surfaces[name]["test_loss"].loc[{"size": int(width)}] = column * value / column.median()
    return surfaces


def cliff(**values):
    """Reused weights at 39 units have a loss of 0.95, random ones at 40 one of 0.29, and at 1 to 36 more than 0.3."""
    return losses_at(belkin(fresh=(0.4, 0.3, 0.15)), reuse_39=0.95, fresh_40=0.29, **values)


@pytest.mark.parametrize(
    ("fresh", "restarted", "training", "initialisation", "words"),
    [
        (0.85, 0.85, FAILS, FAILS, "most of it was not confirmed"),
        (0.62, 0.62, UNDECIDED, UNDECIDED, "most of it was not confirmed"),
        (0.30, 0.85, HOLDS, FAILS, "made by the training below it, not by capacity"),
        (0.30, 0.30, HOLDS, HOLDS, "made by reused weights, not by capacity"),
    ],
    ids=["a tenth of the drop", "half of it", "all of it, by the schedule", "all of it, by reused weights"],
)
def test_the_drop_is_blamed_on_what_makes_more_than_half_of_it(fresh, restarted, training, initialisation, words):
    surfaces = cliff(fresh_39=fresh, restarted_39=restarted)
    found = verdicts(belkin2019_network, surfaces)
    assert found["drop_at_the_switch"] is HOLDS
    assert (found["switch_is_training"], found["switch_is_initialisation"]) == (training, initialisation)
    headline = headline_of(belkin2019_network, surfaces)
    assert words in headline
    assert ("not by capacity" in headline) is (training is HOLDS)


def test_without_a_drop_nothing_is_said_of_its_share():
    surfaces = losses_at(belkin(), reuse_39=0.3, fresh_39=0.1, restarted_39=0.1, fresh_40=0.5)
    found = verdicts(belkin2019_network, surfaces)
    assert found["drop_at_the_switch"] is FAILS
    assert (found["switch_is_training"], found["switch_is_initialisation"]) == (UNDECIDED, UNDECIDED)


def test_the_second_descent_is_below_the_best_width_under_n_k():
    surfaces = losses_at(belkin(), fresh_20=0.1)  # 8 units stay above the widest
    assert verdicts(belkin2019_network, surfaces)["fresh_second_descent"] is FAILS


def test_a_rise_is_also_asked_where_a_branch_first_fits():
    surfaces = losses_at(belkin(reuse=(0.3, 0.2)), reuse_24=0.5)
    findings = {finding.name: finding for finding in belkin2019_network.FIGURE.judge("quick", surfaces)}
    assert findings["reuse_rises"].verdict is FAILS
    assert findings["reuse_rises_to_fit"].verdict is HOLDS
    assert "(24 units)" in findings["reuse_rises_to_fit"].claim
    surfaces["reuse"]["train_loss"].values[...] = 0.5
    assert verdicts(belkin2019_network, surfaces)["reuse_rises_to_fit"] is UNDECIDED
    picture = next(iter(belkin2019_network.FIGURE.pictures(belkin2019_network.FIGURE.results("quick", surfaces))))
    assert "with weights reused at no width" in picture.sentence


@pytest.mark.parametrize("scale", ["quick", "standard", "paper"])
def test_there_are_enough_replicates_for_findings(scale):
    assert belkin2019_network.SCALES[scale].replicates >= 6
    assert greydanus2024_mnist1d.SCALES[scale].networks.replicates >= 6
    modelwise_scale = nakkiran2020_modelwise.SCALES[scale]
    assert min(modelwise_scale.noise.replicates, modelwise_scale.squared.replicates) >= 6


def test_random_weights_that_rise_too_are_not_acquitted():
    headline = headline_of(belkin2019_network, belkin(fresh=(0.3, 0.5, 0.2)))
    assert headline.endswith("made by reused weights; random weights rise there too.")


def test_no_cliff_no_verdict_on_its_cause_in_the_headline():
    surfaces = belkin(reuse=(0.3, 0.2))
    assert verdicts(belkin2019_network, surfaces)["drop_at_the_switch"] is not HOLDS
    assert "not confirmed" in headline_of(belkin2019_network, surfaces)


def test_widths_of_the_claims_are_those_about_n_k_parameters():
    claims = {claim.name: claim.text for claim in belkin2019_network.FIGURE.claims(BELKIN)}
    assert "39 units with weights reused have a higher test loss than 40 units" in claims["drop_at_the_switch"]
    assert "256 units have a lower test loss" in claims["fresh_second_descent"]


@pytest.mark.parametrize("scale", ["smoke", "quick", "standard", "paper"])
def test_the_chain_ends_below_n_k_parameters_and_the_rest_starts_above(scale):
    at = belkin2019_network.SCALES[scale]
    inputs = 64 if at.images == "digits" else 784
    threshold = CLASSES * at.samples
    count = [(inputs + 1) * width + (width + 1) * CLASSES for width in at.below + at.above]
    assert max(count[: len(at.below)]) < threshold <= min(count[len(at.below) :])
    assert set(at.restarted) <= set(at.below)
    assert at.below[-1] in at.restarted


def test_branches_are_drawn_over_parameters_with_the_threshold():
    display = drawn(belkin2019_network, belkin())[0]
    named = {series.name: series for series in display.series}
    assert set(named) == {"test, reused", "train, reused", "test, random", "train, random"}
    np.testing.assert_array_equal(named["test, reused"].positions, [75 * width + 10 for width in BELKIN.below])
    assert named["test, reused"].condition != named["test, random"].condition
    assert display.threshold is not None
    assert display.threshold.position == 3000.0
    assert [(mark.position, mark.label) for mark in display.marks] == [
        (75 * 24 + 10, f"{name} fits from 24 units on:") for name in ("reused", "random")
    ]


# Greydanus & Kobak 2024 ----------------------------------------------------------------------------------------------

WANTED = (*DEFAULT, *greydanus2024_mnist1d.METRICS)


def mnist1d_surface(last=(0.50, 0.55, 0.46), *, best=(0.48, 0.42, 0.36), scale="quick", noise=0.01, replicates=6):
    """Errors at the claims' widths after the last epoch; at the middle one, which is the best, ``best``."""
    networks = greydanus2024_mnist1d.SCALES[scale].networks
    end, middle = hump(*last, at=networks.told), hump(*best, at=networks.told)

    def test(size, moment):
        return 0.9 if moment == 0.0 else middle(size, moment) if moment < 1.0 else end(size, moment)

    return planted(
        networks.widths, curves_of(test, metrics=WANTED), samples=networks.samples, replicates=replicates,
        times=(1.0, 10.0, 100.0), noise=noise,
    )  # fmt: skip


def test_the_claims_on_mnist1d_hold_where_they_are_planted():
    found = verdicts(greydanus2024_mnist1d, {"noisy": mnist1d_surface()})
    for name in ("rises", "second_descent", "below_the_first_minimum", "peak_position", "oracle_falls"):
        assert found[name] is HOLDS, name
    assert found["stopped_falls"] is HOLDS
    assert found["stopping_helps"] is HOLDS
    assert found["averaging_helps"] is not HOLDS  # averaged weights are planted alike
    assert found["loss_stays_up"] is FAILS
    assert not any(name.startswith("noisy_as_published") for name in found)


def test_the_claims_on_mnist1d_fail_where_the_opposite_is_planted():
    found = verdicts(greydanus2024_mnist1d, {"noisy": mnist1d_surface((0.5, 0.4, 0.45), best=(0.3, 0.35, 0.4))})
    for name in ("rises", "second_descent", "peak_position", "oracle_falls", "averaged_rises"):
        assert found[name] is FAILS, name


def test_the_claims_on_mnist1d_are_undecided_in_noise():
    surface = mnist1d_surface((0.5, 0.5, 0.5), best=(0.5, 0.5, 0.5), noise=0.3)
    found = verdicts(greydanus2024_mnist1d, {"noisy": surface})
    for name in ("rises", "second_descent", "below_the_first_minimum", "oracle_falls"):
        assert found[name] is UNDECIDED, name


def test_the_oracle_takes_each_networks_best_epoch_on_the_half_that_is_judged():
    surface = mnist1d_surface()
    held_out = surface["test_error_held_out"].isel(samples=0)
    np.testing.assert_array_equal(stopping_of(surface).oracle, held_out.min("time").transpose("replicate", "size"))
    surface["test_error"].values[...] = 1.0
    surface["test_error_held_out"].loc[{"size": 64, "time": 10.0}] = 0.9
    assert verdicts(greydanus2024_mnist1d, {"noisy": surface})["oracle_falls"] is FAILS
    surface["test_error_held_out"].loc[{"size": 64, "time": 10.0}] = 0.1
    assert verdicts(greydanus2024_mnist1d, {"noisy": surface})["oracle_falls"] is HOLDS
    figure = greydanus2024_mnist1d.FIGURE
    sentence = {one.name: one.sentence for one in figure.pictures(figure.results("quick", {"noisy": surface}, ()))}
    assert "10.0 % at the best" in sentence["best_epoch"]


def test_the_first_minimum_is_the_best_of_all_widths_before_the_peak():
    surface, figure = mnist1d_surface(), greydanus2024_mnist1d.FIGURE
    assert "below the first minimum" in headline_of(greydanus2024_mnist1d, {"noisy": surface})
    surface["test_error"].loc[{"size": 16}] *= 0.8  # 24 units stay above the widest, 16 are below it
    results = figure.results("quick", {"noisy": surface})
    assert results.verdict("below_the_first_minimum") is FAILS
    assert results.findings["below_the_first_minimum"].effect == pytest.approx(0.8 * 0.5 / 0.46, rel=0.02)
    assert "not confirmed" in figure.headline(results)


def test_a_loss_that_stays_up_is_above_the_best_of_all_widths_before_the_peak():
    surface = mnist1d_surface((0.5, 0.55, 0.46))
    assert verdicts(greydanus2024_mnist1d, {"noisy": surface})["loss_stays_up"] is FAILS
    surface["test_loss"].loc[{"size": 16}] *= 0.8  # 24 units stay above the widest
    assert verdicts(greydanus2024_mnist1d, {"noisy": surface})["loss_stays_up"] is HOLDS


def test_a_width_without_a_number_may_have_been_the_best():
    surface = mnist1d_surface()
    surface["test_error"].loc[{"size": 4, "replicate": 0}] = np.nan
    assert verdicts(greydanus2024_mnist1d, {"noisy": surface})["below_the_first_minimum"] is UNDECIDED


@pytest.mark.parametrize(("shift", "verdict"), [(0.0, HOLDS), (0.1, FAILS)])
def test_the_notebooks_table_is_compared_at_its_scale(shift, verdict):
    noisy = mnist1d_surface(np.add((0.472, 0.541, 0.455), shift), scale="paper", noise=0.002)
    clean = mnist1d_surface((0.446, 0.410, 0.373), scale="paper", noise=0.002)
    surfaces = {"noisy": noisy, "clean": clean}
    found = verdicts(greydanus2024_mnist1d, surfaces, "paper")
    assert [found[f"noisy_as_published_at_{width}"] for width in (16, 47, 300)] == [verdict] * 3
    assert [found[f"clean_as_published_at_{width}"] for width in (16, 47, 300)] == [HOLDS] * 3
    display = drawn(greydanus2024_mnist1d, surfaces, "paper")[0]
    assert "notebook, one run" in {series.name for series in display.series}
    figure = greydanus2024_mnist1d.FIGURE
    assert list(figure.pictures(figure.results("paper", surfaces, ())))[-1].name == "clean"


def test_the_heat_map_can_ask_for_the_same_measurement():
    (asked,), (again,) = (find_figure(name).runs("quick") for name in (NAMES[1], "nakkiran2020_size_and_time"))
    assert isinstance(asked.procedure, benign.MLP)
    assert asked.procedure.training.epochs == 150
    assert isinstance(asked.source, Source)
    assert asked.source.spec()["label_noise"] == 0.2
    assert again.procedure == asked.procedure
    for what in ("samples", "sizes", "times", "replicates", "metrics", "seed"):
        assert getattr(again, what) == getattr(asked, what)
    assert set(greydanus2024_mnist1d.METRICS) <= set(METRICS)
    notebook = greydanus2024_mnist1d.SCALES["paper"]
    assert notebook.networks.widths == tuple(np.unique(np.geomspace(2, 300, 20).astype(int)).tolist())


# Nakkiran et al. 2020 ------------------------------------------------------------------------------------------------

QUICK = nakkiran2020_modelwise.SCALES["quick"]


def modelwise(errors=None, *, squared=(0.48, 0.72, 0.3), fitted=None, noise=0.01, seed=0):
    """Test errors at 8, 12 and 256 units by label noise, squared losses at 12, 48 and 512, and widths that fit."""
    errors = errors or {"noise_0": (0.2, 0.15, 0.1), "noise_10": (0.22, 0.22, 0.13), "noise_20": (0.26, 0.3, 0.17)}
    fitted = fitted or {"noise_0": 10, "noise_10": 12, "noise_20": 24}
    surfaces = {}
    for place, (name, values) in enumerate(errors.items()):
        surfaces[name] = planted(
            QUICK.noise.widths,
            curves_of(hump(*values, at=(8, 12, 256)), train=lambda size, _, name=name: float(size < fitted[name])),
            samples=QUICK.noise.samples, replicates=10, noise=noise, seed=4 * seed + place,
        )  # fmt: skip
    surfaces["squared"] = planted(
        QUICK.squared.widths, curves_of(hump(*squared, at=(12, 48, 512))), samples=QUICK.squared.samples, noise=noise,
        parameters=lambda size: 75 * size + 10, seed=4 * seed + 3,
    )  # fmt: skip
    return surfaces


def test_the_model_wise_claims_hold_where_they_are_planted():
    found = verdicts(nakkiran2020_modelwise, modelwise())
    assert found == dict.fromkeys(found, HOLDS)
    assert len(found) == 11


def test_the_model_wise_claims_fail_where_the_opposite_is_planted():
    flat = {"noise_0": (0.2, 0.3, 0.1), "noise_10": (0.2, 0.2, 0.3), "noise_20": (0.2, 0.15, 0.3)}
    fitted = {"noise_0": 24, "noise_10": 12, "noise_20": 10}
    found = verdicts(nakkiran2020_modelwise, modelwise(flat, squared=(0.5, 0.3, 0.6), fitted=fitted))
    assert found == dict.fromkeys(found, FAILS)


@pytest.mark.parametrize(
    ("name", "metric", "claim"),
    [("noise_20", "test_error", "noise_20_second_descent"), ("squared", "test_loss", "squared_second_descent")],
)
def test_the_widest_must_be_below_the_best_of_all_widths_before_the_peak(name, metric, claim):
    surfaces = modelwise()
    surfaces[name][metric].loc[{"size": 4}] *= 0.5  # the other narrow widths stay above the widest
    assert verdicts(nakkiran2020_modelwise, surfaces)[claim] is FAILS


def test_the_model_wise_claims_are_undecided_in_noise():
    """One of ten is a chance finding, for each side has a level of 0.95."""
    alike = dict.fromkeys(("noise_0", "noise_10", "noise_20"), (0.2, 0.2, 0.2))
    claims = ("noise_20_rises", "noise_20_second_descent", "noise_raises_the_peak", "squared_rises")
    judged = [
        verdicts(nakkiran2020_modelwise, modelwise(alike, squared=(0.3, 0.3, 0.3), noise=0.3, seed=seed))
        for seed in range(5)
    ]
    found = [one[name] for one in judged for name in claims]
    assert found.count(UNDECIDED) >= 17


@pytest.mark.parametrize(
    ("clean", "noisy", "verdict"),
    [(10, 1000, HOLDS), (1000, 24, FAILS), (1000, 1000, UNDECIDED)],
    ids=["with noise", "without", "neither"],
)
def test_a_training_set_that_is_never_fitted_has_a_threshold_beyond_all_widths(clean, noisy, verdict):
    surfaces = modelwise(fitted={"noise_0": clean, "noise_10": 12, "noise_20": noisy})
    assert verdicts(nakkiran2020_modelwise, surfaces)["noise_moves_the_threshold"] is verdict
    surfaces = modelwise(fitted={"noise_0": 10, "noise_10": 12, "noise_20": 1000})
    results = nakkiran2020_modelwise.FIGURE.results("quick", surfaces, ())
    sentences = {picture.name: picture.sentence for picture in nakkiran2020_modelwise.FIGURE.pictures(results)}
    assert "none of the widths (20 % noise)" in sentences["fit"]


@pytest.fixture(scope="module")
def modelwise_findings():
    """Judged once."""
    return nakkiran2020_modelwise.FIGURE.judge("quick", modelwise())


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({}, "Label noise makes the peak"),
        ({"noise_0_no_peak": UNDECIDED}, "that label noise makes the peak was not confirmed"),
        ({"noise_raises_the_peak": UNDECIDED}, "that label noise makes the peak was not confirmed"),
        ({"noise_20_second_descent": UNDECIDED}, "that it falls below its first minimum was not confirmed"),
        ({"noise_20_rises": UNDECIDED}, "The squared loss peaks over width and falls below"),
        ({"noise_20_rises": FAILS, "squared_rises": UNDECIDED}, "The squared loss peaks over width and falls below"),
        ({"noise_20_rises": FAILS, "squared_peak_at_threshold": UNDECIDED}, "No peak of the test error"),
        ({"noise_20_rises": FAILS, "squared_second_descent": UNDECIDED}, "No peak of the test error"),
    ],
)
def test_the_model_wise_headline_says_what_holds(modelwise_findings, changed, words):
    """If some findings had another verdict."""
    other = [replace(finding, verdict=changed.get(finding.name, finding.verdict)) for finding in modelwise_findings]
    figure = nakkiran2020_modelwise.FIGURE
    assert words in figure.headline(figure.results("quick", {}, other))


def test_noise_levels_are_drawn_in_order():
    display = drawn(nakkiran2020_modelwise, modelwise())[0]
    assert [(series.name, series.condition) for series in display.series] == [
        ("0 % noise", 0), ("10 % noise", 1), ("20 % noise", 2)
    ]  # fmt: skip


def test_the_widest_peak_of_the_squared_loss_is_read_in_parameters(modelwise_findings):
    finding = next(finding for finding in modelwise_findings if finding.name == "squared_peak_at_threshold")
    assert finding.effect == pytest.approx((75 * 48 + 10) / 3000)


# All of them ---------------------------------------------------------------------------------------------------------

PLANTED = {
    "belkin2019_network": belkin,
    "greydanus2024_mnist1d": lambda: {"noisy": mnist1d_surface()},
    "nakkiran2020_modelwise": modelwise,
}


def diverged(surfaces):
    """As if training had given no number from some width on, and in one replicate everywhere."""
    lost = {}
    for name, surface in surfaces.items():
        copy = surface.copy(deep=True)
        for metric in set(copy.data_vars) & set(METRICS):
            copy[metric].values[:, :, :, 0] = np.nan
            copy[metric].values[-2:] = np.nan
        copy["outcome"].values[:, :, :, 0] = Outcome.DIVERGED
        copy["outcome"].values[-2:] = Outcome.DIVERGED
        lost[name] = copy
    return lost


@pytest.mark.parametrize("name", NAMES)
def test_a_lede_counts_what_diverged_and_every_sentence_keeps_its_numbers(name):
    figure, surfaces = find_figure(name), PLANTED[name]()
    assert "diverged" not in figure.lede(figure.results("quick", surfaces, ()))
    trained = 0
    for surface in surfaces.values():
        trained += surface["outcome"].isel(time=0).size
        for metric in set(surface.data_vars) & set(METRICS):
            surface[metric].values[:, -1, :, 0] = np.nan
        surface["outcome"].values[:, -1, :, 0] = Outcome.DIVERGED
    lost = sum(surface.sizes["size"] for surface in surfaces.values())
    results = figure.results("quick", surfaces)
    assert figure.lede(results).endswith(f" {lost} of {trained} trainings diverged; medians are over the others.")
    for text in (figure.lede(results), *(picture.sentence for picture in figure.pictures(results))):
        assert "nan" not in text
        assert "undefined" not in text


@pytest.mark.parametrize("name", NAMES)
def test_every_claim_can_be_read_alone(name):
    for finding in find_figure(name).judge("quick", PLANTED[name]()):
        assert not finding.claim.startswith(("So ", "And ", "It "))
        assert not {"still", "too", "too,"} & set(finding.claim.split())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("change", [lambda surfaces: surfaces, diverged], ids=["measured", "diverged"])
def test_every_figure_tells_its_story(name, change):
    figure, surfaces = find_figure(name), change(PLANTED[name]())
    findings = figure.judge("quick", surfaces)
    names = [finding.name for finding in findings]
    assert len(set(names)) == len(names)
    assert set(figure.primary_claims("quick")) <= set(names)
    json.dumps([finding.to_dict() for finding in findings], allow_nan=False)
    if change is diverged:
        assert {finding.verdict for finding in findings} == {UNDECIDED}
    results = figure.results("quick", surfaces, findings)
    pictures = list(figure.pictures(results))
    for picture in pictures:
        assert picture.heading.endswith("?")
        assert picture.sentence.endswith(".")
        assert set(picture.claims) <= set(names)
        assert picture.display.alternative_text
        picture.display.svg()
    assert set(names) == {claim for picture in pictures for claim in picture.claims}
    assert 5 <= len(figure.headline(results).split()) <= 20
    assert figure.lede(results).endswith(".")
    assert "nan" not in " ".join([figure.lede(results), *(picture.sentence for picture in pictures)])


@pytest.mark.parametrize("name", NAMES)
def test_headlines_of_all_verdicts_fit(name):
    figure = find_figure(name)
    surfaces = PLANTED[name]()
    findings = figure.judge("quick", surfaces)
    told = set()
    for last in range(len(findings) + 1):  # the first ones hold, the rest are undecided; and the other way round
        for first, second in ((HOLDS, UNDECIDED), (UNDECIDED, HOLDS)):
            changed = [replace(finding, verdict=first if i < last else second) for i, finding in enumerate(findings)]
            told.add(figure.headline(figure.results("quick", surfaces, changed)))
    assert len(told) >= 3
    assert all(5 <= len(headline.split()) <= 20 for headline in told)


@pytest.mark.parametrize("module", MODULES)
def test_every_scale_has_settings_and_smoke_is_tiny(module):
    assert list(module.SCALES) == list(benign.figures.SCALES)
    assert "mnist'" not in repr(module.SCALES["smoke"])  # no large images
    parts = {
        belkin2019_network: lambda at: [(at.below + at.above, at.samples, at.epochs)],
        greydanus2024_mnist1d: lambda at: [(at.networks.widths, at.networks.samples, at.networks.training.epochs)],
        nakkiran2020_modelwise: lambda at: [
            (networks.widths, networks.samples, networks.training.epochs) for networks in (at.noise, at.squared)
        ],
    }[module](module.SCALES["smoke"])
    for widths, samples, epochs in parts:
        assert len(widths) <= 3
        assert max(widths) <= 8  # one program
        assert samples <= 100
        assert epochs <= 20


def test_over_parameters_keeps_the_surface():
    surface = planted([2, 4], curves_of(lambda size, _: size), samples=10, parameters=lambda size: 100 * size)
    moved = over_parameters(surface)
    assert moved["size"].values.tolist() == [200, 400]
    np.testing.assert_array_equal(moved["test_loss"].values, surface["test_loss"].values)
    assert surface["size"].values.tolist() == [2, 4]
