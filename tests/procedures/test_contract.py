"""What every procedure promises: numbers that depend on the split and the settings alone."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pytest

from benign import schema
from benign.foundation.errors import InvalidArgument
from benign.foundation.outcomes import Outcome
from benign.foundation.replicate import Replicate, crossed_replicates
from benign.procedures import Procedure
from benign.procedures.objectives import NAMES
from benign.procedures.prediction_risks import prediction_risks
from benign.procedures.protocol import SupportsCheck, SupportsLeastBytes
from benign.schema import Block
from tests.procedures.cases import CASES, FOREIGN, LEAST_SQUARES, parameters_of

REPLICATES = crossed_replicates(1, 2, 2)


@pytest.fixture(params=parameters_of(*CASES))
def name(request, monkeypatch, tmp_path):
    monkeypatch.setenv("BENIGN_CHECKPOINTS", str(tmp_path))
    return request.param


@cache
def procedure_of(name: str) -> Procedure:
    return CASES[name].make()


@cache
def measured(name: str) -> Block:
    """Two initialisations and two draws of label noise, at all sizes and times."""
    case = CASES[name]
    splits = [case.draw(replicate) for replicate in REPLICATES]
    return procedure_of(name).measure(splits, case.sizes, case.times, case.risks | case.also)


def test_it_is_a_procedure_that_says_what_it_is(name):
    case, procedure = CASES[name], procedure_of(name)
    assert isinstance(procedure, Procedure)
    assert procedure.size_name
    assert procedure.time_name is not None or case.times is None
    assert procedure.objective in NAMES
    assert procedure.max_size >= case.sizes[-1]
    assert procedure.revision >= 1
    assert json.loads(json.dumps(procedure.spec(), allow_nan=False)) == case.make().spec() == procedure.spec()
    if isinstance(procedure, SupportsCheck):
        procedure.check([case.draw().samples], case.times)
    if isinstance(procedure, SupportsLeastBytes):
        assert 0 < procedure.least_bytes(100, 50, 8) < procedure.least_bytes(1000, 500, 80)


def test_batches_hold_each_replicate_once(name):
    batches = procedure_of(name).batches(REPLICATES)
    assert sorted(map(repr, sum(batches, ()))) == sorted(map(repr, REPLICATES))
    assert name not in FOREIGN or all(len(batch) == 1 for batch in batches)


def test_a_block_has_the_axes_that_were_asked_for(name):
    case, procedure, block = CASES[name], procedure_of(name), measured(name)
    times = [schema.END_OF_TRAINING] if case.times is None else case.times.tolist()
    assert block.replicates == tuple(REPLICATES)
    assert (block.sizes.tolist(), block.times.tolist()) == (case.sizes.tolist(), times)
    assert block.parameters.tolist() == [procedure.parameters(size, case.draw()) for size in case.sizes.tolist()]
    assert name not in FOREIGN or block.parameters.tolist() == case.sizes.tolist()
    shape = (len(REPLICATES), len(case.sizes), len(times))
    assert block.outcome.shape == shape
    assert (block.outcome == Outcome.CONVERGED).all()
    for metric, values in block.metrics.items():
        has_none = ("error" in metric and case.draw().classes is None) or (metric == "norm" and name in FOREIGN)
        assert values.shape == shape
        assert np.isnan(values).all() if has_none else np.isfinite(values).all(), metric


def test_sizes_times_and_metrics_asked_together_or_alone_agree(name):
    case, together = CASES[name], measured(name)
    sizes = case.sizes[[1, -1]]
    times, last = (None, 0) if case.times is None else (case.times[1:2], 1)
    some = frozenset({"train_loss", "test_loss"})
    few = procedure_of(name).measure([case.draw(replicate) for replicate in REPLICATES], sizes, times, some)
    for metric, values in few.metrics.items():
        among = together.metrics[metric][:, [1, -1], last]
        np.testing.assert_allclose(values[:, :, 0], among, rtol=case.apart, atol=1e-12 * (case.apart > 0))


def test_splits_measured_together_or_alone_agree(name):
    case, together = CASES[name], measured(name)
    for row in (0, 3):
        split = case.draw(REPLICATES[row])
        alone = procedure_of(name).measure([split], case.sizes, case.times, frozenset(together.metrics))
        for metric, values in together.metrics.items():
            np.testing.assert_allclose(
                values[row], alone.metrics[metric][0], rtol=case.alone, atol=1e-12 * (case.alone > 0), err_msg=metric
            )


def test_measured_risks_are_those_of_the_predictions(name):
    case, procedure, block = CASES[name], procedure_of(name), measured(name)
    split = case.draw(REPLICATES[1])
    train, test = (
        list(procedure.predict(split, inputs, case.sizes, case.times))
        for inputs in (split.train_inputs, split.test_inputs)
    )
    times = [schema.END_OF_TRAINING] if case.times is None else case.times.tolist()
    assert [(one.size, one.time) for one in test] == [(size, time) for size in case.sizes for time in times]
    for cell, (a, b) in enumerate(zip(train, test, strict=True)):
        for metric, value in prediction_risks(split, a.values, b.values, case.risks).items():
            if "error" in metric or procedure.objective == "squared":
                found = block.metrics[metric][1].ravel()[cell]
                np.testing.assert_allclose(found, value, rtol=case.predicted, atol=1e-9, err_msg=metric)


def test_another_initialisation_matters_only_where_there_is_one(name):
    block = measured(name)
    loss, initialisations = block.metrics["test_loss"][..., -1], [one.initialisation for one in block.replicates]
    first, second = (loss[initialisations.index(number)] for number in (0, 1))
    assert np.allclose(first, second) != CASES[name].is_random


@pytest.mark.parametrize("name", [name for name in LEAST_SQUARES | FOREIGN if CASES[name].make().time_name is None])
def test_times_are_refused_where_there_are_none(name):
    case, times = CASES[name], np.array([1.0])
    with pytest.raises(InvalidArgument, match="`times` must be None"):
        procedure_of(name).measure([case.draw()], case.sizes, times, frozenset({"test_loss"}))


def test_other_inputs_have_the_columns_that_were_trained_on(name):
    case, split = CASES[name], CASES[name].draw(Replicate())
    wrong = np.zeros((2, split.train_inputs.shape[1] + 3))
    with pytest.raises(InvalidArgument, match=f"`inputs` must have {split.train_inputs.shape[1]} columns"):
        list(procedure_of(name).predict(split, wrong, case.sizes, case.times))
