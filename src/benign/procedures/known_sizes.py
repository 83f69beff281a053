"""Which parameters of the common estimators are their size and their training time, and within which bounds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from benign.procedures.nested_estimators import Part, chain_of, is_search, transforms_of

Bound = Literal["rows", "fewer than rows", "half of the rows", "columns", "rows or columns"] | float
"""The largest value: a number, or what there is of something."""
# Beyond these a real number has no influence any more on inputs of any ordinary scale.
SMALLEST_REAL, LARGEST_REAL = 1e-12, 1e12


@dataclass(frozen=True, kw_only=True)
class KnownSize:
    """A parameter that can be the size of an estimator.

    Attributes:
        parameter: its own name.
        is_inverse: whether the larger it is, the less can be fitted.
        is_real: whether it is any positive number.
        least: the smallest value.
        largest: the largest value.
        grows: whether it scales with the problem, and cost with it.
        unset: the value that None stands for; infinity where that is no limit.
        idle: the value at which it limits nothing, beside None.
        expands: whether it makes features, so that it is the size of a linear model behind it.
        is_penalty: whether it is a penalty, which any other size comes before.
    """

    parameter: str
    is_inverse: bool = False
    is_real: bool = False
    least: float = 1.0
    largest: Bound = math.inf
    grows: bool = False
    unset: float = math.inf
    idle: float | None = None
    expands: bool = False
    is_penalty: bool = False


def sizes_of(part: Part) -> tuple[KnownSize, ...]:
    """The sizes that the part is known to have, the most natural first."""
    settings = part.settings
    if part.kind in ("SVC", "SVR", "NuSVC", "NuSVR", "KernelRidge"):
        return _sizes_of_kernels(part.kind, settings.get("kernel"))
    if part.kind == "LogisticRegression" and settings.get("penalty", "") is None:
        return ()
    return _SIZES.get(part.kind, ())


def limiting_size(part: Part) -> KnownSize | None:
    """The first of its sizes that limits something now; the first at all where none does."""
    known, settings = sizes_of(part), part.settings
    limiting = (one for one in known if _is_set(settings.get(one.parameter), one.idle) or math.isfinite(one.unset))
    return next(limiting, known[0] if known else None)


def natural_size(estimator: Any) -> tuple[Part, KnownSize] | None:
    """The part whose parameter is the size of an estimator, with it; None where there is none, or a search chooses it.

    It is the innermost model's, unless that has a penalty at most and something before it makes features.
    """
    chain = chain_of(estimator)
    if is_search(estimator):
        return None
    sized = [(part, size) for part in reversed(chain) if (size := limiting_size(part))]
    if not sized or sized[0][1].is_penalty:
        makers = [(part, size) for part in transforms_of(estimator) if (size := limiting_size(part)) and size.expands]
        sized = makers[-1:] or sized
    return sized[0] if sized else None


def named_size(estimator: Any, name: str) -> tuple[Part, KnownSize] | None:
    """The part that a parameter with this nested name belongs to, and what is known of it as a size."""
    for part, size in _all_sizes(estimator):
        if part.prefix + size.parameter == name:
            return part, size
    return None


def largest_of(size: KnownSize, samples: int, columns: int) -> float:
    """The largest value that a size takes on so many samples and columns."""
    if not isinstance(size.largest, str):
        return size.largest
    there = {
        "rows": samples,
        "fewer than rows": samples - 1,
        "half of the rows": samples // 2,
        "columns": columns,
        "rows or columns": min(samples, columns),
    }
    return float(max(there[size.largest], size.least))


def time_of(estimator: Any) -> tuple[Part, str, float] | None:
    """The part that has a training time, the parameter's own name and its present value; None where there is none."""
    chain = chain_of(estimator)
    if is_search(estimator):
        return None
    for part in chain:
        name, unset = _TIMES.get(part.kind, ("", 0.0))
        if name:
            present = part.settings.get(name)
            return part, name, float(present) if isinstance(present, (int, float)) else unset
    return None


