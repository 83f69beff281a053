"""``benign triage``: what happened in a training log, in a headline, a picture and a few lines."""

from __future__ import annotations

import contextlib
import io
import json
import shlex
import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benign.cli.answers import answered, printable
from benign.cli.options import AsJson

if TYPE_CHECKING:
    from benign.histories import Triage
    from benign.histories.answer import Triages

_FOUND = 3  # the exit code where --fail-on names what was found
_LINES = 6
_MOST_RUNS, _MOST_ROLES, _MOST_PAGES, _MOST_FILES = 30, 8, 40, 10_000
_LOOK_SECONDS = 2.0


def judge_log(  # noqa: PLR0917 (a command's options)
    path: Annotated[str, typer.Argument(metavar="PATH", help="A log, a folder of logs, or - for standard input.")],
    train_samples: Annotated[int | None, typer.Option("--train-samples", help="n of the training set.")] = None,
    validation_samples: Annotated[
        int | None, typer.Option("--validation-samples", help="How many samples each evaluation used.")
    ] = None,
    classes: Annotated[int | None, typer.Option("--classes", help="Of a classification.")] = None,
    label_noise: Annotated[
        float | None, typer.Option("--label-noise", help="Known share of wrong labels in the training set.")
    ] = None,
    test: Annotated[float | None, typer.Option("--test", help="One test error at the end, 0 to 1.")] = None,
    columns: Annotated[
        list[str] | None, typer.Option("--columns", metavar="ROLE=COLUMN", help="Such as val_loss=foo; repeatable.")
    ] = None,
    run: Annotated[str | None, typer.Option("--run", help="Of several runs, the one meant; * for any letters.")] = None,
    probabilities: Annotated[
        str | None,
        typer.Option("--probabilities", metavar="PATH", help="An .npz, one array an evaluation; or a folder of them."),
    ] = None,
    labels: Annotated[
        str | None, typer.Option("--labels", metavar="FILE", help="The right classes, if the .npz has no 'labels'.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write the picture and a page into this folder.")] = None,
    fail_on: Annotated[
        str | None, typer.Option("--fail-on", metavar="CODE,...", help="Exit with 3 if one of these is found.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Look again whenever the log grows, until Ctrl-C.")] = False,
    as_json: AsJson = False,
) -> None:
    """What happened in a training log: over-fitting, overconfidence, a second descent, a bug, or nothing.

    Example: benign triage examples/training_logs/second_descent.csv --validation-samples 2000
    """
    from benign.histories import triage

    given: dict[str, Any] = {
        "train_samples": train_samples, "validation_samples": validation_samples, "classes": classes,
        "label_noise": label_noise, "test": test, "run": run, "probabilities": probabilities, "labels": labels,
    }  # fmt: skip
    with answered():
        codes = _codes(fail_on)
        given["columns"] = _pairs(columns)
        if follow:
            _check_follow(path, out, fail_on)
            _follow(Path(path), given, as_json=as_json)
        answer = triage(path, **given)
        files = [] if out is None else _write(answer, out)
        if as_json:
            print(json.dumps(_as_json(answer, files), indent=2))
        else:
            _print(answer)
            for file in (file for file in files if file.endswith(".html")):
                print(printable(file))
    if codes & {code for one in _each(answer) for code in one.codes}:
        raise typer.Exit(_FOUND)


def _check_follow(path: str, out: Path | None, fail_on: str | None) -> None:
    """Refuse what would wait for ever.

    Raises:
        InvalidArgument: with what is read or written once.
    """
    from benign.foundation.errors import invalid

    if path == "-":
        raise invalid("--follow", "looks at a file or a folder again and again; standard input can be read but once.")
    for name, value in (("--out", out), ("--fail-on", fail_on)):
        if value is not None:
            raise invalid(name, "is for a log as it stands: leave --follow out, which ends with Ctrl-C alone.")


def _each(answer: Triage | Triages) -> tuple[Triage, ...]:
    from benign.histories import Triage

    return (answer,) if isinstance(answer, Triage) else tuple(answer)


def _codes(text: str | None) -> set[str]:
    """The codes of --fail-on.

    Raises:
        UnknownName: for one that is none.
    """
    from benign.foundation.errors import unknown_name
    from benign.histories import CODES

    codes = {code.strip() for code in (text or "").split(",")} - {""}
    for code in sorted(codes - set(CODES)):
        raise unknown_name("code", code, CODES, argument="--fail-on")
    return codes


def _pairs(columns: list[str] | None) -> Mapping[str, str] | None:
    """ROLE=COLUMN, as the call takes it.

    Raises:
        InvalidArgument: for a text without an equals sign.
    """
    from benign.foundation.errors import invalid
    from benign.foundation.wording import shown

    pairs = [text.partition("=") for text in columns or []]
    for role, sign, name in pairs:
        if not (role and sign and name):
            raise invalid("--columns", f"must be ROLE=COLUMN, such as val_loss=foo, got {shown(role + sign + name)}.")
    return {role: name for role, _, name in pairs} or None


