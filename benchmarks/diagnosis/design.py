"""The cases of each half, drawn at random from a frozen seed: nobody picked one.

Halves differ by seed, by the populations that each family meets, and by four families that only the untouched half has.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from diagnosis.case import FACTORS, Case, Half, Stratum
from diagnosis.families import FAMILIES, Training, bandwidth_of, losses, objective_of
from diagnosis.populations import POPULATIONS, Population, most_rows, sample

from benign.foundation.randomness import generator
from benign.procedures import objectives

SEEDS: Mapping[Half, int] = {"development": 1901, "untouched": 1902}
COUNTS: Mapping[Half, Mapping[Stratum, int]] = {
    "development": {"random": 110, "over": 50, "stress": 30, "refuse": 10, "large": 5},
    "untouched": {"random": 140, "over": 90, "stress": 30, "refuse": 12, "large": 9},
}
USERS: Mapping[Stratum, int] = {"random": 1, "over": 2, "stress": 1, "refuse": 2, "large": 1}
FEWEST, MOST = 40, 2000  # samples
USUALLY_MOST, LARGE = 240, 500
TEST_ROWS = 600
_MOST_OF_A_POLYNOMIAL = 80  # samples: the peak's height grows exponentially, beyond double precision
TOLERANCE = 0.02  # of the best constant's objective: fitted
_COSTLIEST = 1e9  # rows x columns x the smaller of both, at four times the case's: a fifth of a second
_COSTLIEST_OF_MANY = 3e9  # at twice a large case's: there are few of them
_NEAR, _WIDE, _OVER = (math.log2(0.65), math.log2(1.5)), (math.log2(0.15), 3.0), (math.log2(0.15), math.log2(0.95))

_Families = Mapping[str, tuple[float, tuple[str, ...]]]
"""How often a family is drawn, and of which populations."""

_RANDOM: Mapping[Half, _Families] = {
    "development": {
        "fourier": (2, ("digits", "friedman", "cancer", "mnist1d")),
        "relu": (2, ("mnist", "curved", "boston", "halfspace")),
        "ridge": (2, ("mnist1d", "friedman", "diabetes", "digits")),
        "linear": (2, ("teacher", "digits", "mnist_parity")),
        "legendre": (0.5, ("sine", "steps")),
        "descent": (2.5, ("friedman", "mnist1d", "halfspace", "digits")),
        "kernel": (1, ("friedman", "digits", "cancer")),
        "neighbours": (1, ("digits", "friedman", "cancer")),
        "tree": (1, ("friedman", "cancer", "mnist_parity")),
        "logistic": (1.5, ("cancer", "mnist_parity")),
    },
    "untouched": {
        "fourier": (2, ("mnist", "curved", "boston", "halfspace")),
        "relu": (2, ("digits", "friedman", "cancer", "mnist1d")),
        "ridge": (2, ("mnist", "curved", "cancer", "boston")),
        "linear": (2, ("teacher_slow", "mnist", "digits_parity")),
        "legendre": (0.5, ("sine_fast",)),
        "descent": (2.5, ("curved", "mnist", "cancer", "boston")),
        "kernel": (1, ("curved", "mnist1d", "halfspace")),
        "neighbours": (1, ("mnist1d", "curved", "diabetes")),
        "tree": (1, ("curved", "digits", "boston")),
        "logistic": (1.5, ("digits_parity", "halfspace")),
        "forest": (1, ("friedman", "cancer", "digits_parity")),
        "boosting": (1.2, ("friedman", "halfspace", "diabetes")),
        "mlp": (2, ("friedman", "curved", "halfspace")),
        "ridge_classifier": (2, ("digits", "mnist1d", "cancer")),
    },
}
_ITERATED = ("logistic", "mlp")
_SLOW = ("logistic", "forest", "boosting", "mlp")
_OVER_FAMILIES = ("fourier", "relu", "ridge", "linear", "mlp", "ridge_classifier")
_STRESS: _Families = {
    "fourier": (2, ("xor", "rare")),
    "relu": (2, ("heavy", "xor", "rare")),
    "ridge": (1, ("heavy", "xor", "rare")),
    "linear": (3, ("heavy", "dense", "dense")),
    "tree": (1, ("heavy", "xor", "rare")),
    "logistic": (1, ("xor", "rare")),
}
_REFUSE: _Families = dict.fromkeys(("fourier", "relu", "ridge", "tree", "neighbours"), (1, ("duplicated", "grouped")))


@dataclass(frozen=True, kw_only=True)
class _Draft:
    """A case before its size."""

    family: str
    population: Population
    noise: float
    settings: Mapping[str, float | str]
    samples: int
    octaves: float
    time: float | None


@lru_cache(maxsize=4)
def design(half: Half) -> tuple[Case, ...]:
    """All cases of a half, the same each time."""
    cases: list[Case] = []
    for stratum, count in COUNTS[half].items():
        for _ in range(count):
            cases.append(_case(half, stratum, len(cases)))
    return tuple(cases)


def _case(half: Half, stratum: Stratum, number: int) -> Case:
    """Redrawn until it can be measured: enough rows, columns, and a bearable cost."""
    random = generator(SEEDS[half], "case", number)
    while True:
        draft = _drafted(half, stratum, random)
        size = _size(draft)
        factors = _factors(draft, stratum)
        if factors and size is not None and _is_bearable(draft, size, stratum):
            break
    return Case(
        name=f"{half[0]}{number:03d}",
        half=half,
        stratum=stratum,
        family=draft.family,
        population=draft.population.name,
        noise=draft.noise,
        settings=draft.settings,
        samples=draft.samples,
        octaves=draft.octaves,
        size=None if math.isinf(size) else size,
        time=draft.time,
        factors=factors,
        users=USERS[stratum],
        number=number,
    )


def _factors(draft: _Draft, stratum: Stratum) -> tuple[float, ...]:
    """Of data, as far as the population and, for many samples, our patience reach."""
    wanted = FACTORS[:2] if stratum == "large" else FACTORS
    most = most_rows(draft.population, test_rows(draft.population))
    return tuple(factor for factor in wanted if factor * draft.samples <= most)


def test_rows(population: Population) -> int:
    """How many rows truth is tested on."""
    return int(min(TEST_ROWS, population.rows // 3))


def _choice(random: np.random.Generator, values: tuple[float | str, ...]) -> float | str:
    return values[int(random.integers(len(values)))]


def _drafted(half: Half, stratum: Stratum, random: np.random.Generator) -> _Draft:
    table: _Families = {"stress": _STRESS, "refuse": _REFUSE}.get(stratum, _RANDOM[half])
    if stratum == "over":
        table = {family: entry for family, entry in table.items() if family in _OVER_FAMILIES}
    elif stratum == "large":
        table = {family: entry for family, entry in table.items() if family not in ("legendre", "kernel", *_ITERATED)}
    weights = np.array([weight for weight, _ in table.values()], float)
    family = str(random.choice(list(table), p=weights / weights.sum()))
    population = POPULATIONS[str(_choice(random, table[family][1]))]
    is_any = random.random() < 0.2 and stratum == "random" and family not in _SLOW
    least, most = FEWEST, MOST if is_any else USUALLY_MOST
    if stratum == "large":
        least, most = LARGE, MOST
    return _Draft(
        family=family,
        population=population,
        noise=float(_choice(random, (0.0, 0.1, 0.2, 0.3))),
        settings=_settings(family, population, random),
        samples=round(math.exp(random.uniform(math.log(least), math.log(most)))),
        octaves=_octaves(family, stratum, random),
        time=_time(family, random),
    )


def _octaves(family: str, stratum: Stratum, random: np.random.Generator) -> float:
    """Log2 of n over the threshold: 40 % near it, the others far and wide."""
    is_near = random.random() < 0.4
    drawn = random.uniform(*(_OVER if stratum == "over" else _NEAR if is_near else _WIDE))
    return math.nan if FAMILIES[family].threshold is None else float(drawn)


def _settings(family: str, population: Population, random: np.random.Generator) -> dict[str, float | str]:
    bandwidth = float(_choice(random, (0.7, 1.0, 1.5))) * bandwidth_of(population.name)
    ridge, kind = 10 ** random.uniform(-3.0, 1.0), str(_choice(random, ("relu", "fourier")))
    settings: Mapping[str, dict[str, float | str]] = {
        "fourier": {"features": "fourier", "ridge": 0.0, "bandwidth": bandwidth},
        "relu": {"features": "relu", "ridge": 0.0},
        "ridge": {"features": kind, "ridge": ridge, "bandwidth": bandwidth},
        "descent": {"features": kind, "ridge": 0.0, "bandwidth": bandwidth},
        "linear": {"features": "columns", "ridge": 0.0},
        "legendre": {"features": "legendre", "ridge": 0.0},
        "kernel": {"kernel": _choice(random, ("rbf", "laplacian")), "ridge": _choice(random, (1e-8, 0.1))},
        "neighbours": {"neighbours": _choice(random, (1.0, 3.0, 5.0, 10.0))},
        "logistic": {"C": _choice(random, (1e5, 1e7))},
        "ridge_classifier": {"ridge": 1e-8},
    }
    return settings.get(family, {})


def _time(family: str, random: np.random.Generator) -> float | None:
    first, last = {"descent": (3.0, 1e4), "boosting": (10.0, 100.0), "mlp": (500.0, 2500.0)}.get(family, (1.0, 1.0))
    drawn = float(round(math.exp(random.uniform(math.log(first), math.log(last)))))
    return drawn if FAMILIES[family].has_time else None


def _size(draft: _Draft) -> float | None:
    """Where the threshold lies as drawn; infinite where the family has none; None where there is no such size."""
    family, fitted = FAMILIES[draft.family], draft.samples / 2**draft.octaves
    if family.threshold is None:
        return 8.0 if draft.family == "boosting" else math.inf
    size = float(round(fitted)) if family.threshold == "columns" else _smallest_fitting(draft, round(fitted))
    is_bounded = draft.settings.get("features") == "columns"
    return size if 2 <= size <= (draft.population.columns if is_bounded else math.inf) else None


def _smallest_fitting(draft: _Draft, samples: int) -> float:
    """The smallest size, to a quarter of an octave, that fits so many fresh rows; the largest tried where none does."""
    largest = min(FAMILIES[draft.family].largest, 8.0 * MOST)
    sizes = [size for k in range(4, 56) if 2 <= (size := float(round(2 ** (k / 4)))) <= largest]
    low, high = 0, len(sizes) - 1
    while low < high:
        middle = (low + high) // 2
        if _relative_train_loss(draft, sizes[middle], samples) <= TOLERANCE:
            high = middle
        else:
            low = middle + 1
    return sizes[high]


def _relative_train_loss(draft: _Draft, size: float, samples: int) -> float:
    case = Case(
        name="", half="development", stratum="random", family=draft.family, population=draft.population.name,
        noise=draft.noise, settings=draft.settings, samples=samples, octaves=0.0, size=size, time=draft.time,
        factors=(), users=0, number=0,
    )  # fmt: skip
    samples = int(min(samples, draft.population.rows - 1))
    found = []
    for place in range(2):
        rows = sample(draft.population, draft.noise, samples, 1, generator(0, "threshold", place))
        one = Training(inputs=rows.inputs, targets=rows.targets, seed=place, asked=(rows.inputs,))
        (((outputs,),),) = FAMILIES[draft.family].train(case, [one], size, [draft.time])
        constant = objectives.constant_loss(objective_of(case), rows.targets)
        found.append(losses(case, outputs, rows.targets).mean() / constant if constant > 0 else 0.0)
    return float(np.mean(found))


def _is_bearable(draft: _Draft, size: float, stratum: Stratum) -> bool:
    if draft.family in ("neighbours", "tree", *_SLOW):
        return True
    if draft.family == "legendre" and draft.samples > _MOST_OF_A_POLYNOMIAL:
        return False
    n, p = draft.samples, draft.samples if math.isinf(size) else size
    if stratum == "large":
        return max(2 * n * p * min(2 * n, p), 4 * n * p * min(n, 4 * p)) <= _COSTLIEST_OF_MANY
    return max(4 * n * p * min(4 * n, p), 4 * n * p * min(n, 4 * p)) <= _COSTLIEST