def _all_sizes(estimator: Any) -> Iterator[tuple[Part, KnownSize]]:
    for part in [*chain_of(estimator), *transforms_of(estimator)]:
        yield from ((part, size) for size in sizes_of(part))


def _is_set(value: object, idle: float | None) -> bool:
    """Whether a parameter's value limits something, or is one value for each of several things."""
    return value is not None and (isinstance(value, np.ndarray) or value != idle)


def _sizes_of_kernels(kind: str, kernel: object) -> tuple[KnownSize, ...]:
    penalty = {"KernelRidge": _ALPHA, "NuSVC": _NU, "NuSVR": _C}.get(kind, _C)
    return (penalty,) if kernel in ("linear", "precomputed", None) or callable(kernel) else (_GAMMA, penalty)


def _real(parameter: str, *, is_inverse: bool = False, is_penalty: bool = True, unset: float = math.inf) -> KnownSize:
    return KnownSize(
        parameter=parameter,
        is_inverse=is_inverse,
        is_real=True,
        least=SMALLEST_REAL,
        largest=LARGEST_REAL,
        is_penalty=is_penalty,
        unset=unset,
    )


_ALPHA, _C = _real("alpha", is_inverse=True), _real("C")
_GAMMA = _real("gamma", is_penalty=False, unset=1.0)  # None stands for a number of the inputs
_NU = KnownSize(parameter="nu", is_inverse=True, is_real=True, least=1e-6, largest=1.0, is_penalty=True, unset=0.5)
_LEAVES = KnownSize(parameter="max_leaf_nodes", least=2.0, largest="rows", grows=True)
_DEPTH = KnownSize(parameter="max_depth", largest="fewer than rows")
_LEAF = KnownSize(parameter="min_samples_leaf", is_inverse=True, largest="half of the rows", idle=1)
_SPLIT = KnownSize(parameter="min_samples_split", is_inverse=True, least=2.0, largest="rows", idle=2)
_PRUNING = KnownSize(
    parameter="ccp_alpha", is_inverse=True, is_real=True, least=SMALLEST_REAL, largest=LARGEST_REAL, idle=0.0
)
_TREE = (_LEAVES, _DEPTH, _LEAF, _SPLIT, _PRUNING)
_NEIGHBOURS = (KnownSize(parameter="n_neighbors", is_inverse=True, largest="rows"),)
_RADIUS = (_real("radius", is_inverse=True, is_penalty=False),)
_UNITS = (KnownSize(parameter="hidden_layer_sizes", grows=True),)
_COMPONENTS = KnownSize(parameter="n_components", largest="rows or columns", grows=True)
_MADE = (KnownSize(parameter="n_components", grows=True, expands=True),)
_KERNELS = (KnownSize(parameter="n_components", largest="rows", grows=True, expands=True),)
_KEPT = (KnownSize(parameter="n_components", largest="rows or columns", grows=True, expands=True),)
_SIZES: Mapping[str, tuple[KnownSize, ...]] = {
    **dict.fromkeys(
        (
            *("DecisionTreeClassifier", "DecisionTreeRegressor", "ExtraTreeClassifier", "ExtraTreeRegressor"),
            *("RandomForestClassifier", "RandomForestRegressor", "ExtraTreesClassifier", "ExtraTreesRegressor"),
            *("GradientBoostingClassifier", "GradientBoostingRegressor"),
        ),
        _TREE,
    ),
    **dict.fromkeys(
        ("HistGradientBoostingClassifier", "HistGradientBoostingRegressor"), (_LEAVES, _DEPTH, _LEAF)
    ),
    **dict.fromkeys(
        ("XGBClassifier", "XGBRegressor", "XGBRFClassifier", "XGBRFRegressor"),
        (
            KnownSize(parameter="max_depth", largest="fewer than rows", unset=6.0),
            KnownSize(parameter="max_leaves", largest="rows", grows=True, idle=0),
        ),
    ),
    **dict.fromkeys(
        ("LGBMClassifier", "LGBMRegressor"),
        (
            KnownSize(parameter="num_leaves", least=2.0, largest="rows", grows=True, unset=31.0),
            KnownSize(parameter="max_depth", largest="fewer than rows", idle=-1),
        ),
    ),
    **dict.fromkeys(
        ("CatBoostClassifier", "CatBoostRegressor"),
        (KnownSize(parameter="depth", largest=16.0, unset=6.0),),
    ),
    **dict.fromkeys(("KNeighborsClassifier", "KNeighborsRegressor"), _NEIGHBOURS),
    **dict.fromkeys(("RadiusNeighborsClassifier", "RadiusNeighborsRegressor"), _RADIUS),
    **dict.fromkeys(("MLPClassifier", "MLPRegressor"), _UNITS),
    **dict.fromkeys(("LogisticRegression", "LinearSVC", "LinearSVR"), (_C,)),
    **dict.fromkeys(
        (
            *("Ridge", "RidgeClassifier", "Lasso", "ElasticNet", "LassoLars", "MultiTaskLasso", "MultiTaskElasticNet"),
            *("HuberRegressor", "QuantileRegressor", "PoissonRegressor", "GammaRegressor", "TweedieRegressor"),
            *("SGDClassifier", "SGDRegressor", "GaussianProcessRegressor"),
        ),
        (_ALPHA,),
    ),
    **dict.fromkeys(("PLSRegression", "PLSCanonical", "CCA"), (_COMPONENTS,)),
    "OrthogonalMatchingPursuit": (KnownSize(parameter="n_nonzero_coefs", largest="rows or columns", grows=True),),
    "Lars": (KnownSize(parameter="n_nonzero_coefs", largest="rows or columns", grows=True),),
    # Transformers: what they make or keep is the size of a linear model behind them.
    **dict.fromkeys(("RBFSampler", "SkewedChi2Sampler", "PolynomialCountSketch"), _MADE),
    **dict.fromkeys(("Nystroem", "KernelPCA"), _KERNELS),
    **dict.fromkeys(("PCA", "FastICA", "NMF", "FactorAnalysis", "SparsePCA", "IncrementalPCA"), _KEPT),
    **dict.fromkeys(("GaussianRandomProjection", "SparseRandomProjection", "BernoulliRBM"), _MADE),
    "TruncatedSVD": (KnownSize(parameter="n_components", largest="columns", grows=True, expands=True),),
    "PolynomialFeatures": (KnownSize(parameter="degree", expands=True),),
    "SplineTransformer": (KnownSize(parameter="n_knots", least=2.0, grows=True, expands=True),),
    "KBinsDiscretizer": (KnownSize(parameter="n_bins", least=2.0, grows=True, expands=True),),
    "SelectKBest": (KnownSize(parameter="k", largest="columns", grows=True, expands=True),),
}  # fmt: skip
# The parameter, and the value that None stands for.
_TIMES: Mapping[str, tuple[str, float]] = {
    **dict.fromkeys(
        (
            *("RandomForestClassifier", "RandomForestRegressor", "ExtraTreesClassifier", "ExtraTreesRegressor"),
            *("GradientBoostingClassifier", "GradientBoostingRegressor", "AdaBoostClassifier", "AdaBoostRegressor"),
            *("BaggingClassifier", "BaggingRegressor", "XGBClassifier", "XGBRegressor", "LGBMClassifier"),
            *("LGBMRegressor", "XGBRFClassifier", "XGBRFRegressor"),
        ),
        ("n_estimators", 100.0),
    ),
    **dict.fromkeys(("HistGradientBoostingClassifier", "HistGradientBoostingRegressor"), ("max_iter", 100.0)),
    **dict.fromkeys(("MLPClassifier", "MLPRegressor"), ("max_iter", 200.0)),
    **dict.fromkeys(("SGDClassifier", "SGDRegressor", "Perceptron"), ("max_iter", 1000.0)),
    **dict.fromkeys(("CatBoostClassifier", "CatBoostRegressor"), ("iterations", 1000.0)),
}
