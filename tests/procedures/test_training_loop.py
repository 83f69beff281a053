"""Any training loop as a procedure: what it is given, how far it runs, what its losses are, and what it refuses."""

# ruff: noqa: ARG005, B023 (arguments are the contract's; what predicts is asked before the loop goes on)

import pickle
import sys
from types import SimpleNamespace
from typing import Any

import cloudpickle  # type: ignore[import-untyped]
import numpy as np
import pytest
from scipy.special import logsumexp

import benign
from benign import sources
from benign.diagnosis.trials.trial import Shared, Trial, run_trial
from benign.foundation.errors import InvalidArgument
from benign.foundation.outcomes import Outcome
from benign.foundation.replicate import Replicate
from benign.procedures import from_callable, from_training_loop
from benign.procedures.objectives import OwnObjective, best_constant, constant_loss
from benign.procedures.prediction_risks import PREDICTION_RISKS
from benign.surface.displays import metric_label
from tests.networks.extra import needs_torch
from tests.procedures.cases import curve, descent, digits

LOSSES = frozenset({"train_loss", "test_loss"})
RATE = 0.05


def waves(inputs, size):
    return np.cos(inputs[:, :1] * np.arange(size))


def least_squares(split, size, seed):
    """Gradient descent on the mean squared error of a sum of waves."""
    del seed
    features = waves(split.train_inputs, size)
    theta = np.zeros((size, 1))
    for step in range(101):
        if step > 0:
            theta = theta - RATE * 2.0 / split.samples * features.T @ (features @ theta - split.train_targets)
        yield step, lambda inputs: waves(inputs, size) @ theta


def in_closed_form(split, size, step):
    """What so many steps from zero come to: a spectral filter of the pseudo-inverse."""
    u, s, vt = np.linalg.svd(waves(split.train_inputs, size), full_matrices=False)
    reached = 1.0 - (1.0 - 2.0 * RATE / split.samples * s[:, None] ** 2) ** step
    return waves(split.test_inputs, size) @ vt.T @ (reached / s[:, None] * (u.T @ split.train_targets))


@pytest.mark.parametrize("times", [[0.0, 3.0, 50.0, 100.0], [3.0, np.inf], None], ids=["moments", "end too", "end"])
def test_a_loop_has_the_risks_of_its_closed_form_at_all_times(times):
    split, sizes = curve(), np.array([1, 2, 4])
    procedure = from_training_loop(least_squares, objective="squared")
    moments = None if times is None else np.array(times)
    block = procedure.measure([split], sizes, moments, LOSSES)
    predictions = iter(procedure.predict(split, split.test_inputs, sizes, moments))
    for column, size in enumerate(sizes.tolist()):
        for layer, time in enumerate([np.inf] if times is None else times):
            expected = in_closed_form(split, size, min(time, 100.0))
            np.testing.assert_allclose(next(predictions).values, expected, rtol=1e-9, atol=1e-12)
            loss = np.mean((expected - split.test_targets) ** 2)
            np.testing.assert_allclose(block.metrics["test_loss"][0, column, layer], loss, rtol=1e-9)


def listening(**settings):
    """A loop that keeps what it is given and when it is asked, and spoils all its arrays."""
    heard = SimpleNamespace(splits=[], sizes=[], seeds=[], steps=[], asked=[], closed=0)

    def fit(split, size, seed):
        heard.splits.append(split)
        heard.sizes.append(size)
        heard.seeds.append(seed)
        split.train_inputs[:] = split.train_targets[:] = split.train_targets_clean[:] = 0.0
        try:
            for step in range(10):
                heard.steps.append(step)

                def predict(inputs, step=step):
                    heard.asked.append((step, inputs.shape, inputs.dtype, inputs.flags.c_contiguous))
                    inputs[:] = 0.0
                    return np.zeros(len(inputs), dtype=int)

                yield step, predict
        finally:
            heard.closed += 1

    return from_training_loop(fit, objective="squared", name="listening", **settings), heard


