"""The picture of a curve: risk over size, time or samples, with its spread, landmarks and threshold.

Several stand one above the other on one horizontal axis: loss, error, norm, as in Belkin et al. (2019), Fig. 2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from jaxtyping import Real

from benign.foundation.errors import invalid
from benign.foundation.number_words import format_position
from benign.plots import curve_drawing as ink
from benign.plots.decimation import kept_rows
from benign.plots.display import Display, Table
from benign.plots.labels import felt_points
from benign.plots.layout import WIDTHS, Room, Sheet, prepare, room_above, write_threshold
from benign.plots.scales import Scale, position_scale, value_scale
from benign.plots.series import Band, Mark, Series, Threshold, freeze, series_from_replicates
from benign.plots.style import Role
from benign.plots.text import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

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

    The frame holds all numbers, decimated or not: series, role, condition (if any has one), position, median, low and
    high.

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
        freeze(self, tuples=("series", "marks", "regimes"))

    @classmethod
    def from_values(
        cls,
        *,
        title: str,
        positions: Real[np.ndarray, " K"],
        values: Mapping[str, tuple[Role, Real[np.ndarray, "_R K"]]],
        caption: str | None = None,
        **settings: Any,
    ) -> CurveDisplay:
        """The picture of measured values: name -> (role, replicates x positions), all at the same positions.

        ``caption`` is by default the sentence that says what line and band are; ``settings`` are the other attributes.
        """
        series = tuple(series_from_replicates(name, positions, table, role) for name, (role, table) in values.items())
        counts = {len(table) for _, table in values.values()}
        if caption is None:
            caption = spread_sentence(counts.pop() if len(counts) == 1 else None)
        return cls(title=title, series=series, caption=caption, **settings)

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
        copy.__dict__.update(scales=(x, self.scales[1]), drawn=self.drawn)  # where cached_property keeps them
        return copy

    def _notes(self) -> Sequence[str]:
        notes = [scale.note for scale in self.scales]
        drawn, whole = max((len(a.positions), len(b.positions)) for a, b in zip(self.drawn, self.series, strict=True))
        if drawn < whole:
            lines = " of each line" if len(self.series) > 1 else ""
            notes.insert(0, f"Drawn: {drawn:,} of {whole:,} {self.position_name}{lines}, extremes kept.")
        if self.threshold is not None and not self.scales[0].shows(self.threshold.position):
            notes.append(f"Outside the picture: {self.threshold.text}.")
        return notes

    def _sentences(self) -> Sequence[str]:
        """Title, axes, each line's start, extremes and end, threshold and landmarks."""
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
        return sentences + [f"Marked: {mark.text} at {format_position(mark.position)}." for mark in self.marks]

    def _tables(self) -> Iterator[Table]:
        import pandas as pd

        for one in self.series:
            part: dict[str, object] = {"series": one.name, "role": one.role.value}
            if any(other.condition is not None for other in self.series):
                part["condition"] = pd.array([one.condition] * len(one.positions), dtype="Int64")
            lines = {"position": one.positions, "median": one.median, "low": one.low, "high": one.high}
            yield part | lines

    @cached_property
    def named(self) -> tuple[ink.NamedSeries, ...]:
        """How each series is drawn and named."""
        return ink.named_series(self.drawn, self.scales[1])

    def draw_lines(self, ax: Axes) -> list[Line2D]:
        """Draw all but the words inside; returns the line of each series."""
        x, y = self.scales
        prepare(ax, x, y, self.x_label, self.y_label, grid="y")
        for band in self.regimes:
            ink.draw_band(ax, band, x)
        lines = [ink.draw_series(ax, one) for one in self.named]
        ink.draw_threshold(ax, self.threshold, x)
        ink.draw_marks(ax, self.marks, y)
        return lines

    def write_words(self, ax: Axes, *, names: bool, top: bool) -> None:
        """Landmarks and, with ``names``, series at their lines' ends; at the ``top`` of a stack what all share."""
        x, y = self.scales
        felt = [felt_points(ax, one.positions, one.median) for one in self.drawn]
        if self.threshold is not None:
            felt.append(felt_points(ax, np.full(2, self.threshold.position), np.array([y.low, y.high])))
        boxes = ink.write_bands(ax, self.regimes if top else (), x)
        ink.write_marks(ax, self.marks, y, boxes, np.concatenate(felt))
        write_threshold(ax, self.threshold if top else None, x)
        if names:
            ink.write_names(ax, self.named, y)

    def _draw(self, sheet: Sheet) -> Iterator[Room]:
        return _draw_curves([self], sheet)


