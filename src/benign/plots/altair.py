"""Displays as Altair charts, for those who restyle them: the numbers of ``frame`` and what else a picture marks.

Axes, order, colours and dashes are those of our pictures; all else is left open, so that the user's own theme holds.
Vega-Lite places no labels: where names are many, some overlap.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import altair as alt
import numpy as np
import pandas as pd
from jaxtyping import Float, Real

from benign.plots.scales import Scale
from benign.plots.style import CONDITION_LOOKS, CRITICAL_TINT, GRID, INK, LOOKS, MUTED, PAPER, Look, Role, look_of

if TYPE_CHECKING:
    from benign.plots.curve import CurveDisplay, StackedDisplay
    from benign.plots.display import Display
    from benign.plots.fits import FitsDisplay
    from benign.plots.heat_map import HeatMapDisplay
    from benign.plots.plane import PlaneDisplay
    from benign.plots.scatter import ScatterDisplay
    from benign.plots.series import Threshold

Chart = alt.LayerChart | alt.VConcatChart | alt.ConcatChart
_Place = Callable[[str], Any]
_WIDTH, _HEIGHT, _PANEL = 520, 300, 200
_CAPTION = 95  # characters in a line
_DECIMATION = re.compile(r"Drawn: [^.]*\.\s*")  # a chart holds all positions
_HATCH = "M-1,0L0,-1M-1,1L1,-1M0,1L1,0"
_STAR = "M0,-1L.23,-.31L.95,-.31L.36,.12L.59,.81L0,.38L-.59,.81L-.36,.12L-.95,-.31L-.23,-.31Z"
_SHAPES = {"*": _STAR, "o": "circle", "s": "square", "^": "triangle-up", "D": "diamond", "v": "triangle-down"}
_DISC: dict[str, Any] = {"filled": True, "opacity": 1.0, "clip": True, "tooltip": True}
_RING: dict[str, Any] = {"fill": PAPER, "opacity": 1.0}


def chart_of(display: Display) -> Chart:
    """The display as a chart, with its title and caption above."""
    caption = textwrap.wrap(_DECIMATION.sub("", display.full_caption), _CAPTION)
    title = alt.TitleParams(display.title, subtitle=caption, anchor="start", subtitleColor=MUTED, offset=12)
    return _CHARTS[type(display).__name__](display).properties(title=title)


def _rows(rows: pd.DataFrame | Iterable[Mapping[str, object]]) -> alt.Chart:
    """All rows, however many; what is no finite number is null, as JSON has no other word for it."""
    table = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(list(rows))
    known = table.notna() & ~table.isin([np.inf, -np.inf])
    records: Any = table.astype(object).where(known, None).to_dict("records")
    return alt.Chart({"values": records})  # a plain mapping: the schema need not see every row


def _lines(pieces: Iterable[tuple[str, Real[np.ndarray, "_K 2"]]]) -> alt.Chart:
    """Lines by their corners: label, piece, step, x and y."""
    rows = [(label, n, step, *xy) for n, (label, line) in enumerate(pieces) for step, xy in enumerate(line.tolist())]
    table = pd.DataFrame(rows, columns=["label", "piece", "step", "x", "y"])
    return _rows(table).encode(detail="piece:N", order="step:Q", text="label:N")


def _scale(scale: Scale, **more: Any) -> alt.Scale:
    kind: Any = "log" if scale.is_log else "linear"
    return alt.Scale(type=kind, domain=[scale.low, scale.high], zero=False, nice=False, **more)


def _axes(display: Any, scales: tuple[Scale, Scale]) -> tuple[_Place, _Place]:
    """The horizontal and the vertical place of a field."""
    places = []
    for channel, title, scale in zip((alt.X, alt.Y), (display.x_label, display.y_label), scales, strict=True):
        ticks: dict[str, Any] = {"values": _ticks(scale)} if scale.is_log else {}
        axis = alt.Axis(format=",.6~g", **ticks)
        places.append(partial(channel, title=title, scale=_scale(scale), axis=axis))
    return places[0], places[1]


def _ticks(scale: Scale) -> list[float]:
    """A few for a log axis: 1, 2 and 5 times powers of ten, or powers alone."""
    powers = 10.0 ** np.arange(np.floor(np.log10(scale.low)), np.ceil(np.log10(scale.high)) + 1)
    ticks = np.outer(powers[:: 1 + len(powers) // 8], [1, 2, 5] if len(powers) <= 5 else [1]).ravel()
    return [tick for tick in ticks.tolist() if scale.low <= tick <= scale.high]


def _in_reach(scale: Scale, *names: str) -> dict[str, str]:
    """Numbers far outside the picture brought nearer to it: a renderer loses lines that end at astronomical places."""
    far = 1e3 * (scale.high - scale.low)
    low, high = (scale.low * 1e-9, scale.high * 1e9) if scale.is_log else (scale.low - far, scale.high + far)
    return {name: f"isValid(datum.{name}) ? clamp(datum.{name}, {low}, {high}) : null" for name in names}


def _looks(field: str, names: Sequence[str], looks: Sequence[Look], *, has_key: bool = True) -> dict[str, Any]:
    """Colour, dashes and width by name, in the order of the names, with one key."""
    symbol: dict[str, Any] = {"symbolType": "stroke", "symbolSize": 500, "symbolOpacity": 1.0}
    key = alt.Legend(title=None, labelLimit=0, **symbol) if has_key else None

    def by_name(channel: Any, values: list[Any]) -> Any:
        return channel(f"{field}:N", scale=alt.Scale(domain=list(names), range=values), legend=key)

    dashes = [[1, 0] if look.dashes is None else [part * look.width for part in look.dashes] for look in looks]
    return {
        "color": by_name(alt.Color, [look.colour for look in looks]),
        "strokeDash": by_name(alt.StrokeDash, dashes),
        "strokeWidth": by_name(alt.StrokeWidth, [look.width for look in looks]),
    }


def _words(chart: alt.Chart, **mark: Any) -> list[alt.Chart]:
    """Text that stays legible on whatever it stands."""
    return [chart.mark_text(stroke=PAPER, strokeWidth=3, **mark), chart.mark_text(color=INK, **mark)]


def _bright(line: alt.Chart, **mark: Any) -> list[alt.Chart]:
    """A line that stays legible on every colour."""
    return [line.mark_line(color=INK, strokeWidth=3.5, clip=True), line.mark_line(color=PAPER, clip=True, **mark)]


def _layered(layers: Iterable[alt.Chart], height: int, **more: Any) -> alt.LayerChart:
    """The layers, words above all."""
    above = sorted(layers, key=lambda layer: layer.mark.type == "text")
    return alt.LayerChart(layer=above, width=_WIDTH, height=height, **more)


def _across(mark: Threshold | None, scale: Scale, place: _Place, *, upright: bool) -> list[alt.Chart]:
    """A dotted line across the picture, with its name, and its interval at the edge."""
    if mark is None or not scale.low <= mark.position <= scale.high:
        return []
    low, high = max(mark.low, scale.low), min(mark.high, scale.high)
    base = _rows([{"position": mark.position, "text": mark.text, "low": low, "high": high}])
    line, interval = base.encode(place("position:Q")), base.encode(place("low:Q"))
    edge = (
        interval.encode(x2="high:Q", y=alt.value(-3))
        if upright
        else interval.encode(y2="high:Q", x=alt.value(_WIDTH + 3))
    )
    name = line.encode(y=alt.value(-13)) if upright else line.encode(x=alt.value(4))
    return [
        line.mark_rule(color=PAPER, strokeWidth=3, opacity=0.6),
        line.mark_rule(color=INK, strokeDash=[2, 2]),
        edge.mark_rule(color=INK, strokeWidth=4),
        *_words(name.encode(text="text:N"), align="center" if upright else "left", dy=0 if upright else -8),
    ]


def _curves(
    display: CurveDisplay, *, shared: Scale | None = None, height: int = _HEIGHT, above: CurveDisplay | None = None
) -> alt.LayerChart:
    """The lines; what the panel ``above`` has said already is not said again."""
    scales = (shared or display.scales[0], display.scales[1])
    x, y = _axes(display, scales)
    names = [one.name for one in display.series]
    has_key = above is None or names != [one.name for one in above.series]
    looks = [look_of(one.role, one.condition) for one in display.series]
    shown = _looks("series", names, looks, has_key=has_key)
    base = _rows(display.frame()).transform_calculate(**_in_reach(scales[1], "median", "low", "high"))
    base = base.encode(x("position:Q"), shown["color"])
    threshold = _across(display.threshold, scales[0], x, upright=True)
    layers = [
        *_regimes(display, scales[0], x, has_names=above is None),
        base.encode(y("low:Q"), y2="high:Q").mark_area(opacity=0.15, clip=True),
        base.encode(y("median:Q"), **shown).mark_line(clip=True, tooltip=True),
        *(threshold if above is None else threshold[:2]),  # the line alone
    ]
    for one in display.marks:
        place = _lines([(one.text, np.array([[one.position, one.value]]))]).encode(x("x:Q"), y("y:Q"))
        at_right = scales[0].to_unit(one.position) > 0.7
        words = {"align": "right", "dy": -18} if at_right else {"align": "left", "dy": -10, "dx": 8}
        layers += [place.mark_point(stroke=INK, size=45, **_RING), *_words(place, **words)]
    return _layered(layers, height)


def _regimes(display: CurveDisplay, x: Scale, place: _Place, *, has_names: bool) -> list[alt.Chart]:
    """Critical positions tinted, undecided ones grey; each range named at its top where there is room."""
    rows = []
    for one in display.regimes:
        low, high = max(one.low, x.low), min(one.high, x.high)
        if low < high:
            tint = GRID if not one.is_decided else CRITICAL_TINT if one.is_critical else "transparent"
            has_room = has_names and _WIDTH * (x.to_unit(high) - x.to_unit(low)) > 6 * len(one.label)
            rows.append({"low": low, "high": high, "tint": tint, "name": one.label if has_room else ""})
    if not rows:
        return []
    tints = _rows(rows).encode(place("low:Q"), x2="high:Q", fill=alt.Fill("tint:N", scale=None))
    names = _rows(rows).encode(place("low:Q"), y=alt.value(8), text="name:N")
    return [tints.mark_rect(clip=True), names.mark_text(color=MUTED, align="left", dx=4)]


def _stack(display: StackedDisplay) -> alt.VConcatChart:
    x = [panel.scales[0] for panel in display.panels]
    low, high = min(one.low for one in x), max(one.high for one in x)
    shared = replace(x[0], is_log=all(one.is_log for one in x), low=low, high=high)
    pairs = zip(display.panels, (None, *display.panels), strict=False)
    panels = [_curves(panel, shared=shared, height=_PANEL, above=above) for panel, above in pairs]
    return alt.vconcat(*panels).resolve_scale(color="independent", strokeDash="independent", strokeWidth="independent")


def _level(
    x: Real[np.ndarray, " X"], y: Real[np.ndarray, " Y"], values: Real[np.ndarray, "Y X"], level: float
) -> list[Float[np.ndarray, "_K 2"]]:
    """The lines on which a function has one value, from left to right, as Matplotlib finds them."""
    from matplotlib.figure import Figure

    pieces = Figure().subplots().contour(x, y, np.ma.masked_invalid(values), levels=[level]).allsegs[0]
    return [piece if piece[0, 0] <= piece[-1, 0] else piece[::-1] for piece in pieces if len(piece)]


def _heat_map(display: HeatMapDisplay) -> alt.LayerChart:
    scales = display.grid.scales
    x, y = _axes(display, scales)
    frame = _rows(display.frame())
    cells = frame.transform_filter("datum.layer == 'risk'")
    for name, places, edges in zip(("size", "time"), display.grid.places, display.edges, strict=True):
        ends = pd.DataFrame({name: places, f"{name}_low": edges[:-1], f"{name}_high": edges[1:]})
        table = alt.LookupData(_rows(ends).data, key=name, fields=[f"{name}_low", f"{name}_high"])
        cells = cells.transform_lookup(name, table).transform_filter(f"isValid(datum.{name}_low)")
    scale = _scale(display.colours, scheme="viridis", clamp=True)
    colour = alt.Color("value:Q", title=display.value_label, scale=scale)
    risk = cells.transform_filter("isValid(datum.value)").encode(colour, x("size_low:Q"), y("time_low:Q"))
    risk = risk.encode(x2="size_high:Q", y2="time_high:Q")
    undefined = cells.transform_filter("!isValid(datum.value)").encode(x("size:Q"), y("time:Q"))
    inside = frame.transform_filter("datum.layer == 'region' && isValid(datum.value)").encode(x("size:Q"), y("time:Q"))
    inside = inside.transform_filter("datum.low <= datum.value && datum.value <= datum.high")
    rings = frame.transform_filter("datum.layer == 'undecided'").encode(x("size:Q"), y("time:Q"))
    layers = [
        risk.mark_rect(tooltip=True),
        undefined.mark_point(shape=_HATCH, color=MUTED, size=400, strokeWidth=1),
        inside.mark_point(shape=_HATCH, color=PAPER, size=40, strokeWidth=0.5, clip=True),
        rings.mark_point(color=PAPER, size=30, opacity=1.0, clip=True),
        *_contours(display, x, y),
        *_traces(frame.transform_filter("datum.layer == 'trace'").encode(x("size:Q"), y("time:Q"))),
        *_across(display.threshold, scales[0], x, upright=True),
        *_across(display.time_threshold, scales[1], y, upright=False),
    ]
    return _layered(layers, _HEIGHT, view=alt.ViewBackground(fill=GRID))  # an undefined value has no cell


def _contours(display: HeatMapDisplay, x: _Place, y: _Place) -> list[alt.Chart]:
    """Levels of the second risks and, dashed, the edges of the region; each named where it begins."""
    edges = () if display.region is None else display.region.edges
    layers = []
    for contours, dashes in ((display.contours, [1, 0]), (edges, [4, 3])):
        shown = [one for one in (contour.shown(display.grid) for contour in contours) if one.is_drawn]
        places = display.grid.places
        pieces = [(one.label, piece) for one in shown for piece in _level(*places, one.values.T, one.level)]
        if pieces:
            first = [(label, piece[:1]) for label, piece in dict(reversed(pieces)).items()]
            layers += _bright(_lines(pieces).encode(x("x:Q"), y("y:Q")), strokeDash=dashes)
            layers += _words(_lines(first).encode(x("x:Q"), y("y:Q")), dy=-9, align="left")
    return layers


def _traces(trace: alt.Chart) -> list[alt.Chart]:
    """One time for each size, with its interval, named where it begins."""
    interval = trace.transform_filter("isValid(datum.low)").encode(y="low:Q", y2="high:Q")
    first = trace.transform_window(rank="row_number()", groupby=["name"], sort=[alt.SortField("size")])
    return [
        interval.mark_rule(color=PAPER, strokeWidth=2, clip=True),
        *_bright(trace.encode(detail="name:N")),
        trace.mark_point(stroke=INK, size=30, clip=True, **_RING),
        *_words(first.transform_filter("datum.rank == 1").encode(text="name:N"), dy=-12, align="left"),
    ]


def _plane(display: PlaneDisplay) -> alt.LayerChart:
    x, y = _axes(display, display.scales)

    def at(pieces: list[tuple[str, np.ndarray]]) -> alt.Chart:
        return _lines(pieces).encode(x("x:Q"), y("y:Q"))

    axes = (display.x, display.y, display.values)
    levels = [("", piece) for level in display.levels for piece in _level(*axes, level)]
    valley = [(display.valley_label, line) for line in display.valley]
    points = [(one.label, np.array([[one.x, one.y]])) for one in display.points]
    ends = [(label, line[display.is_inside(line)][-1:]) for label, line in valley[:1]]
    looks = _looks("path", [path.name for path in display.paths], _PATHS)
    reach = _in_reach(display.scales[0], "x") | _in_reach(display.scales[1], "y")
    paths = _rows(display.frame()).transform_calculate(**reach).encode(x("x:Q"), y("y:Q"), looks["color"])
    discrete = [path.name for path in display.paths if path.has_steps]
    steps = paths.transform_filter(alt.FieldOneOfPredicate("path", discrete))
    counted = paths.transform_joinaggregate(last="max(step)", groupby=["path"])
    layers = [
        at(levels).mark_line(color=MUTED, opacity=0.5, strokeWidth=1, clip=True),
        at(valley).mark_line(color=MUTED, opacity=0.5, strokeWidth=5, clip=True),
        paths.encode(order="step:Q", **looks).mark_line(clip=True, tooltip=True),
        steps.mark_point(size=20, **_DISC),
        paths.transform_filter("datum.step == 0").mark_point(size=50, clip=True, **_RING),
        counted.transform_filter("datum.step == datum.last").mark_point(size=50, **_DISC),
        at(points).mark_point(shape="cross", angle=45, color=INK, size=90, **_DISC),
        *_words(at([*points, *ends]), dy=-10, dx=6, align="left", clip=True),
    ]
    return _layered(layers, _WIDTH)


def _scatter(display: ScatterDisplay) -> alt.LayerChart:
    x, y = _axes(display, display.scales)
    groups, key = list(display.groups), alt.Legend(title=None, labelLimit=0)
    colours, markers, _ = zip(*display.marks.values(), strict=True)
    colour = alt.Scale(domain=groups, range=list(colours))
    shape = alt.Scale(domain=groups, range=[_SHAPES[marker] for marker in markers])
    points = _rows(display.frame()).encode(x("x:Q"), y("y:Q"), text="label:N")
    symbols = points.encode(alt.Color("group:N", scale=colour, legend=key))
    symbols = symbols.encode(alt.Shape("group:N", scale=shape, legend=key))
    layers = [symbols.mark_point(size=80, **_DISC), *_words(points, dy=-11)]
    ratios = [(display.diagonal_label, 1.0, [2, 2]), *((one.label, one.ratio, [6, 3]) for one in display.lines)]
    for label, ratio, dashes in ratios:
        if (span := display.span(ratio)) is not None:
            ends = np.array([[end, ratio * end] for end in span])
            line = _lines([(label, ends)]).encode(x("x:Q"), y("y:Q"))
            name = _lines([(label, ends[:1] ** 0.1 * ends[1:] ** 0.9)]).encode(x("x:Q"), y("y:Q"))
            side = {"align": "left", "dx": 8} if ratio < 1 else {"align": "right", "dx": -8}
            layers += [line.mark_line(color=INK, strokeDash=dashes), *_words(name, **side)]
    for label, align, place in ((display.above_label, "left", 10), (display.below_label, "right", _WIDTH - 10)):
        corner = _rows([{"label": label}]).encode(x=alt.value(place), y=alt.value(place), text="label:N")
        layers += _words(corner, align=align, fontStyle="italic")
    return _layered(layers, _WIDTH)


def _fits(display: FitsDisplay) -> alt.ConcatChart:
    vertical = Scale(is_log=False, low=display.limits[0], high=display.limits[1])
    across = Scale(is_log=False, low=float(display.grid[0]), high=float(display.grid[-1]))
    x, y = _axes(display, (across, vertical))
    frame = display.frame()
    names = [name for name in _FITS if (frame["curve"] == name).any()]
    looks = _looks("curve", names, [_FITS[name] for name in names])
    faint: dict[str, Any] = {"color": _FITS["median"].colour, "clip": True}
    panels = []
    for panel in display.panels:
        own = alt.Chart().transform_filter(alt.FieldOneOfPredicate("panel", ["", panel.label])).encode(x("x:Q"))
        base = own.transform_calculate(**_in_reach(vertical, "y")).encode(y("y:Q"))
        band = own.transform_filter("test(/^(low|high)$/, datum.curve)")
        band = band.transform_pivot("curve", value="y", groupby=["x"])
        band = band.transform_calculate(**_in_reach(vertical, "low", "high")).encode(y("low:Q"), y2="high:Q")
        others = base.transform_filter("test(/^other /, datum.curve)").encode(detail="curve:N")
        chart = alt.layer(
            band.mark_area(opacity=0.12, **faint),
            others.mark_line(strokeWidth=0.2, **faint),
            base.transform_filter(alt.FieldOneOfPredicate("curve", names)).encode(**looks).mark_line(clip=True),
            base.transform_filter("datum.curve == 'training points'").mark_point(color=INK, **_DISC),
        )
        title = alt.TitleParams(panel.label, subtitle=panel.note, anchor="start")
        panels.append(chart.properties(title=title, width=_WIDTH / 2, height=_PANEL))
    return alt.concat(*panels, columns=2, data=_rows(frame).data)


_PATHS = [LOOKS[role] for role in (Role.REFERENCE, Role.TRAIN, Role.TEST, Role.REMEDY, Role.NORM)] + [
    CONDITION_LOOKS[3]
]
_FITS = {"truth": LOOKS[Role.REFERENCE], "fit": LOOKS[Role.TEST], "median": LOOKS[Role.TRAIN]}
_CHARTS: dict[str, Callable[[Any], Chart]] = {
    "CurveDisplay": _curves,
    "StackedDisplay": _stack,
    "HeatMapDisplay": _heat_map,
    "PlaneDisplay": _plane,
    "ScatterDisplay": _scatter,
    "FitsDisplay": _fits,
}
