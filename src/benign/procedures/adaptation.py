"""What the adapters of foreign training code share: guard it, check what it predicts, and turn that into a block.

``from_estimator`` and ``from_callable`` make procedures that say how to train (:class:`ForeignProcedure`); the
functions below are the rest of their methods.

Foreign code gets copies of the data, a seed, and global random states (NumPy's and Python's) of its own: so code that
draws from those is repeatable too, and the user's are left as they were.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int, Real
from numpy.typing import ArrayLike

from benign.foundation.errors import BenignError, InvalidArgument
from benign.foundation.outcomes import Outcome
from benign.foundation.randomness import generator
from benign.foundation.replicate import Replicate
from benign.foundation.split import Column, Split, class_indices
from benign.foundation.wording import shown, told
from benign.procedures.objectives import are_probabilities
from benign.procedures.prediction_risks import PREDICTION_RISKS, prediction_risks
from benign.procedures.protocol import (
    Predictions,
    Procedure,
    SupportsCheck,
    check_inputs,
    has_real_sizes,
    recorded_times,
    refuse_metrics,
)
from benign.schema import Block

Moments = Sequence[float] | None
# A sum in another order, as in a forest of several threads, is the same number still.
_SAME = 1e-6
_checked_for_repeatability: set[str] = set()


@runtime_checkable
class ForeignProcedure(Procedure, SupportsCheck, Protocol):
    """A procedure whose training code is not ours: whatever decides its numbers is in its spec and revision."""

    @property
    def name(self) -> str:
        """What messages call the code."""
        ...

    def train(
        self, split: Split, size: float, times: Moments, train_inputs: Any, inputs: Sequence[Any]
    ) -> Iterator[Sequence[ArrayLike]]:
        """Train at one size; yield, for each time in turn (once, where they are None), predictions on each input.

        The inputs, those to train on and those to predict on, are arrays, or data frames where the split names columns.
        They are not copies.
        """
        ...


def parameters(procedure: object, size: float, split: Split) -> int:
    """The size itself, 0 where it is no count: how many numbers foreign code fits is not known."""
    del split
    return 0 if has_real_sizes(procedure) or not math.isfinite(size) else int(size)


def measure(
    code: ForeignProcedure,
    splits: Sequence[Split],
    sizes: Real[np.ndarray, " size"],
    times: Float[np.ndarray, " time"] | None,
    metrics: frozenset[str],
) -> Block:
    """Train on every split at every size, and compute the risks of what is predicted; norms are NaN.

    Raises:
        InvalidArgument: for times that there are not, a metric that predictions do not give, and for code that raises,
            predicts no finite numbers of the right shape, or whose two trainings with the same seed differ.
    """
    code.check((), times)
    foreign = metrics - PREDICTION_RISKS - {"norm", "scaled_norm"}
    refuse_metrics(foreign, f"needs more than the predictions of {code.name}; leave it out")
    shape = (len(splits), len(sizes), len(recorded_times(times)))
    values = {name: np.full(shape, np.nan) for name in metrics}
    for row, split in enumerate(splits):
        for column, size in enumerate(sizes.tolist()):
            inputs = (split.train_inputs, split.test_inputs)
            for layer, (train, test) in enumerate(predictions_of(code, split, size, times, inputs)):
                if row == column == layer == 0:  # the smallest size, the shortest time
                    _check_repeatable(code, split, size, times, test)
                for name, value in prediction_risks(split, train, test, metrics, code.objective).items():
                    values[name][row, column, layer] = value
    return Block(
        replicates=tuple(split.replicate for split in splits),
        sizes=sizes,
        times=recorded_times(times),
        parameters=np.array([parameters(code, size, splits[0]) for size in sizes.tolist()], dtype=np.int64),
        outcome=np.full(shape, int(Outcome.CONVERGED), dtype=np.int8),
        metrics=values,
    )


def predict(
    code: ForeignProcedure,
    split: Split,
    inputs: Float[np.ndarray, "m d"],
    sizes: Real[np.ndarray, " size"],
    times: Float[np.ndarray, " time"] | None = None,
) -> Iterator[Predictions]:
    """Train on the split and predict on other inputs, one size and then one time after another.

    Raises:
        InvalidArgument: as :func:`measure`, and if the inputs have other columns than those trained on.
    """
    code.check((), times)
    check_inputs(inputs, split)
    for size in sizes.tolist():
        answers = predictions_of(code, split, size, times, (inputs,))
        for time, (values,) in zip(recorded_times(times).tolist(), answers, strict=True):
            yield Predictions(size=size, time=time, values=values)


def predictions_of(
    code: ForeignProcedure,
    split: Split,
    size: float,
    times: Float[np.ndarray, " time"] | None,
    inputs: Sequence[Float[np.ndarray, "_ d"]],
) -> Iterator[list[Float[np.ndarray, "_ outputs"]]]:
    """What the code predicts on each of the inputs at each time, guarded and checked.

    Raises:
        InvalidArgument: for code that raises, or predicts no finite numbers of the right shape.
    """
    states = OwnRandomStates(addressed_seed(split.replicate, "global random states of foreign code"))
    train_inputs, *frames = (handed_on(values, split) for values in (split.train_inputs, *inputs))
    moments = None if times is None else times.tolist()
    answers = code.train(split, size, moments, train_inputs, frames)
    for time in moments or [None]:
        where = "as it stands" if math.isnan(size) else f"at size {size:g}"
        where += "" if time is None else f" and time {time:g}"
        where += f" on {split.samples} samples"
        advice = "correct it, or leave this value out"
        if split.columns is not None:
            advice = "it gets text and missing values as they are: encode and fill them in a pipeline"
        with guarded(f"{code.name} cannot be trained {where}", advice), states:
            raw = next(answers)
        yield [
            checked_predictions(values, split, len(asked), f"{code.name} {where}", code.objective)
            for values, asked in zip(raw, inputs, strict=True)
        ]


@contextmanager
def guarded(problem: str, advice: str) -> Iterator[None]:
    """Whatever foreign code raises in the block is one sentence: a call of ``sys.exit``, too.

    Raises:
        InvalidArgument: saying the problem, what was raised and the advice. What we say ourselves, a full memory and
            Ctrl-C stay as they are.
    """
    try:
        yield
    except (BenignError, MemoryError, KeyboardInterrupt):
        raise
    except BaseException as error:
        why = f"it called sys.exit({shown(error.code)})" if isinstance(error, SystemExit) else told(error)
        raise InvalidArgument(f"{problem} ({why}); {advice}.") from error


def checked_predictions(
    raw: ArrayLike, split: Split, rows: int, who: str, objective: str = "squared"
) -> Float[np.ndarray, "{rows} outputs"]:
    """Predictions as a matrix of one row a sample; whole numbers are class indices where there are classes.

    Args:
        raw: what was predicted.
        split: what the model was trained on.
        rows: on how many samples.
        who: predicts, the subject of a refusal.
        objective: what the predictions are in the unit of; only a pairwise hinge has more of them than classes.

    Raises:
        InvalidArgument: if they have another shape, are no numbers, or not finite.
    """
    try:
        values = np.ma.filled(np.ma.asarray(raw, np.float64), np.nan) if np.ma.is_masked(raw) else np.asarray(raw)
    except Exception:  # rows of different lengths, or code of the answer's own
        values = np.array(None)
    outputs = split.train_targets.shape[1]
    if values.dtype.kind not in "biuf":
        raise InvalidArgument(f"{who} predicts no array of real numbers but {type(raw).__name__}; return numbers.")
    if split.classes is not None and values.shape == (rows,) and values.dtype.kind in "biu":
        if values.min() < 0 or values.max() >= outputs:
            raise InvalidArgument(
                f"{who} predicts classes from {values.min()} to {values.max()}; they must be from 0 to {outputs - 1}."
            )
        return np.eye(outputs)[values.astype(np.int64)]
    if split.classes is None and outputs == 1 and values.shape == (rows,):
        values = values[:, None]
    is_of_pairs = objective == "pairwise hinge" and values.shape == (rows, outputs**2)
    if values.shape != (rows, outputs) and not is_of_pairs:
        wanted = f"({rows}, {outputs})" if outputs > 1 or split.classes else f"({rows},)"
        classes = ", one score a class, or whole numbers, the classes' indices" if split.classes is not None else ""
        raise InvalidArgument(f"{who} predicts an array of shape {values.shape}; it must be {wanted}{classes}.")
    if not np.isfinite(values).all():
        raise InvalidArgument(
            f"{who} predicts NaN or infinity; leave this value out, or make the training stable, for example by a "
            "lower learning rate."
        )
    if objective == "cross-entropy" and not are_probabilities(values.astype(np.float64)):
        raise InvalidArgument(
            f"{who} predicts rows that are no probabilities; a log loss needs numbers from 0 to 1 that sum to 1."
        )
    return values.astype(np.float64)


def addressed_seed(replicate: Replicate, purpose: str) -> int:
    """A seed below 2^31 - 1 that the replicate's initialisation decides."""
    return int(generator(replicate.seed, purpose, replicate.initialisation).integers(2**31 - 1))


