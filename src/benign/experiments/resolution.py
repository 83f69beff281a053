"""From what was asked for, in plain values, to the grid that is measured: every check that crosses two of them."""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Literal, Required, TypedDict, TypeVar

import numpy as np
from jaxtyping import Float, Real

from benign import schema
from benign.experiments.grid import Grid
from benign.experiments.parts import Part
from benign.experiments.room import check_axes, check_cells, check_largest
from benign.foundation.errors import InvalidArgument, invalid, listed
from benign.foundation.numbers import checked_count, checked_number
from benign.foundation.randomness import checked_seed
from benign.foundation.replicate import Replicate, crossed_replicates, paired_replicates
from benign.foundation.sizes import EVERY_FACTOR, checked_sizes
from benign.foundation.split import Column
from benign.foundation.wording import shown
from benign.procedures.protocol import Procedure, SupportsCheck, has_real_sizes, is_size_inverse, placed_on
from benign.schema import SOURCE_NOTES
from benign.sources.protocol import Source, source_notes

Sizes = Literal["every", "auto"] | Sequence[float] | Real[np.ndarray, " size"]
"""``"auto"`` leaves them to a pilot; see :mod:`benign.experiments.pilot`."""
_Number = TypeVar("_Number", bound=float)


class Axes(TypedDict, total=False):
    """What of a grid is asked for in plain values; see :func:`resolve_grid`."""

    sizes: Sizes
    times: Sequence[float] | None
    samples: Required[Sequence[int]]
    replicates: int | None
    crossed: Sequence[int] | None
    seed: int
    metrics: Sequence[str] | None


def resolve_grid(
    procedure: Procedure,
    sources: Sequence[Source],
    label_noise: Sequence[float] | None = None,
    *,
    samples: Sequence[int],
    sizes: Sizes = "every",
    times: Sequence[float] | None = None,
    replicates: int | None = None,
    crossed: Sequence[int] | None = None,
    seed: int = 0,
    metrics: Sequence[str] | None = None,
) -> Grid:
    """Check everything that was asked for and lay out the grid.

    Args:
        procedure: what is measured.
        sources: one for each level of label noise, the same in all else.
        label_noise: these levels, strictly increasing, or None for one source as it is.
        sizes: ``"every"``, strictly increasing numbers (whole ones of what is counted), or ``"auto"``: then it has
            no sizes yet, and is to be given to :func:`benign.experiments.pilot.with_found_sizes`.
        times: strictly increasing, or None for the end of training.
        samples: numbers of training samples, strictly increasing.
        replicates: number of paired replicates; ten unless said.
        crossed: in its place, the numbers of draws, initialisations and noises.
        seed: root seed.
        metrics: names of metrics beside the default ones.

    Raises:
        InvalidArgument: if one of them cannot be used; the message names it in backticks.
        NotEnoughMemory: for what cannot fit, before it is built.
    """
    check_axes(sizes=sizes, times=times, samples=samples, label_noise=label_noise)
    levels = None if label_noise is None else _checked_levels(label_noise, sources)
    draws = checked_replicates(replicates, crossed, seed, sources, samples)
    counts = _checked_samples(samples, sources[0])
    part = Part(
        sizes=_checked_sizes(sizes, procedure, counts[-1], placed_on(procedure, sources[0]).max_size),
        times=np.array([schema.END_OF_TRAINING]) if times is None else _checked_times(times, procedure),
        metrics=schema.checked_metrics(metrics),
    )
    check_largest(procedure, sources[0], counts[-1], part)
    _check_columns(procedure, sources[0])
    if isinstance(procedure, SupportsCheck):
        procedure.check(counts, part.recorded_times)
    specs = [_checked_spec("source", {**source.spec(), "revision": source.revision}) for source in sources]
    if len({json.dumps(spec, sort_keys=True) for spec in specs}) < len(specs):
        raise invalid(
            "label_noise", f"gives {sources[0].name} levels that its spec() does not tell apart; put the level into it."
        )
    return Grid(
        procedure=_checked_spec("procedure", {**procedure.spec(), "revision": procedure.revision}),
        sources=tuple(specs),
        label_noise=levels,
        samples=counts,
        replicates=draws,
        part=part,
        attributes=_attributes(procedure, sources[0], counts[-1], draws[0]),
    )


def checked_replicates(
    count: int | None, crossed: Sequence[int] | None, seed: int, *others: object
) -> tuple[Replicate, ...]:
    """Paired replicates, ten unless said, or crossed ones; ``others`` are the axes that multiply them to a grid.

    Raises:
        InvalidArgument: if both are given, or a count or the seed cannot be one.
        NotEnoughMemory: for too many.
    """
    if crossed is None:
        paired = 10 if count is None else checked_count("replicates", count)
        check_cells(paired, *others)
        return paired_replicates(paired, seed=checked_seed(seed))
    if count is not None:
        raise InvalidArgument("`replicates` and `crossed` cannot both be given; choose paired or crossed replicates.")
    if not isinstance(crossed, (tuple, list)) or len(crossed) != 3:
        raise invalid("crossed", f"must be three counts (draws, initialisations, noises), got {shown(crossed)}.")
    counts = [checked_count("crossed", count) for count in crossed]
    check_cells(*counts, *others)
    return crossed_replicates(*counts, seed=checked_seed(seed))


