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
strongest stands for a step with which training fails. All start from the same weights. Networks are compared at equal
time h x steps, at equal training loss E (without the penalty), and there after *cooling*: 200 steps of .01 without it.
A finite difference crosses kinks of ReLU units, which a derivative does not see; tanh units have none.

Settings come from pilots on another seed, one to three draws of the data. Those of paper have not been tried.
Runtime on two cores: smoke less than ten seconds, quick about three minutes, standard six; paper is for one GPU.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import product

import numpy as np
import xarray as xr
from jaxtyping import Float

from benign.curves.equal_loss import at_loss
from benign.experiments.declaration import Experiment
from benign.figures.claims import Claim, Values, higher, read_from, secondary
from benign.figures.figure import Figure, Picture, Results
from benign.figures.network_drawing import diverged_words, level
from benign.foundation.number_words import format_number as number
from benign.networks.training import Training
from benign.plots import CurveDisplay, Role, StackedDisplay, series_from_replicates, spread_sentence
from benign.sources import mnist
from benign.surface.sections import along_time

MEASURES = {
    # metric: (name, what it is called, what less of it is)
    "gradient_penalty": ("penalty", "R_IG", "smaller gradients"),
    "top_eigenvalue": ("eigenvalue", "the top Hessian eigenvalue", "flatter solutions"),
    "test_error": ("accuracy", "the test error", "fewer errors"),
}
PATH_METRICS = ("train_loss", "train_loss_cooled")
COOLED_METRICS = (*PATH_METRICS, *MEASURES, *(f"{metric}_cooled" for metric in MEASURES))
CONDITIONS = {"time": "equal time", "loss": "equal training loss", "cooled": "equal training loss, cooled"}
BY_RATIO = ("gradient_penalty", "top_eigenvalue")
NONE = "penalty_0"  # the small step without a penalty


@dataclass(frozen=True, kw_only=True)
class Scale:
    """What one scale measures, committed before its first run; unless said, what quick does.

    Attributes:
        side: pixels of an image's side.
        width: units of each hidden layer.
        rate: the small learning rate h.
        steps: larger learning rates h', rising, each trained and each the partner of a penalty.
        beyond: learning rates larger still, of which there is the penalty alone.
        times: recorded physical times.
        loss: training loss at which networks are compared.
        has_tanh: whether a penalty's two gradients are compared on tanh units too, whose programs compile for long.
    """

    replicates: int
    samples: int = 500
    side: int = 7
    width: int = 64
    rate: float = 0.0625
    steps: tuple[float, ...] = (0.25, 0.5, 1.0)
    beyond: tuple[float, ...] = (2.0,)
    times: tuple[float, ...] = (4.0, 8.0, 16.0, 32.0, 48.0, 64.0)
    loss: float = 0.1
    has_tanh: bool = True

    @property
    def strengths(self) -> tuple[float, ...]:
        """The penalties mu / m, from none; the surface of each is called ``penalty_`` and its place."""
        return (0.0, *((step - self.rate) / 4.0 for step in (*self.steps, *self.beyond)))

    @property
    def computed(self) -> dict[str, tuple[str, ...]]:
        """By units, the surfaces without a penalty, with that of the largest step, by difference, and the step."""
        k = len(self.steps)
        relu = {"ReLU": (NONE, f"penalty_{k}", "difference", f"step_{k}")}
        return relu | ({"tanh": ("tanh_none", "tanh_penalty", "tanh_difference")} if self.has_tanh else {})

    @property
    def parameters(self) -> int:
        """The number of parameters m."""
        from benign.networks.dense import MLPFamily

        return MLPFamily(depth=2, activation="relu").parameters(self.width, inputs=self.side**2, outputs=10)

    def training(self, rate: float, strength: float = 0.0) -> Training:
        """Gradient descent up to the last time, with the penalty mu = ``strength`` m."""
        mu, steps = strength * self.parameters, round(self.times[-1] / rate)
        return Training(optimizer="sgd", batch_size=None, learning_rate=rate, steps=steps, gradient_penalty=mu)


SCALES = {
    "smoke": Scale(
        replicates=2, samples=50, width=8, rate=0.25, steps=(0.5,), beyond=(), times=(2.0, 4.0, 8.0), loss=1.8,
        has_tanh=False,
    ),
    "quick": Scale(replicates=8),
    "standard": Scale(replicates=16),
    "paper": Scale(
        replicates=16, samples=4000, side=28, width=200, rate=0.0078125, steps=(0.125, 0.25, 0.5), beyond=(1.0,),
        times=(4.0, 8.0, 16.0, 32.0, 48.0, 64.0, 96.0, 128.0),
    ),
}  # fmt: skip


