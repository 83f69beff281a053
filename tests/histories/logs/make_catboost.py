"""Writes catboost/: the folder that CatBoost leaves of one small training. Needs catboost and scikit-learn.

Made with CatBoost 1.2.10 (``versions.txt`` beside the files). No test runs this.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from shutil import copyfile

import catboost
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split

HERE = Path(__file__).parent / "catboost"
KEPT = ("learn_error.tsv", "test_error.tsv", "catboost_training.json", "time_left.tsv")


def main() -> None:
    inputs, labels = make_classification(600, 10, n_informative=4, flip_y=0.2, random_state=0)
    train, held_out, train_labels, held_out_labels = train_test_split(inputs, labels, test_size=0.5, random_state=0)
    HERE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        settings = {"custom_metric": ["Accuracy", "AUC:hints=skip_train~false"], "thread_count": 1, "random_seed": 0}
        model = catboost.CatBoostClassifier(
            iterations=60, depth=4, learning_rate=0.3, train_dir=folder, verbose=False, **settings
        )
        model.fit(train, train_labels, eval_set=(held_out, held_out_labels), use_best_model=False)
        for name in KEPT:
            copyfile(Path(folder) / name, HERE / name)
    (HERE / "versions.txt").write_text(f"catboost {catboost.__version__}\n")


if __name__ == "__main__":
    main()
