import pyarrow as pa
import pytest
from pyarrow import parquet

from benign.foundation.errors import InvalidArgument
from benign.histories.readers.opening import read_logs
from tests.histories.readers.shown import points


def test_columns_of_numbers_are_read_and_the_others_said(tmp_path):
    path = tmp_path / "history"
    columns = {"_step": [1, 2, 3], "val_loss": [3.0, None, 1.0], "acc": ["0.5", "0.6", ""], "images": [[1], [2], [3]]}
    parquet.write_table(pa.table(columns), path)
    (log,) = read_logs(path)
    assert (log.format, log.axis) == ("Parquet", "step")
    assert points(log) == {"val_loss": [(1, 3.0), (3, 1.0)], "acc": [(1, 0.5), (2, 0.6)]}
    assert any("another kind" in note and note.endswith(": 'images'.") for note in log.notes)


def test_a_damaged_file_gets_a_sentence(tmp_path):
    path = tmp_path / "history"
    parquet.write_table(pa.table({"epoch": [1, 2], "loss": [2.0, 1.0]}), path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InvalidArgument, match="damaged Parquet file"):
        read_logs(path)
