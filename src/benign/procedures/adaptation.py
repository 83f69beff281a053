"""What the adapters of foreign training code share: guard it, check what it predicts, and turn that into a block.

``from_estimator``, ``from_callable`` and ``from_training_loop`` make procedures that say how to train
(:class:`ForeignProcedure`); the functions below are the rest of their methods.

Foreign code gets copies of the data, a seed, and global random states (NumPy's, Python's and PyTorch's) of its own: so
code that draws from those is repeatable too, and the user's are left as they were.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int, Real
from numpy.typing import ArrayLike

from benign.foundation.errors import BenignError, InvalidArgument
from benign.foundation.global_randomness import OwnRandomStates
from benign.foundation.outcomes import Outcome
from benign.foundation.randomness import generator
from benign.foundation.replicate import Replicate
from benign.foundation.split import Column, Split, class_indices
from benign.foundation.wording import shown, told
from benign.procedures.objectives import are_probabilities, certain_log_odds
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
from benign.schema import END_OF_TRAINING, Block

Moments = Sequence[float] | None
# A sum in another order, as in a forest of several threads, is the same number still.
_SAME = 1e-6
_checked_for_repeatability: set[str] = set()


class Diverged(InvalidArgument):
    """Predictions that are not finite, or whose loss is not."""


@runtime_checkable
class ForeignProcedure(Procedure, SupportsCheck, Protocol):
    """A procedure whose training code is not ours: whatever decides its numbers is in its spec and revision.

    What only some of them have: ``outputs``, ``"logits"`` or ``"probabilities"`` where predictions are no plain values,
    and ``may_diverge``, True where a training whose predictions are not finite is told as one that diverged.
    """

    @property
    def name(self) -> str:
        """What messages call the code."""
        ...

    def train(
        self, split: Split, size: float, times: Moments, train_inputs: Any, inputs: Sequence[Any]
    ) -> Generator[Sequence[ArrayLike], None, None]:
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
    outcome = np.full(shape, int(Outcome.CONVERGED), dtype=np.int8)
    for row, split in enumerate(splits):
        for column, size in enumerate(sizes.tolist()):
            found = _risks_along(code, split, size, times, metrics, is_first=row == column == 0)
            outcome[row, column, len(found) :] = int(Outcome.DIVERGED)
            for layer, risks in enumerate(found):
                for name, value in risks.items():
                    values[name][row, column, layer] = value
    return Block(
        replicates=tuple(split.replicate for split in splits),
        sizes=sizes,
        times=recorded_times(times),
        parameters=np.array([parameters(code, size, splits[0]) for size in sizes.tolist()], dtype=np.int64),
        outcome=outcome,
        metrics=values,
    )


def _risks_along(
    code: ForeignProcedure,
    split: Split,
    size: float,
    times: Float[np.ndarray, " time"] | None,
    metrics: frozenset[str],
    *,
    is_first: bool,
) -> list[dict[str, float]]:
    """The risks at each time, up to where the training diverged; the first of all is trained twice."""
    found: list[dict[str, float]] = []
    try:
        with closing(predictions_of(code, split, size, times, (split.train_inputs, split.test_inputs))) as answers:
            for train, test in answers:
                if is_first and not found:  # the smallest size, the shortest time
                    _check_repeatable(code, split, size, times, test)
                found.append(_risks(code, split, train, test, metrics))
    except Diverged:
        if not getattr(code, "may_diverge", False):
            raise
        if is_first and not found:
            _check_repeatable(code, split, size, times, None)
        moment = recorded_times(times)[len(found)]
        when = "at its end" if moment == END_OF_TRAINING else f"at time {moment:g}"
        which = split.replicate
        warnings.warn(
            f"{code.name} diverged {when} at size {size:g} on {split.samples} samples (draw {which.draw}, "
            f"initialisation {which.initialisation}, noise {which.noise}): its numbers from there on are left out; "
            "lower its learning rate.",
            stacklevel=2,
        )
    return found


def _risks(
    code: ForeignProcedure,
    split: Split,
    train: Float[np.ndarray, "n outputs"],
    test: Float[np.ndarray, "n_test outputs"],
    metrics: frozenset[str],
) -> dict[str, float]:
    """The risks of predictions.

    Raises:
        Diverged: where they are finite and a loss is not, of a training that may diverge.
    """
    if not getattr(code, "may_diverge", False):
        return prediction_risks(split, train, test, metrics, code.objective)
    with np.errstate(over="ignore"):
        risks = prediction_risks(split, train, test, metrics, code.objective)
    if np.isinf(list(risks.values())).any():
        raise Diverged(f"{code.name} has an infinite loss; lower its learning rate.")
    return risks


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
) -> Generator[list[Float[np.ndarray, "_ outputs"]], None, None]:
    """What the code predicts on each of the inputs at each time, guarded and checked.

    Raises:
        InvalidArgument: for code that raises, or predicts no finite numbers of the right shape.
    """
    seed = addressed_seed(split.replicate, "global random states of foreign code")
    train_inputs, *frames = (handed_on(values, split) for values in (split.train_inputs, *inputs))
    moments = None if times is None else times.tolist()
    advice = "correct it, or leave this value out"
    if split.columns is not None:
        advice = "it gets text and missing values as they are: encode and fill them in a pipeline"
    place = "as it stands" if math.isnan(size) else f"at size {size:g}"
    states, answers = OwnRandomStates(seed), code.train(split, size, moments, train_inputs, frames)
    try:
        for layer, time in enumerate(moments or [None]):
            where = f"{place}{'' if time is None else f' and time {time:g}'} on {split.samples} samples"
            with guarded(f"{code.name} cannot be trained {where}", advice):
                with states:
                    raw = next(answers)
                if states.were_late:
                    states, answers = OwnRandomStates(seed), code.train(split, size, moments, train_inputs, frames)
                    with states:
                        raw = [next(answers) for _ in range(layer + 1)][-1]
            yield [
                checked_predictions(
                    values, split, len(asked), f"{code.name} {where}", code.objective, getattr(code, "outputs", "")
                )
                for values, asked in zip(raw, inputs, strict=True)
            ]
    finally:
        with guarded(f"{code.name} cannot be ended {place}", "let it end where its generator is closed"), states:
            answers.close()


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
    raw: ArrayLike, split: Split, rows: int, who: str, objective: str = "squared", outputs: str = ""
) -> Float[np.ndarray, "{rows} outputs"]:
    """Predictions as a matrix of one row a sample; whole numbers are class indices where there are classes.

    Args:
        raw: what was predicted.
        split: what the model was trained on.
        rows: on how many samples.
        who: predicts, the subject of a refusal.
        objective: what the predictions are in the unit of; only a pairwise hinge has more of them than classes.
        outputs: what they are said to be: ``"logits"`` or ``"probabilities"``, else nothing more. Logits of the log
            loss are returned less a number of each row: such as nobody takes for probabilities.

    Raises:
        InvalidArgument: if they have another shape, or are no numbers or no probabilities where they should be.
        Diverged: if they are not finite.
    """
    try:
        values = np.ma.filled(np.ma.asarray(raw, np.float64), np.nan) if np.ma.is_masked(raw) else np.asarray(raw)
    except Exception:  # rows of different lengths, or code of the answer's own
        values = np.array(None)
    if values.dtype.kind not in "biuf":
        raise InvalidArgument(f"{who} predicts no array of real numbers but {type(raw).__name__}; return numbers.")
    values = _one_column_each(values, split, rows, who, objective, outputs)
    if not np.isfinite(values).all():
        raise Diverged(
            f"{who} predicts NaN or infinity; leave this value out, or make the training stable, for example by a "
            "lower learning rate."
        )
    if outputs == "logits":
        return certain_log_odds(values) if objective == "cross-entropy" else values
    if (objective == "cross-entropy" or outputs == "probabilities") and not are_probabilities(values):
        unit = "a log loss" if objective == "cross-entropy" else 'outputs="probabilities"'
        advice = ', or outputs="logits"' if outputs == "values" else ""
        raise InvalidArgument(
            f"{who} predicts rows that are no probabilities; {unit} needs numbers from 0 to 1 that sum to 1{advice}."
        )
    return values


def _one_column_each(
    values: Real[np.ndarray, "..."], split: Split, rows: int, who: str, objective: str, outputs: str
) -> Float[np.ndarray, "{rows} outputs"]:
    """Predictions of the right shape: one-hot rows of class indices, one column of a vector."""
    columns = split.train_targets.shape[1]
    takes_indices = split.classes is not None and outputs != "logits"
    if takes_indices and values.shape == (rows,) and values.dtype.kind in "biu":
        if rows and (values.min() < 0 or values.max() >= columns):
            raise InvalidArgument(
                f"{who} predicts classes from {values.min()} to {values.max()}; they must be from 0 to {columns - 1}."
            )
        return np.eye(columns)[values.astype(np.int64)]
    if split.classes is None and columns == 1 and values.shape == (rows,):
        values = values[:, None]
    is_of_pairs = objective == "pairwise hinge" and values.shape == (rows, columns**2)
    if values.shape != (rows, columns) and not is_of_pairs:
        wanted = f"({rows}, {columns})" if columns > 1 or split.classes else f"({rows},)"
        classes = ", one score a class" if split.classes is not None else ""
        classes += ", or whole numbers, the classes' indices" if takes_indices else ""
        raise InvalidArgument(f"{who} predicts an array of shape {values.shape}; it must be {wanted}{classes}.")
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
    found: Float[np.ndarray, "n_test outputs"] | None,
) -> None:
    """Train once more at the first size and time; once for each code and process.

    Args:
        code: whose training is repeated.
        split: what it trains on.
        size: the first.
        times: of them the first.
        found: what the first training predicts on the test inputs; None where it diverged.
    """
    if _name_of(code) in _checked_for_repeatability:
        return
    first = None if times is None else times[:1]
    nothing = np.full((1, 1), np.nan)
    try:
        ((again,),) = predictions_of(code, split, size, first, (split.test_inputs,))
    except Diverged:
        again = nothing
    _require_same(code, size, nothing if found is None else found, again)


def _require_same(
    code: ForeignProcedure, size: float, found: Float[np.ndarray, "_ _"], again: Float[np.ndarray, "_ _"]
) -> None:
    """Refuse code whose predictions after two trainings with one seed differ; keep in mind that they do not."""
    if not np.allclose(again, found, rtol=_SAME, atol=1e-3 * _SAME, equal_nan=True):
        at = "" if math.isnan(size) else f" at size {size}"
        raise InvalidArgument(
            f"{code.name} ignores its seed: two trainings with the same one differ{at}; let all of its "
            "randomness come from it, so that the numbers can be had again."
        )
    _checked_for_repeatability.add(_name_of(code))


def _name_of(code: ForeignProcedure) -> str:
    return json.dumps([code.spec(), code.revision], sort_keys=True)
