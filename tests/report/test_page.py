"""The page: complete without scripts and without a network, whatever strings it is given."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benign.foundation.errors import InvalidArgument, OutputFailed
from benign.report import (
    GLOSSARY,
    Card,
    Page,
    Picture,
    Section,
    Table,
    render_page,
    section_of,
    table_of,
    write_page,
)
from tests.plots.examples import double_descent, fits, stack

VOID = {"meta", "img", "source", "br", "hr", "link", "input"}
HOSTILE = "</style></title><script>alert(1)</script><img src=x onerror=alert(1)>\" ' & {{ 7*7 }} \u202eabc\x00"
SHOWN = HOSTILE.replace("\u202e", "⟨U+202E⟩").replace("\x00", "⟨U+0000⟩")
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'


class Reader(HTMLParser):
    """Elements, attributes and text of a page; fails on a tag that is not closed in order."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.texts: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def text_of(self, tag: str) -> list[str]:
        return [text for name, text in self.texts if name == tag]


def read(page: Page) -> Reader:
    reader = Reader()
    reader.feed(render_page(page))
    assert reader.open == []
    return reader


def page_of(text: str) -> Page:
    """A page with the same text in every field."""
    card = Card(verdict="fails", claim=text, detail=text, test=text, paper=text, link="https://example.org/?a=1&b=2")
    table = Table(columns=(text, text), rows=((text, text),), caption=text)
    section = Section(
        heading=text, picture=Picture(wide=SVG, narrow=SVG), alternative_text=text, sentence=text, table=table,
        cards=(card,), note=text,
    )  # fmt: skip
    return Page(
        title=text, strip=(text, text), question=text, headline=text, lede=text, cards=(card,), sections=(section,),
        provenance=((text, text),), command=text, glossary=((text, text),), trust=(text,),
    )  # fmt: skip


def test_hostile_strings_are_shown_and_make_no_element() -> None:
    hostile, plain = read(page_of(HOSTILE)), read(page_of("plain"))
    assert [tag for tag, _ in hostile.elements] == [tag for tag, _ in plain.elements]
    assert [sorted(attributes) for _, attributes in hostile.elements] == [
        sorted(attributes) for _, attributes in plain.elements
    ]
    shown = [text for text in hostile.text_of("bdi") if text == SHOWN]
    assert len(shown) == len([text for text in plain.text_of("bdi") if text == "plain"]) > 20
    assert hostile.text_of("title") == [SHOWN]
    assert hostile.all("img")[0]["alt"] == SHOWN
    html = render_page(page_of(HOSTILE))
    assert "\x00" not in html
    assert "\u202e" not in html


def test_every_user_string_is_set_apart_in_direction() -> None:
    outside = [tag for tag, text in read(page_of("plain")).texts if text == "plain" and tag != "bdi"]
    assert outside == ["title"]


def test_the_policy_allows_this_style_sheet_and_nothing_else() -> None:
    html = render_page(page_of("plain"))
    reader = read(page_of("plain"))
    content = next(one["content"] for one in reader.all("meta") if one.get("http-equiv") == "Content-Security-Policy")
    css = html.split("<style>")[1].split("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    assert content == (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    assert reader.text_of("style") == [css]
    assert "&#" not in css
    assert "&quot;" not in css


def test_no_script_no_inline_style_no_request() -> None:
    reader = read(page_of("plain"))
    assert not {"script", "link", "iframe", "object", "form", "base"} & {tag for tag, _ in reader.elements}
    for tag, attributes in reader.elements:
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "srcset"):
            assert attributes.get(name, "data:").startswith("data:"), tag
        if tag == "a":
            assert attributes["href"].startswith(("https://", "data:text/csv", "#words"))
        else:
            assert "href" not in attributes
    css = "".join(reader.text_of("style"))
    assert "url(" not in css
    assert "@import" not in css


@pytest.mark.parametrize(
    "page",
    [Page(title="t", headline="Nothing yet"), page_of("plain"), Page(title="t", headline="h", cards=(), sections=())],
    ids=["empty", "full", "no cards, no sections"],
)
def test_absent_parts_leave_no_empty_shells(page: Page) -> None:
    reader = read(page)
    assert reader.all("h1") == [{}]
    for tag in ("ul", "dl", "figure", "table", "section", "p", "pre"):
        assert f"<{tag}></{tag}>" not in render_page(page)
    if not page.sections:
        assert {tag for tag, _ in reader.elements} & {"section", "figure", "table", "dl"} == set()


def test_a_section_of_words_alone() -> None:
    reader = read(Page(title="t", headline="h", sections=(Section(heading="Why?", sentence="Because."),)))
    assert not reader.all("img")
    assert "Because." in reader.text_of("bdi")


@pytest.mark.parametrize(("verdict", "sign"), [("holds", "✓"), ("fails", "✗"), ("undecided", "?")])
def test_a_verdict_is_sign_word_and_colour(verdict: str, sign: str) -> None:
    card = Card(verdict=verdict, claim="Claim.")  # type: ignore[arg-type]
    reader = read(Page(title="t", headline="h", cards=(card,)))
    assert reader.all("li")[0]["class"] == f"card {verdict}"
    assert [text.strip() for text in reader.text_of("span") + reader.text_of("p")][:2] == [sign, verdict]


