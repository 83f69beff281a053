"""The runs of figures: their keys are those of earlier stores, and each has a name of its own."""

import json
from pathlib import Path

import pytest

from benign.experiments.declaration import resolve
from benign.experiments.environment import Environment
from benign.figures import NAMES, SCALES, Edition, find_figure, measurement, runs_of

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


@pytest.mark.parametrize(
    ("figure", "scale", "told", "has_gpu", "executor"),
    [
        ("belkin2019_fourier", "smoke", {}, False, "here"),
        ("belkin2019_fourier", "quick", {}, True, None),
        ("nakkiran2020_samplewise", "smoke", {}, False, "here"),
        ("nakkiran2020_samplewise", "quick", {}, False, "processes"),
        ("nakkiran2020_samplewise", "quick", {}, True, "here"),
        ("nakkiran2020_samplewise", "smoke", {"workers": 2}, False, None),
        ("nakkiran2020_samplewise", "quick", {"workers": 2}, True, None),
        ("nakkiran2020_samplewise", "smoke", {"executor": "ray"}, False, "ray"),
    ],
)
def test_where_a_figure_is_measured(monkeypatch, figure, scale, told, has_gpu, executor):
    class Asked(Exception):
        pass

    def measure(experiment, environment):
        raise Asked(environment.executor, environment.workers)

    monkeypatch.setattr(measurement, "has_gpu", lambda: has_gpu)
    monkeypatch.setattr(measurement, "measure_experiment", measure)
    with pytest.raises(Asked) as asked:
        list(find_figure(figure).measure(scale, 0, Environment(**told)))
    assert asked.value.args == (executor, told.get("workers"))
