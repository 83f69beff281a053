"""Every risk of a surface from a model's predictions on a split: pure NumPy, for models that are not ours."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

from benign.foundation.split import Split, class_indices

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
) -> dict[str, float]:
    r"""The squared losses, summed over outputs, and the zero-one errors that ``benign.schema.METRICS`` defines.

    Of predictions f and targets y, :math:`\frac{1}{n} \sum_i |f_i - y_i|^2` and the share of samples whose largest
    output is not that of the target. Equal to what :class:`benign.networks.RiskRecorder` records of a network with
    these outputs.

    Args:
        split: the targets, clean and noisy.
        train: predictions on ``split.train_inputs``: values, or one score a class.
        test: predictions on ``split.test_inputs``.
        metrics: which to compute; names that are no such risk are left out.

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
            risks[name] = _mean(np.sum((outputs - targets) ** 2, axis=1))
        else:
            risks[name] = _mean(_wrong(outputs, targets)) if split.classes is not None else np.nan
    if metrics & {"train_error_flipped", "train_error_unflipped"}:
        mistaken = _wrong(train, split.train_targets).astype(np.float64)
        flipped = _wrong(split.train_targets, split.train_targets_clean)
        for name, group in (("train_error_flipped", flipped), ("train_error_unflipped", ~flipped)):
            if name in metrics:
                risks[name] = _mean(mistaken[group]) if split.classes is not None else np.nan
    return risks


def _wrong(
    outputs: Float[np.ndarray, "rows outputs"], targets: Float[np.ndarray, "rows outputs"]
) -> Bool[np.ndarray, " rows"]:
    return class_indices(outputs) != class_indices(targets)


def _mean(values: Float[np.ndarray, " rows"] | Bool[np.ndarray, " rows"]) -> float:
    return float(np.mean(values)) if len(values) else float("nan")
