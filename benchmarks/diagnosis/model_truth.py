"""What a diagnosis of the twenty models says, held against models.json: where it contradicts, and where it abstains.

A statement contradicts the truth only beyond its own interval and the truth's: two sets of draws of one table differ.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

sys.path.append(str(Path(__file__).parents[1]))

from diagnosis.models import TABLES

from benign.curves.threshold_search import Regime
from benign.diagnosis.answers import Answer, Diagnosis, Estimate
from benign.diagnosis.verdict import Verdict
from benign.foundation.conventions import REGIME_BAND, TOLERANCE
from benign.sources import FiniteSource, arrays, frame

INVERSE = ("min_samples_leaf", "n_neighbors", "alpha")
"""Sizes of which more are a smaller model."""
Summary = tuple[float, float, int]
"""Mean, standard deviation and number of draws."""


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What is true of one model.

    Attributes:
        known: its entry in models.json.
        samples: the n that is diagnosed, one of its curve's.
    """

    known: Mapping[str, Any]
    samples: int

    @property
    def objective(self) -> str:
        """What its training minimises."""
        return str(self.known["objective"])

    @property
    def is_trainable(self) -> bool:
        """Whether any training at this n succeeds."""
        return bool(self.known["curve"][str(self.samples)])

    def risk(self, name: str, samples: int | None = None) -> Summary:
        """One of the risks, such as ``"test error"``; NaN where it has no meaning."""
        place = str(self.samples if samples is None else samples)
        mean, spread, draws = self.known["curve"][place].get(name) or (math.nan, math.nan, 0)
        return (math.nan, math.nan, 0) if mean is None else (mean, spread, draws)

    def is_fitted(self, name: str, samples: int | None = None) -> bool | None:
        """Whether the training risk of that name is at most the tolerance on average; None where it is open."""
        mean, spread, draws = self.risk(name, samples)
        if not draws:
            return None
        error = 2.0 * spread / math.sqrt(draws)
        return None if mean - error <= TOLERANCE <= mean + error else mean <= TOLERANCE

    def complexity(self, most: float = math.inf) -> tuple[float, float]:
        """Between which n the largest fitted one lies, by the objective, of those up to ``most``; infinity above where
        all these are fitted.
        """
        places = sorted(n for place, risks in self.known["curve"].items() if risks and (n := int(place)) <= most)
        states = {n: self.is_fitted(f"train {self.objective}", n) for n in places}
        low = max((n for n, state in states.items() if state), default=0)
        last = max((n for n, state in states.items() if state is not False), default=0)
        return float(low), float(min((n for n in places if n > last), default=math.inf))

    def peak(self) -> tuple[float, float] | None:
        """Between which n the held-out risk peaks, by the objective or else by the error: a mean of exponential losses
        on new samples is that of a few.
        """
        peaks = self.known["peaks"]["curve"]
        by_objective = None if self.objective == "exponential" else peaks.get(f"test {self.objective}")
        found = by_objective or peaks.get("test error")
        return None if found is None else (float(found["between"][0]), float(found["between"][1]))

    def regimes(self) -> set[Regime]:
        """Those that may be said: by the peak where there is one, else by the complexity; all where larger training
        sets are fitted and this one is not.
        """
        low, high = self.peak() or self.complexity()
        if self.peak() is None and low > self.samples and self.is_fitted(f"train {self.objective}") is False:
            return set(Regime)
        edges = (self.samples / REGIME_BAND, self.samples * REGIME_BAND)
        found = set[Regime]()
        if low < edges[0]:
            found.add(Regime.UNDER)
        if high >= edges[0] and low <= edges[1]:
            found.add(Regime.CRITICAL)
        if high > edges[1]:
            found.add(Regime.OVER)
        return found


def truth_of(name: str, samples: int | None = None) -> Truth:
    """That of one model, at its own n unless said."""
    known = _all()[name]
    return Truth(known=known, samples=int(known["samples"] if samples is None else samples))


@cache
def _all() -> dict[str, Any]:
    found = json.loads(Path(__file__).with_name("models.json").read_text(encoding="utf-8"))
    return dict(found["models"])


def source_of(table: str) -> FiniteSource:
    """One of the tables as a user hands it over."""
    held = TABLES[table]()
    if isinstance(held.inputs, pd.DataFrame):
        return frame(held.inputs.assign(target=held.targets), target="target", name=table)
    return arrays(held.inputs, held.targets, name=table)


def contradictions(found: Diagnosis, truth: Truth) -> list[str]:
    """Each statement that is not true: of the first three answers, of a bigger model and of longer training."""
    changes = {"size": found.bigger, "time": found.longer}
    return [
        *_of_standing(found, truth),
        *_of_fitted(found, truth),
        *_of_regime(found, truth),
        *(wrong for axis, answers in changes.items() for wrong in _of_changes(axis, answers, truth)),
    ]


