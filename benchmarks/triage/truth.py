"""What is true of a training where it is cut: from its population curves alone, never from its validation set.

``python benchmarks/triage/truth.py FOLDER_OR_FILE --half development`` counts truths by family.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))

from triage.cuts import cuts_of
from triage.shapes import (
    Curve,
    Shape,
    Shapes,
    gain_of,
    happened,
    largest_rise_of,
    reversal_of,
    rise_of,
    shapes_of,
)  # fmt: skip
from triage.training import Half, Training, read_trainings

from benign.histories.smoothing import iterate_sd, smoothed

State = Literal["diverged", "risen", "ambiguous", "improving", "plateau", "between"]
Descent = Literal["none", "ambiguous", "below", "to", "above"]

TIMES = (2, 5, 10)
"""Of the time of a cut: whether a new best comes until then."""

LEAST_POINTS = 8

_RISE = (0.015, 0.03)  # of the log loss
_GAIN = (0.0075, 0.0125)
_ERROR_BAND = (0.75, 1.25)  # of the rise of an error that matters
_ERROR_REVERSAL = (0.01, 0.02)
_TO_BEST = 0.01
_ERROR_TO_BEST = 0.005
_TRAIN_RISE = (0.10, 0.15)
_FINE = 0.004  # a jitter of losses and errors below which one smoothing is enough
_FINE_SHARE = 0.02  # of the range of the training loss
_ERRATIC = 0.12  # a warning begins at .15
_DIVERGED_SHARE, _DIVERGED_RATIO = 0.5, 1.3

# The variance of a difference of two log losses of one set of N samples, times N; and of two errors, as a share of that
# of independent ones. Measured on the development half, validation against population: differences below .05 have .02
# to .2 (cross-entropy) and .04 to .3 (squared), errors .05 to .28.
_BASE: Mapping[str, float] = {"cross-entropy": 0.1, "squared": 0.15}
_GROWTH = 2.0
_ERROR_SHARE = 0.3


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What is true at a cut.

    Attributes:
        state: ambiguous where the rise is neither none nor one; between where the gain is near 1 %, as it says.
        rise: of the log population loss since its lowest.
        gain: of the last quarter, in log loss.
        error_up: whether the population error rose by what matters; None where that is ambiguous, or there is no error.
        error_rise: how far; NaN where there is no error.
        given_back: what the best temperature gives back of the rise, as a share; NaN where that was not measured or
            the loss has not risen.
        descent: of the loss: where a second descent ends, against the best before it.
        error_descent: of the error.
        train_rise: whether the training loss rose by 15 % of its range; None where that is ambiguous or unknown.
        new_best: for each of :data:`TIMES`, whether a new best comes until then; None where the training ends before.
        events: what makes the log say something else than the population: changed, leak, shift, evaluation-mode; and
            what a warning would be right about: not-learning, erratic.
    """

    state: State
    rise: float
    gain: float
    error_up: bool | None
    error_rise: float
    given_back: float
    descent: Descent
    error_descent: Descent
    train_rise: bool | None
    new_best: Mapping[int, bool | None]
    events: frozenset[str]

    @property
    def is_healthy(self) -> bool:
        """Whether every warning would be a false alarm."""
        return self.state in ("improving", "plateau", "between") and self.train_rise is not True and not self.events

    @property
    def is_measured(self) -> bool:
        """Whether the log tells of the population: nothing was changed in it, leaked into it or shifted."""
        return not self.events & {"changed", "leak", "shift"}


