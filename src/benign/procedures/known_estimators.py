"""What is diagnosed: a user's estimator with the size and the training time that it is known to have."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from jaxtyping import Float

from benign.foundation.errors import BenignError, invalid, unknown_name
from benign.foundation.global_randomness import OwnRandomStates
from benign.foundation.numbers import checked_count, checked_positive
from benign.foundation.replicate import Replicate
from benign.foundation.size_words import is_counted
from benign.foundation.split import Split
from benign.procedures.adaptation import addressed_seed, handed_on, training_targets
from benign.procedures.estimator import Estimator, known_parameters, own_copy
from benign.procedures.estimator_memory import least_bytes_of
from benign.procedures.estimator_sizes import SizeKind, check_size, is_real
from benign.procedures.known_objectives import objective_of
from benign.procedures.known_penalties import penalty_of
from benign.procedures.known_sizes import (
    LARGEST_REAL,
    SMALLEST_REAL,
    KnownSize,
    largest_of,
    named_size,
    natural_size,
    time_of,
)
from benign.procedures.nested_estimators import (
    PIPELINES,
    SEARCHES,
    Part,
    chain_of,
    is_search,
    spelled_out,
    transforms_of,
)
from benign.procedures.protocol import (
    Procedure,
    Retrainable,
    SupportsLeastBytes,
    end_of_training,
    has_real_sizes,
    is_size_inverse,
)
from benign.sources.protocol import Source

_FEATURES = "features"
_DECAY, _DECAYS = "weight_decay", (1e-4, 1e-3, 1e-2, 1e-1)  # beside 0, which is the default
_SAMPLES = 1000  # of a source without end
_CHEAP = 1e9  # bytes of what comes before a part
_TRIED = 100  # samples of the trial of whether a parameter has an influence


@dataclass(frozen=True, kw_only=True)
class SizeParameter:
    """The size of what is diagnosed.

    Attributes:
        name: full nested name of the parameter, ``"features"`` for columns of the inputs, or a procedure's own word.
        is_inverse: whether the larger it is, the less can be fitted, as far as is known; the direction is measured.
        is_real: whether it is any positive number, searched on a log grid; else whole numbers.
        least: the smallest value that the model takes.
        largest: the largest one on so many samples of these inputs; infinite where there is no end.
        value: the present one; infinite where it is no limit, None where it is unknown.
        grows: whether a problem scaled to n/4 has a size scaled to size/4, and cost is about proportional to it.
    """

    name: str
    is_inverse: bool
    is_real: bool
    least: float
    largest: float
    value: float | None
    grows: bool


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is diagnosed.

    Attributes:
        procedure: measures and predicts; an :class:`~benign.procedures.estimator.Estimator` for estimators.
        size: its size; None where it has none, and is trained as it stands.
        size_parameter: what that is.
        time: its training time; None where there is no such axis.
        name: what it is called.
        notes: what was inferred, a sentence each.
        columns: number of input columns.
    """

    procedure: Procedure
    size: float | None
    size_parameter: SizeParameter | None
    time: float | None
    name: str
    notes: tuple[str, ...] = ()
    columns: int = 0


def subject_of(
    model: Any,
    source: Source,
    *,
    size: float | None = None,
    time: float | None = None,
    size_parameter: str | None = None,
    samples: int | None = None,
) -> Subject:
    """What is diagnosed, with everything that can be inferred of it.

    Args:
        model: a procedure, or an estimator or pipeline as it is; it is not changed.
        source: what it is trained on.
        size: its size; the present value of its size parameter unless said. A procedure's must be said.
        time: its training time, likewise; the end of training for procedures.
        size_parameter: the parameter that is its size, or ``"features"``; one that is known for its class unless said.
        samples: n, for the bounds of sizes; all that the source has unless said, 1,000 where it has no end.

    Raises:
        InvalidArgument: for what is no model, a parameter that it does not have or that changes nothing, and a size or
            time that it cannot have.
    """
    count = samples or source.max_samples or _SAMPLES
    split = source.draw(count, Replicate())
    if isinstance(model, Estimator):
        return _of_estimator(model.estimator, split, size, time, size_parameter or model.size_name, wrapped=model)
    if isinstance(model, Procedure):
        return _of_procedure(model, split, size, time, size_parameter)
    return _of_estimator(model, split, size, time, size_parameter)