def abstentions(found: Diagnosis, truth: Truth) -> list[str]:
    """Each of the first three answers that is not given though the truth is clear."""
    missing: list[str] = []
    if found.standing is None or not math.isfinite(found.standing.held_out_loss.value):
        missing.append("standing")
    for criterion, one in found.fitted.items():
        state = truth.is_fitted(_training_risk(criterion, truth))
        if one.is_fitted is None and state is not None and not _is_near(truth, _training_risk(criterion, truth)):
            missing.append(f"fitted by {criterion}, which is {state}")
    if not found.fitted:
        missing.append("fitted")
    regimes = truth.regimes()
    if len(regimes) == 1 and _is_open(found, truth):
        missing.append(f"regime, which is {regimes.pop().name}")
    return missing


def _is_open(found: Diagnosis, truth: Truth) -> bool:
    """Whether the regime is not told, though the user's rows could tell it."""
    if found.regime is None:
        return True
    needs_rows = found.regime.would_decide == "rows" and truth.complexity(truth.samples)[1] == math.inf
    is_at_an_edge = needs_rows or _is_near(truth, f"train {truth.objective}")
    return found.regime.regime is Regime.UNDECIDED and not is_at_an_edge


def _training_risk(criterion: str, truth: Truth) -> str:
    return "train error" if criterion == "error" else f"train {truth.objective}"


def _is_near(truth: Truth, name: str) -> bool:
    """Whether single training sets lie on both sides of the tolerance."""
    mean, spread, _ = truth.risk(name)
    return abs(mean - TOLERANCE) <= 3.0 * spread


def _of_standing(found: Diagnosis, truth: Truth) -> Iterator[str]:
    here = found.standing
    if here is None:
        return
    if here.objective.removeprefix("pairwise ") != truth.objective:  # the same for two classes
        yield f"it minimises {here.objective}, and not {truth.objective}"
        return
    said = {
        f"train {truth.objective}": _exactly(here.train_loss / here.train_loss_constant),
        "train error": _exactly(here.train_error),
        f"test {truth.objective}": here.held_out_loss,
        "test error": here.held_out_error,
    }
    for name, estimate in said.items():
        mean, spread, draws = truth.risk(name)
        if not draws or not math.isfinite(estimate.value):
            continue
        # A few trainings' mean is within four deviations of one, and an interval holds the truth or nearly does.
        low, high = (end + (end - estimate.value) for end in estimate.interval)
        margin = (4.0 if name.startswith("train") else 3.0 / math.sqrt(draws)) * spread + 0.002 * abs(mean) + 1e-4
        if not low - margin <= mean <= high + margin:
            yield f"{name} is {mean:.4g} (deviation {spread:.2g}), and not {estimate.value:.4g} {estimate.interval}"


def _exactly(value: float) -> Estimate:
    return Estimate(value=value, interval=(value, value))


def _of_fitted(found: Diagnosis, truth: Truth) -> Iterator[str]:
    for criterion, one in found.fitted.items():
        name = _training_risk(criterion, truth)
        state = truth.is_fitted(name)
        if one.is_fitted is not None and state is not None and one.is_fitted != state and not _is_near(truth, name):
            yield f"{name} is {truth.risk(name)[0]:.3g}: fitted is {state}, and not {one.is_fitted}"


def _of_changes(axis: str, answers: Mapping[float, Answer], truth: Truth) -> Iterator[str]:
    """Answers that say the opposite of a change of at least 2 % and three standard errors."""
    is_inverse = axis == "size" and truth.known["size"] in INVERSE
    for factor, answer in answers.items():
        change = truth.known["changes"][str(truth.samples)].get(f"{axis} x {1 / factor if is_inverse else factor:g}")
        mean, spread, draws = (change or {"change": {}})["change"].get(truth.objective) or (0.0, 0.0, 1)
        if mean is None or abs(mean) < max(0.02, 3.0 * spread / math.sqrt(draws)):
            continue
        opposite = Verdict.HELPS if mean > 0 else Verdict.HURTS
        if answer.answer is opposite:
            yield f"{factor:g} times the {axis} changes the loss by {math.expm1(mean):+.1%}; {answer.answer} is said"


def _of_regime(found: Diagnosis, truth: Truth) -> Iterator[str]:
    if found.regime is not None and found.regime.regime not in {Regime.UNDECIDED, *truth.regimes()}:
        where = truth.peak() or truth.complexity()
        yield f"at {truth.samples} samples, {where}, it is not {found.regime.regime.name}"
    emc = found.emc
    if emc is None:
        return
    low, high = truth.complexity(emc.evidence[-1].samples)  # it says nothing of more samples
    if not (emc.interval[0] <= high and emc.interval[1] >= low):
        yield f"the largest fitted n is between {low:g} and {high:g}, and not in {emc.interval}"