def _experiments(at: Scale) -> Iterator[Experiment]:
    """One surface over time for each penalty, for each larger step, and for the ways of computing a penalty."""
    from benign.procedures.solutions import Solutions

    trainings = {f"penalty_{k}": at.training(at.rate, strength) for k, strength in enumerate(at.strengths)}
    trainings |= {f"step_{k}": at.training(step) for k, step in enumerate(at.steps, start=1)}
    penalty = trainings[f"penalty_{len(at.steps)}"]
    trainings["difference"] = replace(penalty, gradient_penalty_by="finite_difference")
    grid = partial(Experiment, source=mnist(side=at.side), samples=at.samples, sizes=at.width, times=at.times)
    grid = partial(grid, replicates=at.replicates)
    for name, training in trainings.items():
        yield grid(name=name, procedure=Solutions(training=training), metrics=COOLED_METRICS)
    for name, same in zip(at.computed.get("tanh", ()), at.computed["ReLU"], strict=False):
        tanh = Solutions(training=trainings[same], activation="tanh")
        yield grid(name=name, procedure=tanh, metrics=PATH_METRICS)


def compared(surface: xr.Dataset, metric: str, condition: str, loss: float) -> Float[np.ndarray, " R"]:
    """A metric under one of :data:`CONDITIONS`: at the end, or where the training loss first falls to ``loss``."""
    suffix = "_cooled" if condition == "cooled" else ""
    trained, values = (along_time(surface, f"{name}{suffix}") for name in ("train_loss", metric))
    if condition == "time":
        return values[:, -1]
    return at_loss(trained / loss, values, 1.0, by_ratio=metric in BY_RATIO)


def path_distance(one: xr.Dataset, other: xr.Dataset, metric: str = "train_loss") -> Float[np.ndarray, " R"]:
    """Mean over the recorded times of how far the logarithms of the training losses lie apart."""
    return np.abs(np.log(along_time(one, metric)) - np.log(along_time(other, metric))).mean(axis=1)


def _claims(at: Scale) -> Iterator[Claim]:
    strongest, (_, partner, _, step) = f"penalty_{len(at.strengths) - 1}", at.computed["ReLU"]
    paper = "explicit penalty: smaller R_IG, flatter minima, smaller test error"
    for (metric, (short, word, _)), (condition, words) in product(MEASURES.items(), CONDITIONS.items()):
        read = partial(_read, at, metric, condition)
        text = f"The penalty mu = {number(at.strengths[-1])} m lowers {word}, {words}"
        judge, is_primary = higher(read(NONE), than=read(strongest)), condition == "loss"
        yield Claim(f"{short}_{condition}", text, judge, paper, is_primary)
    words, paper = CONDITIONS["cooled"], "larger steps do what the penalty does"
    for metric, (short, word, _) in MEASURES.items():
        read = partial(_read, at, metric, "cooled")
        text = f"The larger step h' = {number(at.steps[-1])} lowers {word}"
        yield secondary(f"{short}_step", f"{text}, {words}", higher(read(NONE), than=read(step)), paper)
        text += f" below what its penalty leaves, {words}"
        yield secondary(f"{short}_step_beyond_penalty", text, higher(read(partner), than=read(step)))
    yield from _path_claims(at)


def _read(at: Scale, metric: str, condition: str, name: str) -> Values:
    return read_from(name, lambda surface: compared(surface, metric, condition, at.loss), MEASURES[metric][1])


def _path_claims(at: Scale) -> Iterator[Claim]:
    """How much of what a step changes in E its penalty does; and whether the ways of computing a penalty agree."""

    def apart(one: str, other: str, metric: str = "train_loss") -> Values:
        return Values(lambda surfaces: path_distance(surfaces[one], surfaces[other], metric), "distance")

    for (k, step), metric in product(enumerate(at.steps, start=1), PATH_METRICS):
        cooled, from_step = metric.removeprefix("train_loss"), partial(apart, f"step_{k}", metric=metric)
        text = f"The penalty at h = {number(at.rate)} reproduces more than half of what the step h' = {number(step)} "
        text += f"changes in the training loss over time{cooled.replace('_', ', ')}"
        judge = higher(from_step(NONE), than=from_step(f"penalty_{k}"), factor=2.0)
        yield secondary(f"path_{k}{cooled}", text, judge, "gradient descent follows E + (h m / 4) R_IG")
    for units, (none, penalty, difference, *_) in at.computed.items():
        text = f"With {units} units, the penalty by finite difference and by double backpropagation differ over time "
        text += "by less than a tenth of what the penalty changes in the training loss"
        judge = higher(apart(none, penalty), than=apart(penalty, difference), factor=10.0)
        paper = "the finite difference generalises better (Karakida et al. 2023)"
        yield secondary(f"agreement_{units.lower()}", text, judge, paper)


def change(results: Results[Scale], name: str, metric: str, condition: str = "cooled") -> Float[np.ndarray, " R"]:
    """Of a measure, each replicate against itself at the small step without a penalty: a factor, or points."""
    of, none = (compared(results[one], metric, condition, results.at.loss) for one in (name, NONE))
    return of / none if metric in BY_RATIO else 100.0 * (of - none)