def test_one_training_gives_all_times_and_ends_with_the_last():
    procedure, heard = listening()
    list(procedure.predict(digits(), np.zeros((3, 64)), np.array([7]), np.array([2.0, 5.0])))
    assert (heard.sizes, heard.closed, heard.steps) == ([7], 1, [0, 1, 2, 3, 4, 5])
    assert heard.asked == [(step, (3, 1, 8, 8), np.float64, True) for step in (2, 5)]
    list(procedure.predict(digits(), np.zeros((3, 64)), np.array([7]), None))
    assert (heard.closed, heard.steps[-1], heard.asked[-1][0], len(heard.asked)) == (2, 9, 9, 3)


def test_what_a_loop_is_given():
    procedure, heard = listening(real_sizes=True)
    splits = [digits(Replicate(initialisation=i)) for i in (0, 0, 1)]
    before = [values.copy() for values in (splits[0].train_inputs, splits[0].train_targets, splits[0].test_inputs)]
    procedure.measure(splits, np.array([3]), np.array([1.0]), PREDICTION_RISKS)
    given = heard.splits[0]
    assert (given.train_inputs.shape, given.train_targets.shape) == ((40, 1, 8, 8), (40, 10))
    assert given.train_labels.dtype == np.int64
    assert [len(part) for part in (given.test_inputs, given.test_targets, given.test_targets_noisy)] == [0, 0, 0]
    assert not given.pool.flags.writeable
    assert isinstance(heard.sizes[0], float)
    assert heard.seeds[0] == heard.seeds[2] != heard.seeds[-1]
    assert all(0 <= seed < 2**31 - 1 for seed in heard.seeds)
    after = (splits[0].train_inputs, splits[0].train_targets, splits[0].test_inputs)
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def scores(answer, **settings):
    """A loop that predicts the same rows whatever it was trained on, at the times 0 and 1."""

    def fit(split, size, seed):
        del split, size, seed
        for time in range(2):
            yield time, answer

    return from_training_loop(fit, name="scores", **settings)


class TestLogits:
    @pytest.mark.parametrize("scale", [1.0, 30.0, 5000.0])
    def test_their_log_loss_is_not_clipped(self, scale):
        split = digits()
        logits = scale * np.random.default_rng(0).normal(size=(40, 10))
        procedure = scores(lambda inputs: logits[: len(inputs)], outputs="logits")
        block = procedure.measure([split], np.array([1]), None, PREDICTION_RISKS)
        expected = np.mean(logsumexp(logits, axis=1) - np.sum(logits * split.train_targets, axis=1))
        np.testing.assert_allclose(block.metrics["train_loss"][0, 0, 0], expected, rtol=1e-12)
        wrong = np.mean(logits.argmax(axis=1) != split.train_labels)
        assert block.metrics["train_error"][0, 0, 0] == wrong

    def test_rows_that_look_like_probabilities_are_log_odds_still(self):
        split = digits()
        procedure = scores(lambda inputs: np.full((len(inputs), 10), 0.1), outputs="logits")
        skewed = scores(lambda inputs: np.tile(np.eye(10)[3], (len(inputs), 1)), outputs="logits")
        for one, loss in ((procedure, np.log(10.0)), (skewed, None)):
            block = one.measure([split], np.array([1]), None, LOSSES)
            expected = np.log(9.0 + np.e) - np.mean(split.train_labels == 3) if loss is None else loss
            np.testing.assert_allclose(block.metrics["train_loss"][0, 0, 0], expected, rtol=1e-12)

    def test_a_trial_has_their_probabilities(self):
        procedure = scores(lambda inputs: np.tile(np.eye(10)[3], (len(inputs), 1)), outputs="logits")
        shared = Shared(procedure=procedure, source=sources.digits(test_samples=20), seed=0)
        outputs = run_trial(shared, Trial(rows=30, size=1.0), None).outputs[0]
        np.testing.assert_allclose(outputs.sum(axis=1), 1.0)
        np.testing.assert_allclose(outputs[:, 3], np.e / (9.0 + np.e))


