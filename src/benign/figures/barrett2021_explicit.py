r"""The regulariser of a finite step, written into the loss: E + mu R_IG at a small step against larger steps.

Paper (Barrett & Dherin 2021, ICLR, sections 3 and 4): gradient descent of step size h follows the flow of
E + lambda R_IG with lambda = h m / 4, m parameters and :math:`R_{IG} = |\nabla E|^2 / m`; what a large step does
implicitly, an explicit penalty mu R_IG does at a small one, and its networks have a smaller R_IG, flatter minima and a
smaller test error. Geiping et al. (2021) make full-batch descent as good as SGD with it. Karakida et al. (2023) compute
the penalty's gradient by a finite difference, :math:`(\nabla E(\theta + \epsilon \nabla E) - \nabla E(\theta)) /
\epsilon`, :math:`\epsilon` = .01 here, and report that it generalises better than double backpropagation.

Ours: MNIST images, full-batch gradient descent, two hidden layers of ReLU units, cross-entropy, no label noise. The
penalties are those that larger steps stand for, mu = (h' - h) m / 4 at the small step h, so that each but the strongest
has its own partner: a network trained with the step h' and without a penalty, whose E + lambda R_IG is the same. The
strongest stands for a step with which training fails. All start from the same weights. Compared are

* whether the strongest penalty against none lowers R_IG, the top eigenvalue and the test error, at equal time
  h x steps, at equal training loss E (without the penalty), and there after *cooling*: 200 steps of .01 without it;
* how much of what a larger step changes in E along training its penalty reproduces;
* whether the larger step finds what its penalty finds, or more;
* double backpropagation against the finite difference, on ReLU and on tanh units. A finite difference crosses kinks of
  ReLU units, a derivative does not see them.

Settings come from pilots on another seed, one to three draws of the data. Those of paper have not been tried.

Runtime on two cores: smoke less than ten seconds, quick about three minutes, standard (twice the replicates) six;
paper is for one GPU.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import xarray as xr
from jaxtyping import Float

from benign.curves import Finding, higher_claim
from benign.figures.equal_loss import at_loss
from benign.figures.figure import Figure, Judged, Picture, Surfaces
from benign.figures.measurement import Measurement
from benign.figures.network_drawing import diverged_words, level
from benign.foundation.number_words import format_number as number
from benign.networks.training import Training
from benign.plots import CurveDisplay, Role, Series, StackedDisplay, series_from_replicates, spread_sentence
from benign.sources import mnist
from benign.surface.sections import along_time, parameters_of, samples_of, sizes_of, times_of

COOLED_METRICS = tuple(
    f"{name}{suffix}"
    for name in ("train_loss", "test_error", "gradient_penalty", "top_eigenvalue")
    for suffix in ("", "_cooled")
)
PATH_METRICS = ("train_loss", "train_loss_cooled")
CONDITIONS = {"time": "equal time", "loss": "equal training loss", "cooled": "equal training loss, cooled"}
# A larger step is reproduced by its penalty if this share of what it changes is; two ways of computing one penalty
# agree if they differ by less than this share of what the penalty changes.
REPRODUCED_SHARE = 0.5
AGREEMENT_SHARE = 0.1
_LOGARITHMIC = ("gradient_penalty", "top_eigenvalue")  # compared by their ratios


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What one scale measures; committed before its first run.

    Attributes:
        samples: n.
        side: pixels of an image's side.
        width: units of each hidden layer.
        rate: the small learning rate h.
        steps: larger learning rates h', rising, each trained and each the partner of a penalty.
        beyond: learning rates larger still, of which there is the penalty alone.
        times: recorded physical times.
        loss: training loss at which networks are compared.
        replicates: draws of data and initialisation.
        has_tanh: whether the ways of computing a penalty are compared on tanh units too; their programs take long to
            compile.
    """

    samples: int
    side: int
    width: int
    rate: float
    steps: tuple[float, ...]
    beyond: tuple[float, ...]
    times: tuple[float, ...]
    loss: float
    replicates: int
    has_tanh: bool = True

    @property
    def strengths(self) -> tuple[float, ...]:
        """The penalties mu / m, from none."""
        return (0.0, *((step - self.rate) / 4.0 for step in (*self.steps, *self.beyond)))

    @property
    def parameters(self) -> int:
        """The number of parameters m."""
        from benign.networks.dense import MLPFamily

        return MLPFamily(depth=2, activation="relu").parameters(self.width, inputs=self.side**2, outputs=10)

    def training(self, rate: float, strength: float = 0.0, *, by_difference: bool = False) -> Training:
        """Gradient descent up to the last time, with the penalty mu = ``strength`` m."""
        return Training(
            optimizer="sgd", batch_size=None, learning_rate=rate, steps=round(self.times[-1] / rate),
            gradient_penalty=strength * self.parameters,
            gradient_penalty_by="finite_difference" if by_difference else "double_backpropagation",
        )  # fmt: skip

    def measurement(
        self, name: str, training: Training, metrics: tuple[str, ...], activation: Literal["relu", "tanh"] = "relu"
    ) -> Measurement:
        """The solutions that a training finds, over time."""
        from benign.procedures.solutions import Solutions

        return Measurement(
            procedure=Solutions(training=training, activation=activation), source=mnist(side=self.side), part=name,
            samples=[self.samples], sizes=[self.width], times=self.times, replicates=self.replicates, metrics=metrics,
        )  # fmt: skip


