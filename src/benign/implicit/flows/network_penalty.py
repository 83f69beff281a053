r"""The gradient penalty R_IG of one network, full batch and mini-batch apart, and what gradient descent makes of it.

Gradient descent with step size h follows the flow of :math:`\tilde E = E + \lambda R_{IG}` with
:math:`R_{IG} = \frac{1}{m} \sum_i (\partial E / \partial \theta_i)^2` and :math:`\lambda = h m / 4`
(Barrett & Dherin 2021); m cancels in the product, :math:`\frac{h}{4} |\nabla E|^2`. With shuffled mini-batches the
penalty is the mean of the batches' (Smith et al. 2021), which stays large where the full-batch gradient vanishes: the
two are never mixed up here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from benign.foundation.errors import invalid
from benign.foundation.numbers import checked_count, checked_rate
from benign.foundation.randomness import generator
from benign.implicit.curvature.hessian import gradient_at, network_loss
from benign.implicit.flows.modified_loss import implicit_gradient_regularizer, regularization_rate
from benign.implicit.precision import own_precision
from benign.networks.gradient_penalty import minibatch_square


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
        return float(regularization_rate(checked_rate("learning_rate", learning_rate), self.parameters))

    def implicit_term(self, learning_rate: float) -> float:
        r""":math:`\lambda R_{IG} = \frac{h}{4} |\nabla E|^2`: what is added to the loss.

        Raises:
            InvalidArgument: as above.
        """
        return self.implicit_strength(learning_rate) * self.full_batch


def gradient_penalty(
    network: eqx.Module,
    inputs: Float[np.ndarray, "n d"],
    targets: Float[np.ndarray, "n K"],
    *,
    loss: str = "cross-entropy",
    batch_size: int | None = None,
) -> GradientPenalty:
    """R_IG of a network on a training set (Barrett & Dherin 2021, eq. 3); costs about one epoch.

    Along a training, ask for the metrics ``gradient_penalty`` and ``gradient_penalty_minibatch`` in
    :func:`benign.measure`; in a PyTorch loop of your own use :class:`GradientPenaltyLog`.

    Args:
        network: an Equinox module that maps one sample to its outputs, for example of
            :attr:`benign.networks.TrainedPopulation.networks`.
        inputs: training inputs, (n x d).
        targets: one-hot rows, or real values for the squared loss, (n x K).
        loss: ``"cross-entropy"`` or ``"squared"``.
        batch_size: of the mini-batch version; None for the full batch alone.

    Raises:
        InvalidArgument: for integer parameters, an unknown loss, a batch larger than n, or a gradient that is not
            finite.
    """
    if batch_size is not None and checked_count("batch_size", batch_size) > len(inputs):
        raise invalid("batch_size", f"must be at most the number of samples, got {batch_size} of {len(inputs)}.")
    # Consecutive rows are a batch below, which must not be one of a sorted file.
    order = generator(0, "order of the mini-batch penalty").permutation(len(inputs))
    around = network_loss(jax.tree.map(_in_single, network), inputs[order], targets[order], loss=loss)
    with own_precision(around.parameters):
        point = around.parameters
        full = float(implicit_gradient_regularizer(eqx.filter_jit(gradient_at)(around, point)))
        batches = None
        if batch_size is not None:
            here = eqx.combine(around.unravel(point), around.structure)
            x, y = (jnp.asarray(part[order], dtype=point.dtype) for part in (inputs, targets))
            batches = float(eqx.filter_jit(minibatch_square)(here, loss, x, y, batch_size)) / around.size
    if not np.isfinite(full):
        raise invalid("network", "has a gradient that is not finite; it has diverged, or the data hold NaN.")
    return GradientPenalty(full_batch=full, minibatch=batches, parameters=around.size)


def _in_single(leaf: Any) -> Any:
    """Half precision holds no sum of squares."""
    is_half = eqx.is_array(leaf) and str(leaf.dtype) in ("float16", "bfloat16")
    return leaf.astype(np.float32) if is_half else leaf
