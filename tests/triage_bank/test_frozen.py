"""What the rule says of the bank today is what was scored: the numbers in the documentation are those of this code."""

import json

import pytest
from triage.judged import judge
from triage.scores import BANK, SCORES
from triage.tables import by_group
from triage.training import Half, read_trainings

from benign.cli.triage_page import MEASURED

HALF: Half = "untouched"
FAMILIES = ("attention", "cyclic", "linear_sgd", "restored")


@pytest.fixture(scope="module")
def scored():
    trainings = [one for one in read_trainings(BANK, HALF) if one.family in FAMILIES]
    return by_group(judge(trainings))["family"]


@pytest.mark.parametrize("family", FAMILIES)
def test_verdicts_are_those_that_were_scored(scored, family):
    published = json.loads(SCORES.read_text(encoding="utf-8"))[HALF]["by group"]["family"]
    assert scored[family] == published[family], (
        "the rule says something else than when it was scored: score the development half anew; the untouched half "
        "was opened, and is no test of another rule"
    )


def test_the_page_says_what_was_measured():
    half = json.loads(SCORES.read_text(encoding="utf-8"))[HALF]
    rises, alarms = half["outcomes"]["risen"], half["outcomes"]["no alarm, healthy"]
    for number in (
        f"tested on {half['trainings']:,} real trainings",
        f"{100 * rises['right share'][0]:.0f} % of real rises",
        f"of {alarms['cuts']:,} looks at a healthy run {alarms['wrong']} gave",
    ):
        assert number in MEASURED
