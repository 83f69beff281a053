"""Any function that trains as a training procedure."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from benign.foundation.arguments import checked_flag, checked_text
from benign.foundation.errors import invalid
from benign.foundation.numbers import checked_count
from benign.foundation.signatures import check_takes
from benign.foundation.split import Split
from benign.procedures import adaptation
from benign.procedures.foreign_settings import code_of
from benign.procedures.objectives import check_objective
from benign.procedures.protocol import check_max_size, check_names, one_replicate_each

Predict = Callable[..., ArrayLike]
"""``predict(X)``."""
Fit = Callable[..., Predict]
"""``fit(X, y, size, time, seed) -> predict``."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FunctionProcedure:
    """A function as a procedure; :func:`from_callable` makes it.

    Attributes:
        fit: the function.
        name: what titles and messages call it.
        revision: raised by the user when the numbers change.
        code: what in the key stands for the function's code: a revision alone, a digest, or a token of this object.
        is_inverse: whether the size is the inverse of one: the larger, the less can be fitted.
        objective: what its losses are.
        has_real_sizes: whether a size may be any positive number.
    """

    takes_columns: ClassVar[bool] = True
    runs_users_code: ClassVar[bool] = True
    trains_along_time: ClassVar[bool] = False
    parameters = adaptation.parameters
    batches = one_replicate_each
    measure = adaptation.measure
    predict = adaptation.predict

    fit: Fit
    name: str
    revision: int
    code: str
    size_name: str
    time_name: str | None
    max_size: float
    is_inverse: bool = False
    objective: str = "squared"
    has_real_sizes: bool = False

    def spec(self) -> dict[str, object]:
        other = {} if self.objective == "squared" else {"objective": self.objective}
        return {"procedure": self.name, "kind": "function", "code": self.code, **other}

    def check(self, samples: Sequence[int], times: Float[np.ndarray, " time"] | None) -> None:
        """Whether there are times at all."""
        del samples
        if times is not None and self.time_name is None:
            raise invalid("times", 'must be None: the function has no time; name it, for example time_name="steps".')

    def train(
        self, split: Split, size: float, times: adaptation.Moments, train_inputs: Any, inputs: Sequence[Any]
    ) -> Generator[list[ArrayLike], None, None]:
        seed = adaptation.addressed_seed(split.replicate, "seed of a function")
        for time in [None] if times is None else times:
            moment = int(time) if time is not None and time == math.floor(time) else time
            targets = adaptation.training_targets(split)
            predict = self.fit(train_inputs.copy(), targets, float(size) if self.has_real_sizes else size, moment, seed)
            if not callable(predict):
                raise invalid(
                    "fit", f"of {self.name!r} must return a function, predict(X), got {type(predict).__name__}."
                )
            yield [predict(asked.copy()) for asked in inputs]


def from_callable(
    fit: Fit,
    *,
    name: str,
    revision: int | None = None,
    size_name: str = "size",
    time_name: str | None = None,
    max_size: float = math.inf,
    inverse: bool = False,
    objective: str = "squared",
    real_sizes: bool = False,
) -> FunctionProcedure:
    """Make any function that trains a procedure that can be measured.

    ``fit(X, y, size, time, seed)`` returns ``predict``. On a source with K classes, y holds the classes' indices, and
    ``predict(X)`` gives either m x K scores (probabilities, votes), whose loss is taken against one-hot rows and
    whose largest is the class, or m integers below K, the indices of the classes, taken as one-hot rows. On a
    source of real values, y is a vector (a matrix where there are several outputs) and so is what ``predict`` gives.
    The arrays are copies; where the source holds text or missing values, X is a pandas data frame. ``size`` is an int
    (a float where sizes are real), ``time`` a number, as an int where it is whole, or None for the end of training;
    ``seed``, from 0 to 2^31 - 2, follows from the replicate's initialisation, and all randomness must come from it (or
    from NumPy's, Python's or PyTorch's global state, which is one of the function's own, seeded alike).

    Args:
        fit: the function.
        name: what titles call it; with the code or the revision it decides which blocks in a store are the same.
        revision: to be raised whenever an edit changes the numbers. Without it the function's source text stands for
            it, with that of your own functions and classes that it names, and plain constants; not arrays and other
            objects. Where there is no text, no block is ever reused.
        size_name: what a size counts, for axes.
        time_name: what a time counts; None where training has no duration.
        max_size: the largest size, ``math.inf`` where there is no end.
        inverse: whether the size is the inverse of one, say a number of neighbours; see :func:`from_estimator`.
        objective: what a loss is, one of those that :func:`from_estimator` lists: what ``predict`` gives is in
            its unit.
        real_sizes: whether a size is any positive number, not a count.

    Raises:
        InvalidArgument: for a function that cannot be called so, or names and numbers that cannot be used.

    >>> import numpy as np
    >>> def constant(X, y, size, time, seed):
    ...     return lambda X: np.full(len(X), y.mean())
    >>> from_callable(constant, name="constant", revision=1).spec()
    {'procedure': 'constant', 'kind': 'function', 'code': 'as by its revision'}
    """
    check_takes("fit", fit, "X", "y", "size", "time", "seed")
    check_names(name=name, size_name=size_name, **({} if time_name is None else {"time_name": time_name}))
    check_max_size(max_size)
    return FunctionProcedure(
        fit=fit,
        name=name,
        revision=1 if revision is None else checked_count("revision", revision),
        code=code_of(fit, revision),
        size_name=size_name,
        time_name=time_name,
        max_size=max_size,
        is_inverse=checked_flag("inverse", inverse),
        objective=check_objective("objective", checked_text("objective", objective)),
        has_real_sizes=checked_flag("real_sizes", real_sizes),
    )
