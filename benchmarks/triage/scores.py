"""The rule on the bank: right, abstain, wrong; its odds against what came; what it must reach beside each number.

    python benchmarks/triage/scores.py development [--bank FILE_OR_FOLDER] [--examples QUESTION]
    python benchmarks/triage/scores.py untouched
    python benchmarks/triage/scores.py ablation

Writes ``scores.json``. The untouched half is opened once: a second time must be asked for with ``--again``, and is
recorded. Examples, and what the rule says of logs that lack something, are of the development half.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import importlib.util
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1]))

import machine
from triage.judged import QUESTIONS, Judged, judge
from triage.said import CHANGES
from triage.tables import Table, outcomes, scores
from triage.training import Half
from triage.truth import TIMES, trainings_of

BANK = Path(__file__).with_name("bank.parquet")
SCORES = Path(__file__).with_name("scores.json")

_CAUSE = "over-fitting or overconfidence"
_MANY = "with at least 1,000 validation samples"
_LEAST_OF_A_BIN = 100


@dataclass(frozen=True, kw_only=True)
class Floor:
    """What must be reached.

    Attributes:
        name: as it is printed.
        value: the number and its interval, out of the scores of a half.
        bound: what it must reach.
        at_most: whether it must stay below instead.
    """

    name: str
    value: Callable[[Mapping[str, Any]], Sequence[float | None]]
    bound: float
    at_most: bool = False

    def is_reached(self, half: Mapping[str, Any]) -> bool:
        """Whether the number itself does; of nothing nothing is reached."""
        value = self.value(half)[0]
        return value is not None and (value <= self.bound if self.at_most else value >= self.bound)


def _share(question: str, name: str, part: str = "outcomes") -> Callable[[Mapping[str, Any]], Sequence[float | None]]:
    return lambda half: half[part][question][name]


def _answered(question: str, part: str = "outcomes") -> Callable[[Mapping[str, Any]], Sequence[float | None]]:
    def value(half: Mapping[str, Any]) -> list[float | None]:
        mean, low, high = half[part][question]["abstain share"]
        return [None, None, None] if mean is None else [round(1 - part, 4) for part in (mean, high, low)]

    return value


def _excluded_bins(half: Mapping[str, Any]) -> list[float | None]:
    bins = [one for k in TIMES for one in half["odds"][str(k)]["bins"] if one["cuts"] >= _LEAST_OF_A_BIN]
    return [sum(one["excluded"] for one in bins) if bins else None, None, None]


_BELOW = "second descent below its best"
_NONE_BELOW = "no second descent: none below claimed"
FLOORS = (
    Floor(name="false alarms, healthy", value=_share("no alarm, healthy", "wrong share"), bound=0.01, at_most=True),
    Floor(name="rises found", value=_share("risen", "right share"), bound=0.92),
    Floor(name="rises wrong", value=_share("risen", "wrong share"), bound=0.02, at_most=True),
    Floor(name="cause of a rise wrong", value=_share(_CAUSE, "wrong share"), bound=0.02, at_most=True),
    Floor(name="cause answered, n >= 1,000", value=_answered(_CAUSE, _MANY), bound=0.70),
    Floor(name="second descents below found", value=_share(_BELOW, "right share"), bound=0.75),
    Floor(name="below claimed falsely", value=_share(_NONE_BELOW, "wrong share"), bound=0.003, at_most=True),
    Floor(name="2x right when answered", value=_share("new best within 2 x", "right when answered"), bound=0.97),
    Floor(name="2x answered", value=_answered("new best within 2 x"), bound=0.72),
    Floor(name="bins that exclude what was said", value=_excluded_bins, bound=0, at_most=True),
)


def fingerprint() -> str:
    """A hash of the sources that decide: the rule and every module of its room that it imports, at any remove."""
    left, seen = ["benign.histories.rule"], dict[str, bytes]()
    while left:
        name = left.pop()
        if name in seen:
            continue
        found = importlib.util.find_spec(name)
        assert found is not None
        assert found.origin is not None
        seen[name] = Path(found.origin).read_bytes()
        left += [imported for imported in _imported(seen[name]) if imported.startswith("benign.histories.")]
    digest = hashlib.sha256()
    for name in sorted(seen):
        digest.update(name.encode() + b"\0" + seen[name] + b"\0")
    return digest.hexdigest()[:16]


def _imported(source: bytes) -> Iterator[str]:
    """The modules that a source imports from; of ``from benign.histories import checks`` the module meant."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module == "benign.histories":
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def score(half: Half, bank: Path, workers: int) -> tuple[list[Judged], Table]:
    """Judge every cut of a half."""
    judged = judge(trainings_of(bank, half), workers=workers)
    if not judged:
        raise SystemExit(f"{bank} holds no training of the {half} half")
    return judged, _described() | scores(judged)


def ablation(bank: Path, workers: int) -> Table:
    """What the rule says of the development half's logs where they lack something."""
    trainings = list(trainings_of(bank, "development"))
    changed: Table = {}
    for change in CHANGES:
        judged = judge(trainings, change=change, workers=workers)
        changed[change] = {question: outcomes(judged, question) for question in QUESTIONS}
    return _described() | {"changes": changed}


def _described() -> Table:
    now = datetime.now(UTC).isoformat(timespec="minutes")
    return {"date": now, "machine": machine.describe(), "rule": fingerprint()}


