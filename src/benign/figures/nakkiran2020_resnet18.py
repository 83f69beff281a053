"""Nakkiran, Kaplun, Bansal, Yang, Barak, Sutskever 2020 (ICLR), Figure 1: the published numbers of ResNet-18.

Paper: pre-activation ResNet-18 of width k (channels k, 2k, 4k, 8k) on CIFAR-10, n = 50,000, 15 % of labels flipped to a
wrong class, Adam at 1e-4, 4,000 epochs, augmented data. The test error falls to k = 4, rises to k = 10 and falls again
to k = 64. Claim: the peak is where the effective model complexity EMC equals n, that is where the training error
reaches eps; the paper takes eps = 0.1.

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
import json
import platform
from collections.abc import Iterator
from importlib.metadata import version
from importlib.resources import files

import numpy as np
import xarray as xr
from jaxtyping import Float

from benign.curves import Finding, Verdict
from benign.experiments.environment import Environment
from benign.figures.figure import Figure, Judged, Picture, Surfaces
from benign.figures.network_drawing import bare, exactly, percent, percents
from benign.plots import CurveDisplay, Mark, Role
from benign.surface.arrays import surface_from_arrays
from benign.surface.sections import along_size, sizes_of

EPS = 0.1
NOISE = 0.15
OTHER_CLASSES = 9
RUNS = 5
SAMPLES = 50_000
EPOCHS = 4000
# On the authors' own grid, finer than the table: the first width beyond the peak whose error is below the minimum.
FINER_OVERTAKING = 25
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


class PublishedTable:
    """The table on a surface's axes, the same at every scale and seed."""

    def measured(self, figure: str, scale: str, *, seed: int, environment: Environment) -> xr.Dataset:
        del figure, scale, seed, environment
        return _surface(published_series())


def _declared(scale: str) -> Iterator[tuple[str, PublishedTable]]:
    """The surface ``published``."""
    del scale
    yield "published", PublishedTable()


def _surface(table: dict[str, Float[np.ndarray, " widths"]]) -> xr.Dataset:
    """Its one replicate is the mean of the runs."""
    columns = {**table, "test_error": clean_error(table["test_error_noisy"])}
    widths = columns.pop("width")
    # The number of parameters is not in the table, so sizes are counted in widths; no loss was published.
    columns |= {"parameters": widths, "test_error_constant": np.array([[OTHER_CLASSES / (OTHER_CLASSES + 1)]])}
    dataset = surface_from_arrays(columns, size=widths, time=EPOCHS, samples=SAMPLES, attributes=_attributes())
    return dataset.assign_coords(replicate=[f"mean of {RUNS} runs"])


def _attributes() -> dict[str, object]:
    return {
        "procedure": json.dumps({"procedure": "published_resnet18", "revision": 1}),
        "source": json.dumps({"source": "published", "name": "cifar10", "label_noise": NOISE}),
        "size_name": "channels of the first layer",
        "time_name": "epochs",
        "seed": 0,
        "seconds": 0.0,
        "machine": f"a published table, read with Python {platform.python_version()}",
        "commit": "",
        "benign_version": version("benign"),
        "numpy_version": np.__version__,
    }


def _column(surface: xr.Dataset, metric: str) -> Float[np.ndarray, " widths"]:
    return along_size(surface, metric)[0]


def _peak(errors: Float[np.ndarray, " widths"]) -> int:
    """The highest point beyond the first local minimum; that minimum itself where nothing beyond it is higher."""
    first = _first_minimum(errors)
    return first + int(np.argmax(errors[first:]))


def _first_minimum(errors: Float[np.ndarray, " widths"]) -> int:
    rises = np.flatnonzero(np.diff(errors) > 0.0)
    return int(rises[0]) if len(rises) else len(errors) - 1


def _crossing(widths: Float[np.ndarray, " widths"], train: Float[np.ndarray, " widths"], eps: float) -> float:
    """The first width whose training error is at most eps; infinite where none is."""
    fitted = np.flatnonzero(train <= eps)
    return float(widths[fitted[0]]) if len(fitted) else float("inf")


def _equivalent_eps(surface: xr.Dataset) -> tuple[float, float]:
    """The range [low, high) of eps whose crossing lies within one width of the peak."""
    widths, train = sizes_of(surface), _column(surface, "train_error")
    near = np.flatnonzero(np.abs(widths - widths[_peak(_column(surface, "test_error_noisy"))]) <= 1.0)
    return float(train[near[-1]]), float(train[near[0] - 1]) if near[0] else float("inf")


def _overtaking(surface: xr.Dataset) -> tuple[float, float]:
    """Beyond the peak, the first width of the table below the first minimum, and the one before; infinite for none."""
    widths, errors = sizes_of(surface), _column(surface, "test_error_noisy")
    peak = _peak(errors)
    below = np.flatnonzero(errors[peak:] < errors[_first_minimum(errors)]) + peak
    return (float(widths[below[0] - 1]), float(widths[below[0]])) if len(below) else (float(widths[-1]), float("inf"))


def _findings(surfaces: Surfaces) -> tuple[Finding, ...]:
    surface = surfaces["published"]
    widths, errors = sizes_of(surface), _column(surface, "test_error_noisy")
    first, peak = _first_minimum(errors), _peak(errors)
    distance = _crossing(widths, _column(surface, "train_error"), EPS) - float(widths[peak])
    return (
        _by_the_table(
            name="peak_at_crossing",
            claim=f"The training error falls to eps = {EPS:g} within one width of the peak of the test error",
            effect=distance, unit="widths from the peak", holds=peak > first and abs(distance) <= 1.0,
            paper="training error 0.1205 at k = 9, 0.0831 at k = 10; test error highest at k = 10, 0.4127",
        ),
        _by_the_table(
            name="second_descent", claim="The second descent ends below the first minimum",
            effect=float(errors[-1] - errors[first]), unit="test error",
            holds=peak > first and bool(errors[-1] < errors[first]), paper="0.291 at k = 64, 0.340 at k = 4",
        ),
    )  # fmt: skip


