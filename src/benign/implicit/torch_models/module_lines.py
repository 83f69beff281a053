"""Loss and error of PyTorch modules on the straight lines between pairs of them (Entezari et al. 2022, equation 1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from jaxtyping import Float

from benign.foundation.errors import invalid
from benign.foundation.split import Split, in_shape
from benign.implicit.torch_models.module_loss import losses_of
from benign.implicit.torch_models.snapshot import (
    ROWS,
    Snapshot,
    check_evaluated,
    full_precision,
    samples_of,
    snapshot,
)

Pair = tuple[torch.nn.Module, torch.nn.Module]
Numbers = dict[str, torch.Tensor]


def module_risks(
    pairs: Sequence[Pair], split: Split, loss: str, alphas: Float[np.ndarray, " alpha"]
) -> dict[str, Float[np.ndarray, "pair alpha"]]:
    """Losses and errors on the training set (labels trained on) and the test set (clean labels), by metric.

    Parameters and buffers of real numbers, such as the statistics of batch normalisation, lie on the line; counters
    are the first module's.

    Raises:
        InvalidArgument: for modules of different shapes, or that cannot be evaluated on the split.
    """
    rows = [_along(pair, split, loss, alphas) for pair in pairs]
    return {metric: np.array([row[metric] for row in rows]) for metric in rows[0]}


def _along(pair: Pair, split: Split, loss: str, alphas: Float[np.ndarray, " alpha"]) -> dict[str, list[float]]:
    first, second = (snapshot(module, argument="pairs") for module in pair)
    ends = [dict(_numbers(one)) for one in (first, second)]
    shapes = [{name: (one.shape, one.dtype) for name, one in end.items()} for end in ends]
    if shapes[0] != shapes[1]:
        raise invalid("pairs", "must hold modules of the same parameters and buffers; measure each width by itself.")
    data = {
        "train": _data(first, split, split.train_inputs, split.train_targets),
        "test": _data(first, split, split.test_inputs, split.test_targets),
    }
    for one in (first, second):
        check_evaluated(one, data["train"][0][:ROWS])
    risks: dict[str, list[float]] = {f"{part}_{kind}": [] for part in data for kind in ("error", "loss")}
    for alpha in alphas.tolist():
        here = {name: alpha * one + (1.0 - alpha) * ends[1][name].to(one.device) for name, one in ends[0].items()}
        for part, (inputs, targets) in data.items():
            mean, wrong = _risks(first, here, inputs, targets, loss)
            risks[f"{part}_loss"].append(mean)
            risks[f"{part}_error"].append(wrong if split.classes is not None else np.nan)
    return risks


def _risks(
    network: Snapshot, numbers: Numbers, inputs: torch.Tensor, targets: torch.Tensor, loss: str
) -> tuple[float, float]:
    """Mean loss and share of wrong samples."""
    total, wrong = 0.0, 0
    with torch.no_grad(), full_precision():
        for chunk, wanted in zip(torch.split(inputs, ROWS), torch.split(targets, ROWS), strict=True):
            outputs = network.outputs(numbers, chunk)
            rows = wanted.to(outputs)
            total += float(losses_of(loss, outputs, rows).double().sum())
            wrong += int((outputs.argmax(1) != rows.argmax(1)).sum())
    return total / len(inputs), wrong / len(inputs)


def _numbers(network: Snapshot) -> Iterable[tuple[str, torch.Tensor]]:
    for name, one in [*network.module.named_parameters(), *network.module.named_buffers()]:
        if one.is_floating_point():
            yield name, one.detach()


def _data(
    network: Snapshot, split: Split, inputs: Float[np.ndarray, "n d"], targets: Float[np.ndarray, "n K"]
) -> tuple[torch.Tensor, torch.Tensor]:
    return samples_of(in_shape(inputs, split), network.dtype), samples_of(targets, network.dtype)
