"""What an estimator needs in memory, where it can be told before it is trained: columns made of columns, kernels."""

from __future__ import annotations

import math
from typing import Any

from benign.foundation.memory import require_memory
from benign.procedures.nested_estimators import Part, chain_of, transforms_of

_NUMBER = 8.0
_WORTH_ASKING = 1e8  # bytes: less is there, or nothing is
# These hold a matrix of all pairs of training samples, and a factor of it.
_OF_PAIRS = {
    "KernelRidge": 2.0,
    "GaussianProcessRegressor": 2.0,
    "GaussianProcessClassifier": 2.0,
    "LabelPropagation": 1.0,
    "LabelSpreading": 1.0,
    "KernelPCA": 2.0,
}
_KEEPS_COLUMNS = frozenset(
    {
        *("StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler", "Normalizer", "PowerTransformer"),
        *("QuantileTransformer", "SimpleImputer", "KNNImputer", "IterativeImputer"),
    }
)
_MAKES_COMPONENTS = frozenset({"RBFSampler", "Nystroem", "SkewedChi2Sampler", "PolynomialCountSketch"})


def least_bytes_of(estimator: Any, samples: int, columns: int) -> float | None:
    """What a training needs at least, beside its inputs; None where it cannot be told.

    Args:
        estimator: with its size.
        samples: n.
        columns: of its inputs.
    """
    needs = [needed for needed, _ in _needs(estimator, samples, columns)]
    return max(needs) if needs else None


def require_room(estimator: Any, samples: int, columns: int) -> None:
    """Refuse a training that the machine has no memory for, before it begins.

    Raises:
        NotEnoughMemory: saying what makes it so large.
    """
    needed, why = max(_needs(estimator, samples, columns), default=(0.0, ""))
    if needed > _WORTH_ASKING:
        require_memory(needed, purpose=why, advice="lower the size or the number of samples")


def polynomial_columns(columns: int, degree: int, *, interactions_alone: bool, bias: bool = True) -> int:
    """How many monomials scikit-learn's ``PolynomialFeatures`` makes of so many columns.

    >>> polynomial_columns(2, 2, interactions_alone=False)
    6
    """
    if interactions_alone:
        made = sum(math.comb(columns, order) for order in range(min(degree, columns) + 1))
    else:
        made = math.comb(columns + degree, degree)
    return made if bias else made - 1


def _needs(estimator: Any, samples: int, columns: int) -> list[tuple[float, str]]:
    """What each part needs, with what needs it; as far as the number of columns that reaches it is known."""
    needs: list[tuple[float, str]] = []
    there: int | None = columns
    for part in [*transforms_of(estimator), *chain_of(estimator)]:
        pairs = _OF_PAIRS.get(part.kind)
        if pairs:
            purpose = f"{part.kind}, which compares each of {samples:,} samples with each other,"
            needs.append((pairs * _NUMBER * samples**2, purpose))
        made = _made(part, there)
        if made is not None:
            what = f"{part.kind}, which makes {_told(made)} columns on {samples:,} samples,"
            needs.append((_NUMBER * _float(made) * samples, what))
        is_a_model = part.kind not in _KEEPS_COLUMNS and made is None
        there = made if made is not None else None if is_a_model else there
    return needs


def _made(part: Part, columns: int | None) -> int | None:
    """The number of columns that a part makes; None where it makes none or it is not known."""
    settings = part.settings
    if part.kind == "PolynomialFeatures" and columns is not None:
        degree = settings["degree"]
        highest = degree[1] if isinstance(degree, tuple) else degree
        if not isinstance(highest, int):
            return None
        alone, bias = bool(settings["interaction_only"]), bool(settings["include_bias"])
        return polynomial_columns(columns, highest, interactions_alone=alone, bias=bias)
    made = settings.get("n_components")
    return made if part.kind in _MAKES_COMPONENTS and isinstance(made, int) else None


def _float(count: int) -> float:
    return float(count) if count < 10**300 else math.inf


def _told(count: int) -> str:
    return f"{count:,}" if count < 10**9 else f"{count:.3g}" if count < 10**300 else "more than 1e300"