_QUICK = Settings(
    samples=500, side=7, width=64, rate=0.0625, steps=(0.25, 0.5, 1.0), beyond=(2.0,),
    times=(4.0, 8.0, 16.0, 32.0, 48.0, 64.0), loss=0.1, replicates=8,
)  # fmt: skip
SETTINGS = {
    "smoke": Settings(
        samples=50, side=7, width=8, rate=0.25, steps=(0.5,), beyond=(), times=(2.0, 4.0, 8.0), loss=1.8, replicates=2,
        has_tanh=False,
    ),
    "quick": _QUICK,
    "standard": replace(_QUICK, replicates=16),
    "paper": Settings(
        samples=4000, side=28, width=200, rate=0.0078125, steps=(0.125, 0.25, 0.5), beyond=(1.0,),
        times=(4.0, 8.0, 16.0, 32.0, 48.0, 64.0, 96.0, 128.0), loss=0.1, replicates=16,
    ),
}  # fmt: skip


def _declared(scale: str) -> Iterator[tuple[str, Measurement]]:
    """One surface over time for each penalty, for each larger step, and for the ways of computing a penalty."""
    settings = SETTINGS[scale]
    strengths, partnered = settings.strengths, settings.strengths[len(settings.steps)]
    by_difference = settings.training(settings.rate, partnered, by_difference=True)
    trainings = {
        **{f"penalty_{k}": settings.training(settings.rate, strength) for k, strength in enumerate(strengths)},
        **{f"step_{k}": settings.training(step) for k, step in enumerate(settings.steps, start=1)},
        "difference": by_difference,
    }
    for name, training in trainings.items():
        yield name, settings.measurement(name, training, COOLED_METRICS)
    if settings.has_tanh:
        tanh = {"none": settings.training(settings.rate), "penalty": trainings[f"penalty_{len(settings.steps)}"]}
        for name, training in {**tanh, "difference": by_difference}.items():
            yield f"tanh_{name}", settings.measurement(f"tanh_{name}", training, PATH_METRICS, activation="tanh")


# Numbers -------------------------------------------------------------------------------------------------------------


def strength_of(surface: xr.Dataset) -> float:
    """The explicit penalty mu / m that a surface was trained with: 0 for none."""
    mu = json.loads(surface.attrs["procedure"])["training"].get("gradient_penalty", 0.0)
    return float(mu) / float(parameters_of(surface)[0])


def rate_of(surface: xr.Dataset) -> float:
    """The learning rate that a surface was trained with."""
    return float(json.loads(surface.attrs["procedure"])["training"]["learning_rate"])


def _count_of(surfaces: Surfaces, kind: str) -> int:
    """How many surfaces are called ``kind``, an underscore and a number."""
    return sum(name.startswith(f"{kind}_") for name in surfaces)


def _path(surface: xr.Dataset, metric: str) -> Float[np.ndarray, "R T"]:
    return along_time(surface, metric, int(sizes_of(surface)[0]))


def _loss_of(surface: xr.Dataset) -> float:
    """The training loss at which the networks of a surface are compared: that of its scale."""
    measured = (samples_of(surface), int(sizes_of(surface)[0]))
    return next(s.loss for s in SETTINGS.values() if (s.samples, s.width) == measured)


def compared(surface: xr.Dataset, metric: str, condition: str) -> Float[np.ndarray, " R"]:
    """A metric, or the logarithm of one that is compared by ratios, under one of :data:`CONDITIONS`.

    Equal loss is where the training loss first falls to the level; see :func:`at_loss`.
    """
    suffix = "_cooled" if condition == "cooled" else ""
    trained, values = (_path(surface, f"{name}{suffix}") for name in ("train_loss", metric))
    with np.errstate(invalid="ignore", divide="ignore"):
        values = np.log(values) if metric in _LOGARITHMIC else values
    return values[:, -1] if condition == "time" else at_loss(trained / _loss_of(surface), values, 1.0)


