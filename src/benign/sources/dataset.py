"""A data set of PyTorch, of Hugging Face, or of one's own code, as a source: its samples are read once, and kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benign.foundation.arguments import checked_name
from benign.foundation.errors import InvalidArgument, attempted, invalid, listed
from benign.foundation.global_randomness import random_states_kept
from benign.foundation.numbers import checked_count
from benign.foundation.progress import doing
from benign.foundation.wording import shown, told
from benign.sources.arrow_dataset import data_of_arrow, is_arrow_dataset
from benign.sources.class_names import class_names
from benign.sources.finite import FiniteData, FiniteSource, source_of
from benign.sources.sample_reading import Reading, data_of_samples, is_loader, is_map_style, length_of
from benign.sources.samples import Name
from benign.sources.tables import TASKS


def dataset(
    data: Any,
    *,
    inputs: str | int | Sequence[str] | None = None,
    target: str | int | None = None,
    task: str = "auto",
    label_noise: float = 0.0,
    test_samples: int | None = None,
    scale: str | float = "standard",
    name: str = "dataset",
    limit: int | None = None,
) -> FiniteSource:
    """Your own data set as a source: images and other arrays with a label or a value each.

    A sample's shape is kept for training loops that take it: of tensors and arrays as it is, of PIL images (channels,
    height, width). Pixels that are uint8 stay so in memory, and are float64, and scaled, where a split is drawn: the
    numbers are those of :func:`arrays` for the same samples. Each draw chooses its test set afresh among all samples;
    where training and test samples come apart, join them: ``ConcatDataset([train, test])``.

    Args:
        data: something with ``__len__`` and ``__getitem__`` (a ``Dataset`` of PyTorch's or torchvision's, a list),
            whose samples are pairs, named tuples or mappings. A ``DataLoader``: its data set is read in order,
            or where that is iterable its batches are. A ``Dataset`` of Hugging Face's: columns of numbers, one column
            of arrays, or one of images. Anything else to iterate over, as a stream.
        inputs: the part of a sample to learn from: a key, a field or a place, where there are more than two parts; of
            a table in columns also a list of their names. All others than the target unless said.
        target: the part to learn, one label or value a sample. Unless said the second of a pair, or the one that is
            called ``label``, ``labels``, ``target``, ``targets`` or ``y``.
        task: as in :func:`arrays`; but integers for which the data set has names are classes, however many.
        label_noise: as in :func:`arrays`.
        test_samples: as in :func:`arrays`.
        scale: as in :func:`arrays`.
        name: what titles and messages call it.
        limit: read the first so many samples, at most; a stream without a length needs it, for it may be endless.

    Raises:
        InvalidArgument: for data or settings that cannot be used, such as samples of different shapes, or ones that
            change when they are read again, as under random augmentation; the message says where and what to do.
        NotEnoughMemory: for more samples than there is room for.

    >>> images = [([[0, 9], [9, 0]], "cross"), ([[9, 9], [0, 0]], "bar"), ([[0, 8], [8, 0]], "cross")]
    >>> source = dataset(images, test_samples=1)
    >>> source.max_samples, source.classes, source.data.shape
    (2, ('bar', 'cross'), (2, 2))
    """
    checked_name("task", task, TASKS)
    most = None if limit is None else checked_count("limit", limit)
    with doing("reading the data set"), random_states_kept():
        found = _data(data, inputs, target, task, most)
    return source_of(found, name=name, label_noise=label_noise, test_samples=test_samples, scale=scale)


def _data(
    data: Any, inputs: Name | Sequence[str] | None, target: Name | None, task: str, limit: int | None
) -> FiniteData:
    whole, is_arrow = attempted(lambda: _looked_at(data), _unusable)
    if is_arrow:
        return data_of_arrow(whole, inputs=inputs, target=target, task=task, limit=limit)
    for argument, part in {"inputs": inputs, "target": target}.items():
        if part is not None and not isinstance(part, (str, int)):
            raise invalid(argument, f"must name one part of a sample, got {shown(part)}.")
    reading = Reading(inputs=inputs, target=target, limit=limit)  # type: ignore[arg-type]
    return data_of_samples(whole, reading, task=task, names=class_names(whole))


def _unusable(error: BaseException) -> InvalidArgument:
    return invalid("data", f"cannot be used ({told(error)}); give a data set with a length and places.")


def _looked_at(data: Any) -> tuple[Any, bool]:
    """The data set, or the one behind a loader; and whether it lies in columns of Arrow."""
    _refuse_other_kinds(data)
    if is_loader(data) and is_map_style(data.dataset):
        _refuse_sampler(data)
        return _looked_at(data.dataset)
    return data, is_arrow_dataset(data)


def _refuse_other_kinds(data: Any) -> None:
    if isinstance(data, Mapping):
        advice = "give one of them, or all joined (torch.utils.data.ConcatDataset, datasets.concatenate_datasets)"
        raise invalid("data", f"must be one data set, got a mapping of {listed(data)}; {advice}.")
    if hasattr(data, "__array__") or hasattr(data, "__dataframe__"):
        advice = "`benign.sources.arrays` takes arrays, `benign.sources.frame` data frames"
        raise invalid("data", f"must be a data set of samples, got {type(data).__name__}; {advice}.")
    if isinstance(data, (str, bytes)) or not (hasattr(data, "__iter__") or hasattr(data, "__getitem__")):
        raise invalid("data", f"must be a data set, a list of samples or a stream of them, got {shown(data)}.")


def _refuse_sampler(loader: Any) -> None:
    """Refuse a loader that leaves samples out: they would be read all the same."""
    drawn, there = length_of(loader.sampler), length_of(loader.dataset)
    if drawn is not None and there is not None and drawn < there:
        found = f"draws {drawn:,} of {there:,} samples by its sampler"
        raise invalid("data", f"{found}; give torch.utils.data.Subset(dataset, indices), or the whole data set.")
