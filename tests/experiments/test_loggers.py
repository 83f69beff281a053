"""Loggers: what MLflow and TensorBoard themselves read back of a run that was logged."""

import contextlib
import importlib.util
import os
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benign.experiments.grid import Cell, Grid
from benign.experiments.listener import Listener, Progressed
from benign.experiments.loggers.mlflow import MLflowLogger
from benign.experiments.loggers.series import block_series
from benign.experiments.loggers.settings import settings
from benign.experiments.loggers.tensorboard import TensorBoardLogger
from benign.experiments.parts import Part
from benign.experiments.states import State
from benign.foundation.errors import MissingExtra, OutputFailed
from benign.foundation.file_names import file_name
from benign.foundation.replicate import Replicate
from benign.schema import Block
from tests.experiments.measured import block, grid, part
from tests.optional import needs

NOISY = grid(part(sizes=[1, 2, 5]), noise=(0.0, 0.2))
CELL = Cell(level=1, samples=20, replicate=Replicate(draw=2, initialisation=2, noise=2))
ADDRESS = "samples 20/label_noise 0.2/replicate 2-2-2"


def _block(of: Grid, cell: Cell) -> Block:
    return block(of.part, samples=cell.samples, replicates=[cell.replicate], level=cell.level)


def _progress(done: int = 0, failed: int = 0) -> Progressed:
    return Progressed(done=done, failed=failed, total=12, seconds=0.5)


def _counts(**units: int) -> dict[State, int]:
    return {state: units.get(state.value, 0) for state in State}


def _tell(listener: Listener, of: Grid, counts: dict[State, int]) -> None:
    """A run that measures one block, whose loss is not finite everywhere, and fails at another."""
    measured = _block(of, CELL)
    loss = measured.metrics["test_loss"].copy()
    loss[0, 1, 0] = np.nan
    listener.started("made-up-1f2e", of, _progress())
    listener.measured(CELL, replace(measured, metrics={**measured.metrics, "test_loss": loss}), _progress(done=1))
    listener.failed(replace(CELL, samples=10), "Traceback ...\nValueError: too bad", False, _progress(done=1, failed=1))
    listener.advanced(_progress(done=2, failed=1))
    listener.ended(counts, _progress(done=11, failed=1))


# ---------------------------------------------------------------------------------------------- what both are told


def _series(shape: Part) -> dict[str, tuple[list[int], list[float]]]:
    cell = Cell(level=0, samples=10, replicate=Replicate())
    return {
        s.tag: (s.steps.tolist(), s.values.tolist()) for s in block_series(grid(shape), cell, _block(grid(shape), cell))
    }


def test_the_step_is_the_size():
    series = _series(part(sizes=[1, 2, 5], metrics=["test_loss", "norm"]))
    assert list(series) == ["norm/samples 10/replicate 0-0-0", "test_loss/samples 10/replicate 0-0-0"]
    assert series["norm/samples 10/replicate 0-0-0"][0] == [1, 2, 5]


@pytest.mark.parametrize(
    ("times", "steps"),
    [
        pytest.param([0.0, 10.0, 1000.0], [0, 10, 1000], id="whole"),
        pytest.param([0.5, 1.0, 2.0], [0, 1, 2], id="fractions"),
        pytest.param([1.0, 5.0, np.inf], [0, 1, 2], id="the-end"),
    ],
)
def test_the_step_is_the_time_where_there_are_several(times, steps):
    series = _series(part(sizes=[1, 5], times=times, metrics=["norm"]))
    assert list(series) == [f"norm/samples 10/replicate 0-0-0/size {size}" for size in (1, 5)]
    assert all(told[0] == steps for told in series.values())


@pytest.mark.parametrize(
    ("sizes", "times"), [(range(1, 900), [np.inf]), ([3], range(900)), (range(1, 60), range(60))], ids=str
)
def test_at_most_a_hundred_steps_a_block(sizes, times):
    series = _series(part(sizes=sizes, times=times, metrics=["norm"]))
    assert 40 <= sum(len(steps) for steps, _ in series.values()) <= 100


def test_the_peak_is_among_the_steps():
    of, cell = grid(part(sizes=range(1, 2000), metrics=["norm"])), Cell(level=0, samples=10, replicate=Replicate())
    values = np.ones((1, 1999, 1))
    values[0, 1233, 0] = 1e9
    (series,) = block_series(of, cell, replace(_block(of, cell), metrics={"norm": values}))
    assert series.values[series.steps == 1234].tolist() == [1e9]


