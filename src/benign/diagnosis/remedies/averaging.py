"""Averaging the outputs of several fits: of other initialisations, or of parts of the training rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from benign.diagnosis.paired_trials import Arm
from benign.diagnosis.remedies.candidate import Candidate
from benign.diagnosis.trials.bench import Bench
from benign.diagnosis.trials.trial import Trial

FITS = 5
_APART = 1000  # initialisations of one fold, so that no fold meets another's
_FEWEST_SAMPLES = 20  # a half of which can still be trained on


def averages(bench: Bench) -> list[Candidate]:
    """The cheapest first: each fit on a half of the rows; fits on all rows where initialisations differ."""
    candidates = []
    if bench.samples >= _FEWEST_SAMPLES:
        candidates.append(
            Candidate(what=f"averaging {FITS} fits, each on half of the rows", arms=lambda f: _halves(bench, f))
        )
    if _is_randomised(bench):
        candidates.append(Candidate(what=f"averaging {FITS} fits", arms=lambda f: _initialisations(bench, f)))
    return [replace(candidate, factor=float(FITS)) for candidate in candidates]


def _halves(bench: Bench, fold: int) -> tuple[Arm, ...]:
    """Windows in the fold's random order, which overlap by half on average, as random halves do."""
    half = bench.samples // 2
    starts = np.linspace(0.0, bench.samples - half, FITS).round().astype(int).tolist()
    return tuple(
        Arm(trial=replace(trial, rows=half, start=start))
        for trial, start in zip(_differently_begun(bench, fold), starts, strict=True)
    )


def _initialisations(bench: Bench, fold: int) -> tuple[Arm, ...]:
    return tuple(Arm(trial=trial) for trial in _differently_begun(bench, fold))


def _differently_begun(bench: Bench, fold: int) -> list[Trial]:
    """The user's training, and the same from other initialisations."""
    user = bench.user_trial(fold)
    return [user, *(replace(user, initialisation=fold + _APART * fit) for fit in range(1, FITS))]


def _is_randomised(bench: Bench) -> bool:
    """Whether two initialisations predict differently on the first fold; no where averaging them is too dear anyway."""
    if not bench.affords([trial for fold in range(2) for trial in _differently_begun(bench, fold)]):
        return False
    one, other = bench.measure(_differently_begun(bench, 0)[:2])
    return one is not None and other is not None and not np.allclose(one.outputs, other.outputs, rtol=1e-6, atol=0.0)
