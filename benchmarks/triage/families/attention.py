"""Small transformers on generated sequences: predicting a noisy source, and translating a made-up language.

Loss and error go by token, smoothing of labels is left out of what is recorded, and a validation set of m sequences
counts as m times its tokens: ``validation_samples`` is larger than the number of independent samples in it, since the
tokens of one sequence share their context. Both sources are without end, so the population is further sequences.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from triage.family import Family
from triage.loop import Curves, Data, Recipe, train
from triage.measures import Samples
from triage.schedules import Schedule, constant, cosine, inverse_square_root, warmed_up
from triage.training import Curve, Half, Training

from benign.foundation.randomness import generator

Kind = Literal["source", "translation"]
Tokens = Int[np.ndarray, "sequences places"]

_POPULATION_TOKENS = 5_000
_TRANSLATED = 8  # words of a sentence
_LENGTH = 20  # tokens of a sequence of the source

_SCHEDULES: Mapping[str, Schedule] = {
    "constant": constant,
    "warm-up, cosine": warmed_up(cosine, 0.05),
    "warm-up, inverse square root": warmed_up(inverse_square_root(0.1), 0.1),
}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One training, before it is one.

    Attributes:
        kind: of the sequences.
        samples, validation: their numbers, in sequences.
        words: of the vocabulary.
        noise: share of tokens that are any other word, in all sets alike.
        width: of the embedding.
        schedule: its name.
        patience: evaluations without a new best after which it is stopped; 0: it never is.
        running_mean: whether the log shows the running mean of training.
    """

    kind: Kind
    samples: int
    validation: int
    words: int
    noise: float
    width: int
    dropout: float
    rate: float
    schedule: str
    smoothing: float
    epochs: int
    patience: int
    running_mean: bool


class Transformer(nn.Module):
    """One pre-normalised layer of two causal heads; returns what it expects at the last ``places``. One member."""

    def __init__(self, *, words: int, length: int, places: int, width: int, dropout: float) -> None:
        super().__init__()
        self.places = places
        self.words = nn.Embedding(words + 1, width)  # one more: the end of the source sentence
        self.positions = nn.Parameter(0.1 * torch.randn(length, width))
        self.before_attention, self.before_layers, self.last = (nn.LayerNorm(width) for _ in range(3))
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.mixed = nn.Linear(width, width)
        self.layers = nn.Sequential(nn.Linear(width, 4 * width), nn.ReLU(), nn.Linear(4 * width, width))
        self.dropout = nn.Dropout(dropout)
        self.unembedding = nn.Linear(width, words)

    def forward(self, inputs: Int[Tensor, "1 batch length"]) -> Float[Tensor, "1 batch places words"]:
        stream = self.words(inputs.squeeze(0)) + self.positions
        stream = stream + self.dropout(self._attended(self.before_attention(stream)))
        stream = stream[:, -self.places :]
        stream = stream + self.dropout(self.layers(self.before_layers(stream)))
        outputs: Tensor = self.unembedding(self.last(stream))
        return outputs.unsqueeze(0)

    def _attended(self, stream: Float[Tensor, "batch length width"]) -> Float[Tensor, "batch length width"]:
        heads = self.queries_keys_values(stream).unflatten(-1, (3, 2, -1)).movedim(1, 3)
        queries, keys, values = heads.unbind(1)
        attended = nn.functional.scaled_dot_product_attention(queries, keys, values, is_causal=True)
        return self.mixed(attended.movedim(1, 2).flatten(2))


def source_sequences(count: int, table: Float[np.ndarray, "words words words"], random: np.random.Generator) -> Tokens:
    """Sequences in which the next word depends on the last two, after a row of ``table``."""
    words = len(table)
    sequences = random.integers(words, size=(count, _LENGTH + 1))
    cumulated = table.cumsum(2)
    for place in range(2, _LENGTH + 1):
        rows = cumulated[sequences[:, place - 2], sequences[:, place - 1]]
        sequences[:, place] = (rows < random.random((count, 1))).sum(1).clip(max=words - 1)
    return sequences


def source_table(words: int, noise: float, random: np.random.Generator) -> Float[np.ndarray, "words words words"]:
    """Few likely words after a word, few others after two; any word with probability ``noise``."""
    after_one = random.dirichlet(np.full(words, 0.15), size=(1, words))
    after_two = random.dirichlet(np.full(words, 0.15), size=(words, words))
    return (1.0 - noise) * (0.6 * after_one + 0.4 * after_two) + noise / words


def translations(
    count: int, lexica: Int[np.ndarray, "2 words"], noise: float, random: np.random.Generator
) -> tuple[Tokens, Tokens, Tokens]:
    """Sentences, their end and their translation but for its last word; the translation; the same without noise.

    The last word is translated first. A word has two translations; which one depends on the word before it.
    """
    words = lexica.shape[1]
    sentences = (words * random.random((count, _TRANSLATED)) ** 1.5).astype(np.int64)  # some words are frequent
    before = np.roll(sentences, 1, axis=1)
    before[:, 0] = 0
    clean = lexica[before % 2, sentences][:, ::-1]
    others = (clean + random.integers(1, words, size=clean.shape)) % words
    noisy = np.where(random.random(clean.shape) < noise, others, clean)
    return np.concatenate([sentences, np.full((count, 1), words), noisy[:, :-1]], axis=1), noisy, clean


