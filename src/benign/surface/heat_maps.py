"""The picture of a metric over size and time, with where the training set is fitted and the critical regime."""

from __future__ import annotations

import numpy as np
import xarray as xr

from benign.curves.threshold_search import LEAST_DRAWS, Regime
from benign.foundation.conventions import TOLERANCE
from benign.foundation.errors import invalid
from benign.plots import Contour, HeatMapDisplay, Region
from benign.surface.displays import axis_label, metric_label, size_label
from benign.surface.regimes import regimes_of_surface
from benign.surface.sections import median_of, over_size_and_time, sizes_of, times_of
from benign.surface.training_risks import relative_training_loss


def heat_map(surface: xr.Dataset, metric: str) -> HeatMapDisplay:
    """Median of a metric over replicates as colour, over the sizes and times of a surface with one n.

    The line is where the training set is just fitted: where the mean training loss is 0.02 of the best constant
    predictor's. The critical regime about it is hatched where four replicates or more decide it.

    Args:
        surface: sizes x times, one n and one level of label noise.
        metric: one of its variables.

    Raises:
        InvalidArgument: for one size or one time, or an end of training that was not recorded by its number.
    """
    for axis, name in (("size", "sizes"), ("time", "times")):
        if surface.sizes[axis] < 2 or not np.isfinite(surface[axis].values).all():
            raise invalid(
                "surface", f"must hold several {name}, each by its number, for a heat map; measure with `{name}=[...]`."
            )
    replicates, (line, words), (region, rule) = surface.sizes["replicate"], _fitted(surface), _critical(surface)
    title = f"{metric.replace('_', ' ')} over {surface.attrs['size_name']} and time"
    return HeatMapDisplay(
        title=title[:1].upper() + title[1:],
        sizes=sizes_of(surface),
        times=times_of(surface),
        values=np.apply_along_axis(median_of, 0, over_size_and_time(surface, metric)),
        value_label=metric_label(metric, str(surface.attrs.get("objective", "squared"))),
        value_log="loss" in metric,
        contours=line,
        region=region,
        x_label=size_label(surface),
        y_label=axis_label(surface, "time"),
        caption=f"Colour: median of {replicates} replicate{'' if replicates == 1 else 's'}.{words}{rule}",
    )


def _can_tell_fitted(surface: xr.Dataset) -> bool:
    """Whether it holds the training loss and, in some draw, the loss of a constant that does not fit it."""
    if not {"train_loss", "train_loss_constant"} <= surface.data_vars.keys():
        return False
    return bool((surface["train_loss_constant"].values > 0.0).any())


def _fitted(surface: xr.Dataset) -> tuple[tuple[Contour, ...], str]:
    """Where the training set is just fitted, and what the line means; nothing where the surface cannot say."""
    if not _can_tell_fitted(surface):
        return (), ""
    share = relative_training_loss(surface)[:, :, 0].mean(axis=-1)
    words = f" Line: mean training loss {TOLERANCE:g} of the best constant predictor's."
    return (Contour(label="just fitted", values=share, level=TOLERANCE),), words


def _critical(surface: xr.Dataset) -> tuple[Region | None, str]:
    """The critical regime, and its rule; nothing where too few draws decide any of it."""
    if surface.sizes["replicate"] < LEAST_DRAWS or not _can_tell_fitted(surface):
        return None, ""
    regimes = regimes_of_surface(surface, basis="size / threshold size")
    region = Region(
        label="critical regime",
        values=regimes.ratio[:, :, 0],
        low=1.0 / regimes.band,
        high=regimes.band,
        is_decided=regimes.label[:, :, 0] != Regime.UNDECIDED,
    )
    return region, f" Hatched band: critical regime, {regimes.rule}."
