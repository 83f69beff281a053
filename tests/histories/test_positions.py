"""Rows in order: a plain transcription of what counts, and its laws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benign.histories.positions import in_order

POSITIONS = st.lists(st.integers(0, 12).map(float) | st.sampled_from([math.nan, math.inf, -1.0]), max_size=14)


def _plainly(positions: list[float]) -> list[int]:
    rows = [row for row, position in enumerate(positions) if math.isfinite(position) and position >= 0]
    descents = [k for k in range(1, len(rows)) if positions[rows[k]] < positions[rows[k - 1]]]
    if len(descents) > max(3, len(rows) / 10) or len({positions[row] for row in rows}) == len(rows):
        last = {positions[row]: row for row in rows}
        return [last[position] for position in sorted(last)]
    runs = []
    for k, row in enumerate(rows):
        if k in descents and positions[row] <= positions[rows[0]]:
            runs.append([row])
        elif runs:
            runs[-1].append(row)
        else:
            runs = [[row]]
    if len(runs) > 1:
        longest = max(len(run) for run in runs)
        run = [run for run in runs if len(run) == longest][-1]
        return [run[k] for k in _plainly([positions[row] for row in run])]
    return [row for k, row in enumerate(rows) if all(positions[later] > positions[row] for later in rows[k + 1 :])]


@given(POSITIONS)
@settings(max_examples=400)
def test_the_rows_are_those_of_a_plain_transcription(positions):
    order = in_order(np.array(positions, float))
    assert order.rows.tolist() == _plainly(positions)
    assert np.all(np.diff(np.array(positions, float)[order.rows]) > 0)
    assert bool(order.kind) == bool(order.note)


@pytest.mark.parametrize(
    ("positions", "rows", "kind", "words"),
    [
        ([1, 2, 3], [0, 1, 2], "", ""),
        ([1, 2, 3, 4, 3, 4, 5], [0, 1, 4, 5, 6], "resume", "2 rows from epoch 3 to 4"),
        ([1, 2, 3, 4, 2], [0, 4], "resume", "3 rows from epoch 2 to 4"),  # what comes after belongs to other weights
        ([1, 2, 3, 1, 2], [0, 1, 2], "run", "2 runs follow one another: the longest is read, number 1"),
        ([1, 2, 1, 2], [2, 3], "run", "the last"),
        ([0, 1, 2, 0, 1, 2, 1, 2, 3], [3, 6, 7, 8], "run", "the last, with 4 rows"),
        ([5, 3, 1, 2], [2, 3, 1, 0], "sort", "not in the order"),
        ([1, 1, 1, 2, 2], [2, 4], "repeat", "Several rows at one epoch"),
    ],
)  # fmt: skip
def test_each_case_is_told(positions, rows, kind, words):
    order = in_order(np.array(positions, float))
    assert (order.rows.tolist(), order.kind) == (rows, kind)
    assert words in order.note


def test_the_sentence_says_what_the_positions_count():
    assert "one step" in in_order(np.array([1.0, 1.0, 2.0]), axis="step").note
