"""Twenty ordinary models on tables that a user would have, and what is true of them, by brute force: models.json.

    python benchmarks/diagnosis/models.py                # all that models.json lacks, about 10 minutes of one core
    python benchmarks/diagnosis/models.py forest ridge   # these anew

scikit-learn alone trains and predicts here, and the risks are computed from their definitions: what a diagnosis says is
held against these numbers. In each draw the rows of a table are shuffled, the last fifth is held out, and the first n
of the rest are trained on, scaled as ``benign.sources.arrays`` says that it scales. Draws are paired over n and over
what is changed. For each model, of every loss that its outputs have a meaning for:

``curve``: over n, mean, standard deviation and number of draws of the risks in training (a loss relative to the best
constant's) and held out; ``sizes``: the same over the size, at ``samples``; ``peaks``: of the held-out risk over both,
by paired draws; ``changes``: how the held-out risk changes where size, time or penalty are others or five independent
fits are averaged, at ``samples`` and at all rows outside the held-out ones: paired log ratios of the losses, paired
differences of the error.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1]))

import numpy as np
import pandas as pd
import sklearn
from jaxtyping import Float, Int
from machine import describe
from mlxtend.data import autompg_data, boston_housing_data
from sklearn import datasets
from sklearn.base import clone, is_classifier
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.ensemble import (
    AdaBoostClassifier,
    ExtraTreesClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.kernel_approximation import RBFSampler
from sklearn.linear_model import Lasso, LinearRegression, LogisticRegression, Ridge, RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

OUTPUT = Path(__file__).with_name("models.json")
DRAWS = {"curve": 24, "sizes": 24, "changes": 48}
LEAST_DRAWS = 3
SECONDS = {"curve": 1.0, "sizes": 0.7, "changes": 5.0}  # for one n, one size, one model
CLIP = np.finfo(np.float64).eps  # probabilities are no smaller in a cross-entropy
Numbers = Float[np.ndarray, "..."]


@dataclass(frozen=True, kw_only=True)
class Table:
    """Inputs as a user holds them, an array or a data frame, and class indices or values."""

    inputs: Any
    targets: Int[np.ndarray, " rows"] | Float[np.ndarray, " rows"]

    @property
    def pool(self) -> int:
        """The rows that are not held out."""
        return len(self.targets) - len(self.targets) // 5


@dataclass(frozen=True, kw_only=True)
class Model:
    """One of the twenty.

    Attributes:
        number: in the list of twenty.
        estimator: as a user has it.
        table: a name of :data:`TABLES`.
        samples: the n at which sizes and changes are measured, beside all rows.
        objective: what its training minimises, of the names that :func:`losses_of` gives.
        size: the parameter that is its size, if it has one; ``sizes``: the values at which it is measured.
        time: the parameter that is its training time.
        penalty: a parameter and the value with which it is regularised more strongly.
        is_averaged: whether fits of other seeds differ, so that their average is another model.
    """

    number: int
    estimator: Any
    table: str
    samples: int
    objective: str
    size: str | None = None
    sizes: tuple[float, ...] = ()
    time: str | None = None
    penalty: Mapping[str, object] = field(default_factory=dict)
    is_averaged: bool = False


def pipeline() -> Any:
    """Text and missing values are handled inside."""
    encoded = ColumnTransformer(
        [
            ("numbers", SimpleImputer(), ["age", "income", "joined"]),
            ("texts", OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["city", "plan", "month"]),
        ]
    )
    return make_pipeline(encoded, HistGradientBoostingClassifier())


def polynomial() -> Any:
    """496 columns; its size is the degree."""
    return make_pipeline(StandardScaler(), PolynomialFeatures(2), LogisticRegression())


def fourier() -> Any:
    """Least squares in random features: the size is that of a step, and there is a peak."""
    return make_pipeline(StandardScaler(), RBFSampler(gamma=0.02, n_components=100), RidgeClassifier(alpha=1e-8))


LEAVES, NEIGHBOURS = (1, 2, 4, 8, 16, 32), (1, 2, 3, 5, 10, 20, 40, 80)
MODELS = {
    "forest": Model(
        number=1, estimator=RandomForestClassifier(), table="mislabelled", samples=150, objective="squared",
        size="max_leaf_nodes", sizes=(2, 4, 8, 16, 32), time="n_estimators", is_averaged=True,
    ),
    "forest_of_values": Model(
        number=2, estimator=RandomForestRegressor(), table="diabetes", samples=100, objective="squared",
        size="max_leaf_nodes", sizes=(2, 4, 8, 16, 32, 64), time="n_estimators", is_averaged=True,
    ),
    "extra_trees": Model(
        number=3, estimator=ExtraTreesClassifier(bootstrap=False), table="digits", samples=200, objective="squared",
        size="max_leaf_nodes", sizes=(2, 8, 32, 128), time="n_estimators", is_averaged=True,
    ),
    "histogram_boosting": Model(
        number=4, estimator=HistGradientBoostingClassifier(), table="cancer", samples=150, objective="cross-entropy",
        size="max_leaf_nodes", sizes=(2, 4, 8, 31, 62), time="max_iter", penalty={"l2_regularization": 10.0},
    ),
    "boosting": Model(
        number=5, estimator=GradientBoostingRegressor(), table="boston", samples=150, objective="squared",
        size="max_leaf_nodes", sizes=(2, 4, 8, 16), time="n_estimators",
    ),
    "tree": Model(
        number=6, estimator=DecisionTreeClassifier(), table="cancer", samples=150, objective="squared",
        size="min_samples_leaf", sizes=LEAVES, is_averaged=True,
    ),
    "neighbours": Model(
        number=7, estimator=KNeighborsClassifier(), table="digits", samples=200, objective="squared",
        size="n_neighbors", sizes=NEIGHBOURS,
    ),
    "machine_gamma": Model(
        number=8, estimator=SVC(), table="cancer", samples=150, objective="hinge",
        size="gamma", sizes=(1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0), penalty={"C": 0.1},
    ),
    "machine_C": Model(
        number=8, estimator=SVC(), table="cancer", samples=150, objective="hinge",
        size="C", sizes=(1e-2, 0.1, 1.0, 10.0, 100.0, 1e3, 1e4), penalty={"C": 0.1},
    ),
    "polynomial_logistic": Model(
        number=9, estimator=polynomial(), table="cancer", samples=150, objective="cross-entropy",
        size="polynomialfeatures__degree", sizes=(1, 2), penalty={"logisticregression__C": 0.1},
    ),
    "least_squares": Model(
        number=10, estimator=LinearRegression(), table="diabetes", samples=150, objective="squared",
    ),
    "linear_discriminant": Model(
        number=11, estimator=LinearDiscriminantAnalysis(), table="digits", samples=75, objective="squared",
        penalty={"solver": "lsqr", "shrinkage": "auto"},
    ),
    "quadratic_discriminant": Model(
        number=12, estimator=QuadraticDiscriminantAnalysis(), table="cancer", samples=200, objective="squared",
        penalty={"reg_param": 0.1},
    ),
    "quadratic_discriminant_of_wine": Model(
        number=12, estimator=make_pipeline(StandardScaler(), QuadraticDiscriminantAnalysis()), table="wine",
        samples=100, objective="squared", penalty={"quadraticdiscriminantanalysis__reg_param": 0.1},
    ),
    "ridge": Model(
        number=13, estimator=Ridge(), table="boston", samples=150, objective="squared",
        size="alpha", sizes=(1e-4, 1e-2, 0.1, 1.0, 10.0, 100.0, 1e3), penalty={"alpha": 10.0},
    ),
    "lasso": Model(
        number=14, estimator=Lasso(), table="diabetes", samples=150, objective="squared",
        size="alpha", sizes=(1e-3, 1e-2, 0.1, 1.0, 10.0, 100.0), penalty={"alpha": 10.0},
    ),
    "network": Model(
        number=15, estimator=MLPClassifier(), table="digits", samples=100, objective="cross-entropy",
        size="hidden_layer_sizes", sizes=(4, 16, 50, 100, 200), time="max_iter", penalty={"alpha": 1.0},
        is_averaged=True,
    ),
    "network_of_values": Model(
        number=16, estimator=TransformedTargetRegressor(MLPRegressor(), transformer=StandardScaler()),
        table="autompg", samples=100, objective="squared", size="regressor__hidden_layer_sizes",
        sizes=(4, 16, 50, 100, 200), time="regressor__max_iter", penalty={"regressor__alpha": 1.0}, is_averaged=True,
    ),
    "adaptive_boosting": Model(
        number=17, estimator=AdaBoostClassifier(), table="cancer", samples=150, objective="exponential",
        time="n_estimators",
    ),
    "naive_bayes": Model(
        number=18, estimator=GaussianNB(), table="cancer", samples=150, objective="squared",
    ),
    "pipeline": Model(
        number=19, estimator=pipeline(), table="made", samples=200, objective="cross-entropy",
        size="histgradientboostingclassifier__max_leaf_nodes", sizes=(2, 4, 8, 31, 62),
        time="histgradientboostingclassifier__max_iter",
        penalty={"histgradientboostingclassifier__l2_regularization": 10.0},
    ),
    "fourier": Model(
        number=20, estimator=fourier(), table="digits", samples=100, objective="squared",
        size="rbfsampler__n_components", sizes=(25, 50, 75, 90, 100, 110, 125, 150, 200, 400, 800),
        penalty={"ridgeclassifier__alpha": 1.0}, is_averaged=True,
    ),
}  # fmt: skip


def made() -> Table:
    """Customers who stay or go: a text, a category, dates as days and as months, and 5 % missing values."""
    draws = np.random.default_rng(19)
    rows = 2000
    age, income = draws.normal(45, 12, rows).round(), np.exp(draws.normal(10, 0.5, rows)).round()
    joined = draws.integers(0, 730, rows)
    city = draws.choice([f"city {letter}" for letter in "ABCDEFGHIJKL"], rows)
    plan = draws.choice(["basic", "family", "pro"], rows, p=[0.6, 0.3, 0.1])
    score = (
        (age < 35) + 1.5 * (plan == "basic") - (income > 25_000) - joined / 365 + np.isin(city, ["city A", "city B"])
    )
    targets = (score + draws.logistic(0, 0.5, rows) > 0).astype(np.int64)
    frame = pd.DataFrame(
        {
            "age": age,
            "income": income,
            "joined": joined.astype(np.float64),
            "city": city,
            "plan": pd.Categorical(plan),
            "month": [f"{2023 + day // 365}-{1 + day % 365 // 31:02d}" for day in joined.tolist()],
        }
    )
    frame = frame.mask(draws.random(frame.shape) < 0.05)
    return Table(inputs=frame, targets=targets)


def mislabelled() -> Table:
    """Breast cancer with every tenth label wrong: clean, it is so easy that a forest all but fits it."""
    clean = TABLES["cancer"]()
    wrong = np.random.default_rng(1).permutation(len(clean.targets))[::10]
    targets = clean.targets.copy()
    targets[wrong] = 1 - targets[wrong]
    return Table(inputs=clean.inputs, targets=targets)


def _arrays(loaded: tuple[Any, Any], columns: int | None = None) -> Table:
    inputs, targets = loaded
    return Table(inputs=np.asarray(inputs, np.float64)[:, :columns], targets=np.asarray(targets))


TABLES: dict[str, Callable[[], Table]] = {
    "cancer": cache(lambda: _arrays(datasets.load_breast_cancer(return_X_y=True))),
    "diabetes": cache(lambda: _arrays(datasets.load_diabetes(return_X_y=True))),
    "digits": cache(lambda: _arrays(datasets.load_digits(return_X_y=True))),
    "mislabelled": cache(mislabelled),
    "wine": cache(lambda: _arrays(datasets.load_wine(return_X_y=True))),
    "autompg": cache(lambda: _arrays(autompg_data(), 7)),  # the eighth is the car's name
    "boston": cache(lambda: _arrays(boston_housing_data())),
    "made": cache(made),
}


@dataclass(frozen=True, kw_only=True)
class Fold:
    """Rows to train on, in an order whose beginnings are smaller training sets, and held-out ones."""

    inputs: Any
    targets: Numbers
    test_inputs: Any
    test_targets: Numbers

    def prefix(self, samples: int) -> Fold:
        return replace(self, inputs=self.inputs[:samples], targets=self.targets[:samples])


def fold_of(table: Table, draw: int) -> Fold:
    """Arrays are centred by column and divided by one number, both of the rows that are not held out."""
    order = np.random.default_rng([7, draw]).permutation(len(table.targets))
    train, test = order[: table.pool], order[table.pool :]
    targets = table.targets[train], table.targets[test]
    if isinstance(table.inputs, pd.DataFrame):
        parts = (table.inputs.iloc[rows].reset_index(drop=True) for rows in (train, test))
    else:
        centred = table.inputs - table.inputs[train].mean(axis=0)
        parts = ((centred / centred[train].std())[rows] for rows in (train, test))
    inputs, test_inputs = parts
    return Fold(inputs=inputs, targets=targets[0], test_inputs=test_inputs, test_targets=targets[1])


def seeded(estimator: Any, seed: int, settings: Mapping[str, object]) -> Any:
    """A clone of these settings, all of whose randomness follows from a seed."""
    own = clone(estimator).set_params(**settings)
    states = [name for name in own.get_params(deep=True) if name.split("__")[-1] == "random_state"]
    return own.set_params(**dict.fromkeys(states, seed))


def outputs_of(model: Any, inputs: Any, classes: int) -> dict[str, Numbers]:
    """Probabilities or values, by "values", and the score of two classes in the unit of its loss, by "score"."""
    if not is_classifier(model):
        return {"values": model.predict(inputs)}
    found: dict[str, Numbers] = {}
    if hasattr(model, "predict_proba"):
        found["values"] = np.zeros((len(inputs), classes))
        found["values"][:, model.classes_] = model.predict_proba(inputs)
    elif hasattr(model, "decision_function"):
        score = model.decision_function(inputs)
        if isinstance(model, SVC):
            found["score"] = score
        else:  # least squares on -1 and 1
            both = np.column_stack([-score, score]) if score.ndim == 1 else score
            found["values"] = np.zeros((len(inputs), classes))
            found["values"][:, model.classes_] = (both + 1) / 2
    if isinstance(model, AdaBoostClassifier):  # half the sum of its members' weighted votes
        found["score"] = model.decision_function(inputs) * model.estimator_weights_.sum() / 4
    return found


def losses_of(outputs: Mapping[str, Numbers], targets: Numbers, classes: int) -> dict[str, Numbers]:
    """Each sample's losses, and whether it is wrong, from their definitions."""
    found: dict[str, Numbers] = {}
    if not classes:
        missed = outputs["values"] - targets
        return {"squared": missed**2, "absolute": np.abs(missed)}
    if "score" in outputs:
        margin = (2 * targets - 1) * outputs["score"]
        found["hinge"] = np.maximum(0.0, 1 - margin)
        found["exponential"] = np.exp(np.minimum(-margin, 500))
        found["error"] = (np.where(outputs["score"] > 0, 1, 0) != targets).astype(np.float64)
    if "values" in outputs:
        values = outputs["values"]
        found["squared"] = np.sum((values - np.eye(classes)[targets]) ** 2, axis=1)
        right = values[np.arange(len(targets)), targets]
        if values.min() >= 0:
            found["cross-entropy"] = -np.log(np.clip(right, CLIP, 1.0))
        found.setdefault("error", (values.argmax(axis=1) != targets).astype(np.float64))
    return found


