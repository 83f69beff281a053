"""What the words of other programs mean, so that alarms can be counted side by side."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum


class Meaning(Enum):
    """What a finding says of a log."""

    OVERFITTING = "the validation loss rises: over-fitting"
    RISE = "the validation loss rises, without calling it over-fitting"
    OVERCONFIDENCE = "the loss rises, what counts does not"
    INSTABILITY = "training diverges, jumps or oscillates"
    NOT_LEARNING = "training does not get better"
    OTHER = "something else: schedule, leak, plateau, noise, labels"


RISES = frozenset({Meaning.OVERFITTING, Meaning.RISE})
ALARMS = RISES | {Meaning.INSTABILITY, Meaning.NOT_LEARNING}
"""What our own rule is charged with where it says it of a healthy training."""

MEANINGS: Mapping[str, Mapping[str, Meaning]] = {
    "runmedic": {
        "overfitting": Meaning.OVERFITTING,
        "divergence": Meaning.INSTABILITY,
        "loss_spikes": Meaning.INSTABILITY,
        "non_finite": Meaning.INSTABILITY,
        "no_learning": Meaning.NOT_LEARNING,
        "val_below_train": Meaning.OTHER,
        "constant_lr_plateau": Meaning.OTHER,
    },
    "trainproof": {
        "TP-OVERFIT": Meaning.OVERFITTING,
        "TP-NAN": Meaning.INSTABILITY,
        "TP-DIVERGE": Meaning.INSTABILITY,
        "TP-FLAT": Meaning.NOT_LEARNING,
        "TP-DEAD-RUN": Meaning.NOT_LEARNING,
        "TP-ZERO-LOSS": Meaning.NOT_LEARNING,
        "TP-ZERO-LOSS-ONSET": Meaning.INSTABILITY,
        "TP-NO-LOSS": Meaning.OTHER,
        "TP-ZERO-LR": Meaning.OTHER,
        "TP-ZERO-LR-PARTIAL": Meaning.OTHER,
    },
    "losslint": {
        "overfit_onset": Meaning.OVERFITTING,
        "nan_inf": Meaning.INSTABILITY,
        "divergence": Meaning.INSTABILITY,
        "loss_spike": Meaning.INSTABILITY,
        "stagnation": Meaning.OTHER,
        "step_backtrack": Meaning.OTHER,
    },
    "finetune-doctor": {
        "Overfitting": Meaning.OVERFITTING,
        "Final checkpoint slightly worse": Meaning.RISE,
        "Eval loss and your metric disagree": Meaning.OVERCONFIDENCE,
        "NaN loss": Meaning.INSTABILITY,
        "Loss spikes": Meaning.INSTABILITY,
        "Periodic loss spikes": Meaning.INSTABILITY,
        "Loss jumps at every epoch boundary": Meaning.INSTABILITY,
        "Training loss went up": Meaning.INSTABILITY,
        "Not learning": Meaning.NOT_LEARNING,
        "Loss is exactly zero": Meaning.NOT_LEARNING,
        "Stopped improving early": Meaning.OTHER,
        "Training at zero learning rate": Meaning.OTHER,
        "Eval loss below training loss": Meaning.OTHER,
        "No evaluation": Meaning.OTHER,
        "Too few evaluations": Meaning.OTHER,
    },
    "trainspotter": {
        "eval/loss: Overfitting onset": Meaning.OVERFITTING,
        "eval/loss: Diverged (sustained growth)": Meaning.RISE,
        "eval/loss: Diverged (non-finite values)": Meaning.INSTABILITY,
        "train/loss: Diverged (sustained growth)": Meaning.INSTABILITY,
        "train/loss: Diverged (non-finite values)": Meaning.INSTABILITY,
        "train/loss: Loss spike": Meaning.INSTABILITY,
        "eval/loss: Loss spike": Meaning.INSTABILITY,
        "train/loss: Plateau": Meaning.OTHER,
        "train/loss: Suspiciously low loss early (heuristic)": Meaning.OTHER,
        "eval/loss: Eval metric too noisy to rank checkpoints": Meaning.OTHER,
        "lr: No LR warmup detected": Meaning.OTHER,
        "lr: LR increased after its peak": Meaning.OTHER,
        "lr: LR discontinuity": Meaning.OTHER,
    },
    "sk-autod": {
        "Classic overfitting": Meaning.OVERFITTING,
        "Missed early stopping": Meaning.RISE,
        "Exploding gradient": Meaning.INSTABILITY,
        "LR too high": Meaning.INSTABILITY,
        "Noisy training": Meaning.INSTABILITY,
        "LR too low": Meaning.NOT_LEARNING,
        "Underfitting": Meaning.NOT_LEARNING,
        "Dying ReLU proxy": Meaning.NOT_LEARNING,
        "Data leakage": Meaning.OTHER,
        "Label noise floor": Meaning.OTHER,
    },
}
"""By program and finding: whatever they can say of the columns that they are handed."""


def meaning(rival: str, code: str) -> Meaning:
    """Of a finding; what no list knows is something else (the counts of every finding are in the results)."""
    return MEANINGS[rival.split(",")[0]].get(code, Meaning.OTHER)
