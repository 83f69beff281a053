"""Trainings that were interfered with: resumed, measured or fed otherwise, set back to their best, stopped early."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from triage.loop import Curves, Progress, lose_optimizer, restore_best
from triage.plans import Finish, Log, Plan, family, planned, samples_of, usual
from triage.schedules import Schedule, restarts, steps
from triage.tasks import Random, Task, flipped

_MEASURED = ("val_loss", "averaged_val_loss", "median_loss")
_LEAST = 9  # evaluations before a training may stop


def _resumed(random: Random, group: int) -> Plan:
    """From weights alone: moments are lost, and in every second group the place in the schedule too."""
    schedule: tuple[str, Schedule] | None = ("cosine, again", restarts(2)) if group % 2 else None
    plan = usual(random, samples=(500, 4_000), width=(16, 128), method="adam", schedule=schedule)
    place = 0.5 if group % 2 else random.uniform(0.3, 0.7)
    at = int(place * plan.recipe.epochs) + 1
    return planned(replace(plan, recipe=replace(plan.recipe, events={at: lose_optimizer})), resumed_at=at)


def _changed(random: Random, group: int) -> Plan:
    """In mid-run another validation set, noisier validation labels, another unit of the loss, or new training data.

    The population stays what it was: where validation alone changed, nothing happened to the network.
    """
    plan = usual(random, samples=(500, 4_000), width=(16, 128), noise=(0.0, 0.3))
    at = int(random.uniform(0.3, 0.8) * plan.recipe.epochs) + 1
    kind = ("validation set", "validation labels", "unit", "training set")[group % 4]
    plan = planned(plan, changed_at=at, changed=kind)
    if kind == "unit":
        return replace(plan, finish=_rescaled(at, float(random.choice([1 / np.log(2), 0.5, 2.0, 10.0]))))
    if kind == "validation set":  # small and of its own, or nothing is to be seen
        plan = replace(plan, validation_samples=int(random.choice([50, 100, 200])))
    event = _newly_drawn(plan, kind, random)
    return replace(plan, recipe=replace(plan.recipe, events={at: event}))


def _newly_drawn(plan: Plan, kind: str, random: Random) -> Callable[[Progress], None]:
    def fresh(count: int, noise: float) -> tuple[np.ndarray, np.ndarray]:
        task: Task = plan.task
        inputs, labels = task.draw(count, random)
        return inputs, flipped(labels, task.classes, noise, random)

    def event(progress: Progress) -> None:
        if kind == "training set":
            sets = [fresh(plan.train_samples, noise) for noise in plan.noise]
            progress.data = replace(progress.data, train=samples_of(sets), flipped=None)
        else:
            noise = 0.2 if kind == "validation labels" else 0.0
            sets = [fresh(plan.validation_samples, noise) for _ in plan.noise]
            progress.data = replace(progress.data, validation=samples_of(sets))

    return event


def _rescaled(at: int, factor: float) -> Finish:
    def finish(_member: int, log: Log) -> Log:
        times, curves, settings = log
        scale = np.where(times >= at, factor, 1.0)
        return times, {**curves, **{name: scale * curves[name] for name in _MEASURED}}, settings

    return finish


def _restored(random: Random, group: int) -> Plan:
    """The best weights come back: at the end, or in mid-run with a tenth of the learning rate."""
    place = random.uniform(0.4, 0.7)
    schedule: tuple[str, Schedule] | None = ("steps", steps((place,))) if group % 2 else None
    plan = usual(random, samples=(400, 3_000), width=(24, 128), schedule=schedule)
    epochs = plan.recipe.epochs
    at = int(place * epochs) + 1 if group % 2 else epochs + 1
    return planned(
        replace(plan, recipe=replace(plan.recipe, events={at: restore_best}, keeps_best=True)), restored_at=at
    )


def _stopped(random: Random, _group: int) -> Plan:
    """Ended where the validation loss has no new best for some evaluations; half of them end with the best weights."""
    plan = usual(random, samples=(300, 4_000), width=(16, 128), points=120)
    return replace(plan, finish=_patient(int(random.choice([4, 6, 10, 15]))))


def _patient(patience: int) -> Finish:
    def finish(member: int, log: Log) -> Log:
        times, curves, settings = log
        losses = curves["val_loss"]
        best, last = 0, len(losses) - 1
        for place, loss in enumerate(losses):
            best = place if loss < losses[best] else best
            if place - best >= patience and place >= _LEAST:
                last = place
                break
        ended: Curves = {name: curve[: last + 1] for name, curve in curves.items()}
        times, settings = times[: last + 1], {**settings, "stopped_at": float(times[last]), "patience": patience}
        if member % 2 == 0:
            return times, ended, settings
        return _ending_with(best, times, ended, settings)

    return finish


def _ending_with(best: int, times: np.ndarray, curves: Curves, settings: dict[str, float | str]) -> Log:
    """One evaluation more, of the weights of the best one: it measures what was measured then."""
    at = 2 * times[-1] - times[-2]
    unseen = ("running_train_loss", "running_train_error")
    ended = {name: np.append(curve, np.nan if name in unseen else curve[best]) for name, curve in curves.items()}
    return np.append(times, at), ended, {**settings, "restored_at": float(at)}


FAMILIES = (
    family("resumed", 2, _resumed),
    family("changed", 4, _changed),
    family("restored", 2, _restored),
    family("stopped", 3, _stopped),
)
