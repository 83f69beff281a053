"""Belkin, Hsu, Ma, Mandal 2019 (PNAS 116:15849), Figures 3 and 9: one hidden layer, with weights reused and without.

Paper: MNIST, n = 4,000, squared loss, SGD with momentum 0.95, at most 6,000 epochs, five repeats. Below the threshold,
where parameters = n K = 40,000 (50 hidden units), each network starts from the next smaller one that is trained, its
further weights N(0, 0.01), with 10 % smaller steps every 500 epochs; above it, each starts from random weights and
keeps its step size. The published curve is a U up to n K and falls off a cliff there. Without reuse (Fig. 9) double
descent is "still discernible". A public replication reads, in squared error averaged over outputs: with reuse 0.055 at
10 units, 0.104 at 50, 0.030 at 51 (random weights), 0.023 at 250; without reuse 0.041 at 10, about 0.027 just below 50,
0.031 at 51.

So the cliff stands where the way of training changes. Ours: both ways below n K, the random weights at every width, and
between them random weights trained exactly as the reused ones are (same schedule, same early end). Our losses are
summed over outputs: ten times the replication's, and its learning rate 0.01 is 0.001 here. The paper does not say its
learning rate or mini-batches; 0.001 and 128 are the replication's. Below n K, reused or trained as
those, a network is looked at after every tenth epoch and ends without an error on its training set. ``paper`` has six
replicates, not five: fewer leave the median's interval open.

After the first run, ``switch_is_training`` and ``switch_is_initialisation`` were corrected: they tested a difference
above zero where their words speak of what the drop is made of, and now test more than half of the drop. Then
``fresh_second_descent`` was corrected, which compared with one narrow width, not with the best below n K. And either
branch was found to fit its training set, by the rule of the whole package, far below n K: where is drawn now, and
``reuse_rises_to_fit`` and ``fresh_rises_to_fit`` ask for the rise there; that width is read from training losses alone.

Runtime on two cores: smoke 5 s, quick about a minute and a half (digits, n = 300, n K = 3,000), standard (MNIST,
n = 1,000) about half an hour; paper (n = 4,000) takes hours of one GPU.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import xarray as xr

from benign.curves import Finding
from benign.curves.claims import more_than_half_claim, no_peak_claim
from benign.curves.findings import without_number
from benign.curves.fitting_threshold import FittingThreshold, ThresholdOutcome
from benign.figures.comparisons import over_sizes
from benign.figures.figure import Figure, Judged, Picture, Surfaces
from benign.figures.measurement import Measurement
from benign.figures.network_drawing import curve_of, diverged_words, exactly, loss_limits, percent, test_and_train
from benign.foundation.number_words import format_number as number
from benign.networks.training import Training
from benign.plots import CurveDisplay, Mark, StackedDisplay
from benign.procedures import OneHiddenLayer
from benign.sources import digits, mnist
from benign.surface.sections import (
    along_size,
    at_size,
    landmarks_along_size,
    median_at_size,
    over_parameters,
    parameters_of,
    samples_of,
    sizes_of,
)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What one scale measures; committed before its first run. ``below`` are the widths below n K parameters."""

    images: Literal["digits", "mnist"]
    samples: int
    below: tuple[int, ...]
    above: tuple[int, ...]
    restarted: tuple[int, ...]
    epochs: int
    batch_size: int
    learning_rate: float
    replicates: int


SETTINGS = {
    "smoke": Settings(
        images="digits", samples=60, below=(2, 7), above=(8,), restarted=(7,), epochs=10, batch_size=30,
        learning_rate=0.01, replicates=4,
    ),
    "quick": Settings(
        images="digits", samples=300, below=(1, 2, 4, 6, 8, 12, 16, 20, 24, 28, 32, 36, 39),
        above=(40, 44, 48, 64, 96, 128, 256), restarted=(4, 8, 16, 24, 39), epochs=1500, batch_size=30,
        learning_rate=0.01, replicates=8,
    ),
    "standard": Settings(
        images="mnist", samples=1000, below=(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12),
        above=(13, 14, 16, 20, 28, 40, 64, 128), restarted=(1, 3, 6, 9, 12), epochs=6000, batch_size=128,
        learning_rate=0.001, replicates=8,
    ),
    "paper": Settings(
        images="mnist", samples=4000, below=(1, 3, 5, 7, 9, 10, 20, 30, 40, 45, 47, 49, 50),
        above=(51, 53, 55, 60, 70, 80, 90, 100, 110, 130, 150, 170, 200, 250), restarted=(5, 10, 20, 40, 50),
        epochs=6000, batch_size=128, learning_rate=0.001, replicates=6,
    ),
}  # fmt: skip
CLASSES = 10
WORDS = {
    "reuse": "weights reused",
    "fresh": "random weights",
    "restarted": "random weights, trained as the reused ones",
}


