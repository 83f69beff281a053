"""The regime of the user's n samples: from training risk, and from a peak of the held-out risk where that was measured.

What the model fits is searched at the user's n first, then at fewer samples. Where it fits all that there are, two
trials tell how many more it could fit: random labels on more rows, and a smaller size on the same rows. A peak that was
measured decides where it contradicts the training risk: a linear discriminant, whose training risk falls with n, peaks
where n is close to the number of columns and says nothing of it on its training set.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from benign.curves.fitting_threshold import MoreBudget, ThresholdOutcome
from benign.curves.threshold_search import LEAST_DRAWS, Regime
from benign.diagnosis.answers import Estimate, Fitted, MeasuredPeak, Metric, RegimeAnswer, Standing, Unanswered
from benign.diagnosis.bench_trainings import BenchTrainings, search_on
from benign.diagnosis.complexity import EffectiveModelComplexity, find_complexity
from benign.diagnosis.held_out_peak import Peak, Trials, find_peak
from benign.diagnosis.random_labels import RandomLabels
from benign.diagnosis.trials.bench import Bench
from benign.diagnosis.trials.trial import Trial
from benign.foundation.conventions import REGIME_BAND, TOLERANCE
from benign.foundation.errors import BenignError
from benign.foundation.number_words import format_number
from benign.foundation.size_words import amount

_FOLDS = 5
_BEYOND = 1.6  # as many rows, or as much smaller a size: just outside the critical regime
_RANDOM_DRAWS = 2  # that all are fitted says enough: random labels are the hardest
_PEAK_SHARES = (1.0, 0.8, 0.625, 0.4, 0.25)  # of the user's n or size, between which a peak is looked for
_CLOSE = 2.0  # a training loss within this factor of the tolerance
_FAR = 8  # a peak farther below n says nothing of it
_BESIDE = (0.7, 1.4)  # of where least squares would peak
_COMPLEXITY_SHARE = 0.6  # of the budget


def regime_of(
    bench: Bench, standing: Standing, fitted: Mapping[Metric, Fitted]
) -> tuple[RegimeAnswer, EffectiveModelComplexity]:
    """Where the user's n samples lie about the effective model complexity.

    Args:
        bench: what is spent on it.
        standing: where the model is.
        fitted: whether it fits its training set.

    Returns:
        The regime with what would decide it, and the complexity.

    Raises:
        Unanswered: where the data or the budget allow no answer.
    """
    for finding in standing.findings:
        if "regime" in finding.refuses:
            raise Unanswered(finding.sentence)
    tolerance = fitted["loss"].tolerance if "loss" in fitted else TOLERANCE
    emc = _complexity(bench.share(_COMPLEXITY_SHARE), tolerance)
    by_training = _by_training(bench, emc, tolerance)
    return _decided(bench, emc, by_training, _by_peak(bench, emc, by_training)), emc


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """What one kind of evidence says.

    Attributes:
        regime: by it.
        ratio: complexity over n.
        because: a clause on what it rests on.
        would_decide: as in the answer.
    """

    regime: Regime
    ratio: Estimate
    because: str
    would_decide: str = ""


def _complexity(bench: Bench, tolerance: float) -> EffectiveModelComplexity:
    """What is fitted at the user's n and fewer.

    Raises:
        Unanswered: where not even the first training could be had.
    """
    subject, first = bench.subject, bench.user_trial()
    if bench.measure([first])[0] is None:
        raise Unanswered(bench.failure_of(first) or "The budget ended before a training of the model.")
    times = None if subject.time is None else [subject.time]
    search = search_on(bench, tolerance=tolerance)
    try:
        return find_complexity(search, size=subject.size, times=times, samples=bench.samples, most=bench.samples)
    except BenignError as error:
        if bench.is_budget_spent:
            raise Unanswered("The budget ended before it was found how many samples the model fits.") from error
        raise Unanswered(f"What the model fits was not found: {error}") from error


def _by_training(bench: Bench, emc: EffectiveModelComplexity, tolerance: float) -> _Reading:
    """What the training risk alone says."""
    n, risk = bench.samples, next((one for one in emc.evidence if one.samples == bench.samples), emc.evidence[-1])
    ratio = Estimate(value=emc.value / n, interval=(emc.interval[0] / n, emc.interval[1] / n))
    if emc.outcome is ThresholdOutcome.ALL_FITTED or emc.interval[0] >= n:
        return _of_all_fitted(bench, ratio, tolerance)
    regime, loss = (
        emc.regime(n),
        f"its training loss on your {n:,} samples is {format_number(risk.mean)} of a constant's",
    )
    if _is_falling(emc):
        because = f"{loss}, and it falls as samples are added, so it does not say how many the model can fit"
        return _Reading(regime=Regime.UNDECIDED, ratio=ratio, because=because, would_decide="rows")
    if regime is not Regime.UNDECIDED:
        fits = f"the model can fit about {emc.value:,} samples, and you have {n:,}"
        return _Reading(
            regime=regime, ratio=ratio, because=fits if emc.value else f"{loss}, and fewer are not fitted either"
        )
    decides = "" if emc.more_budget is MoreBudget.NOTHING else "budget"
    low, high = emc.interval
    if low and high < math.inf:
        because = f"the model can fit {low:,.0f} to {high:,.0f} samples, and you have {n:,}"
    elif tolerance / _CLOSE <= risk.mean <= tolerance * _CLOSE:
        because = f"{loss}, too close to the {tolerance:g} that count as fitted to say how many samples it can fit"
    else:
        because = f"{loss}, and how many samples it can fit is not known yet"
    return _Reading(regime=regime, ratio=ratio, because=because, would_decide=decides)


def _of_all_fitted(bench: Bench, ratio: Estimate, tolerance: float) -> _Reading:
    """All rows are fitted: whether more would be, too."""
    n, beyond = bench.samples, Estimate(value=_BEYOND, interval=(_BEYOND, math.inf))
    if _fits_random_labels(bench, tolerance, _BEYOND):
        because = f"the model fits random labels on {_BEYOND:g} times your {n:,} rows, so it could fit more samples yet"
        return _Reading(regime=Regime.OVER, ratio=beyond, because=because)
    smaller, parameter = _smaller_size(bench), bench.subject.size_parameter
    is_fitted = None if smaller is None else _is_fitted_at(bench, smaller, tolerance)
    less = "" if smaller is None or parameter is None else amount(smaller, parameter.name)
    if is_fitted:
        because = f"{less} would fit your {n:,} samples as well"
        return _Reading(regime=Regime.OVER, ratio=beyond, because=because)
    is_by_chance = _fits_random_labels(bench, tolerance, 1.0)
    if is_by_chance and is_fitted is False:
        because = f"the model just fits your {n:,} samples: {less} would not"
        interval = Estimate(value=ratio.value, interval=(1.0, _BEYOND))
        return _Reading(regime=Regime.CRITICAL, ratio=interval, because=because)
    because = f"the model fits all of your {n:,} samples"
    if not is_by_chance and not bench.is_budget_spent:
        because += " for its inputs explain them, since it cannot fit random labels"
    return _Reading(
        regime=Regime.UNDECIDED,
        ratio=Estimate(value=ratio.value, interval=(1.0, math.inf)),
        because=f"{because}, and how many more it could fit is not known",
        would_decide="budget" if bench.is_budget_spent else "rows",
    )


def _fits_random_labels(bench: Bench, tolerance: float, ratio: float) -> bool:
    """Whether it fits random labels on so many times the user's rows."""
    world = bench.add_world(RandomLabels(source=bench.source, samples=bench.samples))
    rows = math.ceil(ratio * bench.samples)
    trials = [replace(bench.user_trial(fold), rows=rows, world=world) for fold in range(_RANDOM_DRAWS)]
    risks = [found.relative_train_loss[-1] for found in bench.measure(trials) if found is not None]
    return len(risks) == _RANDOM_DRAWS and bool(max(risks) <= tolerance)


