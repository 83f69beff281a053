r"""The predictions of Barrett & Dherin 2021 on images and on MNIST-1D, under three fair conditions and an unfair one.

Paper (ICLR 2021, section 2 and 4): gradient descent of step size h follows the flow of E + lambda R_IG with
lambda = h m / 4, so that a larger lambda should (2.1) make R_IG smaller, find (2.2) flatter minima, that (2.3) err less
on test data and (2.4) are more robust to noise on the parameters. Its pictures show networks at their best test
accuracy, over learning rates .0005 to .5 and widths 50 to 1,600 on MNIST.

Ours: full-batch gradient descent, two hidden layers of ReLU units, cross-entropy, no label noise, so that lambda is all
that a learning rate changes. Every network is measured

* at equal physical time h x steps, which is one time of the flow that all of them approximate;
* at equal training loss; and R_IG, as in the paper, where each network's test error is lowest;
* at equal training loss after *cooling*: 200 steps of .01 from the iterate. Beyond 2 / (top eigenvalue) an iterate
  oscillates across the sharp direction, and R_IG there is that oscillation.

At equal numbers of steps small learning rates are only trained less, which can "confirm" a prediction by itself: that
comparison is drawn too, with the training loss tested beside it, so that nobody takes it for evidence. Over widths R_IG
falls because it is divided by the number of parameters m; m R_IG, the squared slope, is what may be compared.

Each claim is tested by Spearman's rank correlation with the learning rate within strata of width, mean over strata, by
the order-statistic interval of its median over replicates: six replicates hold a claim only if all of them do. Weights
are kept where ``BENIGN_KEEP_WEIGHTS`` names a folder; every measure is then computed again without training. Settings
come from pilots on another seed.

Revision 2, after the first run: R_IG at the lowest test error was added; the edge is claimed to be reached at 2, as its
words say, where 1.5 was tested; two sentences and the headline follow what was measured.

Runtime on two cores: smoke less than ten seconds, quick about three and a half minutes, standard
(twice the replicates) seven; paper is for one GPU.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from jaxtyping import Float

from benign.curves import Finding, Verdict, interval_claim, mean_interval, paired_claim
from benign.curves.findings import as_factor
from benign.curves.rank_correlation import stratified_rank_correlation
from benign.figures.equal_loss import at_loss
from benign.figures.figure import Figure, Judged, Picture, Surfaces
from benign.figures.measurement import Joined, Measurement, over_learning_rates
from benign.figures.network_drawing import bare, diverged_words, level
from benign.networks.training import Training
from benign.plots import CurveDisplay, Role, Series, StackedDisplay, series_from_replicates, spread_sentence
from benign.schema import LEARNING_RATE
from benign.sources import Source, mnist, mnist1d
from benign.surface.sections import over_rates, parameters_of, rates_of, sizes_of, times_of

KEEP_VARIABLE = "BENIGN_KEEP_WEIGHTS"
_MEASURES = (
    "gradient_penalty",
    "top_eigenvalue",
    "adaptive_sharpness",
    "test_error_under_noise",
)
METRICS = (
    *_MEASURES,
    *(f"{name}_cooled" for name in ("train_loss", "test_error", *_MEASURES)),
)
SOURCES = {"images": "MNIST images", "signals": "MNIST-1D"}
_SHORT = {"images": "MNIST", "signals": "MNIST-1D"}
CONDITIONS = {
    "time": "equal time",
    "loss": "equal loss",
    "cooled": "equal loss, cooled",
    "best": "lowest test error",
    "steps": "equal steps",
}
_MOST_LINES = 4  # that a picture tells apart
_STABLE = 2.0  # h x top eigenvalue, beyond which gradient descent on a quadratic diverges


@dataclass(frozen=True, kw_only=True)
class Part:
    """What is measured of one source.

    Attributes:
        widths: strata.
        rates: learning rates, each twice the one before.
        end: physical time; recorded there and at its halves, as many as there are rates.
        loss: training loss at which networks are compared.
    """

    widths: tuple[int, ...]
    rates: tuple[float, ...]
    end: float
    loss: float

    @property
    def times(self) -> tuple[float, ...]:
        """Recorded physical times."""
        return tuple(self.end / 2.0**k for k in reversed(range(len(self.rates))))


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What one scale measures; committed before its first run.

    Attributes:
        samples: n.
        side: pixels of an image's side.
        images: MNIST.
        signals: MNIST-1D.
        replicates: draws of data and initialisation.
        sources: those that are measured.
    """

    samples: int
    side: int
    images: Part
    signals: Part
    replicates: int
    sources: tuple[str, ...] = tuple(SOURCES)

    def source(self, name: str) -> Source:
        """The source of this name."""
        return mnist(side=self.side) if name == "images" else mnist1d(test_samples=1000)

    def part(self, name: str) -> Part:
        """What is measured of it."""
        return self.images if name == "images" else self.signals