def path_distance(one: xr.Dataset, other: xr.Dataset, metric: str = "train_loss") -> Float[np.ndarray, " R"]:
    """Mean over the recorded times of how far the logarithms of the training losses lie apart, in each replicate."""
    return np.abs(np.log(_path(one, metric)) - np.log(_path(other, metric))).mean(axis=1)


# Findings ------------------------------------------------------------------------------------------------------------

_MEASURES = {
    # metric: (name, what it is called)
    "gradient_penalty": ("penalty", "R_IG"),
    "top_eigenvalue": ("eigenvalue", "the top Hessian eigenvalue"),
    "test_error": ("accuracy", "the test error"),
}


def _findings(surfaces: Surfaces) -> tuple[Finding, ...]:
    return (
        *_penalty_claims(surfaces),
        *_step_claims(surfaces),
        *_path_claims(surfaces),
        *(_agreement_claim(units, surfaces) for units in _units_of(surfaces)),
    )


def _units_of(surfaces: Surfaces) -> tuple[str, ...]:
    """Those with which the ways of computing a penalty are compared."""
    return ("ReLU", "tanh") if "tanh_none" in surfaces else ("ReLU",)


def _computed(surfaces: Surfaces, units: str) -> tuple[str, str, str]:
    """The surfaces without a penalty, with it by double backpropagation, and by a finite difference."""
    if units == "tanh":
        return "tanh_none", "tanh_penalty", "tanh_difference"
    return "penalty_0", f"penalty_{_count_of(surfaces, 'step')}", "difference"


def _penalty_claims(surfaces: Surfaces) -> tuple[Finding, ...]:
    """The strongest penalty against none."""
    none, strong = surfaces["penalty_0"], surfaces[f"penalty_{_count_of(surfaces, 'penalty') - 1}"]
    return tuple(
        _lowers_claim(
            metric, none, strong, condition, name=f"{short}_{condition}",
            claim=f"The penalty {_strongest_words(surfaces)} lowers {words}, {CONDITIONS[condition]}",
            paper="explicit penalty: smaller R_IG, flatter minima, smaller test error",
        )
        for metric, (short, words) in _MEASURES.items()
        for condition in CONDITIONS
    )  # fmt: skip


def _lowers_claim(
    metric: str, without: xr.Dataset, with_it: xr.Dataset, condition: str, *, name: str, claim: str, paper: str
) -> Finding:
    """That a metric is lower in the second surface."""
    higher, lower = (compared(surface, metric, condition) for surface in (without, with_it))
    if metric in _LOGARITHMIC:
        higher, lower = np.exp(higher), np.exp(lower)
    return higher_claim(name=name, claim=claim, higher=higher, lower=lower, unit=_MEASURES[metric][1], paper=paper)


def _step_claims(surfaces: Surfaces) -> tuple[Finding, ...]:
    """The largest step that was trained against the small one, and against the penalty that it stands for."""
    k = _count_of(surfaces, "step")
    none, penalty, step = surfaces["penalty_0"], surfaces[f"penalty_{k}"], surfaces[f"step_{k}"]
    h = number(rate_of(step))
    findings = []
    for metric, (short, words) in _MEASURES.items():
        findings += [
            _lowers_claim(
                metric, other, step, "cooled", name=f"{short}_{name}",
                claim=f"The larger step h' = {h} lowers {words}{than}, {CONDITIONS['cooled']}", paper=paper,
            )
            for name, than, other, paper in (
                ("step", "", none, "larger steps do what the penalty does"),
                ("step_beyond_penalty", " below what its penalty leaves", penalty, ""),
            )
        ]  # fmt: skip
    return tuple(findings)


def _path_claims(surfaces: Surfaces) -> tuple[Finding, ...]:
    """For each larger step: that its penalty makes at least half of the difference that it makes in E."""
    none = surfaces["penalty_0"]
    findings = []
    for k in range(1, _count_of(surfaces, "step") + 1):
        step, penalty = surfaces[f"step_{k}"], surfaces[f"penalty_{k}"]
        for suffix, words in {"": "", "_cooled": ", cooled"}.items():
            metric = f"train_loss{suffix}"
            findings.append(
                higher_claim(
                    name=f"path_{k}{suffix}",
                    claim=f"The penalty at h = {number(rate_of(none))} reproduces more than half of what the step "
                    f"h' = {number(rate_of(step))} changes in the training loss over time{words}",
                    higher=path_distance(none, step, metric), lower=path_distance(penalty, step, metric),
                    factor=1.0 / (1.0 - REPRODUCED_SHARE), unit="distance",
                    paper="gradient descent follows E + (h m / 4) R_IG",
                )
            )  # fmt: skip
    return tuple(findings)


