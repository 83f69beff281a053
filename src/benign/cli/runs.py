"""``benign run``, ``runs``, ``show``, ``export``, ``resume`` and ``delete``."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from benign.cli.answers import answered, printable
from benign.cli.options import AsJson, FileStore, Overrides, Verbose, Workers

if TYPE_CHECKING:
    from benign.experiments.declaration.reach import Reach
    from benign.runs import Run
    from benign.surface.size_curves import SizeCurve

File = Annotated[Path, typer.Argument(help="An experiment: a TOML file.")]
Name = Annotated[str, typer.Argument(metavar="RUN", help="A run that `benign runs` lists, or how its name begins.")]
ExecutorOption = Annotated[str | None, typer.Option("--executor", help="processes, here or ray.")]
MaxMinutes = Annotated[float | None, typer.Option("--max-minutes", help="Start no further job after that long.")]
Progress = Annotated[str, typer.Option("--progress", help="auto, bar, plain, json or none, on standard error.")]
_WIDTH = 100
_HEADER = ("STATE", "BLOCKS", "COMPUTED", "STARTED", "RUN")


def start(
    file: File,
    overrides: Overrides = None,
    store: FileStore = None,
    executor: ExecutorOption = None,
    workers: Workers = None,
    max_minutes: MaxMinutes = None,
    progress: Progress = "auto",
    as_json: AsJson = False,
) -> None:
    """Measure what is missing of an experiment; what is done, by this or another run, is not measured again.

    Example: benign run examples/digits.toml replicates=20 --workers 2
    """
    from benign.cli.run_display import displayed
    from benign.cli.users_code import aside
    from benign.experiments.declaration import Experiment
    from benign.experiments.keeping import kept_line
    from benign.foundation.errors import invalid
    from benign.runs import run

    with answered(), aside() as answer:
        experiment = Experiment.from_toml(
            file, overrides or (), announce=lambda reach: say(file.name, reach, progress, executor, store)
        )
        if not kept_line(experiment.execution.store if store is None else store):
            raise invalid(
                "--store", "is ':memory:', which is gone before what was measured in it can be looked at; name a file."
            )
        with displayed(progress) as shown:
            result = run(experiment, store=store, executor=executor, workers=workers, max_minutes=max_minutes, **shown)
        _end(result, answer, as_json=as_json)


def list_all(
    store: FileStore = None,
    every: Annotated[bool, typer.Option("--all", help="List each step of a search by itself.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the runs of a store: state, progress, computing time; the steps of a search as one line.

    Example: benign runs
    """
    from benign.runs import list_runs

    with answered():
        table = list_runs(store)
    if as_json:
        print(json.dumps([_as_json(run) for run in table], indent=2))
        return
    lines = [[run] for run in table] if every else _searches_together(table)
    if not lines:
        print("No runs to list; start one with: benign run FILE")
        return
    rows = [_row(runs) for runs in lines]
    widths = [max(map(len, column)) for column in zip(_HEADER, *rows, strict=True)]
    for (*cells, what), runs in zip([_HEADER, *rows], [[], *lines], strict=True):
        line = "  ".join([f"{cell:{width}}" for cell, width in zip(cells, widths[:-1], strict=True)] + [what])
        print(_cut(line))
        if len(runs) > 1:
            print(_cut(f"{'':{sum(widths[:-1]) + 2 * len(cells)}}({len(runs)} steps, {_title(runs[0])})"))


def _row(runs: Sequence[Run]) -> list[str]:
    """State, blocks, computing time, date and name, of one run or of the steps of one search."""
    return [
        next((run.state for run in runs if run.state != "done"), "done"),
        f"{sum(run.done for run in runs):,} / {sum(run.total for run in runs):,}",
        f"{sum(run.seconds for run in runs):,.1f} s",
        time.strftime("%Y-%m-%d", time.localtime(min(run.created for run in runs))),
        runs[0].id if len(runs) == 1 else runs[0].name,
    ]


def _cut(line: str) -> str:
    """One line that is not wider than most terminals; the ids of benign's own runs are shorter."""
    line = " ".join(line.splitlines())
    return line if len(line) <= _WIDTH else f"{line[: _WIDTH - 3]}..."


def _title(run: Run) -> str:
    """What the run measures, as far as that can be read."""
    from benign.foundation.errors import BenignError

    try:
        return str(run.grid.attributes["title"])
    except (BenignError, LookupError, TypeError):
        return "damaged"


