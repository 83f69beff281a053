"""All samples of somebody's data set, read in order; what its own code does wrong is said with its row.

What has a length and gives its samples by their places is asked for its first ones three times: before, during and
after. A stream is read once, and tells nothing about itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count, islice
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from benign.foundation.errors import InvalidArgument, attempted, invalid
from benign.foundation.memory import require_memory
from benign.foundation.wording import told
from benign.sources.class_names import ClassNames, named_targets
from benign.sources.finite import FiniteData, sample_shape
from benign.sources.samples import Name, SampleArray, parts_of, sample_array, sample_target, unreadable

Pair = tuple[object, object]
ShapedRows = Float[np.ndarray, "rows *sample"] | UInt8[np.ndarray, "rows *sample"]

_READ_AGAIN = 8  # a transform that changes one sample in ten is missed one time in twelve, one in two never
_FIRST_ROOM = 256  # rows, where nobody says how many there will be
_END = object()


@dataclass(frozen=True, kw_only=True, eq=False)
class Samples:
    """What was read.

    Attributes:
        inputs: rows x *sample; uint8 where all samples were.
        targets: labels, values or vectors of values.
    """

    inputs: ShapedRows
    targets: Sequence[object]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How samples are read.

    Attributes:
        inputs: the part to learn from, where a sample has more than two.
        target: the part to learn; likewise.
        limit: read at most so many.
    """

    inputs: Name | None
    target: Name | None
    limit: int | None

    def count(self, length: int) -> int:
        """How many of so many samples are read."""
        return length if self.limit is None else min(length, self.limit)

    def pairs(self, samples: Iterable[object]) -> Iterator[Pair]:
        """The input and the target of each sample, the parts as those of the first one."""
        parts = None
        for row, sample in enumerate(samples):
            parts = parts or parts_of(sample, inputs=self.inputs, target=self.target)
            yield parts.of(sample, row)


def read_samples(data: Any, reading: Reading) -> Samples:
    """Read a data set, a loader or a stream.

    Args:
        data: with ``__len__`` and ``__getitem__``, or something to iterate over.
        reading: which parts, and how many samples.

    Raises:
        InvalidArgument: for data that cannot be used; the message says where and what to do.
        NotEnoughMemory: for more samples than there is room for.
    """
    length = _length_of_stream(data)
    if length is None and reading.limit is None:
        raise invalid("limit", "must say how many samples to read: the data have no length, and may be endless.")
    if length is not None:
        check_count(reading.count(length))
    if length is not None and is_map_style(data) and not is_loader(data):
        samples = _read_places(data, reading, length)
    else:
        samples = _read_stream(data, reading, length)
    check_count(len(samples.targets))
    return samples


def data_of_samples(data: Any, reading: Reading, *, task: str, names: ClassNames | None) -> FiniteData:
    """The samples of a data set as rows and targets, its classes by their names.

    Raises:
        InvalidArgument: for data that cannot be used; the message says where and what to do.
        NotEnoughMemory: for more samples than there is room for.
    """
    samples = read_samples(data, reading)
    targets, classes = named_targets(samples.targets, task=task, names=names)
    return shaped_data(samples.inputs, targets, classes)


def shaped_data(
    inputs: ShapedRows, targets: Float[np.ndarray, "rows outputs"], classes: tuple[str, ...] | None
) -> FiniteData:
    """Samples as rows that know their shape; their array becomes read-only."""
    matrix = np.ascontiguousarray(inputs.reshape(len(inputs), -1))
    matrix.setflags(write=False)
    return FiniteData(inputs=matrix, targets=targets, classes=classes, shape=sample_shape(inputs.shape[1:]))


def check_count(count: int) -> None:
    """Refuse too few samples to be split.

    Raises:
        InvalidArgument: for fewer than two.
    """
    if count < 2:
        raise invalid("data", f"must hold at least 2 samples, one to train on and one to test, got {count}.")


def length_of(data: Any) -> int | None:
    """How many samples a data set says that it has; None where it does not say.

    Raises:
        InvalidArgument: if its own code fails otherwise.
    """

    def ask() -> int | None:
        try:
            return len(data)
        except (TypeError, NotImplementedError, AttributeError):
            return None

    return attempted(ask, lambda error: invalid("data", f"cannot be asked for its length ({told(error)})."))


def is_loader(data: Any) -> bool:
    """Whether it is a loader of PyTorch's, or looks like one."""
    return hasattr(data, "collate_fn") and hasattr(data, "dataset")


def is_map_style(data: Any) -> bool:
    """Whether samples are had by their places: PyTorch's iterable data sets inherit a ``__getitem__`` that fails."""
    if any(kind.__name__ == "IterableDataset" for kind in type(data).__mro__):
        return False
    return hasattr(type(data), "__getitem__") and length_of(data) is not None


def _length_of_stream(data: Any) -> int | None:
    """The samples that will come; of a loader those of its data set, less what does not fill its last batch."""
    if not is_loader(data):
        return length_of(data)
    length, batch = length_of(data.dataset), data.batch_size
    return length - length % batch if length is not None and batch and data.drop_last else length


def _read_places(data: Any, reading: Reading, length: int) -> Samples:
    def first(rows: int) -> Samples:
        return _gathered(reading.pairs(_sample(data, row, length) for row in range(rows)), rows)

    beginning = min(_READ_AGAIN, reading.count(length))
    before = first(beginning)
    _require_same(before, first(beginning))
    samples = first(reading.count(length))
    _require_same(replace(samples, inputs=samples.inputs[:beginning]), first(beginning))
    return samples


