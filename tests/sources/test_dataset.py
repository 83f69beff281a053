"""Data sets of PyTorch, of Hugging Face and of one's own code: the numbers of arrays, and a sentence for each fault."""

from __future__ import annotations

import itertools
import random
import re
from collections import namedtuple
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from benign.diagnosis.data.rows import rows_of
from benign.foundation.errors import InvalidArgument, NotEnoughMemory, UnknownName
from benign.foundation.global_randomness import random_states_kept
from benign.foundation.replicate import Replicate
from benign.foundation.split import class_indices
from benign.sources import FiniteSource, arrays, dataset, sample_reading
from tests.networks.extra import needs_torch
from tests.sources.cases import IMAGES, LABELS, pixels

Named = namedtuple("Named", ["label", "image"])


def pairs(inputs: Any = IMAGES, targets: Any = LABELS) -> list[tuple[Any, Any]]:
    return list(zip(inputs, targets, strict=True))


class Places:
    """A data set that answers as a function says."""

    def __init__(self, answer: Callable[[int], Any], length: int = 30, **named: Any) -> None:
        self.answer, self.length = answer, length
        vars(self).update(named)

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, place: int) -> Any:
        return self.answer(place)


class Stream:
    """Samples one after the other, with a length where one is given."""

    def __init__(self, samples: list[Any]) -> None:
        self.samples = samples

    def __iter__(self) -> Iterator[Any]:
        return iter(self.samples)


class Sized(Stream):
    def __init__(self, samples: list[Any], length: int) -> None:
        super().__init__(samples)
        self.length = length

    def __len__(self) -> int:
        return self.length


def splits_of(source: FiniteSource) -> list[np.ndarray]:
    split = source.draw(11, Replicate(seed=3, draw=1, noise=2))
    return [split.train_inputs, split.test_inputs, split.pool, split.train_targets, split.test_targets]


@pytest.mark.parametrize("scale", ["standard", "unit", "none", 255])
def test_pixels_give_the_numbers_of_arrays_in_an_eighth_of_the_memory(scale: str | float) -> None:
    whole = dataset(pairs(), scale=scale, label_noise=0.2)
    plain = arrays(IMAGES, LABELS, scale=scale, label_noise=0.2)
    assert whole.data.inputs.nbytes * 8 == plain.data.inputs.nbytes
    assert not whole.data.inputs.flags.writeable
    assert (whole.data.shape, whole.classes, whole.test_samples) == (plain.data.shape, plain.classes, 6)
    for one, other in zip(splits_of(whole), splits_of(plain), strict=True):
        np.testing.assert_array_equal(one, other, strict=True)


def test_numbers_are_the_source_that_arrays_make() -> None:
    inputs, values = IMAGES / 7.0 - 9.0, np.linspace(0.0, 1.0, 30)
    assert dataset(pairs(inputs, values), name="arrays").spec() == arrays(inputs, values).spec()
    rows = inputs[:, 0, 0]
    assert dataset(pairs(rows, LABELS), name="arrays").spec() == arrays(rows, LABELS).spec()
    assert dataset(pairs(values, rows), name="arrays").spec() == arrays(values, rows).spec()


def test_pixels_neither_wrap_round_nor_lose_what_is_said_of_rows() -> None:
    """The largest and smallest pixel differ by more than int8 holds, and copies are told as those of float64."""
    doubled = np.repeat(np.where(IMAGES < 90, 3, 250).astype(np.uint8), 2, axis=0)
    whole, plain = dataset(pairs(doubled, LABELS * 2)), arrays(doubled, LABELS * 2)
    assert whole.data.largest == plain.data.largest == 250.0
    np.testing.assert_array_equal(whole.data.row_codes, plain.data.row_codes)
    assert whole.notes(48, Replicate()) == plain.notes(48, Replicate()) != ()
    seen = rows_of(whole, whole.draw(9, Replicate())).inputs
    np.testing.assert_array_equal(seen, plain.data.inputs, strict=True)