def truth_at(training: Training, cut: int) -> Truth:
    """The truth after the first ``cut`` evaluations."""
    events = _events(training, cut)
    train, loss, error = _train_shapes(training, cut), _loss_shapes(training, cut), _error_shapes(training, cut)
    if not loss or _has_diverged(training, cut, train):
        return Truth(
            state="diverged", rise=math.nan, gain=math.nan, error_up=None, error_rise=math.nan, given_back=math.nan,
            descent="none", error_descent="none", train_rise=None, new_best=dict.fromkeys(TIMES), events=events,
        )  # fmt: skip
    gain = max(map(gain_of, loss))
    state = _state(loss, gain)
    return Truth(
        state=state,
        rise=max(map(rise_of, loss)),
        gain=gain,
        error_up=_is_error_up(error) if error else None,
        error_rise=max(map(rise_of, error), default=math.nan),
        given_back=_given_back(training, cut, loss[0]) if state == "risen" else math.nan,
        descent=_descent(loss, _RISE, _TO_BEST),
        error_descent=_descent(error, _ERROR_REVERSAL, _ERROR_TO_BEST),
        train_rise=_train_rise(train) if train else None,
        new_best={k: _new_best(training, cut, k) for k in TIMES},
        events=events,
    )


def population(training: Training, quantity: str) -> Curve | None:
    """The population curve of the weights that the log shows; None where it was not measured."""
    averaged = "averaged_" if training.settings.get("shows_averaged") else ""
    curve = training.curves.get(f"{averaged}population_{quantity}")
    return None if curve is None or not np.isfinite(curve).any() else curve


def trainings_of(path: Path, half: Half | None = None) -> Iterator[Training]:
    """Of a file, or of every file below a folder."""
    files = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
    for file in files:
        yield from read_trainings(file, half)


def _state(loss: Shapes, gain: float) -> State:
    """Where few population samples leave the rise open, a gain far beyond their error still excludes one."""
    low, high = _GAIN
    has_risen = happened(loss, rise_of, *_RISE)
    if has_risen:
        return "risen"
    falls = gain > high + 2 * loss[0].sampling(gain) and max(map(rise_of, loss)) <= _RISE[0]
    if has_risen is None and not falls:
        return "ambiguous"
    return "improving" if gain > high else "plateau" if gain < low else "between"


def _loss_shapes(training: Training, cut: int) -> Shapes:
    """Of the log population loss; none where it ends as no number."""
    curve = population(training, "loss")
    if curve is None or not np.isfinite(curve[cut - 1]):
        return ()
    samples = float(training.settings["population_samples"])
    base = _BASE[str(training.settings["loss"])] / samples if samples else 0.0
    return shapes_of(_logs(curve[:cut]), fine=_FINE, base=base, growth=_GROWTH / samples if samples else 0.0)


def _logs(curve: Curve) -> Curve:
    return np.log(curve[np.isfinite(curve)])


def _error_shapes(training: Training, cut: int) -> Shapes:
    curve = population(training, "error")
    if curve is None or not np.isfinite(curve[cut - 1]):
        return ()
    seen = curve[:cut][np.isfinite(curve[:cut])]
    samples = float(training.settings["population_samples"])
    level = float(seen.mean())
    variance = 2 * _ERROR_SHARE * level * (1 - level) / samples if samples else 0.0
    return shapes_of(seen, fine=_FINE, base=variance)


def _is_error_up(error: Shapes) -> bool | None:
    """Whether it rose by what matters; a lowest of one finite population is too low by half a standard error."""
    matters = max(0.0175, 0.035 * error[0].lowest)
    low, high = (share * matters for share in _ERROR_BAND)
    return happened(error, lambda shape: rise_of(shape) - 0.5 * shape.sampling(), low, high)


def _given_back(training: Training, cut: int, loss: Shape) -> float:
    calibrated = training.curves.get("calibrated_population_loss")
    if calibrated is None or training.settings.get("shows_averaged") or not np.isfinite(calibrated[cut - 1]):
        return math.nan
    lowest, end = math.exp(loss.lowest), math.exp(loss.end)
    if not end > lowest:  # only the wider means have risen
        return math.nan
    left = math.exp(shapes_of(_logs(calibrated[:cut]), fine=_FINE)[0].end)
    return (end - left) / (end - lowest)


