"""The picture of a curve: what is drawn is what was given, and every word can be read."""

from __future__ import annotations

import sys
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import BboxBase

from benign.foundation.errors import InvalidArgument
from benign.plots import Band, CurveDisplay, Mark, Role, Series, Threshold, series_from_replicates
from tests.plots.examples import double_descent


def line(name: str, values: object, role: Role = Role.TEST, positions: object = None) -> Series:
    median = np.asarray(values, dtype=np.float64)
    places = np.arange(1.0, len(median) + 1) if positions is None else np.asarray(positions, dtype=np.float64)
    return Series(name=name, positions=places, median=median, low=median, high=median, role=role)


def axes_of(display: CurveDisplay) -> Axes:
    ax = display.plot().ax_
    assert ax is not None
    return ax


def extent(text: Text) -> BboxBase:
    """Of the words alone: an annotation's own extent includes the thin leader to its point."""
    text.get_window_extent()  # puts an annotation's words in place
    return Text.get_window_extent(text)


def key_of(figure: Figure) -> list[str]:
    """The words of the key above the panels."""
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def words(ax: Axes) -> list[Text]:
    return [text for text in ax.texts if text.get_text()]


def test_the_lines_hold_the_numbers_given() -> None:
    display = double_descent()
    drawn = {str(one.get_label()): one for one in axes_of(display).lines}
    for series in display.series:
        assert np.array_equal(np.asarray(drawn[series.name].get_xdata()), series.positions)
        assert np.array_equal(np.asarray(drawn[series.name].get_ydata()), series.median)


def test_the_band_spans_low_to_high() -> None:
    display = double_descent()
    ax = axes_of(display)
    bands = [one for one in ax.collections if one.get_label() == "_band"]
    heights = np.asarray(bands[1].get_paths()[0].vertices, dtype=np.float64)[:, 1]
    assert np.min(heights) == display.series[1].low.min()
    assert np.max(heights) == display.series[1].high.max()


def test_the_frame_holds_every_number_in_order() -> None:
    display = double_descent()
    frame = display.frame()
    assert list(frame.columns) == ["series", "role", "position", "median", "low", "high"]
    for series in display.series:
        rows = frame[frame["series"] == series.name]
        for column, values in zip(
            ["position", "median", "low", "high"], [series.positions, *series.quantiles], strict=True
        ):
            assert np.array_equal(rows[column].to_numpy(), values)


def test_quantiles_are_numpys() -> None:
    values = np.random.default_rng(0).standard_normal((11, 7))
    series = series_from_replicates("test", np.arange(7), values, Role.TEST)
    assert np.array_equal(series.median, np.median(values, axis=0))
    assert np.array_equal(series.low, np.quantile(values, 0.1, axis=0))
    assert np.array_equal(series.high, np.quantile(values, 0.9, axis=0))


@pytest.mark.parametrize("hole", [np.nan, np.inf])
def test_a_position_that_one_replicate_lacks_is_a_gap(hole: float) -> None:
    values = np.ones((3, 4))
    values[1, 2] = hole
    series = series_from_replicates("test", np.arange(1, 5), values, Role.TEST)
    assert series.is_drawn.tolist() == [True, True, False, True]
    assert np.isnan(series.low[2])
    assert np.isnan(series.high[2])


def test_a_gap_is_in_line_and_band() -> None:
    values = np.array([1.0, 2.0, np.nan, 2.0, 1.0])
    series = Series(name="test", positions=np.arange(1.0, 6.0), median=values, low=values / 2, high=values * 2)
    ax = axes_of(CurveDisplay(title="", series=(series,)))
    assert np.isnan(np.asarray(ax.lines[0].get_ydata(), dtype=np.float64)[2])
    paths = next(one for one in ax.collections if one.get_label() == "_band").get_paths()
    corners = [np.asarray(path.vertices, dtype=np.float64) for path in paths]
    assert [(float(one[:, 0].min()), float(one[:, 0].max())) for one in corners] == [(1.0, 2.0), (4.0, 5.0)]


def test_a_number_between_two_gaps_is_still_seen() -> None:
    values = np.full(60, np.nan)
    values[30] = 2.0
    ax = axes_of(CurveDisplay(title="", series=(line("test", values),)))
    alone = next(one for one in ax.lines if one.get_label() == "_alone")
    assert np.asarray(alone.get_ydata()).tolist() == [2.0]


