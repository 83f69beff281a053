"""Barrett & Dherin 2021, "Implicit Gradient Regularization", Figure 1: paths of two parameters that fit one sample.

Paper: f(x) = a b x, E = (y - a b x)^2 / 2, start (2.8, 3.5). A small step h follows gradient flow; a moderate one
leaves it towards the flattest minimum and stays close to the flow of E + lambda R_IG with lambda = h m / 4 = h / 2;
explicit regularisation mu R_IG does the same at any step. Ours: x = 1, y = 0.6, h = 0.001, 0.025 and 0.1, mu = 0.5 (the
paper's own numbers were not at hand), heavy ball with beta = 0.5 at the same effective step, and many starts for the
claims.

Orders in h are a theorem and so a test of the package (``benign.implicit.backward_error_analysis``), not a finding;
they are drawn for this example. So are flatter minima of larger steps and of the penalty: the flow keeps a^2 - b^2,
which with a b decides the norm; a step multiplies it by 1 - (h r)^2, r being the residual, and the penalty shrinks it.
Claims are what the theory promises to leading order only: how near the modified flow comes at this step, and momentum.
After the first run ``moderate_is_flatter`` and ``explicit_is_flatter`` left them for that reason.

Runtime on two cores: smoke 2 s, quick 3 s. Needs no extra.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
import xarray as xr
from jaxtyping import Float

from benign.figures.claims import Claim, higher, primary
from benign.figures.courses import over_sizes
from benign.figures.figure import Figure, Picture, Results
from benign.figures.measurement import Made, made_here
from benign.foundation.number_words import format_number as number
from benign.foundation.randomness import generator
from benign.foundation.replicate import Replicate
from benign.implicit.flows.orders import fitted_order
from benign.implicit.flows.two_parameters import PAPER_START, PARAMETERS, TwoParameters
from benign.plots import CurveDisplay, PlaneDisplay, PlanePath, PlanePoint, Role
from benign.surface.arrays import surface_from_arrays
from benign.surface.sections import along_size


@dataclass(frozen=True, kw_only=True)
class Scale:
    """What one scale measures; committed before its first run."""

    starts: int


STARTS = {"smoke": 10, "quick": 50, "standard": 200, "paper": 1000}
SCALES = {name: Scale(starts=starts) for name, starts in STARTS.items()}
EXAMPLE = TwoParameters()
SMALL, MODERATE, LARGE, MU, BETA = 1e-3, 2.5e-2, 0.1, 0.5, 0.5
FLOWS = {"gradient_flow": 0.0, "modified_flow": MODERATE / 2.0}
DESCENTS = {
    "small_step": {"step_size": SMALL},
    "moderate_step": {"step_size": MODERATE},
    "explicit": {"step_size": SMALL, "penalty": MU},
    "heavy_ball": {"step_size": MODERATE * (1.0 - BETA), "momentum": BETA},
}
HORIZON = 40.0
LOWEST_START, HIGHEST_START = 1.0, 3.5
ORDER_TIME, ORDER_STEPS = 5.0, tuple(0.016 / 2**k for k in range(5))


def _experiments(at: Scale) -> Iterator[Made]:
    """One surface for each method."""
    for name in (*FLOWS, *DESCENTS):
        yield Made(name=name, make=partial(_surface, name, at.starts))


def _surface(name: str, count: int, seed: int) -> xr.Dataset:
    """Norm and loss at the end of a method's paths from many starts."""
    random, began = generator(seed, "starts of the two-parameter example"), time.perf_counter()
    ends = _ends(name, random.uniform(LOWEST_START, HIGHEST_START, (count, PARAMETERS)))
    rows = [Replicate(seed=seed, draw=0, initialisation=start, noise=0) for start in range(count)]
    columns = {"norm": np.linalg.norm(ends, axis=1), "train_loss": EXAMPLE.loss(ends[:, 0], ends[:, 1])}
    columns |= {"parameters": PARAMETERS, "train_loss_constant": np.zeros((count, 1))}  # it fits one sample exactly
    one_sample = {"source": "one sample", "name": "one sample", "label_noise": 0.0}
    told = made_here(f"two_parameters_{name}", one_sample) | {"seed": seed, "seconds": time.perf_counter() - began}
    told |= {"size_name": "parameters", "time_name": "step size times steps"}
    return surface_from_arrays(columns, size=PARAMETERS, time=HORIZON, samples=1, replicates=rows, attributes=told)


