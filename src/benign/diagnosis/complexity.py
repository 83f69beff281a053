"""The effective model complexity of a training procedure: the largest training set that it fits."""

from __future__ import annotations

import itertools
import math
import time as clock
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from benign.curves.fitting_threshold import (
    Criterion,
    FittingThreshold,
    MoreBudget,
    ThresholdOutcome,
    finite,
    interval_words,
    more_budget,
)
from benign.curves.threshold_bracketing import ThresholdSearch
from benign.curves.threshold_search import Regime, dispersion_above, mean_ends, regime
from benign.diagnosis.conflicting_labels import irreducible_risk
from benign.diagnosis.fit_search import FitSearch, search_limits, stored_trainings
from benign.diagnosis.search_arguments import SMALLEST, checked_samples, checked_size, checked_times
from benign.experiments import Executor, Place
from benign.experiments.repeated_warnings import said_once
from benign.foundation.conventions import REGIME_BAND, TOLERANCE
from benign.foundation.errors import invalid
from benign.foundation.numbers import checked_count
from benign.foundation.progress import Progress, silent
from benign.foundation.replicate import Replicate
from benign.foundation.size_words import amount
from benign.procedures.protocol import Procedure
from benign.sources.protocol import Source
from benign.surface.training_risks import CRITERION_WORDS

if TYPE_CHECKING:
    from benign.plots import CurveDisplay

LARGEST = 10_000  # where a source has no end, and 4 samples a parameter do not reach as far


