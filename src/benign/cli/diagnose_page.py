"""The page of one diagnosis: the answer, where the model stands, what was tried, and how far to trust it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from importlib.metadata import version
from typing import TYPE_CHECKING

from benign.diagnosis.tables import answers_of, grid
from benign.diagnosis.verdict import FACTORS
from benign.diagnosis.wording import TITLES, answer_change, line, sure_words
from benign.foundation.number_words import format_number, format_position
from benign.report import Page, Section, Table, section_of

if TYPE_CHECKING:
    from benign.diagnosis.answers import Diagnosis

QUESTION = "Will more data, a bigger model or longer training help?"
_HEADINGS = {
    "samples": "Where does it stand, and what would more data do?",
    "size": "What does its size do?",
    "time": "What does training longer do?",
}
_PLACE = ("standing", "fitted", "regime", "noise_slope")
MEASURED = (
    (
        "The rule was frozen before it was tested on 281 cases of known truth. About more data, with ten trainings to "
        "spend, it was right in 97 % of its answers, and answered 71 % of what truly hurts and 89 % of what truly "
        "helps; with three, 95 % of what it said to hurt was right. They were small models on 40 to 2,000 rows."
    ),
    (
        "Every answer is about new samples of the same kind as these rows. Copies, groups and rows that drift in time "
        "break that, and where they are found the answers that need it are withheld."
    ),
)
_WORDS = (
    ("held out", "Samples that the model was not trained on: how wrong it is there is what counts."),
    ("best constant", "The one answer, whatever the inputs, that is least wrong: what a model must beat."),
    ("over-parameterised", "The model could fit more samples than there are, and fits these exactly or nearly so."),
    ("under-parameterised", "There are more samples than the model can fit."),
    ("critical", "The model can just fit its samples: there the held-out risk may peak, and more data may hurt."),
    ("loss", "What training minimises, such as squared error or cross-entropy."),
    ("zero-one error", "The share of samples whose class is mistaken."),
    ("cannot tell", "The trials do not say it with the sureness that was asked for. It is no answer."),
)  # fmt: skip


def page_of(found: Diagnosis, command: str) -> Page:
    """The page; ``command`` is what makes it again."""
    return Page(
        title=f"{found.model} on {found.source}",
        strip=tuple(_strip(found)),
        question=QUESTION,
        headline=found.headline,
        lede=found.sentence,
        sections=tuple(_sections(found)),
        provenance=tuple(_provenance(found)),
        command=command,
        glossary=_WORDS,
        trust=tuple(_trust(found)),
    )


def _strip(found: Diagnosis) -> Iterator[str]:
    yield from (found.model, found.source, f"n = {found.samples:,}")
    if found.size is not None:
        size = format_position(found.size) if math.isfinite(found.size) else "no limit"
        yield f"{found.size_name} = {size}"
    if found.time is not None:
        yield f"{found.time_name} = {format_position(found.time)}"


def _sections(found: Diagnosis) -> Iterator[Section]:
    if rows := grid(found):
        columns = ("", *(f"{factor:g} times as much" for factor in FACTORS))
        yield Section(
            heading="What would 1.5, 2 or 4 times as much do?",
            sentence=f"To the risk on new samples, where an answer is at least {100 * found.confidence:.0f} % sure.",
            table=Table(columns=columns, rows=tuple(rows), is_open=True),
        )
    displays = found.displays
    if "samples" in displays:
        yield _drawn(found, "samples")
    rows = [(TITLES[name], words) for name in _PLACE if (words := line(found, name))]
    if rows:
        yield Section(
            heading="What is known of it?",
            sentence="From training it on its own samples and on fewer of them.",
            table=Table(columns=("", "found"), rows=tuple(rows), is_open=True),
        )
    for axis in ("size", "time"):
        if axis in displays:
            yield _drawn(found, axis)
    if found.remedies:
        yield _remedies(found)
    yield from _reasons(found)


def _drawn(found: Diagnosis, axis: str) -> Section:
    return section_of(found.displays[axis], heading=_HEADINGS[axis], sentence="")


def _remedies(found: Diagnosis) -> Section:
    rows = tuple(
        (one.what, one.answer.answer.value, answer_change(one.answer), sure_words(one.answer.confidence))
        for one in found.remedies
    )
    return Section(
        heading="What was tried?",
        sentence="Each on held-out samples that did not choose it, beside the model as it is.",
        table=Table(columns=("instead", "it", "by", "how sure"), rows=rows, is_open=True),
    )


def _reasons(found: Diagnosis) -> Iterator[Section]:
    """What each answer rests on."""
    rows = tuple(
        (TITLES.get(question, question), f"{one.factor:g}x", one.answer.value, one.method, one.reason)
        for question, one in answers_of(found)
    )
    if rows:
        yield Section(
            heading="What does each answer rest on?",
            sentence="How each is known, and why some cannot be told.",
            table=Table(columns=("question", "factor", "answer", "how", "because"), rows=rows),
        )


def _trust(found: Diagnosis) -> Iterator[str]:
    yield from (one.sentence for one in found.findings)
    yield from found.inferred
    yield from (f"{TITLES[name]}: not answered, {why}" for name, why in found.unanswered.items())
    if found.is_interrupted:
        yield "It was interrupted: what comes after is not known."
    elif found.is_budget_spent:
        yield "The budget ended it: a larger one may tell more."
    yield from MEASURED


def _provenance(found: Diagnosis) -> Iterator[tuple[str, str]]:
    yield "trainings", f"{format_number(found.trainings)} of this model's cost"
    yield "minutes", format_number(found.minutes, digits=2)
    yield "seconds per training", format_number(found.seconds_per_training, digits=2)
    yield "an answer must be", f"{100 * found.confidence:.0f} % sure"
    yield "benign", version("benign")
    yield "scikit-learn", version("scikit-learn")
