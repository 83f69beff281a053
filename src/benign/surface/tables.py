"""A surface as a long table: one row for each (size, time, samples, replicate), for Arrow and what reads Arrow."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet
import xarray as xr

from benign import schema
from benign.foundation.errors import MissingExtra

if TYPE_CHECKING:
    import h5py
    import polars as pl

_BARE_DIMENSION = "This is a netCDF dimension but not a netCDF variable"
_OF_THE_FORMAT = {"CLASS", "NAME", "DIMENSION_LIST", "REFERENCE_LIST", "DIMENSION_LABELS", "_NCProperties"}


def to_arrow(dataset: xr.Dataset) -> pa.Table:
    """The long table of a surface.

    Columns are the axes (``label_noise`` first, where the surface has it), the three numbers of the replicate, then the
    variables. NaN stays NaN, it is not null. The label of the replicate is dictionary-encoded. The surface's attributes
    are JSON in the schema's metadata, under ``benign``; those of its variables in their fields' metadata.
    """
    axes = [axis for axis in (*schema.LEADING, *schema.DIMENSIONS) if axis in dataset.dims]
    shape = {axis: dataset.sizes[axis] for axis in axes}
    columns, fields = [], []
    for name in (*axes, "draw", "initialisation", "noise", *dataset.data_vars):
        column = _replicates(dataset, shape) if name == "replicate" else pa.array(_long(dataset[name], shape))
        columns.append(column)
        fields.append(pa.field(name, column.type, metadata=_attributes(dataset[name])))
    metadata = {"benign": json.dumps(dataset.attrs, default=lambda number: number.item())}
    return pa.Table.from_arrays(columns, schema=pa.schema(fields, metadata=metadata))


def _long(values: xr.DataArray, shape: dict[str, int]) -> np.ndarray:
    """One number a row, repeated over the axes that the variable lacks."""
    missing = {axis: length for axis, length in shape.items() if axis not in values.dims}
    return np.asarray(values.expand_dims(missing).transpose(*shape).values).ravel()


def _replicates(dataset: xr.Dataset, shape: dict[str, int]) -> pa.DictionaryArray:
    labels = dataset["replicate"]
    index = labels.copy(data=np.arange(labels.size, dtype=np.int32), deep=False)
    return pa.DictionaryArray.from_arrays(_long(index, shape), pa.array(labels.values.tolist(), type=pa.string()))


def _attributes(variable: xr.DataArray) -> dict[str, str]:
    return {str(name): str(text) for name, text in variable.attrs.items()}


def to_polars(dataset: xr.Dataset) -> pl.DataFrame:
    """:func:`to_arrow` as a polars frame.

    Raises:
        MissingExtra: if polars is not installed.
    """
    try:
        import polars as pl
    except ImportError as error:
        raise MissingExtra("`to_polars` needs the package 'polars'; install it with: pip install polars") from error
    frame = pl.from_arrow(to_arrow(dataset))
    assert isinstance(frame, pl.DataFrame)
    return frame


def netcdf_bytes(dataset: xr.Dataset) -> bytes:
    """The surface as netCDF-4, made in memory: where a disk is full, HDF5 ends the process that writes to it."""
    import h5netcdf
    from xarray.backends import H5NetCDFStore

    content = io.BytesIO()
    with h5netcdf.File(content, "w") as file:
        encoding = {name: {"zlib": True, "complevel": 4} for name in dataset.data_vars}
        schema.marked(dataset).dump_to_store(H5NetCDFStore(file), encoding=encoding)
    return content.getvalue()


def read_netcdf(path: Path) -> xr.Dataset:
    """Equivalent to ``xarray.load_dataset(path, engine="h5netcdf", decode_times=False)`` for what :func:`netcdf_bytes`
    makes, in a fifth of its time: that asks HDF5 sixty times for each variable.

    Raises:
        OSError: if the file cannot be read.
    """
    import h5py

    with h5py.File(path) as file:
        stored = {name: one for name, one in file.items() if isinstance(one, h5py.Dataset)}
        variables = {name: _variable(name, one, file) for name, one in stored.items() if not _is_bare_dimension(one)}
        return xr.decode_cf(xr.Dataset(variables, attrs=_plain_attributes(file)), decode_times=False)


def _is_bare_dimension(stored: h5py.Dataset) -> bool:
    return _BARE_DIMENSION in str(stored.attrs.get("NAME"))


def _variable(name: str, stored: h5py.Dataset, file: h5py.File) -> xr.Variable:
    import h5py

    scales = stored.attrs.get("DIMENSION_LIST", [])
    dimensions = [file[scale[0]].name.removeprefix("/") for scale in scales] or [name][: stored.ndim]
    if h5py.check_string_dtype(stored.dtype) is None:
        return xr.Variable(dimensions, stored[()], _plain_attributes(stored))
    words = stored.asstr()[()]
    return xr.Variable(dimensions, words.astype(str) if dimensions == [name] else words, _plain_attributes(stored))


def _plain_attributes(stored: h5py.Dataset | h5py.File) -> dict[str, Any]:
    """Attributes as they were set; one number alone was no array."""
    mine = {name: value for name, value in stored.attrs.items() if not name.startswith("_Netcdf4")}
    return {
        name: value[0] if isinstance(value, np.ndarray) and value.shape == (1,) else value
        for name, value in mine.items()
        if name not in _OF_THE_FORMAT
    }


def write_parquet(dataset: xr.Dataset, path: Path) -> None:
    """:func:`to_arrow` as Parquet, compressed with zstd."""
    with path.open("wb") as file:  # pyarrow opens no path that is not UTF-8
        pyarrow.parquet.write_table(to_arrow(dataset), file, compression="zstd")


def write_csv(dataset: xr.Dataset, path: Path) -> None:
    """:func:`to_arrow` as CSV. Every number is read back as it was, by pandas and by polars."""
    table = to_arrow(dataset)
    text = pa.table([_written(column) for column in table.columns], names=table.column_names)
    with path.open("wb") as file:
        pyarrow.csv.write_csv(text, file, pyarrow.csv.WriteOptions(quoting_style="none"))


def _written(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Numbers such that a reader who looks at the first rows alone sees their type: 0.0, not 0; NaN, not nan."""
    if not pa.types.is_floating(column.type):
        return column
    digits = pc.replace_substring_regex(column.cast(pa.string()), r"^(-?\d+)$", r"\1.0")
    return pc.if_else(pc.is_nan(column), "NaN", digits)
