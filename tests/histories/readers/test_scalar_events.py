from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from benign.histories.readers.scalar_events import plain_scalars

event_pb2 = pytest.importorskip("tensorboard.compat.proto.event_pb2", reason="the extra tensorboard is not installed")
summary_pb2 = pytest.importorskip("tensorboard.compat.proto.summary_pb2")

FLOATS = st.floats(width=32, allow_nan=False)
TAGS = st.sampled_from(["loss", "Loss/train", "", "époque", "x" * 120, "y" * 127])
STEPS = st.integers(-2, 2**35 + 5) | st.integers(0, 300)
SCALARS = st.builds(
    lambda tag, step, number, time: event_pb2.Event(
        wall_time=time,
        step=step,
        summary=summary_pb2.Summary(value=[summary_pb2.Summary.Value(tag=tag, simple_value=number)]),
    ).SerializeToString(),
    TAGS, STEPS, FLOATS, st.sampled_from([1.7e9, 0.0]),
)  # fmt: skip


def read(pieces):
    content = b"\0" * 16 + b"".join(pieces)  # as behind the frame of a record
    ends = 16 + np.cumsum([len(piece) for piece in pieces], dtype=np.int64)
    starts = ends - np.array([len(piece) for piece in pieces], dtype=np.int64)
    return plain_scalars(np.frombuffer(content, dtype=np.uint8), starts, ends)


@given(st.lists(SCALARS | st.binary(max_size=40), max_size=12))
@example([])
def test_every_event_that_is_read_is_read_as_protobuf_does(pieces):
    curves, is_plain = read(pieces)
    found = {
        int(row): (tag, int(step), value)
        for tag, curve in curves.items()
        for row, step, value in zip(*curve, strict=True)
    }
    assert sorted(found) == np.flatnonzero(is_plain).tolist()
    for row, triple in found.items():
        event = event_pb2.Event.FromString(pieces[row])
        (value,) = event.summary.value
        assert triple == (value.tag, event.step, value.simple_value)


@pytest.mark.parametrize("step", [0, 1, 127, 128, 2**31])
def test_the_usual_event_is_read(step):
    value = summary_pb2.Summary.Value(tag="Loss/train", simple_value=0.5)
    event = event_pb2.Event(wall_time=1.7e9, step=step, summary=summary_pb2.Summary(value=[value]))
    curves, is_plain = read([event.SerializeToString()] * 3)
    assert is_plain.all()
    assert curves["Loss/train"][1].tolist() == [step] * 3
    assert curves["Loss/train"][2].tolist() == [0.5] * 3


def test_what_writers_write_is_read_so():
    from benign.histories.readers.tfrecord import records_of

    folder = Path(__file__).parents[1] / "logs" / "tensorboard" / "resumed"
    records = records_of(sorted(folder.iterdir())[0].read_bytes())
    curves, _ = plain_scalars(records.content, records.starts, records.ends)
    assert {tag: len(curve[0]) for tag, curve in curves.items()} == {"Loss/train": 30, "Loss/val": 30, "lr": 30}
