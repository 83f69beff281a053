"""Do differently initialised networks find similar solutions? Over width and learning rate.

Claims: Fort, Hu, Lakshminarayanan 2019 (solutions of different initialisation are different functions); Entezari,
Sedghi, Saukh, Neyshabur 2022 and Ainsworth, Hayase, Srinivasa 2023 (wide ones are one solution up to a permutation of
hidden units: matched, the barrier between them falls with width); Kornblith, Norouzi, Lee, Hinton 2019 (wider networks
represent their inputs more alike); and that the regulariser which a finite step size h adds to the loss (Barrett &
Dherin 2021) picks among the solutions, so that at the same training loss those of larger steps agree more.

Ours: MNIST-1D without label noise, one hidden layer of ReLU units, for which the matching of hidden units is exact;
SGD of constant step size. Each replicate is a draw of the data, on which three networks are trained from their own
initial weights and mini-batches; what is compared is the mean over their three pairs. Every learning rate trains to the
same h x steps, which is the same time of gradient flow, and is also read off where its training loss first falls to a
level that all of them reach. Beside the disagreement stands that of two predictors with the same accuracies whose
mistakes are independent: a fall of the disagreement that only follows from fewer mistakes is none of that share.

A caution: the noise of mini-batches is part of what is compared. It moves weights about by more the larger the step,
which makes networks disagree; the claim on step sizes is about the sum of both.

Settings come from pilots on another seed, two draws of the data.

Runtime on two cores: smoke less than ten seconds, quick about two minutes, standard about ten; paper is for one GPU.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from operator import itemgetter

import numpy as np
import xarray as xr
from jaxtyping import Float

from benign.curves import Verdict
from benign.curves.equal_loss import at_loss
from benign.experiments.declaration import Experiment
from benign.figures.claims import Claim, Values, above, higher, primary, read_from, secondary
from benign.figures.courses import over_sizes
from benign.figures.figure import Figure, Picture, Results
from benign.figures.measurement import Joined
from benign.figures.network_drawing import Line, curve_of, diverged_words, exactly, in_order, percent, tables_in_order
from benign.foundation.number_words import format_number as number
from benign.networks.training import Training
from benign.plots import CurveDisplay, Role, spread_sentence
from benign.procedures import MLP
from benign.sources import mnist1d
from benign.surface.sections import along_time, at_end, median_of

METRICS = ("disagreement", "disagreement_independent", "representation_similarity", "barrier", "barrier_matched")
RECORDINGS = 30
_SHARE, _NEW = "share of test inputs", "not in the papers"


@dataclass(frozen=True, kw_only=True)
class Scale:
    """What one scale measures; committed before its first run.

    Attributes:
        samples: n.
        test_samples: on which predictions and representations are compared.
        widths: at the first and the last, claims on width are tested.
        rates: learning rates, rising; their middle one is that of the claims on width.
        flow_time: learning rate times epochs, the same for all.
        batch: samples a step.
        compared_width: at which the learning rates are compared.
        loss: training loss at which they are.
        networks: a replicate.
        replicates: draws of the data.
    """

    samples: int = 1000
    test_samples: int = 1000
    widths: tuple[int, ...]
    rates: tuple[float, ...] = (0.025, 0.1, 0.4)
    flow_time: float = 24.0
    batch: int = 50
    compared_width: int = 64
    loss: float = 0.5
    networks: int = 3
    replicates: int = 10

    @property
    def surfaces(self) -> dict[float, str]:
        """The names of the surfaces by learning rate."""
        return {rate: f"rate_{place}" for place, rate in enumerate(self.rates)}

    @property
    def middle(self) -> str:
        """The surface of the claims on width."""
        return self.surfaces[self.rates[len(self.rates) // 2]]


SCALES = {
    "smoke": Scale(
        samples=100, test_samples=100, widths=(6, 8), rates=(0.1, 0.4), flow_time=8.0, batch=25, compared_width=8,
        loss=1.0, networks=2, replicates=4,
    ),
    "quick": Scale(widths=(24, 64, 192), rates=(0.05, 0.15, 0.45), flow_time=22.5),
    "standard": Scale(widths=(16, 32, 64, 128, 256, 512)),
    "paper": Scale(samples=4000, widths=(32, 64, 128, 256, 512, 1024, 2048), compared_width=256, replicates=20),
}  # fmt: skip


def _experiments(at: Scale) -> Iterator[Joined]:
    """One surface over width and time for each learning rate."""
    from benign.procedures.repeated_mlp import RepeatedMLP

    grid = partial(Experiment, source=mnist1d(test_samples=at.test_samples), samples=[at.samples], sizes=at.widths)
    grid = partial(grid, replicates=at.replicates, metrics=METRICS)
    for rate, name in at.surfaces.items():
        epochs = round(at.flow_time / rate)
        training = Training(optimizer="sgd", learning_rate=rate, batch_size=at.batch, epochs=epochs)
        several = RepeatedMLP(mlp=MLP(depth=1, activation="relu", training=training), networks=at.networks)
        measured = grid(name=f"learning rate {rate:g}", procedure=several, times=training.log_spaced(RECORDINGS))
        yield Joined(name=name, experiments=[measured], join=itemgetter(0))


def metric_at_losses(
    surface: xr.Dataset, metric: str, width: int, losses: Float[np.ndarray, " L"]
) -> Float[np.ndarray, "replicates L"]:
    """A metric of one width where each replicate's training loss first falls to some levels; see :func:`at_loss`."""
    trained, values = (along_time(surface, name, width) for name in ("train_loss", metric))
    return np.stack([at_loss(trained, values, level) for level in losses.tolist()], axis=1)


