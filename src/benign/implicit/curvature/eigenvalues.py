r"""The outermost eigenvalues of a symmetric matrix that is known by its products alone, and of a loss's Hessian.

Lanczos with full orthogonalisation and thick restart (Wu & Simon 2000, SIAM J. Matrix Anal. 22:602, which for symmetric
matrices is the Krylov-Schur method of Stewart 2001): the basis V grows by one product a step; of its projection
:math:`T = V^T H V` the Ritz values theta_i, with vectors x_i = V u_i, satisfy

.. math:: \|H x_i - \theta_i x_i\| = \beta |u_{j i}|,

and an eigenvalue lies within that residual of theta_i. When the basis is full, the best Ritz vectors start the next.
Everything is one compiled program of a fixed size, so it also runs inside another one, for many networks at once.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, NamedTuple, get_args

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, UInt32

from benign.foundation.arguments import checked_name
from benign.foundation.errors import invalid
from benign.foundation.numbers import checked_count, checked_positive
from benign.foundation.randomness import generator
from benign.implicit.curvature.hessian import FlatLoss, by_itself, hessian_product, measuring, not_finite

Which = Literal["largest", "smallest", "magnitude"]
"""Largest first, most negative first, or by absolute value."""

# Steps between two looks at the Ritz values, each of which costs an eigenvalue problem of the basis's size.
_STEPS = 4


class KrylovOutcome(enum.IntEnum):
    """What became of the iteration. The integer is what arrays store."""

    CONVERGED = 0
    BUDGET_SPENT = 1
    NON_FINITE = 2

    @property
    def sentence(self) -> str:
        """The sentence for the user."""
        return _SENTENCES[self]


_SENTENCES = {
    KrylovOutcome.CONVERGED: "every residual is within the tolerance",
    KrylovOutcome.BUDGET_SPENT: (
        "the products were spent before every residual was within the tolerance; each value is within its residual of "
        "an eigenvalue, but a larger one may be missing; allow more `most_products` or a larger `tolerance`"
    ),
    KrylovOutcome.NON_FINITE: "a product with the matrix was no finite number, so no eigenvalue is given",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Eigenvalues:
    r"""Eigenvalues with their residuals.

    Attributes:
        values: in the order asked for.
        residuals: :math:`|H x_i - \theta_i x_i|`; an eigenvalue lies within it of the value. The error of an
            isolated value is its square over the gap.
        vectors: unit vectors, one a row, in the order of the loss's row of parameters.
        products: number of Hessian-vector products.
        outcome: whether to trust them.
    """

    values: Float[np.ndarray, " k"]
    residuals: Float[np.ndarray, " k"]
    vectors: Float[np.ndarray, "k m"] = field(repr=False)
    products: int
    outcome: KrylovOutcome


class Ritz(NamedTuple):
    """What :func:`lanczos` yields inside a compiled program; ``outcome`` is a :class:`KrylovOutcome`."""

    values: Float[Array, " k"]
    residuals: Float[Array, " k"]
    vectors: Float[Array, "k m"]
    products: Int[Array, ""]
    outcome: Int[Array, ""]


def top_eigenvalues(
    loss: FlatLoss,
    *,
    k: int = 10,
    which: Which = "largest",
    tolerance: float | None = None,
    most_products: int = 1000,
    seed: int = 0,
) -> Eigenvalues:
    """The k outermost eigenvalues of the Hessian of a loss, with vectors, by restarted Lanczos (Wu & Simon 2000).

    Equivalent to ``scipy.sparse.linalg.eigsh(H, k, which="LA")`` (``"SA"``, ``"LM"``), residuals by its criterion.
    Copies of a multiple eigenvalue are found only once rounding or the end of a Krylov space separates them, as there.

    Args:
        loss: of :func:`benign.implicit.network_loss` or :func:`benign.implicit.parameter_loss`.
        k: how many, at most the number of parameters.
        which: which end of the spectrum.
        tolerance: residuals up to this share of ``abs(value)`` (of values near zero: eps^(2/3) of the largest) count as
            converged. None for 1e-8 in float64 and 1e-4 in float32, whose products carry rounding of about 1e-6.
        most_products: when to give up.
        seed: addresses the start vector.

    Raises:
        InvalidArgument: for a k beyond the number of parameters, a setting that cannot be used or a loss that is not
            finite.

    Returns:
        values, residuals, vectors, the number of products and the outcome.
    """
    _check(loss, k, which, tolerance, most_products)
    with measuring(loss):
        share = tolerance or (1e-8 if loss.parameters.dtype == np.float64 else 1e-4)
        found = eqx.filter_jit(lanczos)(
            eqx.Partial(hessian_product, loss),
            like=loss.parameters,
            word=start_word(seed),
            k=k,
            which=which,
            tolerance=jnp.asarray(share),
            most_products=jnp.asarray(most_products),
        )
        ritz = jax.tree.map(np.asarray, found)
    if ritz.outcome == KrylovOutcome.NON_FINITE:
        raise not_finite("a product with the Hessian")
    whole = {"products": int(ritz.products), "outcome": KrylovOutcome(int(ritz.outcome))}
    return Eigenvalues(**{**ritz._asdict(), **whole})


def _check(loss: FlatLoss, k: int, which: str, tolerance: float | None, most_products: int) -> None:
    checked_count("k", k)
    checked_count("most_products", most_products)
    checked_name("end of the spectrum", which, get_args(Which), argument="which")
    if k > loss.size:
        raise invalid(
            "k", f"must be at most the number of parameters, {loss.size}, got {k}: there are no more eigenvalues."
        )
    if tolerance is not None:
        checked_positive("tolerance", tolerance)


def start_word(seed: int) -> UInt32[Array, ""]:
    """What the start vector at the seed's address follows from; a value, so that no seed compiles anew."""
    return jnp.asarray(int(generator(seed, "Lanczos start").integers(2**32)), jnp.uint32)