def data_of(plan: Plan, random: np.random.Generator) -> Data:
    """Train, validation and population sequences, drawn independently of each other."""
    places = _TRANSLATED if plan.kind == "translation" else _LENGTH - 1
    population = max(-(-_POPULATION_TOKENS // places), plan.validation)
    counts = (plan.samples, plan.validation, population)
    if plan.kind == "source":
        table = source_table(plan.words, plan.noise, random)
        drawn = [source_sequences(count, table, random) for count in counts]
        train, validation, population_set = (_samples(tokens[:, :-1], tokens[:, 2:]) for tokens in drawn)
        return Data(train=train, validation=validation, population=population_set)
    lexica = np.stack([random.permutation(plan.words) for _ in range(2)])
    sets = [translations(count, lexica, plan.noise, random) for count in counts]
    train, validation, population_set = (_samples(inputs, targets) for inputs, targets, _ in sets)
    flipped = torch.tensor(sets[0][1] != sets[0][2]).reshape(1, -1) if plan.noise else None
    return Data(train=train, validation=validation, population=population_set, flipped=flipped)


def _samples(inputs: Tokens, targets: Tokens) -> Samples:
    return Samples(inputs=torch.tensor(inputs)[None], targets=torch.tensor(targets.copy())[None])


def trained(plan: Plan, family: str, half: Half, number: int, seed: int) -> Training:
    """Carry a plan out."""
    data = data_of(plan, generator(seed, f"data of {family}", number))
    with torch.random.fork_rng():
        torch.manual_seed(1_000 * seed + number)
        network = Transformer(
            words=plan.words,
            length=data.train.inputs.shape[2],
            places=data.train.targets.shape[2],
            width=plan.width,
            dropout=plan.dropout,
        )
        recipe = Recipe(
            epochs=plan.epochs,
            learning_rate=plan.rate,
            batch_size=32,
            schedule=_SCHEDULES[plan.schedule],
            smoothing=plan.smoothing,
            seed=1_000 * seed + number,
            chunk=256,
        )
        times, curves = train(network, data, recipe)
    settings = _settings(plan, data, seed)
    kept, curves_kept = times, curves[0]
    if plan.patience:
        kept, curves_kept = stopped(times, curves[0], plan.patience)
        settings["stopped_at"] = float(kept[-1])
    return Training(
        name=f"{family}-{half}-{number}", family=family, half=half, settings=settings, times=kept, curves=curves_kept
    )


def stopped(times: Curve, curves: Curves, patience: int) -> tuple[Curve, Curves]:
    """Until so many evaluations after the best one; a stopped training is one that was not watched any longer."""
    best, count = np.inf, 0
    for index, loss in enumerate(curves["val_loss"]):
        count = 0 if loss < best else count + 1
        best = min(best, loss)
        if count >= patience:
            return times[: index + 1], {name: curve[: index + 1] for name, curve in curves.items()}
    return times, curves


def _settings(plan: Plan, data: Data, seed: int) -> dict[str, float | str]:
    places = data.train.targets.shape[2]
    noise = plan.noise if plan.kind == "translation" else 0.0  # of the source, it is part of what is predicted
    return {
        "train_samples": plan.samples * places, "validation_samples": plan.validation * places,
        "population_samples": data.population.targets.numel(), "classes": plan.words, "label_noise": noise,
        "validation_label_noise": noise, "loss": "cross-entropy", "axis": "epoch",
        "running_mean": int(plan.running_mean), "data": plan.kind, "train_sequences": plan.samples,
        "validation_sequences": plan.validation, "places": places, "source_noise": plan.noise, "width": plan.width,
        "dropout": plan.dropout, "optimizer": "adam", "learning_rate": plan.rate, "schedule": plan.schedule,
        "weight_decay": 0.0, "smoothing": plan.smoothing, "batch_size": 32, "epochs": plan.epochs,
        "patience": plan.patience, "averaging_decay": 0.98, "seed": seed,
    }  # fmt: skip


def _attention(number: int, random: np.random.Generator) -> Plan:
    """Predicting and translating in turn, mostly with too few sequences, so that they over-fit; some have enough."""
    is_source = number % 2 == 0
    samples = int(random.choice((15, 30, 60, 120, 250) if is_source else (50, 100, 200, 400, 800)))
    return Plan(
        kind="source" if is_source else "translation",
        samples=samples,
        validation=int(random.choice((10, 25, 50, 100, 250))),
        words=int(random.choice((6, 8, 12) if is_source else (12, 16, 24))),
        noise=float(random.choice((0.0, 0.1, 0.2))),
        width=int(random.choice((8, 12, 16, 24))),
        dropout=float(random.choice((0.0, 0.0, 0.1))),
        rate=float(random.choice((3e-3, 5e-3, 1e-2))),
        schedule=str(random.choice(list(_SCHEDULES))),
        smoothing=float(random.choice((0.0, 0.0, 0.1))),
        epochs=int(random.integers(50, 151)),
        patience=int(random.choice((0, 0, 0, 10, 20))),
        running_mean=bool(random.random() < 0.5),
    )


def _made(group: int, half: Half, seed: int) -> list[Training]:
    """Eight trainings a group."""
    numbers = range(8 * group, 8 * (group + 1))
    plans = [_attention(number, generator(seed, "plan of attention", number)) for number in numbers]
    return [trained(plan, "attention", half, number, seed) for number, plan in zip(numbers, plans, strict=True)]


FAMILIES = (Family(name="attention", groups=5, make=_made, untouched_only=True),)
