"""Populations: grouping, divergence, freezing, memory, and every refusal in one sentence."""

import math
from dataclasses import replace

import numpy as np
import pytest

from tests.networks.extra import HAS_JAX, needs_networks

if not HAS_JAX:
    needs_networks()

import jax

from benign.foundation.errors import InvalidArgument, NotEnoughMemory
from benign.foundation.progress import silent
from benign.networks import Member, RiskRecorder, engine, initial_network, train_population
from benign.networks import population as population_module
from benign.networks.checkpoints import Kept
from tests.networks.cases import (
    CLASSES,
    FAMILY,
    INPUTS,
    Parameters,
    assert_close,
    classification,
    flat,
    regression,
    settings,
    six_members,
)


@pytest.fixture(scope="module")
def splits():
    return classification(0), classification(1)


class ParametersAndError(Parameters):
    """What freezing is seen in."""

    def __call__(self, network, data):
        risks = RiskRecorder(loss="cross-entropy", metrics=frozenset({"train_error"}))(network, data)
        return super().__call__(network, data) | risks


def test_results_are_in_the_order_of_the_members(splits):
    members = [Member(width=width, split=split) for split in splits for width in (9, 5, 8)]
    recorder = RiskRecorder(loss="cross-entropy", metrics=frozenset({"norm"}))
    result = train_population(FAMILY, settings(epochs=1), members, times=(0, 1), recorder=recorder)
    assert result.times.tolist() == [0, 1]
    for m, member in enumerate(members):
        assert flat(result.networks[m]).size == FAMILY.parameters(member.width, inputs=INPUTS, outputs=CLASSES)
        assert result.recordings["norm"][m, 1] == pytest.approx(np.linalg.norm(flat(result.networks[m])), rel=1e-12)
        initial = np.linalg.norm(flat(initial_network(FAMILY, member)))
        assert result.recordings["norm"][m, 0] == pytest.approx(initial, rel=1e-12)


def test_times_are_spread_logarithmically_unless_given(splits):
    training = settings(epochs=1)
    result = train_population(FAMILY, training, [Member(width=9, split=split) for split in splits])
    assert result.times.tolist() == list(training.log_spaced())
    assert result.recordings.keys() == population_module.DEFAULT_RECORDED


def test_initial_weights_follow_from_seed_initialisation_and_width(splits):
    def weights(width=5, **changed):
        split = replace(splits[0], replicate=replace(splits[0].replicate, **changed))
        return flat(initial_network(FAMILY, Member(width=width, split=split)))

    assert np.array_equal(weights(), weights())
    assert np.array_equal(weights(), weights(draw=9, noise=9))
    assert not np.allclose(weights(), weights(initialisation=9))
    assert not np.allclose(weights(), weights(seed=9))
    assert not np.isin(weights(), weights(width=6)).any()


def test_a_member_may_start_where_another_ended(splits):
    member = Member(width=7, split=splits[0])
    half, whole = (settings(optimizer="sgd", learning_rate=0.1, batch_size=None, steps=k) for k in (3, 6))
    first = train_population(FAMILY, half, [member], times=[3], recorder=Parameters())
    second = train_population(
        FAMILY, half, [replace(member, start=first.networks[0])], times=[3], recorder=Parameters()
    )
    at_once = train_population(FAMILY, whole, [member], times=[6], recorder=Parameters())
    np.testing.assert_allclose(flat(second.networks[0]), flat(at_once.networks[0]), rtol=1e-12, atol=1e-14)


def test_a_diverged_member_is_flagged_and_the_others_are_not(splits):
    members = six_members(splits)
    members[2] = replace(members[2], learning_rate=1e200)
    result = train_population(FAMILY, settings(loss="squared", optimizer="sgd"), members, times=(0, 1 / 3, 4))
    expected = np.zeros((6, 3), dtype=bool)
    expected[2, 1:] = True
    assert np.array_equal(result.diverged, expected)
    assert not np.isfinite(result.recordings["train_loss"][2, 1:]).any()
    assert np.isfinite(result.recordings["test_loss"][[0, 1, 3, 4, 5]]).all()


@pytest.fixture(scope="module")
def frozen():
    """The same population with and without freezing; its last member learns too slowly to make no error."""
    easy = [classification(0, flipped=0.0, spread=0.3), classification(1, flipped=0.3)]
    members = [
        Member(width=7, split=easy[0]),
        Member(width=8, split=easy[0], learning_rate=0.05),
        Member(width=8, split=easy[1]),
    ]
    training, times = settings(epochs=40, learning_rate=0.02, optimizer="momentum"), (0, 1, 2, 5, 10, 20, 40)
    return times, [
        train_population(
            FAMILY, replace(training, stop_at_zero_error=stop), members, times=times, recorder=ParametersAndError()
        )
        for stop in (False, True)
    ]


