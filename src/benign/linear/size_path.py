"""The size path: the least-squares risk of every model of a nested family, from 1 feature to all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from benign.foundation.errors import InvalidArgument
from benign.foundation.memory import require_memory
from benign.foundation.outcomes import Outcome
from benign.foundation.progress import Progress, silent
from benign.foundation.sizes import checked_sizes
from benign.foundation.split import class_indices
from benign.linear.below import record_below
from benign.linear.beyond import panel_width, record_beyond
from benign.linear.columns import Columns, GivenColumns, MappedColumns
from benign.linear.features import FeatureMap
from benign.linear.problem import Labels, PathProblem, PathRecord
from benign.linear.trust import is_trusted, stated_tolerance


@dataclass(frozen=True, kw_only=True, eq=False)
class SizePath:
    """Risk of the least-squares model at every asked size; arrays run along ``sizes``.

    Losses are means over samples of the squared error summed over outputs; errors are zero-one errors of the largest
    output, NaN for real targets. Where ``outcome`` is ``Outcome.ILL_CONDITIONED`` every measure is NaN.

    Attributes:
        sizes: number of columns k.
        train_loss, train_error: on the training targets.
        test_loss, test_error: on the test targets.
        norm: of the weights, Frobenius over features and outputs.
        function_norm: sqrt(k) times the norm, the norm for features scaled by 1 / sqrt(k).
        leave_one_out, leave_one_out_error: exact leave-one-out loss and error; without ridge NaN at n - 1, n and n + 1,
            where they estimate another model; NaN everywhere if not asked for.
        condition: kappa_F, an upper bound of the 2-norm condition number.
        tolerance: relative tolerance to which losses and predictions are promised.
        outcome: :class:`~benign.foundation.outcomes.Outcome` of each size.
        predictions: at the sizes ``predict_at``, (sizes x n_test x outputs); None if not asked for.
        spectrum: largest and smallest singular value, 2-norm condition and effective rank at ``spectrum_at``.
    """

    sizes: Int[np.ndarray, " sizes"]
    train_loss: Float[np.ndarray, " sizes"]
    train_error: Float[np.ndarray, " sizes"]
    test_loss: Float[np.ndarray, " sizes"]
    test_error: Float[np.ndarray, " sizes"]
    norm: Float[np.ndarray, " sizes"]
    function_norm: Float[np.ndarray, " sizes"]
    leave_one_out: Float[np.ndarray, " sizes"]
    leave_one_out_error: Float[np.ndarray, " sizes"]
    condition: Float[np.ndarray, " sizes"]
    tolerance: Float[np.ndarray, " sizes"]
    outcome: Int[np.ndarray, " sizes"]
    predictions: Float[np.ndarray, "predicted n_test outputs"] | None
    spectrum: tuple[Spectrum, ...]


@dataclass(frozen=True, kw_only=True)
class Spectrum:
    """Singular values of the design matrix at one size, summed up.

    ``effective_rank`` is the exponential of the entropy of the normalised singular values (Roy & Vetterli 2007).
    """

    size: int
    largest: float
    smallest: float
    effective_rank: float

    @property
    def condition(self) -> float:
        """2-norm condition number."""
        return self.largest / self.smallest if self.smallest > 0 else float("inf")


def size_path(
    train: ArrayLike,
    train_targets: ArrayLike,
    test: ArrayLike,
    test_targets: ArrayLike,
    *,
    sizes: Literal["every"] | ArrayLike = "every",
    ridge: float = 0.0,
    leave_one_out: bool = False,
    features: FeatureMap | None = None,
    predict_at: Sequence[int] = (),
    spectrum_at: Sequence[int] = (),
    progress: Progress = silent,
) -> SizePath:
    r"""Least squares on the first k columns, for every k at once.

    .. math:: \theta_k = \arg\min_\theta |Y - Z_{:k} \theta|^2 + \mathrm{ridge}\, |\theta|^2,

    the solution of smallest norm where it is not unique. At each size equivalent to ``numpy.linalg.lstsq`` (ridge 0)
    and to ``sklearn.linear_model.Ridge(alpha=ridge, fit_intercept=False)``, at a cost of 9 n^2 flops a size instead of
    a factorisation. The estimator is that of Belkin et al. 2019 (PNAS 116:15849), section "Random Fourier features".

    Args:
        train: design matrix Z (n x columns), or raw inputs (n x d) if ``features`` is given.
        train_targets: n x outputs, one-hot rows or real values; a vector counts as one output.
        test: the same for the n_test test samples.
        test_targets: likewise.
        sizes: ``"every"`` or strictly increasing numbers of columns. "every" stops at 10 n where features have no end.
        ridge: scikit-learn's alpha, the same for every size; features are never divided by sqrt(k).
        leave_one_out: also the exact leave-one-out risk, about a tenth more work.
        features: a feature map; then Z is made panel by panel and never held, memory is O(n^2 + n n_test).
        predict_at: sizes at which the test predictions are kept.
        spectrum_at: sizes at which the singular values are computed (each costs a few n^3 flops).
        progress: told the number of finished sizes.

    Returns:
        A :class:`SizePath`.

    Raises:
        InvalidArgument: for NaN or infinity, empty or mismatched arrays, sizes that are not strictly increasing
            positive numbers of existing columns, or a negative ridge.
        NotEnoughMemory: if the work arrays do not fit.

    >>> import numpy as np
    >>> z, y = np.array([[1.0, 1.0], [0.0, 1.0]]), np.array([1.0, 1.0])
    >>> size_path(z, y, z, y).train_loss.round(12).tolist()
    [0.5, 0.0]
    """
    fitted, tested = _as_matrix(train_targets, "train_targets"), _as_matrix(test_targets, "test_targets")
    columns, available = _as_columns(train, test, features, fitted, tested)
    wanted = checked_sizes(sizes, available=available, samples=columns.samples, unit="columns")
    last = int(max([wanted[-1], *_checked_extra(predict_at, available), *_checked_extra(spectrum_at, available)]))
    if not (np.isfinite(ridge) and ridge >= 0.0):
        raise InvalidArgument(f"`ridge` must be zero or a positive number, got {ridge!r}.")
    train_labels = as_labels([[fitted]])
    problem = PathProblem(
        targets=train_labels.targets[0], train=train_labels, test=as_labels([[tested]]), ridge=float(ridge), last=last,
        leave_one_out=leave_one_out, predict_at=frozenset(predict_at), spectrum_at=frozenset(spectrum_at),
    )  # fmt: skip
    record = solve_size_path(problem, columns, progress)
    return _as_path(problem, record, wanted, tuple(sorted(set(predict_at))))


def solve_size_path(problem: PathProblem, columns: Columns, progress: Progress = silent) -> PathRecord:
    """Run the path for several target matrices at once and record every size; untrusted sizes become NaN.

    Raises:
        NotEnoughMemory: if the work arrays do not fit.
    """
    require_memory(
        required_bytes(problem, columns.test_samples),
        purpose=f"The size path of {problem.samples} training and {columns.test_samples} test samples",
        advice="lower the number of training samples, test samples or label-noise draws",
    )
    record = PathRecord(problem)
    record_below(problem, columns, record)
    progress("sizes", min(problem.samples, problem.last), problem.last)
    if problem.last > problem.samples:
        record_beyond(problem, columns, record, lambda size: progress("sizes", size, problem.last))
    trusted = is_trusted(record.condition)
    for measure in record.measures():
        measure[..., ~trusted] = np.nan
    for size in list(record.predictions):
        if not trusted[size - 1]:
            record.predictions[size][...] = np.nan
    if problem.ridge == 0.0:
        near = slice(max(problem.samples - 2, 0), problem.samples + 1)
        record.left_out_squares[:, near] = np.nan
        record.left_out_wrong[:, near] = np.nan
    return record


def required_bytes(problem: PathProblem, test_samples: int) -> float:
    """Upper estimate of the work arrays' bytes: a few n x n and n x n_test matrices, and one number a size."""
    samples, columns = problem.samples, problem.groups * problem.targets.shape[1]
    size = min(samples, problem.last)
    below = 5.0 * samples * size + 3.0 * size * test_samples
    beyond = 3.0 * samples**2 + samples * test_samples + 8.0 * panel_width(samples) * (samples + test_samples)
    rows = 6.0 * columns * (samples + test_samples) + 16.0 * problem.groups * problem.last
    return 8.0 * (max(below, beyond if problem.last > samples else 0.0) + rows)


