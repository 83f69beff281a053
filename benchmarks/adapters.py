"""What measuring through an adapter costs beyond the loop that one would write by hand, and what `benign emc` costs
beyond the same search in a process that the model may take down with it. Writes adapters.json.

python benchmarks/adapters.py            # all of it, about four minutes
python benchmarks/adapters.py boosting   # one part

The plain loop trains scikit-learn's estimator with the adapter's seeds on the same splits and computes the same risks
with NumPy, in the same run; both are timed in turns, and the ratio is the median of the rounds'. Once in a process an
adapter trains one model more, at the smallest size and time, to see whether the seed is kept: before the clock starts.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from jaxtyping import Float
from machine import describe
from sklearn.base import clone
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from threadpoolctl import threadpool_limits

import benign
from benign.foundation.replicate import paired_replicates
from benign.foundation.split import Split, class_indices
from benign.procedures.estimator import Estimator
from benign.schema import DEFAULT_METRICS

ROUNDS = 5
OUTPUT = Path(__file__).parent / "adapters.json"
SIZES = np.array([4, 8, 16, 32, 64])
TIMES = np.array([1.0, 2.0, 5.0, 10.0, 20.0, 50.0])
SPLITS = [benign.sources.digits(label_noise=0.2).draw(1000, replicate) for replicate in paired_replicates(1)]
ONE_THREAD = threadpool_limits(limits=1)

Probabilities = Float[np.ndarray, "m classes"]


def risks(split: Split, train: Probabilities, test: Probabilities) -> list[float]:
    """The four risks of a surface, by hand."""
    return [
        measure(outputs, targets)  # type: ignore[no-untyped-call]
        for outputs, targets in ((train, split.train_targets), (test, split.test_targets))
        for measure in (
            lambda a, b: float(np.mean(np.sum((a - b) ** 2, axis=1))),
            lambda a, b: float(np.mean(a.argmax(axis=1) != b.argmax(axis=1))),
        )
    ]


def plain(estimator: Any, split: Split, size: int, *, time: str | None, growing: bool) -> list[list[float]]:
    """One size by hand: fitted once, or with members added; every class is in the training set."""
    model, y = clone(estimator).set_params(max_leaf_nodes=size), class_indices(split.train_targets)
    inputs = (split.train_inputs, split.test_inputs)
    if time is None:
        model.fit(split.train_inputs, y)
        return [risks(split, *map(model.predict_proba, inputs))]
    if growing:
        rows = []
        for moment in TIMES.astype(int).tolist():
            model.set_params(warm_start=True, **{time: moment}).fit(split.train_inputs, y)
            rows.append(risks(split, *map(model.predict_proba, inputs)))
        return rows
    model.set_params(**{time: int(TIMES[-1])}).fit(split.train_inputs, y)
    stages = enumerate(zip(*map(model.staged_predict_proba, inputs), strict=True), start=1)
    return [risks(split, train, test) for stage, (train, test) in stages if stage in TIMES]


def compared(
    estimator: Any, *, time_name: str, with_times: bool, growing: bool = False, rounds: int = ROUNDS
) -> dict[str, object]:
    """Seconds of both, and their ratio."""
    procedure = benign.from_estimator(estimator, size="max_leaf_nodes", time=time_name, objective="squared")
    times = TIMES if with_times else None

    def by_hand() -> list[Any]:
        return [
            [
                plain(_seeded(procedure, split), split, size, time=time_name if with_times else None, growing=growing)
                for size in SIZES.tolist()
            ]
            for split in SPLITS
        ]

    def adapted() -> list[Any]:
        blocks = [procedure.measure([split], SIZES, times, DEFAULT_METRICS) for split in SPLITS]
        names = ("train_loss", "train_error", "test_loss", "test_error")
        return [np.stack([block.metrics[name][0] for name in names], axis=-1) for block in blocks]

    np.testing.assert_allclose(adapted(), by_hand(), rtol=1e-9)  # the same numbers; and both are warm
    seconds = [(_seconds(by_hand), _seconds(adapted)) for _ in range(rounds)]
    loop, through = (float(np.median(column)) for column in zip(*seconds, strict=True))
    return {
        "samples": SPLITS[0].samples, "sizes": len(SIZES), "times": len(TIMES) if with_times else 1,
        "plain_loop_seconds": round(loop, 3), "adapter_seconds": round(through, 3),
        "ratio": round(float(np.median([second / first for first, second in seconds])), 3),
    }  # fmt: skip


def forest() -> dict[str, object]:
    """Fifty trees; the end of training, and members added along the time axis."""
    estimator = RandomForestClassifier(50)
    return {
        "end": compared(estimator, time_name="n_estimators", with_times=False, rounds=3 * ROUNDS),
        "times": compared(estimator, time_name="n_estimators", with_times=True, growing=True, rounds=3 * ROUNDS),
    }


def boosting() -> dict[str, object]:
    """Fifty rounds; the end of training, and all stages of one training."""
    estimator = HistGradientBoostingClassifier(max_iter=50)
    return {
        "end": compared(estimator, time_name="max_iter", with_times=False),
        "times": compared(estimator, time_name="max_iter", with_times=True),
    }


def time_axis() -> dict[str, object]:
    """A boosting at each of its times, against the same trained to the last of them only, without any prediction."""
    result: dict[str, object] = {}
    for estimator, name in (
        (HistGradientBoostingClassifier(), "max_iter"),
        (GradientBoostingClassifier(), "n_estimators"),
    ):
        procedure = benign.from_estimator(estimator, size="max_leaf_nodes", time=name)
        split, every = SPLITS[0], np.arange(1.0, 51.0)
        model = _seeded(procedure, split).set_params(max_leaf_nodes=8, **{name: 50})
        y = class_indices(split.train_targets)

        def train_once(model: Any = model, y: Any = y, split: Split = split) -> object:
            return clone(model).fit(split.train_inputs, y)

        def measure(procedure: Estimator = procedure, split: Split = split, every: Any = every) -> object:
            return procedure.measure([split], np.array([8]), every, DEFAULT_METRICS)

        measure()
        rounds = [(_seconds(train_once), _seconds(measure)) for _ in range(ROUNDS)]
        result[type(estimator).__name__] = {
            "times": len(every),
            "one_training_seconds": round(float(np.median([first for first, _ in rounds])), 3),
            "measured_at_every_time_seconds": round(float(np.median([second for _, second in rounds])), 3),
            "ratio": round(float(np.median([second / first for first, second in rounds])), 3),
        }
    return result


COMMAND_ROUNDS = 5
TRAININGS = "40"
SEARCH = f"""
import json
import benign.cli.main
from examples.my_model import forest
from benign.diagnosis.peak_location import locate_peak
from benign.plots import save
from benign.sources import table
source = table("examples/wine.csv", target="cultivar")
found = locate_peak(
    forest, source, size=8, samples=source.max_samples, max_trainings={TRAININGS}, seed=0, store=":memory:"
)
print(json.dumps(found.to_dict()))
"""


def command() -> dict[str, object]:
    """`benign emc` on a forest, whose code it runs in a worker process, and the same search without one, in turns."""
    own = ["-m", "benign", "emc", "examples.my_model:forest", "--data", "examples/wine.csv", "--target", "cultivar"]
    runs = {
        "here": ["-c", SEARCH],
        "worker": [*own, "--size", "8", "--max-trainings", TRAININGS, "--store", ":memory:", "--json"],
        "model_import": ["-c", "import examples.my_model"],
        "bare_python": ["-c", ""],
    }
    rounds = [{name: _process_seconds(run) for name, run in runs.items()} for _ in range(COMMAND_ROUNDS)]
    here, worker, imports, bare = (float(np.median([one[name] for one in rounds])) for name in runs)
    return {
        "trainings": int(TRAININGS), "rounds": COMMAND_ROUNDS,
        "here_seconds": round(here, 2), "worker_seconds": round(worker, 2),
        "model_import_seconds": round(imports - bare, 2),
        "more_seconds": round(float(np.median([one["worker"] - one["here"] for one in rounds])), 2),
        "ratio": round(float(np.median([one["worker"] / one["here"] for one in rounds])), 2),
    }  # fmt: skip


def _process_seconds(arguments: list[str]) -> float:
    root = Path(__file__).parents[1]
    return _seconds(lambda: subprocess.run([sys.executable, *arguments], cwd=root, check=True, capture_output=True))


def _seeded(procedure: Estimator, split: Split) -> Any:
    return procedure._seeded(split.replicate)  # the loop by hand must train the same models


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


CASES: dict[str, Callable[[], dict[str, object]]] = {
    "forest": forest,
    "boosting": boosting,
    "time_axis": time_axis,
    "command": command,
}


def main() -> None:
    """Measure the parts named, or all; updates the JSON beside this script."""
    result = json.loads(OUTPUT.read_text(encoding="utf-8")) if OUTPUT.exists() else {}
    for name in sys.argv[1:] or CASES:
        machine = {**describe(), "scikit-learn": sklearn.__version__}
        result[name] = {**CASES[name](), "machine": machine}
        print(name, json.dumps(result[name], indent=2))
        OUTPUT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