@pytest.mark.parametrize("narrow", [False, True], ids=["wide", "narrow"])
@pytest.mark.parametrize("alone", [False, True], ids=["on a page", "alone"])
def test_words_are_inside_and_apart(narrow: bool, alone: bool) -> None:
    figure = double_descent().figure(narrow=narrow, alone=alone)
    figure.draw_without_rendering()  # puts the key in place
    ax = figure.axes[0]
    inner, outer = ax.get_window_extent(), figure.bbox
    found = [(text, extent(text)) for text in words(ax)]
    marks = [
        box for text, box in found if text.get_text().replace("\n", " ").startswith(("classical", "peak", "second"))
    ]
    assert len(marks) == 3
    for box in marks:
        assert inner.x0 <= box.x0 < box.x1 <= inner.x1
        assert inner.y0 <= box.y0 < box.y1 <= inner.y1
    key = [text for legend in figure.legends for text in legend.get_texts()]
    for text in [*words(ax), *figure.texts, *key]:
        box = extent(text)
        assert outer.x0 <= box.x0 < box.x1 <= outer.x1, text
        assert outer.y0 <= box.y0 < box.y1 <= outer.y1, text
    for (one, a), (other, b) in combinations(found, 2):
        assert not a.overlaps(b), (one, other)


def test_words_stay_apart_where_landmarks_crowd() -> None:
    marks = tuple(Mark(position=float(size), value=1.0, label=f"mark {size}") for size in (100, 104, 108, 112))
    figure = double_descent(marks=marks).figure()
    boxes = [extent(text) for text in words(figure.axes[0]) if text.get_text().startswith("mark")]
    assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))


def test_names_of_lines_that_end_together_do_not_overlap() -> None:
    series = tuple(line(f"model {index}", np.full(50, 1.0 + index * 1e-3)) for index in range(6))
    ax = axes_of(CurveDisplay(title="", series=series))
    boxes = [extent(text) for text in words(ax) if "model" in text.get_text()]
    assert len(boxes) == 6
    assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))


def test_a_line_that_leaves_the_picture_says_so_at_its_end() -> None:
    display = double_descent()
    texts = [text.get_text() for text in words(axes_of(display))]
    assert "train < 0.01" in texts
    assert display.scales[1].low == 0.01


@pytest.mark.parametrize(
    ("values", "is_log", "note"),
    [
        ([1.0, 2.0, 3.0], True, ""),
        ([1.0, 0.0, 3.0], True, ""),
        ([1.0, -2.0, 3.0], False, "The vertical axis is linear, because 1 value is negative."),
        ([0.0, 0.0, 0.0], False, "The vertical axis is linear, because every value is zero."),
        ([np.nan, np.nan, np.nan], True, ""),
        ([1e-300, 1.0, 1e300], True, ""),
    ],
    ids=["positive", "a zero", "negative", "all zero", "undefined", "huge range"],
)
@pytest.mark.parametrize("role", [Role.TEST, Role.TRAIN], ids=["test", "train"])
def test_a_log_axis_that_cannot_be_becomes_linear_and_says_so(
    values: list[float], is_log: bool, note: str, role: Role
) -> None:
    display = CurveDisplay(title="", series=(line("test", values, role),))
    assert display.scales[1].is_log is is_log
    assert display.full_caption == note
    assert axes_of(display).get_yscale() == ("log" if is_log else "linear")
    assert display.svg()


def test_a_position_of_zero_makes_the_horizontal_axis_linear() -> None:
    display = CurveDisplay(title="", series=(line("test", [1.0, 2.0], positions=[0.0, 5.0]),))
    assert axes_of(display).get_xscale() == "linear"
    assert "cannot show position 0" in display.full_caption


@pytest.mark.parametrize("log", [True, False], ids=["log", "linear"])
def test_one_size_and_one_replicate(log: bool) -> None:
    display = CurveDisplay.from_values(
        title="", positions=np.array([7]), values={"test": (Role.TEST, np.array([[3.0]]))}, x_log=log, y_log=log
    )
    assert display.full_caption == "One replicate: no spread is known."
    assert np.asarray(axes_of(display).lines[0].get_ydata()).tolist() == [3.0]
    assert axes_of(display).lines[0].get_marker() == "o"
    assert "test: 3 at 7." in display.alternative_text


def test_undefined_throughout_is_named_in_the_key() -> None:
    display = CurveDisplay(title="", series=(line("test", [1.0, 2.0]), line("other", [np.nan, np.nan])))
    figure = display.figure()
    assert "other: undefined" in key_of(figure)


def test_the_threshold_is_drawn_with_its_interval_and_label() -> None:
    ax = axes_of(double_descent())
    mark = next(one for one in ax.lines if one.get_label() == "_threshold")
    assert np.asarray(mark.get_xdata()).tolist() == [200.0, 200.0]
    assert mark.get_linestyle() != "-"
    assert "interpolation threshold 200 (197 to 203)" in [text.get_text() for text in words(ax)]
    assert any(patch.get_label() == "_interval" for patch in ax.patches)


