"""Nakkiran, Kaplun, Bansal, Yang, Barak, Sutskever 2020 (ICLR), Figure 1: the published numbers of ResNet-18.

Paper: pre-activation ResNet-18 of width k (channels k, 2k, 4k, 8k) on CIFAR-10, n = 50,000, 15 % of labels flipped to a
wrong class, Adam at 1e-4, 4,000 epochs, augmented data. The test error falls to k = 4, rises to k = 10 and falls again
to k = 64. Claim: the peak is where the effective model complexity EMC equals n, that is where the training error
reaches eps; the paper takes eps = 0.1. Beyond the peak the error passes below the first minimum between the widths 24
and 32 of the table, on the authors' finer grid at 25.

Nothing is measured here, at no scale: ``nakkiran2020_resnet18.csv`` holds the widths 1 to 12, 14, 16, 20, 24, 32, 48
and 64 of the authors' released series, after the last epoch, each the mean of 5 runs, rounded to 3 digits. No spread
over the runs is at hand. So a verdict compares published means: it has no interval and no known rate of error.

Test errors are on the noisy distribution, as the figure plots them. The released notebook makes them from the error c
on clean labels by 1 - (1-p)(1-c) + c p/9; the last sign must be a minus, since a wrong class meets the flipped label
with probability p/9: P(error) = 1 - [(1-p)(1-c) + c p/9]. The notebook's own formula, inverted, gives back c. What
follows by arithmetic, how much too high the peak is plotted, is told and tested, and no finding.

Runtime: none.
"""

from __future__ import annotations

import csv
import math
import platform
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.resources import files

import numpy as np
import xarray as xr
from jaxtyping import Float

from benign.curves import Finding, Verdict
from benign.curves.findings import without_number
from benign.figures.claims import Claim, Judge, Said, Surfaces, primary
from benign.figures.figure import SCALES, Figure, Picture, Results
from benign.figures.measurement import Declared, Made, made_here
from benign.figures.network_drawing import Line, curve_of, exactly, level, listed_widths, marked, percent, percents
from benign.plots import CurveDisplay, Role
from benign.surface.arrays import surface_from_arrays
from benign.surface.sections import along_size, sizes_of

EPS = 0.1
NOISE = 0.15
OTHER_CLASSES = 9
RUNS, EPOCHS, SAMPLES = 5, 4000, 50_000
_NO_SPREAD = f"published means of {RUNS} runs compared; no spread published, so no interval"


