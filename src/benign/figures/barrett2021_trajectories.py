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

import json
import platform
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
import xarray as xr
from jaxtyping import Float

from benign.curves import Finding, higher_claim
from benign.experiments.environment import Environment
from benign.figures.figure import Figure, Judged, Picture, Surfaces
from benign.figures.network_drawing import bare
from benign.foundation.number_words import format_number as number
from benign.foundation.randomness import generator
from benign.foundation.replicate import Replicate
from benign.implicit.flows.orders import fitted_order
from benign.implicit.flows.two_parameters import PAPER_START, TwoParameters
from benign.plots import CurveDisplay, PlaneDisplay, PlanePath, PlanePoint, Role
from benign.surface.arrays import surface_from_arrays
from benign.surface.sections import along_size


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What one scale measures; committed before its first run."""

    starts: int


SETTINGS = {
    "smoke": Settings(starts=10),
    "quick": Settings(starts=50),
    "standard": Settings(starts=200),
    "paper": Settings(starts=1000),
}
EXAMPLE = TwoParameters()
SMALL, MODERATE, LARGE, MU, BETA = 1e-3, 2.5e-2, 0.1, 0.5, 0.5
HORIZON = 40.0
LOWEST_START, HIGHEST_START = 1.0, 3.5
ORDER_TIME, ORDER_STEPS = 5.0, tuple(0.016 / 2**k for k in range(5))


@dataclass(frozen=True, kw_only=True)
class Ends:
    """Norm and loss at the end of a method's paths from many starts."""

    method: str
    starts: int

    def measured(self, figure: str, scale: str, *, seed: int, environment: Environment) -> xr.Dataset:
        del figure, scale, environment
        random, began = generator(seed, "starts of the two-parameter example"), time.perf_counter()
        ends = _ends(self.method, random.uniform(LOWEST_START, HIGHEST_START, (self.starts, 2)))
        return _surface(self.method, ends, seed, time.perf_counter() - began)


def _declared(scale: str) -> Iterator[tuple[str, Ends]]:
    """One surface for each method."""
    for name in ("gradient_flow", "modified_flow", "small_step", "moderate_step", "explicit", "heavy_ball"):
        yield name, Ends(method=name, starts=SETTINGS[scale].starts)


def _ends(name: str, starts: Float[np.ndarray, "R 2"]) -> Float[np.ndarray, "R 2"]:
    if name.endswith("_flow"):
        rate = MODERATE / 2.0 if name == "modified_flow" else 0.0
        flows = [EXAMPLE.flow((float(a), float(b)), np.array([HORIZON]), rate=rate)[0] for a, b in starts]
        return np.array(flows)
    step_size = {"moderate_step": MODERATE, "heavy_ball": MODERATE * (1.0 - BETA)}.get(name, SMALL)
    momentum, penalty = BETA * (name == "heavy_ball"), MU * (name == "explicit")
    steps = round(HORIZON / (step_size / (1.0 - momentum)))
    return EXAMPLE.descend(starts, step_size=step_size, steps=steps, momentum=momentum, penalty=penalty)[-1]


def _surface(name: str, ends: Float[np.ndarray, "R 2"], seed: int, seconds: float) -> xr.Dataset:
    columns = {"norm": np.linalg.norm(ends, axis=1), "train_loss": EXAMPLE.loss(ends[:, 0], ends[:, 1])}
    return surface_from_arrays(
        # It fits one sample exactly.
        {**columns, "parameters": 2, "train_loss_constant": np.zeros((len(ends), 1))}, size=2, time=HORIZON, samples=1,
        replicates=[Replicate(seed=seed, draw=0, initialisation=start, noise=0) for start in range(len(ends))],
        attributes={
            "procedure": json.dumps({"procedure": f"two_parameters_{name}", "revision": 1}),
            "source": json.dumps({"source": "one sample", "name": "one sample", "label_noise": 0.0}),
            "size_name": "parameters",
            "time_name": "step size times steps",
            "seed": seed,
            "seconds": seconds,
            "machine": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
            "benign_version": version("benign"),
            "numpy_version": np.__version__,
        },
    )  # fmt: skip


