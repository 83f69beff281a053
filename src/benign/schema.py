"""The surface's schema: the names, dimensions and coordinates that every part of the package relies on.

A surface is an ``xarray.Dataset`` with dimensions ``size``, ``time``, ``samples``, ``replicate`` and one variable for
each metric; a surface measured over levels of label noise or over learning rates has the dimension ``label_noise`` or
``learning_rate`` before them. Without suffix, train is measured against the labels trained on and test against clean
test labels. A loss is the procedure's training objective: squared error summed over outputs, or cross-entropy in nats
(the surface's attribute ``objective``).
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int, Real

from benign.foundation.arguments import checked_name
from benign.foundation.errors import invalid, unknown_name
from benign.foundation.numbers import checked_number
from benign.foundation.replicate import Replicate
from benign.foundation.wording import shown

if TYPE_CHECKING:
    import xarray as xr

DIMENSIONS = ("size", "time", "samples", "replicate")
LABEL_NOISE = "label_noise"
LEARNING_RATE = "learning_rate"
LEADING = (LABEL_NOISE, LEARNING_RATE)
END_OF_TRAINING = np.inf
SIZE_IS_INVERSE = "size_is_inverse"
"""Attribute of a surface whose size fits less the larger it is."""
SIZE_SEARCH = "size_search"
"""Attribute of a surface whose sizes a pilot found: what it found."""
DAMAGED = "damaged_blocks"
"""Attribute of a surface from which blocks were left out, for they are damaged in the store: how many."""
SOURCE_NOTES = "source_notes"
"""Attribute of a surface on whose data there is something to know, such as copies among them."""

# What is measured of a model; a network trained with averaging has each of them for its averaged weights too.
_RISKS = {
    "train_loss": "loss on the labels trained on, mean over training samples",
    "train_error": "zero-one error on the labels trained on",
    "test_loss": "loss on clean test labels, mean over test samples",
    "test_error": "zero-one error on clean test labels",
    "train_loss_clean": "as train_loss, on the training samples' clean labels",
    "train_error_clean": "as train_error, on the training samples' clean labels",
    "test_loss_noisy": "as test_loss, on test labels under the training label noise",
    "test_error_noisy": "as test_error, on test labels under the training label noise",
    "train_error_flipped": "as train_error, on the training samples whose label is flipped (1 - share memorised)",
    "train_error_unflipped": "as train_error, on the training samples whose label is not flipped",
    "validation_loss": "loss on a validation set: the first half of the test set, its labels as noisy as in training",
    "validation_error": "zero-one error on that validation set",
    "test_loss_held_out": "test_loss on the second half of the test set, which validation has not seen",
    "test_error_held_out": "as test_loss_held_out, zero-one error",
}
# What is measured of the solution that a training has found.
_SOLUTION = {
    "gradient_penalty": "R_IG: mean square of the full-batch gradient of the training objective over parameters",
    "gradient_penalty_minibatch": "as gradient_penalty of one mini-batch, mean over mini-batches",
    "top_eigenvalue": "largest eigenvalue of the Hessian of the training objective",
    "hessian_trace": "trace of the Hessian of the training objective",
    "worst_sharpness": "largest rise of the training objective within a small ball around the parameters",
    "adaptive_sharpness": "as worst_sharpness, the ball scaled by each parameter's size: unchanged by rescaled units",
    "train_error_under_noise": "train_error of parameters multiplied by 1 + noise, mean over draws",
    "test_error_under_noise": "test_error of parameters multiplied by 1 + noise, mean over draws",
    "path_norm": "root of the sum over paths of squared products of weights",
    "spectral_norm_product": "product of the spectral norms of the weight matrices",
    "distance_from_start": "Euclidean distance of the parameters from the initial ones",
    "normalised_margin": "tenth percentile of the training margins over the product of spectral norms",
}
# What is measured of several solutions of one training set, that differ in their initialisation; mean over pairs.
_PAIR = {
    "disagreement": "share of test inputs to which two networks of different initialisation give different classes",
    "disagreement_independent": "disagreement of two predictors of the same accuracies whose mistakes are independent",
    "output_difference": "squared distance of two networks' test probabilities (outputs for squared loss), mean",
    "representation_similarity": "debiased linear CKA of two networks' last hidden layers on test inputs",
    "barrier": "largest rise of the train loss on the straight line between two networks, above the chord",
    "barrier_matched": "as barrier, after the permutation of hidden units that brings the two closest",
}
METRICS: dict[str, str] = {
    **_RISKS,
    **{f"{name}_averaged": f"{text}; for the moving average of the weights" for name, text in _RISKS.items()},
    "norm": "norm of the weights |theta|",
    "norm_averaged": "norm of the moving average of the weights",
    "scaled_norm": "sqrt(size) |theta|: the norm of the weights for features scaled by 1 / sqrt(size)",
    **_SOLUTION,
    **_PAIR,
    **{
        f"{name}_cooled": f"{text}; after a few small full-batch steps from the parameters"
        for name, text in {**_RISKS, **_SOLUTION}.items()
    },
    "leave_one_out_loss": "exact leave-one-out squared error, on the labels trained on",
    "leave_one_out_error": "exact leave-one-out zero-one error, on the labels trained on",
    "condition": "kappa_F, an upper bound of the design matrix's 2-norm condition number",
    "condition_2norm": "2-norm condition number of the design matrix, on a grid of sizes",
    "effective_rank": "exponential of the entropy of the normalised singular values, on a grid of sizes",
}
# What only a training, only :class:`~benign.procedures.RepeatedMLP` or only :class:`~benign.procedures.Solutions` has.
PENALTIES = frozenset({"gradient_penalty", "gradient_penalty_minibatch"})
PAIR_METRICS = frozenset(_PAIR)
AVERAGED_METRICS = frozenset(name for name in METRICS if name.endswith("_averaged"))
SOLVED_METRICS = frozenset(
    {"leave_one_out_loss", "leave_one_out_error", "condition", "condition_2norm", "effective_rank"}
)
SOLUTION_METRICS = frozenset({*_SOLUTION, *(f"{name}_cooled" for name in (*_RISKS, *_SOLUTION))}) - PENALTIES
DEFAULT_METRICS = frozenset({"train_loss", "train_error", "test_loss", "test_error", "norm", "scaled_norm"})
FORMAT = 2
"""Of what is written: blocks in a store, and files. Format 1 is read, too."""
_WRITTEN_AS = "benign_format"  # attribute of a file
_RENAMED = {"function_norm": "scaled_norm", "sharpness": "worst_sharpness"} | {
    f"{part}_error_perturbed": f"{part}_error_under_noise" for part in ("train", "test")
}
_NAMES_TODAY = _RENAMED | {f"{old}_cooled": f"{new}_cooled" for old, new in _RENAMED.items() if new in _SOLUTION}
_FIRST_NAMES = {new: old for old, new in _NAMES_TODAY.items()}
# What needs no training: the risks of the best constant predictors.
CONSTANTS = {
    "train_loss_constant": "train_loss of the best constant predictor",
    "test_error_constant": "test_error of always predicting the most frequent training class",
}
# Kept with every surface, whatever metrics are asked for.
ALWAYS = {
    "outcome": "0: converged, 1: dependent columns, 2: ill-conditioned, 3: diverged, 4: budget spent (from 2 on: none)",
    "parameters": "number of trained parameters",
    **CONSTANTS,
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Block:
    """What measuring one procedure on some splits of one n yields: the (replicate, size, time) part of a surface.

    Attributes:
        replicates: which replicate each row is of; empty for a block out of a store, which is of one.
        sizes: strictly increasing.
        times: strictly increasing; ``[inf]`` is the end of training.
        parameters: number of trained parameters.
        outcome: an :class:`~benign.foundation.outcomes.Outcome` each.
        metrics: by name.
        constants: the risks of the best constant predictors, by name; a procedure leaves them to the job.
    """

    replicates: tuple[Replicate, ...]
    sizes: Real[np.ndarray, " size"]
    times: Float[np.ndarray, " time"]
    parameters: Int[np.ndarray, " size"]
    outcome: Int[np.ndarray, "replicate size time"]
    metrics: Mapping[str, Float[np.ndarray, "replicate size time"]]
    constants: Mapping[str, Float[np.ndarray, " replicate"]] = field(default_factory=dict)


def name_today(metric: str) -> str:
    """What a metric of format 1 is called in format 2; of others the name itself."""
    return _NAMES_TODAY.get(metric, metric)


def first_name(metric: str) -> str:
    """What a metric was called in format 1: keys are made of these names, so that what is measured stays known."""
    return _FIRST_NAMES.get(metric, metric)


def asked_name(
    metric: object, *, known: Collection[str] = METRICS, kind: str = "metric", argument: str = "metrics"
) -> str:
    """The name of a metric that a user asks for, who may still use the one of format 1.

    Raises:
        UnknownName: for a metric that is not among the known ones.
    """
    name = checked_name(kind, name_today(metric) if isinstance(metric, str) else metric, known, argument=argument)
    if name != metric:
        warnings.warn(f"The metric {metric} is called {name} now; its old name goes with 0.3.", FutureWarning, 2)
    return name


def checked_position(axis: str, value: object) -> float:
    """A position on an axis: a number, or the end of training.

    Raises:
        InvalidArgument: if it is neither.
    """
    is_end = isinstance(value, float) and value == END_OF_TRAINING
    return END_OF_TRAINING if is_end else checked_number(axis, value)


def checked_metrics(metrics: Iterable[str] | None) -> frozenset[str]:
    """The metrics to measure: the default ones, and those asked for.

    Raises:
        UnknownName: for a metric that does not exist.
        InvalidArgument: if it is not a list.
    """
    if metrics is None:
        return DEFAULT_METRICS
    if isinstance(metrics, str) or not isinstance(metrics, Collection) or isinstance(metrics, Mapping):
        raise invalid("metrics", f'must be a list of names, for example ["leave_one_out_loss"], got {shown(metrics)}.')
    return DEFAULT_METRICS | {asked_name(name) for name in metrics}


def replicate_coordinates(replicates: Sequence[Replicate]) -> dict[str, object]:
    """The coordinates of the replicate axis: its labels, and the three numbers of each replicate."""
    return {
        "replicate": [label(replicate) for replicate in replicates],
        "draw": ("replicate", [replicate.draw for replicate in replicates]),
        "initialisation": ("replicate", [replicate.initialisation for replicate in replicates]),
        "noise": ("replicate", [replicate.noise for replicate in replicates]),
    }


def label(replicate: Replicate) -> str:
    """Name of a replicate on its axis: draw-initialisation-noise."""
    return f"{replicate.draw}-{replicate.initialisation}-{replicate.noise}"


def described(dataset: xr.Dataset) -> xr.Dataset:
    """The dataset, each variable with the sentence that says what it is."""
    for name, text in {**METRICS, **ALWAYS}.items():
        if name in dataset:
            dataset[name].attrs["long_name"] = text
    return dataset


def marked(dataset: xr.Dataset) -> xr.Dataset:
    """The dataset as it is written to a file: with its format, which :func:`unmarked` takes off."""
    return dataset.assign_attrs({_WRITTEN_AS: FORMAT})


def unmarked(dataset: xr.Dataset) -> xr.Dataset:
    """The dataset out of a file of this format or the one before, its metrics called as today.

    Raises:
        InvalidArgument: if its format is newer.
    """
    today = {name: name_today(str(name)) for name in dataset.data_vars}
    dataset = dataset.rename({name: new for name, new in today.items() if new not in dataset})
    if str(dataset.attrs.pop(_WRITTEN_AS, 1)) not in ("1", str(FORMAT)):
        raise invalid("path", "holds a surface of a newer benign; upgrade with: pip install --upgrade benign")
    return dataset


def check(dataset: xr.Dataset) -> xr.Dataset:
    """The dataset, if it is a surface.

    Raises:
        InvalidArgument: if a dimension is missing or out of place, a variable is unknown or an axis does not increase.
    """
    missing = [name for name in DIMENSIONS if name not in dataset.dims]
    if missing:
        raise invalid("dataset", f"is no surface: it lacks the dimension {missing[0]!r}.")
    for name in dataset.data_vars:
        if name not in METRICS and name not in ALWAYS:
            raise unknown_name("surface variable", name, [*METRICS, *ALWAYS], argument="dataset")
        leading = [dim for dim in dataset[name].dims if dim in LEADING]
        if leading != list(dataset[name].dims[: len(leading)]):
            raise invalid(
                "dataset", f"is no surface: {leading[0]!r} must be the first dimension of {name!r}; transpose it."
            )
    for dim in ("size", "samples", *(dim for dim in dataset.dims if dim in LEADING)):
        if np.any(np.diff(dataset[dim].values) <= 0):
            raise invalid("dataset", f"is no surface: its coordinate {dim!r} does not increase.")
    return dataset
