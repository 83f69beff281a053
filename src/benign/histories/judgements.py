"""What the states of loss and error amount to: each judgement gives its numbers, or nothing."""

from __future__ import annotations

import math

import numpy as np

from benign.histories.checks import not_learning
from benign.histories.flag import Facts, Flag, Outcome, end_of, outcome
from benign.histories.history import Metric
from benign.histories.noise import beyond
from benign.histories.rise import error_difference, lowest_of
from benign.histories.second_descent import SecondDescent
from benign.histories.smoothing import Curve, level_sd, smoothed, window
from benign.histories.watched import finite

_HALF = 0.5
_NEXT_TO_NOTHING = 0.1  # of the rise
_OLD = 10  # evaluations
_FITTED = 0.005
_SMALL_RISE = 0.1
_REALLY = 0.975
_GAP = 0.1  # between the logarithms of both losses


def improving(facts: Facts) -> Flag | None:
    """The end is the best so far, by more than chance."""
    if facts.state.name != "improving" or facts.rise is None:
        return None
    return Flag(
        code="improving",
        evidence={"gain": facts.rise.gain, "slope": facts.slope},
        confidence=facts.state.p,
        alternatives={"slow-plateau": "excluded"},
    )


def plateau(facts: Facts) -> Flag | None:
    """Neither a rise nor a gain that matters."""
    if facts.state.name != "plateau" or facts.rise is None:
        return None
    rates = finite(facts.history.times, facts.history.learning_rate)[1]
    vanished = bool(rates[-1] < 0.01 * rates.max()) if rates.size else None
    return Flag(
        code="plateau",
        evidence={"rise": facts.rise.log, "gain": facts.rise.gain},
        confidence=facts.state.p,
        alternatives={
            "learning-rate-near-zero": outcome(vanished),
            "underfitting": outcome(underfitting(facts) is not None),
        },
    )


def noise_only(facts: Facts) -> Flag | None:
    """A plateau whose best is old: what rose since is chance."""
    if facts.state.name != "plateau" or facts.rise is None or not facts.of_validation:
        return None
    best = int(np.argmin(facts.watched.raw))
    age = facts.watched.raw.size - 1 - best
    rise = float(facts.watched.raw[-1] - facts.watched.raw[best])
    if age < _OLD or rise == 0:
        return None
    return Flag(
        code="noise-only",
        evidence={"age": float(age), "best_time": float(facts.watched.times[best]), "rise": rise, "p": facts.rise.p},
        confidence=1 - facts.rise.p,
        alternatives={"overfitting": "excluded"},
    )


def overfitting(facts: Facts) -> Flag | None:
    """The validation curve and the error have really risen, and the training loss has not."""
    if not facts.has_risen or facts.error is None or facts.error.answer != "up" or facts.rise is None:
        return None
    risen = _train_rose(facts)
    if risen:
        return None
    return Flag(
        code="overfitting",
        evidence={"rise": facts.rise.log, "error_rise": facts.error.rise, "error_se": facts.error.se},
        confidence=min(facts.rise.p, facts.error.p),
        alternatives={"train-rise": outcome(risen), "instability": facts.unstable, "shift": "unchecked"},
    )


def overconfidence(facts: Facts) -> Flag | None:
    """The loss has risen and the error has not, or at least half of the rise is none of the error.

    That is measured where probabilities were given: a temperature that gives back half of the rise proves it, one that
    gives back less than a tenth speaks against it. Without them the error certifies it.
    """
    if not facts.has_risen or not facts.is_loss or facts.rise is None:
        return None
    certified, given_back = facts.overconfidence, facts.given_back
    share = certified.certified_share if certified is not None else None
    proven = (given_back if given_back is not None else share or 0.0) >= _HALF
    not_up = facts.error is not None and facts.error.answer == "not up"
    if not (proven or not_up) or _is_denied(facts):
        return None
    evidence = {"rise": facts.rise.log}
    if facts.error is not None:
        evidence |= {"error_rise": facts.error.rise, "error_se": facts.error.se}
    if certified is not None and share is not None:
        evidence |= {"certified_nats": certified.certified_nats, "certified_share": share, "bound": certified.bound}
    if given_back is not None:
        evidence["given_back_share"] = given_back
    error_p = facts.error.p if facts.error is not None else 1.0
    return Flag(
        code="overconfidence",
        evidence=evidence,
        confidence=facts.rise.p if proven else min(facts.rise.p, 1 - error_p),
        alternatives={"overfitting": outcome(facts.error.answer != "not up" if facts.error else None)},
    )


def rise_unknown_end(facts: Facts) -> Flag | None:
    """A rise that has not fallen again: what comes next is a matter of odds."""
    if not facts.has_risen or facts.descent is not None or facts.rise is None:
        return None
    alternatives: dict[str, Outcome] = {"second-descent": "unchecked", "instability": facts.unstable}
    if facts.given_back is not None:
        alternatives["overconfidence"] = outcome(not _is_denied(facts))
    return Flag(
        code="rise-unknown-end",
        evidence={"rise": facts.rise.log, "se": facts.rise.se, "slope": facts.slope},
        confidence=facts.rise.p,
        alternatives=alternatives,
    )


def _is_denied(facts: Facts) -> bool:
    """Whether it was measured that a temperature gives back next to nothing."""
    return facts.given_back is not None and facts.given_back < _NEXT_TO_NOTHING


def second_descent(facts: Facts) -> Flag | None:
    """Down, up and down again."""
    found = facts.descent
    if found is None or not facts.of_validation:
        return None
    evidence = {"rise": found.rise, "fall": found.fall, "difference": found.difference}
    if found.averaged_share is not None:
        evidence["averaged_share"] = found.averaged_share
    return Flag(code="second-descent", evidence=evidence, confidence=found.p, alternatives=_of_second_descent(found))


