"""``benign emc``: where your own model and data stand, in a paragraph, a picture and a table."""

from __future__ import annotations

import json
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from benign.cli.answers import answered, printable
from benign.cli.options import AsFrame, AsJson, Data, Inputs, Samples, Seed, Store, Target, Workers, column_names
from benign.foundation.conventions import TOLERANCE

if TYPE_CHECKING:
    from benign.curves.fitting_threshold import Criterion
    from benign.diagnosis import FittingThreshold
    from benign.diagnosis.peak_location import PeakLocation


def measure_complexity(  # noqa: PLR0917 (a command's options)
    target: Annotated[str, typer.Argument(metavar="MODULE:NAME", help="Your procedure; its module is run.")],
    data: Data,
    label: Target,
    size: Annotated[float, typer.Option("--size", help="The size of the model: a count, or alpha, C, gamma.")],
    inverse: Annotated[
        bool, typer.Option("--inverse", help="The larger the size, the less can be fitted: n_neighbors, alpha.")
    ] = False,
    inputs: Inputs = None,
    as_frame: AsFrame = False,
    time: Annotated[float | None, typer.Option("--time", help="Training time [default: the end].")] = None,
    samples: Samples = None,
    tolerance: Annotated[float, typer.Option("--tolerance", help="What counts as fitted.")] = TOLERANCE,
    criterion: Annotated[str, typer.Option("--criterion", help="objective or error.")] = "objective",
    max_minutes: Annotated[
        float | None, typer.Option("--max-minutes", help="Budget of all searches [default: 1].")
    ] = None,
    max_trainings: Annotated[
        int | None, typer.Option("--max-trainings", help="In trainings, beside it [default: 100].")
    ] = None,
    multiple: Annotated[int, typer.Option("--multiple", help="Try only multiples of that n: your batch size.")] = 1,
    out: Annotated[Path | None, typer.Option("--out", help="Write the picture here, as PNG, SVG and PDF.")] = None,
    seed: Seed = 0,
    workers: Workers = None,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """How many samples your model can just fit, and which size fits yours: where a peak of the test risk may lie.

    Example: benign emc examples.my_model:forest --data examples/wine.csv --target cultivar --size 8
    """
    from benign.cli.progress import shown
    from benign.cli.users_code import aside, named, placed, rehearsal, training
    from benign.experiments.executors.processes import Processes

    with answered(), aside() as answer:
        executor = Processes(workers, growing=workers is None)
        find = partial(named, inverse=inverse)
        tried = rehearsal(executor, target, find)  # beside the imports and the reading of the data
        from benign.diagnosis import locate_peak
        from benign.experiments.keeping import kept_line
        from benign.foundation.output import check_ours
        from benign.plots import save
        from benign.plots.output import FORMATS
        from benign.sources import table

        for picture in [out / f"emc.{kind}" for kind in FORMATS] if out else []:  # before anything is searched
            check_ours(picture)
        with shown("emc") as progress:
            source = table(data, target=label, inputs=column_names(inputs), as_frame=as_frame)
            procedure, where = placed(tried, executor, target, find, workers)
            yours = source.max_samples if samples is None else samples
            search = partial(locate_peak, time=time, tolerance=tolerance, criterion=cast("Criterion", criterion))
            budgeted = partial(search, max_trainings=max_trainings, max_minutes=max_minutes, multiple=multiple)
            told = {"seed": seed, "store": store, "progress": progress}
            with training(target):
                result = budgeted(procedure, source, size=size, samples=yours, **told, **where)
        executor.shutdown(wait=False)
        saved = () if out is None else save(result.complexity.display, out / "emc", only_ours=True)
        files = [str(file) for file in saved]
        if as_json:  # at once, into a stream that nobody else knows
            print(json.dumps({**result.to_dict(), "files": files}, indent=2), file=answer)
            return
        with redirect_stdout(answer):
            _print(result)
            for line in filter(None, (*files, kept_line(store))):
                print(printable(line))


def _print(result: PeakLocation) -> None:
    from benign.cli.findings import print_wrapped

    found, n = result.complexity, result.samples
    print_wrapped(found.sentence)
    print_wrapped(f"Your {n:,} samples: {result.advice}.")
    print_wrapped(" ".join(filter(None, [result.sentence, result.more_budget])))
    print(f"\n{'n':>12}  {'training risk':>14}  {'95 % interval':>24}  fitted")
    for one in found.evidence:
        ends = f"{one.interval[0]:.4g} to {one.interval[1]:.4g}"
        print(f"{one.samples:12,}  {one.mean:14.4g}  {ends:>24}  {'yes' if one.is_fitted else 'no'}")
    for threshold in (result.threshold_size, result.threshold_time):
        if threshold is not None:
            _print_threshold(threshold)


def _print_threshold(found: FittingThreshold) -> None:
    from benign.cli.findings import print_wrapped

    print()
    print_wrapped(found.sentence)
    print(f"{printable(found.unit):>24}  {'training risk':>14}")
    for position, mean in found.evidence.items():
        print(f"{position:24,.6g}  {mean:14.4g}")
