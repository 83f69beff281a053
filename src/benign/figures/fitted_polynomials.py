"""Polynomials on the data of Deisenroth et al. 2020, section 9.2.2, as functions: fitted, and closest to the truth."""

from __future__ import annotations

from functools import cache

import numpy as np
from jaxtyping import Float

from benign.figures.figure import Picture
from benign.foundation.number_words import format_number as number
from benign.foundation.replicate import Replicate, paired_replicates
from benign.linear import PolynomialFeatures, size_path
from benign.plots import CurveDisplay, FitPanel, FitsDisplay, Role
from benign.procedures import Polynomial
from benign.sources import mml

SAMPLES = 10
LARGEST = 60  # coefficients
SHOWN = (1, 2, 4, 5, 7, 10)
TOO_SMALL = 3  # degree


@cache
def _grid() -> tuple[Float[np.ndarray, "m 1"], Float[np.ndarray, "m 1"]]:
    """Test grid and noise-free target."""
    split = mml().draw(SAMPLES, Replicate())
    return split.test_inputs, split.test_targets


@cache
def closest_polynomials() -> tuple[Float[np.ndarray, " sizes"], Float[np.ndarray, "sizes m"]]:
    """Of each degree 0 .. 59 the polynomial that is closest to the target on the test grid, after its squared distance.

    That distance is the approximation gap.
    """
    (inputs, targets), sizes = _grid(), range(1, LARGEST + 1)
    features = PolynomialFeatures(low=float(inputs.min()), high=float(inputs.max()))
    path = size_path(inputs, targets, inputs, targets, features=features, sizes=sizes, predict_at=sizes)
    assert path.predictions is not None
    return path.train_loss, path.predictions[:, :, 0]


def _fitted(data_set: Replicate, *sizes: int) -> Float[np.ndarray, "sizes m"]:
    """Least squares on one of the data sets, on the test grid."""
    fits = Polynomial().predict(mml().draw(SAMPLES, data_set), _grid()[0], np.array(sizes))
    return np.stack([fit.values[:, 0] for fit in fits])


def fits_picture(seed: int) -> Picture:
    """Six sizes fitted to the same data, and to others."""
    (inputs, targets), data_sets = _grid(), paired_replicates(25, seed=seed)
    fits, first = np.stack([_fitted(one, *SHOWN) for one in data_sets], axis=1), mml().draw(SAMPLES, data_sets[0])
    labels = [f"degree {size - 1}" for size in SHOWN]
    panels = tuple(FitPanel(label=label, fit=fits[i, 0], others=fits[i, 1:]) for i, label in enumerate(labels))
    display = FitsDisplay(
        title="The same ten points, six polynomials",
        grid=inputs[:, 0],
        truth=targets[:, 0],
        train_inputs=first.train_inputs[:, 0],
        train_targets=first.train_targets[:, 0],
        panels=panels,
    )
    sentence = (
        "A polynomial of too low a degree misses the shape (under-fitting), degree 4 is about right, and degree 9 "
        "passes through all points and swings wildly between them (over-fitting); faint lines are fits to other data."
    )
    return Picture("fits", "What is under-fitting, and what is over-fitting?", display, sentence)


def closest_cubic_picture(seed: int, replicates: int, median: float) -> Picture:
    """A space that is too small for the target: at best, and the ``median`` of what ten samples make of it."""
    (inputs, targets), (gaps, closest) = _grid(), closest_polynomials()
    data_sets = paired_replicates(min(200, replicates), seed=seed)
    fits = np.concatenate([_fitted(one, TOO_SMALL + 1) for one in data_sets])
    display = CurveDisplay.from_values(
        title=f"Degree {TOO_SMALL} is too small for this function",
        positions=inputs[:, 0],
        values={
            "fits to 10 points": (Role.TEST, fits),
            "closest cubic": (Role.REMEDY, closest[[TOO_SMALL]]),
            "true function": (Role.REFERENCE, targets.T),
        },
        x_label="x",
        y_label="y",
        x_log=False,
        y_log=False,
        y_limits=(-2.5, 2.0),
        caption=f"Fits: median of {len(fits)} data sets; band: 10 % to 90 % of them.",
    )
    sentence = (
        f"No cubic is the true function: the closest one (dotted) stays a loss of {number(gaps[TOO_SMALL])} away, the "
        "approximation gap, however many samples there are; fitting ten noisy points adds "
        f"{number(median - gaps[TOO_SMALL])} in the median, mostly at the ends."
    )
    return Picture("closest_element", "What if the model cannot express the truth?", display, sentence)
