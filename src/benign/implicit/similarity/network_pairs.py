"""Numbers that belong to pairs of networks, and their mean with an interval that knows that pairs share networks."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Shaped

from benign.curves.intervals import check_level, student_quantile
from benign.foundation.errors import invalid
from benign.networks.dense import Dense


@dataclass(frozen=True, kw_only=True, eq=False)
class PairMean:
    r"""The mean over all pairs of m networks.

    Attributes:
        values: one for each pair i < j, in the order of ``itertools.combinations`` (SciPy's condensed form:
            ``scipy.spatial.distance.squareform`` makes the symmetric matrix of it).
        mean: over pairs.
        interval: of the mean over networks drawn alike; the data that the pairs were compared on are taken as given.
        members: number of networks m.
    """

    values: Float[np.ndarray, " pair"] = field(repr=False)
    mean: float
    interval: tuple[float, float]
    members: int


def pair_mean(values: Float[np.ndarray, " pair"], *, level: float = 0.95) -> PairMean:
    r"""Mean of a symmetric function of two networks over all pairs of m, with a jackknife interval.

    .. math:: U = \binom{m}{2}^{-1} \sum_{i<j} v_{ij}, \qquad
        s^2 = \frac{m - 1}{m} \sum_i \bigl(U_{(-i)} - \bar U_{(-\cdot)}\bigr)^2, \qquad U \pm t_{m-1} s

    with :math:`U_{(-i)}` the mean over the pairs without network i. The m (m - 1) / 2 pairs share m networks, so their
    spread over sqrt(pairs) would be too small an error; leaving out one network at a time is right for such a
    U-statistic (Arvesen 1969, Annals of Mathematical Statistics 40:2076) and errs to the wide side on average (Efron &
    Stein 1981). The whole line for two networks, whose one pair tells no spread.

    Args:
        values: one for each pair i < j of m networks, in the order of ``itertools.combinations``.
        level: of the interval.

    Raises:
        InvalidArgument: if the number of values is none of a set of pairs, or ``level`` cannot be used.

    >>> pair_mean(np.array([1.0, 1.0, 1.0])).interval
    (1.0, 1.0)
    """
    check_level(level)
    members = members_of(len(values))
    mean = float(np.mean(values))
    if members < 3:
        return PairMean(values=values, mean=mean, interval=(-np.inf, np.inf), members=members)
    first, second = np.triu_indices(members, k=1)
    total = np.bincount(first, values, members) + np.bincount(second, values, members)  # over the pairs of each network
    without = (np.sum(values) - total) / (len(values) - (members - 1))
    error = np.sqrt((members - 1) / members * np.sum((without - np.mean(without)) ** 2))
    half = student_quantile(0.5 * (1.0 + level), members - 1) * float(error)
    return PairMean(values=values, mean=mean, interval=(mean - half, mean + half), members=members)


def members_of(pairs: int) -> int:
    """How many networks have so many pairs.

    Raises:
        InvalidArgument: if no number of networks has.
    """
    members = round(0.5 + np.sqrt(0.25 + 2.0 * pairs))
    if pairs < 1 or members * (members - 1) // 2 != pairs:
        raise invalid(
            "values", f"must hold one number for each pair of two or more networks (1, 3, 6, 10, ...), got {pairs}."
        )
    return members


def pairs_of(members: int) -> list[tuple[int, int]]:
    """All pairs i < j, in the order of every number for pairs.

    >>> pairs_of(3)
    [(0, 1), (0, 2), (1, 2)]
    """
    return list(itertools.combinations(range(members), 2))


def shape_of(network: Dense) -> tuple[object, ...]:
    """The activation and the shape of each layer's weights: networks that share it can be added."""
    return network.activation, *(layer.weight.shape for layer in network.layers)


def checked_members(argument: str, values: Shaped[np.ndarray, "member ..."]) -> int:
    """The number of networks along the first axis, if there are two.

    Raises:
        InvalidArgument: for fewer; the message names ``argument``.
    """
    if len(values) < 2:
        raise invalid(argument, f"must hold at least two networks to compare, got {len(values)}.")
    return len(values)
