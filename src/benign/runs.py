"""Runs as users hold them: start one, forecast one, look at it, go on with it, take its surface away."""

from __future__ import annotations

import contextlib
import os
import shlex
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benign.experiments.interruption import print_how_to_stop_at_once
from benign.experiments.states import RunRecord, RunSummary, State, is_search
from benign.experiments.store import Store
from benign.experiments.trust import is_ours
from benign.foundation.arguments import checked_name, checked_path, checked_text
from benign.foundation.errors import BenignError, InvalidArgument, UnknownName, listed, nearest
from benign.foundation.file_names import file_name, unlinked
from benign.foundation.numbers import checked_positive
from benign.foundation.progress import doing
from benign.foundation.wording import escaped, shortened, shown
from benign.schema import LABEL_NOISE, asked_name

if TYPE_CHECKING:
    from benign.curves.fitting_threshold import ThresholdEstimator
    from benign.experiments.declaration import DeclaredEnvironment, Experiment
    from benign.experiments.declaration.reach import Reach
    from benign.experiments.driver import Ending
    from benign.experiments.environment import Environment
    from benign.experiments.executors import Executor
    from benign.experiments.forecast import Forecast
    from benign.experiments.grid import Cell, Grid
    from benign.experiments.listener import Listener
    from benign.experiments.running import RunOutcome
    from benign.figures import Edition
    from benign.surface import Curve, Surface
    from benign.surface.size_curves import SizeCurve

Location = str | Path | None


class RunInterrupted(BenignError, KeyboardInterrupt):
    """Ctrl-C; ``run`` is what there is of it."""

    def __init__(self, run: Run) -> None:
        super().__init__(f"Interrupted; {run.standing}. Go on with: {run.resume_command}")
        self.run = run


class NotTrusted(BenignError, PermissionError):
    """A run that was declared elsewhere, and is not to be resumed unasked."""