def _checked_levels(label_noise: Sequence[float], sources: Sequence[Source]) -> tuple[float, ...]:
    levels = _increasing("label_noise", label_noise, checked_number, "levels of label noise, for example [0.0, 0.2]")
    if len(levels) != len(sources):
        raise invalid("label_noise", f"must hold one level for each source, got {len(levels)} for {len(sources)}.")
    return tuple(levels)


def _checked_samples(samples: Sequence[int], source: Source) -> tuple[int, ...]:
    counts = _increasing("samples", samples, checked_count, "training-set sizes, for example [1000]")
    if counts[0] < 2:
        raise invalid("samples", f"must be at least 2, got {counts[0]}: one sample shows no curve.")
    if source.max_samples is not None and counts[-1] > source.max_samples:
        raise invalid(
            "samples",
            f"asks for {counts[-1]} training samples, but {source.name} has {source.max_samples} outside its "
            "test set; lower it.",
        )
    return tuple(counts)


def _checked_sizes(sizes: Sizes, procedure: Procedure, samples: int, available: float) -> Real[np.ndarray, " size"]:
    if isinstance(sizes, str) and sizes not in ("every", "auto"):
        near = difflib.get_close_matches(sizes, ("every", "auto"), n=1, cutoff=0.3)
        hint = f"; did you mean {near[0]!r}?" if near else "."
        raise invalid("sizes", f'must be "every", "auto" or a list of whole numbers, got {shown(sizes)}{hint}')
    if isinstance(sizes, str) and sizes == "every":
        last = available if math.isfinite(available) else EVERY_FACTOR * samples
        check_axes(sizes=range(int(last)))
    if not isinstance(sizes, str) or sizes == "every":
        are_real = has_real_sizes(procedure)
        return checked_sizes(sizes, available=available, samples=samples, unit=procedure.size_name, are_real=are_real)
    if has_real_sizes(procedure):
        raise invalid(
            "sizes", f'must be a list of values of {procedure.size_name}, for example [0.01, 0.1, 1], got "auto".'
        )
    if is_size_inverse(procedure):
        raise InvalidArgument(
            f'`sizes="auto"` searches the fewest that fit, and {procedure.size_name} is the inverse of a size; give a '
            "list, for example [1, 2, 5, 10, 20, 50].",
            "sizes",
        )
    return np.zeros(0, dtype=np.int64)


def _checked_times(times: Sequence[float], procedure: Procedure) -> Float[np.ndarray, " time"]:
    if procedure.time_name is None:
        raise invalid("times", "must be None: this procedure is solved, not trained, so it has no duration.")
    moments = _increasing("times", times, checked_number, f"numbers of {procedure.time_name}")
    if moments[0] < 0:
        raise invalid("times", f"must be at least 0, got {moments[0]:g}.")
    return np.array(moments, dtype=np.float64)


def _increasing(
    argument: str, values: Sequence[float], checked: Callable[[str, object], _Number], kind: str
) -> list[_Number]:
    """The values, each of them checked, if they are a list that increases strictly."""
    if not isinstance(values, (Sequence, np.ndarray)) or isinstance(values, str) or not len(values):
        raise invalid(argument, f"must be a list of {kind}, got {shown(values)}.")
    numbers = [checked(argument, value) for value in values]
    for before, after in pairwise(numbers):
        if before >= after:
            raise invalid(
                argument,
                f"must increase strictly, but {before:g} is followed by {after:g}; sort them and drop repeats.",
            )
    return numbers


def _check_columns(procedure: Procedure, source: Source) -> None:
    """Refuse text and missing values for a procedure that learns from numbers alone."""
    columns: Sequence[Column] = getattr(source, "columns", None) or ()
    if getattr(procedure, "takes_columns", False):
        return
    text = [column.name for column in columns if column.texts is not None]
    gaps = [column.name for column in columns if column.texts is None and column.has_gaps]
    if text or gaps:
        held = [f"{what} in {listed(names)}" for what, names in (("text", text), ("missing values", gaps)) if names]
        name = procedure.spec().get("procedure", type(procedure).__name__)
        raise invalid(
            "source",
            f"{source.name} holds {' and '.join(held)}, and {name} takes numbers alone: encode the text, fill "
            "in what is missing, name other `inputs`, or measure a pipeline that takes them, by benign.from_estimator.",
        )


def _checked_spec(argument: str, spec: dict[str, object]) -> dict[str, object]:
    """Settings that can be part of a key."""
    try:
        json.dumps(spec, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise invalid(argument, f"must have a spec() of JSON values alone, but {error}.") from error
    return spec


def _attributes(procedure: Procedure, source: Source, samples: int, replicate: Replicate) -> dict[str, str | int]:
    """What belongs to the surface and decides no number."""
    notes = source_notes(source, samples, replicate)
    return {
        "title": f"{procedure.spec().get('procedure', type(procedure).__name__)} on {source.name}",
        "size_name": procedure.size_name,
        **({schema.SIZE_IS_INVERSE: 1} if is_size_inverse(procedure) else {}),
        "time_name": procedure.time_name or "",
        "objective": str(procedure.objective),  # the name alone, of a loss of the user's own
        "classes": len(source.classes) if source.classes is not None else 0,
        "seed": replicate.seed,
        **({SOURCE_NOTES: " ".join(notes)} if notes else {}),
    }