def squared_loss(outputs, targets):
    return np.sum((outputs - targets) ** 2, axis=1)


def absolute_loss(outputs, targets):
    return np.sum(np.abs(outputs - targets), axis=1)


def cross_entropy(outputs, targets):
    return logsumexp(outputs, axis=1) - np.sum(outputs * targets, axis=1)


class TestOwnLoss:
    @pytest.mark.parametrize(
        ("function", "outputs", "name", "is_classed"),
        [
            (squared_loss, "values", "squared", False),
            (absolute_loss, "values", "absolute", False),
            (squared_loss, "values", "squared", True),
            (squared_loss, "probabilities", "squared", True),
            (cross_entropy, "logits", "cross-entropy", True),
        ],
        ids=["squared", "absolute", "squared of classes", "Brier", "logits"],
    )
    def test_its_best_constant_is_that_of_the_closed_form(self, function, outputs, name, is_classed):
        draws = np.random.default_rng(1)
        targets = np.eye(4)[draws.choice(4, p=[0.6, 0.2, 0.15, 0.05], size=61)]
        targets = targets if is_classed else draws.exponential(size=(61, 2))
        own = OwnObjective(function, outputs)
        np.testing.assert_allclose(constant_loss(own, targets), constant_loss(name, targets), rtol=1e-8)
        if name != "cross-entropy":
            np.testing.assert_allclose(best_constant(own, targets), best_constant(name, targets), atol=1e-6)

    def test_a_surface_of_it_has_the_numbers_of_ours_and_keeps_its_name_alone(self, tmp_path):
        losses, own_loss = [], lambda outputs, targets: np.sum((targets - outputs) ** 2, axis=1)
        for objective in ("squared", squared_loss, own_loss):
            procedure = from_training_loop(descent, objective=objective)
            surface = benign.measure(
                procedure, sources.mml(test_samples=20), sizes=[2, 5], times=[1, 4], samples=[10], replicates=2,
                executor="here",
            )  # fmt: skip
            losses.append(surface.dataset[["train_loss", "test_loss", "train_loss_constant"]])
            assert type(surface.dataset.attrs["objective"]) is str
            surface.to_netcdf(tmp_path / "surface.nc")
        for own in losses[1:]:
            for metric in own:
                np.testing.assert_allclose(own[metric], losses[0][metric], rtol=1e-9)
        again = benign.Surface.open(tmp_path / "surface.nc")
        assert again.dataset.attrs["objective"] == "own"
        assert len(again.curve("test_loss", time=4).positions) == 2
        assert metric_label("test_loss", OwnObjective(squared_loss, "values")) == "loss (own squared)"

    @pytest.mark.parametrize(
        ("loss", "sentence"),
        [
            (
                lambda outputs, targets: np.mean(outputs - targets),
                r"one real number a sample, shape \([23]0,\), .* \(\)",
            ),
            (lambda outputs, targets: outputs - targets, r"shape \([23]0,\), .* got shape \([23]0, 1\)"),
            (lambda outputs, targets: ["a"] * len(outputs), "got <U1 numbers"),
            (lambda outputs, targets: np.full(len(outputs), np.nan), "own loss gives NaN for the outputs array"),
            (lambda outputs, targets: outputs @ targets, r"own loss raised ValueError: matmul"),
        ],
        ids=["mean", "matrix", "text", "NaN", "raises"],
    )
    def test_what_is_none(self, loss, sentence):
        with pytest.raises(InvalidArgument, match=sentence):
            from_training_loop(descent, objective=loss).measure([curve()], np.array([2]), None, LOSSES)

    def test_it_goes_through_pickle(self):
        own = pickle.loads(cloudpickle.dumps(OwnObjective(lambda outputs, targets: outputs[:, 0], "values")))
        assert (own, own.outputs) == ("own", "values")
        assert own.function(np.ones((2, 1)), None).tolist() == [1.0, 1.0]