# ---------------------------------------------------------------------------------------------------------------- core


class _State(NamedTuple):
    """The Lanczos relation H V = V T + beta w e_j^T after j steps.

    ``back`` is what the next product still holds of the basis: beta times the last vector, after a restart the coupling
    with all that were kept. Rows of the basis beyond j are zero.
    """

    basis: Float[Array, "size m"]
    T: Float[Array, "size size"]
    w: Float[Array, " m"]
    beta: Float[Array, ""]
    back: Float[Array, " m"]
    j: Int[Array, ""]
    products: Int[Array, ""]
    values: Float[Array, " size"]
    U: Float[Array, "size size"]
    norm: Float[Array, ""]
    converged: Array


def lanczos(
    product: Callable[[Float[Array, " m"]], Float[Array, " m"]],
    *,
    like: Float[Array, " m"],
    word: UInt32[Array, ""],
    k: int,
    which: Which,
    tolerance: Array | float,
    most_products: Array | int,
    size: int | None = None,
) -> Ritz:
    """The k outermost eigenpairs of a symmetric product, to be called inside a compiled program.

    Args:
        product: the matrix times a vector.
        like: a vector of the right length and precision.
        word: what the start vector follows from.
        k: how many.
        which: which end of the spectrum.
        tolerance: as in :func:`top_eigenvalues`.
        most_products: when to give up; at least the first look, about 2 k products, is paid for.
        size: vectors in the basis, at least k + 2 (or the matrix's own size); None for the larger of 64 and 4 k.
    """
    m = len(like)
    size = min(m, max(64, 4 * k) if size is None else size)
    first = min(size, 2 * k + _STEPS)
    state = _start(like, word, size)

    def is_unfinished(state: _State) -> Array:
        return ~state.converged & (state.products < most_products) & jnp.isfinite(state.beta)

    def extend(state: _State) -> _State:
        state = jax.lax.cond((state.j == size) & (size < m), lambda s: _restart(s, k), lambda s: s, state)
        end = jnp.where(state.products == 0, first, jnp.minimum(state.j + _STEPS, size))
        state = jax.lax.fori_loop(state.j, end, lambda _, s: _step(product, word, s), state)
        return _ritz(state, which, k, tolerance)

    state = jax.lax.while_loop(is_unfinished, extend, state)
    finite = jnp.isfinite(state.beta)
    outcome = jnp.where(state.converged, KrylovOutcome.CONVERGED, KrylovOutcome.BUDGET_SPENT)
    return Ritz(
        values=jnp.where(finite, state.values[:k], jnp.nan),
        residuals=jnp.where(finite, _residuals(state)[:k], jnp.nan),
        vectors=state.U[:, :k].T @ state.basis,
        products=state.products,
        outcome=jnp.where(finite, outcome, KrylovOutcome.NON_FINITE),
    )


def _start(like: Float[Array, " m"], word: UInt32[Array, ""], size: int) -> _State:
    w = _direction(like, word, jnp.zeros((), int))
    zero, count = jnp.zeros((), like.dtype), jnp.zeros((), int)
    return _State(
        basis=jnp.zeros((size, len(like)), like.dtype),
        T=jnp.zeros((size, size), like.dtype),
        w=w / jnp.linalg.norm(w),
        beta=zero,
        back=jnp.zeros_like(like),
        j=count,
        products=count,
        values=jnp.zeros(size, like.dtype),
        U=jnp.eye(size, dtype=like.dtype),
        norm=zero,
        converged=jnp.zeros((), bool),
    )


def _step(product: Callable[[Array], Array], word: UInt32[Array, ""], state: _State) -> _State:
    """One product: the next vector of the basis and the next column of T."""
    return _absorbed(state.basis, state._replace(basis=state.basis[:0]), product(state.w), word)


