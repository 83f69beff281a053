"""A classifier's loss in two parts: what its probabilities know (refinement), and how wrong their confidence is.

Berta, Holzmueller, Jordan and Bach (2025), "Rethinking early stopping: refine, then calibrate". Refinement is the
lowest loss that any map of the predictions reaches; here the map is a temperature, which gives an upper bound of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from jaxtyping import Float, Int

from benign.foundation.errors import invalid

Probabilities = Float[np.ndarray, "samples classes"]
Labels = Int[np.ndarray, " samples"]
Curve = Float[np.ndarray, " epochs"]

LEAST_SAMPLES = 100
_MOST_LOG = 5.0  # the inverse temperature lies between e^-5 and e^5
_STEPS = 60
_CLOSE = 1e-10
_SUM_TOLERANCE = 1e-3
_LEAST_PROBABILITY = 1e-38  # a single-precision softmax knows none below


@dataclass(frozen=True, kw_only=True)
class Refinement:
    """The loss of one set of predictions and its parts.

    Attributes:
        loss: the cross-entropy, in nats.
        refinement: what is left of it after the best temperature, mixed with a little uniform, plus 1 / (2 n) for
            fitting and evaluating on the same samples.
        inverse_temperature: the best one, by which log probabilities are multiplied.
        error: the share of wrong predictions.
    """

    loss: float
    refinement: float
    inverse_temperature: float
    error: float

    @property
    def calibration(self) -> float:
        """What the temperature gives back; below 0 by the correction where there is nothing to give."""
        return self.loss - self.refinement


@dataclass(frozen=True, kw_only=True, eq=False)
class Calibration:
    """The parts of the validation loss over the epochs, and the rise from its best epoch to the last, sample by sample.

    Attributes:
        loss: of each epoch.
        refinement: of each epoch.
        calibration: loss less refinement.
        inverse_temperature: of each epoch.
        error: of each epoch.
        best: the epoch of the lowest loss, counted from 0.
        rise: the mean difference of the loss between the last and the best epoch.
        rise_se: its standard error, over samples.
        log_rise: the logarithm of the ratio of both losses.
        log_rise_se: its standard error.
        refinement_rise: what of the rise no temperature gives back.
        samples: n.
        classes: K.
    """

    loss: Curve
    refinement: Curve
    calibration: Curve
    inverse_temperature: Curve
    error: Curve
    best: int
    rise: float
    rise_se: float
    log_rise: float
    log_rise_se: float
    refinement_rise: float
    samples: int
    classes: int

    @property
    def given_back(self) -> float | None:
        """The share of the rise that the temperature of the last epoch gives back; None of none beyond chance."""
        return 1 - self.refinement_rise / self.rise if self.rise > 2 * self.rise_se else None


def refine(probabilities: npt.ArrayLike, labels: npt.ArrayLike) -> Refinement:
    r"""Split the loss of one set of predictions.

    $\min_b \frac1n \sum_i -\log \mathrm{softmax}(b \log p_i)_{y_i}$ is convex in b; Newton's step where it stays
    within the bracket, a bisection of it elsewhere. The mixture has the weight 1 / (n + 1).

    Args:
        probabilities: a row for each sample, which sums to 1.
        labels: the column of the right class.

    Returns:
        Both parts; a cost of O(n K) for each of some ten steps.

    Raises:
        InvalidArgument: for what are no probabilities of a classification with at least 100 samples and each class
            among the labels.

    >>> rows = np.tile([[0.9, 0.1], [0.1, 0.9]], (100, 1))
    >>> labels = np.tile([0, 1, 0, 1, 0, 1, 0, 1, 1, 0], 20)
    >>> parts = refine(rows, labels)  # right in 80 %, sure of 90 %
    >>> round(float(parts.inverse_temperature * np.log(9) / np.log(4)), 6)
    1.0
    """
    return _refined(*_checked(probabilities, labels))[0]


def calibrate(
    probabilities: Iterable[npt.ArrayLike] | Callable[[], Iterable[npt.ArrayLike]], labels: npt.ArrayLike
) -> Calibration:
    """Split the loss of each epoch, and compare the best epoch with the last sample by sample.

    Args:
        probabilities: of the validation set, an array (epochs, samples, classes); or what yields an array an epoch,
            so that one is in memory at a time.
        labels: of the validation set.

    Raises:
        InvalidArgument: as of :func:`refine`, and where there is no epoch.
    """
    epochs = probabilities() if callable(probabilities) else probabilities
    parts: list[Refinement] = []
    best_losses = last_losses = np.empty(0)
    best, classes = 0, 0
    for number, rows in enumerate(epochs):
        logits, right = _checked(rows, labels)
        classes = logits.shape[1]
        part, last_losses = _refined(logits, right)
        if not parts or part.loss < parts[best].loss:
            best, best_losses = number, last_losses
        parts.append(part)
    if not parts:
        raise invalid("probabilities", "hold no epoch: give an array for each evaluation.")
    return _assembled(parts, best, best_losses, last_losses, classes)


def _assembled(
    parts: list[Refinement],
    best: int,
    best_losses: Float[np.ndarray, " samples"],
    last_losses: Float[np.ndarray, " samples"],
    classes: int,
) -> Calibration:
    loss, refinement = (np.array([getattr(part, name) for part in parts]) for name in ("loss", "refinement"))
    samples = last_losses.size
    low, high = float(loss[best]), float(loss[-1])
    relative = last_losses / max(high, _LEAST_PROBABILITY) - best_losses / max(low, _LEAST_PROBABILITY)
    return Calibration(
        loss=loss,
        refinement=refinement,
        calibration=loss - refinement,
        inverse_temperature=np.array([part.inverse_temperature for part in parts]),
        error=np.array([part.error for part in parts]),
        best=best,
        rise=high - low,
        rise_se=float((last_losses - best_losses).std(ddof=1)) / samples**0.5,
        log_rise=float(np.log(max(high, _LEAST_PROBABILITY) / max(low, _LEAST_PROBABILITY))),
        log_rise_se=float(relative.std(ddof=1)) / samples**0.5,
        refinement_rise=float(refinement[-1] - refinement[best]),
        samples=samples,
        classes=classes,
    )


def _refined(logits: Probabilities, labels: Labels) -> tuple[Refinement, Float[np.ndarray, " samples"]]:
    """The parts, and the loss of each sample."""
    samples, classes = logits.shape
    right = logits[np.arange(samples), labels]
    inverse_temperature = _best_inverse_temperature(logits, right)
    tempered = _softmax(inverse_temperature * logits)[np.arange(samples), labels]
    mixed = (samples * tempered + 1 / classes) / (samples + 1)
    part = Refinement(
        loss=-float(right.mean()),
        refinement=-float(np.log(mixed).mean()) + 0.5 / samples,
        inverse_temperature=inverse_temperature,
        error=float(np.mean(logits.argmax(axis=1) != labels)),
    )
    return part, -right


def _best_inverse_temperature(logits: Probabilities, right: Float[np.ndarray, " samples"]) -> float:
    """The zero of the derivative, which rises: mean of E_b[z] less z of the right class."""
    low, high = np.exp(-_MOST_LOG), np.exp(_MOST_LOG)
    inverse = 1.0
    for _ in range(_STEPS):
        weights = _softmax(inverse * logits)
        expected = (weights * logits).sum(axis=1)
        derivative = float((expected - right).mean())
        curvature = float(((weights * logits**2).sum(axis=1) - expected**2).mean())
        low, high = (inverse, high) if derivative < 0 else (low, inverse)
        step = derivative / curvature if curvature > 0 else np.inf
        next_inverse = inverse - step if low < inverse - step < high else float(np.sqrt(low * high))
        if abs(next_inverse - inverse) <= _CLOSE * inverse:
            break
        inverse = next_inverse
    return float(inverse)


def _softmax(scores: Probabilities) -> Probabilities:
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def _checked(probabilities: npt.ArrayLike, labels: npt.ArrayLike) -> tuple[Probabilities, Labels]:
    """The log probabilities, normalised, and the labels; what is no classification is refused."""
    rows, right = np.asarray(probabilities), np.asarray(labels)
    if right.ndim != 1 or right.dtype.kind not in "iub":
        raise invalid(
            "labels", "must be whole numbers, a class for each sample: of a regression there is no calibration."
        )
    if rows.ndim != 2 or rows.dtype.kind not in "fiu" or rows.shape[0] != right.size or rows.shape[1] < 2:
        raise invalid(
            "probabilities", f"must be numbers of the shape ({right.size}, classes) in each epoch, got {rows.shape}."
        )
    if right.size < LEAST_SAMPLES:
        raise invalid("labels", f"have {right.size} samples: a temperature needs at least {LEAST_SAMPLES}.")
    missing = np.setdiff1d(np.arange(rows.shape[1]), right)
    if missing.size or right.min() < 0 or right.max() >= rows.shape[1]:
        raise invalid(
            "labels",
            f"must hold each of the classes 0 to {rows.shape[1] - 1} and no other, as the columns of the "
            f"probabilities: they go from {right.min()} to {right.max()}, and {missing.size} classes are missing.",
        )
    rows = rows.astype(float)
    sums = rows.sum(axis=1, keepdims=True)
    if not np.isfinite(sums).all() or rows.min() < 0 or np.abs(sums - 1).max() > _SUM_TOLERANCE:
        raise invalid("probabilities", "must be at least 0 and sum to 1 in each row: give the softmax of scores.")
    if np.all((rows == 0) | (rows == 1)):
        raise invalid("probabilities", "are all 0 or 1: a temperature can change nothing about a hard decision.")
    return np.log(np.maximum(rows / sums, _LEAST_PROBABILITY)), right.astype(int)
