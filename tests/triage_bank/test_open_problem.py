import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import expit
from triage.open_problem import alone, chosen, found, knowing_the_rate, main, told
from triage.risen_cuts import RisenCut, risen_cuts
from triage.training import Training, write_trainings

from benign.histories.forecast import Trend
from tests.triage_bank.made import made

FAMILIES = ("first", "second", "third", "fourth")
TELLS, TELLS_ONE_FAMILY, NOISE = "train error", "weight decay", "margins"


def cut(number: int, came: bool, base: float, values: dict[str, tuple[float, ...]]) -> RisenCut:
    name = f"{FAMILIES[number % 4]}-{number // 8}"
    return RisenCut(
        training=name, family=FAMILIES[number % 4], group=name, linear=number % 4 == 0, cyclic=False, trend="rising",
        came={2: came}, base={2: base}, said={2: 0.1}, values={2: values},
    )  # fmt: skip


@pytest.fixture(scope="module")
def block():
    """One candidate tells everywhere, one in one family alone, one nowhere; each training has two cuts."""
    random = np.random.default_rng(0)
    cuts = []
    for number in range(1200):
        base, tells, one, noise = random.standard_normal(4)
        odds = -1.5 + base + tells + (3 * one if number % 4 == 1 else 0.0)
        came = bool(random.random() < expit(odds))
        cuts.append(cut(number, came, base, {TELLS: (tells,), TELLS_ONE_FAMILY: (one,), NOISE: (noise, 1.0)}))
    return found(cuts)["all"]["2"]


def test_what_tells_in_all_families_is_found(block):
    row = block["candidates"][TELLS]
    for way in ("families left out", "trainings left out"):
        assert row[way]["gain"][1] > 0
        assert row[way]["corrected"] < 0.01
        assert row[way]["without its best family"] > 0
        assert row[way]["AUC"][1] > row[way]["AUC"][0] + 0.03
        assert row[way]["Brier skill"][1] > row[way]["Brier skill"][0] > 0


def test_what_tells_in_one_family_alone_is_not_found_where_that_is_left_out(block):
    row = block["candidates"][TELLS_ONE_FAMILY]
    assert row["trainings left out"]["corrected"] < 0.01
    assert row["trainings left out"]["without its best family"] < 0


def test_noise_is_not_found(block):
    assert block["candidates"][NOISE]["families left out"]["corrected"] > 0.2
    assert block["candidates"][NOISE]["families left out"]["gain"][0] < 0.002


def test_counts_and_what_cannot_be_scored(block):
    assert block["cuts"] == 1200
    assert block["trainings"] == 600
    assert sum(block["by family"].values()) == block["new bests"]
    assert "families left out" not in block["candidates"]["gradient norm"]


def test_new_bests_of_one_family_are_counted_and_not_scored():
    cuts = [cut(number, number % 4 == 0, 0.0, {TELLS: (0.0,)}) for number in range(200)]
    block = found(cuts)["all"]["2"]
    assert block["new bests"] == 50
    assert "base" not in block
    assert block["candidates"] == {}


def risen_training(**settings: Any) -> Training:
    """Down, up until the middle of its time, and down again below its best."""
    times = np.arange(1.0, 201.0)
    population = np.exp(np.interp(np.log(times), np.log([1, 20, 80, 200]), [0.0, -1.0, -0.5, -1.6]))
    return made(population, curves={"train_loss": 1 / times}, **settings)


def test_risen_cuts_are_followed_to_what_came():
    cuts = risen_cuts([risen_training()])
    assert cuts
    assert all(one.trend in ("rising", "falling") and not one.cyclic for one in cuts)
    assert any(one.came == {2: True} for one in cuts)
    assert all("slope of the training loss" in one.values[2] for one in cuts)


def test_what_is_done_to_a_training_takes_answers_away():
    """Set back after the cut and before its horizon: no answer; measured otherwise: none after that either."""
    undisturbed, restored = risen_cuts([risen_training()]), risen_cuts([risen_training(restored_at=45.0)])
    assert 0 < len(restored) < len(undisturbed)
    assert risen_cuts([risen_training(changed_at=45.0)]) == []
    later = risen_cuts([risen_training(changed_at=201.0)])
    assert [one.came for one in later] == [one.came for one in undisturbed]


