"""The size path: the least-squares risk of every model of a nested family, from 1 feature to all of them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from benign.foundation.arguments import checked_flag
from benign.foundation.arrays import as_array, as_numbers
from benign.foundation.errors import InvalidArgument, invalid
from benign.foundation.memory import require_memory
from benign.foundation.number_words import format_number
from benign.foundation.numbers import checked_ridge
from benign.foundation.outcomes import Outcome
from benign.foundation.progress import Progress, silent
from benign.foundation.sizes import checked_sizes
from benign.foundation.split import class_indices
from benign.foundation.wording import shown
from benign.linear.alone import record_alone, sizes_alone
from benign.linear.below import record_below
from benign.linear.beyond import first_columns, panel_width, record_beyond
from benign.linear.columns import Columns, GivenColumns, MappedColumns
from benign.linear.dependent import as_start, record_dependent
from benign.linear.features import FeatureMap
from benign.linear.many_digits import record_untrusted
from benign.linear.problem import Labels, PathProblem, PathRecord
from benign.linear.spectrum import Spectrum, summarise
from benign.linear.trust import TOLERANCE, is_trusted, stated_tolerance

_SMALLEST_ENTRY = 1e-150
_LARGEST_ENTRY = 1e100  # its square, summed over any array, is still finite


@dataclass(frozen=True, kw_only=True, eq=False)
class SizePath:
    """Risk of the least-squares model at every asked size; arrays run along ``sizes``.

    Losses are means over samples of the squared error summed over outputs; errors are zero-one errors of the largest
    output, NaN for real targets. Where ``outcome`` is ``Outcome.ILL_CONDITIONED`` or
    ``Outcome.BUDGET_SPENT`` every measure is NaN; where it is ``Outcome.TRUNCATED`` columns or samples are dependent to
    within rounding, and all is of the solution of smallest norm. Whatever else is asked for, a size has the same
    number but for rounding, unless so many cost a factorisation each that their budget is spent.

    Attributes:
        sizes: number of columns k.
        train_loss: on the training targets.
        train_error: likewise.
        test_loss: on the test targets.
        test_error: likewise.
        norm: of the weights, Frobenius over features and outputs; NaN beyond n where a ridge that is tiny for
            rank-deficient features, or huge, leaves less than half of its digits.
        scaled_norm: sqrt(k) times the norm, the norm for features scaled by 1 / sqrt(k).
        leave_one_out: exact leave-one-out loss; without ridge NaN at n - 1, n and n + 1, where it estimates another
            model; NaN where a leverage is 1 to rounding, so that one sample alone decides a direction, and everywhere
            if not asked for.
        leave_one_out_error: the same of the zero-one error.
        condition: kappa_F, an upper bound of the 2-norm condition number; where columns or samples are dependent, of
            what is left without them.
        tolerance: losses are promised to within tolerance * max(loss, mean of y^2), y the training targets, and root
            mean squares of predictions likewise: of a loss far below the targets' own size no relative digit is. Where
            float64 did not do and the problem is small it is 1e-9, from many digits, whatever the condition.
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
    scaled_norm: Float[np.ndarray, " sizes"]
    leave_one_out: Float[np.ndarray, " sizes"]
    leave_one_out_error: Float[np.ndarray, " sizes"]
    condition: Float[np.ndarray, " sizes"]
    tolerance: Float[np.ndarray, " sizes"]
    outcome: Int[np.ndarray, " sizes"]
    predictions: Float[np.ndarray, "predicted n_test outputs"] | None
    spectrum: tuple[Spectrum, ...]

    @property
    def function_norm(self) -> Float[np.ndarray, " sizes"]:
        """The old name of ``scaled_norm``, until 0.3."""
        warnings.warn("path.function_norm is now path.scaled_norm.", DeprecationWarning, stacklevel=2)
        return self.scaled_norm

    def __str__(self) -> str:
        """Where the test loss is lowest and where highest, and how many sizes have no number."""
        known = np.isfinite(self.test_loss)
        words = f"{len(self.sizes):,} sizes from {self.sizes[0]:,} to {self.sizes[-1]:,}"
        if known.any():
            low, high = np.nanargmin(self.test_loss), np.nanargmax(self.test_loss)
            words += (
                f"; test loss lowest at {self.sizes[low]:,} ({format_number(self.test_loss[low])}), highest at "
                f"{self.sizes[high]:,} ({format_number(self.test_loss[high])})"
            )
        return words if known.all() else f"{words}; {np.count_nonzero(~known):,} sizes without a number"


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
    predict_at: Sequence[int] | Int[np.ndarray, " predicted"] = (),
    spectrum_at: Sequence[int] | Int[np.ndarray, " spectral"] = (),
    progress: Progress = silent,
) -> SizePath:
    r"""Least squares on the first k columns, for every k at once.

    .. math:: \theta_k = \arg\min_\theta |Y - Z_{:k} \theta|^2 + \mathrm{ridge}\, |\theta|^2,

    the solution of smallest norm where it is not unique. At each size equivalent to ``numpy.linalg.lstsq`` (ridge 0)
    and to ``sklearn.linear_model.Ridge(alpha=ridge, fit_intercept=False)``, at a cost of 9 n^2 flops a size instead of
    a factorisation; few sizes are solved alone, at 2 n^2 flops a column, where that is clearly cheaper. The estimator
    is that of Belkin et al. 2019 (PNAS 116:15849), section "Random Fourier features".

    Args:
        train: design matrix Z (n x columns), or raw inputs (n x d) if ``features`` is given.
        train_targets: n x outputs, one-hot rows or real values; a vector counts as one output.
        test: the same for the n_test test samples.
        test_targets: likewise.
        sizes: ``"every"`` or strictly increasing numbers of columns. "every" stops at 10 n where features have no end.
        ridge: scikit-learn's alpha, the same for every size; features are never divided by sqrt(k).
        leave_one_out: also the exact leave-one-out risk, about a tenth more work.
        features: a feature map; then Z is made panel by panel and never held, memory is O(n^2 + n n_test).
        predict_at: increasing sizes at which the test predictions are kept.
        spectrum_at: increasing sizes at which the singular values are computed (each costs a few n^3 flops).
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
    predicted, spectral = (
        _checked_extra(name, extra, available)
        for name, extra in (("predict_at", predict_at), ("spectrum_at", spectrum_at))
    )
    train_labels = as_labels([[fitted]])
    problem = PathProblem(
        targets=train_labels.targets[0],
        train=train_labels,
        test=as_labels([[tested]]),
        ridge=checked_ridge(ridge),
        last=max(int(wanted[-1]), *predicted, *spectral, 1),
        asked=frozenset([*wanted.tolist(), *predicted]),
        leave_one_out=checked_flag("leave_one_out", leave_one_out),
        predict_at=frozenset(predicted),
        spectrum_at=frozenset(spectral),
    )
    record = solve_size_path(problem, columns, progress)
    return _as_path(record, wanted, predicted)


def solve_size_path(problem: PathProblem, columns: Columns, progress: Progress = silent) -> PathRecord:
    """Run the path for several target matrices at once and record every size; untrusted sizes become NaN.

    Raises:
        NotEnoughMemory: if the work arrays do not fit.
    """
    require_memory(
        required_bytes(problem, columns.test_samples),
        purpose=f"The size path of {problem.samples} training and {columns.test_samples} test samples",
        advice="lower the number of training samples, test samples, label-noise draws or the largest size",
    )
    record = PathRecord(problem)
    with np.errstate(over="ignore", invalid="ignore"):  # weights on columns that are all but 0: flagged
        _record_all(columns, record, lambda size: progress("sizes", size, problem.last))
        record_untrusted(columns, record)
    flagged = ~np.isin(outcomes(record), [Outcome.CONVERGED, Outcome.TRUNCATED])
    for measure in record.measures():
        np.copyto(measure, np.nan, where=flagged)
    for size, predictions in record.predictions.items():
        predictions[flagged[:, size - 1]] = np.nan
    if problem.ridge == 0.0:
        near = slice(max(problem.samples - 2, 0), problem.samples + 1)
        record.left_out_squares[:, near] = np.nan
        record.left_out_wrong[:, near] = np.nan
    return record


def _record_all(columns: Columns, record: PathRecord, tell: Callable[[int], None]) -> None:
    """The sizes below n, those among dependent columns, and those beyond n, each by its own method."""
    problem, samples, last = record.problem, record.problem.samples, record.problem.last
    far = sizes_alone(problem, columns.test_samples)
    if far and record_alone(columns, record, far, tell):
        last = max([size for size in problem.asked | problem.spectrum_at if size <= samples], default=0)
    size = min(samples, last)
    span = record_below(columns, record, size) if size else None
    if span is not None:
        span = record_dependent(columns, record, span, last, tell)
    if size:
        tell(size)
    if last > samples and (span is None or span.rank == samples):
        if span is None or span.state.size == samples:
            start = first_columns(problem, columns, float(record.spread[samples - 1]))
        else:
            start = as_start(columns, span)
        record_beyond(columns, record, start, tell)


def required_bytes(problem: PathProblem, test_samples: int) -> float:
    """Upper estimate of the work arrays' bytes: a few n x n and n x n_test matrices, and one number a size."""
    return bytes_of_path(
        problem.samples,
        problem.last,
        test_samples=test_samples,
        outputs=problem.targets.shape[1],
        groups=problem.groups,
        is_ridgeless=problem.ridge == 0.0,
        alone=len(sizes_alone(problem, test_samples)),
    )