PARTS: dict[str, tuple[Callable[[np.ndarray, int], Any], dict[str, Any]]] = {
    "pair": (lambda x, y: (x, y), {}),
    "list": (lambda x, y: [x, y], {}),
    "named-tuple": (Named, {"inputs": "label", "target": "image"}),
    "named-tuple-by-its-names": (lambda x, y: Named(y, x), {}),
    "mapping": (lambda x, y: {"labels": y, "image": x}, {}),
    "mapping-that-is-told": (lambda x, y: {"kind": y, "image": x, "row": 1}, {"inputs": "image", "target": "kind"}),
    "three": (lambda x, y: (7, y, x), {"inputs": 2, "target": 1}),
    "the-other-one": (lambda x, y: {"a": x, "b": y}, {"inputs": "a", "target": "b"}),
    "target-first": (lambda x, y: (y, x), {"target": 0}),
}


@pytest.mark.parametrize(("make", "named"), PARTS.values(), ids=PARTS.keys())
def test_which_part_is_which(make: Callable[[np.ndarray, int], Any], named: dict[str, Any]) -> None:
    found = dataset([make(x, y) for x, y in pairs()], **named)
    np.testing.assert_array_equal(pixels(found), IMAGES)
    np.testing.assert_array_equal(class_indices(found.data.targets), LABELS)


@pytest.mark.parametrize(
    ("make", "limit", "rows"),
    [
        pytest.param(lambda: Stream(pairs()), 20, 20, id="stream"),
        pytest.param(lambda: Stream(pairs()), 500, 30, id="stream-that-ends"),
        pytest.param(lambda: ((IMAGES[i % 30], i % 3) for i in itertools.count()), 300, 300, id="endless"),
        pytest.param(lambda: Sized(pairs(), 30), None, 30, id="with-a-length"),
        pytest.param(lambda: Sized(pairs(), 30), 12, 12, id="part-of-it"),
        pytest.param(pairs, 12, 12, id="part-of-a-list"),
        pytest.param(lambda: Places(lambda i: pairs()[i]), None, 30, id="by-places"),
    ],
)
def test_how_many_are_read(make: Callable[[], Any], limit: int | None, rows: int) -> None:
    found = pixels(dataset(make(), limit=limit))
    np.testing.assert_array_equal(found, IMAGES[np.arange(rows) % 30])


def test_names_of_classes() -> None:
    names = ["ash", "yew", "oak"]
    assert dataset(Places(lambda i: pairs()[i], classes=names)).classes == tuple(names)
    part = Places(lambda i: pairs()[i], dataset=Places(lambda i: pairs()[i], classes=names))
    joined = Places(lambda i: pairs()[i], datasets=[part, part])
    assert dataset(joined).classes == tuple(names)
    mixed = Places(lambda i: pairs()[i], datasets=[part, Places(lambda i: pairs()[i])])
    assert dataset(mixed).classes == ("0", "1", "2")
    many = [f"kind {i}" for i in range(60)]
    assert dataset(Places(lambda i: (i, i), 60, classes=many)).classes == tuple(many), "integers that have names"
    other = dataset(Places(lambda i: pairs()[i], classes=many))
    assert other.classes == ("0", "1", "2"), "a transform may have made fewer of them"
    assert dataset(Places(lambda i: pairs()[i], classes=names), task="regression").classes is None
    assert dataset(pairs(IMAGES, ["b", "a"] * 15)).classes == ("a", "b")


def test_global_random_states_are_as_before() -> None:
    def draws(place: int) -> Any:
        np.random.seed(place)  # noqa: NPY002
        return np.random.rand(), random.random() < 2.0 and place  # noqa: NPY002

    numpy_state = np.random.get_state()  # noqa: NPY002
    dataset(Places(draws))
    np.testing.assert_equal(np.random.get_state(), numpy_state)  # noqa: NPY002
    state = random.getstate()  # beartype draws from it, too
    with random_states_kept():
        random.seed(1)
    assert random.getstate() == state


