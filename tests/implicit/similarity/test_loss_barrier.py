"""Loss barriers against a NumPy forward pass of every mixture; matching; the picture."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import log_softmax

from tests.networks.extra import HAS_JAX, needs_networks

if not HAS_JAX:
    needs_networks()

from benign.foundation.errors import InvalidArgument
from benign.implicit.similarity.loss_barrier import LineRisks, line_display, matched_pairs, risks_along_lines
from benign.implicit.similarity.weight_matching import match_weights, permuted
from benign.networks.dense import Dense, Layer
from benign.plots import CurveDisplay
from tests.implicit.dense_networks import dense, outputs
from tests.networks.cases import CLASSES, INPUTS, classification, flat, regression

ALPHAS = (0.0, 0.2, 0.5, 0.9, 1.0)


def mixture(pair, alpha):
    first, second = pair
    layers = tuple(
        Layer(weight=alpha * one.weight + (1 - alpha) * other.weight, bias=alpha * one.bias + (1 - alpha) * other.bias)
        for one, other in zip(first.layers, second.layers, strict=True)
    )
    return Dense(layers=layers, activation=first.activation)


def risk(network, inputs, targets, loss, kind):
    scores = outputs(network, inputs)
    if kind == "error":
        return np.mean(scores.argmax(axis=1) != targets.argmax(axis=1))
    if loss == "squared":
        return np.mean(np.sum((scores - targets) ** 2, axis=1))
    return -np.mean(np.sum(targets * log_softmax(scores, axis=1), axis=1))


def pairs(widths=(INPUTS, 5, 4, CLASSES), count=3, activation="relu"):
    networks = [dense(*widths, seed=seed, activation=activation) for seed in range(count + 1)]
    return [(networks[i], networks[i + 1]) for i in range(count)]


@pytest.mark.parametrize("loss", ["cross-entropy", "squared"])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_risks_along_the_line_are_those_of_each_mixture(loss, activation):
    split, given = classification(0), pairs(activation=activation)
    lines = risks_along_lines(given, split, loss=loss, alphas=ALPHAS)
    assert lines.alphas.tolist() == list(ALPHAS)
    parts = {"train": (split.train_inputs, split.train_targets), "test": (split.test_inputs, split.test_targets)}
    for name, data in parts.items():
        for kind in ("loss", "error"):
            expected = [
                [risk(mixture(pair, alpha), *data, loss, kind) for alpha in ALPHAS] for pair in given
            ]  # fmt: skip
            np.testing.assert_allclose(lines.risks[f"{name}_{kind}"], expected, rtol=1e-9)


def test_barrier_is_the_largest_height_above_the_chord():
    given, split = pairs(), classification(0)
    lines = risks_along_lines(given, split, loss="cross-entropy", alphas=ALPHAS)
    data = split.test_inputs, split.test_targets, "cross-entropy", "loss"
    for (first, second), barrier in zip(given, lines.barrier["test_loss"], strict=True):
        heights = [
            risk(mixture((first, second), a), *data) - a * risk(first, *data) - (1 - a) * risk(second, *data)
            for a in ALPHAS
        ]
        assert barrier == pytest.approx(max(heights), rel=1e-9, abs=1e-12)
    assert lines.barrier.keys() == {"train_loss", "train_error", "test_loss", "test_error"}


def test_a_convex_line_has_no_barrier_and_a_hill_has_its_height():
    alphas = np.linspace(0.0, 1.0, 5)
    risks = {"test_loss": np.stack([(alphas - 0.3) ** 2, 2.0 + alphas + np.array([0.0, 0.1, 0.7, 0.2, 0.0])])}
    lines = LineRisks(alphas=alphas, risks=risks)
    np.testing.assert_allclose(lines.barrier["test_loss"], [0.0, 0.7], atol=1e-12)
    assert lines.barrier["test_loss"][0] == 0.0


def test_matching_removes_the_barrier_between_a_network_and_its_permutation():
    network, random = dense(INPUTS, 8, 8, CLASSES), np.random.default_rng(1)
    split = classification(0)
    labels = outputs(network, split.train_inputs).argmax(axis=1)
    split = replace(split, train_targets=np.eye(CLASSES)[labels])  # which the network fits
    given = [(network, permuted(network, [random.permutation(8), random.permutation(8)])) for _ in range(2)]
    apart = risks_along_lines(given, split, loss="cross-entropy")
    together = risks_along_lines(matched_pairs(given), split, loss="cross-entropy")
    assert apart.barrier["train_error"].min() > 0.1
    assert apart.barrier["train_loss"].min() > 0.5
    np.testing.assert_allclose(together.excess("train_loss"), 0.0, atol=1e-12)


def test_pairs_are_matched_one_by_one_and_the_first_stays():
    given = pairs()
    for (first, second), (kept, moved) in zip(given, matched_pairs(given, restarts=3, seed=2), strict=True):
        assert kept is first
        assert np.array_equal(flat(moved), flat(match_weights(first, second, restarts=3, seed=2).network))


def test_precision_is_that_of_the_networks():
    split = classification(0)
    single = [dense(INPUTS, 4, CLASSES, seed=seed, dtype=np.float32) for seed in (0, 1)]
    double = [dense(INPUTS, 4, CLASSES, seed=seed) for seed in (0, 1)]
    rough, fine = (
        risks_along_lines([tuple(two)], split, loss="cross-entropy").risks["test_loss"] for two in (single, double)
    )
    np.testing.assert_allclose(rough, fine, rtol=1e-5)
    assert np.abs(rough - fine).max() > 1e-10


def test_regression_has_no_errors():
    split = regression(0)
    lines = risks_along_lines(pairs((INPUTS, 5, 2)), split, loss="squared")
    assert np.isnan(lines.risks["test_error"]).all()
    assert np.isfinite(lines.barrier["test_loss"]).all()


def test_the_picture_holds_medians_and_quantiles_of_the_pairs():
    split, given = classification(0), pairs()
    plain = risks_along_lines(given, split, loss="cross-entropy")
    matched = risks_along_lines(matched_pairs(given), split, loss="cross-entropy")
    display = line_display({"as trained": plain, "matched": matched}, "train_error")
    frame = display.frame().set_index(["series", "position"])
    for name, lines in (("as trained", plain), ("matched", matched)):
        values = lines.risks["train_error"]
        np.testing.assert_allclose(frame.loc[name]["median"], np.median(values, axis=0))
        np.testing.assert_allclose(frame.loc[name]["high"], np.quantile(values, 0.9, axis=0))
    assert "3 pairs" in display.caption
    drawn = plain.plot(metric="test_error")
    assert isinstance(drawn, CurveDisplay)
    assert drawn.ax_ is not None
    assert drawn.y_label == "test error"
    np.testing.assert_allclose(drawn.series[0].median, np.median(plain.risks["test_error"], axis=0))


@pytest.mark.parametrize(
    "alphas", [(0.0, 1.0), (0.1, 0.5, 1.0), (0.0, 0.5, 0.9), (0.0, 0.6, 0.5, 1.0), (0.0, float("nan"), 1.0)]
)
def test_alphas_that_are_no_grid_are_refused(alphas):
    with pytest.raises(InvalidArgument, match="`alphas` must increase strictly from 0 to 1"):
        risks_along_lines(pairs(), classification(0), loss="squared", alphas=alphas)


def test_bad_input_gets_a_sentence(unchecked):
    split, given = classification(0), pairs()
    with pytest.raises(InvalidArgument, match="unknown loss 'hinge'"):
        risks_along_lines(given, split, loss="hinge")
    with pytest.raises(InvalidArgument, match="`pairs` must hold at least one pair"):
        risks_along_lines([], split, loss="squared")
    with pytest.raises(InvalidArgument, match="`pairs` must hold networks of one activation and shape"):
        risks_along_lines([*given, *pairs((INPUTS, 6, 4, CLASSES))], split, loss="squared")
    lines = risks_along_lines(given, split, loss="squared", alphas=ALPHAS)
    with pytest.raises(InvalidArgument, match="unknown metric 'test_los'"):
        lines.excess("test_los")
    with pytest.raises(InvalidArgument, match="unknown metric 'test_los'"):
        line_display({"a": lines}, "test_los")
    for sets in ({}, {"a": lines, "b": risks_along_lines(given, split, loss="squared")}):
        with pytest.raises(InvalidArgument, match="`lines` must hold one to 5 sets"):
            line_display(sets)
