"""Rank correlation within strata: does a measure rise or fall with a setting, whatever else differs?"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.stats import rankdata


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
    ranks = rankdata(setting) - (len(setting) + 1) / 2
    with np.errstate(invalid="ignore"):
        others = rankdata(values, axis=-1, nan_policy="propagate") - (len(setting) + 1) / 2
    scale = np.sqrt((ranks**2).sum() * (others**2).sum(axis=-1))
    products = (ranks * others).sum(axis=-1)
    correlations = np.where(scale == 0.0, 0.0, products / np.where(scale == 0.0, 1.0, scale))
    return np.asarray(correlations.mean(axis=-1))
