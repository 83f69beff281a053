"""Whether a measured grid reaches from models that cannot fit their training set to such that can."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import xarray as xr
from jaxtyping import Float, Real

from benign.curves.fitting_threshold import ThresholdOutcome
from benign.foundation.conventions import TOLERANCE
from benign.foundation.number_words import format_position
from benign.foundation.size_words import amount
from benign.schema import LABEL_NOISE, LEADING, SIZE_IS_INVERSE, SIZE_SEARCH
from benign.surface.training_risks import relative_training_loss


@dataclass(frozen=True, kw_only=True)
class Straddle:
    """What was measured of one n.

    Attributes:
        samples: n.
        label_noise: its level, where several were measured.
        outcome: where the threshold is: between what was measured, or on which side of it.
        risk: mean training objective over the best constant predictor's at the cell that is nearest to the threshold:
            the smallest one where nothing fits, else the largest one.
        size: of this cell.
    """

    samples: int
    label_noise: float | None
    outcome: ThresholdOutcome
    risk: float
    size: float


def straddles(dataset: xr.Dataset, *, tolerance: float = TOLERANCE) -> tuple[Straddle, ...]:
    """For each n (and level of label noise), whether the mean training risk crosses the tolerance within the sizes and
    times that were measured.

    Draws without a number are left out, and so is an n of which none has one.

    Args:
        dataset: of the surface.
        tolerance: what counts as fitted, relative to the best constant predictor's training objective.
    """
    for axis in LEADING:
        if axis in dataset.dims:
            parts = (dataset.isel({axis: place}) for place in range(dataset.sizes[axis]))
            return tuple(one for part in parts for one in straddles(part, tolerance=tolerance))
    risks = xr.DataArray(relative_training_loss(dataset), dims=("size", "time", "samples", "replicate"))
    mean = risks.where(np.isfinite(risks)).mean("replicate").values
    level = float(dataset[LABEL_NOISE].item()) if LABEL_NOISE in dataset.coords else None
    sizes, samples = dataset["size"].values, dataset["samples"].values
    return tuple(
        _straddle(mean[:, :, i], sizes, int(n), level, tolerance)
        for i, n in enumerate(samples)
        if np.isfinite(mean[:, :, i]).any()
    )


def straddling_notes(dataset: xr.Dataset) -> tuple[str, ...]:
    """A sentence for the user about each n that is not straddled; those that differ in n alone share one.

    Nothing where there is no curve along size or time, along which a threshold could lie, and nothing of a surface of
    one size whose threshold lies between its numbers of samples.
    """
    is_known = {"train_loss", "train_loss_constant"} <= dataset.data_vars.keys()
    if not is_known or dataset.sizes["size"] * dataset.sizes["time"] < 2:
        return ()
    found = straddles(dataset)
    if dataset.sizes["size"] == 1 and len({one.outcome for one in found}) > 1:
        return ()
    missed = [one for one in found if one.outcome is not ThresholdOutcome.FOUND]
    missed.sort(key=_kind)
    return tuple(_sentence(list(alike), dataset) for _, alike in groupby(missed, key=_kind))


def _straddle(
    mean: Float[np.ndarray, "size time"],
    sizes: Real[np.ndarray, " size"],
    n: int,
    level: float | None,
    tolerance: float,
) -> Straddle:
    lowest, highest = np.nanmin(mean), np.nanmax(mean)
    outcome, risk = ThresholdOutcome.FOUND, highest
    if lowest > tolerance:
        outcome, risk = ThresholdOutcome.NONE_FITTED, lowest
    elif highest <= tolerance:
        outcome = ThresholdOutcome.ALL_FITTED
    row = int(np.argwhere(mean == risk)[0][0])
    return Straddle(samples=n, label_noise=level, outcome=outcome, risk=float(risk), size=float(sizes[row]))


def _kind(one: Straddle) -> tuple[str, float]:
    return one.outcome.name, -1.0 if one.label_noise is None else one.label_noise


def _sentence(alike: Sequence[Straddle], dataset: xr.Dataset) -> str:
    """One kind of miss at one level; the number is that of the n that comes nearest."""
    is_beyond = alike[0].outcome is ThresholdOutcome.NONE_FITTED
    nearest = (min if is_beyond else max)(alike, key=lambda one: one.risk)
    is_inverse = bool(dataset.attrs.get(SIZE_IS_INVERSE, 0))
    end = float(dataset["size"].values[-1 if is_beyond != is_inverse else 0])
    where = amount(nearest.size, dataset.attrs.get("size_name", "size"))
    which = "smallest" if is_beyond else "largest"
    of = f" of n = {nearest.samples:,}" if len(alike) > 1 else ""
    number = f"{which} training objective{of} {nearest.risk:.2g} of the constant predictor's at {where}"
    noise = "" if alike[0].label_noise is None else f" at label noise {alike[0].label_noise:g}"
    when = f"{'at any' if is_beyond else 'at every'} recorded time " if dataset.sizes["time"] > 1 else ""
    counts = _listed([one.samples for one in alike])
    fits = f"{'No' if is_beyond else 'Every'} measured size fits {counts}{noise} {when}"
    return f"{fits.rstrip()} ({number}): the peak lies {_advice(end, dataset, is_beyond=is_beyond)}"


def _advice(end: float, dataset: xr.Dataset, *, is_beyond: bool) -> str:
    last = format_position(end)
    or_auto = "" if dataset["size"].dtype.kind == "f" else ', or sizes="auto"'  # it counts
    longer = " or later times" if dataset.sizes["time"] > 1 else ""
    if is_beyond and SIZE_SEARCH in dataset.attrs:
        return f'beyond; sizes="auto" looked no further than {last}: train longer, or give larger sizes.'
    if dataset.attrs.get(SIZE_IS_INVERSE, 0) and is_beyond and end == 1:
        return f"beyond, if there is one; no value is below 1: measure fewer samples{longer}."
    if dataset.attrs.get(SIZE_IS_INVERSE, 0):
        return f"beyond; measure sizes below {last}{longer}." if is_beyond else f"before; measure sizes above {last}."
    if is_beyond:
        return f"beyond; measure sizes above {last}{longer}{or_auto}."
    if SIZE_SEARCH in dataset.attrs or end == 1:
        return "before, if there is one; measure more samples."
    return f"before; measure sizes below {last}{or_auto}."


def _listed(counts: Sequence[int]) -> str:
    """``n = 10``, ``n = 10 and 20``, ``n = 10 to 90``: the ends of many."""
    if len(counts) > 3:
        return f"n = {counts[0]:,} to {counts[-1]:,} ({len(counts)} of them)"
    words = [f"{n:,}" for n in counts]
    return f"n = {' and '.join(', '.join(words).rsplit(', ', 1))}"
