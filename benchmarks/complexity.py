"""How few trainings the effective model complexity takes, and how soon ``benign emc`` answers. Writes complexity.json.

python benchmarks/complexity.py              # all of it, about ten minutes
python benchmarks/complexity.py exhaustive   # one part

The alternative is the exhaustive search: every n of a grid that rises by 4 %, ten draws at each, and the last n whose
mean training error is within the tolerance. Networks are those of the MNIST-1D curve, trained for a fixed number of
steps, by the zero-one criterion; n are multiples of the batch, so that no epoch ends with a batch of few samples.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from machine import describe
from sklearn.datasets import make_classification

import benign

OUTPUT = Path(__file__).parent / "complexity.json"
TOLERANCE, BATCH, DRAWS, STEP = 0.02, 25, 10, 1.04
STEPS = 2000
WIDTHS = (8, 16, 32)
RANGE = (50, 1600)  # of n that is searched exhaustively: a search that knows nothing has to cover it
WANTED_ERROR, WANTED_SHARE, WANTED_REPEAT, WANTED_SECONDS = 0.10, 0.1, 0.15, 60.0


def network() -> tuple[benign.MLP, Any]:
    """The procedure and its source."""
    training = benign.Training(learning_rate=2e-3, batch_size=BATCH, steps=STEPS)
    return benign.MLP(training=training), benign.sources.mnist1d(label_noise=0.2)


def exhaustive() -> dict[str, object]:
    """Against every n of a fine grid, on the same draws; and two searches on other draws."""
    result: dict[str, object] = {"steps": STEPS, "batch": BATCH, "tolerance": TOLERANCE, "draws": DRAWS}
    n = every_n()
    for width in WIDTHS:
        procedure, source = network()
        surface = benign.measure(procedure, source, sizes=[width], samples=n, replicates=DRAWS, seed=0)
        errors = surface.dataset["train_error"].squeeze().transpose("samples", "replicate").values.mean(axis=1)
        fitted = int(np.flatnonzero(errors <= TOLERANCE)[-1])
        share = (TOLERANCE - errors[fitted]) / (errors[fitted + 1] - errors[fitted])
        truth = n[fitted] + share * (n[fitted + 1] - n[fitted])
        found = [search(width, seed) for seed in (0, 1)]
        result[f"width_{width}"] = {
            "exhaustive": round(truth),
            "exhaustive_trainings": len(n) * DRAWS,
            "found": found[0].value,
            "interval": [round(end) if end < np.inf else None for end in found[0].interval],
            "outcome": found[0].outcome.name.lower(),
            "relative_error": round(abs(found[0].value / float(truth) - 1.0), 3),
            "wanted_error": WANTED_ERROR,
            "trainings": found[0].trainings,
            "share_of_trainings": round(found[0].trainings / (len(n) * DRAWS), 3),
            "wanted_share": WANTED_SHARE,
            "on_other_draws": found[1].value,
            "repeat_difference": round(abs(found[1].value / found[0].value - 1.0), 3),
            "wanted_repeat": WANTED_REPEAT,
        }
        print(width, result[f"width_{width}"], flush=True)
    return result


def every_n() -> list[int]:
    """Multiples of the batch, rising by 4 % where that is more than one."""
    low, high = RANGE
    grid = np.geomspace(low, high, 1 + round(np.log(high / low) / np.log(STEP)))
    return [int(n) for n in np.unique(np.round(grid / BATCH)) * BATCH]


def search(width: int, seed: int) -> benign.EffectiveModelComplexity:
    """Ours, with a tenth of the trainings as its budget."""
    procedure, source = network()
    budget = int(WANTED_SHARE * DRAWS * len(every_n()))
    return benign.effective_model_complexity(
        procedure, source, size=width, tolerance=TOLERANCE, criterion="error", multiple=BATCH, seed=seed,
        max_trainings=budget, store=":memory:",
    )  # fmt: skip


_MODULE = """
from sklearn.ensemble import RandomForestClassifier, GradientBoostingClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
import benign

forest = benign.from_estimator(RandomForestClassifier(n_estimators=100, bootstrap=False), size="max_leaf_nodes")
boosting = benign.from_estimator(
    GradientBoostingClassifier(), size="max_leaf_nodes", time="n_estimators", objective="squared"
)
network = benign.from_estimator(
    make_pipeline(StandardScaler(), MLPClassifier(max_iter=200)),
    size="mlpclassifier__hidden_layer_sizes",
    objective="squared",
)
"""


def first_answer() -> dict[str, object]:
    """Seconds of ``benign emc`` on 2,000 samples of a user's file, a new process, half a minute of budget."""
    inputs, labels = make_classification(2500, 20, n_informative=10, flip_y=0.1, random_state=0)
    result: dict[str, object] = {"rows": len(inputs), "wanted_seconds": WANTED_SECONDS}
    with tempfile.TemporaryDirectory() as folder:
        table = np.column_stack([inputs, labels])
        header = ",".join([*(f"x{i}" for i in range(20)), "label"])
        np.savetxt(Path(folder) / "rows.csv", table, delimiter=",", header=header, comments="", fmt="%.10g")
        (Path(folder) / "models.py").write_text(_MODULE, encoding="utf-8")
        for name, size, more in (("forest", 64, []), ("boosting", 8, ["--time", "100"]), ("network", 16, [])):
            start = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-m", "benign", "emc", f"models:{name}", "--data", "rows.csv", "--target", "label",
                 "--size", str(size), "--max-minutes", "0.5", "--json", *more],
                cwd=folder, capture_output=True, text=True, check=False, env=_environment(folder),
            )  # fmt: skip
            seconds = time.perf_counter() - start
            if done.returncode:
                raise RuntimeError(done.stderr)
            answer = json.loads(done.stdout)
            result[name] = {
                "seconds": round(seconds, 1),
                "sentence": answer["complexity"]["sentence"] if "complexity" in answer else answer.get("sentence"),
            }
            print(name, result[name], flush=True)
    return result


def _environment(folder: str) -> dict[str, str]:
    return {**os.environ, "XDG_DATA_HOME": folder, "XDG_CACHE_HOME": folder}


PARTS = {"exhaustive": exhaustive, "first_answer": first_answer}


def main() -> None:
    """Measure the parts named on the command line, all unless said."""
    results = json.loads(OUTPUT.read_text(encoding="utf-8")) if OUTPUT.exists() else {}
    for name in sys.argv[1:] or PARTS:
        machine = describe()
        results[name] = {**PARTS[name](), "machine": machine}
        OUTPUT.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
