"""A measured block as bytes and back: for each replicate one Arrow IPC stream, which any Arrow library reads.

The stream holds one record batch. Its rows are size x time in C order; its columns are ``outcome``, ``parameters`` and
one a metric; its schema's metadata holds the version of this format and the risks of the best constant predictors.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Collection

import numpy as np
import pyarrow as pa

from benign.experiments.parts import Part
from benign.foundation.errors import BenignError
from benign.foundation.replicate import Replicate
from benign.schema import CONSTANTS, FORMAT, Block, name_today

_FORMATS = (b"1", str(FORMAT).encode())  # they differ in what some metrics are called
_LEADING = ("outcome", "parameters")
# Places of fields in the tables of Arrow's Message.fbs.
_MESSAGE_HEADER, _BATCH_BUFFERS, _BATCH_COMPRESSION = 8, 8, 10
_LARGEST_NUMBER = 8
# To start compressing costs about 20 microseconds a column. Below this many rows it saves a tenth of the bytes, from
# there on a third to a half.
_WORTH_COMPRESSING_ROWS = 256


class CorruptBlock(BenignError, ValueError):
    """Bytes that hold no measured block."""


def encode(block: Block) -> tuple[bytes, ...]:
    """One stream for each replicate of the block. Non-finite values are kept as they are.

    Args:
        block: with its constants; metrics are stored in float64, the outcome in int8.
    """
    names = tuple(sorted(block.metrics))
    replicates = len(block.replicates)
    outcome = _rows(block.outcome, np.int8, replicates)
    parameters = np.repeat(np.asarray(block.parameters, dtype=np.int64), len(block.times))
    metrics = [_rows(block.metrics[name], np.float64, replicates) for name in names]
    payloads = []
    for row in range(replicates):
        constants = {name: float(values[row]).hex() for name, values in block.constants.items()}
        metadata = {"format": _FORMATS[-1], **constants}
        columns = [outcome[row], parameters, *(values[row] for values in metrics)]
        payloads.append(_stream(_schema(names).with_metadata(metadata), columns))
    return tuple(payloads)


def decode(
    payload: bytes, part: Part, metrics: Collection[str] | None = None, replicates: tuple[Replicate, ...] = ()
) -> Block:
    """Read what :func:`encode` wrote. Bytes that somebody else wrote do no harm: they are refused before they unpack.

    Args:
        payload: one stream, of this format or the one before.
        part: what the block holds.
        metrics: read and decompress only these, as far as they are there; None for all.
        replicates: the one that the block is of, where it is known.

    Returns:
        the block of that replicate alone.

    Raises:
        CorruptBlock: if the payload is damaged, of another format or no block of that part.
    """
    try:
        return _read(payload, part, metrics, replicates)
    except CorruptBlock:
        raise
    except (pa.ArrowException, LookupError, ValueError, OSError, StopIteration, OverflowError, struct.error) as error:
        raise CorruptBlock(
            "A stored block is damaged and cannot be read; measure it again with `benign resume RUN`."
        ) from error


def _read(payload: bytes, part: Part, metrics: Collection[str] | None, replicates: tuple[Replicate, ...]) -> Block:
    schema = pa.ipc.open_stream(payload).schema
    metadata = schema.metadata or {}
    if metadata.get(b"format") not in _FORMATS:
        raise CorruptBlock("A stored block has a format that this version of benign does not read; update benign.")
    rows = len(part.sizes) * len(part.times)
    if not schema.equals(_schema(tuple(schema.names[len(_LEADING) :]))):
        raise CorruptBlock("A stored block has other columns than numbers.")
    _check_expansion(payload, rows)
    names = [name_today(name) for name in schema.names]
    fields = [i for i, name in enumerate(names) if metrics is None or name in metrics or name in _LEADING]
    options = pa.ipc.IpcReadOptions(use_threads=False, included_fields=fields)
    batch = pa.ipc.open_stream(payload, options=options).read_next_batch()
    batch.validate()
    if batch.num_rows != rows:
        raise CorruptBlock("A stored block has more or fewer rows than its part.")
    shape = (1, len(part.sizes), len(part.times))
    columns = {names[i]: column.to_numpy().reshape(shape) for i, column in zip(fields, batch.columns, strict=True)}
    return Block(
        replicates=replicates,
        sizes=part.sizes,
        times=part.times,
        outcome=columns.pop("outcome"),
        parameters=columns.pop("parameters")[0, :, 0],
        metrics=columns,
        constants={name: np.array([float.fromhex(metadata[name.encode()].decode())]) for name in CONSTANTS},
    )


def _check_expansion(payload: bytes, rows: int) -> None:
    """Refuse columns that would unpack to more than ``rows`` numbers: Arrow makes room for whatever they claim.

    Walks through the batch's header, a FlatBuffer, as Arrow's ``Message.fbs`` describes it.
    """
    stream = pa.BufferReader(payload)
    pa.ipc.read_message(stream)
    message = pa.ipc.read_message(stream)
    if message.type != "record batch":
        raise CorruptBlock("A stored block begins with something else than its numbers.")
    header, body = memoryview(message.metadata), memoryview(message.body or b"")
    (batch,) = _pointers(header, _followed(header, 0), _MESSAGE_HEADER)
    buffers, compression = _pointers(header, batch, _BATCH_BUFFERS, _BATCH_COMPRESSION)
    if not compression:
        return
    (count,) = struct.unpack_from("<I", header, buffers)
    for offset, length in struct.iter_unpack("<qq", header[buffers + 4 : buffers + 4 + 16 * count]):
        if length and struct.unpack_from("<q", body, offset)[0] > _LARGEST_NUMBER * rows:
            raise CorruptBlock("A stored block would unpack to more numbers than its part has.")


def _pointers(header: memoryview, table: int, *fields: int) -> tuple[int, ...]:
    """Where the fields of a FlatBuffer's table point to; 0 for one that is not there."""
    layout = table - struct.unpack_from("<i", header, table)[0]
    (size,) = struct.unpack_from("<H", header, layout)
    places = [struct.unpack_from("<H", header, layout + field)[0] if field < size else 0 for field in fields]
    return tuple(_followed(header, table + place) if place else 0 for place in places)


def _followed(header: memoryview, place: int) -> int:
    return int(place + struct.unpack_from("<I", header, place)[0])


def _rows(values: np.ndarray, dtype: type[np.generic], replicates: int) -> np.ndarray:
    return np.ascontiguousarray(values, dtype=dtype).reshape(replicates, -1)


@functools.cache
def _schema(metrics: tuple[str, ...]) -> pa.Schema:
    return pa.schema(
        [
            pa.field("outcome", pa.int8(), nullable=False),
            pa.field("parameters", pa.int64(), nullable=False),
            *(pa.field(name, pa.float64(), nullable=False) for name in metrics),
        ]
    )


def _stream(schema: pa.Schema, columns: list[np.ndarray]) -> bytes:
    rows = len(columns[0])
    arrays = [
        pa.Array.from_buffers(field.type, rows, [None, pa.py_buffer(column)])
        for field, column in zip(schema, columns, strict=True)
    ]
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema, options=_options(rows >= _WORTH_COMPRESSING_ROWS)) as writer:
        writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))
    return bytes(sink.getvalue())


@functools.cache
def _options(compressed: bool) -> pa.ipc.IpcWriteOptions:
    return pa.ipc.IpcWriteOptions(compression=pa.Codec("zstd", 1) if compressed else None, use_threads=False)
