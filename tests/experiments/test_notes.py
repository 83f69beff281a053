"""What there is to know of the data is said by every answer about them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from sklearn.datasets import load_digits
from typer.testing import CliRunner

import benign
from benign.cli.main import app
from benign.diagnosis.peak_location import locate_peak
from benign.figures.story import _trust_in

SAID = "equal a training row at n = 40, and the test risk rewards remembering it: drop the copies, or split by group."
EXPERIMENT = """
name = "doubled"
samples = [20, 40]
sizes = [5, 20, 40, 80]
replicates = 2
source = {name = "table", target = "digit", path = "doubled.parquet"}
procedure = "random_fourier"
execution = {executor = "here", store = "runs.db"}
"""


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.repeat(load_digits(return_X_y=True)[0][:40], 2, axis=0)


@pytest.fixture(scope="module")
def labels() -> list[str]:
    return [str(label) for label in np.random.default_rng(0).integers(0, 3, 40).repeat(2)]


def test_a_surface_and_the_page_say_it(images: np.ndarray, labels: list[str]) -> None:
    source = benign.sources.arrays(images, labels, test_samples=20)
    surface = benign.measure(
        benign.RandomFourier(), source, sizes=[5, 40, 200], samples=[40], replicates=1, executor="here"
    )
    assert surface.notes[0].endswith(SAID)
    assert str(surface.curve("test_loss")).endswith(f"\n{surface.notes[0]}")
    assert f"Surface main: {surface.notes[0]}" in _trust_in("main", surface.dataset)


def test_each_answer_about_the_data_says_it(images: np.ndarray, labels: list[str]) -> None:
    source = benign.sources.arrays(images, labels, test_samples=20)
    features = benign.RandomFourier()
    surface = benign.measure(features, source, sizes=[5, 40, 200], samples=[40], replicates=4, executor="here")
    budget: dict[str, Any] = {"max_trainings": 8, "store": ":memory:", "executor": "here"}
    complexity = benign.effective_model_complexity(features, source, size=10, **budget)
    assert "equal a training row at n = " in str(complexity)
    for answer in (surface.regimes(), benign.threshold_size(features, source, samples=40, **budget)):
        assert str(answer).endswith(SAID)
        assert SAID not in answer.sentence


def test_data_without_copies_change_no_run(images: np.ndarray, labels: list[str]) -> None:
    source = benign.sources.arrays(images[::2], labels[::2], test_samples=20)
    surface = benign.measure(benign.RandomFourier(), source, sizes=[5, 40], samples=[20], replicates=1, executor="here")
    assert "source_notes" not in surface.dataset.attrs


def test_where_a_peak_lies_says_it(images: np.ndarray, labels: list[str]) -> None:
    source = benign.sources.arrays(images, labels, test_samples=20)
    found = locate_peak(
        benign.RandomFourier(), source, size=10, samples=40, max_trainings=4, store=":memory:", executor="here"
    )
    assert found.sentence.endswith(SAID)
    assert str(found.to_dict()["peak"]).endswith(SAID)


def test_a_run_says_it_and_so_does_show(images: np.ndarray, labels: list[str], tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    columns = {f"pixel{place}": column for place, column in enumerate(images.T)}
    parquet.write_table(pa.table({**columns, "digit": labels}), "doubled.parquet")
    (tmp_path / "doubled.toml").write_text(EXPERIMENT)
    ran, shown, told = (
        CliRunner().invoke(app, arguments)
        for arguments in (
            ["run", "doubled.toml"],
            ["show", "doubled", "--store", "runs.db"],
            ["show", "doubled", "--store", "runs.db", "--json"],
        )
    )
    for printed in (ran, shown):
        assert printed.exit_code == 0, printed.output
        assert any(
            line.startswith("Note: In the first draw") and line.endswith(SAID) for line in printed.stdout.split("\n")
        )
    assert json.loads(told.stdout)["notes"][0].endswith(SAID)


def test_of_a_part_of_a_run_nothing_is_said(images: np.ndarray, labels: list[str], tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    columns = {f"pixel{place}": column for place, column in enumerate(images.T)}
    parquet.write_table(pa.table({**columns, "digit": labels}), "doubled.parquet")
    (tmp_path / "doubled.toml").write_text(EXPERIMENT)
    whole, part, shown, told = (
        CliRunner().invoke(app, arguments).stdout
        for arguments in (
            ["run", "doubled.toml"],
            ["run", "doubled.toml", "replicates=3", "--max-minutes", "1e-9"],
            ["show", "doubled", "--store", "runs.db"],
            ["show", "doubled", "--store", "runs.db", "--json"],
        )
    )
    assert "Note: In the first draw" in whole
    assert "unfinished; 4 of 6 blocks" in part
    assert "unfinished; 4 of 6 blocks" in shown
    assert "Note:" not in part + shown
    assert json.loads(told)["notes"] == []
