"""Fits of one-dimensional data, model by model: training points, the truth and what was fitted, as in MML, Fig. 9.5."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from jaxtyping import Float, Real

from benign.foundation.errors import InvalidArgument, invalid
from benign.foundation.number_words import format_number, format_position
from benign.plots.display import Display, Table
from benign.plots.layout import Room, Sheet, prepare
from benign.plots.scales import Scale, given_scale
from benign.plots.series import check_rising, freeze
from benign.plots.style import INK, LOOKS, MUTED, PAPER, SMALL_POINTS, Role
from benign.plots.text import visible

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

_TRUTH, _FIT, _OTHERS = LOOKS[Role.REFERENCE], LOOKS[Role.TEST], replace(LOOKS[Role.TRAIN], width=1.5)
_MOST_FAINT = 10
_HEAD = 30.0  # points above each panel, for its label


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
        if self.others is not None:
            object.__setattr__(self, "others", np.atleast_2d(self.others))
        freeze(self, "fit", "others")

    @property
    def spread(self) -> Float[np.ndarray, "3 G"] | None:
        """10 % quantile, median and 90 % quantile of the other fits at each grid point."""
        return None if self.others is None else np.nanquantile(self.others, [0.1, 0.5, 0.9], axis=0)


@dataclass(frozen=True, kw_only=True, eq=False)
class FitsDisplay(Display):
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

    The frame holds the numbers drawn: panel, curve (training points, truth, fit, other 1, ..., low, median, high), x
    and y.
    """

    grid: Real[np.ndarray, " _G"] = field(repr=False)
    truth: Real[np.ndarray, " _G"] | None = field(repr=False, default=None)
    train_inputs: Real[np.ndarray, " _n"] = field(repr=False)
    train_targets: Real[np.ndarray, " _n"] = field(repr=False)
    panels: tuple[FitPanel, ...]
    x_label: str = "x"
    y_label: str = "y"
    y_limits: tuple[float, float] | None = None

    _heights: ClassVar[tuple[float, float]] = (140.0, 140.0)
    _columns: ClassVar[tuple[int, int]] = (3, 1)
    _gap: ClassVar[float] = _HEAD

    def __post_init__(self) -> None:
        freeze(self, "grid", "truth", "train_inputs", "train_targets", tuples=("panels",))
        if not self.panels:
            raise invalid("panels", "must hold at least one fit to draw.")
        check_rising("grid", self.grid)
        if len(self.grid) < 2:
            raise invalid("grid", "must hold at least two inputs.")
        if self.train_inputs.shape != self.train_targets.shape or self.train_inputs.ndim != 1:
            shapes = f"{self.train_inputs.shape} and {self.train_targets.shape}"
            raise InvalidArgument(
                f"`train_inputs` and `train_targets` must be two lists of one length, got shapes {shapes}."
            )
        functions = [("truth", self.truth), *((f"fit of {panel.label!r}", panel.fit) for panel in self.panels)]
        functions += [(f"others of {panel.label!r}", panel.others) for panel in self.panels]
        for name, values in functions:
            if values is not None and values.shape[-1] != len(self.grid):
                raise invalid(name, f"must hold one value for each of the {len(self.grid)} grid points.")
        if self.y_limits is not None:
            given_scale("y_limits", self.y_limits, is_log=False)

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

    def _sentences(self) -> Sequence[str]:
        texts = [f"{self.title}: {len(self.panels)} charts of {self.y_label} against {self.x_label}."]
        texts.append(f"Each shows {len(self.train_inputs):,} training points and a fitted function.")
        return texts + [f"{panel.label}: {self._described(panel)}" for panel in self.panels]

    def _described(self, panel: FitPanel) -> str:
        """How far the fit goes beyond the picture, and from the truth."""
        low, high = self.limits
        texts = [f"{panel.note}."] if panel.note else []
        outside = np.isfinite(panel.fit) & ((panel.fit < low) | (panel.fit > high))
        if outside.any():
            worst = int(np.nanargmax(np.where(outside, np.abs(panel.fit), -1)))
            x, y = format_position(float(self.grid[worst])), format_number(float(panel.fit[worst]))
            texts.append(f"The fit leaves the picture and reaches {y} at {self.x_label} = {x}.")
        if self.truth is not None:
            distance = float(np.nanmedian(np.abs(panel.fit - self.truth)))
            texts.append(f"Median distance of the fit from the true function: {format_number(distance)}.")
        return " ".join(texts)

    def _tables(self) -> Iterator[Table]:
        yield {"panel": "", "curve": "training points", "x": self.train_inputs, "y": self.train_targets}
        curves = [("", "truth", self.truth)]
        for panel in self.panels:
            curves.append((panel.label, "fit", panel.fit))
            if panel.others is not None and panel.spread is not None:
                names = [f"other {row + 1}" for row in range(len(panel.others))] + ["low", "median", "high"]
                curves += [(panel.label, *one) for one in zip(names, [*panel.others, *panel.spread], strict=True)]
        for label, name, values in curves:
            if values is not None:
                yield {"panel": label, "curve": name, "x": self.grid, "y": values}

    def _draw(self, sheet: Sheet) -> Iterator[Room]:
        x = Scale(is_log=False, low=float(self.grid[0]), high=float(self.grid[-1]))
        y = Scale(is_log=False, low=self.limits[0], high=self.limits[1])
        key: dict[str, Artist] = {}
        for ax, panel in zip(sheet.axes, self.panels, strict=True):
            prepare(ax, x, y, self.x_label, self.y_label, grid="both")
            key |= self._draw_panel(ax, panel)
        yield Room(above=_HEAD, key=[(artist, name) for name, artist in key.items()])

    def _draw_panel(self, ax: Axes, panel: FitPanel) -> dict[str, Artist]:
        """Draw one model's fits; returns what stands in the key."""
        ax.set_title(visible(panel.label), loc="left", pad=5)
        ax.set_title(visible(panel.note), loc="right", fontsize=SMALL_POINTS, fontweight="normal", color=MUTED, pad=5)
        dots: dict[str, Any] = {"color": INK, "ms": 4, "mec": PAPER, "mew": 0.6, "zorder": 5}
        lines = {
            "training points": ax.plot(self.train_inputs, self.train_targets, "o", label="training points", **dots)
        }
        lines["fit"] = ax.plot(self.grid, panel.fit, label="fit", **_FIT.line)
        if self.truth is not None:
            lines["true function"] = ax.plot(self.grid, self.truth, label="truth", **_TRUTH.line)
        if panel.others is not None and panel.spread is not None:
            low, median, high = panel.spread
            colour, most = _OTHERS.colour, max(len(one.others) for one in self.panels if one.others is not None)
            ax.fill_between(self.grid, low, high, color=colour, alpha=0.12, linewidth=0, zorder=1.5, label="_band")
            faint: dict[str, Any] = {"color": colour, "linewidth": 0.5, "alpha": 0.28, "zorder": 2}
            ax.plot(self.grid, panel.others[:_MOST_FAINT].T, label="_other", **faint)
            name = f"median of {most} other fits"
            lines[name] = ax.plot(self.grid, median, label="median of other fits", **_OTHERS.line)
        return {name: line for name, (line,) in lines.items()}