def test_images_of_pil() -> None:
    image = pytest.importorskip("PIL.Image")
    grey, colours = IMAGES[:, 0], IMAGES.repeat(2, axis=1)[:, :3]
    found = dataset(pairs([image.fromarray(one) for one in grey]))
    np.testing.assert_array_equal(pixels(found), grey[:, None])
    pictures = [image.fromarray(one.transpose(1, 2, 0)) for one in colours]
    np.testing.assert_array_equal(pixels(dataset(pairs(pictures))), colours)
    placed = [one.convert("P", palette=image.Palette.ADAPTIVE) for one in pictures]
    np.testing.assert_array_equal(pixels(dataset(pairs(placed))), colours, "a palette's colours, not their places")
    ink = dataset(pairs([image.fromarray(one > 90) for one in grey]))
    np.testing.assert_array_equal(pixels(ink), np.where(grey > 90, 255, 0)[:, None])
    with pytest.raises(InvalidArgument, match=r"of one shape, got \(1, 3, 4\) in row 0 and \(3, 3, 4\) in row 1 "):
        dataset(pairs([image.fromarray(grey[0]), *pictures[1:]]))


def raising(place: int) -> Any:
    if place == 17:
        raise ZeroDivisionError("by 0")
    return pairs()[place]


def at(place: int, other: Any, samples: list[tuple[Any, Any]] | None = None) -> list[Any]:
    """The samples, another one in a place."""
    return [other if i == place else sample for i, sample in enumerate(samples or pairs())]


