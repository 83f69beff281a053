"""Training loops are diagnosed from their trainings as they are: their own times, their samples' shape, their end."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

import benign
from benign.diagnosis.answers import Unanswered, Verdict
from benign.diagnosis.longer import longer
from benign.diagnosis.remedies import remedies
from benign.diagnosis.remedies.regularisation import other_strengths
from benign.diagnosis.remedies.stopping import shorter_times
from benign.diagnosis.standing import standing_of
from benign.diagnosis.trials.noted_times import begun, noted
from benign.networks.training import Training
from benign.procedures.protocol import Predictions
from tests.diagnosis.benches import bench_of, on_bench, table
from tests.diagnosis.test_longer import descended

CODES = {"standing", "fitted", "regime", "more_data", "bigger", "longer", "remedies", "noise_slope"}


def lazily(split, size, step):
    """What so many steps come to, computed where it is asked for."""

    def predict(inputs):
        return descended(split.train_inputs, split.train_targets[:, 0], size, step, 0)(inputs)

    return predict


def steps(last, every=1, begin=1):
    """Gradient descent in closed form as a loop, as many steps long, seen each so many."""

    def descent(split, size, seed):
        for step in range(begin, last + 1, every):
            yield step, lazily(split, size, step)

    return benign.from_training_loop(descent, objective="squared", time_name="steps", size_name="columns", revision=1)


def asked(loop, size, time, source):
    with on_bench(source, size, model=loop, time=time) as bench:
        return longer(bench, findings=(), confidence=0.85), bench


@pytest.mark.parametrize(("size", "time"), [(30, 1), (100, 100)], ids=["early", "near the peak"])
def test_longer_training_is_answered_as_of_a_function_trained_for_each_time(size, time):
    source = table(100, 40 if size == 30 else 200)
    of_loop, _ = asked(steps(4 * time), size, time, source)
    function = benign.from_callable(descended, name="descent", revision=1, size_name="columns", time_name="steps")
    of_function, _ = asked(function, size, time, source)
    assert of_loop.keys() == of_function.keys()
    for factor, answer in of_loop.items():
        assert answer.answer is of_function[factor].answer
        np.testing.assert_allclose(answer.change.value, of_function[factor].change.value, rtol=1e-6)


def test_what_a_loop_reaches_is_answered_and_what_lies_beyond_its_end_is_not():
    answers, bench = asked(steps(7), 30, 4, table(100, 40))
    assert sorted(answers) == [1.5]
    assert not bench.failures


def test_a_loop_that_ends_at_the_users_time_is_told_so():
    with pytest.raises(Unanswered, match=r"descent ends at 4 steps, and cannot be trained for longer; let it go on"):
        asked(steps(4), 30, 4, table(100, 40))


def test_the_end_of_a_loop_is_seen_by_its_first_training():
    with on_bench(table(100, 40), 30, model=steps(4)) as bench:
        assert bench.end is None
        standing_of(bench, ())
        assert bench.end == 4.0
        with pytest.raises(Unanswered, match="descent ends at 4 steps"):
            longer(bench, findings=(), confidence=0.85)


def test_times_are_those_that_the_loop_yields():
    source = table(100, 40)
    with on_bench(source, 30, model=steps(400, every=10, begin=10), time=100) as bench:
        standing_of(bench, ())
        found = shorter_times(bench)
        assert found is not None
        earlier = found[1]
        assert {candidate.settings["steps"] for candidate in earlier} == {10, 20, 30, 40, 50, 70}
        answers = longer(bench, findings=(), confidence=0.85)
    assert sorted(answers) == [1.5, 2.0, 4.0]
    assert "from 100 to 400 steps" in answers[4.0].reason
    assert not bench.failures


def test_a_factor_is_not_told_of_a_time_far_from_it():
    answers, _ = asked(steps(400, every=10, begin=10), 30, 10, table(100, 40))
    assert sorted(answers) == [2.0, 4.0]


def test_stopping_early_costs_one_training_a_fold():
    """At n = k = 100 the end of training is the peak."""
    with on_bench(table(100, 200), 100, model=steps(100), trainings=40.0) as bench:
        standing_of(bench.share(0.1), ())
        times = shorter_times(bench)
        assert times is not None
        whole, earlier = times
        assert {arm.trial for one in earlier for arm in one.arms(0)} == {arm.trial for arm in whole.arms(0)}
        found = remedies(bench, findings=(), confidence=0.85)
    stopping = next(one for one in found if one.kind == "stopping")
    assert stopping.answer.answer is Verdict.HELPS
    assert stopping.answer.factor < 1.0


def diverging(split, size, seed):
    """Nothing but numbers that grow, until they are none."""
    for step in range(1, 11):
        level = np.inf if step > 6 else 1.0
        yield step, lambda inputs, level=level: np.full(len(inputs), level)


def test_what_a_training_reached_before_it_diverged_is_kept():
    loop = benign.from_training_loop(diverging, objective="squared", revision=1)
    answers, bench = asked(loop, 1, 4, table(60, 3))
    assert sorted(answers) == [1.5]
    assert not bench.failures
    with on_bench(table(60, 3), 1, model=loop, time=8) as bench:
        assert bench.measure([bench.user_trial()]) == [None]
        assert "predicts NaN or infinity" in bench.failure_of(bench.user_trial())


def images(split, size, seed):
    """Refuses samples of another shape than (1, 2, 3); nearest mean in the first columns, blurred less and less."""
    assert split.train_inputs.shape[1:] == (1, 2, 3)
    assert split.train_inputs.flags.writeable
    assert len(split.test_inputs) == 0
    rows = split.train_inputs.reshape(split.samples, -1)[:, :size]
    means = np.array([rows[split.train_labels == k].mean(axis=0) if k in split.train_labels else 9.0 + rows[0]
                      for k in range(2)])  # fmt: skip

    for epoch in range(1, 9):

        def predict(inputs, epoch=epoch):
            assert inputs.shape[1:] == (1, 2, 3)
            far = ((inputs.reshape(len(inputs), 1, -1)[:, :, :size] - means) ** 2).sum(axis=2)
            return -epoch / 4.0 * far

        yield epoch, predict


def test_every_trial_keeps_the_shape_of_a_sample():
    random = np.random.default_rng(0)
    labels = np.arange(200) % 2
    pixels = random.normal(size=(200, 1, 2, 3)) + 0.7 * labels[:, None, None, None]
    loop = benign.from_training_loop(images, size_name="pixels", outputs="logits", max_size=6, revision=1)
    found = benign.diagnose(
        loop, benign.sources.arrays(pixels, labels, test_samples=50), size=2, time=4, executor="here", max_minutes=None,
        max_trainings=40,
    )  # fmt: skip
    assert found.failures == {}
    assert not CODES & found.unanswered.keys(), found.unanswered


def least_squares_loop(split, size, seed):
    weights = np.linalg.lstsq(split.train_inputs[:, :size], split.train_targets, rcond=None)[0]
    yield 1, lambda inputs: inputs[:, :size] @ weights


def test_the_complexity_of_least_squares_is_its_number_of_columns():
    loop = benign.from_training_loop(least_squares_loop, objective="squared", size_name="columns", revision=1)
    found = benign.effective_model_complexity(loop, table(60, 30), size=12, executor="here", store=":memory:")
    assert found.value == 12
    size = benign.threshold_size(loop, table(60, 80), samples=20, executor="here", store=":memory:")
    assert size.value == pytest.approx(20, rel=0.1)


def test_the_threshold_time_comes_from_one_training_a_draw():
    began = []

    def counted(split, size, seed):
        began.append(seed)
        for step in range(1, 65):
            yield step, lazily(split, size, step)

    loop = benign.from_training_loop(counted, objective="squared", time_name="steps", revision=1)
    found = benign.threshold_time(
        loop, table(40, 100), samples=30, size=60, until=64, replicates=4, executor="here", store=":memory:"
    )
    assert 1.0 < found.value < 64.0
    assert len(began) <= found.trainings + 1  # one is repeated, to see that its seed decides it
    assert found.trainings == 4


def test_a_loop_of_an_own_loss_is_diagnosed_by_it():
    def huber(outputs, targets):
        far = np.abs(outputs - targets).sum(axis=1)
        return np.where(far < 1.0, 0.5 * far**2, far - 0.5)

    def fit(split, size, seed):
        yield from ((step, lazily(split, size, step)) for step in (1, 8))

    loop = benign.from_training_loop(fit, objective=huber, size_name="columns", revision=1)
    found = benign.diagnose(
        loop, table(80, 20), size=10, executor="here", max_minutes=None, max_trainings=8, only=["standing", "fitted"]
    )
    assert found.standing is not None
    assert "the training huber loss is" in found.standing.sentence
    assert "its training huber loss is" in found.fitted["loss"].sentence
    assert found.to_dict()["standing"]["objective"] == "own huber"


def test_the_start_of_a_loop_is_enough_to_see_its_seed():
    loop, notes = noted(begun(steps(9, begin=0)))
    split = table(20, 5).draw(10, benign.Replicate())
    assert len(list(loop.train(split, 3, None, split.train_inputs, [split.test_inputs]))) == 1
    assert notes.passed == [0.0, 1.0]


@dataclass(frozen=True, kw_only=True)
class Descent:
    """Gradient descent whose training is a value of ours: with "cosine" its rate falls to zero at the end."""

    training: Training
    size_name: str = "columns"
    time_name: str = "epochs"
    max_size: float = np.inf
    objective: str = "squared"
    revision: int = 1

    def spec(self):
        return {"procedure": "descent", "training": self.training.spec()}

    def retrained(self, training):
        return replace(self, training=training)

    def predict(self, split, inputs, sizes, times=None):
        assert self.training.batch_of(split.samples) <= split.samples
        features = split.train_inputs[:, : sizes[0]]
        weights, done = np.zeros((features.shape[1], 1)), 0
        last, decay = self.training.last_time, self.training.weight_decay
        for end in self.training.steps_at([last] if times is None else times.tolist(), split.samples).tolist():
            for step in range(done, end):
                rate = 0.1 * (np.cos(np.pi * step / last) + 1.0) / 2.0 if self.training.schedule == "cosine" else 0.1
                gradient = features.T @ (features @ weights - split.train_targets) / split.samples + decay * weights
                weights = weights - rate * gradient
            done = end
            yield Predictions(size=float(sizes[0]), time=float(end), values=inputs[:, : sizes[0]] @ weights)

    def measure(self, splits, sizes, times, metrics):
        raise AssertionError

    def parameters(self, size, split):
        return size

    def batches(self, replicates):
        return [(one,) for one in replicates]


def trained_for(epochs, schedule):
    return Descent(training=Training(epochs=epochs, batch_size=None, schedule=schedule, loss="squared"))


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_a_longer_training_is_one_of_that_length(schedule):
    """Its schedule ends where it does; without one the shorter training is its beginning."""
    source = table(60, 20)
    with bench_of(trained_for(4, schedule), source, size=10) as bench:
        assert bench.end == 4.0
        answers = longer(bench, findings=(), confidence=0.85)
        (long,) = bench.measure([replace(bench.user_trial(), times=(16.0,))])
    with bench_of(trained_for(16, schedule), source, size=10) as other:
        (alone,) = other.measure([other.user_trial()])
    assert answers[4.0].answer is Verdict.HELPS
    assert long is not None
    assert alone is not None
    np.testing.assert_array_equal(long.outputs, alone.outputs)


def test_a_training_that_cannot_be_made_longer_is_told_so():
    fixed = trained_for(4, "constant")
    with bench_of(_Fixed(**vars(fixed)), table(60, 20), size=10) as bench:
        with pytest.raises(Unanswered, match="descent ends at 4 epochs"):
            longer(bench, findings=(), confidence=0.85)
        assert not bench.measured


class _Fixed(Descent):
    retrained = None  # type: ignore[assignment]


def test_other_weight_decays_of_a_network_are_tried():
    with bench_of(trained_for(60, "constant"), table(40, 30), size=30, trainings=100.0) as bench:
        found = remedies(bench, findings=(), confidence=0.85)
    assert "regularisation" in {one.kind for one in found}
    assert {one.what for one in other_strengths(bench)} >= {"weight_decay = 0.1 instead of 0"}


def test_a_batch_holds_at_most_all_rows_of_a_smaller_training():
    model = Descent(training=Training(epochs=2, batch_size=50, loss="squared"))
    with bench_of(model, table(60, 20), size=10) as bench:
        (found,) = bench.measure([replace(bench.user_trial(), rows=15)])
    assert found is not None