def regularisation_of(subject: Subject) -> tuple[tuple[str, tuple[float, ...]], ...]:
    """The ridge or weight decay of the model, if it has one that is not its size: the parameter and values to try.

    Values are for :meth:`benign.procedures.estimator.Estimator.with_parameters`, or a network's training; the present
    one is not among them.
    """
    procedure = subject.procedure
    if isinstance(procedure, Retrainable):
        return _decays(procedure)
    if not isinstance(procedure, Estimator) or is_search(procedure.estimator):
        return ()
    found = []
    for part in chain_of(procedure.estimator):
        name, values = penalty_of(part)
        full = part.prefix + name
        is_size = subject.size_parameter is not None and subject.size_parameter.name == full
        if name and not is_size:
            found.append((full, values))
    return tuple(found)


def _decays(network: Retrainable) -> tuple[tuple[str, tuple[float, ...]], ...]:
    """Other weight decays of a network, whose spec says whether they decide its numbers."""
    settings = cast("Any", network).spec()["training"]
    present = settings.get(_DECAY)
    return () if present is None else ((_DECAY, tuple(value for value in _DECAYS if value != present)),)


def least_bytes(subject: Subject, samples: int, size: float | None) -> float | None:
    """What a training on so many samples at that size needs at least; None where it cannot be told beforehand."""
    procedure = subject.procedure
    value = math.nan if size is None else size
    if not isinstance(procedure, Estimator):
        known = isinstance(procedure, SupportsLeastBytes) and math.isfinite(value)
        return procedure.least_bytes(samples, 0, int(value)) if known else None  # type: ignore[attr-defined]
    return least_bytes_of(procedure.at_size(value), samples, subject.columns)


def _of_procedure(
    procedure: Procedure, split: Split, size: float | None, time: float | None, size_parameter: str | None
) -> Subject:
    name = str(procedure.spec().get("procedure", type(procedure).__name__))
    if size_parameter not in (None, procedure.size_name):
        raise invalid("size_parameter", f"must be left out for {name}, whose size is {procedure.size_name}.")
    if size is None:
        raise invalid("size", f"must be given: the {procedure.size_name!r} that you train {name} with.")
    parameter = SizeParameter(
        name=procedure.size_name,
        is_inverse=is_size_inverse(procedure),
        is_real=has_real_sizes(procedure),
        least=SMALLEST_REAL if has_real_sizes(procedure) else 1.0,
        largest=procedure.max_size,
        value=None,
        grows=(is_counted(procedure.size_name) or procedure.size_name == "width") and not is_size_inverse(procedure),
    )
    parameter = replace(parameter, value=_checked_size(size, parameter))
    if time is not None and procedure.time_name is None:
        raise invalid("time", f"must be left out: {name} is solved, not trained, so it has no duration.")
    return Subject(
        procedure=procedure,
        size=parameter.value,
        size_parameter=parameter,
        time=end_of_training(procedure) if time is None else checked_positive("time", time),
        name=name,
        columns=split.train_inputs.shape[1],
    )


def _of_estimator(
    model: Any,
    split: Split,
    size: float | None,
    time: float | None,
    size_parameter: str | None,
    *,
    wrapped: Estimator | None = None,
) -> Subject:
    own = spelled_out(own_copy(model))
    parameter = _named(own, split, size_parameter) if size_parameter else _inferred(own, split)
    if size is not None and parameter is None:
        raise invalid(
            "size", f"must be left out: {type(own).__name__} has no size here; name one with `size_parameter`."
        )
    if size is not None and parameter is not None:
        parameter = replace(parameter, value=_checked_size(size, parameter))
    time_name, moment = _time(own, parameter, time, wrapped)
    if time is not None and moment is not None:
        own.set_params(**{str(time_name): int(moment)})
    procedure = _estimator(own, parameter, time_name, wrapped, split)
    if parameter is not None and size_parameter and named_size(own, parameter.name) is None:
        _check_influence(procedure, parameter, split)
    is_inferred = parameter is not None and not size_parameter and size is None
    notes = [_size_note(own, parameter)] if is_inferred or parameter is None else []
    return Subject(
        procedure=procedure,
        size=parameter.value if parameter else None,
        size_parameter=parameter,
        time=moment,
        name=model_name(own),
        notes=tuple(filter(None, [*notes, procedure.minimised.note])),
        columns=split.train_inputs.shape[1],
    )


def model_name(estimator: Any) -> str:
    """The class of the model: of what a pipeline trains last, inside a transformation of its targets, too."""
    inner = (part for part in chain_of(estimator) if part.kind not in (*PIPELINES, "TransformedTargetRegressor"))
    return type(next(inner, chain_of(estimator)[-1]).estimator).__name__


