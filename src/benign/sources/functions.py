"""Functions of one variable plus Gaussian noise: y = f(x) + noise, x uniform on an interval."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
from jaxtyping import Float

from benign.foundation.arguments import checked_flag, checked_name, checked_text
from benign.foundation.errors import InvalidArgument, attempted, invalid
from benign.foundation.memory import require_memory
from benign.foundation.numbers import checked_count, checked_number
from benign.foundation.randomness import generator
from benign.foundation.replicate import Replicate
from benign.foundation.split import Split
from benign.foundation.wording import shown, told
from benign.sources.checks import fingerprint, frozen
from benign.sources.label_noise import checked_deviation, under_noise
from benign.sources.tables import LARGEST_TARGET, Place

Target = Callable[[Float[np.ndarray, " m"]], Float[np.ndarray, " m"]]

POOL = 10_000
"""Samples of a distribution's pool."""


def _mml(x: Float[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
    return -np.sin(x / 5.0) + np.cos(x)


def _sine(x: Float[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
    return np.sin(2.0 * np.pi * x)


def _step(x: Float[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
    return np.where(x < 0.0, -1.0, 1.0)


def _runge(x: Float[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
    return 1.0 / (1.0 + 25.0 * x**2)


_NAMED: dict[str, tuple[Target, float, float]] = {
    "mml": (_mml, -5.0, 5.0),
    "sine": (_sine, 0.0, 1.0),
    "step": (_step, -1.0, 1.0),
    "runge": (_runge, -1.0, 1.0),
    "absolute": (np.abs, -1.0, 1.0),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class FunctionSource:
    """x uniform on [low, high), y = target(x) + N(0, noise^2); :func:`function` and :func:`mml` make it.

    Attributes:
        target: f, from m numbers to m numbers.
        name: what titles and messages call it.
        low: left end of the interval.
        high: right end of the interval.
        noise: standard deviation of the noise.
        test_samples: number of test points.
        test_grid: whether these are evenly spaced from ``low`` to ``high``, the same in each draw, instead of drawn.
    """

    revision: ClassVar[int] = 1
    max_samples: ClassVar[None] = None
    classes: ClassVar[None] = None

    target: Target
    name: str
    low: float
    high: float
    noise: float
    test_samples: int
    test_grid: bool = False

    def __post_init__(self) -> None:
        low, high = checked_number("low", self.low), checked_number("high", self.high)
        if low >= high:
            raise invalid("low", f"must be less than `high`, got {low} and {high}.")
        checked_deviation("noise", self.noise)
        checked_count("test_samples", self.test_samples)
        checked_flag("test_grid", self.test_grid)
        checked_text("name", self.name)
        _check_target(self.target, self.name, np.linspace(low, high, 1001))

    @cached_property
    def _fingerprint(self) -> str:
        """SHA-256 of f on 1,001 points, to ten digits of its largest value, so that the last bits do not matter."""
        values = self.target(np.linspace(self.low, self.high, 1001))
        unit = (float(np.abs(values).max()) or 1.0) * 1e-10
        return fingerprint(np.round(np.asarray(values, dtype=np.float64) / unit).astype(np.int64))

    def spec(self) -> dict[str, object]:
        """Canonical settings with the SHA-256 of the function's values."""
        return {
            "source": "function",
            "name": self.name,
            "low": float(self.low),
            "high": float(self.high),
            "noise": float(self.noise),
            "test_samples": int(self.test_samples),
            "test_grid": self.test_grid,
            "data": self._fingerprint,
        }

    def with_label_noise(self, level: float) -> FunctionSource:
        """The same source with noise of another standard deviation.

        Raises:
            InvalidArgument: for a level that cannot be one.
        """
        return replace(self, noise=level)

    def draw(self, samples: int, replicate: Replicate) -> Split:
        """Draw ``samples`` training samples and the test set of a replicate.

        Raises:
            InvalidArgument: if ``samples`` is not a positive integer, or f is not finite somewhere.
            NotEnoughMemory: if they do not fit.
        """
        samples = checked_count("samples", samples)
        require_memory(
            80.0 * (samples + self.test_samples),
            purpose=f"drawing {samples} samples of {self.name}",
            advice="ask for fewer samples",
        )
        inputs = self._drawn("training inputs", max(samples, POOL), replicate)
        clean = self._evaluated(inputs)[:samples]
        test_inputs = self._test_inputs(replicate)
        test_clean = self._evaluated(test_inputs)
        split = Split(
            train_inputs=inputs[:samples],
            train_targets=clean,
            train_targets_clean=clean,
            test_inputs=test_inputs,
            test_targets=test_clean,
            test_targets_noisy=test_clean,
            pool=inputs[:POOL],
            classes=None,
            replicate=replicate,
        )
        return under_noise(split, float(self.noise))

    def _test_inputs(self, replicate: Replicate) -> Float[np.ndarray, "n_test 1"]:
        if self.test_grid:
            return frozen(np.linspace(self.low, self.high, self.test_samples)[:, None])
        return self._drawn("test inputs", self.test_samples, replicate)

    def _drawn(self, purpose: str, count: int, replicate: Replicate) -> Float[np.ndarray, "m 1"]:
        unit = generator(replicate.seed, purpose, replicate.draw).random((count, 1))
        return frozen(self.low + (self.high - self.low) * unit)

    def _evaluated(self, inputs: Float[np.ndarray, "m 1"]) -> Float[np.ndarray, "m 1"]:
        """Values of f by chunks of one pool: vector code may round the last few entries of an array differently."""
        column = inputs[:, 0]
        padded = np.resize(column, -(-len(column) // POOL) * POOL)
        chunks = [_values_of(self.target, self.name, chunk) for chunk in np.split(padded, len(padded) // POOL)]
        values = np.concatenate(chunks)[: len(column)]
        return frozen(values[:, None])


def _check_target(target: Target, name: str, grid: Float[np.ndarray, " m"]) -> None:
    """Try f on a grid: its values must be numbers that are not all but 0, and depend on one x each.

    Raises:
        InvalidArgument: with what it did instead.
    """
    values, again = _values_of(target, name, grid), _values_of(target, name, grid[:501])
    Place("target").check_size(np.abs(values).max(), LARGEST_TARGET)
    if not np.allclose(values[:501], again, rtol=1e-9, atol=0.0):
        raise invalid(
            "target",
            f"must give each x the same value whatever else it is called with, but {name} did not; keep "
            "random numbers and averages out of it and use `noise`.",
        )


def _values_of(target: Target, name: str, x: Float[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
    """f(x), if these are as many real numbers, and finite."""
    wanted = "must map a NumPy array to one of the same length"
    advice = "use numpy.sin and the like, or numpy.vectorize"
    values = attempted(
        lambda: target(x),
        lambda error: invalid("target", f"{wanted}, but {name} raised {told(error)}; {advice}."),
    )
    if type(values) is not np.ndarray or values.shape != x.shape or values.dtype.kind not in "biuf":
        given = f"{values.dtype} of the shape {values.shape}" if type(values) is np.ndarray else shown(values)
        raise invalid("target", f"must map {len(x)} numbers to as many real numbers, but {name} gave {given}.")
    is_fine = np.abs(values) <= LARGEST_TARGET
    if not is_fine.all():
        worst = np.argmin(is_fine)
        raise invalid(
            "target",
            f"must be finite from `low` to `high`, but {name}({x[worst]:g}) is {values[worst]}; keep it below "
            f"{LARGEST_TARGET:g} in size, or change the interval.",
        )
    return values.astype(np.float64)


def function(
    target: Target | str,
    *,
    noise: float,
    low: float | None = None,
    high: float | None = None,
    test_samples: int = 200,
    test_grid: bool = False,
    name: str | None = None,
) -> FunctionSource:
    r"""Samples of a function of one variable: x ~ U[low, high), :math:`y = f(x) + N(0, \mathrm{noise}^2)`.

    Args:
        target: f, from a float64 array to one of the same length, x by x; or the name of one: ``"mml"``, ``"sine"``
            (sin(2 pi x) on [0, 1]), ``"step"`` (the sign of x on [-1, 1]), ``"runge"`` (1 / (1 + 25 x^2) on [-1, 1]) or
            ``"absolute"`` (abs(x) on [-1, 1]).
        noise: standard deviation of the noise, at least 0.
        low: left end of the interval; needed unless ``target`` is a name.
        high: right end of the interval; likewise.
        test_samples: number of test points.
        test_grid: whether test points are evenly spaced from ``low`` to ``high``, the same in each draw, instead of
            drawn like the training inputs.
        name: what titles and messages call it; the function's own name unless said.

    Raises:
        InvalidArgument: for a function or settings that cannot be used; the message says what to do.

    >>> function("step", noise=0.0).draw(5, Replicate()).train_targets.shape
    (5, 1)
    """
    if isinstance(target, str):
        checked_name("function", target, _NAMED, argument="target")
        given = target
        target, named_low, named_high = _NAMED[target]
        low, high = named_low if low is None else low, named_high if high is None else high
    elif callable(target):
        given = getattr(target, "__name__", type(target).__name__)
    else:
        raise invalid("target", f"must be a function or one of {', '.join(_NAMED)}, got {shown(target)}.")
    if low is None or high is None:
        raise InvalidArgument("`low` and `high` must say where x is drawn from, for example low=-1, high=1.")
    return FunctionSource(
        target=target,
        name=given if name is None else name,
        low=low,
        high=high,
        noise=noise,
        test_samples=test_samples,
        test_grid=test_grid,
    )


def mml(*, noise: float = 0.2, test_samples: int = 200) -> FunctionSource:
    r"""The polynomial regression example of *Mathematics for Machine Learning*, section 9.2.2.

    :math:`x \sim U[-5, 5]`, :math:`y = -\sin(x/5) + \cos(x) + \epsilon`, :math:`\epsilon \sim N(0, 0.2^2)`, tested on
    200 evenly spaced points. The book's test targets have fresh noise: ``Split.test_targets_noisy``; ``test_targets``
    is noise-free. Its data are not published, only how they were drawn (it draws 10 training samples).

    Source: Deisenroth, Faisal, Ong 2020, section 9.2.2 and figure 9.6.

    Args:
        noise: standard deviation of the noise.
        test_samples: number of evenly spaced test points.

    Raises:
        InvalidArgument: for settings that cannot be used.
    """
    return function("mml", noise=noise, test_samples=test_samples, test_grid=True)