@dataclass(frozen=True, kw_only=True)
class JobFailure:
    """A job that was given up.

    Attributes:
        cell: what it measured.
        attempts: how often it was tried.
        error: traceback of the last try.
    """

    cell: Cell
    attempts: int
    error: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Run:
    """A run in a store, as it stood when it was looked up.

    Attributes:
        id: its name with a few digits of its content; what ``benign show`` and the others take.
        name: as declared.
        store: where it is kept, as given; None for the default store. It may hold a password: do not print it.
        place: the same, to be printed.
        created: seconds since 1970.
        counts: number of its blocks (one replicate of one n each) in each state.
        seconds: computing time of what is done.
        ending: how the call that returned it ended; None where it was only looked up.
    """

    id: str
    name: str
    store: Location
    place: str
    created: float
    counts: Mapping[State, int]
    seconds: float
    record: RunRecord
    ending: Ending | None = None

    @property
    def state(self) -> str:
        """``"done"``, ``"running"``, ``"failed"`` (all else is done) or ``"unfinished"``."""
        if self.counts[State.RUNNING]:
            return "running"
        if self.counts[State.PLANNED]:
            return "unfinished"
        return "failed" if self.failed else "done"

    @property
    def is_search(self) -> bool:
        """Whether it is one step of a search, of which each has its own grid and all the same name."""
        return is_search(self.name)

    @property
    def done(self) -> int:
        """Number of its blocks that are measured."""
        return self.counts[State.DONE]

    @property
    def failed(self) -> int:
        """Number of its blocks that were given up."""
        return self.counts[State.FAILED]

    @property
    def total(self) -> int:
        """Number of its blocks."""
        return sum(self.counts.values())

    @property
    def standing(self) -> str:
        """How far it is, in words."""
        failed = f", {self.failed:,} failed" if self.failed else ""
        return f"{self.done:,} of {self.total:,} blocks are done{failed}"

    @property
    def resume_command(self) -> str:
        """What to type to go on."""
        return self.command("resume")

    def command(self, verb: str) -> str:
        """What to type to do something with it; a password in the store's address is left out."""
        where = () if self.store is None else ("--store", self.place)
        words = (*where, "--", self.id) if self.id.startswith("-") else (self.id, *where)  # not an option
        return shlex.join(["benign", verb, *words])

    @property
    def edition(self) -> Edition | None:
        """The figure that it belongs to, with scale and root seed; None where it belongs to none."""
        from benign.figures import Edition

        return Edition.of_run(self.record.declaration)

    @property
    def figure_command(self) -> str | None:
        """What to type to see the figure that it belongs to, once all is measured; None where it belongs to none."""
        if self.edition is None:
            return None
        return shlex.join([*self.edition.command, *(() if self.store is None else ("--store", self.place))])

    @cached_property
    def grid(self) -> Grid:
        """What is measured."""
        from benign.experiments.grid import Grid

        return Grid.from_json(self.record.grid)

    @cached_property
    def surface(self) -> Surface:
        """What has been measured; a missing block is NaN.

        Raises:
            InvalidArgument: if nothing has.
        """
        return self._read()

    def _read(self, metrics: Collection[str] | None = None, **section: int | None) -> Surface:
        if not self.done:
            raise InvalidArgument(f"Nothing of {self.id} has been measured yet; go on with: {self.resume_command}")
        from benign.experiments.reading import read_dataset
        from benign.surface import Surface

        with Store.open(self.store) as store:
            return Surface(read_dataset(store, self.id, self.grid, metrics=metrics, **section))

    def curve(self, metric: str, dim: str = "size", *, estimator: ThresholdEstimator = "mean", **at: float) -> Curve:
        """One curve, reading no more of the store than it needs; see :meth:`benign.Surface.curve`."""
        metric = asked_name(metric, known=sorted(self.grid.part.metrics), kind="metric of this run", argument="metric")
        samples = at.get("samples") if dim != "samples" else None
        noise = at.get(LABEL_NOISE)
        levels = self.grid.label_noise or ()
        section = self._read(
            {metric, metric.replace("test", "train"), "train_loss"},
            samples=int(samples) if samples in self.grid.samples else None,
            level=levels.index(noise) if noise in levels else None,
        )
        return section.curve(metric, dim, estimator=estimator, **at)

    def size_curves(self) -> tuple[SizeCurve, ...]:
        """The test loss along size at each n and level of label noise: landmarks, findings and a Display of each."""
        from benign.surface.size_curves import size_curves

        return tuple(size_curves(self.surface.dataset))

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """:attr:`benign.Surface.notes` of what has been measured, reading the training loss alone."""
        return self._read({"train_loss"}).notes if self.done else ()

    def failures(self) -> tuple[JobFailure, ...]:
        """What was given up, with the traceback of its last try."""
        cells = dict(self.grid.cells())
        with Store.open(self.store) as store:
            return tuple(
                JobFailure(cell=cells[failure.cell], attempts=failure.attempts, error=failure.error)
                for failure in store.failures(self.id)
                if failure.cell in cells
            )

    def refreshed(self) -> Run:
        """As it stands now."""
        with Store.open(self.store) as store:
            return _run_of(store.summary(self.id), self.store, store.location)

    @property
    def is_trusted(self) -> bool:
        """Whether it was declared here, or resumed here before with ``trust``; so is what has no declaration to run."""
        return self.record.declaration is None or is_ours(self.record)

    def reach(self) -> Reach:
        """The modules, addresses and files that resuming it would use; nothing is imported or opened."""
        from benign.experiments.declaration.reach import stored_reach

        return stored_reach(self.record.declaration or "{}")

    def caution(self, executor: str | Executor | None = None) -> str:
        """What to know before resuming what was declared elsewhere, without a full stop."""
        words = self.reach().words(executor=executor if isinstance(executor, str) else None)
        what = ", ".join(words) or "computes, with what comes with benign alone"
        who = f"{shortened(escaped(self.id))} is not marked as yours (declared elsewhere, or by an older benign)"
        return f"{who}: resuming it {what}"

    def resume(self, *, retry_failed: bool = False, trust: bool = False, **options: object) -> Run:
        """Go on with a run that was declared by names, or as part of a figure.

        Args:
            retry_failed: measure again what was given up.
            trust: whether to run what somebody else has declared; see :meth:`reach`. Asked once: from then on it is
                known here.
            options: those of :func:`run`.

        Raises:
            NotTrusted: if it was declared elsewhere.
            InvalidArgument: if it was measured from Python objects: only the script that made them can go on. Or if
                what its declaration names has changed since: there is no more of this run to be measured.
        """
        from benign.experiments.declaration import resolve
        from benign.experiments.environment import Environment
        from benign.experiments.reading import set_aside_damaged

        if self.record.declaration is None:
            raise InvalidArgument(
                f"{self.id} was measured from Python objects, which the store does not hold; run the script that "
                "measured it again: what is done is not measured twice."
            )
        if not (trust or self.is_trusted):
            caution = self.caution(options.get("executor"))  # type: ignore[arg-type]
            raise NotTrusted(f"{caution}. To trust it, add --trust (in Python, trust=True).")
        experiment = self._declared_again(self.record.declaration)
        if experiment is None or resolve(experiment, Environment(store=self.store)).id != self.id:
            anew = self.figure_command or "benign run FILE"
            raise InvalidArgument(
                f"What {self.id} measures has changed since it was started (its data, or a newer version of benign); "
                f"what is measured stays as it is, and `{anew}` starts anew."
            )
        with Store.open(self.store) as store:
            if not store.is_private:  # then it is a new one, and empty
                set_aside_damaged(store, self.id, self.grid)
                if retry_failed:
                    store.retry(self.id)
        return run(experiment, store=self.store, **options)  # type: ignore[arg-type]

    def _declared_again(self, declaration: str) -> Experiment | None:
        """The experiment; None if the figure that it belonged to has no such one any more."""
        from benign.experiments.declaration import Experiment
        from benign.figures import runs_of

        if self.edition is None:
            return Experiment.from_json(declaration).without_store()
        return next((one for one in runs_of(self.edition) if one.name == self.name), None)

    def export(self, to: str, path: str | os.PathLike[str] | None = None) -> Path:
        """Write the surface as ``"parquet"``, ``"csv"`` or ``"netcdf"``.

        Args:
            to: the format.
            path: the file; ``RUN.parquet`` (``.csv``, ``.nc``) in the current folder unless said, RUN made harmless as
                a file's name.

        Raises:
            UnknownName: for another format.
            OutputFailed: if the file cannot be written.
        """
        checked_name("format", to, _SUFFIXES, argument="to")
        target = Path(path) if path is not None else unlinked(Path(f"{file_name(self.id)}{_SUFFIXES[to]}"))
        write = {"parquet": self.surface.to_parquet, "csv": self.surface.to_csv, "netcdf": self.surface.to_netcdf}[to]
        return write(target)

    def delete(self) -> int:
        """Delete the run and the blocks that no other run uses; returns how many.

        Raises:
            BenignError: if it is being run right now.
        """
        with Store.open(self.store) as store:
            return store.delete_run(self.id)


