"""One tolerance and one regime band in the whole package: nobody else types them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from benign.foundation.conventions import REGIME_BAND, TOLERANCE

SRC = Path(__file__).parents[2] / "src" / "benign"
HOME = "foundation/conventions.py"
# The same numbers, of something else.
OTHERS = {
    "diagnosis/data/leaks.py": "S = 0.02",
    "diagnosis/fitted.py": "_OF_ONE = 1.5",
    "diagnosis/more_data/rare_columns.py": "_FEW = 2, 0.02",
    "diagnosis/trials/cost.py": "_UNLESS_MEASURED = 1.5",
    "diagnosis/verdict.py": " = ",
    "experiments/executors/local_workers.py": "_LEAST_FREE = 0.02",
    "experiments/executors/processes.py": "STARTING_SECONDS = 1.5",
    "experiments/trust.py": "time.sleep(0.02)",
    "figures/greydanus2024_mnist1d.py": "PUBLISHED_MARGIN = 0.02",
    "implicit/norms/dense_norms.py": "** 1.5",
    "sources/mnist1d.py": "_INDEPENDENT_NOISE = 0.02",
    "surface/displays.py": "MOST_MISSING = 0.02",
}
# Widths of lines and the like; and the rule of training logs, whose constants are shares of a recorded curve.
ELSEWHERE = ("plots/", "histories/")


def docstrings(tree: ast.AST) -> set[int]:
    """The constants that are texts for readers of the code."""
    return {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}


def typed(source: str) -> Iterator[str]:
    """The lines that type the tolerance or the band, as a number or within a sentence that is printed."""
    tree, lines = ast.parse(source), source.splitlines()
    tolerance, band, passed_over = re.escape(f"{TOLERANCE}"), re.escape(f"{REGIME_BAND}"), docstrings(tree)
    words = re.compile(rf"(?<![\d.]){tolerance}(?!\d)|factor {band}|{band} is usual")
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or id(node) in passed_over:
            continue
        is_number = type(node.value) is float and node.value in (TOLERANCE, REGIME_BAND)
        if is_number or (isinstance(node.value, str) and words.search(node.value)):
            yield lines[node.lineno - 1].strip()


def modules() -> list[str]:
    names = (path.relative_to(SRC).as_posix() for path in sorted(SRC.rglob("*.py")))
    return [name for name in names if name != HOME and not name.startswith(ELSEWHERE)]


@pytest.mark.parametrize("name", modules())
def test_nobody_else_types_the_tolerance_or_the_band(name):
    found = [line for line in typed((SRC / name).read_text(encoding="utf-8")) if OTHERS.get(name, "\0") not in line]
    assert not found, f"{name} types what benign.{HOME.removesuffix('.py').replace('/', '.')} holds: {found}"


@pytest.mark.parametrize(
    "code",
    [
        "def fitted(risk, tolerance=0.02):\n    return risk <= tolerance",
        "LINEAR_TOLERANCE, FITTED = 0.002, 0.02",
        "BAND = 1.5",
        "raise invalid('band', 'must be above 1; 1.5 is usual.')",
        "sentence = f'{size} units fit to within 0.02 of a constant'",
    ],
)
def test_the_test_sees_it(code):
    assert list(typed(code))


def test_the_test_passes_over_what_is_no_such_number():
    assert not list(typed('"""0.02 as everywhere."""\nshare, words = 0.025, "0.027 at 50 units"'))
