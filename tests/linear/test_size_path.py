"""The size path against one dense solver per size, and against its own invariants."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from benign.foundation.errors import InvalidArgument
from benign.foundation.outcomes import Outcome
from benign.linear import FourierFeatures, size_path
from benign.linear.trust import stated_tolerance
from tests.linear.oracles import classification, decomposed, leave_one_out, plant, risks

SHAPES = [
    pytest.param(30, 20, 100, id="n=30"),
    pytest.param(17, 5, 17, id="columns=n"),
    pytest.param(25, 8, 9, id="columns<n"),
    pytest.param(150, 30, 400, id="several blocks and panels"),
]
RIDGES = [0.0, 1e-2, 1.0, 30.0]


@pytest.mark.parametrize(("n", "n_test", "columns"), SHAPES)
def test_every_size_agrees_with_svd(n, n_test, columns):
    """Of four ridges, which share the decomposition of a size."""
    problem = classification(np.random.default_rng(n), n, n_test, columns)
    paths = {ridge: size_path(*problem, ridge=ridge) for ridge in RIDGES}
    scale = np.mean(np.sum(problem[1] ** 2, axis=1))
    for path in paths.values():
        assert path.sizes.tolist() == list(range(1, columns + 1))
        assert np.all(path.outcome == Outcome.CONVERGED)
    for k in range(1, columns + 1):
        decomposition = decomposed(problem[0][:, :k])
        for ridge, path in paths.items():
            train, test, error, norm, _, condition = risks(*problem, size=k, ridge=ridge, decomposition=decomposition)
            tolerance = float(stated_tolerance(condition))
            assert abs(path.train_loss[k - 1] - train) <= tolerance * scale, (k, ridge)
            assert path.test_loss[k - 1] == pytest.approx(test, rel=tolerance), (k, ridge)
            assert path.norm[k - 1] == pytest.approx(norm, rel=tolerance), (k, ridge)
            assert path.test_error[k - 1] == pytest.approx(error, abs=1e-12), (k, ridge)


@pytest.mark.parametrize("ridge", [0.0, 1e-2, 1e-4, 1e-8, 1e-13])
@pytest.mark.parametrize("smallest", [1e-4, 1e-6, 1e-8, 1e-10])
def test_planted_singular_value_harms_no_later_size(smallest, ridge):
    n, columns = 60, 120
    train, targets, test, test_targets = classification(np.random.default_rng(5), n, 40, columns)
    problem = (plant(train, n, smallest), targets, test, test_targets)
    path = size_path(*problem, ridge=ridge, leave_one_out=True)
    assert np.all(path.outcome[n + 1 :] == Outcome.CONVERGED)
    for k in range(n + 1, columns + 1):
        _, test_loss, _, norm, _, condition = risks(*problem, size=k, ridge=ridge)
        assert condition < 1e6
        assert path.test_loss[k - 1] == pytest.approx(test_loss, rel=1e-9)
        assert path.norm[k - 1] == pytest.approx(norm, rel=1e-9)


@pytest.mark.parametrize("smallest", [1e-4, 1e-6, 1e-8])
def test_planted_singular_value_at_the_threshold_itself(smallest):
    n = 60
    train, targets, test, test_targets = classification(np.random.default_rng(6), n, 40, n)
    problem = (plant(train, n, smallest), targets, test, test_targets)
    path = size_path(*problem)
    _, expected, _, norm, _, condition = risks(*problem, size=n)
    assert path.outcome[n - 1] == Outcome.CONVERGED
    assert path.test_loss[n - 1] == pytest.approx(expected, rel=float(stated_tolerance(condition)))
    assert path.norm[n - 1] == pytest.approx(norm, rel=float(stated_tolerance(condition)))


@pytest.mark.parametrize("ridge", [0.0, 1e-3, 1.0])
def test_leave_one_out_agrees_with_refits(ridge):
    n, columns = 24, 90
    problem = classification(np.random.default_rng(3), n, 6, columns)
    path = size_path(*problem, ridge=ridge, leave_one_out=True)
    for k in [1, 2, 7, 15, 22, 26, 27, 40, 64, 90]:
        loss, error = leave_one_out(problem[0], problem[1], k, ridge)
        assert path.leave_one_out[k - 1] == pytest.approx(loss, rel=1e-8)
        assert path.leave_one_out_error[k - 1] == pytest.approx(error, abs=1e-12)
    masked = np.isnan(path.leave_one_out[n - 2 : n + 1])
    assert masked.all() == (ridge == 0.0)


def test_agrees_with_scikit_learn_ridge():
    problem = classification(np.random.default_rng(8), 40, 30, 100)
    path = size_path(*problem, ridge=0.7, predict_at=[13, 40, 77])
    assert path.predictions is not None
    for row, k in enumerate([13, 40, 77]):
        model = Ridge(alpha=0.7, fit_intercept=False).fit(problem[0][:, :k], problem[1])
        np.testing.assert_allclose(path.predictions[row], model.predict(problem[2][:, :k]), rtol=1e-9, atol=1e-11)


def test_predictions_are_those_of_lstsq():
    train, targets, test, test_targets = classification(np.random.default_rng(4), 50, 20, 300)
    sizes = [1, 30, 50, 51, 90, 300]
    path = size_path(train, targets, test, test_targets, predict_at=sizes)
    assert path.predictions is not None
    for row, k in enumerate(sizes):
        weights = np.linalg.lstsq(train[:, :k], targets, rcond=None)[0]
        np.testing.assert_allclose(path.predictions[row], test[:, :k] @ weights, rtol=1e-8, atol=1e-9)


def test_kappa_bounds_the_condition_number():
    problem = classification(np.random.default_rng(11), 60, 10, 200)
    plain, with_leave_one_out = size_path(*problem), size_path(*problem, leave_one_out=True)
    for k in [1, 20, 59, 60, 61, 70, 130, 200]:
        values = np.linalg.svd(problem[0][:, :k], compute_uv=False)
        exact = np.linalg.norm(values) * np.linalg.norm(1 / values)
        assert with_leave_one_out.condition[k - 1] == pytest.approx(exact, rel=1e-6)
        assert plain.condition[k - 1] >= values[0] / values[-1]


def test_spectrum_at_asked_sizes():
    problem = classification(np.random.default_rng(12), 40, 10, 160)
    path = size_path(*problem, spectrum_at=[10, 40, 90, 160])
    for spectrum in path.spectrum:
        values = np.linalg.svd(problem[0][:, : spectrum.size], compute_uv=False)
        share = values / values.sum()
        assert spectrum.condition == pytest.approx(values[0] / values[-1], rel=1e-8)
        assert spectrum.effective_rank == pytest.approx(np.exp(-np.sum(share * np.log(share))), rel=1e-10)


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 40), columns=st.integers(1, 90), classes=st.integers(2, 4))
def test_any_shape_agrees_with_svd(seed, n, columns, classes):
    problem = classification(np.random.default_rng(seed), n, 7, columns, classes)
    path = size_path(*problem, leave_one_out=True)
    for k in {1, min(n, columns), columns, (1 + columns) // 2}:
        _, test, _, norm, _, condition = risks(*problem, size=k)
        assert path.test_loss[k - 1] == pytest.approx(test, rel=float(stated_tolerance(condition)))
        assert path.norm[k - 1] == pytest.approx(norm, rel=float(stated_tolerance(condition)))


def test_asking_for_few_sizes_gives_the_same_bits():
    problem = classification(np.random.default_rng(2), 40, 20, 200)
    every = size_path(*problem)
    some = size_path(*problem, sizes=[3, 39, 40, 41, 150, 200])
    assert some.test_loss.tolist() == every.test_loss[some.sizes - 1].tolist()


def test_order_of_outputs_and_samples_does_not_matter():
    train, targets, test, test_targets = classification(np.random.default_rng(6), 30, 20, 90)
    path = size_path(train, targets, test, test_targets)
    rows = np.random.default_rng(0).permutation(30)
    shuffled = size_path(train[rows], targets[rows][:, ::-1], test, test_targets[:, ::-1])
    np.testing.assert_allclose(shuffled.test_loss, path.test_loss, rtol=1e-9)


def test_loss_is_summed_over_outputs_and_error_needs_classes():
    random = np.random.default_rng(7)
    train, test = random.standard_normal((20, 50)), random.standard_normal((9, 50))
    targets, test_targets = random.standard_normal((20, 3)), random.standard_normal((9, 3))
    joint = size_path(train, targets, test, test_targets)
    single = [size_path(train, targets[:, j], test, test_targets[:, j]) for j in range(3)]
    np.testing.assert_allclose(joint.test_loss, sum(path.test_loss for path in single), rtol=1e-9)
    assert np.isnan(joint.test_error).all()


def test_training_risk_and_norm_never_rise_with_size():
    problem = classification(np.random.default_rng(9), 50, 20, 400)
    path = size_path(*problem)
    assert np.all(np.diff(path.train_loss[:50]) <= 1e-12)
    assert np.all(path.train_loss[50:] == 0.0)
    assert np.all(np.diff(path.norm[49:]) <= 1e-9)


def test_features_in_place_of_matrices():
    random = np.random.default_rng(1)
    inputs, test_inputs = random.standard_normal((40, 6)), random.standard_normal((30, 6))
    targets, test_targets = random.standard_normal((40, 2)), random.standard_normal((30, 2))
    features = FourierFeatures(bandwidth=2.0, seed=3)
    mapped = size_path(inputs, targets, test_inputs, test_targets, features=features)
    given_matrices = size_path(
        features.columns(inputs, 0, 400), targets, features.columns(test_inputs, 0, 400), test_targets
    )
    np.testing.assert_allclose(mapped.test_loss, given_matrices.test_loss, rtol=1e-10)
    assert mapped.sizes[-1] == 400


class TestRankDeficiency:
    """Either the answer of the SVD solver, or flagged: never silently wrong."""

    @staticmethod
    def assert_honest(train, targets, test, test_targets, **options):
        path = size_path(train, targets, test, test_targets, **options)
        flagged = path.outcome == Outcome.ILL_CONDITIONED
        assert np.isnan(path.test_loss[flagged]).all()
        for index in np.flatnonzero(~flagged):
            weights = np.linalg.lstsq(train[:, : path.sizes[index]], targets, rcond=None)[0]
            expected = np.mean(np.sum((test[:, : path.sizes[index]] @ weights - test_targets) ** 2, axis=1))
            known = max(path.tolerance[index], stated_tolerance(path.condition[index]))  # by lstsq, in float64
            assert path.test_loss[index] == pytest.approx(expected, rel=10 * known)
        return path

    def test_duplicate_columns(self):
        train, targets, test, test_targets = classification(np.random.default_rng(0), 30, 10, 90)
        for copy, original in ((5, 2), (12, 3), (50, 40)):
            train[:, copy], test[:, copy] = train[:, original], test[:, original]
        path = self.assert_honest(train, targets, test, test_targets)
        assert np.mean(path.outcome != Outcome.ILL_CONDITIONED) > 0.9
        assert np.all(path.outcome[40:] == Outcome.CONVERGED)

    def test_duplicate_rows_with_different_labels(self):
        train, targets, test, test_targets = classification(np.random.default_rng(1), 30, 10, 90)
        train[7], targets[7] = train[3], 1.0 - targets[3]
        path = self.assert_honest(train, targets, test, test_targets)
        assert np.all(path.outcome[:29] == Outcome.CONVERGED)
        assert Outcome.TRUNCATED in path.outcome[29:]
        answered = path.outcome[29:] == Outcome.TRUNCATED
        assert np.all(path.train_loss[29:][answered] > 0.01)

    def test_constant_columns(self):
        train, targets, test, test_targets = classification(np.random.default_rng(2), 30, 10, 90)
        for zero in (0, 4, 31):
            train[:, zero] = 0.0
        path = self.assert_honest(train, targets, test, test_targets)
        assert np.mean(path.outcome[1:] != Outcome.ILL_CONDITIONED) > 0.98

    def test_absurd_bandwidth(self):
        random = np.random.default_rng(3)
        inputs, test_inputs = random.standard_normal((60, 4)), random.standard_normal((20, 4))
        features = FourierFeatures(bandwidth=1e7)
        train, test = features.columns(inputs, 0, 200), features.columns(test_inputs, 0, 200)
        targets, test_targets = random.standard_normal((60, 2)), random.standard_normal((20, 2))
        path = self.assert_honest(train, targets, test, test_targets)
        assert Outcome.ILL_CONDITIONED in path.outcome

    def test_ridge_makes_duplicates_harmless(self):
        train, targets, test, test_targets = classification(np.random.default_rng(4), 30, 10, 90)
        train[:, 9], train[7] = train[:, 1], train[3]
        path = size_path(train, targets, test, test_targets, ridge=1e-3)
        assert np.all(path.outcome == Outcome.CONVERGED)
        _, expected, *_ = risks(train, targets, test, test_targets, size=45, ridge=1e-3)
        assert path.test_loss[44] == pytest.approx(expected, rel=1e-9)


class TestBadInput:
    train, targets, test, test_targets = classification(np.random.default_rng(0), 10, 5, 20)

    @pytest.mark.parametrize(
        ("sizes", "sentence"),
        [
            ([0, 1], "from 1 on, got 0"),
            ([-3], "from 1 on, got -3"),
            ([1.5], "whole numbers"),
            ([3, 2], "3 is followed by 2"),
            ([2, 2], "2 is followed by 2"),
            ([5, 21], "asks for 21 columns, but there are only 20"),
            ([], "at least one"),
            ("all", 'must be "every"'),
        ],
    )
    def test_sizes(self, sizes, sentence):
        with pytest.raises(InvalidArgument, match=sentence):
            size_path(self.train, self.targets, self.test, self.test_targets, sizes=sizes)

    def test_not_finite(self):
        train = self.train.copy()
        train[4, 2] = np.nan
        with pytest.raises(InvalidArgument, match="first in row 4"):
            size_path(train, self.targets, self.test, self.test_targets)

    def test_mismatched_rows(self):
        with pytest.raises(InvalidArgument, match="10 rows but `train_targets` has 9"):
            size_path(self.train, self.targets[:9], self.test, self.test_targets)

    def test_empty_test_set(self):
        with pytest.raises(InvalidArgument, match="`test"):
            size_path(self.train, self.targets, self.test[:0], self.test_targets[:0])

    def test_string_targets(self):
        with pytest.raises(InvalidArgument, match="one-hot"):
            size_path(self.train, ["a"] * 10, self.test, self.test_targets)

    @pytest.mark.parametrize("ridge", [-1.0, np.nan, np.inf])
    def test_ridge(self, ridge):
        with pytest.raises(InvalidArgument, match="`ridge`"):
            size_path(self.train, self.targets, self.test, self.test_targets, ridge=ridge)

    def test_memory(self, monkeypatch):
        monkeypatch.setattr("benign.foundation.memory.available_bytes", lambda: 1000)
        with pytest.raises(MemoryError, match="lower the number of training samples"):
            size_path(self.train, self.targets, self.test, self.test_targets)


def test_a_path_prints_where_its_loss_is_lowest_and_highest():
    random = np.random.default_rng(0)
    Z, Y = random.standard_normal((30, 60)), random.standard_normal((30, 2))
    path = size_path(Z[:20], Y[:20], Z[20:], Y[20:], sizes="every")
    words = r"60 sizes from 1 to 60; test loss lowest at \d+ \([\d.]+\), highest at 20 \([\d.,]+\)"
    assert re.fullmatch(words, str(path))
    lost = replace(path, test_loss=np.full(60, np.nan))
    assert str(lost) == "60 sizes from 1 to 60; 60 sizes without a number"


def test_the_old_name_of_the_scaled_norm_answers_with_a_warning():
    path = size_path(*classification(np.random.default_rng(0), 8, 4, 12))
    with pytest.warns(DeprecationWarning, match=r"path.function_norm is now path.scaled_norm"):
        assert path.function_norm is path.scaled_norm
