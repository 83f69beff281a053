"""Any function as a procedure: the contract's laws, what stands for its code, and what it refuses."""

# ruff: noqa: ARG005 (five arguments are the contract, whether a function needs them or not)

import functools
import pickle
import sys
from types import SimpleNamespace
from typing import Any

import cloudpickle  # type: ignore[import-untyped]
import numpy as np
import pytest

import benign
from benign import sources
from benign.foundation.errors import InvalidArgument
from benign.foundation.replicate import Replicate
from benign.foundation.split import Split
from benign.procedures import RandomFourier, from_callable
from benign.procedures.prediction_risks import PREDICTION_RISKS
from tests.procedures.cases import curve, digits, random_features

SIZES = np.array([2, 5, 9])
TIMES = np.array([0.0, 0.5, 4.0])


def test_what_the_function_is_given():
    calls = []

    def fit(X, y, size, time, seed):
        calls.append(SimpleNamespace(X=X, y=y, size=size, time=time, seed=seed))
        X[:] = 0.0  # the arrays are its own

        def predict(inputs):
            inputs[:] = 0.0
            return np.zeros(len(inputs), dtype=int)

        return predict

    procedure = from_callable(fit, name="listening", time_name="steps")
    splits = [digits(Replicate(initialisation=i)) for i in (0, 0, 1)]
    procedure.measure(splits, np.array([3]), np.array([0.5, 2.0]), PREDICTION_RISKS)
    first = calls[0]
    assert (first.X.shape, first.y.shape, first.y.dtype, first.size) == ((40, 64), (40,), np.int64, 3)
    assert [call.time for call in calls if call.time != 0.5] == [2, 2, 2]
    assert isinstance(calls[-1].time, int)
    assert len({call.seed for call in calls}) == 2
    assert calls[0].seed == calls[2].seed != calls[-1].seed
    assert all(0 <= call.seed < 2**31 - 1 for call in calls)
    procedure.measure([curve()], np.array([3]), None, PREDICTION_RISKS)
    assert calls[-1].y.shape == (20,)
    assert calls[-1].y.dtype == np.float64
    assert calls[-1].time is None
    assert splits[0].train_inputs.any()
    assert splits[0].test_inputs.any()


def test_class_indices_are_one_hot_rows():
    split = digits()
    procedure = from_callable(lambda X, y, size, time, seed: lambda Z: np.arange(len(Z)) % 10, name="in turn")
    (one,) = procedure.predict(split, split.test_inputs, np.array([1]))
    np.testing.assert_array_equal(one.values, np.eye(10)[np.arange(30) % 10])


def test_our_random_features_behind_the_adapter_have_their_curve():
    split, sizes = digits(Replicate(initialisation=4)), np.array([1, 10, 35, 40, 45, 120])
    own = RandomFourier(bandwidth=20.0)

    def fit(X, y, size, time, seed):
        targets = np.eye(10)[y]
        training = Split(
            train_inputs=X, train_targets=targets, train_targets_clean=targets, test_inputs=X, test_targets=targets,
            test_targets_noisy=targets, pool=X, classes=None, replicate=Replicate(initialisation=4),
        )  # fmt: skip
        return lambda inputs: next(own.predict(training, inputs, np.array([size]))).values

    metrics = frozenset({"train_loss", "train_error", "test_loss", "test_error", "train_loss_clean", "test_loss_noisy"})
    block = from_callable(fit, name="ours").measure([split], sizes, None, metrics)
    expected = own.measure([split], sizes, None, metrics)
    for name in metrics:
        np.testing.assert_allclose(block.metrics[name], expected.metrics[name], rtol=1e-8, atol=1e-12, err_msg=name)


def test_runs_in_worker_processes():
    shift = 3.0
    procedure = from_callable(lambda X, y, size, time, seed: lambda Z: np.full(len(Z), size + shift), name="shifted")
    source = sources.mml(test_samples=20)
    losses = [
        benign.measure(procedure, source, sizes=[1, 2], samples=[10], replicates=2, executor=executor, workers=1)
        .dataset["test_loss"]
        for executor in ("here", "processes")
    ]  # fmt: skip
    np.testing.assert_array_equal(losses[0], losses[1])
    assert losses[0].attrs  # described
    again = pickle.loads(cloudpickle.dumps(procedure))
    assert again.spec() == procedure.spec()


class Trainer:
    """A callable without source text of its own."""

    def __call__(self, X, y, size, time, seed):
        return lambda inputs: np.zeros(len(inputs))


