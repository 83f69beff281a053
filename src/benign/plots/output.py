"""Pictures as SVG text and as files: the same numbers give the same bytes, and a file is whole or absent."""

from __future__ import annotations

import base64
import html
import io
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benign.foundation.errors import invalid
from benign.foundation.output import MARK, check_ours, write_whole
from benign.foundation.progress import doing
from benign.plots.style import house_style
from benign.plots.text import visible

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from benign.plots.display import Display

FORMATS = ("png", "svg", "pdf")
_PATH = re.compile(r'(?<= d=")[^"]*"')
_LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
_GLOBAL_STYLE = re.compile(r"\s*<defs>\s*<style type=\"text/css\">[^<]*</style>\s*</defs>")


def svg_text(figure: Figure, title: str) -> str:
    """The figure as SVG: text stays text, no date, no random identifier, no style that reaches beyond it."""
    stream = io.StringIO()
    with house_style():
        figure.savefig(stream, format="svg", metadata={"Title": visible(title)} if title else None)
    text = stream.getvalue()
    text = _METADATA.sub("", _GLOBAL_STYLE.sub("", text[text.index("<svg") :]))
    text = _PATH.sub(lambda match: _compact(match.group()), text)
    return text.replace("<svg ", '<svg stroke-linejoin="round" stroke-linecap="butt" ', 1)


def _compact(path: str) -> str:
    """A path's commands to a hundredth of a point, on one line."""
    short = _LONG_NUMBER.sub(lambda match: f"{float(match.group()):.2f}".rstrip("0").rstrip("."), path)
    return " ".join(short.split()).replace(' "', '"')


def svg_html(svg: str, alternative_text: str) -> str:
    """The SVG for a notebook: it shrinks with the window and says what it shows to those who do not see it."""
    label = html.escape(visible(alternative_text), quote=True)
    attributes = f'role="img" aria-label="{label}" style="max-width: 100%; height: auto; background: #fff"'
    return svg.replace("<svg ", f"<svg {attributes} ", 1)


def data_uri(svg: str) -> str:
    """The SVG as an address that an ``<img>`` can hold."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode("ascii")


def save(
    display: Display, path_stem: str | os.PathLike[str], formats: Sequence[str] = FORMATS, *, only_ours: bool = False
) -> tuple[Path, ...]:
    """Write the picture, with title and caption, as ``path_stem.png``, ``.svg`` and ``.pdf``.

    Each file is written beside its place and moved there: it is whole or absent. Equal numbers give equal bytes.

    Args:
        display: the picture.
        path_stem: where, without suffix.
        formats: of the files.
        only_ours: whether a file that benign did not write stays, for names that nobody chose.

    Raises:
        InvalidArgument: for a format that is not known.
        OutputFailed: if the folder cannot be written, or such a file is in the way.
    """
    unknown = [name for name in formats if name not in FORMATS]
    if unknown:
        raise invalid("formats", f"must be among {', '.join(FORMATS)}, got {unknown[0]!r}.")
    stem = Path(path_stem)
    paths = tuple(stem.with_name(f"{stem.name}.{name}") for name in formats)
    for path in paths if only_ours else ():
        check_ours(path)
    figure = display.figure()
    for name, path in zip(formats, paths, strict=True):
        write_bytes(path, _encoded(figure, name, display.title))
    return paths


@doing("drawing")
def _encoded(figure: Figure, name: str, title: str) -> bytes:
    if name == "svg":
        return svg_text(figure, title).replace("</svg>", f"<!-- {MARK} -->\n</svg>").encode()
    stream = io.BytesIO()
    dates = {"png": {"Software": MARK}, "pdf": {"CreationDate": None, "Creator": MARK, "Producer": None}}
    with house_style(), _unshaped_fonts() if name == "pdf" else nullcontext():
        figure.savefig(stream, format=name, metadata=dates[name])
    return stream.getvalue()


@contextmanager
def _unshaped_fonts() -> Iterator[None]:
    """Fonts are embedded without the tables that shape text, which in a PDF is shaped: they take half of its time."""
    from fontTools import subset

    load = subset.load_font

    def loaded(*args: Any, **options: Any) -> Any:
        font = load(*args, **options)
        for table in {"GDEF", "GPOS", "GSUB", "MATH", "kern"} & set(font.keys()):
            del font[table]
        return font

    subset.load_font = loaded
    try:
        yield
    finally:
        subset.load_font = load


def write_bytes(path: str | os.PathLike[str], content: bytes) -> Path:
    """Write a file whole or not at all; see :func:`benign.foundation.output.write_whole`."""
    return write_whole(path, lambda temporary: temporary.write_bytes(content))
