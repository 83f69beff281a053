"""What the data alone say: found where it is, and not where it is not, at rates that are measured here."""

from __future__ import annotations

import time as clock

import numpy as np
import pandas as pd
import pytest
from mlxtend.data import autompg_data, boston_housing_data
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine, make_friedman1
from sklearn.dummy import DummyClassifier, DummyRegressor

import benign
from benign.diagnosis.answers import ANSWERS
from benign.diagnosis.conflicting_labels import conflicting_rows
from benign.diagnosis.data.leaks import find_leaks
from benign.diagnosis.data.row_groups import NOTABLE, find_row_groups
from benign.diagnosis.data.row_order import find_row_order
from benign.diagnosis.data.rows import Rows, ranks
from benign.diagnosis.data_checks import data_findings
from tests.diagnosis.benches import bench_of, table_of


def findings(source, samples=None):
    model = DummyRegressor() if source.classes is None else DummyClassifier()
    with bench_of(model, source, samples=samples) as bench:
        return {one.code: one for one in data_findings(bench)}


def rows_of(X, y, names=()):
    y = np.asarray(y)
    classes = None if y.dtype.kind == "f" else tuple(map(str, range(int(y.max()) + 1)))
    targets = y[:, None] if classes is None else np.eye(len(classes))[y]
    return Rows(
        inputs=np.asarray(X, dtype=np.float64),
        targets=targets,
        classes=classes,
        names=names,
        identifiers=(),
        are_as_given=True,
    )


def alarms(rows, seed=0):
    """Which of the three checks that judge by a measure find something."""
    leaks, groups, order = find_leaks(rows, seed=seed), find_row_groups(rows, seed=seed), find_row_order(rows)
    found = {"leak": leaks, "groups": groups.share > NOTABLE, "ordered": order.is_dependent}
    return {name for name, what in found.items() if what}


def _autompg():
    X, y = autompg_data()
    kept = ~np.isnan(X[:, :7]).any(axis=1)  # the eighth is the car's name
    return X[kept, :7], y[kept]


def _mnist1d():
    split = benign.sources.mnist1d().draw(600, benign.Replicate())
    return split.train_inputs, split.train_targets.argmax(axis=1)


KNOWN = {
    "digits": (lambda: load_digits(return_X_y=True), {"constant"}),
    "wine": (lambda: load_wine(return_X_y=True), set()),
    "iris": (lambda: load_iris(return_X_y=True), set()),
    "cancer": (lambda: load_breast_cancer(return_X_y=True), set()),
    "diabetes": (lambda: load_diabetes(return_X_y=True), set()),
    "autompg": (_autompg, set()),
    "boston": (boston_housing_data, {"ordered"}),  # town after town: rows beside each other are neighbours
    "friedman": (lambda: make_friedman1(300, noise=1.0, random_state=0), set()),
    "mnist1d": (_mnist1d, set()),
}


@pytest.mark.parametrize("name", KNOWN)
def test_known_tables_raise_no_false_alarm(name):
    load, expected = KNOWN[name]
    X, y = load()
    assert findings(table_of(X, y)).keys() == expected
    order = np.random.default_rng(0).permutation(len(X))
    assert findings(table_of(X[order], y[order])).keys() == expected - {"ordered"}


def _clean(random, n, d, kind):
    if kind == 0:
        return random.standard_normal((n, d))
    if kind == 1:
        return random.standard_t(2, (n, d))
    if kind == 2:
        return random.integers(0, 4, (n, d)).astype(np.float64)
    return random.standard_normal((n, 2)) @ random.standard_normal((2, d))  # a plane in many columns


def test_clean_random_tables_raise_a_false_alarm_in_at_most_one_of_a_hundred():
    alarmed = 0
    for seed in range(200):
        random = np.random.default_rng(seed)
        n, d = int(random.integers(40, 150)), int(random.integers(1, 25))
        X = _clean(random, n, d, seed % 4)
        noise = random.standard_t(3, n)
        y = X[:, 0] + noise if seed % 8 < 4 else random.integers(0, 2 + seed % 3, n)
        alarmed += bool(alarms(rows_of(X, y), seed))
    assert alarmed <= 2


