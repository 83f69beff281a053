"""Search the sizes that a grid needs: where a training set begins to be fitted, and where the last of it is.

Knows nothing of procedures: it asks for training risks at one size and chooses the next one. Two crossings are wanted.
At the *threshold* the mean training risk falls to ``TOLERANCE``; where the risk *vanishes* (``VANISHED``) the last of
the training set is fitted, and there the test risk of least squares peaks. The two may lie far apart: random Fourier
features fit 1,200 digits to within 0.02 from 770 features on, and the test risk peaks at 1,200.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from benign.curves.fitting_threshold import ThresholdOutcome
from benign.curves.threshold_bracketing import PositionRefused, SearchLimits, ThresholdSearch
from benign.foundation.conventions import TOLERANCE
from benign.foundation.size_words import amount, is_counted

VANISHED = 0.0002
DRAWS = 3
_DOUBLINGS_BELOW = 2  # the search starts so far below its guess: a small model costs little

RisksOf = Callable[[int], Float[np.ndarray, " R"] | None]
"""size -> training risk of each of ``DRAWS`` draws, relative to the best constant predictor's; None for a size that
cannot be.
"""


@dataclass(frozen=True, kw_only=True)
class SizeThreshold:
    """Where n samples begin to be fitted.

    Attributes:
        samples: n.
        size: the smallest size that fits, interpolated; the smallest tried where all fit, infinity where none does.
        vanishing: the smallest size at which the training risk vanishes; None where that is not within twice the size.
        outcome: ``FOUND``; ``ALL_FITTED`` if even the smallest size fits; ``NONE_FITTED`` if none that was tried does.
        tried: every size that was measured, ascending.
        least: the smallest size that there is, as far as is known: smaller ones were refused.
    """

    samples: int
    size: float
    vanishing: float | None
    outcome: ThresholdOutcome
    tried: tuple[int, ...]
    least: int

    def sentence(self, unit: str) -> str:
        """What was found, sizes counted in ``unit``."""
        n = f"n = {self.samples:,}"
        if self.outcome is ThresholdOutcome.NONE_FITTED:
            return f"No size tried, up to {amount(self.tried[-1], unit)}, fits {n}."
        if self.outcome is ThresholdOutcome.ALL_FITTED:
            return f"Even the smallest size tried, {amount(self.tried[0], unit)}, fits {n}."
        fits = "are the fewest that fit" if is_counted(unit) else "is the smallest that fits"
        return f"About {amount(round(self.size), unit)} {fits} {n}."


def search_size(risks_of: RisksOf, *, samples: int, guess: int, largest: int) -> SizeThreshold:
    """Search the threshold and where the training risk vanishes.

    Args:
        risks_of: measures one size; each size is asked for once.
        samples: n, for the result.
        guess: where the threshold may be. It is tried exactly, if the search comes by.
        largest: no larger size is tried.
    """

    def numbers_of(size: float, _draws: int) -> Float[np.ndarray, " R"]:
        risks = risks_of(int(size))
        if risks is None:
            raise PositionRefused(f"`size` cannot be {size:g}.", "size")
        return risks[np.isfinite(risks)]

    limits = SearchLimits(
        smallest=1, largest=largest, draws=DRAWS, trainings=sys.maxsize, seconds_left=lambda: 1.0, looks_beyond=False
    )
    search = ThresholdSearch(numbers_of, TOLERANCE, limits, seeks_smallest=True, failures=())
    found = search.run(min(guess, largest) * 2.0**-_DOUBLINGS_BELOW)
    vanishing = None
    if found.has_place:
        # Whether the risk vanishes within twice the size, and where.
        upper = min(math.ceil(2.0 * found.value), largest)
        within = replace(limits, smallest=search.least, largest=max(upper, *search.risks))
        search = ThresholdSearch(numbers_of, VANISHED, within, seeks_smallest=True, failures=(), risks=search.risks)
        gone = search.run(upper)
        vanishing = gone.value if gone.has_place and gone.value <= 2.0 * found.value + 1.0 else None
    return SizeThreshold(
        samples=samples,
        size=found.value,
        vanishing=vanishing,
        outcome=found.outcome,
        tried=tuple(int(size) for size in sorted(search.risks)),
        least=int(search.least),
    )
