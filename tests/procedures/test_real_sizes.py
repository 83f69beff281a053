"""Sizes that are real numbers, through everything that holds sizes: grid, store, surface, regimes and curves."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Ridge
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

import benign
from benign import sources
from benign.experiments.grid import Grid
from benign.experiments.parts import Part, missing_parts
from benign.experiments.resolution import resolve_grid
from benign.experiments.store.encoded_parts import decode_part, encode_part
from benign.foundation.errors import InvalidArgument
from benign.foundation.replicate import Replicate
from benign.foundation.sizes import checked_sizes, whole_where_possible
from benign.procedures import from_callable, from_estimator

GAMMAS = [1e-4, 1e-2, 1.0, 20.0]
DIGITS = sources.digits(label_noise=0.1, test_samples=40)


def _part(sizes):
    return Part(sizes=sizes, times=np.array([np.inf]), metrics=frozenset({"train_loss", "test_loss"}))


_positive = st.floats(1e-100, 1e100, allow_subnormal=False)
_counts = st.integers(1, 2**53).map(float)


@given(sizes=st.lists(st.one_of(_positive, _counts), min_size=1, max_size=8, unique=True))
def test_a_part_comes_back_out_of_a_store_as_it_was(sizes):
    part = _part(whole_where_possible(np.array(sorted(sizes))))
    row = encode_part(part)
    again = decode_part(part.key, row["sizes"], row["times"], row["metrics"])
    assert again is not None
    assert again.sizes.dtype == part.sizes.dtype
    np.testing.assert_array_equal(again.sizes, part.sizes)
    assert not missing_parts(part, [again])


def test_counts_have_the_keys_that_they_had():
    """What stores hold is found again: a number that a change of the format would change."""
    part = _part(np.array([1, 2, 40]))
    assert part.key == "31f953abb39c6b9cc99929db1753411e03f3f95b6baf6f31ea6daf8c4d44f898"


def test_integers_and_real_numbers_of_the_same_bytes_are_different_parts():
    real = _part(np.array([0.5, 1.5]))
    whole = _part(real.sizes.view(np.int64))
    assert whole.sizes.tobytes() == real.sizes.tobytes()
    assert whole.key != real.key
    row = encode_part(real)
    found = decode_part(real.key, row["sizes"], row["times"], row["metrics"])
    assert found is not None
    assert found.sizes.dtype == np.float64
    assert decode_part("0" * 64, row["sizes"], row["times"], row["metrics"]) is None


def test_a_grid_comes_back_out_of_its_text():
    grid = resolve_grid(from_estimator(SVC(), size="gamma"), [DIGITS], sizes=GAMMAS, samples=[20])
    again = Grid.from_json(grid.to_json())
    assert again.part.key == grid.part.key
    assert again.part.sizes.dtype == np.float64
    counted = resolve_grid(from_estimator(SVC(), size="gamma"), [DIGITS], sizes=[1.0, 10.0], samples=[20])
    assert counted.part.sizes.dtype == np.int64


def test_they_are_measured_kept_and_extended(tmp_path):
    procedure, store = from_estimator(SVC(), size="gamma"), str(tmp_path / "store.sqlite")
    measured = partial(benign.measure, procedure, DIGITS, samples=[30], replicates=3, workers=1)
    plain = measured(sizes=GAMMAS).dataset
    measured(sizes=GAMMAS[1:3], store=store)
    kept = measured(sizes=GAMMAS, store=store).dataset
    np.testing.assert_array_equal(kept["size"], GAMMAS)
    assert kept["size"].dtype == np.float64
    for name in ("train_loss", "test_error", "parameters"):
        np.testing.assert_array_equal(kept[name], plain[name], err_msg=name)
    assert (plain["parameters"] == 0).all()
    split = DIGITS.draw(30, Replicate())
    model = SVC(gamma=1e-2).fit(split.train_inputs, split.train_targets.argmax(axis=1))
    error = np.mean(model.predict(split.test_inputs) != split.test_targets.argmax(axis=1))
    assert plain["test_error"].sel(size=1e-2, replicate="0-0-0").item() == pytest.approx(error)


def test_a_surface_of_them_is_read_drawn_written_and_opened(tmp_path):
    alpha = from_estimator(Ridge(), size="alpha", inverse=True)
    source = sources.arrays(
        np.random.default_rng(0).normal(size=(80, 40)), np.random.default_rng(1).normal(size=80), name="noise",
        test_samples=30,
    )  # fmt: skip
    sizes = [1e-6, 1e-3, 0.3, 30.0]
    surface = benign.measure(alpha, source, sizes=sizes, samples=[20], replicates=4, workers=1)
    threshold = surface.smallest_size()
    assert 1e-3 <= threshold.value <= 30.0
    assert "alpha" in surface.regimes().sentence
    curve = surface.curve("test_loss")
    assert curve.peak_test.sentence
    curve.plot()
    surface.to_netcdf(tmp_path / "surface.nc")
    np.testing.assert_array_equal(benign.Surface.open(tmp_path / "surface.nc").dataset["size"], sizes)
    assert surface.curve("test_loss").values.shape == (4, 4)


class TestRefused:
    @pytest.mark.parametrize("sizes", ["auto", "every"])
    def test_there_is_no_end_of_them(self, sizes):
        with pytest.raises(InvalidArgument, match=r"`sizes` must be a list of values of gamma, for example"):
            benign.measure(from_estimator(SVC(), size="gamma"), DIGITS, sizes=sizes, samples=[20])

    @pytest.mark.parametrize("sizes", [[0.0, 1.0], [-1.0, 1.0], [np.inf], [np.nan], [1e-200], [1.0, 0.5]])
    def test_what_is_no_positive_number(self, sizes):
        with pytest.raises(InvalidArgument, match=r"`sizes` must (be positive numbers from|increase strictly)"):
            benign.measure(from_estimator(SVC(), size="gamma"), DIGITS, sizes=sizes, samples=[20])

    def test_fractions_of_what_is_counted(self):
        with pytest.raises(InvalidArgument, match=r"`sizes` must be whole numbers from 1 on, got 2.5"):
            benign.measure(
                from_estimator(DecisionTreeClassifier(), size="max_depth"), DIGITS, sizes=[2.5], samples=[20]
            )
        with pytest.raises(InvalidArgument, match=r"the largest is 0.5"):
            checked_sizes([0.1, 1.0], available=0.5, samples=10, unit="nu", are_real=True)


def test_a_function_gets_a_real_number_if_its_sizes_are():
    got = []

    def constant(X, y, size, time, seed):
        del X, y, time, seed
        got.append(size)
        return lambda X: np.full((len(X), 10), 0.1)

    split = DIGITS.draw(20, Replicate())
    for are_real in (False, True):
        procedure = from_callable(constant, name="constant", revision=1, real_sizes=are_real)
        list(procedure.predict(split, split.test_inputs, np.array([3]), None))
    assert [type(size) for size in got] == [int, float]


def _certain(total):
    def certain(X, y, size, time, seed):
        del X, y, size, time, seed
        return lambda X: np.tile((np.eye(10)[3] * 0.9 + 0.01) * total, (len(X), 1))

    return from_callable(certain, name="certain", revision=1, objective="cross-entropy")


def test_what_a_function_minimises_can_be_said():
    split, procedure = DIGITS.draw(20, Replicate()), _certain(1.0)
    assert procedure.spec() != replace(procedure, objective="squared").spec()
    block = procedure.measure([split], np.array([1]), None, frozenset({"train_loss"}))
    shares = np.where(split.train_targets.argmax(axis=1) == 3, 0.91, 0.01)
    assert block.metrics["train_loss"].item() == pytest.approx(-np.log(shares).mean(), rel=1e-9)


def test_a_log_loss_of_what_are_no_probabilities_is_refused():
    with pytest.raises(
        InvalidArgument,
        match=r"'?certain'? at size 1 on 20 samples predicts rows that are no probabilities; .* sum to 1",
    ):
        _certain(1.1).measure([DIGITS.draw(20, Replicate())], np.array([1]), None, frozenset({"train_loss"}))
