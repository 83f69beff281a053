"""What the truth trains is what the tool is given."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from diagnosis.case import Case
from diagnosis.families import FAMILIES, Training, bandwidth_of, losses, objective_of
from diagnosis.populations import POPULATIONS
from diagnosis.users import rows_of, source_for

from benign.foundation.randomness import generator
from benign.foundation.replicate import Replicate
from benign.procedures import objectives
from benign.procedures.adaptation import addressed_seed
from benign.procedures.known_estimators import subject_of
from diagnosis import features, network

CASE = Case(
    name="made", half="development", stratum="random", family="", population="friedman", noise=0.2, samples=48,
    octaves=0.0, size=20.0, time=None, factors=(1.5,), users=1, number=7,
)  # fmt: skip
SETTINGS: dict[str, dict[str, float | str]] = {
    "fourier": {"features": "fourier", "ridge": 0.0, "bandwidth": 4.0},
    "relu": {"features": "relu", "ridge": 0.0},
    "ridge": {"features": "relu", "ridge": 0.3},
    "linear": {"features": "columns", "ridge": 0.0},
    "legendre": {"features": "legendre", "ridge": 0.0},
    "descent": {"features": "relu", "ridge": 0.0},
    "kernel": {"kernel": "laplacian", "ridge": 0.1},
    "neighbours": {"neighbours": 3.0},
    "logistic": {"C": 1e5},
    "ridge_classifier": {"ridge": 1e-8},
}
OTHERS: dict[str, dict[str, Any]] = {
    "linear": {"size": 8.0},
    "legendre": {"population": "sine"},
    "descent": {"time": 30.0},
    "kernel": {"size": None},
    "neighbours": {"size": None, "population": "cancer"},
    "forest": {"size": None},
    "boosting": {"size": 8.0, "time": 12.0, "population": "halfspace"},
    "logistic": {"population": "cancer"},
    "ridge_classifier": {"population": "digits"},
    "mlp": {"size": 5.0, "time": 200.0},
}


def case_of(family: str) -> Case:
    return replace(CASE, family=family, settings=SETTINGS.get(family, {}), **OTHERS.get(family, {}))


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_the_tool_is_given_the_procedure_whose_truth_is_measured(family):
    case = case_of(family)
    model, arguments = FAMILIES[family].model(case)
    source = source_for(case, 0)
    subject = subject_of(model, source, **arguments)
    assert subject.size == (case.size if family not in ("kernel", "neighbours", "forest") else subject.size)
    assert subject.time == case.time or family == "forest"
    assert subject.procedure.objective == objective_of(case)
    split = source.draw(case.samples, Replicate())
    sizes = np.array([np.nan if subject.size is None else subject.size])
    if sizes[0] == np.floor(sizes[0]) and np.isfinite(sizes[0]):
        sizes = sizes.astype(np.int64)
    times = None if subject.time is None else np.array([subject.time])
    (predicted,) = subject.procedure.predict(split, split.test_inputs, sizes, times)
    seed = _seed_of(family, split.replicate, subject)
    one = Training(inputs=split.train_inputs, targets=split.train_targets, seed=seed, asked=(split.test_inputs,))
    (((expected,),),) = FAMILIES[family].train(case, [one], case.size, [case.time])
    np.testing.assert_allclose(
        losses(case, predicted.values, split.test_targets),
        losses(case, expected, split.test_targets),
        rtol=1e-5,
        atol=1e-8,
    )
    assert np.array_equal(
        objectives.wrong(predicted.values, split.test_targets), objectives.wrong(expected, split.test_targets)
    )


def _seed_of(family: str, replicate: Replicate, subject) -> int:
    """What the house seeds each kind of procedure with."""
    if family == "fourier":
        return replicate.initialisation
    if family in ("relu", "ridge", "linear", "legendre", "descent", "mlp"):
        return addressed_seed(replicate, "seed of a function")
    draws = generator(replicate.seed, "random state of an estimator", replicate.initialisation)
    count, place = (2, 1) if family == "logistic" else (1, 0)  # the sampler's comes after the regression's
    return int(draws.integers(2**31 - 1, size=count)[place])


def test_the_user_has_n_rows_and_a_quarter_as_many_to_test_on():
    case = case_of("relu")
    source, rows = source_for(case, 1), rows_of(case, 1)
    assert source.max_samples == case.samples
    assert source.test_samples == len(rows.test_inputs) == 12
    assert not np.array_equal(rows.inputs, rows_of(case, 0).inputs)


@pytest.mark.parametrize(("n", "p"), [(30, 12), (30, 30), (30, 80)])
@pytest.mark.parametrize("ridge", [0.0, 0.5])
def test_least_squares(n, p, ridge):
    random = generator(0, "matrix")
    Z, Y = random.standard_normal((n, p)), random.standard_normal((n, 2))
    stacked = np.vstack([Z, np.sqrt(ridge) * np.eye(p)]), np.vstack([Y, np.zeros((p, 2))])
    expected = np.linalg.lstsq(*stacked, rcond=None)[0]
    np.testing.assert_allclose(features.least_squares(Z, Y, ridge), expected, rtol=1e-6, atol=1e-8)


def test_least_squares_of_copied_rows():
    Z = np.repeat(generator(0, "matrix").standard_normal((10, 40)), 2, axis=0)
    Y = generator(0, "targets").standard_normal((20, 1))
    np.testing.assert_allclose(features.least_squares(Z, Y, 0.0), np.linalg.lstsq(Z, Y, rcond=None)[0], atol=1e-10)


@pytest.mark.parametrize("size", [15, 60])
def test_descent_takes_its_steps(size):
    random = generator(0, "matrix")
    X, Y = random.standard_normal((30, 4)), random.standard_normal((30, 1))
    Z = features.relu(X, size, 3)
    weights, step = np.zeros((size, 1)), 1 / np.linalg.norm(Z, 2) ** 2
    for _ in range(50):
        weights -= step * Z.T @ (Z @ weights - Y)
    (predict,) = features.descended(features.relu)(X, Y, size, [50.0], 3)
    np.testing.assert_allclose(predict(X), Z @ weights, rtol=1e-8, atol=1e-10)


def test_a_network_depends_on_its_own_rows_and_seed():
    random = generator(0, "rows")
    X, Y = random.standard_normal((3, 20, 4)), random.standard_normal((3, 20, 2))
    together = network.train(X, Y, 6, [40.0, 80.0], [5, 6, 7])
    alone = network.train(X[1:2], Y[1:2], 6, [80.0], [6])
    np.testing.assert_allclose(network.outputs(together[1], X)[1], network.outputs(alone[0], X[1:2])[0], atol=1e-4)


def test_a_network_descends_along_the_gradient():
    random = generator(0, "rows")
    X, Y = random.standard_normal((1, 15, 3)), random.standard_normal((1, 15, 1))
    start, extended = network._initial(4, 1, 5, [0]), network._with_ones(X.astype(np.float32))
    first, _ = network._gradients(start, extended, Y.astype(np.float32))
    moved = [one.astype(np.float64) for one in start]
    losses_of = []
    for change in (1e-3, -1e-3):
        moved[0][0, 1, 2] = start[0][0, 1, 2] + change
        hidden = np.tanh(extended @ moved[0])
        losses_of.append(np.mean((network._with_ones(hidden) @ moved[1] - Y) ** 2))
    assert first[0, 1, 2] == pytest.approx((losses_of[0] - losses_of[1]) / 2e-3, rel=1e-3)


def test_bandwidths_are_median_distances():
    inputs, _ = POPULATIONS["friedman"].make(generator(0, "other rows"), 400)
    distances = np.linalg.norm(inputs[:, None] - inputs[None], axis=2)
    assert bandwidth_of("friedman") == pytest.approx(np.median(distances[distances > 0]), rel=0.05)
