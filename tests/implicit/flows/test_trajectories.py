"""The picture of two parameters: claims on measured starts, and a plane that shows its numbers where they are."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from benign.curves import Verdict
from benign.experiments.environment import Environment
from benign.figures.barrett2021_trajectories import FIGURE, MODERATE, order_display, paths
from benign.foundation.errors import InvalidArgument
from benign.implicit.flows.two_parameters import TwoParameters
from benign.plots import Display, PlaneDisplay, PlanePath, PlanePoint


@cache
def surfaces():
    return dict(FIGURE.measure("smoke", 0, Environment()))


@cache
def results():
    return FIGURE.results("smoke", surfaces())


def test_every_claim_holds_at_the_smallest_scale():
    assert {name: finding.verdict for name, finding in results().findings.items()} == {
        "modified_flow_is_nearer": Verdict.HOLDS,
        "momentum_is_flatter": Verdict.HOLDS,
    }
    assert 5 <= len(FIGURE.headline(results()).split()) <= 20


def test_a_step_shrinks_what_gradient_flow_keeps():
    """a^2 - b^2, multiplied by 1 - (h r)^2 in each step from the residual r."""
    example, h = TwoParameters(), 0.1
    path = example.descend(np.array([[2.8, 3.5], [1.0, 2.5]]), step_size=h, steps=50)
    kept, residual = path[..., 0] ** 2 - path[..., 1] ** 2, path[..., 0] * path[..., 1] - example.y
    np.testing.assert_allclose(kept[1:], kept[:-1] * (1.0 - (h * residual[:-1]) ** 2), rtol=1e-9)


def test_larger_steps_and_the_penalty_end_at_a_smaller_norm_from_every_start():
    norm = {name: surface["norm"].values.ravel() for name, surface in surfaces().items()}
    assert (norm["moderate_step"] < norm["small_step"]).all()
    assert (norm["explicit"] < norm["small_step"]).all()
    assert (norm["small_step"] < norm["gradient_flow"]).all()


def test_surfaces_hold_exact_fits_and_norms_above_the_smallest():
    for surface in surfaces().values():
        assert float(surface["train_loss"].max()) < 1e-10
        assert float(surface["norm"].min()) >= np.linalg.norm(TwoParameters().flattest_minimum) - 1e-6


def test_pictures_draw_what_the_paths_are():
    pictures = list(FIGURE.pictures(results()))
    for picture in pictures:
        assert isinstance(picture.display, Display)
        assert picture.sentence.endswith(".")
        assert picture.heading.endswith("?")
    plane = pictures[0].display
    assert isinstance(plane, PlaneDisplay)
    ends = {path.name: path.points[-1] for path in plane.paths}
    np.testing.assert_allclose(ends["gradient flow"], [0.28315, 2.11900], atol=1e-4)
    np.testing.assert_allclose(ends[f"gradient descent, h = {MODERATE:g}"], [0.29652, 2.02349], atol=1e-4)
    assert len(plane.frame()) == sum(len(path.points) for path in paths())


def test_the_order_picture_names_orders_one_and_two():
    orders = [float(series.name.split()[-1]) for series in order_display().series]
    np.testing.assert_allclose(orders, [1.0, 2.0], atol=0.05)


def plane(**changes):
    grid = np.linspace(0.0, 1.0, 5)
    settings = {
        "title": "Bowl",
        "paths": (
            PlanePath(name="in", points=np.array([[0.1, 0.1], [0.5, 0.6]])),
            PlanePath(name="out", points=np.array([[0.2, 3.0]])),
        ),
        "x": grid,
        "y": grid[:4],
        "values": 0.01 + grid[None, :] ** 2 + grid[:4, None] ** 2,
        "points": (PlanePoint(label="bottom", x=0.0, y=0.0),),
    }
    return PlaneDisplay(**(settings | changes))


@pytest.mark.parametrize("narrow", [False, True], ids=["wide", "narrow"])
def test_a_plane_draws_its_paths_and_says_what_it_does_not_show(unchecked, narrow):
    display = plane()
    ax = display.figure(narrow=narrow).axes[0]
    drawn = {str(line.get_label()): line for line in ax.lines}
    for path in display.paths:
        np.testing.assert_array_equal(drawn[path.name].get_xydata(), path.points)
    assert ax.get_xlim() == (0.0, 1.0)
    assert ax.get_ylim() == (0.0, 0.75)
    assert display.levels == (0.01, 0.1, 1.0)
    assert "Partly outside the picture: out." in display.full_caption
    assert "in: from (0.1, 0.1) to (0.5, 0.6)." in display.alternative_text
    assert display.svg() == plane().svg()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: plane(paths=()), "`paths` must hold 1 to 6 paths, got 0"),
        (lambda: plane(values=np.ones((5, 4))), "`values` must have one row for each y"),
        (lambda: plane(values=-np.ones((4, 5))), "`values` must be finite and not negative"),
        (lambda: plane(x=np.zeros(5)), "`x` and `y` must rise"),
        (lambda: PlanePath(name="p", points=np.array([[1.0, np.nan]])), "`points` of path 'p' must be finite"),
        (lambda: PlanePath(name="p", points=np.array([1.0, 2.0])), "must be rows of two numbers"),
    ],
)
def test_a_plane_that_cannot_be_drawn_is_a_sentence(unchecked, make, words):
    with pytest.raises(InvalidArgument, match=words):
        make()