_RATES = (0.0625, 0.125, 0.25, 0.5, 1.0)
_QUICK = Settings(
    samples=1000, side=7, replicates=6, images=Part(widths=(16, 64), rates=_RATES, end=128.0, loss=0.1),
    signals=Part(widths=(32, 64), rates=_RATES[:4], end=256.0, loss=0.5),
)  # fmt: skip
SETTINGS = {
    "smoke": Settings(
        samples=50, side=7, replicates=2, sources=("images",),
        images=Part(widths=(8,), rates=(0.25, 0.5), end=8.0, loss=1.0),
        signals=Part(widths=(8,), rates=(0.25, 0.5), end=8.0, loss=2.2),
    ),
    "quick": _QUICK,
    "standard": replace(_QUICK, replicates=12),
    "paper": Settings(
        samples=4000, side=28, replicates=10,
        images=Part(
            widths=(50, 100, 200, 400, 800, 1600), rates=(0.015625, 0.03125, *_RATES[:4]), end=128.0, loss=0.05
        ),
        signals=Part(widths=(50, 100, 200, 400), rates=(0.03125, *_RATES[:4]), end=256.0, loss=0.5),
    ),
}  # fmt: skip


def _declared(scale: str) -> Iterator[tuple[str, Joined]]:
    """One surface for each source, over learning rate, width and physical time."""
    from benign.procedures.solutions import Solutions

    settings = SETTINGS[scale]
    for name in settings.sources:
        at = settings.part(name)
        parts = [
            Measurement(
                procedure=Solutions(
                    training=Training(optimizer="sgd", batch_size=None, learning_rate=rate, steps=round(at.end / rate)),
                    keep=os.environ.get(KEEP_VARIABLE),
                ),
                source=settings.source(name), part=f"{name}, learning rate {rate:g}", samples=[settings.samples],
                sizes=at.widths, times=at.times, replicates=settings.replicates, metrics=METRICS,
            )
            for rate in at.rates
        ]  # fmt: skip
        yield name, over_learning_rates(parts, at.rates)


# Numbers -------------------------------------------------------------------------------------------------------------


def _loss_of(surface: xr.Dataset) -> float:
    """The training loss at which the networks of a surface are compared: that of its scale."""
    widths = tuple(sizes_of(surface).astype(int).tolist())
    parts = [part for settings in SETTINGS.values() for part in (settings.images, settings.signals)]
    times = times_of(surface)
    return next(part.loss for part in parts if part.widths == widths and part.end == times[-1])


def at_equal_steps(surface: xr.Dataset, metric: str) -> Float[np.ndarray, "R S K"]:
    """After the number of steps in which the largest learning rate reaches the last physical time."""
    rates, times = rates_of(surface), times_of(surface)
    steps = times[-1] / rates[-1]
    places = [int(np.argmin(np.abs(times - steps * rate))) for rate in rates]
    return np.stack([over_rates(surface, metric)[:, :, place, k] for k, place in enumerate(places)], axis=-1)


