"""Regimes of a surface: the closed form of least squares, both bases, and what is undecided."""

import math
from typing import Any

import numpy as np
import pytest
import xarray as xr

import benign
from benign.curves.fitting_threshold import ThresholdOutcome
from benign.curves.threshold_search import Regime
from benign.foundation.errors import InvalidArgument, UnknownName
from benign.surface.complexity import smallest_size
from benign.surface.regimes import checked_basis, critical_range, regimes_of_surface

UNDER, CRITICAL, OVER, UNDECIDED = Regime
RANDOM = np.random.default_rng(3)
NOISE = benign.sources.arrays(RANDOM.standard_normal((400, 20)), RANDOM.standard_normal(400), test_samples=50)


def planted(risk, sizes, times=(math.inf,), samples=(100,), *, replicates=8, spread=0.0, missing=()):
    """A surface whose training loss and error are ``risk(size, time, n)``, times log-normal noise of mean 1."""
    axes = {"size": list(sizes), "time": list(times), "samples": list(samples)}
    grid = np.array([[[risk(size, time, n) for n in samples] for time in times] for size in sizes], dtype=float)
    noise = np.random.default_rng(0).standard_normal((*grid.shape, replicates))
    table = grid[..., None] * np.exp(spread * noise - 0.5 * spread**2)
    for cell in missing:
        table[cell] = np.nan
    dims = (*axes, "replicate")
    constant = (("samples", "replicate"), np.ones((len(axes["samples"]), replicates)))
    variables = dict.fromkeys(("train_loss", "train_error", "test_loss", "test_error"), (dims, table))
    return xr.Dataset(
        {**variables, "train_loss_constant": constant, "test_error_constant": constant},
        coords={**axes, "replicate": np.arange(replicates)},
        attrs={"size_name": "features", "time_name": "epochs", "classes": 10},
    )


def least_squares(size, time, n):
    """Mean relative training loss of least squares on random features: EMC = N, up to the tolerance."""
    return max(0.0, 1.0 - size / n)


def truth(ratio, band=1.5):
    return UNDER if ratio < 1 / band else OVER if ratio > band else CRITICAL


def agrees(found, *, slack, width):
    """Decided cells are as EMC = N says, within a factor 1 + ``slack``; undecided ones within ``width`` of an edge."""
    ratio = found.sizes[:, None, None] / found.samples
    for cell in np.ndindex(found.label.shape):
        at = ratio[cell[0], 0, cell[2]]
        if found.label[cell] == UNDECIDED:
            assert min(abs(math.log(at * found.band)), abs(math.log(at / found.band))) <= width, cell
        else:
            assert found.label[cell] in (truth(at, found.band), truth(at * (1 + slack), found.band)), cell


@pytest.mark.parametrize("band", [1.5, 1.2])
def test_least_squares_is_critical_where_its_size_is_near_n(band):
    """One n of a measured surface, every size; the targets are noise, so that each feature fits one sample."""
    surface = benign.measure(benign.RandomFourier(), NOISE, sizes=range(1, 301), samples=[100], replicates=6, workers=1)
    found = surface.regimes(band=band)
    assert found.basis == "size / threshold size"
    agrees(found, slack=0.04, width=0.08)
    assert found.undecided <= 12
    critical = found.sizes[found.label[:, 0, 0] == CRITICAL]
    assert critical[0] == pytest.approx(100 / band, rel=0.05)
    assert critical[-1] == pytest.approx(100 * band, rel=0.06)
    threshold = smallest_size(surface.dataset, interpolated=True)
    assert found.ratio[99, 0, 0] == pytest.approx(100 / threshold.value)


def test_several_n_and_one_n_agree():
    samples = [int(n) for n in np.unique(np.round(np.geomspace(20, 200, 24)))]
    whole = planted(least_squares, range(10, 301, 2), samples=samples)
    by_samples, by_size = regimes_of_surface(whole), regimes_of_surface(whole, basis="size / threshold size")
    assert (by_samples.basis, by_size.basis) == ("EMC / n", "size / threshold size")
    agrees(regimes_of_surface(whole.sel(size=slice(24, 180))), slack=0.021, width=0.15)  # EMC within the n measured
    agrees(by_size, slack=0.1, width=0.12)
    both = (by_samples.label != UNDECIDED) & (by_size.label != UNDECIDED)
    ratio = by_samples.sizes[:, None, None] / by_samples.samples
    away = both & (np.abs(np.log(ratio * 1.5)) > 0.03) & (np.abs(np.log(ratio / 1.5)) > 0.03)
    assert away.mean() > 0.7
    assert np.array_equal(by_samples.label[away], by_size.label[away])
    for row, n in enumerate(samples):
        one = regimes_of_surface(whole.sel(samples=[n]))
        assert np.array_equal(one.label[:, :, 0], by_size.label[:, :, row])


