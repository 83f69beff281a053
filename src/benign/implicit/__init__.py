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

_NAMES = {
    # which flow a method follows
    "flows.backward_error": ("BackwardErrorAnalysis", "backward_error_analysis"),
    "flows.methods": ("Adam", "GradientDescent", "MiniBatch", "Momentum"),
    "flows.integration": ("FlowNotIntegrated", "flow_end", "flow_path"),
    "flows.modified_loss": ("implicit_gradient_regularizer", "regularization_rate"),
    "flows.orders": ("Comparison", "Order"),
    "flows.two_parameters": ("TwoParameters",),
    # the gradient penalty along training
    "flows.network_penalty": ("GradientPenalty", "gradient_penalty"),
    "flows.torch_loop": ("GradientPenaltyLog",),
    # how flat a solution is
    "curvature.flatness_measures": (
        "ALL_MEASURES",
        "Flatness",
        "FlatnessMeasure",
        "FlatnessRecorder",
        "FlatnessSettings",
        "flatness",
    ),
    "curvature.hessian": ("FlatLoss", "dense_hessian", "network_loss", "parameter_loss"),
    "curvature.eigenvalues": ("Eigenvalues", "KrylovOutcome", "top_eigenvalues"),
    "curvature.trace": ("TraceEstimate", "estimate_trace"),
    "curvature.sharpness": ("NoiseMoments", "under_noise", "worst_rise"),
    # how large it is
    "norms.dense_norms": (
        "DistanceFromStart",
        "NormRecorder",
        "distance_from_start",
        "distances_from_start",
        "frobenius_norm",
        "output_margins",
        "path_norm",
        "spectral_complexity",
        "spectral_norm_product",
        "spectral_norms",
    ),
    # how alike solutions are
    "similarity.prediction_disagreement": ("Disagreement", "disagreement", "mean_squared_difference"),
    "similarity.network_pairs": ("PairMean", "pair_mean"),
    "similarity.representation_similarity": ("hidden_features", "layerwise_cka", "linear_cka"),
    "similarity.weight_matching": ("WeightMatching", "match_weights", "permuted"),
    "similarity.loss_barrier": ("LineRisks", "matched_pairs", "risks_along_lines"),
    # a solution, as procedures measure it
    "solution_recording": ("SolutionRecorder",),
    "kept_weights": ("KeptWeights",),
}
_HOMES = {name: module for module, names in _NAMES.items() for name in names}

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
