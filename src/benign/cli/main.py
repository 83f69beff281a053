"""``benign``: each command is a few lines over one library call.

Exit codes: 0 also for a finding that fails, 1 for a failed run, 2 for bad input, 3 where `--fail-on` names what was
found, 130 after Ctrl-C.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benign.cli import diagnose, emc, plan, runs, triage
from benign.cli.answers import answered
from benign.cli.options import AsJson, Scale, Seed, Store, Verbose, Workers
from benign.cli.printing import filter_output

if TYPE_CHECKING:
    from benign.figures.reproduction import Reproduction

app = typer.Typer(
    help="Why do over-parameterised models generalise, and is your overfitting benign?",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

_COMMANDS: dict[str, Callable[..., None]] = {
    "run": runs.start,
    "plan": plan.forecast,
    "runs": runs.list_all,
    "show": runs.show,
    "export": runs.export,
    "resume": runs.resume,
    "delete": runs.delete,
    "diagnose": diagnose.diagnose_model,
    "emc": emc.measure_complexity,
    "triage": triage.judge_log,
}
for _name, _command in _COMMANDS.items():
    app.command(_name)(_command)


def _print_version(is_asked: bool) -> bool:
    if is_asked:
        from importlib.metadata import version

        print(f"benign {version('benign')}")
        raise typer.Exit
    return is_asked


@app.callback()
def _program(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    filter_output()


@app.command("figures")
def list_figures(
    as_json: AsJson = False,
    names: Annotated[bool, typer.Option("--names", help="Print the names alone.")] = False,
) -> None:
    """List the published figures that can be reproduced.

    Example: benign figures
    """
    from benign.cli.findings import print_entries
    from benign.figures import NAMES, find_figure

    if names:
        print(*NAMES, sep="\n")
        return
    table = [find_figure(name) for name in NAMES]
    if as_json:
        print(json.dumps([{"name": row.name, "title": row.title, "paper": row.paper} for row in table], indent=2))
    else:
        print_entries([(row.name, row.title, f"{row.paper}, {row.number}") for row in table])


@app.command("figure")
def reproduce_figure(
    name: Annotated[str, typer.Argument(help="A name that `benign figures` lists.")],
    scale: Scale = "quick",
    out: Annotated[Path | None, typer.Option(help="Output folder [default: benign-report/NAME].")] = None,
    seed: Seed = 0,
    workers: Workers = None,
    store: Store = None,
    verbose: Verbose = False,
    as_json: AsJson = False,
) -> None:
    """Reproduce one figure: measure it, judge its claims, draw it.

    Example: benign figure belkin2019_fourier --scale smoke --out /tmp/belkin
    """
    from benign.figures.folders import checked_folder
    from benign.foundation.file_names import file_name, unlinked

    with answered():
        place = out or unlinked(Path("benign-report") / file_name(name))
        folder = checked_folder(place, names=[name], scale=scale, seed=seed, workers=workers)
        result, files = _reproduce(name, folder, scale=scale, seed=seed, workers=workers, store=store)
    if as_json:
        print(json.dumps({**result.to_dict(), "files": [str(file) for file in files]}, indent=2))
        return
    _print_figure(result, verbose=verbose)
    print(*filter(None, [result.kept, files[-1]]), sep="\n")


@app.command("demo")
def run_demo(
    out: Annotated[Path | None, typer.Option(help="Output folder [default: benign-report].")] = None,
    seed: Seed = 0,
    scale: Scale = "quick",
    workers: Workers = None,
    store: Store = None,
    verbose: Verbose = False,
) -> None:
    """From the bias-variance curve to double descent on real images, in about a minute; writes one report.

    Example: benign demo --scale smoke --out /tmp/demo
    """
    from benign.figures import DEMO
    from benign.figures.folders import checked_folder
    from benign.figures.story import write_report
    from benign.foundation.file_names import unlinked

    results = []
    with answered():
        for name in () if out else (*DEMO, "report.html"):
            unlinked(Path("benign-report") / name)
        folder = checked_folder(out or Path("benign-report"), names=DEMO, scale=scale, seed=seed, workers=workers)
        for name in DEMO:
            result, _ = _reproduce(name, folder / name, scale=scale, seed=seed, workers=workers, store=store)
            _print_figure(result, verbose=verbose)
            results.append(result)
        report = write_report(results, folder / "report.html", command="benign demo")
    _print_summary(results)
    if results[-1].kept:
        print(f"\n{results[-1].kept}")
    print("\nThe whole story, in one page that needs no network:")
    print(report)


def _reproduce(
    name: str, folder: Path, *, scale: str, seed: int, workers: int | None, store: str | None
) -> tuple[Reproduction, list[Path]]:
    """The figure, measured while its progress is shown, and the files that it was saved as."""
    from benign.cli.progress import shown
    from benign.experiments.environment import Environment
    from benign.figures.reproduction import reproduce

    with shown(name) as progress:
        environment = Environment(workers=workers, store=store, progress=progress)
        result = reproduce(name, scale=scale, seed=seed, environment=environment, rescue=folder)
    return result, result.save(folder)


def _print_figure(result: Reproduction, *, verbose: bool) -> None:
    from benign.cli.findings import print_findings, print_wrapped

    print()
    print_wrapped(f"{result.figure.title} ({result.figure.paper}, {result.figure.number})", style="bold")
    print_wrapped(result.headline)
    print_findings(result.findings, verbose=verbose)


def _print_summary(results: Sequence[Reproduction]) -> None:
    """The answer and the numbers of each figure, and how many claims hold: a line each."""
    from benign.cli.findings import print_wrapped
    from benign.curves import Verdict

    verdicts = [finding.verdict for result in results for finding in result.findings]
    holds, fails, undecided = (verdicts.count(verdict) for verdict in Verdict)
    print("\nIn short:")
    for line in (line for result in results for line in (result.headline, result.lede)):
        print_wrapped(line, indent=2)
    print_wrapped(f"Of {len(verdicts)} claims: {holds} hold here, {fails} fail, {undecided} undecided.", indent=2)
