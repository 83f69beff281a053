"""What stands on a page: an answer, verdicts, pictures with one sentence each, and how to do it again."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from benign.foundation.errors import invalid
from benign.foundation.number_words import format_number, format_position
from benign.plots.display import Display

Verdict = Literal["holds", "fails", "undecided"]
MAX_ROWS = 400
_ADDRESS = re.compile(r"https://[!#-;=?-~]+")  # printable, without quotes, spaces and angle brackets
MAX_HEADLINE_WORDS = 20


@dataclass(frozen=True, kw_only=True)
class Card:
    """A finding on the page: a claim with its verdict.

    Attributes:
        verdict: "holds", "fails" or "undecided"; shown as sign, word and colour.
        claim: what was tested, in one sentence.
        detail: effect and interval, in words.
        test: how it was tested, on how many replicates, and the paper's number beside ours; folded away.
        paper: where the claim was made, such as "Belkin et al. 2019, Fig. 2"; empty for none.
        link: address of the paper, https only; empty for none.
    """

    verdict: Verdict
    claim: str
    detail: str = ""
    test: str = ""
    paper: str = ""
    link: str = ""

    def __post_init__(self) -> None:
        if self.verdict not in ("holds", "fails", "undecided"):
            raise invalid("verdict", f"must be holds, fails or undecided, got {self.verdict!r}.")
        if self.link and not _ADDRESS.fullmatch(self.link):
            raise invalid("link", f"must be a plain address that starts with https://, got {self.link!r}.")


@dataclass(frozen=True, kw_only=True)
class Table:
    """Numbers behind a picture, at most 400 rows, folded away until asked for unless the table is the answer.

    Attributes:
        columns: their names.
        rows: cells as a reader reads them.
        caption: what the rows are.
        exact: the same cells with all digits, as a program reads them, for the CSV file; empty to use ``rows``.
        is_open: shown at once, its cells in words.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""
    exact: tuple[tuple[str, ...], ...] = ()
    is_open: bool = False

    def __post_init__(self) -> None:
        if len(self.rows) > MAX_ROWS:
            raise invalid(
                "rows",
                f"of a table on the page must be at most {MAX_ROWS}, got {len(self.rows):,}; offer them as a file.",
            )
        for row in (*self.rows, *self.exact):
            if len(row) != len(self.columns):
                raise invalid("rows", f"must hold {len(self.columns)} cells each, got {len(row)}.")


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One picture in two widths, as SVG text; without ``narrow`` phones get the wide one, smaller."""

    wide: str
    narrow: str = ""


@dataclass(frozen=True, kw_only=True)
class Section:
    """One question with its picture and the one sentence that says what to see in it.

    Attributes:
        heading: the question, such as "Where is the peak, and is it where theory says?".
        picture: SVG text, or a :class:`Picture` that has one for phones too; empty for none.
        alternative_text: the picture in words.
        sentence: stands beneath the picture.
        table: the numbers, or None.
        cards: findings that belong to this picture.
        note: small print beneath the sentence, such as what line and band are.
    """

    heading: str
    picture: Picture | str = ""
    alternative_text: str = ""
    sentence: str = ""
    table: Table | None = None
    cards: tuple[Card, ...] = ()
    note: str = ""

    @property
    def svg(self) -> Picture:
        """The picture with its widths."""
        return Picture(wide=self.picture) if isinstance(self.picture, str) else self.picture


@dataclass(frozen=True, kw_only=True)
class Page:
    """The page, in the order in which it is read.

    Attributes:
        title: the document's title.
        strip: what was measured, in catchwords: name, source, procedure, n, label noise, replicates, scale, date.
        question: what the page answers, in the reader's words.
        headline: the answer in at most 20 words.
        lede: three to five numbers, in a sentence or two.
        cards: the findings.
        sections: pictures, one question each.
        provenance: name and value of everything needed to do it again: seed, versions, commit, device, seconds.
        command: the command that makes this page.
        glossary: word and meaning; see :data:`benign.report.GLOSSARY`.
        trust: sentences on how far to trust this: what failed, what was tuned on what, mean against median.
    """

    title: str
    strip: tuple[str, ...] = ()
    question: str = ""
    headline: str
    lede: str = ""
    cards: tuple[Card, ...] = ()
    sections: tuple[Section, ...] = ()
    provenance: tuple[tuple[str, str], ...] = ()
    command: str = ""
    glossary: tuple[tuple[str, str], ...] = ()
    trust: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        words = len(self.headline.split())
        if not 1 <= words <= MAX_HEADLINE_WORDS:
            raise invalid(
                "headline", f"must have 1 to {MAX_HEADLINE_WORDS} words, got {words}; move the rest to the lede."
            )


def picture_of(display: Display) -> Picture:
    """A display's picture for the page, wide and narrow, without the title that the section's heading repeats."""
    return Picture(wide=display.svg(), narrow=display.svg(narrow=True))


def section_of(
    display: Display, *, heading: str, sentence: str, cards: tuple[Card, ...] = (), table: bool = True
) -> Section:
    """The section of a display: its picture in two widths, its words, its numbers and its caption."""
    return Section(
        heading=heading,
        picture=picture_of(display),
        alternative_text=display.alternative_text,
        sentence=sentence,
        table=table_of(display) if table else None,
        cards=cards,
        note=str(getattr(display, "full_caption", getattr(display, "caption", ""))),
    )


def table_of(display: Display, *, limit: int = MAX_ROWS) -> Table:
    """The numbers of a display; where there are more than ``limit`` rows, evenly spaced ones, and the caption says so.

    Always among them: the first and the last row, and each series' smallest and largest values (only those of all
    series together where the series are too many for that).
    """
    frame = display.frame()
    columns = tuple(str(name) for name in frame.columns)
    cells = [list(frame[name]) for name in frame.columns]
    count = len(frame)
    kept, caption = list(range(count)), f"All {count:,} rows."
    if count > limit:
        numbers = frame.select_dtypes("number").to_numpy(dtype=np.float64)
        words = [tuple(row) for row in frame.select_dtypes(exclude="number").to_numpy()]
        kept, of = _spaced(numbers, words, limit)
        caption = f"{len(kept)} of {count:,} rows, evenly spaced, with the smallest and largest values of {of}."
    named = list(enumerate(columns))
    return Table(
        columns=columns,
        rows=tuple(tuple(_cell(name, cells[place][row]) for place, name in named) for row in kept),
        caption=caption,
        exact=tuple(tuple(str(cells[place][row]) for place, _ in named) for row in kept),
    )


def _spaced(
    numbers: Float[np.ndarray, "rows columns"], words: list[tuple[object, ...]], limit: int
) -> tuple[list[int], str]:
    """Rows to show, and whose extremes are among them."""
    groups: dict[tuple[object, ...], list[int]] = {}
    for row, key in enumerate(words):
        groups.setdefault(key, []).append(row)
    extremes, of = _extremes(numbers, list(groups.values())), "each series"
    if len(extremes) > limit // 2:
        extremes, of = _extremes(numbers, [list(range(len(numbers)))]), "all series together"
    even = np.linspace(0, len(numbers) - 1, limit - len(extremes)).astype(int)
    return sorted(extremes | {int(index) for index in even}), of


def _extremes(numbers: Float[np.ndarray, "rows columns"], groups: list[list[int]]) -> set[int]:
    found = set()
    for rows in groups:
        for column in numbers[rows].T:
            if np.isfinite(column).any():
                found |= {rows[int(np.nanargmin(column))], rows[int(np.nanargmax(column))]}
    return found


def _cell(column: str, value: object) -> str:
    if isinstance(value, (float, np.floating)):
        if math.isnan(value):
            return "undefined"
        return format_position(float(value)) if column == "position" else format_number(float(value), digits=4)
    return str(value)
