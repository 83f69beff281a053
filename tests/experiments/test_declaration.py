"""An experiment from Python, TOML, overrides and JSON: the same experiment, with the same key."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

import benign
from benign.experiments.declaration import Crossed, DeclaredEnvironment, Experiment, InvalidDeclaration, Range, resolve

EXAMPLE = Path(__file__).parents[2] / "examples" / "digits.toml"

FILE = """
name = "digits"
samples = { from = 50, to = 800, count = 5, scale = "log" }
sizes = [10, 50, 100]
label_noise = [0.0, 0.2]
crossed = { draws = 3, initialisations = 2, noises = 2 }
seed = 7
metrics = ["leave_one_out_loss"]

[source]
name = "digits"
test_samples = 400

[procedure]
name = "random_fourier"
ridge = 0.1

[execution]
executor = "processes"
workers = 2
cpus_per_job = 1
minutes_per_job = 30
store = "runs.db"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "digits.toml"
    path.write_text(FILE, encoding="utf-8")
    return path


def experiment(**settings: object) -> Experiment:
    """A small one, from Python, by name."""
    given = {"source": {"name": "digits", "test_samples": 400}, "procedure": "random_fourier", "samples": [50, 100]}
    return Experiment(**{**given, **settings})  # type: ignore[arg-type]


def test_what_a_file_says(file: Path) -> None:
    declared = Experiment.from_toml(file)
    assert declared.name == "digits"
    assert declared.source == {"name": "digits", "test_samples": 400}
    assert declared.procedure == {"name": "random_fourier", "ridge": 0.1}
    assert declared.samples == Range(start=50, to=800, count=5, scale="log")
    assert declared.sizes == (10, 50, 100)
    assert declared.label_noise == (0.0, 0.2)
    assert declared.crossed == Crossed(draws=3, initialisations=2, noises=2)
    assert (declared.seed, declared.metrics, declared.times) == (7, ("leave_one_out_loss",), None)
    assert declared.execution == DeclaredEnvironment(
        executor="processes", workers=2, minutes_per_job=30.0, store=str(file.parent / "runs.db")
    )


def test_what_need_not_be_said() -> None:
    declared = experiment()
    assert declared.name == "experiment"
    assert declared.sizes == "every"
    for key in ("label_noise", "times", "replicates", "crossed"):
        assert getattr(declared, key) is None
    assert (declared.seed, declared.metrics) == (0, ())
    assert declared.execution == DeclaredEnvironment()
    assert declared.execution.attempts == 3
    for key in ("executor", "workers", "store"):
        assert getattr(declared.execution, key) is None


def test_the_example_resolves() -> None:
    resolved = resolve(Experiment.from_toml(EXAMPLE))
    assert resolved.grid.samples == (100, 200, 400)
    assert resolved.grid.label_noise == (0.0, 0.2)
    assert len(resolved.grid.part.sizes) == 120


def test_file_and_objects_have_the_same_key(file: Path) -> None:
    from_file = resolve(Experiment.from_toml(file))
    from_objects = resolve(
        Experiment(
            source=benign.sources.digits(test_samples=400), procedure=benign.RandomFourier(ridge=0.1),
            samples=np.array([50, 100, 200, 400, 800]), sizes=np.array([10.0, 50.0, 100.0]),
            label_noise=(0.0, 0.2), crossed=(3, 2, 2), seed=7, metrics=["leave_one_out_loss", "test_loss"],
        )
    )  # fmt: skip
    assert from_file.grid.key == from_objects.grid.key
    assert resolve(Experiment.from_toml(file, ["seed=8"])).grid.key != from_file.grid.key


def test_execution_and_name_are_no_part_of_the_key(file: Path) -> None:
    others = ["name=other", "execution.executor=here", "execution.workers=1", "execution.store=elsewhere.db"]
    keys = {resolve(Experiment.from_toml(file, change)).grid.key for change in ([], others)}
    assert len(keys) == 1


def test_a_name_alone_has_the_default_settings() -> None:
    assert experiment(source="mml").source == {"name": "mml"}


def test_json_restores_it_exactly(file: Path) -> None:
    declared = Experiment.from_toml(file)
    restored = Experiment.from_json(declared.to_json())
    assert restored == declared
    assert restored.to_json() == declared.to_json()
    assert resolve(restored).grid.key == resolve(declared).grid.key


def test_a_stored_declaration_knows_no_store(file: Path) -> None:
    declared = Experiment.from_toml(file, ["execution.store=postgresql://me:secret@host/runs"])
    declaration = resolve(declared).declaration
    assert declaration is not None
    assert "secret" not in declaration
    restored = Experiment.from_json(declaration)
    assert restored.execution.store is None
    assert restored.execution.workers == 2
    assert restored.samples == declared.samples