def _estimator(
    own: Any, parameter: SizeParameter | None, time_name: str | None, wrapped: Estimator | None, split: Split
) -> Estimator:
    is_of_columns = parameter is not None and parameter.name == _FEATURES and _FEATURES not in known_parameters(own)
    kind = SizeKind.NONE if parameter is None else SizeKind.COLUMNS if is_of_columns else SizeKind.PARAMETER
    return Estimator(
        estimator=own,
        size_name=parameter.name if parameter else "as it stands",
        time_name=time_name,
        is_inverse=bool(parameter and parameter.is_inverse),
        revision=wrapped.revision if wrapped else 1,
        size_kind=kind,
        has_real_sizes=bool(parameter and parameter.is_real),
        max_size=float(split.train_inputs.shape[1]) if is_of_columns else math.inf,
        minimised=wrapped.minimised if wrapped else objective_of(own),
    )


def _time(
    own: Any, parameter: SizeParameter | None, time: float | None, wrapped: Estimator | None
) -> tuple[str | None, float | None]:
    """The name of the training time and its value; None for both where there is none."""
    known = time_of(own)
    name, value = (known[0].prefix + known[1], known[2]) if known else (None, None)
    if wrapped is not None and wrapped.time_name != name:
        name, value = wrapped.time_name, None
        present = own.get_params().get(name) if name else None
        value = float(present) if isinstance(present, (int, float)) else None
    if parameter is not None and name == parameter.name:
        name, value = None, None
    if time is None:
        return name, value
    if name is None:
        raise invalid("time", f"must be left out: {type(own).__name__} has no training time that is known here.")
    return name, float(checked_count("time", int(time) if math.isfinite(time) and time == math.floor(time) else time))


def _inferred(own: Any, split: Split) -> SizeParameter | None:
    found = natural_size(own)
    if found is not None:
        return _of_known(own, *found, split)
    kinds = {part.kind for part in [*chain_of(own), *transforms_of(own)]}
    return None if kinds & {*SEARCHES, "ColumnTransformer"} else _of_columns(split)


def _named(own: Any, split: Split, name: str) -> SizeParameter:
    known = known_parameters(own)
    if name not in known:
        inside = [full for full in known if full.endswith(f"__{name}")]
        if len(inside) > 1:
            names = " or ".join(map(repr, inside))
            raise invalid("size_parameter", f"{name} is a parameter of several parts; name {names}.")
        if inside:
            name = inside[0]
        elif name != _FEATURES:
            raise unknown_name(f"`size_parameter` of {type(own).__name__}", name, known, argument="size_parameter")
    kind = SizeKind.COLUMNS if name not in known else SizeKind.PARAMETER
    check_size(own, name, kind, argument="size_parameter")
    if kind is SizeKind.COLUMNS:
        return _of_columns(split)
    found = named_size(own, name)
    if found is not None:
        return _of_known(own, *found, split)
    present, is_a_real = own.get_params(deep=True).get(name), is_real(own, name)
    is_number = isinstance(present, (int, float)) and not isinstance(present, bool)
    return SizeParameter(
        name=name,
        is_inverse=False,
        is_real=is_a_real,
        least=SMALLEST_REAL if is_a_real else 1.0,
        largest=LARGEST_REAL if is_a_real else math.inf,
        value=float(present) if is_number else None,
        grows=False,
    )


def _of_columns(split: Split) -> SizeParameter:
    there = float(split.train_inputs.shape[1])
    return SizeParameter(
        name=_FEATURES, is_inverse=False, is_real=False, least=1.0, largest=there, value=there, grows=True
    )


def _of_known(own: Any, part: Part, known: KnownSize, split: Split) -> SizeParameter:
    present = part.settings.get(known.parameter)
    needs_inputs = isinstance(known.largest, str) or known.parameter == "gamma"
    reaching = _reaching(own, part, split) if needs_inputs and not isinstance(present, float) else None
    columns = split.train_inputs.shape[1] if reaching is None else reaching.shape[1]
    largest = largest_of(known, split.samples, columns)
    value = _present(present, known, largest, reaching)
    return SizeParameter(
        name=part.prefix + known.parameter,
        is_inverse=known.is_inverse,
        is_real=known.is_real,
        least=known.least,
        largest=max(largest, value) if value is not None and math.isfinite(value) else largest,
        value=value,
        grows=known.grows,
    )


