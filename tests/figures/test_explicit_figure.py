"""Explicit gradient regularisation: numbers read off planted surfaces, verdicts, pictures and settings."""

import json

import numpy as np
import pytest
import xarray as xr

from benign import schema
from benign.curves import Verdict
from benign.figures.barrett2021_explicit import (
    COOLED_METRICS,
    FIGURE,
    SETTINGS,
    compared,
    path_distance,
    rate_of,
    strength_of,
)
from benign.plots import StackedDisplay

QUICK = SETTINGS["quick"]
REPLICATES = 8
PACE = np.exp(0.05 * np.random.default_rng(1).standard_normal(REPLICATES))  # of a replicate's delays, in every surface
HOLDS, FAILS, UNDECIDED = Verdict.HOLDS, Verdict.FAILS, Verdict.UNDECIDED


def surface_of(training, random, *, delay, gradient=1.0, curvature=3.0, error=0.13, noise=1e-3):
    """Loss 4 / time, later by a share ``delay``; R_IG follows the loss, the rest is constant up to noise."""
    times = np.array(QUICK.times)
    shape = (1, len(times), 1, REPLICATES)
    loss = 4.0 / times[None, :, None, None] * (1.0 + delay * PACE)
    of = {"train_loss": loss, "test_error": error, "gradient_penalty": gradient * loss**2, "top_eigenvalue": curvature}
    tables = {
        metric: (
            schema.DIMENSIONS,
            np.broadcast_to(of[metric.removesuffix("_cooled")], shape)
            * np.exp(noise * random.standard_normal(shape) * (not metric.startswith("train_loss"))),
        )
        for metric in COOLED_METRICS
    }
    outcome = {"outcome": (schema.DIMENSIONS, np.zeros(shape, dtype=np.int8))}
    return xr.Dataset(
        tables | outcome | {"parameters": (("size",), [QUICK.parameters])},
        coords={"size": [QUICK.width], "time": times, "samples": [QUICK.samples], "replicate": np.arange(REPLICATES)},
        attrs={"procedure": json.dumps({"procedure": "solutions", "training": training.spec()}), "seed": 0},
    )


def surfaces_of(*, flatter=0.0, better=0.0, smaller=0.0, step_flatter=0.5, followed=0.9, kinks=0.5, noise=1e-3, seed=0):
    """Per unit of mu / m the penalty delays by 0.3, flattens and so on; a step is followed by a share of its delay."""
    random = np.random.default_rng(seed)
    surfaces = {}
    for k, c in enumerate(QUICK.strengths):
        surfaces[f"penalty_{k}"] = surface_of(
            QUICK.training(QUICK.rate, c), random, delay=0.3 * c, gradient=np.exp(-smaller * c),
            curvature=3.0 * np.exp(-flatter * c), error=0.13 - better * c, noise=noise,
        )  # fmt: skip
    for k, rate in enumerate(QUICK.steps, start=1):
        surfaces[f"step_{k}"] = surface_of(
            QUICK.training(rate), random, delay=0.3 * QUICK.strengths[k] / followed, noise=noise,
            curvature=3.0 * np.exp(-step_flatter * QUICK.strengths[k]),
        )  # fmt: skip
    c = QUICK.strengths[len(QUICK.steps)]
    exact, difference = QUICK.training(QUICK.rate, c), QUICK.training(QUICK.rate, c, by_difference=True)
    surfaces["difference"] = surface_of(difference, random, delay=0.3 * c * (1.0 + kinks), noise=noise)
    surfaces["tanh_none"] = surface_of(QUICK.training(QUICK.rate), random, delay=0.0, noise=noise)
    surfaces["tanh_penalty"] = surface_of(exact, random, delay=0.1 * c, noise=noise)
    surfaces["tanh_difference"] = surface_of(difference, random, delay=0.101 * c, noise=noise)
    return surfaces


def verdicts(surfaces):
    return {finding.name: finding.verdict for finding in FIGURE.findings(surfaces)}


def test_the_planted_effects_are_found():
    found = verdicts(surfaces_of(flatter=0.3, better=0.02, smaller=1.0))
    for condition in ("time", "loss", "cooled"):
        assert found[f"eigenvalue_{condition}"] is HOLDS
        assert found[f"accuracy_{condition}"] is HOLDS
    assert found["penalty_loss"] is HOLDS
    assert found["eigenvalue_step"] is HOLDS
    assert found["eigenvalue_step_beyond_penalty"] is HOLDS
    assert {found[f"path_{k}{suffix}"] for k in (1, 2, 3) for suffix in ("", "_cooled")} == {HOLDS}
    assert found["agreement_relu"] is FAILS
    assert found["agreement_tanh"] is HOLDS


def test_the_opposite_effects_fail():
    found = verdicts(surfaces_of(flatter=-0.3, better=-0.02, smaller=-1.0, step_flatter=-0.9, followed=0.3))
    for name in ("penalty_loss", "eigenvalue_loss", "accuracy_loss", "eigenvalue_step_beyond_penalty", "path_2"):
        assert found[name] is FAILS


