"""The laws of ``Source``, for every source."""

from __future__ import annotations

import dataclasses
import json
import pickle

import numpy as np
import pytest
from jaxtyping import Float

from benign.foundation.errors import InvalidArgument
from benign.foundation.replicate import Replicate
from benign.foundation.split import Split, class_indices
from benign.sources import Source
from benign.sources import finite as finite_module
from benign.sources.mnist1d import _pool, _test_set
from tests.sources.cases import CASES, Case, parts, summary

HERE = Replicate(seed=5, draw=2, initialisation=1, noise=3)


@pytest.fixture(params=CASES.values(), ids=list(CASES), scope="module")
def case(request: pytest.FixtureRequest) -> Case:
    found = request.param
    assert isinstance(found, Case)
    return found


@pytest.fixture(scope="module")
def source(case: Case) -> Source:
    return case.make()


def assert_same(one: Split, other: Split, *names: str) -> None:
    """The named arrays (all of them if none is named) have the same bits."""
    others = dict(parts(other))
    for name, values in parts(one):
        if not names or name in names:
            np.testing.assert_array_equal(values, others[name], err_msg=name, strict=True)


def differing(one: Split, other: Split) -> set[str]:
    others = dict(parts(other))
    return {name for name, values in parts(one) if not np.array_equal(values, others[name])}


def rows_of(matrix: Float[np.ndarray, "rows columns"]) -> set[bytes]:
    return {row.tobytes() for row in matrix}


def test_is_a_source(source: Source) -> None:
    assert isinstance(source, Source)
    assert source.name
    assert source.revision >= 1


def test_training_sets_are_prefixes_and_the_rest_does_not_depend_on_n(source: Source, case: Case) -> None:
    largest = source.draw(case.counts[-1], HERE)
    for n in case.counts:
        split = source.draw(n, HERE)
        assert split.samples == n
        for name in ("train_inputs", "train_targets", "train_targets_clean"):
            np.testing.assert_array_equal(getattr(split, name), getattr(largest, name)[:n], err_msg=name, strict=True)
        assert_same(split, largest, "test_inputs", "test_targets", "test_targets_noisy", "pool")


def test_training_set_is_the_beginning_of_the_pool(source: Source, case: Case) -> None:
    for n in case.counts:
        split = source.draw(n, HERE)
        shared = min(n, len(split.pool))
        np.testing.assert_array_equal(split.train_inputs[:shared], split.pool[:shared])
        assert len(split.pool) == (source.max_samples or 10_000)


def test_test_set_is_apart_from_pool_and_training_set(source: Source, case: Case) -> None:
    split = source.draw(case.counts[-1], HERE)
    known = rows_of(split.pool) | rows_of(split.train_inputs)
    assert len(known) == max(len(split.pool), split.samples), "the inputs of this case must identify their rows"
    assert not known & rows_of(split.test_inputs)


def test_initialisation_changes_nothing(source: Source) -> None:
    assert_same(source.draw(50, HERE), source.draw(50, dataclasses.replace(HERE, initialisation=99)))


def test_noise_changes_the_noisy_labels_alone(source: Source) -> None:
    changed = differing(source.draw(50, HERE), source.draw(50, dataclasses.replace(HERE, noise=4)))
    assert changed == {"train_targets", "test_targets_noisy"}


def test_draw_changes_all(source: Source, case: Case) -> None:
    everything = {name for name, _ in parts(source.draw(50, HERE))}
    expected = everything - ({"test_inputs", "test_targets", "test_targets_noisy"} if case.fixed_test else set())
    assert differing(source.draw(50, HERE), source.draw(50, dataclasses.replace(HERE, draw=3))) == expected


def test_seed_changes_all(source: Source, case: Case) -> None:
    everything = {name for name, _ in parts(source.draw(50, HERE))}
    expected = everything - ({"test_inputs", "test_targets"} if case.fixed_test else set())
    assert differing(source.draw(50, HERE), source.draw(50, dataclasses.replace(HERE, seed=6))) == expected