def _present(
    present: object, known: KnownSize, largest: float, reaching: Float[np.ndarray, "n columns"] | None
) -> float | None:
    """The present value of a parameter as a number."""
    if isinstance(present, (tuple, list)) and present:
        present = present[0]
    if known.parameter == "gamma" and (present is None or isinstance(present, str)):
        return None if reaching is None else _gamma(present, reaching)
    if present is None:
        return largest if known.expands and isinstance(known.largest, str) else known.unset
    if isinstance(present, (bool, np.bool_)) or not isinstance(present, (int, float, np.integer, np.floating)):
        return None
    is_share = not known.is_real and present != math.floor(present)
    return None if is_share or not present > 0 else float(present)


def _gamma(setting: object, inputs: Float[np.ndarray, "n columns"]) -> float:
    """As scikit-learn's kernel machines resolve it."""
    variance = float(inputs.var()) if setting == "scale" else 1.0
    return 1.0 / (inputs.shape[1] * variance) if variance > 0.0 else 1.0


def _reaching(own: Any, part: Part, split: Split) -> Float[np.ndarray, "n columns"] | None:
    """The training inputs as they reach a part of a pipeline; None where that cannot be told cheaply."""
    inputs: Any = handed_on(split.train_inputs.copy(), split)
    targets = training_targets(split)
    if (least_bytes_of(own, split.samples, split.train_inputs.shape[1]) or 0.0) > _CHEAP:
        return None
    try:
        with warnings.catch_warnings(), OwnRandomStates(addressed_seed(split.replicate, "steps before a part")):
            warnings.simplefilter("ignore")  # its trainings will say so
            for step in transforms_of(own):
                if step.prefix == part.prefix:
                    break
                inputs = own_copy(step.estimator, needed=("fit_transform",)).fit_transform(inputs, targets)
        dense = inputs.toarray() if hasattr(inputs, "toarray") else inputs
        return np.asarray(dense, dtype=np.float64)
    except (BenignError, KeyboardInterrupt):
        raise
    except Exception:  # text that nothing encodes, or a step of somebody's own: its training will say so
        return None


def _checked_size(size: float, parameter: SizeParameter) -> float:
    if parameter.is_real:
        return checked_positive("size", size)
    if isinstance(size, float) and size == math.inf and parameter.value == math.inf:
        return size
    is_whole = isinstance(size, float) and math.isfinite(size) and size == math.floor(size)
    count = float(checked_count("size", int(size) if is_whole else size))
    if parameter.name == _FEATURES and count > parameter.largest:
        raise invalid("size", f"must be at most {parameter.largest:g}, the number of columns, got {count:g}.")
    return count


def first_rows(split: Split, count: int) -> Split:
    """The split with at most so many training samples."""
    names = ("train_inputs", "train_targets", "train_targets_clean")
    return replace(split, **{name: getattr(split, name)[:count] for name in names})


def _check_influence(procedure: Estimator, parameter: SizeParameter, split: Split) -> None:
    """Refuse a parameter of which several values give the same predictions on a few samples.

    Raises:
        InvalidArgument: saying so.
    """
    few = first_rows(split, _TRIED)
    value = parameter.value if parameter.value and math.isfinite(parameter.value) else 1.0
    tried = [1e-3 * value, value, 1e3 * value] if parameter.is_real else [1.0, 2.0, 5.0, 20.0]
    answers = []
    for one in tried:
        try:
            answers += [found.values for found in procedure.predict(few, few.train_inputs, np.array([one]), None)]
        except BenignError:  # a value that it does not take
            continue
    if len(answers) > 1 and all(np.array_equal(answers[0], other) for other in answers[1:]):
        raise invalid(
            "size_parameter",
            f"{parameter.name} changes nothing: {len(answers)} values give the same predictions on {few.samples} "
            "samples; name another parameter.",
        )


def _size_note(own: Any, parameter: SizeParameter | None) -> str:
    another = "choose another with `size_parameter`"
    if parameter is None:
        why = (
            "a search chooses its settings anew in every training"
            if is_search(own)
            else "none of its settings is known"
        )
        return f"It has no size here, for {why}: it is diagnosed as it stands; name a size with `size_parameter`."
    if parameter.name == _FEATURES:
        return f"It has no size of its own: its size is the number of input columns, in a random order; {another}."
    if parameter.value == math.inf:
        return f"Its size is {parameter.name}, which is not limited; {another}."
    value = "" if parameter.value is None else f" = {parameter.value:.4g}"
    return f"Its size is {parameter.name}{value}; {another}."
