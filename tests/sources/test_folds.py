"""The folds of a finite source: test sets that share no row, and training sets that are nested as in any draw."""

from __future__ import annotations

import numpy as np
import pytest

from benign.foundation.replicate import Replicate
from benign.sources import arrays
from benign.sources.protocol import SupportsFolds


@pytest.fixture
def source():
    X = np.arange(47, dtype=np.float64)[:, None]
    return arrays(X, np.arange(47) * 0.5, task="regression", test_samples=9, scale="none")


def test_no_two_folds_test_on_the_same_row(source):
    assert isinstance(source, SupportsFolds)
    assert source.folds == 5
    tested = [source.draw(38, Replicate(), fold=fold).test_inputs[:, 0] for fold in range(source.folds)]
    assert len(np.unique(np.concatenate(tested))) == 45


def test_the_first_fold_is_the_draw_itself(source):
    draw, fold = source.draw(20, Replicate(draw=3)), source.draw(20, Replicate(draw=3), fold=0)
    np.testing.assert_array_equal(draw.train_inputs, fold.train_inputs)
    np.testing.assert_array_equal(draw.test_inputs, fold.test_inputs)


@pytest.mark.parametrize("fold", range(5))
def test_a_fold_trains_on_all_its_other_rows_and_its_training_sets_are_nested(source, fold):
    all_rows, few = source.draw(38, Replicate(), fold=fold), source.draw(7, Replicate(), fold=fold)
    seen = np.concatenate([all_rows.train_inputs, all_rows.test_inputs])[:, 0]
    np.testing.assert_array_equal(np.sort(seen), np.arange(47))
    np.testing.assert_array_equal(few.train_inputs, all_rows.train_inputs[:7])
    np.testing.assert_array_equal(few.test_inputs, all_rows.test_inputs)
    np.testing.assert_array_equal(all_rows.train_targets[:, 0], all_rows.train_inputs[:, 0] * 0.5)


def test_scaling_of_a_fold_is_fitted_on_its_own_training_rows():
    X = np.random.default_rng(0).normal(3.0, 2.0, size=(60, 4))
    source = arrays(X, np.arange(60.0), task="regression", test_samples=12)
    for fold in range(source.folds):
        assert abs(source.draw(48, Replicate(), fold=fold).train_inputs.mean()) < 1e-12
