"""Norms over width: verdicts on planted surfaces."""

import numpy as np
import pytest
import xarray as xr

from benign.curves import Verdict
from benign.figures import find_figure
from benign.figures.jiang2020_norms import MEASURES, correlations, fitted_widths
from benign.plots import save
from benign.schema import DIMENSIONS

FIGURE = find_figure("jiang2020_norms")
WIDTHS = np.array([8, 16, 32, 64, 128, 256])


def surface_of(path, *, replicates=8, noise=1e-3, fits_from=32):
    """The test error falls as 1 / log2(width) past the width that fits; ``path`` gives the path norm of a width."""
    random = np.random.default_rng(0)
    shape = (len(WIDTHS), 1, 1, replicates)
    width = WIDTHS[:, None, None, None].astype(float)
    values = {
        "train_error": np.where(width >= fits_from, 0.0, 0.3), "test_error": 1.0 / np.log2(width),
        "train_loss": np.ones_like(width), "path_norm": path(width), "norm": np.ones_like(width),
        "spectral_norm_product": width, "distance_from_start": 1.0 / width, "normalised_margin": width,
    }  # fmt: skip
    tables = {
        name: (DIMENSIONS, np.broadcast_to(value, shape) * np.exp(noise * random.standard_normal(shape)))
        for name, value in values.items()
    }
    return {
        "widths": xr.Dataset(
            tables | {"outcome": (DIMENSIONS, np.zeros(shape, dtype=np.int8))},
            coords={"size": WIDTHS, "time": [np.inf], "samples": [100], "replicate": np.arange(replicates)},
            attrs={"title": "planted", "size_name": "hidden units", "time_name": "time", "seed": 0},
        )
    }  # fmt: skip


def verdicts(surfaces):
    return {finding.name: finding.verdict for finding in FIGURE.findings(surfaces)}


def test_a_measure_that_falls_with_the_error_tracks_it_and_one_that_rises_fails():
    found = verdicts(surface_of(lambda width: 1.0 / width))
    assert found["second_descent"] is Verdict.HOLDS
    assert found["path_norm"] is Verdict.HOLDS
    assert found["distance_from_start"] is Verdict.HOLDS
    assert found["normalised_margin"] is Verdict.HOLDS  # a larger margin is better
    assert found["spectral_norm_product"] is Verdict.FAILS
    assert found["norm"] is Verdict.UNDECIDED
    assert verdicts(surface_of(lambda width: width))["path_norm"] is Verdict.FAILS


def test_the_words_of_the_test_say_what_was_correlated():
    findings = {finding.name: finding for finding in FIGURE.findings(surface_of(lambda width: 1.0 / width))}
    assert findings["path_norm"].test.startswith("Spearman correlation over widths, median by the sign test")


def test_only_widths_that_fit_count():
    """Below the threshold the norm moves the other way, which must not matter."""
    surfaces = surface_of(lambda width: np.where(width < 32, width, 100.0 / width))
    np.testing.assert_array_equal(fitted_widths(surfaces["widths"]), WIDTHS >= 32)
    np.testing.assert_allclose(correlations(surfaces["widths"], "path_norm"), 1.0)


@pytest.mark.parametrize("fits_from", [128, 1000])
def test_fewer_than_three_widths_that_fit_decide_nothing(fits_from):
    found = verdicts(surface_of(lambda width: 1.0 / width, fits_from=fits_from))
    assert {found[name] for name in MEASURES} == {Verdict.UNDECIDED}


def test_the_story_is_told_and_drawn(tmp_path):
    surfaces = surface_of(lambda width: 1.0 / width)
    findings = FIGURE.findings(surfaces)
    (picture,) = FIGURE.pictures(surfaces)
    assert set(picture.claims) == {finding.name for finding in findings}
    assert save(picture.display, tmp_path / "norms")
    assert "path norm" in FIGURE.headline(surfaces, findings)
    assert "100 samples" in FIGURE.lede(surfaces)
