"""Replicates side by side: the same measurement with one and with two worker processes. Writes workers.json.

python benchmarks/workers.py
"""

from __future__ import annotations

import json
import statistics
import time
from pathlib import Path

from joblib.externals.loky import get_reusable_executor
from machine import describe

import benign

SAMPLES, REPLICATES, ROUNDS = 500, 12, 3


def seconds(workers: int) -> float:
    """Wall time of one measurement, worker processes already started."""
    start = time.perf_counter()
    benign.measure(
        benign.RandomFourier(), benign.sources.digits(label_noise=0.1), samples=[SAMPLES], replicates=REPLICATES,
        workers=workers,
    )  # fmt: skip
    return time.perf_counter() - start


def main() -> None:
    """Interleaved rounds; writes the JSON beside this script."""
    benign.measure(benign.RandomFourier(), benign.sources.digits(), samples=[50], replicates=4, workers=2)
    rounds = [(seconds(1), seconds(2)) for _ in range(ROUNDS)]
    get_reusable_executor().shutdown()
    result = {
        "case": {"samples": SAMPLES, "sizes": f"every, 1..{10 * SAMPLES}", "replicates": REPLICATES},
        "machine": describe(),
        "seconds_one_worker": round(statistics.median(one for one, _ in rounds), 2),
        "seconds_two_workers": round(statistics.median(two for _, two in rounds), 2),
        "speedup": round(statistics.median(one / two for one, two in rounds), 3),
    }
    text = json.dumps(result, indent=2)
    print(text)
    (Path(__file__).parent / "workers.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
