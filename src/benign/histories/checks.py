"""What may be wrong with a training run or its measurement: each check gives its numbers, or nothing."""

from __future__ import annotations

import math

import numpy as np

from benign.histories.flag import Facts, Flag, both, end_of, is_unstable, outcome
from benign.histories.history import History
from benign.histories.learning_rate import is_restarted_between
from benign.histories.noise import ASSUMED_SAMPLES
from benign.histories.rise import level_at_end
from benign.histories.second_descent import LossRise
from benign.histories.smoothing import Curve, iterate_sd, smoothed
from benign.histories.watched import finite

_SPIKE_LEFT = 0.10  # of the range of the training loss: more than this above its lowest is "still up"
_DIVERGED_SHARE, _DIVERGED_RATIO = 0.5, 1.3
_CHANCE = 0.93  # of the error of guessing
_ARTEFACT, _LEARNING = 1.5, 1.05  # of the loss of guessing: a first validation loss above, a training loss below
_WORSE_SHARE = 0.8
_LEAK_ERRORS, _SHIFT_ERRORS, _UNSELECTED_SHIFT_ERRORS = 3.0, 4.0, 3.0
_ERRATIC = 0.15
_FLIP, _FLIPS_BY_CHANCE, _FLIP_STEP = 2 / 3, 0.01, 0.03  # of independent values two steps in three turn back
_JUMP, _LEAST_JUMP, _JUMP_POINTS = 6.0, 0.05, 20
_NEIGHBOURS = 10
_FITTED = 0.02  # of the training error


def divergence(history: History, train: LossRise | None) -> Flag | None:
    """A loss that is not finite from some time on, or a training loss far above its start."""
    at = history.diverged_at
    if at is not None and _ends_unfinite(history, at):
        return Flag(code="divergence", evidence={"time": at}, alternatives={"recorded-wrongly": "unchecked"})
    if train is None or not (train.real and train.ratio > _DIVERGED_RATIO and train.now > _DIVERGED_SHARE):
        return None
    return Flag(code="divergence", evidence={"ratio_to_start": train.ratio, "share_of_range": train.now})


def instability(facts: Facts) -> Flag | None:
    """A training loss that rises by more than 15 % of its range, no restart, or one that was not finite for a while."""
    at, train = facts.history.diverged_at, facts.train
    if train is not None and is_unstable(train):
        times = finite(facts.history.times, facts.history.train_loss)[0]
        low, high = np.searchsorted(facts.history.times, times[[train.low, train.high]])
        if is_restarted_between(facts.history.learning_rate, int(low), int(high)):
            return None  # a schedule of restarts does that
        evidence = {
            "share_of_range": train.share,
            "share_left": train.now,
            "now": float(train.now > _SPIKE_LEFT),
            "time": float(times[train.low]),
            "peak_time": float(times[train.high]),
        }
        return Flag(code="instability", evidence=evidence, alternatives={"double-descent": "excluded"})
    if at is not None and not _ends_unfinite(facts.history, at):
        evidence = {"time": at, "now": 0.0, "at_end": float(_is_lone(facts.history, at))}
        return Flag(code="instability", evidence=evidence)
    return None


def not_learning(facts: Facts) -> Flag | None:
    """A training error of guessing, at the end and ever before: what was learned once and lost is no such case."""
    classes, error = facts.history.classes, end_of(facts.history.times, facts.history.train_error)
    if classes is None or classes < 2 or error is None:
        return None
    least = float(smoothed(finite(facts.history.times, facts.history.train_error)[1]).min())
    if min(least, error) <= _CHANCE * (1 - 1 / classes):
        return None
    evidence = {"train_error": error, "guessing": 1 - 1 / classes}
    return Flag(code="not-learning", evidence=evidence, alternatives={"underfitting": "unchecked"})


def evaluation_mode(facts: Facts) -> Flag | None:
    """A first validation loss far above guessing while the training loss was not (batch norm's running averages)."""
    classes, start = facts.history.classes, _start(facts.history)
    if classes is None or classes < 2 or start is None:
        return None
    first, first_train = start
    guessing = math.log(classes)
    if not (first > _ARTEFACT * guessing and first_train < _LEARNING * guessing):
        return None
    evidence = {"first_loss": first, "first_train_loss": first_train, "guessing": guessing}
    return Flag(code="evaluation-mode", evidence=evidence, alternatives={"shift": "unchecked"})


def may_be_evaluation_mode(history: History) -> bool:
    """Whether for some number of classes the first validation loss would be an artefact."""
    start = _start(history)
    return start is not None and start[0] / _ARTEFACT > start[1] / _LEARNING > 0


