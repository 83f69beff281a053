"""Boosted trees of XGBoost: leaves are the size, rounds the time, and one booster answers for all its rounds.

python examples/training_loops/xgboost_trees.py
"""
# needs: xgboost-cpu==3.2.0

from __future__ import annotations

import xgboost

import benign


def fit(split, size, seed):
    """Boost on the split once and give, for each number of rounds, the function that predicts with so many."""
    settings = {"objective": "multi:softprob", "num_class": 10, "seed": seed, "nthread": 1, "tree_method": "hist"}
    leaves = {"grow_policy": "lossguide", "max_depth": 0, "max_leaves": size, "subsample": 0.5}
    rows = split.train_inputs.reshape(split.samples, -1)
    booster = xgboost.train({**settings, **leaves}, xgboost.DMatrix(rows, split.train_labels), num_boost_round=100)
    for rounds in range(1, 101):
        yield (
            rounds,
            lambda images, rounds=rounds: booster.inplace_predict(
                images.reshape(len(images), -1), iteration_range=(0, rounds)
            ),
        )


leaves = benign.from_training_loop(fit, size_name="leaves", time_name="rounds", outputs="probabilities")

if __name__ == "__main__":
    digits = benign.sources.digits(label_noise=0.1)
    surface = benign.measure(leaves, digits, samples=[150], sizes=[2, 8], times=[1, 10, 100], replicates=2, workers=1)
    print(surface.to_pandas().pivot_table("test_loss", "time", "size").round(3))
