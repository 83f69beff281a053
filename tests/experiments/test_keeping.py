"""The one rule of what is kept: figures, declared experiments and searches keep; all else keeps nothing unasked."""

import ast
from pathlib import Path

import pytest

import benign
from benign.experiments.keeping import IN_MEMORY, kept_line
from benign.experiments.store import Store

# A search that is added belongs here, and nothing else does.
KEEPS = {"figure", "run", "plan", "effective_model_complexity", "threshold_size", "threshold_time", "locate_peak"}
LOOKS = {"list_runs", "open_run"}
PLACES = {"Place", "Location"}


def _defaults():
    """Each function of the Python interface that takes a store's place with a default."""
    for path in Path(benign.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                arguments = [*node.args.args, *node.args.kwonlyargs]
                defaults = [*[None] * (len(node.args.args) - len(node.args.defaults)), *node.args.defaults]
                for argument, default in zip(arguments, [*defaults, *node.args.kw_defaults], strict=True):
                    kind = ast.unparse(argument.annotation) if argument.annotation else ""
                    if argument.arg == "store" and kind in PLACES and default is not None:
                        yield node.name, ast.unparse(default)


def test_every_default_follows_the_rule():
    found = set(_defaults())
    assert {name for name, _ in found} >= KEEPS | {"measure"}
    assert found == {(name, "None" if name in KEEPS | LOOKS else "IN_MEMORY") for name, _ in found}


@pytest.fixture
def store_file(tmp_path, monkeypatch):
    monkeypatch.setenv("BENIGN_STORE", str(tmp_path / "my data" / "store.db"))
    return tmp_path / "my data" / "store.db"


def test_a_measurement_keeps_nothing_and_a_search_keeps_what_it_trained(store_file):
    source = benign.sources.digits(test_samples=40)
    benign.measure(benign.RandomFourier(), source, sizes=[5], samples=[20], replicates=1)
    assert not store_file.parent.exists()
    benign.threshold_size(benign.RandomFourier(), source, samples=20, max_trainings=6)
    assert all(run.is_search for run in benign.list_runs())
    assert store_file.exists()


def test_a_figure_keeps_and_says_where(store_file):
    kept = benign.figure("mml_polynomial", scale="smoke", executor="here").kept
    assert kept == f"Kept in {store_file}; list it with: benign runs"
    assert benign.list_runs(store_file)
    assert not benign.figure("nakkiran2020_resnet18", scale="smoke").kept  # nothing is measured


def test_what_was_kept_is_said_with_the_command_that_lists_it(store_file, tmp_path):
    assert kept_line(None) == f"Kept in {store_file}; list it with: benign runs"
    assert kept_line("other.db").endswith(f"other.db; list it with: benign runs --store {tmp_path.cwd()}/other.db")
    assert kept_line(IN_MEMORY) == kept_line(Store.open(IN_MEMORY)) == ""
    with Store.open(None) as store:
        assert kept_line(store).startswith(f"Kept in {store_file}; list it with: benign runs --store ")
