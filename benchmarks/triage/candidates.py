"""What could tell, of a loss that has risen, whether it will come below its best: candidates, read at the cut.

Each is one number or two, of what a log or a recorder holds until the cut, of what the user knows of the training, or
of the schedule that is still to come; never of the population.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from triage.cuts import history_at
from triage.training import Curve, Training

from benign.histories.forecast import slope, spread
from benign.histories.learning_rate import RAISED
from benign.histories.rise import level_at_end
from benign.histories.rule import Reading, read_history
from benign.histories.smoothing import smoothed

Numbers = tuple[float, ...]
Source = Literal["log", "recorder", "told", "schedule", "bank alone"]

_OWN = frozenset({"label_noise", "validation_label_noise", "learning_rate", "weight_decay", "seed", "leak"})
_TO_BEST = 0.01
_LEAST = 8

_FITTED = 0.005
_LOWEST_RATE = 1e-3  # of the highest so far


@dataclass(frozen=True, kw_only=True, eq=False)
class Seen:
    """A training until a cut.

    Attributes:
        training: whole; of what comes after the cut only the learning rate may be read.
        points: how many evaluations are seen.
        reading: what the rule read of them.
        group: the trainings that share its configuration, itself among them.
    """

    training: Training
    points: int
    reading: Reading
    group: tuple[Training, ...]

    @cached_property
    def times(self) -> Curve:
        return self.training.times[: self.points]

    @property
    def rise(self) -> float:
        """Of the log validation loss."""
        assert self.reading.rise is not None
        return self.reading.rise.log

    @cached_property
    def best_time(self) -> float:
        """When the smoothed validation loss was lowest."""
        assert self.reading.rise is not None
        assert self.reading.watched is not None
        return float(self.reading.watched.times[self.reading.rise.lowest])

    @property
    def validation(self) -> str:
        """The curve that the log shows as validation loss."""
        return "averaged_val_loss" if self.training.settings.get("shows_averaged") else "val_loss"

    def told(self, name: str) -> float:
        return float(self.training.settings.get(name, math.nan))

    def track(self, *names: str, log: bool = False) -> Track | None:
        """The first of these curves that was recorded at eight times or more, or its logarithm where it is positive."""
        for name in names:
            if name in self.training.curves:
                values = self.training.curves[name][: self.points]
                kept = np.isfinite(values) & ((values > 0) | (not log))
                if np.count_nonzero(kept) >= _LEAST:
                    values = np.log(values[kept]) if log else values[kept]
                    return Track(times=self.times[kept], smooth=smoothed(values))
        return None

    def rates(self) -> tuple[Curve, Curve]:
        """Learning rates until the cut and after it, as shares of the highest so far; where none is known it stays."""
        rates = self.training.curves.get("learning_rate", np.ones(self.training.times.size))
        rates = np.maximum(rates / rates[: self.points].max(), _LOWEST_RATE)
        return rates[: self.points], rates[self.points :]


@dataclass(frozen=True, kw_only=True, eq=False)
class Track:
    """A curve until the cut without its jitter."""

    times: Curve
    smooth: Curve

    @property
    def end(self) -> float:
        return level_at_end(self.smooth)

    @property
    def slope(self) -> float:
        """In log time, over the last quarter."""
        return slope(self.times, self.smooth)

    @property
    def rise(self) -> float:
        return self.end - float(self.smooth.min())

    def at(self, time: float) -> float:
        return float(self.smooth[min(int(np.searchsorted(self.times, time)), self.smooth.size - 1)])

    def since(self, time: float) -> float:
        """How far the end lies above what it was then."""
        return self.end - self.at(time)


Read = Callable[[Seen, float], Numbers | None]


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A number or two, or None where they cannot be read.

    Attributes:
        name: as it is printed.
        source: who has it: whoever holds a log of losses, errors and learning rates; only a recorder; the user, who
            knows settings or the schedule; nobody but the bank.
        read: of a training until a cut, for k times the time.
    """

    name: str
    source: Source
    read: Read


