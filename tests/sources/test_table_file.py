"""Tables in files: they are the arrays they hold, or get a sentence."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from benign.foundation.errors import InvalidArgument, UnknownName
from benign.foundation.replicate import Replicate
from benign.sources import arrays
from benign.sources import table as table_of
from tests.sources.cases import labels, table

INPUTS, LABELS = table(40, 3), labels(40)


@pytest.fixture(params=["csv", "parquet"])
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The same rows in each format."""
    columns = pa.table({"a": INPUTS[:, 0], "b": INPUTS[:, 1], "c": INPUTS[:, 2], "tree": LABELS})
    path = tmp_path / f"trees.{request.param}"
    if request.param == "parquet":
        parquet.write_table(columns, path)
    else:
        rows = [",".join(map(repr, map(float, row))) + f",{name}" for row, name in zip(INPUTS, LABELS, strict=True)]
        path.write_text("\n".join(["a,b,c,tree", *rows]) + "\n", encoding="utf-8")
    return path


def test_a_table_is_the_arrays_it_holds(file: Path) -> None:
    settings = {"label_noise": 0.2, "test_samples": 7, "scale": "unit"}
    expected = arrays(INPUTS, LABELS, name="trees", **settings)  # type: ignore[arg-type]
    assert table_of(file, target="tree", **settings).spec() == expected.spec()  # type: ignore[arg-type]
    assert table_of(str(file), target="tree", name="mine").name == "mine"


def test_inputs_are_taken_in_the_order_asked_for(file: Path) -> None:
    source = table_of(file, target="tree", inputs=["c", "a"])
    assert source.spec()["data"] == arrays(INPUTS[:, [2, 0]], LABELS).spec()["data"]


def test_values_are_regressed(file: Path) -> None:
    source = table_of(file, target="c", inputs=["a", "b"])
    assert source.classes is None
    assert source.spec()["data"] == arrays(INPUTS[:, :2], INPUTS[:, 2]).spec()["data"]


def test_types_of_columns(tmp_path: Path) -> None:
    columns = pa.table(
        {
            "small": pa.array([1, 2, 3, 4], pa.int8()),
            "yes": [True, False, True, True],
            "money": [Decimal("1.25"), Decimal("2.50"), Decimal("3.75"), Decimal("4.00")],
            "half": pa.array(np.array([0.5, 1.5, 2.5, 3.5], dtype=np.float16)),
            "kind": pa.array(["x", "y", "x", "y"]).dictionary_encode(),
        }
    )
    parquet.write_table(columns, tmp_path / "types.PARQUET")
    source = table_of(tmp_path / "types.PARQUET", target="kind", scale="none", test_samples=1)
    assert source.classes == ("x", "y")
    pool = source.draw(3, Replicate()).pool
    assert {tuple(row) for row in pool} < {(1, 1, 1.25, 0.5), (2, 0, 2.5, 1.5), (3, 1, 3.75, 2.5), (4, 1, 4, 3.5)}
    assert table_of(tmp_path / "types.PARQUET", target="money", inputs=["small"]).classes is None


BAD_FILES: dict[str, tuple[str, bytes, str]] = {
    "empty": ("t.csv", b"", "is no .csv file that can be read: Empty CSV file"),
    "header-alone": ("t.csv", b"x,y\n", "holds no rows."),
    "ragged": ("t.csv", b"x,y\n1,2\n3\n", "is no .csv file that can be read: CSV parse error: Expected 2 columns"),
    "binary-csv": ("t.csv", b"\x00\xff,\xfe\n\xff,1\n", "is no .csv file that can be read: 'utf-8' codec"),
    "binary-parquet": ("t.parquet", b"\x00\xff\x00\xff" * 9, "is no .parquet file that can be read: "),
    "same-names": ("t.csv", b"x,x,y\n1,2,3\n", "has several columns called 'x'; rename them."),
    "format": ("t.xlsx", b"x,y\n1,2\n", "must be a file whose name ends in .csv or .parquet."),
}


