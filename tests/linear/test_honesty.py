"""Where numbers get lost: each size is right to its tolerance, or holds none. Problems that once went wrong."""

from fractions import Fraction

import numpy as np
import pytest

from benign.foundation.errors import InvalidArgument
from benign.foundation.outcomes import Outcome
from benign.linear import size_path
from tests.linear.oracles import classification, decomposed, leave_one_out, solve


def exact_ridge(matrix, targets, ridge):
    """Predictions and squared norm in rational arithmetic, from the normal equations."""
    z = [[Fraction(float(v)) for v in row] for row in matrix]
    n, k = matrix.shape
    gram = [
        [sum((z[r][i] * z[r][j] for r in range(n)), Fraction(0)) + Fraction(ridge if i == j else 0) for j in range(k)]
        for i in range(k)
    ]
    right = [sum((z[r][i] * Fraction(float(targets[r])) for r in range(n)), Fraction(0)) for i in range(k)]
    for i in range(k):
        pivot = gram[i][i]
        for row in range(i + 1, k):
            factor = gram[row][i] / pivot
            gram[row] = [a - factor * b for a, b in zip(gram[row], gram[i], strict=True)]
            right[row] -= factor * right[i]
    weights = [Fraction(0)] * k
    for i in reversed(range(k)):
        weights[i] = (right[i] - sum((gram[i][j] * weights[j] for j in range(i + 1, k)), Fraction(0))) / gram[i][i]
    return np.array([float(sum(a * b for a, b in zip(row, weights, strict=True))) for row in z]), float(
        sum(w * w for w in weights)
    )


@pytest.mark.parametrize("ridge", [1.0, 1e-4, 1e-8, 1e-12, 1e-16])
@pytest.mark.parametrize("duplicate", ["rows", "columns"])
def test_ridge_on_rank_deficient_features_against_exact_arithmetic(duplicate, ridge):
    random = np.random.default_rng(1)
    matrix = random.integers(-3, 4, (4, 9)).astype(float)
    if duplicate == "rows":
        matrix[2] = matrix[0]
    else:
        matrix[:, 3] = matrix[:, 1]
    targets = np.array([0.0, 1.0, 2.0, -1.0])
    path = size_path(matrix, targets, matrix, targets, ridge=ridge, predict_at=range(1, 10))
    assert path.predictions is not None
    for row, k in enumerate(range(1, 10)):
        if path.outcome[k - 1] == Outcome.ILL_CONDITIONED:
            assert np.isnan(path.predictions[row]).all()
            continue
        predicted, norm_squared = exact_ridge(matrix[:, :k], targets, ridge)
        np.testing.assert_allclose(path.predictions[row][:, 0], predicted, atol=10 * path.tolerance[k - 1], rtol=0)
        assert np.isnan(path.norm[k - 1]) or path.norm[k - 1] == pytest.approx(np.sqrt(norm_squared), rel=2e-3)


def test_norm_with_an_overwhelming_ridge_is_right_or_missing():
    problem = classification(np.random.default_rng(0), 20, 5, 60)
    for ridge in (1e3, 1e6, 1e12, 1e20):
        path = size_path(*problem, ridge=ridge)
        for k in (5, 20, 21, 40, 60):
            norm = np.linalg.norm(solve(decomposed(problem[0][:, :k]), problem[1], ridge))
            assert np.isnan(path.norm[k - 1]) or path.norm[k - 1] == pytest.approx(norm, rel=1e-4)
        assert np.isfinite(path.norm[:20]).all()


def test_leave_one_out_is_missing_where_a_sample_alone_decides_a_direction():
    train, targets, test, test_targets = classification(np.random.default_rng(2), 30, 5, 60)
    train[:, 4] = 0.0
    train[7, 4] = 1.0
    path = size_path(train, targets, test, test_targets, leave_one_out=True)
    assert np.isnan(path.leave_one_out[4:28]).all()
    for k in (3, 4, 33, 45, 60):
        loss, _ = leave_one_out(train, targets, k, 0.0)
        assert path.leave_one_out[k - 1] == pytest.approx(loss, rel=1e-6)