def siblings_of(training: Training) -> str:
    """What trainings of one configuration share: all settings but noise, rates, decay and seeds."""
    shared = {name: value for name, value in training.settings.items() if name not in _OWN}
    return f"{training.family} {training.times.size} {sorted(shared.items())}"


def score(rise: float, sigma: float, se: float, k: float) -> float:
    """The number z that the odds of the rule hang on: how surely the slope leads below the best within k times."""
    return -(_TO_BEST + rise + sigma * math.log(k)) / spread(rise, sigma, se, k)


# Of the validation curve itself: they show whether the rule's own number leaves something in it.


def _since_best(seen: Seen, _k: float) -> Numbers:
    return (math.log(seen.times[-1] / seen.best_time),)


def _fallen(seen: Seen, _k: float) -> Numbers | None:
    """The share of its rise that it has fallen again."""
    track = seen.track(seen.validation, log=True)
    if track is None:
        return None
    since = track.smooth[track.times >= seen.best_time]
    highest = float(since.max()) - float(since[0])
    return ((float(since.max()) - track.end) / max(highest, 1e-9),)


def _error_risen(seen: Seen, _k: float) -> Numbers | None:
    error = seen.reading.error
    return None if error is None else (error.rise, error.rise / max(error.se, 1e-9))


def _error_slope(seen: Seen, _k: float) -> Numbers | None:
    track = seen.track(seen.validation.replace("loss", "error"))
    return None if track is None else (track.slope,)


def _overconfidence(seen: Seen, _k: float) -> Numbers | None:
    found = seen.reading.overconfidence
    return None if found is None or found.certified_share is None else (max(found.certified_share, -1.0),)


# Of training.


def _train_error(seen: Seen, _k: float) -> Numbers | None:
    track = seen.track("train_error", "running_train_error")
    return None if track is None else (math.log(max(track.end, 0.0) + _FITTED),)


def _fitted_and_risen(seen: Seen, k: float) -> Numbers | None:
    """Train error 0, and the rise of the validation error where it is and where it is not."""
    track, risen = seen.track("train_error", "running_train_error"), _error_risen(seen, k)
    if track is None or risen is None:
        return None
    fitted = float(track.end < _FITTED)
    return (fitted, risen[0] * fitted)


def _train_slope(seen: Seen, _k: float) -> Numbers | None:
    track = seen.track("train_loss", "running_train_loss", log=True)
    return None if track is None else (track.slope,)


def _train_risen(seen: Seen, _k: float) -> Numbers | None:
    """How far the training loss lies above its lowest, and since the best of validation, in logarithms."""
    track = seen.track("train_loss", "running_train_loss", log=True)
    return None if track is None else (track.rise, track.since(seen.best_time))


def _gap(seen: Seen, _k: float) -> Numbers | None:
    train, validation = seen.track("train_loss", "running_train_loss", log=True), seen.track(seen.validation, log=True)
    return None if train is None or validation is None else (validation.end - train.end,)


def _error_of(name: str) -> Read:
    def read(seen: Seen, _k: float) -> Numbers | None:
        track = seen.track(name) if seen.told("label_noise") > 0 else None
        return None if track is None else (track.end, track.slope)

    return read


def _flipped_left(seen: Seen, _k: float) -> Numbers | None:
    """The share of flipped labels that is not fitted yet, less that of kept ones; and what it fell since the best."""
    flipped, kept = seen.track("flipped_train_error"), seen.track("kept_train_error")
    if flipped is None or kept is None or not seen.told("label_noise") > 0:
        return None
    return (flipped.end - kept.end, flipped.since(seen.best_time))


# Of averaged weights beside raw ones.


def _beside(seen: Seen) -> tuple[Track, Track] | None:
    raw, averaged = seen.track("val_loss", log=True), seen.track("averaged_val_loss", log=True)
    return None if raw is None or averaged is None else (raw, averaged)


def _averaged_below(seen: Seen, _k: float) -> Numbers | None:
    tracks = _beside(seen)
    return None if tracks is None else (tracks[1].end - tracks[0].end,)