def _claims(at: Scale) -> Iterator[Claim]:
    narrow, wide = at.widths[0], at.widths[-1]
    between = f"from {narrow} to {wide} hidden units"
    disagreement, independent = (over_sizes(at.middle, metric, unit=_SHARE) for metric in METRICS[:2])
    similarity = over_sizes(at.middle, "representation_similarity", unit="debiased CKA")
    apart, matched = (over_sizes(at.middle, metric, unit="train loss (nats)") for metric in METRICS[3:])
    falls, text = disagreement.higher(narrow, wide), f"Two networks disagree less {between}"
    yield secondary("disagreement_falls", text, falls, _NEW)
    agree, text = independent.higher(wide, wide, on=disagreement), "two networks agree more than their accuracies force"
    yield secondary("agree_beyond_accuracy", f"At {wide} hidden units {text}", agree, _NEW)
    text, paper = f"Hidden layers are represented more alike {between}", "wider networks are more alike"
    yield primary("similarity_rises", text, similarity.higher(wide, narrow), f"{paper} (Kornblith et al. 2019)")
    text = f"Matching the hidden units lowers the barrier between two networks of {wide} hidden units"
    lower, paper = apart.higher(wide, wide, on=matched), "conjectured to remove it (Entezari et al. 2022)"
    yield primary("matching_lowers_barrier", text, lower, paper)
    text, paper = f"With hidden units matched, the barrier falls {between}", "falls with width (Ainsworth et al. 2023)"
    yield primary("matched_barrier_falls", text, matched.higher(narrow, wide), paper)
    yield from _claims_on_steps(at)


def _claims_on_steps(at: Scale) -> Iterator[Claim]:
    """That networks of larger steps agree more: at equal loss, then beyond accuracy, then at equal time of the flow."""
    ends = [at.surfaces[rate] for rate in (at.rates[0], at.rates[-1])]
    change = f"from learning rate {at.rates[0]:g} to {at.rates[-1]:g}"
    loss, pair = f"At training loss {at.loss:g},", f"two networks of {at.compared_width} hidden units"

    def at_equal_loss(metric: str) -> list[Values]:
        read = partial(metric_at_losses, metric=metric, width=at.compared_width, losses=np.array([at.loss]))
        return [read_from(name, lambda surface: read(surface)[:, 0], _SHARE) for name in ends]

    (small, large), independent = at_equal_loss("disagreement"), at_equal_loss("disagreement_independent")
    beyond = above((small - large) - (independent[0] - independent[1]))
    falls = f"the disagreement of {pair} falls by more than that of independent mistakes does"
    first, last = (over_sizes(name, "disagreement", unit=_SHARE).at(at.compared_width) for name in ends)
    at_the_end = f"After the same h x steps, {pair} disagree less {change}"
    yield secondary("steps_make_agree", f"{loss} {pair} disagree less {change}", higher(small, than=large), _NEW)
    yield secondary("steps_make_agree_beyond_accuracy", f"{loss} {falls} {change}", beyond, _NEW)
    yield secondary("steps_make_agree_at_the_end", at_the_end, higher(first, than=last), _NEW)