@pytest.mark.parametrize(
    ("sizes", "times", "samples", "basis"),
    [
        ([50, 100], [math.inf], [80, 120, 180], "EMC / n"),  # steps of 1.5, 1.5^2 in all
        ([50, 100], [math.inf], [80, 100, 150], "size / threshold size"),  # a shorter range bounds few sizes
        ([50, 100], [math.inf], [80, 160], "size / threshold size"),  # a step of 2 cannot resolve 1.5
        ([100], [math.inf], [80, 160], "EMC / n"),
        ([50, 100], [1.0, 2.0], [100], "size / threshold size"),
        ([100], [1.0, 2.0], [100], "time / threshold time"),
    ],
)
def test_what_was_measured_chooses_the_basis(sizes, times, samples, basis):
    assert regimes_of_surface(planted(least_squares, sizes, times, samples)).basis == basis


def test_a_coarse_grid_leaves_undecided_what_it_cannot_resolve():
    """Sizes a factor 2 apart: the threshold lies somewhere between 64 and 128, so neither is surely critical."""
    found = regimes_of_surface(planted(least_squares, [16, 32, 64, 128, 256, 512]))
    assert found.label[:, 0, 0].tolist() == [UNDER, UNDER, UNDECIDED, UNDECIDED, OVER, OVER]
    assert (found.low[2, 0, 0], found.high[2, 0, 0]) == (0.5, 1.0)


def test_noise_that_hides_the_threshold_leaves_cells_undecided():
    """The mean crosses 0.02 at size 100, so slowly that its interval spans many sizes."""
    sizes = np.unique(np.round(np.geomspace(5, 2000, 90))).astype(int)

    def slow(size, time, n):
        return 0.02 * (100 / size) ** 1.5

    exact, noisy = (regimes_of_surface(planted(slow, sizes, spread=spread)) for spread in (0.0, 1.0))
    assert exact.undecided <= 6
    assert noisy.undecided >= 15
    decided = noisy.label != UNDECIDED
    expected = np.array([truth(size / 100) for size in sizes])[:, None, None]
    assert np.array_equal(noisy.label[decided], np.broadcast_to(expected, noisy.label.shape)[decided])
    widths = noisy.high[:, 0, 0] / noisy.low[:, 0, 0]
    assert np.allclose(widths, widths[0])
    assert widths[0] > 1.5


def test_cells_without_a_number_are_undecided_and_spoil_no_others():
    sizes = range(10, 301, 5)
    found = regimes_of_surface(planted(least_squares, sizes, missing=[(0, 0, 0, 3), (50, 0, 0)]))
    whole = regimes_of_surface(planted(least_squares, sizes))
    assert found.label[[0, 50], 0, 0].tolist() == [UNDECIDED, UNDECIDED]
    assert np.isnan(found.ratio[[0, 50], 0, 0]).all()
    rest = np.delete(np.arange(len(sizes)), [0, 50])
    assert np.array_equal(found.label[rest], whole.label[rest])
    nothing = regimes_of_surface(planted(least_squares, [10, 20], missing=[(0,), (1,)]))
    assert nothing.undecided == 2


def test_a_threshold_beyond_what_was_measured_bounds_from_one_side():
    below = regimes_of_surface(planted(least_squares, [10, 20, 40, 50]))
    assert below.label[:, 0, 0].tolist() == [UNDER, UNDER, UNDECIDED, UNDECIDED]
    assert np.isnan(below.ratio).all()
    assert below.high[:, 0, 0].tolist() == [0.2, 0.4, 0.8, 1.0]
    above = regimes_of_surface(planted(least_squares, [120, 150, 200, 400]))
    assert above.label[:, 0, 0].tolist() == [UNDECIDED, UNDECIDED, OVER, OVER]
    assert np.isinf(above.high).all()


def test_fewer_than_four_replicates_decide_nothing():
    found = regimes_of_surface(planted(least_squares, [10, 100, 500], replicates=3))
    assert found.undecided == 3
    assert found.sentence.startswith(
        "critical at no measured size for sure, perhaps from 10 to 500 features at n = 100"
    )
    assert found.sentence.endswith("3 of 3 sizes undecided: fewer than 4 replicates decide nothing")