def test_members_without_an_error_are_frozen_and_the_others_go_on(frozen):
    times, (free, stopped) = frozen
    errors, still = free.recordings["train_error"], stopped.recordings["parameters"]
    reached = [next((t for t in range(len(times)) if row[t] == 0), len(times)) for row in errors]
    # Two at different recordings, neither the first nor the last, and one never.
    assert 0 < reached[1] < reached[0] < len(times) - 1
    assert reached[2] == len(times)
    for m, time in enumerate(reached):
        until = min(time + 1, len(times))
        assert np.array_equal(still[m, :until], free.recordings["parameters"][m, :until])
        for later in range(until, len(times)):
            assert np.array_equal(still[m, later], still[m, until - 1])
            assert not np.array_equal(free.recordings["parameters"][m, later], still[m, later])


def test_only_classification_stops_at_zero_error():
    split = replace(classification(), classes=None)
    with pytest.raises(InvalidArgument, match=r"^`stop_at_zero_error` needs classes"):
        train_population(FAMILY, settings(loss="squared", stop_at_zero_error=True), [Member(width=8, split=split)])


def test_an_overflow_of_the_test_loss_alone_is_a_divergence():
    far = classification()
    far = replace(far, test_inputs=far.test_inputs * 1e200)
    result = train_population(FAMILY, settings(loss="squared"), [Member(width=8, split=far)], times=(0, 1))
    assert np.isfinite(result.recordings["train_loss"]).all()
    assert result.diverged.all()


def test_programs_are_compiled_once(splits, monkeypatch):
    traced = []
    step = engine._step

    def counted(*arguments):
        traced.append(1)
        return step(*arguments)

    monkeypatch.setattr(engine, "_step", counted)

    def traces(**changed):
        traced.clear()
        member = Member(width=changed.pop("width", 5), split=splits[changed.pop("split", 0)])
        training = settings(optimizer="momentum", momentum=0.123, steps=6, **changed)
        train_population(FAMILY, training, [member], times=[1, 6], recorder=Parameters())
        return len(traced)

    assert traces() > 0
    assert traces() == 0
    assert traces(width=7) == 0  # of the same bucket
    assert traces(split=1) == 0
    assert traces(learning_rate=0.5) == 0
    assert traces(width=9) > 0


def test_members_that_do_not_fit_together_are_trained_one_after_another(splits, monkeypatch):
    members = six_members(splits)
    together = train_population(FAMILY, settings(), members, times=(0, 4), recorder=Parameters())
    sizes = []
    slice_of = population_module._GroupRun._train_slice

    def counted(self, members, *rest):
        sizes.append(len(members))
        return slice_of(self, members, *rest)

    monkeypatch.setattr(population_module._GroupRun, "_train_slice", counted)
    monkeypatch.setattr(population_module._GroupRun, "_members_that_fit", lambda _: 3)
    told = []
    apart = train_population(
        FAMILY, settings(), members, times=(0, 4), recorder=Parameters(), progress=lambda *report: told.append(report)
    )
    assert sizes == [3, 3]
    assert_close(apart.recordings["parameters"], together.recordings["parameters"])
    shares = [done / total for _, done, total in told]
    assert shares == sorted(shares)
    assert {task for task, _, _ in told} == {"training"}
    assert shares[0] > 0
    assert shares[-1] == pytest.approx(1.0)


def test_how_many_members_fit_follows_from_the_free_memory(splits, monkeypatch):
    members, sizes = six_members(splits), {}
    for megabytes in (0.1, 0.2, 100):
        monkeypatch.setattr(population_module, "available_bytes", lambda free=megabytes: int(free * 1e6))
        run = population_module._GroupRun(
            family=FAMILY, training=settings(), members=members, width=8, device=jax.devices("cpu")[0],
            steps=np.array([1]), recorder=Parameters(), averaged=False, kept=Kept(place=None),
            part="0", progress=silent,
        )  # fmt: skip
        sizes[megabytes] = run._members_that_fit()
    assert 1 <= sizes[0.1] < sizes[0.2] < 6
    assert sizes[100] == 6