def _norms(surfaces: Surfaces) -> dict[str, Float[np.ndarray, " R"]]:
    return {name: along_size(surface, "norm")[:, 0] for name, surface in surfaces.items()}


def _findings(surfaces: Surfaces) -> tuple[Finding, ...]:
    norm = _norms(surfaces)
    to_flow = np.abs(norm["moderate_step"] - norm["gradient_flow"])
    to_modified = np.abs(norm["moderate_step"] - norm["modified_flow"])
    momentum = "momentum penalises the gradient (1 + beta) / (1 - beta) times as much (Ghosh et al. 2023)"
    return (
        higher_claim(
            name="modified_flow_is_nearer",
            claim=f"At h = {MODERATE:g} gradient descent ends nearer to the modified flow than to gradient flow",
            higher=to_flow, lower=to_modified, unit="distance",
            paper="moderate steps follow the modified flow with lambda = h / 2 (Barrett & Dherin 2021, Fig. 1)",
        ),
        higher_claim(
            name="momentum_is_flatter",
            claim=f"Heavy ball (beta = {BETA:g}) ends at a smaller norm at the same effective step",
            higher=norm["moderate_step"], lower=norm["heavy_ball"], unit="norm", paper=momentum,
        ),
    )  # fmt: skip


def paths() -> tuple[PlanePath, ...]:
    """The paths of the picture from the paper's start, each up to where nothing moves that could be seen."""
    times = np.concatenate([[0.0], np.geomspace(1e-4, HORIZON, 400)])
    discrete = {
        f"gradient descent, h = {MODERATE:g}": {"step_size": MODERATE},
        f"gradient descent, h = {LARGE:g}": {"step_size": LARGE},
        f"heavy ball, β = {BETA:g}": {"step_size": MODERATE * (1.0 - BETA), "momentum": BETA},
    }
    flows = {
        "gradient flow": 0.0,
        f"modified flow, λ = {MODERATE / 2:g}": MODERATE / 2.0,
        f"explicit, μ = {MU:g}": MU,
    }
    found = {
        name: PlanePath(name=name, points=EXAMPLE.flow(PAPER_START, times, rate=rate)) for name, rate in flows.items()
    }
    for name, options in discrete.items():
        points = EXAMPLE.descend(PAPER_START, steps=3200, **options)
        found[name] = PlanePath(name=name, points=_moving(points), has_steps=True)
    order = ("gradient flow", "modified", *(name for name in discrete if "descent" in name), "explicit", "heavy")
    return tuple(next(path for name, path in found.items() if name.startswith(start)) for start in order)


def _moving(points: Float[np.ndarray, "K 2"]) -> Float[np.ndarray, "rows 2"]:
    """The points as long as they are a thousandth away from the last one."""
    away = np.flatnonzero(np.linalg.norm(points - points[-1], axis=1) > 1e-3)
    return np.concatenate([points[: away[-1] + 1], points[-1:]]) if len(away) else points[-1:]


def _plane(title: str, low: tuple[float, float], high: tuple[float, float]) -> PlaneDisplay:
    a, b = (np.linspace(start, stop, 160) for start, stop in zip(low, high, strict=True))
    along = np.geomspace(0.1, 4.0, 300)
    flattest = EXAMPLE.flattest_minimum
    return PlaneDisplay(
        title=title, paths=paths(), x=a, y=b, values=np.asarray(EXAMPLE.loss(*np.meshgrid(a, b))),
        valley=(np.stack([along, EXAMPLE.y / EXAMPLE.x / along], axis=1),), valley_label="exact fits",
        points=(PlanePoint(label="flattest minimum, smallest norm", x=float(flattest[0]), y=float(flattest[1])),),
        x_label="parameter a", y_label="parameter b", caption=f"Dots: steps; h = {SMALL:g} would lie on gradient flow.",
    )  # fmt: skip


