"""A user's own code in a command: it can only fail.

Its module is imported in a worker process before it is imported here: what exits, crashes or hangs does so there. What
it prints, here or there, in C too, goes to standard error.
"""

from __future__ import annotations

import importlib
import inspect
import os
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as OutOfTime
from contextlib import ExitStack, contextmanager, redirect_stdout, suppress
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

from benign.cli.printing import beneath, filtered
from benign.cli.streams import output
from benign.experiments.executors.processes import Processes
from benign.experiments.executors.protocol import WorkerDied
from benign.experiments.executors.travel import Unpicklable, WorkerTraceback, pack_value
from benign.experiments.executors.worker import warm_up
from benign.foundation.errors import BenignError, InvalidArgument, attempted, invalid, unknown_name
from benign.foundation.progress import doing
from benign.foundation.signatures import signature_of
from benign.foundation.wording import told

if TYPE_CHECKING:
    from benign.procedures import Procedure

Found = TypeVar("Found")
_ARGUMENT = "`MODULE:NAME`"
_NO_MODEL = "no model; name an estimator or pipeline of scikit-learn, a procedure, or a function that returns one."
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


def rehearsal(executor: Processes, target: str, find: Callable[..., object]) -> Future[str]:
    """Begin to import what ``module:name`` names in a worker; ``find`` is :func:`named` or :func:`named_model`."""
    return executor.call(_rehearse, find, target, Path.cwd())


def rehearsed(
    rehearsal: Future[str], executor: Processes, target: str, find: Callable[..., Found]
) -> tuple[Found, str]:
    """What was named, imported here after its rehearsal; and why it cannot be sent to a worker, if it cannot.

    Raises:
        InvalidArgument: for a module that does not import, whatever it does instead, and for what ``find`` refuses.
    """
    module = target.partition(":")[0]
    problem = f"{_ARGUMENT}: importing {module!r}, which runs its code,"
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
        return find(target, folder=Path.cwd()), why_not


def placed(
    tried: Future[str], executor: Processes, target: str, find: Callable[..., Found], workers: int | None
) -> tuple[Found, dict[str, Any]]:
    """What was named, as :func:`rehearsed` finds it, and where it is trained: ``executor`` or ``workers`` of a call.

    What cannot be sent to a worker is trained here, which is said.
    """
    from benign.procedures.protocol import runs_users_code

    found, why_here = rehearsed(tried, executor, target, find)
    if why_here:
        print(f"Warning: {why_here} It runs in this process, which ends if it does.", file=sys.stderr)
    if not runs_users_code(found):
        return found, {"workers": workers}
    return found, {"executor": "here" if why_here else executor}


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
    from benign.procedures.makers import maker_of
    from benign.procedures.protocol import Procedure

    found = _imported(target, folder)
    if not isinstance(found, Procedure):
        raise InvalidArgument(
            f"{_ARGUMENT}: {target} is a {type(found).__name__}, no procedure; make one with {maker_of(found)}."
        )
    if not inverse:
        return found
    if not is_dataclass(found) or "is_inverse" not in {field.name for field in fields(found)}:
        raise invalid("--inverse", f"is for your own sizes; more {found.size_name} fit more: leave it out.")
    return replace(found, is_inverse=True)


def named_model(target: str, *, folder: Path) -> object:
    """The model that ``module:name`` names: an estimator, a pipeline, a procedure, or what a function of none returns.

    Raises:
        InvalidArgument: if it does not import or is none of these; the message says what it is.
    """
    from benign.procedures.makers import MAKERS, maker_of_module

    found = _imported(target, folder)
    if is_model(found):
        return found
    if maker := maker_of_module(found):
        raise InvalidArgument(f"{_ARGUMENT}: {target} is a network alone; make it a procedure with {maker}.")
    if isinstance(found, type):
        raise InvalidArgument(
            f"{_ARGUMENT}: {target} is a class; name an object of it, as in model = {target[-30:]}()."
        )
    if not callable(found):
        raise InvalidArgument(f"{_ARGUMENT}: {target} is a {type(found).__name__}, {_NO_MODEL}")
    if needed := _arguments_of(found):
        raise InvalidArgument(
            f"{_ARGUMENT}: {target} is a function of {', '.join(needed)}; make it a procedure with {MAKERS}, or name a "
            "function of nothing that returns one."
        )
    made = attempted(found, lambda error: InvalidArgument(f"{_ARGUMENT}: calling {target}() failed: {told(error)}."))
    if not is_model(made):
        raise InvalidArgument(f"{_ARGUMENT}: {target}() returned a {type(made).__name__}, {_NO_MODEL}")
    return made


def _arguments_of(function: Callable[..., object]) -> list[str]:
    """The names of what it cannot be called without; none where it does not say."""
    try:
        taken = signature_of(function).parameters.values()
    except (TypeError, ValueError):  # compiled
        return []
    many = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [one.name for one in taken if one.default is one.empty and one.kind not in many]


def is_model(found: object) -> bool:
    """Whether it can be trained: a procedure, or an object with ``fit`` and ``predict``."""
    from benign.procedures.protocol import Procedure

    if isinstance(found, type):
        return False
    return isinstance(found, Procedure) or all(callable(getattr(found, name, None)) for name in ("fit", "predict"))


def _rehearse(_: object, find: Callable[..., object], target: str, folder: Path) -> str:
    """In a worker: all that is done with the user's module and object before it is trained."""
    from benign.procedures.protocol import Procedure

    found = find(target, folder=folder)
    if isinstance(found, Procedure):
        undescribed = f"{_ARGUMENT}: {target} cannot be described"
        attempted(found.spec, lambda error: InvalidArgument(f"{undescribed}: {told(error)}.", "MODULE:NAME"))
    try:
        pack_value(found)
    except Unpicklable as error:
        return str(error)
    return ""


def _imported(target: str, folder: Path) -> object:
    module, _, name = target.partition(":")
    if not module or not name:
        raise invalid("MODULE:NAME", f"must name both, as in my_model:forest, got {target!r}.")
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))  # as Python itself does
    try:
        loaded = importlib.import_module(module)
        found = getattr(loaded, name, loaded)  # a package may import it only now
    except (Exception, SystemExit) as error:  # whatever the user's own code does when it is imported
        raise InvalidArgument(
            f"{_ARGUMENT}: importing {module!r}, which runs its code, failed: {told(error)}."
        ) from error
    _check_file(folder, module, loaded.__dict__.get("__file__"))
    if found is loaded:
        raise unknown_name(f"name in the module {module!r}", name, [key for key in vars(loaded) if key[0] != "_"])
    return found


def _check_file(folder: Path, module: str, file: str | None) -> None:
    """Refuse a module that is another than the file of that name which lies here.

    Raises:
        InvalidArgument: naming both.
    """
    here = folder / f"{module.replace('.', '/')}.py"
    if here.exists() and (file is None or not here.samefile(file)):
        raise InvalidArgument(
            f"{_ARGUMENT}: {module!r} is another module, {file or 'part of Python'}, and not the file here; "
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
