"""Whatever is wrong with a model or its data: a sentence that says so, and nothing of the caller's changes."""

from __future__ import annotations

import copy
import random
import re
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

import benign
from benign.diagnosis.answers import Diagnosis
from benign.diagnosis.diagnosing import DiagnosisInterrupted
from benign.foundation.errors import BenignError, InvalidArgument
from tests.diagnosis import ill_behaved
from tests.workers import end_workers

RANDOM = np.random.default_rng(0)
INPUTS = RANDOM.standard_normal((120, 3))
VALUES = INPUTS[:, 0] - INPUTS[:, 1] ** 2 + 0.3 * RANDOM.standard_normal(120)
MIDDLE = float(np.median(VALUES))
LABELS = (VALUES > MIDDLE).astype(np.int64)
WEIGHTS: Any = np.ones(120)
SOURCE = benign.sources.arrays(INPUTS, LABELS)


@pytest.fixture(scope="module", autouse=True)
def _no_worker_is_left() -> Iterator[None]:
    yield
    end_workers()


def diagnosis(model: object, source: Any = SOURCE, **told: Any) -> Diagnosis:
    """A small one, in this process unless said."""
    asked: dict[str, Any] = {"max_trainings": 12, "executor": "here"} | told
    return benign.diagnose(model, source, **asked)


def refusal(model: object, source: Any = SOURCE, **told: Any) -> str:
    """The one sentence with which it is refused."""
    with pytest.raises(BenignError) as caught:
        diagnosis(model, source, **told)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert len(sentence) < 600
    return sentence


# ------------------------------------------------------------------------------------------------ what is not there
def test_a_parameter_that_the_estimator_has_not_is_answered_by_the_nearest_name() -> None:
    told = refusal(DecisionTreeClassifier(), size_parameter="max_leaf_node")
    assert "max_leaf_node" in told
    assert "did you mean 'max_leaf_nodes'" in told


_NO_MODELS = (DecisionTreeClassifier, object(), None, "forest", print)


@pytest.mark.parametrize("model", _NO_MODELS, ids=["class", "object", "None", "text", "function"])
def test_what_is_no_model_is_refused(model: object, unchecked: None) -> None:
    assert re.match(r"`(model|estimator|procedure)`", refusal(model))


@pytest.mark.parametrize("parameter", ["verbose", "n_jobs"])
def test_a_parameter_without_influence_is_no_size(parameter: str) -> None:
    from sklearn.ensemble import RandomForestClassifier

    told = refusal(RandomForestClassifier(4), size_parameter=parameter)
    assert parameter in told


def test_a_classifier_on_values_is_refused_and_says_what_to_do() -> None:
    told = refusal(LogisticRegression(), benign.sources.arrays(INPUTS, VALUES))
    assert "is a classifier, and the source has real values" in told


# -------------------------------------------------------------------------------------------- models that misbehave
def test_one_that_ignores_its_seed_is_refused() -> None:
    assert "ignores its seed" in refusal(ill_behaved.IgnoresItsSeed())


def test_sizes_at_which_it_raises_are_skipped_and_said() -> None:
    found = diagnosis(ill_behaved.RaisesBeyondFour(), size_parameter="n_neighbors", max_trainings=40)
    assert found.standing is not None
    assert found.regime is not None
    assert [why for why in found.failures if "no more than four of them" in why]
    assert "left out, such as: RaisesBeyondFour cannot be trained at size 6" in str(found)


def test_one_that_raises_always_is_refused_with_what_it_raised() -> None:
    told = refusal(ill_behaved.RaisesAlways())
    assert "cannot be trained on this data" in told
    assert "RuntimeError: the card is gone" in told


def test_probabilities_of_other_classes_are_refused() -> None:
    told = refusal(ill_behaved.PredictsOtherClasses())
    assert "predicts an array of shape" in told
    assert "one score a class" in told


def test_one_that_changes_its_input_is_given_copies() -> None:
    kept = INPUTS.copy(), LABELS.copy()
    found = diagnosis(ill_behaved.MutatesItsInput(), only=["standing"])
    plain = diagnosis(ill_behaved.Neighbours(), only=["standing"])
    assert found.standing is not None
    assert plain.standing is not None
    assert found.standing.train_loss == plain.standing.train_loss
    assert found.standing.held_out_loss == plain.standing.held_out_loss
    assert np.array_equal(INPUTS, kept[0])
    assert np.array_equal(LABELS, kept[1])


def test_one_that_cannot_be_cloned_is_refused() -> None:
    told = refusal(ill_behaved.CannotBeCloned())
    assert "cannot be cloned" in told
    assert "constructor" in told


