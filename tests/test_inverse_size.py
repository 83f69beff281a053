"""An inverse of a size from its measurement to what is read and said of it."""

from typing import Any

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

import benign
from benign.curves import find_landmarks
from benign.curves.threshold_search import Regime
from benign.foundation.errors import InvalidArgument
from benign.schema import SIZE_IS_INVERSE
from benign.surface.size_curves import size_curves

DIGITS = benign.sources.digits(label_noise=0.2)
VALUES = [1, 2, 3, 5, 10, 20, 50]
QUIET: dict[str, Any] = {"sizes": VALUES, "samples": [100], "replicates": 6, "workers": 1}


def neighbours(*, inverse):
    return benign.from_estimator(KNeighborsClassifier(), size="n_neighbors", inverse=inverse)


def test_nothing_is_read_along_a_size_that_is_the_inverse_of_one():
    surface = benign.measure(neighbours(inverse=False), DIGITS, **QUIET)
    curve = surface.curve("test_error")
    assert SIZE_IS_INVERSE not in surface.dataset.attrs
    assert curve.threshold is None
    assert curve.predicted_peak is None
    (note,) = surface.notes
    assert note.startswith("Training loss rises with n_neighbors (0 of a constant's at 1, ")
    assert str(curve).endswith(note)
    assert str(surface.regimes()) == note
    assert curve.display().regimes == ()
    (found,) = size_curves(surface.dataset)
    assert found.landmarks.threshold is None
    few = benign.measure(neighbours(inverse=False), DIGITS, **{**QUIET, "replicates": 3})
    (note,) = few.notes
    assert few.curve("test_error").threshold is None
    assert "it may act as the inverse of a size. Nothing is read along it; " in note
    assert note.endswith("give `inverse=True` (--inverse). 4 replicates or more would tell.")


def test_the_other_way_round_the_largest_value_that_fits_is_the_threshold():
    surface = benign.measure(neighbours(inverse=True), DIGITS, **QUIET)
    curve = surface.curve("test_error")
    assert surface.notes == ()
    assert curve.note == ""
    assert curve.threshold is not None
    assert (curve.threshold.value, curve.threshold.unit, curve.threshold.is_inverse) == (1.0, "n_neighbors", True)
    assert curve.threshold.interval == (1.0, 1.0)
    assert surface.smallest_size().interval == (1.0, 1.0)
    labels = surface.regimes().label[:, 0, 0]
    assert set(labels) == {Regime.UNDER, Regime.UNDECIDED}
    assert labels[-1] == Regime.UNDER
    assert curve.display().x_label == "n_neighbors (inverse of size)"
    assert curve.predicted_peak is not None
    assert curve.predicted_peak.words == "at n_neighbors between 1 and 2"
    unfitted = benign.measure(neighbours(inverse=True), DIGITS, **{**QUIET, "sizes": [5, 10, 20]})
    (note,) = unfitted.notes
    assert note.endswith(" at n_neighbors = 5): the peak lies beyond; measure sizes below 5.")
    (found,) = size_curves(surface.dataset)
    position, descent = found.findings
    assert position.unit == "times threshold"
    assert descent.claim.endswith("the largest size, has a lower test loss than the best value above the threshold")
    with pytest.raises(InvalidArgument, match='`sizes="auto"` searches the fewest that fit, and n_neighbors is'):
        benign.measure(neighbours(inverse=True), DIGITS, **{**QUIET, "sizes": "auto"})


def test_landmarks_along_an_inverse_are_those_along_the_size():
    sizes = np.array([5.0, 10.0, 20.0, 40.0, 50.0, 80.0, 100.0, 200.0, 400.0])
    noise = np.exp(0.05 * np.random.default_rng(0).standard_normal((12, len(sizes))))
    risk = np.array([1.0, 0.5, 0.7, 1.5, 4.0, 2.0, 1.0, 0.4, 0.3]) * noise
    train = np.maximum(0.0, 1.0 - sizes / 50.0) * noise
    forward = find_landmarks(sizes, risk, train, np.ones(12), estimator="median")
    mirrored = find_landmarks(
        400.0 / sizes[::-1], risk[:, ::-1], train[:, ::-1], np.ones(12), estimator="median",
        is_fitted_below=True,
    )  # fmt: skip
    forward_threshold, mirrored_threshold = forward.threshold, mirrored.threshold
    assert forward_threshold is not None
    assert mirrored_threshold is not None
    assert mirrored_threshold.value == pytest.approx(400.0 / forward_threshold.value)
    low, high = forward_threshold.interval
    assert mirrored_threshold.interval == pytest.approx((400.0 / high, 400.0 / low))
    for name in ("classical_minimum", "peak", "second_descent", "first_better"):
        one, other = getattr(forward, name), getattr(mirrored, name)
        assert other.position == pytest.approx(400.0 / one.position)
        assert (other.index, other.value) == (len(sizes) - 1 - one.index, one.value)
        low, high = one.position_interval
        assert other.position_interval == pytest.approx((400.0 / high, 400.0 / low), nan_ok=True)
    assert mirrored.peak_test.verdict is forward.peak_test.verdict
    assert "peak: at 40 to 80, where the fit becomes exact, the risk" in str(forward)
    assert mirrored.peak_test.sentence == forward.peak_test.sentence.replace("at 40 to 80,", "at 5 to 10,")
    assert mirrored.peak_test.method == forward.peak_test.method.replace("at 40 to 80,", "at 5 to 10,")
    assert "below the minimum from 200 (100 to 200) on" in str(forward)
    assert "below the minimum from 2 (2 to 4) down" in str(mirrored)
