"""Findings on standard output: a line each; how each was tested on a dimmed line beneath, where asked."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from benign.cli.answers import printable
from benign.cli.printing import beneath

if TYPE_CHECKING:
    from benign.curves import Finding

_UNWRAPPED = 1_000_000
_LIST_WIDTH = 100


def print_findings(findings: Iterable[Finding], *, verbose: bool) -> None:
    """One line for each finding; with ``verbose`` test, replicates and the paper's statement beneath it."""
    for finding in findings:
        print_wrapped(str(finding), indent=2, hanging=2)
        if verbose:
            paper = f". Paper: {finding.paper}." if finding.paper else "."
            print_wrapped(f"{finding.evidence}{paper}", indent=4, style="dim")


def print_wrapped(
    text: str, *, indent: int = 0, hanging: int = 0, style: str = "", lead: str = "", most: int = _UNWRAPPED
) -> None:
    """Text on standard output, broken between words at the terminal's width; elsewhere one line, whatever its length.

    Args:
        text: characters that a terminal would obey are made visible.
        indent: columns left free.
        hanging: further columns left free from the second line on.
        style: of Rich, such as "dim"; without effect outside a terminal.
        lead: what stands in the columns left free of the first line.
        most: columns of a line, however wide the terminal.
    """
    from rich.console import Console
    from rich.text import Text

    console = Console(file=beneath(sys.stdout), highlight=False, markup=False, emoji=False)
    width = min(console.width if console.is_terminal else _UNWRAPPED, most)
    lines = Text(printable(text), style=style).wrap(console, max(width - indent - hanging, 20))
    for row, line in enumerate(lines):
        line.rstrip()
        start = " " * (indent + hanging) if row else printable(lead).ljust(indent)
        console.print(start, line, sep="", soft_wrap=True)


def print_entries(entries: Iterable[tuple[str, str, str]]) -> None:
    """A list of names, each with what it is and, beneath, where it comes from; at most 100 columns wide."""
    rows = list(entries)
    indent = max(len(name) for name, _, _ in rows) + 2
    for name, title, origin in rows:
        print_wrapped(title, lead=name, indent=indent, most=_LIST_WIDTH)
        print_wrapped(origin, indent=indent, style="dim", most=_LIST_WIDTH)