def train_worse_than_validation(history: History) -> Flag | None:
    """A training curve above the one of the validation set at more than 80 % of the evaluations.

    The training value between two epochs is the mean of both, since it is a mean over the epoch that ends there. Losses
    are compared where both were recorded, else errors; a gap within two standard errors of the draw of the validation
    set is none.
    """
    pairs = (
        ("loss", history.train_loss, history.validation_loss),
        ("error", history.train_error, history.validation_error),
    )
    for quantity, train, validation in pairs:
        times, ours, theirs = both(history, train, validation)
        if not times.size:
            continue
        if times.size > 1:
            ours, theirs = (ours[1:] + ours[:-1]) / 2, theirs[:-1]
        share, gap = float(np.mean(ours > theirs)), float(np.mean(ours - theirs))
        if share <= _WORSE_SHARE or gap <= 2 * _level_se(theirs, history, of_error=quantity == "error"):
            continue
        evidence = {"share": share, "mean_gap": gap, "of_error": float(quantity == "error")}
        names = ("dropout", "running-mean", "augmentation", "cleaner-validation-labels", "easier-split", "leak")
        return Flag(
            code="train-worse-than-validation", evidence=evidence, alternatives=dict.fromkeys(names, outcome(None))
        )
    return None


def leak_suspicion(facts: Facts) -> Flag | None:
    """A validation error below the share of wrong labels: possible only where validation labels are cleaner."""
    noise, error = facts.history.label_noise, end_of(facts.history.times, facts.history.validation_error)
    if not noise or error is None:
        return None
    se = math.sqrt(noise * (1 - noise) / (facts.history.validation_samples or ASSUMED_SAMPLES))
    if error >= noise - _LEAK_ERRORS * se:
        return None
    evidence = {"validation_error": error, "label_noise": noise, "standard_errors": (noise - error) / se}
    return Flag(code="leak-suspicion", evidence=evidence, alternatives={"clean-validation-labels": "unchecked"})


def shift(history: History) -> Flag | None:
    """A test error far above the validation error; equally many test samples are assumed."""
    errors = finite(history.times, history.validation_error)[1]
    recorded = end_of(history.times, history.test_error)
    test = history.test_score if history.test_score is not None else recorded
    if not errors.size or test is None:
        return None
    smooth = smoothed(errors)
    end, lowest = level_at_end(smooth), float(smooth.min())
    validation = max(end, lowest)
    share = min(max((test + validation) / 2, 0.0), 1.0)
    se = math.sqrt(2 * share * (1 - share) / (history.validation_samples or ASSUMED_SAMPLES))
    z = (test - validation) / se if se > 0 else 0.0
    selected = history.test_score is not None
    if z <= (_SHIFT_ERRORS if selected else _UNSELECTED_SHIFT_ERRORS):
        return None
    evidence = {"test_error": test, "validation_error": validation, "z": z}
    return Flag(
        code="shift", evidence=evidence, alternatives={"optimism-of-the-best": outcome(None if selected else False)}
    )


def erratic(facts: Facts) -> Flag | None:
    """A curve that jumps from evaluation to evaluation, or turns back at each for long."""
    raw = facts.watched.raw
    sd = facts.watched.noise.iterate_sd
    if not facts.is_loss or facts.watched.scale.kind != "log":
        return None
    flips, step = _longest_alternation(raw)
    chance = max(0, raw.size - flips) * _FLIP**flips
    alternating = chance < _FLIPS_BY_CHANCE and step > _FLIP_STEP
    if sd <= _ERRATIC and not alternating:
        return None
    train = finite(facts.history.times, facts.history.train_loss)[1]
    relative = iterate_sd(np.log(train)) if train.size >= raw.size / 2 and train.min() > 0 else None
    evidence = {"iterate_sd": sd, "flips": float(flips), "step": step, "alternating": float(alternating)}
    return Flag(
        code="erratic",
        evidence=evidence | ({} if relative is None else {"train_iterate_sd": relative}),
        alternatives={"train-equally-erratic": outcome(None if relative is None else relative > sd / 2)},
    )


def measurement_changed(facts: Facts) -> Flag | None:
    """A jump of the validation curve that stays, while neither training loss nor learning rate moved."""
    raw, train = facts.watched.raw, facts.history.train_loss
    if not facts.of_validation or raw.size < _JUMP_POINTS or train is None:
        return None
    steps = np.diff(raw)
    place = raw.size // 4 + int(np.argmax(np.abs(steps[raw.size // 4 :])))
    jump = float(steps[place])
    before, after = raw[max(0, place - 4) : place + 1], raw[place + 1 : place + 6]
    lasting = float(np.median(after) - np.median(before))
    if min(abs(jump), abs(lasting)) <= max(_LEAST_JUMP, _JUMP * _usual_step(steps, place)):
        return None
    ours = train[facts.watched.rows]
    if not _is_smooth_at(ours, place):
        return None
    moved = _rate_moved(facts, place)
    if moved:
        return None
    evidence = {"jump": jump, "time": float(facts.watched.times[place + 1]), "usual_step": _usual_step(steps, place)}
    return Flag(code="measurement-changed", evidence=evidence, alternatives={"learning-rate-drop": outcome(moved)})


