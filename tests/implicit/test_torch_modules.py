"""Measures of PyTorch modules against those of the same networks in JAX, by hand and by PyTorch itself."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.networks.extra import HAS_JAX, HAS_TORCH, needs_networks, needs_torch

if not HAS_JAX:
    needs_networks()
if not HAS_TORCH:
    needs_torch()

import jax
import torch
from torch import nn

from benign.foundation.errors import InvalidArgument
from benign.implicit import (
    FlatnessSettings,
    as_dense,
    dense_hessian,
    distance_from_start,
    estimate_trace,
    flatness,
    frobenius_norm,
    gradient_penalty,
    hidden_features,
    layerwise_cka,
    match_weights,
    matched_pairs,
    network_loss,
    path_norm,
    permuted,
    risks_along_lines,
    spectral_complexity,
    spectral_norm_product,
    top_eigenvalues,
    worst_rise,
)
from benign.implicit.curvature.hessian import error_at, gradient_at, hessian_product, value_at
from benign.implicit.precision import own_precision
from tests.implicit.dense_networks import dense, outputs
from tests.implicit.small_losses import small_network
from tests.implicit.torch_modules import convolutional, normalised, twin_of
from tests.networks import oracle
from tests.networks.cases import classification

SPLIT = classification()
SAMPLES = SPLIT.train_inputs, SPLIT.train_targets
IMAGES, CLASSES = np.random.default_rng(0).random((9, 1, 4, 4)), np.arange(9) % 3


def loss_of(module, inputs=SPLIT.train_inputs, targets=SPLIT.train_targets, **settings):
    return network_loss(module, inputs, targets, **{"loss": "cross-entropy", **settings})


@pytest.mark.parametrize("name", ["cross-entropy", "squared"])
def test_loss_error_and_gradient_are_those_of_the_formulas(name):
    network = small_network("tanh")
    loss, targets = loss_of(twin_of(network), loss=name, rows=16), SPLIT.train_targets
    weights = [np.asarray(part) for layer in network.layers for part in (layer.weight, layer.bias)]
    np.testing.assert_array_equal(loss.parameters, np.concatenate([part.ravel() for part in weights]))
    found = outputs(network, SPLIT.train_inputs)
    written = {
        "cross-entropy": np.log(np.sum(np.exp(found), axis=1)) - np.sum(found * targets, axis=1),
        "squared": np.sum((found - targets) ** 2, axis=1),
    }
    slopes = oracle.gradient(weights, "tanh", name, SPLIT.train_inputs, targets)
    with own_precision(loss):
        point = loss.parameters
        assert float(value_at(loss, point)) == pytest.approx(np.mean(written[name]), rel=1e-12)
        assert float(error_at(loss, point)) == np.mean(found.argmax(axis=1) != targets.argmax(axis=1))
        np.testing.assert_allclose(
            gradient_at(loss, point), np.concatenate([slope.ravel() for slope in slopes]), atol=1e-14
        )


@pytest.mark.parametrize("name", ["cross_entropy", "mse_loss"])
def test_the_hessian_is_that_of_pytorch(name):
    module = nn.Sequential(nn.Linear(6, 4), nn.Softplus(), nn.Linear(4, 3)).double()
    found = loss_of(module, loss={"mse_loss": "squared"}.get(name, "cross-entropy"), rows=16)
    inputs, targets = torch.tensor(SPLIT.train_inputs), torch.tensor(SPLIT.train_targets)

    def literal(row):
        pieces = [row[:24].reshape(4, 6), row[24:28], row[28:40].reshape(3, 4), row[40:]]
        hidden = nn.functional.softplus(inputs @ pieces[0].T + pieces[1])
        total = getattr(nn.functional, name)(hidden @ pieces[2].T + pieces[3], targets, reduction="sum")
        return total / len(inputs)

    expected = torch.autograd.functional.hessian(literal, torch.tensor(np.array(found.parameters)))
    np.testing.assert_allclose(dense_hessian(found), expected, rtol=1e-9, atol=1e-13)


def test_every_measure_of_flatness_is_that_of_the_same_network_in_jax():
    network = small_network("tanh")
    settings = FlatnessSettings(steps=3, draws=3, products=9, most_products=20)
    ours = flatness(network, *SAMPLES, loss="cross-entropy", settings=settings)
    theirs = flatness(twin_of(network), *SAMPLES, loss="cross-entropy", settings=settings)
    assert list(theirs) == list(ours)
    for measure, one in ours.items():
        assert theirs[measure].value == pytest.approx(one.value, rel=1e-8), measure
        assert (one.interval is None) == (theirs[measure].interval is None)
        if one.interval is not None:
            assert theirs[measure].interval == pytest.approx(one.interval, rel=1e-8), measure


def test_eigenvalues_and_trace_are_those_of_the_matrix():
    loss = loss_of(convolutional(), IMAGES, CLASSES)
    matrix = dense_hessian(loss)
    values = np.linalg.eigvalsh(matrix)
    found = top_eigenvalues(loss, k=2)
    np.testing.assert_allclose(found.values, values[::-1][:2], rtol=1e-7)
    assert estimate_trace(loss, products=200).value == pytest.approx(np.trace(matrix), rel=1e-9)
    slope = np.linalg.norm(loss.outside.gradient(np.asarray(loss.parameters)))
    assert float(worst_rise(loss, radius=1e-4)) == pytest.approx(1e-4 * slope, rel=1e-3)


def test_products_of_a_convolutional_network_are_finite_differences_of_its_gradients():
    loss = loss_of(convolutional(), IMAGES, CLASSES, rows=4)
    with own_precision(loss):
        vector, step = np.random.default_rng(1).standard_normal(loss.size), 1e-5
        ahead, behind = (gradient_at(loss, loss.parameters + sign * step * vector) for sign in (1, -1))
        product = hessian_product(loss, jax.numpy.asarray(vector))
        np.testing.assert_allclose(product, (ahead - behind) / (2 * step), atol=1e-8)


@pytest.mark.parametrize("batch_size", [None, 16], ids="batch={}".format)
def test_the_gradient_penalty_is_that_of_the_same_network_in_jax(batch_size):
    network = small_network()
    expected = gradient_penalty(network, *SAMPLES, batch_size=batch_size)
    found = gradient_penalty(twin_of(network), *SAMPLES, batch_size=batch_size)
    assert found.full_batch == pytest.approx(expected.full_batch, rel=1e-10)
    if batch_size is not None:
        assert found.minibatch == pytest.approx(expected.minibatch, rel=1e-10)
    assert found.implicit_term(0.1) == pytest.approx(expected.implicit_term(0.1), rel=1e-10)


def test_the_gradient_penalty_is_of_the_parameters_that_are_trained_in_single_precision_at_least():
    module = twin_of(small_network())
    module[0].requires_grad_(False)
    inputs, classes = torch.tensor(SPLIT.train_inputs), torch.tensor(SPLIT.train_targets.argmax(axis=1))
    nn.functional.cross_entropy(module(inputs), classes).backward()
    slopes = [one.grad for one in module.parameters() if one.requires_grad]
    found = gradient_penalty(module, inputs, classes)
    assert found.parameters == sum(slope.numel() for slope in slopes) == 72 + 27
    assert found.full_batch * found.parameters == pytest.approx(sum(float((g**2).sum()) for g in slopes), rel=1e-12)
    half = gradient_penalty(module.bfloat16(), inputs, classes)
    assert half.full_batch == pytest.approx(found.full_batch, rel=0.1)


def test_penalty_and_features_of_a_module_need_no_jax():
    program = """
