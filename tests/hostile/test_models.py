"""A user's code can only fail: the command says which training did and how, and answers from the others."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from _pytest.mark.structures import ParameterSet
from typer.testing import CliRunner, Result

from benign.cli import users_code
from benign.cli.main import app
from benign.diagnosis.search_arguments import seconds_per_training
from benign.foundation.errors import InvalidArgument
from tests.hostile.commands import SECONDS, benign, environment_of
from tests.workers import end_workers

ROOT = Path(__file__).parents[2]
MODELS = "tests.hostile.misbehaving"

LACKING = {  # what the answer says that it lacks
    "exits": "on 16 samples (it called sys.exit(3))",
    "exits_without_a_word": "n = 16, size = 8, replicate 0-0-0 failed: The worker process ended with exit code 0",
    "crashes": "n = 16, size = 8, replicate 0-0-0 failed: The worker process died of SIGSEGV",
    "aborts": "n = 16, size = 8, replicate 0-0-0 failed: The worker process died of SIGABRT",
    "is_killed": "n = 16, size = 8, replicate 0-0-0 failed: The worker process was killed (SIGKILL)",
    "closes_every_file": "n = 16, size = 8, replicate 0-0-0 failed: The worker process ended with exit code 0",
    "hangs": "n = 16, size = 8, replicate 0-0-0 failed: It was stopped after 5 s; allow it more minutes.",
    "hangs_deaf_to_signals": "n = 16, size = 8, replicate 0-0-0 failed: It was stopped after 5 s",
    "runs_out_of_memory": "n = 16, size = 8, replicate 0-0-0 ran out of memory: more is needed than there is",
    "asks_for_a_petabyte": "n = 16, size = 8, replicate 0-0-0 ran out of memory: Unable to allocate 1.00 PiB",
    "raises_what_cannot_be_read": "on 16 samples (Unreadable)",
    "raises_what_cannot_be_pickled": "on 16 samples (Unpicklable: no message)",
    "raises_ten_megabytes": "on 16 samples (ValueError: long long",
    "interrupts": "n = 16, size = 8, replicate 0-0-0 failed: The job ended with KeyboardInterrupt",
    "is_cancelled": "on 16 samples (CancelledError)",
    "recurses": "on 16 samples (RecursionError: maximum recursion depth exceeded",
    "asks_its_user": "on 16 samples (EOFError",
    "predicts_nan": "on 16 samples predicts NaN or infinity",
    "predicts_infinity": "on 16 samples predicts NaN or infinity",
    "predicts_complex": "on 16 samples predicts no array of real numbers",
    "predicts_text": "on 16 samples predicts no array of real numbers",
    "predicts_nothing": "on 16 samples predicts no array of real numbers",
    "predicts_one_row": "on 16 samples predicts an array of shape (1, 2); it must be (16, 2)",
    "predicts_other_classes": "on 16 samples predicts classes from 7 to 7; they must be from 0 to 1",
    "predicts_a_mask": "on 16 samples predicts NaN or infinity",
    "predicts_sparsely": "on 16 samples predicts no array of real numbers",
    "predicts_ragged_rows": "on 16 samples predicts no array of real numbers",
    "predicts_what_explodes": "on 16 samples predicts no array of real numbers",
}
HARMLESS = [
    "prints", "leaves_threads", "changes_folder", "changes_the_environment", "seeds_global_states",
    "closes_standard_streams", "changes_signals", "forks", "changes_its_data",
]  # fmt: skip
COUSINS = {
    "hangs", "aborts", "is_cancelled", "predicts_infinity", "predicts_complex", "predicts_text", "predicts_ragged_rows",
    "leaves_threads", "changes_signals", "changes_folder",
}  # fmt: skip
REFUSED = {
    "moody:refuses_get_params": "Moody cannot be described (RuntimeError: no parameters of mine)",
    "moody:refuses_set_params": "Moody cannot be described (it called sys.exit(3))",
    "misbehaving:ends_when_pickled": "failed: The worker process ended with exit code 5",
    "misbehaving:raises_its_own": (
        "failed: ZeroDivisionError: of my own. It was the training at n = 8, 8 units, replicate 0-0-0"
    ),
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    inputs = np.random.default_rng(0).standard_normal((40, 2))
    rows = [f"{a},{b},{'yes' if a > 0 else 'no'}" for a, b in inputs]
    path = tmp_path_factory.mktemp("hostile") / "points.csv"
    path.write_text("\n".join(["a,b,label", *rows]), encoding="utf-8")
    return path


@pytest.fixture(scope="module", autouse=True)
def _no_worker_is_left_as_they_left_it() -> Iterator[None]:
    """Workers are kept for whoever comes next in this process."""
    yield
    end_workers()


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the product keeps of this process, whatever the model did."""
    monkeypatch.chdir(ROOT)
    before = _of_this_process()
    yield
    assert _of_this_process() == before


