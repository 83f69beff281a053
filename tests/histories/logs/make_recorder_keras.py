"""Writes recorder_keras/: the log of a small training that KerasRecorder watches. Needs keras and a backend.

Made with the versions that the log's first line names: Keras on PyTorch and on JAX, each in an environment of its own.
No test runs this. It fails unless the training is bit for bit the one without a recorder.

    KERAS_BACKEND=torch python make_recorder_keras.py
"""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np

from benign.histories.recorders.keras import KerasRecorder

HERE = Path(__file__).parent / "recorder_keras"


def data(seed: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    inputs = generator.normal(size=(400, 8)).astype("float32")
    noise = generator.normal(size=400)
    return inputs, (inputs[:, 0] + inputs[:, 1] ** 2 + 0.5 * noise > 1).astype("int32")


def built() -> keras.Model:
    keras.utils.set_random_seed(0)
    layers = [
        keras.layers.Dense(32, activation="relu"),
        keras.layers.BatchNormalization(),
        keras.layers.Dropout(0.1),
        keras.layers.Dense(2, activation="softmax"),
    ]
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def fit(model: keras.Model, *callbacks: keras.callbacks.Callback, epochs: int = 24, first: int = 0) -> None:
    model.fit(*data(0), batch_size=20, epochs=epochs, initial_epoch=first, callbacks=list(callbacks), verbose=0)


def main() -> None:
    HERE.mkdir(exist_ok=True)
    path = HERE / f"{keras.backend.backend()}.jsonl"
    path.unlink(missing_ok=True)
    told = {"relabelled": np.arange(400) % 10 == 0}
    without, watched = built(), built()
    keras.utils.set_random_seed(1)
    fit(without)
    keras.utils.set_random_seed(1)
    recorder = KerasRecorder(data(0), data(1), path, **told)
    assert isinstance(recorder, keras.callbacks.Callback)
    fit(watched, recorder)
    for one, other in zip(without.get_weights(), watched.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    fit(watched, KerasRecorder(data(0), data(1), path, **told), epochs=30, first=24)  # goes on with the log


if __name__ == "__main__":
    main()
