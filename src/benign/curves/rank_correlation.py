"""Rank correlation within strata: does a measure rise or fall with a setting, whatever else differs?"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def stratified_rank_correlation(
    setting: Float[np.ndarray, " K"], values: Float[np.ndarray, "R S K"]
) -> Float[np.ndarray, " R"]:
    """Spearman's correlation of a measure with a setting, of each replicate, mean over its strata.

    Only what differs within a stratum is compared, so that a measure which differs between the strata (widths, say)
    neither makes nor hides a correlation. A stratum with a missing number has none, nor has its replicate; a measure
    that is constant within a stratum has the correlation 0 there.

    Args:
        setting: K different settings.
        values: the measure of R replicates in S strata at each of them.

    >>> stratified_rank_correlation(np.array([1.0, 2.0, 4.0]), np.array([[[3.0, 2.0, 1.0], [9.0, 8.0, 8.5]]]))
    array([-0.75])
    """
    from scipy.stats import rankdata

    ranks = rankdata(setting) - (len(setting) + 1) / 2
    with np.errstate(invalid="ignore"):
        others = rankdata(values, axis=-1, nan_policy="propagate") - (len(setting) + 1) / 2
    scale = np.sqrt((ranks**2).sum() * (others**2).sum(axis=-1))
    products = (ranks * others).sum(axis=-1)
    correlations = np.where(scale == 0.0, 0.0, products / np.where(scale == 0.0, 1.0, scale))
    return np.asarray(correlations.mean(axis=-1))


def granulated_kendall(
    values: Float[np.ndarray, "R *grid"], others: Float[np.ndarray, "R *grid"]
) -> Float[np.ndarray, "R axes"]:
    """Kendall's tau of two measures along each axis of a grid of settings alone, mean over the other settings.

    A tie counts as no agreement, tau-a. Pairs with a missing number are left out; NaN where an axis has no other.
    Source: Jiang, Neyshabur, Mobahi, Krishnan & Bengio 2020, section 2.2, psi_i.

    Args:
        values: of each replicate at each place of the grid.
        others: of the measure that is followed, or not, at the same.

    >>> granulated_kendall(np.array([[[1.0, 2.0], [0.0, 3.0]]]), np.array([[[1.0, 2.0], [3.0, 4.0]]]))
    array([[0., 1.]])
    """
    columns, axes = [], tuple(range(1, values.ndim))
    for axis in axes:
        first, second = np.triu_indices(values.shape[axis], 1)
        rises = [np.sign(np.take(one, second, axis) - np.take(one, first, axis)) for one in (values, others)]
        agreement = rises[0] * rises[1]
        pairs = np.isfinite(agreement).sum(axis=axes)
        columns.append(np.where(pairs > 0, np.nan_to_num(agreement).sum(axis=axes) / np.maximum(pairs, 1), np.nan))
    return np.stack(columns, axis=1)
