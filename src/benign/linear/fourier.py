"""Random Fourier features (Rahimi & Recht 2007), in real phase form and in the complex form of Belkin et al. 2019.

Frequencies are drawn from the spectral measure of the Gaussian kernel exp(-|x - x'|^2 / (2 bandwidth^2)), in blocks
whose random streams are addressed by the block's number: column j is the same in whatever range it is asked for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float

from benign.foundation.errors import InvalidArgument
from benign.foundation.numbers import checked_positive
from benign.foundation.randomness import generator

_BLOCK = 256


def checked_bandwidth(bandwidth: object) -> float:
    """The bandwidth, if it can be one.

    Raises:
        InvalidArgument: unless it is from 1e-100 to 1e100.
    """
    return checked_positive("bandwidth", bandwidth, kind='a positive number or "median"')


def median_bandwidth(inputs: Float[np.ndarray, "m d"]) -> float:
    r"""The median heuristic, :math:`\mathrm{median}_{i < j} |x_i - x_j|`, over the first 500 inputs.

    Source: Gretton et al. 2012 (JMLR 13:723), section 8, for the bandwidth of a Gaussian kernel.

    Args:
        inputs: one sample a row, m x d; from 501 rows on the further ones do not count, which bounds the cost.

    Returns:
        The distance, in the units of the inputs, positive.

    Raises:
        InvalidArgument: if most inputs coincide, so that the median distance is zero.
    """
    from scipy.spatial.distance import pdist

    median = float(np.median(pdist(inputs[:500]))) if len(inputs) > 1 else 0.0
    if not (math.isfinite(median) and median > 0.0):
        raise InvalidArgument(
            '`bandwidth="median"` found no distance between the inputs (most are equal); give a number instead.',
            "bandwidth",
        )
    return median


@lru_cache(maxsize=8)
def _block(
    seed: int, initialisation: int, dimensions: int, number: int
) -> tuple[Float[np.ndarray, "d b"], Float[np.ndarray, " b"]]:
    """Unit-bandwidth frequencies and phases of one block of columns."""
    random = generator(seed, "fourier features", initialisation, number)
    return random.standard_normal((dimensions, _BLOCK)), random.uniform(0.0, 2.0 * math.pi, _BLOCK)


@dataclass(frozen=True, kw_only=True)
class _Frequencies:
    """What both forms are made of: the bandwidth, and what addresses the frequencies."""

    bandwidth: float
    seed: int = 0
    initialisation: int = 0

    def __post_init__(self) -> None:
        checked_bandwidth(self.bandwidth)

    @property
    def max_size(self) -> float:
        """There is no end."""
        return math.inf

    def _angles(
        self, inputs: Float[np.ndarray, "m d"], start: int, stop: int
    ) -> tuple[Float[np.ndarray, "m columns"], Float[np.ndarray, " columns"]]:
        """w_j^T x of each input and column, and the phases b_j."""
        first, last = start // _BLOCK, (stop - 1) // _BLOCK
        numbers = range(first, last + 1)
        blocks = [_block(self.seed, self.initialisation, inputs.shape[1], number) for number in numbers]
        inside = slice(start - first * _BLOCK, stop - first * _BLOCK)
        frequencies = np.concatenate([block[0] for block in blocks], axis=1)[:, inside]
        return inputs @ (frequencies / self.bandwidth), np.concatenate([block[1] for block in blocks])[inside]


@dataclass(frozen=True, kw_only=True)
class FourierFeatures(_Frequencies):
    r"""Column j is :math:`\sqrt 2 \cos(w_j^\top x + b_j)`, w_j ~ N(0, I / bandwidth^2), b_j ~ U[0, 2 pi].

    One feature is one real column, so the interpolation threshold of n samples is n columns.
    """

    def columns(self, inputs: Float[np.ndarray, "m d"], start: int, stop: int) -> Float[np.ndarray, "m columns"]:
        """Columns ``start`` .. ``stop`` - 1."""
        angles, phases = self._angles(inputs, start, stop)
        angles += phases
        np.cos(angles, out=angles)
        angles *= math.sqrt(2.0)
        return angles


@dataclass(frozen=True, kw_only=True)
class ComplexFourierFeatures(_Frequencies):
    r"""Belkin et al. 2019: column j is :math:`\exp(i\, v_j^\top x)` with a complex weight, v_j ~ N(0, I / bandwidth^2).

    A complex least-squares problem in N columns is a real one in 2 N columns and 2 n rows: rows for the real part and
    rows for the imaginary part, which is fitted to zero. Counted in complex columns the threshold is at N = n.
    """

    def columns(self, inputs: Float[np.ndarray, "m d"], start: int, stop: int) -> Float[np.ndarray, "m2 columns"]:
        """Real columns ``start`` .. ``stop`` - 1 of [Re Z, -Im Z; Im Z, Re Z], paired: 2j and 2j + 1 belong to v_j."""
        first, last = start // 2, (stop + 1) // 2
        angles, _ = self._angles(inputs, first, last)
        cosine, sine = np.cos(angles), np.sin(angles)
        paired = np.empty((2 * len(inputs), 2 * (last - first)))
        paired[: len(inputs), 0::2], paired[: len(inputs), 1::2] = cosine, -sine
        paired[len(inputs) :, 0::2], paired[len(inputs) :, 1::2] = sine, cosine
        return paired[:, start - 2 * first : stop - 2 * first]