def _of_this_process() -> tuple[object, ...]:
    return os.environ["PATH"], signal.getsignal(signal.SIGINT), str(np.random.get_state())  # noqa: NPY002


def emc(target: str, data: Path, *arguments: str) -> Result:
    told = ["emc", target, "--data", str(data), "--target", "label", "--size", "8", "--samples", "8"]
    return CliRunner().invoke(
        app, [*told, "--workers", "1", "--max-trainings", "20", "--store", str(data.with_name("kept.db")), *arguments]
    )


def check_refusal(result: Result, *words: str) -> None:
    """One sentence with these words, and nothing on standard output."""
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code in (1, 2)
    assert result.stdout == ""
    sentences = [line for line in result.stderr.splitlines() if line.startswith("benign: ")]
    assert len(sentences) == 1, result.stderr
    assert len(sentences[0]) < 1000
    for word in words:
        assert word in any_replicate(sentences[0]), sentences[0]


def any_replicate(sentence: str) -> str:
    """Of trainings side by side any may be the first to fail: it is called 0-0-0."""
    return re.sub(r"replicate \d-\d-\d", "replicate 0-0-0", sentence)


def _short_of(names: Iterable[str]) -> list[ParameterSet]:
    """Those that have a cousin in the list are run in the long form alone."""
    return [pytest.param(name, marks=[pytest.mark.long] if name in COUSINS else []) for name in names]


