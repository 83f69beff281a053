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
from functools import partial

import numpy as np
import xarray as xr

from benign.curves.claims import RELEVANT_FACTOR_OF_ERRORS
from benign.curves.fitting_threshold import ThresholdOutcome
from benign.experiments.declaration import Experiment
from benign.figures import nakkiran2020_epochwise as epochs
from benign.figures.claims import Claim, primary, secondary
from benign.figures.complexity_slices import Reading, Slice
from benign.figures.courses import over_samples, over_sizes, over_times
from benign.figures.figure import Figure, Picture, Results
from benign.figures.network_drawing import Line, curve_of, diverged_words, level, marked
from benign.figures.two_sample_sizes import ABOVE_ONE, LINEAR_TOLERANCE, two_size_claims, two_sizes_picture
from benign.foundation.conventions import REGIME_BAND as BAND
from benign.foundation.conventions import TOLERANCE
from benign.foundation.number_words import format_number as number
from benign.networks.training import Training
from benign.plots import CurveDisplay, HeatMapDisplay, Role, Series, StackedDisplay, Threshold, Trace
from benign.procedures import MLP, Polynomial, RandomFourier
from benign.sources import digits, mml
from benign.surface.complexity import OUTCOMES, emc_on_surface
from benign.surface.complexity_places import Place, fitted_samples, fitted_size, fitted_time
from benign.surface.displays import size_label
from benign.surface.sections import median_of, over_size_and_samples, sample_counts_of, sizes_of
from benign.surface.training_risks import training_risks


@dataclass(frozen=True, kw_only=True)
class Scale:
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
        large: the networks over epochs.
    """

    grid: tuple[int, int, int] = (25, 12, 3)
    linear_replicates: int = 10
    polynomial_samples: tuple[int, ...] = tuple(range(4, 21))
    polynomial_replicates: int = 100
    fixed_samples: int = 300
    widths: tuple[int, ...] = (4, 8, 12, 16, 20, 24, 32, 40, 48, 56, 64, 96, 128, 256)
    samples: tuple[int, ...] = (25, 35, 50, 65, 80, 95, 110, 130, 160, 200, 280, 400, 560, 800)
    clean_samples: tuple[int, ...] = (25, 50, 80, 130, 200, 280, 400, 560, 800)
    width: int = 16
    steps: int = 6000
    times: tuple[int, ...] = (200, 400, 800, 1600, 3200)
    replicates: int = 10
    large: epochs.Scale

    @property
    def compared(self) -> tuple[int, int]:
        """The n in the middle of the grid of features, and the measured one nearest to twice that."""
        n, _ = feature_grid(self.grid)
        few = n[len(n) // 2]
        return few, min(n, key=lambda one: abs(one - 2 * few))

    @property
    def early(self) -> int:
        """The recorded time nearest to a quarter of the training."""
        return min((*self.times, self.steps), key=lambda time: abs(time - EARLY * self.steps))


SCALES = {
    "smoke": Scale(
        grid=(8, 1, 2), linear_replicates=4, polynomial_samples=(5, 10, 20), polynomial_replicates=8, fixed_samples=50,
        widths=(5, 8), samples=(25, 50), clean_samples=(25, 50), width=8, steps=40, times=(10, 20), replicates=4,
        large=epochs.SCALES["smoke"],
    ),
    "quick": Scale(large=epochs.SCALES["quick"]),
    "standard": Scale(linear_replicates=20, polynomial_replicates=200, replicates=20, large=epochs.SCALES["standard"]),
    "paper": Scale(
        grid=(50, 16, 4), linear_replicates=50, polynomial_replicates=2000, widths=(*Scale.widths, 512, 1024),
        samples=(*Scale.samples, 1200), clean_samples=(*Scale.clean_samples, 1200), steps=24_000,
        times=(*Scale.times, 6400, 12_800), replicates=30, large=epochs.SCALES["paper"],
    ),
}  # fmt: skip
COEFFICIENTS = 10
LINEAR_NOISE, WIDTH_NOISE, SAMPLE_NOISE = 0.1, 0.1, 0.2
FLIPPED = f"{100 * SAMPLE_NOISE:.0f} %"
EPS = 0.1  # the paper's, zero-one
RIDGE_SHARE = 5e-3  # of the middle n: some of N features are then held back, and not yet all
SHOWN = 30.0  # times the lowest loss: the crest is far higher, and would leave the rest of the surface dark
LINEAR_BAND = 1.1  # of the features, beside the band of regimes
TOO_HIGH = 1.1
RIDGE_LOWERS = 0.9
EARLY = 0.25  # of the training


def feature_grid(grid: tuple[int, int, int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Numbers of samples, and of features.

    >>> feature_grid((8, 1, 2))
    ((8, 16, 32), (4, 8, 16, 32, 64, 128, 256))
    """
    first, each, doublings = grid
    steps = np.arange(-each, (doublings + 3) * each + 1)
    sizes = tuple(np.unique(np.round(first * 2.0 ** (steps / each)).astype(int)).tolist())
    return tuple(size for size in sizes if first <= size <= first * 2**doublings), sizes


