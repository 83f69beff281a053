"""A Keras model, on any of its backends: fitted one epoch after the other, which goes on with the same optimiser.

KERAS_BACKEND=torch python examples/training_loops/keras_model.py
"""
# needs: torch==2.13.0 keras==3.15.1

from __future__ import annotations

import keras

import benign


def fit(split, size, seed):
    """Train two layers on the split and give, after each epoch, the function that predicts then."""
    keras.utils.set_random_seed(seed)
    layers = [keras.layers.Flatten(), keras.layers.Dense(size, activation="relu"), keras.layers.Dense(10)]
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.Adam(0.01), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    for epoch in range(1, 31):
        model.fit(split.train_inputs, split.train_labels, batch_size=25, verbose=0)
        yield epoch, lambda images: model.predict(images, verbose=0)


width = benign.from_training_loop(fit, size_name="width", outputs="logits")

if __name__ == "__main__":
    digits = benign.sources.digits(label_noise=0.1)
    surface = benign.measure(width, digits, samples=[150], sizes=[4, 64], times=[1, 3, 10, 30], replicates=2, workers=1)
    print(surface.to_pandas().pivot_table("test_loss", "time", "size").round(3))
