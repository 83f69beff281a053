"""Tables in files: they are the arrays they hold, or get a sentence."""

from __future__ import annotations

import gzip
import os
import re
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from benign.foundation.errors import InvalidArgument, NotEnoughMemory, UnknownName
from benign.foundation.replicate import Replicate
from benign.sources import arrays
from benign.sources import columns as columns_module
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
    "empty": ("t.csv", b"", "is empty: not even the columns are named"),
    "empty-parquet": ("t.parquet", b"", "is empty"),
    "header-alone": ("t.csv", b"x,y\n", "holds no rows."),
    "ragged": ("t.csv", b"x,y\n1,2\n3\n", "is no .csv file that can be read: line 3 holds 1 value where 2 columns are"),
    "too-long": (
        "t.csv",
        b'x,y\n1,"2\n"\n\n3,4\n5,6,7\n',
        "is no .csv file that can be read: line 6 holds 3 values where 2 columns are named; correct the line.",
    ),
    "csv-as-parquet": ("t.parquet", b"x,y\n1,2\n3,4\n", "is no .parquet file that can be read: Parquet magic bytes"),
    "binary-csv": (
        "t.csv",
        b"\x00\xff,\xfe\n\xff,1\n",
        "is no .csv file that can be read: line 1 holds a NUL character; save it",
    ),
    "binary-parquet": ("t.parquet", b"\x00\xff\x00\xff" * 9, "is no .parquet file that can be read: "),
    "semicolons": (
        "t.csv",
        b"x;y\n1,5;a\n2,5;b\n",
        "is no .csv file that can be read: it looks like a table separated by ';",
    ),
    "tabs": ("t.csv", b"x\ty\n1\ta\n", "is no .csv file that can be read: it looks like a table separated by '\\t'"),
    "open-quote": (
        "t.csv",
        b'x,y\n1,a\n2,"b\n3,a\n',
        "is no .csv file that can be read: the quote that opens in line 3 never",
    ),
    "open-quote-below-an-empty-line": (
        "t.csv",
        b'x,y\n1,a\n\n2,"b\n3,a\n',
        "is no .csv file that can be read: the quote that opens in line 4 never",
    ),
    "gzip": (
        "t.csv",
        gzip.compress(b"x,y\n1,a\n"),
        "is no .csv file that can be read: it is compressed by gzip; unpack it",
    ),
    "utf-16": ("t.csv", "x,y\n1,a\n".encode("utf-16"), "is no .csv file that can be read: it is text in UTF-16"),
    "utf-16-bare": ("t.csv", "x,y\n1,a\n".encode("utf-16-le"), "is no .csv file that can be read: line 1 holds a NUL"),
    "latin-1-header": ("t.csv", b"\xe4,y\n1,a\n2,b\n", "names columns in no UTF-8; save it as UTF-8."),
    "header-without-line-end": ("t.csv", b"x,y", "holds no rows."),
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
        pytest.param(".", "'.' is no regular file, but a folder, a device or a pipe; give a file.", id="folder"),
        pytest.param("a\0b.csv", r"'a\x00b.csv' holds a NUL character", id="nul"),
        pytest.param("x" * 10_000 + ".csv", "'xxx", id="too-long"),
        pytest.param("/etc/passwd", "'/etc/passwd' must be a file whose name ends in", id="not-a-table"),
    ],
)
def test_paths_of_no_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, message: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidArgument, match="^" + re.escape(f"`path` {message}")):
        table_of(path, target="y")


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_nothing_is_read_from_a_pipe_or_a_device(tmp_path: Path, suffix: str) -> None:
    pipe, device = tmp_path / f"pipe{suffix}", tmp_path / f"zero{suffix}"
    os.mkfifo(pipe)
    device.symlink_to("/dev/zero")
    for path in (pipe, device, tmp_path):
        with pytest.raises(InvalidArgument, match="is no regular file, but a folder, a device or a pipe"):
            table_of(path, target="y")


