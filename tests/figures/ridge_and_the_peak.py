"""Nakkiran, Venkat, Kakade, Ma 2021, "Optimal Regularization Can Mitigate Double Descent", in small.

Here to show what a new figure takes: this file, and one line in the registry.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benign.experiments.declaration import Experiment
from benign.figures.claims import Claim, primary, secondary
from benign.figures.courses import over_sizes
from benign.figures.figure import SCALES, Figure, Picture, Results
from benign.figures.network_drawing import curve_of, in_order
from benign.procedures import RandomFourier
from benign.sources import digits


@dataclass(frozen=True, kw_only=True)
class Scale:
    """What one scale measures."""

    samples: int = 20
    replicates: int = 6


RIDGES = {"none": 0.0, "some": 2.0}


def _experiments(at: Scale) -> Iterator[Experiment]:
    """The surfaces ``none`` and ``some``, over the number of features."""
    for name, ridge in RIDGES.items():
        yield Experiment(
            name=name,
            source=digits(label_noise=0.2),
            procedure=RandomFourier(ridge=ridge),
            samples=[at.samples],
            sizes=range(2, 5 * at.samples, 3),
            replicates=at.replicates,
        )


def _claims(at: Scale) -> Iterator[Claim]:
    n, (none, some) = at.samples, (over_sizes(name, "test_loss") for name in RIDGES)
    yield primary("peak", "Without a ridge the test loss peaks at n features", none.peaks_at(n, (0.8, 1.25)))
    yield primary("ridge_lowers", "A ridge lowers the test loss at n features", none.higher(n, n, on=some))
    yield secondary("no_peak", "With a ridge no peak of 25 % or more is left", some.has_no_peak())


def _pictures(results: Results[Scale]) -> Iterator[Picture]:
    lines = in_order({f"ridge {ridge:g}": results[name] for name, ridge in RIDGES.items()}, "test_loss")
    loss = (over_sizes(name, "test_loss").median(results.surfaces, results.at.samples) for name in RIDGES)
    sentence = "At n features the median test loss is {:.3g} without a ridge and {:.3g} with one.".format(*loss)
    display = curve_of(lines, "size", title="Test loss over features", y_log=True)
    yield Picture("loss", "Does a ridge remove the peak?", display, sentence, results.claims("*"))


FIGURE = Figure(
    name="ridge_and_the_peak",
    title="A ridge against the peak",
    paper="Nakkiran, Venkat, Kakade, Ma 2021",
    number="in small",
    revision=1,
    scales=dict.fromkeys(SCALES, Scale()),
    experiments=_experiments,
    claims=_claims,
    pictures=_pictures,
    headline=lambda results: f"A ridge {'lowers' if results.holds('ridge_lowers') else 'may lower'} the peak at n.",
    lede=lambda results: f"n = {results.at.samples}, {results.at.replicates} replicates.",
)
