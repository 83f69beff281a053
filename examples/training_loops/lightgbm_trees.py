"""Boosted trees of LightGBM: leaves are the size, rounds the time, and one booster answers for all its rounds.

python examples/training_loops/lightgbm_trees.py
"""
# needs: lightgbm==4.7.0

from __future__ import annotations

import lightgbm

import benign


def fit(split, size, seed):
    """Boost on the split once and give, for each number of rounds, the function that predicts with so many."""
    settings = {"objective": "multiclass", "num_class": 10, "seed": seed, "num_threads": 1, "verbose": -1}
    leaves = {"num_leaves": size, "min_data_in_leaf": 5, "bagging_fraction": 0.5, "bagging_freq": 1}
    rows = lightgbm.Dataset(split.train_inputs.reshape(split.samples, -1), split.train_labels)
    booster = lightgbm.train({**settings, **leaves}, rows, num_boost_round=100)
    for rounds in range(1, 101):
        yield rounds, lambda images, rounds=rounds: booster.predict(images.reshape(len(images), -1), 0, rounds)


leaves = benign.from_training_loop(fit, size_name="leaves", time_name="rounds", outputs="probabilities")

if __name__ == "__main__":
    digits = benign.sources.digits(label_noise=0.1)
    surface = benign.measure(leaves, digits, samples=[150], sizes=[2, 8], times=[1, 10, 100], replicates=2, workers=1)
    print(surface.to_pandas().pivot_table("test_loss", "time", "size").round(3))