def at_equal_loss(surface: xr.Dataset, metric: str, loss: float, *, cooled: bool) -> Float[np.ndarray, "R S K"]:
    """Where the training loss first falls to ``loss``; NaN where it does not; see :func:`at_loss`.

    Between two recordings the logarithm of the metric is linear in that of the loss, or the metric where it has zeros.
    """
    suffix = "_cooled" if cooled else ""
    trained, values = (np.moveaxis(over_rates(surface, f"{name}{suffix}"), 2, -1) for name in ("train_loss", metric))
    if np.all(values[np.isfinite(values)] > 0.0):
        return np.exp(at_loss(trained, np.log(values), loss))
    return at_loss(trained, values, loss)


def at_best_error(surface: xr.Dataset, metric: str) -> Float[np.ndarray, "R S K"]:
    """At each network's recorded time of lowest test error, an oracle; where the paper reports R_IG."""
    place = np.argmin(np.nan_to_num(over_rates(surface, "test_error"), nan=np.inf), axis=2)
    return np.take_along_axis(over_rates(surface, metric), place[:, :, None], axis=2)[:, :, 0]


def under(surface: xr.Dataset, metric: str, condition: str) -> Float[np.ndarray, "R S K"]:
    """A metric by replicate, width and learning rate under one of :data:`CONDITIONS`."""
    if condition == "time":
        return over_rates(surface, metric)[:, :, -1]
    if condition == "steps":
        return at_equal_steps(surface, metric)
    if condition == "best":
        return at_best_error(surface, metric)
    return at_equal_loss(surface, metric, _loss_of(surface), cooled=condition == "cooled")


# Findings ------------------------------------------------------------------------------------------------------------

_PREDICTIONS = {
    # metric: (name, what a larger learning rate should do, the paper's sentence)
    "gradient_penalty": ("penalty", "make R_IG smaller", "2.1: larger lambda, smaller R_IG"),
    "top_eigenvalue": ("eigenvalue", "lower the top Hessian eigenvalue", "2.2: flatter optima"),
    "adaptive_sharpness": ("adaptive", "lower the adaptive sharpness", "2.2: flatter optima"),
    "test_error": ("accuracy", "lower the test error", "2.3: higher test accuracy"),
    "test_error_under_noise": ("robustness", "lower the test error under noise on the parameters", "2.4: more robust"),
}


def _falls_claim(name: str, claim: str, setting: Float[np.ndarray, " K"], values: Float[np.ndarray, "R S K"],
                 paper: str) -> Finding:  # fmt: skip
    correlation = stratified_rank_correlation(setting, values)
    finding = paired_claim(
        name=name,
        claim=claim,
        differences=-correlation,
        unit="rank correlation, sign changed",
        paper=paper,
        statistic="median",
    )
    return replace(finding, test=f"Spearman correlation within strata of width, {finding.test}")


def _findings(surfaces: Surfaces) -> tuple[Finding, ...]:
    return tuple(finding for name in surfaces for finding in _findings_of(name, surfaces[name]))


def _findings_of(name: str, surface: xr.Dataset) -> tuple[Finding, ...]:
    rates, word = rates_of(surface), SOURCES[name]
    findings = [
        _falls_claim(
            f"{name}_{short}_{condition}", f"{word}, {CONDITIONS[condition]}: larger learning rates {what}", rates,
            under(surface, metric, condition), paper,
        )
        for metric, (short, what, paper) in _PREDICTIONS.items()
        for condition in ("time", "loss", "cooled")
    ]  # fmt: skip
    findings.append(
        _falls_claim(
            f"{name}_penalty_best",
            f"{word}, at each network's lowest test error (oracle): larger learning rates make R_IG smaller", rates,
            under(surface, "gradient_penalty", "best"), _PREDICTIONS["gradient_penalty"][2],
        )
    )  # fmt: skip
    findings.append(
        _falls_claim(
            f"{name}_penalty_steps", f"{word}, equal steps (unfair): larger learning rates make R_IG smaller", rates,
            under(surface, "gradient_penalty", "steps"), "the unfair comparison",
        )
    )  # fmt: skip
    findings.append(
        _falls_claim(
            f"{name}_trained_steps", f"{word}, equal steps: larger learning rates have trained further", rates,
            under(surface, "train_loss", "steps"), "",
        )
    )  # fmt: skip
    return (*findings, _edge_claim(name, surface), *_width_claims(name, surface))