def _smaller_size(bench: Bench) -> float | None:
    """The size that stands for 1 / 1.6 of what the user's can fit, where sizes are proportional to that."""
    parameter, size = bench.subject.size_parameter, bench.subject.size
    if parameter is None or size is None or not parameter.grows or parameter.is_inverse or not math.isfinite(size):
        return None
    smaller = size / _BEYOND if parameter.is_real else float(math.floor(size / _BEYOND))
    return smaller if smaller >= parameter.least else None


def _is_fitted_at(bench: Bench, size: float, tolerance: float) -> bool | None:
    """Whether the user's rows are fitted at another size; None where that is not clear."""
    trials = [replace(bench.user_trial(fold), size=size) for fold in range(LEAST_DRAWS)]
    risks = [found.relative_train_loss[-1] for found in bench.measure(trials) if found is not None]
    if len(risks) < 2 or not np.isfinite(risks).all():
        return None
    is_fitted = [bool(risk <= tolerance) for risk in risks]
    return is_fitted[0] if len(set(is_fitted)) == 1 else None


def _by_peak(bench: Bench, emc: EffectiveModelComplexity, training: _Reading) -> tuple[_Reading | None, Peak]:
    """What held-out risks say that were measured along samples, and along size where the peak may lie at the user's n.

    What the search measured is looked at first, and where least squares would peak; more only where that rises.
    """
    n, parameter, size = bench.samples, bench.subject.size_parameter, bench.subject.size
    tried = {one.samples for one in emc.evidence} | _least_squares(bench)
    found = find_peak(bench, "samples", _along_samples(bench, tried))
    is_open = training.regime in (Regime.UNDECIDED, Regime.CRITICAL) or found.rises_from is not None
    if found.peak is None and is_open:
        tried |= {round(n * share) for share in _PEAK_SHARES}
        found = find_peak(bench, "samples", _along_samples(bench, tried))
    if found.peak is not None:
        low, high = found.peak.interval
        return _at_peak(found.peak.position / n, (low / n, high / n)), found
    sizes = _along_size(bench) if is_open else {}
    if not sizes or parameter is None or size is None:
        return None, found
    beside = find_peak(bench, parameter.name, sizes)
    if beside.peak is not None:
        low, high = beside.peak.interval
        return _at_peak(size / beside.peak.position, (size / high, size / low)), beside
    if found.rises_from is None or beside.rises_from is None:
        return (_unknown(sizes, bench) if found.rises_from is not None else None), found
    peak = MeasuredPeak(
        axis="samples",
        position=float(n),
        interval=(found.rises_from, math.inf),
        metric=found.metric,
        height=math.nan,
        sentence=f"The held-out {found.metric} rises from {int(found.rises_from):,} samples to your {n:,}, and from "
        f"{amount(beside.rises_from, parameter.name)} to your size: you are at its peak.",
    )
    return _at_peak(1.0, (1.0 / REGIME_BAND, REGIME_BAND)), replace(found, peak=peak)


