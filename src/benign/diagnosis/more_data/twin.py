r"""A synthetic twin of the user's data, from which any number of samples can be drawn.

Inputs are the user's rows, drawn towards their mean and blurred by a Gaussian of their own covariance,
:math:`x = \mu + \sqrt{3/4} (x_i - \mu) + g / 2`, so that mean and covariance stay, and kept within the range of each
column: beyond it a model may answer anything. A value that half of the rows have in a column stays: columns that are
zero but in a few rows stay so, and what a model does with them shows. A teacher, kernel or linear ridge
regression chosen by leave-one-out, gives the targets; what it leaves unexplained is noise: Gaussian of the
leave-one-out residual's variance, or classes drawn from probabilities whose temperature leave-one-out chose.

What cannot be learned from n samples looks like noise. In the second world of a twin half of the residual variance is a
hidden linear signal instead: where both worlds disagree, nothing is known.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
from jaxtyping import Bool, Float

from benign.diagnosis.answers import Metric
from benign.diagnosis.more_data.teacher import Teacher, teacher_of
from benign.diagnosis.paired_trials import Arm, Comparison, Plan, change_of, scaled_size
from benign.diagnosis.trials.bench import Bench
from benign.foundation.randomness import generator
from benign.foundation.replicate import Replicate
from benign.foundation.split import Split, class_indices
from benign.sources.checks import fingerprint, frozen

_BLUR = 0.5
_MOST_ROWS = 2000  # of the user's that it is made of
_LARGEST = 20_000_000  # numbers in the inputs
_ROWS_AT_ONCE = 256  # drawn at one address, so that a training set is the beginning of a larger one
TEST_SAMPLES = 600


@dataclass(frozen=True, kw_only=True, eq=False)
class TwinSource:
    """Samples like the user's; :func:`twin_of` makes it.

    Attributes:
        name: what messages call it.
        classes: as the user's.
        rows: the user's training inputs, n x d.
        pool: the user's, on which heuristics are fitted.
        teacher: gives mean targets or probabilities.
        hidden: a linear function of the inputs, in the targets' units, that is part of the signal; zeros for none.
        deviation: of the noise of each target; zeros for classes.
        shrinkage: of the covariance (Ledoit and Wolf 2004) towards a multiple of the identity.
        test_samples: of each draw.
        shape: of one sample, as the user's.
    """

    revision: ClassVar[int] = 1
    max_samples: ClassVar[None] = None

    name: str
    classes: tuple[str, ...] | None
    rows: Float[np.ndarray, "n d"]
    pool: Float[np.ndarray, "pool d"]
    teacher: Teacher
    hidden: Float[np.ndarray, "d outputs"]
    deviation: Float[np.ndarray, " outputs"]
    shrinkage: float
    test_samples: int = TEST_SAMPLES
    shape: tuple[int, ...] | None = None

    @cached_property
    def is_atom(self) -> Bool[np.ndarray, "n d"]:
        """Where a row has the value that at least half of the rows have in that column: a pixel that is dark."""
        usual = np.sort(self.rows, axis=0)[len(self.rows) // 2]
        is_usual = self.rows == usual
        return is_usual & (is_usual.mean(axis=0) >= 0.5)

    def spec(self) -> dict[str, object]:
        """Its data and teacher, as a fingerprint."""
        held = fingerprint(self.rows, self.hidden, self.deviation, *self.teacher.arrays)
        return {"source": "twin", "name": self.name, "data": held, "test_samples": self.test_samples}

    def draw(self, samples: int, replicate: Replicate) -> Split:
        """Draw training and test samples; both have noise, as the user's have."""
        train_inputs, train_clean, train = self._drawn("twin training set", samples, replicate)
        test_inputs, _, test = self._drawn("twin test set", self.test_samples, replicate)
        return Split(
            train_inputs=train_inputs,
            train_targets=train,
            train_targets_clean=train_clean,
            test_inputs=test_inputs,
            test_targets=test,
            test_targets_noisy=test,
            pool=self.pool,
            classes=self.classes,
            replicate=replicate,
            shape=self.shape,
        )

    def _drawn(
        self, purpose: str, count: int, replicate: Replicate
    ) -> tuple[Float[np.ndarray, "m d"], Float[np.ndarray, "m outputs"], Float[np.ndarray, "m outputs"]]:
        """Inputs, targets without noise, targets with it."""
        blocks = [self._block(purpose, replicate, block) for block in range(-(-count // _ROWS_AT_ONCE))]
        inputs, clean, noisy = (frozen(np.concatenate(part)[:count]) for part in zip(*blocks, strict=True))
        return inputs, clean, noisy

    def _block(
        self, purpose: str, replicate: Replicate, block: int
    ) -> tuple[Float[np.ndarray, "m d"], Float[np.ndarray, "m outputs"], Float[np.ndarray, "m outputs"]]:
        random = generator(replicate.seed, purpose, replicate.draw, block)
        inputs = self._inputs(random)
        means = self.teacher.answers(inputs) + (inputs - self.rows.mean(axis=0)) @ self.hidden
        if self.classes is None:
            return inputs, means, means + self.deviation * random.standard_normal(means.shape)
        places = np.arange(means.shape[1])
        chosen = (np.cumsum(means, axis=1) < random.random((len(means), 1))).sum(axis=1)
        drawn = np.minimum(chosen, len(places) - 1)[:, None] == places
        return inputs, (class_indices(means)[:, None] == places).astype(np.float64), drawn.astype(np.float64)

    def _inputs(self, random: np.random.Generator) -> Float[np.ndarray, "m d"]:
        """Rows of the user's, blurred, within their range. A sample covariance needs no factor: a random sum of rows
        has it.
        """
        mean = self.rows.mean(axis=0)
        centred = self.rows - mean
        n, d = centred.shape
        places = random.integers(n, size=_ROWS_AT_ONCE)
        chosen = centred[places]
        within = random.standard_normal((_ROWS_AT_ONCE, n)) @ centred / math.sqrt(n)
        around = random.standard_normal((_ROWS_AT_ONCE, d)) * math.sqrt(float((centred**2).mean()))
        blurred = math.sqrt(1.0 - self.shrinkage) * within + math.sqrt(self.shrinkage) * around
        drawn = mean + math.sqrt(1.0 - _BLUR**2) * chosen + _BLUR * blurred
        drawn = np.clip(drawn, self.rows.min(axis=0), self.rows.max(axis=0))
        return np.where(self.is_atom[places], self.rows[places], drawn)


def can_have_twin(bench: Bench) -> bool:
    """Whether inputs are numbers, all there, and few enough that a twin costs no more than a training."""
    if getattr(bench.source, "columns", None) is not None:
        return False
    rows = bench.split().train_inputs
    return rows.size <= _LARGEST and rows.shape[1] >= 1 and bool(np.ptp(rows, axis=0).any())


def twins_of(bench: Bench) -> tuple[TwinSource, ...]:
    """The user's training rows as a population; of values, a second one that hides a part of the signal."""
    split = bench.split()
    rows, targets = split.train_inputs[:_MOST_ROWS], split.train_targets[:_MOST_ROWS]
    teacher = teacher_of(rows, targets, is_classification=split.classes is not None)
    twin = TwinSource(
        name=f"twin of {bench.source.name}",
        classes=split.classes,
        rows=rows,
        pool=split.pool[:_MOST_ROWS],
        teacher=teacher,
        hidden=np.zeros((rows.shape[1], targets.shape[1])),
        deviation=np.sqrt(teacher.residual) if split.classes is None else np.zeros(targets.shape[1]),
        shrinkage=_shrinkage(rows),
        shape=split.shape,
    )
    if split.classes is not None:
        return (twin,)
    direction = generator(bench.seed, "hidden signal of a twin").standard_normal(twin.hidden.shape)
    spread = np.std((rows - rows.mean(axis=0)) @ direction, axis=0)
    half = np.sqrt(0.5 * teacher.residual)
    return twin, replace(twin, name=f"other {twin.name}", hidden=direction * half / spread, deviation=half)


def _shrinkage(rows: Float[np.ndarray, "n d"]) -> float:
    from sklearn.covariance import ledoit_wolf_shrinkage

    return float(ledoit_wolf_shrinkage(rows)) if rows.shape[1] > 1 else 0.0


def twin_plan(bench: Bench, worlds: tuple[int, ...], parts: int, factors: tuple[float, ...]) -> Plan:
    """Of each draw of the twins, taken in turns, the comparisons at 1 / ``parts`` of the user's n and size."""
    rows = bench.samples // parts
    size = scaled_size(bench, rows / bench.samples)

    def arm(draw: int, count: int) -> Arm:
        world = worlds[draw % len(worlds)]
        user = bench.user_trial(draw // len(worlds))
        return Arm(trial=replace(user, rows=count, size=size, world=world))

    def comparisons(draw: int) -> dict[float, Comparison]:
        before = arm(draw, rows)
        return {factor: Comparison(before=(before,), after=(arm(draw, round(factor * rows)),)) for factor in factors}

    return comparisons


def disagreement(bench: Bench, comparisons: Sequence[Comparison], metric: Metric) -> float:
    """The variance to be added where two worlds say different things: a quarter of the squared difference."""
    worlds = {one.before[0].trial.world for one in comparisons}
    if len(worlds) < 2:
        return 0.0
    said = [
        change_of(bench, [one for one in comparisons if one.before[0].trial.world == world], metric).d
        for world in sorted(worlds)
    ]
    return 0.25 * (said[0] - said[1]) ** 2
