r"""Least squares on nested features, measured at every size of many splits by the size path.

The coefficients of size k minimise :math:`|Y - Z_{:k} \theta|^2 + \text{ridge} |\theta|^2`, those of minimum norm
without ridge; ``benign.linear`` says how all sizes are had from one factorisation.

Splits that share their samples and features and differ only in label noise are further outputs of one factorisation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from benign.foundation.errors import invalid
from benign.foundation.outcomes import Outcome
from benign.foundation.replicate import Replicate
from benign.foundation.sizes import checked_sizes
from benign.foundation.split import Split
from benign.linear.columns import Columns
from benign.linear.problem import PathProblem, PathRecord
from benign.linear.size_path import as_labels, outcomes, solve_size_path
from benign.linear.spectrum import summarise
from benign.procedures.protocol import Predictions, Procedure, check_inputs, recorded_times, refuse_metrics
from benign.schema import END_OF_TRAINING, PAIR_METRICS, PENALTIES, SOLUTION_METRICS, Block

_SPECTRUM_METRICS = frozenset({"condition_2norm", "effective_rank"})


@runtime_checkable
class FeatureRegression(Procedure, Protocol):
    """A procedure that is least squares on its own features."""

    @property
    def ridge(self) -> float:
        """scikit-learn's alpha, the same at every size; 0 for the minimum-norm solution."""
        ...

    @property
    def factor(self) -> int:
        """How many real columns a unit of size has, and how many real rows a sample: 2 for complex features."""
        ...

    def columns(self, split: Split, inputs: Float[np.ndarray, "m d"]) -> Columns:
        """The features of the split's training inputs and of other inputs."""
        ...


def batches(features: object, replicates: Sequence[Replicate]) -> list[tuple[Replicate, ...]]:
    """Label-noise draws on the same inputs and features go together: they are further outputs of one factorisation."""
    del features
    return [tuple(replicates[i] for i in members) for members in _same_inputs(replicates)]


def parameters(features: FeatureRegression, size: int, split: Split) -> int:
    """Real numbers that are fitted: a column's for each output, two for a complex one."""
    return features.factor * size * split.train_targets.shape[1]


def measure(
    features: FeatureRegression,
    splits: Sequence[Split],
    sizes: Int[np.ndarray, " size"],
    times: Float[np.ndarray, " time"] | None,
    metrics: frozenset[str],
) -> Block:
    """Measure all sizes of every split, those that share inputs and features together.

    Raises:
        InvalidArgument: if times are asked for, or a metric that solved least squares, or complex features, have not.
    """
    _check_asked(features, times, metrics)
    shape = (len(splits), len(sizes), 1)
    values = {name: np.full(shape, np.nan) for name in metrics}
    outcome = np.zeros(shape, dtype=np.int8)
    for members in _same_inputs([split.replicate for split in splits]):
        group = [splits[i] for i in members]
        columns = features.columns(group[0], group[0].test_inputs)
        record = solve_size_path(_problem(features, group, sizes, metrics), columns)
        for position, (row, split) in enumerate(zip(members, group, strict=True)):
            for name, curve in _curves(record, position, split, sizes, features.factor).items():
                if name in metrics:
                    values[name][row, :, 0] = curve
            outcome[row, :, 0] = outcomes(record)[position, features.factor * sizes - 1]
    return Block(
        replicates=tuple(split.replicate for split in splits),
        sizes=sizes,
        times=recorded_times(None),
        parameters=np.array([features.parameters(size, splits[0]) for size in sizes.tolist()]),
        outcome=outcome,
        metrics=values,
    )


def _check_asked(features: FeatureRegression, times: object, metrics: frozenset[str]) -> None:
    if times is not None:
        raise invalid("times", "must be None: least squares is solved, not trained, so it has no duration.")
    if features.factor > 1 and metrics & {"leave_one_out_loss", "leave_one_out_error"}:
        raise invalid("metrics", 'asks for leave-one-out risk, which needs real features; use form="real".')
    trained = {
        name for name in metrics if name.startswith("validation") or name.endswith(("averaged", "flipped", "held_out"))
    }
    refuse_metrics(
        trained | metrics & (PENALTIES | SOLUTION_METRICS | PAIR_METRICS),
        "is measured of trained networks alone, not of solved least squares; leave it out",
    )


