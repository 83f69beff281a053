"""What other programs that read training logs say on the bank, and rules of thumb. Writes rivals.json.

python -m venv ELSEWHERE && ELSEWHERE/bin/pip install -r benchmarks/triage/rivals.txt
python benchmarks/triage/rivals.py development --python ELSEWHERE/bin/python
python benchmarks/triage/rivals.py untouched --python ELSEWHERE/bin/python     # once: refused where it is there

Every program gets what a user's file holds until the cut: training loss, validation loss, accuracies (where there are
classes) and learning rate, in one process for all logs, at its defaults. Counted are warnings and what is worse; notes
apart. A program that will not read a log has said nothing of it (``refused``).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1]))  # last: one of its scripts is called statistics
from machine import describe
from triage.cuts import columns, cuts_of
from triage.rival_counts import Said, case_of, count_alarms, table
from triage.rival_meanings import MEANINGS, Meaning, meaning
from triage.thumb_rules import thumb_rules
from triage.training import Half, Training
from triage.truth import trainings_of, truth_at

HERE = Path(__file__).resolve().parent
OUTPUT = HERE / "rivals.json"

Columns = dict[str, list[float | None]]
_HANDED = {"train_loss": "train_loss", "val_loss": "eval_loss", "learning_rate": "learning_rate"}
_ACCURACIES = {"train_error": "train_accuracy", "val_error": "eval_accuracy"}


def handed(log: Columns) -> dict[str, list[Any]]:
    """The log as the worker expects it: whole steps, accuracies in place of errors."""
    axis = next(name for name in ("epoch", "step", "round") if name in log)
    told: dict[str, list[Any]] = {"steps": whole_steps(np.array(log[axis], float))}
    told |= {theirs: log[ours] for ours, theirs in _HANDED.items() if ours in log}
    for ours, theirs in _ACCURACIES.items():
        if ours in log:
            told[theirs] = [None if error is None else 1 - error for error in log[ours]]
    return told


def whole_steps(times: np.ndarray) -> list[int]:
    """Times as whole numbers; where they are none, in units of their least gap, so that no two fall together."""
    whole = bool((times == np.round(times)).all())
    unit = 1.0 if whole else float(np.diff(times).min())
    return [int(step) for step in np.round(times / unit)]


def ask(python: Path, logs: Sequence[Mapping[str, list[Any]]]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What the worker says of itself, and what each program found in each log."""
    answer = subprocess.run(
        [python, "-I", HERE / "rival_worker.py"],
        input="\n".join(json.dumps(log) for log in logs),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
    )
    about, *answers = (json.loads(line) for line in answer.stdout.splitlines())
    return about, answers


def said_of(rival: str, answer: Mapping[str, Any]) -> Said:
    """One program's answer on one log, by what it means."""
    found = answer.get("found", [])
    return Said(
        warnings=frozenset(meaning(rival, code) for code, loud in found if loud),
        notes=frozenset(meaning(rival, code) for code, loud in found if not loud),
    )


def said_by_rule(log: Columns) -> dict[str, Said]:
    """Rules of thumb: patience tells a rise, a gap is what is often called over-fitting."""
    said: dict[str, Said] = {}
    for name, calls in thumb_rules(log).items():
        meant = Meaning.OVERFITTING if name.startswith("gap") else Meaning.RISE
        said[name] = Said(warnings=frozenset({meant} if calls else ()))
    return said


def compare(trainings: Sequence[Training], python: Path) -> dict[str, Any]:
    """All programs and rules on all cuts."""
    places = [(training, cut) for training in trainings for cut in cuts_of(training)]
    logs = [columns(training, cut) for training, cut in places]
    about, answers = ask(python, [handed(log) for log in logs])
    rivals = list(about["versions"])
    cases = [
        case_of(
            training.name,
            truth_at(training, cut),
            {rival: said_of(rival, answer[rival]) for rival in rivals} | said_by_rule(log),
        )
        for (training, cut), log, answer in zip(places, logs, answers, strict=True)
    ]
    counted = {rival: count_alarms(cases, rival) for rival in cases[0].said}
    costs = {rival: 1000 * float(np.mean([answer[rival]["seconds"] for answer in answers])) for rival in rivals}
    print(table(counted, costs))
    return {
        "trainings": len(trainings),
        "cuts": len(cases),
        "worker": about,
        "vocabulary": {
            name: sorted({meant.name.lower() for meant in words.values()}) for name, words in MEANINGS.items()
        },
        "counted": counted,
        "cpu_ms_a_log": {rival: round(cost, 3) for rival, cost in costs.items()},
        "refused": {rival: sum("refused" in answer[rival] for answer in answers) for rival in rivals},
        "findings": {rival: _findings(answer[rival] for answer in answers) for rival in rivals},
    }


def _findings(answers: Iterator[Mapping[str, Any]]) -> dict[str, int]:
    """In how many logs each finding was made, as a warning or as a note."""
    seen: Counter[str] = Counter()
    for answer in answers:
        seen.update({f"{code} ({'warning' if loud else 'note'})" for code, loud in answer.get("found", [])})
    return dict(seen.most_common())


def main() -> None:
    """One half, written beside the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("half", choices=get_args(Half))
    parser.add_argument("--bank", type=Path, default=HERE / "bank.parquet", help="a file, or a folder of files")
    parser.add_argument("--python", type=Path, required=True, help="of the environment that holds rivals.txt")
    parser.add_argument("--again", action="store_true", help="replace what is there of the untouched half")
    asked = parser.parse_args()
    kept = json.loads(OUTPUT.read_text(encoding="utf-8")) if OUTPUT.exists() else {}
    if asked.half == "untouched" and asked.half in kept and not asked.again:
        parser.error(f"the untouched half was opened on {kept['untouched']['date']}; --again replaces its numbers")
    trainings = list(trainings_of(asked.bank, asked.half))
    if not trainings:
        parser.error(f"no training of the {asked.half} half in {asked.bank}")
    kept[asked.half] = {"date": f"{datetime.now(UTC):%Y-%m-%d}", "machine": describe()} | compare(
        trainings, asked.python
    )
    OUTPUT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
