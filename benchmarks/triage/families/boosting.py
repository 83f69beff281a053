"""Boosted trees, round by round: classifiers by logistic loss, and regressions that only the untouched half has."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from sklearn.datasets import make_friedman1, make_friedman2, make_friedman3
from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingClassifier
from torch import Tensor
from triage.families.labelled import Kind, drawn, relabelled
from triage.family import Family
from triage.measures import given_back, losses, margins, mistakes, worst_share
from triage.training import Curve, Half, Training

_MEMBERS = 8
_POPULATION = 4_000
_VALIDATION_SAMPLES = (50, 100, 200, 300, 500, 1_000, 2_000, 5_000)
_MOST_TREES = 1_500  # rounds times classes
_POINTS = 150
_FRIEDMAN: tuple[Callable[..., tuple[np.ndarray, np.ndarray]], ...] = (make_friedman1, make_friedman2, make_friedman3)


def _classified(group: int, half: Half, seed: int) -> list[Training]:
    return [_classifier(group * _MEMBERS + member, half, seed) for member in range(_MEMBERS)]


def _classifier(number: int, half: Half, seed: int) -> Training:
    random = np.random.default_rng((seed, 8, number))
    kind: Kind = "mnist1d" if number % 2 else "clusters"
    classes = int(random.choice([2, 2, 3, 5]))
    training, validation = int(random.choice([200, 300, 500, 1_000])), int(random.choice(_VALIDATION_SAMPLES))
    noise = float(random.choice([0, 0, 0.1, 0.2, 0.3]))
    rate = float(np.exp(random.uniform(np.log(0.03), np.log(1.0))))
    rounds = min(int(random.integers(200, 401)), _MOST_TREES // classes)
    leaves = int(random.choice([3, 6, 12, 24]))
    inputs, labels = drawn(kind, training + validation + _POPULATION, classes, random)
    noisy, flipped = relabelled(labels[:training], classes, noise, random)
    labels[:training] = noisy
    model = HistGradientBoostingClassifier(
        learning_rate=rate,
        max_iter=rounds,
        max_leaf_nodes=leaves,
        min_samples_leaf=5,
        l2_regularization=float(random.choice([0, 0, 1])),
        early_stopping=False,
        random_state=int(random.integers(2**31)),
    ).fit(inputs[:training], noisy)
    every = -(-rounds // _POINTS)
    targets = torch.tensor(labels)[None]
    points = [
        _point(_outputs(raw), targets, torch.tensor(flipped), training, validation)
        for number_of, raw in enumerate(model.staged_decision_function(inputs), start=1)
        if number_of % every == 0
    ]
    settings: dict[str, float | str] = {
        "train_samples": training, "validation_samples": validation, "population_samples": _POPULATION,
        "classes": classes, "label_noise": noise, "validation_label_noise": 0.0, "loss": "cross-entropy",
        "axis": "round", "running_mean": 0, "learning_rate": rate, "leaves": leaves, "data": kind, "seed": seed,
    }  # fmt: skip
    return Training(
        name=f"boosting_classification-{half}-{number}",
        family="boosting_classification",
        half=half,
        settings=settings,
        times=every * np.arange(1.0, len(points) + 1),
        curves={name: np.array([point[name] for point in points]) for name in points[0]},
    )


def _outputs(raw: Float[np.ndarray, "samples *classes"]) -> Float[Tensor, "1 samples classes"]:
    """One output a class; of two classes the first has 0."""
    return torch.tensor(raw if raw.ndim == 2 else np.stack([np.zeros_like(raw), raw], 1), dtype=torch.float32)[None]


def _point(
    outputs: Float[Tensor, "1 samples classes"], targets: Tensor, flipped: Tensor, training: int, validation: int
) -> dict[str, float]:
    """All that is measured after a round; samples are those of training, of validation, of the population."""
    loss, wrong = losses(outputs, targets, "cross-entropy")[0], mistakes(outputs, targets)[0]
    train, held = slice(training), slice(training, training + validation)
    population = slice(training + validation, None)
    margin = margins(outputs[:, train], targets[:, train])[0]
    population_loss = loss[population].mean()
    measured = {
        "train_loss": loss[train].mean(),
        "train_error": wrong[train].mean(),
        "kept_train_error": wrong[train][~flipped].mean(),
        "flipped_train_error": wrong[train][flipped].mean(),
        "margin_low": margin.quantile(0.05),
        "margin_median": margin.median(),
        "val_loss": loss[held].mean(),
        "val_error": wrong[held].mean(),
        "worst_share": worst_share(loss[None, held])[0],
        "median_loss": loss[held].median(),
        "population_loss": population_loss,
        "population_error": wrong[population].mean(),
        "calibrated_population_loss": population_loss - given_back(outputs[:, population], targets[:, population])[0],
    }
    return {name: float(value) for name, value in measured.items()}


def _regressed(group: int, half: Half, seed: int) -> list[Training]:
    return [_regression(group * _MEMBERS + member, half, seed) for member in range(_MEMBERS)]


def _regression(number: int, half: Half, seed: int) -> Training:
    random = np.random.default_rng((seed, 9, number))
    function = number % len(_FRIEDMAN)
    training, validation = int(random.choice([100, 200, 400, 800])), int(random.choice(_VALIDATION_SAMPLES))
    noise = float(random.choice([0, 0, 0.05, 0.2, 0.5, 1]))  # variance, of targets of variance 1
    validation_noise = noise * int(random.choice([0, 1]))
    rate = float(np.exp(random.uniform(np.log(0.03), np.log(0.5))))
    rounds, depth = int(random.integers(150, 401)), int(random.choice([1, 2, 3, 4, 6]))
    subsample = float(random.choice([1, 1, 0.5, 0.8]))
    inputs, clean = _FRIEDMAN[function](training + validation + _POPULATION, random_state=int(random.integers(2**31)))
    clean = (clean - clean.mean()) / clean.std()
    noisy = clean + random.standard_normal(len(clean)) * np.sqrt(
        np.where(np.arange(len(clean)) < training, noise, validation_noise)
    )
    model = GradientBoostingRegressor(
        learning_rate=rate,
        n_estimators=rounds,
        max_depth=depth,
        subsample=subsample,
        random_state=int(random.integers(2**31)),
    ).fit(inputs[:training], noisy[:training])
    every = -(-rounds // _POINTS)
    staged = np.array(list(model.staged_predict(inputs)))[every - 1 :: every]
    settings: dict[str, float | str] = {
        "train_samples": training, "validation_samples": validation, "population_samples": _POPULATION, "classes": 0,
        "label_noise": 0.0, "validation_label_noise": 0.0, "noise_variance": noise,
        "validation_noise_variance": validation_noise, "loss": "squared", "axis": "round", "running_mean": 0,
        "learning_rate": rate, "depth": depth, "subsample": subsample, "data": f"Friedman {function + 1}", "seed": seed,
    }  # fmt: skip
    return Training(
        name=f"boosting_regression-{half}-{number}",
        family="boosting_regression",
        half=half,
        settings=settings,
        times=every * np.arange(1.0, len(staged) + 1),
        curves=_regression_curves(staged, noisy, clean, training, validation, validation_noise),
    )


def _regression_curves(
    staged: Float[np.ndarray, "times samples"],
    noisy: Float[np.ndarray, " samples"],
    clean: Float[np.ndarray, " samples"],
    training: int,
    validation: int,
    validation_noise: float,
) -> dict[str, Curve]:
    """The population's targets have the noise of validation's, added as its variance, which is exact."""
    squares = (staged - noisy) ** 2
    held = np.sort(squares[:, training : training + validation], axis=1)
    population = (staged - clean)[:, training + validation :] ** 2
    return {
        "train_loss": squares[:, :training].mean(1),
        "val_loss": held.mean(1),
        "worst_share": held[:, -max(1, round(validation / 20)) :].sum(1) / held.sum(1),
        "median_loss": np.median(held, axis=1),
        "population_loss": population.mean(1) + validation_noise,
    }


FAMILIES = (
    Family(name="boosting_classification", groups=6, make=_classified),
    Family(name="boosting_regression", groups=5, make=_regressed, untouched_only=True),
)
