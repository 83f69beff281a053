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

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from jaxtyping import Float

from benign.curves import Finding, Verdict, higher_claim, paired_claim
from benign.figures.comparisons import Course, over_sizes
from benign.figures.equal_loss import at_loss
from benign.figures.figure import Figure, Judged, Picture, Surfaces
from benign.figures.measurement import Measurement
from benign.figures.network_drawing import Line, curve_of, diverged_words, exactly, in_order, percent
from benign.foundation.number_words import format_number as number
from benign.networks.training import Training
from benign.plots import CurveDisplay, Role, series_from_replicates, spread_sentence
from benign.procedures import MLP
from benign.sources import mnist1d
from benign.surface.displays import size_label
from benign.surface.sections import along_time, at_end, at_size, median_at_size, samples_of, sizes_of

METRICS = (
    "disagreement",
    "disagreement_independent",
    "representation_similarity",
    "barrier",
    "barrier_matched",
)
RECORDINGS = 30


@dataclass(frozen=True, kw_only=True)
class Settings:
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

    samples: int
    test_samples: int
    widths: tuple[int, ...]
    rates: tuple[float, ...]
    flow_time: float
    batch: int
    compared_width: int
    loss: float
    networks: int
    replicates: int

    def training(self, rate: float) -> Training:
        """How networks are trained at a learning rate."""
        return Training(optimizer="sgd", learning_rate=rate, batch_size=self.batch, epochs=round(self.flow_time / rate))

    def surface(self, rate: float) -> str:
        """The name of the surface of a learning rate."""
        return f"rate_{self.rates.index(rate)}"

    @property
    def middle(self) -> str:
        """The surface of the claims on width."""
        return self.surface(self.rates[len(self.rates) // 2])


_QUICK = Settings(
    samples=1000, test_samples=1000, widths=(24, 64, 192), rates=(0.05, 0.15, 0.45), flow_time=22.5, batch=50,
    compared_width=64, loss=0.5, networks=3, replicates=10,
)  # fmt: skip
SETTINGS = {
    "smoke": Settings(
        samples=100, test_samples=100, widths=(6, 8), rates=(0.1, 0.4), flow_time=8.0, batch=25, compared_width=8,
        loss=1.0, networks=2, replicates=4,
    ),
    "quick": _QUICK,
    "standard": replace(_QUICK, widths=(16, 32, 64, 128, 256, 512), rates=(0.025, 0.1, 0.4), flow_time=24.0),
    "paper": replace(
        _QUICK, samples=4000, widths=(32, 64, 128, 256, 512, 1024, 2048), rates=(0.025, 0.1, 0.4), flow_time=24.0,
        compared_width=256, replicates=20,
    ),
}  # fmt: skip


def _declared(scale: str) -> Iterator[tuple[str, Measurement]]:
    """One surface over width and time for each learning rate."""
    from benign.procedures.repeated_mlp import RepeatedMLP

    at = SETTINGS[scale]
    for rate in at.rates:
        mlp = MLP(depth=1, activation="relu", training=at.training(rate))
        yield at.surface(rate), Measurement(
            procedure=RepeatedMLP(mlp=mlp, networks=at.networks), source=mnist1d(test_samples=at.test_samples),
            part=f"learning rate {rate:g}", samples=[at.samples], sizes=at.widths, replicates=at.replicates,
            times=mlp.training.log_spaced(RECORDINGS), metrics=METRICS,
        )  # fmt: skip


def _settings_of(surfaces: Surfaces) -> Settings:
    """The settings that the surfaces were measured with: those of their widths."""
    widths = tuple(sizes_of(next(iter(surfaces.values()))).astype(int).tolist())
    return next(settings for settings in SETTINGS.values() if settings.widths == widths)


def metric_at_losses(
    surface: xr.Dataset, metric: str, width: int, losses: Float[np.ndarray, " L"]
) -> Float[np.ndarray, "replicates L"]:
    """A metric of one width where each replicate's training loss first falls to some levels; see :func:`at_loss`."""
    trained, values = (along_time(surface, name, width) for name in ("train_loss", metric))
    return np.stack([at_loss(trained, values, level) for level in losses.tolist()], axis=1)


# Findings ------------------------------------------------------------------------------------------------------------


def _findings(surfaces: Surfaces) -> tuple[Finding, ...]:
    return (*_width_findings(surfaces), *_rate_findings(surfaces))


def _width_findings(surfaces: Surfaces) -> tuple[Finding, ...]:
    at = _settings_of(surfaces)
    end, (narrow, wide) = at_end(surfaces[at.middle]), (at.widths[0], at.widths[-1])

    def of(metric: str, unit: str) -> Course:
        return over_sizes(end, metric, unit=unit, paper="not in the papers")

    between = f"from {narrow} to {wide} hidden units"
    disagreement, independent = (
        of(metric, "share of test inputs") for metric in ("disagreement", "disagreement_independent")
    )
    barrier, matched = (of(metric, "train loss (nats)") for metric in ("barrier", "barrier_matched"))
    return (
        disagreement.higher("disagreement_falls", f"Two networks disagree less {between}", narrow, wide),
        independent.higher(
            "agree_beyond_accuracy", f"At {wide} hidden units two networks agree more than their accuracies force",
            wide, wide, on=disagreement,
        ),
        of("representation_similarity", "debiased CKA").higher(
            "similarity_rises", f"Hidden layers are represented more alike {between}", wide, narrow,
            paper="wider networks are more alike (Kornblith et al. 2019)",
        ),
        barrier.higher(
            "matching_lowers_barrier",
            f"Matching the hidden units lowers the barrier between two networks of {wide} hidden units", wide, wide,
            on=matched, paper="conjectured to remove it (Entezari et al. 2022)",
        ),
        matched.higher(
            "matched_barrier_falls", f"With hidden units matched, the barrier falls {between}", narrow, wide,
            paper="falls with width (Ainsworth et al. 2023)",
        ),
    )  # fmt: skip


def _rate_findings(surfaces: Surfaces) -> tuple[Finding, ...]:
    at = _settings_of(surfaces)
    small, large = (surfaces[at.surface(rate)] for rate in (at.rates[0], at.rates[-1]))
    level, width = np.array([at.loss]), at.compared_width
    change = f"from learning rate {at.rates[0]:g} to {at.rates[-1]:g}"

    def of(surface: xr.Dataset, metric: str) -> Float[np.ndarray, " replicates"]:
        return metric_at_losses(surface, metric, width, level)[:, 0]

    def fall(metric: str) -> Float[np.ndarray, " replicates"]:
        return of(small, metric) - of(large, metric)

    return (
        higher_claim(
            name="steps_make_agree",
            claim=f"At training loss {at.loss:g}, two networks of {width} hidden units disagree less {change}",
            higher=of(small, "disagreement"), lower=of(large, "disagreement"), unit="share of test inputs",
            paper="not in the papers",
        ),
        paired_claim(
            name="steps_make_agree_beyond_accuracy",
            claim=f"At training loss {at.loss:g}, the disagreement of two networks of {width} hidden units falls by "
            f"more than that of independent mistakes does {change}",
            differences=fall("disagreement") - fall("disagreement_independent"), unit="share of test inputs",
            paper="not in the papers",
        ),
        higher_claim(
            name="steps_make_agree_at_the_end",
            claim=f"After the same h x steps, two networks of {width} hidden units disagree less {change}",
            higher=at_size(at_end(small), "disagreement", width),
            lower=at_size(at_end(large), "disagreement", width),
            unit="share of test inputs", paper="not in the papers",
        ),
    )  # fmt: skip


# Pictures ------------------------------------------------------------------------------------------------------------


def _pictures(surfaces: Surfaces) -> tuple[Picture, ...]:
    return (
        _disagreement_picture(surfaces),
        _rate_picture(surfaces),
        _barrier_picture(surfaces),
        _similarity_picture(surfaces),
    )


def _ends(surfaces: Surfaces, metric: str, form: str = "percent") -> tuple[str, str]:
    """Medians at the narrowest and the widest network."""
    at = _settings_of(surfaces)
    end = at_end(surfaces[at.middle])
    values = [median_at_size(end, metric, width) for width in (at.widths[0], at.widths[-1])]
    words = [percent(value) if form == "percent" else number(value) for value in values]
    return words[0], words[1]


def _disagreement_picture(surfaces: Surfaces) -> Picture:
    at = _settings_of(surfaces)
    end = at_end(surfaces[at.middle])
    display = curve_of(
        [
            Line(section=end, metric="disagreement", name="measured"),
            Line(section=end, metric="disagreement_independent", name="independent mistakes", role=Role.REFERENCE),
            Line(section=end, metric="test_error", name="test error", role=Role.TRAIN),
        ],
        "size", title="Disagreement of two networks after training", x_label=size_label(end),
        y_label="share of test inputs",
    )  # fmt: skip
    narrow, wide = _ends(surfaces, "disagreement")
    sentence = (
        f"Two networks trained on the same data disagree on a median {narrow} of the test inputs at {at.widths[0]} "
        f"hidden units and {wide} at {at.widths[-1]}; independent mistakes of as many would give "
        f"{_ends(surfaces, 'disagreement_independent')[1]} there."
    )
    return Picture(
        name="disagreement", heading="Do two networks give the same answers?", display=display, sentence=sentence,
        claims=("disagreement_falls", "agree_beyond_accuracy"),
    )  # fmt: skip


def _rate_picture(surfaces: Surfaces) -> Picture:
    at = _settings_of(surfaces)
    by_rate = {rate: surfaces[at.surface(rate)] for rate in at.rates}
    lowest = max(
        float(np.max(along_time(one, "train_loss", at.compared_width).min(axis=1))) for one in by_rate.values()
    )
    levels = np.geomspace(min(lowest, at.loss), 0.6 * np.log(10.0), 12)
    series = tuple(
        replace(
            series_from_replicates(
                f"rate {rate:g}", levels, metric_at_losses(one, "disagreement", at.compared_width, levels), Role.TEST
            ),
            condition=place,
        )
        for place, (rate, one) in enumerate(by_rate.items())
    )  # fmt: skip
    display = CurveDisplay(
        title=f"Disagreement on the way to a training loss, {at.compared_width} hidden units", series=series,
        threshold=exactly(at.loss, "compared at training loss"),
        x_label="training loss (nats), falls along training", y_label="share of test inputs", y_log=False,
        caption=spread_sentence(at.replicates), position_name="levels",
    )  # fmt: skip
    medians = [
        percent(float(np.nanmedian(metric_at_losses(one, "disagreement", at.compared_width, np.array([at.loss])))))
        for one in by_rate.values()
    ]
    sentence = (
        f"At a training loss of {at.loss:g} the median disagreement is {medians[0]} with the learning rate "
        f"{at.rates[0]:g} and {medians[-1]} with {at.rates[-1]:g}."
    )
    return Picture(
        name="learning_rate", heading="Do larger steps make networks agree?", display=display, sentence=sentence,
        claims=("steps_make_agree", "steps_make_agree_beyond_accuracy", "steps_make_agree_at_the_end"),
    )  # fmt: skip


def _barrier_picture(surfaces: Surfaces) -> Picture:
    at = _settings_of(surfaces)
    end = at_end(surfaces[at.middle])
    display = curve_of(
        [
            Line(section=end, metric="barrier", name="as trained"),
            Line(section=end, metric="barrier_matched", name="matched", role=Role.REMEDY),
        ],
        "size", title="Loss barrier on the straight line between two networks", x_label=size_label(end),
        y_label="rise of the train loss (nats)",
    )  # fmt: skip
    apart, matched = (_ends(surfaces, metric, "number") for metric in ("barrier", "barrier_matched"))
    sentence = (
        f"The median barrier is {apart[0]} at {at.widths[0]} hidden units and {apart[1]} at {at.widths[-1]}; with the "
        f"hidden units matched it is {matched[0]} and {matched[1]}."
    )
    return Picture(
        name="barrier", heading="Is it one solution with its hidden units in another order?", display=display,
        sentence=sentence, claims=("matching_lowers_barrier", "matched_barrier_falls"),
    )  # fmt: skip


def _similarity_picture(surfaces: Surfaces) -> Picture:
    at = _settings_of(surfaces)
    sections = {f"rate {rate:g}": at_end(surfaces[at.surface(rate)]) for rate in at.rates}
    display = curve_of(
        in_order(sections, "representation_similarity"), "size",
        title="Similarity of the hidden layers of two networks", x_label=size_label(surfaces[at.middle]),
        y_label="debiased linear CKA",
    )  # fmt: skip
    narrow, wide = _ends(surfaces, "representation_similarity", "number")
    sentence = (
        f"At the middle learning rate the median similarity goes from {narrow} at {at.widths[0]} hidden units to "
        f"{wide} at {at.widths[-1]}; 1 is the same up to a rotation and a factor."
    )
    return Picture(
        name="similarity", heading="Do two networks see the inputs alike?", display=display, sentence=sentence,
        claims=("similarity_rises",),
    )  # fmt: skip


def _answer(judged: Judged) -> str:
    if not judged.holds("disagreement_falls"):
        return "That wider networks agree more on test inputs was not confirmed in this measurement."
    steps = {
        Verdict.HOLDS: "larger steps make them agree more at equal training loss",
        Verdict.FAILS: "larger steps make them agree less at equal training loss",
        Verdict.UNDECIDED: "whether larger steps do the same stays undecided",
    }[judged.verdicts["steps_make_agree"]]
    return f"Wider networks agree more on what they predict; {steps}."


def _lede(surfaces: Surfaces) -> str:
    at = _settings_of(surfaces)
    middle = surfaces[at.middle]
    narrow, wide = _ends(surfaces, "disagreement")
    return (
        f"MNIST-1D, n = {samples_of(middle):,}, one hidden layer, {at.networks} networks on each of "
        f"{middle.sizes['replicate']} draws of the data. Median disagreement of two networks: {narrow} at "
        f"{at.widths[0]} hidden units, {wide} at {at.widths[-1]}.{diverged_words(surfaces.values())}"
    )


FIGURE = Figure(
    name="similar_solutions",
    title="Do differently initialised networks find similar solutions?",
    paper="Entezari, Sedghi, Saukh, Neyshabur 2022",
    number="the conjecture, with Barrett & Dherin 2021",
    revision=1,
    primary_claims=("similarity_rises", "matched_barrier_falls", "matching_lowers_barrier"),
    declared=_declared,
    findings=_findings,
    pictures=_pictures,
    answer=_answer,
    lede=_lede,
)
