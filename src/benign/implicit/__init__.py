"""Implicit regularisation: modified losses and flows, flatness, norms and the similarity of solutions, on JAX.

The public names are loaded on first use; those that compute on JAX or Diffrax need the extra ``networks``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benign.foundation.public_names import load_on_first_use

if TYPE_CHECKING:
    from benign.implicit.curvature.eigenvalues import Eigenvalues as Eigenvalues
    from benign.implicit.curvature.eigenvalues import KrylovOutcome as KrylovOutcome
    from benign.implicit.curvature.eigenvalues import top_eigenvalues as top_eigenvalues
    from benign.implicit.curvature.flatness_measures import ALL_MEASURES as ALL_MEASURES
    from benign.implicit.curvature.flatness_measures import Flatness as Flatness
    from benign.implicit.curvature.flatness_measures import FlatnessMeasure as FlatnessMeasure
    from benign.implicit.curvature.flatness_measures import FlatnessRecorder as FlatnessRecorder
    from benign.implicit.curvature.flatness_measures import FlatnessSettings as FlatnessSettings
    from benign.implicit.curvature.flatness_measures import flatness as flatness
    from benign.implicit.curvature.hessian import FlatLoss as FlatLoss
    from benign.implicit.curvature.hessian import dense_hessian as dense_hessian
    from benign.implicit.curvature.hessian import network_loss as network_loss
    from benign.implicit.curvature.hessian import parameter_loss as parameter_loss
    from benign.implicit.curvature.sharpness import NoiseMoments as NoiseMoments
    from benign.implicit.curvature.sharpness import under_noise as under_noise
    from benign.implicit.curvature.sharpness import worst_rise as worst_rise
    from benign.implicit.curvature.trace import TraceEstimate as TraceEstimate
    from benign.implicit.curvature.trace import estimate_trace as estimate_trace
    from benign.implicit.dense_network import as_dense as as_dense
    from benign.implicit.flows.backward_error import BackwardErrorAnalysis as BackwardErrorAnalysis
    from benign.implicit.flows.backward_error import backward_error_analysis as backward_error_analysis
    from benign.implicit.flows.integration import FlowNotIntegrated as FlowNotIntegrated
    from benign.implicit.flows.integration import flow_end as flow_end
    from benign.implicit.flows.integration import flow_path as flow_path
    from benign.implicit.flows.methods import Adam as Adam
    from benign.implicit.flows.methods import GradientDescent as GradientDescent
    from benign.implicit.flows.methods import MiniBatch as MiniBatch
    from benign.implicit.flows.methods import Momentum as Momentum
    from benign.implicit.flows.modified_loss import implicit_gradient_regularizer as implicit_gradient_regularizer
    from benign.implicit.flows.modified_loss import regularization_rate as regularization_rate
    from benign.implicit.flows.network_penalty import GradientPenalty as GradientPenalty
    from benign.implicit.flows.network_penalty import gradient_penalty as gradient_penalty
    from benign.implicit.flows.orders import Comparison as Comparison
    from benign.implicit.flows.orders import Order as Order
    from benign.implicit.flows.torch_loop import GradientPenaltyLog as GradientPenaltyLog
    from benign.implicit.flows.two_parameters import TwoParameters as TwoParameters
    from benign.implicit.kept_weights import KeptWeights as KeptWeights
    from benign.implicit.norms.dense_norms import DistanceFromStart as DistanceFromStart
    from benign.implicit.norms.dense_norms import NormRecorder as NormRecorder
    from benign.implicit.norms.dense_norms import distance_from_start as distance_from_start
    from benign.implicit.norms.dense_norms import distances_from_start as distances_from_start
    from benign.implicit.norms.dense_norms import frobenius_norm as frobenius_norm
    from benign.implicit.norms.dense_norms import output_margins as output_margins
    from benign.implicit.norms.dense_norms import path_norm as path_norm
    from benign.implicit.norms.dense_norms import spectral_complexity as spectral_complexity
    from benign.implicit.norms.dense_norms import spectral_norm_product as spectral_norm_product
    from benign.implicit.norms.dense_norms import spectral_norms as spectral_norms
    from benign.implicit.similarity.loss_barrier import LineRisks as LineRisks
    from benign.implicit.similarity.loss_barrier import matched_pairs as matched_pairs
    from benign.implicit.similarity.loss_barrier import risks_along_lines as risks_along_lines
    from benign.implicit.similarity.network_pairs import PairMean as PairMean
    from benign.implicit.similarity.network_pairs import pair_mean as pair_mean
    from benign.implicit.similarity.prediction_disagreement import Disagreement as Disagreement
    from benign.implicit.similarity.prediction_disagreement import disagreement as disagreement
    from benign.implicit.similarity.prediction_disagreement import mean_squared_difference as mean_squared_difference
    from benign.implicit.similarity.representation_similarity import hidden_features as hidden_features
    from benign.implicit.similarity.representation_similarity import layerwise_cka as layerwise_cka
    from benign.implicit.similarity.representation_similarity import linear_cka as linear_cka
    from benign.implicit.similarity.weight_matching import WeightMatching as WeightMatching
    from benign.implicit.similarity.weight_matching import match_weights as match_weights
    from benign.implicit.similarity.weight_matching import permuted as permuted
    from benign.implicit.solution_recording import SolutionRecorder as SolutionRecorder

# The procedures that measure solutions stand with the others now; the old names go with 0.3.
_MOVED = dict.fromkeys(("RepeatedMLP", "Solutions"), "benign.procedures")

# The last two measure PyTorch modules without it, and ask for it where a network needs it.
_WITHOUT_JAX = tuple(
    f"benign.implicit.{module}"
    for module in (
        "flows.orders",
        "flows.two_parameters",
        "flows.torch_loop",
        "flows.network_penalty",
        "similarity.representation_similarity",
    )
)


def _check(name: str, home: str) -> None:
    """Check that JAX and its companions are there.

    Raises:
        MissingExtra: if one is not; the message holds ``pip install "benign[networks]"``.
    """
    if home not in _WITHOUT_JAX:
        from benign.foundation.extras import require
        from benign.networks.devices import require_jax

        purpose = f"`benign.implicit.{name}`"
        require_jax(purpose)
        require("diffrax", extra="networks", purpose=purpose)


__all__ = list(load_on_first_use(globals(), moved=_MOVED, check=_check))