def bytes_of_path(
    samples: int,
    last: int,
    *,
    test_samples: int = 0,
    outputs: int = 1,
    groups: int = 1,
    is_ridgeless: bool = False,
    alone: int = 0,
) -> float:
    """The same of a path that is not there yet: by default the least that one to the size ``last`` can need."""
    size = min(samples, last)
    below = 5.0 * samples * size + 3.0 * size * test_samples
    if is_ridgeless:  # among dependent columns the basis, two triangles, the test rows and what predicts them
        below += 2.0 * samples * size + size * test_samples
    beyond = 3.0 * samples**2 + samples * test_samples + 8.0 * panel_width(samples) * (samples + test_samples)
    rows = (6.0 + 2.0 * alone) * groups * outputs * (samples + test_samples) + 20.0 * groups * last
    return 8.0 * (max(below, beyond if last > samples else 0.0) + rows)


def outcomes(record: PathRecord) -> Int[np.ndarray, "groups sizes"]:
    """Outcome of every size of a record."""
    trusted = is_trusted(record.condition, record.sensitivity) | record.many_digits
    flagged = np.where(record.spared, Outcome.BUDGET_SPENT, Outcome.ILL_CONDITIONED)
    outcome = np.where(trusted, Outcome.CONVERGED, flagged)
    outcome[trusted & record.truncated] = Outcome.TRUNCATED
    return outcome.astype(np.int8)