def _pictures(results: Results[Scale]) -> Iterator[Picture]:
    at, end = results.at, at_end(results[results.at.middle])
    widths, line = f"{at.widths[0]} and {at.widths[-1]} hidden units", partial(Line, section=end)
    mistakes = line(metric="disagreement_independent", name="independent mistakes", role=Role.REFERENCE)
    error = line(metric="test_error", name="test error", role=Role.TRAIN)
    lines = [line(metric="disagreement", name="measured"), mistakes, error]
    yield Picture(
        "disagreement",
        "Do two networks give the same answers?",
        curve_of(lines, "size", title="Disagreement of two networks after training", y_label=_SHARE),
        f"Two networks trained on the same data disagree on a median {_ends(results, 'disagreement')} of the test "
        f"inputs at {widths}; independent mistakes of as many give {_ends(results, 'disagreement_independent')}.",
        ("disagreement_falls", "agree_beyond_accuracy"),
    )
    yield _rate_picture(results)
    matched = line(metric="barrier_matched", name="matched", role=Role.REMEDY)
    lines, title = (
        [line(metric="barrier", name="as trained"), matched],
        "Loss barrier on the straight line between two networks",
    )
    yield Picture(
        "barrier",
        "Is it one solution with its hidden units in another order?",
        curve_of(lines, "size", title=title, y_label="rise of the train loss (nats)"),
        f"The median barrier is {_ends(results, 'barrier', number)} at {widths}; with the hidden units matched it is "
        f"{_ends(results, 'barrier_matched', number)}.",
        ("matching_lowers_barrier", "matched_barrier_falls"),
    )
    sections = {f"rate {rate:g}": at_end(results[name]) for rate, name in at.surfaces.items()}
    lines, title = in_order(sections, "representation_similarity"), "Similarity of the hidden layers of two networks"
    yield Picture(
        "similarity",
        "Do two networks see the inputs alike?",
        curve_of(lines, "size", title=title, y_label="debiased linear CKA"),
        f"At the middle learning rate the median similarity is {_ends(results, 'representation_similarity', number)} "
        f"at {widths}; 1 is the same up to a rotation and a factor.",
        ("similarity_rises",),
    )


def _ends(results: Results[Scale], metric: str, words: Callable[[float], str] = percent) -> str:
    """Medians at the narrowest and the widest network."""
    course, widths = over_sizes(results.at.middle, metric), results.at.widths
    return " and ".join(words(course.median(results.surfaces, width)) for width in (widths[0], widths[-1]))


def _rate_picture(results: Results[Scale]) -> Picture:
    at, surfaces = results.at, {rate: results[name] for rate, name in results.at.surfaces.items()}
    lowest = max(np.max(along_time(one, "train_loss", at.compared_width).min(axis=1)) for one in surfaces.values())
    losses = np.geomspace(min(lowest, at.loss), 0.6 * np.log(10.0), 12)
    read = partial(metric_at_losses, metric="disagreement", width=at.compared_width)
    display = CurveDisplay(
        title=f"Disagreement on the way to a training loss, {at.compared_width} hidden units",
        series=tables_in_order(losses, {f"rate {rate:g}": read(one, losses=losses) for rate, one in surfaces.items()}),
        threshold=exactly(at.loss, "compared at training loss"),
        x_label="training loss (nats), falls along training",
        y_label=_SHARE,
        y_log=False,
        caption=spread_sentence(at.replicates),
        position_name="levels",
    )
    first, *_, last = (percent(median_of(read(one, losses=np.array([at.loss])))) for one in surfaces.values())
    sentence = (
        f"At a training loss of {at.loss:g} the median disagreement is {first} with the learning rate {at.rates[0]:g} "
        f"and {last} with {at.rates[-1]:g}."
    )
    return Picture(
        "learning_rate", "Do larger steps make networks agree?", display, sentence, results.claims("steps_*")
    )


def _headline(results: Results[Scale]) -> str:
    if not results.holds("disagreement_falls"):
        return "That wider networks agree more on test inputs was not confirmed in this measurement."
    steps = {
        Verdict.HOLDS: "larger steps make them agree more at equal training loss",
        Verdict.FAILS: "larger steps make them agree less at equal training loss",
        Verdict.UNDECIDED: "whether larger steps do the same stays undecided",
    }[results.verdict("steps_make_agree")]
    return f"Wider networks agree more on what they predict; {steps}."


def _lede(results: Results[Scale]) -> str:
    at = results.at
    return (
        f"MNIST-1D, n = {at.samples:,}, one hidden layer, {at.networks} networks on each of {at.replicates} draws of "
        f"the data. Median disagreement of two networks at {at.widths[0]} and {at.widths[-1]} hidden units: "
        f"{_ends(results, 'disagreement')}.{diverged_words(results.surfaces.values())}"
    )


FIGURE = Figure(
    name="similar_solutions",
    title="Do differently initialised networks find similar solutions?",
    paper="Entezari, Sedghi, Saukh, Neyshabur 2022",
    number="the conjecture, with Barrett & Dherin 2021",
    revision=1,
    scales=SCALES,
    experiments=_experiments,
    claims=_claims,
    pictures=_pictures,
    headline=_headline,
    lede=_lede,
)
