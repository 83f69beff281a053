"""``benign plan``: what an experiment, or a published figure, will cost."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benign.cli.answers import answered
from benign.cli.options import AsJson, FileStore, Overrides, Workers
from benign.cli.runs import say

if TYPE_CHECKING:
    from benign.experiments.declaration import Experiment
    from benign.experiments.forecast import Forecast
    from benign.figures import Edition

Target = Annotated[
    str, typer.Argument(metavar="FILE|FIGURE", help="An experiment's TOML file, or a name that `benign figures` lists.")
]
Scale = Annotated[str | None, typer.Option("--scale", help="A figure's scale [default: quick].")]
Seed = Annotated[int | None, typer.Option("--seed", help="A figure's root seed [default: 0].")]


def forecast(
    target: Target,
    overrides: Overrides = None,
    scale: Scale = None,
    seed: Seed = None,
    store: FileStore = None,
    workers: Workers = None,
    sample_seconds: Annotated[float, typer.Option(help="About how long to time jobs for the forecast.")] = 10.0,
    as_json: AsJson = False,
) -> None:
    """Say what an experiment or a figure will cost, from timing a few of its jobs; these are kept.

    Example: benign plan examples/digits.toml
    """
    from benign.cli.users_code import aside
    from benign.experiments.keeping import kept_line
    from benign.figures import Edition, runs_of
    from benign.runs import plan

    with answered(), aside() as answer:
        is_figure = _is_figure(target, has_overrides=bool(overrides), has_scale=(scale, seed) != (None, None))
        edition = Edition(figure=target, scale=scale or "quick", seed=seed or 0) if is_figure else None
        runs = runs_of(edition) if edition else [_declared(target, overrides or (), store)]
        result = plan(runs if edition else runs[0], store=store, workers=workers, sample_seconds=sample_seconds)
        if as_json:
            print(json.dumps({**(asdict(edition) if edition else {}), **asdict(result)}, indent=2), file=answer)
            return
        names = [one.name.removeprefix(f"{edition}, ") for one in runs]
        kept = [kept_line(one.execution.store if store is None else store) for one in runs[:1]]
        print(*_words(result, edition, names), *filter(None, kept), sep="\n", file=answer)


def _is_figure(target: str, *, has_overrides: bool, has_scale: bool) -> bool:
    """Whether a figure is meant, or a file: that comes first."""
    from benign.figures import NAMES
    from benign.foundation.errors import UnknownName, invalid, nearest
    from benign.foundation.wording import shown_path

    is_figure = target in NAMES and not Path(target).is_file()
    if not is_figure and not os.path.lexists(target):
        near = [f"; did you mean the figure {name!r}?" for name in nearest(target, NAMES)] or ["."]
        words = f"there is no file {shown_path(target)}, and no figure of that name{near[0]}"
        raise UnknownName(f"{words} `benign figures` lists them.", "target")
    if is_figure and has_overrides:
        raise invalid("KEY=VALUE", "is for files; a figure has --scale and --seed.")
    if has_scale and not is_figure:
        raise invalid("--scale", "and `--seed` are for figures; settings of a file are given as KEY=VALUE.")
    return is_figure


def _declared(file: str, overrides: Sequence[str], store: str | None) -> Experiment:
    from benign.experiments.declaration import Experiment

    name = Path(file).name
    return Experiment.from_toml(file, overrides, announce=lambda reach: say(name, reach, "none", "processes", store))


def _words(result: Forecast, edition: Edition | None, names: Sequence[str]) -> Iterator[str]:
    from benign.cli.run_display import seconds_in_words

    if not result.jobs:
        yield f"{edition} has no jobs: what it shows is made anew each time"
        return
    again = f"benign resume {result.run} --retry-failed" if edition is None else " ".join(edition.command)
    failed = f", {result.failed:,} failed before ({again})" if result.failed else ""
    yield f"{edition or result.run}: {result.left:,} of {result.jobs:,} jobs are left{failed}"
    for name, part in zip(names, result.parts or (result,), strict=True):
        for sample in part.sampled:
            where = f"n = {sample.samples:,}" if edition is None else f"{name}, n = {sample.samples:,}"
            yield f"  timed: {where}: {sample.seconds:.3g} s, {sample.peak_bytes / 2**20:,.0f} MiB"
    if result.seconds is None or result.interval is None or result.peak_bytes is None:
        yield "Nothing can be forecast: other programs are measuring all of them; ask again once one is done"
    elif result.left:
        low, high = map(seconds_in_words, result.interval)
        workers = f"{result.workers} workers" if result.workers > 1 else "one worker"
        memory = f"{result.peak_bytes / 2**30:.2g} GiB of memory"
        yield f"With {workers}: about {seconds_in_words(result.seconds)} ({low} to {high}), {memory}"
