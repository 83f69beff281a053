"""Mini-batches: each epoch visits every sample once, in an order that its address alone decides."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benign.foundation.replicate import Replicate
from benign.networks.shuffles import NOBODY, batches

REPLICATE = Replicate(seed=5, draw=1, initialisation=2, noise=3)
SHAPES = st.integers(1, 60).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n)))


def epoch_of(replicate=REPLICATE, epoch=0, samples=30, batch=7):
    per_epoch = -(-samples // batch)
    return batches(replicate, samples=samples, batch=batch, start=epoch * per_epoch, steps=per_epoch)


@given(shape=SHAPES, epoch=st.integers(0, 1000), seed=st.integers(0, 2**63 - 1))
def test_an_epoch_visits_each_sample_exactly_once(shape, epoch, seed):
    samples, batch = shape
    rows = epoch_of(Replicate(seed=seed), epoch, samples, batch)
    assert rows.shape == (-(-samples // batch), batch)
    assert sorted(rows[rows != NOBODY]) == list(range(samples))
    short = samples - (len(rows) - 1) * batch
    assert np.all(rows[:-1] != NOBODY)
    assert np.all(rows[-1, :short] != NOBODY)
    assert np.all(rows[-1, short:] == NOBODY)


@given(shape=SHAPES, start=st.integers(0, 200), steps=st.integers(1, 50))
def test_steps_from_the_middle_are_a_part_of_the_whole(shape, start, steps):
    samples, batch = shape
    whole = batches(REPLICATE, samples=samples, batch=batch, start=0, steps=start + steps)
    assert np.array_equal(batches(REPLICATE, samples=samples, batch=batch, start=start, steps=steps), whole[start:])


@pytest.mark.parametrize("changed", ["seed", "initialisation"])
def test_another_address_is_another_order(changed):
    assert not np.array_equal(epoch_of(replace(REPLICATE, **{changed: 9})), epoch_of())


def test_another_epoch_is_another_order():
    orders = {epoch_of(epoch=epoch).tobytes() for epoch in range(20)}
    assert len(orders) == 20


@pytest.mark.parametrize("changed", ["draw", "noise"])
def test_draw_and_noise_leave_the_order(changed):
    assert np.array_equal(epoch_of(replace(REPLICATE, **{changed: 9})), epoch_of())


def test_each_place_is_as_likely_for_each_sample():
    firsts = np.array([epoch_of(epoch=epoch, samples=5, batch=2)[0, 0] for epoch in range(1000)])
    # five counts around 200, standard deviation 12.6: four of those
    np.testing.assert_allclose(np.bincount(firsts, minlength=5), 200, atol=51)


def test_the_full_batch_is_every_sample_in_order():
    assert batches(REPLICATE, samples=4, batch=4, start=3, steps=2).tolist() == [[0, 1, 2, 3]] * 2


def test_golden_order():
    assert epoch_of(samples=8, batch=3).tolist() == [[3, 2, 7], [5, 0, 6], [4, 1, -1]]
