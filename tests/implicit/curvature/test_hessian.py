"""The Hessian's products against a dense Hessian, finite differences and curvlinops; what is refused."""

import functools
import importlib
import importlib.util
from typing import Any

import numpy as np
import pytest

from tests.networks.extra import HAS_JAX, HAS_TORCH, needs_networks, needs_torch
from tests.optional import needs

if not HAS_JAX:
    needs_networks()

import equinox as eqx
import jax
import jax.numpy as jnp

from benign.foundation.errors import InvalidArgument
from benign.implicit.curvature.hessian import (
    dense_hessian,
    hessian_products,
    holding_padding,
    network_loss,
    parameter_loss,
)
from benign.implicit.precision import own_precision
from benign.networks.dense import MLPFamily
from benign.networks.objective import mean_loss, wrong
from tests.implicit.small_losses import error_at, gradient_at, hessian_product, small_loss, small_network, value_at
from tests.networks.cases import CLASSES, INPUTS, classification


@functools.cache
def written_down(name):
    """Value, gradient and Hessian of the mean loss, written down once more without chunks."""
    loss, split = small_loss("tanh", loss=name), classification()

    def literal(theta):
        network = eqx.combine(loss.unravel(theta), loss.structure)
        outputs = jax.vmap(network)(jnp.asarray(split.train_inputs))
        return mean_loss(name, outputs, jnp.asarray(split.train_targets), None)

    with own_precision(loss):
        return jax.jit(lambda theta: (literal(theta), jax.grad(literal)(theta), jax.hessian(literal)(theta)))(
            loss.parameters
        )