def training_targets(
    split: Split, *, as_matrix: bool = False
) -> Int[np.ndarray, " n"] | Float[np.ndarray, " n"] | Float[np.ndarray, "n outputs"]:
    """A copy of the targets as foreign code expects them: class indices, or values (a vector where there is one)."""
    if split.classes is not None and not as_matrix:
        return class_indices(split.train_targets)
    targets = split.train_targets.copy()
    return targets[:, 0] if targets.shape[1] == 1 else targets


def handed_on(inputs: Float[np.ndarray, "m d"], split: Split) -> Any:
    """Inputs as foreign code expects them: themselves, or a data frame where the split names columns.

    Numbers are float64, texts are strings, or categories where they came as such; what is missing is NaN.
    """
    if split.columns is None:
        return inputs
    import pandas as pd

    return pd.DataFrame(
        {column.name: _values_of(column, values) for column, values in zip(split.columns, inputs.T, strict=True)}
    )


def _values_of(column: Column, values: Float[np.ndarray, " m"]) -> Any:
    import pandas as pd

    if column.texts is None:
        return values
    places = np.where(np.isnan(values), -1, values).astype(np.int64)
    if column.is_categorical:
        return pd.Categorical.from_codes(places, categories=pd.Index(column.texts))
    return np.array([*column.texts, np.nan], dtype=object)[places]  # -1 is the last: missing


