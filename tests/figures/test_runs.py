"""The runs of figures: their keys are those of earlier stores, and each has a name of its own."""

import json
from pathlib import Path

import pytest

from benign.experiments.declaration import resolve
from benign.figures import NAMES, SCALES, Edition, runs_of

# What runs have been called in stores since 0.2: another key, and what somebody has measured is measured again. They
# change with a revision of a source or a procedure, and with a scale that is declared anew, on purpose.
KEYS = json.loads((Path(__file__).parent / "run_keys.json").read_text("utf-8"))


@pytest.mark.parametrize("figure", NAMES)
def test_a_store_of_before_is_not_measured_again(figure):
    found = {}
    for scale in SCALES:
        runs = [resolve(one) for one in runs_of(Edition(figure=figure, scale=scale))]
        found[scale] = sorted(run.grid.key[:8] for run in runs)
        names = {run.name for run in runs}
        assert len(names) == len(runs)  # a run is found again by its name
        assert all(name.startswith(f"{figure} {scale}, ") for name in names)
    assert found == KEYS[figure]
