"""`benign run` and what follows it, on a small experiment."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import benign
from benign.cli.main import app
from benign.experiments.states import State
from benign.experiments.store import Store
from tests.experiments.scripted import Scripted

EXPERIMENT = """
name = "small"
samples = [20, 30]
sizes = [2, 5, 10, 15, 20, 25, 30, 60, 90]
label_noise = [0.0, 0.2]
replicates = 4

[source]
name = "digits"
test_samples = 100

[procedure]
name = "random_fourier"

[execution]
executor = "here"
store = "runs.db"
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(EXPERIMENT, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A folder with the experiment and its finished run."""
    folder = tmp_path_factory.mktemp("measured")
    (folder / "small.toml").write_text(EXPERIMENT, encoding="utf-8")
    done = call("run", folder / "small.toml", "--json")
    assert done.exit_code == 0, done.output
    return folder, json.loads(done.stdout)["run"]


def call(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_run_tells_what_it_did_and_what_comes_next(file):
    done = call("run", file)
    assert done.exit_code == 0, done.output
    assert "done; 16 of 16 blocks are done" in done.stdout
    assert "Look at it: benign show small-" in done.stdout
    assert "0 of 16 jobs are there" in done.stderr
    assert "16 of 16 jobs done, 0 failed" in done.stderr


def test_a_second_run_measures_nothing(measured):
    folder, run = measured
    before = benign.open_run(run, folder / "runs.db").seconds
    done = call("run", folder / "small.toml")
    assert "16 of 16 jobs are there" in done.stderr
    assert benign.open_run(run, folder / "runs.db").seconds == before


def test_more_replicates_measure_only_the_new_ones(measured):
    folder, _ = measured
    done = call("run", folder / "small.toml", "replicates=5")
    assert "16 of 20 jobs are there" in done.stderr
    assert "20 of 20 blocks" in done.stdout


def test_progress_as_json_lines(file):
    done = call("run", file, "--progress", "json")
    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert [event["event"] for event in events] == ["started", *["measured"] * 16, "ended"]
    assert events[-1]["done"] == events[-1]["total"] == 16
    assert events[1]["samples"] in {20, 30}


def test_no_progress(file):
    assert call("run", file, "--progress", "none").stderr == ""


def test_runs_lists_them(measured):
    folder, run = measured
    line = next(line for line in call("runs", "--store", folder / "runs.db").stdout.splitlines() if run in line)
    assert "done" in line
    assert "16 / 16" in line
    listed = json.loads(call("runs", "--store", folder / "runs.db", "--json").stdout)
    (told,) = [row for row in listed if row["run"] == run]
    assert told["blocks"] == {"planned": 0, "running": 0, "done": 16, "failed": 0}


def test_the_steps_of_a_search_for_one_model_are_one_entry(tmp_path):
    store = tmp_path / "searches.db"
    mml, digits = benign.sources.mml(test_samples=10), benign.sources.digits(test_samples=50)

    def search(procedure, source):
        benign.effective_model_complexity(
            procedure, source, size=10, max_trainings=12, replicates=4, store=store, executor="here"
        )

    search(benign.Polynomial(), mml)
    search(Scripted(log=tmp_path / "log"), mml)
    with pytest.raises(ZeroDivisionError):
        search(Scripted(log=tmp_path / "log", script={0: "raise"}), digits)
    told = call("runs", "--store", store)
    assert told.exit_code == 0, told
    head, *lines = told.stdout.splitlines()
    assert head.split() == ["STATE", "BLOCKS", "COMPUTED", "STARTED", "RUN"]
    assert max(map(len, lines)) <= 100
    assert "digits" not in "".join(lines)
    assert "unfinished  0 / 4" in call("runs", "--store", store, "--all").stdout
    assert len(lines) == 4, lines
    assert lines[2].startswith("done ")
    assert "search for the complexity of 10 coefficients on mml" in lines[2]
    assert re.fullmatch(r" +\(\d+ steps, polynomial on mml\)", lines[3])
    assert re.fullmatch(r" +\(\d+ steps, scripted on mml\)", lines[1])


def test_an_empty_store_says_how_to_start(tmp_path):
    assert "start one with: benign run FILE" in call("runs", "--store", tmp_path / "new.db").stdout


def test_show_prints_landmarks_and_findings_and_draws(measured, tmp_path):
    folder, run = measured
    done = call("show", run, "--store", folder / "runs.db", "--out", tmp_path)
    assert done.exit_code == 0, done.output
    assert "n = 20, label noise 0.2" in done.stdout
    assert "threshold" in done.stdout
    assert "the test loss peaks within a factor 1.5 of the interpolation threshold" in done.stdout
    pictures = sorted(path.name for path in tmp_path.glob("*.png"))
    assert pictures == [f"test_loss_n{n}_noise{noise}.png" for n in (20, 30) for noise in ("0.2", "0")]
    told = json.loads(call("show", run, "--store", folder / "runs.db", "--json").stdout)
    assert told["curves"][0]["landmarks"]["threshold"]["position"] in {15, 20}
    assert {finding["verdict"] for curve in told["curves"] for finding in curve["findings"]} <= {
        "holds", "fails", "undecided",
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["parquet", "csv", "netcdf"])
def test_export_keeps_every_number(measured, tmp_path, kind):
    folder, run = measured
    out = tmp_path / f"risk.{kind}"
    done = call("export", run, "--to", kind, "--out", out, "--store", folder / "runs.db")
    assert done.stdout.strip() == str(out)
    surface = benign.open_run(run, folder / "runs.db").surface
    loss = surface.dataset["test_loss"]
    if kind == "netcdf":
        assert benign.Surface.open(out).dataset["test_loss"].identical(loss)
        return
    table = pq.read_table(out).to_pandas() if kind == "parquet" else pd.read_csv(out)
    assert len(table) == loss.size
    row = table[(table["size"] == 20) & (table["samples"] == 30) & (table["label_noise"] == 0.2) & (table["draw"] == 3)]
    expected = loss.sel(size=20, samples=30, label_noise=0.2, replicate="3-3-3").item()
    assert row["test_loss"].item() == pytest.approx(expected, rel=1e-15)


def test_a_curve_is_read_alone(measured):
    folder, run = measured
    found = benign.open_run(run, folder / "runs.db")
    alone = found.curve("test_loss", samples=30, label_noise=0.2)
    whole = found.surface.curve("test_loss", samples=30, label_noise=0.2)
    assert np.array_equal(alone.values, whole.values)
    assert alone.threshold == whole.threshold


def test_plan_says_what_it_takes_and_keeps_what_it_timed(file, tmp_path):
    done = call("plan", file, "--sample-seconds", "1", "--workers", "2")
    assert done.exit_code == 0, done.output
    assert "of 16 jobs are left" in done.stdout
    assert "timed: n = 20" in done.stdout
    assert "With 2 workers: about" in done.stdout
    assert "GiB of memory" in done.stdout
    assert f"Kept in {tmp_path / 'runs.db'}; list it with: benign runs --store" in done.stdout
    again = call("run", file)
    there = int(again.stderr.split(": ")[1].split(" of ")[0])
    assert there >= 1
    assert "16 of 16 blocks" in again.stdout


def test_time_that_is_up_leaves_a_run_to_resume(file, tmp_path):
    done = call("run", file, "--max-minutes", "1e-9")
    assert done.exit_code == 0, done.output
    assert "unfinished; 0 of 16 blocks are done" in done.stdout
    assert "Go on with: benign resume small-" in done.stdout
    resumed = call("resume", "small", "--store", tmp_path / "runs.db")
    assert "16 of 16 blocks are done" in resumed.stdout


def test_delete_removes_the_run(file, tmp_path):
    call("run", file)
    (run,) = benign.list_runs(tmp_path / "runs.db")
    for part in ("small", ""):
        refused = call("delete", part, "--store", tmp_path / "runs.db")
        assert refused.exit_code == 2
    assert [one.id for one in benign.list_runs(tmp_path / "runs.db")] == [run.id]
    done = call("delete", run.id, "--store", tmp_path / "runs.db")
    assert "and 16 blocks that no other run uses" in done.stdout
    assert "No runs to list" in call("runs", "--store", tmp_path / "runs.db").stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["run", "{file}", "procedure.rigde=1"], "did you mean 'ridge'"),
        (["run", "{file}", "sampels=[1]"], "did you mean 'samples'"),
        (["run", "nowhere.toml"], "nowhere.toml"),
        (["run", "{file}", "--executor", "proceses"], "did you mean 'processes'"),
        (["run", "{file}", "--workers", "0"], "`workers` must be a positive integer"),
        (["run", "{file}", "--progress", "pln"], "did you mean 'plain'"),
        (["run", "{file}", "--max-minutes", "-1"], "`max_minutes` must be a positive number"),
        (["run", "{file}", "--store", ":memory:"], "`--store` is ':memory:', which is gone before"),
        (["show", "smal", "--store", "{store}"], "there is no run 'smal': the store lists none"),
        (["export", "x", "--store", "{file}"], "small.toml"),
        (["plan", "{file}", "--sample-seconds", "0"], "`sample_seconds` must be a positive number"),
        (["runs", "--store", "mysql://x/y"], "mysql"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
@pytest.mark.usefixtures("unchecked")
def test_bad_input_is_one_sentence(file, tmp_path, arguments, sentence):
    places = {"file": str(file), "store": str(tmp_path / "empty.db")}
    done = call(*[argument.format(**places) for argument in arguments])
    assert done.exit_code == 2
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.output


def test_an_unknown_run_names_the_nearest(measured):
    folder, run = measured
    done = call("show", run.replace("small", "smal1"), "--store", folder / "runs.db")
    assert done.exit_code == 2
    assert f"did you mean {run!r}" in done.stderr


def test_an_unknown_run_of_many_names_a_few(tmp_path):
    record = benign.run(
        benign.Experiment(source="mml", procedure="polynomial", samples=5, sizes=[1], replicates=1, name="one"),
        store=tmp_path / "runs.db", executor="here",
    ).record  # fmt: skip
    with Store.open(tmp_path / "runs.db") as store:
        for number in range(300):
            store.add_run(replace(record, id=f"search-for-{number:03}"), [], {})
    for name, words in (("nope", "the newest are"), ("search-for-1234", "did you mean"), ("search", "several runs")):
        done = call("show", name, "--store", tmp_path / "runs.db")
        assert done.exit_code == 2
        assert words in done.stderr
        assert done.stderr.count("'search-for-") <= 6
    assert "`benign runs` lists them all" in call("show", "nope", "--store", tmp_path / "runs.db").stderr


def test_a_run_measured_in_python_is_resumed_in_python(tmp_path):
    source = benign.sources.arrays(np.random.default_rng(0).normal(size=(40, 3)), np.arange(40) % 2)
    benign.measure(
        benign.RandomFourier(), source, sizes=[2, 4], samples=[10], replicates=2, store=tmp_path / "runs.db", name="own"
    )
    done = call("resume", "own", "--store", tmp_path / "runs.db")
    assert done.exit_code == 2
    assert "run the script that measured it again" in done.stderr


@pytest.mark.slow
def test_ctrl_c_says_how_to_go_on(file, tmp_path):
    command = [sys.executable, "-m", "benign", "run", str(file), "replicates=3000", "--progress", "json"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ})
    assert process.stderr is not None
    while '"measured"' not in (line := process.stderr.readline()):
        assert line  # the command goes on
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=60)
    assert process.returncode == 130
    assert '"event": "interrupted"' in rest
    assert "Go on with: benign resume small-" in rest
    (run,) = benign.list_runs(tmp_path / "runs.db")
    assert run.state == "unfinished"
    assert 0 < run.counts[State.DONE] < 24_000


def test_a_name_means_its_newest_run(file, tmp_path):
    call("run", file, "replicates=1")
    call("run", file, "replicates=2")
    newest, oldest = benign.list_runs(tmp_path / "runs.db")
    assert benign.open_run("small", tmp_path / "runs.db").id == newest.id
    assert benign.open_run(oldest.id, tmp_path / "runs.db").id == oldest.id


def test_numbers_that_json_lacks_are_null(file, tmp_path):
    call("run", file, "replicates=1", "samples=[20]", "label_noise=[0.0]")
    done = call("show", "small", "--store", tmp_path / "runs.db", "--out", tmp_path / "pictures", "--json")
    assert done.exit_code == 0, done.output
    (curve,) = json.loads(done.stdout)["curves"]
    assert curve["landmarks"]["threshold"]["interval"] == [0.0, None]
    assert (tmp_path / "pictures").is_dir()


def test_data_that_changed_are_another_experiment(tmp_path):
    table, file, store = tmp_path / "table.csv", tmp_path / "tab.toml", tmp_path / "runs.db"
    random = np.random.default_rng(0)

    def write(rows):
        pd.DataFrame({"x": random.normal(size=rows), "y": random.normal(size=rows)}).to_csv(table, index=False)

    write(60)
    file.write_text(
        f"""
        name = "tab"
        samples = [10]
        sizes = [2, 4]
        replicates = 2
        procedure = "random_fourier"
        source = {{ name = "table", path = "table.csv", target = "y" }}
        execution = {{ executor = "here", store = "{store}" }}
        """,
        encoding="utf-8",
    )
    assert call("run", file, "--max-minutes", "1e-9").exit_code == 0
    write(60)
    done = call("resume", "tab", "--store", store)
    assert done.exit_code == 2
    assert "has changed since it was started" in done.stderr
    assert "2 of 2 blocks are done" in call("run", file).stdout


def test_what_is_to_be_typed_can_be_typed(file, tmp_path):
    place = tmp_path / "it's $(here).db"
    done = call("run", file, "--store", place)
    line = next(line for line in done.stdout.splitlines() if line.startswith("Look at it: "))
    words = shlex.split(line.removeprefix("Look at it: "))
    assert words[:2] == ["benign", "show"]
    assert words[3:] == ["--store", str(place)]


def test_the_example_can_be_debugged_in_this_process(tmp_path):
    example = Path(__file__).parents[2] / "examples" / "digits.toml"
    done = call(
        "run", example, "sizes=[5,10]", "samples=[20]", "replicates=1", "--executor", "here",
        "--store", tmp_path / "runs.db",
    )  # fmt: skip
    assert done.exit_code == 0, done.output


def test_a_job_that_fails_while_it_is_timed_gets_a_sentence(tmp_path):
    source = benign.sources.mml()
    experiment = benign.Experiment(
        source=source,
        procedure=Scripted(log=tmp_path / "log", script={0: "raise"}),
        samples=[10],
        sizes=[1],
        replicates=2,
    )
    with pytest.raises(benign.BenignError, match=r"failed while it was timed \(n = 10\): ZeroDivisionError: draw 0"):
        benign.plan(experiment, store=tmp_path / "runs.db", workers=1)
    (run,) = benign.list_runs(tmp_path / "runs.db")
    assert run.counts[State.PLANNED] == 2
