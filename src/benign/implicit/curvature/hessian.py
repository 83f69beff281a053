r"""A training loss as a function of one row of parameters: value, gradient and products with its Hessian.

Definition: for a mean loss :math:`E(\theta) = \frac{1}{n} \sum_i \ell(f_\theta(x_i), y_i)` and a vector v,

.. math:: H v = \frac{d}{dt} \nabla E(\theta + t v) \Big|_{t = 0},

forward-mode differentiation of the reverse-mode gradient (Pearlmutter 1994), so that no Hessian is ever formed. Samples
are taken some rows at a time: memory is that of one chunk's activations, whatever n is.

At the kinks of ReLU these derivatives are JAX's: the slope at 0 is 0, and H is that of the smooth piece around theta.

The derivatives of a PyTorch module are PyTorch's. Everything that is made of them, eigenvalues, traces, sharpness, is
written once, in JAX, and goes through such a loss operation by operation: a compiled program would have to call back
into Python from a thread of its own, where neither float64 nor Ctrl-C nor an error's sentence arrives safely.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Float

from benign.foundation.arguments import checked_name
from benign.foundation.errors import InvalidArgument, invalid
from benign.foundation.numbers import checked_count
from benign.foundation.randomness import generator
from benign.implicit.precision import Tree, checked_parameters, own_precision
from benign.implicit.torch_models.recognition import is_torch_module
from benign.networks.objective import mean_loss, wrong
from benign.networks.training import LOSSES

if TYPE_CHECKING:
    import torch

    from benign.implicit.torch_models.module_loss import ModuleLoss

P = ParamSpec("P")
Answer = TypeVar("Answer")

ROWS = 1024
"""Samples that are differentiated at once unless said: enough for the matrix products, bounded memory."""

LARGEST_DENSE = 2000
"""Parameters up to which :func:`dense_hessian` forms the matrix."""

# Numbers of a block of vectors that are multiplied at once on a processor. Above, one vector after another is faster:
# the samples of a chunk fill the matrix products already (92,000 parameters, 1,000 samples: 15 ms against 21 ms each).
_NUMBERS_AT_ONCE = 2**16


class FlatLoss(eqx.Module):
    """A loss at a point; built by :func:`network_loss` or :func:`parameter_loss`.

    Attributes:
        parameters: the point, m numbers in the order of ``jax.flatten_util.ravel_pytree``.
        unravel: their tree from the row.
        structure: what of the network is not an array, or the user's own function of the tree.
        samples: inputs, targets and whether each row counts, (chunks, rows, ...); None for a user's own function and
            for a loss outside JAX.
        loss: the name of the objective.
        free: whether a parameter may move, None if all may. The derivatives in the others count as zero.
        outside: what computes the loss outside JAX, on rows of parameters in NumPy; None where JAX does.
    """

    parameters: Float[Array, " m"]
    unravel: Callable[[Array], Tree] = eqx.field(static=True)
    structure: Tree
    samples: tuple[Array, Array, Array] | None
    loss: str = eqx.field(static=True)
    free: Bool[Array, " m"] | None = None
    outside: ModuleLoss | None = eqx.field(static=True, default=None)

    @property
    def size(self) -> int:
        """Number of parameters."""
        return int(self.parameters.shape[0])


def network_loss(
    network: eqx.Module | torch.nn.Module,
    inputs: Array | np.ndarray | torch.Tensor,
    targets: Array | np.ndarray | torch.Tensor,
    *,
    loss: str,
    rows: int = ROWS,
) -> FlatLoss:
    r"""The mean training loss of a network, :math:`E(\theta) = \frac{1}{n} \sum_i \ell(f_\theta(x_i), y_i)`.

    Numbers keep the precision of the parameters: a network of float64 arrays is differentiated in float64. A part of
    this package's own; what is measured of it says its paper.

    Args:
        network: an Equinox network, which, called on one input (d,) or (channels, height, width), gives (K,); or a
            PyTorch module, which takes a batch and gives (rows, K), in evaluation mode. Of that a copy is measured as
            it is now, its parameters those that ``requires_grad``, in the order of ``named_parameters``.
        inputs: (n, ...).
        targets: (n, K), for cross-entropy one-hot; for a PyTorch module also classes (n,).
        loss: ``"cross-entropy"`` or ``"squared"``, as networks are trained here.
        rows: samples that are differentiated at once.

    Returns:
        The loss around the network's present parameters.

    Raises:
        InvalidArgument: for integer parameters, an Equinox network with state (batch normalisation), active dropout,
            a module whose outputs cannot be differentiated, no samples or as many inputs as there are no targets.
    """
    if is_torch_module(network):
        return _outside(network, inputs, targets, loss, rows)
    network = cast("eqx.Module", network)
    checked_name("loss", loss, LOSSES)
    checked_count("rows", rows)
    _check_stateless(network)
    if not 0 < len(inputs) == len(targets):
        raise InvalidArgument(
            f"`inputs` and `targets` must hold the same samples, at least one, got {len(inputs)} and "
            f"{len(targets)} rows."
        )
    arrays, structure = eqx.partition(network, eqx.is_array)
    dtype = checked_parameters("network", arrays)
    with own_precision(arrays):
        flat, unravel = ravel_pytree(jax.tree.map(jnp.asarray, arrays))
        samples = _chunks(jnp.asarray(inputs, dtype), jnp.asarray(targets, dtype), min(rows, len(inputs)))
    return FlatLoss(parameters=flat, unravel=unravel, structure=structure, samples=samples, loss=loss)


def _outside(module: torch.nn.Module, inputs: Any, targets: Any, loss: str, rows: int) -> FlatLoss:
    from benign.implicit.torch_models.module_loss import module_loss

    outside = module_loss(module, inputs, targets, loss=loss, rows=rows)
    row = outside.network.row()
    with own_precision(row):
        point = jnp.asarray(row)
    return FlatLoss(parameters=point, unravel=outside.unravel, structure=None, samples=None, loss=loss, outside=outside)


def parameter_loss(loss: Callable[[Tree], Array], parameters: Tree) -> FlatLoss:
    """Any differentiable scalar function of a tree of parameters, around the given ones; a part of this package's own.

    A network with batch normalisation is measured this way: write down which statistics its loss uses.

    Args:
        loss: from the tree to a scalar, in JAX operations.
        parameters: a tree of arrays of any shapes, float32 or float64.

    Raises:
        InvalidArgument: for integer parameters, or a loss that returns no scalar or is not written in JAX.
    """
    checked_parameters("parameters", parameters)
    with own_precision(parameters):
        flat, unravel = ravel_pytree(jax.tree.map(jnp.asarray, parameters))
        found = FlatLoss(parameters=flat, unravel=unravel, structure=loss, samples=None, loss="own")
        traced(found)
    return found


def traced(loss: FlatLoss) -> Any:
    """The program of a user's own loss, as ``jax.make_jaxpr`` gives it.

    Raises:
        InvalidArgument: unless it is written in JAX operations and returns one real number.
    """
    try:
        program = jax.make_jaxpr(lambda point: loss.structure(loss.unravel(point)))(loss.parameters)
    except (jax.errors.JAXTypeError, jax.errors.JAXIndexError) as error:
        first = str(error).splitlines()[0]
        raise invalid(
            "loss", f"must be written in JAX operations that can be differentiated and compiled; JAX says: {first}"
        ) from error
    except TypeError as error:
        if "is not a valid JAX type" not in str(error):
            raise
        raise invalid("loss", "must return one number as a JAX scalar, got something else.") from error
    kinds = [(one.shape, one.dtype) for one in program.out_avals]
    if len(kinds) != 1 or kinds[0][0] != () or not jnp.issubdtype(kinds[0][1], jnp.floating):
        shape, dtype = kinds[0] if len(kinds) == 1 else (None, None)
        told = "several values" if shape is None else f"shape {shape}" if shape else f"type {dtype}"
        raise invalid(
            "loss",
            f"must return one real number, got {told}; take the mean over samples and outputs, and leave out auxiliary "
            "outputs.",
        )
    return program


# ------------------------------------------------------------------------------------------------------- derivatives


def value_at(loss: FlatLoss, point: Float[Array, " m"]) -> Float[Array, ""]:
    """The loss at a point."""
    if loss.outside is not None:
        return jnp.asarray(loss.outside.value(_row(point)), point.dtype)
    return _summed(loss, lambda part: part(point))


def error_at(loss: FlatLoss, point: Float[Array, " m"]) -> Float[Array, ""]:
    """The zero-one error at a point; NaN for a user's own loss."""
    if loss.outside is not None:
        return jnp.asarray(loss.outside.error(_row(point)), point.dtype)
    if loss.samples is None:
        return jnp.full((), jnp.nan, point.dtype)
    network = eqx.combine(loss.unravel(point), loss.structure)

    def mistakes(chunk: tuple[Array, Array, Array]) -> Array:
        inputs, targets, counted = chunk
        return jnp.sum(wrong(jax.vmap(network)(inputs), targets) & counted)

    return jnp.sum(jax.lax.map(mistakes, loss.samples)).astype(point.dtype) / jnp.sum(loss.samples[2])


