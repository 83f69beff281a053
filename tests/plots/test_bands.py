"""Regimes in pictures: where they are drawn, what is said of them, and how they differ without colour."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.contour import QuadContourSet
from matplotlib.patches import Rectangle

from benign.curves import find_landmarks
from benign.foundation.errors import InvalidArgument
from benign.plots import Band, CurveDisplay, HeatMapDisplay, Region
from benign.plots.style import CRITICAL_TINT
from benign.surface.displays import bands_of, curve_display, read_bands
from benign.surface.regimes import CriticalRange
from tests.plots.examples import double_descent, heat_map
from tests.plots.test_curve import words
from tests.surface.test_regimes import least_squares, planted

BANDS = (
    Band(low=0.0, high=120.0, label="under-parameterised"),
    Band(low=120.0, high=140.0, label="undecided", is_decided=False),
    Band(low=140.0, high=280.0, label="critical", is_critical=True),
    Band(low=280.0, high=np.inf, label="undecided", is_decided=False),
)


def axes_of(display: CurveDisplay | HeatMapDisplay) -> Axes:
    ax = display.plot().ax_
    assert ax is not None
    return ax


def spans(ax: Axes, label: str) -> list[tuple[float, float]]:
    found = [one for one in ax.patches if isinstance(one, Rectangle) and one.get_label() == label]
    return [(one.get_x(), one.get_x() + one.get_width()) for one in found]


def texts(ax: Axes) -> list[str]:
    return [one.get_text().replace("\n", " ") for one in words(ax)]


def test_a_critical_range_is_tinted_between_lines_and_an_undecided_one_hatched() -> None:
    ax = axes_of(double_descent(regimes=BANDS))
    assert spans(ax, "_critical") == [(140.0, 280.0)]
    assert spans(ax, "_undecided") == [(120.0, 140.0), (280.0, 2000.0)]  # infinity ends with the picture
    assert [line.get_xdata()[0] for line in ax.lines if line.get_label() == "_edge"] == [140.0, 280.0]  # type: ignore[index]
    looks: dict[object, tuple[object, str]] = {}
    looks |= {one.get_label(): (one.get_hatch(), to_hex(one.get_facecolor(), keep_alpha=True)) for one in ax.patches}
    assert looks["_critical"] == (None, f"{CRITICAL_TINT}ff")
    assert looks["_undecided"][0] == "////"
    assert looks["_undecided"][1].endswith("00")  # nothing but its lines


def test_what_lies_outside_the_picture_is_not_drawn() -> None:
    beyond = (Band(low=5000.0, high=np.inf, label="critical", is_critical=True), Band(low=0.0, high=2.0, label="early"))
    ax = axes_of(double_descent(regimes=beyond))
    assert (spans(ax, "_critical"), spans(ax, "_undecided")) == ([], [])
    assert "critical" not in texts(ax)


def test_bands_are_said_in_words() -> None:
    text = double_descent(regimes=BANDS).alternative_text
    assert "Shaded: critical 140 to 280." in text
    assert "Hatched: undecided 120 to 140. Hatched: undecided 280 or more." in text
    assert "under-parameterised" not in text  # it is not shaded
    assert Band(low=0.0, high=3.0, label="undecided").text == "undecided up to 3"


@pytest.mark.parametrize(
    ("start", "stop", "expected"),
    [
        (
            (60.0, 70.0),
            (140.0, 150.0),
            [(0, 60, "u"), (60, 70, "?"), (70, 140, "c"), (140, 150, "?"), (150, None, "o")],
        ),
        ((66.0, 66.0), (150.0, 150.0), [(0, 66, "u"), (66, 150, "c"), (150, None, "o")]),
        ((50.0, 120.0), (110.0, 200.0), [(0, 50, "u"), (50, 200, "?"), (200, None, "o")]),
        ((40.0, np.inf), (90.0, np.inf), [(0, 40, "u"), (40, None, "?")]),
        ((0.0, 40.0), (0.0, 90.0), [(0, 90, "?"), (90, None, "o")]),
    ],
)
def test_an_interval_of_an_edge_is_undecided(
    start: tuple[float, float], stop: tuple[float, float], expected: list[tuple[float, float | None, str]]
) -> None:
    found = CriticalRange(start=start, stop=stop, basis="size / threshold size", band=1.5, is_over_first=False)
    names = {"u": "under-parameterised", "o": "over-parameterised", "c": "critical", "?": "undecided"}
    bands = bands_of(found)
    assert [(one.low, one.high, one.label) for one in bands] == [
        (low, np.inf if high is None else high, names[key]) for low, high, key in expected
    ]
    assert [one.is_critical for one in bands] == [key == "c" for *_, key in expected]
    assert [one.is_decided for one in bands] == [key != "?" for *_, key in expected]


@pytest.mark.parametrize(
    ("dim", "rule", "first"),
    [
        ("size", "size / threshold size within 1/1.5 and 1.5", "under-parameterised"),
        ("time", "time / threshold time within 1/1.5 and 1.5", "under-parameterised"),
        ("samples", "EMC / n within 1/1.5 and 1.5", "over-parameterised"),
    ],
)
def test_a_curve_shades_its_regime_and_says_by_which_rule(dim: str, rule: str, first: str) -> None:
    values = {"size": range(10, 401, 10), "time": np.arange(1.0, 60.0), "samples": range(10, 401, 10)}
    axes = {"size": [100], "time": [10.0], "samples": [100]} | {dim: list(values[dim])}
    dataset = planted(
        lambda size, time, n: max(0.0, 1.0 - size * time / (10 * n)), axes["size"], axes["time"], axes["samples"]
    )
    section = dataset.isel({axis: 0 for axis in ("size", "time", "samples") if axis != dim})
    risk = section["test_loss"].transpose("replicate", dim).values
    landmarks = find_landmarks(section[dim].values.astype(float), risk, None, None)
    display = curve_display(section, "test_loss", dim, landmarks)
    assert f"Shaded: critical regime, {rule}; hatched: undecided." in display.caption
    assert display.regimes[0].label == first
    critical = next(band for band in display.regimes if band.is_critical)
    centre = np.sqrt(critical.low * critical.high)
    assert centre == pytest.approx(10.0 if dim == "time" else 100.0, rel=0.1)
    assert spans(axes_of(display), "_critical") == [(critical.low, critical.high)]


def test_a_curve_without_a_readable_regime_has_no_band() -> None:
    few = planted(least_squares, [50, 100, 200], replicates=3).isel(time=0, samples=0)
    assert read_bands(few, "size") == ((), "")
    constant = planted(least_squares, [50, 100, 200]).isel(time=0, samples=0)
    constant["train_loss_constant"] = 0.0 * constant["train_loss_constant"]
    assert read_bands(constant, "size") == ((), "")


def region(display: HeatMapDisplay, **changes: object) -> Region:
    """Critical about size x time = 400."""
    ratio = display.sizes[:, None] * display.times[None, :] / 400.0
    decided = np.ones(ratio.shape, dtype=np.bool_)
    decided[[2, 3], [4, 5]] = False
    arguments: dict[str, object] = {
        "label": "critical regime", "values": ratio, "low": 1 / 1.5, "high": 1.5, "is_decided": decided,
    }  # fmt: skip
    return Region(**(arguments | changes))  # type: ignore[arg-type]


def with_region(**changes: object) -> HeatMapDisplay:
    return heat_map(region=region(heat_map(), **changes))


def levels_of(contours: QuadContourSet) -> list[float]:
    return [float(one) for one in contours.levels]


def test_a_region_of_a_heat_map_is_outlined_where_its_ratio_says() -> None:
    display = with_region()
    ax = axes_of(display)
    lines = [one for one in ax.collections if isinstance(one, QuadContourSet) and one.get_label() == "critical regime"]
    levels = [levels_of(line)[0] for line in lines]
    assert levels == pytest.approx([1 / 1.5, 1.5])
    for level, line in zip(levels, lines, strict=True):
        corners = np.concatenate([np.asarray(path.vertices) for path in line.get_paths()])
        on_sizes = corners[np.isin(corners[:, 0], display.sizes)]  # straight in time there, as the ratio is
        assert len(on_sizes) >= 4
        assert np.allclose(on_sizes.prod(axis=1) / 400.0, level)
    filled = next(one for one in ax.collections if one.get_label() == "_region")
    assert isinstance(filled, QuadContourSet)
    assert filled.hatches == ["//"]
    assert levels_of(filled) == pytest.approx([1 / 1.5, 1.5])
    assert "critical regime" in texts(ax)


def test_undecided_cells_of_a_heat_map_are_ringed_counted_and_kept() -> None:
    display = with_region()
    ring = next(line for line in axes_of(display).lines if line.get_label() == "_undecided")
    assert np.asarray(ring.get_xydata()).tolist() == [[4.0, 30.0], [8.0, 100.0]]
    assert "Rings: 2 of 36 values for which that is undecided." in display.full_caption
    frame = display.frame()
    rows = frame[frame["layer"] == "undecided"]
    assert rows[["size", "time"]].to_numpy().tolist() == [[4.0, 30.0], [8.0, 100.0]]
    ratio = frame[frame["layer"] == "region"]
    assert display.region is not None
    assert np.array_equal(ratio["value"].to_numpy(), display.region.values.ravel())
    assert (ratio["low"].unique().tolist(), ratio["high"].unique().tolist()) == ([1 / 1.5], [1.5])


def test_a_region_is_said_in_words() -> None:
    """Ratios within 2/3 and 1.5: 32 x 10, 4 x 100, 16 x 30, 1 x 300, 2 x 300; of 8 x 100 = 2 none."""
    text = with_region().alternative_text
    assert "Region critical regime: 5 of 36 values lie in it, 2 are undecided; width = 1 to 2 at epochs = 300." in text


def test_a_region_that_is_nowhere_is_said_to_be() -> None:
    display = with_region(low=1e6, high=2e6, is_decided=np.ones((6, 7), dtype=np.bool_))
    assert "Nowhere in the picture: critical regime." in display.full_caption
    assert "Rings" not in display.full_caption
    assert "critical regime" not in texts(axes_of(display))


def test_a_region_of_one_row_has_no_outline() -> None:
    """Its ratio is known at one time alone, so that no line can be drawn through it."""
    values = np.full((6, 7), np.nan)
    values[:, 3] = np.linspace(0.1, 3.0, 6)
    display = with_region(values=values)
    axes_of(display)
    assert "Nowhere" not in display.full_caption


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"low": 2.0}, "`low` and `high` of region 'critical regime' must be two rising finite numbers"),
        (
            {"is_decided": np.ones((2, 2), dtype=np.bool_)},
            "`is_decided` of region 'critical regime' must have the shape",
        ),
        (
            {"values": np.ones((2, 2)), "is_decided": np.ones((2, 2), dtype=np.bool_)},
            "`values` of region 'critical regime' must be sizes x times, 6 x 7",
        ),
    ],
)
def test_bad_regions_get_a_sentence(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(InvalidArgument, match=sentence):
        with_region(**changes)