def benign_interpolation(facts: Facts) -> Flag | None:
    """The training set is fitted and the validation curve did not rise."""
    error = end_of(facts.history.times, facts.history.train_error)
    if error is None or error >= _FITTED or facts.rise is None or not facts.of_validation:
        return None
    upper = facts.rise.log + 2 * facts.rise.se
    if facts.state.name in ("risen", "diverged") or upper >= _SMALL_RISE:
        return None
    evidence = {"train_error": error, "rise": facts.rise.log, "upper": upper}
    return Flag(
        code="benign-interpolation",
        evidence=evidence,
        confidence=1 - facts.rise.p,
        alternatives={"leak": outcome(None)},
    )


def underfitting(facts: Facts) -> Flag | None:
    """Training and validation are equally bad and nothing moves any more; a model that only guesses is another case."""
    history = facts.history
    error = end_of(history.times, history.train_error)
    train, validation = end_of(history.times, history.train_loss), end_of(history.times, history.validation_loss)
    if error is None or train is None or validation is None or min(train, validation) <= 0:
        return None
    gap = math.log(validation) - math.log(train)
    moves = facts.state.name in ("risen", "improving", "diverged")
    if moves or error <= max(0.1, (history.label_noise or 0.0) + 0.08) or gap >= _GAP:
        return None
    if not_learning(facts) is not None:
        return None
    return Flag(
        code="underfitting",
        evidence={"train_error": error, "log_gap": gap},
        alternatives={
            "label-noise": "unchecked" if history.label_noise is None else "excluded",
            "augmentation": "unchecked",
        },
    )


def wrong_selection_metric(facts: Facts) -> Flag | None:
    """The epoch of the best loss is really worse in what counts: its error, or another metric if none was recorded."""
    if not facts.is_loss:
        return None
    if facts.history.validation_error is not None:
        return _by_error(facts, facts.history.validation_error)
    return next((flag for metric in facts.history.metrics if (flag := _by_metric(facts, metric)) is not None), None)


def _by_error(facts: Facts, error: Curve) -> Flag | None:
    errors = error[facts.watched.rows]
    recorded = np.flatnonzero(np.isfinite(errors))
    if recorded.size < facts.watched.raw.size / 2:
        return None
    smooth = smoothed(errors[recorded])
    lowest, selected = lowest_of(smooth), _nearest(recorded, lowest_of(facts.watched.smooth))
    if not _far_apart(lowest, selected, smooth.size):
        return None
    samples = facts.watched.noise.validation_samples
    sd = level_sd(errors[recorded], smooth)
    cost, se = error_difference(float(smooth[lowest]), float(smooth[selected]), sd, samples)
    p = beyond(cost, se)
    if p <= _REALLY:
        return None
    times = facts.watched.times[recorded]
    evidence = {"cost": cost, "se": se, "time_of_loss": float(times[selected]), "time_of_error": float(times[lowest])}
    return Flag(code="wrong-selection-metric", evidence=evidence, confidence=p)


def _by_metric(facts: Facts, metric: Metric) -> Flag | None:
    values = metric.values[facts.watched.rows]
    recorded = np.flatnonzero(np.isfinite(values))
    if recorded.size < facts.watched.raw.size / 2 or recorded.size < 3:
        return None
    less_is_better = values[recorded] * (-1 if metric.higher_is_better else 1)
    smooth = smoothed(less_is_better)
    best, selected = lowest_of(smooth), _nearest(recorded, lowest_of(facts.watched.smooth))
    cost = float(smooth[selected] - smooth[best])
    se = 2**0.5 * level_sd(less_is_better, smooth)
    p = beyond(cost, se)
    if not _far_apart(best, selected, smooth.size) or p <= _REALLY or cost <= 0.02 * float(np.ptp(smooth)):
        return None
    times = facts.watched.times[recorded]
    evidence = {"cost": cost, "se": se, "time_of_loss": float(times[selected]), "time_of_metric": float(times[best])}
    return Flag(code="wrong-selection-metric", evidence=evidence, confidence=p, metric=metric.name)


def _nearest(recorded: np.ndarray, place: int) -> int:
    """The recorded evaluation nearest to this one."""
    return int(np.argmin(np.abs(recorded - place)))


def _far_apart(first: int, second: int, points: int) -> bool:
    return abs(first - second) > max(window(points), points / 10)


def _train_rose(facts: Facts) -> bool | None:
    """Whether the training loss has risen since the lowest of the validation curve; None where it was not recorded."""
    if facts.history.train_loss is None or facts.rise is None:
        return None
    train = facts.history.train_loss[facts.watched.rows]
    recorded = np.flatnonzero(np.isfinite(train))
    if recorded.size < 3:
        return None
    smooth = smoothed(train[recorded])
    since = float(smooth[-1] - smooth[_nearest(recorded, facts.rise.lowest)])
    return since > 0.02 * float(np.ptp(smooth))


def _of_second_descent(found: SecondDescent) -> dict[str, Outcome]:
    rate = found.explained_by in ("restart", "learning-rate") if found.rate_checked else None
    train = found.explained_by == "train-rise" if found.train_checked else None
    averaged = None if found.averaged_share is None else found.averaged_share < _HALF
    return {
        "learning-rate-drop": outcome(rate),
        "instability": outcome(train),
        "noise-of-the-iterates": outcome(averaged),
        "measurement-changed": "unchecked",
    }
