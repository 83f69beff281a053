r"""Label noise: flips to another class, and Gaussian noise on values.

Both belong to *positions* in draw order and to the replicate's ``noise``, not to ``draw``: noise draws can be crossed
with data draws, and the noise of the first n samples does not depend on how many follow.

**Which labels are flipped.** Two wishes meet: every prefix of n samples should hold the rate it was promised (the
protocols of the papers flip a fixed fraction, not a random number of labels), and a label flipped at one rate should
stay flipped at a higher one. Flipping position i at rate r iff :math:`t_i < r`, for one sequence t, would give the
second for all rates; the first then asks that :math:`\#\{i < n: t_i < r\}` stay within a constant of :math:`rn` for
all r and n, and no sequence does that: the gap grows like :math:`\log n` (Schmidt, Acta Arithmetica 21, 1972, 45-50).
So the count is kept exactly and the nesting as far as it goes:

* Every position carries a priority :math:`u_i`, uniform on [0, 1). For r <= 1/2 the positions are cut into blocks
  :math:`[\lfloor k/r \rfloor, \lfloor (k+1)/r \rfloor)`, and in each block the position of smallest priority is
  flipped. For r > 1/2 the same blocks of rate 1 - r say which labels are *kept*: those of largest priority.
* Count: the flips among the first n differ from rn by less than 1 for every n, and not at all where rn is an integer.
* Nested where one rate (<= 1/2) is an integer multiple of the other: 0.05, 0.1, 0.2 and 0.4 are a chain, and so are
  0.1, 0.3 and 0.1, 0.5, because the smaller blocks divide the larger. Other pairs nest mostly, because a small priority
  is small at both: of the flips at 0.15, 89 % are flipped at 0.2; of those at 0.3, 78 % at 0.35 (measured).
  Above 1/2 the same holds with 1 - r in the place of r, also between a rate below and one above: 0.2 nests in 0.8.
* The wrong class is drawn once for each position, uniformly among the others, and is the same at every rate.

Rates are read as the nearest fraction with a denominator of at most a million, so that 0.1 means one tenth.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from benign.foundation.errors import invalid
from benign.foundation.numbers import checked_number
from benign.foundation.randomness import generator
from benign.foundation.replicate import Replicate
from benign.foundation.split import Split, class_indices
from benign.sources.checks import frozen

Part = Literal["train", "test"]
DIGITS = tuple(str(digit) for digit in range(10))
"""The classes of the images and signals that come with the package."""

_LARGEST_DENOMINATOR = 10**6


def checked_rate(rate: object) -> float:
    """The share of labels to flip, if it can be one.

    Raises:
        InvalidArgument: unless 0 <= ``rate`` < 1.
    """
    share = "a share of flipped labels from 0 up to but not including 1 (0.1 for 10 %)"
    return checked_number("label_noise", rate, kind=share, fits=lambda number: 0.0 <= number < 1.0)


def checked_deviation(argument: str, deviation: object) -> float:
    """The standard deviation of noise on values, if it can be one.

    Raises:
        InvalidArgument: if it is negative or not finite; the message names ``argument``.
    """
    kind = "a standard deviation of at least 0"
    return checked_number(argument, deviation, kind=kind, fits=lambda number: number >= 0.0)


def flipped_positions(count: int, rate: float, random: np.random.Generator) -> Bool[np.ndarray, " n"]:
    r"""Which of the first ``count`` positions are flipped at ``rate``.

    One position of each block :math:`[\lfloor k/r \rfloor, \lfloor (k+1)/r \rfloor)`, that of smallest priority; the
    module's text says more. Ours; that no choice nests over all rates and keeps the count is Schmidt 1972.

    Args:
        count: n, the number of positions.
        rate: share of flips, 0 <= rate < 1.
        random: a fresh generator; the same one gives nested answers over ``count`` (all) and ``rate`` (multiples).

    Returns:
        n booleans; of the first m, however large n is, less than 1 more or fewer than ``rate`` times m are True.

    Raises:
        InvalidArgument: unless 0 <= ``rate`` < 1.

    >>> flipped_positions(20, 0.25, generator(0, "example")).sum()
    np.int64(5)
    """
    share = Fraction(checked_rate(rate)).limit_denominator(_LARGEST_DENOMINATOR)
    if share <= Fraction(1, 2):
        return _one_of_each_block(count, share, random, smallest=True)
    return ~_one_of_each_block(count, 1 - share, random, smallest=False)


def _one_of_each_block(
    count: int, share: Fraction, random: np.random.Generator, *, smallest: bool
) -> Bool[np.ndarray, " n"]:
    """Mark the position of smallest (or largest) priority in each block of about 1/share positions."""
    if share == 0 or count == 0:
        return np.zeros(count, dtype=np.bool_)
    blocks = -(-count * share.numerator // share.denominator)
    edges = np.arange(blocks + 1) * share.denominator // share.numerator
    priorities = random.random(int(edges[-1]))  # to the end of the last block: its choice must not depend on count
    best = (np.minimum if smallest else np.maximum).reduceat(priorities, edges[:-1])
    return (priorities == np.repeat(best, np.diff(edges)))[:count]


def flip_labels(
    labels: Int[np.ndarray, " n"], *, num_classes: int, rate: float, replicate: Replicate, part: Part = "train"
) -> Int[np.ndarray, " n"]:
    """Labels in draw order with a share ``rate`` of them replaced by a uniformly chosen *other* class.

    The label noise of Nakkiran, Kaplun, Bansal, Yang, Barak & Sutskever 2020 (experimental setup), who flip each label
    with that probability; here the share itself is kept, see :func:`flipped_positions`.

    Args:
        labels: n class indices from 0 to ``num_classes`` - 1.
        num_classes: at least two where labels are to be flipped.
        rate: share of flips, 0 <= rate < 1.
        replicate: its ``seed`` and ``noise`` decide; its other numbers do not matter.
        part: training and test labels have independent noise.

    Returns:
        n class indices; a new array.

    Raises:
        InvalidArgument: for a rate outside [0, 1), or with fewer than two classes.
    """
    rate = checked_rate(rate)
    if rate == 0.0:
        return labels.copy()
    if num_classes < 2:
        raise invalid("label_noise", f"needs at least two classes to flip labels between, got {num_classes}.")
    random = generator(replicate.seed, f"flipped classes: {part}", replicate.noise)
    shifts = 1 + (random.random(len(labels)) * (num_classes - 1)).astype(np.int64)
    positions = generator(replicate.seed, f"flipped positions: {part}", replicate.noise)
    is_flipped = flipped_positions(len(labels), rate, positions)
    return np.where(is_flipped, (labels + shifts) % num_classes, labels).astype(labels.dtype)


def add_gaussian(
    values: Float[np.ndarray, "n outputs"], *, deviation: float, replicate: Replicate, part: Part = "train"
) -> Float[np.ndarray, "n outputs"]:
    """Values in draw order plus independent ``N(0, deviation^2)``, the same standard normals at every deviation.

    Equivalent to ``values + deviation * random.standard_normal(values.shape)`` with the generator of the noise.

    Args:
        values: n x outputs.
        deviation: standard deviation, at least 0, in the unit of the values.
        replicate: its ``seed`` and ``noise`` decide; its other numbers do not matter.
        part: training and test values have independent noise.

    Returns:
        n x outputs; the very array where ``deviation`` is 0.

    Raises:
        InvalidArgument: if ``deviation`` is negative or not finite.
    """
    deviation = checked_deviation("deviation", deviation)
    if deviation == 0.0:
        return values
    random = generator(replicate.seed, f"gaussian noise: {part}", replicate.noise)
    return values + deviation * random.standard_normal(values.shape)


def under_noise(split: Split, amount: float) -> Split:
    """A split of clean targets under the noise of its replicate, in the training set and beside the clean test targets.

    Args:
        split: its ``classes`` say which noise: labels are flipped, or values have Gaussian noise added.
        amount: rate of the flips, or standard deviation.
    """
    if amount == 0.0:
        return split
    train = _noisy(split.train_targets_clean, amount, split, "train")
    return replace(split, train_targets=train, test_targets_noisy=_noisy(split.test_targets, amount, split, "test"))


def _noisy(
    clean: Float[np.ndarray, "m outputs"], amount: float, split: Split, part: Part
) -> Float[np.ndarray, "m outputs"]:
    if split.classes is None:
        return frozen(add_gaussian(clean, deviation=amount, replicate=split.replicate, part=part))
    labels, count = class_indices(clean), clean.shape[1]
    return one_hot(flip_labels(labels, num_classes=count, rate=amount, replicate=split.replicate, part=part), count)


def one_hot(labels: Int[np.ndarray, " n"], num_classes: int) -> Float[np.ndarray, "n outputs"]:
    """Row i is the unit vector of class ``labels[i]``."""
    rows = np.zeros((len(labels), num_classes))
    rows[np.arange(len(labels)), labels] = 1.0
    return frozen(rows)
