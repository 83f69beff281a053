"""Tests of the benchmark of diagnoses, whose scripts are imported as ``diagnosis.x``."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))  # last: one of its scripts is called statistics
