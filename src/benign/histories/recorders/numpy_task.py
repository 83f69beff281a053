"""Loss and error of predictions that are NumPy arrays."""

from __future__ import annotations

from typing import Literal

import numpy as np
from jaxtyping import Float, Int, Shaped

Kind = Literal["probabilities", "decisions", "numbers"]


def cross_entropy(probabilities: Float[np.ndarray, "m classes"], places: Int[np.ndarray, " m"]) -> float:
    """Mean of -log p of the right class; a p of 0 counts as the smallest step above it that 1 - p can have."""
    right = probabilities[np.arange(places.size), places].astype(float)
    return float(-np.mean(np.log(np.maximum(right, np.finfo(float).eps))))


def hinge(decisions: Float[np.ndarray, "m classes"], places: Int[np.ndarray, " m"]) -> float:
    """Mean hinge loss of each class against the rest."""
    signs = np.where(np.arange(decisions.shape[1]) == places[:, None], 1.0, -1.0)
    return float(np.mean(np.maximum(1.0 - signs * decisions, 0.0)))


def squared(outputs: Shaped[np.ndarray, "m *outputs"], targets: Shaped[np.ndarray, "m *outputs"]) -> float:
    """Mean squared difference."""
    return float(np.mean((np.reshape(outputs, np.shape(targets)).astype(float) - targets) ** 2))


def share_wrong(scores: Float[np.ndarray, "m classes"], places: Int[np.ndarray, " m"]) -> float:
    """Of rows whose highest score is not that of the right class."""
    return float(np.mean(scores.argmax(axis=1) != places))