@pytest.mark.parametrize("ridge", [1e-2, 1e-6, 1e-12, 1e-16])
def test_leave_one_out_with_a_duplicate_row_is_right_or_missing(ridge):
    train, targets, test, test_targets = classification(np.random.default_rng(3), 10, 5, 40)
    train[4] = train[2]
    path = size_path(train, targets, test, test_targets, ridge=ridge, leave_one_out=True)
    for k in (4, 9, 12, 20, 40):
        loss, _ = leave_one_out(train, targets, k, ridge)
        value = path.leave_one_out[k - 1]
        assert np.isnan(value) or value == pytest.approx(loss, rel=1e-3)


@pytest.mark.parametrize(
    ("train", "targets"),
    [
        (np.eye(4, 8), np.arange(4.0)),
        (np.array([[1.0], [0.0], [0.0]]), np.array([1.0, 2.0, 3.0])),
        (np.array([[2.0]]), np.array([1.0])),
        (np.zeros((3, 7)), np.array([1.0, 2.0, 3.0])),
    ],
    ids=["unit leverages", "one column", "one sample", "all zero"],
)
def test_extreme_leverages_do_not_crash(train, targets):
    path = size_path(train, targets, train, targets, leave_one_out=True)
    weights = [np.linalg.lstsq(train[:, :k], targets, rcond=None)[0] for k in path.sizes]
    answered = path.outcome != Outcome.ILL_CONDITIONED
    expected = np.array([np.mean((train[:, :k] @ w - targets) ** 2) for k, w in zip(path.sizes, weights, strict=True)])
    np.testing.assert_allclose(path.test_loss[answered], expected[answered], atol=1e-12)


def test_an_all_zero_matrix_is_answered():
    train, targets = np.zeros((3, 5)), np.array([1.0, 2.0, 3.0])
    path = size_path(train, targets, train, targets)
    assert path.outcome[0] == Outcome.TRUNCATED
    assert path.train_loss[0] == pytest.approx(np.mean(targets**2))


def test_spectrum_with_ridge_is_that_of_the_design_matrix():
    problem = classification(np.random.default_rng(5), 20, 5, 50)
    path = size_path(*problem, ridge=2.0, spectrum_at=[5, 20, 50])
    for spectrum in path.spectrum:
        values = np.linalg.svd(problem[0][:, : spectrum.size], compute_uv=False)
        assert (spectrum.largest, spectrum.smallest) == pytest.approx((values[0], values[-1]), rel=1e-6)


@pytest.mark.usefixtures("unchecked")
class TestBadInput:
    train, targets, test, test_targets = classification(np.random.default_rng(0), 10, 5, 20)

    @pytest.mark.parametrize(
        ("options", "sentence"),
        [
            ({"predict_at": [20, 5]}, "`predict_at` must increase strictly"),
            ({"predict_at": [5, 5]}, "`predict_at` must increase strictly"),
            ({"predict_at": [99]}, "`predict_at` asks for 99 columns"),
            ({"predict_at": [np.nan]}, "`predict_at` must be whole numbers"),
            ({"spectrum_at": [0]}, "`spectrum_at` must be whole numbers"),
            ({"sizes": [np.inf]}, "`sizes` must be whole numbers of columns from 1 on, got inf"),
            ({"ridge": "a"}, "`ridge` must be"),
            ({"ridge": None}, "`ridge` must be"),
        ],
    )
    def test_options(self, options, sentence):
        with pytest.raises(InvalidArgument, match=sentence):
            size_path(self.train, self.targets, self.test, self.test_targets, **options)

    def test_what_is_no_plain_real_array(self):
        import pandas as pd
        import scipy.sparse

        masked = np.ma.masked_array(self.train, mask=self.train > 1)
        for train in (scipy.sparse.csr_array(self.train), masked, self.train * 1j, self.train.astype(str)):
            with pytest.raises(InvalidArgument, match="`train` must"):
                size_path(train, self.targets, self.test, self.test_targets)
        first, second = pd.DataFrame(self.train), pd.DataFrame(self.test)[list(range(19, -1, -1))]
        with pytest.raises(InvalidArgument, match="another order"):
            size_path(first, self.targets, second, self.test_targets)

    def test_numbers_whose_squares_overflow(self):
        with pytest.raises(InvalidArgument, match="beyond 1e100, first in row 0"):
            size_path(self.train, self.targets * 1e200, self.test, self.test_targets)
