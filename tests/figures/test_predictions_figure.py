"""The predictions of Barrett and Dherin: numbers under each condition and verdicts on planted surfaces."""

from functools import cache

import numpy as np
import pytest
import xarray as xr

from benign import schema
from benign.curves import Verdict
from benign.figures.barrett2021_predictions import FIGURE, METRICS, SCALES, under
from benign.plots import StackedDisplay, save

HOLDS, FAILS, UNDECIDED = Verdict.HOLDS, Verdict.FAILS, Verdict.UNDECIDED
QUICK = SCALES["quick"]
IMAGES = QUICK.parts["images"]
REPLICATES = QUICK.replicates


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
    return {name: surface_of(part, **changes) for name, part in QUICK.parts.items()}


@cache
def results():
    return FIGURE.results("quick", surfaces_of())


def verdicts(surfaces):
    return {finding.name: finding.verdict for finding in FIGURE.judge("quick", surfaces)}


def test_the_planted_effects_are_found():
    found = {name: finding.verdict for name, finding in results().findings.items()}
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
    expected = "Spearman correlation within strata of width, median by the sign test"
    assert results().findings["images_eigenvalue_time"].test.startswith(expected)


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
    few = {name: surface.isel(replicate=slice(2)) for name, surface in results().surfaces.items()}
    assert {verdict for name, verdict in verdicts(few).items() if "_eigenvalue_" in name} == {UNDECIDED}


def test_at_equal_loss_the_log_of_a_measure_is_interpolated():
    surface = surface_of(IMAGES, noise=0.0)
    level = IMAGES.loss * 2.0**0.5  # half way, in logarithms, between the last recording but two and that before
    found = under(surface, "gradient_penalty", "loss", level)
    rates, widths = np.array(IMAGES.rates), np.array(IMAGES.widths)
    np.testing.assert_allclose(found, np.broadcast_to(rates**1.5 * level / widths[:, None], found.shape), rtol=1e-10)


def test_a_loss_that_is_not_reached_has_no_number():
    surface = surface_of(IMAGES, noise=0.0)
    surface["train_loss"][{schema.LEARNING_RATE: 0}] = 9.0
    found = under(surface, "test_error", "loss", IMAGES.loss)
    assert np.isnan(found[..., 0]).all()
    assert np.isfinite(found[..., 1:]).all()


def test_at_equal_steps_larger_rates_are_further_on():
    found = under(surface_of(IMAGES, noise=0.0), "train_loss", "steps", IMAGES.loss)
    expected = IMAGES.loss * IMAGES.end / (2.0 * IMAGES.end * np.array(IMAGES.rates) / IMAGES.rates[-1])
    np.testing.assert_allclose(found, np.broadcast_to(expected, found.shape), rtol=1e-10)


def test_the_oracle_reads_where_each_network_errs_least():
    surface = surface_of(IMAGES, noise=0.0)
    surface["test_error"][{"time": 2}] = 0.0
    found = under(surface, "train_loss", "best", IMAGES.loss)
    np.testing.assert_allclose(found, IMAGES.loss * IMAGES.end / (2.0 * IMAGES.times[2]), rtol=1e-10)


def test_every_picture_is_drawn_and_claims_what_there_is(tmp_path):
    pictures = list(FIGURE.pictures(results()))
    assert {claim for picture in pictures for claim in picture.claims} == set(results().findings)
    for picture in pictures:
        assert isinstance(picture.display, StackedDisplay)
        assert save(picture.display, tmp_path / picture.name)
    assert "flatter solutions" in FIGURE.headline(results())
    assert "108 networks" in FIGURE.lede(results())


def test_every_scale_measures_times_on_whole_steps():
    for scale in SCALES.values():
        for part in scale.parts.values():
            steps = np.array([[time / rate for rate in part.rates] for time in part.times])
            assert np.array_equal(steps, np.round(steps))
            assert (np.diff(np.log2(part.rates)) == 1.0).all()
    assert {"train_loss_cooled", "test_error_cooled"} <= set(METRICS)
