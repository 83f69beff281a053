"""Whether the training set is fitted: by what training minimises, over the best constant's, and by zero-one error."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from benign.curves.fitting_threshold import Criterion
from benign.curves.intervals import mean_interval
from benign.diagnosis.answers import Estimate, Fitted, Metric, Standing, Unanswered
from benign.diagnosis.conflicting_labels import irreducible_risk
from benign.diagnosis.out_of_bag import share_seen
from benign.diagnosis.standing import loss_words, share_words
from benign.diagnosis.trials.bench import Bench
from benign.diagnosis.trials.trial import Measured
from benign.foundation.conventions import TOLERANCE
from benign.foundation.number_words import format_number
from benign.procedures.estimator import Estimator
from benign.procedures.nested_estimators import chain_of

_MOST_TRAININGS = 5
_FAR, _MOST = 1.4, 0.8
_OF_ONE = 1.5  # a factor that trainings on other rows of the same number stay within
_LINEAR = frozenset({"LogisticRegression", "LogisticRegressionCV", "LinearSVC", "RidgeClassifier", "RidgeClassifierCV"})
_LINEAR |= frozenset({"SGDClassifier", "Perceptron", "PassiveAggressiveClassifier", "LinearDiscriminantAnalysis"})


def fitted_of(bench: Bench, standing: Standing) -> dict[Metric, Fitted]:
    """Whether the training set is fitted, by the loss and, where there are classes, by the zero-one error.

    The trainings are those that the standing rests on; two more folds are trained where they do not decide.

    Args:
        bench: what is spent on it.
        standing: where the model is.

    Raises:
        Unanswered: where the targets leave nothing to fit.
    """
    for finding in standing.findings:
        if "fitted" in finding.refuses:
            raise Unanswered(finding.sentence)
    if not standing.train_loss_constant > 0.0:
        raise Unanswered("A constant fits all training targets: whether the model does says nothing.")
    found = _trained(bench, standing.trainings)
    if any(_decided(risks) is None for risks in _risks(bench, found).values()):
        more = [bench.user_trial(fold) for fold in range(_MOST_TRAININGS)]
        if bench.affords(more):
            bench.measure(more)
            found = _trained(bench, _MOST_TRAININGS)
    return {metric: _fitted(bench, metric, risks, found) for metric, risks in _risks(bench, found).items()}


def _trained(bench: Bench, folds: int) -> list[Measured]:
    return [one for one in bench.measure([bench.user_trial(fold) for fold in range(folds)]) if one is not None]


def _risks(bench: Bench, found: Sequence[Measured]) -> dict[Metric, Float[np.ndarray, " trainings"]]:
    """Of each training, by criterion: what training minimises comes first."""
    risks: dict[Metric, Float[np.ndarray, " trainings"]] = {
        "loss": np.array([one.relative_train_loss[-1] for one in found])
    }
    if bench.is_classification:
        risks["error"] = np.array([one.train_error[-1] for one in found])
    return risks


def _estimate(risks: Float[np.ndarray, " trainings"]) -> Estimate:
    """The mean with its 95 % interval: Student's; of one training a factor of 1.5 either way."""
    mean = float(risks.mean())
    if len(risks) == 1:
        return Estimate(value=mean, interval=(mean / _OF_ONE, mean * _OF_ONE))
    low, high = mean_interval(risks)
    return Estimate(value=mean, interval=(max(0.0, low), high))


def _decided(risks: Float[np.ndarray, " trainings"]) -> bool | None:
    """By the interval; where a rare training far from the others makes it wide, by four of five, far on one side."""
    low, high = _estimate(risks).interval
    if high <= TOLERANCE or low > TOLERANCE:
        return bool(high <= TOLERANCE)
    few = len(risks) < _MOST_TRAININGS
    if not few and np.mean(risks <= TOLERANCE / _FAR) >= _MOST:
        return True
    return False if not few and np.mean(risks > TOLERANCE * _FAR) >= _MOST else None


