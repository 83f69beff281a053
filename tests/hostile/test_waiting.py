"""Nobody waits in silence, twice for the same store, or for what could never have fitted into memory."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest
from typer.testing import CliRunner

import benign
from benign.cli.main import app
from benign.experiments import executors
from benign.experiments.executors import Here
from benign.experiments.store import Store
from benign.experiments.store.errors import StoreFull, StoreLocked, StoreUnusable
from benign.experiments.store.patience import Patience
from benign.foundation import memory
from benign.foundation.errors import InvalidArgument, NotEnoughMemory
from benign.foundation.replicate import Replicate
from benign.sources.functions import FunctionSource
from tests.experiments.scripted import Scripted
from tests.experiments.test_store_faults import fill, small_disk
from tests.optional import needs

# ---------------------------------------------------------------------------------------------------- what cannot fit


@dataclass(frozen=True, kw_only=True)
class Undrawn:
    """A source that nobody may draw from."""

    test_samples: int = 200
    revision: int = 1
    name: str = "undrawn"
    classes: None = None
    max_samples: None = None

    def spec(self) -> dict[str, object]:
        return {"source": "undrawn"}

    def draw(self, samples: int, replicate: Replicate) -> NoReturn:
        raise AssertionError(f"{samples:,} samples were drawn")


ONCE: dict[str, Any] = {"samples": [200], "sizes": [2], "replicates": 1}
MILLION = ONCE | {"samples": [10**6], "sizes": "every"}
TOO_LARGE = {
    "every size of a million samples": (benign.RandomFourier, MILLION, "36.4 TiB"),
    "every degree of a million samples": (benign.Polynomial, MILLION, "109 TiB"),
    "a degree": (benign.Polynomial, ONCE | {"sizes": [10**8]}, "313 GiB"),
    "a number of features": (benign.RandomFourier, ONCE | {"sizes": [10**9]}, "149 GiB"),
    "a width": (benign.OneHiddenLayer, ONCE | {"sizes": [10**12]}, "PiB"),
    "a width of several layers": (benign.MLP, ONCE | {"sizes": [10**9]}, "PiB"),
    "a depth": (lambda: benign.MLP(depth=10**9), ONCE, "PiB"),
    "replicates": (benign.Polynomial, ONCE | {"replicates": 10**9}, "a grid of 1,000,000,000 cells"),
    "crossed replicates": (
        benign.Polynomial, {"samples": [200], "sizes": [2], "crossed": (10**5, 10**5, 10**5)}, "a grid of 1,000,000,000"
    ),
    "a grid": (
        benign.Polynomial, ONCE | {"samples": range(2, 10**6), "replicates": 10**6}, "a grid of 999,998,000,000"
    ),
    "many times": (benign.MLP, ONCE | {"times": range(10**9)}, "`times` with 1,000,000,000 values"),
    "many sizes": (benign.Polynomial, ONCE | {"sizes": range(1, 10**30)}, "`sizes` with 9,223,372,036,854,775,807"),
    "many samples": (benign.Polynomial, ONCE | {"samples": range(2, 10**10)}, "`samples` with 9,999,999,998 values"),
    "samples of a procedure that says nothing": (
        lambda: benign.from_callable(lambda *_: lambda inputs: inputs, size_name="knobs", name="mine"),
        ONCE | {"samples": [10**12]}, "29.1 TiB",
    ),
}  # fmt: skip


@pytest.fixture
def _small_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available_bytes", lambda: 24 * 2**30)


@pytest.mark.parametrize(("make", "wanted", "number"), TOO_LARGE.values(), ids=TOO_LARGE)
@pytest.mark.usefixtures("_small_machine", "unchecked")
def test_what_cannot_fit_is_refused_before_it_is_built(make, wanted, number):
    with pytest.raises(NotEnoughMemory, match=r"needs about .* of memory and 24 GiB are free; (lower|give)") as error:
        benign.measure(make(), Undrawn(), **wanted)
    assert number in str(error.value)


@pytest.mark.usefixtures("_small_machine")
def test_a_test_set_that_cannot_fit_is_refused_before_it_is_built():
    with pytest.raises(NotEnoughMemory, match="10,000,000,000 test samples needs about"):
        benign.measure(benign.Polynomial(), Undrawn(test_samples=10**10), **ONCE)
    source: FunctionSource = benign.sources.mml(test_samples=10**10)
    with pytest.raises(NotEnoughMemory, match="needs about 745 GiB"):
        source.draw(5, Replicate())


@pytest.mark.usefixtures("_small_machine")  # whose memory it fits
def test_a_degree_that_would_take_for_ever_is_refused():
    with pytest.raises(InvalidArgument, match="may reach 100,000 coefficients, got 10,000,000"):
        benign.measure(benign.Polynomial(), benign.sources.mml(), samples=[10], sizes=[10**7], replicates=1, workers=1)


@pytest.mark.usefixtures("_small_machine")
def test_what_fits_is_not_refused():
    assert benign.measure(benign.Polynomial(), benign.sources.mml(), **ONCE).dataset.sizes["size"] == 1


@pytest.mark.parametrize("version", [1, 2])
def test_the_memory_of_a_container_is_its_own(tmp_path, monkeypatch, version):
    """A limit of the group around ours counts; pages of files that nobody uses are free."""
    limit, used, root, line = (
        ("memory.limit_in_bytes", "memory.usage_in_bytes", tmp_path / "memory", "4:cpu,memory:/pod/mine"),
        ("memory.max", "memory.current", tmp_path, "0::/pod/mine"),
    )[version - 1]
    (root / "pod" / "mine").mkdir(parents=True)
    for folder, bound in ((root / "pod", "5000000"), (root / "pod" / "mine", "max")):
        (folder / limit).write_text(bound + "\n")
        (folder / used).write_text("3000000\n")
        (folder / "memory.stat").write_text("anon 2000000\ninactive_file 500000\n")
    (tmp_path / "own").write_text(f"7:pids:/\n{line}\n")
    monkeypatch.setattr(memory, "_GROUPS", tmp_path)
    monkeypatch.setattr(memory, "_OWN_GROUPS", tmp_path / "own")
    assert memory.available_bytes() == 2_500_000
    monkeypatch.setattr(memory, "_OWN_GROUPS", tmp_path / "nowhere")
    assert memory.available_bytes() > 2_500_000


# ----------------------------------------------------------------------------------------------- a store that fails us

PATIENCE = 1.0


class Befalls:
    """Does something to the store once the first job of a run is in it."""

    def __init__(self, happens: Callable[[], object]) -> None:
        self._happens = happens

    def measured(self, *_: object) -> None:
        happens, self._happens = self._happens, lambda: None
        happens()

    def advanced(self, *_: object, **__: object) -> None:
        """What else is told changes nothing."""

    started = failed = ended = advanced


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that were waited for stores, whose patience is short."""
    seconds: list[float] = []
    sleep, left = time.sleep, Patience.seconds_left
    monkeypatch.setattr(
        Patience, "seconds_left", lambda self, _, begun, *, writing: left(self, PATIENCE, begun, writing=writing)
    )

    def wait(pause: float) -> None:
        seconds.append(pause)
        sleep(pause)

    monkeypatch.setattr(time, "sleep", wait)
    return seconds


