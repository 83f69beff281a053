"""A .csv file of a million rows, read, checked and split, against PyArrow's reading it alone. Writes tables.json.

    python benchmarks/tables.py                      # three kinds of file, about two minutes
    python benchmarks/tables.py --rows 100000        # smaller, written nowhere

*Read, checked and split* is `benign.sources.table` with its fingerprint, then one draw of all rows: a training set of
rows - 2,000 and a test set, shuffled, centred and scaled. Alternatives, timed in turns in the same run with their own
numbers of threads: `pyarrow.csv.read_csv` alone; and, for orientation, `pandas.read_csv` with scikit-learn's
`train_test_split`, which neither checks nor scales. Ratios are medians of the rounds' ratios. Peak memory is that of a
new process, above what it holds once a small file has been read, in units of the inputs as an array of float64.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.csv
import sklearn
from machine import describe
from sklearn.model_selection import train_test_split

import benign
from benign.experiments.provenance import PeakMemory
from benign.foundation.replicate import Replicate

OUTPUT = Path(__file__).parent / "tables.json"
ROWS, COLUMNS, ROUNDS = 10**6, 20, 7
FILES = ("numbers", "pixels", "names")


def write(kind: str, rows: int, path: Path) -> None:
    """Numbers of 17 digits and two classes; integers to 255 and ten classes; numbers of 4 digits and named classes."""
    random = np.random.default_rng(0)
    values: np.ndarray = random.standard_normal((rows, COLUMNS))
    label: np.ndarray = (values[:, 0] > 0.0).astype(np.int64)
    if kind == "pixels":
        values, label = random.integers(0, 256, values.shape), random.integers(0, 10, rows)
    elif kind == "names":
        values, label = values.round(3), np.array(["ash", "beech", "cedar", "date"])[random.integers(0, 4, rows)]
    columns = {f"x{index}": values[:, index] for index in range(COLUMNS)}
    pyarrow.csv.write_csv(pa.table({**columns, "label": label}), path)


def with_arrow(path: Path) -> object:
    """The file as a table of PyArrow."""
    return pyarrow.csv.read_csv(path)


def with_pandas(path: Path) -> object:
    """Read and split, nothing else."""
    table = pd.read_csv(path)
    return train_test_split(table.drop(columns="label").to_numpy(), table["label"], test_size=2000, random_state=0)


def with_benign(path: Path) -> object:
    """Read, checked, with the fingerprint that tells its data from others, and split."""
    source = benign.sources.table(path, target="label")
    source.spec()
    return source.draw(source.max_samples, Replicate())


WAYS: dict[str, Callable[[Path], object]] = {"arrow": with_arrow, "pandas": with_pandas, "benign": with_benign}


def timed(path: Path, rounds: int) -> dict[str, list[float]]:
    """Seconds of each way, in turns, what it made freed between them."""
    seconds: dict[str, list[float]] = {name: [] for name in WAYS}
    for round_number in range(-1, rounds):  # the first one warms up
        for name, way in WAYS.items():
            start = time.perf_counter()
            made = way(path)
            passed = time.perf_counter() - start
            del made
            if round_number >= 0:
                seconds[name].append(passed)
                print(f"round {round_number + 1}: {name} {passed:.2f} s", flush=True)
    return seconds


def peak(name: str, path: Path) -> int:
    """Bytes that one way holds at its peak, in a process of its own."""
    child = subprocess.run([sys.executable, __file__, "--peak", name, str(path)], capture_output=True, check=True)
    return int(child.stdout)


def report_peak(name: str, path: Path) -> None:
    """What :func:`peak` reads: how far the resident set grows, once a small file has loaded all there is to load."""
    small = path.with_suffix(".small.csv")
    with path.open() as lines:
        small.write_text("".join(islice(lines, 4000)))
    WAYS[name](small)
    before, highest = psutil.Process().memory_info().rss, PeakMemory()
    kept = WAYS[name](path)
    print(highest.read() - before)
    del kept


def case(kind: str, rows: int, rounds: int) -> dict[str, object]:
    """One kind of file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{kind}.csv"
        write(kind, rows, path)
        size = path.stat().st_size
        peaks = {name: peak(name, path) for name in WAYS}
        seconds = timed(path, rounds)

    def ratio(bottom: str) -> float:
        return round(float(np.median([a / b for a, b in zip(seconds["benign"], seconds[bottom], strict=True)])), 2)

    array = 8 * rows * COLUMNS
    return {
        "rows": rows, "columns": COLUMNS, "file_megabytes": round(size / 1e6),
        "seconds": {name: round(float(np.median(values)), 3) for name, values in seconds.items()},
        "ratio_to_arrow": ratio("arrow"), "ratio_to_pandas": ratio("pandas"),
        "peak_in_arrays_of_float64": {name: round(value / array, 2) for name, value in peaks.items()},
    }  # fmt: skip


def main() -> None:
    """Run and write the JSON beside this script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--peak", nargs=2, metavar=("WAY", "FILE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak:
        report_peak(options.peak[0], Path(options.peak[1]))
        return
    versions = {"pyarrow": pa.__version__, "pandas": pd.__version__, "scikit-learn": sklearn.__version__}
    result: dict[str, object] = {"machine": {**describe(), **versions}}
    result |= {kind: case(kind, options.rows, options.rounds) for kind in FILES}
    text = json.dumps(result, indent=2)
    print(text)
    if options.rows == ROWS:
        OUTPUT.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
