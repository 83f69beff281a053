"""The tables of the page on diagnoses are made of the scores of the untouched half."""

import importlib.util
import json
import re
from pathlib import Path

from diagnosis.scores import scores

import benign
from tests.diagnosis_bank.test_scores import judged
from tests.optional import needs

PAGE = Path(__file__).parents[2] / "docs" / "diagnose.md"


def test_the_page_tells_the_scores(tmp_path, monkeypatch):
    needs("docs", importlib.util.find_spec("IPython") is not None, "IPython is not installed")
    cells = re.findall(
        r"```\{code-cell\} ipython3\n:tags: \[hide-input\]\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL
    )
    assert len(cells) == 3
    answers = [
        judged(0.3, "hurts", confidence=0.9, case="a"),
        judged(0.3, "helps", confidence=0.95, case="b"),
        judged(-0.3, "helps", confidence=0.95, case="c"),
        judged(-0.3, "cannot tell", case="d"),
    ]
    half = {
        "scores": scores(answers),
        "cases": 4,
        "items": 4,
        "date": "2026-11-30T00:00",
        "machine": {"processor": "P"},
    }
    place = tmp_path / "benchmarks" / "diagnosis"
    place.mkdir(parents=True)
    (place / "scores.json").write_text(json.dumps(half), encoding="utf-8")
    monkeypatch.setattr(benign, "__file__", str(tmp_path / "src" / "benign" / "__init__.py"))
    names: dict[str, object] = {"benign": benign}
    told = []
    for cell in cells:
        body, _, last = cell.rstrip().rpartition("\n")
        exec(compile(body, PAGE.name, "exec"), names)
        shown = eval(compile(last, PAGE.name, "eval"), names)
        told.append(shown.data.splitlines())
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in told[0][2:-2]]
    title = ["more data", "benign 10x"]
    assert [row[:4] for row in rows] == [[*title, "hurts", "2 (2)"], [*title, "helps", "2 (2)"]]
    assert [row[4].split(" [")[0] for row in rows] == ["50 %", "50 %"]
    assert [row[7].split(" [")[0] for row in rows] == ["50 %", "100 %"]
    assert told[0][-1] == "4 cases, 4 items, 2026-11-30, P."
    assert [line.split("|")[2].strip() for line in told[1][2:]] == ["above 20 %", "above 20 %"]
    assert [line.split("|")[2].strip() for line in told[2][2:]] == ["0.900", "0.950"]


def test_the_prose_beside_them_does_too():
    """What the page and the command's page say in words is what the untouched half gave."""
    half = json.loads((PAGE.parents[1] / "benchmarks" / "diagnosis" / "scores.json").read_text("utf-8"))["scores"]
    prose = " ".join(PAGE.read_text("utf-8").split())

    def percent(who: str, axis: str, verdict: str, name: str, size: str = "") -> str:
        table = half[who][axis]["by size"][size] if size else half[who][axis]
        return f"{100 * table[verdict][name][0]:.3g}"

    def pair(who: str, name: str, axis: str = "more_data", size: str = "", digits: int = 2) -> list[str]:
        told = (float(percent(who, axis, verdict, name, size)) for verdict in ("hurts", "helps"))
        return [f"{share:.{digits}g}" for share in told]

    ten, three = "benign 10x", "benign 3x"
    right, answered = pair(ten, "right when answered", digits=3), pair(ten, "answered")
    large = pair(ten, "right", size="above 20 %")
    assert f"it was right in {right[0]} % of what it said to hurt and in {right[1]} % of what" in prose
    assert f"it said so of {answered[0]} % of what truly hurts and of {answered[1]} % of what truly helps" in prose
    assert f"reached for what helps ({large[1]} %), missed for what hurts ({large[0]} %)" in prose
    right, answered = pair(three, "right when answered", digits=3), pair(three, "answered")
    large = pair(three, "right", size="above 20 %")
    assert (
        f"With three trainings {right[0]} and {right[1]} % were right, and {answered[0]} and {answered[1]} % answered"
        in prose
    )
    assert f"of effects above a fifth {large[0]} and {large[1]} % were answered right" in prose
    said = [f"{100 * row[name]:.2g}" for row in half[three]["more_data"]["calibration"][2:3] for name in ("said",)]
    was = f"{100 * half[three]['more_data']['calibration'][2]['right'][0]:.2g}"
    assert f"of what it said with {said[0]} %, {was} % was right" in prose
    bigger = pair(ten, "right when answered", "bigger")
    assert f"{bigger[0]} and {bigger[1]} % right for a bigger one that hurts or helps" in prose
    network = half[ten]["more_data"]["by family"]["mlp"]["hurts"]["right when answered"][0]
    assert f"of what it said to hurt {100 * network:.2g} % was right" in prose