def _agreement_claim(units: str, surfaces: Surfaces) -> Finding:
    """That a finite difference does what double backpropagation does, up to a tenth of what that does."""
    none, penalty, difference = (surfaces[name] for name in _computed(surfaces, units))
    return higher_claim(
        name=f"agreement_{units.lower()}",
        claim=f"With {units} units, the penalty by finite difference and by double backpropagation differ over time by "
        "less than a tenth of what the penalty changes in the training loss",
        higher=path_distance(none, penalty), lower=path_distance(penalty, difference), factor=1.0 / AGREEMENT_SHARE,
        unit="distance", paper="the finite difference generalises better (Karakida et al. 2023)",
    )  # fmt: skip


# Pictures ------------------------------------------------------------------------------------------------------------


def _pictures(surfaces: Surfaces) -> tuple[Picture, ...]:
    return (_path_picture(surfaces), _flatness_picture(surfaces), _error_picture(surfaces))


def _caption(surfaces: Surfaces) -> str:
    return spread_sentence(surfaces["penalty_0"].sizes["replicate"])


def _path_picture(surfaces: Surfaces) -> Picture:
    """The training loss over time, against that without a penalty."""
    k = _count_of(surfaces, "step")
    step = number(rate_of(surfaces[f"step_{k}"]))
    panels = []
    for units in _units_of(surfaces):
        none, penalty, difference = (surfaces[name] for name in _computed(surfaces, units))
        series = [_excess(none, penalty, "penalty", Role.TEST), _excess(none, difference, "by difference", Role.REMEDY)]
        if units == "ReLU":
            series.append(_excess(none, surfaces[f"step_{k}"], f"step {step}", Role.TRAIN))
        panels.append(
            CurveDisplay(
                title="Training loss over time", series=tuple(series), x_label="physical time h x steps",
                y_label=f"E / E at mu = 0, {units}", x_log=True, y_log=False, caption=_caption(surfaces),
                position_name="times",
            )
        )  # fmt: skip
    sentence = (
        f"The training loss, after cooling, divided by that of the small step without a penalty (mu = 0). Where "
        f"gradient descent of step {step} follows the modified loss, it lies on the line of the penalty by double "
        "backpropagation; a finite difference also feels the kinks of ReLU units, and tanh units have none."
    )
    claims = (
        *(f"path_{i}{suffix}" for i in range(1, k + 1) for suffix in ("", "_cooled")),
        *(f"agreement_{units.lower()}" for units in _units_of(surfaces)),
    )
    return Picture(
        name="paths", heading="Does the penalty do what a larger step does?",
        display=StackedDisplay(title="Training loss over time", panels=tuple(panels)), sentence=sentence, claims=claims,
    )  # fmt: skip


def _excess(none: xr.Dataset, surface: xr.Dataset, name: str, role: Role) -> Series:
    ratio = _path(surface, "train_loss_cooled") / _path(none, "train_loss_cooled")
    return series_from_replicates(name, times_of(none), ratio, role)


def _over_strength(surfaces: Surfaces, metric: str, condition: str, y_label: str) -> CurveDisplay:
    """Against mu / m, each replicate against itself without a penalty at the small step.

    Ratios of what is compared by ratios, else differences in points; a larger step is drawn at the penalty that it
    stands for.
    """
    names = [f"penalty_{k}" for k in range(1, _count_of(surfaces, "penalty"))]
    steps = [f"step_{k}" for k in range(1, _count_of(surfaces, "step") + 1)]
    positions = np.array([strength_of(surfaces[name]) for name in names])
    none = compared(surfaces["penalty_0"], metric, condition)

    def drawn(some: list[str]) -> Float[np.ndarray, "R K"]:
        changes = np.stack([compared(surfaces[name], metric, condition) - none for name in some], axis=1)
        return np.exp(changes) if metric in _LOGARITHMIC else 100.0 * changes

    return CurveDisplay(
        title=y_label,
        series=(
            series_from_replicates("penalty", positions, drawn(names), Role.TEST),
            series_from_replicates("larger step", positions[: len(steps)], drawn(steps), Role.TRAIN),
            level("mu = 0", positions, 1.0 if metric in _LOGARITHMIC else 0.0),
        ),
        x_label="mu / m of the penalty; (h' - h) / 4 of the larger step h'", y_label=y_label, x_log=True, y_log=False,
        caption=_caption(surfaces), position_name="penalties",
    )  # fmt: skip


