"""`benign.triage`: a training log in, what happened in it out."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from benign.foundation.errors import BenignError, invalid, listed
from benign.histories import advice
from benign.histories.answer import Origin, Triage, Triages
from benign.histories.calibration import Calibration
from benign.histories.case import Case
from benign.histories.finding import Finding
from benign.histories.history import History
from benign.histories.known_limits import limits_of
from benign.histories.log import Log
from benign.histories.pooling import pooled
from benign.histories.predictions import calibration_of, joined
from benign.histories.readers.opening import read_logs
from benign.histories.recorded import history_of
from benign.histories.roles import Assignment, assigned, words_of
from benign.histories.rule import Reading, read_history
from benign.histories.verdicts import verdict


def triage(
    history: object,
    *,
    train_samples: int | None = None,
    validation_samples: int | None = None,
    classes: int | None = None,
    label_noise: float | None = None,
    test: float | None = None,
    columns: Mapping[str, str] | None = None,
    run: str | None = None,
    probabilities: Any = None,
    labels: Any = None,
) -> Triage | Triages:
    """What happened in a training log: over-fitting, overconfidence, a second descent, a bug, or nothing.

    Args:
        history: a dict of lists, a data frame, a Keras ``History``, an Arrow table, a fitted estimator that kept its
            curve, the path of a log or of a folder of logs, or ``-`` for standard input.
        train_samples: n of the training set.
        validation_samples: how many samples each evaluation used; 1,000 are assumed, and that is said.
        classes: of a classification.
        label_noise: the known share of wrong labels in the training set.
        test: one error measured at the end on other samples, between 0 and 1.
        columns: which column is what where names do not tell, such as ``{"val_loss": "foo"}``.
        run: the name of the run that is meant, where there are several; ``*`` stands for any letters.
        probabilities: predicted on the validation set, an array (samples x classes) for each evaluation, or what yields
            them one by one; or the path of an .npz with one array an evaluation, of a folder with a file each, or a
            list of paths. Then the loss is split in refinement and calibration, the rise is tested in pairs, and what
            one temperature gives back is measured. A loss or an error that the log lacks is taken from them.
        labels: the right classes of the validation set, with ``probabilities``; or the path of a file that holds them,
            or nothing where the .npz holds them as ``labels``.

    Returns:
        The answer; of several runs :class:`~benign.histories.answer.Triages`, one each, and one more for seeds of one
        configuration together.

    Raises:
        BenignError: for what is no log, or has no curve in it; the sentence says what was looked for.

    >>> steps = range(1, 31)
    >>> print(triage({"val_loss": [3 / k**0.5 for k in steps]}, validation_samples=10_000).headline)
    Still improving: go on.
    """
    given = {
        "train_samples": train_samples,
        "validation_samples": validation_samples,
        "classes": classes,
        "label_noise": label_noise,
        "test": test,
    }
    logs = read_logs(history, pick=run)
    if probabilities is None and labels is not None:
        raise invalid("labels", "belong to `probabilities`, and there are none.")
    if probabilities is not None and len(logs) > 1:
        names = listed(log.name for log in logs)
        raise invalid("probabilities", f"are of one run and the log has {len(logs):,} ({names}): say which with `run`.")
    calibration = None if probabilities is None else calibration_of(probabilities, labels)
    if len(logs) == 1:
        return _answered(logs[0], columns, given, calibration)
    answers = _those_with_curves(logs, columns, given)
    together = [_judged(one, (), notes, {}, origin, None) for one, notes, origin in pooled(answers)]
    return Triages([*together, *answers])


def _those_with_curves(
    logs: Sequence[Log], columns: Mapping[str, str] | None, given: Mapping[str, Any]
) -> list[Triage]:
    """The answers; runs that cannot be judged are left out with a warning, unless none can."""
    answers, refused = [], []
    for log in logs:
        try:
            answers.append(_answered(log, columns, given, None))
        except BenignError as error:
            refused.append((log.name, error))
    if not answers:
        raise refused[0][1]
    if refused:
        names, first = listed(name for name, _ in refused), refused[0][1]
        warnings.warn(f"Left out of {len(logs):,} runs: {names}. The first: {first}", stacklevel=3)
    return answers


def _answered(
    log: Log, columns: Mapping[str, str] | None, given: Mapping[str, Any], calibration: Calibration | None
) -> Triage:
    assignment = assigned(log, columns=columns)
    said = {name: value for name, value in given.items() if value is not None}
    history, notes = history_of(log, assignment, **{**log.given, **said})
    if calibration is not None:
        history, told = joined(history, calibration)
        notes = (*told, *notes)
    origin = Origin(run=log.name, format=log.format, path=log.path)
    notes = (*assignment.notes, *notes, *log.notes)
    return _judged(history, assignment.questions, notes, _roles(assignment), origin, calibration)


def _judged(
    history: History,
    questions: Sequence[str],
    notes: Sequence[str],
    roles: Mapping[str, str],
    origin: Origin,
    calibration: Calibration | None,
) -> Triage:
    reading = read_history(history, calibration=calibration)
    alone = Case(history=history, reading=reading)
    cases = [Case(history=history, reading=reading, flag=flag) for flag in reading.flags]
    return Triage(
        headline=advice.headline(cases[0]) if cases else _undecided(reading),
        findings=tuple(map(_finding, cases)),
        advice=advice.advice_on(cases) if cases else advice.advice_on_nothing(alone),
        limits=tuple(dict.fromkeys([*questions, *limits_of(alone), *notes])),
        state=reading.state.name,
        forecast=reading.forecast,
        overconfidence=reading.overconfidence,
        landmarks=reading.landmarks,
        roles=roles,
        history=history,
        reading=reading,
        origin=origin,
    )


def _finding(case: Case) -> Finding:
    found = case.reading.second_descent if case.flag.code == "second-descent" else None
    return Finding(
        code=case.flag.code,
        verdict=verdict(case),
        evidence=case.evidence,
        excluded=advice.excluded(case),
        confidence=case.flag.confidence,
        next=advice.next_of(case),
        against_best="" if found is None else found.against_best,
        explained_by="" if found is None else found.explained_by,
    )


def _undecided(reading: Reading) -> str:
    if reading.state.name == "undecided" and reading.rise is not None:
        return "Undecided: what moved may be chance."
    return "Nothing in this log calls for a word."


def _roles(assignment: Assignment) -> dict[str, str]:
    """What each column was read as; of two of one name both are said."""
    read = [(column.name, words_of(curve)) for curve, use in assignment.uses.items() for column in use.columns]
    read += [(column.name, "another metric of validation") for use in assignment.metrics for column in use.columns]
    roles: dict[str, str] = {}
    for name, role in [*read, *((name, "not used") for name in assignment.unused)]:
        roles[name] = f"{roles[name]}; another of the same name: {role}" if name in roles else role
    return roles
