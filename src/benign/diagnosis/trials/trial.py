"""One training of the user's model, and what is measured of it: losses of single samples, so that trainings compare
sample by sample.
"""

from __future__ import annotations

import time as clock
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np
from jaxtyping import Bool, Float

from benign.diagnosis.trials.noted_times import begun, noted
from benign.experiments.repeated_warnings import Heard, recorded
from benign.foundation.errors import InvalidArgument, invalid
from benign.foundation.replicate import Replicate
from benign.foundation.split import Split
from benign.procedures import objectives
from benign.procedures.adaptation import ForeignProcedure, check_seed
from benign.procedures.protocol import Procedure, Retrainable, lasting
from benign.procedures.training_loop import TrainingLoop
from benign.sources.protocol import Source, SupportsFolds, SupportsLabelNoise


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One training. Equal trials are one: its numbers depend on nothing else.

    Attributes:
        rows: number of training rows.
        fold: which held-out rows, and which order of the others. Trials of one fold are tested on the same samples;
            those of the first ``Bench.folds`` share no held-out row, later ones are redrawn.
        start: of the rows, in the fold's order: rows of two trials of one fold that do not overlap are independent
            training sets, and those from one start are nested.
        size: None for the model as it stands, ``math.inf`` for "no limit".
        times: at which it is recorded, ascending; None for the end of training.
        initialisation: of the model; the fold's number unless said.
        label_noise: of the training set; as the source has it unless said.
        parameters: other settings of the estimator, as pairs of name and value.
        world: 0 for the user's data, else a source that :meth:`Bench.add_world` was given.
    """

    rows: int
    fold: int = 0
    start: int = 0
    size: float | None = None
    times: tuple[float, ...] | None = None
    initialisation: int | None = None
    label_noise: float | None = None
    parameters: tuple[tuple[str, Hashable], ...] = ()
    world: int = 0


@dataclass(frozen=True, kw_only=True, eq=False)
class Measured:
    """What a trial yields, at each of its times; losses in the unit of the training objective.

    Attributes:
        trial: which.
        train_loss: mean over the training set, on the labels trained on.
        train_loss_constant: the same of the best constant.
        train_error: zero-one; NaN for regressions.
        held_out_losses: of each held-out sample.
        held_out_wrong: whether its class is mistaken; all False for regressions.
        outputs: predictions on the held-out samples, in the unit that the objective takes.
        seconds: that it took.
        heard: warnings on the way.
        stopped: why it did not reach all of its times, at whose rest the numbers are NaN; empty where it did.
        passed: the times that a training loop went by, whether they were asked for or not.
    """

    trial: Trial
    train_loss: Float[np.ndarray, " time"]
    train_loss_constant: float
    train_error: Float[np.ndarray, " time"]
    held_out_losses: Float[np.ndarray, "time m"]
    held_out_wrong: Bool[np.ndarray, "time m"]
    outputs: Float[np.ndarray, "time m outputs"]
    seconds: float
    heard: Counter[Heard] = field(default_factory=Counter)
    stopped: str = ""
    passed: tuple[float, ...] = ()

    @property
    def relative_train_loss(self) -> Float[np.ndarray, " time"]:
        """The training objective over the best constant's; NaN where a constant fits."""
        constant = self.train_loss_constant
        return self.train_loss / constant if constant > 0.0 else np.full(len(self.train_loss), np.nan)

    @property
    def is_reached(self) -> Bool[np.ndarray, " time"]:
        """Of each time, whether the training came to it."""
        return ~np.isnan(self.train_loss)

    @property
    def held_out_loss(self) -> Float[np.ndarray, " time"]:
        """Mean over the held-out samples."""
        return self.held_out_losses.mean(axis=1)

    @property
    def held_out_error(self) -> Float[np.ndarray, " time"]:
        """Mean over the held-out samples; 0 for regressions."""
        return self.held_out_wrong.mean(axis=1)


@dataclass(frozen=True, kw_only=True, eq=False)
class Shared:
    """What all trials of a diagnosis share; shipped once to each worker.

    Attributes:
        procedure: the user's.
        source: where the rows come from.
        seed: root seed.
    """

    procedure: Procedure
    source: Source
    seed: int


def fold_of(source: Source, samples: int, fold: int, seed: int) -> Split:
    """The training rows of a fold, so many of them, and its held-out rows.

    Folds of a source of finitely many rows share no held-out row as long as there are new ones; those of a
    distribution are draws.
    """
    if isinstance(source, SupportsFolds):
        draw, part = divmod(fold, source.folds)
        return source.draw(samples, Replicate(seed=seed, draw=draw, initialisation=fold, noise=fold), fold=part)
    return source.draw(samples, Replicate(seed=seed, draw=fold, initialisation=fold, noise=fold))