def _sample(data: Any, row: int, length: int) -> object:
    def refusal(error: BaseException) -> InvalidArgument:
        if isinstance(error, (IndexError, StopIteration)):
            found = f"says that it has {length:,} samples, but has none in row {row} (counted from 0)"
            return invalid("data", f"{found}: {told(error)}; correct its length, or read fewer by `limit=`.")
        return unreadable(error, row)

    return attempted(lambda: data[row], refusal)


def _read_stream(data: Any, reading: Reading, length: int | None) -> Samples:
    pairs = reading.pairs(_items(data))
    is_batched = is_loader(data) and data.batch_size is not None
    singles = chain.from_iterable(map(_of_batch, pairs)) if is_batched else _no_batches(pairs)
    wanted = reading.limit if length is None else reading.count(length)
    is_all = length is not None and wanted == length
    samples = _gathered(islice(singles, wanted + is_all if wanted is not None else None), wanted if length else None)
    read = len(samples.targets)
    if length is not None and read != wanted:
        yielded = f"only {read:,}" if read < length else "more"
        raise invalid("data", f"says that it has {length:,} samples, but yields {yielded}; correct its length.")
    return samples


def _items(data: Any) -> Iterator[object]:
    stream = attempted(lambda: iter(data), lambda error: invalid("data", f"cannot be iterated over: {told(error)}."))
    for row in count():
        item = _next(stream, row)
        if item is _END:
            return
        yield item


def _next(stream: Iterator[object], row: int) -> object:
    return attempted(lambda: next(stream, _END), lambda error: unreadable(error, row))


def _of_batch(batch: Pair) -> Iterable[Pair]:
    inputs, targets = batch
    if length_of(inputs) is None or length_of(inputs) != length_of(targets):
        raise invalid("data", "must load batches with a target for each input; correct its collate_fn.")
    return zip(inputs, targets, strict=True)  # type: ignore[call-overload]


def _no_batches(pairs: Iterator[Pair]) -> Iterator[Pair]:
    """The samples of a stream, if its first is no batch of them, by the looks of it."""
    for row, (part, goal) in enumerate(pairs):
        shape, goals = (tuple(getattr(one, "shape", ())) for one in (part, goal))
        if row == 0 and len(shape) > 1 and len(goals) == 1 and goals == shape[:1] != (1,):
            advice = "yield samples one by one; if these are samples, give a list of them"
            raise invalid("data", f"must yield samples, but row 0 looks like a batch of {shape[0]}; {advice}.")
        yield part, goal


def _gathered(pairs: Iterable[Pair], expected: int | None) -> Samples:
    """The samples side by side, in room for as many as are expected, or growing room."""
    inputs, targets = np.empty((0, 0)), list[object]()
    for row, (part, goal) in enumerate(pairs):
        sample = sample_array(part, row)
        if row == 0:
            inputs = room_for(sample, _FIRST_ROOM if expected is None else expected)
        _check_like_the_first(sample, inputs, row)
        if row == len(inputs):
            _require_room(sample, 2 * row)
            inputs.resize((2 * row, *sample.shape), refcheck=False)
        inputs[row] = sample
        targets.append(sample_target(goal, row))
    return Samples(inputs=inputs[: len(targets)].copy() if len(targets) < len(inputs) else inputs, targets=targets)


def room_for(sample: SampleArray, rows: int) -> SampleArray:
    """An array for so many samples like this one.

    Raises:
        NotEnoughMemory: for more than there is room for.
    """
    _require_room(sample, rows)
    return np.empty((rows, *sample.shape), dtype=sample.dtype)


def _require_room(sample: SampleArray, rows: int) -> None:
    require_memory(
        float(rows) * sample.nbytes,
        purpose=f"a data set of {rows:,} samples of the shape {sample.shape}",
        advice="read a part of it by `limit=`",
    )


def _check_like_the_first(sample: SampleArray, inputs: SampleArray, row: int) -> None:
    if sample.shape != inputs.shape[1:]:
        found = f"{inputs.shape[1:]} in row 0 and {sample.shape} in row {row} (counted from 0)"
        raise invalid("data", f"must have samples of one shape, got {found}; crop or pad them to one.")
    if sample.dtype != inputs.dtype:
        found = f"{inputs.dtype} in row 0 and {sample.dtype} in row {row} (counted from 0)"
        raise invalid("data", f"must have pixels of one kind, got {found}; convert them to one.")


def _require_same(one: Samples, other: Samples) -> None:
    """Refuse samples that change from one reading to the next."""
    for row, (first, second) in enumerate(zip(one.inputs, other.inputs, strict=True)):
        if not np.array_equal(first, second):
            advice = "the data set without its random transform, and the transform as `augment=` of benign.from_torch"
            raise invalid("data", f"{_changing('input', row)}; give {advice}.")
        if not np.array_equal(one.targets[row], other.targets[row]):  # type: ignore[arg-type]
            raise invalid("data", f"{_changing('target', row)}; add noise by `label_noise=`.")


def _changing(what: str, row: int) -> str:
    return f"must be the same when it is read again, but the {what} of row {row} (counted from 0) changes"
