"""A warning that every training repeats is given once, with its count, wherever the trainings ran."""

import re
import warnings

import pytest
from sklearn.tree import DecisionTreeClassifier

import benign
from benign.foundation.errors import InvalidArgument

SOURCE = benign.sources.digits(label_noise=0.1, test_samples=100)


class Worried(DecisionTreeClassifier):  # type: ignore[misc]
    def fit(self, inputs, targets):
        for _ in range(2):
            warnings.warn(f"{len(inputs)} samples are few", RuntimeWarning, stacklevel=1)
        if self.max_leaf_nodes == 7:
            raise ValueError("seven")
        return super().fit(inputs, targets)


TREE = benign.from_estimator(Worried(), size="max_leaf_nodes")
EXECUTORS = pytest.mark.parametrize("executor", ["here", "processes"])
WARNED = pytest.mark.filterwarnings("default:.*are few")


def measured(executor, *, samples=(20,), sizes=(2, 4)):
    return benign.measure(
        TREE, SOURCE, sizes=list(sizes), samples=list(samples), replicates=3, executor=executor,
        workers=1 if executor == "here" else 2,
    )  # fmt: skip


def measured_strictly():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return measured("processes")


@WARNED
@EXECUTORS
def test_a_measurement_gives_a_repeated_warning_once(executor):
    with pytest.warns(RuntimeWarning, match="are few") as caught:
        measured(executor)
    (one,) = caught
    words = re.fullmatch(r"(\d+) times: 20 samples are few", str(one.message))
    assert words is not None
    assert int(words[1]) >= 6  # as Python counts them once a line and job; an adapter may try a training beforehand
    assert one.filename == __file__


@WARNED
def test_wordings_of_one_line_are_told_together():
    with pytest.warns(RuntimeWarning, match="are few") as caught:
        measured("here", samples=(20, 30))
    (one,) = caught
    assert re.fullmatch(r"\d+ times, in 2 wordings: [23]0 samples are few", str(one.message))


@WARNED
def test_a_search_of_many_measurements_gives_it_once():
    with pytest.warns(RuntimeWarning, match="are few") as caught:
        benign.effective_model_complexity(TREE, SOURCE, size=8, max_trainings=12, store=":memory:")
    assert len(caught) == 1


@EXECUTORS
def test_what_the_user_ignores_stays_ignored(executor):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", RuntimeWarning)
        measured(executor)
    assert not caught


@WARNED
def test_what_the_user_takes_for_an_error_costs_nothing_that_workers_measured():
    with pytest.warns(RuntimeWarning, match="are few"):
        found = measured_strictly()
    assert found.dataset.sizes["replicate"] == 3


@WARNED
def test_a_job_that_fails_shows_what_it_was_warned_of():
    with pytest.warns(RuntimeWarning, match="are few"), pytest.raises(InvalidArgument, match="seven"):
        measured("here", sizes=(7,))
