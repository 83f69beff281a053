"""Where networks are trained, what suits that device, and what is said where JAX is not installed."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.networks.extra import HAS_JAX, needs_networks

if not HAS_JAX:
    needs_networks()

import jax

import benign.networks
from benign.foundation.errors import InvalidArgument, MissingExtra
from benign.networks import devices
from benign.networks.devices import find_device, free_bytes, has_gpu, members_at_once, program_width, require_jax


class Gpu:
    """What the choices about groups look at."""

    platform = "gpu"

    def memory_stats(self):
        return {"bytes_limit": 1000, "bytes_in_use": 300}


def test_a_gpu_that_is_not_there_gets_a_sentence(monkeypatch):
    def none_seen(backend=None):
        raise RuntimeError(f"Unknown backend {backend}")

    monkeypatch.setattr(jax, "local_devices", none_seen)
    with pytest.raises(
        InvalidArgument, match=r"^`device` asks for a GPU, but JAX sees none here; .*leave `device` out"
    ):
        find_device("gpu")


def test_the_processor_can_be_asked_for():
    assert find_device("cpu") == jax.devices("cpu")[0]
    assert free_bytes(find_device("cpu")) is None
    assert free_bytes(Gpu()) == 700


@given(width=st.integers(1, 10**6))
def test_a_program_is_at_least_as_wide_and_wastes_little(width):
    cpu, gpu = program_width(width, None), program_width(width, Gpu())
    assert width <= cpu <= max(8, 1.5 * width)
    assert width <= gpu <= max(16, 4 * width)
    assert program_width(cpu, None) == cpu
    assert program_width(gpu, Gpu()) == gpu


def test_widths_of_programs():
    assert sorted({program_width(width, None) for width in range(1, 101)}) == [8, 12, 16, 24, 32, 48, 64, 96, 128]
    assert sorted({program_width(width, Gpu()) for width in range(1, 300)}) == [16, 64, 256, 1024]


@given(numbers=st.integers(1, 10**7), members=st.integers(1, 500))
def test_groups_hold_every_member_with_little_filling(numbers, members):
    most = max(1, min(devices._MOST_AT_ONCE, members, devices._NUMBERS_AT_ONCE // numbers))
    size = members_at_once(numbers, members, None)
    filled = {k: -(-members // k) * k for k in range(1, most + 1)}
    assert size in filled
    assert filled[size] <= 1.2 * min(filled.values())  # copies of the last member are work for nothing
    assert all(other <= size or filled[other] > filled[size] for other in filled)  # as many as cost no more filling
    assert members_at_once(numbers, members, Gpu()) == members


def test_whether_there_is_a_gpu_is_told_without_starting_jax(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda _: "/usr/bin/nvidia-smi")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object() if name == "jax_cuda13_plugin" else None)
    monkeypatch.delenv("JAX_PLATFORMS", raising=False)
    assert has_gpu()
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    assert not has_gpu()
    monkeypatch.setenv("JAX_PLATFORMS", "cuda,cpu")
    assert has_gpu()
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert not has_gpu()


@pytest.mark.parametrize("missing", ["jax", "equinox", "optax", "safetensors"])
def test_a_missing_extra_is_named_with_its_command(missing, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == missing else found(name, *rest)
    )
    monkeypatch.delitem(vars(benign.networks), "train_population", raising=False)
    sentence = (
        rf"^`benign\.networks\.train_population` needs the package '{missing}'.*pip install \"benign\[networks\]\"$"
    )
    with pytest.raises(MissingExtra, match=sentence):
        _ = benign.networks.train_population
    with pytest.raises(MissingExtra, match=r"^a test needs the package"):
        require_jax("a test")


def in_a_new_process(script, **variables):
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src"), **variables}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_settings_can_be_written_down_without_jax():
    script = """
import sys
sys.modules.update({name: None for name in ("jax", "equinox", "optax", "safetensors")})
from benign.networks import Training, CheckpointUnusable
print(Training(epochs=3).spec()["epochs"])
"""
    assert in_a_new_process(script) == "3\n"


def test_compiled_programs_are_kept_where_the_user_said_or_in_their_cache(tmp_path):
    script = """
from benign.networks import devices
from benign.networks.devices import loaded_jax
print(loaded_jax().config.jax_compilation_cache_dir)
"""
    chosen = in_a_new_process(script, JAX_COMPILATION_CACHE_DIR=str(tmp_path))
    assert chosen == f"{tmp_path}\n"
    without = dict.fromkeys(("JAX_COMPILATION_CACHE_DIR",), "")
    kept = in_a_new_process("import os; del os.environ['JAX_COMPILATION_CACHE_DIR']" + script, **without)
    assert kept.rstrip().endswith("xla")
    assert "benign" in kept


def test_the_public_names_are_there():
    for name in benign.networks.__all__:
        assert getattr(benign.networks, name).__name__ == name
    assert dir(benign.networks) == sorted(benign.networks.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'train_populations'"):
        _ = benign.networks.train_populations  # type: ignore[attr-defined]
