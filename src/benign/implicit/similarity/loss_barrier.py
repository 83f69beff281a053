r"""Is there a hill between two solutions? Loss and error along the straight line between them.

Sources: Frankle, Dziugaite, Roy, Carbin 2020 (linear mode connectivity); Entezari, Sedghi, Saukh, Neyshabur 2022
(equation 1, the barrier; permutations of hidden units may remove it).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from benign.foundation.arguments import checked_name
from benign.foundation.errors import invalid
from benign.foundation.split import Split
from benign.implicit.dense_network import as_dense
from benign.implicit.precision import own_precision
from benign.implicit.similarity.network_pairs import shape_of
from benign.implicit.similarity.weight_matching import match_weights
from benign.implicit.torch_models.recognition import is_torch_module
from benign.networks.dense import Dense
from benign.networks.devices import DeviceName, find_device
from benign.networks.recording import Data, Recorder, RiskRecorder
from benign.networks.training import LOSSES
from benign.plots import CurveDisplay, Role

if TYPE_CHECKING:
    import torch

Pair = tuple[Dense, Dense]

DEFAULT_ALPHAS = tuple(np.linspace(0.0, 1.0, 11).tolist())
_METRICS = frozenset({"train_loss", "train_error", "test_loss", "test_error"})
_ROLES = (Role.TEST, Role.REMEDY, Role.TRAIN, Role.NORM, Role.REFERENCE)


@dataclass(frozen=True, kw_only=True, eq=False)
class LineRisks:
    r"""Risks along the straight lines between pairs of solutions.

    Attributes:
        alphas: where on the line, from 0 (the second network) to 1 (the first).
        risks: by metric: ``train_loss``, ``train_error``, ``test_loss``, ``test_error``.
    """

    alphas: Float[np.ndarray, " alpha"]
    risks: dict[str, Float[np.ndarray, "pair alpha"]] = field(repr=False)

    def excess(self, metric: str) -> Float[np.ndarray, "pair alpha"]:
        """How far a risk stands above the straight line between its values at the two ends."""
        values = self._of(metric)
        return values - (self.alphas * values[:, -1:] + (1.0 - self.alphas) * values[:, :1])

    @property
    def barrier(self) -> dict[str, Float[np.ndarray, " pair"]]:
        r"""For each metric the largest excess, :math:`\sup_\alpha L(\theta_\alpha) - \alpha L(\theta_1) -
        (1 - \alpha) L(\theta_0)`: zero or more. On a grid of alphas, so from below.
        """
        return {metric: np.max(self.excess(metric), axis=1) for metric in self.risks}

    def display(self, metric: str = "test_loss") -> CurveDisplay:
        """The picture of one risk along the lines."""
        return line_display({metric.replace("_", " "): self}, metric)

    def plot(self, ax: object = None, *, metric: str = "test_loss") -> CurveDisplay:
        """Draw one risk along the lines; returns the display."""
        return self.display(metric).plot(ax)

    def _of(self, metric: str) -> Float[np.ndarray, "pair alpha"]:
        checked_name("metric", metric, self.risks)
        return self.risks[metric]


def risks_along_lines(
    pairs: Sequence[tuple[Dense | torch.nn.Module, Dense | torch.nn.Module]],
    split: Split,
    *,
    loss: str,
    alphas: Sequence[float] = DEFAULT_ALPHAS,
    device: DeviceName = None,
) -> LineRisks:
    r"""Loss and error of the networks :math:`\theta_\alpha = \alpha \theta_1 + (1 - \alpha) \theta_0` of many pairs.

    Source: Entezari, Sedghi, Saukh, Neyshabur 2022, equation 1. One compiled program for all pairs and alphas; the
    pairs' networks have one shape. PyTorch modules are measured one after another where they are; their buffers of real
    numbers, such as the statistics of batch normalisation, lie on the line too, which is not re-estimating them.

    Args:
        pairs: :math:`(\theta_1, \theta_0)` each, such as from :func:`matched_pairs`; not diverged. PyTorch modules, in
            evaluation mode, among themselves.
        split: on whose training set (labels trained on) and test set (clean labels) they are measured; the errors are
            NaN for regression.
        loss: ``"cross-entropy"`` or ``"squared"``, as in training.
        alphas: strictly increasing from 0 to 1; more of them find a sharper hill.
        device: ``"cpu"``, ``"gpu"`` or None for JAX's own choice; None for PyTorch modules.

    Returns:
        Each risk, (pair x alpha), in float64.

    Raises:
        InvalidArgument: for pairs of different shapes, or alphas, a loss or a device that cannot be used.
    """
    checked_name("loss", loss, LOSSES)
    moments = _checked_alphas(alphas)
    if any(is_torch_module(network) for pair in pairs for network in pair):
        return LineRisks(alphas=moments, risks=_of_modules(pairs, split, loss, moments, device))
    pairs = cast("Sequence[Pair]", pairs)
    _check(pairs)
    recorder = RiskRecorder(loss=loss, metrics=_METRICS, has_classes=split.classes is not None)
    structure = pairs[0][0]
    with own_precision(structure), jax.default_device(find_device(device)):
        ends = [jax.tree.map(lambda *leaves: np.stack(leaves), *[pair[end] for pair in pairs]) for end in (0, 1)]
        dtype = structure.layers[0].weight.dtype
        data = Data(*(jnp.asarray(getattr(split, name), dtype=dtype) for name in Data._fields))
        values = _record_along(ends[0], ends[1], jnp.asarray(moments, dtype=dtype), data, recorder)
        risks = {metric: np.asarray(values[metric], dtype=np.float64) for metric in sorted(_METRICS)}
    return LineRisks(alphas=moments, risks=risks)


def _of_modules(
    pairs: Sequence[Any], split: Split, loss: str, alphas: Float[np.ndarray, " alpha"], device: DeviceName
) -> dict[str, Float[np.ndarray, "pair alpha"]]:
    from benign.implicit.torch_models.module_lines import module_risks

    if not all(is_torch_module(network) for pair in pairs for network in pair):
        raise invalid(
            "pairs", "must hold PyTorch modules alone or none; `as_dense` makes a dense network of a plain MLP."
        )
    if device is not None:
        raise invalid(
            "device", "must be None for PyTorch modules, which are measured where they are; move them by .to."
        )
    return module_risks(pairs, split, loss, alphas)


@eqx.filter_jit
def _record_along(
    first: Dense, second: Dense, alphas: Float[Array, " alpha"], data: Data, recorder: Recorder
) -> dict[str, Float[Array, "pair alpha"]]:
    """One network after another: its matrix products fill the device."""

    def at(alpha: Float[Array, ""], pair: Pair) -> dict[str, Float[Array, ""]]:
        return recorder(jax.tree.map(lambda one, other: alpha * one + (1.0 - alpha) * other, *pair), data)

    return jax.lax.map(lambda pair: jax.lax.map(partial(at, pair=pair), alphas), (first, second))


def matched_pairs(
    pairs: Sequence[tuple[Dense | torch.nn.Module, Dense | torch.nn.Module]], *, restarts: int = 5, seed: int = 0
) -> list[Pair]:
    """The pairs, the second network of each aligned with the first by :func:`benign.implicit.match_weights`.

    Source: Ainsworth, Hayase, Srinivasa 2023, section 3.2.

    Args:
        pairs: networks of one shape and activation within each pair; plain PyTorch MLPs become dense networks.
        restarts: number of starts, 1 or more.
        seed: of the random starts.

    Raises:
        InvalidArgument: for networks of different shapes, or a ``restarts`` or ``seed`` that cannot be used.
    """
    first = [as_dense(one, argument="pairs") for one, _ in pairs]
    matched = [match_weights(one, other, restarts=restarts, seed=seed).network for one, other in pairs]
    return list(zip(first, matched, strict=True))


def line_display(lines: Mapping[str, LineRisks], metric: str = "test_loss") -> CurveDisplay:
    """One risk along the lines of several sets of pairs, such as without and with matching.

    Args:
        lines: by the name that stands at the line; all at the same alphas.
        metric: which risk.

    Raises:
        InvalidArgument: for no or more than five sets, or different alphas.
    """
    sets = list(lines.values())
    if not 1 <= len(sets) <= len(_ROLES) or any(not np.array_equal(one.alphas, sets[0].alphas) for one in sets):
        raise invalid("lines", f"must hold one to {len(_ROLES)} sets of lines, measured at the same alphas.")
    counts = sorted({len(one._of(metric)) for one in sets})
    of = f"{counts[0]:,} pairs" if len(counts) == 1 else "the pairs"
    kind = metric.replace("_", " ")
    return CurveDisplay.from_values(
        title=f"{kind.capitalize()} on the straight line between two solutions",
        positions=sets[0].alphas,
        values={name: (role, one._of(metric)) for (name, one), role in zip(lines.items(), _ROLES, strict=False)},
        x_label="place on the line (0: second network, 1: first)",
        y_label=kind,
        x_log=False,
        y_log=False,
        caption=f"Line: median of {of}; band: 10 % to 90 % of pairs, which share networks.",
    )


def _checked_alphas(alphas: Sequence[float]) -> Float[np.ndarray, " alpha"]:
    moments = np.asarray(alphas, dtype=np.float64)
    is_grid = moments.ndim == 1 and len(moments) > 2 and moments[0] == 0.0 and moments[-1] == 1.0
    if not (is_grid and (np.diff(moments) > 0.0).all()):
        raise invalid(
            "alphas",
            f"must increase strictly from 0 to 1 with numbers between, got {alphas!r}; use numpy.linspace(0, 1, 11).",
        )
    return moments


def _check(pairs: Sequence[Pair]) -> None:
    if not pairs:
        raise invalid("pairs", "must hold at least one pair of networks.")
    if len({shape_of(network) for pair in pairs for network in pair}) > 1:
        raise invalid("pairs", "must hold networks of one activation and shape; measure each width by itself.")
