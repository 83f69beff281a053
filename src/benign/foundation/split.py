"""A split: one training set and one test set, with the clean labels kept beside the noisy ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from benign.foundation.replicate import Replicate


@dataclass(frozen=True, kw_only=True, eq=False)
class Split:
    """One training set and one test set of a replicate.

    Targets are always real matrices: one-hot rows for classification, where the ``*_labels`` hold the class indices,
    and plain values for regression, where ``classes`` is None and zero-one error does not exist.

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
    """

    train_inputs: Float[np.ndarray, "n d"]
    train_targets: Float[np.ndarray, "n outputs"]
    train_targets_clean: Float[np.ndarray, "n outputs"]
    test_inputs: Float[np.ndarray, "n_test d"]
    test_targets: Float[np.ndarray, "n_test outputs"]
    test_targets_noisy: Float[np.ndarray, "n_test outputs"]
    pool: Float[np.ndarray, "pool d"]
    classes: tuple[str, ...] | None
    replicate: Replicate

    @property
    def samples(self) -> int:
        """Number of training samples n."""
        return len(self.train_inputs)


def class_indices(targets: Float[np.ndarray, "n outputs"]) -> Int[np.ndarray, " n"]:
    """Class of each one-hot (or score) row: the index of its largest entry, the first one where several tie."""
    return np.argmax(targets, axis=1).astype(np.int64)