def test_headings_rise_by_one_and_order_is_the_readers() -> None:
    reader = read(page_of("plain"))
    assert [tag for tag, _ in reader.elements if re.fullmatch("h[1-6]", tag)] == ["h1", "h2", "h2", "h2", "h2"]
    html = render_page(page_of("plain"))
    body = html.index("<body>")
    places = [html.index(word, body) for word in ('"strip"', '"question"', "<h1>", '"lede"', '"card fails"', "<figure>",
                                                  "How far to trust", "Do it again", "The words")]  # fmt: skip
    assert places == sorted(places)


@pytest.mark.parametrize("make", [double_descent, stack, fits], ids=["curve", "stack", "fits"])
def test_a_displays_section_is_complete(make: object) -> None:
    display = make()  # type: ignore[operator]
    page = Page(title="t", headline="h", sections=(section_of(display, heading="Where?", sentence="There."),))
    reader = read(page)
    (image,) = reader.all("img")
    (source,) = reader.all("source")
    assert image["alt"] == display.alternative_text
    for address in (image["src"], source["srcset"]):
        kind, data = address.split(",")
        assert kind == "data:image/svg+xml;base64"
        assert ET.fromstring(base64.b64decode(data)).tag.endswith("svg")
    rows = len(reader.all("tr")) - 1
    assert rows == len(display.frame()) or 380 <= rows <= 400
    assert render_page(page) == render_page(page)


def test_a_long_table_keeps_its_extremes_and_says_so() -> None:
    display = double_descent(count=2000)
    table = table_of(display)
    assert len(table.rows) <= 400
    assert f"of {len(display.frame()):,} rows" in table.caption
    for name, rows in display.frame().groupby("series"):
        shown = [float(row[3]) for row in table.exact if row[0] == name]
        assert max(shown) == rows["median"].max()
        assert min(shown) == rows["median"].min()


def test_the_csv_holds_the_cells_and_computes_nothing() -> None:
    cells = ("=1+1", "@x", "-0.5", "-a", "1e-3", "a,b")
    table = Table(columns=tuple("abcdef"), rows=(cells,))
    reader = read(Page(title="t", headline="h", sections=(Section(heading="q", table=table),)))
    (link,) = reader.all("a")
    text = base64.b64decode(link["href"].split(",")[1]).decode()
    assert text == "a,b,c,d,e,f\n'=1+1,'@x,-0.5,'-a,1e-3,\"a,b\"\n"


def test_the_csv_of_a_display_gives_its_numbers_back() -> None:
    display = double_descent()
    table = table_of(display)
    frame = display.frame()
    for place, name in enumerate(frame.columns):
        cells = [row[place] for row in table.exact]
        assert cells == [str(value) for value in frame[name]]
    assert [float(row[3]) for row in table.exact] == frame["median"].tolist()


def test_a_command_keeps_its_lines() -> None:
    reader = read(Page(title="t", headline="h", command="benign demo\nbenign figure x"))
    assert reader.text_of("bdi")[-1] == "benign demo\nbenign figure x"


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Page(title="t", headline="word " * 21), "1 to 20 words, got 21"),
        (lambda: Page(title="t", headline=" "), "1 to 20 words, got 0"),
        (lambda: Card(verdict="true", claim="c"), "verdict"),  # type: ignore[arg-type]
        (lambda: Card(verdict="holds", claim="c", link="javascript:alert(1)"), "https://"),
        (lambda: Card(verdict="holds", claim="c", link="https://example.org/" + HOSTILE), "https://"),
        (lambda: Table(columns=("a",), rows=(("1",),) * 401), "at most 400"),
        (lambda: Table(columns=("a",), rows=(("1", "2"),)), "1 cells each"),
    ],
)
def test_unusable_parts_get_a_sentence(make: object, message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        make()  # type: ignore[operator]


def test_the_file_is_the_rendered_page(tmp_path: Path) -> None:
    path = write_page(page_of("plain"), tmp_path / "new" / "report.html")
    assert path.read_text(encoding="utf-8") == render_page(page_of("plain"))
    assert [one.name for one in path.parent.iterdir()] == ["report.html"]


def test_a_folder_that_cannot_be_written_gets_a_sentence_and_no_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    with pytest.raises(OutputFailed, match="cannot be written"):
        write_page(page_of("plain"), tmp_path / "file" / "report.html")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_style_has_contrast_and_no_fixed_width() -> None:
    from tests.plots.test_style import contrast

    css = "".join(read(page_of("plain")).text_of("style"))
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", css))
    grounds = {"holds": "holds-ground", "fails": "fails-ground", "undecided": "undecided-ground"}
    for name in ("ink", "muted", "link", "holds", "fails", "undecided"):
        for ground in {"ground", "raised", grounds.get(name, "ground")}:
            assert contrast(colours[name], colours[ground]) >= 4.5, (name, ground)
    for ground in grounds.values():
        for name in ("ink", "muted", "link"):
            assert contrast(colours[name], colours[ground]) >= 4.5, (name, ground)
    assert not re.findall(r"[^-]width: \d{3,}px", css)


def test_the_glossary_explains_the_words_of_the_pictures() -> None:
    words = {word for word, _ in GLOSSARY}
    assert {"interpolation threshold", "classical minimum", "peak", "second descent", "double descent"} <= words
