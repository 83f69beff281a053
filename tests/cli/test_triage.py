"""``benign triage``: a headline and a few lines, JSON, a page, an exit code, and a log that grows."""

import json
import os
import signal
import subprocess
import sys
import time

import jsonschema
import numpy as np
import pytest
from typer.testing import CliRunner

from benign.cli.main import app
from benign.histories import json_schema
from tests.hostile.commands import environment_of

EPOCHS = np.arange(1, 61)
RISEN = 0.5 + 1 / EPOCHS + 0.02 * EPOCHS


def _csv(values, name="val_loss"):
    return f"epoch,{name}\n" + "".join(f"{k},{value:.5f}\n" for k, value in enumerate(values, 1))


@pytest.fixture
def log(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "log.csv"
    path.write_text(_csv(RISEN), encoding="utf-8")
    return path


def _triage(*arguments, code=0, text=None):
    done = CliRunner().invoke(app, ["triage", *map(str, arguments)], input=text)
    assert done.exit_code == code, done.output
    return done


def test_a_headline_a_sparkline_and_a_few_lines(log):
    lines = _triage(log).stdout.splitlines()
    assert lines[0] == "The validation loss has risen since epoch 7; whether it falls again, this log cannot tell."
    assert set(lines[1].split()[0]) <= set("▁▂▃▄▅▆▇█")
    assert 4 <= len(lines) <= 9
    assert lines[-1].startswith("  Read (CSV): val_loss as validation loss.")


def test_json_is_that_of_the_schema(log, tmp_path):
    jsonschema.validate(json.loads(_triage(log, "--json").stdout), json_schema())
    (tmp_path / "two").mkdir()
    for name in ("a", "b"):
        (tmp_path / "two" / f"{name}.csv").write_text(_csv(RISEN), encoding="utf-8")
    for one in json.loads(_triage(tmp_path / "two", "--json").stdout)["runs"]:
        jsonschema.validate(one, json_schema())


def test_out_writes_a_picture_and_a_page_and_names_it(log, tmp_path):
    last = _triage(log, "--out", tmp_path / "out").stdout.splitlines()[-1]
    assert last == str(tmp_path / "out" / "report.html")
    assert {file.name for file in (tmp_path / "out").iterdir()} == {
        "triage.png",
        "triage.svg",
        "triage.pdf",
        "report.html",
    }
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "whether it falls again, this log cannot tell" in page
    _triage(log, "--out", tmp_path / "out")


def test_a_file_that_is_not_ours_stays(log, tmp_path):
    (tmp_path / "report.html").write_text("mine", encoding="utf-8")
    assert "report.html" in _triage(log, "--out", tmp_path, code=2).stderr
    assert (tmp_path / "report.html").read_text("utf-8") == "mine"


def test_fail_on_is_exit_code_3(log):
    _triage(log, "--fail-on", "overfitting,divergence")
    _triage(log, "--fail-on", "divergence, rise-unknown-end", code=3)
    assert "did you mean 'overfitting'?" in _triage(log, "--fail-on", "overfiting", code=2).stderr


def test_columns_correct_what_names_do_not_tell(log):
    log.write_text(_csv(RISEN, name="foo"), encoding="utf-8")
    _triage(log, code=2)
    assert "has risen" in _triage(log, "--columns", "val_loss=foo").stdout
    assert "ROLE=COLUMN" in _triage(log, "--columns", "foo", code=2).stderr


def test_standard_input_is_a_log_too():
    assert "has risen" in _triage("-", text=_csv(RISEN)).stdout


@pytest.mark.parametrize("what", ["missing", "empty", "no numbers", "binary", "a folder without logs"])
def test_what_is_no_log_is_one_sentence(tmp_path, what):
    path = tmp_path / "it"
    content = {"empty": b"", "no numbers": b"once upon a time\nthere was\n", "binary": bytes(range(256)) * 9}
    if what in content:
        path.write_bytes(content[what])
    elif what == "a folder without logs":
        path.mkdir()
    told = _triage(path, code=2).stderr
    assert told.startswith("benign: ")
    assert len(told.splitlines()) == 1


def test_follow_says_what_is_new_until_ctrl_c(log):
    log.write_text(_csv(RISEN[:4]), encoding="utf-8")
    command = [sys.executable, "-m", "benign", "triage", "log.csv", "--follow"]
    place = {"cwd": log.parent, "env": environment_of(log.parent, PYTHONUNBUFFERED="1"), "text": True}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **place) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "Too few evaluations for a verdict.\n"
        log.write_text(_csv(RISEN) + "61,1.7", encoding="utf-8")
        os.utime(log, (time.time() + 5, time.time() + 5))
        for line in process.stdout:
            if line.startswith("The validation loss has risen since epoch 7"):
                break
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert "Traceback" not in process.stderr.read()


def test_of_many_runs_a_tally_and_the_first_thirty_are_told(log, tmp_path):
    runs = tmp_path / "runs"
    for run in range(35):
        (runs / f"r{run}x").mkdir(parents=True)
        (runs / f"r{run}x" / "log.csv").write_text(_csv(RISEN if run < 20 else RISEN[:4]), encoding="utf-8")
    lines = _triage(runs).stdout.splitlines()
    assert lines[0] == "35 runs: 20 rise-unknown-end, 15 too-few-points."
    assert len(lines) == 32
    assert lines[-1].startswith("and 5 more")
    assert len(json.loads(_triage(runs, "--json").stdout)["runs"]) == 35


def test_probabilities_come_from_a_file(log, tmp_path):
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 500)
    score = random.normal(1, 1, 500)
    right = [1 / (1 + np.exp(-(0.5 + 0.1 * k) * score)) for k in range(60)]
    rows = [np.where(labels[:, None] == [0, 1], one[:, None], 1 - one[:, None]) for one in right]
    np.savez(tmp_path / "p.npz", *rows, labels=labels)
    log.write_text(_csv([-np.log(one).mean() for one in right]), encoding="utf-8")
    answer = json.loads(_triage(log, "--probabilities", tmp_path / "p.npz", "--json").stdout)
    assert answer["findings"][0]["code"] == "overconfidence"
    assert answer["findings"][0]["evidence"]["given_back_share"] > 0.9


@pytest.mark.parametrize(
    ("path", "more"), [("-", ()), ("log.csv", ("--out", "x")), ("log.csv", ("--fail-on", "shift"))]
)
def test_what_cannot_be_followed_is_refused(log, path, more):
    assert "--follow" in _triage(path, "--follow", *more, code=2).stderr
