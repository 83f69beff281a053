"""Tests of the bank of trainings, whose scripts are imported as ``triage.x``."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))  # last: one of its scripts is called statistics
