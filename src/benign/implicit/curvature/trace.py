r"""The trace of a Hessian from products with random vectors, with an interval.

* Hutchinson 1990: :math:`\mathrm{tr}\, H = E\, g^T H g` for Rademacher vectors g.
* Hutch++ (Meyer, Musco, Musco, Woodruff 2021, SOSA, algorithm 1): with Q an orthonormal basis of the range of H S, S
  random, the trace of the dominant part is exact and only the rest is sampled,

.. math:: \mathrm{tr}\, H = \mathrm{tr}\, Q^T H Q + E\, g^T (I - Q Q^T) H (I - Q Q^T) g.

Given Q, the sampled terms are independent and of equal law, so that Student's t gives an interval that means what it
says; XTrace (Epperly, Tropp, Webber 2024) is more precise but its leave-one-out terms are not independent.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal, NamedTuple, get_args

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from benign.foundation.arguments import checked_name
from benign.foundation.errors import invalid
from benign.foundation.numbers import checked_count, checked_number
from benign.implicit.curvature.hessian import FlatLoss, by_itself, hessian_products, measuring, not_finite, random_key

TraceMethod = Literal["hutch++", "hutchinson"]

_FEWEST = 9  # products: a sketch of three and three terms for a variance


@dataclass(frozen=True, kw_only=True)
class TraceEstimate:
    """An estimated trace.

    Attributes:
        value: the estimate.
        standard_error: of the sampled part; 0 where the trace is exact.
        interval: at ``level``, given the sketch.
        level: of the interval.
        products: number of Hessian-vector products.
    """

    value: float
    standard_error: float
    interval: tuple[float, float]
    level: float
    products: int


class Moments(NamedTuple):
    """What :func:`sampled_trace` yields inside a compiled program."""

    value: Float[Array, ""]
    standard_error: Float[Array, ""]


def estimate_trace(
    loss: FlatLoss, *, method: TraceMethod = "hutch++", products: int = 96, level: float = 0.95, seed: int = 0
) -> TraceEstimate:
    r"""The trace of the Hessian of a loss, the sum of its curvatures in all directions (Meyer et al. 2021).

    Equivalent to ``numpy.trace(dense_hessian(loss))`` where ``products`` is at least 1.5 times the parameters.

    Args:
        loss: of :func:`benign.implicit.network_loss` or :func:`benign.implicit.parameter_loss`.
        method: ``"hutch++"``, or ``"hutchinson"`` for its plain ancestor.
        products: Hessian-vector products to spend, at least 9. Hutch++ takes a third for the sketch, a third for its
            exact part and a third for the rest.
        level: of the interval.
        seed: addresses the random vectors.

    Raises:
        InvalidArgument: for an unknown method, too few products, a level that is none or a loss that is not finite.

    Returns:
        estimate, standard error and interval.
    """
    checked_name("method", method, get_args(TraceMethod))
    if checked_count("products", products) < _FEWEST:
        raise invalid("products", f"must be at least {_FEWEST}, got {products}: fewer give no interval; use 96.")
    spending = spending_of(loss.size, method, products)
    with measuring(loss):
        moments = eqx.filter_jit(sampled_trace)(
            eqx.Partial(hessian_products, loss),
            like=loss.parameters,
            key=random_key(seed, "trace"),
            method=method,
            products=products,
        )
        value, error = float(moments.value), float(moments.standard_error)
    if not math.isfinite(value):
        raise not_finite("a product with the Hessian")
    interval = student_interval(value, error, terms=spending.terms, level=checked_level(level))
    return TraceEstimate(value=value, standard_error=error, interval=interval, level=level, products=spending.total)


def sampled_trace(
    product: Callable[[Float[Array, "b m"]], Float[Array, "b m"]],
    *,
    like: Float[Array, " m"],
    key: Array,
    method: TraceMethod,
    products: int,
) -> Moments:
    """Estimate and standard error for a symmetric matrix known by its products with some rows at once."""
    m = len(like)
    width, terms, _ = spending_of(m, method, products)
    for_sketch, for_rest = jax.random.split(key)
    exact, Q = jnp.zeros((), like.dtype), None
    if width == m:
        exact = jnp.trace(product(jnp.eye(m, dtype=like.dtype)))
    elif width:
        Q = _orthonormal(product(_signs(for_sketch, (width, m), like)))
        exact = jnp.sum(Q.T * product(Q.T))
    # Sums of m rounded terms, so that a trace without a sampled part is not claimed to the last bit.
    rounding = 4.0 * math.sqrt(m) * np.finfo(like.dtype).eps
    if not terms:
        return Moments(value=exact, standard_error=rounding * jnp.abs(exact))
    g = _signs(for_rest, (terms, m), like)
    if Q is not None:
        g = g - (g @ Q) @ Q.T
    samples = jnp.sum(g * product(g), axis=1)
    value = exact + jnp.mean(samples)
    error = jnp.std(samples, ddof=1) / math.sqrt(terms)
    return Moments(value=value, standard_error=jnp.hypot(error, rounding * jnp.abs(value)))


@by_itself
def _orthonormal(rows: Float[Array, "b m"]) -> Float[Array, "m b"]:
    return jnp.linalg.qr(rows.T)[0]


@partial(by_itself, static=("shape",))
def _signs(key: Array, shape: tuple[int, int], like: Array) -> Float[Array, "b m"]:
    return jax.random.rademacher(key, shape, like.dtype)


class Spending(NamedTuple):
    """Vectors of the sketch, vectors that sample what it has left, and products that are computed."""

    width: int
    terms: int
    total: int


def spending_of(m: int, method: TraceMethod, products: int) -> Spending:
    """What the products are spent on; with enough of them on the matrix's own columns, and nothing is left."""
    if method == "hutchinson":
        return Spending(0, products, products)
    if 2 * products >= 3 * m:
        return Spending(m, 0, m)
    return Spending(products // 3, products - 2 * (products // 3), products)


def checked_level(level: float) -> float:
    """The level of an interval.

    Raises:
        InvalidArgument: if it is no probability.
    """
    return checked_number("level", level, kind="strictly between 0 and 1 (0.95 is usual)", fits=lambda x: 0.0 < x < 1.0)


def student_interval(mean: float, standard_error: float, *, terms: int, level: float) -> tuple[float, float]:
    """The interval of a mean of so many terms by Student's t; by the normal law where nothing was sampled."""
    tail = 0.5 + level / 2.0
    from scipy import stats

    half = float(stats.t.ppf(tail, terms - 1) if terms > 1 else stats.norm.ppf(tail)) * standard_error
    return mean - half, mean + half
