import json

from benign.histories.readers.opening import read_logs
from benign.histories.roles import assigned
from tests.histories.readers.shown import log_of_text, points, values

CHART = (
    '"Step","a - b - val/loss","a - b - val/loss__MIN","a - b - val/loss__MAX",'
    '"c - val/loss","c - val/loss__MIN","c - val/loss__MAX"\n'
    '"0","4.0","4.0","4.0","","",""\n"1","","","","3.5","3.5","3.5"\n"2","2.0","2.0","2.0","1.5","1.5","1.5"\n'
)


def written(folder, text):
    path = folder / "wandb_export.csv"
    path.write_text(text)
    return path


def test_each_run_of_a_chart_is_a_log(tmp_path):
    first, second = read_logs(written(tmp_path, CHART))
    assert (first.name, second.name, first.axis) == ("a - b", "c", "step")
    assert points(first) == {"val/loss": [(0, 4.0), (2, 2.0)]}
    assert points(second) == {"val/loss": [(1, 3.5), (2, 1.5)]}
    assert first.notes == ()
    assert assigned(first).questions == ()


def test_two_metrics_of_one_run_are_one_log(tmp_path):
    (log,) = read_logs(written(tmp_path, CHART.replace("a - b - ", "run - ").replace("c - val", "run - train")))
    assert log.name == ""
    assert values(log) == {"val/loss": [4.0, 2.0], "train/loss": [3.5, 1.5]}


def test_means_over_buckets_are_said(tmp_path):
    logs = read_logs(written(tmp_path, CHART.replace('"2","2.0","2.0","2.0"', '"2","2.0","1.0","3.0"')))
    assert all("means of several steps" in log.notes[0] for log in logs)


def test_a_history_is_read_by_its_steps_without_what_the_service_adds(tmp_path):
    rows = [
        {
            "_step": step,
            "_runtime": 3.5 * step,
            "_timestamp": 1.7e9 + step,
            "train/loss": 1 / (1 + step),
            "system/gpu": 9,
        }
        for step in range(5)
    ]
    header = ",".join(rows[0])
    text = header + "\n" + "".join(",".join(map(str, row.values())) + "\n" for row in rows)
    for log in (read_logs(rows)[0], log_of_text(tmp_path, text), log_of_text(tmp_path, json.dumps(rows))):
        assert (log.format, log.axis) == ("Weights & Biases history", "step")
        assert points(log) == {"train/loss": [(step, 1 / (1 + step)) for step in range(5)]}
