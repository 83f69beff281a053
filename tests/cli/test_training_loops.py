"""The commands on training loops and modules in a file of the user's: as they are, in a worker, or one sentence."""

import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import benign
from benign.cli.main import app
from benign.cli.users_code import named
from benign.foundation.errors import InvalidArgument
from benign.procedures.protocol import is_size_inverse, runs_users_code
from tests.diagnosis.benches import least_squares
from tests.networks.extra import needs_torch

LOOP = """
import numpy as np
import benign

def least_squares(split, size, seed):
    weights = np.linalg.lstsq(split.train_inputs[:, :size], split.train_targets, rcond=None)[0]
    for epoch in range(1, 9):
        yield epoch, lambda inputs: inputs[:, :size] @ weights * epoch / 8

loop = benign.from_training_loop(least_squares, size_name="columns", objective="squared", max_size=12)

def ending(split, size, seed):
    raise SystemExit(3)
    yield

ends = benign.from_training_loop(ending)
"""
MODULE = """
import torch
import benign

def perceptron(width):
    return torch.nn.Sequential(torch.nn.Linear(12, width), torch.nn.ReLU(), torch.nn.Linear(width, 2))

module = benign.from_torch(perceptron, epochs=4, batch_size=None)
network = perceptron(3)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What the user has; the workers that have imported it are kept from test to test."""
    place = tmp_path_factory.mktemp("user")
    random = np.random.default_rng(0)
    inputs = random.standard_normal((60, 12))
    labels = np.where(inputs.sum(axis=1) + random.standard_normal(60) > 0, "yes", "no")
    columns = {f"x{i}": inputs[:, i] for i in range(12)} | {"label": labels}
    pq.write_table(pa.table(columns), place / "train.parquet")
    (place / "their_loop.py").write_text(LOOP, encoding="utf-8")
    (place / "their_networks.py").write_text(MODULE, encoding="utf-8")
    return place


@pytest.fixture(autouse=True)
def _in_the_folder(folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [*sys.path])


def told(command, *words):
    return CliRunner().invoke(app, [command, *words, "--data", "train.parquet", "--target", "label", "--workers", "1"])


def test_what_a_loop_fits_is_found():
    done = told("emc", "their_loop:loop", "--size", "10", "--max-trainings", "30")
    assert done.exit_code == 0, done.output
    assert "Effective model complexity of 10 columns on train:" in done.stdout
    assert "training risk" in done.stdout


def test_a_loop_is_diagnosed_and_its_end_is_seen():
    done = told("diagnose", "their_loop:loop", "--size", "6", "--max-trainings", "8", "--only", "standing,longer")
    assert done.exit_code == 0, done.output
    assert "least_squares on 48 samples" in " ".join(done.stdout.split())
    assert "least_squares ends at 8 epochs, and cannot be trained for longer" in " ".join(done.stdout.split())


def test_a_loop_that_ends_its_process_ends_a_workers():
    done = told("diagnose", "their_loop:ends", "--size", "6", "--only", "standing")
    assert done.exit_code == 2
    assert "it called sys.exit(3)" in " ".join(done.output.split())


def test_a_loop_may_have_an_inverse_size_and_a_module_has_none(folder):
    assert is_size_inverse(named("their_loop:loop", inverse=True, folder=folder))
    assert not is_size_inverse(named("their_loop:loop", inverse=False, folder=folder))
    needs_torch()
    with pytest.raises(InvalidArgument, match="--inverse"):
        named("their_networks:module", inverse=True, folder=folder)


def test_a_module_is_diagnosed_beyond_its_epochs_and_a_network_alone_is_told_what_it_needs():
    needs_torch()
    done = told("diagnose", "their_networks:module", "--size", "4", "--max-trainings", "8", "--only", "standing,longer")
    assert done.exit_code == 0, done.output
    assert "from 4 to 16 epochs" in " ".join(done.stdout.split())
    done = told("diagnose", "their_networks:network", "--size", "4")
    assert done.exit_code == 2
    assert "make it a procedure with benign.from_torch(build)" in " ".join(done.output.split())


def test_who_runs_the_users_code_says_so():
    function = benign.from_callable(least_squares, name="function", revision=1)
    loop = benign.from_training_loop(ending, revision=1)
    assert runs_users_code(function)
    assert runs_users_code(loop)
    assert runs_users_code(object.__new__(type("Theirs", (), {})))
    assert not runs_users_code(benign.RandomFourier(bandwidth=2.0))


def ending(split, size, seed):
    yield 1, np.zeros_like