def _experiments(at: Scale) -> Iterator[Experiment]:
    (n, sizes), (few, _) = feature_grid(at.grid), at.compared
    features = partial(Experiment, source=digits(label_noise=LINEAR_NOISE), samples=n, replicates=at.linear_replicates)
    yield features(name="features", procedure=RandomFourier(), sizes=sizes)
    yield features(name="ridge", procedure=RandomFourier(ridge=RIDGE_SHARE * few), sizes=[few])
    polynomials = partial(Experiment, samples=at.polynomial_samples, replicates=at.polynomial_replicates)
    yield polynomials(name="polynomial", source=mml(), procedure=Polynomial(), sizes=[COEFFICIENTS])
    training = Training(loss="squared", learning_rate=3e-3, schedule="cosine", batch_size=25, steps=at.steps)
    networks = partial(Experiment, procedure=MLP(depth=1, training=training), replicates=at.replicates)
    source = digits(label_noise=WIDTH_NOISE)
    yield networks(name="widths", source=source, samples=[at.fixed_samples], sizes=at.widths)
    one_width = partial(networks, sizes=[at.width], times=(*at.times, at.steps))
    yield one_width(name="samples", source=digits(label_noise=SAMPLE_NOISE), samples=at.samples)
    yield one_width(name="clean", source=digits(label_noise=0.0), samples=at.clean_samples)
    yield epochs.networks(at.large, at.large.widths[-1:])


def _slices(at: Scale) -> Iterator[Slice]:
    """Every slice with a peak that Hypothesis 1 explains: over size, samples and time."""
    (n, more), wide = at.compared, at.large.widths[-1]

    def over_n(name: str, of: str, whose: str, *, size: int | None = None, tolerance: float = TOLERANCE) -> Slice:
        course = over_samples(of, "test_loss", size=size, estimator=None)
        fitted = Reading(of, partial(fitted_samples, size=size, tolerance=tolerance))
        return Slice(f"{name}_over_samples", f"Over samples the test loss of {whose}", "samples", course, fitted)

    features = Slice(
        "features_over_size",
        f"Over the number of features the test loss on {more} samples",
        "features",
        over_sizes("features", "test_loss", samples=more, estimator=None),
        Reading("features", partial(fitted_size, samples=more, tolerance=LINEAR_TOLERANCE)),
        band=LINEAR_BAND,
        paper="N random Fourier features have EMC = N, and the peak is at N = n (Nakkiran et al. 2020, Figs 14 and 15)",
    )
    yield features
    one_size = over_n("features", "features", f"{n} features", size=n, tolerance=LINEAR_TOLERANCE)
    yield replace(one_size, band=features.band, paper=features.paper)
    yield over_n("polynomial", "polynomial", f"a polynomial of {COEFFICIENTS} coefficients", tolerance=LINEAR_TOLERANCE)
    yield Slice(
        "networks_over_width",
        f"Over width the test loss of networks on {at.fixed_samples} samples",
        "hidden units",
        over_sizes("widths", "test_loss", estimator=None),
        Reading("widths", partial(fitted_size, samples=at.fixed_samples)),
        paper="peak at width 10, the first with a training error below 0.1 (Nakkiran et al. 2020, Fig. 1)",
    )
    yield over_n("networks", "samples", f"networks of {at.width} units")
    yield Slice(
        "networks_over_time",
        f"Over epochs the test error of networks of {wide} units on {at.large.samples:,} samples",
        "epochs",
        over_times("epochs", "test_error", size=wide),
        Reading("epochs", partial(fitted_time, tolerance=EPS, criterion="error")),
        factor=RELEVANT_FACTOR_OF_ERRORS,
        paper="over epochs the test error peaks when EMC(T) is about n (Nakkiran et al. 2020, section 6)",
    )


