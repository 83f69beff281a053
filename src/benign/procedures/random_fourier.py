"""Random Fourier feature regression (Rahimi & Recht 2007; Belkin et al. 2019), sized by its number of features."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Float

from benign.foundation.arguments import checked_name
from benign.foundation.errors import invalid
from benign.foundation.numbers import checked_ridge
from benign.foundation.split import Split
from benign.linear.columns import Columns, MappedColumns
from benign.linear.fourier import ComplexFourierFeatures, FourierFeatures, checked_bandwidth, median_bandwidth
from benign.linear.size_path import bytes_of_path
from benign.procedures import feature_regression


@dataclass(frozen=True, kw_only=True)
class RandomFourier:
    r"""Least squares on random Fourier features; of minimum norm beyond the interpolation threshold.

    Feature j of an input x is :math:`\sqrt 2 \cos(w_j x + b_j)` with :math:`w_j \sim N(0, I / \text{bandwidth}^2)` and
    :math:`b_j` uniform on a circle, or :math:`\exp(i w_j x)`; the first k features are the model of size k. Without
    ridge the coefficients are those of ``numpy.linalg.lstsq``, with it those of scikit-learn's ``Ridge`` without
    intercept.

    Source: Rahimi & Recht 2007 (NIPS), algorithm 1 (real); Belkin, Hsu, Ma, Mandal 2019 (PNAS 116:15849), section 2
    (complex).

    Args:
        bandwidth: of the Gaussian kernel that the features approximate, in units of the source's scaled inputs, or
            ``"median"``: the median distance between pairs of the split's pool.
        form: ``"real"``: one real column a feature; ``"complex"``: one complex column with a complex weight, whose real
            part predicts. Both have their threshold at n features.
        ridge: scikit-learn's alpha, the same at every size; 0 for the minimum-norm solution. Real form only.

    Raises:
        InvalidArgument: for a bandwidth or ridge that cannot be one, or an unknown form.
    """

    revision: ClassVar[int] = 2
    size_name: ClassVar[str] = "features"
    time_name: ClassVar[str | None] = None
    objective: ClassVar[str] = "squared"
    max_size: ClassVar[float] = math.inf
    parameters = feature_regression.parameters
    batches = feature_regression.batches
    measure = feature_regression.measure
    predict = feature_regression.predict

    bandwidth: float | Literal["median"] = "median"
    form: Literal["real", "complex"] = "real"
    ridge: float = 0.0

    def __post_init__(self) -> None:
        if not (isinstance(self.bandwidth, str) and self.bandwidth == "median"):
            checked_bandwidth(self.bandwidth)
        checked_name("form", self.form, ("real", "complex"))
        if checked_ridge(self.ridge) > 0.0 and self.form == "complex":
            raise invalid("ridge", 'must be 0 with form="complex"; use form="real" for ridge.')

    def spec(self) -> dict[str, object]:
        return {
            "procedure": "random_fourier",
            "bandwidth": self.bandwidth if self.bandwidth == "median" else float(self.bandwidth),
            "form": self.form,
            "ridge": float(self.ridge),
        }

    def least_bytes(self, samples: int, test_samples: int, size: int) -> float:
        """The path's work arrays."""
        return bytes_of_path(self.factor * samples, self.factor * size, test_samples=test_samples)

    @property
    def factor(self) -> int:
        return 2 if self.form == "complex" else 1

    def columns(self, split: Split, inputs: Float[np.ndarray, "m d"]) -> Columns:
        bandwidth = median_bandwidth(split.pool) if self.bandwidth == "median" else float(self.bandwidth)
        is_complex = self.form == "complex"
        features = (ComplexFourierFeatures if is_complex else FourierFeatures)(
            bandwidth=bandwidth, seed=split.replicate.seed, initialisation=split.replicate.initialisation
        )
        return MappedColumns(
            features=features, train_inputs=split.train_inputs, test_inputs=inputs, is_complex=is_complex
        )
