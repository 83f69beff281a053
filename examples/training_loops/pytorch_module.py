"""A PyTorch module alone: ``benign.from_torch`` trains it, every replicate on the same batches as ``benign.MLP``.

python examples/training_loops/pytorch_module.py
"""
# needs: torch==2.13.0 safetensors==0.8.0

from __future__ import annotations

from torch import nn

import benign


def build(channels):
    """One convolution, as wide as said, and a linear layer on images of 8 x 8 pixels."""
    convolution = nn.Conv2d(1, channels, kernel_size=3, padding=1)
    return nn.Sequential(convolution, nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16 * channels, 10))


channels = benign.from_torch(build, size_name="channels", learning_rate=0.01, epochs=30, batch_size=25)

if __name__ == "__main__":
    digits, times = benign.sources.digits(label_noise=0.1), [1, 3, 10, 30]
    surface = benign.measure(channels, digits, samples=[150], sizes=[2, 16], times=times, replicates=2, workers=1)
    print(surface.to_pandas().pivot_table("test_loss", "time", "size").round(3))
