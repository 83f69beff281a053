"""Where the path solvers take their columns from: two given matrices, or a feature map and raw inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from benign.foundation.errors import invalid
from benign.linear.features import FeatureMap


@runtime_checkable
class Columns(Protocol):
    """Train and test columns in a fixed order."""

    @property
    def samples(self) -> int:
        """Number of training rows n."""
        ...

    @property
    def test_samples(self) -> int:
        """Number of test rows."""
        ...

    def panel(self, start: int, stop: int) -> tuple[Float[np.ndarray, "n b"], Float[np.ndarray, "n_test b"]]:
        """Columns ``start`` .. ``stop`` - 1, train and test."""
        ...

    def train_panel(self, start: int, stop: int) -> Float[np.ndarray, "n b"]:
        """The same of the training rows alone."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class GivenColumns:
    """Columns of two given matrices."""

    train: Float[np.ndarray, "n columns"]
    test: Float[np.ndarray, "n_test columns"]

    @property
    def samples(self) -> int:
        return len(self.train)

    @property
    def test_samples(self) -> int:
        return len(self.test)

    def panel(self, start: int, stop: int) -> tuple[Float[np.ndarray, "n b"], Float[np.ndarray, "n_test b"]]:
        return self.train[:, start:stop], self.test[:, start:stop]

    def train_panel(self, start: int, stop: int) -> Float[np.ndarray, "n b"]:
        return self.train[:, start:stop]


@dataclass(frozen=True, kw_only=True, eq=False)
class MappedColumns:
    """Columns that a feature map makes from raw inputs, panel by panel, and that are forgotten after use.

    With ``is_complex`` the map gives pairs of real columns for complex ones, and two rows a sample: real and imaginary
    parts for the training samples, of which the test samples keep the real ones.
    """

    features: FeatureMap
    train_inputs: Float[np.ndarray, "n d"]
    test_inputs: Float[np.ndarray, "n_test d"]
    is_complex: bool = False

    @property
    def samples(self) -> int:
        return (1 + self.is_complex) * len(self.train_inputs)

    @property
    def test_samples(self) -> int:
        return len(self.test_inputs)

    def panel(self, start: int, stop: int) -> tuple[Float[np.ndarray, "rows b"], Float[np.ndarray, "n_test b"]]:
        test = self._columns(self.test_inputs, start, stop)[: len(self.test_inputs)]
        return self.train_panel(start, stop), test

    def train_panel(self, start: int, stop: int) -> Float[np.ndarray, "rows b"]:
        return self._columns(self.train_inputs, start, stop)

    def _columns(self, inputs: Float[np.ndarray, "m d"], start: int, stop: int) -> Float[np.ndarray, "rows2 b"]:
        columns = self.features.columns(inputs, start, stop)
        if not np.isfinite(columns).all():
            raise invalid(
                "features", f"gave NaN or infinity in columns {start + 1} to {stop}; check the scale of the inputs."
            )
        return columns
