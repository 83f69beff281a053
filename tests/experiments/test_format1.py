"""What was written before format 2 is read, and nothing of it is measured again.

The files in ``tests/data/format1`` are of the last version that wrote format 1: a store with two runs, the surface of
one of them, the declaration of the other, and the keys that they had.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import benign
from benign import schema
from benign.experiments.declaration import Experiment, resolve
from benign.experiments.encoding import CorruptBlock, decode, encode
from benign.experiments.parts import Part
from benign.experiments.resolution import resolve_grid
from benign.experiments.store import Store
from benign.foundation.errors import InvalidArgument, UnknownName
from benign.procedures import Solutions
from tests.experiments.measured import block, part

FORMAT1 = Path(__file__).parents[1] / "data" / "format1"
WRITTEN = json.loads((FORMAT1 / "keys.json").read_text())
DECLARED, SOLUTIONS = "before format 2", "solutions before format 2"
RENAMED = "The metric function_norm is called scaled_norm now"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return Path(shutil.copy(FORMAT1 / "store.db", tmp_path / "store.db"))


class Told:
    """A listener that counts what is measured."""

    blocks = 0

    def started(self, *_: object) -> None: ...

    def measured(self, *_: object) -> None:
        self.blocks += 1

    def failed(self, *_: object) -> None: ...

    def advanced(self, *_: object) -> None: ...

    def ended(self, *_: object) -> None: ...


def test_a_run_of_format_1_is_whole_and_goes_on_without_measuring(store):
    told = Told()
    with pytest.warns(FutureWarning, match=RENAMED):
        run = benign.run(FORMAT1 / "experiment.toml", store=store, listeners=[told])
    assert run.id == WRITTEN[DECLARED]["run"]
    assert told.blocks == 0
    assert run.surface.dataset["scaled_norm"].values.ravel().tolist() == WRITTEN[DECLARED]["function_norm"]
    assert run.surface.dataset["condition"].values.ravel().tolist() == WRITTEN[DECLARED]["condition"]
    assert schema.DAMAGED not in run.surface.dataset.attrs


def test_what_is_added_to_it_is_measured_alone(store):
    told = Told()
    with pytest.warns(FutureWarning, match=RENAMED):
        declared = Experiment.from_toml(FORMAT1 / "experiment.toml")
    more = declared.model_copy(update={"replicates": 3})
    surface = benign.run(more, store=store, listeners=[told]).surface
    assert told.blocks == 4
    two = surface.dataset["scaled_norm"].values[..., :2]
    assert two.ravel().tolist() == WRITTEN[DECLARED]["function_norm"]
    assert np.isfinite(surface.dataset["scaled_norm"].values).all()


def test_its_keys_are_those_of_today():
    with pytest.warns(FutureWarning, match=RENAMED):
        grid = resolve(Experiment.from_toml(FORMAT1 / "experiment.toml")).grid
    assert sorted(key for key, _ in grid.cells()) == WRITTEN[DECLARED]["cells"]
    assert [grid.part.key] == WRITTEN[DECLARED]["parts"]
    assert "scaled_norm" in grid.part.metrics
    assert type(grid).from_json(grid.to_json()).part.metrics == grid.part.metrics


def test_what_was_measured_of_solutions_keeps_its_keys():
    training = benign.Training(optimizer="sgd", batch_size=None, learning_rate=0.05, steps=4, precision="float64")
    procedure = Solutions(training=training, depth=1, cooling_steps=2)
    source = benign.sources.digits(test_samples=60)
    grid = resolve_grid(procedure, [source], samples=[20], sizes=[3, 5], times=[0.1, 0.2], replicates=2)
    assert sorted(key for key, _ in grid.cells()) == WRITTEN[SOLUTIONS]["cells"]


@pytest.mark.parametrize("metric", WRITTEN["parts"])
def test_a_part_keeps_its_key_under_either_name(metric):
    for name in (schema.name_today(metric), metric):
        asked = Part(sizes=np.array([1, 2]), times=np.array([0.5, np.inf]), metrics=frozenset({name, "test_loss"}))
        assert asked.key == WRITTEN["parts"][metric]
    assert schema.name_today(metric) in schema.METRICS


def test_the_file_of_a_surface_and_its_blocks_hold_the_same_numbers(store):
    opened = benign.Surface.open(FORMAT1 / "solutions.nc").dataset
    stored = benign.open_run(SOLUTIONS, store).surface.dataset
    assert {"scaled_norm", "worst_sharpness_cooled", "test_error_under_noise"} <= set(opened.data_vars)
    xr.testing.assert_equal(opened, stored)
    assert np.isfinite(opened["worst_sharpness"].values).all()


def test_a_surface_is_written_in_format_2_and_comes_back(tmp_path):
    surface = benign.Surface.open(FORMAT1 / "solutions.nc")
    again = surface.to_netcdf(tmp_path / "surface.nc")
    with xr.open_dataset(again, engine="h5netcdf") as written:
        assert written.attrs["benign_format"] == schema.FORMAT == 2
        assert "function_norm" not in written
    xr.testing.assert_identical(benign.Surface.open(again).dataset, surface.dataset)


def test_a_surface_of_a_newer_format_gets_a_sentence(tmp_path, monkeypatch):
    surface = benign.Surface.open(FORMAT1 / "solutions.nc")
    monkeypatch.setattr(schema, "FORMAT", 3)
    newer = surface.to_netcdf(tmp_path / "surface.nc")
    monkeypatch.undo()
    with pytest.raises(InvalidArgument, match="`path` holds a surface of a newer benign; upgrade with: pip install"):
        benign.Surface.open(newer)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        pytest.param(lambda file: file.assign(function_norm=file["scaled_norm"]), "'function_norm'", id="both-names"),
        pytest.param(lambda file: file.assign_attrs(benign_format=[1, 2]), "a newer benign", id="no-number"),
    ],
)
def test_a_file_that_nobody_wrote_gets_a_sentence(tmp_path, change, sentence):
    file = benign.Surface.open(FORMAT1 / "solutions.nc").to_netcdf(tmp_path / "surface.nc")
    with xr.open_dataset(file, engine="h5netcdf") as written:
        change(written.load()).to_netcdf(tmp_path / "changed.nc", engine="h5netcdf")
    with pytest.raises(InvalidArgument, match=sentence):
        benign.Surface.open(tmp_path / "changed.nc")


def test_a_block_is_written_in_format_2_and_one_of_format_3_is_refused():
    wanted = part(metrics=["scaled_norm", "test_loss"])
    payload = encode(block(wanted))[0]
    assert set(decode(payload, wanted).metrics) == {"scaled_norm", "test_loss"}
    assert payload.count(b"scaled_norm") == 1
    with pytest.raises(CorruptBlock, match="does not read; update benign"):
        decode(payload.replace(b"\1\0\0\0002", b"\1\0\0\0003"), wanted)


def _surface() -> benign.Surface:
    return benign.Surface.from_arrays({"scaled_norm": np.ones(3)}, size=[1, 2, 3], samples=10)


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(lambda: _surface().curve("function_norm"), id="curve"),
        pytest.param(
            lambda: benign.Surface.from_arrays({"function_norm": np.ones(3)}, size=[1, 2, 3], samples=10), id="arrays"
        ),
        pytest.param(
            lambda: benign.Experiment(source="mml", procedure="polynomial", samples=10, metrics=["function_norm"]),
            id="experiment",
        ),
        pytest.param(lambda: schema.checked_metrics(["sharpness_cooled"]), id="measure"),
    ],
)
def test_an_old_name_answers_with_a_warning(asked):
    with pytest.warns(FutureWarning, match="The metric .* is called .* now; its old name goes with 0.3"):
        asked()


def test_a_name_that_never_was_is_unknown():
    with pytest.raises(UnknownName, match="scaled_norms"):
        _surface().curve("scaled_norms")


def test_the_parts_of_a_store_are_those_of_its_first_version(store):
    with Store.open(store) as opened:
        (key,) = WRITTEN[DECLARED]["parts"]
        assert "scaled_norm" in opened.parts([key])[key].metrics
