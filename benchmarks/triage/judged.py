"""Cuts of trainings with what is true there and what the rule said, and whether that was right."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Literal

from triage.cuts import cuts_of, history_at
from triage.said import CHANGES, Said, said_of
from triage.training import Training
from triage.truth import Truth, truth_at

Outcome = Literal["right", "abstain", "wrong"]

_HALF = 0.5
_MANY = 1000
_CHUNK = 40


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One cut.

    Attributes:
        training: its name.
        family: of the training.
        linear: whether it is.
        points: how many evaluations are seen.
        samples: of the validation set.
        has_error: whether the log holds one.
        truth: what is true.
        said: what the rule said.
    """

    training: str
    family: str
    linear: bool
    points: int
    samples: int
    has_error: bool
    truth: Truth
    said: Said


def judge(trainings: Iterable[Training], *, change: str = "all", workers: int = 1) -> list[Judged]:
    """Every cut of these trainings.

    Args:
        trainings: of one half.
        change: one of :data:`triage.said.CHANGES`, what the rule sees of each log.
        workers: processes.
    """
    chunks = _chunks(list(trainings))
    judged = partial(_judge, change=change)
    if workers == 1:
        return [one for chunk in chunks for one in judged(chunk)]
    with ProcessPoolExecutor(workers) as pool:
        return [one for chunk in pool.map(judged, chunks) for one in chunk]


def _chunks(trainings: Sequence[Training]) -> list[Sequence[Training]]:
    return [trainings[start : start + _CHUNK] for start in range(0, len(trainings), _CHUNK)]


def _judge(trainings: Sequence[Training], change: str) -> list[Judged]:
    return [one for training in trainings for one in _cuts(training, change)]


def _cuts(training: Training, change: str) -> Iterator[Judged]:
    for cut in cuts_of(training):
        history = history_at(training, cut)
        yield Judged(
            training=training.name,
            family=training.family,
            linear=training.linear,
            points=cut,
            samples=int(training.settings["validation_samples"]),
            has_error=history.validation_error is not None,
            truth=truth_at(training, cut),
            said=said_of(CHANGES[change](history)),
        )


def _of_state(name: str) -> Callable[[Judged], Outcome | None]:
    def outcome(one: Judged) -> Outcome | None:
        if one.truth.state != name or not one.truth.is_measured:
            return None
        return "right" if one.said.state == name else "abstain" if one.said.state == "undecided" else "wrong"

    return outcome


def _of_error(is_up: bool) -> Callable[[Judged], Outcome | None]:
    def outcome(one: Judged) -> Outcome | None:
        if not _asks_about_error(one) or one.truth.error_up is not is_up:
            return None
        if one.said.error in ("undecided", None):
            return "abstain"
        return "right" if (one.said.error == "up") is is_up else "wrong"

    return outcome


def _of_cause(one: Judged) -> Outcome | None:
    """Over-fitting is wrong where the error is not up, overconfidence where it is and no temperature gives half back.

    Where both are said, over-fitting counts: an error that is up is told first.
    """
    if not _asks_about_error(one):
        return None
    if "overfitting" in one.said.codes:
        return "right" if one.truth.error_up else "wrong"
    if "overconfidence" in one.said.codes:
        return "right" if not one.truth.error_up or one.truth.given_back >= _HALF else "wrong"
    return "abstain"


def _asks_about_error(one: Judged) -> bool:
    truth = one.truth
    return truth.state == "risen" and truth.is_measured and one.has_error and truth.error_up is not None


def _of_alarm(one: Judged) -> Outcome | None:
    """Whether there is none on a healthy training; one of instability counts where that is known not to be true."""
    if not one.truth.is_healthy:
        return None
    unknown = {"instability"} if one.truth.train_rise is None else set()
    return "wrong" if one.said.alarms - unknown else "right"


def _of_descent(*places: str, of_error: bool = False) -> Callable[[Judged], Outcome | None]:
    def outcome(one: Judged) -> Outcome | None:
        true, said = _descents(one, of_error=of_error)
        if true not in places or not _is_measured_throughout(one):
            return None
        return "right" if said == true else "abstain" if said == "none" else "wrong"

    return outcome


def _of_no_descent(*, below: bool, of_error: bool = False) -> Callable[[Judged], Outcome | None]:
    """Where there is none: whether none is claimed, or none that ends below its best."""

    def outcome(one: Judged) -> Outcome | None:
        true, said = _descents(one, of_error=of_error)
        if true != "none" or one.truth.state == "diverged" or not _is_measured_throughout(one):
            return None
        if of_error and not one.has_error:
            return None
        return "wrong" if said == "below" or (said != "none" and not below) else "right"

    return outcome


def _descents(one: Judged, *, of_error: bool) -> tuple[str, str]:
    truth, said = one.truth, one.said
    return (truth.error_descent, said.error_descent) if of_error else (truth.descent, said.descent)


def _is_measured_throughout(one: Judged) -> bool:
    return one.truth.is_measured and "evaluation-mode" not in one.truth.events


def _of_odds(k: int) -> Callable[[Judged], Outcome | None]:
    def outcome(one: Judged) -> Outcome | None:
        came = one.truth.new_best[k]
        if came is None or not one.truth.is_measured:
            return None
        if k not in one.said.answers:
            return "abstain"
        return "right" if one.said.answers[k] is came else "wrong"

    return outcome


QUESTIONS: Mapping[str, Callable[[Judged], Outcome | None]] = {
    "risen": _of_state("risen"),
    "improving": _of_state("improving"),
    "plateau": _of_state("plateau"),
    "diverged": _of_state("diverged"),
    "no alarm, healthy": _of_alarm,
    "error up, given risen": _of_error(True),
    "error not up, given risen": _of_error(False),
    "over-fitting or overconfidence": _of_cause,
    "second descent below its best": _of_descent("below"),
    "second descent to or above its best": _of_descent("to", "above"),
    "no second descent: none below claimed": _of_no_descent(below=True),
    "no second descent: none claimed": _of_no_descent(below=False),
    "second descent of the error": _of_descent("below", "to", "above", of_error=True),
    "none of the error: none claimed": _of_no_descent(below=False, of_error=True),
    "new best within 2 x": _of_odds(2),
    "new best within 5 x": _of_odds(5),
    "new best within 10 x": _of_odds(10),
}
"""Each gives right, abstain or wrong where it is asked, None where it is not."""