@dataclass(frozen=True, kw_only=True, eq=False)
class Evidence:
    """What was measured at one n.

    Attributes:
        samples: number of training samples n.
        risks: training risk of each draw, in the unit of the criterion.
        mean: their mean.
        interval: 95 % interval of that mean, within the risk's range; all of it for fewer than 4 draws.
        is_fitted: whether the search took this n as fitted.
    """

    samples: int
    risks: Float[np.ndarray, " R"]
    mean: float
    interval: tuple[float, float]
    is_fitted: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class EffectiveModelComplexity:
    """The largest n whose training set is fitted on average, with what it was read from.

    Attributes:
        value: the largest n; 0 if no n is fitted. A lower bound where the outcome is ``ALL_FITTED``.
        interval: its 95 % interval over draws; 0 below and infinity above mean unbounded.
        first_crossing: where the mean first leaves the tolerance: below ``value`` if the fitted n are no interval.
        fitted_from: the smallest n tried from which on all are fitted up to the value; 0 where none below is unfitted.
        outcome: found, at least, below or undecided.
        trainings: number of trainings that it rests on, those among them that a store held already included.
        seconds: how long the search took.
        tolerance: what counts as fitted.
        criterion: ``"objective"`` or ``"error"``.
        is_budget_spent: whether the search ended because its budget did.
        irreducible_risk: the training risk that equal inputs with different labels force upon every model, at the
            largest n measured (its first draw).
        evidence: every n that was measured, ascending.
        title: procedure, size, time and source.
        data_notes: what there is to know of the data; see :attr:`benign.Surface.notes`.
        failure: what the training failed with that ended the search; empty where none did.
        available: how many samples there are; infinity where there is no end.
    """

    value: int
    interval: tuple[float, float]
    first_crossing: int
    outcome: ThresholdOutcome
    trainings: int
    seconds: float
    tolerance: float
    criterion: Criterion
    is_budget_spent: bool
    irreducible_risk: float
    evidence: tuple[Evidence, ...]
    title: str
    data_notes: tuple[str, ...] = ()
    failure: str = ""
    fitted_from: int = 0
    available: float = math.inf

    def __str__(self) -> str:
        """The sentence, and what there is to know of the data."""
        return " ".join([self.sentence, *self.data_notes])

    @property
    def sentence(self) -> str:
        """The result in words."""
        subject = "training objective" if self.criterion == "objective" else "zero-one training error"
        of = " of the best constant predictor's" if self.criterion == "objective" else ""
        end = f"; a failure ended the search. {self.failure}" if self.failure else "."
        cost = "1 training" if self.trainings == 1 else f"{self.trainings} trainings"
        words = [f"{self.title}: {self._found}, from {cost}{end}"]
        words.append(f"Fitted is a mean {subject} of at most {self.tolerance:g}{of}.")
        if self.fitted_from:
            fewer = f"fewer than about {self.fitted_from:,} are not"
            words.append(f"The fitted n are no interval: {self._as_well}{fewer}.")
        words += filter(None, [self.more_budget.value, self._irreducible])
        return " ".join(words)

    @property
    def _found(self) -> str:
        """What was found, as a number where it is one and as a bound where it is not."""
        first, last = (f"{self.evidence[place].samples:,}" for place in (0, -1))
        tried = first if first == last else f"{first} to {last}"
        if self.outcome is ThresholdOutcome.ALL_FITTED:
            rows = ", all that there are" if self.is_limited_by_data else ""
            return f"at least {self.value:,} samples{rows}"
        if self.outcome is ThresholdOutcome.NONE_FITTED:
            return f"no number of samples that was tried is fitted ({tried})"
        if self.interval[1] == math.inf:
            return f"{self.ends} samples" if self.interval[0] else f"not known yet (tried {tried} samples)"
        if not self.interval[0]:
            return f"{self.ends} samples, about {self.value:,} if the mean of these trainings is right"
        return f"{self.value:,} samples (95 % interval: {self.ends})"

    @property
    def _as_well(self) -> str:
        return f"up to about {self.first_crossing:,} they are fitted too; " if self.first_crossing else ""

    @property
    def _irreducible(self) -> str:
        if self.irreducible_risk <= self.tolerance:
            return ""
        return (
            f"Equal inputs with different labels force a risk of {self.irreducible_risk:.3g} on every model of "
            f"{self.evidence[-1].samples:,} samples: nothing can fit them."
        )

    @property
    def is_limited_by_data(self) -> bool:
        """Whether all the samples that there are were tried and fitted: only more of them can tell."""
        return self.outcome is ThresholdOutcome.ALL_FITTED and self.value >= self.available

    @property
    def ends(self) -> str:
        """The interval in words."""
        return interval_words(self.interval)

    @property
    def more_budget(self) -> MoreBudget:
        """What more trainings would buy."""
        if self.failure:
            return MoreBudget.NOTHING
        return more_budget(self.outcome, self.interval, is_budget_spent=self.is_budget_spent)

    def regime(self, n: float, band: float = REGIME_BAND) -> Regime:
        """The regime of a training set of n samples; undecided where the interval crosses an edge, and where so few
        samples are not fitted though more are.

        Raises:
            InvalidArgument: if ``n`` is not positive or ``band`` not above 1.
        """
        found = regime(float(self.value), self.interval, float(n), band=band)
        return Regime.UNDECIDED if n < self.fitted_from else found

    def to_dict(self) -> dict[str, object]:
        """All numbers as JSON values; None stands for what is not bounded."""
        numbers = asdict(self)
        for one in numbers["evidence"]:
            one |= {"risks": one["risks"].tolist(), "interval": [finite(end) for end in one["interval"]]}
        return numbers | {
            "interval": [finite(end) for end in self.interval],
            "available": finite(self.available),
            "outcome": self.outcome.name.lower(),
            "sentence": self.sentence,
            "data_notes": list(self.data_notes),
        }

    @property
    def display(self) -> CurveDisplay:
        """Mean training risk over n with the tolerance, and the complexity with its interval."""
        from benign.plots import CurveDisplay, Role, Series, Threshold

        n = np.array([one.samples for one in self.evidence], dtype=np.float64)
        mean, tolerance = np.array([one.mean for one in self.evidence]), np.full(len(n), self.tolerance)
        low, high = np.array([one.interval for one in self.evidence]).T
        is_known = np.isfinite(high)
        series = (
            Series(name="tolerance", positions=n, median=tolerance, low=tolerance, high=tolerance, role=Role.REFERENCE),
            Series(
                name="train",
                positions=n,
                median=mean,
                role=Role.TRAIN,
                low=np.where(is_known, np.clip(low, 0.0, mean), mean),
                high=np.where(is_known, high, mean),
            ),
        )
        ends = (float(max(self.interval[0], n[0])), float(min(self.interval[1], n[-1])))
        threshold = (
            Threshold(position=float(self.value), low=ends[0], high=ends[1], label="EMC") if self.value else None
        )
        return CurveDisplay(
            title=self.title,
            series=series,
            threshold=threshold,
            y_log=False,
            position_name="n",
            x_label="number of training samples (samples)",
            y_label=CRITERION_WORDS[self.criterion],
            caption="Line: mean over draws; band: its 95 % interval; EMC: where the mean crosses the tolerance.",
        )

    def plot(self, ax: object = None) -> CurveDisplay:
        """Draw :attr:`display`; returns it."""
        return self.display.plot(ax=ax)