class TestKey:
    def test_the_source_text_stands_for_the_function(self):
        def same():
            def fit(X, y, size, time, seed):
                return lambda inputs: inputs[:, 0]

            return fit

        def other():
            def fit(X, y, size, time, seed):
                return lambda inputs: inputs[:, 0] + 1.0

            return fit

        specs = [from_callable(make(), name="f").spec() for make in (same, same, other)]
        assert specs[0] == specs[1] != specs[2]
        assert specs[0] != from_callable(same(), name="g").spec()

    def test_lambdas_of_one_line_are_told_apart(self):
        several = [lambda X, y, size, time, seed: lambda Z: Z[:, 0], lambda X, y, size, time, seed: lambda Z: Z[:, 1]]
        first, second = (from_callable(fit, name="f").spec() for fit in several)
        assert first != second
        assert first == from_callable(several[0], name="f").spec()

    def test_a_revision_stands_in_its_place(self):
        first = from_callable(random_features, name="f", revision=3)
        second = from_callable(Trainer(), name="f", revision=3)
        assert first.spec() == second.spec() != from_callable(random_features, name="f").spec()
        assert first.revision == 3

    @pytest.mark.parametrize("fit", [Trainer(), functools.partial(random_features)])
    def test_without_text_nothing_is_reused(self, fit):
        procedure = from_callable(fit, name="f")
        assert procedure.spec() == procedure.spec()
        assert procedure.spec() != from_callable(fit, name="f").spec()

    def test_a_store_reuses_blocks_by_it(self, tmp_path):
        calls = []

        def fit(X, y, size, time, seed):
            calls.append(size)
            return lambda inputs: inputs[:, 0]

        for _ in range(2):
            benign.measure(
                from_callable(fit, name="f"), sources.mml(test_samples=20), sizes=[1, 2], samples=[10], replicates=1,
                store=tmp_path / "runs.db", executor="here",
            )  # fmt: skip
        assert calls == [1, 1, 2]  # the first size twice: whether its seed is kept


def _any(value: Any) -> Any:
    """What a type checker would refuse, too."""
    return value


def _answering(answer):
    return from_callable(lambda X, y, size, time, seed: lambda inputs: answer(len(inputs)), name="answering")


@pytest.mark.usefixtures("unchecked")
class TestRefusals:
    @pytest.mark.parametrize(
        ("make", "sentence"),
        [
            (lambda: from_callable(_any(3), name="f"), "`fit` must be a function .* got int"),
            (lambda: from_callable(_any(lambda X, y: y), name="f"), r"`fit` must take five arguments, .* takes \(X, y"),
            (lambda: from_callable(random_features, name=""), "`name` must be a text, got ''"),
            (lambda: from_callable(random_features, name="f", size_name=_any(3)), "`size_name` must be a text, got 3"),
            (lambda: from_callable(random_features, name="f", time_name=_any(2)), "`time_name` must be a text, got 2"),
            (lambda: from_callable(random_features, name="f", revision=0), "`revision` must be a positive integer"),
            (lambda: from_callable(random_features, name="f", max_size=2.5), "`max_size` must be a positive integer"),
        ],
    )  # fmt: skip
    def test_when_it_is_made(self, make, sentence):
        with pytest.raises(InvalidArgument, match=sentence):
            make()

    @pytest.mark.parametrize(
        ("answer", "sentence"),
        [
            (np.zeros, r"shape \(40,\); it must be \(40, 10\), one score a class, or whole numbers"),
            (lambda m: np.zeros((m, 3)), r"shape \(40, 3\); it must be \(40, 10\)"),
            (
                lambda m: np.full(m, 10),
                "answering at size 2 on 40 samples predicts classes from 10 to 10; they must be from 0 to 9",
            ),
            (lambda m: np.full((m, 10), np.inf), "answering at size 2 on 40 samples predicts NaN or infinity"),
            (lambda _: 1 / 0, r"cannot be trained at size 2 on 40 samples \(ZeroDivisionError: division by zero\)"),
        ],
    )
    def test_answers_that_are_none(self, answer, sentence):
        with pytest.raises(InvalidArgument, match=sentence):
            _answering(answer).measure([digits()], SIZES, None, PREDICTION_RISKS)

    def test_a_function_that_returns_no_function(self):
        procedure = from_callable(lambda X, y, size, time, seed: y, name="values")
        with pytest.raises(
            InvalidArgument, match=r"`fit` of 'values' must return a function, predict\(X\), got ndarray"
        ):
            procedure.measure([curve()], SIZES, None, PREDICTION_RISKS)

    def test_a_function_that_ignores_its_seed(self):
        procedure = from_callable(
            lambda X, y, size, time, seed: lambda inputs: np.random.default_rng().normal(size=len(inputs)), name="dice"
        )
        with pytest.raises(InvalidArgument, match="dice ignores its seed"):
            procedure.measure([curve()], SIZES, None, PREDICTION_RISKS)

    def test_times_without_a_name(self):
        procedure = from_callable(random_features, name="f")
        with pytest.raises(InvalidArgument, match="`times` must be None: the function has no time"):
            procedure.measure([curve()], SIZES, TIMES, PREDICTION_RISKS)

    def test_sizes_beyond_the_largest(self):
        procedure = from_callable(random_features, name="f", max_size=4, size_name="columns")
        with pytest.raises(InvalidArgument, match="asks for 5 columns, but there are only 4"):
            benign.measure(procedure, sources.mml(), sizes=[2, 5], samples=[10], replicates=1)


@pytest.mark.skipif(sys.version_info < (3, 14), reason="before Python 3.14 such a function cannot be defined")
def test_annotations_may_name_what_is_there_for_a_type_checker_alone():
    users: dict[str, Any] = {}
    source = "def right(X: Missing, y, size, time, seed): ...\ndef wrong(X: Missing, y): ..."
    exec(compile(source, "users", "exec", dont_inherit=True), users)
    benign.from_callable(users["right"], name="right")
    with pytest.raises(InvalidArgument, match="must take five arguments"):
        benign.from_callable(users["wrong"], name="wrong")