class TestDivergence:
    @pytest.mark.parametrize(("draw", "first"), [(1, "infinity"), (0, "an infinite loss")])
    def test_it_leaves_out_what_comes_after_and_nothing_else(self, draw, first):
        def explode(split, size, seed):
            del seed
            for step in range(5):
                grown = {"infinity": np.inf, "an infinite loss": 1e200}[first]
                level = grown if step >= 2 and size == 2 and split.replicate.draw == draw else 0.5**step
                yield step, lambda inputs, level=level: np.full(len(inputs), level)

        procedure = from_training_loop(explode, objective="squared", revision=draw + 1)
        splits = [curve(Replicate(draw=i)) for i in (0, 1)]
        with pytest.warns(UserWarning, match=rf"explode diverged at time 3 at size 2 on 20 samples \(draw {draw}, "):
            block = procedure.measure(splits, np.array([1, 2]), np.array([1.0, 3.0, 4.0]), LOSSES)
        lost = np.zeros((2, 2, 3), dtype=bool)
        lost[draw, 1, 1:] = True
        np.testing.assert_array_equal(block.outcome, np.where(lost, Outcome.DIVERGED, Outcome.CONVERGED))
        for values in block.metrics.values():
            np.testing.assert_array_equal(np.isnan(values), lost)

    def test_a_loop_that_diverges_at_once_is_repeatable_still(self):
        procedure = scores(lambda inputs: np.full(len(inputs), np.nan), objective="squared")
        with pytest.warns(UserWarning, match="scores diverged at its end at size 1"):
            block = procedure.measure([curve()], np.array([1]), None, LOSSES)
        assert block.outcome.tolist() == [[[Outcome.DIVERGED]]]
        with pytest.raises(InvalidArgument, match="scores at size 1 on 20 samples predicts NaN or infinity"):
            list(procedure.predict(curve(), curve().test_inputs, np.array([1]), None))


def test_processes_give_the_same_numbers():
    shift = 0.5

    def loop(split, size, seed):
        for step, predict in descent(split, size, seed):
            yield step, lambda inputs, predict=predict: predict(inputs) + shift

    surfaces = [
        benign.measure(
            from_training_loop(loop, objective=lambda outputs, targets: shift * squared_loss(outputs, targets)),
            sources.mml(test_samples=20), sizes=[1, 2], times=[2, 6], samples=[10], replicates=2, executor=executor,
            workers=1,
        ).dataset
        for executor in ("here", "processes")
    ]  # fmt: skip
    for metric in ("train_loss", "test_loss", "train_loss_constant"):
        np.testing.assert_array_equal(surfaces[0][metric], surfaces[1][metric])


class TestPyTorch:
    def test_its_global_state_is_the_loops_own_and_the_users_is_as_it_was(self):
        needs_torch()
        import torch

        def fit(split, size, seed):
            del split, size, seed
            for time in range(3):
                noise = torch.randn(1).requires_grad_()
                yield time, lambda inputs, noise=noise: noise.expand(len(inputs))

        procedure = from_training_loop(fit, objective="squared")
        torch.manual_seed(3)
        expected = torch.randn(2).tolist()
        torch.manual_seed(3)
        drawn = [torch.randn(1).item()]
        values = [
            [one.values[0, 0] for one in procedure.predict(curve(which), np.zeros((4, 1)), np.array([1, 2]), times)]
            for which in (Replicate(), Replicate(), Replicate(initialisation=1))
            for times in (np.array([0.0, 2.0]),)
        ]
        assert [*drawn, torch.randn(1).item()] == expected
        assert values[0] == values[1] != values[2]
        assert values[0][0] == values[0][2] != values[0][1]

    def test_a_loop_that_imports_it_on_its_way_is_trained_from_the_beginning(self, monkeypatch):
        needs_torch()
        import torch

        def fit(split, size, seed):
            for time in range(2):
                yield time, lambda inputs: np.zeros(len(inputs))
            monkeypatch.setitem(sys.modules, "torch", torch)
            noise = torch.randn(1)
            yield 2, lambda inputs: noise.expand(len(inputs))

        torch.manual_seed(1)
        monkeypatch.delitem(sys.modules, "torch")
        procedure = from_training_loop(fit, objective="squared")
        found = [
            [one.values[0, 0] for one in procedure.predict(curve(), np.zeros((4, 1)), np.array([1]), np.array(times))]
            for times in ([1.0, 2.0], [2.0])
        ]
        assert found[0] == [0.0, *found[1]]


