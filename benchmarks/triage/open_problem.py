"""The open problem: odds of a new best that know more than the rule, among trainings whose loss has truly risen.

    python benchmarks/triage/open_problem.py development [--bank FILE_OR_FOLDER] [--to FILE]
    python benchmarks/triage/open_problem.py untouched

Each candidate joins the rule's own number z in a logistic regression, against z alone, on the same cuts. Both are
scored where they were not fitted: families left out one after the other, and trainings (with their siblings) in ten
folds. Writes ``open_problem.json``, a key a half.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int
from scipy.special import expit

sys.path.append(str(Path(__file__).parents[1]))

import machine
from triage.bootstrap import mean_of
from triage.candidates import CANDIDATES
from triage.risen_cuts import HORIZONS, RisenCut, risen_cuts
from triage.skill import Answers, Features, Vector, area, brier, chance_of, fitted, holm, left_out, log_loss
from triage.tables import rounded
from triage.truth import trainings_of

from benign.histories.learning_rate import RAISED

BANK = Path(__file__).with_name("bank.parquet")
FOUND = Path(__file__).with_name("open_problem.json")

_FOLDS = 10
_LEAST_EVENTS = 10
_PRINTED = 12


def _is_usual(cut: RisenCut) -> bool:
    return cut.family != "grokking" and not cut.cyclic


PARTS: Mapping[str, Callable[[RisenCut], bool]] = {
    "all": lambda _cut: True,
    "restarts": lambda cut: cut.cyclic,
    "without restarts": lambda cut: not cut.cyclic,
    "not linear": lambda cut: not cut.linear,
    "not linear, without grokking": lambda cut: not cut.linear and cut.family != "grokking",
    "not linear, without grokking and restarts": lambda cut: not cut.linear and _is_usual(cut),
    "without grokking and restarts": _is_usual,
    "rising now, without restarts": lambda cut: cut.trend == "rising" and not cut.cyclic,
    "level now, without restarts": lambda cut: cut.trend == "level" and not cut.cyclic,
    "falling now, without restarts": lambda cut: cut.trend == "falling" and not cut.cyclic,
    "falling now, without grokking and restarts": lambda cut: cut.trend == "falling" and _is_usual(cut),
}
"""Cyclic schedules explain all that comes of them; so does grokking, in its way."""

Table = dict[str, Any]

_RAISED = "learning rate: raised for a while"
_TAKEN_BACK = 0.57
_KNOWING, _ALONE = (-0.09, 4.28), (-0.26, 2.35)


def alone(z: float) -> float:
    """Frozen: the odds of a new best within twice the time, by the number of the rule."""
    return float(expit(_ALONE[0] + _ALONE[1] * z))


def knowing_the_rate(z: float, *, is_taken_back: bool) -> float:
    """Frozen: the same where it is known whether the learning rate was raised since the best and is taken back."""
    return _TAKEN_BACK if is_taken_back else float(expit(_KNOWING[0] + _KNOWING[1] * z))


def found(cuts: Sequence[RisenCut]) -> Table:
    """For each part of the cuts and each horizon: the base, and every candidate beside it."""
    return {
        part: {str(k): _part([cut for cut in cuts if holds(cut) and k in cut.came], k) for k in HORIZONS}
        for part, holds in PARTS.items()
    }


def _part(cuts: Sequence[RisenCut], k: int) -> Table:
    table: Table = {**_counted(cuts, k), "said": _said(cuts, k), "candidates": {}}
    if not _is_enough(cuts, k):
        return table
    table["base"] = _base(cuts, k)
    for candidate in CANDIDATES:
        there = [cut for cut in cuts if candidate.name in cut.values[k]]
        table["candidates"][candidate.name] = {"source": candidate.source, **_beside(there, k, candidate.name)}
    scored = [row for row in table["candidates"].values() if "families left out" in row]
    for way in _WAYS:
        corrected = holm([row[way]["chance"] for row in scored])
        for row, chance in zip(scored, corrected, strict=True):
            row[way]["corrected"] = round(chance, 4)
    return table


def _said(cuts: Sequence[RisenCut], k: int) -> Table:
    """Of the odds that the rule gives, where it gives any."""
    told = [cut for cut in cuts if k in cut.said]
    came = np.array([cut.came[k] for cut in told], bool)
    if not came.any() or came.all():
        return {"cuts": len(told), "new bests": int(came.sum())}
    chances = np.array([cut.said[k] for cut in told])
    scores = _scored(chances, came, [cut.training for cut in told], float(came.mean()))
    return {"cuts": len(told), "new bests": int(came.sum()), **scores}


def _counted(cuts: Sequence[RisenCut], k: int) -> Table:
    events = [cut for cut in cuts if cut.came[k]]
    return {
        "cuts": len(cuts),
        "new bests": len(events),
        "trainings": len({cut.training for cut in cuts}),
        "trainings with one": len({cut.training for cut in events}),
        "by family": dict(sorted(Counter(cut.family for cut in events).items())),
    }


def _is_enough(cuts: Sequence[RisenCut], k: int) -> bool:
    """Whether families can be left out: new bests in two of them, cuts without one too."""
    counts = _counted(cuts, k)
    return (
        counts["new bests"] >= _LEAST_EVENTS
        and len(counts["by family"]) > 1
        and counts["cuts"] - counts["new bests"] >= _LEAST_EVENTS
    )


def _families(cuts: Sequence[RisenCut]) -> Int[np.ndarray, " cuts"]:
    return np.unique([cut.family for cut in cuts], return_inverse=True)[1]


def _groups(cuts: Sequence[RisenCut]) -> Int[np.ndarray, " cuts"]:
    return np.array([zlib.crc32(cut.group.encode()) % _FOLDS for cut in cuts])


_WAYS: Mapping[str, Callable[[Sequence[RisenCut]], Int[np.ndarray, " cuts"]]] = {
    "families left out": _families,
    "trainings left out": _groups,
}


def _arrays(cuts: Sequence[RisenCut], k: int, *names: str) -> tuple[Features, Answers]:
    rows = [[cut.base[k], *(number for name in names for number in cut.values[k][name])] for cut in cuts]
    return np.array(rows, float), np.array([cut.came[k] for cut in cuts], bool)


def _base(cuts: Sequence[RisenCut], k: int) -> Table:
    """Of the rule's number alone."""
    features, came = _arrays(cuts, k)
    owners = [cut.training for cut in cuts]
    table: Table = {}
    for way, folds in _WAYS.items():
        rate = left_out(features[:, :0], came, folds(cuts))
        table[way] = _scored(left_out(features, came, folds(cuts)), came, owners, rate)
    return table


