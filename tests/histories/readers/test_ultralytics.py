import csv
from pathlib import Path

import pytest

from benign.histories.readers.opening import read_logs
from benign.histories.recorded import history_of
from benign.histories.roles import assigned
from tests.histories.readers.shown import log_of_text, points

LOGS = Path(__file__).parents[1] / "logs" / "ultralytics"
DETECT = (LOGS / "detect.csv").read_text()


def rows(name):
    return list(csv.DictReader((LOGS / name).read_text().splitlines()))


def curves(log):
    assignment = assigned(log)
    assert assignment.questions == ()
    return history_of(log, assignment)[0]


def test_the_parts_of_a_detectors_loss_are_added():
    (log,) = read_logs(LOGS / "detect.csv")
    assert log.format == "Ultralytics results.csv"
    read = curves(log)
    assert read.times.tolist() == list(range(1, 13))
    for samples, curve in (("train", read.train_loss), ("val", read.validation_loss)):
        parts = [[float(row[f"{samples}/{part}_loss"]) for part in ("box", "cls", "dfl")] for row in rows("detect.csv")]
        assert curve.tolist() == pytest.approx([sum(three) for three in parts])
    assert {metric.name: metric.higher_is_better for metric in read.metrics}["metrics/mAP50-95(B)"]
    assert any("EMA" in note for note in log.notes)


def test_a_classifier_has_a_loss_and_an_accuracy():
    (log,) = read_logs(LOGS / "classify.csv")
    read = curves(log)
    assert read.validation_loss.tolist() == [float(row["val/loss"]) for row in rows("classify.csv")]
    accuracies = [float(row["metrics/accuracy_top1"]) for row in rows("classify.csv")]
    assert read.validation_error.tolist() == pytest.approx([1 - accuracy for accuracy in accuracies])


def test_padded_names_and_cells_of_earlier_versions_are_the_same(tmp_path):
    padded = "\n".join(",".join(cell.rjust(23) for cell in line.split(",")) for line in DETECT.splitlines()) + "\n"
    assert points(log_of_text(tmp_path, padded)) == points(read_logs(LOGS / "detect.csv")[0])


def test_zeros_where_nothing_was_evaluated_are_no_losses(tmp_path):
    header, *lines = DETECT.splitlines()
    evaluated = [index for index, name in enumerate(header.split(",")) if name.startswith(("val/", "metrics/"))]
    for number in (0, 2):
        cells = lines[number].split(",")
        for index in evaluated:
            cells[index] = "0"
        lines[number] = ",".join(cells)
    log = log_of_text(tmp_path, "\n".join([header, *lines]) + "\n")
    epochs = [position for position, _ in points(log)["val/cls_loss"]]
    assert epochs == [position for position, _ in points(log)["metrics/mAP50(B)"]] == [2, *range(4, 13)]
    assert len(points(log)["train/box_loss"]) == 12
    assert any("not evaluated" in note and note.endswith(": 2.") for note in log.notes)