def constants(targets: Numbers, classes: int) -> dict[str, float]:
    """The mean loss of the best constant on these targets."""
    if not classes:
        return {"squared": float(np.var(targets)), "absolute": float(np.mean(np.abs(targets - np.median(targets))))}
    shares = np.bincount(targets, minlength=classes) / len(targets)
    positive = shares[shares > 0]
    return {
        "squared": float(1 - np.sum(shares**2)),
        "cross-entropy": float(-np.sum(positive * np.log(positive))),
        "hinge": float(2 * (1 - shares.max())),
        "exponential": float(2 * math.sqrt(shares[0] * shares[1])),
        "error": 1.0,  # an error is itself
    }


def trained(
    model: Model, fold: Fold, draw: int, settings: Mapping[str, object], *, averaged: int = 1
) -> dict[str, float]:
    """Mean risks by "train loss", "test loss", ... of one training, or of the average of several independent ones."""
    classes = len(np.unique(TABLES[model.table]().targets)) if is_classifier(model.estimator) else 0
    members = [
        seeded(model.estimator, 1000 * draw + member, settings).fit(fold.inputs, fold.targets)
        for member in range(averaged)
    ]
    found: dict[str, float] = {}
    scale = constants(fold.targets, classes)
    for part, inputs, targets in (
        ("train", fold.inputs, fold.targets),
        ("test", fold.test_inputs, fold.test_targets),
    ):
        each = [outputs_of(member, inputs, classes) for member in members]
        mean = {name: np.mean([one[name] for one in each], axis=0) for name in each[0]}
        for name, values in losses_of(mean, targets, classes).items():
            found[f"{part} {name}"] = float(np.mean(values)) / (scale[name] if part == "train" else 1.0)
    return found


