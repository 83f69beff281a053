"""Which samples are measured."""

from __future__ import annotations

import numpy as np
import pytest

from benign.foundation.errors import InvalidArgument
from benign.histories.recorders.chosen_samples import chosen_train, chosen_validation


@pytest.mark.parametrize(("count", "chosen"), [(1, 1), (2_000, 2_000), (2_001, 2_000), (1_000_000, 2_000)])
def test_a_fixed_random_part_is_chosen_without_repeats(count, chosen):
    indices = chosen_validation(count)
    assert indices.tolist() == chosen_validation(count).tolist()
    assert indices.size == chosen
    assert (np.diff(indices) > 0).all()
    assert indices.max() < count
    assert abs(indices.mean() / count - 0.5) < 0.05 or count == 1


def test_half_are_relabelled_ones_where_there_are_enough():
    mask = np.arange(10_000) % 10 == 3
    chosen = chosen_train(10_000, mask)
    assert {name: indices.size for name, indices in chosen.indices.items()} == {"kept_train": 500, "flipped_train": 500}
    assert chosen.shares == {"kept_train": 0.9, "flipped_train": 0.1}
    assert mask[chosen.indices["flipped_train"]].all()
    assert not mask[chosen.indices["kept_train"]].any()


def test_few_relabelled_ones_are_all_measured():
    sizes = {name: indices.size for name, indices in chosen_train(10_000, np.arange(10_000) < 30).indices.items()}
    assert sizes == {"kept_train": 970, "flipped_train": 30}


@pytest.mark.parametrize(
    ("mask", "told"),
    [
        ([True, False], r"3 truth values, .* got shape \(2,\)"),
        ([0, 1, 2], "other values"),
        ([False] * 3, "none of the training samples are relabelled"),
        ([True] * 3, "all of the training samples are relabelled"),
    ],
)
def test_a_mask_that_cannot_be_one_is_refused(mask, told):
    with pytest.raises(InvalidArgument, match=told):
        chosen_train(3, mask)
