"""Every risk of a surface from a model's predictions on a split: pure NumPy, for models that are not ours."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

from benign.foundation.split import Split
from benign.procedures.objectives import losses, wrong

LOSSES = {
    "train_loss": ("train", "train_targets"),
    "train_loss_clean": ("train", "train_targets_clean"),
    "test_loss": ("test", "test_targets"),
    "test_loss_noisy": ("test", "test_targets_noisy"),
    "validation_loss": ("first half", "test_targets_noisy"),
    "test_loss_held_out": ("second half", "test_targets"),
}
ERRORS = {name.replace("loss", "error"): place for name, place in LOSSES.items()}
PREDICTION_RISKS = frozenset({*LOSSES, *ERRORS, "train_error_flipped", "train_error_unflipped"})


def prediction_risks(
    split: Split,
    train: Float[np.ndarray, "n outputs"],
    test: Float[np.ndarray, "n_test outputs"],
    metrics: frozenset[str] = PREDICTION_RISKS,
    objective: str = "squared",
) -> dict[str, float]:
    """The losses and the zero-one errors that ``benign.schema.METRICS`` defines.

    The mean over samples of what :func:`benign.procedures.objectives.losses` and
    :func:`~benign.procedures.objectives.wrong` say of each. Equal to what :class:`benign.networks.RiskRecorder` records
    of a network with these outputs.

    Args:
        split: the targets, clean and noisy.
        train: predictions on ``split.train_inputs``: values, or one score a class.
        test: predictions on ``split.test_inputs``.
        metrics: which to compute; names that are no such risk are left out.
        objective: what a loss is.

    Returns:
        A number for each; NaN for errors where there are no classes, and for a mean over no samples.
    """
    half = len(test) // 2
    rows = {"train": slice(None), "test": slice(None), "first half": slice(half), "second half": slice(half, None)}
    risks: dict[str, float] = {}
    for name in metrics & (LOSSES.keys() | ERRORS.keys()):
        place, against = LOSSES.get(name) or ERRORS[name]
        outputs, targets = (train if place == "train" else test)[rows[place]], getattr(split, against)[rows[place]]
        if name in LOSSES:
            risks[name] = _mean(losses(objective, outputs, targets))
        else:
            risks[name] = _mean(wrong(outputs, targets)) if split.classes is not None else np.nan
    if metrics & {"train_error_flipped", "train_error_unflipped"}:
        mistaken = wrong(train, split.train_targets).astype(np.float64)
        flipped = wrong(split.train_targets, split.train_targets_clean)
        for name, group in (("train_error_flipped", flipped), ("train_error_unflipped", ~flipped)):
            if name in metrics:
                risks[name] = _mean(mistaken[group]) if split.classes is not None else np.nan
    return risks


def _mean(values: Float[np.ndarray, " rows"] | Bool[np.ndarray, " rows"]) -> float:
    return float(np.mean(values)) if len(values) else float("nan")
