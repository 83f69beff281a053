"""Any training loop, in any framework, as a training procedure: a generator that yields as it trains."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float, Real
from numpy.typing import ArrayLike

from benign.foundation.arguments import checked_flag, checked_name, checked_text
from benign.foundation.errors import InvalidArgument, invalid
from benign.foundation.numbers import checked_count
from benign.foundation.signatures import check_takes
from benign.foundation.split import Split, in_shape
from benign.foundation.wording import shown
from benign.procedures import adaptation
from benign.procedures.foreign_settings import code_of
from benign.procedures.objectives import OwnObjective, check_objective
from benign.procedures.protocol import check_max_size, check_names, one_replicate_each
from benign.schema import END_OF_TRAINING

Predict = Callable[[Float[np.ndarray, "m *sample"]], ArrayLike]
"""``predict(inputs)``."""
Fit = Callable[..., Iterator[tuple[float, Predict]]]
"""``fit(split, size, seed)``, which yields ``time, predict`` as it trains."""
OwnLoss = Callable[[Float[np.ndarray, "m K"], Float[np.ndarray, "m K"]], ArrayLike]
"""``loss(outputs, targets)``, one of each sample."""
OUTPUTS = ("values", "logits", "probabilities")
_SAME_TIME = 1e-9  # 0.1 + 0.2 is the time 0.3
_ENDED = object()


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingLoop:
    """A training loop as a procedure; :func:`from_training_loop` makes it.

    Attributes:
        fit: the generator.
        name: what titles and messages call it.
        revision: raised by the user when the numbers change.
        code: what in the key stands for the loop's code: a revision alone, a digest, or a token of this object.
        loss_code: the same of a loss of the user's own; None for one of ours.
        objective: what its losses are.
        outputs: what it predicts: values, logits or probabilities.
        is_inverse: whether the size is the inverse of one: the larger, the less can be fitted.
        has_real_sizes: whether a size may be any positive number.
    """

    trains_along_time: ClassVar[bool] = True
    may_diverge: ClassVar[bool] = True
    runs_users_code: ClassVar[bool] = True
    parameters = adaptation.parameters
    batches = one_replicate_each
    measure = adaptation.measure
    predict = adaptation.predict

    fit: Fit
    name: str
    revision: int
    code: str
    loss_code: str | None
    size_name: str
    time_name: str
    max_size: float
    objective: str
    outputs: str
    is_inverse: bool
    has_real_sizes: bool

    def spec(self) -> dict[str, object]:
        own = {} if self.loss_code is None else {"loss": self.loss_code}
        return {
            "procedure": self.name,
            "kind": "training loop",
            "code": self.code,
            "objective": str(self.objective),
            "outputs": self.outputs,
            **own,
        }

    def check(self, samples: Sequence[int], times: Float[np.ndarray, " time"] | None) -> None:
        """Nothing is refused beforehand: which times there are, only a training shows."""
        del samples, times

    def train(
        self, split: Split, size: float, times: adaptation.Moments, train_inputs: Any, inputs: Sequence[Any]
    ) -> Generator[list[ArrayLike], None, None]:
        if split.classes is None and self.outputs != "values":
            raise invalid("outputs", f'must be "values" where there are no classes, got {self.outputs!r}.')
        seed = adaptation.addressed_seed(split.replicate, "seed of a training loop")
        own = _handed_over(split, train_inputs)
        training = self.fit(own, float(size) if self.has_real_sizes else size, seed)
        if not isinstance(training, Iterator):
            raise self._wrong(f"must yield time, predict as it trains, got {type(training).__name__}; use `yield`")
        try:
            for predict in self._asked_for(training, [END_OF_TRAINING] if times is None else times):
                yield [_on_host(predict(in_shape(asked, split).copy())) for asked in inputs]
        finally:
            close = getattr(training, "close", None)  # only a generator has it
            if close is not None:
                close()

    def _asked_for(self, training: Iterator[Any], times: Sequence[float]) -> Iterator[Predict]:
        """What predicts at each of the times; training goes on only as far as they do.

        Raises:
            InvalidArgument: for a time that never comes.
        """
        reached, predict, came = -math.inf, None, 0
        for time in times:
            while not _is_at(reached, time):
                if reached > time:
                    raise invalid(
                        "times", f"asks for {time:g} {self.time_name}, and {self.name} goes on to {reached:g} without "
                        f"it; ask for times that it yields, or let it yield this one."
                    )  # fmt: skip
                pair = next(training, _ENDED)
                if pair is _ENDED:
                    break
                reached, predict, came = *self._checked(pair, reached), came + 1
            if predict is None:
                raise self._wrong("yields nothing; let it yield time, predict at least once, at the end")
            if time != END_OF_TRAINING and not _is_at(reached, time):
                raise invalid(
                    "times", f"asks for {time:g} {self.time_name}, and {self.name} ends at {reached:g}, the last of "
                    f"{came} it yields; ask for no more, or train longer."
                )  # fmt: skip
            yield predict

    def _checked(self, pair: object, before: float) -> tuple[float, Predict]:
        if not (isinstance(pair, tuple) and len(pair) == 2):
            raise self._wrong(f"must yield pairs time, predict, got {shown(pair)}")
        time, predict = pair
        is_number = isinstance(time, (int, float, np.integer, np.floating)) and not isinstance(time, bool)
        if not is_number or not math.isfinite(time):
            raise self._wrong(f"must yield a number as its time, got {shown(time)}")
        if time <= before or _is_at(time, before):
            raise self._wrong(f"must yield increasing times, got {time:g} after {before:g}")
        if not callable(predict):
            raise self._wrong(f"must yield a function predict(inputs), got {type(predict).__name__} at time {time:g}")
        return float(time), predict

    def _wrong(self, fault: str) -> InvalidArgument:
        return invalid("fit", f"of {self.name!r} {fault}.")


def _is_at(reached: float, time: float) -> bool:
    return math.isclose(reached, time, rel_tol=_SAME_TIME) and math.isfinite(reached)


def _handed_over(split: Split, train_inputs: Real[np.ndarray, "n d"]) -> Split:
    """A split of its own, each sample in its shape: nothing in it is the user's, and no test sample."""
    pool = split.pool.view()
    pool.flags.writeable = False  # too large to be copied for every training
    return replace(
        split,
        train_inputs=train_inputs.copy(),
        train_targets=split.train_targets.copy(),
        train_targets_clean=split.train_targets_clean.copy(),
        test_inputs=split.test_inputs[:0],
        test_targets=split.test_targets[:0],
        test_targets_noisy=split.test_targets_noisy[:0],
        pool=pool,
    ).shaped


