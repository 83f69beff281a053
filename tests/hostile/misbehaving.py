"""Models that misbehave, each as the procedure of its name: beyond eight samples where they are trained, unless said.

Up to there they fit everything, as their neighbours do, so that a search has something to answer from. No heavy
library is imported here: each worker that they end would import it again.
"""

from __future__ import annotations

import ctypes
import os
import random
import signal
import subprocess
import sys
import threading
import time
import warnings
from asyncio import CancelledError
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

import benign

MISBEHAVES_BEYOND = 8
Predict = Callable[[Any], Any]


def nearest(X: Any, y: Any) -> Predict:
    """The class of the nearest training sample: fits everything."""
    return lambda A: np.eye(2)[y[((A[:, None] - X[None]) ** 2).sum(axis=2).argmin(axis=1)]]


def procedure(misbehave: Callable[..., Any]) -> Any:
    """Neighbours, but for what the function does or returns once there are more samples."""

    def fit(X: Any, y: Any, size: int, time: float | None, seed: int) -> Predict:
        predict = nearest(X, y)
        return (misbehave(X, y, predict) or predict) if len(y) > MISBEHAVES_BEYOND else predict

    return benign.from_callable(fit, name=misbehave.__name__, revision=1)


# ------------------------------------------------------------------------------------------- what ends the process
@procedure
def exits(*_: Any) -> None:
    sys.exit(3)


@procedure
def exits_without_a_word(*_: Any) -> None:
    os._exit(0)


@procedure
def crashes(*_: Any) -> None:
    ctypes.string_at(0)


@procedure
def aborts(*_: Any) -> None:
    os.abort()


