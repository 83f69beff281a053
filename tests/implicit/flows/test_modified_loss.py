"""Modified fields against the gradient of the modified loss as it is written, and methods against plain loops."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from benign.foundation.errors import InvalidArgument, UnknownName
from tests.networks.extra import HAS_JAX, needs_networks

if not HAS_JAX:
    needs_networks()

import jax
import jax.numpy as jnp

from benign.implicit.flows import discrete, methods, modified_loss
from benign.implicit.flows.methods import Adam, GradientDescent, MiniBatch, Momentum, find_method

H, BETA, RHO, EPS = 0.03, 0.8, 0.9, 0.2
THETA = np.array([0.7, -1.2, 0.4])


@pytest.fixture(autouse=True)
def _float64():
    with jax.enable_x64(True):
        yield


def loss(theta):
    return jnp.sum(jnp.sin(theta) * jnp.roll(theta, 1) ** 2) + 0.3 * jnp.sum(theta**4)


def other(theta):
    return jnp.sum(jnp.cos(theta * jnp.arange(1.0, 4.0))) + theta[0] * theta[1]


def penalised(coefficient, base=loss):
    """E + coefficient |grad E|^2, as it is written."""
    return lambda theta: base(theta) + coefficient * jnp.sum(jax.grad(base)(theta) ** 2)


def test_lambda_times_r_ig_is_a_quarter_step_of_the_squared_gradient():
    gradient = jax.grad(loss)(THETA)
    added = modified_loss.regularization_rate(H, 3) * modified_loss.implicit_gradient_regularizer(gradient)
    assert float(added) == pytest.approx(H / 4 * float(gradient @ gradient), rel=1e-14)


@pytest.mark.parametrize(
    ("method", "velocity", "coefficient"),
    [
        (GradientDescent(), 1.0, H / 4),
        (Momentum(momentum=BETA), 1 / (1 - BETA), H * (1 + BETA) / (4 * (1 - BETA) ** 2)),
        (
            Momentum(momentum=BETA, nesterov=True),
            1 / (1 - BETA),
            H * (1 - BETA + 2 * BETA**2) / (4 * (1 - BETA) ** 2),
        ),
    ],
    ids=["gradient descent", "heavy ball", "Nesterov"],
)
def test_the_modified_field_is_the_gradient_of_the_modified_loss(method, velocity, coefficient):
    plain, correction = method.field([loss], jnp.array(THETA), H)
    np.testing.assert_allclose(plain, -velocity * jax.grad(loss)(THETA), rtol=1e-13)
    np.testing.assert_allclose(plain + correction, -velocity * jax.grad(penalised(coefficient))(THETA), rtol=1e-12)


def test_the_minibatch_field_penalises_each_batch():
    def smith(theta):
        return sum(penalised(H / 4, one)(theta) for one in (loss, other)) / 2

    plain, correction = MiniBatch().field([loss, other], jnp.array(THETA), H)
    np.testing.assert_allclose(plain + correction, -jax.grad(smith)(THETA), rtol=1e-12)


def test_the_adam_field_is_the_papers_formula_and_anti_penalises_the_norm():
    gradient = np.asarray(jax.grad(loss)(THETA))
    norm_gradient = jax.grad(lambda theta: jnp.sum(jnp.sqrt(jax.grad(loss)(theta) ** 2 + EPS)))(THETA)
    beta, rho = (1 + BETA) / (1 - BETA), (1 + RHO) / (1 - RHO)
    bias = H / 2 * (beta - rho + rho * EPS / (gradient**2 + EPS)) * norm_gradient
    method = Adam(momentum=BETA, square_momentum=RHO, epsilon=EPS)
    plain, correction = method.field([loss], jnp.array(THETA), H)
    np.testing.assert_allclose(plain + correction, -(gradient + bias) / np.sqrt(gradient**2 + EPS), rtol=1e-12)
    tiny = Adam(momentum=BETA, square_momentum=RHO, epsilon=1e-12)
    _, correction = tiny.field([loss], jnp.array(THETA), H)
    assert float(correction @ jax.grad(lambda theta: jnp.sum(jnp.abs(jax.grad(loss)(theta))))(THETA)) > 0.0


def _loop(method, steps):
    gradient, theta = jax.grad(loss), np.array(THETA)
    first, second = np.zeros(3), np.zeros(3)
    for count in range(1, steps + 1):
        if isinstance(method, Adam):
            g = np.asarray(gradient(theta))
            first, second = BETA * first + (1 - BETA) * g, RHO * second + (1 - RHO) * g**2
            theta = theta - H * first / (1 - BETA**count) / np.sqrt(second / (1 - RHO**count) + EPS)
        elif isinstance(method, Momentum):
            ahead = theta - H * BETA * first if method.nesterov else theta
            first = BETA * first + np.asarray(gradient(ahead))
            theta = theta - H * first
        else:
            theta = theta - H * np.asarray(gradient(theta))
    return theta


@pytest.mark.parametrize(
    "method",
    [
        GradientDescent(),
        Momentum(momentum=BETA),
        Momentum(momentum=BETA, nesterov=True),
        Adam(momentum=BETA, square_momentum=RHO, epsilon=EPS),
    ],
    ids=lambda method: method.name,
)
def test_compiled_steps_equal_a_plain_loop(method):
    path = discrete.trajectory(method, loss, jnp.array(THETA), H, 6)
    begun = (jnp.array(THETA), method.begin(jnp.array(THETA)))
    assert path.shape == (7, 3)
    for steps in (0, 1, 6):
        np.testing.assert_allclose(path[steps], _loop(method, steps), rtol=1e-12)
        end, _ = discrete.run(method, loss, begun, H, steps)
        np.testing.assert_allclose(end, path[steps], rtol=1e-13)
    warm = discrete.run(method, loss, begun, H, 2)
    np.testing.assert_allclose(warm[0], path[2], rtol=1e-13)
    np.testing.assert_allclose(discrete.run(method, loss, warm, H, 4)[0], path[6], rtol=1e-13)


def test_an_epoch_runs_every_order_of_the_batches():
    losses = (loss, other, lambda theta: jnp.sum(theta**2))
    ends = discrete.epoch_in_every_order(losses, jnp.array(THETA), H)
    for end, order in zip(ends, itertools.permutations(range(3)), strict=True):
        theta = np.array(THETA)
        for batch in order:
            theta = theta - H * np.asarray(jax.grad(losses[batch])(theta))
        np.testing.assert_allclose(end, theta, rtol=1e-12)


def test_momentum_from_rest_is_late_by_the_shifted_start():
    """With a constant gradient the shift makes up for the slow first steps exactly."""

    def linear(theta):
        return theta @ jnp.array([1.0, -2.0, 0.5])

    steps = 400
    for method in (Momentum(momentum=BETA), Momentum(momentum=BETA, nesterov=True)):
        _, shifted, end = method.ends([linear], jnp.array(THETA), H, steps)
        flowed = shifted - steps * H / (1 - BETA) * jax.grad(linear)(THETA)
        np.testing.assert_allclose(end, flowed, rtol=1e-12)


def test_methods_are_found_by_name_or_as_they_are():
    assert find_method("heavy ball") == Momentum(momentum=0.9)
    assert find_method("Nesterov").name == "Nesterov"
    assert find_method(Adam(epsilon=1.0)) == Adam(epsilon=1.0)
    with pytest.raises(UnknownName, match="did you mean 'gradient descent'"):
        find_method("gradient decent")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Momentum(momentum=1.0), "`momentum` must be at least 0 and below 1, got 1.0"),
        (lambda: Adam(square_momentum=-0.1), "`square_momentum` must be at least 0"),
        (lambda: Adam(epsilon=0.0), r"`epsilon` must be a positive number \(0.1 is usual here\), got 0.0"),
    ],
)
def test_settings_that_cannot_be_used(make, words):
    with pytest.raises(InvalidArgument, match=words):
        make()


def test_a_method_is_a_name_or_a_method(unchecked):
    with pytest.raises(InvalidArgument, match="`method` must be a name or a method"):
        methods.find_method(3)  # type: ignore[arg-type]
