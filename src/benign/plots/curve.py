"""The picture of a curve: risk over size, time or samples, with its spread, landmarks and threshold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Real

from benign.foundation.errors import invalid
from benign.plots.decimation import kept_rows
from benign.plots.describe import describe_curve
from benign.plots.output import svg_html, svg_text
from benign.plots.scales import Scale, position_scale, value_scale
from benign.plots.series import Band, Mark, Series, Threshold, series_from_replicates
from benign.plots.style import Role

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_HEADROOM, _REGIME_HEADROOM = 0.05, 0.13


@dataclass(frozen=True, kw_only=True, eq=False)
class CurveDisplay:
    """Median lines with 10-90 % bands, landmarks named in place and the interpolation threshold.

    Attributes:
        title: what the picture is about; drawn where it stands alone.
        series: the lines, the later above the earlier of the same role.
        marks: landmarks, each written beside its point.
        threshold: the interpolation threshold, or None.
        x_label: for example "number of features (size)".
        y_label: for example "loss".
        x_log: logarithmic horizontal axis; linear where a position is not positive.
        y_log: logarithmic vertical axis; linear where a value is negative. Zeros leave the picture at its lower edge.
        caption: one sentence on line and band, such as "Line: median of 10 replicates; band: 10 % to 90 %."
        y_limits: ends of the vertical axis, or None to fit it.
        regimes: ranges of positions that are named at the top.
        position_name: what is counted along the horizontal axis, for the sentence on decimation.

    >>> CurveDisplay.from_values(
    ...     title="Risk", positions=np.arange(1.0, 4.0), values={"test": (Role.TEST, np.ones((5, 3)))}
    ... ).frame()["median"].tolist()
    [1.0, 1.0, 1.0]
    """

    title: str
    series: tuple[Series, ...]
    marks: tuple[Mark, ...] = ()
    threshold: Threshold | None = None
    x_label: str = "size"
    y_label: str = "loss"
    x_log: bool = True
    y_log: bool = True
    caption: str = ""
    y_limits: tuple[float, float] | None = None
    regimes: tuple[Band, ...] = ()
    position_name: str = "sizes"
    ax_: Axes | None = field(init=False, repr=False, default=None)
    figure_: Figure | None = field(init=False, repr=False, default=None)

    def __post_init__(self) -> None:
        if not self.series:
            raise invalid("series", "must hold at least one series to draw.")
        for name in ("series", "marks", "regimes"):
            object.__setattr__(self, name, tuple(getattr(self, name)))

    @classmethod
    def from_values(
        cls,
        *,
        title: str,
        positions: Real[np.ndarray, " K"],
        values: Mapping[str, tuple[Role, Real[np.ndarray, "_R K"]]],
        marks: tuple[Mark, ...] = (),
        threshold: Threshold | None = None,
        x_label: str = "size",
        y_label: str = "loss",
        x_log: bool = True,
        y_log: bool = True,
        caption: str | None = None,
        y_limits: tuple[float, float] | None = None,
        regimes: tuple[Band, ...] = (),
    ) -> CurveDisplay:
        """The picture of measured values: name -> (role, replicates x positions), all at the same positions.

        ``caption`` is by default the sentence that says what line and band are.
        """
        series = tuple(series_from_replicates(name, positions, table, role) for name, (role, table) in values.items())
        counts = sorted({len(table) for _, table in values.values()})
        default = spread_sentence(counts[0] if len(counts) == 1 else None)
        return cls(
            title=title, series=series, marks=marks, threshold=threshold, x_label=x_label, y_label=y_label,
            x_log=x_log, y_log=y_log, caption=default if caption is None else caption, y_limits=y_limits,
            regimes=regimes,
        )  # fmt: skip

    @cached_property
    def drawn(self) -> tuple[Series, ...]:
        """The rows that are drawn: all of a short series, the extremes of a long one."""
        always = np.array([mark.position for mark in self.marks], dtype=np.float64)
        position = None if self.threshold is None else self.threshold.position
        return tuple(
            one.rows(kept_rows(one.positions, one.quantiles, always=always, threshold=position)) for one in self.series
        )

    @cached_property
    def scales(self) -> tuple[Scale, Scale]:
        """The horizontal and the vertical axis."""
        x = position_scale(self.series, log=self.x_log)
        values = [mark.value for mark in self.marks if np.isfinite(mark.value)]
        y = value_scale(self.series, log=self.y_log, limits=self.y_limits, marks=values)
        return x, y.with_headroom(_REGIME_HEADROOM if self.regimes else _HEADROOM) if self.y_limits is None else y

    def on_axis(self, x: Scale) -> CurveDisplay:
        """The same picture on a given horizontal axis, such as the one that a stack shares."""
        copy = replace(self)
        copy.__dict__["scales"] = (x, self.scales[1])  # where cached_property keeps it
        return copy

    @property
    def full_caption(self) -> str:
        """The caption, with a sentence on everything that the picture does not show as it was asked."""
        notes = [scale.note for scale in self.scales if scale.note]
        drawn, whole = max((len(a.positions), len(b.positions)) for a, b in zip(self.drawn, self.series, strict=True))
        if drawn < whole:
            lines = " of each line" if len(self.series) > 1 else ""
            notes.insert(0, f"Drawn: {drawn:,} of {whole:,} {self.position_name}{lines}, extremes kept.")
        x = self.scales[0]
        if self.threshold is not None and not x.low <= self.threshold.position <= x.high:
            notes.append(f"Outside the picture: {self.threshold.text}.")
        return " ".join(filter(None, [self.caption, *notes]))

    @property
    def alternative_text(self) -> str:
        """The picture in words, from its numbers."""
        return describe_curve(self)

    def plot(self, ax: object = None) -> CurveDisplay:
        """Draw on matplotlib axes, or on a new figure that pyplot does not know; returns the display.

        The axes and figure are then in ``ax_`` and ``figure_``.
        """
        from benign.plots.layout import as_axes, draw_on

        if ax is None:
            figure = self.figure()
            axes = figure.axes[0]
        else:
            axes = as_axes(ax)
            draw_on(axes, self)
        object.__setattr__(self, "ax_", axes)
        object.__setattr__(self, "figure_", axes.get_figure(root=True))
        return self

    def figure(self, *, narrow: bool = False, alone: bool = True) -> Figure:
        """A new figure, for a phone if ``narrow``, with title and caption if it stands ``alone``."""
        from benign.plots.layout import NARROW, WIDE, Words, draw_sheet

        words = Words(title=self.title, caption=self.full_caption) if alone else Words()
        return draw_sheet([self], words, NARROW if narrow else WIDE)[0]

    def frame(self) -> pd.DataFrame:
        """All numbers, decimated or not: series, role, condition (if any has one), position, median, low, high."""
        import pandas as pd

        frames = [_series_frame(one) for one in self.series]
        if any(one.condition is not None for one in self.series):
            for frame, one in zip(frames, self.series, strict=True):
                frame.insert(2, "condition", pd.Series([one.condition] * len(frame), dtype="Int64"))
        return pd.concat(frames, ignore_index=True)

    def svg(self, *, narrow: bool = False, alone: bool = False) -> str:
        """The picture as SVG, the same text for the same numbers."""
        return svg_text(self.figure(narrow=narrow, alone=alone), self.title)

    def _repr_html_(self) -> str:
        return svg_html(self.svg(alone=True), self.alternative_text)


def _series_frame(series: Series) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        {
            "series": series.name,
            "role": series.role.value,
            "position": series.positions,
            "median": series.median,
            "low": series.low,
            "high": series.high,
        }
    )


def spread_sentence(replicates: int | None) -> str:
    """What line and band are; None where the series have different numbers of replicates."""
    if replicates == 1:
        return "One replicate: no spread is known."
    of = "the replicates" if replicates is None else f"{replicates:,} replicates"
    return f"Line: median of {of}; band: 10 % to 90 % of replicates."
