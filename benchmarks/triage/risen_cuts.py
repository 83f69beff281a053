"""The cuts at which a loss has truly risen, what came of each, and what the rule's own number says of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from triage.candidates import CANDIDATES, Seen, score, siblings_of
from triage.cuts import cuts_of, history_at
from triage.training import Training
from triage.truth import truth_at

from benign.histories.forecast import Trend
from benign.histories.rule import read_history

HORIZONS = (2, 5)

_SEEDS = range(8)  # of the places of cuts: the end of a training is of no use here, so more are drawn than for scores
_CHUNK = 10


@dataclass(frozen=True, kw_only=True)
class RisenCut:
    """A cut whose loss has truly risen, followed for at least twice its time.

    Attributes:
        training, family: names.
        group: of trainings that share all but noise, rates and seeds.
        linear: whether the model is.
        cyclic: whether the learning rate is lifted again and again, which explains what comes.
        trend: of the validation curve now, as the rule calls it.
        came: for each of :data:`HORIZONS` that the training lasts, whether a new best comes.
        base: for each of them the rule's number z, which its odds are fitted to.
        said: the odds that the rule gives; it gives none after a restart of the learning rate, or of rounded curves.
        values: for each of them, of every candidate that can be read here.
    """

    training: str
    family: str
    group: str
    linear: bool
    cyclic: bool
    trend: Trend
    came: Mapping[int, bool]
    base: Mapping[int, float]
    said: Mapping[int, float]
    values: Mapping[int, Mapping[str, tuple[float, ...]]]


def risen_cuts(trainings: Sequence[Training], *, workers: int = 1) -> list[RisenCut]:
    """Of all trainings to which nothing is done after the cut that no log could foretell."""
    groups: dict[str, list[Training]] = {}
    for training in trainings:
        groups.setdefault(siblings_of(training), []).append(training)
    if workers == 1:
        return [cut for members in groups.values() for cut in _of_group(members)]
    with ProcessPoolExecutor(workers) as pool:
        return [cut for cuts in pool.map(_of_group, groups.values(), chunksize=_CHUNK) for cut in cuts]


def _of_group(members: Sequence[Training]) -> list[RisenCut]:
    return [cut for training in members for cut in _of_training(training, members)]


def _of_training(training: Training, group: Sequence[Training]) -> Iterator[RisenCut]:
    for points in sorted({place for seed in _SEEDS for place in cuts_of(training, seed)}):
        time = float(training.times[points - 1])
        if training.times[-1] < HORIZONS[0] * time * (1 - 1e-9):
            continue
        truth = truth_at(training, points)
        came = {k: bool(answer) for k in HORIZONS if (answer := truth.new_best[k]) is not None}
        came = {k: answer for k, answer in came.items() if not _is_interfered_with(training, time, k * time)}
        if truth.state == "risen" and truth.is_measured and came:
            found = _read(training, points, came, group)
            if found is not None:
                yield found


def _is_interfered_with(training: Training, after: float, until: float) -> bool:
    """Whether weights are set back, or what is trained or measured on is exchanged, in between."""
    events = (float(training.settings.get(name, math.inf)) for name in ("restored_at", "changed_at"))
    return any(after < at <= until * (1 + 1e-9) for at in events)


def _read(training: Training, points: int, came: Mapping[int, bool], group: Iterable[Training]) -> RisenCut | None:
    reading = read_history(history_at(training, points))
    curve = reading.watched
    if reading.rise is None or curve is None or curve.name != "validation loss" or curve.scale.kind != "log":
        return None
    seen = Seen(training=training, points=points, reading=reading, group=tuple(group))
    return RisenCut(
        training=training.name,
        family=training.family,
        group=siblings_of(training),
        linear=training.linear,
        cyclic=any(word in str(training.settings.get("schedule")) for word in ("restart", "cyclic", "again")),
        trend=reading.trend,
        came=came,
        base={k: score(reading.rise.log, reading.slope, reading.rise.se, k) for k in came},
        said={k: reading.forecast[k].probability for k in came if k in reading.forecast},
        values={k: _values(seen, k) for k in came},
    )


def _values(seen: Seen, k: int) -> dict[str, tuple[float, ...]]:
    read = {candidate.name: candidate.read(seen, k) for candidate in CANDIDATES}
    return {name: numbers for name, numbers in read.items() if numbers and all(map(math.isfinite, numbers))}
