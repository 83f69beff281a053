"""A PyTorch loop of your own: test loss over width and epochs, from one training for each width and replicate.

python examples/training_loops/pytorch_loop.py
"""
# needs: torch==2.13.0

from __future__ import annotations

import torch

import benign


def fit(split, size, seed):
    """Train two layers on the split and give, after each epoch, the function that predicts then."""
    torch.manual_seed(seed)
    inputs, labels = torch.tensor(split.train_inputs).float(), torch.tensor(split.train_labels)
    model = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(64, size), torch.nn.ReLU(), torch.nn.Linear(size, 10)
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for epoch in range(1, 31):
        for rows in torch.randperm(len(inputs)).split(25):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(inputs[rows]), labels[rows]).backward()
            optimizer.step()
        yield epoch, lambda images: model(torch.tensor(images).float()).detach()


width = benign.from_training_loop(fit, size_name="width", outputs="logits")

if __name__ == "__main__":
    digits = benign.sources.digits(label_noise=0.1)
    surface = benign.measure(width, digits, samples=[150], sizes=[4, 64], times=[1, 3, 10, 30], replicates=2, workers=1)
    print(surface.to_pandas().pivot_table("test_loss", "time", "size").round(3))
