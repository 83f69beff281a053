"""Where a training is cut, and the log that somebody would hold who had watched it until there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from triage.training import Training

from benign.foundation.randomness import generator
from benign.histories.history import History
from benign.histories.log import Axis

Curve = Float[np.ndarray, " points"]
Shown = Float[np.ndarray, " seen"]

LEAST = 14
"""Evaluations that a cut keeps at least."""

_WITHIN = 2  # cuts of a training, besides its end

_AXES: Mapping[str, Axis] = {"epoch": "epoch", "step": "step", "round": "round"}


def cuts_of(training: Training, seed: int = 0) -> tuple[int, ...]:
    """How many evaluations are seen: at two places, uniform in the log of their number from 14 on, and at the end.

    Places follow from the training's name and the seed alone; where two coincide, one is left.
    """
    whole = training.times.size
    if whole <= LEAST:
        return (whole,)
    shares = generator(seed, f"cut of {training.name}").random(_WITHIN)
    places = {int(LEAST * (whole / LEAST) ** share) for share in shares}
    return tuple(sorted(places | {whole}))


def shown_curves(training: Training, cut: int) -> dict[str, Shown]:
    """The curves of the log, by the names of :class:`benign.histories.history.History`; NaN where none was recorded.

    Training is the running mean where its log shows that, validation the one of averaged weights where its log shows
    these (and then the other is not known).
    """
    running = "running_" if training.settings.get("running_mean") else ""
    averaged = "averaged_" if training.settings.get("shows_averaged") else ""
    sources = {
        "train_loss": f"{running}train_loss",
        "train_error": f"{running}train_error",
        "validation_loss": f"{averaged}val_loss",
        "validation_error": f"{averaged}val_error",
        "learning_rate": "learning_rate",
    }
    if not averaged:
        sources |= {"averaged_loss": "averaged_val_loss", "averaged_error": "averaged_val_error"}
    seen = {name: training.curves[source][:cut] for name, source in sources.items() if source in training.curves}
    lost = {"validation_loss": np.full(cut, np.nan)}  # of a training that was lost from the first evaluation on
    return lost | {name: curve for name, curve in seen.items() if not np.isnan(curve).all()}


def given(training: Training) -> dict[str, float]:
    """What the user tells beside the log: samples, classes and the share of wrong labels, in the words of a triage."""
    settings = training.settings
    told: dict[str, float] = {
        "train_samples": int(settings["train_samples"]),
        "validation_samples": int(settings["validation_samples"]),
    }
    if settings["classes"]:
        told |= {"classes": int(settings["classes"]), "label_noise": float(settings["label_noise"])}
    return told


def history_at(training: Training, cut: int) -> History:
    """What :func:`benign.histories.rule.read_history` gets: the curves until the cut and what is told beside them."""
    times, told = training.times[:cut], given(training)
    curves: dict[str, Any] = {
        name: np.where(np.isfinite(curve), curve, np.nan) for name, curve in shown_curves(training, cut).items()
    }
    lost = [times[places] for places in no_numbers(training, cut).values()]
    return History(
        times=times,
        axis=_AXES[str(training.settings["axis"])],
        **curves,
        train_samples=int(told["train_samples"]),
        validation_samples=int(told["validation_samples"]),
        classes=int(told["classes"]) if "classes" in told else None,
        label_noise=told.get("label_noise"),
        diverged_at=min((float(found[0]) for found in lost if found.size), default=None),
    )


def columns(training: Training, cut: int) -> dict[str, list[float | None]]:
    """The same log as a user's file has it: plain columns; None where nothing was recorded, NaN where no number was.

    Names are ``epoch``, ``step`` or ``round``, ``train_loss``, ``train_error``, ``val_loss``, ``val_error``,
    ``averaged_val_loss``, ``averaged_val_error`` and ``learning_rate``, those that there are.
    """
    lost = no_numbers(training, cut)
    written: dict[str, list[float | None]] = {str(training.settings["axis"]): training.times[:cut].tolist()}
    for name, curve in shown_curves(training, cut).items():
        kept = ~np.isnan(curve) | lost.get(name, False)
        column = name.replace("validation_", "val_").replace("averaged_", "averaged_val_")
        written[column] = [float(value) if is_kept else None for value, is_kept in zip(curve, kept, strict=True)]
    return written


def no_numbers(training: Training, cut: int) -> dict[str, Bool[np.ndarray, " seen"]]:
    """Where a loss was recorded and is no number, for validation and training.

    Validation is measured at each of the times. The training loss may have gaps: its NaN counts only after its last
    number, and only if validation ends as no number too.
    """
    curves = shown_curves(training, training.times.size)
    validation = ~np.isfinite(curves["validation_loss"])
    lost = {"validation_loss": validation[:cut]}
    if "train_loss" in curves:
        train = curves["train_loss"]
        ended = np.flip(np.logical_and.accumulate(np.flip(~np.isfinite(train)))) & validation[-1]
        lost["train_loss"] = (np.isinf(train) | ended)[:cut]
    return lost
