"""One source of each kind, all with label noise: what the contract is tested on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Float

from benign.foundation.split import Split
from benign.sources import FiniteSource, Source, arrays, dataset, digits, function, mml, mnist, mnist1d

IMAGES = np.random.Generator(np.random.PCG64(1)).integers(0, 256, (30, 2, 3, 4)).astype(np.uint8)
LABELS = [0, 2, 1] * 10  # of the images
NAMES = np.array(["ash", "beech", "cedar", "date"])


def table(rows: int, columns: int) -> Float[np.ndarray, "rows columns"]:
    """Different numbers, off centre, of different spread in each column."""
    numbers = np.random.Generator(np.random.PCG64(7)).standard_normal((rows, columns))
    return 3.0 + numbers * np.arange(1, columns + 1)


def pixel_rows(rows: int) -> np.ndarray:
    return np.floor(40.0 * np.abs(table(rows, 3)) % 256.0).astype(np.uint8)


def labels(rows: int) -> np.ndarray:
    return NAMES[np.random.Generator(np.random.PCG64(8)).integers(0, 4, rows)]


def wave(x: Float[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
    return np.sin(3.0 * x) * np.exp(-x)


@dataclass(frozen=True, kw_only=True)
class Case:
    """How to make a source, and what is special about it."""

    make: Callable[[], Source]
    noise: float
    golden: str
    fixed_test: bool = False

    @property
    def counts(self) -> tuple[int, ...]:
        """Numbers of training samples to try, the largest last."""
        largest = self.make().max_samples
        return (1, 2, 3, 10, 41, 97, largest) if largest is not None else (1, 2, 3, 10, 41, 97, 9_999, 10_000, 12_345)


CASES = {
    "classes": Case(
        make=lambda: arrays(table(150, 3), labels(150), label_noise=0.2), noise=0.2, golden="36f616367d829411"
    ),
    "classes-many-flips": Case(
        make=lambda: arrays(table(150, 2), labels(150), label_noise=0.7, test_samples=40, scale="none"),
        noise=0.7,
        golden="399d7dd78a629080",
    ),
    "pixels": Case(
        make=lambda: dataset([*zip(pixel_rows(150), labels(150), strict=True)], label_noise=0.2),
        noise=0.2,
        golden="5e7ae15a7f92647e",
    ),
    "values": Case(
        make=lambda: arrays(table(150, 3), table(150, 2)[:, 1], label_noise=0.5, scale="unit"),
        noise=0.5,
        golden="b31c54e44d7a27b4",
    ),
    "values-two-outputs": Case(
        make=lambda: arrays(table(150, 4), table(150, 2), label_noise=0.5, scale=255.0),
        noise=0.5,
        golden="afbb258396e95035",
    ),
    "digits": Case(make=lambda: digits(label_noise=0.15), noise=0.15, golden="81499a0f0a123633"),
    "mnist": Case(make=lambda: mnist(label_noise=0.2, test_samples=2000), noise=0.2, golden="7277786fe353317b"),
    "mnist1d": Case(make=lambda: mnist1d(label_noise=0.2), noise=0.2, golden="f7bb8adb3058b3fd"),
    "function": Case(make=lambda: function(wave, low=0.0, high=2.0, noise=0.3), noise=0.3, golden="41418f22663f1cf7"),
    "step": Case(make=lambda: function("step", noise=0.1, test_samples=30), noise=0.1, golden="0cd43a8f5072fe83"),
    "sine": Case(make=lambda: function("sine", noise=0.1), noise=0.1, golden="83682e08482b8ec1"),
    "runge": Case(make=lambda: function("runge", noise=0.1), noise=0.1, golden="5821d16858176736"),
    "absolute": Case(make=lambda: function("absolute", noise=0.1), noise=0.1, golden="78ae3cdbdecee9b3"),
    "mml": Case(make=mml, noise=0.2, fixed_test=True, golden="4ed0bba2641ad856"),
}


def pixels(source: FiniteSource) -> np.ndarray:
    """The inputs that a source holds, each sample in its shape."""
    assert source.data.shape is not None
    return source.data.inputs.reshape(-1, *source.data.shape)


def parts(split: Split) -> Iterator[tuple[str, Float[np.ndarray, "rows columns"]]]:
    """The split's arrays with their names."""
    for field in fields(split):
        value = getattr(split, field.name)
        if isinstance(value, np.ndarray):
            yield field.name, value


def summary(split: Split) -> str:
    """Sixteen digits that change when a number of the split changes at the eighth decimal."""
    digest = hashlib.sha256()
    for name, values in parts(split):
        digest.update(f"{name}{values.shape}".encode())
        digest.update((np.round(values * 1e8) + 0.0).astype("<i8").tobytes())
    return digest.hexdigest()[:16]
