"""What runs in a worker process, on this machine or on a cluster's node."""

from __future__ import annotations

import ctypes
import importlib
import os
import pickle
import signal
import sys
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Thread
from time import sleep

from benign.experiments.executors.travel import perform

# An experiment shares one value. The last one is kept too, for two experiments that take turns; more would pile up.
_KEPT_VALUES = 2
_values: OrderedDict[str, object] = OrderedDict()

_PR_SET_PDEATHSIG = 1
SAFE_PATH = "PYTHONSAFEPATH"


def serve(connection: Connection, driver: int) -> None:
    """Perform what comes through the connection, the path of a shared value and a call, until it is closed."""
    ignore_interrupts()
    os.setsid()  # what a job starts is of this worker's group, and ends with it; no signal of the terminal comes here
    _die_with(driver)
    _die_first()
    _print_on_standard_error()
    os.environ.pop(SAFE_PATH, None)
    own = os.getpid()
    while True:
        try:
            path, call = connection.recv()
            outcome = perform(call, partial(_fetched, path))
            if os.getpid() != own:  # a child that the job has forked and that came back with it: only one may answer
                os._exit(0)
            connection.send_bytes(outcome)
        except (EOFError, OSError):
            return


def warm_up(_: object, module: str) -> None:
    """Import a module."""
    importlib.import_module(module)


def shared_value(token: str, load: Callable[[], object]) -> object:
    """The shared value of this name, loaded if it is not one of the last two."""
    if token not in _values:
        while len(_values) >= _KEPT_VALUES:
            _values.popitem(last=False)
        _values[token] = load()
    _values.move_to_end(token)
    return _values[token]


def ignore_interrupts() -> None:
    """Ctrl-C reaches every process of the terminal; what it means is for the driver to decide."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # blocked while the process started


def _fetched(path: str) -> object:
    """The shared value in this file; None where the call needs none."""
    return shared_value(path, partial(_read, path)) if path else None


def _read(path: str) -> object:
    with Path(path).open("rb") as file:
        return pickle.load(file)  # noqa: S301 (the driver wrote it, in a folder of its own)


def _die_with(driver: int) -> None:
    """Let no worker compute on for a driver that was killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != driver:  # it died before we asked
            os._exit(1)
    else:
        Thread(target=_watch, args=(driver,), daemon=True).start()


def _die_first() -> None:
    """Where memory runs out, Linux kills a worker and not the driver, which then says so."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def _print_on_standard_error() -> None:
    """Standard output is the driver's alone: a job's print, in C too, must not land in its answer."""
    try:
        os.dup2(2, 1)
    except OSError:  # it is closed
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _watch(driver: int) -> None:
    while os.getppid() == driver:
        sleep(1.0)
    os._exit(1)
