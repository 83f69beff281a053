"""The predictions of Barrett and Dherin: numbers under each condition and verdicts on planted surfaces."""

import numpy as np
import pytest
import xarray as xr

from benign import schema
from benign.curves import Verdict
from benign.figures import find_figure
from benign.figures.barrett2021_predictions import METRICS, SETTINGS, at_equal_loss, at_equal_steps, under
from benign.plots import StackedDisplay, save

FIGURE = find_figure("barrett2021_predictions")
HOLDS, FAILS, UNDECIDED = Verdict.HOLDS, Verdict.FAILS, Verdict.UNDECIDED
REPLICATES = 6


def surface_of(part, *, flatter=0.5, better=0.02, noise=1e-3, seed=0):
    """Loss falls as 1 / time; at equal loss, curvature falls by a power of the rate and the error linearly in its log.

    Before cooling R_IG rises with the rate, after it it does not change.
    """
    random = np.random.default_rng(seed)
    rates, times = np.array(part.rates), np.array(part.times)
    widths = np.array(part.widths, dtype=float)
    h, m, t = rates[:, None, None, None, None], widths[None, :, None, None, None], times[None, None, :, None, None]
    shape = (len(rates), len(widths), len(times), 1, REPLICATES)
    loss = part.loss * part.end / (2.0 * t)
    values = {
        "train_loss": loss, "train_loss_cooled": loss,
        "test_error": 0.2 - better * np.log2(h), "test_error_cooled": 0.2 - better * np.log2(h),
        "gradient_penalty": h**1.5 * loss / m, "gradient_penalty_cooled": loss / m,
        "top_eigenvalue": 2.0 * h**-flatter, "top_eigenvalue_cooled": 2.0 * h**-flatter,
        "adaptive_sharpness": h**-flatter, "adaptive_sharpness_cooled": h**-flatter,
        "test_error_under_noise": 0.3 - better * np.log2(h), "test_error_under_noise_cooled": 0.3 - better * np.log2(h),
    }  # fmt: skip
    dims = (schema.LEARNING_RATE, *schema.DIMENSIONS)
    tables = {
        name: (dims, np.broadcast_to(value, shape) * np.exp(noise * random.standard_normal(shape)))
        for name, value in values.items()
    }
    extra = {
        "outcome": (dims, np.zeros(shape, dtype=np.int8)),
        "parameters": (("size",), (100 * widths).astype(int)),
    }
    return xr.Dataset(
        tables | extra,
        coords={
            schema.LEARNING_RATE: rates, "size": widths.astype(int), "time": times, "samples": [100],
            "replicate": np.arange(REPLICATES),
        },
        attrs={"title": "planted", "size_name": "hidden units", "time_name": "time", "objective": "cross-entropy",
               "seed": 0},
    )  # fmt: skip


def surfaces_of(**changes):
    settings = SETTINGS["quick"]
    return {"images": surface_of(settings.images, **changes), "signals": surface_of(settings.signals, **changes)}


def verdicts(surfaces):
    return {finding.name: finding.verdict for finding in FIGURE.findings(surfaces)}


def test_the_planted_effects_are_found():
    found = verdicts(surfaces_of())
    for name in ("images", "signals"):
        for condition in ("time", "loss", "cooled"):
            assert found[f"{name}_eigenvalue_{condition}"] is HOLDS
            assert found[f"{name}_accuracy_{condition}"] is HOLDS
            assert found[f"{name}_robustness_{condition}"] is HOLDS
        assert found[f"{name}_penalty_time"] is FAILS
        assert found[f"{name}_penalty_loss"] is FAILS
        assert found[f"{name}_penalty_cooled"] is UNDECIDED
        assert found[f"{name}_trained_steps"] is HOLDS
        assert found[f"{name}_penalty_width"] is HOLDS
        assert found[f"{name}_slope_width"] is UNDECIDED


def test_the_words_of_the_test_say_what_was_correlated():
    tests = {finding.name: finding.test for finding in FIGURE.findings(surfaces_of())}
    expected = "Spearman correlation within strata of width, median by the sign test"
    assert tests["images_eigenvalue_time"].startswith(expected)


def test_the_opposite_effects_fail():
    found = verdicts(surfaces_of(flatter=-0.5, better=-0.02))
    assert found["images_eigenvalue_cooled"] is FAILS
    assert found["signals_accuracy_cooled"] is FAILS


@pytest.mark.parametrize("seed", range(5))
def test_noise_decides_nothing(seed):
    found = verdicts(surfaces_of(flatter=0.0, better=0.0, noise=0.05, seed=seed))
    claims = [f"images_{short}_{c}" for short in ("eigenvalue", "accuracy") for c in ("time", "loss", "cooled")]
    assert sum(found[name] is UNDECIDED for name in claims) >= 5


def test_two_replicates_hold_nothing():
    few = {name: surface.isel(replicate=slice(2)) for name, surface in surfaces_of().items()}
    assert {f.verdict for f in FIGURE.findings(few) if "_eigenvalue_" in f.name} == {UNDECIDED}


def test_at_equal_loss_the_log_of_a_measure_is_interpolated():
    part = SETTINGS["quick"].images
    surface = surface_of(part, noise=0.0)
    level = part.loss * 2.0**0.5  # half way, in logarithms, between the last recording but two and that before
    found = at_equal_loss(surface, "gradient_penalty", level, cooled=False)
    rates, widths = np.array(part.rates), np.array(part.widths)
    np.testing.assert_allclose(found, np.broadcast_to(rates**1.5 * level / widths[:, None], found.shape), rtol=1e-10)


def test_a_loss_that_is_not_reached_has_no_number():
    part = SETTINGS["quick"].images
    surface = surface_of(part, noise=0.0)
    surface["train_loss"][{schema.LEARNING_RATE: 0}] = 9.0
    found = under(surface, "test_error", "loss")
    assert np.isnan(found[..., 0]).all()
    assert np.isfinite(found[..., 1:]).all()


def test_at_equal_steps_larger_rates_are_further_on():
    part = SETTINGS["quick"].images
    found = at_equal_steps(surface_of(part, noise=0.0), "train_loss")
    expected = part.loss * part.end / (2.0 * part.end * np.array(part.rates) / part.rates[-1])
    np.testing.assert_allclose(found, np.broadcast_to(expected, found.shape), rtol=1e-10)


def test_every_picture_is_drawn_and_claims_what_there_is(tmp_path):
    surfaces = surfaces_of()
    names = {finding.name for finding in FIGURE.findings(surfaces)}
    pictures = FIGURE.pictures(surfaces)
    assert {claim for picture in pictures for claim in picture.claims} == names
    for picture in pictures:
        assert isinstance(picture.display, StackedDisplay)
        assert save(picture.display, tmp_path / picture.name)
    assert "flatter solutions" in FIGURE.headline(surfaces, FIGURE.findings(surfaces))
    assert "108 networks" in FIGURE.lede(surfaces)


def test_every_scale_measures_times_on_whole_steps():
    for settings in SETTINGS.values():
        for part in (settings.images, settings.signals):
            steps = np.array([[time / rate for rate in part.rates] for time in part.times])
            assert np.array_equal(steps, np.round(steps))
            assert (np.diff(np.log2(part.rates)) == 1.0).all()
    assert {"train_loss_cooled", "test_error_cooled"} <= set(METRICS)
