"""Nakkiran, Kaplun, Bansal, Yang, Barak, Sutskever 2020 (ICLR), Definition 1 and Hypothesis 1: one cause, three peaks.

Paper: the effective model complexity EMC(T) is the largest n that a training procedure T fits, on average over training
sets, to a training error eps. Hypothesis 1: where EMC is much below or above n, whatever raises EMC lowers the test
error; where EMC is about n, it may raise it. So the peaks over size, over training time and over samples are one. The
paper takes eps = 0.1 "heuristically" and the zero-one error: ResNet18 with 15 % label noise peaks at width 10, where
the training error first is below 0.1 (0.083; 0.121 at width 9; Fig. 1). N random Fourier features have EMC = N (Figs 14
and 15). EMC grows with training time and falls with label noise and regularisation.

Ours: in each slice the position of the test peak stands against the position at which EMC = n, which is read from
training risks alone. Linear models on the digits with 10 % label noise (random Fourier features) and on 10 coefficients
of a polynomial: "fitted" is 0.002 of the best constant's loss. Networks with squared loss, one hidden layer, on the
digits: 0.02 of it, as everywhere here; and the zero-one error beside it, which reads too high. Networks with
cross-entropy on MNIST-1D over epochs: the paper's zero-one error 0.1. Labels are flipped in 10 % (features, widths),
20 % (samples), 30 % (epochs) of the training set, and in none of it for comparison.

Bands (a factor 1.5, and 1.1 for the features), tolerances, the two sizes of the training set that are compared (the
middle of the grid and twice that) and the early time (a quarter of the training) were fixed beforehand; settings come
from pilots on other seeds. The networks over epochs are the large ones of nakkiran2020_epochwise and those over samples
have the draws of nakkiran2020_samplewise, which tests other claims on them. That N features fit N samples and d + 1
coefficients d + 1 is a theorem, which the tests check; what is found here is where the test loss peaks.

From the first n to the second the threshold of the features moves by their ratio, by that theorem. The peak is to move
right with it: by more than nothing, and by a factor within 1.25 of the threshold's, which is about what steps of 6 %
can resolve, since every place lies in a gap between two measured sizes. Both are paired over replicates and were fixed
before they were judged.

Revision 2, after the first run: the intervals of EMC and of thresholds hold the gap between the measured positions,
within which a crossing is only interpolated. Steps of 12 % cannot resolve the band of 1.1 then, so the features are
measured in steps of 6 %; claims and bands are as they were. Since the peak's interval holds its gaps too, these steps
no longer resolve that band either, and the claims on features stay undecided; ``paper`` has steps of 4.4 %.

Runtime on two cores, as planned: smoke less than ten seconds, quick about two minutes, mostly compiling a program for
each n; standard (twice the replicates) about ten; paper is for one GPU.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from benign.curves import Finding, interval_claim
from benign.curves.claims import RELEVANT_FACTOR_OF_ERRORS, peak_position_claim
from benign.curves.fitting_threshold import Criterion, ThresholdOutcome
from benign.figures.complexity_places import (
    NOWHERE,
    Place,
    Slice,
    fitted_samples,
    fitted_size,
    fitted_time,
    landmarks_of,
    over_samples,
    over_sizes,
    place_of,
)
from benign.figures.figure import Figure, Judged, Picture, Surfaces
from benign.figures.measurement import Measurement
from benign.figures.nakkiran2020_epochwise import large_networks
from benign.figures.network_drawing import Line, curve_of, diverged_words, level
from benign.figures.two_sample_sizes import (
    ABOVE_ONE,
    LINEAR_TOLERANCE,
    middle,
    movement_findings,
    two_size_findings,
    two_sizes,
    two_sizes_picture,
)
from benign.foundation.conventions import REGIME_BAND as BAND
from benign.foundation.conventions import TOLERANCE
from benign.foundation.number_words import format_number as number
from benign.networks.training import Training
from benign.plots import (
    CurveDisplay,
    HeatMapDisplay,
    Mark,
    Role,
    Series,
    StackedDisplay,
    Threshold,
    Trace,
    series_from_replicates,
    spread_sentence,
)
from benign.procedures import MLP, Polynomial, RandomFourier
from benign.sources import digits, mml
from benign.surface.complexity import OUTCOMES, emc_on_surface
from benign.surface.displays import landmark_marks, size_label
from benign.surface.sections import (
    along_time,
    at,
    at_end,
    median_of,
    over_size_and_samples,
    sample_counts_of,
    samples_of,
    sizes_of,
    times_of,
)
from benign.surface.training_risks import training_risks


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What one scale measures; committed before its first run.

    Attributes:
        grid: numbers of samples of the features: the first, how many a doubling, and how many doublings. Their sizes
            run from half the first to eight times the last.
        linear_replicates: of the features.
        polynomial_samples: n of the polynomials.
        polynomial_replicates: of these, whose losses have heavy tails.
        fixed_samples: n of the networks over widths.
        widths: of these.
        samples: n of the networks of one width.
        clean_samples: the same without label noise; some of ``samples``.
        width: that one width.
        steps: of each training.
        times: at which the networks over samples are recorded besides the end.
        replicates: of the networks.
    """

    grid: tuple[int, int, int]
    linear_replicates: int
    polynomial_samples: tuple[int, ...]
    polynomial_replicates: int
    fixed_samples: int
    widths: tuple[int, ...]
    samples: tuple[int, ...]
    clean_samples: tuple[int, ...]
    width: int
    steps: int
    times: tuple[int, ...]
    replicates: int


