"""Pictures as SVG text: the same numbers give the same text."""

from __future__ import annotations

import base64
import html
import io
import re
from typing import TYPE_CHECKING

from benign.plots.style import house_style
from benign.plots.text import visible

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PATH = re.compile(r'(?<= d=")[^"]*"')
_LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
_GLOBAL_STYLE = re.compile(r"\s*<defs>\s*<style type=\"text/css\">[^<]*</style>\s*</defs>")


def svg_text(figure: Figure, title: str) -> str:
    """The figure as SVG: text stays text, no date, no random identifier, no style that reaches beyond it."""
    stream = io.StringIO()
    with house_style():
        metadata: dict[str, str | None] = {"Date": None, "Creator": None}
        if title:
            metadata["Title"] = visible(title)
        figure.savefig(stream, format="svg", metadata=metadata)
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
