"""Writing a page: template and style in, one self-contained file out, its security policy computed from its content."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from benign.foundation.output import MARK
from benign.plots.output import data_uri, write_bytes
from benign.plots.text import is_invisible, visible
from benign.report.page import Page, Table

if TYPE_CHECKING:
    from jinja2 import Template

SIGNS = {"holds": "✓", "fails": "✗", "undecided": "?"}
_FORMULA = ("=", "+", "-", "@")


def render_page(page: Page) -> str:
    """The page as HTML, complete: no script, no request, nothing from outside; equal pages give equal text."""
    css = _template_text("page.css").strip()
    return _template().render(page=page, css=Markup(css), policy=policy(css), signs=SIGNS, mark=MARK)  # noqa: S704 (our own file)


def write_page(page: Page, path: str | os.PathLike[str]) -> Path:
    """Write the page to a file, which is whole or absent; returns its path.

    Raises:
        OutputFailed: if the folder cannot be written.
    """
    return write_bytes(path, render_page(page).encode())


def policy(css: str) -> str:
    """The content security policy: this style sheet and pictures inside the page, nothing else."""
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode("ascii")
    return f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def shown(text: object) -> Markup:
    """A user's text as HTML: escaped, set apart in direction, with invisible characters written out."""
    return Markup("<bdi>{}</bdi>").format(visible(str(text)))


def shown_lines(text: object) -> Markup:
    """As :func:`shown`, keeping line feeds: for a command."""
    lines = str(text).replace("\r\n", "\n").split("\n")
    return Markup("<bdi>{}</bdi>").format(Markup("\n").join(escape(visible(line)) for line in lines))


def csv_uri(table: Table) -> str:
    """The table as an address that can be saved as a CSV file; cells that a spreadsheet would compute are quoted."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerows([_inert(cell) for cell in row] for row in (table.columns, *(table.exact or table.rows)))
    return "data:text/csv;charset=utf-8;base64," + base64.b64encode(stream.getvalue().encode()).decode("ascii")


def _inert(cell: str) -> str:
    text = "".join(character for character in cell if not is_invisible(character))
    return f"'{text}" if text.lstrip().startswith(_FORMULA) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _template_text(name: str) -> str:
    return files("benign.report.templates").joinpath(name).read_text(encoding="utf-8").replace("\r\n", "\n")


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(shown=shown, shown_lines=shown_lines, visible=visible, data_uri=data_uri, csv=csv_uri)
    return environment.from_string(_template_text("page.html"))
