"""Only the surface's package indexes the Dataset of a surface; everybody above asks it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SRC = Path(__file__).parents[2] / "src" / "benign"
# The schema checks a Dataset, and a run's blocks are assembled into one.
READERS = ("surface/", "schema.py", "experiments/assembly.py")
SECTIONS = ("surfaces[", "at_end(", "at(", "up_to_size(", "over_parameters(", "described_as(")
INDEXING = {"isel", "sel", "squeeze", "expand_dims", "drop_sel", "drop_isel", "to_dataarray"}


def modules_above() -> list[Path]:
    names = (path.relative_to(SRC).as_posix() for path in sorted(SRC.rglob("*.py")))
    return [SRC / name for name in names if not name.startswith(READERS)]


def _is_dataset(annotation: ast.expr | None) -> bool:
    return annotation is not None and ast.unparse(annotation).split(" |")[0] in {"xr.Dataset", "Dataset"}


def dataset_names(scope: ast.AST) -> set[str]:
    """What a function calls a Dataset: what is said to be one, items of a figure's surfaces, sections of a surface."""
    names = set()
    for node in ast.walk(scope):
        if isinstance(node, ast.arg) and _is_dataset(node.annotation):
            names.add(node.arg)
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and _is_dataset(node.annotation):
            names.add(node.target.id)
        if isinstance(node, ast.Assign) and ast.unparse(node.value).lstrip("([").startswith(SECTIONS):
            names |= _named(*node.targets)
        if isinstance(node, ast.For | ast.comprehension) and ast.unparse(node.iter).startswith("surfaces."):
            names |= _named(node.target)
    return names


def _named(*targets: ast.expr) -> set[str]:
    return {name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)}


def readings(tree: ast.AST) -> Iterator[int]:
    """Lines that index a Dataset."""
    for scope in ast.walk(tree):
        if isinstance(scope, ast.FunctionDef):
            names = dataset_names(scope)
            for node in ast.walk(scope):
                is_item = isinstance(node, ast.Subscript) and ast.unparse(node.value) in names
                if is_item or (isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith(".dataset")):
                    yield node.lineno  # type: ignore[attr-defined]
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in INDEXING:
            yield node.lineno
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".transpose"):
            yield from (one.lineno for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str))


@pytest.mark.parametrize("path", modules_above(), ids=lambda path: path.relative_to(SRC).as_posix())
def test_nobody_above_indexes_a_surface(path):
    found = sorted(set(readings(ast.parse(path.read_text(encoding="utf-8")))))
    assert not found, f"{path.relative_to(SRC)} reads a surface at lines {found}; ask benign.surface.sections"


@pytest.mark.parametrize(
    "code",
    [
        "def read(surface: xr.Dataset):\n    return surface['test_loss']",
        "def read(surfaces):\n    noisy, clean = surfaces['noisy'], surfaces['clean']\n    return clean[metric]",
        "def read(surface):\n    end = at_end(surface)\n    return end['test_loss'].values",
        "def read(surfaces):\n    return [one['test_loss'] for one in surfaces.values()]",
        "def read(run):\n    return run.surface.dataset['time']",
        "values = section.isel(time=0)",
        "values = array.transpose('replicate', 'size')",
    ],
)
def test_the_test_sees_it(code):
    assert list(readings(ast.parse(code)))
