"""Options that several commands have."""

from __future__ import annotations

import csv
import re
from pathlib import Path
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
Data = Annotated[Path, typer.Option("--data", help="A .csv or .parquet file, one row a sample.")]
Target = Annotated[str, typer.Option("--target", help="The column of labels or values to learn.")]
Inputs = Annotated[
    str | None, typer.Option("--inputs", metavar="A,B,...", help="The columns to learn from [default: all others].")
]
AsFrame = Annotated[
    bool, typer.Option("--as-frame", help="Numbers too come unscaled, in a data frame: a pipeline picks by name.")
]
Samples = Annotated[
    int | None, typer.Option("--samples", help="Your number of training samples [default: all outside the test set].")
]


def column_names(inputs: str | None) -> list[str] | None:
    """Names of columns as in the first line of a .csv file: in quotes where a name holds a comma or ends in blanks.

    Raises:
        InvalidArgument: for a line break outside quotes.
    """
    from benign.foundation.errors import invalid

    if inputs is None:
        return None
    bare = re.sub(r'\s*("(?:""|[^"])*"|[^,]*?)\s*(,|\Z)', r"\1\2", inputs)  # blanks count within quotes alone
    try:
        return next(csv.reader([bare]), [])
    except csv.Error as error:
        raise invalid("--inputs", f"must be names with commas between them, got {inputs!r}.") from error
