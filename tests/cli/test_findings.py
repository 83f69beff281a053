"""Findings in the terminal: a line each, broken between words at its width, whole lines elsewhere."""

import re

import numpy as np
import pytest

from benign.cli.findings import print_entries, print_findings
from benign.curves import higher_claim

CLAIM = "With 20 % of labels flipped, ten times as many features as samples have a lower test loss than the best below"


def finding(claim=CLAIM):
    return higher_claim(
        name="n", claim=claim, higher=np.array([2.0, 2.1, 2.2, 2.3]), lower=np.ones(4), unit="loss", paper="Fig. 2"
    )


def test_a_finding_is_one_line_where_nobody_reads_it_at_a_terminal(capsys):
    print_findings([finding()], verbose=False)
    assert capsys.readouterr().out == f"  {finding()}\n"


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_a_terminal_breaks_it_between_words_at_its_width(capsys, monkeypatch, columns):
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("COLUMNS", str(columns))
    print_findings([finding()], verbose=True)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
    lines = plain.splitlines()
    assert all(len(line) <= columns for line in lines)
    assert lines[0].startswith("  ✓ With 20 %")
    assert all(line.startswith("    ") for line in lines[1:])
    assert " ".join(plain.split()) == f"{finding()} {finding().evidence}. Paper: Fig. 2."


def test_what_a_terminal_would_obey_is_shown(capsys):
    print_findings([finding(f"{CLAIM}\x1b[31m")], verbose=False)
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize("columns", [60, 200])
def test_a_list_is_at_most_a_hundred_columns_wide(capsys, monkeypatch, columns):
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("COLUMNS", str(columns))
    print_entries([("first", CLAIM, "Somebody 2020"), ("second_name", "short", "x" * 3 + " y" * 100)])
    lines = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out).splitlines()
    assert max(map(len, lines)) <= min(columns, 100)
    assert [line[:13].strip() for line in lines if line[0] != " "] == ["first", "second_name"]
    assert {line[13] for line in lines} & {" "} == set()
