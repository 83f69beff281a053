"""What follows from each code: the answer in a line, what to do, and the cheapest experiment that would decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benign.histories.case import Case
from benign.histories.finding import Next
from benign.histories.flag import is_broken
from benign.histories.second_descent import SecondDescent


@dataclass(frozen=True)
class Advice:
    """What is told beside a verdict; names in braces stand for what :func:`_filled` says of the history.

    Attributes:
        headline: the answer, at most 20 words.
        todo: what to do.
        experiment: the cheapest that decides; empty for none.
        cost: of it.
        decides: between what.
    """

    headline: str
    todo: str
    experiment: str = ""
    cost: str = ""
    decides: str = ""


_ADVICE = {
    "too-few-points": Advice(
        "Too few evaluations for a verdict.",
        "Evaluate more often: at least eight times, better thirty.",
        "evaluate at every epoch", "one pass over the validation set each", "everything",
    ),
    "improving": Advice(
        "Still improving: go on.",
        "Go on to twice the {times}; nothing in this log speaks against it.",
        "train to twice the {times}", "as much as so far", "whether it goes on",
    ),
    "plateau": Advice(
        "A plateau: longer training alone will hardly help.",
        "Stop here, or change something else: the learning rate first.",
        "multiply and divide the learning rate by 3 for a tenth of the {times}", "two short trainings",
        "whether the optimiser is stuck or the model has learned what it can",
    ),
    "noise-only": Advice(
        "A plateau: what rose since the best is no more than chance.",
        "Any weights of the plateau are as good as the best; their average is better.",
        "measure each validation sample's loss at both times (paired differences)", "two evaluations",
        "whether the rise is real",
    ),
    "overfitting": Advice(
        "Over-fitting: {both} risen since {best}.",
        "Keep the weights of {best}; then more weight decay, more data or less label noise.",
        "average the weights of the last tenth of the {times} and evaluate them", "one evaluation",
        "how much of the rise is noise of the last weights",
    ),
    "overconfidence": Advice(
        "Overconfidence, not over-fitting: the loss has risen since {best}, the error has not.",
        "Keep the weights of the lowest error and fit one temperature on held-out samples; do not stop by the loss.",
        "fit one temperature on half of the validation set and evaluate it on the other", "seconds, no training",
        "how much of the rise a temperature takes back",
    ),
    "second-descent": Advice(
        "A second descent.",
        "Keep the weights of the best {curve}, and evaluate averaged weights beside them from now on.",
        "train once more with averaged weights (EMA) evaluated beside the raw ones, at a constant learning rate",
        "one training", "whether the second descent belongs to the model or to the noise of its last weights",
    ),
    "rise-unknown-end": Advice(
        "The {curve} has {risen} since {best}; whether it {falls} again, this log cannot tell.",
        "Keep the weights of {best}; go on only if the odds are worth the {times}.",
        "average the weights of the last tenth of the {times} and evaluate them", "one evaluation",
        "whether the rise is of the model or of its last weights",
    ),
    "benign-interpolation": Advice(
        "Benign: the training set is fitted and validation has not suffered.",
        "Nothing to repair.",
        "flip 10 % of the training labels and train again", "one training",
        "whether the fit stays harmless when there is noise to fit",
    ),
    "instability": Advice(
        "Unstable training: the training loss itself rose.",
        "Divide the learning rate by 3, or clip gradients, before reading anything into the {curve}.",
        "train on from before the rise with a third of the learning rate", "a tenth of the {times}",
        "whether the step size did it",
    ),
    "divergence": Advice(
        "Training diverged.",
        "Restart with a tenth of the learning rate; keep weights from before.",
        "restart with a tenth of the learning rate", "a few {times}", "whether the step size did it",
    ),
    "not-learning": Advice(
        "The model learns nothing: look for a bug first.",
        "Look at labels, loss, learning rate and whether gradients reach the weights.",
        "fit 20 samples", "seconds", "whether the training code can learn at all",
    ),
    "underfitting": Advice(
        "Under-fitting: training is as bad as validation.",
        "A larger model, longer training or less weight decay.",
        "double the width with no weight decay", "one training", "whether the model is too small",
    ),
    "train-worse-than-validation": Advice(
        "Training looks worse than validation: usually a matter of how it is measured.",
        "Nothing to repair before the training set is measured as validation is.",
        "evaluate the training set in evaluation mode, with the weights of the end", "one evaluation",
        "between dropout, augmentation and running means, and an easier or leaking validation set",
    ),
    "leak-suspicion": Advice(
        "Perhaps a leak: the validation error is lower than its labels allow.",
        "Look for samples in both sets; if validation labels are clean, nothing is wrong.",
        "look for duplicates between both sets by hash and by nearest neighbour", "minutes", "whether the split leaks",
    ),
    "shift": Advice(
        "Validation and test differ: choose nothing on this validation set yet.",
        "Find out how both were drawn.",
        "evaluate on a second validation split drawn like the test set", "one evaluation", "whether the sets differ",
    ),
    "erratic": Advice(
        "The {curve} is erratic: first find out what is measured.",
        "Check the mode of batch normalisation, and whether the same samples are evaluated each time.",
        "evaluate the same weights twice", "two evaluations", "whether the measurement or the training jumps",
    ),
    "wrong-selection-metric": Advice(
        "Loss and the reported metric disagree on the best {times}.",
        "Choose the weights by the metric that you report.",
    ),
    "delayed-generalisation": Advice(
        "Delayed generalisation (grokking): validation learned long after training.",
        "Go on; more weight decay makes it come earlier.",
        "train with three times the weight decay", "one training", "whether it comes earlier",
    ),
    "evaluation-mode": Advice(
        "The start is an artefact of evaluation mode; judge the rest.",
        "Ignore the start; running averages that follow faster remove it (momentum: larger in PyTorch, less in Keras).",
        "evaluate the first {times} with the statistics of the batch", "one evaluation",
        "whether the running averages did it",
    ),
    "measurement-changed": Advice(
        "The measurement changed during the run.",
        "Find out what was changed there, and evaluate everything anew with one of both.",
        "evaluate one checkpoint from each side today", "two evaluations", "what was changed",
    ),
}  # fmt: skip

_MOST_ADVICE = 3
_EXCLUDED = {
    "learning-rate-drop": "Not a drop of the learning rate: it was recorded and did not fall there.",
    "instability": "Not instability: the training loss fell throughout.",
    "noise-of-the-iterates": "Not noise of the last weights: averaged weights show most of the fall too.",
    "overfitting": "Not over-fitting: the error has not risen by more than chance.",
    "overconfidence": "Not overconfidence: the best temperature gives back less than a tenth of the rise.",
    "train-rise": "Not a matter of optimisation: the training loss went on falling.",
    "double-descent": "Not double descent: there the training loss falls throughout.",
    "underfitting": "Not under-fitting: the training set is fitted better than validation.",
    "learning-rate-near-zero": "Not a learning rate that vanished: it is still above a hundredth of its largest.",
    "slow-plateau": "Not a plateau: the gain is more than chance and more than 1 %.",
    "label-noise": "Not label noise alone: the training error is well above the share of wrong labels.",
    "optimism-of-the-best": "Not the luck of the best epoch: nothing was chosen on the test set.",
    "train-equally-erratic": "Not training itself: its loss is smooth.",
    "noisy-labels": "Not noisy labels: there are none.",
}

_SECOND_DESCENT = {
    "restart": "The second fall is that of the learning rate, which was raised there and came down again.",
    "learning-rate": "The second fall is that of the learning rate, which was lowered there.",
    "train-rise": "Training rose and fell too: optimisation, not double descent.",
}
_AGAINST_BEST = {
    "below": "{below} its earlier best",
    "to": "back to its earlier best",
    "above": "but not to its earlier best",
}


def headline(case: Case) -> str:
    """The answer in at most 20 words."""
    code, found = case.flag.code, case.reading.second_descent
    if code == "second-descent" and found is not None:
        open_start = "A second descent, or a start measured in the wrong mode: tell the number of classes."
        return open_start if case.start_is_open else _headline_of(found, case.words["below"])
    if code == "overconfidence" and case.flag.alternatives.get("overfitting") != "excluded":
        return "Mostly overconfidence: at least half of the rise of the loss is confidence, not mistakes."
    if code == "instability" and found is not None and found.explained_by == "train-rise":
        return "Training and validation rose and fell together: optimisation, not double descent."
    if code == "instability" and not case.evidence["now"]:
        is_finite = "share_of_range" in case.evidence
        return "The training loss rose for a while and recovered." if is_finite else "A loss was once not finite."
    if code == "wrong-selection-metric" and case.flag.metric:
        return "The loss and another metric disagree: which one counts?"
    return _filled(_ADVICE[code].headline, case)


def _headline_of(found: SecondDescent, below: str) -> str:
    if found.explained_by:
        return _SECOND_DESCENT[found.explained_by]
    if found.averaged_share is not None and found.averaged_share < 0.5:
        return "It fell a second time, but averaged weights hardly did: mostly noise of the last weights."
    known = "not a bug, unless something was switched there" if found.train_checked else "if the training loss fell"
    return f"A second descent, {_AGAINST_BEST[found.against_best].format(below=below)}: a phenomenon, {known}."


def advice_on(cases: Sequence[Case]) -> tuple[str, ...]:
    """What to do, three sentences at most: nothing on a rise whose kind is known beyond what follows from its kind."""
    codes = {case.flag.code for case in cases}
    if is_broken(cases[0].flag):  # first things first: nothing that is read of the rest would last
        cases = cases[:1]
    known = {"rise-unknown-end"} if codes & {"overfitting", "overconfidence"} else set()
    told = [_filled(_todo(case), case) for case in cases if case.flag.code not in known]
    return tuple(dict.fromkeys(told))[:_MOST_ADVICE]


def _todo(case: Case) -> str:
    if case.flag.code == "rise-unknown-end" and not case.reading.forecast:
        return "Keep the weights of {best}; whether to go on, no odds tell."
    return _ADVICE[case.flag.code].todo


def advice_on_nothing(case: Case) -> tuple[str, ...]:
    """What to do where nothing can be said."""
    if case.reading.landmarks is None:
        return ()
    return (_filled("Keep the weights of {best}, the best so far; what comes after is not known.", case),)


def next_of(case: Case) -> Next | None:
    """The cheapest experiment that decides."""
    one = _ADVICE[case.flag.code]
    found = case.reading.second_descent
    is_measured = case.flag.code == "overconfidence" and "given_back_share" in case.evidence
    is_explained = case.flag.code == "second-descent" and found is not None and found.explained_by == "restart"
    if not one.experiment or is_measured or is_explained:
        return None
    return Next(experiment=_filled(one.experiment, case), cost=_filled(one.cost, case), decides=one.decides)


def excluded(case: Case) -> tuple[str, ...]:
    """What the log itself speaks against."""
    return tuple(
        _EXCLUDED[name] for name, came in case.flag.alternatives.items() if came == "excluded" and name in _EXCLUDED
    )


def _filled(text: str, case: Case) -> str:
    marks = case.reading.landmarks
    best = "the best" if marks is None else case.at(marks.best.time)
    both = "the error has" if case.curve == "validation error" else "loss and error have"
    return text.format(best=best, curve=case.curve, times=case.times, both=both, **case.words)
