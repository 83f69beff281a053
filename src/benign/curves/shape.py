"""Where a curve would have its minimum, peak and second descent, if it had them."""

from __future__ import annotations

import functools
import itertools

import numpy as np
from jaxtyping import Bool, Float, Int

BLOCKS = 32
_CHUNK = 32_768  # pairs of positions at a time: they stay in the cache
_SHRINK = 0.5  # of the median standard error: keeps an accidentally small spread of few replicates from winning


def log_if_positive(values: Float[np.ndarray, "..."]) -> tuple[Float[np.ndarray, "..."], bool]:
    """Natural logarithms if every value is positive, else the values; and whether logarithms were taken."""
    is_log = bool(values.size and values.min() > 0.0)
    return (np.log(values) if is_log else values), is_log


def prominent_triples(
    curves: Float[np.ndarray, "B K"],
) -> tuple[Int[np.ndarray, "B"], Int[np.ndarray, "B"], Int[np.ndarray, "B"]]:
    r"""The indices i < j < k that maximise min(rise, fall), for each curve.

    .. math:: (i, j, k) = \arg\max_{i<j<k} \min(f_j - f_i,\; f_j - f_k)

    By running minima in O(K). j is then the maximum between i and k, i the lowest point before j and k the lowest
    beyond it: a higher point between i and k would have both a larger rise and a larger fall. Neither a high left end
    of a U (no rise before it) nor a rising right end (no fall after it) can be j. K is at least 3.
    """
    rows, columns = np.arange(len(curves)), np.arange(curves.shape[1])
    before = np.minimum.accumulate(curves, axis=1)[:, :-2]
    after = np.minimum.accumulate(curves[:, ::-1], axis=1)[:, ::-1][:, 2:]
    j = 1 + np.argmax(curves[:, 1:-1] - np.maximum(before, after), axis=1)
    i = np.argmin(np.where(columns < j[rows, None], curves, np.inf), axis=1)
    k = np.argmin(np.where(columns > j[rows, None], curves, np.inf), axis=1)
    return i, j, k


def steady_triples(
    values: Float[np.ndarray, "R K"], chosen: Bool[np.ndarray, "S R"]
) -> tuple[Int[np.ndarray, "S"], Int[np.ndarray, "S"], Int[np.ndarray, "S"]]:
    r"""The indices i < j < k that maximise min(t of the rise, t of the fall) over the chosen replicates of each row.

    t is the mean paired difference over :math:`\sqrt{s^2 + s_0^2}` with its standard error s and
    :math:`s_0` half the median of s over all pairs: without it, a noisy stretch of the axis, however far from the peak,
    would be chosen for its size. Beyond 64 positions only the lowest and the highest mean of each of 32 equal blocks of
    the axis compete. Every row of ``chosen`` holds the same number, at least 2.
    """
    count = int(chosen[0].sum())
    columns = _contenders((chosen / count) @ values)
    members = np.nonzero(chosen)[1].reshape(len(chosen), count)
    step = max(1, _CHUNK // columns.shape[1] ** 2)
    parts = [
        _steadiest(values[members[start : start + step, :, None], columns[start : start + step, None, :]])
        for start in range(0, len(chosen), step)
    ]
    i, j, k = (
        np.take_along_axis(columns, np.concatenate(index)[:, None], axis=1)[:, 0] for index in zip(*parts, strict=True)
    )
    return i, j, k


def _steadiest(
    samples: Float[np.ndarray, "S r L"],
) -> tuple[Int[np.ndarray, "S"], Int[np.ndarray, "S"], Int[np.ndarray, "S"]]:
    S, _, L = samples.shape
    earlier, later = _pairs(L)
    t = _pairwise_t(samples)
    rise, fall = np.full((2, S, L, L), -np.inf)  # of column a above column b, at [., a, b]
    rise[:, later, earlier], fall[:, earlier, later] = t, -t
    rows = np.arange(S)
    j = np.argmax(np.minimum(rise.max(axis=2), fall.max(axis=2)), axis=1)
    return np.argmax(rise[rows, j], axis=1), j, np.argmax(fall[rows, j], axis=1)


def _contenders(means: Float[np.ndarray, "S K"]) -> Int[np.ndarray, "S L"]:
    """Lowest and highest position of each block, in order; all positions if they are few."""
    S, K = means.shape
    if K <= 2 * BLOCKS:
        return np.tile(np.arange(K), (S, 1))
    edges = np.linspace(0, K, BLOCKS + 1).astype(np.int64)
    blocks = [(start, means[:, start:end]) for start, end in itertools.pairwise(edges)]
    lowest = [start + np.argmin(block, axis=1) for start, block in blocks]
    highest = [start + np.argmax(block, axis=1) for start, block in blocks]
    return np.sort(np.stack(lowest + highest, axis=1), axis=1)


def _pairwise_t(samples: Float[np.ndarray, "S r L"]) -> Float[np.ndarray, "S P"]:
    """Shrunken t of the later column minus the earlier one, of all pairs."""
    r, L = samples.shape[1:]
    earlier, later = _pairs(L)
    means = samples.mean(axis=1)
    centred = samples - means[:, None, :]
    centred -= centred.mean(axis=2, keepdims=True)  # a replicate's common offset cancels in differences
    covariance = centred.transpose(0, 2, 1) @ centred / (r - 1)
    variance = np.diagonal(covariance, axis1=1, axis2=2)
    error = variance[:, earlier] + variance[:, later]
    error -= 2.0 * covariance[:, earlier, later]
    np.sqrt(np.maximum(error, 0.0, out=error) / r, out=error)
    some = error[:, :: max(1, len(earlier) // 256)]  # spread over all: a median over pairs needs no more
    floor = _SHRINK * _medians(some) + 1e-9 * np.ptp(means, axis=1)
    floor = np.maximum(floor, np.finfo(float).tiny ** 0.5)[:, None]
    np.square(error, out=error)
    error += floor**2
    t = means[:, later] - means[:, earlier]
    t /= np.sqrt(error, out=error)
    return t


def _medians(values: Float[np.ndarray, "S P"]) -> Float[np.ndarray, "S"]:
    """Equivalent to ``numpy.median(values, axis=1)`` of numbers; NumPy partitions five times faster about one place."""
    half = values.shape[1] // 2
    ordered = np.partition(values, half, axis=1)
    upper = ordered[:, half]
    return upper if values.shape[1] % 2 else 0.5 * (ordered[:, :half].max(axis=1) + upper)


@functools.cache
def _pairs(L: int) -> tuple[Int[np.ndarray, "P"], Int[np.ndarray, "P"]]:
    """The earlier and the later column of each pair."""
    return np.triu_indices(L, 1)
