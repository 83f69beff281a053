"""Small multiples: one horizontal axis, one threshold, and fits that may explode."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from benign.foundation.errors import InvalidArgument
from benign.plots import CurveDisplay, FitPanel, FitsDisplay, Role, Series, StackedDisplay
from tests.plots.examples import double_descent, fits, stack


def norm() -> CurveDisplay:
    ones = np.ones(3)
    series = Series(name="norm", positions=np.array([10.0, 3000.0, 9000.0]), median=ones, low=ones, high=ones,
                    role=Role.NORM)  # fmt: skip
    return CurveDisplay(title="", series=(series,), y_label="norm")


def test_panels_share_the_axis_and_align_the_threshold() -> None:
    display = StackedDisplay(title="", panels=(double_descent(), norm(), double_descent())).plot()
    assert len(display.axes_) == 3
    assert display.ax_ is display.axes_[0]
    assert {ax.get_xlim() for ax in display.axes_} == {(4.0, 9000.0)}
    assert len({(ax.get_position().x0, ax.get_position().x1) for ax in display.axes_}) == 1
    places = {
        float(ax.transData.transform((200.0, 1.0))[0])
        for ax in display.axes_
        if any(one.get_label() == "_threshold" for one in ax.lines)
    }
    assert len(places) == 1


def test_only_the_topmost_panel_names_threshold_and_regimes() -> None:
    first, second = stack().plot().axes_
    texts = [text.get_text() for text in second.texts]
    assert not [text for text in texts if "threshold" in text or "critical" in text]
    assert [text.get_text() for text in first.texts if "threshold" in text.get_text()]


def test_stacked_numbers_are_named_by_panel() -> None:
    frame = stack().frame()
    assert frame["panel"].unique().tolist() == ["loss", "error"]
    assert len(frame) == 2 * len(double_descent().frame())


def test_a_caption_is_said_once() -> None:
    caption = stack().full_caption
    assert caption == double_descent().caption


def test_the_fit_and_the_points_are_drawn_as_given() -> None:
    display = fits().plot()
    for ax, panel in zip(display.axes_, display.panels, strict=True):
        drawn = {str(one.get_label()): np.asarray(one.get_ydata()) for one in ax.lines}
        assert np.array_equal(drawn["fit"], panel.fit)
        assert np.array_equal(drawn["training points"], display.train_targets)
        assert display.truth is not None
        assert np.array_equal(drawn["truth"], display.truth)


def test_an_exploding_fit_does_not_stretch_the_axis() -> None:
    display = fits().plot()
    low, high = display.axes_[1].get_ylim()
    assert -2 < low < high < 2
    assert "leaves the picture" in display.alternative_text


def test_the_frame_of_fits_holds_the_others_and_their_quantiles() -> None:
    display = fits()
    frame = display.frame()
    panel = display.panels[0]
    assert panel.others is not None
    rows = frame[(frame["panel"] == "degree 2") & (frame["curve"] == "median")]
    assert np.array_equal(rows["y"].to_numpy(), np.median(panel.others, axis=0))
    assert f"other {len(panel.others)}" in set(frame["curve"])


def test_wrong_numbers_of_axes_and_points_get_a_sentence() -> None:
    for display in (stack(), fits()):
        with pytest.raises(InvalidArgument, match="must hold 2 axes"):
            display.plot([Figure().subplots()])
    with pytest.raises(InvalidArgument, match="at least one display"):
        StackedDisplay(title="", panels=())
    with pytest.raises(InvalidArgument, match="one value for each of the 3 grid points"):
        FitsDisplay(
            title="", grid=np.arange(3.0), train_inputs=np.ones(1), train_targets=np.ones(1),
            panels=(FitPanel(label="degree 1", fit=np.ones(2)),),
        )  # fmt: skip


def test_given_axes_are_used() -> None:
    axes = Figure().subplots(2)
    display = stack().plot(list(axes))
    assert display.axes_ == tuple(axes)
    axes = Figure().subplots(2)
    assert fits().plot(list(axes)).axes_ == tuple(axes)
