"""The answers of a diagnosis as a table, for programs, for a page, and in a notebook."""

from __future__ import annotations

import html as text
from collections.abc import Iterator
from typing import TYPE_CHECKING

from benign.diagnosis.verdict import FACTORS, Verdict
from benign.diagnosis.wording import TITLES, answer_change, sure_words

if TYPE_CHECKING:
    import pandas as pd

    from benign.diagnosis.answers import Answer, Diagnosis

_QUESTIONS = ("more_data", "bigger", "longer")


def answers_of(diagnosis: Diagnosis) -> Iterator[tuple[str, Answer]]:
    """Every answer with what it is about: the question, or what was tried."""
    for question in _QUESTIONS:
        for _, one in sorted(getattr(diagnosis, question).items()):
            yield question, one
    for remedy in diagnosis.remedies:
        yield remedy.what, remedy.answer


def frame(diagnosis: Diagnosis) -> pd.DataFrame:
    """A row for each question, factor and metric."""
    import pandas as pd

    rows = [
        {
            "question": question,
            "factor": one.factor,
            "metric": one.metric,
            "answer": one.answer.value,
            "confidence": one.confidence,
            "change": one.change.value,
            "low": one.change.interval[0],
            "high": one.change.interval[1],
            "method": one.method,
            "reason": one.reason,
        }
        for question, first in answers_of(diagnosis)
        for one in (first, first.error)
        if one is not None
    ]
    columns = ("question", "factor", "metric", "answer", "confidence", "change", "low", "high", "method", "reason")
    return pd.DataFrame(rows, columns=list(columns))


def grid(diagnosis: Diagnosis) -> list[tuple[str, ...]]:
    """A row for each question and metric: its name, and what holds at 1.5, 2 and 4 times as much."""
    rows = []
    for question in _QUESTIONS:
        answers = getattr(diagnosis, question)
        if not answers:
            continue
        errors = {factor: one.error for factor, one in answers.items() if one.error is not None}
        for metric, found in (("loss", answers), ("zero-one error", errors)):
            if found:
                rows.append((f"{TITLES[question]}, {metric}", *(cell(found.get(factor)) for factor in FACTORS)))
    return rows


def cell(answer: Answer | None) -> str:
    """One answer in a few words, such as "helps: 18 % less, 12 to 24 %; 97 % sure"."""
    if answer is None:
        return ""
    told = "; ".join(filter(None, [answer_change(answer, ""), sure_words(answer.confidence)]))
    if answer.answer is Verdict.CANNOT_TELL:
        return f"cannot tell ({told})" if told else "cannot tell"
    return f"{answer.answer.value}: {told}" if told else answer.answer.value


def html(diagnosis: Diagnosis) -> str:
    """The paragraph, the table of answers and the picture, for a notebook."""
    from benign.plots.output import svg_html
    from benign.plots.text import visible

    def shown(words: str) -> str:
        return text.escape(visible(words))

    told = f"<p><b>{shown(diagnosis.headline)}</b></p><p>{shown(diagnosis.sentence)}</p>"
    if rows := grid(diagnosis):
        head = "".join(f"<th>{name}</th>" for name in ("", *(f"{factor:g}x" for factor in FACTORS)))
        body = "".join(f"<tr>{''.join(f'<td>{shown(one)}</td>' for one in row)}</tr>" for row in rows)
        told += f"<table><tr>{head}</tr>{body}</table>"
    if any(curve.axis == "samples" for curve in diagnosis.curves):
        drawn = diagnosis.display
        told += svg_html(drawn.svg(alone=True), drawn.alternative_text)
    return told
