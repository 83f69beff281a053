"""What became of a number: an outcome is data, and its text is the sentence that the user reads."""

from __future__ import annotations

import enum


class Outcome(enum.IntEnum):
    """Outcome of a solution, or a training, at one size. The integer is what arrays store."""

    CONVERGED = 0
    TRUNCATED = 1
    ILL_CONDITIONED = 2
    DIVERGED = 3
    BUDGET_SPENT = 4

    @property
    def sentence(self) -> str:
        """The sentence for the user."""
        return _SENTENCES[self]

    @property
    def is_trusted(self) -> bool:
        """Whether there is a number, to its stated tolerance."""
        return self in (Outcome.CONVERGED, Outcome.TRUNCATED)


_SENTENCES = {
    Outcome.CONVERGED: "the number can be trusted to its stated tolerance",
    Outcome.TRUNCATED: (
        "the features are linearly dependent at this size, to within rounding; the number is that of the solution of "
        "smallest norm"
    ),
    Outcome.ILL_CONDITIONED: (
        "the features are too close to linearly dependent at this size for float64, and not dependent to within "
        "rounding, so no number is given; remove near-duplicate samples or features, narrow the bandwidth, or add or "
        "raise the ridge"
    ),
    Outcome.BUDGET_SPENT: (
        "the features are too close to linearly dependent at so many sizes that no more were factorised one by one, so "
        "this one has no number; ask for fewer sizes, narrow the bandwidth, or add or raise the ridge"
    ),
    Outcome.DIVERGED: (
        "training diverged: the loss is no finite number at this time, so no number is given; lower the learning rate"
    ),
}
