"""``benign diagnose``: answers as they come, the paragraph, JSON, a page, exit codes, or one sentence."""

import json
import re
import sys

import jsonschema
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from benign.cli import diagnose as command
from benign.cli import progress
from benign.cli.main import app
from benign.cli.users_code import named_model
from benign.diagnosis import json_schema
from benign.diagnosis.wording import TITLES
from benign.foundation.errors import InvalidArgument

MODULE = """
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
import benign

logistic = LogisticRegression()
pipeline = make_pipeline(StandardScaler(), LogisticRegression())
features = benign.RandomFourier()
number = 3
forgotten = LogisticRegression
threaded = lambda: Ridge()

def made():
    return make_pipeline(StandardScaler(), LogisticRegression())

def nothing():
    return None

def broken():
    raise RuntimeError("no such file")

def build(width, *layers, depth=1):
    return None
"""
CHEAP = ("--only", "standing,more-data", "--max-trainings", "6")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What the user has; the workers that have imported it are kept from test to test."""
    place = tmp_path_factory.mktemp("user")
    random = np.random.default_rng(0)
    inputs = random.standard_normal((160, 3))
    labels = np.where(inputs[:, 0] + 0.5 * random.standard_normal(160) > 0, "yes", "no")
    columns = {f"x{i}": inputs[:, i] for i in range(3)} | {"label": labels}
    pq.write_table(pa.table(columns), place / "train.parquet")
    told = columns | {"answer": np.where(labels == "yes", 1.0, 0.0) + 0.01 * random.standard_normal(160)}
    pq.write_table(pa.table(told), place / "leaking.parquet")
    (place / "their_model.py").write_text(MODULE, encoding="utf-8")
    return place


@pytest.fixture(autouse=True)
def _in_the_folder(folder, monkeypatch):

    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [*sys.path])


def _diagnose(model, *arguments, data="train.parquet", code=0):
    words = ["diagnose", f"their_model:{model}", "--data", data, "--target", "label", *map(str, arguments)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == code, done.output
    return done


def test_a_line_for_each_answer_then_the_paragraph():
    lines, _, paragraph = _diagnose("logistic", *CHEAP).stdout.partition("\n\n")
    starts = [re.split(r"\s{2,}", line)[0] for line in lines.splitlines()]
    assert starts == ["Model", TITLES["standing"], TITLES["more_data"]]
    assert "LogisticRegression on 128 samples of train." in lines
    assert "wrong on" in paragraph
    assert "of your model." in paragraph


@pytest.mark.parametrize("model", ["pipeline", "made"])
def test_pipelines_and_functions_that_make_one_are_taken_as_they_are(model):
    found = json.loads(_diagnose(model, *CHEAP, "--json").stdout)
    assert found["model"] == "LogisticRegression"
    assert found["size_name"] == "logisticregression__C"


def test_a_procedure_of_ours_is_given_its_size():
    found = json.loads(_diagnose("features", "--size", 20, *CHEAP, "--json").stdout)
    assert found["size"] == 20
    assert "size" in _diagnose("features", *CHEAP, code=2).stderr


def test_json_alone_is_that_of_the_schema():
    done = _diagnose("logistic", *CHEAP, "--json", "--confidence", 0.9)
    found = json.loads(done.stdout)
    jsonschema.validate(found, json_schema())
    assert found["files"] == []
    assert found["confidence"] == 0.9
    assert found["trainings"] <= 6 + 1


def test_out_writes_pictures_and_a_page_and_names_it(folder):
    last = _diagnose("logistic", *CHEAP, "--out", "picture").stdout.splitlines()[-1]
    assert last == "picture/report.html"
    page = (folder / "picture" / "report.html").read_text("utf-8")
    assert "Will more data, a bigger model or longer training help?" in page
    assert (folder / "picture" / "samples.png").is_file()
    _diagnose("logistic", *CHEAP, "--out", "picture")


def test_a_file_that_is_not_ours_stays(folder):
    (folder / "mine").mkdir(exist_ok=True)
    (folder / "mine" / "report.html").write_text("mine", encoding="utf-8")
    assert "report.html" in _diagnose("logistic", *CHEAP, "--out", "mine", code=2).stderr
    assert (folder / "mine" / "report.html").read_text("utf-8") == "mine"


def test_fail_on_is_exit_code_3():
    _diagnose("logistic", *CHEAP, "--fail-on", "leak,worse-than-constant")
    done = _diagnose("logistic", *CHEAP, "--fail-on", "critical, leak", data="leaking.parquet", code=3)
    assert "\nData " in f"\n{done.stdout}"
    assert "did you mean 'copies'?" in _diagnose("logistic", "--fail-on", "copy", code=2).stderr


def test_an_unknown_part_is_named_with_the_nearest():
    assert "did you mean 'bigger'?" in _diagnose("logistic", "--only", "biger", code=2).stderr


def test_ctrl_c_leaves_what_is_known(monkeypatch):
    from benign.diagnosis import more_data

    def interrupted(*_arguments, **_settings):
        raise KeyboardInterrupt

    monkeypatch.setattr(more_data, "more_data", interrupted)
    done = _diagnose("logistic", *CHEAP, code=130)
    assert TITLES["standing"] in done.stdout
    assert "It was interrupted: what comes after is not known." in done.stdout
    assert done.stderr.splitlines()[-1] == "benign: Interrupted; what was known by then is above."
    assert json.loads(_diagnose("logistic", *CHEAP, "--json", code=130).stdout)["is_interrupted"]


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        ("number", "their_model:number is a int, no model; name an estimator"),
        ("forgotten", "their_model:forgotten is a class; name an object of it"),
        ("nothing", r"their_model:nothing() returned a NoneType, no model"),
        (
            "build",
            "their_model:build is a function of width; make it a procedure with benign.from_estimator, benign.from",
        ),
        ("broken", r"calling their_model:broken() failed: RuntimeError: no such file."),
        ("logistics", "did you mean 'logistic'?"),
    ],
)
def test_what_is_no_model_gets_a_sentence(folder, model, sentence):
    with pytest.raises(InvalidArgument, match=re.escape(sentence)):
        named_model(f"their_model:{model}", folder=folder)


def test_a_model_that_is_refused_is_refused_in_one_line():
    told = _diagnose("number", code=2).stderr.strip().splitlines()
    assert len([line for line in told if not line.startswith("... ")]) == 1


def test_the_help_names_the_budget_and_an_example():
    told = CliRunner().invoke(app, ["diagnose", "--help"]).stdout
    assert "--max-minutes" in told
    assert "Example: benign diagnose" in told
    assert command.__doc__ is not None


def test_no_bar_is_on_the_terminal_while_an_answer_is_printed(monkeypatch):

    seen = []

    class Bar:
        def stop(self):
            seen.append("stop")

        def start(self):
            seen.append("start")

    monkeypatch.setattr(progress, "_live", [Bar()])
    monkeypatch.setattr(progress, "filter_output", lambda: seen.append("filter"))
    with progress.paused():
        seen.append("print")
    assert seen == ["stop", "print", "start", "filter"]
