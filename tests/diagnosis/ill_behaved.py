"""Estimators that misbehave, as users have them. Workers import this module, so nothing heavy stands here."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.neighbors import KNeighborsClassifier


class Neighbours(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Nearest neighbours, but for what a subclass does to them."""

    def __init__(self, n_neighbors: int = 3, random_state: int | None = None) -> None:
        self.n_neighbors = n_neighbors
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        self.misbehave(X, y)
        self.model_ = KNeighborsClassifier(min(self.n_neighbors, len(y))).fit(X, y)
        self.classes_ = self.model_.classes_
        return self

    def misbehave(self, X: Any, y: Any) -> None:
        """What is wrong with it."""

    def predict(self, X: Any) -> Any:
        return self.model_.predict(X)

    def predict_proba(self, X: Any) -> Any:
        return self.model_.predict_proba(X)


class IgnoresItsSeed(Neighbours):
    def predict_proba(self, X: Any) -> Any:
        values = np.random.default_rng().random((len(X), len(self.classes_)))
        return values / values.sum(axis=1, keepdims=True)


class RaisesBeyondFour(Neighbours):
    def misbehave(self, X: Any, y: Any) -> None:
        if self.n_neighbors > 4:
            raise RuntimeError("no more than four of them")


class RaisesAlways(Neighbours):
    def misbehave(self, X: Any, y: Any) -> None:
        raise RuntimeError("the card is gone")


class PredictsOtherClasses(Neighbours):
    def predict_proba(self, X: Any) -> Any:
        return np.full((len(X), 7), 1 / 7)


class MutatesItsInput(Neighbours):
    def misbehave(self, X: Any, y: Any) -> None:
        self.kept = X.copy(), y.copy()

    def fit(self, X: Any, y: Any) -> Self:
        super().fit(X.copy(), y.copy())
        X[:], y[:] = 0.0, 0
        return self


class CannotBeCloned(Neighbours):
    def __init__(self, n_neighbors: int = 3) -> None:
        self.n_neighbors = n_neighbors + 1
        self.random_state = None


class CannotBePickled(Neighbours):
    def __init__(self, n_neighbors: int = 3, random_state: int | None = None) -> None:
        super().__init__(n_neighbors, random_state)
        self.lock = threading.Lock()


class RunsOutOfMemory(Neighbours):
    def misbehave(self, X: Any, y: Any) -> None:
        raise MemoryError


class AsksForAPetabyte(Neighbours):
    def misbehave(self, X: Any, y: Any) -> None:
        np.empty(2**50, dtype=np.uint8).fill(1)


class EndsItsProcess(Neighbours):
    def misbehave(self, X: Any, y: Any) -> None:
        os._exit(3)


class NeverEnds(Neighbours):
    def misbehave(self, X: Any, y: Any) -> None:
        while True:
            time.sleep(0.1)


class SeedsGlobalStates(Neighbours):
    def misbehave(self, X: Any, y: Any) -> None:
        np.random.seed(1)  # noqa: NPY002


class PressesControlC(Neighbours):
    """After so many trainings."""

    trainings = 0

    def misbehave(self, X: Any, y: Any) -> None:
        PressesControlC.trainings += 1
        if PressesControlC.trainings > 8:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(10.0)
