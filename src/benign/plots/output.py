"""Pictures as files: the same numbers give the same bytes, and a file is whole or absent."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benign.foundation.errors import invalid
from benign.foundation.output import MARK, check_ours, write_whole
from benign.foundation.progress import doing
from benign.plots.display import Display
from benign.plots.style import house_style
from benign.plots.svg import svg_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("png", "svg", "pdf")
_PIXELS_PER_INCH = 200


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
    with house_style():
        figure.savefig(stream, format=name, metadata=dates[name], dpi=_PIXELS_PER_INCH)
    return stream.getvalue()


def write_bytes(path: str | os.PathLike[str], content: bytes) -> Path:
    """Write a file whole or not at all; see :func:`benign.foundation.output.write_whole`."""
    return write_whole(path, lambda temporary: temporary.write_bytes(content))
