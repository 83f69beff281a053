"""The tool and the rules of thumb against the truth: right, abstain and wrong, apart for what hurts and what helps.

    python benchmarks/diagnosis/scores.py development SAID [--truth FILE]
    python benchmarks/diagnosis/scores.py untouched SAID

SAID is a file or folder that ``run.py`` wrote. Writes ``scores_development.json``, or ``scores.json``. The untouched
half is opened once: a second time must be asked for with ``--again``, and is recorded.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import importlib.util
import json
import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

sys.path.append(str(Path(__file__).resolve().parents[1]))  # last: one of its scripts is called statistics

import machine
import numpy as np
from diagnosis.case import AXES, HALVES, Case, Half, Item
from diagnosis.run import BUDGETS, read_said
from diagnosis.truth import TRUTH, Truth, read_truths
from diagnosis.users import Said
from jaxtyping import Float, Int

from benign.foundation.randomness import generator

Outcome = Literal["right", "abstain", "wrong"]
Table = dict[str, Any]
Interval = list[float | None]

SCORES: Mapping[Half, Path] = {
    "development": Path(__file__).with_name("scores_development.json"),
    "untouched": Path(__file__).with_name("scores.json"),
}
NO_DIFFERENCE = 0.05
"""To say that there is no difference is wrong where the effect exceeds this, and no answer where it is smaller."""
SIZES = {"below 5 %": (0.0, 0.05), "5 to 20 %": (0.05, 0.2), "above 20 %": (0.2, math.inf)}
CONFIDENCES = (0.85, 0.9, 0.95, 0.99, 1.0)
_LEAST_OF_A_BIN = 100
_DRAWS, _OUTSIDE = 2000, 0.05


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What was said of an item to one user, beside the truth."""

    said: Said
    truth: Truth
    case: Case

    @property
    def outcome(self) -> Outcome:
        """Against a significant effect; a tie is right where no difference was said."""
        said, verdict = self.said.answer, self.truth.verdict
        if said == "cannot tell":
            return "abstain"
        if said == "makes no difference":
            if verdict == "tie":
                return "right"
            return "wrong" if self.truth.size > NO_DIFFERENCE else "abstain"
        return "right" if said == verdict else "wrong"


def judge(cases: Mapping[str, Case], truths: Iterable[Truth], said: Iterable[Said]) -> list[Judged]:
    """What was said of items whose truth is known."""
    known = {one.item: one for one in truths}
    found = []
    for one in said:
        item = Item(case=one.case, axis=one.axis, factor=one.factor, metric=one.metric)
        if item in known:
            found.append(Judged(said=one, truth=known[item], case=cases[one.case]))
    return found


# --------------------------------------------------------------------------------------------- shares and their spread


@dataclass(frozen=True, kw_only=True, eq=False)
class Shares:
    """Of each item, averaged over its users: the shares of right, abstain and wrong; and whose item it is."""

    shares: Float[np.ndarray, "items 3"]
    owners: Int[np.ndarray, " items"]


def shares_of(judged: Sequence[Judged]) -> Shares:
    """Items with equal weights."""
    items: dict[Item, list[Outcome]] = {}
    for one in judged:
        items.setdefault(one.truth.item, []).append(one.outcome)
    names: tuple[Outcome, ...] = ("right", "abstain", "wrong")
    shares = np.array([[found.count(name) / len(found) for name in names] for found in items.values()])
    return Shares(shares=shares.reshape(-1, 3), owners=_places([item.case for item in items]))


def _places(cases: Sequence[str]) -> Int[np.ndarray, " items"]:
    """Each one's case as a number."""
    return np.unique(np.array(cases, str), return_inverse=True)[1].astype(np.int64)


def outcomes(judged: Sequence[Judged]) -> Table:
    """Shares with 95 % intervals over cases: of answers all items, of what is right those answered."""
    found = shares_of(judged)
    if not len(found.shares):
        return {"items": 0, "cases": 0}
    right, abstain, wrong = found.shares.T
    return {
        "items": len(found.shares),
        "cases": int(found.owners.max()) + 1,
        "right": ratio(right, np.ones_like(right), found.owners),
        "abstain": ratio(abstain, np.ones_like(right), found.owners),
        "wrong": ratio(wrong, np.ones_like(right), found.owners),
        "answered": ratio(right + wrong, np.ones_like(right), found.owners),
        "right when answered": ratio(right, right + wrong, found.owners),
    }


