"""The engine: a member of a population is the network trained alone, which is the definition transcribed."""

from dataclasses import replace

import numpy as np
import pytest

from tests.networks.extra import HAS_JAX, needs_networks

if not HAS_JAX:
    needs_networks()

import jax

from benign.networks import (
    Member,
    MLPFamily,
    OneHiddenLayerFamily,
    PredictionRecorder,
    initial_network,
    train_population,
)
from benign.networks import population as population_module
from benign.networks import trajectory as trajectory_module
from tests.networks import oracle
from tests.networks.cases import (
    FAMILY,
    PER_EPOCH,
    Parameters,
    assert_close,
    classification,
    flat,
    regression,
    same_bits,
    settings,
    six_members,
    two_steps_a_call,
)

TIMES = (0, 1 / 3, 2, 4)
CONFIGURATIONS = {
    "adam": (FAMILY, settings(schedule="cosine", weight_decay=0.01), classification),
    "momentum": (MLPFamily(depth=1, activation="tanh"), settings(optimizer="momentum", loss="squared"), regression),
    "sgd": (
        MLPFamily(depth=2, activation="gelu"),
        settings(optimizer="sgd", weight_decay=0.05, learning_rate=0.1),
        classification,
    ),
    "full batch": (
        OneHiddenLayerFamily(),
        settings(optimizer="momentum", batch_size=None, steps=10, schedule="inverse_square_root", momentum=0.5),
        classification,
    ),
}


@pytest.fixture(scope="module", params=CONFIGURATIONS.values(), ids=list(CONFIGURATIONS))
def trained(request):
    """Family, training, members and the population at the end and at some times."""
    family, training, split = request.param
    members = six_members([split(0), split(1)], training.learning_rate)
    times = TIMES if training.epochs else (0, 3, 10)
    result = train_population(family, training, members, times=times, recorder=Parameters(), averaged=True)
    return family, training, members, result


@pytest.fixture(scope="module")
def adam():
    """One population that the tests of this module compare others with, all of the same program."""
    members = six_members([classification(0), classification(1)])
    return members, train(members)


def train(members, times=TIMES, **changed):
    chosen = settings(schedule="cosine", weight_decay=0.01, **changed)
    return train_population(FAMILY, chosen, members, times=times, recorder=Parameters(), averaged=True)


def test_a_member_is_the_definition(trained):
    family, training, members, result = trained
    for m, member in enumerate(members):
        network = initial_network(family, member)
        history = oracle.train(network, training, member.split, member.learning_rate)
        assert_close(flat(result.networks[m]), history.parameters[-1])
        steps = training.steps_at(list(result.times), member.split.samples)
        own = flat(family.widened(jax.tree.map(np.ones_like, network), 8)) == 1
        for recorded, expected in (("parameters", history.parameters), ("parameters_averaged", history.averages)):
            assert_close(result.recordings[recorded][m][:, own], expected[steps])


def test_training_moves_every_member_far(trained):
    family, _, members, result = trained
    for member, network in zip(members, result.networks, strict=True):
        assert np.linalg.norm(flat(network) - flat(initial_network(family, member))) > 0.01


def test_what_fills_a_network_up_stays_zero(trained):
    family, _, members, result = trained
    for m, member in enumerate(members):
        own = flat(family.widened(jax.tree.map(np.ones_like, initial_network(family, member)), 8)) == 1
        assert own.all() == (member.width == 8)
        assert not result.recordings["parameters"][m][:, ~own].any()
        assert not result.recordings["parameters_averaged"][m][:, ~own].any()


def test_time_zero_is_the_initial_network(trained):
    family, _, members, result = trained
    for m, member in enumerate(members):
        initial = flat(family.widened(initial_network(family, member), 8))
        assert np.array_equal(result.recordings["parameters"][m, 0], initial)
        assert np.array_equal(result.recordings["parameters_averaged"][m, 0], initial)