def _model(run: Run) -> str:
    title = _title(run)
    return json.dumps([run.name, title, None if title == "damaged" else run.grid.procedure])


def _searches_together(table: Sequence[Run]) -> list[list[Run]]:
    """The runs, those of one search for one model in one place: that of the first of them.

    Left out are steps of which nothing is measured or being measured: they were refused, and nobody goes on with them.
    """
    lines: dict[str, list[Run]] = {}
    for run in table:
        if not run.is_search:
            lines[run.id] = [run]
        elif run.done or run.state == "running":
            lines.setdefault(_model(run), []).append(run)
    return list(lines.values())


def show(
    name: Name,
    store: FileStore = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the pictures [default: benign-report/RUN].")] = None,
    verbose: Verbose = False,
    as_json: AsJson = False,
) -> None:
    """Show a run: its landmarks and findings, and a picture of each curve along size.

    Example: benign show digits
    """
    from benign.foundation.file_names import file_name, unlinked
    from benign.plots import save
    from benign.runs import open_run

    with answered():
        run = open_run(name, store)
        failures, curves, notes = run.failures(), run.size_curves() if run.done else (), _notes(run)
        folder = out or unlinked(Path("benign-report") / file_name(run.id))
        places = [(curve, folder / _file_name(curve)) for curve in curves]
        files = [file for curve, place in places for file in save(curve.display(), place, only_ours=out is not None)]
    if as_json:
        told = {**_as_json(run), "curves": [_curve_as_json(curve) for curve in curves]}
        told["failures"] = [{"samples": failure.cell.samples, "error": failure.error} for failure in failures]
        told |= {"notes": notes, "files": [str(file) for file in files]}
        print(json.dumps(told, indent=2, allow_nan=False))
        return
    print(f"{run.id}: {run.state}; {run.standing}; {run.seconds:,.1f} s computed")
    print(_title(run))
    if run.done:
        made = run.surface.dataset.attrs
        print(f"measured with benign {made['benign_version']}, NumPy {made['numpy_version']}, on {made['machine']}")
    if run.done and not curves:
        print("It has too few sizes for a curve; take its numbers with: " + run.command("export"))
    for curve in curves:
        _print_curve(curve, verbose=verbose)
    _print_what_is_left(run, notes)
    for file in files:
        if file.suffix == ".png":
            print(file)


def export(
    name: Name,
    to: Annotated[str, typer.Option("--to", help="parquet, csv or netcdf.")] = "parquet",
    out: Annotated[Path | None, typer.Option(help="The file [default: RUN.parquet, .csv or .nc].")] = None,
    store: FileStore = None,
) -> None:
    """Write a run's surface as a file that other tools read.

    Example: benign export digits --to parquet
    """
    from benign.runs import open_run

    with answered():
        written = open_run(name, store).export(to, out)
    if not written.is_relative_to("/dev"):  # what was written there stands alone
        print(written)


def resume(
    name: Name,
    store: FileStore = None,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Try the failed jobs again, too.")] = False,
    trust: Annotated[bool, typer.Option("--trust", help="Run what was declared elsewhere without asking.")] = False,
    executor: ExecutorOption = None,
    workers: Workers = None,
    max_minutes: MaxMinutes = None,
    progress: Progress = "auto",
    as_json: AsJson = False,
) -> None:
    """Go on with a run.

    Example: benign resume digits --retry-failed
    """
    from benign.cli.run_display import displayed
    from benign.cli.users_code import aside
    from benign.runs import open_run

    with answered():
        run = open_run(name, store)
        if trust or run.is_trusted:
            say(run.id, run.reach(), progress, executor, store)
        elif not as_json and _is_on_a_terminal():
            trust = typer.confirm(f"{run.caution(executor)}. Trust it?", err=True)
    with answered(), aside() as answer:
        with displayed(progress) as shown:
            where = {"executor": executor, "workers": workers, "max_minutes": max_minutes}
            result = run.resume(retry_failed=retry_failed, trust=trust, **where, **shown)
        _end(result, answer, as_json=as_json)


def say(subject: str, reach: Reach, progress: str, executor: str | None, store: str | None) -> None:
    """On standard error, before it is done: what is about to be run, joined, read or written beyond computing."""
    words = reach.words(executor=executor, store=store)
    if words and progress == "json":
        print(json.dumps({"event": "reaches", "what": words}), file=sys.stderr, flush=True)
    elif words:
        print(f"{subject} {', '.join(words)}.", file=sys.stderr, flush=True)


