r"""MNIST-1D: ten classes of signals of 40 points, made on the spot, for which a linear model is not enough.

Source: Greydanus & Kobak, "Scaling down deep learning with MNIST-1D", ICML 2024 (arXiv:2011.14439); the recipe is that
of their package ``mnist1d`` 0.0.2.post1 with its default settings, the code our own. From the template of its class, a
curve of 12 points that starts and ends at 0, a sample is made in this order:

1. *Pad* with p zeros, p uniform on 36, ..., 60, and *dilate* the 12 + p points linearly to 72.
2. *Scale* by 1 + 0.4 (u - 1/2), u ~ U[0, 1).
3. *Translate* cyclically by k places, k uniform on 0, ..., 47.
4. *Correlated noise* in place of the padding alone: N(0, 0.25^2), smoothed by a Gaussian filter of deviation 2.
5. *Independent noise* N(0, 0.02^2) on all 72 points.
6. *Shear*: take 0.75 (u - 1/2) t away, t evenly spaced from -1/2 to 1/2, u ~ U[0, 1).
7. *Subsample* linearly to 40 points.

Inputs are centred and divided by one number each, the mean and standard deviation over all entries, as in the package,
whose notebooks train on them as they are.

**Where we differ**, because a source's training sets are nested, without end and apart from its test set:

* Mean and deviation are those of the replicate's pool, its first 10,000 samples, and not of the 5,000 samples that the
  package splits into training and test set.
* The package shuffles 500 samples of each class and keeps the first 4,000 for training, the others for testing. So does
  each block of 5,000 consecutive samples here hold 500 of each class in random order, and the first 4,000 of them are
  the package's training set in distribution; but test samples come from blocks of their own, independent of these.
* Random numbers are addressed: each block has its generator. No seed gives the package's own, frozen data set.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import ClassVar

import numpy as np
from jaxtyping import Float, Int

from benign.foundation.memory import require_memory
from benign.foundation.numbers import checked_count
from benign.foundation.randomness import generator
from benign.foundation.replicate import Replicate
from benign.foundation.split import Split
from benign.sources.checks import fingerprint, frozen
from benign.sources.functions import POOL
from benign.sources.label_noise import DIGITS, Part, checked_rate, one_hot, under_noise

BLOCK = 5_000
"""Consecutive samples that share a generator and hold each class equally often; the pool is two of them."""

_TEMPLATES = (
    (5, 6, 6.5, 6.75, 7, 7, 7, 7, 6.75, 6.5, 6, 5),
    (5, 3, 3, 3.4, 3.8, 4.2, 4.6, 5, 5.4, 5.8, 5, 5),
    (5, 6, 6.5, 6.5, 6, 5.25, 4.75, 4, 3.5, 3.5, 4, 5),
    (5, 6, 6.5, 6.5, 6, 5, 5, 6, 6.5, 6.5, 6, 5),
    (5, 4.4, 3.8, 3.2, 2.6, 2.6, 5, 5, 5, 5, 5, 5),
    (5, 3, 3, 3, 3, 5, 6, 6.5, 6.5, 6, 4.5, 5),
    (5, 4, 3.5, 3.25, 3, 3, 3, 3, 3.25, 3.5, 4, 5),
    (5, 7, 7, 6.6, 6.2, 5.8, 5.4, 5, 4.6, 4.2, 5, 5),
    (5, 4, 3.5, 3.5, 4, 5, 5, 4, 3.5, 3.5, 4, 5),
    (5, 4, 3.5, 3.5, 4, 5, 5, 5, 5, 4.7, 4.3, 5),
)
"""The published curves, one a digit, before they are normalised."""

_PADDING = (36, 60)  # fewest and most zeros
_LENGTH = 12 + 60  # points of a dilated signal
_SCALE = 0.4
_MAX_TRANSLATION = 48
_CORRELATED_NOISE = 0.25
_CORRELATION = 2  # deviation of the Gaussian filter, in points
_INDEPENDENT_NOISE = 0.02
_SHEAR = 0.75
_FINAL_LENGTH = 40
_LIFT = 1e-8  # added to templates, so that their zeros are not taken for padding


@dataclass(frozen=True, kw_only=True, eq=False)
class Mnist1dSource:
    """The distribution of MNIST-1D, with label noise; :func:`mnist1d` makes it.

    Attributes:
        name: what titles and messages call it.
        label_noise: share of flipped labels.
        test_samples: number of test samples, drawn afresh in each draw.
    """

    revision: ClassVar[int] = 1
    max_samples: ClassVar[None] = None
    classes: ClassVar[tuple[str, ...]] = DIGITS

    name: str
    label_noise: float
    test_samples: int

    def __post_init__(self) -> None:
        checked_rate(self.label_noise)
        checked_count("test_samples", self.test_samples)

    def spec(self) -> dict[str, object]:
        """Canonical settings, the recipe's included, with the SHA-256 of the templates."""
        return {
            "source": "mnist1d",
            "name": self.name,
            "label_noise": float(self.label_noise),
            "test_samples": int(self.test_samples),
            "padding": list(_PADDING),
            "scale": _SCALE,
            "max_translation": _MAX_TRANSLATION,
            "correlated_noise": _CORRELATED_NOISE,
            "correlation": _CORRELATION,
            "independent_noise": _INDEPENDENT_NOISE,
            "shear": _SHEAR,
            "length": _FINAL_LENGTH,
            "data": fingerprint(np.array(_TEMPLATES)),
        }

    def with_label_noise(self, level: float) -> Mnist1dSource:
        """The same source at another level of label noise.

        Raises:
            InvalidArgument: for a level that cannot be one.
        """
        return replace(self, label_noise=level)

    def draw(self, samples: int, replicate: Replicate) -> Split:
        """Draw ``samples`` training samples and the test set of a replicate.

        Raises:
            InvalidArgument: if ``samples`` is not a positive integer.
            NotEnoughMemory: if they do not fit.
        """
        samples = checked_count("samples", samples)
        require_memory(
            1200.0 * (samples + self.test_samples),
            purpose=f"drawing {samples} training and {self.test_samples} test samples of {self.name}",
            advice="ask for fewer samples",
        )
        address = (replicate.seed, replicate.draw)
        pool = _pool(*address)
        inputs, labels = pool.inputs, pool.labels
        if samples > POOL:
            more = pool.standardised("train", range(POOL // BLOCK, -(-samples // BLOCK)), *address)
            inputs, labels = frozen(np.concatenate([inputs, more[0]])), np.concatenate([labels, more[1]])
        test_inputs, test_labels = _test_set(self.test_samples, *address)
        train_clean, test_clean = one_hot(labels[:samples], len(DIGITS)), one_hot(test_labels, len(DIGITS))
        clean = Split(
            train_inputs=inputs[:samples],
            train_targets=train_clean,
            train_targets_clean=train_clean,
            test_inputs=test_inputs,
            test_targets=test_clean,
            test_targets_noisy=test_clean,
            pool=pool.inputs,
            classes=self.classes,
            replicate=replicate,
            shape=(1, inputs.shape[1]),
        )
        return under_noise(clean, float(self.label_noise))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Pool:
    """The first samples of a draw, their class indices, and what they were scaled by."""

    inputs: Float[np.ndarray, "pool 40"]
    labels: Int[np.ndarray, " pool"]
    centre: float
    divisor: float

    def standardised(
        self, part: Part, blocks: range, seed: int, draw: int
    ) -> tuple[Float[np.ndarray, "m 40"], Int[np.ndarray, " m"]]:
        """Other blocks of the draw, scaled likewise, and their class indices."""
        inputs, labels = _made(part, blocks, seed, draw)
        return (inputs - self.centre) / self.divisor, labels


@lru_cache(maxsize=4)
def _pool(seed: int, draw: int) -> _Pool:
    """Kept for the other n and label-noise draws that follow."""
    inputs, labels = _made("train", range(POOL // BLOCK), seed, draw)
    centre, divisor = float(inputs.mean()), float(inputs.std())
    return _Pool(inputs=frozen((inputs - centre) / divisor), labels=labels, centre=centre, divisor=divisor)


@lru_cache(maxsize=4)
def _test_set(test_samples: int, seed: int, draw: int) -> tuple[Float[np.ndarray, "m 40"], Int[np.ndarray, " m"]]:
    """The test set of a draw; kept likewise."""
    inputs, labels = _pool(seed, draw).standardised("test", range(-(-test_samples // BLOCK)), seed, draw)
    return frozen(inputs[:test_samples]), labels[:test_samples]


def _made(part: Part, blocks: range, seed: int, draw: int) -> tuple[Float[np.ndarray, "m 40"], Int[np.ndarray, " m"]]:
    """Unscaled signals of whole blocks, and their class indices."""
    made = []
    for block in blocks:
        random = generator(seed, f"mnist-1d: {part}", draw, block)
        labels = random.permutation(BLOCK) % len(DIGITS)
        made.append((signals(labels, chances(BLOCK, random)), labels))
    inputs, labels_of_blocks = zip(*made, strict=True)
    return np.concatenate(inputs), np.concatenate(labels_of_blocks)


@dataclass(frozen=True, kw_only=True, eq=False)
class Chances:
    """The random numbers of m samples; what follows from them is determined.

    Attributes:
        padding: zeros more than the fewest, from 0 to 24.
        scale: on [0, 1).
        translation: from 0 to 47.
        correlated: standard normal, before smoothing.
        independent: standard normal.
        shear: on [0, 1).
    """

    padding: Int[np.ndarray, " m"]
    scale: Float[np.ndarray, " m"]
    translation: Int[np.ndarray, " m"]
    correlated: Float[np.ndarray, "m 72"]
    independent: Float[np.ndarray, "m 72"]
    shear: Float[np.ndarray, " m"]


def chances(count: int, random: np.random.Generator) -> Chances:
    """Draw the random numbers of ``count`` samples."""
    return Chances(
        padding=random.integers(_PADDING[1] - _PADDING[0] + 1, size=count),
        scale=random.random(count),
        translation=random.integers(_MAX_TRANSLATION, size=count),
        correlated=random.standard_normal((count, _LENGTH)),
        independent=random.standard_normal((count, _LENGTH)),
        shear=random.random(count),
    )


def signals(labels: Int[np.ndarray, " m"], drawn: Chances) -> Float[np.ndarray, "m 40"]:
    """The samples of these classes that follow from these random numbers, before they are standardised."""
    signal = translated(dilated_templates()[labels, drawn.padding], drawn.translation)
    scaled = signal * (1.0 + _SCALE * (drawn.scale - 0.5))[:, None]
    noisy = np.where(signal != 0.0, scaled, correlated_noise(drawn.correlated)) + _INDEPENDENT_NOISE * drawn.independent
    return subsampled(sheared(noisy, drawn.shear))


def templates() -> Float[np.ndarray, "10 12"]:
    """Each curve divided by its standard deviation and by 6, and moved to start at 0."""
    curves = np.array(_TEMPLATES)
    curves = (curves - curves.mean(axis=1, keepdims=True)) / curves.std(axis=1, keepdims=True)
    return (curves - curves[:, :1]) / 6.0


@cache
def dilated_templates() -> Float[np.ndarray, "10 25 72"]:
    """Every template under every padding: there are only 250. Exactly 0 where, and only where, it is padding."""
    grid = np.linspace(0.0, 1.0, _LENGTH)
    result = np.empty((len(DIGITS), _PADDING[1] - _PADDING[0] + 1, _LENGTH))
    for label, template in enumerate(templates() + _LIFT):
        for extra in range(result.shape[1]):
            padded = np.concatenate([template, np.zeros(_PADDING[0] + extra)])
            result[label, extra] = np.interp(grid, np.linspace(0.0, 1.0, len(padded)), padded)
    return frozen(result)


def translated(signal: Float[np.ndarray, "m 72"], places: Int[np.ndarray, " m"]) -> Float[np.ndarray, "m 72"]:
    """Each row moved to the right by its number of places; what leaves enters on the left."""
    columns = (np.arange(signal.shape[1]) - places[:, None]) % signal.shape[1]
    return np.take_along_axis(signal, columns, axis=1)


def correlated_noise(normal: Float[np.ndarray, "m 72"]) -> Float[np.ndarray, "m 72"]:
    """Each row smoothed; row by row, so that no sample depends on another."""
    from scipy.ndimage import gaussian_filter1d

    return gaussian_filter1d(_CORRELATED_NOISE * normal, _CORRELATION, axis=1)


def sheared(signal: Float[np.ndarray, "m 72"], amount: Float[np.ndarray, " m"]) -> Float[np.ndarray, "m 72"]:
    """Each row without a line through the middle, of a slope between -0.375 and 0.375."""
    slope = _SHEAR * (amount - 0.5)
    return signal - slope[:, None] * np.linspace(-0.5, 0.5, signal.shape[1])


def subsampled(signal: Float[np.ndarray, "m 72"]) -> Float[np.ndarray, "m 40"]:
    """Each row interpolated linearly at 40 evenly spaced places, its ends included."""
    places = np.linspace(0.0, signal.shape[1] - 1.0, _FINAL_LENGTH)
    left = np.minimum(places.astype(np.int64), signal.shape[1] - 2)
    return signal[:, left] + (signal[:, left + 1] - signal[:, left]) * (places - left)


def mnist1d(*, label_noise: float = 0.0, test_samples: int = 3000) -> Mnist1dSource:
    """MNIST-1D: signals of 40 points in ten classes, as many samples as you ask for.

    Each sample is the template of its class, padded, dilated, scaled, translated and sheared at random, under noise;
    inputs are centred and divided by one number, both of the pool. Cost: about 5 microseconds a sample.

    Source: Greydanus & Kobak 2024, "Scaling down deep learning with MNIST-1D", with the published settings. Their data
    set has 4,000 samples to train on and 1,000 for testing.

    Args:
        label_noise: share of labels flipped to another class, 0 <= label_noise < 1; test labels stay clean.
        test_samples: number of test samples, drawn afresh in each draw.

    Raises:
        InvalidArgument: for settings that cannot be used.

    >>> mnist1d().draw(4000, Replicate()).train_targets.sum(axis=1).sum()
    np.float64(4000.0)
    """
    return Mnist1dSource(name="mnist1d", label_noise=label_noise, test_samples=test_samples)
