r"""The predictions of Barrett & Dherin 2021 on images and on MNIST-1D, under three fair conditions and an unfair one.

Paper (ICLR 2021, section 2 and 4): gradient descent of step size h follows the flow of E + lambda R_IG with
lambda = h m / 4, so that a larger lambda should (2.1) make R_IG smaller, find (2.2) flatter minima, that (2.3) err less
on test data and (2.4) are more robust to noise on the parameters. Its pictures show networks at their best test
accuracy, over learning rates .0005 to .5 and widths 50 to 1,600 on MNIST.

Ours: full-batch gradient descent, two hidden layers of ReLU units, cross-entropy, no label noise, so that lambda is all
that a learning rate changes. Networks are compared at equal physical time h x steps, one time of the flow that all of
them approximate; at equal training loss; there after *cooling*, 200 steps of .01, for beyond 2 / (top eigenvalue) an
iterate oscillates across the sharp direction, and R_IG is that oscillation; and R_IG, as in the paper, at the lowest
test error. At equal steps small rates are only trained less, which can "confirm" a prediction by itself: that is drawn
too, with the training loss tested beside it, so that nobody takes it for evidence. Over widths R_IG falls because it is
divided by the number of parameters m; m R_IG, the squared slope, is what may be compared.

Each claim is tested by Spearman's rank correlation with the learning rate within strata of width, mean over strata, by
the order-statistic interval of its median over replicates: six replicates hold a claim only if all of them do. Weights
are kept where ``BENIGN_KEEP_WEIGHTS`` names a folder; every measure is then computed again without training. Settings
come from pilots on another seed. Revision 2, after the first run: R_IG at the lowest test error was added; the edge is
claimed to be reached at 2, as its words say, where 1.5 was tested; two sentences and the headline follow.
Runtime on two cores: smoke less than ten seconds, quick three and a half minutes, standard seven; paper: one GPU.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import xarray as xr
from jaxtyping import Float

from benign.curves import Verdict
from benign.curves.equal_loss import at_loss
from benign.curves.rank_correlation import stratified_rank_correlation
from benign.experiments.declaration import Experiment
from benign.figures.claims import Claim, Judge, above, mean_within, read_from, secondary, with_test
from benign.figures.figure import Figure, Picture, Results
from benign.figures.measurement import Joined, over_learning_rates
from benign.figures.network_drawing import diverged_words, level, listed, tables_in_order
from benign.foundation.number_words import format_number
from benign.networks.training import Training
from benign.plots import CurveDisplay, Role, StackedDisplay, spread_sentence
from benign.sources import Source, mnist, mnist1d
from benign.surface.sections import diverged_and_trained, over_rates, parameters_of, rates_of, times_of

PREDICTIONS = {
    # metric: (name, what a larger learning rate should do, the paper's sentence)
    "gradient_penalty": ("penalty", "make R_IG smaller", "2.1: larger lambda, smaller R_IG"),
    "top_eigenvalue": ("eigenvalue", "lower the top Hessian eigenvalue", "2.2: flatter optima"),
    "adaptive_sharpness": ("adaptive", "lower the adaptive sharpness", "2.2: flatter optima"),
    "test_error": ("accuracy", "lower the test error", "2.3: higher test accuracy"),
    "test_error_under_noise": ("robustness", "lower the test error under noise on the parameters", "2.4: more robust"),
}
PRIMARY = ("images_eigenvalue_cooled", "images_accuracy_cooled", "images_penalty_cooled")
METRICS = (*PREDICTIONS, "train_loss_cooled", *(f"{name}_cooled" for name in PREDICTIONS))
SOURCES = {"images": "MNIST images", "signals": "MNIST-1D"}
FAIR = {"time": "equal time", "loss": "equal loss", "cooled": "equal loss, cooled"}
ROLES = {"time": Role.TRAIN, "loss": Role.TEST, "cooled": Role.REMEDY, "steps": Role.NORM}
LINES = {**FAIR, "steps": "equal steps"}
PICTURES = (
    # name, what larger steps may do, metric, conditions drawn, claims
    ("penalty", "leave a smaller gradient", "gradient_penalty", LINES, ("*_penalty_*", "*_trained_*", "*_slope_*")),
    ("flatness", "find flatter solutions", "top_eigenvalue", ("loss", "cooled"), ("*_eigenvalue_*", "*_adaptive_*")),
    ("test_error", "generalise better", "test_error", FAIR, ("*_accuracy_*",)),
    ("robustness", "find weights that 10 % noise harms less", "test_error_under_noise", FAIR, ("*_robustness_*",)),
)
EDGE = "Edge of stability"
STABLE = 2.0  # h x top eigenvalue, beyond which gradient descent on a quadratic diverges
MOST_LINES = 4  # that a picture tells apart


@dataclass(frozen=True, kw_only=True)
class Part:
    """What is measured of one source: widths, the strata, and learning rates, each twice the one before."""

    widths: tuple[int, ...]
    rates: tuple[float, ...]
    end: float  # physical time; recorded there and at its halves, as many as there are rates
    loss: float  # training loss at which networks are compared

    @property
    def times(self) -> tuple[float, ...]:
        """Recorded physical times."""
        return tuple(self.end / 2.0**k for k in reversed(range(len(self.rates))))


@dataclass(frozen=True, kw_only=True)
class Scale:
    """What one scale measures; committed before its first run."""

    samples: int
    replicates: int
    parts: Mapping[str, Part]  # by name of the source
    side: int = 7  # pixels of an image's side


_number = partial(format_number, digits=2)
_RATES = (0.0625, 0.125, 0.25, 0.5, 1.0)
_QUICK = {
    "images": Part(widths=(16, 64), rates=_RATES, end=128.0, loss=0.1),
    "signals": Part(widths=(32, 64), rates=_RATES[:4], end=256.0, loss=0.5),
}
_PAPER = {
    "images": Part(widths=(50, 100, 200, 400, 800, 1600), rates=(1 / 64, 1 / 32, *_RATES[:4]), end=128.0, loss=0.05),
    "signals": Part(widths=(50, 100, 200, 400), rates=(1 / 32, *_RATES[:4]), end=256.0, loss=0.5),
}
SCALES = {
    "smoke": Scale(samples=50, replicates=2, parts={"images": Part(widths=(8,), rates=(0.25, 0.5), end=8.0, loss=1.0)}),
    "quick": Scale(samples=1000, replicates=6, parts=_QUICK),
    "standard": Scale(samples=1000, replicates=12, parts=_QUICK),
    "paper": Scale(samples=4000, side=28, replicates=10, parts=_PAPER),
}


def _experiments(at: Scale) -> Iterator[Joined]:
    """One surface for each source, over learning rate, width and physical time."""
    from benign.procedures.solutions import Solutions

    sources: dict[str, Source] = {"images": mnist(side=at.side), "signals": mnist1d(test_samples=1000)}
    for name, part in at.parts.items():
        grid = partial(Experiment, source=sources[name], samples=at.samples, replicates=at.replicates, metrics=METRICS)
        grid, experiments = partial(grid, sizes=part.widths, times=part.times), []
        for rate in part.rates:
            training = Training(optimizer="sgd", batch_size=None, learning_rate=rate, steps=round(part.end / rate))
            solutions = Solutions(training=training, keep=os.environ.get("BENIGN_KEEP_WEIGHTS"))
            experiments.append(grid(name=f"{name}, learning rate {rate:g}", procedure=solutions))
        yield over_learning_rates(name, experiments, part.rates)


def under(surface: xr.Dataset, metric: str, condition: str, loss: float) -> Float[np.ndarray, "R S K"]:
    """A metric by replicate, width and learning rate under a condition.

    ``"time"``: at the last physical time. ``"steps"``: after the steps in which the largest learning rate gets there.
    ``"best"``: at each network's lowest test error, an oracle. ``"loss"`` and ``"cooled"``: where the training loss
    first falls to ``loss``, between two recordings in ratios but of what has zeros; see :func:`at_loss`.
    """
    times, rates, values = times_of(surface), rates_of(surface), over_rates(surface, metric)
    if condition == "time":
        return values[:, :, -1]
    if condition == "steps":
        places = [np.abs(times - times[-1] * rate / rates[-1]).argmin() for rate in rates]
        return values[:, :, places, range(len(rates))]
    if condition == "best":
        errors = np.nan_to_num(over_rates(surface, "test_error"), nan=np.inf)
        return np.take_along_axis(values, errors.argmin(axis=2, keepdims=True), axis=2)[:, :, 0]
    suffix = "_cooled" if condition == "cooled" else ""
    trained, values = (np.moveaxis(over_rates(surface, f"{name}{suffix}"), 2, -1) for name in ("train_loss", metric))
    return at_loss(trained, values, loss, by_ratio=bool(np.all(values[np.isfinite(values)] > 0.0)))


def stability(surface: xr.Dataset) -> Float[np.ndarray, "R S T K"]:
    """Top eigenvalue times h, which may not stay above 2 (Cohen et al. 2021)."""
    return over_rates(surface, "top_eigenvalue") * rates_of(surface)


def _claims(at: Scale) -> Iterator[Claim]:
    comparisons = [(metric, condition, words) for metric in PREDICTIONS for condition, words in FAIR.items()]
    comparisons += [
        ("gradient_penalty", "best", "at each network's lowest test error (oracle)"),
        ("gradient_penalty", "steps", "equal steps (unfair)"),
        ("train_loss", "steps", "equal steps"),
    ]
    unit = "h x highest recorded eigenvalue"  # at the largest learning rate, mean over widths
    for name, part in at.parts.items():
        for metric, condition, words in comparisons:
            short, does, paper = PREDICTIONS.get(metric, ("trained", "have trained further", ""))
            claim, judge = f"{name}_{short}_{condition}", _falls(name, metric, condition, part.loss)
            text = f"{SOURCES[name]}, {words}: larger learning rates {does}"
            paper = "the unfair comparison" if "unfair" in words else paper
            yield Claim(claim, text, judge, paper, claim in PRIMARY)
        highest = read_from(name, lambda one: stability(one)[..., -1].max(axis=2).mean(axis=1), unit)
        text = f"{SOURCES[name]}: at learning rate {part.rates[-1]:g} the top eigenvalue reaches 2 / h"
        judge = mean_within(highest, (STABLE, np.inf), test="Student t, level {level}, above 2")
        yield secondary(f"{name}_edge", text, judge, "sharpness hovers just above 2 / h (Cohen et al. 2021)")
        if len(part.widths) > 1:
            yield from _width_claims(name, part)


def _falls(name: str, metric: str, condition: str, loss: float) -> Judge:
    """That a measure falls as the learning rate rises."""
    measure, unit = partial(under, metric=metric, condition=condition, loss=loss), "rank correlation, sign changed"
    fall = read_from(name, lambda one: -stratified_rank_correlation(rates_of(one), measure(one)), unit)
    return with_test("Spearman correlation within strata of width", above(fall, statistic="median"))


def _width_claims(name: str, part: Part) -> Iterator[Claim]:
    """Narrowest against widest at the same learning rates and loss: R_IG, and R_IG times m."""

    def fall(surface: xr.Dataset, power: int) -> Float[np.ndarray, " R"]:
        penalty, m = np.log(under(surface, "gradient_penalty", "cooled", part.loss)), parameters_of(surface)
        return (penalty[:, 0] - penalty[:, -1] + power * np.log(m[0] / m[-1])).mean(axis=1)

    change = f"from {part.widths[0]} to {part.widths[-1]} hidden units"
    for short, what, power, paper in (
        ("penalty_width", "R_IG", 0, "larger networks, larger lambda, smaller R_IG"),
        ("slope_width", "m R_IG, the squared slope,", 1, ""),
    ):
        judge = above(read_from(name, partial(fall, power=power), "R_IG"), statistic="log ratio")
        yield secondary(f"{name}_{short}", f"{SOURCES[name]}, equal loss, cooled: {what} falls {change}", judge, paper)


def _pictures(results: Results[Scale]) -> Iterator[Picture]:
    for name, asks, metric, drawn, claims in PICTURES:
        what = "R_IG" if metric == "gradient_penalty" else metric.replace("_", " ")
        changes = [f"{_change(results, metric, one)} ({LINES[one]})" for one in ("cooled", "steps") if one in drawn]
        title = f"{what[0].upper()}{what[1:]} over learning rates"
        sentence = f"From the smallest to the largest learning rate, {what} changes by {listed(changes)}."
        panels = tuple(_over_rates(results, part, metric, what, drawn) for part in results.at.parts)
        display, about = StackedDisplay(title=title, panels=panels), results.claims(*claims)
        yield Picture(name, f"Do larger steps {asks}?", display, sentence, about)
    reached = []
    for name in results.at.parts:
        course = np.median(stability(results[name])[:, -1, :, -1], axis=0)
        reached.append(f"{_number(course.max())} at most and {_number(course[-1])} at the end on {SOURCES[name]}")
    edges = StackedDisplay(title=EDGE, panels=tuple(_edge_panel(results, name) for name in results.at.parts))
    sentence = "Gradient descent diverges where h times the top eigenvalue stays above 2: at the largest learning rate "
    sentence += f"it is, in the median, {listed(reached)}."
    yield Picture("edge", "What holds the large steps to flat regions?", edges, sentence, results.claims("*_edge"))


def _change(results: Results[Scale], metric: str, condition: str) -> str:
    """Of the widest network over the learning rates: ``"a factor of 0.52 on MNIST images and 0.4 on MNIST-1D"``."""
    is_error, changes = "error" in metric, []
    for name, part in results.at.parts.items():
        first, last = under(results[name], metric, condition, part.loss)[:, -1, [0, -1]].T
        change = float(np.mean(100.0 * (last - first)) if is_error else np.median(last / first))
        changes.append(f"{_number(change)}{' points' if is_error else ''} on {SOURCES[name]}")
    return f"{'' if is_error else 'a factor of '}{listed(changes)}"


def _over_rates(results: Results[Scale], name: str, metric: str, what: str, drawn: Iterable[str]) -> CurveDisplay:
    """A metric of the widest network over learning rates, a line for each condition."""
    part, rates = results.at.parts[name], np.array(results.at.parts[name].rates)
    lines = {LINES[one]: (ROLES[one], under(results[name], metric, one, part.loss)[:, -1]) for one in drawn}
    if metric == "top_eigenvalue":
        lines["2 / h"] = (Role.REFERENCE, STABLE / rates[None])
    return CurveDisplay.from_values(
        title="",
        positions=rates,
        values=lines,
        x_label="learning rate h",
        y_label=f"{what}, {SOURCES[name].removesuffix(' images')}",
        y_log="error" not in metric,
        caption=spread_sentence(results.at.replicates),
    )


def _edge_panel(results: Results[Scale], name: str) -> CurveDisplay:
    """That of the widest network along training, for the largest learning rates, as many as a picture tells apart."""
    part, values = results.at.parts[name], stability(results[name])[:, -1]
    times, shown = np.array(part.times), range(len(part.rates))[-MOST_LINES:]
    lines = {f"h = {part.rates[place]:g}": values[:, :, place] for place in shown}
    return CurveDisplay(
        title=EDGE,
        series=(*tables_in_order(times, lines), level(EDGE.lower(), times, STABLE)),
        x_label="physical time h x steps",
        y_label=f"h x top eigenvalue, {SOURCES[name].removesuffix(' images')}",
        caption=spread_sentence(results.at.replicates),
    )


def _headline(results: Results[Scale]) -> str:
    parts = list(results.at.parts)
    flat = {results.verdict(f"{name}_eigenvalue_cooled") for name in parts}
    first = "Whether larger steps find flatter solutions stays undecided"
    if flat == {Verdict.HOLDS}:
        first = "Larger steps find flatter solutions"
    elif Verdict.FAILS in flat:
        first = "That larger steps find flatter solutions fails"
    better = [SOURCES[name] for name in parts if results.holds(f"{name}_accuracy_cooled")]
    if len(better) == len(parts):
        return f"{first}, and these generalise better at the same training loss."
    return f"{first}; that they generalise better is shown {'only on ' + better[0] if better else 'nowhere'}."


def _lede(results: Results[Scale]) -> str:
    runs = sum(diverged_and_trained(surface)[1] for surface in results.surfaces.values())
    levels = listed(f"{part.loss:g} on {SOURCES[name]}" for name, part in results.at.parts.items())
    return (
        f"{runs} networks trained by full-batch gradient descent, compared at equal physical time, at equal training "
        f"loss ({levels}), and there again after a few small steps.{diverged_words(results.surfaces.values())}"
    )


FIGURE = Figure(
    name="barrett2021_predictions",
    title="What the size of a step does to the solution",
    paper="Barrett & Dherin 2021, Implicit Gradient Regularization",
    number="predictions 2.1 to 2.4",
    revision=2,
    scales=SCALES,
    experiments=_experiments,
    claims=_claims,
    pictures=_pictures,
    headline=_headline,
    lede=_lede,
)