def ratio(
    hits: Float[np.ndarray, " items"], weights: Float[np.ndarray, " items"], owners: Int[np.ndarray, " items"]
) -> Interval:
    """Sum of hits over sum of weights, with an interval: cases are drawn anew.

    Where all agree no draw differs: then each case counts as one answer, and the interval is the exact one.
    """
    total = float(weights.sum())
    if total == 0.0:
        return [None, None, None]
    value = float(hits.sum()) / total
    weighing = len(np.unique(owners[weights > 0]))
    if value in (0.0, 1.0):
        reach = 1 - (_OUTSIDE / 2) ** (1 / weighing)
        low, high = (1 - reach, 1.0) if value else (0.0, reach)
    else:
        above, below = np.bincount(owners, weights=hits), np.bincount(owners, weights=weights)
        drawn = _drawn(len(above))
        sums = drawn @ below
        low, high = np.quantile((drawn @ above)[sums > 0] / sums[sums > 0], [_OUTSIDE / 2, 1 - _OUTSIDE / 2])
    return [round(float(number), 4) for number in (value, low, high)]


@lru_cache(maxsize=8)
def _drawn(cases: int) -> Int[np.ndarray, "draws cases"]:
    return generator(0, "cases drawn anew").multinomial(cases, np.full(cases, 1 / cases), _DRAWS)


# -------------------------------------------------------------------------------------------------------------- scores


def scores(judged: Sequence[Judged]) -> Table:
    """By who said it and of which axis."""
    speakers = list(dict.fromkeys(one.said.who for one in judged))
    return {
        who: {axis: _scores([one for one in judged if (one.said.who, one.said.axis) == (who, axis)]) for axis in AXES}
        for who in speakers
    }


def _scores(judged: Sequence[Judged]) -> Table:
    told = [one for one in judged if one.case.stratum != "refuse"]
    groups: dict[str, Callable[[Judged], str]] = {
        "by size": lambda one: next(name for name, (low, high) in SIZES.items() if low <= one.truth.size < high),
        "by stratum": lambda one: one.case.stratum,
        "by family": lambda one: one.case.family,
        "by metric": lambda one: one.said.metric,
        "by factor": lambda one: f"{one.said.factor:g}",
    }
    asked = list({(one.said.case, one.said.user): one.said for one in judged}.values())
    return {
        **_by_verdict(told),
        **{
            title: {name: _by_verdict(one) for name, one in _grouped(told, key).items()}
            for title, key in groups.items()
        },
        "must refuse": outcomes_of_refusals([one for one in judged if one.case.stratum == "refuse"]),
        "calibration": calibration(told),
        "trainings": _of_numbers([one.trainings for one in asked]),
        "seconds": _of_numbers([one.seconds for one in asked]),
    }


def _by_verdict(judged: Sequence[Judged]) -> Table:
    return {
        verdict: outcomes([one for one in judged if one.truth.verdict == verdict])
        for verdict in ("hurts", "helps", "tie")
    }


def _grouped(judged: Sequence[Judged], key: Callable[[Judged], str]) -> dict[str, list[Judged]]:
    found: dict[str, list[Judged]] = {}
    for one in judged:
        found.setdefault(key(one), []).append(one)
    return dict(sorted(found.items()))


def _of_numbers(values: Sequence[float]) -> Table:
    if not values:
        return {}
    return {"mean": round(float(np.mean(values)), 3), "largest": round(float(np.max(values)), 3)}


def outcomes_of_refusals(judged: Sequence[Judged]) -> Table:
    """Of rows that are not independent: how often an answer was given all the same."""
    answered = np.array([one.said.answer != "cannot tell" for one in judged], float)
    if not len(answered):
        return {"items": 0}
    owners = _places([one.said.case for one in judged])
    return {"items": len(answered), "answered": ratio(answered, np.ones_like(answered), owners)}


def calibration(judged: Sequence[Judged]) -> list[Table]:
    """Of answers with a stated confidence: what was said and what was right.

    An answer of better or worse counts where the truth is significant; "no difference" where the truth is a tie or an
    effect of more than 5 %.
    """
    told = [one for one in judged if one.outcome != "abstain" and not math.isnan(one.said.confidence)]
    told = [one for one in told if one.truth.verdict != "tie" or one.said.answer == "makes no difference"]
    bins = []
    for low, high in zip((0.0, *CONFIDENCES[:-1]), CONFIDENCES, strict=True):
        inside = [one for one in told if low <= one.said.confidence and (one.said.confidence < high or high == 1.0)]
        if not inside:
            continue
        right = np.array([one.outcome == "right" for one in inside], float)
        said = float(np.mean([one.said.confidence for one in inside]))
        came = ratio(right, np.ones_like(right), _places([one.said.case for one in inside]))
        assert came[1] is not None
        assert came[2] is not None
        is_excluded = not came[1] <= said <= came[2] and len(inside) >= _LEAST_OF_A_BIN
        bins.append({"said": round(said, 4), "right": came, "answers": len(inside), "excluded": is_excluded})
    return bins