def _unknown(sizes: Trials, bench: Bench) -> _Reading | None:
    """Where the risk rises up to the user's n, and the budget ended before smaller sizes told on which side of its peak
    that is.
    """
    trials = [trial for each in sizes.values() for trial in each]
    if all(
        one is not None or bench.failure_of(trial) for one, trial in zip(bench.measure(trials), trials, strict=True)
    ):
        return None
    because = (
        "the budget ended before smaller sizes could tell whether the peak of the held-out loss lies here or beyond"
    )
    ratio = Estimate(value=math.nan, interval=(0.0, math.inf))
    return _Reading(regime=Regime.UNDECIDED, ratio=ratio, because=because, would_decide="budget")


def _at_peak(ratio: float, interval: tuple[float, float]) -> _Reading:
    regime = Regime.OVER if ratio > REGIME_BAND else Regime.UNDER if ratio * REGIME_BAND < 1.0 else Regime.CRITICAL
    return _Reading(regime=regime, ratio=Estimate(value=ratio, interval=interval), because="")


def _least_squares(bench: Bench) -> set[int]:
    """The n at which least squares in the model's columns peaks, intercept and class means counted or not, and some
    about them; none of a model whose size is no number of columns.
    """
    parameter, size, n = bench.subject.size_parameter, bench.subject.size, bench.samples
    if parameter is None or size is None or not parameter.name.endswith(("features", "n_components")):
        return set()
    outputs = len(bench.source.classes or ())
    about = {round(size * ratio) for ratio in _BESIDE}
    return {at for at in {int(size), int(size) + 1, int(size) + outputs, *about} if n / _FAR <= at < n}


