"""Twenty ordinary models, each at its defaults on a table: what a diagnosis says of them against brute force."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

import benign
from benign.diagnosis.answers import Diagnosis
from benign.foundation.errors import InvalidArgument

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))  # last: one of its scripts is called statistics

from diagnosis.model_truth import abstentions, contradictions, source_of, truth_of
from diagnosis.models import MODELS

TRAININGS = 20


@pytest.fixture(autouse=True)
def _networks_may_not_converge() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def diagnosis_of(name: str) -> Diagnosis:
    model = MODELS[name]
    return benign.diagnose(
        model.estimator,
        source_of(model.table),
        samples=model.samples,
        size_parameter=model.size,
        only=["standing", "fitted", "regime"],
        max_trainings=TRAININGS,
        max_minutes=None,
        executor="here",
    )


@pytest.mark.parametrize("name", MODELS)
def test_where_it_stands_is_true_and_told(name: str) -> None:
    truth = truth_of(name)
    if not truth.is_trainable:
        with pytest.raises(InvalidArgument, match=r"cannot be trained on this data\. .* not full rank"):
            diagnosis_of(name)
        return
    found = diagnosis_of(name)
    assert contradictions(found, truth) == []
    assert abstentions(found, truth) == []
    assert found.trainings <= TRAININGS + 1
