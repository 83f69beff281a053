"""What a history leaves open, a sentence each: what was assumed, and what to tell where it would decide."""

from __future__ import annotations

from collections.abc import Iterator

from benign.histories.case import Case
from benign.histories.learning_rate import is_restarted
from benign.histories.noise import ASSUMED_SAMPLES
from benign.histories.raised_rate import told_of_the_rate

_NEEDS = {
    "validation_samples": "Tell the number of validation samples (--validation-samples): it may decide what is open.",
    "validation_error": "With the validation error or accuracy, over-fitting and overconfidence could be told apart.",
    "classes": "Tell the number of classes (--classes): then it follows how much of the rise is overconfidence.",
    "train_loss": "Without the training loss, instability and double descent look alike.",
    "learning_rate": "Without the learning rate, a drop of it cannot be told from a second descent.",
    "label_noise": "Tell the share of wrong labels if you know it (--label-noise): under-fitting and noise look alike.",
}
_CLASSES_UNRISEN = (
    "Tell the number of classes (--classes): then an artefact at the start, and a model that only guesses, are told."
)


def limits_of(case: Case) -> Iterator[str]:
    """The sentences, the one that would decide most first."""
    reading = case.reading
    yield from _open_question(case)
    yield from (_CLASSES_UNRISEN if _is_unrisen(need, case) else _NEEDS[need] for need in reading.needs)
    noise = reading.noise
    if noise is None or reading.points < 8:
        return
    if noise.refused == "rounded":
        yield f"The {case.curve} was rounded so coarsely that only large changes can be told; no odds are given."
    elif noise.refused == "smoothed":
        yield f"The {case.curve} was smoothed before it was recorded: its noise is unknown, and no odds are given."
    elif reading.state.name != "diverged" and is_restarted(case.history.learning_rate):
        yield "The learning rate was raised again after it had fallen: what its next turn does has no odds."
    if (
        reading.watched is not None
        and reading.watched.name.startswith("validation")
        and not noise.samples_told
        and "validation_samples" not in reading.needs
    ):
        yield f"{ASSUMED_SAMPLES:,} validation samples were assumed."
    if any(flag.code == "rise-unknown-end" for flag in reading.flags) and reading.forecast:
        yield "The odds know nothing of a learning rate that will be raised."
    yield from told_of_the_rate(case)


def _is_unrisen(need: str, case: Case) -> bool:
    return need == "classes" and case.reading.state.name != "risen"


def _open_question(case: Case) -> Iterator[str]:
    """How far an undecided curve moved, and what would decide it."""
    state, rise = case.reading.state, case.reading.rise
    if state.name != "undecided" or rise is None:
        return
    moved, error = case.change(rise.log).removeprefix("by "), case.change(2 * rise.se).removeprefix("by ")
    decides = f"; about {state.deciding_samples:,} validation samples would decide it" if state.deciding_samples else ""
    yield f"How far the {case.curve} is from its best, {moved}, is known to ± {error} only{decides}."
