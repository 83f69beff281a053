r"""The gradient penalty R_IG of one network, full batch and mini-batch apart, and what gradient descent makes of it.

Gradient descent with step size h follows the flow of :math:`\tilde E = E + \lambda R_{IG}` with
:math:`R_{IG} = \frac{1}{m} \sum_i (\partial E / \partial \theta_i)^2` and :math:`\lambda = h m / 4`
(Barrett & Dherin 2021); m cancels in the product, :math:`\frac{h}{4} |\nabla E|^2`. With shuffled mini-batches the
penalty is the mean of the batches' (Smith et al. 2021), which stays large where the full-batch gradient vanishes: the
two are never mixed up here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from jaxtyping import Float, Int

from benign.foundation.errors import invalid
from benign.foundation.numbers import checked_count, checked_rate
from benign.foundation.randomness import generator
from benign.implicit.torch_models.recognition import is_torch_module
from benign.networks.devices import require_jax
from benign.networks.training import PENALTY_BATCHES

if TYPE_CHECKING:
    import equinox as eqx
    import torch


@dataclass(frozen=True, kw_only=True)
class GradientPenalty:
    """R_IG at one place.

    Attributes:
        full_batch: of the mean loss of all samples.
        minibatch: mean of the own of at most eight mini-batches, drawn at random; None where no batch size was given.
        parameters: number of parameters m.
    """

    full_batch: float
    minibatch: float | None
    parameters: int

    def implicit_strength(self, learning_rate: float) -> float:
        r""":math:`\lambda = h m / 4`, with which gradient descent of step size h adds the penalty to its loss.

        Raises:
            InvalidArgument: if the learning rate is not positive.
        """
        return checked_rate("learning_rate", learning_rate) * self.parameters / 4.0

    def implicit_term(self, learning_rate: float) -> float:
        r""":math:`\lambda R_{IG} = \frac{h}{4} |\nabla E|^2`: what is added to the loss.

        Raises:
            InvalidArgument: as above.
        """
        return self.implicit_strength(learning_rate) * self.full_batch


def gradient_penalty(
    network: eqx.Module | torch.nn.Module,
    inputs: Float[np.ndarray, "n ..."] | torch.Tensor,
    targets: Float[np.ndarray, "n K"] | Int[np.ndarray, " n"] | torch.Tensor,
    *,
    loss: str = "cross-entropy",
    batch_size: int | None = None,
) -> GradientPenalty:
    """R_IG of a network on a training set (Barrett & Dherin 2021, eq. 3); costs about one epoch.

    Along a training, ask for the metrics ``gradient_penalty`` and ``gradient_penalty_minibatch`` in
    :func:`benign.measure`; in a PyTorch loop of your own use :class:`GradientPenaltyLog`.

    Args:
        network: an Equinox module that maps one sample to its outputs, for example of
            :attr:`benign.networks.TrainedPopulation.networks`; or a PyTorch module that maps a batch to theirs, in
            evaluation mode, of which those parameters count that ``requires_grad`` and nothing is changed.
        inputs: training inputs, (n x d), for a PyTorch module of whatever shape it takes.
        targets: one-hot rows, or real values for the squared loss, (n x K); for a PyTorch module also classes (n).
        loss: ``"cross-entropy"`` or ``"squared"``.
        batch_size: of the mini-batch version; None for the full batch alone.

    Raises:
        InvalidArgument: for integer parameters, an unknown loss, a batch larger than n, or a gradient that is not
            finite.
        MissingExtra: for an Equinox module without JAX.
    """
    if batch_size is not None and checked_count("batch_size", batch_size) > len(inputs):
        raise invalid("batch_size", f"must be at most the number of samples, got {batch_size} of {len(inputs)}.")
    # Consecutive rows are a batch below, which must not be one of a sorted file.
    order = generator(0, "order of the mini-batch penalty").permutation(len(inputs))
    if is_torch_module(network):
        found = _of_module(network, inputs, targets, loss, batch_size, order)
    else:
        found = _of_equinox(cast("eqx.Module", network), inputs[order], targets[order], loss, batch_size)
    if not np.isfinite(found.full_batch):
        raise invalid("network", "has a gradient that is not finite; it has diverged, or the data hold NaN.")
    return found


def _of_equinox(network: eqx.Module, inputs: Any, targets: Any, loss: str, batch_size: int | None) -> GradientPenalty:
    require_jax("the gradient penalty of a network that is no PyTorch module")
    import equinox as eqx
    import jax
    import jax.numpy as jnp

    from benign.implicit.curvature.hessian import gradient_at, network_loss
    from benign.implicit.flows.modified_loss import implicit_gradient_regularizer
    from benign.implicit.precision import own_precision
    from benign.networks.gradient_penalty import minibatch_square

    def in_single(leaf: Any) -> Any:
        """Half precision holds no sum of squares."""
        is_half = eqx.is_array(leaf) and str(leaf.dtype) in ("float16", "bfloat16")
        return leaf.astype(np.float32) if is_half else leaf

    around = network_loss(jax.tree.map(in_single, network), inputs, targets, loss=loss)
    with own_precision(around.parameters):
        point = around.parameters
        full = float(implicit_gradient_regularizer(eqx.filter_jit(gradient_at)(around, point)))
        batches = None
        if batch_size is not None:
            here = eqx.combine(around.unravel(point), around.structure)
            x, y = (jnp.asarray(part, dtype=point.dtype) for part in (inputs, targets))
            batches = float(eqx.filter_jit(minibatch_square)(here, loss, x, y, batch_size)) / around.size
    return GradientPenalty(full_batch=full, minibatch=batches, parameters=around.size)


def _of_module(
    module: torch.nn.Module, inputs: Any, targets: Any, loss: str, batch_size: int | None, order: np.ndarray
) -> GradientPenalty:
    """Its mini-batches are those of :func:`benign.networks.gradient_penalty.minibatch_square`."""
    from benign.implicit.torch_models.module_loss import module_loss

    around = module_loss(module, inputs, targets, loss=loss, single=True).of(order)
    row = around.network.row()
    batches = None
    if batch_size is not None:
        count = min(PENALTY_BATCHES, len(order) // batch_size)
        parts = [slice(batch_size * i, batch_size * (i + 1)) for i in range(count)]
        batches = float(np.mean([_mean_square(around.of(part).gradient(row)) for part in parts]))
    return GradientPenalty(full_batch=_mean_square(around.gradient(row)), minibatch=batches, parameters=len(row))


def _mean_square(gradient: Float[np.ndarray, " m"]) -> float:
    return float(np.mean(np.square(gradient, dtype=np.float64)))