def _claims(*shorts: str) -> tuple[str, ...]:
    return tuple(f"{short}_{ending}" for short in shorts for ending in (*CONDITIONS, "step", "step_beyond_penalty"))


def _ratio_words(surfaces: Surfaces, kind: str) -> str:
    """The top eigenvalue of the strongest of a kind divided by that of neither, median over replicates."""
    strongest = surfaces[f"{kind}_{_count_of(surfaces, kind) - (kind == 'penalty')}"]
    of = [compared(surface, "top_eigenvalue", "cooled") for surface in (strongest, surfaces["penalty_0"])]
    ratio = float(np.exp(np.median(of[0] - of[1])))
    return "an unknown factor of" if np.isnan(ratio) else f"{number(ratio)} times"


def _flatness_picture(surfaces: Surfaces) -> Picture:
    panels = tuple(
        _over_strength(surfaces, metric, "cooled", f"{word} / at mu = 0")
        for metric, word in (("gradient_penalty", "R_IG"), ("top_eigenvalue", "eigenvalue"))
    )
    title = f"Flatness at equal training loss {number(_loss_of(surfaces['penalty_0']))}, cooled"
    sentence = (
        f"At the same training loss the strongest penalty leaves {_ratio_words(surfaces, 'penalty')} the top "
        f"eigenvalue of the network without it, the largest step {_ratio_words(surfaces, 'step')} that; what a step "
        "does beyond its penalty is not the work of E + (h m / 4) R_IG."
    )
    return Picture(
        name="flatness", heading="Does the penalty find flatter solutions?",
        display=StackedDisplay(title=title, panels=panels), sentence=sentence, claims=_claims("penalty", "eigenvalue"),
    )  # fmt: skip


def _error_picture(surfaces: Surfaces) -> Picture:
    panels = tuple(
        _over_strength(surfaces, "test_error", condition, f"points, {word}")
        for condition, word in (("time", "equal time"), ("cooled", "equal loss"))
    )
    strong = surfaces[f"penalty_{_count_of(surfaces, 'penalty') - 1}"]
    gap = compared(strong, "test_error", "cooled") - compared(surfaces["penalty_0"], "test_error", "cooled")
    points = float(100.0 * np.median(gap))
    change = "by an unknown amount" if np.isnan(points) else f"by {points:+.2f} points"
    sentence = (
        f"The strongest penalty changes the test error {change}, median over the replicates at equal training loss "
        "after cooling; above, all networks have trained for the same time."
    )
    return Picture(
        name="test_error", heading="Does the penalty generalise better?",
        display=StackedDisplay(title="Test error, in points above that at mu = 0", panels=panels), sentence=sentence,
        claims=_claims("accuracy"),
    )  # fmt: skip


def _answer(judged: Judged) -> str:
    words = {
        "penalty_loss": "smaller gradients", "eigenvalue_loss": "flatter solutions", "accuracy_loss": "fewer errors",
    }  # fmt: skip
    does = [word for name, word in words.items() if judged.holds(name)]
    flattens = judged.holds("eigenvalue_step_beyond_penalty")
    if does:
        more = "flatten more" if flattens else "are not shown to flatten more"
        return f"Explicit penalties find {', '.join(does)}; larger steps {more}."
    steps = "larger steps do flatten" if flattens else "nor are larger steps"
    return f"Explicit penalties are not shown to find smaller gradients, flatter solutions or fewer errors; {steps}."


def _strongest_words(surfaces: Surfaces) -> str:
    strong = surfaces[f"penalty_{_count_of(surfaces, 'penalty') - 1}"]
    return f"mu = {number(strength_of(strong))} m"


def _lede(surfaces: Surfaces) -> str:
    runs = sum(surface.sizes["replicate"] for surface in surfaces.values())
    none = surfaces["penalty_0"]
    return (
        f"{runs} networks of {int(parameters_of(none)[0]):,} parameters trained by full-batch gradient "
        f"descent on MNIST: with penalties at the learning rate {number(rate_of(none))}, and with the larger steps "
        "that the penalties stand for; compared at equal time and at the training loss "
        f"{number(_loss_of(none))}." + diverged_words(surfaces.values())
    )


FIGURE = Figure(
    name="barrett2021_explicit",
    title="The regulariser of a finite step, written into the loss",
    paper="Barrett & Dherin 2021, Implicit Gradient Regularization",
    number="explicit regularisation",
    revision=1,
    primary_claims=("penalty_loss", "eigenvalue_loss", "accuracy_loss"),
    declared=_declared,
    findings=_findings,
    pictures=_pictures,
    answer=_answer,
    lede=_lede,
)  # fmt: skip