class OwnRandomStates:
    """NumPy's and Python's global random states, exchanged for ones that follow from a seed while code runs."""

    def __init__(self, seed: int) -> None:
        self._numpy = np.random.RandomState(seed).get_state()
        self._python = random.Random(seed).getstate()  # noqa: S311 (no secret)

    def __enter__(self) -> None:
        self._swap()

    def __exit__(self, *_: object) -> None:
        self._swap()

    def _swap(self) -> None:
        numpy_state, python_state = np.random.get_state(), random.getstate()  # noqa: NPY002 (the global one is meant)
        np.random.set_state(self._numpy)  # noqa: NPY002
        random.setstate(self._python)
        self._numpy, self._python = numpy_state, python_state


def check_seed(code: ForeignProcedure, split: Split, size: float) -> None:
    """Train twice with one seed on the first quarter of the samples; once for each code and process.

    Raises:
        InvalidArgument: where the two differ; a training that fails says nothing.
    """
    if _name_of(code) in _checked_for_repeatability:
        return
    quarter = slice(-(-split.samples // 4))
    few = replace(
        split,
        train_inputs=split.train_inputs[quarter],
        train_targets=split.train_targets[quarter],
        train_targets_clean=split.train_targets_clean[quarter],
    )
    try:
        found, again = (next(predictions_of(code, few, size, None, (split.test_inputs,)))[0] for _ in range(2))
    except InvalidArgument:
        return
    _require_same(code, size, found, again)


def _check_repeatable(
    code: ForeignProcedure,
    split: Split,
    size: float,
    times: Float[np.ndarray, " time"] | None,
    found: Float[np.ndarray, "n_test outputs"],
) -> None:
    """Train once more at the first size and time; once for each code and process."""
    if _name_of(code) in _checked_for_repeatability:
        return
    first = None if times is None else times[:1]
    ((again,),) = predictions_of(code, split, size, first, (split.test_inputs,))
    _require_same(code, size, found, again)


def _require_same(
    code: ForeignProcedure, size: float, found: Float[np.ndarray, "m outputs"], again: Float[np.ndarray, "m outputs"]
) -> None:
    """Refuse code whose predictions after two trainings with one seed differ; keep in mind that they do not."""
    if not np.allclose(again, found, rtol=_SAME, atol=1e-3 * _SAME):
        at = "" if math.isnan(size) else f" at size {size}"
        raise InvalidArgument(
            f"{code.name} ignores its seed: two trainings with the same one differ{at}; let all of its "
            "randomness come from it, so that the numbers can be had again."
        )
    _checked_for_repeatability.add(_name_of(code))


def _name_of(code: ForeignProcedure) -> str:
    return json.dumps([code.spec(), code.revision], sort_keys=True)
