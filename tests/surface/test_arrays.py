"""Somebody else's numbers as a surface."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import benign
from benign.foundation.errors import InvalidArgument, UnknownName

SIZES, SAMPLES, TIMES = [1, 2, 4, 8, 16], [10, 20, 40], [1.0, 10.0]


@pytest.fixture(scope="module")
def measured() -> benign.Surface:
    source = benign.sources.digits(label_noise=0.2, test_samples=100)
    return benign.measure(
        benign.RandomFourier(), source, sizes=[5, 10, 20, 40, 80], samples=[20, 40], replicates=4, workers=1
    )


def arrays_of(surface: benign.Surface, names: list[str]) -> dict[str, np.ndarray]:
    order = ("replicate", "samples", "size", "time")
    return {
        name: surface.dataset[name].transpose(*(axis for axis in order if axis in surface.dataset[name].dims)).values
        for name in names
    }


def test_numbers_of_a_surface_make_the_same_surface(measured):
    names = ["test_loss", "train_loss", "train_loss_constant", "test_error_constant", "parameters"]
    made = benign.Surface.from_arrays(
        arrays_of(measured, names), size=[5, 10, 20, 40, 80], samples=[20, 40], size_name="features"
    )
    for name in names:
        xr.testing.assert_equal(made.dataset[name].drop_attrs(), measured.dataset[name].drop_attrs())
    for n in (20, 40):
        assert str(made.curve("test_loss", samples=n).landmarks) == str(
            measured.curve("test_loss", samples=n).landmarks
        )
    assert made.regimes().sentence == measured.regimes().sentence


def test_what_is_written_is_read(measured, tmp_path):
    made = benign.Surface.from_arrays({"test_error": np.ones((3, 5))}, size=SIZES, samples=10)
    xr.testing.assert_identical(benign.Surface.open(made.to_netcdf(tmp_path / "made.nc")).dataset, made.dataset)


def test_a_file_of_somebody_elses_numbers_may_lack_what_thresholds_are_read_from(tmp_path):
    made = benign.Surface.from_arrays({"train_loss": np.ones((3, 5))}, size=SIZES, samples=10, time=None).dataset
    made["time"].attrs["units"] = "days since the first"
    made.drop_vars("train_loss_constant").to_netcdf(tmp_path / "made.nc", engine="h5netcdf")
    opened = benign.Surface.open(tmp_path / "made.nc")
    assert opened.notes == ()
    assert opened.curve("train_loss").threshold is None


@pytest.mark.parametrize(
    ("shape", "axes", "rows"),
    [
        ((5,), {"size": SIZES, "samples": 10}, 1),
        ((4, 5), {"size": SIZES, "samples": 10}, 4),
        ((4, 1, 5, 1), {"size": SIZES, "samples": 10}, 4),
        ((4, 5, 2), {"size": SIZES, "samples": 10, "time": TIMES}, 4),
        ((3, 5, 2), {"size": SIZES, "samples": SAMPLES, "time": TIMES}, 1),
        ((2,), {"size": 7, "samples": 10, "time": TIMES}, 1),
        ((6,), {"size": 7, "samples": 10}, 6),
        ((), {"size": 7, "samples": 10}, 1),
        ((4, 1), {"size": 7, "samples": 10}, 4),
        ((4, 1, 2), {"size": 7, "samples": 10, "time": TIMES}, 4),
    ],
)
def test_axes_of_length_one_may_be_missing(shape, axes, rows):
    values = np.arange(np.prod(shape, dtype=int), dtype=float).reshape(shape)
    made = benign.Surface.from_arrays({"test_loss": values}, **axes).dataset
    assert made.sizes["replicate"] == rows
    np.testing.assert_array_equal(
        made["test_loss"].transpose("replicate", "samples", "size", "time").values.ravel(), values.ravel()
    )


def test_what_was_not_measured_is_said_or_left_out():
    risks = {"test_loss": np.ones((4, 5)), "train_loss_constant": np.ones((4, 1))}
    curve = benign.Surface.from_arrays(risks, size=SIZES, samples=10).curve("test_loss")
    assert curve.threshold is None
    assert curve.predicted_peak is None
    assert not curve.display().regimes
    alone = benign.Surface.from_arrays({"train_loss": np.ones(5)}, size=SIZES, samples=10)
    with pytest.raises(InvalidArgument, match="lacks train_loss_constant"):
        alone.smallest_size()


def test_errors_need_no_losses():
    errors = np.tile([0.5, 0.2, 0.0, 0.0, 0.0], (4, 1))
    made = benign.Surface.from_arrays({"train_error": errors}, size=SIZES, samples=10)
    assert made.smallest_size(criterion="error").value == 4.0


def test_one_replicate_of_one_metric_stands_beside_several_of_another():
    made = benign.Surface.from_arrays({"train_loss": np.zeros(5), "test_loss": np.ones((3, 5))}, size=SIZES, samples=10)
    assert made.dataset["train_loss"].shape == made.dataset["test_loss"].shape


@pytest.mark.parametrize(
    ("metrics", "axes", "words"),
    [
        ({"loss": [1.0]}, {"size": 1, "samples": 10}, "metric 'loss'"),
        ({}, {"size": 1, "samples": 10}, "at least one array"),
        ({"test_loss": np.ones((3, 4))}, {"size": SIZES, "samples": 10}, r"shape \(3, 4\), which does not fit"),
        ({"test_loss": np.ones(5)}, {"size": [3, 2, 1], "samples": 10}, r"`size` must be one number or .*\[3, 2, 1\]"),
        ({"test_loss": np.ones(5)}, {"size": [1, 2, np.inf], "samples": 10}, "`size` must be one number or several"),
        ({"test_loss": np.ones(3)}, {"size": ["a", "b", "c"], "samples": 10}, "`size` must be numbers, got 'a'"),
        ({"test_loss": 1.0}, {"size": 1, "samples": 0}, "`samples` must be one whole number of at least 1"),
        ({"test_loss": 1.0}, {"size": 1, "samples": 2.5}, "`samples` must be one whole number of at least 1"),
        ({"test_loss": "low"}, {"size": 1, "samples": 10}, "`metrics` must be numbers, got 'low'"),
        ({"test_loss": [[1.0], []]}, {"size": 1, "samples": 10}, "`metrics` must have rows of equal length"),
        ({"test_loss": np.ones(5), "parameters": [1, 2]}, {"size": SIZES, "samples": 10}, "for each of 5 sizes, got 2"),
        ({"test_loss": 1.0}, {"size": 1, "samples": 10, "objective": "mse"}, "unknown objective 'mse'"),
        ({"test_loss": 1.0}, {"size": 1, "samples": 10, "title": "a\0"}, "`title` must be text that a file can hold"),
        ({"test_loss": np.ones((2, 5)), "train_loss": np.ones((3, 5))}, {"size": SIZES, "samples": 10}, "replicates"),
    ],
)
def test_what_does_not_fit_is_refused(metrics, axes, words):
    with pytest.raises((InvalidArgument, UnknownName), match=words):
        benign.Surface.from_arrays(metrics, **axes)
