import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from triage.judged import Judged
from triage.scores import FLOORS, fingerprint, main, told
from triage.tables import odds, outcomes
from triage.training import write_trainings

from tests.triage_bank.made import made
from tests.triage_bank.test_judged import one

POINTS = 120
TIMES = np.arange(1.0, POINTS + 1)


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory):
    """Rises, falls and second descents of both halves in one file, and a training whose validation belies it."""
    levels = [[0.5, -0.5, 0.3, 0.5], [0.5, -0.3, -0.6, -0.9], [0.5, -0.5, 0.0, -0.9]]
    curves = [np.exp(np.interp(TIMES, [1, 30, 60, 120], levels[number % 3])) for number in range(12)]
    trainings = [made(curve, name=f"made-{number}", validation_samples=20_000) for number, curve in enumerate(curves)]
    trainings.append(made(curves[1], name="made-12", validation=curves[0], validation_samples=20_000))
    untouched = [made(curve, name=f"other-{number}", half="untouched") for number, curve in enumerate(curves)]
    path = tmp_path_factory.mktemp("bank") / "bank.parquet"
    write_trainings([*trainings, *untouched], path)
    return path


@pytest.fixture
def run(bank, tmp_path, capsys):
    """Runs the command; what it prints, and the file of scores that it leaves."""

    def run(*arguments: str):
        path = tmp_path / "scores.json"
        main([*arguments, "--bank", str(bank), "--scores", str(path), "--workers", "1"])
        return capsys.readouterr().out, json.loads(path.read_text()) if path.exists() else None

    return run


def test_a_half_is_scored_and_written_beside_the_others(run):
    printed, held = run("development")
    table = held["development"]
    assert table["trainings"] == 13
    assert table["outcomes"]["risen"]["right"] >= 4
    assert table["outcomes"]["second descent below its best"]["right"] >= 4
    assert table["rule"] == fingerprint()
    assert all(floor.name in printed for floor in FLOORS)
    assert told(table) in printed
    _, held = run("ablation")
    assert set(held) == {"development", "ablation"}
    assert held["ablation"]["changes"]["all"]["risen"] == table["outcomes"]["risen"]


def test_the_untouched_half_is_opened_once(run):
    _, held = run("untouched")
    assert len(held["untouched"]["opened"]) == 1
    with pytest.raises(SystemExit, match="opened once, and was"):
        run("untouched")
    _, held = run("untouched", "--again")
    assert len(held["untouched"]["opened"]) == 2
    run("development")


def test_nobody_looks_into_the_untouched_half(run):
    with pytest.raises(SystemExit, match="nobody looks"):
        run("untouched", "--examples", "risen")


def test_outcomes_by_group_and_the_cuts_where_one_was_wrong(run):
    printed, held = run("development", "--groups")
    risen = held["development"]["by group"]["family"]["made"]["risen"]
    assert f"made {risen[0]}/{risen[1]}/{risen[2]}" in printed
    wrong = held["development"]["outcomes"]["improving"]["wrong"]
    assert wrong >= 1
    printed, again = run("development", "--examples", "improving")
    assert len(printed.strip().splitlines()) == wrong
    assert again == held


def test_a_bank_without_the_half_is_refused(run, tmp_path):
    write_trainings([made(np.ones(30))], tmp_path / "one.parquet")
    with pytest.raises(SystemExit, match="no training of the untouched half"):
        main(["untouched", "--bank", str(tmp_path / "one.parquet"), "--scores", str(tmp_path / "none.json")])
    assert not (tmp_path / "none.json").exists()


def test_the_fingerprint_is_of_what_decides(monkeypatch: pytest.MonkeyPatch):
    """Another constant in a module that the rule imports gives another one; one that only words use does not."""
    before = fingerprint()
    read = Path.read_bytes

    def changed(name: str):
        return lambda path: read(path) + b"\nMORE = 1\n" if path.name == name else read(path)

    for name, differs in {"noise.py": True, "checks.py": True, "rule.py": True, "verdicts.py": False}.items():
        monkeypatch.setattr(Path, "read_bytes", changed(name))
        assert (fingerprint() != before) is differs, name


def test_outcomes_are_counted_over_cuts_and_drawn_over_trainings():
    said = ["risen", "risen", "undecided", "plateau"]
    judged = [one({}, {"state": state}, training=f"made-{number // 2}") for number, state in enumerate(said)]
    table = outcomes([*judged, one({"state": "plateau"})], "risen")
    assert [table[name] for name in ("cuts", "trainings", "right", "abstain", "wrong")] == [4, 2, 2, 1, 1]
    assert table["right share"] == [0.5, 0.0, 1.0]
    assert table["right when answered"] == [round(2 / 3, 4), 0.0, 1.0]


def told_odds(p: float, came: list[bool]) -> list[Judged]:
    return [
        one({"new_best": {2: each, 5: None, 10: None}}, {"odds": {2: p}, "answers": {}}, training=f"made-{number}")
        for number, each in enumerate(came)
    ]


def test_odds_against_what_came():
    judged = told_odds(0.1, [True] * 10 + [False] * 90) + told_odds(0.9, [True] * 40 + [False] * 60)
    table = odds(judged, 2)
    low, high = table["bins"]
    assert (low["said"], low["cuts"], low["excluded"]) == (0.1, 100, False)
    assert (high["said"], high["came"][0], high["excluded"]) == (0.9, 0.4, True)
    assert table["Brier"][0] == pytest.approx((10 * 0.81 + 90 * 0.01 + 40 * 0.01 + 60 * 0.81) / 200, abs=1e-4)
    assert table["Brier of the base rate"] == pytest.approx(0.25 * 0.75, abs=1e-4)
    assert odds([], 2)["cuts"] == 0


_KEPT = {"cuts": 100, "excluded": False}


@pytest.mark.parametrize(
    ("name", "reached", "missed"),
    [
        ("false alarms, healthy", {"outcomes": {"no alarm, healthy": {"wrong share": [0.01, 0, 0.1]}}},
         {"outcomes": {"no alarm, healthy": {"wrong share": [0.011, 0, 0.1]}}}),
        ("rises found", {"outcomes": {"risen": {"right share": [0.92, 0, 1]}}},
         {"outcomes": {"risen": {"right share": [0.919, 0, 1]}}}),
        ("2x answered", {"outcomes": {"new best within 2 x": {"abstain share": [0.28, 0.2, 0.3]}}},
         {"outcomes": {"new best within 2 x": {"abstain share": [0.281, 0.2, 0.3]}}}),
        ("bins that exclude what was said",
         {"odds": {key: {"bins": [{"cuts": 99, "excluded": True}, _KEPT]} for key in ["2", "5", "10"]}},
         {"odds": {key: {"bins": [{"cuts": 100, "excluded": True}]} for key in ["2", "5", "10"]}}),
    ],
)  # fmt: skip
def test_floors(name: str, reached: dict[str, Any], missed: dict[str, Any]):
    floor = next(floor for floor in FLOORS if floor.name == name)
    assert floor.is_reached(reached)
    assert not floor.is_reached(missed)


def test_of_no_cuts_no_floor_is_reached():
    nothing = outcomes([], "risen")
    assert nothing["right share"] == [None, None, None]
    assert not FLOORS[1].is_reached({"outcomes": {"risen": nothing}})
    assert math.isfinite(FLOORS[1].bound)