@dataclass(frozen=True, kw_only=True, eq=False)
class StackedDisplay(Display):
    """Small multiples: the panels share the horizontal axis, so that the threshold stands at one place in all.

    Attributes:
        title: what they show together.
        panels: from top to bottom; their own titles are not drawn, their ``y_label`` names them. The threshold and the
            regimes are written in the topmost alone.
        caption: one sentence; by default the captions of the panels, each once.

    The frame holds those of the panels, each row with its panel's ``y_label`` as ``panel``.
    """

    panels: tuple[CurveDisplay, ...]
    _heights: ClassVar[tuple[float, float]] = (150.0, 150.0)

    def __post_init__(self) -> None:
        if not self.panels:
            raise invalid("panels", "must hold at least one display to draw.")
        freeze(self, tuples=("panels",))

    @property
    def full_caption(self) -> str:
        """The caption, with a sentence on everything that a panel does not show as it was asked."""
        captions = [panel.full_caption.removeprefix(panel.caption).strip() for panel in self.panels]
        own = [self.caption] if self.caption else [panel.caption for panel in self.panels]
        said = {_gist(text): text for text in reversed(own + captions) if text}
        return " ".join(reversed(said.values()))

    def _sentences(self) -> Sequence[str]:
        panels = (sentence for panel in self.panels for sentence in panel._sentences())
        return [f"{self.title}: {len(self.panels)} charts one above the other.", *panels]

    def _tables(self) -> Iterator[Table]:
        return ({"panel": panel.y_label, **part} for panel in self.panels for part in panel._tables())

    @cached_property
    def _aligned(self) -> tuple[CurveDisplay, ...]:
        """The panels on the union of their horizontal axes."""
        x = [panel.scales[0] for panel in self.panels]
        is_log = all(one.is_log for one in x)
        shared = Scale(is_log=is_log, low=min(one.low for one in x), high=max(one.high for one in x))
        return tuple(panel.on_axis(shared) for panel in self.panels)

    def _draw(self, sheet: Sheet) -> Iterator[Room]:
        return _draw_curves(self._aligned, sheet)

    def _draw_on(self, axes: tuple[Axes, ...]) -> None:
        for ax, panel in zip(axes, self._aligned, strict=True):
            panel._draw_on((ax,))


def spread_sentence(replicates: int | None) -> str:
    """What line and band are; None where the series have different numbers of replicates."""
    if replicates == 1:
        return "One replicate: no spread is known."
    of = "the replicates" if replicates is None else f"{replicates:,} replicates"
    return f"Line: median of {of}; band: 10 % to 90 % of replicates."


def _draw_curves(displays: Sequence[CurveDisplay], sheet: Sheet) -> Iterator[Room]:
    """Draw curves one above the other on one horizontal axis, named at their ends or, without room there, in a key."""
    panels = list(zip(sheet.axes, displays, strict=True))
    wanted = max(ink.names_width(ax, display.named) for ax, display in panels)
    beside = min(map(ink.room_beside, sheet.axes)) if sheet.narrow is None else _NAMES_SHARE * WIDTHS[sheet.narrow]
    above = room_above(*(display.threshold for display in displays))
    key = {}
    for ax, display in panels:
        for line, one in zip(display.draw_lines(ax), display.named, strict=True):
            name = visible(one.series.name)
            key[name] = (line, one.text if len(displays) == 1 else name)
    by_layer = sorted(key.values(), key=lambda entry: -entry[0].get_zorder())
    names = wanted <= beside
    yield Room(above=above, right=wanted) if names else Room(above=above, key=by_layer)
    for place, (ax, display) in enumerate(panels):
        display.write_words(ax, names=names, top=place == 0)


def _gist(caption: str) -> str:
    """What two panels' captions share: how many of the sizes each draws may differ by a few."""
    return re.sub(r"^Drawn: [\d,]+ (of [\d,]+ \w+)( of each line)?", r"\1", caption)