def test_a_schedule_that_lifts_the_rate_is_told():
    assert all(one.cyclic for one in risen_cuts([risen_training(schedule="3 restarts, doubled")]))


def test_two_processes_find_the_same():
    trainings = [risen_training(name=f"made-{number}", width=number) for number in range(3)]
    assert risen_cuts(trainings, workers=2) == risen_cuts(trainings)


def test_the_command_writes_a_half_beside_the_other(tmp_path: Path, capsys):
    write_trainings([risen_training()], tmp_path / "bank.parquet")
    (tmp_path / "found.json").write_text('{"untouched": 1}')
    main(
        [
            "development",
            "--bank",
            str(tmp_path / "bank.parquet"),
            "--to",
            str(tmp_path / "found.json"),
            "--workers",
            "1",
        ]
    )
    held = json.loads((tmp_path / "found.json").read_text())
    assert held["untouched"] == 1
    assert held["development"]["trainings"] == 1
    assert "all, 2 x" in capsys.readouterr().out
    assert told(held["development"]).startswith(f"{held['development']['cuts']} cuts of 1 trainings")


def raised_cut(number: int, *, came: bool, is_taken_back: bool, trend: Trend = "rising", rise: float = 0.1) -> RisenCut:
    one = cut(number, came, -1.0, {})
    numbers = {
        "size of the rise": (rise,), "learning rate since the best": (1.0 if is_taken_back else 0.0,),
        "learning rate: raised for a while": (float(is_taken_back), -1.0 * is_taken_back),
        "learning rate: how far it will fall": (-1.0 if number % 2 else 0.0,),
    }  # fmt: skip
    return replace(one, linear=False, cyclic=is_taken_back, trend=trend, values={2: numbers})


def test_the_frozen_odds_are_the_rule_s_but_for_a_rate_that_is_taken_back():
    assert knowing_the_rate(-1.0, is_taken_back=False) == pytest.approx(expit(-0.09 - 4.28))
    assert knowing_the_rate(-1.0, is_taken_back=True) == knowing_the_rate(3.0, is_taken_back=True) == 0.57
    assert alone(-1.0) == pytest.approx(expit(-0.26 - 2.35))


def test_the_frozen_odds_gain_where_rates_that_are_taken_back_tell():
    tell = [raised_cut(number, came=number % 5 == 0, is_taken_back=number % 5 < 2) for number in range(400)]
    row = chosen(tell)["by part"]["all"]
    assert row["gain"][1] > 0
    assert row["chance"] < 0.001
    assert row["without its best family"] > 0
    assert row["knowing the rate"]["AUC"] > row["alone"]["AUC"] == 0.5


def test_the_frozen_odds_lose_where_they_do_not():
    wrong = [raised_cut(number, came=number % 10 == 9, is_taken_back=number % 5 == 0) for number in range(400)]
    assert chosen(wrong)["by part"]["all"]["gain"][2] < 0


def test_new_bests_are_counted_by_rate_and_trend():
    cuts = [raised_cut(number, came=number < 3, is_taken_back=number % 4 == 0) for number in range(40)]
    cuts += [raised_cut(number, came=False, is_taken_back=False, trend="falling", rise=0.5) for number in range(40, 50)]
    counted = chosen(cuts)["counted"]["2"]
    assert counted["networks and boosting; rate raised, then taken back; all"][:2] == [10, 1]
    assert counted["networks and boosting; rate not raised; rising now"][:2] == [10, 1]
    assert counted["networks and boosting; rate not raised, falls to a half or less; rising now"][:2] == [20, 1]
    falling = [row for title, row in counted.items() if "falling now; risen more than 35 %" in title]
    assert sum(row[0] for row in falling) == 10
    assert all(row[1] == 0 for row in falling)
    assert chosen(cuts)["counted"]["5"] == {}
