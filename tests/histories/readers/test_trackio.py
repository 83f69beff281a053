import json

import numpy as np
import pytest

from benign.foundation.errors import InvalidArgument
from benign.histories.readers.opening import read_logs
from tests.histories.readers.databases import TRACKIO, restored
from tests.histories.readers.shown import values

TRAIN = [2.0 / (1 + epoch) for epoch in range(40)]
VALIDATION = [2.2 / (1 + epoch) + 0.002 * epoch**1.5 for epoch in range(40)]


def test_runs_have_their_names_and_values(tmp_path):
    wide, narrow = read_logs(restored(TRACKIO, tmp_path / "curves.db"))
    assert (wide.name, narrow.name, wide.format) == ("wide", "narrow", "trackio database")
    assert values(wide) == {"train/loss": TRAIN, "val/loss": VALIDATION}
    assert wide.columns[0].positions.tolist() == list(range(40))
    assert values(narrow)["val/loss"][:39] == VALIDATION[:39]
    assert np.isnan(values(narrow)["val/loss"][39])


def test_a_row_that_is_no_json_is_left_out_and_said(tmp_path):
    change = "UPDATE metrics SET metrics = '{\"val/loss\": 1' WHERE run_name = 'wide' AND step = 3"
    wide, narrow = read_logs(restored(TRACKIO, tmp_path / "curves.db", change))
    assert values(wide)["val/loss"] == VALIDATION[:3] + VALIDATION[4:]
    assert "1 rows whose metrics are no JSON" in wide.notes[0]
    assert narrow.notes == ()


def test_metrics_as_text_and_what_is_not_finite(tmp_path):
    said = json.dumps({"val/loss": "Infinity", "epoch": 39})
    change = f"UPDATE metrics SET metrics = '{said}' WHERE run_name = 'wide' AND step = 39"
    wide, _ = read_logs(restored(TRACKIO, tmp_path / "curves.db", change))
    assert values(wide)["val/loss"][39] == np.inf


@pytest.mark.parametrize(
    ("change", "words"),
    [("DELETE FROM metrics", "no run has begun"), ("UPDATE metrics SET metrics = '{}'", "none recorded a number")],
)
def test_a_project_without_numbers_gets_a_sentence(tmp_path, change, words):
    with pytest.raises(InvalidArgument, match=words):
        read_logs(restored(TRACKIO, tmp_path / "curves.db", change))
