"""Writes lightning/: the metrics.csv and the progress bar of one small training. Needs lightning and torch.

Made with Lightning 2.6.6 on torch 2.13.0 (``versions.txt`` beside the files). No test runs this.
"""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

import lightning
import torch
from lightning.pytorch.callbacks import LearningRateMonitor, TQDMProgressBar
from lightning.pytorch.loggers import CSVLogger
from torch.utils.data import DataLoader, TensorDataset

HERE = Path(__file__).parent / "lightning"


class Net(lightning.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Linear(8, 32), torch.nn.ReLU(), torch.nn.Linear(32, 2))

    def training_step(self, batch, index):
        loss = torch.nn.functional.cross_entropy(self.layers(batch[0]), batch[1])
        self.log("train_loss", loss, on_step=True, on_epoch=True, prog_bar=True)
        return loss

    def validation_step(self, batch, index):
        outputs = self.layers(batch[0])
        self.log("val_loss", torch.nn.functional.cross_entropy(outputs, batch[1]), prog_bar=True)
        self.log("val_acc", (outputs.argmax(1) == batch[1]).float().mean())

    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.parameters(), lr=0.1)
        return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 4)]


def main() -> None:
    lightning.seed_everything(0)
    inputs = torch.randn(300, 8)
    labels = (inputs[:, 0] + inputs[:, 1] ** 2 + torch.randn(300) > 1).long()
    train = DataLoader(TensorDataset(inputs[:200], labels[:200]), batch_size=20, shuffle=True)
    validation = DataLoader(TensorDataset(inputs[200:], labels[200:]), batch_size=100)
    shutil.rmtree(HERE, ignore_errors=True)
    HERE.mkdir()
    with (HERE / "progress.txt").open("w") as file, contextlib.redirect_stdout(file):
        trainer = lightning.Trainer(
            max_epochs=10,
            accelerator="cpu",
            log_every_n_steps=5,
            logger=CSVLogger(HERE, name="logs"),
            callbacks=[LearningRateMonitor(), TQDMProgressBar(refresh_rate=5)],
            enable_checkpointing=False,
            enable_model_summary=False,
        )
        trainer.fit(Net(), train, validation)
    (HERE / "versions.txt").write_text(f"lightning {lightning.__version__}\ntorch {torch.__version__}\n")


if __name__ == "__main__":
    main()