import sys, numpy, torch
from benign.implicit import gradient_penalty, hidden_features, layerwise_cka
module = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 2))
penalty = gradient_penalty(module, numpy.ones((4, 2)), numpy.arange(4) % 2, batch_size=2)
layerwise_cka([module, module], numpy.ones((4, 2)))
sys.exit(penalty.implicit_term(0.1) <= 0.0 or "jax" in sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_nothing_of_the_module_is_changed():
    module = convolutional()
    module[1].register_forward_hook(lambda one, *_: one.running_mean.add_(1.0) if one.training else None)
    module(torch.tensor(IMAGES)).sum().backward()
    state = {name: one.clone() for name, one in module.state_dict().items()}
    grads = [one.grad.clone() for one in module.parameters()]
    torch.manual_seed(3)
    dense_hessian(loss_of(module, IMAGES, CLASSES))
    gradient_penalty(module, IMAGES, CLASSES)
    hidden_features(module, IMAGES)
    after = torch.rand(1)
    torch.manual_seed(3)
    assert after == torch.rand(1)
    assert all(torch.equal(one, state[name]) for name, one in module.state_dict().items())
    assert all(torch.equal(one.grad, grad) for one, grad in zip(module.parameters(), grads, strict=True))
    assert not any(one.training for one in module.modules())


def test_a_loss_stays_that_of_the_module_when_it_was_taken():
    module = twin_of(small_network())
    loss = loss_of(module)
    before = loss.outside.value(np.asarray(loss.parameters))
    module[0].weight.data += 1.0
    assert loss.outside.value(np.asarray(loss.parameters)) == before


@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_features_norms_and_conversion_are_those_of_the_same_network(activation):
    networks = [small_network(activation), as_dense(twin_of(small_network(activation)))]
    twin = twin_of(networks[0])
    expected = hidden_features(networks[0], SPLIT.test_inputs)
    for one in (hidden_features(twin, SPLIT.test_inputs), hidden_features(networks[1], SPLIT.test_inputs)):
        for layer, wanted in zip(one, expected, strict=True):
            np.testing.assert_allclose(layer, wanted, rtol=1e-10, atol=1e-12)
    for norm in (frobenius_norm, path_norm, spectral_norm_product, spectral_complexity):
        assert float(norm(twin)) == pytest.approx(float(norm(networks[0])), rel=1e-12)
    assert distance_from_start(twin, networks[0]).frobenius == 0.0


def test_alignment_of_modules_is_that_of_the_same_networks():
    first = dense(6, 8, 3, seed=1)
    second = permuted(first, [np.arange(8)[::-1]])
    twins = twin_of(first), twin_of(second)
    assert match_weights(*twins).similarity == pytest.approx(match_weights(first, second).similarity)
    ((one, other),) = matched_pairs([twins])
    np.testing.assert_allclose(one.layers[0].weight, other.layers[0].weight)
    found = layerwise_cka(twins, SPLIT.test_inputs)
    np.testing.assert_allclose(found, layerwise_cka([first, second], SPLIT.test_inputs), rtol=1e-10)


def test_features_are_after_activations_or_the_submodules_that_are_named():
    module = convolutional()
    (features,) = hidden_features(module, IMAGES)
    images = torch.tensor(IMAGES)
    np.testing.assert_allclose(features, module[:3](images).flatten(1).detach(), rtol=1e-12)
    first, last = hidden_features(module, IMAGES, layers=["0", "5"])
    np.testing.assert_allclose(first, module[0](images).flatten(1).detach(), rtol=1e-12)
    np.testing.assert_allclose(last, module(images).detach(), rtol=1e-12)
    plain = nn.Sequential(nn.Linear(6, 4), nn.Linear(4, 3)).double()
    assert [layer.shape for layer in hidden_features(plain, SPLIT.test_inputs)] == [(21, 4)]


def test_risks_along_lines_are_those_of_the_same_networks():
    first, second = dense(6, 8, 8, 3, seed=1), dense(6, 8, 8, 3, seed=2)
    expected = risks_along_lines([(first, second)], SPLIT, loss="cross-entropy")
    found = risks_along_lines([(twin_of(first), twin_of(second))], SPLIT, loss="cross-entropy")
    for metric, values in expected.risks.items():
        np.testing.assert_allclose(found.risks[metric], values, rtol=1e-10)
    assert np.ptp(found.risks["train_loss"]) > 0.0


def test_buffers_of_real_numbers_lie_on_the_line_too():
    first, second, middle = normalised(2.0), normalised(0.0), normalised(1.0)
    with torch.no_grad():
        for name, one in middle[1].named_parameters():
            one.copy_((getattr(first[1], name) + getattr(second[1], name)) / 2)
    risks = risks_along_lines([(first, second)], SPLIT, loss="squared", alphas=[0.0, 0.5, 1.0]).risks
    off = middle(torch.tensor(SPLIT.test_inputs)).detach().numpy() - SPLIT.test_targets
    assert risks["test_loss"][0, 1] == pytest.approx(np.mean(np.sum(off**2, axis=1)), rel=1e-10)


def test_the_page_runs(capsys):
    page = (Path(__file__).parents[2] / "docs" / "implicit.md").read_text("utf-8")
    section = page.split("## Your own PyTorch module")[1]
    names: dict[str, Any] = {}
    with torch.random.fork_rng():
        exec(section.split("```python")[1].split("```")[0], names)
    told = capsys.readouterr().out
    assert "GradientPenalty(full_batch=" in told
    assert "sam_sharpness: " in told
    assert "[(100, 144)]" in told


class _Own(nn.Module):
    def __init__(self, forward):
        super().__init__()
        self.linear, self.own = nn.Linear(6, 3), forward

    def forward(self, inputs):
        return self.own(self.linear, inputs)


def _sequential(*modules):
    return nn.Sequential(nn.Linear(6, 4), *modules, nn.Linear(4, 3)).double()


PLAIN = _sequential(nn.ReLU())
ROWS = SPLIT.train_inputs


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (lambda: loss_of(_sequential(nn.Dropout(0.5))), r"`network` gives other outputs .* call .eval\(\) first"),
        (lambda: loss_of(_sequential(nn.BatchNorm1d(4))), r"batch normalisation\); call .eval\(\) first"),
        (lambda: loss_of(_Own(lambda f, x: f(x) + torch.rand(1)).eval()), "other outputs each time"),
        (lambda: loss_of(_Own(lambda f, x: f(x).detach())), "`network` gives outputs that cannot be differentiated"),
        (lambda: loss_of(_Own(lambda f, x: f(x)[None])), r"one row of outputs for each of 40 inputs, got the shape"),
        (lambda: loss_of(_Own(lambda f, x: [f(x)])), "for each of 40 inputs, got list"),
        (lambda: loss_of(PLAIN, IMAGES), "`inputs` and `targets` must hold the same samples"),
        (lambda: loss_of(PLAIN, IMAGES, CLASSES), "`network` raised RuntimeError: .* of the shape and type"),
        (lambda: loss_of(PLAIN, targets=np.arange(40)), "`targets` must hold classes from 0 to 2, .* got 0 to 39"),
        (lambda: loss_of(PLAIN, targets=np.ones((40, 2))), "`targets` must hold 3 numbers for each sample, .* got 2"),
        (lambda: loss_of(PLAIN, loss="hinge"), "unknown loss 'hinge'"),
        (lambda: loss_of(_sequential().half()), "`network` holds parameters of type torch.float16"),
        (lambda: loss_of(nn.Flatten()), "`network` has no parameter that is trained"),
        (lambda: loss_of(nn.LazyLinear(3)), "`network` has parameters without a shape yet"),
        (lambda: loss_of(nn.Linear(6, 3, device="meta")), "`network` holds no numbers"),
        (lambda: jax.jit(lambda s: worst_rise(loss_of(PLAIN), radius=s))(0.1) + jax.jit(gradient_of)(0.1), "jax.jit"),
        (lambda: gradient_penalty(PLAIN, ROWS * np.nan, SPLIT.train_targets), "a gradient that is not finite"),
        (lambda: gradient_penalty(PLAIN, ROWS, SPLIT.train_targets, batch_size=41), "`batch_size` must be at most"),
        (
            lambda: hidden_features(PLAIN, ROWS, layers=["3"]),
            "`layers` must name submodules .*; Known: 0, 1, 2",
        ),
        (lambda: hidden_features(small_network(), ROWS, layers=["3"]), "`layers` names submodules of a PyTorch module"),
        (
            lambda: layerwise_cka([PLAIN, _sequential(nn.ReLU(), nn.Tanh())], ROWS),
            "networks of the same depth",
        ),
        (lambda: path_norm(convolutional()), "`network` has a Conv2d where none can be: this is measured layer by"),
        (lambda: as_dense(_Own(lambda f, x: f(x))), "`network` is or holds a _Own"),
        (lambda: as_dense(_sequential()), "`network` has two linear maps without an activation between"),
        (lambda: as_dense(nn.Linear(6, 3)), "`network` is or holds a Linear"),
        (lambda: lines(PLAIN, nn.Linear(6, 3).double()), "`pairs` must hold modules of the same parameters"),
        (lambda: lines(PLAIN, small_network()), "`pairs` must hold PyTorch modules alone or none"),
        (lambda: lines(PLAIN, PLAIN, device="cpu"), "`device` must be None for PyTorch modules"),
    ],
)
def test_bad_input_gets_a_sentence(unchecked, build, sentence):
    with pytest.raises(InvalidArgument, match=sentence):
        build()


def gradient_of(step):
    loss = loss_of(PLAIN)
    return gradient_at(loss, loss.parameters + step)


def lines(first, second, **settings):
    return risks_along_lines([(first, second)], SPLIT, loss="squared", **settings)
