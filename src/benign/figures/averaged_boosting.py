"""L2-boosting with small trees, and averages of it: Belkin, Hsu, Ma, Mandal 2019, section on boosting."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float


@dataclass(kw_only=True)
class AveragedBoosting:
    """The average of boosted sums that differ in which features their trees split on: an estimator for squared loss.

    Every round adds, for each output, a tree of at most ``max_leaf_nodes`` leaves fitted to what the sum, which starts
    at zero, has left over, times ``learning_rate``. The members of a smaller average and the rounds of a shorter sum
    are the first of a larger one. With ``warm_start`` a fit keeps the members that there are: a refit on the same data
    at a larger ``n_estimators`` adds the rest.

    Equivalent to a ``VotingRegressor`` of ``GradientBoostingRegressor(init="zero", max_features="sqrt")``, one for each
    output, up to the random features.
    """

    _estimator_type: ClassVar[str] = "regressor"

    rounds: int = 1
    n_estimators: int = 1
    max_leaf_nodes: int = 10
    learning_rate: float = 0.85
    max_features: str | None = "sqrt"
    random_state: int | None = None
    warm_start: bool = False
    members_: list[list[list[Any]]] = field(init=False, repr=False, default_factory=list)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        del deep
        return {one.name: getattr(self, one.name) for one in fields(self) if one.init}

    def set_params(self, **params: Any) -> AveragedBoosting:
        for name, value in params.items():
            setattr(self, name, value)
        return self

    def fit(self, X: Float[np.ndarray, "n d"], y: Float[np.ndarray, "n *outputs"]) -> AveragedBoosting:
        kept = self.members_ if self.warm_start else []
        inputs, targets = X.astype(np.float32), y.reshape(len(y), -1).astype(np.float64)
        self.members_ = [*kept, *(self._boosted(inputs, targets, i) for i in range(len(kept), self.n_estimators))]
        return self

    def predict(self, X: Float[np.ndarray, "m d"]) -> Float[np.ndarray, "m outputs"]:
        inputs = X.astype(np.float32)
        total = sum(self._step(trees, inputs) for member in self.members_ for trees in member)
        return np.asarray(total) / len(self.members_)

    def _boosted(self, inputs: Float[np.ndarray, "n d"], targets: Float[np.ndarray, "n k"], i: int) -> list[list[Any]]:
        """The i-th member: its rounds, each a tree for each output."""
        from sklearn.tree import DecisionTreeRegressor

        random = np.random.RandomState(np.random.MT19937(np.random.SeedSequence([self.random_state or 0, i])))
        left, rounds = targets.copy(), []
        for _ in range(self.rounds):
            trees = [
                DecisionTreeRegressor(
                    max_leaf_nodes=self.max_leaf_nodes, max_features=self.max_features, random_state=random
                ).fit(inputs, np.ascontiguousarray(column), check_input=False)
                for column in left.T
            ]
            left -= self._step(trees, inputs)
            rounds.append(trees)
        return rounds

    def _step(self, trees: list[Any], inputs: Float[np.ndarray, "m d"]) -> Float[np.ndarray, "m k"]:
        return self.learning_rate * np.stack([tree.predict(inputs, check_input=False) for tree in trees], axis=1)
