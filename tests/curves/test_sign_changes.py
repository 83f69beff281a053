"""Changes of sign: where a curve crosses zero, and the interval of the last crossing over replicates."""

import numpy as np

from benign.curves.sign_changes import crossings, last_crossing


def test_crossings_are_where_a_curve_changes_sign():
    sizes = np.array([1.0, 4.0, 16.0, 64.0])
    np.testing.assert_allclose(crossings(sizes, np.array([1.0, -1.0, 2.0, -2.0])), [2.0, 4.0 * 4.0 ** (1 / 3), 32.0])
    np.testing.assert_allclose(crossings(sizes, np.array([-1.0, 0.0, 0.0, 2.0])), [16.0])
    assert not len(crossings(sizes, np.array([1.0, 1.0, 0.5, 2.0])))


def test_the_last_crossing_lies_in_its_interval():
    random = np.random.default_rng(2)
    values = np.array([0.3, 0.2, 0.1, -0.1, -0.2, -0.3]) + 0.01 * random.standard_normal((8, 6))
    place = last_crossing(np.array([4.0, 8.0, 16.0, 32.0, 64.0, 128.0]), values)
    assert place is not None
    low, high = place.interval
    assert 20 < low < place.position < high < 26


def test_positions_without_a_number_do_not_count():
    values = np.array([[0.3, np.nan, -0.1], [0.3, 0.2, -0.1]])
    place = last_crossing(np.array([4.0, 8.0, 16.0]), values)
    assert place is not None
    np.testing.assert_allclose(place.position, 4.0 * 4.0**0.75)
    assert last_crossing(np.array([4.0, 8.0, 16.0]), np.abs(values)) is None


def test_a_crossing_that_some_resamples_do_not_have_has_an_open_interval():
    harms = np.tile([1.0, 0.9, 0.8, -0.05], (8, 1))
    harms[:, -1] += 0.1 * np.array([-1.0, 1.0, -0.5, 1.0, -0.2, 1.0, -1.0, -0.4])
    place = last_crossing(np.array([4.0, 8.0, 16.0, 32.0]), harms)
    assert place is not None
    assert place.is_only
    assert place.interval[1] == np.inf
    mirrored = last_crossing(np.array([4.0, 8.0, 16.0, 32.0]), -harms[:, ::-1])
    assert mirrored is not None
    assert mirrored.interval[0] == -np.inf