@said_once()
def effective_model_complexity(
    procedure: Procedure,
    source: Source,
    *,
    size: float,
    time: float | None = None,
    samples: int | None = None,
    tolerance: float = TOLERANCE,
    criterion: Criterion = "objective",
    max_trainings: int | None = None,
    max_minutes: float | None = None,
    minutes_per_training: float | None = None,
    replicates: int | None = None,
    multiple: int = 1,
    seed: int = 0,
    workers: int | None = None,
    executor: str | Executor | None = None,
    store: Place = None,
    progress: Progress = silent,
) -> EffectiveModelComplexity:
    r"""Estimate the effective model complexity (Nakkiran et al. 2020, Definition 1) of a procedure.

    :math:`\mathrm{EMC}_{D, \epsilon}(T) = \max \{n : E_{S \sim D^n}[\mathrm{Error}_S(T(S))] \le \epsilon\}`, where
    the training risk is taken on the labels trained on, noise included. The search doubles (or halves) n from yours, or
    from the number of parameters for each output, until the tolerance is crossed, looks once beyond, then bisects on
    log n; at each n a sequential test draws 4 to ``replicates`` training sets, nested over n. Where few samples are not
    fitted and more are, as by boosting with ``min_samples_leaf``, that is found too, and said. Each training goes
    through the store, so a search that was stopped goes on where it was, and searches share what they measure.

    Args:
        procedure: for example :class:`benign.RandomFourier`.
        source: where training sets come from; ``max_samples`` of a finite one bounds the search.
        size: of the model.
        time: when training ends, in units of the procedure's ``time_name``; None for the end of its training.
        samples: your n, which is measured first.
        tolerance: epsilon. Relative to the best constant predictor for the objective, absolute for the error.
        criterion: ``"objective"``, what training minimises, or ``"error"``, zero-one. For squared loss the error reads
            1.2 to 1.5 times too high and does not mark the peak.
        max_trainings: budget; 60 unless said.
        max_minutes: budget of time; a training that has begun may end. It holds beside ``max_trainings``.
        minutes_per_training: a training that takes longer is stopped, where it runs in a worker process, and the search
            answers from the others; ``max_minutes`` unless said.
        replicates: draws at one n at most; 10 unless said, 4 at least. More of them narrow the interval.
        multiple: only multiples of this n are tried, with interpolation between them. Give the batch size of a network:
            where an epoch ends with a batch of few samples, the last iterate fits these alone (103 samples in batches
            of 100 leave a training error of 0.2 where 100 leave none), and the fitted n are no interval.
        seed: root seed.
        workers: processes; None chooses.
        executor: as :func:`benign.measure`.
        store: path or URL, an open store, ``":memory:"``, or None for the default one.
        progress: told the number of trainings.

    Returns:
        The complexity with its interval, outcome and evidence.

    Raises:
        InvalidArgument: for settings that make no sense, and where not even the first training has a finite risk.
        WorkerDied: if that kills its worker process; likewise JobStopped and NotEnoughMemory.
        MeasurementInterrupted: on Ctrl-C; the store keeps what was measured.
    """
    where: dict[str, Any] = {"workers": workers, "executor": executor, "store": store}
    asked = FitSearch(
        procedure=procedure,
        source=source,
        tolerance=tolerance,
        criterion=criterion,
        seed=seed,
        progress=progress,
        limits=search_limits(max_trainings, max_minutes, replicates),
        trainings=stored_trainings(procedure, source, seed=seed, minutes=(max_minutes, minutes_per_training), **where),
    )
    model_size = checked_size(size, procedure)
    n = None if samples is None else checked_samples(samples, source)
    times = checked_times(time, procedure)
    with asked.opened() as search:
        return find_complexity(search, size=model_size, times=times, samples=n, multiple=multiple)


