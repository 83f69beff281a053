"""The command line: thin commands over the library's public calls."""

from benign.cli.startup import main

__all__ = ["main"]
