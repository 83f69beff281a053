"""Risks from predictions: each by its definition, and equal to what is recorded of networks."""

import numpy as np
import pytest

from benign import schema, sources
from benign.foundation.replicate import Replicate
from benign.procedures.prediction_risks import PREDICTION_RISKS, prediction_risks
from tests.networks.extra import HAS_JAX


def _split(samples=53, test_samples=83, noise=0.3):
    return sources.digits(label_noise=noise, test_samples=test_samples).draw(samples, Replicate())


def _predictions(split, seed=0):
    """Somewhere between the targets and noise: neither all right nor all wrong."""
    random = np.random.default_rng(seed)
    return tuple(
        targets + random.normal(scale=0.5, size=targets.shape) for targets in (split.train_targets, split.test_targets)
    )


def _by_definition(split, train, test):
    def loss(outputs, targets):
        return np.mean(
            [sum((o - t) ** 2 for o, t in zip(a, b, strict=True)) for a, b in zip(outputs, targets, strict=True)]
        )

    def error(outputs, targets):
        return np.mean([list(a).index(max(a)) != list(b).index(max(b)) for a, b in zip(outputs, targets, strict=True)])

    half = len(test) // 2
    flipped = [not np.array_equal(a, b) for a, b in zip(split.train_targets, split.train_targets_clean, strict=True)]
    unflipped = [not flip for flip in flipped]
    values = {
        "train_error_flipped": error(train[flipped], split.train_targets[flipped]),
        "train_error_unflipped": error(train[unflipped], split.train_targets[unflipped]),
    }
    for kind, of in (("loss", loss), ("error", error)):
        values |= {
            f"train_{kind}": of(train, split.train_targets),
            f"train_{kind}_clean": of(train, split.train_targets_clean),
            f"test_{kind}": of(test, split.test_targets),
            f"test_{kind}_noisy": of(test, split.test_targets_noisy),
            f"validation_{kind}": of(test[:half], split.test_targets_noisy[:half]),
            f"test_{kind}_held_out": of(test[half:], split.test_targets[half:]),
        }
    return values


def test_every_risk_is_as_defined():
    split = _split()
    train, test = _predictions(split)
    risks, expected = prediction_risks(split, train, test), _by_definition(split, train, test)
    assert set(risks) == set(expected) == PREDICTION_RISKS <= set(schema.METRICS)
    assert len({round(value, 6) for value in risks.values()}) == len(risks)  # no two names for one number
    for name, value in expected.items():
        assert risks[name] == pytest.approx(value, rel=1e-12), name


@pytest.mark.skipif(not HAS_JAX, reason="networks need JAX")
@pytest.mark.parametrize("noise", [0.3, 0.0])
def test_equal_to_what_is_recorded_of_a_network_with_these_outputs(noise):
    import equinox as eqx
    import jax.numpy as jnp

    from benign.networks import Data, RiskRecorder

    split = _split(noise=noise)
    train, test = _predictions(split)
    targets = [split.train_targets, split.train_targets_clean]
    data = Data(*map(jnp.asarray, [train, *targets, test, split.test_targets, split.test_targets_noisy]))
    recorded = RiskRecorder(loss="squared", metrics=PREDICTION_RISKS)(eqx.nn.Identity(), data)
    risks = prediction_risks(split, train, test)
    assert np.isnan(risks["train_error_flipped"]) == (noise == 0.0)
    for name, value in risks.items():
        np.testing.assert_allclose(value, recorded[name], rtol=1e-5, err_msg=name)


def test_real_values_have_losses_alone():
    split = sources.mml(test_samples=20).draw(12, Replicate())
    risks = prediction_risks(split, split.train_targets + 2.0, split.test_targets - 1.0)
    assert risks["train_loss"] == pytest.approx(4.0)
    assert risks["test_loss"] == pytest.approx(1.0)
    assert all(np.isnan(value) == ("error" in name) for name, value in risks.items())


def test_only_what_is_asked_for():
    split = _split()
    train, test = _predictions(split)
    wanted = frozenset({"test_error", "train_error_flipped", "norm"})
    assert set(prediction_risks(split, train, test, wanted)) == wanted - {"norm"}


def test_a_mean_over_no_samples_is_no_number():
    split = _split(test_samples=1)
    risks = prediction_risks(split, *_predictions(split))
    assert np.isnan(risks["validation_loss"])
    assert np.isfinite(risks["test_loss_held_out"])
