"""The picture of a curve: risk over size, time or samples, with its spread, landmarks and threshold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Real

from benign.foundation.errors import invalid
from benign.foundation.number_words import format_position
from benign.plots.decimation import kept_rows
from benign.plots.display import Display
from benign.plots.labels import Box, best_place, felt_points, in_points, points_box, settings, text_size, write_beside
from benign.plots.layout import (
    THRESHOLD_ROW,
    Key,
    Sheet,
    Words,
    draw_grid,
    key_rows,
    name_axes,
    new_figure,
    place,
    write_threshold,
    write_title,
)
from benign.plots.scales import Scale, apply_scales, position_scale, value_scale
from benign.plots.series import Band, Mark, Series, Threshold, series_from_replicates
from benign.plots.series_drawing import (
    draw_band,
    draw_series,
    draw_threshold,
    keys,
    names_width,
    write_band,
    write_names,
)
from benign.plots.style import INK, SMALL_POINTS, TEXT_POINTS, Role
from benign.plots.text import visible

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_NAMES_SHARE = 0.27  # of the width, at most, for names at the lines' ends; beyond it a key stands above
_HEADROOM, _REGIME_HEADROOM = 0.05, 0.13


@dataclass(frozen=True, kw_only=True, eq=False)
class CurveDisplay(Display):
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

    series: tuple[Series, ...]
    marks: tuple[Mark, ...] = ()
    threshold: Threshold | None = None
    x_label: str = "size"
    y_label: str = "loss"
    x_log: bool = True
    y_log: bool = True
    y_limits: tuple[float, float] | None = None
    regimes: tuple[Band, ...] = ()
    position_name: str = "sizes"

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
        """The picture in words: title, axes, each line's start, extremes and end, threshold and landmarks."""
        x, y = self.scales
        sentences = [
            f"Line chart: {self.title or self.y_label}.",
            f"Horizontal axis{x.kind}: {self.x_label}, {format_position(x.low)} to {format_position(x.high)}.",
            f"Vertical axis{y.kind}: {self.y_label}.",
            *(one.text for one in self.series),
        ]
        if self.threshold is not None:
            sentences.append(f"Marked: {self.threshold.text}.")
        sentences += [f"Shaded: {band.text}." for band in self.regimes if band.is_critical and band.is_decided]
        sentences += [f"Hatched: {band.text}." for band in self.regimes if not band.is_decided]
        sentences += [f"Marked: {mark.text} at {format_position(mark.position)}." for mark in self.marks]
        return " ".join(filter(None, [*sentences, self.full_caption]))

    @cached_property
    def keys(self) -> tuple[Key, ...]:
        """How each series is named."""
        return tuple(keys(self.drawn, self.scales[1]))

    def _on_sheet(self, sheet: Sheet, words: Words) -> Figure:
        return draw_stack([self], sheet, words)

    def _draw_on(self, axes: tuple[Axes, ...]) -> None:
        draw_on(axes[0], self)

    def frame(self) -> pd.DataFrame:
        """All numbers, decimated or not: series, role, condition (if any has one), position, median, low, high."""
        import pandas as pd

        frames = [_series_frame(one) for one in self.series]
        if any(one.condition is not None for one in self.series):
            for frame, one in zip(frames, self.series, strict=True):
                frame.insert(2, "condition", pd.Series([one.condition] * len(frame), dtype="Int64"))
        return pd.concat(frames, ignore_index=True)


def _series_frame(series: Series) -> pd.DataFrame:
    import pandas as pd

    lines = {"position": series.positions, "median": series.median, "low": series.low, "high": series.high}
    return pd.DataFrame({"series": series.name, "role": series.role.value, **lines})


def spread_sentence(replicates: int | None) -> str:
    """What line and band are; None where the series have different numbers of replicates."""
    if replicates == 1:
        return "One replicate: no spread is known."
    of = "the replicates" if replicates is None else f"{replicates:,} replicates"
    return f"Line: median of {of}; band: 10 % to 90 % of replicates."


def draw_stack(displays: Sequence[CurveDisplay], sheet: Sheet, words: Words) -> Figure:
    """A new figure with one panel for each display, one above the other on one horizontal axis."""
    panel = sheet.panel if len(displays) == 1 else sheet.stacked
    height = 100 + panel * len(displays)
    figure = new_figure(sheet.width, height)
    axes = tuple(figure.add_axes((0.1, 0.1, 0.7, panel / height)) for _ in displays)
    for ax, display in zip(axes, displays, strict=True):
        _draw_lines(ax, display)
    wanted = max(names_width(ax, display.keys) for ax, display in zip(axes, displays, strict=True))
    names = bool(wanted <= _NAMES_SHARE * sheet.width)
    has_threshold = any(display.threshold is not None for display in displays)
    key = [] if names else key_rows(axes[0], _shared_keys(displays), margin=40.0)
    above, right = has_threshold * THRESHOLD_ROW, wanted if names else 14.0
    place(figure, axes, words, panel=panel, key=key, above=above, right=right)
    for index, (ax, display) in enumerate(zip(axes, displays, strict=True)):
        _write_words(ax, display, names=names, top=index == 0)
    return figure


