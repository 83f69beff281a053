"""What the searches for a threshold are asked for, checked."""

from __future__ import annotations

import math

from benign.experiments.measurement import check_kinds
from benign.foundation.errors import invalid
from benign.foundation.numbers import checked_count, checked_number, checked_positive
from benign.foundation.replicate import Replicate
from benign.foundation.size_words import amount
from benign.procedures.estimator_sizes import SizeKind
from benign.procedures.protocol import Procedure, has_real_sizes
from benign.sources.protocol import Source

MOST_TRAININGS = 60
DRAWS = 10
SMALLEST = 2
LEAST_SECONDS = 10.0
"""No training is stopped before it has had so long, however small the budget: the machine may be busy."""


def check_contract(procedure: object, source: object) -> None:
    """Refuse what is no procedure, no source, or a source that is too small.

    Raises:
        InvalidArgument: naming the argument.
    """
    check_kinds(procedure, source)
    assert isinstance(source, Source)
    if source.max_samples is not None and source.max_samples < SMALLEST:
        raise invalid(
            "source",
            f"{source.name} has {source.max_samples} training samples outside its test set; at least "
            f"{SMALLEST} are needed: lower `test_samples` or give more data.",
        )


def checked_size(size: object, procedure: Procedure) -> float:
    """The size, if the procedure has it.

    Raises:
        InvalidArgument: if it does not.
    """
    if has_real_sizes(procedure):
        number: float = checked_positive("size", size)
    else:
        is_whole = isinstance(size, float) and math.isfinite(size) and size == math.floor(size)
        number = checked_count("size", int(size) if is_whole else size)  # type: ignore[call-overload]
    if number > procedure.max_size:
        raise invalid(
            "size", f"asks for {amount(number, procedure.size_name)}, but there are only {procedure.max_size:g}."
        )
    return number


def largest_size(procedure: Procedure, source: Source, seed: int) -> float:
    """The largest size that there is: of a size that counts columns of the inputs, as many as the source has."""
    if getattr(procedure, "size_kind", None) is not SizeKind.COLUMNS:
        return procedure.max_size
    columns = source.draw(SMALLEST, Replicate(seed=seed)).train_inputs.shape[1]
    return float(min(procedure.max_size, columns))


def checked_samples(samples: object, source: Source) -> int:
    """The number of samples, if the source has so many.

    Raises:
        InvalidArgument: if it does not, or they are fewer than two.
    """
    n = checked_count("samples", samples)
    if n < SMALLEST:
        raise invalid("samples", f"must be at least {SMALLEST}, got {n}: one sample is fitted by a constant.")
    if source.max_samples is not None and n > source.max_samples:
        raise invalid(
            "samples", f"asks for {n}, but {source.name} has only {source.max_samples} outside its test set; lower it."
        )
    return n


def checked_times(time: object, procedure: Procedure) -> list[float] | None:
    """The one time at which risks are taken, or None for the end of training.

    Raises:
        InvalidArgument: for a procedure without a duration, or a time that is not positive.
    """
    if time is None:
        return None
    if procedure.time_name is None:
        raise invalid("time", "must be None: this procedure is solved, not trained, so it has no duration.")
    moment = checked_number("time", time)
    if moment <= 0.0:
        raise invalid("time", f"must be a positive number of {procedure.time_name}, got {moment:g}.")
    return [moment]


def seconds_per_training(max_minutes: float | None, minutes_per_training: float | None) -> float | None:
    """When a training is stopped: one that takes longer than the whole budget hangs, as far as a search can tell.

    Raises:
        InvalidArgument: if the minutes are not positive.
    """
    minutes = (
        max_minutes if minutes_per_training is None else checked_number("minutes_per_training", minutes_per_training)
    )
    if minutes is not None and minutes <= 0.0:
        raise invalid("minutes_per_training", f"must be positive, got {minutes:g}; leave it out for max_minutes.")
    return None if minutes is None else max(60.0 * minutes, LEAST_SECONDS)