def test_a_member_alone_is_a_member_of_a_population(adam):
    members, together = adam
    for m, member in enumerate(members):
        alone = train([member])
        assert_close(flat(alone.networks[0]), flat(together.networks[m]))
        for name, values in alone.recordings.items():
            assert_close(values[0], together.recordings[name][m])


def test_another_order_of_members_gives_the_same_bits(adam):
    members, together = adam
    order = [3, 0, 5, 1, 4, 2]
    other = train([members[m] for m in order])
    assert same_bits(other.recordings, {name: values[order] for name, values in together.recordings.items()})


@pytest.mark.parametrize("at_once", [2, 4], ids=["divides", "filled up"])
def test_groups_change_rounding_alone(adam, at_once, monkeypatch):
    members, together = adam
    monkeypatch.setattr(population_module, "members_at_once", lambda *_: at_once)
    grouped = train(members)
    assert len(grouped.networks) == len(members)
    for name, values in grouped.recordings.items():
        assert_close(values, together.recordings[name])


def test_the_number_of_steps_a_call_changes_no_bit(adam, monkeypatch):
    members, together = adam
    two_steps_a_call(monkeypatch)
    assert same_bits(train(members).recordings, together.recordings)


def test_the_number_of_batches_sent_at_once_changes_no_bit(adam, monkeypatch):
    members, together = adam
    monkeypatch.setattr(trajectory_module, "MOST_STEPS", 5)
    assert same_bits(train(members).recordings, together.recordings)


def test_recording_does_not_disturb_training(adam):
    members, together = adam
    everywhere = train(members, times=[step / PER_EPOCH for step in range(4 * PER_EPOCH + 1)])
    at_the_end = train(members, times=[4])
    for often, rarely, usual in zip(everywhere.networks, at_the_end.networks, together.networks, strict=True):
        assert np.array_equal(flat(often), flat(usual))
        assert np.array_equal(flat(rarely), flat(usual))


def test_averaged_weights_are_the_moving_average_of_recorded_ones(adam):
    members, _ = adam
    recorded = train(members, times=[step / PER_EPOCH for step in range(4 * PER_EPOCH + 1)]).recordings
    average = recorded["parameters"][:, 0]
    for time, parameters in enumerate(np.moveaxis(recorded["parameters"], 1, 0)[1:], start=1):
        average = 0.98 * average + 0.02 * parameters
        np.testing.assert_allclose(recorded["parameters_averaged"][:, time], average, rtol=0, atol=1e-15)


def test_one_member_that_diverges_leaves_every_bit_of_the_others(adam):
    members, together = adam
    absurd = train([*members[:3], replace(members[3], learning_rate=1e308), *members[4:]])
    assert not np.isfinite(absurd.recordings["parameters"][3, -1]).all()
    others = [0, 1, 2, 4, 5]
    assert same_bits(
        {name: values[others] for name, values in absurd.recordings.items()},
        {name: values[others] for name, values in together.recordings.items()},
    )


def test_float32_follows_float64_for_ten_steps():
    members = six_members([classification(0), classification(1)])
    training = settings(steps=10, precision="float32", optimizer="momentum")
    result = train_population(FAMILY, training, members, times=[10], recorder=Parameters())
    for member, network in zip(members, result.networks, strict=True):
        assert flat(network).dtype == np.float32
        history = oracle.train(initial_network(FAMILY, member), training, member.split, member.learning_rate)
        np.testing.assert_allclose(flat(network), history.parameters[-1], rtol=1e-4, atol=1e-5)


def test_members_of_other_widths_have_programs_of_their_own():
    training = settings(optimizer="sgd", learning_rate=0.1)
    split = classification(0)
    members = [Member(width=width, split=split) for width in (13, 2)]
    recorder = PredictionRecorder(inputs=split.test_inputs)
    result = train_population(MLPFamily(depth=1, activation="tanh"), training, members, times=[4], recorder=recorder)
    for member, network in zip(members, result.networks, strict=True):
        start = initial_network(MLPFamily(depth=1, activation="tanh"), member)
        assert_close(flat(network), oracle.train(start, training, split).parameters[-1])
