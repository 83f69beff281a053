"""R_IG of a network, and along a PyTorch loop, against gradients by hand and by PyTorch."""

import importlib.util

import jax
import numpy as np
import pytest

from tests.networks.extra import HAS_JAX, needs_networks

if not HAS_JAX:
    needs_networks()

from benign.foundation.errors import InvalidArgument
from benign.foundation.randomness import generator
from benign.implicit.flows.network_penalty import gradient_penalty
from benign.implicit.flows.torch_loop import GradientPenaltyLog
from benign.networks import Member, MLPFamily, initial_network
from tests.networks import oracle
from tests.networks.cases import classification
from tests.optional import needs

FAMILY = MLPFamily(depth=2, activation="relu")
SPLIT = classification()


def network():
    return initial_network(FAMILY, Member(width=5, split=SPLIT))


def mean_square(inputs, targets):
    weights = [np.array(part) for layer in network().layers for part in (layer.weight, layer.bias)]
    slopes = oracle.gradient(weights, "relu", "cross-entropy", inputs, targets)
    return sum((slope**2).sum() for slope in slopes) / sum(slope.size for slope in slopes)


def test_it_is_the_mean_square_of_the_gradient_full_batch_and_mini_batch_apart():
    found = gradient_penalty(network(), SPLIT.train_inputs, SPLIT.train_targets, batch_size=20)
    order = generator(0, "order of the mini-batch penalty").permutation(40)
    halves = [mean_square(SPLIT.train_inputs[part], SPLIT.train_targets[part]) for part in (order[:20], order[20:])]
    assert found.full_batch == pytest.approx(mean_square(SPLIT.train_inputs, SPLIT.train_targets), rel=1e-10)
    assert found.minibatch == pytest.approx(np.mean(halves), rel=1e-10)
    assert found.parameters == FAMILY.parameters(5, inputs=6, outputs=3)
    assert np.mean(halves) > found.full_batch  # by Jensen's inequality


def test_the_number_of_parameters_cancels_in_what_gradient_descent_adds():
    found = gradient_penalty(network(), SPLIT.train_inputs, SPLIT.train_targets)
    assert found.implicit_strength(0.1) == pytest.approx(0.1 * found.parameters / 4)
    square = mean_square(SPLIT.train_inputs, SPLIT.train_targets) * found.parameters
    assert found.implicit_term(0.1) == pytest.approx(0.025 * square, rel=1e-10)
    assert found.minibatch is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"loss": "hinge"}, "hinge"),
        ({"batch_size": 41}, "`batch_size` must be at most the number of samples, got 41 of 40"),
        ({"batch_size": 0}, "`batch_size`"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(arguments, message):
    with pytest.raises(InvalidArgument, match=message):
        gradient_penalty(network(), SPLIT.train_inputs, SPLIT.train_targets, **arguments)


def test_half_precision_is_summed_in_single():
    half = jax.tree.map(lambda leaf: leaf.astype(np.float16), network())
    found = gradient_penalty(half, SPLIT.train_inputs, SPLIT.train_targets)
    assert found.full_batch == pytest.approx(mean_square(SPLIT.train_inputs, SPLIT.train_targets), rel=1e-2)


def test_integer_parameters_and_gradients_that_are_not_finite_are_refused():
    whole = jax.tree.map(lambda leaf: leaf.astype(int), network())
    with pytest.raises(InvalidArgument, match="`network` holds parameters of type int64"):
        gradient_penalty(whole, SPLIT.train_inputs, SPLIT.train_targets)
    broken = SPLIT.train_inputs.copy()
    broken[0, 0] = np.nan
    with pytest.raises(InvalidArgument, match="gradient that is not finite"):
        gradient_penalty(network(), broken, SPLIT.train_targets)


class TestTorchLoop:
    @pytest.fixture(autouse=True)
    def _torch(self):
        needs("torch", importlib.util.find_spec("torch") is not None, "PyTorch is not installed")

    @staticmethod
    def same_network():
        import torch

        layers = []
        for layer in network().layers:
            linear = torch.nn.Linear(layer.weight.shape[1], layer.weight.shape[0]).double()
            linear.weight.data[:] = torch.tensor(np.array(layer.weight))
            linear.bias.data[:] = torch.tensor(np.array(layer.bias))
            layers += [linear, torch.nn.ReLU()]
        return torch.nn.Sequential(*layers[:-1])

    @staticmethod
    def batches(size=20):
        import torch

        inputs, labels = torch.tensor(SPLIT.train_inputs), torch.tensor(SPLIT.train_targets.argmax(axis=1))
        return [(inputs[i : i + size], labels[i : i + size]) for i in range(0, 40, size)]

    def test_both_penalties_equal_ours(self):
        import torch

        model = self.same_network()
        log = GradientPenaltyLog(model)
        order = torch.tensor(generator(0, "order of the mini-batch penalty").permutation(40))
        ((inputs, labels),) = self.batches(40)
        for part in (order[:20], order[20:]):
            model.zero_grad()
            torch.nn.functional.cross_entropy(model(inputs[part]), labels[part]).backward()
            log.after_backward()
        row = log.after_epoch(torch.nn.functional.cross_entropy, self.batches(16))
        ours = gradient_penalty(network(), SPLIT.train_inputs, SPLIT.train_targets, batch_size=20)
        assert row.full_batch == pytest.approx(ours.full_batch, rel=1e-10)
        assert row.minibatch == pytest.approx(ours.minibatch, rel=1e-10)
        assert log.parameters == ours.parameters
        assert log.to_dict()["gradient_penalty"] == [row.full_batch]

    def test_the_loop_goes_on_as_if_nobody_had_looked(self):
        import torch

        def trained(*, is_logged):
            torch.manual_seed(0)
            model = torch.nn.Sequential(
                torch.nn.Linear(6, 5), torch.nn.BatchNorm1d(5), torch.nn.Dropout(0.3), torch.nn.Linear(5, 3)
            ).double()
            optimiser = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
            log = GradientPenaltyLog(model)
            for _ in range(3):
                for inputs, labels in self.batches():
                    optimiser.zero_grad()
                    torch.nn.functional.cross_entropy(model(inputs), labels).backward()
                    if is_logged:
                        log.after_backward()
                    optimiser.step()
                if is_logged:
                    log.after_epoch(torch.nn.functional.cross_entropy, self.batches())
            assert log.notes
            assert "batch normalisation" in log.notes[0]
            return [value.numpy() for value in model.state_dict().values()]

        for logged, plain in zip(trained(is_logged=True), trained(is_logged=False), strict=True):
            np.testing.assert_array_equal(logged, plain)

    def test_misuse_gets_a_sentence(self):
        import torch

        log = GradientPenaltyLog(self.same_network())
        with pytest.raises(InvalidArgument, match=r"call `after_backward` after loss.backward"):
            log.after_backward()
        with pytest.raises(InvalidArgument, match="`batches` is empty"):
            log.after_epoch(torch.nn.functional.cross_entropy, [])
        with pytest.raises(InvalidArgument, match="must return a scalar"):
            log.after_epoch(torch.nn.CrossEntropyLoss(reduction="none"), self.batches())
        frozen = self.same_network().requires_grad_(False)
        with pytest.raises(InvalidArgument, match="no parameter that is trained"):
            GradientPenaltyLog(frozen)
