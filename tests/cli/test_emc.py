"""``benign emc``: a paragraph, a table and a picture of the user's own model, or one sentence."""

import json
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from benign.cli.main import app
from benign.cli.options import column_names
from benign.cli.users_code import named
from benign.foundation.errors import InvalidArgument

MODULE = """
import benign
features = benign.RandomFourier(bandwidth=2.0)
number = 3
"""
BOOSTING = """
import benign
from sklearn.ensemble import GradientBoostingClassifier
boosting = benign.from_estimator(
    GradientBoostingClassifier(learning_rate=0.5, n_estimators=60), size="max_leaf_nodes", time="n_estimators"
)
"""
NEIGHBOURS = """
import benign
from sklearn.neighbors import KNeighborsClassifier
neighbours = benign.from_estimator(KNeighborsClassifier(), size="n_neighbors")
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What the user has; the workers that have imported it are kept from test to test."""
    place = tmp_path_factory.mktemp("user")
    random = np.random.default_rng(0)
    inputs = random.standard_normal((400, 3))
    labels = np.where(inputs[:, 0] * inputs[:, 1] + 0.5 * random.standard_normal(400) > 0, "yes", "no")
    columns = {f"x{i}": inputs[:, i] for i in range(3)} | {"label": labels}
    pq.write_table(pa.table(columns), place / "train.parquet")
    (place / "my_model.py").write_text(MODULE, encoding="utf-8")
    (place / "my_boosting.py").write_text(BOOSTING, encoding="utf-8")
    (place / "my_neighbours.py").write_text(NEIGHBOURS, encoding="utf-8")
    (place / "broken.py").write_text("raise RuntimeError('no such card')", encoding="utf-8")
    return place


@pytest.fixture(autouse=True)
def _in_the_folder(folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [*sys.path])


def _emc(*arguments, data="train.parquet"):
    return CliRunner().invoke(app, ["emc", *arguments, "--data", data, "--target", "label"])