def _is_on_a_terminal() -> bool:
    """Whether somebody is there to be asked."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))


def delete(name: Name, store: FileStore = None) -> None:
    """Delete a run, and the blocks that no other run uses.

    Example: benign delete digits-f9f96431
    """
    from benign.foundation.errors import InvalidArgument
    from benign.runs import open_run

    with answered():
        run = open_run(name, store)
        if name != run.id:
            raise InvalidArgument(f"say the whole name of what is to be deleted: {run.command('delete')}")
        print(f"Deleted {run.id} and {run.delete():,} blocks that no other run uses.")


def _end(run: Run, answer: TextIO, *, as_json: bool) -> None:
    """What became of the run, and what can be done next; exit code 1 if a job failed."""
    from benign.experiments.keeping import kept_line

    notes = _notes(run)
    if as_json:  # at once, into a stream that nobody else knows
        print(json.dumps({**_as_json(run), "notes": notes}, indent=2), file=answer)
    else:
        with redirect_stdout(answer):
            _print_end(run, notes, kept_line(run.store))
    if run.failed:
        raise typer.Exit(1)


def _print_end(run: Run, notes: Sequence[str], kept: str) -> None:
    print(f"{run.id}: {run.state}; {run.standing}")
    _print_what_is_left(run, notes)
    print(*filter(None, [kept, f"Look at it: {run.command('show')}"]), sep="\n")
    if run.figure_command:
        print(f"Look at its figure: {run.figure_command}")


def _notes(run: Run) -> list[str]:
    """What to know before reading it; what holds of a part of it may not hold of the whole."""
    return list(run.notes) if run.state == "done" else []


def _print_what_is_left(run: Run, notes: Sequence[str]) -> None:
    """What a reader should know first, what failed, and how to go on."""
    from benign.cli.run_display import failure_in_words

    for note in notes:
        print(f"Note: {printable(note)}")
    failures = run.failures()
    for failure in failures[:5]:
        print(failure_in_words(failure.cell, failure.error, will_retry=False))
    if len(failures) > 5:
        print(f"... and {len(failures) - 5:,} more")
    if failures:
        print(f"Try just these again: {run.resume_command} --retry-failed")
    if run.state == "unfinished":
        print(f"Go on with: {run.resume_command}")


def _print_curve(curve: SizeCurve, *, verbose: bool) -> None:
    import numpy as np

    from benign.cli.findings import print_findings, print_wrapped
    from benign.cli.sparkline import sparkline

    print(f"\n{curve.words}")
    print(f"  test loss  {sparkline(np.median(curve.curve.values, axis=0), 60)}")
    for line in str(curve.landmarks).splitlines():
        print_wrapped(line, indent=2, hanging=2)
    print_findings(curve.findings, verbose=verbose)


def _file_name(curve: SizeCurve) -> str:
    from benign.foundation.file_names import file_name

    plain = curve.words.replace(", label noise ", "_noise").replace("n = ", "n").replace(",", "")
    return file_name(f"test_loss_{plain}")


def _as_json(run: Run) -> dict[str, object]:
    facts = {fact: getattr(run, fact) for fact in ("name", "state", "created", "seconds")}
    blocks = {state.value: count for state, count in run.counts.items()}
    return {"run": run.id, **facts, "blocks": blocks, "store": run.place}


def _curve_as_json(curve: SizeCurve) -> dict[str, object]:
    marks: dict[str, dict[str, object]] = {}
    if (threshold := curve.landmarks.threshold) is not None:
        there = threshold.evidence.get(threshold.value, math.nan)
        marks["threshold"] = _place(threshold.value, there, threshold.interval) | {"estimator": threshold.estimator}
    for name in ("classical_minimum", "peak", "second_descent"):
        if (mark := getattr(curve.landmarks, name)) is not None:
            marks[name.replace("_", " ")] = _place(mark.position, mark.value, mark.position_interval)
    findings = [finding.to_dict() for finding in curve.findings]
    return {"where": curve.words, "landmarks": marks, "findings": findings}


def _place(position: float, value: float, interval: Sequence[float]) -> dict[str, object]:
    """Of a landmark; JSON has no NaN and no infinity."""
    known, *ends = (number if math.isfinite(number) else None for number in (value, *interval))
    return {"position": position, "value": known, "interval": ends}
