"""The ridge or weight decay of the common estimators, and which values of it are worth trying."""

from __future__ import annotations

import math
from collections.abc import Mapping

from benign.procedures.nested_estimators import Part


def penalty_of(part: Part) -> tuple[str, tuple[float, ...]]:
    """The name of the part's ridge or weight decay, and values to try, mostly stronger than now; "" without one."""
    name, unset, is_inverse = _PENALTIES.get(part.kind, ("", 0.0, False))
    if not name:
        return "", ()
    if name in _SHARES:
        return name, _SHARES[name]
    present = part.settings.get(name)
    value = float(present) if isinstance(present, (int, float)) and math.isfinite(present) else unset
    if is_inverse:
        return name, tuple((value or 1.0) * factor for factor in (10.0, 0.1, 0.01, 0.001))
    return name, tuple(value * f for f in (0.1, 10.0, 100.0, 1000.0)) if value >= 1e-3 else (1e-4, 1e-2, 1.0, 100.0)


_SHARES: Mapping[str, tuple[float, ...]] = {
    "shrinkage": (0.05, 0.2, 0.5, 0.9),
    "reg_param": (0.01, 0.1, 0.3, 0.7),
    "var_smoothing": (1e-6, 1e-3, 1e-2, 1e-1),
}
# The parameter, what None stands for, and whether it is the inverse of the penalty.
_PENALTIES: Mapping[str, tuple[str, float, bool]] = {
    **dict.fromkeys(
        (
            *("Ridge", "RidgeClassifier", "KernelRidge", "GaussianProcessRegressor", "MLPClassifier", "MLPRegressor"),
            *("SGDClassifier", "SGDRegressor", "HuberRegressor", "PoissonRegressor", "GammaRegressor"),
            *("TweedieRegressor", "ElasticNet", "Lasso"),
        ),
        ("alpha", 0.0, False),
    ),
    **dict.fromkeys(("LogisticRegression", "SVC", "SVR", "LinearSVC", "LinearSVR"), ("C", 1.0, True)),
    **dict.fromkeys(("XGBClassifier", "XGBRegressor"), ("reg_lambda", 1.0, False)),
    **dict.fromkeys(("LGBMClassifier", "LGBMRegressor"), ("reg_lambda", 0.0, False)),
    **dict.fromkeys(("CatBoostClassifier", "CatBoostRegressor"), ("l2_leaf_reg", 3.0, False)),
    **dict.fromkeys(
        ("HistGradientBoostingClassifier", "HistGradientBoostingRegressor"), ("l2_regularization", 0.0, False)
    ),
    "LinearDiscriminantAnalysis": ("shrinkage", 0.0, False),
    "QuadraticDiscriminantAnalysis": ("reg_param", 0.0, False),
    "GaussianNB": ("var_smoothing", 0.0, False),
}