def _pictures(results: Results[Scale]) -> Iterator[Picture]:
    at = results.at
    panels = tuple(_path_panel(results, units) for units in at.computed)
    paths = StackedDisplay(title="Training loss over time", panels=panels)
    sentence = (
        f"Training losses after cooling, divided by that at mu = 0: if descent of step {number(at.steps[-1])} follows "
        "the modified loss, it lies on the penalty's line; a finite difference also feels the kinks of ReLU units."
    )
    claims = results.claims("path_*", "agreement_*")
    yield Picture("paths", "Does the penalty do what a larger step does?", paths, sentence, claims)
    ratios = {"R_IG / at mu = 0": ("gradient_penalty",), "eigenvalue / at mu = 0": ("top_eigenvalue",)}
    flatness = _over_strength(results, f"Flatness at equal training loss {number(at.loss)}, cooled", ratios)
    strongest = f"penalty_{len(at.strengths) - 1}"
    penalty, step = (_median(results, one, "top_eigenvalue") for one in (strongest, at.computed["ReLU"][-1]))
    sentence = f"At the same training loss the top eigenvalue is {penalty} times that at mu = 0 with the strongest "
    sentence += f"penalty, {step} times with the largest step."
    claims = results.claims("penalty_*", "eigenvalue_*")
    yield Picture("flatness", "Does the penalty find flatter solutions?", flatness, sentence, claims)
    points = {"points, equal time": ("test_error", "time"), "points, equal loss": ("test_error", "cooled")}
    errors = _over_strength(results, "Test error, in points above that at mu = 0", points)
    sentence = "At the same training loss the strongest penalty changes the test error by "
    sentence += f"{_median(results, strongest, 'test_error')} points in the median."
    yield Picture("test_error", "Does the penalty generalise better?", errors, sentence, results.claims("accuracy_*"))


def _median(results: Results[Scale], *of: str) -> str:
    return number(float(np.median(change(results, *of))), digits=2)


def _path_panel(results: Results[Scale], units: str) -> CurveDisplay:
    """The training loss over time, against that without a penalty."""
    lines = {"penalty": Role.TEST, "by difference": Role.REMEDY, f"step {number(results.at.steps[-1])}": Role.TRAIN}
    none, *others = [along_time(results[name], "train_loss_cooled") for name in results.at.computed[units]]
    return CurveDisplay.from_values(
        title="Training loss over time",
        positions=np.array(results.at.times),
        values={name: (role, loss / none) for (name, role), loss in zip(lines.items(), others, strict=False)},
        x_label="physical time h x steps",
        y_label=f"E / E at mu = 0, {units}",
        y_log=False,
    )


def _over_strength(results: Results[Scale], title: str, panels: Mapping[str, tuple[str, ...]]) -> StackedDisplay:
    """Changes of a measure under a condition over mu / m; a larger step stands at the penalty that it stands for."""
    positions, displays = np.array(results.at.strengths[1:]), []
    for label, measure in panels.items():
        lines = []
        for kind, name, role in (("penalty", "penalty", Role.TEST), ("step", "larger step", Role.TRAIN)):
            of = [one for one in results.surfaces if one.startswith(kind) and one != NONE]
            changes = np.stack([change(results, one, *measure) for one in of], axis=1)
            lines.append(series_from_replicates(name, positions[: len(of)], changes, role))
        displays.append(
            CurveDisplay(
                title=label,
                series=(*lines, level("mu = 0", positions, 1.0 if measure[0] in BY_RATIO else 0.0)),
                x_label="mu / m of the penalty; (h' - h) / 4 of the larger step h'",
                y_label=label,
                y_log=False,
                caption=spread_sentence(results.at.replicates),
            )
        )
    return StackedDisplay(title=title, panels=tuple(displays))


def _headline(results: Results[Scale]) -> str:
    does = [less for short, _, less in MEASURES.values() if results.holds(f"{short}_loss")]
    flattens = results.holds("eigenvalue_step_beyond_penalty")
    if does:
        more = "flatten more" if flattens else "are not shown to flatten more"
        return f"Explicit penalties find {', '.join(does)}; larger steps {more}."
    steps = "larger steps do flatten" if flattens else "nor are larger steps"
    return f"Explicit penalties are not shown to find smaller gradients, flatter solutions or fewer errors; {steps}."


def _lede(results: Results[Scale]) -> str:
    at = results.at
    return (
        f"{len(results.surfaces) * at.replicates} networks of {at.parameters:,} parameters, gradient descent on MNIST: "
        f"with penalties at the learning rate {number(at.rate)}, and with the larger steps that these stand for; "
        f"compared at the training loss {number(at.loss)}.{diverged_words(results.surfaces.values())}"
    )


FIGURE = Figure(
    name="barrett2021_explicit",
    title="The regulariser of a finite step, written into the loss",
    paper="Barrett & Dherin 2021, Implicit Gradient Regularization",
    number="explicit regularisation",
    revision=1,
    scales=SCALES,
    experiments=_experiments,
    claims=_claims,
    pictures=_pictures,
    headline=_headline,
    lede=_lede,
)
