"""Pictures as text and files: the same bytes each time, whole or absent."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from fontTools.ttLib import TTFont
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from benign.foundation.errors import InvalidArgument, OutputFailed
from benign.foundation.output import is_ours
from benign.plots import Display, save
from benign.plots.style import INK, MUTED, TEXT_POINTS
from tests.plots.examples import double_descent, fits, heat_map, plane, scatter, stack

DISPLAYS = pytest.mark.parametrize(
    "make",
    [double_descent, stack, fits, heat_map, plane, scatter],
    ids=["curve", "stack", "fits", "heat map", "plane", "scatter"],
)


@DISPLAYS
def test_svg_is_the_same_each_time_and_well_formed(make: Callable[[], Display]) -> None:
    first = make().svg()
    assert first == make().svg()
    root = ET.fromstring(first)
    assert root.tag.endswith("svg")
    assert "<style" not in first
    assert not re.search(r"20\d\d-\d\d-\d\d", first)


def test_the_users_own_settings_change_nothing_and_stay() -> None:
    import matplotlib as mpl

    plain = double_descent().svg()
    own: dict[Any, Any] = {"axes.grid": True, "lines.linewidth": 9.0, "font.size": 20.0, "xtick.direction": "in"}
    with mpl.rc_context(own):
        assert double_descent().svg() == plain
        assert {name: mpl.rcParams[name] for name in own} == own


def test_the_style_can_be_had_for_the_users_own_figures() -> None:
    from matplotlib import style

    with style.context("benign.plots.house"):
        figure = Figure()
        ax = figure.subplots()
        ax.plot([1, 2], label="a")
        assert to_hex(ax.yaxis.label.get_color()) == INK
        assert to_hex(ax.spines["left"].get_edgecolor()) == MUTED
        assert ax.legend().get_texts()[0].get_fontsize() == TEXT_POINTS


@DISPLAYS
def test_text_stays_text(make: Callable[[], Display]) -> None:
    svg = make().svg(alone=True)
    assert make().title in re.findall(r"<text[^>]*>([^<]*)</text>", svg)


@DISPLAYS
def test_the_notebook_gets_an_image_with_words(make: Callable[[], Display]) -> None:
    html = make()._repr_html_()
    assert html.startswith('<svg role="img" aria-label="')
    assert make().title in html.split('aria-label="')[1].split('"')[0]


@DISPLAYS
def test_plot_draws_on_what_it_is_given_or_a_new_figure(make: Callable[[], Display]) -> None:
    new, given = make().plot(), Figure()
    assert new.figure_ is not None
    assert new.axes_ == tuple(new.figure_.axes)
    panels = getattr(new, "panels", None)
    axes = given.subplots(1 if panels is None else len(panels), squeeze=False)[:, 0]
    drawn = make()
    assert drawn.plot(axes[0] if panels is None else list(axes)) is drawn
    assert (drawn.ax_, drawn.axes_, drawn.figure_) == (axes[0], tuple(axes), given)
    assert all(ax.has_data() for ax in axes)


@DISPLAYS
def test_narrow_is_narrower_and_has_the_same_numbers(make: Callable[[], Display]) -> None:
    wide, narrow = make().figure(), make().figure(narrow=True)
    assert narrow.get_size_inches()[0] < wide.get_size_inches()[0] / 2
    assert len(narrow.axes) == len(wide.axes)


@DISPLAYS
def test_files_are_written_and_are_the_same_each_time(make: Callable[[], Display], tmp_path: Path) -> None:
    first = save(make(), tmp_path / "new" / "figure 1.5")
    second = save(make(), tmp_path / "again")
    assert [path.name for path in first] == ["figure 1.5.png", "figure 1.5.svg", "figure 1.5.pdf"]
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()
    assert sorted(path.name for path in first[0].parent.iterdir()) == sorted(path.name for path in first)


def test_a_pdf_embeds_whole_letters_and_nothing_that_shapes_text(tmp_path: Path) -> None:
    from fontTools import subset

    load = subset.load_font
    (path,) = save(double_descent(), tmp_path / "figure", formats=("pdf",))
    assert subset.load_font is load
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", path.read_bytes(), re.DOTALL)
    inflated = [zlib.decompress(one) if one.startswith(b"x") else one for one in streams]
    fonts = [set(TTFont(io.BytesIO(one)).keys()) for one in inflated if one.startswith(b"\0\1\0\0")]
    assert len(fonts) >= 2  # plain and bold
    for tables in fonts:
        assert {"glyf", "hmtx", "cmap"} <= tables
        assert not {"GDEF", "GPOS", "GSUB", "MATH", "kern"} & tables


def test_a_folder_that_cannot_be_written_gets_a_sentence_and_no_file(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("kept")
    with pytest.raises(OutputFailed, match="cannot be written"):
        save(double_descent(), blocked / "figure")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert blocked.read_text() == "kept"


def test_a_write_that_fails_midway_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (path,) = save(double_descent(), tmp_path / "figure", formats=("svg",))
    before = path.read_bytes()

    def full(*arguments: object, **_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputFailed, match="No space left"):
        save(fits(), tmp_path / "figure", formats=("svg",))
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["figure.svg"]


def test_pictures_carry_the_mark_and_those_of_others_stay(tmp_path: Path) -> None:
    files = save(double_descent(), tmp_path / "figure")
    assert all(is_ours(file) for file in files)
    assert save(fits(), tmp_path / "figure", only_ours=True) == files
    files[2].write_text("mine", encoding="utf-8")
    before = [file.read_bytes() for file in files]
    with pytest.raises(OutputFailed, match=r"figure\.pdf was not written by benign and stays as it is; move it away"):
        save(double_descent(), tmp_path / "figure", only_ours=True)
    assert [file.read_bytes() for file in files] == before


def test_an_unknown_format_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="`formats` must be among png, svg, pdf, got 'jpg'"):
        save(double_descent(), tmp_path / "figure", formats=("png", "jpg"))
    assert not list(tmp_path.iterdir())


def test_importing_the_displays_loads_no_drawing_library() -> None:
    code = "import sys, benign.plots; print(sorted({'matplotlib', 'pandas', 'xarray'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
