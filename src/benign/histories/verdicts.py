"""What each code says of a history, in one sentence with its numbers, the field's words and no more than is known."""

from __future__ import annotations

from collections.abc import Callable

from benign.foundation.number_words import format_number as number
from benign.foundation.wording import shown
from benign.histories.case import Case, odds, percent, points, ratio

_NOTHING = 0.01  # of the rise


def verdict(case: Case) -> str:
    """The sentence of the flag."""
    return _VERDICTS[case.flag.code](case)


def _too_few(case: Case) -> str:
    count = int(case.evidence["points"])
    told = {0: "No evaluation was", 1: "One evaluation was"}.get(count, f"{count} evaluations were")
    return f"{told} recorded; no curve can be judged on fewer than {int(case.evidence['least'])}."


def _improving(case: Case) -> str:
    marks = case.reading.landmarks
    assert marks is not None
    gained = case.change(-case.evidence["gain"])
    return (
        f"The {case.curve} still improves: {case.value_at(marks.last)}, better than all of the first three quarters "
        f"{gained}."
    )


def _plateau(case: Case) -> str:
    marks = case.reading.landmarks
    assert marks is not None
    watched = case.reading.watched
    if watched is not None and watched.values.min() == watched.values.max():
        return (
            f"The {case.curve} is {case.shown(marks.last.value)} at every evaluation: nothing is learned, or it is not "
            "measured anew."
        )
    return (
        f"The {case.curve} stands still: {case.value_at(marks.last)}; no rise and no gain that matters or could be "
        "told from chance."
    )


def _noise_only(case: Case) -> str:
    marks, noise = case.reading.landmarks, case.reading.noise
    assert marks is not None
    assert noise is not None
    ours = f"{noise.validation_samples:,} validation samples" + ("" if noise.samples_told else " (assumed)")
    above = "worse" if case.evidence["rise"] > 0 else "better"
    return (
        f"The best {case.curve}, {case.value_at(marks.best)}, is {int(case.evidence['age'])} evaluations old and the "
        "last "
        f"is {above} {case.change(case.evidence['rise'])}: with {ours} and this jitter, no more than "
        f"chance.{_odds(case)}"
    )


def _overfitting(case: Case) -> str:
    error = case.reading.error
    assert error is not None
    is_error = case.reading.watched is not None and case.reading.watched.name == "validation error"
    risen = f"The error rose: {_error(case)}" if is_error else f"{_risen(case)}, and the error too: {_error(case)}"
    return f"{risen}. That is over-fitting.{_recalibrated(case)}"


def _overconfidence(case: Case) -> str:
    error, evidence = case.reading.error, case.evidence
    told = [_risen(case)]
    if error is not None and error.answer == "not up":
        told[0] += f"; the error did not: {_error(case)}"
    elif error is not None and error.answer == "undecided":
        told[0] += f"; whether the error did is open: {_error(case)}"
    if evidence.get("certified_share", 0.0) > 0 and case.reading.landmarks is not None:
        risen = case.reading.landmarks.last.value - case.reading.landmarks.best.value
        told.append(
            f"With this error a recalibrated model has a loss of at most {number(evidence['bound'])}: at least "
            f"{number(min(evidence['certified_nats'], risen))} of the {number(risen)} risen nats are confidence, not "
            "mistakes"
        )
    return ". ".join(told) + "." + _recalibrated(case)


def _recalibrated(case: Case) -> str:
    """What a temperature leaves of the rise, where probabilities were given; nothing else."""
    parts = case.reading.calibration
    if parts is None or parts.rise <= 0:
        return ""
    temperature = number(1 / float(parts.inverse_temperature[-1]), digits=2)
    left = parts.refinement_rise
    moved = f"have {'risen' if left > 0 else 'fallen'} by {number(abs(left))} nats"
    if abs(left) < _NOTHING * parts.rise:
        moved = "not have risen"
    return (
        f" Measured on the probabilities: with the best temperature at both times ({temperature} at the end) the loss "
        f"would {moved}; without, it rose by {number(parts.rise)}."
    )


def _second_descent(case: Case) -> str:
    marks, found = case.reading.landmarks, case.reading.second_descent
    assert found is not None
    assert marks is not None
    assert marks.peak is not None
    assert marks.second_best is not None
    words = case.words
    back = {"below": words["below"], "to": "back to", "above": "not back to"}[found.against_best]
    risen = _odds(case) if case.reading.state.name == "risen" else ""
    return (
        f"The {case.curve} {words['fell']} to {case.value_at(marks.best)}, {words['rose']} to "
        f"{case.value_at(marks.peak)} and {words['fell']} again to {case.value_at(marks.second_best)}, {back} its "
        f"earlier best. {_explained(case)}{risen}"
    )