def _descent(shapes: Shapes, band: tuple[float, float], to_best: float) -> Descent:
    is_there = happened(shapes, lambda shape: reversal_of(shape).size, *band)
    if not is_there:
        return "none" if is_there is False else "ambiguous"
    shape = next(shape for shape in shapes if shape.exceeds(reversal_of(shape).size, *band))
    difference, margin = reversal_of(shape).difference, max(to_best, 2 * shape.sampling())
    return "below" if difference < -margin else "above" if difference > margin else "to"


def _train_shapes(training: Training, cut: int) -> Shapes:
    """Of the training loss in evaluation mode, else of what the log shows; none where neither is long enough."""
    curve = training.curves.get("train_loss", training.curves.get("running_train_loss"))
    if curve is None:
        return ()
    seen = curve[:cut][np.isfinite(curve[:cut])]
    return shapes_of(seen, fine=_FINE_SHARE * float(np.ptp(seen))) if seen.size >= LEAST_POINTS else ()


def _train_rise(train: Shapes) -> bool | None:
    """Whether it rose by 15 % of its range."""
    span = float(np.ptp(train[0].levels))
    low, high = _TRAIN_RISE
    return happened(train, largest_rise_of, low * span, high * span) if span > 0 else False


def _has_diverged(training: Training, cut: int, train: Shapes) -> bool:
    """The training loss is no number at the end, or far above its start and near its highest."""
    curve = training.curves.get("train_loss", training.curves.get("running_train_loss"))
    if curve is not None and np.isinf(curve[cut - 1]):
        return True
    if not train or train[0].levels[0] <= 0:
        return False
    shape = train[0]
    now = (shape.end - shape.lowest) / max(float(np.ptp(shape.levels)), np.finfo(float).tiny)
    return shape.end > _DIVERGED_RATIO * shape.levels[0] and now > _DIVERGED_SHARE


def _new_best(training: Training, cut: int, k: int) -> bool | None:
    """Whether the population loss falls below its best by 1 % within k times the time; None where that is not known."""
    until = k * float(training.times[cut - 1])
    if training.times[-1] < until * (1 - 1e-9):
        return None
    curve = population(training, "loss")
    assert curve is not None
    ends = int(np.searchsorted(training.times, until * (1 + 1e-9), side="right"))
    seen, later = int(np.isfinite(curve[:cut]).sum()), _logs(curve[:ends])
    return seen < later.size and any(_is_new_best(shape, seen) for shape in shapes_of(later, fine=_FINE))


def _is_new_best(shape: Shape, seen: int) -> bool:
    """Whether a curve falls below its first part, by 1 % and what luck and jitter could do."""
    further = shape.luck() - shape.luck(seen) + shape.jitter
    return float(shape.levels[:seen].min() - shape.levels[seen:].min()) - further > _TO_BEST


def _events(training: Training, cut: int) -> frozenset[str]:
    settings, time = training.settings, float(training.times[cut - 1])
    found = {name for name in ("leak", "shift") if float(settings.get(name, 0.0)) > 0}
    if 0 < float(settings.get("changed_at", math.inf)) <= time:
        found.add("changed")
    if _starts_in_evaluation_mode(training):
        found.add("evaluation-mode")
    if _learns_nothing(training, cut):
        found.add("not-learning")
    curve = population(training, "loss")
    finite = np.empty(0) if curve is None else curve[:cut][np.isfinite(curve[:cut])]
    if finite.size >= LEAST_POINTS and iterate_sd(np.log(finite)) > _ERRATIC:
        found.add("erratic")
    return frozenset(found)


def _starts_in_evaluation_mode(training: Training) -> bool:
    """Whether losses are first far above guessing in evaluation mode, of training samples too, and not in training."""
    classes = int(training.settings["classes"])
    curves = population(training, "loss"), training.curves.get("train_loss"), training.curves.get("running_train_loss")
    if classes < 2 or training.settings["loss"] != "cross-entropy":
        return False
    measured, evaluated, running = (math.nan if curve is None else _start(curve) for curve in curves)
    return min(measured, evaluated) > 1.25 * math.log(classes) > 1.1 * math.log(classes) > running