_QUICK = Settings(
    grid=(25, 12, 3), linear_replicates=10, polynomial_samples=tuple(range(4, 21)), polynomial_replicates=100,
    fixed_samples=300,
    widths=(4, 8, 12, 16, 20, 24, 32, 40, 48, 56, 64, 96, 128, 256),
    samples=(25, 35, 50, 65, 80, 95, 110, 130, 160, 200, 280, 400, 560, 800),
    clean_samples=(25, 50, 80, 130, 200, 280, 400, 560, 800), width=16, steps=6000,
    times=(200, 400, 800, 1600, 3200), replicates=10,
)  # fmt: skip
SETTINGS = {
    "smoke": Settings(
        grid=(8, 1, 2), linear_replicates=4, polynomial_samples=(5, 10, 20), polynomial_replicates=8, fixed_samples=50,
        widths=(5, 8), samples=(25, 50), clean_samples=(25, 50), width=8, steps=40, times=(10, 20), replicates=4,
    ),
    "quick": _QUICK,
    "standard": replace(_QUICK, linear_replicates=20, polynomial_replicates=200, replicates=20),
    "paper": replace(
        _QUICK, grid=(50, 16, 4), linear_replicates=50, polynomial_replicates=2000, steps=24_000,
        widths=(*_QUICK.widths, 512, 1024), samples=(*_QUICK.samples, 1200),
        clean_samples=(*_QUICK.clean_samples, 1200), times=(*_QUICK.times, 6400, 12_800), replicates=30,
    ),
}  # fmt: skip
COEFFICIENTS = 10
LINEAR_NOISE, WIDTH_NOISE, SAMPLE_NOISE = 0.1, 0.1, 0.2
EPS = 0.1  # the paper's, zero-one
RIDGE_SHARE = 5e-3  # of the middle n: some of N features are then held back, and not yet all
SHOWN = 30.0  # times the lowest loss: the crest is far higher, and would leave the rest of the surface dark
LINEAR_BAND = 1.1  # of the features, beside the band of regimes
TOO_HIGH = 1.1
RIDGE_LOWERS = 0.9
EARLY = 0.25  # of the training


