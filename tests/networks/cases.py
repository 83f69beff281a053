"""Small splits, recorders and a family of its own: what the tests of networks are run on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float

from benign.foundation.replicate import Replicate
from benign.foundation.split import Split
from benign.networks import Data, Member, MLPFamily, Training
from benign.networks import checkpoints as checkpoints_module
from benign.networks import trajectory as trajectory_module

SAMPLES, TEST_SAMPLES, INPUTS, CLASSES = 40, 21, 6, 3
# 16 does not divide 40: an epoch is batches of 16, 16 and 8.
BATCH, PER_EPOCH = 16, 3
FAMILY = MLPFamily(depth=2, activation="relu")


def classification(number: int = 0, *, flipped: float = 0.25, spread: float = 1.0) -> Split:
    """Three overlapping clouds, of whose labels some are flipped; each number is a draw of its own."""
    random = np.random.default_rng([11, number])
    centres = random.standard_normal((CLASSES, INPUTS))

    def cloud(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        labels = random.integers(0, CLASSES, count)
        shifts = np.where(random.random(count) < flipped, random.integers(1, CLASSES, count), 0)
        inputs = centres[labels] + spread * random.standard_normal((count, INPUTS))
        return inputs, np.eye(CLASSES)[labels], np.eye(CLASSES)[(labels + shifts) % CLASSES]

    train, clean, noisy = cloud(SAMPLES)
    test, test_clean, test_noisy = cloud(TEST_SAMPLES)
    return Split(
        train_inputs=train,
        train_targets=noisy,
        train_targets_clean=clean,
        test_inputs=test,
        test_targets=test_clean,
        test_targets_noisy=test_noisy,
        pool=train,
        classes=("ash", "beech", "cedar"),
        replicate=Replicate(seed=3, draw=number, initialisation=number, noise=number),
    )


def regression(number: int = 0) -> Split:
    """Two smooth functions of the inputs with noise."""
    random = np.random.default_rng([12, number])
    weights = random.standard_normal((INPUTS, 2))
    train, test = random.standard_normal((SAMPLES, INPUTS)), random.standard_normal((TEST_SAMPLES, INPUTS))
    clean, test_clean = np.tanh(train @ weights), np.tanh(test @ weights)
    return Split(
        train_inputs=train,
        train_targets=clean + 0.1 * random.standard_normal(clean.shape),
        train_targets_clean=clean,
        test_inputs=test,
        test_targets=test_clean,
        test_targets_noisy=test_clean + 0.1 * random.standard_normal(test_clean.shape),
        pool=train,
        classes=None,
        replicate=Replicate(seed=3, draw=number, initialisation=number, noise=number),
    )


def six_members(splits: Sequence[Split], rate: float = 0.01) -> list[Member]:
    """Three widths that share a program, each on two splits, some at a learning rate of their own."""
    rates = [None, 0.3 * rate, 2 * rate, None, 0.1 * rate, 3 * rate]
    pairs = [(width, split) for width in (5, 7, 8) for split in splits]
    return [Member(width=w, split=s, learning_rate=rate) for (w, s), rate in zip(pairs, rates, strict=True)]


def settings(**changed: Any) -> Training:
    """Four epochs in float64."""
    chosen: dict[str, Any] = {"learning_rate": 0.01, "batch_size": BATCH, "precision": "float64"} | changed
    return Training(**({"epochs": 4} | chosen if "steps" not in chosen else chosen))


def flat(network: eqx.Module) -> Float[np.ndarray, " parameters"]:
    """All numbers of a network in one row."""
    return np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(eqx.filter(network, eqx.is_array))])


@dataclass(frozen=True)
class Parameters:
    """Records every number of the network, zeros that fill it up included."""

    def __call__(self, network: eqx.Module, data: Data) -> dict[str, Float[Array, "..."]]:
        del data
        leaves = jax.tree.leaves(eqx.filter(network, eqx.is_array))
        return {"parameters": jnp.concatenate([leaf.ravel() for leaf in leaves])}


class Convolution(eqx.Module):
    """Channels of a convolution along the inputs, averaged over positions, and a linear map of them."""

    convolution: eqx.nn.Conv1d
    output: eqx.nn.Linear

    def __call__(self, x: Float[Array, " inputs"]) -> Float[Array, " outputs"]:
        channels = jax.nn.relu(self.convolution(x[None]))
        return self.output(jnp.mean(channels, axis=1))


@dataclass(frozen=True)
class ConvolutionFamily:
    """A family that the package does not know, of Equinox's own layers: its width is a number of channels."""

    is_widenable: ClassVar[bool] = True

    def build(self, width: int, *, inputs: int, outputs: int, random: np.random.Generator) -> Convolution:
        del inputs
        empty = _empty(width, outputs)
        leaves, structure = jax.tree.flatten(empty)
        return jax.tree.unflatten(structure, [random.uniform(-0.5, 0.5, leaf.shape) for leaf in leaves])

    def widened(self, module: eqx.Module, width: int) -> Convolution:
        assert isinstance(module, Convolution)
        wide, structure = jax.tree.flatten(_empty(width, module.output.weight.shape[0]))
        narrow = jax.tree.leaves(module)
        padded = [
            np.pad(leaf, [(0, size - own) for size, own in zip(like.shape, leaf.shape, strict=True)])
            for leaf, like in zip(narrow, wide, strict=True)
        ]
        return jax.tree.unflatten(structure, padded)

    def parameters(self, width: int, *, inputs: int, outputs: int) -> int:
        del inputs
        return 3 * width + width + width * outputs + outputs


@eqx.filter_jit
def _empty(width: int, outputs: int) -> Convolution:
    key = jax.random.key(0)
    return Convolution(
        convolution=eqx.nn.Conv1d(1, width, kernel_size=3, padding=1, key=key),
        output=eqx.nn.Linear(width, outputs, key=key),
    )


class Interrupted(Exception):
    """A process that ends in the middle of a training."""


class StopAt:
    """A listener that ends the training when it has been told of progress a number of times."""

    def __init__(self, calls: int) -> None:
        self.left = calls

    def __call__(self, task: str, done: float, total: float) -> None:
        self.left -= 1
        if self.left == 0:
            raise Interrupted


def two_steps_a_call(patch: pytest.MonkeyPatch) -> None:
    """Python is reached after every second step, and a checkpoint, if one is asked for, is written each time."""
    patch.setattr(trajectory_module, "_FIRST_STEPS", 2)
    patch.setattr(trajectory_module, "_next_pace", lambda *_: 2)
    patch.setattr(checkpoints_module.Checkpoint, "is_due", True)


def assert_close(one: Any, other: Any) -> None:
    """Equal up to rounding in float64: after some dozen steps in which products were summed in another order."""
    np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-10)


def same_bits(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    """Whether two recordings agree in every bit, NaN included."""
    return one.keys() == other.keys() and all(one[name].tobytes() == other[name].tobytes() for name in one)
