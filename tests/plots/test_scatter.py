"""Models about the diagonal: every point where its numbers say, every name readable."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benign.foundation.errors import InvalidArgument
from benign.plots import Point, ScatterDisplay
from benign.plots.scatter import RatioLine
from tests.plots.examples import scatter
from tests.plots.test_curve import extent, key_of, words


def axes_of(display: ScatterDisplay) -> Axes:
    ax = display.plot().ax_
    assert ax is not None
    return ax


def point(label: str, x: float, y: float, group: str = "vision") -> Point:
    return Point(label=label, x=x, y=y, group=group)


def test_points_lie_where_their_numbers_say() -> None:
    display = scatter()
    drawn = {str(one.get_label()): one for one in axes_of(display).lines}
    for group in display.groups:
        points = [one for one in display.points if one.group == group]
        assert np.asarray(drawn[group].get_xdata()).tolist() == [one.x for one in points]
        assert np.asarray(drawn[group].get_ydata()).tolist() == [one.y for one in points]


def test_the_diagonal_is_where_both_are_equal() -> None:
    display = scatter()
    ax = axes_of(display)
    line = next(one for one in ax.lines if one.get_label() == "_diagonal")
    assert np.array_equal(np.asarray(line.get_xdata()), np.asarray(line.get_ydata()))
    assert display.diagonal == (max(ax.get_xlim()[0], ax.get_ylim()[0]), min(ax.get_xlim()[1], ax.get_ylim()[1]))
    text = next(one for one in ax.texts if one.get_text() == "parameters = samples × outputs")
    pixels = ax.transData.transform(np.column_stack([display.diagonal, display.diagonal]))
    rise = np.degrees(np.arctan2(*(pixels[1] - pixels[0])[::-1]))
    assert abs(text.get_rotation() - rise) < 0.1


def test_the_ground_above_the_diagonal_follows_it() -> None:
    display = scatter()
    ground = next(one for one in axes_of(display).collections if one.get_label() == "_above")
    path = ground.get_paths()[0]
    for one in display.points:
        assert path.contains_point((one.x, one.y)) == (one.y > one.x)


@pytest.mark.parametrize("narrow", [False, True], ids=["wide", "narrow"])
def test_names_are_inside_and_apart_and_off_the_points(narrow: bool) -> None:
    display = scatter()
    figure = display.figure(narrow=narrow)
    ax = figure.axes[0]
    found = [(text, extent(text)) for text in words(ax) if text.get_rotation() == 0]
    assert len(found) == len(display.points) + 2
    assert {text.get_text().replace("\n", " ") for text, _ in found} >= {one.label for one in display.points}
    inner = ax.get_window_extent()
    places = ax.transData.transform([(one.x, one.y) for one in display.points])
    for text, box in found:
        assert inner.x0 <= box.x0 < box.x1 <= inner.x1, text
        assert inner.y0 <= box.y0 < box.y1 <= inner.y1, text
        assert not any(box.contains(*place) for place in places), text
    for (one, a), (other, b) in combinations(found, 2):
        assert not a.overlaps(b), (one, other)


def test_names_stay_apart_where_points_crowd() -> None:
    points = tuple(point(f"model {index}", 1e6 * (1 + 0.1 * index), 1e6) for index in range(8))
    ax = axes_of(scatter(points=(*points, point("far", 1e12, 1e10))))
    boxes = [extent(text) for text in words(ax) if text.get_text().startswith("model")]
    assert len(boxes) == 8
    assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))


def test_own_points_are_emphasised() -> None:
    ax = axes_of(scatter())
    sizes = {str(one.get_label()): one.get_markersize() for one in ax.lines}
    assert sizes["own"] > 1.5 * max(sizes["vision"], sizes["language"])
    weights = {text.get_text().replace("\n", " "): text.get_fontweight() for text in ax.texts}
    assert weights["my network"] == "bold"
    assert weights["GPT-2"] != "bold"


def test_groups_differ_without_colour_and_stand_in_the_key() -> None:
    display = scatter()
    figure = display.figure()
    drawn = [one for one in figure.axes[0].lines if one.get_label() in display.groups]
    assert len({one.get_marker() for one in drawn}) == len({one.get_color() for one in drawn}) == 3
    assert key_of(figure) == ["vision", "language", "own"]


def test_a_region_without_room_has_no_name_and_a_diagonal_outside_is_said() -> None:
    display = scatter(points=(point("GPT-3", 1e16, 1e8), point("GPT-2", 1e15, 1e7)))
    texts = [text.get_text() for text in words(axes_of(display))]
    assert "fewer parameters than numbers to fit" in texts
    assert "more parameters than numbers to fit" not in texts
    assert display.diagonal is None
    assert display.full_caption == "Outside the picture: parameters = samples × outputs."


def test_one_point_is_a_picture() -> None:
    assert scatter(points=(point("AlexNet", 1e9, 6e7),)).svg(narrow=True)


def test_the_frame_holds_every_number() -> None:
    display = scatter()
    frame = display.frame()
    assert list(frame.columns) == ["label", "group", "x", "y"]
    assert frame.to_dict("records")[0] == {"label": "AlexNet", "group": "vision", "x": 1.28e9, "y": 6.1e7}
    assert len(frame) == len(display.points)


def test_the_words_say_sides_and_ratios() -> None:
    text = scatter().alternative_text
    assert "5 of 12 points lie above it and 7 below." in text
    assert "my network (own): 2.1×10⁶ against 40,000, ratio 52.5." in text


def test_plot_on_given_axes() -> None:
    figure = Figure(figsize=(6, 4))
    ax = figure.subplots()
    display = scatter()
    assert display.plot(ax) is display
    assert (display.ax_, display.figure_) == (ax, figure)
    assert ax.get_legend() is not None


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_a_number_that_has_no_place_gets_a_sentence(value: float) -> None:
    with pytest.raises(InvalidArgument, match="`x` of point 'a' must be positive and finite"):
        point("a", value, 1.0)
    with pytest.raises(InvalidArgument, match="`y` of point 'a' must be positive and finite"):
        point("a", 1.0, value)


def test_too_few_points_and_too_many_groups_get_a_sentence() -> None:
    with pytest.raises(InvalidArgument, match="`points` must hold at least one"):
        ScatterDisplay(title="", points=())
    with pytest.raises(InvalidArgument, match="at most 5 groups beside 'own', got 6"):
        scatter(points=tuple(point("a", 1.0, 1.0, f"group {index}") for index in range(6)))


def test_a_line_beside_the_diagonal_is_where_y_is_its_multiple_of_x() -> None:
    display = scatter(lines=(RatioLine(ratio=0.2, label="a fifth of it"),))
    ax = axes_of(display)
    line = next(one for one in ax.lines if one.get_label() == "_line")
    x, y = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
    assert np.allclose(y, 0.2 * x)
    assert (x[0], y[1]) == pytest.approx((ax.get_ylim()[0] / 0.2, ax.get_ylim()[1]))
    assert "Line a fifth of it: 0.2 of the diagonal." in display.alternative_text


@pytest.mark.parametrize("narrow", [False, True], ids=["wide", "narrow"])
def test_the_names_of_both_lines_keep_off_the_lines(narrow: bool) -> None:
    display = scatter(lines=(RatioLine(ratio=4.0, label="four times it"),), diagonal_label="as many")
    ax = display.figure(narrow=narrow).axes[0]
    names = [text for text in ax.texts if text.get_text() in ("as many", "four times it")]
    assert len(names) == 2
    for line in (one for one in ax.lines if one.get_label() in ("_line", "_diagonal")):
        ends = ax.transData.transform(np.column_stack([line.get_xdata(), line.get_ydata()]))
        way = (ends[1] - ends[0]) / np.hypot(*(ends[1] - ends[0]))
        for text in names:
            box = text.get_window_extent()
            middle = np.array([box.x0 + box.x1, box.y0 + box.y1]) / 2 - ends[0]
            assert abs(way[0] * middle[1] - way[1] * middle[0]) > 4 * ax.figure.dpi / 72, text


def test_a_line_outside_the_picture_is_said() -> None:
    display = scatter(lines=(RatioLine(ratio=1e-30, label="far below"),))
    assert display.full_caption == "Outside the picture: far below."


@pytest.mark.parametrize("ratio", [0.0, -1.0, float("nan"), float("inf")])
def test_a_line_needs_a_positive_ratio(ratio: float) -> None:
    with pytest.raises(InvalidArgument, match="`ratio` of line 'a' must be positive and finite"):
        RatioLine(ratio=ratio, label="a")