def _start(curve: Curve) -> float:
    finite = curve[np.isfinite(curve)]
    return float(np.median(finite[: max(1, finite.size // 20)])) if finite.size else math.nan


def _learns_nothing(training: Training, cut: int) -> bool:
    classes = int(training.settings["classes"])
    curve = training.curves.get("train_error", training.curves.get("running_train_error"))
    if classes < 2 or curve is None:
        return False
    seen = curve[:cut][np.isfinite(curve[:cut])]
    return bool(seen.size) and float(smoothed(seen).min()) > 0.9 * (1 - 1 / classes)


COUNTED: Mapping[str, Callable[[Truth], bool]] = {
    "risen": lambda truth: truth.state == "risen",
    "healthy": lambda truth: truth.is_healthy,
    "ambiguous": lambda truth: truth.state == "ambiguous",
    "diverged": lambda truth: truth.state == "diverged",
    "below": lambda truth: truth.descent == "below",
    "to/above": lambda truth: truth.descent in ("to", "above"),
    "of error": lambda truth: truth.error_descent in ("below", "to", "above"),
    "error up": lambda truth: truth.state == "risen" and truth.error_up is True,
    "not up": lambda truth: truth.state == "risen" and truth.error_up is False,
    "improving": lambda truth: truth.state == "improving",
    "plateau": lambda truth: truth.state == "plateau",
    "events": lambda truth: bool(truth.events),
}


def composition(trainings: Iterable[Training], *, seed: int = 0) -> dict[str, Counter[str]]:
    """For each family how many trainings and cuts it has, and in how many cuts each truth of :data:`COUNTED` holds."""
    counts: dict[str, Counter[str]] = {}
    for training in trainings:
        family = counts.setdefault(training.family, Counter())
        family.update({"trainings": 1, "linear": int(training.linear)})
        for cut in cuts_of(training, seed):
            truth = truth_at(training, cut)
            held = {name: int(holds(truth)) for name, holds in COUNTED.items()}
            family.update({"cuts": 1, **held})
            family["below, not linear"] += held["below"] * (not training.linear)
    return counts


def main() -> None:
    """Print the table of a half."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--half", choices=("development", "untouched"), default="development")
    arguments = parser.parse_args()
    counts = composition(trainings_of(arguments.path, arguments.half))
    whole: Counter[str] = Counter()
    for family in counts.values():
        whole.update(family)
    names = ["trainings", "linear", "cuts", *COUNTED, "below, not linear"]
    widths = [max(6, len(name)) for name in names]
    print(" " * 24 + "  ".join(name.rjust(width) for name, width in zip(names, widths, strict=True)))
    for title, row in [*sorted(counts.items()), ("all", whole)]:
        cells = (str(row[name]).rjust(width) for name, width in zip(names, widths, strict=True))
        print(f"{title:<24}" + "  ".join(cells))
    print("\n".join(missing(whole)))


def missing(whole: Mapping[str, int]) -> list[str]:
    """What a half still lacks of what was fixed beforehand."""
    least = {"trainings": 800, "risen": 300, "healthy": 300, "below": 80, "of error": 40}
    said = [f"{name}: {whole[name]} of at least {count}" for name, count in least.items() if whole[name] < count]
    if 2 * whole["below, not linear"] < whole["below"]:
        said.append("more than half of the second descents below are linear")
    if whole["ambiguous"] > 0.15 * whole["cuts"]:
        said.append(f"ambiguous: {whole['ambiguous']} of {whole['cuts']} cuts are more than 15 %")
    if whole["linear"] > 0.25 * whole["trainings"]:
        said.append(f"linear: {whole['linear']} of {whole['trainings']} trainings are more than 25 %")
    return said


if __name__ == "__main__":
    main()
