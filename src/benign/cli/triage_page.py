"""The page of one triage: the answer, the picture, what was found and what was not, and how sure it is."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version

from benign.foundation.number_words import format_number
from benign.histories import Finding, Triage
from benign.report import Page, Section, Table, section_of

QUESTION = "What happened in this training log, and what should be done next?"
MEASURED = (
    "The rule was frozen before it was tested on 1,120 real trainings: 90 % of real rises were called one, and of "
    "1,334 looks at a healthy run 9 gave an alarm. They were small models, trained in seconds: fully connected, "
    "convolutional and attention networks, linear models, boosted trees."
)
_WORDS = (
    ("over-fitting", "Loss and error on new samples get worse while those on the training set still fall."),
    ("overconfidence", "The loss gets worse because the model is too sure, not because it errs more often."),
    ("second descent", "The risk falls, rises and falls again as training goes on: epoch-wise double descent."),
    ("plateau", "Nothing risen and nothing gained that matters or could be told from chance."),
    ("recalibration", "Making all predictions less sure by one factor, the temperature; it changes no decision."),
    ("nat", "The unit of a cross-entropy: a right answer held half sure costs log 2 = 0.69 nats."),
    ("standard error", "How far a number may be off by chance: twice that, in one case of twenty."),
)  # fmt: skip


def page_of(answer: Triage, command: str) -> Page:
    """The page; ``command`` is what makes it again."""
    first = answer.findings[0].verdict if answer.findings else ""
    return Page(
        title=answer.headline,
        strip=tuple(_strip(answer)),
        question=QUESTION,
        headline=answer.headline,
        lede=first,
        sections=tuple(_sections(answer)),
        provenance=tuple(_provenance(answer)),
        command=command,
        glossary=_WORDS,
        trust=(*answer.limits, MEASURED),
    )


def _strip(answer: Triage) -> Iterator[str]:
    history, origin = answer.history, answer.origin
    yield from filter(None, ["Training log", origin.run, origin.format])
    yield f"{answer.reading.points:,} evaluations"
    if history.train_samples is not None:
        yield f"n = {history.train_samples:,}"
    if history.validation_samples is not None:
        yield f"{history.validation_samples:,} validation samples"


def _sections(answer: Triage) -> Iterator[Section]:
    told = " ".join(finding.verdict for finding in answer.findings[1:])
    if answer.reading.watched is not None:
        yield section_of(answer.display, heading="What does the log show?", sentence=told)
    elif told:
        yield Section(heading="What does the log show?", sentence=told)
    if answer.advice:
        experiments = tuple(_experiments(answer))
        columns = ("experiment", "cost", "decides")
        yield Section(
            heading="What to do, and what would decide?",
            sentence=" ".join(answer.advice),
            note=_cheapest(answer.findings),
            table=Table(columns=columns, rows=experiments) if experiments else None,
        )
    excluded = [text for finding in answer.findings for text in finding.excluded]
    if excluded:
        yield Section(heading="What is it not?", sentence=" ".join(dict.fromkeys(excluded)))
    rows = tuple(_numbers(answer))
    if rows:
        yield Section(
            heading="Which numbers are behind it?",
            sentence="Every number of the rule, and the probability that it gives each verdict.",
            table=Table(columns=("finding", "number", "value"), rows=rows),
        )


def _experiments(answer: Triage) -> Iterator[tuple[str, str, str]]:
    for finding in answer.findings:
        if finding.next is not None:
            yield finding.next.experiment, finding.next.cost, finding.next.decides


def _cheapest(findings: tuple[Finding, ...]) -> str:
    """The experiment of the first finding that has one."""
    step = next((finding.next for finding in findings if finding.next is not None), None)
    return (
        ""
        if step is None
        else f"The cheapest experiment: {step.experiment} (cost: {step.cost}). It decides {step.decides}."
    )


def _numbers(answer: Triage) -> Iterator[tuple[str, str, str]]:
    for finding in answer.findings:
        if finding.confidence is not None:
            yield finding.code, "probability", format_number(finding.confidence)
        for name, value in finding.evidence.items():
            yield finding.code, name.replace("_", " "), format_number(value)


def _provenance(answer: Triage) -> Iterator[tuple[str, str]]:
    yield "log", answer.origin.path or "an object in memory"
    yield from ((name, role) for name, role in answer.roles.items() if role != "not used")
    unused = [name for name, role in answer.roles.items() if role == "not used"]
    if unused:
        yield "not used", ", ".join(unused)
    yield "benign", version("benign")
