"""The measures of flatness by name, each with its definition, its source and what is known to be wrong with it."""

from __future__ import annotations

import enum
import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from benign.foundation.errors import invalid
from benign.foundation.numbers import checked_count, checked_positive
from benign.foundation.randomness import checked_seed
from benign.implicit.curvature.eigenvalues import lanczos, start_word
from benign.implicit.curvature.hessian import (
    FlatLoss,
    hessian_product,
    hessian_products,
    holding_padding,
    measuring,
    network_loss,
    not_finite,
    random_key,
)
from benign.implicit.curvature.sharpness import under_noise, worst_rise
from benign.implicit.curvature.trace import TraceMethod, checked_level, sampled_trace, spending_of, student_interval
from benign.networks.recording import Data

if TYPE_CHECKING:
    import torch

_RESCALING = (
    "Not a property of the function: rescaling the weights on both sides of a ReLU unit leaves the function as it is "
    "and makes this as large as one likes (Dinh et al. 2017)."
)
_SETTINGS = (
    "Across learning rates and other settings it follows the setting rather than generalisation: compare only networks "
    "trained alike (Andriushchenko et al. 2023)."
)
_ADAPTIVE = (
    "Unchanged by the rescalings of weights and biases around ReLU units that change plain sharpness (Dinh et al. "
    "2017), and by no other reparametrisation; a parameter at 0 is never moved."
)
_FOUND = "Ascent finds a lower bound of the maximum. "


class _Renamed(enum.EnumMeta):
    """Errors under noise were recorded as accuracies, one minus them; the old names go with 0.3."""

    def __getattr__(cls, name: str) -> Any:
        members: Mapping[str, Any] = cls.__members__
        if name not in members and (new := name.replace("ACCURACY_", "ERROR_")) in members:
            told = f"FlatnessMeasure.{name} is now FlatnessMeasure.{new}: the error, one minus the accuracy."
            warnings.warn(told, DeprecationWarning, stacklevel=2)
            return members[new]
        return members[name] if name in members else super().__getattribute__(name)


class FlatnessMeasure(enum.Enum, metaclass=_Renamed):
    """A measure of flatness; its value is the name under which it is recorded, the surface's where that has one."""

    TOP_EIGENVALUE = "top_eigenvalue"
    TRACE = "hessian_trace"
    SAM_SHARPNESS = "sam_sharpness"
    WORST_SHARPNESS = "worst_sharpness"
    ADAPTIVE_SHARPNESS = "adaptive_sharpness"
    LOSS_UNDER_MULTIPLICATIVE_NOISE = "loss_rise_multiplicative_noise"
    ERROR_UNDER_MULTIPLICATIVE_NOISE = "train_error_under_noise"
    LOSS_UNDER_ADDITIVE_NOISE = "loss_rise_additive_noise"
    ERROR_UNDER_ADDITIVE_NOISE = "train_error_under_additive_noise"

    @property
    def definition(self) -> str:
        """The definition, in LaTeX."""
        return _CARDS[self][0]

    @property
    def source(self) -> str:
        """The paper and place that define it."""
        return _CARDS[self][1]

    @property
    def known_flaw(self) -> str:
        """What is known to be wrong with it; to be printed beside every value."""
        flaw = _ADAPTIVE if self in _UNMOVED_BY_RESCALING else _RESCALING
        return f"{_FOUND * self.value.endswith('sharpness')}{flaw} {_SETTINGS}"


_M = FlatnessMeasure
_UNMOVED_BY_RESCALING = (
    _M.ADAPTIVE_SHARPNESS,
    _M.LOSS_UNDER_MULTIPLICATIVE_NOISE,
    _M.ERROR_UNDER_MULTIPLICATIVE_NOISE,
)
_BARRETT = "Barrett & Dherin 2021 (ICLR), prediction 2.4"
_CARDS: dict[FlatnessMeasure, tuple[str, str]] = {
    _M.TOP_EIGENVALUE: (
        r"\lambda_{\max}(\nabla^2 E(\theta))",
        "Hochreiter & Schmidhuber 1997; Keskar et al. 2017 (ICLR)",
    ),
    _M.TRACE: (r"\mathrm{tr}\, \nabla^2 E(\theta)", "Dinh et al. 2017 (ICML), section 2; Yao et al. 2020 (PyHessian)"),
    _M.SAM_SHARPNESS: (
        r"E(\theta + \rho\, g / \|g\|_2) - E(\theta), \quad g = \nabla E(\theta)",
        "Foret et al. 2021 (ICLR), equation 2",
    ),
    _M.WORST_SHARPNESS: (
        r"\max_{\|\epsilon\|_2 \le \rho} E(\theta + \epsilon) - E(\theta)",
        "Foret et al. 2021 (ICLR), equation 1; several ascent steps as in Andriushchenko et al. 2023 (ICML)",
    ),
    _M.ADAPTIVE_SHARPNESS: (
        r"\max_{\|\epsilon / |\theta|\|_2 \le \rho} E(\theta + \epsilon) - E(\theta)",
        "Kwon et al. 2021 (ICML), definition 2, elementwise; Andriushchenko et al. 2023 (ICML), section 3",
    ),
    _M.LOSS_UNDER_MULTIPLICATIVE_NOISE: (
        r"\mathbb{E}_\eta E(\theta \odot (1 + \eta)) - E(\theta), \quad \eta_i \sim N(0, \sigma^2)",
        _BARRETT,
    ),
    _M.ERROR_UNDER_MULTIPLICATIVE_NOISE: (
        r"\mathbb{E}_\eta\, \mathrm{error}(\theta \odot (1 + \eta)), \quad \eta_i \sim N(0, \sigma^2)",
        _BARRETT,
    ),
    _M.LOSS_UNDER_ADDITIVE_NOISE: (
        r"\mathbb{E}_\eta E(\theta + \eta) - E(\theta), \quad \eta_i \sim N(0, \sigma^2)",
        "Neyshabur et al. 2017 (NeurIPS), expected sharpness",
    ),
    _M.ERROR_UNDER_ADDITIVE_NOISE: (
        r"\mathbb{E}_\eta\, \mathrm{error}(\theta + \eta), \quad \eta_i \sim N(0, \sigma^2)",
        "Neyshabur et al. 2017 (NeurIPS), with the zero-one error in place of the loss",
    ),
}