def as_labels(references: Sequence[Sequence[Float[np.ndarray, "m outputs"]]]) -> Labels:
    """Stack target matrices, references by groups, with the classes of those that are one-hot."""
    targets = np.ascontiguousarray(
        np.array([[np.asarray(group).T for group in reference] for reference in references], dtype=np.float64)
    )
    classes = np.array([[_classes(np.asarray(group)) for group in reference] for reference in references])
    return Labels(targets=targets, classes=classes.astype(np.int64))


def _classes(targets: Float[np.ndarray, "m outputs"]) -> Int[np.ndarray, " m"]:
    """The class of each one-hot row; -1 throughout where a row is none, for a largest output then means nothing."""
    is_one_hot = targets.shape[1] > 1 and bool(
        np.all((targets == 0.0) | (targets == 1.0)) and np.all(targets.sum(axis=1) == 1.0)
    )
    return class_indices(targets) if is_one_hot else np.full(len(targets), -1, dtype=np.int64)


def _checked_extra(name: str, sizes: Sequence[int] | Int[np.ndarray, " sizes"], available: float) -> tuple[int, ...]:
    listed = np.atleast_1d(as_array(name, sizes))
    if not listed.size:
        return ()
    return tuple(checked_sizes(listed, available=available, samples=1, unit="columns", argument=name).tolist())


def _predictions(record: PathRecord, sizes: tuple[int, ...]) -> Float[np.ndarray, "predicted n_test outputs"] | None:
    """Test predictions at the asked sizes; NaN where a size is flagged."""
    if not sizes:
        return None
    missing = np.full(record.problem.test.targets.shape[2:], np.nan)
    return np.stack([record.predictions.get(size, missing[None])[0].T for size in sizes])


