"""Where the cases' rows come from: populations of tables and of formulas, inputs already scaled, labels with noise.

Targets are one-hot rows, or values of variance 1 before noise. Rows of a finite population are drawn without
replacement; its test rows are never those trained on.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float, Int

from benign.foundation.randomness import generator
from benign.foundation.replicate import Replicate

Table = tuple[Float[np.ndarray, "rows d"], Float[np.ndarray, "rows outputs"]]
COPIES = 4
"""How many rows share an input, where rows are duplicated or grouped."""
_MNIST1D_ROWS = 20_000


@dataclass(frozen=True, kw_only=True)
class Population:
    """What rows are drawn from.

    Attributes:
        name: what cases call it.
        make: so many rows, inputs and clean targets, of a generator; of a finite population all its rows in order.
        classes: how many; 0 for values.
        columns: of the inputs.
        rows: how many there are; infinite for a formula.
        noise: Gaussian, or of Student's t with 3 degrees of freedom, for values.
        is_independent: whether rows are independent; else nothing may be concluded from them.
    """

    name: str
    make: Callable[[np.random.Generator, int], Table]
    classes: int
    columns: int
    rows: float = math.inf
    noise: str = "gaussian"
    is_independent: bool = True


@dataclass(frozen=True, kw_only=True, eq=False)
class Sample:
    """Training rows, whose prefixes are smaller training sets, and test rows, all with noisy labels."""

    inputs: Float[np.ndarray, "n d"]
    targets: Float[np.ndarray, "n outputs"]
    test_inputs: Float[np.ndarray, "m d"]
    test_targets: Float[np.ndarray, "m outputs"]


def sample(population: Population, noise: float, rows: int, test_rows: int, random: np.random.Generator) -> Sample:
    """Fresh rows.

    Args:
        population: where they come from.
        noise: share of labels flipped to another class; standard deviation, in those of the clean values.
        rows: to train on.
        test_rows: to test on.
        random: decides all.
    """
    if math.isfinite(population.rows):
        inputs, targets = population.make(random, int(population.rows))
        order = random.permutation(len(inputs))[: rows + test_rows]
        inputs, targets = inputs[order], targets[order]
    else:
        tests, trains = population.make(random, test_rows), population.make(random, rows)
        inputs, targets = (np.concatenate(pair) for pair in zip(tests, trains, strict=True))
    targets = noisy(population, targets, noise, random)
    return Sample(
        inputs=inputs[test_rows:],
        targets=targets[test_rows:],
        test_inputs=inputs[:test_rows],
        test_targets=targets[:test_rows],
    )


def noisy(
    population: Population, targets: Float[np.ndarray, "rows outputs"], noise: float, random: np.random.Generator
) -> Float[np.ndarray, "rows outputs"]:
    """Targets under label noise, independent in each row."""
    if not population.classes:
        drawn = random.standard_normal(targets.shape)
        if population.noise == "student":
            drawn = random.standard_t(3, targets.shape) / math.sqrt(3.0)
        return targets + noise * drawn
    labels = targets.argmax(axis=1)
    others = (labels + random.integers(1, population.classes, len(labels))) % population.classes
    return _one_hot(np.where(random.random(len(labels)) < noise, others, labels), population.classes)


def most_rows(population: Population, test_rows: int) -> float:
    """The largest training set of which truth is measured: half of what a finite population leaves to train on."""
    return (population.rows - test_rows) / 2


def _one_hot(labels: Int[np.ndarray, " rows"], classes: int) -> Float[np.ndarray, "rows classes"]:
    return np.eye(classes)[labels]


# -------------------------------------------------------------------------------------------------- finite populations


def _finite(name: str, load: Callable[[], Table], rows: int, columns: int, classes: int) -> Population:
    return Population(name=name, make=lambda *_: load(), rows=rows, columns=columns, classes=classes)


def _images(inputs: Float[np.ndarray, "rows d"]) -> Float[np.ndarray, "rows d"]:
    centred = inputs - inputs.mean(axis=0)
    return centred / centred.std()


def _columns(inputs: Float[np.ndarray, "rows d"]) -> Float[np.ndarray, "rows d"]:
    return (inputs - inputs.mean(axis=0)) / inputs.std(axis=0)


def _values(values: Float[np.ndarray, " rows"]) -> Float[np.ndarray, "rows 1"]:
    return ((values - values.mean()) / values.std())[:, None]


@lru_cache(maxsize=1)
def _digits() -> Table:
    from benign.sources import digits

    data = digits().data
    return _shuffled_columns(_images(data.inputs)), data.targets


@lru_cache(maxsize=1)
def _mnist() -> Table:
    from benign.sources import mnist

    data = mnist(side=14).data
    return _shuffled_columns(_images(data.inputs)), data.targets


def _shuffled_columns(inputs: Float[np.ndarray, "rows d"]) -> Float[np.ndarray, "rows d"]:
    """The first columns of a linear model are not the upper edge of the image, which is empty."""
    return inputs[:, generator(0, "columns").permutation(inputs.shape[1])]


def _parity(table: Table) -> Table:
    return table[0], _one_hot(table[1].argmax(axis=1) % 2, 2)


@lru_cache(maxsize=1)
def _mnist1d() -> Table:
    from benign.sources import mnist1d

    split = mnist1d(test_samples=1).draw(_MNIST1D_ROWS, Replicate(seed=0))
    return split.train_inputs, split.train_targets


@lru_cache(maxsize=1)
def _cancer() -> Table:
    from sklearn.datasets import load_breast_cancer

    inputs, labels = load_breast_cancer(return_X_y=True)
    return _columns(inputs), _one_hot(labels, 2)


@lru_cache(maxsize=1)
def _diabetes() -> Table:
    from sklearn.datasets import load_diabetes

    inputs, values = load_diabetes(return_X_y=True)
    return _columns(inputs), _values(values)


@lru_cache(maxsize=1)
def _boston() -> Table:
    from mlxtend.data import boston_housing_data

    inputs, values = boston_housing_data()
    return _columns(inputs), _values(values)


# ------------------------------------------------------------------------------------------------------------ formulas


def _friedman(random: np.random.Generator, rows: int) -> Table:
    """Friedman 1991 (Annals of Statistics 19:1), equation 61: five columns of ten matter."""
    uniform = random.random((rows, 10))
    values = 10 * np.sin(math.pi * uniform[:, 0] * uniform[:, 1]) + 20 * (uniform[:, 2] - 0.5) ** 2
    values += 10 * uniform[:, 3] + 5 * uniform[:, 4]
    return (uniform - 0.5) * math.sqrt(12.0), ((values - 14.41) / 4.87)[:, None]


def _teacher(columns: int, decay: float, *, is_heavy: bool = False) -> Callable[[np.random.Generator, int], Table]:
    """A linear function of independent columns, coefficients proportional to j to the power of minus ``decay``."""
    coefficients = np.arange(1.0, columns + 1) ** -decay * generator(0, "signs").choice([-1.0, 1.0], columns)
    coefficients /= np.linalg.norm(coefficients)

    def make(random: np.random.Generator, rows: int) -> Table:
        shape = (rows, columns)
        inputs = random.standard_t(3, shape) / math.sqrt(3.0) if is_heavy else random.standard_normal(shape)
        return inputs, (inputs @ coefficients)[:, None]

    return make


def _curved(random: np.random.Generator, rows: int) -> Table:
    inputs = random.standard_normal((rows, 20))
    values = inputs[:, 0] + 0.6 * inputs[:, 1] * inputs[:, 2] + 0.5 * (inputs[:, 3] ** 2 - 1) / math.sqrt(2)
    return inputs, (values / math.sqrt(1 + 0.36 + 0.25))[:, None]


def _on_a_line(function: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.random.Generator, int], Table]:
    def make(random: np.random.Generator, rows: int) -> Table:
        places = random.uniform(-1.0, 1.0, (rows, 1))
        return places, function(places)

    return make


def _slow_sine(places: np.ndarray) -> np.ndarray:
    return math.sqrt(2.0) * np.sin(1.5 * math.pi * places)


def _fast_sine(places: np.ndarray) -> np.ndarray:
    return math.sqrt(2.0) * np.sin(4 * math.pi * places)


def _steps(places: np.ndarray) -> np.ndarray:
    return np.where(np.floor(2.5 * (places + 1)) % 2 == 0, 1.0, -1.0)


def _labelled(
    function: Callable[[np.ndarray], np.ndarray], columns: int
) -> Callable[[np.random.Generator, int], Table]:
    """Two classes of standard normal inputs: where a function of them is positive, and elsewhere."""

    def make(random: np.random.Generator, rows: int) -> Table:
        inputs = random.standard_normal((rows, columns))
        return inputs, _one_hot((function(inputs) > 0).astype(np.int64), 2)

    return make


def _halfspace(inputs: np.ndarray) -> np.ndarray:
    return inputs @ (np.arange(1.0, inputs.shape[1] + 1) ** -0.7)


def _exclusive_or(inputs: np.ndarray) -> np.ndarray:
    return inputs[:, 0] * inputs[:, 1]


def _rare(inputs: np.ndarray) -> np.ndarray:
    return _halfspace(inputs) / np.linalg.norm(np.arange(1.0, inputs.shape[1] + 1) ** -0.7) - 1.4


def _copied(
    make: Callable[[np.random.Generator, int], Table], *, jitter: float, offset: float
) -> Callable[[np.random.Generator, int], Table]:
    """Groups of rows that share an input but for the jitter, and an offset of their values."""

    def copied(random: np.random.Generator, rows: int) -> Table:
        inputs, values = make(random, -(-rows // COPIES))
        values = values + offset * random.standard_normal(values.shape)
        inputs, values = (np.repeat(part, COPIES, axis=0)[:rows] for part in (inputs, values))
        return inputs + jitter * random.standard_normal(inputs.shape), values

    return copied


def _all() -> dict[str, Population]:
    def formula(name: str, make: Callable[[np.random.Generator, int], Table], columns: int, **settings: object) -> None:
        found.append(Population(name=name, make=make, columns=columns, **({"classes": 0} | settings)))  # type: ignore[arg-type]

    found = [
        _finite("digits", _digits, 1797, 64, 10),
        _finite("digits_parity", lambda: _parity(_digits()), 1797, 64, 2),
        _finite("mnist", _mnist, 5000, 196, 10),
        _finite("mnist_parity", lambda: _parity(_mnist()), 5000, 196, 2),
        _finite("mnist1d", _mnist1d, _MNIST1D_ROWS, 40, 10),
        _finite("cancer", _cancer, 569, 30, 2),
        _finite("diabetes", _diabetes, 442, 10, 0),
        _finite("boston", _boston, 506, 13, 0),
    ]
    formula("friedman", _friedman, 10)
    formula("curved", _curved, 20)
    formula("teacher", _teacher(400, 1.0), 400)
    formula("teacher_slow", _teacher(400, 0.5), 400)
    formula("sine", _on_a_line(_slow_sine), 1)
    formula("sine_fast", _on_a_line(_fast_sine), 1)
    formula("steps", _on_a_line(_steps), 1)
    formula("halfspace", _labelled(_halfspace, 20), 20, classes=2)
    # stress
    formula("heavy", _teacher(200, 0.7, is_heavy=True), 200, noise="student")
    formula("xor", _labelled(_exclusive_or, 8), 8, classes=2)
    formula("rare", _labelled(_rare, 20), 20, classes=2)
    formula("dense", _teacher(800, 0.0), 800)
    formula("duplicated", _copied(_friedman, jitter=0.0, offset=0.0), 10, is_independent=False)
    formula("grouped", _copied(_friedman, jitter=0.05, offset=0.5), 10, is_independent=False)
    return {population.name: population for population in found}


POPULATIONS = _all()
