"""Writes tensorboard/: what the writers of PyTorch and of tensorboardX leave. Needs torch, tensorboard, tensorboardX.

Made with torch 2.13.0, tensorboard 2.21.0, tensorboardX 2.6.5 (``versions.txt`` beside the files). No test runs this.
"""

from __future__ import annotations

import time
from pathlib import Path
from shutil import rmtree
from typing import Any

import tensorboard
import tensorboardX
import torch
from torch.utils.tensorboard import SummaryWriter

HERE = Path(__file__).parent / "tensorboard"


def losses(epoch: int) -> dict[str, float]:
    return {"train": 2.0 / (1 + epoch), "val": 2.2 / (1 + epoch) + 0.002 * epoch**1.5}


def write(writer: Any, epochs: range, *, together: bool) -> None:
    for epoch in epochs:
        if together:
            writer.add_scalars("Loss", losses(epoch), epoch)
        else:
            for name, value in losses(epoch).items():
                writer.add_scalar(f"Loss/{name}", value, epoch)
        writer.add_scalar("lr", 0.1 if epoch < 20 else 0.01, epoch)
    writer.add_text("notes", "no curve")
    writer.add_histogram("weights", torch.arange(4.0), 0)
    writer.close()


def main() -> None:
    rmtree(HERE, ignore_errors=True)
    write(SummaryWriter(str(HERE / "resumed")), range(30), together=False)
    time.sleep(1.1)  # the name of a file has the second in it
    write(SummaryWriter(str(HERE / "resumed")), range(25, 40), together=False)
    write(SummaryWriter(str(HERE / "together")), range(40), together=True)
    write(tensorboardX.SummaryWriter(str(HERE / "x")), range(40), together=True)
    versions = [f"{one.__name__} {one.__version__}" for one in (torch, tensorboard, tensorboardX)]
    (HERE / "versions.txt").write_text("\n".join(versions) + "\n")


if __name__ == "__main__":
    main()
