"""Options that several commands have."""

from __future__ import annotations

from typing import Annotated

import typer

Store = Annotated[
    str | None, typer.Option("--store", help="File or URL that keeps what is measured [default: your data folder].")
]
FileStore = Annotated[
    str | None, typer.Option("--store", help="File or URL [default: the file's, BENIGN_STORE, your data folder].")
]
Overrides = Annotated[
    list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Settings of the file to replace.")
]
Scale = Annotated[str, typer.Option("--scale", help="smoke, quick, standard or paper.")]
Seed = Annotated[int, typer.Option("--seed", help="Root seed of all randomness.")]
Workers = Annotated[int | None, typer.Option("--workers", help="Worker processes; chosen if not given.")]
Verbose = Annotated[bool, typer.Option("--verbose", help="Say of each finding how it was tested.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output, and nothing else there.")]
