"""Equinox and Flax modules of the user's own: trained as the built-in networks are, or refused in one sentence."""

import importlib
import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.networks.extra import HAS_JAX, needs_networks
from tests.optional import needs

if not HAS_JAX:
    needs_networks()

import cloudpickle  # type: ignore[import-untyped]
import equinox as eqx
import jax
import jax.numpy as jnp

import benign
from benign import sources
from benign.foundation.errors import InvalidArgument, MissingExtra
from benign.foundation.randomness import generator
from benign.foundation.replicate import Replicate
from benign.networks import MLPFamily
from benign.networks.family import Family
from benign.procedures import from_equinox, from_flax
from tests.procedures.cases import ENTROPY, SQUARED

METRICS = frozenset({"train_loss", "test_loss", "test_error_averaged", "norm", "gradient_penalty"})
ENDS = np.array([0.0, 6.0])


def digits(**which):
    return sources.digits(label_noise=0.2, test_samples=30).draw(40, Replicate(**which))


@pytest.fixture(autouse=True)
def _own_checkpoints(tmp_path, monkeypatch):
    monkeypatch.setenv("BENIGN_CHECKPOINTS", str(tmp_path))


class Flattened(eqx.Module):
    """A network of rows, called on images."""

    network: eqx.Module

    def __call__(self, x):
        return self.network(x.ravel())  # type: ignore[operator]


class Channels(eqx.Module):
    """A convolution, some of whose channels are masked, averaged over the image, and a linear map."""

    filters: np.ndarray
    output: np.ndarray
    mask: jax.Array
    activation: Callable[[jax.Array], jax.Array]

    def __init__(self, size, key):
        random = np.random.default_rng(np.asarray(jax.random.key_data(key)))
        self.filters = random.normal(size=(size, 1, 3, 3))
        self.output = random.normal(size=(10, size))
        self.mask = jnp.arange(size) > 0
        self.activation = lambda x: jnp.tanh(2 * x)  # another function in every module, of one text

    def __call__(self, x):
        channels = jax.lax.conv(x[None], jnp.asarray(self.filters), (1, 1), "SAME")[0]
        return self.output @ (self.mask * self.activation(channels).mean(axis=(1, 2)))


class Weights(eqx.Module):
    """One matrix, and whatever else is asked for."""

    matrix: Any
    more: Any = None
    call: Callable[..., Any] = eqx.field(static=True, default=lambda weights, x: weights.matrix @ x.ravel())

    def __call__(self, x):
        return self.call(self, x)


def ones(more=None, outputs=10, dtype=np.float32, **call):
    return lambda *_: Weights(jnp.ones((outputs, 64), dtype), more, **call)


def test_an_mlp_of_the_users_own_is_ours():
    def build(size, key):
        random = generator(0, "initial weights", 0, size)
        return Flattened(MLPFamily(depth=2, activation="relu").build(size, inputs=64, outputs=10, random=random))

    theirs, ours = from_equinox(build, training=ENTROPY), benign.MLP(training=ENTROPY)
    found, expected = (one.measure([digits()], np.array([3]), ENDS, METRICS) for one in (theirs, ours))
    assert found.parameters.tolist() == expected.parameters.tolist()
    for name in METRICS:
        np.testing.assert_allclose(found.metrics[name], expected.metrics[name], rtol=1e-10, err_msg=name)


def test_a_convolution_learns_in_a_population_as_alone_and_what_is_no_real_number_is_not_trained():
    procedure = from_equinox(Channels, training=benign.Training(**{**vars(ENTROPY), "learning_rate": 0.05}))
    splits = [digits(), digits(draw=1, initialisation=1)]
    together = procedure.measure(splits, np.array([4]), ENDS, METRICS)
    assert together.parameters.tolist() == [4 * 9 + 10 * 4]
    losses = together.metrics["train_loss"]
    assert (losses[..., 1] < losses[..., 0] - 0.1).all()
    alone = procedure.measure(splits[1:], np.array([4]), ENDS, METRICS)
    for name in METRICS:
        np.testing.assert_allclose(alone.metrics[name][0], together.metrics[name][1], rtol=1e-10, err_msg=name)