def _declared(scale: str) -> Iterator[tuple[str, Measurement]]:
    """Linear: ``features``, ``ridge`` (the middle size alone), ``polynomial``; networks: ``widths``, ``samples``,
    ``clean`` (correct labels), ``epochs``.
    """
    at = SETTINGS[scale]
    n, sizes = feature_grid(at.grid)
    features = Measurement(
        procedure=RandomFourier(), source=digits(label_noise=LINEAR_NOISE), part="features", samples=n, sizes=sizes,
        replicates=at.linear_replicates, is_population=False,
    )  # fmt: skip
    yield "features", features
    ridge = RandomFourier(ridge=RIDGE_SHARE * middle(n))
    yield "ridge", replace(features, procedure=ridge, part="ridge", sizes=[middle(n)])
    yield "polynomial", Measurement(
        procedure=Polynomial(), source=mml(), part="polynomials", samples=at.polynomial_samples, sizes=[COEFFICIENTS],
        replicates=at.polynomial_replicates, is_population=False,
    )  # fmt: skip
    training = Training(loss="squared", learning_rate=3e-3, schedule="cosine", batch_size=25, steps=at.steps)
    widths = Measurement(
        procedure=MLP(depth=1, training=training), source=digits(label_noise=WIDTH_NOISE), part="over widths",
        samples=[at.fixed_samples], sizes=at.widths, replicates=at.replicates,
    )  # fmt: skip
    yield "widths", widths
    noisy = replace(
        widths, source=digits(label_noise=SAMPLE_NOISE), part="over samples", samples=at.samples, sizes=[at.width],
        times=(*at.times, at.steps),
    )  # fmt: skip
    yield "samples", noisy
    clean = replace(noisy, source=digits(label_noise=0.0), samples=at.clean_samples)
    yield "clean", replace(clean, part="over samples, correct labels")
    yield "epochs", replace(large_networks(scale), part="over epochs")


