"""The command line: thin commands over the library's public calls."""

from benign.cli.main import main

__all__ = ["main"]