@pytest.mark.parametrize("rows", [1024, 16, 1], ids="rows={}".format)
@pytest.mark.parametrize("name", ["cross-entropy", "squared"])
def test_value_gradient_and_hessian_are_those_of_the_mean_loss_whatever_the_chunks(rows, name):
    loss, (value, gradient, expected) = small_loss("tanh", loss=name, rows=rows), written_down(name)
    with own_precision(loss):
        np.testing.assert_allclose(value_at(loss, loss.parameters), value, rtol=1e-12)
        np.testing.assert_allclose(gradient_at(loss, loss.parameters), gradient, rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(dense_hessian(loss), expected, rtol=1e-10, atol=1e-13)


def test_a_product_is_the_finite_difference_of_gradients():
    loss = small_loss("tanh")
    vector = np.random.default_rng(0).standard_normal(loss.size)
    with own_precision(loss):
        step = 1e-5
        ahead, behind = (gradient_at(loss, loss.parameters + sign * step * vector) for sign in (1, -1))
        np.testing.assert_allclose(hessian_product(loss, jnp.asarray(vector)), (ahead - behind) / (2 * step), atol=1e-8)


@pytest.mark.parametrize("at_once", [1, 3, 10**6], ids="numbers={}".format)
def test_several_vectors_give_the_products_of_each(monkeypatch, at_once):
    loss = small_loss()
    monkeypatch.setattr("benign.implicit.curvature.hessian._NUMBERS_AT_ONCE", at_once * loss.size)
    with own_precision(loss):
        vectors = jnp.asarray(np.random.default_rng(1).standard_normal((7, loss.size)))
        each = np.stack([hessian_product(loss, vector) for vector in vectors])
        together = jax.jit(lambda rows: hessian_products(loss, rows))(vectors)
        np.testing.assert_allclose(together, each, rtol=1e-10, atol=1e-14)


def test_the_hessian_of_a_quadratic_is_its_matrix():
    A = np.random.default_rng(2).standard_normal((5, 5))
    A = A + A.T
    loss = parameter_loss(lambda p: 0.5 * jnp.concatenate(p) @ A @ jnp.concatenate(p), (np.ones(2), np.ones(3)))
    np.testing.assert_allclose(dense_hessian(loss), A, atol=1e-14)


def test_float32_products_are_within_rounding_of_float64():
    exact, rounded = small_loss(), small_loss(dtype=np.float32)
    assert rounded.parameters.dtype == np.float32
    matrix = dense_hessian(exact)
    assert np.abs(dense_hessian(rounded) - matrix).max() < 2e-6 * np.linalg.norm(matrix, 2)


def test_images_go_in_as_they_are():
    @eqx.filter_jit
    def drawn(key):
        return eqx.nn.Sequential(
            [eqx.nn.Conv2d(1, 2, 3, key=key), eqx.nn.Lambda(jnp.ravel), eqx.nn.Linear(8, 2, key=key)]
        )

    network, random = drawn(jax.random.key(0)), np.random.default_rng(0)
    loss = network_loss(network, random.random((5, 1, 4, 4)), random.random((5, 2)), loss="squared", rows=2)
    matrix = dense_hessian(loss)
    assert matrix.shape == (38, 38)
    # The bias of an output enters its squared error alone, with curvature 2.
    np.testing.assert_allclose(matrix[-1, -1], 2.0, rtol=1e-5)


def test_the_error_is_the_share_of_wrong_samples():
    loss, split = small_loss(rows=16), classification()
    network = jax.tree.map(jnp.asarray, small_network())
    mistakes = wrong(jax.vmap(network)(jnp.asarray(split.train_inputs)), jnp.asarray(split.train_targets))
    with own_precision(loss):
        assert float(error_at(loss, loss.parameters)) == pytest.approx(float(np.mean(mistakes)))
        assert np.isnan(error_at(parameter_loss(lambda p: p @ p, np.ones(2)), jnp.ones(2)))


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_what_fills_a_network_up_has_no_curvature_where_it_is_held(activation):
    family, split = MLPFamily(depth=2, activation=activation), classification()
    narrow = family.build(4, inputs=INPUTS, outputs=CLASSES, random=np.random.default_rng(1))
    losses = [
        network_loss(network, split.train_inputs, split.train_targets, loss="cross-entropy")
        for network in (narrow, family.widened(narrow, 6))
    ]
    with own_precision(losses[0]):
        held = eqx.filter_jit(holding_padding)(losses[1])
    few, many = (np.linalg.eigvalsh(dense_hessian(loss)) for loss in (losses[0], held))
    np.testing.assert_allclose(many[np.argsort(np.abs(many))][-len(few) :], few[np.argsort(np.abs(few))], atol=1e-12)
    if activation == "tanh":  # the reason for holding them: saddle directions that the narrow network does not have
        assert np.sum(np.abs(np.linalg.eigvalsh(dense_hessian(losses[1]))) > 1e-3) > np.sum(np.abs(few) > 1e-3)


def test_products_are_those_of_curvlinops():
    if not HAS_TORCH:
        needs_torch()
    available = importlib.util.find_spec("curvlinops") is not None
    needs("curvlinops", available, "curvlinops is not installed: pip install curvlinops-for-pytorch")
    import warnings

    import torch

    network, split = small_network(), classification()
    modules = []
    for layer in network.layers:
        linear = torch.nn.Linear(layer.weight.shape[1], layer.weight.shape[0], dtype=torch.float64)
        linear.weight.data, linear.bias.data = torch.tensor(layer.weight), torch.tensor(layer.bias)
        modules += [linear, torch.nn.ReLU()]
    twin = torch.nn.Sequential(*modules[:-1])
    data = [(torch.tensor(split.train_inputs), torch.tensor(split.train_targets.argmax(axis=1)))]
    loss = small_loss()
    with warnings.catch_warnings():  # of what curvlinops itself imports
        warnings.simplefilter("ignore")
        curvlinops = importlib.import_module("curvlinops")
        operator = curvlinops.HessianLinearOperator(twin, torch.nn.CrossEntropyLoss(), list(twin.parameters()), data)
        theirs = (operator @ torch.eye(loss.size, dtype=torch.float64)).detach().numpy()
    np.testing.assert_allclose(dense_hessian(loss), theirs, rtol=1e-9, atol=1e-12)


def _pair(p: Any) -> Any:
    return p[0], 1


class _Normalised(eqx.Module):
    norm: eqx.nn.BatchNorm


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (lambda: parameter_loss(jnp.sum, np.arange(3)), "`parameters` holds parameters of type int64"),
        (lambda: parameter_loss(lambda p: jnp.sum(p[0]), [1.0]), "`parameters` holds parameters of type float,"),
        (lambda: parameter_loss(lambda p: p, np.ones(3)), r"`loss` must return one real number, got shape \(3,\)"),
        (lambda: parameter_loss(_pair, np.ones(3)), "`loss` must return one real number, got several values"),
        (lambda: parameter_loss(jnp.argmax, np.ones(3)), "got type int"),
        (lambda: parameter_loss(jnp.sum, ()), "`parameters` holds no parameters"),
        (lambda: small_loss(dtype=np.float16), "of type float16, in which no slope or curvature can be measured"),
        (lambda: small_loss(loss="hinge"), "unknown loss 'hinge'"),
        (lambda: small_loss(rows=0), "`rows` must be a positive integer"),
        (
            lambda: network_loss(small_network(), np.ones((3, INPUTS)), np.ones((4, CLASSES)), loss="squared"),
            "`inputs` and `targets` must hold the same samples, at least one, got 3 and 4 rows",
        ),
        (
            lambda: network_loss(
                _Normalised(eqx.nn.BatchNorm(3, "b", mode="ema")), np.ones((2, 3)), np.ones((2, 3)), loss="squared"
            ),
            r"`network` holds state \(batch normalisation\)",
        ),
        (
            lambda: network_loss(
                eqx.nn.Sequential([eqx.nn.Dropout(0.5)]), np.ones((2, 3)), np.ones((2, 3)), loss="squared"
            ),
            "`network` drops units at random",
        ),
        (
            lambda: dense_hessian(parameter_loss(lambda p: jnp.sum(p**2), np.ones(2001))),
            "`loss` has 2,001 parameters: a model too large for a dense check",
        ),
    ],
)
def test_bad_input_gets_a_sentence(unchecked, build, sentence):
    with pytest.raises(InvalidArgument, match=sentence):
        build()