@pytest.mark.parametrize("ready", ["source", "procedure"])
def test_ready_objects_are_not_written_down(ready: str) -> None:
    objects = {"source": benign.sources.mml(), "procedure": benign.RandomFourier()}
    declared = experiment(**{ready: objects[ready]})
    assert not declared.is_declared_by_name
    assert resolve(declared).declaration is None
    with pytest.raises(InvalidDeclaration, match=f"^{ready}: must be declared by name to be written down"):
        declared.to_json()


def test_it_is_frozen_and_holds_copies() -> None:
    source = {"name": "digits", "test_samples": 400}
    declared = experiment(source=source)
    source["test_samples"] = 5
    assert declared.source == {"name": "digits", "test_samples": 400}
    with pytest.raises(ValueError, match="frozen"):
        declared.seed = 3


def test_experiments_are_equal_wherever_they_came_from(file: Path) -> None:
    given = json.loads(Experiment.from_toml(file).to_json())
    assert Experiment(**given) == Experiment.from_toml(file)
    assert Experiment(**given) != Experiment.from_toml(file, ["seed=8"])
    assert Experiment(**given) != given


# ------------------------------------------------------------------------------------------------------------ overrides


@pytest.mark.parametrize(
    ("override", "key", "value"),
    [
        pytest.param("seed=3", "seed", 3, id="number"),
        pytest.param(" seed = 3 ", "seed", 3, id="spaces"),
        pytest.param("samples=[50,100]", "samples", (50, 100), id="list"),
        pytest.param("samples=60", "samples", (60,), id="one-number"),
        pytest.param("samples={from=2,to=6,step=2}", "samples", Range(start=2, to=6, step=2), id="table"),
        pytest.param("samples.to=100", "samples", Range(start=50, to=100, count=5, scale="log"), id="in-a-range"),
        pytest.param("sizes=every", "sizes", "every", id="bare-word"),
        pytest.param('name="a=b"', "name", "a=b", id="quoted"),
        pytest.param("name=a=b", "name", "a=b", id="equals-sign"),
        pytest.param("name=🔥 peak #3", "name", "🔥 peak #3", id="bare-words"),
        pytest.param("name=1\nseed = 9", "name", None, id="two-lines"),
        pytest.param("source=mml", "source", {"name": "mml"}, id="whole-table"),
        pytest.param("source.test_samples=9", "source", {"name": "digits", "test_samples": 9}, id="dotted"),
        pytest.param("replicates=4", "replicates", 4, id="paired-in-place-of-crossed"),
    ],
)
def test_overrides(file: Path, override: str, key: str, value: object) -> None:
    if value is None:
        with pytest.raises(InvalidDeclaration, match="name: must be text of 1 to 80 printable characters"):
            Experiment.from_toml(file, [override])
        return
    assert getattr(Experiment.from_toml(file, [override]), key) == value


def test_the_last_override_counts(file: Path) -> None:
    assert Experiment.from_toml(file, ["seed=1", "seed=2"]).seed == 2


def test_an_override_makes_the_table_it_needs(tmp_path: Path) -> None:
    path = tmp_path / "short.toml"
    path.write_text('source = "mml"\nprocedure = "polynomial"\nsamples = 10\n')
    assert Experiment.from_toml(path, ["execution.workers=2"]).execution.workers == 2


def test_asking_for_one_kind_of_replicates_drops_the_other(file: Path) -> None:
    assert Experiment.from_toml(file, ["replicates=4"]).crossed is None
    file.write_text(FILE.replace("crossed = { draws = 3, initialisations = 2, noises = 2 }", "replicates = 5"))
    assert Experiment.from_toml(file, ["crossed.draws=2"]).replicates is None
    with pytest.raises(InvalidDeclaration, match="`replicates` and `crossed` cannot both be given"):
        resolve(Experiment.from_toml(file, ["crossed.draws=2", "replicates=2"]))


# ---------------------------------------------------------------------------------------------------------------- paths

TABLE = 'samples = 4\nprocedure = "random_fourier"\n[source]\nname = "table"\npath = "data/t.csv"\ntarget = "y"\n'


