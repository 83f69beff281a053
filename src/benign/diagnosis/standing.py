"""Where the model is: its risk on the training set and on new samples at the user's n, size and time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from benign.diagnosis.answers import DataFinding, Estimate, Standing, Unanswered
from benign.diagnosis.held_out_mean import mean_error, mean_loss
from benign.diagnosis.out_of_bag import has_out_of_bag, out_of_bag_error
from benign.diagnosis.trials.bench import Bench
from benign.diagnosis.trials.trial import Measured
from benign.foundation.errors import BenignError
from benign.foundation.number_words import format_number
from benign.foundation.split import Split, class_indices
from benign.procedures import objectives
from benign.procedures.estimator import Estimator

_TRAININGS = 3
_MANY = 1_000  # samples, from which on a training may be dear, and is forecast from smaller ones
_SMALLER = (8, 4)
_ROUNDING = 1e-9
_LEAST_TOLD = 1e-3  # of an interval's end, in per cent or of a constant's
_CHEAP = 0.1  # of the time that is left
_OUT_OF_BAG_SECONDS = 2.0
_OUT_OF_BAG_TRAININGS = 10.0  # that must be left
_TOO_EASY = {
    "copies": "many are copies",
    "groups": "rows come in groups",
    "ordered": "rows follow an order",
    "leak": "a column may tell the answer",
}


@dataclass(frozen=True, kw_only=True)
class _Constant:
    """The best constant of the training sets: losses and errors in training and on new samples, means over folds."""

    loss: float
    held_out_loss: float
    error: float
    held_out_error: float
    label: str


def standing_of(bench: Bench, findings: Sequence[DataFinding]) -> Standing:
    """Where the model is, by at most three trainings at the user's n; fewer where they are dear.

    Held-out samples of different folds differ as far as there are rows. From 1,000 samples on, trainings on an eighth
    and a quarter come first, as far as they are needed to forecast what one takes.

    Args:
        bench: what is spent on it.
        findings: what the data alone say.

    Returns:
        With intervals that hold the mean risk over training sets of n samples in 95 % of cases or more, as measured; in
        about 90 % where losses have heavy tails or n is close to a peak. Of one training, they are of that model alone.

    Raises:
        Unanswered: where a training fails, or the budget does not allow one: with what one costs.
    """
    found = _trained(bench)
    splits = [bench.split(fold) for fold in range(len(found))]
    rounds = -(-len(found) // bench.folds)
    loss = mean_loss([one.held_out_losses[-1] for one in found], rounds=rounds)
    if not math.isfinite(loss.value):
        raise Unanswered("The model's losses on new samples are not finite.")
    wrong = [one.held_out_wrong[-1] for one in found]
    constant = _constant_of(bench, splits)
    standing = Standing(
        objective=bench.subject.procedure.objective,
        train_loss=float(np.mean([one.train_loss[-1] for one in found])),
        train_loss_constant=constant.loss,
        train_error=float(np.mean([one.train_error[-1] for one in found])),
        train_error_constant=constant.error,
        held_out_loss=loss,
        held_out_loss_constant=constant.held_out_loss,
        held_out_error=mean_error(wrong, rounds=rounds) if bench.is_classification else Estimate(),
        held_out_error_constant=constant.held_out_error,
        out_of_bag_error=_out_of_bag(bench, splits[0], found[0].seconds),
        held_out_samples=sum(map(len, wrong)) // rounds,
        trainings=len(found),
        seconds=float(np.mean([one.seconds for one in found])),
        findings=tuple(findings),
    )
    chance = _error_by_chance(bench, splits, found)
    return replace(standing, sentence=_sentence(bench, standing, constant, chance))


def _trained(bench: Bench) -> list[Measured]:
    """One training, on whose account all of the budget may go, and two more folds as far as the share of it reaches."""
    first, whole = bench.user_trial(), bench.unshared()
    if bench.samples >= _MANY and math.isfinite(whole.budget.seconds):
        for share in _SMALLER:
            whole.measure([replace(first, rows=bench.samples // share)])
            if bench.seconds(first) <= _CHEAP * whole.budget.seconds_left:
                break
    (found,) = whole.measure([first])
    if found is None:
        raise Unanswered(bench.failure_of(first) or _too_dear(whole))
    # a bag's third training is the one that tells its out-of-bag error
    others = [bench.user_trial(fold) for fold in range(1, _TRAININGS - _tells_out_of_bag(bench, found.seconds))]
    while others and not bench.affords(others):
        others.pop()
    return [found, *(one for one in bench.measure(others) if one is not None)]


def _too_dear(bench: Bench) -> str:
    seconds = bench.seconds(bench.user_trial())
    if bench.budget.trainings_left < 1.0:
        left = format_number(max(0.0, bench.budget.trainings_left), digits=2)
        return f"The budget does not allow one training, which costs 1 of `max_trainings`; {left} is left."
    if not seconds > 0.0:
        return "The budget ended before one training."
    minutes = math.ceil(2.0 * seconds / 60.0)
    return f"One training takes about {_duration(seconds)}, more than the budget allows; give it {minutes} minutes."


def _duration(seconds: float) -> str:
    if seconds < 100.0:
        return f"{format_number(seconds, digits=2)} seconds"
    return f"{format_number(seconds / 60.0, digits=2)} minutes"


def _constant_of(bench: Bench, splits: Sequence[Split]) -> _Constant:
    objective = bench.subject.procedure.objective
    losses, held_out, errors, held_out_errors = [], [], [], []
    label = ""
    for split in splits:
        best = objectives.best_constant(objective, split.train_targets)
        losses.append(objectives.constant_loss(objective, split.train_targets))
        outputs = np.tile(best, (len(split.test_targets), 1))
        held_out.append(float(objectives.losses(objective, outputs, split.test_targets).mean()))
        if split.classes is None:
            continue
        most = int(np.argmax(split.train_targets.mean(axis=0)))
        errors.append(1.0 - float(split.train_targets[:, most].mean()))
        held_out_errors.append(float(np.mean(class_indices(split.test_targets) != most)))
        label = label or split.classes[most]
    return _Constant(
        loss=float(np.mean(losses)),
        held_out_loss=float(np.mean(held_out)),
        error=float(np.mean(errors)) if errors else math.nan,
        held_out_error=float(np.mean(held_out_errors)) if errors else math.nan,
        label=label,
    )


def _tells_out_of_bag(bench: Bench, seconds: float) -> bool:
    budget = bench.budget
    is_cheap = seconds <= min(_OUT_OF_BAG_SECONDS, 0.5 * budget.seconds_left)
    return has_out_of_bag(bench.subject.procedure) and is_cheap and budget.trainings_left >= _OUT_OF_BAG_TRAININGS


def _out_of_bag(bench: Bench, split: Split, seconds: float) -> float:
    """What the model says of itself, where that is cheap; NaN elsewhere."""
    procedure, budget = bench.subject.procedure, bench.budget
    if not (isinstance(procedure, Estimator) and _tells_out_of_bag(bench, seconds)):
        return math.nan
    budget.ledger.trainings, budget.ledger.count = budget.ledger.trainings + 1.0, budget.ledger.count + 1
    try:
        return out_of_bag_error(procedure, split, size=bench.subject.size, time=bench.subject.time)
    except BenignError:  # a bag of somebody's own that cannot: what it was asked for is a luxury
        return math.nan


def _error_by_chance(bench: Bench, splits: Sequence[Split], found: Sequence[Measured]) -> float:
    """The zero-one error of predictions as frequent as the model's, were they independent of the labels."""
    if not bench.is_classification:
        return math.nan
    agreeing = []
    for split, one in zip(splits, found, strict=True):
        classes = split.test_targets.shape[1]
        said = np.bincount(objectives.predicted_classes(one.outputs[-1], classes), minlength=classes)
        agreeing.append(float(said @ split.test_targets.mean(axis=0)) / len(split.test_targets))
    return 1.0 - float(np.mean(agreeing))


