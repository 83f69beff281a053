"""The same source at another level of label noise."""

from __future__ import annotations

import numpy as np
import pytest

from benign.foundation.errors import InvalidArgument
from benign.foundation.replicate import Replicate
from benign.sources import FiniteSource, FunctionSource, Mnist1dSource, arrays, digits, function, mml
from tests.sources.cases import CASES, labels, table

HERE = Replicate(seed=3, draw=1, noise=2)


@pytest.mark.parametrize("name", CASES)
def test_a_level_is_the_source_made_with_it(name: str) -> None:
    source = CASES[name].make()
    assert isinstance(source, (FiniteSource, FunctionSource, Mnist1dSource))
    clean, noisy = source.with_label_noise(0.0), source.with_label_noise(0.4)
    assert source.with_label_noise(CASES[name].noise).spec() == source.spec()
    assert clean.spec() != noisy.spec()
    assert noisy.with_label_noise(0.0).spec() == clean.spec()


def test_levels_differ_in_the_noisy_labels_alone() -> None:
    one, other = (digits().with_label_noise(level).draw(50, HERE) for level in (0.0, 0.4))
    np.testing.assert_array_equal(one.train_inputs, other.train_inputs)
    np.testing.assert_array_equal(one.test_targets, other.test_targets)
    np.testing.assert_array_equal(one.train_targets, other.train_targets_clean)
    assert np.sum(np.any(other.train_targets != one.train_targets, axis=1)) == 20


def test_levels_of_finite_data_share_their_rows() -> None:
    source = arrays(table(30, 2), labels(30))
    assert source.with_label_noise(0.3).data is source.data


def test_the_noise_of_a_function_is_a_standard_deviation() -> None:
    assert mml(noise=0.7).with_label_noise(0.1).noise == 0.1
    assert function("step", noise=0.0).with_label_noise(3).spec() == function("step", noise=3.0).spec()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        pytest.param(digits(), "`label_noise` must be a share of flipped labels", id="classes"),
        pytest.param(mml(), "`noise` must be a standard deviation of at least 0", id="function"),
    ],
)
def test_impossible_levels(source: FiniteSource | FunctionSource, message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        source.with_label_noise(-0.1)