_MOST_NAMES = 5
_SUFFIXES = {"parquet": ".parquet", "csv": ".csv", "netcdf": ".nc"}


def run(
    experiment: Experiment | str | os.PathLike[str],
    *,
    store: Location = None,
    executor: str | Executor | None = None,
    workers: int | None = None,
    max_minutes: float | None = None,
    listeners: Sequence[Listener] = (),
    on_interrupt: Callable[[int], None] = print_how_to_stop_at_once,
) -> Run:
    """Measure what the store lacks of an experiment. A run that was interrupted, killed or extended simply goes on.

    Args:
        experiment: one, or the path of its TOML file.
        store: path or URL; what the experiment says, or the default one, unless given.
        executor: ``"processes"``, ``"here"``, ``"ray"`` or a ready one; what the experiment says unless given.
        workers: processes; likewise.
        max_minutes: start no further job after that long.
        listeners: told what happens, for example ``benign.TensorBoardLogger("logs")``.
        on_interrupt: called at the first Ctrl-C with the number of jobs that still run; a second one stops at once.

    Returns:
        The run. Jobs that failed are in its ``failures()``; they have stopped no other job.

    Raises:
        InvalidDeclaration: for an experiment that makes no sense.
        RunInterrupted: on Ctrl-C; its message says how to go on, and its ``run`` holds what there is.
    """
    from benign.experiments.declaration import resolve
    from benign.experiments.driver import Ending
    from benign.experiments.running import run_grid

    declared = _declared(experiment)
    execution = declared.execution
    place = execution.store if store is None else store
    seconds = None if max_minutes is None else 60.0 * checked_positive("max_minutes", max_minutes)
    with _environment(execution, executor, workers, place) as environment:
        resolved = resolve(declared, environment)
        with Store.open(place) as opened:
            bounded = replace(environment, attempts=execution.attempts, seconds_per_job=execution.seconds_per_job)
            lasting = replace(bounded, store=opened, listeners=listeners, on_interrupt=on_interrupt, seconds=seconds)
            outcome = run_grid(resolved, lasting)
            result = _run_of(opened.summary(outcome.run), place, opened.location, outcome)
    if outcome.ending is Ending.INTERRUPTED:
        raise RunInterrupted(result)
    return result


def plan(
    experiment: Experiment | str | os.PathLike[str] | Sequence[Experiment],
    *,
    store: Location = None,
    workers: int | None = None,
    sample_seconds: float = 10.0,
) -> Forecast:
    """What a run will cost: its jobs, and the time and memory forecast from timing a few of them.

    What the sample measures is kept, so it is not measured again. With ``sizes="auto"`` the pilot that finds the sizes
    is run, and kept, too.

    Args:
        experiment: one, the path of its TOML file, or several, as of a figure: then the whole is forecast, its
            ``parts`` are theirs.
        store: path or URL; what the experiment says, or the default one, unless given.
        workers: processes that would run side by side.
        sample_seconds: about how long the sample may take; the smallest n of each experiment is always timed.
    """
    from benign.experiments.executors import Processes
    from benign.experiments.forecast import together

    several: Sequence[Any] = experiment if isinstance(experiment, (list, tuple)) else [experiment]
    seconds = checked_positive("sample_seconds", sample_seconds) / max(1, len(several))
    executor = Processes(1)
    try:
        parts = [_forecast(_declared(one), executor, store=store, workers=workers, seconds=seconds) for one in several]
    finally:
        executor.shutdown(wait=False)
    return together(parts) if several is experiment else parts[0]


