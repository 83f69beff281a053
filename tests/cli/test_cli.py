"""The command line, run as a user runs it: in a process of its own, unless only words are asked for."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

import benign
from benign.cli.main import app
from benign.figures import DEMO, NAMES

ENVIRONMENT = {**os.environ, "NO_COLOR": "1", "COLUMNS": "100"}


@pytest.fixture(scope="module", autouse=True)
def _own_store(tmp_path_factory):
    """What these tests measure is kept apart, and measured anew."""
    ENVIRONMENT["BENIGN_STORE"] = str(tmp_path_factory.mktemp("store") / "store.db")


def run(*arguments, cwd=None):
    command = [sys.executable, "-m", "benign", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, cwd=cwd, check=False)


def said(*arguments):
    """What a command answers that needs no process of its own."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    out = tmp_path_factory.mktemp("demo")
    return out, run("demo", "--scale", "smoke", "--seed", 3, "--out", out)


@pytest.fixture(scope="module")
def smoke(demo):
    """A figure that the demo has measured and drawn: neither is done again."""
    out = demo[0] / "belkin2019_fourier"
    return out, run("figure", "belkin2019_fourier", "--scale", "smoke", "--out", out, "--seed", 3, "--json")


def test_figures_are_listed():
    names = said("figures", "--names").stdout.split()
    assert names == list(NAMES)
    assert list(DEMO) == names[:2]
    assert [row["name"] for row in json.loads(said("figures", "--json").stdout)] == names
    lines = run("figures").stdout.splitlines()
    assert max(map(len, lines)) <= 100
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == names
    assert "Belkin" in "".join(lines)


def test_figure_prints_json_and_nothing_else(smoke):
    out, done = smoke
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["figure"] == "belkin2019_fourier"
    assert result["seed"] == 3
    assert {finding["verdict"] for finding in result["findings"]} <= {"holds", "fails", "undecided"}
    assert result["files"][-1] == str(out / "report.html")
    assert all(Path(file).stat().st_size > 0 for file in result["files"])


def test_figure_writes_every_kind_of_file(smoke):
    out, _ = smoke
    kinds = {path.suffix for path in out.iterdir()}
    assert kinds == {".nc", ".parquet", ".png", ".svg", ".pdf", ".json", ".html"}
    assert not [path for path in out.iterdir() if path.name.startswith(".")]
    assert benign.Surface.open(out / "noisy.nc").dataset.attrs["seed"] == 3


def test_the_report_is_one_file_that_needs_no_network(smoke):
    page = (smoke[0] / "report.html").read_text(encoding="utf-8")
    assert not re.findall(r'(?:src|href)="(?!data:|#|https://)', page)
    assert "<script" not in page
    assert page.count("<img") >= 3


def test_a_stored_figure_tells_the_same_story(smoke):
    out, done = smoke
    again = benign.Reproduction.open(out)
    assert [finding.to_dict() for finding in again.findings] == json.loads(done.stdout)["findings"]


def test_demo_prints_the_report_last(demo):
    out, done = demo
    assert done.returncode == 0, done.stderr
    report = Path(done.stdout.splitlines()[-1])
    assert report == out / "report.html"
    short = done.stdout.split("In short:\n")[1].split("\n\n")[0].splitlines()
    assert len(short) == 5  # the answer and the numbers of both figures, and how many claims hold
    assert re.fullmatch(r"  Of \d+ claims: \d+ hold here, \d+ fail, \d+ undecided\.", short[-1])
    assert " replicates)" not in done.stdout  # how a claim was tested is for --verbose
    page = report.read_text(encoding="utf-8")
    assert "Under-fitting" in page or "under-fitting" in page
    assert "features = samples" in page


BAD = [
    (["figure", "belkin2018_fourier"], "did you mean 'belkin2019_fourier'"),
    (["figure", "mml_polynomial", "--scale", "quik"], "did you mean 'quick'"),
    (["figure", "mml_polynomial", "--scale", "smoke", "--seed", "-1"], "`seed` must be an integer"),
    (["figure", "mml_polynomial", "--scale", "smoke", "--workers", "0"], "`workers` must be a positive integer"),
    (["figure", "mml_polynomial", "--scale", "smoke", "--out", "/proc/nowhere"], "cannot be written"),
]


def check_refused(code, told, sentence, folder):
    assert code == 2
    assert sentence in told
    # On a slow machine a command says that it is working.
    assert len([line for line in told.strip().splitlines() if not line.startswith("... ")]) == 1
    assert not list(folder.iterdir())


@pytest.mark.parametrize(("arguments", "sentence"), BAD)
def test_bad_input_is_one_sentence_and_exit_code_two(arguments, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = said(*arguments)
    check_refused(done.exit_code, done.stderr, sentence, tmp_path)


def test_so_it_is_of_a_process(tmp_path):
    arguments, sentence = BAD[-1]
    done = run(*arguments, cwd=tmp_path)
    check_refused(done.returncode, done.stderr, sentence, tmp_path)


def test_a_wrong_option_is_exit_code_two():
    assert run("figure", "mml_polynomial", "--sale", "smoke").returncode == 2


def test_every_help_shows_an_example():
    for command in app.registered_commands:
        done = said(command.name, "--help")
        assert done.exit_code == 0
        assert f"Example: benign {command.name}" in done.stdout


def test_interruption_keeps_what_was_measured(tmp_path):
    command = [sys.executable, "-m", "benign", "figure", "mml_polynomial", "--scale", "paper", "--workers", "1"]
    process = subprocess.Popen(
        [*command, "--out", str(tmp_path)], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT
    )
    assert process.stderr is not None
    seen = ""
    while not re.search("jobs [1-9][0-9]* of", seen):  # "... planning the jobs, 2 s" comes first on a slow machine
        line = process.stderr.readline()
        assert line, seen
        seen += line
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted; what was measured is in" in rest
    partial = benign.Surface.open(tmp_path / "partial.nc")
    assert 0 < partial.dataset.sizes["replicate"] < 10_000
    assert sorted(path.name for path in tmp_path.iterdir()) == ["findings.json", "partial.nc"]