def _ends(name: str, starts: Float[np.ndarray, "R 2"]) -> Float[np.ndarray, "R 2"]:
    if name in FLOWS:
        end = np.array([HORIZON])
        return np.array([EXAMPLE.flow((float(a), float(b)), end, rate=FLOWS[name])[0] for a, b in starts])
    options = DESCENTS[name]
    steps = round(HORIZON / (options["step_size"] / (1.0 - options.get("momentum", 0.0))))
    return EXAMPLE.descend(starts, steps=steps, **options)[-1]


def _claims(_: Scale) -> Iterator[Claim]:
    names = ("gradient_flow", "modified_flow", "moderate_step", "heavy_ball")
    flow, modified, moderate, ball = (over_sizes(name, "norm", unit="norm").at(PARAMETERS) for name in names)
    yield primary(
        "modified_flow_is_nearer",
        f"At h = {MODERATE:g} gradient descent ends nearer to the modified flow than to gradient flow",
        higher(abs(moderate - flow), than=abs(moderate - modified), unit="distance"),
        paper="moderate steps follow the modified flow with lambda = h / 2 (Barrett & Dherin 2021, Fig. 1)",
    )
    yield primary(
        "momentum_is_flatter",
        f"Heavy ball (beta = {BETA:g}) ends at a smaller norm at the same effective step",
        higher(moderate, than=ball),
        paper="momentum penalises the gradient (1 + beta) / (1 - beta) times as much (Ghosh et al. 2023)",
    )


@cache
def paths() -> tuple[PlanePath, ...]:
    """The paths of the picture from the paper's start, each up to where nothing moves that could be seen."""
    times = np.concatenate([[0.0], np.geomspace(1e-4, HORIZON, 400)])
    flow = partial(EXAMPLE.flow, PAPER_START, times)
    return (
        PlanePath(name="gradient flow", points=flow()),
        PlanePath(name=f"modified flow, λ = {MODERATE / 2:g}", points=flow(rate=MODERATE / 2.0)),
        _descent(f"gradient descent, h = {MODERATE:g}", step_size=MODERATE),
        _descent(f"gradient descent, h = {LARGE:g}", step_size=LARGE),
        PlanePath(name=f"explicit, μ = {MU:g}", points=flow(rate=MU)),
        _descent(f"heavy ball, β = {BETA:g}", **DESCENTS["heavy_ball"]),
    )


def _descent(name: str, **options: float) -> PlanePath:
    """The steps as long as they are a thousandth away from the last one."""
    points = EXAMPLE.descend(PAPER_START, steps=3200, **options)
    away = np.flatnonzero(np.linalg.norm(points - points[-1], axis=1) > 1e-3)
    return PlanePath(name=name, points=np.concatenate([points[: away[-1] + 1], points[-1:]]), has_steps=True)


def _plane(title: str, low: tuple[float, float], high: tuple[float, float]) -> PlaneDisplay:
    a, b = (np.linspace(start, stop, 160) for start, stop in zip(low, high, strict=True))
    along, flattest = np.geomspace(0.1, 4.0, 300), EXAMPLE.flattest_minimum
    return PlaneDisplay(
        title=title,
        paths=paths(),
        x=a,
        y=b,
        values=np.asarray(EXAMPLE.loss(*np.meshgrid(a, b))),
        valley=(np.stack([along, EXAMPLE.y / EXAMPLE.x / along], axis=1),),
        valley_label="exact fits",
        points=(PlanePoint(label="flattest minimum, smallest norm", x=float(flattest[0]), y=float(flattest[1])),),
        x_label="parameter a",
        y_label="parameter b",
        caption=f"Dots: steps; h = {SMALL:g} would lie on gradient flow.",
    )


