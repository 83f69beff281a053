"""One network trained several times on the same data, from different initialisations: how alike are the solutions?

A procedure, so that the answer is a surface over width and time whose replicates are draws of the data: the several
networks of a replicate are inside it, and replicates share nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float, Int

from benign import schema
from benign.foundation.errors import invalid
from benign.foundation.numbers import checked_count
from benign.foundation.replicate import Replicate
from benign.foundation.split import Split
from benign.implicit.dense_network import as_dense
from benign.implicit.similarity.loss_barrier import matched_pairs, risks_along_lines
from benign.implicit.similarity.network_pairs import pairs_of
from benign.implicit.similarity.prediction_disagreement import disagreement, mean_squared_difference
from benign.implicit.similarity.representation_similarity import layerwise_cka
from benign.networks.population import Member, TrainedPopulation, train_population
from benign.networks.recording import Data, RiskRecorder, outputs_of
from benign.procedures.mlp import MLP
from benign.procedures.network_training import block_of_networks
from benign.procedures.protocol import Predictions, recorded_times, refuse_metrics
from benign.schema import END_OF_TRAINING, Block

PAIR_METRICS = frozenset({"disagreement", "disagreement_independent", "output_difference"})
"""Measured at every time, on test inputs, mean over the pairs of a replicate's networks."""
SOLUTION_PAIR_METRICS = schema.PAIR_METRICS - PAIR_METRICS
"""Measured at the end of training, NaN at the times before it; mean over the pairs of a replicate's networks."""
MEASURED = (
    schema.METRICS.keys() - schema.AVERAGED_METRICS - schema.SOLVED_METRICS - schema.SOLUTION_METRICS - schema.PENALTIES
)
"""What it measures; ``scaled_norm``, a default metric of every surface, stays NaN."""