def _procedure(settings: Settings, name: str) -> OneHiddenLayer:
    is_fresh = name == "fresh"
    training = Training(
        loss="squared", optimizer="momentum", momentum=0.95, learning_rate=settings.learning_rate,
        schedule="constant" if is_fresh else "step_decay", stop_at_zero_error=not is_fresh,
        batch_size=settings.batch_size, epochs=settings.epochs,
    )  # fmt: skip
    return OneHiddenLayer(weight_reuse=settings.below if name == "reuse" else False, training=training)


def _declared(scale: str) -> Iterator[tuple[str, Measurement]]:
    """The surfaces ``reuse``, ``fresh`` and ``restarted`` at the end of training."""
    at = SETTINGS[scale]
    widths = {"reuse": at.below, "fresh": at.below + at.above, "restarted": at.restarted}
    for name, sizes in widths.items():
        yield name, Measurement(
            procedure=_procedure(at, name), source=digits() if at.images == "digits" else mnist(), part=WORDS[name],
            samples=[at.samples], sizes=sizes, replicates=at.replicates,
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class _Widths:
    """The widths that the claims are about; they follow from the numbers of parameters alone."""

    below: int
    above: int
    widest: int
    threshold: int


def _widths(surfaces: Surfaces) -> _Widths:
    fresh, reuse = surfaces["fresh"], surfaces["reuse"]
    threshold = CLASSES * samples_of(fresh)
    sizes, parameters = sizes_of(fresh).astype(int), parameters_of(fresh)
    return _Widths(
        below=int(sizes_of(reuse)[-1]), above=int(sizes[np.argmax(parameters >= threshold)]), widest=int(sizes[-1]),
        threshold=threshold,
    )  # fmt: skip


def _fit(surface: xr.Dataset) -> FittingThreshold | None:
    """The width from which on the training set is fitted: the interpolation threshold of one branch, if it has one."""
    return landmarks_along_size(surface, "test_loss", estimator="median").threshold


def _findings(surfaces: Surfaces) -> tuple[Finding, ...]:
    return (
        *_loss_findings(surfaces),
        *_cause_findings(surfaces),
        *_error_findings(surfaces),
        no_peak_claim(
            name="fresh_no_peak",
            claim="With random weights at every width, the test loss has no peak of 25 % or more",
            landmarks=landmarks_along_size(surfaces["fresh"], "test_loss"),
            paper='double descent "still discernible" without reuse (Fig. 9)',
        ),
    )


def _loss_findings(surfaces: Surfaces) -> tuple[Finding, ...]:
    at = _widths(surfaces)
    reuse, fresh = (over_sizes(surfaces[name], "test_loss") for name in ("reuse", "fresh"))
    rise = f"{at.below} units, the last below n K parameters, have a higher test loss than the best narrower width"
    return (
        reuse.rises(
            "reuse_rises", f"With weights reused, {rise}", at.below,
            paper="a U below n K; replication 0.055 at 10 units, 0.104 at 50",
        ),
        fresh.rises(
            "fresh_rises", f"With random weights, {rise}", at.below,
            paper='"still discernible" (Fig. 9); replication 0.041 at 10 units, about 0.027 at 50',
        ),
        reuse.higher(
            "drop_at_the_switch",
            f"The published curve drops at n K: {at.below} units with weights reused have a higher test loss than "
            f"{at.above} units with random ones",
            at.below, at.above, on=fresh, paper="a cliff at n K; replication 0.104 at 50 units, 0.030 at 51",
        ),
        fresh.falls_below_the_best(
            "fresh_second_descent",
            f"With random weights, {at.widest} units have a lower test loss than the best width below n K parameters",
            at.widest, before=at.above,
            paper="beyond n K the risk falls below the bottom of the U; replication 0.041 at 10 units, 0.023 at 250",
        ),
        _rises_to_fit("reuse", surfaces["reuse"]),
        _rises_to_fit("fresh", surfaces["fresh"]),
    )  # fmt: skip


def _cause_findings(surfaces: Surfaces) -> tuple[Finding, ...]:
    """Of the drop from reused weights below n K to random ones above it, what is gone without going above."""
    at = _widths(surfaces)
    reuse, fresh, restarted = (at_size(surfaces[name], "test_loss", at.below) for name in WORDS)
    drop = reuse - at_size(surfaces["fresh"], "test_loss", at.above)
    return (
        more_than_half_claim(
            name="switch_is_training",
            claim=f"More than half of the drop at n K belongs to the way of training: the same {at.below} units with "
            "random weights lie below the middle of it",
            part=reuse - fresh, whole=drop, unit="loss",
            paper="replication 0.104 and about 0.027 at 50 units, 0.030 at 51; the paper does not compare them",
        ),
        more_than_half_claim(
            name="switch_is_initialisation",
            claim=f"More than half of the drop at n K belongs to the reused weights: the same {at.below} units with "
            "random weights, the same schedule and the same rule for an early end lie below the middle of it",
            part=reuse - restarted, whole=drop, unit="loss", paper="not in the paper",
        ),
    )  # fmt: skip


def _rises_to_fit(branch: str, surface: xr.Dataset) -> Finding:
    """That a branch's test loss rises up to the width from which on it fits its training set."""
    fit, name, paper = _fit(surface), f"{branch}_rises_to_fit", "not in the paper, whose U ends at n K parameters"
    words = f"With {WORDS[branch]}, the first width that fits the training set"
    rest = "has a higher test loss than the best narrower one"
    if fit is None or fit.outcome is ThresholdOutcome.ALL_FITTED:
        return without_number(name, f"{words} {rest}", "loss", "no such width", surface.sizes["replicate"], paper)
    claim = f"{words} ({fit.value:.0f} units) {rest}"
    return over_sizes(surface, "test_loss").rises(name, claim, int(fit.value), paper=paper)


def _error_findings(surfaces: Surfaces) -> tuple[Finding, ...]:
    at = _widths(surfaces)
    return tuple(
        over_sizes(surfaces[name], "test_error").rises(
            f"{name}_error_rises",
            f"With {WORDS[name]}, {at.below} units make more test errors than the best narrower width", at.below,
            paper="replication, accuracy with weights reused: 78.5 % at best below n K, 72.5 % at 50 units",
        )
        for name in ("reuse", "fresh")
    )  # fmt: skip


def _pictures(surfaces: Surfaces) -> tuple[Picture, ...]:
    return (_published_picture(surfaces), _error_picture(surfaces), _initialisation_picture(surfaces))


def _display(surfaces: Surfaces, kind: str, names: tuple[str, ...], *, with_train: bool) -> CurveDisplay:
    at = _widths(surfaces)
    lines, marks = [], []
    for condition, name in enumerate(names):
        section = over_parameters(surfaces[name])
        name_of = _SHORT[name]
        lines += [
            replace(line, name=f"{line.name}, {name_of}" if with_train else name_of, condition=condition)
            for line in test_and_train(section, kind)[: 1 + with_train]
        ]
        if with_train:
            marks += _fit_marks(surfaces[name], name_of) if kind == "loss" else []
    words = {"loss": "loss (squared error)", "error": "zero-one error"}[kind]
    display = curve_of(
        lines, "size", title=f"Test and train {kind}: weights reused, and random" if with_train else f"Test {kind}",
        x_label="number of parameters", y_label=words,
        threshold=exactly(at.threshold, "parameters = n K:"),
        y_limits=_limits(surfaces) if kind == "loss" and with_train else None,
        y_log=kind == "loss",
    )  # fmt: skip
    return replace(display, marks=tuple(marks))


def _fit_marks(surface: xr.Dataset, name: str) -> list[Mark]:
    """Where a branch first fits its training set, on the line of its training loss."""
    fit = _fit(surface)
    if fit is None:
        return []
    parameters = float(parameters_of(surface)[sizes_of(surface) == fit.value][0])
    value = median_at_size(surface, "train_loss", int(fit.value))
    return [Mark(position=parameters, value=value, label=f"{name} fits from {fit.value:.0f} units on:")]


_SHORT = {"reuse": "reused", "fresh": "random", "restarted": "random, same schedule"}


def _limits(surfaces: Surfaces) -> tuple[float, float] | None:
    return loss_limits(*(along_size(surfaces[name], "test_loss") for name in ("reuse", "fresh")))


def _published_picture(surfaces: Surfaces) -> Picture:
    at = _widths(surfaces)
    display = _display(surfaces, "loss", ("reuse", "fresh"), with_train=True)
    (reused,), random = _losses(surfaces["reuse"], (at.below,)), _losses(surfaces["fresh"], (at.below, at.above))
    sentence = (
        "The published curve takes the reused weights left of the line and the random ones right of it: "
        f"{reused} at {at.below} units, then {random[1]} at {at.above}; random weights have {random[0]} at the same "
        f"{at.below} units. The training set is first fitted, to within 2 %, "
        f"{_fit_words(surfaces, 'reuse')}; {_fit_words(surfaces, 'fresh')}."
    )
    return Picture(
        name="loss", heading="Where does the cliff of the published curve come from?", display=display,
        sentence=sentence,
        claims=(
            "reuse_rises", "drop_at_the_switch", "fresh_rises", "switch_is_training", "fresh_second_descent",
            "reuse_rises_to_fit", "fresh_rises_to_fit",
        ),
    )  # fmt: skip


def _losses(surface: xr.Dataset, widths: tuple[int, ...]) -> list[str]:
    """The median test loss at some widths."""
    return [number(median_at_size(surface, "test_loss", width)) for width in widths]


def _lowest(surface: xr.Dataset, metric: str, widest: int) -> tuple[int, float]:
    """The lowest median up to a width, after the width where it is; the first where no median is known."""
    widths = [int(width) for width in sizes_of(surface) if width <= widest]
    return min(((width, median_at_size(surface, metric, width)) for width in widths), key=lambda one: one[1])


def _fit_words(surfaces: Surfaces, branch: str) -> str:
    """Where a branch first fits its training set, and its test loss there and at its best below n K."""
    surface, below = surfaces[branch], _widths(surfaces).below
    fit, (lowest, best) = _fit(surface), _lowest(surface, "test_loss", below)
    low = f"lowest below n K: {number(best)} at {lowest}"
    if fit is None:
        return f"with {WORDS[branch]} at no width ({low})"
    first, last = fit.interval
    spread = "" if np.isnan(first) else f" ({first:.0f} to {last:.0f})"
    (there,) = _losses(surface, (int(fit.value),))
    return f"with {WORDS[branch]} at {fit.value:.0f} units{spread}, where the test loss is {there} ({low})"


def _error_picture(surfaces: Surfaces) -> Picture:
    at = _widths(surfaces)
    display = _display(surfaces, "error", ("reuse", "fresh"), with_train=True)
    branches = [surfaces[name] for name in ("reuse", "fresh")]
    last = [percent(median_at_size(surface, "test_error", at.below)) for surface in branches]
    best = [percent(_lowest(surface, "test_error", at.below)[1]) for surface in branches]
    sentence = (
        f"At {at.below} units the share of wrong test labels is {last[0]} with weights reused and {last[1]} with "
        f"random ones; the lowest below n K is {best[0]} and {best[1]}, and with random ones it is "
        f"{percent(median_at_size(surfaces['fresh'], 'test_error', at.widest))} at {at.widest}."
    )
    return Picture(
        name="zero_one_error", heading="Does it change the decisions?", display=display, sentence=sentence,
        claims=("reuse_error_rises", "fresh_error_rises"),
    )  # fmt: skip


def _initialisation_picture(surfaces: Surfaces) -> Picture:
    at = _widths(surfaces)
    names = ("reuse", "fresh", "restarted")
    panels = [_display(surfaces, kind, names, with_train=False) for kind in ("loss", "error")]
    display = StackedDisplay(title="Three ways to train the same networks", panels=tuple(panels))
    losses = [_losses(surfaces[name], (at.below,))[0] for name in names]
    sentence = (
        f"The same {at.below} units have a median test loss of {losses[0]} with weights reused, {losses[2]} with "
        f"random weights and otherwise the same training (smaller steps, an early end), and {losses[1]} with random "
        "weights trained to the end."
    )
    return Picture(
        name="initialisation", heading="Is it the reused weights, or the schedule that comes with them?",
        display=display, sentence=sentence, claims=("switch_is_initialisation", "fresh_no_peak"),
    )  # fmt: skip


def _answer(judged: Judged) -> str:
    if not judged.holds("drop_at_the_switch"):
        return "The published cliff at n K parameters was not confirmed in this measurement."
    if not judged.holds("switch_is_training"):
        return "The published curve drops at n K parameters; that training makes most of it was not confirmed."
    cause = "reused weights" if judged.holds("switch_is_initialisation") else "the training below it"
    if judged.holds("fresh_rises"):
        return f"Most of the cliff at n K parameters is made by {cause}; random weights rise there too."
    return f"Most of the cliff at n K parameters is made by {cause}, not by capacity."


def _lede(surfaces: Surfaces) -> str:
    at = _widths(surfaces)
    fresh = surfaces["fresh"]
    width, best = _lowest(surfaces["reuse"], "test_loss", at.below)
    (reused,), random = _losses(surfaces["reuse"], (at.below,)), _losses(fresh, (at.below, at.widest))
    return (
        f"One hidden layer, squared loss, n = {samples_of(fresh):,}, clean labels, {fresh.sizes['replicate']} "
        f"replicates. Median test loss: with weights reused {number(best)} at its lowest ({width} units) and {reused} "
        f"at {at.below}, the last below n K parameters; with random weights {random[0]} there, {random[1]} at "
        f"{at.widest}."
        f"{diverged_words(surfaces.values())}"
    )


FIGURE = Figure(
    name="belkin2019_network",
    title="The cliff of a network with one hidden layer, and what it is made of",
    paper="Belkin, Hsu, Ma, Mandal 2019",
    number="Figures 3 and 9",
    revision=2,
    primary_claims=("reuse_rises", "drop_at_the_switch", "fresh_second_descent"),
    declared=_declared,
    findings=_findings,
    pictures=_pictures,
    answer=_answer,
    lede=_lede,
)