def outcomes(record: PathRecord) -> Int[np.ndarray, " sizes"]:
    """Outcome of every size of a record."""
    outcome = np.where(is_trusted(record.condition), Outcome.CONVERGED, Outcome.ILL_CONDITIONED)
    outcome[record.truncated & is_trusted(record.condition)] = Outcome.TRUNCATED
    return outcome.astype(np.int8)


def as_labels(references: Sequence[Sequence[Float[np.ndarray, "m outputs"]]]) -> Labels:
    """Stack target matrices, references by groups, with the classes of those that are one-hot."""
    targets = np.ascontiguousarray(
        np.array([[np.asarray(group).T for group in reference] for reference in references], dtype=np.float64)
    )
    classes = np.array([[_classes(np.asarray(group)) for group in reference] for reference in references])
    return Labels(targets=targets, classes=classes.astype(np.int64))


def _classes(targets: Float[np.ndarray, "m outputs"]) -> Int[np.ndarray, " m"]:
    is_one_hot = targets.shape[1] > 1 and bool(
        np.all((targets == 0.0) | (targets == 1.0)) and np.all(targets.sum(axis=1) == 1.0)
    )
    return class_indices(targets) if is_one_hot else np.full(len(targets), -1, dtype=np.int64)


def _checked_extra(sizes: Sequence[int], available: float) -> list[int]:
    if any(size != int(size) or not 1 <= size <= available for size in sizes):
        raise InvalidArgument(
            f"`predict_at` and `spectrum_at` must hold whole numbers from 1 to {available}, got {list(sizes)}."
        )
    return [int(size) for size in sizes]