def test_noise_decides_nothing():
    for seed in range(5):
        found = verdicts(surfaces_of(step_flatter=0.0, noise=0.05, seed=seed))
        claims = [f"{short}_{condition}" for short in ("eigenvalue", "accuracy") for condition in ("time", "loss")]
        assert sum(found[name] is UNDECIDED for name in claims) >= 3


def test_a_step_that_reaches_no_loss_leaves_its_claims_undecided():
    surfaces = surfaces_of()
    surfaces["step_3"]["train_loss_cooled"][:] = 0.5
    found = verdicts(surfaces)
    assert found["eigenvalue_step"] is found["accuracy_step_beyond_penalty"] is UNDECIDED
    assert found["eigenvalue_loss"] is not HOLDS


def test_at_equal_loss_the_log_of_a_measure_is_interpolated():
    surface = surfaces_of(noise=0.0)["penalty_2"]
    np.testing.assert_allclose(compared(surface, "gradient_penalty", "loss"), np.log(QUICK.loss**2), rtol=1e-10)
    surface["test_error"] = surface["train_loss"] * 0.0 + np.array([0.5, 0.4, 0.3, 0.2, 0.12, 0.1])[:, None, None]
    share = np.log(surface["train_loss"].values[0, 3, 0] / QUICK.loss) / np.log(48.0 / 32.0)
    assert 0.1 < share.min() < share.max() < 0.9
    np.testing.assert_allclose(compared(surface, "test_error", "loss"), 0.2 - 0.08 * share, rtol=1e-10)


def test_a_path_lies_its_delay_away():
    surfaces = surfaces_of()
    np.testing.assert_allclose(
        path_distance(surfaces["penalty_0"], surfaces["penalty_4"]),
        np.log1p(0.3 * QUICK.strengths[4] * PACE),
        rtol=1e-10,
    )


@pytest.mark.parametrize("scale", SETTINGS)
def test_a_penalty_and_its_step_have_the_same_modified_loss(scale):
    settings = SETTINGS[scale]
    steps = (*settings.steps, *settings.beyond)
    for strength, step in zip(settings.strengths, (settings.rate, *steps), strict=True):
        mu = settings.training(settings.rate, strength).gradient_penalty
        implicit = settings.rate * settings.parameters / 4.0
        assert mu + implicit == pytest.approx(step * settings.parameters / 4.0, rel=1e-12)


def test_the_spec_of_a_surface_tells_its_penalty_and_its_step():
    surfaces = surfaces_of()
    assert [strength_of(surfaces[f"penalty_{k}"]) for k in range(5)] == pytest.approx(QUICK.strengths)
    assert [rate_of(surfaces[f"step_{k}"]) for k in (1, 2, 3)] == list(QUICK.steps)
    assert strength_of(surfaces["step_1"]) == 0.0
    assert strength_of(surfaces["difference"]) == pytest.approx(QUICK.strengths[3])


def test_every_scale_records_whole_steps_and_is_told_by_its_samples_and_width():
    for settings in SETTINGS.values():
        steps = np.array([[time / rate for rate in (settings.rate, *settings.steps)] for time in settings.times])
        assert np.array_equal(steps, np.round(steps))
    losses: dict[tuple[int, int], float] = {}
    for settings in SETTINGS.values():  # scales may differ in their replicates alone
        told = losses.setdefault((settings.samples, settings.width), settings.loss)
        assert told == settings.loss
    assert len(losses) >= 3


def test_every_picture_is_drawn_and_claims_what_there_is(tmp_path):
    surfaces = surfaces_of()
    names = [finding.name for finding in FIGURE.findings(surfaces)]
    pictures = FIGURE.pictures(surfaces)
    assert sorted(claim for picture in pictures for claim in picture.claims) == sorted(names)
    assert set(FIGURE.primary_claims) <= set(names)
    drawn = [picture.display for picture in pictures if isinstance(picture.display, StackedDisplay)]
    assert len(drawn) == len(pictures) == 3
    for display in drawn:
        figure = display.plot().figure_
        assert figure is not None
        figure.savefig(tmp_path / "picture.png")
    errors = drawn[2].panels[1].series
    assert [series.name for series in errors] == ["penalty", "larger step", "mu = 0"]
    assert errors[0].positions == pytest.approx(QUICK.strengths[1:])
    assert errors[1].positions == pytest.approx(QUICK.strengths[1:4])


def test_the_headline_says_what_holds():
    flat = surfaces_of(flatter=0.3)
    assert "find flatter solutions;" in FIGURE.headline(flat, FIGURE.findings(flat))
    nothing = surfaces_of(flatter=-0.3, better=-0.02, smaller=-1.0)
    assert "not shown to find smaller gradients" in FIGURE.headline(nothing, FIGURE.findings(nothing))
    assert "96 networks of 8,010 parameters" in FIGURE.lede(flat)