def tried(
    model: Model, draws: int, seconds: float, work: Callable[[Table, int], dict[str, float]]
) -> dict[str, list[float]]:
    """What each draw gives, by name, until the time is spent; NaN where the training fails."""
    table, rows, start = TABLES[model.table](), [dict[str, float]()], time.process_time()
    rows.clear()
    for draw in range(draws):
        if draw >= LEAST_DRAWS and time.process_time() - start > seconds:
            break
        try:
            rows.append(work(table, draw))
        except (ValueError, np.linalg.LinAlgError):
            rows.append({})
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name, math.nan) for row in rows] for name in names}


def grid_of(model: Model) -> list[int]:
    """Numbers of samples, half an octave apart; a tenth about those of columns, where linear models peak."""
    table = TABLES[model.table]()
    fixed = {model.samples, round(1.5 * model.samples), 2 * model.samples, 4 * model.samples, table.pool}
    steps = {round(10 * 2 ** (step / 2)) for step in range(24)}
    centre = {"linear_discriminant": 72, "least_squares": 11, "fourier": 100}.get(model_name(model))
    near = {round(centre * 1.1**step) for step in range(-6, 7)} if centre else set[int]()
    return sorted(n for n in fixed | steps | near if 5 <= n <= table.pool)


def model_name(model: Model) -> str:
    """What the dictionary calls it."""
    return next(name for name, one in MODELS.items() if one is model)


