"""What users hold: sections, landmarks, files that are whole or absent."""

import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import benign
from benign.foundation.errors import InvalidArgument, OutputFailed, UnknownName
from benign.surface.tables import read_netcdf

SOURCE = benign.sources.digits(label_noise=0.2, test_samples=300)


@pytest.fixture(scope="module")
def surface():
    return benign.measure(benign.RandomFourier(), SOURCE, sizes="every", samples=[40], replicates=8, seed=0, workers=1)


def test_curve_of_real_images_has_its_landmarks(surface):
    curve = surface.curve("test_loss", dim="size")
    assert curve.values.shape == (8, 400)
    assert 25 <= curve.threshold.value <= 40
    assert 38 <= curve.peak.position <= 42
    assert curve.classical_minimum.position < curve.peak.position < curve.second_descent.position
    assert curve.peak.value > 10 * curve.classical_minimum.value
    low, high = curve.peak.position_interval
    assert low <= curve.peak.position <= high


def test_what_users_print_is_sentences(surface):
    curve = surface.curve("test_loss")
    assert str(surface) == "random_fourier on digits: n = 40, 400 sizes, 8 replicates"
    one = benign.Surface(surface.dataset.isel(replicate=[0]))
    assert str(one).splitlines()[0] == "random_fourier on digits: n = 40, 400 sizes, 1 replicate"
    assert str(curve).splitlines()[0] == "test loss over features"
    assert f"peak at {curve.peak}" in str(curve)
    assert str(surface.regimes()) == surface.regimes().sentence
    words = r"Threshold size at n = 40: \d+ features \(95 % interval: \d+ to \d+\) are the fewest at which the mean "
    assert re.match(words, str(surface.smallest_size()))


def test_training_loss_is_refused_a_peak(surface):
    curve = surface.curve("train_loss")
    assert curve.peak is None


def test_display_holds_the_numbers(surface):
    display = surface.curve("test_loss").plot()
    frame = display.frame()
    test = frame[frame["series"] == "test"]
    np.testing.assert_allclose(test["median"], np.median(surface.curve("test_loss").values, axis=0))
    assert display.ax_.get_xlabel() == "number of features (size)"
    assert "<svg" in display._repr_html_()


def test_the_end_of_training_is_a_time(surface):
    assert surface.curve("test_loss", time=np.inf).values.shape == (8, 400)
    assert surface.smallest_size(time=np.inf) == surface.smallest_size()
    with pytest.raises(InvalidArgument, match="`samples` must be a finite number, got nan"):
        surface.curve("test_loss", samples=np.nan)


def test_several_samples_must_be_fixed():
    two = benign.measure(benign.RandomFourier(), SOURCE, sizes=[5, 10], samples=[10, 20], replicates=2, workers=1)
    with pytest.raises(InvalidArgument, match="`samples` has 2 values; say which, for example samples=20"):
        two.curve("test_loss")
    with pytest.raises(InvalidArgument, match="not measured at 15; the nearest is 10"):
        two.curve("test_loss", samples=15)
    assert two.curve("test_loss", samples=10).values.shape == (2, 2)
    assert two.curve("test_loss", dim="samples", size=5).positions.tolist() == [10, 20]


@pytest.fixture(scope="module")
def noisy(surface):
    """The same surface at two levels of label noise, the second with ten times the loss."""
    levels = [surface.dataset, surface.dataset.assign(test_loss=10 * surface.dataset["test_loss"])]
    joined = xr.concat(levels, dim="label_noise", data_vars="all", coords="minimal", compat="override", join="exact")
    return benign.Surface(joined.assign_coords(label_noise=[0.0, 0.2]))


def test_label_noise_is_fixed_like_the_other_axes(surface, noisy):
    curve = noisy.curve("test_loss", label_noise=0.2)
    np.testing.assert_array_equal(curve.values, 10 * surface.curve("test_loss").values)
    assert curve.peak.position == surface.curve("test_loss").peak.position
    np.testing.assert_array_equal(noisy.curve("test_loss", label_noise=0.0).values, surface.curve("test_loss").values)
    curve.plot()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "`label_noise` has 2 values; say which, for example label_noise=0.2"),
        ({"label_noise": 0.1}, "`label_noise` was not measured at 0.1; the nearest is 0"),
        ({"dim": "label_noise"}, "unknown axis 'label_noise'"),
    ],
)
def test_label_noise_that_cannot_be_used(noisy, options, sentence):
    with pytest.raises(InvalidArgument, match=sentence):
        noisy.curve("test_loss", **options)


