"""How the bank's trainings of fully connected networks are planned, made and kept."""

# ruff: noqa: E402 (skipped before it imports torch)

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.networks.extra import needs_torch

needs_torch()

from triage import bank
from triage.families.interrupted import _patient, _rescaled
from triage.family import Family
from triage.loop import Recipe
from triage.plans import Log, Plan, drawn, family
from triage.tasks import Random, flipped, mixture_task, regression_task, signal_task, teacher_task
from triage.training import Half, Training, read_trainings

MADE = np.random.default_rng(0)
TASKS = {
    "mnist1d": signal_task(blur=0.3),
    "mixture": mixture_task(MADE, classes=4, features=6, clusters=2, separation=3.0),
    "teacher": teacher_task(MADE, classes=3, features=5, hidden=4),
    "regression": regression_task(MADE, features=5, hidden=4, noise=0.5),
}


def plan(**changes: object) -> Plan:
    usual = Plan(
        task=TASKS["mixture"], train_samples=60, validation_samples=40, population_samples=80, hidden=(5,),
        noise=(0.0, 0.4), recipe=Recipe(epochs=12, learning_rate=(0.01, 0.02), batch_size=20),
    )  # fmt: skip
    return replace(usual, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", TASKS)
def test_tasks_draw_as_many_as_asked_and_others_each_time(name: str):
    task = TASKS[name]
    inputs, targets = task.draw(500, np.random.default_rng(1))
    again, _ = task.draw(500, np.random.default_rng(1))
    other, _ = task.draw(500, np.random.default_rng(2))
    assert inputs.shape == (500, task.features)
    assert inputs.dtype == np.float32
    np.testing.assert_array_equal(inputs, again)
    assert not np.isin(inputs[:, 0], other[:, 0]).any()
    if task.classes:
        assert set(np.unique(targets)) == set(range(task.classes))
    else:
        assert targets.shape == (500, 1)


def test_regression_targets_have_the_variance_that_is_asked_for():
    _, targets = TASKS["regression"].draw(20_000, np.random.default_rng(3))
    assert targets.var() == pytest.approx(1.5, rel=0.1)


def test_flipped_labels_are_other_ones():
    labels = np.random.default_rng(0).integers(4, size=20_000)
    noisy = flipped(labels, 4, 0.3, np.random.default_rng(1))
    moved = noisy != labels
    assert moved.mean() == pytest.approx(0.3, abs=4 * np.sqrt(0.3 * 0.7 / labels.size))
    shares = np.bincount((noisy - labels)[moved] % 4) / moved.sum()
    np.testing.assert_allclose(shares[1:], 1 / 3, atol=0.03)


def test_noise_flips_training_labels_alone_unless_it_is_measured():
    data = drawn(plan(), np.random.default_rng(0))
    assert data.flipped is not None
    assert not data.flipped[0].any()
    assert 10 <= int(data.flipped[1].sum()) <= 40
    assert data.train.inputs.shape == (2, 60, 6)
    assert data.validation.inputs.shape == (2, 40, 6)
    assert data.population.inputs.shape == (1, 80, 6)  # shared
    assert drawn(plan(measured_noise=1.0), np.random.default_rng(0)).population.inputs.shape == (2, 80, 6)


def test_leaked_validation_samples_are_training_samples_with_their_labels():
    data = drawn(plan(leak=(0.5, 1.0), validation_samples=100), np.random.default_rng(0))
    for member, expected in enumerate((50, 100)):
        rows = {
            tuple(row.tolist()): int(label)
            for row, label in zip(data.train.inputs[member], data.train.targets[member], strict=True)
        }
        found = [rows.get(tuple(row.tolist())) for row in data.validation.inputs[member]]
        assert sum(label is not None for label in found) == expected
        pairs = zip(found, data.validation.targets[member].tolist(), strict=True)
        assert all(label in (None, measured) for label, measured in pairs)


def _planning(_random: Random, group: int) -> Plan:
    return plan(settings={"group": group})


def _made(half: Half, seed: int) -> list[Training]:
    return family("tried", 1, _planning).make(0, half, seed)


def test_a_group_is_the_same_each_time_and_another_in_the_other_half():
    once, again, other = _made("development", 101), _made("development", 101), _made("untouched", 202)
    assert [training.name for training in once] == ["tried-development-00-0", "tried-development-00-1"]
    for first, second, third in zip(once, again, other, strict=True):
        np.testing.assert_array_equal(first.curves["val_loss"], second.curves["val_loss"])
        assert not np.isclose(first.curves["val_loss"], third.curves["val_loss"]).any()
    assert "flipped_train_error" not in once[0].curves
    assert "flipped_train_error" in once[1].curves
    assert (once[1].settings["label_noise"], once[1].settings["learning_rate"]) == (0.4, 0.02)


def test_generating_goes_on_where_it_was_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    made: list[int] = []

    def make(group: int, half: Half, seed: int) -> list[Training]:
        made.append(group)
        curves = {"val_loss": np.arange(9.0)}
        return [
            Training(name=f"a-{half}-{group}", family="a", half=half, settings={}, times=np.arange(9.0), curves=curves)
        ]

    families = {
        "a": Family(name="a", groups=3, make=make),
        "b": Family(name="b", groups=1, make=make, untouched_only=True),
    }
    monkeypatch.setattr(bank, "families", lambda: families)
    bank.generate("development", tmp_path / "d", (), workers=1)
    assert made == [0, 1, 2]
    (tmp_path / "d" / "a-01.parquet").unlink()
    bank.generate("development", tmp_path / "d", (), workers=1)
    assert made == [0, 1, 2, 1]
    bank.generate("untouched", tmp_path / "u", ["a"], workers=1)
    bank.pack([tmp_path / "d", tmp_path / "u"], tmp_path / "bank.parquet")
    assert len(read_trainings(tmp_path / "bank.parquet")) == 6
    assert len(read_trainings(tmp_path / "bank.parquet", "untouched")) == 3
    with pytest.raises(SystemExit, match="3 names occur twice"):
        bank.pack([tmp_path / "d", tmp_path / "d"], tmp_path / "bank.parquet")
    with pytest.raises(SystemExit, match="no such family: c"):
        bank.generate("development", tmp_path, ["c"], workers=1)


def test_families_have_names_of_their_own_and_three_are_untouched_only():
    families = bank.families()
    assert {name for name, each in families.items() if not each.in_half("development")} == {
        "attention", "boosting_regression", "digits",
    }  # fmt: skip
    assert all(each.in_half("untouched") for each in families.values())


def test_patience_ends_a_log_and_every_second_one_with_its_best():
    losses = np.concatenate([np.linspace(2, 1, 11), np.linspace(1.1, 3, 20)])
    log: Log = (np.arange(1.0, 32.0), {"val_loss": losses, "running_train_loss": losses}, {})
    times, curves, settings = _patient(4)(0, log)
    assert settings == {"stopped_at": 15.0, "patience": 4}
    assert times[-1] == 15
    times, curves, settings = _patient(4)(1, log)
    assert settings["restored_at"] == times[-1] == 16
    assert curves["val_loss"][-1] == 1
    assert np.isnan(curves["running_train_loss"][-1])


def test_another_unit_of_the_loss_changes_what_is_measured_from_then_on():
    names = ("val_loss", "averaged_val_loss", "median_loss", "population_loss")
    log: Log = (np.arange(1.0, 5.0), {name: np.ones(4) for name in names}, {})
    _, curves, _ = _rescaled(3, 2.0)(0, log)
    assert curves["val_loss"].tolist() == [1, 1, 2, 2]
    assert curves["population_loss"].tolist() == [1, 1, 1, 1]