def value_of(model: Model, parameter: str) -> Any:
    """The value that a parameter has; a width out of a tuple of one."""
    value = model.estimator.get_params(deep=True)[parameter]
    return value[0] if isinstance(value, tuple) else value


def setting(model: Model, value: float) -> dict[str, object]:
    """The parameter that is the size, set; whole numbers where it counts."""
    assert model.size is not None
    if model.size.endswith("hidden_layer_sizes"):
        return {model.size: (int(value),)}
    return {model.size: value if model.size in ("alpha", "gamma", "C") else int(value)}


def changes_of(model: Model) -> dict[str, dict[str, Any]]:
    """What is changed, by name: settings of parameters, or how many fits are averaged."""
    found: dict[str, dict[str, Any]] = {}
    value = value_of(model, model.size) if model.size else None
    if isinstance(value, (int, float)):
        for factor in (0.5, 1.5, 2.0, 4.0):
            if model.size == "polynomialfeatures__degree" and factor > 1.5:
                continue  # 46,000 columns
            if setting(model, max(value * factor, 1e-9)) not in (setting(model, value), {model.size: 0}):
                found[f"size x {factor:g}"] = {"settings": setting(model, value * factor)}
    for factor in (1.5, 2.0, 4.0) if model.time else ():
        assert model.time is not None
        found[f"time x {factor:g}"] = {"settings": {model.time: round(factor * value_of(model, model.time))}}
    if model.penalty:
        found["penalty"] = {"settings": dict(model.penalty)}
    if model.is_averaged:
        found["average of 5"] = {"averaged": 5}
    return found


