"""What a diagnosis may find, each under a short code: what ``benign diagnose --fail-on`` takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from benign.diagnosis.verdict import Verdict

if TYPE_CHECKING:
    from benign.diagnosis.answers import Answer, Diagnosis

CODES = {
    "under": "under-parameterised: there are more samples than the model can fit",
    "critical": "the model can just fit its training set, where the test risk may peak",
    "over": "over-parameterised: the model could fit more samples than there are",
    "undecided": "the regime was looked for and is not decided",
    "hurts": "more data, a bigger model or longer training hurts the loss or the zero-one error",
    "more_data_hurts": "more data hurts",
    "bigger_hurts": "a bigger model hurts",
    "longer_hurts": "longer training hurts",
    "remedy_helps": "something that was tried on held-out data helps",
    "worse_than_constant": "on new samples the loss is above that of the best constant: often a bug",
    "leak": "a column seems to give the label away",
    "identifiers": "a column numbers or names the rows",
    "copies": "rows occur more than once",
    "conflicts": "equal rows carry different labels",
    "groups": "rows come in groups, so that held-out rows are not new",
    "ordered": "rows are ordered, as in time, and drift",
    "constant": "a column holds one value alone",
    "constant_target": "all targets are the same",
    "few_rows": "too few rows to tell what would help",
    "rare_classes": "a class has too few rows",
}
"""Code and meaning."""

_QUESTIONS = {"more_data": "more_data_hurts", "bigger": "bigger_hurts", "longer": "longer_hurts"}


def codes_of(diagnosis: Diagnosis) -> tuple[str, ...]:
    """What was found, each code once."""
    return tuple(dict.fromkeys(_codes(diagnosis)))


def _codes(diagnosis: Diagnosis) -> Iterator[str]:
    yield from (one.code for one in diagnosis.findings)
    if diagnosis.regime is not None:
        yield diagnosis.regime.regime.name.lower()
    for question, code in _QUESTIONS.items():
        if any(_hurts(one) for one in getattr(diagnosis, question).values()):
            yield from ("hurts", code)
    if any(one.answer.answer is Verdict.HELPS for one in diagnosis.remedies):
        yield "remedy_helps"
    standing = diagnosis.standing
    if standing is not None and standing.held_out_loss.interval[0] > standing.held_out_loss_constant:
        yield "worse_than_constant"


def _hurts(answer: Answer) -> bool:
    return any(one is not None and one.answer is Verdict.HURTS for one in (answer, answer.error))