def test_a_line_longer_than_a_block_of_arrow_is_read(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text("x,y\n1," + "a" * 2**21 + "\n2,b\n", encoding="utf-8")
    assert table_of(path, target="y").classes == ("a" * 2**21, "b")


@pytest.mark.long
def test_the_time_for_many_columns_grows_as_their_number(tmp_path: Path) -> None:
    columns, path = 100_000, tmp_path / "wide.csv"
    lines = [",".join([str(row)] * columns) for row in range(4)]
    path.write_text("\n".join([",".join(f"c{i}" for i in range(columns)), *lines]), encoding="utf-8")
    assert table_of(path, target="c0", test_samples=1).data.inputs.shape == (4, columns - 1)


def test_more_rows_than_memory_are_refused_before_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "many.parquet"
    parquet.write_table(pa.table({"x": pa.nulls(1000, pa.float64()), "y": ["a", "b"] * 500}), path)
    monkeypatch.setattr("benign.foundation.memory.available_bytes", lambda: 10_000)
    with pytest.raises(NotEnoughMemory, match=r"^the table '.*many.parquet' of 1,000 rows and 2 columns needs about"):
        table_of(path, target="y")


def test_unknown_columns_are_told_at_once(file: Path) -> None:
    expected = "unknown columns 'd', 'e' and 'kind'; did you mean 'a'? Known: a, b, c, tree."
    with pytest.raises(UnknownName, match=expected.replace("did you mean 'a'", ".*").replace("?", r"\?")):
        table_of(file, target="d", inputs=["e", "kind", "a"])


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.csv"
    path.write_text("x,y\n1,2\n")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pyarrow.csv.read_csv", refuse)
    with pytest.raises(InvalidArgument, match=r"cannot be read: Permission denied\.$"):
        table_of(path, target="y")


BAD_COLUMNS: dict[str, tuple[str, dict[str, object], str]] = {
    "empty-input": (
        "w,x,y\n1,,a\n2,,b\n3,,a\n",
        {},
        "`inputs` must hold values, but column 'x' has none; leave it out.",
    ),
    "missing-target": (
        "x,y\n1,a\n2,b\n3,\n",
        {},
        "`target` must have no missing values, but column 'y' lacks 1 of 3, the first in row 2",
    ),
    "mixed-input": (
        "x,y\n1,1.5\n2.5,2.5\nred,3.5\n",
        {},
        (
            "`inputs` must be columns of numbers or text, but column 'x' holds text beside numbers, first 'red' in row "
            "2 (counted from 0); correct it, or name the columns to learn from."
        ),
    ),
    "date-input": (
        "x,y\n2020-01-01,1.5\n2020-01-02,2.5\n",
        {},
        "`inputs` must be columns of numbers or text, but column 'x' holds values of the type date32[day]; encode them",
    ),
    "infinite": (
        "w,x,y\n1,1,1.5\n1,-inf,2.5\n",
        {},
        "`inputs` must be finite, but column 'x' holds -inf in row 1 (counted from 0); remove the row",
    ),
    "huge": (
        "w,x,y\n1,1,1.5\n1,-1e200,2.5\n",
        {},
        "`inputs` must not exceed 1e+150 in size, but column 'x' holds 1e+200; rescale them",
    ),
    "infinite-target": ("x,y\n1,1.5\n2,inf\n", {}, "`target` must be finite, but column 'y' holds inf in row 1"),
    "one-class": ("x,y\n1,a\n2,a\n", {}, "`target` must vary, but column 'y' holds 'a' in every row; there is nothing"),
    "one-integer": ("x,y\n1,7\n2,7\n", {}, "`target` must vary, but column 'y' holds 7 in every row"),
    "constant": ("x,y\n1,0.5\n2,0.5\n", {}, "`target` must vary, but column 'y' holds 0.5 in every row"),
    "constant-regression": ("x,y\n1,3\n2,3\n", {"task": "regression"}, "`target` must vary, but column 'y' holds 3"),
    "text-regression": (
        "x,y\n1,3\n2,four\n",
        {"task": "regression"},
        "`target` must be numbers for regression, but column 'y' holds text beside numbers, first 'four' in row 1",
    ),
    "mixed-target": (
        "x,y\n1,0.1\n2,0.2\n3,unknown\n",
        {},
        (
            "`target` must be labels or numbers, but column 'y' holds text beside numbers, first 'unknown' in row 2 "
            '(counted from 0); correct it, or say task="classification" if all are labels.'
        ),
    ),
    "date-target": (
        "x,y\n1,2020-01-01\n2,2020-01-02\n",
        {},
        "`target` must be labels or numbers, but column 'y' holds values of the type date32[day]; convert them.",
    ),
    "task": ("x,y\n1,2\n2,3\n", {"task": "classify"}, "unknown task 'classify'; did you mean 'classification'?"),
    "target-alone": ("y\n1\n2\n", {}, "`inputs` must name at least one column beside the target 'y'."),
    "no-inputs": ("x,y\n1,2\n2,3\n", {"inputs": []}, "`inputs` must name at least one column"),
    "target-among-inputs": ("x,y\n1,2\n2,3\n", {"inputs": ["x", "y"]}, "`inputs` must not hold the target 'y'"),
    "one-row": ("x,y\n1,2\n", {}, "`inputs` must have at least 2 rows, one to train on and one to test, got 1."),
    "several": (
        "w,x,y\n1,inf,a\n1,1e200,a\n,-inf,a\n",
        {"inputs": ["x", "w"]},
        (
            "The data have 2 problems. (1) `target` must vary, but column 'y' holds 'a' in every row; there is nothing "
            "to learn. (2) `inputs` must be finite, but column 'x' holds inf in row 0 (counted from 0); remove the row"
        ),
    ),
    "many": (
        ",".join("abcdefy") + "\n" + "inf," * 6 + "1.5\n" + "inf," * 6 + "2.5\n",
        {},
        "The data have 6 problems. (1) `inputs` must be finite, but column 'a' holds inf in row 0",
    ),
    "scale": (
        "w,x,y\n1,red,a\n2,,b\n",
        {"scale": "unit"},
        "`scale` must be left out where columns are handed on as a data frame.",
    ),
    "settings": ("x,y\n1,2.5\n2,3.5\n", {"test_samples": 2}, "`test_samples` must leave rows to train on"),
}


@pytest.mark.parametrize(("text", "settings", "message"), BAD_COLUMNS.values(), ids=BAD_COLUMNS.keys())
def test_columns_that_cannot_be_used(tmp_path: Path, text: str, settings: dict[str, object], message: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(InvalidArgument, match="^" + re.escape(message)):
        table_of(tmp_path / "t.csv", target="y", **settings)  # type: ignore[arg-type]


def test_text_that_is_not_in_utf8(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes("x,y\n1,Bäume\n2,Busch\n".encode("latin-1"))
    with pytest.raises(InvalidArgument, match=r"^`target` must be text in UTF-8, but 'y' is not; save it as UTF-8\.$"):
        table_of(tmp_path / "t.csv", target="y")


@pytest.mark.parametrize(
    ("task", "labels", "classes"),
    [
        pytest.param("auto", ["1", "b", "1", "b"], ("1", "b"), id="few"),
        pytest.param("classification", ["1", "b", "2", "c"], ("1", "2", "b", "c"), id="said-to-be-classes"),
    ],
)
def test_labels_may_be_numbers_and_text(tmp_path: Path, task: str, labels: list[str], classes: tuple[str, ...]) -> None:
    rows = [f"{index},{label}" for index, label in enumerate(labels)]
    (tmp_path / "t.csv").write_text("\n".join(["x,y", *rows]))
    source = table_of(tmp_path / "t.csv", target="y", task=task)
    assert source.classes == classes
    assert source.spec()["data"] == arrays(np.arange(4), labels).spec()["data"]


@given(
    names=st.lists(st.from_regex(r"0{0,2}[1-9][0-9]?", fullmatch=True), min_size=2, max_size=8, unique=True),
    task=st.sampled_from(["auto", "classification"]),
)
def test_labels_that_leading_zeros_tell_apart_stay_so_many_classes(names: list[str], task: str) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        path.write_text("\n".join(["x,y", *(f"{row},{name}" for row, name in enumerate(names * 3))]))
        source, values = table_of(path, target="y", task=task), None
        if len(set(map(int, names))) > 1:
            values = table_of(path, target="y", task="regression")
    assert source.classes is not None
    assert len(source.classes) == len(names)
    assert {int(name) for name in source.classes} == set(map(int, names))
    if values is not None:
        np.testing.assert_array_equal(values.data.targets[:, 0], [int(name) for name in names * 3])


def test_many_padded_numbers_are_values(tmp_path: Path) -> None:
    rows = [f"{row},{row % 60:0{2 + row // 60}d}" for row in range(180)]
    (tmp_path / "t.csv").write_text("\n".join(["x,y", *rows]))
    assert table_of(tmp_path / "t.csv", target="y").classes is None


def test_rows_of_many_blocks_keep_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More rows than are copied at once, in Arrow's chunks of other lengths."""
    monkeypatch.setattr(columns_module, "_ROWS_AT_ONCE", 7)
    numbers = np.random.default_rng(0).normal(size=(100, 2))
    chunked = pa.table({"a": numbers[:, 0], "b": numbers[:, 1], "y": np.arange(100) % 3})
    parquet.write_table(chunked, tmp_path / "t.parquet", row_group_size=9)
    assert (
        table_of(tmp_path / "t.parquet", target="y").spec()["data"]
        == arrays(numbers, np.arange(100) % 3).spec()["data"]
    )
    bad = numbers.copy()
    bad[61, 1] = -np.inf
    parquet.write_table(pa.table({"a": bad[:, 0], "b": bad[:, 1], "y": np.arange(100) % 3}), tmp_path / "u.parquet")
    with pytest.raises(InvalidArgument, match="column 'b' holds -inf in row 61"):
        table_of(tmp_path / "u.parquet", target="y")


@pytest.mark.usefixtures("unchecked")
def test_inputs_are_a_list(file: Path) -> None:
    with pytest.raises(InvalidArgument, match="`inputs` must be a list of names of columns, got 'a'; write"):
        table_of(file, target="tree", inputs="a")


def test_unknown_columns_name_the_nearest(file: Path) -> None:
    with pytest.raises(UnknownName, match=r"^unknown column 'treee'; did you mean 'tree'\? Known: a, b, c, tree\.$"):
        table_of(file, target="treee")
    with pytest.raises(UnknownName, match=r"^unknown column 'z'"):
        table_of(file, target="tree", inputs=["a", "z"])
