"""The singular values of a design matrix at one size, summed up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True, kw_only=True)
class Spectrum:
    """Singular values of the design matrix at one size, summed up.

    ``effective_rank`` is the exponential of the entropy of the normalised singular values (Roy & Vetterli 2007).
    """

    size: int
    largest: float
    smallest: float
    effective_rank: float

    @property
    def condition(self) -> float:
        """2-norm condition number."""
        return self.largest / self.smallest if self.smallest > 0 else float("inf")


def without_ridge(values: Float[np.ndarray, " rank"], ridge: float) -> Float[np.ndarray, " rank"]:
    """Singular values of Z from those of [Z, sqrt(ridge) I]."""
    return np.asarray(np.sqrt(np.maximum(values**2 - ridge, 0.0)))


def summarise(size: int, values: Float[np.ndarray, " rank"]) -> Spectrum:
    r"""The spectrum of singular values in falling order; of a zero matrix the effective rank is 0.

    .. math:: \exp\Big(-\sum_i p_i \log p_i\Big), \qquad p_i = \sigma_i / \sum_j \sigma_j

    is the effective rank (Roy & Vetterli 2007, EUSIPCO).
    """
    share = values[values > 0.0] / values.sum() if values.sum() > 0.0 else np.empty(0)
    return Spectrum(
        size=size,
        largest=float(values[0]),
        smallest=float(values[-1]),
        effective_rank=float(np.exp(-np.sum(share * np.log(share)))) if len(share) else 0.0,
    )