def _sentence(bench: Bench, standing: Standing, constant: _Constant, chance: float) -> str:
    """The risks in training and on new samples, beside the best constant's; then what casts doubt on them."""
    told = [_risks(bench, standing, constant)]
    if not math.isnan(standing.out_of_bag_error):
        what = _percent(standing.out_of_bag_error) if bench.is_classification else _of_constant_out_of_bag(standing)
        told.append(f"Out of bag it is {what}.")
    told.append(_worse_than_constant(standing, chance))
    easy = [_TOO_EASY[one.code] for one in standing.findings if one.code in _TOO_EASY and _casts_doubt(one)]
    if easy:
        told.append(f"Samples to come will be harder than these: {', '.join(easy)}.")
    return " ".join(filter(None, told))


def _casts_doubt(finding: DataFinding) -> bool:
    return finding.code == "leak" or bool(finding.refuses)


def _risks(bench: Bench, standing: Standing, constant: _Constant) -> str:
    loss, n = loss_words(standing.objective, is_classed=bench.is_classification), f"{bench.samples:,} samples"
    fitted = f"{_ratio(standing.train_loss, standing.train_loss_constant)} of a constant's"
    if bench.is_classification:
        error = standing.held_out_error
        return (
            f"On {n} the training error is {_percent(standing.train_error)} and the {loss} {fitted}; on new samples "
            f"{_percent(error.value)} ({_range(error.interval, 100.0)}) are wrong, where always saying "
            f"'{constant.label}' has {_percent(constant.held_out_error)}."
        )
    scale = standing.held_out_loss_constant
    held_out = standing.held_out_loss
    return (
        f"On {n} the training {loss} is {fitted}; on new samples it is {_ratio(held_out.value, scale)} "
        f"({_range(held_out.interval, 1.0 / scale if scale > 0.0 else math.nan)}) of a constant's."
    )