def split_of(source: Source, trial: Trial, seed: int) -> Split:
    """What a trial trains on and is tested on.

    Raises:
        InvalidArgument: for label noise that the source cannot have.
    """
    if trial.label_noise is not None:
        if not isinstance(source, SupportsLabelNoise):
            raise invalid("source", f"{source.name} cannot be given label noise.")
        source = source.with_label_noise(trial.label_noise)
    split = fold_of(source, trial.start + trial.rows, trial.fold, seed)
    kept = slice(trial.start, trial.start + trial.rows)
    initialisation = trial.fold if trial.initialisation is None else trial.initialisation
    return replace(
        split,
        train_inputs=split.train_inputs[kept],
        train_targets=split.train_targets[kept],
        train_targets_clean=split.train_targets_clean[kept],
        replicate=replace(split.replicate, initialisation=initialisation),
    )


def run_trial(shared: Shared, trial: Trial, world: Source | None) -> Measured:
    """Train and measure, in this process or another.

    A training that fails at a later of its times is measured at those before.

    Raises:
        InvalidArgument: for what cannot be trained, with what was raised, and for what ignores its seed.
    """
    procedure, notes = shared.procedure, None
    split = split_of(shared.source if world is None else world, trial, shared.seed)
    if isinstance(procedure, ForeignProcedure) and not isinstance(procedure, Retrainable):
        with recorded():
            beginning = begun(procedure) if isinstance(procedure, TrainingLoop) else procedure
            check_seed(beginning, split, np.nan if trial.size is None else trial.size)
    if isinstance(procedure, TrainingLoop):
        procedure, notes = noted(procedure)
    start = clock.perf_counter()
    procedure = _as_tried(procedure, trial)
    with recorded() as heard:
        outputs, stopped = _outputs(procedure, split, trial)
    found = _measured(trial, split, procedure.objective, outputs, clock.perf_counter() - start, heard)
    return replace(found, stopped=stopped, passed=() if notes is None else tuple(notes.passed))


def _as_tried(procedure: Procedure, trial: Trial) -> Procedure:
    """The procedure with the trial's parameters, trained up to its last time; a batch holds at most all of its rows.

    Raises:
        InvalidArgument: for a parameter that it does not have.
    """
    if not isinstance(procedure, Retrainable):
        return cast("Any", procedure).with_parameters(**dict(trial.parameters)) if trial.parameters else procedure
    training = replace(procedure.training, **cast("Any", dict(trial.parameters)))
    if training.batch_size is not None and training.batch_size > trial.rows:
        training = replace(training, batch_size=None)
    tried = procedure if training == procedure.training else procedure.retrained(training)
    return tried if trial.times is None else lasting(tried, trial.times[-1])


def _outputs(procedure: Procedure, split: Split, trial: Trial) -> tuple[list[Float[np.ndarray, "rows outputs"]], str]:
    """Predictions on the training rows and then the held-out rows, at each time that was reached; and why not at all.

    Raises:
        InvalidArgument: where none was.
    """
    inputs = np.concatenate([split.train_inputs, split.test_inputs])
    sizes = np.array([np.nan if trial.size is None else trial.size])
    if sizes[0] == np.floor(sizes[0]) and np.isfinite(sizes[0]):
        sizes = sizes.astype(np.int64)
    times = None if trial.times is None else np.array(trial.times, dtype=np.float64)
    values, stopped = [], ""
    try:
        for one in procedure.predict(split, inputs, sizes, times):
            values.append(one.values)  # noqa: PERF401 (kept where a later one fails)
    except InvalidArgument as error:
        if not values:
            raise
        stopped = str(error)
    if procedure.objective == "cross-entropy":  # rows that are no probabilities are log-odds
        values = [one if objectives.are_probabilities(one) else objectives.probabilities_of(one) for one in values]
    return values, stopped


def _measured(
    trial: Trial,
    split: Split,
    objective: str,
    outputs: Sequence[Float[np.ndarray, "rows outputs"]],
    seconds: float,
    heard: Counter[Heard],
) -> Measured:
    n, is_classed = split.samples, split.classes is not None
    train = [objectives.losses(objective, values[:n], split.train_targets) for values in outputs]
    held_out = [objectives.losses(objective, values[n:], split.test_targets) for values in outputs]
    mistaken = [
        objectives.wrong(values[:n], split.train_targets).mean() if is_classed else np.nan for values in outputs
    ]
    nowhere = np.zeros(len(split.test_inputs), dtype=np.bool_)
    wrong = [objectives.wrong(values[n:], split.test_targets) if is_classed else nowhere for values in outputs]
    moments = 1 if trial.times is None else len(trial.times)
    return Measured(
        trial=trial,
        train_loss=_up_to(moments, np.array([losses.mean() for losses in train])),
        train_loss_constant=objectives.constant_loss(objective, split.train_targets),
        train_error=_up_to(moments, np.array(mistaken, dtype=np.float64)),
        held_out_losses=_up_to(moments, np.array(held_out)),
        held_out_wrong=_up_to(moments, np.array(wrong)),
        outputs=_up_to(moments, np.array([values[n:] for values in outputs])),
        seconds=seconds,
        heard=heard,
    )


def _up_to(moments: int, values: np.ndarray) -> np.ndarray:
    """The values at all times: NaN, or False, at those that were not reached."""
    missing = np.full((moments - len(values), *values.shape[1:]), False if values.dtype == np.bool_ else np.nan)
    return np.concatenate([values, missing]) if len(missing) else values