def _along_samples(bench: Bench, wanted: set[int]) -> Trials:
    trainings, times = BenchTrainings(bench=bench), None if bench.subject.time is None else [bench.subject.time]
    trials = {float(at): trainings.trials((bench.subject.size, times, at), _FOLDS) for at in wanted if at > 1}
    return _measured(bench, trials)


def _along_size(bench: Bench) -> Trials:
    """Smaller sizes at the user's n."""
    parameter, size = bench.subject.size_parameter, bench.subject.size
    if parameter is None or size is None or not parameter.grows or parameter.is_inverse or not math.isfinite(size):
        return {}
    sizes = {size * share if parameter.is_real else float(round(size * share)) for share in _PEAK_SHARES}
    trials = {
        at: [replace(bench.user_trial(fold), size=at) for fold in range(_FOLDS)]
        for at in sizes
        if at >= parameter.least
    }
    return _measured(bench, trials)


def _measured(bench: Bench, trials: dict[float, list[Trial]]) -> Trials:
    """Those that the budget allows, the nearest to the user's point first."""
    bench.measure([trial for position in sorted(trials, reverse=True) for trial in trials[position]])
    return trials


def _decided(
    bench: Bench, emc: EffectiveModelComplexity, training: _Reading, seen: tuple[_Reading | None, Peak]
) -> RegimeAnswer:
    reading, found = seen
    contradicts = reading is not None and reading.regime is not training.regime
    chosen = reading if contradicts and reading is not None else training
    decided_by = "peak" if contradicts else "training risk"
    if chosen.regime is Regime.UNDECIDED:
        decided_by = "nothing"
    return RegimeAnswer(
        regime=chosen.regime,
        ratio=chosen.ratio,
        peak=found.peak,
        decided_by=decided_by,
        would_decide=chosen.would_decide,
        sentence=_sentence(bench, emc, training, chosen, found, is_by_peak=contradicts),
    )


_LEADS = {
    Regime.UNDER: "Under-parameterised",
    Regime.CRITICAL: "Critical",
    Regime.OVER: "Over-parameterised",
    Regime.UNDECIDED: "Undecided",
}
_DECIDES = {"budget": "A larger budget narrows it.", "rows": "Only more rows can tell.", "": ""}


def _sentence(
    bench: Bench,
    emc: EffectiveModelComplexity,
    training: _Reading,
    chosen: _Reading,
    found: Peak,
    *,
    is_by_peak: bool,
) -> str:
    lead = _LEADS[chosen.regime]
    if is_by_peak and found.peak is not None:
        is_told = training.regime is not Regime.UNDECIDED
        instead = f" (its training risk alone would say {_LEADS[training.regime].lower()})" if is_told else ""
        return f"{lead}{instead}: you have {bench.samples:,} samples. {found.peak.sentence}"
    words = [f"{lead}: {chosen.because}."]
    if found.peak is not None:
        words.append(found.peak.sentence)
    elif found.rises_from is not None:
        rise = f"The held-out {found.metric} rises from {int(found.rises_from):,} samples to yours"
        words.append(f"{rise}: its peak lies at your n or beyond.")
    if emc.fitted_from and chosen.regime is not Regime.UNDECIDED:
        words.append(f"Fewer than about {emc.fitted_from:,} samples are not fitted.")
    return " ".join(filter(None, [*words, _DECIDES[chosen.would_decide]]))


def _is_falling(emc: EffectiveModelComplexity) -> bool:
    """Whether the training risk of what is not fitted surely halves as samples are added, up to the user's n."""
    last = emc.evidence[-1]
    near = [one for one in emc.evidence[:-1] if not one.is_fitted and one.samples * _FAR >= last.samples]
    return any(one.interval[0] > 2.0 * last.interval[1] for one in near) and not last.is_fitted
