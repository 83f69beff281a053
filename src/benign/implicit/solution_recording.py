"""What is measured of a solution: risks, gradient penalty, flatness, norms, as it is and after cooling."""

from __future__ import annotations

from dataclasses import dataclass, field

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from benign.implicit.curvature.flatness_measures import FlatnessMeasure, FlatnessSettings, measured
from benign.implicit.curvature.hessian import gradient_at, holding_padding, network_loss, random_key
from benign.implicit.curvature.sharpness import under_noise
from benign.implicit.norms.dense_norms import checked_dense, output_margins, path_norm, spectral_norm_product
from benign.networks.recording import Data, RiskRecorder, outputs_of

# The surface's names for the measures of flatness of the training loss.
FLATNESS = {
    "top_eigenvalue": FlatnessMeasure.TOP_EIGENVALUE,
    "hessian_trace": FlatnessMeasure.TRACE,
    "worst_sharpness": FlatnessMeasure.WORST_SHARPNESS,
    "adaptive_sharpness": FlatnessMeasure.ADAPTIVE_SHARPNESS,
}
_COOLED = "_cooled"
_DIGITS = 1e6  # of a share of samples that is kept; float32 has one digit more
Values = dict[str, Float[Array, ""]]


class WeightsRecorder(eqx.Module):
    """The parameters themselves, leaf by leaf, as ``weights_0``, ``weights_1``, ..."""

    def __call__(self, network: eqx.Module, data: Data) -> dict[str, Float[Array, "..."]]:
        del data
        return {f"weights_{i}": leaf for i, leaf in enumerate(jax.tree.leaves(eqx.filter(network, eqx.is_array)))}


@dataclass(frozen=True, kw_only=True)
class SolutionRecorder:
    """Measures a network by the surface's metrics; ``NAME_cooled`` is measured after cooling.

    Cooling is a few small full-batch steps of gradient descent from the network: at large step sizes the iterate
    oscillates across the sharp directions, and what is measured there is the oscillation, not the solution.

    Attributes:
        loss: the training objective.
        metrics: what to record.
        settings: radii and noise.
        cooling_steps: of gradient descent.
        cooling_rate: their step size.
        has_classes: without classes errors and margins are NaN.
        batch: samples of a mini-batch, for ``gradient_penalty_minibatch``; None for all.
    """

    loss: str
    metrics: frozenset[str]
    settings: FlatnessSettings = field(default_factory=FlatnessSettings)
    cooling_steps: int = 200
    cooling_rate: float = 0.01
    has_classes: bool = True
    batch: int | None = None

    def __call__(self, network: eqx.Module, data: Data) -> dict[str, Float[Array, "..."]]:
        plain = frozenset(name for name in self.metrics if not name.endswith(_COOLED))
        after = frozenset(name.removesuffix(_COOLED) for name in self.metrics - plain)
        if not after:
            return self._values(network, data, plain)
        arrays, structure = eqx.partition(network, eqx.is_array)
        cooled = eqx.filter(self.cooled(network, data), eqx.is_array)
        # Both by one program, which takes half as long to compile as two.
        both = jax.lax.map(
            lambda one: self._values(eqx.combine(one, structure), data, plain | after),
            jax.tree.map(lambda *pair: jnp.stack(pair), arrays, cooled),
        )
        values = {name: pair[0] for name, pair in both.items() if _metric(name) in plain | {"train_loss"}}
        return values | {f"{name}{_COOLED}": pair[1] for name, pair in both.items() if _metric(name) in after}

    def cooled(self, network: eqx.Module, data: Data) -> eqx.Module:
        """The network after cooling."""
        loss = holding_padding(network_loss(network, data.train_inputs, data.train_targets, loss=self.loss))
        reached = jax.lax.fori_loop(
            0,
            self.cooling_steps,
            lambda _, theta: theta - self.cooling_rate * gradient_at(loss, theta),
            loss.parameters,
        )
        structure = eqx.partition(network, eqx.is_array)[1]
        return eqx.combine(loss.unravel(reached), structure)

    def _values(self, network: eqx.Module, data: Data, names: frozenset[str]) -> Values:
        risks = RiskRecorder(loss=self.loss, metrics=names, has_classes=self.has_classes, batch=self.batch)
        values = risks(network, data)
        flat = frozenset(FLATNESS[name] for name in names & FLATNESS.keys())
        around = holding_padding(network_loss(network, data.train_inputs, data.train_targets, loss=self.loss))
        found = measured(around, flat, self.settings)
        values |= {name: found[FLATNESS[name].value] for name in names & FLATNESS.keys()}
        for name, inputs, targets in (
            ("train_error_under_noise", data.train_inputs, data.train_targets),
            ("test_error_under_noise", data.test_inputs, data.test_targets),
        ):
            if name in names:
                values[name] = self._perturbed(network, inputs, targets)
        return values | self._norms(network, data, names)

    def _perturbed(self, network: eqx.Module, inputs: Array, targets: Array) -> Float[Array, ""]:
        if not self.has_classes:
            return jnp.array(jnp.nan)
        loss = network_loss(network, inputs, targets, loss=self.loss)
        key = random_key(self.settings.seed, "parameter noise")
        moments = under_noise(
            loss, deviation=self.settings.multiplicative, multiplicative=True, draws=self.settings.draws, key=key
        )
        # The accuracy is one minus a mean of shares; rounding must not make an error negative, nor break a tie.
        return jnp.maximum(0.0, jnp.round((1.0 - moments.accuracy) * _DIGITS) / _DIGITS)

    def _norms(self, network: eqx.Module, data: Data, names: frozenset[str]) -> Values:
        if names.isdisjoint({"path_norm", "spectral_norm_product", "normalised_margin"}):
            return {}
        dense = checked_dense(network)
        product = spectral_norm_product(dense)
        values = {"path_norm": jnp.asarray(path_norm(dense)), "spectral_norm_product": jnp.asarray(product)}
        if "normalised_margin" in names:
            margins = output_margins(outputs_of(dense, data.train_inputs), data.train_targets)
            values["normalised_margin"] = (
                jnp.quantile(margins, 0.1) / product if self.has_classes else jnp.array(jnp.nan)
            )
        return {name: value for name, value in values.items() if name in names}


def _metric(recorded: str) -> str:
    """The metric that a recording belongs to: squared gradients are recorded of gradient penalties."""
    return recorded.replace("gradient_square", "gradient_penalty")