def find_complexity(
    search: FitSearch,
    *,
    size: float | None,
    times: list[float] | None = None,
    samples: int | None = None,
    multiple: int = 1,
    most: float | None = None,
) -> EffectiveModelComplexity:
    """As :func:`effective_model_complexity`.

    Args:
        search: what is trained, and what may be spent.
        size: of the model; None where it has none, infinity where it has no limit.
        times: the one time, if there is one.
        samples: the n that is measured first; None for a guess from the number of parameters.
        multiple: as there.
        most: the largest n that is tried; all that there are unless said.
    """
    start, source, unit = clock.monotonic(), search.source, checked_count("multiple", multiple)
    first, largest = _range(search, size, unit, most)
    guess = _parameters(search, size) if samples is None else samples
    model = _model(search.procedure, size)
    bisection = search.bisection(
        "effective model complexity",
        f"the complexity of {model} on {source.name}",
        lambda units: (size, times, int(units) * unit),
        positions=(first, largest),
        seeks_smallest=False,
        is_along_samples=True,
    )
    estimate = bisection.run(min(max(guess // unit, first), largest))
    if bisection.failure is None and not bisection.is_budget_spent:
        bisection.look_for_the_easiest_end()
        estimate = bisection.estimate
    estimate = _not_nothing(estimate, bisection)
    trainings = search.limits.trainings
    search.progress("effective model complexity", trainings, trainings)
    at = "" if times is None else f", {amount(times[0], str(search.procedure.time_name))}"
    tried = int(max(bisection.ascending)) * unit
    low, high = bisection.easiest_end
    return EffectiveModelComplexity(
        value=_whole(estimate.value * unit),
        interval=_interval(estimate, bisection, unit, search.tolerance),
        first_crossing=_whole(estimate.first_crossing * unit),
        fitted_from=int(high) * unit if low and estimate.has_place else 0,
        outcome=estimate.outcome,
        trainings=bisection.trainings,
        seconds=clock.monotonic() - start,
        tolerance=search.tolerance,
        criterion=search.criterion,
        is_budget_spent=bisection.is_budget_spent,
        irreducible_risk=_forced(search, tried),
        title=f"Effective model complexity of {model}{at} on {source.name}",
        evidence=_evidence(bisection, unit, search),
        data_notes=search.notes(tried),
        failure="" if bisection.failure is None else str(bisection.failure),
        available=math.inf if source.max_samples is None else largest * unit,
    )


def _not_nothing(estimate: FittingThreshold, bisection: ThresholdSearch) -> FittingThreshold:
    """The estimate, which is not that nothing is fitted where the mean of something measured is within the tolerance:
    pooled with a smaller n that is not, it may be above.
    """
    fitted = [n for n in bisection.ascending if bisection.is_fitted(n)]
    if estimate.outcome is not ThresholdOutcome.NONE_FITTED or not fitted:
        return estimate
    unbounded = (estimate.interval[0], math.inf)
    return replace(estimate, value=fitted[-1], interval=unbounded, outcome=ThresholdOutcome.UNDECIDED)


def _model(procedure: Procedure, size: float | None) -> str:
    """The model in words."""
    if size is None:
        return str(getattr(procedure, "name", "your model"))
    if math.isinf(size):
        return f"{getattr(procedure, 'name', 'your model')} without a limit of {procedure.size_name}"
    return amount(size, procedure.size_name)


def _forced(search: FitSearch, samples: int) -> float:
    """The risk that conflicting labels force upon the largest n, where it is known how for this objective."""
    objective = search.procedure.objective
    if search.criterion == "objective" and objective not in ("squared", "cross-entropy"):
        return 0.0
    return irreducible_risk(
        search.source.draw(samples, Replicate(seed=search.seed)), search.criterion, search.procedure.objective
    )


def _range(search: FitSearch, size: float | None, unit: int, most: float | None) -> tuple[int, int]:
    """Smallest and largest n, in units."""
    source = search.source
    largest = source.max_samples if most is None else int(most)
    if largest is None:
        largest = max(LARGEST, 4 * _parameters(search, size))
    if largest < unit:
        raise invalid("multiple", f"is {unit}, but {source.name} has only {largest} samples; lower it.")
    return math.ceil(SMALLEST / unit), largest // unit


def _parameters(search: FitSearch, size: float | None) -> int:
    """The number of parameters for each output: as many samples as least squares can just fit."""
    if size is None or not math.isfinite(size) or size != math.floor(size):
        return SMALLEST
    split = search.source.draw(SMALLEST, Replicate(seed=search.seed))
    return max(SMALLEST, search.procedure.parameters(int(size), split) // split.train_targets.shape[1])


def _interval(
    estimate: FittingThreshold, bisection: ThresholdSearch, unit: int, tolerance: float
) -> tuple[float, float]:
    """The interval in whole n, with the gap between the n that were tried around the value.

    Of two n, one that is fitted and one that is not, the complexity is anything from the first to just below the other.
    """
    low, high = (end * unit for end in estimate.interval)
    around = estimate.widened(list(bisection.ascending)).interval
    above = around[1] * unit - 1.0
    low = min(low, around[0] * unit) or unit * _surely_fitted(bisection, tolerance)
    high = max(high, above, _surely_not_fitted(bisection, tolerance) * unit - 1.0)
    return _whole(low), _whole(high) if high < math.inf else math.inf


def _surely_not_fitted(bisection: ThresholdSearch, tolerance: float) -> float:
    """The n from which on nothing may be fitted: beyond each at which some draw is and their mean leaves it open.

    Smaller n that surely are not fitted say nothing of it: training risk need not grow.
    """
    risks = bisection.ascending
    dispersion = dispersion_above(list(risks.values()), tolerance)
    is_open = [
        draws.min() <= tolerance and mean_ends(draws, dispersion=dispersion)[0] <= tolerance for draws in risks.values()
    ]
    return next(itertools.compress(reversed([*list(risks)[1:], math.inf]), reversed(is_open)), 0.0)


def _surely_fitted(bisection: ThresholdSearch, tolerance: float) -> float:
    """The largest n that is surely fitted by its draws and those of more samples together, from the n on whose every
    draw is fitted; 0 where none is.

    Few samples leave no more than many, so that what bounds the mean of all of these bounds that of the fewest. It is
    asked where the draws at no n suffice: those that leave nothing are few at each.
    """
    risks = bisection.ascending
    dispersion, pooled = dispersion_above(list(risks.values()), tolerance), np.zeros(0)
    below = itertools.dropwhile(lambda n: risks[n].max() > tolerance, reversed(risks))
    for n in itertools.takewhile(bisection.is_fitted, below):
        pooled = np.concatenate([pooled, risks[n]])
        if mean_ends(pooled, dispersion=dispersion)[1] <= tolerance:
            return n
    return 0.0


def _whole(position: float) -> int:
    """The largest n that does not exceed it; exp(log(n)) may lie a little below n."""
    return math.floor(position * (1.0 + 1e-12))


def _evidence(bisection: ThresholdSearch, unit: int, search: FitSearch) -> tuple[Evidence, ...]:
    ascending = [int(n) for n in bisection.ascending]
    dispersion = dispersion_above([bisection.risks[n] for n in ascending], search.tolerance)
    largest = 1.0 if search.criterion == "error" else math.inf
    intervals = [mean_ends(bisection.risks[n], dispersion=dispersion) for n in ascending]
    return tuple(
        Evidence(
            samples=n * unit,
            risks=bisection.risks[n],
            mean=float(np.mean(bisection.risks[n])),
            interval=(max(low, 0.0), min(high, largest)),
            is_fitted=bisection.is_fitted(n),
        )
        for n, (low, high) in zip(ascending, intervals, strict=True)
    )