# -------------------------------------------------------------------------------------------------------------- floors


@dataclass(frozen=True, kw_only=True)
class Floor:
    """What must be reached by one budget of the tool, for more data."""

    name: str
    budget: float
    value: Callable[[Table], Interval | float | None]
    bound: float
    at_most: bool = False

    def is_reached(self, half: Mapping[str, Any]) -> bool | None:
        """None where there is nothing that could reach it."""
        value = self.of(half)
        number = value[0] if isinstance(value, list) else value
        return None if number is None else number <= self.bound if self.at_most else number >= self.bound

    def of(self, half: Mapping[str, Any]) -> Interval | float | None:
        """The number out of the scores of a half."""
        who = half["scores"].get(f"benign {self.budget:g}x")
        return None if who is None else self.value(who["more_data"])


def _floors() -> list[Floor]:
    def share(verdict: str, name: str, size: str | None = None) -> Callable[[Table], Interval | float | None]:
        def value(table: Table) -> Interval | float | None:
            held = table if size is None else table["by size"].get(size, {verdict: {}})
            found: Interval | None = held[verdict].get(name)
            return found

        return value

    def excluded(table: Table) -> float:
        return float(sum(one["excluded"] for one in table["calibration"]))

    floors = []
    for budget, harmful, helpful in ((3.0, 0.65, 0.75), (10.0, 0.70, 0.80)):
        for verdict, bound in (("hurts", harmful), ("helps", helpful)):
            right, answered = share(verdict, "right when answered"), share(verdict, "answered")
            large = share(verdict, "right", "above 20 %")
            floors += [
                Floor(name=f"{verdict}: right when answered", budget=budget, value=right, bound=0.97),
                Floor(name=f"{verdict}: answered", budget=budget, value=answered, bound=bound),
                Floor(name=f"{verdict} by more than 20 %: right", budget=budget, value=large, bound=0.9),
            ]
        floors.append(Floor(name="bins that exclude", budget=budget, value=excluded, bound=0.0, at_most=True))
    return floors


FLOORS = _floors()


# ------------------------------------------------------------------------------------------------------------- telling


def told(half: Mapping[str, Any]) -> str:
    """The scores of a half as tables, floors first."""
    lines = [
        f"{half['half']} half, {half['cases']} cases, {half['items']} items, rule {half['rule']}, {half['date']}",
        "",
    ]
    for floor in FLOORS:
        sign, verdict = "<=" if floor.at_most else ">=", floor.is_reached(half)
        word = "nothing" if verdict is None else "reached" if verdict else "MISSED"
        name = f"{floor.budget:g}x {floor.name}"
        lines.append(f"{name:<44}{_cell(floor.of(half)):>24}   {sign} {floor.bound:<6g} {word}")
    for axis in AXES:
        lines += ["", f"{axis}: right/abstain/wrong %, right when answered"]
        for who, tables in half["scores"].items():
            lines += _told_rows(who, tables[axis])
    for budget in BUDGETS:
        tables = half["scores"].get(f"benign {budget:g}x", {})
        for axis, table in tables.items():
            lines += _told_groups(f"benign {budget:g}x {axis}", table)
    return "\n".join(lines)


def _told_rows(name: str, table: Table) -> list[str]:
    if not any(table[verdict]["items"] for verdict in ("hurts", "helps", "tie")):
        return []
    cells = [f"{verdict} {_row(table[verdict])}" for verdict in ("hurts", "helps", "tie")]
    return [f"{name:<20} " + "  ".join(cells)]


def _row(found: Table) -> str:
    if not found["items"]:
        return f"{'-':<45}"
    shares = "/".join(f"{100 * found[name][0]:.0f}" for name in ("right", "abstain", "wrong"))
    return f"{shares:>9} {_cell(found['right when answered']):>20} ({found['items']} of {found['cases']})".ljust(45)