def _worse_than_constant(standing: Standing, chance: float) -> str:
    """What is worse than chance is likely a bug; a loss above a constant's may be noise that was fitted."""
    if standing.held_out_error.interval[0] > chance:
        return (
            f"That is worse than chance ({_percent(chance)}), which no overfitting explains: look for a bug, such as "
            "labels in another order, or inputs prepared otherwise."
        )
    if standing.held_out_loss.interval[0] > standing.held_out_loss_constant > 0.0:
        times = format_number(standing.held_out_loss.value / standing.held_out_loss_constant, digits=2)
        why = "noise that it fits, as near a peak, or a bug"
        if not math.isnan(chance):
            why = "it is far too sure where it is wrong"
        return f"Its loss on new samples is {times} times a constant's: {why}."
    return ""


def loss_words(objective: str, *, is_classed: bool) -> str:
    """What a sentence calls the loss of an objective.

    >>> loss_words("squared", is_classed=True), loss_words("quantile 0.9", is_classed=False)
    ('Brier score', 'quantile 0.9 loss')
    """
    if isinstance(objective, objectives.OwnObjective):
        return f"{objective.removeprefix('own').strip()} loss".strip()
    known = {"cross-entropy": "log loss", "pairwise hinge": "hinge loss"}
    if is_classed:
        known["squared"] = "Brier score"
    return known.get(objective, f"{objective} loss")


def share_words(share: float) -> str:
    """A share of a constant's loss; what rounding leaves is 0.

    >>> share_words(0.0421), share_words(3e-29)
    ('0.042', '0')
    """
    return format_number(share, digits=2) if share >= _ROUNDING else "0"


def _of_constant_out_of_bag(standing: Standing) -> str:
    return f"{_ratio(standing.out_of_bag_error, standing.train_loss_constant)} of a constant's"


def _ratio(risk: float, constant: float) -> str:
    return share_words(risk / constant) if constant > 0.0 else "undefined"


def _percent(share: float) -> str:
    return f"{format_number(100.0 * share, digits=2)} %"


def _range(interval: tuple[float, float], scale: float) -> str:
    return " to ".join(share_words(scale * end) if scale * end >= _LEAST_TOLD else "0" for end in interval)