def _scored(chances: Vector, came: Answers, owners: Sequence[str], rate: Vector | float) -> Table:
    return {
        "log loss": rounded(mean_of(log_loss(chances, came), owners)),
        "Brier skill": _brier_skill(chances, came, rate),
        "AUC": round(area(chances, came), 4),
    }


def _brier_skill(chances: Vector, came: Answers, rate: Vector | float) -> float:
    """Against a base rate that was not fitted to these cuts either."""
    base = brier(np.broadcast_to(rate, came.shape), came)
    return round(1 - float(brier(chances, came).sum() / base.sum()), 4)


def _beside(cuts: Sequence[RisenCut], k: int, name: str) -> Table:
    """The base and the candidate against the base alone; positive gains are gains."""
    table: Table = {"cuts": len(cuts), "new bests": sum(cut.came[k] for cut in cuts)}
    if not _is_enough(cuts, k):
        return table
    alone, came = _arrays(cuts, k)
    both = _arrays(cuts, k, name)[0]
    owners = [cut.training for cut in cuts]
    table["weights"] = [round(float(weight), 3) for weight in fitted(both, came).weights]
    for way, folds in _WAYS.items():
        places = folds(cuts)
        base, joined = left_out(alone, came, places), left_out(both, came, places)
        rate = left_out(alone[:, :0], came, places)
        gains = log_loss(base, came) - log_loss(joined, came)
        table[way] = {
            "gain": rounded(mean_of(gains, owners)),
            "chance": chance_of(gains, owners),
            "without its best family": _without_best(gains, cuts),
            "Brier skill": [_brier_skill(chances, came, rate) for chances in (base, joined)],
            "AUC": [round(area(chances, came), 4) for chances in (base, joined)],
        }
    return table


