"""Peak memory of the size path with features made on the fly, against N: it must not grow with the number of features.

Each case runs in a process of its own; the alternative named is holding the design matrices Z and Z_test, which
every refit needs. Writes memory.json.

    python benchmarks/memory.py
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

from machine import describe

SAMPLES = 1000


def peak_of(features: int) -> float:
    """MiB at the peak of one process."""
    done = subprocess.run([sys.executable, __file__, str(features)], check=True, capture_output=True, text=True)
    return float(done.stdout.strip().splitlines()[-1])


def measure(features: int) -> None:
    """Run one path and print this process's peak."""
    import numpy as np

    from benign.linear import FourierFeatures, size_path

    random = np.random.default_rng(0)
    inputs, test_inputs = random.standard_normal((SAMPLES, 64)), random.standard_normal((SAMPLES, 64))
    targets = np.eye(10)[random.integers(0, 10, SAMPLES)]
    if features:
        fourier = FourierFeatures(bandwidth=8.0)
        size_path(inputs, targets, test_inputs, targets, sizes=[features], features=fourier)
    unit = 2**20 if sys.platform == "darwin" else 2**10
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit)


def main() -> None:
    """Run the cases and write the JSON beside this script."""
    idle = peak_of(0)
    cases = [
        {
            "features": features,
            "path_mib": round(peak_of(features) - idle, 1),
            "design_matrices_mib": round(2 * SAMPLES * features * 8 / 2**20, 1),
        }
        for features in (2000, 8000, 32000)
    ]
    result = {"case": {"samples": SAMPLES, "test_samples": SAMPLES}, "machine": describe(), "peaks": cases}
    text = json.dumps(result, indent=2)
    print(text)
    (Path(__file__).parent / "memory.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(int(sys.argv[1]))
    else:
        main()