def published_series() -> dict[str, Float[np.ndarray, " widths"]]:
    """The table by column: ``width``, ``test_error_noisy`` (as plotted) and ``train_error`` (on the noisy labels)."""
    text = files("benign.figures").joinpath("nakkiran2020_resnet18.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}


def clean_error(plotted: Float[np.ndarray, " widths"], noise: float = NOISE) -> Float[np.ndarray, " widths"]:
    r"""The error c on clean labels behind a plotted error t: the notebook's formula solved for c.

    .. math:: t = 1 - (1 - p)(1 - c) + c p / 9, \quad c = (t - p) / (1 - p + p / 9)

    Args:
        plotted: test errors as Figure 1 plots them.
        noise: p, the share of flipped labels, 0 <= p < 1.

    >>> clean_error(np.array([0.340, 0.413, 0.291])).round(3)
    array([0.219, 0.303, 0.163])
    """
    return (plotted - noise) / (1.0 - noise + noise / OTHER_CLASSES)


def noisy_error(clean: Float[np.ndarray, " widths"], noise: float = NOISE) -> Float[np.ndarray, " widths"]:
    r"""The error on the noisy distribution that an error c on clean labels implies: :math:`p + c (1 - p - p / 9)`.

    A wrong answer is right by chance where the label was flipped to it.

    Args:
        clean: errors on clean labels.
        noise: p, the share of flipped labels, 0 <= p < 1.

    >>> noisy_error(clean_error(np.array([0.340, 0.413, 0.291]))).round(3)
    array([0.333, 0.403, 0.286])
    """
    return noise + clean * (1.0 - noise - noise / OTHER_CLASSES)


def surface_of(table: dict[str, Float[np.ndarray, " widths"]]) -> xr.Dataset:
    """The table on a surface's axes; its one replicate is the mean of the runs."""
    columns = {**table, "test_error": clean_error(table["test_error_noisy"])}
    widths = columns.pop("width")
    # The number of parameters is not in the table, so sizes are counted in widths; no loss was published.
    columns |= {"parameters": widths, "test_error_constant": np.array([[OTHER_CLASSES / (OTHER_CLASSES + 1)]])}
    source = {"source": "published", "name": "cifar10", "label_noise": NOISE}
    machine = f"a published table, read with Python {platform.python_version()}"
    named = {"size_name": "channels of the first layer", "time_name": "epochs", "seed": 0, "seconds": 0.0}
    attributes = {**made_here("published_resnet18", source), **named, "machine": machine}
    dataset = surface_from_arrays(columns, size=widths, time=EPOCHS, samples=SAMPLES, attributes=attributes)
    return dataset.assign_coords(replicate=[f"mean of {RUNS} runs"])


def _experiments(_: None) -> Iterator[Declared]:
    """The surface ``published``, the same at every scale and seed."""
    yield Made(name="published", make=lambda _: surface_of(published_series()))


class Series:
    """The published errors over widths, and where they turn, as rows of the table.

    Attributes:
        test: as plotted.
        clean: the same on clean labels.
        minimum: the first local minimum of ``test``.
        peak: its highest point beyond; the minimum itself where nothing beyond it is higher.
        crossing: the first width whose training error is at most eps; infinite where none is.
    """

    def __init__(self, surface: xr.Dataset) -> None:
        metrics = ("test_error_noisy", "test_error", "train_error")
        self.widths = sizes_of(surface)
        self.test, self.clean, self.train = (along_size(surface, metric)[0] for metric in metrics)
        rises, fitted = np.flatnonzero(np.diff(self.test) > 0.0), np.flatnonzero(self.train <= EPS)
        self.minimum = int(rises[0]) if len(rises) else len(self.widths) - 1
        self.peak = self.minimum + int(np.argmax(self.test[self.minimum :]))
        self.crossing = float(self.widths[fitted[0]]) if len(fitted) else math.inf

    @property
    def words(self) -> str:
        """The plotted errors where they turn, and at the end."""
        rows = [self.minimum, self.peak, -1]
        return f"{percents(self.test[rows])} at {listed_widths(self.widths[rows])}"


def _claims(_: None) -> Iterator[Claim]:
    crossing = f"The training error falls to eps = {EPS:g} within one width of the peak of the test error"
    judge = _by_the_table(lambda of: of.crossing - of.widths[of.peak], "widths from the peak", (-1.0, 1.0))
    paper = "training error 0.1205 at k = 9, 0.0831 at k = 10; test error highest at k = 10, 0.4127"
    yield primary("peak_at_crossing", crossing, judge, paper)
    judge = _by_the_table(lambda of: of.test[-1] - of.test[of.minimum], "test error", (-1.0, -1e-9))
    below = "The second descent ends below the first minimum"
    yield primary("second_descent", below, judge, "0.291 at k = 64, 0.340 at k = 4")


def _by_the_table(read: Callable[[Series], float], unit: str, within: tuple[float, float]) -> Judge:
    """That there is a peak, and a number of published means lies ``within``: true of the table or not."""

    def judged(surfaces: Surfaces, said: Said, _: float) -> Finding:
        series = Series(surfaces["published"])
        effect = float(read(series))
        holds = series.peak > series.minimum and within[0] <= effect <= within[1]
        verdict, number = Verdict.HOLDS if holds else Verdict.FAILS, effect if math.isfinite(effect) else math.nan
        found = without_number(**said, unit=unit, test=_NO_SPREAD, replicates=RUNS)
        return replace(found, verdict=verdict, effect=number, p_value=math.nan)

    return judged


def _pictures(results: Results[None]) -> Iterator[Picture]:
    series = Series(results["published"])
    widths, train, peak = series.widths, series.train, series.peak
    near = np.flatnonzero(np.abs(widths - widths[peak]) <= 1.0)  # a crossing at these rows is one at the peak
    excess = series.test[peak] - noisy_error(series.clean[[peak]])[0]
    sentence = (
        f"The test error is {series.words}; every eps from {train[near[-1]]:g} to just below {train[near[0] - 1]:g} is "
        "crossed within one width of the peak. On clean labels the three errors are "
        f"{percents(series.clean[[series.minimum, peak, -1]])}. The notebook plots the peak {100.0 * excess:.1f} "
        "points too high: its formula has a wrong sign."
    )
    heading, claims = "Does the training error say where the peak is?", ("peak_at_crossing", "second_descent")
    yield Picture("series", heading, _display(results["published"], series), sentence, claims)


def _display(surface: xr.Dataset, series: Series) -> CurveDisplay:
    lines = [
        Line(section=surface, metric="test_error_noisy", name="test, noisy labels"),
        Line(section=surface, metric="test_error", name="test, clean labels"),
        Line(section=surface, metric="train_error", name="train, noisy labels", role=Role.TRAIN),
    ]
    title, y_label = "ResNet-18 on CIFAR-10 with 15 % of labels flipped: published errors", "zero-one error"
    crossing = exactly(series.crossing, "training error below eps from width") if series.crossing < math.inf else None
    curve = curve_of(lines, "size", title=title, y_label=y_label, threshold=crossing)
    rows = {"first minimum": series.minimum, "peak": series.peak, "end": -1}
    marks = [(label, series.widths[row], series.test[row]) for label, row in rows.items()]
    caption = (
        f"Line: mean of {RUNS} published runs after {EPOCHS:,} epochs; no spread was published. Clean labels: computed "
        "back from the plotted errors."
    )
    eps = level(f"eps = {EPS:g}", series.widths, EPS)
    return replace(marked(curve, *marks), series=(*curve.series, eps), caption=caption)


def _headline(results: Results[None]) -> str:
    if not results.holds("peak_at_crossing"):
        return "In this table the training error does not reach 0.1 where the test error peaks."
    if not results.holds("second_descent"):
        return "The published peak is where the training error reaches 0.1; the widest network wins nothing."
    return "The published peak of ResNet-18 is where its training error reaches 0.1; the widest network is best."


def _lede(results: Results[None]) -> str:
    series = Series(results["published"])
    return (
        f"{len(series.widths)} widths of the authors' released series, each the mean of {RUNS} runs without a "
        f"published spread; nothing is measured here. The test error is {series.words}; where it peaks, the training "
        f"error goes from {percent(series.train[max(0, series.peak - 1)])} to {percent(series.train[series.peak])}."
    )


FIGURE = Figure(
    name="nakkiran2020_resnet18",
    title="Double descent of ResNet-18: the published numbers",
    paper="Nakkiran, Kaplun, Bansal, Yang, Barak, Sutskever 2020",
    number="Figure 1",
    revision=1,
    scales=dict.fromkeys(SCALES),  # nothing is measured at any
    experiments=_experiments,
    claims=_claims,
    pictures=_pictures,
    headline=_headline,
    lede=_lede,
)
