"""What trainings minimise: each objective's loss of a sample, and the best constant, in closed form.

A model's outputs are in the unit of its objective: values or probabilities, one a column of the targets, or the scores
that a margin is made of. Targets are one-hot rows where there are classes.

An objective goes by its name everywhere. A loss of the user's own does too: its name, an :class:`OwnObjective`, carries
the function, and its best constant is searched for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from numpy.typing import ArrayLike

from benign.foundation.errors import attempted, invalid, unknown_name
from benign.foundation.split import class_indices
from benign.foundation.wording import shown, told

# As scikit-learn's log_loss clips probabilities, and its deviances predictions.
_LEAST = float(np.finfo(np.float64).eps)
_RARE = 1e-6  # the share from which the search for a best constant begins, of a class that is not there
_HUGE = 1e150  # in place of an infinite loss, so that a line search can compare
_IS_A_SHARE = 1e-5  # how far from 1 the sum of single-precision probabilities may be

Outputs = Float[np.ndarray, "m outputs"]
Targets = Float[np.ndarray, "m K"]
Losses = Float[np.ndarray, " m"]
Constant = Float[np.ndarray, " outputs"]


@dataclass(frozen=True, kw_only=True)
class _Objective:
    """One objective.

    Attributes:
        sentence: what it is.
        losses: of outputs and targets, and its parameter where it has one.
        constant: the outputs, the same for every sample, of the smallest mean loss on targets, likewise.
        parameter: what its number is, and which numbers it may be; None without one.
    """

    sentence: str
    losses: Callable[[Outputs, Targets, float], Losses]
    constant: Callable[[Targets, float], Constant]
    parameter: tuple[str, Callable[[float], bool]] | None = None


class OwnObjective(str):
    """The name of a loss that is the user's own, with its function; a surface keeps the name alone.

    Attributes:
        function: of outputs (m x K) and targets (m x K, one-hot rows for classes), the loss of each sample (m).
        outputs: what they are: ``"values"``, ``"logits"`` or ``"probabilities"``.
    """

    function: Callable[[Outputs, Targets], ArrayLike]
    outputs: str

    def __new__(cls, function: Callable[[Outputs, Targets], ArrayLike], outputs: str) -> OwnObjective:
        name = getattr(function, "__name__", type(function).__name__).replace("<lambda>", "")
        words = name.removesuffix("loss").replace("_", " ")  # "own huber", as in "own huber loss"
        own = super().__new__(cls, f"own {words}".strip())
        own.function, own.outputs = function, outputs
        return own

    def __reduce__(self) -> tuple[type[OwnObjective], tuple[Any, str]]:
        return OwnObjective, (self.function, self.outputs)


def losses(
    objective: str, outputs: Float[np.ndarray, "m outputs"], targets: Float[np.ndarray, "m K"]
) -> Float[np.ndarray, " m"]:
    r"""The loss of each sample.

    Args:
        objective: a name in :data:`NAMES`; ``"quantile"`` and ``"epsilon-insensitive"`` are followed by their number,
            as in ``"quantile 0.9"``.
        outputs: m x K. Cross-entropy takes probabilities, clipped as scikit-learn's ``log_loss`` does, or, where the
            rows are none, log-odds, of which the softmax is taken. A ``"pairwise hinge"`` of more than two classes
            takes m x K^2: the score of class i against class j in column i K + j. An :class:`OwnObjective` takes what
            its function does.
        targets: m x K, one-hot rows for classes.

    Raises:
        UnknownName: for an objective that does not exist.
        InvalidArgument: for a loss of the user's own that raises, or gives no number of each sample.
    """
    if isinstance(objective, OwnObjective):
        return _own_losses(objective, outputs, targets)
    kind, number = _found(objective)
    return kind.losses(outputs, targets, number)


def constant_loss(objective: str, targets: Float[np.ndarray, "m K"]) -> float:
    """The mean loss of the constant outputs that have the least.

    Args:
        objective: as for :func:`losses`.
        targets: m x K, one-hot rows for classes.

    Raises:
        UnknownName: for an objective that does not exist.
    """
    if not isinstance(objective, OwnObjective) and np.all(targets == targets[0]):
        return 0.0
    return float(losses(objective, np.tile(best_constant(objective, targets), (len(targets), 1)), targets).mean())


def best_constant(objective: str, targets: Float[np.ndarray, "m K"]) -> Float[np.ndarray, " outputs"]:
    """The constant outputs that have the least mean loss.

    In closed form; of an :class:`OwnObjective` by Powell's search from the targets' mean and their median, or among
    probabilities or logits from the classes' shares: a local minimum, exact to about 1e-6 of the loss.

    Args:
        objective: as for :func:`losses`.
        targets: m x K, one-hot rows for classes; a class that none of them is of gets the outputs of a rare one where
            those would be infinite.

    Returns:
        K outputs, or K^2 scores of pairs.

    Raises:
        UnknownName: for an objective that does not exist.
        InvalidArgument: as :func:`losses`.
    """
    if isinstance(objective, OwnObjective):
        return _own_constant(objective, targets)
    kind, number = _found(objective)
    return kind.constant(targets, number)


def wrong(outputs: Float[np.ndarray, "m outputs"], targets: Float[np.ndarray, "m K"]) -> Bool[np.ndarray, " m"]:
    """Whether the predicted class, the largest output's or the one that most pairs choose, is not the target's.

    Args:
        outputs: m x K, or m x K^2 scores of pairs.
        targets: m x K, one-hot rows.
    """
    return predicted_classes(outputs, targets.shape[1]) != class_indices(targets)


def predicted_classes(outputs: Float[np.ndarray, "m outputs"], classes: int) -> Int[np.ndarray, " m"]:
    """The class that each row of outputs stands for; the first one where several tie.

    Args:
        outputs: m x K, or m x K^2 scores of pairs.
        classes: K.
    """
    if outputs.shape[1] == classes:
        return class_indices(outputs)
    votes = np.sum(_pairs(outputs, classes) > 0.0, axis=2)
    return class_indices(votes.astype(np.float64))


def are_probabilities(outputs: Float[np.ndarray, "m K"]) -> bool:
    """Whether each row is positive or 0, and sums to 1 as far as single precision goes."""
    return bool(np.all(outputs >= 0.0) and np.all(np.abs(outputs.sum(axis=1) - 1.0) <= _IS_A_SHARE))


def probabilities_of(logits: Float[np.ndarray, "m K"]) -> Float[np.ndarray, "m K"]:
    """The softmax of each row of log-odds.

    Args:
        logits: m x K.
    """
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)


def certain_log_odds(logits: Float[np.ndarray, "m K"]) -> Float[np.ndarray, "m K"]:
    """The same log-odds, less a number of each row, so that no row can be taken for probabilities.

    Args:
        logits: m x K.

    Returns:
        m x K numbers of at most -1: with their softmax, their largest entry and their cross-entropy.
    """
    return logits - logits.max(axis=1, keepdims=True) - 1.0


def check_objective(argument: str, objective: str) -> str:
    """The objective, if there is one of that name.

    Raises:
        UnknownName: if there is none.
        InvalidArgument: for one with a number that it cannot have.
    """
    _found(objective, argument)
    return objective


def _found(objective: str, argument: str = "objective") -> tuple[_Objective, float]:
    name, _, rest = objective.rpartition(" ") if objective not in _OBJECTIVES else (objective, "", "")
    kind = _OBJECTIVES.get(name)
    if kind is None:
        raise unknown_name("objective", objective, list(_OBJECTIVES), argument=argument)
    if kind.parameter is None and not rest:
        return kind, np.nan
    number = _number(rest)
    if kind.parameter is None or not kind.parameter[1](number):
        wanted = f"{name} followed by {kind.parameter[0]}" if kind.parameter else name
        raise invalid(argument, f"must be {wanted}, got {objective!r}.")
    return kind, number


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return np.nan


def _own_losses(objective: OwnObjective, outputs: Outputs, targets: Targets) -> Losses:
    def ask() -> Shaped[np.ndarray, "..."]:
        with np.errstate(over="ignore", divide="ignore"):  # an infinite loss is told by who measures
            return np.asarray(objective.function(outputs.copy(), targets.copy()))

    found = attempted(ask, lambda error: invalid("objective", f"{objective} loss raised {told(error)}; correct it."))
    if found.dtype.kind not in "biuf" or found.shape != (len(targets),):
        what = f"shape {found.shape}" if found.dtype.kind in "biuf" else f"{found.dtype} numbers"
        raise invalid(
            "objective",
            f"{objective} loss must return one real number a sample, shape ({len(targets)},), for outputs of shape "
            f"{outputs.shape}, got {what}; do not average over the samples.",
        )
    if np.isnan(found).any():
        row = int(np.isnan(found).argmax())
        raise invalid(
            "objective",
            f"{objective} loss gives NaN for the outputs {shown(outputs[row])} and the target {shown(targets[row])}; "
            "make it a number for all finite outputs.",
        )
    return found.astype(np.float64)


def _own_constant(objective: OwnObjective, targets: Targets) -> Constant:
    """The best of what the searches found: among all values, or among probabilities by their log-odds."""
    from scipy.optimize import minimize

    kinds, counts = np.unique(targets, axis=0, return_counts=True)
    is_of_shares = objective.outputs == "probabilities"

    def mean_loss(constant: Constant) -> float:
        outputs = probabilities_of(constant[None]) if is_of_shares else constant[None]
        found = float(counts @ losses(objective, np.tile(outputs, (len(kinds), 1)), kinds)) / len(targets)
        return found if found < _HUGE else _HUGE

    starts = [targets.mean(axis=0), np.median(targets, axis=0)]
    if objective.outputs != "values":
        starts = [np.log(np.maximum(starts[0], _RARE))]
    found = [minimize(mean_loss, start, method="Powell", options={"xtol": 1e-8, "ftol": 1e-12}).x for start in starts]
    best = min([*starts, *map(np.atleast_1d, found)], key=mean_loss)
    return probabilities_of(best[None])[0] if is_of_shares else best


def _squared(outputs: Outputs, targets: Targets, _: float) -> Losses:
    return np.sum((outputs - targets) ** 2, axis=1)


def _mean(targets: Targets, _: float) -> Constant:
    return np.asarray(targets.mean(axis=0))


def _cross_entropy(outputs: Outputs, targets: Targets, _: float) -> Losses:
    if not are_probabilities(outputs):
        highest = outputs.max(axis=1, keepdims=True)
        return highest[:, 0] + np.log(np.exp(outputs - highest).sum(axis=1)) - np.sum(outputs * targets, axis=1)
    return -np.sum(targets * np.log(np.clip(outputs, _LEAST, 1.0 - _LEAST)), axis=1)


def _margins(outputs: Outputs, targets: Targets) -> Float[np.ndarray, "m problems"]:
    """Signed scores, one against the rest; of two classes there is one problem, half of the difference."""
    if targets.shape[1] == 2:
        outputs, targets = (outputs[:, 1:] - outputs[:, :1]) / 2.0, targets[:, 1:]
    return outputs * (2.0 * targets - 1.0)


def _hinge(outputs: Outputs, targets: Targets, _: float) -> Losses:
    return np.sum(np.maximum(0.0, 1.0 - _margins(outputs, targets)), axis=1)


def _squared_hinge(outputs: Outputs, targets: Targets, _: float) -> Losses:
    return np.sum(np.maximum(0.0, 1.0 - _margins(outputs, targets)) ** 2, axis=1)


def _by_sides(targets: Targets, _: float) -> Constant:
    return np.where(targets.mean(axis=0) > 0.5, 1.0, -1.0)


def _by_shares(targets: Targets, _: float) -> Constant:
    return np.asarray(2.0 * targets.mean(axis=0) - 1.0)


def _pairs(outputs: Outputs, classes: int) -> Float[np.ndarray, "m i j"]:
    return outputs.reshape(len(outputs), classes, classes)


def _pairwise_hinge(outputs: Outputs, targets: Targets, nothing: float) -> Losses:
    classes = targets.shape[1]
    if classes == 2 and outputs.shape[1] == 2:
        return _hinge(outputs, targets, nothing)
    own = class_indices(targets)
    against = _pairs(outputs, classes)[np.arange(len(own)), own]
    short = np.maximum(0.0, 1.0 - against)
    short[np.arange(len(own)), own] = 0.0
    return short.sum(axis=1)


def _by_pairs(targets: Targets, nothing: float) -> Constant:
    shares = targets.mean(axis=0)
    if len(shares) == 2:
        return _by_sides(targets, nothing)
    return np.sign(shares[:, None] - shares[None, :]).ravel()


def _exponential(outputs: Outputs, targets: Targets, _: float) -> Losses:
    with np.errstate(over="ignore"):
        return np.minimum(np.exp(-np.sum(outputs * targets, axis=1)), np.finfo(np.float64).max)


def _log_shares(targets: Targets, _: float) -> Constant:
    logs = np.log(np.maximum(targets.mean(axis=0), _LEAST))
    return np.asarray(logs - logs[logs > np.log(_LEAST)].mean())


def _absolute(outputs: Outputs, targets: Targets, _: float) -> Losses:
    return np.sum(np.abs(outputs - targets), axis=1)


def _median(targets: Targets, _: float) -> Constant:
    return np.asarray(np.median(targets, axis=0))


def _quantile(outputs: Outputs, targets: Targets, share: float) -> Losses:
    above = targets - outputs
    return np.sum(np.maximum(share * above, (share - 1.0) * above), axis=1)


def _quantile_of(targets: Targets, share: float) -> Constant:
    return np.asarray(np.quantile(targets, share, axis=0, method="inverted_cdf"))


def _epsilon_insensitive(outputs: Outputs, targets: Targets, width: float) -> Losses:
    return np.sum(np.maximum(0.0, np.abs(outputs - targets) - width), axis=1)


def _middle_of_a_band(targets: Targets, width: float) -> Constant:
    # max(0, |u| - w) = (|u - w| + |u + w|) / 2 - w: the best constant is a median of all targets less and more w
    return np.asarray(np.median(np.concatenate([targets - width, targets + width]), axis=0))


def _squared_epsilon_insensitive(outputs: Outputs, targets: Targets, width: float) -> Losses:
    return np.sum(np.maximum(0.0, np.abs(outputs - targets) - width) ** 2, axis=1)


def _zeros_of_a_band(targets: Targets, width: float) -> Constant:
    """The derivative is piecewise linear and rises: its zero lies between the two bends around it."""
    return np.array([_zero_of_a_band(column, width) for column in targets.T])


def _zero_of_a_band(values: Float[np.ndarray, " m"], width: float) -> float:
    bends = np.unique(np.concatenate([values - width, values + width]))
    low, high = 0, len(bends) - 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _band_slope(bends[middle], values, width) <= 0.0 else (low, middle)
    ends = [_band_slope(bends[place], values, width) for place in (low, high)]
    return float(bends[low] - ends[0] * (bends[high] - bends[low]) / ((ends[1] - ends[0]) or 1.0))


def _band_slope(at: float, values: Float[np.ndarray, " m"], width: float) -> float:
    return float(np.sum(np.maximum(0.0, at - values - width) - np.maximum(0.0, values - width - at)))


def _poisson(outputs: Outputs, targets: Targets, _: float) -> Losses:
    means = np.maximum(outputs, _LEAST)
    logs = np.where(targets > 0.0, targets * np.log(np.maximum(targets, _LEAST) / means), 0.0)
    return np.sum(logs - targets + means, axis=1)


def _gamma(outputs: Outputs, targets: Targets, _: float) -> Losses:
    ratios = np.maximum(targets, _LEAST) / np.maximum(outputs, _LEAST)
    return np.sum(ratios - 1.0 - np.log(ratios), axis=1)


_WIDTH = ("the width of its band, 0 or more", lambda width: 0.0 <= width < np.inf)
_OBJECTIVES: dict[str, _Objective] = {
    "squared": _Objective(
        sentence="squared error, summed over outputs (of class probabilities: the Brier score)",
        losses=_squared,
        constant=_mean,
    ),
    "cross-entropy": _Objective(
        sentence="log loss: minus the logarithm of the probability given to the right class, in nats",
        losses=_cross_entropy,
        constant=_mean,
    ),
    "hinge": _Objective(
        sentence="how far each margin falls short of 1, each class against the rest",
        losses=_hinge,
        constant=_by_sides,
    ),
    "squared hinge": _Objective(
        sentence="the square of how far each margin falls short of 1, each class against the rest",
        losses=_squared_hinge,
        constant=_by_shares,
    ),
    "pairwise hinge": _Objective(
        sentence="how far each margin falls short of 1, each class against each other one",
        losses=_pairwise_hinge,
        constant=_by_pairs,
    ),
    "exponential": _Objective(
        sentence="exponential of minus the margin",
        losses=_exponential,
        constant=_log_shares,
    ),
    "absolute": _Objective(
        sentence="absolute error, summed over outputs",
        losses=_absolute,
        constant=_median,
    ),
    "quantile": _Objective(
        sentence="pinball loss: absolute error, weighted by the quantile above and by the rest below",
        losses=_quantile,
        constant=_quantile_of,
        parameter=("its quantile, between 0 and 1", lambda share: 0.0 < share < 1.0),
    ),
    "epsilon-insensitive": _Objective(
        sentence="absolute error beyond a band in which nothing is counted",
        losses=_epsilon_insensitive,
        constant=_middle_of_a_band,
        parameter=_WIDTH,
    ),
    "squared epsilon-insensitive": _Objective(
        sentence="squared error beyond a band in which nothing is counted",
        losses=_squared_epsilon_insensitive,
        constant=_zeros_of_a_band,
        parameter=_WIDTH,
    ),
    "poisson": _Objective(
        sentence="half the Poisson deviance",
        losses=_poisson,
        constant=_mean,
    ),
    "gamma": _Objective(
        sentence="half the gamma deviance",
        losses=_gamma,
        constant=_mean,
    ),
}
NAMES: Mapping[str, str] = {name: kind.sentence for name, kind in _OBJECTIVES.items()}
"""Every objective, with a sentence of what it is."""
