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