@dataclass(frozen=True, kw_only=True)
class RepeatedMLP:
    """A multilayer perceptron trained several times for each replicate, compared in pairs.

    Network k of a replicate starts at initialisation ``networks * initialisation + k``, which addresses its
    mini-batches too; all have the replicate's data. Risks and norms are means over the networks.

    Args:
        mlp: the network and its training.
        networks: how many a replicate, two or more; three have three pairs.
        restarts: of the matching of hidden units (:func:`benign.implicit.match_weights`).
        alphas: numbers on the straight line between two networks, ends included.

    Raises:
        InvalidArgument: for settings that cannot be used.
    """

    revision: ClassVar[int] = 1
    size_name: ClassVar[str] = MLP.size_name
    max_size: ClassVar[float] = MLP.max_size

    mlp: MLP
    networks: int = 3
    restarts: int = 3
    alphas: int = 11

    def __post_init__(self) -> None:
        for argument, least in (("networks", 2), ("restarts", 1), ("alphas", 3)):
            if checked_count(argument, getattr(self, argument)) < least:
                raise invalid(argument, f"must be at least {least}, got {getattr(self, argument)}.")

    @property
    def time_name(self) -> str:
        return self.mlp.time_name

    @property
    def objective(self) -> str:
        return self.mlp.objective

    def spec(self) -> dict[str, object]:
        own = {name: int(getattr(self, name)) for name in ("networks", "restarts", "alphas")}
        return {**self.mlp.spec(), "procedure": "repeated_mlp", **own}

    def parameters(self, size: int, split: Split) -> int:
        """Weights and biases of one network."""
        return self.mlp.parameters(size, split)

    def check(self, samples: Sequence[int], times: Float[np.ndarray, " time"] | None) -> None:
        """Whether training on these numbers of samples has these times."""
        self.mlp.check(samples, times)

    def batches(self, replicates: Sequence[Replicate]) -> Sequence[tuple[Replicate, ...]]:
        return self.mlp.batches(replicates)

    def measure(
        self,
        splits: Sequence[Split],
        sizes: Int[np.ndarray, " size"],
        times: Float[np.ndarray, " time"] | None,
        metrics: frozenset[str],
    ) -> Block:
        moments = recorded_times(times)
        self._check_metrics(splits, moments, metrics)
        trained = self._train(splits, sizes, moments, metrics)
        shape = (len(splits), len(sizes), self.networks)
        recorded = {name: values.reshape(*shape, *values.shape[1:]) for name, values in trained.recordings.items()}
        diverged = np.asarray(trained.diverged.reshape(*shape, -1).any(axis=2))
        values = {name: part.mean(axis=2) for name, part in recorded.items() if name != "test_outputs"}
        values |= {name: np.full(diverged.shape, np.nan) for name in metrics & schema.PAIR_METRICS}
        for r, split in enumerate(splits):
            for s in range(len(sizes)):
                for t in np.flatnonzero(~diverged[r, s]):
                    compared = self._compared(split, metrics, recorded["test_outputs"][r, s, :, t])
                    for name in metrics & compared.keys():
                        values[name][r, s, t] = compared[name]
                if not diverged[r, s, -1]:
                    first = (r * len(sizes) + s) * self.networks
                    networks = trained.networks[first : first + self.networks]
                    for name in metrics & SOLUTION_PAIR_METRICS:
                        values[name][r, s, -1] = self._solution_metric(name, networks, split)
        return block_of_networks(self.mlp, splits, sizes, times, metrics, values, diverged)

    def predict(
        self,
        split: Split,
        inputs: Float[np.ndarray, "m d"],
        sizes: Int[np.ndarray, " size"],
        times: Float[np.ndarray, " time"] | None = None,
    ) -> Iterator[Predictions]:
        """Predictions of the first network."""
        return self.mlp.predict(self._repeated(split)[0], inputs, sizes, times)

    def _check_metrics(
        self, splits: Sequence[Split], times: Float[np.ndarray, " time"], metrics: frozenset[str]
    ) -> None:
        refuse_metrics(metrics - MEASURED, "RepeatedMLP does not measure; leave it out")
        at_end = sorted(metrics & SOLUTION_PAIR_METRICS)
        if at_end and times[-1] not in (END_OF_TRAINING, self.mlp.training.last_time):
            raise invalid(
                "metrics",
                f"asks for {at_end[0]}, which is measured at the end of training; let `times` end there, at "
                f"{self.mlp.training.last_time}.",
            )
        if metrics & {"disagreement", "disagreement_independent"} and splits[0].classes is None:
            raise invalid("metrics", "asks for disagreement, which needs classes; use output_difference.")

    def _repeated(self, split: Split) -> list[Split]:
        """The split at the initialisations of its networks."""
        first = self.networks * split.replicate.initialisation
        return [
            replace(split, replicate=replace(split.replicate, initialisation=first + k)) for k in range(self.networks)
        ]

    def _train(
        self,
        splits: Sequence[Split],
        sizes: Int[np.ndarray, " size"],
        times: Float[np.ndarray, " time"],
        metrics: frozenset[str],
    ) -> TrainedPopulation:
        """Members in the order replicate, size, network."""
        mlp = self.mlp
        members = [
            Member(width=width, split=own)
            for split in splits
            for width in sizes.tolist()
            for own in self._repeated(split)
        ]
        risks = RiskRecorder(loss=mlp.training.loss, metrics=metrics, has_classes=splits[0].classes is not None)
        return train_population(
            mlp.family,
            mlp.training,
            members,
            times=times,
            recorder=_RisksAndOutputs(risks=risks),
            device=mlp.device,
        )

    def _compared(
        self, split: Split, metrics: frozenset[str], outputs: Float[np.ndarray, "network n K"]
    ) -> dict[str, float]:
        """The metrics on test outputs at one time."""
        at, values = np.asarray(outputs, dtype=np.float64), {}
        if "output_difference" in metrics:
            is_softmax = self.objective == "cross-entropy"
            values["output_difference"] = mean_squared_difference(at, probabilities=is_softmax).mean
        if metrics & {"disagreement", "disagreement_independent"}:
            found = disagreement(at, np.argmax(split.test_targets, axis=1))
            values |= {"disagreement": found.observed.mean, "disagreement_independent": found.independent.mean}
        return values

    def _solution_metric(self, name: str, trained: Sequence[eqx.Module], split: Split) -> float:
        """A metric on the weights at the end."""
        networks = [as_dense(network) for network in trained]
        if name == "representation_similarity":
            return float(np.mean(layerwise_cka(networks, split.test_inputs)[-1]))
        pairs = [(networks[i], networks[j]) for i, j in pairs_of(len(networks))]
        if name == "barrier_matched":
            pairs = matched_pairs(pairs, restarts=self.restarts, seed=split.replicate.seed)
        alphas = np.linspace(0.0, 1.0, self.alphas).tolist()
        lines = risks_along_lines(pairs, split, loss=self.objective, alphas=alphas, device=self.mlp.device)
        return float(np.mean(lines.barrier["train_loss"]))


@dataclass(frozen=True, kw_only=True)
class _RisksAndOutputs:
    """The risks, and the outputs on the test set."""

    risks: RiskRecorder

    def __call__(self, network: eqx.Module, data: Data) -> dict[str, Float[Array, "..."]]:
        return {**self.risks(network, data), "test_outputs": outputs_of(network, data.test_inputs)}