def compared(model: Model, samples: int) -> dict[str, object]:
    """How the held-out risk changes, paired: log ratios of losses, differences of the error."""
    plain: dict[int, dict[str, float]] = {}

    def base(table: Table, draw: int) -> dict[str, float]:
        if draw not in plain:
            plain[draw] = trained(model, fold_of(table, draw).prefix(samples), draw, {})
        return plain[draw]

    changes = changes_of(model)
    found: dict[str, object] = {}
    for name, change in changes.items():

        def work(table: Table, draw: int, change: dict[str, Any] = change) -> dict[str, float]:
            before, fold = base(table, draw), fold_of(table, draw).prefix(samples)
            after = trained(model, fold, draw, change.get("settings", {}), averaged=change.get("averaged", 1))
            names = [name for name in after if name.startswith("test") and name in before]
            return {key.removeprefix("test "): comparable(key, after) - comparable(key, before) for key in names}

        values = tried(model, DRAWS["changes"], SECONDS["changes"] / len(changes), work)
        found[name] = {**change, "change": {key: summary(each) for key, each in values.items()}}
    return found


def comparable(name: str, risks: Mapping[str, float]) -> float:
    """What is subtracted: logarithms of losses, and the error itself."""
    return risks[name] if name.endswith("error") else math.log(max(risks[name], 1e-30))


