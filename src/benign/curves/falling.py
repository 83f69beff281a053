r"""Does a risk only fall along its axis? A test of equivalence on every later part of the curve against every earlier.

The curve is cut into blocks; each replicate has one number in each, the mean logarithm of its risk, so that a ripple
within a block is no rise. With :math:`d_{ij}` the paired difference of a later block j and an earlier one i, the claim
is that the largest rise :math:`\max_{i < j} E d_{ij}` lies below the logarithm of a small factor, and that the last
block lies below the first. Every pair must show it, so each is tested at the whole level (an intersection-union test);
to fail, one of them must show the opposite, and they share the level.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from benign.curves.findings import LEVEL, Finding, Verdict, scaled_replicates, without_number
from benign.curves.mean_tests import student_bound
from benign.foundation.errors import invalid


def falling_claim(
    *,
    name: str,
    claim: str,
    positions: Float[np.ndarray, " K"],
    values: Float[np.ndarray, "R K"],
    edges: Float[np.ndarray, " B"],
    factor: float = 1.05,
    level: float = LEVEL,
    paper: str = "",
) -> Finding:
    """The claim that a positive risk only falls from the first edge to the last: no rise by ``factor``, a fall in all.

    The effect is the largest rise of a block above an earlier one, as a factor: below 1 where each block is lower than
    the one before. The ends of its interval are the two tests' bounds.

    Args:
        name: identifier.
        claim: sentence without full stop.
        positions: sizes, times or samples, increasing.
        values: risk, one row a replicate; columns without a number in some replicate are left out.
        edges: of the blocks, increasing, both ends of the range included.
        factor: a rise that is smaller counts as none.
        level: 1 minus the share of such findings that may be wrong.
        paper: the paper's number or statement.

    Raises:
        InvalidArgument: if there are fewer than three edges, or a block without a position.
    """
    blocks = _block_means(positions, values, edges)
    pairs = list(itertools.combinations(range(blocks.shape[1]), 2))
    test = (
        f"largest rise of any of {blocks.shape[1]} blocks above an earlier one, mean log ratios by Student's t, level "
        f"{level:g}, against a factor {factor:g}; and the last block below the first"
    )
    finding = without_number(name, claim, "times an earlier part of the curve, at most", test, len(blocks), paper)
    if not np.isfinite(blocks).all() or len(blocks) < 2:
        return finding
    rises = [blocks[:, later] - blocks[:, earlier] for earlier, later in pairs]
    fall, limit = blocks[:, 0] - blocks[:, -1], math.log(factor)
    shared = 1.0 - (1.0 - level) / (len(rises) + 1)
    low = max(student_bound(rise, shared) for rise in rises)
    high = max(-student_bound(-rise, level) for rise in rises)
    effect = float(max(np.mean(rise) for rise in rises))
    verdict = Verdict.UNDECIDED
    if high < limit and student_bound(fall, level) > 0.0:
        verdict = Verdict.HOLDS
    elif low > limit or student_bound(-fall, shared) > 0.0:
        verdict = Verdict.FAILS
    is_open, needed = verdict is Verdict.UNDECIDED, scaled_replicates(len(blocks), effect, (low, high), limit)
    return replace(
        finding,
        verdict=verdict,
        effect=math.exp(effect),
        interval=(math.exp(low), math.exp(high)),
        p_value=1.0 if is_open else 1.0 - level,
        needed_replicates=needed if is_open and high >= limit else None,
    )


def _block_means(
    positions: Float[np.ndarray, " K"], values: Float[np.ndarray, "R K"], edges: Float[np.ndarray, " B"]
) -> Float[np.ndarray, "R B2"]:
    """Mean logarithm of each replicate in each block; NaN where a risk is not positive."""
    usable = np.isfinite(values).all(axis=0)
    block = np.minimum(np.searchsorted(edges, positions, side="right") - 1, len(edges) - 2)
    members = [
        np.flatnonzero(usable & (block == i) & (positions >= edges[0]) & (positions <= edges[-1]))
        for i in range(len(edges) - 1)
    ]
    if len(members) < 2 or not all(len(columns) for columns in members):
        raise invalid(
            "edges", f"must cut at least two blocks that hold a measured position each, got {edges}; take fewer."
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        logarithms = np.log(values)
    return np.stack([logarithms[:, columns].mean(axis=1) for columns in members], axis=1)
