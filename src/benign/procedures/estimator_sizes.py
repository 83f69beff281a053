"""An estimator's size: which parameters can be one, how a value is put into it, and sizes that count input columns."""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from benign.foundation.errors import invalid
from benign.foundation.randomness import generator
from benign.foundation.split import Split
from benign.procedures.nested_estimators import chain_of, transforms_of

# What says how to compute, to talk about it or to copy; and the seed, which every training gets anew.
_WITHOUT_INFLUENCE = frozenset(
    {
        *("n_jobs", "verbose", "verbosity", "random_state", "warm_start", "thread_count", "cache_size", "leaf_size"),
        *("copy", "copy_X", "copy_x", "copy_X_train", "memory", "oob_score", "store_cov", "store_covariance"),
        *("store_cv_values", "store_cv_results", "compute_score", "pre_dispatch", "error_score", "validate"),
        *(
            "return_train_score",
            "return_n_iter",
            "transform_input",
            "verbose_feature_names_out",
            "silent",
            "logging_level",
        ),
    }
)
# Real numbers, whatever they are now: SVC's gamma is "scale", and some write alpha=1.
_REAL = frozenset(
    {
        *(
            "alpha",
            "C",
            "gamma",
            "reg_alpha",
            "reg_lambda",
            "reg_param",
            "l1_ratio",
            "learning_rate",
            "subsample",
            "nu",
        ),
        *("epsilon", "radius", "length_scale", "ccp_alpha", "l2_regularization", "l2_leaf_reg", "var_smoothing", "tol"),
        *("coef0", "min_impurity_decrease", "min_weight_fraction_leaf", "min_child_weight", "eta0", "power_t"),
        *("alpha_1", "alpha_2", "lambda_1", "lambda_2", "shrinkage", "beta_1", "beta_2", "momentum", "bandwidth"),
    }
)
# Counts that may stand as a text, a share or a list at present.
_COUNTS = frozenset({"max_features", "max_samples", "n_components", "hidden_layer_sizes", "min_samples_leaf"})


class SizeKind(enum.Enum):
    """What the size of an estimator is."""

    PARAMETER = "a parameter"
    COLUMNS = "columns of the inputs"
    NONE = "nothing"


def is_real(estimator: Any, name: str) -> bool:
    """Whether a parameter takes any positive number: it is known to, or holds a number with a fraction now."""
    own = name.rpartition("__")[2]
    present = estimator.get_params(deep=True).get(name)
    return own in _REAL or (isinstance(present, float) and own not in _COUNTS and not own.startswith("min_samples"))


def check_size(estimator: Any, name: str, kind: SizeKind, *, argument: str = "size") -> None:
    """Refuse a parameter that changes nothing or is no number, and columns of what picks them by name.

    Raises:
        InvalidArgument: saying why, and what can be a size.
    """
    who = type(estimator).__name__
    if kind is SizeKind.COLUMNS:
        parts = [*transforms_of(estimator), *chain_of(estimator)]
        picks = next((part for part in parts if part.kind == "ColumnTransformer"), None)
        if picks is not None:
            raise invalid(
                argument, f'cannot be "features" for a {who} whose ColumnTransformer picks columns; name a parameter.'
            )
        return
    own = name.rpartition("__")[2]
    present = estimator.get_params(deep=True).get(name)
    if own in _WITHOUT_INFLUENCE:
        raise invalid(
            argument, f"must decide what {who} can fit, and {name} changes nothing of it; name another parameter."
        )
    is_number = present is None or own in _REAL | _COUNTS or not isinstance(present, (bool, np.bool_, str))
    if not is_number or hasattr(present, "get_params"):
        raise invalid(
            argument,
            f"must be a parameter that is a number, and {name} of {who} is {type(present).__name__}; name another.",
        )


def tuple_shape(estimator: Any, name: str) -> tuple[float, ...]:
    """What each entry of a parameter that is a tuple is to its first; nothing where there are fewer than two."""
    present = estimator.get_params(deep=True).get(name)
    if not (isinstance(present, (tuple, list)) and len(present) > 1 and all(_is_positive(entry) for entry in present)):
        return ()
    return tuple(float(entry / present[0]) for entry in present)


def sized(model: Any, name: str, size: float, *, is_a_real: bool) -> Any:
    """The model, its parameter set to the size.

    Args:
        model: a clone of our own, which is changed.
        name: of the parameter.
        size: NaN leaves it as it is; infinity is no limit, which counts say by None.
        is_a_real: whether it is a real number.
    """
    if math.isnan(size):
        return model
    return model.set_params(**{name: _value(model, name, size, is_a_real)})


def _value(model: Any, name: str, size: float, is_a_real: bool) -> Any:
    if math.isinf(size) and not is_a_real:
        return None
    shape = tuple_shape(model, name)
    if shape:
        return tuple(max(1, round(size * share)) for share in shape)
    return float(size) if is_a_real or size != math.floor(size) else int(size)


def first_columns(inputs: Sequence[Any], size: float, split: Split) -> list[Any]:
    """The first columns of each of the inputs in the random order of the split's replicate; NaN takes all as they are.

    The order follows from draw and initialisation, and those of a smaller size are the first of a larger one.

    Raises:
        InvalidArgument: for more columns than there are.
    """
    if math.isnan(size):
        return list(inputs)
    replicate, there = split.replicate, split.train_inputs.shape[1]
    if size > there:
        raise invalid("sizes", f"asks for {size:g} features, but there are only {there}; lower it.")
    order = generator(replicate.seed, "order of columns", replicate.draw, replicate.initialisation).permutation(there)
    chosen = order[: int(size)]
    return [asked.iloc[:, chosen] if hasattr(asked, "iloc") else asked[:, chosen] for asked in inputs]


def _is_positive(entry: object) -> bool:
    return isinstance(entry, (int, float, np.integer, np.floating)) and bool(entry > 0)
