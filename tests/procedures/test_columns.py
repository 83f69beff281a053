"""Text and missing values: pipelines get them as scikit-learn would, what takes numbers alone refuses them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import benign
from benign import sources
from benign.foundation.errors import InvalidArgument
from benign.foundation.replicate import Replicate
from benign.foundation.split import class_indices
from benign.procedures.adaptation import handed_on

SIZE, TIME = "randomforestclassifier__max_leaf_nodes", "randomforestclassifier__n_estimators"


@pytest.fixture
def source() -> sources.FiniteSource:
    random = np.random.default_rng(0)
    height, site = random.standard_normal(120), random.choice(["bog", "hill", "wood"], 120)
    kind = np.where((site == "bog") == (height > 0), "yew", "oak")
    height[::7] = np.nan
    data = pd.DataFrame({"height": height, "site": site, "soil": pd.Categorical(["a", "b"] * 60), "kind": kind})
    return sources.frame(data, target="kind", name="trees")


def pipeline() -> object:
    columns = [("text", OneHotEncoder(), ["site", "soil"]), ("numbers", SimpleImputer(), ["height"])]
    return make_pipeline(ColumnTransformer(columns), RandomForestClassifier())


@pytest.mark.parametrize("times", [None, [2.0, 5.0]], ids=["end", "times"])
def test_a_pipeline_that_picks_columns_by_name(source: sources.FiniteSource, times: list[float] | None) -> None:
    procedure = benign.from_estimator(pipeline(), size=SIZE, time=TIME)
    surface = benign.measure(procedure, source, sizes=[2, 8], times=times, samples=[60], replicates=1, workers=1)
    split = source.draw(60, Replicate())
    settings = {SIZE: 8} | ({} if times is None else {TIME: 5})
    model = clone(procedure._seeded(split.replicate)).set_params(**settings)
    model.fit(handed_on(split.train_inputs, split), class_indices(split.train_targets))
    wrong = model.predict(handed_on(split.test_inputs, split)) != class_indices(split.test_targets)
    assert surface.dataset["test_error"].values[-1, -1, 0, 0] == pytest.approx(wrong.mean())
    assert wrong.mean() < 0.3, "it learns from both kinds of columns"


def test_a_function_is_handed_a_frame(source: sources.FiniteSource) -> None:
    seen = []

    def fit(X, y, size, time, seed):
        seen.append(X.copy())
        X.loc[:, "site"] = "changed"
        return lambda X: np.zeros(len(X), dtype=int)

    procedure = benign.from_callable(fit, name="constant", revision=1)
    split = source.draw(20, Replicate())
    procedure.measure([split, split], np.array([1]), None, frozenset({"test_error"}))
    assert set(seen[0]["site"]) == {"bog", "hill", "wood"}
    pd.testing.assert_frame_equal(seen[0], seen[1])


def test_numbers_alone_are_handed_on_as_before() -> None:
    split = sources.digits().draw(20, Replicate())
    assert handed_on(split.test_inputs, split) is split.test_inputs


def test_what_takes_numbers_alone_refuses_and_names_the_columns(source: sources.FiniteSource) -> None:
    with pytest.raises(InvalidArgument) as caught:
        benign.measure(benign.RandomFourier(), source, samples=[60], replicates=1, workers=1)
    assert str(caught.value) == (
        "`source` trees holds text in 'site' and 'soil' and missing values in 'height', and random_fourier takes "
        "numbers alone: encode the text, fill in what is missing, name other `inputs`, or measure a pipeline that "
        "takes them, by benign.from_estimator."
    )


def test_more_than_five_columns_are_counted() -> None:
    columns = {f"x{place}": [np.nan, 1.0, 2.0, 3.0] for place in range(8)}
    source = sources.frame(pd.DataFrame({**columns, "y": ["a", "b"] * 2}), target="y")
    with pytest.raises(InvalidArgument, match="in 'x0', 'x1', 'x2', 'x3', 'x4' and 3 more, and"):
        benign.measure(benign.RandomFourier(), source, samples=[2], replicates=1, workers=1)


def test_an_estimator_that_cannot_take_text_is_told_what_to_do(source: sources.FiniteSource) -> None:
    procedure = benign.from_estimator(HistGradientBoostingClassifier(), size="max_leaf_nodes")
    with pytest.raises(InvalidArgument, match=r"could not convert string.*encode and fill them in a pipeline\.$"):
        benign.measure(procedure, source, sizes=[4], samples=[60], replicates=1, workers=1)
