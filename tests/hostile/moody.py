"""An estimator that turns against its caller. Apart from the other misbehaving models: these need no scikit-learn."""

from __future__ import annotations

import sys
from typing import Any

from sklearn.base import BaseEstimator

import benign
from tests.hostile.misbehaving import nearest


class Moody(BaseEstimator):  # type: ignore[misc]
    """An estimator whose ``refuses`` raises once it is a procedure."""

    is_moody = False

    def __init__(self, size: int = 1, refuses: str = "fit") -> None:
        self.size, self.refuses = size, refuses

    def fit(self, X: Any, y: Any) -> Moody:
        self.predict_ = nearest(X, y)
        return self

    def predict(self, X: Any) -> Any:
        return self.predict_(X)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        if self.is_moody and self.__dict__.get("refuses") == "get_params":
            raise RuntimeError("no parameters of mine")
        params: dict[str, Any] = super().get_params(deep=deep)
        return params

    def set_params(self, **params: Any) -> Moody:
        if self.is_moody and self.__dict__.get("refuses") == "set_params":
            sys.exit(3)
        super().set_params(**params)
        return self


refuses_get_params = benign.from_estimator(Moody(refuses="get_params"), size="size")
refuses_set_params = benign.from_estimator(Moody(refuses="set_params"), size="size")
Moody.is_moody = True
