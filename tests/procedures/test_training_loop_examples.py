"""The examples of training loops: those whose libraries are here run, and what is kept of all is of them as they are.

``python examples/training_loops/check.py`` runs each in an environment of its own and keeps what it printed.
"""

import importlib.util
import json
import math
import re
import runpy
from pathlib import Path

import pytest

import benign
from tests.optional import needs

FOLDER = Path(__file__).parents[2] / "examples" / "training_loops"
CHECK = runpy.run_path(str(FOLDER / "check.py"))
EXAMPLES = CHECK["examples"]()
RESULTS = json.loads((FOLDER / "results.json").read_text("utf-8"))

every_example = pytest.mark.parametrize("example", EXAMPLES.values(), ids=list(EXAMPLES))


@every_example
def test_an_example_prints_a_finite_curve(example, capsys, monkeypatch):
    for requirement in CHECK["requirements"](example):
        module = re.split(r"[\[=]", requirement)[0].removesuffix("-cpu")
        needs(module, importlib.util.find_spec(module) is not None, f"{module} is not installed")
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    measure = benign.measure
    monkeypatch.setattr(benign, "measure", lambda *of, **grid: measure(*of, **{**grid, "replicates": 1}))  # for seconds
    runpy.run_path(str(example), run_name="__main__")
    table = CHECK["table_of"](capsys.readouterr().out)
    assert [line.split()[0] for line in table] == [line.split()[0] for line in RESULTS[example.stem]["printed"]]
    assert CHECK["losses"](table)[-1][1] < math.log(10)  # the larger model, at the end, does better than chance


@every_example
def test_what_is_kept_of_an_example_is_of_it_as_it_is(example):
    kept = RESULTS[example.stem]
    assert kept["digest"] == CHECK["digest"](example), "run examples/training_loops/check.py"
    pinned = dict(re.findall(r"([\w-]+)(?:\[\w+\])?==(\S+)", " ".join(CHECK["requirements"](example))))
    assert {name: version.partition("+")[0] for name, version in kept["versions"].items()} == pinned
    assert CHECK["table_of"]("\n".join(kept["printed"])) == kept["printed"]


def test_nothing_is_kept_of_an_example_that_is_gone():
    assert RESULTS.keys() == EXAMPLES.keys()


@pytest.mark.parametrize(
    "printed",
    ["", "size 4 64\ntime\n", "size   4   64\ntime\n1.0  0.5  nan\n", "size   4   64\ntime\n1.0  0.5\n"],
    ids=["nothing", "no rows", "no number", "one size"],
)
def test_what_is_no_curve_is_said(printed):
    with pytest.raises(ValueError, match="no table of finite losses was printed"):
        CHECK["table_of"](printed)


def test_the_table_is_read_among_what_libraries_print():
    lines = ["size   4   64", "time         ", "1.0  2.5  1.5", "10.0  0.5  0.25"]
    assert CHECK["table_of"]("\n".join(["epoch 1, size 3", *lines, "", "done"])) == lines
    assert CHECK["losses"](lines) == [[2.5, 1.5], [0.5, 0.25]]