def _fitted(bench: Bench, metric: Metric, risks: Float[np.ndarray, " trainings"], found: Sequence[Measured]) -> Fitted:
    risk = _estimate(risks)
    is_fitted = _decided(risks)
    words = _loss_sentence if metric == "loss" else _error_sentence
    sentence = words(bench, risk, is_fitted)
    if is_fitted is not None and is_fitted != (risk.value <= TOLERANCE):
        sentence = _count_sentence(metric, risks, is_fitted)
    if is_fitted is False:
        sentence = f"{sentence[:-1]}{_reason(bench, metric, found)}."
    return Fitted(
        criterion=metric,
        is_fitted=is_fitted,
        risk=risk,
        tolerance=TOLERANCE,
        is_minimised=metric == "loss" and _is_known(bench),
        sentence=sentence,
    )


def _is_known(bench: Bench) -> bool:
    """Whether the model's training minimises what its loss is measured by."""
    procedure = bench.subject.procedure
    return not isinstance(procedure, Estimator) or not procedure.minimised.note


def _loss_sentence(bench: Bench, risk: Estimate, is_fitted: bool | None) -> str:
    loss = loss_words(bench.subject.procedure.objective, is_classed=bench.is_classification)
    told = f"its training {loss} is {share_words(risk.value)} of a constant's"
    if is_fitted is None:
        return f"Whether its training set is fitted is not sure: {told} ({_interval(risk)}; {TOLERANCE:g} is fitted)."
    if is_fitted:
        return f"Its training set is fitted: {told}."
    return f"Its training set is not fitted: {told} ({TOLERANCE:g} is fitted)."


def _error_sentence(bench: Bench, risk: Estimate, is_fitted: bool | None) -> str:
    del bench
    if risk.value == 0.0:
        return "It is right on every training label."
    wrong = f"it is wrong on {format_number(100.0 * risk.value, digits=2)} % of its training labels"
    if is_fitted is None:
        low, high = (format_number(100.0 * end, digits=2) for end in risk.interval)
        return f"Whether its labels are fitted is not sure: {wrong} ({low} to {high}; {100.0 * TOLERANCE:g} is fitted)."
    return f"{wrong[0].upper()}{wrong[1:]}, {'few enough' if is_fitted else 'too many'} to be fitted."


def _count_sentence(metric: Metric, risks: Float[np.ndarray, " trainings"], is_fitted: bool) -> str:
    """Where the mean is that of a rare training."""
    count, what = (
        int(np.sum((risks <= TOLERANCE) == is_fitted)),
        "training set is" if metric == "loss" else "labels are",
    )
    return f"Its {what}{'' if is_fitted else ' not'} fitted in {count} of {len(risks)} trainings."


def _interval(risk: Estimate) -> str:
    return " to ".join(format_number(end, digits=2) for end in risk.interval)


def _reason(bench: Bench, metric: Metric, found: Sequence[Measured]) -> str:
    """Why it is not fitted, where that is known."""
    subject, split = bench.subject, bench.split()
    criterion: Criterion = "objective" if metric == "loss" else "error"
    forced = irreducible_risk(split, criterion, subject.procedure.objective)
    if forced > TOLERANCE:
        kind = "labels" if bench.is_classification else "values"
        least = format_number(forced if metric == "loss" else 100.0 * forced, digits=2)
        return f": equal inputs with different {kind} force {least}{' %' * (metric == 'error')} on every model"
    if metric == "error":
        return ""
    seen = share_seen(subject.procedure, bench.samples)
    if seen is not None and seen < 1.0 - TOLERANCE:
        return f": each of its members sees {100.0 * seen:.0f} % of the samples, so that their mean stays above"
    if bench.is_classification and all(one.train_error[-1] == 0.0 for one in found) and _is_linear(bench):
        return ": the classes are separated by a plane, and only the penalty or the time keeps the loss up"
    return ""


def _is_linear(bench: Bench) -> bool:
    procedure = bench.subject.procedure
    if not isinstance(procedure, Estimator):
        return False
    last = chain_of(procedure.estimator)[-1]
    return last.kind in _LINEAR or (last.kind == "SVC" and last.settings.get("kernel") == "linear")
