"""Nakkiran, Kaplun, Bansal, Yang, Barak, Sutskever 2020 (ICLR), Definition 1 and Hypothesis 1: one cause, three peaks.

Paper: the effective model complexity EMC(T) is the largest n that a training procedure T fits, on average over training
sets, to a training error eps. Hypothesis 1: where EMC is much below or above n, whatever raises EMC lowers the test
error; where EMC is about n, it may raise it. So the peaks over size, over training time and over samples are one. The
paper takes eps = 0.1 "heuristically" and the zero-one error: ResNet18 with 15 % label noise peaks at width 10, where
the training error first is below 0.1 (0.083; 0.121 at width 9; Fig. 1). N random Fourier features have EMC = N (Figs 14
and 15). EMC grows with training time and falls with label noise and regularisation.

Ours: in each slice the position of the test peak stands against the position at which EMC = n, which is read from
training risks alone. Linear models, random Fourier features on the digits and 10 coefficients of a polynomial: "fitted"
is 0.002 of the best constant's loss. Networks with squared loss, one hidden layer, on the digits: 0.02 of it, as
everywhere here; and the zero-one error beside it, which reads too high. Networks with cross-entropy on MNIST-1D over
epochs: the paper's zero-one error 0.1. Labels are flipped in 10 % (features, widths), 20 % (samples), 30 % (epochs) of
the training set, and in none of it for comparison. The networks over epochs are those of nakkiran2020_epochwise, and
those over samples have the draws of nakkiran2020_samplewise, which tests other claims on them.

Bands (a factor 1.5, and 1.1 for the features), tolerances, the two n that are compared (the middle of the grid and
twice that) and the early time (a quarter of the training) were fixed beforehand; settings come from pilots on other
seeds. That N features fit N samples and d + 1 coefficients d + 1 is a theorem, which the tests check; what is found is
where the test loss peaks. From the first n to the second the threshold of the features moves by their ratio; the peak
is to move right with it, by a factor within 1.25 of that, about what steps of 6 % can resolve (paired over replicates).

Revision 2, after the first run: intervals of EMC and thresholds hold the gap between the measured positions, and the
features are measured in steps of 6 %, not 12 %; claims and bands are as they were. The peak's interval holds its gaps
too, so that the claims on features stay undecided within the band of 1.1; ``paper`` has steps of 4.4 %.

Runtime on two cores: smoke less than ten seconds, quick two minutes, standard about ten; paper is for one GPU.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from benign.curves.claims import RELEVANT_FACTOR_OF_ERRORS
from benign.experiments.declaration import Experiment
from benign.figures import nakkiran2020_epochwise as epochs
from benign.figures.claims import Claim, primary, secondary
from benign.figures.complexity_slices import Reading, Slice, criterion_picture, known, places_picture
from benign.figures.courses import over_samples, over_sizes, over_times
from benign.figures.figure import Figure, Picture, Results
from benign.figures.network_drawing import diverged_words
from benign.figures.two_sample_sizes import (
    ABOVE_ONE,
    LINEAR_TOLERANCE,
    features_picture,
    two_size_claims,
    two_sizes_picture,
)
from benign.foundation.conventions import REGIME_BAND as BAND
from benign.foundation.conventions import TOLERANCE
from benign.networks.training import Training
from benign.plots import CurveDisplay, Series
from benign.procedures import MLP, Polynomial, RandomFourier
from benign.sources import digits, mml
from benign.surface.complexity import emc_on_surface
from benign.surface.complexity_places import fitted_samples, fitted_size, fitted_time
from benign.surface.sections import sample_counts_of


@dataclass(frozen=True, kw_only=True)
class Scale:
    """What one scale measures; committed before its first run. The polynomials' losses have heavy tails."""

    grid: tuple[int, int, int] = (25, 12, 3)  # n of the features: the first, how many a doubling, how many doublings
    linear_replicates: int = 10
    polynomial_samples: tuple[int, ...] = tuple(range(4, 21))
    polynomial_replicates: int = 100
    fixed_samples: int = 300  # of the networks over widths
    widths: tuple[int, ...] = (4, 8, 12, 16, 20, 24, 32, 40, 48, 56, 64, 96, 128, 256)
    samples: tuple[int, ...] = (25, 35, 50, 65, 80, 95, 110, 130, 160, 200, 280, 400, 560, 800)
    clean_samples: tuple[int, ...] = (25, 50, 80, 130, 200, 280, 400, 560, 800)  # some of these, without label noise
    width: int = 16  # of the networks over samples
    steps: int = 6000
    times: tuple[int, ...] = (200, 400, 800, 1600, 3200)  # at which these are recorded besides the end
    replicates: int = 10  # of the networks
    large: epochs.Scale  # the networks over epochs

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
NOISE, SAMPLE_NOISE = 0.1, 0.2
FLIPPED = f"{100 * SAMPLE_NOISE:.0f} %"
EPS = 0.1  # the paper's, zero-one
RIDGE_SHARE = 5e-3  # of the middle n: some of N features are then held back, and not yet all
LINEAR_BAND = 1.1  # of the features, beside the band of regimes
PEAKS = {
    "size": ("features_over_size", "networks_over_width"),
    "samples": ("features_over_samples", "polynomial_over_samples", "networks_over_samples"),
    "time": ("networks_over_time",),
}
SECTION = "(Nakkiran et al. 2020, section {})"
TOO_HIGH = 1.1
RIDGE_LOWERS = 0.9
EARLY = 0.25  # of the training