def _averaged_against_best(seen: Seen, _k: float) -> Numbers | None:
    """How far averaged weights lie now above the raw best: below 0 a new best is there for the taking."""
    tracks = _beside(seen)
    return None if tracks is None else (tracks[1].end - float(tracks[0].smooth.min()),)


def _averaged_risen(seen: Seen, _k: float) -> Numbers | None:
    """How far the averaged curve has risen itself, and as a share of the rise."""
    tracks = _beside(seen)
    return None if tracks is None else (tracks[1].rise, tracks[1].rise / max(tracks[0].rise, 0.02))


def _averaged_slope(seen: Seen, _k: float) -> Numbers | None:
    tracks = _beside(seen)
    return None if tracks is None else (tracks[1].slope,)


def _averaged_score(seen: Seen, k: float) -> Numbers | None:
    """The number of the rule, of the averaged curve."""
    tracks = _beside(seen)
    if tracks is None or seen.reading.rise is None:
        return None
    return (score(tracks[1].rise, tracks[1].slope, seen.reading.rise.se, k),)


def _averaged_train(seen: Seen, _k: float) -> Numbers | None:
    raw, averaged = seen.track("train_loss", log=True), seen.track("averaged_train_loss", log=True)
    return None if raw is None or averaged is None else (averaged.end - raw.end,)


# Of a second training of the same configuration.


def _sibling(seen: Seen, k: float) -> Numbers | None:
    """The number of the rule, of the sibling nearest in noise and learning rate, at the same time."""
    others = [other for other in seen.group if other.name != seen.training.name]
    if not others:
        return None

    def apart(other: Training) -> float:
        rates = (float(one.settings["learning_rate"]) for one in (other, seen.training))
        noises = (float(one.settings["label_noise"]) for one in (other, seen.training))
        return abs(math.log(next(rates) / next(rates))) + 5 * abs(next(noises) - next(noises))

    nearest = min(others, key=lambda other: (apart(other), other.name))
    reading = read_history(history_at(nearest, seen.points))
    return None if reading.rise is None else (score(reading.rise.log, reading.slope, reading.rise.se, k),)


# Of single samples.


def _worst(seen: Seen, _k: float) -> Numbers | None:
    track = seen.track("worst_share")
    return None if track is None else (track.end, track.since(seen.best_time))


def _few_samples(seen: Seen, _k: float) -> Numbers | None:
    """The share of the rise that the worst 5 % of the samples hold."""
    worst, loss = seen.track("worst_share"), seen.track("val_loss", log=True)
    if worst is None or loss is None:
        return None
    now, then = math.exp(loss.end), math.exp(loss.at(seen.best_time))
    if now <= then * 1.01:
        return None
    return ((worst.end * now - worst.at(seen.best_time) * then) / (now - then),)


def _median(seen: Seen, _k: float) -> Numbers | None:
    """How far the loss of the median sample has risen, and its slope."""
    track = seen.track("median_loss", log=True)
    return None if track is None else (track.since(seen.best_time), track.slope)


# Of the network.


def _margins(seen: Seen, _k: float) -> Numbers | None:
    low, median = seen.track("margin_low"), seen.track("margin_median")
    return None if low is None or median is None else (math.asinh(low.end), math.asinh(median.end))


def _margin_growth(seen: Seen, _k: float) -> Numbers | None:
    track = seen.track("margin_median", log=True)
    return None if track is None else (track.slope,)


def _norm(seen: Seen, _k: float) -> Numbers | None:
    """The growth of the norm of the weights since the best, and its slope in log time."""
    track = seen.track("weight_norm", log=True)
    return None if track is None else (track.since(seen.best_time), track.slope)


def _gradient(seen: Seen, _k: float) -> Numbers | None:
    track = seen.track("gradient_norm", log=True)
    return None if track is None else (track.since(seen.best_time), track.slope)


# Of the schedule.


def _rate_now(seen: Seen, _k: float) -> Numbers:
    return (math.log(seen.rates()[0][-1]),)


