r"""Do two networks predict the same? Disagreement over pairs, beside what their accuracies alone would force.

Two classifiers of 99 % accuracy disagree on at most 2 % of the inputs, whatever they have learnt: low disagreement is a
statement about solutions only where it is below that of two predictors whose mistakes are independent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy import special

from benign.foundation.errors import invalid
from benign.implicit.similarity.network_pairs import PairMean, checked_members, pair_mean, pairs_of


@dataclass(frozen=True, kw_only=True, eq=False)
class Disagreement:
    """How often networks predict different classes.

    Attributes:
        observed: share of inputs on which the predicted classes differ.
        independent: what two predictors of the same two accuracies would show if their mistakes were independent of
            each other and spread evenly over the wrong classes.
        independent_in_class: what two predictors of the same two confusion matrices would show if they were independent
            given the true class: as ``independent``, but some classes may be harder and some confusions likelier.
        excess: ``observed`` minus ``independent``; below zero: they agree more than their accuracies force.
        excess_in_class: ``observed`` minus ``independent_in_class``; below zero: they agree on the single inputs of a
            class, not only on which classes are hard.
    """

    observed: PairMean
    independent: PairMean
    independent_in_class: PairMean
    excess: PairMean
    excess_in_class: PairMean


def disagreement(
    outputs: Float[np.ndarray, "member n K"], labels: Int[np.ndarray, " n"], *, level: float = 0.95
) -> Disagreement:
    r"""Disagreement of predicted classes over all pairs of networks.

    .. math:: d_{ij} = \frac1n \sum_x 1[\hat y_i(x) \ne \hat y_j(x)], \qquad
        d^0_{ij} = 1 - a_i a_j - \frac{(1 - a_i)(1 - a_j)}{K - 1}, \qquad
        d^c_{ij} = 1 - \sum_y \pi_y \sum_k p_i(k \mid y)\, p_j(k \mid y)

    with accuracies a, class shares :math:`\pi` and confusion matrices p of the same n inputs. Sources: expected
    agreement of independent decisions, Cohen 1960 and, for networks, Geirhos, Meding, Wichmann 2020 (error consistency,
    section 2); disagreement of differently initialised networks, Fort, Hu, Lakshminarayanan 2019 and Jiang, Nagarajan,
    Baek, Kolter 2022 (it equals the test error where the ensemble is calibrated).

    Known flaw: inputs that are hard for everyone lower the disagreement of any two predictors, of different families
    too; ``excess`` does not tell them from a common solution.

    Args:
        outputs: of each network on the same inputs, such as ``PredictionRecorder`` records at one time; the predicted
            class is the first one with the largest output.
        labels: true classes, 0 to K - 1.
        level: of all intervals, over networks (:func:`benign.implicit.pair_mean`).

    Raises:
        InvalidArgument: for fewer than two networks or classes, labels of other inputs, or outputs that are not finite.
    """
    members = checked_members("outputs", outputs)
    _check(outputs, labels)
    classes = outputs.shape[2]
    predicted = np.argmax(outputs, axis=2)
    accuracy = np.mean(predicted == labels, axis=1)
    confusion = np.stack([_confusion(one, labels, classes) for one in predicted])
    share = np.bincount(labels, minlength=classes) / len(labels)
    first, second = np.array(pairs_of(members)).T
    observed = np.mean(predicted[first] != predicted[second], axis=1)
    mistaken = (1.0 - accuracy[first]) * (1.0 - accuracy[second])
    independent = 1.0 - accuracy[first] * accuracy[second] - mistaken / (classes - 1)
    in_class = 1.0 - np.einsum("y,pyk,pyk->p", share, confusion[first], confusion[second])
    shares = {
        "observed": observed,
        "independent": independent,
        "independent_in_class": in_class,
        "excess": observed - independent,
        "excess_in_class": observed - in_class,
    }
    return Disagreement(**{name: pair_mean(share, level=level) for name, share in shares.items()})


def mean_squared_difference(
    outputs: Float[np.ndarray, "member n K"], *, probabilities: bool = False, level: float = 0.95
) -> PairMean:
    r"""How far the outputs of two networks are apart, :math:`\frac1n \sum_x |f_i(x) - f_j(x)|^2`, over all pairs.

    Twice the variance over networks of the squared-loss bias-variance decomposition (Geman, Bienenstock, Doursat
    1992), so that its mean estimates without bias how much of the test loss is due to the initialisation.

    Args:
        outputs: of each network on the same inputs.
        probabilities: whether to compare the softmax of the outputs in place of the outputs: between 0 and 2, where
            outputs grow without bound as training goes on.
        level: of the interval.

    Raises:
        InvalidArgument: for fewer than two networks.
    """
    members = checked_members("outputs", outputs)
    values = special.softmax(outputs, axis=2) if probabilities else outputs
    apart = [np.mean(np.sum((values[i] - values[j]) ** 2, axis=1), dtype=np.float64) for i, j in pairs_of(members)]
    return pair_mean(np.array(apart), level=level)


def _confusion(predicted: Int[np.ndarray, " n"], labels: Int[np.ndarray, " n"], K: int) -> Float[np.ndarray, "K K"]:
    """Share of the predictions k among the inputs of class y, in row y; zeros for a class without inputs."""
    counts = np.bincount(labels * K + predicted, minlength=K * K).reshape(K, K)
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)


def _check(outputs: Float[np.ndarray, "member n K"], labels: Int[np.ndarray, " n"]) -> None:
    _, n, classes = outputs.shape
    if classes < 2:
        raise invalid(
            "outputs",
            "must have one column for each of two or more classes, got one; for regression use "
            "`mean_squared_difference`.",
        )
    if labels.shape != (n,) or n == 0 or labels.min() < 0 or labels.max() >= classes:
        raise invalid(
            "labels",
            f"must hold one class from 0 to {classes - 1} for each of the {n} inputs; got shape "
            f"{labels.shape}; take the arg max of one-hot targets.",
        )
    if not np.isfinite(outputs).all():
        raise invalid("outputs", "must be finite; leave out the networks whose training diverged.")