def order_display() -> CurveDisplay:
    """Distance of gradient descent to both flows by step size, from the paper's start."""
    values = {}
    for name, role, share in (("gradient flow", Role.TRAIN, 0.0), ("modified flow", Role.TEST, 0.5)):
        errors = np.array([_off_the_flow(h, rate=share * h) for h in ORDER_STEPS])
        order = fitted_order(np.array(ORDER_STEPS), errors, floor=1e-10)
        values[f"to the {name}: order {order.value:.2f}"] = (role, errors[None, ::-1])
    return CurveDisplay.from_values(
        title="Gradient descent follows the modified flow to one order more",
        positions=np.array(ORDER_STEPS[::-1]),
        values=values,
        x_label="step size h",
        y_label=f"distance at time {ORDER_TIME:g}",
        caption="Orders: least squares on log axes; by theory 1 and 2.",
    )


def _off_the_flow(h: float, *, rate: float) -> float:
    steps = round(ORDER_TIME / h)
    end = EXAMPLE.flow(PAPER_START, np.array([steps * h]), rate=rate)[0]
    return float(np.linalg.norm(EXAMPLE.descend(PAPER_START, step_size=h, steps=steps)[-1] - end))


def _pictures(results: Results[Scale]) -> Iterator[Picture]:
    norm, smallest = _norms(results), number(float(np.linalg.norm(EXAMPLE.flattest_minimum)))
    yield Picture(
        "paths",
        "Which of the exact fits does training find?",
        _plane("Larger steps, and momentum, lead to flatter minima", (-0.6, 0.4), (3.1, 3.7)),
        "Every point of the grey valley fits the one sample exactly; larger steps, the explicit penalty and momentum "
        "all leave gradient flow towards the flattest of them: the flow keeps a² - b², a step shrinks it.",
        ["momentum_is_flatter"],
    )
    yield Picture(
        "ends",
        "Does the modified loss say where?",
        _plane("Where the paths end", (0.15, 0.65), (1.05, 2.45)),
        f"Over all starts the mean norm at the end is {norm['gradient_flow']} for gradient flow, "
        f"{norm['modified_flow']} for the modified flow of h = {MODERATE:g} and {norm['moderate_step']} for gradient "
        f"descent with that step; the smallest possible is {smallest}.",
        ["modified_flow_is_nearer"],
    )
    yield Picture(
        "orders",
        "How closely does gradient descent follow the modified flow?",
        order_display(),
        "Halving the step halves the distance to gradient flow and quarters that to the modified flow.",
    )


def _norms(results: Results[Scale]) -> dict[str, str]:
    """The mean over starts."""
    return {name: number(float(along_size(one, "norm").mean())) for name, one in results.surfaces.items()}


def _headline(results: Results[Scale]) -> str:
    if results.holds("modified_flow_is_nearer"):
        return "Larger steps end in flatter minima, and the modified loss predicts where."
    return "Larger steps end in flatter minima; that the modified loss predicts where was not confirmed."


def _lede(results: Results[Scale]) -> str:
    norm = _norms(results)
    return (
        f"Two parameters, one sample, {results.at.starts} starts. Mean norm at the end: {norm['small_step']} for "
        f"h = {SMALL:g}, {norm['moderate_step']} for h = {MODERATE:g}, {norm['heavy_ball']} with momentum, "
        f"{norm['explicit']} with the explicit penalty."
    )


FIGURE = Figure(
    name="barrett2021_trajectories",
    title="Implicit gradient regularisation in two parameters",
    paper="Barrett, Dherin 2021, Implicit Gradient Regularization",
    number="Figure 1",
    revision=1,
    scales=SCALES,
    experiments=_experiments,
    claims=_claims,
    pictures=_pictures,
    headline=_headline,
    lede=_lede,
)