ALL_MEASURES = tuple(FlatnessMeasure)
_TRACE: TraceMethod = "hutch++"


@dataclass(frozen=True, kw_only=True)
class FlatnessSettings:
    """What the measures depend on beside the network and its data.

    Attributes:
        radius: rho of plain sharpness; the default is Foret et al.'s for CIFAR-10.
        adaptive_radius: rho of adaptive sharpness; the default is Kwon et al.'s for CIFAR-10.
        steps: ascent steps of the worst-case and the adaptive measure.
        multiplicative: sigma of multiplicative noise.
        additive: sigma of additive noise.
        draws: of noise, at least 2.
        products: Hessian-vector products for the trace, at least 9.
        most_products: after how many the top eigenvalue is given with the residual that it has.
        level: of intervals.
        seed: addresses noise and start vectors. Every network gets the same, so that differences between networks of
            one shape are paired.

    Raises:
        InvalidArgument: for a number that cannot be used.
    """

    radius: float = 0.05
    adaptive_radius: float = 0.5
    steps: int = 20
    multiplicative: float = 0.1
    additive: float = 0.01
    draws: int = 20
    products: int = 48
    most_products: int = 200
    level: float = 0.95
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("radius", "adaptive_radius", "multiplicative", "additive"):
            checked_positive(name, getattr(self, name))
        for name, least in (("steps", 1), ("draws", 2), ("products", 9), ("most_products", 1)):
            if checked_count(name, getattr(self, name)) < least:
                raise invalid(name, f"must be at least {least}, got {getattr(self, name)!r}.")
        checked_level(self.level)
        checked_seed(self.seed)


@dataclass(frozen=True, kw_only=True)
class Flatness:
    """One measure of one network.

    Attributes:
        measure: what was measured: its ``definition``, ``source`` and ``known_flaw``.
        value: the number.
        interval: for averages over draws, at the settings' level; for the top eigenvalue where an eigenvalue certainly
            is; None for sharpness, which is a lower bound.
        settings: that it depends on.
    """

    measure: FlatnessMeasure
    value: float
    interval: tuple[float, float] | None
    settings: FlatnessSettings = field(repr=False)

    def __str__(self) -> str:
        spread = "" if self.interval is None else f" ({self.interval[0]:.4g} to {self.interval[1]:.4g})"
        return f"{self.measure.value}: {self.value:.4g}{spread}. {self.measure.known_flaw}"


def flatness(
    network: eqx.Module | torch.nn.Module,
    inputs: Array | np.ndarray | torch.Tensor,
    targets: Array | np.ndarray | torch.Tensor,
    *,
    loss: str,
    measures: tuple[FlatnessMeasure, ...] = ALL_MEASURES,
    settings: FlatnessSettings | None = None,
) -> dict[FlatnessMeasure, Flatness]:
    """How flat the training loss of a network is around its parameters, by each of the measures.

    The sources are those of the measures (:attr:`FlatnessMeasure.source`), surveyed by Andriushchenko, Croce, Müller,
    Hein, Flammarion 2023.

    Args:
        network: an Equinox module without state, called on one input, or a PyTorch module in evaluation mode.
        inputs: training inputs (n, ...).
        targets: training targets (n, K); for a PyTorch module also classes (n,).
        loss: ``"cross-entropy"`` or ``"squared"``.
        measures: which.
        settings: radii, noise and accuracy; None for the defaults.

    Raises:
        InvalidArgument: for a network or data that :func:`benign.implicit.network_loss` refuses, or a loss that is not
            finite.

    Returns:
        one record a measure; printed, each says its known flaw beside its value.
    """
    chosen, settings = frozenset(measures), settings or FlatnessSettings()
    around = network_loss(network, inputs, targets, loss=loss)
    with measuring(around):
        numbers = {name: float(value) for name, value in eqx.filter_jit(measured)(around, chosen, settings).items()}
    for measure in measures:
        if not math.isfinite(numbers[measure.value]):
            raise not_finite(measure.value.replace("_", " "))
    return {measure: _record(measure, numbers, around.size, settings) for measure in measures}