def test_a_family_is_told_by_its_code_and_its_shape_in_every_process():
    split = digits()
    one, again, revised = (from_equinox(Channels, revision=revision).family_of(split) for revision in (None, None, 2))
    assert isinstance(one, Family)
    assert repr(one) == repr(again) != repr(revised)
    assert "0x" not in repr(one)
    assert "(1, 8, 8)" in repr(one)
    assert not one.is_widenable


def test_the_key_names_code_training_and_library():
    spec = from_equinox(Channels, training=ENTROPY).spec()
    assert (spec["procedure"], spec["kind"]) == ("Channels", "equinox module")
    assert str(spec["code"]).startswith("source ")
    assert spec["training"] == ENTROPY.spec()
    assert spec["equinox"] == eqx.__version__
    assert from_equinox(ones(), revision=3).spec()["code"] == "as by its revision"


def test_it_can_be_sent_to_a_worker():
    sent = cloudpickle.loads(cloudpickle.dumps(from_equinox(Channels, training=SQUARED)))
    assert sent.parameters(3, digits()) == 3 * 9 + 10 * 3


def test_dropout_that_is_switched_off_is_none():
    quiet = eqx.nn.Dropout(0.5, inference=True)
    procedure = from_equinox(ones(quiet, call=lambda weights, x: weights.more(weights.matrix @ x.ravel())))
    assert procedure.parameters(1, digits()) == 640


def _other_each_time():
    numbers = iter(range(99))
    return lambda *_: Weights(jnp.full((10, 64), 1.0 * next(numbers)))


def _other_for_each_key(size, key):
    offset = float(jax.random.key_data(key)[1])
    return Weights(jnp.ones((10, 64)), call=lambda weights, x: weights.matrix @ x.ravel() + offset)


def _fails(size, key):
    raise ValueError("no such size")


