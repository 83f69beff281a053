"""Belkin, Hsu, Ma, Mandal 2019 (PNAS 116:15849), Figure 2: double descent of random Fourier features.

Paper: MNIST, n = 10^4, minimum-norm least squares on N complex Fourier features, bandwidth 5 on pixels / 255. Test risk
is a U up to N = n, there is "no predictive ability for classification" at N = n, and it falls below the bottom of the U
beyond; the norm peaks at N = n and decreases after. The paper reports one run.

Ours: every N from 1 to 10 n (one real column a feature), 10 paired replicates, clean labels and 20 % of them flipped,
and beside it a ridge tuned by exact leave-one-out on the training set alone. That N features fit N samples is a theorem
and no claim here; that loss and norm peak there, and fall beyond, is what theory leads one to expect of such data.

"Falls monotonically" is judged from 1.1 n to 10 n features, in ten blocks of equal ratio: no block may be 5 % or more
above any earlier one. Start, blocks and margin were fixed before the first verdict.

At ``paper`` the minimum-norm curves have complex features, as there, and 4,000 of the 5,000 installed images; the ridge
curve beside them has real ones, since leave-one-out needs one row a sample.

Runtime on two cores: smoke 10 s, quick about half a minute, standard (MNIST, n = 1,000) eight minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np

from benign.curves import Verdict, cross_fitted_difference
from benign.experiments.declaration import Experiment
from benign.figures.claims import Claim, Judge, above, higher, primary, read_from, secondary
from benign.figures.courses import over_sizes
from benign.figures.figure import Figure, Picture, Results
from benign.figures.measurement import Declared, Joined
from benign.foundation.number_words import format_number as number
from benign.plots import StackedDisplay
from benign.procedures import RandomFourier
from benign.sources import digits, mnist
from benign.surface.displays import size_display
from benign.surface.sections import along_size, constant_errors, landmarks_along_size, median_at_size, sizes_of
from benign.surface.tuning import tuned_by_leave_one_out


@dataclass(frozen=True, kw_only=True)
class Scale:
    """What one scale measures; committed before its first run."""

    samples: int
    replicates: int
    images: Literal["digits", "mnist"] = "digits"
    bandwidth: float | Literal["median"] = "median"
    form: Literal["real", "complex"] = "real"


SCALES = {
    "smoke": Scale(samples=40, replicates=6),
    "quick": Scale(samples=300, replicates=10),
    "standard": Scale(samples=1000, replicates=10, images="mnist", bandwidth=5.0),
    "paper": Scale(samples=4000, replicates=5, images="mnist", bandwidth=5.0, form="complex"),
}
NOISE = {"clean": 0.0, "noisy": 0.2}
WORDS = {"clean": "clean labels", "noisy": "20 % of labels flipped"}
FACTOR = 10
BEYOND = 1.1  # times n: from here on means exist, and the curves are to fall
BLOCKS = 10
# Ridge as a share of n: with features of mean square 1 this is the kernel ridge at N = n.
RIDGE_SHARES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
_BELKIN = "(Belkin et al. 2019, Fig. 2)"


def _experiments(at: Scale) -> Iterator[Declared]:
    """The surfaces ``clean`` and ``noisy`` at every size, then each with tuned ridge at a few sizes."""
    n, images = at.samples, digits if at.images == "digits" else mnist
    few = np.unique(np.append(np.geomspace(max(2, n // 20), FACTOR * n, 24).astype(int), n))
    grid = partial(Experiment, samples=[n], replicates=at.replicates)
    for name, noise in NOISE.items():
        features = RandomFourier(bandwidth=at.bandwidth, form=at.form)
        yield grid(name=name, source=images(label_noise=noise), procedure=features, sizes=np.arange(1, FACTOR * n + 1))
    tuned = partial(grid, sizes=few, metrics=["leave_one_out_loss"])
    for name, noise in NOISE.items():
        ridges = [
            tuned(
                name=f"{name} ridge {share:g} n",
                source=images(label_noise=noise),
                procedure=RandomFourier(bandwidth=at.bandwidth, ridge=share * n),
            )
            for share in RIDGE_SHARES
        ]
        yield Joined(name=f"{name}_tuned_ridge", experiments=ridges, join=tuned_by_leave_one_out)


def _claims(at: Scale) -> Iterator[Claim]:
    n = at.samples
    for name, words in WORDS.items():
        is_paper, start = primary if name == "clean" else secondary, f"With {words}, the"
        loss, norm = over_sizes(name, "test_loss"), over_sizes(name, "scaled_norm")
        for of, course in (("", loss), ("norm_", norm)):
            yield is_paper(
                f"{name}_{of}peak{'s' if of else ''}_at_threshold",
                f"{start} {'norm' if of else 'test loss'} peaks where features = samples",
                course.peaks_at(n, (0.95, 1.05)),
                paper=f"{'norm peaks' if of else 'peak'} exactly at N = n {_BELKIN}",
            )
        for metric, word in (("test_loss", "loss"), ("test_error", "zero-one error")):
            yield is_paper(
                f"{name}_second_descent_{metric}",
                f"With {words}, {FACTOR} x n features have a lower test {word} than the best model below n",
                _second_descent(name, metric, n, unit=word),
                paper=f"beyond N = n the risk falls below the bottom of the U {_BELKIN}",
            )
        for metric, word, course in (("test_loss", "test loss", loss), ("scaled_norm", "norm", norm)):
            yield secondary(
                f"{name}_{metric}_falls_beyond",
                f"{start} {word} falls monotonically from {BEYOND:g} x n to {FACTOR} x n features",
                course.only_falls(np.geomspace(BEYOND * n, FACTOR * n, BLOCKS + 1)),
                paper=f"beyond N = n test risk and norm decrease {_BELKIN}",
            )
        constant = read_from(name, constant_errors)
        yield is_paper(
            f"{name}_no_predictive_ability",
            f"{start} model with n features predicts no better than the best constant, to within 0.1",
            above(over_sizes(name, "test_error").at(n) - constant, -0.1),
            paper='"no predictive ability for classification" at N = n (Belkin et al. 2019)',
        )
        yield secondary(
            f"{name}_tuned_ridge_no_peak",
            f"With {words}, no peak of 25 % or more is left with a tuned ridge",
            over_sizes(f"{name}_tuned_ridge", "test_loss").has_no_peak(),
            paper="optimal regularisation removes the peak (Nakkiran et al. 2021)",
        )
    size = round(BEYOND * n)
    noisy, clean = (over_sizes(name, "test_loss").at(size) for name in ("noisy", "clean"))
    yield secondary(
        "label_noise_raises_the_loss",  # paired in draw and initialisation, where means exist
        f"Flipping 20 % of the labels raises the test loss at {BEYOND:g} x n features",
        higher(noisy, than=clean),
        paper="label noise strengthens the peak (Nakkiran et al. 2020, section 5)",
    )


def _second_descent(name: str, metric: str, n: int, *, unit: str) -> Judge:
    """Risk at the sizes below n, and at the largest size, which is fixed beforehand."""
    course = over_sizes(name, metric)
    return lambda surfaces, said, _: cross_fitted_difference(
        **said, values=(course.before(surfaces, n), course.values(surfaces[name])[:, -1]), unit=unit
    )


def _pictures(results: Results[Scale]) -> Iterator[Picture]:
    yield _loss_picture("noisy", "Where is the peak, and what happens beyond it?", results)
    yield _loss_picture("clean", "Is the peak only label noise?", results)
    yield _error_picture(results)


def _loss_picture(name: str, heading: str, results: Results[Scale]) -> Picture:
    surface, tuned, n = results[name], results[f"{name}_tuned_ridge"], results.at.samples
    landmarks, worst = landmarks_along_size(surface, "test_loss"), median_at_size(surface, "test_loss", n)
    loss = size_display(
        surface,
        ("test_loss", "train_loss"),
        title="Loss",
        y_label="loss (squared error)",
        landmarks=landmarks,
        remedies={"test, tuned ridge": (tuned, "test_loss")},
        with_regimes=True,
        # The training loss leaves the picture downwards.
        y_limits=(1e-3, 30.0 * float(np.nanmax(np.median(along_size(surface, "test_loss"), axis=0)))),
    )
    norm = size_display(surface, ("scaled_norm",), title="Norm", y_label="norm of the weights")
    caption = (
        "Norm: the length of the weights, for features scaled by 1 / sqrt(features), so that sizes can be compared."
    )
    best = landmarks.classical_minimum
    start = "" if best is None else f"is lowest at {best.position:,.0f} features ({number(best.value)}), "
    middle = "explodes to" if landmarks.peak is not None else "shows no confirmed peak and is"
    ridge = np.nanmax(np.median(along_size(tuned, "test_loss"), axis=0)[sizes_of(tuned) >= n / 2])
    sentence = (
        f"With {WORDS[name]}, the median test loss below the threshold {start}{middle} {number(worst)} where the model "
        f"can first fit all {n:,} training labels, and is {number(median_at_size(surface, 'test_loss', FACTOR * n))} "
        f"at {FACTOR * n:,} features. With a ridge chosen on the training set alone (dotted) the loss stays below "
        f"{number(1.005 * ridge)} from {n // 2:,} features on."
    )
    title = f"Every size from 1 to {FACTOR * n:,}: {WORDS[name]}"
    display = StackedDisplay(title=title, panels=(loss, replace(norm, caption=caption)))
    about_loss = ("peak_at_threshold", "second_descent_test_loss", "test_loss_falls_beyond")
    about_norm = ("norm_peaks_at_threshold", "scaled_norm_falls_beyond", "tuned_ridge_no_peak")
    claims = [f"{name}_{claim}" for claim in (*about_loss, *about_norm)]
    return Picture(f"{name}_loss_and_norm", heading, display, sentence, claims)


def _error_picture(results: Results[Scale]) -> Picture:
    n = results.at.samples
    panels = tuple(
        size_display(
            results[name],
            ("test_error", "train_error"),
            title=words,
            y_label=f"error: {words}",
            y_log=False,
            remedies={"test, tuned ridge": (results[f"{name}_tuned_ridge"], "test_error")},
            y_limits=(0.0, 1.0),
        )
        for name, words in WORDS.items()
    )
    clean, noisy = ([median_at_size(results[name], "test_error", k * n) for k in (1, FACTOR)] for name in WORDS)
    sentence = (
        f"The share of wrong test labels is {100 * clean[0]:.0f} % at {n:,} features with clean labels and "
        f"{100 * noisy[0]:.0f} % with flipped ones, where guessing gives about 90 %; at {FACTOR * n:,} it is "
        f"{100 * clean[1]:.1f} % and {100 * noisy[1]:.1f} %."
    )
    claims = [f"{name}_{claim}" for name in NOISE for claim in ("no_predictive_ability", "second_descent_test_error")]
    display = StackedDisplay(title="Zero-one error at every size", panels=panels)
    claims.append("label_noise_raises_the_loss")
    return Picture("zero_one_error", "Does it change the decisions?", display, sentence, claims)


def _headline(results: Results[Scale]) -> str:
    if not results.holds("noisy_peak_at_threshold"):
        return "No peak was confirmed at the interpolation threshold in this measurement."
    beats = [results.verdict(f"{name}_second_descent_test_loss") for name in NOISE]
    if beats[0] is beats[1]:
        end = {
            Verdict.HOLDS: "far beyond it models beat every small one, clean and noisy",
            Verdict.FAILS: "the second descent beats no small model, clean or noisy",
            Verdict.UNDECIDED: "whether the second descent beats the first minimum is undecided",
        }[beats[0]]
        return f"The peak is at the threshold; {end}."
    if Verdict.HOLDS not in beats:
        return "The peak is at the threshold; that the second descent beats the first minimum was not confirmed."
    first, second = ("clean", "flipped") if beats[0] is Verdict.HOLDS else ("flipped", "clean")
    other = "not" if Verdict.FAILS in beats else "undecided"
    return (
        f"The peak is at the threshold; the second descent beats the first minimum with {first} labels, {other} "
        f"with {second} ones."
    )


def _lede(results: Results[Scale]) -> str:
    n = results.at.samples
    at_n, at_end = (
        " and ".join(number(median_at_size(results[name], "test_loss", size)) for name in NOISE)
        for size in (n, FACTOR * n)
    )
    return (
        f"Least squares of smallest norm on {n:,} images, every size to {FACTOR * n:,} features, "
        f"{results.at.replicates} replicates: the median test loss with clean and with 20 % flipped labels is "
        f"{at_n} at {n:,} features, {at_end} at {FACTOR * n:,}."
    )


FIGURE = Figure(
    name="belkin2019_fourier",
    title="Double descent of random Fourier features on real images",
    paper="Belkin, Hsu, Ma, Mandal 2019",
    number="Figure 2",
    revision=1,
    scales=SCALES,
    experiments=_experiments,
    claims=_claims,
    pictures=_pictures,
    headline=_headline,
    lede=_lede,
)