def _edge_claim(name: str, surface: xr.Dataset) -> Finding:
    """At the largest learning rate of the grid the top eigenvalue rises to about 2 / h (Cohen et al. 2021)."""
    rate = rates_of(surface)[-1]
    highest = rate * np.max(over_rates(surface, "top_eigenvalue")[..., -1], axis=2).mean(axis=1)
    return interval_claim(
        name=f"{name}_edge", claim=f"{SOURCES[name]}: at learning rate {rate:g} the top eigenvalue reaches 2 / h",
        estimate=float(highest.mean()), interval=mean_interval(highest), allowed=(_STABLE, np.inf),
        unit="h x highest recorded eigenvalue", replicates=len(highest),
        test="Student t, level 0.95, above 2", paper="sharpness hovers just above 2 / h (Cohen et al. 2021)",
    )  # fmt: skip


def _width_claims(name: str, surface: xr.Dataset) -> tuple[Finding, ...]:
    """Narrowest against widest at the same learning rates and loss: R_IG, and R_IG times m."""
    if surface.sizes["size"] < 2:
        return ()
    penalty = np.log(under(surface, "gradient_penalty", "cooled"))
    m = parameters_of(surface)
    difference = penalty[:, 0] - penalty[:, -1]
    word, change = SOURCES[name], f"from {sizes_of(surface)[0]:.0f} to {sizes_of(surface)[-1]:.0f} hidden units"
    claims = (
        ("penalty_width", "R_IG", 0.0, "larger networks, larger lambda, smaller R_IG"),
        ("slope_width", "m R_IG, the squared slope,", np.log(m[0] / m[-1]), ""),
    )
    return tuple(
        as_factor(
            paired_claim(
                name=f"{name}_{short}", claim=f"{word}, equal loss, cooled: {what} falls {change}",
                differences=(difference + shift).mean(axis=1), statistic="log ratio", paper=paper,
            ),
            "R_IG",
        )
        for short, what, shift, paper in claims
    )  # fmt: skip


# Pictures ------------------------------------------------------------------------------------------------------------


def _lines(surface: xr.Dataset, metric: str, conditions: tuple[str, ...]) -> tuple[Series, ...]:
    """One line for each condition over learning rates, at the widest network."""
    roles = {"time": Role.TRAIN, "loss": Role.TEST, "cooled": Role.REMEDY, "steps": Role.NORM}
    return tuple(
        series_from_replicates(CONDITIONS[c], rates_of(surface), under(surface, metric, c)[:, -1], roles[c])
        for c in conditions
    )


def _over_rates(
    surfaces: Surfaces, metric: str, label: str, conditions: tuple[str, ...], *, title: str, y_log: bool,
    reference: bool = False,
) -> StackedDisplay:  # fmt: skip
    """Images above MNIST-1D."""
    panels = []
    for name, surface in surfaces.items():
        series = _lines(surface, metric, conditions)
        if reference:
            rates = rates_of(surface)
            series = (*series, bare("2 / h", rates, _STABLE / rates, Role.REFERENCE))
        panels.append(
            CurveDisplay(
                title=title, series=series, x_label="learning rate h", y_label=f"{label}, {_SHORT[name]}", x_log=True,
                y_log=y_log, caption=spread_sentence(surface.sizes["replicate"]), position_name="learning rates",
            )
        )  # fmt: skip
    return StackedDisplay(title=title, panels=tuple(panels))


def _ratio_words(surface: xr.Dataset, metric: str, condition: str) -> str:
    """How many times larger the measure is at the largest than at the smallest learning rate."""
    values = under(surface, metric, condition)[:, -1]
    ratio = np.median(values[:, -1] / values[:, 0])
    return "an unknown factor of" if not np.isfinite(ratio) else f"{ratio:.2g} times"