@procedure
def is_killed(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@procedure
def closes_every_file(*_: Any) -> None:
    os.closerange(0, 1000)


@procedure
def hangs(*_: Any) -> None:
    while True:
        time.sleep(1.0)


@procedure
def hangs_deaf_to_signals(*_: Any) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while True:
        pass


# ------------------------------------------------------------------------------------------------ what raises
@procedure
def runs_out_of_memory(*_: Any) -> None:
    raise MemoryError


@procedure
def asks_for_a_petabyte(*_: Any) -> None:
    np.empty(2**50, dtype=np.uint8).fill(1)


class Unreadable(Exception):
    def __str__(self) -> str:
        raise SystemExit(4)

    __repr__ = __str__


class Unpicklable(Exception):
    def __init__(self, first: object, second: object) -> None:
        super().__init__("no message")
        self.lock = threading.Lock()


@procedure
def raises_what_cannot_be_read(*_: Any) -> None:
    raise Unreadable


@procedure
def raises_what_cannot_be_pickled(*_: Any) -> None:
    raise Unpicklable(1, 2)


@procedure
def raises_ten_megabytes(*_: Any) -> None:
    raise ValueError("long\n" * 2_000_000)


@procedure
def interrupts(*_: Any) -> None:
    raise KeyboardInterrupt


@procedure
def is_cancelled(*_: Any) -> None:
    raise CancelledError


@procedure
def recurses(X: Any, y: Any, predict: Predict) -> Any:
    return recurses.fit(X, y, 1, None, 0)


@procedure
def asks_its_user(*_: Any) -> None:
    input("which one? ")


# ------------------------------------------------------------------------------------------ what is no prediction
def answering(name: str, answer: Callable[[int], Any]) -> Any:
    def misbehave(X: Any, y: Any, predict: Predict) -> Predict:
        return lambda A: answer(len(A))

    misbehave.__name__ = name
    return procedure(misbehave)


def sparse(m: int) -> Any:
    from scipy.sparse import csr_matrix

    return csr_matrix((m, 2))


class Explosive:
    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        raise RuntimeError("no array of mine")


predicts_nan = answering("predicts_nan", lambda m: np.full((m, 2), np.nan))
predicts_infinity = answering("predicts_infinity", lambda m: np.full((m, 2), np.inf))
predicts_complex = answering("predicts_complex", lambda m: np.full((m, 2), 1j))
predicts_text = answering("predicts_text", lambda m: ["yes"] * m)
predicts_nothing = answering("predicts_nothing", lambda _: None)
predicts_one_row = answering("predicts_one_row", lambda _: np.zeros((1, 2)))
predicts_other_classes = answering("predicts_other_classes", lambda m: np.full(m, 7))
predicts_a_mask = answering("predicts_a_mask", lambda m: np.ma.masked_less(np.zeros((m, 2)), 1.0))
predicts_sparsely = answering("predicts_sparsely", sparse)
predicts_ragged_rows = answering("predicts_ragged_rows", lambda m: [[1.0]] + [[1.0, 2.0]] * (m - 1))
predicts_what_explodes = answering("predicts_what_explodes", lambda _: Explosive())


# ------------------------------------------------------------------------------- what harms others, and not itself
@procedure
def prints(*_: Any) -> None:
    sys.stdout.write("x" * 1_000_000)
    os.write(1, b"from C\n")
    subprocess.run(["echo", "from a child"], check=True)


@procedure
def warns(*_: Any) -> None:
    for number in range(3000):
        warnings.warn(f"number {number}", stacklevel=1)


@procedure
def leaves_threads(*_: Any) -> None:
    for _index in range(20):
        threading.Thread(target=time.sleep, args=(1000.0,), daemon=True).start()


@procedure
def changes_folder(*_: Any) -> None:
    os.chdir("/")


@procedure
def changes_the_environment(*_: Any) -> None:
    os.environ.clear()


@procedure
def seeds_global_states(*_: Any) -> None:
    np.random.seed(1)  # noqa: NPY002
    random.seed(1)


@procedure
def closes_standard_streams(*_: Any) -> None:
    os.closerange(0, 3)


@procedure
def changes_signals(*_: Any) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


@procedure
def forks(*_: Any) -> None:
    os.fork()


@procedure
def changes_its_data(X: Any, y: Any, predict: Predict) -> Predict:
    kept = nearest(X.copy(), y.copy())
    X[:], y[:] = 0.0, 0

    def answer(A: Any) -> Any:
        found = kept(A)
        A[:] = 0.0
        return found

    return answer


@procedure
def spoils_numpy(*_: Any) -> None:
    np.mean = np.eye = np.sum = None  # type: ignore[assignment]


# ------------------------------------------------------------------------------------ objects that misbehave
class Bomb:
    """A parameter that ends the process that pickles it."""

    def __init__(self, end: Callable[[int], Any]) -> None:
        self.end = end

    def __reduce__(self) -> Any:
        return self.end(5)


def carrying(bomb: Bomb) -> Any:
    def fit(X: Any, y: Any, size: int, time: float | None, seed: int, bomb: Bomb = bomb) -> Predict:
        return nearest(X, y)

    return benign.from_callable(fit, name="carrying", revision=1)


exits_when_pickled = carrying(Bomb(sys.exit))
ends_when_pickled = carrying(Bomb(os._exit))


class Own:
    """A procedure of the user's own, which raises what it likes."""

    revision, size_name, objective, time_name, max_size = 1, "units", "squared", None, 100.0

    def spec(self) -> dict[str, object]:
        return {"procedure": "own"}

    def parameters(self, size: int, split: Any) -> int:
        return size

    def batches(self, replicates: Any) -> Any:
        return [(replicate,) for replicate in replicates]

    def measure(self, splits: Any, sizes: Any, times: Any, metrics: Any) -> Any:
        raise ZeroDivisionError("of my own")

    def predict(self, split: Any, inputs: Any, sizes: Any, times: Any) -> Any:
        raise NotImplementedError


raises_its_own = Own()


def leave_behind(path: Path) -> None:
    """A child that goes on, and says which one it is."""
    path.write_text(str(subprocess.Popen(["sleep", "1000"]).pid), encoding="ascii")


@procedure
def leaves_a_child(*_: Any) -> None:
    leave_behind(Path(os.environ["LEFT_BEHIND"]))


def make(*, model: str) -> Any:
    """A plug-in: the procedure of this name."""
    return globals()[model]
