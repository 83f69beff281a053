"""Peak memory of the size path with features made on the fly: it grows with n^2 + n n_test, not with the features N.

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

CASES = ((1000, 2000), (1000, 8000), (1000, 32000), (500, 8000), (2000, 8000))


def peak_of(samples: int, features: int) -> float:
    """MiB at the peak of one process."""
    done = subprocess.run(
        [sys.executable, __file__, str(samples), str(features)], check=True, capture_output=True, text=True
    )
    return float(done.stdout.strip().splitlines()[-1])


def measure(samples: int, features: int) -> None:
    """Run one path and print this process's peak."""
    import numpy as np

    from benign.linear import FourierFeatures, size_path

    random = np.random.default_rng(0)
    inputs, test_inputs = random.standard_normal((samples, 64)), random.standard_normal((samples, 64))
    targets = np.eye(10)[random.integers(0, 10, samples)]
    if features:
        fourier = FourierFeatures(bandwidth=8.0)
        size_path(inputs, targets, test_inputs, targets, sizes=[features], features=fourier)
    unit = 2**20 if sys.platform == "darwin" else 2**10
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit)


def main() -> None:
    """Run the cases and write the JSON beside this script."""
    idle = peak_of(10, 0)
    peaks = [
        {
            "samples": samples,
            "features": features,
            "path_mib": round(peak_of(samples, features) - idle, 1),
            "n_squared_plus_n_n_test_mib": round(2 * samples**2 * 8 / 2**20, 1),
            "design_matrices_mib": round(2 * samples * features * 8 / 2**20, 1),
        }
        for samples, features in CASES
    ]
    result = {"case": "as many test as training samples, 10 outputs", "machine": describe(), "peaks": peaks}
    text = json.dumps(result, indent=2)
    print(text)
    (Path(__file__).parent / "memory.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(int(sys.argv[1]), int(sys.argv[2]))
    else:
        main()
