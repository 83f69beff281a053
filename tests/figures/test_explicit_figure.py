"""Explicit gradient regularisation: numbers read off planted surfaces, verdicts, pictures and settings."""

from functools import cache

import numpy as np
import pytest
import xarray as xr

from benign import schema
from benign.curves import Verdict
from benign.figures.barrett2021_explicit import COOLED_METRICS, FIGURE, SCALES, compared, path_distance
from benign.plots import StackedDisplay
from benign.procedures.solutions import Solutions

QUICK = SCALES["quick"]
REPLICATES = QUICK.replicates
PACE = np.exp(0.05 * np.random.default_rng(1).standard_normal(REPLICATES))  # of a replicate's delays, in every surface
HOLDS, FAILS, UNDECIDED = Verdict.HOLDS, Verdict.FAILS, Verdict.UNDECIDED


def surface_of(random, *, delay, gradient=1.0, curvature=3.0, error=0.13, noise=1e-3):
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
        attrs={"seed": 0},
    )


def surfaces_of(*, flatter=0.0, better=0.0, smaller=0.0, step_flatter=0.5, followed=0.9, kinks=0.5, noise=1e-3, seed=0):
    """Per unit of mu / m the penalty delays by 0.3, flattens and so on; a step is followed by a share of its delay."""
    random = np.random.default_rng(seed)
    surfaces = {}
    for k, c in enumerate(QUICK.strengths):
        surfaces[f"penalty_{k}"] = surface_of(
            random, delay=0.3 * c, gradient=np.exp(-smaller * c), curvature=3.0 * np.exp(-flatter * c),
            error=0.13 - better * c, noise=noise,
        )  # fmt: skip
    for k, c in enumerate(QUICK.strengths[1 : len(QUICK.steps) + 1], start=1):
        curvature = 3.0 * np.exp(-step_flatter * c)
        surfaces[f"step_{k}"] = surface_of(random, delay=0.3 * c / followed, noise=noise, curvature=curvature)
    c = QUICK.strengths[len(QUICK.steps)]
    surfaces["difference"] = surface_of(random, delay=0.3 * c * (1.0 + kinks), noise=noise)
    surfaces["tanh_none"] = surface_of(random, delay=0.0, noise=noise)
    surfaces["tanh_penalty"] = surface_of(random, delay=0.1 * c, noise=noise)
    surfaces["tanh_difference"] = surface_of(random, delay=0.101 * c, noise=noise)
    return surfaces


@cache
def flat():
    """What is measured where the penalty flattens, and does nothing else."""
    return FIGURE.results("quick", surfaces_of(flatter=0.3))


def verdicts(surfaces):
    return {finding.name: finding.verdict for finding in FIGURE.judge("quick", surfaces)}


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
    np.testing.assert_allclose(compared(surface, "gradient_penalty", "loss", QUICK.loss), QUICK.loss**2, rtol=1e-10)
    surface["test_error"] = surface["train_loss"] * 0.0 + np.array([0.5, 0.4, 0.3, 0.2, 0.12, 0.1])[:, None, None]
    share = np.log(surface["train_loss"].values[0, 3, 0] / QUICK.loss) / np.log(48.0 / 32.0)
    assert 0.1 < share.min() < share.max() < 0.9
    np.testing.assert_allclose(compared(surface, "test_error", "loss", QUICK.loss), 0.2 - 0.08 * share, rtol=1e-10)


def test_a_path_lies_its_delay_away():
    surfaces = flat().surfaces
    np.testing.assert_allclose(
        path_distance(surfaces["penalty_0"], surfaces["penalty_4"]),
        np.log1p(0.3 * QUICK.strengths[4] * PACE),
        rtol=1e-10,
    )


@pytest.mark.parametrize("scale", SCALES)
def test_a_penalty_and_its_step_have_the_same_modified_loss(scale):
    at = SCALES[scale]
    steps = (*at.steps, *at.beyond)
    for strength, step in zip(at.strengths, (at.rate, *steps), strict=True):
        mu = at.training(at.rate, strength).gradient_penalty
        implicit = at.rate * at.parameters / 4.0
        assert mu + implicit == pytest.approx(step * at.parameters / 4.0, rel=1e-12)


def test_every_surface_is_trained_with_its_penalty_and_its_step():
    trainings = {}
    for one in FIGURE.runs("quick", 0):
        assert isinstance(one.procedure, Solutions)
        trainings[one.name.split(", ")[1]] = one.procedure.training
    assert list(trainings) == list(surfaces_of())
    mu = np.array([trainings[f"penalty_{k}"].gradient_penalty for k in range(5)])
    assert mu / QUICK.parameters == pytest.approx(np.array(QUICK.strengths))
    assert [trainings[f"step_{k}"].learning_rate for k in (1, 2, 3)] == list(QUICK.steps)
    assert {trainings[f"step_{k}"].gradient_penalty for k in (1, 2, 3)} == {0.0}
    for name in ("difference", "tanh_difference"):
        assert trainings[name].gradient_penalty == mu[3]
        assert trainings[name].gradient_penalty_by == "finite_difference"


def test_every_scale_records_whole_steps():
    for at in SCALES.values():
        steps = np.array([[time / rate for rate in (at.rate, *at.steps)] for time in at.times])
        assert np.array_equal(steps, np.round(steps))


def test_every_picture_is_drawn_and_claims_what_there_is(tmp_path):
    pictures = list(FIGURE.pictures(flat()))
    assert sorted(claim for picture in pictures for claim in picture.claims) == sorted(flat().findings)
    assert set(FIGURE.primary_claims("quick")) <= set(flat().findings)
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
    assert "find flatter solutions;" in FIGURE.headline(flat())
    nothing = FIGURE.results("quick", surfaces_of(flatter=-0.3, better=-0.02, smaller=-1.0))
    assert "not shown to find smaller gradients" in FIGURE.headline(nothing)
    assert "96 networks of 8,010 parameters" in FIGURE.lede(flat())
