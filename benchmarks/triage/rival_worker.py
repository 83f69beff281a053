"""Six programs that read training logs, on the same logs, in one process of their own environment.

Needs nothing of ours, only what rivals.txt names: reads a log a line (JSON) on standard input and writes, a line each,
what every program found in it. The first line that it writes says what it is. A log has ``steps`` (whole numbers),
``train_loss`` and ``eval_loss``, and where they are known ``train_accuracy``, ``eval_accuracy`` and ``learning_rate``.
null is a value that was not recorded, NaN one that was no number.

Each program is handed a log by the call that its own command makes once its file is read, at its own defaults, under
the names that it knows.
"""

from __future__ import annotations

import json
import math
import platform
import sys
import time
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

Log = dict[str, list[Any]]
Findings = list[tuple[str, bool]]
"""What was found, in the program's own words, and whether it is a warning or worse (or only a note)."""


def trainspotter(log: Log) -> Findings:
    """A run of named series, as its readers make it; steps are whole."""
    run = import_module("trainspotter").Run(source_format="csv")
    names = {"train_loss": "train/loss", "eval_loss": "eval/loss", "learning_rate": "lr"}
    for column, values in _series(log):
        for step, value in zip(log["steps"], values, strict=True):
            if value is not None:
                run.add_point(names.get(column, column.replace("_", "/", 1)), step, value)
    run.finalize()
    findings = import_module("trainspotter").run_all(run)
    return [(f"{found.metric}: {found.title}", found.severity != "info") for found in findings]


def trainproof(log: Log) -> Findings:
    """A record an evaluation, as its readers make it."""
    names = {"train_loss": "loss", "learning_rate": "lr"}
    report = import_module("trainproof.epoch").check_records([_renamed(row, names) for row in _rows(log)])
    loud = {"INFO": False, "WARN": True, "FAIL": True}
    return [(found["id"], loud[found["level"]]) for found in report["findings"] if found["level"] in loud]


def runmedic(log: Log) -> Findings:
    """Series of a run; it finds their roles by their names."""
    run = import_module("runmedic.model").Run(name="log", source="csv", path="log.csv")
    for column, values in _series(log):
        for step, value in zip(log["steps"], values, strict=True):
            if value is not None:
                run.get(column).add(float(step), value)
    run.finalize()
    findings = import_module("runmedic.checks").run_checks(run, import_module("runmedic.roles").detect(run))
    return [(found.check, found.severity != "info") for found in findings]


def losslint(log: Log) -> Findings:
    """Series beside common steps, as its reader of CSV names them."""
    series = {("loss" if column == "train_loss" else column): values for column, values in _series(log)}
    run = import_module("losslint.parsing").RunLog(steps=log["steps"], series=series, source=Path("log.csv"))
    findings = import_module("losslint.checks").run_all_checks(run)
    return [(found.check, found.severity != "info") for found in findings]


def finetune_doctor(log: Log) -> Findings:
    """As its user calls it who says nothing: judged by the validation loss."""
    return _finetune_doctor(log, None)


def finetune_doctor_by_accuracy(log: Log) -> Findings:
    """As its user calls it who says that accuracy counts; by the loss where there is none."""
    return _finetune_doctor(log, "accuracy" if "eval_accuracy" in log else None)


def _finetune_doctor(log: Log, metric: str | None) -> Findings:
    entries: list[dict[str, Any]] = []
    for row in _rows(log):  # a Trainer writes training and evaluation apart
        trained = {name: value for name, value in row.items() if not name.startswith("eval_")}
        evaluated = {name: value for name, value in row.items() if name == "step" or name.startswith("eval_")}
        entries += [_renamed(trained, {"train_loss": "loss"}), evaluated]
    state = {"log_history": entries, "global_step": log["steps"][-1]}
    history = import_module("finetune_doctor.history").from_trainer_state(state)
    findings = import_module("finetune_doctor").diagnose(history, metric=metric).findings
    return [(found.title, found.severity.name not in ("OK", "INFO")) for found in findings]


def sk_autod(log: Log) -> Findings:
    """Two curves, where both were recorded; it refuses what is no number."""
    known = [
        (train, validation)
        for train, validation in zip(log["train_loss"], log["eval_loss"], strict=True)
        if train is not None and validation is not None
    ]
    report = import_module("sk_autod").diagnose([train for train, _ in known], [validation for _, validation in known])
    return [(found.detector_name, found.severity.value != "INFO") for found in report.findings]


RIVALS: dict[str, tuple[str, Callable[[Log], Findings]]] = {
    "runmedic": ("runmedic", runmedic),
    "trainproof": ("trainproof", trainproof),
    "losslint": ("losslint", losslint),
    "finetune-doctor": ("finetune-doctor", finetune_doctor),
    "finetune-doctor, by accuracy": ("finetune-doctor", finetune_doctor_by_accuracy),
    "trainspotter": ("trainspotter", trainspotter),
    "sk-autod": ("sk-autod", sk_autod),
}
"""By the name in the table: the package, and what hands it a log."""


def _series(log: Log) -> list[tuple[str, list[Any]]]:
    return [(column, values) for column, values in log.items() if column != "steps"]


def _rows(log: Log) -> list[dict[str, Any]]:
    """A dict an evaluation, with what was recorded then."""
    named = _series(log)
    return [
        {"step": step} | {column: values[place] for column, values in named if values[place] is not None}
        for place, step in enumerate(log["steps"])
    ]


def _renamed(row: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {names.get(name, name): value for name, value in row.items()}


def _asked(read: Callable[[Log], Findings], log: Log) -> dict[str, Any]:
    begun = time.process_time()
    try:
        answer: dict[str, Any] = {"found": read(log)}
    except Exception as error:  # whatever stops a program is its answer
        answer = {"refused": f"{type(error).__name__}: {error}"}
    return answer | {"seconds": time.process_time() - begun}


def main() -> None:
    """Answer until the input ends."""
    about = {
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "versions": {name: version(package) for name, (package, _) in RIVALS.items()},
    }
    print(json.dumps(about), flush=True)
    warm = [math.exp(-place / 9) for place in range(30)]
    for _, read in RIVALS.values():  # imports are no log's cost
        _asked(read, {"steps": list(range(30)), "train_loss": warm, "eval_loss": warm})
    for line in sys.stdin:
        log = json.loads(line)
        print(json.dumps({name: _asked(read, log) for name, (_, read) in RIVALS.items()}), flush=True)


if __name__ == "__main__":
    main()