@pytest.fixture
def table_file(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    rows = [f"{i},{i % 2}.5" for i in range(12)]
    (tmp_path / "data" / "t.csv").write_text("\n".join(["x,y", *rows]) + "\n")
    path = tmp_path / "table.toml"
    path.write_text(TABLE)
    return path


def test_paths_are_relative_to_the_file(table_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(table_file.parent.parent)
    relative = Path(table_file.parent.name) / table_file.name
    declared = Experiment.from_toml(os.fspath(relative))
    assert declared.source == {"name": "table", "path": str(table_file.parent / "data" / "t.csv"), "target": "y"}
    expected = benign.sources.table(table_file.parent / "data" / "t.csv", target="y")
    resolved = resolve(declared)
    assert resolved.sources[0].spec() == expected.spec()
    assert resolved.declaration is not None
    monkeypatch.chdir("/")
    assert resolve(Experiment.from_json(resolved.declaration)).grid.key == resolved.grid.key


def test_overridden_paths_are_relative_to_where_one_types(table_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(table_file.parent / "data")
    declared = Experiment.from_toml(table_file, ["source.path=other.csv", "execution.store=here.db"])
    assert isinstance(declared.source, dict)
    assert declared.source["path"] == str(table_file.parent / "data" / "other.csv")
    assert declared.execution.store == str(table_file.parent / "data" / "here.db")


@pytest.mark.parametrize("store", [":memory:", "postgresql://me@host/runs", "sqlite:///runs.db", "/somewhere/runs.db"])
def test_what_is_no_relative_path_is_left_alone(file: Path, store: str) -> None:
    file.write_text(FILE.replace('"runs.db"', json.dumps(store)))
    assert Experiment.from_toml(file).execution.store == store
    assert Experiment.from_toml(file, [f"execution.store={store}"]).execution.store == store


def test_home(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/of/somebody")
    file.write_text(FILE.replace('"runs.db"', '"~/runs.db"'))
    assert Experiment.from_toml(file).execution.store == "/home/of/somebody/runs.db"
    assert Experiment.from_toml(file, ["execution.store=~nobody-at-all/x"]).execution.store is not None


# --------------------------------------------------------------------------------------------------------------- schema


def test_the_json_schema_accepts_the_files_that_are_accepted(file: Path) -> None:
    import tomllib

    jsonschema = pytest.importorskip("jsonschema", reason="the package jsonschema is not installed")
    schema = Experiment.json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for text in (FILE, TABLE, EXAMPLE.read_text(encoding="utf-8")):
        validator.validate(tomllib.loads(text))
    for broken in (FILE.replace("ridge", "rigde"), FILE.replace("workers = 2", "worker = 2"), "samples = 3"):
        assert not validator.is_valid(tomllib.loads(broken))


def test_the_json_schema_lists_names_and_settings() -> None:
    schema = json.loads(json.dumps(Experiment.json_schema(), allow_nan=False))
    assert set(schema["required"]) == {"source", "procedure", "samples"}
    options = {
        option["properties"]["name"].get("const"): option for option in schema["properties"]["source"]["anyOf"][:-1]
    }
    assert set(options) == {"digits", "function", "mml", "mnist", "mnist1d", "table", None}
    assert options["table"]["required"] == ["name", "path", "target"]
    assert options["digits"]["properties"]["test_samples"]["default"] == 597
    assert options["digits"]["additionalProperties"] is False
    procedures = {
        option["properties"]["name"].get("const"): option for option in schema["properties"]["procedure"]["anyOf"][:-1]
    }
    training = procedures["mlp"]["properties"]["training"]
    assert training["properties"]["loss"]["anyOf"] == [{"enum": ["cross-entropy", "squared"]}]
    assert training["additionalProperties"] is False


# ------------------------------------------------------------------------------------------------------------ format 1

EVERY_KEY = Path(__file__).parents[1] / "data" / "format1" / "every_key.toml"
WRITTEN_BY_0_1 = "040db510f69f210b291176fdcf95b147f9fce33dae900f6150b44eb4bcd382d6"


def test_a_file_of_format_1_is_the_same_experiment() -> None:
    pytest.importorskip("jax", reason="the extra networks is not installed")
    with pytest.warns(FutureWarning, match="The metric function_norm is called scaled_norm now"):
        declared = Experiment.from_toml(EVERY_KEY)
    assert resolve(declared).grid.key == WRITTEN_BY_0_1
    assert declared.execution.model_dump() == {
        "executor": "ray", "workers": 2, "address": "auto", "cpus_per_job": 2.0, "gpus_per_job": 0.5,
        "minutes_per_job": 30.0, "attempts": 2, "store": str(EVERY_KEY.parent / "runs.db"),
    }  # fmt: skip


def test_execution_is_still_known_by_its_old_name() -> None:
    with pytest.warns(DeprecationWarning, match="Execution is now DeclaredEnvironment"):
        from benign.experiments.declaration import Execution
    assert Execution is DeclaredEnvironment
