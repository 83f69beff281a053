"""A warning that every training repeats is given once, with its count, wherever the trainings ran."""

import re
import warnings

import pytest
from sklearn.tree import DecisionTreeClassifier

import benign

SOURCE = benign.sources.digits(label_noise=0.1, test_samples=100)


class Worried(DecisionTreeClassifier):  # type: ignore[misc]
    def fit(self, inputs, targets):
        warnings.warn(f"{len(inputs)} samples are few", stacklevel=1)
        return super().fit(inputs, targets)


@pytest.mark.filterwarnings("default:.*are few")
@pytest.mark.parametrize("workers", [1, 2])
def test_a_measurement_gives_a_repeated_warning_once(workers):
    procedure = benign.from_estimator(Worried(), size="max_leaf_nodes")
    executor = "here" if workers == 1 else "processes"
    with pytest.warns(UserWarning, match="are few") as caught:
        benign.measure(
            procedure, SOURCE, sizes=[2, 4], samples=[20, 30], replicates=3, executor=executor, workers=workers
        )
    (one,) = caught
    words = re.fullmatch(r"UserWarning: 20 samples are few \((\d+) times\)", str(one.message))
    assert words is not None
    assert int(words[1]) >= 12  # an adapter may try a training beforehand
    assert one.filename == __file__


@pytest.mark.filterwarnings("default:.*are few")
def test_a_search_of_many_measurements_gives_it_once():
    procedure = benign.from_estimator(Worried(), size="max_leaf_nodes")
    with pytest.warns(UserWarning, match="are few") as caught:
        found = benign.effective_model_complexity(procedure, SOURCE, size=8, max_trainings=12, store=":memory:")
    (one,) = caught
    assert str(one.message).endswith(f"are few ({found.trainings} times)")


def test_what_nobody_warned_of_is_not_given():
    procedure = benign.from_estimator(DecisionTreeClassifier(), size="max_leaf_nodes")
    with warnings.catch_warnings(record=True) as caught:
        benign.measure(procedure, SOURCE, sizes=[2], samples=[20], replicates=2, executor="here")
    assert not caught
