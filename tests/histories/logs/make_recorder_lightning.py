"""Writes recorder_lightning/: the log of a small training that LightningRecorder watches. Needs lightning and torch.

Made with Lightning 2.6.6 on torch 2.13.0 (``versions.txt`` beside the file). No test runs this. It fails unless the
training is bit for bit the one without a recorder.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import lightning
import torch
from torch.utils.data import DataLoader, TensorDataset

from benign.histories.recorders.lightning import LightningRecorder

HERE = Path(__file__).parent / "recorder_lightning"


class Net(lightning.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(8, 32),
            torch.nn.BatchNorm1d(32),
            torch.nn.ReLU(),
            torch.nn.Dropout(0.1),
            torch.nn.Linear(32, 2),
        )

    def forward(self, inputs):
        return self.layers(inputs)

    def training_step(self, batch, index):
        return torch.nn.functional.cross_entropy(self(batch[0]), batch[1])

    def validation_step(self, batch, index):
        self.log("val_loss", torch.nn.functional.cross_entropy(self(batch[0]), batch[1]))

    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.parameters(), lr=0.1)
        return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 10)]


def trained(callbacks, *, epochs: int = 24, checkpoint: str | None = None, save: Path | None = None):
    lightning.seed_everything(0, verbose=False)
    inputs = torch.randn(600, 8)
    labels = (inputs[:, 0] + inputs[:, 1] ** 2 + torch.randn(600) > 1).long()
    train = DataLoader(TensorDataset(inputs[:400], labels[:400]), batch_size=20, shuffle=True)
    validation = DataLoader(TensorDataset(inputs[400:], labels[400:]), batch_size=100)
    trainer = lightning.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        logger=False,
        callbacks=callbacks,
        accumulate_grad_batches=2,
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=False,
    )
    net = Net()
    trainer.fit(net, train, validation, ckpt_path=checkpoint)
    if save is not None:
        trainer.save_checkpoint(save)
    return list(net.state_dict().values())


def main() -> None:
    shutil.rmtree(HERE, ignore_errors=True)
    HERE.mkdir()
    path = HERE / "log.jsonl"
    without = trained([])
    recorder = LightningRecorder(path, label_noise=0.2, gradient_penalty=True)
    assert isinstance(recorder, lightning.Callback)
    with tempfile.TemporaryDirectory() as folder:
        watched = trained([recorder], save=Path(folder) / "c.ckpt")
        for one, other in zip(without, watched, strict=True):
            assert torch.equal(one, other)
        again = LightningRecorder(path, label_noise=0.2, gradient_penalty=True)
        trained([again], epochs=30, checkpoint=str(Path(folder) / "c.ckpt"))  # goes on with the log
    (HERE / "versions.txt").write_text(f"lightning {lightning.__version__}\ntorch {torch.__version__}\n")


if __name__ == "__main__":
    main()