def feature_grid(grid: tuple[int, int, int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Numbers of samples, and of features.

    >>> feature_grid((8, 1, 2))
    ((8, 16, 32), (4, 8, 16, 32, 64, 128, 256))
    """
    first, each, doublings = grid
    steps = np.arange(-each, (doublings + 3) * each + 1)
    sizes = tuple(np.unique(np.round(first * 2.0 ** (steps / each)).astype(int)).tolist())
    return tuple(size for size in sizes if first <= size <= first * 2**doublings), sizes


def slices(surfaces: Surfaces) -> tuple[Slice, ...]:
    """Every slice with a peak that Hypothesis 1 explains: over size, samples and time."""
    return (*_linear_slices(surfaces), *_network_slices(surfaces))


def _linear_slices(surfaces: Surfaces) -> Iterator[Slice]:
    features, polynomial = surfaces["features"], surfaces["polynomial"]
    n, more = two_sizes(features)
    level = FIGURE.level_of("features_over_size")
    paper = "N random Fourier features have EMC = N, and the peak is at N = n (Nakkiran et al. 2020, Figs 14 and 15)"
    yield Slice(
        name="features_over_size", words="features", axis="features", band=LINEAR_BAND, paper=paper,
        claim=f"Over the number of features the test loss on {more} samples",
        landmarks=over_sizes(at(features, samples=more), level),
        expected=fitted_size(features, more, tolerance=LINEAR_TOLERANCE, level=level),
    )  # fmt: skip
    yield Slice(
        name="features_over_samples", words="features: samples", axis="samples", band=LINEAR_BAND, paper=paper,
        claim=f"Over samples the test loss of {n} features", landmarks=over_samples(at(features, size=n)),
        expected=fitted_samples(features, tolerance=LINEAR_TOLERANCE, size=n),
    )  # fmt: skip
    yield Slice(
        name="polynomial_over_samples", words="polynomial: samples", axis="samples",
        claim=f"Over samples the test loss of a polynomial of {COEFFICIENTS} coefficients",
        landmarks=over_samples(polynomial), expected=fitted_samples(polynomial, tolerance=LINEAR_TOLERANCE),
    )  # fmt: skip


def _network_slices(surfaces: Surfaces) -> Iterator[Slice]:
    widths, samples, epochs = (surfaces[name] for name in ("widths", "samples", "epochs"))
    n, width = samples_of(widths), int(sizes_of(samples)[0])
    level = FIGURE.level_of("networks_over_width")  # all three are primary
    yield Slice(
        name="networks_over_width", words="network: units", axis="hidden units",
        claim=f"Over width the test loss of networks on {n} samples", landmarks=over_sizes(widths, level),
        expected=fitted_size(widths, n, tolerance=TOLERANCE, level=level),
        paper="peak at width 10, the first with a training error below 0.1 (Nakkiran et al. 2020, Fig. 1)",
    )  # fmt: skip
    yield Slice(
        name="networks_over_samples", words="network: samples", axis="samples",
        claim=f"Over samples the test loss of networks of {width} units", landmarks=over_samples(samples, level),
        expected=fitted_samples(samples, tolerance=TOLERANCE, level=level),
    )  # fmt: skip
    wide = int(sizes_of(epochs)[0])
    yield Slice(
        name="networks_over_time", words="network: epochs", axis="epochs", factor=RELEVANT_FACTOR_OF_ERRORS,
        claim=f"Over epochs the test error of networks of {wide} units on {samples_of(epochs):,} samples",
        landmarks=landmarks_of(times_of(epochs), along_time(epochs, "test_error", wide), epochs, level),
        expected=fitted_time(epochs, tolerance=EPS, criterion="error", level=level),
        paper="over epochs the test error peaks when EMC(T) is about n (Nakkiran et al. 2020, section 6)",
    )  # fmt: skip


# Findings ------------------------------------------------------------------------------------------------------------


def _findings(surfaces: Surfaces) -> tuple[Finding, ...]:
    return (
        *(_peak_claim(one) for one in slices(surfaces)),
        *_criterion_findings(surfaces),
        *_change_findings(surfaces),
        *two_size_findings(surfaces["features"]),
        *movement_findings(surfaces["features"]),
    )


def _peak_claim(one: Slice) -> Finding:
    """That there is a peak, where EMC = n; the intervals of both places enter, the wide way round."""
    landmarks, peak = one.landmarks, one.landmarks.peak
    if peak is not None:
        found = place_of(peak).over(one.expected)
        moved = replace(peak, position=found.value, position_interval=(found.low, found.high))
        landmarks = replace(landmarks, peak=moved)
    return peak_position_claim(
        name=one.name, claim=f"{one.claim} peaks where the effective complexity is n, within a factor {one.band:g}",
        landmarks=landmarks, scale=1.0, allowed=((1 - 1e-9) / one.band, (1 + 1e-9) * one.band), paper=one.paper,
        scale_word=f"{one.axis} where EMC = n", factor=one.factor, level=FIGURE.level_of(one.name),
    )  # fmt: skip


def _ratio_claim(
    name: str, claim: str, ratio: Place, allowed: tuple[float, float], *, unit: str, replicates: int, paper: str
) -> Finding:
    return interval_claim(
        name=name, claim=claim, estimate=ratio.value, interval=(ratio.low, ratio.high), allowed=allowed, unit=unit,
        test=f"intervals of level {FIGURE.level_of(name):.3g} over draws of both, the wide way round, inside "
        f"{allowed[0]:.3g} to {allowed[1]:.3g}", replicates=replicates, paper=paper, level=FIGURE.level_of(name),
        is_place=True,
    )  # fmt: skip


def _criterion_findings(surfaces: Surfaces) -> Iterator[Finding]:
    """For squared loss the zero-one error takes a training set for fitted that the training has not fitted yet."""
    samples, widths = surfaces["samples"], surfaces["widths"]
    paper = "the paper takes the zero-one error, and cross-entropy (Nakkiran et al. 2020, Definition 1)"
    error, objective = (fitted_samples(samples, tolerance=TOLERANCE, criterion=kind) for kind in ("error", "objective"))
    yield _ratio_claim(
        "error_reads_too_high",
        f"For squared loss the zero-one error gives more than {TOO_HIGH:g} times the complexity that the loss gives",
        error.over(objective), (TOO_HIGH, math.inf), unit="EMC by error / EMC by loss",
        replicates=samples.sizes["replicate"], paper=paper,
    )  # fmt: skip
    fitted, peak = fitted_size(widths, samples_of(widths), tolerance=TOLERANCE, criterion="error"), NOWHERE
    landmark = over_sizes(widths).peak
    if landmark is not None:
        peak = place_of(landmark)
    yield _ratio_claim(
        "error_does_not_mark_the_peak",
        f"For squared loss the zero-one training error is {TOLERANCE:g} at less than 1/{BAND:g} of the peak's width",
        fitted.over(peak), (0.0, 1.0 / BAND), unit="width fitted by error / width of the peak",
        replicates=widths.sizes["replicate"], paper=paper,
    )  # fmt: skip


def early_time(surface: xr.Dataset) -> float:
    """The recorded time nearest to a quarter of the training."""
    times = times_of(surface)
    return float(times[np.abs(times - EARLY * times[-1]).argmin()])


def _change_findings(surfaces: Surfaces) -> Iterator[Finding]:
    """What raises the complexity of a procedure, and what lowers it."""
    samples, clean, features, ridge = (surfaces[name] for name in ("samples", "clean", "features", "ridge"))
    early, end, trained = early_time(samples), float(times_of(samples)[-1]), samples.sizes["replicate"]
    level = FIGURE.level_of("grows_with_time")  # all three are primary
    late, soon = (fitted_samples(samples, tolerance=TOLERANCE, time=time, level=level) for time in (None, early))
    yield _ratio_claim(
        "grows_with_time", f"The effective complexity after {end:,.0f} steps is above that after {early:,.0f}",
        late.over(soon), (ABOVE_ONE, math.inf), unit="EMC late / early", replicates=trained,
        paper="training longer increases EMC (Nakkiran et al. 2020, section 1)",
    )  # fmt: skip
    yield _ratio_claim(
        "falls_with_label_noise",
        f"Flipping {100 * SAMPLE_NOISE:.0f} % of the labels lowers the effective complexity of the same networks",
        late.over(fitted_samples(clean, tolerance=TOLERANCE, level=level)), (0.0, 1.0 / ABOVE_ONE),
        unit="EMC flipped / correct", replicates=trained,
        paper="label noise lowers EMC (Nakkiran et al. 2020, section 5)",
    )  # fmt: skip
    size = int(sizes_of(ridge)[0])
    yield _ratio_claim(
        "falls_with_ridge", f"A ridge of {RIDGE_SHARE * size:.3g} lowers the effective complexity of {size} features "
        f"below {RIDGE_LOWERS:g} of theirs",
        fitted_samples(ridge, tolerance=TOLERANCE, level=level).over(
            fitted_samples(features, tolerance=TOLERANCE, size=size, level=level)
        ),
        (0.0, RIDGE_LOWERS), unit="EMC with ridge / without", replicates=ridge.sizes["replicate"],
        paper="regularisation lowers EMC (Nakkiran et al. 2020, section 1)",
    )  # fmt: skip


# Pictures ------------------------------------------------------------------------------------------------------------


def _pictures(surfaces: Surfaces) -> tuple[Picture, ...]:
    return (
        _places_picture(surfaces),
        _features_picture(surfaces["features"]),
        _criterion_picture(surfaces["widths"], surfaces["samples"]),
        _time_picture(surfaces),
        two_sizes_picture(surfaces["features"]),
    )


def _places_picture(surfaces: Surfaces) -> Picture:
    """Every slice as a point with the intervals of both its places, on the line where they agree."""
    found = slices(surfaces)
    shown = [one for one in found if one.landmarks.peak is not None and 0.0 < one.expected.value < math.inf]
    values = [one.expected.value for one in shown] or [1.0, 10.0]
    line = np.geomspace(min(values) / 2.0, 2.0 * max(values), 50)
    band = Series(
        name="equal", positions=line, median=line, low=line / BAND, high=line * BAND, role=Role.REFERENCE
    )  # fmt: skip
    display = CurveDisplay(
        title="Where the test risk peaks, against where the effective complexity is n", series=(band,),
        marks=tuple(
            Mark(position=one.expected.value, value=one.landmarks.peak.position, label=one.words)
            for one in shown
            if one.landmarks.peak is not None
        ),
        x_label="position at which EMC = n, from training risks alone", y_label="position of the test peak",
        caption=f"Band: within a factor {BAND:g}. Each point is one curve, in units of its own axis; its number is the "
        "position of the peak.", position_name="positions", y_limits=(float(line[0]) / BAND, float(line[-1]) * BAND),
    )  # fmt: skip
    words = "; ".join(_slice_words(one) for one in found)
    return Picture(
        name="peak_and_complexity", heading="Do the peaks over size, samples and time have one cause?", display=display,
        sentence=f"Position of the test peak and of EMC = n, with 95 % intervals: {words}.",
        claims=tuple(one.name for one in found),
    )  # fmt: skip


def _slice_words(one: Slice) -> str:
    peak = one.landmarks.peak
    top = "no confirmed peak" if peak is None else _with_interval(place_of(peak))
    return f"{one.words} {top} against {_with_interval(one.expected)}"


def _with_interval(place: Place) -> str:
    if not 0.0 < place.value < math.inf:
        return "none found"
    low, high = (number(end) if math.isfinite(end) else "open" for end in (place.low, place.high))
    return f"{number(place.value)} ({low} to {high})"


def _features_picture(features: xr.Dataset) -> Picture:
    sizes, n = sizes_of(features), sample_counts_of(features)
    loss = np.apply_along_axis(median_of, 0, over_size_and_samples(features, "test_loss"))
    found, lowest = emc_on_surface(features, tolerance=LINEAR_TOLERANCE), float(np.nanmin(loss))
    value, low, high = (numbers[:, 0].copy() for numbers in (found.value, found.low, found.high))
    is_found = found.outcome[:, 0] == OUTCOMES.index(ThresholdOutcome.FOUND)
    for numbers in (value, low, high):
        numbers[~is_found] = np.nan
    display = HeatMapDisplay(
        title="Test loss of random Fourier features", sizes=sizes, times=n, values=loss, value_label="test loss",
        value_limits=(lowest, SHOWN * lowest),
        traces=(Trace(label="EMC", positions=sizes, values=value, low=low, high=np.minimum(high, n[-1])),),
        x_label=size_label(features), y_label="training samples (samples)", value_log=True,
        caption=f"Colour: median of {features.sizes['replicate']} replicates, the last one for {SHOWN:g} times the "
        f"lowest loss and above; line: effective model complexity (EMC), "
        f"the largest n with a training loss of {LINEAR_TOLERANCE:g} of a constant's, and its 95 % interval.",
    )  # fmt: skip
    few, crest = two_sizes(features)[0], sizes[np.where(np.isnan(loss), 0.0, loss).argmax(axis=0)] / n
    exact, usual = (fitted_samples(features, tolerance=eps, size=few).value for eps in (LINEAR_TOLERANCE, TOLERANCE))
    sentence = (
        f"For each n the median test loss is highest where features / samples is {number(float(crest.min()))} to "
        f"{number(float(crest.max()))}. By a theorem {few} features fit {few} samples and no more; between the "
        f"measured n the surface reads {number(exact)} at the tolerance "
        f"{LINEAR_TOLERANCE:g} and {number(usual)} at {TOLERANCE:g}, which networks need."
    )
    return Picture(
        name="features_over_both", heading="Is the peak a point, or a crest through the whole surface?",
        display=display, sentence=sentence, claims=("features_over_size", "features_over_samples", "falls_with_ridge"),
    )  # fmt: skip


def _criterion_picture(widths: xr.Dataset, samples: xr.Dataset) -> Picture:
    n = samples_of(widths)
    loss, error = (fitted_size(widths, n, tolerance=TOLERANCE, criterion=kind) for kind in ("objective", "error"))
    display = StackedDisplay(
        title=f"Two readings of \"fitted\", networks on {n} samples",
        panels=(_peak_panel(widths, loss), _fit_panel(widths, loss, error)),
    )  # fmt: skip
    high, low = (fitted_samples(samples, tolerance=TOLERANCE, criterion=kind) for kind in ("error", "objective"))
    peak = over_sizes(widths).peak
    top = "has no confirmed peak" if peak is None else f"peaks at {number(peak.position)} units"
    sentence = (
        f"The test loss {top}; the training loss falls to {TOLERANCE:g} of a constant's at {_known(loss)} units, the "
        f"zero-one training error to {TOLERANCE:g} at {_known(error)} units. Read along samples, "
        f"{int(sizes_of(samples)[0])} units fit {_known(low)} samples by the loss and {_known(high)} by the error."
    )
    return Picture(
        name="criterion", heading="Which training risk tells where the peak is?", display=display, sentence=sentence,
        claims=("networks_over_width", "error_reads_too_high", "error_does_not_mark_the_peak"),
    )  # fmt: skip


def _known(place: Place) -> str:
    return number(place.value) if math.isfinite(place.value) else "an unknown number of"


def _peak_panel(widths: xr.Dataset, fitted: Place) -> CurveDisplay:
    display = curve_of(
        [Line(section=at_end(widths), metric="test_loss", name="test")], "size", title="Test loss",
        x_label=size_label(widths), y_label="test loss", y_log=True, threshold=_threshold(fitted, "EMC = n at"),
    )  # fmt: skip
    return replace(display, marks=landmark_marks(over_sizes(widths)))


def _threshold(place: Place, label: str) -> Threshold | None:
    if not 0.0 < place.value < math.inf:
        return None
    low, high = (place.low, place.high) if math.isfinite(place.high) else (place.value, place.value)
    return Threshold(position=place.value, low=low, high=high, label=label)


def _fit_panel(widths: xr.Dataset, loss: Place, error: Place) -> CurveDisplay:
    """Both training risks, in units in which the tolerance is one number, and where each reaches it."""
    sizes = sizes_of(widths)
    kinds: tuple[tuple[str, Criterion, Role], ...] = (
        ("loss", "objective", Role.TRAIN), ("zero-one error", "error", Role.NORM),
    )  # fmt: skip
    lines = tuple(
        series_from_replicates(name, sizes, training_risks(at_end(widths), kind)[:, 0, 0].T, role)
        for name, kind, role in kinds
    )
    return CurveDisplay(
        title="Training risk", series=(*lines, level("tolerance", sizes, TOLERANCE)),
        x_label=size_label(widths), y_label="training risk", y_limits=(TOLERANCE / 20.0, 1.0),
        caption=spread_sentence(widths.sizes["replicate"]), position_name="widths",
        threshold=_threshold(loss, "EMC = n at"),
        marks=tuple(
            Mark(position=place.value, value=TOLERANCE, label=f"{name} from {number(place.value)} units:")
            for name, place in (("error", error), ("loss", loss))
            if 0.0 < place.value < math.inf
        ),
    )  # fmt: skip


def _time_picture(surfaces: Surfaces) -> Picture:
    named = (("correct labels", surfaces["clean"]), (f"{100 * SAMPLE_NOISE:.0f} % flipped", surfaces["samples"]))
    samples, width = surfaces["samples"], int(sizes_of(surfaces["samples"])[0])
    early, end = early_time(samples), float(times_of(samples)[-1])
    display = CurveDisplay(
        title=f"Effective model complexity of {width} units while they train",
        series=tuple(_complexity_series(name, surface, place) for place, (name, surface) in enumerate(named)),
        x_label="gradient steps (time)", y_label="EMC (samples)", position_name="times",
        caption=f"Line: largest n with a mean training loss of {TOLERANCE:g} of a constant's; band: its 95 % interval.",
    )  # fmt: skip
    numbers = [fitted_samples(samples, tolerance=TOLERANCE, time=time) for time in (early, end)]
    clean = fitted_samples(surfaces["clean"], tolerance=TOLERANCE)
    sentence = (
        f"With {100 * SAMPLE_NOISE:.0f} % of the labels flipped the networks fit {_known(numbers[0])} samples after "
        f"{early:,.0f} steps and {_known(numbers[1])} after {end:,.0f}; with correct labels they then fit "
        f"{_known(clean)}."
    )
    return Picture(
        name="complexity_over_time", heading="What can a network fit, and when?", display=display, sentence=sentence,
        claims=("networks_over_samples", "networks_over_time", "grows_with_time", "falls_with_label_noise"),
    )  # fmt: skip


def _complexity_series(name: str, surface: xr.Dataset, condition: int) -> Series:
    """A gap where not even the smallest n is fitted; a band that nothing bounds ends at the largest n."""
    found, last = emc_on_surface(surface, tolerance=TOLERANCE), float(sample_counts_of(surface)[-1])
    value = np.where(found.value[0] > 0.0, found.value[0], np.nan)
    low, high = np.minimum(found.low[0], value), np.maximum(np.minimum(found.high[0], last), value)
    return Series(name=name, positions=found.times, median=value, low=low, high=high, condition=condition)


# Words ---------------------------------------------------------------------------------------------------------------

_PEAKS = {
    "size": ("features_over_size", "networks_over_width"),
    "samples": ("features_over_samples", "polynomial_over_samples", "networks_over_samples"),
    "time": ("networks_over_time",),
}


def _answer(judged: Judged) -> str:
    axes = [axis for axis, names in _PEAKS.items() if judged.holds(*names)]
    if len(axes) == len(_PEAKS):
        return "Over size, samples and time the peak lies where the effective complexity reaches the number of samples."
    if axes:
        return (
            f"Over {' and '.join(axes)} the peak lies where the complexity is n; elsewhere that was not confirmed."
        )  # fmt: skip
    return "That the peaks lie where the effective complexity is n was not confirmed in this measurement."


def _lede(surfaces: Surfaces) -> str:
    samples, clean = surfaces["samples"], surfaces["clean"]
    found, clean_found = (_known(fitted_samples(surface, tolerance=TOLERANCE)) for surface in (samples, clean))
    networks = [surfaces[name] for name in ("widths", "samples", "clean", "epochs")]
    return (
        f"The effective model complexity is the largest training set that a procedure fits. Random features, "
        f"polynomials and networks, {len(slices(surfaces))} slices of their surfaces: over size, samples and training "
        f"time. {int(sizes_of(samples)[0])} hidden units fit {clean_found} digits with correct labels and {found} with "
        f"{100 * SAMPLE_NOISE:.0f} % of them flipped.{diverged_words(networks)}"
    )


FIGURE = Figure(
    name="nakkiran2020_complexity",
    title="One cause of three peaks: the effective model complexity",
    paper="Nakkiran, Kaplun, Bansal, Yang, Barak, Sutskever 2020",
    number="Definition 1 and Hypothesis 1",
    revision=2,
    primary_claims=(
        "networks_over_width",
        "networks_over_samples",
        "networks_over_time",
        "features_over_size",
        "grows_with_time",
        "falls_with_label_noise",
        "falls_with_ridge",
    ),
    declared=_declared,
    findings=_findings,
    pictures=_pictures,
    answer=_answer,
    lede=_lede,
)
