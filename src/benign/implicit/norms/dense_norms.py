r"""Norms of dense networks, distances from initialisation and output margins: candidates for what training keeps small.

Each is a pure function of a network; NumPy's arrays give NumPy's numbers in their precision and JAX's arrays JAX's, so
that the same function is a recorder's part. Hidden units of zeros, with which narrow networks share a wide program,
change none of them. What each is blind to, and what it wrongly sees, is said with it: rescaling a ReLU unit (weights
and bias in times c, weights out by c) leaves the function as it is, so that a measure which it moves says nothing by
itself of how the function generalises (Neyshabur, Salakhutdinov, Srebro 2015; Dinh et al. 2017). How measures of each
kind fare as predictors: Jiang, Neyshabur, Mobahi, Krishnan, Bengio 2020 (Fantastic Generalization Measures).

A PyTorch module is taken where it is a plain MLP (:func:`benign.implicit.as_dense`); the Frobenius norm is any one's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from benign.foundation.errors import invalid
from benign.implicit.dense_network import as_dense
from benign.implicit.torch_models.recognition import is_torch_module
from benign.networks.dense import Dense
from benign.networks.family import Family
from benign.networks.population import Member, TrainedPopulation, initial_network
from benign.networks.recording import Data, outputs_of

if TYPE_CHECKING:
    import torch

Number = Float[Array, ""] | np.floating[Any]

# max |activation'|, to three digits up: GELU's at sqrt(2), SiLU's at 2.40, sigmoid's at 0.
LIPSCHITZ = {"relu": 1.0, "tanh": 1.0, "gelu": 1.13, "silu": 1.1, "softplus": 1.0, "sigmoid": 0.25}


def frobenius_norm(network: Dense | torch.nn.Module) -> Number:
    r""":math:`\|\theta\|_2`, the root of the sum of squares of all weights and biases: the surface's metric ``norm``.

    Equivalent to ``numpy.linalg.norm`` of all parameters in one row. For k random features it is
    :math:`\sqrt{k} \|\theta\|`, the metric ``scaled_norm``, that stays comparable over sizes, not this one. Known flaw:
    not invariant under the rescaling of ReLU units. Of a PyTorch module, whichever, those parameters count that
    ``requires_grad``.

    Raises:
        InvalidArgument: for a module without such parameters.
    """
    if is_torch_module(network):
        from benign.implicit.torch_models.snapshot import snapshot

        return np.float64(np.linalg.norm(snapshot(network, single=True).row().astype(np.float64)))
    network = as_dense(network)
    xp = _namespace(network)
    return xp.sqrt(sum(xp.sum(layer.weight**2) + xp.sum(layer.bias**2) for layer in network.layers))


def path_norm(network: Dense | torch.nn.Module) -> Number:
    r"""The l2 path norm (Neyshabur, Tomioka, Srebro 2015; Neyshabur, Salakhutdinov, Srebro 2015).

    .. math:: \phi_2(\theta) = \sqrt{\sum_{\text{paths}} \prod_{e \in \text{path}} \theta_e^2}

    over the paths from an input to an output. Biases count as weights from a further input of one, so that paths begin
    there too, in every layer. Equals the root of the summed outputs, on inputs of one, of the network whose numbers are
    squared and whose activation is left out: one forward pass.

    Invariant under the rescaling of ReLU units and under permutations. Known flaws: it is blind to activations, hence
    to which paths are ever active, and grows with the number of paths, exponentially with depth at a fixed scale of
    weights.

    Raises:
        InvalidArgument: for a PyTorch module that is no plain MLP.
    """
    network = as_dense(network)
    xp = _namespace(network)
    first = network.layers[0].weight
    entering = xp.ones(first.shape[1], dtype=first.dtype)
    for layer in network.layers:
        entering = layer.weight**2 @ entering + layer.bias**2
    return xp.sqrt(xp.sum(entering))


def spectral_norms(
    network: Dense | torch.nn.Module,
) -> Float[Array, " layer"] | Float[np.ndarray, " layer"]:
    r"""Largest singular value :math:`\|W_l\|_\sigma` of each layer's weights, by an SVD; biases are left out.

    Equivalent to ``numpy.linalg.norm(weight, ord=2)`` of each layer.

    Raises:
        InvalidArgument: for a PyTorch module that is no plain MLP.
    """
    network = as_dense(network)
    xp = _namespace(network)
    return xp.stack([xp.linalg.norm(layer.weight, ord=2) for layer in network.layers])


def spectral_norm_product(network: Dense | torch.nn.Module) -> Number:
    r""":math:`\prod_l \|W_l\|_\sigma`: for activations of slope 1 at most, a bound of the network's Lipschitz constant.

    Source: Bartlett, Foster, Telgarsky 2017. Invariant under moving a factor from one whole layer to
    another (all units of a ReLU layer rescaled alike), not under rescaling single units. Known flaws: the bound is
    loose by orders of magnitude in deep networks, and among trained networks it goes *up* where the test error goes
    down (Jiang et al. 2020).

    Raises:
        InvalidArgument: for a PyTorch module that is no plain MLP.
    """
    network = as_dense(network)
    return _namespace(network).prod(spectral_norms(network))


def spectral_complexity(network: Dense | torch.nn.Module, reference: Dense | torch.nn.Module | None = None) -> Number:
    r"""Spectral complexity (Bartlett, Foster, Telgarsky 2017, equation 1.2).

    .. math:: R = \prod_l \rho_l \|W_l\|_\sigma \cdot
        \Bigl(\sum_l \frac{\|W_l^\top - M_l^\top\|_{2,1}^{2/3}}{\|W_l\|_\sigma^{2/3}}\Bigr)^{3/2}

    with :math:`\rho` the Lipschitz constant of the activation (1 for the output layer), M the reference and
    :math:`\|A^\top\|_{2,1}` the sum over units of the norms of their incoming weights. Biases are left out, and the
    bound that it belongs to needs activation(0) = 0. Flaws are those of :func:`spectral_norm_product`.

    Args:
        network: whose weights are measured; none of its layers may be zero.
        reference: of the same shapes, such as the network before training; None for zero.

    Raises:
        InvalidArgument: for a PyTorch module that is no plain MLP.
    """
    network = as_dense(network)
    xp = _namespace(network)
    spectral = spectral_norms(network)
    others: list[Any] = [0.0] * len(network.layers)
    if reference is not None:
        others = [layer.weight for layer in as_dense(reference, argument="reference").layers]
    moves = [one.weight - other for one, other in zip(network.layers, others, strict=True)]
    moved = xp.stack([xp.sum(xp.linalg.norm(move, axis=1)) for move in moves])
    slopes = LIPSCHITZ[network.activation] ** (len(network.layers) - 1)
    return slopes * xp.prod(spectral) * xp.sum((moved / spectral) ** (2 / 3)) ** 1.5


@dataclass(frozen=True, kw_only=True)
class DistanceFromStart:
    r"""How far training has moved a network.

    Attributes:
        frobenius: :math:`\|\theta - \theta_0\|_2`, biases included (Nagarajan & Kolter 2019). Grows with the number of
            samples and of steps, and is not invariant under the rescaling of ReLU units.
        spectral: :math:`\sqrt{\sum_l \|W_l - W_l^0\|_F^2 / \|W_l\|_\sigma^2}`, biases left out: the sum in the
            PAC-Bayes bound of Neyshabur, Bhojanapalli, Srebro 2018 (theorem 1), its prior at the initialisation as in
            Jiang et al. 2020. Unmoved by a factor common to a layer before and after training; between square root of
            layers and of their ranks where the initialisation is forgotten.
    """

    frobenius: float
    spectral: float


def distance_from_start(initial: Dense | torch.nn.Module, network: Dense | torch.nn.Module) -> DistanceFromStart:
    """How far ``network`` is from ``initial``, in float64 (Nagarajan & Kolter 2019; Neyshabur et al. 2018, theorem 1).

    Raises:
        InvalidArgument: if the two have different shapes, or are PyTorch modules that are no plain MLPs.
    """
    initial, network = as_dense(initial, argument="initial"), as_dense(network)
    shapes = [[layer.weight.shape for layer in one.layers] for one in (initial, network)]
    if shapes[0] != shapes[1]:
        raise invalid("initial", f"must have the shapes of `network`, {shapes[1]}, got {shapes[0]}.")
    start, end = (jax.tree.map(lambda part: np.asarray(part, dtype=np.float64), one) for one in (initial, network))
    squares, ratios = 0.0, 0.0
    for before, after in zip(start.layers, end.layers, strict=True):
        moved = float(np.sum((after.weight - before.weight) ** 2))
        squares += moved + float(np.sum((after.bias - before.bias) ** 2))
        ratios += moved / float(np.linalg.norm(after.weight, ord=2)) ** 2
    return DistanceFromStart(frobenius=float(np.sqrt(squares)), spectral=float(np.sqrt(ratios)))


def distances_from_start(
    family: Family, members: Sequence[Member], population: TrainedPopulation
) -> tuple[DistanceFromStart, ...]:
    """How far training has moved each member of a population of dense networks (Nagarajan & Kolter 2019).

    A recorder sees one network and its data, not where that started; so this is measured at the end, from initial
    networks that are built again from their addresses.

    Args:
        family: that the population was trained with.
        members: in the order in which they were trained.
        population: what :func:`benign.networks.train_population` gave.

    Raises:
        InvalidArgument: if the population has other members, or networks that are not dense.
    """
    if len(members) != len(population.networks):
        raise invalid("members", f"must be those of the population, {len(population.networks)}, got {len(members)}.")
    initial = [as_dense(initial_network(family, member)) for member in members]
    return tuple(
        distance_from_start(before, as_dense(after)) for before, after in zip(initial, population.networks, strict=True)
    )


def output_margins(
    outputs: Float[Array, "n K"] | Float[np.ndarray, "n K"], targets: Float[Array, "n K"] | Float[np.ndarray, "n K"]
) -> Float[Array, " n"] | Float[np.ndarray, " n"]:
    r"""Margin :math:`f(x)_y - \max_{k \ne y} f(x)_k` of each sample; negative where the prediction is wrong.

    Source: Bartlett, Foster, Telgarsky 2017.

    Args:
        outputs: of the network.
        targets: one-hot rows of the same classes.
    """
    xp = outputs.__array_namespace__()
    is_true = targets == xp.max(targets, axis=1, keepdims=True)
    own = xp.max(xp.where(is_true, outputs, -xp.inf), axis=1)
    return own - xp.max(xp.where(is_true, -xp.inf, outputs), axis=1)


@dataclass(frozen=True, kw_only=True)
class NormRecorder:
    """Norms and training margins of dense networks, along training, by the names of the surface's metrics.

    Records ``norm`` (:func:`frobenius_norm`), ``path_norm``, ``spectral_norm_product``, ``spectral_complexity`` (its
    reference zero) and, of the margins on the labels trained on, ``margin`` (their 10 % quantile), ``smallest_margin``,
    and both divided by the product of spectral norms: ``normalised_margin``, ``normalised_smallest_margin``. The raw
    margins of cross-entropy grow without bound as training goes on; the normalised ones have the flaws of
    :func:`spectral_norm_product`, and negative ones come nearer to zero as that grows.

    Attributes:
        margins: whether to record margins, which need classes.
    """

    margins: bool = True

    def __call__(self, network: eqx.Module, data: Data) -> dict[str, Float[Array, "..."]]:
        dense = as_dense(network)
        product = spectral_norm_product(dense)
        values: dict[str, Any] = {
            "norm": frobenius_norm(dense),
            "path_norm": path_norm(dense),
            "spectral_norm_product": product,
            "spectral_complexity": spectral_complexity(dense),
        }
        if self.margins:
            margins = output_margins(outputs_of(dense, data.train_inputs), data.train_targets)
            values["smallest_margin"], values["margin"] = jnp.min(margins), jnp.quantile(margins, 0.1)
            values |= {f"normalised_{name}": values[name] / product for name in ("smallest_margin", "margin")}
        return values


def _namespace(network: Dense) -> ModuleType:
    """NumPy or JAX's NumPy: whose arrays the network holds."""
    return network.layers[0].weight.__array_namespace__()
