r"""The gradient penalty R_IG of one network, full batch and mini-batch apart, and what gradient descent makes of it.

Gradient descent with step size h follows the flow of :math:`\tilde E = E + \lambda R_{IG}` with
:math:`R_{IG} = \frac{1}{m} \sum_i (\partial E / \partial \theta_i)^2` and :math:`\lambda = h m / 4`
(Barrett & Dherin 2021); m cancels in the product, :math:`\frac{h}{4} |\nabla E|^2`. With shuffled mini-batches the
penalty is the mean of the batches' (Smith et al. 2021), which stays large where the full-batch gradient vanishes: the
two are never mixed up here.
"""

from __future__ import annotations

from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from benign.foundation.arguments import checked_name
from benign.foundation.errors import invalid
from benign.foundation.numbers import checked_count, checked_rate
from benign.foundation.randomness import generator
from benign.implicit.precision import own_precision
from benign.networks.gradient_penalty import minibatch_square, outputs_and_square
from benign.networks.training import LOSSES


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
    network: eqx.Module,
    inputs: Float[np.ndarray, "n d"],
    targets: Float[np.ndarray, "n K"],
    *,
    loss: str = "cross-entropy",
    batch_size: int | None = None,
) -> GradientPenalty:
    """R_IG of a network on a training set, in the precision of its parameters; costs about one epoch.

    Along a training, ask for the metrics ``gradient_penalty`` and ``gradient_penalty_minibatch`` in
    :func:`benign.measure`; in a PyTorch loop of your own use :class:`GradientPenaltyLog`.

    Args:
        network: an Equinox module that maps one sample to its outputs, for example of
            :attr:`benign.networks.TrainedPopulation.networks`.
        inputs: training inputs.
        targets: one-hot rows, or real values for the squared loss.
        loss: ``"cross-entropy"`` or ``"squared"``.
        batch_size: of the mini-batch version; None for the full batch alone.

    Raises:
        InvalidArgument: for integer parameters, an unknown loss, a batch larger than n, or a gradient that is not
            finite.
    """
    checked_name("loss", loss, LOSSES)
    parameters = jax.tree.leaves(eqx.filter(network, eqx.is_array))
    if not parameters or not all(jnp.issubdtype(leaf.dtype, jnp.floating) for leaf in parameters):
        raise invalid("network", "must have real-valued parameters; convert integer ones to floats.")
    if batch_size is not None and checked_count("batch_size", batch_size) > len(inputs):
        raise invalid("batch_size", f"must be at most the number of samples, got {batch_size} of {len(inputs)}.")
    count = sum(leaf.size for leaf in parameters)
    dtype = np.result_type(*parameters)
    # Consecutive rows are a batch below, which must not be one of a sorted file.
    order = generator(0, "order of the mini-batch penalty").permutation(len(inputs))
    with own_precision(network):
        here = jax.tree.map(lambda leaf: jnp.asarray(leaf) if eqx.is_array(leaf) else leaf, network)
        samples = jnp.asarray(inputs[order], dtype=dtype), jnp.asarray(targets[order], dtype=dtype)
        full = float(eqx.filter_jit(outputs_and_square)(here, loss, *samples)[1])
        batches = None if batch_size is None else float(
            eqx.filter_jit(minibatch_square)(here, loss, *samples, batch_size)
        )  # fmt: skip
    if not np.isfinite(full):
        raise invalid("network", "has a gradient that is not finite; it has diverged, or the data hold NaN.")
    return GradientPenalty(
        full_batch=full / count, minibatch=None if batches is None else batches / count, parameters=count
    )