def _change_words(surfaces: Surfaces, metric: str) -> str:
    """By how many points an error changes from the smallest to the largest learning rate, cooled, on each source."""
    words = []
    for name, surface in surfaces.items():
        values = under(surface, metric, "cooled")[:, -1]
        words.append(f"{100.0 * float(np.mean(values[:, -1] - values[:, 0])):+.1f} points on {SOURCES[name]}")
    return " and ".join(words)


def _width_names(surfaces: Surfaces) -> tuple[str, ...]:
    """The claims over widths, of those surfaces that have several."""
    return tuple(
        f"{name}_{claim}"
        for name, surface in surfaces.items()
        for claim in ("penalty_width", "slope_width")
        if surface.sizes["size"] > 1
    )


def _claims(surfaces: Surfaces, *shorts: str) -> tuple[str, ...]:
    conditions = ("time", "loss", "cooled")
    return tuple(f"{name}_{short}_{c}" for name in surfaces for short in shorts for c in conditions)


def _pictures(surfaces: Surfaces) -> tuple[Picture, ...]:
    return (
        _penalty_picture(surfaces),
        _flatness_picture(surfaces),
        _error_picture(surfaces),
        _robustness_picture(surfaces),
        _edge_picture(surfaces),
    )


def _penalty_picture(surfaces: Surfaces) -> Picture:
    display = _over_rates(
        surfaces, "gradient_penalty", "R_IG", ("time", "loss", "cooled", "steps"), title="R_IG over learning rates",
        y_log=True,
    )  # fmt: skip
    images = surfaces["images"]
    sentence = (
        f"From the smallest to the largest learning rate R_IG of the images' networks becomes "
        f"{_ratio_words(images, 'gradient_penalty', 'loss')} what it was at equal training loss, "
        f"{_ratio_words(images, 'gradient_penalty', 'cooled')} after cooling and "
        f"{_ratio_words(images, 'gradient_penalty', 'steps')} at equal steps, where small rates are trained less."
    )
    claims = (
        *_claims(surfaces, "penalty"),
        *(f"{name}_{c}" for name in surfaces for c in ("penalty_best", "penalty_steps", "trained_steps")),
    )
    return Picture(
        name="penalty", heading="Does a larger step leave a smaller gradient?", display=display, sentence=sentence,
        claims=(*claims, *_width_names(surfaces)),
    )  # fmt: skip


def _flatness_picture(surfaces: Surfaces) -> Picture:
    display = _over_rates(
        surfaces, "top_eigenvalue", "top eigenvalue", ("loss", "cooled"), title="Top Hessian eigenvalue",
        y_log=True, reference=True,
    )  # fmt: skip
    words = [
        f"{_ratio_words(surface, 'top_eigenvalue', 'cooled')} on {SOURCES[name]}" for name, surface in surfaces.items()
    ]
    sentence = (
        "At equal training loss after cooling, the top eigenvalue at the largest learning rate is that at the smallest "
        f"{' and '.join(words)}; it may not stay above 2 / h."
    )
    return Picture(
        name="flatness", heading="Are the solutions of larger steps flatter?", display=display, sentence=sentence,
        claims=_claims(surfaces, "eigenvalue", "adaptive"),
    )  # fmt: skip


def _error_picture(surfaces: Surfaces) -> Picture:
    display = _over_rates(
        surfaces, "test_error", "test error", ("time", "loss", "cooled"), title="Test error over learning rates",
        y_log=False,
    )  # fmt: skip
    sentence = (
        "At equal training loss after cooling, the largest learning rate against the smallest changes the test error "
        f"by {_change_words(surfaces, 'test_error')}."
    )
    return Picture(
        name="test_error", heading="Do larger steps generalise better?", display=display, sentence=sentence,
        claims=_claims(surfaces, "accuracy"),
    )  # fmt: skip


