"""The truth against closed forms, and the stored one against the scripts."""

import math
from dataclasses import replace

import numpy as np
import pytest
from diagnosis.case import Item
from diagnosis.design import COUNTS, SEEDS, design
from diagnosis.families import FAMILIES
from diagnosis.populations import POPULATIONS, most_rows
from diagnosis.truth import TRUTH, Truth, levels_of, main, read_truths, truths_of, write_truths

from benign.foundation.randomness import generator
from diagnosis import design as designed
from tests.diagnosis_bank.made import LINEAR

COLUMNS = POPULATIONS["dense"].columns


def risk(n: float, p: float) -> float:
    """Expected risk of least squares in the first p of d Gaussian columns of equal weight (Hastie et al. 2022)."""
    unseen = 1 - p / COLUMNS + 0.25
    if p < n:
        return unseen * (1 + p / (n - p - 1))
    return (p / COLUMNS) * (1 - n / p) + unseen * (1 + n / (p - n - 1))


@pytest.mark.parametrize("size", [20.0, 240.0], ids=["fewer columns than samples", "more"])
def test_truth_is_the_closed_form(size):
    case = replace(LINEAR, size=size, factors=(1.5, 2.0))
    found = {one.item: one for one in truths_of(case, first=24, most=24)}
    for factor in (1.5, 2.0):
        one = found[Item(case="made", axis="more_data", factor=factor, metric="loss")]
        expected = risk(factor * 60, size) / risk(60, size)
        # the mean of logs lies off the log of the means by half the difference of the variances, small here
        assert one.change == pytest.approx(math.log(expected), abs=4 * one.error + 0.03)
        assert one.changed / one.base == pytest.approx(expected, abs=6 * one.error * expected)
    assert {one.verdict for one in found.values() if one.item.axis == "more_data"} == {
        "helps" if size < 60 else "hurts"
    }


def truth(change: float, error: float, *, base: float = 1.0, changed: float | None = None) -> Truth:
    item = Item(case="made", axis="more_data", factor=2.0, metric="loss")
    changed = base * math.exp(change) if changed is None else changed
    return Truth(item=item, draws=24, change=change, error=error, base=base, changed=changed)


@pytest.mark.parametrize(
    ("found", "verdict", "is_decided"),
    [
        (truth(0.10, 0.01), "hurts", True),
        (truth(-0.10, 0.01), "helps", True),
        (truth(0.10, 0.04), "tie", False),  # two and a half standard errors
        (truth(0.01, 0.001), "tie", True),  # 1 %
        (truth(0.10, 0.01, changed=0.9), "tie", False),  # the means say the opposite
    ],
)
def test_an_effect_is_significant_above_2_percent_and_of_one_sign(found, verdict, is_decided):
    assert found.verdict == verdict
    assert found.is_decided is is_decided


def test_draws_are_added_while_something_is_undecided():
    small = replace(LINEAR, size=4.0, factors=(1.5,))  # an effect of 3 %, and noise
    assert {one.draws for one in truths_of(small, first=4, most=16)} == {16}
    assert {one.draws for one in truths_of(small, first=8, most=8)} == {8}


def test_levels_stay_within_the_columns_and_what_the_family_has():
    assert [factor for axis, factor in levels_of(replace(LINEAR, size=500.0)) if axis == "bigger"] == [1.5]
    unsized = replace(LINEAR, family="neighbours", size=None, settings={"neighbours": 3.0})
    assert {axis for axis, _ in levels_of(unsized)} == {"more_data"}


def test_truths_come_back_from_their_file(tmp_path):
    held = [truth(0.125, 0.25), truth(-0.5, 0.0625)]
    write_truths(tmp_path / "t.parquet", [LINEAR], held, {"date": "today"})
    cases, found = read_truths(tmp_path / "t.parquet")
    assert cases == {"made": LINEAR}
    assert [(one.item, one.change, one.error) for one in found] == [(one.item, one.change, one.error) for one in held]
    assert read_truths(tmp_path / "t.parquet", "untouched") == ({}, [])


def test_a_drawn_case_is_drawn_again_the_same():
    first, second = (
        designed._drafted("development", "random", generator(SEEDS["development"], "case", 5)) for _ in range(2)
    )
    assert first == second
    assert first != designed._drafted("development", "random", generator(SEEDS["untouched"], "case", 5))


# --------------------------------------------------------------------------------------------------- what is committed


@pytest.fixture(scope="module")
def stored():
    return read_truths()


@pytest.mark.parametrize("half", list(COUNTS))
def test_the_stored_cases_are_those_of_the_design(stored, half, monkeypatch):
    """Those whose size no training decided."""
    monkeypatch.setattr("diagnosis.design._smallest_fitting", lambda *_: 2.0)
    design.cache_clear()
    cases = {name: case for name, case in stored[0].items() if case.half == half}
    drawn = {case.name: case for case in design(half)}
    design.cache_clear()
    assert set(cases) == set(drawn)
    counted = [name for name, case in cases.items() if FAMILIES[case.family].threshold != "measured"]
    assert len(counted) > 100
    assert [name for name in counted if cases[name].to_json() != drawn[name].to_json()] == []


def test_no_stored_truth_is_of_more_rows_than_half_the_pool(stored):
    for case in stored[0].values():
        population = POPULATIONS[case.population]
        most = most_rows(population, designed.test_rows(population))
        assert all(factor * case.samples <= most for factor in case.factors), case.name


def test_halves_share_no_family_and_population_but_the_stressful(stored):
    met = {
        half: {(case.family, case.population) for case in stored[0].values() if (case.half, case.stratum) in chosen}
        for half in COUNTS
        for chosen in [{(half, "random"), (half, "over")}]
    }
    assert not met["development"] & met["untouched"]
    families = {half: {family for family, _ in pairs} for half, pairs in met.items()}
    assert families["untouched"] - families["development"] == {"forest", "boosting", "mlp", "ridge_classifier"}


def test_the_stored_truth_of_a_case_is_measured_again_the_same(stored):
    cases, truths = stored
    of_case = {name: [one for one in truths if one.item.case == name] for name in cases}
    cheap = min(
        (case for case in cases.values() if case.family == "relu"), key=lambda case: case.samples * (case.size or 0)
    )
    held = sorted(of_case[cheap.name], key=lambda one: one.item)
    again = sorted(truths_of(cheap), key=lambda one: one.item)
    assert [one.item for one in again] == [one.item for one in held]
    np.testing.assert_allclose([one.change for one in again], [one.change for one in held], rtol=1e-4, atol=1e-6)


def test_there_are_harmful_effects_enough(stored):
    """What the benchmark promises: 100 from 40 cases in the untouched half, 60 in development."""
    cases, truths = stored
    for half, items, owners in (("untouched", 100, 40), ("development", 60, 20)):
        harmful = [
            one.item
            for one in truths
            if one.item.axis == "more_data" and one.verdict == "hurts" and cases[one.item.case].half == half
            if cases[one.item.case].stratum != "refuse"
        ]
        assert len(harmful) >= items
        assert len({item.case for item in harmful}) >= owners


def test_counts_are_told(capsys):
    main(["count", "--truth", str(TRUTH)])
    assert "untouched more_data loss: helps" in capsys.readouterr().out