def test_one_that_cannot_be_pickled_is_diagnosed_here_or_refused() -> None:
    assert diagnosis(ill_behaved.CannotBePickled(), only=["standing"]).standing is not None
    told = refusal(ill_behaved.CannotBePickled(), executor="processes", workers=1)
    assert "pickle" in told


def test_one_that_cannot_be_pickled_stays_here_where_nobody_asked_for_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "benign.experiments.executors.automatic.STARTING_SECONDS", 0.0
    )  # they would be worth it at once
    found = diagnosis(ill_behaved.CannotBePickled(), executor=None, only=["standing"])
    assert found.standing is not None
    assert found.standing.trainings == 3


def test_a_memory_that_is_full_is_a_sentence() -> None:
    assert "memory" in refusal(ill_behaved.RunsOutOfMemory())
    assert "1.00 PiB" in refusal(ill_behaved.AsksForAPetabyte())


def test_a_process_that_it_ends_is_not_this_one() -> None:
    told = refusal(ill_behaved.EndsItsProcess(), executor="processes", workers=1)
    assert "ended with exit code 3" in told


def test_a_training_that_never_ends_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benign.diagnosis.trials.bench.GRACE_SECONDS", 1.0)
    start = time.monotonic()
    told = refusal(ill_behaved.NeverEnds(), executor="processes", workers=1, max_minutes=0.02)
    assert "stopped" in told
    assert time.monotonic() - start < 30.0


# ---------------------------------------------------------------------------------------------------- data to refuse
def test_missing_values_where_the_model_takes_none() -> None:
    frame = pd.DataFrame(INPUTS, columns=["a", "b", "c"]).mask(RANDOM.random(INPUTS.shape) < 0.1)
    source = benign.sources.frame(frame.assign(y=LABELS), target="y")
    told = refusal(LogisticRegression(), source)
    assert "NaN" in told
    assert "pipeline" in told


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (lambda: benign.sources.arrays(INPUTS, np.stack([LABELS, 1 - LABELS], axis=1)), "`targets` must be one column"),
        (lambda: benign.sources.arrays(INPUTS, LABELS, sample_weight=WEIGHTS), "`sample_weight`"),
        (lambda: benign.sources.arrays(csr_matrix(INPUTS), LABELS), "`inputs` must be a dense array"),
        (lambda: benign.sources.arrays(INPUTS, np.ones(120, dtype=int)), "nothing to learn"),
        (lambda: benign.sources.arrays(INPUTS, np.ones(120)), "nothing to learn"),
    ],
    ids=["several labels", "weights", "sparse", "one class", "one value"],
)
def test_data_that_cannot_be_learnt_are_refused_by_the_source(given: Any, said: str, unchecked: None) -> None:
    with pytest.raises(InvalidArgument) as caught:
        given()
    assert said in str(caught.value)


def test_groups_of_rows_are_told_and_nothing_is_said_of_more_data() -> None:
    """Each patient is measured eight times: rows held out have siblings in training."""
    patients = np.repeat(np.arange(30), 8)
    inputs = np.random.default_rng(1).standard_normal((30, 3))[patients]
    inputs = inputs + 1e-3 * np.random.default_rng(2).standard_normal(inputs.shape)
    labels = np.random.default_rng(3).integers(0, 2, 30)[patients]
    found = diagnosis(KNeighborsClassifier(3), benign.sources.arrays(inputs, labels), max_trainings=20)
    assert found.standing is not None
    findings = [one for one in found.standing.findings if "more_data" in one.refuses]
    assert findings
    assert not [one for one in found.more_data.values() if one.answer in ("helps", "hurts")]
    assert findings[0].sentence in str(found)


def test_copies_with_other_labels_are_told_and_nothing_is_said_of_more_data() -> None:
    """The case in which every method is confidently wrong."""
    inputs = np.random.default_rng(1).standard_normal((60, 3)).repeat(4, axis=0)
    labels = np.random.default_rng(2).integers(0, 2, 240)
    found = diagnosis(DecisionTreeClassifier(), benign.sources.arrays(inputs, labels), max_trainings=20)
    assert found.standing is not None
    assert {"copies", "conflicts"} & {one.code for one in found.standing.findings}
    assert not [one for one in found.more_data.values() if one.answer in ("helps", "hurts")]


def test_rows_in_order_of_time_are_told_and_refused() -> None:
    """A random walk: rows shuffled, the future is known from its neighbours."""
    walk = np.cumsum(np.random.default_rng(4).standard_normal((241, 3)), axis=0)
    source = benign.sources.arrays(walk[:-1], walk[1:, 0])
    found = diagnosis(LinearRegression(), source, max_trainings=20)
    assert found.standing is not None
    assert "ordered" in {one.code for one in found.standing.findings}
    assert not [one for one in found.more_data.values() if one.answer in ("helps", "hurts")]


