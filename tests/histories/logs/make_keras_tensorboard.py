"""Writes keras_tensorboard/: what Keras' callback ``TensorBoard`` leaves of one small training. Needs tensorflow.

Made with TensorFlow and Keras as ``versions.txt`` beside the files says. No test runs this.
"""

from __future__ import annotations

from pathlib import Path
from shutil import rmtree

import keras
import numpy as np
import tensorflow as tf

HERE = Path(__file__).parent / "keras_tensorboard"


def main() -> None:
    keras.utils.set_random_seed(0)
    generator = np.random.default_rng(0)
    inputs = generator.normal(size=(300, 8)).astype("float32")
    labels = (inputs[:, 0] + inputs[:, 1] ** 2 + generator.normal(size=300) > 1).astype("int32")
    model = keras.Sequential([keras.layers.Dense(32, activation="relu"), keras.layers.Dense(2, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    rmtree(HERE, ignore_errors=True)
    board = keras.callbacks.TensorBoard(str(HERE), write_graph=False)
    data = {"validation_data": (inputs[200:], labels[200:])}
    history = model.fit(inputs[:200], labels[:200], epochs=12, callbacks=[board], verbose=0, **data)
    lines = [f"{name} {' '.join(map(repr, values))}" for name, values in history.history.items()]
    (HERE / "history.txt").write_text("\n".join(lines) + "\n")
    (HERE / "versions.txt").write_text(f"tensorflow {tf.__version__}\nkeras {keras.__version__}\n")


if __name__ == "__main__":
    main()