def _shared_keys(displays: Sequence[CurveDisplay]) -> list[Key]:
    """The series of all panels, each once; in a stack without what leaves the picture of one panel."""
    found = [key for display in displays for key in display.keys]
    unique = {key.name: key if len(displays) == 1 else replace(key, text=key.name) for key in found}
    return sorted(unique.values(), key=lambda one: -one.look.order)


def draw_on(ax: Axes, display: CurveDisplay) -> None:
    """Draw one curve on the user's axes, with names at the lines' ends where there is room for them."""
    _draw_lines(ax, display)
    write_title(ax, display.title, pad=19)
    names = bool(names_width(ax, display.keys) <= _room_beside(ax))
    _write_words(ax, display, names=names)
    if not names:
        ax.legend(frameon=False, fontsize=SMALL_POINTS)


def _room_beside(ax: Axes) -> float:
    figure = ax.get_figure(root=True)
    own = points_box(ax, ax.bbox)
    edges = [points_box(ax, figure.bbox).right - 2]  # type: ignore[union-attr]
    for other in figure.axes:  # type: ignore[union-attr]
        box = points_box(other, other.bbox)
        if other is not ax and box.left >= own.right and box.bottom < own.top and box.top > own.bottom:
            edges.append(box.left - 45)
    return min(edges) - own.right


def _draw_lines(ax: Axes, display: CurveDisplay) -> None:
    """Scales, bands, lines, the threshold and landmarks; no words but the axis labels."""
    x, y = display.scales
    apply_scales(ax, x, y)
    for band in display.regimes:
        draw_band(ax, band, x)
    draw_grid(ax, axis="y")
    for series, key in zip(display.drawn, display.keys, strict=True):
        draw_series(ax, series, key)
    if display.threshold is not None:
        draw_threshold(ax, display.threshold, x)
    for mark in display.marks:
        at = (mark.position, min(max(mark.value, y.low), y.high))
        ax.plot(*at, "o", ms=6, mfc="white", mec=INK, mew=1.3, zorder=6, clip_on=False, label="_mark")
    name_axes(ax, display.x_label, display.y_label)


def _write_words(ax: Axes, display: CurveDisplay, *, names: bool, top: bool = True) -> None:
    """Regimes, the threshold, landmarks and, with ``names``, series names at the lines' ends.

    The axes must have their final place. ``top`` is whether the axes are the uppermost of a stack, which alone carry
    the words that all share.
    """
    inside = points_box(ax, ax.bbox).grown(-1)
    boxes = [box for band in display.regimes if (box := write_band(ax, band, display.scales[0]))] if top else []
    low, high = ax.get_ylim()
    marks = sorted(display.marks, key=lambda one: -one.value)
    points = [(mark.position, min(max(mark.value, low), high)) for mark in marks]
    anchors = [_anchor(ax, point) for point in points]
    boxes += [Box(left=x - 4, bottom=y - 4, right=x + 4, top=y + 4) for x, y in anchors]
    if top and display.threshold is not None:
        write_threshold(ax, display.threshold, display.scales[0])
    lines = _lines(ax, display)
    for mark, point, anchor in zip(marks, points, anchors, strict=True):
        sizes = [(text, text_size(ax, text, fontsize=TEXT_POINTS)) for text in settings(visible(mark.text))]
        placed = best_place(anchor, sizes, inside=inside, boxes=boxes, lines=lines)
        write_beside(ax, placed, anchor=anchor, point=point)
        boxes.append(placed.box)
    if names:
        write_names(ax, display.keys, *display.scales)


def _anchor(ax: Axes, point: tuple[float, float]) -> tuple[float, float]:
    x, y = in_points(ax, np.array(point))
    return float(x), float(y)


def _lines(ax: Axes, display: CurveDisplay) -> Float[np.ndarray, "P 2"]:
    """Every line of the panel, as points that labels keep clear of."""
    found = [felt_points(ax, one.positions, one.median) for one in display.drawn]
    if display.threshold is not None:
        found.append(felt_points(ax, np.full(2, display.threshold.position), np.array(ax.get_ylim())))
    return np.concatenate(found)
