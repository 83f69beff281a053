"""What a diagnosis answers, part by part: each a value, how sure it is, and what it rests on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from benign.curves.threshold_search import Regime
from benign.diagnosis.codes import codes_of
from benign.diagnosis.complexity import EffectiveModelComplexity
from benign.diagnosis.verdict import Verdict as Verdict  # noqa: PLC0414 (here is where the others look for it)
from benign.diagnosis.wording import headline, sentence
from benign.foundation.json_values import plain

if TYPE_CHECKING:
    import pandas as pd

    from benign.plots import CurveDisplay, Display

Metric = Literal["loss", "error"]
ANSWERS = ("standing", "fitted", "regime", "more_data", "bigger", "longer", "remedies", "noise_slope")
"""The parts of a diagnosis, cheapest first."""
SCHEMA = "benign.diagnosis/1"
"""Names the keys of :meth:`Diagnosis.to_dict`."""


class Unanswered(Exception):
    """Why one part of a diagnosis has no answer: its message is the sentence that the user reads."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A mean with its 95 % interval; NaN where nothing is known."""

    value: float = math.nan
    interval: tuple[float, float] = (math.nan, math.nan)


@dataclass(frozen=True, kw_only=True)
class DataFinding:
    """Something to know of the data.

    Attributes:
        code: ``"copies"``, ``"leak"``, ``"conflicts"``, ``"groups"``, ``"ordered"``, ``"constant"``, ...
        sentence: what was found, where, and what to do.
        refuses: the answers that cannot be given because of it, of :data:`ANSWERS`.
    """

    code: str
    sentence: str
    refuses: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where the model is, at the user's n, size and time.

    Attributes:
        objective: what training minimises, such as ``"squared"``; losses are in its unit.
        train_loss: mean training objective; ``train_loss_constant``: that of the best constant.
        train_error: zero-one error on the training set; NaN for regressions, as all errors are.
        held_out_loss: on new samples, in the same unit.
        held_out_loss_constant: of the constant that is best on the training set, on new samples.
        held_out_error: likewise.
        out_of_bag_error: where the model measures one itself (a share of wrong labels; for regressions the mean
            squared error); NaN elsewhere.
        held_out_samples: number of held-out samples, all folds together.
        trainings: on how many trainings this rests.
        seconds: that one training takes.
        findings: what to know of the data.
        sentence: in words.
    """

    objective: str
    train_loss: float
    train_loss_constant: float
    train_error: float
    train_error_constant: float
    held_out_loss: Estimate
    held_out_loss_constant: float
    held_out_error: Estimate
    held_out_error_constant: float
    out_of_bag_error: float
    held_out_samples: int
    trainings: int
    seconds: float
    findings: tuple[DataFinding, ...] = ()
    sentence: str = ""


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """Whether the training set is fitted by one criterion.

    Attributes:
        criterion: ``"loss"``, the training objective over the best constant's, or ``"error"``, the zero-one error.
        is_fitted: None where the interval holds the tolerance.
        risk: the mean over trainings with its interval.
        tolerance: what counts as fitted.
        is_minimised: whether this is what the model's training minimises, and leads.
        sentence: in words.
    """

    criterion: Metric
    is_fitted: bool | None
    risk: Estimate
    tolerance: float
    is_minimised: bool
    sentence: str = ""


@dataclass(frozen=True, kw_only=True)
class MeasuredPeak:
    """A peak of the held-out risk that was measured.

    Attributes:
        axis: ``"samples"`` or the name of the size.
        position: where; ``interval``: the measured positions that it lies between.
        metric: of the loss or the zero-one error.
        height: the risk there over that at the lower of both sides.
        sentence: in words.
    """

    axis: str
    position: float
    interval: tuple[float, float]
    metric: Metric
    height: float
    sentence: str = ""


@dataclass(frozen=True, kw_only=True)
class RegimeAnswer:
    """Where the n samples lie about the effective model complexity.

    Attributes:
        regime: under-, over-parameterised, critical or undecided.
        ratio: complexity over n with its interval; infinity above means unbounded.
        peak: a peak of the held-out risk that was measured, which then decides; None where none was.
        decided_by: ``"training risk"``, ``"peak"``, or ``"nothing"``.
        would_decide: what would decide it: ``"budget"``, ``"rows"`` or ``""`` where it is decided, or nothing can.
        sentence: in words: the regime first, then what would decide it.
    """

    regime: Regime
    ratio: Estimate
    peak: MeasuredPeak | None
    decided_by: str
    would_decide: str
    sentence: str = ""

    def __str__(self) -> str:
        """The sentence."""
        return self.sentence


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a change does to the risk on new samples.

    Attributes:
        question: ``"more_data"``, ``"bigger"``, ``"longer"``, or the name of a remedy.
        factor: how many times as much: 2 for twice as many samples.
        metric: of the loss (the training objective on new samples) or the zero-one error.
        answer: helps, hurts, makes no difference, cannot tell.
        confidence: probability that the answer is right, calibrated (see the docs); NaN where it cannot tell.
        change: relative change of the risk, -0.2 for a fifth less, with its 95 % interval; NaN where it is not known.
        method: how it is known: ``"tried"``, ``"rehearsed"``, ``"twin"``, ``"zone"``, several joined by " + ".
        reason: what it rests on, or why it cannot tell, in words.
        evidence: the numbers behind it: estimates ``d`` and standard errors of each method.
        error: the same of the zero-one error, beside an answer about the loss; None for regressions.
    """

    question: str
    factor: float
    metric: Metric
    answer: Verdict
    confidence: float
    change: Estimate
    method: str
    reason: str
    evidence: Mapping[str, float] = field(default_factory=dict)
    error: Answer | None = None