def _as_matrix(values: ArrayLike, name: str) -> Float[np.ndarray, "m outputs"]:
    """The argument as a matrix whose entries have finite squares; a vector is one column.

    Raises:
        InvalidArgument: if it is none, or holds NaN, infinity or numbers of no size that float64 can square.
    """
    array = as_array(name, values)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or not array.size:
        raise invalid(name, f"must be a matrix with at least one row and one column, got {array.shape}.")
    if array.dtype == np.float64:  # as a rule, and not copied then
        matrix = np.ascontiguousarray(array)
    else:
        matrix = as_numbers(name, array, advice="encode class labels as one-hot rows")
    if not (matrix.min() >= -_LARGEST_ENTRY and matrix.max() <= _LARGEST_ENTRY):
        row = int(np.flatnonzero(~(np.abs(matrix) <= _LARGEST_ENTRY).all(axis=1))[0])
        raise invalid(
            name, f"holds NaN, infinity or a number beyond 1e100, first in row {row}; remove, impute or rescale it."
        )
    if 0.0 < max(matrix.max(), -matrix.min()) < 1.0 / _LARGEST_ENTRY:
        raise invalid(name, "holds no number of at least 1e-100 in size, but for 0; rescale it.")
    is_tiny = (matrix < _SMALLEST_ENTRY) & (matrix > -_SMALLEST_ENTRY)
    # Tiny ones are far below the rounding of the others, and have no square.
    return np.where(is_tiny, 0.0, matrix) if (is_tiny & (matrix != 0.0)).any() else matrix


def _as_columns(
    train: ArrayLike,
    test: ArrayLike,
    features: FeatureMap | None,
    train_targets: Float[np.ndarray, "n outputs"],
    test_targets: Float[np.ndarray, "n_test outputs"],
) -> tuple[Columns, float]:
    first, second = _as_matrix(train, "train"), _as_matrix(test, "test")
    names = [list(frame.columns) for frame in (train, test) if hasattr(frame, "columns")]
    if len(names) == 2 and names[0] != names[1]:
        raise InvalidArgument(
            "`train` and `test` are tables whose columns differ or stand in another order; align them."
        )
    for rows, targets, name in ((first, train_targets, "train"), (second, test_targets, "test")):
        if len(rows) != len(targets):
            raise invalid(name, f"has {len(rows)} rows but `{name}_targets` has {len(targets)}; pair them.")
    if first.shape[1] != second.shape[1] or train_targets.shape[1] != test_targets.shape[1]:
        raise InvalidArgument(
            f"train and test must have the same columns, got {first.shape[1]} and {second.shape[1]} inputs, "
            f"{train_targets.shape[1]} and {test_targets.shape[1]} outputs."
        )
    if features is None:
        return GivenColumns(train=first, test=second), float(first.shape[1])
    if not isinstance(features, FeatureMap):
        raise invalid("features", f"must be a FeatureMap, got {shown(features)}; for one: FourierFeatures.")
    return MappedColumns(features=features, train_inputs=first, test_inputs=second), features.max_size


def _as_path(record: PathRecord, sizes: Int[np.ndarray, " sizes"], predicted: tuple[int, ...]) -> SizePath:
    problem, at = record.problem, sizes - 1
    train_count, test_count = problem.samples, problem.test.targets.shape[3]
    is_classified = bool((problem.train.classes >= 0).all() and (problem.test.classes >= 0).all())
    wrong_scale = 1.0 if is_classified else np.nan
    norm = np.sqrt(np.maximum(record.norm_squared[0, at], 0.0))
    condition = record.condition[at]
    tolerance = stated_tolerance(condition, record.sensitivity[0, at])
    return SizePath(
        sizes=sizes,
        train_loss=record.train.squares[0, 0, at] / train_count,
        train_error=record.train.wrong[0, 0, at] / train_count * wrong_scale,
        test_loss=record.test.squares[0, 0, at] / test_count,
        test_error=record.test.wrong[0, 0, at] / test_count * wrong_scale,
        norm=norm,
        scaled_norm=np.sqrt(sizes) * norm,
        leave_one_out=record.left_out_squares[0, at] / train_count,
        leave_one_out_error=record.left_out_wrong[0, at] / train_count * wrong_scale,
        condition=condition,
        tolerance=np.where(record.many_digits[at], TOLERANCE, tolerance),
        outcome=outcomes(record)[0, at],
        predictions=_predictions(record, predicted),
        spectrum=tuple(summarise(size, record.singular_values[size]) for size in sorted(problem.spectrum_at)),
    )
