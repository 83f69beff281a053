"""Logs of our own recorders: what their first line says is used, and what the caller says goes before it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import benign
from benign.foundation.errors import InvalidArgument
from benign.histories.readers.opening import read_logs

triage: Any = benign.triage

LOGS = Path(__file__).parents[1] / "logs"
REAL = sorted(LOGS.glob("recorder_*/*.jsonl"))
HEAD = {
    "benign_recorder": 1,
    "recorder": "TorchRecorder",
    "validation_samples": 4_000,
    "classes": 10,
    "label_noise": 0.1,
}


def written(path, rows, head=HEAD):
    path.write_text("".join(json.dumps(line) + "\n" for line in [head, *rows]))
    return path


def falling(steps, **more):
    return [{"step": step, "validation_loss": 3.0 / step**0.5, "train_loss": 2.0 / step, **more} for step in steps]


def test_the_first_line_tells_what_is_known_and_the_caller_knows_better(tmp_path):
    path = written(tmp_path / "log.jsonl", falling(range(1, 31)))
    history = triage(path).history
    assert (history.validation_samples, history.classes, history.label_noise) == (4_000, 10, 0.1)
    assert history.train_samples is None
    assert triage(path, validation_samples=300, train_samples=7).history.validation_samples == 300


def test_steps_before_the_end_of_the_first_epoch_are_parts_of_it(tmp_path):
    rows = [*falling([1, 2, 4, 8]), *falling([20], epoch=2), *falling([25], epoch=2.5), *falling([30], epoch=3)]
    history = triage(written(tmp_path / "log", rows)).history
    assert history.axis == "epoch"
    np.testing.assert_allclose(history.times, [0.1, 0.2, 0.4, 0.8, 2, 2.5, 3])


def test_without_epochs_steps_count(tmp_path):
    assert triage(written(tmp_path / "log", falling([1, 2, 4, 8, 16, 32, 64, 96]))).history.axis == "step"


def test_what_a_checkpoint_superseded_does_not_count(tmp_path):
    rows = [*falling([10, 20, 30, 40], epoch=None), *falling([25, 30, 50])]
    history = triage(written(tmp_path / "log", rows)).history
    assert history.times.tolist() == [10, 20, 25, 30, 50]


def test_all_that_a_recorder_writes_has_a_role(tmp_path):
    more = {"kept_train_error": 0.1, "flipped_train_error": 0.9, "gradient_penalty": 1e-3}
    more |= {
        "averaged_validation_loss": 1.0,
        "averaged_validation_error": 0.2,
        "train_error": 0.2,
        "learning_rate": 0.1,
    }
    answer = triage(written(tmp_path / "log", falling(range(1, 20), **more)))
    assert "not used" not in answer.roles.values()
    assert answer.roles["flipped_train_error"] == "training error on the relabelled samples"
    for name in ("kept_train_error", "flipped_train_error", "gradient_penalty"):
        np.testing.assert_array_equal(getattr(answer.history, name), more[name])


def test_a_user_may_name_them_in_a_log_of_any_kind():
    log = {
        "val_loss": [3.0, 2.0, 1.0] * 3,
        "noisy": [90.0, 50.0, 40.0] * 3,
        "rig": [0.1] * 9,
        "clean": [9.0, 8.0, 7.0] * 3,
    }
    names = {"flipped_train_accuracy": "noisy", "gradient_penalty": "rig", "kept_train_error": "clean"}
    history = triage(log, columns=names).history
    np.testing.assert_allclose(history.flipped_train_error[:3], [0.1, 0.5, 0.6])
    np.testing.assert_allclose(history.kept_train_error[:3], [0.09, 0.08, 0.07])
    assert history.gradient_penalty is not None


@pytest.mark.parametrize("name", ["gradient_penalty", "kept_loss", "flipped_val_error"])
def test_names_that_others_use_otherwise_are_not_guessed(name):
    curves = {"val_loss": [3.0, 2.0, 1.0] * 3, name: [0.1] * 9}
    assert triage(curves).roles[name] == "not used"


def test_a_log_without_an_evaluation_says_so(tmp_path):
    with pytest.raises(InvalidArgument, match="no evaluation yet"):
        triage(written(tmp_path / "log", []))


def test_a_format_of_the_future_is_refused(tmp_path):
    with pytest.raises(InvalidArgument, match="format 2; this benign reads format 1"):
        triage(written(tmp_path / "log", falling([1]), {"benign_recorder": 2}))


def test_seeds_in_a_folder_are_pooled_with_all_their_curves(tmp_path):
    for seed in range(3):
        rows = falling(range(1, 31), flipped_train_error=0.1 * seed, learning_rate=0.1)
        written(tmp_path / f"seed{seed}.jsonl", rows)
    together = triage(tmp_path)[0]
    np.testing.assert_allclose(together.history.flipped_train_error, 0.1)
    assert together.history.validation_samples == 4_000


@pytest.mark.parametrize("path", REAL, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_what_the_frameworks_wrote_needs_no_option(path):
    (log,) = read_logs(path)
    answer = triage(path)
    assert log.format in {"KerasRecorder", "LightningRecorder", "TrainerRecorder"}
    assert {"not used"}.isdisjoint(answer.roles.values())
    assert answer.history.axis == "epoch"
    assert answer.history.times[-1] == int(answer.history.times[-1])  # the training went on to its end
    assert answer.history.times.size >= 10
    for curve in ("train_loss", "train_error", "validation_error", "averaged_loss", "averaged_error", "learning_rate"):
        assert np.isfinite(getattr(answer.history, curve)).all()
    assert None not in (answer.history.validation_samples, answer.history.train_samples, answer.history.classes)
    assert answer.history.validation_loss[0] > answer.history.validation_loss.min()


def test_there_is_one_of_each_framework():
    assert {f"{path.parent.name}/{path.stem}" for path in REAL} == {
        "recorder_keras/jax", "recorder_keras/torch", "recorder_lightning/log", "recorder_transformers/classes",
        "recorder_transformers/tokens",
    }  # fmt: skip