def _rate_since_best(seen: Seen, _k: float) -> Numbers:
    """How far the learning rate lies now above what it was at the best."""
    until = seen.rates()[0]
    return (math.log(until[-1] / until[int(np.searchsorted(seen.times, seen.best_time))]),)


def _rate_raised_for_a_while(seen: Seen, k: float) -> Numbers | None:
    """Whether the rate was raised since the best and will be taken back within k times the time; then z says else."""
    ahead = _ahead(seen, k)
    if not ahead.size or seen.reading.rise is None:
        return None
    back = math.log(seen.rates()[0][-1] / ahead.min())
    is_raised = float(min(_rate_since_best(seen, k)[0], back) >= math.log(RAISED))
    return (is_raised, is_raised * score(seen.rise, seen.reading.slope, seen.reading.rise.se, k))


def _rate_falls(seen: Seen, k: float) -> Numbers | None:
    """How far the learning rate will have fallen at its lowest within k times the time."""
    ahead = _ahead(seen, k)
    return None if not ahead.size else (min(0.0, math.log(ahead.min() / seen.rates()[0][-1])),)


def _rate_falls_and_rises(seen: Seen, k: float) -> Numbers | None:
    ahead = _ahead(seen, k)
    if not ahead.size:
        return None
    now = seen.rates()[0][-1]
    return (min(0.0, math.log(ahead.min() / now)), max(0.0, math.log(ahead.max() / now)))