def _on_host(answer: Any) -> Any:
    """The answer itself; a PyTorch tensor detached and on the CPU, where NumPy can read it."""
    return answer.detach().cpu() if hasattr(answer, "detach") and hasattr(answer, "cpu") else answer


def from_training_loop(
    fit: Fit,
    *,
    size_name: str = "size",
    time_name: str = "epochs",
    objective: str | OwnLoss = "cross-entropy",
    outputs: str = "values",
    revision: int | None = None,
    name: str | None = None,
    max_size: float = math.inf,
    inverse: bool = False,
    real_sizes: bool = False,
) -> TrainingLoop:
    """Make any training loop, in PyTorch, JAX, NumPy or anything else, a procedure that can be measured.

    ``fit(split, size, seed)`` is a generator that trains and, wherever its model may be looked at, says
    ``yield time, predict``. All times come from that one training: at those asked for ``predict`` is called before
    the loop goes on, the others cost nothing, and after the last one the generator is closed. Where none is asked for,
    the loop runs to its end, and the last ``predict`` is called then.

    ``split`` is a :class:`benign.Split` with copies of the training samples, ``split.train_inputs`` in their shape (n x
    channels x height x width of images) as float64, ``split.train_labels`` (the classes' indices) or
    ``split.train_targets`` (n x outputs), and an empty test part. ``size`` is an int (a float where sizes are real);
    ``seed``, from 0 to 2^31 - 2, follows from the replicate's initialisation, and all randomness must come from it (or
    from NumPy's, Python's or PyTorch's global state, which is one of the loop's own, seeded alike). ``predict(inputs)``
    gives for m samples in their shape m x K outputs (an array or a PyTorch tensor), one a class or a target, or m class
    indices, or m values where there is one.

    Where predictions or their loss are not finite, the training has diverged: it has no numbers from that time on, and
    a warning says so; all others stay.

    Args:
        fit: the generator.
        size_name: what a size counts, for axes.
        time_name: what a time counts.
        objective: what a loss is, one of those that :func:`from_estimator` lists, or a function of outputs (m x K) and
            targets (m x K, one-hot rows for classes) that gives each sample's loss (m). What counts as fitted is
            measured against the best constant, so the least value of an own loss should be 0.
        outputs: what ``predict`` gives: ``"values"``, in the objective's unit; ``"logits"``, of the classes, whose
            log loss is taken from them directly; ``"probabilities"`` of the classes.
        revision: to be raised whenever an edit changes the numbers. Without it the source text of the loop, and that of
            an own loss, stands for it, with that of your own functions and classes that they name, and plain constants;
            not arrays and other objects. Where there is no text, no block is ever reused.
        name: what titles call it, ``fit``'s own name unless said; part of the key.
        max_size: the largest size, ``math.inf`` where there is no end.
        inverse: whether the size is the inverse of one; see :func:`from_estimator`.
        real_sizes: whether a size is any positive number, not a count.

    Raises:
        InvalidArgument: for a function that cannot be called so, or names and numbers that cannot be used.

    >>> import numpy as np
    >>> def halving(split, size, seed):
    ...     level = 0.0
    ...     for epoch in range(1, 11):
    ...         level += (split.train_targets.mean() - level) / 2
    ...         yield epoch, lambda inputs: np.full(len(inputs), level)
    >>> from_training_loop(halving, objective="squared").time_name
    'epochs'
    """
    check_takes("fit", fit, "split", "size", "seed")
    name = getattr(fit, "__name__", type(fit).__name__) if name is None else name
    check_names(name=name, size_name=size_name, time_name=time_name)
    check_max_size(max_size)
    outputs = checked_name("kind of outputs", outputs, OUTPUTS, argument="outputs")
    minimised = _checked_objective(objective, outputs)
    revision = None if revision is None else checked_count("revision", revision)
    return TrainingLoop(
        fit=fit,
        name=name,
        revision=revision or 1,
        code=code_of(fit, revision),
        loss_code=code_of(minimised.function, revision) if isinstance(minimised, OwnObjective) else None,
        size_name=size_name,
        time_name=time_name,
        max_size=max_size,
        objective=minimised,
        outputs=outputs,
        is_inverse=checked_flag("inverse", inverse),
        has_real_sizes=checked_flag("real_sizes", real_sizes),
    )


def _checked_objective(objective: str | OwnLoss, outputs: str) -> str:
    """The objective, by its name; that of a function carries it.

    Raises:
        InvalidArgument: for one that there is not, or that logits have no loss of.
    """
    if callable(objective):
        check_takes("objective", objective, "outputs", "targets")
        return OwnObjective(objective, outputs)
    name = check_objective("objective", checked_text("objective", objective))
    if outputs == "logits" and name != "cross-entropy":
        raise invalid(
            "outputs",
            f'must be "values" or "probabilities" for the objective {name!r}, got "logits"; give the probabilities, '
            'the softmax of the logits, or say "values" where the loss is of the outputs as they are.',
        )
    return name
