"""Training risks as a threshold is read from: the objective relative to the best constant predictor's, or the error."""

from __future__ import annotations

from typing import cast, get_args

import numpy as np
import xarray as xr
from jaxtyping import Float

from benign.curves.fitting_threshold import Criterion
from benign.foundation.arguments import checked_name
from benign.foundation.errors import InvalidArgument, invalid
from benign.foundation.outcomes import Outcome
from benign.foundation.size_words import amount
from benign.schema import LEADING, checked_position

_ORDER = ("size", "time", "samples")
CRITERION_WORDS: dict[str, str] = {
    "objective": "training objective / best constant predictor's",
    "error": "training error (zero-one)",
}


def checked_criterion(criterion: object) -> Criterion:
    """The criterion, if it is one.

    Raises:
        UnknownName: if it is none.
    """
    return cast("Criterion", checked_name("criterion", criterion, get_args(Criterion)))


def training_risks(dataset: xr.Dataset, criterion: Criterion) -> Float[np.ndarray, "size time samples replicate"]:
    """Training risks of every cell, raw weights, labels as trained on; NaN where there is no number.

    The objective is divided by that of the best constant predictor of the same draw; where a draw is fitted by a
    constant (one class, say), by the mean over the other draws of that n.

    Raises:
        InvalidArgument: for the error of a regression, several levels of label noise, or targets that never vary.
    """
    for axis in LEADING:
        if axis in dataset.dims:
            raise invalid("surface", f"holds several values of {axis}; select one, for example with `sel`.")
    for name in ("train_error",) if criterion == "error" else ("train_loss", "train_loss_constant"):
        if name not in dataset or (name == "train_loss_constant" and np.isnan(dataset[name].values).all()):
            raise invalid("surface", f"lacks {name}, from which what is fitted is read; keep it.")
    if criterion == "error":
        errors = np.asarray(dataset["train_error"].transpose(*_ORDER, "replicate").values, dtype=np.float64)
        if not dataset.attrs.get("classes", 0) and np.isnan(errors).all():
            raise InvalidArgument(
                '`criterion="error"` needs classes, and this is a regression; use "objective".', "criterion"
            )
        return errors
    constant = np.asarray(dataset["train_loss_constant"].transpose("samples", "replicate").values, dtype=np.float64)
    varies = (constant > 0.0).any(axis=1)
    if not varies.all():
        n = int(dataset["samples"].values[np.argmin(varies)])
        raise invalid(
            "source",
            f"gave the same target to all {n} training samples in every draw, so there is nothing to fit; "
            "check its targets, or use more samples.",
        )
    return relative_training_loss(dataset)


def relative_training_loss(dataset: xr.Dataset) -> Float[np.ndarray, "size time samples replicate"]:
    """Training loss over that of the best constant predictor of the same draw, labels as trained on.

    Where a draw is fitted by a constant (one class, say), the mean over the other draws of that n stands for it. NaN
    where there is no number.
    """
    loss = np.asarray(dataset["train_loss"].transpose(*_ORDER, "replicate").values, dtype=np.float64)
    constant = np.asarray(dataset["train_loss_constant"].transpose("samples", "replicate").values, dtype=np.float64)
    varies = constant > 0.0
    count = varies.sum(axis=1)
    total = np.where(varies, constant, 0.0).sum(axis=1)
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return loss / np.where(varies, constant, mean[:, None])


def with_axes(section: xr.Dataset, criterion: Criterion) -> xr.Dataset:
    """The training risks of a section, as far as it has them, with the axes that it has lost."""
    name = "train_error" if criterion == "error" else "train_loss"
    wanted = {name: (*_ORDER, "replicate"), "train_loss_constant": ("samples", "replicate")}
    variables = {}
    for variable, axes in wanted.items():
        if variable in section:
            values = section[variable]
            variables[variable] = values.expand_dims([axis for axis in axes if axis not in values.dims])
    return xr.Dataset(variables, attrs=section.attrs)


def require_numbers(dataset: xr.Dataset, risks: Float[np.ndarray, "size time samples replicate"]) -> None:
    """Refuse risks that are no finite numbers, with what became of the training.

    Raises:
        InvalidArgument: naming the n and the size, and why there is no number where that is known.
    """
    if np.isfinite(risks).all():
        return
    at = tuple(np.argwhere(~np.isfinite(risks))[0])
    n = int(dataset["samples"].values[at[2]])
    outcome = Outcome(int(dataset["outcome"].transpose("size", "time", "samples", "replicate").values[at]))
    why = f"{outcome.sentence}." if not outcome.is_trusted else "change the procedure's settings."
    size = amount(float(dataset["size"].values[at[0]]), dataset.attrs["size_name"])
    raise invalid("procedure", f"has no finite training risk at {n} samples and {size}: {why}")


def place_on(axis: str, values: np.ndarray, wanted: float | None) -> int:
    """Where on an axis a value stands; one that is alone may be left out.

    Raises:
        InvalidArgument: for a value that was not measured, or one left out where there are several.
    """
    if wanted is None and len(values) > 1:
        raise invalid(axis, f"has {len(values)} values; say which, for example {axis}={values[-1]:g}.")
    if wanted is None:
        return 0
    found = np.flatnonzero(values == checked_position(axis, wanted))
    if not len(found):
        nearest = values[np.abs(values.astype(np.float64) - wanted).argmin()]
        raise invalid(axis, f"was not measured at {wanted:g}; the nearest is {nearest:g}.")
    return int(found[0])
