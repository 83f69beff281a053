"""What a history shows, in numbers: the one place where the parts of the rule meet and are put in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from jaxtyping import Float

from benign.histories import checks, judgements
from benign.histories.calibration import Calibration
from benign.histories.flag import Facts, Flag
from benign.histories.forecast import Odds, Trend, forecast, slope, trend
from benign.histories.history import History
from benign.histories.learning_rate import is_restarted
from benign.histories.noise import Noise
from benign.histories.overconfidence import Overconfidence, overconfidence
from benign.histories.rise import LEAST_POINTS, ErrorRise, Rise, State, error_rise, lowest_of, rise_of, state_of
from benign.histories.second_descent import LossRise, SecondDescent, largest_rise, second_descent
from benign.histories.smoothing import Curve, travelled
from benign.histories.watched import Watched, watched

Need = Literal["validation_samples", "validation_error", "classes", "train_loss", "learning_rate", "label_noise"]

WEIGHT = (
    "divergence", "not-learning", "instability", "evaluation-mode", "measurement-changed", "leak-suspicion", "shift",
    "erratic", "second-descent", "overconfidence", "overfitting", "wrong-selection-metric", "delayed-generalisation",
    "rise-unknown-end", "underfitting", "benign-interpolation", "noise-only", "plateau", "improving",
    "train-worse-than-validation", "too-few-points",
)  # fmt: skip
"""In this order flags are told: what is broken, what happened, where it stands; :func:`in_order` has the exceptions."""

_MANY_SAMPLES = 1_000_000
_NEAR = 7  # the extreme of more neighbours is one of chance


@dataclass(frozen=True, kw_only=True)
class Landmark:
    """A place of the curve that is watched.

    Attributes:
        place: among its points.
        time: of it.
        value: as recorded.
        low: the level of the smoothed curve there, less two standard errors of comparing it with lowest and end.
        high: the same above it.
        earliest: since when the curve, without interruption, cannot be told from this level.
        latest: until when.
    """

    place: int
    time: float
    value: float
    low: float
    high: float
    earliest: float
    latest: float


@dataclass(frozen=True, kw_only=True)
class Landmarks:
    """The places that count.

    Attributes:
        best: the lowest; before a second descent the lowest until then.
        peak: of a second descent, or the highest since the best where the curve has risen.
        second_best: the lowest after the peak of a second descent.
        last: the end.
    """

    best: Landmark
    peak: Landmark | None
    second_best: Landmark | None
    last: Landmark


@dataclass(frozen=True, kw_only=True, eq=False)
class Smooth:
    """The curve that is watched without its jitter.

    Attributes:
        times: of its points.
        values: in the unit in which it was recorded.
        compared: on the scale on which it is compared: the log of a loss.
        se: of the rise of each point above the lowest, on that scale.
        low: values two of them lower.
        high: values two of them higher.
    """

    times: Curve
    values: Curve
    compared: Curve
    se: Curve
    low: Curve
    high: Curve


@dataclass(frozen=True, kw_only=True, eq=False)
class Reading:
    """Everything that the rule reads of a history, without a word on it.

    Attributes:
        points: at how many times the curve that is watched was recorded.
        watched: that curve; None where none was recorded at all.
        noise: what is chance in it.
        smooth: the curve without its jitter.
        state: where it stands.
        rise: from its lowest to its end; None of too few points.
        error: whether the validation error rose; None where that is not known.
        train: the largest rise of the training loss; None where it was not recorded.
        landmarks: None where nothing was recorded.
        second_descent: None where there is none.
        overconfidence: None where loss, error or the number of classes is not known.
        calibration: measured on predicted probabilities, where they were given.
        slope: of the watched curve in log time, over the last quarter.
        trend: what that is called.
        forecast: the odds of a new best of the validation loss, for 2, 5 and 10 times the time; empty without one.
        flags: every code that applies, in order of weight.
        needs: what is not known and would decide something.
    """

    points: int
    watched: Watched | None
    noise: Noise | None
    smooth: Smooth | None
    state: State
    rise: Rise | None = None
    error: ErrorRise | None = None
    train: LossRise | None = None
    landmarks: Landmarks | None = None
    second_descent: SecondDescent | None = None
    overconfidence: Overconfidence | None = None
    calibration: Calibration | None = None
    slope: float = 0.0
    trend: Trend = "level"
    forecast: Mapping[int, Odds] = field(default_factory=dict)
    flags: tuple[Flag, ...] = ()
    needs: tuple[Need, ...] = ()


def read_history(history: History, *, calibration: Calibration | None = None) -> Reading:
    """Read one training run.

    Args:
        history: on the axis of its validation.
        calibration: of its predicted probabilities; then the rise has the standard error of paired differences.

    Returns:
        All numbers; of fewer than eight evaluations only what a single one can show.

    >>> steps = np.arange(1.0, 101.0)
    >>> read_history(History(times=steps, validation_loss=steps**-0.5, validation_samples=10_000)).state.name
    'improving'
    """
    curve = watched(history, paired_se=None if calibration is None else calibration.log_rise_se)
    train = None if history.train_loss is None else largest_rise(history.train_loss)
    if curve is None or curve.raw.size < LEAST_POINTS:
        return _too_few(history, curve, train)
    rise = rise_of(curve.smooth, curve.noise)
    diverged = checks.divergence(history, train)
    state = State(name="diverged") if diverged else state_of(rise, curve.noise)
    facts = _facts(history, curve, rise, train, state, None if calibration is None else calibration.given_back)
    flags = (diverged, *(check(facts) for check in _CHECKS))
    risen = facts.state.name == "risen"
    is_known = not curve.noise.refused and not is_restarted(history.learning_rate)
    foreseeable = facts.is_loss and curve.scale.kind == "log" and not diverged and is_known
    return Reading(
        points=curve.raw.size,
        watched=curve,
        noise=curve.noise,
        smooth=_smooth(curve),
        state=facts.state,
        rise=rise,
        error=facts.error,
        train=train,
        landmarks=_landmarks(curve, facts.descent, risen=risen),
        second_descent=facts.descent,
        overconfidence=facts.overconfidence,
        calibration=calibration,
        slope=facts.slope,
        trend=trend(facts.slope),
        forecast=forecast(rise.log, facts.slope, rise.se, risen=risen) if foreseeable else {},
        flags=in_order((flag for flag in flags if flag is not None), curve.raw.size, facts.descent),
        needs=_needs(facts),
    )


_CHECKS: tuple[Callable[[Facts], Flag | None], ...] = (
    checks.not_learning,
    checks.instability,
    checks.evaluation_mode,
    checks.measurement_changed,
    checks.leak_suspicion,
    checks.erratic,
    checks.delayed_generalisation,
    judgements.second_descent,
    judgements.overconfidence,
    judgements.overfitting,
    judgements.wrong_selection_metric,
    judgements.rise_unknown_end,
    judgements.underfitting,
    judgements.benign_interpolation,
    judgements.noise_only,
    judgements.plateau,
    judgements.improving,
    lambda facts: checks.train_worse_than_validation(facts.history),
    lambda facts: checks.shift(facts.history),
)


def in_order(flags: Iterable[Flag], points: int, found: SecondDescent | None) -> tuple[Flag, ...]:
    """The flags by weight.

    The order is :data:`WEIGHT`, except that an error that is up comes before what a temperature mends; a spike of the
    training loss that is over counts last unless it explains a second descent; and of three to seven points it is said
    first that they are too few.
    """
    flags = list(flags)
    codes = {flag.code for flag in flags}

    def weight(flag: Flag) -> float:
        place = float(WEIGHT.index(flag.code))
        if flag.code == "instability" and not flag.evidence["now"]:
            explains = found is not None and found.explained_by == "train-rise"
            return place if explains else len(WEIGHT)
        if flag.code == "overfitting" and "overconfidence" in codes:
            return WEIGHT.index("overconfidence") - 0.5
        if flag.code == "too-few-points" and points > 2 and "divergence" not in codes:
            return -1.0
        return place

    return tuple(sorted(flags, key=weight))


def _too_few(history: History, curve: Watched | None, train: LossRise | None) -> Reading:
    points = 0 if curve is None else curve.raw.size
    few = Flag(code="too-few-points", evidence={"points": float(points), "least": float(LEAST_POINTS)})
    diverged = checks.divergence(history, None)
    found = [diverged, checks.train_worse_than_validation(history), checks.shift(history), few]
    return Reading(
        points=points,
        watched=curve,
        noise=None if curve is None else curve.noise,
        smooth=None if curve is None else _smooth(curve),
        state=State(name="diverged" if diverged else "undecided"),
        train=train,
        landmarks=None if curve is None else _landmarks(curve, None, risen=False),
        flags=in_order((flag for flag in found if flag is not None), points, None),
    )


def _facts(
    history: History, curve: Watched, rise: Rise, train: LossRise | None, state: State, given_back: float | None
) -> Facts:
    error = error_rise(history)
    return Facts(
        history=history,
        watched=curve,
        state=state,
        rise=rise,
        error=error,
        descent=_second_descent(history, curve),
        overconfidence=_overconfidence(history, curve, rise, error),
        train=train,
        slope=slope(curve.times, curve.smooth),
        given_back=given_back,
    )


def _second_descent(history: History, curve: Watched) -> SecondDescent | None:
    """Of the validation curve; a training curve that does it is unstable."""
    if not curve.name.startswith("validation"):
        return None
    averaged = {"validation loss": history.averaged_loss, "validation error": history.averaged_error}.get(curve.name)
    compared = None
    if averaged is not None and not (curve.scale.kind == "log" and np.nanmin(averaged, initial=np.inf) <= 0):
        compared = curve.scale.of(averaged[curve.rows])
    return second_descent(
        curve.smooth,
        curve.noise,
        rate=None if history.learning_rate is None else history.learning_rate[curve.rows],
        train=None if history.train_loss is None else history.train_loss[curve.rows],
        averaged=compared,
    )


def _overconfidence(history: History, curve: Watched, rise: Rise, error: ErrorRise | None) -> Overconfidence | None:
    if curve.name != "validation loss" or curve.scale.kind != "log" or error is None or history.classes is None:
        return None
    end, lowest = (float(curve.scale.back(np.array([level]))[0]) for level in (rise.end, curve.smooth[rise.lowest]))
    return overconfidence(end, lowest, error.end, history.classes, error.validation_samples)


def _smooth(curve: Watched) -> Smooth:
    noise, compared = curve.noise, curve.smooth
    way = travelled(compared)
    since = np.abs(way - way[lowest_of(compared)])
    se = np.sqrt(noise.jitter + (noise.base + noise.growth * since) / noise.validation_samples)
    one, other = curve.scale.back(compared - 2 * se), curve.scale.back(compared + 2 * se)
    return Smooth(
        times=curve.times,
        values=curve.scale.back(compared),
        compared=compared,
        se=se,
        low=np.minimum(one, other),
        high=np.maximum(one, other),
    )


def _ses(noise: Noise, ways: Curve) -> Curve:
    """The standard errors of differences between points with these ways between them."""
    return np.sqrt(noise.jitter + (noise.base + noise.growth * ways) / noise.validation_samples)


def _landmarks(curve: Watched, found: SecondDescent | None, *, risen: bool) -> Landmarks:
    smooth = curve.smooth
    best = lowest_of(smooth) if found is None else found.valley
    peak = None if found is None else found.peak
    if peak is None and risen:
        peak = best + int(np.argmax(smooth[best:]))
    return Landmarks(
        best=_landmark(curve, best, np.argmin),
        peak=None if peak is None else _landmark(curve, peak, np.argmax),
        second_best=None if found is None else _landmark(curve, found.minimum, np.argmin),
        last=_landmark(curve, smooth.size - 1, None),
    )


def _landmark(curve: Watched, place: int, extreme: Callable[[Float[np.ndarray, " near"]], np.intp] | None) -> Landmark:
    """The recorded extreme within half a window of the smoothed one; the end is the last point."""
    half = min(curve.noise.window // 2, _NEAR)
    way = travelled(curve.smooth)
    between = np.abs(way - way[place])
    apart = np.flatnonzero(np.abs(curve.smooth - curve.smooth[place]) > 2 * _ses(curve.noise, between))
    after = int(np.searchsorted(apart, place))
    first = int(apart[after - 1]) + 1 if after else 0
    last = int(apart[after]) - 1 if after < apart.size else curve.raw.size - 1
    compared = curve.noise.se(float(max(between[-1], between[lowest_of(curve.smooth)])))
    level = curve.smooth[place] + np.sqrt(2) * compared * np.array([-1.0, 1.0])
    low, high = sorted(float(value) for value in curve.scale.back(level))
    if extreme is not None:
        start = max(0, place - half)
        place = start + int(extreme(curve.raw[start : place + half + 1]))
    return Landmark(
        place=place,
        time=float(curve.times[place]),
        value=float(curve.values[place]),
        low=low,
        high=high,
        earliest=float(curve.times[min(first, place)]),
        latest=float(curve.times[max(last, place)]),
    )


def _needs(facts: Facts) -> tuple[Need, ...]:
    """What is not known and would decide something: tried out where that can be tried."""
    history = facts.history
    asked: dict[Need, bool] = {
        "validation_samples": history.validation_samples is None and _samples_decide(facts),
        "validation_error": facts.has_risen and facts.is_loss and facts.error is None and not history.metrics,
        "classes": history.classes is None and _classes_decide(facts),
        "train_loss": (facts.has_risen or facts.descent is not None) and facts.train is None,
        "learning_rate": facts.descent is not None and not facts.descent.rate_checked,
        "label_noise": history.label_noise is None and judgements.underfitting(facts) is not None,
    }
    return tuple(need for need, is_asked in asked.items() if is_asked)


def _classes_decide(facts: Facts) -> bool:
    """Whether the share of overconfidence, an artefact at the start, or a model that guesses hangs on their number."""
    if facts.has_risen and facts.is_loss and facts.error is not None:
        return True
    if facts.descent is not None and checks.may_be_evaluation_mode(facts.history):
        return True
    return judgements.underfitting(facts) is not None


def _samples_decide(facts: Facts) -> bool:
    """Whether a much larger validation set would decide the state, or whether the error of a risen loss is up."""
    many = replace(facts.history, validation_samples=_MANY_SAMPLES)
    if facts.state.name == "undecided":
        noise = replace(facts.watched.noise, validation_samples=_MANY_SAMPLES)
        if state_of(rise_of(facts.watched.smooth, noise), noise).name != "undecided":
            return True
    if facts.has_risen and facts.error is not None and facts.error.answer == "undecided":
        known = error_rise(many)
        return known is not None and known.answer != "undecided"
    return False
