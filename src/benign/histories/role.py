"""What a column of a log is: of which samples, which quantity, in which unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Samples = Literal[
    "train",
    "validation",
    "test",
    "kept",  # of the training samples, those that kept their label
    "flipped",  # those whose label was replaced by another
    "",
]
Quantity = Literal[
    "loss",  # the training objective, or its like on other samples
    "part of the loss",  # one of several terms: their sum is a loss where no total was recorded
    "error",  # a share of wrong samples
    "accuracy",  # 1 - error
    "score",  # any other metric: mean average precision, F1, R2, perplexity, mean absolute error, ..
    "learning rate",
    "gradient norm",
    "gradient penalty",  # R_IG of the full batch
    "other",  # known to be none of these: seconds, memory, the position itself
]


@dataclass(frozen=True, kw_only=True)
class Role:
    """What a column is.

    Attributes:
        samples: which samples it was measured on; empty for what has none, as a learning rate.
        quantity: what was measured.
        higher_is_better: of a loss too, where a tool records its negative.
        averaged: whether of averaged weights (EMA, SWA).
    """

    samples: Samples
    quantity: Quantity
    higher_is_better: bool = False
    averaged: bool = False
