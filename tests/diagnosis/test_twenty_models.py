"""Twenty ordinary models, each at its defaults on a table: what a diagnosis says of them against brute force."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import benign
from benign.curves.threshold_search import Regime
from benign.diagnosis.answers import Diagnosis, Estimate
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


def test_what_is_not_so_is_noticed() -> None:
    """The judge can say no: to each answer, once it is another."""
    found, truth = diagnosis_of("machine_C"), truth_of("machine_C")
    assert found.standing is not None
    assert found.regime is not None
    far = Estimate(value=0.3, interval=(0.28, 0.32))
    others: list[tuple[str, Any, str]] = [
        ("standing", replace(found.standing, train_error=0.5), "train error is"),
        ("standing", replace(found.standing, held_out_error=far), "test error is"),
        ("fitted", {name: replace(one, is_fitted=True) for name, one in found.fitted.items()}, "fitted is False"),
        ("regime", replace(found.regime, regime=Regime.OVER), "it is not OVER"),
    ]
    for part, other, noticed in others:
        assert noticed in " ".join(contradictions(replace(found, **{part: other}), truth))
    undecided = replace(found, regime=replace(found.regime, regime=Regime.UNDECIDED))
    assert abstentions(undecided, truth) == ["regime, which is UNDER"]