def _claims(at: Scale) -> Iterator[Claim]:
    slices = {one.name: one for one in _slices(at)}
    for name, one in slices.items():
        text = f"{one.text} peaks where the effective complexity is n, within a factor {one.band:g}"
        yield Claim(name, text, one.judge, one.paper, name.startswith("networks") or name == "features_over_size")
    yield from _criterion_claims(at, slices["networks_over_width"].peak)
    yield from _change_claims(at)
    yield from two_size_claims(*at.compared, feature_grid(at.grid)[1][-1])


def _criterion_claims(at: Scale, peak: Reading) -> Iterator[Claim]:
    """For squared loss the zero-one error takes a training set for fitted that the training has not fitted yet."""
    samples = Reading("samples", partial(fitted_samples, criterion="error"))
    width = Reading("widths", partial(fitted_size, samples=at.fixed_samples, criterion="error"))
    paper = "the paper takes the zero-one error, and cross-entropy (Nakkiran et al. 2020, Definition 1)"
    yield secondary(
        "error_reads_too_high",
        f"For squared loss the zero-one error gives more than {TOO_HIGH:g} times the complexity that the loss gives",
        samples.over(Reading("samples", fitted_samples), (TOO_HIGH, math.inf), "EMC by error / EMC by loss"),
        paper,
    )
    yield secondary(
        "error_does_not_mark_the_peak",
        f"For squared loss the zero-one training error is {TOLERANCE:g} at less than 1/{BAND:g} of the peak's width",
        width.over(peak, (0.0, 1.0 / BAND), "width fitted by error / width of the peak"),
        paper,
    )


def _change_claims(at: Scale) -> Iterator[Claim]:
    """What raises the complexity of a procedure, and what lowers it."""
    late, clean, ridge = (Reading(of, fitted_samples) for of in ("samples", "clean", "ridge"))
    early = Reading("samples", partial(fitted_samples, time=at.early))
    features = Reading("features", partial(fitted_samples, size=at.compared[0]))
    yield primary(
        "grows_with_time",
        f"The effective complexity after {at.steps:,} steps is above that after {at.early:,}",
        late.over(early, (ABOVE_ONE, math.inf), "EMC late / early"),
        "training longer increases EMC (Nakkiran et al. 2020, section 1)",
    )
    yield primary(
        "falls_with_label_noise",
        f"Flipping {FLIPPED} of the labels lowers the effective complexity of the same networks",
        late.over(clean, (0.0, 1.0 / ABOVE_ONE), "EMC flipped / correct"),
        "label noise lowers EMC (Nakkiran et al. 2020, section 5)",
    )
    yield primary(
        "falls_with_ridge",
        f"A ridge of {RIDGE_SHARE * at.compared[0]:.3g} lowers the effective complexity of {at.compared[0]} features "
        f"below {RIDGE_LOWERS:g} of theirs",
        ridge.over(features, (0.0, RIDGE_LOWERS), "EMC with ridge / without"),
        "regularisation lowers EMC (Nakkiran et al. 2020, section 1)",
    )


def _pictures(results: Results[Scale]) -> Iterator[Picture]:
    yield _places_picture(results)
    yield _features_picture(results)
    yield _criterion_picture(results)
    yield _time_picture(results)
    yield two_sizes_picture(results["features"], *results.at.compared)


