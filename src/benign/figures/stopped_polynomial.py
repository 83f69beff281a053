r"""Polynomials trained by gradient descent and stopped: what optimisation leaves undone, beside what sampling adds.

With Z the design matrix of a split, Z = U S V^T, gradient descent from zero on the mean squared loss with step size
1 / L, L its largest curvature (the largest step that is sure to lower the training loss), is after t steps

.. math:: \theta_t = V \operatorname{diag}\left(\frac{1 - (1 - s_i^2 / s_1^2)^t}{s_i}\right) U^T y,

so that no step is taken. The last directions to be fitted are the ill-conditioned ones; in monomials they would be
worse by far than in the Legendre polynomials, orthonormal on the interval, that are used.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float, Int

from benign.foundation.errors import invalid
from benign.foundation.outcomes import Outcome
from benign.foundation.split import Split
from benign.procedures import Polynomial
from benign.procedures.protocol import Predictions, check_inputs, one_replicate_each, recorded_times
from benign.schema import DEFAULT_METRICS, Block

# The name of the schema for what is measured: the squared distance of two predictors of one training set.
LEFT = "output_difference"

Sizes = Int[np.ndarray, " size"]
Times = Float[np.ndarray, " time"]
Fits = Float[np.ndarray, "time _rows outputs"]


@dataclass(frozen=True, kw_only=True)
class StoppedPolynomial:
    """Gradient descent on polynomials of one input, from zero with steps of 1 / L, at any number of steps.

    In the limit it is :class:`benign.procedures.Polynomial`, least squares of minimum norm.
    """

    revision: ClassVar[int] = 1
    size_name: ClassVar[str] = "coefficients"
    time_name: ClassVar[str | None] = "gradient steps"
    objective: ClassVar[str] = "squared"
    max_size: ClassVar[float] = math.inf
    batches = one_replicate_each

    def spec(self) -> dict[str, object]:
        return {"procedure": "stopped_polynomial", "basis": "legendre"}

    def parameters(self, size: int, split: Split) -> int:
        """One coefficient a degree and output."""
        return size * split.train_targets.shape[1]

    def measure(self, splits: Sequence[Split], sizes: Sizes, times: Times | None, metrics: frozenset[str]) -> Block:
        if times is None or metrics - DEFAULT_METRICS - {LEFT}:
            raise invalid("times", f"must be given, and `metrics` ask for {LEFT} at most.")
        shape = (len(splits), len(sizes), len(times))
        values = {name: np.full(shape, np.nan) for name in metrics}
        for row, split in enumerate(splits):
            for column, size in enumerate(sizes.tolist()):
                curves = _curves(split, size, times)
                for name in metrics & curves.keys():
                    values[name][row, column] = curves[name]
        return Block(
            replicates=tuple(split.replicate for split in splits),
            sizes=sizes,
            times=times,
            parameters=sizes * splits[0].train_targets.shape[1],
            outcome=np.full(shape, Outcome.CONVERGED, dtype=np.int8),
            metrics=values,
        )

    def predict(
        self, split: Split, inputs: Float[np.ndarray, "m d"], sizes: Sizes, times: Times | None = None
    ) -> Iterator[Predictions]:
        check_inputs(inputs, split)
        moments = recorded_times(times)
        for size in sizes.tolist():
            _, _, predictions = _fitted(split, inputs, size, moments)
            for time, values in zip(moments.tolist(), predictions, strict=True):
                yield Predictions(size=size, time=time, values=values)


def _curves(split: Split, size: int, times: Times) -> dict[str, Float[np.ndarray, " time"]]:
    """What is measured of one size, at every time; the last of all is the end of the way."""
    theta, train, test = _fitted(split, split.test_inputs, size, np.append(times, math.inf))
    norm = np.linalg.norm(theta[:-1], axis=(1, 2))
    return {
        "train_loss": _loss(train[:-1], split.train_targets),
        "test_loss": _loss(test[:-1], split.test_targets),
        "norm": norm,
        "scaled_norm": math.sqrt(size) * norm,
        LEFT: _loss(test[:-1], test[-1]),
    }


def _fitted(split: Split, inputs: Float[np.ndarray, "m d"], size: int, times: Times) -> tuple[Fits, Fits, Fits]:
    """Coefficients at every time, and predictions on the training inputs and on others."""
    Z, columns = Polynomial().columns(split, inputs).panel(0, size)
    U, s, Vt = np.linalg.svd(Z, full_matrices=False)
    with np.errstate(divide="ignore", invalid="ignore"):
        fitted = -np.expm1(times[:, None] * np.log1p(-((s / s[0]) ** 2)))
    filters = np.where(times[:, None] > 0.0, fitted, 0.0) / s
    theta = np.einsum("kr,tr,ro->tko", Vt.T, filters, U.T @ split.train_targets)
    return theta, Z @ theta, columns @ theta


def _loss(predictions: Fits, targets: Float[np.ndarray, "m outputs"]) -> Float[np.ndarray, " time"]:
    return np.asarray(((predictions - targets) ** 2).sum(axis=2).mean(axis=1))
