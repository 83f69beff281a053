"""Writes keras/: what Keras records of one small training, and of the same one resumed. Needs keras and torch.

Made with Keras 3.15.1 on torch 2.13.0 (``versions.txt`` beside the files). No test runs this.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy as np
import torch

HERE = Path(__file__).parent / "keras"


def main() -> None:
    keras.utils.set_random_seed(0)
    generator = np.random.default_rng(0)
    inputs = generator.normal(size=(300, 8)).astype("float32")
    labels = (inputs[:, 0] + inputs[:, 1] ** 2 + generator.normal(size=300) > 1).astype("int32")
    model = keras.Sequential([keras.layers.Dense(32, activation="relu"), keras.layers.Dense(2, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    HERE.mkdir(exist_ok=True)

    def fit(epochs: int, *, append: bool, verbose: int) -> keras.callbacks.History:
        schedule = keras.callbacks.LearningRateScheduler(lambda epoch: 0.01 / (1 + epoch))
        logger = keras.callbacks.CSVLogger(HERE / "training.csv", append=append)
        data = {"validation_data": (inputs[200:], labels[200:])}
        callbacks = [logger, schedule]
        return model.fit(inputs[:200], labels[:200], epochs=epochs, callbacks=callbacks, verbose=verbose, **data)

    with (HERE / "progress.txt").open("w") as file, contextlib.redirect_stdout(file):
        history = fit(12, append=False, verbose=1)
    (HERE / "history.json").write_text(json.dumps({"history": history.history, "epoch": history.epoch}))
    with (HERE / "lines.txt").open("w") as file, contextlib.redirect_stdout(file):
        fit(5, append=True, verbose=2)
    (HERE / "versions.txt").write_text(f"keras {keras.__version__}\ntorch {torch.__version__}\n")


if __name__ == "__main__":
    main()