def test_one_level_of_label_noise_need_not_be_said(surface, noisy):
    one = benign.Surface(noisy.dataset.isel(label_noise=[0]))
    np.testing.assert_array_equal(one.curve("test_loss").values, surface.curve("test_loss").values)


def test_a_surface_without_levels_has_no_such_axis(surface):
    with pytest.raises(UnknownName, match=r"unknown axis 'label_noise'; .*Known: time, samples"):
        surface.curve("test_loss", label_noise=0.2)


def test_levels_of_label_noise_survive_a_file(noisy, tmp_path):
    stored = benign.Surface.open(noisy.to_netcdf(tmp_path / "surface.nc"))
    xr.testing.assert_identical(stored.dataset, noisy.dataset)


def test_label_noise_out_of_place_gets_a_sentence(noisy):
    with pytest.raises(InvalidArgument, match="'label_noise' must be the first dimension of"):
        benign.Surface(noisy.dataset.transpose(..., "label_noise"))
    with pytest.raises(InvalidArgument, match="'label_noise' does not increase"):
        benign.Surface(noisy.dataset.isel(label_noise=[1, 0]))


@pytest.mark.parametrize(
    ("arguments", "options", "sentence"),
    [
        (("tests_loss",), {}, "did you mean 'test_loss'"),
        (("outcome",), {}, "unknown metric"),
        (("test_loss", "sizes"), {}, "unknown axis 'sizes'; did you mean 'size'"),
        (("test_loss",), {"width": 3}, "unknown axis 'width'"),
    ],
)
def test_unknown_names(surface, arguments, options, sentence):
    with pytest.raises(UnknownName, match=sentence):
        surface.curve(*arguments, **options)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"dim": "size", "size": 4}, "`size` is the axis of the curve"),
        ({"dim": "time", "size": 5}, "needs recorded times"),
    ],
)
def test_axes_that_cannot_be_used(surface, options, sentence):
    with pytest.raises(InvalidArgument, match=sentence):
        surface.curve("test_loss", **options)


def test_a_draw_of_one_class_has_no_threshold():
    inputs = np.random.default_rng(0).standard_normal((60, 3))
    source = benign.sources.arrays(inputs, ["a"] * 50 + ["b"] * 10)
    surface = benign.measure(benign.RandomFourier(), source, samples=[4], replicates=6, workers=1)
    assert 0.0 in surface.dataset["train_loss_constant"].values
    assert surface.curve("test_loss").threshold is None
    surface.curve("test_loss").plot()


def test_files_hold_the_surface(surface, tmp_path):
    path = surface.to_netcdf(tmp_path / "deep" / "surface.nc")
    xr.testing.assert_identical(benign.Surface.open(path).dataset, surface.dataset)
    import pandas as pd

    table = pd.read_parquet(surface.to_parquet(tmp_path / "surface.parquet"))
    assert len(table) == 400 * 8
    assert table["test_loss"].sum() == pytest.approx(surface.dataset["test_loss"].values.sum())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["deep", "surface.parquet"]


@pytest.mark.parametrize("name", ["belkin2019_fourier/noisy.nc", "nakkiran2020_modelwise", "format1"])
def test_a_file_is_read_as_xarray_reads_it(name):
    folder = Path(__file__).parents[1] / "data" if name == "format1" else Path(__file__).parents[2] / "figures"
    files = [folder / name] if name.endswith(".nc") else sorted((folder / name).glob("*.nc"))
    assert files
    for file in files:
        read = read_netcdf(file)
        with xr.open_dataset(file, engine="h5netcdf", decode_times=False) as stored:
            xr.testing.assert_identical(read, stored.load())
            assert {name: one.dtype for name, one in read.variables.items()} == {
                name: one.dtype for name, one in stored.variables.items()
            }
            assert [type(one) for one in read.attrs.values()] == [type(one) for one in stored.attrs.values()]


def test_a_file_in_the_way_gets_a_sentence(surface, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputFailed, match="choose another place"):
        surface.to_netcdf(tmp_path / "file" / "surface.nc")


def test_what_is_no_surface_gets_a_sentence(tmp_path):
    (tmp_path / "no.nc").write_text("no")
    with pytest.raises(InvalidArgument, match="no surface that can be read"):
        benign.Surface.open(tmp_path / "no.nc")
    with pytest.raises(InvalidArgument, match="lacks the dimension 'size'"):
        benign.Surface(xr.Dataset())
