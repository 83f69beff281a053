"""The picture of a history: what was recorded, what is chance in it, where it turned and where it may go."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from benign.foundation.errors import invalid
from benign.histories.flag import is_broken
from benign.histories.forecast import spread
from benign.histories.history import Curve, History
from benign.histories.rule import Landmarks, Reading
from benign.histories.smoothing import smoothed
from benign.histories.watched import Watched, error_variance, finite
from benign.plots import CurveDisplay, Display, Mark, Role, Series, StackedDisplay, Threshold

_AHEAD = 5.0  # times the time so far
_POINTS_AHEAD = 30


def picture(history: History, reading: Reading) -> Display:
    """The watched curve with the training curve; below it the errors, and the learning rate where it changed.

    Raises:
        InvalidArgument: where no curve was read.
    """
    watched = reading.watched
    if watched is None:
        raise invalid("history", "has no curve that could be drawn.")
    panels = [_main(history, reading, watched), *_errors(history, watched), *_rates(history)]
    return panels[0] if len(panels) == 1 else StackedDisplay(title=panels[0].title, panels=tuple(panels))


def _main(history: History, reading: Reading, watched: Watched) -> CurveDisplay:
    is_log = watched.scale.kind == "log"
    series = [_dots("recorded", watched.times, watched.values), *_smooth(reading), *_train(history, watched)]
    if watched.name == "validation loss":
        series += _averaged(history, history.averaged_loss, 1.0)
    ahead = tuple(_ahead(reading, watched))
    odds = [f"{100 * one.probability:.0f} % within {k}" for k, one in reading.forecast.items()]
    told = " Beyond its end: where its slope leads, with the middle 80 %; chance of a new best "
    told = f"{told}{', '.join(odds)} times the time so far." if ahead else ""
    return CurveDisplay(
        title="Training log" if watched.name.startswith("validation") else "Training log, without validation",
        series=(*series, *ahead),
        marks=tuple(_marks(reading)),
        threshold=_now(history, reading),
        x_label=history.axis,
        y_label=watched.metric or watched.name.split()[-1],
        y_log=is_log,
        caption=f"Line: {watched.name} without its jitter; band: two standard errors.{told}",
        position_name=f"{history.axis}s",
    )


def _smooth(reading: Reading) -> Iterator[Series]:
    smooth, marks = reading.smooth, reading.landmarks
    if smooth is None or marks is None:
        return
    ends = np.array([smooth.times[0], smooth.times[-1]])
    if ends[1] > ends[0]:
        yield _line(_first(marks), ends, np.full(2, marks.best.value), Role.REFERENCE)
    name = "validation" if reading.watched and reading.watched.name.startswith("validation") else "smooth"
    yield Series(name=name, positions=smooth.times, median=smooth.values, low=smooth.low, high=smooth.high)


def _train(history: History, watched: Watched) -> Iterator[Series]:
    curve = {"validation loss": history.train_loss, "validation error": history.train_error}.get(watched.name)
    times, values = finite(history.times, curve)
    if times.size:
        yield _line("train", times, values, Role.TRAIN)


def _averaged(history: History, curve: Curve | None, unit: float) -> list[Series]:
    times, values = finite(history.times, curve)
    return [_line("averaged weights", times, unit * values, Role.REMEDY)] if times.size else []


def _ahead(reading: Reading, watched: Watched) -> Iterator[Series]:
    """Its slope in log time, if that goes on: the median, and the middle 80 %."""
    rise = reading.rise
    if not reading.forecast or rise is None or any(map(is_broken, reading.flags)):
        return
    times = watched.times[-1] * np.geomspace(1.0, _AHEAD, _POINTS_AHEAD)
    log_time = np.log(times / watched.times[-1])
    middle = rise.end + reading.slope * log_time
    wide = 1.28 * np.array([spread(max(rise.log, 0.0), reading.slope, rise.se, k) for k in np.exp(log_time)])
    low, line, high = (watched.scale.back(middle + sign * wide) for sign in (-1.0, 0.0, 1.0))
    yield Series(name="if its slope goes on", positions=times, median=line, low=low, high=high, role=Role.NORM)


def _marks(reading: Reading) -> Iterator[Mark]:
    marks = reading.landmarks
    if marks is None:
        return
    named = {_first(marks): marks.best, "peak": marks.peak, "second best": marks.second_best}
    for label, mark in named.items():
        if mark is not None:
            yield Mark(position=mark.time, value=mark.value, label=label)


def _first(marks: Landmarks) -> str:
    return "best" if marks.second_best is None else "first best"


def _now(history: History, reading: Reading) -> Threshold | None:
    if not reading.forecast or reading.watched is None:
        return None
    last = float(reading.watched.times[-1])
    return Threshold(position=last, low=last, high=last, label=f"the log ends at {history.axis}")


def _errors(history: History, watched: Watched) -> Iterator[CurveDisplay]:
    times, errors = finite(history.times, history.validation_error)
    if watched.name != "validation loss" or times.size < 3:
        return
    smooth, samples = smoothed(errors), watched.noise.validation_samples
    wide = 2 * np.array([math.sqrt(error_variance(share, share) / samples) for share in smooth.tolist()])
    low, high = 100 * np.maximum(smooth - wide, 0.0), 100 * np.minimum(smooth + wide, 1.0)
    series = [
        _dots("recorded", times, 100 * errors),
        Series(name="validation", positions=times, median=100 * smooth, low=low, high=high),
    ]
    ours = finite(history.times, history.train_error)
    if ours[0].size:
        series.append(_line("train", ours[0], 100 * ours[1], Role.TRAIN))
    series += _averaged(history, history.averaged_error, 100.0)
    yield CurveDisplay(title="", series=tuple(series), x_label=history.axis, y_label="error, %", y_log=False)


def _rates(history: History) -> Iterator[CurveDisplay]:
    times, rates = finite(history.times, history.learning_rate)
    if times.size < 2 or not np.ptp(rates) > 0.0:
        return
    line = _line("learning rate", times, rates, Role.REFERENCE)
    yield CurveDisplay(title="", series=(line,), x_label=history.axis, y_label="learning rate")


def _line(name: str, times: Curve, values: Curve, role: Role) -> Series:
    return Series(name=name, positions=times, median=values, low=values, high=values, role=role)


def _dots(name: str, times: Curve, values: Curve) -> Series:
    """A dot at each value: between two of them nothing was recorded, and no line is drawn."""
    positions, dots = _apart(times), np.full(2 * times.size - 1, np.nan)
    dots[::2] = values
    return _line(name, positions, dots, Role.REFERENCE)


def _apart(times: Curve) -> Float[np.ndarray, " places"]:
    """The times, with one between each two."""
    positions = np.empty(2 * len(times) - 1)
    positions[::2] = times
    positions[1::2] = np.sqrt(positions[:-2:2] * positions[2::2])
    return positions