def test_a_paragraph_a_table_and_a_picture(folder):
    command = [sys.executable, "-m", "benign", "emc", "my_model:features", "--size", "20", "--max-trainings", "40"]
    done = subprocess.run(
        [*command, "--data", "train.parquet", "--target", "label", "--out", "picture"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "samples (95 % interval" in done.stdout
    assert "over-parameterised" not in done.stdout.split("EMC / n")[1].split(";")[1][:17]  # 20 features, 320 samples
    assert "under-parameterised" in done.stdout
    assert "training risk" in done.stdout
    # Functions of three inputs this smooth span few dimensions: EMC stands though no size fits in double precision.
    assert "a failure ended the search. `procedure` has no finite training risk at 320 samples and" in done.stdout
    assert (folder / "picture" / "emc.png").is_file()


def test_inputs_are_named_as_in_the_first_line_of_a_file(folder):
    columns = pq.read_table(folder / "train.parquet").rename_columns(["x0", "x,1", "x2", "label"])
    pq.write_table(columns, folder / "renamed.parquet")
    inputs = ["--inputs", 'x0, "x,1",x3']
    done = _emc("my_model:features", "--size", "3", "--max-trainings", "8", *inputs, data="renamed.parquet")
    assert done.exit_code == 2
    assert "unknown column 'x3'; did you mean 'x2'? Known: x0, x,1, x2, label." in done.stderr


@pytest.mark.parametrize(
    ("inputs", "names"),
    [
        ('"a, b",c  d', ["a, b", "c  d"]),
        ("a ,b", ["a", "b"]),
        (' a ,\n"b", " c " ', ["a", "b", " c "]),
        ('a "b" , 5" wide ,"6"" wide"', ['a "b"', '5" wide', '6" wide']),
    ],
)
def test_blanks_within_a_name_count_and_those_about_it_only_within_quotes(inputs, names):
    assert column_names(inputs) == names


def test_a_line_break_within_a_name_stands_in_quotes():
    assert column_names('"a\nb",c') == ["a\nb", "c"]
    with pytest.raises(InvalidArgument, match=r"^`--inputs` must be names with commas between them"):
        column_names("a\nb")


def test_json_alone(folder):
    done = _emc("my_model:features", "--size", "20", "--max-trainings", "40", "--samples", "20", "--json")
    answer = json.loads(done.stdout)
    assert 15 <= answer["value"] <= 25
    assert answer["regime"] in ("critical", "undecided")
    assert answer["samples"] == 20
    assert len(answer["evidence"]) >= 3
    size = answer["threshold_size"]
    assert 15 <= size["value"] <= 21
    assert size["unit"] == "features"
    assert size["interval"][0] <= size["value"] <= size["interval"][1]
    assert answer["peak_size"]["unit"] == "features"
    low, high = answer["peak_size"]["interval"]
    assert low <= 20  # features that fit 20 samples exactly
    assert high is None or high >= 20
    assert answer["threshold_time"] is None  # least squares is solved, not trained
    assert answer["trainings"] + size["trainings"] <= 40
    assert "at your n = 20" in answer["peak"]
    assert answer["seconds"] < 60


def test_where_the_peak_must_be_looked_for(folder):
    done = _emc("my_boosting:boosting", "--size", "8", "--samples", "40", "--max-trainings", "60", "--store", "s.db")
    assert done.exit_code == 0, done.stderr
    paragraph = done.stdout.split("\n\n")[0]
    assert "The test risk peaks, if it does, near max_leaf_nodes = 3, which just fits (95 %: 3 to 3)" in paragraph
    assert "lies at more samples or a smaller max_leaf_nodes" in paragraph
    assert "max_leaf_nodes" in paragraph.split("at your n = 40")[0]
    assert "n_estimators" in paragraph.split("at your n and size")[0]
    assert "Threshold size at n = 40 on train" in done.stdout
    assert "Threshold time at n = 40, max_leaf_nodes = 8 on train" in done.stdout
    runs = CliRunner().invoke(app, ["runs", "--store", "s.db"]).stdout
    assert runs.count("search for the threshold size at n = 40") == 1


def test_an_inverse_of_a_size_is_noticed_and_read_the_other_way_round(folder):
    arguments = (
        "my_neighbours:neighbours",
        "--size",
        "5",
        "--samples",
        "60",
        "--max-trainings",
        "60",
        "--store",
        "neighbours.db",
    )
    noticed = _emc(*arguments)
    assert noticed.exit_code == 0, noticed.stderr
    paragraph = noticed.stdout.split("\n\n")[0]
    assert "Effective model complexity of n_neighbors = 5 on train" in paragraph
    assert "Training loss rises with n_neighbors (" in paragraph
    assert "it acts as the inverse of a size, and is read so." in paragraph
    assert "under-parameterised" in paragraph
    assert "a smaller n_neighbors moves it towards the peak" in paragraph
    inverse = _emc(*arguments, "--inverse", "--json")
    answer = json.loads(inverse.stdout)
    assert answer["threshold_size"]["value"] == 1
    assert answer["threshold_size"]["note"] == ""
    assert "at n_neighbors" in answer["peak"].split("at your n = 60")[0]


def test_more_features_always_fit_more(folder):
    with pytest.raises(InvalidArgument, match="`--inverse` is for your own sizes; more features fit more"):
        named("my_model:features", inverse=True, folder=folder)


def test_a_package_may_import_its_procedures_when_they_are_asked_for(folder, monkeypatch):
    (folder / "lazy_models.py").write_text(
        "def __getattr__(name):\n    if name != 'features':\n        raise AttributeError(name)\n"
        "    import my_model\n    return my_model.features\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(folder)
    assert named("lazy_models:features", inverse=False, folder=folder).size_name == "features"
    with pytest.raises(InvalidArgument, match="unknown name in the module 'lazy_models' 'other'"):
        named("lazy_models:other", inverse=False, folder=folder)


def test_a_budget_that_is_too_small_says_undecided_and_what_more_buys(folder):
    done = _emc("my_model:features", "--size", "20", "--samples", "200", "--max-trainings", "8", "--json")
    answer = json.loads(done.stdout)
    assert answer["outcome"] == "undecided"
    assert answer["threshold_size"]["outcome"] == "undecided"
    assert "undecided" in answer["peak"]
    assert (
        "The budget ended the search for EMC and the threshold size: more minutes or trainings" in answer["more_budget"]
    )


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("my_model", "`MODULE:NAME` must name both"),
        ("broken:features", "importing 'broken', which runs its code, failed: RuntimeError: no such card"),
        ("my_model:feature", "unknown name in the module 'my_model' 'feature'; did you mean 'features'"),
        ("my_model:number", "is a int, no procedure; make one with benign.from_estimator"),
    ],
)
def test_what_cannot_be_used_gets_a_sentence(folder, target, sentence):
    done = _emc(target, "--size", "20")
    assert done.exit_code == 2
    assert sentence in done.stderr
    assert len([line for line in done.stderr.strip().splitlines() if not line.startswith("... ")]) == 1


PICKS = """
import benign
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
columns = make_column_transformer(("passthrough", ["x2", "x0"]))
forest = benign.from_estimator(
    make_pipeline(columns, RandomForestClassifier(2)), size="randomforestclassifier__max_leaf_nodes"
)
"""


def test_a_pipeline_picks_columns_of_numbers_by_name(folder):
    (folder / "my_pipeline.py").write_text(PICKS, encoding="utf-8")
    arguments = ["my_pipeline:forest", "--size", "4", "--max-trainings", "4", "--samples", "20", "--workers", "1"]
    done = _emc(*arguments, "--as-frame")
    assert done.exit_code == 0, done.stderr