def predict(
    features: FeatureRegression,
    split: Split,
    inputs: Float[np.ndarray, "m d"],
    sizes: Int[np.ndarray, " size"],
    times: Float[np.ndarray, " time"] | None = None,
) -> Iterator[Predictions]:
    """Predictions of every size on other inputs.

    Raises:
        InvalidArgument: if a size is too ill-conditioned, sizes do not increase, or the inputs have other columns.
    """
    del times
    check_inputs(inputs, split)
    factor = features.factor
    sizes = checked_sizes(sizes, available=np.inf, samples=split.samples, unit="columns")
    zeros = np.zeros((len(inputs), split.train_targets.shape[1]))
    wanted = frozenset((factor * sizes).tolist())
    problem = replace(_problem(features, [split], sizes, frozenset()), test=as_labels([[zeros]]), predict_at=wanted)
    record = solve_size_path(problem, features.columns(split, inputs))
    for size in sizes.tolist():
        prediction = record.predictions.get(factor * size)
        if prediction is None or not np.isfinite(prediction).all():
            outcome = Outcome(outcomes(record)[0, factor * size - 1])
            raise invalid("sizes", f"holds {size}, where {outcome.sentence}.")
        yield Predictions(size=size, time=END_OF_TRAINING, values=prediction[0].T)


def _same_inputs(replicates: Sequence[Replicate]) -> list[list[int]]:
    groups: dict[tuple[int, int, int], list[int]] = {}
    for i, replicate in enumerate(replicates):
        groups.setdefault((replicate.seed, replicate.draw, replicate.initialisation), []).append(i)
    return list(groups.values())


def _problem(
    features: FeatureRegression, group: Sequence[Split], sizes: Int[np.ndarray, " size"], metrics: frozenset[str]
) -> PathProblem:
    factor = features.factor
    train = [[split.train_targets for split in group], [split.train_targets_clean for split in group]]
    test = [[split.test_targets for split in group], [split.test_targets_noisy for split in group]]
    needs_clean = bool(metrics & {"train_loss_clean", "train_error_clean"})
    needs_noisy = bool(metrics & {"test_loss_noisy", "test_error_noisy"})
    spectrum = _spectrum_grid(sizes) if metrics & _SPECTRUM_METRICS else []
    labels = as_labels(train[: 1 + needs_clean])
    rows_of_imaginary_parts = (factor - 1) * group[0].samples
    return PathProblem(
        targets=np.pad(labels.targets[0], ((0, 0), (0, 0), (0, rows_of_imaginary_parts))),  # fitted to zero
        train=labels,
        test=as_labels(test[: 1 + needs_noisy]),
        ridge=features.ridge,
        last=int(factor * sizes[-1]),
        asked=frozenset((factor * sizes).tolist()),
        leave_one_out=bool(metrics & {"leave_one_out_loss", "leave_one_out_error"}),
        predict_at=frozenset(),
        spectrum_at=frozenset(factor * size for size in spectrum),
    )


def _spectrum_grid(sizes: Int[np.ndarray, " size"]) -> list[int]:
    """At most twelve of the sizes, evenly spread on a logarithmic scale."""
    targets = np.geomspace(sizes[0], sizes[-1], 12)
    return np.unique(sizes[np.abs(np.log(sizes[None, :] / targets[:, None])).argmin(axis=1)]).tolist()


def _curves(
    record: PathRecord, position: int, split: Split, sizes: Int[np.ndarray, " size"], factor: int
) -> dict[str, Float[np.ndarray, " size"]]:
    """All measured metrics of one split along the sizes."""
    at = factor * sizes - 1
    n, n_test = split.samples, len(split.test_inputs)
    classified = 1.0 if split.classes is not None else np.nan
    norm = np.sqrt(np.maximum(record.norm_squared[position, at], 0.0))
    curves = {
        "norm": norm,
        "scaled_norm": np.sqrt(sizes) * norm,
        "leave_one_out_loss": record.left_out_squares[position, at] / n,
        "leave_one_out_error": record.left_out_wrong[position, at] / n * classified,
        "condition": record.condition[at],
    }
    sides = (("train", record.train, n, ("", "_clean")), ("test", record.test, n_test, ("", "_noisy")))
    for side, risks, rows, suffixes in sides:
        for reference, suffix in enumerate(suffixes[: len(risks.squares)]):
            curves[f"{side}_loss{suffix}"] = risks.squares[reference, position, at] / rows
            curves[f"{side}_error{suffix}"] = risks.wrong[reference, position, at] / rows * classified
    curves["condition_2norm"], curves["effective_rank"] = np.full((2, len(sizes)), np.nan)
    for size, values in record.singular_values.items():
        spectrum = summarise(size, values)
        curves["condition_2norm"][sizes == size // factor] = spectrum.condition
        curves["effective_rank"][sizes == size // factor] = spectrum.effective_rank
    return curves
