"""Writes xgboost/: what ``evals_result()`` says of one small training. Needs xgboost and scikit-learn.

Made with XGBoost 3.2.0 (``versions.txt`` beside the files). No test runs this.
"""

from __future__ import annotations

import json
from pathlib import Path

import xgboost
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split

HERE = Path(__file__).parent / "xgboost"


def main() -> None:
    inputs, labels = make_classification(600, 10, n_informative=4, flip_y=0.2, random_state=0)
    train, held_out, train_labels, held_out_labels = train_test_split(inputs, labels, test_size=0.5, random_state=0)
    HERE.mkdir(exist_ok=True)
    model = xgboost.XGBClassifier(n_estimators=60, max_depth=4, eval_metric=["logloss", "error"], nthread=1)
    model.fit(train, train_labels, eval_set=[(train, train_labels), (held_out, held_out_labels)], verbose=False)
    (HERE / "evals_result.json").write_text(json.dumps(model.evals_result()))
    model.fit(train, train_labels, eval_set=[(held_out, held_out_labels)], verbose=False)
    (HERE / "one_set.json").write_text(json.dumps(model.evals_result()))
    recorded: dict[str, dict[str, list[float]]] = {}
    sets = [(xgboost.DMatrix(train, train_labels), "train"), (xgboost.DMatrix(held_out, held_out_labels), "eval")]
    settings = {"objective": "binary:logistic", "eval_metric": ["auc", "logloss"], "nthread": 1}
    xgboost.train(settings, sets[0][0], 40, evals=sets, evals_result=recorded, verbose_eval=False)
    (HERE / "named_sets.json").write_text(json.dumps(recorded))
    (HERE / "versions.txt").write_text(f"xgboost {xgboost.__version__}\n")


if __name__ == "__main__":
    main()
