"""Flows against closed forms, and the two-parameter example against its table of end points."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg

from benign.foundation.errors import InvalidArgument
from tests.networks.extra import HAS_JAX, needs_networks

if not HAS_JAX:
    needs_networks()

import jax
import jax.numpy as jnp

from benign.implicit.flows.discrete import run
from benign.implicit.flows.integration import FlowNotIntegrated, flow_end, flow_path
from benign.implicit.flows.methods import GradientDescent
from benign.implicit.flows.two_parameters import PAPER_START, TwoParameters

EXAMPLE = TwoParameters()
HORIZON = 40.0


@pytest.fixture(autouse=True)
def _float64():
    with jax.enable_x64(True):
        yield


MATRIX = np.array([[3.0, 1.0, 0.0], [1.0, 2.0, -0.5], [0.0, -0.5, 1.0]])


def decay(theta, rate):
    return -rate * (jnp.asarray(MATRIX) @ theta)


def explode(theta, rate):
    return rate * theta**2


@pytest.mark.parametrize("solver", ["dopri8", "kvaerno5"])
def test_a_linear_flow_is_the_matrix_exponential(solver):
    start, times = np.array([1.0, -2.0, 0.3]), [0.0, 0.5, 2.0]
    tolerance = {"dopri8": 1e-13, "kvaerno5": 1e-9}[solver]
    path = flow_path(decay, jnp.array(start), times, arguments=0.7, solver=solver, relative=tolerance)
    for time, theta in zip(times, path, strict=True):
        exact = scipy.linalg.expm(-0.7 * time * MATRIX) @ start
        np.testing.assert_allclose(theta, exact, atol=100 * tolerance)
    np.testing.assert_array_equal(flow_end(decay, jnp.array(start), 0.0, arguments=0.7), start)


def test_a_flow_that_leaves_all_bounds_is_a_sentence():
    with pytest.raises(FlowNotIntegrated, match=r"integrated up to time 2 within .* take a shorter `time`"):
        flow_end(explode, jnp.array([1.0]), 2.0, arguments=1.0)


@pytest.mark.parametrize(
    ("start", "times", "options", "words"),
    [
        (np.zeros(2, dtype=np.float32), [1.0], {}, "`start` must be float64"),
        (np.zeros(2), [2.0, 1.0], {}, "`time` must be finite and not negative"),
        (np.zeros(2), [-1.0], {}, "`time` must be finite and not negative"),
        (np.zeros(501), [1.0], {"solver": "kvaerno5"}, "takes at most 500 parameters, got 501"),
        (np.zeros(2), [1.0], {"solver": "euler"}, "unknown solver 'euler'"),
    ],
    ids=["float32", "falling", "negative", "many", "solver"],
)
def test_arguments_that_cannot_be_used(unchecked, start, times, options, words):
    with pytest.raises(InvalidArgument, match=words):
        flow_path(explode, jnp.array(start), times, arguments=1.0, **options)


def loss(theta):
    return 0.5 * (0.6 - theta[0] * theta[1]) ** 2


def velocity(theta, arguments):
    plain, correction = GradientDescent().field([loss], theta, arguments[0])
    return plain + arguments[1] * correction


def test_gradient_flow_keeps_the_difference_of_squares():
    end = flow_end(velocity, jnp.array(PAPER_START), HORIZON, arguments=(0.0, 0.0))
    np.testing.assert_allclose(end, [0.28315, 2.11900], atol=1e-5)
    assert float(end @ end) == pytest.approx(4.57035, abs=1e-5)
    assert float(end[0] ** 2 - end[1] ** 2) == pytest.approx(-4.41, abs=1e-11)
    np.testing.assert_allclose(end, EXAMPLE.minimum_of_flow(PAPER_START), rtol=1e-11)
    np.testing.assert_allclose(end, EXAMPLE.flow(PAPER_START, np.array([HORIZON]))[0], rtol=1e-10)


@pytest.mark.parametrize(
    ("step_size", "end", "to_flow", "to_modified"),
    [
        (1e-3, (0.28361, 2.11562), 3.417e-3, 4.35e-5),
        (5e-3, (0.28547, 2.10182), 1.734e-2, 1.072e-3),
        (2.5e-2, (0.29652, 2.02349), 9.644e-2, 2.707e-2),
        (0.1, (0.60108, 0.99821), None, None),
    ],
)
def test_end_points_of_the_two_parameter_example(step_size, end, to_flow, to_modified):
    steps = round(HORIZON / step_size)
    found = np.asarray(run(GradientDescent(), loss, (jnp.array(PAPER_START), ()), step_size, steps)[0])
    np.testing.assert_allclose(found, end, atol=1e-4)
    if steps < 10_000:
        path = EXAMPLE.descend(PAPER_START, step_size=step_size, steps=steps)
        np.testing.assert_allclose(path[-1], found, rtol=1e-11)
    if to_flow is not None:
        plain, modified = (
            flow_end(velocity, jnp.array(PAPER_START), HORIZON, arguments=(step_size, factor)) for factor in (0.0, 1.0)
        )
        assert np.linalg.norm(found - plain) == pytest.approx(to_flow, rel=1e-3)
        assert np.linalg.norm(found - modified) == pytest.approx(to_modified, rel=1e-3)
        by_hand = EXAMPLE.flow(PAPER_START, np.array([HORIZON]), rate=step_size * 2 / 4)[0]
        np.testing.assert_allclose(by_hand, modified, rtol=1e-10)


@pytest.mark.parametrize(("step_size", "squared_norm"), [(0.15, 4.16), (0.18, 5.43)])
def test_large_steps_land_on_the_other_branch(step_size, squared_norm):
    end = EXAMPLE.descend(PAPER_START, step_size=step_size, steps=round(HORIZON / step_size))[-1]
    assert (end < 0.0).all()
    assert end @ end == pytest.approx(squared_norm, abs=5e-3)


@pytest.mark.parametrize("example", [EXAMPLE, TwoParameters(x=2.0, y=-1.5)], ids=["positive", "negative"])
@pytest.mark.parametrize("start", [(2.0, 0.3), (-0.4, 1.1), (-1.5, -0.2), (0.9, -1.3)])
def test_the_minimum_that_gradient_flow_reaches_has_a_closed_form(example, start):
    end = example.flow(start, np.array([200.0]))[0]
    np.testing.assert_allclose(example.minimum_of_flow(start), end, rtol=1e-8)


@pytest.mark.parametrize("example", [EXAMPLE, TwoParameters(x=2.0, y=-1.5)], ids=["positive", "negative"])
def test_the_flattest_minimum_has_the_smallest_norm_and_curvature(example):
    flattest = example.flattest_minimum
    assert float(example.loss(*flattest)) == pytest.approx(0.0, abs=1e-15)
    for a in (0.2, 0.5, 0.9, 3.0):
        other = np.array([a, example.y / example.x / a])
        assert other @ other > flattest @ flattest
        assert np.linalg.norm(example.hessian(other), 2) > np.linalg.norm(example.hessian(flattest), 2)


def test_the_written_gradient_and_hessian_are_those_of_the_loss():
    theta = np.array([0.7, -1.9])
    np.testing.assert_allclose(EXAMPLE.gradient(theta), jax.jit(jax.grad(loss))(theta), rtol=1e-13)
    np.testing.assert_allclose(EXAMPLE.hessian(theta), jax.jit(jax.hessian(loss))(theta), rtol=1e-13)


def test_explicit_regularisation_and_momentum_end_nearer_to_the_flattest_minimum():
    def norm(**options):
        end = EXAMPLE.descend(PAPER_START, step_size=0.01, steps=4000, **options)[-1]
        return float(end @ end)

    plain, penalised, momentum = norm(), norm(penalty=0.5), norm(momentum=0.5)
    assert 1.2 < penalised < momentum < plain


def test_an_example_needs_numbers_to_fit_and_a_way_to_go():
    with pytest.raises(InvalidArgument, match="`x` and `y` must not be zero"):
        TwoParameters(y=0.0)
    with pytest.raises(InvalidArgument, match="ends in the saddle"):
        EXAMPLE.minimum_of_flow((1.0, -1.0))
    with pytest.raises(InvalidArgument, match="`step_size` must be positive"):
        EXAMPLE.descend((1.0, 1.0), step_size=0.0, steps=3)
    diverged = EXAMPLE.descend((75.0, 74.925), step_size=2.5e-2, steps=100)
    assert len(diverged) < 20