REFUSED = {
    "no module": (lambda *_: None, "must return an equinox.Module, got NoneType"),
    "state": (lambda *_: eqx.nn.make_with_state(eqx.nn.BatchNorm)(3, "batch", mode="ema"), "keeps a state"),
    "half of a state": (ones(eqx.nn.StateIndex(jnp.zeros(3))), "keeps a state .* benign.from_training_loop"),
    "dropout": (ones(eqx.nn.Dropout(0.5)), "draws random numbers when it is called, as dropout does"),
    "complex": (ones(dtype=np.complex64), "has weights of the type complex64 at matrix; let it train real numbers"),
    "nothing to train": (ones(dtype=np.int32), "has nothing to train"),
    "outputs": (ones(outputs=7), r"gives outputs of shape \(7,\) on one sample of shape \(1, 8, 8\); .* need \(10,\)"),
    "several outputs": (ones(call=lambda _, x: (x, x)), r"gives a tuple on one sample of shape \(1, 8, 8\)"),
    "whole numbers": (
        ones(call=lambda weights, x: jnp.argsort(weights.matrix @ x.ravel())),
        "gives outputs of the type int64; let it give real numbers",
    ),
    "a key of its own": (
        ones(call=lambda _, x, key: x + key),
        r"cannot be called .* one sample of shape \(1, 8, 8\) \(TypeError: .*'key'",
    ),
    "not for JAX": (
        ones(call=lambda weights, _: np.asarray(weights.matrix)),
        "cannot be called .*TracerArrayConversion",
    ),
    "another each time": (_other_each_time(), "differs when it is built or called again; .* from its key"),
    "another function for each key": (_other_for_each_key, "differs by more than its weights from key to key"),
    "an error": (_fails, r"fails at size 2 for samples of shape \(1, 8, 8\) \(ValueError: no such size\); correct it"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_module_that_cannot_be_trained_so_is_refused(name):
    build, sentence = REFUSED[name]
    with pytest.raises(InvalidArgument, match=f"^`build` of '.*{sentence}") as refusal:
        from_equinox(build, training=ENTROPY).measure([digits()], np.array([2]), ENDS, METRICS)
    assert str(refusal.value).endswith(".")


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: from_equinox(3), r"`build` must be a function build\(size, key\), got int"),  # type: ignore[arg-type]
        (lambda: from_equinox(lambda _: None), r"`build` must take two arguments, \(size, key\)"),
        (lambda: from_equinox(Channels, training=6), "`training` must be a benign.Training"),  # type: ignore[arg-type]
        (
            lambda: from_equinox(Channels, device="tpu"),  # type: ignore[arg-type]
            '`device` must be "cpu", "gpu" or None',
        ),
        (lambda: from_equinox(Channels, name=" "), "`name` must be a text"),
        (lambda: from_equinox(Channels, max_size=0), "`max_size` must be a positive integer"),
        (lambda: from_equinox(Channels, revision=0), "`revision` must be a positive integer"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_settings_that_make_no_sense(call, sentence):
    with pytest.raises(InvalidArgument, match=sentence):
        call()


def flax(part) -> Any:
    needs("flax", importlib.util.find_spec("flax") is not None, "Flax is not installed: pip install flax")
    return importlib.import_module(f"flax.{part}")


def _linen(size, *, dropout=0.0, normalised=False):
    nn = flax("linen")

    class Network(nn.Module):  # type: ignore[misc, name-defined]
        @nn.compact
        def __call__(self, x):
            x = nn.tanh(nn.Dense(size)(x.reshape(len(x), -1)))
            x = nn.BatchNorm(use_running_average=True)(x) if normalised else x
            return nn.Dense(10)(nn.Dropout(dropout, deterministic=not dropout)(x))

    return Network()


def _nnx(size, rngs, *, dropout=0.0, normalised=False):
    nnx = flax("nnx")

    class Network(nnx.Module):  # type: ignore[misc, name-defined]
        def __init__(self):
            self.hidden, self.output = nnx.Linear(64, size, rngs=rngs), nnx.Linear(size, 10, rngs=rngs)
            self.dropout = nnx.Dropout(dropout, rngs=rngs)
            self.norm = nnx.BatchNorm(size, rngs=rngs) if normalised else None

        def __call__(self, x):
            x = nnx.tanh(self.hidden(x.reshape(len(x), -1)))
            x = x if self.norm is None else self.norm(x)
            return self.output(self.dropout(x))

    return Network()


FLAX: dict[str, Callable[..., Any]] = {"linen": _linen, "nnx": _nnx}


@pytest.mark.parametrize("name", FLAX)
def test_a_flax_module_learns(name):
    flax("nnx")
    procedure = from_flax(FLAX[name], training=ENTROPY)
    block = procedure.measure([digits()], np.array([3]), ENDS, METRICS)
    assert block.parameters.tolist() == [65 * 3 + 4 * 10]
    assert block.metrics["train_loss"][0, 0, 1] < block.metrics["train_loss"][0, 0, 0] - 0.1
    assert procedure.spec()["kind"] == "flax module"


@pytest.mark.parametrize("name", FLAX)
@pytest.mark.parametrize(
    ("setting", "sentence"),
    [({"dropout": 0.5}, "draws random numbers when it is called"), ({"normalised": True}, "keeps a state")],
    ids=["dropout", "batch normalisation"],
)
def test_a_flax_module_that_is_more_than_its_parameters_is_refused(name, setting, sentence):
    flax("nnx")
    builds: dict[str, Callable[..., Any]] = {
        "linen": lambda size: _linen(size, **setting),
        "nnx": lambda size, rngs: _nnx(size, rngs, **setting),
    }
    with pytest.raises(InvalidArgument, match=f"^`build` of '<lambda>' returns a module that {sentence}"):
        from_flax(builds[name]).parameters(3, digits())


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (lambda _: None, "must return a Flax module, got NoneType"),
        (lambda: None, r"must take one argument, \(size\)"),
        (lambda size: _nnx(size, flax("nnx").Rngs(0)), r"must take its rngs: \(size, rngs\)"),
    ],
    ids=["no module", "no size", "no rngs"],
)
def test_what_builds_no_flax_module_is_refused(build, sentence):
    flax("nnx")
    with pytest.raises(InvalidArgument, match=sentence):
        from_flax(build).parameters(3, digits())


def test_without_flax_the_sentence_says_what_to_install(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "flax" else found(name))
    with pytest.raises(MissingExtra, match="pip install flax"):
        from_flax(_linen)
