"""What travels between the driver and a worker: a call, and its outcome. Both are bytes before any executor sees them,
so that what cannot be pickled is noticed here, whichever executor is used.
"""

from __future__ import annotations

import contextlib
import pickle
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError
from typing import TypeVar

import cloudpickle  # type: ignore[import-untyped]

from benign.experiments.executors.protocol import WorkerDied
from benign.experiments.executors.threads import one_thread
from benign.foundation.errors import BenignError, invalid
from benign.foundation.wording import told

Handle = TypeVar("Handle")

_LONGEST_TRACEBACK = 20_000
_LARGEST_ERROR = 1_000_000  # bytes: what an exception carries beyond its message is not needed to say what was wrong


class Unpicklable(BenignError, TypeError):
    """Something that cannot be sent to a worker, or back."""


class WorkerTraceback(Exception):
    """Where in the worker a job raised; the cause of the exception that its future holds."""

    def __str__(self) -> str:
        return f'\n"""\n{self.args[0]}"""'


def checked_shared(shared: object, kind: type[Handle]) -> Handle:
    """``shared``, if it is what this kind of executor returned.

    Raises:
        InvalidArgument: if it is not.
    """
    if not isinstance(shared, kind):
        raise invalid(
            "shared",
            f"must be what this executor's `share` returned, got {type(shared).__qualname__}; share the value first.",
        )
    return shared


def pack_value(value: object) -> bytes:
    """The shared value as bytes.

    Raises:
        Unpicklable: if it cannot be pickled.
    """
    return _pickled(value, "shared value", "keep open files, locks, connections and generators out of it")


def pack_call(function: Callable[..., object], arguments: Sequence[object]) -> bytes:
    """The function and its small arguments as bytes.

    Raises:
        Unpicklable: if they cannot be pickled.
    """
    advice = "pass plain values and keep open files, locks and connections out of what the function refers to"
    return _pickled((function, tuple(arguments)), "job", advice)


def perform(call: bytes, fetch: Callable[[], object]) -> bytes:
    """In the worker: run the call on the value that ``fetch`` gives, on one BLAS thread, and pack what comes of it.
    Raises nothing.
    """
    try:
        function, arguments = pickle.loads(call)  # noqa: S301 (the driver packed it)
        value = fetch()
        with one_thread():
            answer = function(value, *arguments)
        return _pickled((True, answer), "answer of the job", "return arrays, numbers, strings and plain objects")
    except BaseException as error:  # KeyboardInterrupt and SystemExit too: a worker goes on to the next job
        return _pack_error(error)


def settle(future: Future[object], outcome: bytes) -> None:
    """In the driver: give the future what :func:`perform` packed."""
    try:
        succeeded, content = pickle.loads(outcome)  # noqa: S301 (our worker packed it)
    except BaseException as error:  # a class may raise anything when it is unpickled
        fail(
            future, Unpicklable(f"The answer of the job cannot be unpickled here: {told(error)}; return plain objects.")
        )
        return
    if succeeded:
        with contextlib.suppress(InvalidStateError):
            future.set_result(content)
        return
    raised, text = content
    if not isinstance(raised, Exception):  # SystemExit and the like: meant for the worker, not for this process
        raised = WorkerDied(f"The job ended with {told(raised)}; look for a call that ends the process.")
    raised.__cause__ = WorkerTraceback(text)
    fail(future, raised)


def fail(future: Future[object], error: BaseException) -> None:
    """Give the future an exception, unless it is done."""
    with contextlib.suppress(InvalidStateError):
        future.set_exception(error)


def _pack_error(error: BaseException) -> bytes:
    text = "".join(traceback.format_exception(error))[-_LONGEST_TRACEBACK:]
    try:
        packed: bytes = cloudpickle.dumps((False, (error, text)))
        pickle.loads(packed)  # noqa: S301 (an exception with its own __init__ often pickles and does not come back)
    except BaseException:
        packed = b""
    if not 0 < len(packed) <= _LARGEST_ERROR:
        packed = pickle.dumps((False, (RuntimeError(told(error)), text)))
    return packed


def _pickled(value: object, what: str, advice: str) -> bytes:
    try:
        return cloudpickle.dumps(value)
    except (Exception, SystemExit) as error:  # pickling runs the value's own code, which may raise anything
        raise Unpicklable(f"The {what} cannot be pickled: {told(error)}; {advice}.") from error
