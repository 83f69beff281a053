"""``benign diagnose``: where your own model stands on your data, and what would help, answer by answer."""

from __future__ import annotations

import json
import shlex
import sys
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from benign.cli.answers import answered, ended, printable
from benign.cli.options import AsFrame, AsJson, Data, Inputs, Samples, Seed, Target, Workers, column_names

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benign.diagnosis.answers import Diagnosis
    from benign.foundation.progress import Progress

_INDENT = 17  # columns, for the names of the answers
_AXES = ("samples", "size", "time")
_FOUND = 3  # the exit code where --fail-on names what was found


def diagnose_model(  # noqa: PLR0917 (a command's options)
    target: Annotated[
        str,
        typer.Argument(
            metavar="MODULE:NAME", help="Your estimator, pipeline or procedure, or a function that returns one."
        ),
    ],
    data: Data,
    label: Target,
    size: Annotated[float | None, typer.Option("--size", help="Of the model [default: its present value].")] = None,
    size_parameter: Annotated[
        str | None, typer.Option("--size-parameter", metavar="NAME", help="Which parameter is the size, or features.")
    ] = None,
    time: Annotated[float | None, typer.Option("--time", help="Training time [default: its present value].")] = None,
    inputs: Inputs = None,
    as_frame: AsFrame = False,
    samples: Samples = None,
    test_samples: Annotated[
        int | None, typer.Option("--test-samples", help="Rows held out of each fold [default: a fifth].")
    ] = None,
    max_minutes: Annotated[float, typer.Option("--max-minutes", help="Budget; a training that began may end.")] = 1.0,
    max_trainings: Annotated[
        float | None, typer.Option("--max-trainings", help="Budget in trainings of your model; both hold.")
    ] = None,
    confidence: Annotated[float, typer.Option("--confidence", help="How sure an answer must be.")] = 0.85,
    only: Annotated[
        str | None, typer.Option("--only", metavar="PART,...", help="Answer these parts alone: more_data,bigger,...")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write the pictures and a page into this folder.")] = None,
    fail_on: Annotated[
        str | None, typer.Option("--fail-on", metavar="CODE,...", help="Exit with 3 if one of these is found.")
    ] = None,
    seed: Seed = 0,
    workers: Workers = None,
    as_json: AsJson = False,
) -> None:
    """Where your model stands, and whether more data, a bigger model or longer training will help.

    Example: benign diagnose examples.my_model:trees --data examples/wine.csv --target cultivar
    """
    from benign.cli.progress import shown
    from benign.cli.users_code import aside, named_model, placed, rehearsal, training
    from benign.experiments.executors.processes import Processes

    with answered(), aside() as answer:
        codes, parts = _codes(fail_on), _parts(only)
        executor = Processes(workers, growing=workers is None)
        tried = rehearsal(executor, target, named_model)  # beside the imports and the reading of the data
        from benign import diagnose
        from benign.diagnosis.diagnosing import DiagnosisInterrupted
        from benign.sources import table

        _check_files(out)
        told = None if as_json else _Lines(answer).say
        asked = partial(diagnose, size=size, size_parameter=size_parameter, time=time, samples=samples, seed=seed)
        asked = partial(asked, max_minutes=max_minutes, max_trainings=max_trainings, confidence=confidence, only=parts)
        with shown("diagnose") as progress:
            columns = column_names(inputs)
            source = table(data, target=label, inputs=columns, as_frame=as_frame, test_samples=test_samples)
            model, where = placed(tried, executor, target, named_model, workers)
            spent = partial(_spent, progress, 60 * max_minutes)
            try:
                with training(target):
                    found = asked(model, source, **where, progress=spent, on_answer=told)
            except DiagnosisInterrupted as interrupt:
                found = interrupt.diagnosis
        executor.shutdown(wait=False)
        files = [] if out is None else _write(found, out)
        if as_json:
            print(json.dumps({**found.to_dict(), "files": files}, indent=2), file=answer)
        else:
            with redirect_stdout(answer):
                _print(found, files)
    if found.is_interrupted:
        raise ended("Interrupted; what was known by then is above.", 130)
    if codes & set(found.codes):
        raise typer.Exit(_FOUND)


def _spent(progress: Progress, seconds: float, _task: str, done: float, _total: float) -> None:
    """What a part has spent of its share, told as what is spent of the budget."""
    progress("seconds of the budget", round(min(done, seconds)), round(seconds))


def _codes(text: str | None) -> set[str]:
    """The codes of --fail-on.

    Raises:
        UnknownName: for one that is none.
    """
    from benign.diagnosis.codes import CODES

    return set(_names((text or "").replace("-", "_"), "code", "--fail-on", CODES))


def _parts(text: str | None) -> list[str] | None:
    """The parts of --only; None where it is not said.

    Raises:
        UnknownName: for one that is none.
    """
    from benign.diagnosis.answers import ANSWERS

    return _names((text or "").replace("-", "_"), "part", "--only", ANSWERS) or None


def _names(text: str, kind: str, option: str, known: Iterable[str]) -> list[str]:
    from benign.foundation.errors import unknown_name

    names = [name for part in text.split(",") if (name := part.strip())]
    for name in names:
        if name not in known:
            raise unknown_name(kind, name, known, argument=option)
    return names


class _Lines:
    """A line for each answer as it comes, below what is known beforehand; beside a bar on the terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._has_begun = stream, False

    def say(self, name: str, known: Diagnosis) -> None:
        """What was answered, or why not."""
        from benign.cli.progress import paused
        from benign.diagnosis.wording import TITLES, line

        with paused(), redirect_stdout(self._stream):
            if not self._has_begun:
                self._has_begun = True
                _print_line(
                    "Model",
                    " ".join([f"{known.model} on {known.samples:,} samples of {known.source}.", *known.inferred]),
                )
                for finding in known.findings:
                    _print_line("Data", finding.sentence)
            if words := line(known, name):
                _print_line(TITLES[name], words)
            self._stream.flush()


def _print_line(title: str, words: str) -> None:
    from benign.cli.findings import print_wrapped

    print_wrapped(words, lead=title, indent=_INDENT)


def _print(found: Diagnosis, files: list[str]) -> None:
    """The paragraph, what it took, and what was written."""
    from benign.cli.findings import print_wrapped
    from benign.foundation.number_words import format_number

    print()
    print_wrapped(found.sentence)
    seconds, trainings = format_number(60 * found.minutes, digits=2), format_number(found.trainings)
    print_wrapped(f"This took {seconds} s and the cost of {trainings} trainings of your model.", style="dim")
    for file in (file for file in files if file.endswith(".html")):
        print(printable(file))


def _check_files(out: Path | None) -> None:
    """Refuse, before anything is trained, to write over what is not ours.

    Raises:
        OutputFailed: naming it.
    """
    from benign.foundation.output import check_ours
    from benign.plots.output import FORMATS

    if out is not None:
        names = [f"{axis}.{kind}" for axis in _AXES for kind in FORMATS]
        for name in [*names, "report.html"]:
            check_ours(out / name)


def _write(found: Diagnosis, out: Path) -> list[str]:
    """The pictures and the page; the last name is what to open."""
    from benign.cli.diagnose_page import page_of
    from benign.plots import save
    from benign.report import write_page

    files = [
        str(file) for axis, display in found.displays.items() for file in save(display, out / axis, only_ours=True)
    ]
    page = page_of(found, shlex.join(["benign", *sys.argv[1:]]))
    return [*files, str(write_page(page, out / "report.html"))]