def _rate_below_all(seen: Seen, k: float) -> Numbers | None:
    """How far it will fall below the lowest that it has had since a twentieth of the time (warm-ups apart)."""
    ahead, until = _ahead(seen, k), seen.rates()[0]
    return None if not ahead.size else (min(0.0, math.log(ahead.min() / until[until.size // 20 :].min())),)


def _rate_to_come(seen: Seen, k: float) -> Numbers | None:
    """The learning rate still to be spent within k times the time by what was spent."""
    ahead, until = _ahead(seen, k), seen.rates()[0]
    spent = float(until.mean()) * seen.times[-1]
    return None if not ahead.size else (math.log(float(ahead.mean()) * (k - 1) * seen.times[-1] / spent),)


def _ahead(seen: Seen, k: float) -> Curve:
    later = seen.training.times[seen.points :] <= k * seen.times[-1] * (1 + 1e-9)
    return seen.rates()[1][later]


# Of what the user knows.


def _noise_share(seen: Seen, _k: float) -> Numbers | None:
    return (seen.told("label_noise"),) if seen.told("classes") else None


def _noise_ratio(seen: Seen, _k: float) -> Numbers | None:
    """The variance of the noise in the targets by that of what can be learnt (Stephenson and Lee 2021), in logarithms.

    Of classes that of one-hot targets; of regression the start of the validation loss stands for what can be learnt.
    """
    classes, noise = seen.told("classes"), seen.told("label_noise")
    if classes >= 2:
        variance = 1 - (1 - noise) ** 2 - noise**2 / (classes - 1)
        return (math.log(0.01 + variance / (1 - 1 / classes)),)
    variance = seen.told("noise_variance")
    start = float(seen.training.curves[seen.validation][0]) - seen.told("validation_noise_variance")
    return (math.log(0.01 + variance / start),) if start > 0 else None


def _noise_level(seen: Seen, _k: float) -> Numbers | None:
    """The excess loss that fitting all noise costs, by the signal that is learnt late: above 1 the end stays worse."""
    signal = seen.told("slow_energy")
    if not signal > 0:
        return None
    cost = seen.told("noise_variance") * (seen.told("fast") + seen.told("slow")) / seen.told("train_samples")
    return (math.log(cost / signal),)


def _weight_decay(seen: Seen, _k: float) -> Numbers | None:
    return (math.log(1e-3 + seen.told("weight_decay")),) if "weight_decay" in seen.training.settings else None


def _shrinkage(seen: Seen, k: float) -> Numbers | None:
    """By how much decay alone shrinks the weights until the cut, and until k times its time: sums of rate x decay."""
    needed = ("weight_decay", "batch_size", "learning_rate")
    if seen.training.settings["axis"] != "epoch" or any(name not in seen.training.settings for name in needed):
        return None
    steps = math.ceil(seen.told("train_samples") / seen.told("batch_size")) * seen.times[-1]
    one = seen.told("weight_decay") * seen.told("learning_rate") * steps
    until, ahead = seen.rates()[0], _ahead(seen, k)
    if not ahead.size:
        return None
    return (math.asinh(one * float(until.mean())), math.asinh(one * (k - 1) * float(ahead.mean())))


def _above_guessing(seen: Seen, _k: float) -> Numbers | None:
    """Grokking's sign: train error 0, and how far the validation loss then lies above that of guessing, log K."""
    train, loss, classes = seen.track("train_error"), seen.track(seen.validation, log=True), seen.told("classes")
    if train is None or loss is None or classes < 2 or seen.training.settings["loss"] != "cross-entropy":
        return None
    fitted = float(train.end < _FITTED)
    return (fitted, fitted * (loss.end - math.log(math.log(classes))))


def _wrong_as_guessing(seen: Seen, _k: float) -> Numbers | None:
    """Train error 0 while the validation error is near that of guessing."""
    train, error = seen.track("train_error"), seen.track(seen.validation.replace("loss", "error"))
    classes = seen.told("classes")
    if train is None or error is None or classes < 2:
        return None
    return (float(train.end < _FITTED) * error.end / (1 - 1 / classes),)


def _samples(seen: Seen, _k: float) -> Numbers:
    return (math.log(seen.told("train_samples")),)


_BY_SOURCE: Mapping[Source, Mapping[str, Read]] = {
    "log": {
        "size of the rise": lambda seen, _k: (seen.rise,),
        "slope in log time": lambda seen, _k: (seen.reading.slope,),
        "time since the best": _since_best,
        "share fallen from its peak": _fallen,
        "rise of the error": _error_risen,
        "slope of the error": _error_slope,
        "certified share of overconfidence": _overconfidence,
        "train error": _train_error,
        "train error 0, and rise of the error": _fitted_and_risen,
        "slope of the training loss": _train_slope,
        "rise of the training loss": _train_risen,
        "gap of validation and training": _gap,
        "train error 0, loss above guessing": _above_guessing,
        "train error 0, error as of guessing": _wrong_as_guessing,
        "learning rate by its highest": _rate_now,
        "learning rate since the best": _rate_since_best,
    },
    "recorder": {
        "train error of kept labels": _error_of("kept_train_error"),
        "train error of flipped labels": _error_of("flipped_train_error"),
        "flipped labels not fitted yet": _flipped_left,
        "averaged weights below raw ones": _averaged_below,
        "averaged weights above the best": _averaged_against_best,
        "rise of averaged weights": _averaged_risen,
        "slope of averaged weights": _averaged_slope,
        "z of averaged weights": _averaged_score,
        "averaged weights in training": _averaged_train,
        "share of the worst 5 %": _worst,
        "share of the rise in the worst 5 %": _few_samples,
        "loss of the median sample": _median,
        "margins": _margins,
        "growth of the margin": _margin_growth,
        "growth of the weights": _norm,
        "gradient norm": _gradient,
        "z of a sibling": _sibling,
    },
    "told": {
        "weight decay": _weight_decay,
        "share of flipped labels": _noise_share,
        "noise by what can be learnt": _noise_ratio,
        "training samples": _samples,
    },
    "schedule": {
        "learning rate: raised for a while": _rate_raised_for_a_while,
        "learning rate: how far it will fall": _rate_falls,
        "learning rate: fall and rise ahead": _rate_falls_and_rises,
        "learning rate: below all so far": _rate_below_all,
        "learning rate still to be spent": _rate_to_come,
        "weight decay, summed and to come": _shrinkage,
    },
    "bank alone": {
        "noise against the late signal": _noise_level,
    },
}
CANDIDATES: tuple[Candidate, ...] = tuple(
    Candidate(name=name, source=source, read=read)
    for source, named in _BY_SOURCE.items()
    for name, read in named.items()
)