@pytest.mark.parametrize(("name", "content", "message"), BAD_FILES.values(), ids=BAD_FILES.keys())
def test_files_that_hold_no_table(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InvalidArgument, match="^" + re.escape(f"`path` {str(path)!r} {message}")) as caught:
        table_of(path, target="y")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        pytest.param("nowhere.csv", "'nowhere.csv' does not exist; check its name and folder.", id="missing"),
        pytest.param(".", "'.' must be a file whose name ends in .csv or .parquet.", id="folder"),
        pytest.param("a\0b.csv", r"'a\x00b.csv' does not exist", id="nul"),
        pytest.param("x" * 10_000 + ".csv", "'xxx", id="too-long"),
        pytest.param("/etc/passwd", "'/etc/passwd' must be a file whose name ends in", id="not-a-table"),
    ],
)
def test_paths_of_no_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, message: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidArgument, match="^" + re.escape(f"`path` {message}")):
        table_of(path, target="y")


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.csv"
    path.write_text("x,y\n1,2\n")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pyarrow.csv.read_csv", refuse)
    with pytest.raises(InvalidArgument, match=r"cannot be read: Permission denied\.$"):
        table_of(path, target="y")


BAD_COLUMNS: dict[str, tuple[str, dict[str, object], str]] = {
    "missing-input": (
        "x,y\n1,a\n,b\n3,a\n",
        {},
        "`inputs` must have no missing values, but column 'x' lacks one in row 1 (counted from 0); remove the row",
    ),
    "missing-target": ("x,y\n1,a\n2,b\n3,\n", {}, "`target` must have no missing values, but column 'y' lacks one"),
    "text-input": ("x,y\nred,1.5\nblue,2.5\n", {}, "`inputs` must be columns of numbers, but 'x' holds values of the"),
    "infinite": ("x,y\n1,1.5\n-inf,2.5\n", {}, "`inputs` must be finite, got -inf in row 1, column 0"),
    "one-class": ("x,y\n1,a\n2,a\n", {}, "`targets` must hold at least two classes, got only 'a'"),
    "target-alone": ("y\n1\n2\n", {}, "`inputs` must name at least one column beside the target 'y'."),
    "no-inputs": ("x,y\n1,2\n2,3\n", {"inputs": []}, "`inputs` must name at least one column"),
    "target-among-inputs": ("x,y\n1,2\n2,3\n", {"inputs": ["x", "y"]}, "`inputs` must not hold the target 'y'"),
    "one-row": ("x,y\n1,2\n", {}, "`inputs` must have at least 2 rows, one to train on and one to test, got 1."),
    "settings": ("x,y\n1,2.5\n2,3.5\n", {"test_samples": 2}, "`test_samples` must leave rows to train on"),
}


@pytest.mark.parametrize(("text", "settings", "message"), BAD_COLUMNS.values(), ids=BAD_COLUMNS.keys())
def test_columns_that_cannot_be_used(tmp_path: Path, text: str, settings: dict[str, object], message: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(InvalidArgument, match="^" + re.escape(message)):
        table_of(tmp_path / "t.csv", target="y", **settings)  # type: ignore[arg-type]


@pytest.mark.usefixtures("unchecked")
def test_inputs_are_a_list(file: Path) -> None:
    with pytest.raises(InvalidArgument, match="`inputs` must be a list of names of columns, got 'a'; write"):
        table_of(file, target="tree", inputs="a")


def test_unknown_columns_name_the_nearest(file: Path) -> None:
    with pytest.raises(UnknownName, match=r"^unknown column 'treee'; did you mean 'tree'\? Known: a, b, c, tree\.$"):
        table_of(file, target="treee")
    with pytest.raises(UnknownName, match=r"^unknown column 'z'"):
        table_of(file, target="tree", inputs=["a", "z"])
