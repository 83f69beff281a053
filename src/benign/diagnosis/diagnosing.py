"""Where the user's own model stands, and what would help: the parts of a diagnosis, cheapest first, within a budget."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from benign.diagnosis.answers import ANSWERS, Diagnosis, Unanswered
from benign.diagnosis.risk_curves import curves_of
from benign.diagnosis.search_arguments import checked_samples
from benign.diagnosis.trials.bench import Bench, opened
from benign.diagnosis.trials.budget import Budget, Ledger
from benign.experiments import Executor
from benign.experiments.measurement import check_source
from benign.experiments.repeated_warnings import said_once
from benign.foundation.arguments import checked_name
from benign.foundation.errors import BenignError, invalid
from benign.foundation.numbers import checked_number, checked_positive
from benign.foundation.progress import Progress, silent
from benign.foundation.randomness import checked_seed
from benign.foundation.wording import shown
from benign.procedures.known_estimators import Subject, subject_of
from benign.sources.protocol import Source

_SAMPLES = 1000  # n of a distribution, unless said
_WEIGHTS = {
    "standing": 0.15,
    "fitted": 0.05,
    "regime": 0.15,
    "more_data": 0.2,
    "bigger": 0.12,
    "longer": 0.08,
    "remedies": 0.125,
    "noise_slope": 0.125,
}
"""Each part may spend its weight, among those of the parts to come, of what is left of the budget."""

OnAnswer = Callable[[str, Diagnosis], None]
"""Told the name of a part that was answered, or is known to have no answer, and all that is known by then."""


class DiagnosisInterrupted(BenignError, KeyboardInterrupt):
    """Ctrl-C ended a diagnosis.

    Attributes:
        diagnosis: what was known by then.
    """

    def __init__(self, diagnosis: Diagnosis) -> None:
        super().__init__("Interrupted; what was known by then is in this error's `diagnosis`.")
        self.diagnosis = diagnosis


@said_once()
def diagnose(
    model: object,
    source: Source,
    *,
    size: float | None = None,
    time: float | None = None,
    samples: int | None = None,
    size_parameter: str | None = None,
    max_minutes: float | None = 1.0,
    max_trainings: float | None = None,
    confidence: float = 0.85,
    only: Sequence[str] | None = None,
    seed: int = 0,
    workers: int | None = None,
    executor: str | Executor | None = None,
    progress: Progress = silent,
    on_answer: OnAnswer | None = None,
) -> Diagnosis:
    """Say where a model stands on its data, and whether more data, a bigger model or longer training will help.

    The model is trained as it is on parts of the data, and tested on samples that it has not seen; nothing of the
    caller's changes. Answers come cheapest first, each with how sure it is and what it rests on; what cannot be told,
    or is not reached within the budget, is said so. The regime is read as in Nakkiran et al. 2020, Definition 1; how
    the rest is answered is ours, and the docs say how often it was right.

    Args:
        model: a scikit-learn estimator or pipeline, or another with ``fit`` and ``predict``; a procedure, such as
            :func:`benign.from_training_loop` and :func:`benign.from_torch` make.
        source: the data, such as ``benign.sources.arrays(X, y)``.
        size: of the model; what it is set to now, where it is an estimator. A procedure needs it.
        time: when training ends; the present end unless said. Of a training loop that goes on beyond it, longer
            training can be told.
        samples: the n to diagnose; all rows outside the test set unless said, 1,000 of a distribution.
        size_parameter: which parameter is the size of an estimator; known for the common ones, ``"features"`` for
            those without.
        max_minutes: budget; a training that has begun may end. None for no limit.
        max_trainings: budget in trainings of the model as it is: one on half the samples counts a half. Both hold.
        confidence: how sure an answer about more data, a bigger model, longer training or a remedy must be.
        only: the parts wanted, of ``"standing"``, ``"fitted"``, ``"regime"``, ``"more_data"``, ``"bigger"``,
            ``"longer"``, ``"remedies"`` and ``"noise_slope"``; the budget is then for them alone.
        seed: root seed.
        workers: processes; None chooses.
        executor: as :func:`benign.measure`. With ``"processes"`` a training that ends its process or never ends is
            stopped and said; in this process it takes you with it.
        progress: told how much of the budget is spent.
        on_answer: called after each part.

    Raises:
        InvalidArgument: for what cannot be diagnosed; the message says what to do.
        DiagnosisInterrupted: on Ctrl-C; its ``diagnosis`` is what was known.
    """
    budget = _budget(max_minutes, max_trainings)
    sure = checked_number(
        "confidence", confidence, kind="at least 0.5 and below 1", fits=lambda share: 0.5 <= share < 1.0
    )
    wanted = _wanted(only)
    check_source(source)
    n = checked_samples(_default_samples(source) if samples is None else samples, source)
    subject = subject_of(model, source, size=size, time=time, size_parameter=size_parameter)
    with opened(
        subject=subject,
        source=source,
        samples=n,
        seed=checked_seed(seed),
        budget=budget,
        executor=executor,
        workers=workers,
        progress=progress,
    ) as bench:
        return _Course(bench, wanted, sure, on_answer).run()


def _budget(max_minutes: float | None, max_trainings: float | None) -> Budget:
    seconds = math.inf if max_minutes is None else 60.0 * checked_positive("max_minutes", max_minutes)
    trainings = math.inf if max_trainings is None else checked_positive("max_trainings", max_trainings)
    return Budget(ledger=Ledger(), seconds=seconds, trainings=trainings)


def _wanted(only: Sequence[str] | None) -> tuple[str, ...]:
    """The parts that are asked for, in the order in which they are answered."""
    if only is None:
        return ANSWERS
    if isinstance(only, str) or not isinstance(only, Sequence) or not only:
        raise invalid("only", f'must be a list of parts, for example ["more_data"], got {shown(only)}.')
    names = {checked_name("part", name, ANSWERS, argument="only") for name in only}
    return tuple(name for name in ANSWERS if name in names)


def _default_samples(source: Source) -> int:
    return _SAMPLES if source.max_samples is None else source.max_samples


class _Course:
    """One diagnosis as it goes: what is known so far, and what comes next."""

    def __init__(self, bench: Bench, wanted: tuple[str, ...], confidence: float, on_answer: OnAnswer | None) -> None:
        self._bench, self._wanted, self._on_answer = bench, wanted, on_answer
        self._confidence = confidence
        self._known = _beginning(bench.subject, bench, confidence)

    def run(self) -> Diagnosis:
        """All parts, as far as the budget goes.

        Raises:
            InvalidArgument: where the model cannot be trained at all.
        """
        from benign.diagnosis.data_checks import data_findings

        try:
            self._findings = data_findings(self._bench)
            self._known = replace(self._known, findings=self._findings)
            for place, name in enumerate(self._wanted):
                weight = _WEIGHTS[name] / sum(_WEIGHTS[later] for later in self._wanted[place:])
                self._answer(name, self._bench.share(weight))
        except KeyboardInterrupt:
            raise DiagnosisInterrupted(replace(self._spent(), is_interrupted=True)) from None
        return self._spent()

    def _answer(self, name: str, bench: Bench) -> None:
        try:
            found = self._part(name, bench)
        except Unanswered as why:
            self._known = replace(self._known, unanswered={**self._known.unanswered, name: str(why)})
        else:
            self._known = replace(self._known, **found)
        self._require_a_training()
        if self._on_answer is not None:
            self._on_answer(name, self._spent())

    def _part(self, name: str, bench: Bench) -> dict[str, Any]:
        """The fields of the diagnosis that a part fills."""
        found: object
        findings, confidence = self._findings, self._confidence
        if name in ("standing", "fitted", "regime"):
            return self._place(name, bench)
        if name == "more_data":
            from benign.diagnosis.more_data import more_data

            found = more_data(bench, regime=self._known.regime, findings=findings, confidence=confidence)
        elif name == "bigger":
            from benign.diagnosis.bigger import bigger

            found = bigger(bench, findings=findings, confidence=confidence)
        elif name == "longer":
            from benign.diagnosis.longer import longer

            found = longer(bench, findings=findings, confidence=confidence)
        elif name == "remedies":
            from benign.diagnosis.remedies import remedies

            found = remedies(bench, findings=findings, confidence=confidence)
        else:
            from benign.diagnosis.noise_slope import noise_slope

            found = noise_slope(bench, findings=findings)
        return {name: found}

    def _place(self, name: str, bench: Bench) -> dict[str, Any]:
        """Where the model is; each of these parts needs the one before it, whether that is wanted or not."""
        from benign.diagnosis.fitted import fitted_of
        from benign.diagnosis.regime import regime_of
        from benign.diagnosis.standing import standing_of

        standing = self._known.standing or standing_of(bench, self._findings)
        if name == "standing":
            return {name: standing}
        fitted = self._known.fitted or fitted_of(bench, standing)
        if name == "fitted":
            return {name: fitted}
        regime, emc = regime_of(bench, standing, fitted)
        return {"regime": regime, "emc": emc}

    def _require_a_training(self) -> None:
        """Refuse a model none of whose trainings succeeded: whatever was asked, that is the answer."""
        failures = self._bench.failures
        if failures and not self._bench.measured:
            raise invalid("model", f"cannot be trained on this data. {next(iter(failures))}")

    def _spent(self) -> Diagnosis:
        ledger, bench = self._bench.budget.ledger, self._bench
        return replace(
            self._known,
            minutes=ledger.seconds / 60.0,
            trainings=ledger.trainings,
            seconds_per_training=bench.seconds(bench.user_trial()) or math.nan,
            is_budget_spent=bench.is_budget_spent,
            failures=bench.failures,
            curves=curves_of(bench),
        )


def _beginning(subject: Subject, bench: Bench, confidence: float) -> Diagnosis:
    """What is known before the first training."""
    parameter, time_name = subject.size_parameter, subject.procedure.time_name
    return Diagnosis(
        model=subject.name,
        source=bench.source.name,
        samples=bench.samples,
        size=subject.size,
        size_name="" if parameter is None else parameter.name,
        time=subject.time,
        time_name=time_name or "",
        inferred=subject.notes,
        confidence=confidence,
    )