def _forecast(
    declared: Experiment, executor: Executor, *, store: Location, workers: int | None, seconds: float
) -> Forecast:
    from loky import cpu_count  # type: ignore[import-untyped]

    from benign.experiments.declaration import resolve
    from benign.experiments.environment import Environment
    from benign.experiments.executors.capacity import checked_workers
    from benign.experiments.forecast import sample_and_forecast

    place = declared.execution.store if store is None else store
    asked = declared.execution.workers if workers is None else workers
    side_by_side = cpu_count() if asked is None else checked_workers(asked)
    with doing(f"timing jobs of {declared.name}"):
        resolved = resolve(declared, Environment(store=place))
        with Store.open(place) as opened:
            opened.release_abandoned()
            return sample_and_forecast(
                resolved, store=opened, executor=executor, workers=side_by_side, budget_seconds=seconds
            )


def list_runs(store: Location = None) -> tuple[Run, ...]:
    """All runs of a store, newest first."""
    with Store.open(store) as opened:
        return tuple(_run_of(summary, store, opened.location) for summary in opened.runs())


def open_run(name: str, store: Location = None) -> Run:
    """The run of this id; the newest one of this name; or the only one whose id begins so.

    Raises:
        UnknownName: if there is none, with the nearest.
        InvalidArgument: if several runs of other names begin so.
    """
    name = checked_text("name", name)
    with Store.open(store) as opened:
        location = opened.location
        runs = {summary.record.id: summary for summary in opened.runs()}
        named = [key for key, summary in runs.items() if name in (key, summary.record.name)][:1]
        chosen = named or [key for key in runs if name and key.startswith(name)]
        if not chosen:
            with contextlib.suppress(InvalidArgument):
                opened.run(name)  # raises another error if it is there and damaged
            raise _unknown(name, list(runs))
    if len(chosen) > 1:
        several = listed(sorted(chosen))
        raise InvalidArgument(f"{shown(name)} is the beginning of several runs: {several}; say which.", "name")
    return _run_of(runs[chosen[0]], store, location)


def _unknown(name: str, known: Sequence[str]) -> UnknownName:
    if not known:
        hint = ": the store lists none; start one with: benign run FILE"
        return UnknownName(f"there is no run {shown(name)}{hint}", "name")
    near = nearest(name, known, _MOST_NAMES)
    hint = f"did you mean {listed(near)}?" if near else f"the newest are {listed(known)};"
    return UnknownName(f"there is no run {shown(name)}; {hint} `benign runs` lists them all.", "name")


def _declared(experiment: Experiment | str | os.PathLike[str]) -> Experiment:
    from benign.experiments.declaration import Experiment

    if isinstance(experiment, Experiment):
        return experiment
    return Experiment.from_toml(checked_path("experiment", experiment))


@contextlib.contextmanager
def _environment(
    declared: DeclaredEnvironment, executor: str | Executor | None, workers: int | None, store: Location
) -> Iterator[Environment]:
    """As declared, but for what is asked for here; a cluster that is joined for it is left again."""
    from benign.experiments.environment import Environment
    from benign.experiments.executors import Ray

    chosen = executor or declared.executor or "processes"
    if chosen == "ray":
        cluster = Ray(declared.address, cpus_per_job=declared.cpus_per_job, gpus_per_job=declared.gpus_per_job)
        try:
            yield Environment(executor=cluster, store=store)
        finally:
            cluster.shutdown(wait=False)
        return
    # The file's workers are those of the file's executor; one that is ready has its own.
    asked = workers if executor == "here" or workers is not None else declared.workers
    yield Environment(executor=chosen, workers=asked if isinstance(chosen, str) else None, store=store)


def _run_of(summary: RunSummary, store: Location, place: str, outcome: RunOutcome | None = None) -> Run:
    record = summary.record
    return Run(
        id=record.id,
        name=record.name,
        store=store,
        place=place,
        created=record.created,
        counts=summary.counts,
        seconds=summary.seconds,
        record=record,
        ending=None if outcome is None else outcome.ending,
    )
