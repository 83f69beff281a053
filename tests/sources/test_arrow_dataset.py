"""Data sets of Hugging Face, read as columns of Arrow: a stand-in of theirs, and theirs where it is installed."""

from __future__ import annotations

import importlib
import importlib.util
import re
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from benign.foundation.errors import InvalidArgument
from benign.foundation.split import class_indices
from benign.sources import dataset
from tests.optional import needs
from tests.sources.cases import IMAGES, LABELS, pixels


class ClassLabel:
    """As that of ``datasets``."""

    names = ("z", "b", "c")


class Image:
    """As that of ``datasets``."""


class Table:
    """What is asked of a ``datasets.Dataset``, over a table of Arrow."""

    def __init__(self, columns: pa.Table, features: dict[str, Any], kind: str | None = None) -> None:
        self.columns_of_arrow, self.features, self.kind = columns, features, kind

    @property
    def format(self) -> dict[str, Any]:
        return {"type": self.kind, "columns": list(self.features)}

    def __len__(self) -> int:
        return int(self.columns_of_arrow.num_rows)

    def __getitem__(self, place: Any) -> Any:
        return self.columns_of_arrow if self.kind == "arrow" else self.columns_of_arrow.slice(place, 1).to_pylist()[0]

    def with_format(self, kind: str | None) -> Table:
        return Table(self.columns_of_arrow, self.features, kind)

    def select(self, places: range) -> Table:
        return Table(self.columns_of_arrow.take(list(places)), self.features)

    def select_columns(self, names: list[str]) -> Table:
        return Table(self.columns_of_arrow.select(names), {name: self.features[name] for name in names})


def hugging(**columns: Any) -> Table:
    label = {"label": pa.array(LABELS)}
    features = {"label": ClassLabel(), **{name: Image() if name == "image" else None for name in columns}}
    return Table(pa.table({**columns, **label}), {name: features[name] for name in [*columns, "label"]})


LISTS = pa.array(IMAGES.tolist(), pa.list_(pa.list_(pa.list_(pa.uint8()))))
FIXED = pa.FixedSizeListArray.from_arrays(pa.array(IMAGES.ravel()), 24)


def test_columns_of_arrow() -> None:
    found = dataset(hugging(pixels=LISTS))
    np.testing.assert_array_equal(pixels(found), IMAGES)
    assert found.data.inputs.dtype == np.uint8
    assert found.classes == ("z", "b", "c")
    np.testing.assert_array_equal(class_indices(found.data.targets), LABELS)
    flat = dataset(hugging(pixels=FIXED))
    np.testing.assert_array_equal(flat.data.inputs, IMAGES.reshape(30, -1))
    assert flat.data.shape is None
    pieces = pa.chunked_array([LISTS.slice(0, 7), LISTS.slice(7)])
    np.testing.assert_array_equal(
        pixels(dataset(hugging(pixels=pieces, id=LABELS), inputs="pixels", limit=9)), IMAGES[:9]
    )
    numbers = dataset(hugging(a=np.arange(30.0), b=LABELS))
    np.testing.assert_array_equal(numbers.data.inputs, np.column_stack([np.arange(30.0), LABELS]))
    assert (numbers.classes, numbers.data.names) == (("z", "b", "c"), ("a", "b"))
    decoded = dataset(hugging(image=LISTS))  # by the library, here none
    np.testing.assert_array_equal(pixels(decoded), IMAGES)
    transformed = Table(pa.table({"pixels": LISTS, "label": LABELS}), {"label": ClassLabel()}, "custom")
    assert dataset(transformed).classes == ("z", "b", "c")


def test_blocks_of_rows_are_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benign.sources.arrow_dataset._ROWS_AT_ONCE", 7)
    np.testing.assert_array_equal(pixels(dataset(hugging(pixels=LISTS))), IMAGES)
    for place, lists in {8: [1.0, 2.0, 3.0], 14: [0.0], 21: [0.0]}.items():
        rows = [lists if row == place or (place == 14 and row > 14) else [1.0, row] for row in range(30)]
        with pytest.raises(InvalidArgument, match=rf"lists of other lengths in row {place} \(counted from 0\); crop"):
            dataset(hugging(x=pa.array(rows)))


BAD_COLUMNS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "gap": (
        {"x": [[1.0], None] * 15},
        {},
        "`data` must have no missing values, but column 'x' holds a gap in row 1 (c",
    ),
    "inner-gap": (
        {"x": [[1.0, 2.0], [None, 3.0]] * 15},
        {},
        "`data` must have no missing values, but column 'x' holds",
    ),
    "nan": ({"x": [[1.0]] * 29 + [[np.nan]]}, {}, "`data` must be finite, but column 'x' holds nan in row 29 (counted"),
    "text": ({"x": [["a"]] * 30}, {}, "`data` must have numbers as inputs, but column 'x' holds lists of the type str"),
    "nothing": (
        {"x": pa.array([[]] * 30, pa.list_(pa.float64()))},
        {},
        "`data` must have numbers as inputs, but colum",
    ),
    "several": (
        {"x": LISTS, "id": LABELS},
        {},
        "`inputs` must be one column of arrays or images, or columns of number",
    ),
    "image-too": ({"image": LISTS, "id": LABELS}, {}, "`inputs` must be one column of arrays or images, or columns of"),
    "unknown": ({"x": LISTS}, {"inputs": "y"}, "unknown column 'y'; "),
    "too-few": (
        {"x": LISTS},
        {"limit": 1},
        "`data` must hold at least 2 samples, one to train on and one to test, got",
    ),
}


@pytest.mark.parametrize(("columns", "settings", "message"), BAD_COLUMNS.values(), ids=BAD_COLUMNS.keys())
def test_bad_columns_get_a_sentence(columns: dict[str, Any], settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgument, match="^" + re.escape(message)):
        dataset(hugging(**columns), **settings)


def test_labels_that_stand_for_none_are_refused() -> None:
    table = hugging(x=LISTS)
    columns = pa.table({"x": LISTS, "label": [-1, *LABELS[1:]]})
    with pytest.raises(InvalidArgument, match=r"^`target` must be a place among the 3 classes, got -1, which says"):
        dataset(Table(columns, table.features))
    two = pa.table({"x": LISTS, "label": [1 + (label > 0) for label in LABELS]})
    assert dataset(Table(two, table.features)).classes == ("b", "c"), "the other class does not occur"


def test_data_sets_of_hugging_face() -> None:
    needs("datasets", importlib.util.find_spec("datasets") is not None, "not installed: pip install datasets pillow")
    from PIL.Image import fromarray

    datasets: Any = importlib.import_module("datasets")

    label = datasets.ClassLabel(names=["z", "b", "c"])
    features = datasets.Features({"pixels": datasets.Array3D((2, 3, 4), "uint8"), "label": label})
    whole = datasets.Dataset.from_dict({"pixels": IMAGES, "label": LABELS}, features=features)
    assert dataset(whole).spec() == dataset(hugging(pixels=LISTS)).spec()
    np.testing.assert_array_equal(pixels(dataset(whole.select([3, 1, 7, 8]))), IMAGES[[3, 1, 7, 8]])
    files = {"image": [fromarray(one[0]) for one in IMAGES], "label": LABELS}
    named = datasets.Features({"image": datasets.Image(), "label": label})
    images = datasets.Dataset.from_dict(files, features=named)
    for data, limit in ((images, None), (images.to_iterable_dataset(), 30)):
        found = dataset(data, limit=limit)
        np.testing.assert_array_equal(pixels(found), IMAGES[:, :1])
        assert found.classes == ("z", "b", "c")
