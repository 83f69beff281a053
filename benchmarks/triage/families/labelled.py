"""Labelled samples without end, of MNIST-1D and of Gaussian clusters, and their label noise."""

from __future__ import annotations

from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int
from sklearn.datasets import make_classification

from benign.sources.mnist1d import chances, signals

Kind = Literal["mnist1d", "clusters"]
Inputs = Float[np.ndarray, "samples features"]
Labels = Int[np.ndarray, " samples"]


def drawn(kind: Kind, samples: int, classes: int, random: np.random.Generator) -> tuple[Inputs, Labels]:
    """Independent samples of the first ``classes`` classes, standardised, with clean labels."""
    if kind == "mnist1d":
        labels = random.integers(0, classes, samples)
        inputs = signals(labels, chances(samples, random))
    else:
        informative = int(random.integers(5, 12))
        inputs, labels = make_classification(
            samples,
            n_features=20,
            n_informative=informative,
            n_redundant=2,
            n_classes=classes,
            n_clusters_per_class=int(random.integers(1, 4)),
            class_sep=random.uniform(0.6, 1.5),
            flip_y=0,
            random_state=int(random.integers(2**31)),
        )
    return (inputs - inputs.mean(0)) / inputs.std(0), labels


def relabelled(
    labels: Labels, classes: int, share: float, random: np.random.Generator
) -> tuple[Labels, Bool[np.ndarray, " samples"]]:
    """About ``share`` of the labels replaced by another class, and which."""
    flipped = random.random(len(labels)) < share
    return np.where(flipped, (labels + random.integers(1, classes, len(labels))) % classes, labels), flipped
