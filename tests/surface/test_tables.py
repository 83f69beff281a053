"""A surface in other hands: Arrow, pandas, polars, DuckDB, Parquet, CSV; every number arrives as it was."""

import builtins
import json

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import xarray as xr

import benign
from benign import schema
from benign.foundation.errors import MissingExtra, OutputFailed
from benign.foundation.replicate import crossed_replicates

COORDINATES = ["size", "time", "samples", "replicate", "draw", "initialisation", "noise"]


def _dataset(levels: tuple[float, ...] | None, times: tuple[float, ...]) -> xr.Dataset:
    """Every number different, but for some that are not finite."""
    lengths = {"label_noise": len(levels or ()), "size": 3, "time": len(times), "samples": 2, "replicate": 4}
    axes = [axis for axis in lengths if lengths[axis]]
    few = [axis for axis in axes if axis not in ("size", "time")]

    def numbers(axes: list[str]) -> np.ndarray:
        shape = [lengths[axis] for axis in axes]
        return np.arange(np.prod(shape), dtype=float).reshape(shape) / 7

    loss = numbers(axes)
    loss.flat[:4] = np.nan, np.inf, -np.inf, -0.0
    dataset = xr.Dataset(
        {
            "test_loss": (axes, loss),
            "train_loss": (axes, np.zeros(loss.shape)),
            "condition": (axes, np.full(loss.shape, np.nan)),
            "outcome": (axes, np.zeros(loss.shape, dtype=np.int8)),
            "parameters": ("size", [7, 14, 35]),
            "train_loss_constant": (few, numbers(few)),
        },
        coords={
            "size": [1, 2, 5],
            "time": list(times),
            "samples": [10, 20],
            **schema.replicate_coordinates(crossed_replicates(2, 1, 2)),
        },
        attrs={"title": 'a "made up" surface', "classes": np.int64(10), "seconds": 0.5},
    )
    return schema.described(dataset if levels is None else dataset.assign_coords(label_noise=list(levels)))


@pytest.fixture(
    params=[
        pytest.param((None, (np.inf,)), id="end-of-training"),
        pytest.param((None, (1.0, 2.0, np.inf)), id="times"),
        pytest.param(((0.0, 0.2), (1.0, np.inf)), id="label-noise"),
    ]
)
def surface(request) -> benign.Surface:
    return benign.Surface(_dataset(*request.param))


@pytest.fixture
def expected(surface) -> pd.DataFrame:
    """The long table that xarray makes, its columns in our order."""
    frame = surface.dataset.to_dataframe(
        dim_order=[d for d in ("label_noise", *schema.DIMENSIONS) if d in surface.dataset.dims]
    )
    frame = frame.reset_index().astype({"replicate": str})
    first = [name for name in ("label_noise", *COORDINATES) if name in frame]
    return frame[[*first, *surface.dataset.data_vars]]


def _same(table: pd.DataFrame, expected: pd.DataFrame) -> None:
    assert list(table.columns) == list(expected.columns)
    assert table["replicate"].astype(str).tolist() == expected["replicate"].tolist()
    for name in expected.columns.drop("replicate"):
        ours, theirs = table[name].to_numpy(dtype=float), expected[name].to_numpy(dtype=float)
        np.testing.assert_array_equal(ours, theirs, err_msg=name)
        np.testing.assert_array_equal(np.signbit(ours[ours == 0]), np.signbit(theirs[theirs == 0]), err_msg=name)


def _asked(query: str, surface: benign.Surface | None = None) -> duckdb.DuckDBPyRelation:
    """What DuckDB answers; a query may name the argument ``surface``."""
    answer = duckdb.sql(query)
    assert answer is not None
    return answer


def test_arrow_has_a_row_a_point(surface, expected):
    table = surface.to_arrow()
    _same(table.to_pandas(), expected)
    assert table.schema.field("replicate").type == pa.dictionary(pa.int32(), pa.string())
    assert table.schema.field("outcome").type == pa.int8()
    assert sum(column.null_count for column in table.columns) == 0


def test_arrow_keeps_the_attributes(surface):
    said = surface.to_arrow().schema
    assert json.loads(said.metadata[b"benign"]) == surface.dataset.attrs
    assert said.field("test_loss").metadata[b"long_name"].decode() == schema.METRICS["test_loss"]


def test_pandas(surface, expected):
    frame = surface.to_pandas()
    _same(frame, expected)
    assert frame["replicate"].dtype == "category"


def test_polars(surface, expected):
    frame = surface.to_polars()
    assert isinstance(frame, pl.DataFrame)
    _same(frame.to_pandas(), expected)


@pytest.mark.parametrize(
    "read",
    [
        pytest.param(lambda surface: pa.table(surface).to_pandas(), id="pyarrow"),
        pytest.param(lambda surface: pl.DataFrame(surface).to_pandas(), id="polars"),
        pytest.param(lambda surface: _asked("from surface", surface).df(), id="duckdb"),
    ],
)
def test_whoever_reads_arrow_reads_a_surface(surface, expected, read):
    _same(read(surface), expected)


def test_duckdb_reads_the_parquet_file(surface, expected, tmp_path):
    path = surface.to_parquet(tmp_path / "deep" / "surface.parquet")
    ordered = ", ".join(name for name in expected.columns[:4])
    _same(_asked(f"from '{path}' order by {ordered}").df(), expected)  # inf is the last time
    mean = _asked(f"select avg(test_loss) from '{path}' where replicate = '1-0-1' and time = 'inf' and size = 5")
    rows = expected.query("replicate == '1-0-1' and time == inf and size == 5")
    assert mean.fetchall()[0][0] == pytest.approx(rows["test_loss"].mean())


def test_parquet_keeps_the_attributes(surface, expected, tmp_path):
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(surface.to_parquet(tmp_path / "surface.parquet"))
    assert json.loads(table.schema.metadata[b"benign"])["title"] == 'a "made up" surface'
    _same(table.to_pandas(), expected)


@pytest.mark.parametrize(
    "read",
    [
        pytest.param(pd.read_csv, id="pandas"),
        pytest.param(lambda path: pl.read_csv(path).to_pandas(), id="polars"),
        pytest.param(lambda path: pl.read_csv(path, infer_schema_length=1).to_pandas(), id="polars-from-one-row"),
    ],
)
def test_csv_is_read_back(surface, expected, tmp_path, read):
    frame = read(surface.to_csv(tmp_path / "surface.csv"))
    _same(frame, expected)
    for name in ("time", "test_loss", "train_loss", "condition"):
        assert frame[name].dtype == np.float64


def test_csv_keeps_every_digit(tmp_path):
    dataset = _dataset(None, (np.inf,))
    values = np.random.default_rng(0).random(dataset["test_loss"].shape) * 10.0 ** np.arange(-15, 9).reshape(3, 1, 2, 4)
    surface = benign.Surface(dataset.assign(test_loss=dataset["test_loss"].copy(data=values)))
    frame = pl.read_csv(surface.to_csv(tmp_path / "surface.csv"))
    np.testing.assert_array_equal(frame["test_loss"].to_numpy(), values.ravel())


@pytest.mark.parametrize("name", ["to_csv", "to_parquet"])
def test_a_file_in_the_way_gets_a_sentence(surface, tmp_path, name):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputFailed, match="choose another place"):
        getattr(surface, name)(tmp_path / "file" / "surface")


def test_without_polars_it_says_what_to_install(surface, monkeypatch):
    real = builtins.__import__

    def without_polars(name, *arguments, **options):
        if name == "polars":
            raise ImportError(name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without_polars)
    with pytest.raises(MissingExtra, match="pip install polars"):
        surface.to_polars()
