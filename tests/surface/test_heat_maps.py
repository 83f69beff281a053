"""A surface's picture over size and time: its numbers, its line, what it refuses."""

import numpy as np
import pytest

import benign
from benign.foundation.errors import InvalidArgument

SIZES, TIMES, REPLICATES = (2, 4, 8, 16), (1.0, 10.0, 100.0), 5


def surface_of(replicates=REPLICATES, samples=(50, 80), times=TIMES, sizes=SIZES):
    """Fitted where size x time is 100 or more, and risks that say where they are."""
    grid = np.array(sizes)[:, None] * np.array(times)[None, :]
    shape = (replicates, len(samples), *grid.shape)
    train = np.broadcast_to(np.where(grid >= 100, 0.001, 0.5), shape)
    test = 0.01 * np.arange(1, np.prod(shape) + 1).reshape(shape)
    constant = np.ones((replicates, len(samples)))
    return benign.Surface.from_arrays(
        {"train_loss": train, "test_loss": test, "train_loss_constant": constant},
        size=np.array(sizes),
        samples=np.array(samples),
        time=np.array(times),
        title="made up",
    )


def test_colours_are_medians_over_replicates():
    surface = surface_of()
    display = surface.heat_map("test_loss", samples=80)
    wanted = np.median(surface.dataset["test_loss"].sel(samples=80).transpose("replicate", "size", "time"), axis=0)
    np.testing.assert_allclose(display.values, wanted)
    assert (display.title, display.y_label) == ("Test loss over units and time", "epochs (time)")
    assert "median of 5 replicates" in display.caption


def test_the_line_is_where_the_training_set_is_fitted():
    (line,) = surface_of().heat_map("test_loss", samples=50).contours
    first = line.first_times(np.array(TIMES))
    assert np.all((first > [10.0, 10.0, 10.0, 1.0]) & (first <= [100.0, 100.0, 100.0, 10.0]))


def test_the_critical_regime_is_that_of_the_surface():
    surface = surface_of()
    region = surface.heat_map("test_loss", samples=50).region
    assert region is not None
    np.testing.assert_array_equal(region.values, surface.regimes(basis="size / threshold size").ratio[:, :, 0])
    assert surface_of(replicates=3).heat_map("test_loss", samples=50).region is None  # three draws decide nothing


def test_a_training_that_diverged_leaves_the_others():
    surface = surface_of()
    dataset = surface.dataset.copy(deep=True)
    dataset["test_loss"][{"replicate": 0, "size": 1, "time": 2}] = np.nan
    assert np.isfinite(benign.Surface(dataset).heat_map("test_loss", samples=50).values).all()


@pytest.mark.parametrize(
    ("grid", "arguments", "words"),
    [
        ({"sizes": (2,)}, {"samples": 50}, r"`surface` must hold several sizes, .* `sizes=\[...\]`"),
        ({"times": (1.0,)}, {"samples": 50}, "must hold several times"),
        ({}, {}, "`samples` has 2 values; say which"),
        ({}, {"samples": 60}, "nearest is 50"),
        ({}, {"samples": 50, "time": 1.0}, "`time` must be left out"),
    ],
    ids=["one size", "one time", "several n", "another n", "a time"],
)
def test_what_is_no_picture_is_said(grid, arguments, words):
    with pytest.raises(InvalidArgument, match=words):
        surface_of(**grid).heat_map("test_loss", **arguments)


def test_an_unknown_metric_is_named():
    with pytest.raises(InvalidArgument, match="test_los"):
        surface_of().heat_map("test_los", samples=50)
