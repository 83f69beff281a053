"""Displays as Altair charts: valid Vega-Lite that holds exactly the numbers of ``frame``."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benign.foundation.errors import MissingExtra
from benign.plots import CurveDisplay, Display, Region, Role, ScatterDisplay, StackedDisplay, series_from_replicates
from benign.plots.style import CONDITION_LOOKS, CRITICAL_TINT, LOOKS
from tests.optional import needs
from tests.plots import examples

EXAMPLES = ["double_descent", "stack", "fits", "heat_map", "plane", "scatter"]


@pytest.fixture(autouse=True)
def needs_altair() -> None:
    needs(
        "altair",
        importlib.util.find_spec("altair") is not None,
        'Altair is not installed: pip install "benign[altair]"',
    )


@cache
def example(name: str) -> Display:
    display: Display = getattr(examples, name)()
    return display


@cache
def specification(display: Display) -> dict[str, Any]:
    return display.to_altair().to_dict()  # checks it against the schema of Vega-Lite


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as JSON can hold them."""
    known = frame.replace([np.inf, -np.inf], np.nan)
    rows: Any = known.astype(object).where(known.notna(), None).to_dict("records")
    return rows


def inside(part: object) -> Iterator[dict[str, Any]]:
    """Every mapping in a specification."""
    if isinstance(part, dict):
        yield part
    for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from inside(inner)


def encodings(display: Display, channel: str) -> list[dict[str, Any]]:
    return [one[channel] for one in inside(specification(display)) if isinstance(one.get(channel), dict)]


def scale_types(display: Display, channel: str) -> set[str]:
    return {one["scale"]["type"] for one in encodings(display, channel) if "scale" in one}


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_chart_holds_exactly_the_numbers_of_the_frame(name):
    display = example(name)
    tables = list(specification(display)["datasets"].values())
    if isinstance(display, StackedDisplay):
        assert all(records(panel.frame()) in tables for panel in display.panels)
    else:
        assert records(display.frame()) in tables


@pytest.mark.parametrize("name", EXAMPLES)
def test_title_caption_and_axes_are_those_of_the_picture(name):
    display = example(name)
    title = specification(display)["title"]
    assert title["text"] == display.title
    assert " ".join(title["subtitle"]) == display.full_caption
    one = display.panels[0] if isinstance(display, StackedDisplay) else display
    labels = {axis.get("title") for axis in encodings(display, "x")}
    assert labels - {None} == {one.x_label}  # type: ignore[attr-defined]


def test_every_display_has_a_chart():
    assert {type(example(name)) for name in EXAMPLES} == set(Display.__subclasses__())


def test_axes_are_logarithmic_where_the_picture_is():
    assert scale_types(example("double_descent"), "x") == scale_types(example("double_descent"), "y") == {"log"}
    linear = examples.double_descent(x_log=False, y_log=False)
    assert scale_types(linear, "x") == scale_types(linear, "y") == {"linear"}
    assert scale_types(examples.double_descent(y_log=False), "x") == {"log"}
    narrow = examples.heat_map(x_log=False, value_log=True)
    assert [scale_types(narrow, channel) for channel in ("x", "y", "color")] == [{"linear"}, {"log"}, {"log"}]
    assert scale_types(example("scatter"), "x") == scale_types(example("scatter"), "y") == {"log"}


def test_roles_have_the_colours_of_the_house_in_the_order_of_the_series():
    display = example("double_descent")
    for colour in encodings(display, "color"):
        assert colour["scale"]["domain"] == ["train", "test", "test, tuned ridge"]
        assert colour["scale"]["range"] == [LOOKS[role].colour for role in (Role.TRAIN, Role.TEST, Role.REMEDY)]


def test_conditions_keep_their_order_and_looks():
    positions, values = np.array([1.0, 2.0, 4.0]), np.ones((3, 3))
    names = ["noise 20 %", "noise 0 %", "noise 10 %"]
    series = [
        series_from_replicates(name, positions, values, Role.TEST, condition=condition)
        for condition, name in enumerate(names)
    ]
    display = CurveDisplay(title="Noise", series=tuple(series))
    (colour, *_), (dashes, *_) = encodings(display, "color"), encodings(display, "strokeDash")
    assert colour["scale"] == {"domain": names, "range": [look.colour for look in CONDITION_LOOKS[:3]]}
    assert dashes["scale"]["domain"] == names
    assert dashes["scale"]["range"][0] == [1, 0]
    assert dashes["scale"]["range"][1] == pytest.approx([11.0, 3.2])


