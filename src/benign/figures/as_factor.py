"""A difference of decimal logarithms as what a reader can use: how many times."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from benign.curves import Finding


def as_factor(finding: Finding, of: str) -> Finding:
    """The finding with number and interval as factors, where they are differences of log10 as its unit says.

    Powers of ten keep the order, so the verdict is the same.
    """
    if not finding.unit.startswith("log10"):
        return finding
    with np.errstate(over="ignore"):
        effect, low, high = (float(number) for number in 10.0 ** np.array([finding.effect, *finding.interval]))
    return replace(finding, effect=effect, interval=(low, high), unit=f"times ({of})")