def test_times_are_read_each_by_its_threshold_size_and_one_size_by_its_threshold_time():
    """Fitted where size x time reaches 100."""
    times = [0.0, *np.geomspace(1, 64, 25).tolist()]

    def product(size, time, n):
        return max(0.0, 1.0 - size * time / 100)

    found = regimes_of_surface(planted(product, range(2, 201, 2), times))
    threshold = 98.0 / np.array(times[1:])
    ratio = found.ratio[:, 1:, 0]
    known = np.isfinite(ratio) & (threshold > 20)
    assert np.allclose(ratio[known], (found.sizes[:, None] / threshold)[known], rtol=0.1)
    assert not known[:, threshold > 200].any()
    assert np.isin(found.label[:80, 0, 0], [UNDER, UNDECIDED]).all()  # before training
    one = regimes_of_surface(planted(product, [10], times))
    assert one.basis == "time / threshold time"
    assert one.label[0, 0, 0] == UNDER
    expected = [truth(time / 9.8) for time in times]
    decided = one.label[0, :, 0] != UNDECIDED
    assert decided.mean() > 0.8
    assert one.label[0, decided, 0].tolist() == np.array(expected)[decided].tolist()
    assert one.sentence == (
        "critical from 8 to 13.45 epochs at n = 100 (time / threshold time within 1/1.5 and 1.5); "
        f"{one.undecided} of 26 cells undecided"
    )


def test_the_error_is_another_criterion():
    dataset = planted(least_squares, range(10, 301, 5))
    dataset["train_error"] = dataset["train_error"].copy(data=np.maximum(0.0, dataset["train_loss"].values - 0.5))
    loss, error = (regimes_of_surface(dataset, criterion=criterion) for criterion in ("objective", "error"))
    assert error.criterion == "error"
    assert 0.5 * loss.low[-1, 0, 0] < 0.5 * error.low[-1, 0, 0]
    assert error.ratio[-1, 0, 0] == pytest.approx(300 / 48, rel=0.05)
    strict = regimes_of_surface(dataset, tolerance=0.4)
    assert strict.ratio[-1, 0, 0] == pytest.approx(300 / 60, rel=0.05)


def test_the_sentence_names_the_range_the_basis_and_the_band():
    one = regimes_of_surface(planted(least_squares, range(1, 301)))
    assert one.sentence == (
        "critical from 66 to 147 features at n = 100 (size / threshold size within 1/1.5 and 1.5); "
        f"{one.undecided} of 300 sizes undecided"
    )
    two = regimes_of_surface(planted(least_squares, range(1, 301), samples=[50, 100]), band=1.2)
    assert "at n = 50; from 82 to 117 features at n = 100 (size / threshold size within 1/1.2 and 1.2)" in two.sentence
    along = regimes_of_surface(planted(least_squares, [100], samples=range(20, 301, 4)))
    assert along.sentence.startswith("critical from 72 to 148 samples with 100 features (EMC / n within 1/1.5 and 1.5)")
    none = regimes_of_surface(planted(least_squares, [10, 20]))
    assert none.sentence.startswith("critical at no measured size for sure, perhaps at 20 features at n = 100 (")


@pytest.mark.parametrize("dim", ["size", "samples", "time"])
def test_the_range_along_an_axis_says_the_same_as_the_cells(dim):
    every: dict[str, dict[str, Any]] = {
        "size": {"sizes": range(4, 401, 6), "times": [10.0], "samples": [100]},
        "samples": {"sizes": [100], "times": [10.0], "samples": range(10, 401, 6)},
        "time": {"sizes": [100], "times": np.arange(1.0, 60.0), "samples": [100]},
    }
    dataset = planted(lambda size, time, n: max(0.0, 1.0 - size * time / (10 * n)), spread=0.2, **every[dim])
    label = regimes_of_surface(dataset).label.ravel()
    section = dataset.isel({axis: 0 for axis in ("size", "time", "samples") if axis != dim})
    found = critical_range(section, dim)
    assert found is not None
    positions = section[dim].values
    critical = (positions >= found.start[1] * (1 - 1e-9)) & (positions <= found.stop[0] * (1 + 1e-9))
    before, after = positions < found.start[0] * (1 - 1e-9), positions > found.stop[1] * (1 + 1e-9)
    expected = np.full(len(positions), UNDECIDED)
    expected[critical] = CRITICAL
    expected[before], expected[after] = (OVER, UNDER) if dim == "samples" else (UNDER, OVER)
    assert critical.sum() > 3
    assert np.array_equal(label, expected)
    assert found.is_over_first == (dim == "samples")