def test_marks_threshold_and_regimes_are_there():
    display = examples.double_descent()
    rows = [row for table in specification(display)["datasets"].values() for row in table]
    assert [row["label"] for row in rows if "piece" in row] == [mark.text for mark in display.marks]
    assert [(row["x"], row["y"]) for row in rows if "piece" in row] == [(m.position, m.value) for m in display.marks]
    assert [row for row in rows if row.get("text") == "interpolation threshold 200 (197 to 203)"] == [
        {"position": 200.0, "text": "interpolation threshold 200 (197 to 203)", "low": 197.0, "high": 203.0}
    ]
    (critical,) = [row for row in rows if row.get("tint") == CRITICAL_TINT]
    assert critical == {"low": 133.0, "high": 300.0, "tint": CRITICAL_TINT, "name": "critical"}
    assert [row["high"] for row in rows if row.get("name") == "over-parameterised"] == [2000.0]  # of the axis


def test_panels_share_the_axis_and_say_once_what_they_share():
    stacked = specification(example("stack"))
    assert len(stacked["vconcat"]) == 2
    first, second = stacked["vconcat"]
    domains = [one["x"]["scale"]["domain"] for one in inside(stacked) if "scale" in str(one.get("x", ""))]
    assert set(map(tuple, domains)) == {(4.0, 2000.0)}
    assert [one for one in inside(first) if one.get("legend")]
    assert not [one for one in inside(second) if one.get("legend")]
    assert not [layer for layer in second["layer"] if layer["encoding"].get("text", {}).get("field") == "text"]


def test_parts_of_a_heat_map_are_layers_over_its_cells():
    plain = examples.heat_map()
    ratio = np.linspace(0.1, 3.0, plain.values.size).reshape(plain.values.shape)
    decided = np.ones(ratio.shape, dtype=bool)
    decided[2, 3] = False
    region = Region(label="critical", values=ratio, low=0.67, high=1.5, is_decided=decided)
    display = examples.heat_map(region=region)
    rows = [row for table in specification(display)["datasets"].values() for row in table]
    lines = {row["label"] for row in rows if "piece" in row}
    assert lines == {"training error 0.1", "critical"}
    cells = {(row["time"], row["time_low"], row["time_high"]) for row in rows if "time_low" in row}
    edges = display.edges[1]
    assert cells == set(zip(plain.times[1:], edges[:-1], edges[1:], strict=True))  # a time of 0 has no cell
    marks = {layer["mark"]["type"] for layer in specification(display)["layer"]}
    assert marks == {"rect", "point", "line", "rule", "text"}


def test_a_line_of_many_sizes_is_drawn_whole():
    sizes = np.arange(1.0, 8001.0)
    display = CurveDisplay.from_values(
        title="", positions=sizes, values={"test": (Role.TEST, np.sin(sizes) + np.ones((4, 1)) * 2)}
    )
    assert "Drawn:" in display.full_caption
    chart = specification(display)
    assert "Drawn:" not in str(chart["title"])
    assert 8000 in {len(table) for table in chart["datasets"].values()}


def test_gaps_and_infinities_are_null():
    values = np.array([[1.0, np.nan, np.inf, 2.0]])
    display = CurveDisplay.from_values(title="", positions=np.arange(1.0, 5.0), values={"test": (Role.TEST, values)})
    (table,) = specification(display)["datasets"].values()
    assert [row["median"] for row in table] == [1.0, None, None, 2.0]


def test_a_line_beside_the_diagonal_is_drawn_where_it_crosses_the_picture():
    display = ScatterDisplay(title="", points=examples.scatter().points)
    low, high = display.span(1.0) or (0.0, 0.0)
    rows = [row for table in specification(display)["datasets"].values() for row in table if "piece" in row]
    assert [(row["x"], row["y"]) for row in rows][:2] == [(low, low), (high, high)]


def test_without_altair_a_sentence_says_what_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "altair", None)
    with pytest.raises(
        MissingExtra, match=r"^`to_altair` needs the package 'altair'.*pip install \"benign\[altair\]\"$"
    ):
        examples.stack().to_altair()
