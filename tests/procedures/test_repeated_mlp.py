"""The procedure that compares networks in pairs, against networks trained and compared by hand."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy.special import softmax

from tests.networks.extra import HAS_JAX, needs_networks

if not HAS_JAX:
    needs_networks()

from benign.foundation.errors import InvalidArgument
from benign.foundation.outcomes import Outcome
from benign.implicit.similarity.loss_barrier import matched_pairs, risks_along_lines
from benign.implicit.similarity.representation_similarity import layerwise_cka
from benign.networks import Member, MLPFamily, train_population
from benign.procedures import MLP
from benign.procedures.repeated_mlp import PAIR_METRICS, SOLUTION_PAIR_METRICS, RepeatedMLP
from tests.implicit.dense_networks import outputs
from tests.networks.cases import classification, regression, settings

TRAINING = settings(epochs=3, learning_rate=0.03)
PROCEDURE = RepeatedMLP(mlp=MLP(depth=2, activation="relu", training=TRAINING), networks=3)
SIZES, TIMES = np.array([5, 8]), np.array([1.0, 3.0])
METRICS = frozenset({"train_loss", "test_error", *PAIR_METRICS, *SOLUTION_PAIR_METRICS})


@pytest.fixture(scope="module")
def measured():
    splits = [classification(0), classification(1)]
    return splits, PROCEDURE.measure(splits, SIZES, TIMES, METRICS)


@cache
def by_hand(number, width):
    """The three networks of a replicate, trained at one width alone."""
    split = classification(number)
    first = 3 * split.replicate.initialisation
    members = [
        Member(width=width, split=replace(split, replicate=replace(split.replicate, initialisation=first + k)))
        for k in range(3)
    ]
    return train_population(MLPFamily(depth=2, activation="relu"), TRAINING, members, times=TIMES)


def test_risks_are_means_over_the_networks(measured):
    splits, block = measured
    assert block.metrics.keys() == METRICS
    assert (block.outcome == Outcome.CONVERGED).all()
    for r in range(len(splits)):
        for s, width in enumerate(SIZES.tolist()):
            trained = by_hand(r, width)
            for name in ("train_loss", "test_error"):
                np.testing.assert_allclose(block.metrics[name][r, s], trained.recordings[name].mean(axis=0), rtol=1e-8)


def test_pairs_are_those_of_the_networks_trained_by_hand(measured):
    splits, block = measured
    for r, split in enumerate(splits):
        for s, width in enumerate(SIZES.tolist()):
            networks = by_hand(r, width).networks
            scores = [outputs(network, split.test_inputs) for network in networks]
            pairs = [(0, 1), (0, 2), (1, 2)]
            differ = [np.mean(scores[i].argmax(axis=1) != scores[j].argmax(axis=1)) for i, j in pairs]
            apart = [
                np.mean(np.sum((softmax(scores[i], axis=1) - softmax(scores[j], axis=1)) ** 2, axis=1))
                for i, j in pairs
            ]
            right = [np.mean(one.argmax(axis=1) == split.test_targets.argmax(axis=1)) for one in scores]
            chance = [1 - right[i] * right[j] - (1 - right[i]) * (1 - right[j]) / 2 for i, j in pairs]
            two = [(networks[i], networks[j]) for i, j in pairs]
            lines = [
                risks_along_lines(each, split, loss="cross-entropy")
                for each in (two, matched_pairs(two, restarts=3, seed=3))
            ]
            expected = {
                "disagreement": differ,
                "disagreement_independent": chance,
                "output_difference": apart,
                "representation_similarity": layerwise_cka(networks, split.test_inputs)[-1],
                "barrier": lines[0].barrier["train_loss"],
                "barrier_matched": lines[1].barrier["train_loss"],
            }
            for name, values in expected.items():
                assert block.metrics[name][r, s, -1] == pytest.approx(np.mean(values), rel=1e-7, abs=1e-10), name


def test_metrics_of_solutions_have_no_number_before_the_end(measured):
    _, block = measured
    for name in METRICS:
        assert np.isnan(block.metrics[name][:, :, 0]).all() == (name in SOLUTION_PAIR_METRICS)


def test_a_replicate_does_not_depend_on_the_others(measured):
    splits, block = measured
    alone = PROCEDURE.measure(splits[1:], SIZES[1:], None, METRICS)
    for name in METRICS:
        np.testing.assert_allclose(alone.metrics[name][0, 0, 0], block.metrics[name][1, 1, -1], rtol=1e-7, atol=1e-10)


def test_a_diverged_network_leaves_no_number():
    wild = RepeatedMLP(mlp=MLP(training=settings(epochs=1, optimizer="sgd", learning_rate=1e200, loss="squared")))
    block = wild.measure([classification(0)], SIZES[:1], None, METRICS)
    assert (block.outcome == Outcome.DIVERGED).all()
    assert all(np.isnan(values).all() for values in block.metrics.values())


def test_regression_is_compared_by_outputs():
    procedure = RepeatedMLP(mlp=MLP(depth=1, training=settings(epochs=1, loss="squared")), networks=2)
    split = regression(0)
    block = procedure.measure([split], SIZES[:1], None, frozenset({"train_loss", "output_difference", "barrier"}))
    assert all(np.isfinite(values).all() for values in block.metrics.values())
    with pytest.raises(InvalidArgument, match="asks for disagreement, which needs classes"):
        procedure.measure([split], SIZES[:1], None, frozenset({"disagreement"}))


def test_its_spec_names_all_that_decides():
    spec = PROCEDURE.spec()
    assert spec["procedure"] == "repeated_mlp"
    for changed in ({"networks": 2}, {"restarts": 1}, {"alphas": 5}, {"mlp": MLP(depth=1, training=TRAINING)}):
        assert replace(PROCEDURE, **changed).spec() != spec
    assert PROCEDURE.parameters(5, classification(0)) == PROCEDURE.mlp.parameters(5, classification(0))
    split = classification(1)  # initialisation 1: its networks are 3, 4 and 5
    first = replace(split, replicate=replace(split.replicate, initialisation=3))
    ours, theirs = (list(p.predict(s, s.test_inputs, SIZES)) for p, s in ((PROCEDURE, split), (PROCEDURE.mlp, first)))
    assert all(np.array_equal(a.values, b.values) for a, b in zip(ours, theirs, strict=True))


def test_bad_settings_get_a_sentence(unchecked):
    for argument, least in (("networks", 2), ("alphas", 3)):
        with pytest.raises(InvalidArgument, match=f"`{argument}` must be at least {least}, got 1"):
            RepeatedMLP(mlp=PROCEDURE.mlp, **{argument: 1})
    with pytest.raises(InvalidArgument, match="`metrics` asks for barrier, which is measured at the end of training"):
        PROCEDURE.measure([classification(0)], SIZES, TIMES[:1], frozenset({"barrier"}))
