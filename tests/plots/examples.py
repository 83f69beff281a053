"""Synthetic curves with a known course: down, up to a peak of about 145 at size 200, and down again."""

from __future__ import annotations

import numpy as np

from benign.plots import (
    Band,
    Contour,
    CurveDisplay,
    FitPanel,
    FitsDisplay,
    HeatMapDisplay,
    Mark,
    PlaneDisplay,
    PlanePath,
    PlanePoint,
    Point,
    Role,
    ScatterDisplay,
    StackedDisplay,
    Threshold,
    Trace,
)


def double_descent(count: int = 120, replicates: int = 10, **changes: object) -> CurveDisplay:
    sizes = np.unique(np.round(np.geomspace(4, 2000, count)))
    sizes = np.unique(np.append(sizes, [198.0, 199.0, 200.0, 201.0, 202.0]))
    random = np.random.default_rng(0)
    scatter = 1 + 0.1 * random.standard_normal((replicates, 1))
    peak = 144.6 / (1 + np.abs(sizes - 200) / 0.55)
    test = (0.28 + 0.26 * (sizes / 4) ** -0.9 + peak) * scatter
    train = np.where(sizes < 200, 0.8 * np.clip(1 - sizes / 200, 1e-30, 1), 0.0) * scatter
    ridge = (0.168 + 0.36 * (sizes / 4) ** -0.75) * scatter
    median = np.median(test, axis=0)
    minimum = int(np.argmin(np.where(sizes < 150, median, np.inf)))
    arguments: dict[str, object] = {
        "title": "Double descent",
        "positions": sizes,
        "values": {
            "train": (Role.TRAIN, train),
            "test": (Role.TEST, test),
            "test, tuned ridge": (Role.REMEDY, ridge),
        },
        "marks": (
            Mark(position=float(sizes[minimum]), value=float(median[minimum]), label="classical minimum"),
            Mark(position=200.0, value=float(median.max()), label="peak"),
            Mark(position=float(sizes[-1]), value=float(median[-1]), label="second descent ends at"),
        ),
        "threshold": Threshold(position=200.0, low=197.0, high=203.0),
        "x_label": "number of features (size)",
        "regimes": (
            Band(low=1.0, high=133.0, label="under-parameterised"),
            Band(low=133.0, high=300.0, label="critical", is_critical=True),
            Band(low=300.0, high=1e6, label="over-parameterised"),
        ),
    }
    return CurveDisplay.from_values(**(arguments | changes))  # type: ignore[arg-type]


def stack() -> StackedDisplay:
    return StackedDisplay(title="Loss twice", panels=(double_descent(), double_descent(y_label="error")))


def fits() -> FitsDisplay:
    grid = np.linspace(-5.0, 5.0, 80)
    truth = np.cos(grid)
    others = truth + np.random.default_rng(1).standard_normal((6, 1))
    return FitsDisplay(
        title="Fits",
        grid=grid,
        truth=truth,
        train_inputs=np.array([-3.0, 0.0, 2.0]),
        train_targets=np.array([-1.0, 1.0, -0.4]),
        panels=(
            FitPanel(label="degree 2", fit=truth + 0.1, others=others, note="test error 0.01"),
            FitPanel(label="degree 9", fit=1e6 * grid**9),
        ),
    )


def heat_map(**changes: object) -> HeatMapDisplay:
    """A ridge of test error where the training error falls through 0.4: earlier for larger sizes."""
    sizes = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0])
    times = np.array([0.0, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0])
    distance = np.log1p(times)[None, :] - np.log(400.0 / sizes)[:, None]
    train = 0.8 / (1 + np.exp(2 * distance))
    test = 0.2 + 0.3 * np.exp(-(distance**2)) + 0.4 / (1 + times) / sizes[:, None] ** 0.2
    test[1, 2] = np.nan
    best = times[1:][np.nanargmin(test[:, 1:], axis=1)]
    arguments: dict[str, object] = {
        "title": "Error over width and epochs",
        "sizes": sizes,
        "times": times,
        "values": test,
        "contours": (Contour(label="training error 0.1", values=train, level=0.1),),
        "traces": (Trace(label="best epoch", positions=sizes, values=best, low=best / 2, high=best * 1.5),),
        "threshold": Threshold(position=6.0, low=5.0, high=8.0, label="critical width"),
        "time_threshold": Threshold(position=50.0, low=40.0, high=60.0, label="critical epoch"),
        "x_label": "width",
        "caption": "Colour: median of 5 replicates.",
    }
    return HeatMapDisplay(**(arguments | changes))  # type: ignore[arg-type]


def plane() -> PlaneDisplay:
    axis = np.linspace(-1.0, 2.0, 30)
    steps = np.linspace(0.2, 1.4, 7)
    return PlaneDisplay(
        title="Two ways down",
        x=axis,
        y=axis,
        values=(axis[None, :] * axis[:, None] - 0.6) ** 2,
        paths=(
            PlanePath(name="gradient flow", points=np.column_stack([steps, 0.6 / steps])),
            PlanePath(name="gradient descent", points=np.column_stack([steps, 0.4 / steps]), has_steps=True),
        ),
        valley=(np.column_stack([steps, 0.6 / steps]),),
        points=(PlanePoint(label="flattest", x=0.77, y=0.77),),
    )


def scatter(**changes: object) -> ScatterDisplay:
    numbers = [
        ("AlexNet", 1.28e9, 6.1e7, "vision"), ("VGG-16", 1.28e9, 1.38e8, "vision"),
        ("ResNet-50", 1.28e9, 2.56e7, "vision"),
        ("Wide ResNet-28-10", 5e5, 3.65e7, "vision"), ("DenseNet-BC", 5e5, 2.56e7, "vision"),
        ("ResNet18 (2020)", 5e5, 1.12e7, "vision"), ("Transformer", 1.4e12, 2.13e8, "language"),
        ("BERT large", 1e14, 3.4e8, "language"), ("GPT-2", 5e14, 1.5e9, "language"),
        ("GPT-3", 1.5e16, 1.75e11, "language"),
        ("random features", 2e4, 4e4, "own"), ("my network", 4e4, 2.1e6, "own"),
    ]  # fmt: skip
    points = tuple(Point(label=label, x=x, y=y, group=group) for label, x, y, group in numbers)
    return ScatterDisplay(**({"title": "Models and the threshold", "points": points} | changes))  # type: ignore[arg-type]