_CAUSE = {
    "restart": "The learning rate was raised there and came down again, which explains both: no epoch-wise double "
    "descent is needed.",
    "learning-rate": "The learning rate was lowered there, which explains the second fall: no epoch-wise double "
    "descent is needed.",
    "train-rise": "The training loss rose and fell with it: optimisation (step size, schedule), not double descent.",
}


def _explained(case: Case) -> str:
    found = case.reading.second_descent
    assert found is not None
    if case.start_is_open or any(flag.code == "evaluation-mode" for flag in case.reading.flags):
        asked = " The number of classes would tell whether it is." if case.start_is_open else ""
        return f"Where the start is an artefact of evaluation mode, so is this: no double descent is needed.{asked}"
    if found.explained_by:
        return _CAUSE[found.explained_by]
    known = [
        ("the training loss fell throughout", found.train_checked),
        ("the learning rate did not drop", found.rate_checked),
    ]
    seen = " and ".join(words for words, checked in known if checked)
    if found.averaged_share is not None and found.averaged_share < 0.5:
        return "Averaged weights show less than half of the second fall: mostly noise of the iterates."
    if not found.train_checked:
        return (
            "Epoch-wise double descent looks like this; so does a run whose training loss rose too, which this log "
            "does not say."
        )
    return (
        f"{seen[0].upper()}{seen[1:]}: epoch-wise double descent, unless the weights or the metric were changed there."
    )


def _rise_unknown_end(case: Case) -> str:
    told = {flag.code for flag in case.reading.flags} & {"overfitting", "overconfidence"}
    again = f"has not {case.words['fallen']} again"
    said = f"The {case.curve} {again}" if told else f"{_risen(case)}, and {again}"
    back = "" if told else _recalibrated(case)
    if not case.reading.forecast:
        return f"{said}; no odds can be given for this curve.{back}"
    return f"{said}.{_odds(case)}{back}"


def _odds(case: Case) -> str:
    """The odds of a new best, with the runs that were like it; nothing where there are none."""
    two, five = (case.reading.forecast.get(k) for k in (2, 5))
    if two is None or five is None:
        return ""
    told = f" The chance of a new best, by its slope, is {odds(two.probability)} within twice the {case.times}"
    told += f" and {odds(five.probability)} within five times"
    counted = two.comparable
    if counted is not None:
        trend = {"rising": "still rose", "level": "stood still", "falling": "fell at all"}[case.reading.trend]
        moments = f"{counted.came:,} of {counted.of:,} moments"
        told += f"; it came within twice at {moments} of other networks that had risen as far and {trend}"
    return f"{told}."


def _benign_interpolation(case: Case) -> str:
    return (
        f"The training set is fitted (training error {percent(case.evidence['train_error'])}) and the {case.curve} "
        f"has not {case.words['risen']}: over-fitting that does no harm here."
    )


def _instability(case: Case) -> str:
    evidence = case.evidence
    if evidence.get("at_end"):
        return (
            f"The validation loss is not finite at {case.at(evidence['time'])}, the last; the training loss there is."
        )
    if "share_of_range" not in evidence:
        return f"A loss was not finite at {case.at(evidence['time'])} and came back: training was unstable there."
    start, peak = (_train_at(case, evidence[name]) for name in ("time", "peak_time"))
    if evidence["now"]:
        return f"The training loss itself rose, from {start} to {peak}, and has not come back: training is unstable."
    return f"The training loss rose from {start} to {peak} and recovered: a spike."


def _train_at(case: Case, time: float) -> str:
    """The training loss at a time of the history, with the time."""
    history = case.history
    assert history.train_loss is not None
    return f"{number(float(history.train_loss[history.times == time][0]))} ({case.at(time)})"


def _divergence(case: Case) -> str:
    if "time" in case.evidence:
        return f"Training diverged: from {case.at(case.evidence['time'])} on the loss is not finite."
    return (
        f"Training diverged: the training loss ends {number(case.evidence['ratio_to_start'], digits=2)} times as "
        "high as it began."
    )


def _not_learning(case: Case) -> str:
    ours, guessing = percent(case.evidence["train_error"]), percent(case.evidence["guessing"])
    return (
        f"The training error, {ours}, is that of guessing ({guessing}): the model learns nothing, a bug until shown "
        "otherwise."
    )


def _underfitting(case: Case) -> str:
    return (
        f"Training is as bad as validation (training error {percent(case.evidence['train_error'])}) and nothing moves: "
        "under-fitting."
    )