def test_a_threshold_outside_the_picture_is_told() -> None:
    display = double_descent(threshold=Threshold(position=9000.0, low=8000.0, high=9100.0))
    assert "Outside the picture: interpolation threshold 9,000 (8,000 to 9,100)." in display.full_caption
    assert not any(one.get_label() == "_threshold" for one in axes_of(display).lines)


def test_given_limits_are_kept_and_a_landmark_beyond_them_stays_at_the_edge() -> None:
    display = double_descent(y_limits=(0.1, 10.0))
    ax = axes_of(display)
    assert ax.get_ylim() == (0.1, 10.0)
    marks = [float(np.asarray(one.get_ydata())[0]) for one in ax.lines if one.get_label() == "_mark"]
    assert max(marks) == 10.0


def test_plot_on_given_axes() -> None:
    figure = Figure(figsize=(6, 4))
    ax = figure.subplots()
    display = double_descent()
    assert display.plot(ax) is display
    assert display.ax_ is ax
    assert display.figure_ is figure
    assert ax.get_legend() is not None  # no room beside the axes


def test_pyplot_is_not_touched() -> None:
    pyplot = sys.modules.get("matplotlib.pyplot")
    before = [] if pyplot is None else pyplot.get_fignums()
    double_descent().plot()
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert ([] if pyplot is None else pyplot.get_fignums()) == before


def test_a_dollar_sign_and_hostile_characters_are_text() -> None:
    name = "cost $x_1$ <b>&\u202e\x00"
    display = CurveDisplay(
        title=name, series=(line(name, [1.0, 2.0]),), x_label=name, y_label=name, caption=name,
        marks=(Mark(position=1.0, value=1.0, label=name),), regimes=(Band(low=1.0, high=2.0, label=name),),
        threshold=Threshold(position=1.5, low=1.5, high=1.5, label=name),
    )  # fmt: skip
    svg = display.svg(alone=True)
    assert "\u202e" not in svg
    assert "\x00" not in svg
    assert "cost $x_1$ &lt;b&gt;&amp;⟨U+202E⟩⟨U+0000⟩" in svg


def test_the_repr_draws_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CurveDisplay, "figure", None)
    assert "Double descent" in repr(double_descent())


def test_the_words_of_the_picture_hold_its_numbers() -> None:
    text = double_descent().alternative_text
    assert "interpolation threshold 200 (197 to 203)" in text
    assert "Marked: peak 1" in text
    assert "train: starts with" in text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"positions": np.array([2.0, 1.0])}, "strictly rising"),
        ({"positions": np.array([1.0, np.nan])}, "strictly rising"),
        ({"median": np.array([1.0])}, "`median` of series 'test' must hold one number"),
        ({"low": np.array([3.0, 3.0])}, "`low` of series 'test' must not exceed `high`"),
        ({"positions": np.array([])}, "non-empty"),
    ],
)
def test_unusable_series_get_a_sentence(changes: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        replace(line("test", [1.0, 2.0]), **changes)  # type: ignore[arg-type]


def test_other_unusable_arguments_get_a_sentence() -> None:
    with pytest.raises(InvalidArgument, match="at least one series"):
        CurveDisplay(title="", series=())
    with pytest.raises(InvalidArgument, match="`ax` must be the matplotlib Axes"):
        double_descent().plot("axes")
    with pytest.raises(InvalidArgument, match="positive"):
        double_descent(y_limits=(0.0, 1.0)).plot()
    with pytest.raises(InvalidArgument, match="rising"):
        double_descent(y_limits=(2.0, 1.0)).plot()
    with pytest.raises(InvalidArgument, match="`threshold`"):
        Threshold(position=1.0, low=2.0, high=3.0)
    with pytest.raises(InvalidArgument, match="band"):
        Band(low=2.0, high=1.0, label="critical")
    with pytest.raises(InvalidArgument, match="replicates x positions"):
        series_from_replicates("test", np.arange(2), np.ones((0, 2)), Role.TEST)


def test_series_of_one_role_carry_their_own_signs() -> None:
    names = ("ridge", "early stopping", "ensemble")
    series = tuple(line(name, np.full(50, 1.0 + 3 * place), Role.REMEDY) for place, name in enumerate(names))
    ax = axes_of(CurveDisplay(title="", series=series))
    assert [one.get_marker() for one in ax.lines] == ["", "s", "^"]
    assert [text.get_text() for text in words(ax)] == ["ridge", "■ early stopping", "▲ ensemble"]