def told(half: Mapping[str, Any]) -> str:
    """The scores of a half as a table, floors first."""
    lines = [f"{half['cuts']} cuts of {half['trainings']} trainings, rule {half['rule']}, {half['date']}", ""]
    for floor in FLOORS:
        sign, value = "<=" if floor.at_most else ">=", floor.value(half)
        verdict = "no cuts" if value[0] is None else "reached" if floor.is_reached(half) else "MISSED"
        lines.append(f"{floor.name:<34}{_cell(value):>24}   {sign} {floor.bound:<6g} {verdict}")
    lines += ["", _head("question")]
    lines += [_line(question, table) for question, table in half["outcomes"].items()]
    for title in ("odds", "odds among risen"):
        for k in TIMES:
            lines += ["", *_told_odds(f"{title}, {k} x", half[title][str(k)])]
    return "\n".join(lines)


def _told_odds(title: str, table: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"{title}: {table['cuts']} cuts, {table['new bests']} new bests, missed {table['missed']}, promised falsely "
        f"{table['promised falsely']}, Brier {_cell(table['Brier'])} (base {table['Brier of the base rate']})"
    )
    for one in table["bins"]:
        mark = " EXCLUDED" if one["excluded"] else ""
        yield f"    said {one['said']:.3f}  came {_cell(one['came'])}  in {one['cuts']} cuts{mark}"


def _head(title: str) -> str:
    return f"{title:<42}{'cuts':>6}{'right':>7}{'abstain':>8}{'wrong':>6}   right share, wrong share"


def _line(question: str, table: Mapping[str, Any]) -> str:
    counts = f"{table['cuts']:>6}{table['right']:>7}{table['abstain']:>8}{table['wrong']:>6}"
    return f"{question:<42}{counts}   {_cell(table['right share'])}  {_cell(table['wrong share'])}"


def _cell(value: Sequence[float | None]) -> str:
    mean, low, high = value
    if mean is None:
        return "-"
    return f"{mean:.3f}" + ("" if low is None or high is None else f" [{low:.3f}, {high:.3f}]")


def told_ablation(table: Mapping[str, Any]) -> str:
    """Of each question right / abstain / wrong, a block a question and a line a change."""
    lines = []
    for question in QUESTIONS:
        lines += ["", _head(question)]
        lines += [_line(change, counts[question]) for change, counts in table["changes"].items()]
    return "\n".join(lines)


def told_groups(half: Mapping[str, Any]) -> str:
    """Right / abstain / wrong of every question, by validation samples, points, kind of model and family."""
    lines = []
    for title, groups in half["by group"].items():
        lines += ["", f"by {title}: right/abstain/wrong"]
        for question in QUESTIONS:
            counted = [f"{group} {_plain(counts[question])}" for group, counts in groups.items() if question in counts]
            lines += [f"{question}: {', '.join(counted)}"]
    return "\n".join(lines)


def _plain(counts: Sequence[int]) -> str:
    return "/".join(map(str, counts))


def examples(judged: Sequence[Judged], question: str) -> str:
    """The cuts in which a question was answered wrong."""
    lines = []
    for one in judged:
        if QUESTIONS[question](one) == "wrong":
            truth, said = one.truth, one.said
            lines.append(
                f"{one.training} cut {one.points} n {one.samples}: {truth.state} rise {truth.rise:.3f} gain "
                f"{truth.gain:.3f} error {truth.error_rise:.3f} descent {truth.descent} events {set(truth.events)}; "
                f"said {said.state} {said.error} {said.descent} {sorted(said.codes)} odds {dict(said.odds)} "
                f"came {dict(truth.new_best)}"
            )
    return "\n".join(lines)


def write(path: Path, part: str, table: Table, *, again: bool = False) -> None:
    """Put a part into the file of scores; the untouched half a second time only if that is asked for."""
    held: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    check_unopened(held, part, again=again)
    if part == "untouched":
        before = held.get(part, {}).get("opened", [])
        table = table | {"opened": [*before, table["date"]]}
    path.write_text(json.dumps(held | {part: table}, indent=1) + "\n", encoding="utf-8")


def check_unopened(held: Mapping[str, Any], part: str, *, again: bool) -> None:
    """Refuse to open the untouched half twice.

    Raises:
        SystemExit: if it was opened and nobody asks for it again.
    """
    if part == "untouched" and part in held and not again:
        opened = ", ".join(held[part]["opened"])
        raise SystemExit(f"the untouched half is opened once, and was: {opened}; --again opens it once more")


def main(arguments: Sequence[str] | None = None) -> None:
    """Score what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("development", "untouched", "ablation"))
    parser.add_argument("--bank", type=Path, default=BANK, metavar="FILE_OR_FOLDER")
    parser.add_argument("--scores", type=Path, default=SCORES, metavar="FILE", help="where they are written")
    parser.add_argument("--again", action="store_true", help="open the untouched half once more")
    parser.add_argument(
        "--examples", choices=sorted(QUESTIONS), help="cuts where this was answered wrong; writes nothing"
    )
    parser.add_argument("--groups", action="store_true", help="tell the outcomes by family, samples, points too")
    parser.add_argument("--workers", type=int, default=2)
    chosen = parser.parse_args(arguments)
    if chosen.part == "ablation":
        table = ablation(chosen.bank, chosen.workers)
        write(chosen.scores, "ablation", table)
        print(told_ablation(table))
        return
    if chosen.part == "untouched":
        if chosen.examples:
            raise SystemExit("nobody looks into the untouched half")
        held = json.loads(chosen.scores.read_text(encoding="utf-8")) if chosen.scores.exists() else {}
        check_unopened(held, chosen.part, again=chosen.again)
    judged, table = score(chosen.part, chosen.bank, chosen.workers)
    if chosen.examples:
        print(examples(judged, chosen.examples))
        return
    write(chosen.scores, chosen.part, table, again=chosen.again)
    print(told(table) + (told_groups(table) if chosen.groups else ""))


if __name__ == "__main__":
    main()