def _train_worse(case: Case) -> str:
    quantity, share = "error" if case.evidence["of_error"] else "loss", case.evidence["share"]
    often = "each evaluation" if share == 1.0 else f"{percent(share)} of the evaluations"
    return (
        f"The training {quantity} is above that of validation at {often}: usual with dropout, augmentation or a "
        "running mean in training mode; else the validation set is easier, or leaks."
    )


def _leak(case: Case) -> str:
    ours, noise = percent(case.evidence["validation_error"]), percent(case.evidence["label_noise"])
    return (
        f"The validation error, {ours}, is below the share of wrong labels, {noise}: on labels as noisy no model can "
        "do that "
        "unless samples are in both sets."
    )


def _shift(case: Case) -> str:
    test, ours = percent(case.evidence["test_error"]), percent(case.evidence["validation_error"])
    return (
        f"The test error, {test}, is {number(case.evidence['z'], digits=2)} standard errors above that of "
        f"validation, {ours}: "
        "more than the choice of the best epoch explains; the two sets differ."
    )


def _erratic(case: Case) -> str:
    if case.evidence["alternating"]:
        return (
            f"The {case.curve} turns back at {int(case.evidence['flips'])} evaluations in a row: two things are "
            "measured in "
            "turn, or training swings from side to side."
        )
    return (
        f"The {case.curve} jumps {ratio(case.evidence['iterate_sd'])} from one evaluation to the next: no size of a "
        "fixed "
        "validation set does that."
    )


def _wrong_metric(case: Case) -> str:
    loss, evidence = case.at(case.evidence["time_of_loss"]), case.evidence
    if case.flag.metric:
        return (
            f"The {case.curve} is best at {loss}, {shown(case.flag.metric)} at "
            f"{case.at(evidence['time_of_metric'])}: which of them "
            "counts decides which weights to keep."
        )
    marks = case.reading.landmarks
    if marks is not None and marks.second_best is None:
        loss = case.at(marks.best.time)  # as recorded and as told of the rise; the evidence has the smoothed curve's
    return (
        f"At the lowest loss ({loss}) the error is {points(evidence['cost'])} (± {points(2 * evidence['se'])}) above "
        "the best "
        f"({case.at(evidence['time_of_error'])})."
    )


def _delayed(case: Case) -> str:
    evidence = case.evidence
    return (
        f"The training set was fitted at {case.at(evidence['fitted_time'])} while validation guessed (error "
        f"{percent(evidence['error_then'])}); its error fell later, to {percent(evidence['lowest_error'])}: delayed "
        "generalisation (grokking)."
    )


def _evaluation_mode(case: Case) -> str:
    evidence = case.evidence
    return (
        f"The first validation losses, {number(evidence['first_loss'])}, are far above guessing "
        f"({number(evidence['guessing'])}) "
        "while training was not: running averages of batch normalisation that had not settled look like this."
    )


def _measurement_changed(case: Case) -> str:
    return (
        f"The {case.curve} jumped {case.change(case.evidence['jump'])} at {case.at(case.evidence['time'])} and "
        "stayed there while "
        "the training loss went on smoothly: what is measured changed."
    )


def _risen(case: Case) -> str:
    marks = case.reading.landmarks
    assert marks is not None
    return f"The {case.curve} {case.words['rose']} from {case.value_at(marks.best)} to {case.value_at(marks.last)}"


def _error(case: Case) -> str:
    error = case.reading.error
    assert error is not None
    lowest = f"{percent(error.lowest)} at its lowest ({case.at(error.lowest_time)})"
    return f"{lowest}, {percent(error.end)} at the end (± {points(2 * error.se)})"


_VERDICTS: dict[str, Callable[[Case], str]] = {
    "too-few-points": _too_few,
    "improving": _improving,
    "plateau": _plateau,
    "noise-only": _noise_only,
    "overfitting": _overfitting,
    "overconfidence": _overconfidence,
    "second-descent": _second_descent,
    "rise-unknown-end": _rise_unknown_end,
    "benign-interpolation": _benign_interpolation,
    "instability": _instability,
    "divergence": _divergence,
    "not-learning": _not_learning,
    "underfitting": _underfitting,
    "train-worse-than-validation": _train_worse,
    "leak-suspicion": _leak,
    "shift": _shift,
    "erratic": _erratic,
    "wrong-selection-metric": _wrong_metric,
    "delayed-generalisation": _delayed,
    "evaluation-mode": _evaluation_mode,
    "measurement-changed": _measurement_changed,
}