@partial(by_itself, donated=("basis",))  # else each step would copy the whole basis
def _absorbed(basis: Float[Array, "size m"], state: _State, Hv: Float[Array, " m"], word: UInt32[Array, ""]) -> _State:
    """The state, whose basis is given apart, after the product with its vector."""
    j, v = state.j, state.w
    basis = basis.at[j].set(v)
    w = Hv - state.back
    alpha = v @ w
    w = w - alpha * v
    # Once more against all of them: the recurrence alone loses orthogonality where a Ritz value converges.
    overlap = basis @ w
    w = w - overlap @ basis
    beta, alpha = jnp.linalg.norm(w), alpha + overlap[j]
    T = state.T.at[j, j].set(alpha)
    scale = jnp.max(jnp.abs(T)) + state.beta
    # The Krylov space has ended: go on in a direction that it does not hold.
    ended = beta <= 10.0 * np.finfo(w.dtype).eps * scale
    w = jax.lax.cond(ended, lambda: _fresh(basis, word, state.products), lambda: w / beta)
    beta = jnp.where(ended, 0.0, beta)
    row = jnp.minimum(j + 1, len(T) - 1)
    T = jnp.where(j + 1 < len(T), T.at[row, j].set(beta).at[j, row].set(beta), T)
    return state._replace(basis=basis, T=T, w=w, beta=beta, back=beta * v, j=j + 1, products=state.products + 1)


def _fresh(basis: Float[Array, "size m"], word: UInt32[Array, ""], number: Int[Array, ""]) -> Float[Array, " m"]:
    """A random unit vector orthogonal to the basis, or zero if that fills the space."""
    w = _direction(basis[0], word, number)
    for _ in range(2):
        w = w - (basis @ w) @ basis
    return w / jnp.maximum(jnp.linalg.norm(w), np.finfo(w.dtype).tiny)


def _direction(like: Float[Array, " m"], word: UInt32[Array, ""], number: Int[Array, ""]) -> Float[Array, " m"]:
    """A vector of uniform entries in [-1, 1), a function of the word, the number and the place alone.

    The counter goes through the finaliser of MurmurHash3, which compiles in a tenth of the time of a cipher.
    """
    bits = jnp.arange(len(like), dtype=jnp.uint32) * jnp.uint32(0x9E3779B9)
    for mixed_in in (word, number.astype(jnp.uint32)):
        bits = bits ^ mixed_in
        bits = (bits ^ (bits >> 16)) * jnp.uint32(0x85EBCA6B)
        bits = (bits ^ (bits >> 13)) * jnp.uint32(0xC2B2AE35)
        bits = bits ^ (bits >> 16)
    return (bits >> 8).astype(like.dtype) * 2.0**-23 - 1.0


@partial(by_itself, static=("which", "k"))
def _ritz(state: _State, which: Which, k: int, tolerance: Array | float) -> _State:
    """Ritz values and vectors, wanted ones first, and whether the first k have converged."""
    size = len(state.T)
    unused = jnp.arange(size) >= state.j
    # Directions that the basis does not have yet are set apart by a value that no Ritz value can have.
    bound = jnp.linalg.norm(state.T)
    apart = jnp.where(bound > 0.0, 2.0 * bound, 1.0)
    T = jnp.where(unused[:, None] | unused[None, :], jnp.diag(jnp.where(unused, apart, 0.0)), state.T)
    values, U = jnp.linalg.eigh(T)
    rank = {"largest": values, "smallest": -values, "magnitude": jnp.abs(values)}[which]
    order = jnp.argsort(jnp.where(values > 0.75 * apart, -jnp.inf, rank), descending=True)
    is_used = values <= 0.75 * apart
    state = state._replace(values=values[order], U=U[:, order], norm=jnp.max(jnp.abs(jnp.where(is_used, values, 0.0))))
    eps = np.finfo(T.dtype).eps
    scale = jnp.maximum(jnp.abs(state.values[:k]), eps ** (2.0 / 3.0) * jnp.max(jnp.abs(state.values[:k])))
    # No iteration gets below the rounding of the products, and a basis that fills the space has nothing left to add.
    small = _residuals(state)[:k] <= jnp.maximum(tolerance * scale, 2.0 * eps * state.norm)
    is_full = state.j == state.basis.shape[1]
    return state._replace(converged=(jnp.all(small) & (state.j >= k)) | is_full)


def _residuals(state: _State) -> Float[Array, " size"]:
    """Residuals of the Ritz pairs, rounding at least; a basis that fills the space leaves no more than that."""
    m = state.basis.shape[1]
    last = jnp.abs(state.U[jnp.maximum(state.j - 1, 0)]) * jnp.where(state.j == m, 0.0, state.beta)
    return jnp.maximum(last, np.finfo(last.dtype).eps * state.norm)


@partial(by_itself, static=("k",))
def _restart(state: _State, k: int) -> _State:
    """The best Ritz vectors as a new basis; T becomes their values with one row of couplings to the next vector."""
    size = len(state.T)
    keep = min(size - 2, k + (size - k) // 2)
    kept = jnp.arange(size) < keep
    basis = jnp.where(kept[:, None], state.U.T @ state.basis, 0.0)
    coupling = jnp.where(kept, state.beta * state.U[-1], 0.0)
    T = jnp.diag(jnp.where(kept, state.values, 0.0)).at[keep].add(coupling).at[:, keep].add(coupling)
    return state._replace(basis=basis, T=T, back=coupling @ basis, j=jnp.asarray(keep, state.j.dtype))
