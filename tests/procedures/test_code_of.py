"""An edit of whatever a function names of its user's code makes another key; nothing else does."""

from __future__ import annotations

import importlib
import sys

import pytest

from benign.procedures.foreign_settings import code_of, named_code, source_digest

LAYERS = "WIDTH = 3\n\ndef activation(x):\n    return max(0.0, x)\n\nclass Base:\n    scale = 1.0\n"
MODULE = """
import math
import its_layers
from its_layers import Base

RATE = 0.1

class Net(Base):
    def forward(self, x):
        return its_layers.activation(x) * math.pi

def unused():
    return 1

def build(size, depth=2):
    def inner():
        return Net()
    return inner(), RATE, its_layers.WIDTH, depth
"""


@pytest.fixture
def code(tmp_path, monkeypatch):
    """The code of ``build`` after edits of one of the files."""
    monkeypatch.syspath_prepend(tmp_path)

    def of(module: str = MODULE, layers: str = LAYERS) -> str:
        (tmp_path / "its_model.py").write_text(module)
        (tmp_path / "its_layers.py").write_text(layers)
        for name in ("its_model", "its_layers"):
            sys.modules.pop(name, None)
        importlib.invalidate_caches()
        sys.path_importer_cache.pop(str(tmp_path), None)
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        return code_of(importlib.import_module("its_model").build, None)

    yield of
    for name in ("its_model", "its_layers"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("* math.pi", "* math.e"),
        ("RATE = 0.1", "RATE = 0.2"),
        ("depth=2", "depth=3"),
        ("return inner()", "return None, inner()"),
    ],
)
def test_an_edit_in_the_module_is_seen(code, before, after):
    assert code() != code(MODULE.replace(before, after)) != ""


@pytest.mark.parametrize(
    ("before", "after"), [("max(0.0, x)", "max(0.1, x)"), ("WIDTH = 3", "WIDTH = 4"), ("scale = 1.0", "scale = 2.0")]
)
def test_an_edit_in_what_it_imports_is_seen(code, before, after):
    assert code() != code(layers=LAYERS.replace(before, after))


def test_what_it_does_not_name_decides_nothing(code):
    assert code() == code(MODULE.replace("return 1", "return 2"), f"# a comment\n{LAYERS}")


def test_a_function_that_names_nothing_of_its_users_is_its_text():
    def alone(size):
        return sorted([size, 2])

    assert named_code(alone) == []
    assert code_of(alone, None) == f"source {source_digest(alone)}"


def test_a_closure_is_seen():
    def made(rate, build):
        return lambda size: (rate, build, size)

    codes = {
        code_of(made(rate, build), None) for rate in (0.1, 0.2) for build in (source_digest, test_a_closure_is_seen)
    }
    assert len(codes) == 4


def test_functions_that_name_each_other_end():
    def even(n):
        return n == 0 or odd(n - 1)

    def odd(n):
        return n != 0 and even(n - 1)

    assert code_of(even, None) == code_of(even, None) != code_of(odd, None)


def test_a_revision_stands_for_all():
    assert code_of(len, 3) == "as by its revision"
