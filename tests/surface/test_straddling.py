"""Whether a grid reaches across the interpolation threshold, and what is said where it does not."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import benign
from benign.curves.fitting_threshold import ThresholdOutcome
from benign.schema import SIZE_SEARCH
from benign.surface.straddling import straddles, straddling_notes

DIGITS = benign.sources.digits(test_samples=100)


def made(risks, *, sizes=(8, 64), times=(np.inf,), samples=(4000,), constant=2.0, levels=None, **attributes):
    """A surface of the relative training risks, (label noise), size x time x samples x replicate."""
    risks = np.array(risks, dtype=float).reshape(
        *(() if levels is None else (len(levels),)), len(sizes), len(times), len(samples), -1
    )
    axes = (*(() if levels is None else ("label_noise",)), "size", "time", "samples", "replicate")
    constants = np.full((*(() if levels is None else (len(levels),)), len(samples), risks.shape[-1]), constant)
    data = {
        "train_loss": (axes, constant * risks),
        "train_loss_constant": (tuple(axis for axis in axes if axis not in ("size", "time")), constants),
    }
    coordinates = {"size": list(sizes), "time": list(times), "samples": list(samples)}
    if levels is not None:
        coordinates["label_noise"] = list(levels)
    return xr.Dataset(data, coords=coordinates, attrs={"size_name": "features"} | attributes)


@pytest.mark.parametrize(
    ("risks", "outcome", "risk", "size"),
    [
        pytest.param([0.9, 0.01], ThresholdOutcome.FOUND, 0.9, 8, id="across"),
        pytest.param([0.9, 0.02], ThresholdOutcome.FOUND, 0.9, 8, id="fitted-at-the-tolerance"),
        pytest.param([0.9, 0.31], ThresholdOutcome.NONE_FITTED, 0.31, 64, id="none-fits"),
        pytest.param([0.015, 0.0], ThresholdOutcome.ALL_FITTED, 0.015, 8, id="all-fit"),
        pytest.param([np.nan, 0.31], ThresholdOutcome.NONE_FITTED, 0.31, 64, id="a-size-without-a-number"),
    ],
)
def test_where_the_threshold_is(risks, outcome: ThresholdOutcome, risk: float, size: int) -> None:
    (found,) = straddles(made(risks))
    assert (found.samples, found.outcome, found.size) == (4000, outcome, size)
    assert found.risk == pytest.approx(risk)


def test_the_mean_over_replicates_decides_and_draws_without_a_number_do_not() -> None:
    """0, 0 and 0.09 have a mean above 0.02, and a median below; without the draw that gave no number, too."""
    (found,) = straddles(made([[0.5] * 4, [0.0, 0.0, 0.09, np.nan]]))
    assert found.outcome is ThresholdOutcome.NONE_FITTED
    assert found.risk == pytest.approx(0.03)


def test_a_draw_of_one_class_is_measured_by_the_constants_of_the_others() -> None:
    surface = made([[0.5, 0.5], [0.0, 0.0]])
    surface["train_loss_constant"][0, 0] = 0.0
    (found,) = straddles(surface)
    assert found.outcome is ThresholdOutcome.FOUND
    assert found.risk == pytest.approx(0.5)


def test_an_n_of_which_nothing_has_a_number_is_left_out() -> None:
    assert [one.samples for one in straddles(made([[0.5, np.nan], [0.3, np.nan]], samples=(10, 20)))] == [10]


def test_what_is_fitted_in_time_is_fitted() -> None:
    found = straddles(made([[0.9, 0.3], [0.9, 0.01]], times=(1.0, 50.0)))
    assert [one.outcome for one in found] == [ThresholdOutcome.FOUND]


@pytest.mark.parametrize(
    ("surface", "notes"),
    [
        pytest.param(
            made([0.9, 0.31]),
            [
                (
                    "No measured size fits n = 4,000 (smallest training objective 0.31 of the "
                    "constant predictor's at 64 "
                    'features): the peak lies beyond; measure sizes above 64, or sizes="auto".'
                ),
            ],
            id="beyond",
        ),
        pytest.param(
            made([0.003, 0.0]),
            [
                (
                    "Every measured size fits n = 4,000 (largest training objective 0.003 of the "
                    "constant predictor's at 8 "
                    'features): the peak lies before; measure sizes below 8, or sizes="auto".'
                ),
            ],
            id="before",
        ),
        pytest.param(made([0.9, 0.01]), [], id="across"),
        pytest.param(made([0.9], sizes=(8,)), [], id="no-curve"),
        pytest.param(
            made([[0.0, 0.9], [0.0, 0.5]], sizes=(8,), times=(1.0, 2.0), samples=(10, 90)), [], id="along-samples"
        ),
        pytest.param(
            made([[0.0, 0.9, 0.8], [0.0, 0.4, 0.3]], samples=(10, 80, 90)),
            [
                (
                    "Every measured size fits n = 10 (largest training objective 0 of the constant predictor's at 8 "
                    'features): the peak lies before; measure sizes below 8, or sizes="auto".'
                ),
                (
                    "No measured size fits n = 80 and 90 (smallest training objective of n = 90 0.3 of the constant "
                    'predictor\'s at 64 features): the peak lies beyond; measure sizes above 64, or sizes="auto".'
                ),
            ],
            id="both",
        ),
        pytest.param(
            made([[0.9, 0.01], [0.9, 0.4]], levels=(0.0, 0.2)),
            [
                (
                    "No measured size fits n = 4,000 at label noise 0.2 (smallest training "
                    "objective 0.4 of the constant "
                    'predictor\'s at 64 features): the peak lies beyond; measure sizes above 64, or sizes="auto".'
                ),
            ],
            id="one-level",
        ),
        pytest.param(
            made([[0.9, 0.8], [0.5, 0.4]], times=(1.0, 5.0)),
            [
                (
                    "No measured size fits n = 4,000 at any recorded time (smallest training "
                    "objective 0.4 of the constant "
                    "predictor's at 64 features): the peak lies beyond; measure sizes above 64 or later times, or "
                    'sizes="auto".'
                ),
            ],
            id="times",
        ),
        pytest.param(
            made([0.9, 0.31], **{SIZE_SEARCH: "nothing"}),
            [
                (
                    "No measured size fits n = 4,000 (smallest training objective 0.31 of the "
                    "constant predictor's at 64 "
                    'features): the peak lies beyond; sizes="auto" looked no further than 64: train '
                    "longer, or give larger "
                    "sizes."
                ),
            ],
            id="a-search-that-found-none",
        ),
        pytest.param(
            made([0.31, 0.9], sizes=(1, 8), size_name="n_neighbors", size_is_inverse=1),
            [
                (
                    "No measured size fits n = 4,000 (smallest training objective 0.31 of the constant predictor's "
                    "at n_neighbors = 1): the peak lies beyond, if there is one; "
                    "no value is below 1: measure fewer samples."
                ),
            ],
            id="an-inverse-at-its-end",
        ),
    ],
)
def test_sentences(surface: xr.Dataset, notes: list[str]) -> None:
    assert list(straddling_notes(surface)) == notes


def test_a_surface_says_what_it_misses() -> None:
    short = benign.measure(
        benign.RandomFourier(), DIGITS, samples=[20, 60], sizes=[5, 10, 30], replicates=2, executor="here"
    )
    (note,) = short.notes
    assert note.startswith("No measured size fits n = 60 (smallest training objective 0.")
    assert "measure sizes above 30" in note
    across = benign.measure(benign.RandomFourier(), DIGITS, samples=[20], sizes=[5, 30], replicates=2, executor="here")
    assert across.notes == ()
