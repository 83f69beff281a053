"""What is recorded along training: a recorder is a pure function of one network and one member's data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from benign.networks.gradient_penalty import minibatch_square, outputs_and_square
from benign.networks.objective import losses_of, wrong

# Samples that are evaluated at once: enough for the matrix products, little enough for the caches.
_ROWS = 1024


class Data(NamedTuple):
    """One member's training and test set; in the engine each has a leading axis, one entry a data set."""

    train_inputs: Float[Array, "*data_set n d"]
    train_targets: Float[Array, "*data_set n K"]
    train_targets_clean: Float[Array, "*data_set n K"]
    test_inputs: Float[Array, "*data_set n_test d"]
    test_targets: Float[Array, "*data_set n_test K"]
    test_targets_noisy: Float[Array, "*data_set n_test K"]


@runtime_checkable
class Recorder(Protocol):
    """Maps a network and its data to named numbers or arrays.

    It is traced and run for many members at once, so it must be pure, and either hashable (a frozen dataclass) or an
    Equinox module that holds its arrays.
    """

    def __call__(self, network: eqx.Module, data: Data) -> dict[str, Float[Array, "..."]]: ...


@dataclass(frozen=True, kw_only=True)
class RiskRecorder:
    """Losses, zero-one errors and the norm of the parameters, by the names of the surface's metrics.

    Attributes:
        loss: the training objective, by which all losses are measured.
        metrics: what to record; ``train_loss`` always is, for it tells a diverged network. ``gradient_penalty`` and
            ``gradient_penalty_minibatch`` are recorded as sums, ``gradient_square`` and ``gradient_square_minibatch``,
            for a program that is padded to a larger width does not know the number of parameters.
        has_classes: without classes the errors are NaN.
        batch: samples of a mini-batch, for ``gradient_penalty_minibatch``; None for all.
    """

    loss: str
    metrics: frozenset[str]
    has_classes: bool = True
    batch: int | None = None

    def __call__(self, network: eqx.Module, data: Data) -> dict[str, Float[Array, "..."]]:
        train, gradients = self._train_outputs_and_gradients(network, data)
        test = outputs_of(network, data.test_inputs)
        half = len(data.test_inputs) // 2
        flipped = wrong(data.train_targets, data.train_targets_clean)
        unflipped = ~flipped
        values = {
            "norm": jnp.sqrt(sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(eqx.filter(network, eqx.is_array))))
        }
        for name, outputs, targets, chosen in (
            ("train_{}", train, data.train_targets, slice(None)),
            ("train_{}_clean", train, data.train_targets_clean, slice(None)),
            ("test_{}", test, data.test_targets, slice(None)),
            ("test_{}_noisy", test, data.test_targets_noisy, slice(None)),
            ("validation_{}", test, data.test_targets_noisy, slice(None, half)),
            ("test_{}_held_out", test, data.test_targets, slice(half, None)),
        ):
            values[name.format("loss")] = jnp.mean(losses_of(self.loss, outputs, targets)[chosen])
            values[name.format("error")] = self._share(wrong(outputs, targets)[chosen])
        mistaken = wrong(train, data.train_targets)
        values["train_error_flipped"] = self._share(mistaken & flipped) / _mean(flipped)
        values["train_error_unflipped"] = self._share(mistaken & unflipped) / _mean(unflipped)
        recorded = {name: value for name, value in values.items() if name in self.metrics | {"train_loss"}}
        return recorded | gradients

    def _train_outputs_and_gradients(
        self, network: eqx.Module, data: Data
    ) -> tuple[Float[Array, "n K"], dict[str, Float[Array, ""]]]:
        """Outputs on the training set, and squared norms of the gradients that are asked for."""
        samples = self.loss, data.train_inputs, data.train_targets
        recorded = {}
        if "gradient_penalty" in self.metrics:
            train, recorded["gradient_square"] = outputs_and_square(network, *samples)
        else:
            train = outputs_of(network, data.train_inputs)
        if "gradient_penalty_minibatch" in self.metrics:
            batch = min(self.batch or len(data.train_inputs), len(data.train_inputs))
            recorded["gradient_square_minibatch"] = minibatch_square(network, *samples, batch)
        return train, recorded

    def _share(self, mistakes: Array) -> Float[Array, ""]:
        return _mean(mistakes) if self.has_classes else jnp.array(jnp.nan)


def _mean(which: Bool[Array, " n"]) -> Float[Array, ""]:
    return jnp.mean(which.astype(float))  # of booleans themselves JAX's mean is float32, whatever the precision


class PredictionRecorder(eqx.Module):
    """The network's outputs on further inputs, as ``predictions``."""

    inputs: Float[Array, "m d"] | Float[np.ndarray, "m d"]

    def __call__(self, network: eqx.Module, data: Data) -> dict[str, Float[Array, "..."]]:
        del data
        return {"predictions": outputs_of(network, jnp.asarray(self.inputs))}


def outputs_of(network: eqx.Module, inputs: Float[Array, "n d"]) -> Float[Array, "n K"]:
    """The network's outputs, some rows at a time."""
    return jax.lax.map(network, inputs, batch_size=min(_ROWS, len(inputs)))