def summary(values: Sequence[float]) -> list[float | None]:
    """Mean, standard deviation and number of the draws that did not fail."""
    known = np.array([value for value in values if math.isfinite(value)])
    spread = float(known.std(ddof=1)) if len(known) > 1 else 0.0
    return [float(f"{known.mean():.5g}"), float(f"{spread:.4g}"), len(known)] if len(known) else [None, None, 0]


def summaries(risks: Mapping[str, Sequence[float]]) -> dict[str, list[float | None]]:
    """That of each risk."""
    return {name: summary(each) for name, each in risks.items()}


def peak_of(curve: Mapping[float, Mapping[str, Sequence[float]]], name: str) -> dict[str, object] | None:
    """The highest place inside a curve that exceeds the lowest on each side by 5 % and 3 paired standard errors."""
    known = {place: risks[name] for place, risks in curve.items() if name in risks}
    draws = min(map(len, known.values()), default=0)
    if draws < LEAST_DRAWS or len(known) < 3:
        return None
    places = sorted(known)
    risks = np.array([[comparable(name, {name: risk}) for risk in known[place][:draws]] for place in places])
    mean = risks.mean(axis=1)

    def stands_out(peak: int, low: int) -> bool:
        above = risks[peak] - risks[low]
        least = 0.05 * mean[low] if name.endswith("error") else math.log(1.05)
        return bool(above.mean() > max(least, 3 * above.std(ddof=1) / math.sqrt(draws)))

    def heights(peak: int) -> float:
        return float(mean[peak] - max(mean[:peak].min(), mean[peak + 1 :].min()))

    peak = max(range(1, len(places) - 1), key=heights)
    left, right = int(mean[:peak].argmin()), peak + 1 + int(mean[peak + 1 :].argmin())
    if not (stands_out(peak, left) and stands_out(peak, right)):
        return None
    return {"place": places[peak], "between": [places[peak - 1], places[peak + 1]], "above": round(heights(peak), 4)}


def measured(model: Model) -> dict[str, object]:
    """All that is known of one model."""
    start = time.process_time()

    def at(samples: int, settings: Mapping[str, object]) -> Callable[[Table, int], dict[str, float]]:
        return lambda table, draw: trained(model, fold_of(table, draw).prefix(samples), draw, settings)

    table = TABLES[model.table]()
    curves: dict[str, dict[float, dict[str, list[float]]]] = {
        "curve": {n: tried(model, DRAWS["curve"], SECONDS["curve"], at(n, {})) for n in grid_of(model)},
        "sizes": {
            size: tried(model, DRAWS["sizes"], SECONDS["sizes"], at(model.samples, setting(model, size)))
            for size in model.sizes
        },
    }
    names = [f"test {model.objective}", "test error"]
    return {
        "number": model.number, "estimator": " ".join(str(model.estimator).split()), "table": model.table,
        "samples": model.samples, "all_samples": table.pool, "objective": model.objective, "size": model.size,
        **{axis: {f"{place:g}": summaries(risks) for place, risks in curve.items()} for axis, curve in curves.items()},
        "peaks": {axis: {name: peak_of(curve, name) for name in names} for axis, curve in curves.items()},
        "changes": {f"{n}": compared(model, n) for n in (model.samples, table.pool)},
        "seconds": round(time.process_time() - start, 1),
    }  # fmt: skip


def wanted(names: Sequence[str], known: Mapping[str, object]) -> Iterator[str]:
    """The models that are named, or those that nothing is known of."""
    return (name for name in MODELS if (name in names if names else name not in known))


def main() -> None:
    """Measure, and write after each model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", choices=[[], *MODELS], metavar="MODEL")
    names = parser.parse_args().models
    result = json.loads(OUTPUT.read_text(encoding="utf-8")) if OUTPUT.exists() else {"models": {}}
    warnings.simplefilter("ignore")  # networks that do not converge and collinear columns are among the twenty
    for name in wanted(names, result["models"]):
        machine = {**describe(), "scikit-learn": sklearn.__version__, "date": datetime.now(UTC).date().isoformat()}
        result["models"][name] = {**measured(MODELS[name]), "machine": machine}
        print(name, result["models"][name]["seconds"], flush=True)
        OUTPUT.write_text(json.dumps(result, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