def _robustness_picture(surfaces: Surfaces) -> Picture:
    display = _over_rates(
        surfaces, "test_error_under_noise", "test error under noise", ("time", "loss", "cooled"),
        title="Test error with noise on the parameters", y_log=False,
    )  # fmt: skip
    sentence = (
        "With every parameter multiplied by 1 + noise of standard deviation 0.1, at equal training loss after cooling, "
        "the largest learning rate against the smallest changes the test error by "
        f"{_change_words(surfaces, 'test_error_under_noise')}."
    )
    return Picture(
        name="robustness", heading="Are the solutions of larger steps more robust?", display=display, sentence=sentence,
        claims=_claims(surfaces, "robustness"),
    )  # fmt: skip


def _edge_picture(surfaces: Surfaces) -> Picture:
    panels = []
    for name, surface in surfaces.items():
        table, times = over_rates(surface, "top_eigenvalue"), times_of(surface)
        rates = rates_of(surface)[-_MOST_LINES:]
        series = [
            series_from_replicates(
                f"h = {rate:g}", times, rate * table[:, -1, :, k - len(rates)], Role.TEST, condition=k
            )
            for k, rate in enumerate(rates)
        ]
        panels.append(
            CurveDisplay(
                title="Edge of stability", series=(*series, level("edge of stability", times, _STABLE)),
                x_label="physical time h x steps", y_label=f"h x top eigenvalue, {_SHORT[name]}", x_log=True,
                y_log=True, caption=spread_sentence(surface.sizes["replicate"]), position_name="times",
            )
        )  # fmt: skip
    words = []
    for name, surface in surfaces.items():
        course = rates_of(surface)[-1] * np.median(over_rates(surface, "top_eigenvalue")[:, -1, :, -1], axis=0)
        words.append(f"{course.max():.2g} at most and {course[-1]:.2g} at the end on {SOURCES[name]}")
    sentence = (
        "h times the top eigenvalue may not stay above 2, where gradient descent across the sharp direction diverges: "
        f"at the largest learning rate its median is {' and '.join(words)}."
    )
    return Picture(
        name="edge", heading="What holds the large steps to flat regions?",
        display=StackedDisplay(title="Edge of stability", panels=tuple(panels)), sentence=sentence,
        claims=tuple(f"{name}_edge" for name in surfaces),
    )  # fmt: skip


def _answer(judged: Judged) -> str:
    flat = {judged.verdicts[f"{name}_eigenvalue_cooled"] for name in judged.surfaces}
    if flat == {Verdict.HOLDS}:
        first = "Larger steps find flatter solutions"
    elif Verdict.FAILS in flat:
        first = "That larger steps find flatter solutions fails"
    else:
        first = "Whether larger steps find flatter solutions stays undecided"
    better = [SOURCES[name] for name in judged.surfaces if judged.holds(f"{name}_accuracy_cooled")]
    if len(better) == len(judged.surfaces):
        return f"{first}, and these generalise better at the same training loss."
    return f"{first}; that they generalise better is shown {'only on ' + better[0] if better else 'nowhere'}."


def _lede(surfaces: Surfaces) -> str:
    runs = sum(
        surface.sizes[LEARNING_RATE] * surface.sizes["size"] * surface.sizes["replicate"]
        for surface in surfaces.values()
    )
    levels = " and ".join(
        f"{_loss_of(surfaces[name]):g} on {word}" for name, word in SOURCES.items() if name in surfaces
    )
    return (
        f"{runs} networks trained by full-batch gradient descent, compared at equal physical time, at equal training "
        f"loss ({levels}), and there again after a few small steps." + diverged_words(surfaces.values())
    )


FIGURE = Figure(
    name="barrett2021_predictions",
    title="What the size of a step does to the solution",
    paper="Barrett & Dherin 2021, Implicit Gradient Regularization",
    number="predictions 2.1 to 2.4",
    revision=2,
    primary_claims=("images_eigenvalue_cooled", "images_accuracy_cooled", "images_penalty_cooled"),
    declared=_declared,
    findings=_findings,
    pictures=_pictures,
    answer=_answer,
    lede=_lede,
)