def delayed_generalisation(facts: Facts) -> Flag | None:
    """A validation error of guessing while training error was 0, which fell later."""
    times, ours, theirs = both(facts.history, facts.history.train_error, facts.history.validation_error)
    if not times.size or ours.min() >= _FITTED:
        return None
    ours, theirs = smoothed(ours), smoothed(theirs)
    fitted = np.flatnonzero(ours < _FITTED)
    guessing = 0.75 * (1 - 1 / facts.history.classes) if facts.history.classes else 0.75
    if not fitted.size or theirs[fitted[0]] <= guessing or theirs[fitted[0]] - theirs[fitted[0] :].min() <= 0.15:
        return None
    start = int(fitted[0])
    evidence = {
        "fitted_time": float(times[start]),
        "error_then": float(theirs[start]),
        "lowest_error": float(theirs[start:].min()),
    }
    noisy = facts.history.label_noise
    return Flag(
        code="delayed-generalisation",
        evidence=evidence,
        alternatives={"noisy-labels": outcome(None if noisy is None else noisy > 0)},
    )


def _start(history: History) -> tuple[float, float] | None:
    """The first losses of validation and training; None where one was not recorded."""
    curves = [finite(history.times, curve)[1] for curve in (history.validation_loss, history.train_loss)]
    if not all(values.size for values in curves):
        return None
    first, first_train = (float(np.median(values[: max(1, values.size // 20)])) for values in curves)
    return first, first_train


def _ends_unfinite(history: History, at: float) -> bool:
    """Whether a recorded loss has no finite value from this time on; the last of validation alone says too little."""
    late = history.times >= at
    if _is_lone(history, at):
        return False
    return any(
        curve is not None and bool(np.isfinite(curve).any()) and not bool(np.isfinite(curve[late]).any())
        for curve in (history.validation_loss, history.train_loss)
    ) or not any(
        curve is not None and bool(np.isfinite(curve).any()) for curve in (history.validation_loss, history.train_loss)
    )


def _is_lone(history: History, at: float) -> bool:
    """Whether only the last evaluation is not finite and the training loss at that time is."""
    train, validation = history.train_loss, history.validation_loss
    if train is None or validation is None or at != history.times[-1]:
        return False
    return bool(np.isfinite(train[-1]) and not np.isfinite(validation[-1]))


def _level_se(values: Curve, history: History, *, of_error: bool) -> float:
    """Of a whole curve, whose samples are one draw: of an error, or of a loss that varies as a squared residual."""
    level = float(values.mean())
    variance = max(0.0, level * (1 - level)) if of_error else 2 * level**2
    return math.sqrt(variance / (history.validation_samples or ASSUMED_SAMPLES))


def _longest_alternation(raw: Curve) -> tuple[int, float]:
    """How often in a row the curve turns back at most, and the median step there."""
    steps = np.diff(raw)
    flips = steps[1:] * steps[:-1] < 0
    if not flips.any():
        return 0, 0.0
    stops = np.flatnonzero(~np.concatenate([[False], flips, [False]]))
    lengths = np.diff(stops) - 1
    longest = int(np.argmax(lengths))
    start = int(stops[longest])
    return int(lengths[longest]), float(np.median(np.abs(steps[start : start + int(lengths[longest]) + 1])))


def _usual_step(steps: Curve, place: int) -> float:
    """The median size of the steps around one, that one left out, as a standard deviation."""
    near = np.abs(steps[max(0, place - _NEIGHBOURS) : place + _NEIGHBOURS + 1])
    rest = np.delete(near, min(place, _NEIGHBOURS))
    return 1.4826 * float(np.median(rest)) if rest.size else 0.0


def _is_smooth_at(train: Curve, place: int) -> bool:
    steps = np.diff(train)
    if not np.isfinite(steps[place]):
        return False
    near = steps[max(0, place - _NEIGHBOURS) : place + _NEIGHBOURS + 1]
    usual = 1.4826 * float(np.median(np.abs(near[np.isfinite(near)])))
    return abs(float(steps[place])) <= max(3 * usual, 0.01 * float(np.nanmax(train) - np.nanmin(train)))


def _rate_moved(facts: Facts, place: int) -> bool | None:
    """Whether the learning rate changed around the place; None where it was not recorded."""
    if facts.history.learning_rate is None:
        return None
    rates = facts.history.learning_rate[facts.watched.rows][max(0, place - 1) : place + 3]
    rates = rates[np.isfinite(rates)]
    return bool(rates.max() > 1.2 * rates.min()) if rates.size > 1 else None
