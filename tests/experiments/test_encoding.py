"""Blocks as Arrow bytes: what comes back is what went in, bit for bit."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benign.experiments.encoding import CorruptBlock, decode, encode
from benign.experiments.parts import Part
from benign.foundation.errors import BenignError
from benign.foundation.replicate import paired_replicates
from benign.schema import Block
from tests.experiments.measured import block, part

TIMES = (0.5, 1.0, np.inf)
# Above and below the number of rows from which buffers are compressed.
BLOCKS = [
    pytest.param(block(part()), id="one-replicate"),
    pytest.param(block(part(times=TIMES), replicates=paired_replicates(3)), id="times-and-replicates"),
    pytest.param(block(part(sizes=range(1, 400)), replicates=paired_replicates(2)), id="compressed"),
]


def _bits(values: np.ndarray) -> bytes:
    return np.ascontiguousarray(values, dtype=np.float64).tobytes()


def _part_of(measured: Block) -> Part:
    return Part(sizes=measured.sizes, times=measured.times, metrics=frozenset(measured.metrics))


@pytest.mark.parametrize("measured", BLOCKS)
def test_what_is_encoded_is_decoded(measured: Block):
    payloads = encode(measured)
    assert len(payloads) == len(measured.replicates)
    for row, payload in enumerate(payloads):
        cell = decode(payload, _part_of(measured))
        assert set(cell.metrics) == set(measured.metrics)
        for name, values in measured.metrics.items():
            assert _bits(cell.metrics[name]) == _bits(values[row][None])
        np.testing.assert_array_equal(cell.outcome, measured.outcome[row][None])
        assert cell.outcome.dtype == np.int8
        np.testing.assert_array_equal(cell.parameters, measured.parameters)
        for name, values in measured.constants.items():
            assert _bits(cell.constants[name]) == _bits(values[row : row + 1])


def _with_loss(values: np.ndarray, constant: float) -> Block:
    """A block of one size whose test loss at the times is ``values``."""
    measured = block(part(sizes=[1], times=range(len(values)), metrics=["test_loss"]))
    constants = {**measured.constants, "train_loss_constant": np.array([constant])}
    return replace(measured, metrics={"test_loss": values.reshape(1, 1, -1)}, constants=constants)


@pytest.mark.parametrize("repeats", [1, 100], ids=["small", "compressed"])
def test_non_finite_values_are_kept(repeats):
    values = np.array([np.nan, np.inf, -np.inf, -0.0, 0.0, 5e-324, 1.7976931348623157e308] * repeats)
    measured = _with_loss(values, 0.0)
    assert _bits(decode(encode(measured)[0], _part_of(measured)).metrics["test_loss"]) == _bits(values)


@given(values=arrays(np.float64, st.integers(1, 20)), constant=st.floats(allow_nan=False))
def test_any_number_is_kept(values, constant):
    measured = _with_loss(values, constant)
    cell = decode(encode(measured)[0], _part_of(measured))
    assert _bits(cell.metrics["test_loss"]) == _bits(values)
    assert _bits(cell.constants["train_loss_constant"]) == _bits(np.array(constant))


def test_single_precision_is_widened():
    measured = _with_loss(np.array([0.1], dtype=np.float32), 0.0)
    cell = decode(encode(measured)[0], _part_of(measured))
    assert cell.metrics["test_loss"].ravel().tolist() == [float(np.float32(0.1))]


@pytest.mark.parametrize(
    ("wanted", "there"),
    [
        pytest.param(["test_loss"], ["test_loss"], id="one"),
        pytest.param([], [], id="none"),
        pytest.param(["test_loss", "condition"], ["test_loss"], id="one-that-is-not-there"),
        pytest.param(None, ["norm", "test_loss", "train_loss"], id="all"),
    ],
)
def test_only_the_metrics_asked_for_are_read(wanted, there):
    measured = block(part(sizes=range(1, 400)))
    cell = decode(encode(measured)[0], _part_of(measured), wanted)
    assert list(cell.metrics) == there
    for name in there:
        np.testing.assert_array_equal(cell.metrics[name], measured.metrics[name])
    np.testing.assert_array_equal(cell.outcome, measured.outcome)


def test_long_columns_are_compressed():
    long = block(part(sizes=range(1, 2000), metrics=["norm"]))
    flat = replace(long, metrics={"norm": np.ones((1, 1999, 1))})
    assert len(encode(flat)[0]) < 8 * 1999 < len(encode(long)[0])


def test_any_arrow_library_reads_it():
    table = pa.ipc.open_stream(encode(block(part(times=TIMES)))[0]).read_all()
    assert table.schema.names == ["outcome", "parameters", "norm", "test_loss", "train_loss"]
    assert table.num_rows == 9


LONG = part(sizes=range(1, 400))
PAYLOAD = encode(block(LONG))[0]


def _table_of_another_kind() -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, pa.schema([pa.field("x", pa.int64())])):
        pass
    return bytes(sink.getvalue())


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"no block", id="text"),
        pytest.param(PAYLOAD[:300], id="within-the-schema"),
        pytest.param(PAYLOAD[:-2000], id="within-a-column"),
        pytest.param(PAYLOAD[:2000] + bytes(len(PAYLOAD) - 2000), id="zeros-at-the-end"),
        pytest.param(PAYLOAD.replace(b"train_loss_constant", b"train-loss-constant"), id="a-constant-lost"),
        pytest.param(PAYLOAD.replace(b"format", b"tamrof"), id="no-format"),
        pytest.param(_table_of_another_kind(), id="another-table"),
    ],
)
def test_a_damaged_payload_gets_a_sentence(payload):
    with pytest.raises(CorruptBlock, match=r"^A stored block .*\.$") as caught:
        decode(payload, LONG)
    assert isinstance(caught.value, BenignError)


@given(data=st.data())
def test_a_flipped_byte_is_refused_or_read_as_numbers(data):
    at = data.draw(st.integers(0, len(PAYLOAD) - 1))
    damaged = PAYLOAD[:at] + bytes([PAYLOAD[at] ^ data.draw(st.integers(1, 255))]) + PAYLOAD[at + 1 :]
    try:
        cell = decode(damaged, LONG)
    except CorruptBlock:
        return
    assert cell.outcome.shape == (1, len(cell.parameters), 1)


@pytest.mark.parametrize("codec", ["zstd", "lz4"])
def test_what_would_unpack_to_more_than_its_part_has_is_refused_before_it_unpacks(codec, monkeypatch):
    rows = 10_000_000
    columns = [pa.array(np.zeros(rows, dtype=kind)) for kind in (np.int8, np.int64, *[np.float64] * 3)]
    fields = pa.ipc.open_stream(PAYLOAD).schema
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, fields, options=pa.ipc.IpcWriteOptions(compression=codec)) as writer:
        writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=fields))
    before = pa.default_memory_pool().max_memory()
    with pytest.raises(CorruptBlock, match="would unpack to more"):
        decode(bytes(sink.getvalue()), LONG)
    assert pa.default_memory_pool().max_memory() == before
