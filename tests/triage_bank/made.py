"""Trainings made of formulas, whose truth is known."""

from __future__ import annotations

import numpy as np
from triage.training import Half, Training


def made(
    population: np.ndarray,
    *,
    name: str = "made-0",
    half: Half = "development",
    validation: np.ndarray | None = None,
    times: np.ndarray | None = None,
    curves: dict[str, np.ndarray] | None = None,
    linear: bool = False,
    **settings: float | str,
) -> Training:
    """One whose population loss is given; the validation loss is the same unless said."""
    known: dict[str, float | str] = {
        "train_samples": 500, "validation_samples": 2000, "population_samples": 0, "classes": 0, "label_noise": 0.0,
        "validation_label_noise": 0.0, "loss": "squared", "axis": "epoch", "running_mean": 0,
    }  # fmt: skip
    return Training(
        name=name,
        family="made",
        half=half,
        linear=linear,
        settings=known | settings,
        times=np.arange(1.0, population.size + 1) if times is None else times,
        curves={"population_loss": population, "val_loss": population if validation is None else validation}
        | (curves or {}),
    )
