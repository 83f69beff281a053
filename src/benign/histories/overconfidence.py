"""How much of a risen loss the error cannot explain: what a recalibration is certain to give back."""

from __future__ import annotations

import math
from dataclasses import dataclass

_STANDARD_ERRORS = 2.0


@dataclass(frozen=True, kw_only=True)
class Overconfidence:
    """What follows for the loss from the error alone.

    Attributes:
        bound: the highest cross-entropy that a recalibrated model with this error pays, two standard errors included.
        error: the error at the end, from which it follows.
        certified_nats: by how much the loss at the end exceeds it; 0 where it does not.
        certified_share: the same by the rise of the loss since its lowest, at most 1; None where it did not rise.
    """

    bound: float
    error: float
    certified_nats: float
    certified_share: float | None


def bound(error: float, classes: int, samples: int | None = None) -> float:
    r"""The highest loss of a model with this error whose confidence is the right one.

    $$h(u) + u \log(K - 1), \qquad u = \min\bigl(e + 2 \sqrt{e (1 - e) / n},\; 1 - 1/K\bigr)$$

    h the entropy of two outcomes: the loss of giving 1 - u to the predicted class and the rest to the others alike.

    Args:
        error: the share of wrong samples, between 0 and 1.
        classes: K, at least 2.
        samples: n, on which the error was measured; without it the error counts as exact.

    >>> bound(0.0, 10), round(bound(0.5, 2) / math.log(2), 6), round(bound(0.9, 10) / math.log(10), 6)
    (0.0, 1.0, 1.0)
    """
    wrong = error + (_STANDARD_ERRORS * math.sqrt(error * (1 - error) / samples) if samples else 0.0)
    wrong = min(wrong, 1 - 1 / classes)
    if wrong <= 0:
        return 0.0
    return -wrong * math.log(wrong) - (1 - wrong) * math.log(1 - wrong) + wrong * math.log(classes - 1)


def is_cross_entropy(loss: float, error: float, samples: int) -> bool:
    """Whether a cross-entropy can be as low as this with this error.

    A wrong sample pays at least log 2, since the right class was not the most probable.

    >>> is_cross_entropy(0.5, 0.3, 10_000), is_cross_entropy(0.12, 0.3, 10_000)
    (True, False)
    """
    certain = max(0.0, error - _STANDARD_ERRORS * math.sqrt(error * (1 - error) / samples))
    return loss >= certain * math.log(2)


def overconfidence(loss: float, lowest: float, error: float, classes: int, samples: int) -> Overconfidence | None:
    """What the error at the end certifies of the loss there; None where the loss can be no cross-entropy.

    Args:
        loss: at the end.
        lowest: the lowest before.
        error: at the end.
        classes: K.
        samples: in the validation set.
    """
    error = min(max(error, 0.0), 1.0)
    if classes < 2 or not is_cross_entropy(loss, error, samples):
        return None
    most = bound(error, classes, samples)
    nats = max(0.0, loss - most)
    share = min(1.0, nats / (loss - lowest)) if loss > lowest else None
    return Overconfidence(bound=most, error=error, certified_nats=nats, certified_share=share)
