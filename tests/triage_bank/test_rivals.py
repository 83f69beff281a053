import ast
import json
import sys
from dataclasses import replace

import numpy as np
import pytest
from triage import rivals
from triage.cuts import columns
from triage.rival_counts import (
    CONFIDENT,
    DESCENDED,
    GIVEN_BACK,
    HEALTHY,
    MISTAKEN,
    QUESTIONS,
    RISEN,
    Case,
    Said,
    case_of,
    count_alarms,
    table,
    truths_of,
)
from triage.rival_meanings import MEANINGS, Meaning, meaning
from triage.rival_worker import RIVALS, _asked
from triage.rivals import HERE, handed, said_of, whole_steps
from triage.thumb_rules import PATIENCE, is_apart, ran_out, runs_out, thumb_rules
from triage.truth import truth_at

from tests.triage_bank.made import made

RISE, NOTE = Said(warnings=frozenset({Meaning.RISE})), Said(notes=frozenset({Meaning.OVERFITTING}))


def test_patience_runs_out_with_the_tenth_evaluation_that_is_not_better():
    best = [3.0, 2.0, 1.0]
    assert not runs_out(best + [1.5] * (PATIENCE - 1))
    assert runs_out(best + [1.5] * PATIENCE)
    assert runs_out(best + [1.0] * PATIENCE)  # as good is no better


def test_patience_that_ran_out_is_forgotten_by_a_new_best_but_had_ended_the_training():
    descended = [3.0, 1.0] + [2.0] * PATIENCE + [0.5]
    assert not runs_out(descended)
    assert ran_out(descended)


def test_patience_passes_over_what_was_not_recorded_and_waits_through_what_is_no_number():
    assert not runs_out([1.0] + [None] * 20 + [0.5])
    assert runs_out([1.0] + [float("nan")] * PATIENCE)
    assert not runs_out([float("nan")] + [1.0] + [2.0] * (PATIENCE - 1))


def test_the_gap_is_taken_where_both_were_last_recorded():
    assert is_apart([1.0, 1.0], [1.0, 1.11])
    assert not is_apart([1.0, 1.0], [2.0, 1.09])
    assert is_apart([1.0, 1.0, None], [1.0, 1.11, 0.1])
    assert not is_apart([None], [1.0])


def test_rules_of_thumb_need_no_training_loss():
    assert thumb_rules({"val_loss": [1.0, 0.5]}) == {
        "patience 10": False,
        "patience 10, ever": False,
        "gap > 10%": False,
    }


def test_a_log_is_handed_over_with_accuracies_and_without_what_lies_behind_the_cut():
    population = np.geomspace(2.0, 0.5, 40)
    training = made(population, curves={"train_loss": population / 2, "val_error": population / 4}, classes=3)
    log = handed(columns(training, 20))
    assert log["steps"] == list(range(1, 21))
    assert log["eval_loss"] == pytest.approx(population[:20])
    assert log["eval_accuracy"] == pytest.approx(1 - population[:20] / 4)
    assert "learning_rate" not in log


def test_steps_are_whole_and_no_two_fall_together():
    assert whole_steps(np.array([1.0, 2.0, 10.0])) == [1, 2, 10]
    assert whole_steps(np.array([0.25, 0.5, 1.5])) == [1, 2, 6]


def test_a_finding_that_no_list_knows_is_no_rise():
    assert meaning("runmedic", "memory_growth") is Meaning.OTHER
    assert meaning("finetune-doctor, by accuracy", "Overfitting") is Meaning.OVERFITTING


def test_a_program_that_refuses_a_log_has_said_nothing():
    assert said_of("runmedic", {"refused": "ValueError: no"}) == Said()
    answer = {"found": [["overfitting", True], ["val_below_train", False]]}
    assert said_of("runmedic", answer) == Said(
        warnings=frozenset({Meaning.OVERFITTING}), notes=frozenset({Meaning.OTHER})
    )


def test_every_program_can_call_over_fitting():
    assert all(Meaning.OVERFITTING in meanings.values() for meanings in MEANINGS.values())


def test_alarms_are_counted_by_truth_and_notes_apart():
    cases = [
        Case(training="a", truths=frozenset({HEALTHY}), said={"it": RISE}),
        Case(training="a", truths=frozenset({HEALTHY}), said={"it": Said()}),
        Case(training="b", truths=frozenset({RISEN, DESCENDED}), said={"it": NOTE}),
    ]
    counted = count_alarms(cases, "it")
    assert counted[HEALTHY]["rise"]["hits"] == counted[HEALTHY]["anything"]["hits"] == 1
    assert counted[HEALTHY]["rise"]["cuts"] == 2
    assert counted[RISEN]["rise"]["hits"] == 0
    assert counted[RISEN]["rise"]["with notes"] == counted[DESCENDED]["rise"]["with notes"] == 1
    assert sum(line.startswith("it ") for line in table({"it": counted}, {"it": 0.5}).splitlines()) == 1
    assert set(counted) == set(QUESTIONS)