class Wobbly:
    """A data set whose own code fails wherever it is asked."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(f"no {name}")


FLOATS = pairs(IMAGES / 255.0)
SHOWN = np.random.default_rng(3)
BAD: dict[str, tuple[Any, dict[str, Any], str]] = {
    "empty": ([], {}, "`data` must hold at least 2 samples, one to train on and one to test, got 0."),
    "one": (pairs()[:1], {}, "`data` must hold at least 2 samples"),
    "empty-stream": (Stream([]), {"limit": 9}, "`data` must hold at least 2 samples"),
    "no-length": (Stream(pairs()), {}, "`limit` must say how many samples to read: the data have no length, and may"),
    "too-long-by-its-length": (
        Places(lambda i: pairs()[i], 31),
        {},
        "`data` says that it has 31 samples, but has none",
    ),
    "stops-early": (Sized(pairs(), 31), {}, "`data` says that it has 31 samples, but yields only 30; correct its"),
    "goes-on": (Sized(pairs(), 29), {}, "`data` says that it has 29 samples, but yields more; correct its length."),
    "no-length-of-its-own": (Places(lambda i: i, -1), {}, "`data` cannot be asked for its length (ValueError:"),
    "shapes": (at(20, (IMAGES[0, :1], 1)), {}, "`data` must have samples of one shape, got (2, 3, 4) in row 0 and (1"),
    "kinds": (at(20, FLOATS[20]), {}, "`data` must have pixels of one kind, got uint8 in row 0 and float64 in row 20"),
    "no-pair": (list(IMAGES), {}, "`data` must hold pairs of an input and a target, or mappings, got ndarray of the"),
    "no-pair-later": (at(20, IMAGES[0]), {}, "`data` must hold pairs of an input and a target, or mappings, got nd"),
    "shorter": (at(20, (IMAGES[0],)), {}, "`data` lacks 1 in row 20 (counted from 0): a tuple of 1."),
    "three": (
        [(x, y, 0) for x, y in pairs()],
        {},
        "`target` must say which part of a sample is meant, one of 0, 1 and",
    ),
    "nameless": ([{"a": x, "b": y} for x, y in pairs()], {}, "`target` must say which part of a sample is meant"),
    "two-inputs": ([{"a": 1, "b": 2, "y": 3}] * 9, {}, "`inputs` must say which part of a sample is meant, one of 'a'"),
    "no-such-part": (pairs(), {"inputs": "image"}, "`data` lacks 'image' in row 0 (counted from 0): a tuple of 2."),
    "same-part": (pairs(), {"inputs": 1, "target": 1}, "`inputs` must not be the target 1: it would be learnt from"),
    "parts": (pairs(), {"inputs": ["a"]}, "`inputs` must name one part of a sample, got ['a']."),
    "nan": (at(20, (IMAGES[0] * np.nan, 1), FLOATS), {}, "`data` must be finite, got nan in row 20 (counted from 0);"),
    "text": (pairs(["a"] * 30), {}, "`data` must have numbers as inputs, got 'a' in row 0 (counted from 0); encode"),
    "ragged": (pairs([[[1], [1, 2]]] * 30), {}, "`data` must have rows of equal length, got a ragged list."),
    "nothing": (pairs([[]] * 30), {}, "`data` must have at least one number as input, got the shape (0,) in row 0"),
    "no-target": (at(20, (IMAGES[0], None)), {}, "`data` must have a target for each sample, got None in row 20"),
    "nan-target": (at(20, (IMAGES[0], np.nan)), {}, "`data` must have a target for each sample, got nan in row 20"),
    "mask": (pairs(IMAGES, IMAGES[:, 0]), {}, "`data` must have one label or value a sample as target, got ndarray of"),
    "boxes": (pairs(IMAGES, [{"boxes": []}] * 30), {}, "`data` must have one label or value a sample as target, got a"),
    "one-hot": (pairs(IMAGES, np.eye(3)[LABELS]), {}, "`target` must be one column, got the shape (30, 3) of float64;"),
    "one-class": (pairs(IMAGES, [1] * 30), {}, "`target` must vary, got 1 in every row; there is nothing to learn."),
    "mixed-labels": (at(20, (IMAGES[0], "b")), {}, "`target` must be all of one kind, got a number and str; convert"),
    "raises": (Places(raising), {}, "`data` cannot be read in row 17 (counted from 0): ZeroDivisionError: by 0."),
    "raises-in-a-stream": ((raising(i) for i in range(30)), {"limit": 30}, "`data` cannot be read in row 17 (counted"),
    "augmented": (
        Places(lambda i: (IMAGES[i] + SHOWN.random(), LABELS[i])),
        {},
        "`data` must be the same when it is read again, but the input of row 0 (counted from 0) changes; give the data",
    ),
    "noisy-labels": (
        Places(lambda i: (IMAGES[i], SHOWN.random())),
        {},
        "`data` must be the same when it is read again",
    ),
    "batches": (
        Stream([(IMAGES, np.array(LABELS))] * 2),
        {"limit": 9},
        "`data` must yield samples, but row 0 looks lik",
    ),
    "splits": (
        {"train": pairs()},
        {},
        "`data` must be one data set, got a mapping of 'train'; give one of them, or al",
    ),
    "array": (IMAGES, {}, "`data` must be a data set of samples, got ndarray; `benign.sources.arrays` takes arrays"),
    "table": (pa.table({"a": [1]}), {}, "`data` must be a data set of samples, got Table; `benign.sources.arrays`"),
    "name": ("mnist", {}, "`data` must be a data set, a list of samples or a stream of them, got 'mnist'."),
    "number": (3, {}, "`data` must be a data set, a list of samples or a stream of them, got 3."),
    "wobbly": (Wobbly(), {}, "`data` cannot be used (RuntimeError: no __"),
    "no-limit": (pairs(), {"limit": 0}, "`limit` must be a positive integer, got 0."),
}


@pytest.mark.parametrize(("data", "settings", "message"), BAD.values(), ids=BAD.keys())
def test_bad_data_get_a_sentence(data: Any, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgument, match="^" + re.escape(message)) as caught:
        dataset(data, **settings)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_augmentation_that_begins_late_is_noticed_at_the_end() -> None:
    read: list[int] = []

    def late(place: int) -> Any:
        read.append(place)
        return IMAGES[place] + float(len(read) > 40), LABELS[place]

    advice = "without its random transform, and the transform as `augment=` of benign.from_torch"
    with pytest.raises(InvalidArgument, match=rf"the input of row 0 .* changes; give the data set {advice}\.$"):
        dataset(Places(late))
    assert read == [*range(8), *range(8), *range(30), *range(8)]


def test_an_unknown_task() -> None:
    with pytest.raises(UnknownName, match="unknown task 'classify'"):
        dataset(pairs(), task="classify")


def test_more_than_memory_holds_is_refused_after_the_first_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benign.foundation.memory.available_bytes", lambda: 2**20)
    read: list[int] = []

    def large(place: int) -> Any:
        read.append(place)
        return np.zeros((3, 50, 50), dtype=np.uint8), place

    with pytest.raises(
        NotEnoughMemory, match=r"^a data set of 1,000 samples of the shape \(3, 50, 50\) needs .*`limit="
    ):
        dataset(Places(large, 1000))
    assert len(read) < 2 * sample_reading._READ_AGAIN + 2
    source = dataset(pairs())
    monkeypatch.setattr("benign.foundation.memory.available_bytes", lambda: 30 * 24)
    with pytest.raises(NotEnoughMemory, match=r"^a draw of 30 rows of 24 numbers needs"):
        source.draw(3, Replicate())


def test_arrays_ask_for_their_shape_once() -> None:
    class Once:
        asked = 0

        def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
            self.asked += 1
            assert self.asked == 1
            return IMAGES

    assert arrays(Once(), LABELS).data.shape == (2, 3, 4)


def test_data_sets_and_loaders_of_pytorch() -> None:
    needs_torch()
    import torch
    from torch.utils.data import ConcatDataset, DataLoader, Subset, TensorDataset

    before = torch.get_rng_state()
    whole = TensorDataset(torch.from_numpy(IMAGES), torch.tensor(LABELS))
    expected = dataset(pairs()).spec()
    parts = [Subset(whole, range(10)), Subset(whole, range(10, 30))]
    mixed = DataLoader(whole, batch_size=7, shuffle=True, drop_last=True)
    data: Any
    for data in (whole, mixed, ConcatDataset(parts), DataLoader(ConcatDataset(parts))):
        assert dataset(data).spec() == expected
    np.testing.assert_array_equal(pixels(dataset(parts[1])), IMAGES[10:])
    rough = TensorDataset(torch.arange(12.0).bfloat16()[:, None], torch.tensor(LABELS[:12]))
    np.testing.assert_array_equal(dataset(rough).data.inputs[:, 0], np.arange(12.0))
    noisy = Places(lambda i: (torch.rand(3), i))
    with pytest.raises(InvalidArgument, match="changes; give the data set without its random transform"):
        dataset(noisy)
    assert torch.equal(torch.get_rng_state(), before)
    sampled = DataLoader(whole, sampler=torch.utils.data.SubsetRandomSampler(range(12)))
    with pytest.raises(
        InvalidArgument, match=r"^`data` draws 12 of 30 samples by its sampler; give torch\.utils\.data\."
    ):
        dataset(sampled)


def test_loaders_of_streams_give_their_batches() -> None:
    needs_torch()
    import torch
    from torch.utils.data import DataLoader, IterableDataset

    class Some(IterableDataset[Any]):
        def __iter__(self) -> Iterator[Any]:
            yield from ((torch.from_numpy(x), y) for x, y in pairs())

    class Counted(Some):
        def __len__(self) -> int:
            return 30

    expected = dataset(pairs()).spec()
    for data in (DataLoader(Counted(), batch_size=7), DataLoader(Counted(), batch_size=None), Counted()):
        assert dataset(data).spec() == expected
    assert len(dataset(DataLoader(Counted(), batch_size=7, drop_last=True)).data.inputs) == 28
    np.testing.assert_array_equal(pixels(dataset(DataLoader(Some(), batch_size=7), limit=10)), IMAGES[:10])
    with pytest.raises(InvalidArgument, match=r"^`limit` must say how many samples to read"):
        dataset(DataLoader(Some(), batch_size=7))
