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
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

sys.path.append(str(Path(__file__).parents[1]))

import machine
from triage.bootstrap import mean_of
from triage.candidates import CANDIDATES
from triage.risen_cuts import HORIZONS, RisenCut, risen_cuts
from triage.skill import Answers, Features, Vector, area, brier, chance_of, fitted, holm, left_out, log_loss
from triage.tables import rounded
from triage.truth import trainings_of

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
    table = _counted(cuts, k)
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


def _without_best(gains: Vector, cuts: Sequence[RisenCut]) -> float:
    """The mean gain where the family that gained most is not counted."""
    families = np.array([cut.family for cut in cuts])
    totals = {str(family): float(gains[families == family].sum()) for family in np.unique(families)}
    return round(float(gains[families != max(totals, key=lambda family: totals[family])].mean()), 4)


def told(table: Mapping[str, Any]) -> str:
    """As text: a block a part and horizon, the best candidates first."""
    lines = [f"{table['cuts']} cuts of {table['trainings']} trainings; {len(CANDIDATES)} candidates tried"]
    for part, horizons in table["parts"].items():
        for k, block in horizons.items():
            lines += ["", f"{part}, {k} x: {block['cuts']} cuts, {block['new bests']} new bests {block['by family']}"]
            if "base" in block:
                lines += [f"    {way:<20}{_cells(row)}" for way, row in block["base"].items()]
                lines += [_line(name, row) for name, row in _ranked(block["candidates"])[:_PRINTED]]
    return "\n".join(lines)


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
            f"others {one['without its best family']:+.4f}, AUC {one['AUC'][0]:.2f} {one['AUC'][1]:.2f}"
        )
    return f"  {name:<38}{row['new bests']:>4}/{row['cuts']:<5} {row['weights'][2:]} " + " | ".join(cells)


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
    chosen = parser.parse_args(arguments)
    trainings = list(trainings_of(chosen.bank, chosen.half))
    cuts = risen_cuts(trainings, workers=chosen.workers)
    table: Table = {
        "date": datetime.now(UTC).isoformat(timespec="minutes"),
        "machine": machine.describe(),
        "trainings": len({cut.training for cut in cuts}),
        "cuts": len(cuts),
        "parts": found(cuts),
    }
    held = json.loads(chosen.to.read_text(encoding="utf-8")) if chosen.to.exists() else {}
    chosen.to.write_text(json.dumps(held | {chosen.half: table}, indent=1) + "\n", encoding="utf-8")
    print(told(table))


if __name__ == "__main__":
    main()
