"""A curve as one line of text."""

import numpy as np
import pytest

from benign.cli.sparkline import sparkline


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ([1.0, 10.0, 100.0, 10.0, 1.0], "▁▅█▅▁"),
        ([0.0, 1.0], "▁█"),
        ([2.0, 2.0], "▁▁"),
        ([1.0, np.nan, 10.0], "▁ █"),
        ([np.nan, np.nan], "  "),
        ([1.0, np.inf], "▁█"),
        ([-1.0, -np.inf, 1.0], "▁▁█"),
        ([5.0], "▁"),
    ],
    ids=["logarithmic", "linear with a zero", "flat", "gap", "nothing", "infinite", "minus infinite", "one"],
)
def test_bars(values, line):
    assert sparkline(np.array(values)) == line


def test_a_narrow_peak_is_seen():
    values = np.ones(10_000)
    values[5_000] = 1e6
    line = sparkline(values, width=40)
    assert len(line) == 40
    assert line.count("█") == 1