def test_noise_is_the_same_object_in_other_draws(source: Source) -> None:
    here, there = source.draw(90, HERE), source.draw(90, dataclasses.replace(HERE, draw=3))
    if source.classes is None:
        np.testing.assert_allclose(_noise(here), _noise(there), rtol=0.0, atol=1e-12)
    else:
        count = len(source.classes)
        shifts = [
            (class_indices(s.train_targets) - class_indices(s.train_targets_clean)) % count for s in (here, there)
        ]
        np.testing.assert_array_equal(shifts[0], shifts[1])


def _noise(split: Split) -> Float[np.ndarray, "n outputs"]:
    return split.train_targets - split.train_targets_clean


def test_amount_of_noise(source: Source, case: Case) -> None:
    split = source.draw(case.counts[-1], HERE)
    pairs = [
        (split.train_targets, split.train_targets_clean),
        (split.test_targets_noisy, split.test_targets),
    ]
    for noisy, clean in pairs:
        if source.classes is None:
            deviation = np.std(noisy - clean)
            assert abs(deviation / case.noise - 1.0) < 4.0 / np.sqrt(2.0 * clean.size)
        else:
            flips = np.sum(class_indices(noisy) != class_indices(clean))
            assert abs(flips - case.noise * len(clean)) < 1.0


def test_training_and_test_noise_are_different(source: Source) -> None:
    split = source.draw(30, HERE)
    noise_of_test = (split.test_targets_noisy - split.test_targets)[:30]
    assert not np.allclose(np.abs(_noise(split)).sum(axis=1), np.abs(noise_of_test).sum(axis=1))


def test_arrays_are_float64_contiguous_read_only_and_of_matching_shapes(source: Source) -> None:
    split = source.draw(40, HERE)
    for name, values in parts(split):
        assert values.dtype == np.float64, name
        assert values.flags.c_contiguous, name
        assert not values.flags.writeable, name
        assert np.isfinite(values).all(), name
    assert split.train_inputs.shape[1] == split.test_inputs.shape[1] == split.pool.shape[1]
    assert split.replicate == HERE
    assert split.classes == source.classes


def test_class_targets_are_one_hot(source: Source) -> None:
    split = source.draw(40, HERE)
    for targets in (split.train_targets, split.train_targets_clean, split.test_targets, split.test_targets_noisy):
        is_one_hot = set(np.unique(targets)) == {0.0, 1.0} and bool(np.all(targets.sum(axis=1) == 1.0))
        assert is_one_hot == (source.classes is not None)
        assert source.classes is None or targets.shape[1] == len(source.classes)


def test_bits_do_not_depend_on_what_was_drawn_before(source: Source, case: Case) -> None:
    first = source.draw(40, HERE)
    for other in range(5, 9):
        source.draw(60, Replicate(seed=other, draw=other, noise=other))
    for kept in (finite_module._drawn, _pool, _test_set):
        kept.cache_clear()
    assert_same(first, case.make().draw(40, HERE))


def test_a_pickled_source_draws_the_same_bits(source: Source) -> None:
    assert_same(source.draw(40, HERE), pickle.loads(pickle.dumps(source)).draw(40, HERE))


def test_golden_numbers(source: Source, case: Case) -> None:
    """If this fails on purpose, raise the source's ``revision``."""
    assert summary(source.draw(60, HERE)) == case.golden


def test_spec_is_json_and_repeats(source: Source, case: Case) -> None:
    text = json.dumps(source.spec(), allow_nan=False, sort_keys=True)
    assert json.loads(text) == source.spec()
    assert json.dumps(case.make().spec(), sort_keys=True) == text


@pytest.mark.parametrize("setting", ["noise", "test_samples", "name"])
def test_spec_tells_settings_apart(source: Source, setting: str) -> None:
    noise = "label_noise" if hasattr(source, "label_noise") else "noise"
    changes = {"noise": (noise, 0.25), "test_samples": ("test_samples", 17)}
    field, value = changes.get(setting, ("name", "other"))
    changed = dataclasses.replace(source, **{field: value})  # type: ignore[type-var]
    assert changed.spec() != source.spec()


@pytest.mark.parametrize("samples", [0, -3])
def test_refuses_no_samples(source: Source, samples: int) -> None:
    with pytest.raises(InvalidArgument, match=rf"^`samples` must be a positive integer, got {samples}\.$"):
        source.draw(samples, HERE)