@dataclass(frozen=True, kw_only=True)
class FlatnessRecorder:
    """Records measures of flatness of the training loss along training, under their names.

    Beside each top eigenvalue stands its residual and beside each average its standard error, as ``NAME_error``. A
    diverged network has NaN. What fills a network up to a wider program is left out.

    Attributes:
        loss: the training objective.
        measures: what to record.
        settings: radii, noise and accuracy.
        samples: of the training set, the first so many; None for all.
    """

    loss: str
    measures: frozenset[FlatnessMeasure] = frozenset({_M.TOP_EIGENVALUE, _M.TRACE, _M.SAM_SHARPNESS})
    settings: FlatnessSettings = FlatnessSettings()
    samples: int | None = None

    def __post_init__(self) -> None:
        if self.samples is not None:
            checked_count("samples", self.samples)

    def __call__(self, network: eqx.Module, data: Data) -> dict[str, Float[Array, "..."]]:
        rows = slice(self.samples)
        around = network_loss(network, data.train_inputs[rows], data.train_targets[rows], loss=self.loss)
        return measured(holding_padding(around), self.measures, self.settings)


def measured(
    loss: FlatLoss, measures: frozenset[FlatnessMeasure], settings: FlatnessSettings
) -> dict[str, Float[Array, ""]]:
    """The measures of a loss, and their errors as ``NAME_error``, to be called inside a compiled program."""
    values: dict[str, Array] = {}
    if _M.TOP_EIGENVALUE in measures:
        found = lanczos(
            partial(hessian_product, loss),
            like=loss.parameters,
            word=start_word(settings.seed),
            k=1,
            which="largest",
            tolerance=1e-6 if loss.parameters.dtype == np.float64 else 1e-4,
            most_products=settings.most_products,
        )
        values |= _with_error(_M.TOP_EIGENVALUE, found.values[0], found.residuals[0])
    if _M.TRACE in measures:
        key = random_key(settings.seed, "trace")
        trace = sampled_trace(
            partial(hessian_products, loss), like=loss.parameters, key=key, method=_TRACE, products=settings.products
        )
        values |= _with_error(_M.TRACE, *trace)
    for measure, radius, steps in (
        (_M.SAM_SHARPNESS, settings.radius, 1),
        (_M.WORST_SHARPNESS, settings.radius, settings.steps),
        (_M.ADAPTIVE_SHARPNESS, settings.adaptive_radius, settings.steps),
    ):
        if measure in measures:
            adaptive = measure is _M.ADAPTIVE_SHARPNESS
            values[measure.value] = worst_rise(loss, radius=radius, steps=steps, adaptive=adaptive)
    for rise, error, deviation in (
        (_M.LOSS_UNDER_MULTIPLICATIVE_NOISE, _M.ERROR_UNDER_MULTIPLICATIVE_NOISE, settings.multiplicative),
        (_M.LOSS_UNDER_ADDITIVE_NOISE, _M.ERROR_UNDER_ADDITIVE_NOISE, settings.additive),
    ):
        if not measures.isdisjoint((rise, error)):
            noise = under_noise(
                loss,
                deviation=deviation,
                multiplicative=rise is _M.LOSS_UNDER_MULTIPLICATIVE_NOISE,
                draws=settings.draws,
                key=random_key(settings.seed, "parameter noise"),
            )
            values |= _with_error(rise, noise.rise, noise.rise_error)
            values |= _with_error(error, _share(1.0 - noise.accuracy), noise.accuracy_error)
    return {name: value for name, value in values.items() if FlatnessMeasure(name.removesuffix("_error")) in measures}


def _share(value: Float[Array, ""]) -> Float[Array, ""]:
    """A share of samples to six digits: rounding must not make it negative, nor break a tie; float32 has one more."""
    return jnp.maximum(0.0, jnp.round(value * 1e6) / 1e6)


def _with_error(measure: FlatnessMeasure, value: Array, error: Array) -> dict[str, Array]:
    return {measure.value: value, f"{measure.value}_error": error}


def _record(measure: FlatnessMeasure, numbers: dict[str, float], size: int, settings: FlatnessSettings) -> Flatness:
    value, error = numbers[measure.value], numbers.get(f"{measure.value}_error")
    interval = None
    if error is not None and measure is _M.TOP_EIGENVALUE:
        interval = value - error, value + error
    elif error is not None:
        terms = spending_of(size, _TRACE, settings.products).terms if measure is _M.TRACE else settings.draws
        interval = student_interval(value, error, terms=terms, level=settings.level)
    return Flatness(measure=measure, value=value, interval=interval, settings=settings)