def feature_grid(grid: tuple[int, int, int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Numbers of samples, and of features: from half the first to eight times the last.

    >>> feature_grid((8, 1, 2))
    ((8, 16, 32), (4, 8, 16, 32, 64, 128, 256))
    """
    first, each, doublings = grid
    steps = np.arange(-each, (doublings + 3) * each + 1)
    sizes = tuple(np.unique(np.round(first * 2.0 ** (steps / each)).astype(int)).tolist())
    return tuple(size for size in sizes if first <= size <= first * 2**doublings), sizes


def _experiments(at: Scale) -> Iterator[Experiment]:
    (n, sizes), (few, _) = feature_grid(at.grid), at.compared
    features = partial(Experiment, source=digits(label_noise=NOISE), samples=n, replicates=at.linear_replicates)
    yield features(name="features", procedure=RandomFourier(), sizes=sizes)
    yield features(name="ridge", procedure=RandomFourier(ridge=RIDGE_SHARE * few), sizes=[few])
    polynomials = partial(Experiment, samples=at.polynomial_samples, replicates=at.polynomial_replicates)
    yield polynomials(name="polynomial", source=mml(), procedure=Polynomial(), sizes=[COEFFICIENTS])
    training = Training(loss="squared", learning_rate=3e-3, schedule="cosine", batch_size=25, steps=at.steps)
    networks = partial(Experiment, procedure=MLP(depth=1, training=training), replicates=at.replicates)
    source = digits(label_noise=NOISE)
    yield networks(name="widths", source=source, samples=[at.fixed_samples], sizes=at.widths)
    one_width = partial(networks, sizes=[at.width], times=(*at.times, at.steps))
    yield one_width(name="samples", source=digits(label_noise=SAMPLE_NOISE), samples=at.samples)
    yield one_width(name="clean", source=digits(label_noise=0.0), samples=at.clean_samples)
    yield epochs.networks(at.large, at.large.widths[-1:])


def _slices(at: Scale) -> Iterator[Slice]:
    """Every slice with a peak that Hypothesis 1 explains: over size, samples and time."""
    (n, more), wide = at.compared, at.large.widths[-1]
    sizes, samples = (partial(over, metric="test_loss", estimator=None) for over in (over_sizes, over_samples))
    paper = "N random Fourier features have EMC = N, and the peak is at N = n (Nakkiran et al. 2020, Figs 14 and 15)"
    features, start = partial(Slice, band=LINEAR_BAND, paper=paper), "Over samples the test loss of"
    text = f"Over the number of features the test loss on {more} samples"
    fitted = partial(fitted_size, samples=more, tolerance=LINEAR_TOLERANCE)
    yield features("features_over_size", text, "features", sizes("features", samples=more), fitted)
    fitted = partial(fitted_samples, size=n, tolerance=LINEAR_TOLERANCE)
    yield features("features_over_samples", f"{start} {n} features", "samples", samples("features", size=n), fitted)
    text, fitted = (
        f"{start} a polynomial of {COEFFICIENTS} coefficients",
        partial(fitted_samples, tolerance=LINEAR_TOLERANCE),
    )
    yield Slice("polynomial_over_samples", text, "samples", samples("polynomial"), fitted)
    text = f"Over width the test loss of networks on {at.fixed_samples} samples"
    fitted = partial(fitted_size, samples=at.fixed_samples)
    paper = "peak at width 10, the first with a training error below 0.1 (Nakkiran et al. 2020, Fig. 1)"
    yield Slice("networks_over_width", text, "hidden units", sizes("widths"), fitted, paper=paper)
    text = f"{start} networks of {at.width} units"
    yield Slice("networks_over_samples", text, "samples", samples("samples"), fitted_samples)
    text = f"Over epochs the test error of networks of {wide} units on {at.large.samples:,} samples"
    course, fitted = (
        over_times("epochs", "test_error", size=wide),
        partial(fitted_time, tolerance=EPS, criterion="error"),
    )
    paper = "over epochs the test error peaks when EMC(T) is about n (Nakkiran et al. 2020, section 6)"
    factor = RELEVANT_FACTOR_OF_ERRORS
    yield Slice("networks_over_time", text, "epochs", course, fitted, factor=factor, paper=paper)


def _claims(at: Scale) -> Iterator[Claim]:
    slices = {one.name: one for one in _slices(at)}
    for name, one in slices.items():
        text = f"{one.text} peaks where the effective complexity is n, within a factor {one.band:g}"
        yield Claim(name, text, one.judge, one.paper, name.startswith("networks") or name == "features_over_size")
    yield from _comparisons(at, slices["networks_over_width"].peak)
    yield from two_size_claims(*at.compared, feature_grid(at.grid)[1][-1])


def _comparisons(at: Scale, peak: Reading) -> Iterator[Claim]:
    """For squared loss the zero-one error reads too high; what raises a procedure's complexity, and what lowers it."""
    emc, clean, ridge = (Reading(of, fitted_samples) for of in ("samples", "clean", "ridge"))
    by_error = Reading("samples", partial(fitted_samples, criterion="error"))
    width = Reading("widths", partial(fitted_size, samples=at.fixed_samples, criterion="error"))
    start, paper = "For squared loss the zero-one", "the paper takes the zero-one error, and cross-entropy"
    paper = f"{paper} (Nakkiran et al. 2020, Definition 1)"
    text = f"{start} error gives more than {TOO_HIGH:g} times the complexity that the loss gives"
    judge = by_error.over(emc, (TOO_HIGH, math.inf), "EMC by error / EMC by loss")
    yield secondary("error_reads_too_high", text, judge, paper)
    text = f"{start} training error is {TOLERANCE:g} at less than 1/{BAND:g} of the peak's width"
    judge = width.over(peak, (0.0, 1.0 / BAND), "width fitted by error / width of the peak")
    yield secondary("error_does_not_mark_the_peak", text, judge, paper)
    text = f"The effective complexity after {at.steps:,} steps is above that after {at.early:,}"
    early, few = Reading("samples", partial(fitted_samples, time=at.early)), at.compared[0]
    judge = emc.over(early, (ABOVE_ONE, math.inf), "EMC late / early")
    yield primary("grows_with_time", text, judge, f"training longer increases EMC {SECTION.format(1)}")
    text = f"Flipping {FLIPPED} of the labels lowers the effective complexity of the same networks"
    judge = emc.over(clean, (0.0, 1.0 / ABOVE_ONE), "EMC flipped / correct")
    yield primary("falls_with_label_noise", text, judge, f"label noise lowers EMC {SECTION.format(5)}")
    text = f"A ridge of {RIDGE_SHARE * few:.3g} lowers the effective complexity of {few} features"
    features = Reading("features", partial(fitted_samples, size=few))
    judge = ridge.over(features, (0.0, RIDGE_LOWERS), "EMC with ridge / without")
    paper = f"regularisation lowers EMC {SECTION.format(1)}"
    yield primary("falls_with_ridge", f"{text} below {RIDGE_LOWERS:g} of theirs", judge, paper)


def _pictures(results: Results[Scale]) -> Iterator[Picture]:
    yield places_picture(list(_slices(results.at)), results.surfaces)
    yield features_picture(results["features"], results.at.compared[0])
    yield criterion_picture(results["widths"], results.at.fixed_samples)
    yield _time_picture(results)
    yield two_sizes_picture(results["features"], *results.at.compared)


def _time_picture(results: Results[Scale]) -> Picture:
    at, lines = results.at, []
    for place, (name, of) in enumerate({"correct labels": "clean", f"{FLIPPED} flipped": "samples"}.items()):
        emc = emc_on_surface(results[of])
        value, low, high = emc.bounded(sample_counts_of(results[of])[-1])[:, 0]
        lines.append(Series(name=name, positions=emc.times, median=value, low=low, high=high, condition=place))
    display = CurveDisplay(
        title=f"Effective model complexity of {at.width} units while they train",
        series=tuple(lines),
        x_label="gradient steps (time)",
        y_label="EMC (samples)",
        position_name="times",
        caption=f"Line: largest n with a mean training loss of {TOLERANCE:g} of a constant's; band: its 95 % interval.",
    )
    early, late = (known(fitted_samples(results["samples"], time=time)) for time in (at.early, at.steps))
    sentence = (
        f"With {FLIPPED} of the labels flipped the networks fit {early} samples after {at.early:,} steps and {late} "
        f"after {at.steps:,}; with correct labels they then fit {known(fitted_samples(results['clean']))}."
    )
    claims = ("networks_over_samples", "networks_over_time", "grows_with_time", "falls_with_label_noise")
    return Picture("complexity_over_time", "What can a network fit, and when?", display, sentence, claims)


def _headline(results: Results[Scale]) -> str:
    axes = [axis for axis, names in PEAKS.items() if results.holds(*names)]
    if len(axes) == len(PEAKS):
        return "Over size, samples and time the peak lies where the effective complexity reaches the number of samples."
    if axes:
        return f"Over {' and '.join(axes)} the peak lies where the complexity is n; elsewhere that was not confirmed."
    return "That the peaks lie where the effective complexity is n was not confirmed in this measurement."


def _lede(results: Results[Scale]) -> str:
    noisy, clean = (known(fitted_samples(results[of])) for of in ("samples", "clean"))
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
