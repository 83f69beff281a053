"""Fits of one-dimensional data, model by model: training points, the truth and what was fitted, as in MML, Fig. 9.5."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Real

from benign.foundation.errors import InvalidArgument, invalid
from benign.foundation.number_words import format_number, format_position
from benign.plots.output import svg_html, svg_text

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True, kw_only=True, eq=False)
class FitPanel:
    """One model's fit.

    Attributes:
        label: heads the panel, such as "degree 4".
        fit: the fitted function on the display's grid.
        others: the same model fitted to other training sets, one a row, on the same grid; drawn faintly with their
            median and 10-90 % band. None for none.
        note: a few words beneath the label, such as "test error 0.31".
    """

    label: str
    fit: Real[np.ndarray, " _G"] = field(repr=False)
    others: Real[np.ndarray, "_R _G"] | None = field(repr=False, default=None)
    note: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "fit", np.array(self.fit, dtype=np.float64))
        if self.others is not None:
            object.__setattr__(self, "others", np.atleast_2d(np.array(self.others, dtype=np.float64)))

    @property
    def spread(self) -> Float[np.ndarray, "3 G"] | None:
        """10 % quantile, median and 90 % quantile of the other fits at each grid point."""
        return None if self.others is None else np.nanquantile(self.others, [0.1, 0.5, 0.9], axis=0)


@dataclass(frozen=True, kw_only=True, eq=False)
class FitsDisplay:
    """Panels of fits over one another's data.

    The vertical axis shows the training points and the truth; a fit that explodes leaves the picture.

    Attributes:
        title: what they show together.
        grid: inputs at which the functions are given, rising.
        truth: the true function on the grid, or None where it is unknown.
        train_inputs: inputs of the training points, which all panels share.
        train_targets: their targets.
        panels: from left to right, then down.
        x_label: the input.
        y_label: the target.
        caption: one sentence.
        y_limits: ends of the vertical axis, or None to fit it to points and truth.
    """

    title: str
    grid: Real[np.ndarray, " _G"] = field(repr=False)
    truth: Real[np.ndarray, " _G"] | None = field(repr=False, default=None)
    train_inputs: Real[np.ndarray, " _n"] = field(repr=False)
    train_targets: Real[np.ndarray, " _n"] = field(repr=False)
    panels: tuple[FitPanel, ...]
    x_label: str = "x"
    y_label: str = "y"
    caption: str = ""
    y_limits: tuple[float, float] | None = None
    ax_: Axes | None = field(init=False, repr=False, default=None)
    axes_: tuple[Axes, ...] = field(init=False, repr=False, default=())
    figure_: Figure | None = field(init=False, repr=False, default=None)

    def __post_init__(self) -> None:
        for name in ("grid", "train_inputs", "train_targets"):
            object.__setattr__(self, name, np.array(getattr(self, name), dtype=np.float64))
        if self.truth is not None:
            object.__setattr__(self, "truth", np.array(self.truth, dtype=np.float64))
        object.__setattr__(self, "panels", tuple(self.panels))
        _check(self)

    @cached_property
    def limits(self) -> tuple[float, float]:
        """Ends of the vertical axis: those given, or points and truth with a margin, whatever the fits do."""
        if self.y_limits is not None:
            return self.y_limits
        shown = np.concatenate([self.train_targets, self.grid[:0] if self.truth is None else self.truth])
        shown = shown[np.isfinite(shown)]
        if not len(shown):
            return -1.0, 1.0
        low, high = float(shown.min()), float(shown.max())
        margin = 0.3 * ((high - low) or abs(high) or 1.0)
        return low - margin, high + margin

    @property
    def alternative_text(self) -> str:
        """The pictures in words."""
        texts = [f"{self.title}: {len(self.panels)} charts of {self.y_label} against {self.x_label}."]
        texts.append(f"Each shows {len(self.train_inputs):,} training points and a fitted function.")
        texts += [f"{panel.label}: {_describe(panel, self)}" for panel in self.panels]
        return " ".join([*texts, self.caption]).strip()

    def plot(self, ax: object = None) -> FitsDisplay:
        """Draw on the given list of matplotlib axes, one for each panel, or on a new figure; returns the display.

        The axes and the figure are then in ``axes_`` and ``figure_``; ``ax_`` is the first.
        """
        from benign.plots.fit_drawing import draw_panels
        from benign.plots.layout import as_panel_axes

        if ax is None:
            axes = tuple(self.figure().axes)
        else:
            axes = as_panel_axes(ax, len(self.panels))
            draw_panels(axes, self)
        object.__setattr__(self, "axes_", axes)
        object.__setattr__(self, "ax_", axes[0])
        object.__setattr__(self, "figure_", axes[0].get_figure(root=True))
        return self

    def figure(self, *, narrow: bool = False, alone: bool = True) -> Figure:
        """A new figure, for a phone if ``narrow``, with title and caption if it stands ``alone``."""
        from benign.plots.fit_drawing import draw_fits

        return draw_fits(self, narrow=narrow, alone=alone)

    def frame(self) -> pd.DataFrame:
        """The numbers drawn: panel, curve (points, truth, fit, other 1, ..., low, median, high), x, y."""
        import pandas as pd

        frames = [_rows("", "training points", self.train_inputs, self.train_targets)]
        if self.truth is not None:
            frames.append(_rows("", "truth", self.grid, self.truth))
        for panel in self.panels:
            frames.append(_rows(panel.label, "fit", self.grid, panel.fit))
            if panel.others is not None and panel.spread is not None:
                names = [f"other {row + 1}" for row in range(len(panel.others))] + ["low", "median", "high"]
                for name, values in zip(names, [*panel.others, *panel.spread], strict=True):
                    frames.append(_rows(panel.label, name, self.grid, values))
        return pd.concat(frames, ignore_index=True)

    def svg(self, *, narrow: bool = False, alone: bool = False) -> str:
        """The picture as SVG, the same text for the same numbers."""
        return svg_text(self.figure(narrow=narrow, alone=alone), self.title)

    def _repr_html_(self) -> str:
        return svg_html(self.svg(alone=True), self.alternative_text)


def _check(display: FitsDisplay) -> None:
    count = len(display.grid)
    if not display.panels:
        raise invalid("panels", "must hold at least one fit to draw.")
    if display.grid.ndim != 1 or count < 2 or not (np.diff(display.grid) > 0).all():
        raise invalid("grid", "must be a strictly rising list of at least two inputs.")
    if display.train_inputs.shape != display.train_targets.shape or display.train_inputs.ndim != 1:
        raise InvalidArgument(
            f"`train_inputs` and `train_targets` must be two lists of one length, got shapes "
            f"{display.train_inputs.shape} and {display.train_targets.shape}."
        )
    functions = [("truth", display.truth)] * (display.truth is not None)
    functions += [(f"fit of {panel.label!r}", panel.fit) for panel in display.panels]
    functions += [(f"others of {panel.label!r}", panel.others) for panel in display.panels if panel.others is not None]
    for name, values in functions:
        if values is not None and values.shape[-1] != count:
            raise invalid(name, f"must hold one value for each of the {count} grid points.")
    if display.y_limits is not None and not (
        math.isfinite(sum(display.y_limits)) and display.y_limits[0] < display.y_limits[1]
    ):
        raise invalid("y_limits", f"must be two rising finite numbers, got {display.y_limits}.")


def _rows(panel: str, curve: str, x: Float[np.ndarray, " P"], y: Float[np.ndarray, " P"]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({"panel": panel, "curve": curve, "x": x, "y": y})


def _describe(panel: FitPanel, display: FitsDisplay) -> str:
    """How far the fit goes beyond the picture, and from the truth."""
    low, high = display.limits
    texts = [panel.note + "."] if panel.note else []
    outside = np.isfinite(panel.fit) & ((panel.fit < low) | (panel.fit > high))
    if outside.any():
        worst = int(np.nanargmax(np.where(outside, np.abs(panel.fit), -1)))
        x, y = format_position(float(display.grid[worst])), format_number(float(panel.fit[worst]))
        texts.append(f"The fit leaves the picture and reaches {y} at {display.x_label} = {x}.")
    if display.truth is not None:
        distance = float(np.nanmedian(np.abs(panel.fit - display.truth)))
        texts.append(f"Median distance of the fit from the true function: {format_number(distance)}.")
    return " ".join(texts)