def _clustered(seed, size, within, *, is_classed=False):
    """Rows in shuffled groups, 150 of them."""
    random = np.random.default_rng(seed)
    centres = random.uniform(size=(-(-150 // size), 8))
    values = np.repeat(centres[:, 0] + random.normal(size=len(centres)), size)[:150]
    X = np.repeat(centres, size, axis=0)[:150] + within * random.normal(size=(150, 8))
    order = random.permutation(150)
    return X[order], (values > np.median(values)).astype(np.int64)[order] if is_classed else values[order]


@pytest.mark.parametrize("size", [2, 4, 6])
@pytest.mark.parametrize("is_classed", [False, True], ids=["values", "classes"])
def test_groups_are_found(size, is_classed):
    found = [
        find_row_groups(rows_of(*_clustered(seed, size, 0.05, is_classed=is_classed)), seed=0) for seed in range(10)
    ]
    assert sum(groups.share > NOTABLE for groups in found) == 10
    if size == 4:
        assert {groups.size for groups in found} == {4}


def test_clusters_that_are_classes_are_no_groups():
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(19), 30)
    X = 3.0 * random.normal(size=(19, 66))[labels] + random.normal(size=(570, 66))
    assert find_row_groups(rows_of(X, labels), seed=0).share < 0.1


def _leaking(kind, seed):
    random = np.random.default_rng(seed)
    X = np.exp(random.normal(size=(100, 5)))
    y = X[:, 0] + random.normal(size=100) + 10.0
    labels = (y > np.median(y)).astype(np.int64)
    made = {
        "curve": (np.exp(y / 5.0) * (1.0 + 1e-4 * random.normal(size=100)), y),
        "difference": (y + X[:, 2], y),
        "ratio": (y * X[:, 2], y),
        "code": (1.0 - labels, labels),
        "missing": (np.where(labels > 0, np.nan, random.normal(size=100)), labels),
        "threshold": (y, labels),
        "larger": (X[:, 2] + np.where(labels > 0, 0.1, -0.1) * random.uniform(size=100), labels),
    }[kind]
    return np.column_stack([X, made[0]]), made[1]


@pytest.mark.parametrize(
    ("kind", "columns"),
    [
        ("curve", (5,)),
        ("difference", (2, 5)),
        ("ratio", (2, 5)),
        ("code", (5,)),
        ("missing", (5,)),
        ("threshold", (5,)),
        ("larger", (2, 5)),
    ],
)
def test_leaks_are_found_with_their_columns(kind, columns):
    for seed in range(5):
        found = find_leaks(rows_of(*_leaking(kind, seed)), seed=0)
        assert [tuple(sorted(leak.columns)) for leak in found] == [columns]


def test_leaks_are_said_as_a_suspicion():
    X, labels = _leaking("threshold", 0)
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d", "e", "repaid"]).assign(y=np.where(labels > 0, "yes", "no"))
    found = findings(benign.sources.frame(frame, target="y"))["leak"]
    assert found.sentence == (
        "Column 'repaid' alone tells the class of 99 % of the rows: a leak, if it is known only with the answer; "
        "leave it out then."
    )
    assert not found.refuses
    assert findings(benign.sources.arrays(frame.drop(columns="y"), labels))["leak"].sentence == found.sentence
    pair = findings(table_of(*_leaking("difference", 0)))["leak"].sentence
    assert pair.startswith("The difference of columns 5 and 2 (counted from 0) alone tells 100 % of the variance of ")


def test_a_column_that_is_the_task_is_no_leak():
    x = np.linspace(0.0, 1.0, 100)[:, None]
    assert not find_leaks(rows_of(x, np.sin(9.0 * x[:, 0])), seed=0)
    rare = np.arange(100) < 2  # two rows at the end of one of many columns are there by chance
    X = np.random.default_rng(0).normal(size=(100, 500))
    assert not find_leaks(rows_of(X, rare.astype(np.int64)), seed=0)


def _walk(random, n, memory):
    steps = random.normal(size=n) * np.sqrt(1.0 - memory**2)
    values = np.zeros(n)
    for i in range(1, n):
        values[i] = memory * values[i - 1] + steps[i]
    return values


def _in_order(kind, seed):
    random = np.random.default_rng(seed)
    X, t = random.normal(size=(300, 5)), np.arange(300)
    series = _walk(random, 310, 0.95)
    return {
        "series": (X, X[:, 0] + 2.0 * _walk(random, 300, 0.9)),
        "trend": (X, X[:, 0] + 2.5 * t / 300 + random.normal(size=300)),
        "season": (X, X[:, 0] + 1.5 * np.sin(t / 15) + random.normal(size=300)),
        "lagged": (np.stack([series[i : i + 300] for i in range(9)], axis=1), series[10:310]),
        "sessions": (X, np.repeat(random.integers(0, 4, 20), 15)),
    }[kind]


@pytest.mark.parametrize("kind", ["series", "trend", "season", "lagged", "sessions"])
def test_an_order_in_time_is_found(kind):
    assert sum(find_row_order(rows_of(*_in_order(kind, seed))).is_dependent for seed in range(10)) >= 9


def test_an_order_in_time_forbids_answers_and_shuffling_takes_that_back():
    X, y = _in_order("series", 0)
    found = findings(table_of(X, y))["ordered"]
    assert found.refuses == ("more_data",)
    assert found.sentence.startswith("The rows follow an order of time or place (what the inputs leave of the target ")
    order = np.random.default_rng(1).permutation(300)
    assert not findings(table_of(X[order], y[order]))


@pytest.mark.parametrize("by", ["target", "class", "input"])
def test_a_sorted_table_tells_nothing_of_time(by):
    random = np.random.default_rng(0)
    X = random.normal(size=(200, 4))
    y = np.sin(3.0 * X[:, 0]) + 0.1 * random.normal(size=200)
    order = np.argsort({"target": y, "class": y > 0.0, "input": X[:, 0]}[by], kind="stable")
    targets = (y > 0.0).astype(np.int64) if by == "class" else y
    assert not find_row_order(rows_of(X[order], targets[order])).is_dependent


@pytest.mark.parametrize(
    ("name", "is_date"), [("year", True), ("orderDate", True), ("Yearning", False), ("age", False)]
)
def test_an_ascending_column_is_a_date_by_its_name(name, is_date):
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"a": random.normal(size=100), name: np.arange(100) // 9, "y": random.normal(size=100)})
    found = findings(benign.sources.frame(frame, target="y"))
    assert ("ordered" in found) == is_date
    if is_date:
        assert found["ordered"].sentence.startswith(f"The rows follow an order of time, that of column '{name}': ")


def test_copies_with_other_labels_are_said_and_forbid_answers():
    random = np.random.default_rng(0)
    X = np.repeat(random.normal(size=(60, 4)), 2, axis=0)
    labels = np.repeat(np.arange(60) % 2, 2)
    labels[:12:2] = 1 - labels[:12:2]  # one of two copies, six times
    order = random.permutation(120)
    found = findings(table_of(X[order], labels[order]))
    assert found["copies"].refuses == found["conflicts"].refuses == ("more_data", "bigger", "longer", "remedies")
    split = table_of(X[order], labels[order]).draw(96, benign.Replicate())
    pairs = conflicting_rows(split.train_inputs, split.train_targets)
    assert found["conflicts"].sentence == (
        f"{2 * len(pairs)} of 96 training rows equal another one whose labels differ: no model of these inputs reaches "
        f"a training error below {100 * len(pairs) / 96:.2g} %; check the labels, or add a column that tells such rows "
        "apart."
    )


def test_rows_of_few_values_repeat_and_disagree_by_nature():
    random = np.random.default_rng(0)
    found = findings(table_of(random.integers(0, 2, (200, 3)), random.integers(0, 2, 200)))
    assert found.keys() == {"copies", "conflicts"}
    assert not any(one.refuses for one in found.values())


def test_small_tables_rare_classes_and_useless_columns_are_said():
    random = np.random.default_rng(0)
    labels = np.where(np.arange(48) < 3, 2, np.arange(48) % 2)
    X = np.column_stack([random.normal(size=(48, 3)), random.permutation(48), np.ones(48)])
    found = findings(table_of(X, labels, test_samples=10))
    assert {code: one.refuses for code, one in found.items()} == {
        "few_rows": ("more_data", "bigger", "longer", "remedies"),
        "rare_classes": (),
        "identifiers": (),
        "constant": (),
    }
    assert "38 training rows are too few" in found["few_rows"].sentence
    assert "of class '2'" in found["rare_classes"].sentence
    assert "numbered by column 3 (counted from 0)" in found["identifiers"].sentence
    assert "from column 4 (counted from 0), which is constant" in found["constant"].sentence


def test_a_column_of_texts_to_be_read_is_not_told_to_be_left_out():
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.normal(size=(80, 2)), columns=["a", "y"])
    frame = frame.assign(
        review=[f"{word} and cheap {row}" for row, word in enumerate(random.choice(["good", "bad"], 80))]
    )
    found = findings(benign.sources.frame(frame, target="y"))
    assert found.keys() == {"identifiers"}
    assert found["identifiers"].sentence == (
        "Another text stands in every row of column 'review': unless its words are read, such as by TfidfVectorizer, "
        "it only names the rows; leave it out then."
    )


def test_a_constant_target_leaves_nothing_to_ask():
    X = np.random.default_rng(0).normal(size=(60, 2))
    found = findings(table_of(X, (np.arange(60) == 4).astype(np.float64)), samples=20)["constant_target"]
    assert found.sentence.startswith("All 20 training targets are the same: there is nothing to learn")
    assert set(found.refuses) == set(ANSWERS) - {"standing"}


def test_a_target_that_names_the_rows_is_refused():
    X = np.random.default_rng(0).normal(size=(80, 2))
    found = findings(table_of(X, [f"row {row}" for row in range(80)], test_samples=16))["rare_classes"]
    assert found.sentence.startswith("64 of 64 training rows are the only one of their class")
    assert found.refuses == ("more_data", "bigger", "longer", "remedies")


def test_a_distribution_is_looked_at_in_its_first_draw():
    assert not findings(benign.sources.mnist1d(), samples=200)


def test_gaps_and_text_are_taken():
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.normal(size=(80, 3)), columns=["a", "b", "y"])
    frame = frame.assign(c=random.choice(["red", "blue"], 80))
    frame.loc[::7, "a"] = np.nan
    assert not findings(benign.sources.frame(frame, target="y"))


def test_a_large_table_takes_about_a_second():
    random = np.random.default_rng(0)
    source = table_of(random.normal(size=(20_000, 100)), random.integers(0, 5, 20_000))
    began = clock.process_time()
    assert not findings(source)
    assert clock.process_time() - began < 4.0  # 1.2 on an idle core


def test_ranks_are_average_places_and_gaps_come_last():
    found = ranks(np.array([[3.0], [1.0], [3.0], [np.nan]]))
    np.testing.assert_allclose(found[:, 0], [0.5, 0.125, 0.5, 0.875])