def _as_matrix(values: ArrayLike, name: str) -> Float[np.ndarray, "m outputs"]:
    try:
        matrix = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidArgument(f"`{name}` must be an array of numbers; encode class labels as one-hot rows.") from error
    if matrix.ndim == 1:
        matrix = matrix[:, None]
    if matrix.ndim != 2 or not matrix.size:
        raise InvalidArgument(f"`{name}` must be a matrix with at least one row and one column, got {matrix.shape}.")
    if not np.isfinite(matrix).all():
        row = int(np.flatnonzero(~np.isfinite(matrix).all(axis=1))[0])
        raise InvalidArgument(f"`{name}` holds NaN or infinity, first in row {row}; remove or impute it.")
    return matrix


def _as_columns(
    train: ArrayLike,
    test: ArrayLike,
    features: FeatureMap | None,
    train_targets: Float[np.ndarray, "n outputs"],
    test_targets: Float[np.ndarray, "n_test outputs"],
) -> tuple[Columns, float]:
    first, second = _as_matrix(train, "train"), _as_matrix(test, "test")
    for rows, targets, name in ((first, train_targets, "train"), (second, test_targets, "test")):
        if len(rows) != len(targets):
            raise InvalidArgument(f"`{name}` has {len(rows)} rows but `{name}_targets` has {len(targets)}; pair them.")
    if first.shape[1] != second.shape[1] or train_targets.shape[1] != test_targets.shape[1]:
        raise InvalidArgument(
            f"train and test must have the same columns, got {first.shape[1]} and {second.shape[1]} inputs, "
            f"{train_targets.shape[1]} and {test_targets.shape[1]} outputs."
        )
    if features is None:
        return GivenColumns(train=first, test=second), float(first.shape[1])
    return MappedColumns(features=features, train_inputs=first, test_inputs=second), features.max_size


def _as_path(
    problem: PathProblem, record: PathRecord, sizes: Int[np.ndarray, " sizes"], predicted: tuple[int, ...]
) -> SizePath:
    at = sizes - 1
    train_count, test_count = problem.samples, problem.test.targets.shape[3]
    is_classified = bool((problem.train.classes >= 0).all() and (problem.test.classes >= 0).all())
    wrong_scale = 1.0 if is_classified else np.nan
    norm = np.sqrt(np.maximum(record.norm_squared[0, at], 0.0))
    condition = record.condition[at]
    return SizePath(
        sizes=sizes,
        train_loss=record.train_squares[0, 0, at] / train_count,
        train_error=record.train_wrong[0, 0, at] / train_count * wrong_scale,
        test_loss=record.test_squares[0, 0, at] / test_count,
        test_error=record.test_wrong[0, 0, at] / test_count * wrong_scale,
        norm=norm,
        function_norm=np.sqrt(sizes) * norm,
        leave_one_out=record.left_out_squares[0, at] / train_count,
        leave_one_out_error=record.left_out_wrong[0, at] / train_count * wrong_scale,
        condition=condition,
        tolerance=stated_tolerance(condition),
        outcome=outcomes(record)[at],
        predictions=np.stack([record.predictions[size][0].T for size in predicted]) if predicted else None,
        spectrum=tuple(_spectrum(size, record.singular_values[size]) for size in sorted(problem.spectrum_at)),
    )


def _spectrum(size: int, values: Float[np.ndarray, " rank"]) -> Spectrum:
    share = values[values > 0] / values.sum() if values.sum() > 0 else np.ones(1)
    return Spectrum(
        size=size, largest=float(values[0]), smallest=float(values[-1]),
        effective_rank=float(np.exp(-np.sum(share * np.log(share)))),
    )  # fmt: skip
