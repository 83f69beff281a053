"""A split: one training set and one test set, with the clean labels kept beside the noisy ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from benign.foundation.replicate import Replicate


@dataclass(frozen=True, kw_only=True)
class Column:
    """A named column of inputs that are to be handed on as a data frame.

    Attributes:
        name: what it is called.
        texts: the different texts in it, where it holds text: then its inputs are their places here. None for numbers.
        is_categorical: whether it came as categories, in this order, rather than as plain text.
        has_gaps: whether values are missing; they are NaN in the inputs.
    """

    name: str
    texts: tuple[str, ...] | None = None
    is_categorical: bool = False
    has_gaps: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether it holds numbers, and in every row."""
        return self.texts is None and not self.has_gaps


@dataclass(frozen=True, kw_only=True, eq=False)
class Split:
    """One training set and one test set of a replicate.

    Targets are always real matrices: one-hot rows for classification, where ``train_labels`` holds the class indices,
    and plain values for regression, where ``classes`` is None and zero-one error does not exist.

    Inputs are rows of numbers. Where a sample has a shape, as an image has, its row is the sample in C order, and
    :attr:`shaped` gives the same split with n x channels x height x width inputs.

    Attributes:
        train_inputs: n x d.
        train_targets: n x outputs, the labels that are trained on (with noise).
        train_targets_clean: n x outputs, the same samples' noise-free labels.
        test_inputs: n_test x d. Never overlaps ``pool``.
        test_targets: n_test x outputs, noise-free.
        test_targets_noisy: n_test x outputs, under the same label noise as the training set.
        pool: pool x d inputs, fixed for the replicate whatever n is; scaling and bandwidth heuristics are fitted on it.
        classes: names of the classes in index order, or None for regression.
        replicate: where the split comes from.
        columns: what the columns of all inputs are, where they are to be handed on as a data frame; else None. Only
            then inputs hold NaN, and numbers that stand for text; they are not scaled.
        shape: of one sample, where it is no plain row: (1, 8, 8) of an image of one channel, channels first.
    """

    train_inputs: Float[np.ndarray, "n *sample"]
    train_targets: Float[np.ndarray, "n outputs"]
    train_targets_clean: Float[np.ndarray, "n outputs"]
    test_inputs: Float[np.ndarray, "n_test *sample"]
    test_targets: Float[np.ndarray, "n_test outputs"]
    test_targets_noisy: Float[np.ndarray, "n_test outputs"]
    pool: Float[np.ndarray, "pool *sample"]
    classes: tuple[str, ...] | None
    replicate: Replicate
    columns: tuple[Column, ...] | None = None
    shape: tuple[int, ...] | None = None

    @property
    def samples(self) -> int:
        """Number of training samples n."""
        return len(self.train_inputs)

    @property
    def train_labels(self) -> Int[np.ndarray, " n"]:
        """Class indices of the labels that are trained on."""
        return class_indices(self.train_targets)

    @property
    def shaped(self) -> Split:
        """The same, each sample in its shape."""
        parts: dict[str, Any] = {
            name: in_shape(getattr(self, name), self) for name in ("train_inputs", "test_inputs", "pool")
        }
        return replace(self, **parts)


def in_shape(inputs: Float[np.ndarray, "m ..."], split: Split) -> Float[np.ndarray, "m *sample"]:
    """Rows of a split as samples of its shape; themselves where it has none."""
    return inputs if split.shape is None else inputs.reshape(len(inputs), *split.shape)


def class_indices(targets: Float[np.ndarray, "n outputs"]) -> Int[np.ndarray, " n"]:
    """Class of each one-hot (or score) row: the index of its largest entry, the first one where several tie."""
    return np.argmax(targets, axis=1).astype(np.int64)