def _without_best(gains: Vector, cuts: Sequence[RisenCut]) -> float | None:
    """The mean gain where the family that gained most is not counted; None of one family."""
    families = np.array([cut.family for cut in cuts])
    totals = {str(family): float(gains[families == family].sum()) for family in np.unique(families)}
    others = families != max(totals, key=lambda family: totals[family])
    return round(float(gains[others].mean()), 4) if others.any() else None


def chosen(cuts: Sequence[RisenCut]) -> Table:
    """What was frozen on the development half, both ways, and what is counted by it."""
    table: Table = {"by part": {}, "counted": {str(k): _counts_by_rate(cuts, k) for k in HORIZONS}}
    for part, holds in PARTS.items():
        known = [cut for cut in cuts if holds(cut) and 2 in cut.came and _RAISED in cut.values[2]]
        came = np.array([cut.came[2] for cut in known], bool)
        if not came.any() or came.all():
            continue
        owners = [cut.training for cut in known]
        odds = [knowing_the_rate(cut.base[2], is_taken_back=_is_taken_back(cut)) for cut in known]
        plain, knowing = _clipped([alone(cut.base[2]) for cut in known]), _clipped(odds)
        gains = log_loss(plain, came) - log_loss(knowing, came)
        rate = float(came.mean())
        table["by part"][part] = {
            **_counted(known, 2),
            "alone": _scored(plain, came, owners, rate),
            "knowing the rate": _scored(knowing, came, owners, rate),
            "gain": rounded(mean_of(gains, owners)),
            "chance": chance_of(gains, owners),
            "without its best family": _without_best(gains, known),
        }
    return table


def _is_taken_back(cut: RisenCut) -> bool:
    return cut.values[2][_RAISED][0] == 1.0


def _clipped(odds: Sequence[float]) -> Vector:
    return np.clip(np.array(odds), 0.01, 0.99)


def _counts_by_rate(cuts: Sequence[RisenCut], k: int) -> Table:
    """New bests of cuts, and of trainings, by kind, learning rate and trend."""
    groups: dict[str, list[RisenCut]] = {}
    for cut in cuts:
        if k in cut.came:
            kind = "linear" if cut.linear else "grokking" if cut.family == "grokking" else "networks and boosting"
            small = "at most" if cut.values[k]["size of the rise"][0] <= math.log(1.35) else "more than"
            for title in (f"{kind}; {_rate_of(cut, k)}; all", f"{kind}; {_rate_of(cut, k)}; {cut.trend} now"):
                groups.setdefault(title, []).append(cut)
            groups.setdefault(f"{kind}; {_rate_of(cut, k)}; {cut.trend} now; risen {small} 35 %", []).append(cut)
    return {
        title: [value for name, value in _counted(groups[title], k).items() if name != "by family"]
        for title in sorted(groups)
    }


def _rate_of(cut: RisenCut, k: int) -> str:
    """What the learning rate did since the best and will do."""
    if cut.values[k].get(_RAISED, (0.0,))[0]:
        return "rate raised, then taken back"
    if cut.values[k]["learning rate since the best"][0] >= math.log(RAISED):
        return "rate raised"
    drop = cut.values[k].get("learning rate: how far it will fall", (0.0,))[0]
    return "rate not raised, falls to a half or less" if drop <= -math.log(2) else "rate not raised"


