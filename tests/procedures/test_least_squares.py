"""Least squares as procedures: bases, complex features, noisy labels, the spectrum, and what it refuses."""

import numpy as np
import pytest

from benign import schema, sources
from benign.foundation.errors import InvalidArgument
from benign.foundation.replicate import Replicate
from benign.foundation.split import class_indices
from benign.procedures import Polynomial, RandomFourier

EVERY = np.arange(1, 101)


def _digits(replicate=None, samples=30, noise=0.2):
    return sources.digits(label_noise=noise).draw(samples, replicate or Replicate())


def _curve(replicate=None):
    return sources.mml().draw(12, replicate or Replicate())


def _measure(procedure, splits, sizes=EVERY, metrics=schema.DEFAULT_METRICS):
    return procedure.measure(splits, sizes, None, metrics)


def test_least_squares_refuses_what_only_training_has():
    with pytest.raises(InvalidArgument, match="`metrics` asks for validation_error"):
        RandomFourier().measure([_digits()], EVERY, None, frozenset({"validation_error"}))


def test_bases_agree_below_the_threshold():
    split, sizes = _curve(), np.arange(1, 13)
    losses = [_measure(Polynomial(basis=b), [split], sizes).metrics["test_loss"] for b in ("legendre", "monomial")]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)


def test_complex_features_interpolate_at_n_complex_columns():
    split = _digits()
    loss = _measure(RandomFourier(form="complex"), [split]).metrics["train_loss"][0, :, 0]
    assert np.all(loss[30:] < 1e-12)
    assert loss[25] > 1e-4


def test_noisy_labels_are_a_metric_of_their_own():
    split = _digits()
    metrics = schema.DEFAULT_METRICS | {"test_error_noisy", "train_error_clean", "test_loss_noisy", "train_loss_clean"}
    block = _measure(RandomFourier(), [split], metrics=metrics)
    flips = np.mean(class_indices(split.train_targets) != class_indices(split.train_targets_clean))
    assert block.metrics["train_error_clean"][0, -1, 0] == pytest.approx(flips)
    assert block.metrics["train_error"][0, -1, 0] == 0.0
    assert np.all(block.metrics["test_error_noisy"][0, -1] > block.metrics["test_error"][0, -1])


def test_spectrum_is_given_on_a_grid():
    block = _measure(
        RandomFourier(), [_digits()], metrics=frozenset({"condition_2norm", "effective_rank", "condition"})
    )
    given = np.isfinite(block.metrics["condition_2norm"][0, :, 0])
    assert 3 <= given.sum() <= 12
    assert np.all(block.metrics["condition_2norm"][0, given, 0] <= block.metrics["condition"][0, given, 0] * (1 + 1e-9))


def test_complex_features_have_no_leave_one_out():
    with pytest.raises(InvalidArgument, match="leave-one-out"):
        _measure(RandomFourier(form="complex"), [_digits()], metrics=frozenset({"leave_one_out_loss"}))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: RandomFourier(bandwidth=0.0), "`bandwidth` must be a positive number"),
        (lambda: RandomFourier(bandwidth=-2.0), "`bandwidth` must be a positive number"),
        (lambda: RandomFourier(ridge=-1.0), "`ridge` must be zero or a positive number"),
    ],
)
def test_settings_that_make_no_sense(make, sentence):
    with pytest.raises(InvalidArgument, match=sentence):
        make()


def test_constant_inputs_are_refused():
    inputs = np.ones((40, 3))
    inputs[0, 0] = 1.5
    source = sources.arrays(inputs, ["a", "b"] * 20)
    with pytest.raises(InvalidArgument, match="no distance between the inputs"):
        _measure(RandomFourier(), [source.draw(10, Replicate())], np.array([1, 2]))


GOLDEN_REVISION = 2
FOURIER = [1.0786016688140048, 1.849664527613846]
POLYNOMIAL = [0.2757386607977721, 29.245128413524377]


def test_golden_numbers():
    """Fails when the numbers change: then raise the procedure's revision and renew them."""
    fourier = _measure(RandomFourier(), [_digits()], np.array([10, 60])).metrics["test_loss"][0, :, 0]
    polynomial = _measure(Polynomial(), [_curve()], np.array([5, 30])).metrics["test_loss"][0, :, 0]
    assert RandomFourier.revision == Polynomial.revision == GOLDEN_REVISION
    np.testing.assert_allclose(fourier, FOURIER, rtol=1e-8)
    np.testing.assert_allclose(polynomial, POLYNOMIAL, rtol=1e-8)
