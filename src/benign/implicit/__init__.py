"""Implicit regularisation: modified losses and flows, flatness, norms and the similarity of solutions, on JAX.

The public names are loaded on first use; those that compute on JAX or Diffrax need the extra ``networks``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benign.implicit.backward_error import BackwardErrorAnalysis, backward_error_analysis
    from benign.implicit.eigenvalues import Eigenvalues, KrylovOutcome, top_eigenvalues
    from benign.implicit.flatness_measures import (
        ALL_MEASURES,
        Flatness,
        FlatnessMeasure,
        FlatnessRecorder,
        FlatnessSettings,
        flatness,
    )
    from benign.implicit.flows import FlowNotIntegrated, flow_end, flow_path
    from benign.implicit.hessian import FlatLoss, dense_hessian, network_loss, parameter_loss
    from benign.implicit.kept_weights import KeptWeights
    from benign.implicit.loss_barrier import LineRisks, matched_pairs, risks_along_lines
    from benign.implicit.methods import Adam, GradientDescent, MiniBatch, Momentum
    from benign.implicit.modified_loss import implicit_gradient_regularizer, regularization_rate
    from benign.implicit.network_pairs import PairMean, pair_mean
    from benign.implicit.network_penalty import GradientPenalty, gradient_penalty
    from benign.implicit.norms import (
        DistanceFromStart,
        NormRecorder,
        distance_from_start,
        distances_from_start,
        frobenius_norm,
        output_margins,
        path_norm,
        spectral_complexity,
        spectral_norm_product,
        spectral_norms,
    )
    from benign.implicit.orders import Comparison, Order
    from benign.implicit.prediction_disagreement import Disagreement, disagreement, mean_squared_difference
    from benign.implicit.repeated_mlp import RepeatedMLP
    from benign.implicit.representation_similarity import hidden_features, layerwise_cka, linear_cka
    from benign.implicit.sharpness import NoiseMoments, under_noise, worst_rise
    from benign.implicit.solution_recording import SolutionRecorder
    from benign.implicit.solutions import Solutions
    from benign.implicit.torch_loop import GradientPenaltyLog
    from benign.implicit.trace import TraceEstimate, estimate_trace
    from benign.implicit.two_parameters import TwoParameters
    from benign.implicit.weight_matching import WeightMatching, match_weights, permuted

_HOMES = {
    # which flow a method follows
    "BackwardErrorAnalysis": "backward_error",
    "backward_error_analysis": "backward_error",
    "Adam": "methods",
    "GradientDescent": "methods",
    "MiniBatch": "methods",
    "Momentum": "methods",
    "FlowNotIntegrated": "flows",
    "flow_end": "flows",
    "flow_path": "flows",
    "implicit_gradient_regularizer": "modified_loss",
    "regularization_rate": "modified_loss",
    "Comparison": "orders",
    "Order": "orders",
    "TwoParameters": "two_parameters",
    # the gradient penalty along training
    "GradientPenalty": "network_penalty",
    "gradient_penalty": "network_penalty",
    "GradientPenaltyLog": "torch_loop",
    # how flat a solution is
    "ALL_MEASURES": "flatness_measures",
    "Flatness": "flatness_measures",
    "FlatnessMeasure": "flatness_measures",
    "FlatnessRecorder": "flatness_measures",
    "FlatnessSettings": "flatness_measures",
    "flatness": "flatness_measures",
    "FlatLoss": "hessian",
    "dense_hessian": "hessian",
    "network_loss": "hessian",
    "parameter_loss": "hessian",
    "Eigenvalues": "eigenvalues",
    "KrylovOutcome": "eigenvalues",
    "top_eigenvalues": "eigenvalues",
    "TraceEstimate": "trace",
    "estimate_trace": "trace",
    "NoiseMoments": "sharpness",
    "under_noise": "sharpness",
    "worst_rise": "sharpness",
    # how large it is
    "DistanceFromStart": "norms",
    "NormRecorder": "norms",
    "distance_from_start": "norms",
    "distances_from_start": "norms",
    "frobenius_norm": "norms",
    "output_margins": "norms",
    "path_norm": "norms",
    "spectral_complexity": "norms",
    "spectral_norm_product": "norms",
    "spectral_norms": "norms",
    # how alike solutions are
    "Disagreement": "prediction_disagreement",
    "disagreement": "prediction_disagreement",
    "mean_squared_difference": "prediction_disagreement",
    "PairMean": "network_pairs",
    "pair_mean": "network_pairs",
    "hidden_features": "representation_similarity",
    "layerwise_cka": "representation_similarity",
    "linear_cka": "representation_similarity",
    "WeightMatching": "weight_matching",
    "match_weights": "weight_matching",
    "permuted": "weight_matching",
    "LineRisks": "loss_barrier",
    "matched_pairs": "loss_barrier",
    "risks_along_lines": "loss_barrier",
    "RepeatedMLP": "repeated_mlp",
    # solutions as a procedure
    "Solutions": "solutions",
    "SolutionRecorder": "solution_recording",
    "KeptWeights": "kept_weights",
}

_WITHOUT_JAX = ("orders", "two_parameters", "torch_loop")

__all__ = [
    "ALL_MEASURES",
    "Adam",
    "BackwardErrorAnalysis",
    "Comparison",
    "Disagreement",
    "DistanceFromStart",
    "Eigenvalues",
    "FlatLoss",
    "Flatness",
    "FlatnessMeasure",
    "FlatnessRecorder",
    "FlatnessSettings",
    "FlowNotIntegrated",
    "GradientDescent",
    "GradientPenalty",
    "GradientPenaltyLog",
    "KeptWeights",
    "KrylovOutcome",
    "LineRisks",
    "MiniBatch",
    "Momentum",
    "NoiseMoments",
    "NormRecorder",
    "Order",
    "PairMean",
    "RepeatedMLP",
    "SolutionRecorder",
    "Solutions",
    "TraceEstimate",
    "TwoParameters",
    "WeightMatching",
    "backward_error_analysis",
    "dense_hessian",
    "disagreement",
    "distance_from_start",
    "distances_from_start",
    "estimate_trace",
    "flatness",
    "flow_end",
    "flow_path",
    "frobenius_norm",
    "gradient_penalty",
    "hidden_features",
    "implicit_gradient_regularizer",
    "layerwise_cka",
    "linear_cka",
    "match_weights",
    "matched_pairs",
    "mean_squared_difference",
    "network_loss",
    "output_margins",
    "pair_mean",
    "parameter_loss",
    "path_norm",
    "permuted",
    "regularization_rate",
    "risks_along_lines",
    "spectral_complexity",
    "spectral_norm_product",
    "spectral_norms",
    "top_eigenvalues",
    "under_noise",
    "worst_rise",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'benign.implicit' has no attribute {name!r}")
    if _HOMES[name] not in _WITHOUT_JAX:
        _require_jax(f"`benign.implicit.{name}`")
    value = getattr(importlib.import_module(f"benign.implicit.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def _require_jax(purpose: str) -> None:
    """Check that JAX and its companions are there.

    Raises:
        MissingExtra: if one is not; the message holds ``pip install "benign[networks]"``.
    """
    from benign.foundation.extras import require
    from benign.networks.devices import require_jax

    require_jax(purpose)
    require("diffrax", extra="networks", purpose=purpose)


def __dir__() -> list[str]:
    return sorted(__all__)