@pytest.mark.parametrize("name", _short_of(LACKING))
def test_a_search_answers_from_the_trainings_before(name: str, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if "hangs" in name:
        monkeypatch.setattr("benign.diagnosis.fit_search.seconds_per_training", lambda *_: 5.0)
    result = emc(f"{MODELS}:{name}", data, "--json")
    assert result.exception is None, result.stderr
    answer = json.loads(result.stdout)
    assert LACKING[name] in any_replicate(answer["failure"])
    assert answer["failure"] in answer["sentence"]
    assert [one["samples"] for one in answer["evidence"]] == [8]
    assert answer["value"] == 8
    assert answer["outcome"] == "undecided"
    assert len(answer["sentence"]) < 1500


def test_a_training_may_take_as_long_as_the_search() -> None:
    assert seconds_per_training(None, None) is None
    assert seconds_per_training(2.0, None) == 120.0
    assert seconds_per_training(2.0, 3.0) == 180.0
    assert seconds_per_training(1e-9, None) == 10.0
    with pytest.raises(InvalidArgument, match="`minutes_per_training` must be positive, got -1"):
        seconds_per_training(None, -1.0)


@pytest.mark.parametrize("name", _short_of(HARMLESS))
def test_harm_stays_in_the_worker(name: str, data: Path) -> None:
    result = emc(f"{MODELS}:{name}", data, "--json")
    assert result.exception is None, result.stderr
    answer = json.loads(result.stdout)
    assert answer["failure"] == ""
    assert [one["is_fitted"] for one in answer["evidence"]] == [True] * 3


@pytest.mark.parametrize("name", REFUSED)
def test_an_object_that_cannot_be_used_gets_a_sentence(name: str, data: Path) -> None:
    check_refusal(emc(f"tests.hostile.{name}", data, "--json"), REFUSED[name])


def test_what_spoils_a_library_is_said(data: Path) -> None:
    check_refusal(emc(f"{MODELS}:spoils_numpy", data, "--json"), "failed: TypeError: 'NoneType' object is not callable")
    end_workers()


def test_thousands_of_warnings_are_one_line(data: Path) -> None:
    result = emc(f"{MODELS}:warns", data, "--json")
    assert json.loads(result.stdout)["failure"] == ""
    (line,) = (line for line in result.stderr.splitlines() if "number" in line)
    assert re.fullmatch(r"Warning: \d+,000 times, in 3,000 wordings: number 0", line)


def test_what_cannot_be_sent_to_a_worker_runs_here(data: Path) -> None:
    result = emc(f"{MODELS}:exits_when_pickled", data, "--json")
    assert json.loads(result.stdout)["failure"] == ""
    assert "cannot be pickled: SystemExit: 5" in result.stderr
    assert "It runs in this process" in result.stderr


FAILED = {  # what a run says of the one job of three that failed
    "exits": "exits cannot be trained at size 8 on 16 samples (it called sys.exit(3))",
    "exits_without_a_word": "The worker process ended with exit code 0 while it ran this job",
    "crashes": "The worker process died of SIGSEGV while it ran this job",
    "hangs_deaf_to_signals": "It was stopped after 12 s; allow it more minutes.",
    "raises_what_cannot_be_read": "cannot be trained at size 8 on 16 samples (Unreadable)",
}
PRINTS = """
import os, threading, time
print("printed at import")
os.system("echo from a child")
threading.Thread(target=lambda: [print("from a thread") or time.sleep(0.01) for _ in iter(int, 1)], daemon=True).start()
"""
EXPERIMENT = """
name = "hostile"
samples = [4, 8, 16]
sizes = [8]
replicates = 1
[source]
name = "table"
path = {path}
target = "label"
[procedure]
name = "hostile"
model = "{model}"
[execution]
workers = 1
attempts = 1
minutes_per_job = {minutes}
"""


@pytest.mark.parametrize(
    "model", [pytest.param(name, marks=[pytest.mark.long] if "hangs" in name else []) for name in FAILED]
)
def test_a_run_loses_the_jobs_that_fail(
    model: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = installed(
        tmp_path,
        f"{MODELS}:make",
        EXPERIMENT.format(path=json.dumps(str(data)), model=model, minutes=0.2 if "hangs" in model else 10),
    )
    monkeypatch.syspath_prepend(tmp_path)
    result = CliRunner().invoke(app, ["run", str(file), "--progress", "none", "--store", str(tmp_path / "kept.db")])
    assert result.exit_code == 1, result.stderr
    assert "2 of 3 blocks are done, 1 failed" in result.stdout
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("A job failed")]
    assert line.startswith("A job failed (n = 16, replicate 0-0-0), given up: ")
    assert FAILED[model] in line


def installed(folder: Path, maker: str, experiment: str) -> Path:
    """The file of an experiment whose procedure an installed distribution makes."""
    metadata = folder / "hostile-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: hostile\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[benign.procedures]\nhostile = {maker}\n")
    file = folder / "hostile.toml"
    file.write_text(experiment)
    return file


def test_a_run_prints_its_answer_alone(data: Path, tmp_path: Path) -> None:
    (tmp_path / "prints_when_imported.py").write_text(f"{PRINTS}from {MODELS} import make", encoding="utf-8")
    experiment = EXPERIMENT.format(path=json.dumps(str(data)), model="prints", minutes=10)
    file = installed(tmp_path, "prints_when_imported:make", experiment)
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    result = benign("run", file, "--json", "--store", "kept.db", place=tmp_path, PYTHONPATH=path)
    assert json.loads(result.stdout)["state"] == "done", result.stderr[-5000:]
    for words in ("printed at import", "from a child", "from a thread", "from C"):
        assert words in result.stderr, words