def test_a_network_that_does_not_fit_gets_a_sentence(splits, monkeypatch):
    monkeypatch.setattr(population_module, "available_bytes", lambda: 1000)
    sentence = (
        r"^training a network of width 8 needs about 0\.0 GiB and 0\.0 GiB are free; lower the width, `batch_size`, "
        r"`samples` or the replicates\.$"
    )
    with pytest.raises(NotEnoughMemory, match=sentence):
        train_population(FAMILY, settings(), six_members(splits))


def spoiled(name, split=None):
    split = split or classification()
    values = getattr(split, name).copy()
    values[3, 1] = math.nan if "noisy" not in name else math.inf
    return replace(split, **{name: values})


def shorter(split):
    return replace(
        split,
        train_inputs=split.train_inputs[:-1],
        train_targets=split.train_targets[:-1],
        train_targets_clean=split.train_targets_clean[:-1],
    )


def two_hot(split):
    targets = split.train_targets.copy()
    targets[0] = [1.0, 1.0, 0.0]
    return replace(split, train_targets=targets)


def a_member(width=5, split=None, **rest):
    return [Member(width=width, split=split or classification(), **rest)]


WRONG = {
    "no members": (lambda: {"members": []}, r"^`members` must hold at least one network to train\.$"),
    "width zero": (lambda: {"members": a_member(0)}, r"^`width` must be a positive integer, got 0\.$"),
    "width in halves": (lambda: {"members": a_member(2.5)}, r"^`width` must be a positive integer, got 2\.5\.$"),
    "rate zero": (
        lambda: {"members": a_member(learning_rate=0.0)},
        r"^`learning_rate` must be a positive number, got 0\.0\.$",
    ),
    "rate nan": (
        lambda: {"members": a_member(learning_rate=math.nan)},
        r"^`learning_rate` must be a positive number, got nan\.$",
    ),
    "batch too large": (
        lambda: {"training": settings(batch_size=41)},
        r"^`batch_size` must be at most the number of training samples, got 41 of 40; lower it, or None for the full",
    ),
    "times past the end": (
        lambda: {"times": [5]},
        r"^`times` must lie from 0 to the end of training, 4 epochs, got 5;",
    ),
    "times between steps": (lambda: {"times": [0.5]}, r"^`times` must fall on whole steps, of which an epoch has 3,"),
    "times falling": (lambda: {"times": [2, 1]}, r"^`times` must increase strictly, got \[2, 1\]; sort them"),
    "inputs not finite": (
        lambda: {"members": a_member(split=spoiled("train_inputs"))},
        r"^`members` hold a split with values that are not finite; clean the data\.$",
    ),
    "test inputs not finite": (
        lambda: {"members": a_member(split=spoiled("test_inputs"))},
        r"^`members` hold a split with values that are not finite; clean the data\.$",
    ),
    "targets not finite": (
        lambda: {"members": a_member(split=spoiled("train_targets"))},
        r"^`members` hold a split with values that are not finite; clean the data\.$",
    ),
    "regression by cross-entropy": (
        lambda: {"members": a_member(split=regression())},
        r'^`loss` is "cross-entropy", which needs one class for each sample .*; use loss="squared" for regression\.$',
    ),
    "two classes at once": (
        lambda: {"members": a_member(split=two_hot(classification()))},
        r'^`loss` is "cross-entropy", which needs one class for each sample',
    ),
    "splits of two lengths": (
        lambda: {"members": [*a_member(), *a_member(split=shorter(classification(1)))]},
        r"^`members` must have splits of one shape, but `train_inputs` is \(39, 6\) in one and \(40, 6\) in another;",
    ),
    "splits of two numbers of outputs": (
        lambda: {"members": [*a_member(), *a_member(split=regression())]},
        r"^`members` must have splits of one shape, but `train_targets` is \(40, 2\) in one and \(40, 3\) in another;",
    ),
    "start of another width": (
        lambda: {"members": a_member(5, start=initial_network(FAMILY, a_member(6)[0]))},
        r"^`start` of a member of width 5 must hold 83 numbers, got a network of 105; give one of",
    ),
    "unknown device": (lambda: {"device": "tpu"}, r'^`device` must be "cpu", "gpu" or None, got \'tpu\'\.$'),
}


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(("change", "sentence"), WRONG.values(), ids=WRONG.keys())
def test_bad_input_gets_a_sentence(change, sentence):
    arguments = {"family": FAMILY, "training": settings(), "members": a_member()} | change()
    with pytest.raises(InvalidArgument, match=sentence):
        train_population(**arguments)