class TestKey:
    def test_what_decides_the_numbers_is_in_it(self):
        specs = [
            from_training_loop(descent).spec(),
            from_training_loop(least_squares).spec(),
            from_training_loop(descent, name="other").spec(),
            from_training_loop(descent, objective="squared").spec(),
            from_training_loop(descent, outputs="logits").spec(),
            from_training_loop(descent, objective=squared_loss).spec(),
            from_training_loop(descent, objective=absolute_loss).spec(),
            from_training_loop(descent, revision=2).spec(),
        ]
        assert len({repr(spec) for spec in specs}) == len(specs)
        assert specs[0]["procedure"] == "descent"
        assert from_training_loop(descent, objective=squared_loss).spec() == specs[5]


def _any(value: Any) -> Any:
    """What a type checker would refuse, too."""
    return value


def zero(inputs):
    return np.zeros(len(inputs))


def yielding(*pairs):
    def fit(split, size, seed):
        del split, size, seed
        yield from pairs

    return fit


def stubborn(split, size, seed):
    del split, size, seed
    for time in range(9):
        try:
            yield time, zero
        except GeneratorExit:
            yield time + 0.5, zero


def clumsy(split, size, seed):
    del split, size, seed
    try:
        yield 0, zero
        yield 1, zero
    finally:
        raise OSError("no such file")


