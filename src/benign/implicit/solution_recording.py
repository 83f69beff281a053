"""What is measured of a solution: risks, gradient penalty, flatness, norms, as it is and after cooling."""

from __future__ import annotations

from dataclasses import dataclass, field

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from benign.implicit.curvature.flatness_measures import FlatnessMeasure, FlatnessSettings, measured
from benign.implicit.curvature.hessian import FlatLoss, gradient_at, holding_padding, network_loss
from benign.implicit.norms.dense_norms import NormRecorder
from benign.networks.recording import Data, RiskRecorder

_UNDER_NOISE = FlatnessMeasure.ERROR_UNDER_MULTIPLICATIVE_NOISE.value
_FLATNESS = frozenset({"top_eigenvalue", "hessian_trace", "worst_sharpness", "adaptive_sharpness", _UNDER_NOISE})
_NORMS = frozenset({"path_norm", "spectral_norm_product", "normalised_margin"})
_COOLED = "_cooled"
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

        def step(_: Array, theta: Float[Array, " m"]) -> Float[Array, " m"]:
            return theta - self.cooling_rate * gradient_at(loss, theta)

        return eqx.combine(
            loss.unravel(jax.lax.fori_loop(0, self.cooling_steps, step, loss.parameters)), loss.structure
        )

    def _values(self, network: eqx.Module, data: Data, names: frozenset[str]) -> Values:
        risks = RiskRecorder(loss=self.loss, metrics=names, has_classes=self.has_classes, batch=self.batch)
        values = risks(network, data)
        around = holding_padding(network_loss(network, data.train_inputs, data.train_targets, loss=self.loss))
        values |= self._flatness(around, names)
        if "test_error_under_noise" in names:
            tested = network_loss(network, data.test_inputs, data.test_targets, loss=self.loss)
            values["test_error_under_noise"] = self._flatness(tested, frozenset({_UNDER_NOISE}))[_UNDER_NOISE]
        if chosen := names & _NORMS:
            measures_margin = self.has_classes and "normalised_margin" in names
            norms = NormRecorder(margins=measures_margin)(network, data)
            values |= {name: jnp.asarray(norms.get(name, jnp.nan)) for name in chosen}
        return values

    def _flatness(self, loss: FlatLoss, names: frozenset[str]) -> Values:
        found = measured(loss, frozenset(map(FlatnessMeasure, names & _FLATNESS)), self.settings)
        if not self.has_classes:
            found[_UNDER_NOISE] = jnp.array(jnp.nan)
        return {name: found[name] for name in names & _FLATNESS}


def _metric(recorded: str) -> str:
    """The metric that a recording belongs to: squared gradients are recorded of gradient penalties."""
    return recorded.replace("gradient_square", "gradient_penalty")
