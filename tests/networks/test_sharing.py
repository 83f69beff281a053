"""Data sets and orders that members share are kept once, and nothing else is taken for the same."""

from dataclasses import replace

from tests.networks.extra import HAS_JAX, needs_networks

if not HAS_JAX:
    needs_networks()

import numpy as np

from benign import sources
from benign.foundation.replicate import Replicate
from benign.networks.sharing import shared


def _split(source=None, **numbers):
    source = source or sources.digits(label_noise=0.2, test_samples=30)
    return source.draw(20, Replicate(**numbers))


def test_initialisations_of_one_draw_share_their_data_and_not_their_order():
    common = shared([_split(initialisation=i) for i in range(3)])
    assert (len(common.data), common.data_of) == (1, (0, 0, 0))
    assert [one.initialisation for one in common.orders] == [0, 1, 2]
    assert common.order_of == (0, 1, 2)


def test_label_noise_draws_share_their_order_and_not_their_data():
    common = shared([_split(noise=0), _split(noise=1), _split(noise=0)])
    assert (len(common.data), common.data_of) == (2, (0, 1, 0))
    assert (len(common.orders), common.order_of) == (1, (0, 0, 0))


def test_the_same_replicate_of_two_sources_is_not_the_same():
    other = sources.digits(label_noise=0.1, test_samples=30)
    common = shared([_split(), _split(other), _split(other, seed=1)])
    assert len(common.data) == 3
    assert len(common.orders) == 2  # an order follows from seed and initialisation alone


def test_one_changed_number_is_another_data_set():
    split = _split()
    inputs = split.train_inputs.copy()
    inputs[3, 7] = np.nextafter(inputs[3, 7], 1.0)
    common = shared([split, replace(split, train_inputs=inputs), split])
    assert common.data_of == (0, 1, 0)
