"""Writes lightgbm/: what ``record_evaluation``, a fitted classifier and ``cv`` say. Needs lightgbm and scikit-learn.

Made with LightGBM 4.7.0 (``versions.txt`` beside the files). No test runs this.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import lightgbm
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split

HERE = Path(__file__).parent / "lightgbm"
METRICS = ["binary_logloss", "binary_error"]
SETTINGS = {"objective": "binary", "metric": METRICS, "num_leaves": 8, "num_threads": 1, "verbose": -1}


def main() -> None:
    inputs, labels = make_classification(600, 10, n_informative=4, flip_y=0.2, random_state=0)
    train, held_out, train_labels, held_out_labels = train_test_split(inputs, labels, test_size=0.5, random_state=0)
    HERE.mkdir(exist_ok=True)
    of_train = lightgbm.Dataset(train, train_labels)
    of_held_out = lightgbm.Dataset(held_out, held_out_labels, reference=of_train)
    recorded: dict[str, Any] = {}
    lightgbm.train(
        SETTINGS, of_train, 60, valid_sets=[of_train, of_held_out], callbacks=[lightgbm.record_evaluation(recorded)]
    )
    (HERE / "record_evaluation.json").write_text(json.dumps(recorded))
    model = lightgbm.LGBMClassifier(n_estimators=60, num_leaves=8, n_jobs=1, verbose=-1)
    model.fit(train, train_labels, eval_set=[(train, train_labels), (held_out, held_out_labels)])
    (HERE / "evals_result_.json").write_text(json.dumps(model.evals_result_))
    (HERE / "cv.json").write_text(json.dumps(lightgbm.cv(SETTINGS, lightgbm.Dataset(inputs, labels), 60, seed=0)))
    (HERE / "versions.txt").write_text(f"lightgbm {lightgbm.__version__}\n")


if __name__ == "__main__":
    main()