def test_nothing_is_known_of_a_range_that_nothing_bounds():
    assert critical_range(planted(least_squares, [10, 200], replicates=3).isel(time=0, samples=0), "size") is None
    open_above = critical_range(planted(least_squares, [10, 40]).isel(time=0, samples=0), "size")
    assert open_above is not None
    assert open_above.start == pytest.approx((40 / 1.5, math.inf))
    assert open_above.stop == pytest.approx((60.0, math.inf))


def test_a_surface_gives_its_readings():
    surface = benign.Surface(planted(least_squares, range(10, 301, 5), samples=[80, 100]))
    found = surface.regimes(1.2, 0.1, "error")
    assert (found.band, found.tolerance, found.criterion) == (1.2, 0.1, "error")
    assert surface.effective_model_complexity().value[0, 0] == 0.0
    assert surface.effective_model_complexity(tolerance=0.3).value[14, 0] > 100 * (1 - 1e-9)  # 80 features
    assert surface.smallest_size(samples=100).value == pytest.approx(98.0, rel=0.02)
    assert surface.smallest_size(100, tolerance=0.5).value == pytest.approx(50.0, rel=0.02)
    times = benign.Surface(planted(lambda _size, time, _n: 0.02 / time, [10], [0.5, 2.0]))
    assert times.shortest_time().value == pytest.approx(0.5 * 4 ** (2 / 3), rel=1e-6)  # between 0.04 and 0.01
    assert times.shortest_time(samples=100, size=10, tolerance=0.5).outcome is ThresholdOutcome.ALL_FITTED


def test_a_misspelt_reading_is_not_passed_over():
    with pytest.raises(TypeError, match="tolerence"):
        smallest_size(planted(least_squares, [50, 100, 200]), tolerence=0.1)  # type: ignore[call-arg]


def test_levels_of_label_noise_are_chosen_by_name():
    levels = [planted(least_squares, [50, 100, 200]), planted(lambda *_: 1.0, [50, 100, 200])]
    surface = benign.Surface(
        xr.concat(levels, xr.DataArray([0.0, 0.2], dims="label_noise", name="label_noise")).transpose(
            "label_noise", ...
        )
    )
    assert surface.regimes(label_noise=0.0).label[-1, 0, 0] == OVER
    assert surface.regimes(label_noise=0.2).label[-1, 0, 0] == UNDECIDED
    assert surface.smallest_size(label_noise=0.2).outcome is ThresholdOutcome.NONE_FITTED
    with pytest.raises(InvalidArgument, match="`label_noise` has 2 values"):
        surface.regimes()
    with pytest.raises(InvalidArgument, match="`label_noise` must be left out"):
        benign.Surface(levels[0]).regimes(label_noise=0.2)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"band": 1.0}, "`band` must be a number above 1"),
        ({"band": math.nan}, "`band` must be a finite number"),
        ({"tolerance": 2.0}, "`tolerance` must lie strictly between 0 and 1"),
        ({"basis": "EMC / n"}, "needs several values of samples; the surface has 1"),
    ],
)
def test_bad_input_gets_a_sentence(options, sentence):
    with pytest.raises(InvalidArgument, match=sentence):
        regimes_of_surface(planted(least_squares, [10, 20]), **options)


def test_one_cell_has_nothing_to_be_read_along():
    with pytest.raises(InvalidArgument, match="one size, time and n: measure more sizes"):
        regimes_of_surface(planted(least_squares, [100]))


def test_unknown_names_are_refused():
    with pytest.raises(UnknownName, match="basis"):
        checked_basis(planted(least_squares, [10, 20]), "guess")


def test_a_cell_is_asked_for_by_its_place():
    found = regimes_of_surface(planted(least_squares, [10, 20, 50, 80, 90, 95, 98, 100, 105, 120, 160, 400]))
    assert [found.at(size=size) for size in (10, 100, 400)] == [UNDER, CRITICAL, OVER]
    assert found.at(size=100, samples=100) is CRITICAL
    several = regimes_of_surface(planted(least_squares, [10, 20, 40, 80, 160, 320], samples=[40, 60, 80]))
    assert several.at(size=10, samples=80) is UNDER
    assert several.at(size=320, samples=40) is OVER
    with pytest.raises(InvalidArgument, match=r"`samples` has 3 values; say which, for example samples=80"):
        several.at(size=320)
    with pytest.raises(InvalidArgument, match=r"`size` was not measured at 5; the nearest is 10"):
        several.at(size=5, samples=40)
