"""The teacher of a synthetic twin: ridge regression, linear or in a Gaussian kernel, chosen by leave-one-out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.spatial.distance import cdist, pdist
from scipy.special import softmax

_MOST_ROWS = 800  # the kernel matrix is factorised
_BANDWIDTHS = (0.3, 0.6, 1.0, 2.0)  # of the median distance
_RIDGES = np.logspace(-6.0, 3.0, 19)  # of the mean of the kernel's diagonal
_TEMPERATURES = np.logspace(-0.5, 1.7, 23)


@dataclass(frozen=True, kw_only=True, eq=False)
class Teacher:
    """Mean targets, or the classes' probabilities, at any inputs.

    Attributes:
        rows: that it was fitted on.
        weights: of the kernel functions at the rows.
        offset: of each target.
        bandwidth: of the Gaussian kernel; 0 for a linear one.
        centre: of the inputs.
        sharpness: what scores are multiplied by before the softmax; 0 where targets are values.
        residual: leave-one-out variance of each target.
    """

    rows: Float[np.ndarray, "n d"]
    weights: Float[np.ndarray, "n outputs"]
    offset: Float[np.ndarray, " outputs"]
    bandwidth: float
    centre: Float[np.ndarray, " d"]
    sharpness: float
    residual: Float[np.ndarray, " outputs"]

    @property
    def arrays(self) -> tuple[Float[np.ndarray, "..."], ...]:
        """What it is made of."""
        return (self.rows, self.weights, self.offset, np.array([self.bandwidth, self.sharpness]))

    def answers(self, inputs: Float[np.ndarray, "m d"]) -> Float[np.ndarray, "m outputs"]:
        """Mean targets, or probabilities."""
        scores = self.offset + _kernel(inputs - self.centre, self.rows - self.centre, self.bandwidth) @ self.weights
        return softmax(self.sharpness * scores, axis=1) if self.sharpness > 0.0 else scores


@dataclass(frozen=True, kw_only=True, eq=False)
class _Fit:
    """A kernel and a ridge, and its leave-one-out residuals."""

    bandwidth: float
    weights: Float[np.ndarray, "n outputs"]
    residuals: Float[np.ndarray, "n outputs"]

    @property
    def loss(self) -> float:
        return float(np.mean(self.residuals**2))


def teacher_of(
    inputs: Float[np.ndarray, "n d"], targets: Float[np.ndarray, "n outputs"], *, is_classification: bool
) -> Teacher:
    """The kernel and ridge of least leave-one-out error on, at most, the first 800 rows.

    The leave-one-out residual of ridge regression in a kernel is :math:`r_i / (1 - h_i)`.

    Args:
        inputs: the training rows.
        targets: of them; one-hot for classes.
        is_classification: whether to answer with probabilities.
    """
    rows, wanted = inputs[:_MOST_ROWS], targets[:_MOST_ROWS]
    centre, offset = rows.mean(axis=0), wanted.mean(axis=0)
    centred = rows - centre
    distance = float(np.median(pdist(centred[:300]))) or 1.0
    bandwidths = [0.0] + [share * distance for share in _BANDWIDTHS]
    best = min((_best_ridge(centred, wanted - offset, width) for width in bandwidths), key=lambda fit: fit.loss)
    sharpness = _sharpness(wanted - best.residuals, wanted) if is_classification else 0.0
    return Teacher(
        rows=rows,
        weights=best.weights,
        offset=offset,
        bandwidth=best.bandwidth,
        centre=centre,
        sharpness=sharpness,
        residual=np.mean(best.residuals**2, axis=0),
    )


def _best_ridge(centred: Float[np.ndarray, "n d"], wanted: Float[np.ndarray, "n outputs"], bandwidth: float) -> _Fit:
    """One factorisation of the kernel serves all ridges."""
    kernel = _kernel(centred, centred, bandwidth)
    values, vectors = np.linalg.eigh(kernel)
    projected = vectors.T @ wanted
    unit = float(np.trace(kernel)) / len(kernel) or 1.0
    fits = []
    for ridge in unit * _RIDGES:
        inverse = 1.0 / (np.maximum(values, 0.0) + ridge)
        weights = vectors @ (inverse[:, None] * projected)
        residuals = weights / (vectors**2 @ inverse)[:, None]  # r_i / (1 - h_i) = a_i / G_ii, G the inverse
        fits.append(_Fit(bandwidth=bandwidth, weights=weights, residuals=residuals))
    return min(fits, key=lambda fit: fit.loss)


def _kernel(
    left: Float[np.ndarray, "m d"], right: Float[np.ndarray, "n d"], bandwidth: float
) -> Float[np.ndarray, "m n"]:
    if bandwidth == 0.0:
        return left @ right.T
    return np.exp(-0.5 * cdist(left, right, "sqeuclidean") / bandwidth**2)


def _sharpness(scores: Float[np.ndarray, "n classes"], wanted: Float[np.ndarray, "n classes"]) -> float:
    """The inverse temperature of least log loss on leave-one-out scores."""
    losses = [
        -float(np.mean(np.log((softmax(factor * scores, axis=1) * wanted).sum(axis=1) + 1e-12)))
        for factor in _TEMPERATURES
    ]
    return float(_TEMPERATURES[int(np.argmin(losses))])
