"""Orders of each method against its flows, the control that must fail, and the refusals, each in a sentence."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from benign.foundation.errors import InvalidArgument
from tests.networks.extra import HAS_JAX, needs_networks

if not HAS_JAX:
    needs_networks()

import jax
import jax.numpy as jnp

from benign.implicit.flows import methods
from benign.implicit.flows.backward_error import backward_error_analysis
from benign.implicit.flows.methods import Momentum
from benign.implicit.flows.orders import fitted_order
from benign.plots import CurveDisplay, StackedDisplay

RANDOM = np.random.default_rng(0)
HALF = RANDOM.standard_normal((4, 6, 6))
MATRICES = HALF @ HALF.swapaxes(1, 2)
STARTS = {"two parameters": np.array([1.4, 1.6]), "quadratic": RANDOM.standard_normal(6)}


def two_parameters(theta):
    return 0.5 * (0.6 - theta[0] * theta[1]) ** 2


def quadratic(theta):
    return 0.5 * theta @ (jnp.asarray(MATRICES[0]) @ theta)


def relu(theta):
    inputs = jnp.linspace(-2.0, 2.0, 20)[:, None]
    hidden = jax.nn.relu(inputs @ theta["in"] + theta["bias"])
    return jnp.mean((hidden @ theta["out"] - jnp.sin(inputs[:, 0])) ** 2)


LOSSES = {"two parameters": two_parameters, "quadratic": quadratic}
BATCHES = {
    "two parameters": [
        lambda t, x=x, y=y: 0.5 * (y - t[0] * t[1] * x) ** 2 for x, y in ((1.0, 0.6), (0.5, 1.0), (1.2, -0.3))
    ],
    "quadratic": [lambda t, A=A: 0.5 * t @ (jnp.asarray(A) @ t) + A[0] @ t for A in MATRICES],
}


@cache
def analysed(name, method):
    loss: Any = BATCHES[name] if method == "mini-batch" else LOSSES[name]
    return backward_error_analysis(loss, STARTS[name], method=method)


def local(result):
    assert result.local is not None
    return result.local


def at_time(result):
    assert result.at_time is not None
    return result.at_time


@pytest.mark.parametrize("name", LOSSES)
def test_gradient_descent_has_the_orders_of_the_theorem(name):
    result = analysed(name, "gradient descent")
    assert result.is_confirmed, result.sentence
    for comparison, expected in ((local(result), (2, 3)), (at_time(result), (1, 2))):
        assert comparison.flow.value == pytest.approx(expected[0], abs=0.05)
        assert comparison.modified.value == pytest.approx(expected[1], abs=0.05)
        assert comparison.control.value == pytest.approx(expected[0], abs=0.1)
        low, high = comparison.flow.interval
        assert low < comparison.flow.value < high < low + 0.1
    assert "order 3.00" in result.sentence or "order 2.99" in result.sentence


def test_the_first_error_is_half_a_squared_step_of_hessian_times_gradient():
    result = analysed("quadratic", "gradient descent")
    A, start, h = MATRICES[0], STARTS["quadratic"], local(result).step_sizes[-1]
    expected = h**2 / 2 * np.linalg.norm(A @ A @ start)
    assert local(result).flow.errors[-1] == pytest.approx(expected, rel=2e-3)
    assert result.curvature == pytest.approx(np.linalg.eigvalsh(A)[-1], rel=1e-2)
    assert result.time == pytest.approx(1 / result.curvature, rel=1e-12)


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("two parameters", "heavy ball"),
        ("quadratic", "Nesterov"),
        ("two parameters", "Adam"),
    ],
)
def test_momentum_and_adam_have_orders_one_and_two_at_a_fixed_time(name, method):
    result = analysed(name, method)
    assert result.is_confirmed, result.sentence
    assert result.local is None
    assert at_time(result).flow.value == pytest.approx(1, abs=0.1)
    assert at_time(result).modified.value == pytest.approx(2, abs=0.1)
    assert at_time(result).control.value == pytest.approx(1, abs=0.1)


def test_the_mean_over_orders_of_an_epoch_has_orders_two_and_three():
    result = analysed("two parameters", "mini-batch")
    assert result.is_confirmed, result.sentence
    assert local(result).flow.value == pytest.approx(2, abs=0.1)
    assert local(result).modified.value == pytest.approx(3, abs=0.1)
    assert local(result).control.value == pytest.approx(2, abs=0.1)
    assert isinstance(result.display, CurveDisplay)


@pytest.mark.parametrize(
    ("function", "coefficient", "method"),
    [
        ("nesterov_penalty", lambda h, beta: h * (1 + beta) / (4 * (1 - beta) ** 2), "Nesterov"),
        ("heavy_ball_penalty", lambda h, beta: h / (4 * (1 - beta)), "heavy ball"),
    ],
    ids=["heavy ball's for Nesterov", "gradient descent's for heavy ball"],
)
def test_a_wrong_coefficient_is_not_confirmed(monkeypatch, function, coefficient, method):
    monkeypatch.setattr(methods, function, coefficient)
    result = backward_error_analysis(two_parameters, STARTS["two parameters"], method=method)
    assert not result.is_confirmed
    assert at_time(result).modified.value < 1.3
    assert "was not shown to follow its modified flow" in result.sentence
    assert "the order against the modified flow is" in result.sentence


def _tanh_network():
    random = np.random.default_rng(1)
    inputs, labels = random.standard_normal((40, 16)), np.eye(10)[random.integers(0, 10, 40)]
    widths = (16, 24, 20, 10)
    layers = [(random.uniform(-1, 1, (a, b)) / np.sqrt(a), np.zeros(b)) for a, b in pairwise(widths)]

    def loss(layers):
        values = jnp.asarray(inputs)
        for weights, bias in layers[:-1]:
            values = jnp.tanh(values @ weights + bias)
        logits = values @ layers[-1][0] + layers[-1][1]
        return jnp.mean(jax.nn.logsumexp(logits, axis=1) - jnp.sum(logits * labels, axis=1))

    return loss, layers


def test_a_tanh_network_of_a_thousand_parameters():
    result = backward_error_analysis(*_tanh_network())
    assert result.parameters == 1118
    assert result.is_confirmed, result.sentence
    for comparison, expected in ((local(result), (2, 3)), (at_time(result), (1, 2))):
        assert comparison.flow.value == pytest.approx(expected[0], abs=0.1)
        assert comparison.modified.value == pytest.approx(expected[1], abs=0.1)
        assert comparison.control.value == pytest.approx(expected[0], abs=0.1)


def test_step_sizes_divide_the_time_and_float32_is_said():
    start = STARTS["two parameters"].astype(np.float32)
    result = backward_error_analysis(
        two_parameters, start, time=0.5, step_sizes=[0.03, 0.016, 0.008, 0.004], method=Momentum(momentum=0.2)
    )
    steps = 0.5 / at_time(result).step_sizes
    np.testing.assert_allclose(steps, steps.round(), rtol=1e-12)
    np.testing.assert_allclose(at_time(result).step_sizes, [0.03, 0.016, 0.008, 0.004], rtol=0.05)
    assert result.time == pytest.approx(0.5)
    assert result.sentence.endswith("converted from float32 to float64: in less, orders drown in rounding.")


def test_the_picture_holds_the_errors():
    result = analysed("two parameters", "gradient descent")
    display = result.display
    assert isinstance(display, StackedDisplay)
    frame = display.frame()
    drawn = frame[(frame["panel"] == "distance after one step") & frame["series"].str.startswith("modified flow")]
    np.testing.assert_array_equal(drawn["position"], local(result).step_sizes[::-1])
    np.testing.assert_array_equal(drawn["median"], local(result).modified.errors[::-1])
    assert drawn["series"].iloc[0] == f"modified flow: order {local(result).modified.value:.2f}"
    assert display.plot().figure_ is not None


def test_errors_below_the_rounding_floor_are_left_out():
    h = 2.0 ** -np.arange(8)
    errors = 1e-9 * h**3
    order = fitted_order(h, np.maximum(errors, 3e-13), floor=1e-12)
    assert order.value == pytest.approx(3, abs=1e-9)
    assert order.is_used.tolist() == (errors >= 1e-12).tolist()
    assert np.isnan(fitted_order(h, errors, floor=1e-10).value)


def test_steps_too_small_to_measure_are_said():
    result = backward_error_analysis(
        two_parameters, STARTS["two parameters"], time=1e-3, step_sizes=[1e-5, 5e-6, 2.5e-6, 1.25e-6]
    )
    assert not result.is_confirmed
    assert "stand above the rounding floor (give larger `step_sizes`)" in result.sentence


def test_kinks_are_refused():
    random = np.random.default_rng(2)
    start = {"in": random.standard_normal((1, 8)), "bias": random.standard_normal(8), "out": random.standard_normal(8)}
    with pytest.raises(InvalidArgument, match="`loss` has kinks along the path, as networks of ReLU units do"):
        backward_error_analysis(relu, start)


PAIR = np.array([1.4, 1.6])
MANY = np.zeros(10_001)


@pytest.mark.parametrize(
    ("loss", "start", "options", "words"),
    [
        (lambda t: t**2, PAIR, {}, r"`loss` must return one real number, got shape \(2,\)"),
        (lambda t: (t[0], t[1]), PAIR, {}, "`loss` must return one real number, got several values"),
        (lambda t: float(t[0]), PAIR, {}, "`loss` must be written in JAX operations"),
        (lambda t: np.linalg.norm(t + 1.0), PAIR, {}, "`loss` must be written in JAX operations"),
        (lambda _: "none", PAIR, {}, "`loss` must return one number as a JAX scalar"),
        (lambda t: jnp.sum(t.astype(jnp.float32) ** 2), PAIR, {}, "`loss` computes in float32"),
        (
            lambda t: jnp.sum(jnp.tanh(t.astype(jnp.float32)).astype(float)),
            PAIR,
            {},
            "`loss` computes in float32, in which orders drown in rounding",
        ),
        (two_parameters, np.array([1, 2]), {}, "`start` holds parameters of type int64"),
        (two_parameters, {}, {}, "`start` holds no parameters"),
        (lambda t: jnp.sum(t**2), MANY, {}, "`start` must hold 1 to 10,000 parameters, got 10,001"),
        (two_parameters, np.array([np.nan, 1.0]), {}, "`loss`, its gradient and its curvature must be finite"),
        (two_parameters, np.zeros(2), {}, "`start` is a stationary point"),
        (lambda t: t @ jnp.array([1.0, 2.0]), PAIR, {}, "`loss` has no curvature at `start`"),
        (two_parameters, PAIR, {"step_sizes": [0.1, 0.2]}, "`step_sizes` must hold at least 4 different"),
        (two_parameters, PAIR, {"step_sizes": [0.1, 0.2, -0.1, 0.3]}, "`step_sizes` must hold at least 4"),
        (two_parameters, PAIR, {"step_sizes": [0.4, 0.2, 0.1, 0.05]}, "`step_sizes` must lie below 0.325"),
        (two_parameters, PAIR, {"step_sizes": [0.3, 0.2, 0.16, 0.1], "time": 0.4}, "different numbers of steps"),
        (two_parameters, PAIR, {"time": -1.0}, "`time` must be a positive number"),
        ([two_parameters] * 2, PAIR, {}, '`loss` must be one function for gradient descent; .*"mini-batch"'),
        ([two_parameters] * 6, PAIR, {"method": "mini-batch"}, "`loss` must be a list of 2 to 5 functions"),
        ([3], PAIR, {}, "`loss` must be a function of the parameters"),
    ],
)
def test_what_cannot_be_analysed_is_a_sentence(unchecked, loss, start, options, words):
    with pytest.raises(InvalidArgument, match=words) as caught:
        backward_error_analysis(loss, start, **options)
    assert "\n" not in str(caught.value)


def test_a_step_that_diverges_is_refused():
    """The curvature at the start is tame, but the path leads where the quartic's is not."""

    def steepening(theta):
        return -theta[0] + 0.5 * theta[0] ** 2 - jnp.exp(3.0 * theta[0])

    with pytest.raises(InvalidArgument, match=r"`step_sizes`: with the step size 0.1 the method diverges"):
        backward_error_analysis(steepening, np.array([0.0]), step_sizes=[0.1, 0.05, 0.02, 0.01], time=4.0)