def _print(answer: Triage | Triages) -> None:
    runs = _each(answer)
    if len(runs) == 1:
        _print_one(runs[0])
        return
    if len(runs) > _MOST_RUNS:
        counts = Counter(one.codes[0] if one.codes else one.state for one in runs if not one.origin.pooled)
        count = sum(not one.origin.pooled for one in runs)
        print(f"{count:,} runs: {', '.join(f'{count:,} {code}' for code, count in counts.most_common())}.")
    width = min(max(len(one.origin.run) for one in runs[:_MOST_RUNS]), 40)
    for one in runs[:_MOST_RUNS]:
        print(f"{_name(one.origin.run, width)}  {printable(one.headline)}")
    if len(runs) > _MOST_RUNS:
        print(f"and {len(runs) - _MOST_RUNS:,} more: --run NAME tells of one or, with *, of some; --json of all.")


def _name(run: str, width: int) -> str:
    """The name in so many letters; of a long one the end, which tells it from others."""
    name = printable(run)
    return name.ljust(width) if len(name) <= width else f"...{name[3 - width :]}"


def _print_one(answer: Triage) -> None:
    """The headline, the curve, the findings, what to do, what is not known, and what was read: six lines beneath."""
    from benign.cli.findings import print_wrapped
    from benign.cli.sparkline import sparkline

    print_wrapped(answer.headline)
    watched = answer.reading.watched
    if watched is not None and len(watched.values) > 1:
        print_wrapped(f"{sparkline(watched.values)}  {watched.metric or watched.name}", indent=2)
    lines = [*(finding.verdict for finding in answer.findings[:3]), *answer.advice[:1]]
    step = next((finding.next for finding in answer.findings if finding.next is not None), None)
    if step is not None:
        lines.append(f"To decide {step.decides}: {step.experiment} (cost: {step.cost}).")
    shown = max(_LINES - len(lines), 1)  # at least what is asked
    for line in [*lines, *answer.limits[:shown]]:
        print_wrapped(line, indent=2, hanging=2)
    print_wrapped(_read_as(answer, len(answer.limits) - shown), indent=2, hanging=2, style="dim")


def _read_as(answer: Triage, untold: int) -> str:
    """Which columns were read as what, and how many remarks are told elsewhere."""
    from benign.foundation.wording import shortened

    used = [f"{shortened(name)} as {role}" for name, role in answer.roles.items() if role != "not used"]
    more = f", and {len(used) - _MOST_ROLES} more" if len(used) > _MOST_ROLES else ""
    rest = len(answer.roles) - len(used)
    unused = f"; not used: {rest:,} column{'s' if rest > 1 else ''}" if rest else ""
    remarks = f" {untold:,} more remark{'s' if untold > 1 else ''}: --json or --out." if untold > 0 else ""
    return f"Read ({answer.origin.format}): {', '.join(used[:_MOST_ROLES])}{more}{unused}.{remarks}"


def _as_json(answer: Triage | Triages, files: list[str]) -> dict[str, Any]:
    runs = [one.to_dict() for one in _each(answer)]
    return {**runs[0], "files": files} if len(runs) == 1 else {"runs": runs, "files": files}


def _write(answer: Triage | Triages, out: Path) -> list[str]:
    """The picture and the page of one run; of several a folder each. The last name is what to open.

    Raises:
        InvalidArgument: for more runs than anybody opens.
    """
    from benign.cli.triage_page import page_of
    from benign.foundation.errors import invalid
    from benign.foundation.file_names import file_name
    from benign.foundation.output import check_ours
    from benign.plots import save
    from benign.report import write_page

    runs, files = _each(answer), []
    if len(runs) > _MOST_PAGES:
        raise invalid(
            "--out", f"would write a page for each of {len(runs):,} runs: choose at most {_MOST_PAGES} by --run."
        )
    for one in runs:
        folder = out if len(runs) == 1 else out / file_name(one.origin.run)
        check_ours(folder / "report.html")
        if one.reading.watched is not None:
            files += [str(file) for file in save(one.display, folder / "triage", only_ours=True)]
        files.append(str(write_page(page_of(one, shlex.join(["benign", *sys.argv[1:]])), folder / "report.html")))
    return files


def _follow(path: Path, given: Mapping[str, Any], *, as_json: bool) -> None:
    """Say the answer whenever the log has changed and the answer is another; ends with Ctrl-C."""
    from benign.foundation.errors import BenignError
    from benign.histories import triage

    seen: object = None
    said = ""
    while True:
        state = _state(path)
        if state != seen:
            seen = state
            try:
                answer = triage(str(path), **given)
            except (BenignError, OSError) as error:  # not a line yet, half a line, or replaced at this moment
                said = _say_once(f"waiting: {error}", said)
            else:
                said = _say_once(_told(answer, as_json=as_json), said)
        time.sleep(_LOOK_SECONDS)


def _told(answer: Triage | Triages, *, as_json: bool) -> str:
    """What is printed of an answer."""
    if as_json:
        return json.dumps(_as_json(answer, []))
    with contextlib.redirect_stdout(io.StringIO()) as told:
        _print(answer)
    return told.getvalue().rstrip("\n")


def _say_once(text: str, before: str) -> str:
    if text != before:
        print(printable(text), flush=True)
    return text


def _state(path: Path) -> object:
    """What changes when the log grows."""
    files = sorted(path.rglob("*"))[:_MOST_FILES] if path.is_dir() else [path]
    found = []
    for file in files:
        with contextlib.suppress(OSError):  # not there, or gone at this moment
            kept = file.stat()
            found.append((str(file), kept.st_size, kept.st_mtime_ns, kept.st_ino))
    return found