def order_display() -> CurveDisplay:
    """Distance of gradient descent to both flows by step size, from the paper's start."""
    step_sizes = np.array(ORDER_STEPS)
    ends = [EXAMPLE.descend(PAPER_START, step_size=h, steps=round(ORDER_TIME / h))[-1] for h in ORDER_STEPS]
    rates = {"gradient flow": (0.0, Role.TRAIN), "modified flow": (0.5, Role.TEST)}
    series = []
    for name, (share, role) in rates.items():
        flows = [
            EXAMPLE.flow(PAPER_START, np.array([round(ORDER_TIME / h) * h]), rate=share * h)[0] for h in ORDER_STEPS
        ]
        errors = np.linalg.norm(np.array(ends) - np.array(flows), axis=1)
        order = fitted_order(step_sizes, errors, floor=1e-10)
        series.append(bare(f"to the {name}: order {order.value:.2f}", step_sizes[::-1], errors[::-1], role))
    return CurveDisplay(
        title="Gradient descent follows the modified flow to one order more", series=tuple(series),
        x_label="step size h", y_label=f"distance at time {ORDER_TIME:g}",
        caption="Orders: least squares on log axes; by theory 1 and 2.", position_name="step sizes",
    )  # fmt: skip


def _pictures(surfaces: Surfaces) -> tuple[Picture, ...]:
    norm = {name: float(np.mean(values)) for name, values in _norms(surfaces).items()}
    smallest = number(float(np.linalg.norm(EXAMPLE.flattest_minimum)))
    return (
        Picture(
            name="paths", heading="Which of the exact fits does training find?",
            display=_plane("Larger steps, and momentum, lead to flatter minima", (-0.6, 0.4), (3.1, 3.7)),
            sentence=(
                "Every point of the grey valley fits the one sample exactly; larger steps, explicit regularisation and "
                "momentum all leave gradient flow towards the flattest of them: the flow keeps a² - b², a step shrinks "
                "it."
            ),
            claims=("momentum_is_flatter",),
        ),
        Picture(
            name="ends", heading="Does the modified loss say where?",
            display=_plane("Where the paths end", (0.15, 0.65), (1.05, 2.45)),
            sentence=(
                f"Over all starts the mean norm at the end is {number(norm['gradient_flow'])} for gradient flow, "
                f"{number(norm['modified_flow'])} for the modified flow of h = {MODERATE:g} and "
                f"{number(norm['moderate_step'])} for gradient descent with that step; the smallest possible is "
                f"{smallest}."
            ),
            claims=("modified_flow_is_nearer",),
        ),
        Picture(
            name="orders", heading="How closely does gradient descent follow the modified flow?",
            display=order_display(),
            sentence=(
                "Halving the step halves the distance to gradient flow and quarters that to the modified flow, as the "
                "theorem says."
            ),
        ),
    )  # fmt: skip


def _answer(judged: Judged) -> str:
    if judged.holds("modified_flow_is_nearer"):
        return "Larger steps end in flatter minima, and the modified loss predicts where."
    return "Larger steps end in flatter minima; that the modified loss predicts where was not confirmed."


def _lede(surfaces: Surfaces) -> str:
    norm = {name: float(np.mean(values)) for name, values in _norms(surfaces).items()}
    count = next(iter(surfaces.values())).sizes["replicate"]
    return (
        f"Two parameters, one sample, {count} starts. Mean norm at the end: {number(norm['small_step'])} for "
        f"h = {SMALL:g}, {number(norm['moderate_step'])} for h = {MODERATE:g}, {number(norm['heavy_ball'])} with "
        f"momentum, {number(norm['explicit'])} with the explicit penalty."
    )


FIGURE = Figure(
    name="barrett2021_trajectories",
    title="Implicit gradient regularisation in two parameters",
    paper="Barrett, Dherin 2021, Implicit Gradient Regularization",
    number="Figure 1",
    revision=1,
    primary_claims=("modified_flow_is_nearer", "momentum_is_flatter"),
    declared=_declared,
    findings=_findings,
    pictures=_pictures,
    answer=_answer,
    lede=_lede,
)
