"""Implicit regularisation: modified losses and flows, flatness, norms and the similarity of solutions, on JAX.

The public names are loaded on first use; those that compute on JAX or Diffrax need the extra ``networks``.
"""

from __future__ import annotations

import importlib
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benign.implicit.curvature.eigenvalues import Eigenvalues, KrylovOutcome, top_eigenvalues
    from benign.implicit.curvature.flatness_measures import (
        ALL_MEASURES,
        Flatness,
        FlatnessMeasure,
        FlatnessRecorder,
        FlatnessSettings,
        flatness,
    )
    from benign.implicit.curvature.hessian import FlatLoss, dense_hessian, network_loss, parameter_loss
    from benign.implicit.curvature.sharpness import NoiseMoments, under_noise, worst_rise
    from benign.implicit.curvature.trace import TraceEstimate, estimate_trace
    from benign.implicit.flows.backward_error import BackwardErrorAnalysis, backward_error_analysis
    from benign.implicit.flows.integration import FlowNotIntegrated, flow_end, flow_path
    from benign.implicit.flows.methods import Adam, GradientDescent, MiniBatch, Momentum
    from benign.implicit.flows.modified_loss import implicit_gradient_regularizer, regularization_rate
    from benign.implicit.flows.network_penalty import GradientPenalty, gradient_penalty
    from benign.implicit.flows.orders import Comparison, Order
    from benign.implicit.flows.torch_loop import GradientPenaltyLog
    from benign.implicit.flows.two_parameters import TwoParameters
    from benign.implicit.kept_weights import KeptWeights
    from benign.implicit.norms.dense_norms import (
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
    from benign.implicit.similarity.loss_barrier import LineRisks, matched_pairs, risks_along_lines
    from benign.implicit.similarity.network_pairs import PairMean, pair_mean
    from benign.implicit.similarity.prediction_disagreement import Disagreement, disagreement, mean_squared_difference
    from benign.implicit.similarity.representation_similarity import hidden_features, layerwise_cka, linear_cka
    from benign.implicit.similarity.weight_matching import WeightMatching, match_weights, permuted
    from benign.implicit.solution_recording import SolutionRecorder

_HOMES = {
    # which flow a method follows
    "BackwardErrorAnalysis": "flows.backward_error",
    "backward_error_analysis": "flows.backward_error",
    "Adam": "flows.methods",
    "GradientDescent": "flows.methods",
    "MiniBatch": "flows.methods",
    "Momentum": "flows.methods",
    "FlowNotIntegrated": "flows.integration",
    "flow_end": "flows.integration",
    "flow_path": "flows.integration",
    "implicit_gradient_regularizer": "flows.modified_loss",
    "regularization_rate": "flows.modified_loss",
    "Comparison": "flows.orders",
    "Order": "flows.orders",
    "TwoParameters": "flows.two_parameters",
    # the gradient penalty along training
    "GradientPenalty": "flows.network_penalty",
    "gradient_penalty": "flows.network_penalty",
    "GradientPenaltyLog": "flows.torch_loop",
    # how flat a solution is
    "ALL_MEASURES": "curvature.flatness_measures",
    "Flatness": "curvature.flatness_measures",
    "FlatnessMeasure": "curvature.flatness_measures",
    "FlatnessRecorder": "curvature.flatness_measures",
    "FlatnessSettings": "curvature.flatness_measures",
    "flatness": "curvature.flatness_measures",
    "FlatLoss": "curvature.hessian",
    "dense_hessian": "curvature.hessian",
    "network_loss": "curvature.hessian",
    "parameter_loss": "curvature.hessian",
    "Eigenvalues": "curvature.eigenvalues",
    "KrylovOutcome": "curvature.eigenvalues",
    "top_eigenvalues": "curvature.eigenvalues",
    "TraceEstimate": "curvature.trace",
    "estimate_trace": "curvature.trace",
    "NoiseMoments": "curvature.sharpness",
    "under_noise": "curvature.sharpness",
    "worst_rise": "curvature.sharpness",
    # how large it is
    "DistanceFromStart": "norms.dense_norms",
    "NormRecorder": "norms.dense_norms",
    "distance_from_start": "norms.dense_norms",
    "distances_from_start": "norms.dense_norms",
    "frobenius_norm": "norms.dense_norms",
    "output_margins": "norms.dense_norms",
    "path_norm": "norms.dense_norms",
    "spectral_complexity": "norms.dense_norms",
    "spectral_norm_product": "norms.dense_norms",
    "spectral_norms": "norms.dense_norms",
    # how alike solutions are
    "Disagreement": "similarity.prediction_disagreement",
    "disagreement": "similarity.prediction_disagreement",
    "mean_squared_difference": "similarity.prediction_disagreement",
    "PairMean": "similarity.network_pairs",
    "pair_mean": "similarity.network_pairs",
    "hidden_features": "similarity.representation_similarity",
    "layerwise_cka": "similarity.representation_similarity",
    "linear_cka": "similarity.representation_similarity",
    "WeightMatching": "similarity.weight_matching",
    "match_weights": "similarity.weight_matching",
    "permuted": "similarity.weight_matching",
    "LineRisks": "similarity.loss_barrier",
    "matched_pairs": "similarity.loss_barrier",
    "risks_along_lines": "similarity.loss_barrier",
    # a solution, as procedures measure it
    "SolutionRecorder": "solution_recording",
    "KeptWeights": "kept_weights",
}

# The procedures that measure solutions stand with the others now; the old names go with 0.3.
_MOVED = ("RepeatedMLP", "Solutions")

_WITHOUT_JAX = ("flows.orders", "flows.two_parameters", "flows.torch_loop")

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
    "SolutionRecorder",
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
    if name in _MOVED:
        warnings.warn(f"benign.implicit.{name} is now benign.procedures.{name}.", DeprecationWarning, stacklevel=2)
        return getattr(importlib.import_module("benign.procedures"), name)
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
