import csv
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benign.histories.readers import delimited
from benign.histories.readers.delimited import layout_of, table_of
from benign.histories.readers.protocol import HEAD, File

ROWS = "1,0.5,0.625\n2,0.25,0.5\n3,0.125,0.75\n"


def table(text):
    content = text if isinstance(text, bytes) else text.encode()
    return table_of(File(path=Path("log"), head=content[:HEAD], size=len(content), held=content))


def columns(text):
    read = table(text)
    return {name: cells.values.tolist() for name, cells in zip(read.names, read.columns, strict=True)}


PLAIN = {"epoch": [1, 2, 3], "loss": [0.5, 0.25, 0.125], "val_loss": [0.625, 0.5, 0.75]}


@pytest.mark.parametrize(
    "text",
    [
        f"epoch,loss,val_loss\n{ROWS}",
        f"\ufeffepoch,loss,val_loss\n{ROWS}",
        f"epoch,loss,val_loss\n{ROWS}".replace("\n", "\r\n"),
        f"epoch,loss,val_loss\n{ROWS}".replace("\n", "\r"),
        f"epoch,loss,val_loss\n{ROWS}".replace(",", "\t"),
        f"epoch,loss,val_loss\n{ROWS}".replace(",", ";").replace(".", ","),
        f"epoch,loss,val_loss\n{ROWS}".replace(",", "   "),
        f"epoch,loss,val_loss\n{ROWS}".replace("\n", ",\n"),
        f"epoch,loss,val_loss\n{ROWS.replace(chr(10), ',' + chr(10))}",
        f'"epoch", "loss", "val_loss"\n{ROWS}',
        f"# seed 3\n\nepoch,loss,val_loss\n# resumed\n{ROWS}",
        f"# epoch,loss,val_loss\n{ROWS}",
        f"epoch,loss,val_loss\n{ROWS}".encode("utf-16"),
        "| epoch | loss | val_loss |\n|---|---:|---|\n| 1 | 0.5 | 0.625 |\n| 2 | .25 | .5 |\n| 3 | 12.5% | 0.75 |\n",
    ],
    ids=[
        "plain", "byte order mark", "windows", "old mac", "tabs", "semicolons and decimal commas", "spaces",
        "ended lines", "ended rows", "quoted", "comments", "commented header", "utf-16", "markdown",
    ],
)  # fmt: skip
def test_one_table_however_it_is_written(text):
    assert columns(text) == PLAIN


def test_latin_1_names():
    assert list(columns("époque,perte\n1,2\n2,3\n".encode("latin-1"))) == ["époque", "perte"]


def test_without_names_the_columns_are_counted_and_that_is_said():
    read = table(ROWS)
    assert read.names == ("column 1", "column 2", "column 3")
    assert read.num_rows == 3
    assert "not named" in read.notes[0]


@pytest.mark.parametrize(
    ("end", "rows"),
    [("4,0.5,0.25\n", 4), ("4,0.5,0.250", 4), ("4,0.5,0.2", 3), ("4,0.5", 3), ("4,0.5,", 3), ("4", 3), ("", 3)],
)
def test_a_last_line_that_is_cut_short_is_left_out(end, rows):
    read = table("epoch,loss,val_loss\n1,0.5,0.625\n2,0.25,0.500\n3,0.125,0.750\n".replace("0.500", "0.5001") + end)
    expected = 4 if end in {"4,0.5,0.25\n", "4,0.5,0.250"} else 3
    assert expected == rows
    assert read.num_rows == rows
    assert any("cut short" in note for note in read.notes) == (rows == 3 and end != "")


def test_a_power_that_was_cut_off_is_no_number_five_powers_too_large():
    read = table("epoch,val_loss\n1,1.2345e-05\n2,1.2345e-05\n3,1.234567890")
    assert read.columns[1].values.tolist() == [1.2345e-05] * 2


def test_a_header_among_the_rows_and_rows_of_another_width_are_said():
    read = table(f"epoch,loss,val_loss\n{ROWS}epoch,loss,val_loss\n4,1\n{ROWS}")
    assert read.num_rows == 6
    assert len(read.notes) == 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "one line of prose, with a comma\nand another one\n",
        "epoch 1 loss 0.5 acc 0.7\nepoch 2 loss 0.4 acc 0.8\n",
        "name: run\nlr: 0.1\nepochs: 100\n",
        '{"epoch": 1, "loss": 0.5}\n{"epoch": 2, "loss": 0.4}\n',
        "import numpy as np\n\nx = 3\n",
    ],
)
def test_prose_settings_and_code_are_no_table(text):
    assert layout_of(text) is None


names = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1, max_size=8).map(
    lambda name: f"n{name.strip()}"
)


@settings(max_examples=60, deadline=None)
@given(st.lists(names, min_size=2, max_size=4), st.integers(2, 6), st.sampled_from(",;\t"), st.data())
def test_what_the_csv_module_writes_is_read_back(header, count, delimiter, data):
    numbers = st.one_of(st.none(), st.floats(-1e6, 1e6))
    cells = [[float(row), *(data.draw(numbers) for _ in header[1:])] for row in range(count)]
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow([name.strip("\"' ") for name in header])
    writer.writerows([["" if cell is None else repr(cell) for cell in row] for row in cells])
    read = table(text.getvalue())
    for column, written in zip(read.columns, zip(*cells, strict=True), strict=True):
        assert column.present.tolist() == [cell is not None for cell in written]
        assert column.values[column.present].tolist() == [cell for cell in written if cell is not None]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_arrow_reads_large_tables_as_the_lines_are_read(monkeypatch, delimiter):
    generator = np.random.Generator(np.random.Philox(3))
    lines = [f"# made\nepoch{delimiter}loss{delimiter}val acc{delimiter}loss{delimiter}what\n"]
    for row in range(200):
        cells = [
            str(row),
            f"{generator.random():.5f}",
            f"{generator.random():.2%}",
            ["", "NA", "nan", "inf", "-1"][row % 5],
        ]
        lines.append(delimiter.join([*cells, "text"]) + "\n")
    lines.insert(100, f"1{delimiter}2\n")
    lines.insert(150, "# resumed\n")
    slow = table("".join(lines))
    monkeypatch.setattr(delimited, "_LARGE", 10)
    fast = table("".join(lines))
    assert fast.names == slow.names
    assert fast.notes == slow.notes
    for quick, plain in zip(fast.columns, slow.columns, strict=True):
        np.testing.assert_allclose(quick.values, plain.values, rtol=1e-14)
        assert quick.present.tolist() == plain.present.tolist()
        assert quick.texts == plain.texts