def _places_picture(results: Results[Scale]) -> Picture:
    """Every slice as a point, on the line where both its places agree."""
    slices, surfaces = list(_slices(results.at)), results.surfaces
    found = [(one.name.replace("_", " "), one.fitted(surfaces), one.peak(surfaces)) for one in slices]
    words = [
        f"{name} {_known(peak, 'no confirmed peak')} against {_known(fitted, 'none')}" for name, fitted, peak in found
    ]
    shown = [(name, fitted.value, peak.value) for name, fitted, peak in found if fitted.is_found and peak.is_found]
    values = [fitted for _, fitted, _ in shown] or [1.0, 10.0]
    line = np.geomspace(min(values) / 2.0, 2.0 * max(values), 50)
    equal = Series(name="equal", positions=line, median=line, low=line / BAND, high=line * BAND, role=Role.REFERENCE)
    display = CurveDisplay(
        title="Where the test risk peaks, against where the effective complexity is n",
        series=(equal,),
        x_label="position at which EMC = n, from training risks alone",
        y_label="position of the test peak",
        y_limits=(float(line[0]) / BAND, float(line[-1]) * BAND),
        caption=f"Band: within a factor {BAND:g}. Each point is one curve, in units of its own axis; its number is the "
        "position of the peak.",
    )
    return Picture(
        "peak_and_complexity",
        "Do the peaks over size, samples and time have one cause?",
        marked(display, *shown),
        f"Position of the test peak, against that of EMC = n: {'; '.join(words)}.",
        [one.name for one in slices],
    )


def _known(place: Place, otherwise: str = "an unknown number of") -> str:
    return number(place.value) if math.isfinite(place.value) else otherwise


def _features_picture(results: Results[Scale]) -> Picture:
    features, few = results["features"], results.at.compared[0]
    sizes, n = sizes_of(features), sample_counts_of(features)
    loss = np.apply_along_axis(median_of, 0, over_size_and_samples(features, "test_loss"))
    emc, lowest = emc_on_surface(features, tolerance=LINEAR_TOLERANCE), float(np.nanmin(loss))
    is_found = emc.outcome[:, 0] == OUTCOMES.index(ThresholdOutcome.FOUND)
    value, low, high = (np.where(is_found, numbers[:, 0], np.nan) for numbers in (emc.value, emc.low, emc.high))
    display = HeatMapDisplay(
        title="Test loss of random Fourier features",
        sizes=sizes,
        times=n,
        values=loss,
        value_label="test loss",
        value_limits=(lowest, SHOWN * lowest),
        value_log=True,
        traces=(Trace(label="EMC", positions=sizes, values=value, low=low, high=np.minimum(high, n[-1])),),
        x_label=size_label(features),
        y_label="training samples (samples)",
        caption=f"Colour: median of {results.at.linear_replicates} replicates, the last one for {SHOWN:g} times the "
        "lowest loss and above; line: effective model complexity (EMC), the largest n with a training loss of "
        f"{LINEAR_TOLERANCE:g} of a constant's, and its 95 % interval.",
    )
    crest = sizes[np.where(np.isnan(loss), 0.0, loss).argmax(axis=0)] / n
    read = fitted_samples(features, tolerance=LINEAR_TOLERANCE, size=few)
    return Picture(
        "features_over_both",
        "Is the peak a point, or a crest through the whole surface?",
        display,
        f"For each n the median test loss is highest where features / samples is {number(float(crest.min()))} to "
        f"{number(float(crest.max()))}. By a theorem {few} features fit {few} samples and no more; between the "
        f"measured n the surface reads {_known(read)}.",
        ("features_over_size", "features_over_samples", "falls_with_ridge"),
    )


def _criterion_picture(results: Results[Scale]) -> Picture:
    widths, n = results["widths"], results.at.fixed_samples
    loss, error = (fitted_size(widths, samples=n, criterion=criterion) for criterion in ("objective", "error"))
    landmarks = over_sizes("widths", "test_loss", estimator=None).landmarks_at(results.surfaces)
    top = "has no confirmed peak" if landmarks.peak is None else f"peaks at {number(landmarks.peak.position)} units"
    test, threshold = [Line(section=widths, metric="test_loss", name="test")], _threshold(loss)
    risk = curve_of(
        test, "size", title="Test loss", y_label="test loss", y_log=True, landmarks=landmarks, threshold=threshold
    )
    return Picture(
        "criterion",
        "Which training risk tells where the peak is?",
        StackedDisplay(
            title=f'Two readings of "fitted", networks on {n} samples', panels=(risk, _fit_panel(widths, loss, error))
        ),
        f"The test loss {top}; the training loss falls to {TOLERANCE:g} of a constant's at {_known(loss)} units, the "
        f"zero-one training error to {TOLERANCE:g} at {_known(error)} units.",
        ("networks_over_width", "error_reads_too_high", "error_does_not_mark_the_peak"),
    )


