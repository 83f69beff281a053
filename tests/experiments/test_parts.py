"""What is missing: rectangles that cover exactly what was asked for and is not there."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benign.experiments.parts import Part, missing_parts


def part(sizes, times=(np.inf,), metrics=("test_loss",)):
    return Part(sizes=np.array(sizes), times=np.array(times, dtype=np.float64), metrics=frozenset(metrics))


def points(parts):
    """Every (size, time, metric) of the parts, as often as it is there."""
    return [point for one in parts for point in product(one.sizes.tolist(), one.times.tolist(), sorted(one.metrics))]


def test_nothing_stored_leaves_all_of_it():
    wanted = part([1, 2, 3], [1.0, 2.0], ["test_loss", "norm"])
    (missing,) = missing_parts(wanted, [])
    assert missing.key == wanted.key


@pytest.mark.parametrize(
    ("stored", "left"),
    [
        (part([1, 2, 3, 4]), []),
        (part([1, 2]), [part([3])]),
        (part([1, 2, 3], metrics=["norm"]), [part([1, 2, 3])]),
        (part([1, 2, 3], times=[1.0]), [part([1, 2, 3])]),
        (part([7, 8]), [part([1, 2, 3])]),
    ],
    ids=["more than asked for", "fewer sizes", "another metric", "another time", "other sizes"],
)
def test_plain_cases_leave_one_part(stored, left):
    assert [one.key for one in missing_parts(part([1, 2, 3]), [stored])] == [one.key for one in left]


def test_more_sizes_and_more_metrics_leave_two_parts():
    stored = part([1, 2], metrics=["test_loss"])
    missing = missing_parts(part([1, 2, 3], metrics=["test_loss", "norm"]), [stored])
    assert {one.key for one in missing} == {
        part([3], metrics=["test_loss"]).key,
        part([1, 2, 3], metrics=["norm"]).key,
    }


def test_keys_tell_parts_apart_and_ignore_how_they_were_made():
    assert part([1, 2]).key == part(np.array([1, 2], dtype=np.int32)).key
    different = [part([1, 2]), part([1, 3]), part([1, 2], [1.0]), part([1, 2], metrics=["norm"])]
    assert len({one.key for one in different}) == len(different)


def test_the_end_of_training_is_asked_for_as_none():
    assert part([1]).recorded_times is None
    assert part([1], [1.0, 2.0]).recorded_times.tolist() == [1.0, 2.0]


_PARTS = st.builds(
    part,
    st.sets(st.integers(1, 6), min_size=1).map(sorted),
    st.sets(st.sampled_from([1.0, 2.0, 3.0]), min_size=1).map(sorted),
    st.sets(st.sampled_from(["test_loss", "train_loss", "norm"]), min_size=1),
)


@given(_PARTS, st.lists(_PARTS, max_size=4))
def test_missing_and_stored_make_up_the_wanted_part_once(wanted, stored):
    missing = points(missing_parts(wanted, stored))
    assert len(missing) == len(set(missing))
    assert set(missing) == set(points([wanted])) - set(points(stored))