IMPORTS = {
    "import sys; sys.exit(3)": "failed: SystemExit: 3",
    "import os; os._exit(0)": "failed: The worker process ended with exit code 0",
    "import ctypes; ctypes.string_at(0)": "failed: The worker process died of SIGSEGV",
    "raise KeyboardInterrupt": "failed: The job ended with KeyboardInterrupt",
    "while True: pass": "took longer than 2 s and was stopped",
    "input('who? ')": "failed: EOFError",
    "def": "failed: SyntaxError: invalid syntax",
    "class E(Exception):\n    def __str__(self): raise SystemExit(9)\nraise E": "failed: E.",
    "import os; os.closerange(0, 1000)": "failed: The worker process",
    "procedure = 3": "is a int, no procedure",
    "": "unknown name in the module",
}


@pytest.mark.parametrize("text", IMPORTS)
def test_an_import_that_misbehaves_gets_a_sentence(
    text: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = f"imported_{list(IMPORTS).index(text)}"
    (tmp_path / f"{module}.py").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(users_code, "IMPORT_SECONDS", 2.0 if text.startswith("while") else SECONDS)
    check_refusal(emc(f"{module}:procedure", data), IMPORTS[text])


@pytest.mark.parametrize("module", ["random", "benign"])
def test_a_file_named_like_another_module_is_said(
    module: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / f"{module}.py").write_text("procedure = 3", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    check_refusal(emc(f"{module}:procedure", data), f"{module!r} is another module, ", "rename yours")


def test_a_module_that_is_not_there_gets_a_sentence(data: Path) -> None:
    check_refusal(emc("no_such_module:procedure", data), "ModuleNotFoundError: No module named 'no_such_module'")


MEDDLES = f"""{PRINTS}
import atexit, signal
os.chdir("/")
signal.signal(signal.SIGINT, signal.SIG_IGN)
atexit.register(lambda: os.write(1, b"at exit") and print("at exit"))
from tests.hostile.misbehaving import leaves_a_child as procedure
"""


def test_the_answer_alone_is_on_standard_output_and_nothing_is_left(data: Path, tmp_path: Path) -> None:
    (tmp_path / "meddles.py").write_text(MEDDLES, encoding="utf-8")
    result = benign(
        "emc", "meddles:procedure", "--data", data, "--target", "label", "--size", "8", "--max-trainings", "40",
        "--samples", "8", "--json", "--store", "kept.db", "--out", "pictures",
        place=tmp_path, PYTHONPATH=str(ROOT), LEFT_BEHIND=str(tmp_path / "pid"),
    )  # fmt: skip
    assert json.loads(result.stdout)["value"] == 32, result.stderr[:5000]
    assert (tmp_path / "kept.db").exists()
    assert (tmp_path / "pictures" / "emc.png").exists()
    for words in ("printed at import", "from a child", "from a thread", "at exit"):
        assert words in result.stderr, words
    assert eventually(lambda: not runs(int((tmp_path / "pid").read_text())))


def test_ctrl_c_ends_a_search_that_hangs(data: Path, tmp_path: Path) -> None:
    """It does not wait for the minute after which a training that hangs is stopped."""
    command = [sys.executable, "-m", "benign", "emc", f"{MODELS}:hangs", "--data", str(data), "--target", "label"]
    with subprocess.Popen(
        [*command, "--size", "8", "--max-trainings", "16", "--store", str(tmp_path / "kept.db")], cwd=ROOT,
        env=environment_of(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    ) as process:  # fmt: skip
        try:
            assert eventually(lambda: len(psutil.Process(process.pid).children()) >= 2)
            time.sleep(2.0)  # into the imports or the search: what is asserted holds at any moment
            os.killpg(process.pid, signal.SIGINT)
            out, told = process.communicate(timeout=SECONDS)
        finally:
            process.kill()
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in told
    assert "WorkerDied" not in told
    assert "Interrupted" in told


def runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + SECONDS
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()