# --------------------------------------------------------------------------------------------- budgets and interrupts
def test_a_budget_too_small_for_one_training_says_what_one_costs() -> None:
    found = diagnosis(KNeighborsClassifier(), max_trainings=0.5)
    assert found.standing is None
    assert found.trainings == 0.0
    assert "one training, which costs 1 of `max_trainings`; 0.5 is left" in str(found)


def test_the_fewest_minutes_give_one_training_and_what_it_takes() -> None:
    found = diagnosis(KNeighborsClassifier(), max_trainings=None, max_minutes=1e-9)
    assert found.standing is not None
    assert found.standing.trainings == 1
    assert found.is_budget_spent
    assert "one training takes" in str(found)


@pytest.mark.parametrize("trainings", [3.5, 4.0, 4.5, 6.0, 12.0])
def test_a_loss_far_from_fitted_is_not_called_close_to_it_whatever_the_budget(trainings: float) -> None:
    source = benign.sources.arrays(INPUTS, RANDOM.standard_normal(120))
    found = diagnosis(LinearRegression(), source, max_trainings=trainings, only=["regime"])
    assert "too close" not in str(found)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"max_minutes": 0.0}, "`max_minutes` must be"), ({"max_minutes": float("nan")}, "`max_minutes` must be"),
        ({"max_trainings": 0}, "`max_trainings` must be"), ({"confidence": 1.0}, "`confidence` must be"),
        ({"confidence": 0.2}, "`confidence` must be"), ({"only": []}, "`only` must be a list"),
        ({"only": "regime"}, "`only` must be a list"), ({"only": ["more data"]}, "did you mean 'more_data'"),
        ({"samples": 1}, "`samples` must be at least 2"), ({"samples": 97}, "`samples` asks for 97"),
        ({"samples": 2.5}, "`samples` must be"), ({"seed": -1}, "`seed` must be"), ({"size": 7}, "`size`"),
        ({"size": 2.5}, "`size`"), ({"time": 3.0}, "`time` must be left out"),
        ({"executor": "cluster"}, "unknown executor"),
    ],
    ids=str,
)  # fmt: skip
def test_arguments_that_cannot_be_are_named(told: dict[str, Any], said: str, unchecked: None) -> None:
    assert said in refusal(LinearRegression(), benign.sources.arrays(INPUTS, VALUES), **told)


def test_a_budget_of_few_trainings_ends_in_words_for_the_reader() -> None:
    forest = RandomForestClassifier(n_estimators=10, random_state=0)
    for trainings in (2.0, 3.0, 4.0):
        unanswered = diagnosis(forest, benign.sources.digits(), samples=100, max_trainings=trainings).unanswered
        assert not any("`risks`" in reason for reason in unanswered.values())
        if trainings == 3.0:
            assert unanswered["regime"] == "The budget ended before it was found how many samples the model fits."


def test_control_c_keeps_what_is_known() -> None:
    ill_behaved.PressesControlC.trainings = 0
    with pytest.raises(DiagnosisInterrupted) as caught:
        diagnosis(ill_behaved.PressesControlC(), max_trainings=100)
    known = caught.value.diagnosis
    assert known.is_interrupted
    assert known.standing is not None
    assert known.more_data == {}
    assert "nterrupted" in str(known)


# --------------------------------------------------------------------------------------------- nothing is changed
def test_nothing_of_the_callers_is_changed(unchecked: None) -> None:
    """Whoever checks annotations draws from Python's random state: nobody does here."""
    inputs, labels = INPUTS.copy(), LABELS.copy()
    source = benign.sources.arrays(inputs, labels)
    model = DecisionTreeClassifier(random_state=np.random.RandomState(5), max_leaf_nodes=7).fit(inputs, labels)
    settings, tree = copy.deepcopy(model.get_params()), model.tree_
    drawn = settings["random_state"].get_state()[1].tolist()
    states = str(np.random.get_state()), random.getstate()  # noqa: NPY002
    diagnosis(model, source)
    diagnosis(ill_behaved.SeedsGlobalStates(), source)
    assert (str(np.random.get_state()), random.getstate()) == states  # noqa: NPY002
    after = model.get_params()
    assert after.pop("random_state").get_state()[1].tolist() == drawn
    assert after == {name: value for name, value in settings.items() if name != "random_state"}
    assert model.tree_ is tree
    assert np.array_equal(inputs, INPUTS)
    assert np.array_equal(labels, LABELS)


def test_the_same_seed_gives_the_same_diagnosis() -> None:
    one, other = (diagnosis(DecisionTreeClassifier(), max_trainings=20).standing for _ in range(2))
    assert one is not None
    assert other is not None
    assert one.held_out_loss == other.held_out_loss