def _excess(plotted: float) -> float:
    """By how much a plotted error is too high."""
    errors = np.array([plotted])
    return float((errors - noisy_error(clean_error(errors)))[0])


def _by_the_table(*, name: str, claim: str, effect: float, unit: str, holds: bool, paper: str) -> Finding:
    """A claim on published means: true of the table or not, and never undecided."""
    return Finding(
        name=name, claim=claim, verdict=Verdict.HOLDS if holds else Verdict.FAILS,
        effect=effect if np.isfinite(effect) else float("nan"), interval=(float("nan"), float("nan")), unit=unit,
        test=_NO_SPREAD, replicates=RUNS, paper=paper, needed_replicates=None,
    )  # fmt: skip


def _pictures(surfaces: Surfaces) -> tuple[Picture, ...]:
    surface = surfaces["published"]
    widths, errors = sizes_of(surface), _column(surface, "test_error_noisy")
    clean = _column(surface, "test_error")
    shown = [_first_minimum(errors), _peak(errors), len(errors) - 1]
    sentence = (
        f"The test error is {percents([float(errors[i]) for i in shown])} at widths "
        f"{', '.join(f'{widths[i]:.0f}' for i in shown[:-1])} and {widths[-1]:.0f}; {_eps_words(surface)}. "
        f"{_overtaking_words(surface)} On clean labels the three errors are "
        f"{percents([float(clean[i]) for i in shown])}. The notebook plots the peak "
        f"{100.0 * _excess(errors[shown[1]]):.1f} points too high: its formula has a wrong sign."
    )
    return (
        Picture(
            name="series", heading="Does the training error say where the peak is?", display=_display(surface),
            sentence=sentence, claims=("peak_at_crossing", "second_descent"),
        ),
    )  # fmt: skip


def _eps_words(surface: xr.Dataset) -> str:
    low, high = _equivalent_eps(surface)
    if not low < high:
        return "no eps is crossed within one width of the peak"
    end = "on" if np.isinf(high) else f"to just below {high:g}"
    return f"every eps from {low:g} {end} is crossed within one width of the peak"


def _overtaking_words(surface: xr.Dataset) -> str:
    before, overtaken = _overtaking(surface)
    if np.isinf(overtaken):
        return "In the table the second descent does not pass below the first minimum."
    return (
        f"In the table the second descent passes below the first minimum between widths {before:.0f} and "
        f"{overtaken:.0f}, on the authors' finer grid at {FINER_OVERTAKING}."
    )


def _display(surface: xr.Dataset) -> CurveDisplay:
    widths, errors = sizes_of(surface), _column(surface, "test_error_noisy")
    lines = (
        ("test, noisy labels", errors, Role.TEST),
        ("test, clean labels", _column(surface, "test_error"), Role.TEST),
        ("train, noisy labels", _column(surface, "train_error"), Role.TRAIN),
        (f"eps = {EPS:g}", np.full(len(widths), EPS), Role.REFERENCE),
    )
    crossing = _crossing(widths, _column(surface, "train_error"), EPS)
    named = (("first minimum", _first_minimum(errors)), ("peak", _peak(errors)), ("end", len(errors) - 1))
    return CurveDisplay(
        title="ResNet-18 on CIFAR-10 with 15 % of labels flipped: published errors",
        series=tuple(bare(name, widths, values, role) for name, values, role in lines),
        marks=tuple(Mark(position=float(widths[i]), value=float(errors[i]), label=label) for label, i in named),
        threshold=None if not np.isfinite(crossing) else exactly(crossing, "training error below eps from width"),
        x_label="width k: channels of the first layer (size)",
        y_label="zero-one error",
        y_log=False,
        caption=f"Line: mean of {RUNS} published runs after {EPOCHS:,} epochs; no spread was published. Clean labels: "
        "computed back from the plotted errors.",
        position_name="widths",
    )


def _answer(judged: Judged) -> str:
    if not judged.holds("peak_at_crossing"):
        return "In this table the training error does not reach 0.1 where the test error peaks."
    if not judged.holds("second_descent"):
        return "The published peak is where the training error reaches 0.1; the widest network wins nothing."
    return "The published peak of ResNet-18 is where its training error reaches 0.1; the widest network is best."


def _lede(surfaces: Surfaces) -> str:
    surface = surfaces["published"]
    widths, errors = sizes_of(surface), _column(surface, "test_error_noisy")
    peak = _peak(errors)
    train = _column(surface, "train_error")[max(0, peak - 1) : peak + 1]
    return (
        f"{len(widths)} widths of the authors' released series, each the mean of {RUNS} runs without a published "
        f"spread; nothing is measured here. The test error peaks at width {widths[peak]:.0f} "
        f"({percent(float(errors[peak]))}), where the training error goes from {percent(float(train[0]))} to "
        f"{percent(float(train[-1]))}; at width {widths[-1]:.0f} the test error is {percent(float(errors[-1]))}."
    )


FIGURE = Figure(
    name="nakkiran2020_resnet18",
    title="Double descent of ResNet-18: the published numbers",
    paper="Nakkiran, Kaplun, Bansal, Yang, Barak, Sutskever 2020",
    number="Figure 1",
    revision=1,
    primary_claims=("peak_at_crossing", "second_descent"),
    declared=_declared,
    findings=_findings,
    pictures=_pictures,
    answer=_answer,
    lede=_lede,
)