def gradient_at(loss: FlatLoss, point: Float[Array, " m"]) -> Float[Array, " m"]:
    """The gradient at a point."""
    if loss.outside is not None:
        return _held(loss, jnp.asarray(loss.outside.gradient(_row(point))))
    return _held(loss, _summed(loss, lambda part: jax.grad(part)(point)))


def hessian_product(loss: FlatLoss, vector: Float[Array, " m"]) -> Float[Array, " m"]:
    """The Hessian at the loss's parameters times a vector; costs about four evaluations of the loss."""
    direction = _held(loss, vector)
    if loss.outside is not None:
        return _held(loss, jnp.asarray(loss.outside.product(_row(loss.parameters), _row(direction))))

    def product(part: Callable[[Array], Array]) -> Array:
        return jax.jvp(jax.grad(part), (loss.parameters,), (direction,))[1]

    return _held(loss, _summed(loss, product))


def hessian_products(loss: FlatLoss, vectors: Float[Array, "b m"]) -> Float[Array, "b m"]:
    """The Hessian times each of some vectors, several at once where that is faster."""
    at_once = len(vectors)
    if loss.outside is not None:
        at_once = 1
    elif jax.default_backend() == "cpu":
        at_once = max(1, min(at_once, _NUMBERS_AT_ONCE // loss.size))
    return jax.lax.map(
        lambda vector: hessian_product(loss, vector), vectors, batch_size=at_once if at_once > 1 else None
    )


def dense_hessian(loss: FlatLoss) -> Float[np.ndarray, "m m"]:
    """The Hessian itself, column by column: what everything else is checked against.

    Equivalent to ``jax.hessian`` of the loss as a function of the row of parameters.

    Returns:
        The matrix (m x m), in the order of ``loss.parameters``.

    Raises:
        InvalidArgument: above 2,000 parameters.
    """
    if loss.size > LARGEST_DENSE:
        raise invalid(
            "loss",
            f"has {loss.size:,} parameters: a model too large for a dense check, which goes up to "
            f"{LARGEST_DENSE:,}; use `top_eigenvalues` and `estimate_trace`, which form no matrix.",
        )
    with measuring(loss):
        columns = np.asarray(eqx.filter_jit(hessian_products)(loss, jnp.eye(loss.size, dtype=loss.parameters.dtype)))
    return (columns + columns.T) / 2.0  # symmetric but for rounding


@contextmanager
def measuring(loss: FlatLoss) -> Iterator[None]:
    """JAX computes in the precision of a loss, and operation by operation where that is computed outside JAX."""
    with own_precision(loss.parameters), nullcontext() if loss.outside is None else jax.disable_jit():
        yield


def measuring_outside(loss: FlatLoss) -> AbstractContextManager[None]:
    """The same where a loss is computed outside JAX; of others the caller's program decides."""
    return nullcontext() if loss.outside is None else measuring(loss)


def by_itself(
    function: Callable[P, Answer], *, static: Sequence[str] = (), donated: Sequence[str] = ()
) -> Callable[P, Answer]:
    """A part that asks no loss anything, compiled by itself where what is around it goes operation by operation.

    Args:
        function: the part.
        static: names of its arguments that are no arrays.
        donated: names of those whose memory it may take over.
    """
    compiled = jax.jit(function, static_argnames=static, donate_argnames=donated)

    @wraps(function)
    def call(*arguments: P.args, **settings: P.kwargs) -> Answer:
        config: Any = jax.config
        if not config.jax_disable_jit:
            return function(*arguments, **settings)
        with jax.disable_jit(False):
            return compiled(*arguments, **settings)

    return call


def not_finite(what: str) -> InvalidArgument:
    """The error for a loss whose ``what`` is no finite number."""
    return invalid(
        "loss",
        f"cannot be measured: {what} is no finite number at these parameters; check that training did not "
        "diverge and that inputs and targets are finite.",
    )


def holding_padding(loss: FlatLoss) -> FlatLoss:
    """The loss with the parameters held that are zero and have a zero gradient.

    Those that fill a network up to a wider program are (law 3 of :class:`benign.networks.Family`), and they are not the
    network's. Of its own only those of units that no sample reaches are, where the Hessian vanishes too.
    """
    point = loss.parameters
    free = (point != 0.0) | (gradient_at(loss, point) != 0.0)
    return eqx.tree_at(lambda tree: tree.free, loss, free, is_leaf=lambda leaf: leaf is None)


def random_key(seed: int, purpose: str) -> Array:
    """JAX's key at an address: its streams are the same on every device."""
    return jax.random.key(int(generator(seed, purpose).integers(2**31)))


# ---------------------------------------------------------------------------------------------------------- the parts


def _summed(loss: FlatLoss, of: Callable[[Callable[[Array], Array]], Array]) -> Array:
    """The sum over chunks of what is asked of each chunk's part of the loss."""
    if loss.samples is None:
        return of(lambda point: loss.structure(loss.unravel(point)))
    total = jnp.sum(loss.samples[2]).astype(loss.parameters.dtype)

    def of_chunk(chunk: tuple[Array, Array, Array]) -> Array:
        inputs, targets, counted = chunk

        def part(point: Array) -> Array:
            network = eqx.combine(loss.unravel(point), loss.structure)
            share = jnp.sum(counted).astype(point.dtype) / total
            return share * mean_loss(loss.loss, jax.vmap(network)(inputs), targets, counted)

        return of(part)

    first = of_chunk(jax.tree.map(lambda leaf: leaf[0], loss.samples))
    rest = jax.tree.map(lambda leaf: leaf[1:], loss.samples)
    if len(rest[0]) == 0:
        return first
    return jax.lax.scan(lambda sum_, chunk: (sum_ + of_chunk(chunk), None), first, rest)[0]


def _row(values: Array) -> Float[np.ndarray, " m"]:
    """Numbers for a loss outside JAX.

    Raises:
        InvalidArgument: within a compiled program, which cannot ask it.
    """
    if isinstance(values, jax.core.Tracer):
        raise invalid(
            "loss", "is a PyTorch module's, which JAX can neither compile nor differentiate; call this without jax.jit."
        )
    return np.asarray(values)


def _held(loss: FlatLoss, vector: Float[Array, " m"]) -> Float[Array, " m"]:
    return vector if loss.free is None else jnp.where(loss.free, vector, 0.0)


def _chunks(inputs: Array, targets: Array, rows: int) -> tuple[Array, Array, Array]:
    """Inputs, targets and which of them count, the last chunk filled up with its first samples."""
    chunks = -(-len(inputs) // rows)
    row = jnp.arange(chunks * rows)
    counted = (row < len(inputs)).reshape(chunks, rows)
    inputs, targets = (part[row % len(part)].reshape(chunks, rows, *part.shape[1:]) for part in (inputs, targets))
    return inputs, targets, counted


def _check_stateless(network: eqx.Module) -> None:
    def is_special(node: object) -> bool:
        return isinstance(node, (eqx.nn.StateIndex, eqx.nn.Dropout))

    for node in jax.tree.leaves(network, is_leaf=is_special):
        if isinstance(node, eqx.nn.StateIndex):
            raise invalid(
                "network",
                "holds state (batch normalisation), so its loss depends on more than its parameters; wrap it "
                "with the statistics fixed (equinox.nn.inference_mode) and measure that function by `parameter_loss`.",
            )
        if isinstance(node, eqx.nn.Dropout) and node.p > 0.0 and not node.inference:
            raise invalid(
                "network",
                "drops units at random, so its loss is no function of its parameters alone; measure "
                "equinox.nn.inference_mode(network).",
            )