def _told_groups(title: str, table: Table) -> list[str]:
    lines = ["", title]
    for group in ("by size", "by stratum", "by family", "by metric", "by factor"):
        for name, one in table[group].items():
            lines += _told_rows(f"  {name}", one)
    refused = table["must refuse"]
    if refused["items"]:
        lines.append(f"  rows not independent: answered {_cell(refused['answered'])} of {refused['items']}")
    for one in table["calibration"]:
        mark = " EXCLUDED" if one["excluded"] else ""
        lines.append(f"  said {one['said']:.3f}  right {_cell(one['right'])}  of {one['answers']} answers{mark}")
    return [*lines, f"  trainings {table['trainings']}, seconds {table['seconds']}"]


def _cell(value: Interval | float | None) -> str:
    if isinstance(value, list):
        mean, low, high = value
        return "-" if mean is None or low is None or high is None else f"{mean:.3f} [{low:.2f}, {high:.2f}]"
    return "-" if value is None else f"{value:g}"


def wrong_answers(judged: Sequence[Judged], least: float) -> str:
    """The wrong answers of the tool about effects of at least this size."""
    lines = []
    for one in judged:
        if one.outcome == "wrong" and one.truth.verdict != "tie" and one.truth.size >= least and one.said.method:
            case, said = one.case, one.said
            where = f"{case.name} {case.family} {case.population} noise {case.noise} n {case.samples}"
            where += f" size {case.size} time {case.time} octaves {case.octaves:.2f}"
            answer = f"{said.answer} ({said.confidence:.2f}, {said.method}), truth {one.truth.change:+.2f}"
            lines.append(f"{said.who} {said.axis} {said.factor:g}x {said.metric} {where}: {answer}; {said.evidence}")
    return "\n".join(lines)


def rule() -> str:
    """A hash of what decides the three answers: their modules, and every one of the same room that these import."""
    left, seen = [f"benign.diagnosis.{name}" for name in ("more_data.methods", "bigger", "longer")], dict[str, bytes]()
    while left:
        name = left.pop()
        found = None if name in seen else importlib.util.find_spec(name)
        if found is None or found.origin is None:
            continue
        seen[name] = Path(found.origin).read_bytes()
        imports = [node for node in ast.walk(ast.parse(seen[name])) if isinstance(node, ast.ImportFrom)]
        left += [one.module for one in imports if one.module and one.module.startswith("benign.diagnosis.")]
    return hashlib.sha256(b"\0".join(seen[name] for name in sorted(seen))).hexdigest()[:16]


def score(half: Half, said: Path, truth: Path = TRUTH) -> tuple[list[Judged], Table]:
    """Judge and count a half."""
    cases, truths = read_truths(truth, half)
    judged = judge(cases, truths, [one for one in read_said(said) if one.case in cases])
    if not judged:
        raise SystemExit(f"{said} says nothing of the {half} half")
    table = {
        "half": half,
        "date": datetime.now(UTC).isoformat(timespec="minutes"),
        "machine": machine.describe(),
        "rule": rule(),
        "cases": len({one.case.name for one in judged}),
        "items": len({one.truth.item for one in judged}),
        "scores": scores(judged),
    }
    return judged, table


def write(path: Path, table: Table, *, again: bool = False) -> None:
    """The untouched half a second time only if that is asked for."""
    held: Table = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if table["half"] == "untouched":
        if held and not again:
            raise SystemExit(f"the untouched half is opened once, and was: {', '.join(held['opened'])}; see --again")
        table = table | {"opened": [*held.get("opened", []), table["date"]]}
    path.write_text(json.dumps(table, separators=(",", ":")) + "\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    """Score a half."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("half", choices=HALVES)
    parser.add_argument("said", type=Path)
    parser.add_argument("--truth", type=Path, default=TRUTH, metavar="FILE")
    parser.add_argument("--scores", type=Path, metavar="FILE", help="where they are written")
    parser.add_argument("--again", action="store_true", help="open the untouched half once more")
    parser.add_argument("--wrong", type=float, metavar="SIZE", help="tell wrong answers about effects of this size")
    chosen = parser.parse_args(arguments)
    path = chosen.scores or SCORES[chosen.half]
    if chosen.half == "untouched":
        if chosen.wrong is not None:
            raise SystemExit("nobody looks into the untouched half")
        if path.exists() and not chosen.again:
            raise SystemExit("the untouched half is opened once, and was; --again opens it once more")
    judged, table = score(chosen.half, chosen.said, chosen.truth)
    if chosen.wrong is not None:
        print(wrong_answers(judged, chosen.wrong))
        return
    write(path, table, again=chosen.again)
    print(told(table))


if __name__ == "__main__":
    main()
