"""A user's own code in a command: it can only fail.

Its module is imported in a worker process before it is imported here: what exits, crashes or hangs does so there. What
it prints, here or there, in C too, goes to standard error.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as OutOfTime
from contextlib import ExitStack, contextmanager, redirect_stdout, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from benign.cli.printing import beneath, filtered
from benign.cli.streams import output
from benign.experiments.executors.processes import Processes
from benign.experiments.executors.protocol import WorkerDied
from benign.experiments.executors.travel import Unpicklable, WorkerTraceback, pack_value
from benign.experiments.executors.worker import warm_up
from benign.foundation.errors import BenignError, InvalidArgument, attempted, invalid, unknown_name
from benign.foundation.progress import doing
from benign.foundation.wording import told

if TYPE_CHECKING:
    from benign.procedures import Procedure

IMPORT_SECONDS = 300.0
"""Longer than any import takes: what is not done by then will not be."""


class ModelFailed(BenignError, RuntimeError):
    """A user's procedure raised an exception of its own."""


@contextmanager
def aside() -> Iterator[TextIO]:
    """Within the block standard output is standard error, for C code and children too; yields where the answer goes.

    For the program that stays so: threads and exit handlers of the user's code may outlive the answer.
    """
    stream = sys.stdout
    stream.flush()
    kept, is_the_program = os.dup(1), _descriptor(stream) == 1
    os.dup2(2, 1)
    with redirect_stdout(sys.stderr), ExitStack() as stack:
        if not is_the_program:  # a test's
            stack.callback(os.close, kept)
            stack.callback(os.dup2, kept, 1)
        answer = filtered(output(kept, beneath(stream))) if is_the_program else stream
        try:
            yield answer
        finally:
            answer.flush()


def _descriptor(stream: TextIO) -> int | None:
    with suppress(OSError, ValueError):
        return stream.fileno()
    return None


def rehearsal(executor: Processes, target: str, *, inverse: bool) -> Future[str]:
    """Begin to import what ``module:name`` names in a worker."""
    return executor.call(_rehearse, target, inverse, Path.cwd())


def rehearsed(rehearsal: Future[str], executor: Processes, target: str, *, inverse: bool) -> tuple[Procedure, str]:
    """The procedure, imported here after its rehearsal; and why it cannot be sent to a worker, if it cannot.

    Raises:
        InvalidArgument: for a module that does not import, whatever it does instead, and for what is no procedure.
    """
    module = target.partition(":")[0]
    problem = f"`MODULE:PROCEDURE`: importing {module!r}, which runs its code,"
    try:
        with doing(f"importing {module} in a worker process"):
            why_not = rehearsal.result(IMPORT_SECONDS)
    except OutOfTime:
        executor.stop(rehearsal)
        raise InvalidArgument(f"{problem} took longer than {IMPORT_SECONDS:g} s and was stopped.") from None
    except WorkerDied as death:
        raise InvalidArgument(f"{problem} failed: {death}") from death
    executor.call(warm_up, "benign.experiments.jobs")  # while the module is imported here
    with _put_back():
        return named(target, inverse=inverse, folder=Path.cwd()), why_not


@contextmanager
def training(target: str) -> Iterator[None]:
    """What a worker raised that is neither ours nor made a sentence by an adapter becomes one."""
    try:
        yield
    except Exception as error:
        if isinstance(error, BenignError) or not isinstance(error.__cause__, WorkerTraceback):
            raise
        notes = " ".join(getattr(error, "__notes__", ()))
        raise ModelFailed(f"{target} failed: {told(error)}. {notes}") from error


def named(target: str, *, inverse: bool, folder: Path) -> Procedure:
    """The object that ``module:name`` names, its size the inverse of one if so said.

    The module is looked for in the folder too.

    Raises:
        InvalidArgument: if it does not import or holds no procedure of that name, and for an inverse of what benign
            counts itself.
    """
    found = _imported(target, folder)
    if not inverse:
        return found
    if is_built_in(found):
        raise invalid("--inverse", f"is for your own sizes; more {found.size_name} fit more: leave it out.")
    return replace(found, is_inverse=True)  # type: ignore[type-var]


def is_built_in(procedure: Procedure) -> bool:
    """Whether it runs none of the user's code."""
    from benign.procedures.estimator import Estimator
    from benign.procedures.function_procedure import FunctionProcedure

    return type(procedure).__module__.startswith("benign.") and not isinstance(
        procedure, (Estimator, FunctionProcedure)
    )


def _rehearse(_: object, target: str, inverse: bool, folder: Path) -> str:
    """In a worker: all that is done with the user's module and object before it is trained."""
    procedure = named(target, inverse=inverse, folder=folder)
    undescribed = f"`MODULE:PROCEDURE`: {target} cannot be described"
    attempted(procedure.spec, lambda error: InvalidArgument(f"{undescribed}: {told(error)}.", "MODULE:PROCEDURE"))
    try:
        pack_value(procedure)
    except Unpicklable as error:
        return str(error)
    return ""


def _imported(target: str, folder: Path) -> Procedure:
    from benign.procedures.protocol import Procedure

    module, _, name = target.partition(":")
    if not module or not name:
        raise invalid("MODULE:PROCEDURE", f"must name both, as in my_model:forest, got {target!r}.")
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))  # as Python itself does
    try:
        loaded = importlib.import_module(module)
        found = getattr(loaded, name, loaded)  # a package may import it only now
    except (Exception, SystemExit) as error:  # whatever the user's own code does when it is imported
        raise InvalidArgument(
            f"`MODULE:PROCEDURE`: importing {module!r}, which runs its code, failed: {told(error)}."
        ) from error
    _check_file(folder, module, loaded.__dict__.get("__file__"))
    if found is loaded:
        raise unknown_name(f"name in the module {module!r}", name, [key for key in vars(loaded) if key[0] != "_"])
    if not isinstance(found, Procedure):
        raise InvalidArgument(
            f"`MODULE:PROCEDURE`: {target} is a {type(found).__name__}, no procedure; make one with "
            "benign.from_estimator or benign.from_callable."
        )
    return found


def _check_file(folder: Path, module: str, file: str | None) -> None:
    """Refuse a module that is another than the file of that name which lies here.

    Raises:
        InvalidArgument: naming both.
    """
    here = folder / f"{module.replace('.', '/')}.py"
    if here.exists() and (file is None or not here.samefile(file)):
        raise InvalidArgument(
            f"`MODULE:PROCEDURE`: {module!r} is another module, {file or 'part of Python'}, and not the file here; "
            "rename yours."
        )


@contextmanager
def _put_back() -> Iterator[None]:
    """What an import may change of this process is as before: its streams, its folder, and that Ctrl-C ends it."""
    with ExitStack() as stack:
        for number in range(3):
            kept = os.dup(number)
            stack.callback(os.close, kept)
            stack.callback(os.dup2, kept, number)
        with suppress(OSError):  # the folder is gone: there is nothing to come back to
            folder = os.open(".", os.O_RDONLY)
            stack.callback(os.close, folder)
            stack.callback(os.fchdir, folder)
        for name in (signal.SIGINT, signal.SIGTERM):
            stack.callback(signal.signal, name, signal.getsignal(name))
        yield