def test_truths_that_alarms_are_counted_for():
    times = np.arange(200.0)
    rising = np.exp(-times / 10) + np.exp(times / 400)
    known = {"population_error": np.full(200, 0.2), "calibrated_population_loss": rising * (1 - times / 600)}
    training = made(rising, curves=known)
    assert truths_of(truth_at(training, 200)) == {RISEN, CONFIDENT, GIVEN_BACK}
    mistaken = made(rising, curves={"population_error": 0.2 + times / 1000})
    assert truths_of(truth_at(mistaken, 200)) == {RISEN, MISTAKEN}
    assert truths_of(truth_at(made(rising, leak=0.5), 200)) == set()
    descended = made(np.exp(-times / 30) + np.exp(-(((times - 60) / 20) ** 2)) + 0.2)
    assert truths_of(truth_at(descended, 200)) == {HEALTHY, DESCENDED}


def test_nobody_is_charged_with_what_the_truth_cannot_tell():
    said = {"it": Said(warnings=frozenset({Meaning.INSTABILITY}))}
    known = Case(training="a", truths=frozenset({HEALTHY}), said=said)
    assert count_alarms([known], "it")[HEALTHY]["alarm"]["hits"] == 1
    assert case_of("a", truth_at(made(np.geomspace(2.0, 0.5, 60)), 60), said).unknown == {Meaning.INSTABILITY}
    assert count_alarms([replace(known, unknown=frozenset({Meaning.INSTABILITY}))], "it")[HEALTHY]["alarm"]["hits"] == 0


def test_shares_carry_intervals_over_trainings_and_none_where_there_are_no_cuts():
    cases = [Case(training=str(number), truths=frozenset({RISEN}), said={"it": Said()}) for number in range(20)]
    counted = count_alarms(cases, "it")
    assert counted[RISEN]["rise"]["interval"] == pytest.approx([0, 0.1684], abs=1e-4)
    assert counted[HEALTHY]["rise"]["share"] is None


def test_the_worker_imports_nothing_but_the_standard_library_by_name():
    tree = ast.parse((HERE / "rival_worker.py").read_text("utf-8"))
    named = [name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names]
    whole = {name.name for name in named} | {
        str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
    }
    assert {name.split(".")[0] for name in whole} <= sys.stdlib_module_names


def test_a_program_that_fails_is_asked_of_the_next_log_too():
    def refuses(log):
        raise ValueError("no number")

    assert _asked(refuses, {})["refused"] == "ValueError: no number"
    assert _asked(lambda _log: [("it", True)], {})["found"] == [("it", True)]


def test_requirements_pin_every_program():
    pinned = [line.split("==") for line in (HERE / "rivals.txt").read_text("utf-8").splitlines() if line[0] != "#"]
    assert {name for name, _ in pinned} == {package for package, _ in RIVALS.values()} | {"numpy"}
    assert {name.split(",")[0] for name in RIVALS} == set(MEANINGS)


def test_programs_and_rules_are_counted_on_the_same_cuts(monkeypatch, tmp_path):
    """A program that calls over-fitting of every log, on a training that has risen and one that has not."""
    times = np.arange(100.0)
    risen, falling = np.exp(-times / 10) + np.exp(times / 100), np.exp(-times / 30) + 0.1
    trainings = [made(risen, name="risen"), made(falling, name="falling")]
    answer = {"runmedic": {"found": [["overfitting", True]], "seconds": 0.002}}
    about = {"versions": {"runmedic": "0"}}
    monkeypatch.setattr(rivals, "ask", lambda _python, logs: (about, [answer] * len(logs)))
    found = rivals.compare(trainings, tmp_path)
    for truth in (HEALTHY, RISEN):
        of_truth = found["counted"]["runmedic"][truth]["rise"]
        assert of_truth["hits"] == of_truth["cuts"] > 0
        assert found["counted"]["patience 10"][truth]["rise"]["hits"] == (of_truth["cuts"] if truth == RISEN else 0)
    assert found["cpu_ms_a_log"] == {"runmedic": 2.0}
    assert found["findings"] == {"runmedic": {"overfitting (warning)": found["cuts"]}}


def test_the_untouched_half_is_opened_once(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(rivals, "OUTPUT", tmp_path / "rivals.json")
    rivals.OUTPUT.write_text(json.dumps({"untouched": {"date": "2026-01-01"}}), encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["rivals.py", "untouched", "--bank", str(tmp_path), "--python", sys.executable])
    with pytest.raises(SystemExit):
        rivals.main()
    assert "was opened on 2026-01-01" in capsys.readouterr().err


def test_every_finding_that_was_made_is_translated():
    """None is counted as something else because no list knows it."""
    kept = json.loads((HERE / "rivals.json").read_text("utf-8"))
    for half in kept.values():
        assert set(half["worker"]["versions"]) == set(RIVALS)
        for rival, findings in half["findings"].items():
            assert {finding.rsplit(" (", 1)[0] for finding in findings} <= set(MEANINGS[rival.split(",")[0]])
