"""What runs in a worker process, on this machine or on a cluster's node."""

from __future__ import annotations

import ctypes
import faulthandler
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
READY = b"ready"


def serve(connection: Connection, driver: int) -> None:
    """Perform what comes through the connection until it is closed; say first when it can begin.

    What every job of an experiment needs is imported before that: a job's time is then its own.
    """
    ignore_interrupts()
    _die_with(driver)
    faulthandler.enable()
    importlib.import_module("benign.experiments.jobs")
    with suppress(OSError):  # the driver has gone
        connection.send_bytes(READY)
    while True:
        try:
            path, call = connection.recv()
            connection.send_bytes(perform(call, partial(shared_value, path, partial(_read, path))))
        except (EOFError, OSError):
            return


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


def _watch(driver: int) -> None:
    while os.getppid() == driver:
        sleep(1.0)
    os._exit(1)