@pytest.mark.usefixtures("unchecked")
class TestRefusals:
    @pytest.mark.parametrize(
        ("make", "sentence"),
        [
            (lambda: from_training_loop(_any(3)), r"`fit` must be a function fit\(split, size, seed\), got int"),
            (lambda: from_training_loop(_any(lambda X, y: 0)), r"`fit` must take three arguments, \(split, size, "),
            (lambda: from_training_loop(descent, objective="log"), "unknown objective 'log'"),
            (lambda: from_training_loop(descent, objective=_any(3)), "`objective` must be a text, got 3"),
            (lambda: from_training_loop(descent, objective=_any(zero)), "`objective` must take two arguments"),
            (lambda: from_training_loop(descent, outputs="scores"), "unknown kind of outputs 'scores'"),
            (
                lambda: from_training_loop(descent, objective="squared", outputs="logits"),
                "`outputs` must be \"values\" or \"probabilities\" for the objective 'squared', got \"logits\"",
            ),
            (lambda: from_training_loop(descent, name=" "), "`name` must be a text, got ' '"),
            (lambda: from_training_loop(descent, time_name=_any(None)), "`time_name` must be a text, got None"),
            (lambda: from_training_loop(descent, revision=0), "`revision` must be a positive integer"),
            (lambda: from_training_loop(descent, max_size=2.5), "`max_size` must be a positive integer"),
        ],
        ids=[
            "no function", "arguments", "objective", "number", "loss", "outputs", "squared logits", "name", "time name",
            "revision", "max size",
        ],
    )  # fmt: skip
    def test_when_it_is_made(self, make, sentence):
        with pytest.raises(InvalidArgument, match=sentence):
            make()

    @pytest.mark.parametrize(
        ("fit", "sentence"),
        [
            (lambda split, size, seed: None, "must yield time, predict as it trains, got NoneType; use `yield`"),
            (lambda split, size, seed: 1 / 0, r"loop cannot be trained at size 1 and time 1 on 20 samples \(ZeroDiv"),
            (yielding(), "`fit` of 'loop' yields nothing; let it yield time, predict at least once"),
            (yielding(zero), "must yield pairs time, predict, got <function zero"),
            (yielding(None), "must yield pairs time, predict, got None"),
            (yielding(("one", zero)), "must yield a number as its time, got 'one'"),
            (yielding((np.nan, zero)), "must yield a number as its time, got nan"),
            (yielding((0, zero), (0, zero)), "must yield increasing times, got 0 after 0"),
            (yielding((0.9, zero), (0.5, zero)), "must yield increasing times, got 0.5 after 0.9"),
            (yielding((1, 3.0)), r"must yield a function predict\(inputs\), got float at time 1"),
            (yielding((0, zero), (2, zero)), "`times` asks for 1 epochs, and loop goes on to 2 without it"),
            (yielding((0, zero), (0.5, zero)), "`times` asks for 1 epochs, and loop ends at 0.5, the last of 2"),
            (yielding((1, lambda inputs: np.zeros((len(inputs), 3)))), r"array of shape \(20, 3\); it must be \(20,\)"),
            (yielding((1, lambda inputs: inputs.nothing)), "loop cannot be trained .* has no attribute 'nothing'"),
            (lambda split, size, seed: ((t, lambda inputs: np.random.default_rng().normal(size=len(inputs)))
                                        for t in range(3)), "loop ignores its seed"),
            (stubborn, r"loop cannot be ended at size 1 \(RuntimeError: generator ignored GeneratorExit\)"),
            (clumsy, r"loop cannot be ended at size 1 \(OSError: no such file\); let it end where its generator is"),
        ],
        ids=[
            "no generator", "raises", "nothing", "no pair", "bare", "text", "NaN", "twice", "back", "no predict",
            "left out", "early end", "shape", "predict raises", "seed", "goes on", "raises at its end",
        ],
    )  # fmt: skip
    def test_while_it_trains(self, fit, sentence):
        procedure = from_training_loop(fit, objective="squared", name="loop")
        with pytest.raises(InvalidArgument, match=sentence):
            procedure.measure([curve()], np.array([1]), np.array([1.0]), LOSSES)

    @pytest.mark.parametrize(
        ("answer", "settings", "sentence"),
        [
            (lambda m: np.ones((m, 10)), {}, 'that are no probabilities; a log loss .* or outputs="logits"'),
            (
                lambda m: np.ones((m, 10)),
                {"objective": "squared", "outputs": "probabilities"},
                'no probabilities; outputs="probabilities" needs numbers from 0 to 1',
            ),
            (lambda m: np.zeros(m, int), {"outputs": "logits"}, r"must be \(40, 10\), one score a class\."),
        ],
        ids=["scores", "sums", "indices"],
    )  # fmt: skip
    def test_outputs_that_are_none(self, answer, settings, sentence):
        procedure = scores(lambda inputs: answer(len(inputs)), **settings)
        with pytest.raises(InvalidArgument, match=sentence):
            procedure.measure([digits()], np.array([1]), None, LOSSES)

    def test_logits_of_values(self):
        with pytest.raises(InvalidArgument, match='`outputs` must be "values" where there are no classes'):
            scores(zero, outputs="logits").measure([curve()], np.array([1]), None, LOSSES)

    def test_a_function_is_not_told_of_outputs(self):
        function = from_callable(
            lambda X, y, size, time, seed: lambda Z: np.ones((len(Z), 10)), name="f", objective="cross-entropy"
        )
        with pytest.raises(InvalidArgument, match=r"needs numbers from 0 to 1 that sum to 1\.$"):
            function.measure([digits()], np.array([1]), None, LOSSES)
