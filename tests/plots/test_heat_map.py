"""The heat map: cells meet edge to edge, nothing is lost silently, and lines lie where their numbers say."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from matplotlib.text import Text

from benign.foundation.errors import InvalidArgument
from benign.plots import Contour, HeatMapDisplay, Threshold, Trace
from tests.plots.examples import heat_map
from tests.plots.test_conditions import lab
from tests.plots.test_curve import extent, words


def axes_of(display: HeatMapDisplay) -> Axes:
    ax = display.plot().ax_
    assert ax is not None
    return ax


def mesh_of(ax: Axes) -> QuadMesh:
    return next(one for one in ax.collections if isinstance(one, QuadMesh))


def drawn_table(ax: Axes) -> np.ma.MaskedArray[Any, Any]:
    return np.ma.masked_invalid(np.ma.asarray(mesh_of(ax).get_array()))


def plain(numbers: object, **changes: object) -> HeatMapDisplay:
    table = np.asarray(numbers, dtype=np.float64)
    arguments: dict[str, object] = {
        "title": "", "sizes": np.arange(1, len(table) + 1), "times": np.arange(1, table.shape[1] + 1), "values": table,
    }  # fmt: skip
    return HeatMapDisplay(**(arguments | changes))  # type: ignore[arg-type]


def test_cells_hold_the_values_with_sizes_across_and_times_up() -> None:
    display = heat_map()
    drawn = drawn_table(axes_of(display)).filled(np.nan)
    assert np.array_equal(drawn, display.values[:, 1:].T, equal_nan=True)  # time 0 has no place


def test_cells_meet_at_geometric_means_and_fill_the_axes() -> None:
    display = plain(np.eye(3), sizes=np.array([1.0, 4.0, 16.0]), times=np.array([10, 1000, 100000]))
    x, y = display.edges
    assert np.allclose(x, [0.5, 2.0, 8.0, 32.0], rtol=1e-12)
    assert np.allclose(y, [1.0, 100.0, 1e4, 1e6], rtol=1e-12)
    ax = axes_of(display)
    assert (ax.get_xlim(), ax.get_ylim()) == ((x[0], x[-1]), (y[0], y[-1]))
    corners = np.asarray(mesh_of(ax).get_coordinates())
    assert np.array_equal(corners[0, :, 0], x)
    assert np.array_equal(corners[:, 0, 1], y)


def test_cells_of_linear_axes_meet_at_arithmetic_means() -> None:
    display = plain(np.eye(3), sizes=np.array([0.0, 2.0, 6.0]), x_log=False, y_log=False)
    assert display.edges[0].tolist() == [-1.0, 1.0, 4.0, 8.0]
    assert axes_of(display).get_xscale() == "linear"


def test_time_zero_is_left_out_of_a_log_axis_and_said() -> None:
    display = heat_map()
    assert "Left out: epochs 0, which has no place on a logarithmic axis." in display.full_caption
    assert 0.0 in display.frame()["time"].to_numpy()
    assert "Left out" not in heat_map(y_log=False).full_caption


def test_an_axis_with_nothing_positive_becomes_linear_and_says_so() -> None:
    display = plain([[1.0, 2.0]], sizes=np.array([0.0]))
    assert axes_of(display).get_xscale() == "linear"
    assert "The axis of size is linear, because a logarithm needs a positive position." in display.full_caption


@pytest.mark.parametrize("hole", [np.nan, np.inf])
def test_undefined_cells_are_hatched_and_counted(hole: float) -> None:
    display = plain([[1.0, hole], [2.0, 3.0]])
    ax = axes_of(display)
    assert display.full_caption == "Hatched: 1 of 4 values are undefined."
    assert np.ma.count_masked(drawn_table(ax)) == 1
    assert ax.patch.get_hatch()
    assert display.colours.high == 3.0


def test_undefined_throughout_is_a_picture_too() -> None:
    display = plain([[np.nan]])
    assert display.svg()
    assert "undefined throughout" in display.alternative_text


@pytest.mark.parametrize(
    ("values", "is_log", "note"),
    [
        ([[1.0, 10.0]], True, ""),
        ([[0.0, 10.0]], True, ""),
        ([[-1.0, 10.0]], False, "Colours are linear, because 1 value is negative."),
        ([[0.0, 0.0]], False, "Colours are linear, because every value is zero."),
    ],
    ids=["positive", "a zero", "negative", "all zero"],
)
def test_log_colours_that_cannot_be_become_linear_and_say_so(values: object, is_log: bool, note: str) -> None:
    display = plain(values, value_log=True)
    assert display.colours.is_log is is_log
    assert display.full_caption == note
    ax = axes_of(display)
    assert np.ma.count_masked(np.ma.asarray(mesh_of(ax).norm(drawn_table(ax)))) == 0


def test_values_beyond_the_given_limits_are_shown_on_the_bar() -> None:
    figure = plain([[0.0, 10.0]], value_limits=(1.0, 5.0)).figure()
    mesh = mesh_of(figure.axes[0])
    assert (mesh.norm.vmin, mesh.norm.vmax) == (1.0, 5.0)
    assert mesh.colorbar is not None
    assert mesh.colorbar.extend == "both"


def test_the_colour_map_rises_evenly_in_lightness() -> None:
    colours = mesh_of(axes_of(heat_map())).cmap(np.linspace(0, 1, 17))
    lightness = np.array([lab("#" + "".join(f"{round(255 * part):02x}" for part in one[:3]))[0] for one in colours])
    steps = np.diff(lightness)
    assert (steps > 0).all()
    assert steps.max() < 1.6 * steps.mean()


def test_a_contour_runs_between_the_values_that_enclose_its_level() -> None:
    sizes, times = np.array([1.0, 2.0, 4.0]), np.array([1.0, 2.0, 3.0, 4.0])
    rising = np.tile(times, (3, 1))
    contour = Contour(label="level 2.5", values=rising, level=2.5)
    display = plain(rising, sizes=sizes, contours=(contour,), y_log=False)
    line = next(one for one in axes_of(display).collections if one.get_label() == "level 2.5")
    drawn = np.concatenate([np.asarray(path.vertices) for path in line.get_paths()])
    assert np.allclose(drawn[:, 1], 2.5)
    assert (drawn[:, 0].min(), drawn[:, 0].max()) == (1.0, 4.0)
    assert contour.first_times(times).tolist() == [2.5, 2.5, 2.5]


def test_the_first_crossing_is_found_in_either_direction_and_not_across_a_gap() -> None:
    values = np.array([[3.0, 1.0, 3.0], [0.0, 4.0, 0.0], [3.0, np.nan, 1.0], [3.0, 3.0, 3.0]])
    found = Contour(label="", values=values, level=2.0).first_times(np.array([0.0, 10.0, 20.0]))
    assert np.array_equal(found, [5.0, 5.0, np.nan, np.nan], equal_nan=True)


@pytest.mark.parametrize("level", [0.0, 9.0])
def test_a_level_that_is_not_reached_is_said(level: float) -> None:
    display = plain(np.eye(2) + 1, contours=(Contour(label="training error", values=np.eye(2) + 1, level=level),))
    assert display.full_caption == "Nowhere in the picture: training error."
    assert "training error" not in {str(one.get_label()) for one in axes_of(display).collections}


def test_a_trace_holds_its_numbers_and_intervals() -> None:
    display = heat_map()
    ax, trace = axes_of(display), display.traces[0]
    line = next(one for one in ax.lines if one.get_label() == "best epoch")
    assert np.array_equal(np.asarray(line.get_xdata()), trace.positions)
    assert np.array_equal(np.asarray(line.get_ydata()), trace.values)
    bars = next(one for one in ax.collections if one.get_label() == "_interval")
    assert trace.low is not None
    lowest = [float(np.asarray(path.vertices)[:, 1].min()) for path in bars.get_paths()]
    assert np.allclose(lowest, np.maximum(trace.low, display.edges[1][0]))


def test_a_trace_that_leaves_the_picture_stays_at_its_edge_and_is_said() -> None:
    trace = Trace(label="best epoch", positions=np.array([1.0, 2.0, 3.0]), values=np.array([0.0, np.nan, 2.0]))
    display = plain(np.eye(3), traces=(trace,))
    line = next(one for one in axes_of(display).lines if one.get_label() == "best epoch")
    assert np.array_equal(np.asarray(line.get_ydata()), [display.edges[1][0], np.nan, 2.0], equal_nan=True)
    assert display.full_caption == "At the edge: best epoch leaves the picture at 1 of 3 sizes."


def test_lines_are_light_and_dark_so_that_they_show_on_every_colour() -> None:
    ax = axes_of(heat_map())
    contour = next(one for one in ax.collections if one.get_label() == "training error 0.1")
    trace = next(one for one in ax.lines if one.get_label() == "best epoch")
    assert len(contour.get_path_effects()) == len(trace.get_path_effects()) == 1


def test_marks_are_drawn_and_named_or_said_to_be_outside() -> None:
    ax = axes_of(heat_map())
    upright = next(one for one in ax.lines if one.get_label() == "_threshold")
    level = next(one for one in ax.lines if one.get_label() == "_time_threshold")
    assert np.asarray(upright.get_xdata()).tolist() == [6.0, 6.0]
    assert np.asarray(level.get_ydata()).tolist() == [50.0, 50.0]
    texts = [text.get_text().replace("\n", " ") for text in words(ax)]
    assert "critical width 6 (5 to 8)" in texts
    assert "critical epoch 50 (40 to 60)" in texts
    beyond = heat_map(threshold=Threshold(position=1e4, low=1e4, high=1e4))
    assert "Outside the picture: interpolation threshold 10,000." in beyond.full_caption


@pytest.mark.parametrize("narrow", [False, True], ids=["wide", "narrow"])
def test_words_are_inside_and_apart(narrow: bool) -> None:
    figure = heat_map().figure(narrow=narrow)
    figure.draw_without_rendering()  # puts the axes' labels in place
    found = [(text, extent(text)) for text in words(figure.axes[0])]
    found += [(text, extent(text)) for text in [*figure.texts, figure.axes[1].xaxis.label, figure.axes[1].yaxis.label]
              if text.get_text()]  # fmt: skip
    assert len(found) == 7
    for text, box in found:
        assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1, text
        assert figure.bbox.y0 <= box.y0 < box.y1 <= figure.bbox.y1, text
    for (one, a), (other, b) in combinations(found, 2):
        assert not a.overlaps(b), (one, other)


def test_names_of_lines_that_run_together_do_not_overlap() -> None:
    train = heat_map().contours[0].values
    contours = tuple(Contour(label=f"level {step}", values=train, level=0.1 + step / 1000) for step in range(4))
    boxes = [extent(text) for text in words(axes_of(heat_map(contours=contours))) if "level" in text.get_text()]
    assert len(boxes) == 4
    assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))


def test_the_colour_bar_stands_beside_or_below() -> None:
    for narrow in (False, True):
        figure = heat_map().figure(narrow=narrow)
        cells, bar = (ax.get_window_extent() for ax in figure.axes)
        assert (bar.y1 < cells.y0) if narrow else (bar.x0 > cells.x1)
        labels = [text for text in figure.axes[1].findobj(Text) if text.get_text() == "test error"]
        assert len(labels) == 1


def test_the_frame_holds_every_number() -> None:
    display = heat_map()
    frame = display.frame()
    assert list(frame.columns) == ["layer", "name", "level", "size", "time", "value", "low", "high"]
    risk = frame[frame["layer"] == "risk"]
    table = risk.pivot(index="size", columns="time", values="value").to_numpy()
    assert np.array_equal(table, display.values, equal_nan=True)
    contour = frame[frame["layer"] == "contour"]
    assert np.array_equal(contour["value"].to_numpy(), display.contours[0].values.ravel())
    assert set(contour["level"]) == {0.1}
    trace = frame[frame["layer"] == "trace"]
    assert np.array_equal(trace["time"].to_numpy(), display.traces[0].values)
    assert trace["high"].tolist() == np.asarray(display.traces[0].high).tolist()
    assert frame[frame["layer"] == "mark"]["name"].tolist() == ["critical width", "critical epoch"]


def test_the_words_say_range_extremes_and_where_the_lines_run() -> None:
    text = heat_map().alternative_text
    assert "Vertical axis (logarithmic): epochs, 1 to 300." in text
    assert "smallest 0.201 at width = 32, epochs = 300, largest 0.513 at width = 32, epochs = 10." in text
    assert "Contour training error 0.1: first crossed from width = 4, epochs = " in text
    assert "Line best epoch: starts at width = 1, epochs = 30; lowest at width = 4, epochs = 10;" in text


def test_plot_on_given_axes() -> None:
    figure = Figure(figsize=(6, 4))
    ax = figure.subplots()
    display = heat_map()
    assert display.plot(ax) is display
    assert display.ax_ is ax
    assert display.figure_ is figure
    assert len(figure.axes) == 2


def test_a_large_map_is_a_small_file() -> None:
    values = np.random.default_rng(0).random((80, 100))
    assert len(plain(values).svg()) < 300_000


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sizes": np.array([2.0, 1.0])}, "`sizes` must be finite and strictly rising"),
        ({"times": np.array([1.0, np.nan])}, "`times` must be finite and strictly rising"),
        ({"times": np.array([])}, "`times` must be a non-empty list"),
        ({"values": np.ones((2, 3))}, r"`values` must be sizes x times, 2 x 2, got shape \(2, 3\)"),
        ({"contours": (Contour(label="c", values=np.ones((1, 2)), level=1.0),)}, "`values` of contour 'c' must be"),
        ({"value_limits": (2.0, 1.0)}, "`value_limits` must be two rising finite numbers"),
        ({"value_limits": (0.0, 1.0), "value_log": True}, "`value_limits` of a logarithmic scale must be positive"),
    ],
)
def test_unusable_arguments_get_a_sentence(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        plain(np.eye(2), **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"positions": np.array([2.0, 1.0])}, "`positions` of trace 'best' must be finite and strictly rising"),
        ({"values": np.ones(3)}, "`values` of trace 'best' must hold one number for each of the 2 positions"),
        ({"low": np.ones(2)}, "give both or neither"),
        ({"low": np.full(2, 3.0), "high": np.ones(2)}, "must not exceed `high`"),
    ],
)
def test_unusable_traces_get_a_sentence(changes: dict[str, np.ndarray], message: str) -> None:
    arguments: dict[str, object] = {"label": "best", "positions": np.array([1.0, 2.0]), "values": np.ones(2)}
    with pytest.raises(InvalidArgument, match=message):
        Trace(**(arguments | changes))  # type: ignore[arg-type]


def test_a_level_that_is_no_number_gets_a_sentence() -> None:
    with pytest.raises(InvalidArgument, match="`level` of contour 'c' must be a finite number"):
        Contour(label="c", values=np.eye(2), level=np.nan)
    with pytest.raises(InvalidArgument, match="`ax` must be the matplotlib Axes"):
        heat_map().plot("axes")
