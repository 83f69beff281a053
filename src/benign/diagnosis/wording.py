"""A diagnosis in words: a headline, a paragraph that begins with the answer, and a line for each part."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import TYPE_CHECKING

from benign.curves.threshold_search import Regime
from benign.diagnosis.verdict import Verdict
from benign.foundation.number_words import format_number

if TYPE_CHECKING:
    from benign.diagnosis.answers import Answer, DataFinding, Diagnosis, Estimate, Remedy, Standing

TITLES = {
    "standing": "Where it stands",
    "fitted": "Fitted",
    "regime": "Regime",
    "more_data": "More data",
    "bigger": "Bigger model",
    "longer": "Longer training",
    "remedies": "Remedies",
    "noise_slope": "Wrong labels",
}
"""What a reader calls the parts."""

MOST_WORDS = 20  # of a headline
_QUESTIONS = {"more_data": "more data", "bigger": "a bigger model", "longer": "longer training"}
_SHOWN = 2.0  # the factor that stands for the others where they agree
_VERBS = {Verdict.HELPS: "will help", Verdict.HURTS: "will hurt", Verdict.NO_DIFFERENCE: "makes no difference"}
_BRIEF = {Verdict.HELPS: "helps", Verdict.HURTS: "hurts", Verdict.NO_DIFFERENCE: "makes no difference"}
_REGIMES = {
    Regime.UNDER: "Under-parameterised",
    Regime.CRITICAL: "Critical",
    Regime.OVER: "Over-parameterised",
    Regime.UNDECIDED: "Under- or over-parameterised is not decided",
}
_MEANING = {
    Regime.UNDER: "there are more samples than the model can fit",
    Regime.CRITICAL: "the model can just fit its training set, where the test risk may peak",
    Regime.OVER: "the model could fit more samples than there are",
}
_GAINS = {
    Verdict.HELPS: "gains",
    Verdict.HURTS: "would hurt",
    Verdict.NO_DIFFERENCE: "gains nothing",
    Verdict.CANNOT_TELL: "may or may not gain",
}
_HARM = {
    Verdict.HELPS: ", and it hurts",
    Verdict.HURTS: ", and it does not hurt",
    Verdict.NO_DIFFERENCE: ", and it does not hurt",
}
_BLOCKING = {
    "leak": "a column seems to give the label away",
    "copies": "too many rows are copies of others",
    "conflicts": "equal rows carry different labels",
    "groups": "the rows come in groups of nearly equal ones",
    "ordered": "the rows are ordered and drift",
    "constant_target": "all targets are the same",
    "few_rows": "too few rows to tell what would help",
    "rare_classes": "most classes have one row alone",
}
_TWICE = 2.0  # more: a change beyond it is no longer said in per cent
_MANY = 10.0  # times the best constant's loss: no longer said in per cent


def headline(diagnosis: Diagnosis) -> str:
    """The answer in at most 20 words."""
    blocking = [_BLOCKING[one.code] for one in diagnosis.findings if _is_blocking(one)]
    if blocking:
        return f"Look at the data first: {blocking[0]}."
    lead, clauses = _lead(diagnosis), list(_clauses(diagnosis))
    if clauses and diagnosis.regime is not None and diagnosis.regime.regime is Regime.UNDECIDED:
        lead = ""
    text = lead or (clauses.pop(0).capitalize() if clauses else "")
    if not text:
        return "No question could be answered within this budget."
    mark = ": " if lead else ", "
    for clause in clauses:
        longer = f"{text}{mark}{clause}"
        if len(longer.split()) > MOST_WORDS:
            break
        text, mark = longer, ", "
    return f"{text}."


def sentence(diagnosis: Diagnosis) -> str:
    """The paragraph: the answer first, then what it rests on, what is unknown and why, and what would decide it."""
    place, answers = _place(diagnosis), [name for name in _QUESTIONS if getattr(diagnosis, name)]
    is_place_open = diagnosis.regime is not None and diagnosis.regime.regime is Regime.UNDECIDED
    told = [
        *(one.sentence for one in diagnosis.findings if _is_blocking(one)),
        "" if is_place_open else place,
        *_risks(diagnosis.standing),
        *_criteria(diagnosis),
        *(answers_sentence(name, getattr(diagnosis, name)) for name in answers),
        *_remedies(diagnosis),
        place if is_place_open else "",
        "" if diagnosis.noise_slope is None else diagnosis.noise_slope.sentence,
        *(one.sentence for one in diagnosis.findings if not _is_blocking(one)),
        *_unknown(diagnosis),
    ]
    return " ".join(filter(None, told))


def line(diagnosis: Diagnosis, name: str) -> str:
    """What one part answers, with its numbers, or why it does not; ``name`` is one of ``ANSWERS``."""
    if name in diagnosis.unanswered:
        return f"not answered: {diagnosis.unanswered[name]}"
    if name in _QUESTIONS:
        return _answers_line(getattr(diagnosis, name))
    if name == "fitted":
        ordered = sorted(diagnosis.fitted.values(), key=lambda one: not one.is_minimised)
        return " ".join(one.sentence for one in ordered)
    if name == "remedies":
        return "; ".join(f"{one.what} {_judged(one.answer)}" for one in diagnosis.remedies)
    part = getattr(diagnosis, name)
    return "" if part is None else str(part.sentence)


def answers_sentence(question: str, answers: Mapping[float, Answer]) -> str:
    """What all factors of one question say, in one sentence."""
    subject, (known, unknown) = _QUESTIONS[question], _split(answers)
    if not known:
        last = unknown[-1]
        told = _in_parentheses(_error_apart(last)) or f": {_lower(_without_stop(last.reason))}"
        return f"Whether {subject} helps cannot be told{told}."
    groups = _grouped(known)
    if len(groups) == 1 and not unknown:
        shown = answers.get(_SHOWN, known[0])
        return f"{subject.capitalize()} {_VERBS[shown.answer]}{_numbers(shown)}."
    told = f"{subject.capitalize()} {_listed([_group_words(group) for group in groups])}"
    return f"{'; '.join(filter(None, [told, _unknown_words(unknown)]))}."


def change_words(change: Estimate, risk: str = "loss") -> str:
    """A relative change of a risk, such as "18 % less loss, 12 to 24 %"; empty where it is not known.

    >>> from benign.diagnosis.answers import Estimate
    >>> change_words(Estimate(value=-0.18, interval=(-0.24, -0.12)))
    '18 % less loss, 12 to 24 %'
    >>> change_words(Estimate(value=0.02, interval=(-0.01, 0.05)))
    '2 % more loss, 1 % less to 5 % more'
    """
    value, (low, high) = change.value, change.interval
    if math.isnan(value):
        return ""
    is_known = math.isfinite(low) and math.isfinite(high)
    if value > 1.0:
        ends = f", {_straddling(low, high) if low < 0 else f'{_times(low)} to {_times(high)}'}" if is_known else ""
        return f"{_times(value)} times {'as much' if not risk else f'the {risk}'}{ends}"
    told = f"{_percent(abs(value))} {'less' if value < 0 else 'more'} {risk}".rstrip()
    if is_known and low < 0 < high:
        return f"{told}, {_straddling(low, high)}"
    near, far = sorted((abs(low), abs(high)))
    if far > _TWICE:
        return f"{told}, {_percent(near)} to {_times(far)} times"
    return f"{told}, {_range(near, far)}" if is_known else told


def answer_change(answer: Answer, risk: str = "loss") -> str:
    """That of an answer: its interval alone where it makes no difference."""
    low, high = answer.change.interval
    if answer.answer is Verdict.NO_DIFFERENCE and low < 0 < high:
        return f"{_straddling(low, high)} {risk}".rstrip()
    return change_words(answer.change, risk)


def _straddling(low: float, high: float) -> str:
    return (
        f"{_percent(-low)} less to {_percent(high)} more"
        if high <= _TWICE
        else (f"{_percent(-low)} less to {_times(high)} times as much")
    )


def sure_words(confidence: float) -> str:
    """How sure an answer is, such as "93 % sure"; empty where it is not known."""
    if math.isnan(confidence):
        return ""
    return "more than 99 % sure" if confidence > 0.99 else f"{100 * confidence:.0f} % sure"


def harm(diagnosis: Diagnosis) -> Verdict:
    """Whether fitting less helps: of the remedies that do so, what was found on held-out data."""
    tried = [one.answer.answer for one in _fitting_less(diagnosis)]
    if Verdict.HELPS in tried:
        return Verdict.HELPS
    if not tried or Verdict.CANNOT_TELL in tried:
        return Verdict.CANNOT_TELL
    return Verdict.NO_DIFFERENCE if Verdict.NO_DIFFERENCE in tried else Verdict.HURTS


def _is_blocking(finding: DataFinding) -> bool:
    """Whether no answer can be trusted, or one cannot be given, before something is done about it."""
    return finding.code in _BLOCKING and (bool(finding.refuses) or finding.code == "leak")


def _lead(diagnosis: Diagnosis) -> str:
    """The regime, and whether that hurts; empty where there is none."""
    if diagnosis.regime is None:
        return ""
    told = _REGIMES[diagnosis.regime.regime]
    return f"{told}{_HARM.get(harm(diagnosis), '')}" if diagnosis.regime.regime is Regime.OVER else told


def _clauses(diagnosis: Diagnosis) -> Iterator[str]:
    """The answers in a few words each, without their numbers."""
    for question, subject in _QUESTIONS.items():
        known, unknown = _split(getattr(diagnosis, question))
        groups = _grouped(known)
        if len(groups) == 1 and not unknown:
            yield f"{subject} {_VERBS[known[0].answer]}"
        elif groups:
            yield f"{subject} {_listed([f'{_BRIEF[group[0].answer]} at {_factors(group)}' for group in groups])}"
    best = next((one for one in diagnosis.remedies if one.answer.answer is Verdict.HELPS), None)
    if best is not None:
        yield f"{best.what} helps"


def _place(diagnosis: Diagnosis) -> str:
    """The regime and whether that hurts, with what says so, or what it means; and the peak, where one was measured."""
    if diagnosis.regime is None:
        return ""
    regime, peak = diagnosis.regime.regime, diagnosis.regime.peak
    shown = next(iter(_fitting_less(diagnosis)), None)
    because = _MEANING.get(regime, "")
    if regime is Regime.OVER and shown is not None and harm(diagnosis) is not Verdict.CANNOT_TELL:
        because = f"{shown.what} {_GAINS[shown.answer.answer]}{_numbers(shown.answer)}"
    told = f"{_lead(diagnosis)}: {because}." if because else diagnosis.regime.sentence
    return told if peak is None else f"{told} {peak.sentence}".rstrip()


def _fitting_less(diagnosis: Diagnosis) -> list[Remedy]:
    """What was tried that fits less, what helps first."""
    tried = [one for one in diagnosis.remedies if one.fits_less and one.kind != "averaging"]
    return sorted(tried, key=lambda one: one.answer.answer is not Verdict.HELPS)


def _risks(standing: Standing | None) -> Iterator[str]:
    """How wrong it is on new samples and on its own, beside the best constant."""
    if standing is None:
        return
    if not math.isnan(standing.held_out_error.value):
        new, constant = standing.held_out_error, _percent(standing.held_out_error_constant)
        told = f"It is wrong on {_percent(new.value)} of new samples ({_range(*new.interval)}; the best constant: "
        yield f"{told}{constant}) and on {_share(standing.train_error)} of its own."
    elif standing.held_out_loss_constant > 0 and standing.train_loss_constant > 0:
        scale = standing.held_out_loss_constant
        low, high = (end / scale for end in standing.held_out_loss.interval)
        ratio, own = standing.held_out_loss.value / scale, standing.train_loss / standing.train_loss_constant
        told = f"{_percent(ratio)} of the best constant's on new samples ({_range(low, high)})"
        if ratio > _MANY:
            ends = f"{_times(low - 1)} to {_times(high - 1)}"
            told = f"{_times(ratio - 1)} times the best constant's on new samples ({ends})"
        yield f"Its loss is {told} and {_percent(own)} on its own."


def _criteria(diagnosis: Diagnosis) -> Iterator[str]:
    """Both criteria of being fitted where they disagree, the one that training minimises first."""
    if {one.is_fitted for one in diagnosis.fitted.values()} == {True, False}:
        yield line(diagnosis, "fitted")


def _remedies(diagnosis: Diagnosis) -> Iterator[str]:
    """What was tried: what gains with its numbers, the rest by name. What stands beside the regime is not repeated."""
    place = _place(diagnosis)
    remedies = [one for one in diagnosis.remedies if f": {one.what} " not in place]
    by_verdict = {verdict: [one for one in remedies if one.answer.answer is verdict] for verdict in Verdict}
    for one in by_verdict[Verdict.HELPS]:
        yield f"Tried on held-out data, {one.what} helps{_numbers(one.answer)}."
    for verdict in (Verdict.NO_DIFFERENCE, Verdict.HURTS, Verdict.CANNOT_TELL):
        if found := by_verdict[verdict]:
            numbers = _numbers(found[0].answer) if len(found) == 1 else ""
            yield f"{_upper(_listed([one.what for one in found]))} {_GAINS[verdict]}{numbers}."


def _unknown(diagnosis: Diagnosis) -> Iterator[str]:
    """What has no answer, why, and what would decide it."""
    said = [one.sentence for one in diagnosis.findings]
    missing = [
        f"{TITLES[name].lower()}{'' if why in said else _in_parentheses(_within(why, diagnosis.model))}"
        for name, why in diagnosis.unanswered.items()
    ]
    if missing:
        yield f"Not answered: {'; '.join(missing)}."
    if diagnosis.failures:
        failed, first = sum(diagnosis.failures.values()), next(iter(diagnosis.failures))
        told = "1 training failed and was" if failed == 1 else f"{failed} trainings failed and were"
        yield f"{told} left out, such as: {first}"
    if diagnosis.is_interrupted:
        yield "It was interrupted: what comes after is not known."
    elif diagnosis.is_budget_spent:
        seconds = diagnosis.seconds_per_training
        each = "" if math.isnan(seconds) else f"; one training takes {format_number(seconds, digits=2)} s"
        yield f"The budget ended it: a larger one may tell more{each}."


def _split(answers: Mapping[float, Answer]) -> tuple[list[Answer], list[Answer]]:
    """Those that tell and those that cannot, by factor."""
    ordered = [one for _, one in sorted(answers.items())]
    known = [one for one in ordered if one.answer is not Verdict.CANNOT_TELL]
    return known, [one for one in ordered if one.answer is Verdict.CANNOT_TELL]


def _grouped(ordered: Iterable[Answer]) -> list[list[Answer]]:
    """Neighbouring factors whose answer is the same."""
    return [list(group) for _, group in groupby(ordered, key=lambda one: one.answer)]


def _unknown_words(unknown: list[Answer]) -> str:
    if not unknown:
        return ""
    return f"at {_factors(unknown)} this cannot be told{_in_parentheses(_error_apart(unknown[-1]))}"


def _group_words(group: list[Answer]) -> str:
    """Such as "helps at 2x and 4x (4x: 30 % less loss, 20 to 40 %; 97 % sure)"."""
    return f"{_BRIEF[group[0].answer]} at {_factors(group)}{_numbers(group[-1], named=len(group) > 1)}"


def _answers_line(answers: Mapping[float, Answer]) -> str:
    """What holds at each factor; why nothing can be told where that is so."""
    known, unknown = _split(answers)
    if not known:
        last = unknown[-1]
        return f"cannot be told{_in_parentheses(_error_apart(last))}: {_lower(last.reason)}"
    return "; ".join(filter(None, [*map(_group_line, _grouped(known)), _unknown_words(unknown)]))


def _group_line(group: list[Answer]) -> str:
    """Such as "helps at 1.5x (10 % less loss, 5 to 15 %) and 2x (18 % less loss, 12 to 24 %), 97 % sure"."""
    apart = list(dict.fromkeys(map(_error_apart, group)))
    errors = {one.factor: "" if len(apart) == 1 else _error_apart(one) for one in group}
    told = [f"{one.factor:g}x{_in_parentheses(answer_change(one), errors[one.factor])}" for one in group]
    sure = sure_words(min(one.confidence for one in group))
    words = ", ".join(filter(None, [f"{_BRIEF[group[0].answer]} at {_listed(told)}", sure]))
    return f"{words}{_in_parentheses(*apart)}" if len(apart) == 1 else words


def _factors(group: list[Answer]) -> str:
    return _listed([f"{one.factor:g}x" for one in group])


def _numbers(answer: Answer, *, named: bool = True) -> str:
    """The change, how sure it is, and the zero-one error where it says another thing; in parentheses."""
    told = [answer_change(answer), _sure(answer), _error_apart(answer)]
    words = _in_parentheses(*told)
    is_named = named and answer.question in _QUESTIONS
    return words.replace("(", f"({answer.factor:g}x: ", 1) if is_named else words


def _sure(answer: Answer) -> str:
    """How sure it is, and by what where the change that was measured alone would not say it."""
    told, (low, high) = sure_words(answer.confidence), answer.change.interval
    is_seen = high <= 0.0 or low >= 0.0  # not so where there is no interval, as what was measured is of the other sign
    return f"{told} since its training loss stays above zero" if "zone" in answer.method and not is_seen else told


def _in_parentheses(*words: str) -> str:
    told = "; ".join(filter(None, words))
    return f" ({told})" if told else ""


def _judged(answer: Answer) -> str:
    """Such as "helps (18 % less loss, 12 to 24 %; 97 % sure)"."""
    if answer.answer is Verdict.CANNOT_TELL:
        return f"cannot be told{_in_parentheses(_without_stop(answer.reason), _error_apart(answer))}"
    return f"{_BRIEF[answer.answer]}{_numbers(answer)}"


def _error_apart(answer: Answer) -> str:
    """What the zero-one error says where it is not what the loss says."""
    other = answer.error
    if other is None or other.answer is answer.answer:
        return ""
    if other.answer is Verdict.CANNOT_TELL:
        return "of the zero-one error this cannot be told"
    told = ", ".join(filter(None, [answer_change(other, "error"), sure_words(other.confidence)]))
    return f"for the zero-one error it {_BRIEF[other.answer]}{f', {told}' if told else ''}"


def _times(change: float) -> str:
    return format_number(1.0 + change, digits=2)


def _share(share: float) -> str:
    """A share of wrong answers: "none" and "all" where it is."""
    return {0.0: "none", 1.0: "all"}.get(share, _percent(share))


def _range(low: float, high: float) -> str:
    return f"{_percent(low).removesuffix(' %')} to {_percent(high)}"


def _percent(share: float) -> str:
    """Whole per cent from 10 on, one digit behind the point below 1 and just below 100, two digits in all between."""
    percent = 100 * share
    if 99.5 <= percent < 100.0:
        return f"{min(percent, 99.9):.1f} %"
    if abs(percent) < 0.05:
        return "0 %"
    if abs(percent) < 0.95:
        return f"{percent:.1f} %"
    return f"{percent:.2g} %" if abs(percent) < 9.95 else f"{percent:,.0f} %"


def _listed(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _upper(text: str) -> str:
    """The first letter large, unless it begins the name of a parameter."""
    return text if text.split()[1:2] == ["="] else text[:1].upper() + text[1:]


def _lower(text: str) -> str:
    """The first letter small, unless it begins a name such as that of a class."""
    return text[:1].lower() + text[1:] if text.split(" ")[0][1:].islower() else text


def _within(sentence: str, name: str) -> str:
    """A sentence within another, which it may begin with a name."""
    words = _without_stop(sentence)
    return words if words.startswith(name) else _lower(words)


def _without_stop(text: str) -> str:
    return text.rstrip(".")
