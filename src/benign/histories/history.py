"""A history: what the rule reads of a training log, on the axis of its validation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from benign.histories.log import Axis

Curve = Float[np.ndarray, " points"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Metric:
    """A recorded metric other than loss and error, such as mean average precision."""

    name: str
    values: Curve
    higher_is_better: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class History:
    """One training run, at the times of its evaluations.

    Every curve has one value for each time; NaN where nothing was recorded there, or what was recorded is no number.

    Attributes:
        times: positive and rising; epochs are counted from 1.
        axis: what they count.
        validation_loss: in nats a sample where it is a cross-entropy.
        validation_error: the share of wrong samples, between 0 and 1.
        train_loss: the training loss, as it was recorded (often a running mean in training mode).
        train_error: as validation_error.
        learning_rate: as recorded.
        averaged_loss: the validation loss of averaged weights.
        averaged_error: their validation error.
        kept_train_error: the training error on samples that kept their label.
        flipped_train_error: the same on those whose label was replaced by another.
        gradient_penalty: R_IG of the full batch, the mean square of its gradient over the parameters.
        test_error: the test error recorded over time; never used to choose anything.
        test_loss: the same of the loss.
        metrics: further validation metrics.
        train_samples: n.
        validation_samples: how many samples each evaluation used.
        classes: of a classification.
        label_noise: the known share of wrong labels in the training set.
        test_score: one error measured at the end on other samples, between 0 and 1.
        diverged_at: the first time at which a loss is not finite; None where all are.
    """

    times: Curve
    axis: Axis = "epoch"
    validation_loss: Curve | None = None
    validation_error: Curve | None = None
    train_loss: Curve | None = None
    train_error: Curve | None = None
    learning_rate: Curve | None = None
    averaged_loss: Curve | None = None
    averaged_error: Curve | None = None
    kept_train_error: Curve | None = None
    flipped_train_error: Curve | None = None
    gradient_penalty: Curve | None = None
    test_error: Curve | None = None
    test_loss: Curve | None = None
    metrics: tuple[Metric, ...] = ()
    train_samples: int | None = None
    validation_samples: int | None = None
    classes: int | None = None
    label_noise: float | None = None
    test_score: float | None = None
    diverged_at: float | None = None