def test_settings_are_short_texts():
    said = settings(replace(grid(part(sizes=range(1, 900)), noise=(0.0, 0.2)), procedure={"a name=": "x" * 10_000}))
    assert said["procedure.a_name_"] == "x" * 500
    assert said["source.label_noise"] == "0.0, 0.2"
    assert said["source.source"] == "made up"
    assert said["sizes"] == "1 to 899 (899 values)"
    assert (said["times"], said["samples"], said["label_noise"]) == ("inf", "10, 20", "0.0, 0.2")


# ---------------------------------------------------------------------------------------------- MLflow


@pytest.fixture(scope="module")
def mlflow():
    needs("mlflow", importlib.util.find_spec("mlflow") is not None, "mlflow-skinny is not installed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        import mlflow

        yield mlflow


@pytest.fixture(scope="module")
def database(mlflow, tmp_path_factory):
    """An empty one, which MLflow takes a second to make."""
    file = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    mlflow.MlflowClient(tracking_uri=f"sqlite:///{file}").search_experiments()
    return file


@pytest.fixture
def known(database, tmp_path):
    """A folder that has it."""
    shutil.copy(database, tmp_path)
    return tmp_path


def _runs(mlflow, folder: Path, experiment: str = "benign"):
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{folder / 'mlflow.db'}")
    return client, client.search_runs([client.get_experiment_by_name(experiment).experiment_id])


def test_mlflow_reads_the_run(mlflow, tmp_path):
    logger = MLflowLogger(tmp_path / "deep" / "ml", experiment="double descent")
    assert isinstance(logger, Listener)
    _tell(logger, NOISY, _counts(done=11, failed=1))
    client, (run,) = _runs(mlflow, tmp_path / "deep" / "ml", "double descent")
    assert run.info.run_name == "made-up-1f2e"
    assert run.info.status == "FAILED"
    assert run.data.params == settings(NOISY)
    assert set(run.data.metrics) == {f"{name}/{ADDRESS}" for name in NOISY.part.metrics}
    history = client.get_metric_history(run.info.run_id, f"norm/{ADDRESS}")
    assert [point.step for point in history] == [1, 2, 5]
    np.testing.assert_array_equal([point.value for point in history], _block(NOISY, CELL).metrics["norm"].ravel())
    loss = client.get_metric_history(run.info.run_id, f"test_loss/{ADDRESS}")
    assert np.isnan([point.value for point in loss]).tolist() == [False, True, False]
    failure = run.data.tags["failure/samples 10/label_noise 0.2/replicate 2-2-2"]
    assert failure == "given up: Traceback ...\nValueError: too bad"
    assert (run.data.tags["benign.done"], run.data.tags["benign.failed"]) == ("11", "1")


def test_mlflow_goes_on_with_a_resumed_run(mlflow, known):
    _tell(MLflowLogger(known), NOISY, _counts(done=6, planned=6))
    _, (run,) = _runs(mlflow, known)
    assert run.info.status == "KILLED"
    _tell(MLflowLogger(known), NOISY, _counts(done=12))
    _tell(MLflowLogger(known), grid(part(), noise=(0.1, 0.2)), _counts(done=12))
    _, runs = _runs(mlflow, known)
    assert len(runs) == 2
    assert {again.info.status for again in runs} == {"FINISHED"}
    assert run.info.run_id in {again.info.run_id for again in runs}


def _database(file):
    with contextlib.closing(sqlite3.connect(file)) as there:
        there.execute("CREATE TABLE mine (number INTEGER)")


@pytest.mark.parametrize(
    "make", [_database, lambda file: file.write_text("mine"), os.mkfifo], ids=["a database", "a text", "a FIFO"]
)
def test_what_is_no_database_of_mlflow_stays_as_it_is(make, mlflow, tmp_path):
    make(tmp_path / "mlflow.db")
    before = (tmp_path / "mlflow.db").stat()
    with pytest.raises(OutputFailed, match=r"mlflow\.db is no database of MLflow and stays as it is; name another"):
        _tell(MLflowLogger(tmp_path), NOISY, _counts(done=12))
    assert (tmp_path / "mlflow.db").stat().st_mtime_ns == before.st_mtime_ns
    assert [file.name for file in tmp_path.iterdir()] == ["mlflow.db"]


def test_mlflow_takes_a_tracking_uri(mlflow, known):
    _tell(MLflowLogger(f"sqlite:///{known / 'mlflow.db'}"), NOISY, _counts(done=12))
    _, (run,) = _runs(mlflow, known)
    assert run.info.status == "FINISHED"


def test_mlflow_takes_large_blocks_and_long_tracebacks(mlflow, known):
    names = ["condition", "test_error", "test_loss_noisy", *"abcdefghijk"]
    of = grid(part(sizes=range(1, 300), metrics=names))
    cell = Cell(level=0, samples=10, replicate=Replicate())
    logger = MLflowLogger(known)
    logger.started("run", of, _progress())
    logger.measured(cell, _block(of, cell), _progress())
    logger.failed(cell, "x" * 100_000 + "ValueError: at the end", True, _progress())
    _, (run,) = _runs(mlflow, known)
    assert len(run.data.metrics) == len(names)
    (failure,) = (text for name, text in run.data.tags.items() if name.startswith("failure"))
    assert failure.startswith("to be tried again: xxx")
    assert failure.endswith("ValueError: at the end")


# ---------------------------------------------------------------------------------------------- TensorBoard


@pytest.fixture
def read() -> Callable[[Path], object]:
    """TensorBoard's own reader of a folder."""
    needs("tensorboard", importlib.util.find_spec("tensorboard") is not None, "tensorboard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    return lambda folder: EventAccumulator(str(folder), size_guidance={"tensors": 0}).Reload()


def _scalars(events, tag: str) -> list[tuple[int, float]]:
    return [(event.step, event.tensor_proto.float_val[0]) for event in events.Tensors(tag)]


def _text(events, tag: str) -> str:
    return events.Tensors(tag)[-1].tensor_proto.string_val[0].decode()


def test_tensorboard_reads_the_run(read, tmp_path):
    logger = TensorBoardLogger(tmp_path / "deep")
    assert isinstance(logger, Listener)
    _tell(logger, NOISY, _counts(done=11, failed=1))
    events = read(tmp_path / "deep" / "made-up-1f2e")
    failure = "failure/samples 10/label_noise 0.2/replicate 2-2-2"
    assert set(events.Tags()["tensors"]) == {
        "settings", "end", failure, *(f"{name}/{ADDRESS}" for name in NOISY.part.metrics)
    }  # fmt: skip
    assert events.SummaryMetadata(f"norm/{ADDRESS}").plugin_data.plugin_name == "scalars"
    told = _scalars(events, f"norm/{ADDRESS}")
    assert [step for step, _ in told] == [1, 2, 5]
    norm = _block(NOISY, CELL).metrics["norm"].ravel().astype(np.float32)
    np.testing.assert_array_equal([value for _, value in told], norm)
    assert np.isnan([value for _, value in _scalars(events, f"test_loss/{ADDRESS}")]).tolist() == [False, True, False]
    assert "ValueError: too bad" in _text(events, failure)
    assert "| source.label_noise | 0.0, 0.2 |" in _text(events, "settings")
    assert _text(events, "end") == "planned: 0, running: 0, done: 11, failed: 1"


def test_tensorboard_goes_on_with_a_resumed_run(read, tmp_path):
    _tell(TensorBoardLogger(tmp_path), NOISY, _counts(done=6, planned=6))
    _tell(TensorBoardLogger(tmp_path), NOISY, _counts(done=12))
    assert [folder.name for folder in tmp_path.iterdir()] == ["made-up-1f2e"]


def test_numbers_beyond_single_precision_are_infinite(read, tmp_path):
    of, cell = grid(part(sizes=[1], metrics=["norm"])), Cell(level=0, samples=10, replicate=Replicate())
    logger = TensorBoardLogger(tmp_path)
    logger.started("run", of, _progress())
    logger.measured(cell, replace(_block(of, cell), metrics={"norm": np.full((1, 1, 1), 1e300)}), _progress())
    logger.ended(_counts(done=1), _progress(done=1))
    assert _scalars(read(tmp_path / "run"), "norm/samples 10/replicate 0-0-0") == [(1, np.inf)]


@pytest.mark.usefixtures("read")
def test_a_run_stays_within_the_folder(tmp_path):
    logger = TensorBoardLogger(tmp_path / "logs")
    logger.started("../../etc/passwd", NOISY, _progress())
    logger.ended(_counts(done=12), _progress())
    assert [path.name for path in tmp_path.iterdir()] == ["logs"]
    assert [path.name for path in (tmp_path / "logs").iterdir()] == [file_name("../../etc/passwd")]


# ---------------------------------------------------------------------------------------------- neither is required


@pytest.mark.parametrize(
    ("logger", "extra"), [(MLflowLogger, "mlflow"), (TensorBoardLogger, "tensorboard")], ids=["mlflow", "tensorboard"]
)
def test_a_missing_library_gets_a_sentence(logger, extra, monkeypatch, tmp_path):
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr("benign.foundation.extras.importlib.import_module", missing)
    with pytest.raises(
        MissingExtra, match=rf'`{logger.__name__}` needs the package .* pip install "benign\[{extra}\]"'
    ):
        logger(tmp_path)