@dataclass(frozen=True, kw_only=True)
class Remedy:
    """Something that was tried on held-out data.

    Attributes:
        kind: ``"size"``, ``"regularisation"``, ``"stopping"`` or ``"averaging"``.
        what: in words: "max_leaf_nodes = 16 instead of no limit".
        settings: the parameters that make it, where parameters do.
        answer: what it does, on data that did not choose it.
        fits_less: whether its training loss is higher than that of the model as it is.
    """

    kind: str
    what: str
    settings: Mapping[str, object]
    answer: Answer
    fits_less: bool


@dataclass(frozen=True, kw_only=True)
class NoiseSlope:
    """What wrong labels cost: the slope of clean risk against label noise at this size.

    Attributes:
        error: zero-one points for each point of wrong labels (1 is as bad as copying the nearest label); NaN for
            regressions.
        loss: for classes likewise, of the squared loss beyond what the Bayes predictor pays; for values, clean
            squared error for each unit of noise variance.
        levels: the shares of wrong labels (or the noise variances over the targets' variance) that were tried.
        is_fitted: whether the training set was fitted at every level: else the slope is no matter of interpolation.
        exponent: of the slope ~ n^exponent over the n measured; NaN where too few were.
        samples: the numbers of samples behind the exponent.
        sentence: in words: what one per cent more wrong labels costs.
    """

    error: Estimate
    loss: Estimate
    levels: tuple[float, ...]
    is_fitted: bool
    exponent: Estimate
    samples: tuple[int, ...]
    sentence: str = ""