def _experiment(folder: Path) -> benign.Experiment:
    return benign.Experiment(
        name="doomed", source=benign.sources.mml(), procedure=Scripted(log=folder / "log"), sizes=[1, 2], samples=[10],
        replicates=6,
    )  # fmt: skip


def test_a_run_waits_once_for_a_store_that_another_program_locks_for_ever(tmp_path, waited):
    """The record, what is rescued, the driver that leaves, and the store opened again: all meet the same lock."""
    file, program = (
        tmp_path / "runs.db",
        "import sqlite3, sys; held = sqlite3.connect(sys.argv[1], isolation_level=None);",
    )
    program += "held.execute('BEGIN IMMEDIATE'); print('locked', flush=True); sys.stdin.read()"
    others: list[subprocess.Popen[str]] = []

    def lock() -> None:
        call = [sys.executable, "-c", program, str(file)]
        others.append(subprocess.Popen(call, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        assert others[0].stdout is not None
        assert others[0].stdout.readline() == "locked\n"

    try:
        with pytest.raises(StoreLocked, match=r"is locked by another program .* start again: what it holds"):
            benign.run(_experiment(tmp_path), store=file, executor="here", listeners=[Befalls(lock)])
        assert 0.0 < sum(waited) <= PATIENCE
        waited.clear()
        with pytest.raises(StoreLocked):
            benign.run(_experiment(tmp_path), store=file, executor="here")
        assert sum(waited) == 0.0
    finally:
        for other in others:
            other.communicate(timeout=60)
    assert benign.run(_experiment(tmp_path), store=file, executor="here").state == "done"


def test_a_run_waits_once_for_a_full_disk(tmp_path, waited):
    disk = tmp_path / "disk"
    disk.mkdir()
    needs("root", os.geteuid() == 0, "only root may mount a small file system")
    with small_disk(disk, "size=1m"):
        with pytest.raises(StoreFull, match=r"has no room left .* start again: what it holds is safe"):
            benign.run(
                _experiment(tmp_path), store=disk / "runs.db", executor="here",
                listeners=[Befalls(lambda: fill(disk / "ballast"))],
            )  # fmt: skip
        assert sum(waited) <= PATIENCE
        (disk / "ballast").unlink()
        assert benign.run(_experiment(tmp_path), store=disk / "runs.db", executor="here").state == "done"


def test_a_run_does_not_wait_for_a_folder_that_has_vanished(tmp_path, waited):
    folder = tmp_path / "gone"
    with pytest.raises(StoreUnusable, match="was deleted, moved or replaced while it was open"):
        benign.run(
            _experiment(tmp_path), store=folder / "runs.db", executor="here",
            listeners=[Befalls(lambda: shutil.rmtree(folder))],
        )  # fmt: skip
    assert sum(waited) == 0.0


def test_nothing_is_forecast_from_jobs_that_failed(tmp_path):
    """They would take no time and no memory."""
    (tmp_path / "experiment.toml").write_text(
        'samples = [10]\nsizes = [1]\nreplicates = 2\nprocedure = "polynomial"\n[source]\nname = "mml"\n',
        encoding="utf-8",
    )
    call = ["plan", str(tmp_path / "experiment.toml"), "--store", str(tmp_path / "runs.db"), "--workers", "1"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(executors, "Processes", lambda _: Here())
        patch.setattr("benign.experiments.forecast.run_job", _fail)
        failing = CliRunner().invoke(app, call)
        assert (failing.exit_code, failing.stdout) == (2, "")
        assert (
            "A job failed while it was timed (n = 10): ValueError: no luck; nothing can be forecast" in failing.stderr
        )
        with Store.open(tmp_path / "runs.db") as store:
            driver, (run,) = store.enter_driver(), store.runs()
            units = [unit.id for unit in store.units_of_run(run.record.id)]
            store.fail(driver, store.claim(driver, units), "ValueError: no luck", limit=1)
        told = CliRunner().invoke(app, call)
    assert told.exit_code == 0
    assert "0 of 2 jobs are left, 2 failed before (benign resume" in told.stdout
    assert "GiB" not in told.stdout


def _fail(*_: object) -> NoReturn:
    raise ValueError("no luck")
