"""Optimisers and schedules: a hundred steps are PyTorch's hundred steps."""

import math

import numpy as np
import pytest

from tests.networks.extra import HAS_JAX, needs_networks, needs_torch

if not HAS_JAX:
    needs_networks()

import jax
import jax.numpy as jnp
import optax

from benign.networks import Member, MLPFamily, Training, initial_network, train_population
from benign.networks.optimisers import scale_by_adam
from benign.networks.schedules import schedule
from tests.networks import oracle
from tests.networks.cases import BATCH, CLASSES, INPUTS, Parameters, classification, flat, regression, settings

WIDTH, STEPS = 7, 100
CONFIGURATIONS = {
    "adam": {"learning_rate": 0.003},
    "adam, decay, cosine": {"learning_rate": 0.01, "weight_decay": 0.03, "schedule": "cosine"},
    "momentum, squared": {"optimizer": "momentum", "momentum": 0.8, "loss": "squared"},
    "momentum, decay, cosine": {"optimizer": "momentum", "weight_decay": 0.02, "schedule": "cosine"},
    "sgd": {"optimizer": "sgd", "learning_rate": 0.2},
    "sgd, decay, full batch": {"optimizer": "sgd", "learning_rate": 0.2, "weight_decay": 0.05, "batch_size": None},
}


def theirs(training, split, start):
    """The same network, batches and settings in PyTorch; the parameters after the last step."""
    import torch

    outputs = split.train_targets.shape[1]
    network = torch.nn.Sequential(
        torch.nn.Linear(INPUTS, WIDTH), torch.nn.ReLU(), torch.nn.Linear(WIDTH, outputs)
    ).double()
    torch.nn.utils.vector_to_parameters(torch.tensor(start), network.parameters())
    options = {"lr": training.learning_rate, "weight_decay": training.weight_decay}
    optimiser = {
        "adam": lambda: torch.optim.Adam(network.parameters(), **options),
        "momentum": lambda: torch.optim.SGD(network.parameters(), momentum=training.momentum, **options),
        "sgd": lambda: torch.optim.SGD(network.parameters(), **options),
    }[training.optimizer]()
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=STEPS)
    for step in range(STEPS):
        rows = oracle.batch_at(split, training.batch_of(split.samples), step)
        predicted, wanted = (
            network(torch.from_numpy(split.train_inputs[rows])),
            torch.from_numpy(split.train_targets[rows]),
        )
        if training.loss == "cross-entropy":
            loss = torch.nn.functional.cross_entropy(predicted, wanted.argmax(dim=1))
        else:
            loss = torch.nn.functional.mse_loss(predicted, wanted) * outputs
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if training.schedule == "cosine":
            falling.step()
    return torch.nn.utils.parameters_to_vector(network.parameters()).detach().numpy()


@pytest.mark.parametrize("configuration", CONFIGURATIONS.values(), ids=CONFIGURATIONS.keys())
def test_a_hundred_steps_are_pytorchs(configuration):
    needs_torch()
    family, training = MLPFamily(depth=1, activation="relu"), settings(steps=STEPS, **configuration)
    split = regression() if training.loss == "squared" else classification()
    member = Member(width=WIDTH, split=split)
    start = flat(initial_network(family, member))
    trained = train_population(family, training, [member], times=[STEPS], recorder=Parameters())
    expected = theirs(training, split, start)
    assert np.linalg.norm(expected - start) > 0.5
    np.testing.assert_allclose(flat(trained.networks[0]), expected, rtol=1e-9, atol=1e-9)


def factors(training, steps, total):
    with jax.enable_x64(True):
        per_epoch = training.steps_per_epoch(40)
        return np.array(
            [float(schedule(training, jnp.asarray(step, dtype=jnp.int32), total, per_epoch, of=jnp)) for step in steps]
        )


def pytorchs(make, steps):
    import torch

    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = make(optimiser)
    rates = []
    for _ in range(max(steps) + 1):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        scheduler.step()
    return np.array(rates)[list(steps)]


def test_cosine_is_pytorchs():
    needs_torch()
    from torch.optim.lr_scheduler import CosineAnnealingLR

    training = Training(schedule="cosine", epochs=100, batch_size=BATCH)
    expected = pytorchs(lambda optimiser: CosineAnnealingLR(optimiser, T_max=300), range(300))
    np.testing.assert_allclose(factors(training, range(300), 300), expected, rtol=1e-9, atol=1e-12)


def test_step_decay_is_pytorchs():
    needs_torch()
    from torch.optim.lr_scheduler import StepLR

    training = Training(schedule="step_decay", epochs=1500, batch_size=BATCH)
    steps = [0, 1, 1499, 1500, 1501, 2999, 3000, 4499]
    expected = pytorchs(lambda optimiser: StepLR(optimiser, step_size=500 * 3, gamma=0.9), steps)
    np.testing.assert_allclose(factors(training, steps, 4500), expected, rtol=1e-12)
    assert expected[-1] == pytest.approx(0.81)


def test_inverse_square_root_is_pytorchs_lambda():
    needs_torch()
    from torch.optim.lr_scheduler import LambdaLR

    training = Training(schedule="inverse_square_root", epochs=1000, batch_size=BATCH)
    steps = [0, 1, 511, 512, 513, 1023, 1024, 2000]
    expected = pytorchs(lambda optimiser: LambdaLR(optimiser, lambda step: 1 / math.sqrt(1 + step // 512)), steps)
    np.testing.assert_allclose(factors(training, steps, 3000), expected, rtol=1e-12)
    assert expected[-1] == pytest.approx(0.5)


def test_constant_is_one():
    assert set(factors(Training(batch_size=BATCH), [0, 1, 1000], 2000)) == {1.0}


def test_a_schedule_goes_on_over_all_steps_of_a_training():
    family, split = MLPFamily(depth=1, activation="relu"), classification()
    training = settings(steps=520, schedule="inverse_square_root", optimizer="sgd", learning_rate=0.05)
    member = Member(width=3, split=split)
    trained = train_population(family, training, [member], times=[510, 520], recorder=Parameters())
    expected = oracle.train(initial_network(family, member), training, split).parameters
    np.testing.assert_allclose(flat(trained.networks[0]), expected[-1], rtol=1e-9, atol=1e-9)
    assert flat(trained.networks[0]).size == 3 * (INPUTS + 1) + CLASSES * 4


def test_adam_is_optax_adam_up_to_rounding():
    random = np.random.default_rng(0)
    with jax.enable_x64(True):
        ours, theirs = scale_by_adam(), optax.scale_by_adam()
        parameters = {"weight": jnp.asarray(random.standard_normal((3, 4))), "bias": jnp.zeros(3)}
        states = ours.init(parameters), theirs.init(parameters)
        for _ in range(20):
            gradient = jax.tree.map(lambda leaf: jnp.asarray(random.standard_normal(leaf.shape)), parameters)
            (step, first), (expected, second) = (
                rule.update(gradient, state) for rule, state in zip((ours, theirs), states, strict=True)
            )
            states = first, second
            jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12), step, expected)