def _fit_panel(widths: xr.Dataset, loss: Place, error: Place) -> CurveDisplay:
    """Both training risks, in units in which the tolerance is one number, and where each reaches it."""
    sizes = sizes_of(widths)
    objective, errors = (training_risks(widths, criterion)[:, 0, 0].T for criterion in ("objective", "error"))
    display = CurveDisplay.from_values(
        title="Training risk",
        positions=sizes,
        values={"loss": (Role.TRAIN, objective), "zero-one error": (Role.NORM, errors)},
        threshold=_threshold(loss),
        x_label=size_label(widths),
        y_label="training risk",
        y_limits=(TOLERANCE / 20.0, 1.0),
    )
    places = [(name, place.value) for name, place in (("error", error), ("loss", loss)) if place.is_found]
    display = marked(display, *((f"{name} from {number(at)} units:", at, TOLERANCE) for name, at in places))
    return replace(display, series=(*display.series, level("tolerance", sizes, TOLERANCE)))


def _threshold(place: Place) -> Threshold | None:
    if not place.is_found:
        return None
    low, high = (place.low, place.high) if math.isfinite(place.high) else (place.value, place.value)
    return Threshold(position=place.value, low=low, high=high, label="EMC = n at")


def _time_picture(results: Results[Scale]) -> Picture:
    at, named = results.at, {"correct labels": "clean", f"{FLIPPED} flipped": "samples"}
    display = CurveDisplay(
        title=f"Effective model complexity of {at.width} units while they train",
        series=tuple(_complexity(name, results[of], place) for place, (name, of) in enumerate(named.items())),
        x_label="gradient steps (time)",
        y_label="EMC (samples)",
        position_name="times",
        caption=f"Line: largest n with a mean training loss of {TOLERANCE:g} of a constant's; band: its 95 % interval.",
    )
    early = _known(fitted_samples(results["samples"], time=at.early))
    late, clean = (_known(fitted_samples(results[of])) for of in ("samples", "clean"))
    return Picture(
        "complexity_over_time",
        "What can a network fit, and when?",
        display,
        f"With {FLIPPED} of the labels flipped the networks fit {early} samples after {at.early:,} steps and {late} "
        f"after {at.steps:,}; with correct labels they then fit {clean}.",
        ("networks_over_samples", "networks_over_time", "grows_with_time", "falls_with_label_noise"),
    )


def _complexity(name: str, surface: xr.Dataset, condition: int) -> Series:
    """A gap where not even the smallest n is fitted; a band that nothing bounds ends at the largest n."""
    found, last = emc_on_surface(surface), float(sample_counts_of(surface)[-1])
    value = np.where(found.value[0] > 0.0, found.value[0], np.nan)
    low, high = np.minimum(found.low[0], value), np.maximum(np.minimum(found.high[0], last), value)
    return Series(name=name, positions=found.times, median=value, low=low, high=high, condition=condition)


_PEAKS = {
    "size": ("features_over_size", "networks_over_width"),
    "samples": ("features_over_samples", "polynomial_over_samples", "networks_over_samples"),
    "time": ("networks_over_time",),
}


def _headline(results: Results[Scale]) -> str:
    axes = [axis for axis, names in _PEAKS.items() if results.holds(*names)]
    if len(axes) == len(_PEAKS):
        return "Over size, samples and time the peak lies where the effective complexity reaches the number of samples."
    if axes:
        return f"Over {' and '.join(axes)} the peak lies where the complexity is n; elsewhere that was not confirmed."
    return "That the peaks lie where the effective complexity is n was not confirmed in this measurement."


def _lede(results: Results[Scale]) -> str:
    noisy, clean = (_known(fitted_samples(results[of])) for of in ("samples", "clean"))
    return (
        f"The effective model complexity is the largest training set that a procedure fits. {results.at.width} hidden "
        f"units fit {clean} digits with correct labels and {noisy} with {FLIPPED} of them flipped."
        f"{diverged_words(results[of] for of in ('widths', 'samples', 'clean', 'epochs'))}"
    )


FIGURE = Figure(
    name="nakkiran2020_complexity",
    title="One cause of three peaks: the effective model complexity",
    paper="Nakkiran, Kaplun, Bansal, Yang, Barak, Sutskever 2020",
    number="Definition 1 and Hypothesis 1",
    revision=2,
    scales=SCALES,
    experiments=_experiments,
    claims=_claims,
    pictures=_pictures,
    headline=_headline,
    lede=_lede,
)