@dataclass(frozen=True, kw_only=True)
class RiskCurve:
    """Risk over one axis, as far as it was measured on the way to the answers.

    Attributes:
        axis: ``"samples"``, ``"size"`` or ``"time"``.
        positions: ascending; infinity for a size without limit.
        samples: the n at which size or time was varied; NaN for a curve over n.
        train_loss: mean training objective; an interval needs several trainings.
        held_out_loss: on new samples, in the same unit.
        held_out_error: zero-one; NaN for regressions.
        trainings: on how many trainings each position rests.
    """

    axis: Literal["samples", "size", "time"]
    positions: tuple[float, ...]
    samples: float
    train_loss: tuple[Estimate, ...]
    held_out_loss: tuple[Estimate, ...]
    held_out_error: tuple[Estimate, ...]
    trainings: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Diagnosis:
    """Where the user's model stands, and what would help. What the budget did not reach is None or empty.

    Attributes:
        model: its name; ``source``: the data's.
        samples: n; ``size``: None where the model has none; ``size_name``, ``time``, ``time_name``: likewise.
        inferred: what was inferred of the model, a sentence each.
        standing: where it is.
        fitted: by ``"loss"`` and, for classes, ``"error"``.
        regime: with what would decide it.
        emc: the effective model complexity.
        more_data: by factor, 1.5, 2 and 4; ``bigger`` and ``longer`` likewise.
        remedies: what was tried on held-out data, the best first.
        noise_slope: what wrong labels cost.
        findings: what to know of the data.
        curves: risk over n, size and time, as far as it was measured on the way.
        unanswered: why an answer is missing, by its name.
        failures: trainings that failed and were left out: what each says, and how many said so.
        confidence: how sure an answer must be to be given.
        minutes: that it took; ``trainings``: that it cost, in trainings of the user's model.
        seconds_per_training: what one training of the user's model takes.
        is_budget_spent: whether the budget ended it.
        is_interrupted: whether Ctrl-C did.
    """

    model: str
    source: str
    samples: int
    size: float | None
    size_name: str
    time: float | None
    time_name: str
    inferred: tuple[str, ...] = ()
    standing: Standing | None = None
    fitted: Mapping[Metric, Fitted] = field(default_factory=dict)
    regime: RegimeAnswer | None = None
    emc: EffectiveModelComplexity | None = None
    more_data: Mapping[float, Answer] = field(default_factory=dict)
    bigger: Mapping[float, Answer] = field(default_factory=dict)
    longer: Mapping[float, Answer] = field(default_factory=dict)
    remedies: tuple[Remedy, ...] = ()
    noise_slope: NoiseSlope | None = None
    findings: tuple[DataFinding, ...] = ()
    curves: tuple[RiskCurve, ...] = ()
    unanswered: Mapping[str, str] = field(default_factory=dict)
    failures: Mapping[str, int] = field(default_factory=dict)
    confidence: float = 0.85
    minutes: float = 0.0
    trainings: float = 0.0
    seconds_per_training: float = math.nan
    is_budget_spent: bool = False
    is_interrupted: bool = False

    @property
    def headline(self) -> str:
        """The answer in at most 20 words."""
        return headline(self)

    @property
    def sentence(self) -> str:
        """The answer in a paragraph: what it says first, then what is unknown, why, and what would decide it."""
        return sentence(self)

    def __str__(self) -> str:
        """The paragraph."""
        return self.sentence

    @property
    def codes(self) -> tuple[str, ...]:
        """What was found, in short codes; :data:`benign.diagnosis.codes.CODES` says what each means."""
        return codes_of(self)

    @property
    def display(self) -> CurveDisplay:
        """Where you stand: the loss over n, with the critical regime and what more data are expected to do.

        Raises:
            InvalidArgument: where nothing was measured.
        """
        from benign.diagnosis.picture import main_display

        return main_display(self)

    @property
    def displays(self) -> dict[str, Display]:
        """Such a picture for each of ``"samples"``, ``"size"`` and ``"time"`` that was measured."""
        from benign.diagnosis.picture import displays

        return displays(self)

    def plot(self, ax: object = None) -> CurveDisplay:
        """Draw :attr:`display`; returns it."""
        return self.display.plot(ax=ax)

    def frame(self) -> pd.DataFrame:
        """The answers as a table: a row for each question, factor and metric."""
        from benign.diagnosis.tables import frame

        return frame(self)

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON takes it, as ``benign.diagnosis.json_schema`` says; what is no number is None."""
        words = {"schema": SCHEMA, "headline": self.headline, "sentence": self.sentence, "codes": self.codes}
        emc = None if self.emc is None else self.emc.to_dict()
        return dict(plain(words | vars(self) | {"emc": emc}))

    def _repr_html_(self) -> str:
        from benign.diagnosis.tables import html

        return html(self)