def told(table: Mapping[str, Any]) -> str:
    """As text: a block a part and horizon, the best candidates first."""
    lines = [f"{table['cuts']} cuts of {table['trainings']} trainings; {len(CANDIDATES)} candidates tried"]
    for part, horizons in table["parts"].items():
        for k, block in horizons.items():
            lines += ["", f"{part}, {k} x: {block['cuts']} cuts, {block['new bests']} new bests {block['by family']}"]
            if "base" in block:
                lines += [f"    {way:<20}{_cells(row)}" for way, row in block["base"].items()]
                lines += [_line(name, row) for name, row in _ranked(block["candidates"])[:_PRINTED]]
    lines += ["", "knowing the rate, frozen on the development half, against the number of the rule alone, 2 x"]
    lines += [f"  {part:<44}{_frozen(row)}" for part, row in table["chosen"]["by part"].items()]
    for k, counts in table["chosen"]["counted"].items():
        lines += ["", f"{k} x: cuts, new bests, trainings, trainings with one"]
        lines += [f"  {title:<90}{row}" for title, row in counts.items() if "35 %" not in title]
    return "\n".join(lines)


def _frozen(row: Mapping[str, Any]) -> str:
    mean, low, high = row["gain"]
    skill = [row[name]["Brier skill"] for name in ("alone", "knowing the rate")]
    area_under = [row[name]["AUC"] for name in ("alone", "knowing the rate")]
    return (
        f"{row['new bests']:>4}/{row['cuts']:<5} gain {mean:+.4f} [{low:+.4f}, {high:+.4f}], others "
        f"{_signed(row['without its best family'])}, Brier skill {skill[0]:+.3f} {skill[1]:+.3f}, "
        f"AUC {area_under[0]:.2f} {area_under[1]:.2f}"
    )


def _ranked(rows: Mapping[str, Any]) -> list[tuple[str, Any]]:
    scored = [(name, row) for name, row in rows.items() if "families left out" in row]
    return sorted(scored, key=lambda item: item[1]["families left out"]["chance"])


def _line(name: str, row: Mapping[str, Any]) -> str:
    cells = []
    for way in _WAYS:
        one = row[way]
        mean, low, high = one["gain"]
        cells.append(
            f"{mean:+.4f} [{low:+.4f}, {high:+.4f}] p {one['corrected']:.3f}, "
            f"others {_signed(one['without its best family'])}, AUC {one['AUC'][0]:.2f} {one['AUC'][1]:.2f}"
        )
    return f"  {name:<38}{row['new bests']:>4}/{row['cuts']:<5} {row['weights'][2:]} " + " | ".join(cells)


def _signed(gain: float | None) -> str:
    return "-" if gain is None else f"{gain:+.4f}"


def _cells(row: Mapping[str, Any]) -> str:
    mean, low, high = row["log loss"]
    return f"log loss {mean:.4f} [{low:.4f}, {high:.4f}]  Brier skill {row['Brier skill']:+.3f}  AUC {row['AUC']:.3f}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Score the candidates on a half."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("half", choices=("development", "untouched"))
    parser.add_argument("--bank", type=Path, default=BANK, metavar="FILE_OR_FOLDER")
    parser.add_argument("--to", type=Path, default=FOUND, metavar="FILE")
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args(arguments)
    trainings = list(trainings_of(asked.bank, asked.half))
    cuts = risen_cuts(trainings, workers=asked.workers)
    table: Table = {
        "date": datetime.now(UTC).isoformat(timespec="minutes"),
        "machine": machine.describe(),
        "trainings": len({cut.training for cut in cuts}),
        "cuts": len(cuts),
        "parts": found(cuts),
        "chosen": chosen(cuts),
    }
    held = json.loads(asked.to.read_text(encoding="utf-8")) if asked.to.exists() else {}
    asked.to.write_text(json.dumps(held | {asked.half: table}, separators=(",", ":")) + "\n", encoding="utf-8")
    print(told(table))


if __name__ == "__main__":
    main()
