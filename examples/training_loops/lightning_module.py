"""A Lightning module: one training by its Trainer, of which a callback keeps the network after each epoch.

python examples/training_loops/lightning_module.py
"""
# needs: torch==2.13.0 lightning==2.6.6

from __future__ import annotations

import copy

import lightning
import torch
from torch.utils.data import DataLoader, TensorDataset

import benign


class Net(lightning.LightningModule):
    """Two layers, the hidden one as wide as said."""

    def __init__(self, width):
        super().__init__()
        layers = torch.nn.Linear(64, width), torch.nn.ReLU(), torch.nn.Linear(width, 10)
        self.network, self.kept = torch.nn.Sequential(torch.nn.Flatten(), *layers), []

    def training_step(self, batch):
        """The mean loss of a batch."""
        return torch.nn.functional.cross_entropy(self.network(batch[0]), batch[1])

    def configure_optimizers(self):
        """Adam."""
        return torch.optim.Adam(self.parameters(), lr=0.01)

    def on_train_epoch_end(self):
        """Keep the network as it is now."""
        self.kept.append(copy.deepcopy(self.network))


def fit(split, size, seed):
    """Train on the split to the end, then give, for each epoch, the function that predicted then."""
    lightning.seed_everything(seed, verbose=False)
    data = TensorDataset(torch.tensor(split.train_inputs).float(), torch.tensor(split.train_labels))
    module, quiet = Net(size), {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    trainer = lightning.Trainer(max_epochs=30, accelerator="cpu", enable_model_summary=False, **quiet)
    trainer.fit(module, DataLoader(data, batch_size=25, shuffle=True))
    for epoch, network in enumerate(module.kept, start=1):
        yield epoch, lambda images, network=network: network(torch.tensor(images).float()).detach()


width = benign.from_training_loop(fit, size_name="width", outputs="logits")

if __name__ == "__main__":
    digits = benign.sources.digits(label_noise=0.1)
    surface = benign.measure(width, digits, samples=[150], sizes=[4, 64], times=[1, 3, 10, 30], replicates=2, workers=1)
    print(surface.to_pandas().pivot_table("test_loss", "time", "size").round(3))
