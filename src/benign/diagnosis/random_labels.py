"""Could the model fit more samples than there are? Random labels on more rows say so, without a single new sample.

Rows beyond the user's are made by mixing: each column of a new row is that of one of two of theirs, so that texts and
missing values stay what they are (a single column's is between the two). Labels are drawn from theirs at random, and no
input explains them: a model that fits these fits as many real samples, which are no harder. One that does not fit them
tells nothing.

Source: Zhang, Bengio, Hardt, Recht and Vinyals 2017 (ICLR), whose test of capacity this is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from benign.foundation.randomness import generator
from benign.foundation.replicate import Replicate
from benign.foundation.split import Split
from benign.sources.protocol import Source

_HALF = 0.5  # of the columns come from either row


@dataclass(frozen=True, kw_only=True)
class RandomLabels:
    """As many rows as are asked for, with random labels; the test set is the source's.

    Attributes:
        source: the user's.
        samples: how many rows of theirs there are to mix.
    """

    source: Source
    samples: int

    @property
    def name(self) -> str:
        """For messages."""
        return f"random labels on {self.source.name}"

    @property
    def revision(self) -> int:
        """Raised when the numbers change."""
        return 1

    @property
    def max_samples(self) -> int | None:
        """There is no end."""
        return None

    @property
    def classes(self) -> tuple[str, ...] | None:
        """As the source."""
        return self.source.classes

    def spec(self) -> dict[str, object]:
        """What decides the numbers."""
        return {"source": "random labels", "of": self.source.spec(), "samples": self.samples}

    def draw(self, samples: int, replicate: Replicate) -> Split:
        """Draw rows; those of fewer are the first of those of more.

        Args:
            samples: how many.
            replicate: what decides them.
        """
        split = self.source.draw(self.samples, replicate)

        def random(purpose: str) -> np.random.Generator:
            return generator(replicate.seed, f"random labels: {purpose}", replicate.draw)

        first, other, label = (random(of).integers(self.samples, size=samples) for of in ("row", "other row", "label"))
        there = min(self.samples, samples)
        first[:there] = np.arange(there)
        second = np.where(other == first, (other + 1) % self.samples, other)
        columns = split.train_inputs.shape[1]
        share = random("columns").random((samples, columns))
        if columns > 1:
            # Each row has something of both: else it may be one of theirs again, with another label.
            share = (share < _HALF).astype(np.float64)
            share[:, 0], share[:, 1] = 1.0, 0.0
        share[:there] = 1.0
        # NaN times zero is none: what is missing is chosen, not weighed.
        one, two = split.train_inputs[first], split.train_inputs[second]
        inputs = np.where(share == 1.0, one, np.where(share == 0.0, two, share * one + (1.0 - share) * two))
        targets = split.train_targets[label]
        return replace(split, train_inputs=inputs, train_targets=targets, train_targets_clean=targets)
